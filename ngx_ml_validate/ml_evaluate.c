/* Evaluates a value against a node of a schema; see ml_evaluate.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_evaluate_state.h"


/* What the schema that was applied last said. */
typedef enum {
    ML_CHILD_NONE = 0,              /* none was applied yet */
    ML_CHILD_PASSED,
    ML_CHILD_FAILED
} ml_child_e;


typedef ml_step_e (*ml_evaluate_pt)(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child);


/* Room for bits of n things; the number of the first word, or -1. */
static int64_t
ml_evaluate_room(ml_evaluate_t *e, uint32_t n, uint32_t *words)
{
    uint32_t   size;
    uint64_t  *bits;

    *words = n / 64 + 1;

    if (*words > e->bits_size - e->nbits) {
        size = (e->bits_size + *words) * 2;
        bits = realloc(e->bits, size * sizeof(uint64_t));

        if (bits == NULL) {
            e->status = ML_EVALUATE_MEMORY;
            return -1;
        }

        e->bits = bits;
        e->bits_size = size;
    }

    memset(&e->bits[e->nbits], 0, *words * sizeof(uint64_t));
    e->nbits += *words;

    return e->nbits - *words;
}


static int
ml_evaluate_container(const ml_tape_t *tape, uint32_t i)
{
    return tape->nodes[i].type == ML_TAPE_ARRAY
           || tape->nodes[i].type == ML_TAPE_OBJECT;
}


/* Applies the node to the value at "at": pushes a frame. */
static ml_step_e
ml_evaluate_call(ml_evaluate_t *e, const ml_schema_node_t *node, uint32_t at)
{
    int                   asked;
    int64_t               marks;
    uint32_t              size;
    ml_evaluate_frame_t  *frame;

    if (!ml_evaluate_pay(e, 1)) {
        return ML_STEP_ERROR;
    }

    if (e->nframes == e->frames_size) {
        size = e->frames_size ? e->frames_size * 2 : 16;
        frame = realloc(e->frames, size * sizeof(ml_evaluate_frame_t));

        if (frame == NULL) {
            e->status = ML_EVALUATE_MEMORY;
            return ML_STEP_ERROR;
        }

        e->frames = frame;
        e->frames_size = size;
    }

    frame = &e->frames[e->nframes];

    asked = (node->keywords & (ML_SCHEMA_UNEVALUATED
                               |ML_SCHEMA_UNEVALUATED_ITEMS))
            || (e->nframes && frame[-1].nmarks && frame[-1].at == at);

    memset(frame, 0, sizeof(ml_evaluate_frame_t));
    frame->node = node;
    frame->at = at;
    frame->marks = e->nbits;

    if (asked && ml_evaluate_container(e->tape, at)) {
        marks = ml_evaluate_room(e, e->tape->nodes[at].size, &frame->nmarks);

        if (marks < 0) {
            return ML_STEP_ERROR;
        }

        frame->marks = (uint32_t) marks;
    }

    e->nframes++;

    return ML_STEP_CALL;
}


/* The element or member with that number is evaluated. */
static void
ml_evaluate_mark(ml_evaluate_t *e, const ml_evaluate_frame_t *f,
    uint32_t ordinal)
{
    if (f->nmarks) {
        e->bits[f->marks + ordinal / 64] |= (uint64_t) 1 << (ordinal % 64);
    }
}


static int
ml_evaluate_marked(const ml_evaluate_t *e, const ml_evaluate_frame_t *f,
    uint32_t ordinal)
{
    return e->bits[f->marks + ordinal / 64] >> (ordinal % 64) & 1;
}


/* Of two schemas that did not match, that which got farther is told of. */
static void
ml_evaluate_consider(ml_evaluate_t *e, ml_evaluate_frame_t *f)
{
    if (!f->best_set
        || e->failure.at > f->best.at
        || (e->failure.at == f->best.at
            && f->best.why == ML_FAILURE_TYPE
            && e->failure.why != ML_FAILURE_TYPE))
    {
        f->best = e->failure;
        f->best_set = 1;
    }
}


