/* A circuit breaker in shared memory; see ml_breaker.h. */

#include <stdatomic.h>

#include "ml_breaker.h"


/* state:2, level:4, epoch:16, time:42 (139 years of milliseconds) */
#define ML_BREAKER_TIME_BITS   42
#define ML_BREAKER_EPOCH_BITS  16
#define ML_BREAKER_MAX_LEVEL   15

#define ML_BREAKER_COUNT_BITS  20
#define ML_BREAKER_COUNT_MAX   ((1u << ML_BREAKER_COUNT_BITS) - 1)
#define ML_BREAKER_SECOND_MASK 0xffffff

#define ML_BREAKER_PROBE_MS    1000


typedef struct {
    ml_breaker_state_e  state;
    unsigned            level;      /* openings in a row, decayed */
    uint32_t            epoch;
    uint64_t            time;
} ml_breaker_view_t;


static ml_breaker_view_t
ml_breaker_unpack(uint64_t word)
{
    ml_breaker_view_t  view;

    view.time = word & (((uint64_t) 1 << ML_BREAKER_TIME_BITS) - 1);
    word >>= ML_BREAKER_TIME_BITS;

    view.epoch = (uint32_t) (word & ((1u << ML_BREAKER_EPOCH_BITS) - 1));
    word >>= ML_BREAKER_EPOCH_BITS;

    view.level = (unsigned) (word & ML_BREAKER_MAX_LEVEL);
    view.state = (ml_breaker_state_e) (word >> 4);

    return view;
}


/* The next epoch of "view" with another state and time. */
static uint64_t
ml_breaker_next(const ml_breaker_view_t *view, ml_breaker_state_e state,
    unsigned level, uint64_t time)
{
    uint64_t  word;

    word = ((uint64_t) state << 4) | level;
    word = (word << ML_BREAKER_EPOCH_BITS)
           | ((view->epoch + 1) & ((1u << ML_BREAKER_EPOCH_BITS) - 1));

    return (word << ML_BREAKER_TIME_BITS)
           | (time & (((uint64_t) 1 << ML_BREAKER_TIME_BITS) - 1));
}


static int
ml_breaker_change(ml_breaker_t *breaker, uint64_t old, uint64_t word)
{
    return atomic_compare_exchange_strong(&breaker->word, &old, word);
}


/* open * 2^level within the cap, and a fifth more or less (splitmix64). */
static uint64_t
ml_breaker_open_time(const ml_breaker_conf_t *conf, unsigned level,
    uint64_t seed)
{
    uint64_t  ms;

    for (ms = conf->open_ms; level > 0 && ms < ML_BREAKER_MAX_OPEN_MS;
         level--)
    {
        ms *= 2;
    }

    if (ms > ML_BREAKER_MAX_OPEN_MS) {
        ms = ML_BREAKER_MAX_OPEN_MS;
    }

    seed += 0x9e3779b97f4a7c15;
    seed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
    seed = (seed ^ (seed >> 27)) * 0x94d049bb133111eb;
    seed ^= seed >> 31;

    ms = ms * 4 / 5 + seed % (ms * 2 / 5 + 1);

    return ms < ML_BREAKER_MAX_OPEN_MS ? ms : ML_BREAKER_MAX_OPEN_MS;
}


/*
 * How long a refused call should wait: what is left of the opening.  A probe
 * is over long before its lease, so that only a moment is told there.
 */
static uint64_t
ml_breaker_left(const ml_breaker_view_t *view, uint64_t now)
{
    uint64_t  left;

    left = view->time > now ? view->time - now : 1;

    return view->state == ML_BREAKER_HALF_OPEN && left > ML_BREAKER_PROBE_MS
           ? ML_BREAKER_PROBE_MS : left;
}


uint64_t
ml_breaker_peek(const ml_breaker_t *breaker, uint64_t now)
{
    ml_breaker_view_t  view;

    view = ml_breaker_unpack(atomic_load_explicit(&breaker->word,
                                                  memory_order_acquire));

    if (view.state == ML_BREAKER_CLOSED || now >= view.time) {
        return 0;
    }

    return ml_breaker_left(&view, now);
}


uint64_t
ml_breaker_admit(ml_breaker_t *breaker, const ml_breaker_conf_t *conf,
    uint64_t now, ml_breaker_ticket_t *ticket)
{
    uint64_t           word, probe;
    ml_breaker_view_t  view;

    word = atomic_load_explicit(&breaker->word, memory_order_acquire);
    view = ml_breaker_unpack(word);

    ticket->probe = 0;
    ticket->epoch = view.epoch;

    if (view.state == ML_BREAKER_CLOSED) {
        return 0;
    }

    if (now < view.time) {
        return ml_breaker_left(&view, now);
    }

    /* the time of an opening, or of another's lease, is over */

    probe = ml_breaker_next(&view, ML_BREAKER_HALF_OPEN, view.level,
                            now + conf->lease_ms);

    if (!ml_breaker_change(breaker, word, probe)) {
        view = ml_breaker_unpack(atomic_load(&breaker->word));

        if (view.state == ML_BREAKER_CLOSED) {
            ticket->epoch = view.epoch;
            return 0;
        }

        return ml_breaker_left(&view, now);
    }

    ticket->probe = 1;
    ticket->epoch = ml_breaker_unpack(probe).epoch;

    return 0;
}


static uint64_t
ml_breaker_second(uint64_t now)
{
    return (now / 1000) & ML_BREAKER_SECOND_MASK;
}


