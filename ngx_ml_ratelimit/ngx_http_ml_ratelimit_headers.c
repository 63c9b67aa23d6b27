/*
 * What a client is told about its budgets.
 *
 * RateLimit-Policy and RateLimit are structured fields (RFC 9651) after
 * draft-ietf-httpapi-ratelimit-headers of September 2025: q is the capacity
 * of the bucket and w the seconds in which an empty one fills; r is what is
 * left and t the seconds until it is full.  Units other than requests cannot
 * be named with the draft's qu, whose values are registered, so they have a
 * parameter of their own.  X-RateLimit-* tell the budget that is nearest to
 * its end, reset in seconds from now.
 *
 * In a refusal t and the reset are the Retry-After: the draft wants neither
 * to be later than the other.
 */

#include "ngx_http_ml_ratelimit.h"


typedef struct {
    ngx_uint_t                     known;       /* unsigned:1 */
    uint64_t                       quota;
    uint64_t                       window;      /* s */
    uint64_t                       remaining;
    uint64_t                       reset;       /* s */
} ngx_http_ml_ratelimit_told_t;


static void ngx_http_ml_ratelimit_tell(ngx_http_ml_ratelimit_part_t *part,
    ngx_http_ml_ratelimit_told_t *told);
static ngx_int_t ngx_http_ml_ratelimit_ietf(ngx_http_request_t *r,
    ngx_http_ml_ratelimit_told_t *told);
static ngx_int_t ngx_http_ml_ratelimit_legacy(ngx_http_request_t *r,
    ngx_http_ml_ratelimit_part_t *part, ngx_http_ml_ratelimit_told_t *told);
static uint64_t ngx_http_ml_ratelimit_seconds(uint64_t ns);


