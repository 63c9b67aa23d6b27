/* link: -lpthread */

/* The inference thread, with a backend that the tests hold and release. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ml_tensor.c"
#include "ml_job.c"
#include "ml_queue.c"
#include "ml_prediction.c"
#include "ml_batch.c"
#include "ml_runner.c"

#include "test.h"


/* model: x float32 [N,2] -> y float32 [N,1], the sum; n int64 [N] -> rows */

static const ml_tensor_spec_t  inputs[] = {
    { "x", ML_DTYPE_FLOAT32, 2, { -1, 2 }, 0 }
};

static const ml_tensor_spec_t  outputs[] = {
    { "y", ML_DTYPE_FLOAT32, 2, { -1, 1 }, 0 },
    { "n", ML_DTYPE_INT64, 1, { -1 }, 0 }
};


const ml_tensor_spec_t *
ml_model_inputs(const ml_model_t *model, size_t *n)
{
    *n = 1;
    return inputs;
}


const ml_tensor_spec_t *
ml_model_outputs(const ml_model_t *model, size_t *n)
{
    *n = 2;
    return outputs;
}


int
ml_model_batched(const ml_model_t *model)
{
    return 1;
}


static struct {
    _Atomic int        hold;            /* run() waits while it is set */
    _Atomic int        inside;          /* threads in run(), now */
    _Atomic int        most;            /* at any time */
    _Atomic int        runs;
    _Atomic int        last_rows;
    _Atomic int        nonzero;         /* rows of the last run */
    _Atomic int        result;          /* ml_backend_status_e */
    _Atomic int        cancelled;       /* how often cancel() was called */
    int64_t            planned[32];
    int                nplanned;
    int                plan_fails;
} device;


static ml_backend_status_e
fake_plan(ml_backend_context_t *context, int64_t rows, char *error,
    size_t size)
{
    if (device.plan_fails) {
        snprintf(error, size, "no room for %d rows", (int) rows);
        return ML_BACKEND_MEMORY;
    }

    device.planned[device.nplanned++] = rows;

    return ML_BACKEND_OK;
}


static ml_backend_status_e
fake_run(ml_backend_context_t *context, int64_t rows, const void *const *in,
    void *const *out, ml_backend_meter_t *meter, char *error, size_t size)
{
    int           n;
    int64_t       i;
    const float  *x;

    n = ++device.inside;

    if (n > device.most) {
        device.most = n;
    }

    while (device.hold) {
        usleep(200);
    }

    if (device.cancelled) {
        device.inside--;
        return ML_BACKEND_CANCELLED;
    }

    x = in[0];

    for (i = 0; i < rows; i++) {
        ((float *) out[0])[i] = x[2 * i] + x[2 * i + 1];
        ((int64_t *) out[1])[i] = rows;
    }

    device.nonzero = 0;

    for (i = 0; i < rows; i++) {
        device.nonzero += (x[2 * i] != 0 || x[2 * i + 1] != 0);
    }

    device.runs++;
    device.last_rows = (int) rows;
    device.inside--;

    meter->device_ns = 1000 * (uint64_t) rows;

    if (device.result != ML_BACKEND_OK) {
        snprintf(error, size, "scripted");
    }

    return (ml_backend_status_e) device.result;
}


/* Final, and so right before run() as well as during it. */

static void
fake_cancel(ml_backend_context_t *context)
{
    device.cancelled++;
    device.hold = 0;
}


static const ml_backend_t  backend = {
    .abi = ML_BACKEND_ABI,
    .name = "fake",
    .plan = fake_plan,
    .run = fake_run
};


static const ml_backend_t  backend_that_stops = {
    .abi = ML_BACKEND_ABI,
    .name = "fake",
    .plan = fake_plan,
    .run = fake_run,
    .cancel = fake_cancel
};


static _Atomic int       notified;
static _Atomic uint32_t  depth;


static struct {
    int                batches;
    int64_t            rows;
    uint64_t           ns;
    int                failed;
} counted;


static void
notify(void *data)
{
    notified++;
}


/* A thread's call is seen by whoever has seen the jobs of its batch. */

