/*
 * "auto": each size where it is faster, and the CPU while there is nothing
 * else.
 */

#include <stdlib.h>

#include "test.h"

#include "ml_prediction.c"
#include "ml_job.c"
#include "ml_choice.c"


/* An executor that notes what it is asked. */
typedef struct {
    ml_executor_t         executor;
    ml_executor_state_e   state;
    ml_submit_e           answer;
    uint64_t              backlog;
    int                   jobs;         /* submitted */
    int                   cancels;
    int                   closed;
    ml_job_t             *done;
} fake_t;


static ml_submit_e
fake_submit(ml_executor_t *executor, ml_job_t *job)
{
    ((fake_t *) executor)->jobs++;

    return ((fake_t *) executor)->answer;
}


static ml_cancel_e
fake_cancel(ml_executor_t *executor, ml_job_t *job)
{
    ((fake_t *) executor)->cancels++;

    return ML_CANCEL_REMOVED;
}


static ml_job_t *
fake_completed(ml_executor_t *executor)
{
    ml_job_t  *done;

    done = ((fake_t *) executor)->done;
    ((fake_t *) executor)->done = NULL;

    return done;
}


static uint64_t
fake_backlog(ml_executor_t *executor)
{
    return ((fake_t *) executor)->backlog;
}


static uint64_t
fake_predict(ml_executor_t *executor, int64_t rows)
{
    return ((fake_t *) executor)->backlog + (uint64_t) rows;
}


static ml_executor_state_e
fake_state(ml_executor_t *executor)
{
    return ((fake_t *) executor)->state;
}


static int
fake_close(ml_executor_t *executor, unsigned timeout_ms)
{
    ((fake_t *) executor)->closed++;

    return 0;
}


static const ml_executor_ops_t  fake_ops = {
    "test", fake_submit, fake_cancel, fake_completed, fake_backlog,
    fake_predict, fake_state, fake_close
};


static fake_t              cpu, device;
static ml_slots_shared_t   shared;


static ml_executor_t *
begin(void)
{
    memset(&cpu, 0, sizeof(cpu));
    memset(&device, 0, sizeof(device));

    cpu.executor.ops = &fake_ops;
    cpu.backlog = 100;
    device.executor.ops = &fake_ops;
    device.backlog = 50;

    /* sizes 1, 2 and 4: the device is for 2 */

    ml_prediction_reset(&shared.prediction, 4);
    shared.preferred = 2;

    return ml_choice_create(&cpu.executor, &device.executor, &shared);
}


static void
test_submit(void)
{
    int             rows, jobs;
    ml_job_t       *job;
    ml_executor_t  *choice;

    choice = begin();
    job = ml_job_create(1, 1);

    for (rows = 1; rows < 12; rows++) {
        job->rows = rows;
        jobs = device.jobs;
        CHECK_INT(choice->ops->submit(choice, job), ML_SUBMIT_QUEUED);
        CHECK_INT(device.jobs - jobs, rows == 2);
        CHECK(job->executor == (rows == 2 ? &device.executor
                                          : &cpu.executor));
    }

    CHECK_INT(cpu.jobs, 10);

    /* more than one run has: as the largest size */

    shared.preferred = 4;
    job->rows = 9;
    CHECK_INT(choice->ops->submit(choice, job), ML_SUBMIT_QUEUED);
    CHECK_INT(device.jobs, 2);
    CHECK_INT(choice->ops->cancel(choice, job), ML_CANCEL_REMOVED);
    CHECK_INT(device.cancels, 1);
    CHECK_INT(cpu.cancels, 0);

    /* what the device does not take the CPU does, a full queue is full */

    device.answer = ML_SUBMIT_CLOSED;
    CHECK_INT(choice->ops->submit(choice, job), ML_SUBMIT_QUEUED);
    CHECK(job->executor == &cpu.executor);
    device.answer = ML_SUBMIT_FULL;
    CHECK_INT(choice->ops->submit(choice, job), ML_SUBMIT_FULL);

    ml_job_free(job);
    CHECK_INT(choice->ops->close(choice, 0), 0);
    CHECK_INT(cpu.closed + device.closed, 2);
}


static void
test_states(void)
{
    ml_job_t       *one, *two;
    ml_executor_t  *choice;

    choice = begin();

    CHECK_INT(choice->ops->predict(choice, 2), 52);
    CHECK_INT(choice->ops->predict(choice, 1), 101);
    CHECK_INT(choice->ops->backlog(choice), 50);
    cpu.backlog = 10;
    CHECK_INT(choice->ops->backlog(choice), 10);

    /* the device is no reason not to be ready */

    device.state = ML_EXECUTOR_ABSENT;
    CHECK_INT(choice->ops->state(choice), ML_EXECUTOR_READY);
    CHECK_INT(choice->ops->predict(choice, 2), 12);
    device.backlog = 1;
    CHECK_INT(choice->ops->backlog(choice), 10);
    cpu.state = ML_EXECUTOR_LOST;
    CHECK_INT(choice->ops->state(choice), ML_EXECUTOR_LOST);
    device.state = ML_EXECUTOR_READY;
    CHECK_INT(choice->ops->state(choice), ML_EXECUTOR_READY);

    /* what both have done */

    one = ml_job_create(1, 1);
    two = ml_job_create(1, 1);
    CHECK(choice->ops->completed(choice) == NULL);
    device.done = two;
    CHECK(choice->ops->completed(choice) == two);
    cpu.done = one;
    device.done = two;
    CHECK(choice->ops->completed(choice) == one && one->next == two
          && two->next == NULL);

    ml_job_free(one);
    ml_job_free(two);
    CHECK_INT(choice->ops->close(choice, 0), 0);
}


int
main(void)
{
    test_submit();
    test_states();

    return TEST_END;
}
