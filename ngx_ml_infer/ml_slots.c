/* The slot table, and what submitters do; the design is in ml_slots.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_executor.h"
#include "ml_slots_word.h"


/* "mlslots" and the version of the layout */
#define ML_SLOTS_MAGIC  0x6d6c736c6f747301

#define ML_SLOTS_ALIGN  64


uint32_t
ml_slots_rows(size_t row_bytes, int64_t batch)
{
    size_t  rows;

    rows = row_bytes ? ML_SLOTS_BYTES / row_bytes : (size_t) batch;
    rows = rows < (size_t) batch ? rows : (size_t) batch;

    return rows ? (uint32_t) rows : 1;
}


/*
 * Places the tensors of a slot one after another, each aligned; "inputs" and
 * "outputs" may be NULL.  Returns the bytes of a slot, 0 when there are too
 * many.
 */
static size_t
ml_slots_place(const ml_slots_shape_t *shape, size_t *inputs, size_t *outputs)
{
    size_t    at, bytes;
    uint32_t  i;

    at = 0;

    for (i = 0; i < shape->ninputs + shape->noutputs; i++) {

        if (i < shape->ninputs) {
            bytes = shape->input_bytes[i];

            if (inputs) {
                inputs[i] = at;
            }

        } else {
            bytes = shape->output_bytes[i - shape->ninputs];

            if (outputs) {
                outputs[i - shape->ninputs] = at;
            }
        }

        if (__builtin_mul_overflow(bytes, (size_t) shape->rows, &bytes)
            || __builtin_add_overflow(bytes, (size_t) ML_SLOTS_ALIGN - 1,
                                      &bytes)
            || __builtin_add_overflow(at, bytes & ~((size_t)
                                                    ML_SLOTS_ALIGN - 1), &at))
        {
            return 0;
        }
    }

    return at ? at : ML_SLOTS_ALIGN;
}


size_t
ml_slots_stride(const ml_slots_shape_t *shape)
{
    return ml_slots_place(shape, NULL, NULL);
}


static size_t
ml_slots_round(size_t bytes)
{
    return (bytes + ML_SLOTS_ALIGN - 1) & ~((size_t) ML_SLOTS_ALIGN - 1);
}


/* Where words, slots and tensors begin; the rest stands before them. */

static size_t
ml_slots_words_at(void)
{
    return ml_slots_round(sizeof(ml_slots_shared_t))
           + ml_slots_round(ml_processes_size());
}


static size_t
ml_slots_slots_at(const ml_slots_shape_t *shape)
{
    return ml_slots_words_at()
           + ml_slots_round(shape->slots * sizeof(uint64_t));
}


static size_t
ml_slots_tensors_at(const ml_slots_shape_t *shape)
{
    return ml_slots_slots_at(shape)
           + ml_slots_round(shape->slots * sizeof(ml_slot_t));
}


size_t
ml_slots_size(const ml_slots_shape_t *shape)
{
    size_t  bytes, stride;

    stride = ml_slots_stride(shape);

    if (stride == 0 || shape->slots == 0 || shape->slots > ML_SLOTS_MAX
        || __builtin_mul_overflow(stride, (size_t) shape->slots, &bytes)
        || __builtin_add_overflow(bytes, ml_slots_tensors_at(shape), &bytes))
    {
        return 0;
    }

    return bytes;
}


static int
ml_slots_mutex_init(pthread_mutex_t *mutex)
{
    int                  rc;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return -1;
    }

    rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0
         || pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0
         || pthread_mutex_init(mutex, &attr) != 0;

    (void) pthread_mutexattr_destroy(&attr);

    return rc ? -1 : 0;
}


int
ml_slots_init(void *memory, const ml_slots_shape_t *shape,
    const uint8_t *key)
{
    ml_slots_shared_t  *shared;

    shared = memory;

    if (ml_slots_mutex_init(&shared->owner) != 0
        || ml_slots_mutex_init(&shared->next) != 0
        || ml_processes_init((ml_processes_t *)
                             ((char *) memory
                              + ml_slots_round(sizeof(ml_slots_shared_t))))
           != 0)
    {
        return -1;
    }

    memcpy(shared->key, key, sizeof(shared->key));

    shared->size = ml_slots_size(shape);
    shared->slots = shape->slots;
    shared->rows = shape->rows;
    shared->magic = ML_SLOTS_MAGIC;

    /* the first owner has as long to begin as another may be silent */
    atomic_store(&shared->heartbeat, ml_monotonic_ns());

    ml_prediction_reset(&shared->prediction, 1);
    ml_prediction_reset(&shared->cpu, 1);

    return 0;
}


