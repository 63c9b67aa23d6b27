/*
 * The phase handlers of all features, in the one order that is right.
 *
 * Phase handlers of a phase run in the reverse of their registration, and
 * features may be loaded in any order, so no feature registers its own: the
 * core has one handler per phase and calls the features in it.
 *
 *     REWRITE      mark a request that is inside the user's error_page
 *     PREACCESS    who is it; the gates: limiter, validate, infer
 *     PRECONTENT   validate reads and checks the body; the limiter charges
 *     LOG          count the outcome; warn of requests that came around us
 *
 * Handlers return NGX_DECLINED, a status, or NGX_DONE; never NGX_OK, which
 * would skip the handlers of other modules.
 */

#include "ngx_http_ml_core.h"


/* Features that make a location work for the client, rather than be a page. */
#define NGX_HTTP_ML_WORK  ((1 << NGX_HTTP_ML_VALIDATE)                        \
                           | (1 << NGX_HTTP_ML_INFER))


static ngx_int_t ngx_http_ml_rewrite_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_ml_gate_handler(ngx_http_request_t *r);
static ngx_uint_t ngx_http_ml_is_page(ngx_http_ml_state_t *state,
    ngx_uint_t features);
static void ngx_http_ml_begin_again(ngx_http_ml_state_t *state);
static ngx_int_t ngx_http_ml_gate(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_uint_t features);
static ngx_int_t ngx_http_ml_precontent_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_ml_log_handler(ngx_http_request_t *r);


ngx_int_t
ngx_http_ml_init_phases(ngx_conf_t *cf)
{
    ngx_uint_t                  i;
    ngx_http_handler_pt        *h;
    ngx_http_core_main_conf_t  *cmcf;

    static const struct {
        ngx_uint_t              phase;
        ngx_http_handler_pt     handler;
    } handlers[] = {
        { NGX_HTTP_REWRITE_PHASE, ngx_http_ml_rewrite_handler },
        { NGX_HTTP_PREACCESS_PHASE, ngx_http_ml_gate_handler },
        { NGX_HTTP_PRECONTENT_PHASE, ngx_http_ml_precontent_handler },
        { NGX_HTTP_LOG_PHASE, ngx_http_ml_log_handler }
    };

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    for (i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++) {

        h = ngx_array_push(&cmcf->phases[handlers[i].phase].handlers);
        if (h == NULL) {
            return NGX_ERROR;
        }

        *h = handlers[i].handler;
    }

    return NGX_OK;
}


/*
 * r->error_page cannot be asked: it is set when any error_page is
 * configured, matched or not.  But nothing with err_status goes through the
 * phases again unless an error_page sent it there.
 */

