/*
 * The client table: who has spent how much, in shared memory.
 *
 * DESIGN.  Two set-associative tables of 128-byte entries, one for clients
 * that proved who they are and one for everyone else, so that key spraying
 * cannot evict a paying client.  A client is known by the keyed 128-bit
 * SipHash of its identity: nobody can choose a set, and no identity is kept.
 *
 * Finding takes no lock.  Each entry has a sequence number, odd while the
 * entry changes hands; a reader that saw the same even number before and
 * after looking saw one client's entry.  Entries change hands under one of
 * 64 robust process-shared mutexes; the holder notes the set in which it
 * works, so that whoever finds the mutex orphaned (EOWNERDEAD) empties the
 * half-made entries of that set and goes on.
 *
 * The entry that makes room is the one that is full soonest, or has been full
 * longest: it is the one that loses least.  A new entry's buckets
 * start at the present time, later than any value that a full bucket had:
 * a compare-and-swap that was prepared before an eviction then fails.
 */

#ifndef ML_CLIENTS_H
#define ML_CLIENTS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>


/* The budgets of a client, each its own bucket. */
typedef enum {
    ML_CLIENT_COST = 0,
    ML_CLIENT_GPU,
    ML_CLIENT_TOKENS,
    ML_CLIENT_REQUESTS,
    ML_CLIENT_BUCKETS
} ml_client_bucket_e;


typedef enum {
    ML_CLIENT_ANONYMOUS = 0,
    ML_CLIENT_PROVEN,
    ML_CLIENT_KINDS
} ml_client_kind_e;


/* A client: the table that it belongs to and the hash of its identity. */
typedef struct {
    ml_client_kind_e   kind;
    uint64_t           hash[2];
} ml_client_key_t;


typedef struct {
    _Alignas(128)
    _Atomic uint64_t   sequence;            /* odd: changing hands */
    _Atomic uint64_t   hash[2];             /* 0, 0: free */
    _Atomic uint64_t   bucket[ML_CLIENT_BUCKETS];   /* GCRA times, ns */
} ml_client_t;


/* An entry as found; good until its sequence changes. */
typedef struct {
    ml_client_t       *client;
    uint64_t           sequence;
} ml_client_ref_t;


typedef struct ml_clients_header_s  ml_clients_header_t;


/* A process's view of the tables; all pointers lead into the region. */
typedef struct {
    ml_clients_header_t  *header;
    ml_client_t          *entries[ML_CLIENT_KINDS];
    uint64_t              nsets;            /* in each table */
} ml_clients_t;


/*
 * Lays the tables over a zeroed region ("fresh"), or attaches to those that
 * an earlier call with the same size laid there.  The region must be aligned
 * to 128 bytes and mapped at the same address in all processes.  Returns 0,
 * or -1: the region is too small, or holds something else.
 */
int ml_clients_init(ml_clients_t *clients, void *region, size_t size,
    int fresh);

/* Finds a client; 0, or -1 when the table does not know it. */
int ml_clients_find(const ml_clients_t *clients, const ml_client_key_t *key,
    ml_client_ref_t *ref);

/*
 * Finds a client or gives it an entry with full buckets, evicting another
 * if need be.  "now" as in ml_gcra.h.  Returns 0, or -1 when the mutex
 * failed.
 */
int ml_clients_obtain(const ml_clients_t *clients, const ml_client_key_t *key,
    uint64_t now, ml_client_ref_t *ref);

/* Whether the entry still belongs to the client that ref was made for. */
int ml_client_valid(const ml_client_ref_t *ref);

/* Entries that hold a client, and entries there are. */
uint64_t ml_clients_used(const ml_clients_t *clients, ml_client_kind_e kind);
uint64_t ml_clients_capacity(const ml_clients_t *clients);


#endif /* ML_CLIENTS_H */
