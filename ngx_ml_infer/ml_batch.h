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
#include "ml_prediction.h"


typedef struct {
    const ml_backend_t     *backend;
    ml_backend_context_t   *context;
    int64_t                 rows;           /* the most of one run */

    size_t                  ninputs;
    size_t                  noutputs;
    size_t                 *input_bytes;    /* of one row */
    size_t                 *output_bytes;

    /* "rows" rows each, for what does not run in a job's memory; the
     * backend's own if it has any */
    void                  **inputs;
    void                  **outputs;

    /* what one run gets: pointers into a job, or into the above */
    const void            **run_inputs;
    void                  **run_outputs;

    ml_prediction_t        *prediction;     /* learns from every run */
} ml_batch_t;


/*
 * Allocates for runs of at most "rows" rows, 1 if the model is not batched,
 * and resets the prediction.  Model, context and prediction stay the
 * caller's.  Returns 0, or -1 when out of memory; ml_batch_destroy() is due
 * in both cases, before the context is unloaded.
 */
int ml_batch_init(ml_batch_t *batch, const ml_model_t *model,
    const ml_backend_t *backend, ml_backend_context_t *context,
    int64_t rows, ml_prediction_t *prediction);
void ml_batch_destroy(ml_batch_t *batch);

/*
 * Plans every size and runs zeros to warm up and to measure: the smallest
 * "measured" sizes.  Returns ML_BACKEND_OK, or what failed and one line of
 * why.
 */
ml_backend_status_e ml_batch_plan(ml_batch_t *batch, unsigned measured,
    char *error, size_t size);

/*
 * Runs "rows" rows, at most those of a batch: those of the only job from
 * "offset" on, or those of all jobs.  Adds the device's time to *device_ns;
 * "error" has ML_JOB_ERROR_SIZE bytes.
 */
ml_backend_status_e ml_batch_run(ml_batch_t *batch, ml_job_t **jobs,
    size_t njobs, int64_t offset, int64_t rows, uint64_t *device_ns,
    char *error);


#endif /* ML_BATCH_H */
