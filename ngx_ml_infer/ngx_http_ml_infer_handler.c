/*
 * Gate and content handler: how a request becomes a job, and what may happen
 * to it until it has an answer.
 *
 * DESIGN.  While a job is under way three things can come first: its result,
 * its deadline (a timer, which also keeps a worker that is told to quit
 * waiting), or the end of the request, when its client leaves.  Whoever is
 * first takes ctx->task and clears it.  A job that was already running goes
 * on without a request; its task then has no ctx, and completed() only counts
 * and frees it.
 */

#include "ngx_http_ml_infer.h"


/* For a model that only a person can bring back. */
#define NGX_HTTP_ML_INFER_RETRY  30


static ngx_http_ml_infer_ctx_t *ngx_http_ml_infer_get_ctx(
    ngx_http_request_t *r, ngx_http_ml_state_t *state);
static void ngx_http_ml_infer_locate(ngx_http_request_t *r,
    ngx_http_ml_infer_ctx_t *ctx);
static ngx_int_t ngx_http_ml_infer_refuse(ngx_http_ml_infer_ctx_t *ctx,
    ngx_uint_t outcome, ngx_uint_t status, const char *detail,
    ngx_uint_t retry);
static ngx_int_t ngx_http_ml_infer_unavailable(ngx_http_ml_infer_ctx_t *ctx);
static ngx_int_t ngx_http_ml_infer_open(ngx_http_ml_infer_ctx_t *ctx,
    uint64_t ms);
static ngx_int_t ngx_http_ml_infer_quarantined(ngx_http_ml_infer_ctx_t *ctx,
    uint64_t ns);
static ngx_http_ml_infer_task_t *ngx_http_ml_infer_task(
    ngx_http_ml_infer_ctx_t *ctx, int64_t rows);
static void ngx_http_ml_infer_task_free(ngx_http_ml_infer_task_t *task);
static ngx_int_t ngx_http_ml_infer_submit(ngx_http_ml_infer_ctx_t *ctx,
    ngx_http_ml_infer_task_t *task);
static ngx_int_t ngx_http_ml_infer_wait(ngx_http_ml_infer_ctx_t *ctx,
    ngx_http_ml_infer_task_t *task);
static void ngx_http_ml_infer_deadline(ngx_event_t *ev);
static void ngx_http_ml_infer_cleanup(void *data);
static void ngx_http_ml_infer_bill(ngx_http_ml_infer_ctx_t *ctx,
    uint64_t device_ns, int64_t rows);
static ngx_int_t ngx_http_ml_infer_result(ngx_http_ml_infer_ctx_t *ctx,
    ml_job_t *job);


/* What the client is told to wait: whole seconds, at least one. */

static ngx_uint_t
ngx_http_ml_infer_seconds(uint64_t ns)
{
    return ngx_max((ns + 999999999) / 1000000000, 1);
}


static uint64_t
ngx_http_ml_infer_backlog(ngx_http_ml_infer_model_t *model)
{
    return model->executor->ops->backlog(model->executor);
}


ngx_int_t
ngx_http_ml_infer_gate(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    uint64_t                    ms;
    ngx_int_t                   rc;
    ngx_http_ml_infer_ctx_t    *ctx;
    ngx_http_ml_infer_model_t  *model;

    ctx = ngx_http_ml_infer_get_ctx(r, state);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->conf->oip) {
        rc = ngx_http_ml_infer_oip_gate(ctx);

        if (rc != NGX_OK) {
            return rc;
        }
    }

    model = ctx->model;

    if (model->executor == NULL
        || model->executor->ops->state(model->executor)
           > ML_EXECUTOR_STARTING)
    {
        return ngx_http_ml_infer_unavailable(ctx);
    }

    ms = ml_breaker_peek(&model->entry->breaker, ngx_http_ml_infer_msec());

    if (ms) {
        return ngx_http_ml_infer_open(ctx, ms);
    }

    return NGX_DECLINED;
}


/* What a row took lately, in whatever batch; at first, what it would alone. */

static uint64_t
ngx_http_ml_infer_rows_ns(ngx_http_ml_infer_model_t *model, int64_t rows)
{
    uint64_t  ns;

    ns = model->entry->row_ns * (uint64_t) rows;

    if (ns == 0 && model->executor) {
        ns = model->executor->ops->predict(model->executor, rows);
    }

    return ns;
}


