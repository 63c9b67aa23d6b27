/* Runs rows as batches; see ml_batch.h. */

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ml_batch.h"


/* Bytes of one row of each input or output. */
static int
ml_batch_row_bytes(const ml_tensor_spec_t *specs, size_t n, int batched,
    size_t **row_bytes)
{
    size_t  i;

    *row_bytes = calloc(n + 1, sizeof(size_t));

    if (*row_bytes == NULL) {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (ml_tensor_row_size(&specs[i], batched, &(*row_bytes)[i]) != 0) {
            return -1;
        }
    }

    return 0;
}


/* Room for a whole batch of each. */
static int
ml_batch_buffers(void **buffers, const size_t *row_bytes, size_t n,
    int64_t rows)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        buffers[i] = calloc((size_t) rows, row_bytes[i] ? row_bytes[i] : 1);

        if (buffers[i] == NULL) {
            return -1;
        }
    }

    return 0;
}


int
ml_batch_init(ml_batch_t *batch, const ml_model_t *model,
    const ml_backend_t *backend, ml_backend_context_t *context, int64_t rows,
    ml_prediction_t *prediction)
{
    int                      batched;
    const ml_tensor_spec_t  *inputs, *outputs;

    memset(batch, 0, sizeof(ml_batch_t));

    batch->backend = backend;
    batch->context = context;
    batch->rows = rows;
    batch->prediction = prediction;

    ml_prediction_reset(prediction, rows);

    batched = ml_model_batched(model);
    inputs = ml_model_inputs(model, &batch->ninputs);
    outputs = ml_model_outputs(model, &batch->noutputs);

    batch->inputs = calloc(batch->ninputs + 1, sizeof(void *));
    batch->outputs = calloc(batch->noutputs + 1, sizeof(void *));
    batch->run_inputs = calloc(batch->ninputs + 1, sizeof(void *));
    batch->run_outputs = calloc(batch->noutputs + 1, sizeof(void *));

    if (batch->inputs == NULL || batch->outputs == NULL
        || batch->run_inputs == NULL || batch->run_outputs == NULL
        || ml_batch_row_bytes(inputs, batch->ninputs, batched,
                              &batch->input_bytes)
           != 0
        || ml_batch_row_bytes(outputs, batch->noutputs, batched,
                              &batch->output_bytes)
           != 0)
    {
        return -1;
    }

    if (backend->buffers) {
        return 0;
    }

    if (ml_batch_buffers(batch->inputs, batch->input_bytes, batch->ninputs,
                         rows)
        != 0)
    {
        return -1;
    }

    return ml_batch_buffers(batch->outputs, batch->output_bytes,
                            batch->noutputs, rows);
}


static void
ml_batch_free_buffers(ml_batch_t *batch, void **buffers, size_t n)
{
    size_t  i;

    for (i = 0; !batch->backend->buffers && buffers && i < n; i++) {
        free(buffers[i]);
    }

    free(buffers);
}


void
ml_batch_destroy(ml_batch_t *batch)
{
    if (batch->backend == NULL) {
        return;
    }

    ml_batch_free_buffers(batch, batch->inputs, batch->ninputs);
    ml_batch_free_buffers(batch, batch->outputs, batch->noutputs);

    free(batch->input_bytes);
    free(batch->output_bytes);
    free(batch->run_inputs);
    free(batch->run_outputs);
}


/* One run in the batch's own buffers. */
static ml_backend_status_e
ml_batch_run_size(ml_batch_t *batch, int64_t size, uint64_t *wall,
    uint64_t *device_ns, char *error, size_t error_size)
{
    uint64_t              start;
    ml_backend_meter_t    meter;
    ml_backend_status_e   status;

    meter.device_ns = 0;

    start = ml_monotonic_ns();

    status = batch->backend->run(batch->context, size, batch->run_inputs,
                                 batch->run_outputs, &meter, error,
                                 error_size);

    *wall = ml_monotonic_ns() - start;
    *device_ns += meter.device_ns ? meter.device_ns : *wall;

    return status;
}


static void
ml_batch_use_buffers(ml_batch_t *batch)
{
    size_t  i;

    for (i = 0; i < batch->ninputs; i++) {
        batch->run_inputs[i] = batch->inputs[i];
    }

    for (i = 0; i < batch->noutputs; i++) {
        batch->run_outputs[i] = batch->outputs[i];
    }
}


ml_backend_status_e
ml_batch_plan(ml_batch_t *batch, unsigned measured, char *error, size_t size)
{
    size_t                i;
    uint64_t              wall, device_ns;
    unsigned              n, sizes, run;
    ml_backend_status_e   status;

    sizes = ml_prediction_sizes(batch->rows);

    for (n = 0; n < sizes; n++) {
        status = batch->backend->plan(batch->context,
                                      ml_prediction_rows(batch->rows, n),
                                      error, size);
        if (status != ML_BACKEND_OK) {
            return status;
        }
    }

    if (batch->backend->buffers) {
        batch->backend->buffers(batch->context, batch->inputs,
                                batch->outputs);
    }

    ml_batch_use_buffers(batch);

    for (i = 0; i < batch->ninputs; i++) {
        memset(batch->inputs[i], 0,
               batch->input_bytes[i] * (size_t) batch->rows);
    }

    /* the first run is cold, the second one is what requests will see */

    for (n = 0; n < sizes && n < measured; n++) {
        for (run = 0; run < 2; run++) {
            device_ns = 0;
            status = ml_batch_run_size(batch,
                                       ml_prediction_rows(batch->rows, n),
                                       &wall, &device_ns, error, size);
            if (status != ML_BACKEND_OK) {
                return status;
            }
        }

        ml_prediction_learn(batch->prediction, n, wall);
    }

    return ML_BACKEND_OK;
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
    uint64_t              wall;
    unsigned              n, direct;
    ml_backend_status_e   status;

    n = ml_prediction_size(batch->rows, rows);
    size = ml_prediction_rows(batch->rows, n);
    direct = (njobs == 1 && size == rows && !batch->backend->buffers);

    if (direct) {

        for (i = 0; i < batch->ninputs; i++) {
            batch->run_inputs[i] = (char *) jobs[0]->inputs[i]
                                   + (size_t) offset * batch->input_bytes[i];
        }

        for (i = 0; i < batch->noutputs; i++) {
            batch->run_outputs[i] = (char *) jobs[0]->outputs[i]
                                    + (size_t) offset
                                      * batch->output_bytes[i];
        }

    } else {
        ml_batch_gather(batch, jobs, njobs, offset, rows, size);
        ml_batch_use_buffers(batch);
    }

    error[0] = '\0';

    status = ml_batch_run_size(batch, size, &wall, device_ns, error,
                               ML_JOB_ERROR_SIZE);

    if (status != ML_BACKEND_OK) {
        return status;
    }

    ml_prediction_learn(batch->prediction, n, wall);

    if (!direct) {
        ml_batch_scatter(batch, jobs, njobs, offset, rows);
    }

    return status;
}
