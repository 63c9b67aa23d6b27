/*
 * What infer tells: metrics, status, readiness, and what it tells the breaker;
 * and its share of the zone.
 *
 * Counters live in the core's table.  Histograms, the breaker and the queue
 * depths live in one entry per model, in infer's share of the zone.
 */

#include "ngx_http_ml_infer.h"

#include <stdatomic.h>


/* nanoseconds; 50 us to 10 s */
static const uint64_t  ngx_http_ml_infer_time_bounds[] = {
    50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
    25000000, 50000000, 100000000, 250000000, 500000000, 1000000000,
    2500000000, 5000000000, 10000000000
};

static const uint64_t  ngx_http_ml_infer_row_bounds[] = {
    1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096
};


#define ngx_http_ml_infer_bounds(bounds)                                      \
    bounds, sizeof(bounds) / sizeof(bounds[0])


static const struct {
    ml_histogram_family_t      family;
    size_t                     offset;
} ngx_http_ml_infer_histograms[] = {

    { { "ml_infer_queue_seconds",
        "Time that jobs waited before they started.",
        ngx_http_ml_infer_bounds(ngx_http_ml_infer_time_bounds), 1e-9 },
      offsetof(ml_model_entry_t, queue_ns) },

    { { "ml_infer_compute_seconds",
        "Device time of batches.",
        ngx_http_ml_infer_bounds(ngx_http_ml_infer_time_bounds), 1e-9 },
      offsetof(ml_model_entry_t, compute_ns) },

    { { "ml_infer_request_seconds",
        "Time of jobs from submission to result.",
        ngx_http_ml_infer_bounds(ngx_http_ml_infer_time_bounds), 1e-9 },
      offsetof(ml_model_entry_t, request_ns) },

    { { "ml_infer_batch_size",
        "Rows of batches, without padding.",
        ngx_http_ml_infer_bounds(ngx_http_ml_infer_row_bounds), 1 },
      offsetof(ml_model_entry_t, batch_rows) }
};

#define NGX_HTTP_ML_INFER_NHISTOGRAMS                                         \
    (sizeof(ngx_http_ml_infer_histograms)                                     \
     / sizeof(ngx_http_ml_infer_histograms[0]))


const ml_metric_family_t  ngx_http_ml_infer_families[] = {
    { "ml_infer_requests_total", "counter",
      "Requests to models by outcome." },
    { NULL, NULL, NULL }
};


static const char  *ngx_http_ml_infer_outcomes[] = {
    "unset", "ok", "failed", "expired", "timeout", "queue_full",
    "breaker_open", "unavailable", "invalid", "cancelled", "quarantined"
};


static ml_model_table_t  *ngx_http_ml_infer_table;


ngx_int_t
ngx_http_ml_infer_zone_init(ngx_cycle_t *cycle, u_char *region, size_t size,
    ngx_uint_t fresh)
{
    ngx_uint_t                       i;
    ml_model_table_t                *table;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_cycle_get_module_main_conf(cycle,
                                                ngx_http_ml_infer_module);

    table = ml_model_table_open(region, size, fresh);

    if (table == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "the models' share of ml_zone cannot be used, restart "
                      "nginx");
        return NGX_ERROR;
    }

    /* workers only find what the configuration's process has claimed */

    if (ngx_process != NGX_PROCESS_WORKER
        && ngx_process != NGX_PROCESS_HELPER)
    {
        ml_model_table_next(table);
    }

    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        models[i]->entry = ml_model_table_claim(table,
                                             (char *) models[i]->name.data,
                                             models[i]->name.len);

        if (models[i]->entry == NULL) {
            ngx_http_ml_conf_error(cycle, &models[i]->place,
                                   "ml_zone is too small for %ui models",
                                   mimcf->models.nelts);
            return NGX_ERROR;
        }
    }

    ngx_http_ml_infer_table = table;

    return NGX_OK;
}


void
ngx_http_ml_infer_reap(ngx_uint_t process)
{
    if (ngx_http_ml_infer_table) {
        ml_model_table_reap(ngx_http_ml_infer_table, process);
    }
}


const char *
ngx_http_ml_infer_outcome(ngx_uint_t outcome)
{
    return ngx_http_ml_infer_outcomes[outcome];
}


