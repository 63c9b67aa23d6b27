/* The inference thread of a model; see ml_runner.h. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_batch.h"
#include "ml_queue.h"
#include "ml_runner.h"
#include "ml_thread.h"


typedef struct {
    ml_executor_t         executor;
    ml_runner_options_t   options;

    ml_batch_t            batch;
    ml_prediction_t       prediction;
    size_t                row_bytes;        /* of all inputs */

    ml_job_t            **jobs;             /* of the batch being run */

    pthread_t             thread;
    pthread_mutex_t       lock;
    pthread_cond_t        wake;             /* for the thread */
    pthread_cond_t        idle;             /* "busy" was cleared */

    /* under the lock */
    ml_queue_t            queue;
    ml_job_t             *done;
    ml_job_t            **done_last;
    int64_t               busy;             /* rows being run, 0: idle */
    uint64_t              batches;          /* started so far */
    int                   stopping;
    int                   lost;
    int                   stopped;          /* the thread has ended */
} ml_runner_t;


static ml_submit_e ml_runner_submit(ml_executor_t *executor, ml_job_t *job);
static ml_cancel_e ml_runner_cancel(ml_executor_t *executor, ml_job_t *job);
static ml_job_t *ml_runner_completed(ml_executor_t *executor);
static uint64_t ml_runner_backlog(ml_executor_t *executor);
static uint64_t ml_runner_predict(ml_executor_t *executor, int64_t rows);
static ml_executor_state_e ml_runner_state(ml_executor_t *executor);
static int ml_runner_close(ml_executor_t *executor, unsigned timeout_ms);


static const ml_executor_ops_t  ml_runner_ops = {
    "thread",
    ml_runner_submit,
    ml_runner_cancel,
    ml_runner_completed,
    ml_runner_backlog,
    ml_runner_predict,
    ml_runner_state,
    ml_runner_close
};


static void
ml_runner_finish(ml_runner_t *runner, ml_job_t *job, ml_job_status_e status,
    const char *error)
{
    if (status != ML_JOB_OK) {
        ml_job_free_outputs(job);
    }

    job->status = status;
    job->finished = ml_monotonic_ns();

    snprintf(job->error, sizeof(job->error), "%s", error);
}


/* Returns 1 when the list was empty, that is, when to notify.  Locked. */
static int
ml_runner_done(ml_runner_t *runner, ml_job_t *job)
{
    int  first;

    first = (runner->done == NULL);

    job->place = ML_JOB_DONE;
    job->next = NULL;
    *runner->done_last = job;
    runner->done_last = &job->next;

    return first;
}


static void
ml_runner_depth(ml_runner_t *runner)
{
    if (runner->options.depth) {
        atomic_store_explicit(runner->options.depth,
                              (uint32_t) runner->queue.njobs,
                              memory_order_relaxed);
    }
}


/* The next batch: from here on its jobs run.  Locked. */
static void
ml_runner_begin(ml_runner_t *runner, ml_job_t **jobs, size_t njobs,
    int64_t rows)
{
    size_t  i;

    runner->busy = rows;
    runner->batches++;

    for (i = 0; i < njobs; i++) {
        jobs[i]->place = ML_JOB_RUNNING;
        jobs[i]->batch = runner->batches;
    }
}


/* Whether the rest of a large job is still wanted. */
static ml_job_status_e
ml_runner_wanted(ml_runner_t *runner, ml_job_t *job)
{
    ml_job_status_e  status;

    status = ML_JOB_OK;

    pthread_mutex_lock(&runner->lock);

    if (job->cancelled || runner->stopping) {
        status = ML_JOB_CANCELLED;
    }

    pthread_mutex_unlock(&runner->lock);

    if (status == ML_JOB_OK && ml_monotonic_ns() >= job->deadline) {
        status = ML_JOB_LATE;
    }

    return status;
}


