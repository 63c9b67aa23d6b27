/* Submits to the device process; see ml_submitter.h. */

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_submitter.h"


typedef struct {
    ml_executor_t    executor;

    ml_slots_t      *slots;
    unsigned         entry;

    ml_job_t        *jobs;              /* under way, oldest first */
    ml_job_t       **last;
    int32_t         *following;         /* by slot: the job's next, or -1 */

    /* what watch() saw */
    uint64_t         heartbeat;
    uint64_t         ticks;             /* since it changed */
} ml_submitter_t;


static ml_submit_e ml_submitter_submit(ml_executor_t *executor,
    ml_job_t *job);
static ml_cancel_e ml_submitter_cancel(ml_executor_t *executor,
    ml_job_t *job);
static ml_job_t *ml_submitter_completed(ml_executor_t *executor);
static uint64_t ml_submitter_backlog(ml_executor_t *executor);
static uint64_t ml_submitter_predict(ml_executor_t *executor, int64_t rows);
static ml_executor_state_e ml_submitter_state(ml_executor_t *executor);
static int ml_submitter_close(ml_executor_t *executor, unsigned timeout_ms);


static const ml_executor_ops_t  ml_submitter_ops = {
    "process",
    ml_submitter_submit,
    ml_submitter_cancel,
    ml_submitter_completed,
    ml_submitter_backlog,
    ml_submitter_predict,
    ml_submitter_state,
    ml_submitter_close
};


ml_executor_t *
ml_submitter_create(ml_slots_t *slots, char *error, size_t size)
{
    int              entry;
    ml_submitter_t  *submitter;

    submitter = calloc(1, sizeof(ml_submitter_t));

    if (submitter == NULL) {
        (void) snprintf(error, size, "out of memory");
        return NULL;
    }

    submitter->executor.ops = &ml_submitter_ops;
    submitter->slots = slots;
    submitter->last = &submitter->jobs;
    submitter->following = calloc(slots->shape.slots, sizeof(int32_t));

    if (submitter->following == NULL) {
        (void) snprintf(error, size, "out of memory");
        free(submitter);
        return NULL;
    }

    entry = ml_slots_enter(slots);

    if (entry == -1) {
        (void) snprintf(error, size, "more than %d processes use its slots",
                        ML_PROCESS_MAX);
        free(submitter->following);
        free(submitter);
        return NULL;
    }

    submitter->entry = (unsigned) entry;

    return &submitter->executor;
}


unsigned
ml_submitter_entry(const ml_executor_t *executor)
{
    return ((const ml_submitter_t *) executor)->entry;
}


/* Frees slots of a job that were not queued yet. */

static void
ml_submitter_drop(ml_submitter_t *submitter, int32_t slot)
{
    for ( /* void */ ; slot != -1; slot = submitter->following[slot]) {
        ml_slots_free(submitter->slots, (uint32_t) slot);
    }
}


static int32_t
ml_submitter_take(ml_submitter_t *submitter)
{
    int32_t  slot;

    slot = ml_slots_take(submitter->slots, submitter->entry);

    /* perhaps it is a dead process that still has them */

    if (slot == -1 && ml_slots_reap(submitter->slots)) {
        slot = ml_slots_take(submitter->slots, submitter->entry);
    }

    return slot;
}


/* Copies rows of a job, from "offset" on, into a slot. */

static void
ml_submitter_write(ml_submitter_t *submitter, ml_job_t *job, uint32_t slot,
    size_t offset, uint32_t rows)
{
    size_t      bytes;
    uint32_t    i;
    ml_slot_t  *s;

    s = &submitter->slots->slots[slot];

    atomic_store_explicit(&s->rows, rows, memory_order_relaxed);
    atomic_store_explicit(&s->deadline, job->deadline, memory_order_relaxed);
    atomic_store_explicit(&s->submitted, job->submitted,
                          memory_order_relaxed);

    for (i = 0; i < submitter->slots->shape.ninputs; i++) {
        bytes = submitter->slots->shape.input_bytes[i];

        memcpy(ml_slots_input(submitter->slots, slot, i),
               (char *) job->inputs[i] + offset * bytes, rows * bytes);
    }
}


