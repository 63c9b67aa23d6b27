#include <time.h>

#include "ml_charges.h"


static ml_charges_e ml_charge_reserve(const ml_clients_t *clients,
    ml_charge_t *charge, uint64_t now, int forced);
static int ml_charge_read(const ml_clients_t *clients,
    const ml_charge_t *charge, uint64_t *tat);
static int ml_charge_swap(const ml_client_ref_t *ref, _Atomic uint64_t *bucket,
    uint64_t tat, uint64_t next);


uint64_t
ml_charges_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * ML_GCRA_SECOND + (uint64_t) ts.tv_nsec;
}


ml_charges_e
ml_charges_check(const ml_clients_t *clients, const ml_charge_t *charges,
    size_t n, uint64_t now, size_t *refused)
{
    size_t     i;
    uint64_t   tat, next;
    ml_gcra_e  rc;

    for (i = 0; i < n; i++) {
        if (ml_charge_read(clients, &charges[i], &tat) != 0) {
            tat = 0;
        }

        rc = ml_gcra_reserve(charges[i].limit, tat, charges[i].units, now,
                             &next);

        if (rc != ML_GCRA_OK) {
            *refused = i;
            return (rc == ML_GCRA_WAIT) ? ML_CHARGES_WAIT : ML_CHARGES_NEVER;
        }
    }

    return ML_CHARGES_OK;
}


ml_charges_e
ml_charges_reserve(const ml_clients_t *clients, ml_charge_t *charges,
    size_t n, uint64_t now, size_t *refused)
{
    size_t        i;
    ml_charges_e  rc;

    for (i = 0; i < n; i++) {
        rc = ml_charge_reserve(clients, &charges[i], now, 0);

        if (rc != ML_CHARGES_OK) {
            *refused = i;

            while (i--) {
                ml_charge_settle(&charges[i], 0, now);
            }

            return rc;
        }
    }

    return ML_CHARGES_OK;
}


ml_charges_e
ml_charges_force(const ml_clients_t *clients, ml_charge_t *charges,
    size_t n, uint64_t now)
{
    size_t        i;
    ml_charges_e  rc;

    for (i = 0; i < n; i++) {
        rc = ml_charge_reserve(clients, &charges[i], now, 1);

        if (rc != ML_CHARGES_OK) {
            return rc;
        }
    }

    return ML_CHARGES_OK;
}


static ml_charges_e
ml_charge_reserve(const ml_clients_t *clients, ml_charge_t *charge,
    uint64_t now, int forced)
{
    uint64_t           tat, next;
    ml_gcra_e          rc;
    _Atomic uint64_t  *bucket;

    for ( ;; ) {
        if (ml_clients_obtain(clients, &charge->client, now, &charge->ref)
            != 0)
        {
            return ML_CHARGES_ERROR;
        }

        bucket = &charge->ref.client->bucket[charge->bucket];
        tat = atomic_load_explicit(bucket, memory_order_relaxed);

        if (!ml_client_valid(&charge->ref)) {
            continue;
        }

        rc = ml_gcra_reserve(charge->limit, tat, charge->units, now, &next);

        if (rc != ML_GCRA_OK) {

            if (!forced) {
                return (rc == ML_GCRA_WAIT) ? ML_CHARGES_WAIT
                                            : ML_CHARGES_NEVER;
            }

            next = ml_gcra_charge(charge->limit, tat, charge->units, now);
        }

        if (ml_charge_swap(&charge->ref, bucket, tat, next) == 0) {
            charge->end = next;
            return ML_CHARGES_OK;
        }
    }
}


void
ml_charge_settle(const ml_charge_t *charge, uint64_t used, uint64_t now)
{
    uint64_t           tat, next;
    _Atomic uint64_t  *bucket;

    if (used == charge->units) {
        return;
    }

    bucket = &charge->ref.client->bucket[charge->bucket];

    for ( ;; ) {
        tat = atomic_load_explicit(bucket, memory_order_relaxed);

        if (!ml_client_valid(&charge->ref)) {
            return;
        }

        if (used < charge->units) {
            next = ml_gcra_release(charge->limit, tat, charge->units - used,
                                   charge->end, now);
        } else {
            next = ml_gcra_charge(charge->limit, tat, used - charge->units,
                                  now);
        }

        if (next == tat
            || ml_charge_swap(&charge->ref, bucket, tat, next) == 0)
        {
            return;
        }
    }
}


void
ml_charge_view(const ml_clients_t *clients, const ml_charge_t *charge,
    uint64_t now, ml_gcra_view_t *view)
{
    uint64_t  tat;

    if (ml_charge_read(clients, charge, &tat) != 0) {
        tat = 0;
    }

    ml_gcra_view(charge->limit, tat, charge->units, now, view);
}


static int
ml_charge_read(const ml_clients_t *clients, const ml_charge_t *charge,
    uint64_t *tat)
{
    ml_client_ref_t  ref;

    while (ml_clients_find(clients, &charge->client, &ref) == 0) {
        *tat = atomic_load_explicit(&ref.client->bucket[charge->bucket],
                                    memory_order_relaxed);

        if (ml_client_valid(&ref)) {
            return 0;
        }
    }

    return -1;
}


/* Returns -1 when another process was faster or the entry changed hands. */

static int
ml_charge_swap(const ml_client_ref_t *ref, _Atomic uint64_t *bucket,
    uint64_t tat, uint64_t next)
{
    if (!atomic_compare_exchange_strong(bucket, &tat, next)) {
        return -1;
    }

    if (ml_client_valid(ref)) {
        return 0;
    }

    (void) atomic_compare_exchange_strong(bucket, &next, tat);

    return -1;
}
