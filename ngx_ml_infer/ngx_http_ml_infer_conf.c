/* ml_model blocks and the directives of locations. */

#include "ngx_http_ml_infer.h"

#include "ml_batch.h"
#include "ml_response.h"


#define NGX_HTTP_ML_INFER_BATCH         32
#define NGX_HTTP_ML_INFER_QUEUE         500
#define NGX_HTTP_ML_INFER_MAX_QUEUE     100000
#define NGX_HTTP_ML_INFER_TIMEOUT       30000
#define NGX_HTTP_ML_INFER_FAILURES      5
#define NGX_HTTP_ML_INFER_RATE          50
#define NGX_HTTP_ML_INFER_OPEN          30000

/* it stands in labels, unescaped */
#define NGX_HTTP_ML_INFER_NAME_MAX      64


typedef char *(*ngx_http_ml_infer_model_pt)(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);


static char *ngx_http_ml_infer_model(ngx_conf_t *cf, ngx_command_t *dummy,
    void *conf);
static char *ngx_http_ml_infer_model_file(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);
static char *ngx_http_ml_infer_model_device(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);
static char *ngx_http_ml_infer_model_batch(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);
static char *ngx_http_ml_infer_model_queue(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);
static char *ngx_http_ml_infer_model_breaker(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);
static void ngx_http_ml_infer_model_cleanup(void *data);


static const struct {
    ngx_str_t                      name;
    ngx_http_ml_infer_model_pt     set;
} ngx_http_ml_infer_model_directives[] = {
    { ngx_string("file"), ngx_http_ml_infer_model_file },
    { ngx_string("device"), ngx_http_ml_infer_model_device },
    { ngx_string("batch"), ngx_http_ml_infer_model_batch },
    { ngx_string("queue"), ngx_http_ml_infer_model_queue },
    { ngx_string("breaker"), ngx_http_ml_infer_model_breaker }
};


static ngx_uint_t
ngx_http_ml_infer_name_valid(ngx_str_t *name)
{
    u_char      c;
    ngx_uint_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_ML_INFER_NAME_MAX) {
        return 0;
    }

    for (i = 0; i < name->len; i++) {
        c = name->data[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.'))
        {
            return 0;
        }
    }

    return 1;
}


char *
ngx_http_ml_infer_model_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_infer_main_conf_t  *mimcf = conf;

    char                        *rv;
    ngx_str_t                   *value;
    ngx_uint_t                   i;
    ngx_conf_t                   save;
    ngx_pool_cleanup_t          *cln;
    ngx_http_ml_infer_model_t   *model, **modelp;

    value = cf->args->elts;

    if (!ngx_http_ml_infer_name_valid(&value[1])
        || ngx_strcmp(value[1].data, "off") == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid model name \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    modelp = mimcf->models.elts;

    for (i = 0; i < mimcf->models.nelts; i++) {
        if (ngx_strcmp(modelp[i]->name.data, value[1].data) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate model \"%V\"", &value[1]);
            return NGX_CONF_ERROR;
        }
    }

    model = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_infer_model_t));
    if (model == NULL) {
        return NGX_CONF_ERROR;
    }

    model->name = value[1];
    model->batch = NGX_CONF_UNSET;
    model->queue = NGX_CONF_UNSET;
    ngx_http_ml_place(cf, &model->place);

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_ml_infer_model_cleanup;
    cln->data = model;

    save = *cf;
    cf->handler = ngx_http_ml_infer_model;
    cf->handler_conf = (void *) model;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    if (model->model == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "model \"%V\" has no \"file\"", &model->name);
        return NGX_CONF_ERROR;
    }

    if (!ml_model_batched(model->model)) {

        if (model->batch != NGX_CONF_UNSET && model->batch != 1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "model \"%V\" has no free first dimension, its "
                               "\"batch\" can only be 1", &model->name);
            return NGX_CONF_ERROR;
        }

        model->batch = 1;
    }

    if (model->batch == NGX_CONF_UNSET) {
        model->batch = NGX_HTTP_ML_INFER_BATCH;
    }

    if (model->queue == NGX_CONF_UNSET) {
        model->queue = NGX_HTTP_ML_INFER_QUEUE;
        model->timeout = NGX_HTTP_ML_INFER_TIMEOUT;
    }

    if (!model->breaker_given) {
        model->breaker.failures = NGX_HTTP_ML_INFER_FAILURES;
        model->breaker.rate = NGX_HTTP_ML_INFER_RATE;
        model->breaker.open_ms = NGX_HTTP_ML_INFER_OPEN;
    }

    /* a probe that is not back when its deadline is over never will be */

    model->breaker.lease_ms = model->timeout + 1000;

    modelp = ngx_array_push(&mimcf->models);
    if (modelp == NULL) {
        return NGX_CONF_ERROR;
    }

    *modelp = model;

    return NGX_CONF_OK;
}


