/*
 * Contracts that depend on the request: which of several schemas the body of
 * a method and a path has.
 *
 * "openapi" takes them from a document of OpenAPI, "protocol=openai" knows
 * those of OpenAI's API.  What neither has is refused: 404, or 405 where the
 * path has other methods.
 */

#include "ngx_http_ml_validate.h"
#include "ml_openapi.h"


typedef struct {
    const char  *name;
    ngx_uint_t   method;
} ngx_http_ml_validate_method_t;


static ngx_http_ml_validate_route_t *ngx_http_ml_validate_add_route(
    ngx_conf_t *cf, ngx_http_ml_validate_contract_t *contract);
static ngx_int_t ngx_http_ml_validate_add_operation(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name,
    ml_text_t *text, const ml_openapi_operation_t *operation);
static ngx_uint_t ngx_http_ml_validate_route_match(
    ngx_http_ml_validate_route_t *route, ngx_str_t *uri);


static const ngx_http_ml_validate_method_t  ngx_http_ml_validate_methods[] = {
    { "GET", NGX_HTTP_GET },
    { "HEAD", NGX_HTTP_HEAD },
    { "POST", NGX_HTTP_POST },
    { "PUT", NGX_HTTP_PUT },
    { "PATCH", NGX_HTTP_PATCH },
    { "DELETE", NGX_HTTP_DELETE },
    { "OPTIONS", NGX_HTTP_OPTIONS }
};

#define NGX_HTTP_ML_VALIDATE_METHODS                                          \
    (sizeof(ngx_http_ml_validate_methods)                                     \
     / sizeof(ngx_http_ml_validate_methods[0]))


static ngx_http_ml_validate_route_t *
ngx_http_ml_validate_add_route(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract)
{
    ngx_http_ml_validate_route_t  *route;

    if (contract->routes == NULL) {
        contract->routes = ngx_array_create(cf->pool, 8,
                                        sizeof(ngx_http_ml_validate_route_t));
        if (contract->routes == NULL) {
            return NULL;
        }
    }

    route = ngx_array_push(contract->routes);

    if (route) {
        ngx_memzero(route, sizeof(ngx_http_ml_validate_route_t));
    }

    return route;
}


char *
ngx_http_ml_validate_openapi(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name)
{
    int            file_error;
    char           error[1024];
    size_t         i;
    ml_text_t      text;
    ngx_int_t      rc;
    ml_openapi_t  *openapi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    ml_text_init(&text);
    file_error = ml_schema_read_file((char *) name->data, ML_SCHEMA_SIZE,
                                     &text);

    if (file_error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, file_error,
                           "could not read \"%V\"", name);
        ml_text_free(&text);
        return NGX_CONF_ERROR;
    }

    openapi = ml_openapi_read(text.len ? text.data : "", text.len, error,
                              sizeof(error));

    if (openapi == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s", name, error);
        ml_text_free(&text);
        return NGX_CONF_ERROR;
    }

    rc = NGX_OK;

    for (i = 0; rc == NGX_OK && i < openapi->n; i++) {
        rc = ngx_http_ml_validate_add_operation(cf, contract, name, &text,
                                                &openapi->operations[i]);
    }

    ml_openapi_destroy(openapi);
    ml_text_free(&text);

    if (rc == NGX_OK && contract->routes == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" has no operation",
                           name);
        rc = NGX_ERROR;
    }

    return rc == NGX_OK ? NGX_CONF_OK : NGX_CONF_ERROR;
}


