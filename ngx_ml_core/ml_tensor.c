/* Element types and checked tensor sizes; see ml_tensor.h. */

#include <string.h>

#include "ml_tensor.h"


static const struct {
    ml_dtype_e   dtype;
    size_t       size;
    const char  *name;
} ml_dtypes[] = {
    { ML_DTYPE_FLOAT32, 4, "float32" },
    { ML_DTYPE_UINT8,   1, "uint8" },
    { ML_DTYPE_INT8,    1, "int8" },
    { ML_DTYPE_UINT16,  2, "uint16" },
    { ML_DTYPE_INT16,   2, "int16" },
    { ML_DTYPE_INT32,   4, "int32" },
    { ML_DTYPE_INT64,   8, "int64" },
    { ML_DTYPE_BOOL,    1, "bool" },
    { ML_DTYPE_FLOAT16, 2, "float16" },
    { ML_DTYPE_FLOAT64, 8, "float64" },
    { ML_DTYPE_UINT32,  4, "uint32" },
    { ML_DTYPE_UINT64,  8, "uint64" },
    { ML_DTYPE_BFLOAT16, 2, "bfloat16" }
};

#define ML_NDTYPES  (sizeof(ml_dtypes) / sizeof(ml_dtypes[0]))


size_t
ml_dtype_size(ml_dtype_e dtype)
{
    size_t  i;

    for (i = 0; i < ML_NDTYPES; i++) {
        if (ml_dtypes[i].dtype == dtype) {
            return ml_dtypes[i].size;
        }
    }

    return 0;
}


const char *
ml_dtype_name(ml_dtype_e dtype)
{
    size_t  i;

    for (i = 0; i < ML_NDTYPES; i++) {
        if (ml_dtypes[i].dtype == dtype) {
            return ml_dtypes[i].name;
        }
    }

    return "unknown";
}


ml_dtype_e
ml_dtype_parse(const char *name, size_t len)
{
    size_t  i;

    for (i = 0; i < ML_NDTYPES; i++) {
        if (strlen(ml_dtypes[i].name) == len
            && memcmp(ml_dtypes[i].name, name, len) == 0)
        {
            return ml_dtypes[i].dtype;
        }
    }

    return ML_DTYPE_NONE;
}


int
ml_tensor_size(ml_dtype_e dtype, uint32_t rank, const int64_t *dims,
    size_t *bytes)
{
    size_t    n;
    uint32_t  i;

    n = ml_dtype_size(dtype);

    if (n == 0) {
        return -1;
    }

    for (i = 0; i < rank; i++) {
        if (dims[i] < 0
            || __builtin_mul_overflow(n, (uint64_t) dims[i], &n))
        {
            return -1;
        }
    }

    *bytes = n;

    return 0;
}


int
ml_tensor_row_size(const ml_tensor_spec_t *spec, int batched, size_t *bytes)
{
    uint32_t  first;

    first = batched ? 1 : 0;

    return ml_tensor_size(spec->dtype, spec->rank - first, spec->dims + first,
                          bytes);
}