static size_t *
ml_slots_copy(const size_t *from, uint32_t n)
{
    size_t  *to;

    to = calloc(n + 1, sizeof(size_t));

    if (to != NULL && n != 0) {
        memcpy(to, from, n * sizeof(size_t));
    }

    return to;
}


int
ml_slots_open(ml_slots_t *slots, void *memory, const ml_slots_shape_t *shape)
{
    char  *p;

    memset(slots, 0, sizeof(ml_slots_t));

    p = memory;

    slots->shape = *shape;
    slots->shared = memory;
    slots->processes = (ml_processes_t *)
                       (p + ml_slots_round(sizeof(ml_slots_shared_t)));
    slots->words = (_Atomic uint64_t *) (p + ml_slots_words_at());
    slots->slots = (ml_slot_t *) (p + ml_slots_slots_at(shape));
    slots->tensors = p + ml_slots_tensors_at(shape);

    slots->shape.input_bytes = ml_slots_copy(shape->input_bytes,
                                             shape->ninputs);
    slots->shape.output_bytes = ml_slots_copy(shape->output_bytes,
                                              shape->noutputs);
    slots->inputs = calloc(shape->ninputs + 1, sizeof(size_t));
    slots->outputs = calloc(shape->noutputs + 1, sizeof(size_t));

    if (slots->shared->magic != ML_SLOTS_MAGIC
        || slots->shared->size != ml_slots_size(shape)
        || slots->shared->slots != shape->slots
        || slots->shared->rows != shape->rows
        || slots->shape.input_bytes == NULL
        || slots->shape.output_bytes == NULL
        || slots->inputs == NULL || slots->outputs == NULL)
    {
        ml_slots_close(slots);
        return -1;
    }

    slots->stride = ml_slots_place(shape, slots->inputs, slots->outputs);

    return 0;
}


void
ml_slots_close(ml_slots_t *slots)
{
    free((void *) slots->shape.input_bytes);
    free((void *) slots->shape.output_bytes);
    free(slots->inputs);
    free(slots->outputs);

    memset(slots, 0, sizeof(ml_slots_t));
}


ml_slot_state_e
ml_slots_state(const ml_slots_t *slots, uint32_t slot)
{
    return ml_slots_word_state(ml_slots_load(slots, slot));
}


void *
ml_slots_input(const ml_slots_t *slots, uint32_t slot, uint32_t i)
{
    return slots->tensors + slots->stride * slot + slots->inputs[i];
}


void *
ml_slots_output(const ml_slots_t *slots, uint32_t slot, uint32_t i)
{
    return slots->tensors + slots->stride * slot + slots->outputs[i];
}


uint32_t
ml_slots_count(const ml_slots_t *slots, ml_slot_state_e state)
{
    uint32_t  i, n;

    n = 0;

    for (i = 0; i < slots->shape.slots; i++) {
        n += (ml_slots_state(slots, i) == state);
    }

    return n;
}


/* What the job wrote and read, so that the next one finds nothing. */

static void
ml_slots_scrub(ml_slots_t *slots, uint32_t slot)
{
    size_t    rows;
    uint32_t  i;

    rows = ml_slots_rows_of(slots, slot);

    for (i = 0; i < slots->shape.ninputs; i++) {
        memset(ml_slots_input(slots, slot, i), 0,
               rows * slots->shape.input_bytes[i]);
    }

    for (i = 0; i < slots->shape.noutputs; i++) {
        memset(ml_slots_output(slots, slot, i), 0,
               rows * slots->shape.output_bytes[i]);
    }
}


static void
ml_slots_release(ml_slots_t *slots, uint32_t slot)
{
    uint64_t  word;

    word = atomic_load_explicit(&slots->words[slot], memory_order_relaxed);

    atomic_store_explicit(&slots->words[slot],
                          ml_slots_word(ML_SLOT_FREE, 0, word),
                          memory_order_release);
}


/* A dead submitter's slots.  Its entry is held: nobody else does the same. */

