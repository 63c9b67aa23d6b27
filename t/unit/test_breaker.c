/* link: -lpthread */

/* The breaker: what opens it, who probes, whose results count. */

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ml_breaker.c"

#include "test.h"


static const ml_breaker_conf_t  conf = { 5, 50, 1000, 5000 };
static const uint64_t           start = 1000000000;


/* Admits and ends one call; returns what admit() said. */

static uint64_t
call(ml_breaker_t *breaker, const ml_breaker_conf_t *c, uint64_t now,
    int failed)
{
    uint64_t             ms;
    ml_breaker_ticket_t  ticket;

    ms = ml_breaker_admit(breaker, c, now, &ticket);

    if (ms == 0 && failed) {
        ml_breaker_failure(breaker, c, now, &ticket);

    } else if (ms == 0) {
        ml_breaker_success(breaker, c, now, &ticket);
    }

    return ms;
}


static void
test_consecutive(void)
{
    int           i;
    ml_breaker_t  breaker;

    memset(&breaker, 0, sizeof(breaker));

    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);
    CHECK_INT(ml_breaker_peek(&breaker, start), 0);

    for (i = 0; i < 4; i++) {
        CHECK_INT(call(&breaker, &conf, start, 1), 0);
    }

    /* one success in between starts the count again */

    CHECK_INT(call(&breaker, &conf, start, 0), 0);

    for (i = 0; i < 4; i++) {
        CHECK_INT(call(&breaker, &conf, start, 1), 0);
    }

    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);
    CHECK_INT(call(&breaker, &conf, start, 1), 0);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_OPEN);

    CHECK(ml_breaker_peek(&breaker, start) >= 800);
    CHECK(ml_breaker_peek(&breaker, start) <= 1200);
    CHECK(call(&breaker, &conf, start + 799, 0) != 0);
    CHECK_INT(ml_breaker_peek(&breaker, start + 1200), 0);
}


static void
test_rate(void)
{
    int                i;
    uint64_t           now;
    ml_breaker_t       breaker;
    ml_breaker_conf_t  rate;

    rate = conf;
    rate.failures = 0;

    /* half of 19 calls is not enough of them */

    memset(&breaker, 0, sizeof(breaker));

    for (i = 0, now = start; i < 19; i++, now += 100) {
        (void) call(&breaker, &rate, now, i % 2);
    }

    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);
    (void) call(&breaker, &rate, now, 1);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_OPEN);

    /* 40 % of many calls is below the rate */

    memset(&breaker, 0, sizeof(breaker));

    for (i = 0, now = start; i < 500; i++, now += 10) {
        (void) call(&breaker, &rate, now, i % 5 < 2);
    }

    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);

    /* old seconds are forgotten: all failures, but spread too thin */

    memset(&breaker, 0, sizeof(breaker));

    for (i = 0, now = start; i < 100; i++, now += 1000) {
        (void) call(&breaker, &rate, now, 1);
    }

    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);

    /* and the other way around: nothing looks at the rate */

    rate.failures = 1000;
    rate.rate = 0;
    memset(&breaker, 0, sizeof(breaker));

    for (i = 0; i < 500; i++) {
        (void) call(&breaker, &rate, start, 1);
    }

    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);
}


static void
open_breaker(ml_breaker_t *breaker, uint64_t now)
{
    int  i;

    for (i = 0; i < 5; i++) {
        (void) call(breaker, &conf, now, 1);
    }
}


