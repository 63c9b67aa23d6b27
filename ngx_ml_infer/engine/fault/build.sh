#!/bin/sh
#
# Builds the fault backend: build.sh OUT.so, with CC, CFLAGS and NGX_ML_BUILD
# from the environment.  It links nothing but libc.

set -e

if [ $# -ne 1 ]; then
    echo "usage: $0 OUT.so" >&2
    exit 2
fi

fault=$(cd "$(dirname "$0")" && pwd)
engine=$(dirname "$fault")
core=$(dirname "$(dirname "$engine")")/ngx_ml_core

${CC:-cc} -std=gnu11 -O2 -Wall -Wextra -Wno-unused-parameter ${CFLAGS} \
    -fPIC -shared \
    -DNGX_ML_BUILD="\"${NGX_ML_BUILD:-unknown}\"" \
    -I "$core" -I "$engine" -I "$fault" \
    -o "$1" \
    "$fault"/*.c "$core"/ml_tensor.c \
    -Wl,--version-script="$engine/ml_backend.map" \
    -Wl,-z,nodelete -Wl,-z,defs
