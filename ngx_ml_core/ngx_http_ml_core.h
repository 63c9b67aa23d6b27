/* What the files of the core share; features see ngx_http_ml.h only. */

#ifndef NGX_HTTP_ML_CORE_H
#define NGX_HTTP_ML_CORE_H

#include "ngx_http_ml.h"
#include "ngx_http_ml_keys.h"
#include "ml_process.h"


/* Grows with every change of what the zone holds. */
#define NGX_HTTP_ML_LAYOUT     2

/* Below this a share of the zone would be too small to be useful. */
#define NGX_HTTP_ML_ZONE_MIN   (1024 * 1024)


/* The root of the zone; pointers are valid in every process. */
typedef struct {
    uint32_t                      magic;
    uint32_t                      layout;
    u_char                        hash_key[16];
    ml_processes_t               *processes;
    ml_metrics_t                 *metrics;

    struct {
        u_char                   *region;
        size_t                    size;
        ngx_uint_t                initialized;
    } share[NGX_HTTP_ML_NFEATURES];
} ngx_http_ml_shared_t;


typedef struct {
    const ngx_http_ml_feature_t  *features[NGX_HTTP_ML_NFEATURES];
    ngx_shm_zone_t               *zone;
    ngx_cycle_t                  *cycle;
    ngx_http_ml_keys_conf_t       keys;
} ngx_http_ml_main_conf_t;


typedef struct {
    ngx_uint_t                    error_format;
    ngx_uint_t                    format_given;   /* unsigned:1 */
    ngx_uint_t                    default_format; /* when it is not given */
    ngx_uint_t                    features;       /* bit per kind */
    ngx_uint_t                    status;         /* renderer, ml_status */
    ngx_str_t                     label;
    ngx_uint_t                    warned;         /* unsigned:1; bypass */
} ngx_http_ml_loc_conf_t;


/* The format of a location's errors. */
static ngx_inline ngx_uint_t
ngx_http_ml_format(ngx_http_ml_loc_conf_t *mlcf)
{
    return mlcf->format_given ? mlcf->error_format : mlcf->default_format;
}


/* ngx_http_ml_zone.c */

char *ngx_http_ml_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* Joins the zone of the cycle, once per process; cheap afterwards. */
void ngx_http_ml_attach(ngx_cycle_t *cycle);
void ngx_http_ml_detach(void);

ml_metrics_t *ngx_http_ml_metrics(void);
ml_counter_t *ngx_http_ml_counter(const char *family, const char *labels);
ngx_uint_t ngx_http_ml_process(void);
ngx_uint_t ngx_http_ml_processes(void);
void ngx_http_ml_reap(void);
const uint8_t *ngx_http_ml_hash_key(void);


/* ngx_http_ml_state.c */

ngx_http_ml_state_t *ngx_http_ml_get_state(ngx_http_request_t *r);
ngx_http_ml_state_t *ngx_http_ml_create_state(ngx_http_request_t *r);
ngx_int_t ngx_http_ml_refuse(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, const ml_error_answer_t *answer,
    const char *reason);
void ngx_http_ml_settle(ngx_http_ml_state_t *state);
void ngx_http_ml_count(ngx_http_request_t *r, const char *outcome);
const char *ngx_http_ml_reason_phrase(ngx_uint_t status);


/* ngx_http_ml_body.c */

void ngx_http_ml_init_body_filter(void);
ngx_int_t ngx_http_ml_refused(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_int_t status);
void ngx_http_ml_forget_body(ngx_http_request_t *r);
void ngx_http_ml_stop_reading(ngx_http_request_t *r);
void ngx_http_ml_body_timed_out(ngx_http_request_t *r, ngx_int_t status);


/* ngx_http_ml_phases.c */

ngx_int_t ngx_http_ml_init_phases(ngx_conf_t *cf);


/* ngx_http_ml_filter_module.c */

ngx_int_t ngx_http_ml_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, u_char *last);


/* ngx_http_ml_status.c */

char *ngx_http_ml_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


extern ngx_module_t  ngx_http_ml_module;
extern ngx_module_t  ngx_http_ml_filter_module;


#endif /* NGX_HTTP_ML_CORE_H */
