/*
 * The state of a request in ML locations: made at the gate, found again
 * after internal redirects, settled exactly once.
 *
 * nginx zeroes r->ctx on an internal redirect.  The state's cleanup record
 * stays, so it is looked for there, as ngx_http_realip_module does.  The
 * same cleanup settles a request that ended in any other way than those
 * that settle early; it runs before the log phase.
 */

#include "ngx_http_ml_core.h"


static void ngx_http_ml_cleanup(void *data);


static const struct {
    ngx_uint_t   status;
    const char  *phrase;
} ngx_http_ml_phrases[] = {
    { 400, "Bad Request" },
    { 401, "Unauthorized" },
    { 402, "Payment Required" },
    { 403, "Forbidden" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 406, "Not Acceptable" },
    { 408, "Request Timeout" },
    { 409, "Conflict" },
    { 410, "Gone" },
    { 411, "Length Required" },
    { 412, "Precondition Failed" },
    { 413, "Content Too Large" },
    { 414, "URI Too Long" },
    { 415, "Unsupported Media Type" },
    { 416, "Range Not Satisfiable" },
    { 417, "Expectation Failed" },
    { 421, "Misdirected Request" },
    { 422, "Unprocessable Content" },
    { 426, "Upgrade Required" },
    { 428, "Precondition Required" },
    { 429, "Too Many Requests" },
    { 431, "Request Header Fields Too Large" },
    { 500, "Internal Server Error" },
    { 501, "Not Implemented" },
    { 502, "Bad Gateway" },
    { 503, "Service Unavailable" },
    { 504, "Gateway Timeout" },
    { 505, "HTTP Version Not Supported" },
    { 507, "Insufficient Storage" },

    /* nginx's own, as its special response handler sends them */
    { 494, "Bad Request" },
    { 495, "Bad Request" },
    { 496, "Bad Request" },
    { 497, "Bad Request" }
};


ngx_http_ml_state_t *
ngx_http_ml_get_state(ngx_http_request_t *r)
{
    ngx_http_cleanup_t   *cln;
    ngx_http_ml_state_t  *state;

    if (r != r->main) {
        return NULL;
    }

    state = ngx_http_get_module_ctx(r, ngx_http_ml_module);

    if (state || !(r->internal || r->filter_finalize)) {
        return state;
    }

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_http_ml_cleanup) {
            state = cln->data;
            ngx_http_set_ctx(r, state, ngx_http_ml_module);
            return state;
        }
    }

    return NULL;
}


ngx_http_ml_state_t *
ngx_http_ml_create_state(ngx_http_request_t *r)
{
    ngx_http_cleanup_t   *cln;
    ngx_http_ml_state_t  *state;

    state = ngx_pcalloc(r->pool, sizeof(ngx_http_ml_state_t));
    if (state == NULL) {
        return NULL;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_ml_cleanup;
    cln->data = state;

    state->request = r;

    ngx_http_set_ctx(r, state, ngx_http_ml_module);

    return state;
}


static void
ngx_http_ml_cleanup(void *data)
{
    ngx_http_ml_settle(data);
}


void
ngx_http_ml_settle(ngx_http_ml_state_t *state)
{
    ngx_uint_t                    i;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    if (state->settled) {
        return;
    }

    state->settled = 1;

    mmcf = ngx_http_get_module_main_conf(state->request, ngx_http_ml_module);

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = mmcf->features[i];

        if (feature && feature->settle) {
            feature->settle(state);
        }
    }
}


ngx_int_t
ngx_http_ml_refuse(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    const ml_error_answer_t *answer, const char *reason)
{
    ngx_http_ml_loc_conf_t  *mlcf;

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

    state->answer = *answer;
    state->answer.status = ml_error_status(ngx_http_ml_format(mlcf),
                                           answer->status);
    state->refused = 1;

    if (state->answer.title == NULL) {
        state->answer.title = ngx_http_ml_reason_phrase(
                                                       state->answer.status);
    }

    if (state->answer.detail == NULL) {
        state->answer.detail = state->answer.title;
    }

    /*
     * A client that waits for 100 Continue may never send the body; nginx
     * would discard its next request instead.
     */

    if (r->headers_in.expect && !r->expect_tested) {
        r->keepalive = 0;
        r->lingering_close = 1;
    }

    ngx_http_ml_count(r, reason);
    ngx_http_ml_settle(state);

    return state->answer.status;
}


void
ngx_http_ml_count(ngx_http_request_t *r, const char *outcome)
{
    u_char                   labels[ML_METRICS_TEXT], *p;
    ngx_http_ml_state_t     *state;
    ngx_http_ml_loc_conf_t  *mlcf;

    /* a redirected request counts where it was gated */

    state = ngx_http_ml_get_state(r);

    if (state && state->location) {
        mlcf = state->location;

    } else {
        mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);
    }

    p = ngx_snprintf(labels, sizeof(labels) - 1, "%V,outcome=\"%s\"",
                     &mlcf->label, outcome);
    *p = '\0';

    (*ngx_http_ml_counter("ml_requests_total", (char *) labels))++;
}


const char *
ngx_http_ml_reason_phrase(ngx_uint_t status)
{
    ngx_uint_t  i;

    for (i = 0;
         i < sizeof(ngx_http_ml_phrases) / sizeof(ngx_http_ml_phrases[0]);
         i++)
    {
        if (ngx_http_ml_phrases[i].status == status) {
            return ngx_http_ml_phrases[i].phrase;
        }
    }

    return status < 500 ? "Bad Request" : "Internal Server Error";
}
