/*
 * What can only be told when all nodes of a schema are compiled: that it
 * comes to an end, what streaming goes by, and what is deferred; see
 * ml_schema.h.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_schema_compiler.h"


typedef struct {
    ml_schema_t  *schema;
    uint32_t     *before;           /* nodes that apply it to their value */
    uint32_t     *order;            /* ids: a node before what it applies */
    uint32_t      n;
    uint64_t     *spread;
    uint64_t      sum;
} ml_schema_link_t;


static int
ml_schema_count_before(void *data, const ml_schema_node_t *child, int same)
{
    ml_schema_link_t  *link = data;

    link->before[child->id] += (uint32_t) same;

    return 1;
}


static int
ml_schema_put_in_order(void *data, const ml_schema_node_t *child, int same)
{
    ml_schema_link_t  *link = data;

    if (same && --link->before[child->id] == 0) {
        link->order[link->n++] = child->id;
    }

    return 1;
}


static int
ml_schema_add_spread(void *data, const ml_schema_node_t *child, int same)
{
    ml_schema_link_t  *link = data;

    link->sum += same ? link->spread[child->id] : 0;

    return 1;
}


/*
 * A schema that applies itself to the same value never ends; one that
 * applies others twice each, again and again, as good as never.
 */
static int
ml_schema_check_spread(ml_schema_compiler_t *c, ml_schema_link_t *link)
{
    uint32_t           i;
    ml_schema_t       *schema;
    ml_schema_node_t  *node;

    schema = c->schema;

    for (i = 0; i < schema->nnodes; i++) {
        (void) ml_schema_children(schema->nodes[i], ml_schema_count_before,
                                  link);
    }

    for (i = 0; i < schema->nnodes; i++) {
        if (link->before[i] == 0) {
            link->order[link->n++] = i;
        }
    }

    for (i = 0; i < link->n; i++) {
        (void) ml_schema_children(schema->nodes[link->order[i]],
                                  ml_schema_put_in_order, link);
    }

    for (i = 0; i < schema->nnodes; i++) {
        if (link->before[i]) {
            node = schema->nodes[i];
            c->document = node->resource->document;

            return ml_schema_fail(c, node->at, "schema applies to the same "
                                  "value without end");
        }
    }

    for (i = link->n; i-- > 0; /* void */ ) {
        node = schema->nodes[link->order[i]];
        link->sum = 1;
        (void) ml_schema_children(node, ml_schema_add_spread, link);
        link->spread[node->id] = link->sum;

        if (link->sum > ML_SCHEMA_SPREAD) {
            c->document = node->resource->document;

            return ml_schema_fail(c, node->at, "over %u schemas apply to one "
                                  "value", ML_SCHEMA_SPREAD);
        }
    }

    return 1;
}


/* The node checks nothing by itself: what it may hold does. */
static int
ml_schema_plain(const ml_schema_node_t *node)
{
    return node->types == ML_SCHEMA_ANY
           && !node->never
           && !node->unique
           && node->min_properties == 0
           && node->max_properties == UINT64_MAX
           && node->min_items == 0
           && node->max_items == UINT64_MAX
           && node->min_length == 0
           && node->max_length == UINT64_MAX
           && node->max_total == UINT64_MAX
           && !node->uncounted
           && !node->text
           && node->image == NULL
           && node->shape == NULL
           && node->pattern == NULL
           && node->format == NULL
           && node->minimum.text == NULL
           && node->maximum.text == NULL
           && node->above.text == NULL
           && node->below.text == NULL
           && node->multiple_of.text == NULL
           && node->choices == NULL
           && node->tensor == NULL;
}


/* The schema {"type": "null"} */
static int
ml_schema_is_null(const ml_schema_node_t *node)
{
    ml_schema_node_t  copy;

    if (node->types != ML_SCHEMA_NULL || node->keywords) {
        return 0;
    }

    copy = *node;
    copy.types = ML_SCHEMA_ANY;

    return ml_schema_plain(&copy);
}


