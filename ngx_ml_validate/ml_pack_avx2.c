/*
 * Numbers of an array with AVX2; see ml_pack.h.
 *
 * DESIGN.  Sixty-four bytes are looked at together (ml_pack_block.h).  Then
 * numbers are taken from comma to comma without a branch that depends on how
 * long they are, which is what costs a reader that goes digit by digit.  The
 * digits of a number are what stands before its comma, moved over its point,
 * and are added up in pairs.
 */

#if defined(__x86_64__)

#include <immintrin.h>
#include <string.h>

#include "ml_number.h"
#include "ml_pack.h"
#include "ml_pack_block.h"


/* The most digits that are added up at once. */
#define ML_PACK_SIXTEEN  16

/* Numbers after which there are seventeen bytes to look back to. */
#define ML_PACK_FIRST    9


/* A number of a block: it begins at "first", behind its sign. */
typedef struct {
    unsigned  first;
    unsigned  len;
    unsigned  fraction;
    unsigned  digits;
    int       negative;
} ml_pack_number_t;


/* A window of sixteen bytes at n has its last n bytes set. */
static const uint8_t  ml_pack_window[32] = {
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    255, 255, 255, 255, 255, 255, 255, 255,
    255, 255, 255, 255, 255, 255, 255, 255
};


/* Only these functions may use it: who calls them has looked. */

#define ml_pack_target  __attribute__((target("avx2,bmi,bmi2")))
#define ml_pack_inline                                                        \
    static inline __attribute__((always_inline)) ml_pack_target


ml_pack_inline uint64_t
ml_pack_equal(__m256i low, __m256i high, char c)
{
    __m256i  all;

    all = _mm256_set1_epi8(c);

    return (uint32_t) _mm256_movemask_epi8(_mm256_cmpeq_epi8(low, all))
           | (uint64_t) (uint32_t) _mm256_movemask_epi8(
                                        _mm256_cmpeq_epi8(high, all)) << 32;
}


/* Where the digits are. */
ml_pack_inline uint64_t
ml_pack_digits(__m256i low, __m256i high)
{
    const __m256i  zero = _mm256_set1_epi8('0');
    const __m256i  nine = _mm256_set1_epi8(9);

    low = _mm256_sub_epi8(low, zero);
    high = _mm256_sub_epi8(high, zero);

    low = _mm256_cmpeq_epi8(_mm256_min_epu8(low, nine), low);
    high = _mm256_cmpeq_epi8(_mm256_min_epu8(high, nine), high);

    return (uint32_t) _mm256_movemask_epi8(low)
           | (uint64_t) (uint32_t) _mm256_movemask_epi8(high) << 32;
}


/* A number begins at p. */
ml_pack_inline void
ml_pack_look(const char *p, ml_pack_block_t *block)
{
    __m256i  low, high;

    low = _mm256_loadu_si256((const __m256i *) p);
    high = _mm256_loadu_si256((const __m256i *) (p + 32));

    block->commas = ml_pack_equal(low, high, ',');
    block->points = ml_pack_equal(low, high, '.');
    block->signs = ml_pack_equal(low, high, '-');
    block->spaces = ml_pack_equal(low, high, ' ');
    block->digits = ml_pack_digits(low, high);
    block->zeros = ml_pack_equal(low, high, '0');

    ml_pack_grammar(block);
}


/* Sixteen digits, as numbers from 0 to 9, in the order in which one reads. */
ml_pack_inline uint64_t
ml_pack_sixteen(__m128i digits)
{
    uint64_t  both;

    digits = _mm_maddubs_epi16(digits, _mm_set1_epi16(0x010a));
    digits = _mm_madd_epi16(digits, _mm_set1_epi32(0x00010064));
    digits = _mm_packus_epi32(digits, digits);
    digits = _mm_madd_epi16(digits, _mm_set1_epi32(0x00012710));

    both = (uint64_t) _mm_cvtsi128_si64(digits);

    return (both & 0xffffffff) * 100000000 + (both >> 32);
}


