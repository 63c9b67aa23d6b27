/* link: */

#include "ml_gcra.c"
#include "test.h"


#define SECOND  ML_GCRA_SECOND
#define NOW     (1000 * SECOND)


static void
test_limit(void)
{
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 600, 60 * SECOND, 100), 0);
    CHECK_INT(limit.interval, SECOND / 10);
    CHECK_INT(limit.burst, 100);

    /* never faster than configured */

    CHECK_INT(ml_gcra_limit(&limit, 7, 60 * SECOND, 7), 0);
    CHECK(limit.interval * 7 >= 60 * SECOND);
    CHECK((limit.interval - 1) * 7 < 60 * SECOND);

    CHECK_INT(ml_gcra_limit(&limit, 0, SECOND, 1), -1);
    CHECK_INT(ml_gcra_limit(&limit, 1, SECOND, 0), -1);
    CHECK_INT(ml_gcra_limit(&limit, SECOND + 1, SECOND, 1), -1);
    CHECK_INT(ml_gcra_limit(&limit, 1, UINT64_MAX, 1), -1);
    CHECK_INT(ml_gcra_limit(&limit, 1, 3600 * SECOND, UINT64_MAX), -1);
}


static void
test_burst_and_refill(void)
{
    unsigned         i;
    uint64_t         tat;
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 7, 60 * SECOND, 7), 0);

    /* the whole budget at once, whatever rounding did to the interval */

    tat = 0;

    for (i = 0; i < 7; i++) {
        CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW, &tat), ML_GCRA_OK);
    }

    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW, &tat), ML_GCRA_WAIT);

    /* one more after one interval, not one nanosecond earlier */

    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW + limit.interval - 1,
                              &tat), ML_GCRA_WAIT);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW + limit.interval, &tat),
              ML_GCRA_OK);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW + limit.interval, &tat),
              ML_GCRA_WAIT);
}


static void
test_weight(void)
{
    uint64_t         tat, next;
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 10, SECOND, 100), 0);

    CHECK_INT(ml_gcra_reserve(&limit, 0, 101, NOW, &next), ML_GCRA_NEVER);
    CHECK_INT(ml_gcra_reserve(&limit, 0, UINT64_MAX, NOW, &next),
              ML_GCRA_NEVER);
    CHECK_INT(ml_gcra_reserve(&limit, 0, 60, NOW, &tat), ML_GCRA_OK);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 41, NOW, &next), ML_GCRA_WAIT);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 40, NOW, &next), ML_GCRA_OK);
    CHECK_INT(next - NOW, 10 * SECOND);

    /* nothing can be taken in debt, not even nothing */

    tat = ml_gcra_charge(&limit, next, 5, NOW);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 0, NOW, &next), ML_GCRA_WAIT);
}


static void
test_debt(void)
{
    uint64_t         tat, next;
    ml_gcra_view_t   view;
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 1, SECOND, 10), 0);

    tat = ml_gcra_charge(&limit, 0, 25, NOW);
    CHECK_INT(tat, NOW + 25 * SECOND);

    ml_gcra_view(&limit, tat, 1, NOW, &view);
    CHECK_INT(view.remaining, 0);
    CHECK_INT(view.wait, 16 * SECOND);
    CHECK_INT(view.reset, 25 * SECOND);

    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW + 16 * SECOND - 1, &next),
              ML_GCRA_WAIT);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW + 16 * SECOND, &next),
              ML_GCRA_OK);

    /* debt saturates instead of wrapping into a full bucket */

    tat = ml_gcra_charge(&limit, tat, UINT64_MAX, NOW);
    CHECK(tat == ML_GCRA_END);
    tat = ml_gcra_charge(&limit, tat, 1, NOW);
    CHECK(tat == ML_GCRA_END);
    CHECK_INT(ml_gcra_reserve(&limit, tat, 1, NOW, &next), ML_GCRA_WAIT);
}


