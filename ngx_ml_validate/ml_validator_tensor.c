/* From events to a packed tensor; see ml_validator_state.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_validator_state.h"


/* Bytes that a tensor starts with, when it can be that large. */
#define ML_VALIDATOR_FIRST  65536


/* How many elements the dimension may have. */
static uint64_t
ml_validator_tensor_limit(const ml_schema_tensor_t *tensor, uint32_t level)
{
    return (uint64_t) (tensor->spec.dims[level] == -1
                       ? tensor->spec.bound : tensor->spec.dims[level]);
}


/* Makes room for n more elements, which the shape allows. */
static char *
ml_validator_tensor_room(ml_validator_t *v, uint64_t n)
{
    char         *data;
    uint64_t      need, capacity;
    ml_tensor_t  *tensor;

    tensor = &v->tensors[v->tensor->index];
    need = v->total + n;

    if (need > v->capacity) {
        capacity = v->capacity ? v->capacity * 2
                               : ML_VALIDATOR_FIRST / v->tensor->size;

        if (capacity < need) {
            capacity = need;
        }

        if (capacity > v->tensor->elements) {
            capacity = v->tensor->elements;
        }

        data = realloc(tensor->data, capacity * v->tensor->size);

        if (data == NULL) {
            return NULL;
        }

        tensor->data = data;
        v->capacity = capacity;
    }

    return (char *) tensor->data + v->total * v->tensor->size;
}


/* The free dimension is that of every tensor before that has its name. */
static int
ml_validator_tensor_agrees(ml_validator_t *v, const ml_tensor_t *tensor)
{
    uint32_t                   i;
    const ml_schema_tensor_t  *other;

    for (i = 0; v->tensor->dimension && i < v->schema->ntensors; i++) {
        other = v->schema->tensors[i];

        if (v->tensors[i].name
            && other->dimension
            && strcmp(other->dimension, v->tensor->dimension) == 0
            && v->tensors[i].dims[0] != tensor->dims[0])
        {
            ml_violation_dimension(&v->violation, v->tensor->dimension,
                                   (uint64_t) tensor->dims[0],
                                   (uint64_t) v->tensors[i].dims[0]);

            return ml_validator_reject(v, v->nframes, 0, NULL);
        }
    }

    return 0;
}


/* All elements are there. */
static int
ml_validator_tensor_end(ml_validator_t *v)
{
    void         *data;
    uint32_t      i;
    ml_tensor_t  *tensor;

    tensor = &v->tensors[v->tensor->index];

    tensor->name = v->tensor->spec.name;
    tensor->dtype = v->tensor->spec.dtype;
    tensor->rank = v->tensor->spec.rank;
    tensor->bytes = v->total * v->tensor->size;

    for (i = 0; i < tensor->rank; i++) {
        tensor->dims[i] = v->tensor->spec.dims[i];
    }

    if (tensor->rank && tensor->dims[0] == -1) {
        tensor->dims[0] = (int64_t) v->counts[0];
    }

    if (v->total < v->capacity) {
        data = realloc(tensor->data, tensor->bytes);

        if (data) {
            tensor->data = data;
        }
    }

    if (ml_validator_tensor_agrees(v, tensor) != 0) {
        return -1;
    }

    v->tensor = NULL;
    v->total = 0;
    v->capacity = 0;

    return 0;
}


/* One more element of the innermost open dimension. */
static int
ml_validator_tensor_element(ml_validator_t *v)
{
    uint64_t  limit;

    if (v->level == 0) {
        return 0;
    }

    limit = ml_validator_tensor_limit(v->tensor, v->level - 1);

    if (v->counts[v->level - 1] == limit) {
        ml_violation_long_list(&v->violation, limit);
        return ml_validator_reject(v, v->nframes, v->level - 1, NULL);
    }

    v->counts[v->level - 1]++;

    return 0;
}


int
ml_validator_tensor_other(ml_validator_t *v)
{
    if (ml_validator_tensor_element(v) != 0) {
        return -1;
    }

    if (v->level < v->tensor->spec.rank) {
        ml_violation_list(&v->violation);

    } else {
        ml_violation_element(&v->violation, v->tensor->spec.dtype);
    }

    return ml_validator_reject(v, v->nframes, v->level, NULL);
}


