/* What the owner of a slot table does; the design is in ml_slots.h. */

#include <errno.h>

#include "ml_executor.h"
#include "ml_siphash.h"
#include "ml_slots_word.h"


/* how long a wait for a lock goes on before it asks whether to go on */
#define ML_SLOTS_LOCK_MS  100


/* Of everything that the model will see of the slot. */

static void
ml_slots_hash(ml_slots_t *slots, uint32_t slot, uint64_t hash[2])
{
    size_t    rows;
    uint32_t  i;
    uint64_t  part[2];

    rows = ml_slots_rows_of(slots, slot);
    hash[0] = rows;
    hash[1] = 0;

    for (i = 0; i < slots->shape.ninputs; i++) {
        ml_siphash128(slots->shared->key, ml_slots_input(slots, slot, i),
                      rows * slots->shape.input_bytes[i], part);

        /* the same bytes in another input are another job */

        hash[0] = hash[0] * 3 + part[0];
        hash[1] = hash[1] * 3 + part[1];
    }
}


uint64_t
ml_slots_quarantined(ml_slots_t *slots, uint32_t slot, uint64_t now)
{
    uint64_t                until, hash[2];
    unsigned                i;
    ml_slots_quarantine_t  *q;

    if (atomic_load_explicit(&slots->shared->quarantined,
                             memory_order_relaxed)
        <= now)
    {
        return 0;
    }

    ml_slots_hash(slots, slot, hash);

    for (i = 0; i < ML_SLOTS_QUARANTINE; i++) {
        q = &slots->shared->quarantine[i];
        until = atomic_load_explicit(&q->until, memory_order_acquire);

        if (until > now
            && atomic_load_explicit(&q->hash[0], memory_order_relaxed)
               == hash[0]
            && atomic_load_explicit(&q->hash[1], memory_order_relaxed)
               == hash[1])
        {
            return until - now;
        }
    }

    return 0;
}


/* By the owner alone: takes the place of what would be forgotten first. */

static void
ml_slots_quarantine(ml_slots_t *slots, uint32_t slot, uint64_t now)
{
    uint64_t                hash[2], until;
    unsigned                i;
    ml_slots_quarantine_t  *q, *oldest;

    ml_slots_hash(slots, slot, hash);

    oldest = &slots->shared->quarantine[0];

    for (i = 0; i < ML_SLOTS_QUARANTINE; i++) {
        q = &slots->shared->quarantine[i];

        if (atomic_load_explicit(&q->hash[0], memory_order_relaxed)
            == hash[0]
            && atomic_load_explicit(&q->hash[1], memory_order_relaxed)
               == hash[1])
        {
            oldest = q;
            break;
        }

        if (atomic_load_explicit(&q->until, memory_order_relaxed)
            < atomic_load_explicit(&oldest->until, memory_order_relaxed))
        {
            oldest = q;
        }
    }

    until = now + ML_SLOTS_QUARANTINE_NS;

    atomic_store_explicit(&oldest->hash[0], hash[0], memory_order_relaxed);
    atomic_store_explicit(&oldest->hash[1], hash[1], memory_order_relaxed);
    atomic_store_explicit(&oldest->until, until, memory_order_release);
    atomic_store(&slots->shared->quarantined, until);
}


/*
 * What the last owner left running: once more, or poison; what its submitter
 * has abandoned: free.  Done by every new owner, however the last one went.
 */

static void
ml_slots_recover(ml_slots_t *slots)
{
    uint32_t    i;
    uint64_t    word, now;
    unsigned    poison;
    ml_slot_t  *slot;

    now = ml_monotonic_ns();

    for (i = 0; i < slots->shape.slots; i++) {

        word = ml_slots_load(slots, i);
        slot = &slots->slots[i];

        if (ml_slots_word_state(word) == ML_SLOT_RUNNING) {

            poison = atomic_load_explicit(&slot->attempts,
                                          memory_order_relaxed)
                     > 1;

            if (poison) {
                slot->status = ML_SLOT_POISON;
                slot->finished = now;
                ml_slots_quarantine(slots, i, now);
            }

            if (ml_slots_change(slots, i, word,
                                poison ? ML_SLOT_DONE : ML_SLOT_QUEUED))
            {
                continue;
            }

            word = ml_slots_load(slots, i);
        }

        if (ml_slots_word_state(word) == ML_SLOT_ABANDONED) {
            ml_slots_free(slots, i);
        }
    }
}


/* 0: locked; 1: given up, NULL is never asked; -1: failed. */

