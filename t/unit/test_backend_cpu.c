/*
 * The CPU backend against the reference kernels, and what the queue relies
 * on: rows do not see each other, runs allocate nothing that grows, NaN is
 * not hidden, a run can be cancelled, threads have contexts of their own.
 */

/* link: -ldnnl -l:libgomp.so.1 -lm -lpthread */

#define NGX_ML_BUILD  "test"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

#include "test.h"
#include "engine.h"
#include "onnx_writer.h"
#include "ml_reference.c"

#include "ml_cpu_linear.c"
#include "ml_steps.c"
#include "ml_layout.c"
#include "ml_cpu_plan.c"
#include "ml_backend_cpu.c"


#define ROWS  37
#define MANY  (ROWS * 128)


static char      why[512];
static uint32_t  seed = 1;


/* Between -1 and 1, the same in every run. */

static float
number(void)
{
    seed = seed * 1664525 + 1013904223;

    return (float) (int32_t) seed / 2147483648.0f;
}


static void
weights(writer_t *graph, const char *name, int64_t rows, int64_t columns)
{
    float    *data;
    int64_t   i;

    data = malloc((size_t) (rows * columns) * sizeof(float));

    if (data == NULL) {
        abort();
    }

    for (i = 0; i < rows * columns; i++) {
        data[i] = number();
    }

    writer_floats(graph, name, rows, columns, data);
    free(data);
}


static ml_model_t *
opens(writer_t *graph)
{
    writer_t     w = { NULL, 0, 0 };
    ml_model_t  *model;

    writer_model(&w, graph, 13);
    model = ml_model_read(w.data, w.len, why, sizeof(why));
    writer_free(&w);

    if (model == NULL) {
        fprintf(stderr, "%s\n", why);
        abort();
    }

    return model;
}


/* A classifier: steps of every sort, two outputs. */

static ml_model_t *
classifier(void)
{
    int64_t   dims[2] = { -1, 10 };
    writer_t  g = { NULL, 0, 0 }, node = { NULL, 0, 0 };

    writer_rows(&g, 11, "x", 48);
    writer_port(&g, 12, "label", ML_DTYPE_INT64, 1, dims);
    writer_rows(&g, 12, "probabilities", 10);
    weights(&g, "w1", 48, 64);
    weights(&g, "b1", 1, 64);
    weights(&g, "w2", 33, 64);
    weights(&g, "b2", 1, 33);
    weights(&g, "w3", 33, 10);
    weights(&g, "scale", 1, 10);

    writer_node(&g, "MatMul", "x,w1", "a", NULL);
    writer_node(&g, "Add", "a,b1", "b", NULL);
    writer_node(&g, "Relu", "b", "c", NULL);
    writer_attribute_int(&node, "transB", 1);
    writer_attribute_float(&node, "alpha", 0.5f);
    writer_attribute_float(&node, "beta", 2);
    writer_node(&g, "Gemm", "c,w2,b2", "d", &node);
    writer_node(&g, "Identity", "d", "e", NULL);
    writer_node(&g, "Tanh", "e", "f", NULL);
    writer_node(&g, "MatMul", "f,w3", "h", NULL);
    writer_node(&g, "Mul", "h,scale", "i", NULL);
    writer_node(&g, "Softmax", "i", "probabilities", NULL);
    writer_attribute_int(&node, "axis", 1);
    writer_attribute_int(&node, "keepdims", 0);
    writer_node(&g, "ArgMax", "probabilities", "label", &node);

    return opens(&g);
}


static int
near(const float *one, const float *two, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (!(fabsf(one[i] - two[i]) <= 1e-5f + 1e-5f * fabsf(two[i]))) {
            fprintf(stderr, "element %zu: %g, not %g\n", i, (double) one[i],
                    (double) two[i]);
            return 0;
        }
    }

    return 1;
}


static void
fill(float *data, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        data[i] = number();
    }
}


static ml_backend_context_t *
loads(const ml_model_t *model)
{
    ml_backend_context_t  *context;

    if (ml_backend()->load(model, NULL, &context, why, sizeof(why))
        != ML_BACKEND_OK)
    {
        fprintf(stderr, "%s\n", why);
        abort();
    }

    return context;
}


