/* Kernels that work element by element; as ml_kernels.c. */

#ifndef ML_CUDA_ELEMENTS_CUH
#define ML_CUDA_ELEMENTS_CUH


/* the elements of this thread: a stride is a whole grid, so that neighbours
 * read neighbours */

#define ML_CUDA_EACH(i, n)                                                    \
    for (uint64_t i = (uint64_t) blockIdx.x * blockDim.x + threadIdx.x;       \
         i < (n);                                                             \
         i += (uint64_t) gridDim.x * blockDim.x)


#ifdef __cplusplus
#define ML_CUDA_EXTERN  extern "C"
#else
#define ML_CUDA_EXTERN
#endif

#define ML_CUDA_KERNEL(name, parameters)                                      \
    ML_CUDA_EXTERN __global__ void                                            \
    ml_cuda_##name(const parameters p)


/* Where element i is, by dimensions and steps. */

static __device__ inline uint64_t
ml_cuda_at(uint64_t i, uint32_t rank, const uint64_t *dims,
    const uint64_t *steps)
{
    uint64_t  at;

    if (rank == 1) {
        return i * steps[0];
    }

    at = 0;

    for (uint32_t d = rank; d-- > 0; /* void */) {
        at += i % dims[d] * steps[d];
        i /= dims[d];
    }

    return at;
}


#define ML_CUDA_UNARY(name, type, dtype, expression)                          \
                                                                              \
ML_CUDA_KERNEL(name##_##dtype, ml_cuda_elements_t)                            \
{                                                                             \
    type        *o = (type *) p.output;                                       \
    const type  *in = (const type *) p.inputs[0];                             \
                                                                              \
    ML_CUDA_EACH(i, p.elements) {                                             \
        type  x = in[i];                                                      \
        o[i] = (type) (expression);                                           \
    }                                                                         \
}

#define ML_CUDA_REAL(name, expression)                                        \
    ML_CUDA_UNARY(name, float, float32, expression)                           \
    ML_CUDA_UNARY(name, double, float64, expression)

#define ML_CUDA_NUMBER(name, expression, integer)                             \
    ML_CUDA_REAL(name, expression)                                            \
    ML_CUDA_UNARY(name, int32_t, int32, integer(uint32_t))                    \
    ML_CUDA_UNARY(name, int64_t, int64, integer(uint64_t))

#define ml_cuda_integer_neg(natural)  (0 - (natural) x)
#define ml_cuda_integer_abs(natural)  (x < 0 ? 0 - (natural) x : (natural) x)


ML_CUDA_NUMBER(neg, -x, ml_cuda_integer_neg)
ML_CUDA_NUMBER(abs, fabs(x), ml_cuda_integer_abs)
ML_CUDA_REAL(exp, exp(x))
ML_CUDA_REAL(log, log(x))
ML_CUDA_REAL(sqrt, sqrt(x))
ML_CUDA_REAL(erf, erf(x))
ML_CUDA_REAL(tanh, tanh(x))

/* written so that NaN stays NaN */

ML_CUDA_REAL(relu, x < 0 ? 0 : x)
ML_CUDA_REAL(leaky_relu, x < 0 ? p.alpha * x : x)
ML_CUDA_REAL(elu, x < 0 ? p.alpha * expm1(x) : x)
ML_CUDA_REAL(selu, p.beta * (x <= 0 ? p.alpha * expm1(x) : x))
ML_CUDA_REAL(sigmoid, 1 / (1 + exp(-x)))
ML_CUDA_REAL(softplus, x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)))
ML_CUDA_REAL(softsign, x / (1 + fabs(x)))
ML_CUDA_REAL(hard_sigmoid, p.alpha * x + p.beta < 0 ? 0
             : p.alpha * x + p.beta > 1 ? 1 : p.alpha * x + p.beta)

/* 0.7071... is the root of 1/2, 0.7978... of 2/pi */