static ml_step_e
ml_evaluate_ref(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    return child == ML_CHILD_NONE ? ml_evaluate_call(e, f->node->ref, f->at)
           : child == ML_CHILD_PASSED ? ML_STEP_NEXT : ML_STEP_FAIL;
}


/* The outermost resource that was come through decides. */
static ml_step_e
ml_evaluate_dynamic(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child)
{
    uint32_t                 i;
    const ml_schema_node_t  *target, *node;

    if (child != ML_CHILD_NONE) {
        return child == ML_CHILD_PASSED ? ML_STEP_NEXT : ML_STEP_FAIL;
    }

    node = f->node;
    target = NULL;

    if (!ml_evaluate_pay(e, e->nframes / 16)) {
        return ML_STEP_ERROR;
    }

    for (i = 0; node->dynamic_name.len && target == NULL && i < e->nframes;
         i++)
    {
        if (i && e->frames[i].node->resource == e->frames[i - 1].node->resource)
        {
            continue;
        }

        target = ml_schema_dynamic(e->frames[i].node, &node->dynamic_name);
    }

    return ml_evaluate_call(e, target ? target : node->dynamic, f->at);
}


static ml_step_e
ml_evaluate_all(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    if (child == ML_CHILD_FAILED) {
        return ML_STEP_FAIL;
    }

    return f->applied == f->node->all.n ? ML_STEP_NEXT
           : ml_evaluate_call(e, f->node->all.list[f->applied++], f->at);
}


/* The first that matches ends it, unless what was evaluated matters. */
static ml_step_e
ml_evaluate_any(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    if (child == ML_CHILD_PASSED) {
        f->matches++;

        if (!f->nmarks) {
            return ML_STEP_NEXT;
        }

    } else if (child == ML_CHILD_FAILED) {
        ml_evaluate_consider(e, f);
    }

    if (f->applied < f->node->any.n) {
        return ml_evaluate_call(e, f->node->any.list[f->applied++], f->at);
    }

    if (f->matches) {
        return ML_STEP_NEXT;
    }

    e->failure = f->best;

    return ML_STEP_FAIL;
}


static ml_step_e
ml_evaluate_one(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    if (child == ML_CHILD_PASSED) {

        if (++f->matches == 2) {
            return ml_evaluate_fail(e, f->node, ML_FAILURE_SEVERAL, f->at);
        }

    } else if (child == ML_CHILD_FAILED) {
        ml_evaluate_consider(e, f);
    }

    if (f->applied < f->node->one.n) {
        return ml_evaluate_call(e, f->node->one.list[f->applied++], f->at);
    }

    if (f->matches) {
        return ML_STEP_NEXT;
    }

    e->failure = f->best;

    return ML_STEP_FAIL;
}


static ml_step_e
ml_evaluate_not(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    if (child == ML_CHILD_NONE) {
        return ml_evaluate_call(e, f->node->not, f->at);
    }

    return child == ML_CHILD_FAILED ? ML_STEP_NEXT
           : ml_evaluate_fail(e, f->node, ML_FAILURE_NOT, f->at);
}


static ml_step_e
ml_evaluate_if(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    const ml_schema_node_t  *node;

    switch (f->applied++) {

    case 0:
        return ml_evaluate_call(e, f->node->condition, f->at);

    case 1:
        node = child == ML_CHILD_PASSED ? f->node->then : f->node->otherwise;

        return node ? ml_evaluate_call(e, node, f->at) : ML_STEP_NEXT;

    default:
        return child == ML_CHILD_PASSED ? ML_STEP_NEXT : ML_STEP_FAIL;
    }
}


/* The first required name that no member has. */
static ml_step_e
ml_evaluate_missing(ml_evaluate_t *e, ml_evaluate_frame_t *f)
{
    uint32_t  i;

    for (i = 0; i < f->node->nrequired; i++) {
        if (!(e->bits[f->seen + i / 64] >> (i % 64) & 1)) {
            (void) ml_evaluate_fail(e, f->node, ML_FAILURE_MISSING, f->at);
            e->failure.name = &f->node->required[i];
            return ML_STEP_FAIL;
        }
    }

    return ML_STEP_NEXT;
}


/*
 * The schema, if any is left, that a member must match: that of its name,
 * those whose pattern its name matches, or the one for all others.  NULL
 * with an error set, or without.
 */
