/*
 * A bounded queue of jobs, earliest deadline first.
 *
 * DESIGN.  A binary heap in an array of fixed size; each job knows its slot,
 * so that a job whose client left is taken out in O(log n).  The queue knows
 * no lock, no thread and no clock: whoever shares it (ml_runner.c) locks, and
 * passes the time.  Jobs of equal deadline leave in the order in which they
 * came.
 */

#ifndef ML_QUEUE_H
#define ML_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "ml_executor.h"


typedef struct {
    ml_job_t  **jobs;               /* heap by (deadline, sequence) */
    size_t      njobs;
    size_t      max_jobs;
    int64_t     rows;               /* of all jobs in the queue */
    int64_t     max_rows;
    size_t      bytes;
    size_t      max_bytes;
    uint64_t    sequence;
} ml_queue_t;


/* Returns 0, or -1 when out of memory.  All bounds are at least 1. */
int ml_queue_init(ml_queue_t *queue, size_t max_jobs, int64_t max_rows,
    size_t max_bytes);

/* Forgets all jobs. */
void ml_queue_clear(ml_queue_t *queue);

/* Frees the array; jobs still in it are not freed. */
void ml_queue_destroy(ml_queue_t *queue);

/*
 * Returns 0, or -1 when the job does not fit.  A job of more rows or bytes
 * than the bound fits into an empty queue, else it could never run.
 */
int ml_queue_push(ml_queue_t *queue, ml_job_t *job);

/* Takes out a job that is in the queue. */
void ml_queue_remove(ml_queue_t *queue, ml_job_t *job);

/* The job of the earliest deadline, NULL when empty; it stays. */
ml_job_t *ml_queue_first(const ml_queue_t *queue);

/* Takes out one job whose deadline is not after "now", or NULL. */
ml_job_t *ml_queue_take_expired(ml_queue_t *queue, uint64_t now);

/*
 * When to dispatch: 0 (now) when "batch" rows are there or there is no
 * delay, else when the oldest job has waited "delay" or the first must start
 * to meet its deadline, a run taking "run" nanoseconds.  The queue is not
 * empty.
 */
uint64_t ml_queue_dispatch_time(const ml_queue_t *queue, int64_t batch,
    uint64_t delay, uint64_t run);

/*
 * Takes out the next batch: jobs in order while they fit into "batch" rows,
 * at most "max"; a first job larger than that comes alone.  Returns their
 * number, and their rows in *rows.
 */
size_t ml_queue_take_batch(ml_queue_t *queue, int64_t batch, ml_job_t **jobs,
    size_t max, int64_t *rows);


#endif /* ML_QUEUE_H */
