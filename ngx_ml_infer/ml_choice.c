/* CPU or device; see ml_choice.h. */

#include <stdatomic.h>
#include <stdlib.h>

#include "ml_choice.h"


typedef struct {
    ml_executor_t             executor;
    ml_executor_t            *cpu;
    ml_executor_t            *device;
    const ml_slots_shared_t  *shared;
} ml_choice_t;


static int
ml_choice_prefers_device(const ml_choice_t *choice, int64_t rows)
{
    int64_t   most;
    unsigned  size, preferred;

    if (choice->device->ops->state(choice->device) != ML_EXECUTOR_READY) {
        return 0;
    }

    preferred = atomic_load_explicit(&choice->shared->preferred,
                                     memory_order_relaxed);
    most = atomic_load_explicit(&choice->shared->prediction.most,
                                memory_order_relaxed);

    /* more rows than one run has are as many runs of the largest size */

    size = ml_prediction_size(most, rows < most ? rows : most);

    return (preferred >> size) & 1;
}


static ml_submit_e
ml_choice_submit(ml_executor_t *executor, ml_job_t *job)
{
    ml_submit_e   rc;
    ml_choice_t  *choice;

    choice = (ml_choice_t *) executor;

    if (ml_choice_prefers_device(choice, job->rows)) {

        job->executor = choice->device;
        rc = choice->device->ops->submit(choice->device, job);

        if (rc != ML_SUBMIT_CLOSED) {
            return rc;
        }
    }

    job->executor = choice->cpu;

    return choice->cpu->ops->submit(choice->cpu, job);
}


static ml_cancel_e
ml_choice_cancel(ml_executor_t *executor, ml_job_t *job)
{
    return job->executor->ops->cancel(job->executor, job);
}


static ml_job_t *
ml_choice_completed(ml_executor_t *executor)
{
    ml_job_t     *jobs, **last;
    ml_choice_t  *choice;

    choice = (ml_choice_t *) executor;

    jobs = choice->cpu->ops->completed(choice->cpu);

    for (last = &jobs; *last; last = &(*last)->next) {
        /* void */
    }

    *last = choice->device->ops->completed(choice->device);

    return jobs;
}


/* What a request must expect at least: it is told no more than that. */

static uint64_t
ml_choice_backlog(ml_executor_t *executor)
{
    uint64_t      cpu, device;
    ml_choice_t  *choice;

    choice = (ml_choice_t *) executor;

    cpu = choice->cpu->ops->backlog(choice->cpu);

    if (choice->device->ops->state(choice->device) != ML_EXECUTOR_READY) {
        return cpu;
    }

    device = choice->device->ops->backlog(choice->device);

    return device < cpu ? device : cpu;
}


static uint64_t
ml_choice_predict(ml_executor_t *executor, int64_t rows)
{
    ml_choice_t    *choice;
    ml_executor_t  *chosen;

    choice = (ml_choice_t *) executor;
    chosen = ml_choice_prefers_device(choice, rows) ? choice->device
                                                    : choice->cpu;

    return chosen->ops->predict(chosen, rows);
}


static ml_executor_state_e
ml_choice_state(ml_executor_t *executor)
{
    ml_choice_t  *choice;

    choice = (ml_choice_t *) executor;

    if (choice->device->ops->state(choice->device) == ML_EXECUTOR_READY) {
        return ML_EXECUTOR_READY;
    }

    return choice->cpu->ops->state(choice->cpu);
}


static int
ml_choice_close(ml_executor_t *executor, unsigned timeout_ms)
{
    int           rc;
    ml_choice_t  *choice;

    choice = (ml_choice_t *) executor;

    (void) choice->device->ops->close(choice->device, timeout_ms);
    rc = choice->cpu->ops->close(choice->cpu, timeout_ms);

    free(choice);

    return rc;
}


static const ml_executor_ops_t  ml_choice_ops = {
    "auto",
    ml_choice_submit,
    ml_choice_cancel,
    ml_choice_completed,
    ml_choice_backlog,
    ml_choice_predict,
    ml_choice_state,
    ml_choice_close
};


ml_executor_t *
ml_choice_create(ml_executor_t *cpu, ml_executor_t *device,
    const ml_slots_shared_t *shared)
{
    ml_choice_t  *choice;

    choice = calloc(1, sizeof(ml_choice_t));

    if (choice == NULL) {
        return NULL;
    }

    choice->executor.ops = &ml_choice_ops;
    choice->cpu = cpu;
    choice->device = device;
    choice->shared = shared;

    return &choice->executor;
}