static void
ran(void *data, uint64_t device_ns, int64_t rows, int failed)
{
    counted.batches++;
    counted.rows += rows;
    counted.ns += device_ns;
    counted.failed += failed;
}


static ml_executor_t *
start(int64_t batch, size_t queue, uint64_t delay_ns, uint64_t inline_ns)
{
    char                 error[128];
    ml_executor_t       *executor;
    ml_runner_options_t  options;

    memset(&device, 0, sizeof(device));
    memset(&options, 0, sizeof(options));
    notified = 0;

    options.backend = &backend;
    options.batch = batch;
    options.queue = queue;
    options.delay_ns = delay_ns;
    options.inline_ns = inline_ns;
    options.bytes = 1000000;
    options.depth = &depth;
    options.notify = notify;
    options.ran = ran;

    executor = ml_runner_create(&options, error, sizeof(error));
    CHECK(executor != NULL);

    device.runs = 0;
    memset(&counted, 0, sizeof(counted));

    return executor;
}


static ml_job_t *
make(int64_t rows, float value, unsigned msec)
{
    float     *x;
    int64_t    i;
    ml_job_t  *job;

    job = ml_job_create(1, 2);
    job->rows = rows;
    job->deadline = ml_monotonic_ns() + msec * 1000000ull;

    x = malloc((size_t) rows * 2 * sizeof(float));

    for (i = 0; i < rows; i++) {
        x[2 * i] = value;
        x[2 * i + 1] = (float) i + 1;
    }

    job->inputs[0] = x;

    return job;
}


/* The jobs that are done, waiting for n of them. */

static size_t
collect(ml_executor_t *executor, ml_job_t **jobs, size_t n)
{
    size_t     i;
    unsigned   tries;
    ml_job_t  *job;

    for (i = 0, tries = 0; i < n && tries < 5000; tries++) {
        job = executor->ops->completed(executor);

        for ( /* void */ ; job && i < n; job = job->next) {
            jobs[i++] = job;
        }

        CHECK(job == NULL);
        usleep(1000);
    }

    return i;
}


static void
wait_inside(void)
{
    while (device.inside == 0) {
        usleep(200);
    }
}


static int
right(ml_job_t *job, float value)
{
    int64_t  i;

    for (i = 0; i < job->rows; i++) {
        if (((float *) job->outputs[0])[i] != value + (float) i + 1) {
            return 0;
        }
    }

    return 1;
}


