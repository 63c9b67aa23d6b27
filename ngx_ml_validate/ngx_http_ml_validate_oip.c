/*
 * "protocol=oip": the Open Inference Protocol.
 *
 * With "ml_infer oip" in the same location a request is checked against the
 * inputs of the model that its path names; in front of an upstream, whose
 * models are not known here, for being sound in itself.  Endpoints that the
 * protocol does not have are refused, and so are its extensions that reach
 * into the server: shared memory and the model repository.
 */

#include "ngx_http_ml_validate.h"


/* What the paths of violations are told from. */
static const char  ngx_http_ml_validate_oip_names[] =
    "{\"properties\":{\"id\":{},\"parameters\":{\"properties\":"
    "{\"binary_data_output\":{}}},\"inputs\":{\"items\":{\"properties\":"
    "{\"name\":{},\"shape\":{\"items\":{}},\"datatype\":{},\"parameters\":"
    "{\"properties\":{\"binary_data_size\":{}}},\"data\":{\"items\":{}}}}},"
    "\"outputs\":{\"items\":{\"properties\":{\"name\":{},\"parameters\":"
    "{\"properties\":{\"binary_data\":{}}}}}}}}";


static ngx_http_ml_validate_route_t  ngx_http_ml_validate_oip_bodiless = {
    .optional = 1
};


char *
ngx_http_ml_validate_oip(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract)
{
    char              error[256];
    ngx_str_t         text;

    static ngx_str_t  name = ngx_string("oip");

    text.len = sizeof(ngx_http_ml_validate_oip_names) - 1;
    text.data = (u_char *) ngx_http_ml_validate_oip_names;

    contract->names = ngx_http_ml_validate_compile(cf, contract, &name, &text,
                                                   NULL, error,
                                                   sizeof(error));
    if (contract->names == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "protocol oip: %s", error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_uint_t
ngx_http_ml_validate_oip_slashes(u_char *p, u_char *last)
{
    ngx_uint_t  n;

    for (n = 0; p < last; p++) {
        n += *p == '/';
    }

    return n;
}


/*
 * An upstream may be sent the path as it came, and see other segments in it:
 * "." and "..", empty ones, and slashes that are escaped.
 */
static ngx_uint_t
ngx_http_ml_validate_oip_ambiguous(ngx_http_request_t *r)
{
    u_char  *p, *last;

    if (!r->valid_unparsed_uri) {
        return 0;
    }

    p = r->unparsed_uri.data;
    last = ngx_strlchr(p, p + r->unparsed_uri.len, '?');

    if (last == NULL) {
        last = p + r->unparsed_uri.len;
    }

    if (ngx_strlcasestrn(p, last, (u_char *) "%2f", 3 - 1)) {
        return 1;
    }

    return ngx_http_ml_validate_oip_slashes(p, last)
           != ngx_http_ml_validate_oip_slashes(r->uri.data,
                                               r->uri.data + r->uri.len);
}


ngx_int_t
ngx_http_ml_validate_oip_pick(ngx_http_request_t *r,
    ngx_http_ml_validate_route_t **route, ngx_uint_t *methods)
{
    ml_oip_path_t  path;

    ml_oip_path((char *) r->uri.data, r->uri.len, &path);

    if (path.endpoint != ML_OIP_DENIED
        && ngx_http_ml_validate_oip_ambiguous(r))
    {
        path.endpoint = ML_OIP_UNKNOWN;
    }

    switch (path.endpoint) {

    case ML_OIP_UNKNOWN:
        return NGX_HTTP_NOT_FOUND;

    case ML_OIP_DENIED:
        return NGX_HTTP_FORBIDDEN;

    case ML_OIP_INFER:
        *methods = NGX_HTTP_POST;
        break;

    default:
        *methods = NGX_HTTP_GET|NGX_HTTP_HEAD;
        *route = &ngx_http_ml_validate_oip_bodiless;
    }

    return r->method & *methods ? NGX_OK : NGX_HTTP_NOT_ALLOWED;
}


ngx_int_t
ngx_http_ml_validate_oip_header(ngx_http_request_t *r, uint64_t *header)
{
    off_t             n;
    ngx_uint_t        count;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("Inference-Header-Content-Length");

    *header = ML_OIP_JSON;

    h = ngx_http_ml_validate_header(r, &name, &count);

    if (count == 0) {
        return NGX_OK;
    }

    n = h ? ngx_atoof(h->value.data, h->value.len) : NGX_ERROR;

    if (n == NGX_ERROR) {
        return NGX_ERROR;
    }

    /* the length of a compressed body says nothing yet */

    if (r->headers_in.content_length_n >= 0
        && n > r->headers_in.content_length_n
        && ngx_http_ml_validate_coding(r, NULL)
           == NGX_HTTP_ML_VALIDATE_CODING_NONE)
    {
        return NGX_ERROR;
    }

    *header = (uint64_t) n;

    return NGX_OK;
}


/* The model that the path names, and its inputs, where they are known. */

ngx_int_t
ngx_http_ml_validate_oip_contract(ngx_http_request_t *r,
    ml_oip_contract_t *contract)
{
    ngx_uint_t     n;
    ml_oip_path_t  path;

    ngx_memzero(contract, sizeof(ml_oip_contract_t));

    ml_oip_path((char *) r->uri.data, r->uri.len, &path);

    contract->model = path.model;
    contract->model_len = path.model_len;

    if (!ngx_http_ml_validate_api->enabled(r, NGX_HTTP_ML_INFER)) {
        return NGX_OK;
    }

    contract->inputs = ngx_http_ml_validate_infer->request_inputs(r, &n,
                                                            &contract->rows);
    contract->ninputs = n;

    return contract->inputs ? NGX_OK : NGX_ERROR;
}


ml_body_t *
ngx_http_ml_validate_oip_reader(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_ctx_t *ctx)
{
    uint64_t  header;

    if (ngx_http_ml_validate_oip_contract(r, &ctx->oip) != NGX_OK) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "there is no model to check a request against");
        return NULL;
    }

    /* a header that is wrong came this far in dry run only */

    if (ngx_http_ml_validate_oip_header(r, &header) != NGX_OK) {
        header = ML_OIP_JSON;
    }

    return ml_oip_create(&ctx->oip, header, &vlcf->limits, vlcf->deferred,
                         ngx_http_ml_validate_seed);
}
