/* ml_model blocks. */

#include "ngx_http_ml_infer.h"

#include "ml_batch.h"
#include "ml_response.h"


#define NGX_HTTP_ML_INFER_BATCH         32
#define NGX_HTTP_ML_INFER_QUEUE         500
#define NGX_HTTP_ML_INFER_MAX_QUEUE     100000
#define NGX_HTTP_ML_INFER_BYTES         (256 * 1024 * 1024)
#define NGX_HTTP_ML_INFER_TIMEOUT       30000
#define NGX_HTTP_ML_INFER_FAILURES      5
#define NGX_HTTP_ML_INFER_RATE          50
#define NGX_HTTP_ML_INFER_OPEN          30000

/* a run that lasts so much longer than anybody waits never ends */
#define NGX_HTTP_ML_INFER_HANG          5000

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
static char *ngx_http_ml_infer_device_name(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model, ngx_str_t *value);
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

    if (model->device.data == NULL) {
        ngx_str_set(&model->device, "cpu");
        model->backend = "cpu";
    }

    if (model->queue == NGX_CONF_UNSET) {
        model->queue = NGX_HTTP_ML_INFER_QUEUE;
        model->bytes = NGX_HTTP_ML_INFER_BYTES;
        model->timeout = NGX_HTTP_ML_INFER_TIMEOUT;
    }

    if (model->hang == 0) {
        model->hang = model->timeout + NGX_HTTP_ML_INFER_HANG;
    }

    if (!model->breaker_given) {
        model->breaker.failures = NGX_HTTP_ML_INFER_FAILURES;
        model->breaker.rate = NGX_HTTP_ML_INFER_RATE;
        model->breaker.open_ms = NGX_HTTP_ML_INFER_OPEN;
    }

    /* a probe that is not back when its deadline is over never will be */

    model->breaker.lease_ms = model->timeout + 1000;

    if (model->process) {
        mimcf->devices++;

        if (ngx_http_ml_infer_add_slots(cf, model) != NGX_OK) {
            return NGX_CONF_ERROR;
        }
    }

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
ngx_http_ml_infer_model_device(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model)
{
    char        *rv;
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i, process;

    value = cf->args->elts;
    process = 0;

    if (model->device.data) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    rv = ngx_http_ml_infer_device_name(cf, model, &value[1]);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if (ngx_strcmp(value[i].data, "process") == 0 && !process) {
            process = 1;
            continue;
        }

        s = ngx_http_ml_infer_argument(&value[i], "hang");
        n = s.len ? ngx_parse_time(&s, 0) : NGX_ERROR;

        if (n == NGX_ERROR || n == 0 || model->hang) {
            return ngx_http_ml_infer_invalid(cf, &value[i]);
        }

        model->hang = n;
    }

    model->process |= process;

    if (model->hang && !model->process) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"hang\" is for models of the device process, "
                           "device \"%V\" runs in the workers",
                           &model->device);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/*
 * auto, cpu, cuda[:N], fault[:FILE]: the backend, and what it is told.  auto
 * and cuda have to be in the device process.
 */

static char *
ngx_http_ml_infer_device_name(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model, ngx_str_t *value)
{
    ngx_str_t  argument;

    model->device = *value;

    if (ngx_strcmp(value->data, "cpu") == 0) {
        model->backend = "cpu";
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "auto") == 0) {
        model->backend = "cuda";
        model->automatic = 1;
        model->process = 1;
        return NGX_CONF_OK;
    }

    ngx_str_null(&argument);

    if (ngx_strncmp(value->data, "cuda", 4) == 0) {
        model->backend = "cuda";
        model->process = 1;
        argument.data = value->data + 4;

    } else if (ngx_strncmp(value->data, "fault", 5) == 0) {
        model->backend = "fault";
        argument.data = value->data + 5;

    } else {
        return ngx_http_ml_infer_invalid(cf, value);
    }

    if (argument.data[0] == '\0') {
        return NGX_CONF_OK;
    }

    if (argument.data[0] != ':' || argument.data[1] == '\0') {
        return ngx_http_ml_infer_invalid(cf, value);
    }

    argument.data++;
    argument.len = ngx_strlen(argument.data);

    if (model->backend[0] == 'c') {

        if (argument.len > 3
            || ngx_atoi(argument.data, argument.len) == NGX_ERROR)
        {
            return ngx_http_ml_infer_invalid(cf, value);
        }

    } else if (ngx_conf_full_name(cf->cycle, &argument, 1) != NGX_OK) {
        return NGX_CONF_ERROR;

    } else if (access((char *) argument.data, R_OK) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           "the script \"%V\" cannot be read", &argument);
        return NGX_CONF_ERROR;
    }

    model->argument = (char *) argument.data;

    return NGX_CONF_OK;
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
    ssize_t      size;
    ngx_int_t    n;
    ngx_str_t   *value, s;
    ngx_uint_t   i;

    value = cf->args->elts;

    if (model->queue != NGX_CONF_UNSET) {
        return ngx_http_ml_infer_duplicate(cf);
    }

    model->queue = ngx_atoi(value[1].data, value[1].len);

    if (model->queue < 1 || model->queue > NGX_HTTP_ML_INFER_MAX_QUEUE) {
        return ngx_http_ml_infer_invalid(cf, &value[1]);
    }

    for (i = 2; i < cf->args->nelts; i++) {

        if ((s = ngx_http_ml_infer_argument(&value[i], "timeout")).len) {
            n = ngx_parse_time(&s, 0);

            if (n == NGX_ERROR || n == 0 || model->timeout) {
                return ngx_http_ml_infer_invalid(cf, &value[i]);
            }

            model->timeout = n;

        } else if ((s = ngx_http_ml_infer_argument(&value[i], "bytes")).len) {
            size = ngx_parse_size(&s);

            if (size == NGX_ERROR || size == 0 || model->bytes) {
                return ngx_http_ml_infer_invalid(cf, &value[i]);
            }

            model->bytes = size;

        } else {
            return ngx_http_ml_infer_invalid(cf, &value[i]);
        }
    }

    if (model->timeout == 0) {
        model->timeout = NGX_HTTP_ML_INFER_TIMEOUT;
    }

    if (model->bytes == 0) {
        model->bytes = NGX_HTTP_ML_INFER_BYTES;
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
