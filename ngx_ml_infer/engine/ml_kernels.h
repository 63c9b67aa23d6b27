/*
 * The reference kernels: plain C for each operator, used to fold constants,
 * as the oracle of every backend, and by the CPU backend where speed is not
 * in the kernel.  All are of type ml_kernel_pt, allocate nothing and cannot
 * fail; see ml_graph.h for what they may rely on.
 *
 * Float32 is computed in float32, with sums in float64.  NaN passes through.
 * Integer arithmetic wraps; an integer division by zero gives 0, and a float
 * out of an integer's range becomes the nearest integer in it, NaN 0: a
 * request's values must not trap.
 */

#ifndef ML_KERNELS_H
#define ML_KERNELS_H

#include "ml_graph.h"


#define ML_KERNEL(name)                                                       \
    void ml_kernel_##name(const ml_node_t *node,                              \
        const ml_array_t *const *inputs, const ml_array_t *output)


/* element by element: ml_kernels.c */
ML_KERNEL(neg);
ML_KERNEL(abs);
ML_KERNEL(exp);
ML_KERNEL(log);
ML_KERNEL(sqrt);
ML_KERNEL(erf);
ML_KERNEL(relu);
ML_KERNEL(leaky_relu);
ML_KERNEL(elu);
ML_KERNEL(selu);
ML_KERNEL(sigmoid);
ML_KERNEL(hard_sigmoid);
ML_KERNEL(tanh);
ML_KERNEL(softplus);
ML_KERNEL(softsign);
ML_KERNEL(gelu);
ML_KERNEL(add);
ML_KERNEL(sub);
ML_KERNEL(mul);
ML_KERNEL(div);
ML_KERNEL(pow);
ML_KERNEL(prelu);
ML_KERNEL(clip);
ML_KERNEL(cast);

/* across elements: ml_kernels_array.c */
ML_KERNEL(gemm);
ML_KERNEL(matmul);
ML_KERNEL(softmax);
ML_KERNEL(log_softmax);
ML_KERNEL(batch_normalization);
ML_KERNEL(layer_normalization);
ML_KERNEL(argmax);
ML_KERNEL(reduce_mean);
ML_KERNEL(reduce_sum);
ML_KERNEL(copy);
ML_KERNEL(transpose);
ML_KERNEL(concat);
ML_KERNEL(gather);


/* Elements of an array whose dimensions are known. */
size_t ml_array_elements(const ml_array_t *array);

/*
 * Steps, in elements, with which an array is walked along the dimensions of
 * a shape that it is broadcast to; 0 where it is repeated.
 */
void ml_array_steps(const ml_array_t *array, const ml_array_t *shape,
    size_t *steps);


#endif /* ML_KERNELS_H */
