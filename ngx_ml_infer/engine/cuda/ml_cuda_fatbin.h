/* The kernels as cuModuleLoadData() takes them; ml_cuda_fatbin.c. */

#ifndef ML_CUDA_FATBIN_H
#define ML_CUDA_FATBIN_H


extern const char  ml_cuda_fatbin[];


#endif /* ML_CUDA_FATBIN_H */
