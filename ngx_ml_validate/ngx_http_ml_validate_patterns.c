/*
 * Directive ml_validate_patterns: rules for the texts of a body.
 *
 * What is found is logged and counted by rule, whatever becomes of the
 * request; with "block" a request is refused when its score reaches the
 * threshold.
 */

#include "ngx_http_ml_validate.h"


/* What the rules score together before "block" refuses. */
#define NGX_HTTP_ML_VALIDATE_THRESHOLD  5


static void ngx_http_ml_validate_destroy_rules(void *data);
static void ngx_http_ml_validate_destroy_scan(void *data);


char *
ngx_http_ml_validate_patterns_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_ml_validate_loc_conf_t *vlcf = conf;

    int                               file_error;
    char                              error[512];
    ngx_int_t                         n;
    ngx_str_t                        *value;
    ml_text_t                         text;
    ngx_uint_t                        i, mode;
    ngx_pool_cleanup_t               *cln;
    ngx_http_ml_validate_patterns_t  *patterns;

    if (vlcf->patterns != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        vlcf->patterns = NULL;
        return NGX_CONF_OK;
    }

    patterns = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_validate_patterns_t));
    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (patterns == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    mode = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        if (!mode && ngx_strcmp(value[i].data, "score") == 0) {
            mode = 1;
            continue;
        }

        if (!mode && ngx_strcmp(value[i].data, "block") == 0) {
            mode = 1;
            patterns->block = 1;
            continue;
        }

        n = NGX_ERROR;

        if (ngx_strncmp(value[i].data, "threshold=", 10) == 0
            && patterns->threshold == 0)
        {
            n = ngx_atoi(value[i].data + 10, value[i].len - 10);
        }

        if (n <= 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        patterns->threshold = (ngx_uint_t) n;
    }

    if (patterns->threshold && !patterns->block) {
        return "has a threshold without \"block\"";
    }

    if (patterns->threshold == 0) {
        patterns->threshold = NGX_HTTP_ML_VALIDATE_THRESHOLD;
    }

    if (ngx_conf_full_name(cf->cycle, &value[1], 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ml_text_init(&text);
    file_error = ml_schema_read_file((char *) value[1].data, ML_RULES_SIZE,
                                     &text);

    if (file_error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, file_error,
                           "could not read \"%V\"", &value[1]);
        ml_text_free(&text);
        return NGX_CONF_ERROR;
    }

    patterns->rules = ml_rules_read(text.len ? text.data : "", text.len, error,
                                    sizeof(error));
    ml_text_free(&text);

    if (patterns->rules == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s", &value[1],
                           error);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_ml_validate_destroy_rules;
    cln->data = patterns->rules;

    vlcf->patterns = patterns;

    return NGX_CONF_OK;
}


static void
ngx_http_ml_validate_destroy_rules(void *data)
{
    ml_rules_destroy(data);
}


ngx_int_t
ngx_http_ml_validate_patterns_start(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx, ngx_http_ml_validate_patterns_t *patterns)
{
    ngx_pool_cleanup_t  *cln;

    ctx->scan = NULL;

    if (patterns == NULL || ctx->reader->ops->watch == NULL) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    ctx->scan = ml_scan_create(patterns->rules,
                               patterns->block ? patterns->threshold : 0);
    if (ctx->scan == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_ml_validate_destroy_scan;
    cln->data = ctx->scan;

    ctx->watch.string = ml_scan_string;
    ctx->watch.data = ctx->scan;
    ctx->reader->ops->watch(ctx->reader, &ctx->watch);

    return NGX_OK;
}


static void
ngx_http_ml_validate_destroy_scan(void *data)
{
    ml_scan_destroy(data);
}


const char *
ngx_http_ml_validate_patterns_found(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx)
{
    u_char      *reason;
    uint32_t     i;
    ml_text_t    ids, labels;
    ngx_str_t   *location;
    ml_scan_t   *scan;

    static const char  family[] = "ml_validate_patterns_total";

    scan = ctx->scan;

    if (scan == NULL || scan->found == 0 || ctx->patterns_told) {
        return NULL;
    }

    ctx->patterns_told = 1;
    location = ngx_http_ml_validate_api->location_label(r);

    for (i = 0; i < scan->rules->n; i++) {

        if (!ml_scan_found(scan, i)) {
            continue;
        }

        ml_text_init(&labels);
        ml_text_printf(&labels, "%s,rule=\"%s\"", location->data,
                       scan->rules->rules[i].id);
        ml_text_append(&labels, "", 1);

        if (!labels.failed) {
            (*ngx_http_ml_validate_api->counter(family, labels.data))++;
        }

        ml_text_free(&labels);
    }

    ml_text_init(&ids);
    ml_text_printf(&ids, "patterns:");
    ml_scan_ids(scan, &ids);

    reason = ids.failed ? NULL : ngx_pnalloc(r->pool, ids.len + 1);

    if (reason) {
        ngx_memcpy(reason, ids.data, ids.len);
        reason[ids.len] = '\0';

        ngx_log_error(ctx->conf->log_level, r->connection->log, 0,
                      "text of score %uL: %s", scan->score, reason);
    }

    ml_text_free(&ids);

    return (char *) reason;
}


ngx_int_t
ngx_http_ml_validate_score_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;

    state = ngx_http_ml_validate_api->state(r->main);
    ctx = state ? state->part[NGX_HTTP_ML_VALIDATE] : NULL;

    if (ctx == NULL || ctx->scan == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%uL", ctx->scan->score) - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