uint64_t
ngx_http_ml_infer_device_time(ngx_http_request_t *r,
    ngx_http_ml_state_t *state)
{
    int64_t                     rows;
    uint64_t                    ns;
    ngx_http_ml_infer_ctx_t     place;
    ngx_http_ml_infer_model_t  *model;

    ngx_http_ml_infer_locate(r, &place);
    model = place.model;

    if (model == NULL
        || model->entry == NULL
        || (place.conf->oip && place.path.endpoint != ML_OIP_INFER))
    {
        return 0;
    }

    rows = 1;

    if (state->tensors) {
        rows = ml_contract_rows(model->model, state->tensors, state->ntensors,
                                place.form);
    }

    ns = ngx_http_ml_infer_rows_ns(model, ngx_max(rows, 1));

    /* nothing is for nothing */

    return ngx_max(ns, 1);
}


ngx_int_t
ngx_http_ml_infer_handler(ngx_http_request_t *r)
{
    int64_t                        rows;
    uint64_t                       ms, ns;
    ngx_int_t                      rc;
    const char                    *wrong;
    ngx_http_ml_state_t           *state;
    ml_breaker_ticket_t            ticket;
    ngx_http_ml_infer_ctx_t       *ctx;
    ngx_http_ml_infer_task_t      *task;
    ngx_http_ml_infer_model_t     *model;
    ngx_http_ml_infer_loc_conf_t  *conf;
    const ngx_http_ml_feature_t   *validate;

    state = ngx_http_ml_infer_api->state(r);
    validate = ngx_http_ml_infer_validate();

    conf = ngx_http_get_module_loc_conf(r, ngx_http_ml_infer_module);

    if (conf->oip && r == r->main && state) {
        ctx = ngx_http_ml_infer_get_ctx(r, state);
        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_http_ml_infer_oip_gate(ctx);

        if (rc != NGX_OK) {
            return rc == NGX_DECLINED ? ngx_http_ml_infer_oip_handler(ctx)
                                      : rc;
        }
    }

    /*
     * Subrequests skip the guards, and a redirect may lead here from a
     * location with another contract: only tensors that passed this one.
     */

    if (r != r->main
        || state == NULL
        || state->tensors == NULL
        || state->contract
           != ngx_http_get_module_loc_conf(r, (*validate->module)))
    {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "\"ml_infer\" was reached without tensors that were "
                      "validated for its location");

        if (r == r->main && state) {
            state->refund = 1;
        }

        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx = ngx_http_ml_infer_get_ctx(r, state);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    model = ctx->model;

    if (model->executor == NULL) {
        return ngx_http_ml_infer_unavailable(ctx);
    }

    wrong = conf->oip ? ngx_http_ml_infer_oip_wrong(ctx) : NULL;

    if (wrong) {
        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_INVALID, 422,
                                        wrong, 0);
    }

    rows = ml_contract_rows(model->model, state->tensors, state->ntensors,
                            ctx->form);

    if (rows < 1) {
        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_INVALID, 422,
                                 rows == 0 ? "The batch has no rows"
                                           : "The tensors differ in rows", 0);
    }

    /*
     * What is being run counts whole here, though part of it is over: about
     * what the request's own run will take.
     */

    ns = ngx_http_ml_infer_backlog(model);

    if (ns > (uint64_t) model->timeout * 1000000) {
        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_EXPIRED,
                                        NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "The model is too busy to meet the "
                                        "deadline",
                                        ngx_http_ml_infer_seconds(ns));
    }

    ms = ml_breaker_admit(&model->entry->breaker, &model->breaker,
                          ngx_http_ml_infer_msec(), &ticket);
    if (ms) {
        return ngx_http_ml_infer_open(ctx, ms);
    }

    task = ngx_http_ml_infer_task(ctx, rows);

    if (task == NULL) {
        ml_breaker_release(&model->entry->breaker, ngx_http_ml_infer_msec(),
                           &ticket);
        state->refund = 1;
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    task->ticket = ticket;

    return ngx_http_ml_infer_submit(ctx, task);
}


static ngx_http_ml_infer_ctx_t *
ngx_http_ml_infer_get_ctx(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    ngx_http_cleanup_t       *cln;
    ngx_http_ml_infer_ctx_t  *ctx;

    ctx = ngx_http_ml_infer_ctx(state);

    if (ctx == NULL) {
        ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_ml_infer_ctx_t));
        if (ctx == NULL) {
            return NULL;
        }

        /* runs before the core's, which settles, as it was added later */

        cln = ngx_http_cleanup_add(r, 0);
        if (cln == NULL) {
            return NULL;
        }

        cln->handler = ngx_http_ml_infer_cleanup;
        cln->data = ctx;

        ctx->request = r;
        ctx->state = state;

        state->part[NGX_HTTP_ML_INFER] = ctx;
    }

    /* another location after a redirect */

    ngx_http_ml_infer_locate(r, ctx);

    return ctx;
}


