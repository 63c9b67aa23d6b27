/*
 * "ml_infer oip": the Open Inference Protocol, whose paths name the model,
 * and what it answers without one running.
 */

#include "ngx_http_ml_infer.h"

#include "ml_oip_answer.h"


static ngx_int_t ngx_http_ml_infer_oip_refuse(ngx_http_ml_infer_ctx_t *ctx,
    ngx_uint_t status, ngx_uint_t retry_after, const char *detail);
static void ngx_http_ml_infer_oip_describe(ngx_http_ml_infer_model_t *model,
    ml_oip_model_t *description);


ngx_http_ml_infer_model_t *
ngx_http_ml_infer_oip_model(ngx_http_request_t *r, ml_oip_path_t *path)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    ml_oip_path((char *) r->uri.data, r->uri.len, path);

    if (path->model_len == 0
        || (path->version_len
            && (path->version_len != sizeof(ML_OIP_VERSION) - 1
                || ngx_memcmp(path->version, ML_OIP_VERSION,
                              path->version_len) != 0)))
    {
        return NULL;
    }

    mimcf = ngx_http_get_module_main_conf(r, ngx_http_ml_infer_module);
    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (models[i]->name.len == path->model_len
            && ngx_memcmp(models[i]->name.data, path->model, path->model_len)
               == 0)
        {
            return models[i];
        }
    }

    return NULL;
}


const ml_tensor_spec_t *
ngx_http_ml_infer_request_inputs(ngx_http_request_t *r, ngx_uint_t *n,
    uint64_t *rows)
{
    ml_oip_path_t                  path;
    ngx_http_ml_infer_model_t     *model;
    ngx_http_ml_infer_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_http_ml_infer_module);

    if (!conf->oip) {
        return NULL;
    }

    model = ngx_http_ml_infer_oip_model(r, &path);

    if (model == NULL) {
        return NULL;
    }

    *n = model->ninputs;
    *rows = ngx_http_ml_infer_rows(model);

    return model->inputs;
}


/* What the gate has to know: NGX_OK when a model will run. */

ngx_int_t
ngx_http_ml_infer_oip_gate(ngx_http_ml_infer_ctx_t *ctx)
{
    switch (ctx->path.endpoint) {

    case ML_OIP_UNKNOWN:
        return ngx_http_ml_infer_oip_refuse(ctx, NGX_HTTP_NOT_FOUND, 0,
                                            "There is no such endpoint");

    case ML_OIP_DENIED:
        return ngx_http_ml_infer_oip_refuse(ctx, NGX_HTTP_FORBIDDEN, 0,
                                            "This may not be used");

    case ML_OIP_SERVER:
    case ML_OIP_LIVE:
    case ML_OIP_READY:
        return NGX_DECLINED;

    default:
        break;
    }

    if (ctx->model == NULL) {
        return ngx_http_ml_infer_oip_refuse(ctx, NGX_HTTP_NOT_FOUND, 0,
                                            "There is no such model, or not "
                                            "in this version");
    }

    return ctx->path.endpoint == ML_OIP_INFER ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_ml_infer_oip_refuse(ngx_http_ml_infer_ctx_t *ctx, ngx_uint_t status,
    ngx_uint_t retry_after, const char *detail)
{
    ml_error_answer_t  answer;

    ngx_memzero(&answer, sizeof(ml_error_answer_t));

    answer.status = status;
    answer.retry_after = retry_after;
    answer.detail = detail;

    ctx->state->refund = 1;

    return ngx_http_ml_infer_api->refuse(ctx->request, ctx->state, &answer,
                                         "endpoint");
}


/* An endpoint that runs no model. */

ngx_int_t
ngx_http_ml_infer_oip_handler(ngx_http_ml_infer_ctx_t *ctx)
{
    ngx_uint_t           ready;
    ml_text_t            text;
    ml_oip_model_t       model;
    ngx_http_request_t  *r;

    r = ctx->request;
    ready = 1;

    ml_text_init(&text);

    if (ctx->model) {
        ngx_http_ml_infer_oip_describe(ctx->model, &model);
    }

    switch (ctx->path.endpoint) {

    case ML_OIP_SERVER:
        ml_oip_server_metadata(&text, NGX_HTTP_ML_VERSION);
        break;

    case ML_OIP_MODEL:
        ml_oip_model_metadata(&text, &model);
        break;

    case ML_OIP_MODEL_CONFIG:
        ml_oip_model_config(&text, &model);
        break;

    case ML_OIP_READY:
        ready = ngx_http_ml_infer_ready(&text);
        text.len = 0;
        ml_oip_server_ready(&text);
        break;

    case ML_OIP_MODEL_READY:
        ready = ngx_http_ml_infer_is_ready(ctx->model);
        ml_oip_model_ready(&text, &model);
        break;

    default: /* ML_OIP_LIVE */
        ml_oip_server_live(&text);
        break;
    }

    if (!ready) {
        ml_text_free(&text);

        return ngx_http_ml_infer_oip_refuse(ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                            1, "Not ready");
    }

    ngx_http_ml_infer_api->settle(ctx->state);

    return ngx_http_ml_infer_send(r, &text, "application/json");
}


static void
ngx_http_ml_infer_oip_describe(ngx_http_ml_infer_model_t *model,
    ml_oip_model_t *description)
{
    description->name = (char *) model->name.data;
    description->inputs = model->inputs;
    description->ninputs = model->ninputs;
    description->outputs = model->outputs;
    description->noutputs = model->noutputs;
    description->batch = 0;

    if (ml_model_batched(model->model)) {
        description->batch = (int64_t) ngx_min(ngx_http_ml_infer_rows(model),
                                               NGX_MAX_INT32_VALUE);
    }
}


/* What the validator could not know of a request, or NULL. */

const char *
ngx_http_ml_infer_oip_wrong(ngx_http_ml_infer_ctx_t *ctx)
{
    ml_oip_model_t        model;
    ngx_http_ml_state_t  *state;

    state = ctx->state;
    ngx_http_ml_infer_oip_describe(ctx->model, &model);

    /* a redirect may have led from one model's path to another's */

    if (state->oip == NULL
        || !ml_contract_fits(ctx->model->model, state->tensors,
                             state->ntensors))
    {
        return "The tensors are not those of the model";
    }

    return ml_oip_unknown_output(state->oip, &model)
           ? "The model has no output of a name that is asked for" : NULL;
}


/* The outputs, and the length of what of them is JSON, or 0. */

size_t
ngx_http_ml_infer_oip_render(ngx_http_ml_infer_ctx_t *ctx, ml_job_t *job,
    ml_text_t *text)
{
    ml_oip_model_t  model;

    ngx_http_ml_infer_oip_describe(ctx->model, &model);

    return ml_oip_answer(text, ctx->state->oip, &model, job->outputs,
                         job->rows);
}
