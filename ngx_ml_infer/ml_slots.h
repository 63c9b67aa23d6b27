/*
 * The slot table of a model: how jobs cross from the processes that submit
 * them to the one process that owns the device, and their results back.
 *
 * DESIGN.  Shared memory with a fixed number of slots, each of one size, each
 * with one 64-bit word that says what it is and whose: every change of hands
 * is a compare-and-swap of that word, and whoever the word names may touch
 * the slot, nobody else.  There is no ring and no list, which a process could
 * leave half changed when it is killed.
 *
 *   state:8 | entry:16 | generation:40
 *
 *   FREE -> WRITING             submitter; the next generation
 *   WRITING -> QUEUED           submitter
 *   QUEUED -> RUNNING           owner
 *   RUNNING -> DONE             owner; fails only if it is ABANDONED
 *   QUEUED -> WRITING -> FREE   submitter: client gone, or deadline
 *   DONE -> FREE                submitter: the result is copied
 *   RUNNING -> ABANDONED        submitter: client gone, or deadline
 *   ABANDONED -> FREE           owner
 *   WRITING, QUEUED, DONE -> FREE; RUNNING -> ABANDONED
 *                               reaper of a submitter that died
 *   RUNNING -> QUEUED or DONE   a new owner, for each that the last one left
 *
 * The generation tells a slot that was freed and taken again from the one
 * that was seen before.  A slot's bytes are zeroed before it becomes FREE:
 * the next job may be another client's.
 *
 * Whoever lives holds a robust mutex, which the kernel frees at death
 * (ml_process.h for submitters; "owner" and "next" here).  So a dead process
 * is told from a slow one without heartbeats or pids, what it held is given
 * back by whoever notices, and the device has one owner at any time: the lock
 * is free only when the thread that held it is gone.
 *
 * Submitters wake the owner by a futex, "doorbell"; the owner wakes
 * submitters by a callback, which is to write to an eventfd that is never
 * read: sharing one then costs a spurious wake-up, never a lost one.  Both
 * hand-shakes (doorbell and sleeping, word and notified) are store-then-load
 * on both sides and need sequential consistency.
 *
 * A job that was running when the owner died is run once more, alone; if the
 * owner dies again it is answered with ML_SLOT_POISON, and its inputs are
 * refused for a while.
 *
 * Everything in shared memory is bounded by the process's own copy of the
 * shape: a process that writes nonsense there cannot lead another out of its
 * memory.
 *
 * Sources: pthread_mutexattr_setrobust(3), futex(2), eventfd(2).  Times are
 * nanoseconds of CLOCK_MONOTONIC, the same clock in all processes.
 */

#ifndef ML_SLOTS_H
#define ML_SLOTS_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "ml_prediction.h"
#include "ml_process.h"


#define ML_SLOTS_MAX         16384      /* they are scanned */
#define ML_SLOTS_ERROR_SIZE  160

/* A slot has room for so many bytes of rows, or for one row. */
#define ML_SLOTS_BYTES       65536

/* How many inputs are remembered that owners died of, and for how long. */
#define ML_SLOTS_QUARANTINE     64
#define ML_SLOTS_QUARANTINE_NS  ((uint64_t) 600 * 1000000000)


typedef enum {
    ML_SLOT_FREE = 0,
    ML_SLOT_WRITING,
    ML_SLOT_QUEUED,
    ML_SLOT_RUNNING,
    ML_SLOT_DONE,
    ML_SLOT_ABANDONED,
    ML_SLOT_STATES
} ml_slot_state_e;


/* How what was in a slot ended. */
typedef enum {
    ML_SLOT_OK = 0,
    ML_SLOT_FAILED,                 /* the backend failed; see "error" */
    ML_SLOT_POISON                  /* its owner died twice of it */
} ml_slot_status_e;


/* What the device process is doing. */
typedef enum {
    ML_DEVICE_STARTING = 0,         /* none has been ready yet */
    ML_DEVICE_READY,
    ML_DEVICE_FAILED,               /* it cannot be loaded */
    ML_DEVICE_ABSENT                /* "auto", and there is no such device */
} ml_device_state_e;


