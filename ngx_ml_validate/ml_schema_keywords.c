/*
 * The schema's keywords, but for x-tensor; see ml_schema.h.
 *
 * Each function takes one keyword's value into the node, and refuses what is
 * malformed or contradicts a keyword before it in the table.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_schema_compiler.h"
#include "ml_pydantic.h"


static const struct {
    const char  *name;
    uint32_t     type;
} ml_schema_types[] = {
    { "null", ML_SCHEMA_NULL },
    { "boolean", ML_SCHEMA_BOOLEAN },
    { "object", ML_SCHEMA_OBJECT },
    { "array", ML_SCHEMA_ARRAY },
    { "number", ML_SCHEMA_NUMBER },
    { "integer", ML_SCHEMA_INTEGER },
    { "string", ML_SCHEMA_STRING }
};


int
ml_schema_whole(ml_schema_compiler_t *c, uint32_t i, uint64_t *value)
{
    ml_number_t  number;

    if (c->schema->tape.nodes[i].type == ML_TAPE_NUMBER) {
        ml_tape_number(&c->schema->tape, i, &number);

        if (ml_number_integer(&number, value) == ML_NUMBER_INTEGER
            && (!number.negative || *value == 0))
        {
            return 1;
        }
    }

    ml_schema_fail(c, "value is not a whole number from 0");

    return 0;
}


static void
ml_schema_name(ml_schema_compiler_t *c, uint32_t i, ml_schema_name_t *name)
{
    name->name = ml_tape_text(&c->schema->tape, i);
    name->len = c->schema->tape.nodes[i].size;
}


static int
ml_schema_draft(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    size_t      len;
    ml_tape_t  *tape;

    static const char  draft[] =
        "https://json-schema.org/draft/2020-12/schema#";

    tape = &c->schema->tape;
    len = tape->nodes[i].size;

    if (tape->nodes[i].type == ML_TAPE_STRING
        && (len == sizeof(draft) - 1 || len == sizeof(draft) - 2)
        && memcmp(ml_tape_text(tape, i), draft, len) == 0)
    {
        return 1;
    }

    ml_schema_fail(c, "only draft 2020-12 is supported");

    return 0;
}


static int
ml_schema_add_type(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    size_t      k;
    ml_tape_t  *tape;

    tape = &c->schema->tape;

    for (k = 0; k < ml_schema_count(ml_schema_types); k++) {

        if (tape->nodes[i].type != ML_TAPE_STRING
            || tape->nodes[i].size != strlen(ml_schema_types[k].name)
            || memcmp(ml_tape_text(tape, i), ml_schema_types[k].name,
                      tape->nodes[i].size) != 0)
        {
            continue;
        }

        if (node->types & ml_schema_types[k].type) {
            ml_schema_fail(c, "type \"%s\" is given twice",
                           ml_schema_types[k].name);
            return 0;
        }

        node->types |= ml_schema_types[k].type;

        if (node->first_type == 0
            || node->first_type == ML_SCHEMA_NULL)
        {
            node->first_type = ml_schema_types[k].type;
        }

        return 1;
    }

    ml_schema_fail(c, "unknown type");

    return 0;
}


static int
ml_schema_type(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    uint32_t    end;
    ml_tape_t  *tape;

    tape = &c->schema->tape;
    node->types = 0;

    if (tape->nodes[i].type != ML_TAPE_ARRAY) {
        return ml_schema_add_type(c, node, i);
    }

    if (tape->nodes[i].size == 0) {
        ml_schema_fail(c, "no type is allowed");
        return 0;
    }

    end = ml_tape_next(tape, i);

    for (i++; i < end; i = ml_tape_next(tape, i)) {
        if (!ml_schema_add_type(c, node, i)) {
            return 0;
        }
    }

    return 1;
}


static int
ml_schema_required(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    uint32_t    end;
    ml_tape_t  *tape;

    tape = &c->schema->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY) {
        ml_schema_fail(c, "value is not an array");
        return 0;
    }

    if (tape->nodes[i].size > ML_SCHEMA_REQUIRED) {
        ml_schema_fail(c, "more than %u names", ML_SCHEMA_REQUIRED);
        return 0;
    }

    node->required = ml_schema_alloc(c, tape->nodes[i].size,
                                     sizeof(ml_schema_name_t));
    if (node->required == NULL) {
        return 0;
    }

    end = ml_tape_next(tape, i);

    for (i++; i < end; i = ml_tape_next(tape, i)) {

        if (tape->nodes[i].type != ML_TAPE_STRING) {
            ml_schema_fail(c, "a name is not a string");
            return 0;
        }

        if (ml_schema_place(node, ml_tape_text(tape, i),
                            tape->nodes[i].size) >= 0)
        {
            ml_schema_fail(c, "a name is given twice");
            return 0;
        }

        ml_schema_name(c, i, &node->required[node->nrequired]);
        node->nrequired++;
    }

    return 1;
}


static int
ml_schema_properties(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    int                    sure;
    size_t                 was;
    uint32_t               key, end;
    ml_tape_t             *tape;
    ml_schema_property_t  *property;

    tape = &c->schema->tape;

    if (tape->nodes[i].type != ML_TAPE_OBJECT) {
        ml_schema_fail(c, "value is not an object");
        return 0;
    }

    node->model = 1;
    node->properties = ml_schema_alloc(c, tape->nodes[i].size,
                                       sizeof(ml_schema_property_t));
    if (node->properties == NULL) {
        return 0;
    }

    sure = c->sure;
    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        property = &node->properties[node->nproperties++];

        ml_schema_name(c, key, &property->name);
        property->required = ml_schema_place(node, property->name.name,
                                             property->name.len);

        c->sure = sure && property->required >= 0
                  && node->types == ML_SCHEMA_OBJECT;

        was = ml_schema_push(c, property->name.name, property->name.len);
        property->node = ml_schema_compile_node(c, key + 1);

        if (property->node == NULL) {
            return 0;
        }

        ml_schema_leave(c, was);
    }

    c->sure = sure;

    qsort(node->properties, node->nproperties, sizeof(ml_schema_property_t),
          ml_schema_order);

    return 1;
}


/* A subschema that several values, or none, may stand under. */
static int
ml_schema_additional(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    int       sure;
    uint32_t  k;

    sure = c->sure;
    c->sure = 0;
    node->additional = ml_schema_compile_node(c, i);
    c->sure = sure;

    if (node->additional == NULL) {
        return 0;
    }

    for (k = 0; node->additional->never && k < node->nrequired; k++) {
        if (ml_schema_find(node, node->required[k].name,
                           node->required[k].len) == NULL)
        {
            ml_schema_fail(c, "a name in \"required\" is not in "
                           "\"properties\"");
            return 0;
        }
    }

    return 1;
}


