/*
 * The body on its way through the validator.
 *
 * DESIGN.  The precontent handler forces the body to be read; a request-body
 * filter, at work only meanwhile, feeds the validator chunk by chunk.  The
 * filter alone is no point of enforcement: it is not called without a body,
 * and a body may have been read before, under another location.  So the
 * handler decides, when the phases run again after the read: no verdict is a
 * rejection.
 *
 * A rejection in mid-body, HTTP/1: the rest of the body is still to come, so
 * the connection cannot be kept; and the request must not look any more as
 * if it had a body, or an error_page that proxies would wait for it.
 *
 * HTTP/2: an answer before the end of the body is lost by common clients, so
 * the rest is dropped first, up to a limit.
 *
 * A rejected body is always dropped.  One that passed is dropped where the
 * tensors take its place (ml_infer), and otherwise stays as it is, to be
 * proxied.
 */

#include "ngx_http_ml_validate.h"


/* How much of a refused HTTP/2 body is read before the answer. */
#define NGX_HTTP_ML_VALIDATE_DRAIN  (1024 * 1024)

/* Piece in which a body is read back from a file. */
#define NGX_HTTP_ML_VALIDATE_PIECE  16384


static ngx_int_t ngx_http_ml_validate_start(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ngx_http_ml_validate_loc_conf_t *vlcf);
static ngx_uint_t ngx_http_ml_validate_same_model(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_ctx_t *ctx);
static ml_body_t *ngx_http_ml_validate_reader(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_ctx_t *ctx);
static ml_body_t *ngx_http_ml_validate_multipart(
    ngx_http_ml_validate_contract_t *contract, ngx_http_ml_validate_ctx_t *ctx,
    const char *boundary, size_t length);
static ngx_int_t ngx_http_ml_validate_outcome(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx);
static ngx_int_t ngx_http_ml_validate_replay(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx);
static ngx_int_t ngx_http_ml_validate_replay_file(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ngx_buf_t *b);
static void ngx_http_ml_validate_read_handler(ngx_http_request_t *r);
static void ngx_http_ml_validate_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_ml_validate_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static void ngx_http_ml_validate_feed(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    u_char *data, size_t size);
static void ngx_http_ml_validate_finish(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx);
static void ngx_http_ml_validate_verdict(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ml_body_status_e status);


static ngx_http_request_body_filter_pt  ngx_http_next_request_body_filter;

static const ml_error_t  ngx_http_ml_validate_missing = {
    "missing", NULL, 0, "Field required", NULL, NULL
};


void
ngx_http_ml_validate_init_filter(void)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_ml_validate_body_filter;
}


