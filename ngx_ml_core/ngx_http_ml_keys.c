#include "ngx_http_ml_keys.h"


/* Longer ones are not keys; hashing them would cost the server. */
#define NGX_HTTP_ML_KEY_MAX  1024


static void ngx_http_ml_keys_cleanup(void *data);
static ngx_int_t ngx_http_ml_keys_tiers(ngx_conf_t *cf,
    ngx_http_ml_keys_conf_t *kcf, ngx_str_t *file);
static ngx_int_t ngx_http_ml_presented(ngx_http_request_t *r,
    ngx_http_ml_keys_conf_t *conf, ngx_str_t *key);
static ngx_uint_t ngx_http_ml_is_header(ngx_table_elt_t *header,
    ngx_str_t *lowcase);
static ngx_int_t ngx_http_ml_bearer(ngx_str_t *value, ngx_str_t *token);
static void ngx_http_ml_address(ngx_http_request_t *r,
    ngx_http_ml_identity_t *identity);


char *
ngx_http_ml_keys(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_keys_conf_t  *kcf;

    char                 error[256];
    ngx_str_t           *value, file;
    ngx_pool_cleanup_t  *cln;

    kcf = (ngx_http_ml_keys_conf_t *) ((char *) conf + cmd->offset);

    if (kcf->keys) {
        return "is duplicate";
    }

    ngx_http_ml_place(cf, &kcf->place);

    value = cf->args->elts;

    if (cf->args->nelts == 3) {

        if (ngx_strncmp(value[2].data, "header=", 7) != 0
            || value[2].len == 7)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[2]);
            return NGX_CONF_ERROR;
        }

        kcf->header.len = value[2].len - 7;
        kcf->header.data = ngx_pnalloc(cf->pool, kcf->header.len);
        if (kcf->header.data == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_strlow(kcf->header.data, value[2].data + 7, kcf->header.len);
    }

    file = value[1];

    if (ngx_conf_full_name(cf->cycle, &file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    kcf->keys = ml_keys_load((char *) file.data, error, sizeof(error));

    if (kcf->keys == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "keys file \"%V\" %s",
                           &file, error);
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_ml_keys_cleanup;
    cln->data = kcf->keys;

    if (ngx_http_ml_keys_tiers(cf, kcf, &file) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_ml_keys_cleanup(void *data)
{
    ml_keys_free(data);
}


/* Each tier once, at the directive: the file's lines are not known. */

static ngx_int_t
ngx_http_ml_keys_tiers(ngx_conf_t *cf, ngx_http_ml_keys_conf_t *kcf,
    ngx_str_t *file)
{
    size_t                   i, n;
    ngx_str_t                tier;
    ngx_uint_t               j;
    ngx_http_ml_tier_use_t  *use;

    if (ngx_array_init(&kcf->tier_uses, cf->pool, 4,
                       sizeof(ngx_http_ml_tier_use_t))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    n = ml_keys_count(kcf->keys);

    for (i = 0; i < n; i++) {
        tier.data = (u_char *) ml_keys_get(kcf->keys, i)->tier;
        tier.len = ngx_strlen(tier.data);

        use = kcf->tier_uses.elts;

        for (j = 0; j < kcf->tier_uses.nelts; j++) {
            if (tier.len == use[j].tier.len
                && ngx_memcmp(tier.data, use[j].tier.data, tier.len) == 0)
            {
                break;
            }
        }

        if (j < kcf->tier_uses.nelts) {
            continue;
        }

        use = ngx_array_push(&kcf->tier_uses);
        if (use == NULL) {
            return NGX_ERROR;
        }

        use->tier = tier;
        use->place = kcf->place;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ml_identify(ngx_http_request_t *r, ngx_http_ml_keys_conf_t *conf,
    ngx_http_ml_identity_t *identity)
{
    ngx_int_t        rc;
    ngx_str_t        key;
    const ml_key_t  *known;

    ngx_str_null(&identity->name);
    ngx_str_set(&identity->tier, "anonymous");
    identity->proven = 0;

    ngx_http_ml_address(r, identity);

    if (conf->keys == NULL) {
        return NGX_OK;
    }

    rc = ngx_http_ml_presented(r, conf, &key);

    if (rc == NGX_DECLINED) {
        return NGX_OK;
    }

    known = (rc == NGX_OK) ? ml_keys_lookup(conf->keys, key.data, key.len)
                           : NULL;

    if (known == NULL) {
        ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                      rc == NGX_OK ? "client sent an unknown API key"
                      : "client sent a malformed or a second API key");
        return NGX_HTTP_UNAUTHORIZED;
    }

    identity->name.data = (u_char *) known->name;
    identity->name.len = ngx_strlen(known->name);
    identity->tier.data = (u_char *) known->tier;
    identity->tier.len = ngx_strlen(known->tier);
    identity->proven = 1;

    return NGX_OK;
}


/*
 * NGX_OK: one key, perhaps sent in several ways; NGX_DECLINED: none;
 * NGX_ERROR: malformed, or several that differ.
 */

static ngx_int_t
ngx_http_ml_presented(ngx_http_request_t *r, ngx_http_ml_keys_conf_t *conf,
    ngx_str_t *key)
{
    ngx_int_t         rc;
    ngx_str_t         found;
    ngx_uint_t        i, bearer;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    static ngx_str_t  api_key = ngx_string("x-api-key");
    static ngx_str_t  authorization = ngx_string("authorization");

    ngx_str_null(key);

    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        bearer = ngx_http_ml_is_header(&header[i], &authorization);

        if (conf->header.len
            ? !ngx_http_ml_is_header(&header[i], &conf->header)
            : !bearer && !ngx_http_ml_is_header(&header[i], &api_key))
        {
            continue;
        }

        found = header[i].value;

        if (bearer) {
            rc = ngx_http_ml_bearer(&header[i].value, &found);

            if (rc == NGX_DECLINED) {
                continue;
            }

            if (rc == NGX_ERROR) {
                return NGX_ERROR;
            }
        }

        if (found.len == 0 || found.len > NGX_HTTP_ML_KEY_MAX) {
            return NGX_ERROR;
        }

        if (key->len
            && (found.len != key->len
                || ngx_memcmp(found.data, key->data, key->len) != 0))
        {
            return NGX_ERROR;
        }

        *key = found;
    }

    return key->len ? NGX_OK : NGX_DECLINED;
}


static ngx_uint_t
ngx_http_ml_is_header(ngx_table_elt_t *header, ngx_str_t *lowcase)
{
    return header->key.len == lowcase->len
           && ngx_memcmp(header->lowcase_key, lowcase->data, lowcase->len)
              == 0;
}


/* RFC 6750, section 2.1.  Other schemes are not ours: NGX_DECLINED. */

static ngx_int_t
ngx_http_ml_bearer(ngx_str_t *value, ngx_str_t *token)
{
    u_char  *p, *last;

    p = value->data;
    last = value->data + value->len;

    if (value->len < 6 || ngx_strncasecmp(p, (u_char *) "bearer", 6) != 0) {
        return NGX_DECLINED;
    }

    p += 6;

    if (p == last) {
        return NGX_ERROR;
    }

    if (*p != ' ') {
        return NGX_DECLINED;
    }

    while (p < last && *p == ' ') {
        p++;
    }

    token->data = p;
    token->len = last - p;

    return ngx_strlchr(p, last, ' ') ? NGX_ERROR : NGX_OK;
}


/* One client, one address: an IPv6 host owns its /64 at least. */

static void
ngx_http_ml_address(ngx_http_request_t *r, ngx_http_ml_identity_t *identity)
{
    struct sockaddr      *sa;
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    sa = r->connection->sockaddr;

    switch (sa->sa_family) {

    case AF_INET:
        sin = (struct sockaddr_in *) sa;
        ngx_memcpy(identity->address, &sin->sin_addr, 4);
        identity->address_len = 4;
        break;

#if (NGX_HAVE_INET6)

    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;

        if (IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr)) {
            ngx_memcpy(identity->address, &sin6->sin6_addr.s6_addr[12], 4);
            identity->address_len = 4;

        } else {
            ngx_memcpy(identity->address, &sin6->sin6_addr, 8);
            identity->address_len = 8;
        }

        break;

#endif

    default:
        identity->address_len = 0;
    }
}
