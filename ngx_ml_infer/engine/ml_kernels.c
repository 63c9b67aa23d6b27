/* The reference kernels that work element by element; see ml_kernels.h. */

#include <string.h>
#include <tgmath.h>

#include "ml_kernels.h"


typedef void (*ml_binary_pt)(const ml_node_t *node, void *out, const void *a,
    size_t a_step, const void *b, size_t b_step, size_t n);


size_t
ml_array_elements(const ml_array_t *array)
{
    size_t    n;
    uint32_t  i;

    n = 1;

    for (i = 0; i < array->rank; i++) {
        n *= (size_t) array->dims[i];
    }

    return n;
}


void
ml_array_steps(const ml_array_t *array, const ml_array_t *shape,
    size_t *steps)
{
    size_t    step;
    uint32_t  i, j;

    step = 1;

    for (i = shape->rank, j = array->rank; i-- > 0; /* void */) {

        if (j == 0) {
            steps[i] = 0;
            continue;
        }

        j--;
        steps[i] = (array->dims[j] == 1) ? 0 : step;
        step *= (size_t) array->dims[j];
    }
}


/* One loop per type; "x" is the element, "p" the node's parameters. */

#define ML_UNARY_LOOP(type, expression)                                       \
    do {                                                                      \
        type        *o = output->data;                                        \
        const type  *in = inputs[0]->data;                                    \
                                                                              \
        for (i = 0; i < n; i++) {                                             \
            type  x = in[i];                                                  \
            o[i] = (type) (expression);                                       \
        }                                                                     \
    } while (0)

#define ML_UNARY(name, expression)                                            \
                                                                              \
void                                                                          \
ml_kernel_##name(const ml_node_t *node, const ml_array_t *const *inputs,      \
    const ml_array_t *output)                                                 \
{                                                                             \
    size_t                  i, n;                                             \
    const ml_parameters_t  *p;                                                \
                                                                              \
    p = &node->parameters;                                                    \
    (void) p;                                                                 \
    n = ml_array_elements(output);                                            \
                                                                              \
    if (output->dtype == ML_DTYPE_FLOAT32) {                                  \
        ML_UNARY_LOOP(float, expression);                                     \
                                                                              \
    } else {                                                                  \
        ML_UNARY_LOOP(double, expression);                                    \
    }                                                                         \
}

/* the same for operators that take integers too */

#define ML_UNARY_NUMBER(name, expression, integer)                            \
                                                                              \
void                                                                          \
ml_kernel_##name(const ml_node_t *node, const ml_array_t *const *inputs,      \
    const ml_array_t *output)                                                 \
{                                                                             \
    size_t  i, n;                                                             \
                                                                              \
    n = ml_array_elements(output);                                            \
                                                                              \
    switch (output->dtype) {                                                  \
                                                                              \
    case ML_DTYPE_FLOAT32:                                                    \
        ML_UNARY_LOOP(float, expression);                                     \
        break;                                                                \
                                                                              \
    case ML_DTYPE_FLOAT64:                                                    \
        ML_UNARY_LOOP(double, expression);                                    \
        break;                                                                \
                                                                              \
    case ML_DTYPE_INT32:                                                      \
        ML_UNARY_LOOP(int32_t, integer(uint32_t));                            \
        break;                                                                \
                                                                              \
    default:                                                                  \
        ML_UNARY_LOOP(int64_t, integer(uint64_t));                            \
        break;                                                                \
    }                                                                         \
}

#define ml_integer_neg(natural)  (0 - (natural) x)
#define ml_integer_abs(natural)  (x < 0 ? 0 - (natural) x : (natural) x)


ML_UNARY_NUMBER(neg, -x, ml_integer_neg)


ML_UNARY_NUMBER(abs, fabs(x), ml_integer_abs)


ML_UNARY(exp, exp(x))


ML_UNARY(log, log(x))


ML_UNARY(sqrt, sqrt(x))


ML_UNARY(erf, erf(x))


ML_UNARY(tanh, tanh(x))


