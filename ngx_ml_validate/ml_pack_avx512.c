/*
 * Numbers of an array with AVX-512; see ml_pack.h.
 *
 * DESIGN.  What ml_pack_avx2.c does for one number after the other is done
 * for eight.  Where the numbers of a block begin and end, and how many digits
 * they have behind their points, are vectors of bytes, one for each number,
 * made from the masks of the block.  From them follows for each digit of a
 * lane, which has the digits of a number at its right and no point, from
 * which byte of the block it comes.  Then lanes are added up, divided, given
 * their signs and stored together.
 */

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>

#include "ml_number.h"
#include "ml_pack.h"
#include "ml_pack_block.h"


/* Numbers that are made together, and digits of each that are. */
#define ML_PACK_LANES  8
#define ML_PACK_LANE   16

/* Stands for the fraction of what has no point. */
#define ML_PACK_WHOLE  64

/* The greatest that is, and all below are, exact doubles. */
#define ML_PACK_EXACT  ((int64_t) 1 << 53)

/* More than what rounding may have changed in a part that was rounded twice,
 * and once more by this: 2^-50. */
#define ML_PACK_DOUBT  0x1p-50


/* Only these functions may use it: who calls them has looked. */

#define ml_pack512_target                                                     \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,"    \
                          "avx512vbmi2,bmi,bmi2,popcnt")))
#define ml_pack512_inline                                                     \
    static inline __attribute__((always_inline)) ml_pack512_target


/* The numbers of a block, a byte for each of up to 32. */
typedef struct {
    __m512i    bytes;               /* of the block */
    __m512i    ends;                /* the commas */
    __m512i    digits;              /* how many */
    __m512i    fractions;           /* how many of them behind the point */
    uint64_t   negative;
    unsigned   n;                   /* that are plain and wanted */
} ml_pack512_numbers_t;


static const uint8_t  ml_pack512_bytes[ML_PACK_BLOCK] = {
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
    21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38,
    39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56,
    57, 58, 59, 60, 61, 62, 63
};


/* Bytes behind the end are none of a number. */
ml_pack512_inline __m512i
ml_pack512_look(const char *p, const char *end, ml_pack_block_t *block)
{
    __m512i    bytes, values;
    __mmask64  there;

    if (end - p < ML_PACK_BLOCK) {
        there = ((uint64_t) 1 << (end - p)) - 1;
        bytes = _mm512_maskz_loadu_epi8(there, p);

    } else {
        bytes = _mm512_loadu_si512(p);
    }

    values = _mm512_sub_epi8(bytes, _mm512_set1_epi8('0'));

    block->commas = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(','));
    block->points = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('.'));
    block->signs = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8('-'));
    block->spaces = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(' '));
    block->digits = _mm512_cmple_epu8_mask(values, _mm512_set1_epi8(9));
    block->zeros = _mm512_testn_epi8_mask(values, values);

    ml_pack_grammar(block);

    return values;
}


/* Bits below the last comma that is usable, which there is. */
ml_pack512_inline uint64_t
ml_pack512_below(const ml_pack_block_t *block)
{
    return UINT64_MAX >> __builtin_clzll(block->usable);
}


