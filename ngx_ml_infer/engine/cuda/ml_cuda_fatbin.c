/* The kernels, compiled by nvcc (build.sh), as data of the backend. */

#include "ml_cuda_fatbin.h"


__asm__(".section .rodata\n"
        ".balign 16\n"
        ".globl ml_cuda_fatbin\n"
        ".type ml_cuda_fatbin, @object\n"
        "ml_cuda_fatbin:\n"
        ".incbin \"" ML_CUDA_FATBIN "\"\n"
        ".size ml_cuda_fatbin, . - ml_cuda_fatbin\n"
        ".previous\n");