ngx_int_t
ngx_http_ml_ratelimit_headers(ngx_http_request_t *r,
    ngx_http_ml_state_t *state)
{
    ngx_uint_t                     status;
    ngx_http_ml_ratelimit_part_t  *part;
    ngx_http_ml_ratelimit_told_t   told[ML_CLIENT_BUCKETS];

    part = state->part[NGX_HTTP_ML_RATELIMIT];

    if (part == NULL || part->tier == NULL || part->ncharges == 0) {
        return NGX_OK;
    }

    status = r->headers_out.status;

    if (part->reserved && state->compute_ns == 0
        && (status == NGX_HTTP_BAD_GATEWAY
            || status == NGX_HTTP_SERVICE_UNAVAILABLE
            || ((status == NGX_HTTP_NOT_FOUND
                 || status == NGX_HTTP_NOT_ALLOWED)
                && r->upstream == NULL)))
    {
        /*
         * Nobody did the work; told before the budgets are.  An upstream
         * that was asked did some: a client that scans it for paths pays.
         */

        state->refund = 1;
        ngx_http_ml_ratelimit_api->settle(state);
    }

    if (part->conf->headers == NGX_HTTP_ML_RATELIMIT_OFF) {
        return NGX_OK;
    }

    ngx_http_ml_ratelimit_tell(part, told);

    if ((part->conf->headers & NGX_HTTP_ML_RATELIMIT_IETF)
        && ngx_http_ml_ratelimit_ietf(r, told) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if ((part->conf->headers & NGX_HTTP_ML_RATELIMIT_LEGACY)
        && ngx_http_ml_ratelimit_legacy(r, part, told) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* Of several clients that are charged the poorest counts. */

static void
ngx_http_ml_ratelimit_tell(ngx_http_ml_ratelimit_part_t *part,
    ngx_http_ml_ratelimit_told_t *told)
{
    uint64_t                       now;
    ngx_uint_t                     i;
    ml_charge_t                   *charge;
    ml_gcra_view_t                 view;
    ngx_http_ml_ratelimit_told_t  *t;

    ngx_memzero(told,
                ML_CLIENT_BUCKETS * sizeof(ngx_http_ml_ratelimit_told_t));

    now = ml_charges_now();

    for (i = 0; i < part->ncharges; i++) {
        charge = &part->charges[i];
        t = &told[charge->bucket];

        ml_charge_view(&ngx_http_ml_ratelimit_clients, charge, now, &view);

        if (t->known && t->remaining <= view.remaining) {
            continue;
        }

        t->known = 1;
        t->quota = charge->limit->burst;
        t->window = ngx_http_ml_ratelimit_seconds(charge->limit->burst
                                                  * charge->limit->interval);
        t->remaining = view.remaining;
        t->reset = ngx_http_ml_ratelimit_seconds(view.reset);

        if (part->verdict == NGX_HTTP_ML_RATELIMIT_REJECTED
            && part->retry_after)
        {
            t->reset = part->retry_after;
        }
    }
}


static ngx_int_t
ngx_http_ml_ratelimit_ietf(ngx_http_request_t *r,
    ngx_http_ml_ratelimit_told_t *told)
{
    u_char      *policy, *limit, *p, *l;
    size_t       size;
    ngx_uint_t   i;
    const char  *name;

    size = ML_CLIENT_BUCKETS
           * (sizeof(", \"concurrency\";q=;w=;ml-unit=\"concurrency\"")
              + 2 * NGX_INT64_LEN);

    policy = ngx_pnalloc(r->pool, 2 * size);
    if (policy == NULL) {
        return NGX_ERROR;
    }

    limit = policy + size;
    p = policy;
    l = limit;

    for (i = 0; i < ML_CLIENT_BUCKETS; i++) {

        if (!told[i].known) {
            continue;
        }

        if (p != policy) {
            p = ngx_cpymem(p, ", ", 2);
            l = ngx_cpymem(l, ", ", 2);
        }

        name = ngx_http_ml_ratelimit_limits[i];

        p = ngx_sprintf(p, "\"%s\";q=%uL;w=%uL", name, told[i].quota,
                        told[i].window);

        if (i != ML_CLIENT_REQUESTS) {
            p = ngx_sprintf(p, ";ml-unit=\"%s\"", name);
        }

        l = ngx_sprintf(l, "\"%s\";r=%uL;t=%uL", name, told[i].remaining,
                        told[i].reset);
    }

    if (ngx_http_ml_ratelimit_api->add_header(r, "RateLimit-Policy", policy,
                                              p)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_ml_ratelimit_api->add_header(r, "RateLimit", limit, l);
}


static ngx_int_t
ngx_http_ml_ratelimit_legacy(ngx_http_request_t *r,
    ngx_http_ml_ratelimit_part_t *part, ngx_http_ml_ratelimit_told_t *told)
{
    u_char                        *value, *last;
    ngx_uint_t                     i;
    ngx_http_ml_ratelimit_told_t  *t;

    t = NULL;

    for (i = 0; i < ML_CLIENT_BUCKETS; i++) {

        if (!told[i].known) {
            continue;
        }

        if (part->verdict == NGX_HTTP_ML_RATELIMIT_REJECTED
            && part->limit == i)
        {
            t = &told[i];
            break;
        }

        if (t == NULL
            || (double) told[i].remaining / told[i].quota
               < (double) t->remaining / t->quota)
        {
            t = &told[i];
        }
    }

    value = ngx_pnalloc(r->pool, 3 * NGX_INT64_LEN);
    if (value == NULL || t == NULL) {
        return NGX_ERROR;
    }

    last = ngx_sprintf(value, "%uL", t->quota);

    if (ngx_http_ml_ratelimit_api->add_header(r, "X-RateLimit-Limit", value,
                                              last)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    value = last;
    last = ngx_sprintf(value, "%uL", t->remaining);

    if (ngx_http_ml_ratelimit_api->add_header(r, "X-RateLimit-Remaining",
                                              value, last)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    value = last;
    last = ngx_sprintf(value, "%uL", t->reset);

    return ngx_http_ml_ratelimit_api->add_header(r, "X-RateLimit-Reset",
                                                 value, last);
}


static uint64_t
ngx_http_ml_ratelimit_seconds(uint64_t ns)
{
    return ns / ML_GCRA_SECOND + (ns % ML_GCRA_SECOND != 0);
}
