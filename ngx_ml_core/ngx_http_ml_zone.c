/*
 * The shared zone: carved once, kept across reloads, joined by each process.
 *
 * DESIGN.  An eighth of the zone is the core's (process entries, counters),
 * an eighth infer's, and the rest the limiter's, whether or not a feature is
 * loaded, so that loading one later finds its share.  Everything is taken
 * with ngx_slab_alloc() and never given back: the slab header stays nginx's,
 * since the master locks through it when a worker dies.
 *
 * Pointers into the zone that are kept in static variables are those of this
 * process and are set when it starts; the master keeps none beyond a
 * configuration load, because a load that fails unmaps its new zone.
 */

#include "ngx_http_ml_core.h"

#include <openssl/rand.h>


/* validate keeps nothing in the zone but counters */
static const ngx_uint_t  ngx_http_ml_eighths[NGX_HTTP_ML_NFEATURES] = {
    6,                                  /* NGX_HTTP_ML_RATELIMIT */
    0,                                  /* NGX_HTTP_ML_VALIDATE */
    1                                   /* NGX_HTTP_ML_INFER */
};


_Static_assert(NGX_HTTP_ML_PROCESSES == ML_PROCESS_MAX,
               "features lay out as many processes as can claim an entry");


static ngx_int_t ngx_http_ml_init_zone(ngx_shm_zone_t *shm_zone, void *data);
static ngx_int_t ngx_http_ml_carve(ngx_shm_zone_t *shm_zone);
static ngx_int_t ngx_http_ml_init_shares(ngx_http_ml_main_conf_t *mmcf,
    ngx_cycle_t *cycle);
static void ngx_http_ml_reap_process(void *data, unsigned index);


static ngx_pid_t                 ngx_http_ml_attached;
static ngx_int_t                 ngx_http_ml_entry = -1;
static ngx_http_ml_main_conf_t  *ngx_http_ml_main_conf;
static ngx_http_ml_shared_t     *ngx_http_ml_shared;
static ml_metrics_t             *ngx_http_ml_local_metrics;
static u_char                    ngx_http_ml_local_key[16];


char *
ngx_http_ml_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_main_conf_t  *mmcf = conf;

    u_char     *p;
    ssize_t     size;
    ngx_str_t  *value, name, s;

    if (mmcf->zone) {
        return "is duplicate";
    }

    value = cf->args->elts;

    p = (u_char *) ngx_strchr(value[1].data, ':');

    if (p == NULL || p == value[1].data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone \"%V\", expected name:size",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data;
    name.len = p - name.data;

    s.data = p + 1;
    s.len = value[1].data + value[1].len - s.data;

    size = ngx_parse_size(&s);

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid zone size \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (size < NGX_HTTP_ML_ZONE_MIN) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small, at least 1m is needed",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    mmcf->zone = ngx_shared_memory_add(cf, &name, size, &ngx_http_ml_module);
    if (mmcf->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    mmcf->zone->init = ngx_http_ml_init_zone;
    mmcf->zone->data = mmcf;

    return NGX_CONF_OK;
}


/* In the master, while workers of the old configuration may be running. */

static ngx_int_t
ngx_http_ml_init_zone(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_ml_main_conf_t  *mmcf = shm_zone->data;

    ngx_slab_pool_t       *shpool;
    ngx_http_ml_shared_t  *shared;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    if (data) {
        shared = shpool->data;

        if (shared->magic != NGX_HTTP_ML_MAGIC
            || shared->layout != NGX_HTTP_ML_LAYOUT)
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" has the layout of another version, "
                          "restart nginx", &shm_zone->shm.name);
            return NGX_ERROR;
        }

    } else {

        if (!ngx_is_init_cycle(ngx_cycle)) {
            ngx_log_error(NGX_LOG_NOTICE, shm_zone->shm.log, 0,
                          "zone \"%V\" starts empty",
                          &shm_zone->shm.name);
        }

        if (ngx_http_ml_carve(shm_zone) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "zone \"%V\" could not be initialized",
                          &shm_zone->shm.name);
            return NGX_ERROR;
        }
    }

    return ngx_http_ml_init_shares(mmcf, mmcf->cycle);
}


