/* The schema keyword x-tensor; see ml_schema.h. */

#include <string.h>

#include "ml_schema_compiler.h"


typedef int (*ml_schema_tensor_pt)(ml_schema_compiler_t *c,
    ml_schema_tensor_t *tensor, uint32_t i);


/* A name for people and programs: no NUL, so that C can hold it. */
static int
ml_schema_tensor_input(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    char        *name;
    uint32_t     k;
    ml_tape_t   *tape;
    const char  *text;

    tape = &c->schema->tape;
    text = ml_tape_text(tape, i);

    if (tape->nodes[i].type != ML_TAPE_STRING
        || tape->nodes[i].size == 0
        || memchr(text, '\0', tape->nodes[i].size))
    {
        ml_schema_fail(c, "value is not a name");
        return 0;
    }

    name = ml_schema_alloc(c, (size_t) tape->nodes[i].size + 1, 1);

    if (name == NULL) {
        return 0;
    }

    memcpy(name, text, tape->nodes[i].size);

    for (k = 0; k < c->schema->ntensors; k++) {
        if (strcmp(c->schema->tensors[k]->spec.name, name) == 0) {
            ml_schema_fail(c, "an input of that name exists already");
            return 0;
        }
    }

    tensor->spec.name = name;

    return 1;
}


static int
ml_schema_tensor_dtype(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    ml_tape_t  *tape;

    tape = &c->schema->tape;

    if (tape->nodes[i].type == ML_TAPE_STRING) {
        tensor->spec.dtype = ml_dtype_parse(ml_tape_text(tape, i),
                                            tape->nodes[i].size);
    }

    if (tensor->spec.dtype == ML_DTYPE_NONE) {
        ml_schema_fail(c, "unknown dtype");
        return 0;
    }

    tensor->size = ml_dtype_size(tensor->spec.dtype);
    ml_narrow_limits(tensor->spec.dtype, &tensor->bounds);

    return 1;
}


static int
ml_schema_tensor_shape(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    uint32_t      end;
    uint64_t      n;
    ml_tape_t    *tape;
    ml_number_t   number;

    tape = &c->schema->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY
        || tape->nodes[i].size > ML_TENSOR_MAX_RANK)
    {
        ml_schema_fail(c, "value is not an array of up to %u dimensions",
                       ML_TENSOR_MAX_RANK);
        return 0;
    }

    end = ml_tape_next(tape, i);

    for (i++; i < end; i = ml_tape_next(tape, i)) {

        if (tape->nodes[i].type != ML_TAPE_NUMBER) {
            ml_schema_fail(c, "a dimension is not a number");
            return 0;
        }

        ml_tape_number(tape, i, &number);

        if (ml_number_integer(&number, &n) != ML_NUMBER_INTEGER
            || n == 0 || n > INT64_MAX
            || (number.negative && (n != 1 || tensor->spec.rank != 0)))
        {
            ml_schema_fail(c, "a dimension is neither a whole number from 1 "
                           "nor, as the first one, -1");
            return 0;
        }

        tensor->spec.dims[tensor->spec.rank++] = number.negative
                                                 ? -1 : (int64_t) n;
    }

    return 1;
}


static int
ml_schema_tensor_items(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    uint64_t  n;

    if (!ml_schema_whole(c, i, &n)) {
        return 0;
    }

    if (n == 0 || n > INT64_MAX) {
        ml_schema_fail(c, "value is out of range");
        return 0;
    }

    if (tensor->spec.rank == 0 || tensor->spec.dims[0] != -1) {
        ml_schema_fail(c, "no dimension is free");
        return 0;
    }

    tensor->spec.bound = (int64_t) n;

    return 1;
}


static int
ml_schema_tensor_bound(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i, int minimum)
{
    ml_number_t  number;

    if (tensor->spec.dtype == ML_DTYPE_BOOL) {
        ml_schema_fail(c, "values of dtype bool have no bounds");
        return 0;
    }

    if (!ml_schema_number(c, i, &number)) {
        return 0;
    }

    if (ml_narrow_set(tensor->spec.dtype, &tensor->bounds, minimum, &number)
        != ML_NARROW_OK)
    {
        ml_schema_fail(c, "value is no %s", ml_dtype_name(tensor->spec.dtype));
        return 0;
    }

    *(minimum ? &tensor->minimum : &tensor->maximum) = number.value;

    if (tensor->bounds.minimum > tensor->bounds.maximum
        || tensor->bounds.low > tensor->bounds.high)
    {
        ml_schema_fail(c, "minimum is above maximum");
        return 0;
    }

    return 1;
}


static int
ml_schema_tensor_minimum(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    return ml_schema_tensor_bound(c, tensor, i, 1);
}