static void
ml_breaker_count(ml_breaker_t *breaker, uint64_t now, unsigned failed)
{
    uint64_t           old, new, second, calls, failures;
    _Atomic uint64_t  *cell;

    second = ml_breaker_second(now);
    cell = &breaker->window[(now / 1000) % ML_BREAKER_SECONDS];

    old = atomic_load_explicit(cell, memory_order_relaxed);

    do {
        calls = (old >> ML_BREAKER_COUNT_BITS) & ML_BREAKER_COUNT_MAX;
        failures = old & ML_BREAKER_COUNT_MAX;

        if (old >> (2 * ML_BREAKER_COUNT_BITS) != second) {
            calls = 0;
            failures = 0;
        }

        if (calls == ML_BREAKER_COUNT_MAX) {
            return;
        }

        new = (second << (2 * ML_BREAKER_COUNT_BITS))
              | ((calls + 1) << ML_BREAKER_COUNT_BITS)
              | (failures + failed);

    } while (!atomic_compare_exchange_weak_explicit(cell, &old, new,
                                                    memory_order_relaxed,
                                                    memory_order_relaxed));
}


static int
ml_breaker_rate_exceeded(ml_breaker_t *breaker, uint32_t rate, uint64_t now)
{
    uint64_t  cell, age, calls, failures;
    unsigned  i;

    calls = 0;
    failures = 0;

    for (i = 0; i < ML_BREAKER_SECONDS; i++) {
        cell = atomic_load_explicit(&breaker->window[i],
                                    memory_order_relaxed);

        age = (ml_breaker_second(now) - (cell >> (2 * ML_BREAKER_COUNT_BITS)))
              & ML_BREAKER_SECOND_MASK;

        if (age >= ML_BREAKER_SECONDS) {
            continue;
        }

        calls += (cell >> ML_BREAKER_COUNT_BITS) & ML_BREAKER_COUNT_MAX;
        failures += cell & ML_BREAKER_COUNT_MAX;
    }

    return calls >= ML_BREAKER_MIN_CALLS && failures * 100 >= calls * rate;
}


/* What was counted before a change of state says nothing after it. */
static void
ml_breaker_forget(ml_breaker_t *breaker)
{
    unsigned  i;

    atomic_store(&breaker->consecutive, 0);

    for (i = 0; i < ML_BREAKER_SECONDS; i++) {
        atomic_store(&breaker->window[i], 0);
    }
}


void
ml_breaker_success(ml_breaker_t *breaker, const ml_breaker_conf_t *conf,
    uint64_t now, const ml_breaker_ticket_t *ticket)
{
    uint64_t           word;
    ml_breaker_view_t  view;

    word = atomic_load_explicit(&breaker->word, memory_order_acquire);
    view = ml_breaker_unpack(word);

    if (view.epoch != ticket->epoch) {
        return;
    }

    if (view.state == ML_BREAKER_CLOSED) {
        ml_breaker_count(breaker, now, 0);

        /* read first: a store would take the line from the other workers */
        if (atomic_load_explicit(&breaker->consecutive, memory_order_relaxed))
        {
            atomic_store_explicit(&breaker->consecutive, 0,
                                  memory_order_relaxed);
        }

        return;
    }

    if (view.state == ML_BREAKER_HALF_OPEN && ticket->probe) {
        ml_breaker_forget(breaker);
        ml_breaker_change(breaker, word,
                          ml_breaker_next(&view, ML_BREAKER_CLOSED,
                                          view.level, now));
    }
}


void
ml_breaker_failure(ml_breaker_t *breaker, const ml_breaker_conf_t *conf,
    uint64_t now, const ml_breaker_ticket_t *ticket)
{
    uint64_t           word, healthy;
    uint32_t           consecutive;
    unsigned           level;
    ml_breaker_view_t  view;

    word = atomic_load_explicit(&breaker->word, memory_order_acquire);
    view = ml_breaker_unpack(word);

    if (view.epoch != ticket->epoch || view.state == ML_BREAKER_OPEN) {
        return;
    }

    level = view.level;

    if (view.state == ML_BREAKER_CLOSED) {
        ml_breaker_count(breaker, now, 1);
        consecutive = atomic_fetch_add(&breaker->consecutive, 1) + 1;

        if ((conf->failures == 0 || consecutive < conf->failures)
            && (conf->rate == 0
                || !ml_breaker_rate_exceeded(breaker, conf->rate, now)))
        {
            return;
        }

        healthy = now > view.time && conf->open_ms
                  ? (now - view.time) / conf->open_ms : 0;

        level = healthy < level ? level - (unsigned) healthy : 0;

    } else if (!ticket->probe) {
        return;
    }

    ml_breaker_change(breaker, word,
                      ml_breaker_next(&view, ML_BREAKER_OPEN,
                                      level < ML_BREAKER_MAX_LEVEL
                                      ? level + 1 : level,
                                      now + ml_breaker_open_time(conf, level,
                                                                 word)));
}


void
ml_breaker_release(ml_breaker_t *breaker, uint64_t now,
    const ml_breaker_ticket_t *ticket)
{
    uint64_t           word;
    ml_breaker_view_t  view;

    if (!ticket->probe) {
        return;
    }

    word = atomic_load_explicit(&breaker->word, memory_order_acquire);
    view = ml_breaker_unpack(word);

    if (view.epoch == ticket->epoch && view.state == ML_BREAKER_HALF_OPEN) {
        /* the lease ends now: the next call is the probe */
        ml_breaker_change(breaker, word,
                          ml_breaker_next(&view, ML_BREAKER_HALF_OPEN,
                                          view.level, now));
    }
}


ml_breaker_state_e
ml_breaker_state(const ml_breaker_t *breaker)
{
    return ml_breaker_unpack(atomic_load(&breaker->word)).state;
}


const char *
ml_breaker_state_name(ml_breaker_state_e state)
{
    switch (state) {

    case ML_BREAKER_OPEN:
        return "open";

    case ML_BREAKER_HALF_OPEN:
        return "half_open";

    default:
        return "closed";
    }
}
