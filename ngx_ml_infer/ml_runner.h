/*
 * The executor of this process: one thread per model, around one backend
 * context.
 *
 * DESIGN.  The thread takes batches from a queue under a mutex and runs them
 * without it; finished jobs go to a list, and "notify" is called when that
 * list stops being empty.  A job of more than "batch" rows runs alone, piece
 * by piece.
 *
 * While the thread is idle and nothing is queued, submit() runs a job at
 * once in the calling thread if the time that runs of its size took lately
 * is short: a small model costs less than waking a thread.  The context is
 * never entered by two threads, since "busy" is set first, under the mutex.
 */

#ifndef ML_RUNNER_H
#define ML_RUNNER_H

#include <stddef.h>
#include <stdint.h>

#include "ml_backend.h"
#include "ml_executor.h"


typedef struct {
    const ml_model_t       *model;
    const ml_backend_t     *backend;
    ml_backend_context_t   *context;    /* the caller unloads it */

    int64_t                 batch;      /* rows; 1 if not batched */
    size_t                  queue;      /* jobs that may wait */
    size_t                  bytes;      /* of their inputs */
    uint64_t                delay_ns;   /* to wait for more rows */
    uint64_t                inline_ns;  /* run at once if shorter; 0: never */

    /* How many jobs wait, kept current; may be in shared memory. */
    _Atomic uint32_t       *depth;

    /* Called from any thread when completed() has something. */
    void                  (*notify)(void *data);

    /* Called from any thread after each batch. */
    ml_ran_pt               ran;
    void                   *data;
} ml_runner_options_t;


/*
 * Plans every batch size, runs one row of zeros to warm up and to measure,
 * and starts the thread with all signals blocked.  Returns NULL and writes
 * one line of why to error.
 */
ml_executor_t *ml_runner_create(const ml_runner_options_t *options,
    char *error, size_t size);


#endif /* ML_RUNNER_H */
