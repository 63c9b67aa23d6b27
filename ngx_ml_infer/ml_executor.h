/*
 * A job, and the interface of what executes jobs.
 *
 * DESIGN.  An HTTP request becomes one job: the rows of its tensors, a
 * deadline, room for a result.  A job owns its memory and knows nothing of
 * HTTP, so that whoever executes it may be a thread of this process
 * (ml_runner.h), another process behind shared memory (ml_submitter.h), or
 * either (ml_choice.h).  Everything here is called from one thread, the
 * submitter's; only the functions of the options are called from the
 * executor's own.
 *
 * A job belongs to the submitter until submit() says ML_SUBMIT_QUEUED, then
 * to the executor until completed(), or a cancel() that takes it away, gives
 * it back.
 * Times are nanoseconds of CLOCK_MONOTONIC.
 */

#ifndef ML_EXECUTOR_H
#define ML_EXECUTOR_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>


#define ML_JOB_ERROR_SIZE  160


typedef struct ml_executor_s  ml_executor_t;
typedef struct ml_job_s       ml_job_t;


/* How a job ended. */
typedef enum {
    ML_JOB_OK = 0,
    ML_JOB_FAILED,                  /* the backend failed; see "error" */
    ML_JOB_POISON,                  /* device processes died of it */
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
    int64_t            batch_rows;  /* rows of all jobs of its batch */

    /*
     * The number of its batch, each later one's being greater.  Set when it
     * starts, before cancel() says ML_CANCEL_RUNNING or ML_CANCEL_ABANDONED.
     */
    uint64_t           batch;

    /* after ML_SUBMIT_QUARANTINED: how long it will be */
    uint64_t           quarantine_ns;

    /* which of several runs it; NULL where there is one */
    ml_executor_t     *executor;

    /* the executor's own */
    size_t             bytes;       /* of its inputs */
    int                cancelled;
    ml_job_place_e     place;
    size_t             slot;
    uint64_t           sequence;
    ml_job_t          *next;
};


/* A job with room for its pointers, all NULL; NULL when out of memory. */
ml_job_t *ml_job_create(size_t ninputs, size_t noutputs);

/*
 * Allocates the outputs, a row of each taking so many bytes; returns 0, or -1
 * when out of memory.
 */
int ml_job_outputs(ml_job_t *job, const size_t *row_bytes);

/* Frees the inputs, or the outputs, and sets them to NULL. */
void ml_job_free_inputs(ml_job_t *job);
void ml_job_free_outputs(ml_job_t *job);

/* Frees the job with its inputs and outputs; NULL is allowed. */
void ml_job_free(ml_job_t *job);

/* What "rows" of all the rows of a batch have to bear of its time. */
static inline uint64_t
ml_job_share(uint64_t ns, int64_t rows, int64_t all)
{
    return (uint64_t) ((double) ns * (double) rows / (double) all);
}


typedef enum {
    ML_SUBMIT_QUEUED = 0,           /* comes out of completed() later */
    ML_SUBMIT_DONE,                 /* ran at once; still the submitter's */
    ML_SUBMIT_FULL,                 /* no room in the queue */
    ML_SUBMIT_MEMORY,               /* no memory for the result */
    ML_SUBMIT_CLOSED,               /* stopping, or the device is lost */
    ML_SUBMIT_QUARANTINED           /* device processes died of its like */
} ml_submit_e;


typedef enum {
    ML_CANCEL_REMOVED = 0,          /* had not started; the submitter's now */
    ML_CANCEL_RUNNING,              /* comes out of completed() */
    ML_CANCEL_ABANDONED,            /* runs, unobserved; the submitter's now */
    ML_CANCEL_FINISHED              /* waits in completed(), not cancelled */
} ml_cancel_e;


typedef enum {
    ML_EXECUTOR_READY = 0,
    ML_EXECUTOR_STARTING,           /* takes jobs, which will have to wait */
    ML_EXECUTOR_LOST,               /* takes no jobs; may come back */
    ML_EXECUTOR_ABSENT              /* there is no such device */
} ml_executor_state_e;


typedef struct {
    const char    *name;            /* "thread" */

    ml_submit_e  (*submit)(ml_executor_t *executor, ml_job_t *job);
    ml_cancel_e  (*cancel)(ml_executor_t *executor, ml_job_t *job);

    /* Takes all finished jobs, linked by "next", oldest first, or NULL. */
    ml_job_t    *(*completed)(ml_executor_t *executor);

    /* Nanoseconds until what is queued and running will be done. */
    uint64_t     (*backlog)(ml_executor_t *executor);

    /* Nanoseconds that so many rows will run; 0: nothing is known yet. */
    uint64_t     (*predict)(ml_executor_t *executor, int64_t rows);

    ml_executor_state_e
                 (*state)(ml_executor_t *executor);

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


/* A batch of so many rows ran, well or not, and took the device so long. */
typedef void (*ml_ran_pt)(void *data, uint64_t device_ns, int64_t rows,
    int failed);


static inline uint64_t
ml_monotonic_ns(void)
{
    struct timespec  now;

    clock_gettime(CLOCK_MONOTONIC, &now);

    return (uint64_t) now.tv_sec * 1000000000 + (uint64_t) now.tv_nsec;
}


#endif /* ML_EXECUTOR_H */
