/* The work of a run, and its graph; see ml_backend_cuda.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_backend_cuda.h"


/*
 * Up to so many bytes are copied from and to page-locked memory by a kernel:
 * that begins and ends sooner than a copy engine does (bench/gpu_check).
 */
#ifndef ML_CUDA_COPY_BYTES
#define ML_CUDA_COPY_BYTES  1048576
#endif


/* A step in hand: what the callback of ml_cuda_node() needs. */
typedef struct {
    ml_backend_context_t  *context;
    ml_cuda_matmul_t      *matmul;
    ml_dtype_e             dtype;
    ml_cuda_error_t       *error;
} ml_cuda_work_t;


/* Kernels are few, and looked up by name once each. */

static ml_backend_status_e
ml_cuda_function(ml_backend_context_t *context, const char *name,
    CUfunction *function, ml_cuda_error_t *error)
{
    size_t                i;
    ml_cuda_function_t   *functions;
    ml_backend_status_e   rc;

    for (i = 0; i < context->nfunctions; i++) {
        if (strcmp(context->functions[i].name, name) == 0) {
            *function = context->functions[i].function;
            return ML_BACKEND_OK;
        }
    }

    functions = realloc(context->functions,
                        (i + 1) * sizeof(ml_cuda_function_t));

    if (functions == NULL) {
        return ml_cuda_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
    }

    context->functions = functions;

    rc = ml_cuda_check(error, ml_cuda.cuModuleGetFunction(function,
                                                          context->module,
                                                          name), name);

    if (rc == ML_BACKEND_OK) {
        strcpy(functions[i].name, name);
        functions[i].function = *function;
        context->nfunctions++;
    }

    return rc;
}


static int
ml_cuda_is_product(const ml_cuda_launch_t *launch)
{
    return strncmp(launch->name, "ml_cuda_product_", 16) == 0;
}


/* The launches of a step, when it is planned: of products, prepares these. */

static int
ml_cuda_plan_launch(void *data, const ml_cuda_launch_t *launch)
{
    CUfunction       function;
    ml_cuda_work_t  *work;

    work = data;

    if (ml_cuda_is_product(launch)) {
        return (int) ml_cuda_matmul(work->context,
                                    &launch->parameters.product, work->dtype,
                                    0, 0, work->matmul, work->error);
    }

    return (int) ml_cuda_function(work->context, launch->name, &function,
                                  work->error);
}


static int
ml_cuda_launch(void *data, const ml_cuda_launch_t *launch)
{
    void                 *parameters[1];
    CUfunction            function;
    ml_cuda_work_t       *work;
    ml_backend_status_e   rc;

    work = data;

    if (work->matmul->operation && ml_cuda_is_product(launch)) {
        return (int) ml_cuda_matmul_run(work->context, work->matmul,
                                        &launch->parameters.product,
                                        work->error);
    }

    rc = ml_cuda_function(work->context, launch->name, &function, work->error);

    if (rc != ML_BACKEND_OK) {
        return (int) rc;
    }

    parameters[0] = (void *) &launch->parameters;

    return (int) ml_cuda_check(work->error,
                     ml_cuda.cuLaunchKernel(function, launch->blocks, 1, 1,
                                            launch->threads, 1, 1, 0,
                                            work->context->stream, parameters,
                                            NULL),
                     launch->name);
}


/* A linear step as a product of its own shape. */

static void
ml_cuda_linear(const ml_backend_context_t *context,
    const ml_cuda_plan_t *plan, const ml_step_t *step, ml_cuda_product_t *p)
{
    uint32_t            i;
    const ml_array_t   *input;
    const ml_linear_t  *linear;

    linear = step->linear;
    input = &plan->arrays[step->input];

    memset(p, 0, sizeof(ml_cuda_product_t));

    p->output = plan->arrays[step->output].data;
    p->a = input->data;
    p->b = (void *) context->constant[linear->value - context->model->values];
    p->alpha = linear->alpha;
    p->n = (uint64_t) linear->n;
    p->k = (uint64_t) linear->k;

    for (p->m = 1, i = 0; i + 1 < input->rank; i++) {
        p->m *= (uint64_t) input->dims[i];
    }

    p->elements = p->m * p->n;
    p->a_steps[0] = p->k;
    p->a_steps[1] = 1;
    p->b_steps[0] = linear->transposed ? 1 : p->n;
    p->b_steps[1] = linear->transposed ? p->k : 1;
}


static ml_backend_status_e
ml_cuda_run_linear(ml_cuda_work_t *work, const ml_cuda_plan_t *plan,
    const ml_step_t *step)
{
    int                   rc;
    ml_cuda_product_t     product;

    ml_cuda_linear(work->context, plan, step, &product);

    if (product.elements == 0) {
        return ML_BACKEND_OK;
    }

    rc = (int) ml_cuda_matmul_run(work->context, work->matmul, &product,
                                  work->error);

    if (rc == ML_BACKEND_OK && work->matmul->relu) {
        rc = ml_cuda_relu(&plan->arrays[step->output], ml_cuda_launch, work);
    }

    return (ml_backend_status_e) rc;
}


