/*
 * The owner of a device, with a backend that is told when to go on: what it
 * takes together, what alone, in which order, and how it begins and ends.
 */

/* link: -lpthread -lm */

#include <stdlib.h>
#include <sched.h>
#include <sys/mman.h>

#include "test.h"
#include "engine.h"
#include "onnx_writer.h"

#include "ml_siphash.c"
#include "ml_process.c"
#include "ml_prediction.c"
#include "ml_job.c"
#include "ml_queue.c"
#include "ml_batch.c"
#include "ml_slots.c"
#include "ml_slots_owner.c"
#include "ml_submitter.c"
#include "ml_device_serve.c"
#include "ml_device.c"


#define SLOTS  16
#define BATCH  4
#define RUNS   64

#define LATER  (ml_monotonic_ns() + (uint64_t) 60 * 1000000000)


static ml_model_t       *model;
static char             *table;
static ml_slots_t        slots;
static size_t            row_bytes[1] = { 16 };
static ml_slots_shape_t  shape = { SLOTS, 1, 1, 1, row_bytes, row_bytes };
static pthread_mutex_t   turn = PTHREAD_MUTEX_INITIALIZER;

/* the backend's, under its lock */
static pthread_mutex_t      lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t       moved = PTHREAD_COND_INITIALIZER;
static int                  loads;          /* so far */
static int                  unloads;
static int                  failing;        /* loads that will fail */
static int                  missing;        /* probe says no */
static ml_backend_status_e  outcome;        /* of runs */
static int                  held;           /* runs wait */
static int                  waiting;        /* a run does */
static int                  measuring;      /* runs of plan() */
static uint64_t             pace;           /* ns of one row */
static int64_t              runs[RUNS];     /* their rows */
static float                firsts[RUNS];   /* their first value */
static int                  nruns;


static ml_backend_status_e
backend_probe(const char *argument, char *error, size_t size)
{
    (void) snprintf(error, size, "there is none");
    return missing ? ML_BACKEND_ERROR : ML_BACKEND_OK;
}


static ml_backend_status_e
backend_load(const ml_model_t *m, const char *argument,
    ml_backend_context_t **context, char *error, size_t size)
{
    ml_backend_status_e  rc;

    pthread_mutex_lock(&lock);
    loads++;
    rc = failing > 0 ? ML_BACKEND_MEMORY : ML_BACKEND_OK;
    failing -= failing > 0;
    measuring = 1;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);

    (void) snprintf(error, size, "no memory");
    *context = (ml_backend_context_t *) &lock;

    return rc;
}


static ml_backend_status_e
backend_plan(ml_backend_context_t *context, int64_t rows, char *error,
    size_t size)
{
    return ML_BACKEND_OK;
}


static ml_backend_status_e
backend_run(ml_backend_context_t *context, int64_t rows,
    const void *const *inputs, void *const *outputs,
    ml_backend_meter_t *meter, char *error, size_t size)
{
    int                  measured;
    ml_backend_status_e  rc;

    memcpy(outputs[0], inputs[0], (size_t) rows * 16);
    (void) snprintf(error, size, "as told");
    meter->device_ns = 1000 * (uint64_t) rows;

    pthread_mutex_lock(&lock);

    measured = measuring;

    if (!measured) {
        waiting = 1;
        pthread_cond_broadcast(&moved);

        while (held) {
            pthread_cond_wait(&moved, &lock);
        }

        waiting = 0;
        runs[nruns] = rows;
        firsts[nruns++] = ((const float *) inputs[0])[0];
    }

    rc = measured ? ML_BACKEND_OK : outcome;
    pthread_mutex_unlock(&lock);

    if (measured && pace) {
        uint64_t  until = ml_monotonic_ns() + pace * (uint64_t) rows;

        while (ml_monotonic_ns() < until) { /* void */ }
    }

    return rc;
}


static void
backend_unload(ml_backend_context_t *context)
{
    pthread_mutex_lock(&lock);
    unloads++;
    pthread_mutex_unlock(&lock);
}


