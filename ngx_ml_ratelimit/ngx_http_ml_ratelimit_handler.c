/*
 * The gate, the charge and the settlement of a request.
 *
 * Who is charged.  The base identity is the key that ml_keys proved, or the
 * address.  key=VAR names a further client.  A key counts as proven when
 * tier=VAR names a declared tier (nginx's own authentication then stands
 * behind both variables): it takes the place of the base.  Any other key is
 * only claimed, and is charged as well as the base, so that inventing keys
 * gains nothing.
 *
 * What is given back.  The cost stands, except when the work was not done:
 * another guard refused the request, the model's side said so
 * (state->refund: queue full, expired, breaker open), or no device time was
 * used and the answer is 502 or 503, or a 404 or 405 that no upstream gave.
 * A 500, a 504 and a client that left stay charged: the work may have been
 * done, and a client could bring them about.
 *
 * With cost=gpu what is reserved is the device time that the model's rows
 * took lately, and what is settled is what the request's own did take.
 *
 * A request that was made is a request: that unit is never given back, and
 * is charged for what another guard refuses before the charge as well.  So
 * a budget of requests bounds floods of every kind.
 *
 * The gate evaluates no variable: one that nginx caches would be frozen
 * before authentication has set it.
 */

#include "ngx_http_ml_ratelimit.h"


/* The moment at which a running request ends cannot be told. */
#define NGX_HTTP_ML_RATELIMIT_RETRY  1


static ngx_http_ml_ratelimit_part_t *ngx_http_ml_ratelimit_part(
    ngx_http_request_t *r, ngx_http_ml_state_t *state);
static ngx_int_t ngx_http_ml_ratelimit_base(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_ratelimit_part_t *part,
    ngx_str_t *tier);
static ngx_int_t ngx_http_ml_ratelimit_identify(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_ratelimit_part_t *part);
static ngx_int_t ngx_http_ml_ratelimit_client(ngx_http_request_t *r,
    ngx_http_ml_ratelimit_part_t *part, ml_client_kind_e kind, u_char what,
    ngx_str_t *name);
static ngx_int_t ngx_http_ml_ratelimit_price(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_ratelimit_part_t *part);
static uint64_t ngx_http_ml_ratelimit_gpu(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);
static uint64_t ngx_http_ml_ratelimit_used(ngx_http_ml_state_t *state,
    ngx_http_ml_ratelimit_part_t *part, ml_charge_t *charge);
static void ngx_http_ml_ratelimit_count_settled(
    ngx_http_ml_ratelimit_part_t *part, ml_charge_t *charge, uint64_t used);
static void ngx_http_ml_ratelimit_make_charges(
    ngx_http_ml_ratelimit_part_t *part);
static void ngx_http_ml_ratelimit_count_refused(ngx_http_ml_state_t *state,
    ngx_http_ml_ratelimit_part_t *part);
static ngx_uint_t ngx_http_ml_ratelimit_is_busy(
    ngx_http_ml_ratelimit_part_t *part);
static ml_concurrency_e ngx_http_ml_ratelimit_take(
    ngx_http_ml_ratelimit_part_t *part);
static void ngx_http_ml_ratelimit_release(ngx_http_ml_ratelimit_part_t *part);
static ngx_int_t ngx_http_ml_ratelimit_over_budget(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_uint_t charge, uint64_t now);
static ngx_int_t ngx_http_ml_ratelimit_refuse(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_uint_t limit, const char *detail);


