/* Kernels in which an element depends on several; as ml_kernels_array.c. */

#ifndef ML_CUDA_ARRAYS_CUH
#define ML_CUDA_ARRAYS_CUH


/*
 * For products that are not cuBLASLt's: one thread an element, summed in
 * order and in float64, as in the reference.
 */

#define ML_CUDA_PRODUCT(type, dtype)                                          \
                                                                              \
ML_CUDA_KERNEL(product_##dtype, ml_cuda_product_t)                            \
{                                                                             \
    ML_CUDA_EACH(i, p.elements) {                                             \
        uint64_t     stack = i / (p.m * p.n);                                 \
        uint64_t     row = i / p.n % p.m;                                     \
        uint64_t     column = i % p.n;                                        \
        double       sum = 0;                                                 \
        const type  *a = (const type *) p.a                                   \
                         + ml_cuda_at(stack, p.rank, p.dims, p.steps[0])      \
                         + row * p.a_steps[0];                                \
        const type  *b = (const type *) p.b                                   \
                         + ml_cuda_at(stack, p.rank, p.dims, p.steps[1])      \
                         + column * p.b_steps[1];                             \
                                                                              \
        for (uint64_t w = 0; w < p.k; w++) {                                  \
            sum += (double) a[w * p.a_steps[1]] * b[w * p.b_steps[0]];        \
        }                                                                     \
                                                                              \
        ((type *) p.output)[i] = (type) (p.alpha * sum);                      \
    }                                                                         \
}

ML_CUDA_PRODUCT(float, float32)
ML_CUDA_PRODUCT(double, float64)


/*
 * Brings the values of all threads of a block together, in pairs; every
 * thread gets the result.  "cells" has one for each thread.
 */

#define ML_CUDA_TOGETHER_BY(name, type, pair)                                 \
                                                                              \
static __device__ inline type                                                 \
ml_cuda_##name(type value, type *cells)                                       \
{                                                                             \
    cells[threadIdx.x] = value;                                               \
    __syncthreads();                                                          \
                                                                              \
    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {               \
        if (threadIdx.x < half) {                                             \
            type  a = cells[threadIdx.x], b = cells[threadIdx.x + half];      \
            cells[threadIdx.x] = pair;                                        \
        }                                                                     \
                                                                              \
        __syncthreads();                                                      \
    }                                                                         \
                                                                              \
    value = cells[0];                                                         \
    __syncthreads();                                                          \
                                                                              \
    return value;                                                             \
}

ML_CUDA_TOGETHER_BY(sum_double, double, a + b)
ML_CUDA_TOGETHER_BY(sum_uint64_t, uint64_t, a + b)
ML_CUDA_TOGETHER_BY(largest_float, float, b > a ? b : a)
ML_CUDA_TOGETHER_BY(largest_double, double, b > a ? b : a)


/* A NaN need not be found as the largest: it makes the sum NaN. */

#define ML_CUDA_SOFTMAX(type, dtype, least)                                   \
                                                                              \
ML_CUDA_KERNEL(softmax_##dtype, ml_cuda_runs_t)                               \
{                                                                             \
    __shared__ double  sums[ML_CUDA_TOGETHER];                                \
    __shared__ type    largest[ML_CUDA_TOGETHER];                             \
                                                                              \
    for (uint64_t r = blockIdx.x; r < p.runs; r += gridDim.x) {               \
        uint64_t     at = r / p.inner * p.length * p.inner + r % p.inner;     \
        type         most = least;                                            \
        type        *out = (type *) p.output + at;                            \
        double       sum = 0;                                                 \
        const type  *in = (const type *) p.input + at;                        \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            most = in[j * p.inner] > most ? in[j * p.inner] : most;           \
        }                                                                     \
                                                                              \
        most = ml_cuda_largest_##type(most, largest);                         \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            type  x = exp(in[j * p.inner] - most);                            \
                                                                              \
            out[j * p.inner] = x;                                             \
            sum += x;                                                         \
        }                                                                     \
                                                                              \
        sum = ml_cuda_sum_double(sum, sums);                                  \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            out[j * p.inner] = p.logarithm                                    \
                               ? (in[j * p.inner] - most) - (type) log(sum)   \
                               : (type) (out[j * p.inner] / sum);             \
        }                                                                     \
    }                                                                         \
}

ML_CUDA_SOFTMAX(float, float32, -INFINITY)
ML_CUDA_SOFTMAX(double, float64, (double) -INFINITY)


#define ML_CUDA_LAYER_NORMALIZATION(type, dtype)                              \
                                                                              \
ML_CUDA_KERNEL(layer_normalization_##dtype, ml_cuda_runs_t)                   \
{                                                                             \
    __shared__ double  sums[ML_CUDA_TOGETHER];                                \
                                                                              \
    for (uint64_t r = blockIdx.x; r < p.runs; r += gridDim.x) {               \
        type        *out = (type *) p.output + r * p.length;                  \
        double       sum = 0, mean, factor;                                   \
        const type  *in = (const type *) p.input + r * p.length;              \
        const type  *scale = (const type *) p.scale;                          \
        const type  *bias = (const type *) p.bias;                            \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            sum += in[j];                                                     \
        }                                                                     \
                                                                              \
        mean = ml_cuda_sum_double(sum, sums) / (double) p.length;             \
        sum = 0;                                                              \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            sum += (in[j] - mean) * (in[j] - mean);                           \
        }                                                                     \
                                                                              \
        factor = 1 / sqrt(ml_cuda_sum_double(sum, sums)                       \
                          / (double) p.length + p.epsilon);                   \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            out[j] = (type) ((in[j] - mean) * factor * scale[j]               \
                             + (bias ? bias[j] : 0));                         \
        }                                                                     \
    }                                                                         \
}

