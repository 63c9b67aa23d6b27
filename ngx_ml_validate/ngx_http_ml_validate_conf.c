/*
 * Directive ml_validate.
 */

#include "ngx_http_ml_validate.h"


/* What the schema compiler's callbacks need. */
typedef struct {
    ngx_conf_t                *cf;
    ngx_str_t                 *name;
    ml_schema_registry_t      *registry;
} ngx_http_ml_validate_source_t;


static ngx_int_t ngx_http_ml_validate_protocol(u_char *name,
    ngx_http_ml_validate_protocol_e *protocol);
static char *ngx_http_ml_validate_schema(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name);
static ngx_int_t ngx_http_ml_validate_set_schema(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name,
    ngx_str_t *text, char *error, size_t size);
static ngx_int_t ngx_http_ml_validate_openai_limit(
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *value);
static ngx_int_t ngx_http_ml_validate_image_limit(
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *value);
static int ngx_http_ml_validate_load(void *data, const char *uri,
    ml_text_t *text);
static void ngx_http_ml_validate_warn(void *data, const char *line);
static ngx_int_t ngx_http_ml_validate_registry(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *value);
static ngx_int_t ngx_http_ml_validate_read_schema(ngx_conf_t *cf,
    ngx_str_t *name, ngx_str_t *text);
static void ngx_http_ml_validate_destroy_schema(void *data);


/* Those of the API itself, and generous where it has none. */
static const ml_openai_limits_t  ngx_http_ml_validate_openai_limits = {
    2048, 1048576, 4194304, 131072, 128, 128
};


/* As many pixels as Pillow takes without a warning. */
static const ml_image_limits_t  ngx_http_ml_validate_image_limits = {
    89478485, 100
};


char *
ngx_http_ml_validate_directive(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_validate_loc_conf_t *vlcf = conf;

    ngx_str_t                        *value, name, openapi;
    ngx_uint_t                        i, given, limits, openai, image, oip;
    ngx_http_ml_validate_contract_t  *contract;

    if (vlcf->contract != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        vlcf->contract = NULL;
        return NGX_CONF_OK;
    }

    contract = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_validate_contract_t));
    if (contract == NULL) {
        return NGX_CONF_ERROR;
    }

    contract->formats = NGX_CONF_UNSET;
    contract->openai = ngx_http_ml_validate_openai_limits;
    contract->image = ngx_http_ml_validate_image_limits;
    ngx_str_null(&name);
    ngx_str_null(&openapi);
    given = 0;
    limits = 0;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "schema=", 7) == 0
            && value[i].len > 7 && name.len == 0)
        {
            name.len = value[i].len - 7;
            name.data = value[i].data + 7;
            continue;
        }

        if (ngx_strncmp(value[i].data, "openapi=", 8) == 0
            && value[i].len > 8 && openapi.len == 0)
        {
            openapi.len = value[i].len - 8;
            openapi.data = value[i].data + 8;
            continue;
        }

        if (ngx_http_ml_validate_openai_limit(contract, &value[i]) == NGX_OK) {
            limits |= 1;
            continue;
        }

        if (ngx_http_ml_validate_image_limit(contract, &value[i]) == NGX_OK) {
            limits |= 2;
            continue;
        }

        if (ngx_strncmp(value[i].data, "model=", 6) == 0
            && value[i].len > 6 && contract->model.len == 0)
        {
            contract->model.len = value[i].len - 6;
            contract->model.data = value[i].data + 6;
            continue;
        }

        if (ngx_strncmp(value[i].data, "protocol=", 9) == 0 && !given
            && ngx_http_ml_validate_protocol(value[i].data + 9,
                                             &contract->protocol)
               == NGX_OK)
        {
            given = 1;
            continue;
        }

        if (ngx_strncmp(value[i].data, "registry=", 9) == 0) {

            if (ngx_http_ml_validate_registry(cf, contract, &value[i])
                != NGX_OK)
            {
                return NGX_CONF_ERROR;
            }

            continue;
        }

        if (ngx_strcmp(value[i].data, "multipart=on") == 0
            && !contract->multipart)
        {
            contract->multipart = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "formats=on") == 0
            && contract->formats == NGX_CONF_UNSET)
        {
            contract->formats = 1;
            continue;
        }

        if (ngx_strcmp(value[i].data, "formats=off") == 0
            && contract->formats == NGX_CONF_UNSET)
        {
            contract->formats = 0;
            continue;
        }

        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           &value[i]);

        return NGX_CONF_ERROR;
    }

    oip = contract->protocol == NGX_HTTP_ML_VALIDATE_OIP;
    openai = contract->protocol == NGX_HTTP_ML_VALIDATE_OPENAI;
    image = contract->protocol == NGX_HTTP_ML_VALIDATE_IMAGE;

    if ((name.len != 0) + (contract->model.len != 0) + (openapi.len != 0)
        + openai + image + oip != 1)
    {
        return "needs one of \"schema\", \"model\", \"openapi\", "
               "\"protocol=openai\", \"protocol=oip\" and "
               "\"protocol=image\"";
    }

    if (name.len == 0 && openapi.len == 0
        && (contract->registry.n || contract->formats != NGX_CONF_UNSET))
    {
        return "has \"registry\" or \"formats\" without \"schema\"";
    }

    if ((limits & 1) && !openai) {
        return "has a limit of \"protocol=openai\" without it";
    }

    if ((limits & 2) && !image) {
        return "has a limit of \"protocol=image\" without it";
    }

    if (contract->multipart && !image
        && contract->protocol != NGX_HTTP_ML_VALIDATE_NPY)
    {
        return "has \"multipart\" without \"protocol=image\" or "
               "\"protocol=npy\"";
    }

    if (openapi.len && contract->protocol != NGX_HTTP_ML_VALIDATE_JSON) {
        return "has a protocol beside \"openapi\"";
    }

    ngx_http_ml_place(cf, &contract->place);
    vlcf->contract = contract;

    if (openai) {
        return ngx_http_ml_validate_openai(cf, contract);
    }

    if (oip) {
        return ngx_http_ml_validate_oip(cf, contract);
    }

    if (openapi.len) {
        return ngx_http_ml_validate_openapi(cf, contract, &openapi);
    }

    if (image) {
        return NGX_CONF_OK;
    }

    return name.len ? ngx_http_ml_validate_schema(cf, contract, &name)
                    : NGX_CONF_OK;
}