/* The numbers of a block that has some; "most" of them are wanted. */
ml_pack512_inline void
ml_pack512_measure(const ml_pack_block_t *block, __m512i bytes, size_t most,
    uint32_t limit, ml_pack512_numbers_t *numbers)
{
    __m512i    iota, firsts, points, lens;
    uint64_t   below, pointed, first, wrong;
    unsigned   n;

    iota = _mm512_loadu_si512(ml_pack512_bytes);
    below = ml_pack512_below(block);
    first = block->firsts & below;

    firsts = _mm512_maskz_compress_epi8(first, iota);

    numbers->bytes = bytes;
    numbers->negative = _pext_u64(block->signs << 1, first);
    numbers->ends = _mm512_maskz_compress_epi8(block->usable, iota);

    /* a point takes the bit of the comma behind it away */

    pointed = block->usable & ~(block->usable - (block->points & below));
    pointed = _pext_u64(pointed, block->usable);

    points = _mm512_maskz_compress_epi8(block->points & below, iota);
    points = _mm512_maskz_expand_epi8(pointed, points);

    lens = _mm512_sub_epi8(numbers->ends, firsts);

    numbers->digits = _mm512_mask_sub_epi8(lens, pointed, lens,
                                           _mm512_set1_epi8(1));
    numbers->fractions = _mm512_mask_sub_epi8(
                             _mm512_set1_epi8(ML_PACK_WHOLE), pointed,
                             _mm512_sub_epi8(numbers->ends, points),
                             _mm512_set1_epi8(1));

    wrong = _mm512_cmpgt_epu8_mask(numbers->digits,
                                   _mm512_set1_epi8(ML_PACK_DIGITS));

    if (limit < ML_PACK_BLOCK) {
        lens = _mm512_mask_add_epi8(lens, numbers->negative, lens,
                                    _mm512_set1_epi8(1));
        wrong |= _mm512_cmpgt_epu8_mask(lens, _mm512_set1_epi8((char) limit));
    }

    n = (unsigned) __builtin_popcountll(block->usable);

    if (wrong) {
        n = (unsigned) __builtin_ctzll(wrong) < n
            ? (unsigned) __builtin_ctzll(wrong) : n;
    }

    /* of numbers with two points it is not known which they are */

    if (__builtin_popcountll(block->points & below)
        != __builtin_popcountll(pointed))
    {
        n = 0;
    }

    numbers->n = most < n ? (unsigned) most : n;
}


/* Lanes of "size" bytes, each byte that of one number: of "first", of the one
 * "step" behind it, and so on. */
ml_pack512_inline __m512i
ml_pack512_spread(__m512i numbers, unsigned first, unsigned step, unsigned size)
{
    __m512i  lanes;

    lanes = _mm512_srli_epi16(_mm512_loadu_si512(ml_pack512_bytes),
                              size == ML_PACK_LANE ? 4 : 3);
    lanes = _mm512_and_si512(lanes, _mm512_set1_epi8(7));
    lanes = step == 2 ? _mm512_add_epi8(lanes, lanes) : lanes;
    lanes = _mm512_add_epi8(lanes, _mm512_set1_epi8((char) first));

    return _mm512_permutexvar_epi8(lanes, numbers);
}


/*
 * Digits of numbers, "size" of each but the last "skip", at the right of
 * lanes: the number "first" and each "step" behind it.  What is before a
 * number's digits counts as nothing.
 */
ml_pack512_inline __m512i
ml_pack512_digits(const ml_pack512_numbers_t *numbers, unsigned first,
    unsigned step, unsigned size, unsigned skip)
{
    __m512i    place, from, digits;
    __mmask64  left, there;

    /* how many digits a number has from this one on */

    place = _mm512_and_si512(_mm512_loadu_si512(ml_pack512_bytes),
                             _mm512_set1_epi8((char) (size - 1)));
    place = _mm512_sub_epi8(_mm512_set1_epi8((char) (size + skip)), place);

    from = _mm512_sub_epi8(ml_pack512_spread(numbers->ends, first, step, size),
                           place);

    /* left of the point it is one byte before */

    left = _mm512_cmplt_epu8_mask(ml_pack512_spread(numbers->fractions, first,
                                                 step, size), place);
    from = _mm512_mask_sub_epi8(from, left, from, _mm512_set1_epi8(1));

    there = _mm512_cmpge_epu8_mask(ml_pack512_spread(numbers->digits, first,
                                                  step, size), place);
    digits = _mm512_maskz_permutexvar_epi8(there, from, numbers->bytes);

    /* four digits together */

    digits = _mm512_maddubs_epi16(digits, _mm512_set1_epi16(0x010a));

    return _mm512_madd_epi16(digits, _mm512_set1_epi32(0x00010064));
}


