/* Kernels that move elements, whatever they are, by their size in bits. */

#ifndef ML_CUDA_MOVES_CUH
#define ML_CUDA_MOVES_CUH


#define ML_CUDA_MOVE(bits)                                                    \
                                                                              \
ML_CUDA_KERNEL(move_##bits, ml_cuda_move_t)                                   \
{                                                                             \
    ML_CUDA_EACH(i, p.elements) {                                             \
        ((uint##bits##_t *) p.output)                                         \
            [ml_cuda_at(i, p.rank, p.dims, p.steps[1])] =                     \
            ((const uint##bits##_t *) p.input)                                \
                [ml_cuda_at(i, p.rank, p.dims, p.steps[0])];                  \
    }                                                                         \
}

ML_CUDA_MOVE(8)
ML_CUDA_MOVE(16)
ML_CUDA_MOVE(32)
ML_CUDA_MOVE(64)


/* Indices are in range: they are constants, checked with the model. */

#define ML_CUDA_GATHER(bits)                                                  \
                                                                              \
ML_CUDA_KERNEL(gather_##bits, ml_cuda_gather_t)                               \
{                                                                             \
    ML_CUDA_EACH(i, p.elements) {                                             \
        uint64_t  run = i / p.run;                                            \
        uint64_t  j = run % p.n;                                              \
        int64_t   index = p.wide ? ((const int64_t *) p.indices)[j]           \
                                 : ((const int32_t *) p.indices)[j];          \
                                                                              \
        index += index < 0 ? p.length : 0;                                    \
                                                                              \
        ((uint##bits##_t *) p.output)[i] =                                    \
            ((const uint##bits##_t *) p.input)                                \
                [(run / p.n * (uint64_t) p.length + (uint64_t) index)         \
                 * p.run + i % p.run];                                        \
    }                                                                         \
}

ML_CUDA_GATHER(8)
ML_CUDA_GATHER(16)
ML_CUDA_GATHER(32)
ML_CUDA_GATHER(64)


#endif /* ML_CUDA_MOVES_CUH */
