/*
 * Error bodies: every error of an ML location, nginx's own included, has a
 * body in the location's ml_error_format.
 *
 * A handler only returns the status.  When nginx comes to send its page for
 * it, the header filter here replaces type and length, and the body filter
 * swallows the page and sends ours.  So error_page, add_header, HEAD and
 * HTTP/2 work as everywhere in nginx.
 *
 * Not touched: answers that are not nginx's errors (an upstream's own 422),
 * and whatever the user's error_page shows.
 *
 * The module stands between the copy filter and the filters that add
 * headers, gzip and charset: see ngx_module_order in config.
 */

#include "ngx_http_ml_core.h"


typedef struct {
    ngx_buf_t                    *body;
    ngx_uint_t                    sent;     /* unsigned:1 */
} ngx_http_ml_filter_ctx_t;


static ngx_int_t ngx_http_ml_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_ml_add_headers(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);
static ngx_int_t ngx_http_ml_replace(ngx_http_request_t *r,
    ngx_http_ml_loc_conf_t *mlcf, ngx_http_ml_state_t *state);
static ngx_int_t ngx_http_ml_render_error(ngx_http_request_t *r,
    ngx_uint_t format, ngx_http_ml_state_t *state, ngx_str_t *body);
static ngx_int_t ngx_http_ml_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_int_t ngx_http_ml_filter_init(ngx_conf_t *cf);


static ngx_http_module_t  ngx_http_ml_filter_module_ctx = {
    NULL,                                  /* preconfiguration */
    ngx_http_ml_filter_init,               /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    NULL,                                  /* create location configuration */
    NULL                                   /* merge location configuration */
};


ngx_module_t  ngx_http_ml_filter_module = {
    NGX_MODULE_V1,
    &ngx_http_ml_filter_module_ctx,        /* module context */
    NULL,                                  /* module directives */
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


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


static ngx_int_t
ngx_http_ml_header_filter(ngx_http_request_t *r)
{
    ngx_http_ml_state_t     *state;
    ngx_http_ml_loc_conf_t  *mlcf;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    state = ngx_http_ml_get_state(r);

    if (state && ngx_http_ml_add_headers(r, state) != NGX_OK) {
        return NGX_ERROR;
    }

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

    if (r->err_status < NGX_HTTP_BAD_REQUEST
        || (mlcf->features == 0 && !mlcf->format_given)
        || (state && state->error_page))
    {
        return ngx_http_next_header_filter(r);
    }

    if (ngx_http_ml_replace(r, mlcf, state) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_ml_add_headers(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    u_char                       *value, *last;
    ngx_uint_t                    i;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_ml_module);

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = mmcf->features[i];

        if (feature && feature->headers
            && feature->headers(r, state) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (!state->refused) {
        return NGX_OK;
    }

    if (state->answer.retry_after) {
        value = ngx_pnalloc(r->pool, NGX_INT_T_LEN);
        if (value == NULL) {
            return NGX_ERROR;
        }

        last = ngx_sprintf(value, "%uD", state->answer.retry_after);

        if (ngx_http_ml_add_header(r, "Retry-After", value, last) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (state->answer.status == NGX_HTTP_UNAUTHORIZED) {
        value = (u_char *) "Bearer";

        return ngx_http_ml_add_header(r, "WWW-Authenticate", value,
                                      value + sizeof("Bearer") - 1);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_replace(ngx_http_request_t *r, ngx_http_ml_loc_conf_t *mlcf,
    ngx_http_ml_state_t *state)
{
    ngx_str_t                  body;
    ngx_buf_t                 *b;
    const char                *type;
    ngx_http_ml_filter_ctx_t  *ctx;

    if (ngx_http_ml_render_error(r, ngx_http_ml_format(mlcf), state, &body)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    b = ngx_calloc_buf(r->pool);
    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_ml_filter_ctx_t));

    if (b == NULL || ctx == NULL) {
        return NGX_ERROR;
    }

    b->pos = body.data;
    b->last = body.data + body.len;
    b->memory = 1;
    b->last_buf = 1;
    b->last_in_chain = 1;

    ctx->body = b;
    ngx_http_set_ctx(r, ctx, ngx_http_ml_filter_module);

    ngx_http_clear_content_length(r);
    ngx_http_clear_accept_ranges(r);
    ngx_http_clear_last_modified(r);
    ngx_http_clear_etag(r);

    if (r->headers_out.content_encoding) {
        r->headers_out.content_encoding->hash = 0;
        r->headers_out.content_encoding = NULL;
    }

    type = ml_error_media_type(ngx_http_ml_format(mlcf));

    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;
    r->headers_out.content_type_lowcase = NULL;
    r->headers_out.charset.len = 0;
    r->headers_out.content_length_n = body.len;

    if (r->headers_out.status == 422) {

        /* nginx has no phrase for it */

        ngx_str_set(&r->headers_out.status_line, "422 Unprocessable Content");
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_render_error(ngx_http_request_t *r, ngx_uint_t format,
    ngx_http_ml_state_t *state, ngx_str_t *body)
{
    ml_text_t          text;
    ngx_uint_t         status;
    ml_error_answer_t  answer;

    status = r->headers_out.status ? r->headers_out.status : r->err_status;

    if (state && state->refused && state->answer.status == r->err_status) {
        answer = state->answer;

    } else {
        ngx_memzero(&answer, sizeof(ml_error_answer_t));
        answer.status = status;
        answer.title = ngx_http_ml_reason_phrase(status);
        answer.detail = answer.title;
    }

    ml_text_init(&text);
    ml_error_render(&text, format, &answer);

    if (text.failed) {
        ml_text_free(&text);
        return NGX_ERROR;
    }

    body->len = text.len;
    body->data = ngx_pnalloc(r->pool, text.len);

    if (body->data) {
        ngx_memcpy(body->data, text.data, text.len);
    }

    ml_text_free(&text);

    return body->data ? NGX_OK : NGX_ERROR;
}


static ngx_int_t
ngx_http_ml_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_chain_t               *cl, out;
    ngx_http_ml_filter_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_ml_filter_module);

    if (ctx == NULL || r != r->main) {
        return ngx_http_next_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
        cl->buf->file_pos = cl->buf->file_last;
    }

    if (ctx->sent) {
        return ngx_http_next_body_filter(r, NULL);
    }

    ctx->sent = 1;

    out.buf = ctx->body;
    out.next = NULL;

    return ngx_http_next_body_filter(r, &out);
}


ngx_int_t
ngx_http_ml_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, u_char *last)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = value;
    h->value.len = last - value;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_filter_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_ml_header_filter;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_ml_body_filter;

    return NGX_OK;
}
