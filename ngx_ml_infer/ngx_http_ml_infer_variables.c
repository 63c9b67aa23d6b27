/* $ml_infer_status, $ml_model, $ml_batch_size and their like. */

#include "ngx_http_ml_infer.h"


typedef enum {
    NGX_HTTP_ML_INFER_VAR_STATUS = 0,
    NGX_HTTP_ML_INFER_VAR_MODEL,
    NGX_HTTP_ML_INFER_VAR_BATCH_SIZE,
    NGX_HTTP_ML_INFER_VAR_QUEUE_TIME,
    NGX_HTTP_ML_INFER_VAR_COMPUTE_TIME,
    NGX_HTTP_ML_INFER_VAR_BREAKER
} ngx_http_ml_infer_variable_e;


static ngx_int_t ngx_http_ml_infer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_ml_infer_vars[] = {

    { ngx_string("ml_infer_status"), NULL, ngx_http_ml_infer_variable,
      NGX_HTTP_ML_INFER_VAR_STATUS, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_model"), NULL, ngx_http_ml_infer_variable,
      NGX_HTTP_ML_INFER_VAR_MODEL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_batch_size"), NULL, ngx_http_ml_infer_variable,
      NGX_HTTP_ML_INFER_VAR_BATCH_SIZE, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_queue_time"), NULL, ngx_http_ml_infer_variable,
      NGX_HTTP_ML_INFER_VAR_QUEUE_TIME, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_compute_time"), NULL, ngx_http_ml_infer_variable,
      NGX_HTTP_ML_INFER_VAR_COMPUTE_TIME, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_breaker"), NULL, ngx_http_ml_infer_variable,
      NGX_HTTP_ML_INFER_VAR_BREAKER, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* As limit_req's: upper case. */

static ngx_str_t  ngx_http_ml_infer_statuses[] = {
    ngx_null_string,
    ngx_string("OK"),
    ngx_string("FAILED"),
    ngx_string("EXPIRED"),
    ngx_string("TIMEOUT"),
    ngx_string("QUEUE_FULL"),
    ngx_string("BREAKER_OPEN"),
    ngx_string("UNAVAILABLE"),
    ngx_string("INVALID"),
    ngx_string("CANCELLED"),
    ngx_string("QUARANTINED")
};


/* Seconds with microseconds, as "0.000123". */

static ngx_int_t
ngx_http_ml_infer_seconds(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uint64_t ns)
{
    v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN + 8);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%uL.%06uL", ns / 1000000000,
                         ns % 1000000000 / 1000)
             - v->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_infer_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ml_infer_ctx_t    *ctx;
    ngx_http_ml_infer_model_t  *model;

    ctx = ngx_http_ml_infer_ctx(ngx_http_ml_infer_api->state(r));

    if (ctx == NULL
        || ctx->model == NULL
        || (data == NGX_HTTP_ML_INFER_VAR_STATUS
            && ctx->outcome == NGX_HTTP_ML_INFER_UNSET)
        || (!ctx->ran && (data == NGX_HTTP_ML_INFER_VAR_BATCH_SIZE
                          || data == NGX_HTTP_ML_INFER_VAR_QUEUE_TIME
                          || data == NGX_HTTP_ML_INFER_VAR_COMPUTE_TIME)))
    {
        v->not_found = 1;
        return NGX_OK;
    }

    model = ctx->model;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    switch (data) {

    case NGX_HTTP_ML_INFER_VAR_STATUS:
        v->len = ngx_http_ml_infer_statuses[ctx->outcome].len;
        v->data = ngx_http_ml_infer_statuses[ctx->outcome].data;
        return NGX_OK;

    case NGX_HTTP_ML_INFER_VAR_MODEL:
        v->len = model->name.len;
        v->data = model->name.data;
        return NGX_OK;

    case NGX_HTTP_ML_INFER_VAR_BATCH_SIZE:
        v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
        if (v->data == NULL) {
            return NGX_ERROR;
        }

        v->len = ngx_sprintf(v->data, "%L", ctx->batch_rows) - v->data;
        return NGX_OK;

    case NGX_HTTP_ML_INFER_VAR_QUEUE_TIME:
        return ngx_http_ml_infer_seconds(r, v, ctx->queue_ns);

    case NGX_HTTP_ML_INFER_VAR_COMPUTE_TIME:
        return ngx_http_ml_infer_seconds(r, v, ctx->compute_ns);

    default: /* NGX_HTTP_ML_INFER_VAR_BREAKER */

        if (model->entry == NULL) {
            v->not_found = 1;
            return NGX_OK;
        }

        v->data = (u_char *) ml_breaker_state_name(
                                    ml_breaker_state(&model->entry->breaker));
        v->len = ngx_strlen(v->data);
        return NGX_OK;
    }
}


ngx_int_t
ngx_http_ml_infer_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_ml_infer_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}
