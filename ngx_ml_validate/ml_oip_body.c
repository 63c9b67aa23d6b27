/* Bodies of the Open Inference Protocol; see ml_oip_body.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_oip_state.h"


static ml_body_status_e ml_oip_feed(ml_body_t *body, const char *bytes,
    size_t len);
static ml_body_status_e ml_oip_finish(ml_body_t *body);
static const ml_error_t *ml_oip_error(const ml_body_t *body);
static ml_tensor_t *ml_oip_tensors(ml_body_t *body, uint32_t *n);
static void ml_oip_watch(ml_body_t *body, const ml_body_watch_t *watch);
static void ml_oip_destroy(ml_body_t *body);


/* The whole body is the elements of the model's one input. */
static int
ml_oip_create_raw(ml_oip_t *o)
{
    size_t                   i;
    uint64_t                 rows, row;
    const ml_tensor_spec_t  *spec;
    ml_schema_tensor_t      *tensor;

    spec = &o->contract->inputs[0];
    tensor = &o->inputs[0].tensor;

    tensor->spec = *spec;
    tensor->size = ml_dtype_size(spec->dtype);

    for (row = 1, i = 0; i < spec->rank; i++) {
        row *= spec->dims[i] == -1 ? 1 : (uint64_t) spec->dims[i];
    }

    tensor->elements = row;

    /* rows without an element cannot be told apart: as if it had no input */

    if (row == 0 || row > o->elements) {
        return 0;
    }

    rows = o->contract->rows < o->elements / row ? o->contract->rows
                                                 : o->elements / row;

    if (spec->rank && spec->dims[0] == -1) {
        tensor->spec.bound = (int64_t) rows;
        tensor->elements = row * rows;
    }

    if (spec->dtype != ML_DTYPE_BOOL) {
        ml_narrow_limits(spec->dtype, &tensor->bounds);
    }

    o->request.binary = 1;
    o->ninputs = 1;
    o->inputs[0].binary = UINT64_MAX;
    o->raw = ml_raw_create(tensor);

    return o->raw ? 0 : -1;
}


/*
 * The reader counts an array inside of another as an element, too, and what
 * goes onto the tape, which has a bound of its own.
 */
static uint64_t
ml_oip_reader_elements(uint64_t elements, size_t tape)
{
    uint64_t  nodes;

    nodes = tape / sizeof(ml_tape_node_t);

    return elements > (UINT64_MAX - nodes) / ML_TENSOR_MAX_RANK
           ? UINT64_MAX : elements * ML_TENSOR_MAX_RANK + nodes;
}


ml_body_t *
ml_oip_create(const ml_oip_contract_t *contract, uint64_t header,
    const ml_json_limits_t *limits, size_t tape, const uint8_t *seed)
{
    ml_oip_t  *o;

    static const ml_body_ops_t  ops = {
        ml_oip_feed,
        ml_oip_finish,
        ml_oip_error,
        ml_oip_tensors,
        NULL,
        ml_oip_watch,
        ml_oip_destroy
    };

    o = calloc(1, sizeof(ml_oip_t));

    if (o == NULL) {
        return NULL;
    }

    o->body.ops = &ops;
    o->contract = contract;
    o->elements = limits->elements;
    o->header = header;
    o->binary = header != ML_OIP_JSON;
    o->sink.kernel = ml_pack_kernel();

    memcpy(o->seed, seed, sizeof(o->seed));
    memset(o->root, 0xff, sizeof(o->root));

    ml_violation_init(&o->violation);
    ml_tape_init(&o->tape, tape);

    o->inputs = calloc(ML_OIP_TENSORS, sizeof(ml_oip_input_t));
    o->tensors = calloc(contract->ninputs + 1, sizeof(ml_tensor_t));

    if (o->inputs == NULL || o->tensors == NULL) {
        goto failed;
    }

    if (header == 0) {

        if (contract->ninputs == 1 && ml_oip_create_raw(o) != 0) {
            goto failed;
        }

        return &o->body;
    }

    o->limits = *limits;
    o->limits.elements = ml_oip_reader_elements(limits->elements, tape);

    o->reader = ml_json_create(&o->limits, seed, &ml_oip_events, o);

    if (o->reader) {
        return &o->body;
    }

failed:

    ml_oip_destroy(&o->body);

    return NULL;
}


