/*
 * Values to run operators with, and how near a result has to come to that of
 * the reference kernels.
 */

#ifndef OPERATOR_VALUES_H
#define OPERATOR_VALUES_H

#include <math.h>
#include <string.h>

#include "ml_tensor.h"


static uint64_t  operator_seed = 1;


/* xorshift64*, Vigna 2016 */

static uint64_t
operator_random(void)
{
    operator_seed ^= operator_seed >> 12;
    operator_seed ^= operator_seed << 25;
    operator_seed ^= operator_seed >> 27;

    return operator_seed * 2685821657736338717u;
}


/* in [-4, 4), with few bits so that whole numbers and ties occur */

static double
operator_real(void)
{
    return (double) (int64_t) (operator_random() >> 48) / 8192 - 4;
}


static void
operator_put(ml_dtype_e dtype, void *data, size_t i, double x)
{
    switch (dtype) {

    case ML_DTYPE_FLOAT32:
        ((float *) data)[i] = (float) x;
        break;

    case ML_DTYPE_FLOAT64:
        ((double *) data)[i] = x;
        break;

    case ML_DTYPE_INT64:
        ((int64_t *) data)[i] = (int64_t) x;
        break;

    case ML_DTYPE_INT32:
        ((int32_t *) data)[i] = (int32_t) x;
        break;

    case ML_DTYPE_INT8:
        ((int8_t *) data)[i] = (int8_t) x;
        break;

    case ML_DTYPE_UINT8:
        ((uint8_t *) data)[i] = (uint8_t) (int64_t) x;
        break;

    default:
        /* bool, and what is only moved */
        memset((char *) data + i * ml_dtype_size(dtype), x > 0,
               ml_dtype_size(dtype));
        break;
    }
}


/*
 * Random values; "special" puts NaN, infinities, zeros with a sign, denormals
 * and the limits of integers among them.
 */
static void
operator_fill(ml_dtype_e dtype, void *data, size_t n, int special)
{
    size_t    i;
    uint64_t  r;

    static const double  reals[] = {
        NAN, INFINITY, -INFINITY, -0.0, 0.0, 1e-42, -1e-310, 100, -100
    };

    for (i = 0; i < n; i++) {

        operator_put(dtype, data, i, operator_real() * 8);

        r = operator_random();

        if (!special || r >> 60) {
            continue;
        }

        r = r >> 8 & 0xffff;

        if (dtype == ML_DTYPE_FLOAT32 || dtype == ML_DTYPE_FLOAT64) {
            operator_put(dtype, data, i, reals[r % 9]);

        } else if (dtype == ML_DTYPE_INT64) {
            ((int64_t *) data)[i] = r & 1 ? INT64_MIN + (r > 99) : INT64_MAX;

        } else if (dtype == ML_DTYPE_INT32) {
            ((int32_t *) data)[i] = r & 1 ? INT32_MIN + (r > 99) : INT32_MAX;
        }
    }
}


static double
operator_value(ml_dtype_e dtype, const void *data, size_t i)
{
    return dtype == ML_DTYPE_FLOAT32 ? (double) ((const float *) data)[i]
                                     : ((const double *) data)[i];
}


/* Of what is finite, and 1: a sum is as wrong as what cancels out in it. */

static double
operator_scale(ml_dtype_e dtype, const void *data, size_t n)
{
    size_t  i, finite;
    double  x, sum;

    for (i = 0, finite = 0, sum = 0; i < n; i++) {
        x = operator_value(dtype, data, i);

        if (isfinite(x) && fabs(x) < 1e6) {
            sum += fabs(x);
            finite++;
        }
    }

    return 1 + (finite ? sum / (double) finite : 0);
}


/*
 * How many elements differ: in floats by more than "relative" of the value
 * and of the mean of all; at all in anything else.  A NaN is near a NaN
 * alone.  *worst grows to the largest relative difference seen.
 */
static size_t
operator_differ(ml_dtype_e dtype, const void *got, const void *want, size_t n,
    double *worst)
{
    size_t  i, differ, size;
    double  a, b, error, relative, scale;

    differ = 0;
    size = ml_dtype_size(dtype);

    if (dtype != ML_DTYPE_FLOAT32 && dtype != ML_DTYPE_FLOAT64) {

        for (i = 0; i < n; i++) {
            differ += memcmp((const char *) got + i * size,
                             (const char *) want + i * size, size) != 0;
        }

        return differ;
    }

    relative = dtype == ML_DTYPE_FLOAT32 ? 1e-5 : 1e-12;
    scale = operator_scale(dtype, want, n);

    for (i = 0; i < n; i++) {

        a = operator_value(dtype, got, i);
        b = operator_value(dtype, want, i);

        if (isnan(a) || isnan(b) || isinf(a) || isinf(b)) {
            differ += !(a == b || (isnan(a) && isnan(b)));
            continue;
        }

        error = fabs(a - b) / (fabs(b) + scale);
        *worst = error > *worst ? error : *worst;
        differ += error > relative;
    }

    return differ;
}


#endif /* OPERATOR_VALUES_H */
