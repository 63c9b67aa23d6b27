/*
 * gpu_check BACKEND.so BUILD [ARGUMENT] [--quick] [--operators|--times]
 *     MODEL.onnx...
 *
 * Checks a backend without nginx: every operator and element type and the
 * models named, against the reference kernels, on random inputs and on NaN,
 * infinities and the like; each size of a batch; memory that stays flat over
 * loads; a device without memory.  Then times it.  See bench/gpu_check.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine.h"
#include "operator_models.h"
#include "ml_reference.h"

#include "gpu_check.h"


#define ROWS  5

/* memory that a library may keep the first time it is used */
#define SLACK  ((size_t) 8 << 20)


int
gpu_check(gpu_check_t *check, int ok, const char *format, ...)
{
    va_list  args;

    if (ok) {
        check->passed++;
        return 1;
    }

    check->failed++;

    va_start(args, format);
    printf("failed: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    fflush(stdout);

    return 0;
}


void
gpu_skip(gpu_check_t *check, const char *why)
{
    check->skipped++;
    printf("skipped: %s\n", why);
}


static size_t
bytes_of(const ml_tensor_spec_t *spec, int64_t rows)
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


static void **
allocate(const ml_tensor_spec_t *specs, size_t n, int64_t rows)
{
    void    **data;
    size_t    i;

    data = calloc(n + 1, sizeof(void *));

    for (i = 0; data && i < n; i++) {
        data[i] = calloc(1, bytes_of(&specs[i], rows) + 1);

        if (data[i] == NULL) {
            abort();
        }
    }

    if (data == NULL) {
        abort();
    }

    return data;
}


static void
release(void **data)
{
    size_t  i;

    for (i = 0; data[i]; i++) {
        free(data[i]);
    }

    free(data);
}


/* Runs that many rows on both and compares. */

static void
compare(gpu_check_t *check, const char *name, const ml_model_t *model,
    ml_backend_context_t *context, int64_t rows, int special, int own)
{
    char                      error[256];
    void                    **inputs, **outputs, **wanted;
    void                    **buffers;
    size_t                    i, n, ninputs, noutputs, differ;
    double                    worst;
    ml_backend_meter_t        meter;
    const ml_tensor_spec_t   *in, *out;

    in = ml_model_inputs(model, &ninputs);
    out = ml_model_outputs(model, &noutputs);

    inputs = allocate(in, ninputs, rows);
    outputs = allocate(out, noutputs, rows);
    wanted = allocate(out, noutputs, rows);
    buffers = calloc(ninputs + noutputs + 1, sizeof(void *));

    for (i = 0; i < ninputs; i++) {
        operator_fill(in[i].dtype, inputs[i],
                      bytes_of(&in[i], rows) / ml_dtype_size(in[i].dtype),
                      special);
    }

    if (ml_reference_run(model, rows, (const void *const *) inputs, wanted)
        != 0)
    {
        abort();
    }

    if (own) {
        check->backend->buffers(context, buffers, buffers + ninputs);

        for (i = 0; i < ninputs; i++) {
            memcpy(buffers[i], inputs[i], bytes_of(&in[i], rows));
        }

    } else {
        memcpy(buffers, inputs, ninputs * sizeof(void *));
        memcpy(buffers + ninputs, outputs, noutputs * sizeof(void *));
    }

    error[0] = '\0';

    if (gpu_check(check,
                  check->backend->run(context, rows,
                                      (const void *const *) buffers,
                                      buffers + ninputs, &meter, error,
                                      sizeof(error))
                  == ML_BACKEND_OK, "%s, %ld rows: %s", name, (long) rows,
                  error))
    {
        for (i = 0; i < noutputs; i++) {
            n = bytes_of(&out[i], rows) / ml_dtype_size(out[i].dtype);
            worst = 0;
            differ = operator_differ(out[i].dtype, buffers[ninputs + i],
                                     wanted[i], n, &worst);
            gpu_check(check, differ == 0, "%s%s, %ld rows: %zu of %zu values "
                      "of output %zu differ, by up to %g", name,
                      special ? " with NaN" : "", (long) rows, differ, n, i,
                      worst);
        }
    }

    free(buffers);
    release(inputs);
    release(outputs);
    release(wanted);
}


/* Every operator: each on a context of its own. */

static void
operator_each(void *data, const char *name, const ml_model_t *model,
    const char *why)
{
    char                   error[256];
    int64_t                rows;
    gpu_check_t           *check;
    ml_backend_context_t  *context;

    check = data;

    if (!gpu_check(check, model != NULL, "%s: %s", name, why)) {
        return;
    }

    rows = ml_model_batched(model) ? ROWS : 1;
    error[0] = '\0';

    if (!gpu_check(check,
                   check->backend->load(model, check->argument, &context,
                                        error, sizeof(error))
                   == ML_BACKEND_OK, "%s: load: %s", name, error))
    {
        return;
    }

    if (gpu_check(check, check->backend->plan(context, rows, error,
                                              sizeof(error))
                         == ML_BACKEND_OK, "%s: plan: %s", name, error))
    {
        compare(check, name, model, context, rows, 0, 0);
        compare(check, name, model, context, rows, 1, 0);
    }

    check->backend->unload(context);
}


/* Files, and layers with all sizes in an order that goes up and down. */

static void
sizes(gpu_check_t *check, const char *name, const ml_model_t *model)
{
    char                   error[256];
    size_t                 i;
    ml_backend_meter_t     meter;
    ml_backend_context_t  *context;

    static const int64_t  order[] = { 16, 1, 8, 2, 4, 1, 16 };

    if (!ml_model_batched(model)) {
        operator_each(check, name, model, "");
        return;
    }

    context = gpu_load(check, model, 16);

    if (context == NULL) {
        return;
    }

    for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        compare(check, name, model, context, order[i], 0, 0);
        compare(check, name, model, context, order[i], 1, 0);

        if (check->backend->buffers) {
            compare(check, name, model, context, order[i], 0, 1);
        }
    }

    gpu_check(check, check->backend->run(context, 3, NULL, NULL, &meter,
                                         error, sizeof(error))
                     == ML_BACKEND_ERROR, "%s: 3 rows ran unplanned", name);
    gpu_check(check, check->backend->plan(context, 0, error, sizeof(error))
                     == ML_BACKEND_ERROR, "%s: 0 rows were planned", name);

    check->backend->unload(context);
}


