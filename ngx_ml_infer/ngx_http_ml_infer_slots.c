/*
 * The slot tables of models of the device process, each in a zone of its
 * own, and how a process submits to them.
 *
 * A zone's name tells what it is for, the model's file and the sizes
 * included, so that a model that has changed gets a fresh one on a reload,
 * while the old processes go on with theirs.
 *
 * Completions come through 64 eventfds that the master makes once, so that
 * every process it ever forks has all of them.  A process that submits
 * listens to that of its entry, edge-triggered, and never reads it: entries
 * that share one wake each other for nothing, and no wake-up is ever lost.
 */

#include "ngx_http_ml_infer.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>

#include "ml_submitter.h"


#define NGX_HTTP_ML_INFER_EVENTFDS  64

/* how often a process whose jobs are under way looks after their owner */
#define NGX_HTTP_ML_INFER_TICK      250

/* of the layout of zones */
#define NGX_HTTP_ML_INFER_LAYOUT    1


static ngx_int_t ngx_http_ml_infer_init_slots(ngx_shm_zone_t *zone,
    void *data);
static ngx_int_t ngx_http_ml_infer_lay_slots(void *memory,
    ngx_http_ml_infer_model_t *model);
static ngx_int_t ngx_http_ml_infer_listen(ngx_cycle_t *cycle, ngx_uint_t n);
static void ngx_http_ml_infer_kicked(ngx_event_t *ev);
static void ngx_http_ml_infer_watched(ngx_event_t *ev);
static void ngx_http_ml_infer_kill(ngx_http_ml_infer_model_t *model,
    ngx_pid_t pid);


static int                ngx_http_ml_infer_eventfds[
                                                  NGX_HTTP_ML_INFER_EVENTFDS];
static ngx_uint_t         ngx_http_ml_infer_eventfds_made;

/* of this process */
static ngx_connection_t  *ngx_http_ml_infer_listening[
                                                  NGX_HTTP_ML_INFER_EVENTFDS];
static ngx_event_t        ngx_http_ml_infer_watcher;


ngx_int_t
ngx_http_ml_infer_add_slots(ngx_conf_t *cf, ngx_http_ml_infer_model_t *model)
{
    int         batched;
    size_t      i, bytes, stride, *inputs, *outputs;
    u_char     *p;
    ngx_str_t   name;

    batched = ml_model_batched(model->model);

    inputs = ngx_palloc(cf->pool, (model->ninputs + model->noutputs)
                                  * sizeof(size_t));
    if (inputs == NULL) {
        return NGX_ERROR;
    }

    outputs = inputs + model->ninputs;
    bytes = 0;

    for (i = 0; i < model->ninputs; i++) {
        if (ml_tensor_row_size(&model->inputs[i], batched, &inputs[i]) != 0
            || __builtin_add_overflow(bytes, inputs[i], &bytes))
        {
            goto too_large;
        }
    }

    for (i = 0; i < model->noutputs; i++) {
        if (ml_tensor_row_size(&model->outputs[i], batched, &outputs[i]) != 0
            || __builtin_add_overflow(bytes, outputs[i], &bytes))
        {
            goto too_large;
        }
    }

    model->shape.rows = ml_slots_rows(bytes, model->batch);
    model->shape.ninputs = model->ninputs;
    model->shape.noutputs = model->noutputs;
    model->shape.input_bytes = inputs;
    model->shape.output_bytes = outputs;

    stride = ml_slots_stride(&model->shape);

    if (stride == 0 || stride > model->bytes) {
        goto too_large;
    }

    model->shape.slots = ngx_min((size_t) model->queue,
                                 model->bytes / stride);

    if (model->queue > ML_SLOTS_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "model \"%V\" is of the device process, its queue "
                           "can be at most %d", &model->name, ML_SLOTS_MAX);
        return NGX_ERROR;
    }

    bytes = ml_slots_size(&model->shape);

    if (bytes == 0) {
        goto too_large;
    }

    name.len = sizeof("ml:::::xx") - 1 + model->name.len + 16
               + 4 * NGX_INT_T_LEN;

    name.data = ngx_pnalloc(cf->pool, name.len);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_snprintf(name.data, name.len, "ml:%V:%d:%xL:%uDx%uDx%uz",
                     &model->name, NGX_HTTP_ML_INFER_LAYOUT,
                     ml_model_identity(model->model), model->shape.slots,
                     model->shape.rows, stride);
    name.len = p - name.data;

    /* the slab's own needs: a descriptor for each page, and some pages */

    bytes = ngx_align(bytes, ngx_pagesize);
    bytes += (bytes / ngx_pagesize + 1) * sizeof(ngx_slab_page_t)
             + 16 * ngx_pagesize;

    model->zone = ngx_shared_memory_add(cf, &name,
                                        ngx_align(bytes, ngx_pagesize),
                                        &ngx_http_ml_infer_module);
    if (model->zone == NULL) {
        return NGX_ERROR;
    }

    model->zone->init = ngx_http_ml_infer_init_slots;
    model->zone->data = model;

    return NGX_OK;