static const ml_schema_node_t *
ml_evaluate_member(ml_evaluate_t *e, ml_evaluate_frame_t *f)
{
    size_t                       len;
    uint32_t                     n;
    const char                  *name;
    ml_pattern_e                 found;
    const ml_schema_node_t      *node;
    const ml_schema_property_t  *property;

    node = f->node;
    name = ml_tape_text(e->tape, f->member);
    len = e->tape->nodes[f->member].size;

    if (f->applied == 0) {
        f->applied = 1;
        property = ml_schema_find(node, name, len);

        if (property && property->required >= 0) {
            e->bits[f->seen + (uint32_t) property->required / 64] |=
                (uint64_t) 1 << (property->required % 64);
        }

        if (property && property->node) {
            f->matches++;
            return property->node;
        }
    }

    while (f->applied <= node->patterns.n) {
        n = f->applied++ - 1;

        if (!ml_evaluate_pay(e, 1 + len / 16)) {
            return NULL;
        }

        found = ml_pattern_search(node->patterns.list[n].pattern, name, len);

        if (found == ML_PATTERN_FOUND) {
            f->matches++;
            return node->patterns.list[n].node;
        }

        if (found != ML_PATTERN_MISSED) {
            e->status = found == ML_PATTERN_COSTLY ? ML_EVALUATE_COSTLY
                                                   : ML_EVALUATE_MEMORY;
            return NULL;
        }
    }

    if (f->applied == node->patterns.n + 1) {
        f->applied++;

        if (f->matches == 0 && node->additional) {
            f->matches++;
            return node->additional;
        }
    }

    return NULL;
}


static ml_step_e
ml_evaluate_members(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child)
{
    int64_t                  seen;
    uint32_t                 words;
    const ml_schema_node_t  *node;

    if (child == ML_CHILD_FAILED) {
        return ML_STEP_FAIL;
    }

    if (child == ML_CHILD_NONE) {
        seen = ml_evaluate_room(e, f->node->nrequired, &words);

        if (seen < 0) {
            return ML_STEP_ERROR;
        }

        f->seen = (uint32_t) seen;
        f->member = f->at + 1;
    }

    while (f->ordinal < e->tape->nodes[f->at].size) {
        node = ml_evaluate_member(e, f);

        if (node) {
            return ml_evaluate_call(e, node, f->member + 1);
        }

        if (e->status != ML_EVALUATE_PASSED || !ml_evaluate_pay(e, 1)) {
            return ML_STEP_ERROR;
        }

        if (f->matches) {
            ml_evaluate_mark(e, f, f->ordinal);
        }

        f->applied = 0;
        f->matches = 0;
        f->ordinal++;
        f->member = ml_tape_next(e->tape, f->member + 1);
    }

    return ml_evaluate_missing(e, f);
}


static ml_step_e
ml_evaluate_names(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    if (child == ML_CHILD_FAILED) {
        return ML_STEP_FAIL;
    }

    f->member = child == ML_CHILD_NONE
                ? f->at + 1 : ml_tape_next(e->tape, f->member + 1);

    return f->ordinal++ < e->tape->nodes[f->at].size
           ? ml_evaluate_call(e, f->node->names, f->member) : ML_STEP_NEXT;
}


/* Whether the object has a member of that name. */
static int
ml_evaluate_has(ml_evaluate_t *e, uint32_t i, const ml_schema_name_t *name)
{
    return ml_evaluate_pay(e, 1 + e->tape->nodes[i].size / 8)
           && ml_tape_member(e->tape, i, name->name, name->len)
              != ML_TAPE_NONE;
}


