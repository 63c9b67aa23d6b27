#include "ngx_http_ml_ratelimit.h"


#define NGX_HTTP_ML_TIER_NAME_MAX  32


static ngx_int_t ngx_http_ml_tier_name(ngx_str_t *name);
static ngx_int_t ngx_http_ml_tier_budget(ngx_str_t *value,
    ml_client_bucket_e bucket, uint64_t *units, uint64_t *period);
static char *ngx_http_ml_ratelimit_cost(ngx_conf_t *cf,
    ngx_http_ml_ratelimit_rule_t *rule, ngx_str_t *parameter,
    ngx_str_t *value);
static ngx_http_complex_value_t *ngx_http_ml_ratelimit_value(ngx_conf_t *cf,
    ngx_str_t *value);


/* Capacities are known when all parameters are: burst may stand first. */

char *
ngx_http_ml_tier(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_ratelimit_main_conf_t  *mcf = conf;

    u_char              *p;
    uint64_t             burst, units[ML_CLIENT_BUCKETS],
                         periods[ML_CLIENT_BUCKETS];
    ngx_int_t            n;
    ngx_str_t           *value, name, s;
    ngx_uint_t           i, j;
    ngx_http_ml_tier_t  *tier;

    value = cf->args->elts;

    if (ngx_http_ml_tier_name(&value[1]) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid tier name \"%V\": 1 to %d letters, "
                           "digits, \"_\", \"-\" or \".\"", &value[1],
                           NGX_HTTP_ML_TIER_NAME_MAX);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_ml_tier_find(mcf, &value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate tier \"%V\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    tier = ngx_array_push(&mcf->tiers);
    if (tier == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(tier, sizeof(ngx_http_ml_tier_t));

    tier->name = value[1];
    burst = 0;

    for (i = 2; i < cf->args->nelts; i++) {

        p = (u_char *) ngx_strchr(value[i].data, '=');
        if (p == NULL) {
            goto invalid;
        }

        name.data = value[i].data;
        name.len = p - name.data;

        s.data = p + 1;
        s.len = value[i].data + value[i].len - s.data;

        for (j = 0; j < ML_CLIENT_BUCKETS; j++) {
            if (name.len == ngx_strlen(ngx_http_ml_ratelimit_limits[j])
                && ngx_strncmp(name.data, ngx_http_ml_ratelimit_limits[j],
                               name.len)
                   == 0)
            {
                break;
            }
        }

        if (j < ML_CLIENT_BUCKETS) {

            if (tier->given & (1 << j)) {
                goto duplicate;
            }

            if (ngx_http_ml_tier_budget(&s, j, &units[j], &periods[j])
                != NGX_OK)
            {
                goto invalid;
            }

            tier->given |= 1 << j;
            continue;
        }

        n = ngx_atoi(s.data, s.len);

        if (name.len == 5 && ngx_strncmp(name.data, "burst", 5) == 0) {

            if (burst) {
                goto duplicate;
            }

            if (n == NGX_ERROR || n == 0) {
                goto invalid;
            }

            burst = n;
            continue;
        }

        if (name.len == 11 && ngx_strncmp(name.data, "concurrency", 11) == 0)
        {
            if (tier->concurrency) {
                goto duplicate;
            }

            if (n == NGX_ERROR || n == 0 || n > ML_CONCURRENCY_MAX) {
                goto invalid;
            }

            tier->concurrency = n;
            continue;
        }

        goto invalid;
    }

    if (burst && !(tier->given & (1 << ML_CLIENT_COST))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"burst\" of tier \"%V\" needs \"cost\"",
                           &tier->name);
        return NGX_CONF_ERROR;
    }

    for (j = 0; j < ML_CLIENT_BUCKETS; j++) {

        if (!(tier->given & (1 << j))) {
            continue;
        }

        if (ml_gcra_limit(&tier->budgets[j], units[j], periods[j],
                          (j == ML_CLIENT_COST && burst) ? burst : units[j])
            != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%s\" of tier \"%V\" is out of range",
                               ngx_http_ml_ratelimit_limits[j], &tier->name);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;

invalid:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                       &value[i]);
    return NGX_CONF_ERROR;

duplicate:

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate parameter \"%V\"",
                       &value[i]);
    return NGX_CONF_ERROR;
}