static ml_backend_status_e
runs(ml_backend_context_t *context, int64_t rows, const void *input,
    void *one, void *two)
{
    void                *outputs[2] = { one, two };
    const void          *inputs[1] = { input };
    ml_backend_meter_t   meter;

    if (ml_backend()->plan(context, rows, why, sizeof(why)) != ML_BACKEND_OK) {
        fprintf(stderr, "%s\n", why);
        abort();
    }

    return ml_backend()->run(context, rows, inputs, outputs, &meter, why,
                             sizeof(why));
}


static void
test_entry(void)
{
    const ml_backend_t  *backend;

    backend = ml_backend();

    CHECK_INT(backend->abi, ML_BACKEND_ABI);
    CHECK_STR(backend->name, "cpu");
    CHECK_STR(backend->build, "test");
    CHECK_INT(backend->probe(NULL, why, sizeof(why)), ML_BACKEND_OK);
}


static void
test_reference(void)
{
    float                  x[MANY], found[MANY], wanted[MANY];
    void                  *outputs[2];
    int64_t                rows, labels[ROWS], known[ROWS];
    const void            *inputs[1] = { x };
    ml_model_t            *model;
    ml_backend_context_t  *context;

    model = classifier();
    context = loads(model);

    /* MatMul, Add and Relu are one step, Identity is none */
    CHECK_INT(context->steps.nsteps, 7);
    CHECK(context->steps.steps[0].linear != NULL
          && context->steps.steps[0].linear->relu
          && context->steps.steps[0].linear->bias != NULL);

    fill(x, ROWS * 48);

    outputs[0] = known;
    outputs[1] = wanted;

    for (rows = 1; rows <= ROWS; rows += 6) {
        CHECK_INT(ml_reference_run(model, rows, inputs, outputs), 0);

        CHECK_INT(runs(context, rows, x, labels, found), ML_BACKEND_OK);
        CHECK(near(found, wanted, (size_t) rows * 10));
        CHECK(memcmp(labels, known, (size_t) rows * sizeof(int64_t)) == 0);
    }

    ml_backend()->unload(context);
    ml_model_close(model);
}


/* A row's result does not depend on the rows around it. */

static void
test_rows(void)
{
    float                  x[MANY], batch[MANY], one[10], other[MANY];
    size_t                 i;
    int64_t                labels[ROWS];
    ml_model_t            *model;
    ml_backend_context_t  *context;

    model = classifier();
    context = loads(model);

    fill(x, ROWS * 48);
    CHECK_INT(runs(context, ROWS, x, labels, batch), ML_BACKEND_OK);

    for (i = 0; i < ROWS; i++) {
        CHECK_INT(runs(context, 1, x + i * 48, labels, one), ML_BACKEND_OK);
        CHECK(near(one, batch + i * 10, 10));
    }

    /* other neighbours, even bad ones: not a bit may change */

    for (i = 0; i < ROWS * 48; i++) {
        if (i / 48 != 5) {
            x[i] = i % 3 ? number() * 1e30f : NAN;
        }
    }

    CHECK_INT(runs(context, ROWS, x, labels, other), ML_BACKEND_OK);
    CHECK(memcmp(other + 50, batch + 50, 10 * sizeof(float)) == 0);

    ml_backend()->unload(context);
    ml_model_close(model);
}


/* A NaN has to reach the one who asks what to do about it. */

static void
test_nan(void)
{
    float                  x[48], found[8];
    int64_t                rows;
    writer_t               g = { NULL, 0, 0 };
    ml_model_t            *model;
    ml_backend_context_t  *context;

    writer_rows(&g, 11, "x", 6);
    writer_rows(&g, 12, "y", 1);
    weights(&g, "w", 6, 20);
    weights(&g, "b", 1, 20);
    weights(&g, "v", 20, 1);
    writer_node(&g, "Gemm", "x,w,b", "a", NULL);
    writer_node(&g, "Relu", "a", "c", NULL);
    writer_node(&g, "MatMul", "c,v", "y", NULL);
    model = opens(&g);
    context = loads(model);

    CHECK_INT(context->steps.nsteps, 2);

    for (rows = 1; rows <= 8; rows += 7) {
        fill(x, 48);
        x[3] = NAN;

        CHECK_INT(runs(context, rows, x, found, NULL), ML_BACKEND_OK);
        CHECK(isnan(found[0]));
        CHECK(rows == 1 || !isnan(found[7]));
    }

    ml_backend()->unload(context);
    ml_model_close(model);
}


/* Values seen by the client, several views, an output that is an input. */

