/* From events to a packed tensor; see ml_sink.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_sink.h"


/* Bytes that a tensor starts with, when it can be that large. */
#define ML_SINK_FIRST  65536

/* The most elements that room is made for at once. */
#define ML_SINK_PACK   4096


void
ml_sink_open(ml_sink_t *sink, const ml_schema_tensor_t *schema,
    ml_tensor_t *tensor, ml_violation_t *violation)
{
    sink->schema = schema;
    sink->tensor = tensor;
    sink->violation = violation;
    sink->level = 0;
    sink->total = 0;
    sink->capacity = 0;
}


void
ml_sink_free(ml_sink_t *sink)
{
    free(sink->scratch);
}


/* How many elements the dimension may have. */
static uint64_t
ml_sink_limit(const ml_schema_tensor_t *schema, uint32_t level)
{
    return (uint64_t) (schema->spec.dims[level] == -1
                       ? schema->spec.bound : schema->spec.dims[level]);
}


static int
ml_sink_numeric(const ml_schema_tensor_t *schema)
{
    return schema->spec.dtype != ML_DTYPE_BOOL
           && schema->spec.dtype != ML_DTYPE_NONE;
}


static ml_sink_e
ml_sink_reject(ml_sink_t *sink, uint32_t depth)
{
    sink->depth = depth;

    return ML_SINK_REJECTED;
}


/* Makes room for n more elements, which the shape allows. */
static char *
ml_sink_room(ml_sink_t *sink, uint64_t n)
{
    char         *data;
    uint64_t      need, capacity;
    ml_tensor_t  *tensor;

    tensor = sink->tensor;

    if (tensor == NULL) {

        if (sink->scratch == NULL) {
            sink->scratch = malloc(ML_SINK_PACK * sizeof(uint64_t));
        }

        return sink->scratch;
    }

    need = sink->total + n;

    if (need > sink->capacity) {
        capacity = sink->capacity ? sink->capacity * 2
                                  : ML_SINK_FIRST / sink->schema->size;

        if (capacity < need) {
            capacity = need;
        }

        if (capacity > sink->schema->elements) {
            capacity = sink->schema->elements;
        }

        data = realloc(tensor->data, capacity * sink->schema->size);

        if (data == NULL) {
            return NULL;
        }

        tensor->data = data;
        sink->capacity = capacity;
    }

    return (char *) tensor->data + sink->total * sink->schema->size;
}


/* All elements are there. */
static ml_sink_e
ml_sink_done(ml_sink_t *sink)
{
    void                    *data;
    ml_tensor_t             *tensor;
    const ml_tensor_spec_t  *spec;

    tensor = sink->tensor;

    if (tensor) {
        spec = &sink->schema->spec;

        tensor->name = spec->name;
        tensor->dtype = spec->dtype;
        tensor->rank = spec->rank;
        tensor->bytes = sink->total * sink->schema->size;

        memcpy(tensor->dims, spec->dims, sizeof(tensor->dims));

        if (tensor->rank && tensor->dims[0] == -1) {
            tensor->dims[0] = (int64_t) sink->counts[0];
        }

        if (sink->total && sink->total < sink->capacity) {
            data = realloc(tensor->data, tensor->bytes);

            if (data) {
                tensor->data = data;
            }
        }
    }

    sink->schema = NULL;

    return ML_SINK_DONE;
}


/* One more element of the innermost open dimension. */
static ml_sink_e
ml_sink_element(ml_sink_t *sink)
{
    uint64_t  limit;

    if (sink->level == 0) {
        return ML_SINK_MORE;
    }

    limit = ml_sink_limit(sink->schema, sink->level - 1);

    if (sink->counts[sink->level - 1] == limit) {
        ml_violation_long_list(sink->violation, limit);
        return ml_sink_reject(sink, sink->level - 1);
    }

    sink->counts[sink->level - 1]++;

    return ML_SINK_MORE;
}


ml_sink_e
ml_sink_other(ml_sink_t *sink)
{
    if (ml_sink_element(sink) != ML_SINK_MORE) {
        return ML_SINK_REJECTED;
    }

    if (sink->level < sink->schema->spec.rank) {
        ml_violation_list(sink->violation);

    } else {
        ml_violation_element(sink->violation, sink->schema->spec.dtype);
    }

    return ml_sink_reject(sink, sink->level);
}


ml_sink_e
ml_sink_array(ml_sink_t *sink)
{
    if (sink->level == sink->schema->spec.rank) {
        return ml_sink_other(sink);
    }

    if (ml_sink_element(sink) != ML_SINK_MORE) {
        return ML_SINK_REJECTED;
    }

    sink->counts[sink->level++] = 0;

    return ML_SINK_MORE;
}