/* Runs a batch, without the lock, "busy" being set, and settles its jobs. */
static ml_backend_status_e
ml_runner_run(ml_runner_t *runner, ml_job_t **jobs, size_t njobs,
    int64_t rows)
{
    char                  error[ML_JOB_ERROR_SIZE];
    size_t                i;
    int64_t               offset, piece;
    uint64_t              started, device_ns;
    ml_job_t             *job;
    ml_job_status_e       result;
    ml_backend_status_e   status;

    result = ML_JOB_OK;
    device_ns = 0;
    error[0] = '\0';
    started = ml_monotonic_ns();

    for (offset = 0, status = ML_BACKEND_OK; offset < rows; offset += piece) {
        piece = rows - offset;

        if (piece > runner->options.batch) {
            piece = runner->options.batch;
        }

        if (offset > 0) {
            result = ml_runner_wanted(runner, jobs[0]);

            if (result != ML_JOB_OK) {
                break;
            }
        }

        status = ml_batch_run(&runner->batch, jobs, njobs, offset, piece,
                              &device_ns, error);

        if (status != ML_BACKEND_OK) {
            result = (status == ML_BACKEND_CANCELLED) ? ML_JOB_CANCELLED
                                                      : ML_JOB_FAILED;
            break;
        }
    }

    for (i = 0; i < njobs; i++) {
        job = jobs[i];

        job->started = started;
        job->batch_rows = rows;
        job->device_ns = ml_job_share(device_ns, job->rows, rows);

        ml_runner_finish(runner, job, result, error);
    }

    if (runner->options.ran) {
        runner->options.ran(runner->options.data, device_ns, rows,
                            result != ML_JOB_OK);
    }

    return status;
}


/* The device is gone: nothing that waits will ever run.  Locked. */
static int
ml_runner_fail_queued(ml_runner_t *runner, const char *error)
{
    int        notify;
    ml_job_t  *job;

    notify = 0;

    while ((job = ml_queue_first(&runner->queue)) != NULL) {
        ml_queue_remove(&runner->queue, job);
        ml_runner_finish(runner, job, ML_JOB_FAILED, error);
        notify |= ml_runner_done(runner, job);
    }

    return notify;
}


static int
ml_runner_expire(ml_runner_t *runner, uint64_t now)
{
    int        notify;
    ml_job_t  *job;

    notify = 0;

    while ((job = ml_queue_take_expired(&runner->queue, now)) != NULL) {
        ml_runner_finish(runner, job, ML_JOB_EXPIRED, "");
        notify |= ml_runner_done(runner, job);
    }

    return notify;
}


static void
ml_runner_notify(ml_runner_t *runner, int notify)
{
    ml_runner_depth(runner);

    pthread_mutex_unlock(&runner->lock);

    if (notify) {
        runner->options.notify(runner->options.data);
    }

    pthread_mutex_lock(&runner->lock);
}


static void *
ml_runner_thread(void *data)
{
    int                   notify;
    size_t                n, i;
    int64_t               rows;
    uint64_t              now, dispatch;
    struct timespec       until;
    ml_runner_t          *runner;
    ml_backend_status_e   status;

    runner = data;

    pthread_mutex_lock(&runner->lock);

    while (!runner->stopping) {
        now = ml_monotonic_ns();

        notify = ml_runner_expire(runner, now);
        if (notify) {
            ml_runner_notify(runner, notify);
            continue;
        }

        if (runner->queue.njobs == 0 || runner->busy || runner->lost) {
            pthread_cond_wait(&runner->wake, &runner->lock);
            continue;
        }

        dispatch = ml_queue_dispatch_time(&runner->queue,
                                          runner->options.batch,
                                          runner->options.delay_ns,
                                          ml_prediction_ns(
                                                      &runner->prediction,
                                                      runner->queue.rows));

        if (dispatch > now) {
            until.tv_sec = (time_t) (dispatch / 1000000000);
            until.tv_nsec = (long) (dispatch % 1000000000);

            pthread_cond_timedwait(&runner->wake, &runner->lock, &until);
            continue;
        }

        n = ml_queue_take_batch(&runner->queue, runner->options.batch,
                                runner->jobs, (size_t) runner->options.batch,
                                &rows);

        ml_runner_begin(runner, runner->jobs, n, rows);
        ml_runner_notify(runner, 0);

        pthread_mutex_unlock(&runner->lock);
        status = ml_runner_run(runner, runner->jobs, n, rows);
        pthread_mutex_lock(&runner->lock);

        runner->busy = 0;
        notify = 0;

        for (i = 0; i < n; i++) {
            notify |= ml_runner_done(runner, runner->jobs[i]);
        }

        if (status == ML_BACKEND_LOST) {
            runner->lost = 1;
            notify |= ml_runner_fail_queued(runner, "the device is lost");
        }

        ml_runner_notify(runner, notify);
    }

    runner->stopped = 1;
    pthread_cond_signal(&runner->idle);
    pthread_mutex_unlock(&runner->lock);

    return NULL;
}


