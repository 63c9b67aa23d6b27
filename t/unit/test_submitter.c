/*
 * The submitter, with this test in the place of the owner: what becomes of a
 * job of several slots, of one that finds no room, and of one that is given
 * up.
 */

/* link: -lpthread */

#include <stdlib.h>
#include <sys/mman.h>

#include "test.h"

#include "ml_siphash.c"
#include "ml_process.c"
#include "ml_prediction.c"
#include "ml_job.c"
#include "ml_slots.c"
#include "ml_slots_owner.c"
#include "ml_submitter.c"


#define SLOTS  5
#define ROWS   2

#define LATER  (ml_monotonic_ns() + (uint64_t) 60 * 1000000000)


static size_t            input_bytes[1] = { 8 };
static size_t            output_bytes[2] = { 8, 4 };
static ml_slots_shape_t  shape = {
    SLOTS, ROWS, 1, 2, input_bytes, output_bytes
};

static char           *table;
static ml_slots_t      slots;
static ml_executor_t  *executor;


static void
kick(void *data, unsigned entry)
{
}


static int
never(void *data)
{
    return 0;
}


static void
begin(void)
{
    char  error[128];

    static const uint8_t  key[16] = { 1 };

    table = mmap(NULL, ml_slots_size(&shape), PROT_READ|PROT_WRITE,
                 MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (table == MAP_FAILED || ml_slots_init(table, &shape, key) != 0
        || ml_slots_open(&slots, table, &shape) != 0)
    {
        abort();
    }

    executor = ml_submitter_create(&slots, error, sizeof(error));

    if (executor == NULL || ml_slots_own(&slots, never, kick, NULL) != 0) {
        abort();
    }

    slots.shared->state = ML_DEVICE_READY;
}


static void
end(void)
{
    ml_slots_disown(&slots);
    (void) executor->ops->close(executor, 0);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    ml_slots_close(&slots);
    (void) munmap(table, ml_slots_size(&shape));
}


/* Rows of bytes that count from "first" on. */

static ml_job_t *
job(int64_t rows, int first)
{
    int64_t    i;
    ml_job_t  *j;

    j = ml_job_create(1, 2);

    if (j == NULL) {
        abort();
    }

    j->rows = rows;
    j->deadline = LATER;
    j->inputs[0] = malloc((size_t) rows * 8);

    for (i = 0; i < rows; i++) {
        memset((char *) j->inputs[0] + i * 8, first + (int) i, 8);
    }

    return j;
}


static int
starts(uint32_t slot)
{
    return ml_slots_start(&slots, slot, ml_slots_load(&slots, slot)) > 0;
}


/* The owner's part: each row's input, and how many rows its run had. */

static void
run(uint32_t slot, ml_slot_status_e status)
{
    uint32_t    i, rows;
    ml_slot_t  *s;

    CHECK(starts(slot));

    s = &slots.slots[slot];
    rows = ml_slots_rows_of(&slots, slot);

    for (i = 0; i < rows; i++) {
        memcpy((char *) ml_slots_output(&slots, slot, 0) + i * 8,
               (char *) ml_slots_input(&slots, slot, 0) + i * 8, 8);
        memset((char *) ml_slots_output(&slots, slot, 1) + i * 4,
               (int) slot + 100, 4);
    }

    s->status = status;
    s->started = 1000 + slot;
    s->finished = 2000 + slot;
    s->device_ns = 10;
    s->batch = 7 + slot;
    s->batch_rows = rows;
    memset(s->error, 'e', sizeof(s->error));

    (void) ml_slots_finish(&slots, slot);
}


static void
test_rows(void)
{
    int        i;
    ml_job_t  *j, *other;

    begin();

    /* five rows, two in a slot, beside another job */

    j = job(5, 10);
    other = job(1, 50);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, other), ML_SUBMIT_QUEUED);
    CHECK(j->inputs[0] == NULL);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_QUEUED), 4);
    CHECK_INT(slots.slots[2].rows, 1);

    CHECK(executor->ops->completed(executor) == NULL);
    run(2, ML_SLOT_OK);
    run(3, ML_SLOT_OK);
    CHECK(executor->ops->completed(executor) == other);
    CHECK(other->next == NULL);
    CHECK_INT(other->status, ML_JOB_OK);
    CHECK_INT(((char *) other->outputs[0])[7], 50);
    run(1, ML_SLOT_OK);
    run(0, ML_SLOT_OK);
    CHECK(executor->ops->completed(executor) == j);

    for (i = 0; i < 5; i++) {
        CHECK_INT(((char *) j->outputs[0])[i * 8 + 7], 10 + i);
        CHECK_INT(((char *) j->outputs[1])[i * 4 + 3], 100 + i / 2);
    }

    CHECK_INT(j->started, 1000);
    CHECK_INT(j->finished, 2002);
    CHECK_INT(j->device_ns, 30);
    CHECK_INT(j->batch, 9);
    CHECK_INT(j->batch_rows, 2);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);

    ml_job_free(j);
    ml_job_free(other);

    /* all slots, and one more: all or none */

    j = job(SLOTS * ROWS, 1);
    other = job(1, 2);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, other), ML_SUBMIT_FULL);
    CHECK(other->inputs[0] != NULL);
    CHECK_INT(executor->ops->cancel(executor, j), ML_CANCEL_REMOVED);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    CHECK_INT(executor->ops->submit(executor, other), ML_SUBMIT_QUEUED);
    ml_job_free(j);

    j = job(SLOTS * ROWS - 1, 1);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_FULL);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS - 1);
    ml_job_free(j);

    end();
}


