/* Numbers of a JSON text to elements of a tensor; see ml_narrow.h. */

#include <float.h>
#include <math.h>
#include <string.h>

#include "ml_narrow.h"


int
ml_narrow_floating(ml_dtype_e dtype)
{
    return dtype == ML_DTYPE_FLOAT32 || dtype == ML_DTYPE_FLOAT16
           || dtype == ML_DTYPE_FLOAT64 || dtype == ML_DTYPE_BFLOAT16;
}


/* A floating type of 16 bits: its mantissa's, and its exponent's bias. */
typedef struct {
    int  bits;
    int  bias;
} ml_narrow_small_t;


/* IEEE 754 binary16, and the upper half of binary32 */

static const ml_narrow_small_t  ml_narrow_half = { 10, 15 };
static const ml_narrow_small_t  ml_narrow_brain = { 7, 127 };


static const ml_narrow_small_t *
ml_narrow_type(ml_dtype_e dtype)
{
    return dtype == ML_DTYPE_FLOAT16 ? &ml_narrow_half : &ml_narrow_brain;
}


/* All bits of the exponent: infinity, or with more no number. */
static uint16_t
ml_narrow_infinity(const ml_narrow_small_t *type)
{
    return (uint16_t) (0x7fff >> type->bits << type->bits);
}


/*
 * From a double, to nearest even in one rounding.  What is too large becomes
 * infinity.
 */
static uint16_t
ml_narrow_to_small(const ml_narrow_small_t *type, double value)
{
    int        exponent, shift, least;
    uint64_t   image, mantissa, rest, half;
    uint16_t   sign, bits;

    memcpy(&image, &value, sizeof(double));

    sign = (uint16_t) ((image >> 48) & 0x8000);
    exponent = (int) ((image >> 52) & 0x7ff) - 1023;
    least = 1 - type->bias;

    if (exponent < least - type->bits - 1) {
        return sign;
    }

    if (exponent > type->bias) {
        return sign | ml_narrow_infinity(type);
    }

    mantissa = (image & 0xfffffffffffffULL) | 0x10000000000000ULL;

    /* a normal keeps all bits below the leading one, a subnormal fewer */

    shift = 52 - type->bits + (exponent < least ? least - exponent : 0);

    bits = (uint16_t) (mantissa >> shift);
    rest = mantissa & (((uint64_t) 1 << shift) - 1);
    half = (uint64_t) 1 << (shift - 1);

    if (exponent >= least) {
        bits = (uint16_t) (((exponent + type->bias) << type->bits)
                           + (bits - (1 << type->bits)));
    }

    /* a carry goes on into the exponent, up to infinity */

    if (rest > half || (rest == half && (bits & 1))) {
        bits++;
    }

    return sign | bits;
}


static double
ml_narrow_from_small(const ml_narrow_small_t *type, uint16_t bits)
{
    int       exponent;
    double    value;
    uint16_t  infinity, mantissa;

    infinity = ml_narrow_infinity(type);
    exponent = (bits & infinity) >> type->bits;
    mantissa = bits & ((1 << type->bits) - 1);

    if ((bits & infinity) == infinity) {
        value = mantissa ? NAN : INFINITY;

    } else if (exponent) {
        value = ldexp(mantissa | (1 << type->bits),
                      exponent - type->bias - type->bits);

    } else {
        value = ldexp(mantissa, 1 - type->bias - type->bits);
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
           : ml_narrow_from_small(ml_narrow_type(dtype),
                                  ml_narrow_to_small(ml_narrow_type(dtype),
                                                     value));
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
    float                     single;
    size_t                    i;
    double                    value;
    uint16_t                  small;
    const ml_narrow_small_t  *type;

    type = ml_narrow_type(dtype);

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
            small = ml_narrow_to_small(type, numbers[i].value);
            value = ml_narrow_from_small(type, small);
            ((uint16_t *) to)[i] = small;
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


/* Four at a time, which compilers make of whatever the processor has. */
typedef double   ml_narrow_doubles_t  __attribute__((vector_size(32)));
typedef float    ml_narrow_singles_t  __attribute__((vector_size(16)));
typedef int32_t  ml_narrow_words_t    __attribute__((vector_size(16)));


/* The bounds are of the type, so that they can be compared in it. */
static size_t
ml_narrow_singles(const ml_narrow_bounds_t *bounds, const double *values,
    size_t n, float *to)
{
    float                low, high;
    size_t               i;
    ml_narrow_words_t    bad;
    ml_narrow_doubles_t  wide;
    ml_narrow_singles_t  narrow;

    low = isinf(bounds->minimum) ? -FLT_MAX : (float) bounds->minimum;
    high = isinf(bounds->maximum) ? FLT_MAX : (float) bounds->maximum;
    bad = (ml_narrow_words_t) { 0, 0, 0, 0 };

    for (i = 0; n - i >= 4; i += 4) {
        memcpy(&wide, values + i, sizeof(wide));
        narrow = __builtin_convertvector(wide, ml_narrow_singles_t);
        memcpy(to + i, &narrow, sizeof(narrow));

        bad |= (narrow < low) | (narrow > high);
    }

    /* looked at again only if one of them is wrong */

    i = bad[0] | bad[1] | bad[2] | bad[3] ? 0 : i;

    for ( /* void */ ; i < n; i++) {
        to[i] = (float) values[i];

        if (to[i] < low || to[i] > high) {
            break;
        }
    }

    return i;
}


size_t
ml_narrow_reals(ml_dtype_e dtype, const ml_narrow_bounds_t *bounds,
    const double *values, size_t n, void *to)
{
    int                       bad;
    size_t                    i;
    double                    low, high, value;
    uint16_t                  small;
    const ml_narrow_small_t  *type;

    low = bounds->minimum;
    high = bounds->maximum;

    switch (dtype) {

    case ML_DTYPE_FLOAT32:
        return ml_narrow_singles(bounds, values, n, to);

    case ML_DTYPE_FLOAT64:
        ML_NARROW_STORE(double, x >= low && x <= high);

    default: /* ML_DTYPE_FLOAT16, ML_DTYPE_BFLOAT16 */

        type = ml_narrow_type(dtype);

        for (i = 0; i < n; i++) {
            small = ml_narrow_to_small(type, values[i]);
            value = ml_narrow_from_small(type, small);
            ((uint16_t *) to)[i] = small;

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
    case ML_DTYPE_BFLOAT16:
        ML_NARROW_CHECK_REALS(uint16_t,
                              ml_narrow_from_small(ml_narrow_type(dtype), x));
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