/* Names go to headers, logs and metrics as they are. */

static ngx_int_t
ngx_http_ml_tier_name(ngx_str_t *name)
{
    u_char  ch;
    size_t  i;

    if (name->len == 0 || name->len > NGX_HTTP_ML_TIER_NAME_MAX) {
        return NGX_ERROR;
    }

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];

        if (!((ch >= '0' && ch <= '9')
              || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z')
              || ch == '_' || ch == '-' || ch == '.'))
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* N/s, N/m or N/h; for gpu a time in place of N, counted in microseconds. */

static ngx_int_t
ngx_http_ml_tier_budget(ngx_str_t *value, ml_client_bucket_e bucket,
    uint64_t *units, uint64_t *period)
{
    ngx_int_t  n;
    ngx_str_t  amount;

    if (value->len < 3 || value->data[value->len - 2] != '/') {
        return NGX_ERROR;
    }

    switch (value->data[value->len - 1]) {

    case 's':
        *period = ML_GCRA_SECOND;
        break;

    case 'm':
        *period = 60 * ML_GCRA_SECOND;
        break;

    case 'h':
        *period = 3600 * ML_GCRA_SECOND;
        break;

    default:
        return NGX_ERROR;
    }

    amount.data = value->data;
    amount.len = value->len - 2;

    if (bucket == ML_CLIENT_GPU) {
        n = ngx_parse_time(&amount, 0);

        if (n == NGX_ERROR || n > NGX_MAX_INT_T_VALUE / 1000) {
            return NGX_ERROR;
        }

        n *= 1000;

    } else {
        n = ngx_atoi(amount.data, amount.len);
    }

    if (n == NGX_ERROR || n == 0) {
        return NGX_ERROR;
    }

    *units = n;

    return NGX_OK;
}


ngx_http_ml_tier_t *
ngx_http_ml_tier_find(ngx_http_ml_ratelimit_main_conf_t *mcf, ngx_str_t *name)
{
    ngx_uint_t           i;
    ngx_http_ml_tier_t  *tier;

    tier = mcf->tiers.elts;

    for (i = 0; i < mcf->tiers.nelts; i++) {
        if (tier[i].name.len == name->len
            && ngx_memcmp(tier[i].name.data, name->data, name->len) == 0)
        {
            return &tier[i];
        }
    }

    return NULL;
}


char *
ngx_http_ml_ratelimit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_ml_ratelimit_loc_conf_t  *lcf = conf;

    char                           *rv;
    ngx_str_t                      *value, s;
    ngx_uint_t                      i;
    ngx_http_complex_value_t      **cv;
    ngx_http_ml_ratelimit_rule_t   *rule;

    if (lcf->rule != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (cf->args->nelts == 2 && ngx_strcmp(value[1].data, "off") == 0) {
        lcf->rule = NULL;
        return NGX_CONF_OK;
    }

    rule = ngx_pcalloc(cf->pool, sizeof(ngx_http_ml_ratelimit_rule_t));
    if (rule == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_http_ml_place(cf, &rule->place);
    rule->cost = 1;

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strncmp(value[i].data, "cost=", 5) == 0
            && value[i].len > 5)
        {
            s.data = value[i].data + 5;
            s.len = value[i].len - 5;

            rv = ngx_http_ml_ratelimit_cost(cf, rule, &value[i], &s);

            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        if (ngx_strncmp(value[i].data, "key=", 4) == 0 && value[i].len > 4) {
            s.data = value[i].data + 4;
            s.len = value[i].len - 4;
            cv = &rule->key;

        } else if (ngx_strncmp(value[i].data, "tier=", 5) == 0
                   && value[i].len > 5)
        {
            s.data = value[i].data + 5;
            s.len = value[i].len - 5;
            cv = &rule->tier;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (*cv) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        *cv = ngx_http_ml_ratelimit_value(cf, &s);

        if (*cv == NULL) {
            return NGX_CONF_ERROR;
        }

        /* one constant key would be one bucket for all the world */

        if ((*cv)->lengths == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V\" has no variable", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    lcf->rule = rule;

    return NGX_CONF_OK;
}


static char *
ngx_http_ml_ratelimit_cost(ngx_conf_t *cf, ngx_http_ml_ratelimit_rule_t *rule,
    ngx_str_t *parameter, ngx_str_t *value)
{
    ngx_int_t  n;

    if (rule->priced) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "duplicate parameter \"%V\"",
                           parameter);
        return NGX_CONF_ERROR;
    }

    rule->priced = 1;

    if (ngx_strcmp(value->data, "gpu") == 0) {
        rule->unit = ML_CLIENT_GPU;
        return NGX_CONF_OK;
    }

    if (ngx_strcmp(value->data, "tokens") == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not available in this version",
                           parameter);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_script_variables_count(value)) {
        rule->variable = ngx_http_ml_ratelimit_value(cf, value);
        return rule->variable ? NGX_CONF_OK : NGX_CONF_ERROR;
    }

    n = ngx_atoi(value->data, value->len);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "invalid parameter \"%V\"",
                           parameter);
        return NGX_CONF_ERROR;
    }

    rule->cost = n;

    return NGX_CONF_OK;
}


