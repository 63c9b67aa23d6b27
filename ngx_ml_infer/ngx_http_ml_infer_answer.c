/* The answer to a request whose job went well. */

#include "ngx_http_ml_infer.h"

#include "ml_response.h"


static ngx_int_t ngx_http_ml_infer_render(ngx_http_ml_infer_ctx_t *ctx,
    ml_job_t *job, ml_text_t *text);


static void
ngx_http_ml_infer_text_free(void *data)
{
    free(data);
}


ngx_int_t
ngx_http_ml_infer_answer(ngx_http_ml_infer_ctx_t *ctx, ml_job_t *job)
{
    u_char              *value, *last;
    size_t               header;
    ml_text_t            text;
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;
    header = 0;
    rc = NGX_OK;

    ml_text_init(&text);

    if (ctx->conf->oip) {
        header = ngx_http_ml_infer_oip_render(ctx, job, &text);

    } else {
        rc = ngx_http_ml_infer_render(ctx, job, &text);
    }

    if (header) {
        value = ngx_pnalloc(r->pool, NGX_SIZE_T_LEN);
        rc = NGX_ERROR;

        if (value) {
            last = ngx_sprintf(value, "%uz", header);
            rc = ngx_http_ml_infer_api->add_header(r,
                                            "Inference-Header-Content-Length",
                                            value, last);
        }
    }

    if (rc != NGX_OK || text.failed) {
        ml_text_free(&text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->outcome = NGX_HTTP_ML_INFER_OK;
    ngx_http_ml_infer_count(ctx->model, NGX_HTTP_ML_INFER_OK);

    ngx_http_ml_infer_api->settle(ctx->state);

    return ngx_http_ml_infer_send(r, &text,
                                  header ? "application/octet-stream"
                                         : "application/json");
}


ngx_int_t
ngx_http_ml_infer_send(ngx_http_request_t *r, ml_text_t *text,
    const char *type)
{
    ngx_int_t            rc;
    ngx_buf_t           *b;
    ngx_chain_t          out;
    ngx_pool_cleanup_t  *cln;

    cln = ngx_pool_cleanup_add(r->pool, 0);
    b = ngx_calloc_buf(r->pool);

    if (cln == NULL || b == NULL || text->failed) {
        ml_text_free(text);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    cln->handler = ngx_http_ml_infer_text_free;
    cln->data = text->data;

    if (text->len) {
        b->pos = (u_char *) text->data;
        b->last = b->pos + text->len;
        b->memory = 1;
    }

    b->last_buf = 1;
    b->last_in_chain = 1;

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = text->len;
    r->headers_out.content_type.data = (u_char *) type;
    r->headers_out.content_type.len = ngx_strlen(type);
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


static ngx_int_t
ngx_http_ml_infer_render(ngx_http_ml_infer_ctx_t *ctx, ml_job_t *job,
    ml_text_t *text)
{
    ngx_int_t                     rc;
    ngx_str_t                    *fields, json;
    ngx_uint_t                    i;
    ngx_http_ml_infer_model_t    *model;
    const ngx_http_ml_feature_t  *validate;

    model = ctx->model;
    validate = ngx_http_ml_infer_validate();

    ml_text_append(text, "{", 1);

    ml_response_render(text, model->outputs, model->noutputs, job->outputs,
                       job->rows, ctx->form);

    if (ctx->conf->echo) {
        fields = ctx->conf->echo->elts;

        for (i = 0; i < ctx->conf->echo->nelts; i++) {
            rc = validate->field(ctx->state, &fields[i], &json);

            if (rc == NGX_DECLINED) {
                continue;
            }

            if (rc != NGX_OK) {
                return NGX_ERROR;
            }

            ml_text_append(text, ",", 1);
            ml_text_json_string(text, (char *) fields[i].data, fields[i].len);
            ml_text_append(text, ":", 1);
            ml_text_append(text, (char *) json.data, json.len);
        }
    }

    ml_text_append(text, "}", 1);

    return text->failed ? NGX_ERROR : NGX_OK;
}