ml_sink_e
ml_sink_end(ml_sink_t *sink)
{
    uint64_t  count, min;
    uint32_t  level;

    level = --sink->level;
    count = sink->counts[level];
    min = sink->schema->spec.dims[level] == -1
          ? 1 : (uint64_t) sink->schema->spec.dims[level];

    if (count < min) {
        ml_violation_short_list(sink->violation, min, count);
        return ml_sink_reject(sink, level);
    }

    return level ? ML_SINK_MORE : ml_sink_done(sink);
}


ml_sink_e
ml_sink_numbers(ml_sink_t *sink, const ml_number_t *numbers, size_t n)
{
    char                      *to;
    size_t                     fit, stored;
    uint64_t                   left;
    ml_narrow_e                why;
    const ml_schema_tensor_t  *schema;

    schema = sink->schema;

    if (sink->level < schema->spec.rank || !ml_sink_numeric(schema)) {
        return ml_sink_other(sink);
    }

    fit = n;

    if (sink->level) {
        left = ml_sink_limit(schema, sink->level - 1)
               - sink->counts[sink->level - 1];
        fit = n < left ? n : (size_t) left;
    }

    to = ml_sink_room(sink, fit);

    if (to == NULL) {
        return ML_SINK_MEMORY;
    }

    stored = ml_narrow(schema->spec.dtype, &schema->bounds, numbers, fit, to,
                       &why);

    sink->total += stored;

    if (sink->level == 0) {

        if (stored) {
            return ml_sink_done(sink);
        }

        ml_violation_narrow(sink->violation, why, schema);

        return ml_sink_reject(sink, 0);
    }

    sink->counts[sink->level - 1] += stored;

    if (stored < n && ml_sink_element(sink) != ML_SINK_MORE) {
        return ML_SINK_REJECTED;
    }

    if (stored < fit) {
        ml_violation_narrow(sink->violation, why, schema);
        return ml_sink_reject(sink, sink->level);
    }

    return ML_SINK_MORE;
}


size_t
ml_sink_pack(ml_sink_t *sink, const char **p, const char *end, size_t n,
    uint32_t limit)
{
    char                      *to;
    size_t                     total, part, stored;
    uint64_t                   left;
    const ml_schema_tensor_t  *schema;

    schema = sink->schema;

    if (sink->level == 0 || sink->level < schema->spec.rank
        || !ml_sink_numeric(schema))
    {
        return 0;
    }

    left = ml_sink_limit(schema, sink->level - 1)
           - sink->counts[sink->level - 1];
    n = n < left ? n : (size_t) left;

    for (total = 0; total < n; total += stored) {
        part = n - total < ML_SINK_PACK ? n - total : ML_SINK_PACK;

        /* a number and its comma take two bytes */

        part = (size_t) (end - *p) / 2 < part ? (size_t) (end - *p) / 2 : part;
        to = part ? ml_sink_room(sink, part) : NULL;

        /* without memory the ordinary way fails, too, and tells it */

        if (to == NULL) {
            break;
        }

        stored = ml_pack(sink->kernel, schema->spec.dtype, &schema->bounds, p,
                         end, limit, to, part);

        sink->total += stored;
        sink->counts[sink->level - 1] += stored;

        if (stored < part) {
            return total + stored;
        }
    }

    return total;
}


ml_sink_e
ml_sink_literal(ml_sink_t *sink, ml_json_literal_e literal)
{
    char  *to;

    if (sink->level < sink->schema->spec.rank
        || sink->schema->spec.dtype != ML_DTYPE_BOOL
        || literal == ML_JSON_NULL)
    {
        return ml_sink_other(sink);
    }

    if (ml_sink_element(sink) != ML_SINK_MORE) {
        return ML_SINK_REJECTED;
    }

    to = ml_sink_room(sink, 1);

    if (to == NULL) {
        return ML_SINK_MEMORY;
    }

    *to = literal == ML_JSON_TRUE;
    sink->total++;

    return sink->level ? ML_SINK_MORE : ml_sink_done(sink);
}


ml_sink_e
ml_sink_string(ml_sink_t *sink)
{
    if (sink->level < sink->schema->spec.rank
        || sink->schema->spec.dtype != ML_DTYPE_NONE)
    {
        return ml_sink_other(sink);
    }

    if (ml_sink_element(sink) != ML_SINK_MORE) {
        return ML_SINK_REJECTED;
    }

    sink->total++;

    return sink->level ? ML_SINK_MORE : ml_sink_done(sink);
}