static ngx_int_t
ngx_http_ml_validate_add_operation(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name,
    ml_text_t *text, const ml_openapi_operation_t *operation)
{
    char                           error[1024];
    size_t                         len;
    ngx_str_t                      document;
    ngx_uint_t                     i;
    ngx_http_ml_validate_route_t  *route;

    route = ngx_http_ml_validate_add_route(cf, contract);
    if (route == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < NGX_HTTP_ML_VALIDATE_METHODS; i++) {
        if (ngx_strcmp(ngx_http_ml_validate_methods[i].name,
                       operation->method)
            == 0)
        {
            route->method = ngx_http_ml_validate_methods[i].method;
        }
    }

    len = ngx_strlen(operation->path);
    route->path = ngx_pnalloc(cf->pool, len + 1);

    if (route->path == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(route->path, operation->path, len + 1);
    route->optional = !operation->required;

    if (operation->pointer == NULL) {

        if (operation->body) {
            ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                               "\"%V\": %s %s has no JSON body with a "
                               "schema, its bodies will be refused", name,
                               operation->method, operation->path);
        }

        route->optional = 1;

        return NGX_OK;
    }

    document.len = text->len;
    document.data = (u_char *) text->data;

    route->schema = ngx_http_ml_validate_compile(cf, contract, name, &document,
                                                 operation->pointer, error,
                                                 sizeof(error));

    if (route->schema == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\": %s %s: %s", name,
                           operation->method, operation->path, error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_ml_validate_openai(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract)
{
    char                           error[1024];
    ml_text_t                      text;
    ngx_str_t                      document;
    ngx_uint_t                     i;
    ngx_http_ml_validate_route_t  *route;

    static ngx_str_t  name = ngx_string("openai");

    static const struct {
        ngx_uint_t   method;
        const char  *path;
        ngx_uint_t   prefix;
        ngx_int_t    chat;              /* -1: no body */
    } routes[] = {
        { NGX_HTTP_POST, "/chat/completions", 0, 1 },
        { NGX_HTTP_POST, "/completions", 0, 0 },
        { NGX_HTTP_GET|NGX_HTTP_HEAD, "/models", 0, -1 },
        { NGX_HTTP_GET|NGX_HTTP_HEAD, "/models/", 1, -1 }
    };

    for (i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        route = ngx_http_ml_validate_add_route(cf, contract);
        if (route == NULL) {
            return NGX_CONF_ERROR;
        }

        route->method = routes[i].method;
        route->path = (char *) routes[i].path;
        route->anywhere = 1;
        route->prefix = routes[i].prefix;
        route->optional = routes[i].chat < 0;

        if (route->optional) {
            continue;
        }

        ml_text_init(&text);
        ml_openai_schema(&contract->openai, routes[i].chat == 1, &text);
        (void) snprintf(error, sizeof(error), "no memory");

        if (!text.failed) {
            document.len = text.len;
            document.data = (u_char *) text.data;
            route->schema = ngx_http_ml_validate_compile(cf, contract, &name,
                                                         &document, NULL,
                                                         error,
                                                         sizeof(error));
        }

        ml_text_free(&text);

        if (route->schema == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "protocol openai: %s",
                               error);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* 0: no; 1: yes; 2: yes, and letter by letter. */

static ngx_uint_t
ngx_http_ml_validate_route_match(ngx_http_ml_validate_route_t *route,
    ngx_str_t *uri)
{
    size_t   len;
    u_char  *at;

    if (!route->anywhere) {
        return (ngx_uint_t) ml_openapi_match(route->path, (char *) uri->data,
                                             uri->len);
    }

    len = ngx_strlen(route->path);

    if (uri->len < len) {
        return 0;
    }

    if (route->prefix) {
        at = ngx_strnstr(uri->data, route->path, uri->len);

        return at != NULL;
    }

    at = uri->data + uri->len - len;

    return ngx_memcmp(at, route->path, len) == 0 ? 2 : 0;
}


ngx_int_t
ngx_http_ml_validate_pick(ngx_http_request_t *r,
    ngx_http_ml_validate_contract_t *contract,
    ngx_http_ml_validate_route_t **picked, ngx_uint_t *methods)
{
    ngx_uint_t                     i, match, best;
    ngx_http_ml_validate_route_t  *route;

    *picked = NULL;
    *methods = 0;

    if (contract->protocol == NGX_HTTP_ML_VALIDATE_OIP) {
        return ngx_http_ml_validate_oip_pick(r, picked, methods);
    }

    if (contract->routes == NULL) {
        *methods = NGX_HTTP_POST|NGX_HTTP_PUT|NGX_HTTP_PATCH;

        return r->method & *methods ? NGX_OK : NGX_HTTP_NOT_ALLOWED;
    }

    best = 0;
    route = contract->routes->elts;

    for (i = 0; i < contract->routes->nelts; i++) {
        match = ngx_http_ml_validate_route_match(&route[i], &r->uri);

        if (match == 0 || match < best) {
            continue;
        }

        if (match > best) {
            best = match;
            *picked = NULL;
            *methods = 0;
        }

        *methods |= route[i].method;

        if ((r->method & route[i].method) && *picked == NULL) {
            *picked = &route[i];
        }
    }

    if (*picked) {
        return NGX_OK;
    }

    return best ? NGX_HTTP_NOT_ALLOWED : NGX_HTTP_NOT_FOUND;
}


ngx_int_t
ngx_http_ml_validate_allow(ngx_http_request_t *r, ngx_uint_t methods)
{
    u_char      *text, *p;
    ngx_uint_t   i;

    text = ngx_pnalloc(r->pool, 64);
    if (text == NULL) {
        return NGX_ERROR;
    }

    p = text;

    for (i = 0; i < NGX_HTTP_ML_VALIDATE_METHODS; i++) {
        if (methods & ngx_http_ml_validate_methods[i].method) {
            p = ngx_sprintf(p, "%s%s", p == text ? "" : ", ",
                            ngx_http_ml_validate_methods[i].name);
        }
    }

    return ngx_http_ml_validate_api->add_header(r, "Allow", text, p);
}


ngx_uint_t
ngx_http_ml_validate_skips(ngx_http_request_t *r,
    ngx_http_ml_validate_route_t *route)
{
    return route && route->optional
           && r->headers_in.content_length_n <= 0 && !r->headers_in.chunked;
}
