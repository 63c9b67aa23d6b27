/*
 * What can be wrong between a location, its contract and its model.
 *
 * Directives may stand in any order, and a model after the location that
 * uses it, so all this is looked at when everything is parsed and merged.
 */

#include "ngx_http_ml_infer.h"


static ngx_http_ml_infer_model_t *ngx_http_ml_infer_find_model(ngx_conf_t *cf,
    ngx_str_t *name);
static ngx_int_t ngx_http_ml_infer_check_location(ngx_conf_t *cf,
    ngx_http_ml_infer_location_t *location,
    const ngx_http_ml_feature_t *validate);
static ngx_int_t ngx_http_ml_infer_check_rows(ngx_conf_t *cf,
    ngx_http_ml_infer_loc_conf_t *conf, const ml_tensor_spec_t *contract,
    ngx_uint_t n);
static ngx_int_t ngx_http_ml_infer_check_echo(ngx_conf_t *cf,
    ngx_http_ml_infer_location_t *location,
    const ngx_http_ml_feature_t *validate);
static ngx_uint_t ngx_http_ml_infer_mirrored(ngx_conf_t *cf,
    void **loc_conf);


ngx_int_t
ngx_http_ml_infer_check(ngx_conf_t *cf, const ngx_http_ml_feature_t *validate)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_location_t    *locations;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_infer_module);

    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {

        /* what the device process counts others must see */

        if (models[i]->process && !ngx_http_ml_infer_api->has_zone(cf)) {
            ngx_http_ml_conf_error(cf, &models[i]->place,
                                   "model \"%V\" is of the device process, "
                                   "which requires \"ml_zone\"",
                                   &models[i]->name);
            return NGX_ERROR;
        }
    }

    locations = mimcf->locations.elts;

    for (i = 0; i < mimcf->locations.nelts; i++) {
        if (ngx_http_ml_infer_check_location(cf, &locations[i], validate)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_http_ml_infer_model_t *
ngx_http_ml_infer_find_model(ngx_conf_t *cf, ngx_str_t *name)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    mimcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_infer_module);
    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (ngx_strcmp(models[i]->name.data, name->data) == 0) {
            return models[i];
        }
    }

    return NULL;
}


const ml_tensor_spec_t *
ngx_http_ml_infer_inputs(ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t *n,
    uint64_t *rows)
{
    ngx_http_ml_infer_model_t  *model;

    model = ngx_http_ml_infer_find_model(cf, name);

    if (model == NULL) {
        return NULL;
    }

    *n = model->ninputs;
    *rows = ngx_http_ml_infer_rows(model);

    return model->inputs;
}


uint64_t
ngx_http_ml_infer_rows(ngx_http_ml_infer_model_t *model)
{
    if (!ml_model_batched(model->model)) {
        return 1;
    }

    return model->process ? ngx_http_ml_infer_max_rows(model)
                          : (uint64_t) model->queue * model->batch;
}


/* "ml_infer oip": any model there is. */

