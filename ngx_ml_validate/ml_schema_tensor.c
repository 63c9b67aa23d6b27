/* The schema keyword x-tensor; see ml_schema.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_schema_compiler.h"


typedef int (*ml_schema_tensor_pt)(ml_schema_compiler_t *c,
    ml_schema_tensor_t *tensor, uint32_t i);


/* A name for people and programs: no NUL, so that C can hold it. */
static const char *
ml_schema_tensor_name(ml_schema_compiler_t *c, uint32_t i)
{
    char        *name;
    ml_tape_t   *tape;
    const char  *text;

    tape = &c->document->tape;
    text = ml_tape_text(tape, i);

    if (tape->nodes[i].type != ML_TAPE_STRING
        || tape->nodes[i].size == 0
        || memchr(text, '\0', tape->nodes[i].size))
    {
        (void) ml_schema_fail(c, i, "value is not a name");
        return NULL;
    }

    name = ml_schema_alloc(c, (size_t) tape->nodes[i].size + 1, 1);

    if (name) {
        memcpy(name, text, tape->nodes[i].size);
    }

    return name;
}


static int
ml_schema_tensor_input(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    tensor->spec.name = ml_schema_tensor_name(c, i);

    return tensor->spec.name != NULL;
}


static int
ml_schema_tensor_dtype(ml_schema_compiler_t *c, ml_schema_tensor_t *tensor,
    uint32_t i)
{
    ml_tape_t  *tape;

    tape = &c->document->tape;

    if (tape->nodes[i].type == ML_TAPE_STRING) {
        tensor->spec.dtype = ml_dtype_parse(ml_tape_text(tape, i),
                                            tape->nodes[i].size);
    }

    if (tensor->spec.dtype == ML_DTYPE_NONE) {
        return ml_schema_fail(c, i, "unknown dtype");
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

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY
        || tape->nodes[i].size > ML_TENSOR_MAX_RANK)
    {
        return ml_schema_fail(c, i, "value is not an array of up to %u "
                              "dimensions", ML_TENSOR_MAX_RANK);
    }

    end = ml_tape_next(tape, i);

    for (i++; i < end; i = ml_tape_next(tape, i)) {

        if (tape->nodes[i].type == ML_TAPE_STRING && tensor->spec.rank == 0) {
            tensor->dimension = ml_schema_tensor_name(c, i);

            if (tensor->dimension == NULL) {
                return 0;
            }

            tensor->spec.dims[tensor->spec.rank++] = -1;
            continue;
        }

        if (tape->nodes[i].type != ML_TAPE_NUMBER) {
            return ml_schema_fail(c, i, "a dimension is not a number");
        }

        ml_tape_number(tape, i, &number);

        if (ml_number_integer(&number, &n) != ML_NUMBER_INTEGER
            || n == 0 || n > INT64_MAX
            || (number.negative && (n != 1 || tensor->spec.rank != 0)))
        {
            return ml_schema_fail(c, i, "a dimension is neither a whole "
                                  "number from 1 nor, as the first one, -1");
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
        return ml_schema_fail(c, i, "value is out of range");
    }

    if (tensor->spec.rank == 0 || tensor->spec.dims[0] != -1) {
        return ml_schema_fail(c, i, "no dimension is free");
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
        return ml_schema_fail(c, i, "values of dtype bool have no bounds");
    }

    if (!ml_schema_number(c, i, &number)) {
        return 0;
    }

    if (ml_narrow_set(tensor->spec.dtype, &tensor->bounds, minimum, &number)
        != ML_NARROW_OK)
    {
        return ml_schema_fail(c, i, "value is no %s",
                              ml_dtype_name(tensor->spec.dtype));
    }

    *(minimum ? &tensor->minimum : &tensor->maximum) = number.value;

    if (tensor->bounds.minimum > tensor->bounds.maximum
        || tensor->bounds.low > tensor->bounds.high)
    {
        return ml_schema_fail(c, i, "minimum is above maximum");
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
    size_t       k;
    uint32_t     key, end, value;
    ml_tape_t   *tape;
    const char  *name;

    tape = &c->document->tape;
    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        name = ml_tape_text(tape, key);

        if (!ml_schema_tensor_keyword(name, tape->nodes[key].size)) {
            return ml_schema_fail(c, i, "unknown keyword \"%.*s\"",
                           tape->nodes[key].size > 64
                           ? 64 : (int) tape->nodes[key].size, name);
        }
    }

    for (k = 0; k < ml_schema_count(ml_schema_tensor_keywords); k++) {
        name = ml_schema_tensor_keywords[k].name;
        value = ml_tape_member(tape, i, name, strlen(name));

        if (value == ML_TAPE_NONE) {

            if (ml_schema_tensor_keywords[k].needed) {
                return ml_schema_fail(c, i, "\"%s\" is missing", name);
            }

            continue;
        }

        if (!ml_schema_tensor_keywords[k].compile(c, tensor, value)) {
            return 0;
        }
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
    ml_schema_tensor_t  *tensor;

    if (c->document->tape.nodes[i].type != ML_TAPE_OBJECT) {
        return ml_schema_fail(c, i, "value is not an object");
    }

    tensor = ml_schema_alloc(c, 1, sizeof(ml_schema_tensor_t));

    if (tensor == NULL || !ml_schema_tensor_read(c, tensor, i)) {
        return 0;
    }

    memcpy(dims, tensor->spec.dims, sizeof(dims));

    if (tensor->spec.rank && dims[0] == -1) {

        if (tensor->spec.bound == 0) {
            return ml_schema_fail(c, i, "a free dimension needs \"maxItems\"");
        }

        dims[0] = tensor->spec.bound;
    }

    if (ml_tensor_size(tensor->spec.dtype, tensor->spec.rank, dims, &bytes)
        != 0 || bytes > PTRDIFF_MAX)
    {
        return ml_schema_fail(c, i, "the tensor is too large");
    }

    if (!ml_schema_tensor_type(node, tensor)) {
        return ml_schema_fail(c, i, "\"type\" does not agree with the tensor");
    }

    tensor->elements = bytes / tensor->size;
    tensor->index = ML_SCHEMA_TENSORS;
    node->tensor = tensor;

    return 1;
}


/* A tensor that a body that passes has exactly once. */
static int
ml_schema_add_tensor(ml_schema_compiler_t *c, ml_schema_node_t *node)
{
    uint32_t             i;
    ml_schema_t         *schema;
    ml_schema_tensor_t  *tensor;

    schema = c->schema;
    c->document = node->resource->document;

    for (i = 0; i < schema->ntensors; i++) {
        if (strcmp(schema->tensors[i]->spec.name, node->tensor->spec.name)
            == 0)
        {
            return ml_schema_fail(c, node->at, "an input of that name exists "
                                  "already");
        }
    }

    if (schema->ntensors == ML_SCHEMA_TENSORS) {
        return ml_schema_fail(c, node->at, "more than %u tensors",
                              ML_SCHEMA_TENSORS);
    }

    /* compiled once, found once */

    tensor = (ml_schema_tensor_t *) (uintptr_t) node->tensor;
    tensor->index = schema->ntensors;
    schema->tensors[schema->ntensors] = tensor;
    schema->specs[schema->ntensors++] = tensor->spec;

    return 1;
}


/* Puts the required properties of a required object on the stack. */
static void
ml_schema_push_required(const ml_schema_node_t *node, uint32_t *stack,
    uint32_t *n)
{
    uint32_t                     k, first, at;
    const ml_schema_property_t  *property;

    first = *n;

    for (k = 0; k < node->properties.n; k++) {
        property = &node->properties.list[k];

        if (property->node == NULL || property->required < 0) {
            continue;
        }

        /* the last in the schema lies deepest */

        for (at = (*n)++; at > first && stack[at - 1] < property->node->id;
             at--)
        {
            stack[at] = stack[at - 1];
        }

        stack[at] = property->node->id;
    }
}


/*
 * Finds the tensors in the order in which they stand in the schema: ids grow
 * with the place.
 */
int
ml_schema_collect_tensors(ml_schema_compiler_t *c)
{
    int                      ok;
    uint32_t                 i, n, steps, *stack;
    ml_schema_t             *schema;
    const ml_schema_node_t  *node;

    schema = c->schema;
    n = 0;

    for (i = 0; i < schema->nnodes; i++) {
        n += schema->nodes[i]->tensor != NULL;
    }

    if (n == 0) {
        return 1;
    }

    /* a node pushes less than there are, and once unless it is in itself */

    stack = calloc((size_t) schema->nnodes * 2, sizeof(uint32_t));

    if (stack == NULL) {
        snprintf(c->error, c->size, "out of memory");
        return 0;
    }

    stack[0] = schema->root->id;
    ok = 1;

    for (n = 1, steps = 0; ok && n && steps < schema->nnodes; steps++) {
        node = schema->nodes[stack[--n]];

        if (node->nullable) {
            continue;
        }

        node = ml_schema_alias(node);

        if (node->tensor) {
            ok = ml_schema_add_tensor(c, schema->nodes[node->id]);

        } else if (node->types == ML_SCHEMA_OBJECT
                   && n + node->properties.n <= schema->nnodes * 2)
        {
            ml_schema_push_required(node, stack, &n);
        }
    }

    free(stack);

    for (i = 0; ok && i < schema->nnodes; i++) {
        node = schema->nodes[i];

        if (node->tensor && node->tensor->index == ML_SCHEMA_TENSORS) {
            c->document = node->resource->document;
            ok = ml_schema_fail(c, node->at, "a tensor must be in a required "
                                "property of an object (\"type\": "
                                "\"object\") that is itself required");
        }
    }

    return ok;
}
