/* Runs a model with the reference kernels; see ml_reference.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_reference.h"


static int
ml_reference_bytes(const ml_array_t *array, size_t *bytes)
{
    return ml_tensor_size(array->dtype, array->rank, array->dims, bytes);
}


static int
ml_reference_nodes(const ml_model_t *model, ml_array_t *arrays)
{
    size_t             bytes;
    uint32_t           i, j;
    const ml_node_t   *node;
    const ml_array_t  *given[ML_MAX_INPUTS];

    for (i = 0; i < model->nnodes; i++) {
        node = &model->nodes[i];

        for (j = 0; j < node->ninputs; j++) {
            given[j] = node->inputs[j] == ML_ABSENT
                           ? NULL : &arrays[node->inputs[j]];
        }

        if (ml_reference_bytes(&arrays[node->output], &bytes) != 0) {
            return -1;
        }

        arrays[node->output].data = malloc(bytes ? bytes : 1);

        if (arrays[node->output].data == NULL) {
            return -1;
        }

        node->operator->kernel(node, given, &arrays[node->output]);
    }

    return 0;
}


int
ml_reference_run(const ml_model_t *model, int64_t rows,
    const void *const *inputs, void *const *outputs)
{
    int          rc;
    size_t       bytes;
    uint32_t     i;
    ml_array_t  *arrays;

    arrays = calloc(model->nvalues + 1, sizeof(ml_array_t));

    if (arrays == NULL) {
        return -1;
    }

    for (i = 0; i < model->nvalues; i++) {
        arrays[i].dtype = model->values[i].dtype;
        arrays[i].rank = model->values[i].rank;
        memcpy(arrays[i].dims, model->values[i].dims, sizeof(arrays[i].dims));
        arrays[i].data = model->values[i].data;

        if (arrays[i].rank > 0 && arrays[i].dims[0] == ML_ROWS) {
            arrays[i].dims[0] = rows;
        }
    }

    for (i = 0; i < model->ninputs; i++) {
        arrays[model->inputs[i]].data = (void *) inputs[i];
    }

    rc = ml_reference_nodes(model, arrays);

    for (i = 0; rc == 0 && i < model->noutputs; i++) {
        rc = ml_reference_bytes(&arrays[model->outputs[i]], &bytes);

        if (rc == 0) {
            memcpy(outputs[i], arrays[model->outputs[i]].data, bytes);
        }
    }

    for (i = 0; i < model->nnodes; i++) {
        free(arrays[model->nodes[i].output].data);
    }

    free(arrays);

    return rc;
}
