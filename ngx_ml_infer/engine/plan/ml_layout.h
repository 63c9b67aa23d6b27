/*
 * Where the values of a model lie while it runs with a number of rows.
 *
 * Values that are not alive at the same time share memory.  They are placed
 * in the order in which they are made, each in the lowest gap that is free
 * for as long as it lives.
 *
 * Compiled into each backend that uses it.
 */

#ifndef ML_LAYOUT_H
#define ML_LAYOUT_H

#include "ml_steps.h"


/* of the values in one plan; more rows than that are a mistake */
#define ML_LAYOUT_LIMIT  ((size_t) 1 << 30)


/* A value that is an input or output of the model, or lies in one's memory. */
typedef struct {
    int32_t   value;
    uint32_t  index;                /* of the input or output */
    int       output;
} ml_bound_t;


/*
 * Types and dimensions of all values for that many rows, and the data of
 * constants; "arrays" has room for all values of the model.
 */
void ml_layout_arrays(const ml_model_t *model, int64_t rows,
    ml_array_t *arrays);

/*
 * Whether the value, a root, is an input or output of the model: *bound says
 * which; an input if both.
 */
int ml_layout_bound(const ml_model_t *model, int32_t value,
    ml_bound_t *bound);

/*
 * Gives every value that is computed, a root and not bound its place: bytes
 * from the start of one piece of memory of *total bytes, each a multiple of
 * "align", a power of two.  The result is by value and freed by the caller.
 * Returns NULL without memory or beyond ML_LAYOUT_LIMIT.
 */
size_t *ml_layout_place(const ml_model_t *model, const ml_steps_t *steps,
    const ml_array_t *arrays, size_t align, size_t *total);


#endif /* ML_LAYOUT_H */
