/*
 * The one interface between the ngx_ml modules.
 *
 * The core and the features are separate .so files that share no symbol.  A
 * feature finds the core by its module name in cycle->modules, checks magic,
 * version and build, and registers an ngx_http_ml_feature_t from its
 * preconfiguration; the core calls the feature's handlers at their phases and
 * the feature calls back through ngx_http_ml_api_t.
 *
 * A request has one state, made at the gate and found again after internal
 * redirects.  All state memory comes from r->pool unless said otherwise.
 */

#ifndef NGX_HTTP_ML_H
#define NGX_HTTP_ML_H

#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ml_tensor.h"
#include "ml_error.h"
#include "ml_oip.h"
#include "ml_text.h"
#include "ml_metrics.h"


#define NGX_HTTP_ML_VERSION      "0.1.0"

#define NGX_HTTP_ML_MAGIC        0x4d4c4e58
#define NGX_HTTP_ML_API_VERSION  1

/* One identity for the four files of one build, made by the build. */
extern const char  ngx_http_ml_build[];

#define NGX_ML_BUILD  ngx_http_ml_build


/* The features, in the order in which they guard a request. */
typedef enum {
    NGX_HTTP_ML_RATELIMIT = 0,
    NGX_HTTP_ML_VALIDATE,
    NGX_HTTP_ML_INFER,
    NGX_HTTP_ML_NFEATURES
} ngx_http_ml_kind_e;


/* Processes that can hold an entry in the zone at the same time. */
#define NGX_HTTP_ML_PROCESSES  256


/* Where a directive stands, for errors found after parsing. */
typedef struct {
    ngx_str_t                  file;
    ngx_uint_t                 line;
} ngx_http_ml_place_t;


/* Who sends the request, decided once by the core before the gates. */
typedef struct {
    ngx_str_t                  name;      /* of the key; empty: anonymous */
    ngx_str_t                  tier;      /* "anonymous" without a key */
    ngx_uint_t                 proven;    /* unsigned  proven:1; by ml_keys */
    u_char                     address[16];   /* canonical; IPv6 as its /64 */
    size_t                     address_len;   /* 4, 8, or 0 (unix socket) */
} ngx_http_ml_identity_t;


typedef struct ngx_http_ml_state_s  ngx_http_ml_state_t;


struct ngx_http_ml_state_s {
    ngx_http_request_t        *request;

    /* the core's configuration of the location that gated the request */
    void                      *location;

    /* each feature's own part, or NULL */
    void                      *part[NGX_HTTP_ML_NFEATURES];

    ngx_http_ml_identity_t     identity;

    /*
     * The tensors of the body, set by validate when the whole body passed
     * "contract" (its location configuration).  validate owns the array and
     * the data; infer may take an element's data by setting it to NULL here
     * and must then free() it.
     */
    const void                *contract;
    ml_tensor_t               *tensors;
    ngx_uint_t                 ntensors;

    /* of a request of the Open Inference Protocol: the body's, or NULL */
    const ml_oip_request_t    *oip;

    /* The refusal, set through api->refuse(). */
    ml_error_answer_t          answer;

    /* What the request did, for settle(). */
    uint64_t                   compute_ns;    /* device time, 0: none */

    /*
     * A feature refused the request.  In whatever location with ml_validate
     * or ml_infer an error_page may lead to, all guards begin again; in any
     * other none does.
     */
    unsigned                   refused:1;
    /* Inside the user's error_page: his page wins over our error body. */
    unsigned                   error_page:1;
    /* The gates were passed once. */
    unsigned                   gated:1;
    /* The body was turned into tensors and is no longer there to proxy. */
    unsigned                   consumed:1;
    /* The device worked for the request; set by infer. */
    unsigned                   executed:1;
    /* The model did not do the work: what was charged is given back. */
    unsigned                   refund:1;
    unsigned                   settled:1;

    /* The core reads a refused body before it answers; its own. */
    unsigned                   draining:1;
    unsigned                   keep_body:1;
    off_t                      drained;
    ngx_http_event_handler_pt  read_event_handler;
};


/*
 * What a feature gives to the core; static storage.  Every handler may be
 * NULL.  Request handlers run for the main request only and in locations
 * where the feature was enabled with api->enable().
 */
