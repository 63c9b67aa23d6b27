/*
 * What the files of ngx_http_ml_validate_module share.
 */

#ifndef NGX_HTTP_ML_VALIDATE_H
#define NGX_HTTP_ML_VALIDATE_H

#include "ngx_http_ml.h"
#include "ml_image.h"
#include "ml_inflate.h"
#include "ml_multipart.h"
#include "ml_npy.h"
#include "ml_oip_body.h"
#include "ml_openai.h"
#include "ml_raw.h"
#include "ml_scan.h"
#include "ml_schema_registry.h"
#include "ml_validator.h"


/* ml_validate_encodings; NONE: the body is as it is. */
#define NGX_HTTP_ML_VALIDATE_CODING_NONE  0x01
#define NGX_HTTP_ML_VALIDATE_GZIP         0x02
#define NGX_HTTP_ML_VALIDATE_DEFLATE      0x04
#define NGX_HTTP_ML_VALIDATE_CODING_BAD   0x08


/* How a body is written. */
typedef enum {
    NGX_HTTP_ML_VALIDATE_JSON = 0,
    NGX_HTTP_ML_VALIDATE_RAW,
    NGX_HTTP_ML_VALIDATE_NPY,
    NGX_HTTP_ML_VALIDATE_OPENAI,
    NGX_HTTP_ML_VALIDATE_IMAGE,
    NGX_HTTP_ML_VALIDATE_OIP
} ngx_http_ml_validate_protocol_e;


/* What the body of a method and a path has to be. */
typedef struct {
    ngx_uint_t                         method;   /* bits */
    char                              *path;     /* a template of OpenAPI */
    ngx_uint_t                         anywhere; /* or the end of a path */
    ngx_uint_t                         prefix;   /* or a part of one */
    ml_schema_t                       *schema;   /* NULL: no body at all */
    ngx_uint_t                         optional; /* it may be left out */
} ngx_http_ml_validate_route_t;


/* What a location checks bodies against. */
typedef struct {
    ml_schema_t                       *schema;   /* NULL: not derived yet */
    ngx_array_t                       *routes;   /* or one for each of these */
    ml_schema_t                       *names;    /* of OIP, for what is told */
    ml_openai_limits_t                 openai;
    ml_image_limits_t                  image;
    ngx_uint_t                         image_types;  /* bits; 0: all */
    ngx_uint_t                         multipart;    /* unsigned:1; too */
    ngx_str_t                          model;    /* to be derived of it */
    ml_schema_registry_t               registry;
    ngx_flag_t                         formats;
    ngx_http_ml_place_t                place;
    ngx_http_ml_validate_protocol_e    protocol;
    uint8_t                           *keep;     /* fields to echo, by place */
} ngx_http_ml_validate_contract_t;


/* ml_validate_patterns */
typedef struct {
    ml_rules_t                        *rules;
    ngx_uint_t                         block;    /* unsigned:1 */
    ngx_uint_t                         threshold;
} ngx_http_ml_validate_patterns_t;


typedef struct {
    ngx_http_ml_validate_contract_t   *contract; /* NULL: off */
    ngx_http_ml_validate_patterns_t   *patterns; /* NULL: off */
    ml_json_limits_t                   limits;

    /* parsed; NGX_CONF_UNSET* until merged */
    ngx_int_t                          depth;
    ngx_int_t                          keys;
    size_t                             string;
    size_t                             deferred;
    size_t                             decoded;
    ngx_uint_t                         encodings; /* bits, those allowed */
    ngx_int_t                          number;
    ngx_int_t                          elements;

    ngx_flag_t                         dry_run;
    ngx_int_t                          errors;      /* that are told */
    ngx_uint_t                         status;
    ngx_uint_t                         log_level;
} ngx_http_ml_validate_loc_conf_t;