static void
ml_slots_reap_entry(void *data, unsigned entry)
{
    uint32_t     i;
    uint64_t     word;
    ml_slots_t  *slots;

    slots = data;

    for (i = 0; i < slots->shape.slots; i++) {

        for ( ;; ) {
            word = ml_slots_load(slots, i);

            if (ml_slots_word_entry(word) != entry) {
                break;
            }

            switch (ml_slots_word_state(word)) {

            case ML_SLOT_QUEUED:
                (void) ml_slots_change(slots, i, word, ML_SLOT_WRITING);
                continue;

            case ML_SLOT_RUNNING:
                (void) ml_slots_change(slots, i, word, ML_SLOT_ABANDONED);
                continue;

            case ML_SLOT_WRITING:
            case ML_SLOT_DONE:
                memset(slots->tensors + slots->stride * i, 0, slots->stride);
                ml_slots_release(slots, i);
                continue;

            default:
                break;
            }

            break;
        }
    }

    atomic_store(&slots->shared->notified[entry], 0);
}


int
ml_slots_enter(ml_slots_t *slots)
{
    return ml_processes_claim(slots->processes, ml_slots_reap_entry, slots);
}


void
ml_slots_leave(ml_slots_t *slots, unsigned entry)
{
    ml_processes_release(slots->processes, entry, ml_slots_reap_entry, slots);
}


int
ml_slots_reap(ml_slots_t *slots)
{
    return ml_processes_reap(slots->processes, ml_slots_reap_entry, slots)
           > 0;
}


int
ml_slots_used(ml_slots_t *slots)
{
    return ml_processes_alive(slots->processes, ml_slots_reap_entry, slots);
}


int32_t
ml_slots_take(ml_slots_t *slots, unsigned entry)
{
    uint32_t    i;
    uint64_t    word;
    ml_slot_t  *slot;

    for (i = 0; i < slots->shape.slots; i++) {

        word = atomic_load_explicit(&slots->words[i], memory_order_relaxed);

        if (ml_slots_word_state(word) != ML_SLOT_FREE
            || !atomic_compare_exchange_strong_explicit(&slots->words[i],
                                          &word,
                                          ml_slots_word(ML_SLOT_WRITING,
                                                        entry, word + 1),
                                          memory_order_acq_rel,
                                          memory_order_relaxed))
        {
            continue;
        }

        ML_FAULT_POINT("taken");

        slot = &slots->slots[i];

        atomic_store_explicit(&slot->attempts, 0, memory_order_relaxed);
        slot->priority = 0;
        slot->tenant = 0;
        slot->status = ML_SLOT_OK;
        slot->started = 0;
        slot->finished = 0;
        slot->device_ns = 0;
        slot->batch = 0;
        slot->batch_rows = 0;
        slot->error[0] = '\0';

        return (int32_t) i;
    }

    return -1;
}


void
ml_slots_queue(ml_slots_t *slots, uint32_t slot)
{
    ML_FAULT_POINT("written");

    (void) ml_slots_change(slots, slot, ml_slots_load(slots, slot),
                           ML_SLOT_QUEUED);
}


void
ml_slots_ring(ml_slots_t *slots)
{
    ML_FAULT_POINT("queued");

    (void) atomic_fetch_add(&slots->shared->doorbell, 1);

    if (atomic_load(&slots->shared->sleeping)) {
        (void) ml_slots_futex(&slots->shared->doorbell, FUTEX_WAKE, 1, NULL);
    }
}


ml_slot_state_e
ml_slots_cancel(ml_slots_t *slots, uint32_t slot)
{
    uint64_t         word;
    ml_slot_state_e  state;

    for ( ;; ) {
        word = ml_slots_load(slots, slot);
        state = ml_slots_word_state(word);

        switch (state) {

        case ML_SLOT_QUEUED:
            if (ml_slots_change(slots, slot, word, ML_SLOT_WRITING)) {
                ml_slots_free(slots, slot);
                return state;
            }

            break;

        case ML_SLOT_RUNNING:
            if (ml_slots_change(slots, slot, word, ML_SLOT_ABANDONED)) {
                return state;
            }

            break;

        default:
            return state;
        }
    }
}


void
ml_slots_free(ml_slots_t *slots, uint32_t slot)
{
    ml_slots_scrub(slots, slot);
    ml_slots_release(slots, slot);
}


int
ml_slots_look(ml_slots_t *slots, unsigned entry)
{
    return (int) atomic_exchange(&slots->shared->notified[entry], 0);
}