typedef struct {
    ngx_uint_t                 version;       /* NGX_HTTP_ML_API_VERSION */
    const char                *build;         /* NGX_ML_BUILD */
    ngx_http_ml_kind_e         kind;
    ngx_module_t              *module;

    /*
     * PREACCESS, body unread: NGX_DECLINED, or what api->refuse() returned.
     * Runs again after an internal redirect; checks only.
     */
    ngx_int_t                (*gate)(ngx_http_request_t *r,
                                 ngx_http_ml_state_t *state);

    /*
     * PRECONTENT, in the order validate (reads and checks the body),
     * ratelimit (charges).  NGX_DECLINED: go on; NGX_DONE: will call
     * ngx_http_core_run_phases() later and must then be idempotent;
     * otherwise a status.
     */
    ngx_int_t                (*precontent)(ngx_http_request_t *r,
                                 ngx_http_ml_state_t *state);

    /*
     * The outcome is known; called once each time the guards began, as early as
     * api->settle() is called and at the latest from the request's cleanup.
     * r may be closing: only state and shared memory may be touched.
     */
    void                     (*settle)(ngx_http_ml_state_t *state);

    /* Adds response headers; any status, main request. */
    ngx_int_t                (*headers)(ngx_http_request_t *r,
                                 ngx_http_ml_state_t *state);

    /*
     * The feature's share of the zone, page-aligned.  "fresh": all zero and
     * never initialised; otherwise laid out by an earlier configuration, and
     * other processes are using it now.  Called in the master, and again with
     * fresh == 0 when a worker starts, so it must be idempotent and may set
     * process-wide pointers.  Returns NGX_OK or NGX_ERROR.
     */
    ngx_int_t                (*zone_init)(ngx_cycle_t *cycle, u_char *region,
                                 size_t size, ngx_uint_t fresh);

    /*
     * The process that held entry "process" is dead, or the entry is being
     * claimed: zero what it counted.  Called with the entry's mutex held.
     */
    void                     (*reap)(ngx_uint_t process);

    /* Not ready: append the reason as plain text and return 0; else 1. */
    ngx_uint_t               (*ready)(ml_text_t *reason);

    /* Appends members to the status object: ,"key":{...} */
    void                     (*status_json)(ml_text_t *out);

    /* Appends whole families that do not live in ml_metrics. */
    void                     (*status_prometheus)(ml_text_t *out);

    /* The families that this feature counts in ml_metrics; ends with 0. */
    const ml_metric_family_t  *families;

    /*
     * validate only.  The tensors that the location's contract makes, for
     * checks at configuration time; *n is 0 when there is no contract.
     */
    const ml_tensor_spec_t  *(*contract)(void **loc_conf, ngx_uint_t *n);

    /* validate only.  Whether the contract declares the top-level field. */
    ngx_uint_t               (*has_field)(void **loc_conf, ngx_str_t *name);

    /* validate only.  Whether the location speaks the protocol. */
    ngx_uint_t               (*oip)(void **loc_conf);

    /*
     * infer only.  The same as inputs(), of the model that the path of a
     * request of the Open Inference Protocol names.
     */
    const ml_tensor_spec_t  *(*request_inputs)(ngx_http_request_t *r,
                                 ngx_uint_t *n, uint64_t *rows);

    /*
     * infer only.  The inputs of the model of that name, and the most rows
     * that a request to it may have (1 if it is not batched); NULL when there
     * is no such model.  When everything is parsed.
     */
    const ml_tensor_spec_t  *(*inputs)(ngx_conf_t *cf, ngx_str_t *name,
                                 ngx_uint_t *n, uint64_t *rows);

    /*
     * infer only.  Nanoseconds of device time that the request will take, as
     * far as recent runs tell; of a single row until its body has been read.
     * 0 in a location without a model.  From the gates on.
     */
    uint64_t                 (*device_time)(ngx_http_request_t *r,
                                 ngx_http_ml_state_t *state);

    /*
     * validate only.  The value of a top-level field as JSON text, after the
     * body passed; NGX_DECLINED when the request did not have it.
     */
    ngx_int_t                (*field)(ngx_http_ml_state_t *state,
                                 ngx_str_t *name, ngx_str_t *json);
} ngx_http_ml_feature_t;


