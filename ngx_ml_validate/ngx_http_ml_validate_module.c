/*
 * ngx_http_ml_validate_module: checks request bodies against a contract
 * while they arrive, and turns their arrays into tensors.
 *
 * The core calls the gate and the precontent handler; what they do is in
 * ngx_http_ml_validate_gate.c and ngx_http_ml_validate_body.c.  Directives
 * are parsed in ngx_http_ml_validate_conf.c.
 */

#include "ngx_http_ml_validate.h"

#include <malloc.h>
#include <sys/random.h>


#define NGX_HTTP_ML_VALIDATE_STATUS  422

/* Blocks from this size get a mapping of their own. */
#define NGX_HTTP_ML_VALIDATE_MMAP  (128 * 1024)


static void ngx_http_ml_validate_log(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_route_t *route,
    const char *reason, const ml_error_t *error);
static void ngx_http_ml_validate_count(ngx_http_request_t *r,
    const ml_schema_node_t *root, const char *reason,
    const ml_error_t *error);
static const ml_schema_node_t *ngx_http_ml_validate_root(
    ngx_http_ml_validate_loc_conf_t *vlcf,
    ngx_http_ml_validate_route_t *route);
static void ngx_http_ml_validate_cleanup(void *data);

static const ml_tensor_spec_t *ngx_http_ml_validate_contract(
    void **loc_conf, ngx_uint_t *n);
static ngx_uint_t ngx_http_ml_validate_speaks_oip(void **loc_conf);
static ngx_uint_t ngx_http_ml_validate_has_field(void **loc_conf,
    ngx_str_t *name);
static ngx_int_t ngx_http_ml_validate_field(ngx_http_ml_state_t *state,
    ngx_str_t *name, ngx_str_t *json);

static ngx_int_t ngx_http_ml_validate_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_ml_validate_reason_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void *ngx_http_ml_validate_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_ml_validate_merge_loc_conf(ngx_conf_t *cf,
    void *parent, void *child);
static ngx_int_t ngx_http_ml_validate_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_ml_validate_init(ngx_conf_t *cf);
static ngx_int_t ngx_http_ml_validate_init_process(ngx_cycle_t *cycle);


const ngx_http_ml_api_t  *ngx_http_ml_validate_api;

const ngx_http_ml_feature_t  *ngx_http_ml_validate_infer;

/* The key of the hash of JSON keys. */
uint8_t  ngx_http_ml_validate_seed[16];


static ngx_conf_enum_t  ngx_http_ml_validate_log_levels[] = {
    { ngx_string("info"), NGX_LOG_INFO },
    { ngx_string("notice"), NGX_LOG_NOTICE },
    { ngx_string("warn"), NGX_LOG_WARN },
    { ngx_string("error"), NGX_LOG_ERR },
    { ngx_null_string, 0 }
};


static ngx_conf_num_bounds_t  ngx_http_ml_validate_status_bounds = {
    ngx_conf_check_num_bounds, 400, 599
};


static ngx_conf_num_bounds_t  ngx_http_ml_validate_errors_bounds = {
    ngx_conf_check_num_bounds, 1, ML_VALIDATOR_ERRORS
};


static ngx_conf_bitmask_t  ngx_http_ml_validate_encodings[] = {
    { ngx_string("off"), NGX_HTTP_ML_VALIDATE_CODING_NONE },
    { ngx_string("gzip"), NGX_HTTP_ML_VALIDATE_GZIP },
    { ngx_string("deflate"), NGX_HTTP_ML_VALIDATE_DEFLATE },
    { ngx_null_string, 0 }
};


