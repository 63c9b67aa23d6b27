/*
 * The schema's keywords, and those that check a value; see ml_schema.h.
 *
 * Each function takes one keyword's value into the node, refuses what is
 * malformed and warns of what contradicts a keyword before it in the table.
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

    if (c->document->tape.nodes[i].type == ML_TAPE_NUMBER) {
        ml_tape_number(&c->document->tape, i, &number);

        if (ml_number_integer(&number, value) == ML_NUMBER_INTEGER
            && (!number.negative || *value == 0))
        {
            return 1;
        }
    }

    return ml_schema_fail(c, i, "value is not a whole number from 0");
}


static int
ml_schema_add_type(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    size_t      k;
    ml_tape_t  *tape;

    tape = &c->document->tape;

    for (k = 0; k < ml_schema_count(ml_schema_types); k++) {

        if (tape->nodes[i].type != ML_TAPE_STRING
            || tape->nodes[i].size != strlen(ml_schema_types[k].name)
            || memcmp(ml_tape_text(tape, i), ml_schema_types[k].name,
                      tape->nodes[i].size) != 0)
        {
            continue;
        }

        if (node->types & ml_schema_types[k].type) {
            return ml_schema_fail(c, i, "type \"%s\" is given twice",
                           ml_schema_types[k].name);
        }

        node->types |= ml_schema_types[k].type;

        if (node->first_type == 0
            || node->first_type == ML_SCHEMA_NULL)
        {
            node->first_type = ml_schema_types[k].type;
        }

        return 1;
    }

    return ml_schema_fail(c, i, "unknown type");
}


static int
ml_schema_type(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    uint32_t    end;
    ml_tape_t  *tape;

    tape = &c->document->tape;
    node->types = 0;

    if (tape->nodes[i].type != ML_TAPE_ARRAY) {
        return ml_schema_add_type(c, node, i);
    }

    if (tape->nodes[i].size == 0) {
        return ml_schema_fail(c, i, "no type is allowed");
    }

    end = ml_tape_next(tape, i);

    for (i++; i < end; i = ml_tape_next(tape, i)) {
        if (!ml_schema_add_type(c, node, i)) {
            return 0;
        }
    }

    return 1;
}


/* One more choice: what errors tell, and its hash. */
static void
ml_schema_choice(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i,
    ml_text_t *expected, int last)
{
    if (node->nchoices) {
        ml_text_printf(expected, last ? " or " : ", ");
    }

    ml_pydantic_repr(expected, &c->document->tape, i);
    ml_tape_hash(&c->document->tape, i, c->schema->seed,
                 node->choices[node->nchoices++]);
}


static int
ml_schema_enum(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    uint32_t    k, end;
    ml_text_t   expected;
    ml_tape_t  *tape;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY) {
        return ml_schema_fail(c, i, "value is not an array");
    }

    if (tape->nodes[i].size == 0) {
        ml_schema_warn(c, i, "no value is allowed");
    }

    node->choices = ml_schema_alloc(c, tape->nodes[i].size,
                                    sizeof(*node->choices));

    if (node->choices == NULL) {
        return 0;
    }

    ml_text_init(&expected);
    end = ml_tape_next(tape, i);

    for (k = i + 1; k < end; k = ml_tape_next(tape, k)) {
        ml_schema_choice(c, node, k, &expected, ml_tape_next(tape, k) == end);
    }

    qsort(node->choices, node->nchoices, sizeof(*node->choices),
          ml_schema_choice_order);

    node->expected = ml_schema_keep(c, &expected);

    return node->expected != NULL;
}