/* Sets what the location, and perhaps the path, says of the model. */

static void
ngx_http_ml_infer_locate(ngx_http_request_t *r, ngx_http_ml_infer_ctx_t *ctx)
{
    ctx->conf = ngx_http_get_module_loc_conf(r, ngx_http_ml_infer_module);

    if (!ctx->conf->oip) {
        ctx->model = ctx->conf->model;
        ctx->form = ctx->conf->form;
        return;
    }

    ctx->model = ngx_http_ml_infer_oip_model(r, &ctx->path);
    ctx->form = ctx->model && ml_model_batched(ctx->model->model)
                ? ML_CONTRACT_BATCH : ML_CONTRACT_WHOLE;
}


static ngx_int_t
ngx_http_ml_infer_refuse(ngx_http_ml_infer_ctx_t *ctx, ngx_uint_t outcome,
    ngx_uint_t status, const char *detail, ngx_uint_t retry)
{
    ml_error_answer_t  answer;

    ctx->outcome = outcome;
    ngx_http_ml_infer_count(ctx->model, outcome);

    /* what a client can bring about is not given back */

    if (outcome != NGX_HTTP_ML_INFER_TIMEOUT
        && outcome != NGX_HTTP_ML_INFER_QUARANTINED)
    {
        ctx->state->refund = 1;
    }

    ngx_log_error(ctx->conf->log_level, ctx->request->connection->log, 0,
                  "inference refused: %s, model \"%V\"",
                  ngx_http_ml_infer_outcome(outcome), &ctx->model->name);

    ngx_memzero(&answer, sizeof(ml_error_answer_t));

    answer.status = status;
    answer.detail = detail;
    answer.retry_after = retry;

    return ngx_http_ml_infer_api->refuse(ctx->request, ctx->state, &answer,
                                         ngx_http_ml_infer_outcome(outcome));
}


static ngx_int_t
ngx_http_ml_infer_unavailable(ngx_http_ml_infer_ctx_t *ctx)
{
    return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_UNAVAILABLE,
                                    NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "The model is not available",
                                    NGX_HTTP_ML_INFER_RETRY);
}


static ngx_int_t
ngx_http_ml_infer_open(ngx_http_ml_infer_ctx_t *ctx, uint64_t ms)
{
    return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_BREAKER_OPEN,
                                    NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "The model is failing",
                                    (ms + 999) / 1000);
}


static ngx_int_t
ngx_http_ml_infer_quarantined(ngx_http_ml_infer_ctx_t *ctx, uint64_t ns)
{
    return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_QUARANTINED,
                                    NGX_HTTP_SERVICE_UNAVAILABLE,
                                    "The model does not survive this request",
                                    ngx_http_ml_infer_seconds(ns));
}


/* The tensors become the job's. */

static ngx_http_ml_infer_task_t *
ngx_http_ml_infer_task(ngx_http_ml_infer_ctx_t *ctx, int64_t rows)
{
    size_t                      i;
    ml_job_t                   *job;
    ml_tensor_t                *tensor;
    ngx_http_ml_state_t        *state;
    ngx_http_ml_infer_task_t   *task;
    ngx_http_ml_infer_model_t  *model;

    state = ctx->state;
    model = ctx->model;

    task = ngx_calloc(sizeof(ngx_http_ml_infer_task_t),
                      ctx->request->connection->log);
    if (task == NULL) {
        return NULL;
    }

    task->model = model;
    task->ctx = ctx;

    job = ml_job_create(model->ninputs, model->noutputs);
    task->job = job;

    if (job == NULL) {
        ngx_free(task);
        return NULL;
    }

    for (i = 0; i < model->ninputs; i++) {
        tensor = ml_contract_find(state->tensors, state->ntensors,
                                  model->inputs[i].name);

        if (tensor == NULL || tensor->data == NULL) {

            /* an error_page led here again: there is nothing left to run */

            ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                          "the tensors of this request are used up");
            ngx_http_ml_infer_task_free(task);
            return NULL;
        }

        job->inputs[i] = tensor->data;
        tensor->data = NULL;
    }

    job->rows = rows;
    job->data = task;
    job->deadline = ml_monotonic_ns() + (uint64_t) model->timeout * 1000000;

    return task;
}


