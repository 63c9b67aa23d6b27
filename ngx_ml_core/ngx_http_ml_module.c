/*
 * ngx_http_ml_module: what the ngx_ml features stand on.  It owns the zone,
 * the state of a request, the keys, error bodies and status, and publishes
 * the table through which the features meet (ngx_http_ml.h).
 */

#include "ngx_http_ml_core.h"


static ngx_int_t ngx_http_ml_add_feature(ngx_conf_t *cf,
    const ngx_http_ml_feature_t *feature);
static void ngx_http_ml_enable(ngx_conf_t *cf, ngx_http_ml_kind_e kind);
static void ngx_http_ml_default_format(ngx_conf_t *cf, ngx_uint_t format);
static const ngx_http_ml_feature_t *ngx_http_ml_feature(ngx_conf_t *cf,
    ngx_http_ml_kind_e kind);
static ngx_uint_t ngx_http_ml_enabled(ngx_http_request_t *r,
    ngx_http_ml_kind_e kind);
static ngx_uint_t ngx_http_ml_has_zone(ngx_conf_t *cf);
static ngx_array_t *ngx_http_ml_tier_uses(ngx_conf_t *cf);
static ngx_str_t *ngx_http_ml_location_label(ngx_http_request_t *r);

static char *ngx_http_ml_error_format(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static void *ngx_http_ml_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_ml_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_ml_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static ngx_int_t ngx_http_ml_make_label(ngx_conf_t *cf,
    ngx_http_ml_loc_conf_t *conf);
static ngx_int_t ngx_http_ml_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_ml_init_process(ngx_cycle_t *cycle);
static void ngx_http_ml_exit_process(ngx_cycle_t *cycle);


static ngx_conf_enum_t  ngx_http_ml_error_formats[] = {
    { ngx_string("fastapi"), ML_ERROR_FASTAPI },
    { ngx_string("problem"), ML_ERROR_PROBLEM },
    { ngx_string("oip"), ML_ERROR_OIP },
    { ngx_string("openai"), ML_ERROR_OPENAI },
    { ngx_string("simple"), ML_ERROR_SIMPLE },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_ml_commands[] = {

    { ngx_string("ml_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_http_ml_zone,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_keys"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE12,
      ngx_http_ml_keys,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ml_main_conf_t, keys),
      NULL },

    { ngx_string("ml_error_format"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_ml_error_format,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_loc_conf_t, error_format),
      &ngx_http_ml_error_formats },

    { ngx_string("ml_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_ml_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static const ngx_http_ml_api_t  ngx_http_ml_api = {
    NGX_HTTP_ML_MAGIC,
    NGX_HTTP_ML_API_VERSION,
    NGX_ML_BUILD,

    ngx_http_ml_add_feature,
    ngx_http_ml_enable,
    ngx_http_ml_default_format,
    ngx_http_ml_feature,
    ngx_http_ml_enabled,
    ngx_http_ml_has_zone,
    ngx_http_ml_tier_uses,
    ngx_http_ml_get_state,
    ngx_http_ml_refuse,
    ngx_http_ml_settle,
    ngx_http_ml_forget_body,
    ngx_http_ml_stop_reading,
    ngx_http_ml_body_timed_out,
    ngx_http_ml_add_header,
    ngx_http_ml_counter,
    ngx_http_ml_location_label,
    ngx_http_ml_process,
    ngx_http_ml_processes,
    ngx_http_ml_reap,
    ngx_http_ml_hash_key
};


static ngx_http_ml_module_ctx_t  ngx_http_ml_module_ctx = {
    {
        NULL,                              /* preconfiguration */
        ngx_http_ml_init,                  /* postconfiguration */

        ngx_http_ml_create_main_conf,      /* create main configuration */
        NULL,                              /* init main configuration */

        NULL,                              /* create server configuration */
        NULL,                              /* merge server configuration */

        ngx_http_ml_create_loc_conf,       /* create location configuration */
        ngx_http_ml_merge_loc_conf         /* merge location configuration */
    },

    &ngx_http_ml_api
};


ngx_module_t  ngx_http_ml_module = {
    NGX_MODULE_V1,
    &ngx_http_ml_module_ctx,               /* module context */
    ngx_http_ml_commands,                  /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_ml_init_process,              /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_ml_exit_process,              /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static ngx_int_t
ngx_http_ml_add_feature(ngx_conf_t *cf, const ngx_http_ml_feature_t *feature)
{
    ngx_http_ml_main_conf_t  *mmcf;

    if (feature->version != NGX_HTTP_ML_API_VERSION
        || ngx_strcmp(feature->build, NGX_ML_BUILD) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "%s and ngx_http_ml_module.so are of different builds",
                      feature->module->name);
        return NGX_ERROR;
    }

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_module);

    mmcf->features[feature->kind] = feature;

    return NGX_OK;
}


static void
ngx_http_ml_enable(ngx_conf_t *cf, ngx_http_ml_kind_e kind)
{
    ngx_http_ml_loc_conf_t  *mlcf;

    mlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_ml_module);

    mlcf->features |= 1 << kind;
}


static void
ngx_http_ml_default_format(ngx_conf_t *cf, ngx_uint_t format)
{
    ngx_http_ml_loc_conf_t  *mlcf;

    mlcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_ml_module);

    mlcf->default_format = format;
}


static const ngx_http_ml_feature_t *
ngx_http_ml_feature(ngx_conf_t *cf, ngx_http_ml_kind_e kind)
{
    ngx_http_ml_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_module);

    return mmcf->features[kind];
}


