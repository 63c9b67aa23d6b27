#include "ml_gcra.h"


/* A full bucket may take this long to refill; leaves room below the end. */
#define ML_GCRA_CAPACITY_MAX  (1ULL << 60)


int
ml_gcra_limit(ml_gcra_limit_t *limit, uint64_t units, uint64_t period,
    uint64_t burst)
{
    uint64_t  interval;

    if (units == 0 || burst == 0 || units > period
        || period > ML_GCRA_CAPACITY_MAX)
    {
        return -1;
    }

    interval = period / units + (period % units != 0);

    if (burst > ML_GCRA_CAPACITY_MAX / interval) {
        return -1;
    }

    limit->interval = interval;
    limit->burst = burst;

    return 0;
}


ml_gcra_e
ml_gcra_reserve(const ml_gcra_limit_t *limit, uint64_t tat, uint64_t units,
    uint64_t now, uint64_t *next)
{
    uint64_t  cost, backlog, capacity;

    if (units > limit->burst) {
        return ML_GCRA_NEVER;
    }

    cost = units * limit->interval;
    capacity = limit->burst * limit->interval;
    backlog = (tat > now) ? tat - now : 0;

    if (backlog > capacity - cost) {
        return ML_GCRA_WAIT;
    }

    *next = now + backlog + cost;

    return ML_GCRA_OK;
}


uint64_t
ml_gcra_charge(const ml_gcra_limit_t *limit, uint64_t tat, uint64_t units,
    uint64_t now)
{
    if (tat < now) {
        tat = now;
    }

    if (tat >= ML_GCRA_END || units > (ML_GCRA_END - tat) / limit->interval) {
        return ML_GCRA_END;
    }

    return tat + units * limit->interval;
}


uint64_t
ml_gcra_release(const ml_gcra_limit_t *limit, uint64_t tat, uint64_t units,
    uint64_t end, uint64_t now)
{
    uint64_t  left;

    if (end <= now || tat <= now) {
        return tat;
    }

    left = end - now;

    if (units <= left / limit->interval) {
        left = units * limit->interval;
    }

    if (left > tat - now) {
        left = tat - now;
    }

    return tat - left;
}


void
ml_gcra_view(const ml_gcra_limit_t *limit, uint64_t tat, uint64_t units,
    uint64_t now, ml_gcra_view_t *view)
{
    uint64_t  cost, backlog, capacity;

    capacity = limit->burst * limit->interval;
    backlog = (tat > now) ? tat - now : 0;

    view->reset = backlog;
    view->remaining = (backlog < capacity)
                      ? (capacity - backlog) / limit->interval : 0;

    if (units > limit->burst) {
        view->wait = UINT64_MAX;
        return;
    }

    cost = units * limit->interval;

    view->wait = (backlog > capacity - cost)
                 ? backlog - (capacity - cost) : 0;
}