static char *
ngx_http_ml_infer_model(ngx_conf_t *cf, ngx_command_t *dummy, void *conf)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    static const ngx_str_t  later[] = {
        ngx_string("fallback"), ngx_string("warmup"), ngx_string("upstream"),
        ngx_string("concurrency"), ngx_string("labels"), ngx_null_string
    };

    value = cf->args->elts;

    for (i = 0;
         i < sizeof(ngx_http_ml_infer_model_directives)
             / sizeof(ngx_http_ml_infer_model_directives[0]);
         i++)
    {
        if (ngx_strcmp(value[0].data,
                       ngx_http_ml_infer_model_directives[i].name.data)
            != 0)
        {
            continue;
        }

        if (cf->args->nelts < 2) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid number of arguments in \"%V\" "
                               "directive", &value[0]);
            return NGX_CONF_ERROR;
        }

        return ngx_http_ml_infer_model_directives[i].set(cf, conf);
    }

    for (i = 0; later[i].len; i++) {
        if (ngx_strcmp(value[0].data, later[i].data) == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is not supported by this version",
                               &value[0]);
            return NGX_CONF_ERROR;
        }
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown directive \"%V\"",
                       &value[0]);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_ml_infer_duplicate(ngx_conf_t *cf)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\" directive is duplicate",
                       &value[0]);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_ml_infer_invalid(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       value);
    return NGX_CONF_ERROR;
}