/* The last sixteen digits before "end": what is left of the point comes from
 * one byte before.  What is before the number's digits counts as nothing. */
ml_pack_inline uint64_t
ml_pack_last(const char *end, const ml_pack_number_t *number)
{
    __m128i   left, right, digits, window;
    unsigned  n;

    right = _mm_loadu_si128((const __m128i *) (end - 16));
    left = _mm_loadu_si128((const __m128i *) (end - 16
                                   - (number->len != number->digits)));

    n = number->fraction < 16 ? number->fraction : 16;
    window = _mm_loadu_si128((const __m128i *) (ml_pack_window + n));
    digits = _mm_blendv_epi8(left, right, window);
    digits = _mm_sub_epi8(digits, _mm_set1_epi8('0'));

    n = number->digits < 16 ? number->digits : 16;
    window = _mm_loadu_si128((const __m128i *) (ml_pack_window + n));

    return ml_pack_sixteen(_mm_and_si128(digits, window));
}


/* A byte for each of the last n, n up to 8. */
static const uint64_t  ml_pack_bytes[9] = {
    0, 0xff00000000000000, 0xffff000000000000, 0xffffff0000000000,
    0xffffffff00000000, 0xffffffffff000000, 0xffffffffffff0000,
    0xffffffffffffff00, 0xffffffffffffffff
};


ml_pack_inline uint64_t
ml_pack_load_before(const char *end)
{
    uint64_t  eight;

    memcpy(&eight, end - 8, sizeof(uint64_t));

    return eight;
}


/* The last n characters of eight, which are digits; see ml_pack_scalar.c. */
ml_pack_inline uint32_t
ml_pack_last_of_eight(uint64_t eight, unsigned n)
{
    /* what is before the digits may be below '0', and becomes that */

    eight = (eight & ml_pack_bytes[n])
            | (0x3030303030303030 & ~ml_pack_bytes[n]);

    eight -= 0x3030303030303030;
    eight = eight * 10 + (eight >> 8);

    return (uint32_t) (((eight & 0x000000ff000000ff) * 0x000f424000000064
                        + ((eight >> 16) & 0x000000ff000000ff)
                          * 0x0000271000000001)
                       >> 32);
}


/* The number from "start" to its comma: 0 when it has two points, or more
 * characters than the limit. */
ml_pack_inline int
ml_pack_measure(const ml_pack_block_t *block, unsigned start, unsigned comma,
    uint32_t limit, ml_pack_number_t *number)
{
    uint64_t  points;

    number->negative = block->signs >> start & 1;
    number->first = start + (unsigned) number->negative;
    number->len = comma - number->first;

    points = block->points >> number->first
             & (((uint64_t) 1 << number->len) - 1);

    number->digits = number->len - (points != 0);
    number->fraction = points
                       ? number->digits - (unsigned) __builtin_ctzll(points)
                       : 0;

    return (points & (points - 1)) == 0 && comma - start <= limit;
}


/* What is before the last sixteen digits, of which there are up to 7. */
ml_pack_inline uint32_t
ml_pack_front(const char *end, const ml_pack_number_t *number)
{
    unsigned  point, right;
    uint64_t  mask, eight;

    point = number->len != number->digits;

    if (number->fraction < ML_PACK_SIXTEEN) {
        eight = ml_pack_load_before(end - ML_PACK_SIXTEEN - point);

    } else {
        /* the point is among them */

        end -= ML_PACK_SIXTEEN;
        right = number->fraction - ML_PACK_SIXTEEN;
        mask = ml_pack_bytes[right];
        eight = (ml_pack_load_before(end) & mask)
                | (ml_pack_load_before(end - point) & ~mask);
    }

    return ml_pack_last_of_eight(eight, number->digits - ML_PACK_SIXTEEN);
}


