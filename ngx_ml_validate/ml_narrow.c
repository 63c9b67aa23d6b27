/* Numbers of a JSON text to elements of a tensor; see ml_narrow.h. */

#include <math.h>
#include <string.h>

#include "ml_narrow.h"


int
ml_narrow_floating(ml_dtype_e dtype)
{
    return dtype == ML_DTYPE_FLOAT32 || dtype == ML_DTYPE_FLOAT16
           || dtype == ML_DTYPE_FLOAT64;
}


/*
 * IEEE 754 binary16 from a double, to nearest even in one rounding.  The
 * double is finite; what is too large becomes infinity.
 */
static uint16_t
ml_narrow_half(double value)
{
    int        exponent, shift;
    uint64_t   image, mantissa, rest, half;
    uint16_t   sign, bits;

    memcpy(&image, &value, sizeof(double));

    sign = (uint16_t) ((image >> 48) & 0x8000);
    exponent = (int) ((image >> 52) & 0x7ff) - 1023;

    if (exponent < -25) {
        return sign;
    }

    if (exponent > 15) {
        return sign | 0x7c00;
    }

    mantissa = (image & 0xfffffffffffffULL) | 0x10000000000000ULL;

    /* a normal keeps 10 bits below the leading one, a subnormal fewer */

    shift = exponent < -14 ? 42 + (-14 - exponent) : 42;

    bits = (uint16_t) (mantissa >> shift);
    rest = mantissa & (((uint64_t) 1 << shift) - 1);
    half = (uint64_t) 1 << (shift - 1);

    if (exponent >= -14) {
        bits = (uint16_t) (((exponent + 15) << 10) + (bits - 0x400));
    }

    /* a carry goes on into the exponent, up to infinity */

    if (rest > half || (rest == half && (bits & 1))) {
        bits++;
    }

    return sign | bits;
}


static double
ml_narrow_from_half(uint16_t bits)
{
    double  value;

    if ((bits & 0x7c00) == 0x7c00) {
        value = INFINITY;

    } else if (bits & 0x7c00) {
        value = ldexp((bits & 0x3ff) | 0x400, ((bits >> 10) & 0x1f) - 25);

    } else {
        value = ldexp(bits & 0x3ff, -24);
    }

    return bits & 0x8000 ? -value : value;
}


/* The value that an element of the type would have; may be infinite. */
static double
ml_narrow_value(ml_dtype_e dtype, double value)
{
    if (isinf(value) || dtype == ML_DTYPE_FLOAT64) {
        return value;
    }

    return dtype == ML_DTYPE_FLOAT32
           ? (double) (float) value
           : ml_narrow_from_half(ml_narrow_half(value));
}


void
ml_narrow_limits(ml_dtype_e dtype, ml_narrow_bounds_t *bounds)
{
    unsigned  bits;

    bounds->minimum = -INFINITY;
    bounds->maximum = INFINITY;

    bits = 8 * (unsigned) ml_dtype_size(dtype);

    switch (dtype) {

    case ML_DTYPE_INT8:
    case ML_DTYPE_INT16:
    case ML_DTYPE_INT32:
    case ML_DTYPE_INT64:
        bounds->low = -((__int128) 1 << (bits - 1));
        bounds->high = ((__int128) 1 << (bits - 1)) - 1;
        break;

    default:
        bounds->low = 0;
        bounds->high = ((__int128) 1 << bits) - 1;
    }
}


/* The number as a whole one, clamped beyond what any type holds. */
static ml_narrow_e
ml_narrow_whole(const ml_number_t *number, __int128 *value)
{
    uint64_t  magnitude;

    switch (ml_number_integer(number, &magnitude)) {

    case ML_NUMBER_INTEGER:
        *value = magnitude;
        break;

    case ML_NUMBER_HUGE:
        *value = (__int128) 1 << 64;
        break;

    default: /* ML_NUMBER_FRACTION */
        return ML_NARROW_TYPE;
    }

    if (number->negative) {
        *value = -*value;
    }

    return ML_NARROW_OK;
}


static ml_narrow_e
ml_narrow_check(const ml_narrow_bounds_t *bounds, __int128 value)
{
    if (value < bounds->low) {
        return ML_NARROW_MINIMUM;
    }

    return value > bounds->high ? ML_NARROW_MAXIMUM : ML_NARROW_OK;
}


