/*
 * The CUDA backend; see ml_backend.h and ml_backend_cuda.h.
 *
 * CUDA does not survive fork(): nothing here runs before the first call of
 * probe() or load().
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ml_backend_cuda.h"
#include "ml_cuda_fatbin.h"


/*
 * A run is waited for awake that long, and then asleep: to be woken takes
 * longer than a small batch does.
 */
#define ML_CUDA_AWAKE_NS  100000


const ml_backend_t *ml_backend(void);


ml_backend_status_e
ml_cuda_fail(ml_cuda_error_t *error, ml_backend_status_e status,
    const char *what)
{
    (void) snprintf(error->text, error->size, "%s", what);

    return status;
}


/*
 * An error that the context does not survive is returned by every call that
 * comes after it, too: so the next one tells.
 */
static ml_backend_status_e
ml_cuda_severity(void)
{
    return ml_cuda.cuCtxSynchronize() == CUDA_SUCCESS ? ML_BACKEND_ERROR
                                                      : ML_BACKEND_LOST;
}


ml_backend_status_e
ml_cuda_check(ml_cuda_error_t *error, CUresult result, const char *what)
{
    const char  *name;

    if (result == CUDA_SUCCESS) {
        return ML_BACKEND_OK;
    }

    name = NULL;
    (void) ml_cuda.cuGetErrorName(result, &name);

    (void) snprintf(error->text, error->size, "%s: %s (%d)", what,
                    name ? name : "unknown error", (int) result);

    return result == CUDA_ERROR_OUT_OF_MEMORY ? ML_BACKEND_MEMORY
                                              : ml_cuda_severity();
}


ml_backend_status_e
ml_cuda_check_blas(ml_cuda_error_t *error, cublasStatus_t status,
    const char *what)
{
    if (status == CUBLAS_STATUS_SUCCESS) {
        return ML_BACKEND_OK;
    }

    (void) snprintf(error->text, error->size, "%s: cuBLASLt error %d", what,
                    (int) status);

    return status == CUBLAS_STATUS_ALLOC_FAILED ? ML_BACKEND_MEMORY
                                                : ml_cuda_severity();
}


/* The argument is the number of a device; without one it is the first. */

static ml_backend_status_e
ml_cuda_device(const char *argument, CUdevice *device, ml_cuda_error_t *error)
{
    int                   count;
    long                  n;
    char                 *end;
    ml_backend_status_e   rc;

    n = 0;

    if (argument) {
        errno = 0;
        n = strtol(argument, &end, 10);

        if (*argument < '0' || *argument > '9' || *end != '\0' || errno != 0) {
            return ml_cuda_fail(error, ML_BACKEND_ERROR,
                                "a CUDA device is told by its number");
        }
    }

    if (ml_cuda_driver_open(error->text, error->size) != 0) {
        return ML_BACKEND_ERROR;
    }

    count = 0;
    rc = ml_cuda_check(error, ml_cuda.cuDeviceGetCount(&count), "no devices");

    if (rc != ML_BACKEND_OK) {
        return rc;
    }

    if (n >= count) {
        (void) snprintf(error->text, error->size,
                        "no CUDA device %ld, there are %d", n, count);
        return ML_BACKEND_ERROR;
    }

    return ml_cuda_check(error, ml_cuda.cuDeviceGet(device, (int) n),
                         "no device");
}


static ml_backend_status_e
ml_cuda_probe(const char *argument, char *text, size_t size)
{
    CUdevice         device;
    ml_cuda_error_t  error = { text, size };

    return ml_cuda_device(argument, &device, &error);
}


static void
ml_cuda_unload(ml_backend_context_t *context)
{
    ml_cuda_plan_t  *plan, *next;

    if (context->primary) {
        (void) ml_cuda.cuCtxSetCurrent(context->primary);
    }

    for (plan = context->plans; plan; plan = next) {
        next = plan->next;
        ml_cuda_plan_free(context, plan);
    }

    ml_cuda_memory_free(context);

    if (context->blas) {
        (void) ml_cuda.cublasLtDestroy(context->blas);
    }

    if (context->begun) {
        (void) ml_cuda.cuEventDestroy(context->begun);
    }

    if (context->ended) {
        (void) ml_cuda.cuEventDestroy(context->ended);
    }

    if (context->stream) {
        (void) ml_cuda.cuStreamDestroy(context->stream);
    }

    if (context->module) {
        (void) ml_cuda.cuModuleUnload(context->module);
    }

    if (context->primary) {
        (void) ml_cuda.cuCtxSetCurrent(NULL);
        (void) ml_cuda.cuDevicePrimaryCtxRelease(context->device);
    }

    ml_steps_free(&context->steps);

    free(context->functions);
    free(context);
}