static void
ngx_http_ml_infer_task_free(ngx_http_ml_infer_task_t *task)
{
    ml_job_free(task->job);
    ngx_free(task);
}


static ngx_int_t
ngx_http_ml_infer_submit(ngx_http_ml_infer_ctx_t *ctx,
    ngx_http_ml_infer_task_t *task)
{
    uint64_t                    ns;
    ngx_int_t                   rc;
    ml_submit_e                 submitted;
    ngx_http_ml_infer_model_t  *model;

    model = ctx->model;

    submitted = model->executor->ops->submit(model->executor, task->job);

    switch (submitted) {

    case ML_SUBMIT_QUEUED:
        return ngx_http_ml_infer_wait(ctx, task);

    case ML_SUBMIT_DONE:
        ngx_http_ml_infer_conclude(task);
        rc = ngx_http_ml_infer_result(ctx, task->job);
        ngx_http_ml_infer_task_free(task);
        return rc;

    default:
        break;
    }

    ns = task->job->quarantine_ns;

    ml_breaker_release(&model->entry->breaker, ngx_http_ml_infer_msec(),
                       &task->ticket);
    ngx_http_ml_infer_task_free(task);

    if (submitted == ML_SUBMIT_QUARANTINED) {
        return ngx_http_ml_infer_quarantined(ctx, ns);
    }

    if (submitted == ML_SUBMIT_FULL) {
        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_QUEUE_FULL,
                                        NGX_HTTP_TOO_MANY_REQUESTS,
                                        "The model's queue is full",
                                        ngx_http_ml_infer_seconds(
                                           ngx_http_ml_infer_backlog(model)));
    }

    return ngx_http_ml_infer_unavailable(ctx);
}