/*
 * Goes through the steps: plans them, or puts them on the stream.  What
 * ml_cuda_node() returns is our own status, or -1.
 */
static ml_backend_status_e
ml_cuda_plan_steps(ml_backend_context_t *context, ml_cuda_plan_t *plan,
    ml_cuda_launch_pt launch, ml_cuda_error_t *error)
{
    int                   rc;
    size_t                i, j;
    ml_step_t            *step;
    ml_cuda_work_t        work;
    ml_cuda_product_t     product;

    work.context = context;
    work.error = error;

    for (i = 0; i < context->steps.nsteps; i++) {

        step = &context->steps.steps[i];
        work.matmul = &plan->matmuls[i];
        work.dtype = plan->arrays[step->output].dtype;

        if (step->linear == NULL) {

            for (j = 0; j < step->node->ninputs; j++) {
                plan->inputs[j] = step->node->inputs[j] == ML_ABSENT
                                  ? NULL
                                  : &plan->arrays[step->node->inputs[j]];
            }

            rc = ml_cuda_node(step->node, plan->inputs,
                              &plan->arrays[step->output], launch, &work);

            if (rc == -1) {
                return ml_cuda_fail(error, ML_BACKEND_ERROR,
                                    step->node->operator->name);
            }

        } else if (launch == ml_cuda_launch) {
            rc = (int) ml_cuda_run_linear(&work, plan, step);

        } else {
            ml_cuda_linear(context, plan, step, &product);
            rc = (int) ml_cuda_matmul(context, &product, work.dtype,
                                      context->bias[i], step->linear->relu,
                                      work.matmul, error);

            if (rc == ML_BACKEND_OK && work.matmul->relu) {
                rc = ml_cuda_relu(&plan->arrays[step->output], launch, &work);
            }
        }

        if (rc != ML_BACKEND_OK) {
            return (ml_backend_status_e) rc;
        }
    }

    return ML_BACKEND_OK;
}


/* Where an input or output lies on the device. */

static CUdeviceptr
ml_cuda_bound(const ml_backend_context_t *context, const ml_bound_t *bound)
{
    return context->memory
           + context->io[bound->index
                         + (bound->output ? context->model->ninputs : 0)];
}


static void
ml_cuda_addresses(ml_backend_context_t *context, ml_cuda_plan_t *plan)
{
    int32_t            value, root;
    ml_bound_t         bound;
    const ml_model_t  *model;

    model = context->model;

    for (value = 0; value < (int32_t) model->nvalues; value++) {

        root = context->steps.root[value];

        if (model->values[value].data != NULL) {
            plan->arrays[value].data = (void *) context->constant[value];

        } else if (ml_layout_bound(model, root, &bound)) {
            plan->arrays[value].data = (void *) ml_cuda_bound(context,
                                                              &bound);

        } else {
            plan->arrays[value].data = (void *) (context->memory
                                                 + context->io_bytes
                                                 + plan->offsets[root]);
        }
    }
}


size_t
ml_cuda_bytes(const ml_cuda_plan_t *plan, int32_t value)
{
    size_t             bytes;
    const ml_array_t  *array;

    array = &plan->arrays[value];

    return ml_tensor_size(array->dtype, array->rank, array->dims, &bytes) == 0
           ? bytes : 0;
}


/* A copy between the device and page-locked memory, which it sees as well. */

static ml_backend_status_e
ml_cuda_copy_io(ml_backend_context_t *context, CUdeviceptr to,
    CUdeviceptr from, size_t bytes, ml_cuda_error_t *error)
{
    ml_cuda_work_t    work;
    ml_cuda_matmul_t  none;

    if (bytes == 0) {
        return ML_BACKEND_OK;
    }

    if (bytes > ML_CUDA_COPY_BYTES) {
        return ml_cuda_check(error, ml_cuda.cuMemcpyAsync(to, from, bytes,
                                                          context->stream),
                             "inputs or outputs cannot be copied");
    }

    memset(&none, 0, sizeof(none));

    work.context = context;
    work.matmul = &none;
    work.error = error;

    return (ml_backend_status_e) ml_cuda_move((void *) to,
                                              (const void *) from, bytes,
                                              ml_cuda_launch, &work);
}


/* All that a run does, from the page-locked inputs to the outputs. */

