/* Bounded queue, earliest deadline first; see ml_queue.h. */

#include <stdlib.h>

#include "ml_queue.h"


static int
ml_queue_before(const ml_job_t *a, const ml_job_t *b)
{
    if (a->deadline != b->deadline) {
        return a->deadline < b->deadline;
    }

    return a->sequence < b->sequence;
}


static void
ml_queue_set(ml_queue_t *queue, size_t slot, ml_job_t *job)
{
    queue->jobs[slot] = job;
    job->slot = slot;
}


static void
ml_queue_up(ml_queue_t *queue, size_t slot, ml_job_t *job)
{
    size_t  parent;

    while (slot > 0) {
        parent = (slot - 1) / 2;

        if (!ml_queue_before(job, queue->jobs[parent])) {
            break;
        }

        ml_queue_set(queue, slot, queue->jobs[parent]);
        slot = parent;
    }

    ml_queue_set(queue, slot, job);
}


static void
ml_queue_down(ml_queue_t *queue, size_t slot, ml_job_t *job)
{
    size_t  child;

    for ( ;; ) {
        child = 2 * slot + 1;

        if (child >= queue->njobs) {
            break;
        }

        if (child + 1 < queue->njobs
            && ml_queue_before(queue->jobs[child + 1], queue->jobs[child]))
        {
            child++;
        }

        if (!ml_queue_before(queue->jobs[child], job)) {
            break;
        }

        ml_queue_set(queue, slot, queue->jobs[child]);
        slot = child;
    }

    ml_queue_set(queue, slot, job);
}


int
ml_queue_init(ml_queue_t *queue, size_t max_jobs, int64_t max_rows,
    size_t max_bytes)
{
    queue->jobs = calloc(max_jobs, sizeof(ml_job_t *));

    if (queue->jobs == NULL) {
        return -1;
    }

    queue->max_jobs = max_jobs;
    queue->max_rows = max_rows;
    queue->max_bytes = max_bytes;
    queue->sequence = 0;

    ml_queue_clear(queue);

    return 0;
}


void
ml_queue_clear(ml_queue_t *queue)
{
    queue->njobs = 0;
    queue->rows = 0;
    queue->bytes = 0;
}


void
ml_queue_destroy(ml_queue_t *queue)
{
    free(queue->jobs);
    queue->jobs = NULL;
    queue->njobs = 0;
}


int
ml_queue_push(ml_queue_t *queue, ml_job_t *job)
{
    if (queue->njobs == queue->max_jobs) {
        return -1;
    }

    if (queue->njobs > 0
        && (job->rows > queue->max_rows - queue->rows
            || queue->bytes > queue->max_bytes
            || job->bytes > queue->max_bytes - queue->bytes))
    {
        return -1;
    }

    job->sequence = queue->sequence++;
    job->place = ML_JOB_QUEUED;
    queue->rows += job->rows;
    queue->bytes += job->bytes;

    ml_queue_up(queue, queue->njobs++, job);

    return 0;
}


void
ml_queue_remove(ml_queue_t *queue, ml_job_t *job)
{
    size_t     slot;
    ml_job_t  *last;

    slot = job->slot;
    last = queue->jobs[--queue->njobs];

    queue->rows -= job->rows;
    queue->bytes -= job->bytes;
    job->place = ML_JOB_NEW;

    if (last == job) {
        return;
    }

    if (ml_queue_before(last, job)) {
        ml_queue_up(queue, slot, last);

    } else {
        ml_queue_down(queue, slot, last);
    }
}


ml_job_t *
ml_queue_first(const ml_queue_t *queue)
{
    return queue->njobs ? queue->jobs[0] : NULL;
}


ml_job_t *
ml_queue_take_expired(ml_queue_t *queue, uint64_t now)
{
    ml_job_t  *job;

    job = ml_queue_first(queue);

    if (job == NULL || job->deadline > now) {
        return NULL;
    }

    ml_queue_remove(queue, job);

    return job;
}


uint64_t
ml_queue_dispatch_time(const ml_queue_t *queue, int64_t batch,
    uint64_t delay, uint64_t run)
{
    size_t           i;
    uint64_t         waited, latest;
    const ml_job_t  *first;

    if (delay == 0 || queue->rows >= batch) {
        return 0;
    }

    first = queue->jobs[0];
    waited = first->submitted;

    /* fewer jobs than rows of a batch */

    for (i = 1; i < queue->njobs; i++) {
        if (queue->jobs[i]->submitted < waited) {
            waited = queue->jobs[i]->submitted;
        }
    }

    waited += delay;
    latest = first->deadline > run ? first->deadline - run : 0;

    return waited < latest ? waited : latest;
}


size_t
ml_queue_take_batch(ml_queue_t *queue, int64_t batch, ml_job_t **jobs,
    size_t max, int64_t *rows)
{
    size_t     n;
    ml_job_t  *job;

    n = 0;
    *rows = 0;

    while (n < max) {
        job = ml_queue_first(queue);

        if (job == NULL || (n > 0 && job->rows > batch - *rows)) {
            break;
        }

        ml_queue_remove(queue, job);

        *rows += job->rows;
        jobs[n++] = job;

        if (*rows >= batch) {
            break;
        }
    }

    return n;
}