static ngx_int_t
ngx_http_ml_infer_check_oip(ngx_conf_t *cf,
    ngx_http_ml_infer_location_t *location,
    const ngx_http_ml_feature_t *validate)
{
    ngx_uint_t                       i;
    ngx_http_ml_infer_model_t      **models;
    ngx_http_ml_infer_main_conf_t   *mimcf;

    if (!validate->oip(location->loc_conf)) {
        ngx_http_ml_conf_error(cf, &location->conf->place,
                               "\"ml_infer oip\" requires \"ml_validate "
                               "protocol=oip\" in the same location");
        return NGX_ERROR;
    }

    if (location->conf->echo) {
        ngx_http_ml_conf_error(cf, &location->conf->echo_place,
                               "\"ml_infer oip\" has nothing to echo");
        return NGX_ERROR;
    }

    mimcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_infer_module);
    models = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (models[i]->ninputs > ML_OIP_TENSORS) {
            ngx_http_ml_conf_error(cf, &models[i]->place,
                                   "model \"%V\" has %uz inputs, which are "
                                   "too many for \"ml_infer oip\"",
                                   &models[i]->name, models[i]->ninputs);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_infer_check_location(ngx_conf_t *cf,
    ngx_http_ml_infer_location_t *location,
    const ngx_http_ml_feature_t *validate)
{
    char                             error[NGX_HTTP_ML_INFER_ERROR_SIZE];
    ngx_uint_t                       n;
    const ml_tensor_spec_t          *contract;
    ngx_http_ml_infer_loc_conf_t    *conf;

    conf = location->conf;
    conf->model = conf->oip ? NULL
                            : ngx_http_ml_infer_find_model(cf, &conf->name);

    if (conf->model == NULL && !conf->oip) {
        ngx_http_ml_conf_error(cf, &conf->place, "unknown model \"%V\"",
                               &conf->name);
        return NGX_ERROR;
    }

    if (validate == NULL) {
        ngx_http_ml_conf_error(cf, &conf->place,
                               "\"ml_infer\" requires "
                               "ngx_http_ml_validate_module.so to be loaded");
        return NGX_ERROR;
    }

    if (ngx_http_ml_infer_mirrored(cf, location->loc_conf)) {
        ngx_http_ml_conf_error(cf, &conf->place,
                               "\"ml_infer\" leaves no body to \"mirror\"; "
                               "add \"mirror off\" to this location");
        return NGX_ERROR;
    }

    if (conf->oip) {
        return ngx_http_ml_infer_check_oip(cf, location, validate);
    }

    contract = validate->contract(location->loc_conf, &n);

    if (contract == NULL || n == 0) {
        ngx_http_ml_conf_error(cf, &conf->place,
                               "\"ml_infer\" requires \"ml_validate\" in the "
                               "same location, with a schema that has "
                               "\"x-tensor\"");
        return NGX_ERROR;
    }

    if (ml_contract_match(conf->model->model, contract, n, &conf->form, error,
                          sizeof(error))
        != 0)
    {
        ngx_http_ml_conf_error(cf, &conf->place, "model \"%V\": %s",
                               &conf->name, error);
        return NGX_ERROR;
    }

    if (ngx_http_ml_infer_check_rows(cf, conf, contract, n) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_ml_infer_check_echo(cf, location, validate);
}


/* A request that has more rows than a whole slot table could never run. */

static ngx_int_t
ngx_http_ml_infer_check_rows(ngx_conf_t *cf,
    ngx_http_ml_infer_loc_conf_t *conf, const ml_tensor_spec_t *contract,
    ngx_uint_t n)
{
    uint64_t    most;
    ngx_uint_t  i;

    if (!conf->model->process || conf->form != ML_CONTRACT_BATCH) {
        return NGX_OK;
    }

    most = ngx_http_ml_infer_max_rows(conf->model);

    for (i = 0; i < n; i++) {
        if ((uint64_t) contract[i].bound > most) {
            ngx_http_ml_conf_error(cf, &conf->place,
                                   "the schema lets %L rows in, the queue of "
                                   "model \"%V\" has room for %uL",
                                   contract[i].bound, &conf->name, most);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_infer_check_echo(ngx_conf_t *cf,
    ngx_http_ml_infer_location_t *location,
    const ngx_http_ml_feature_t *validate)
{
    size_t                         j;
    ngx_str_t                     *fields;
    ngx_uint_t                     i;
    ngx_http_ml_infer_model_t     *model;
    ngx_http_ml_infer_loc_conf_t  *conf;

    conf = location->conf;
    model = conf->model;

    if (conf->echo == NULL) {
        return NGX_OK;
    }

    fields = conf->echo->elts;

    for (i = 0; i < conf->echo->nelts; i++) {

        if (!validate->has_field(location->loc_conf, &fields[i])) {
            ngx_http_ml_conf_error(cf, &conf->echo_place,
                                   "the schema has no field \"%V\" to echo",
                                   &fields[i]);
            return NGX_ERROR;
        }

        for (j = 0; j < model->noutputs; j++) {
            if (ngx_strcmp(fields[i].data, model->outputs[j].name) == 0) {
                ngx_http_ml_conf_error(cf, &conf->echo_place,
                                       "the field \"%V\" to echo is also an "
                                       "output of model \"%V\"",
                                       &fields[i], &model->name);
                return NGX_ERROR;
            }
        }
    }

    return NGX_OK;
}


/*
 * A mirror would send the body on, which is gone by then: it became tensors.
 * The module's configuration is private to it, but begins with the array of
 * URIs, from 1.13.4 on.
 */

static ngx_uint_t
ngx_http_ml_infer_mirrored(ngx_conf_t *cf, void **loc_conf)
{
    ngx_uint_t     i;
    ngx_array_t   *uris;
    ngx_module_t  *module;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_mirror_module") == 0) {
            uris = *(ngx_array_t **) loc_conf[module->ctx_index];

            return uris != NULL && uris != NGX_CONF_UNSET_PTR;
        }
    }

    return 0;
}