/* "messages=50" and the like: NGX_DECLINED when it is none. */

static ngx_int_t
ngx_http_ml_validate_openai_limit(ngx_http_ml_validate_contract_t *contract,
    ngx_str_t *value)
{
    ngx_int_t   n;
    uint64_t   *field;
    ngx_uint_t  i;

    static const struct {
        ngx_str_t  name;
        size_t     offset;
    } limits[] = {
        { ngx_string("messages="), offsetof(ml_openai_limits_t, messages) },
        { ngx_string("characters="),
          offsetof(ml_openai_limits_t, characters) },
        { ngx_string("total="), offsetof(ml_openai_limits_t, total) },
        { ngx_string("max_tokens="),
          offsetof(ml_openai_limits_t, max_tokens) },
        { ngx_string("n="), offsetof(ml_openai_limits_t, n) },
        { ngx_string("tools="), offsetof(ml_openai_limits_t, tools) }
    };

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {

        if (ngx_strncmp(value->data, limits[i].name.data, limits[i].name.len)
            != 0)
        {
            continue;
        }

        n = ngx_atoi(value->data + limits[i].name.len,
                     value->len - limits[i].name.len);

        if (n <= 0) {
            return NGX_DECLINED;
        }

        field = (uint64_t *) ((char *) &contract->openai + limits[i].offset);
        *field = (uint64_t) n;

        return NGX_OK;
    }

    return NGX_DECLINED;
}


/* "pixels=n", "frames=n", "types=png,jpeg": NGX_DECLINED when it is none. */

static ngx_int_t
ngx_http_ml_validate_image_limit(ngx_http_ml_validate_contract_t *contract,
    ngx_str_t *value)
{
    u_char      *p, *last, *comma;
    ngx_int_t    n;
    ngx_uint_t   i;
    const char  *name;

    last = value->data + value->len;

    if (ngx_strncmp(value->data, "pixels=", 7) == 0
        || ngx_strncmp(value->data, "frames=", 7) == 0)
    {
        n = ngx_atoi(value->data + 7, value->len - 7);

        if (n <= 0 || (value->data[0] == 'f' && n > NGX_MAX_INT32_VALUE)) {
            return NGX_DECLINED;
        }

        if (value->data[0] == 'p') {
            contract->image.pixels = (uint64_t) n;

        } else {
            contract->image.frames = (uint32_t) n;
        }

        return NGX_OK;
    }

    if (ngx_strncmp(value->data, "types=", 6) != 0
        || contract->image_types != 0)
    {
        return NGX_DECLINED;
    }

    for (p = value->data + 6; /* void */ ; p = comma + 1) {
        comma = ngx_strlchr(p, last, ',');
        comma = comma ? comma : last;

        for (i = 0; i < ML_IMAGE_TYPES; i++) {
            name = ml_image_media_type((ml_image_type_e) i)
                   + sizeof("image/") - 1;

            if ((size_t) (comma - p) == ngx_strlen(name)
                && ngx_strncmp(p, name, comma - p) == 0)
            {
                break;
            }
        }

        if (i == ML_IMAGE_TYPES) {
            return NGX_DECLINED;
        }

        contract->image_types |= 1 << i;

        if (comma == last) {
            return NGX_OK;
        }
    }
}


