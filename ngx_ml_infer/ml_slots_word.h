/*
 * The word of a slot, and what the files of the slot table share; see
 * ml_slots.h.
 */

#ifndef ML_SLOTS_WORD_H
#define ML_SLOTS_WORD_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ml_slots.h"


#define ML_SLOTS_STATE_BITS       8
#define ML_SLOTS_ENTRY_BITS       16
#define ML_SLOTS_GENERATION_BITS  40


/* Where tests let a process die, or look away. */
#ifndef ML_FAULT_POINT
#define ML_FAULT_POINT(name)
#endif


static inline uint64_t
ml_slots_word(ml_slot_state_e state, unsigned entry, uint64_t generation)
{
    return ((uint64_t) state
            << (ML_SLOTS_ENTRY_BITS + ML_SLOTS_GENERATION_BITS))
           | ((uint64_t) entry << ML_SLOTS_GENERATION_BITS)
           | (generation & (((uint64_t) 1 << ML_SLOTS_GENERATION_BITS) - 1));
}


static inline ml_slot_state_e
ml_slots_word_state(uint64_t word)
{
    return (ml_slot_state_e) (word >> (ML_SLOTS_ENTRY_BITS
                                       + ML_SLOTS_GENERATION_BITS));
}


static inline unsigned
ml_slots_word_entry(uint64_t word)
{
    return (unsigned) (word >> ML_SLOTS_GENERATION_BITS)
           & ((1u << ML_SLOTS_ENTRY_BITS) - 1);
}


static inline uint64_t
ml_slots_load(const ml_slots_t *slots, uint32_t slot)
{
    return atomic_load_explicit(&slots->words[slot], memory_order_acquire);
}


/* The same slot, of the same process and generation, in another state. */

static inline int
ml_slots_change(ml_slots_t *slots, uint32_t slot, uint64_t from,
    ml_slot_state_e state)
{
    uint64_t  to;

    to = ml_slots_word(state, ml_slots_word_entry(from), from);

    return atomic_compare_exchange_strong_explicit(&slots->words[slot], &from,
                                                   to, memory_order_acq_rel,
                                                   memory_order_acquire);
}


/* Rows of a slot that the caller holds; never more than there is room for. */

static inline uint32_t
ml_slots_rows_of(const ml_slots_t *slots, uint32_t slot)
{
    uint32_t  rows;

    rows = atomic_load_explicit(&slots->slots[slot].rows,
                                memory_order_relaxed);

    if (rows == 0) {
        return 1;
    }

    return rows < slots->shape.rows ? rows : slots->shape.rows;
}


static inline long
ml_slots_futex(_Atomic uint32_t *word, int operation, uint32_t value,
    const struct timespec *timeout)
{
    return syscall(SYS_futex, word, operation, value, timeout, NULL, 0);
}


#endif /* ML_SLOTS_WORD_H */