/* What a failed call wrote is nothing to be freed. */

#define ml_cuda_make(error, handle, call, what)                               \
    ml_cuda_made((error), (call), (void **) (handle), (what))

static ml_backend_status_e
ml_cuda_made(ml_cuda_error_t *error, CUresult result, void **handle,
    const char *what)
{
    if (result != CUDA_SUCCESS) {
        *handle = NULL;
    }

    return ml_cuda_check(error, result, what);
}


static ml_backend_status_e
ml_cuda_create(ml_backend_context_t *context, ml_cuda_error_t *error)
{
    cublasStatus_t        status;
    ml_backend_status_e   rc;

    rc = ml_cuda_make(error, &context->primary,
             ml_cuda.cuDevicePrimaryCtxRetain(&context->primary,
                                              context->device),
             "no CUDA context");

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error, ml_cuda.cuCtxSetCurrent(context->primary),
                           "no CUDA context");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_make(error, &context->module,
                 ml_cuda.cuModuleLoadData(&context->module, ml_cuda_fatbin),
                 "no kernels for this device");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_make(error, &context->stream,
                 ml_cuda.cuStreamCreate(&context->stream,
                                        CU_STREAM_NON_BLOCKING),
                 "no stream");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_make(error, &context->begun,
                 ml_cuda.cuEventCreate(&context->begun, CU_EVENT_DEFAULT),
                 "no event");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_make(error, &context->ended,
                 ml_cuda.cuEventCreate(&context->ended,
                                       CU_EVENT_BLOCKING_SYNC),
                 "no event");
    }

    if (rc != ML_BACKEND_OK) {
        return rc;
    }

    status = ml_cuda.cublasLtCreate(&context->blas);

    if (status != CUBLAS_STATUS_SUCCESS) {
        context->blas = NULL;
        return ml_cuda_check_blas(error, status, "no cuBLASLt");
    }

    rc = ml_cuda_check(error, ml_cuda.cuMemAlloc(&context->workspace,
                                                 ML_CUDA_WORKSPACE),
                       "no device memory for cuBLASLt");

    if (rc != ML_BACKEND_OK) {
        context->workspace = 0;
        return rc;
    }

    return ml_cuda_constants(context, error);
}


static ml_backend_status_e
ml_cuda_load(const ml_model_t *model, const char *argument,
    ml_backend_context_t **result, char *text, size_t size)
{
    CUdevice               device;
    ml_cuda_error_t        error = { text, size };
    ml_backend_status_e    rc;
    ml_backend_context_t  *context;

    rc = ml_cuda_device(argument, &device, &error);

    if (rc != ML_BACKEND_OK) {
        return rc;
    }

    context = calloc(1, sizeof(ml_backend_context_t));

    if (context == NULL) {
        return ml_cuda_fail(&error, ML_BACKEND_MEMORY, "no memory");
    }

    context->model = model;
    context->device = device;

    if (ml_steps_find(&context->steps, model) != 0) {
        rc = ml_cuda_fail(&error, ML_BACKEND_MEMORY, "no memory for a model");

    } else {
        rc = ml_cuda_create(context, &error);
    }

    if (rc != ML_BACKEND_OK) {
        ml_cuda_unload(context);
        return rc;
    }

    *result = context;

    return ML_BACKEND_OK;
}


static ml_cuda_plan_t *
ml_cuda_find(ml_backend_context_t *context, int64_t rows)
{
    ml_cuda_plan_t  *plan;

    for (plan = context->plans; plan; plan = plan->next) {
        if (plan->rows == rows) {
            break;
        }
    }

    return plan;
}