/* In each lane the lower half comes first. */
ml_pack512_inline __m512i
ml_pack512_join(__m512i halves, int64_t power)
{
    return _mm512_add_epi64(_mm512_mul_epu32(halves,
                                             _mm512_set1_epi64(power)),
                            _mm512_srli_epi64(halves, 32));
}


/* Eight numbers' digits, up to eight of each but the last "skip". */
ml_pack512_inline __m512i
ml_pack512_eights(const ml_pack512_numbers_t *numbers, unsigned first,
    unsigned skip)
{
    return ml_pack512_join(ml_pack512_digits(numbers, first, 1, 8, skip),
                           10000);
}


/* The last sixteen. */
ml_pack512_inline __m512i
ml_pack512_sixteens(const ml_pack512_numbers_t *numbers, unsigned first)
{
    __m512i  even, odd, digits;

    even = ml_pack512_digits(numbers, first, 2, ML_PACK_LANE, 0);
    odd = ml_pack512_digits(numbers, first + 1, 2, ML_PACK_LANE, 0);

    digits = _mm512_packus_epi32(even, odd);
    digits = _mm512_madd_epi16(digits, _mm512_set1_epi32(0x00012710));

    return ml_pack512_join(digits, 100000000);
}


/* The bytes of eight numbers as lanes. */
ml_pack512_inline __m512i
ml_pack512_eight_of(__m512i numbers, unsigned first)
{
    __m512i  from;

    from = _mm512_add_epi8(_mm512_loadu_si512(ml_pack512_bytes),
                           _mm512_set1_epi8((char) first));

    return _mm512_cvtepu8_epi64(_mm512_castsi512_si128(
                                    _mm512_permutexvar_epi8(from, numbers)));
}


/* Powers of ten, up to the greatest that is exact. */
ml_pack512_inline __m512d
ml_pack512_powers(__m512i powers)
{
    __m512d  low, high;

    low = _mm512_permutex2var_pd(_mm512_loadu_pd(ml_number_ten), powers,
                                 _mm512_loadu_pd(ml_number_ten + 8));
    high = _mm512_permutexvar_pd(powers,
                                 _mm512_loadu_pd(ml_number_ten + 16));

    return _mm512_mask_mov_pd(low,
                              _mm512_test_epi64_mask(powers,
                                                     _mm512_set1_epi64(16)),
                              high);
}


/*
 * The doubles nearest to mantissas over powers of ten, but for the lanes in
 * *doubt, which there are seldom.  The mantissas are below 2^64 - 1024.
 *
 * A mantissa is the sum of two doubles.  What the quotient of the greater
 * leaves is exact, and so is the sum of that and of the lesser but for a
 * rounding; their quotient is added.  Where it does not matter for the sum
 * whether that was a little less or a little more, it is the nearest.
 */
ml_pack512_inline __m512d
ml_pack512_quotients(__m512i mantissas, __m512d powers, __mmask8 *doubt)
{
    __m512d  most, rest, quotient, part, change, less, more;

    most = _mm512_cvtepu64_pd(mantissas);
    quotient = _mm512_div_pd(most, powers);

    *doubt = _mm512_cmpgt_epu64_mask(mantissas,
                                     _mm512_set1_epi64(ML_PACK_EXACT));

    if (*doubt == 0) {
        return quotient;
    }

    rest = _mm512_cvtepi64_pd(_mm512_sub_epi64(mantissas,
                                               _mm512_cvttpd_epu64(most)));
    part = _mm512_add_pd(_mm512_fnmadd_pd(quotient, powers, most), rest);
    part = _mm512_div_pd(part, powers);
    change = _mm512_mul_pd(part, _mm512_set1_pd(ML_PACK_DOUBT));

    less = _mm512_add_pd(quotient, _mm512_sub_pd(part, change));
    more = _mm512_add_pd(quotient, _mm512_add_pd(part, change));

    *doubt = _mm512_cmp_pd_mask(less, more, _CMP_NEQ_UQ);

    return less;
}


