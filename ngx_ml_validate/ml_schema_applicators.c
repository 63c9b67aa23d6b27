/*
 * Keywords that hold schemas, or names of them; see ml_schema_compiler.h.
 */

#include <stdlib.h>
#include <string.h>

#include "ml_schema_compiler.h"


static int
ml_schema_hold_list(ml_schema_compiler_t *c, ml_schema_list_t *list,
    uint32_t i)
{
    uint32_t    k, end;
    ml_tape_t  *tape;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY || tape->nodes[i].size == 0) {
        return ml_schema_fail(c, i, "value is not an array with members");
    }

    list->list = ml_schema_alloc(c, tape->nodes[i].size,
                                 sizeof(ml_schema_node_t *));

    if (list->list == NULL) {
        return 0;
    }

    end = ml_tape_next(tape, i);

    for (k = i + 1; k < end; k = ml_tape_next(tape, k)) {
        list->list[list->n] = ml_schema_node(c, c->document, k);

        if (list->list[list->n++] == NULL) {
            return 0;
        }
    }

    return 1;
}


/* "list" may be NULL: the schemas are only there to be referred to. */
static int
ml_schema_hold_named(ml_schema_compiler_t *c, ml_schema_properties_t *list,
    uint32_t i, uint32_t room)
{
    uint32_t               key, end;
    ml_tape_t             *tape;
    ml_schema_node_t      *node;
    ml_schema_property_t  *property;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_OBJECT) {
        return ml_schema_fail(c, i, "value is not an object");
    }

    if (list) {
        list->list = ml_schema_alloc(c, (size_t) tape->nodes[i].size + room,
                                     sizeof(ml_schema_property_t));

        if (list->list == NULL) {
            return 0;
        }
    }

    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        node = ml_schema_node(c, c->document, key + 1);

        if (node == NULL) {
            return 0;
        }

        if (list) {
            property = &list->list[list->n++];
            ml_schema_name(c, key, &property->name);
            property->node = node;
            property->required = -1;
        }
    }

    return 1;
}


int
ml_schema_hold(ml_schema_compiler_t *c, ml_schema_node_t *node,
    const ml_schema_keyword_t *keyword, uint32_t i)
{
    void              *field;
    ml_schema_node_t  *held;

    field = keyword->offset ? (char *) node + keyword->offset : NULL;

    switch (keyword->holds) {

    case ML_SCHEMA_ONE_SCHEMA:
        held = ml_schema_node(c, c->document, i);

        if (field) {
            *(const ml_schema_node_t **) field = held;
        }

        return held != NULL;

    case ML_SCHEMA_SCHEMAS:
        return ml_schema_hold_list(c, field, i);

    case ML_SCHEMA_NAMED:
        return ml_schema_hold_named(c, field, i, 0);

    default: /* an annotation */
        return 1;
    }
}


/* Names without one twice, in an array. */
static int
ml_schema_name_list(ml_schema_compiler_t *c, uint32_t i,
    ml_schema_name_t **names, uint32_t *n)
{
    uint32_t    k, j, end;
    ml_tape_t  *tape;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY) {
        return ml_schema_fail(c, i, "value is not an array");
    }

    if (tape->nodes[i].size > ML_SCHEMA_REQUIRED) {
        return ml_schema_fail(c, i, "more than %u names", ML_SCHEMA_REQUIRED);
    }

    *names = ml_schema_alloc(c, tape->nodes[i].size,
                             sizeof(ml_schema_name_t));
    if (*names == NULL) {
        return 0;
    }

    *n = 0;
    end = ml_tape_next(tape, i);

    for (k = i + 1; k < end; k = ml_tape_next(tape, k)) {

        if (tape->nodes[k].type != ML_TAPE_STRING) {
            return ml_schema_fail(c, i, "a name is not a string");
        }

        ml_schema_name(c, k, &(*names)[*n]);

        for (j = 0; j < *n; j++) {
            if ((*names)[j].len == (*names)[*n].len
                && memcmp((*names)[j].name, (*names)[*n].name,
                          (*names)[j].len) == 0)
            {
                return ml_schema_fail(c, i, "a name is given twice");
            }
        }

        (*n)++;
    }

    return 1;
}


static void
ml_schema_sort(ml_schema_properties_t *properties)
{
    qsort(properties->list, properties->n, sizeof(ml_schema_property_t),
          ml_schema_order);
}


/* Until "properties" is compiled, the names alone. */
int
ml_schema_required(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    uint32_t  k;

    if (!ml_schema_name_list(c, i, &node->required, &node->nrequired)) {
        return 0;
    }

    node->properties.list = ml_schema_alloc(c, node->nrequired,
                                            sizeof(ml_schema_property_t));

    if (node->properties.list == NULL) {
        return 0;
    }

    for (k = 0; k < node->nrequired; k++) {
        node->properties.list[k].name = node->required[k];
        node->properties.list[k].required = (int32_t) k;
    }

    node->properties.n = node->nrequired;
    ml_schema_sort(&node->properties);

    return 1;
}