static ml_step_e
ml_evaluate_dependent(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child)
{
    uint32_t                       k, j;
    const ml_schema_property_t    *property;
    const ml_schema_properties_t  *list;

    if (child == ML_CHILD_FAILED) {
        return ML_STEP_FAIL;
    }

    list = &f->node->dependent_required;

    for (k = 0; child == ML_CHILD_NONE && k < list->n; k++) {
        property = &list->list[k];

        if (!ml_evaluate_has(e, f->at, &property->name)) {
            continue;
        }

        for (j = 0; j < property->nnames; j++) {
            if (!ml_evaluate_has(e, f->at, &property->names[j])
                && e->status == ML_EVALUATE_PASSED)
            {
                (void) ml_evaluate_fail(e, f->node, ML_FAILURE_MISSING,
                                        f->at);
                e->failure.name = &property->names[j];
                return ML_STEP_FAIL;
            }
        }
    }

    list = &f->node->dependents;

    while (e->status == ML_EVALUATE_PASSED && f->applied < list->n) {
        property = &list->list[f->applied++];

        if (ml_evaluate_has(e, f->at, &property->name)) {
            return ml_evaluate_call(e, property->node, f->at);
        }
    }

    return e->status == ML_EVALUATE_PASSED ? ML_STEP_NEXT : ML_STEP_ERROR;
}


static ml_step_e
ml_evaluate_items(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child)
{
    const ml_schema_node_t  *node;

    if (child == ML_CHILD_FAILED) {
        return ML_STEP_FAIL;
    }

    if (child == ML_CHILD_PASSED) {
        ml_evaluate_mark(e, f, f->ordinal - 1);
        f->member = ml_tape_next(e->tape, f->member);

    } else {
        f->member = f->at + 1;
    }

    if (f->ordinal == e->tape->nodes[f->at].size) {
        return ML_STEP_NEXT;
    }

    node = f->ordinal < f->node->prefix.n
           ? f->node->prefix.list[f->ordinal] : f->node->items;

    if (node == NULL) {
        return ML_STEP_NEXT;
    }

    f->ordinal++;

    return ml_evaluate_call(e, node, f->member);
}


static ml_step_e
ml_evaluate_contains(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child)
{
    const ml_schema_node_t  *node;

    node = f->node;

    if (child == ML_CHILD_NONE) {
        f->member = f->at + 1;

    } else {
        f->member = ml_tape_next(e->tape, f->member);

        if (child == ML_CHILD_PASSED) {
            f->matches++;
            ml_evaluate_mark(e, f, f->ordinal - 1);
        }
    }

    if (f->ordinal < e->tape->nodes[f->at].size) {
        f->ordinal++;
        return ml_evaluate_call(e, node->contains, f->member);
    }

    return f->matches < node->min_contains || f->matches > node->max_contains
           ? ml_evaluate_fail(e, node, ML_FAILURE_CONTAINS, f->at)
           : ML_STEP_NEXT;
}


/* Elements, or members, that no other keyword has looked at. */
static ml_step_e
ml_evaluate_rest(ml_evaluate_t *e, ml_evaluate_frame_t *f, ml_child_e child,
    const ml_schema_node_t *node, uint32_t key)
{
    if (child == ML_CHILD_FAILED) {
        return ML_STEP_FAIL;
    }

    if (child == ML_CHILD_NONE) {
        f->member = f->at + 1;

    } else {
        ml_evaluate_mark(e, f, f->ordinal++);
        f->member = ml_tape_next(e->tape, f->member + key);
    }

    for ( /* void */ ; f->ordinal < e->tape->nodes[f->at].size; f->ordinal++) {

        if (!ml_evaluate_marked(e, f, f->ordinal)) {
            return ml_evaluate_call(e, node, f->member + key);
        }

        f->member = ml_tape_next(e->tape, f->member + key);
    }

    return ML_STEP_NEXT;
}


static ml_step_e
ml_evaluate_unevaluated(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child)
{
    return ml_evaluate_rest(e, f, child, f->node->unevaluated, 1);
}


static ml_step_e
ml_evaluate_unevaluated_items(ml_evaluate_t *e, ml_evaluate_frame_t *f,
    ml_child_e child)
{
    return ml_evaluate_rest(e, f, child, f->node->unevaluated_items, 0);
}