static void
test_outputs(void)
{
    float                  x[8] = { 1, 2, 3, 4, -1, -2, -3, -4 };
    float                  a[8], b[8], c[8];
    void                  *outputs[3] = { a, b, c };
    int64_t                dims[3] = { -1, 1, 4 };
    writer_t               g = { NULL, 0, 0 };
    const void            *inputs[1] = { x };
    ml_model_t            *model;
    ml_backend_meter_t     meter;
    ml_backend_context_t  *context;

    writer_rows(&g, 11, "x", 4);
    writer_rows(&g, 12, "n", 4);
    writer_port(&g, 12, "u", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "x", 4);
    dims[0] = 1;
    writer_ints(&g, "one", 1, dims);
    writer_node(&g, "Neg", "x", "n", NULL);
    writer_node(&g, "Unsqueeze", "n,one", "u", NULL);
    model = opens(&g);
    context = loads(model);

    CHECK_INT(ml_backend()->plan(context, 2, why, sizeof(why)),
              ML_BACKEND_OK);
    CHECK_INT(ml_backend()->run(context, 2, inputs, outputs, &meter, why,
                                sizeof(why)),
              ML_BACKEND_OK);
    CHECK(a[0] == -1 && a[7] == 4);
    CHECK(memcmp(a, b, sizeof(a)) == 0);
    CHECK(memcmp(x, c, sizeof(x)) == 0);

    ml_backend()->unload(context);
    ml_model_close(model);
}


static void
test_refusals(void)
{
    float                  x[48], y[10];
    void                  *outputs[2];
    int64_t                label;
    const void            *inputs[1] = { x };
    ml_model_t            *model;
    ml_backend_meter_t     meter;
    ml_backend_context_t  *context;

    model = classifier();
    context = loads(model);

    outputs[0] = &label;
    outputs[1] = y;
    fill(x, 48);

    why[0] = '\0';
    CHECK_INT(ml_backend()->run(context, 1, inputs, outputs, &meter, why,
                                sizeof(why)),
              ML_BACKEND_ERROR);
    CHECK(strstr(why, "not planned") != NULL);

    CHECK_INT(ml_backend()->plan(context, 0, why, sizeof(why)),
              ML_BACKEND_ERROR);
    CHECK_INT(ml_backend()->plan(context, INT64_MAX, why, sizeof(why)),
              ML_BACKEND_MEMORY);

    /* and it goes on */
    CHECK_INT(runs(context, 1, x, &label, y), ML_BACKEND_OK);

    ml_backend()->unload(context);
    ml_model_close(model);
}


/*
 * Values that all live at once, each in a place of its own, as many as a file
 * of 100 kilobytes can name: planning them takes no time to speak of.
 */

static void
test_places(void)
{
    int                    i;
    char                   one[32], two[32];
    float                  x[2] = { 1, -3 }, y[2];
    clock_t                start;
    writer_t               g = { NULL, 0, 0 };
    ml_model_t            *model;
    ml_backend_context_t  *context;

    writer_rows(&g, 11, "x", 1);
    writer_rows(&g, 12, "s6000", 1);
    writer_node(&g, "Neg", "x", "s0", NULL);

    for (i = 1; i <= 6000; i++) {
        snprintf(one, sizeof(one), "n%d", i);
        writer_node(&g, "Neg", "x", one, NULL);
    }

    for (i = 1; i <= 6000; i++) {
        snprintf(one, sizeof(one), "s%d,n%d", i - 1, i);
        snprintf(two, sizeof(two), "s%d", i);
        writer_node(&g, "Add", one, two, NULL);
    }

    model = opens(&g);
    context = loads(model);

    start = clock();
    CHECK_INT(runs(context, 2, x, y, NULL), ML_BACKEND_OK);
    CHECK(clock() - start < 5 * CLOCKS_PER_SEC);
    CHECK(y[0] == -6001 && y[1] == 18003);

    ml_backend()->unload(context);
    ml_model_close(model);
}


/* A plan has a bound, below what a machine would promise and not have. */

static void
test_bound(void)
{
    writer_t               g = { NULL, 0, 0 };
    ml_model_t            *model;
    ml_backend_context_t  *context;

    writer_rows(&g, 11, "x", 4096);
    writer_rows(&g, 12, "y", 4096);
    writer_node(&g, "Neg", "x", "a", NULL);
    writer_node(&g, "Neg", "a", "y", NULL);
    model = opens(&g);
    context = loads(model);

    CHECK_INT(ml_backend()->plan(context, 65536, why, sizeof(why)),
              ML_BACKEND_OK);
    CHECK_INT(ml_backend()->plan(context, 65537, why, sizeof(why)),
              ML_BACKEND_MEMORY);
    CHECK(strstr(why, "1 GiB") != NULL);

    ml_backend()->unload(context);
    ml_model_close(model);
}