static int
ml_schema_items(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    int  sure;

    sure = c->sure;
    c->sure = 0;
    node->items = ml_schema_compile_node(c, i);
    c->sure = sure;

    return node->items != NULL;
}


/* "expected" of a choice error: 'a', 'b' or 3 */
static int
ml_schema_expected(ml_schema_compiler_t *c, ml_schema_node_t *node)
{
    char       *copy;
    uint32_t    i;
    ml_text_t   text;

    ml_text_init(&text);

    for (i = 0; i < node->nchoices; i++) {

        if (i) {
            ml_text_printf(&text, i + 1 == node->nchoices ? " or " : ", ");
        }

        ml_pydantic_repr(&text, &c->schema->tape, node->choices[i]);
    }

    /* one more byte: ml_schema_alloc() has zeroed it */

    copy = text.failed ? NULL : ml_schema_alloc(c, text.len + 1, 1);

    if (copy) {
        memcpy(copy, text.data, text.len);

    } else {
        snprintf(c->error, c->size, "out of memory");
    }

    ml_text_free(&text);
    node->expected = copy;

    return copy != NULL;
}


static int
ml_schema_const(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    if (node->choices) {
        ml_schema_fail(c, "\"const\" stands beside \"enum\"");
        return 0;
    }

    node->choices = ml_schema_alloc(c, 1, sizeof(uint32_t));

    if (node->choices == NULL) {
        return 0;
    }

    node->choices[0] = i;
    node->nchoices = 1;

    return ml_schema_expected(c, node);
}