/* By the number of the bit, ML_SCHEMA_REF and on. */
static const struct {
    ml_evaluate_pt  evaluate;
    unsigned        object:1;       /* only objects, only arrays */
    unsigned        array:1;
} ml_evaluate_keywords[] = {
    { ml_evaluate_ref, 0, 0 },
    { ml_evaluate_dynamic, 0, 0 },
    { ml_evaluate_all, 0, 0 },
    { ml_evaluate_any, 0, 0 },
    { ml_evaluate_one, 0, 0 },
    { ml_evaluate_not, 0, 0 },
    { ml_evaluate_if, 0, 0 },
    { ml_evaluate_members, 1, 0 },
    { ml_evaluate_names, 1, 0 },
    { ml_evaluate_dependent, 1, 0 },
    { ml_evaluate_items, 0, 1 },
    { ml_evaluate_contains, 0, 1 },
    { ml_evaluate_unevaluated, 1, 0 },
    { ml_evaluate_unevaluated_items, 0, 1 }
};

#define ML_EVALUATE_KEYWORDS  14


/* The next keyword from f->keyword on that concerns the value. */
static int
ml_evaluate_next_keyword(const ml_evaluate_t *e, ml_evaluate_frame_t *f)
{
    ml_tape_e  type;

    type = e->tape->nodes[f->at].type;

    for ( /* void */ ; f->keyword < ML_EVALUATE_KEYWORDS; f->keyword++) {

        if ((f->node->keywords >> f->keyword & 1)
            && (!ml_evaluate_keywords[f->keyword].object
                || type == ML_TAPE_OBJECT)
            && (!ml_evaluate_keywords[f->keyword].array
                || type == ML_TAPE_ARRAY))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Goes on with the innermost node: returns whether a node was pushed, failed
 * or passed.
 */
static ml_step_e
ml_evaluate_step(ml_evaluate_t *e, ml_child_e child)
{
    ml_step_e             step;
    ml_evaluate_frame_t  *f;

    f = &e->frames[e->nframes - 1];

    if (child == ML_CHILD_NONE) {
        step = ml_evaluate_value(e, f->node, f->at);

        if (step != ML_STEP_NEXT) {
            return step;
        }
    }

    while (ml_evaluate_next_keyword(e, f)) {
        step = ml_evaluate_keywords[f->keyword].evaluate(e, f, child);

        if (step != ML_STEP_NEXT) {
            return step;
        }

        f->keyword++;
        f->applied = 0;
        f->ordinal = 0;
        f->matches = 0;
        f->best_set = 0;
        child = ML_CHILD_NONE;
    }

    return ML_STEP_NEXT;
}


/* The innermost node is done; what it has evaluated counts if it passed. */
static void
ml_evaluate_pop(ml_evaluate_t *e, int passed)
{
    uint32_t              i;
    ml_evaluate_frame_t  *f;

    f = &e->frames[--e->nframes];

    if (passed && f->nmarks && e->nframes && f[-1].nmarks
        && f[-1].at == f->at)
    {
        for (i = 0; i < f->nmarks; i++) {
            e->bits[f[-1].marks + i] |= e->bits[f->marks + i];
        }
    }

    e->nbits = f->marks;
}


ml_evaluate_e
ml_evaluate(const ml_schema_t *schema, const ml_schema_node_t *node,
    const ml_tape_t *tape, uint32_t i, ml_failure_t *failure)
{
    ml_step_e      step;
    ml_child_e     child;
    ml_evaluate_t  e;

    memset(&e, 0, sizeof(ml_evaluate_t));

    e.schema = schema;
    e.tape = tape;
    e.budget = ML_EVALUATE_STEPS + (uint64_t) (ml_tape_next(tape, i) - i)
                                   * ML_EVALUATE_NODE_STEPS;

    step = ml_evaluate_call(&e, node, i);
    child = ML_CHILD_NONE;

    while (step != ML_STEP_ERROR && e.nframes) {
        step = ml_evaluate_step(&e, child);
        child = ML_CHILD_NONE;

        if (step == ML_STEP_NEXT || step == ML_STEP_FAIL) {
            ml_evaluate_pop(&e, step == ML_STEP_NEXT);
            child = step == ML_STEP_NEXT ? ML_CHILD_PASSED : ML_CHILD_FAILED;
        }
    }

    if (step == ML_STEP_FAIL) {
        e.status = ML_EVALUATE_FAILED;
        *failure = e.failure;
    }

    free(e.frames);
    free(e.bits);

    return e.status;
}
