/* Who sends a request: the directive ml_keys, and the keys in a request. */

#ifndef NGX_HTTP_ML_KEYS_H
#define NGX_HTTP_ML_KEYS_H

#include "ngx_http_ml.h"
#include "ml_keys.h"


/* Part of the core's main configuration; all zero without ml_keys. */
typedef struct {
    ml_keys_t                 *keys;        /* freed with the pool */
    ngx_str_t                  header;      /* lower case; empty: X-API-Key
                                               and Authorization: Bearer */
    ngx_array_t                tier_uses;   /* ngx_http_ml_tier_use_t, each
                                               tier once */
    ngx_http_ml_place_t        place;       /* of the directive */
} ngx_http_ml_keys_conf_t;


/*
 * ml_keys FILE [header=NAME]; for a command whose conf and offset lead to an
 * ngx_http_ml_keys_conf_t.
 */
char *ngx_http_ml_keys(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * Fills identity.  NGX_OK: a known key, or none; NGX_HTTP_UNAUTHORIZED: an
 * unknown, malformed or ambiguous one.  Keys are never logged.
 */
ngx_int_t ngx_http_ml_identify(ngx_http_request_t *r,
    ngx_http_ml_keys_conf_t *conf, ngx_http_ml_identity_t *identity);


#endif /* NGX_HTTP_ML_KEYS_H */
