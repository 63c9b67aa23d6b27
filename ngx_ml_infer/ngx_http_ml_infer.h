/* What the files of infer share; other modules see ngx_http_ml.h only. */

#ifndef NGX_HTTP_ML_INFER_H
#define NGX_HTTP_ML_INFER_H

#include "ngx_http_ml.h"

#include "ml_backend.h"
#include "ml_breaker.h"
#include "ml_contract.h"
#include "ml_executor.h"
#include "ml_model.h"
#include "ml_model_table.h"
#include "ml_oip.h"
#include "ml_slots.h"


#define NGX_HTTP_ML_INFER_ERROR_SIZE  256


/* How a request to ml_infer ended; also the outcome label of its counter. */
typedef enum {
    NGX_HTTP_ML_INFER_UNSET = 0,
    NGX_HTTP_ML_INFER_OK,
    NGX_HTTP_ML_INFER_FAILED,           /* the backend failed */
    NGX_HTTP_ML_INFER_EXPIRED,          /* deadline passed before the start */
    NGX_HTTP_ML_INFER_TIMEOUT,          /* deadline passed while it ran */
    NGX_HTTP_ML_INFER_QUEUE_FULL,
    NGX_HTTP_ML_INFER_BREAKER_OPEN,
    NGX_HTTP_ML_INFER_UNAVAILABLE,      /* not loaded, or the device lost */
    NGX_HTTP_ML_INFER_INVALID,          /* rows that do not fit together */
    NGX_HTTP_ML_INFER_CANCELLED,        /* the client left */
    NGX_HTTP_ML_INFER_QUARANTINED,      /* device processes died of it */
    NGX_HTTP_ML_INFER_NOUTCOMES
} ngx_http_ml_infer_outcome_e;


/* One ml_model block. */
typedef struct {
    ngx_str_t                    name;          /* NUL-terminated */
    ngx_http_ml_place_t          place;

    ngx_str_t                    file;
    ngx_str_t                    device;        /* "cpu", "cuda:0", "auto" */
    const char                  *backend;       /* "cpu", "cuda", "fault" */
    const char                  *argument;      /* behind the colon, or NULL */
    ngx_uint_t                   process;       /* unsigned:1 */
    ngx_uint_t                   automatic;     /* unsigned:1; process too */
    ngx_msec_t                   hang;          /* a longer run never ends */
    ngx_int_t                    batch;         /* rows */
    ngx_msec_t                   delay;
    ngx_int_t                    queue;         /* jobs */
    size_t                       bytes;         /* of their tensors */
    ngx_msec_t                   timeout;
    ngx_uint_t                   breaker_given; /* unsigned:1 */
    ml_breaker_conf_t            breaker;

    ml_model_t                  *model;
    const ml_tensor_spec_t      *inputs;
    size_t                       ninputs;
    const ml_tensor_spec_t      *outputs;
    size_t                       noutputs;

    /* of a model of the device process */
    ml_slots_shape_t             shape;
    ngx_shm_zone_t              *zone;

    /* of this process; set when it starts */
    ml_model_entry_t            *entry;
    const ml_backend_t          *loaded;
    ml_backend_context_t        *context;
    ml_slots_t                   slots;         /* shared NULL: not open */
    ml_executor_t               *submitter;     /* executor, or part of it */
    ml_executor_t               *executor;      /* NULL: unavailable */
    _Atomic uint64_t             told;          /* last batch that counted */
    ngx_uint_t                   stuck;         /* did not stop in time */
    ml_counter_t                *counters[NGX_HTTP_ML_INFER_NOUTCOMES];
    char                         error[NGX_HTTP_ML_INFER_ERROR_SIZE];
} ngx_http_ml_infer_model_t;


/* ml_infer_process: whose process owns the devices. */
#define NGX_HTTP_ML_INFER_HELPER  0
#define NGX_HTTP_ML_INFER_WORKER  1


typedef struct {
    ngx_array_t                  models;        /* ..._model_t * */
    ngx_array_t                  locations;     /* ..._location_t */
    ngx_uint_t                   process;       /* ml_infer_process */
    ngx_uint_t                   devices;       /* models of the process */
} ngx_http_ml_infer_main_conf_t;


typedef struct {
    ngx_str_t                    name;          /* of the model */
    ngx_uint_t                   given;         /* ml_infer stands here */
    ngx_http_ml_place_t          place;
    ngx_http_ml_infer_model_t   *model;         /* NULL: off, or by path */
    ngx_uint_t                   oip;           /* unsigned:1; by path */
    ml_contract_form_e           form;
    ngx_array_t                 *echo;          /* ngx_str_t */
    ngx_http_ml_place_t          echo_place;
    ngx_uint_t                   log_level;
} ngx_http_ml_infer_loc_conf_t;


