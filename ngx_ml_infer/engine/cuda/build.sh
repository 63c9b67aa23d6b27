#!/bin/sh
#
# Builds the CUDA backend: build.sh OUT.so, with CC, CFLAGS and NGX_ML_BUILD
# from the environment.  It needs nvcc and the headers of CUDA and cuBLAS, and
# links neither: what it uses of them it opens at run time.
#
# The kernels are compiled for sm_90, and to PTX for every device since sm_80.

set -e

if [ $# -ne 1 ]; then
    echo "usage: $0 OUT.so" >&2
    exit 2
fi

cuda=$(cd "$(dirname "$0")" && pwd)
engine=$(dirname "$cuda")
core=$(dirname "$(dirname "$engine")")/ngx_ml_core

CC=${CC:-cc}
PATH=$PATH:/usr/local/cuda/bin

if ! nvcc=$(command -v nvcc); then
    echo "$0: error: no nvcc" >&2
    exit 1
fi

include=$(dirname "$(dirname "$(readlink -f "$nvcc")")")/include
fatbin=$1.fatbin

"$nvcc" -std=c++17 -O3 --Werror all-warnings \
    -gencode arch=compute_90,code=sm_90 \
    -gencode arch=compute_80,code=compute_80 \
    -fatbin -o "$fatbin" "$cuda/ml_cuda_kernels.cu"

$CC -std=gnu11 -O3 -Wall -Wextra -Wno-unused-parameter ${CFLAGS} \
    -fPIC -shared \
    -DNGX_ML_BUILD="\"${NGX_ML_BUILD:-unknown}\"" \
    -DML_CUDA_FATBIN="\"$fatbin\"" \
    -I "$core" -I "$engine" -I "$engine/plan" -I "$cuda" \
    -isystem "$include" \
    -o "$1" \
    "$cuda"/*.c "$engine"/plan/*.c "$core"/ml_tensor.c \
    -Wl,--version-script="$engine/ml_backend.map" \
    -Wl,-z,nodelete -Wl,-z,defs \
    -ldl -lpthread

rm -f "$fatbin"
