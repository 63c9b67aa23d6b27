/*
 * Charging several budgets at once, all or nothing.
 *
 * DESIGN.  Charges are reserved in turn, each with a compare-and-swap on its
 * bucket; the first that does not fit undoes those before it.  Two requests
 * that race may both be refused where one would have fitted, but never both
 * be admitted where one fits.
 *
 * A bucket is read and written without a lock while its entry may be given
 * to another client.  So the entry is looked at again between reading a
 * bucket and swapping it, and after the swap; when the entry changed hands
 * the swap is taken back, which succeeds only if the value is still the one
 * that was written, and the client gets a new entry.
 */

#ifndef ML_CHARGES_H
#define ML_CHARGES_H

#include "ml_clients.h"
#include "ml_gcra.h"


typedef struct {
    ml_client_key_t         client;
    ml_client_bucket_e      bucket;
    const ml_gcra_limit_t  *limit;      /* owned by the caller */
    uint64_t                units;

    /* written when the charge is taken */
    ml_client_ref_t         ref;
    uint64_t                end;        /* the TAT that the charge made */
} ml_charge_t;


typedef enum {
    ML_CHARGES_OK = 0,
    ML_CHARGES_WAIT,                    /* over a budget, fits later */
    ML_CHARGES_NEVER,                   /* more than a budget can hold */
    ML_CHARGES_ERROR                    /* the table's mutex failed */
} ml_charges_e;


/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t ml_charges_now(void);

/*
 * Whether all charges would fit now; changes nothing.  "refused" is set to
 * the index of the first that does not.
 */
ml_charges_e ml_charges_check(const ml_clients_t *clients,
    const ml_charge_t *charges, size_t n, uint64_t now, size_t *refused);

/* Takes all charges or none. */
ml_charges_e ml_charges_reserve(const ml_clients_t *clients,
    ml_charge_t *charges, size_t n, uint64_t now, size_t *refused);

/* Takes all charges whether they fit or not, into debt. */
ml_charges_e ml_charges_force(const ml_clients_t *clients,
    ml_charge_t *charges, size_t n, uint64_t now);

/*
 * Corrects a reserved charge to what was used: gives back what is left, or
 * takes more, into debt.  Does nothing when the client was evicted since.
 */
void ml_charge_settle(const ml_charge_t *charge, uint64_t used, uint64_t now);

/* The state of the charge's bucket; full when the client is unknown. */
void ml_charge_view(const ml_clients_t *clients, const ml_charge_t *charge,
    uint64_t now, ml_gcra_view_t *view);


#endif /* ML_CHARGES_H */
