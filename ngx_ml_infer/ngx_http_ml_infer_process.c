/*
 * What a process needs to run models: backend, contexts, threads, and the
 * eventfd by which threads wake the event loop.
 *
 * Only in processes that serve requests, after the fork: a device does not
 * survive one, and `nginx -t` must not need one.  Nothing here fails the
 * process: a worker that exits would be respawned, to fail again, for ever.
 * A model that cannot be run is logged once and answers 503.
 */

#include "ngx_http_ml_infer.h"

#include <dlfcn.h>
#include <sys/eventfd.h>
#include <ngx_channel.h>

#include "ml_choice.h"
#include "ml_runner.h"


/* Runs that are predicted to be shorter stay in the event loop. */
#define NGX_HTTP_ML_INFER_INLINE_NS  200000

/* How long an exiting process waits for a run. */
#define NGX_HTTP_ML_INFER_CLOSE_MS   1000


_Static_assert(ML_MODEL_TABLE_PROCESSES == NGX_HTTP_ML_PROCESSES,
               "a model's entry counts for every process");


static void ngx_http_ml_infer_start(ngx_cycle_t *cycle,
    ngx_http_ml_infer_model_t *model);
static ml_executor_t *ngx_http_ml_infer_create_runner(
    ngx_http_ml_infer_model_t *model, char *error, size_t size);
static ngx_int_t ngx_http_ml_infer_load(ngx_http_ml_infer_model_t *model,
    char *error, size_t size);
static ngx_int_t ngx_http_ml_infer_add_eventfd(ngx_cycle_t *cycle);
static void ngx_http_ml_infer_notify(void *data);
static void ngx_http_ml_infer_notified(ngx_event_t *ev);
static ngx_int_t ngx_http_ml_infer_local_table(ngx_cycle_t *cycle,
    ngx_http_ml_infer_main_conf_t *mimcf);


static ngx_http_ml_infer_main_conf_t  *ngx_http_ml_infer_main;
static int                             ngx_http_ml_infer_eventfd = -1;


ngx_http_ml_infer_main_conf_t *
ngx_http_ml_infer_running(void)
{
    return ngx_http_ml_infer_main;
}


ngx_int_t
ngx_http_ml_infer_init_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    mimcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_ml_infer_module);

    if (mimcf == NULL || mimcf->models.nelts == 0) {
        return NGX_OK;
    }

    ngx_http_ml_infer_main = mimcf;
    models = mimcf->models.elts;

    /* joins the zone, if there is one, and so finds the models' entries */

    (void) ngx_http_ml_infer_api->process();

    if (models[0]->entry == NULL
        && ngx_http_ml_infer_local_table(cycle, mimcf) != NGX_OK)
    {
        ngx_http_ml_infer_main = NULL;
        return NGX_OK;
    }

    if (ngx_http_ml_infer_add_eventfd(cycle) != NGX_OK) {

        for (i = 0; i < mimcf->models.nelts; i++) {
            ngx_memcpy(models[i]->error, "no eventfd", sizeof("no eventfd"));
        }

        return NGX_OK;
    }

    for (i = 0; i < mimcf->models.nelts; i++) {
        ngx_http_ml_infer_start(cycle, models[i]);
    }

    ngx_http_ml_infer_start_devices(cycle);

    return NGX_OK;
}


void
ngx_http_ml_infer_exit_process(ngx_cycle_t *cycle)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_ml_infer_main;

    if (mimcf == NULL) {
        return;
    }

    models = mimcf->models.elts;

    /* a worker that owns the devices does what the others still wait for,
     * when it is no longer one that waits itself */

    for (i = 0; i < mimcf->models.nelts; i++) {
        ngx_http_ml_infer_stop(models[i]);
    }

    ngx_http_ml_infer_stop_devices(cycle);

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (models[i]->stuck) {
            ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                          "model \"%V\" is still running at exit",
                          &models[i]->name);
        }
    }
}


static void
ngx_http_ml_infer_start(ngx_cycle_t *cycle, ngx_http_ml_infer_model_t *model)
{
    char            error[NGX_HTTP_ML_INFER_ERROR_SIZE];
    ml_executor_t  *runner;

    error[0] = '\0';

    if (model->process
        && ngx_http_ml_infer_submit_here(cycle, model, error, sizeof(error))
           != NGX_OK)
    {
        goto failed;
    }

    model->executor = model->submitter;

    if (model->process && !model->automatic) {
        return;
    }

    runner = ngx_http_ml_infer_create_runner(model, error, sizeof(error));

    if (runner == NULL) {
        goto failed;
    }

    model->executor = runner;

    if (!model->automatic) {
        return;
    }

    model->executor = ml_choice_create(runner, model->submitter,
                                       model->slots.shared);
    if (model->executor) {
        return;
    }

    (void) runner->ops->close(runner, NGX_HTTP_ML_INFER_CLOSE_MS);
    (void) ngx_snprintf((u_char *) error, sizeof(error), "out of memory%Z");

failed:

    model->executor = model->submitter;
    ngx_http_ml_infer_stop(model);

    ngx_memcpy(model->error, error, sizeof(error));

    ngx_log_error(NGX_LOG_ERR, cycle->log, 0,
                  "model \"%V\" is unavailable: %s", &model->name,
                  model->error);
}


/* The model in this process, with a context and a thread of its own. */