static ml_submit_e
ml_runner_submit(ml_executor_t *executor, ml_job_t *job)
{
    ml_runner_t          *runner;
    ml_submit_e           rc;
    ml_backend_status_e   status;

    runner = (ml_runner_t *) executor;

    if (ml_job_outputs(job, runner->batch.output_bytes) != 0) {
        return ML_SUBMIT_MEMORY;
    }

    job->submitted = ml_monotonic_ns();
    job->bytes = (size_t) job->rows * runner->row_bytes;

    pthread_mutex_lock(&runner->lock);

    if (runner->stopping || runner->lost) {
        pthread_mutex_unlock(&runner->lock);
        return ML_SUBMIT_CLOSED;
    }

    if (runner->busy == 0 && runner->queue.njobs == 0
        && runner->options.delay_ns == 0
        && ml_prediction_ns(&runner->prediction, job->rows)
           < runner->options.inline_ns)
    {
        ml_runner_begin(runner, &job, 1, job->rows);
        pthread_mutex_unlock(&runner->lock);

        status = ml_runner_run(runner, &job, 1, job->rows);

        pthread_mutex_lock(&runner->lock);
        runner->busy = 0;
        runner->lost = (status == ML_BACKEND_LOST);
        pthread_mutex_unlock(&runner->lock);

        return ML_SUBMIT_DONE;
    }

    rc = ML_SUBMIT_QUEUED;

    if (ml_queue_push(&runner->queue, job) != 0) {
        rc = ML_SUBMIT_FULL;

    } else {
        ml_runner_depth(runner);
        pthread_cond_signal(&runner->wake);
    }

    pthread_mutex_unlock(&runner->lock);

    return rc;
}


static ml_cancel_e
ml_runner_cancel(ml_executor_t *executor, ml_job_t *job)
{
    ml_cancel_e   rc;
    ml_runner_t  *runner;

    runner = (ml_runner_t *) executor;

    pthread_mutex_lock(&runner->lock);

    switch (job->place) {

    case ML_JOB_QUEUED:
        ml_queue_remove(&runner->queue, job);
        ml_runner_depth(runner);
        rc = ML_CANCEL_REMOVED;
        break;

    case ML_JOB_RUNNING:
        job->cancelled = 1;
        rc = ML_CANCEL_RUNNING;
        break;

    default:
        rc = ML_CANCEL_FINISHED;
        break;
    }

    pthread_mutex_unlock(&runner->lock);

    return rc;
}


static ml_job_t *
ml_runner_completed(ml_executor_t *executor)
{
    ml_job_t     *jobs;
    ml_runner_t  *runner;

    runner = (ml_runner_t *) executor;

    pthread_mutex_lock(&runner->lock);

    jobs = runner->done;
    runner->done = NULL;
    runner->done_last = &runner->done;

    pthread_mutex_unlock(&runner->lock);

    return jobs;
}


static uint64_t
ml_runner_backlog(ml_executor_t *executor)
{
    uint64_t      ns;
    ml_runner_t  *runner;

    runner = (ml_runner_t *) executor;
    ns = 0;

    pthread_mutex_lock(&runner->lock);

    if (runner->queue.rows) {
        ns += ml_prediction_ns(&runner->prediction, runner->queue.rows);
    }

    if (runner->busy) {
        ns += ml_prediction_ns(&runner->prediction, runner->busy);
    }

    pthread_mutex_unlock(&runner->lock);

    return ns;
}


static uint64_t
ml_runner_predict(ml_executor_t *executor, int64_t rows)
{
    return ml_prediction_ns(&((ml_runner_t *) executor)->prediction, rows);
}


