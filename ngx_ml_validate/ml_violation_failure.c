/* What the evaluation of a value found, in pydantic's words; see
 * ml_violation.h. */

#include "ml_violation.h"


/* pydantic has no word for these: they are errors of a validator there. */
static const struct {
    ml_failure_e  why;
    const char   *text;
} ml_violation_values[] = {
    { ML_FAILURE_UNIQUE, "items are not unique" },
    { ML_FAILURE_CONTAINS, "number of items that match \"contains\" is out "
      "of range" },
    { ML_FAILURE_NOT, "matches a schema that it must not match" },
    { ML_FAILURE_SEVERAL, "matches more than one schema" }
};


void
ml_violation_failure(ml_violation_t *violation, const ml_failure_t *failure,
    const ml_tape_t *tape)
{
    int                      whole;
    size_t                   i;
    uint64_t                 size;
    const ml_schema_node_t  *node;

    node = failure->node;
    size = tape->nodes[failure->at].size;
    whole = !(node->types & ML_SCHEMA_NUMBER);

    switch (failure->why) {

    case ML_FAILURE_TYPE:
        ml_violation_type(violation, node);
        return;

    case ML_FAILURE_NEVER:
        ml_violation_extra(violation);
        return;

    case ML_FAILURE_CHOICE:
        ml_violation_choice(violation, node);
        return;

    case ML_FAILURE_MINIMUM:
        ml_violation_bound(violation, ML_VIOLATION_GE, whole, &node->minimum);
        return;

    case ML_FAILURE_MAXIMUM:
        ml_violation_bound(violation, ML_VIOLATION_LE, whole, &node->maximum);
        return;

    case ML_FAILURE_ABOVE:
        ml_violation_bound(violation, ML_VIOLATION_GT, whole, &node->above);
        return;

    case ML_FAILURE_BELOW:
        ml_violation_bound(violation, ML_VIOLATION_LT, whole, &node->below);
        return;

    case ML_FAILURE_MULTIPLE:
        ml_violation_multiple(violation, node);
        return;

    case ML_FAILURE_SHORT_STRING:
        ml_violation_short_string(violation, node->min_length);
        return;

    case ML_FAILURE_LONG_STRING:
        ml_violation_long_string(violation, node->max_length);
        return;

    case ML_FAILURE_PATTERN:
        ml_violation_pattern(violation, &node->pattern_text);
        return;

    case ML_FAILURE_FORMAT:
        ml_violation_format(violation, ml_format_name(node->format));
        return;

    case ML_FAILURE_SHORT_LIST:
        ml_violation_short_list(violation, node->min_items, size);
        return;

    case ML_FAILURE_LONG_LIST:
        ml_violation_long_list(violation, node->max_items);
        return;

    case ML_FAILURE_SHORT_OBJECT:
        ml_violation_short_object(violation, node->min_properties, size);
        return;

    case ML_FAILURE_LONG_OBJECT:
        ml_violation_long_object(violation, node->max_properties);
        return;

    case ML_FAILURE_MISSING:
        ml_violation_missing(violation);
        return;

    default:

        for (i = 0; ml_violation_values[i].why != failure->why; i++) {
            /* void */
        }

        ml_violation_value(violation, ml_violation_values[i].text);
    }
}
