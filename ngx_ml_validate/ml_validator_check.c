/* Checks of single values; see ml_validator_state.h. */

#include "ml_validator_state.h"


int
ml_validator_type_failed(ml_validator_t *v, const ml_schema_node_t *node)
{
    if (node->choices) {
        ml_violation_choice(&v->found->violation, node);

    } else {
        ml_violation_type(&v->found->violation, node);
    }

    return ml_validator_reject(v, v->nframes, 0, NULL);
}


/* The order of the checks is pydantic's. */
int
ml_validator_check_number(ml_validator_t *v, const ml_schema_node_t *node,
    const ml_number_t *number)
{
    int       whole;
    uint64_t  magnitude;

    whole = node && !(node->types & ML_SCHEMA_NUMBER);

    if (whole
        && ml_number_integer(number, &magnitude) == ML_NUMBER_FRACTION)
    {
        return ml_validator_type_failed(v, node);
    }

    if (number->value - number->value != 0) {
        ml_violation_finite(&v->found->violation);

    } else if (node == NULL) {
        return 0;

    } else if (node->multiple_of.text
               && !ml_number_multiple(number, &node->multiple_of))
    {
        ml_violation_multiple(&v->found->violation, node);

    } else if (node->maximum.text
               && ml_number_compare(number, &node->maximum) > 0)
    {
        ml_violation_bound(&v->found->violation, ML_VIOLATION_LE, whole,
                           &node->maximum);

    } else if (node->below.text
               && ml_number_compare(number, &node->below) >= 0)
    {
        ml_violation_bound(&v->found->violation, ML_VIOLATION_LT, whole,
                           &node->below);

    } else if (node->minimum.text
               && ml_number_compare(number, &node->minimum) < 0)
    {
        ml_violation_bound(&v->found->violation, ML_VIOLATION_GE, whole,
                           &node->minimum);

    } else if (node->above.text
               && ml_number_compare(number, &node->above) <= 0)
    {
        ml_violation_bound(&v->found->violation, ML_VIOLATION_GT, whole,
                           &node->above);

    } else {
        return 0;
    }

    return ml_validator_reject(v, v->nframes, 0, NULL);
}


uint64_t
ml_validator_most(const ml_validator_t *v, uint32_t nframes,
    const ml_schema_node_t *node)
{
    uint64_t  most, total;

    most = nframes ? v->frames[nframes - 1].total : UINT64_MAX;

    if (node && node->max_total < UINT64_MAX - v->characters) {
        total = v->characters + node->max_total;
        most = total < most ? total : most;
    }

    return most;
}


int
ml_validator_over_total(ml_validator_t *v)
{
    uint32_t  i;
    uint64_t  max;

    for (i = 0; i < v->nframes && v->frames[i].total >= v->characters; i++) {
        /* void */
    }

    max = i < v->nframes ? v->frames[i].node->max_total
                         : v->string->max_total;

    ml_violation_total(&v->found->violation, max);

    return ml_validator_reject(v, i, 0, NULL);
}


static int
ml_validator_image_verdict(ml_validator_t *v, int rc)
{
    if (rc == 0) {
        return 0;
    }

    ml_violation_value(&v->found->violation, v->image.error);

    return ml_validator_reject(v, v->nframes, 0, NULL);
}


int
ml_validator_image(ml_validator_t *v, const char *bytes, size_t len)
{
    return ml_validator_image_verdict(v, ml_image_string_feed(&v->image,
                                                              bytes, len));
}


int
ml_validator_image_end(ml_validator_t *v)
{
    return v->string && v->string->image
           ? ml_validator_image_verdict(v, ml_image_string_finish(&v->image))
           : 0;
}
