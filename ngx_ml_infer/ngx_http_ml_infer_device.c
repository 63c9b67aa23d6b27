/*
 * The process that owns the devices.
 *
 * DESIGN.  A context on a GPU costs half a gigabyte, does not survive fork()
 * and is poisoned for good by some errors.  So there is one process for all
 * devices, and by default it is one that the master runs and replaces like
 * its cache manager, without listeners, so that its death costs no client a
 * connection: a path that has nothing but a "manager" makes the master do
 * that.  With "ml_infer_process worker" it is worker 0, and without a master
 * the one process there is; the code is the same.
 *
 * Each model has a thread here (ml_device.h).  This file starts them, beats
 * for them, logs what they say, and ends the process when one of them says
 * that the device is lost or does not come back from a run.
 *
 * nginx ends a helper that is told to quit with exit(), and so what is queued
 * is finished in an atexit() handler.  That must run before those of the
 * libraries that the threads use, and the last one registered is first: it is
 * registered again whenever a thread has loaded something.
 */

#include "ngx_http_ml_infer.h"

#include <sys/eventfd.h>
#include <ngx_channel.h>

#include "ml_device.h"


/* how often this process shows that it lives */
#define NGX_HTTP_ML_INFER_BEAT     100

/* how long a process that is told to stop waits for a run */
#define NGX_HTTP_ML_INFER_STOP_MS  1000


typedef struct {
    ngx_http_ml_infer_model_t  *model;
    ml_device_t                *device;     /* NULL: it has ended */
    char                        file[NGX_MAX_PATH];
    char                        cpu[NGX_MAX_PATH];
} ngx_http_ml_infer_device_t;


/* One run at a time on a device, whichever model's. */
typedef struct {
    const char                 *backend;
    const char                 *argument;
    pthread_mutex_t             mutex;
} ngx_http_ml_infer_turn_t;


static ngx_msec_t ngx_http_ml_infer_manage(void *data);
static ngx_int_t ngx_http_ml_infer_listen_devices(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_ml_infer_start_device(ngx_cycle_t *cycle,
    ngx_http_ml_infer_device_t *device, char *error, size_t size);
static pthread_mutex_t *ngx_http_ml_infer_turn(ngx_cycle_t *cycle,
    ngx_http_ml_infer_model_t *model);
static void ngx_http_ml_infer_told(void *data);
static void ngx_http_ml_infer_told_handler(ngx_event_t *ev);
static void ngx_http_ml_infer_beat_handler(ngx_event_t *ev);
static ngx_uint_t ngx_http_ml_infer_beat(ngx_uint_t retire);
static void ngx_http_ml_infer_at_exit(void);
static void ngx_http_ml_infer_drain(ngx_cycle_t *cycle);


static int                          ngx_http_ml_infer_device_fd = -1;
static ngx_uint_t                   ngx_http_ml_infer_ndevices;
static ngx_http_ml_infer_device_t  *ngx_http_ml_infer_devices;
static ngx_array_t                 *ngx_http_ml_infer_turns;
static ngx_event_t                  ngx_http_ml_infer_beat_event;


/*
 * In the master, for each configuration; under nginx -t, too, where nothing
 * may be left behind.
 */

ngx_int_t
ngx_http_ml_infer_init_module(ngx_cycle_t *cycle)
{
    ngx_path_t                     *path, **p;
    ngx_http_ml_infer_main_conf_t  *mimcf;

    mimcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_ml_infer_module);

    if (ngx_test_config || mimcf == NULL || mimcf->devices == 0) {
        return NGX_OK;
    }

    if (ngx_http_ml_infer_create_eventfds(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    if (mimcf->process != NGX_HTTP_ML_INFER_HELPER) {
        return NGX_OK;
    }

    /* nginx has created the directories of its paths by now */

    path = ngx_pcalloc(cycle->pool, sizeof(ngx_path_t));
    p = ngx_array_push(&cycle->paths);

    if (path == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_str_set(&path->name, "ml_infer_process");
    path->manager = ngx_http_ml_infer_manage;

    *p = path;

    return NGX_OK;
}


/* The helper's callback: first it begins, then it beats. */

static ngx_msec_t
ngx_http_ml_infer_manage(void *data)
{
    static ngx_uint_t  begun;

    if (!begun) {
        begun = 1;

        ngx_setproctitle("cache manager and device process");
        ngx_http_ml_infer_start_devices((ngx_cycle_t *) ngx_cycle);

        (void) atexit(ngx_http_ml_infer_at_exit);
    }

    (void) ngx_http_ml_infer_beat(0);

    return NGX_HTTP_ML_INFER_BEAT;
}


void
ngx_http_ml_infer_start_devices(ngx_cycle_t *cycle)
{
    char                             error[NGX_HTTP_ML_INFER_ERROR_SIZE];
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_device_t      *device;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_ml_infer_module);

    if (mimcf->devices == 0
        || (ngx_process == NGX_PROCESS_WORKER
            && (mimcf->process != NGX_HTTP_ML_INFER_WORKER
                || ngx_worker != 0)))
    {
        return;
    }

    /* joins the zone, and so finds the models' entries */

    (void) ngx_http_ml_infer_api->process();

    ngx_http_ml_infer_devices = ngx_pcalloc(cycle->pool, mimcf->devices
                                       * sizeof(ngx_http_ml_infer_device_t));

    if (ngx_http_ml_infer_devices == NULL
        || ngx_http_ml_infer_listen_devices(cycle) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "the device process could not be started");
        return;
    }

    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {

        if (!models[i]->process) {
            continue;
        }

        device = &ngx_http_ml_infer_devices[ngx_http_ml_infer_ndevices++];
        device->model = models[i];

        if (ngx_http_ml_infer_start_device(cycle, device, error,
                                           sizeof(error))
            != NGX_OK)
        {
            ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                          "the device of model \"%V\" could not be started: "
                          "%s", &models[i]->name, error);
        }
    }

    if (ngx_process == NGX_PROCESS_HELPER) {
        return;
    }

    ngx_http_ml_infer_beat_event.handler = ngx_http_ml_infer_beat_handler;
    ngx_http_ml_infer_beat_event.log = cycle->log;
    ngx_http_ml_infer_beat_event.cancelable = 1;

    (void) ngx_http_ml_infer_beat(0);
    ngx_add_timer(&ngx_http_ml_infer_beat_event, NGX_HTTP_ML_INFER_BEAT);
}