/* Beside "enum" only what both allow is left. */
static int
ml_schema_const(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    int         allowed;
    uint64_t    hash[2];
    ml_text_t   expected;

    ml_tape_hash(&c->document->tape, i, c->schema->seed, hash);
    allowed = ml_schema_chosen(node, hash);

    node->choices = ml_schema_alloc(c, 1, sizeof(*node->choices));

    if (node->choices == NULL) {
        return 0;
    }

    if (!allowed) {
        ml_schema_warn(c, i, "\"const\" is not in \"enum\"");
    }

    ml_text_init(&expected);
    node->nchoices = 0;
    ml_schema_choice(c, node, i, &expected, 0);
    node->nchoices = (uint32_t) allowed;
    node->expected = ml_schema_keep(c, &expected);

    return node->expected != NULL;
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
        ml_schema_warn(c, i, "maxLength is below minLength");
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
        ml_schema_warn(c, i, "maxItems is below minItems");
    }

    return 1;
}


int
ml_schema_number(ml_schema_compiler_t *c, uint32_t i, ml_number_t *number)
{
    if (c->document->tape.nodes[i].type == ML_TAPE_NUMBER) {
        ml_tape_number(&c->document->tape, i, number);

        if (number->value - number->value == 0) {
            return 1;
        }
    }

    return ml_schema_fail(c, i, "value is not a finite number");
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
    uint32_t i, const ml_number_t *upper, int exclusive)
{
    if ((node->minimum.text
         && ml_number_compare(&node->minimum, upper) >= exclusive)
        || (node->above.text && ml_number_compare(&node->above, upper) >= 0))
    {
        ml_schema_warn(c, i, "no number is left between the bounds");
    }

    return 1;
}


static int
ml_schema_maximum(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_number(c, i, &node->maximum)
           && ml_schema_room(c, node, i, &node->maximum, 1);
}


static int
ml_schema_below(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    return ml_schema_number(c, i, &node->below)
           && ml_schema_room(c, node, i, &node->below, 0);
}


static int
ml_schema_min_properties(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->min_properties);
}


static int
ml_schema_max_properties(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->max_properties);
}


static int
ml_schema_min_contains(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->min_contains);
}


static int
ml_schema_max_contains(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->max_contains);
}


static int
ml_schema_multiple_of(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    if (!ml_schema_number(c, i, &node->multiple_of)) {
        return 0;
    }

    if (node->multiple_of.negative || node->multiple_of.mantissa == 0) {
        return ml_schema_fail(c, i, "value is not above 0");
    }

    if (node->multiple_of.inexact) {
        return ml_schema_fail(c, i, "value has too many digits");
    }

    return 1;
}


static int
ml_schema_max_total(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    return ml_schema_whole(c, i, &node->max_total);
}


static int
ml_schema_uncounted(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    if (c->document->tape.nodes[i].type != ML_TAPE_TRUE) {
        return ml_schema_fail(c, i, "value is not true");
    }

    node->uncounted = 1;

    return 1;
}


static int
ml_schema_text(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    if (c->document->tape.nodes[i].type != ML_TAPE_TRUE) {
        return ml_schema_fail(c, i, "value is not true");
    }

    node->text = 1;
    c->schema->texts = 1;

    return 1;
}


static int
ml_schema_unique(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    ml_tape_e  type;

    type = c->document->tape.nodes[i].type;

    if (type != ML_TAPE_TRUE && type != ML_TAPE_FALSE) {
        return ml_schema_fail(c, i, "value is neither true nor false");
    }

    node->unique = type == ML_TAPE_TRUE;

    return 1;
}


static int
ml_schema_pattern(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    char  why[256];

    if (c->document->tape.nodes[i].type != ML_TAPE_STRING) {
        return ml_schema_fail(c, i, "value is not a string");
    }

    ml_schema_name(c, i, &node->pattern_text);
    node->pattern = ml_pattern_compile(node->pattern_text.name,
                                       node->pattern_text.len, why,
                                       sizeof(why));

    return node->pattern ? 1 : ml_schema_fail(c, i, "%s", why);
}