static void
ml_oip_destroy(ml_body_t *body)
{
    size_t     i;
    ml_oip_t  *o = (ml_oip_t *) body;

    for (i = 0; o->tensors && i < o->contract->ninputs; i++) {
        free(o->tensors[i].data);
    }

    if (o->raw) {
        o->raw->ops->destroy(o->raw);
    }

    ml_json_destroy(o->reader);
    ml_tape_free(&o->tape);
    ml_sink_free(&o->sink);
    ml_violation_free(&o->violation);

    free(o->request.outputs);
    free(o->names);
    free(o->tensors);
    free(o->inputs);
    free(o);
}


const ml_oip_request_t *
ml_oip_request(const ml_body_t *body)
{
    return &((const ml_oip_t *) body)->request;
}


static const ml_error_t *
ml_oip_error(const ml_body_t *body)
{
    return &((const ml_oip_t *) body)->violation.error;
}


static ml_tensor_t *
ml_oip_tensors(ml_body_t *body, uint32_t *n)
{
    ml_oip_t  *o = (ml_oip_t *) body;

    *n = (uint32_t) o->contract->ninputs;

    return o->tensors;
}


static void
ml_oip_watch(ml_body_t *body, const ml_body_watch_t *watch)
{
    ((ml_oip_t *) body)->watch = watch;
}


/* Part of an element that is a string; the path is its input's. */
int
ml_oip_text(ml_oip_t *o, size_t input, ml_json_string_e part,
    const char *bytes, size_t len)
{
    int  rc;

    if (o->watch == NULL) {
        return 0;
    }

    rc = o->watch->string(o->watch->data, part, bytes, len);

    if (rc == 0) {
        return 0;
    }

    if (rc < 0) {
        return ml_oip_fail(o);
    }

    ml_oip_at(o, "inputs");
    ml_oip_at_index(o, input);

    return ml_oip_refuse(o, "the text is not allowed");
}


void
ml_oip_at(ml_oip_t *o, const char *name)
{
    o->npath = 0;
    ml_oip_at_name(o, name);
}


void
ml_oip_at_name(ml_oip_t *o, const char *name)
{
    o->path[o->npath].name = name;
    o->path[o->npath++].len = strlen(name);
}


void
ml_oip_at_index(ml_oip_t *o, uint64_t index)
{
    o->path[o->npath].name = NULL;
    o->path[o->npath++].index = index;
}


int
ml_oip_fail(ml_oip_t *o)
{
    o->status = ML_BODY_FAILED;

    return -1;
}


int
ml_oip_reject(ml_oip_t *o)
{
    if (ml_violation_failed(&o->violation)) {
        return ml_oip_fail(o);
    }

    o->violation.error.path = o->path;
    o->violation.error.npath = o->npath;
    o->status = ML_BODY_REJECTED;

    return -1;
}


int
ml_oip_refuse(ml_oip_t *o, const char *why)
{
    ml_violation_value(&o->violation, why);

    return ml_oip_reject(o);
}


/* What the reader says; a handler that stopped it has set the status. */
static void
ml_oip_verdict(ml_oip_t *o, ml_json_status_e status)
{
    uint64_t     offset;
    const char  *why;

    switch (status) {

    case ML_JSON_INVALID:
        why = ml_json_error(o->reader, &offset);
        o->npath = 0;
        ml_oip_at_index(o, offset);
        ml_violation_json(&o->violation, why);
        (void) ml_oip_reject(o);
        break;

    case ML_JSON_DONE:
        (void) ml_oip_request_end(o);
        break;

    case ML_JSON_MEMORY:
        (void) ml_oip_fail(o);
        break;

    default:
        break;
    }
}


