/* link: -lpthread */

/* The bounded queue: order, bounds, removal, batches, when to dispatch. */

#include <stdlib.h>

#include "ml_job.c"
#include "ml_queue.c"

#include "test.h"


#define MSEC  1000000ull


static ml_job_t *
job(int64_t rows, uint64_t deadline)
{
    ml_job_t  *job;

    job = ml_job_create(1, 1);
    job->rows = rows;
    job->deadline = deadline;

    return job;
}


static void
test_order(void)
{
    size_t       i, n;
    uint64_t     last;
    ml_job_t    *jobs[200], *first;
    ml_queue_t   queue;

    CHECK_INT(ml_queue_init(&queue, 200, 1000, 1000000), 0);
    CHECK(ml_queue_first(&queue) == NULL);

    srand(7);

    for (i = 0; i < 200; i++) {
        jobs[i] = job(1, (uint64_t) (rand() % 50));
        CHECK_INT(ml_queue_push(&queue, jobs[i]), 0);
    }

    /* a third leaves from anywhere in the heap */

    for (i = 0; i < 200; i += 3) {
        ml_queue_remove(&queue, jobs[i]);
        CHECK_INT(jobs[i]->place, ML_JOB_NEW);
        ml_job_free(jobs[i]);
        jobs[i] = NULL;
    }

    CHECK_INT(queue.rows, 133);

    /* the rest comes by deadline, and in order of arrival within one */

    last = 0;

    for (n = 0; (first = ml_queue_first(&queue)) != NULL; n++) {
        ml_queue_remove(&queue, first);
        CHECK(first->deadline * 1000 + first->sequence >= last);
        last = first->deadline * 1000 + first->sequence;
        ml_job_free(first);
    }

    CHECK_INT(n, 133);
    CHECK_INT(queue.rows, 0);

    ml_queue_destroy(&queue);
}


static void
test_bounds(void)
{
    ml_job_t    *a, *b, *c, *large;
    ml_queue_t   queue;

    a = job(3, 10);
    b = job(2, 20);
    c = job(1, 30);
    large = job(100, 5);

    /* by rows: 3 and 2 do not fit into 4, 3 and 1 do */

    CHECK_INT(ml_queue_init(&queue, 10, 4, 1000000), 0);
    CHECK_INT(ml_queue_push(&queue, a), 0);
    CHECK_INT(ml_queue_push(&queue, b), -1);
    CHECK_INT(ml_queue_push(&queue, c), 0);
    CHECK_INT(ml_queue_push(&queue, large), -1);
    ml_queue_remove(&queue, a);
    ml_queue_remove(&queue, c);

    /* more rows than fit at all: into the empty queue only, and alone */

    CHECK_INT(ml_queue_push(&queue, large), 0);
    CHECK_INT(ml_queue_push(&queue, c), -1);
    ml_queue_remove(&queue, large);
    ml_queue_destroy(&queue);

    /* by jobs */

    CHECK_INT(ml_queue_init(&queue, 2, 100, 1000000), 0);
    CHECK_INT(ml_queue_push(&queue, a), 0);
    CHECK_INT(ml_queue_push(&queue, b), 0);
    CHECK_INT(ml_queue_push(&queue, c), -1);
    ml_queue_remove(&queue, b);
    CHECK_INT(ml_queue_push(&queue, c), 0);
    ml_queue_destroy(&queue);

    /* by bytes, likewise */

    a->bytes = 60;
    b->bytes = 41;
    c->bytes = 40;
    large->bytes = 1000;

    CHECK_INT(ml_queue_init(&queue, 10, 1000, 100), 0);
    CHECK_INT(ml_queue_push(&queue, a), 0);
    CHECK_INT(ml_queue_push(&queue, b), -1);
    CHECK_INT(ml_queue_push(&queue, c), 0);
    ml_queue_remove(&queue, a);
    ml_queue_remove(&queue, c);
    CHECK_INT(ml_queue_push(&queue, large), 0);
    CHECK_INT(ml_queue_push(&queue, c), -1);
    ml_queue_remove(&queue, large);
    CHECK_INT(ml_queue_push(&queue, c), 0);
    ml_queue_destroy(&queue);

    ml_job_free(a);
    ml_job_free(b);
    ml_job_free(c);
    ml_job_free(large);
}