too_large:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "model \"%V\" is of the device process, a row of it "
                       "does not fit in the %uz bytes of its queue",
                       &model->name, model->bytes);
    return NGX_ERROR;
}


uint64_t
ngx_http_ml_infer_max_rows(ngx_http_ml_infer_model_t *model)
{
    return (uint64_t) model->shape.slots * model->shape.rows;
}


/*
 * In the master, while processes of the old configuration may use the same
 * zone; then nothing is done.
 */

static ngx_int_t
ngx_http_ml_infer_init_slots(ngx_shm_zone_t *zone, void *data)
{
    void                       *memory;
    ngx_slab_pool_t            *shpool;
    ngx_http_ml_infer_model_t  *model;

    if (data) {
        return NGX_OK;
    }

    model = zone->data;
    shpool = (ngx_slab_pool_t *) zone->shm.addr;

    /* not zeroed by the slab: it is fresh, and pages are taken when used */

    memory = ngx_slab_alloc(shpool, ngx_align(ml_slots_size(&model->shape),
                                              ngx_pagesize));

    if (memory == NULL
        || ngx_http_ml_infer_lay_slots(memory, model) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, zone->shm.log, 0,
                      "zone \"%V\" could not be initialized",
                      &zone->shm.name);
        return NGX_ERROR;
    }

    shpool->data = memory;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_infer_lay_slots(void *memory, ngx_http_ml_infer_model_t *model)
{
    uint8_t  key[16];

    if (getrandom(key, sizeof(key), 0) != sizeof(key)) {
        return NGX_ERROR;
    }

    return ml_slots_init(memory, &model->shape, key) == 0 ? NGX_OK
                                                          : NGX_ERROR;
}


ngx_int_t
ngx_http_ml_infer_create_eventfds(ngx_cycle_t *cycle)
{
    int  fd;

    while (ngx_http_ml_infer_eventfds_made < NGX_HTTP_ML_INFER_EVENTFDS) {

        fd = eventfd(0, EFD_NONBLOCK|EFD_CLOEXEC);

        if (fd == -1) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "eventfd() failed");
            return NGX_ERROR;
        }

        ngx_http_ml_infer_eventfds[ngx_http_ml_infer_eventfds_made++] = fd;
    }

    return NGX_OK;
}


/*
 * A process alone has a table of its own: a reload there would take the zone
 * away from under its threads.
 */

