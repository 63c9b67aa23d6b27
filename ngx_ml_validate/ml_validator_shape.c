/*
 * x-shape: an array has as many elements as another one says; see
 * ml_validator_state.h.  UINT64_MAX stands for what is not there.
 */

#include "ml_validator_state.h"


/* The object that the innermost open value is a member of, if it has a rule;
 * "nested" containers are open inside of it. */
static ml_validator_frame_t *
ml_validator_shape_frame(ml_validator_t *v, uint32_t nested)
{
    ml_validator_frame_t  *frame;

    if (v->nframes <= nested) {
        return NULL;
    }

    frame = &v->frames[v->nframes - 1 - nested];

    return frame->node && frame->node->shape && !frame->array ? frame : NULL;
}


/* An array whose frame is the innermost has been opened. */
void
ml_validator_shape_start(ml_validator_t *v)
{
    ml_validator_frame_t  *frame;

    frame = ml_validator_shape_frame(v, 1);

    if (frame && frame->key == frame->node->shape->is) {
        frame->product = 1;
    }
}


void
ml_validator_shape_number(ml_validator_t *v, const ml_number_t *number)
{
    uint64_t               dim;
    ml_validator_frame_t  *frame;

    frame = ml_validator_shape_frame(v, 1);

    if (frame == NULL || frame->key != frame->node->shape->is) {
        return;
    }

    /* what is no dimension leaves a product that no array has */

    if (ml_number_integer(number, &dim) != ML_NUMBER_INTEGER
        || (number->negative && dim)
        || __builtin_mul_overflow(frame->product, dim, &frame->product))
    {
        frame->product = UINT64_MAX - 1;
    }
}


/* An array of so many elements has been closed. */
void
ml_validator_shape_array(ml_validator_t *v, uint64_t count)
{
    ml_validator_frame_t  *frame;

    frame = ml_validator_shape_frame(v, 0);

    if (frame && frame->key == frame->node->shape->of) {
        frame->elements = count;
    }
}


int
ml_validator_shape_end(ml_validator_t *v, const ml_validator_frame_t *frame)
{
    uint64_t                  product;
    const ml_schema_shape_t  *shape;

    shape = frame->node ? frame->node->shape : NULL;

    /* behind a violation the elements may not have been counted right */

    if (shape == NULL || frame->elements == UINT64_MAX || v->last) {
        return 0;
    }

    product = frame->product == UINT64_MAX ? shape->elements : frame->product;

    if (product == UINT64_MAX || product == frame->elements) {
        return 0;
    }

    ml_violation_value(&v->found->violation,
                       "number of elements is not that of the shape");

    return ml_validator_reject(v, v->nframes, 0, shape->of);
}
