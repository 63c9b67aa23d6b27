/* What the files of the limiter share. */

#ifndef NGX_HTTP_ML_RATELIMIT_H
#define NGX_HTTP_ML_RATELIMIT_H

#include "ngx_http_ml.h"
#include "ml_siphash.h"
#include "ml_charges.h"
#include "ml_concurrency.h"


/* A request is charged to a key and an address, on cost and requests. */
#define NGX_HTTP_ML_RATELIMIT_CLIENTS  2
#define NGX_HTTP_ML_RATELIMIT_CHARGES                                         \
    (NGX_HTTP_ML_RATELIMIT_CLIENTS * ML_CLIENT_BUCKETS)

/* After the budgets, in the order of ml_client_bucket_e. */
#define NGX_HTTP_ML_RATELIMIT_CONCURRENCY  ML_CLIENT_BUCKETS
#define NGX_HTTP_ML_RATELIMIT_LIMITS       (ML_CLIENT_BUCKETS + 1)


typedef enum {
    NGX_HTTP_ML_RATELIMIT_RESERVED = 0,
    NGX_HTTP_ML_RATELIMIT_SETTLED,
    NGX_HTTP_ML_RATELIMIT_RELEASED,
    NGX_HTTP_ML_RATELIMIT_STATES
} ngx_http_ml_ratelimit_state_e;


/* ml_tier.  What is counted on gpu is microseconds. */
typedef struct {
    ngx_str_t                  name;
    ngx_uint_t                 given;       /* bit per ml_client_bucket_e */
    ml_gcra_limit_t            budgets[ML_CLIENT_BUCKETS];
    ngx_uint_t                 concurrency; /* 0: unlimited */

    /* of this process, looked up when first used */
    ml_counter_t              *refusals[NGX_HTTP_ML_RATELIMIT_LIMITS];
    ml_counter_t              *costs[ML_CLIENT_BUCKETS]
                                    [NGX_HTTP_ML_RATELIMIT_STATES];
} ngx_http_ml_tier_t;


typedef struct {
    ngx_array_t                tiers;       /* ngx_http_ml_tier_t */
} ngx_http_ml_ratelimit_main_conf_t;


/* ml_ratelimit */
typedef struct {
    ngx_http_complex_value_t  *key;         /* NULL: not given */
    ngx_http_complex_value_t  *tier;        /* NULL: not given */
    ngx_http_complex_value_t  *variable;    /* cost=VAR, or NULL */
    ml_client_bucket_e         unit;        /* COST, or GPU for cost=gpu */
    uint64_t                   cost;        /* if it is no variable or gpu */
    ngx_uint_t                 priced;      /* unsigned:1; cost= was given */
    ngx_uint_t                 checked;     /* unsigned:1; against the tiers */
    ngx_http_ml_place_t        place;
} ngx_http_ml_ratelimit_rule_t;


typedef struct {
    ngx_http_ml_ratelimit_rule_t  *rule;    /* NULL: off */
    ngx_uint_t                 headers;     /* NGX_HTTP_ML_RATELIMIT_IETF... */
    ngx_flag_t                 dry_run;
    ngx_uint_t                 status;
    ngx_uint_t                 log_level;
} ngx_http_ml_ratelimit_loc_conf_t;


#define NGX_HTTP_ML_RATELIMIT_OFF     0
#define NGX_HTTP_ML_RATELIMIT_IETF    1
#define NGX_HTTP_ML_RATELIMIT_LEGACY  2
#define NGX_HTTP_ML_RATELIMIT_BOTH    3


typedef enum {
    NGX_HTTP_ML_RATELIMIT_NONE = 0,
    NGX_HTTP_ML_RATELIMIT_PASSED,
    NGX_HTTP_ML_RATELIMIT_REJECTED,
    NGX_HTTP_ML_RATELIMIT_REJECTED_DRY_RUN
} ngx_http_ml_ratelimit_verdict_e;


/*
 * The limiter's part of a request's state.  The configuration is that of the
 * location which judged the request, whatever redirects follow.
 */
typedef struct {
    ngx_http_ml_ratelimit_loc_conf_t  *conf;
    ngx_http_ml_tier_t        *tier;        /* NULL: unlimited */

    ml_client_key_t            clients[NGX_HTTP_ML_RATELIMIT_CLIENTS];
    ngx_uint_t                 nclients;
    ngx_uint_t                 nheld;       /* that concurrency is held for */

    ml_charge_t                charges[NGX_HTTP_ML_RATELIMIT_CHARGES];
    ngx_uint_t                 ncharges;

    uint64_t                   cost;        /* in the rule's unit */
    uint64_t                   cost_actual; /* when settled */
    ngx_uint_t                 limit;       /* that refused */
    uint32_t                   retry_after; /* s, if refused; 0: never */

    ngx_http_ml_ratelimit_verdict_e  verdict;

    unsigned                   judged:1;    /* the charge was tried, once */
    unsigned                   reserved:1;
    unsigned                   settled:1;
} ngx_http_ml_ratelimit_part_t;


/* ngx_http_ml_ratelimit_module.c */

extern ngx_module_t                ngx_http_ml_ratelimit_module;
extern const ngx_http_ml_api_t    *ngx_http_ml_ratelimit_api;
extern const ngx_http_ml_feature_t  *ngx_http_ml_ratelimit_infer;
extern ml_clients_t                ngx_http_ml_ratelimit_clients;
extern ml_concurrency_t            ngx_http_ml_ratelimit_concurrency;
extern const char *const  ngx_http_ml_ratelimit_limits[];


/* ngx_http_ml_ratelimit_conf.c */

char *ngx_http_ml_tier(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ml_ratelimit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

ngx_http_ml_tier_t *ngx_http_ml_tier_find(
    ngx_http_ml_ratelimit_main_conf_t *mcf, ngx_str_t *name);

/* A rule against the tiers and the zone; once, when all are known. */
ngx_int_t ngx_http_ml_ratelimit_check_rule(ngx_conf_t *cf,
    ngx_http_ml_ratelimit_rule_t *rule);

/* The tiers that keys use against those that are declared. */
ngx_int_t ngx_http_ml_ratelimit_check_uses(ngx_conf_t *cf);


/* ngx_http_ml_ratelimit_handler.c: the feature's handlers */

ngx_int_t ngx_http_ml_ratelimit_gate(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);
ngx_int_t ngx_http_ml_ratelimit_charge(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);
void ngx_http_ml_ratelimit_settle(ngx_http_ml_state_t *state);


/* ngx_http_ml_ratelimit_headers.c */

ngx_int_t ngx_http_ml_ratelimit_headers(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);


/* ngx_http_ml_ratelimit_status.c */

extern const ml_metric_family_t  ngx_http_ml_ratelimit_families[];

void ngx_http_ml_ratelimit_count_refusal(ngx_http_ml_tier_t *tier,
    ngx_uint_t limit);
void ngx_http_ml_ratelimit_count_cost(ngx_http_ml_tier_t *tier,
    ml_client_bucket_e unit, ngx_http_ml_ratelimit_state_e state,
    uint64_t units);
void ngx_http_ml_ratelimit_status_json(ml_text_t *out);
void ngx_http_ml_ratelimit_status_prometheus(ml_text_t *out);


/* ngx_http_ml_ratelimit_variables.c */

ngx_int_t ngx_http_ml_ratelimit_add_variables(ngx_conf_t *cf);


#endif /* NGX_HTTP_ML_RATELIMIT_H */
