/* What a node checks of a value by itself; see ml_evaluate.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_evaluate_state.h"
#include "ml_utf8.h"


ml_step_e
ml_evaluate_fail(ml_evaluate_t *e, const ml_schema_node_t *node,
    ml_failure_e why, uint32_t at)
{
    e->failure.why = why;
    e->failure.at = at;
    e->failure.node = node;
    e->failure.name = NULL;

    return ML_STEP_FAIL;
}


/* What a search of a pattern says. */
static ml_step_e
ml_evaluate_found(ml_evaluate_t *e, const ml_schema_node_t *node,
    ml_pattern_e found, ml_failure_e why, uint32_t i)
{
    switch (found) {

    case ML_PATTERN_FOUND:
        return ML_STEP_NEXT;

    case ML_PATTERN_MISSED:
        return ml_evaluate_fail(e, node, why, i);

    case ML_PATTERN_COSTLY:
        e->status = ML_EVALUATE_COSTLY;
        return ML_STEP_ERROR;

    default: /* ML_PATTERN_MEMORY */
        e->status = ML_EVALUATE_MEMORY;
        return ML_STEP_ERROR;
    }
}


static ml_step_e
ml_evaluate_string(ml_evaluate_t *e, const ml_schema_node_t *node, uint32_t i)
{
    size_t       len;
    uint64_t     length;
    ml_step_e    step;
    const char  *s;

    s = ml_tape_text(e->tape, i);
    len = e->tape->nodes[i].size;

    if (node->min_length || node->max_length != UINT64_MAX) {
        length = ml_utf8_characters(s, len);

        if (length > node->max_length) {
            return ml_evaluate_fail(e, node, ML_FAILURE_LONG_STRING, i);
        }

        if (length < node->min_length) {
            return ml_evaluate_fail(e, node, ML_FAILURE_SHORT_STRING, i);
        }
    }

    if ((node->pattern || node->format) && !ml_evaluate_pay(e, len / 16)) {
        return ML_STEP_ERROR;
    }

    if (node->pattern) {
        step = ml_evaluate_found(e, node,
                                 ml_pattern_search(node->pattern, s, len),
                                 ML_FAILURE_PATTERN, i);
        if (step != ML_STEP_NEXT) {
            return step;
        }
    }

    if (node->format) {
        return ml_evaluate_found(e, node,
                                 ml_format_check(node->format, s, len),
                                 ML_FAILURE_FORMAT, i);
    }

    return ML_STEP_NEXT;
}


/* The order of the checks is that of ml_validator_check_number(). */
static ml_step_e
ml_evaluate_number(ml_evaluate_t *e, const ml_schema_node_t *node, uint32_t i,
    const ml_number_t *number)
{
    if (node->multiple_of.text
        && !ml_number_multiple(number, &node->multiple_of))
    {
        return ml_evaluate_fail(e, node, ML_FAILURE_MULTIPLE, i);
    }

    if (node->maximum.text && ml_number_compare(number, &node->maximum) > 0) {
        return ml_evaluate_fail(e, node, ML_FAILURE_MAXIMUM, i);
    }

    if (node->below.text && ml_number_compare(number, &node->below) >= 0) {
        return ml_evaluate_fail(e, node, ML_FAILURE_BELOW, i);
    }

    if (node->minimum.text && ml_number_compare(number, &node->minimum) < 0) {
        return ml_evaluate_fail(e, node, ML_FAILURE_MINIMUM, i);
    }

    if (node->above.text && ml_number_compare(number, &node->above) <= 0) {
        return ml_evaluate_fail(e, node, ML_FAILURE_ABOVE, i);
    }

    return ML_STEP_NEXT;
}


static int
ml_evaluate_hash_order(const void *one, const void *two)
{
    return memcmp(one, two, 2 * sizeof(uint64_t));
}