/* All digits of a number: 0 when they are more than 64 bits have. */
ml_pack_inline int
ml_pack_mantissa(const char *p, const ml_pack_number_t *number,
    uint64_t *mantissa)
{
    uint32_t     front;
    const char  *end;

    end = p + number->first + number->len;
    *mantissa = ml_pack_last(end, number);

    if (number->digits <= ML_PACK_SIXTEEN) {
        return 1;
    }

    if (number->digits > ML_PACK_DIGITS) {
        return 0;
    }

    front = ml_pack_front(end, number);
    *mantissa += front * (uint64_t) 10000000000000000;

    return front <= ML_PACK_HIGH;
}


static size_t ml_pack_target
ml_pack_avx2_reals(const char **at, const char *end, uint32_t limit,
    double *values, size_t n)
{
    size_t            i;
    double            value;
    unsigned          start, comma;
    uint64_t          mantissa;
    const char       *p;
    ml_pack_block_t   block;
    ml_pack_number_t  number;

    /* there is room to look back when some have been taken in plain C */

    i = ml_pack_scalar.reals(at, end, limit, values,
                             n < ML_PACK_FIRST ? n : ML_PACK_FIRST);
    p = *at;

    if (i < ML_PACK_FIRST) {
        return i;
    }

    while (i < n && end - p >= ML_PACK_BLOCK) {
        ml_pack_look(p, &block);
        start = 0;

        for ( /* void */ ; block.usable && i < n; i++) {
            comma = (unsigned) __builtin_ctzll(block.usable);

            if (!ml_pack_measure(&block, start, comma, limit, &number)
                || number.fraction >= ML_NUMBER_POWERS
                || !ml_pack_mantissa(p, &number, &mantissa))
            {
                break;
            }

            value = mantissa <= (uint64_t) 1 << 53
                    ? (double) mantissa / ml_number_ten[number.fraction]
                    : ml_number_divide(mantissa, number.fraction);

            values[i] = ml_pack_signed(value, number.negative);
            start = ml_pack_behind(&block, comma);
            block.usable &= block.usable - 1;
        }

        p += start;

        if (block.usable || start == 0) {
            break;
        }
    }

    *at = p;

    return i;
}


static size_t ml_pack_target
ml_pack_avx2_wholes(const char **at, const char *end, uint32_t limit,
    int64_t *values, size_t n)
{
    size_t            i;
    unsigned          start, comma;
    uint64_t          mantissa;
    const char       *p;
    ml_pack_block_t   block;
    ml_pack_number_t  number;

    i = ml_pack_scalar.wholes(at, end, limit, values,
                              n < ML_PACK_FIRST ? n : ML_PACK_FIRST);
    p = *at;

    if (i < ML_PACK_FIRST) {
        return i;
    }

    while (i < n && end - p >= ML_PACK_BLOCK) {
        ml_pack_look(p, &block);
        start = 0;

        for ( /* void */ ; block.usable && i < n; i++) {
            comma = (unsigned) __builtin_ctzll(block.usable);

            if (!ml_pack_measure(&block, start, comma, limit, &number)
                || number.fraction || number.len > ML_PACK_SIXTEEN)
            {
                break;
            }

            mantissa = number.len <= 8
                       ? ml_pack_last_of_eight(ml_pack_load_before(p + comma),
                                               number.len)
                       : ml_pack_last(p + comma, &number);

            values[i] = ((int64_t) mantissa ^ -(int64_t) number.negative)
                        + number.negative;
            start = ml_pack_behind(&block, comma);
            block.usable &= block.usable - 1;
        }

        p += start;

        if (block.usable || start == 0) {
            break;
        }
    }

    *at = p;

    return i;
}


static int
ml_pack_avx2_usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2");
}


const ml_pack_kernel_t  ml_pack_avx2 = {
    "avx2", ml_pack_avx2_usable, ml_pack_avx2_reals, ml_pack_avx2_wholes
};

#endif
