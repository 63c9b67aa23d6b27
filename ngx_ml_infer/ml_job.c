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


void
ml_job_free(ml_job_t *job)
{
    size_t  i;

    if (job == NULL) {
        return;
    }

    for (i = 0; job->inputs && i < job->ninputs; i++) {
        free(job->inputs[i]);
    }

    for (i = 0; job->outputs && i < job->noutputs; i++) {
        free(job->outputs[i]);
    }

    free(job->inputs);
    free(job->outputs);
    free(job);
}
