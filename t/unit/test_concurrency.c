/* link: */

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ml_concurrency.c"
#include "test.h"


#define PROCESSES  8
#define SIZE       (PROCESSES * 64 * 1024)


static void *
region(size_t size)
{
    void  *p;

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS, -1,
             0);
    if (p == MAP_FAILED) {
        exit(2);
    }

    return p;
}


static uintptr_t
every(void)
{
    return PROCESSES;
}


static uintptr_t
only(void)
{
    return 1;
}


static void
test_counts(void)
{
    unsigned          i;
    void             *p;
    ml_concurrency_t  c;

    const uint64_t  a[2] = { 1, 0x1234567890abcdefULL };
    const uint64_t  b[2] = { 1, 0x1234567890aacdefULL };

    p = region(SIZE);

    CHECK_INT(ml_concurrency_init(&c, p, SIZE, PROCESSES), 0);
    CHECK_INT(ml_concurrency_init(&c, p, PROCESSES * 127, PROCESSES), -1);
    CHECK_INT(ml_concurrency_init(&c, p, SIZE, PROCESSES), 0);

    CHECK_INT(ml_concurrency_count(&c, PROCESSES, a), 0);

    for (i = 0; i < 3; i++) {
        CHECK_INT(ml_concurrency_take(&c, i, every, a, 3),
                  ML_CONCURRENCY_OK);
    }

    /* no process gets a fourth, and the refused ones leave nothing behind */

    for (i = 0; i < PROCESSES; i++) {
        CHECK_INT(ml_concurrency_take(&c, i, every, a, 3),
                  ML_CONCURRENCY_OVER);
    }

    CHECK_INT(ml_concurrency_count(&c, PROCESSES, a), 3);

    /* another client in the same set is another client */

    CHECK_INT(ml_concurrency_take(&c, 0, every, b, 1), ML_CONCURRENCY_OK);
    CHECK_INT(ml_concurrency_count(&c, PROCESSES, b), 1);
    CHECK_INT(ml_concurrency_count(&c, PROCESSES, a), 3);

    ml_concurrency_release(&c, 1, a);
    CHECK_INT(ml_concurrency_take(&c, 7, every, a, 3), ML_CONCURRENCY_OK);

    /* a dead process takes its counts along, and only its own */

    ml_concurrency_reap(&c, 0);
    CHECK_INT(ml_concurrency_count(&c, PROCESSES, a), 2);
    CHECK_INT(ml_concurrency_count(&c, PROCESSES, b), 0);

    ml_concurrency_release(&c, 2, a);
    ml_concurrency_release(&c, 7, a);
    CHECK_INT(ml_concurrency_total(&c, PROCESSES), 0);

    /* releasing what was reaped is harmless */

    ml_concurrency_release(&c, 0, a);
    CHECK_INT(ml_concurrency_total(&c, PROCESSES), 0);

    (void) munmap(p, SIZE);
}


static void
test_full(void)
{
    unsigned          i;
    uint64_t          hash[2];
    void             *p;
    ml_concurrency_t  c;

    p = region(SIZE);
    CHECK_INT(ml_concurrency_init(&c, p, SIZE, PROCESSES), 0);

    hash[0] = 5;

    for (i = 0; i < ML_CONCURRENCY_WAYS; i++) {
        hash[1] = (uint64_t) (i + 1) << 16;
        CHECK_INT(ml_concurrency_take(&c, 0, every, hash, 1),
                  ML_CONCURRENCY_OK);
    }

    hash[1] = 99ULL << 16;
    CHECK_INT(ml_concurrency_take(&c, 0, every, hash, 1),
              ML_CONCURRENCY_FULL);

    /* a released word serves the next client */

    hash[1] = 3ULL << 16;
    ml_concurrency_release(&c, 0, hash);
    hash[1] = 99ULL << 16;
    CHECK_INT(ml_concurrency_take(&c, 0, every, hash, 1),
              ML_CONCURRENCY_OK);

    (void) munmap(p, SIZE);
}


static void
test_count_is_bounded(void)
{
    unsigned          i;
    void             *p;
    ml_concurrency_t  c;

    const uint64_t  a[2] = { 1, 0x10000 };

    p = region(SIZE);
    CHECK_INT(ml_concurrency_init(&c, p, SIZE, PROCESSES), 0);

    for (i = 0; i < ML_CONCURRENCY_MAX; i++) {
        if (ml_concurrency_take(&c, 0, only, a, UINT64_MAX)
            != ML_CONCURRENCY_OK)
        {
            break;
        }
    }

    CHECK_INT(i, ML_CONCURRENCY_MAX);
    CHECK_INT(ml_concurrency_take(&c, 0, only, a, UINT64_MAX),
              ML_CONCURRENCY_OVER);
    CHECK_INT(ml_concurrency_count(&c, 1, a), ML_CONCURRENCY_MAX);

    (void) munmap(p, SIZE);
}


static ml_concurrency_t  newcomer_ledgers;
static ml_concurrency_e  newcomer;

static const uint64_t  newcomer_hash[2] = { 3, 0x30000 };


/* Entry 1 is claimed, and takes, just after the bound was read. */

static uintptr_t
claimed_meanwhile(void)
{
    newcomer = ml_concurrency_take(&newcomer_ledgers, 1, every,
                                   newcomer_hash, 1);

    return 1;
}


static void
test_newcomer(void)
{
    void              *p;
    ml_concurrency_e   rc;

    p = region(SIZE);
    CHECK_INT(ml_concurrency_init(&newcomer_ledgers, p, SIZE, PROCESSES), 0);

    rc = ml_concurrency_take(&newcomer_ledgers, 0, claimed_meanwhile,
                             newcomer_hash, 1);

    CHECK_INT(rc, ML_CONCURRENCY_OK);
    CHECK_INT(newcomer, ML_CONCURRENCY_OVER);
    CHECK_INT(ml_concurrency_total(&newcomer_ledgers, PROCESSES), 1);

    (void) munmap(p, SIZE);
}


/* Processes that take and release: never more than the limit hold one. */

static void
test_race(void)
{
    int                       i, n, status;
    pid_t                     pid;
    uint64_t                  running;
    ml_concurrency_t          c;

    struct shared {
        _Atomic uint64_t      running;
        _Atomic uint64_t      over;
        _Atomic uint64_t      admitted;
    } *shared;

    const uint64_t  a[2] = { 77, 0x770000 };

    CHECK_INT(ml_concurrency_init(&c, region(SIZE), SIZE, PROCESSES), 0);
    shared = region(4096);

    for (i = 0; i < PROCESSES; i++) {
        pid = fork();

        if (pid == 0) {
            for (n = 0; n < 20000; n++) {
                if (ml_concurrency_take(&c, i, every, a, 2)
                    != ML_CONCURRENCY_OK)
                {
                    continue;
                }

                running = ++shared->running;
                shared->admitted++;

                if (running > 2) {
                    shared->over++;
                }

                if (n % 64 == 0) {
                    usleep(1);
                }

                shared->running--;
                ml_concurrency_release(&c, i, a);
            }

            _exit(0);
        }

        CHECK(pid > 0);
    }

    while (wait(&status) > 0) {
        CHECK_INT(status, 0);
    }

    CHECK(shared->admitted > 0);
    CHECK_INT(shared->over, 0);
    CHECK_INT(ml_concurrency_total(&c, PROCESSES), 0);
}


int
main(void)
{
    test_counts();
    test_full();
    test_count_is_bounded();
    test_newcomer();
    test_race();

    return TEST_END;
}
