/*
 * How many requests of a client are running, over all processes.
 *
 * DESIGN.  Every process has a ledger of its own in the region: sets of
 * sixteen 64-bit words, each 48 bits of the client's keyed hash and a count
 * of 16 bits.  Only its owner writes a ledger, so there are no locks and no
 * read-modify-write races; a client's concurrency is the sum over all
 * ledgers.  What a process counted dies with it: whoever finds it dead
 * clears its ledger.
 *
 * Taking counts first and sums afterwards, both in one total order: of two
 * processes that take the last place at the same time at least one sees the
 * other.  Both may be refused; both are never admitted.  The bound of the sum
 * is asked for in between: a process that takes its first entry later than
 * that sees what was counted here.
 *
 * Two clients that agree in 48 bits of the hash and in the set share a
 * count.  The hash is keyed, so nobody can bring that about.
 */

#ifndef ML_CONCURRENCY_H
#define ML_CONCURRENCY_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>


/* The most that one client may be allowed. */
#define ML_CONCURRENCY_MAX  65535


/* A process's view of the ledgers; the pointer leads into the region. */
typedef struct {
    _Atomic uint64_t  *words;
    size_t             nsets;           /* in one ledger */
} ml_concurrency_t;


typedef enum {
    ML_CONCURRENCY_OK = 0,
    ML_CONCURRENCY_OVER,                /* the client is at its limit */
    ML_CONCURRENCY_FULL                 /* the ledger has no room */
} ml_concurrency_e;


/* The ledgers [0, n) may be in use. */
typedef uintptr_t (*ml_concurrency_bound_pt)(void);


/*
 * Divides a region, zeroed when new and aligned to 8 bytes, into ledgers for
 * "processes" processes.  Returns 0, or -1 when it is too small.
 */
int ml_concurrency_init(ml_concurrency_t *concurrency, void *region,
    size_t size, size_t processes);

/*
 * One more request of the client in the ledger of "process", the caller's.
 * "processes" is called once the request is counted; "limit" as configured,
 * at most ML_CONCURRENCY_MAX.
 */
ml_concurrency_e ml_concurrency_take(const ml_concurrency_t *concurrency,
    size_t process, ml_concurrency_bound_pt processes,
    const uint64_t hash[2], uint64_t limit);

/* Undoes one successful take of the same process. */
void ml_concurrency_release(const ml_concurrency_t *concurrency,
    size_t process, const uint64_t hash[2]);

/* Requests of the client that are running. */
uint64_t ml_concurrency_count(const ml_concurrency_t *concurrency,
    size_t processes, const uint64_t hash[2]);

/* Forgets what a process counted; its owner must be dead or the caller. */
void ml_concurrency_reap(const ml_concurrency_t *concurrency, size_t process);

/* Requests that are running, of all clients: reads all ledgers in use. */
uint64_t ml_concurrency_total(const ml_concurrency_t *concurrency,
    size_t processes);


#endif /* ML_CONCURRENCY_H */
