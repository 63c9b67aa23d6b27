/* Runs rows as batches; see ml_batch.h. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ml_batch.h"


/* The smallest planned size that holds the rows. */
static unsigned
ml_batch_index(const ml_batch_t *batch, int64_t rows)
{
    unsigned  i;

    for (i = 0; ((int64_t) 1 << i) < rows; i++) {
        if (((int64_t) 1 << i) >= batch->rows) {
            break;
        }
    }

    return i;
}


static int64_t
ml_batch_size(const ml_batch_t *batch, unsigned i)
{
    int64_t  rows;

    rows = (int64_t) 1 << i;

    return rows < batch->rows ? rows : batch->rows;
}


/*
 * Whole batches, and the rest.  A size takes at most what a smaller one takes
 * for as many rows, which also bounds a size that never ran, or last ran at a
 * bad time and has not been needed since.
 */
uint64_t
ml_batch_predict(const ml_batch_t *batch, int64_t rows)
{
    uint64_t  total, ns, least;
    unsigned  i, known;

    total = 0;

    if (rows > batch->rows) {
        total = (uint64_t) ((rows - 1) / batch->rows)
                * ml_batch_predict(batch, batch->rows);
        rows = (rows - 1) % batch->rows + 1;
    }

    i = ml_batch_index(batch, rows);

    least = 0;

    for (known = 0; known <= i; known++) {
        ns = atomic_load_explicit(&batch->predicted[known],
                                  memory_order_relaxed)
             * (uint64_t) ml_batch_size(batch, i)
             / (uint64_t) ml_batch_size(batch, known);

        if (ns && (least == 0 || ns < least)) {
            least = ns;
        }
    }

    return total + least;
}


static void
ml_batch_learn(ml_batch_t *batch, unsigned i, uint64_t ns)
{
    uint64_t  average;

    average = atomic_load_explicit(&batch->predicted[i],
                                   memory_order_relaxed);

    average = average ? average - average / 8 + ns / 8 : ns;

    atomic_store_explicit(&batch->predicted[i], average ? average : 1,
                          memory_order_relaxed);
}


/* Sizes of one row, and room for a whole batch, of each input or output. */
static int
ml_batch_buffers(const ml_tensor_spec_t *specs, size_t n, unsigned batched,
    int64_t rows, size_t **row_bytes, void ***buffers)
{
    size_t  i, bytes;

    *row_bytes = calloc(n + 1, sizeof(size_t));
    *buffers = calloc(n + 1, sizeof(void *));

    if (*row_bytes == NULL || *buffers == NULL) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (ml_tensor_size(specs[i].dtype, specs[i].rank - batched,
                           specs[i].dims + batched, &bytes)
            != 0)
        {
            return -1;
        }

        (*row_bytes)[i] = bytes;
        (*buffers)[i] = calloc((size_t) rows, bytes ? bytes : 1);

        if ((*buffers)[i] == NULL) {
            return -1;
        }
    }

    return 0;
}


int
ml_batch_init(ml_batch_t *batch, const ml_model_t *model,
    const ml_backend_t *backend, ml_backend_context_t *context, int64_t rows)
{
    unsigned                 batched;
    const ml_tensor_spec_t  *inputs, *outputs;

    memset(batch, 0, sizeof(ml_batch_t));

    batch->backend = backend;
    batch->context = context;
    batch->rows = rows;

    batched = ml_model_batched(model) ? 1 : 0;
    inputs = ml_model_inputs(model, &batch->ninputs);
    outputs = ml_model_outputs(model, &batch->noutputs);

    batch->run_inputs = calloc(batch->ninputs + 1, sizeof(void *));
    batch->run_outputs = calloc(batch->noutputs + 1, sizeof(void *));

    if (batch->run_inputs == NULL || batch->run_outputs == NULL) {
        return -1;
    }

    if (ml_batch_buffers(inputs, batch->ninputs, batched, rows,
                         &batch->input_bytes, &batch->inputs)
        != 0)
    {
        return -1;
    }

    return ml_batch_buffers(outputs, batch->noutputs, batched, rows,
                            &batch->output_bytes, &batch->outputs);
}


static void
ml_batch_free_buffers(void **buffers, size_t n)
{
    size_t  i;

    for (i = 0; buffers && i < n; i++) {
        free(buffers[i]);
    }

    free(buffers);
}


void
ml_batch_destroy(ml_batch_t *batch)
{
    ml_batch_free_buffers(batch->inputs, batch->ninputs);
    ml_batch_free_buffers(batch->outputs, batch->noutputs);

    free(batch->input_bytes);
    free(batch->output_bytes);
    free(batch->run_inputs);
    free(batch->run_outputs);
}


