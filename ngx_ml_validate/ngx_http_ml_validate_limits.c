/*
 * Directive ml_validate_limits.
 */

#include "ngx_http_ml_validate.h"


typedef struct {
    ngx_str_t                  name;
    size_t                     offset;
    ngx_int_t                  max;
} ngx_http_ml_validate_limit_t;


static const ngx_http_ml_validate_limit_t  ngx_http_ml_validate_params[] = {

    { ngx_string("depth="),
      offsetof(ngx_http_ml_validate_loc_conf_t, depth), ML_JSON_DEPTH_MAX },

    { ngx_string("keys="),
      offsetof(ngx_http_ml_validate_loc_conf_t, keys), 100000000 },

    { ngx_string("number="),
      offsetof(ngx_http_ml_validate_loc_conf_t, number), ML_NUMBER_MAX },

    { ngx_string("elements="),
      offsetof(ngx_http_ml_validate_loc_conf_t, elements), NGX_MAX_INT_T_VALUE }
};


char *
ngx_http_ml_validate_limits_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_ml_validate_loc_conf_t *vlcf = conf;

    size_t                             *size;
    ngx_int_t                           n, *field;
    ngx_str_t                          *value, s;
    ngx_uint_t                          i, k;
    const ngx_http_ml_validate_limit_t *limit;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "string=", 7) == 0) {
            s.len = value[i].len - 7;
            s.data = value[i].data + 7;
            size = &vlcf->string;

        } else if (ngx_strncmp(value[i].data, "deferred=", 9) == 0) {
            s.len = value[i].len - 9;
            s.data = value[i].data + 9;
            size = &vlcf->deferred;

        } else if (ngx_strncmp(value[i].data, "decoded=", 8) == 0) {
            s.len = value[i].len - 8;
            s.data = value[i].data + 8;
            size = &vlcf->decoded;

        } else {
            size = NULL;
        }

        if (size) {

            if (*size != NGX_CONF_UNSET_SIZE) {
                goto duplicate;
            }

            n = ngx_parse_size(&s);

            if (n <= 0 || n > NGX_MAX_INT32_VALUE) {
                goto invalid;
            }

            *size = (size_t) n;
            continue;
        }

        limit = NULL;

        for (k = 0; k < sizeof(ngx_http_ml_validate_params)
                        / sizeof(ngx_http_ml_validate_params[0]); k++)
        {
            limit = &ngx_http_ml_validate_params[k];

            if (ngx_strncmp(value[i].data, limit->name.data, limit->name.len)
                == 0)
            {
                break;
            }

            limit = NULL;
        }

        if (limit == NULL) {
            goto invalid;
        }

        field = (ngx_int_t *) ((char *) vlcf + limit->offset);

        if (*field != NGX_CONF_UNSET) {
            goto duplicate;
        }

        n = ngx_atoi(value[i].data + limit->name.len,
                     value[i].len - limit->name.len);

        if (n <= 0 || n > limit->max) {
            goto invalid;
        }

        *field = n;
    }

    return NGX_CONF_OK;

duplicate:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate parameter \"%V\"",
                       &value[i]);

    return NGX_CONF_ERROR;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       &value[i]);

    return NGX_CONF_ERROR;
}
