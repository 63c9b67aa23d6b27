/*
 * ngx_http_ml_ratelimit_module: what a client may spend.
 *
 * At the gate, body unread, the budgets are only looked at.  When the body
 * has been checked and every other guard has passed, the request is charged
 * on all limits that apply, or on none; when its outcome is known the charge
 * is settled, exactly once.  The zone's share holds the client table and the
 * ledgers of concurrency; the pure C files beside this one know how.
 */

#include "ngx_http_ml_ratelimit.h"


static ngx_int_t ngx_http_ml_ratelimit_zone_init(ngx_cycle_t *cycle,
    u_char *region, size_t size, ngx_uint_t fresh);
static void ngx_http_ml_ratelimit_reap(ngx_uint_t process);

static ngx_int_t ngx_http_ml_ratelimit_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_ml_ratelimit_init(ngx_conf_t *cf);
static void *ngx_http_ml_ratelimit_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_ml_ratelimit_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_ml_ratelimit_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);


const ngx_http_ml_api_t      *ngx_http_ml_ratelimit_api;
const ngx_http_ml_feature_t  *ngx_http_ml_ratelimit_infer;

/* The share of the zone, as this process sees it. */
ml_clients_t              ngx_http_ml_ratelimit_clients;
ml_concurrency_t          ngx_http_ml_ratelimit_concurrency;

const char *const  ngx_http_ml_ratelimit_limits[] = {
    "cost", "gpu", "tokens", "requests", "concurrency"
};


