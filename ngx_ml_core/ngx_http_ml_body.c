/*
 * The body of a request that is refused before, or while, it is read.
 *
 * HTTP/1 needs little: nginx itself discards what was not read.  HTTP/2
 * clients lose an answer that comes before the end of their body, so the
 * body is read first, up to a limit, and dropped as it comes: nothing of it
 * is kept in memory or in a file.  Where an error_page waits for the status
 * the body may be wanted there; then it is left unread, as nginx does, or
 * read and kept when it fits into the buffer.
 */

#include "ngx_http_ml_core.h"


/* How much of a refused body is read before the answer. */
#define NGX_HTTP_ML_DRAIN_MAX  (1024 * 1024)


static ngx_uint_t ngx_http_ml_has_error_page(ngx_http_core_loc_conf_t *clcf,
    ngx_uint_t status);
#if (NGX_HTTP_V2)
static ngx_int_t ngx_http_ml_drain(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_int_t status);
static void ngx_http_ml_drain_read_handler(ngx_http_request_t *r);
static void ngx_http_ml_drained(ngx_http_request_t *r);
#endif
static ngx_int_t ngx_http_ml_drain_filter(ngx_http_request_t *r,
    ngx_chain_t *in);


static ngx_http_request_body_filter_pt  ngx_http_next_request_body_filter;


void
ngx_http_ml_init_body_filter(void)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_ml_drain_filter;
}


/*
 * What the gate returns for a refusal: the status, or NGX_DONE when the body
 * is read first; the gate is then entered again, with state->draining set.
 */

ngx_int_t
ngx_http_ml_refused(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_int_t status)
{
    off_t                      length;
    ngx_http_core_loc_conf_t  *clcf;

    length = r->headers_in.content_length_n;

    if (r->request_body || r->discard_body || length == 0) {
        return status;
    }

#if (NGX_HTTP_V2)

    if (r->stream) {

        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (ngx_http_ml_has_error_page(clcf, status)) {

            if (length == -1
                || length > (off_t) clcf->client_body_buffer_size)
            {
                return status;
            }

            state->keep_body = 1;
        }

        return ngx_http_ml_drain(r, state, status);
    }

#endif

    if (length > NGX_HTTP_ML_DRAIN_MAX) {

        /* not worth reading to its end for the sake of the connection */

        r->keepalive = 0;
        r->lingering_close = 1;
    }

    return status;
}


static ngx_uint_t
ngx_http_ml_has_error_page(ngx_http_core_loc_conf_t *clcf, ngx_uint_t status)
{
    ngx_uint_t            i;
    ngx_http_err_page_t  *page;

    if (clcf->error_pages) {
        page = clcf->error_pages->elts;

        for (i = 0; i < clcf->error_pages->nelts; i++) {
            if (page[i].status == (ngx_int_t) status) {
                return 1;
            }
        }
    }

    return 0;
}


#if (NGX_HTTP_V2)

static ngx_int_t
ngx_http_ml_drain(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_int_t status)
{
    ngx_int_t  rc;

    state->draining = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_ml_drained);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        state->draining = 0;
        return rc;
    }

    if (rc == NGX_AGAIN) {
        state->read_event_handler = r->read_event_handler;
        r->read_event_handler = ngx_http_ml_drain_read_handler;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
ngx_http_ml_drain_read_handler(ngx_http_request_t *r)
{
    ngx_http_ml_state_t  *state;

    state = ngx_http_ml_get_state(r);

    if (!r->connection->read->timedout) {
        state->read_event_handler(r);
        return;
    }

    state->draining = 0;

    ngx_http_ml_body_timed_out(r, state->answer.status);
}


static void
ngx_http_ml_drained(ngx_http_request_t *r)
{
    ngx_http_ml_state_t  *state;

    state = ngx_http_ml_get_state(r);

    if (!state->keep_body) {
        ngx_http_ml_forget_body(r);
    }

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}

#endif


static ngx_int_t
ngx_http_ml_drain_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_uint_t            last;
    ngx_chain_t          *cl, out;
    ngx_http_ml_state_t  *state;

    state = in ? ngx_http_ml_get_state(r) : NULL;

    if (state == NULL || !state->draining || state->keep_body) {
        return ngx_http_next_request_body_filter(r, in);
    }

    last = 0;

    for (cl = in; cl; cl = cl->next) {
        state->drained += cl->buf->last - cl->buf->pos;
        cl->buf->pos = cl->buf->last;
        last |= cl->buf->last_buf;
    }

    if (last) {

        /* a buf of its own: what is forwarded stays in the request body */

        out.buf = ngx_calloc_buf(r->pool);
        if (out.buf == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        out.buf->last_buf = 1;
        out.next = NULL;

        return ngx_http_next_request_body_filter(r, &out);
    }

    if (state->drained > NGX_HTTP_ML_DRAIN_MAX) {
        state->draining = 0;
        ngx_http_ml_forget_body(r);

        return state->answer.status;
    }

    return ngx_http_next_request_body_filter(r, NULL);
}


/*
 * The request looks as if it never had a body: whoever an error_page leads
 * to must not wait for it.  $content_length, which FastCGI and uwsgi are
 * told, comes from the header.
 */

void
ngx_http_ml_forget_body(ngx_http_request_t *r)
{
    r->headers_in.content_length_n = 0;
    r->headers_in.chunked = 0;

    if (r->headers_in.content_length) {
        ngx_str_set(&r->headers_in.content_length->value, "0");
    }

    if (r->request_body) {
        r->request_body->bufs = NULL;
    }
}


/* Nobody reads the body any more: its timer must not end the request. */

void
ngx_http_ml_stop_reading(ngx_http_request_t *r)
{
    r->read_event_handler = ngx_http_block_reading;

    if (r->connection->read->timer_set) {
        ngx_del_timer(r->connection->read);
    }
}


/*
 * The client was too slow with its body.  nginx would end the request
 * without an answer; here it gets one, and error_page holds.
 */

void
ngx_http_ml_body_timed_out(ngx_http_request_t *r, ngx_int_t status)
{
    r->connection->read->timedout = 0;

    r->keepalive = 0;
    r->lingering_close = 1;

#if (NGX_HTTP_V2)
    if (r->stream) {
        r->stream->skip_data = 1;
    }
#endif

    ngx_http_ml_stop_reading(r);
    ngx_http_ml_forget_body(r);

    ngx_http_finalize_request(r,
                              ngx_http_special_response_handler(r, status));
}
