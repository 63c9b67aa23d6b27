/*
 * run_model MODEL ROWS INPUTS OUTPUTS [BACKEND.so]
 *
 * Runs a model on raw inputs, one after another in the order of the model's,
 * and writes raw outputs likewise: with the reference kernels, or with a
 * backend.  Exit status 3: the model was refused, why is on standard output.
 */

/* link: -ldl -lm */

#include <stdio.h>

#include "engine.h"
#include "ml_backend.c"
#include "ml_reference.c"


static size_t
spec_bytes(const ml_tensor_spec_t *spec, int64_t rows)
{
    size_t   bytes;
    int64_t  dims[ML_TENSOR_MAX_RANK];

    memcpy(dims, spec->dims, sizeof(dims));

    if (spec->rank > 0 && dims[0] == -1) {
        dims[0] = rows;
    }

    if (ml_tensor_size(spec->dtype, spec->rank, dims, &bytes) != 0) {
        abort();
    }

    return bytes;
}


static int
run_backend(const char *path, const ml_model_t *model, int64_t rows,
    const void *const *inputs, void *const *outputs)
{
    char                   error[512];
    ml_backend_meter_t     meter;
    const ml_backend_t    *backend;
    ml_backend_context_t  *context;

    /* what build.sh of a backend says when nobody tells it an identity */

    backend = ml_backend_open(path, "unknown", error, sizeof(error));

    if (backend == NULL) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }

    if (backend->probe(NULL, error, sizeof(error)) != ML_BACKEND_OK
        || backend->load(model, NULL, &context, error, sizeof(error))
           != ML_BACKEND_OK
        || backend->plan(context, rows, error, sizeof(error)) != ML_BACKEND_OK
        || backend->run(context, rows, inputs, outputs, &meter, error,
                        sizeof(error))
           != ML_BACKEND_OK)
    {
        fprintf(stderr, "%s\n", error);
        return -1;
    }

    /* a second time: the first makes caches warm */

    if (backend->run(context, rows, inputs, outputs, &meter, error,
                     sizeof(error))
        != ML_BACKEND_OK)
    {
        fprintf(stderr, "%s\n", error);
        return -1;
    }

    printf("%lu ns\n", (unsigned long) meter.device_ns);

    backend->unload(context);

    return 0;
}


int
main(int argc, char **argv)
{
    FILE                    *file;
    char                     error[512];
    void                    *inputs[ML_ONNX_MAX_PORTS];
    void                    *outputs[ML_ONNX_MAX_PORTS];
    size_t                   i, ninputs, noutputs, bytes;
    int64_t                  rows;
    ml_model_t              *model;
    const ml_tensor_spec_t  *in, *out;

    if (argc < 5) {
        fprintf(stderr, "usage: %s MODEL ROWS INPUTS OUTPUTS [BACKEND.so]\n",
                argv[0]);
        return 2;
    }

    model = ml_model_open(argv[1], error, sizeof(error));

    if (model == NULL) {
        printf("%s\n", error);
        return 3;
    }

    rows = atoll(argv[2]);
    in = ml_model_inputs(model, &ninputs);
    out = ml_model_outputs(model, &noutputs);

    file = fopen(argv[3], "rb");

    if (file == NULL) {
        perror(argv[3]);
        return 1;
    }

    for (i = 0; i < ninputs; i++) {
        bytes = spec_bytes(&in[i], rows);
        inputs[i] = malloc(bytes + 1);

        if (inputs[i] == NULL || fread(inputs[i], 1, bytes, file) != bytes) {
            fprintf(stderr, "%s is too short\n", argv[3]);
            return 1;
        }
    }

    if (fgetc(file) != EOF) {
        fprintf(stderr, "%s is too long\n", argv[3]);
        return 1;
    }

    fclose(file);

    for (i = 0; i < noutputs; i++) {
        outputs[i] = calloc(1, spec_bytes(&out[i], rows) + 1);

        if (outputs[i] == NULL) {
            return 1;
        }
    }

    if (argc == 5) {
        if (ml_reference_run(model, rows, (const void *const *) inputs,
                             outputs)
            != 0)
        {
            return 1;
        }

    } else if (run_backend(argv[5], model, rows,
                           (const void *const *) inputs, outputs)
               != 0)
    {
        return 1;
    }

    file = fopen(argv[4], "wb");

    if (file == NULL) {
        perror(argv[4]);
        return 1;
    }

    for (i = 0; i < noutputs; i++) {
        bytes = spec_bytes(&out[i], rows);

        if (fwrite(outputs[i], 1, bytes, file) != bytes) {
            perror(argv[4]);
            return 1;
        }

        free(outputs[i]);
    }

    for (i = 0; i < ninputs; i++) {
        free(inputs[i]);
    }

    ml_model_close(model);

    return fclose(file) == 0 ? 0 : 1;
}