ngx_int_t
ngx_http_ml_ratelimit_gate(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    size_t                         refused;
    uint64_t                       now;
    ngx_http_ml_ratelimit_part_t  *part;

    part = ngx_http_ml_ratelimit_part(r, state);
    if (part == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* a dry run is judged once, at the charge */

    if (part->judged || part->conf->rule->tier || part->conf->dry_run) {
        return NGX_DECLINED;
    }

    if (ngx_http_ml_ratelimit_base(r, state, part, &state->identity.tier)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (part->tier == NULL) {
        return NGX_DECLINED;
    }

    /* no variable, and of a model's time that of the least request */

    part->cost = part->conf->rule->unit == ML_CLIENT_GPU
                 ? ngx_http_ml_ratelimit_gpu(r, state)
                 : part->conf->rule->cost;

    ngx_http_ml_ratelimit_make_charges(part);

    if (part->tier->concurrency && ngx_http_ml_ratelimit_is_busy(part)) {
        return ngx_http_ml_ratelimit_refuse(r, state,
                                        NGX_HTTP_ML_RATELIMIT_CONCURRENCY,
                                        "Too many requests at once");
    }

    now = ml_charges_now();

    if (ml_charges_check(&ngx_http_ml_ratelimit_clients, part->charges,
                         part->ncharges, now, &refused)
        != ML_CHARGES_OK)
    {
        return ngx_http_ml_ratelimit_over_budget(r, state, refused, now);
    }

    return NGX_DECLINED;
}


ngx_int_t
ngx_http_ml_ratelimit_charge(ngx_http_request_t *r,
    ngx_http_ml_state_t *state)
{
    size_t                         refused;
    uint64_t                       now;
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    ml_charges_e                   charged;
    ngx_http_ml_ratelimit_part_t  *part;

    part = ngx_http_ml_ratelimit_part(r, state);
    if (part == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (part->judged) {
        return NGX_DECLINED;
    }

    if (ngx_http_ml_ratelimit_identify(r, state, part) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_ml_ratelimit_price(r, state, part);

    if (rc != NGX_OK) {
        return rc;
    }

    part->judged = 1;
    part->verdict = NGX_HTTP_ML_RATELIMIT_PASSED;
    part->ncharges = 0;

    if (part->tier == NULL) {
        part->reserved = 1;
        return NGX_DECLINED;
    }

    ngx_http_ml_ratelimit_make_charges(part);

    switch (ngx_http_ml_ratelimit_take(part)) {

    case ML_CONCURRENCY_OK:
        break;

    case ML_CONCURRENCY_OVER:
        return ngx_http_ml_ratelimit_refuse(r, state,
                                        NGX_HTTP_ML_RATELIMIT_CONCURRENCY,
                                        "Too many requests at once");

    case ML_CONCURRENCY_FULL:
        ngx_log_error(NGX_LOG_CRIT, r->connection->log, 0,
                      "no room in ml_zone to count running requests");

        return ngx_http_ml_ratelimit_refuse(r, state,
                                        NGX_HTTP_ML_RATELIMIT_CONCURRENCY,
                                        "Too many requests at once");
    }

    now = ml_charges_now();

    charged = ml_charges_reserve(&ngx_http_ml_ratelimit_clients,
                                 part->charges, part->ncharges, now,
                                 &refused);

    if (charged == ML_CHARGES_OK) {
        part->reserved = 1;

        for (i = 0; i < part->ncharges; i++) {
            ngx_http_ml_ratelimit_count_cost(part->tier,
                                             part->charges[i].bucket,
                                             NGX_HTTP_ML_RATELIMIT_RESERVED,
                                             part->charges[i].units);
        }

        return NGX_DECLINED;
    }

    ngx_http_ml_ratelimit_release(part);

    if (charged == ML_CHARGES_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "could not lock the client table");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_ml_ratelimit_over_budget(r, state, refused, now);
}


void
ngx_http_ml_ratelimit_settle(ngx_http_ml_state_t *state)
{
    uint64_t                       now, used;
    ngx_uint_t                     i;
    ml_charge_t                   *charge;
    ngx_http_ml_ratelimit_part_t  *part;

    part = state->part[NGX_HTTP_ML_RATELIMIT];

    if (part == NULL || part->settled) {
        return;
    }

    part->settled = 1;

    ngx_http_ml_ratelimit_release(part);

    if (state->refused && !part->judged) {
        ngx_http_ml_ratelimit_count_refused(state, part);
        return;
    }

    if (!part->reserved) {
        return;
    }

    now = ml_charges_now();
    part->cost_actual = 0;

    for (i = 0; i < part->ncharges; i++) {
        charge = &part->charges[i];
        used = ngx_http_ml_ratelimit_used(state, part, charge);

        ml_charge_settle(charge, used, now);
        ngx_http_ml_ratelimit_count_settled(part, charge, used);

        if (charge->bucket == part->conf->rule->unit) {
            part->cost_actual = used;
        }
    }
}


static uint64_t
ngx_http_ml_ratelimit_used(ngx_http_ml_state_t *state,
    ngx_http_ml_ratelimit_part_t *part, ml_charge_t *charge)
{
    if (charge->bucket == ML_CLIENT_REQUESTS) {
        return charge->units;
    }

    if (state->refund || (state->refused && !state->executed)) {
        return 0;
    }

    if (charge->bucket == ML_CLIENT_GPU) {
        return state->executed ? (state->compute_ns + 999) / 1000 : 0;
    }

    return charge->units;
}


/* What was reserved is settled or released in the end; what was used beyond
 * it counts as reserved, too. */

static void
ngx_http_ml_ratelimit_count_settled(ngx_http_ml_ratelimit_part_t *part,
    ml_charge_t *charge, uint64_t used)
{
    if (used > charge->units) {
        ngx_http_ml_ratelimit_count_cost(part->tier, charge->bucket,
                                         NGX_HTTP_ML_RATELIMIT_RESERVED,
                                         used - charge->units);
    }

    if (used) {
        ngx_http_ml_ratelimit_count_cost(part->tier, charge->bucket,
                                         NGX_HTTP_ML_RATELIMIT_SETTLED, used);
    }

    if (used < charge->units) {
        ngx_http_ml_ratelimit_count_cost(part->tier, charge->bucket,
                                         NGX_HTTP_ML_RATELIMIT_RELEASED,
                                         charge->units - used);
    }
}


/*
 * Another guard refused the request before the charge: it costs nothing, but
 * counts as a request.  What the gate let pass may go into debt.  Where the
 * gate checks nothing, and in a dry run, only what fits is charged, as the
 * charge itself would do it; otherwise the debt would know no bound.
 *
 * The guard refuses a request that is still alive, so variables may be
 * evaluated here, if it is late enough for them: behind the gates.
 */

static void
ngx_http_ml_ratelimit_count_refused(ngx_http_ml_state_t *state,
    ngx_http_ml_ratelimit_part_t *part)
{
    size_t                         refused;
    uint64_t                       now;
    ngx_int_t                      rc;
    ngx_uint_t                     i, n;
    ml_charges_e                   charged;
    ml_charge_t                    charges[NGX_HTTP_ML_RATELIMIT_CLIENTS];
    ngx_http_request_t            *r;
    ngx_http_ml_ratelimit_rule_t  *rule;

    r = state->request;
    rule = part->conf->rule;

    if (state->gated) {
        rc = ngx_http_ml_ratelimit_identify(r, state, part);

    } else if (rule->tier == NULL) {
        rc = ngx_http_ml_ratelimit_base(r, state, part,
                                        &state->identity.tier);

    } else {
        /* only authentication will say who it is */
        return;
    }

    if (rc != NGX_OK || part->tier == NULL) {
        return;
    }

    /* all of them: the client is told of its cost, too */

    part->cost = rule->cost;
    ngx_http_ml_ratelimit_make_charges(part);

    n = 0;

    for (i = 0; i < part->ncharges; i++) {
        if (part->charges[i].bucket == ML_CLIENT_REQUESTS) {
            charges[n++] = part->charges[i];
        }
    }

    now = ml_charges_now();

    if (rule->tier || part->conf->dry_run) {
        charged = ml_charges_reserve(&ngx_http_ml_ratelimit_clients, charges,
                                     n, now, &refused);
    } else {
        charged = ml_charges_force(&ngx_http_ml_ratelimit_clients, charges,
                                   n, now);
    }

    if (charged == ML_CHARGES_ERROR) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "could not lock the client table");
    }

    if (charged != ML_CHARGES_OK) {
        return;
    }

    for (i = 0; i < n; i++) {
        ngx_http_ml_ratelimit_count_cost(part->tier, ML_CLIENT_REQUESTS,
                                         NGX_HTTP_ML_RATELIMIT_RESERVED, 1);
        ngx_http_ml_ratelimit_count_cost(part->tier, ML_CLIENT_REQUESTS,
                                         NGX_HTTP_ML_RATELIMIT_SETTLED, 1);
    }
}


/* Until the request is judged, the location that it is in decides. */

static ngx_http_ml_ratelimit_part_t *
ngx_http_ml_ratelimit_part(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    ngx_http_ml_ratelimit_part_t  *part;

    part = state->part[NGX_HTTP_ML_RATELIMIT];

    if (part == NULL) {
        part = ngx_pcalloc(r->pool, sizeof(ngx_http_ml_ratelimit_part_t));
        if (part == NULL) {
            return NULL;
        }

        state->part[NGX_HTTP_ML_RATELIMIT] = part;
    }

    if (!part->judged) {
        part->conf = ngx_http_get_module_loc_conf(r,
                                                ngx_http_ml_ratelimit_module);
    }

    return part;
}


static ngx_int_t
ngx_http_ml_ratelimit_base(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_http_ml_ratelimit_part_t *part, ngx_str_t *tier)
{
    ngx_str_t                           address;
    ngx_http_ml_identity_t             *identity;
    ngx_http_ml_ratelimit_main_conf_t  *mcf;

    mcf = ngx_http_get_module_main_conf(r, ngx_http_ml_ratelimit_module);

    part->tier = ngx_http_ml_tier_find(mcf, tier);
    part->nclients = 0;
    part->ncharges = 0;

    if (part->tier == NULL) {
        return NGX_OK;
    }

    identity = &state->identity;

    if (identity->proven) {
        return ngx_http_ml_ratelimit_client(r, part, ML_CLIENT_PROVEN, 'k',
                                            &identity->name);
    }

    address.data = identity->address;
    address.len = identity->address_len;

    return ngx_http_ml_ratelimit_client(r, part, ML_CLIENT_ANONYMOUS, 'a',
                                        &address);
}


static ngx_int_t
ngx_http_ml_ratelimit_identify(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_ratelimit_part_t *part)
{
    ngx_str_t                           key, name;
    ngx_http_ml_tier_t                 *named;
    ngx_http_ml_ratelimit_rule_t       *rule;
    ngx_http_ml_ratelimit_main_conf_t  *mcf;

    rule = part->conf->rule;
    named = NULL;
    ngx_str_null(&key);

    if (rule->tier) {
        if (ngx_http_complex_value(r, rule->tier, &name) != NGX_OK) {
            return NGX_ERROR;
        }

        mcf = ngx_http_get_module_main_conf(r, ngx_http_ml_ratelimit_module);
        named = ngx_http_ml_tier_find(mcf, &name);
    }

    if (rule->key && ngx_http_complex_value(r, rule->key, &key) != NGX_OK) {
        return NGX_ERROR;
    }

    if (named && key.len) {
        part->tier = named;
        part->nclients = 0;

        return ngx_http_ml_ratelimit_client(r, part, ML_CLIENT_PROVEN, 'v',
                                            &key);
    }

    if (ngx_http_ml_ratelimit_base(r, state, part,
                                   named ? &named->name
                                         : &state->identity.tier)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (part->tier == NULL || key.len == 0) {
        return NGX_OK;
    }

    return ngx_http_ml_ratelimit_client(r, part, ML_CLIENT_ANONYMOUS, 'v',
                                        &key);
}


/*
 * A client's buckets are those of its tier: one that is in two tiers, in two
 * locations, has two sets of them.
 */

static ngx_int_t
ngx_http_ml_ratelimit_client(ngx_http_request_t *r,
    ngx_http_ml_ratelimit_part_t *part, ml_client_kind_e kind, u_char what,
    ngx_str_t *name)
{
    u_char           *identity, *p;
    size_t            len;
    ml_client_key_t  *client;

    len = part->tier->name.len + 2 + name->len;

    identity = ngx_pnalloc(r->pool, len);
    if (identity == NULL) {
        return NGX_ERROR;
    }

    p = ngx_cpymem(identity, part->tier->name.data, part->tier->name.len);
    *p++ = '\0';
    *p++ = what;
    ngx_memcpy(p, name->data, name->len);

    client = &part->clients[part->nclients++];
    client->kind = kind;

    ml_siphash128(ngx_http_ml_ratelimit_api->hash_key(), identity, len,
                  client->hash);

    return NGX_OK;
}


/* Microseconds; none without a model. */

static uint64_t
ngx_http_ml_ratelimit_gpu(ngx_http_request_t *r, ngx_http_ml_state_t *state)
{
    return (ngx_http_ml_ratelimit_infer->device_time(r, state) + 999) / 1000;
}


static ngx_int_t
ngx_http_ml_ratelimit_price(ngx_http_request_t *r, ngx_http_ml_state_t *state,
    ngx_http_ml_ratelimit_part_t *part)
{
    ngx_int_t                      n;
    ngx_str_t                      value;
    ngx_http_ml_ratelimit_rule_t  *rule;

    rule = part->conf->rule;
    part->cost = rule->cost;

    if (rule->unit == ML_CLIENT_GPU) {
        part->cost = ngx_http_ml_ratelimit_gpu(r, state);
        return NGX_OK;
    }

    if (rule->variable == NULL) {
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, rule->variable, &value) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    n = ngx_atoi(value.data, value.len);

    if (n == NGX_ERROR) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "the cost of the request is not a number");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    part->cost = n;

    return NGX_OK;
}


static void
ngx_http_ml_ratelimit_make_charges(ngx_http_ml_ratelimit_part_t *part)
{
    uint64_t             units[ML_CLIENT_BUCKETS] = { 0 };
    ngx_uint_t           i, j;
    ml_charge_t         *charge;
    ngx_http_ml_tier_t  *tier;

    tier = part->tier;

    units[ML_CLIENT_REQUESTS] = 1;
    units[part->conf->rule->unit] = part->cost;

    part->ncharges = 0;

    for (i = 0; i < part->nclients; i++) {
        for (j = 0; j < ML_CLIENT_BUCKETS; j++) {

            if (units[j] == 0 || !(tier->given & (1 << j))) {
                continue;
            }

            charge = &part->charges[part->ncharges++];

            charge->client = part->clients[i];
            charge->bucket = j;
            charge->limit = &tier->budgets[j];
            charge->units = units[j];
        }
    }
}


static ngx_uint_t
ngx_http_ml_ratelimit_is_busy(ngx_http_ml_ratelimit_part_t *part)
{
    ngx_uint_t                i, reaped;
    const ngx_http_ml_api_t  *api;

    api = ngx_http_ml_ratelimit_api;

    for (reaped = 0; reaped < 2; reaped++) {

        for (i = 0; i < part->nclients; i++) {
            if (ml_concurrency_count(&ngx_http_ml_ratelimit_concurrency,
                                     api->processes(), part->clients[i].hash)
                >= part->tier->concurrency)
            {
                break;
            }
        }

        if (i == part->nclients) {
            return 0;
        }

        /* perhaps it is a dead process that still counts */

        if (!reaped) {
            api->reap();
        }
    }

    return 1;
}


static ml_concurrency_e
ngx_http_ml_ratelimit_take(ngx_http_ml_ratelimit_part_t *part)
{
    ngx_uint_t                i, reaped;
    ml_concurrency_e          rc;
    const ngx_http_ml_api_t  *api;

    if (part->tier->concurrency == 0) {
        return ML_CONCURRENCY_OK;
    }

    api = ngx_http_ml_ratelimit_api;
    reaped = 0;

    for (i = 0; i < part->nclients; /* void */ ) {

        rc = ml_concurrency_take(&ngx_http_ml_ratelimit_concurrency,
                                 api->process(), api->processes,
                                 part->clients[i].hash,
                                 part->tier->concurrency);

        if (rc == ML_CONCURRENCY_OK) {
            part->nheld = ++i;
            continue;
        }

        if (rc == ML_CONCURRENCY_OVER && !reaped) {
            reaped = 1;
            api->reap();
            continue;
        }

        ngx_http_ml_ratelimit_release(part);

        return rc;
    }

    return ML_CONCURRENCY_OK;
}


static void
ngx_http_ml_ratelimit_release(ngx_http_ml_ratelimit_part_t *part)
{
    while (part->nheld) {
        part->nheld--;

        ml_concurrency_release(&ngx_http_ml_ratelimit_concurrency,
                               ngx_http_ml_ratelimit_api->process(),
                               part->clients[part->nheld].hash);
    }
}


/* The client may come back when the last of its budgets has room. */

static ngx_int_t
ngx_http_ml_ratelimit_over_budget(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_uint_t charge, uint64_t now)
{
    uint64_t                       wait, seconds;
    ngx_uint_t                     i;
    ml_gcra_view_t                 view;
    ngx_http_ml_ratelimit_part_t  *part;

    part = state->part[NGX_HTTP_ML_RATELIMIT];
    wait = 0;

    for (i = 0; i < part->ncharges; i++) {
        ml_charge_view(&ngx_http_ml_ratelimit_clients, &part->charges[i], now,
                       &view);
        wait = ngx_max(wait, view.wait);
    }

    if (wait == UINT64_MAX) {
        part->retry_after = 0;

        return ngx_http_ml_ratelimit_refuse(r, state,
                                        part->charges[charge].bucket,
                                        "Request costs more than its budget "
                                        "can hold");
    }

    seconds = wait / ML_GCRA_SECOND + (wait % ML_GCRA_SECOND != 0);

    part->retry_after = ngx_max(1, ngx_min(seconds, NGX_MAX_INT32_VALUE));

    return ngx_http_ml_ratelimit_refuse(r, state, part->charges[charge].bucket,
                                        "Rate limit exceeded");
}


static ngx_int_t
ngx_http_ml_ratelimit_refuse(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_uint_t limit, const char *detail)
{
    ml_error_answer_t                  answer;
    ngx_http_ml_ratelimit_part_t      *part;
    ngx_http_ml_ratelimit_loc_conf_t  *lcf;

    part = state->part[NGX_HTTP_ML_RATELIMIT];
    lcf = part->conf;

    ngx_log_error(lcf->log_level, r->connection->log, 0,
                  "limiting requests%s, by \"%s\" of tier \"%V\"%s%V%s",
                  lcf->dry_run ? ", dry run" : "",
                  ngx_http_ml_ratelimit_limits[limit], &part->tier->name,
                  state->identity.proven ? ", key \"" : "",
                  &state->identity.name,
                  state->identity.proven ? "\"" : "");

    part->limit = limit;

    if (lcf->dry_run) {
        part->verdict = NGX_HTTP_ML_RATELIMIT_REJECTED_DRY_RUN;
        return NGX_DECLINED;
    }

    part->verdict = NGX_HTTP_ML_RATELIMIT_REJECTED;
    part->judged = 1;

    ngx_http_ml_ratelimit_count_refusal(part->tier, limit);

    if (limit == NGX_HTTP_ML_RATELIMIT_CONCURRENCY) {
        part->retry_after = NGX_HTTP_ML_RATELIMIT_RETRY;
    }

    ngx_memzero(&answer, sizeof(ml_error_answer_t));

    answer.status = lcf->status;
    answer.detail = detail;
    answer.retry_after = part->retry_after;
    answer.problem = "https://iana.org/assignments/http-problem-types"
                     "#quota-exceeded";

    return ngx_http_ml_ratelimit_api->refuse(r, state, &answer, "limited");
}
