/*
 * A circuit breaker in shared memory.
 *
 * DESIGN.  Everything that decides is one 64-bit word, changed by
 * compare-and-swap: state, growth level, epoch, and a time.  Each change of
 * state is a new epoch; a result carries the epoch under which its call was
 * admitted and is ignored when that is no longer the current one, so a call
 * from before an outage cannot close the breaker, nor one from before the
 * recovery open it.
 *
 *   closed     time: when it closed.  Opens on "failures" consecutive
 *              failures, or on "rate" per cent of the calls of the last ten
 *              seconds when there were at least 20.
 *   open       time: until when.  Grows by two with each opening in a row,
 *              up to 300 s, +-20 %, and shrinks by one step for each "open"
 *              period that the breaker then stays closed.
 *   half-open  time: until when one call, the probe, holds the lease.  Its
 *              success closes, its failure opens; when its process dies, the
 *              lease runs out and the next call gets it.
 *
 * Only what the backend did counts.  Calls that were shed, cancelled or
 * refused as malformed end with ml_breaker_release().
 *
 * A zeroed breaker is closed.  Times are milliseconds of CLOCK_MONOTONIC,
 * the same clock in all processes.
 */

#ifndef ML_BREAKER_H
#define ML_BREAKER_H

#include <stdint.h>


#define ML_BREAKER_SECONDS      10      /* of the failure rate's window */
#define ML_BREAKER_MIN_CALLS    20
#define ML_BREAKER_MAX_OPEN_MS  300000


typedef enum {
    ML_BREAKER_CLOSED = 0,
    ML_BREAKER_OPEN,
    ML_BREAKER_HALF_OPEN
} ml_breaker_state_e;


typedef struct {
    uint32_t           failures;    /* consecutive; 0: not looked at */
    uint32_t           rate;        /* per cent, 1 to 100; 0: not looked at */
    uint64_t           open_ms;     /* the first opening */
    uint64_t           lease_ms;    /* how long a probe may take */
} ml_breaker_conf_t;


/* In shared memory; all zero is a closed breaker. */
typedef struct {
    _Atomic uint64_t   word;
    _Atomic uint32_t   consecutive;
    /* one second each: second:24, calls:20, failures:20 */
    _Atomic uint64_t   window[ML_BREAKER_SECONDS];
} ml_breaker_t;


/* What an admitted call keeps until its result is known. */
typedef struct {
    uint32_t           epoch;
    unsigned           probe:1;
} ml_breaker_ticket_t;


/* Whether a call would be admitted now: 0, or milliseconds to wait. */
uint64_t ml_breaker_peek(const ml_breaker_t *breaker, uint64_t now);

/*
 * Admits a call: returns 0 and fills the ticket, or the milliseconds to
 * wait, at least 1.
 */
uint64_t ml_breaker_admit(ml_breaker_t *breaker,
    const ml_breaker_conf_t *conf, uint64_t now, ml_breaker_ticket_t *ticket);

/* Exactly one of these ends each admitted call. */
void ml_breaker_success(ml_breaker_t *breaker, const ml_breaker_conf_t *conf,
    uint64_t now, const ml_breaker_ticket_t *ticket);
void ml_breaker_failure(ml_breaker_t *breaker, const ml_breaker_conf_t *conf,
    uint64_t now, const ml_breaker_ticket_t *ticket);
void ml_breaker_release(ml_breaker_t *breaker, uint64_t now,
    const ml_breaker_ticket_t *ticket);

ml_breaker_state_e ml_breaker_state(const ml_breaker_t *breaker);

/* "closed", "open", "half_open".  Static. */
const char *ml_breaker_state_name(ml_breaker_state_e state);


#endif /* ML_BREAKER_H */