static int
ml_schema_tensor_maximum(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    return ml_schema_tensor_bound(c, tensor, i, 0);
}


/* In the order in which they depend on each other. */
static const struct {
    const char           *name;
    int                   needed;
    ml_schema_tensor_pt   compile;
} ml_schema_tensor_keywords[] = {
    { "input", 1, ml_schema_tensor_input },
    { "dtype", 1, ml_schema_tensor_dtype },
    { "shape", 1, ml_schema_tensor_shape },
    { "maxItems", 0, ml_schema_tensor_items },
    { "minimum", 0, ml_schema_tensor_minimum },
    { "maximum", 0, ml_schema_tensor_maximum }
};


static int
ml_schema_tensor_keyword(const char *name, size_t len)
{
    size_t  k;

    for (k = 0; k < ml_schema_count(ml_schema_tensor_keywords); k++) {
        if (strlen(ml_schema_tensor_keywords[k].name) == len
            && memcmp(ml_schema_tensor_keywords[k].name, name, len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
ml_schema_tensor_read(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    size_t       k, was;
    uint32_t     key, end, value;
    ml_tape_t   *tape;
    const char  *name;

    tape = &c->schema->tape;
    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        name = ml_tape_text(tape, key);

        if (!ml_schema_tensor_keyword(name, tape->nodes[key].size)) {
            ml_schema_fail(c, "unknown keyword \"%.*s\"",
                           tape->nodes[key].size > 64
                           ? 64 : (int) tape->nodes[key].size, name);
            return 0;
        }
    }

    for (k = 0; k < ml_schema_count(ml_schema_tensor_keywords); k++) {
        name = ml_schema_tensor_keywords[k].name;
        value = ml_tape_member(tape, i, name, strlen(name));

        if (value == ML_TAPE_NONE) {

            if (ml_schema_tensor_keywords[k].needed) {
                ml_schema_fail(c, "\"%s\" is missing", name);
                return 0;
            }

            continue;
        }

        was = ml_schema_enter(c, name);

        if (!ml_schema_tensor_keywords[k].compile(c, tensor, value)) {
            return 0;
        }

        ml_schema_leave(c, was);
    }

    return 1;
}


/* What "type" says beside x-tensor agrees with it. */
static int
ml_schema_tensor_type(const ml_schema_node_t *node,
    const ml_schema_tensor_t *tensor)
{
    if (node->types == ML_SCHEMA_ANY) {
        return 1;
    }

    if (tensor->spec.rank) {
        return node->types == ML_SCHEMA_ARRAY;
    }

    if (tensor->spec.dtype == ML_DTYPE_BOOL) {
        return node->types == ML_SCHEMA_BOOLEAN;
    }

    return node->types == (ml_narrow_floating(tensor->spec.dtype)
                           ? ML_SCHEMA_NUMBER : ML_SCHEMA_INTEGER);
}


int
ml_schema_tensor(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    size_t               bytes;
    int64_t              dims[ML_TENSOR_MAX_RANK];
    ml_schema_t         *schema;
    ml_schema_tensor_t  *tensor;

    schema = c->schema;

    if (schema->tape.nodes[i].type != ML_TAPE_OBJECT) {
        ml_schema_fail(c, "value is not an object");
        return 0;
    }

    if (!c->sure) {
        ml_schema_fail(c, "a tensor must be in a required property of an "
                       "object (\"type\": \"object\") that is itself required");
        return 0;
    }

    if (schema->ntensors == ML_SCHEMA_TENSORS) {
        ml_schema_fail(c, "more than %u tensors", ML_SCHEMA_TENSORS);
        return 0;
    }

    tensor = ml_schema_alloc(c, 1, sizeof(ml_schema_tensor_t));

    if (tensor == NULL || !ml_schema_tensor_read(c, tensor, i)) {
        return 0;
    }

    memcpy(dims, tensor->spec.dims, sizeof(dims));

    if (tensor->spec.rank && dims[0] == -1) {

        if (tensor->spec.bound == 0) {
            ml_schema_fail(c, "a free dimension needs \"maxItems\"");
            return 0;
        }

        dims[0] = tensor->spec.bound;
    }

    if (ml_tensor_size(tensor->spec.dtype, tensor->spec.rank, dims, &bytes)
        != 0 || bytes > PTRDIFF_MAX)
    {
        ml_schema_fail(c, "the tensor is too large");
        return 0;
    }

    if (!ml_schema_tensor_type(node, tensor)) {
        ml_schema_fail(c, "\"type\" does not agree with the tensor");
        return 0;
    }

    tensor->elements = bytes / tensor->size;
    tensor->index = schema->ntensors;
    node->tensor = tensor;

    schema->tensors[schema->ntensors] = tensor;
    schema->specs[schema->ntensors++] = tensor->spec;

    return 1;
}
