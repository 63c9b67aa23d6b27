/* The owner of a device; see ml_device.h. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ml_device_state.h"
#include "ml_thread.h"


/* while it pauses it asks that often whether to go on */
#define ML_DEVICE_STEP_NS       20000000

/* pauses before a start, from the second on that ended in death */
#define ML_DEVICE_PAUSE_NS      ((uint64_t) 100000000)
#define ML_DEVICE_PAUSE_MAX_NS  ((uint64_t) 10000000000)

/* what a job costs that goes through another process (bench/device.py) */
#define ML_DEVICE_HOP_NS        ((uint64_t) 40000)


static void *ml_device_thread(void *data);


static void
ml_device_tell(ml_device_t *device)
{
    device->options.told(device->options.data);
}


/* The same line is said once, however often a start fails. */

void
ml_device_say(ml_device_t *device, ml_device_level_e level, const char *fmt,
    ...)
{
    int      news;
    char     text[ML_DEVICE_TEXT_SIZE];
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    pthread_mutex_lock(&device->lock);

    news = (strcmp(text, device->last) != 0);

    if (news) {
        memcpy(device->last, text, sizeof(text));
        memcpy(device->text, text, sizeof(text));
        device->level = level;
    }

    pthread_mutex_unlock(&device->lock);

    if (news) {
        ml_device_tell(device);
    }
}


/*
 * Whether a thread that is not the owner may go: somebody else is, or nobody
 * is there for whom it would be.
 */
static int
ml_device_superfluous(ml_device_t *device)
{
    return atomic_load(&device->stopping)
           || (atomic_load(&device->retired)
               && (ml_slots_owned(device->options.slots)
                   || !ml_slots_used(device->options.slots)));
}


/* While another one is the owner, or is about to be. */

static int
ml_device_given_up(void *data)
{
    ml_device_t  *device;

    device = data;

    return atomic_load(&device->retired) || atomic_load(&device->stopping);
}


void
ml_device_kick(void *data, unsigned entry)
{
    ml_device_t  *device;

    device = data;
    device->options.kick(device->options.data, entry);
}


static void
ml_device_pause(ml_device_t *device, uint64_t ns)
{
    uint64_t         until;
    struct timespec  ts;

    until = ml_monotonic_ns() + ns;

    while (ml_monotonic_ns() < until && !ml_device_superfluous(device)) {
        ts.tv_sec = 0;
        ts.tv_nsec = ML_DEVICE_STEP_NS;
        (void) nanosleep(&ts, NULL);
    }
}


static uint64_t
ml_device_pause_ns(unsigned failed)
{
    uint64_t  ns;

    if (failed < 2) {
        return 0;
    }

    for (ns = ML_DEVICE_PAUSE_NS;
         failed > 2 && ns < ML_DEVICE_PAUSE_MAX_NS;
         failed--)
    {
        ns *= 2;
    }

    return ns < ML_DEVICE_PAUSE_MAX_NS ? ns : ML_DEVICE_PAUSE_MAX_NS;
}


static void
ml_device_unload(ml_device_t *device)
{
    ml_batch_destroy(&device->batch);
    memset(&device->batch, 0, sizeof(ml_batch_t));

    if (device->context) {
        device->backend->unload(device->context);
        device->context = NULL;
    }
}


/*
 * Loads with a backend, plans, and measures every size.  The state is what
 * the table is told if it fails.
 */
static ml_device_state_e
ml_device_load_with(ml_device_t *device, const char *file,
    const char *argument, ml_prediction_t *prediction, char *error,
    size_t size)
{
    ml_device_options_t  *options;

    options = &device->options;

    device->backend = ml_backend_open(file, options->build, error, size);

    if (device->backend == NULL
        || device->backend->probe(argument, error, size) != ML_BACKEND_OK)
    {
        return options->cpu ? ML_DEVICE_ABSENT : ML_DEVICE_FAILED;
    }

    if (device->backend->load(options->model, argument, &device->context,
                              error, size)
        != ML_BACKEND_OK)
    {
        device->context = NULL;
        return ML_DEVICE_FAILED;
    }

    if (ml_batch_init(&device->batch, options->model, device->backend,
                      device->context, options->batch, prediction)
        != 0)
    {
        (void) snprintf(error, size, "out of memory");

    } else if (ml_batch_plan(&device->batch, ML_BATCH_SIZES, error, size)
               == ML_BACKEND_OK)
    {
        return ML_DEVICE_READY;
    }

    ml_device_unload(device);

    return ML_DEVICE_FAILED;
}


/* "auto": what the CPU takes for the same; known from an earlier owner. */

static void
ml_device_measure_cpu(ml_device_t *device)
{
    char              error[ML_DEVICE_TEXT_SIZE];
    unsigned          i;
    ml_prediction_t   prediction, *cpu;

    cpu = &device->options.slots->shared->cpu;

    if (atomic_load(&cpu->most) == device->options.batch
        && atomic_load(&cpu->ns[0]))
    {
        return;
    }

    if (ml_device_load_with(device, device->options.cpu, NULL, &prediction,
                            error, sizeof(error))
        != ML_DEVICE_READY)
    {
        return;
    }

    ml_device_unload(device);

    atomic_store(&cpu->most, device->options.batch);

    for (i = ML_BATCH_SIZES; i-- > 0; /* void */ ) {
        atomic_store(&cpu->ns[i], atomic_load(&prediction.ns[i]));
    }
}