void
ngx_http_ml_infer_count(ngx_http_ml_infer_model_t *model, ngx_uint_t outcome)
{
    u_char  labels[128], *p;

    if (model->counters[outcome] == NULL) {
        p = ngx_snprintf(labels, sizeof(labels) - 1,
                         "model=\"%V\",outcome=\"%s\"", &model->name,
                         ngx_http_ml_infer_outcomes[outcome]);
        *p = '\0';

        model->counters[outcome] =
                    ngx_http_ml_infer_api->counter("ml_infer_requests_total",
                                                   (char *) labels);
    }

    (void) atomic_fetch_add_explicit(model->counters[outcome], 1,
                                     memory_order_relaxed);
}


static void
ngx_http_ml_infer_observe(ngx_http_ml_infer_model_t *model, ngx_uint_t i,
    uint64_t value)
{
    ml_histogram_t  *histogram;

    histogram = (ml_histogram_t *) ((u_char *) model->entry
                               + ngx_http_ml_infer_histograms[i].offset);

    ml_histogram_observe(histogram, &ngx_http_ml_infer_histograms[i].family,
                         value);
}


void
ngx_http_ml_infer_ran(void *data, uint64_t device_ns, int64_t rows,
    int failed)
{
    ngx_http_ml_infer_model_t  *model = data;

    ngx_http_ml_infer_observe(model, 1, device_ns);
    ngx_http_ml_infer_observe(model, 3, rows);

    atomic_fetch_add_explicit(&model->entry->device_ns, device_ns,
                              memory_order_relaxed);

    if (!failed) {
        ml_model_entry_learn(model->entry, device_ns, rows);
    }
}


static void
ngx_http_ml_infer_measure(ngx_http_ml_infer_model_t *model,
    const ml_job_t *job)
{
    if (job->started == 0) {
        ngx_http_ml_infer_observe(model, 0, job->finished - job->submitted);
        return;
    }

    ngx_http_ml_infer_observe(model, 0, job->started - job->submitted);
    ngx_http_ml_infer_observe(model, 2, job->finished - job->submitted);
}


void
ngx_http_ml_infer_conclude(ngx_http_ml_infer_task_t *task)
{
    ml_job_t                   *job;
    ngx_http_ml_infer_model_t  *model;

    job = task->job;
    model = task->model;

    ngx_http_ml_infer_measure(model, job);

    if (task->told) {
        return;
    }

    if (job->status == ML_JOB_POISON) {
        ngx_http_ml_infer_tell(task, 1);
        return;
    }

    if (job->started) {

        switch (job->status) {

        case ML_JOB_OK:
            if (job->finished <= job->deadline) {
                ngx_http_ml_infer_tell(task, 0);
                return;
            }

            /* fall through */

        case ML_JOB_LATE:
            if (task->ctx == NULL) {
                break;
            }

            /* fall through */

        case ML_JOB_FAILED:
            ngx_http_ml_infer_tell(task, 1);
            return;

        default:
            break;
        }
    }

    ml_breaker_release(&model->entry->breaker, ngx_http_ml_infer_msec(),
                       &task->ticket);
}


/*
 * Whether the job's batch is news to the breaker.  In a batch of the device
 * process several workers have a part, and a job that it died of is in none.
 */