/* Eight numbers at most, from "first" on: returns those that are more than
 * 64 bits hold.  "wide": some have over sixteen digits. */
ml_pack512_inline __mmask8
ml_pack512_mantissas(const ml_pack512_numbers_t *numbers, unsigned first,
    int wide, __m512i *mantissas)
{
    __m512i  front;

    *mantissas = ml_pack512_sixteens(numbers, first);

    if (!wide) {
        return 0;
    }

    front = ml_pack512_eights(numbers, first, ML_PACK_LANE);
    *mantissas = _mm512_add_epi64(*mantissas,
                     _mm512_mullo_epi64(front,
                                _mm512_set1_epi64(10000000000000000)));

    return _mm512_cmpgt_epu64_mask(front, _mm512_set1_epi64(ML_PACK_HIGH));
}


/* What the lanes in "doubt" are, one by one. */
ml_pack512_inline void
ml_pack512_settle(__mmask8 doubt, __m512i mantissas, __m512i fractions,
    double *values)
{
    uint64_t  mantissa[ML_PACK_LANES], fraction[ML_PACK_LANES];
    unsigned  i;

    _mm512_storeu_si512(mantissa, mantissas);
    _mm512_storeu_si512(fraction, fractions);

    for ( /* void */ ; doubt; doubt &= doubt - 1) {
        i = (unsigned) __builtin_ctz(doubt);
        values[i] = ml_pack_signed(
                        ml_number_divide(mantissa[i], (unsigned) fraction[i]
                                                      % ML_PACK_WHOLE),
                        signbit(values[i]) != 0);
    }
}


/* The lanes of a group that are numbers. */
ml_pack512_inline __mmask8
ml_pack512_there(const ml_pack512_numbers_t *numbers, unsigned first)
{
    return (__mmask8) _bzhi_u32(0xff, numbers->n - first);
}


/* Numbers of more than so many digits, and no others that are wanted. */
ml_pack512_inline int
ml_pack512_over(const ml_pack512_numbers_t *numbers, unsigned digits)
{
    return _bzhi_u64(_mm512_cmpgt_epu8_mask(numbers->digits,
                                            _mm512_set1_epi8((char) digits)),
                     numbers->n)
           != 0;
}


/* Stores what it can of the numbers, and returns how many. */
ml_pack512_inline unsigned
ml_pack512_store_reals(const ml_pack512_numbers_t *numbers,
    double *values)
{
    int       wide;
    __m512d   quotients, signs;
    __m512i   mantissas, fractions;
    __mmask8  there, huge, doubt;
    unsigned  i;

    wide = ml_pack512_over(numbers, ML_PACK_LANE);

    for (i = 0; i < numbers->n; i += ML_PACK_LANES) {
        there = ml_pack512_there(numbers, i);

        huge = ml_pack512_mantissas(numbers, i, wide, &mantissas) & there;
        fractions = ml_pack512_eight_of(numbers->fractions, i);

        quotients = ml_pack512_quotients(mantissas,
                                         ml_pack512_powers(fractions),
                                         &doubt);

        signs = _mm512_maskz_mov_pd((__mmask8) (numbers->negative >> i),
                                    _mm512_set1_pd(-0.0));
        quotients = _mm512_or_pd(quotients, signs);

        _mm512_mask_storeu_pd(values + i, there, quotients);

        doubt &= there & (__mmask8) ~huge;

        if (doubt) {
            ml_pack512_settle(doubt, mantissas, fractions, values + i);
        }

        if (huge) {
            return i + (unsigned) __builtin_ctz(huge);
        }
    }

    return numbers->n;
}