int
ml_schema_properties(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    uint32_t                     k;
    ml_schema_property_t        *property;
    ml_schema_properties_t       properties;
    const ml_schema_property_t  *required;

    memset(&properties, 0, sizeof(ml_schema_properties_t));

    if (!ml_schema_hold_named(c, &properties, i, node->nrequired)) {
        return 0;
    }

    node->model = 1;

    /* what was only a required name and has a schema now is not kept */

    for (k = 0; k < properties.n; k++) {
        property = &properties.list[k];
        required = ml_schema_find(node, property->name.name,
                                  property->name.len);

        if (required) {
            property->required = required->required;
            node->properties.list[required - node->properties.list].node =
                property->node;
        }
    }

    for (k = 0; k < node->properties.n; k++) {
        if (node->properties.list[k].node == NULL) {
            properties.list[properties.n++] = node->properties.list[k];
        }
    }

    node->properties = properties;
    ml_schema_sort(&node->properties);

    return 1;
}


int
ml_schema_patterns(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    char                   why[256];
    uint32_t               k;
    ml_schema_property_t  *property;

    if (!ml_schema_hold_named(c, &node->patterns, i, 0)) {
        return 0;
    }

    for (k = 0; k < node->patterns.n; k++) {
        property = &node->patterns.list[k];
        property->pattern = ml_pattern_compile(property->name.name,
                                               property->name.len, why,
                                               sizeof(why));
        if (property->pattern == NULL) {
            return ml_schema_fail(c, i, "%s", why);
        }
    }

    return 1;
}


int
ml_schema_additional(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    uint32_t  k;

    node->additional = ml_schema_node(c, c->document, i);

    if (node->additional == NULL) {
        return 0;
    }

    if (c->document->tape.nodes[i].type == ML_TAPE_FALSE
        && node->patterns.n == 0)
    {
        for (k = 0; k < node->properties.n; k++) {
            if (node->properties.list[k].node == NULL) {
                ml_schema_warn(c, i, "a name in \"required\" is not in "
                               "\"properties\"");
                break;
            }
        }
    }

    return 1;
}


int
ml_schema_dependent_required(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    uint32_t                 key, end;
    ml_tape_t               *tape;
    ml_schema_property_t    *property;
    ml_schema_properties_t  *list;

    tape = &c->document->tape;
    list = &node->dependent_required;

    if (tape->nodes[i].type != ML_TAPE_OBJECT) {
        return ml_schema_fail(c, i, "value is not an object");
    }

    list->list = ml_schema_alloc(c, tape->nodes[i].size,
                                 sizeof(ml_schema_property_t));
    if (list->list == NULL) {
        return 0;
    }

    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        property = &list->list[list->n++];
        ml_schema_name(c, key, &property->name);

        if (!ml_schema_name_list(c, key + 1, &property->names,
                                 &property->nnames))
        {
            return 0;
        }
    }

    return 1;
}


int
ml_schema_ref(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    node->ref = ml_schema_resolve(c, node, i, NULL);

    return node->ref != NULL;
}


int
ml_schema_dynamic_ref(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i)
{
    node->dynamic = ml_schema_resolve(c, node, i, &node->dynamic_name);

    return node->dynamic != NULL;
}


static int
ml_schema_children_of(const ml_schema_node_t *node,
    const ml_schema_keyword_t *keyword, ml_schema_visit_pt visit, void *data)
{
    uint32_t                       k;
    const void                    *field;
    const ml_schema_list_t        *list;
    const ml_schema_node_t        *child;
    const ml_schema_properties_t  *named;

    if (keyword->offset == 0) {
        return 1;
    }

    field = (const char *) node + keyword->offset;

    switch (keyword->holds) {

    case ML_SCHEMA_ONE_SCHEMA:
        child = *(const ml_schema_node_t *const *) field;

        return child == NULL || visit(data, child, keyword->same);

    case ML_SCHEMA_SCHEMAS:
        list = field;

        for (k = 0; k < list->n; k++) {
            if (!visit(data, list->list[k], keyword->same)) {
                return 0;
            }
        }

        return 1;

    case ML_SCHEMA_NAMED:
        named = field;

        for (k = 0; k < named->n; k++) {
            if (named->list[k].node
                && !visit(data, named->list[k].node, keyword->same))
            {
                return 0;
            }
        }

        return 1;

    default:
        return 1;
    }
}


int
ml_schema_children(const ml_schema_node_t *node, ml_schema_visit_pt visit,
    void *data)
{
    size_t  k;

    for (k = 0; k < ml_schema_nkeywords; k++) {
        if (!ml_schema_children_of(node, &ml_schema_keywords[k], visit, data))
        {
            return 0;
        }
    }

    return (node->ref == NULL || visit(data, node->ref, 1))
           && (node->dynamic == NULL || visit(data, node->dynamic, 1));
}
