/*
 * Numbers of a JSON array straight into a tensor's memory.
 *
 * DESIGN.  The reader offers the bytes of an array; what is plain, a number
 * without an exponent and of few digits with its comma and the start of
 * another number behind it, is taken here many times faster than one event
 * at a time; everything else stays for the reader, from the byte where it
 * starts.  So verdicts, positions of errors and limits are the reader's, and
 * nothing here ever refuses.
 *
 * A kernel turns text into values: one for AVX-512, which makes eight numbers
 * at once, one for AVX2, which looks at a whole number at once, and one in
 * plain C; all give what ml_number_scan() would, bit for bit.
 */

#ifndef ML_PACK_H
#define ML_PACK_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "ml_narrow.h"


/* Numbers that a kernel takes at once. */
#define ML_PACK_CHUNK  512


typedef struct {
    const char  *name;              /* "avx512", "avx2", "scalar" */

    /* Whether this processor has what it needs. */
    int        (*usable)(void);

    /*
     * Takes up to n numbers of at most "limit" characters from *p, stores
     * their values, and where the rest starts.  Of fewer it would take the
     * same ones.
     */
    size_t     (*reals)(const char **p, const char *end, uint32_t limit,
                   double *values, size_t n);

    /* The same of whole numbers without a point, of up to 18 digits. */
    size_t     (*wholes)(const char **p, const char *end, uint32_t limit,
                   int64_t *values, size_t n);
} ml_pack_kernel_t;


extern const ml_pack_kernel_t  ml_pack_scalar;

#if defined(__x86_64__)
extern const ml_pack_kernel_t  ml_pack_avx2;
extern const ml_pack_kernel_t  ml_pack_avx512;
#define ML_PACK_KERNELS  3
#else
#define ML_PACK_KERNELS  1
#endif

/* The fastest first; the last is usable. */
extern const ml_pack_kernel_t *const  ml_pack_kernels[ML_PACK_KERNELS];

/* The sign as a bit: a branch on it would be wrong half of the time. */
static inline double
ml_pack_signed(double value, int negative)
{
    uint64_t  image;

    memcpy(&image, &value, sizeof(double));
    image |= (uint64_t) negative << 63;
    memcpy(&value, &image, sizeof(double));

    return value;
}


/* The fastest that is usable. */
const ml_pack_kernel_t *ml_pack_kernel(void);

/*
 * Stores up to n numbers that stand at *p, in an array, as elements of a
 * number type (not ML_DTYPE_BOOL) within bounds; returns how many, and moves
 * *p to the number behind them.  "limit" is that of a number's characters.
 */
size_t ml_pack(const ml_pack_kernel_t *kernel, ml_dtype_e dtype,
    const ml_narrow_bounds_t *bounds, const char **p, const char *end,
    uint32_t limit, void *to, size_t n);


#endif /* ML_PACK_H */
