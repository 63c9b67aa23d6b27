/*
 * Compressed request bodies.
 *
 * Decoded bytes go to the reader as they come.  Where the body is proxied
 * they take its place: the upstream gets what was checked, with its length
 * and without a coding.  A body that cannot be decoded is refused in dry run,
 * too, because there is nothing to pass on.
 */

#include "ngx_http_ml_validate.h"


typedef struct {
    ngx_http_request_t          *r;
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;
} ngx_http_ml_validate_decode_t;


static int ngx_http_ml_validate_decode_handler(void *data, const char *bytes,
    size_t len);
static void ngx_http_ml_validate_decode_status(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ml_inflate_status_e status);


ngx_int_t
ngx_http_ml_validate_decode_start(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx, ngx_uint_t coding, ngx_uint_t keep)
{
    ml_inflate_destroy(ctx->inflater);

    ctx->inflater = NULL;
    ctx->keep = 0;
    ctx->replaced = 0;
    ctx->decoded = NULL;
    ctx->decoded_last = &ctx->decoded;

    if (!(coding & (NGX_HTTP_ML_VALIDATE_GZIP|NGX_HTTP_ML_VALIDATE_DEFLATE)
          & ctx->conf->encodings))
    {
        return NGX_OK;
    }

    ctx->inflater = ml_inflate_create(coding == NGX_HTTP_ML_VALIDATE_GZIP
                                      ? ML_INFLATE_GZIP : ML_INFLATE_ZLIB,
                                      ctx->conf->decoded,
                                      ngx_http_ml_validate_decode_handler,
                                      NULL);
    ctx->keep = keep;

    return ctx->inflater ? NGX_OK : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


void
ngx_http_ml_validate_decode_feed(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    u_char *data, size_t size)
{
    ngx_http_ml_validate_decode_t  decode;

    decode.r = r;
    decode.state = state;
    decode.ctx = ctx;

    ml_inflate_set_data(ctx->inflater, &decode);
    ngx_http_ml_validate_decode_status(r, state, ctx,
                                       ml_inflate_feed(ctx->inflater,
                                                       (char *) data, size));
}


void
ngx_http_ml_validate_decode_finish(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx)
{
    ngx_http_ml_validate_decode_status(r, state, ctx,
                                       ml_inflate_finish(ctx->inflater));
}


static int
ngx_http_ml_validate_decode_handler(void *data, const char *bytes, size_t len)
{
    ngx_http_ml_validate_decode_t *decode = data;

    ngx_buf_t                   *b;
    ngx_chain_t                 *cl;
    ngx_http_ml_validate_ctx_t  *ctx;

    ctx = decode->ctx;

    ngx_http_ml_validate_read(decode->r, decode->state, ctx,
                              (u_char *) bytes, len);

    if (ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED) {
        return -1;
    }

    if (!ctx->keep) {
        return 0;
    }

    b = ngx_create_temp_buf(decode->r->pool, len);
    cl = ngx_alloc_chain_link(decode->r->pool);

    if (b == NULL || cl == NULL) {
        ctx->verdict = NGX_HTTP_ML_VALIDATE_REJECTED;
        ctx->reason = "memory";
        ctx->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
        return -1;
    }

    b->last = ngx_cpymem(b->last, bytes, len);
    cl->buf = b;
    cl->next = NULL;

    *ctx->decoded_last = cl;
    ctx->decoded_last = &cl->next;

    return 0;
}


static void
ngx_http_ml_validate_decode_status(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ml_inflate_status_e status)
{
    ml_error_answer_t  answer;

    ngx_memzero(&answer, sizeof(ml_error_answer_t));

    switch (status) {

    case ML_INFLATE_MORE:
    case ML_INFLATE_DONE:
    case ML_INFLATE_STOPPED:
        return;

    case ML_INFLATE_LARGE:
        answer.status = NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
        break;

    case ML_INFLATE_BROKEN:
        answer.status = NGX_HTTP_BAD_REQUEST;
        break;

    default: /* ML_INFLATE_MEMORY */
        answer.status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED) {
        return;
    }

    ngx_log_error(ctx->conf->log_level, r->connection->log, 0,
                  "could not decode a request body: %s",
                  status == ML_INFLATE_BROKEN
                  ? ml_inflate_error(ctx->inflater) : "too large");

    ctx->verdict = NGX_HTTP_ML_VALIDATE_REJECTED;
    ctx->reason = "content_encoding";
    ctx->status = ngx_http_ml_validate_api->refuse(r, state, &answer,
                                                   "invalid");
}


ngx_int_t
ngx_http_ml_validate_decoded(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx)
{
    u_char           *p;
    uint64_t          total;
    ngx_table_elt_t  *coding;

    ctx->replaced = 0;
    total = ml_inflate_total(ctx->inflater);

    r->headers_in.content_length_n = (off_t) total;
    r->headers_in.chunked = 0;

    if (r->headers_in.content_length) {
        p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN + 1);
        if (p == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        r->headers_in.content_length->value.data = p;
        r->headers_in.content_length->value.len =
            (size_t) (ngx_sprintf(p, "%O%Z", (off_t) total) - p) - 1;
    }

    /* the header is passed on: what is true of the body now */

    (void) ngx_http_ml_validate_coding(r, &coding);

    if (coding) {
        ngx_str_set(&coding->value, "identity");
    }

    return NGX_DECLINED;
}
