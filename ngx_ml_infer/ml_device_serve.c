/* How an owner takes batches from the slot table and runs them. */

#include <stdio.h>

#include "ml_device_state.h"
#include "ml_slots_word.h"


/* an idle owner looks around that often */
#define ML_DEVICE_IDLE_NS  ((uint64_t) 100000000)
#define ML_DEVICE_REAP_NS  ((uint64_t) 200000000)


/* What is queued and not late.  A job that an owner died of comes alone. */

static unsigned
ml_device_look(ml_device_t *device, uint64_t now)
{
    uint32_t     i;
    uint64_t     word;
    unsigned     alone;
    ml_job_t    *job;
    ml_slot_t   *slot;
    ml_slots_t  *slots;

    slots = device->options.slots;
    alone = 0;

    ml_queue_clear(&device->queue);

    for (i = 0; i < slots->shape.slots; i++) {

        word = ml_slots_load(slots, i);

        if (ml_slots_word_state(word) != ML_SLOT_QUEUED) {
            continue;
        }

        slot = &slots->slots[i];
        job = &device->jobs[i];

        job->deadline = atomic_load_explicit(&slot->deadline,
                                             memory_order_relaxed);

        /* its submitter takes it back */

        if (job->deadline <= now) {
            continue;
        }

        job->submitted = atomic_load_explicit(&slot->submitted,
                                              memory_order_relaxed);
        job->rows = ml_slots_rows_of(slots, i);
        device->words[i] = word;

        if (atomic_load_explicit(&slot->attempts, memory_order_relaxed)) {

            if (!alone) {
                alone = 1;
                ml_queue_clear(&device->queue);
            }

        } else if (alone) {
            continue;
        }

        (void) ml_queue_push(&device->queue, job);
    }

    return alone;
}


static uint32_t
ml_device_slot(ml_device_t *device, const ml_job_t *job)
{
    return (uint32_t) (job - device->jobs);
}


/* Takes the jobs of a batch, less those that are gone; returns how many. */

static size_t
ml_device_begin(ml_device_t *device, size_t n, int64_t *rows)
{
    size_t               i, taken;
    uint32_t             slot;
    ml_job_t            *job;
    ml_slots_shared_t   *shared;

    shared = device->options.slots->shared;

    /* before any of them is seen to run */

    (void) atomic_fetch_add(&shared->batches, 1);

    *rows = 0;

    for (i = 0, taken = 0; i < n; i++) {

        job = device->run[i];
        slot = ml_device_slot(device, job);

        if (ml_slots_start(device->options.slots, slot, device->words[slot])
            == 0)
        {
            continue;
        }

        *rows += job->rows;
        device->run[taken++] = job;
    }

    atomic_store(&shared->running, *rows);

    return taken;
}


static void
ml_device_finish(ml_device_t *device, size_t n, int64_t rows,
    uint64_t started, uint64_t device_ns, ml_backend_status_e status,
    const char *error)
{
    size_t       i;
    uint32_t     slot;
    uint64_t     now;
    ml_slot_t   *s;
    ml_slots_t  *slots;

    slots = device->options.slots;
    now = ml_monotonic_ns();

    atomic_store(&slots->shared->running, 0);

    for (i = 0; i < n; i++) {

        slot = ml_device_slot(device, device->run[i]);
        s = &slots->slots[slot];

        s->status = status == ML_BACKEND_OK ? ML_SLOT_OK : ML_SLOT_FAILED;
        s->started = started;
        s->finished = now;
        s->device_ns = ml_job_share(device_ns, device->run[i]->rows, rows);
        s->batch = atomic_load(&slots->shared->batches);
        s->batch_rows = rows;

        (void) snprintf(s->error, sizeof(s->error), "%s", error);

        device->entries[i] = ml_slots_finish(slots, slot);
    }

    for (i = 0; i < n; i++) {
        if (device->entries[i] != -1) {
            ml_slots_kick(slots, (unsigned) device->entries[i],
                          ml_device_kick, device);
        }
    }
}


/* Returns -1 when the device is lost. */

static int
ml_device_run(ml_device_t *device, size_t n)
{
    char                  error[ML_JOB_ERROR_SIZE];
    int64_t               rows;
    uint64_t              started, device_ns;
    ml_backend_status_e   status;

    /*
     * A job runs from here on, not while another model's does: of that one
     * the process may die.
     */

    pthread_mutex_lock(device->options.turn);

    n = ml_device_begin(device, n, &rows);

    if (n == 0) {
        pthread_mutex_unlock(device->options.turn);
        return 0;
    }

    started = ml_monotonic_ns();
    atomic_store(&device->since, started);
    device_ns = 0;

    status = ml_batch_run(&device->batch, device->run, n, 0, rows, &device_ns,
                          error);

    atomic_store(&device->since, 0);
    pthread_mutex_unlock(device->options.turn);

    if (status == ML_BACKEND_LOST) {
        ml_device_say(device, ML_DEVICE_ERROR, "the device is lost: %s",
                      error);

        if (device->options.replaced) {
            return -1;
        }
    }

    if (device->options.ran) {
        device->options.ran(device->options.data, device_ns, rows,
                            status != ML_BACKEND_OK);
    }

    ml_device_finish(device, n, rows, started, device_ns, status, error);

    return status == ML_BACKEND_LOST ? -1 : 0;
}


int
ml_device_serve(ml_device_t *device)
{
    size_t       n;
    int64_t      rows, batch;
    uint32_t     doorbell;
    uint64_t     now, dispatch;
    unsigned     alone;
    ml_slots_t  *slots;

    slots = device->options.slots;
    batch = device->options.batch;

    while (!atomic_load(&device->stopping)) {

        if (atomic_load(&device->retired) && ml_slots_awaited(slots)) {
            break;
        }

        doorbell = ml_slots_doorbell(slots);
        now = ml_monotonic_ns();

        if (now - device->reaped > ML_DEVICE_REAP_NS) {
            device->reaped = now;
            (void) ml_slots_reap(slots);
        }

        alone = ml_device_look(device, now);

        if (device->queue.njobs == 0) {

            if (atomic_load(&device->retired) && !ml_slots_used(slots)) {
                break;
            }

            ml_slots_wait(slots, doorbell, ML_DEVICE_IDLE_NS);
            continue;
        }

        dispatch = alone ? 0
                   : ml_queue_dispatch_time(&device->queue, batch,
                                   device->options.delay_ns,
                                   ml_prediction_ns(device->batch.prediction,
                                                    device->queue.rows));

        if (dispatch > now) {
            dispatch -= now;
            ml_slots_wait(slots, doorbell, dispatch < ML_DEVICE_IDLE_NS
                                           ? dispatch : ML_DEVICE_IDLE_NS);
            continue;
        }

        n = ml_queue_take_batch(&device->queue, batch, device->run,
                                alone ? 1 : (size_t) batch, &rows);

        if (ml_device_run(device, n) != 0) {
            return -1;
        }
    }

    return 0;
}