const ml_backend_t *
ml_backend_open(const char *path, const char *build, char *error, size_t size)
{
    static const ml_backend_t  backend = {
        ML_BACKEND_ABI, "test", "test", backend_probe, backend_load,
        backend_plan, NULL, backend_run, NULL, backend_unload
    };

    if (strcmp(path, "nothing") == 0) {
        (void) snprintf(error, size, "no such file");
        return NULL;
    }

    return &backend;
}


/* Waits for what another thread does; the test fails if it never does. */

#define WAIT(condition)                                                       \
    do {                                                                      \
        int       wait_over;                                                  \
        uint64_t  wait_until = ml_monotonic_ns()                              \
                               + (uint64_t) 10 * 1000000000;                  \
                                                                              \
        while (!(wait_over = !!(condition))                                   \
               && ml_monotonic_ns() < wait_until)                             \
        {                                                                     \
            (void) sched_yield();                                             \
        }                                                                     \
                                                                              \
        if (!wait_over) {                                                     \
            fprintf(stderr, "waited in vain: %s\n", #condition);              \
        }                                                                     \
                                                                              \
        CHECK(wait_over);                                                     \
    } while (0)


static void
kick(void *data, unsigned entry)
{
}


static void
tell(void *data)
{
    (void) data;
}


static void
hold(int on)
{
    pthread_mutex_lock(&lock);
    held = on;
    pthread_cond_broadcast(&moved);
    pthread_mutex_unlock(&lock);
}


static int
is_waiting(void)
{
    int  rc;

    pthread_mutex_lock(&lock);
    rc = waiting;
    pthread_mutex_unlock(&lock);

    return rc;
}


static void
begin(void)
{
    static const uint8_t  key[16] = { 1 };

    table = mmap(NULL, ml_slots_size(&shape), PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (table == MAP_FAILED || ml_slots_init(table, &shape, key) != 0
        || ml_slots_open(&slots, table, &shape) != 0)
    {
        abort();
    }

    loads = unloads = failing = missing = held = waiting = nruns = 0;
    outcome = ML_BACKEND_OK;
    pace = 0;
}


static void
end(void)
{
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    ml_slots_close(&slots);
    (void) munmap(table, ml_slots_size(&shape));
}


static ml_device_t *
start(int replaced, const char *cpu)
{
    char                  error[128];
    ml_device_t          *device;
    ml_device_options_t   options;

    memset(&options, 0, sizeof(options));

    options.model = model;
    options.slots = &slots;
    options.batch = BATCH;
    options.hang_ns = (uint64_t) 50 * 1000000;
    options.backend = "device";
    options.build = "test";
    options.cpu = cpu;
    options.turn = &turn;
    options.replaced = replaced;
    options.kick = kick;
    options.told = tell;

    device = ml_device_start(&options, error, sizeof(error));

    if (device == NULL) {
        abort();
    }

    return device;
}


/* Until it is ready; from then on runs are those of jobs. */

static ml_device_t *
ready(int replaced, const char *cpu)
{
    ml_device_t  *device;

    device = start(replaced, cpu);
    WAIT(slots.shared->state == ML_DEVICE_READY);

    pthread_mutex_lock(&lock);
    measuring = 0;
    pthread_mutex_unlock(&lock);

    return device;
}


static ml_executor_t *
submitter(void)
{
    char            error[128];
    ml_executor_t  *executor;

    executor = ml_submitter_create(&slots, error, sizeof(error));

    if (executor == NULL) {
        abort();
    }

    return executor;
}


static ml_job_t *
submit(ml_executor_t *executor, float value, uint64_t deadline)
{
    ml_job_t  *job;

    job = ml_job_create(1, 1);

    if (job == NULL) {
        abort();
    }

    job->rows = 1;
    job->deadline = deadline;
    job->inputs[0] = calloc(1, 16);
    *(float *) job->inputs[0] = value;

    CHECK_INT(executor->ops->submit(executor, job), ML_SUBMIT_QUEUED);

    return job;
}


/* The next answer, which is of that job. */

static void
answered(ml_executor_t *executor, ml_job_t *job, ml_job_status_e status)
{
    static ml_job_t  *done;

    if (done == NULL) {
        WAIT((done = executor->ops->completed(executor)) != NULL);
    }

    CHECK(done == job);

    if (done == NULL) {
        return;
    }

    job = done;
    done = job->next;

    CHECK_INT(job->status, status);
    CHECK(status != ML_JOB_OK || job->outputs[0] != NULL);
    ml_job_free(job);
}


/* Rows of several submitters share a run, those that are due first before. */

static void
test_batches(void)
{
    ml_job_t       *jobs[7];
    uint64_t        now;
    ml_device_t    *device;
    ml_executor_t  *one, *two;

    begin();
    device = ready(1, NULL);
    one = submitter();
    two = submitter();

    hold(1);
    jobs[0] = submit(one, 1, LATER);
    WAIT(is_waiting());

    now = LATER;
    jobs[1] = submit(one, 2, now + 5);
    jobs[2] = submit(two, 3, now + 4);
    jobs[3] = submit(two, 4, now + 3);
    jobs[4] = submit(one, 5, now + 2);
    jobs[5] = submit(two, 6, now + 1);
    jobs[6] = submit(two, 7, 1);
    hold(0);

    WAIT(ml_slots_count(&slots, ML_SLOT_DONE) == 6);
    answered(one, jobs[0], ML_JOB_OK);
    answered(one, jobs[1], ML_JOB_OK);
    answered(one, jobs[4], ML_JOB_OK);
    answered(two, jobs[2], ML_JOB_OK);
    answered(two, jobs[3], ML_JOB_OK);
    answered(two, jobs[5], ML_JOB_OK);

    /* the last one was late before it came: its submitter takes it back */

    CHECK_INT(two->ops->cancel(two, jobs[6]), ML_CANCEL_REMOVED);
    ml_job_free(jobs[6]);

    CHECK_INT(nruns, 3);
    CHECK_INT(runs[1], 4);
    CHECK_INT((int) firsts[1], 6);
    CHECK_INT(runs[2], 1);
    CHECK_INT((int) firsts[2], 2);

    CHECK_INT(ml_device_stop(device, 5000), 0);
    CHECK_INT(unloads, 1);
    CHECK(!ml_slots_owned(&slots));
    (void) one->ops->close(one, 0);
    (void) two->ops->close(two, 0);
    end();
}


/* What an owner died of is run alone, and before anything else. */

static void
test_alone(void)
{
    int             i;
    ml_job_t       *jobs[6];
    ml_device_t    *device;
    ml_executor_t  *executor;

    begin();
    executor = submitter();

    for (i = 0; i < 6; i++) {
        jobs[i] = submit(executor, (float) i, LATER);
    }

    slots.slots[2].attempts = 1;
    slots.slots[4].attempts = 1;

    device = start(1, NULL);

    WAIT(ml_slots_count(&slots, ML_SLOT_DONE) == 6);
    CHECK_INT(slots.slots[2].batch_rows, 1);
    CHECK_INT(slots.slots[4].batch_rows, 1);
    CHECK(slots.slots[2].batch <= 2 && slots.slots[4].batch <= 2);
    CHECK_INT(slots.slots[0].batch, 3);
    CHECK_INT(slots.slots[0].batch_rows, 4);
    CHECK_INT(slots.slots[5].batch, 3);

    for (i = 0; i < 6; i++) {
        answered(executor, jobs[i], ML_JOB_OK);
    }

    CHECK_INT(ml_device_stop(device, 5000), 0);
    (void) executor->ops->close(executor, 0);
    end();
}


/* A job does not run while another model has the device. */

static void
test_turn(void)
{
    uint32_t        i;
    ml_job_t       *job;
    ml_device_t    *device;
    ml_executor_t  *executor;

    begin();
    device = ready(1, NULL);
    executor = submitter();

    pthread_mutex_lock(&turn);
    job = submit(executor, 1, LATER);

    /* long enough for an owner that would take it */

    for (i = 0; i < 1000 || slots.shared->sleeping; i++) {
        (void) sched_yield();
    }

    CHECK_INT(ml_slots_count(&slots, ML_SLOT_RUNNING), 0);
    CHECK_INT(slots.slots[0].attempts, 0);
    CHECK_INT(executor->ops->cancel(executor, job), ML_CANCEL_REMOVED);
    pthread_mutex_unlock(&turn);
    ml_job_free(job);

    job = submit(executor, 2, LATER);
    answered(executor, job, ML_JOB_OK);
    CHECK_INT(nruns, 1);

    CHECK_INT(ml_device_stop(device, 5000), 0);
    (void) executor->ops->close(executor, 0);
    end();
}


/* A run that fails, a device that is lost, a run that does not end. */

static void
test_failures(void)
{
    char               text[ML_DEVICE_TEXT_SIZE];
    ml_job_t          *job;
    ml_device_t       *device;
    ml_executor_t     *executor;
    ml_device_level_e  level;

    begin();
    device = ready(1, NULL);
    executor = submitter();

    WAIT(ml_device_said(device, &level, text));
    CHECK_STR(text, "ready on test");
    CHECK_INT(ml_device_said(device, &level, text), 0);

    outcome = ML_BACKEND_ERROR;
    job = submit(executor, 1, LATER);
    answered(executor, job, ML_JOB_FAILED);
    CHECK_INT(ml_device_beat(device), 0);

    hold(1);
    outcome = ML_BACKEND_OK;
    job = submit(executor, 1, LATER);
    WAIT(is_waiting());
    WAIT(ml_device_beat(device) == -1);
    CHECK_INT(ml_device_stop(device, 10), -1);

    /* it comes back after all: nobody stopped the process meanwhile */

    hold(0);
    answered(executor, job, ML_JOB_OK);
    CHECK_INT(ml_device_stop(device, 5000), 0);
    (void) executor->ops->close(executor, 0);
    end();

    /* lost: the job stays as it is, and so does the lock */

    begin();
    device = ready(1, NULL);
    executor = submitter();
    outcome = ML_BACKEND_LOST;
    job = submit(executor, 1, LATER);
    WAIT(ml_device_beat(device) == -1);
    WAIT(ml_device_said(device, &level, text)
         && strcmp(text, "the device is lost: as told") == 0);
    CHECK_INT(level, ML_DEVICE_ERROR);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_RUNNING), 1);
    CHECK(ml_slots_owned(&slots));
    CHECK_INT(ml_device_stop(device, 5000), 0);

    /* the next one runs it again */

    outcome = ML_BACKEND_OK;
    device = ready(1, NULL);
    answered(executor, job, ML_JOB_OK);
    CHECK_INT(ml_device_stop(device, 5000), 0);
    (void) executor->ops->close(executor, 0);
    end();

    /* without a successor it is the job that fails, and no more are taken */

    begin();
    device = ready(0, NULL);
    executor = submitter();
    outcome = ML_BACKEND_LOST;
    job = submit(executor, 1, LATER);
    answered(executor, job, ML_JOB_FAILED);
    WAIT(slots.shared->state == ML_DEVICE_FAILED);
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_LOST);
    CHECK_INT(ml_device_beat(device), 0);
    CHECK_INT(ml_device_stop(device, 5000), 0);
    (void) executor->ops->close(executor, 0);
    end();
}