static int
ml_schema_format(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    ml_schema_name_t  name;

    if (c->document->tape.nodes[i].type != ML_TAPE_STRING) {
        return ml_schema_fail(c, i, "value is not a string");
    }

    if (!c->options->formats) {
        return 1;
    }

    ml_schema_name(c, i, &name);
    node->format = ml_format_find(name.name, name.len);

    if (node->format == NULL) {
        ml_schema_warn(c, i, "unknown format has no effect");
    }

    return 1;
}


/* A keyword that checks a value, and one that only tells about it. */
#define ml_schema_checks(name, compile)                                      \
    { name, compile, 0, 1, 0, ML_SCHEMA_VALUE, 0, 0 }
#define ml_schema_tells(name)                                                \
    { name, NULL, 1, 0, 0, ML_SCHEMA_VALUE, 0, 0 }

/* One that holds schemas for the value itself, and for parts of it. */
#define ml_schema_applies(name, holds, field, bits)                          \
    { name, NULL, 0, 0, 1, holds, offsetof(ml_schema_node_t, field), bits }
#define ml_schema_descends(name, holds, field, bits)                         \
    { name, NULL, 0, 0, 0, holds, offsetof(ml_schema_node_t, field), bits }


/* In the order in which they depend on each other. */
const ml_schema_keyword_t  ml_schema_keywords[] = {
    { "type", ml_schema_type, 1, 1, 0, ML_SCHEMA_VALUE, 0, 0 },
    { "required", ml_schema_required, 0, 1, 0, ML_SCHEMA_VALUE, 0,
      ML_SCHEMA_MEMBERS },
    { "properties", ml_schema_properties, 0, 0, 0, ML_SCHEMA_NAMED,
      offsetof(ml_schema_node_t, properties), ML_SCHEMA_MEMBERS },
    { "patternProperties", ml_schema_patterns, 0, 0, 0, ML_SCHEMA_NAMED,
      offsetof(ml_schema_node_t, patterns), ML_SCHEMA_MEMBERS },
    { "additionalProperties", ml_schema_additional, 0, 0, 0,
      ML_SCHEMA_ONE_SCHEMA, offsetof(ml_schema_node_t, additional),
      ML_SCHEMA_MEMBERS },
    ml_schema_descends("propertyNames", ML_SCHEMA_ONE_SCHEMA, names,
                       ML_SCHEMA_NAMES),
    ml_schema_descends("prefixItems", ML_SCHEMA_SCHEMAS, prefix,
                       ML_SCHEMA_ITEMS),
    ml_schema_descends("items", ML_SCHEMA_ONE_SCHEMA, items,
                       ML_SCHEMA_ITEMS),
    ml_schema_descends("contains", ML_SCHEMA_ONE_SCHEMA, contains,
                       ML_SCHEMA_CONTAINS),
    ml_schema_checks("enum", ml_schema_enum),
    ml_schema_checks("const", ml_schema_const),
    ml_schema_checks("minLength", ml_schema_min_length),
    ml_schema_checks("maxLength", ml_schema_max_length),
    ml_schema_checks("x-maxTotalLength", ml_schema_max_total),
    ml_schema_checks("x-uncounted", ml_schema_uncounted),
    ml_schema_checks("x-text", ml_schema_text),
    ml_schema_checks("x-image", ml_schema_image),
    ml_schema_checks("x-shape", ml_schema_shape),
    ml_schema_checks("minItems", ml_schema_min_items),
    ml_schema_checks("maxItems", ml_schema_max_items),
    ml_schema_checks("minProperties", ml_schema_min_properties),
    ml_schema_checks("maxProperties", ml_schema_max_properties),
    ml_schema_checks("minContains", ml_schema_min_contains),
    ml_schema_checks("maxContains", ml_schema_max_contains),
    ml_schema_checks("minimum", ml_schema_minimum),
    ml_schema_checks("exclusiveMinimum", ml_schema_above),
    ml_schema_checks("maximum", ml_schema_maximum),
    ml_schema_checks("exclusiveMaximum", ml_schema_below),
    ml_schema_checks("multipleOf", ml_schema_multiple_of),
    ml_schema_checks("uniqueItems", ml_schema_unique),
    ml_schema_checks("pattern", ml_schema_pattern),
    { "dependentRequired", ml_schema_dependent_required, 0, 1, 0,
      ML_SCHEMA_VALUE, 0, ML_SCHEMA_DEPENDENT },
    { "format", ml_schema_format, 1, 0, 0, ML_SCHEMA_VALUE, 0, 0 },
    { "$ref", ml_schema_ref, 0, 0, 0, ML_SCHEMA_VALUE, 0, ML_SCHEMA_REF },
    { "$dynamicRef", ml_schema_dynamic_ref, 0, 0, 0, ML_SCHEMA_VALUE, 0,
      ML_SCHEMA_DYNAMIC },
    ml_schema_applies("allOf", ML_SCHEMA_SCHEMAS, all, ML_SCHEMA_ALL),
    ml_schema_applies("anyOf", ML_SCHEMA_SCHEMAS, any, ML_SCHEMA_ANY_OF),
    ml_schema_applies("oneOf", ML_SCHEMA_SCHEMAS, one, ML_SCHEMA_ONE),
    ml_schema_applies("not", ML_SCHEMA_ONE_SCHEMA, not, ML_SCHEMA_NOT),
    ml_schema_applies("if", ML_SCHEMA_ONE_SCHEMA, condition, ML_SCHEMA_IF),
    ml_schema_applies("then", ML_SCHEMA_ONE_SCHEMA, then, 0),
    ml_schema_applies("else", ML_SCHEMA_ONE_SCHEMA, otherwise, 0),
    ml_schema_applies("dependentSchemas", ML_SCHEMA_NAMED, dependents,
                      ML_SCHEMA_DEPENDENT),
    ml_schema_descends("unevaluatedProperties", ML_SCHEMA_ONE_SCHEMA,
                       unevaluated, ML_SCHEMA_UNEVALUATED),
    ml_schema_descends("unevaluatedItems", ML_SCHEMA_ONE_SCHEMA,
                       unevaluated_items, ML_SCHEMA_UNEVALUATED_ITEMS),
    { "x-tensor", ml_schema_tensor, 1, 0, 0, ML_SCHEMA_VALUE, 0, 0 },
    { "$defs", NULL, 1, 0, 0, ML_SCHEMA_NAMED, 0, 0 },
    { "definitions", NULL, 1, 0, 0, ML_SCHEMA_NAMED, 0, 0 },
    ml_schema_tells("$schema"),
    ml_schema_tells("$vocabulary"),
    ml_schema_tells("$id"),
    ml_schema_tells("$anchor"),
    ml_schema_tells("$dynamicAnchor"),
    ml_schema_tells("$comment"),
    ml_schema_tells("title"),
    ml_schema_tells("description"),
    ml_schema_tells("default"),
    ml_schema_tells("example"),
    ml_schema_tells("examples"),
    ml_schema_tells("deprecated"),
    ml_schema_tells("readOnly"),
    ml_schema_tells("writeOnly"),
    ml_schema_tells("contentEncoding"),
    ml_schema_tells("contentMediaType"),
    { "contentSchema", NULL, 1, 0, 0, ML_SCHEMA_ONE_SCHEMA, 0, 0 },
    ml_schema_tells("discriminator"),
    ml_schema_tells("xml"),
    ml_schema_tells("externalDocs")
};


const size_t  ml_schema_nkeywords = ml_schema_count(ml_schema_keywords);


const ml_schema_keyword_t *
ml_schema_keyword(const char *name, size_t len)
{
    size_t  k;

    for (k = 0; k < ml_schema_nkeywords; k++) {
        if (strlen(ml_schema_keywords[k].name) == len
            && memcmp(ml_schema_keywords[k].name, name, len) == 0)
        {
            return &ml_schema_keywords[k];
        }
    }

    return NULL;
}