static void
test_probe(void)
{
    ml_breaker_t         breaker;
    ml_breaker_ticket_t  before, probe, second;

    memset(&breaker, 0, sizeof(breaker));

    CHECK_INT(ml_breaker_admit(&breaker, &conf, start, &before), 0);
    open_breaker(&breaker, start);

    /* one call gets the lease, the next waits only a moment */

    CHECK_INT(ml_breaker_admit(&breaker, &conf, start + 2000, &probe), 0);
    CHECK_INT(probe.probe, 1);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_HALF_OPEN);
    CHECK_INT(ml_breaker_admit(&breaker, &conf, start + 2000, &second), 1000);

    /* results of calls from before the outage do not count */

    ml_breaker_success(&breaker, &conf, start + 2000, &before);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_HALF_OPEN);
    ml_breaker_failure(&breaker, &conf, start + 2000, &before);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_HALF_OPEN);

    /* a probe that is shed leaves the lease to the next call */

    ml_breaker_release(&breaker, start + 2000, &probe);
    CHECK_INT(ml_breaker_admit(&breaker, &conf, start + 2000, &second), 0);
    CHECK_INT(second.probe, 1);
    ml_breaker_success(&breaker, &conf, start + 2000, &probe);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_HALF_OPEN);

    /* a probe whose process died is replaced when its lease is over */

    CHECK(ml_breaker_admit(&breaker, &conf, start + 6999, &probe) != 0);
    CHECK_INT(ml_breaker_admit(&breaker, &conf, start + 7000, &probe), 0);
    ml_breaker_failure(&breaker, &conf, start + 7000, &second);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_HALF_OPEN);

    ml_breaker_success(&breaker, &conf, start + 7001, &probe);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);

    /* nothing of what was counted before the outage is left */

    CHECK_INT(call(&breaker, &conf, start + 7002, 1), 0);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);

    /* nor does a late result of before open it */

    ml_breaker_failure(&breaker, &conf, start + 7002, &before);
    ml_breaker_failure(&breaker, &conf, start + 7002, &before);
    ml_breaker_failure(&breaker, &conf, start + 7002, &before);
    ml_breaker_failure(&breaker, &conf, start + 7002, &before);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);
}


static void
test_growth(void)
{
    int           i;
    uint64_t      now, want, ms;
    ml_breaker_t  breaker;

    memset(&breaker, 0, sizeof(breaker));
    now = start;

    open_breaker(&breaker, now);

    for (i = 0, want = 1000; i < 20; i++) {
        ms = ml_breaker_peek(&breaker, now);

        CHECK(ms >= want * 4 / 5 && ms <= want * 6 / 5);
        CHECK(ms <= ML_BREAKER_MAX_OPEN_MS);

        now += ms;
        CHECK_INT(call(&breaker, &conf, now, 1), 0);
        CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_OPEN);

        want = want * 2 < 300000 ? want * 2 : 300000;
    }

    /* closes, stays so for long: the next opening is the first again */

    now += ml_breaker_peek(&breaker, now);
    CHECK_INT(call(&breaker, &conf, now, 0), 0);
    CHECK_INT(ml_breaker_state(&breaker), ML_BREAKER_CLOSED);

    open_breaker(&breaker, now + 1);
    CHECK(ml_breaker_peek(&breaker, now + 1) > 200000);

    now += 1 + ml_breaker_peek(&breaker, now + 1);
    CHECK_INT(call(&breaker, &conf, now, 0), 0);

    now += 60000;
    open_breaker(&breaker, now);
    CHECK(ml_breaker_peek(&breaker, now) <= 1200);
}


/* Four processes, one opening: exactly one of them gets the probe. */

static void
test_race(void)
{
    int                   i, n, status;
    _Atomic int          *probes, *go;
    ml_breaker_t         *breaker;
    ml_breaker_ticket_t   ticket;

    breaker = mmap(NULL, 4096, PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    probes = (_Atomic int *) ((char *) breaker + 2048);
    go = probes + 1;

    for (n = 0; n < 50; n++) {
        memset(breaker, 0, sizeof(ml_breaker_t));
        *probes = 0;
        *go = 0;
        open_breaker(breaker, start);

        for (i = 0; i < 4; i++) {
            if (fork() == 0) {
                while (*go == 0) {
                    /* void */
                }

                if (ml_breaker_admit(breaker, &conf, start + 2000, &ticket)
                    == 0)
                {
                    (*probes)++;
                }

                _exit(0);
            }
        }

        *go = 1;

        while (wait(&status) > 0) {
            /* void */
        }

        CHECK_INT(*probes, 1);
    }
}


int
main(void)
{
    test_consecutive();
    test_rate();
    test_probe();
    test_growth();
    test_race();

    CHECK_STR(ml_breaker_state_name(ML_BREAKER_HALF_OPEN), "half_open");

    return TEST_END;
}