static ngx_command_t  ngx_http_ml_validate_commands[] = {

    { ngx_string("ml_validate"),
      NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_ml_validate_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_validate_limits"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_ml_validate_limits_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_validate_encodings"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_conf_set_bitmask_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_validate_loc_conf_t, encodings),
      &ngx_http_ml_validate_encodings },

    { ngx_string("ml_validate_patterns"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_ml_validate_patterns_directive,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("ml_validate_dry_run"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_FLAG,
      ngx_conf_set_flag_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_validate_loc_conf_t, dry_run),
      NULL },

    { ngx_string("ml_validate_status"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_validate_loc_conf_t, status),
      &ngx_http_ml_validate_status_bounds },

    { ngx_string("ml_validate_errors"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_num_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_validate_loc_conf_t, errors),
      &ngx_http_ml_validate_errors_bounds },

    { ngx_string("ml_validate_log_level"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_conf_set_enum_slot,
      NGX_HTTP_LOC_CONF_OFFSET,
      offsetof(ngx_http_ml_validate_loc_conf_t, log_level),
      &ngx_http_ml_validate_log_levels },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_ml_validate_module_ctx = {
    ngx_http_ml_validate_preconfiguration, /* preconfiguration */
    ngx_http_ml_validate_init,             /* postconfiguration */

    NULL,                                  /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_ml_validate_create_loc_conf,  /* create location configuration */
    ngx_http_ml_validate_merge_loc_conf    /* merge location configuration */
};


ngx_module_t  ngx_http_ml_validate_module = {
    NGX_MODULE_V1,
    &ngx_http_ml_validate_module_ctx,      /* module context */
    ngx_http_ml_validate_commands,         /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    ngx_http_ml_validate_init_process,     /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static const ml_metric_family_t  ngx_http_ml_validate_families[] = {
    { "ml_validate_rejections_total", "counter",
      "Requests that broke their location's contract." },
    { "ml_validate_patterns_total", "counter",
      "Requests in whose texts a rule was found." },
    { NULL, NULL, NULL }
};


static const ngx_http_ml_feature_t  ngx_http_ml_validate_feature = {
    .version = NGX_HTTP_ML_API_VERSION,
    .build = NGX_ML_BUILD,
    .kind = NGX_HTTP_ML_VALIDATE,
    .module = &ngx_http_ml_validate_module,
    .gate = ngx_http_ml_validate_gate,
    .precontent = ngx_http_ml_validate_precontent,
    .families = ngx_http_ml_validate_families,
    .contract = ngx_http_ml_validate_contract,
    .oip = ngx_http_ml_validate_speaks_oip,
    .has_field = ngx_http_ml_validate_has_field,
    .field = ngx_http_ml_validate_field
};


static ngx_http_variable_t  ngx_http_ml_validate_vars[] = {

    { ngx_string("ml_validate_status"), NULL,
      ngx_http_ml_validate_status_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_validate_reason"), NULL,
      ngx_http_ml_validate_reason_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("ml_validate_score"), NULL,
      ngx_http_ml_validate_score_variable, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


static const char *const  ngx_http_ml_validate_verdicts[] = {
    NULL, "PASSED", "REJECTED", "REJECTED_DRY_RUN"
};


ngx_http_ml_validate_ctx_t *
ngx_http_ml_validate_get_ctx(ngx_http_request_t *r,
    ngx_http_ml_state_t *state)
{
    ngx_pool_cleanup_t          *cln;
    ngx_http_ml_validate_ctx_t  *ctx;

    ctx = state->part[NGX_HTTP_ML_VALIDATE];

    if (ctx) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_ml_validate_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_ml_validate_ctx_t));

    cln->handler = ngx_http_ml_validate_cleanup;
    state->part[NGX_HTTP_ML_VALIDATE] = ctx;

    return ctx;
}


static void
ngx_http_ml_validate_cleanup(void *data)
{
    ngx_http_ml_validate_ctx_t *ctx = data;

    if (ctx->reader) {
        ctx->reader->ops->destroy(ctx->reader);
    }

    ml_inflate_destroy(ctx->inflater);
}


void
ngx_http_ml_validate_reject(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ngx_uint_t status, const char *reason, const ml_error_t *error)
{
    ml_error_answer_t                 answer;
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = ngx_http_get_module_loc_conf(r, ngx_http_ml_validate_module);

    ctx->conf = vlcf;
    ctx->reason = reason;

    ngx_http_ml_validate_log(r, vlcf, ctx->route, reason, error);
    ngx_http_ml_validate_count(r, ngx_http_ml_validate_root(vlcf, ctx->route),
                               reason, error);

    /* without the body's tensors ml_infer has nothing to run */

    if (vlcf->dry_run
        && !ngx_http_ml_validate_api->enabled(r, NGX_HTTP_ML_INFER))
    {
        ctx->verdict = NGX_HTTP_ML_VALIDATE_REJECTED_DRY_RUN;
        return;
    }

    ngx_memzero(&answer, sizeof(ml_error_answer_t));

    answer.status = status;

    if (error) {
        ctx->error = *error;
        answer.detail = error->msg;
        answer.errors = &ctx->error;
    }

    ctx->verdict = NGX_HTTP_ML_VALIDATE_REJECTED;
    ctx->status = ngx_http_ml_validate_api->refuse(r, state, &answer,
                                                   "invalid");
}


/*
 * Follows one step of a path from *node, the schema of what it leads through
 * (NULL: anything); whether the schema has the step's name.
 */

static ngx_uint_t
ngx_http_ml_validate_declared(const ml_schema_node_t **node,
    const ml_path_step_t *step)
{
    const ml_schema_node_t      *parent;
    const ml_schema_property_t  *property;

    parent = *node;

    if (parent == NULL) {
        return 0;
    }

    if (step->name == NULL) {
        *node = ml_schema_alias(parent->items);
        return 0;
    }

    property = ml_schema_find(parent, step->name, step->len);
    *node = ml_schema_alias(property && property->node ? property->node
                                                       : parent->additional);

    return property != NULL;
}


static const ml_schema_node_t *
ngx_http_ml_validate_root(ngx_http_ml_validate_loc_conf_t *vlcf,
    ngx_http_ml_validate_route_t *route)
{
    ml_schema_t  *schema;

    if (vlcf->contract == NULL) {
        return NULL;
    }

    schema = vlcf->contract->names ? vlcf->contract->names
             : route ? route->schema : vlcf->contract->schema;

    return schema ? schema->root : NULL;
}


/*
 * Nothing of a body goes to the log, so that names which the client chose
 * are not told.  The schema's are logged as JSON, with everything escaped.
 */

static void
ngx_http_ml_validate_log(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_route_t *route,
    const char *reason, const ml_error_t *error)
{
    size_t                   i;
    ngx_str_t                where;
    ml_text_t                text;
    ngx_uint_t               declared;
    const ml_path_step_t    *step;
    const ml_schema_node_t  *node;

    if (r->connection->log->log_level < vlcf->log_level) {
        return;
    }

    ml_text_init(&text);
    node = ngx_http_ml_validate_root(vlcf, route);

    if (error) {
        ml_text_printf(&text, " at [\"body\"");
    }

    for (i = 0; error && i < error->npath; i++) {
        step = &error->path[i];
        declared = ngx_http_ml_validate_declared(&node, step);

        ml_text_append(&text, ",", 1);

        if (declared) {
            ml_text_json_string(&text, step->name, step->len);

        } else if (step->name) {
            ml_text_printf(&text, "\"?\"");

        } else {
            ml_text_printf(&text, "%llu", (unsigned long long) step->index);
        }
    }

    if (error) {
        ml_text_printf(&text, "]: %s", error->msg);
    }

    where.len = text.failed ? 0 : text.len;
    where.data = (u_char *) text.data;

    ngx_log_error(vlcf->log_level, r->connection->log, 0,
                  "rejecting request%s: %s%V",
                  vlcf->dry_run ? ", dry run" : "", reason, &where);

    ml_text_free(&text);
}


/*
 * Where in the schema the offence is: names behind slashes, an asterisk for
 * any element.  What the schema does not have by name ends it; so does what
 * does not fit, and the end is never in the middle of a name.
 */

static void
ngx_http_ml_validate_field_label(const ml_schema_node_t *node,
    const ml_error_t *error, ml_text_t *out, size_t size)
{
    size_t                 i, k, whole;
    const ml_path_step_t  *step;

    for (i = 0; error && i < error->npath; i++) {
        step = &error->path[i];
        whole = out->len;

        if (ngx_http_ml_validate_declared(&node, step)) {
            ml_text_append(out, "/", 1);

            for (k = 0; k < step->len; k++) {
                ml_text_printf(out, "%c", (u_char) step->name[k] < 0x20
                                          || step->name[k] == '"'
                                          || step->name[k] == '\\'
                                          ? '?' : step->name[k]);
            }

        } else if (step->name == NULL && node) {
            ml_text_append(out, "/*", 2);

        } else {
            break;
        }

        if (out->len > size) {
            out->len = whole;
            break;
        }
    }
}


static void
ngx_http_ml_validate_count(ngx_http_request_t *r,
    const ml_schema_node_t *root, const char *reason, const ml_error_t *error)
{
    size_t      room;
    ml_text_t   field, labels;
    ngx_str_t  *location;

    static const char  family[] = "ml_validate_rejections_total";

    location = ngx_http_ml_validate_api->location_label(r);
    room = sizeof(family) + location->len + ngx_strlen(reason)
           + sizeof(",reason=\"\",field=\"\"");
    room = room < ML_METRICS_TEXT ? ML_METRICS_TEXT - room : 0;

    ml_text_init(&field);
    ml_text_init(&labels);

    ngx_http_ml_validate_field_label(root, error, &field, room);

    ml_text_printf(&labels, "%s,reason=\"%s\",field=\"%.*s\"",
                   location->data, reason,
                   field.failed ? 0 : (int) field.len,
                   field.data ? field.data : "");
    ml_text_append(&labels, "", 1);

    if (!labels.failed) {
        (*ngx_http_ml_validate_api->counter(family, labels.data))++;
    }

    ml_text_free(&field);
    ml_text_free(&labels);
}


static const ml_tensor_spec_t *
ngx_http_ml_validate_contract(void **loc_conf, ngx_uint_t *n)
{
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = loc_conf[ngx_http_ml_validate_module.ctx_index];

    if (vlcf->contract == NULL || vlcf->contract->schema == NULL) {
        *n = 0;
        return NULL;
    }

    *n = vlcf->contract->schema->ntensors;

    return vlcf->contract->schema->specs;
}


static ngx_uint_t
ngx_http_ml_validate_speaks_oip(void **loc_conf)
{
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = loc_conf[ngx_http_ml_validate_module.ctx_index];

    return vlcf->contract
           && vlcf->contract->protocol == NGX_HTTP_ML_VALIDATE_OIP;
}


/* A field that was asked for is kept for ngx_http_ml_validate_field(). */

static ngx_uint_t
ngx_http_ml_validate_has_field(void **loc_conf, ngx_str_t *name)
{
    const ml_schema_node_t           *root;
    const ml_schema_property_t       *property;
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = loc_conf[ngx_http_ml_validate_module.ctx_index];

    if (vlcf->contract == NULL || vlcf->contract->schema == NULL) {
        return 0;
    }

    root = vlcf->contract->schema->root;
    property = ml_schema_find(root, (char *) name->data, name->len);

    if (property == NULL || property->node == NULL
        || ml_schema_alias(property->node)->tensor)
    {
        return 0;
    }

    vlcf->contract->keep[property - root->properties.list] = 1;

    return 1;
}


static ngx_int_t
ngx_http_ml_validate_field(ngx_http_ml_state_t *state, ngx_str_t *name,
    ngx_str_t *json)
{
    ngx_int_t                    rc;
    ml_text_t                    text;
    ngx_http_ml_validate_ctx_t  *ctx;

    ctx = state->part[NGX_HTTP_ML_VALIDATE];

    if (ctx == NULL || ctx->verdict != NGX_HTTP_ML_VALIDATE_PASSED) {
        return NGX_DECLINED;
    }

    ml_text_init(&text);
    rc = NGX_DECLINED;

    if (ctx->reader->ops->field
        && ctx->reader->ops->field(ctx->reader, (char *) name->data,
                                   name->len, &text))
    {
        json->len = text.len;
        json->data = text.failed ? NULL
                                 : ngx_pnalloc(state->request->pool,
                                               text.len);
        rc = NGX_ERROR;

        if (json->data) {
            ngx_memcpy(json->data, text.data, text.len);
            rc = NGX_OK;
        }
    }

    ml_text_free(&text);

    return rc;
}


static ngx_int_t
ngx_http_ml_validate_set_variable(ngx_http_variable_value_t *v,
    const char *text)
{
    if (text == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
    v->len = ngx_strlen(text);
    v->data = (u_char *) text;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_validate_status_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;

    state = ngx_http_ml_validate_api->state(r->main);
    ctx = state ? state->part[NGX_HTTP_ML_VALIDATE] : NULL;

    return ngx_http_ml_validate_set_variable(v,
                   ctx ? ngx_http_ml_validate_verdicts[ctx->verdict] : NULL);
}


static ngx_int_t
ngx_http_ml_validate_reason_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_ml_state_t         *state;
    ngx_http_ml_validate_ctx_t  *ctx;

    state = ngx_http_ml_validate_api->state(r->main);
    ctx = state ? state->part[NGX_HTTP_ML_VALIDATE] : NULL;

    return ngx_http_ml_validate_set_variable(v, ctx ? ctx->reason : NULL);
}


static void *
ngx_http_ml_validate_create_loc_conf(ngx_conf_t *cf)
{
    ngx_http_ml_validate_loc_conf_t  *vlcf;

    vlcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_validate_loc_conf_t));
    if (vlcf == NULL) {
        return NULL;
    }

    /*
     * set by ngx_pcalloc():
     *
     *     vlcf->limits = { 0 };
     *     vlcf->encodings = 0;
     */

    vlcf->contract = NGX_CONF_UNSET_PTR;
    vlcf->patterns = NGX_CONF_UNSET_PTR;

    vlcf->depth = NGX_CONF_UNSET;
    vlcf->keys = NGX_CONF_UNSET;
    vlcf->string = NGX_CONF_UNSET_SIZE;
    vlcf->deferred = NGX_CONF_UNSET_SIZE;
    vlcf->decoded = NGX_CONF_UNSET_SIZE;
    vlcf->number = NGX_CONF_UNSET;
    vlcf->elements = NGX_CONF_UNSET;

    vlcf->dry_run = NGX_CONF_UNSET;
    vlcf->errors = NGX_CONF_UNSET;
    vlcf->status = NGX_CONF_UNSET_UINT;
    vlcf->log_level = NGX_CONF_UNSET_UINT;

    return vlcf;
}


static char *
ngx_http_ml_validate_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_ml_validate_loc_conf_t *prev = parent;
    ngx_http_ml_validate_loc_conf_t *conf = child;

    ngx_conf_merge_ptr_value(conf->contract, prev->contract, NULL);
    ngx_conf_merge_ptr_value(conf->patterns, prev->patterns, NULL);

    ngx_conf_merge_value(conf->depth, prev->depth, 32);
    ngx_conf_merge_value(conf->keys, prev->keys, 1000);
    ngx_conf_merge_size_value(conf->string, prev->string, 1024 * 1024);
    ngx_conf_merge_size_value(conf->deferred, prev->deferred, 1024 * 1024);
    ngx_conf_merge_size_value(conf->decoded, prev->decoded,
                              16 * 1024 * 1024);
    ngx_conf_merge_bitmask_value(conf->encodings, prev->encodings,
                                 (NGX_CONF_BITMASK_SET
                                  |NGX_HTTP_ML_VALIDATE_CODING_NONE));
    ngx_conf_merge_value(conf->number, prev->number, 64);
    ngx_conf_merge_value(conf->elements, prev->elements, 1000000);

    ngx_conf_merge_value(conf->dry_run, prev->dry_run, 0);
    ngx_conf_merge_value(conf->errors, prev->errors, 1);
    ngx_conf_merge_uint_value(conf->status, prev->status,
                              NGX_HTTP_ML_VALIDATE_STATUS);
    ngx_conf_merge_uint_value(conf->log_level, prev->log_level, NGX_LOG_WARN);

    conf->limits.depth = (uint32_t) conf->depth;
    conf->limits.keys = (uint32_t) conf->keys;
    conf->limits.string = conf->string;
    conf->limits.number = (uint32_t) conf->number;
    conf->limits.elements = (uint64_t) conf->elements;

    if (conf->contract == NULL) {
        return NGX_CONF_OK;
    }

    ngx_http_ml_validate_api->enable(cf, NGX_HTTP_ML_VALIDATE);

    if (conf->contract->protocol == NGX_HTTP_ML_VALIDATE_OPENAI) {
        ngx_http_ml_validate_api->default_format(cf, ML_ERROR_OPENAI);
    }

    if (conf->contract->protocol == NGX_HTTP_ML_VALIDATE_OIP) {
        ngx_http_ml_validate_api->default_format(cf, ML_ERROR_OIP);
    }

    return ngx_http_ml_validate_derive(cf, conf);
}