static ngx_http_complex_value_t *
ngx_http_ml_ratelimit_value(ngx_conf_t *cf, ngx_str_t *value)
{
    ngx_http_complex_value_t          *cv;
    ngx_http_compile_complex_value_t   ccv;

    cv = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (cv == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = value;
    ccv.complex_value = cv;

    return ngx_http_compile_complex_value(&ccv) == NGX_OK ? cv : NULL;
}


/*
 * A tier with no budget at all is unlimited on purpose; one that has others
 * but no cost would let this location be used without end.
 */

ngx_int_t
ngx_http_ml_ratelimit_check_rule(ngx_conf_t *cf,
    ngx_http_ml_ratelimit_rule_t *rule)
{
    ngx_uint_t                          i;
    ngx_http_ml_tier_t                 *tier;
    ngx_http_ml_ratelimit_main_conf_t  *mcf;

    if (rule->checked) {
        return NGX_OK;
    }

    rule->checked = 1;

    if (!ngx_http_ml_ratelimit_api->has_zone(cf)) {
        ngx_http_ml_conf_error(cf, &rule->place,
                               "\"ml_ratelimit\" requires \"ml_zone\"");
        return NGX_ERROR;
    }

    if (rule->unit == ML_CLIENT_GPU
        && ngx_http_ml_ratelimit_api->feature(cf, NGX_HTTP_ML_INFER) == NULL)
    {
        ngx_http_ml_conf_error(cf, &rule->place,
                               "\"cost=gpu\" requires "
                               "ngx_http_ml_infer_module.so to be loaded");
        return NGX_ERROR;
    }

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_ratelimit_module);

    tier = mcf->tiers.elts;

    for (i = 0; i < mcf->tiers.nelts; i++) {

        if (!(tier[i].given & (1 << rule->unit))) {

            if (rule->priced && tier[i].given) {
                ngx_http_ml_conf_error(cf, &rule->place,
                                       "\"ml_ratelimit\" charges \"%s\", "
                                       "which tier \"%V\" lacks",
                                       ngx_http_ml_ratelimit_limits
                                                                [rule->unit],
                                       &tier[i].name);
                return NGX_ERROR;
            }

            continue;
        }

        if (rule->unit == ML_CLIENT_COST && rule->variable == NULL
            && rule->cost > tier[i].budgets[ML_CLIENT_COST].burst)
        {
            ngx_http_ml_conf_error(cf, &rule->place,
                                   "\"ml_ratelimit\" cost %uL is more than "
                                   "the burst %uL of tier \"%V\"",
                                   rule->cost,
                                   tier[i].budgets[ML_CLIENT_COST].burst,
                                   &tier[i].name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_ml_ratelimit_check_uses(ngx_conf_t *cf)
{
    ngx_uint_t                          i;
    ngx_array_t                        *uses;
    ngx_http_ml_tier_use_t             *use;
    ngx_http_ml_ratelimit_main_conf_t  *mcf;

    mcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_ml_ratelimit_module);

    uses = ngx_http_ml_ratelimit_api->tier_uses(cf);
    use = uses->elts;

    for (i = 0; i < uses->nelts; i++) {
        if (ngx_http_ml_tier_find(mcf, &use[i].tier) == NULL) {
            ngx_http_ml_conf_error(cf, &use[i].place,
                                   "\"ml_keys\" uses tier \"%V\", which is "
                                   "not declared", &use[i].tier);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