typedef enum {
    NGX_HTTP_ML_VALIDATE_NONE = 0,      /* no verdict yet */
    NGX_HTTP_ML_VALIDATE_PASSED,
    NGX_HTTP_ML_VALIDATE_REJECTED,
    NGX_HTTP_ML_VALIDATE_REJECTED_DRY_RUN
} ngx_http_ml_validate_verdict_e;


/* A request's part of the state. */
typedef struct {
    ngx_http_ml_validate_loc_conf_t   *conf;     /* of the verdict */
    ngx_http_ml_validate_route_t      *route;    /* of it, too; or NULL */
    ml_oip_contract_t                  oip;      /* of it, too; or zeros */
    ml_body_t                         *reader;
    ml_error_t                         error;

    ngx_http_ml_validate_verdict_e     verdict;
    const char                        *reason;   /* of the pool, or static */
    ml_multipart_file_t                file;     /* of a form */
    ml_scan_t                         *scan;     /* NULL: no patterns */
    ml_body_watch_t                    watch;
    ngx_int_t                          status;   /* to return if rejected */

    off_t                              drained;  /* bytes after a verdict */
    ngx_http_event_handler_pt          read_event_handler;

    /* of a compressed body */
    ml_inflate_t                      *inflater;
    ngx_chain_t                       *decoded;  /* not yet passed on */
    ngx_chain_t                      **decoded_last;

    unsigned                           armed:1;  /* the filter is at work */
    unsigned                           keep:1;   /* decoded bytes go on */
    unsigned                           replaced:1; /* the body is those */
    unsigned                           body:1;   /* some of it has come */
    unsigned                           consume:1;
    unsigned                           patterns_told:1;
} ngx_http_ml_validate_ctx_t;


/* The request's part of the state, made on first use; NULL: no memory. */
ngx_http_ml_validate_ctx_t *ngx_http_ml_validate_get_ctx(
    ngx_http_request_t *r, ngx_http_ml_state_t *state);

/* Body unread: method, media type and coding. */
ngx_int_t ngx_http_ml_validate_gate(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);

/*
 * The one header of that name, or NULL when there is none or several: servers
 * differ in which they take.  *n is how many there are.
 */
ngx_table_elt_t *ngx_http_ml_validate_header(ngx_http_request_t *r,
    ngx_str_t *name, ngx_uint_t *n);

/* The one Content-Type, empty unless there is one; returns how many. */
ngx_uint_t ngx_http_ml_validate_type(ngx_http_request_t *r, ngx_str_t *type);

/* The type of image that Content-Type says, or ML_IMAGE_TYPES. */
ml_image_type_e ngx_http_ml_validate_image(ngx_http_request_t *r);

/* One of the above: what Content-Encoding says. */
ngx_uint_t ngx_http_ml_validate_coding(ngx_http_request_t *r,
    ngx_table_elt_t **header);

/* ngx_http_ml_validate_decode.c: compressed bodies */

/* Prepares for a body of that coding; "keep": its bytes will be wanted. */
ngx_int_t ngx_http_ml_validate_decode_start(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx, ngx_uint_t coding, ngx_uint_t keep);

/* The same as those of the body, which they call with decoded bytes. */
void ngx_http_ml_validate_decode_feed(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    u_char *data, size_t size);
void ngx_http_ml_validate_decode_finish(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx);

/* Bytes for the reader; does nothing when there is a verdict. */
void ngx_http_ml_validate_read(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    u_char *data, size_t size);

/* The request's body is now the decoded one. */
ngx_int_t ngx_http_ml_validate_decoded(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx);

/* Reads and checks the body. */
ngx_int_t ngx_http_ml_validate_precontent(ngx_http_request_t *r,
    ngx_http_ml_state_t *state);

/* The request-body filter; registers itself. */
void ngx_http_ml_validate_init_filter(void);

/*
 * The verdict is a rejection: logs and counts it, and refuses the request
 * unless in dry run.  "error" may be NULL.
 */
