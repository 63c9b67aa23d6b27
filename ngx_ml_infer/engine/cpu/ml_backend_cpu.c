/*
 * The CPU backend; see ml_backend.h and ml_backend_cpu.h.
 *
 * oneDNN takes its threads from OpenMP and hangs in a child of a process that
 * used it before fork(): nothing here runs before the first call of probe(),
 * load(), plan() or run(), and each of these tells OpenMP to use the calling
 * thread alone.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ml_backend_cpu.h"


/* of libgomp; its header is the compiler's, and not every one has it */
extern void omp_set_num_threads(int n);

const ml_backend_t *ml_backend(void);


ml_backend_status_e
ml_cpu_fail(ml_cpu_error_t *error, ml_backend_status_e status,
    const char *what)
{
    (void) snprintf(error->text, error->size, "%s", what);

    return status;
}


ml_backend_status_e
ml_cpu_dnnl(ml_cpu_error_t *error, dnnl_status_t status, const char *what)
{
    if (status == dnnl_success) {
        return ML_BACKEND_OK;
    }

    (void) snprintf(error->text, error->size, "%s: oneDNN error %d", what,
                    (int) status);

    return status == dnnl_out_of_memory ? ML_BACKEND_MEMORY
                                        : ML_BACKEND_ERROR;
}


static ml_backend_status_e
ml_cpu_probe(const char *argument, char *text, size_t size)
{
    ml_cpu_error_t  error = { text, size };

    if (argument != NULL) {
        return ml_cpu_fail(&error, ML_BACKEND_ERROR,
                           "the CPU is one device and takes no argument");
    }

    if (dnnl_engine_get_count(dnnl_cpu) == 0) {
        return ml_cpu_fail(&error, ML_BACKEND_ERROR, "oneDNN has no CPU");
    }

    return ML_BACKEND_OK;
}


static void
ml_cpu_unload(ml_backend_context_t *context)
{
    ml_cpu_plan_t  *plan, *next;

    for (plan = context->plans; plan; plan = next) {
        next = plan->next;
        ml_cpu_plan_free(context, plan);
    }

    ml_cpu_weights_free(context);
    ml_steps_free(&context->steps);

    (void) dnnl_stream_destroy(context->stream);
    (void) dnnl_engine_destroy(context->engine);

    free(context);
}


static ml_backend_status_e
ml_cpu_load(const ml_model_t *model, const char *argument,
    ml_backend_context_t **result, char *text, size_t size)
{
    ml_cpu_error_t         error = { text, size };
    ml_backend_status_e    rc;
    ml_backend_context_t  *context;

    omp_set_num_threads(1);

    context = calloc(1, sizeof(ml_backend_context_t));

    if (context == NULL) {
        return ml_cpu_fail(&error, ML_BACKEND_MEMORY, "no memory");
    }

    context->model = model;

    rc = ml_cpu_dnnl(&error, dnnl_engine_create(&context->engine, dnnl_cpu, 0),
                     "no engine");

    if (rc == ML_BACKEND_OK) {
        rc = ml_cpu_dnnl(&error,
                         dnnl_stream_create(&context->stream, context->engine,
                                            dnnl_stream_default_flags),
                         "no stream");
    }

    if (rc == ML_BACKEND_OK && ml_steps_find(&context->steps, model) != 0) {
        rc = ml_cpu_fail(&error, ML_BACKEND_MEMORY, "no memory for a model");
    }

    if (rc != ML_BACKEND_OK) {
        ml_cpu_unload(context);
        return rc;
    }

    *result = context;

    return ML_BACKEND_OK;
}


static ml_cpu_plan_t *
ml_cpu_find(ml_backend_context_t *context, int64_t rows)
{
    ml_cpu_plan_t  *plan;

    for (plan = context->plans; plan; plan = plan->next) {
        if (plan->rows == rows) {
            break;
        }
    }

    return plan;
}