ML_CUDA_LAYER_NORMALIZATION(float, float32)
ML_CUDA_LAYER_NORMALIZATION(double, float64)


#define ML_CUDA_BATCH_NORMALIZATION(type, dtype)                              \
                                                                              \
ML_CUDA_KERNEL(batch_normalization_##dtype, ml_cuda_batch_normalization_t)    \
{                                                                             \
    ML_CUDA_EACH(i, p.elements) {                                             \
        uint64_t  c = i / p.inner % p.channels;                               \
        double    factor = ((const type *) p.scale)[c]                        \
                           / sqrt((double) ((const type *) p.variance)[c]     \
                                  + p.epsilon);                               \
                                                                              \
        ((type *) p.output)[i] =                                              \
            (type) (((double) ((const type *) p.input)[i]                     \
                     - ((const type *) p.mean)[c]) * factor                   \
                    + ((const type *) p.bias)[c]);                            \
    }                                                                         \
}

ML_CUDA_BATCH_NORMALIZATION(float, float32)
ML_CUDA_BATCH_NORMALIZATION(double, float64)


/*
 * The first, or last, of the largest.  As in the reference nothing is larger
 * than a NaN that comes first, and no other NaN is larger than anything.
 */

#define ML_CUDA_NOWHERE  UINT64_MAX     /* no place found yet */

#define ML_CUDA_ARGMAX(type, dtype)                                           \
                                                                              \
typedef struct {                                                              \
    type      value;                                                          \
    uint64_t  index;                                                          \
    uint32_t  last;                                                           \
} ml_cuda_place_##type;                                                       \
                                                                              \
static __device__ inline ml_cuda_place_##type                                 \
ml_cuda_better_##type(ml_cuda_place_##type a, ml_cuda_place_##type b)         \
{                                                                             \
    if (b.index == ML_CUDA_NOWHERE) {                                         \
        return a;                                                             \
    }                                                                         \
                                                                              \
    if (a.index == ML_CUDA_NOWHERE || b.value > a.value) {                    \
        return b;                                                             \
    }                                                                         \
                                                                              \
    return b.value == a.value && (b.index > a.index) == (b.last != 0) ? b     \
                                                                      : a;    \
}                                                                             \
                                                                              \
ML_CUDA_TOGETHER_BY(best_##type, ml_cuda_place_##type,                        \
                    ml_cuda_better_##type(a, b))                              \
                                                                              \
ML_CUDA_KERNEL(argmax_##dtype, ml_cuda_runs_t)                                \
{                                                                             \
    __shared__ ml_cuda_place_##type  places[ML_CUDA_TOGETHER];                \
                                                                              \
    for (uint64_t r = blockIdx.x; r < p.runs; r += gridDim.x) {               \
        const type            *in = (const type *) p.input                    \
                                    + r / p.inner * p.length * p.inner        \
                                    + r % p.inner;                            \
        ml_cuda_place_##type   next, place = { 0, ML_CUDA_NOWHERE, p.last };  \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            next.value = in[j * p.inner];                                     \
            next.index = j;                                                   \
            next.last = p.last;                                               \
                                                                              \
            if (next.value == next.value) {                                   \
                place = ml_cuda_better_##type(place, next);                   \
            }                                                                 \
        }                                                                     \
                                                                              \
        place = ml_cuda_best_##type(place, places);                           \
                                                                              \
        if (threadIdx.x == 0) {                                               \
            ((int64_t *) p.output)[r] =                                       \
                in[0] != in[0] || place.index == ML_CUDA_NOWHERE              \
                ? 0 : (int64_t) place.index;                                  \
        }                                                                     \
    }                                                                         \
}

ML_CUDA_ARGMAX(float, float32)
ML_CUDA_ARGMAX(double, float64)
ML_CUDA_ARGMAX(int32_t, int32)
ML_CUDA_ARGMAX(int64_t, int64)


#define ML_CUDA_REDUCE(type, dtype, sum_type, result)                         \
                                                                              \
ML_CUDA_KERNEL(reduce_##dtype, ml_cuda_reduce_t)                              \
{                                                                             \
    __shared__ sum_type  sums[ML_CUDA_TOGETHER];                              \
                                                                              \
    for (uint64_t i = blockIdx.x; i < p.elements; i += gridDim.x) {           \
        sum_type     sum = 0;                                                 \
        const type  *in = (const type *) p.input                              \
                          + ml_cuda_at(i, p.rank, p.dims, p.steps);           \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.count; j += blockDim.x) {        \
            sum += (sum_type) in[ml_cuda_at(j, p.rank_reduced,                \
                                            p.dims_reduced,                   \
                                            p.steps_reduced)];                \
        }                                                                     \
                                                                              \
        sum = ml_cuda_sum_##sum_type(sum, sums);                              \
                                                                              \
        if (threadIdx.x == 0) {                                               \
            ((type *) p.output)[i] = (type) (result);                         \
        }                                                                     \
    }                                                                         \
}

#define ml_cuda_real_result  (p.mean ? sum / (double) p.count : sum)

ML_CUDA_REDUCE(float, float32, double, ml_cuda_real_result)
ML_CUDA_REDUCE(double, float64, double, ml_cuda_real_result)
ML_CUDA_REDUCE(int32_t, int32, uint64_t, sum)
ML_CUDA_REDUCE(int64_t, int64, uint64_t, sum)


#endif /* ML_CUDA_ARRAYS_CUH */