static int
ml_schema_enum(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    uint32_t    end;
    ml_tape_t  *tape;

    tape = &c->schema->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY || tape->nodes[i].size == 0) {
        ml_schema_fail(c, "value is not an array with members");
        return 0;
    }

    node->choices = ml_schema_alloc(c, tape->nodes[i].size, sizeof(uint32_t));

    if (node->choices == NULL) {
        return 0;
    }

    end = ml_tape_next(tape, i);

    for (i++; i < end; i = ml_tape_next(tape, i)) {
        node->choices[node->nchoices++] = i;
    }

    return ml_schema_expected(c, node);
}


static int
ml_schema_min_length(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->min_length);
}


static int
ml_schema_max_length(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    if (!ml_schema_whole(c, i, &node->max_length)) {
        return 0;
    }

    if (node->max_length < node->min_length) {
        ml_schema_fail(c, "maxLength is below minLength");
        return 0;
    }

    return 1;
}


static int
ml_schema_min_items(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->min_items);
}


static int
ml_schema_max_items(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    if (!ml_schema_whole(c, i, &node->max_items)) {
        return 0;
    }

    if (node->max_items < node->min_items) {
        ml_schema_fail(c, "maxItems is below minItems");
        return 0;
    }

    return 1;
}


int
ml_schema_number(ml_schema_compiler_t *c, uint32_t i, ml_number_t *number)
{
    if (c->schema->tape.nodes[i].type == ML_TAPE_NUMBER) {
        ml_tape_number(&c->schema->tape, i, number);

        if (number->value - number->value == 0) {
            return 1;
        }
    }

    ml_schema_fail(c, "value is not a finite number");

    return 0;
}


static int
ml_schema_minimum(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_number(c, i, &node->minimum);
}


static int
ml_schema_above(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    return ml_schema_number(c, i, &node->above);
}


/* A number must be left between the lower bounds and this upper one. */
static int
ml_schema_room(ml_schema_compiler_t *c, const ml_schema_node_t *node,
    const ml_number_t *upper, int exclusive)
{
    if ((node->minimum.text
         && ml_number_compare(&node->minimum, upper) >= exclusive)
        || (node->above.text && ml_number_compare(&node->above, upper) >= 0))
    {
        ml_schema_fail(c, "no number is left between the bounds");
        return 0;
    }

    return 1;
}


static int
ml_schema_maximum(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_number(c, i, &node->maximum)
           && ml_schema_room(c, node, &node->maximum, 1);
}


static int
ml_schema_below(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    return ml_schema_number(c, i, &node->below)
           && ml_schema_room(c, node, &node->below, 0);
}


/*
 * In the order in which they depend on each other.  Annotations have no
 * function.
 */
const ml_schema_keyword_t  ml_schema_keywords[] = {
    { "$schema", 1, ml_schema_draft },
    { "type", 1, ml_schema_type },
    { "required", 0, ml_schema_required },
    { "properties", 0, ml_schema_properties },
    { "additionalProperties", 0, ml_schema_additional },
    { "items", 0, ml_schema_items },
    { "enum", 0, ml_schema_enum },
    { "const", 0, ml_schema_const },
    { "minLength", 0, ml_schema_min_length },
    { "maxLength", 0, ml_schema_max_length },
    { "minItems", 0, ml_schema_min_items },
    { "maxItems", 0, ml_schema_max_items },
    { "minimum", 0, ml_schema_minimum },
    { "exclusiveMinimum", 0, ml_schema_above },
    { "maximum", 0, ml_schema_maximum },
    { "exclusiveMaximum", 0, ml_schema_below },
    { "x-tensor", 1, ml_schema_tensor },
    { "$id", 1, NULL },
    { "$comment", 1, NULL },
    { "$anchor", 1, NULL },
    { "title", 1, NULL },
    { "description", 1, NULL },
    { "default", 1, NULL },
    { "examples", 1, NULL },
    { "deprecated", 1, NULL },
    { "readOnly", 1, NULL },
    { "writeOnly", 1, NULL }
};


const size_t  ml_schema_nkeywords = ml_schema_count(ml_schema_keywords);
