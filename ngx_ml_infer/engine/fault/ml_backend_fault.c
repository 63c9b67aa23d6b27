/*
 * A backend that fails as it is told: what the others do when everything
 * goes well, with the reference kernels, and what they may do when it does
 * not, by a script (ml_fault_script.h).  With it an operator, and the tests,
 * see how a model's failures come out at the other end.
 *
 * The script is the file that stands behind the colon of "device", or that
 * the variable ML_FAULT of the environment names; without either nothing
 * fails.  A file that has changed is read again.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ml_backend.h"
#include "ml_fault_script.h"
#include "ml_reference.h"


#define ML_FAULT_SCRIPT_SIZE  4096

/* shorter delays are not slept, since nothing sleeps that short */
#define ML_FAULT_SLEEP_NS     200000


struct ml_backend_context_s {
    const ml_model_t     *model;
    char                 *path;         /* of the script; NULL: none */
    struct stat           seen;
    ml_fault_script_t     script;
    _Atomic int           cancelled;
};


/* What a call is about, for the conditions of lines. */
typedef struct {
    const float          *x;            /* NULL: nothing */
    int64_t               rows;
    int64_t               columns;
} ml_fault_rows_t;


const ml_backend_t *ml_backend(void);


/* how often each point was reached in this process */
static _Atomic uint64_t  ml_fault_reached[ML_FAULT_POINTS];


static uint64_t
ml_fault_now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;
}


/* Reads the script if it is another one than before. */

static int
ml_fault_read(ml_backend_context_t *context, char *error, size_t size)
{
    int          fd;
    char         text[ML_FAULT_SCRIPT_SIZE];
    ssize_t      n;
    struct stat  st;

    if (context->path == NULL) {
        return 0;
    }

    if (stat(context->path, &st) == 0
        && st.st_ino == context->seen.st_ino
        && st.st_size == context->seen.st_size
        && st.st_mtim.tv_sec == context->seen.st_mtim.tv_sec
        && st.st_mtim.tv_nsec == context->seen.st_mtim.tv_nsec)
    {
        return 0;
    }

    fd = open(context->path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1) {
        (void) snprintf(error, size, "the script cannot be opened");
        return -1;
    }

    n = read(fd, text, sizeof(text) - 1);

    if (n == -1 || n == sizeof(text) - 1 || fstat(fd, &context->seen) != 0) {
        (void) close(fd);
        (void) snprintf(error, size, "the script cannot be read, or is of "
                        "%d bytes or more", ML_FAULT_SCRIPT_SIZE - 1);
        return -1;
    }

    (void) close(fd);

    text[n] = '\0';

    return ml_fault_script_parse(&context->script, text, error, size);
}


static int
ml_fault_holds(const ml_fault_line_t *line, const ml_fault_rows_t *rows)
{
    int64_t  i;

    if (line->element == -1) {
        return 1;
    }

    if (rows->x == NULL || line->element >= rows->columns) {
        return 0;
    }

    for (i = 0; i < rows->rows; i++) {
        if (rows->x[i * rows->columns + line->element] == line->value) {
            return 1;
        }
    }

    return 0;
}


static uint64_t
ml_fault_delay_ns(const ml_fault_line_t *line, const ml_fault_rows_t *rows)
{
    float    most, x;
    int64_t  i;

    if (line->delay_element == -1) {
        return line->delay_ns;
    }

    most = 0;

    for (i = 0; rows->x && line->delay_element < rows->columns
                && i < rows->rows; i++)
    {
        x = rows->x[i * rows->columns + line->delay_element];

        if (x > most && x <= 3600e3f) {
            most = x;
        }
    }

    return (uint64_t) (most * 1e6f);
}


static void
ml_fault_delay(ml_backend_context_t *context, uint64_t ns)
{
    uint64_t         until, now;
    struct timespec  ts;

    until = ml_fault_now() + ns;

    while ((now = ml_fault_now()) < until
           && !atomic_load(&context->cancelled))
    {
        if (until - now > ML_FAULT_SLEEP_NS) {
            ns = until - now - ML_FAULT_SLEEP_NS / 2;
            ns = ns < 10000000 ? ns : 10000000;

            ts.tv_sec = 0;
            ts.tv_nsec = (long) ns;
            (void) nanosleep(&ts, NULL);
        }
    }
}


static ml_backend_status_e
ml_fault_fail(ml_backend_status_e status, char *error, size_t size)
{
    (void) snprintf(error, size, "told to fail");

    return status;
}


/* Does what the script says of a point. */