ml_backend_context_t *
gpu_load(gpu_check_t *check, const ml_model_t *model, int64_t rows)
{
    char                   error[256];
    int64_t                n;
    ml_backend_context_t  *context;

    error[0] = '\0';

    if (!gpu_check(check,
                   check->backend->load(model, check->argument, &context,
                                        error, sizeof(error))
                   == ML_BACKEND_OK, "load: %s", error))
    {
        return NULL;
    }

    for (n = 1; n <= rows; n *= 2) {
        if (!gpu_check(check, check->backend->plan(context, n, error,
                                                   sizeof(error))
                              == ML_BACKEND_OK, "plan %ld: %s", (long) n,
                       error))
        {
            check->backend->unload(context);
            return NULL;
        }
    }

    return context;
}


static ml_model_t *
opened(writer_t *graph)
{
    char         why[512];
    writer_t     w = { NULL, 0, 0 };
    ml_model_t  *model;

    writer_model(&w, graph, 13);
    model = ml_model_read(w.data, w.len, why, sizeof(why));

    if (model == NULL) {
        fprintf(stderr, "%s\n", why);
        abort();
    }

    writer_free(&w);

    return model;
}


ml_model_t *
gpu_layers(const int64_t *dims, size_t nlayers)
{
    char      node[3][96];
    float    *weights;
    size_t    i, j, n;
    writer_t  g = { NULL, 0, 0 };

    writer_rows(&g, 11, "x", dims[0]);
    writer_rows(&g, 12, "y", dims[nlayers]);

    for (i = 0; i < nlayers; i++) {
        n = (size_t) (dims[i] * dims[i + 1]);
        weights = calloc(n + 1, sizeof(float));

        if (weights == NULL) {
            abort();
        }

        for (j = 0; j < n; j++) {
            weights[j] = (float) (operator_real() / sqrt((double) dims[i]));
        }

        (void) snprintf(node[0], 96, "w%zu", i);
        writer_floats(&g, node[0], dims[i], dims[i + 1], weights);
        (void) snprintf(node[0], 96, "b%zu", i);
        writer_floats(&g, node[0], 1, dims[i + 1], weights);
        free(weights);

        (void) snprintf(node[0], 96, i ? "r%zu" : "x", i - 1);
        (void) snprintf(node[1], 96, "%.20s,w%zu,b%zu", node[0], i,
                        i);
        (void) snprintf(node[2], 96, i + 1 < nlayers ? "s%zu" : "y", i);
        writer_node(&g, "Gemm", node[1], node[2], NULL);

        if (i + 1 < nlayers) {
            (void) snprintf(node[0], 96, "r%zu", i);
            writer_node(&g, "Relu", node[2], node[0], NULL);
        }
    }

    return opened(&g);
}


ml_model_t *
gpu_rows(int64_t columns, const char *operator)
{
    writer_t  g = { NULL, 0, 0 };

    writer_rows(&g, 11, "x", columns);
    writer_rows(&g, 12, "y", columns);
    writer_node(&g, operator, "x", "y", NULL);

    return opened(&g);
}


static size_t
resident(void)
{
    FILE           *f;
    unsigned long   pages;

    pages = 0;
    f = fopen("/proc/self/statm", "r");

    if (f) {
        if (fscanf(f, "%*u %lu", &pages) != 1) {
            pages = 0;
        }

        fclose(f);
    }

    return pages * (size_t) sysconf(_SC_PAGESIZE);
}


