/* Bodies of raw elements; see ml_raw.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_raw.h"


/* Bytes that a tensor starts with, when it can be that large. */
#define ML_RAW_FIRST  65536


static ml_body_status_e
ml_raw_body_feed(ml_body_t *body, const char *bytes, size_t len)
{
    return ml_raw_feed((ml_raw_t *) body, bytes, len);
}


static ml_body_status_e
ml_raw_body_finish(ml_body_t *body)
{
    return ml_raw_finish((ml_raw_t *) body);
}


ml_body_t *
ml_raw_create(const ml_schema_tensor_t *schema)
{
    ml_raw_t  *raw;

    static const ml_body_ops_t  ops = {
        ml_raw_body_feed,
        ml_raw_body_finish,
        ml_raw_error,
        ml_raw_tensors,
        NULL,
        NULL,
        ml_raw_destroy
    };

    raw = calloc(1, sizeof(ml_raw_t));

    if (raw == NULL) {
        return NULL;
    }

    ml_raw_init(raw, &ops, schema);

    return &raw->body;
}


ml_body_t *
ml_raw_create_check(const ml_schema_tensor_t *schema)
{
    ml_body_t  *body;

    body = ml_raw_create(schema);

    if (body) {
        ((ml_raw_t *) body)->only_check = 1;
    }

    return body;
}


void
ml_raw_init(ml_raw_t *raw, const ml_body_ops_t *ops,
    const ml_schema_tensor_t *schema)
{
    raw->body.ops = ops;
    raw->schema = schema;
    raw->most = schema->elements * schema->size;

    raw->tensor.name = schema->spec.name;
    raw->tensor.dtype = schema->spec.dtype;
    raw->tensor.rank = schema->spec.rank;
    memcpy(raw->tensor.dims, schema->spec.dims, sizeof(raw->tensor.dims));

    ml_violation_init(&raw->violation);
}


const ml_error_t *
ml_raw_error(const ml_body_t *body)
{
    return &((const ml_raw_t *) body)->violation.error;
}


ml_tensor_t *
ml_raw_tensors(ml_body_t *body, uint32_t *n)
{
    *n = 1;

    return &((ml_raw_t *) body)->tensor;
}


void
ml_raw_destroy(ml_body_t *body)
{
    ml_raw_t  *raw;

    raw = (ml_raw_t *) body;

    free(raw->tensor.data);
    ml_violation_free(&raw->violation);
    free(raw);
}


ml_body_status_e
ml_raw_reject(ml_raw_t *raw)
{
    raw->status = ml_violation_failed(&raw->violation) ? ML_BODY_FAILED
                                                       : ML_BODY_REJECTED;
    return raw->status;
}


/* The element at fault, by its place in every dimension. */

static ml_body_status_e
ml_raw_reject_element(ml_raw_t *raw, uint64_t element, ml_narrow_e why)
{
    int64_t   dim;
    uint32_t  i;

    for (i = raw->tensor.rank; i-- > 0; /* void */ ) {

        /* the first one takes what is left, free or not */

        dim = i ? raw->tensor.dims[i] : INT64_MAX;

        raw->path[i].index = element % (uint64_t) dim;
        element /= (uint64_t) dim;
    }

    raw->violation.error.path = raw->path;
    raw->violation.error.npath = raw->tensor.rank;

    ml_violation_narrow(&raw->violation, why, raw->schema);

    return ml_raw_reject(raw);
}


/* How many the first dimension may have. */

static uint64_t
ml_raw_rows(const ml_raw_t *raw)
{
    if (raw->schema->spec.rank == 0) {
        return 1;
    }

    return (uint64_t) (raw->schema->spec.dims[0] == -1
                       ? raw->schema->spec.bound : raw->schema->spec.dims[0]);
}


/* Whether all of "n" more bytes are there; makes room for them. */

static int
ml_raw_room(ml_raw_t *raw, uint64_t n)
{
    char      *data;
    uint64_t   need, capacity;

    need = raw->total - raw->dropped + n;

    if (need <= raw->capacity) {
        return 0;
    }

    capacity = raw->capacity ? raw->capacity * 2 : ML_RAW_FIRST;

    if (capacity < need) {
        capacity = need;
    }

    if (capacity > raw->most) {
        capacity = raw->most;
    }

    data = realloc(raw->tensor.data, capacity);

    if (data == NULL) {
        return -1;
    }

    raw->tensor.data = data;
    raw->capacity = capacity;

    return 0;
}


static ml_body_status_e
ml_raw_check(ml_raw_t *raw)
{
    char        *data;
    size_t       rest;
    uint64_t     i, n;
    ml_narrow_e  why;

    n = raw->total / raw->schema->size;
    data = raw->tensor.data;

    i = raw->checked
        + ml_narrow_check_elements(raw->schema->spec.dtype,
                                   &raw->schema->bounds,
                                   data + (raw->checked * raw->schema->size
                                           - raw->dropped),
                                   n - raw->checked, &why);
    raw->checked = i;

    if (i < n) {
        return ml_raw_reject_element(raw, i, why);
    }

    if (raw->only_check) {

        /* but the beginning of the next element */

        rest = (size_t) (raw->total - n * raw->schema->size);
        memmove(data, data + (n * raw->schema->size - raw->dropped), rest);
        raw->dropped = raw->total - rest;
    }

    return ML_BODY_MORE;
}


ml_body_status_e
ml_raw_feed(ml_raw_t *raw, const char *bytes, size_t len)
{
    uint64_t          fit;
    ml_body_status_e  rc;

    if (raw->status != ML_BODY_MORE || len == 0) {
        return raw->status;
    }

    fit = raw->most - raw->total;
    fit = len < fit ? len : fit;

    if (ml_raw_room(raw, fit) != 0) {
        raw->status = ML_BODY_FAILED;
        return raw->status;
    }

    memcpy((char *) raw->tensor.data + (raw->total - raw->dropped), bytes,
           fit);
    raw->total += fit;

    /* in the order in which they came: elements, then one too many */

    rc = ml_raw_check(raw);

    if (rc != ML_BODY_MORE || fit == len) {
        return rc;
    }

    ml_violation_long_list(&raw->violation, ml_raw_rows(raw));

    return ml_raw_reject(raw);
}


ml_body_status_e
ml_raw_finish(ml_raw_t *raw)
{
    char      *data;
    uint64_t   row, rows, least;

    if (raw->status != ML_BODY_MORE) {
        return raw->status;
    }

    rows = ml_raw_rows(raw);
    row = raw->schema->elements / rows * raw->schema->size;
    least = raw->tensor.rank && raw->tensor.dims[0] == -1 ? 1 : rows;

    if (raw->total % row) {
        ml_violation_value(&raw->violation, "the last row is cut off");
        return ml_raw_reject(raw);
    }

    rows = raw->total / row;

    if (rows < least) {
        ml_violation_short_list(&raw->violation, least, rows);
        return ml_raw_reject(raw);
    }

    if (raw->tensor.rank) {
        raw->tensor.dims[0] = (int64_t) rows;
    }

    raw->tensor.bytes = (size_t) raw->total;

    if (raw->only_check) {
        free(raw->tensor.data);
        raw->tensor.data = NULL;

    } else if (raw->total < raw->capacity) {
        data = realloc(raw->tensor.data, raw->total);

        if (data) {
            raw->tensor.data = data;
        }
    }

    raw->status = ML_BODY_PASSED;

    return raw->status;
}
