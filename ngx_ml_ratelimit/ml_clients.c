#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "ml_clients.h"


#define ML_CLIENTS_MAGIC    0x6d6c636c69656e74ULL
#define ML_CLIENTS_VERSION  1
#define ML_CLIENTS_WAYS     16
#define ML_CLIENTS_STRIPES  64
#define ML_CLIENTS_NO_SET   UINT64_MAX


typedef struct {
    _Alignas(64)
    pthread_mutex_t      mutex;
    uint64_t             set;       /* being changed, counted over both
                                       tables; ML_CLIENTS_NO_SET: none */
} ml_clients_stripe_t;


struct ml_clients_header_s {
    uint64_t             magic;
    uint64_t             version;
    uint64_t             nsets;

    _Alignas(64)
    _Atomic uint64_t     used[ML_CLIENT_KINDS];

    ml_clients_stripe_t  stripes[ML_CLIENTS_STRIPES];

    _Alignas(128)
    ml_client_t          entries[];
};


_Static_assert(sizeof(ml_client_t) == 128, "an entry is 128 bytes");


static int ml_clients_init_stripes(ml_clients_header_t *header);
static ml_client_t *ml_clients_set(const ml_clients_t *clients,
    const ml_client_key_t *key, uint64_t *set);
static int ml_clients_search(ml_client_t *set, const uint64_t hash[2],
    ml_client_ref_t *ref);
static int ml_clients_lock(const ml_clients_t *clients, uint64_t set,
    ml_clients_stripe_t **stripe);
static void ml_clients_repair(const ml_clients_t *clients, uint64_t set);
static ml_client_t *ml_clients_victim(ml_client_t *set);
static void ml_clients_assign(ml_client_t *client, const uint64_t hash[2],
    uint64_t now);


int
ml_clients_init(ml_clients_t *clients, void *region, size_t size, int fresh)
{
    uint64_t              nsets;
    ml_clients_header_t  *header;

    header = region;

    if (size < sizeof(ml_clients_header_t)) {
        return -1;
    }

    nsets = (size - sizeof(ml_clients_header_t))
            / (ML_CLIENT_KINDS * ML_CLIENTS_WAYS * sizeof(ml_client_t));

    if (nsets == 0) {
        return -1;
    }

    if (fresh) {
        if (ml_clients_init_stripes(header) != 0) {
            return -1;
        }

        header->nsets = nsets;
        header->version = ML_CLIENTS_VERSION;
        header->magic = ML_CLIENTS_MAGIC;

    } else if (header->magic != ML_CLIENTS_MAGIC
               || header->version != ML_CLIENTS_VERSION
               || header->nsets != nsets)
    {
        return -1;
    }

    clients->header = header;
    clients->nsets = nsets;
    clients->entries[ML_CLIENT_ANONYMOUS] = header->entries;
    clients->entries[ML_CLIENT_PROVEN] = header->entries
                                         + nsets * ML_CLIENTS_WAYS;

    return 0;
}


static int
ml_clients_init_stripes(ml_clients_header_t *header)
{
    int                  rc;
    unsigned             i;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return -1;
    }

    rc = pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0
         || pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0;

    for (i = 0; rc == 0 && i < ML_CLIENTS_STRIPES; i++) {
        rc = pthread_mutex_init(&header->stripes[i].mutex, &attr);
        header->stripes[i].set = ML_CLIENTS_NO_SET;
    }

    (void) pthread_mutexattr_destroy(&attr);

    return rc ? -1 : 0;
}


int
ml_clients_find(const ml_clients_t *clients, const ml_client_key_t *key,
    ml_client_ref_t *ref)
{
    uint64_t  set;

    return ml_clients_search(ml_clients_set(clients, key, &set), key->hash,
                             ref);
}


int
ml_clients_obtain(const ml_clients_t *clients, const ml_client_key_t *key,
    uint64_t now, ml_client_ref_t *ref)
{
    uint64_t              set, was_free;
    ml_client_t          *entries, *client;
    ml_clients_stripe_t  *stripe;

    entries = ml_clients_set(clients, key, &set);

    if (ml_clients_search(entries, key->hash, ref) == 0) {
        return 0;
    }

    if (ml_clients_lock(clients, set, &stripe) != 0) {
        return -1;
    }

    if (ml_clients_search(entries, key->hash, ref) != 0) {
        client = ml_clients_victim(entries);

        was_free = atomic_load_explicit(&client->hash[0],
                                        memory_order_relaxed) == 0
                   && atomic_load_explicit(&client->hash[1],
                                           memory_order_relaxed) == 0;

        stripe->set = set;
        ml_clients_assign(client, key->hash, now);
        stripe->set = ML_CLIENTS_NO_SET;

        if (was_free) {
            atomic_fetch_add_explicit(&clients->header->used[key->kind], 1,
                                      memory_order_relaxed);
        }

        ref->client = client;
        ref->sequence = atomic_load_explicit(&client->sequence,
                                             memory_order_relaxed);
    }

    (void) pthread_mutex_unlock(&stripe->mutex);

    return 0;
}