/* Load, plan, run and unload: memory of both kinds stays flat. */

static void
loads(gpu_check_t *check, int device)
{
    int                    i, n;
    size_t                 host, memory, now;
    ml_model_t            *model;
    ml_backend_context_t  *context;

    static const int64_t  dims[] = { 256, 512, 512, 10 };

    n = check->quick ? 15 : 100;
    host = memory = 0;
    model = gpu_layers(dims, 3);

    for (i = 0; i < n; i++) {

        context = gpu_load(check, model, 16);

        if (context == NULL) {
            break;
        }

        compare(check, "layers", model, context, 16, 0, 0);
        check->backend->unload(context);

        if (i == n / 4) {
            host = resident();
            memory = device ? gpu_memory_free() : 0;
        }
    }

    now = resident();
    gpu_check(check, now < host + SLACK, "%d loads took %zu bytes", n,
              now - host);

    if (device) {
        now = gpu_memory_free();
        gpu_check(check, now + SLACK > memory, "%d loads took %zu bytes of "
                  "the device", n, memory - now);
    }

    ml_model_close(model);
}


/* A device that is full, and then no longer. */

static void
full(gpu_check_t *check)
{
    char                   error[256];
    ml_model_t            *model;
    ml_backend_status_e    rc;
    ml_backend_context_t  *context;

    static const int64_t  dims[] = { 4096, 8192, 4096 };

    model = gpu_layers(dims, 2);

    gpu_check(check, gpu_memory_take((size_t) 64 << 20), "cannot be filled");
    error[0] = '\0';
    context = NULL;

    rc = check->backend->load(model, check->argument, &context, error,
                              sizeof(error));
    gpu_check(check, rc == ML_BACKEND_MEMORY, "a full device: %d, %s",
              (int) rc, error);

    if (rc == ML_BACKEND_OK) {
        check->backend->unload(context);
    }

    gpu_memory_give();

    context = gpu_load(check, model, 4);

    if (context) {
        compare(check, "after it was full", model, context, 4, 0, 0);
        check->backend->unload(context);
    }

    ml_model_close(model);
}


int
main(int argc, char **argv)
{
    int           i, device, operators, times;
    char          error[256];
    ml_model_t   *model;
    gpu_check_t   check;

    static const int64_t  odd[] = { 37, 129, 65, 3 };
    static const int64_t  wide[] = { 768, 3072, 768 };

    memset(&check, 0, sizeof(check));
    operators = times = 0;
    error[0] = '\0';

    if (argc < 3) {
        fprintf(stderr, "usage: gpu_check BACKEND.so BUILD [ARGUMENT] "
                        "[--quick] [--operators|--times] "
                        "MODEL.onnx...\n");
        return 2;
    }

    check.backend = ml_backend_open(argv[1], argv[2], error, sizeof(error));

    if (check.backend == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }

    for (i = 3; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            check.quick = 1;

        } else if (strcmp(argv[i], "--operators") == 0) {
            operators = 1;

        } else if (strcmp(argv[i], "--times") == 0) {
            times = 1;

        } else if (argv[i][0] >= '0' && argv[i][0] <= '9') {
            check.argument = argv[i];
        }
    }

    if (check.backend->probe(check.argument, error, sizeof(error))
        != ML_BACKEND_OK)
    {
        fprintf(stderr, "%s: %s\n", check.backend->name, error);
        return 1;
    }

    device = strcmp(check.backend->name, "cuda") == 0
             && gpu_memory_open(check.argument);

    if (device) {
        printf("%s\n", gpu_memory_device());
    }

    if (times) {
        gpu_times(&check);
        return check.failed != 0;
    }

    operator_models(operator_each, &check);
    printf("operators: %d passed, %d failed\n", check.passed, check.failed);

    for (i = 3; i < argc; i++) {
        if (strstr(argv[i], ".onnx") == NULL) {
            continue;
        }

        model = ml_model_open(argv[i], error, sizeof(error));

        if (gpu_check(&check, model != NULL, "%s: %s", argv[i], error)) {
            sizes(&check, argv[i], model);
            ml_model_close(model);
        }
    }

    model = gpu_layers(odd, 3);
    sizes(&check, "odd layers", model);
    ml_model_close(model);

    model = gpu_layers(wide, 2);
    sizes(&check, "wide layers", model);
    ml_model_close(model);

    if (!operators) {
        loads(&check, device);

        if (device) {
            full(&check);

        } else {
            gpu_skip(&check, "no device memory to be filled");
        }

        gpu_times(&check);
    }

    printf("%d passed, %d failed, %d skipped\n", check.passed, check.failed,
           check.skipped);

    return check.failed || !check.passed;
}