static ml_device_state_e
ml_device_load(ml_device_t *device, char *error, size_t size)
{
    if (device->options.cpu) {
        ml_device_measure_cpu(device);
    }

    return ml_device_load_with(device, device->options.backend,
                               device->options.argument, &device->prediction,
                               error, size);
}


/* The new owner tells what it knows. */

static void
ml_device_publish(ml_device_t *device)
{
    uint64_t             ns, cpu;
    unsigned             i, preferred;
    ml_slots_shared_t   *shared;

    shared = device->options.slots->shared;
    preferred = 0;

    atomic_store(&shared->prediction.most, device->options.batch);

    for (i = 0; i < ML_BATCH_SIZES; i++) {
        ns = atomic_load(&device->prediction.ns[i]);
        cpu = atomic_load(&shared->cpu.ns[i]);

        atomic_store(&shared->prediction.ns[i], ns);

        if (cpu == 0 || ns + ML_DEVICE_HOP_NS < cpu) {
            preferred |= 1u << i;
        }
    }

    device->batch.prediction = &shared->prediction;

    atomic_store(&shared->preferred, preferred);
    atomic_store(&shared->failed_starts, 0);
    atomic_store(&shared->state, ML_DEVICE_READY);
}


/* Owns and serves; returns -1 when that is over for good. */

static int
ml_device_own(ml_device_t *device)
{
    int  rc;

    rc = ml_slots_own(device->options.slots, ml_device_given_up,
                      ml_device_kick, device);

    if (rc != 0) {
        if (rc < 0) {
            ml_device_say(device, ML_DEVICE_ERROR, "its lock is broken");
        }

        return rc;
    }

    atomic_store(&device->owner, 1);

    ml_device_publish(device);
    ml_device_say(device, ML_DEVICE_NOTICE, "ready on %s%s%s",
                  device->backend->name,
                  device->options.argument ? ":" : "",
                  device->options.argument ? device->options.argument : "");

    rc = ml_device_serve(device);

    if (rc != 0 && !device->options.replaced) {
        atomic_store(&device->options.slots->shared->state, ML_DEVICE_FAILED);

    } else if (rc != 0) {
        atomic_store(&device->lost, 1);
        ml_device_tell(device);

        /*
         * only the end of the process ends what the device may still do:
         * until then nobody else may be the owner
         */

        while (!atomic_load(&device->stopping)) {
            ml_device_pause(device, ML_DEVICE_PAUSE_NS);
        }
    }

    atomic_store(&device->owner, 0);
    ml_slots_disown(device->options.slots);

    return rc;
}


/* A start is over, and its process lives: it counts no more, unless an owner
 * has cleared the count meanwhile. */

static void
ml_device_survived(ml_slots_shared_t *shared)
{
    uint32_t  starts;

    starts = atomic_load(&shared->failed_starts);

    while (starts
           && !atomic_compare_exchange_weak(&shared->failed_starts, &starts,
                                            starts - 1))
    {
        /* void */
    }
}


/*
 * The owner that hands over looks once more, and so does the successor that
 * gives up: when both go at the same moment, one of them comes back.
 */
static void
ml_device_live(ml_device_t *device)
{
    char                 error[ML_DEVICE_TEXT_SIZE];
    unsigned             failed, starts;
    ml_device_state_e    state;
    ml_slots_shared_t   *shared;

    shared = device->options.slots->shared;

    for (failed = 0; !ml_device_superfluous(device); failed++) {

        /* a start that ends in death leaves itself counted */

        starts = atomic_fetch_add(&shared->failed_starts, 1);

        ml_device_pause(device, ml_device_pause_ns(failed + 1));
        ml_device_pause(device, ml_device_pause_ns(starts));

        error[0] = '\0';
        state = ml_device_load(device, error, sizeof(error));

        ml_device_survived(shared);

        if (state == ML_DEVICE_READY) {

            while (ml_device_own(device) >= 0
                   && !ml_device_superfluous(device))
            {
                device->batch.prediction = &device->prediction;
            }

            ml_device_unload(device);
            return;
        }

        /* what a working owner says stands */

        if (!ml_slots_owned(device->options.slots)) {
            atomic_store(&shared->state, state);
        }

        ml_device_say(device, state == ML_DEVICE_ABSENT ? ML_DEVICE_NOTICE
                                                        : ML_DEVICE_ERROR,
                      "%s", error);

        /* the process that comes after this one tries for itself */

        if (atomic_load(&device->retired)) {
            return;
        }
    }
}


static void *
ml_device_thread(void *data)
{
    ml_device_t  *device;

    device = data;

    ml_device_live(device);

    pthread_mutex_lock(&device->lock);
    device->ended = 1;
    pthread_cond_signal(&device->end);
    pthread_mutex_unlock(&device->lock);

    ml_device_tell(device);

    return NULL;
}