static ngx_uint_t
ngx_http_ml_enabled(ngx_http_request_t *r, ngx_http_ml_kind_e kind)
{
    ngx_http_ml_loc_conf_t  *mlcf;

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

    return (mlcf->features & (1 << kind)) != 0;
}


static ngx_uint_t
ngx_http_ml_has_zone(ngx_conf_t *cf)
{
    ngx_http_ml_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_module);

    return mmcf->zone != NULL;
}


static ngx_array_t *
ngx_http_ml_tier_uses(ngx_conf_t *cf)
{
    ngx_http_ml_main_conf_t  *mmcf;

    mmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_module);

    return &mmcf->keys.tier_uses;
}


static ngx_str_t *
ngx_http_ml_location_label(ngx_http_request_t *r)
{
    ngx_http_ml_loc_conf_t  *mlcf;

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

    return &mlcf->label;
}


/* Given at all, it also holds where no feature guards a location. */

static char *
ngx_http_ml_error_format(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_loc_conf_t  *mlcf = conf;

    mlcf->format_given = 1;

    return ngx_conf_set_enum_slot(cf, cmd, conf);
}


static void *
ngx_http_ml_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_ml_main_conf_t  *mmcf;

    mmcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_main_conf_t));
    if (mmcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mmcf->features[] = NULL;
     *     mmcf->zone = NULL;
     *     mmcf->keys = { 0 };
     */

    mmcf->cycle = cf->cycle;

    return mmcf;
}


static void *
ngx_http_ml_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_ml_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->format_given = 0;
     *     conf->default_format = ML_ERROR_FASTAPI;
     *     conf->features = 0;
     *     conf->label = { 0, NULL };
     *     conf->warned = 0;
     */

    conf->error_format = NGX_CONF_UNSET_UINT;
    conf->status = NGX_CONF_UNSET_UINT;

    return conf;
}


static char *
ngx_http_ml_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_ml_loc_conf_t  *prev = parent;
    ngx_http_ml_loc_conf_t  *conf = child;

    ngx_conf_merge_uint_value(conf->error_format, prev->error_format,
                              ML_ERROR_FASTAPI);

    if (prev->format_given) {
        conf->format_given = 1;
    }

    if (ngx_http_ml_make_label(cf, conf) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_ml_make_label(ngx_conf_t *cf, ngx_http_ml_loc_conf_t *conf)
{
    ml_text_t                  text;
    ngx_str_t                  name;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    name = clcf->name;

    /* with the family and the longest outcome it must fit a metrics cell */

    name.len = ngx_min(name.len, 64);

    ml_text_init(&text);
    ml_text_printf(&text, "location=");
    ml_metrics_label(&text, (char *) name.data, name.len);
    ml_text_append(&text, "", 1);

    if (!text.failed) {
        conf->label.data = ngx_pnalloc(cf->pool, text.len);
    }

    if (conf->label.data == NULL) {
        ml_text_free(&text);
        return NGX_ERROR;
    }

    ngx_memcpy(conf->label.data, text.data, text.len);
    conf->label.len = text.len - 1;

    ml_text_free(&text);

    return NGX_OK;
}


/* Last, when every feature has registered and every location is merged. */

static ngx_int_t
ngx_http_ml_init(ngx_conf_t *cf)
{
    ngx_http_ml_init_body_filter();

    return ngx_http_ml_init_phases(cf);
}


static ngx_int_t
ngx_http_ml_init_process(ngx_cycle_t *cycle)
{
    ngx_http_ml_attach(cycle);

    return NGX_OK;
}


static void
ngx_http_ml_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_ml_detach();
}