static ngx_int_t
ngx_http_ml_carve(ngx_shm_zone_t *shm_zone)
{
    size_t                 size, taken;
    u_char                *p;
    ngx_uint_t             i;
    ngx_slab_pool_t       *shpool;
    ngx_http_ml_shared_t  *shared;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    /* one page of room for what ngx_slab_alloc() needs itself */

    size = shpool->pfree * ngx_pagesize - ngx_pagesize;
    taken = 2 * ngx_pagesize;

    p = ngx_slab_calloc(shpool, taken);
    if (p == NULL) {
        return NGX_ERROR;
    }

    shared = (ngx_http_ml_shared_t *) p;

    if (RAND_bytes(shared->hash_key, sizeof(shared->hash_key)) != 1) {
        return NGX_ERROR;
    }

    shared->processes = ngx_slab_calloc(shpool,
                                        ngx_align(ml_processes_size(),
                                                  ngx_pagesize));

    if (shared->processes == NULL
        || ml_processes_init(shared->processes) != 0)
    {
        return NGX_ERROR;
    }

    taken += ngx_align(ml_processes_size(), ngx_pagesize);

    if (size / 8 < taken + 8 * ngx_pagesize) {
        return NGX_ERROR;
    }

    p = ngx_slab_calloc(shpool, (size / 8 - taken) & ~(ngx_pagesize - 1));
    if (p == NULL) {
        return NGX_ERROR;
    }

    shared->metrics = ml_metrics_init(p, (size / 8 - taken)
                                         & ~(ngx_pagesize - 1));
    if (shared->metrics == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        shared->share[i].size = (size / 8 * ngx_http_ml_eighths[i])
                                & ~(ngx_pagesize - 1);

        if (shared->share[i].size == 0) {
            continue;
        }

        shared->share[i].region = ngx_slab_calloc(shpool,
                                                  shared->share[i].size);
        if (shared->share[i].region == NULL) {
            return NGX_ERROR;
        }
    }

    shared->magic = NGX_HTTP_ML_MAGIC;
    shared->layout = NGX_HTTP_ML_LAYOUT;

    shpool->data = shared;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_init_shares(ngx_http_ml_main_conf_t *mmcf, ngx_cycle_t *cycle)
{
    ngx_uint_t                    i;
    ngx_slab_pool_t              *shpool;
    ngx_http_ml_shared_t         *shared;
    const ngx_http_ml_feature_t  *feature;

    shpool = (ngx_slab_pool_t *) mmcf->zone->shm.addr;
    shared = shpool->data;

    ngx_http_ml_main_conf = mmcf;
    ngx_http_ml_shared = shared;

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = mmcf->features[i];

        if (feature == NULL || feature->zone_init == NULL) {
            continue;
        }

        if (feature->zone_init(cycle, shared->share[i].region,
                               shared->share[i].size,
                               !shared->share[i].initialized)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        shared->share[i].initialized = 1;
    }

    return NGX_OK;
}


/*
 * Called when a process starts and, because modules start in load order, by
 * the first use of the zone before that.  A static of the master may be of a
 * load that failed, so everything is set again from the process's own cycle.
 */

void
ngx_http_ml_attach(ngx_cycle_t *cycle)
{
    ngx_http_ml_main_conf_t  *mmcf;

    if (ngx_http_ml_attached == ngx_pid) {
        return;
    }

    ngx_http_ml_attached = ngx_pid;
    ngx_http_ml_entry = -1;
    ngx_http_ml_shared = NULL;

    mmcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ml_module);

    ngx_http_ml_main_conf = mmcf;

    if (mmcf == NULL || mmcf->zone == NULL) {
        return;
    }

    if (ngx_http_ml_init_shares(mmcf, cycle) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "could not join zone \"%V\"", &mmcf->zone->shm.name);
        return;
    }

    if (ngx_process == NGX_PROCESS_SINGLE) {

        /* alone; and a reload here may unmap a mutex that it would hold */

        ngx_http_ml_reap_process(NULL, 0);
        ngx_http_ml_entry = 0;
        return;
    }

    if (ngx_process != NGX_PROCESS_WORKER) {
        return;
    }

    ngx_http_ml_entry = ml_processes_claim(ngx_http_ml_shared->processes,
                                           ngx_http_ml_reap_process, NULL);

    if (ngx_http_ml_entry == -1) {
        ngx_log_error(NGX_LOG_ALERT, cycle->log, 0,
                      "zone \"%V\" has more than %d processes",
                      &mmcf->zone->shm.name, ML_PROCESS_MAX);
    }
}