static ml_backend_status_e
ml_cpu_prepare(ml_backend_context_t *context, int64_t rows, char *text,
    size_t size)
{
    ml_cpu_plan_t        *plan;
    ml_cpu_error_t        error = { text, size };
    ml_backend_status_e   rc;

    if (rows < 1 || (rows != 1 && !context->model->batched)) {
        return ml_cpu_fail(&error, ML_BACKEND_ERROR,
                           "the model cannot be run with that many rows");
    }

    if (ml_cpu_find(context, rows) != NULL) {
        return ML_BACKEND_OK;
    }

    omp_set_num_threads(1);

    rc = ml_cpu_plan(context, rows, &plan, &error);

    if (rc == ML_BACKEND_OK) {
        plan->next = context->plans;
        context->plans = plan;
    }

    return rc;
}


/* An output that is an input has no step. */

static void
ml_cpu_pass(ml_backend_context_t *context, ml_cpu_plan_t *plan,
    const void *const *inputs, void *const *outputs)
{
    size_t             bytes;
    uint32_t           i, j;
    ml_array_t        *array;
    const ml_model_t  *model;

    model = context->model;

    for (i = 0; i < model->noutputs; i++) {
        for (j = 0; j < model->ninputs; j++) {

            if (model->outputs[i] != model->inputs[j]) {
                continue;
            }

            array = &plan->arrays[model->outputs[i]];

            if (ml_tensor_size(array->dtype, array->rank, array->dims, &bytes)
                == 0)
            {
                memcpy(outputs[i], inputs[j], bytes);
            }
        }
    }
}


/* Processor time of this thread: what a batch costs, whoever else runs. */

static uint64_t
ml_cpu_time(void)
{
    struct timespec  ts;

    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) != 0) {
        return 0;
    }

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static ml_backend_status_e
ml_cpu_run(ml_backend_context_t *context, int64_t rows,
    const void *const *inputs, void *const *outputs,
    ml_backend_meter_t *meter, char *text, size_t size)
{
    size_t               i;
    uint64_t             start;
    dnnl_status_t        rc;
    ml_cpu_plan_t       *plan;
    ml_step_t           *step;
    ml_bound_t          *bound;
    ml_cpu_error_t       error = { text, size };
    const ml_array_t   **input;

    start = ml_cpu_time();
    meter->device_ns = 0;

    plan = ml_cpu_find(context, rows);

    if (plan == NULL) {
        return ml_cpu_fail(&error, ML_BACKEND_ERROR,
                           "that number of rows is not planned");
    }

    omp_set_num_threads(1);

    for (i = 0; i < plan->nbound; i++) {
        bound = &plan->bound[i];

        /* a kernel writes to outputs alone */
        plan->arrays[bound->value].data = bound->output
                                              ? outputs[bound->index]
                                              : (void *) inputs[bound->index];
    }

    input = plan->inputs;

    for (i = 0; i < context->steps.nsteps; i++) {

        if (atomic_load_explicit(&context->cancelled, memory_order_relaxed)) {
            meter->device_ns = ml_cpu_time() - start;
            return ml_cpu_fail(&error, ML_BACKEND_CANCELLED, "cancelled");
        }

        step = &context->steps.steps[i];

        if (step->linear == NULL) {
            step->node->operator->kernel(step->node, input,
                                         &plan->arrays[step->output]);
            input += step->node->ninputs;
            continue;
        }

        rc = ml_cpu_product_run(context, step->linear, &plan->products[i],
                                (*input)->data,
                                plan->arrays[step->output].data);
        input++;

        if (rc != dnnl_success) {
            meter->device_ns = ml_cpu_time() - start;
            return ml_cpu_dnnl(&error, rc, "a matrix product failed");
        }
    }

    ml_cpu_pass(context, plan, inputs, outputs);

    meter->device_ns = ml_cpu_time() - start;

    return ML_BACKEND_OK;
}


static void
ml_cpu_cancel(ml_backend_context_t *context)
{
    atomic_store_explicit(&context->cancelled, 1, memory_order_relaxed);
}


static const ml_backend_t  ml_backend_cpu = {
    .abi = ML_BACKEND_ABI,
    .name = "cpu",
    .build = NGX_ML_BUILD,
    .probe = ml_cpu_probe,
    .load = ml_cpu_load,
    .plan = ml_cpu_prepare,
    .run = ml_cpu_run,
    .cancel = ml_cpu_cancel,
    .unload = ml_cpu_unload
};


const ml_backend_t *
ml_backend(void)
{
    return &ml_backend_cpu;
}