static ml_backend_status_e
ml_cuda_work(ml_backend_context_t *context, ml_cuda_plan_t *plan,
    ml_cuda_error_t *error)
{
    uint32_t              i;
    ml_bound_t            from;
    CUdeviceptr           pinned;
    const ml_model_t     *model;
    ml_backend_status_e   rc;

    model = context->model;
    pinned = (CUdeviceptr) context->pinned;

    for (i = 0; i < model->ninputs; i++) {

        rc = ml_cuda_copy_io(context, context->memory + context->io[i],
                             pinned + context->io[i],
                             ml_cuda_bytes(plan, model->inputs[i]), error);

        if (rc != ML_BACKEND_OK) {
            return rc;
        }
    }

    rc = ml_cuda_plan_steps(context, plan, ml_cuda_launch, error);

    if (rc != ML_BACKEND_OK) {
        return rc;
    }

    for (i = 0; i < model->noutputs; i++) {

        /* an output that is an input has no step */

        (void) ml_layout_bound(model, model->outputs[i], &from);

        rc = ml_cuda_copy_io(context,
                             pinned + context->io[model->ninputs + i],
                             ml_cuda_bound(context, &from),
                             ml_cuda_bytes(plan, model->outputs[i]), error);

        if (rc != ML_BACKEND_OK) {
            return rc;
        }
    }

    return ML_BACKEND_OK;
}


/*
 * The work is done once as it is, so that whatever is loaded at first use is
 * loaded before the capture, which forbids that; then it is captured.
 */
ml_backend_status_e
ml_cuda_capture(ml_backend_context_t *context, ml_cuda_plan_t *plan,
    ml_cuda_error_t *error)
{
    CUgraph               graph;
    CUresult              result;
    ml_backend_status_e   rc;

    ml_cuda_addresses(context, plan);

    rc = ml_cuda_work(context, plan, error);

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error,
                           ml_cuda.cuStreamSynchronize(context->stream),
                           "a first run failed");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error,
                           ml_cuda.cuStreamBeginCapture(context->stream,
                                    CU_STREAM_CAPTURE_MODE_THREAD_LOCAL),
                           "no capture");
    }

    if (rc != ML_BACKEND_OK) {
        return rc;
    }

    rc = ml_cuda_work(context, plan, error);

    /* a capture that is begun must be ended */

    graph = NULL;
    result = ml_cuda.cuStreamEndCapture(context->stream, &graph);

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error, result, "a capture failed");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error, ml_cuda.cuGraphInstantiate(&plan->graph,
                                                             graph, 0),
                           "a graph cannot be instantiated");

        if (rc != ML_BACKEND_OK) {
            plan->graph = NULL;
        }
    }

    if (graph) {
        (void) ml_cuda.cuGraphDestroy(graph);
    }

    return rc;
}


ml_backend_status_e
ml_cuda_plan(ml_backend_context_t *context, int64_t rows,
    ml_cuda_plan_t **result, ml_cuda_error_t *error)
{
    size_t                i, n;
    ml_cuda_plan_t       *plan;
    const ml_model_t     *model;
    ml_backend_status_e   rc;

    model = context->model;

    plan = calloc(1, sizeof(ml_cuda_plan_t));

    if (plan == NULL) {
        return ml_cuda_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
    }

    for (i = 0, n = 0; i < model->nnodes; i++) {
        n = model->nodes[i].ninputs > n ? model->nodes[i].ninputs : n;
    }

    plan->rows = rows;
    plan->arrays = calloc(model->nvalues + 1, sizeof(ml_array_t));
    plan->inputs = calloc(n + 1, sizeof(ml_array_t *));
    plan->matmuls = calloc(context->steps.nsteps + 1,
                           sizeof(ml_cuda_matmul_t));

    if (plan->arrays == NULL || plan->inputs == NULL || plan->matmuls == NULL)
    {
        rc = ml_cuda_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
        goto failed;
    }

    ml_layout_arrays(model, rows, plan->arrays);

    plan->offsets = ml_layout_place(model, &context->steps, plan->arrays,
                                    ML_CUDA_ALIGN, &plan->values);

    if (plan->offsets == NULL) {
        rc = ml_cuda_fail(error, ML_BACKEND_MEMORY, "a plan for that many "
                          "rows takes more than 1 GiB, or memory is out");
        goto failed;
    }

    rc = ml_cuda_reserve(context, plan, error);

    if (rc != ML_BACKEND_OK) {
        goto failed;
    }

    ml_cuda_addresses(context, plan);

    rc = ml_cuda_plan_steps(context, plan, ml_cuda_plan_launch, error);

    if (rc != ML_BACKEND_OK) {
        goto failed;
    }

    *result = plan;

    return ML_BACKEND_OK;

failed:

    ml_cuda_plan_free(context, plan);

    return rc;
}


void
ml_cuda_plan_free(ml_backend_context_t *context, ml_cuda_plan_t *plan)
{
    size_t  i;

    if (plan->graph) {
        (void) ml_cuda.cuGraphExecDestroy(plan->graph);
    }

    for (i = 0; plan->matmuls && i < context->steps.nsteps; i++) {
        ml_cuda_matmul_free(&plan->matmuls[i]);
    }

    free(plan->matmuls);
    free(plan->arrays);
    free(plan->inputs);
    free(plan->offsets);
    free(plan);
}