static ngx_int_t
ngx_http_ml_validate_preconfiguration(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    ngx_http_ml_validate_api = ngx_http_ml_api_find(cf,
                                             "ngx_http_ml_validate_module.so");

    if (ngx_http_ml_validate_api == NULL
        || ngx_http_ml_validate_api->add_feature(cf,
                                                &ngx_http_ml_validate_feature)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (v = ngx_http_ml_validate_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ml_validate_init(ngx_conf_t *cf)
{
    if (getrandom(ngx_http_ml_validate_seed,
                  sizeof(ngx_http_ml_validate_seed), 0)
        != sizeof(ngx_http_ml_validate_seed))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, ngx_errno,
                      "getrandom() failed");
        return NGX_ERROR;
    }

    ngx_http_ml_validate_infer = ngx_http_ml_validate_api->feature(cf,
                                                           NGX_HTTP_ML_INFER);
    ngx_http_ml_validate_init_filter();

    return NGX_OK;
}


/*
 * The memory of a large tensor goes back to the system when it is freed, and
 * grows without a copy.  The C library would otherwise raise its threshold
 * to the largest block freed so far, and keep such blocks in its heap.
 */

static ngx_int_t
ngx_http_ml_validate_init_process(ngx_cycle_t *cycle)
{
#if defined(M_MMAP_THRESHOLD)
    (void) mallopt(M_MMAP_THRESHOLD, NGX_HTTP_ML_VALIDATE_MMAP);
#endif

    return NGX_OK;
}
