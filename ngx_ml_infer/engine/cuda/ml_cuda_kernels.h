/*
 * What the host hands to the device's kernels (ml_cuda_kernels.cu), and how
 * many threads of which kernel compute a node.
 *
 * Every kernel is called ml_cuda_OPERATION_TYPE and takes one of these
 * structures by value.  Steps are in elements, 0 where an array is repeated.
 * Addresses are the device's; nothing here calls CUDA.
 */

#ifndef ML_CUDA_KERNELS_H
#define ML_CUDA_KERNELS_H

#include <stddef.h>
#include <stdint.h>


#define ML_CUDA_RANK     8          /* ML_TENSOR_MAX_RANK */
#define ML_CUDA_NAME     48

/* of a block in which threads work together; a power of two */
#define ML_CUDA_TOGETHER  256


/*
 * One element of the output from one of each input: operators of one and two
 * operands, Cast, Clip, Pow.  Dimensions are merged where the steps allow.
 */
typedef struct {
    void        *output;
    const void  *inputs[2];
    const void  *least;             /* Clip's limits; NULL: low and high */
    const void  *most;
    double       low;
    double       high;
    double       alpha;
    double       beta;
    uint64_t     elements;
    uint32_t     rank;
    uint32_t     dtypes[2];         /* Pow: of the operands */
    uint64_t     dims[ML_CUDA_RANK];
    uint64_t     steps[2][ML_CUDA_RANK];
} ml_cuda_elements_t;


/* output[i] = input[i], each with its own steps: Transpose, Concat, copies. */
typedef struct {
    void        *output;
    const void  *input;
    uint64_t     elements;
    uint32_t     rank;
    uint64_t     dims[ML_CUDA_RANK];
    uint64_t     steps[2][ML_CUDA_RANK];    /* of the input, of the output */
} ml_cuda_move_t;


/* output[outer][n][run] = input[outer][length][run] at these indices. */
typedef struct {
    void        *output;
    const void  *input;
    const void  *indices;
    uint64_t     elements;
    uint64_t     n;
    uint64_t     run;
    int64_t      length;
    uint32_t     wide;              /* indices are int64, not int32 */
} ml_cuda_gather_t;


/* output[stack][m][n] = alpha * a[stack][m][k] * b[stack][k][n] */
typedef struct {
    void        *output;
    const void  *a;
    const void  *b;
    double       alpha;
    uint64_t     m;
    uint64_t     n;
    uint64_t     k;
    uint64_t     elements;
    uint64_t     a_steps[2];        /* of a row, of a column */
    uint64_t     b_steps[2];
    uint32_t     rank;              /* of the stack */
    uint64_t     dims[ML_CUDA_RANK];
    uint64_t     steps[2][ML_CUDA_RANK];    /* in elements of a and b */
} ml_cuda_product_t;


/*
 * A block for each run of "length" elements, "step" apart: Softmax and
 * LogSoftmax, ArgMax, LayerNormalization.  Run i begins at
 * i / inner * length * inner + i % inner.
 */
typedef struct {
    void        *output;
    const void  *input;
    const void  *scale;             /* LayerNormalization */
    const void  *bias;              /* the same; may be NULL */
    double       epsilon;
    uint64_t     runs;
    uint64_t     length;
    uint64_t     inner;
    uint32_t     last;              /* ArgMax: the last of equals */
    uint32_t     logarithm;         /* Softmax */
} ml_cuda_runs_t;


/* A block for each element of the output: ReduceSum, ReduceMean. */
typedef struct {
    void        *output;
    const void  *input;
    uint64_t     elements;
    uint64_t     count;             /* of the input, for each */
    uint32_t     mean;
    uint32_t     rank;              /* of those that stay */
    uint32_t     rank_reduced;
    uint64_t     dims[ML_CUDA_RANK];
    uint64_t     steps[ML_CUDA_RANK];
    uint64_t     dims_reduced[ML_CUDA_RANK];
    uint64_t     steps_reduced[ML_CUDA_RANK];
} ml_cuda_reduce_t;


typedef struct {
    void        *output;
    const void  *input;
    const void  *scale;
    const void  *bias;
    const void  *mean;
    const void  *variance;
    double       epsilon;
    uint64_t     elements;
    uint64_t     channels;
    uint64_t     inner;
} ml_cuda_batch_normalization_t;


#ifndef __cplusplus

#include "ml_graph.h"


typedef struct {
    char                               name[ML_CUDA_NAME];
    uint32_t                           blocks;
    uint32_t                           threads;     /* of a block */

    union {
        ml_cuda_elements_t             elements;
        ml_cuda_move_t                 move;
        ml_cuda_gather_t               gather;
        ml_cuda_product_t              product;
        ml_cuda_runs_t                 runs;
        ml_cuda_reduce_t               reduce;
        ml_cuda_batch_normalization_t  batch_normalization;
    } parameters;
} ml_cuda_launch_t;


/* Runs it behind those before it.  Returns 0, or whatever is to be returned.
 */
typedef int (*ml_cuda_launch_pt)(void *data, const ml_cuda_launch_t *launch);


/*
 * The launches that compute a node, in their order, handed to "run" one after
 * another; "arrays" have addresses of the device.  Returns 0, what "run"
 * returned when that was not 0, or -1 when there is no kernel for the node.
 */
int ml_cuda_node(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output, ml_cuda_launch_pt run, void *data);

/* The same for the C of a Gemm whose product is in its output already. */
int ml_cuda_gemm_c(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output, ml_cuda_launch_pt run, void *data);

/* The same for a Relu in place, behind a product. */
int ml_cuda_relu(const ml_array_t *array, ml_cuda_launch_pt run, void *data);

/*
 * The same for a copy of so many bytes, rounded up to a multiple of 8, to
 * which both addresses are aligned.
 */
int ml_cuda_move(void *to, const void *from, size_t bytes,
    ml_cuda_launch_pt run, void *data);

#endif


#endif /* ML_CUDA_KERNELS_H */