int
ml_client_valid(const ml_client_ref_t *ref)
{
    atomic_thread_fence(memory_order_acquire);

    return atomic_load_explicit(&ref->client->sequence, memory_order_relaxed)
           == ref->sequence;
}


uint64_t
ml_clients_used(const ml_clients_t *clients, ml_client_kind_e kind)
{
    return atomic_load_explicit(&clients->header->used[kind],
                                memory_order_relaxed);
}


uint64_t
ml_clients_capacity(const ml_clients_t *clients)
{
    return clients->nsets * ML_CLIENTS_WAYS * ML_CLIENT_KINDS;
}


/* The set is chosen by the high bits: a multiplication instead of a division,
 * and any number of sets. */

static ml_client_t *
ml_clients_set(const ml_clients_t *clients, const ml_client_key_t *key,
    uint64_t *set)
{
    uint64_t  n;

    n = (uint64_t) (((unsigned __int128) key->hash[0] * clients->nsets) >> 64);

    *set = key->kind * clients->nsets + n;

    return clients->entries[key->kind] + n * ML_CLIENTS_WAYS;
}


static int
ml_clients_search(ml_client_t *set, const uint64_t hash[2],
    ml_client_ref_t *ref)
{
    unsigned  i;

    for (i = 0; i < ML_CLIENTS_WAYS; i++) {
        ref->client = &set[i];
        ref->sequence = atomic_load_explicit(&set[i].sequence,
                                             memory_order_acquire);

        if ((ref->sequence & 1) == 0
            && atomic_load_explicit(&set[i].hash[0], memory_order_relaxed)
               == hash[0]
            && atomic_load_explicit(&set[i].hash[1], memory_order_relaxed)
               == hash[1]
            && ml_client_valid(ref))
        {
            return 0;
        }
    }

    return -1;
}


static int
ml_clients_lock(const ml_clients_t *clients, uint64_t set,
    ml_clients_stripe_t **stripe)
{
    int                   rc;
    ml_clients_stripe_t  *s;

    s = &clients->header->stripes[set % ML_CLIENTS_STRIPES];

    rc = pthread_mutex_lock(&s->mutex);

    if (rc == EOWNERDEAD) {
        if (s->set != ML_CLIENTS_NO_SET) {
            ml_clients_repair(clients, s->set);
            s->set = ML_CLIENTS_NO_SET;
        }

        rc = pthread_mutex_consistent(&s->mutex);
    }

    *stripe = s;

    return rc ? -1 : 0;
}


/* Entries that a dead process left half-made become free. */

static void
ml_clients_repair(const ml_clients_t *clients, uint64_t set)
{
    unsigned      i;
    uint64_t      sequence;
    ml_client_t  *client;

    client = clients->header->entries + set * ML_CLIENTS_WAYS;

    for (i = 0; i < ML_CLIENTS_WAYS; i++, client++) {
        sequence = atomic_load_explicit(&client->sequence,
                                        memory_order_relaxed);

        if ((sequence & 1) == 0) {
            continue;
        }

        atomic_store_explicit(&client->hash[0], 0, memory_order_relaxed);
        atomic_store_explicit(&client->hash[1], 0, memory_order_relaxed);
        atomic_store_explicit(&client->sequence, sequence + 1,
                              memory_order_release);
    }
}


static ml_client_t *
ml_clients_victim(ml_client_t *set)
{
    unsigned      i, j;
    uint64_t      tat, full, best;
    ml_client_t  *victim;

    victim = set;
    best = UINT64_MAX;

    for (i = 0; i < ML_CLIENTS_WAYS; i++) {
        if (atomic_load_explicit(&set[i].hash[0], memory_order_relaxed) == 0
            && atomic_load_explicit(&set[i].hash[1], memory_order_relaxed)
               == 0)
        {
            return &set[i];
        }

        full = 0;

        for (j = 0; j < ML_CLIENT_BUCKETS; j++) {
            tat = atomic_load_explicit(&set[i].bucket[j],
                                       memory_order_relaxed);
            if (tat > full) {
                full = tat;
            }
        }

        if (full < best) {
            best = full;
            victim = &set[i];
        }
    }

    return victim;
}


static void
ml_clients_assign(ml_client_t *client, const uint64_t hash[2], uint64_t now)
{
    unsigned  i;
    uint64_t  sequence;

    sequence = atomic_load_explicit(&client->sequence, memory_order_relaxed);

    atomic_store_explicit(&client->sequence, sequence + 1,
                          memory_order_relaxed);
    atomic_thread_fence(memory_order_release);

    for (i = 0; i < ML_CLIENT_BUCKETS; i++) {
        atomic_store_explicit(&client->bucket[i], now, memory_order_relaxed);
    }

    atomic_store_explicit(&client->hash[0], hash[0], memory_order_relaxed);
    atomic_store_explicit(&client->hash[1], hash[1], memory_order_relaxed);

    atomic_store_explicit(&client->sequence, sequence + 2,
                          memory_order_release);
}
