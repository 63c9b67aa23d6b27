/*
 * What the parts of the reader of OIP bodies share; see ml_oip_body.h.
 * Private to ml_oip_*.c.
 *
 * Functions that return int return 0 to go on, and otherwise -1 with the
 * reader's status set.
 */

#ifndef ML_OIP_STATE_H
#define ML_OIP_STATE_H

#include "ml_oip_body.h"
#include "ml_raw.h"
#include "ml_sink.h"
#include "ml_tape.h"


/* Bytes of a name of the client's that an error tells. */
#define ML_OIP_NAME  64


/* Members of an input, in the order of their names in ml_oip_members. */
typedef enum {
    ML_OIP_INPUT_NAME = 0,
    ML_OIP_INPUT_SHAPE,
    ML_OIP_INPUT_DATATYPE,
    ML_OIP_INPUT_PARAMETERS,
    ML_OIP_INPUT_DATA,
    ML_OIP_INPUT_MEMBERS
} ml_oip_input_member_e;


/* Members of the request. */
typedef enum {
    ML_OIP_ROOT_ID = 0,
    ML_OIP_ROOT_MODEL,
    ML_OIP_ROOT_PARAMETERS,
    ML_OIP_ROOT_INPUTS,
    ML_OIP_ROOT_OUTPUTS,
    ML_OIP_ROOT_MEMBERS
} ml_oip_root_member_e;


typedef struct {
    ml_schema_tensor_t  tensor;     /* of just this shape */
    size_t              spec;       /* place in the contract */
    uint64_t            hash[2];    /* of the name */
    uint64_t            binary;     /* bytes; UINT64_MAX: not binary */
    int                 data;       /* it has "data" */
} ml_oip_input_t;


/* Where the elements of "data" are going. */
typedef enum {
    ML_OIP_DATA_NONE = 0,
    ML_OIP_DATA_VALUE,              /* the value comes next */
    ML_OIP_DATA_OPEN,               /* an array; nested or flat? */
    ML_OIP_DATA_SINK
} ml_oip_data_e;


typedef struct {
    ml_body_t                  body;        /* first */
    const ml_oip_contract_t   *contract;
    ml_body_status_e           status;
    uint64_t                   elements;    /* that may still come */
    uint8_t                    seed[16];

    ml_json_limits_t           limits;
    ml_json_reader_t          *reader;
    ml_tape_t                  tape;
    uint32_t                   depth;       /* containers open on the tape */

    /* the current member of the request; nodes on the tape, or NONE */
    int                        member;
    uint32_t                   root[ML_OIP_ROOT_MEMBERS];

    /* the open input: begun when its name, shape and type are known */
    int                        begun;
    int                        key;
    uint32_t                   mark;
    uint32_t                   members[ML_OIP_INPUT_MEMBERS];

    ml_oip_input_t            *inputs;
    size_t                     ninputs;
    ml_tensor_t               *tensors;

    ml_oip_data_e              state;
    ml_schema_tensor_t         flat;        /* its shape as one dimension */
    ml_sink_t                  sink;

    /* the binary part: bytes of JSON to come, the input, its bytes to come */
    uint64_t                   header;
    int                        binary;
    size_t                     current;
    uint64_t                   left;
    ml_body_t                 *raw;
    uint64_t                   strings;     /* of BYTES, so far */
    uint32_t                   string;      /* bytes of it to come */
    uint8_t                    prefix[4];
    uint32_t                   nprefix;

    const ml_body_watch_t     *watch;

    ml_oip_request_t           request;
    char                      *names;       /* of its outputs, and its id */

    ml_violation_t             violation;
    ml_path_step_t             path[4 + ML_TENSOR_MAX_RANK];
    size_t                     npath;
    char                       unknown[ML_OIP_NAME];
} ml_oip_t;


/* The path of a violation, from its beginning; then one step more. */
void ml_oip_at(ml_oip_t *o, const char *name);
void ml_oip_at_name(ml_oip_t *o, const char *name);
void ml_oip_at_index(ml_oip_t *o, uint64_t index);

/* The violation is complete, and the path; or: is why, at the path. */
int ml_oip_reject(ml_oip_t *o);
int ml_oip_refuse(ml_oip_t *o, const char *why);

int ml_oip_fail(ml_oip_t *o);

/* Part of a string that is an element of an input, for who watches. */
int ml_oip_text(ml_oip_t *o, size_t input, ml_json_string_e part,
    const char *bytes, size_t len);

/* ml_oip_json.c: the reader's events */
extern const ml_json_events_t  ml_oip_events;

/* ml_oip_data.c: the same of what stands under "data" */
int ml_oip_data_array(ml_oip_t *o);
int ml_oip_data_end(ml_oip_t *o);
int ml_oip_data_numbers(ml_oip_t *o, const ml_number_t *numbers, size_t n);
int ml_oip_data_literal(ml_oip_t *o, ml_json_literal_e literal);
int ml_oip_data_string(ml_oip_t *o);
int ml_oip_data_object(ml_oip_t *o);

/* "data" that came too early: the value is on the tape. */
int ml_oip_data_replay(ml_oip_t *o, uint32_t value);

/* ml_oip_members.c */

/*
 * Reads name, shape and datatype of the open input, which are on the tape,
 * into the next input.
 */
int ml_oip_input_begin(ml_oip_t *o);

/* Reads its parameters: the input ends. */
int ml_oip_input_parameters(ml_oip_t *o);

/* The request ends: what it has beside its inputs. */
int ml_oip_request_end(ml_oip_t *o);


#endif /* ML_OIP_STATE_H */