/* The binary part */

/* An element of the binary part is at fault, or its input. */
static int
ml_oip_binary_reject(ml_oip_t *o, const char *why)
{
    ml_oip_at(o, "inputs");
    ml_oip_at_index(o, o->current);

    return ml_oip_refuse(o, why);
}


/* What the reader of raw elements found. */
static int
ml_oip_raw_verdict(ml_oip_t *o, ml_body_status_e status)
{
    size_t             i;
    uint32_t           n;
    ml_oip_input_t    *input;
    const ml_error_t  *error;

    input = &o->inputs[o->current];

    switch (status) {

    case ML_BODY_MORE:
        return 0;

    case ML_BODY_PASSED:

        if (o->contract->inputs) {
            o->tensors[input->spec] = *o->raw->ops->tensors(o->raw, &n);
            o->raw->ops->tensors(o->raw, &n)->data = NULL;
        }

        return 0;

    case ML_BODY_REJECTED:

        error = o->raw->ops->error(o->raw);
        ml_oip_at(o, "inputs");
        ml_oip_at_index(o, o->current);

        for (i = 0; i < error->npath; i++) {
            ml_oip_at_index(o, error->path[i].index);
        }

        /* its texts are those of the other, which stays */

        o->violation.error = *error;
        o->violation.error.path = o->path;
        o->violation.error.npath = o->npath;
        o->status = ML_BODY_REJECTED;

        return -1;

    default: /* ML_BODY_FAILED */
        return ml_oip_fail(o);
    }
}


/* Goes on to the next input that has bytes; there may be none. */
static int
ml_oip_binary_next(ml_oip_t *o)
{
    ml_oip_input_t  *input;

    for ( /* void */ ; o->current < o->ninputs; o->current++) {
        input = &o->inputs[o->current];

        if (input->binary == 0 || input->binary == UINT64_MAX) {
            continue;
        }

        o->left = input->binary;

        if (input->tensor.spec.dtype == ML_DTYPE_NONE) {
            return 0;
        }

        o->raw = o->contract->inputs ? ml_raw_create(&input->tensor)
                                     : ml_raw_create_check(&input->tensor);

        return o->raw ? 0 : ml_oip_fail(o);
    }

    return 0;
}


static int
ml_oip_binary_elements(ml_oip_t *o, const char *bytes, size_t len)
{
    if (ml_oip_raw_verdict(o, o->raw->ops->feed(o->raw, bytes, len)) != 0) {
        return -1;
    }

    if (o->left > len) {
        return 0;
    }

    if (ml_oip_raw_verdict(o, o->raw->ops->finish(o->raw)) != 0) {
        return -1;
    }

    o->raw->ops->destroy(o->raw);
    o->raw = NULL;

    return 0;
}


/* Each string has its length in front: four bytes, little-endian. */
static int
ml_oip_binary_strings(ml_oip_t *o, const char *bytes, size_t len)
{
    size_t    n;
    uint64_t  left;

    for (left = o->left; len; bytes += n, len -= n, left -= n) {

        if (o->string) {
            n = len < o->string ? len : o->string;
            o->string -= (uint32_t) n;

            if (ml_oip_text(o, o->current, ML_JSON_PIECE, bytes, n) != 0
                || (o->string == 0
                    && ml_oip_text(o, o->current, ML_JSON_LAST, NULL, 0)
                       != 0))
            {
                return -1;
            }

            continue;
        }

        n = 1;

        if (o->nprefix == 0
            && o->strings == o->inputs[o->current].tensor.elements)
        {
            return ml_oip_binary_reject(o, "it has more strings than its "
                                           "shape");
        }

        o->prefix[o->nprefix++] = (uint8_t) *bytes;

        if (o->nprefix < 4) {
            continue;
        }

        o->string = (uint32_t) o->prefix[0] | (uint32_t) o->prefix[1] << 8
                    | (uint32_t) o->prefix[2] << 16
                    | (uint32_t) o->prefix[3] << 24;
        o->nprefix = 0;
        o->strings++;

        if (o->string
            && ml_oip_text(o, o->current, ML_JSON_FIRST, NULL, 0) != 0)
        {
            return -1;
        }

        if (o->string > left - 1) {
            return ml_oip_binary_reject(o, "a string is longer than what is "
                                           "left of the input");
        }
    }

    if (left) {
        return 0;
    }

    if (o->nprefix || o->strings < o->inputs[o->current].tensor.elements) {
        return ml_oip_binary_reject(o, "it has fewer strings than its shape");
    }

    o->strings = 0;

    return 0;
}