static void
ml_device_free(ml_device_t *device)
{
    ml_queue_destroy(&device->queue);

    pthread_cond_destroy(&device->end);
    pthread_mutex_destroy(&device->lock);

    free(device->jobs);
    free(device->pointers);
    free(device->words);
    free(device->run);
    free(device->entries);
    free(device);
}


/* Jobs whose inputs and outputs are those of their slots. */

static int
ml_device_jobs(ml_device_t *device)
{
    void        **pointer;
    uint32_t      i, j, n;
    ml_slots_t   *slots;

    slots = device->options.slots;
    n = slots->shape.ninputs + slots->shape.noutputs;

    device->jobs = calloc(slots->shape.slots, sizeof(ml_job_t));
    device->words = calloc(slots->shape.slots, sizeof(uint64_t));
    device->pointers = calloc((size_t) slots->shape.slots * n + 1,
                              sizeof(void *));
    device->run = calloc((size_t) device->options.batch, sizeof(ml_job_t *));
    device->entries = calloc((size_t) device->options.batch, sizeof(int));

    if (device->jobs == NULL || device->words == NULL
        || device->pointers == NULL || device->run == NULL
        || device->entries == NULL
        || ml_queue_init(&device->queue, slots->shape.slots, INT64_MAX,
                         SIZE_MAX)
           != 0)
    {
        return -1;
    }

    pointer = device->pointers;

    for (i = 0; i < slots->shape.slots; i++) {

        device->jobs[i].inputs = pointer;

        for (j = 0; j < slots->shape.ninputs; j++) {
            *pointer++ = ml_slots_input(slots, i, j);
        }

        device->jobs[i].outputs = pointer;

        for (j = 0; j < slots->shape.noutputs; j++) {
            *pointer++ = ml_slots_output(slots, i, j);
        }
    }

    return 0;
}


ml_device_t *
ml_device_start(const ml_device_options_t *options, char *error, size_t size)
{
    ml_device_t          *device;
    pthread_condattr_t    attributes;

    device = calloc(1, sizeof(ml_device_t));

    if (device == NULL) {
        (void) snprintf(error, size, "out of memory");
        return NULL;
    }

    device->options = *options;

    pthread_mutex_init(&device->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&device->end, &attributes);
    pthread_condattr_destroy(&attributes);

    if (ml_device_jobs(device) != 0) {
        (void) snprintf(error, size, "out of memory");
        ml_device_free(device);
        return NULL;
    }

    if (ml_thread_create(&device->thread, ml_device_thread, device) != 0) {
        (void) snprintf(error, size, "cannot start a thread");
        ml_device_free(device);
        return NULL;
    }

    return device;
}


int
ml_device_beat(ml_device_t *device)
{
    uint64_t  now, since;

    now = ml_monotonic_ns();
    since = atomic_load(&device->since);

    if (device->options.replaced
        && (atomic_load(&device->lost)
            || (since && since < now && now - since > device->options.hang_ns)))
    {
        return -1;
    }

    /* who only waits does not vouch for the owner */

    if (!ml_device_ended(device)
        && (atomic_load(&device->owner)
            || !ml_slots_owned(device->options.slots)))
    {
        atomic_store(&device->options.slots->shared->heartbeat, now);
    }

    return 0;
}


int
ml_device_said(ml_device_t *device, ml_device_level_e *level,
    char text[ML_DEVICE_TEXT_SIZE])
{
    int  some;

    pthread_mutex_lock(&device->lock);

    some = (device->text[0] != '\0');

    if (some) {
        memcpy(text, device->text, ML_DEVICE_TEXT_SIZE);
        *level = device->level;
        device->text[0] = '\0';
    }

    pthread_mutex_unlock(&device->lock);

    return some;
}


void
ml_device_retire(ml_device_t *device)
{
    atomic_store(&device->retired, 1);
    ml_slots_ring(device->options.slots);
}


int
ml_device_ended(ml_device_t *device)
{
    int  ended;

    pthread_mutex_lock(&device->lock);
    ended = device->ended;
    pthread_mutex_unlock(&device->lock);

    return ended;
}


int
ml_device_stop(ml_device_t *device, unsigned timeout_ms)
{
    int              rc, ended;
    uint64_t         deadline;
    struct timespec  until;

    deadline = ml_monotonic_ns() + (uint64_t) timeout_ms * 1000000;
    until.tv_sec = (time_t) (deadline / 1000000000);
    until.tv_nsec = (long) (deadline % 1000000000);

    atomic_store(&device->stopping, 1);
    ml_slots_ring(device->options.slots);

    pthread_mutex_lock(&device->lock);

    for (rc = 0; !device->ended && rc == 0; /* void */ ) {
        rc = pthread_cond_timedwait(&device->end, &device->lock, &until);
    }

    ended = device->ended;

    pthread_mutex_unlock(&device->lock);

    if (!ended) {
        return -1;
    }

    pthread_join(device->thread, NULL);
    ml_device_free(device);

    return 0;
}