/* Equal values are neighbours when their hashes are sorted. */
static ml_step_e
ml_evaluate_unique(ml_evaluate_t *e, const ml_schema_node_t *node, uint32_t i)
{
    int        unique;
    uint32_t   k, n, size;
    uint64_t (*hashes)[2];

    size = e->tape->nodes[i].size;

    if (size < 2) {
        return ML_STEP_NEXT;
    }

    /* each of its values is looked at once, and then sorted */

    if (!ml_evaluate_pay(e, ml_tape_next(e->tape, i) - i)) {
        return ML_STEP_ERROR;
    }

    hashes = malloc((size_t) size * sizeof(*hashes));

    if (hashes == NULL) {
        e->status = ML_EVALUATE_MEMORY;
        return ML_STEP_ERROR;
    }

    for (k = i + 1, n = 0; n < size; k = ml_tape_next(e->tape, k)) {
        ml_tape_hash(e->tape, k, e->schema->seed, hashes[n++]);
    }

    qsort(hashes, n, sizeof(*hashes), ml_evaluate_hash_order);

    for (unique = 1, k = 1; unique && k < n; k++) {
        unique = memcmp(hashes[k - 1], hashes[k], sizeof(*hashes)) != 0;
    }

    free(hashes);

    return unique ? ML_STEP_NEXT
                  : ml_evaluate_fail(e, node, ML_FAILURE_UNIQUE, i);
}


static uint32_t
ml_evaluate_type(const ml_tape_t *tape, uint32_t i, ml_number_t *number)
{
    uint64_t  magnitude;

    static const uint32_t  types[] = {
        ML_SCHEMA_NULL, ML_SCHEMA_BOOLEAN, ML_SCHEMA_BOOLEAN, 0,
        ML_SCHEMA_STRING, ML_SCHEMA_ARRAY, ML_SCHEMA_OBJECT
    };

    if (tape->nodes[i].type != ML_TAPE_NUMBER) {
        return types[tape->nodes[i].type];
    }

    ml_tape_number(tape, i, number);

    return ml_number_integer(number, &magnitude) == ML_NUMBER_FRACTION
           ? ML_SCHEMA_NUMBER : ML_SCHEMA_NUMBER|ML_SCHEMA_INTEGER;
}


ml_step_e
ml_evaluate_value(ml_evaluate_t *e, const ml_schema_node_t *node, uint32_t i)
{
    uint64_t      size, hash[2];
    ml_number_t   number;

    if (node->never) {
        return ml_evaluate_fail(e, node, ML_FAILURE_NEVER, i);
    }

    if (!(ml_evaluate_type(e->tape, i, &number) & node->types)) {
        return ml_evaluate_fail(e, node, node->choices ? ML_FAILURE_CHOICE
                                                       : ML_FAILURE_TYPE, i);
    }

    if (node->choices) {

        if (!ml_evaluate_pay(e, ml_tape_next(e->tape, i) - i)) {
            return ML_STEP_ERROR;
        }

        ml_tape_hash(e->tape, i, e->schema->seed, hash);

        if (!ml_schema_chosen(node, hash)) {
            return ml_evaluate_fail(e, node, ML_FAILURE_CHOICE, i);
        }
    }

    size = e->tape->nodes[i].size;

    switch (e->tape->nodes[i].type) {

    case ML_TAPE_NUMBER:
        return ml_evaluate_number(e, node, i, &number);

    case ML_TAPE_STRING:
        return ml_evaluate_string(e, node, i);

    case ML_TAPE_ARRAY:

        if (size > node->max_items) {
            return ml_evaluate_fail(e, node, ML_FAILURE_LONG_LIST, i);
        }

        if (size < node->min_items) {
            return ml_evaluate_fail(e, node, ML_FAILURE_SHORT_LIST, i);
        }

        return node->unique ? ml_evaluate_unique(e, node, i) : ML_STEP_NEXT;

    case ML_TAPE_OBJECT:

        if (size > node->max_properties) {
            return ml_evaluate_fail(e, node, ML_FAILURE_LONG_OBJECT, i);
        }

        if (size < node->min_properties) {
            return ml_evaluate_fail(e, node, ML_FAILURE_SHORT_OBJECT, i);
        }

        return ML_STEP_NEXT;

    default: /* null, false, true */
        return ML_STEP_NEXT;
    }
}
