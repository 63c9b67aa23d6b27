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
template <typename T, typename F>
static __device__ inline T
ml_cuda_together(T value, T *cells, F pair)
{
    cells[threadIdx.x] = value;
    __syncthreads();

    for (unsigned half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            cells[threadIdx.x] = pair(cells[threadIdx.x],
                                      cells[threadIdx.x + half]);
        }

        __syncthreads();
    }

    value = cells[0];
    __syncthreads();

    return value;
}


struct ml_cuda_sum_t {
    template <typename T>
    __device__ T
    operator()(T a, T b) const
    {
        return a + b;
    }
};


struct ml_cuda_largest_t {
    template <typename T>
    __device__ T
    operator()(T a, T b) const
    {
        return b > a ? b : a;
    }
};


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
        most = ml_cuda_together(most, largest, ml_cuda_largest_t());          \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            type  x = exp(in[j * p.inner] - most);                            \
                                                                              \
            out[j * p.inner] = x;                                             \
            sum += x;                                                         \
        }                                                                     \
                                                                              \
        sum = ml_cuda_together(sum, sums, ml_cuda_sum_t());                   \
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
        mean = ml_cuda_together(sum, sums, ml_cuda_sum_t())                   \
               / (double) p.length;                                           \
        sum = 0;                                                              \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            sum += (in[j] - mean) * (in[j] - mean);                           \
        }                                                                     \
                                                                              \
        factor = 1 / sqrt(ml_cuda_together(sum, sums, ml_cuda_sum_t())        \
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

template <typename T>
struct ml_cuda_place_t {
    T         value;
    uint64_t  index;                /* ML_CUDA_NOWHERE: none yet */
};

#define ML_CUDA_NOWHERE  UINT64_MAX


struct ml_cuda_best_t {
    uint32_t  last;

    template <typename T>
    __device__ ml_cuda_place_t<T>
    operator()(ml_cuda_place_t<T> a, ml_cuda_place_t<T> b) const
    {
        if (b.index == ML_CUDA_NOWHERE) {
            return a;
        }

        if (a.index == ML_CUDA_NOWHERE || b.value > a.value) {
            return b;
        }

        if (b.value == a.value && (b.index > a.index) == (last != 0)) {
            return b;
        }

        return a;
    }
};


#define ML_CUDA_ARGMAX(type, dtype)                                           \
                                                                              \
ML_CUDA_KERNEL(argmax_##dtype, ml_cuda_runs_t)                                \
{                                                                             \
    __shared__ ml_cuda_place_t<type>  places[ML_CUDA_TOGETHER];               \
                                                                              \
    for (uint64_t r = blockIdx.x; r < p.runs; r += gridDim.x) {               \
        const type             *in = (const type *) p.input                   \
                                     + r / p.inner * p.length * p.inner       \
                                     + r % p.inner;                           \
        ml_cuda_best_t          best = { p.last };                            \
        ml_cuda_place_t<type>   place = { 0, ML_CUDA_NOWHERE };               \
                                                                              \
        for (uint64_t j = threadIdx.x; j < p.length; j += blockDim.x) {       \
            ml_cuda_place_t<type>  next = { in[j * p.inner], j };             \
                                                                              \
            if (next.value == next.value) {                                   \
                place = best(place, next);                                    \
            }                                                                 \
        }                                                                     \
                                                                              \
        place = ml_cuda_together(place, places, best);                        \
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
        sum = ml_cuda_together(sum, sums, ml_cuda_sum_t());                   \
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