static void
test_batches(void)
{
    size_t       i;
    int64_t      rows;
    ml_job_t    *jobs[6], *batch[8];
    ml_queue_t   queue;

    static const int64_t  sizes[] = { 2, 1, 1, 3, 9, 1 };

    CHECK_INT(ml_queue_init(&queue, 10, 100, 1000000), 0);

    for (i = 0; i < 6; i++) {
        jobs[i] = job(sizes[i], 10 + i);
        CHECK_INT(ml_queue_push(&queue, jobs[i]), 0);
    }

    CHECK(ml_queue_take_expired(&queue, 9) == NULL);
    CHECK(ml_queue_take_expired(&queue, 10) == jobs[0]);
    CHECK(ml_queue_take_expired(&queue, 10) == NULL);
    CHECK_INT(ml_queue_push(&queue, jobs[0]), 0);

    /* 2, 1, 1 fill four rows; 3 waits; 9 goes alone although too large */

    CHECK_INT(ml_queue_take_batch(&queue, 4, batch, 4, &rows), 3);
    CHECK_INT(rows, 4);
    CHECK(batch[0] == jobs[0] && batch[1] == jobs[1] && batch[2] == jobs[2]);

    CHECK_INT(ml_queue_take_batch(&queue, 4, batch, 4, &rows), 1);
    CHECK_INT(rows, 3);

    CHECK_INT(ml_queue_take_batch(&queue, 4, batch, 4, &rows), 1);
    CHECK_INT(rows, 9);
    CHECK(batch[0] == jobs[4]);

    CHECK_INT(ml_queue_take_batch(&queue, 4, batch, 4, &rows), 1);
    CHECK_INT(ml_queue_take_batch(&queue, 4, batch, 4, &rows), 0);
    CHECK_INT(rows, 0);

    /* never more jobs than there is room for */

    for (i = 0; i < 6; i++) {
        jobs[i]->rows = 1;
        CHECK_INT(ml_queue_push(&queue, jobs[i]), 0);
    }

    CHECK_INT(ml_queue_take_batch(&queue, 100, batch, 4, &rows), 4);
    CHECK_INT(queue.rows, 2);

    ml_queue_destroy(&queue);

    for (i = 0; i < 6; i++) {
        ml_job_free(jobs[i]);
    }
}


static void
test_dispatch(void)
{
    ml_job_t    *a, *b, *c;
    ml_queue_t   queue;

    CHECK_INT(ml_queue_init(&queue, 10, 100, 1000000), 0);

    a = job(1, 1000 * MSEC);
    a->submitted = 100 * MSEC;
    CHECK_INT(ml_queue_push(&queue, a), 0);

    /* no delay: now */
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 0, 0), 0);

    /* a delay: when the first has waited it out */
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 5 * MSEC, 0), 105 * MSEC);

    /* or must start for its deadline; or has missed it */
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 950 * MSEC, 40 * MSEC),
              960 * MSEC);
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 950 * MSEC, 2000 * MSEC), 0);

    /* a full batch: now */
    b = job(3, 2000 * MSEC);
    CHECK_INT(ml_queue_push(&queue, b), 0);
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 5 * MSEC, 0), 0);
    CHECK(ml_queue_dispatch_time(&queue, 5, 5 * MSEC, 0) != 0);
    ml_queue_remove(&queue, b);

    /* the one that waits longest need not be the first */
    c = job(1, 2000 * MSEC);
    c->submitted = 90 * MSEC;
    CHECK_INT(ml_queue_push(&queue, c), 0);
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 5 * MSEC, 0), 95 * MSEC);
    CHECK_INT(ml_queue_dispatch_time(&queue, 4, 950 * MSEC, 40 * MSEC),
              960 * MSEC);

    ml_queue_destroy(&queue);
    ml_job_free(a);
    ml_job_free(b);
    ml_job_free(c);
}


int
main(void)
{
    test_order();
    test_bounds();
    test_batches();
    test_dispatch();

    return TEST_END;
}
