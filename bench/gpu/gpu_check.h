/*
 * What the parts of gpu_check share: a backend under test, opened from its
 * file like nginx does, and counted checks.
 */

#ifndef GPU_CHECK_H
#define GPU_CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "ml_backend.h"
#include "ml_model.h"


typedef struct {
    const ml_backend_t  *backend;
    const char          *argument;      /* of the device; may be NULL */
    int                  quick;         /* fewer repetitions */
    int                  passed;
    int                  failed;
    int                  skipped;
} gpu_check_t;


/* One check; what went wrong is told. */
int gpu_check(gpu_check_t *check, int ok, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void gpu_skip(gpu_check_t *check, const char *why);

/* A model of so many dense layers with Relu between; aborts if it cannot. */
ml_model_t *gpu_layers(const int64_t *sizes, size_t nlayers);

/* x [N,columns] -> Softmax, or with "identity" Identity, of float32. */
ml_model_t *gpu_rows(int64_t columns, const char *operator);

/* A context with all sizes 1, 2, 4 ... rows planned; NULL if it failed. */
ml_backend_context_t *gpu_load(gpu_check_t *check, const ml_model_t *model,
    int64_t rows);


/*
 * Device memory by the driver, past the backend: gpu_memory.c.  Returns 0
 * where there is no CUDA.
 */
int gpu_memory_open(const char *argument);
size_t gpu_memory_free(void);

/* Takes all but so many bytes, and gives them back. */
int gpu_memory_take(size_t left);
void gpu_memory_give(void);

/* "NVIDIA H100 80GB HBM3, driver CUDA 13.0" */
const char *gpu_memory_device(void);


/* The table of times: gpu_times.c. */
void gpu_times(gpu_check_t *check);


#endif /* GPU_CHECK_H */
