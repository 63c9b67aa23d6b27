/* Numbers of an array straight into a tensor; see ml_pack.h. */

#include "ml_pack.h"


const ml_pack_kernel_t *const  ml_pack_kernels[ML_PACK_KERNELS] = {
#if defined(__x86_64__)
    &ml_pack_avx512,
    &ml_pack_avx2,
#endif
    &ml_pack_scalar
};


const ml_pack_kernel_t *
ml_pack_kernel(void)
{
    size_t  i;

    for (i = 0; !ml_pack_kernels[i]->usable(); i++) {
        /* void */
    }

    return ml_pack_kernels[i];
}


/* One chunk; what does not fit the type or its bounds stays. */
static size_t
ml_pack_chunk(const ml_pack_kernel_t *kernel, ml_dtype_e dtype,
    const ml_narrow_bounds_t *bounds, const char **p, const char *end,
    uint32_t limit, void *to, size_t n)
{
    size_t       taken, stored;
    const char  *start;

    union {
        double    reals[ML_PACK_CHUNK];
        int64_t   wholes[ML_PACK_CHUNK];
    } values;

    start = *p;

    if (ml_narrow_floating(dtype)) {
        taken = kernel->reals(p, end, limit, values.reals, n);
        stored = ml_narrow_reals(dtype, bounds, values.reals, taken, to);

    } else {
        taken = kernel->wholes(p, end, limit, values.wholes, n);
        stored = ml_narrow_wholes(dtype, bounds, values.wholes, taken, to);
    }

    if (stored == taken) {
        return stored;
    }

    /* once more, to where the one begins that could not be stored */

    *p = start;

    if (ml_narrow_floating(dtype)) {
        (void) kernel->reals(p, end, limit, values.reals, stored);

    } else {
        (void) kernel->wholes(p, end, limit, values.wholes, stored);
    }

    return stored;
}


size_t
ml_pack(const ml_pack_kernel_t *kernel, ml_dtype_e dtype,
    const ml_narrow_bounds_t *bounds, const char **p, const char *end,
    uint32_t limit, void *to, size_t n)
{
    size_t  stored, chunk, total, size;

    size = ml_dtype_size(dtype);

    for (total = 0; total < n; total += stored) {
        chunk = n - total < ML_PACK_CHUNK ? n - total : ML_PACK_CHUNK;

        stored = ml_pack_chunk(kernel, dtype, bounds, p, end, limit,
                               (char *) to + total * size, chunk);

        if (stored < chunk) {
            return total + stored;
        }
    }

    return total;
}