static ml_backend_status_e
ml_fault_at(ml_backend_context_t *context, ml_fault_point_e point,
    const ml_fault_rows_t *rows, char *error, size_t size)
{
    size_t            i;
    uint64_t          nth;
    ml_fault_line_t  *line;

    if (ml_fault_read(context, error, size) != 0) {
        return ML_BACKEND_ERROR;
    }

    nth = atomic_fetch_add(&ml_fault_reached[point], 1) + 1;

    for (i = 0; i < context->script.n; i++) {
        line = &context->script.lines[i];

        if (line->point != point || (line->nth && line->nth != nth)
            || !ml_fault_holds(line, rows))
        {
            continue;
        }

        switch (line->action) {

        case ML_FAULT_DELAY:
            ml_fault_delay(context, ml_fault_delay_ns(line, rows));
            break;

        case ML_FAULT_ERROR:
            return ml_fault_fail(ML_BACKEND_ERROR, error, size);

        case ML_FAULT_MEMORY:
            return ml_fault_fail(ML_BACKEND_MEMORY, error, size);

        case ML_FAULT_LOST:
            return ml_fault_fail(ML_BACKEND_LOST, error, size);

        case ML_FAULT_HANG:
            for ( ;; ) {
                (void) pause();
            }

        case ML_FAULT_CRASH:
            (void) kill(getpid(), SIGKILL);
            break;
        }
    }

    return ML_BACKEND_OK;
}


static int
ml_fault_path(ml_backend_context_t *context, const char *argument)
{
    if (argument == NULL) {
        argument = getenv("ML_FAULT");
    }

    if (argument == NULL) {
        return 0;
    }

    context->path = strdup(argument);

    return context->path ? 0 : -1;
}


static ml_backend_status_e
ml_fault_probe(const char *argument, char *error, size_t size)
{
    ml_fault_rows_t        nothing = { NULL, 0, 0 };
    ml_backend_status_e    rc;
    ml_backend_context_t   context;

    memset(&context, 0, sizeof(ml_backend_context_t));

    if (ml_fault_path(&context, argument) != 0) {
        return ml_fault_fail(ML_BACKEND_MEMORY, error, size);
    }

    rc = ml_fault_at(&context, ML_FAULT_PROBE, &nothing, error, size);

    free(context.path);

    return rc;
}


static void
ml_fault_unload(ml_backend_context_t *context)
{
    free(context->path);
    free(context);
}


static ml_backend_status_e
ml_fault_load(const ml_model_t *model, const char *argument,
    ml_backend_context_t **result, char *error, size_t size)
{
    ml_fault_rows_t        nothing = { NULL, 0, 0 };
    ml_backend_status_e    rc;
    ml_backend_context_t  *context;

    context = calloc(1, sizeof(ml_backend_context_t));

    if (context == NULL || ml_fault_path(context, argument) != 0) {
        free(context);
        (void) snprintf(error, size, "no memory");
        return ML_BACKEND_MEMORY;
    }

    context->model = model;

    rc = ml_fault_at(context, ML_FAULT_LOAD, &nothing, error, size);

    if (rc != ML_BACKEND_OK) {
        ml_fault_unload(context);
        return rc;
    }

    *result = context;

    return ML_BACKEND_OK;
}


static ml_backend_status_e
ml_fault_plan(ml_backend_context_t *context, int64_t rows, char *error,
    size_t size)
{
    ml_fault_rows_t  nothing = { NULL, 0, 0 };

    return ml_fault_at(context, ML_FAULT_PLAN, &nothing, error, size);
}


/* The first input, if it is float32. */

static ml_fault_rows_t
ml_fault_rows(const ml_model_t *model, int64_t rows,
    const void *const *inputs)
{
    uint32_t           i;
    ml_fault_rows_t    result = { NULL, 0, 0 };
    const ml_value_t  *value;

    if (model->ninputs == 0) {
        return result;
    }

    value = &model->values[model->inputs[0]];

    if (value->dtype == ML_DTYPE_FLOAT32) {
        result.x = inputs[0];
        result.rows = rows;
        result.columns = 1;

        for (i = model->batched ? 1 : 0; i < value->rank; i++) {
            result.columns *= value->dims[i];
        }
    }

    return result;
}


static ml_backend_status_e
ml_fault_run(ml_backend_context_t *context, int64_t rows,
    const void *const *inputs, void *const *outputs,
    ml_backend_meter_t *meter, char *error, size_t size)
{
    uint64_t              start;
    ml_fault_rows_t       x;
    ml_backend_status_e   rc;

    start = ml_fault_now();
    x = ml_fault_rows(context->model, rows, inputs);

    rc = ml_fault_at(context, ML_FAULT_RUN, &x, error, size);

    if (rc == ML_BACKEND_OK
        && ml_reference_run(context->model, rows, inputs, outputs) != 0)
    {
        (void) snprintf(error, size, "no memory");
        rc = ML_BACKEND_MEMORY;
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_fault_at(context, ML_FAULT_DONE, &x, error, size);
    }

    meter->device_ns = ml_fault_now() - start;

    if (rc == ML_BACKEND_OK && atomic_load(&context->cancelled)) {
        (void) snprintf(error, size, "cancelled");
        return ML_BACKEND_CANCELLED;
    }

    return rc;
}


static void
ml_fault_cancel(ml_backend_context_t *context)
{
    atomic_store(&context->cancelled, 1);
}


static const ml_backend_t  ml_backend_fault = {
    .abi = ML_BACKEND_ABI,
    .name = "fault",
    .build = NGX_ML_BUILD,
    .probe = ml_fault_probe,
    .load = ml_fault_load,
    .plan = ml_fault_plan,
    .run = ml_fault_run,
    .cancel = ml_fault_cancel,
    .unload = ml_fault_unload
};


const ml_backend_t *
ml_backend(void)
{
    return &ml_backend_fault;
}