int
ml_batch_plan(ml_batch_t *batch, char *error, size_t size)
{
    size_t                i;
    int64_t               rows;
    uint64_t              start;
    unsigned              n, run;
    ml_backend_meter_t    meter;
    ml_backend_status_e   status;

    for (n = 0; /* void */ ; n++) {
        rows = ml_batch_size(batch, n);

        status = batch->backend->plan(batch->context, rows, error, size);
        if (status != ML_BACKEND_OK) {
            return -1;
        }

        if (rows == batch->rows) {
            break;
        }
    }

    for (i = 0; i < batch->ninputs; i++) {
        batch->run_inputs[i] = batch->inputs[i];
    }

    for (i = 0; i < batch->noutputs; i++) {
        batch->run_outputs[i] = batch->outputs[i];
    }

    /* the first run is cold, the second one is what requests will see */

    for (run = 0; run < 2; run++) {
        start = ml_monotonic_ns();

        status = batch->backend->run(batch->context, 1, batch->run_inputs,
                                     batch->run_outputs, &meter, error,
                                     size);
        if (status != ML_BACKEND_OK) {
            return -1;
        }
    }

    ml_batch_learn(batch, 0, ml_monotonic_ns() - start);

    return 0;
}


int
ml_batch_outputs(const ml_batch_t *batch, ml_job_t *job)
{
    size_t  i, bytes;

    for (i = 0; i < batch->noutputs; i++) {
        if (__builtin_mul_overflow(batch->output_bytes[i],
                                   (size_t) job->rows, &bytes))
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


/* The jobs' rows one after the other, and zeros behind them. */
static void
ml_batch_gather(ml_batch_t *batch, ml_job_t **jobs, size_t njobs,
    int64_t offset, int64_t rows, int64_t size)
{
    char    *p;
    size_t   i, j, bytes, len;

    for (i = 0; i < batch->ninputs; i++) {
        bytes = batch->input_bytes[i];
        p = batch->inputs[i];

        for (j = 0; j < njobs; j++) {
            len = (size_t) (njobs == 1 ? rows : jobs[j]->rows) * bytes;

            memcpy(p, (char *) jobs[j]->inputs[i] + (size_t) offset * bytes,
                   len);
            p += len;
        }

        memset(p, 0, (size_t) (size - rows) * bytes);
    }
}


static void
ml_batch_scatter(ml_batch_t *batch, ml_job_t **jobs, size_t njobs,
    int64_t offset, int64_t rows)
{
    char    *p;
    size_t   i, j, bytes, len;

    for (i = 0; i < batch->noutputs; i++) {
        bytes = batch->output_bytes[i];
        p = batch->outputs[i];

        for (j = 0; j < njobs; j++) {
            len = (size_t) (njobs == 1 ? rows : jobs[j]->rows) * bytes;

            memcpy((char *) jobs[j]->outputs[i] + (size_t) offset * bytes, p,
                   len);
            p += len;
        }
    }
}


ml_backend_status_e
ml_batch_run(ml_batch_t *batch, ml_job_t **jobs, size_t njobs, int64_t offset,
    int64_t rows, uint64_t *device_ns, char *error)
{
    size_t                i;
    int64_t               size;
    uint64_t              start, wall;
    unsigned              index, direct;
    ml_backend_meter_t    meter;
    ml_backend_status_e   status;

    index = ml_batch_index(batch, rows);
    size = ml_batch_size(batch, index);
    direct = (njobs == 1 && size == rows);

    if (!direct) {
        ml_batch_gather(batch, jobs, njobs, offset, rows, size);
    }

    for (i = 0; i < batch->ninputs; i++) {
        batch->run_inputs[i] = direct
                               ? (char *) jobs[0]->inputs[i]
                                 + (size_t) offset * batch->input_bytes[i]
                               : batch->inputs[i];
    }

    for (i = 0; i < batch->noutputs; i++) {
        batch->run_outputs[i] = direct
                                ? (char *) jobs[0]->outputs[i]
                                  + (size_t) offset * batch->output_bytes[i]
                                : batch->outputs[i];
    }

    meter.device_ns = 0;
    error[0] = '\0';

    start = ml_monotonic_ns();

    status = batch->backend->run(batch->context, size, batch->run_inputs,
                                 batch->run_outputs, &meter, error,
                                 ML_JOB_ERROR_SIZE);

    wall = ml_monotonic_ns() - start;

    *device_ns += meter.device_ns ? meter.device_ns : wall;

    if (status != ML_BACKEND_OK) {
        return status;
    }

    ml_batch_learn(batch, index, wall);

    if (!direct) {
        ml_batch_scatter(batch, jobs, njobs, offset, rows);
    }

    return status;
}
