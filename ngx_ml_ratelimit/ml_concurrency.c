#include "ml_concurrency.h"


#define ML_CONCURRENCY_WAYS   16
#define ML_CONCURRENCY_COUNT  0xffffULL


static _Atomic uint64_t *ml_concurrency_set(
    const ml_concurrency_t *concurrency, size_t process,
    const uint64_t hash[2]);
static _Atomic uint64_t *ml_concurrency_word(_Atomic uint64_t *set,
    const uint64_t hash[2], uint64_t *value);


int
ml_concurrency_init(ml_concurrency_t *concurrency, void *region, size_t size,
    size_t processes)
{
    concurrency->words = region;
    concurrency->nsets = size / processes
                         / (ML_CONCURRENCY_WAYS * sizeof(uint64_t));

    return concurrency->nsets ? 0 : -1;
}


ml_concurrency_e
ml_concurrency_take(const ml_concurrency_t *concurrency, size_t process,
    ml_concurrency_bound_pt processes, const uint64_t hash[2],
    uint64_t limit)
{
    unsigned           i;
    uint64_t           value;
    _Atomic uint64_t  *set, *word;

    set = ml_concurrency_set(concurrency, process, hash);
    word = ml_concurrency_word(set, hash, &value);

    /* a word whose count is zero belongs to nobody */

    for (i = 0; word == NULL && i < ML_CONCURRENCY_WAYS; i++) {
        value = atomic_load_explicit(&set[i], memory_order_relaxed);

        if ((value & ML_CONCURRENCY_COUNT) == 0) {
            word = &set[i];
            value = hash[1] & ~ML_CONCURRENCY_COUNT;
        }
    }

    if (word == NULL) {
        return ML_CONCURRENCY_FULL;
    }

    if ((value & ML_CONCURRENCY_COUNT) == ML_CONCURRENCY_MAX) {
        return ML_CONCURRENCY_OVER;
    }

    atomic_store(word, value + 1);

    if (ml_concurrency_count(concurrency, processes(), hash) <= limit) {
        return ML_CONCURRENCY_OK;
    }

    atomic_store(word, value);

    return ML_CONCURRENCY_OVER;
}


void
ml_concurrency_release(const ml_concurrency_t *concurrency, size_t process,
    const uint64_t hash[2])
{
    uint64_t           value;
    _Atomic uint64_t  *word;

    word = ml_concurrency_word(ml_concurrency_set(concurrency, process, hash),
                               hash, &value);
    if (word) {
        atomic_store(word, value - 1);
    }
}


uint64_t
ml_concurrency_count(const ml_concurrency_t *concurrency, size_t processes,
    const uint64_t hash[2])
{
    size_t             process;
    uint64_t           sum, value;
    _Atomic uint64_t  *set;

    sum = 0;

    for (process = 0; process < processes; process++) {
        set = ml_concurrency_set(concurrency, process, hash);

        if (ml_concurrency_word(set, hash, &value)) {
            sum += value & ML_CONCURRENCY_COUNT;
        }
    }

    return sum;
}


void
ml_concurrency_reap(const ml_concurrency_t *concurrency, size_t process)
{
    size_t             i, n;
    _Atomic uint64_t  *words;

    n = concurrency->nsets * ML_CONCURRENCY_WAYS;
    words = concurrency->words + process * n;

    /* only what was used is written: an untouched ledger stays unmapped */

    for (i = 0; i < n; i++) {
        if (atomic_load_explicit(&words[i], memory_order_relaxed)) {
            atomic_store(&words[i], 0);
        }
    }
}


uint64_t
ml_concurrency_total(const ml_concurrency_t *concurrency, size_t processes)
{
    size_t    i, n;
    uint64_t  sum;

    n = processes * concurrency->nsets * ML_CONCURRENCY_WAYS;
    sum = 0;

    for (i = 0; i < n; i++) {
        sum += atomic_load_explicit(&concurrency->words[i],
                                    memory_order_relaxed)
               & ML_CONCURRENCY_COUNT;
    }

    return sum;
}


static _Atomic uint64_t *
ml_concurrency_set(const ml_concurrency_t *concurrency, size_t process,
    const uint64_t hash[2])
{
    uint64_t  n;

    n = (uint64_t) (((unsigned __int128) hash[0] * concurrency->nsets) >> 64);

    return concurrency->words
           + (process * concurrency->nsets + n) * ML_CONCURRENCY_WAYS;
}


/*
 * The word that counts the client now, and what it holds.  The loads are in
 * the one order of all takes: a word that is missed counts as zero.
 */

static _Atomic uint64_t *
ml_concurrency_word(_Atomic uint64_t *set, const uint64_t hash[2],
    uint64_t *value)
{
    unsigned  i;

    for (i = 0; i < ML_CONCURRENCY_WAYS; i++) {
        *value = atomic_load(&set[i]);

        if ((*value & ~ML_CONCURRENCY_COUNT)
            == (hash[1] & ~ML_CONCURRENCY_COUNT)
            && (*value & ML_CONCURRENCY_COUNT))
        {
            return &set[i];
        }
    }

    return NULL;
}
