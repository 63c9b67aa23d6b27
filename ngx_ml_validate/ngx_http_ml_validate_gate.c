/*
 * What can be refused before the body is read.
 *
 * Only POST, PUT and PATCH, or the methods and paths that the contract has,
 * of the one media type that the location checks, JSON in UTF-8, and not
 * compressed unless that is allowed: whatever else a backend might make of a
 * body was not checked.
 */

#include "ngx_http_ml_validate.h"


static ngx_uint_t ngx_http_ml_validate_media_type(ngx_http_request_t *r,
    ngx_str_t *type, ngx_http_ml_validate_contract_t *contract);
static ngx_uint_t ngx_http_ml_validate_oip_type(ngx_http_request_t *r,
    ngx_str_t *type);
static ngx_uint_t ngx_http_ml_validate_json(u_char *p, u_char *last);


static const ml_error_t  ngx_http_ml_validate_inference_header = {
    "value_error", NULL, 0, "Inference-Header-Content-Length is no length of "
    "a part of the body", NULL, NULL
};


ngx_int_t
ngx_http_ml_validate_gate(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    ngx_str_t                         type;
    ngx_uint_t                        status, methods;
    uint64_t                          header;
    const char                       *reason;
    const ml_error_t                 *error;
    ngx_http_ml_validate_route_t     *route;
    ngx_http_ml_validate_ctx_t       *ctx;
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_validate_module);

    ctx = ngx_http_ml_validate_get_ctx(r, state);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED) {

        /* an error_page led here: its body is gone */
        return ctx->status;
    }

    (void) ngx_http_ml_validate_type(r, &type);
    error = NULL;

    status = (ngx_uint_t) ngx_http_ml_validate_pick(r, vlcf->contract, &route,
                                                    &methods);

    if (status != NGX_OK) {
        reason = status == NGX_HTTP_NOT_FOUND ? "path"
                 : status == NGX_HTTP_FORBIDDEN ? "forbidden" : "method";

    } else if (ngx_http_ml_validate_skips(r, route)) {
        return NGX_DECLINED;

    } else if (!(ngx_http_ml_validate_coding(r, NULL)
                 & (vlcf->encodings | NGX_HTTP_ML_VALIDATE_CODING_NONE)))
    {
        status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
        reason = "content_encoding";

    } else if ((route && route->schema == NULL)
               || !ngx_http_ml_validate_media_type(r, &type, vlcf->contract))
    {
        status = NGX_HTTP_UNSUPPORTED_MEDIA_TYPE;
        reason = "media_type";

    } else if (vlcf->contract->protocol == NGX_HTTP_ML_VALIDATE_OIP
               && ngx_http_ml_validate_oip_header(r, &header) != NGX_OK)
    {
        status = NGX_HTTP_BAD_REQUEST;
        reason = "inference_header";
        error = &ngx_http_ml_validate_inference_header;

    } else {
        return NGX_DECLINED;
    }

    ngx_http_ml_validate_reject(r, state, ctx, status, reason, error);

    if (ctx->verdict == NGX_HTTP_ML_VALIDATE_REJECTED_DRY_RUN) {
        return NGX_DECLINED;
    }

    if (status == NGX_HTTP_NOT_ALLOWED
        && ngx_http_ml_validate_allow(r, methods) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ctx->status;
}


ngx_table_elt_t *
ngx_http_ml_validate_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_uint_t *n)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *found;

    *n = 0;
    found = NULL;

    part = &r->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name->len
            && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
        {
            found = &h[i];
            (*n)++;
        }
    }

    return *n == 1 ? found : NULL;
}


ngx_uint_t
ngx_http_ml_validate_coding(ngx_http_request_t *r, ngx_table_elt_t **header)
{
    ngx_uint_t        i, n;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("Content-Encoding");

    static const struct {
        ngx_str_t     name;
        ngx_uint_t    coding;
    } codings[] = {
        { ngx_string("identity"), NGX_HTTP_ML_VALIDATE_CODING_NONE },
        { ngx_string("gzip"), NGX_HTTP_ML_VALIDATE_GZIP },
        { ngx_string("x-gzip"), NGX_HTTP_ML_VALIDATE_GZIP },
        { ngx_string("deflate"), NGX_HTTP_ML_VALIDATE_DEFLATE }
    };

    h = ngx_http_ml_validate_header(r, &name, &n);

    if (header) {
        *header = h;
    }

    if (n == 0) {
        return NGX_HTTP_ML_VALIDATE_CODING_NONE;
    }

    for (i = 0; h && i < sizeof(codings) / sizeof(codings[0]); i++) {
        if (h->value.len == codings[i].name.len
            && ngx_strncasecmp(h->value.data, codings[i].name.data,
                               h->value.len)
               == 0)
        {
            return codings[i].coding;
        }
    }

    return NGX_HTTP_ML_VALIDATE_CODING_BAD;
}