int
ml_validator_tensor_open(ml_validator_t *v)
{
    if (v->level == v->tensor->spec.rank) {
        return ml_validator_tensor_other(v);
    }

    if (ml_validator_tensor_element(v) != 0) {
        return -1;
    }

    v->counts[v->level++] = 0;

    return 0;
}


int
ml_validator_tensor_close(ml_validator_t *v)
{
    uint64_t  count, min;
    uint32_t  level;

    level = --v->level;
    count = v->counts[level];
    min = v->tensor->spec.dims[level] == -1
          ? 1 : (uint64_t) v->tensor->spec.dims[level];

    if (count < min) {
        ml_violation_short_list(&v->violation, min, count);
        return ml_validator_reject(v, v->nframes, level, NULL);
    }

    return level ? 0 : ml_validator_tensor_end(v);
}


int
ml_validator_tensor_numbers(ml_validator_t *v, const ml_number_t *numbers,
    size_t n)
{
    char                      *to;
    size_t                     fit, stored;
    uint64_t                   left;
    ml_narrow_e                why;
    const ml_schema_tensor_t  *tensor;

    tensor = v->tensor;

    if (v->level < tensor->spec.rank || tensor->spec.dtype == ML_DTYPE_BOOL) {
        return ml_validator_tensor_other(v);
    }

    fit = n;

    if (v->level) {
        left = ml_validator_tensor_limit(tensor, v->level - 1)
               - v->counts[v->level - 1];
        fit = n < left ? n : (size_t) left;
    }

    to = ml_validator_tensor_room(v, fit);

    if (to == NULL) {
        return ml_validator_fail(v);
    }

    stored = ml_narrow(tensor->spec.dtype, &tensor->bounds, numbers, fit, to,
                       &why);

    if (v->level == 0) {

        if (stored == 0) {
            ml_violation_narrow(&v->violation, why, tensor);
            return ml_validator_reject(v, v->nframes, 0, NULL);
        }

        v->total = 1;

        return ml_validator_tensor_end(v);
    }

    v->total += stored;
    v->counts[v->level - 1] += stored;

    if (stored < n && ml_validator_tensor_element(v) != 0) {
        return -1;
    }

    if (stored < fit) {
        ml_violation_narrow(&v->violation, why, tensor);
        return ml_validator_reject(v, v->nframes, v->level, NULL);
    }

    return 0;
}


/* Elements per call for more room. */
#define ML_VALIDATOR_PACK  4096


size_t
ml_validator_tensor_pack(ml_validator_t *v, const char **p, const char *end,
    size_t n, uint32_t limit)
{
    char                      *to;
    size_t                     total, part, stored;
    uint64_t                   left;
    const ml_schema_tensor_t  *tensor;

    tensor = v->tensor;

    if (v->level == 0 || v->level < tensor->spec.rank
        || tensor->spec.dtype == ML_DTYPE_BOOL)
    {
        return 0;
    }

    left = ml_validator_tensor_limit(tensor, v->level - 1)
           - v->counts[v->level - 1];
    n = n < left ? n : (size_t) left;

    for (total = 0; total < n; total += stored) {
        part = n - total < ML_VALIDATOR_PACK ? n - total : ML_VALIDATOR_PACK;

        /* a number and its comma take two bytes */

        part = (size_t) (end - *p) / 2 < part ? (size_t) (end - *p) / 2 : part;
        to = part ? ml_validator_tensor_room(v, part) : NULL;

        /* without memory the ordinary way fails, too, and tells it */

        if (to == NULL) {
            break;
        }

        stored = ml_pack(v->kernel, tensor->spec.dtype, &tensor->bounds, p,
                         end, limit, to, part);

        v->total += stored;
        v->counts[v->level - 1] += stored;

        if (stored < part) {
            return total + stored;
        }
    }

    return total;
}


int
ml_validator_tensor_literal(ml_validator_t *v, ml_json_literal_e literal)
{
    char  *to;

    if (v->level < v->tensor->spec.rank
        || v->tensor->spec.dtype != ML_DTYPE_BOOL || literal == ML_JSON_NULL)
    {
        return ml_validator_tensor_other(v);
    }

    if (ml_validator_tensor_element(v) != 0) {
        return -1;
    }

    to = ml_validator_tensor_room(v, 1);

    if (to == NULL) {
        return ml_validator_fail(v);
    }

    *to = literal == ML_JSON_TRUE;
    v->total++;

    return v->level ? 0 : ml_validator_tensor_end(v);
}