static void
test_failures(void)
{
    ml_job_t  *j;

    begin();

    /* one slot of two failed; then poison; then the like of poison */

    j = job(4, 1);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    run(0, ML_SLOT_FAILED);
    run(1, ML_SLOT_OK);
    CHECK(executor->ops->completed(executor) == j);
    CHECK_INT(j->status, ML_JOB_FAILED);
    CHECK(j->outputs[0] == NULL && j->outputs[1] == NULL);
    CHECK_INT(strlen(j->error), ML_JOB_ERROR_SIZE - 1);
    ml_job_free(j);

    j = job(1, 5);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    ml_slots_quarantine(&slots, 0, ml_monotonic_ns());
    run(0, ML_SLOT_POISON);
    CHECK(executor->ops->completed(executor) == j);
    CHECK_INT(j->status, ML_JOB_POISON);
    ml_job_free(j);

    j = job(1, 5);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUARANTINED);
    CHECK(j->quarantine_ns > 0);
    CHECK_INT(ml_slots_count(&slots, ML_SLOT_FREE), SLOTS);
    ml_job_free(j);

    /* a device that is not there, or is silent */

    j = job(1, 6);
    slots.shared->state = ML_DEVICE_FAILED;
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_LOST);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_CLOSED);
    slots.shared->state = ML_DEVICE_ABSENT;
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_ABSENT);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_CLOSED);
    slots.shared->state = ML_DEVICE_STARTING;
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_STARTING);
    slots.shared->state = ML_DEVICE_READY;
    slots.shared->heartbeat = ml_monotonic_ns() - ML_SUBMITTER_SILENT_NS
                              - 1000000000;
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_LOST);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_CLOSED);
    slots.shared->heartbeat = ml_monotonic_ns();
    CHECK_INT(executor->ops->state(executor), ML_EXECUTOR_READY);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->cancel(executor, j), ML_CANCEL_REMOVED);
    ml_job_free(j);

    end();
}


