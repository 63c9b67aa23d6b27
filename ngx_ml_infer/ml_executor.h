/*
 * A job, and the interface of what executes jobs.
 *
 * DESIGN.  An HTTP request becomes one job: the rows of its tensors, a
 * deadline, room for a result.  A job owns its memory and knows nothing of
 * HTTP, so that whoever executes it may be a thread of this process
 * (ml_runner.h) or another process behind shared memory.  Everything here is
 * called from one thread, the submitter's; only the notify
 * function of its options (ml_runner.h) is called from the executor's own.
 *
 * A job belongs to the submitter until submit() says ML_SUBMIT_QUEUED, then
 * to the executor until completed() or an ML_CANCEL_REMOVED gives it back.
 * Times are nanoseconds of CLOCK_MONOTONIC.
 */

#ifndef ML_EXECUTOR_H
#define ML_EXECUTOR_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>


#define ML_JOB_ERROR_SIZE  160


typedef struct ml_job_s  ml_job_t;


/* How a job ended. */
typedef enum {
    ML_JOB_OK = 0,
    ML_JOB_FAILED,                  /* the backend failed; see "error" */
    ML_JOB_EXPIRED,                 /* the deadline passed before it started */
    ML_JOB_LATE,                    /* the deadline passed while it ran */
    ML_JOB_CANCELLED                /* cancelled while it ran */
} ml_job_status_e;


/* Where a job is; the executor's own. */
typedef enum {
    ML_JOB_NEW = 0,
    ML_JOB_QUEUED,
    ML_JOB_RUNNING,
    ML_JOB_DONE
} ml_job_place_e;


struct ml_job_s {
    /*
     * Set by the submitter.  "inputs" are in the model's order, each "rows"
     * rows (1 for a model that is not batched), dense, from malloc().
     */
    void             **inputs;
    size_t             ninputs;
    int64_t            rows;
    uint64_t           deadline;
    void              *data;        /* the submitter's, never touched */

    /*
     * The result, in the model's order, as the inputs; allocated by the
     * executor, NULL elements unless the status is ML_JOB_OK.
     */
    void             **outputs;
    size_t             noutputs;
    ml_job_status_e    status;
    char               error[ML_JOB_ERROR_SIZE];

    uint64_t           submitted;
    uint64_t           started;     /* 0: it never ran */
    uint64_t           finished;
    uint64_t           device_ns;   /* its rows' share of the batch */
    uint64_t           batch_ns;    /* device time of the whole batch */
    int64_t            batch_rows;  /* rows of all jobs of its batch */

    /*
     * Set when it starts, before cancel() says ML_CANCEL_RUNNING: the number
     * of its batch, each later one's being greater; and whether it is the one
     * job that stands for its batch where batches count once.
     */
    uint64_t           batch;
    int                leader;

    /* the executor's own */
    int                cancelled;
    ml_job_place_e     place;
    size_t             slot;
    uint64_t           sequence;
    ml_job_t          *next;
};


/* A job with room for its pointers, all NULL; NULL when out of memory. */
ml_job_t *ml_job_create(size_t ninputs, size_t noutputs);

/* Frees the job with its inputs and outputs; NULL is allowed. */
void ml_job_free(ml_job_t *job);


typedef enum {
    ML_SUBMIT_QUEUED = 0,           /* comes out of completed() later */
    ML_SUBMIT_DONE,                 /* ran at once; still the submitter's */
    ML_SUBMIT_FULL,                 /* no room in the queue */
    ML_SUBMIT_MEMORY,               /* no memory for the result */
    ML_SUBMIT_CLOSED                /* stopping, or the device is lost */
} ml_submit_e;


typedef enum {
    ML_CANCEL_REMOVED = 0,          /* had not started; the submitter's now */
    ML_CANCEL_RUNNING,              /* comes out of completed() */
    ML_CANCEL_FINISHED              /* waits in completed(), not cancelled */
} ml_cancel_e;


typedef struct ml_executor_s  ml_executor_t;


typedef struct {
    const char    *name;            /* "thread" */

    ml_submit_e  (*submit)(ml_executor_t *executor, ml_job_t *job);
    ml_cancel_e  (*cancel)(ml_executor_t *executor, ml_job_t *job);

    /* Takes all finished jobs, linked by "next", oldest first, or NULL. */
    ml_job_t    *(*completed)(ml_executor_t *executor);

    /* Nanoseconds until what is queued and running will be done. */
    uint64_t     (*backlog)(ml_executor_t *executor);

    /* 0 when the device is lost for good. */
    int          (*alive)(ml_executor_t *executor);

    /*
     * Takes no more jobs, drops those queued, waits up to "timeout_ms" for
     * the running ones and frees the executor.  Returns 0, or -1 when the
     * device did not come back in time: the executor, its context and its
     * model must then be left alone until the process ends.
     */
    int          (*close)(ml_executor_t *executor, unsigned timeout_ms);
} ml_executor_ops_t;


struct ml_executor_s {
    const ml_executor_ops_t  *ops;
};


static inline uint64_t
ml_monotonic_ns(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}


#endif /* ML_EXECUTOR_H */