ML_CUDA_REAL(gelu, 0.5 * x * (1 + erf(x * 0.7071067811865476)))
ML_CUDA_REAL(gelu_tanh, 0.5 * x
             * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))))


#define ML_CUDA_BINARY(name, type, dtype, expression)                         \
                                                                              \
ML_CUDA_KERNEL(name##_##dtype, ml_cuda_elements_t)                            \
{                                                                             \
    type        *o = (type *) p.output;                                       \
    const type  *a = (const type *) p.inputs[0];                              \
    const type  *b = (const type *) p.inputs[1];                              \
                                                                              \
    ML_CUDA_EACH(i, p.elements) {                                             \
        type  x = a[ml_cuda_at(i, p.rank, p.dims, p.steps[0])];               \
        type  y = b[ml_cuda_at(i, p.rank, p.dims, p.steps[1])];               \
        o[i] = (type) (expression);                                           \
    }                                                                         \
}

#define ML_CUDA_BINARY_NUMBER(name, real, integer)                            \
    ML_CUDA_BINARY(name, float, float32, real)                                \
    ML_CUDA_BINARY(name, double, float64, real)                               \
    ML_CUDA_BINARY(name, int32_t, int32, integer(uint32_t))                   \
    ML_CUDA_BINARY(name, int64_t, int64, integer(uint64_t))

#define ml_cuda_integer_add(natural)  ((natural) x + (natural) y)
#define ml_cuda_integer_sub(natural)  ((natural) x - (natural) y)
#define ml_cuda_integer_mul(natural)  ((natural) x * (natural) y)
#define ml_cuda_integer_div(natural)                                          \
    (y == 0 ? 0 : y == -1 ? (int64_t) (0 - (natural) x) : x / y)


ML_CUDA_BINARY_NUMBER(add, x + y, ml_cuda_integer_add)
ML_CUDA_BINARY_NUMBER(sub, x - y, ml_cuda_integer_sub)
ML_CUDA_BINARY_NUMBER(mul, x * y, ml_cuda_integer_mul)
ML_CUDA_BINARY_NUMBER(div, x / y, ml_cuda_integer_div)
ML_CUDA_BINARY(prelu, float, float32, x < 0 ? x * y : x)
ML_CUDA_BINARY(prelu, double, float64, x < 0 ? x * y : x)

/* the C of a Gemm */

ML_CUDA_BINARY(gemm_c, float, float32, x + (float) (p.beta * y))
ML_CUDA_BINARY(gemm_c, double, float64, x + p.beta * y)


static __device__ inline int64_t
ml_cuda_saturate(double x, int64_t low, int64_t high)
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


static __device__ inline double
ml_cuda_load(const void *data, uint32_t dtype, uint64_t i)
{
    switch (dtype) {

    case 1:     /* ML_DTYPE_FLOAT32 */
        return ((const float *) data)[i];

    case 11:    /* ML_DTYPE_FLOAT64 */
        return ((const double *) data)[i];

    case 6:     /* ML_DTYPE_INT32 */
        return ((const int32_t *) data)[i];

    default:
        return (double) ((const int64_t *) data)[i];
    }
}


/* A whole power of whole numbers is whole, whatever pow() makes of it. */

static __device__ inline double
ml_cuda_pow_whole(double x, double y)
{
    double  value;

    value = pow(x, y);

    return y >= 0 && y == floor(y) ? rint(value) : value;
}


/* The base and the exponent may be of different types. */

#define ML_CUDA_POW(type, dtype, expression)                                  \
                                                                              \
ML_CUDA_KERNEL(pow_##dtype, ml_cuda_elements_t)                               \
{                                                                             \
    type  *o = (type *) p.output;                                             \
                                                                              \
    ML_CUDA_EACH(i, p.elements) {                                             \
        double  x = ml_cuda_load(p.inputs[0], p.dtypes[0],                    \
                        ml_cuda_at(i, p.rank, p.dims, p.steps[0]));           \
        double  y = ml_cuda_load(p.inputs[1], p.dtypes[1],                    \
                        ml_cuda_at(i, p.rank, p.dims, p.steps[1]));           \
        o[i] = (type) (expression);                                           \
    }                                                                         \
}

ML_CUDA_POW(float, float32, pow(x, y))
ML_CUDA_POW(double, float64, pow(x, y))
ML_CUDA_POW(int32_t, int32, ml_cuda_saturate(ml_cuda_pow_whole(x, y),
                                             INT32_MIN, INT32_MAX))
ML_CUDA_POW(int64_t, int64, ml_cuda_saturate(ml_cuda_pow_whole(x, y),
                                             INT64_MIN, INT64_MAX))


#define ML_CUDA_CLIP(type, dtype, lowest, highest)                            \
                                                                              \
ML_CUDA_KERNEL(clip_##dtype, ml_cuda_elements_t)                              \
{                                                                             \
    type        *o = (type *) p.output;                                       \
    const type  *in = (const type *) p.inputs[0];                             \
    const type   least = p.least ? *(const type *) p.least : (type) (lowest); \
    const type   most = p.most ? *(const type *) p.most : (type) (highest);   \
                                                                              \
    ML_CUDA_EACH(i, p.elements) {                                             \
        type  x = in[i] < least ? least : in[i];                              \
        o[i] = x > most ? most : x;                                           \
    }                                                                         \
}

ML_CUDA_CLIP(float, float32, p.low, p.high)
ML_CUDA_CLIP(double, float64, p.low, p.high)
ML_CUDA_CLIP(int32_t, int32, INT32_MIN, INT32_MAX)
ML_CUDA_CLIP(int64_t, int64, INT64_MIN, INT64_MAX)


/* An integer keeps its low bits, as in C; to bool, whatever is not 0. */

#define ML_CUDA_CAST(from, from_dtype, to, to_dtype, expression)              \
                                                                              \
ML_CUDA_KERNEL(cast_##from_dtype##_##to_dtype, ml_cuda_elements_t)            \
{                                                                             \
    to          *o = (to *) p.output;                                         \
    const from  *in = (const from *) p.inputs[0];                             \
                                                                              \
    ML_CUDA_EACH(i, p.elements) {                                             \
        from  x = in[i];                                                      \
        o[i] = (to) (expression);                                             \
    }                                                                         \
}

#define ML_CUDA_CAST_FROM(from, dtype, whole)                                 \
    ML_CUDA_CAST(from, dtype, float, float32, x)                              \
    ML_CUDA_CAST(from, dtype, double, float64, x)                             \
    ML_CUDA_CAST(from, dtype, int64_t, int64, whole(INT64_MIN, INT64_MAX))    \
    ML_CUDA_CAST(from, dtype, int32_t, int32, whole(INT32_MIN, INT32_MAX))    \
    ML_CUDA_CAST(from, dtype, int8_t, int8, whole(INT8_MIN, INT8_MAX))        \
    ML_CUDA_CAST(from, dtype, uint8_t, uint8, whole(0, UINT8_MAX))            \
    ML_CUDA_CAST(from, dtype, uint8_t, bool, x != 0)

#define ml_cuda_cast_real(low, high)   ml_cuda_saturate(x, low, high)
#define ml_cuda_cast_whole(low, high)  (x)

ML_CUDA_CAST_FROM(float, float32, ml_cuda_cast_real)
ML_CUDA_CAST_FROM(double, float64, ml_cuda_cast_real)
ML_CUDA_CAST_FROM(int64_t, int64, ml_cuda_cast_whole)
ML_CUDA_CAST_FROM(int32_t, int32, ml_cuda_cast_whole)
ML_CUDA_CAST_FROM(int8_t, int8, ml_cuda_cast_whole)
ML_CUDA_CAST_FROM(uint8_t, uint8, ml_cuda_cast_whole)
ML_CUDA_CAST_FROM(uint8_t, bool, ml_cuda_cast_whole)


#endif /* ML_CUDA_ELEMENTS_CUH */
