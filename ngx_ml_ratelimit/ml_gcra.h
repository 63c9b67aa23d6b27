/*
 * The arithmetic of one budget: the generic cell rate algorithm (ITU-T
 * I.371, annex A) with weights.
 *
 * A bucket is one 64-bit number, the theoretical arrival time (TAT): the
 * moment, in nanoseconds of CLOCK_MONOTONIC, at which the bucket is full
 * again.  A TAT in the past is a full bucket, a TAT further away than the
 * burst is debt, and refill costs nothing because the clock does it.
 *
 * The functions here compute on values; ml_charges.c stores the results
 * with a compare-and-swap.
 */

#ifndef ML_GCRA_H
#define ML_GCRA_H

#include <stdint.h>


#define ML_GCRA_SECOND  1000000000ULL

/* Times of buckets stay below this, 146 years; debt saturates here. */
#define ML_GCRA_END     (1ULL << 62)


typedef struct {
    uint64_t  interval;         /* ns in which one unit refills, at least 1 */
    uint64_t  burst;            /* capacity in units, at least 1 */
} ml_gcra_limit_t;


typedef enum {
    ML_GCRA_OK = 0,
    ML_GCRA_WAIT,               /* fits later, when the bucket has refilled */
    ML_GCRA_NEVER               /* more units than the bucket can hold */
} ml_gcra_e;


/* What a client may be told about its bucket. */
typedef struct {
    uint64_t  remaining;        /* units that would be admitted now */
    uint64_t  wait;             /* ns until the units asked for would be
                                   admitted, 0: now; UINT64_MAX: never */
    uint64_t  reset;            /* ns until the bucket is full */
} ml_gcra_view_t;


/*
 * A refill of "units" per "period" ns and a capacity of "burst" units.  The
 * interval is rounded up, so that the rate is never exceeded; at a million
 * units a second the error is at most 0.1 %.  Returns 0, or -1 when a value
 * is 0, units > period, or the bucket would take longer than 40 years to
 * fill.
 */
int ml_gcra_limit(ml_gcra_limit_t *limit, uint64_t units, uint64_t period,
    uint64_t burst);

/* Whether "units" fit now, and the TAT after taking them. */
ml_gcra_e ml_gcra_reserve(const ml_gcra_limit_t *limit, uint64_t tat,
    uint64_t units, uint64_t now, uint64_t *next);

/* The TAT after taking "units" whether they fit or not: debt. */
uint64_t ml_gcra_charge(const ml_gcra_limit_t *limit, uint64_t tat,
    uint64_t units, uint64_t now);

/*
 * The TAT after giving back "units" of a reservation that had moved the TAT
 * to "end".  A reservation occupies the last units * interval ns before its
 * end; what of that lies in the past has refilled already and is not given
 * a second time.  So a refund never lets a client exceed burst + rate * time
 * over any span, and is whole when the bucket was busy or the refund quick.
 */
uint64_t ml_gcra_release(const ml_gcra_limit_t *limit, uint64_t tat,
    uint64_t units, uint64_t end, uint64_t now);

void ml_gcra_view(const ml_gcra_limit_t *limit, uint64_t tat, uint64_t units,
    uint64_t now, ml_gcra_view_t *view);


#endif /* ML_GCRA_H */
