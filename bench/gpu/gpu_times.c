/*
 * How long a run takes, by the host's clock and by the device's: each size of
 * some models, beside the floor, which is the smallest model there is.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "gpu_check.h"


#define GPU_ROWS  64


static uint64_t
gpu_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


static int
gpu_order(const void *one, const void *two)
{
    uint64_t  a, b;

    a = *(const uint64_t *) one;
    b = *(const uint64_t *) two;

    return (a > b) - (a < b);
}


static void
gpu_times_of(gpu_check_t *check, const char *name, ml_model_t *model)
{
    int                    i, n;
    char                   error[256];
    void                  *inputs[1], *outputs[1];
    int64_t                rows;
    uint64_t              *wall, *time, start;
    ml_backend_meter_t     meter;
    const ml_backend_t    *backend;
    ml_backend_context_t  *context;

    n = check->quick ? 20 : 500;
    backend = check->backend;
    context = gpu_load(check, model, GPU_ROWS);

    if (context == NULL) {
        ml_model_close(model);
        return;
    }

    wall = calloc((size_t) n, sizeof(uint64_t));
    time = calloc((size_t) n, sizeof(uint64_t));

    if (wall == NULL || time == NULL) {
        abort();
    }

    if (backend->buffers) {
        backend->buffers(context, inputs, outputs);

    } else {
        /* no model here has rows of more than 64 KB */
        inputs[0] = calloc(GPU_ROWS, 65536);
        outputs[0] = calloc(GPU_ROWS, 65536);
    }

    for (rows = 1; rows <= GPU_ROWS; rows *= 2) {

        for (i = 0; i < n; i++) {
            meter.device_ns = 0;
            start = gpu_now();

            if (backend->run(context, rows, (const void *const *) inputs,
                             outputs, &meter, error, sizeof(error))
                != ML_BACKEND_OK)
            {
                gpu_check(check, 0, "%s: %s", name, error);
                break;
            }

            wall[i] = gpu_now() - start;
            time[i] = meter.device_ns;
        }

        if (i < n) {
            break;
        }

        qsort(wall, (size_t) n, sizeof(uint64_t), gpu_order);
        qsort(time, (size_t) n, sizeof(uint64_t), gpu_order);

        printf("| %s | %ld | %.1f | %.1f | %.1f |\n", name, (long) rows,
               (double) wall[n / 2] / 1e3, (double) wall[n - 1 - n / 100] / 1e3,
               (double) time[n / 2] / 1e3);
    }

    if (!backend->buffers) {
        free(inputs[0]);
        free(outputs[0]);
    }

    free(wall);
    free(time);
    backend->unload(context);
    ml_model_close(model);
}


void
gpu_times(gpu_check_t *check)
{
    static const int64_t  small[] = { 64, 32, 16, 10 };
    static const int64_t  large[] = { 768, 3072, 768 };

    printf("\n| model | rows | run p50, us | p99 | device p50, us |\n"
           "|---|---|---|---|---|\n");

    gpu_times_of(check, "floor: Identity of 4", gpu_rows(4, "Identity"));
    gpu_times_of(check, "MLP 64-32-16-10", gpu_layers(small, 3));
    gpu_times_of(check, "MLP 768-3072-768", gpu_layers(large, 2));
    gpu_times_of(check, "Softmax of 8192", gpu_rows(8192, "Softmax"));
    printf("\n");
}
