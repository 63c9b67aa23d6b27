/*
 * What the files of shape inference share.  Functions that return int give 0,
 * or -1 with the reason written.
 *
 * In a batched model the first dimension of what is computed is ML_ROWS.  An
 * operator may neither move it, nor merge it with another, nor compute across
 * it: rows of several requests run as one batch, and one must not see
 * another's.
 */

#ifndef ML_SHAPE_H
#define ML_SHAPE_H

#include "ml_operators.h"


#define ml_is_float(dtype)                                                    \
    ((dtype) == ML_DTYPE_FLOAT32 || (dtype) == ML_DTYPE_FLOAT64)

#define ml_is_number(dtype)                                                   \
    (ml_is_float(dtype)                                                       \
     || (dtype) == ML_DTYPE_INT32 || (dtype) == ML_DTYPE_INT64)

#define ml_is_rows(value)                                                     \
    ((value)->rank > 0 && (value)->dims[0] == ML_ROWS)


/* The two most common reasons. */
int ml_fail_rows(ml_build_t *build);
int ml_fail_type(ml_build_t *build, ml_dtype_e dtype);

void ml_same_shape(const ml_value_t *value, ml_value_t *output);

/* An axis, counted from the end when negative. */
int ml_axis(ml_build_t *build, int64_t axis, uint32_t rank, uint32_t *result);

/* Axes as a set of bits. */
int ml_axes(ml_build_t *build, const int64_t *axes, uint32_t n, uint32_t rank,
    uint32_t *result);

/* A list that is an input since some opset: it must be a constant. */
int ml_constant_list(ml_build_t *build, const ml_value_t *value,
    const int64_t **list, uint32_t *n);

/* The common shape of a and b, as numpy has it. */
int ml_broadcast(ml_build_t *build, const int64_t *a, uint32_t a_rank,
    const int64_t *b, uint32_t b_rank, ml_value_t *output);

/* Whether value, broadcast, does not change the shape of output. */
int ml_fits(const ml_value_t *value, const ml_value_t *output);


#endif /* ML_SHAPE_H */