/* What the core gives to the features. */
typedef struct {
    ngx_uint_t                 magic;
    ngx_uint_t                 version;
    const char                *build;

    /* From preconfiguration.  NGX_ERROR has logged why. */
    ngx_int_t                (*add_feature)(ngx_conf_t *cf,
                                 const ngx_http_ml_feature_t *feature);

    /* From merge_loc_conf: this feature guards the location cf stands in. */
    void                     (*enable)(ngx_conf_t *cf,
                                 ngx_http_ml_kind_e kind);

    /* From merge_loc_conf: errors of the location are told in that format
     * where ml_error_format is not given. */
    void                     (*default_format)(ngx_conf_t *cf,
                                 ngx_uint_t format);

    /* A loaded feature, NULL when it is not loaded.  From postconfiguration
     * on. */
    const ngx_http_ml_feature_t *
                             (*feature)(ngx_conf_t *cf,
                                 ngx_http_ml_kind_e kind);

    /* Whether the feature guards the request's location. */
    ngx_uint_t               (*enabled)(ngx_http_request_t *r,
                                 ngx_http_ml_kind_e kind);

    /* Whether ml_zone is configured. */
    ngx_uint_t               (*has_zone)(ngx_conf_t *cf);

    /* Names of tiers that ml_keys uses, each with the place of ml_keys; the
     * limiter checks them.  Array of ngx_http_ml_tier_use_t. */
    ngx_array_t             *(*tier_uses)(ngx_conf_t *cf);

    /* The state of a request, NULL when there is none. */
    ngx_http_ml_state_t     *(*state)(ngx_http_request_t *r);

    /*
     * Refuses the request: keeps the answer for the error body, settles,
     * counts outcome "reason" for the location, and returns the status for
     * the handler to return.  Strings must live as long as the request.
     * "errors" may be NULL.
     */
    ngx_int_t                (*refuse)(ngx_http_request_t *r,
                                 ngx_http_ml_state_t *state,
                                 const ml_error_answer_t *answer,
                                 const char *reason);

    /* Runs the features' settle handlers, once; later calls do nothing. */
    void                     (*settle)(ngx_http_ml_state_t *state);

    /*
     * The body of a refused request.  forget_body: the request looks as if
     * it never had one.  stop_reading: no more of it is wanted, and its
     * timer no longer counts.  body_timed_out: both, and the request is
     * finalized with the status; for a read event handler.
     */
    void                     (*forget_body)(ngx_http_request_t *r);
    void                     (*stop_reading)(ngx_http_request_t *r);
    void                     (*body_timed_out)(ngx_http_request_t *r,
                                 ngx_int_t status);

    /*
     * Adds a response header; name and value, up to last, must live as long
     * as the request.  NGX_ERROR: out of memory.
     */
    ngx_int_t                (*add_header)(ngx_http_request_t *r,
                                 const char *name, u_char *value,
                                 u_char *last);

    /*
     * A counter in the zone, or a process-local one without ml_zone; never
     * NULL.  Use from init_process on; keep the pointer.
     */
    ml_counter_t            *(*counter)(const char *family,
                                 const char *labels);

    /* `location="/predict"` of the request's location; ngx_str_t with a
     * terminating NUL behind it. */
    ngx_str_t               *(*location_label)(ngx_http_request_t *r);

    /* The entry of this process in the zone, below NGX_HTTP_ML_PROCESSES. */
    ngx_uint_t               (*process)(void);

    /* Entries [0, n) may be in use: the bound for sums over processes. */
    ngx_uint_t               (*processes)(void);

    /* Looks for dead holders and reaps them; cheap when there are none. */
    void                     (*reap)(void);

    /* Sixteen secret bytes for ml_siphash128(), the same in all processes
     * of the zone.  From zone_init on. */
    const uint8_t           *(*hash_key)(void);
} ngx_http_ml_api_t;


typedef struct {
    ngx_str_t                  tier;
    ngx_http_ml_place_t        place;
} ngx_http_ml_tier_use_t;


/* The core module's ctx: nginx's own, and behind it the table. */
typedef struct {
    ngx_http_module_t          http;
    const ngx_http_ml_api_t   *api;
} ngx_http_ml_module_ctx_t;


/*
 * The core's table, NULL when the core is not loaded or is of another build;
 * the reason has then been logged at [emerg].  For preconfiguration.
 */
static ngx_inline const ngx_http_ml_api_t *
ngx_http_ml_api_find(ngx_conf_t *cf, const char *feature)
{
    ngx_uint_t                 i;
    ngx_module_t              *module;
    const ngx_http_ml_api_t   *api;

    for (i = 0; cf->cycle->modules[i]; i++) {
        module = cf->cycle->modules[i];

        if (ngx_strcmp(module->name, "ngx_http_ml_module") != 0) {
            continue;
        }

        api = ((ngx_http_ml_module_ctx_t *) module->ctx)->api;

        if (api->magic != NGX_HTTP_ML_MAGIC
            || api->version != NGX_HTTP_ML_API_VERSION
            || ngx_strcmp(api->build, NGX_ML_BUILD) != 0)
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "%s and ngx_http_ml_module.so are of "
                          "different builds", feature);
            return NULL;
        }

        return api;
    }

    ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                  "%s requires ngx_http_ml_module.so to be loaded", feature);

    return NULL;
}


static ngx_inline void
ngx_http_ml_place(ngx_conf_t *cf, ngx_http_ml_place_t *place)
{
    if (cf->conf_file) {
        place->file = cf->conf_file->file.name;
        place->line = cf->conf_file->line;
    }
}


/* As ngx_conf_log_error(), for a directive that was parsed earlier. */
#define ngx_http_ml_conf_error(cf, place, fmt, ...)                           \
    ngx_log_error(NGX_LOG_EMERG, (cf)->log, 0, fmt " in %V:%ui",              \
                  ##__VA_ARGS__, &(place)->file, (place)->line)


#endif /* NGX_HTTP_ML_H */