void
ngx_http_ml_detach(void)
{
    if (ngx_process != NGX_PROCESS_WORKER
        || ngx_http_ml_attached != ngx_pid
        || ngx_http_ml_entry == -1)
    {
        return;
    }

    ml_processes_release(ngx_http_ml_shared->processes, ngx_http_ml_entry,
                         ngx_http_ml_reap_process, NULL);

    ngx_http_ml_entry = -1;
}


static void
ngx_http_ml_reap_process(void *data, unsigned index)
{
    ngx_uint_t                    i;
    const ngx_http_ml_feature_t  *feature;

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = ngx_http_ml_main_conf->features[i];

        if (feature && feature->reap) {
            feature->reap(index);
        }
    }
}


/* Counters outlive their users: in the zone, or for the process's life. */

ml_metrics_t *
ngx_http_ml_metrics(void)
{
    size_t   size;
    void    *p;

    ngx_http_ml_attach((ngx_cycle_t *) ngx_cycle);

    if (ngx_http_ml_shared) {
        return ngx_http_ml_shared->metrics;
    }

    if (ngx_http_ml_local_metrics == NULL) {
        size = 64 * 1024;

        p = ngx_calloc(size, ngx_cycle->log);
        if (p) {
            ngx_http_ml_local_metrics = ml_metrics_init(p, size);
        }
    }

    return ngx_http_ml_local_metrics;
}


ml_counter_t *
ngx_http_ml_counter(const char *family, const char *labels)
{
    static ml_counter_t  lost;          /* no memory for a local table */

    ml_metrics_t  *metrics;

    metrics = ngx_http_ml_metrics();

    return metrics ? ml_metrics_counter(metrics, family, labels) : &lost;
}


ngx_uint_t
ngx_http_ml_process(void)
{
    ngx_http_ml_attach((ngx_cycle_t *) ngx_cycle);

    /*
     * A process beyond the table shares the last entry: it counts, and what
     * it counts is zeroed early or late, never kept for ever.
     */

    return ngx_http_ml_entry == -1 ? ML_PROCESS_MAX - 1
                                   : (ngx_uint_t) ngx_http_ml_entry;
}


ngx_uint_t
ngx_http_ml_processes(void)
{
    ngx_uint_t  bound;

    ngx_http_ml_attach((ngx_cycle_t *) ngx_cycle);

    if (ngx_http_ml_shared == NULL) {
        return 0;
    }

    bound = ml_processes_bound(ngx_http_ml_shared->processes);

    return ngx_max(bound, ngx_http_ml_process() + 1);
}


void
ngx_http_ml_reap(void)
{
    unsigned  n;

    ngx_http_ml_attach((ngx_cycle_t *) ngx_cycle);

    if (ngx_http_ml_shared == NULL) {
        return;
    }

    n = ml_processes_reap(ngx_http_ml_shared->processes,
                          ngx_http_ml_reap_process, NULL);

    if (n) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "reaped what %ui dead processes held in zone \"%V\"",
                      (ngx_uint_t) n, &ngx_http_ml_main_conf->zone->shm.name);
    }
}


const uint8_t *
ngx_http_ml_hash_key(void)
{
    static ngx_uint_t  made;

    if (ngx_http_ml_shared) {
        return ngx_http_ml_shared->hash_key;
    }

    if (!made) {
        if (RAND_bytes(ngx_http_ml_local_key, sizeof(ngx_http_ml_local_key))
            != 1)
        {
            ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, 0,
                          "RAND_bytes() failed, hashes are not keyed");
        }

        made = 1;
    }

    return ngx_http_ml_local_key;
}
