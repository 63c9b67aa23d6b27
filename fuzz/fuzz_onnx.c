/* link: -lm */

/* so that a run takes milliseconds, whatever the model asks for */
#define ML_CONSTANT_LIMIT  ((size_t) 1 << 20)
#define ML_WORK_LIMIT      ((uint64_t) 1 << 20)
#define ML_VALUE_LIMIT     ((size_t) 1 << 14)

#include "engine.h"
#include "ml_reference.c"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static size_t
array_bytes(const ml_array_t *array)
{
    size_t  bytes;

    if (ml_tensor_size(array->dtype, array->rank, array->dims, &bytes) != 0) {
        abort();
    }

    return bytes;
}


/* Operations that a run takes, as ml_build.c counts them. */

static uint64_t
work(const ml_model_t *model)
{
    uint64_t           n;
    uint32_t           i, j;
    const ml_node_t   *node;
    const ml_value_t  *value;

    n = 0;

    for (i = 0; i < model->nnodes; i++) {
        node = &model->nodes[i];
        n += ml_value_elements(&model->values[node->output]);

        for (j = 0; j < node->ninputs; j++) {
            if (node->inputs[j] != ML_ABSENT) {
                value = &model->values[node->inputs[j]];
                n += ml_value_elements(value)
                     * (node->operator->kind == ML_KIND_MATMUL
                        || node->operator->kind == ML_KIND_GEMM ? 64 : 1);
            }
        }
    }

    return n;
}


/*
 * A file is refused with a reason, or becomes a model that keeps what
 * ml_graph.h promises and whose kernels run on anything.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               error[512];
    void              *inputs[ML_ONNX_MAX_PORTS], *outputs[ML_ONNX_MAX_PORTS];
    uint32_t           i, j;
    ml_array_t         array;
    ml_model_t        *model;
    const ml_value_t  *value;

    error[0] = '\0';
    model = ml_model_read(data, size, error, sizeof(error));

    if (model == NULL) {
        if (error[0] == '\0') {
            abort();
        }

        return 0;
    }

    for (i = 0; i < model->nnodes; i++) {
        value = &model->values[model->nodes[i].output];

        if (model->nodes[i].operator->kernel == NULL || value->data != NULL
            || (model->batched
                && (value->rank == 0 || value->dims[0] != ML_ROWS)))
        {
            abort();
        }

        for (j = model->batched; j < value->rank; j++) {
            if (value->dims[j] < 1) {
                abort();
            }
        }
    }

    if (work(model) > 1 << 22) {
        ml_model_close(model);
        return 0;
    }

    for (i = 0; i < model->ninputs + model->noutputs; i++) {

        value = &model->values[i < model->ninputs
                                   ? model->inputs[i]
                                   : model->outputs[i - model->ninputs]];
        ml_value_array(value, &array);

        if (model->batched) {
            array.dims[0] = 2;
        }

        /* an input has no limit of its own: its size is the caller's */

        if (ml_value_elements(value) > 1 << 16) {
            for (j = 0; j < i; j++) {
                free(j < model->ninputs ? inputs[j]
                                        : outputs[j - model->ninputs]);
            }

            ml_model_close(model);
            return 0;
        }

        if (i < model->ninputs) {
            inputs[i] = calloc(1, array_bytes(&array) + 1);

        } else {
            outputs[i - model->ninputs] = calloc(1, array_bytes(&array) + 1);
        }
    }

    (void) ml_reference_run(model, model->batched ? 2 : 1,
                            (const void *const *) inputs, outputs);

    for (i = 0; i < model->ninputs; i++) {
        free(inputs[i]);
    }

    for (i = 0; i < model->noutputs; i++) {
        free(outputs[i]);
    }

    ml_model_close(model);

    return 0;
}