/* written so that NaN stays NaN */

ML_UNARY(relu, x < 0 ? 0 : x)


ML_UNARY(leaky_relu, x < 0 ? p->alpha * x : x)


ML_UNARY(elu, x < 0 ? p->alpha * expm1(x) : x)


ML_UNARY(selu, p->beta * (x <= 0 ? p->alpha * expm1(x) : x))


ML_UNARY(sigmoid, 1 / (1 + exp(-x)))


ML_UNARY(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))


ML_UNARY(softsign, x / (1 + fabs(x)))


ML_UNARY(hard_sigmoid, (p->alpha * x + p->beta < 0) ? 0
                       : (p->alpha * x + p->beta > 1) ? 1
                       : p->alpha * x + p->beta)


/* 0.7071... is the root of 1/2, 0.7978... of 2/pi */

ML_UNARY(gelu, p->approximate
         ? 0.5 * x * (1 + tanh(0.7978845608028654
                               * (x + 0.044715 * x * x * x)))
         : 0.5 * x * (1 + erf(x * 0.7071067811865476)))


/*
 * Two arrays, broadcast to the shape of the output: the function does one
 * run along the last dimension, the others are counted through.
 */

static void
ml_binary(const ml_node_t *node, const ml_array_t *a, const ml_array_t *b,
    const ml_array_t *output, ml_binary_pt function)
{
    char        *out;
    size_t       i, n, size, outer, inner, a_size, b_size;
    size_t       a_steps[ML_TENSOR_MAX_RANK], b_steps[ML_TENSOR_MAX_RANK];
    int64_t      at[ML_TENSOR_MAX_RANK];
    uint32_t     d, rank;
    const char  *pa, *pb;

    out = output->data;
    pa = a->data;
    pb = b->data;

    n = ml_array_elements(output);

    if (n == 0) {
        return;
    }

    if (ml_array_elements(a) == n && ml_array_elements(b) == n) {
        function(node, out, pa, 1, pb, 1, n);
        return;
    }

    /* n is not 1, so there is a dimension */

    rank = output->rank;
    size = ml_dtype_size(output->dtype);
    a_size = ml_dtype_size(a->dtype);
    b_size = ml_dtype_size(b->dtype);

    ml_array_steps(a, output, a_steps);
    ml_array_steps(b, output, b_steps);

    inner = (size_t) output->dims[rank - 1];
    outer = n / inner;

    memset(at, 0, sizeof(at));

    for (i = 0; i < outer; i++) {

        function(node, out, pa, a_steps[rank - 1], pb, b_steps[rank - 1],
                 inner);

        out += inner * size;

        for (d = rank - 1; d-- > 0; /* void */) {

            pa += a_steps[d] * a_size;
            pb += b_steps[d] * b_size;

            if (++at[d] < output->dims[d]) {
                break;
            }

            at[d] = 0;
            pa -= a_steps[d] * a_size * (size_t) output->dims[d];
            pb -= b_steps[d] * b_size * (size_t) output->dims[d];
        }
    }
}


#define ML_BINARY_LOOP(name, type, expression)                                \
                                                                              \
static void                                                                   \
ml_##name##_##type(const ml_node_t *node, void *out, const void *a,           \
    size_t a_step, const void *b, size_t b_step, size_t n)                    \
{                                                                             \
    type        *o = out;                                                     \
    size_t       i;                                                           \
    const type  *pa = a, *pb = b;                                             \
                                                                              \
    for (i = 0; i < n; i++) {                                                 \
        type  x = pa[i * a_step], y = pb[i * b_step];                         \
        o[i] = (type) (expression);                                           \
    }                                                                         \
}

#define ML_BINARY(name, real, integer)                                        \
                                                                              \
ML_BINARY_LOOP(name, float, real)                                             \
ML_BINARY_LOOP(name, double, real)                                            \
ML_BINARY_LOOP(name, int32_t, integer(uint32_t))                              \
ML_BINARY_LOOP(name, int64_t, integer(uint64_t))                              \
                                                                              \
