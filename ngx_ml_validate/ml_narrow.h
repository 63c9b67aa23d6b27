/*
 * Numbers of a JSON text to elements of a tensor.
 *
 * A number becomes a double first and the element's type then, as numpy and
 * Triton do; to a whole number type it goes exactly.  Bounds hold for the
 * element as it is stored, and are themselves narrowed when set, so that
 * what the schema writes as 0.1 admits what the client writes as 0.1.
 *
 * A negative zero stays one in floating types and is 0 in whole ones.
 */

#ifndef ML_NARROW_H
#define ML_NARROW_H

#include <stddef.h>
#include <stdint.h>

#include "ml_number.h"
#include "ml_tensor.h"


/* What an element may be.  Floats use the doubles, which the type has, whole
 * types the others; without a bound in the schema these are the limits of the
 * type. */
typedef struct {
    double     minimum;
    double     maximum;
    __int128   low;
    __int128   high;
} ml_narrow_bounds_t;


typedef enum {
    ML_NARROW_OK = 0,
    ML_NARROW_TYPE,                 /* not whole, for a whole type */
    ML_NARROW_FINITE,               /* becomes infinite in this type */
    ML_NARROW_MINIMUM,
    ML_NARROW_MAXIMUM
} ml_narrow_e;


/* 1 for float16, bfloat16, float32 and float64. */
int ml_narrow_floating(ml_dtype_e dtype);

/* The limits of a number type (not ML_DTYPE_BOOL). */
void ml_narrow_limits(ml_dtype_e dtype, ml_narrow_bounds_t *bounds);

/*
 * Sets one bound ("minimum" or else maximum) from the schema's number.
 * Fails when the type cannot hold it: ML_NARROW_TYPE, ML_NARROW_FINITE,
 * ML_NARROW_MINIMUM or ML_NARROW_MAXIMUM.
 */
ml_narrow_e ml_narrow_set(ml_dtype_e dtype, ml_narrow_bounds_t *bounds,
    int minimum, const ml_number_t *number);

/*
 * Stores up to n elements at "to"; returns how many, and in *why what is
 * wrong with the next one.
 */
size_t ml_narrow(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const ml_number_t *numbers, size_t n, void *to, ml_narrow_e *why);

/*
 * The same of values that are finite, and of whole ones of up to 18 digits;
 * what is behind the elements that are told may have been written, too, up
 * to n.
 */
size_t ml_narrow_reals(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const double *values, size_t n, void *to);
size_t ml_narrow_wholes(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const int64_t *values, size_t n, void *to);

/*
 * Checks elements that came as such: finite, a bool 0 or 1, within bounds.
 * Returns how many of n are, and in *why what is wrong with the next one.
 * "elements" is aligned for the type.
 */
size_t ml_narrow_check_elements(ml_dtype_e dtype,
    const ml_narrow_bounds_t *bounds, const void *elements, size_t n,
    ml_narrow_e *why);


#endif /* ML_NARROW_H */