/* A location with ml_infer, to be checked when everything is merged. */
typedef struct {
    ngx_http_ml_infer_loc_conf_t  *conf;
    void                         **loc_conf;
} ngx_http_ml_infer_location_t;


typedef struct ngx_http_ml_infer_task_s  ngx_http_ml_infer_task_t;


/* infer's part of the request's state. */
typedef struct {
    ngx_http_request_t           *request;
    ngx_http_ml_state_t          *state;
    ngx_http_ml_infer_model_t    *model;        /* NULL: of "oip" only */
    ngx_http_ml_infer_loc_conf_t *conf;
    ml_contract_form_e            form;
    ml_oip_path_t                 path;         /* of "oip" */
    ngx_http_ml_infer_task_t     *task;         /* NULL: nothing under way */
    ngx_event_t                   timer;
    ngx_uint_t                    outcome;
    ngx_uint_t                    ran;          /* unsigned:1; then: */
    uint64_t                      queue_ns;
    uint64_t                      compute_ns;   /* its share */
    int64_t                       batch_rows;
} ngx_http_ml_infer_ctx_t;


/* Goes with a job; outlives the request if its client leaves. */
struct ngx_http_ml_infer_task_s {
    ngx_http_ml_infer_ctx_t      *ctx;          /* NULL: nobody waits */
    ngx_http_ml_infer_model_t    *model;
    ml_breaker_ticket_t           ticket;
    ngx_uint_t                    told;         /* it was late */
    ml_job_t                     *job;
};


/* ngx_http_ml_infer_module.c */

extern ngx_module_t              ngx_http_ml_infer_module;
extern const ngx_http_ml_api_t  *ngx_http_ml_infer_api;

const ngx_http_ml_feature_t *ngx_http_ml_infer_validate(void);


/* ngx_http_ml_infer_model.c */

char *ngx_http_ml_infer_model_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


/* ngx_http_ml_infer_conf.c */