static char *
ngx_http_ml_infer_model_file(ngx_conf_t *cf, ngx_http_ml_infer_model_t *model)
{
    char        error[NGX_HTTP_ML_INFER_ERROR_SIZE];
    size_t      i;
    ngx_str_t  *value;

    value = cf->args->elts;

    if (model->file.data) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    if (cf->args->nelts > 2) {
        return ngx_http_ml_infer_invalid(cf, &value[2]);
    }

    model->file = value[1];

    if (ngx_conf_full_name(cf->cycle, &model->file, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    model->model = ml_model_open((char *) model->file.data, error,
                                 sizeof(error));
    if (model->model == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "model \"%V\", \"%V\": %s",
                           &model->name, &model->file, error);
        return NGX_CONF_ERROR;
    }

    model->inputs = ml_model_inputs(model->model, &model->ninputs);
    model->outputs = ml_model_outputs(model->model, &model->noutputs);

    for (i = 0; i < model->noutputs; i++) {
        if (!ml_response_supports(model->outputs[i].dtype)) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "model \"%V\": output \"%s\" is %s, which "
                               "cannot be answered", &model->name,
                               model->outputs[i].name,
                               ml_dtype_name(model->outputs[i].dtype));
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ml_infer_model_device(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model)
{
    ngx_str_t  *value;

    value = cf->args->elts;

    if (model->device.data) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    model->device = value[1];

    if (ngx_strcmp(value[1].data, "auto") == 0
        || ngx_strcmp(value[1].data, "cuda") == 0
        || ngx_strncmp(value[1].data, "cuda:", 5) == 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "device \"%V\" is not supported by this version",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_strcmp(value[1].data, "cpu") != 0) {
        return ngx_http_ml_infer_invalid(cf, &value[1]);
    }

    if (cf->args->nelts > 2) {

        if (ngx_strcmp(value[2].data, "process") == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "device \"cpu process\" is not supported by "
                               "this version");
            return NGX_CONF_ERROR;
        }

        return ngx_http_ml_infer_invalid(cf, &value[2]);
    }

    return NGX_CONF_OK;
}


/* "name=value": returns the value, empty if the argument is another one. */

static ngx_str_t
ngx_http_ml_infer_argument(ngx_str_t *argument, const char *name)
{
    size_t     len;
    ngx_str_t  value;

    len = ngx_strlen(name);

    if (argument->len > len && argument->data[len] == '='
        && ngx_strncmp(argument->data, name, len) == 0)
    {
        value.data = argument->data + len + 1;
        value.len = argument->len - len - 1;

    } else {
        ngx_str_null(&value);
    }

    return value;
}


static char *
ngx_http_ml_infer_model_batch(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model)
{
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i, given;

    value = cf->args->elts;

    if (model->batch != NGX_CONF_UNSET) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    model->batch = ngx_atoi(value[1].data, value[1].len);

    if (model->batch < 1 || model->batch > ML_BATCH_MAX) {
        return ngx_http_ml_infer_invalid(cf, &value[1]);
    }

    given = 0;

    for (i = 2; i < cf->args->nelts; i++) {
        s = ngx_http_ml_infer_argument(&value[i], "delay");
        n = s.len ? ngx_parse_time(&s, 0) : NGX_ERROR;

        if (n == NGX_ERROR || given++) {
            return ngx_http_ml_infer_invalid(cf, &value[i]);
        }

        model->delay = n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ml_infer_model_queue(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model)
{
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i, given;

    value = cf->args->elts;

    if (model->queue != NGX_CONF_UNSET) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    model->queue = ngx_atoi(value[1].data, value[1].len);

    if (model->queue < 1 || model->queue > NGX_HTTP_ML_INFER_MAX_QUEUE) {
        return ngx_http_ml_infer_invalid(cf, &value[1]);
    }

    model->timeout = NGX_HTTP_ML_INFER_TIMEOUT;
    given = 0;

    for (i = 2; i < cf->args->nelts; i++) {
        s = ngx_http_ml_infer_argument(&value[i], "timeout");
        n = s.len ? ngx_parse_time(&s, 0) : NGX_ERROR;

        if (n == NGX_ERROR || n == 0 || given++) {
            return ngx_http_ml_infer_invalid(cf, &value[i]);
        }

        model->timeout = n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_ml_infer_model_breaker(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model)
{
    ngx_int_t           n;
    ngx_str_t          *value, s;
    ngx_uint_t          i, given;
    ml_breaker_conf_t  *breaker;

    enum {
        FAILURES = 1,
        RATE = 2,
        OPEN = 4
    } parameter;

    value = cf->args->elts;
    breaker = &model->breaker;

    if (model->breaker_given) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    model->breaker_given = 1;

    breaker->open_ms = NGX_HTTP_ML_INFER_OPEN;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        return NGX_CONF_OK;
    }

    breaker->failures = NGX_HTTP_ML_INFER_FAILURES;
    breaker->rate = NGX_HTTP_ML_INFER_RATE;
    given = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        if ((s = ngx_http_ml_infer_argument(&value[i], "failures")).len) {
            parameter = FAILURES;
            n = ngx_atoi(s.data, s.len);

            if (n < 1 || n > 1000000) {
                return ngx_http_ml_infer_invalid(cf, &value[i]);
            }

            breaker->failures = n;

        } else if ((s = ngx_http_ml_infer_argument(&value[i], "rate")).len) {
            parameter = RATE;
            n = s.data[s.len - 1] == '%' ? ngx_atoi(s.data, s.len - 1)
                                         : NGX_ERROR;

            if (n < 1 || n > 100) {
                return ngx_http_ml_infer_invalid(cf, &value[i]);
            }

            breaker->rate = n;

        } else if ((s = ngx_http_ml_infer_argument(&value[i], "open")).len) {
            parameter = OPEN;
            n = ngx_parse_time(&s, 0);

            if (n == NGX_ERROR || n == 0 || n > ML_BREAKER_MAX_OPEN_MS) {
                return ngx_http_ml_infer_invalid(cf, &value[i]);
            }

            breaker->open_ms = n;

        } else {
            return ngx_http_ml_infer_invalid(cf, &value[i]);
        }

        if (given & parameter) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        given |= parameter;
    }

    return NGX_CONF_OK;
}


/* A thread that did not stop still reads the model. */

static void
ngx_http_ml_infer_model_cleanup(void *data)
{
    ngx_http_ml_infer_model_t  *model = data;

    ngx_http_ml_infer_stop(model);

    if (model->model && !model->stuck) {
        ml_model_close(model->model);
    }
}


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
     *     mimcf->table = NULL;
     */

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