static ngx_int_t
ngx_http_ml_validate_protocol(u_char *name,
    ngx_http_ml_validate_protocol_e *protocol)
{
    ngx_uint_t  i;

    static const char *const  names[] = {
        "json", "raw", "npy", "openai", "image", "oip"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (ngx_strcmp(name, names[i]) == 0) {
            *protocol = (ngx_http_ml_validate_protocol_e) i;
            return NGX_OK;
        }
    }

    return NGX_ERROR;
}


static char *
ngx_http_ml_validate_schema(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name)
{
    char       error[1024];
    ngx_str_t  text;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_ml_validate_read_schema(cf, name, &text) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (ngx_http_ml_validate_set_schema(cf, contract, name, &text, error,
                                        sizeof(error))
        != NGX_OK)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "schema \"%V\": %s", name,
                           error);
        return NGX_CONF_ERROR;
    }

    if (contract->protocol != NGX_HTTP_ML_VALIDATE_JSON
        && contract->schema->root->tensor == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "schema \"%V\": its root "
                           "has no \"x-tensor\", which the protocol needs",
                           name);
        return NGX_CONF_ERROR;
    }

    if (contract->protocol == NGX_HTTP_ML_VALIDATE_NPY
        && contract->schema->specs[0].dtype == ML_DTYPE_BFLOAT16)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "schema \"%V\": numpy's "
                           "format has no bfloat16", name);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_ml_validate_set_schema(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name,
    ngx_str_t *text, char *error, size_t size)
{
    contract->schema = ngx_http_ml_validate_compile(cf, contract, name, text,
                                                    NULL, error, size);

    if (contract->schema == NULL) {
        return NGX_ERROR;
    }

    contract->keep = ngx_pcalloc(cf->pool,
                                 contract->schema->root->properties.n + 1);

    if (contract->keep == NULL) {
        (void) snprintf(error, size, "no memory");
        return NGX_ERROR;
    }

    return NGX_OK;
}


ml_schema_t *
ngx_http_ml_validate_compile(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name,
    ngx_str_t *text, const char *pointer, char *error, size_t size)
{
    ml_schema_t                   *schema;
    ngx_pool_cleanup_t            *cln;
    ml_schema_options_t            options;
    ngx_http_ml_validate_source_t  source;

    source.cf = cf;
    source.name = name;
    source.registry = &contract->registry;

    ngx_memzero(&options, sizeof(ml_schema_options_t));
    options.load = ngx_http_ml_validate_load;
    options.warn = ngx_http_ml_validate_warn;
    options.data = &source;
    options.pointer = pointer;
    options.formats = contract->formats == 1;

    cln = ngx_pool_cleanup_add(cf->pool, 0);

    if (cln == NULL) {
        (void) snprintf(error, size, "no memory");
        return NULL;
    }

    schema = ml_schema_compile((char *) text->data, text->len, &options,
                               error, size);

    if (schema) {
        cln->handler = ngx_http_ml_validate_destroy_schema;
        cln->data = schema;
    }

    return schema;
}


static int
ngx_http_ml_validate_load(void *data, const char *uri, ml_text_t *text)
{
    ngx_http_ml_validate_source_t *source = data;

    return ml_schema_registry_load(source->registry, uri, text);
}


static void
ngx_http_ml_validate_warn(void *data, const char *line)
{
    ngx_http_ml_validate_source_t *source = data;

    ngx_conf_log_error(NGX_LOG_WARN, source->cf, 0, "schema \"%V\": %s",
                       source->name, line);
}


/* "registry=URI=DIR"; DIR is below the prefix unless it is absolute. */