static ml_submit_e
ml_submitter_submit(ml_executor_t *executor, ml_job_t *job)
{
    size_t            offset, rows;
    int32_t           first, slot, *link;
    ml_submitter_t   *submitter;

    submitter = (ml_submitter_t *) executor;

    if (ml_submitter_state(executor) > ML_EXECUTOR_STARTING) {
        return ML_SUBMIT_CLOSED;
    }

    if (ml_job_outputs(job, submitter->slots->shape.output_bytes) != 0) {
        return ML_SUBMIT_MEMORY;
    }

    job->submitted = ml_monotonic_ns();
    first = -1;
    link = &first;

    for (offset = 0; offset < (size_t) job->rows; offset += rows) {

        rows = (size_t) job->rows - offset;

        if (rows > submitter->slots->shape.rows) {
            rows = submitter->slots->shape.rows;
        }

        slot = ml_submitter_take(submitter);

        if (slot == -1) {
            ml_submitter_drop(submitter, first);
            return ML_SUBMIT_FULL;
        }

        *link = slot;
        link = &submitter->following[slot];
        *link = -1;

        ml_submitter_write(submitter, job, (uint32_t) slot, offset,
                           (uint32_t) rows);

        job->quarantine_ns = ml_slots_quarantined(submitter->slots,
                                                  (uint32_t) slot,
                                                  job->submitted);
        if (job->quarantine_ns) {
            ml_submitter_drop(submitter, first);
            return ML_SUBMIT_QUARANTINED;
        }
    }

    job->executor = executor;
    job->slot = (size_t) first;
    job->place = ML_JOB_QUEUED;
    job->next = NULL;

    *submitter->last = job;
    submitter->last = &job->next;

    ml_job_free_inputs(job);

    for (slot = first; slot != -1; slot = submitter->following[slot]) {
        ml_slots_queue(submitter->slots, (uint32_t) slot);
    }

    ml_slots_ring(submitter->slots);

    return ML_SUBMIT_QUEUED;
}


static int
ml_submitter_is_done(ml_submitter_t *submitter, ml_job_t *job)
{
    int32_t  slot;

    for (slot = (int32_t) job->slot; slot != -1;
         slot = submitter->following[slot])
    {
        if (ml_slots_state(submitter->slots, (uint32_t) slot)
            != ML_SLOT_DONE)
        {
            return 0;
        }
    }

    return 1;
}


static void
ml_submitter_unlink(ml_submitter_t *submitter, ml_job_t *job)
{
    ml_job_t  **link;

    for (link = &submitter->jobs; *link != job; link = &(*link)->next) {
        /* void */
    }

    *link = job->next;

    if (job->next == NULL) {
        submitter->last = link;
    }
}


/* Takes a slot's result into its job, from row "offset" on. */

static void
ml_submitter_read(ml_submitter_t *submitter, ml_job_t *job, uint32_t slot,
    size_t offset, size_t rows)
{
    size_t      bytes;
    uint32_t    i;
    ml_slot_t  *s;

    s = &submitter->slots->slots[slot];

    if (s->started && (job->started == 0 || s->started < job->started)) {
        job->started = s->started;
    }

    if (s->finished > job->finished) {
        job->finished = s->finished;
    }

    if (s->batch > job->batch) {
        job->batch = s->batch;
    }

    if (s->batch_rows > job->batch_rows) {
        job->batch_rows = s->batch_rows;
    }

    job->device_ns += s->device_ns;

    if (s->status != ML_SLOT_OK) {

        job->status = s->status == ML_SLOT_POISON ? ML_JOB_POISON
                                                  : ML_JOB_FAILED;
        (void) snprintf(job->error, sizeof(job->error), "%.*s",
                        (int) sizeof(s->error) - 1, s->error);
    }

    if (job->status != ML_JOB_OK) {
        return;
    }

    for (i = 0; i < submitter->slots->shape.noutputs; i++) {
        bytes = submitter->slots->shape.output_bytes[i];

        memcpy((char *) job->outputs[i] + offset * bytes,
               ml_slots_output(submitter->slots, slot, i), rows * bytes);
    }
}


static void
ml_submitter_collect(ml_submitter_t *submitter, ml_job_t *job)
{
    size_t   offset, rows;
    int32_t  slot;

    job->status = ML_JOB_OK;
    job->place = ML_JOB_DONE;
    offset = 0;

    for (slot = (int32_t) job->slot; slot != -1;
         slot = submitter->following[slot])
    {
        rows = (size_t) job->rows - offset;

        if (rows > submitter->slots->shape.rows) {
            rows = submitter->slots->shape.rows;
        }

        ml_submitter_read(submitter, job, (uint32_t) slot, offset, rows);
        ml_slots_free(submitter->slots, (uint32_t) slot);

        offset += rows;
    }

    if (job->status != ML_JOB_OK) {
        ml_job_free_outputs(job);
    }
}


static ml_job_t *
ml_submitter_completed(ml_executor_t *executor)
{
    ml_job_t         *job, *done, **link, **last;
    ml_submitter_t   *submitter;

    submitter = (ml_submitter_t *) executor;
    done = NULL;
    last = &done;

    /* before the slots are looked at: what is done later calls again */

    (void) ml_slots_look(submitter->slots, submitter->entry);

    for (link = &submitter->jobs; *link; /* void */ ) {

        job = *link;

        if (!ml_submitter_is_done(submitter, job)) {
            link = &job->next;
            continue;
        }

        *link = job->next;
        job->next = NULL;

        ml_submitter_collect(submitter, job);

        *last = job;
        last = &job->next;
    }

    submitter->last = link;

    return done;
}