static ngx_conf_enum_t  ngx_http_ml_ratelimit_header_kinds[] = {
    { ngx_string("off"), NGX_HTTP_ML_RATELIMIT_OFF },
    { ngx_string("ietf"), NGX_HTTP_ML_RATELIMIT_IETF },
    { ngx_string("legacy"), NGX_HTTP_ML_RATELIMIT_LEGACY },
    { ngx_string("both"), NGX_HTTP_ML_RATELIMIT_BOTH },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_ml_ratelimit_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t  ngx_http_ml_ratelimit_status_bounds = {
    ngx_conf_check_num_bounds, 400, 599
};


static ngx_command_t  ngx_http_ml_ratelimit_commands[] = {

    { ngx_string("ml_tier"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_1MORE,
      ngx_http_ml_tier,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_ratelimit"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_ANY,
      ngx_http_ml_ratelimit,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_ratelimit_headers"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_ratelimit_loc_conf_t, headers),
      &ngx_http_ml_ratelimit_header_kinds },

    { ngx_string("ml_ratelimit_dry_run"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_ratelimit_loc_conf_t, dry_run),
      NULL },

    { ngx_string("ml_ratelimit_status"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_ratelimit_loc_conf_t, status),
      &ngx_http_ml_ratelimit_status_bounds },

    { ngx_string("ml_ratelimit_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_ratelimit_loc_conf_t, log_level),
      &ngx_http_ml_ratelimit_log_levels },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_ml_ratelimit_module_ctx = {
    ngx_http_ml_ratelimit_preconfiguration, /* preconfiguration */
    ngx_http_ml_ratelimit_init,            /* postconfiguration */

    ngx_http_ml_ratelimit_create_main_conf, /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_ml_ratelimit_create_loc_conf, /* create location configuration */
    ngx_http_ml_ratelimit_merge_loc_conf   /* merge location configuration */
};


ngx_module_t  ngx_http_ml_ratelimit_module = {
    NGX_MODULE_V1,
    &ngx_http_ml_ratelimit_module_ctx,     /* module context */
    ngx_http_ml_ratelimit_commands,        /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static const ngx_http_ml_feature_t  ngx_http_ml_ratelimit_feature = {
    .version = NGX_HTTP_ML_API_VERSION,
    .build = NGX_ML_BUILD,
    .kind = NGX_HTTP_ML_RATELIMIT,
    .module = &ngx_http_ml_ratelimit_module,
    .gate = ngx_http_ml_ratelimit_gate,
    .precontent = ngx_http_ml_ratelimit_charge,
    .settle = ngx_http_ml_ratelimit_settle,
    .headers = ngx_http_ml_ratelimit_headers,
    .zone_init = ngx_http_ml_ratelimit_zone_init,
    .reap = ngx_http_ml_ratelimit_reap,
    .status_json = ngx_http_ml_ratelimit_status_json,
    .status_prometheus = ngx_http_ml_ratelimit_status_prometheus,
    .families = ngx_http_ml_ratelimit_families
};


/* A quarter of the share is for the ledgers, the rest for the clients. */

static ngx_int_t
ngx_http_ml_ratelimit_zone_init(ngx_cycle_t *cycle, u_char *region,
    size_t size, ngx_uint_t fresh)
{
    size_t  ledgers, clients;

    ledgers = (size / 4) & ~(ngx_pagesize - 1);
    clients = size - ledgers;

    if (ml_clients_init(&ngx_http_ml_ratelimit_clients, region, clients,
                        fresh)
        != 0
        || ml_concurrency_init(&ngx_http_ml_ratelimit_concurrency,
                               region + clients, ledgers,
                               NGX_HTTP_ML_PROCESSES)
           != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                      "the limiter's share of ml_zone, %uz bytes, is too "
                      "small or of another version", size);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_ml_ratelimit_reap(ngx_uint_t process)
{
    ml_concurrency_reap(&ngx_http_ml_ratelimit_concurrency, process);
}


static ngx_int_t
ngx_http_ml_ratelimit_preconfiguration(ngx_conf_t *cf)
{
    ngx_http_ml_ratelimit_api = ngx_http_ml_api_find(cf,
                                            "ngx_http_ml_ratelimit_module.so");

    if (ngx_http_ml_ratelimit_api == NULL
        || ngx_http_ml_ratelimit_api->add_feature(cf,
                                               &ngx_http_ml_ratelimit_feature)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_ml_ratelimit_add_variables(cf);
}


static ngx_int_t
ngx_http_ml_ratelimit_init(ngx_conf_t *cf)
{
    ngx_http_ml_ratelimit_infer =
                    ngx_http_ml_ratelimit_api->feature(cf, NGX_HTTP_ML_INFER);

    return ngx_http_ml_ratelimit_check_uses(cf);
}


static void *
ngx_http_ml_ratelimit_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_ml_ratelimit_main_conf_t  *mcf;

    mcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_ratelimit_main_conf_t));
    if (mcf == NULL) {
        return NULL;
    }

    if (ngx_array_init(&mcf->tiers, cf->pool, 4, sizeof(ngx_http_ml_tier_t))
        != NGX_OK)
    {
        return NULL;
    }

    return mcf;
}


static void *
ngx_http_ml_ratelimit_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_ml_ratelimit_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_ratelimit_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    conf->rule = NGX_CONF_UNSET_PTR;
    conf->headers = NGX_CONF_UNSET_UINT;
    conf->dry_run = NGX_CONF_UNSET;
    conf->status = NGX_CONF_UNSET_UINT;
    conf->log_level = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_ml_ratelimit_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child)
{
    ngx_http_ml_ratelimit_loc_conf_t *prev = parent;
    ngx_http_ml_ratelimit_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->rule, prev->rule, NULL);
    ngx_conf_merge_uint_value(conf->headers, prev->headers,
                              NGX_HTTP_ML_RATELIMIT_BOTH);
    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_TOO_MANY_REQUESTS);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level,
                              NGX_LOG_WARN);

    if (conf->rule == NULL) {
        return NGX_CONF_OK;
    }

    if (ngx_http_ml_ratelimit_check_rule(cf, conf->rule) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ngx_http_ml_ratelimit_api->enable(cf, NGX_HTTP_ML_RATELIMIT);

    return NGX_CONF_OK;
}