/* Of the table; must be the same in all processes that share one. */
typedef struct {
    uint32_t           slots;       /* 1 to ML_SLOTS_MAX */
    uint32_t           rows;        /* of one slot, at most */
    uint32_t           ninputs;
    uint32_t           noutputs;
    const size_t      *input_bytes;     /* of one row */
    const size_t      *output_bytes;
} ml_slots_shape_t;


/* One slot's part of the shared memory, but for its word and its tensors. */
typedef struct {
    /* written by the submitter; atomic, since the owner looks before it has
     * taken the slot */
    _Atomic uint64_t   deadline;
    _Atomic uint64_t   submitted;
    _Atomic uint32_t   rows;
    _Atomic uint32_t   attempts;    /* owners that began to run it */

    uint32_t           priority;    /* 0; the queue has one class so far */
    uint64_t           tenant;      /* 0; nor does it know tenants */

    /* the result, written by the owner */
    uint32_t           status;      /* ml_slot_status_e */
    uint64_t           started;     /* 0: it never ran */
    uint64_t           finished;
    uint64_t           device_ns;   /* its rows' share of the batch */
    uint64_t           batch;       /* number of the batch */
    int64_t            batch_rows;
    char               error[ML_SLOTS_ERROR_SIZE];
} ml_slot_t;


/* Inputs that two owners died of, and until when they are refused. */
typedef struct {
    _Atomic uint64_t   hash[2];
    _Atomic uint64_t   until;
} ml_slots_quarantine_t;


/* What all processes read and write of one table. */
typedef struct {
    uint64_t           magic;
    uint64_t           size;
    uint32_t           slots;
    uint32_t           rows;
    uint8_t            key[16];         /* of the quarantine's hashes */

    /* held by the owner, and by the one that will be, for life */
    pthread_mutex_t    owner;
    pthread_mutex_t    next;

    /* what the owner tells */
    _Atomic uint32_t   state;           /* ml_device_state_e */
    _Atomic int32_t    pid;             /* of its process */
    _Atomic uint64_t   epoch;           /* owners so far */
    _Atomic uint64_t   heartbeat;       /* when its process last ran */
    _Atomic uint64_t   batches;         /* started so far */
    _Atomic int64_t    running;         /* rows that run now */
    ml_prediction_t    prediction;
    ml_prediction_t    cpu;             /* "auto": what the CPU takes */
    _Atomic uint32_t   preferred;       /* "auto": sizes the device is for */

    /* starts of the device that have come to nothing, in a row */
    _Atomic uint32_t   failed_starts;

    /* the last batch that the breaker was told about */
    _Atomic uint64_t   told;

    _Atomic uint64_t   quarantined;     /* until when anything is */
    ml_slots_quarantine_t  quarantine[ML_SLOTS_QUARANTINE];

    _Alignas(64) _Atomic uint32_t  doorbell;
    _Atomic uint32_t   sleeping;

    _Alignas(64) _Atomic uint32_t  notified[ML_PROCESS_MAX];
} ml_slots_shared_t;


/* A process's view of a table. */
typedef struct {
    ml_slots_shape_t    shape;
    ml_slots_shared_t  *shared;
    ml_processes_t     *processes;
    _Atomic uint64_t   *words;
    ml_slot_t          *slots;
    char               *tensors;
    size_t              stride;     /* bytes of a slot's tensors */
    size_t             *inputs;     /* where each lies in a slot */
    size_t             *outputs;
} ml_slots_t;


/* How the owner reaches the process in an entry of the table. */
typedef void (*ml_slots_kick_pt)(void *data, unsigned entry);


/* Rows that a slot should have, for a model whose rows take so many bytes. */
uint32_t ml_slots_rows(size_t row_bytes, int64_t batch);

/* Bytes of a table, 0 when they do not fit in size_t; and of one slot. */
size_t ml_slots_size(const ml_slots_shape_t *shape);
size_t ml_slots_stride(const ml_slots_shape_t *shape);

/*
 * Lays a table over zeroed memory, aligned to a page; "key" has 16 random
 * bytes.  Returns 0, or -1 when a mutex cannot be made.
 */
int ml_slots_init(void *memory, const ml_slots_shape_t *shape,
    const uint8_t *key);

/*
 * The process's view of a table that is laid out; the arrays of the shape are
 * copied.  Returns 0; or -1 when memory is out or the table is of another
 * shape or layout.  ml_slots_close() frees the view, not the table.
 */