/* The same; they have sixteen digits at most and no points. */
ml_pack512_inline unsigned
ml_pack512_store_wholes(const ml_pack512_numbers_t *numbers,
    int64_t *values)
{
    int       wide;
    __m512i   wholes;
    __mmask8  there;
    unsigned  i;

    wide = ml_pack512_over(numbers, ML_PACK_LANES);

    for (i = 0; i < numbers->n; i += ML_PACK_LANES) {
        there = ml_pack512_there(numbers, i);

        wholes = wide ? ml_pack512_sixteens(numbers, i)
                      : ml_pack512_eights(numbers, i, 0);
        wholes = _mm512_mask_sub_epi64(wholes,
                                       (__mmask8) (numbers->negative >> i),
                                       _mm512_setzero_si512(), wholes);

        _mm512_mask_storeu_epi64(values + i, there, wholes);
    }

    return numbers->n;
}


/* Where the next block begins if all of this one is plain.  Only its commas
 * have to be known for that, so that the processor goes on there before it
 * knows the rest. */
ml_pack512_inline const char *
ml_pack512_next(const ml_pack_block_t *block, const char *p)
{
    return p + ml_pack_behind(block, 63 - (unsigned) __builtin_clzll(
                                         (block->commas & ML_PACK_SEEN) | 1));
}


/* Moves behind the numbers that were taken, and says whether they are all
 * that are usable. */
ml_pack512_inline int
ml_pack512_all(const ml_pack_block_t *block, unsigned taken,
    const char *next, const char **p)
{
    uint64_t  comma;
    unsigned  usable;

    usable = (unsigned) __builtin_popcountll(block->usable);

    if (block->usable == (block->commas & ML_PACK_SEEN) && taken == usable) {
        *p = next;
        return 1;
    }

    if (taken) {
        comma = _pdep_u64((uint64_t) 1 << (taken - 1), block->usable);
        *p += ml_pack_behind(block, (unsigned) __builtin_ctzll(comma));
    }

    return taken == usable;
}


/* Both functions of the kernel: values go to one of the two, the other is
 * NULL. */
ml_pack512_inline size_t
ml_pack512_take(const char **at, const char *end, uint32_t limit,
    double *reals, int64_t *wholes, size_t n)
{
    size_t                 i;
    __m512i                bytes;
    unsigned               taken;
    const char            *p, *next;
    ml_pack_block_t        block;
    ml_pack512_numbers_t   numbers;

    p = *at;

    for (i = 0; i < n; i += taken) {
        bytes = ml_pack512_look(p, end, &block);
        next = ml_pack512_next(&block, p);

        if (wholes) {
            /* up to the first that has a point */
            block.usable &= (block.points & -block.points) - 1;
        }

        if (block.usable == 0) {
            break;
        }

        ml_pack512_measure(&block, bytes, n - i, limit, &numbers);

        if (reals) {
            taken = ml_pack512_store_reals(&numbers, reals + i);

        } else {
            taken = ml_pack512_over(&numbers, ML_PACK_LANE)
                    ? 0 : ml_pack512_store_wholes(&numbers, wholes + i);
        }

        if (!ml_pack512_all(&block, taken, next, &p)) {
            i += taken;
            break;
        }
    }

    *at = p;

    return i;
}


static size_t ml_pack512_target
ml_pack_avx512_reals(const char **at, const char *end, uint32_t limit,
    double *values, size_t n)
{
    return ml_pack512_take(at, end, limit, values, NULL, n);
}


static size_t ml_pack512_target
ml_pack_avx512_wholes(const char **at, const char *end, uint32_t limit,
    int64_t *values, size_t n)
{
    return ml_pack512_take(at, end, limit, NULL, values, n);
}


static int
ml_pack_avx512_usable(void)
{
    return __builtin_cpu_supports("avx512f")
           && __builtin_cpu_supports("avx512bw")
           && __builtin_cpu_supports("avx512dq")
           && __builtin_cpu_supports("avx512vl")
           && __builtin_cpu_supports("avx512vbmi")
           && __builtin_cpu_supports("avx512vbmi2")
           && __builtin_cpu_supports("bmi2");
}


const ml_pack_kernel_t  ml_pack_avx512 = {
    "avx512", ml_pack_avx512_usable, ml_pack_avx512_reals,
    ml_pack_avx512_wholes
};

#endif
