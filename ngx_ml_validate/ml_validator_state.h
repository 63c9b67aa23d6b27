/*
 * What the parts of the validator share; see ml_validator.h.  Private to
 * ml_validator*.c.
 *
 * Functions that return int return 0 to go on, and otherwise -1 with the
 * validator's status set.
 */

#ifndef ML_VALIDATOR_STATE_H
#define ML_VALIDATOR_STATE_H

#include "ml_sink.h"
#include "ml_validator.h"
#include "ml_violation.h"


/* An open container that is no part of a tensor. */
typedef struct {
    const ml_schema_node_t     *node;       /* NULL: anything goes */
    const ml_schema_node_t     *child;      /* what stands under the key */
    uint64_t                    count;      /* elements, members so far */
    uint64_t                    total;      /* characters until here allow */
    int                         array;

    /* of x-shape: elements of the one, the product of the other */
    uint64_t                    elements;
    uint64_t                    product;

    /* the current key: the schema's own, or a copy, cut, in "copy" */
    const ml_schema_name_t     *key;
    uint32_t                    copy_len;
    char                        copy[ML_VALIDATOR_NAME];

    uint32_t                    seen;       /* its bits start at this word */
    uint32_t                    mark;       /* its node on the tape */
} ml_validator_frame_t;


/* A violation and what its path is made of. */
typedef struct ml_validator_found_s  ml_validator_found_t;

struct ml_validator_found_s {
    ml_violation_t              violation;
    ml_path_step_t             *path;
    char                       *names;          /* copies for the path */
    ml_validator_found_t       *next;
};


/* What is passed over behind a violation. */
typedef enum {
    ML_VALIDATOR_PASS_NONE = 0,
    ML_VALIDATOR_PASS_VALUE,            /* the next value */
    ML_VALIDATOR_PASS_STRING,           /* the rest of a string */
    ML_VALIDATOR_PASS_OPEN              /* until a container has ended */
} ml_validator_pass_e;


struct ml_validator_s {
    ml_body_t                   body;       /* first */
    const ml_schema_t          *schema;
    ml_json_reader_t           *reader;
    ml_body_status_e            status;

    ml_validator_frame_t       *frames;
    uint32_t                    nframes;
    uint32_t                    frames_size;

    /* bits of required names that were seen, of all open objects */
    uint64_t                   *seen;
    uint32_t                    nseen;
    uint32_t                    seen_size;

    /* reasons for which the open value goes onto the tape */
    ml_tape_t                   tape;
    uint32_t                    recording;

    /* the open value that will be evaluated, or NULL */
    const ml_schema_node_t     *deferred;
    uint32_t                    deferred_at;    /* frames around it */
    uint32_t                    deferred_mark;  /* its node on the tape */
    size_t                      deferred_size;  /* bytes it may have there */

    /* fields: asked for; the one being kept, from 1; tape nodes, from 1 */
    const uint8_t              *keep;
    uint32_t                    keeping;
    uint32_t                   *kept;

    /* the open string */
    const ml_schema_node_t     *string;
    uint32_t                    string_mark;
    uint64_t                    length;         /* code points */
    uint64_t                    characters;     /* of all strings so far */
    uint64_t                    most;           /* that this one may reach */
    ml_image_string_t           image;          /* of an open one */
    const ml_body_watch_t      *watch;
    int                         watched;        /* the open one is */

    /* the open tensor, or NULL */
    const ml_schema_tensor_t   *tensor;
    ml_sink_t                   sink;
    ml_tensor_t                *tensors;

    /* the violation that comes next; the last that came, or NULL */
    ml_validator_found_t        first;
    ml_validator_found_t       *found;
    ml_validator_found_t       *last;

    /* several of them: how many may still come; containers that are open,
     * and those that the value at fault stands in */
    uint32_t                    errors;
    uint32_t                    open;
    uint32_t                    inside;
    ml_validator_pass_e         pass;
};


/* The reader's events; and where several violations are to be told. */
extern const ml_json_events_t  ml_validator_events;
extern const ml_json_events_t  ml_validator_recover_events;

/*
 * The violation v->found is complete, of a value that stands inside of so
 * many containers.  The body is rejected, unless more violations are asked
 * for.
 */
int ml_validator_found(ml_validator_t *v, uint32_t inside);

/*
 * The same; its path leads through "nframes" frames, "nlevels" dimensions of
 * the open tensor, and to "name" behind them unless that is NULL.
 */
int ml_validator_reject(ml_validator_t *v, uint32_t nframes,
    uint32_t nlevels, const ml_schema_name_t *name);

int ml_validator_fail(ml_validator_t *v);

/*
 * The violation's path through "nframes" frames, with room for "room" steps
 * behind it: where these go, or NULL.  A key that is not the schema's is
 * copied.
 */
ml_path_step_t *ml_validator_path(ml_validator_t *v, uint32_t nframes,
    size_t room);

/* A value of that node starts: it may have to be evaluated. */
void ml_validator_defer(ml_validator_t *v, const ml_schema_node_t *node);

/* The deferred value is complete; it does not fit onto the tape. */
int ml_validator_evaluate(ml_validator_t *v);
int ml_validator_deferred_full(ml_validator_t *v);

/*
 * A value of that type starts: stores the node that it stands under, which
 * may be NULL.  When that is a tensor, v->tensor is set and nothing else is
 * done.
 */
int ml_validator_begin(ml_validator_t *v, uint32_t type,
    const ml_schema_node_t **where);

/* The value that begin() was called for is complete; its frame is closed.
 * "mark" is where it starts on the tape, when it was recorded. */
int ml_validator_end(ml_validator_t *v, uint32_t mark);

/* The tape could not take an event. */
int ml_validator_tape_failed(ml_validator_t *v);

/* The reader's event. */
int ml_validator_string(void *data, ml_json_string_e part, const char *bytes,
    size_t len);

/* The value of a node is of no type that it may have. */
int ml_validator_type_failed(ml_validator_t *v, const ml_schema_node_t *node);

/* How many characters there may be at the end of a value that starts inside
 * of "nframes" frames. */
uint64_t ml_validator_most(const ml_validator_t *v, uint32_t nframes,
    const ml_schema_node_t *node);

/* x-shape: an array starts, has a number, ends, and its object ends. */
void ml_validator_shape_start(ml_validator_t *v);
void ml_validator_shape_number(ml_validator_t *v, const ml_number_t *number);
void ml_validator_shape_array(ml_validator_t *v, uint64_t count);
int ml_validator_shape_end(ml_validator_t *v,
    const ml_validator_frame_t *frame);

/* More bytes of a string that is an image; the string ends. */
int ml_validator_image(ml_validator_t *v, const char *bytes, size_t len);
int ml_validator_image_end(ml_validator_t *v);

/* There are more: the value that has too many is the outermost of them. */
int ml_validator_over_total(ml_validator_t *v);

/* A number against its node, which may be NULL. */
int ml_validator_check_number(ml_validator_t *v, const ml_schema_node_t *node,
    const ml_number_t *number);

/* A tensor's value starts; what became of its next event. */
void ml_validator_tensor(ml_validator_t *v, const ml_schema_tensor_t *tensor);
int ml_validator_tensor_verdict(ml_validator_t *v, ml_sink_e verdict);


#endif /* ML_VALIDATOR_STATE_H */
