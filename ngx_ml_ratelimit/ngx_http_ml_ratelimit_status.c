#include "ngx_http_ml_ratelimit.h"


static const char *const  ngx_http_ml_ratelimit_states[] = {
    "reserved", "settled", "released"
};


const ml_metric_family_t  ngx_http_ml_ratelimit_families[] = {

    { "ml_ratelimit_refusals_total", "counter",
      "Requests refused by a limit of their tier." },

    { "ml_cost_total", "counter",
      "Units charged to clients: reserved is settled, released or running." },

    { NULL, NULL, NULL }
};


void
ngx_http_ml_ratelimit_count_refusal(ngx_http_ml_tier_t *tier,
    ngx_uint_t limit)
{
    u_char  labels[NGX_MAX_ERROR_STR];

    if (tier->refusals[limit] == NULL) {

        (void) ngx_sprintf(labels, "tier=\"%V\",limit=\"%s\"%Z", &tier->name,
                           ngx_http_ml_ratelimit_limits[limit]);

        tier->refusals[limit] =
            ngx_http_ml_ratelimit_api->counter("ml_ratelimit_refusals_total",
                                               (char *) labels);
    }

    (*tier->refusals[limit])++;
}


void
ngx_http_ml_ratelimit_count_cost(ngx_http_ml_tier_t *tier,
    ml_client_bucket_e unit, ngx_http_ml_ratelimit_state_e state,
    uint64_t units)
{
    u_char  labels[NGX_MAX_ERROR_STR];

    if (tier->costs[unit][state] == NULL) {

        (void) ngx_sprintf(labels,
                           "tier=\"%V\",unit=\"%s\",state=\"%s\"%Z",
                           &tier->name, ngx_http_ml_ratelimit_limits[unit],
                           ngx_http_ml_ratelimit_states[state]);

        tier->costs[unit][state] =
            ngx_http_ml_ratelimit_api->counter("ml_cost_total",
                                               (char *) labels);
    }

    *tier->costs[unit][state] += units;
}


void
ngx_http_ml_ratelimit_status_json(ml_text_t *out)
{
    const ml_clients_t  *clients;

    clients = &ngx_http_ml_ratelimit_clients;

    if (clients->header == NULL) {
        return;
    }

    /* below every limit nobody else looks for dead processes */

    ngx_http_ml_ratelimit_api->reap();

    ml_text_printf(out,
                   ",\"ratelimit\":{\"clients\":{\"anonymous\":%llu,"
                   "\"proven\":%llu,\"capacity\":%llu},\"running\":%llu}",
                   (unsigned long long)
                       ml_clients_used(clients, ML_CLIENT_ANONYMOUS),
                   (unsigned long long)
                       ml_clients_used(clients, ML_CLIENT_PROVEN),
                   (unsigned long long) ml_clients_capacity(clients),
                   (unsigned long long)
                       ml_concurrency_total(
                           &ngx_http_ml_ratelimit_concurrency,
                           ngx_http_ml_ratelimit_api->processes()));
}


void
ngx_http_ml_ratelimit_status_prometheus(ml_text_t *out)
{
    const ml_clients_t  *clients;

    clients = &ngx_http_ml_ratelimit_clients;

    if (clients->header == NULL) {
        return;
    }

    ml_text_printf(out,
                   "# HELP ml_clients Clients whose budgets the zone holds.\n"
                   "# TYPE ml_clients gauge\n"
                   "ml_clients{kind=\"anonymous\"} %llu\n"
                   "ml_clients{kind=\"proven\"} %llu\n",
                   (unsigned long long)
                       ml_clients_used(clients, ML_CLIENT_ANONYMOUS),
                   (unsigned long long)
                       ml_clients_used(clients, ML_CLIENT_PROVEN));
}