int ml_slots_open(ml_slots_t *slots, void *memory,
    const ml_slots_shape_t *shape);
void ml_slots_close(ml_slots_t *slots);

/* A view of the word, and a slot's tensors. */
ml_slot_state_e ml_slots_state(const ml_slots_t *slots, uint32_t slot);
void *ml_slots_input(const ml_slots_t *slots, uint32_t slot, uint32_t i);
void *ml_slots_output(const ml_slots_t *slots, uint32_t slot, uint32_t i);

/* Slots that are in that state now. */
uint32_t ml_slots_count(const ml_slots_t *slots, ml_slot_state_e state);


/* ---- submitters */

/*
 * Enters the table of processes, for the life of the calling thread; reaps
 * what the dead have left in the entry.  Returns the entry, or -1 when all
 * are taken.
 */
int ml_slots_enter(ml_slots_t *slots);
void ml_slots_leave(ml_slots_t *slots, unsigned entry);

/* Frees what dead submitters hold; whether there were any. */
int ml_slots_reap(ml_slots_t *slots);

/* Takes a free slot for writing; returns it, or -1 when there is none. */
int32_t ml_slots_take(ml_slots_t *slots, unsigned entry);

/* Queues a slot that was written; ml_slots_ring() is due. */
void ml_slots_queue(ml_slots_t *slots, uint32_t slot);

/* Wakes the owner. */
void ml_slots_ring(ml_slots_t *slots);

/*
 * Gives up a slot that was queued.  Returns the state that it was in:
 * ML_SLOT_QUEUED, and it is free again; ML_SLOT_RUNNING, and its owner will
 * free it; ML_SLOT_DONE, and nothing was changed.
 */
ml_slot_state_e ml_slots_cancel(ml_slots_t *slots, uint32_t slot);

/* Zeroes and frees a slot in WRITING or DONE. */
void ml_slots_free(ml_slots_t *slots, uint32_t slot);

/*
 * Begins a look at what is done: from here on the owner's callback comes
 * again.  Whether it had come since the last look.
 */
int ml_slots_look(ml_slots_t *slots, unsigned entry);

/*
 * Whether inputs like those of the slot are refused because an owner died
 * twice of them: 0, or nanoseconds until they no longer are.
 */
uint64_t ml_slots_quarantined(ml_slots_t *slots, uint32_t slot, uint64_t now);


/* ---- the owner */

/*
 * Becomes the owner: waits for the one there is.  "given_up" is asked every
 * tenth of a second.  Returns 0, 1 when it was given up, or -1 when a mutex
 * failed; then nothing is held.  On success everything that the last owner
 * left is put in order (see above) and all submitters are woken.
 */
int ml_slots_own(ml_slots_t *slots, int (*given_up)(void *data),
    ml_slots_kick_pt kick, void *data);

/* Lets the next one be owner; by the thread that is. */
void ml_slots_disown(ml_slots_t *slots);

/* Whether a successor is ready and waits. */
int ml_slots_awaited(ml_slots_t *slots);

/* Whether there is an owner. */
int ml_slots_owned(ml_slots_t *slots);

/* Whether a living process is entered. */
int ml_slots_used(ml_slots_t *slots);

/*
 * The doorbell's count now; ml_slots_wait() sleeps until it is another, at
 * most so long.  The count must be read before the slots are looked at.
 */
uint32_t ml_slots_doorbell(ml_slots_t *slots);
void ml_slots_wait(ml_slots_t *slots, uint32_t doorbell, uint64_t ns);

/*
 * Takes a queued slot for running, "word" being what was seen.  Returns its
 * rows, or 0 when it is no longer there.
 */
uint32_t ml_slots_start(ml_slots_t *slots, uint32_t slot, uint64_t word);

/*
 * Hands a result to the submitter.  Returns its entry, which is to be kicked;
 * or -1 when it has abandoned the slot, which is then free.
 */
int ml_slots_finish(ml_slots_t *slots, uint32_t slot);

/* Kicks an entry unless it has been and has not looked since. */
void ml_slots_kick(ml_slots_t *slots, unsigned entry, ml_slots_kick_pt kick,
    void *data);


#endif /* ML_SLOTS_H */