static ngx_int_t
ngx_http_ml_rewrite_handler(ngx_http_request_t *r)
{
    ngx_http_ml_state_t     *state;
    ngx_http_ml_loc_conf_t  *mlcf;

    if (r->err_status == 0 || r != r->main) {
        return NGX_DECLINED;
    }

    state = ngx_http_ml_get_state(r);

    if (state == NULL) {
        mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

        if (mlcf->features == 0 && !mlcf->format_given) {
            return NGX_DECLINED;
        }

        state = ngx_http_ml_create_state(r);
        if (state == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    state->error_page = 1;

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_ml_gate_handler(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    ngx_http_ml_state_t      *state;
    ngx_http_ml_loc_conf_t   *mlcf;

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

    if (mlcf->features == 0 || r != r->main) {
        return NGX_DECLINED;
    }

    state = ngx_http_ml_get_state(r);

    if (state == NULL) {
        state = ngx_http_ml_create_state(r);
        if (state == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (state->draining) {

        /* came back with the body read and dropped */

        state->draining = 0;
        return state->answer.status;
    }

    if (state->location == NULL) {
        state->location = mlcf;
    }

    if (ngx_http_ml_is_page(state, mlcf->features)) {
        return NGX_DECLINED;
    }

    if (state->settled) {
        ngx_http_ml_begin_again(state);
    }

    rc = ngx_http_ml_gate(r, state, mlcf->features);

    if (rc == NGX_DECLINED) {
        state->gated = 1;
        return NGX_DECLINED;
    }

    if (!state->refused) {
        return rc;
    }

    return ngx_http_ml_refused(r, state, rc);
}


/*
 * An error_page may lead to another location.  A page must be shown, whoever
 * inherits which limit; but where there is work to do all guards stand, and
 * what was settled for the refused request does not pay for it.
 */

static ngx_uint_t
ngx_http_ml_is_page(ngx_http_ml_state_t *state, ngx_uint_t features)
{
    if (features & NGX_HTTP_ML_WORK) {
        return 0;
    }

    return state->refused || (state->error_page && state->gated);
}


static void
ngx_http_ml_begin_again(ngx_http_ml_state_t *state)
{
    state->refused = 0;
    state->settled = 0;
    state->executed = 0;
    state->refund = 0;
    state->compute_ns = 0;
    state->part[NGX_HTTP_ML_RATELIMIT] = NULL;
}


static ngx_int_t
ngx_http_ml_gate(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_uint_t features)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ml_error_answer_t             answer;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_ml_module);

    if (state->identity.tier.len == 0) {

        rc = ngx_http_ml_identify(r, &mmcf->keys, &state->identity);

        if (rc == NGX_HTTP_UNAUTHORIZED) {

            /* unknown it stays, wherever an error_page leads */

            state->identity.tier.len = 0;

            ngx_memzero(&answer, sizeof(ml_error_answer_t));
            answer.status = NGX_HTTP_UNAUTHORIZED;
            answer.detail = "Invalid API key";

            return ngx_http_ml_refuse(r, state, &answer, "unauthorized");
        }

        if (rc != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    for (i = 0; i < NGX_HTTP_ML_NFEATURES; i++) {
        feature = mmcf->features[i];

        if (!(features & (1 << i)) || feature->gate == NULL) {
            continue;
        }

        rc = feature->gate(r, state);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_ml_precontent_handler(ngx_http_request_t *r)
{
    ngx_int_t                     rc;
    ngx_uint_t                    i;
    ngx_http_ml_state_t          *state;
    ngx_http_ml_loc_conf_t       *mlcf;
    ngx_http_ml_main_conf_t      *mmcf;
    const ngx_http_ml_feature_t  *feature;

    static const ngx_http_ml_kind_e  order[] = {
        NGX_HTTP_ML_VALIDATE, NGX_HTTP_ML_RATELIMIT
    };

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);

    if (mlcf->features == 0 || r != r->main) {
        return NGX_DECLINED;
    }

    state = ngx_http_ml_get_state(r);

    if (state == NULL) {

        /* the gate of this location was not passed: never go on unguarded */

        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "request reached the content phase without its guards");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ngx_http_ml_is_page(state, mlcf->features)) {
        return NGX_DECLINED;
    }

    mmcf = ngx_http_get_module_main_conf(r, ngx_http_ml_module);

    for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        feature = mmcf->features[order[i]];

        if (!(mlcf->features & (1 << order[i]))
            || feature->precontent == NULL)
        {
            continue;
        }

        rc = feature->precontent(r, state);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    return NGX_DECLINED;
}


static ngx_int_t
ngx_http_ml_log_handler(ngx_http_request_t *r)
{
    ngx_uint_t               status;
    ngx_http_ml_state_t     *state;
    ngx_http_ml_loc_conf_t  *mlcf;

    if (r != r->main) {
        return NGX_OK;
    }

    mlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_module);
    state = ngx_http_ml_get_state(r);

    if (state == NULL && mlcf->features == 0) {
        return NGX_OK;
    }

    status = r->err_status ? r->err_status : r->headers_out.status;

    if (state == NULL || !(state->gated || state->refused)) {

        if (status < NGX_HTTP_SPECIAL_RESPONSE) {

            ngx_http_ml_count(r, "unguarded");

            if (!mlcf->warned) {
                mlcf->warned = 1;
                ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                              "a request was answered without its guards: "
                              "\"return\" or \"rewrite\" in an ML location");
            }

            return NGX_OK;
        }

    } else if (state->refused) {
        return NGX_OK;
    }

    if (status == NGX_HTTP_CLIENT_CLOSED_REQUEST || r->connection->error) {
        ngx_http_ml_count(r, "client_closed");

    } else if (status >= NGX_HTTP_INTERNAL_SERVER_ERROR) {
        ngx_http_ml_count(r, "server_error");

    } else if (status >= NGX_HTTP_BAD_REQUEST) {
        ngx_http_ml_count(r, "client_error");

    } else {
        ngx_http_ml_count(r, "ok");
    }

    return NGX_OK;
}