/* A device that does not load is tried again, and says so once. */

static void
test_loads(void)
{
    char                text[ML_DEVICE_TEXT_SIZE];
    ml_device_t        *device;
    ml_device_level_e   level;

    begin();
    failing = 2;
    device = start(1, NULL);
    WAIT(slots.shared->state == ML_DEVICE_FAILED);
    WAIT(ml_device_said(device, &level, text));
    CHECK_STR(text, "no memory");
    CHECK_INT(level, ML_DEVICE_ERROR);
    WAIT(slots.shared->state == ML_DEVICE_READY);
    CHECK_INT(loads, 3);
    CHECK_INT(slots.shared->failed_starts, 0);
    WAIT(ml_device_said(device, &level, text));
    CHECK_STR(text, "ready on test");
    CHECK_INT(ml_device_stop(device, 5000), 0);
    CHECK_INT(unloads, 1);
    end();

    /* a start whose process died is still counted by the next one */

    begin();
    slots.shared->failed_starts = 2;
    device = ready(1, NULL);
    CHECK_INT(slots.shared->failed_starts, 0);
    CHECK_INT(ml_device_stop(device, 5000), 0);
    end();

    CHECK_INT(ml_device_pause_ns(0), 0);
    CHECK_INT(ml_device_pause_ns(1), 0);
    CHECK_INT(ml_device_pause_ns(2), ML_DEVICE_PAUSE_NS);
    CHECK_INT(ml_device_pause_ns(3), 2 * ML_DEVICE_PAUSE_NS);
    CHECK_INT(ml_device_pause_ns(1000), ML_DEVICE_PAUSE_MAX_NS);
    CHECK_INT(ml_device_pause_ns(UINT32_MAX), ML_DEVICE_PAUSE_MAX_NS);

    /* "auto" without a device, or with a CPU that is faster */

    begin();
    missing = 1;
    device = start(1, "cpu");
    WAIT(slots.shared->state == ML_DEVICE_ABSENT);
    CHECK_INT(ml_device_stop(device, 5000), 0);
    end();

    begin();
    pace = 1000000;
    device = ready(1, "cpu");
    CHECK_INT(loads, 2);
    CHECK(slots.shared->cpu.ns[0] >= 1000000);
    CHECK_INT(ml_device_stop(device, 5000), 0);

    /*
     * A later owner does not measure the CPU again.  Both are the same
     * backend, so what was measured says nothing about which is faster.
     */

    slots.shared->cpu.ns[0] = 1;
    slots.shared->cpu.ns[1] = (uint64_t) 1000000000;
    slots.shared->cpu.ns[2] = 1;
    slots.shared->state = ML_DEVICE_STARTING;
    device = ready(1, "cpu");
    CHECK_INT(loads, 3);
    CHECK_INT(slots.shared->preferred & 7, 2);
    CHECK_INT(ml_device_stop(device, 5000), 0);
    end();
}