static ml_backend_status_e
ml_cuda_prepare(ml_backend_context_t *context, int64_t rows, char *text,
    size_t size)
{
    ml_cuda_plan_t        *plan;
    ml_cuda_error_t        error = { text, size };
    ml_backend_status_e    rc, failed;

    if (rows < 1 || (rows != 1 && !context->model->batched)) {
        return ml_cuda_fail(&error, ML_BACKEND_ERROR,
                            "the model cannot be run with that many rows");
    }

    rc = ml_cuda_check(&error, ml_cuda.cuCtxSetCurrent(context->primary),
                       "no CUDA context");

    if (rc == ML_BACKEND_OK && ml_cuda_find(context, rows) == NULL) {

        rc = ml_cuda_plan(context, rows, &plan, &error);

        /* even if it failed, others may have lost their graphs */

        if (rc == ML_BACKEND_OK) {
            plan->next = context->plans;
            context->plans = plan;
        }
    }

    for (plan = context->plans; plan; plan = plan->next) {

        if (plan->graph) {
            continue;
        }

        failed = ml_cuda_capture(context, plan, &error);

        if (failed != ML_BACKEND_OK) {
            return failed;
        }
    }

    return rc;
}


static void
ml_cuda_buffers(ml_backend_context_t *context, void **inputs, void **outputs)
{
    size_t  i, ninputs;

    ninputs = context->model->ninputs;

    for (i = 0; i < ninputs; i++) {
        inputs[i] = context->pinned + context->io[i];
    }

    for (i = 0; i < context->model->noutputs; i++) {
        outputs[i] = context->pinned + context->io[ninputs + i];
    }
}


static uint64_t
ml_cuda_time(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static CUresult
ml_cuda_wait(ml_backend_context_t *context)
{
    CUresult  result;
    uint64_t  until;

    until = ml_cuda_time() + ML_CUDA_AWAKE_NS;

    do {
        result = ml_cuda.cuEventQuery(context->ended);
    } while (result == CUDA_ERROR_NOT_READY && ml_cuda_time() < until);

    return result == CUDA_ERROR_NOT_READY
           ? ml_cuda.cuEventSynchronize(context->ended) : result;
}


static ml_backend_status_e
ml_cuda_run(ml_backend_context_t *context, int64_t rows,
    const void *const *inputs, void *const *outputs,
    ml_backend_meter_t *meter, char *text, size_t size)
{
    char                 *buffer;
    float                 ms;
    size_t                bytes;
    uint32_t              i;
    ml_cuda_plan_t       *plan;
    ml_cuda_error_t       error = { text, size };
    const ml_model_t     *model;
    ml_backend_status_e   rc;

    model = context->model;
    meter->device_ns = 0;

    plan = ml_cuda_find(context, rows);

    if (plan == NULL || plan->graph == NULL) {
        return ml_cuda_fail(&error, ML_BACKEND_ERROR,
                            "that number of rows is not planned");
    }

    for (i = 0; i < model->ninputs; i++) {
        buffer = context->pinned + context->io[i];
        bytes = ml_cuda_bytes(plan, model->inputs[i]);

        if (inputs[i] != buffer && bytes) {
            memcpy(buffer, inputs[i], bytes);
        }
    }

    rc = ml_cuda_check(&error, ml_cuda.cuCtxSetCurrent(context->primary),
                       "no CUDA context");

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(&error, ml_cuda.cuEventRecord(context->begun,
                                                         context->stream),
                           "no event");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(&error, ml_cuda.cuGraphLaunch(plan->graph,
                                                         context->stream),
                           "a run cannot be launched");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(&error, ml_cuda.cuEventRecord(context->ended,
                                                         context->stream),
                           "no event");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(&error, ml_cuda_wait(context), "a run failed");
    }

    if (rc == ML_BACKEND_OK) {
        ms = 0;
        rc = ml_cuda_check(&error, ml_cuda.cuEventElapsedTime(&ms,
                                       context->begun, context->ended),
                           "a run cannot be measured");
        meter->device_ns = (uint64_t) ((double) ms * 1e6);
    }

    if (rc != ML_BACKEND_OK) {
        return rc;
    }

    for (i = 0; i < model->noutputs; i++) {
        buffer = context->pinned + context->io[model->ninputs + i];
        bytes = ml_cuda_bytes(plan, model->outputs[i]);

        if (outputs[i] != buffer && bytes) {
            memcpy(outputs[i], buffer, bytes);
        }
    }

    return ML_BACKEND_OK;
}


static const ml_backend_t  ml_backend_cuda = {
    .abi = ML_BACKEND_ABI,
    .name = "cuda",
    .build = NGX_ML_BUILD,
    .probe = ml_cuda_probe,
    .load = ml_cuda_load,
    .plan = ml_cuda_prepare,
    .buffers = ml_cuda_buffers,
    .run = ml_cuda_run,
    .unload = ml_cuda_unload
};


const ml_backend_t *
ml_backend(void)
{
    return &ml_backend_cuda;
}
