/* The schema keyword x-shape; see ml_schema.h. */

#include <string.h>

#include "ml_schema_compiler.h"


/* The property that a member names, or NULL. */
static const ml_schema_name_t *
ml_schema_shape_name(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i, const char *member)
{
    uint32_t                     at;
    ml_tape_t                   *tape;
    const ml_schema_property_t  *property;

    tape = &c->document->tape;
    at = ml_tape_member(tape, i, member, strlen(member));
    property = NULL;

    if (at != ML_TAPE_NONE && tape->nodes[at].type == ML_TAPE_STRING) {
        property = ml_schema_find(node, ml_tape_text(tape, at),
                                  tape->nodes[at].size);
    }

    if (property == NULL || property->node == NULL) {
        (void) ml_schema_fail(c, i, "\"%s\" is not the name of a property",
                              member);
        return NULL;
    }

    return &property->name;
}


/* The product of the default's dimensions. */
static int
ml_schema_shape_default(ml_schema_compiler_t *c, ml_schema_shape_t *shape,
    uint32_t i)
{
    uint32_t    k, end;
    uint64_t    dim;
    ml_tape_t  *tape;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY) {
        return ml_schema_fail(c, i, "value is not an array");
    }

    shape->elements = 1;
    end = ml_tape_next(tape, i);

    for (k = i + 1; k < end; k = ml_tape_next(tape, k)) {

        if (!ml_schema_whole(c, k, &dim)) {
            return 0;
        }

        if (__builtin_mul_overflow(shape->elements, dim, &shape->elements)) {
            return ml_schema_fail(c, i, "value is out of range");
        }
    }

    return 1;
}


int
ml_schema_shape(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    uint32_t            at;
    ml_tape_t          *tape;
    ml_schema_shape_t  *shape;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_OBJECT) {
        return ml_schema_fail(c, i, "value is not an object");
    }

    at = ml_tape_member(tape, i, "default", 7);

    if (tape->nodes[i].size != (at == ML_TAPE_NONE ? 2 : 3)) {
        return ml_schema_fail(c, i, "value has not \"of\", \"is\" and at most "
                              "\"default\"");
    }

    shape = ml_schema_alloc(c, 1, sizeof(ml_schema_shape_t));

    if (shape == NULL) {
        return 0;
    }

    shape->elements = UINT64_MAX;
    shape->of = ml_schema_shape_name(c, node, i, "of");
    shape->is = shape->of ? ml_schema_shape_name(c, node, i, "is") : NULL;

    if (shape->is == NULL
        || (at != ML_TAPE_NONE && !ml_schema_shape_default(c, shape, at)))
    {
        return 0;
    }

    node->shape = shape;

    return 1;
}