static void
test_plans(void)
{
    ml_executor_t  *executor;

    executor = start(6, 10, 0, 0);

    CHECK_INT(device.nplanned, 4);
    CHECK_INT(device.planned[0], 1);
    CHECK_INT(device.planned[1], 2);
    CHECK_INT(device.planned[2], 4);
    CHECK_INT(device.planned[3], 6);
    CHECK_INT(executor->ops->close(executor, 1000), 0);

    executor = start(1, 10, 0, 0);
    CHECK_INT(device.nplanned, 1);
    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


static void
test_plan_fails(void)
{
    char                 error[128];
    ml_runner_options_t  options;

    memset(&device, 0, sizeof(device));
    memset(&options, 0, sizeof(options));
    device.plan_fails = 1;

    options.backend = &backend;
    options.batch = 4;
    options.queue = 4;
    options.notify = notify;

    CHECK(ml_runner_create(&options, error, sizeof(error)) == NULL);
    CHECK_STR(error, "no room for 1 rows");
}


/* While one runs, others gather; what they get is theirs. */

static void
test_batches(void)
{
    int             i;
    ml_job_t       *jobs[6], *done[6];
    ml_executor_t  *executor;

    executor = start(8, 10, 0, 0);

    device.hold = 1;
    jobs[0] = make(1, 100, 10000);
    CHECK_INT(executor->ops->submit(executor, jobs[0]), ML_SUBMIT_QUEUED);
    wait_inside();
    CHECK_INT(depth, 0);

    for (i = 1; i < 6; i++) {
        jobs[i] = make(i == 5 ? 4 : 1, (float) (i * 100 + 100), 10000);
        CHECK_INT(executor->ops->submit(executor, jobs[i]),
                  ML_SUBMIT_QUEUED);
        CHECK_INT(depth, i);
    }

    CHECK(executor->ops->backlog(executor) > 0);

    device.hold = 0;
    CHECK_INT(collect(executor, done, 6), 6);
    CHECK_INT(device.runs, 2);
    CHECK_INT(device.last_rows, 8);
    CHECK_INT(depth, 0);

    for (i = 0; i < 6; i++) {
        CHECK_INT(jobs[i]->status, ML_JOB_OK);
        CHECK(right(jobs[i], (float) (i * 100 + 100)));
        CHECK_INT(jobs[i]->batch_rows, i == 0 ? 1 : 8);
        CHECK_INT(jobs[i]->batch, i < 1 ? 1 : 2);
        CHECK(jobs[i]->started >= jobs[i]->submitted);
        CHECK(jobs[i]->finished >= jobs[i]->started);
    }

    /* the time of the batch is divided by rows */

    CHECK_INT(counted.batches, 2);
    CHECK_INT(counted.rows, 9);
    CHECK_INT(counted.ns, 9000);
    CHECK_INT(counted.failed, 0);
    CHECK_INT(jobs[1]->device_ns, 1000);
    CHECK_INT(jobs[5]->device_ns, 4000);
    CHECK(notified >= 1);

    for (i = 0; i < 6; i++) {
        ml_job_free(jobs[i]);
    }

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


/* Five rows run as eight; nothing of an earlier batch is in the three. */

static void
test_padding(void)
{
    int             i;
    ml_job_t       *job, *done[1];
    ml_executor_t  *executor;

    executor = start(8, 10, 0, 0);

    for (i = 7; i >= 5; i -= 2) {
        job = make(i, 3, 10000);

        CHECK_INT(executor->ops->submit(executor, job), ML_SUBMIT_QUEUED);
        CHECK_INT(collect(executor, done, 1), 1);
        CHECK_INT(device.last_rows, 8);
        CHECK_INT(((int64_t *) job->outputs[1])[i - 1], 8);
        CHECK_INT(device.nonzero, i);
        CHECK(right(job, 3));
        ml_job_free(job);
    }

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


/* More rows than a batch: piece by piece, the deadline looked at between. */

static void
test_large(void)
{
    ml_job_t       *job, *done[1];
    ml_executor_t  *executor;

    executor = start(4, 2, 0, 0);

    job = make(11, 5, 10000);
    CHECK_INT(executor->ops->submit(executor, job), ML_SUBMIT_QUEUED);
    CHECK_INT(collect(executor, done, 1), 1);
    CHECK_INT(job->status, ML_JOB_OK);
    CHECK_INT(device.runs, 3);
    CHECK(right(job, 5));
    CHECK_INT(job->device_ns, 12000);
    CHECK_INT(counted.ns, 12000);
    CHECK_INT(counted.batches, 1);
    ml_job_free(job);

    device.hold = 1;
    job = make(11, 5, 50);
    CHECK_INT(executor->ops->submit(executor, job), ML_SUBMIT_QUEUED);
    wait_inside();
    usleep(60000);
    device.hold = 0;
    CHECK_INT(collect(executor, done, 1), 1);
    CHECK_INT(job->status, ML_JOB_LATE);
    CHECK(job->outputs[0] == NULL);
    ml_job_free(job);

    device.hold = 1;
    device.runs = 0;
    job = make(11, 5, 10000);
    CHECK_INT(executor->ops->submit(executor, job), ML_SUBMIT_QUEUED);
    wait_inside();
    CHECK_INT(executor->ops->cancel(executor, job), ML_CANCEL_RUNNING);
    device.hold = 0;
    CHECK_INT(collect(executor, done, 1), 1);
    CHECK_INT(job->status, ML_JOB_CANCELLED);
    CHECK_INT(device.runs, 1);
    ml_job_free(job);

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


static void
test_bounds_and_deadlines(void)
{
    ml_job_t       *running, *expires, *stays, *full, *done[3];
    ml_executor_t  *executor;

    executor = start(1, 2, 0, 0);

    device.hold = 1;
    running = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, running), ML_SUBMIT_QUEUED);
    wait_inside();

    expires = make(1, 2, 20);
    stays = make(1, 3, 10000);
    full = make(1, 4, 10000);
    CHECK_INT(executor->ops->submit(executor, expires), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, stays), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, full), ML_SUBMIT_FULL);
    ml_job_free(full);

    usleep(30000);
    device.hold = 0;

    CHECK_INT(collect(executor, done, 3), 3);
    CHECK_INT(expires->status, ML_JOB_EXPIRED);
    CHECK_INT(expires->started, 0);
    CHECK(expires->outputs[0] == NULL);
    CHECK_INT(stays->status, ML_JOB_OK);
    CHECK_INT(device.runs, 2);

    ml_job_free(running);
    ml_job_free(expires);
    ml_job_free(stays);

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


static void
test_cancel(void)
{
    ml_job_t       *running, *queued, *done[2];
    ml_executor_t  *executor;

    executor = start(4, 4, 0, 0);

    device.hold = 1;
    running = make(1, 1, 10000);
    queued = make(1, 2, 10000);
    CHECK_INT(executor->ops->submit(executor, running), ML_SUBMIT_QUEUED);
    wait_inside();
    CHECK_INT(executor->ops->submit(executor, queued), ML_SUBMIT_QUEUED);

    CHECK_INT(executor->ops->cancel(executor, queued), ML_CANCEL_REMOVED);
    CHECK_INT(depth, 0);
    ml_job_free(queued);

    CHECK_INT(executor->ops->cancel(executor, running), ML_CANCEL_RUNNING);
    device.hold = 0;

    while (notified == 0) {
        usleep(1000);
    }

    CHECK_INT(executor->ops->cancel(executor, running), ML_CANCEL_FINISHED);
    CHECK_INT(collect(executor, done, 1), 1);
    CHECK(done[0] == running);
    ml_job_free(running);

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


/* Short runs stay in the caller, but never beside a running thread. */

static void
test_inline(void)
{
    ml_job_t       *a, *b, *done[2];
    ml_executor_t  *executor;

    executor = start(4, 4, 0, 1000000000);

    a = make(2, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_DONE);
    CHECK_INT(a->status, ML_JOB_OK);
    CHECK(right(a, 1));
    CHECK_INT(notified, 0);
    ml_job_free(a);
    CHECK_INT(executor->ops->close(executor, 1000), 0);

    /* with a delay, or when the time is not short, the thread does it */

    executor = start(4, 4, 1000, 1000000000);
    a = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    CHECK_INT(collect(executor, done, 1), 1);
    ml_job_free(a);
    CHECK_INT(executor->ops->close(executor, 1000), 0);

    executor = start(4, 4, 0, 1);
    device.hold = 1;
    a = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    wait_inside();

    ((ml_runner_t *) executor)->options.inline_ns = 1000000000;
    b = make(1, 2, 10000);
    CHECK_INT(executor->ops->submit(executor, b), ML_SUBMIT_QUEUED);
    device.hold = 0;
    CHECK_INT(collect(executor, done, 2), 2);
    CHECK_INT(device.most, 1);
    ml_job_free(a);
    ml_job_free(b);
    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


/* With a delay a batch waits for more rows, and goes when it is full. */

static void
test_delay(void)
{
    uint64_t        began;
    ml_job_t       *a, *b, *done[2];
    ml_executor_t  *executor;

    executor = start(2, 4, 60 * 1000000, 0);

    began = ml_monotonic_ns();
    a = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    CHECK_INT(collect(executor, done, 1), 1);
    CHECK(ml_monotonic_ns() - began >= 60 * 1000000);
    ml_job_free(a);

    device.runs = 0;
    a = make(1, 1, 10000);
    b = make(1, 2, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, b), ML_SUBMIT_QUEUED);
    CHECK_INT(collect(executor, done, 2), 2);
    CHECK(a->started - a->submitted < 60 * 1000000);
    CHECK_INT(device.runs, 1);
    ml_job_free(a);
    ml_job_free(b);

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


static void
test_failures(void)
{
    ml_job_t       *a, *b, *done[2];
    ml_executor_t  *executor;

    executor = start(4, 4, 0, 0);

    device.result = ML_BACKEND_ERROR;
    a = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    CHECK_INT(collect(executor, done, 1), 1);
    CHECK_INT(a->status, ML_JOB_FAILED);
    CHECK_STR(a->error, "scripted");
    CHECK_INT(counted.failed, 1);
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_READY);
    ml_job_free(a);

    /* a lost device: what waits fails too, nothing more is taken */

    device.result = ML_BACKEND_LOST;
    device.hold = 1;
    a = make(1, 1, 10000);
    b = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    wait_inside();
    CHECK_INT(executor->ops->submit(executor, b), ML_SUBMIT_QUEUED);
    device.hold = 0;
    CHECK_INT(collect(executor, done, 2), 2);
    CHECK_INT(b->status, ML_JOB_FAILED);
    CHECK_STR(b->error, "the device is lost");
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_LOST);
    ml_job_free(a);

    free(b->outputs[0]);
    free(b->outputs[1]);
    CHECK_INT(executor->ops->submit(executor, b), ML_SUBMIT_CLOSED);
    ml_job_free(b);

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


/*
 * Cancelled at the moment in which they end; mostly for ThreadSanitizer, see
 * t/process/330_infer_threads.py.
 */

static void
test_cancel_at_the_end(void)
{
    int             i;
    ml_job_t       *jobs[3], *done[3];
    ml_executor_t  *executor;

    executor = start(4, 4, 0, 0);

    for (i = 0; i < 200; i++) {
        device.hold = 1;
        jobs[0] = make(1, 1, 10000);
        CHECK_INT(executor->ops->submit(executor, jobs[0]),
                  ML_SUBMIT_QUEUED);
        wait_inside();

        jobs[1] = make(1, 2, 10000);
        jobs[2] = make(1, 3, 10000);
        CHECK_INT(executor->ops->submit(executor, jobs[1]),
                  ML_SUBMIT_QUEUED);
        CHECK_INT(executor->ops->submit(executor, jobs[2]),
                  ML_SUBMIT_QUEUED);

        device.hold = 0;
        CHECK(executor->ops->cancel(executor, jobs[0]) != ML_CANCEL_REMOVED);

        if (i % 2) {
            wait_inside();
        }

        if (executor->ops->cancel(executor, jobs[2]) == ML_CANCEL_REMOVED) {
            CHECK_INT(collect(executor, done, 2), 2);

        } else {
            CHECK_INT(collect(executor, done, 3), 3);
            CHECK_INT(jobs[2]->status, ML_JOB_OK);
        }

        CHECK_INT(jobs[0]->status, ML_JOB_OK);
        CHECK(right(jobs[1], 2));
        ml_job_free(jobs[0]);
        ml_job_free(jobs[1]);
        ml_job_free(jobs[2]);
    }

    CHECK_INT(executor->ops->close(executor, 1000), 0);
}


static void
test_close(void)
{
    ml_job_t       *a, *b;
    ml_executor_t  *executor;

    /* waits for what runs; what waits is dropped */

    executor = start(1, 4, 0, 0);
    device.hold = 1;
    a = make(1, 1, 10000);
    b = make(1, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);
    wait_inside();
    CHECK_INT(executor->ops->submit(executor, b), ML_SUBMIT_QUEUED);

    /* but not for ever */

    CHECK_INT(executor->ops->close(executor, 20), -1);

    device.hold = 0;
    CHECK_INT(executor->ops->close(executor, 5000), 0);
    CHECK_INT(device.runs, 1);

    /* a run that is asked to stop does, or is not even begun */

    executor = start(1, 4, 0, 0);
    ((ml_runner_t *) executor)->options.backend = &backend_that_stops;
    device.hold = 1;
    a = make(5, 1, 10000);
    CHECK_INT(executor->ops->submit(executor, a), ML_SUBMIT_QUEUED);

    while (depth != 0) {
        usleep(100);
    }

    CHECK_INT(executor->ops->close(executor, 5000), 0);
    CHECK_INT(device.cancelled, 1);
    CHECK_INT(device.runs, 0);
}


int
main(void)
{
    test_plans();
    test_plan_fails();
    test_batches();
    test_padding();
    test_large();
    test_bounds_and_deadlines();
    test_cancel();
    test_inline();
    test_delay();
    test_failures();
    test_cancel_at_the_end();
    test_close();

    return TEST_END;
}
