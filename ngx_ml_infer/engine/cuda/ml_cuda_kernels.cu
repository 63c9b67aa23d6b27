/*
 * The kernels of the CUDA backend; see ml_cuda_kernels.h for what they take
 * and ml_kernels.h for what they compute: these have the expressions of the
 * reference kernels, in the same types, so that NaN passes and integers wrap
 * alike.
 *
 * No thread writes what another one writes, and sums are made in an order
 * that depends on the shape alone: the same inputs give the same bits.
 *
 * The language is what CUDA and C share, so that t/unit/test_cuda_kernels.c can
 * include this file and run the kernels on the host.
 */

#include <math.h>
#include <stdint.h>

#include "ml_cuda_kernels.h"

#include "ml_cuda_elements.cuh"
#include "ml_cuda_moves.cuh"
#include "ml_cuda_arrays.cuh"