static void *
worker(void *data)
{
    int                    i;
    float                  x[480], first[100], again[100];
    int64_t                labels[10];
    uintptr_t              wrong;
    ml_backend_context_t  *context;

    context = loads(data);
    wrong = 0;

    for (i = 0; i < 480; i++) {
        x[i] = (float) (i % 17) / 17;
    }

    (void) runs(context, 10, x, labels, first);

    for (i = 0; i < 50; i++) {
        memset(again, 0, sizeof(again));
        wrong += runs(context, 10, x, labels, again) != ML_BACKEND_OK
                 || memcmp(first, again, sizeof(first)) != 0;
    }

    ml_backend()->unload(context);

    return (void *) wrong;
}


static void
test_threads(void)
{
    int          i;
    void        *wrong;
    pthread_t    threads[3];
    ml_model_t  *model;

    model = classifier();

    for (i = 0; i < 3; i++) {
        if (pthread_create(&threads[i], NULL, worker, model) != 0) {
            abort();
        }
    }

    for (i = 0; i < 3; i++) {
        pthread_join(threads[i], &wrong);
        CHECK(wrong == NULL);
    }

    ml_model_close(model);
}


typedef struct {
    ml_backend_context_t  *context;
    ml_backend_status_e    status;
    atomic_int             nruns;
} cancelled_t;


static void *
cancelled(void *data)
{
    int           i;
    float         x = 1, y;
    cancelled_t  *c;

    c = data;

    for (i = 0; i < 10000; i++) {
        c->status = runs(c->context, 1, &x, &y, NULL);

        if (c->status != ML_BACKEND_OK) {
            break;
        }

        atomic_fetch_add(&c->nruns, 1);
    }

    return NULL;
}


static void
test_cancel(void)
{
    int           i;
    char          from[16], to[16];
    float         x = 1, y;
    writer_t      g = { NULL, 0, 0 };
    pthread_t     thread;
    ml_model_t   *model;
    cancelled_t   c;
    int64_t       one[2] = { -1, 1 };

    writer_port(&g, 11, "h0", ML_DTYPE_FLOAT32, 2, one);
    writer_port(&g, 12, "h2000", ML_DTYPE_FLOAT32, 2, one);

    for (i = 0; i < 2000; i++) {
        snprintf(from, sizeof(from), "h%d", i);
        snprintf(to, sizeof(to), "h%d", i + 1);
        writer_node(&g, "Tanh", from, to, NULL);
    }

    model = opens(&g);
    c.context = loads(model);
    c.status = ML_BACKEND_OK;
    atomic_init(&c.nruns, 0);

    if (pthread_create(&thread, NULL, cancelled, &c) != 0) {
        abort();
    }

    while (atomic_load(&c.nruns) == 0) {
        sched_yield();
    }

    /* once is enough, wherever the thread is: a cancel is not taken back */

    ml_backend()->cancel(c.context);
    pthread_join(thread, NULL);
    CHECK_INT(c.status, ML_BACKEND_CANCELLED);
    CHECK_INT(runs(c.context, 1, &x, &y, NULL), ML_BACKEND_CANCELLED);

    /* 2000 values, of which two are alive at a time */
    CHECK(c.context->plans != NULL);

    ml_backend()->unload(c.context);
    ml_model_close(model);
}


/* A model may be read before fork(), the backend used after it. */

static void
test_fork(void)
{
    int                    status;
    pid_t                  pid;
    float                  x[48], y[10];
    int64_t                label;
    ml_model_t            *model;
    ml_backend_context_t  *context;

    model = classifier();
    fill(x, 48);

    pid = fork();

    if (pid == 0) {
        alarm(20);
        context = loads(model);
        status = runs(context, 1, x, &label, y) != ML_BACKEND_OK;
        ml_backend()->unload(context);
        _exit(status);
    }

    CHECK(pid > 0);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status)
          && WEXITSTATUS(status) == 0);

    ml_model_close(model);
}


int
main(void)
{
    test_fork();
    test_entry();
    test_reference();
    test_rows();
    test_nan();
    test_outputs();
    test_refusals();
    test_places();
    test_bound();
    test_threads();
    test_cancel();

    return TEST_END;
}
