/*
 * A backend that does what the request says, to put in the place of the real
 * one.  For t/models/identity.onnx, x float32 [N,4] -> y float32 [N,4]:
 *
 *     x[0]    milliseconds to run; a batch runs as long as its longest row
 *     x[1]    1: the run fails, 2: the device is lost
 *     y       x
 *
 * A run takes at least one millisecond, so that none is worth running in the
 * event loop.  ML_FAULT in the environment makes "probe" or "load" fail.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ml_backend.h"


static ml_backend_status_e
fault(const char *where, char *error, size_t size)
{
    const char  *name;

    name = getenv("ML_FAULT");

    if (name == NULL || strcmp(name, where) != 0) {
        return ML_BACKEND_OK;
    }

    snprintf(error, size, "%s fails as it was told", where);

    return ML_BACKEND_ERROR;
}


static ml_backend_status_e
probe(const char *argument, char *error, size_t size)
{
    return fault("probe", error, size);
}


static ml_backend_status_e
load(const ml_model_t *model, const char *argument,
    ml_backend_context_t **context, char *error, size_t size)
{
    *context = (ml_backend_context_t *) model;

    return fault("load", error, size);
}


static ml_backend_status_e
plan(ml_backend_context_t *context, int64_t rows, char *error, size_t size)
{
    return fault("plan", error, size);
}


static ml_backend_status_e
run(ml_backend_context_t *context, int64_t rows, const void *const *inputs,
    void *const *outputs, ml_backend_meter_t *meter, char *error, size_t size)
{
    float         msec, result;
    int64_t       i;
    const float  *x;

    x = inputs[0];
    msec = 1;
    result = 0;

    for (i = 0; i < rows; i++) {
        if (x[4 * i] > msec) {
            msec = x[4 * i];
        }

        if (x[4 * i + 1] > result) {
            result = x[4 * i + 1];
        }
    }

    usleep((useconds_t) (msec * 1000));

    meter->device_ns = (uint64_t) (msec * 1e6f);
    memcpy(outputs[0], x, (size_t) rows * 4 * sizeof(float));

    if (result == 0) {
        return ML_BACKEND_OK;
    }

    snprintf(error, size, "told to fail");

    return result == 1 ? ML_BACKEND_ERROR : ML_BACKEND_LOST;
}


static void
unload(ml_backend_context_t *context)
{
    /* void */
}


const ml_backend_t *
ml_backend(void)
{
    static const ml_backend_t  backend = {
        .abi = ML_BACKEND_ABI,
        .name = "fault",
        .build = NGX_ML_BUILD,
        .probe = probe,
        .load = load,
        .plan = plan,
        .run = run,
        .unload = unload
    };

    return &backend;
}