/* Retired: with nobody left it ends; else it serves until another waits. */

static void
test_retire(void)
{
    ml_job_t       *job;
    ml_device_t    *old, *new;
    ml_executor_t  *executor;

    begin();
    old = ready(1, NULL);
    ml_device_retire(old);
    WAIT(ml_device_ended(old));
    CHECK_INT(ml_device_stop(old, 5000), 0);
    end();

    begin();
    old = ready(1, NULL);
    executor = submitter();
    ml_device_retire(old);
    job = submit(executor, 1, LATER);
    answered(executor, job, ML_JOB_OK);
    CHECK(!ml_device_ended(old));

    new = start(1, NULL);
    WAIT(ml_device_ended(old));
    WAIT(slots.shared->epoch == 2);
    pthread_mutex_lock(&lock);
    measuring = 0;
    pthread_mutex_unlock(&lock);
    job = submit(executor, 2, LATER);
    answered(executor, job, ML_JOB_OK);
    CHECK_INT(ml_device_stop(old, 5000), 0);

    /* a successor that is retired while it waits gives up */

    old = start(1, NULL);
    WAIT(ml_slots_awaited(&slots));
    ml_device_retire(old);
    WAIT(ml_device_ended(old));
    CHECK_INT(ml_device_stop(old, 5000), 0);
    job = submit(executor, 3, LATER);
    answered(executor, job, ML_JOB_OK);

    CHECK_INT(ml_device_stop(new, 5000), 0);
    (void) executor->ops->close(executor, 0);
    end();
}


int
main(void)
{
    char      why[128];
    writer_t  g = { NULL, 0, 0 }, w = { NULL, 0, 0 };

    writer_rows(&g, 11, "x", 4);
    writer_rows(&g, 12, "y", 4);
    writer_node(&g, "Identity", "x", "y", NULL);
    writer_model(&w, &g, 13);
    model = ml_model_read(w.data, w.len, why, sizeof(why));
    writer_free(&w);

    if (model == NULL) {
        return 1;
    }

    test_batches();
    test_alone();
    test_turn();
    test_failures();
    test_loads();
    test_retire();

    ml_model_close(model);

    return TEST_END;
}