ngx_int_t
ngx_http_ml_infer_open_slots(ngx_http_ml_infer_model_t *model, char *error,
    size_t size)
{
    void             *memory;
    ngx_slab_pool_t  *shpool;

    if (model->slots.shared) {
        return NGX_OK;
    }

    if (ngx_process == NGX_PROCESS_SINGLE) {
        memory = mmap(NULL, ml_slots_size(&model->shape),
                      PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

        if (memory == MAP_FAILED
            || ngx_http_ml_infer_lay_slots(memory, model) != NGX_OK)
        {
            (void) snprintf(error, size, "no memory for its slots");
            return NGX_ERROR;
        }

    } else {
        shpool = (ngx_slab_pool_t *) model->zone->shm.addr;
        memory = shpool->data;
    }

    if (ml_slots_open(&model->slots, memory, &model->shape) != 0) {
        (void) snprintf(error, size, "its slots are those of another "
                        "version, restart nginx");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ml_infer_submit_here(ngx_cycle_t *cycle,
    ngx_http_ml_infer_model_t *model, char *error, size_t size)
{
    if (ngx_http_ml_infer_open_slots(model, error, size) != NGX_OK) {
        return NGX_ERROR;
    }

    model->submitter = ml_submitter_create(&model->slots, error, size);

    if (model->submitter == NULL) {
        return NGX_ERROR;
    }

    if (ngx_http_ml_infer_listen(cycle, ml_submitter_entry(model->submitter)
                                        % NGX_HTTP_ML_INFER_EVENTFDS)
        != NGX_OK)
    {
        (void) snprintf(error, size, "could not add an event for its slots");

        (void) model->submitter->ops->close(model->submitter, 0);
        model->submitter = NULL;

        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * As ngx_add_channel_event(), but edge-triggered: channel=1 keeps nginx from
 * taking the descriptor for a connection that a request left open.
 */

static ngx_int_t
ngx_http_ml_infer_listen(ngx_cycle_t *cycle, ngx_uint_t n)
{
    ngx_event_t       *rev;
    ngx_connection_t  *c;

    if (ngx_http_ml_infer_listening[n]) {
        return NGX_OK;
    }

    if (!(ngx_event_flags & NGX_USE_CLEAR_EVENT)) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "the device process needs edge-triggered events, "
                      "\"use epoll\"");
        return NGX_ERROR;
    }

    c = ngx_get_connection(ngx_http_ml_infer_eventfds[n], cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->pool = cycle->pool;

    rev = c->read;
    rev->log = cycle->log;
    rev->channel = 1;
    rev->handler = ngx_http_ml_infer_kicked;

    c->write->log = cycle->log;
    c->write->channel = 1;

    if (ngx_add_event(rev, NGX_READ_EVENT, NGX_CLEAR_EVENT) != NGX_OK) {
        ngx_free_connection(c);
        return NGX_ERROR;
    }

    ngx_http_ml_infer_listening[n] = c;

    return NGX_OK;
}


/* In the thread that owns the device; a counter that cannot be added to any
 * more has woken its process before. */

void
ngx_http_ml_infer_kick(void *data, unsigned entry)
{
    uint64_t  one;

    one = 1;

    (void) !write(ngx_http_ml_infer_eventfds[entry
                                             % NGX_HTTP_ML_INFER_EVENTFDS],
                  &one, sizeof(one));
}


static void
ngx_http_ml_infer_kicked(ngx_event_t *ev)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_ml_infer_running();
    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (models[i]->submitter) {
            ngx_http_ml_infer_collect(models[i]);
        }
    }
}


void
ngx_http_ml_infer_watch(ngx_http_ml_infer_model_t *model)
{
    ngx_event_t  *ev;

    ev = &ngx_http_ml_infer_watcher;

    if (model->submitter == NULL || ev->timer_set) {
        return;
    }

    ev->handler = ngx_http_ml_infer_watched;
    ev->log = ngx_cycle->log;
    ev->cancelable = 1;

    ngx_add_timer(ev, NGX_HTTP_ML_INFER_TICK);
}


/*
 * While jobs are under way: a process that holds a device and does nothing,
 * as one that was stopped, is ended, so that another one takes its place.
 */

static void
ngx_http_ml_infer_watched(ngx_event_t *ev)
{
    int32_t                          pid;
    ngx_uint_t                       i, busy;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_ml_infer_running();
    models = mimcf->models.elts;
    busy = 0;

    for (i = 0; i < mimcf->models.nelts; i++) {

        if (models[i]->submitter == NULL) {
            continue;
        }

        busy |= ml_submitter_watch(models[i]->submitter,
                                   NGX_HTTP_ML_INFER_TICK * 1000000, &pid);

        if (pid && pid != ngx_pid) {
            ngx_http_ml_infer_kill(models[i], pid);
        }
    }

    if (busy) {
        ngx_add_timer(ev, NGX_HTTP_ML_INFER_TICK);
    }
}


/*
 * The descriptor is of whoever had the pid when it was opened; if that pid is
 * the owner's afterwards, it is the owner.
 */

static void
ngx_http_ml_infer_kill(ngx_http_ml_infer_model_t *model, ngx_pid_t pid)
{
    int  fd;

    fd = syscall(SYS_pidfd_open, pid, 0);

    if (fd == -1) {
        return;
    }

    if (ml_slots_owned(&model->slots)
        && model->slots.shared->pid == pid
        && syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0)
    {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                      "process %P owns the device of model \"%V\" and does "
                      "nothing, killed it", pid, &model->name);
    }

    (void) close(fd);
}
