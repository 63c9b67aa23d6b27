/* Device memory and page-locked memory; see ml_backend_cuda.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_backend_cuda.h"


static size_t
ml_cuda_aligned(size_t bytes)
{
    return (bytes + ML_CUDA_ALIGN - 1) & ~((size_t) ML_CUDA_ALIGN - 1);
}


/* Constants that some step reads, and biases, in one piece of memory. */

ml_backend_status_e
ml_cuda_constants(ml_backend_context_t *context, ml_cuda_error_t *error)
{
    size_t                i, j, total;
    int32_t               input;
    ml_step_t            *step;
    ml_value_t           *value;
    ml_linear_t          *linear;
    const ml_model_t     *model;
    ml_backend_status_e   rc;

    model = context->model;

    context->constant = calloc(model->nvalues + 1, sizeof(CUdeviceptr));
    context->bias = calloc(context->steps.nsteps + 1, sizeof(CUdeviceptr));

    if (context->constant == NULL || context->bias == NULL) {
        return ml_cuda_fail(error, ML_BACKEND_MEMORY, "no memory");
    }

    /* first offsets plus one, since 0 tells that there is none */

    for (i = 0, total = 0; i < context->steps.nsteps; i++) {

        step = &context->steps.steps[i];
        linear = step->linear;

        if (linear && linear->bias) {
            context->bias[i] = total + 1;
            total += ml_cuda_aligned((size_t) linear->n * sizeof(float));
        }

        for (j = 0; j < (linear ? 1 : step->node->ninputs); j++) {

            input = linear ? (int32_t) (linear->value - model->values)
                           : step->node->inputs[j];

            if (input == ML_ABSENT || model->values[input].data == NULL
                || context->constant[input])
            {
                continue;
            }

            context->constant[input] = total + 1;
            total += ml_cuda_aligned(model->values[input].bytes);
        }
    }

    if (total == 0) {
        return ML_BACKEND_OK;
    }

    rc = ml_cuda_check(error, ml_cuda.cuMemAlloc(&context->constants, total),
                       "no device memory for the weights");

    if (rc != ML_BACKEND_OK) {
        context->constants = 0;
        return rc;
    }

    for (i = 0; i < model->nvalues; i++) {

        if (context->constant[i] == 0) {
            continue;
        }

        context->constant[i] += context->constants - 1;
        value = &model->values[i];

        if (value->bytes == 0) {
            continue;
        }

        rc = ml_cuda_check(error, ml_cuda.cuMemcpyHtoD(context->constant[i],
                                                       value->data,
                                                       value->bytes),
                           "weights cannot be copied");

        if (rc != ML_BACKEND_OK) {
            return rc;
        }
    }

    for (i = 0; i < context->steps.nsteps; i++) {

        if (context->bias[i] == 0) {
            continue;
        }

        context->bias[i] += context->constants - 1;
        linear = context->steps.steps[i].linear;

        rc = ml_cuda_check(error, ml_cuda.cuMemcpyHtoD(context->bias[i],
                               linear->bias,
                               (size_t) linear->n * sizeof(float)),
                           "weights cannot be copied");

        if (rc != ML_BACKEND_OK) {
            return rc;
        }
    }

    return ML_BACKEND_OK;
}


/* Where inputs and outputs lie if there are the plan's rows of them. */

static int
ml_cuda_io(const ml_model_t *model, const ml_cuda_plan_t *plan, size_t *io,
    size_t *total)
{
    size_t             bytes;
    int32_t            value;
    uint32_t           i;
    const ml_array_t  *array;

    *total = 0;

    for (i = 0; i < model->ninputs + model->noutputs; i++) {

        value = i < model->ninputs ? model->inputs[i]
                                   : model->outputs[i - model->ninputs];
        array = &plan->arrays[value];

        if (ml_tensor_size(array->dtype, array->rank, array->dims, &bytes)
            != 0
            || bytes > ML_LAYOUT_LIMIT)
        {
            return -1;
        }

        io[i] = *total;
        *total += ml_cuda_aligned(bytes);

        if (*total > ML_LAYOUT_LIMIT) {
            return -1;
        }
    }

    return 0;
}


ml_backend_status_e
ml_cuda_reserve(ml_backend_context_t *context, const ml_cuda_plan_t *plan,
    ml_cuda_error_t *error)
{
    size_t                n, io_bytes, bytes, *io;
    void                 *pinned;
    CUdeviceptr           memory;
    ml_cuda_plan_t       *other;
    const ml_model_t     *model;
    ml_backend_status_e   rc;

    model = context->model;
    n = (size_t) model->ninputs + model->noutputs;

    io = calloc(n + 1, sizeof(size_t));

    if (io == NULL) {
        return ml_cuda_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
    }

    io_bytes = context->io_bytes;

    if (plan->rows > context->most) {

        if (ml_cuda_io(model, plan, io, &io_bytes) != 0) {
            free(io);
            return ml_cuda_fail(error, ML_BACKEND_MEMORY,
                                "a plan for that many rows takes more than "
                                "1 GiB");
        }

    } else {
        memcpy(io, context->io, n * sizeof(size_t));
    }

    /* values begin behind inputs and outputs */

    bytes = context->memory_bytes - context->io_bytes;
    bytes = io_bytes + (plan->values > bytes ? plan->values : bytes);

    if (plan->rows <= context->most && bytes <= context->memory_bytes) {
        free(io);
        return ML_BACKEND_OK;
    }

    memory = 0;
    pinned = context->pinned;

    /* never 0 bytes, which is an error */

    rc = ml_cuda_check(error, ml_cuda.cuMemAlloc(&memory,
                                                 bytes + ML_CUDA_ALIGN),
                       "no device memory for a plan");

    if (rc != ML_BACKEND_OK) {
        free(io);
        return rc;
    }

    if (plan->rows > context->most) {
        pinned = NULL;
        rc = ml_cuda_check(error, ml_cuda.cuMemHostAlloc(&pinned,
                                                         io_bytes
                                                         + ML_CUDA_ALIGN, 0),
                           "no page-locked memory for a plan");

        if (rc != ML_BACKEND_OK) {
            (void) ml_cuda.cuMemFree(memory);
            free(io);
            return rc;
        }

        memset(pinned, 0, io_bytes + ML_CUDA_ALIGN);

        context->most = plan->rows;
    }

    /* the graphs have the old addresses in them */

    for (other = context->plans; other; other = other->next) {
        if (other->graph) {
            (void) ml_cuda.cuGraphExecDestroy(other->graph);
            other->graph = NULL;
        }
    }

    if (context->memory) {
        (void) ml_cuda.cuMemFree(context->memory);
    }

    if (context->pinned && context->pinned != pinned) {
        (void) ml_cuda.cuMemFreeHost(context->pinned);
    }

    free(context->io);

    context->memory = memory;
    context->memory_bytes = bytes;
    context->pinned = pinned;
    context->io = io;
    context->io_bytes = io_bytes;

    return ML_BACKEND_OK;
}


void
ml_cuda_memory_free(ml_backend_context_t *context)
{
    if (context->memory) {
        (void) ml_cuda.cuMemFree(context->memory);
    }

    if (context->pinned) {
        (void) ml_cuda.cuMemFreeHost(context->pinned);
    }

    if (context->constants) {
        (void) ml_cuda.cuMemFree(context->constants);
    }

    if (context->workspace) {
        (void) ml_cuda.cuMemFree(context->workspace);
    }

    free(context->io);
    free(context->constant);
    free(context->bias);
}
