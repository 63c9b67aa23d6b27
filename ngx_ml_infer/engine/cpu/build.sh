#!/bin/sh
#
# Builds the CPU backend: build.sh OUT.so, with CC, CFLAGS and NGX_ML_BUILD
# from the environment.  It links oneDNN, and nothing of the modules: what it
# shares with them it reaches through the model.

set -e

if [ $# -ne 1 ]; then
    echo "usage: $0 OUT.so" >&2
    exit 2
fi

cpu=$(cd "$(dirname "$0")" && pwd)
engine=$(dirname "$cpu")
core=$(dirname "$(dirname "$engine")")/ngx_ml_core

CC=${CC:-cc}

if ! echo '#include <dnnl.h>' | $CC $CFLAGS -E - >/dev/null 2>&1; then
    echo "$0: error: dnnl.h not found, install libdnnl-dev" >&2
    exit 1
fi

# libgomp by its own name: the library that oneDNN uses, for any compiler
$CC -std=gnu11 -O3 -Wall -Wextra -Wno-unused-parameter ${CFLAGS} \
    -fPIC -shared \
    -DNGX_ML_BUILD="\"${NGX_ML_BUILD:-unknown}\"" \
    -I "$core" -I "$engine" -I "$engine/plan" -I "$cpu" \
    -o "$1" \
    "$cpu"/*.c "$engine"/plan/*.c "$core"/ml_tensor.c \
    -Wl,--version-script="$engine/ml_backend.map" \
    -Wl,-z,nodelete -Wl,-z,defs \
    -ldnnl -l:libgomp.so.1
