/*
 * The functions of libcuda and cuBLASLt, opened at run time: a process that
 * serves no model on a GPU loads neither, and where they are missing that is
 * one line of why.  The CUDA runtime (cudart) is not needed.
 *
 * Source: CUDA Driver API and cuBLAS library documentation.  A function is
 * looked up under the name that the headers give it in this version, with
 * its _v2, so that the toolkit of the build tells the oldest driver.
 */

#ifndef ML_CUDA_DRIVER_H
#define ML_CUDA_DRIVER_H

#include <cublasLt.h>
#include <cuda.h>


#define ML_CUDA_DRIVER_FUNCTIONS(item)                                        \
    item(cuInit)                                                              \
    item(cuGetErrorName)                                                      \
    item(cuDeviceGetCount)                                                    \
    item(cuDeviceGet)                                                         \
    item(cuDevicePrimaryCtxRetain)                                            \
    item(cuDevicePrimaryCtxRelease)                                           \
    item(cuCtxSetCurrent)                                                     \
    item(cuCtxSynchronize)                                                    \
    item(cuModuleLoadData)                                                    \
    item(cuModuleUnload)                                                      \
    item(cuModuleGetFunction)                                                 \
    item(cuMemAlloc)                                                          \
    item(cuMemFree)                                                           \
    item(cuMemHostAlloc)                                                      \
    item(cuMemFreeHost)                                                       \
    item(cuMemcpyHtoD)                                                        \
    item(cuMemcpyDtoH)                                                        \
    item(cuMemcpyAsync)                                                       \
    item(cuMemsetD8Async)                                                     \
    item(cuStreamCreate)                                                      \
    item(cuStreamDestroy)                                                     \
    item(cuStreamSynchronize)                                                 \
    item(cuStreamBeginCapture)                                                \
    item(cuStreamEndCapture)                                                  \
    item(cuGraphInstantiate)                                                  \
    item(cuGraphDestroy)                                                      \
    item(cuGraphExecDestroy)                                                  \
    item(cuGraphLaunch)                                                       \
    item(cuEventCreate)                                                       \
    item(cuEventDestroy)                                                      \
    item(cuEventRecord)                                                       \
    item(cuEventQuery)                                                        \
    item(cuEventSynchronize)                                                  \
    item(cuEventElapsedTime)                                                  \
    item(cuLaunchKernel)

#define ML_CUDA_BLAS_FUNCTIONS(item)                                          \
    item(cublasLtCreate)                                                      \
    item(cublasLtDestroy)                                                     \
    item(cublasLtMatmul)                                                      \
    item(cublasLtMatmulDescCreate)                                            \
    item(cublasLtMatmulDescDestroy)                                           \
    item(cublasLtMatmulDescSetAttribute)                                      \
    item(cublasLtMatrixLayoutCreate)                                          \
    item(cublasLtMatrixLayoutDestroy)                                         \
    item(cublasLtMatrixLayoutSetAttribute)                                    \
    item(cublasLtMatmulPreferenceCreate)                                      \
    item(cublasLtMatmulPreferenceDestroy)                                     \
    item(cublasLtMatmulPreferenceSetAttribute)                                \
    item(cublasLtMatmulAlgoGetHeuristic)

#define ML_CUDA_MEMBER(name)  __typeof__(&name) name;


typedef struct {
    ML_CUDA_DRIVER_FUNCTIONS(ML_CUDA_MEMBER)
    ML_CUDA_BLAS_FUNCTIONS(ML_CUDA_MEMBER)
} ml_cuda_driver_t;


/* All zero until ml_cuda_driver_open() has returned 0. */
extern ml_cuda_driver_t  ml_cuda;


/*
 * Opens both libraries, once in a process, and initializes CUDA; any thread.
 * Returns 0, or -1 with one line of why in text.  They stay open.
 */
int ml_cuda_driver_open(char *text, size_t size);


#endif /* ML_CUDA_DRIVER_H */