static ml_executor_t *
ngx_http_ml_infer_create_runner(ngx_http_ml_infer_model_t *model, char *error,
    size_t size)
{
    ml_executor_t        *runner;
    ml_runner_options_t   options;

    if (ngx_http_ml_infer_load(model, error, size) != NGX_OK) {
        return NULL;
    }

    ngx_memzero(&options, sizeof(ml_runner_options_t));

    options.model = model->model;
    options.backend = model->loaded;
    options.context = model->context;
    options.batch = model->batch;
    options.queue = model->queue;
    options.bytes = model->bytes;
    options.delay_ns = (uint64_t) model->delay * 1000000;
    options.inline_ns = NGX_HTTP_ML_INFER_INLINE_NS;
    options.depth = &model->entry->depth[ngx_http_ml_infer_api->process()];
    options.notify = ngx_http_ml_infer_notify;
    options.ran = ngx_http_ml_infer_ran;
    options.data = model;

    runner = ml_runner_create(&options, error, size);

    if (runner == NULL) {
        model->loaded->unload(model->context);
        model->context = NULL;
    }

    return runner;
}


/* "auto" has the CPU in this process, and its device elsewhere. */

static ngx_int_t
ngx_http_ml_infer_load(ngx_http_ml_infer_model_t *model, char *error,
    size_t size)
{
    char         path[NGX_MAX_PATH];
    const char  *argument;

    argument = model->automatic ? NULL : model->argument;

    if (ngx_http_ml_infer_backend_file(model->automatic ? "cpu"
                                                        : model->backend,
                                       path, error, size)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    model->loaded = ml_backend_open(path, NGX_ML_BUILD, error, size);

    if (model->loaded == NULL
        || model->loaded->probe(argument, error, size) != ML_BACKEND_OK)
    {
        return NGX_ERROR;
    }

    if (model->loaded->load(model->model, argument, &model->context, error,
                            size)
        != ML_BACKEND_OK)
    {
        model->context = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ml_infer_backend_file(const char *name, char path[NGX_MAX_PATH],
    char *error, size_t size)
{
    char     *slash;
    Dl_info   info;

    if (dladdr(&ngx_http_ml_infer_module, &info) == 0
        || info.dli_fname == NULL)
    {
        (void) snprintf(error, size, "cannot tell where the modules are");
        return NGX_ERROR;
    }

    slash = strrchr(info.dli_fname, '/');

    if (snprintf(path, NGX_MAX_PATH, "%.*sngx_ml_backend_%s.so",
                 slash ? (int) (slash + 1 - info.dli_fname) : 0,
                 info.dli_fname, name)
        >= NGX_MAX_PATH)
    {
        (void) snprintf(error, size, "the path of its backend is too long");
        return NGX_ERROR;
    }

    return NGX_OK;
}


void
ngx_http_ml_infer_stop(ngx_http_ml_infer_model_t *model)
{
    if (model->executor) {

        if (model->executor->ops->close(model->executor,
                                        NGX_HTTP_ML_INFER_CLOSE_MS)
            != 0)
        {
            model->stuck = 1;
        }

        model->executor = NULL;
        model->submitter = NULL;
    }

    if (model->context && !model->stuck) {
        model->loaded->unload(model->context);
        model->context = NULL;
    }
}


/* channel=1, which ngx_add_channel_event() sets, keeps nginx from taking the
 * descriptor for a connection that a request left open. */

static ngx_int_t
ngx_http_ml_infer_add_eventfd(ngx_cycle_t *cycle)
{
    int  fd;

    fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (fd == -1) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, ngx_errno,
                      "eventfd() failed");
        return NGX_ERROR;
    }

    if (ngx_add_channel_event(cycle, fd, NGX_READ_EVENT,
                              ngx_http_ml_infer_notified)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "could not add an event for finished jobs");
        (void) close(fd);
        return NGX_ERROR;
    }

    ngx_http_ml_infer_eventfd = fd;

    return NGX_OK;
}


/* In the inference threads; the counter cannot overflow in practice, and a
 * full one would wake the event loop all the same. */

static void
ngx_http_ml_infer_notify(void *data)
{
    uint64_t  one;

    one = 1;

    (void) !write(ngx_http_ml_infer_eventfd, &one, sizeof(one));
}


static void
ngx_http_ml_infer_notified(ngx_event_t *ev)
{
    uint64_t                         n;
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    /* read first: what is finished later wakes us again */

    (void) !read(ngx_http_ml_infer_eventfd, &n, sizeof(n));

    mimcf = ngx_http_ml_infer_main;
    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        ngx_http_ml_infer_collect(models[i]);
    }
}


void
ngx_http_ml_infer_collect(ngx_http_ml_infer_model_t *model)
{
    ml_job_t  *job, *next;

    if (model->executor == NULL) {
        return;
    }

    job = model->executor->ops->completed(model->executor);

    for ( /* void */ ; job; job = next) {
        next = job->next;
        ngx_http_ml_infer_completed(job);
    }
}


/* Without ml_zone each process has its own breakers and numbers. */

static ngx_int_t
ngx_http_ml_infer_local_table(ngx_cycle_t *cycle,
    ngx_http_ml_infer_main_conf_t *mimcf)
{
    size_t                        size;
    ngx_uint_t                    i;
    ml_model_table_t             *table;
    ngx_http_ml_infer_model_t   **models;

    size = sizeof(ml_model_table_t)
           + mimcf->models.nelts * sizeof(ml_model_entry_t);

    table = ngx_pcalloc(cycle->pool, size);

    if (table == NULL || ml_model_table_open(table, size, 1) == NULL)
    {
        return NGX_ERROR;
    }

    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        models[i]->entry = ml_model_table_claim(table,
                                             (char *) models[i]->name.data,
                                             models[i]->name.len);
    }

    return NGX_OK;
}