ngx_int_t
ngx_http_ml_validate_precontent(ngx_http_request_t *r,
    ngx_http_ml_state_t *state)
{
    ngx_int_t                         rc;
    ngx_uint_t                        methods;
    ngx_http_ml_validate_ctx_t       *ctx;
    ngx_http_ml_validate_route_t     *route;
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_validate_module);

    ctx = ngx_http_ml_validate_get_ctx(r, state);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* in dry run the gate let pass what has no contract */

    rc = ngx_http_ml_validate_pick(r, vlcf->contract, &route, &methods);

    if (ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED
        || (ctx->verdict != NGX_HTTP_ML_VALIDATE_NONE && ctx->conf == vlcf
            && ctx->route == route
            && ngx_http_ml_validate_same_model(r, vlcf, ctx)))
    {
        return ngx_http_ml_validate_outcome(r, state, ctx);
    }

    if ((vlcf->contract->routes
         || vlcf->contract->protocol == NGX_HTTP_ML_VALIDATE_OIP)
        && (rc != NGX_OK || ngx_http_ml_validate_skips(r, route)))
    {
        return rc == NGX_OK || vlcf->dry_run ? NGX_DECLINED : rc;
    }

    ctx->route = route;

    /* never checked, or by another location's contract */

    if (state->consumed) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the body was turned into tensors before a redirect "
                      "to a location with another schema");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_ml_validate_start(r, state, ctx, vlcf);

    if (rc != NGX_OK) {
        return rc;
    }

    if (r->request_body) {
        rc = ngx_http_ml_validate_replay(r, state, ctx);

        if (rc != NGX_OK) {
            return rc;
        }

        ngx_http_ml_validate_finish(r, state, ctx);

        return ngx_http_ml_validate_outcome(r, state, ctx);
    }

    ctx->armed = 1;

    rc = ngx_http_read_client_request_body(r,
                                           ngx_http_ml_validate_body_handler);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        ctx->armed = 0;
        return rc;
    }

    if (rc == NGX_AGAIN) {
        ctx->read_event_handler = r->read_event_handler;
        r->read_event_handler = ngx_http_ml_validate_read_handler;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


/* A redirect did not lead from one model's path to another's. */

static ngx_uint_t
ngx_http_ml_validate_same_model(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_ctx_t *ctx)
{
    ml_oip_contract_t  contract;

    if (vlcf->contract->protocol != NGX_HTTP_ML_VALIDATE_OIP) {
        return 1;
    }

    return ngx_http_ml_validate_oip_contract(r, &contract) == NGX_OK
           && contract.inputs == ctx->oip.inputs;
}


static ngx_int_t
ngx_http_ml_validate_start(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ngx_http_ml_validate_loc_conf_t *vlcf)
{
    /* tensors of an earlier location are not those of this contract */

    state->contract = NULL;
    state->tensors = NULL;
    state->ntensors = 0;
    state->oip = NULL;

    if (ctx->reader) {
        ctx->reader->ops->destroy(ctx->reader);
    }

    ctx->reader = ngx_http_ml_validate_reader(r, vlcf, ctx);

    if (ctx->reader == NULL
        || ngx_http_ml_validate_patterns_start(r, ctx, vlcf->patterns)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->patterns_told = 0;
    ctx->conf = vlcf;
    ctx->verdict = NGX_HTTP_ML_VALIDATE_NONE;
    ctx->reason = NULL;
    ctx->body = 0;
    ctx->consume = ngx_http_ml_validate_api->enabled(r, NGX_HTTP_ML_INFER);

    return ngx_http_ml_validate_decode_start(r, ctx,
                                     ngx_http_ml_validate_coding(r, NULL),
                                     !ctx->consume && r->request_body == NULL);
}


static ml_body_t *
ngx_http_ml_validate_reader(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_ctx_t *ctx)
{
    size_t                            length;
    ngx_str_t                         value;
    const char                       *boundary;
    ml_image_type_e                   type;
    ngx_http_ml_validate_route_t     *route;
    ngx_http_ml_validate_contract_t  *contract;

    if (vlcf->contract->multipart
        && ngx_http_ml_validate_type(r, &value) == 1)
    {
        boundary = ml_multipart_boundary((char *) value.data, value.len,
                                         &length);
        if (boundary) {
            return ngx_http_ml_validate_multipart(vlcf->contract, ctx,
                                                  boundary, length);
        }
    }

    route = ctx->route;

    contract = vlcf->contract;

    switch (contract->protocol) {

    case NGX_HTTP_ML_VALIDATE_RAW:
        return ml_raw_create(contract->schema->tensors[0]);

    case NGX_HTTP_ML_VALIDATE_NPY:
        return ml_npy_create(contract->schema->tensors[0]);

    case NGX_HTTP_ML_VALIDATE_IMAGE:

        /* of no type: only in dry run, and then it is no PNG image */

        type = ngx_http_ml_validate_image(r);

        return ml_image_create(type < ML_IMAGE_TYPES ? type : ML_IMAGE_PNG,
                               &contract->image);

    case NGX_HTTP_ML_VALIDATE_OIP:
        return ngx_http_ml_validate_oip_reader(r, vlcf, ctx);

    default: /* NGX_HTTP_ML_VALIDATE_JSON, _OPENAI */
        return ml_validator_body(ml_validator_create(route ? route->schema
                                                           : contract->schema,
                                         &vlcf->limits, vlcf->deferred,
                                         ngx_http_ml_validate_seed,
                                         contract->keep,
                                         (uint32_t) vlcf->errors));
    }
}


static ml_body_t *
ngx_http_ml_validate_multipart(ngx_http_ml_validate_contract_t *contract,
    ngx_http_ml_validate_ctx_t *ctx, const char *boundary, size_t length)
{
    ngx_memzero(&ctx->file, sizeof(ml_multipart_file_t));

    if (contract->protocol == NGX_HTTP_ML_VALIDATE_NPY) {
        ctx->file.npy = contract->schema->tensors[0];

    } else {
        ctx->file.image = &contract->image;
        ctx->file.types = (uint32_t) contract->image_types;
    }

    return ml_multipart_create(boundary, length, &ctx->file);
}


/* There is a verdict, and the whole body has been read. */

static ngx_int_t
ngx_http_ml_validate_outcome(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx)
{
    uint32_t  n;

    switch (ctx->verdict) {

    case NGX_HTTP_ML_VALIDATE_PASSED:

        state->contract = ctx->conf;
        state->tensors = ctx->reader->ops->tensors(ctx->reader, &n);
        state->ntensors = n;

        if (ctx->conf->contract->protocol == NGX_HTTP_ML_VALIDATE_OIP) {
            state->oip = ml_oip_request(ctx->reader);
        }

        if (ctx->consume) {
            ngx_http_ml_validate_api->forget_body(r);
            state->consumed = 1;
            return NGX_DECLINED;
        }

        /* fall through */

    case NGX_HTTP_ML_VALIDATE_REJECTED_DRY_RUN:

        return ctx->replaced ? ngx_http_ml_validate_decoded(r, ctx)
                             : NGX_DECLINED;

    default: /* NGX_HTTP_ML_VALIDATE_REJECTED */

        ngx_http_ml_validate_api->forget_body(r);

        return ctx->status;
    }
}


/* Somebody has read the body before; it is in memory, or in a file. */

static ngx_int_t
ngx_http_ml_validate_replay(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx)
{
    ngx_int_t     rc;
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {
        b = cl->buf;

        if (ngx_buf_in_memory(b)) {
            ngx_http_ml_validate_feed(r, state, ctx, b->pos,
                                      (size_t) (b->last - b->pos));
            continue;
        }

        if (b->in_file) {
            rc = ngx_http_ml_validate_replay_file(r, state, ctx, b);

            if (rc != NGX_OK) {
                return rc;
            }
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_validate_replay_file(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ngx_buf_t *b)
{
    off_t    offset;
    size_t   size;
    u_char  *piece;
    ssize_t  n;

    piece = ngx_palloc(r->pool, NGX_HTTP_ML_VALIDATE_PIECE);
    if (piece == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    for (offset = b->file_pos;
         offset < b->file_last && ctx->verdict == NGX_HTTP_ML_VALIDATE_NONE;
         offset += n)
    {
        size = (size_t) ngx_min(b->file_last - offset,
                                NGX_HTTP_ML_VALIDATE_PIECE);

        n = ngx_read_file(b->file, piece, size, offset);

        if (n <= 0) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_http_ml_validate_feed(r, state, ctx, piece, (size_t) n);
    }

    return NGX_OK;
}


/*
 * While the body is awaited.  nginx answers a client that is too slow with
 * nothing at all; here it gets a 408 like any other error.
 */

static void
ngx_http_ml_validate_read_handler(ngx_http_request_t *r)
{
    ml_error_answer_t            answer;
    ngx_connection_t            *c;
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;

    c = r->connection;
    state = ngx_http_ml_validate_api->state(r);
    ctx = state->part[NGX_HTTP_ML_VALIDATE];

    if (!c->read->timedout) {
        ctx->read_event_handler(r);
        return;
    }

    ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                  "client sent its request body too slowly");

    ctx->armed = 0;

    ngx_memzero(&answer, sizeof(ml_error_answer_t));
    answer.status = NGX_HTTP_REQUEST_TIME_OUT;

    ctx->verdict = NGX_HTTP_ML_VALIDATE_REJECTED;
    ctx->reason = "timeout";
    ctx->status = ngx_http_ml_validate_api->refuse(r, state, &answer,
                                                   "timeout");

    ngx_http_ml_validate_api->body_timed_out(r, ctx->status);
}


/* The body has been read, or there is none. */

static void
ngx_http_ml_validate_body_handler(ngx_http_request_t *r)
{
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;

    state = ngx_http_ml_validate_api->state(r);
    ctx = state->part[NGX_HTTP_ML_VALIDATE];

    ctx->armed = 0;

    ngx_http_ml_validate_finish(r, state, ctx);

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_ml_validate_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    size_t                       size;
    ngx_buf_t                   *b;
    ngx_uint_t                   last, drop;
    ngx_chain_t                 *cl, out;
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;

    if (in == NULL || r != r->main) {
        return ngx_http_next_request_body_filter(r, in);
    }

    state = ngx_http_ml_validate_api->state(r);
    ctx = state ? state->part[NGX_HTTP_ML_VALIDATE] : NULL;

    if (ctx == NULL || !ctx->armed) {
        return ngx_http_next_request_body_filter(r, in);
    }

    last = 0;

    for (cl = in; cl; cl = cl->next) {
        b = cl->buf;
        size = (size_t) (b->last - b->pos);

        if (ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED) {
            ctx->drained += size;

        } else {
            ngx_http_ml_validate_feed(r, state, ctx, b->pos, size);
        }

        last |= b->last_buf;
    }

    if (last) {
        ngx_http_ml_validate_finish(r, state, ctx);
    }

    drop = ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED;

    if (!drop && !ctx->consume && !ctx->keep) {
        return ngx_http_next_request_body_filter(r, in);
    }

    for (cl = in; cl; cl = cl->next) {
        cl->buf->pos = cl->buf->last;
    }

    if (last) {

        /* a buf of its own: what is forwarded stays in the request body */

        out.buf = ngx_calloc_buf(r->pool);
        if (out.buf == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        out.buf->last_buf = 1;
        out.next = NULL;

        if (drop || !ctx->keep) {
            return ngx_http_next_request_body_filter(r, &out);
        }

        *ctx->decoded_last = &out;
        cl = ctx->decoded;
        ctx->replaced = 1;
        ctx->decoded = NULL;
        ctx->decoded_last = &ctx->decoded;

        return ngx_http_next_request_body_filter(r, cl);
    }

    if (!drop && ctx->keep) {
        cl = ctx->decoded;
        ctx->decoded = NULL;
        ctx->decoded_last = &ctx->decoded;

        return ngx_http_next_request_body_filter(r, cl);
    }

    if (drop) {

#if (NGX_HTTP_V2)
        if (r->stream && ctx->drained <= NGX_HTTP_ML_VALIDATE_DRAIN) {
            return ngx_http_next_request_body_filter(r, NULL);
        }
#endif

        ctx->armed = 0;

        r->keepalive = 0;
        r->lingering_close = 1;

        ngx_http_ml_validate_api->stop_reading(r);
        ngx_http_ml_validate_api->forget_body(r);

        return ctx->status;
    }

    return ngx_http_next_request_body_filter(r, NULL);
}


static void
ngx_http_ml_validate_feed(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_http_ml_validate_ctx_t *ctx, u_char *data, size_t size)
{
    if (size == 0) {
        return;
    }

    ctx->body = 1;

    if (ctx->inflater) {
        ngx_http_ml_validate_decode_feed(r, state, ctx, data, size);
        return;
    }

    ngx_http_ml_validate_read(r, state, ctx, data, size);
}


void
ngx_http_ml_validate_read(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_http_ml_validate_ctx_t *ctx, u_char *data, size_t size)
{
    if (ctx->verdict == NGX_HTTP_ML_VALIDATE_NONE) {
        ngx_http_ml_validate_verdict(r, state, ctx,
                                     ctx->reader->ops->feed(ctx->reader,
                                                            (char *) data,
                                                            size));
    }
}


/* The end of the body; does nothing when there is a verdict already. */

static void
ngx_http_ml_validate_finish(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx)
{
    if (ctx->inflater && ctx->body) {
        ngx_http_ml_validate_decode_finish(r, state, ctx);
    }

    if (ctx->verdict != NGX_HTTP_ML_VALIDATE_NONE) {
        return;
    }

    if (!ctx->body) {
        ngx_http_ml_validate_reject(r, state, ctx, ctx->conf->status,
                                    ngx_http_ml_validate_missing.type,
                                    &ngx_http_ml_validate_missing);
        return;
    }

    ngx_http_ml_validate_verdict(r, state, ctx,
                                 ctx->reader->ops->finish(ctx->reader));
}


static void
ngx_http_ml_validate_verdict(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ml_body_status_e status)
{
    ngx_uint_t         http, blocked;
    const char        *found;
    const ml_error_t  *error;

    switch (status) {

    case ML_BODY_MORE:
        return;

    case ML_BODY_PASSED:
        ctx->verdict = NGX_HTTP_ML_VALIDATE_PASSED;
        ctx->reason = ngx_http_ml_validate_patterns_found(r, ctx);
        return;

    case ML_BODY_REJECTED:
        error = ctx->reader->ops->error(ctx->reader);
        http = ngx_strcmp(error->type, "forbidden") == 0
               ? NGX_HTTP_FORBIDDEN : ctx->conf->status;
        found = ngx_http_ml_validate_patterns_found(r, ctx);
        blocked = ctx->scan && ctx->scan->limit
                  && ctx->scan->score >= ctx->scan->limit;

        ngx_http_ml_validate_reject(r, state, ctx, http,
                                    blocked ? "patterns" : error->type, error);

        if (blocked && found) {
            ctx->reason = found;
        }

        return;

    default: /* ML_BODY_FAILED */

        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "could not allocate memory to check a request body");

        /* never let through, dry run or not */

        ctx->verdict = NGX_HTTP_ML_VALIDATE_REJECTED;
        ctx->reason = "memory";
        ctx->status = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }
}
