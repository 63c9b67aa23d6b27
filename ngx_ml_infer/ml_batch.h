/*
 * Runs the rows of jobs as batches on one backend context.
 *
 * DESIGN.  A run has one of few sizes, 1, 2, 4 ... "rows", planned before the
 * first job, so that run() allocates nothing.  The rows that a batch lacks
 * are zeros, and only real rows are copied out, so that nothing of a job is
 * ever seen by another.  One job of exactly such a size runs in its own
 * memory, without a copy.
 *
 * A batch is used by one thread at a time, but for ml_batch_predict().
 */

#ifndef ML_BATCH_H
#define ML_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "ml_backend.h"
#include "ml_executor.h"


/* The most rows of a run. */
#define ML_BATCH_MAX    4096

/* 1, 2, 4 ... ML_BATCH_MAX */
#define ML_BATCH_SIZES  13


typedef struct {
    const ml_backend_t     *backend;
    ml_backend_context_t   *context;
    int64_t                 rows;           /* the most of one run */

    size_t                  ninputs;
    size_t                  noutputs;
    size_t                 *input_bytes;    /* of one row */
    size_t                 *output_bytes;

    /* "rows" rows each, for what does not run in a job's memory */
    void                  **inputs;
    void                  **outputs;

    /* what one run gets: pointers into a job, or into the above */
    const void            **run_inputs;
    void                  **run_outputs;

    /* ns that a run of each size took lately, moving average; 0: unknown */
    _Atomic uint64_t        predicted[ML_BATCH_SIZES];
} ml_batch_t;


/*
 * Allocates for runs of at most "rows" rows, 1 if the model is not batched.
 * The model and the context stay the caller's.  Returns 0, or -1 when out of
 * memory; ml_batch_destroy() is due in both cases.
 */
int ml_batch_init(ml_batch_t *batch, const ml_model_t *model,
    const ml_backend_t *backend, ml_backend_context_t *context,
    int64_t rows);
void ml_batch_destroy(ml_batch_t *batch);

/*
 * Plans every size, and runs one row of zeros to warm up and to measure.
 * Returns 0, or -1 and one line of why.
 */
int ml_batch_plan(ml_batch_t *batch, char *error, size_t size);

/* Allocates the job's outputs; returns 0, or -1 when out of memory. */
int ml_batch_outputs(const ml_batch_t *batch, ml_job_t *job);

/* Nanoseconds that so many rows will take, in as many runs as they need. */
uint64_t ml_batch_predict(const ml_batch_t *batch, int64_t rows);

/*
 * Runs "rows" rows, at most those of a batch: those of the only job from
 * "offset" on, or those of all jobs.  Adds the device's time to *device_ns;
 * "error" has ML_JOB_ERROR_SIZE bytes.
 */
ml_backend_status_e ml_batch_run(ml_batch_t *batch, ml_job_t **jobs,
    size_t njobs, int64_t offset, int64_t rows, uint64_t *device_ns,
    char *error);


#endif /* ML_BATCH_H */
