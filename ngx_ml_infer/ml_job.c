/* A job's memory; see ml_executor.h. */

#include <stdlib.h>

#include "ml_executor.h"


ml_job_t *
ml_job_create(size_t ninputs, size_t noutputs)
{
    ml_job_t  *job;

    job = calloc(1, sizeof(ml_job_t));
    if (job == NULL) {
        return NULL;
    }

    job->ninputs = ninputs;
    job->noutputs = noutputs;

    /* one more element: calloc(0) may answer NULL */
    job->inputs = calloc(ninputs + 1, sizeof(void *));
    job->outputs = calloc(noutputs + 1, sizeof(void *));

    if (job->inputs == NULL || job->outputs == NULL) {
        ml_job_free(job);
        return NULL;
    }

    return job;
}


int
ml_job_outputs(ml_job_t *job, const size_t *row_bytes)
{
    size_t  i, bytes;

    /* of another executor, which did not take the job */

    ml_job_free_outputs(job);

    for (i = 0; i < job->noutputs; i++) {
        if (__builtin_mul_overflow(row_bytes[i], (size_t) job->rows, &bytes))
        {
            return -1;
        }

        job->outputs[i] = malloc(bytes ? bytes : 1);

        if (job->outputs[i] == NULL) {
            return -1;
        }
    }

    return 0;
}


static void
ml_job_free_buffers(void **buffers, size_t n)
{
    size_t  i;

    for (i = 0; buffers && i < n; i++) {
        free(buffers[i]);
        buffers[i] = NULL;
    }
}


void
ml_job_free_inputs(ml_job_t *job)
{
    ml_job_free_buffers(job->inputs, job->ninputs);
}


void
ml_job_free_outputs(ml_job_t *job)
{
    ml_job_free_buffers(job->outputs, job->noutputs);
}


void
ml_job_free(ml_job_t *job)
{
    if (job == NULL) {
        return;
    }

    ml_job_free_inputs(job);
    ml_job_free_outputs(job);

    free(job->inputs);
    free(job->outputs);
    free(job);
}
