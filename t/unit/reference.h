/*
 * Runs a model with the reference kernels alone, one allocation per value:
 * the oracle of backends.
 */

#ifndef REFERENCE_H
#define REFERENCE_H

#include <stdlib.h>
#include <string.h>

#include "ml_graph.h"


static size_t
reference_bytes(const ml_array_t *array)
{
    size_t  bytes;

    if (ml_tensor_size(array->dtype, array->rank, array->dims, &bytes) != 0) {
        abort();
    }

    return bytes;
}


/* inputs and outputs as for ml_backend_t.run(); aborts without memory. */

static void
reference_run(const ml_model_t *model, int64_t rows,
    const void *const *inputs, void *const *outputs)
{
    uint32_t           i, j;
    ml_array_t        *arrays;
    const ml_node_t   *node;
    const ml_array_t  *given[ML_MAX_INPUTS];

    arrays = calloc(model->nvalues + 1, sizeof(ml_array_t));

    if (arrays == NULL) {
        abort();
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

    for (i = 0; i < model->nnodes; i++) {
        node = &model->nodes[i];

        for (j = 0; j < node->ninputs; j++) {
            given[j] = node->inputs[j] == ML_ABSENT
                           ? NULL : &arrays[node->inputs[j]];
        }

        arrays[node->output].data = malloc(
            reference_bytes(&arrays[node->output]) + 1);

        if (arrays[node->output].data == NULL) {
            abort();
        }

        node->operator->kernel(node, given, &arrays[node->output]);
    }

    for (i = 0; i < model->noutputs; i++) {
        memcpy(outputs[i], arrays[model->outputs[i]].data,
               reference_bytes(&arrays[model->outputs[i]]));
    }

    for (i = 0; i < model->nnodes; i++) {
        free(arrays[model->nodes[i].output].data);
    }

    free(arrays);
}


#endif /* REFERENCE_H */