static ml_executor_state_e
ml_runner_state(ml_executor_t *executor)
{
    int           lost;
    ml_runner_t  *runner;

    runner = (ml_runner_t *) executor;

    pthread_mutex_lock(&runner->lock);
    lost = runner->lost;
    pthread_mutex_unlock(&runner->lock);

    return lost ? ML_EXECUTOR_LOST : ML_EXECUTOR_READY;
}


static void
ml_runner_free(ml_runner_t *runner)
{
    ml_batch_destroy(&runner->batch);
    free(runner->jobs);

    ml_queue_destroy(&runner->queue);

    pthread_cond_destroy(&runner->idle);
    pthread_cond_destroy(&runner->wake);
    pthread_mutex_destroy(&runner->lock);

    free(runner);
}


static int
ml_runner_close(ml_executor_t *executor, unsigned timeout_ms)
{
    int               rc, stopped;
    ml_job_t         *job, *next;
    uint64_t          deadline;
    ml_runner_t      *runner;
    struct timespec   until;

    runner = (ml_runner_t *) executor;

    deadline = ml_monotonic_ns() + (uint64_t) timeout_ms * 1000000;
    until.tv_sec = (time_t) (deadline / 1000000000);
    until.tv_nsec = (long) (deadline % 1000000000);

    pthread_mutex_lock(&runner->lock);

    runner->stopping = 1;
    pthread_cond_signal(&runner->wake);

    while ((job = ml_queue_first(&runner->queue)) != NULL) {
        ml_queue_remove(&runner->queue, job);
        ml_job_free(job);
    }

    ml_runner_depth(runner);

    /* "busy" is set before run() is entered, and a cancel is final */

    if (runner->busy && runner->options.backend->cancel) {
        runner->options.backend->cancel(runner->options.context);
    }

    for (rc = 0; !runner->stopped && rc == 0; /* void */ ) {
        rc = pthread_cond_timedwait(&runner->idle, &runner->lock, &until);
    }

    stopped = runner->stopped;

    pthread_mutex_unlock(&runner->lock);

    if (!stopped) {
        return -1;
    }

    pthread_join(runner->thread, NULL);

    for (job = runner->done; job; job = next) {
        next = job->next;
        ml_job_free(job);
    }

    ml_runner_free(runner);

    return 0;
}


ml_executor_t *
ml_runner_create(const ml_runner_options_t *options, char *error, size_t size)
{
    size_t               i;
    int64_t              max_rows;
    ml_runner_t         *runner;
    pthread_condattr_t   attributes;

    runner = calloc(1, sizeof(ml_runner_t));
    if (runner == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }

    runner->executor.ops = &ml_runner_ops;
    runner->options = *options;
    runner->done_last = &runner->done;

    pthread_mutex_init(&runner->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&runner->wake, &attributes);
    pthread_cond_init(&runner->idle, &attributes);
    pthread_condattr_destroy(&attributes);

    runner->jobs = calloc((size_t) options->batch, sizeof(ml_job_t *));

    /* a full queue of full batches */

    if (__builtin_mul_overflow((int64_t) options->queue, options->batch,
                               &max_rows)
        || runner->jobs == NULL
        || ml_queue_init(&runner->queue, options->queue, max_rows,
                         options->bytes)
           != 0
        || ml_batch_init(&runner->batch, options->model, options->backend,
                         options->context, options->batch,
                         &runner->prediction)
           != 0)
    {
        snprintf(error, size, "out of memory");
        ml_runner_free(runner);
        return NULL;
    }

    for (i = 0; i < runner->batch.ninputs; i++) {
        runner->row_bytes += runner->batch.input_bytes[i];
    }

    if (ml_batch_plan(&runner->batch, 1, error, size) != ML_BACKEND_OK) {
        ml_runner_free(runner);
        return NULL;
    }

    if (ml_thread_create(&runner->thread, ml_runner_thread, runner) != 0) {
        snprintf(error, size, "cannot start a thread");
        ml_runner_free(runner);
        return NULL;
    }

    return &runner->executor;
}