char *ngx_http_ml_infer_set(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_ml_infer_echo(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void *ngx_http_ml_infer_create_main_conf(ngx_conf_t *cf);
char *ngx_http_ml_infer_init_main_conf(ngx_conf_t *cf, void *conf);
void *ngx_http_ml_infer_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_ml_infer_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);


/* ngx_http_ml_infer_check.c */

/* The most rows that a request to a model may have. */
uint64_t ngx_http_ml_infer_rows(ngx_http_ml_infer_model_t *model);

/* A model's inputs, for a contract that is derived of them. */
const ml_tensor_spec_t *ngx_http_ml_infer_inputs(ngx_conf_t *cf,
    ngx_str_t *name, ngx_uint_t *n, uint64_t *rows);

/* Everything that can be wrong between locations, contracts and models. */
ngx_int_t ngx_http_ml_infer_check(ngx_conf_t *cf,
    const ngx_http_ml_feature_t *validate);


/* ngx_http_ml_infer_handler.c */

ngx_int_t ngx_http_ml_infer_gate(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);
uint64_t ngx_http_ml_infer_device_time(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);
ngx_int_t ngx_http_ml_infer_handler(ngx_http_request_t *r);

/* A job came back from its executor. */
void ngx_http_ml_infer_completed(ml_job_t *job);


/* ngx_http_ml_infer_answer.c */

/* Sends the outputs; settles.  What ngx_http_finalize_request() wants. */
ngx_int_t ngx_http_ml_infer_answer(ngx_http_ml_infer_ctx_t *ctx,
    ml_job_t *job);


/* Sends a text, which becomes the request's; as ngx_http_output_filter(). */
ngx_int_t ngx_http_ml_infer_send(ngx_http_request_t *r, ml_text_t *text,
    const char *type);


/* ngx_http_ml_infer_oip.c */

/* The model that the path names, NULL when there is none. */
ngx_http_ml_infer_model_t *ngx_http_ml_infer_oip_model(ngx_http_request_t *r,
    ml_oip_path_t *path);

const ml_tensor_spec_t *ngx_http_ml_infer_request_inputs(
    ngx_http_request_t *r, ngx_uint_t *n, uint64_t *rows);

ngx_int_t ngx_http_ml_infer_oip_gate(ngx_http_ml_infer_ctx_t *ctx);
ngx_int_t ngx_http_ml_infer_oip_handler(ngx_http_ml_infer_ctx_t *ctx);
const char *ngx_http_ml_infer_oip_wrong(ngx_http_ml_infer_ctx_t *ctx);
size_t ngx_http_ml_infer_oip_render(ngx_http_ml_infer_ctx_t *ctx,
    ml_job_t *job, ml_text_t *text);


/* ngx_http_ml_infer_process.c */

ngx_int_t ngx_http_ml_infer_init_process(ngx_cycle_t *cycle);
void ngx_http_ml_infer_exit_process(ngx_cycle_t *cycle);

/* Stops a model's executor and unloads it; a second call does nothing. */
void ngx_http_ml_infer_stop(ngx_http_ml_infer_model_t *model);

/* Takes what is finished of a model; called when something may be. */
void ngx_http_ml_infer_collect(ngx_http_ml_infer_model_t *model);

/* The file of a backend, beside this module's; NGX_ERROR has written why. */
ngx_int_t ngx_http_ml_infer_backend_file(const char *name,
    char path[NGX_MAX_PATH], char *error, size_t size);

/* The models of this process, NULL before it started. */
ngx_http_ml_infer_main_conf_t *ngx_http_ml_infer_running(void);


/* ngx_http_ml_infer_slots.c: the slot tables, and their submitters */

/* Lays out the table's shape and adds its zone; when all is parsed. */
ngx_int_t ngx_http_ml_infer_add_slots(ngx_conf_t *cf,
    ngx_http_ml_infer_model_t *model);

/* Rows that a request to a model of the device process may have. */
uint64_t ngx_http_ml_infer_max_rows(ngx_http_ml_infer_model_t *model);

/* In the master, once: what all later processes are to inherit. */
ngx_int_t ngx_http_ml_infer_create_eventfds(ngx_cycle_t *cycle);

/* The process's view of a model's table; a second call does nothing. */
ngx_int_t ngx_http_ml_infer_open_slots(ngx_http_ml_infer_model_t *model,
    char *error, size_t size);

/* Makes model->submitter, and listens for it. */
ngx_int_t ngx_http_ml_infer_submit_here(ngx_cycle_t *cycle,
    ngx_http_ml_infer_model_t *model, char *error, size_t size);

/* A job was submitted: see to it that its owner runs. */
void ngx_http_ml_infer_watch(ngx_http_ml_infer_model_t *model);

/* Wakes the process in an entry of a table; from any thread. */
void ngx_http_ml_infer_kick(void *data, unsigned entry);


/* ngx_http_ml_infer_device.c: the process that owns the devices */

ngx_int_t ngx_http_ml_infer_init_module(ngx_cycle_t *cycle);

/* Starts the devices if this is their process. */
void ngx_http_ml_infer_start_devices(ngx_cycle_t *cycle);

/* The process is about to end. */
void ngx_http_ml_infer_stop_devices(ngx_cycle_t *cycle);


/* ngx_http_ml_infer_status.c */

ngx_int_t ngx_http_ml_infer_zone_init(ngx_cycle_t *cycle, u_char *region,
    size_t size, ngx_uint_t fresh);
void ngx_http_ml_infer_reap(ngx_uint_t process);
ngx_uint_t ngx_http_ml_infer_ready(ml_text_t *reason);
ngx_uint_t ngx_http_ml_infer_is_ready(ngx_http_ml_infer_model_t *model);
void ngx_http_ml_infer_status_json(ml_text_t *out);
void ngx_http_ml_infer_status_prometheus(ml_text_t *out);

/* A batch of the model ran, in whatever thread; an ml_ran_pt. */
void ngx_http_ml_infer_ran(void *data, uint64_t device_ns, int64_t rows,
    int failed);

/*
 * What metrics and breaker learn when a job is back.  A result after the
 * deadline is a failure, whatever it says, unless its client left before.
 */
void ngx_http_ml_infer_conclude(ngx_http_ml_infer_task_t *task);

/*
 * Tells the breaker, once for a batch, by the first of its jobs that has
 * something to say: the earliest deadline, unless its client has left.  But a
 * probe is the one call that the half-open breaker waits for.
 */
void ngx_http_ml_infer_tell(ngx_http_ml_infer_task_t *task,
    ngx_uint_t failed);

void ngx_http_ml_infer_count(ngx_http_ml_infer_model_t *model,
    ngx_uint_t outcome);

/* "ok", "queue_full", ...; static. */
const char *ngx_http_ml_infer_outcome(ngx_uint_t outcome);

extern const ml_metric_family_t  ngx_http_ml_infer_families[];


/* ngx_http_ml_infer_variables.c */

ngx_int_t ngx_http_ml_infer_add_variables(ngx_conf_t *cf);


static ngx_inline uint64_t
ngx_http_ml_infer_msec(void)
{
    return ml_monotonic_ns() / 1000000;
}


static ngx_inline ngx_http_ml_infer_ctx_t *
ngx_http_ml_infer_ctx(ngx_http_ml_state_t *state)
{
    return state ? state->part[NGX_HTTP_ML_INFER] : NULL;
}


#endif /* NGX_HTTP_ML_INFER_H */