static ngx_int_t
ngx_http_ml_validate_registry(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *value)
{
    u_char      *equals, *entry;
    ngx_str_t    directory;
    const char  *why;

    equals = (u_char *) strrchr((char *) value->data + 9, '=');
    why = "is not URI=DIRECTORY";

    if (equals && equals > value->data + 9 && equals[1] != '\0') {
        directory.data = equals + 1;
        directory.len = (size_t) (value->data + value->len - directory.data);

        if (ngx_conf_full_name(cf->cycle, &directory, 1) != NGX_OK) {
            return NGX_ERROR;
        }

        entry = ngx_pnalloc(cf->pool, value->len + directory.len + 1);
        if (entry == NULL) {
            return NGX_ERROR;
        }

        (void) ngx_sprintf(entry, "%*s%V%Z", (size_t) (equals + 1 - value->data)
                                             - 9, value->data + 9, &directory);

        why = ml_schema_registry_add(&contract->registry, (char *) entry);
    }

    if (why) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "parameter \"%V\" %s",
                           value, why);
        return NGX_ERROR;
    }

    return NGX_OK;
}


char *
ngx_http_ml_validate_derive(ngx_conf_t *cf,
    ngx_http_ml_validate_loc_conf_t *vlcf)
{
    char                              error[1024];
    uint64_t                          rows;
    ngx_int_t                         rc;
    ngx_str_t                         text;
    ml_text_t                         schema;
    ngx_uint_t                        n;
    const ml_tensor_spec_t           *inputs;
    const ngx_http_ml_feature_t      *infer;
    ngx_http_ml_validate_contract_t  *contract;

    contract = vlcf->contract;

    /* nested locations inherit what is derived already */

    if (contract->model.len == 0 || contract->schema) {
        return NGX_CONF_OK;
    }

    infer = ngx_http_ml_validate_api->feature(cf, NGX_HTTP_ML_INFER);

    if (infer == NULL) {
        ngx_http_ml_conf_error(cf, &contract->place,
                               "\"model\" of \"ml_validate\" requires "
                               "ngx_http_ml_infer_module.so to be loaded");
        return NGX_CONF_ERROR;
    }

    inputs = infer->inputs(cf, &contract->model, &n, &rows);

    if (inputs == NULL) {
        ngx_http_ml_conf_error(cf, &contract->place, "unknown model \"%V\"",
                               &contract->model);
        return NGX_CONF_ERROR;
    }

    if (contract->protocol != NGX_HTTP_ML_VALIDATE_JSON && n != 1) {
        ngx_http_ml_conf_error(cf, &contract->place,
                               "model \"%V\" has %ui inputs, the protocol "
                               "has one", &contract->model, n);
        return NGX_CONF_ERROR;
    }

    ml_text_init(&schema);

    if (ml_schema_derive(inputs, n, rows, vlcf->limits.elements,
                         contract->protocol != NGX_HTTP_ML_VALIDATE_JSON,
                         &schema)
        != 0)
    {
        ml_text_free(&schema);
        ngx_http_ml_conf_error(cf, &contract->place,
                               "a row of model \"%V\" has more elements than "
                               "\"ml_validate_limits\" allows",
                               &contract->model);
        return NGX_CONF_ERROR;
    }

    (void) snprintf(error, sizeof(error), "no memory");
    rc = NGX_ERROR;

    if (!schema.failed) {
        text.len = schema.len;
        text.data = (u_char *) schema.data;
        rc = ngx_http_ml_validate_set_schema(cf, contract, &contract->model,
                                             &text, error, sizeof(error));
    }

    ml_text_free(&schema);

    if (rc != NGX_OK) {
        ngx_http_ml_conf_error(cf, &contract->place, "model \"%V\": %s",
                               &contract->model, error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_ml_validate_read_schema(ngx_conf_t *cf, ngx_str_t *name,
    ngx_str_t *text)
{
    off_t       size;
    ssize_t     n;
    ngx_int_t   rc;
    ngx_file_t  file;

    ngx_memzero(&file, sizeof(ngx_file_t));

    file.name = *name;
    file.log = cf->log;
    file.fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (file.fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
        return NGX_ERROR;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(file.fd, &file.info) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);
        goto done;
    }

    size = ngx_file_size(&file.info);

    if (size > ML_SCHEMA_SIZE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "schema \"%V\" is over %d bytes", name,
                           ML_SCHEMA_SIZE);
        goto done;
    }

    text->len = (size_t) size;
    text->data = ngx_pnalloc(cf->temp_pool, text->len + 1);

    if (text->data == NULL) {
        goto done;
    }

    n = ngx_read_file(&file, text->data, text->len, 0);

    if (n != (ssize_t) text->len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, n == NGX_ERROR ? ngx_errno : 0,
                           "could not read schema \"%V\"", name);
        goto done;
    }

    rc = NGX_OK;

done:

    if (ngx_close_file(file.fd) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_ALERT, cf, ngx_errno,
                           ngx_close_file_n " \"%V\" failed", name);
    }

    return rc;
}


static void
ngx_http_ml_validate_destroy_schema(void *data)
{
    ml_schema_destroy(data);
}