static int
ml_slots_lock(pthread_mutex_t *mutex, int (*given_up)(void *data), void *data)
{
    int              rc;
    struct timespec  until;

    for ( ;; ) {
        (void) clock_gettime(CLOCK_REALTIME, &until);

        until.tv_nsec += ML_SLOTS_LOCK_MS * 1000000;

        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }

        rc = pthread_mutex_timedlock(mutex, &until);

        if (rc == EOWNERDEAD) {
            rc = pthread_mutex_consistent(mutex);
        }

        if (rc != ETIMEDOUT) {
            return rc ? -1 : 0;
        }

        if (given_up(data)) {
            return 1;
        }
    }
}


/* Whether a living thread holds the mutex. */

static int
ml_slots_held(pthread_mutex_t *mutex)
{
    switch (pthread_mutex_trylock(mutex)) {

    case EOWNERDEAD:
        (void) pthread_mutex_consistent(mutex);

        /* fall through */

    case 0:
        (void) pthread_mutex_unlock(mutex);
        return 0;

    default:
        return 1;
    }
}


int
ml_slots_own(ml_slots_t *slots, int (*given_up)(void *data),
    ml_slots_kick_pt kick, void *data)
{
    int                 rc;
    unsigned            i;
    ml_slots_shared_t  *shared;

    shared = slots->shared;

    rc = ml_slots_lock(&shared->next, given_up, data);

    if (rc != 0) {
        return rc;
    }

    /* an owner that retires need not wait to see that it is awaited */

    ml_slots_ring(slots);

    rc = ml_slots_lock(&shared->owner, given_up, data);

    (void) pthread_mutex_unlock(&shared->next);

    if (rc != 0) {
        return rc;
    }

    /* in this order: the silence before was another's, see watch() */

    atomic_store(&shared->heartbeat, ml_monotonic_ns());
    atomic_store(&shared->pid, (int32_t) getpid());
    (void) atomic_fetch_add(&shared->epoch, 1);
    atomic_store(&shared->running, 0);

    ml_slots_recover(slots);
    (void) ml_slots_reap(slots);

    /* the last one may have died between "notified" and the kick */

    for (i = 0; i < ml_processes_bound(slots->processes); i++) {
        atomic_store(&shared->notified[i], 1);
        kick(data, i);
    }

    return 0;
}


void
ml_slots_disown(ml_slots_t *slots)
{
    (void) pthread_mutex_unlock(&slots->shared->owner);
}


int
ml_slots_awaited(ml_slots_t *slots)
{
    return ml_slots_held(&slots->shared->next);
}


int
ml_slots_owned(ml_slots_t *slots)
{
    return ml_slots_held(&slots->shared->owner);
}


uint32_t
ml_slots_doorbell(ml_slots_t *slots)
{
    return atomic_load(&slots->shared->doorbell);
}


void
ml_slots_wait(ml_slots_t *slots, uint32_t doorbell, uint64_t ns)
{
    struct timespec     timeout;
    ml_slots_shared_t  *shared;

    shared = slots->shared;

    timeout.tv_sec = (time_t) (ns / 1000000000);
    timeout.tv_nsec = (long) (ns % 1000000000);

    atomic_store(&shared->sleeping, 1);

    if (atomic_load(&shared->doorbell) == doorbell) {
        (void) ml_slots_futex(&shared->doorbell, FUTEX_WAIT, doorbell,
                              &timeout);
    }

    atomic_store(&shared->sleeping, 0);
}


uint32_t
ml_slots_start(ml_slots_t *slots, uint32_t slot, uint64_t word)
{
    ML_FAULT_POINT("seen");

    if (!ml_slots_change(slots, slot, word, ML_SLOT_RUNNING)) {
        return 0;
    }

    (void) atomic_fetch_add_explicit(&slots->slots[slot].attempts, 1,
                                     memory_order_relaxed);

    ML_FAULT_POINT("started");

    return ml_slots_rows_of(slots, slot);
}


int
ml_slots_finish(ml_slots_t *slots, uint32_t slot)
{
    uint64_t  word;

    word = ml_slots_load(slots, slot);

    if (ml_slots_word_state(word) == ML_SLOT_RUNNING
        && ml_slots_change(slots, slot, word, ML_SLOT_DONE))
    {
        ML_FAULT_POINT("done");

        return (int) ml_slots_word_entry(word);
    }

    ml_slots_free(slots, slot);

    return -1;
}


void
ml_slots_kick(ml_slots_t *slots, unsigned entry, ml_slots_kick_pt kick,
    void *data)
{
    if (atomic_exchange(&slots->shared->notified[entry], 1) == 0) {
        ML_FAULT_POINT("notified");

        kick(data, entry);
    }
}
