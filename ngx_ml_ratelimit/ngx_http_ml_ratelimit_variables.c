#include "ngx_http_ml_ratelimit.h"


/* Which variable a getter is asked for. */
typedef enum {
    NGX_HTTP_ML_RATELIMIT_VAR_COST = 0,
    NGX_HTTP_ML_RATELIMIT_VAR_COST_ACTUAL
} ngx_http_ml_ratelimit_variable_e;


static ngx_int_t ngx_http_ml_client_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_ml_tier_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_ml_ratelimit_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_ml_cost_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_str_t  ngx_http_ml_ratelimit_verdicts[] = {
    ngx_null_string,
    ngx_string("PASSED"),
    ngx_string("REJECTED"),
    ngx_string("REJECTED_DRY_RUN")
};


static ngx_http_variable_t  ngx_http_ml_ratelimit_vars[] = {

    { ngx_string("ml_client"), NULL, ngx_http_ml_client_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_tier"), NULL, ngx_http_ml_tier_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_ratelimit_status"), NULL,
      ngx_http_ml_ratelimit_status_variable, 0,
      NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_cost"), NULL, ngx_http_ml_cost_variable,
      NGX_HTTP_ML_RATELIMIT_VAR_COST, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_cost_actual"), NULL, ngx_http_ml_cost_variable,
      NGX_HTTP_ML_RATELIMIT_VAR_COST_ACTUAL, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_ml_ratelimit_add_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_ml_ratelimit_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


/*
 * The name of the key, else the address as it is counted.  A key=VAR is not
 * shown: it may be a secret.
 */

static ngx_int_t
ngx_http_ml_client_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                   address[16], *p;
    ngx_http_ml_state_t     *state;
    ngx_http_ml_identity_t  *identity;

    state = ngx_http_ml_ratelimit_api->state(r->main);

    if (state == NULL || state->identity.tier.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    identity = &state->identity;

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    if (identity->proven) {
        v->data = identity->name.data;
        v->len = identity->name.len;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_SOCKADDR_STRLEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    v->data = p;

    switch (identity->address_len) {

    case 4:
        v->len = ngx_inet_ntop(AF_INET, identity->address, p,
                               NGX_SOCKADDR_STRLEN);
        break;

#if (NGX_HAVE_INET6)

    case 8:
        ngx_memzero(address, sizeof(address));
        ngx_memcpy(address, identity->address, 8);

        p += ngx_inet_ntop(AF_INET6, address, p, NGX_INET6_ADDRSTRLEN);
        p = ngx_cpymem(p, "/64", 3);

        v->len = p - v->data;
        break;

#endif

    default:
        v->len = ngx_cpymem(p, "unix:", 5) - p;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_tier_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_str_t                     *tier;
    ngx_http_ml_state_t           *state;
    ngx_http_ml_ratelimit_part_t  *part;

    state = ngx_http_ml_ratelimit_api->state(r->main);

    if (state == NULL || state->identity.tier.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    part = state->part[NGX_HTTP_ML_RATELIMIT];
    tier = (part && part->tier) ? &part->tier->name : &state->identity.tier;

    v->data = tier->data;
    v->len = tier->len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_ratelimit_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ml_state_t           *state;
    ngx_http_ml_ratelimit_part_t  *part;

    state = ngx_http_ml_ratelimit_api->state(r->main);
    part = state ? state->part[NGX_HTTP_ML_RATELIMIT] : NULL;

    if (part == NULL || part->verdict == NGX_HTTP_ML_RATELIMIT_NONE) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_http_ml_ratelimit_verdicts[part->verdict].data;
    v->len = ngx_http_ml_ratelimit_verdicts[part->verdict].len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_cost_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ml_state_t           *state;
    ngx_http_ml_ratelimit_part_t  *part;

    state = ngx_http_ml_ratelimit_api->state(r->main);
    part = state ? state->part[NGX_HTTP_ML_RATELIMIT] : NULL;

    if (part == NULL || !part->reserved
        || (data == NGX_HTTP_ML_RATELIMIT_VAR_COST_ACTUAL && !part->settled))
    {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (v->data == NULL) {
        return NGX_ERROR;
    }

    v->len = ngx_sprintf(v->data, "%uL",
                         data == NGX_HTTP_ML_RATELIMIT_VAR_COST
                         ? part->cost : part->cost_actual)
             - v->data;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