ngx_uint_t
ngx_http_ml_validate_type(ngx_http_request_t *r, ngx_str_t *type)
{
    ngx_uint_t        n;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("Content-Type");

    h = ngx_http_ml_validate_header(r, &name, &n);

    if (h) {
        *type = h->value;

    } else {
        ngx_str_null(type);
    }

    return n;
}


ml_image_type_e
ngx_http_ml_validate_image(ngx_http_request_t *r)
{
    ngx_str_t    type;
    ngx_uint_t   i;
    const char  *name;

    (void) ngx_http_ml_validate_type(r, &type);

    for (i = 0; i < ML_IMAGE_TYPES; i++) {
        name = ml_image_media_type((ml_image_type_e) i);

        if (type.len == ngx_strlen(name)
            && ngx_strncasecmp(type.data, (u_char *) name, type.len) == 0)
        {
            break;
        }
    }

    return (ml_image_type_e) i;
}


static ngx_uint_t
ngx_http_ml_validate_media_type(ngx_http_request_t *r, ngx_str_t *type,
    ngx_http_ml_validate_contract_t *contract)
{
    size_t                            length;
    u_char                           *p, *last;
    ngx_str_t                        *binary;
    ml_image_type_e                   image;
    ngx_http_ml_validate_protocol_e   protocol;

    /* numpy's format has no registered type */

    static ngx_str_t  types[] = {
        ngx_string("application/octet-stream"),
        ngx_string("application/x-npy"),
        ngx_null_string
    };

    if (contract->protocol == NGX_HTTP_ML_VALIDATE_OIP) {
        return ngx_http_ml_validate_oip_type(r, type);
    }

    if (type->len == 0) {
        return 0;
    }

    if (contract->multipart
        && ml_multipart_boundary((char *) type->data, type->len, &length))
    {
        return 1;
    }

    p = type->data;
    last = p + type->len;
    protocol = contract->protocol;

    if (protocol == NGX_HTTP_ML_VALIDATE_IMAGE) {
        image = ngx_http_ml_validate_image(r);

        return image < ML_IMAGE_TYPES
               && (contract->image_types == 0
                   || (contract->image_types >> image & 1));
    }

    if (protocol == NGX_HTTP_ML_VALIDATE_JSON
        || protocol == NGX_HTTP_ML_VALIDATE_OPENAI)
    {
        return ngx_http_ml_validate_json(p, last);
    }

    for (binary = types; binary->len; binary++) {

        if (type->len == binary->len
            && ngx_strncasecmp(p, binary->data, binary->len) == 0)
        {
            return binary == types || protocol == NGX_HTTP_ML_VALIDATE_NPY;
        }
    }

    return 0;
}


/*
 * The protocol does not ask for a type, and Triton's clients send none; what
 * is behind the JSON is told by another header.
 */

static ngx_uint_t
ngx_http_ml_validate_oip_type(ngx_http_request_t *r, ngx_str_t *type)
{
    uint64_t  header;

    static ngx_str_t  binary = ngx_string("application/octet-stream");

    if (ngx_http_ml_validate_type(r, type) == 0) {
        return 1;
    }

    if (type->len == binary.len
        && ngx_strncasecmp(type->data, binary.data, binary.len) == 0)
    {
        return ngx_http_ml_validate_oip_header(r, &header) != NGX_OK
               || header != ML_OIP_JSON;
    }

    return type->len
           && ngx_http_ml_validate_json(type->data, type->data + type->len);
}


/* application/json, in UTF-8 if it says so. */

static ngx_uint_t
ngx_http_ml_validate_json(u_char *p, u_char *last)
{
    ngx_uint_t  quoted;

    static const char  json[] = "application/json";
    static const char  charset[] = "charset=";
    static const char  utf8[] = "utf-8";

#define ngx_http_ml_validate_skip(s)                                          \
    ((size_t) (last - p) >= sizeof(s) - 1                                     \
     && ngx_strncasecmp(p, (u_char *) (s), sizeof(s) - 1) == 0                \
     && (p += sizeof(s) - 1))

#define ngx_http_ml_validate_spaces()                                         \
    while (p < last && (*p == ' ' || *p == '\t')) {                           \
        p++;                                                                  \
    }

    if (!ngx_http_ml_validate_skip(json)) {
        return 0;
    }

    ngx_http_ml_validate_spaces();

    if (p == last) {
        return 1;
    }

    if (*p++ != ';') {
        return 0;
    }

    ngx_http_ml_validate_spaces();

    if (!ngx_http_ml_validate_skip(charset)) {
        return 0;
    }

    quoted = p < last && *p == '"';
    p += quoted;

    if (!ngx_http_ml_validate_skip(utf8)) {
        return 0;
    }

    if (quoted && (p == last || *p++ != '"')) {
        return 0;
    }

    ngx_http_ml_validate_spaces();

    return p == last;
}