/* What the node stands for, one step; or NULL. */
static const ml_schema_node_t *
ml_schema_stands_for(ml_schema_node_t *node)
{
    if (!ml_schema_plain(node)) {
        return NULL;
    }

    if (node->keywords == ML_SCHEMA_REF) {
        return node->ref;
    }

    if (node->keywords == ML_SCHEMA_ALL && node->all.n == 1) {
        return node->all.list[0];
    }

    if (node->keywords == ML_SCHEMA_ANY_OF && node->any.n == 2) {

        if (ml_schema_is_null(node->any.list[1])) {
            node->nullable = 1;
            return node->any.list[0];
        }

        if (ml_schema_is_null(node->any.list[0])) {
            node->nullable = 1;
            return node->any.list[1];
        }
    }

    return NULL;
}


static void
ml_schema_defer(ml_schema_node_t *node)
{
    node->deferred = (node->keywords & ~(uint32_t) (ML_SCHEMA_MEMBERS
                                                    |ML_SCHEMA_ITEMS)) != 0
                     || node->patterns.n
                     || node->choices
                     || node->pattern
                     || node->format
                     || node->unique;
}


/* What a deferred node applies is evaluated with it: no tensor is in it, and
 * nothing else that only streaming checks. */

typedef struct {
    ml_schema_t  *schema;
    uint8_t      *marked;
    uint32_t     *stack;
    uint32_t      n;
} ml_schema_whole_t;


static int
ml_schema_mark(void *data, const ml_schema_node_t *child, int same)
{
    ml_schema_whole_t  *whole = data;

    if (!whole->marked[child->id]) {
        whole->marked[child->id] = 1;
        whole->stack[whole->n++] = child->id;
    }

    return 1;
}


static int
ml_schema_check_whole(ml_schema_compiler_t *c, ml_schema_whole_t *whole)
{
    uint32_t           i;
    ml_schema_t       *schema;
    ml_schema_node_t  *node;

    schema = c->schema;

    for (i = 0; i < schema->nnodes; i++) {
        if (schema->nodes[i]->deferred) {
            (void) ml_schema_mark(whole, schema->nodes[i], 1);
        }
    }

    while (whole->n) {
        node = schema->nodes[whole->stack[--whole->n]];

        if (node->tensor || node->image || node->shape
            || node->max_total != UINT64_MAX)
        {
            c->document = node->resource->document;

            return ml_schema_fail(c, node->at, "%s cannot be where a "
                                  "value is checked when it is complete, by "
                                  "a keyword around it",
                                  node->tensor ? "a tensor"
                                  : node->image ? "an image"
                                  : node->shape ? "\"x-shape\""
                                  : "\"x-maxTotalLength\"");
        }

        (void) ml_schema_children(node, ml_schema_mark, whole);
    }

    return 1;
}


int
ml_schema_link(ml_schema_compiler_t *c)
{
    int                      ok, dynamic;
    uint32_t                 i, n;
    ml_schema_t             *schema;
    ml_schema_node_t        *node;
    ml_schema_link_t         link;
    ml_schema_whole_t        whole;
    const ml_schema_node_t  *target, *next;

    schema = c->schema;
    n = schema->nnodes;

    memset(&link, 0, sizeof(ml_schema_link_t));
    memset(&whole, 0, sizeof(ml_schema_whole_t));

    link.before = calloc(n, sizeof(uint32_t));
    link.order = calloc(n, sizeof(uint32_t));
    link.spread = calloc(n, sizeof(uint64_t));
    whole.marked = calloc(n, 1);
    whole.stack = calloc(n, sizeof(uint32_t));

    ok = link.before && link.order && link.spread && whole.marked
         && whole.stack;

    if (!ok) {
        snprintf(c->error, c->size, "out of memory");
        goto done;
    }

    ok = ml_schema_check_spread(c, &link);

    if (!ok) {
        goto done;
    }

    /* what a node applies comes first, so that its alias is final */

    dynamic = 0;

    for (i = n; i-- > 0; /* void */ ) {
        node = schema->nodes[link.order[i]];
        dynamic = dynamic || node->dynamic;
        target = ml_schema_stands_for(node);

        if (target) {
            next = ml_schema_alias(target);
            node->nullable = node->nullable || target->nullable;
            node->alias = next;

        } else {
            ml_schema_defer(node);
        }
    }

    /* what "$dynamicRef" leads to depends on everything around it */

    if (dynamic) {
        node = schema->nodes[schema->root->id];
        node->alias = NULL;
        node->deferred = 1;
    }

    ok = ml_schema_check_whole(c, &whole);

done:

    free(link.before);
    free(link.order);
    free(link.spread);
    free(whole.marked);
    free(whole.stack);

    return ok;
}