ml_narrow_e
ml_narrow_set(ml_dtype_e dtype, ml_narrow_bounds_t *bounds, int minimum,
    const ml_number_t *number)
{
    double              narrow;
    __int128            value;
    ml_narrow_e         rc;
    ml_narrow_bounds_t  limits;

    if (ml_narrow_floating(dtype)) {
        narrow = ml_narrow_value(dtype, number->value);

        if (isinf(narrow)) {
            return ML_NARROW_FINITE;
        }

        *(minimum ? &bounds->minimum : &bounds->maximum) = narrow;

        return ML_NARROW_OK;
    }

    rc = ml_narrow_whole(number, &value);

    if (rc != ML_NARROW_OK) {
        return rc;
    }

    ml_narrow_limits(dtype, &limits);
    rc = ml_narrow_check(&limits, value);

    if (rc == ML_NARROW_OK) {
        *(minimum ? &bounds->low : &bounds->high) = value;
    }

    return rc;
}


static size_t
ml_narrow_floats(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const ml_number_t *numbers, size_t n, void *to, ml_narrow_e *why)
{
    float      single;
    size_t     i;
    double     value;
    uint16_t   half;

    for (i = 0; i < n; i++) {

        /* the compiler lifts the switch out of the loop */

        if (dtype == ML_DTYPE_FLOAT32) {
            single = (float) numbers[i].value;
            value = (double) single;
            ((float *) to)[i] = single;

        } else if (dtype == ML_DTYPE_FLOAT64) {
            value = numbers[i].value;
            ((double *) to)[i] = value;

        } else {
            half = isinf(numbers[i].value) ? 0x7c00
                                           : ml_narrow_half(numbers[i].value);
            value = ml_narrow_from_half(half);
            ((uint16_t *) to)[i] = half;
        }

        if (isinf(value)) {
            *why = ML_NARROW_FINITE;
            return i;
        }

        if (value < bounds->minimum) {
            *why = ML_NARROW_MINIMUM;
            return i;
        }

        if (value > bounds->maximum) {
            *why = ML_NARROW_MAXIMUM;
            return i;
        }
    }

    return n;
}


size_t
ml_narrow(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const ml_number_t *numbers, size_t n, void *to, ml_narrow_e *why)
{
    size_t    i;
    __int128  value;

    if (ml_narrow_floating(dtype)) {
        return ml_narrow_floats(dtype, bounds, numbers, n, to, why);
    }

    for (i = 0; i < n; i++) {
        *why = ml_narrow_whole(&numbers[i], &value);

        if (*why == ML_NARROW_OK) {
            *why = ml_narrow_check(bounds, value);
        }

        if (*why != ML_NARROW_OK) {
            return i;
        }

        /* two's complement: one store serves both signs */

        switch (ml_dtype_size(dtype)) {

        case 1:
            ((uint8_t *) to)[i] = (uint8_t) value;
            break;

        case 2:
            ((uint16_t *) to)[i] = (uint16_t) value;
            break;

        case 4:
            ((uint32_t *) to)[i] = (uint32_t) value;
            break;

        default:
            ((uint64_t *) to)[i] = (uint64_t) value;
        }
    }

    return n;
}


/* All are stored, and looked at again only if one of them is wrong. */

#define ML_NARROW_STORE(type, good)                                           \
    for (i = 0, bad = 0; i < n; i++) {                                        \
        type  x = (type) values[i];                                           \
                                                                              \
        ((type *) to)[i] = x;                                                 \
        bad |= !(good);                                                       \
    }                                                                         \
                                                                              \
    for (i = bad ? 0 : n; i < n; i++) {                                       \
        type  x = (type) values[i];                                           \
                                                                              \
        (void) x;                                                             \
                                                                              \
        if (!(good)) {                                                        \
            break;                                                            \
        }                                                                     \
    }                                                                         \
                                                                              \
    return i;


size_t
ml_narrow_reals(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const double *values, size_t n, void *to)
{
    int       bad;
    size_t    i;
    double    low, high, value;
    uint16_t  half;

    low = bounds->minimum;
    high = bounds->maximum;

    switch (dtype) {

    case ML_DTYPE_FLOAT32:
        ML_NARROW_STORE(float, (double) x >= low && (double) x <= high
                               && !isinf(x));

    case ML_DTYPE_FLOAT64:
        ML_NARROW_STORE(double, x >= low && x <= high);

    default: /* ML_DTYPE_FLOAT16 */

        for (i = 0; i < n; i++) {
            half = ml_narrow_half(values[i]);
            value = ml_narrow_from_half(half);
            ((uint16_t *) to)[i] = half;

            if (!(value >= low && value <= high) || isinf(value)) {
                break;
            }
        }

        return i;
    }
}