static void
test_cancel(void)
{
    ml_job_t  *first, *j, *last;

    begin();

    first = job(1, 1);
    j = job(6, 2);
    last = job(1, 9);
    CHECK_INT(executor->ops->submit(executor, first), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    CHECK_INT(executor->ops->submit(executor, last), ML_SUBMIT_QUEUED);

    /* one of its slots is done, one runs, one waits */

    run(1, ML_SLOT_OK);
    CHECK(starts(2));
    slots.shared->batches = 5;
    CHECK_INT(executor->ops->cancel(executor, j), ML_CANCEL_ABANDONED);
    CHECK_INT(j->batch, 5);
    CHECK_INT(ml_slots_state(&slots, 1), ML_SLOT_FREE);
    CHECK_INT(ml_slots_state(&slots, 2), ML_SLOT_ABANDONED);
    CHECK_INT(ml_slots_state(&slots, 3), ML_SLOT_FREE);
    ml_job_free(j);

    /* its slots serve another job, which gets nothing of the first */

    j = job(3, 30);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    CHECK_INT(ml_slots_finish(&slots, 2), -1);
    run(1, ML_SLOT_OK);
    CHECK(executor->ops->completed(executor) == NULL);
    run(3, ML_SLOT_OK);
    run(0, ML_SLOT_OK);
    CHECK_INT(executor->ops->cancel(executor, j), ML_CANCEL_FINISHED);
    CHECK(executor->ops->completed(executor) == first);
    CHECK(first->next == j && j->next == NULL);
    CHECK_INT(((char *) j->outputs[0])[2 * 8], 32);
    ml_job_free(first);
    ml_job_free(j);

    /* the list goes on behind the one that was taken out */

    first = job(1, 4);
    CHECK_INT(executor->ops->submit(executor, first), ML_SUBMIT_QUEUED);
    run(4, ML_SLOT_OK);
    run(0, ML_SLOT_OK);
    CHECK(executor->ops->completed(executor) == last);
    CHECK(last->next == first);
    ml_job_free(first);
    ml_job_free(last);

    end();
}


static void
test_watch(void)
{
    int        i;
    int32_t    stuck;
    ml_job_t  *j;

    begin();

    CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 0);

    j = job(1, 1);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);

    /* it beats */

    for (i = 0; i < 12; i++) {
        slots.shared->heartbeat++;
        CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 1);
        CHECK_INT(stuck, 0);
    }

    /* it does not, for five ticks of a second */

    for (i = 0; i < 4; i++) {
        CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 1);
        CHECK_INT(stuck, 0);
    }

    CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 1);
    CHECK_INT(stuck, getpid());

    /* and again only after as long */

    for (i = 0; i < 4; i++) {
        CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 1);
        CHECK_INT(stuck, 0);
    }

    /* another one becomes the owner: the silence was not its */

    ml_slots_disown(&slots);
    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 1);
    CHECK_INT(stuck, 0);

    /* and nobody is stuck where nobody owns */

    ml_slots_disown(&slots);

    for (i = 0; i < 12; i++) {
        CHECK_INT(ml_submitter_watch(executor, 1000000000, &stuck), 1);
        CHECK_INT(stuck, 0);
    }

    CHECK_INT(ml_slots_own(&slots, never, kick, NULL), 0);
    CHECK_INT(executor->ops->cancel(executor, j), ML_CANCEL_REMOVED);
    ml_job_free(j);
    end();
}


static void
test_predictions(void)
{
    ml_job_t  *j;

    begin();

    CHECK_INT(executor->ops->predict(executor, 1), 0);
    ml_prediction_reset(&slots.shared->prediction, 4);
    ml_prediction_learn(&slots.shared->prediction, 0, 1000);
    CHECK(executor->ops->predict(executor, 1) > 0);
    CHECK_INT(executor->ops->backlog(executor), 0);

    j = job(3, 1);
    CHECK_INT(executor->ops->submit(executor, j), ML_SUBMIT_QUEUED);
    CHECK(executor->ops->backlog(executor) > 0);
    CHECK_INT(executor->ops->cancel(executor, j), ML_CANCEL_REMOVED);
    CHECK_INT(executor->ops->backlog(executor), 0);
    slots.shared->running = 1;
    CHECK(executor->ops->backlog(executor) > 0);
    ml_job_free(j);

    end();
}


int
main(void)
{
    test_rows();
    test_failures();
    test_cancel();
    test_watch();
    test_predictions();

    return TEST_END;
}