static ml_cancel_e
ml_submitter_cancel(ml_executor_t *executor, ml_job_t *job)
{
    int32_t           slot;
    ml_cancel_e       rc;
    ml_submitter_t   *submitter;

    submitter = (ml_submitter_t *) executor;

    if (ml_submitter_is_done(submitter, job)) {
        return ML_CANCEL_FINISHED;
    }

    rc = ML_CANCEL_REMOVED;

    for (slot = (int32_t) job->slot; slot != -1;
         slot = submitter->following[slot])
    {
        switch (ml_slots_cancel(submitter->slots, (uint32_t) slot)) {

        case ML_SLOT_QUEUED:
            break;

        case ML_SLOT_DONE:
            ml_slots_free(submitter->slots, (uint32_t) slot);

            /* fall through */

        default:
            rc = ML_CANCEL_ABANDONED;
            break;
        }
    }

    ml_submitter_unlink(submitter, job);

    if (rc == ML_CANCEL_ABANDONED) {

        /* one thread runs: what has started last is it */

        job->batch = atomic_load_explicit(&submitter->slots->shared->batches,
                                          memory_order_relaxed);
    }

    job->place = ML_JOB_NEW;

    return rc;
}


static uint64_t
ml_submitter_backlog(ml_executor_t *executor)
{
    int64_t             queued, running;
    uint32_t            i;
    ml_slots_t         *slots;
    ml_slots_shared_t  *shared;

    slots = ((ml_submitter_t *) executor)->slots;
    shared = slots->shared;
    queued = 0;

    for (i = 0; i < slots->shape.slots; i++) {
        if (ml_slots_state(slots, i) == ML_SLOT_QUEUED) {
            queued += atomic_load_explicit(&slots->slots[i].rows,
                                           memory_order_relaxed);
        }
    }

    running = atomic_load_explicit(&shared->running, memory_order_relaxed);

    return (queued ? ml_prediction_ns(&shared->prediction, queued) : 0)
           + (running ? ml_prediction_ns(&shared->prediction, running) : 0);
}


static uint64_t
ml_submitter_predict(ml_executor_t *executor, int64_t rows)
{
    ml_submitter_t  *submitter;

    submitter = (ml_submitter_t *) executor;

    return ml_prediction_ns(&submitter->slots->shared->prediction, rows);
}


static ml_executor_state_e
ml_submitter_state(ml_executor_t *executor)
{
    uint64_t            now, heartbeat;
    ml_slots_shared_t  *shared;

    shared = ((ml_submitter_t *) executor)->slots->shared;

    now = ml_monotonic_ns();
    heartbeat = atomic_load_explicit(&shared->heartbeat,
                                     memory_order_relaxed);

    if (heartbeat < now && now - heartbeat > ML_SUBMITTER_SILENT_NS) {
        return ML_EXECUTOR_LOST;
    }

    switch (atomic_load_explicit(&shared->state, memory_order_relaxed)) {

    case ML_DEVICE_STARTING:
        return ML_EXECUTOR_STARTING;

    case ML_DEVICE_READY:
        return ML_EXECUTOR_READY;

    case ML_DEVICE_ABSENT:
        return ML_EXECUTOR_ABSENT;

    default:
        return ML_EXECUTOR_LOST;
    }
}


int
ml_submitter_watch(ml_executor_t *executor, uint64_t tick, int32_t *stuck)
{
    uint64_t          heartbeat;
    ml_submitter_t   *submitter;

    submitter = (ml_submitter_t *) executor;
    *stuck = 0;

    heartbeat = atomic_load_explicit(&submitter->slots->shared->heartbeat,
                                     memory_order_relaxed);

    if (submitter->jobs == NULL || heartbeat != submitter->heartbeat) {
        submitter->heartbeat = heartbeat;
        submitter->ticks = 0;

        return submitter->jobs != NULL;
    }

    /*
     * Ticks and not time are counted: if this process was not run either,
     * nobody is to blame.  Nor is an owner that has only just become it.
     */

    if (++submitter->ticks * tick >= ML_SUBMITTER_SILENT_NS
        && ml_slots_owned(submitter->slots))
    {
        *stuck = atomic_load(&submitter->slots->shared->pid);

        if (atomic_load(&submitter->slots->shared->heartbeat) != heartbeat) {
            *stuck = 0;
        }

        submitter->ticks = 0;
    }

    return 1;
}


static int
ml_submitter_close(ml_executor_t *executor, unsigned timeout_ms)
{
    ml_job_t         *job, *next;
    ml_submitter_t   *submitter;

    submitter = (ml_submitter_t *) executor;

    for (job = submitter->jobs; job; job = next) {
        next = job->next;
        ml_job_free(job);
    }

    /* frees its slots, or leaves them to the owner */

    ml_slots_leave(submitter->slots, submitter->entry);

    free(submitter->following);
    free(submitter);

    return 0;
}