/* What is below "low" is, without a sign, far above the range. */
#define ML_NARROW_WITHIN                                                      \
    ((uint64_t) values[i] - (uint64_t) low <= range)


size_t
ml_narrow_wholes(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const int64_t *values, size_t n, void *to)
{
    int       bad;
    size_t    i;
    int64_t   low, high;
    uint64_t  range;

    /* the values have 18 digits at most */

    low = bounds->low < INT64_MIN ? INT64_MIN : (int64_t) bounds->low;
    high = bounds->high > INT64_MAX ? INT64_MAX : (int64_t) bounds->high;

    if (bounds->low > INT64_MAX || bounds->high < INT64_MIN) {
        return 0;
    }

    range = (uint64_t) high - (uint64_t) low;

    /* two's complement: one store serves both signs */

    switch (ml_dtype_size(dtype)) {

    case 1:
        ML_NARROW_STORE(uint8_t, ML_NARROW_WITHIN);

    case 2:
        ML_NARROW_STORE(uint16_t, ML_NARROW_WITHIN);

    case 4:
        ML_NARROW_STORE(uint32_t, ML_NARROW_WITHIN);

    default:
        ML_NARROW_STORE(uint64_t, ML_NARROW_WITHIN);
    }
}


#define ML_NARROW_CHECK_WHOLES(type)                                          \
    for (i = 0; i < n; i++) {                                                 \
        type  x = ((const type *) elements)[i];                               \
                                                                              \
        if (x < bounds->low || x > bounds->high) {                            \
            *why = x < bounds->low ? ML_NARROW_MINIMUM : ML_NARROW_MAXIMUM;   \
            return i;                                                         \
        }                                                                     \
    }

#define ML_NARROW_CHECK_REALS(type, value)                                    \
    for (i = 0; i < n; i++) {                                                 \
        type    x = ((const type *) elements)[i];                             \
        double  y = (value);                                                  \
                                                                              \
        if (!(y >= bounds->minimum && y <= bounds->maximum) || isinf(y)) {    \
            *why = isfinite(y) ? y < bounds->minimum ? ML_NARROW_MINIMUM      \
                                                     : ML_NARROW_MAXIMUM      \
                               : ML_NARROW_FINITE;                            \
            return i;                                                         \
        }                                                                     \
    }


static double
ml_narrow_half_value(uint16_t bits)
{
    /* a NaN has to be seen as one */

    return (bits & 0x7fff) > 0x7c00 ? NAN : ml_narrow_from_half(bits);
}


size_t
ml_narrow_check_elements(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const void *elements, size_t n, ml_narrow_e *why)
{
    size_t  i;

    switch (dtype) {

    case ML_DTYPE_FLOAT32:
        ML_NARROW_CHECK_REALS(float, x);
        break;

    case ML_DTYPE_FLOAT64:
        ML_NARROW_CHECK_REALS(double, x);
        break;

    case ML_DTYPE_FLOAT16:
        ML_NARROW_CHECK_REALS(uint16_t, ml_narrow_half_value(x));
        break;

    case ML_DTYPE_BOOL:

        for (i = 0; i < n; i++) {
            if (((const uint8_t *) elements)[i] > 1) {
                *why = ML_NARROW_TYPE;
                return i;
            }
        }

        break;

    case ML_DTYPE_INT8:
        ML_NARROW_CHECK_WHOLES(int8_t);
        break;

    case ML_DTYPE_UINT8:
        ML_NARROW_CHECK_WHOLES(uint8_t);
        break;

    case ML_DTYPE_INT16:
        ML_NARROW_CHECK_WHOLES(int16_t);
        break;

    case ML_DTYPE_UINT16:
        ML_NARROW_CHECK_WHOLES(uint16_t);
        break;

    case ML_DTYPE_INT32:
        ML_NARROW_CHECK_WHOLES(int32_t);
        break;

    case ML_DTYPE_UINT32:
        ML_NARROW_CHECK_WHOLES(uint32_t);
        break;

    case ML_DTYPE_INT64:
        ML_NARROW_CHECK_WHOLES(int64_t);
        break;

    default:
        ML_NARROW_CHECK_WHOLES(uint64_t);
        break;
    }

    return n;
}
