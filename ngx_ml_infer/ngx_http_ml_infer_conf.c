/* Configurations, and the directives of locations. */

#include "ngx_http_ml_infer.h"


char *
ngx_http_ml_infer_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_infer_loc_conf_t  *milcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (milcf->given) {
        return "is duplicate";
    }

    value = cf->args->elts;

    milcf->given = 1;
    ngx_http_ml_place(cf, &milcf->place);

    if (ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    milcf->name = value[1];
    milcf->oip = ngx_strcmp(value[1].data, "oip") == 0;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->handler) {
        return "conflicts with another content handler of this location";
    }

    clcf->handler = ngx_http_ml_infer_handler;

    return NGX_CONF_OK;
}


char *
ngx_http_ml_infer_echo(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_infer_loc_conf_t  *milcf = conf;

    ngx_str_t   *value, *field;
    ngx_uint_t   i, j;

    if (milcf->echo != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;
    ngx_http_ml_place(cf, &milcf->echo_place);

    milcf->echo = ngx_array_create(cf->pool, cf->args->nelts,
                                   sizeof(ngx_str_t));
    if (milcf->echo == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        field = milcf->echo->elts;

        for (j = 0; j < milcf->echo->nelts; j++) {
            if (ngx_strcmp(field[j].data, value[i].data) == 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                   "duplicate field \"%V\"", &value[i]);
                return NGX_CONF_ERROR;
            }
        }

        field = ngx_array_push(milcf->echo);
        if (field == NULL) {
            return NGX_CONF_ERROR;
        }

        *field = value[i];
    }

    return NGX_CONF_OK;
}


void *
ngx_http_ml_infer_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_ml_infer_main_conf_t  *mimcf;

    mimcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_infer_main_conf_t));
    if (mimcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     mimcf->devices = 0;
     */

    mimcf->process = NGX_CONF_UNSET_UINT;

    if (ngx_array_init(&mimcf->models, cf->pool, 4,
                       sizeof(ngx_http_ml_infer_model_t *))
        != NGX_OK
        || ngx_array_init(&mimcf->locations, cf->pool, 4,
                          sizeof(ngx_http_ml_infer_location_t))
           != NGX_OK)
    {
        return NULL;
    }

    return mimcf;
}


char *
ngx_http_ml_infer_init_main_conf(ngx_conf_t *cf, void *conf)
{
    ngx_http_ml_infer_main_conf_t  *mimcf = conf;

    ngx_conf_init_uint_value(mimcf->process, NGX_HTTP_ML_INFER_HELPER);

    return NGX_CONF_OK;
}


void *
ngx_http_ml_infer_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_ml_infer_loc_conf_t  *conf;

    conf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_infer_loc_conf_t));
    if (conf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     conf->name = { 0, NULL };
     *     conf->given = 0;
     *     conf->oip = 0;
     *     conf->model = NULL;
     */

    conf->echo = NGX_CONF_UNSET_PTR;
    conf->log_level = NGX_CONF_UNSET_UINT;

    return conf;
}


/*
 * A content handler is not inherited, except by "if" and "limit_except",
 * which are locations of their own inside the one that they stand in.
 */

char *
ngx_http_ml_infer_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_ml_infer_loc_conf_t  *prev = parent;
    ngx_http_ml_infer_loc_conf_t  *conf = child;

    ngx_http_core_loc_conf_t       *clcf;
    ngx_http_ml_infer_location_t   *location;
    ngx_http_ml_infer_main_conf_t  *mimcf;

    ngx_conf_merge_uint_value(conf->log_level, prev->log_level,
                              NGX_LOG_WARN);

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname && !conf->given) {
        conf->name = prev->name;
        conf->oip = prev->oip;
        conf->place = prev->place;
        conf->echo_place = prev->echo_place;

        ngx_conf_merge_ptr_value(conf->echo, prev->echo, NULL);
    }

    ngx_conf_init_ptr_value(conf->echo, NULL);

    if (conf->name.len == 0) {

        if (conf->echo) {
            ngx_http_ml_conf_error(cf, &conf->echo_place,
                                   "\"ml_infer_echo\" requires \"ml_infer\" "
                                   "in the same location");
            return NGX_CONF_ERROR;
        }

        return NGX_CONF_OK;
    }

    if (clcf->lmt_excpt && clcf->handler == NULL) {
        clcf->handler = ngx_http_ml_infer_handler;
    }

    if (conf->given && clcf->handler != ngx_http_ml_infer_handler) {
        ngx_http_ml_conf_error(cf, &conf->place,
                               "\"ml_infer\" conflicts with another content "
                               "handler of this location");
        return NGX_CONF_ERROR;
    }

    mimcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_infer_module);

    location = ngx_array_push(&mimcf->locations);
    if (location == NULL) {
        return NGX_CONF_ERROR;
    }

    location->conf = conf;
    location->loc_conf = ((ngx_http_conf_ctx_t *) cf->ctx)->loc_conf;

    ngx_http_ml_infer_api->enable(cf, NGX_HTTP_ML_INFER);

    return NGX_CONF_OK;
}