static ngx_uint_t
ngx_http_ml_infer_untold(ngx_http_ml_infer_model_t *model,
    const ml_job_t *job)
{
    uint64_t           last;
    _Atomic uint64_t  *told;

    if (job->batch == 0) {
        return 1;
    }

    told = job->executor && job->executor == model->submitter
           ? &model->slots.shared->told : &model->told;

    last = atomic_load(told);

    while (last < job->batch) {
        if (atomic_compare_exchange_weak(told, &last, job->batch)) {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_ml_infer_tell(ngx_http_ml_infer_task_t *task, ngx_uint_t failed)
{
    uint64_t                    now;
    ngx_uint_t                  untold;
    ml_breaker_t               *breaker;
    ngx_http_ml_infer_model_t  *model;

    model = task->model;
    breaker = &model->entry->breaker;
    now = ngx_http_ml_infer_msec();

    untold = ngx_http_ml_infer_untold(model, task->job);

    if (!untold && !task->ticket.probe) {
        ml_breaker_release(breaker, now, &task->ticket);
        return;
    }

    if (failed) {
        ml_breaker_failure(breaker, &model->breaker, now, &task->ticket);

    } else {
        ml_breaker_success(breaker, &model->breaker, now, &task->ticket);
    }
}


/* "ready", "starting", "unavailable"; static. */

static const char *
ngx_http_ml_infer_state(ngx_http_ml_infer_model_t *model)
{
    if (model->executor == NULL) {
        return "unavailable";
    }

    switch (model->executor->ops->state(model->executor)) {

    case ML_EXECUTOR_READY:
        return "ready";

    case ML_EXECUTOR_STARTING:
        return "starting";

    default:
        return "unavailable";
    }
}


ngx_uint_t
ngx_http_ml_infer_is_ready(ngx_http_ml_infer_model_t *model)
{
    return model->executor
           && model->executor->ops->state(model->executor)
              == ML_EXECUTOR_READY;
}


/* Jobs that wait: in all workers, and for the device process. */

static uint64_t
ngx_http_ml_infer_depth(ngx_http_ml_infer_model_t *model)
{
    uint64_t    depth;
    ngx_uint_t  n;

    n = ngx_http_ml_infer_api->processes();

    /* without a zone there is this process only, in one of the cells */

    depth = ml_model_entry_depth(model->entry,
                                 n ? n : ML_MODEL_TABLE_PROCESSES);

    if (model->slots.shared) {
        depth += ml_slots_count(&model->slots, ML_SLOT_QUEUED);
    }

    return depth;
}


ngx_uint_t
ngx_http_ml_infer_ready(ml_text_t *reason)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_ml_infer_running();

    if (mimcf == NULL) {
        return 1;
    }

    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (!ngx_http_ml_infer_is_ready(models[i])) {
            ml_text_printf(reason, "model \"%s\" is %s",
                           models[i]->name.data,
                           ngx_http_ml_infer_state(models[i]));
            return 0;
        }
    }

    return 1;
}


/* What the device is called in labels: not a path. */

static const char *
ngx_http_ml_infer_device_label(ngx_http_ml_infer_model_t *model)
{
    return ngx_strcmp(model->backend, "fault") == 0
           ? "fault" : (char *) model->device.data;
}


/* Of a model of the device process: what its owner tells. */

static void
ngx_http_ml_infer_status_process(ml_text_t *out,
    ngx_http_ml_infer_model_t *model)
{
    int64_t             most;
    unsigned            i;
    ml_slots_shared_t  *shared;

    shared = model->slots.shared;

    if (shared == NULL) {
        return;
    }

    ml_text_printf(out, ",\"process\":{\"pid\":%ld,\"owners\":%llu,"
                   "\"slots\":%lu,\"slots_free\":%lu,\"batches\":%llu,"
                   "\"runs\":[",
                   (long) atomic_load(&shared->pid),
                   (unsigned long long) atomic_load(&shared->epoch),
                   (unsigned long) model->slots.shape.slots,
                   (unsigned long) ml_slots_count(&model->slots,
                                                  ML_SLOT_FREE),
                   (unsigned long long) atomic_load(&shared->batches));

    most = atomic_load(&shared->prediction.most);

    for (i = 0; i < ml_prediction_sizes(most); i++) {
        ml_text_printf(out, "%s{\"rows\":%ld,\"seconds\":", i ? "," : "",
                       (long) ml_prediction_rows(most, i));
        ml_text_double(out, (double) atomic_load(&shared->prediction.ns[i])
                            * 1e-9);

        if (model->automatic) {
            ml_text_printf(out, ",\"cpu_seconds\":");
            ml_text_double(out, (double) atomic_load(&shared->cpu.ns[i])
                                * 1e-9);
            ml_text_printf(out, ",\"preferred\":\"%s\"",
                           (atomic_load(&shared->preferred) >> i) & 1
                           ? "device" : "cpu");
        }

        ml_text_append(out, "}", 1);
    }

    ml_text_append(out, "]}", 2);
}


void
ngx_http_ml_infer_status_json(ml_text_t *out)
{
    ngx_uint_t                       i;
    ml_model_entry_t                *entry;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_ml_infer_running();

    ml_text_printf(out, ",\"models\":{");

    for (i = 0; mimcf && i < mimcf->models.nelts; i++) {
        models = mimcf->models.elts;
        entry = models[i]->entry;

        ml_text_printf(out, "%s\"%s\":{\"ready\":%s,\"state\":\"%s\","
                       "\"device\":\"%s\",\"executor\":\"%s\","
                       "\"batch\":%ld,\"queue\":%ld,\"queue_depth\":%llu,"
                       "\"breaker\":\"%s\",\"row_seconds\":",
                       i ? "," : "", models[i]->name.data,
                       ngx_http_ml_infer_is_ready(models[i]) ? "true"
                                                             : "false",
                       ngx_http_ml_infer_state(models[i]),
                       ngx_http_ml_infer_device_label(models[i]),
                       models[i]->executor ? models[i]->executor->ops->name
                                           : "none",
                       (long) models[i]->batch, (long) models[i]->queue,
                       (unsigned long long)
                                          ngx_http_ml_infer_depth(models[i]),
                       ml_breaker_state_name(
                                          ml_breaker_state(&entry->breaker)));

        ml_text_double(out, (double) atomic_load(&entry->row_ns) * 1e-9);
        ngx_http_ml_infer_status_process(out, models[i]);
        ml_text_append(out, "}", 1);
    }

    ml_text_append(out, "}", 1);
}


/* One sample for each device, whichever models it ran. */

static void
ngx_http_ml_infer_status_busy(ml_text_t *out,
    ngx_http_ml_infer_main_conf_t *mimcf)
{
    uint64_t                     ns;
    ngx_uint_t                   i, j;
    const char                  *label;
    ngx_http_ml_infer_model_t  **models;

    models = mimcf->models.elts;

    ml_text_printf(out,
                   "# HELP ml_infer_device_busy_seconds_total Time that the "
                   "device ran batches.\n"
                   "# TYPE ml_infer_device_busy_seconds_total counter\n");

    for (i = 0; i < mimcf->models.nelts; i++) {

        label = ngx_http_ml_infer_device_label(models[i]);
        ns = 0;

        for (j = 0; j < mimcf->models.nelts; j++) {

            if (ngx_strcmp(ngx_http_ml_infer_device_label(models[j]), label)
                != 0)
            {
                continue;
            }

            if (j < i) {
                break;
            }

            ns += atomic_load(&models[j]->entry->device_ns);
        }

        if (j == mimcf->models.nelts) {
            ml_text_printf(out, "ml_infer_device_busy_seconds_total{device="
                           "\"%s\"} %.15g\n", label, (double) ns * 1e-9);
        }
    }
}


static void
ngx_http_ml_infer_status_owners(ml_text_t *out,
    ngx_http_ml_infer_main_conf_t *mimcf)
{
    ngx_uint_t                   i;
    ngx_http_ml_infer_model_t  **models;

    models = mimcf->models.elts;

    ml_text_printf(out,
                   "# HELP ml_infer_device_owners_total Processes that have "
                   "owned the model's device.\n"
                   "# TYPE ml_infer_device_owners_total counter\n");

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (models[i]->slots.shared) {
            ml_text_printf(out, "ml_infer_device_owners_total{model=\"%s\"} "
                           "%llu\n", models[i]->name.data,
                           (unsigned long long)
                           atomic_load(&models[i]->slots.shared->epoch));
        }
    }
}