void ngx_http_ml_validate_reject(ngx_http_request_t *r,
    ngx_http_ml_state_t *state, ngx_http_ml_validate_ctx_t *ctx,
    ngx_uint_t status, const char *reason, const ml_error_t *error);

/* What model= of a location's contract means, when everything is parsed. */
char *ngx_http_ml_validate_derive(ngx_conf_t *cf,
    ngx_http_ml_validate_loc_conf_t *vlcf);

/* "openapi=file" and "protocol=openai": the contract's routes. */
char *ngx_http_ml_validate_openapi(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name);
char *ngx_http_ml_validate_openai(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract);

/* ngx_http_ml_validate_oip.c: "protocol=oip" */

char *ngx_http_ml_validate_oip(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract);

/* As ngx_http_ml_validate_pick(); a request with a body has no route. */
ngx_int_t ngx_http_ml_validate_oip_pick(ngx_http_request_t *r,
    ngx_http_ml_validate_route_t **route, ngx_uint_t *methods);

/* Inference-Header-Content-Length, or ML_OIP_JSON; NGX_ERROR: it is wrong. */
ngx_int_t ngx_http_ml_validate_oip_header(ngx_http_request_t *r,
    uint64_t *header);

/* What the request may be; NGX_ERROR: the model is not there. */
ngx_int_t ngx_http_ml_validate_oip_contract(ngx_http_request_t *r,
    ml_oip_contract_t *contract);

ml_body_t *ngx_http_ml_validate_oip_reader(ngx_http_request_t *r,
    ngx_http_ml_validate_loc_conf_t *vlcf, ngx_http_ml_validate_ctx_t *ctx);

/*
 * What the request's body is checked against: NGX_OK and the route, which is
 * NULL where there are none; 404, or 405 and the methods that there are.
 */
ngx_int_t ngx_http_ml_validate_pick(ngx_http_request_t *r,
    ngx_http_ml_validate_contract_t *contract,
    ngx_http_ml_validate_route_t **route, ngx_uint_t *methods);
ngx_int_t ngx_http_ml_validate_allow(ngx_http_request_t *r,
    ngx_uint_t methods);

/* The request has no body, and the route needs none. */
ngx_uint_t ngx_http_ml_validate_skips(ngx_http_request_t *r,
    ngx_http_ml_validate_route_t *route);

/*
 * A schema of the configuration, freed with it; "pointer" leads to it in the
 * text, or is NULL.  NULL on failure, with one line in error.
 */
ml_schema_t *ngx_http_ml_validate_compile(ngx_conf_t *cf,
    ngx_http_ml_validate_contract_t *contract, ngx_str_t *name,
    ngx_str_t *text, const char *pointer, char *error, size_t size);

/* ngx_http_ml_validate_patterns.c: the texts of a body against rules */

/* The reader is new; NGX_ERROR: no memory. */
ngx_int_t ngx_http_ml_validate_patterns_start(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx,
    ngx_http_ml_validate_patterns_t *patterns);

/*
 * There is a verdict: logs and counts, once, what was found, and returns it
 * as a reason; NULL when there is nothing.
 */
const char *ngx_http_ml_validate_patterns_found(ngx_http_request_t *r,
    ngx_http_ml_validate_ctx_t *ctx);

/* $ml_validate_score */
ngx_int_t ngx_http_ml_validate_score_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

char *ngx_http_ml_validate_patterns_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);

/* ml_validate and ml_validate_limits. */
char *ngx_http_ml_validate_directive(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_ml_validate_limits_directive(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);


extern ngx_module_t               ngx_http_ml_validate_module;
extern const ngx_http_ml_api_t   *ngx_http_ml_validate_api;

/* The feature, NULL when it is not loaded. */
extern const ngx_http_ml_feature_t  *ngx_http_ml_validate_infer;

extern uint8_t                    ngx_http_ml_validate_seed[16];


#endif /* NGX_HTTP_ML_VALIDATE_H */
