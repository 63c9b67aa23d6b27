/*
 * Numbers of an array in plain C: eight digits of a fraction at a time; see
 * ml_pack.h.
 *
 * Source of the eight digits at once: Johnny Lee, "Fast numeric string to
 * int", and Daniel Lemire, "Quickly parsing eight digits", 2018.
 */

#include <string.h>

#include "ml_number.h"
#include "ml_pack.h"


/* Bytes that may be read from where a number starts. */
#define ML_PACK_MARGIN  48


/* Mantissas that have room for eight digits more, and for one. */
#define ML_PACK_EIGHT_MORE  99999999999
#define ML_PACK_ONE_MORE    1000000000000000000


static inline uint64_t
ml_pack_load(const char *p)
{
    uint64_t  eight;

    memcpy(&eight, p, sizeof(uint64_t));

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    eight = __builtin_bswap64(eight);
#endif

    return eight;
}


static inline int
ml_pack_eight(uint64_t eight)
{
    return ((eight & 0xf0f0f0f0f0f0f0f0)
            | (((eight + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4))
           == 0x3333333333333333;
}


static inline uint32_t
ml_pack_value(uint64_t eight)
{
    eight -= 0x3030303030303030;
    eight = eight * 10 + (eight >> 8);

    return (uint32_t) (((eight & 0x000000ff000000ff) * 0x000f424000000064
                        + ((eight >> 16) & 0x000000ff000000ff)
                          * 0x0000271000000001)
                       >> 32);
}


static inline unsigned
ml_pack_scalar_token(const char *p, uint64_t *mantissa, unsigned *fraction)
{
    unsigned  i, first, digit;
    uint64_t  m, eight;

    i = 0;
    m = 0;

    while (i < 19 && (digit = (unsigned) (unsigned char) p[i] - '0') <= 9) {
        m = m * 10 + digit;
        i++;
    }

    if (i == 0 || (i > 1 && p[0] == '0')) {
        return 0;
    }

    *fraction = 0;

    if (p[i] == '.') {
        first = ++i;

        /* eight at a time, and none beyond 19 but zeros in front */

        while (m < ML_PACK_EIGHT_MORE && i - first <= 14
               && ml_pack_eight(eight = ml_pack_load(p + i)))
        {
            m = m * 100000000 + ml_pack_value(eight);
            i += 8;
        }

        while (m < ML_PACK_ONE_MORE && i - first < 22
               && (digit = (unsigned) (unsigned char) p[i] - '0') <= 9)
        {
            m = m * 10 + digit;
            i++;
        }

        *fraction = i - first;

        if (*fraction == 0) {
            return 0;
        }
    }

    *mantissa = m;

    return p[i] == ',' ? i : 0;
}


/*
 * The number at *p, with its sign and its comma, when another one begins
 * behind it: *p moves there.  0: it is not plain.
 */
static inline int
ml_pack_scalar_next(const char **p, uint32_t limit, uint64_t *mantissa,
    unsigned *fraction)
{
    unsigned     len, sign;
    const char  *q;

    sign = **p == '-';
    q = *p + sign;
    len = ml_pack_scalar_token(q, mantissa, fraction);

    if (len == 0 || len + sign > limit) {
        return 0;
    }

    q += len + 1;
    q += *q == ' ';

    if (*q != '-' && (unsigned char) (*q - '0') > 9) {
        return 0;
    }

    *p = q;

    return 1;
}


static size_t
ml_pack_scalar_reals(const char **at, const char *end, uint32_t limit,
    double *values, size_t n)
{
    size_t       i;
    double       value;
    unsigned     fraction;
    uint64_t     mantissa;
    const char  *p, *start;

    p = *at;

    for (i = 0; i < n && end - p >= ML_PACK_MARGIN; i++) {
        start = p;

        if (!ml_pack_scalar_next(&p, limit, &mantissa, &fraction)) {
            break;
        }

        /* a power of ten up to 10^22 is exact, too: one division rounds */

        value = mantissa <= (uint64_t) 1 << 53
                ? (double) mantissa / ml_number_ten[fraction]
                : ml_number_divide(mantissa, fraction);

        values[i] = ml_pack_signed(value, *start == '-');
    }

    *at = p;

    return i;
}


/*
 * Up to seven digits at p, and a comma: their value, and how many they are;
 * otherwise 0.  No branch depends on how many.
 */
static inline unsigned
ml_pack_seven(const char *p, uint64_t *mantissa)
{
    unsigned  len;
    uint64_t  eight, others;

    eight = ml_pack_load(p);
    others = ((eight + 0x4646464646464646) | (eight - 0x3030303030303030))
             & 0x8080808080808080;

    /* the first that is no digit: a borrow may spoil only those behind it */

    len = others ? (unsigned) __builtin_ctzll(others) / 8 : 8;

    if (len == 0 || len == 8 || p[len] != ',' || (p[0] == '0' && len > 1)) {
        return 0;
    }

    eight = (eight - 0x3030303030303030) << (64 - 8 * len);
    *mantissa = ml_pack_value(eight + 0x3030303030303030);

    return len;
}


static size_t
ml_pack_scalar_wholes(const char **at, const char *end, uint32_t limit,
    int64_t *values, size_t n)
{
    size_t       i;
    unsigned     fraction, len;
    int64_t      negative;
    uint64_t     mantissa;
    const char  *p, *start;

    p = *at;

    for (i = 0; i < n && end - p >= ML_PACK_MARGIN; i++) {
        start = p;
        negative = *p == '-';
        len = ml_pack_seven(p + negative, &mantissa);

        /* the comma, and what begins another number */

        if (len && len + (unsigned) negative <= limit
            && (unsigned char) (p[len + (size_t) negative + 1] - '0') <= 9)
        {
            p += len + (size_t) negative + 1;
            values[i] = ((int64_t) mantissa ^ -negative) + negative;
            continue;
        }

        if (!ml_pack_scalar_next(&p, limit, &mantissa, &fraction)) {
            break;
        }

        if (fraction || mantissa > (uint64_t) 999999999999999999) {
            p = start;
            break;
        }

        values[i] = ((int64_t) mantissa ^ -negative) + negative;
    }

    *at = p;

    return i;
}


static int
ml_pack_scalar_usable(void)
{
    return 1;
}


const ml_pack_kernel_t  ml_pack_scalar = {
    "scalar", ml_pack_scalar_usable, ml_pack_scalar_reals,
    ml_pack_scalar_wholes
};