void
ngx_http_ml_infer_status_prometheus(ml_text_t *out)
{
    char                             labels[NGX_HTTP_ML_INFER_ERROR_SIZE];
    ngx_uint_t                       i, h;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_ml_infer_running();

    if (mimcf == NULL) {
        return;
    }

    models = mimcf->models.elts;

    for (h = 0; h < NGX_HTTP_ML_INFER_NHISTOGRAMS; h++) {

        ml_histogram_head(out, &ngx_http_ml_infer_histograms[h].family);

        for (i = 0; i < mimcf->models.nelts; i++) {
            (void) snprintf(labels, sizeof(labels), "model=\"%s\"",
                            models[i]->name.data);

            ml_histogram_render(out, &ngx_http_ml_infer_histograms[h].family,
                                (ml_histogram_t *)
                                ((u_char *) models[i]->entry
                                 + ngx_http_ml_infer_histograms[h].offset),
                                labels);
        }
    }

    ml_text_printf(out,
                   "# HELP ml_infer_queue_depth Jobs that wait.\n"
                   "# TYPE ml_infer_queue_depth gauge\n");

    for (i = 0; i < mimcf->models.nelts; i++) {
        ml_text_printf(out, "ml_infer_queue_depth{model=\"%s\"} %llu\n",
                       models[i]->name.data,
                       (unsigned long long)
                                          ngx_http_ml_infer_depth(models[i]));
    }

    ml_text_printf(out,
                   "# HELP ml_infer_breaker_state Breaker of the model: "
                   "0 closed, 1 open, 2 half-open.\n"
                   "# TYPE ml_infer_breaker_state gauge\n");

    for (i = 0; i < mimcf->models.nelts; i++) {
        ml_text_printf(out, "ml_infer_breaker_state{model=\"%s\"} %d\n",
                       models[i]->name.data,
                       (int) ml_breaker_state(&models[i]->entry->breaker));
    }

    ngx_http_ml_infer_status_busy(out, mimcf);
    ngx_http_ml_infer_status_owners(out, mimcf);
}