static void
test_release(void)
{
    uint64_t         a, b, tat;
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 1, SECOND, 10), 0);

    /* at once: as if it had never been */

    CHECK_INT(ml_gcra_reserve(&limit, NOW + SECOND, 4, NOW, &a), ML_GCRA_OK);
    CHECK_INT(ml_gcra_release(&limit, a, 4, a, NOW), NOW + SECOND);
    CHECK_INT(ml_gcra_release(&limit, a, 1, a, NOW), a - SECOND);

    /* later, with other requests behind it */

    CHECK_INT(ml_gcra_reserve(&limit, NOW + 6 * SECOND, 2, NOW, &a),
              ML_GCRA_OK);
    CHECK_INT(ml_gcra_reserve(&limit, a, 2, NOW, &b), ML_GCRA_OK);
    CHECK_INT(ml_gcra_release(&limit, b, 2, a, NOW + 5 * SECOND),
              NOW + 8 * SECOND);

    /* what has refilled meanwhile is not given again */

    CHECK_INT(ml_gcra_reserve(&limit, 0, 4, NOW, &a), ML_GCRA_OK);
    CHECK_INT(ml_gcra_release(&limit, a, 4, a, NOW + SECOND), NOW + SECOND);
    CHECK_INT(ml_gcra_release(&limit, a, 4, a, NOW + 9 * SECOND), a);

    CHECK_INT(ml_gcra_reserve(&limit, a, 10, NOW + 9 * SECOND, &b),
              ML_GCRA_OK);
    tat = ml_gcra_release(&limit, b, 4, a, NOW + 9 * SECOND);
    CHECK_INT(tat, b);

    /* units beyond any reservation */

    CHECK_INT(ml_gcra_release(&limit, NOW + SECOND, UINT64_MAX,
                              NOW + SECOND, NOW), NOW);
}


static void
test_view(void)
{
    uint64_t         tat;
    ml_gcra_view_t   view;
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 600, 60 * SECOND, 20), 0);

    ml_gcra_view(&limit, 0, 5, NOW, &view);
    CHECK_INT(view.remaining, 20);
    CHECK_INT(view.wait, 0);
    CHECK_INT(view.reset, 0);

    CHECK_INT(ml_gcra_reserve(&limit, 0, 17, NOW, &tat), ML_GCRA_OK);

    ml_gcra_view(&limit, tat, 5, NOW, &view);
    CHECK_INT(view.remaining, 3);
    CHECK_INT(view.wait, 2 * SECOND / 10);
    CHECK_INT(view.reset, 17 * SECOND / 10);

    ml_gcra_view(&limit, tat, 21, NOW, &view);
    CHECK(view.wait == UINT64_MAX);
}


/*
 * Random reservations, refunds and settlements: over any span that begins
 * with a refusal-free start, what was admitted and kept stays within
 * burst + rate * time.
 */

static void
test_bound(void)
{
    unsigned         i, n, seed, over;
    uint64_t         now, tat, next, first;
    uint64_t         ends[64], units[64], kept, capacity;
    ml_gcra_limit_t  limit;

    CHECK_INT(ml_gcra_limit(&limit, 100, SECOND, 50), 0);

    capacity = limit.burst * limit.interval;
    seed = 12345;
    over = 0;

    for (i = 0; i < 2000; i++) {
        now = NOW;
        first = NOW;
        tat = 0;
        n = 0;
        kept = 0;

        while (n < 64) {
            seed = seed * 1103515245 + 12345;
            now += (seed >> 16) % (SECOND / 20);
            units[n] = 1 + (seed >> 8) % 50;

            if (ml_gcra_reserve(&limit, tat, units[n], now, &next)
                != ML_GCRA_OK)
            {
                if ((seed >> 20) % 2 == 0) {
                    n++;
                    ends[n - 1] = 0;
                }

                continue;
            }

            tat = next;
            ends[n] = next;
            kept += units[n] * limit.interval;
            n++;

            /* an earlier one fails and is given back */

            seed = seed * 1103515245 + 12345;

            if ((seed >> 16) % 3 == 0) {
                unsigned  j = (seed >> 18) % n;

                if (ends[j]) {
                    tat = ml_gcra_release(&limit, tat, units[j], ends[j],
                                          now);
                    kept -= units[j] * limit.interval;
                    ends[j] = 0;
                }
            }

            if (kept > capacity + (now - first)) {
                over++;
            }
        }
    }

    CHECK_INT(over, 0);
}


int
main(void)
{
    test_limit();
    test_burst_and_refill();
    test_weight();
    test_debt();
    test_release();
    test_view();
    test_bound();

    return TEST_END;
}