static ngx_int_t
ngx_http_ml_infer_wait(ngx_http_ml_infer_ctx_t *ctx,
    ngx_http_ml_infer_task_t *task)
{
    ngx_http_request_t  *r;

    r = ctx->request;
    ctx->task = task;

    /* from here on the cleanup takes the job back */

    if (ngx_handle_read_event(r->connection->read, 0) != NGX_OK) {
        ngx_http_ml_infer_cleanup(ctx);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->connection->log->action = "waiting for inference";

    ctx->timer.handler = ngx_http_ml_infer_deadline;
    ctx->timer.data = ctx;
    ctx->timer.log = r->connection->log;

    ngx_add_timer(&ctx->timer, ctx->model->timeout);

    ngx_http_ml_infer_watch(ctx->model);

    r->main->count++;

    return NGX_DONE;
}


/* A job came back from its executor. */

void
ngx_http_ml_infer_completed(ml_job_t *job)
{
    ngx_int_t                  rc;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_ml_infer_ctx_t   *ctx;
    ngx_http_ml_infer_task_t  *task;

    task = job->data;
    ctx = task->ctx;

    ngx_http_ml_infer_conclude(task);

    if (ctx == NULL) {
        ngx_http_ml_infer_task_free(task);
        return;
    }

    ctx->task = NULL;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;

    rc = ngx_http_ml_infer_result(ctx, job);

    ngx_http_ml_infer_task_free(task);

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static void
ngx_http_ml_infer_deadline(ngx_event_t *ev)
{
    ngx_int_t                   rc;
    ml_cancel_e                 cancelled;
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_ml_infer_ctx_t    *ctx;
    ngx_http_ml_infer_task_t   *task;
    ngx_http_ml_infer_model_t  *model;

    ctx = ev->data;
    task = ctx->task;
    model = task->model;
    r = ctx->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    cancelled = model->executor->ops->cancel(model->executor, task->job);

    if (cancelled == ML_CANCEL_FINISHED) {

        /* its event is on the way; a timer must stand until then (quit) */

        ngx_add_timer(ev, 10);
        return;
    }

    ctx->task = NULL;

    r->read_event_handler = ngx_http_block_reading;

    if (cancelled == ML_CANCEL_REMOVED) {
        task->job->status = ML_JOB_EXPIRED;
        task->job->finished = ml_monotonic_ns();

        ngx_http_ml_infer_conclude(task);

        rc = ngx_http_ml_infer_result(ctx, task->job);

        ngx_http_ml_infer_task_free(task);

    } else {

        /* now: a backend that hangs would never say it */

        task->ctx = NULL;
        task->told = 1;

        ngx_http_ml_infer_tell(task, 1);
        ngx_http_ml_infer_bill(ctx, 0, task->job->rows);

        if (cancelled == ML_CANCEL_ABANDONED) {
            ngx_http_ml_infer_task_free(task);
        }

        rc = ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_TIMEOUT,
                                      NGX_HTTP_GATEWAY_TIME_OUT,
                                      "The deadline passed while the model "
                                      "was running", 0);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


/* The request ends before its job: only state and job may be touched. */

static void
ngx_http_ml_infer_cleanup(void *data)
{
    ngx_http_ml_infer_ctx_t    *ctx = data;

    ngx_http_ml_infer_task_t   *task;
    ngx_http_ml_infer_model_t  *model;

    task = ctx->task;

    if (task == NULL) {
        return;
    }

    model = task->model;

    ctx->task = NULL;
    task->ctx = NULL;

    if (ctx->timer.timer_set) {
        ngx_del_timer(&ctx->timer);
    }

    ctx->outcome = NGX_HTTP_ML_INFER_CANCELLED;
    ngx_http_ml_infer_count(model, NGX_HTTP_ML_INFER_CANCELLED);

    switch (model->executor->ops->cancel(model->executor, task->job)) {

    case ML_CANCEL_REMOVED:
        ctx->state->refund = 1;
        ml_breaker_release(&model->entry->breaker, ngx_http_ml_infer_msec(),
                           &task->ticket);
        ngx_http_ml_infer_task_free(task);
        break;

    case ML_CANCEL_RUNNING:
        ngx_http_ml_infer_bill(ctx, 0, task->job->rows);
        break;

    case ML_CANCEL_ABANDONED:
        ngx_http_ml_infer_bill(ctx, 0, task->job->rows);
        ml_breaker_release(&model->entry->breaker, ngx_http_ml_infer_msec(),
                           &task->ticket);
        ngx_http_ml_infer_task_free(task);
        break;

    case ML_CANCEL_FINISHED:
        ngx_http_ml_infer_bill(ctx, task->job->device_ns, task->job->rows);
        break;
    }
}


/* The device worked for the request; when its time is not known yet, what
 * its rows usually take. */

static void
ngx_http_ml_infer_bill(ngx_http_ml_infer_ctx_t *ctx, uint64_t device_ns,
    int64_t rows)
{
    if (device_ns == 0) {
        device_ns = ngx_http_ml_infer_rows_ns(ctx->model, rows);
    }

    ctx->state->executed = 1;
    ctx->state->compute_ns = device_ns;
}


static ngx_int_t
ngx_http_ml_infer_result(ngx_http_ml_infer_ctx_t *ctx, ml_job_t *job)
{
    if (job->started) {
        ctx->ran = 1;
        ctx->queue_ns = job->started - job->submitted;
        ctx->compute_ns = job->device_ns;
        ctx->batch_rows = job->batch_rows;
    }

    switch (job->status) {

    case ML_JOB_OK:
        ngx_http_ml_infer_bill(ctx, job->device_ns, job->rows);

        return ngx_http_ml_infer_answer(ctx, job);

    case ML_JOB_FAILED:
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "model \"%V\" failed: %s", &ctx->model->name,
                      job->error);

        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_FAILED,
                                        NGX_HTTP_INTERNAL_SERVER_ERROR,
                                        "Inference failed", 0);

    case ML_JOB_POISON:
        ngx_log_error(NGX_LOG_ERR, ctx->request->connection->log, 0,
                      "the device process of model \"%V\" died twice of a "
                      "request, which is quarantined", &ctx->model->name);

        return ngx_http_ml_infer_quarantined(ctx, ML_SLOTS_QUARANTINE_NS);

    case ML_JOB_EXPIRED:
        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_EXPIRED,
                                        NGX_HTTP_SERVICE_UNAVAILABLE,
                                        "The deadline passed before the "
                                        "model was free",
                                        ngx_http_ml_infer_seconds(
                                      ngx_http_ml_infer_backlog(ctx->model)));

    case ML_JOB_LATE:
        ngx_http_ml_infer_bill(ctx, job->device_ns, job->rows);

        return ngx_http_ml_infer_refuse(ctx, NGX_HTTP_ML_INFER_TIMEOUT,
                                        NGX_HTTP_GATEWAY_TIME_OUT,
                                        "The deadline passed while the model "
                                        "was running", 0);

    default: /* ML_JOB_CANCELLED: the device was asked to stop */
        return ngx_http_ml_infer_unavailable(ctx);
    }
}
