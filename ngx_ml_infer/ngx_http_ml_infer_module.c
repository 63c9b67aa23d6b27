/*
 * ngx_http_ml_infer_module: runs the tensors of a request through a model.
 *
 *     model       ml_model blocks
 *     conf        ml_infer, ml_infer_echo; configurations
 *     check       locations, contracts and models against each other
 *     process     backend, contexts and threads of a worker; the eventfd
 *     slots       models of the device process: slot tables, submitters
 *     device      the device process
 *     handler     gate and content handler; the life of a job
 *     answer      what the client gets
 *     oip         the Open Inference Protocol
 *     status      metrics, readiness, what is in the zone
 *     variables   $ml_infer_status, $ml_model, ...
 */

#include "ngx_http_ml_infer.h"


static ngx_int_t ngx_http_ml_infer_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_ml_infer_init(ngx_conf_t *cf);


static ngx_conf_enum_t  ngx_http_ml_infer_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_enum_t  ngx_http_ml_infer_processes[] = {
    { ngx_string("helper"), NGX_HTTP_ML_INFER_HELPER },
    { ngx_string("worker"), NGX_HTTP_ML_INFER_WORKER },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_ml_infer_commands[] = {

    { ngx_string("ml_model"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_TAKE1,
      ngx_http_ml_infer_model_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_infer_process"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_MAIN_CONF_OFFSET,
      offsetof(ngx_http_ml_infer_main_conf_t, process),
      &ngx_http_ml_infer_processes },

    { ngx_string("ml_infer"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_ml_infer_set,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_infer_echo"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_ml_infer_echo,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_infer_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_infer_loc_conf_t, log_level),
      &ngx_http_ml_infer_log_levels },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_ml_infer_module_ctx = {
    ngx_http_ml_infer_preconfiguration,    /* preconfiguration */
    ngx_http_ml_infer_init,                /* postconfiguration */

    ngx_http_ml_infer_create_main_conf,    /* create main configuration */
    ngx_http_ml_infer_init_main_conf,      /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_ml_infer_create_loc_conf,     /* create location configuration */
    ngx_http_ml_infer_merge_loc_conf       /* merge location configuration */
};


ngx_module_t  ngx_http_ml_infer_module = {
    NGX_MODULE_V1,
    &ngx_http_ml_infer_module_ctx,         /* module context */
    ngx_http_ml_infer_commands,            /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_ml_infer_init_module,         /* init module */
    ngx_http_ml_infer_init_process,        /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_ml_infer_exit_process,        /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static const ngx_http_ml_feature_t  ngx_http_ml_infer_feature = {
    .version = NGX_HTTP_ML_API_VERSION,
    .build = NGX_ML_BUILD,
    .kind = NGX_HTTP_ML_INFER,
    .module = &ngx_http_ml_infer_module,
    .gate = ngx_http_ml_infer_gate,
    .inputs = ngx_http_ml_infer_inputs,
    .request_inputs = ngx_http_ml_infer_request_inputs,
    .device_time = ngx_http_ml_infer_device_time,
    .zone_init = ngx_http_ml_infer_zone_init,
    .reap = ngx_http_ml_infer_reap,
    .ready = ngx_http_ml_infer_ready,
    .status_json = ngx_http_ml_infer_status_json,
    .status_prometheus = ngx_http_ml_infer_status_prometheus,
    .families = ngx_http_ml_infer_families
};


const ngx_http_ml_api_t  *ngx_http_ml_infer_api;

static const ngx_http_ml_feature_t  *ngx_http_ml_infer_validate_feature;


const ngx_http_ml_feature_t *
ngx_http_ml_infer_validate(void)
{
    return ngx_http_ml_infer_validate_feature;
}


static ngx_int_t
ngx_http_ml_infer_preconfiguration(ngx_conf_t *cf)
{
    ngx_http_ml_infer_api = ngx_http_ml_api_find(cf,
                                                 "ngx_http_ml_infer_module.so");

    if (ngx_http_ml_infer_api == NULL
        || ngx_http_ml_infer_api->add_feature(cf, &ngx_http_ml_infer_feature)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_ml_infer_add_variables(cf);
}


static ngx_int_t
ngx_http_ml_infer_init(ngx_conf_t *cf)
{
    ngx_http_ml_infer_validate_feature =
                    ngx_http_ml_infer_api->feature(cf, NGX_HTTP_ML_VALIDATE);

    return ngx_http_ml_infer_check(cf, ngx_http_ml_infer_validate_feature);
}