/* By which threads wake the event loop. */

static ngx_int_t
ngx_http_ml_infer_listen_devices(ngx_cycle_t *cycle)
{
    int  fd;

    fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

    if (fd == -1) {
        return NGX_ERROR;
    }

    if (ngx_add_channel_event(cycle, fd, NGX_READ_EVENT,
                              ngx_http_ml_infer_told_handler)
        != NGX_OK)
    {
        (void) close(fd);
        return NGX_ERROR;
    }

    ngx_http_ml_infer_device_fd = fd;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_infer_start_device(ngx_cycle_t *cycle,
    ngx_http_ml_infer_device_t *device, char *error, size_t size)
{
    ml_device_options_t         options;
    ngx_http_ml_infer_model_t  *model;

    model = device->model;

    if (ngx_http_ml_infer_open_slots(model, error, size) != NGX_OK
        || ngx_http_ml_infer_backend_file(model->backend, device->file,
                                          error, size)
           != NGX_OK
        || ngx_http_ml_infer_backend_file("cpu", device->cpu, error, size)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_memzero(&options, sizeof(ml_device_options_t));

    options.model = model->model;
    options.slots = &model->slots;
    options.batch = model->batch;
    options.delay_ns = (uint64_t) model->delay * 1000000;
    options.hang_ns = (uint64_t) model->hang * 1000000;
    options.backend = device->file;
    options.argument = model->argument;
    options.build = NGX_ML_BUILD;
    options.cpu = model->automatic ? device->cpu : NULL;
    options.turn = ngx_http_ml_infer_turn(cycle, model);
    options.replaced = (ngx_process != NGX_PROCESS_SINGLE);
    options.kick = ngx_http_ml_infer_kick;
    options.ran = ngx_http_ml_infer_ran;
    options.told = ngx_http_ml_infer_told;
    options.data = model;

    if (options.turn == NULL) {
        (void) snprintf(error, size, "out of memory");
        return NGX_ERROR;
    }

    device->device = ml_device_start(&options, error, size);

    return device->device ? NGX_OK : NGX_ERROR;
}


/* "auto", "cuda" and "cuda:0" are one device. */

static pthread_mutex_t *
ngx_http_ml_infer_turn(ngx_cycle_t *cycle, ngx_http_ml_infer_model_t *model)
{
    ngx_uint_t                  i;
    const char                 *argument;
    ngx_http_ml_infer_turn_t   *turn, **turns;

    argument = model->argument ? model->argument : "0";

    if (ngx_http_ml_infer_turns == NULL) {
        ngx_http_ml_infer_turns = ngx_array_create(cycle->pool, 4,
                                          sizeof(ngx_http_ml_infer_turn_t *));
        if (ngx_http_ml_infer_turns == NULL) {
            return NULL;
        }
    }

    turns = ngx_http_ml_infer_turns->elts;

    for (i = 0; i < ngx_http_ml_infer_turns->nelts; i++) {
        if (ngx_strcmp(turns[i]->backend, model->backend) == 0
            && ngx_strcmp(turns[i]->argument, argument) == 0)
        {
            return &turns[i]->mutex;
        }
    }

    turns = ngx_array_push(ngx_http_ml_infer_turns);
    turn = ngx_pcalloc(cycle->pool, sizeof(ngx_http_ml_infer_turn_t));

    if (turns == NULL || turn == NULL
        || pthread_mutex_init(&turn->mutex, NULL) != 0)
    {
        return NULL;
    }

    turn->backend = model->backend;
    turn->argument = argument;
    *turns = turn;

    return &turn->mutex;
}


/* In the threads. */

static void
ngx_http_ml_infer_told(void *data)
{
    uint64_t  one;

    one = 1;

    (void) !write(ngx_http_ml_infer_device_fd, &one, sizeof(one));
}


static void
ngx_http_ml_infer_told_handler(ngx_event_t *ev)
{
    uint64_t  n;

    (void) !read(ngx_http_ml_infer_device_fd, &n, sizeof(n));

    (void) ngx_http_ml_infer_beat(0);

    if (ngx_process == NGX_PROCESS_HELPER) {
        (void) atexit(ngx_http_ml_infer_at_exit);
    }
}


static void
ngx_http_ml_infer_beat_handler(ngx_event_t *ev)
{
    (void) ngx_http_ml_infer_beat(ngx_exiting || ngx_quit);

    ngx_add_timer(ev, NGX_HTTP_ML_INFER_BEAT);
}


/* Returns how many devices go on. */

static ngx_uint_t
ngx_http_ml_infer_beat(ngx_uint_t retire)
{
    char                         text[ML_DEVICE_TEXT_SIZE];
    ngx_uint_t                   i, n, log_level;
    ml_device_level_e            level;
    ngx_http_ml_infer_device_t  *device;

    n = 0;

    for (i = 0; i < ngx_http_ml_infer_ndevices; i++) {
        device = &ngx_http_ml_infer_devices[i];

        if (device->device == NULL) {
            continue;
        }

        if (retire) {
            ml_device_retire(device->device);
        }

        if (ml_device_said(device->device, &level, text)) {
            log_level = level == ML_DEVICE_ERROR ? NGX_LOG_ERR
                                                 : NGX_LOG_NOTICE;

            ngx_log_error(log_level, ngx_cycle->log, 0,
                          "model \"%V\" %s: %s", &device->model->name,
                          level == ML_DEVICE_ERROR ? "is unavailable"
                                                   : "in the device process",
                          text);
        }

        if (ml_device_beat(device->device) != 0) {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "the device of model \"%V\" is lost or does not "
                          "come back from a run, the process ends",
                          &device->model->name);

            /* not 2: the master replaces what ends so */

            _exit(1);
        }

        n += !ml_device_ended(device->device);
    }

    return n;
}


/* The helper was told to quit, or to stop. */

static void
ngx_http_ml_infer_at_exit(void)
{
    if (ngx_process != NGX_PROCESS_HELPER) {
        return;
    }

    if (!ngx_terminate) {
        ngx_http_ml_infer_drain((ngx_cycle_t *) ngx_cycle);
    }

    /* what is left of libraries and threads is the kernel's to clear up */

    _exit(0);
}


/*
 * Until the devices have been handed over or all work is done.  Events go
 * on: by them the master says that it cannot wait.
 */

static void
ngx_http_ml_infer_drain(ngx_cycle_t *cycle)
{
    while (!ngx_terminate && ngx_http_ml_infer_beat(1)) {

        if (!ngx_http_ml_infer_beat_event.timer_set
            && ngx_process != NGX_PROCESS_HELPER)
        {
            ngx_add_timer(&ngx_http_ml_infer_beat_event,
                          NGX_HTTP_ML_INFER_BEAT);
        }

        ngx_process_events_and_timers(cycle);
    }
}


void
ngx_http_ml_infer_stop_devices(ngx_cycle_t *cycle)
{
    ngx_uint_t                   i;
    ngx_http_ml_infer_device_t  *device;

    if (ngx_http_ml_infer_ndevices == 0) {
        return;
    }

    if (ngx_process == NGX_PROCESS_WORKER) {
        ngx_http_ml_infer_drain(cycle);
    }

    for (i = 0; i < ngx_http_ml_infer_ndevices; i++) {
        device = &ngx_http_ml_infer_devices[i];

        if (device->device == NULL) {
            continue;
        }

        if (ml_device_stop(device->device, NGX_HTTP_ML_INFER_STOP_MS) != 0) {
            device->model->stuck = 1;
        }

        device->device = NULL;
    }

    ngx_http_ml_infer_ndevices = 0;
}
