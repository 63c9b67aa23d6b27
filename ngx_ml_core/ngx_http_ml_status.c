/*
 * ml_status: is it alive, is it ready, what has it done.
 *
 * live and ready answer probes and cost nothing; json is for people,
 * prometheus for scrapers (text format 0.0.4).
 */

#include "ngx_http_ml_core.h"


typedef ngx_uint_t (*ngx_http_ml_status_pt)(ngx_http_request_t *r,
    ml_text_t *out);


typedef struct {
    ngx_str_t                 name;
    ngx_http_ml_status_pt     handler;
    ngx_str_t                 type;
} ngx_http_ml_status_t;


static ngx_int_t ngx_http_ml_status_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_ml_status_live(ngx_http_request_t *r,
    ml_text_t *out);
static ngx_uint_t ngx_http_ml_status_ready(ngx_http_request_t *r,
    ml_text_t *out);
static ngx_uint_t ngx_http_ml_status_json(ngx_http_request_t *r,
    ml_text_t *out);
static ngx_uint_t ngx_http_ml_status_prometheus(ngx_http_request_t *r,
    ml_text_t *out);


static const ngx_http_ml_status_t  ngx_http_ml_statuses[] = {

    { ngx_string("live"), ngx_http_ml_status_live,
      ngx_string("application/json") },

    { ngx_string("ready"), ngx_http_ml_status_ready,
      ngx_string("application/json") },

    { ngx_string("json"), ngx_http_ml_status_json,
      ngx_string("application/json") },

    { ngx_string("prometheus"), ngx_http_ml_status_prometheus,
      ngx_string("text/plain; version=0.0.4; charset=utf-8") }
};

#define NGX_HTTP_ML_NSTATUSES                                                 \
    (sizeof(ngx_http_ml_statuses) / sizeof(ngx_http_ml_statuses[0]))


static const ml_metric_family_t  ngx_http_ml_families[] = {
    { "ml_requests_total", "counter",
      "Requests to ML locations by outcome." },
    { NULL, NULL, NULL }
};


char *
ngx_http_ml_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_loc_conf_t  *mlcf = conf;

    ngx_str_t                 *value;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    if (mlcf->status != NGX_CONF_UNSET_UINT) {
        return "is duplicate";
    }

    value = cf->args->elts;

    for (i = 0; i < NGX_HTTP_ML_NSTATUSES; i++) {
        if (value[1].len == ngx_http_ml_statuses[i].name.len
            && ngx_strcmp(value[1].data, ngx_http_ml_statuses[i].name.data)
               == 0)
        {
            break;
        }
    }

    if (i == NGX_HTTP_ML_NSTATUSES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid parameter \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    mlcf->status = i;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "conflicts with another content handler of this location";
    }

    clcf->handler = ngx_http_ml_status_handler;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_ml_status_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_buf_t                   *b;
    ml_text_t                    text;
    ngx_chain_t                  out;
    ngx_http_ml_loc_conf_t      *mlcf;
    const ngx_http_ml_status_t  *status;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    rc = ngx_http_discard_request_body(r);
    if (rc != NGX_OK) {
        return rc;
    }

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);
    status = &ngx_http_ml_statuses[mlcf->status];

    ml_text_init(&text);

    r->headers_out.status = status->handler(r, &text);
    r->headers_out.content_type = status->type;
    r->headers_out.content_type_len = status->type.len;
    r->headers_out.content_length_n = text.len;

    b = ngx_create_temp_buf(r->pool, text.len + 1);

    if (b == NULL || text.failed) {
        ml_text_free(&text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    b->last = ngx_cpymem(b->pos, text.data, text.len);
    b->last_buf = 1;
    b->last_in_chain = 1;

    ml_text_free(&text);

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_uint_t
ngx_http_ml_status_live(ngx_http_request_t *r, ml_text_t *out)
{
    ml_text_printf(out, "{\"status\":\"ok\"}");

    return NGX_HTTP_OK;
}


static ngx_uint_t
ngx_http_ml_status_ready(ngx_http_request_t *r, ml_text_t *out)
{
    ml_text_t                     reason;
    ngx_uint_t                    i;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_ml_module);

    ml_text_init(&reason);

    if (ngx_exiting) {
        ml_text_printf(&reason, "draining");

    } else {

        for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
            feature = mmcf->features[i];

            if (feature && feature->ready && !feature->ready(&reason)) {
                break;
            }
        }

        if (i == NGX_HTTP_ML_NFEATURES) {
            ml_text_free(&reason);
            ml_text_printf(out, "{\"status\":\"ready\"}");
            return NGX_HTTP_OK;
        }
    }

    ml_text_printf(out, "{\"status\":\"not ready\",\"reason\":");
    ml_text_json_string(out, reason.data ? reason.data : "", reason.len);
    ml_text_append(out, "}", 1);
    ml_text_free(&reason);

    return NGX_HTTP_SERVICE_UNAVAILABLE;
}


static ngx_uint_t
ngx_http_ml_status_json(ngx_http_request_t *r, ml_text_t *out)
{
    ngx_uint_t                    i;
    ngx_slab_pool_t              *shpool;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_ml_module);

    ml_text_printf(out, "{\"version\":\"" NGX_HTTP_ML_VERSION "\","
                   "\"build\":\"%s\",\"nginx\":\"" NGINX_VERSION "\","
                   "\"pid\":%d", NGX_ML_BUILD, (int) ngx_pid);

    if (mmcf->zone) {
        shpool = (ngx_slab_pool_t *) mmcf->zone->shm.addr;

        ml_text_printf(out, ",\"zone\":{\"name\":");
        ml_text_json_string(out, (char *) mmcf->zone->shm.name.data,
                            mmcf->zone->shm.name.len);
        ml_text_printf(out, ",\"size\":%zu,\"free\":%zu}",
                       mmcf->zone->shm.size,
                       (size_t) (shpool->pfree * ngx_pagesize));
    }

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = mmcf->features[i];

        if (feature && feature->status_json) {
            feature->status_json(out);
        }
    }

    ml_text_append(out, "}", 1);

    return NGX_HTTP_OK;
}


static ngx_uint_t
ngx_http_ml_status_prometheus(ngx_http_request_t *r, ml_text_t *out)
{
    ngx_uint_t                    i;
    ml_metrics_t                 *metrics;
    const ml_metric_family_t     *family;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_ml_module);

    metrics = ngx_http_ml_metrics();

    if (metrics) {
        for (family = ngx_http_ml_families; family->name; family++) {
            ml_metrics_render(metrics, out, family);
        }

        ml_text_printf(out,
                       "# HELP ml_metrics_overflow_total Counts that found no "
                       "room for their labels in the zone.\n"
                       "# TYPE ml_metrics_overflow_total counter\n"
                       "ml_metrics_overflow_total %llu\n",
                       (unsigned long long) ml_metrics_overflow(metrics));
    }

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = mmcf->features[i];

        if (feature == NULL) {
            continue;
        }

        for (family = feature->families;
             metrics && family && family->name;
             family++)
        {
            ml_metrics_render(metrics, out, family);
        }

        if (feature->status_prometheus) {
            feature->status_prometheus(out);
        }
    }

    return NGX_HTTP_OK;
}