static int
ml_oip_binary_feed(ml_oip_t *o, const char *bytes, size_t len)
{
    int     rc;
    size_t  n;

    while (len) {

        if (o->current == o->ninputs) {
            o->npath = 0;
            return ml_oip_refuse(o, "the body is longer than its inputs");
        }

        n = len < o->left ? len : (size_t) o->left;

        rc = o->raw ? ml_oip_binary_elements(o, bytes, n)
                    : ml_oip_binary_strings(o, bytes, n);

        if (rc != 0) {
            return -1;
        }

        bytes += n;
        len -= n;
        o->left -= n;

        if (o->left == 0) {
            o->current++;

            if (ml_oip_binary_next(o) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


/* The JSON ends. */
static int
ml_oip_json_end(ml_oip_t *o)
{
    ml_oip_verdict(o, ml_json_finish(o->reader));

    return o->status == ML_BODY_MORE ? 0 : -1;
}


static ml_body_status_e
ml_oip_feed(ml_body_t *body, const char *bytes, size_t len)
{
    size_t     n;
    ml_oip_t  *o = (ml_oip_t *) body;

    if (o->status != ML_BODY_MORE || len == 0) {
        return o->status;
    }

    if (o->reader == NULL && o->raw == NULL) {
        o->npath = 0;
        (void) ml_oip_refuse(o, o->inputs[0].tensor.elements > o->elements
                                ? "these are more elements than are allowed"
                                : "a request without JSON needs a model that "
                                  "is known and has one input");
        return o->status;
    }

    if (o->reader == NULL) {
        (void) ml_oip_raw_verdict(o, o->raw->ops->feed(o->raw, bytes, len));
        return o->status;
    }

    if (o->header) {
        n = len < o->header ? len : (size_t) o->header;

        ml_oip_verdict(o, ml_json_feed(o->reader, bytes, n));

        if (o->status != ML_BODY_MORE || !o->binary) {
            return o->status;
        }

        o->header -= n;
        bytes += n;
        len -= n;

        if (o->header
            || ml_oip_json_end(o) != 0
            || ml_oip_binary_next(o) != 0)
        {
            return o->status;
        }
    }

    (void) ml_oip_binary_feed(o, bytes, len);

    return o->status;
}


static ml_body_status_e
ml_oip_finish(ml_body_t *body)
{
    ml_oip_t  *o = (ml_oip_t *) body;

    if (o->status != ML_BODY_MORE) {
        return o->status;
    }

    if (o->reader == NULL) {

        if (o->raw == NULL) {
            o->npath = 0;
            ml_violation_missing(&o->violation);
            (void) ml_oip_reject(o);

        } else if (ml_oip_raw_verdict(o, o->raw->ops->finish(o->raw)) == 0) {
            o->status = ML_BODY_PASSED;
        }

        return o->status;
    }

    if (o->binary && o->header) {
        o->npath = 0;
        (void) ml_oip_refuse(o, "the body is shorter than "
                                "Inference-Header-Content-Length");
        return o->status;
    }

    if (!o->binary && ml_oip_json_end(o) != 0) {
        return o->status;
    }

    if (o->binary && o->current < o->ninputs) {
        (void) ml_oip_binary_reject(o, "the body ends before its last "
                                       "element");
        return o->status;
    }

    o->status = ML_BODY_PASSED;

    return o->status;
}