void                                                                          \
ml_kernel_##name(const ml_node_t *node, const ml_array_t *const *inputs,      \
    const ml_array_t *output)                                                 \
{                                                                             \
    ml_binary(node, inputs[0], inputs[1], output,                             \
              output->dtype == ML_DTYPE_FLOAT32 ? ml_##name##_float           \
              : output->dtype == ML_DTYPE_FLOAT64 ? ml_##name##_double        \
              : output->dtype == ML_DTYPE_INT32 ? ml_##name##_int32_t         \
              : ml_##name##_int64_t);                                         \
}

#define ml_integer_add(natural)  ((natural) x + (natural) y)
#define ml_integer_sub(natural)  ((natural) x - (natural) y)
#define ml_integer_mul(natural)  ((natural) x * (natural) y)

/* the lowest integer divided by -1 is itself: negation wraps */
#define ml_integer_div(natural)                                               \
    (y == 0 ? 0 : y == -1 ? (int64_t) (0 - (natural) x) : x / y)


ML_BINARY(add, x + y, ml_integer_add)


ML_BINARY(sub, x - y, ml_integer_sub)


ML_BINARY(mul, x * y, ml_integer_mul)


ML_BINARY(div, x / y, ml_integer_div)


ML_BINARY_LOOP(prelu, float, x < 0 ? x * y : x)
ML_BINARY_LOOP(prelu, double, x < 0 ? x * y : x)


void
ml_kernel_prelu(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    ml_binary(node, inputs[0], inputs[1], output,
              output->dtype == ML_DTYPE_FLOAT32 ? ml_prelu_float
                                                : ml_prelu_double);
}


static int64_t
ml_saturate(double x, int64_t low, int64_t high)
{
    if (x != x) {
        return 0;
    }

    /* (double) INT64_MAX is one more than it */

    if (x >= (double) high) {
        return high;
    }

    return x <= (double) low ? low : (int64_t) x;
}


static double
ml_number(const ml_array_t *array, size_t i)
{
    switch (array->dtype) {

    case ML_DTYPE_FLOAT32:
        return ((const float *) array->data)[i];

    case ML_DTYPE_FLOAT64:
        return ((const double *) array->data)[i];

    case ML_DTYPE_INT32:
        return ((const int32_t *) array->data)[i];

    default:
        return (double) ((const int64_t *) array->data)[i];
    }
}


/* The base and the exponent may be of different types. */

void
ml_kernel_pow(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    double    value;
    size_t    i, n, a, b, left;
    size_t    a_steps[ML_TENSOR_MAX_RANK], b_steps[ML_TENSOR_MAX_RANK];
    uint32_t  d;

    n = ml_array_elements(output);

    ml_array_steps(inputs[0], output, a_steps);
    ml_array_steps(inputs[1], output, b_steps);

    for (i = 0; i < n; i++) {

        a = b = 0;
        left = i;

        for (d = output->rank; d-- > 0; /* void */) {
            a += left % (size_t) output->dims[d] * a_steps[d];
            b += left % (size_t) output->dims[d] * b_steps[d];
            left /= (size_t) output->dims[d];
        }

        value = pow(ml_number(inputs[0], a), ml_number(inputs[1], b));

        switch (output->dtype) {

        case ML_DTYPE_FLOAT32:
            ((float *) output->data)[i] = (float) value;
            break;

        case ML_DTYPE_FLOAT64:
            ((double *) output->data)[i] = value;
            break;

        case ML_DTYPE_INT32:
            ((int32_t *) output->data)[i] =
                (int32_t) ml_saturate(value, INT32_MIN, INT32_MAX);
            break;

        default:
            ((int64_t *) output->data)[i] =
                ml_saturate(value, INT64_MIN, INT64_MAX);
            break;
        }
    }
}


#define ML_CLIP(type, low, high)                                              \
    do {                                                                      \
        type  least = least_given ? *(const type *) inputs[1]->data           \
                                  : (type) (low);                             \
        type  most = most_given ? *(const type *) inputs[2]->data             \
                                : (type) (high);                              \
                                                                              \
        ML_UNARY_LOOP(type, (x < least ? least : x) > most ? most             \
                            : x < least ? least : x);                         \
    } while (0)


void
ml_kernel_clip(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    int                     least_given, most_given;
    size_t                  i, n;
    const ml_parameters_t  *p;

    p = &node->parameters;
    n = ml_array_elements(output);
    least_given = node->ninputs > 1 && inputs[1] != NULL;
    most_given = node->ninputs > 2 && inputs[2] != NULL;

    switch (output->dtype) {

    case ML_DTYPE_FLOAT32:
        ML_CLIP(float, p->minimum, p->maximum);
        break;

    case ML_DTYPE_FLOAT64:
        ML_CLIP(double, p->minimum, p->maximum);
        break;

    case ML_DTYPE_INT32:
        ML_CLIP(int32_t, INT32_MIN, INT32_MAX);
        break;

    default:
        ML_CLIP(int64_t, INT64_MIN, INT64_MAX);
        break;
    }
}


#define ML_CAST_LOOP(to, expression)                                          \
    do {                                                                      \
        to  *o = output->data;                                                \
                                                                              \
        for (i = 0; i < n; i++) {                                             \
            o[i] = (to) (expression);                                         \
        }                                                                     \
    } while (0)

/* An integer keeps its low bits, as in C; to bool, whatever is not 0. */

#define ML_CAST_FROM(from, whole)                                             \
    do {                                                                      \
        const from  *in = inputs[0]->data;                                    \
                                                                              \
        switch (output->dtype) {                                              \
                                                                              \
        case ML_DTYPE_FLOAT32:                                                \
            ML_CAST_LOOP(float, in[i]);                                       \
            break;                                                            \
                                                                              \
        case ML_DTYPE_FLOAT64:                                                \
            ML_CAST_LOOP(double, in[i]);                                      \
            break;                                                            \
                                                                              \
        case ML_DTYPE_INT64:                                                  \
            ML_CAST_LOOP(int64_t, whole(in[i], INT64));                       \
            break;                                                            \
                                                                              \
        case ML_DTYPE_INT32:                                                  \
            ML_CAST_LOOP(int32_t, whole(in[i], INT32));                       \
            break;                                                            \
                                                                              \
        case ML_DTYPE_INT8:                                                   \
            ML_CAST_LOOP(int8_t, whole(in[i], INT8));                         \
            break;                                                            \
                                                                              \
        case ML_DTYPE_UINT8:                                                  \
            ML_CAST_LOOP(uint8_t, whole(in[i], ML_UINT8));                    \
            break;                                                            \
                                                                              \
        default:                                                              \
            ML_CAST_LOOP(uint8_t, in[i] != 0);                                \
            break;                                                            \
        }                                                                     \
    } while (0)

#define ML_UINT8_MIN            0
#define ML_UINT8_MAX            UINT8_MAX

#define ml_cast_real(x, type)   ml_saturate(x, type##_MIN, type##_MAX)
#define ml_cast_whole(x, type)  (x)


void
ml_kernel_cast(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    size_t  i, n;

    n = ml_array_elements(output);

    switch (inputs[0]->dtype) {

    case ML_DTYPE_FLOAT32:
        ML_CAST_FROM(float, ml_cast_real);
        break;

    case ML_DTYPE_FLOAT64:
        ML_CAST_FROM(double, ml_cast_real);
        break;

    case ML_DTYPE_INT64:
        ML_CAST_FROM(int64_t, ml_cast_whole);
        break;

    case ML_DTYPE_INT32:
        ML_CAST_FROM(int32_t, ml_cast_whole);
        break;

    case ML_DTYPE_INT8:
        ML_CAST_FROM(int8_t, ml_cast_whole);
        break;

    default:
        ML_CAST_FROM(uint8_t, ml_cast_whole);
        break;
    }
}
