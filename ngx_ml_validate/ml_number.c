/*
 * Decimal to double; see ml_number.h.
 *
 * DESIGN.  Up to 64 bits of digits are gathered in an integer.  Four ways
 * lead from there to the nearest double, each correctly rounded:
 *
 * 1. Clinger's: a mantissa of at most 2^53 and a power of ten of at most
 *    10^22 are both exact doubles, so that one multiplication or division
 *    rounds once (W. D. Clinger, "How to read floating point numbers
 *    accurately", 1990).
 * 2. Any mantissa and powers from 10^-27 to 1: a product of 128 bits with an
 *    inverse of the power, which is as good as exact (D. Lemire, "Number
 *    parsing at a gigabyte per second", 2021).
 * 3. Any mantissa and powers up to 10^27: 5^27 fits in 63 bits, so that the
 *    product is exact in 128 bits and is rounded by hand.
 * 4. The rest, which real data hardly has: strtod() in the C locale.
 */

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_number.h"


#define ML_NUMBER_EXACT     22          /* 10^22 is the last exact double */
#define ML_NUMBER_WIDE      27          /* 5^27 is the last below 2^63 */
#define ML_NUMBER_EXPONENT  999999999   /* any larger one counts as this */
#define ML_NUMBER_FULL      (UINT64_MAX / 10)
#define ML_NUMBER_DIGITS    768         /* halfway, and one digit more */


const double  ml_number_ten[ML_NUMBER_POWERS + 1] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22, 1
};


static const uint64_t  ml_number_five[] = {
    1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625,
    48828125, 244140625, 1220703125, 6103515625, 30517578125, 152587890625,
    762939453125, 3814697265625, 19073486328125, 95367431640625,
    476837158203125, 2384185791015625, 11920928955078125, 59604644775390625,
    298023223876953125, 1490116119384765625, 7450580596923828125
};


/*
 * 128 bits of 1 / 5^n, from the first that is set on, rounded up; n from 0.
 * Source: the construction of the table in the paper that is named above.
 */
static const uint64_t  ml_number_fifth[][2] = {
    { 0x8000000000000000, 0x0000000000000000 },
    { 0xcccccccccccccccc, 0xcccccccccccccccd },
    { 0xa3d70a3d70a3d70a, 0x3d70a3d70a3d70a4 },
    { 0x83126e978d4fdf3b, 0x645a1cac083126ea },
    { 0xd1b71758e219652b, 0xd3c36113404ea4a9 },
    { 0xa7c5ac471b478423, 0x0fcf80dc33721d54 },
    { 0x8637bd05af6c69b5, 0xa63f9a49c2c1b110 },
    { 0xd6bf94d5e57a42bc, 0x3d32907604691b4d },
    { 0xabcc77118461cefc, 0xfdc20d2b36ba7c3e },
    { 0x89705f4136b4a597, 0x31680a88f8953031 },
    { 0xdbe6fecebdedd5be, 0xb573440e5a884d1c },
    { 0xafebff0bcb24aafe, 0xf78f69a51539d749 },
    { 0x8cbccc096f5088cb, 0xf93f87b7442e45d4 },
    { 0xe12e13424bb40e13, 0x2865a5f206b06fba },
    { 0xb424dc35095cd80f, 0x538484c19ef38c95 },
    { 0x901d7cf73ab0acd9, 0x0f9d37014bf60a11 },
    { 0xe69594bec44de15b, 0x4c2ebe687989a9b4 },
    { 0xb877aa3236a4b449, 0x09befeb9fad487c3 },
    { 0x9392ee8e921d5d07, 0x3aff322e62439fd0 },
    { 0xec1e4a7db69561a5, 0x2b31e9e3d06c32e6 },
    { 0xbce5086492111aea, 0x88f4bb1ca6bcf585 },
    { 0x971da05074da7bee, 0xd3f6fc16ebca5e04 },
    { 0xf1c90080baf72cb1, 0x5324c68b12dd6339 },
    { 0xc16d9a0095928a27, 0x75b7053c0f178294 },
    { 0x9abe14cd44753b52, 0xc4926a9672793543 },
    { 0xf79687aed3eec551, 0x3a83ddbd83f52205 },
    { 0xc612062576589dda, 0x95364afe032a819e },
    { 0x9e74d1b791e07e48, 0x775ea264cf55347e }
};


/*
 * n x 2^exponent, rounded to nearest even.  n is not 0 and the result is a
 * normal double.
 */
static double
ml_number_round(unsigned __int128 n, int exponent)
{
    int                bits, shift;
    double             power;
    uint64_t           top, high, image;
    unsigned __int128  rest, half;

    high = (uint64_t) (n >> 64);
    bits = high ? 128 - __builtin_clzll(high)
                : 64 - __builtin_clzll((uint64_t) n);
    shift = bits - 53;

    if (shift <= 0) {
        top = (uint64_t) n;
        shift = 0;

    } else {
        top = (uint64_t) (n >> shift);
        half = (unsigned __int128) 1 << (shift - 1);
        rest = n & ((half << 1) - 1);

        if (rest > half || (rest == half && (top & 1))) {
            top++;
        }
    }

    image = (uint64_t) (1023 + shift + exponent) << 52;
    memcpy(&power, &image, sizeof(double));

    return (double) top * power;
}


/* mantissa x 10^exponent, of 0 to ML_NUMBER_WIDE */
static double
ml_number_wide(uint64_t mantissa, int exponent)
{
    return ml_number_round((unsigned __int128) mantissa
                           * ml_number_five[exponent], exponent);
}


double
ml_number_divide(uint64_t mantissa, unsigned power)
{
    int                shift, above, exponent;
    double             value;
    uint64_t           high, low, image;
    unsigned __int128  product, more;

    shift = __builtin_clzll(mantissa);
    mantissa <<= shift;

    product = (unsigned __int128) mantissa * ml_number_fifth[power][0];
    high = (uint64_t) (product >> 64);
    low = (uint64_t) product;

    /* the lower half matters when the bits that are cut off are all set */

    if ((high & 0x1ff) == 0x1ff) {
        more = (unsigned __int128) mantissa * ml_number_fifth[power][1];
        high += __builtin_add_overflow(low, (uint64_t) (more >> 64), &low);
    }

    above = (int) (high >> 63);
    image = high >> (above + 9);

    /* floor(-power x log2(10)), from the place of the product's first bit */

    exponent = ((-217706 * (int) power) >> 16) + 63 + above - shift + 1023;

    /* halfway between two doubles, exactly: only a small power divides */

    if (low <= 1 && power <= 4 && (image & 3) == 1
        && image << (above + 9) == high)
    {
        image &= ~(uint64_t) 1;
    }

    image = (image + (image & 1)) >> 1;

    if (image >= (uint64_t) 1 << 53) {
        image = (uint64_t) 1 << 52;
        exponent++;
    }

    image = (image & (((uint64_t) 1 << 52) - 1))
            | (uint64_t) exponent << 52;
    memcpy(&value, &image, sizeof(double));

    return value;
}


/*
 * The text with no more digits than matter: halfway between two doubles stands
 * nothing longer, so that what is behind only has to be more than nothing.
 * With more of them strtod() of glibc 2.36 rounds some subnormals wrong.
 */
static void
ml_number_shorten(const ml_number_t *number, char *text)
{
    size_t   n;
    int64_t  exponent;

    if (number->negative) {
        *text++ = '-';
    }

    n = ml_number_significant(number, text, &exponent);

    if (n > ML_NUMBER_DIGITS) {
        exponent += (int64_t) (n - ML_NUMBER_DIGITS);
        n = ML_NUMBER_DIGITS;
        text[n - 1] = '1';
    }

    (void) sprintf(text + n, "e%lld", (long long) exponent);
}


static double
ml_number_strtod(const ml_number_t *number)
{
    char      text[ML_NUMBER_MAX + sizeof("e-9223372036854775808")];
    double    value;
    locale_t  locale;

    if (number->len > ML_NUMBER_MAX) {
        return 0;
    }

    if (number->len > ML_NUMBER_DIGITS) {
        ml_number_shorten(number, text);

    } else {
        memcpy(text, number->text, number->len);
        text[number->len] = '\0';
    }

    /* the C locale is static: nothing is allocated, nothing can fail */

    locale = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t) 0));
    value = strtod(text, NULL);
    (void) uselocale(locale);

    return number->negative ? -value : value;
}


/* The magnitude; "text" and "len" are set. */
static double
ml_number_convert(const ml_number_t *number)
{
    int  exponent;

    exponent = number->exponent;

    if (number->mantissa == 0) {
        return 0;
    }

    if (!number->inexact) {

        if (number->mantissa <= (uint64_t) 1 << 53
            && exponent >= -ML_NUMBER_EXACT && exponent <= ML_NUMBER_EXACT)
        {
            return exponent < 0
                   ? (double) number->mantissa / ml_number_ten[-exponent]
                   : (double) number->mantissa * ml_number_ten[exponent];
        }

        if (exponent >= -ML_NUMBER_WIDE && exponent <= 0) {
            return ml_number_divide(number->mantissa, (unsigned) -exponent);
        }

        if (exponent > 0 && exponent <= ML_NUMBER_WIDE) {
            return ml_number_wide(number->mantissa, exponent);
        }
    }

    return ml_number_strtod(number);
}


/*
 * Takes a run of digits into the mantissa.  Each digit that does not fit is
 * counted in *dropped, so that the caller can scale.
 */
static const char *
ml_number_digits(const char *p, const char *end, ml_number_t *number,
    uint32_t *dropped)
{
    unsigned  digit;

    for ( /* void */ ; p < end; p++) {
        digit = (unsigned) (unsigned char) *p - '0';

        if (digit > 9) {
            break;
        }

        if (*dropped == 0
            && (number->mantissa < ML_NUMBER_FULL
                || (number->mantissa == ML_NUMBER_FULL && digit <= 5)))
        {
            number->mantissa = number->mantissa * 10 + digit;
            continue;
        }

        (*dropped)++;
        number->inexact |= digit != 0;
    }

    return p;
}


/* "p" stands behind the "e"; returns NULL when no exponent follows. */
static const char *
ml_number_exponent(const char *p, const char *end, ml_number_t *number)
{
    int          negative;
    int32_t      exponent;
    unsigned     digit;
    const char  *start;

    negative = 0;

    if (p < end && (*p == '+' || *p == '-')) {
        negative = *p == '-';
        p++;
    }

    exponent = 0;

    for (start = p; p < end; p++) {
        digit = (unsigned) (unsigned char) *p - '0';

        if (digit > 9) {
            break;
        }

        exponent = exponent <= ML_NUMBER_EXPONENT / 10
                   ? exponent * 10 + (int32_t) digit : ML_NUMBER_EXPONENT;
    }

    if (p == start) {
        return NULL;
    }

    number->exponent += negative ? -exponent : exponent;

    return p;
}


const char *
ml_number_scan(const char *p, const char *end, ml_number_t *number)
{
    uint32_t     dropped, before;
    const char  *start, *digits, *next;

    start = p;

    number->mantissa = 0;
    number->exponent = 0;
    number->inexact = 0;
    number->negative = p < end && *p == '-';
    dropped = 0;

    p += number->negative;

    digits = p;

    if (p < end && *p == '0') {
        p++;

    } else {
        p = ml_number_digits(p, end, number, &dropped);
    }

    if (p == digits) {
        return start;
    }

    number->exponent = (int32_t) dropped;

    if (p < end && *p == '.') {
        digits = p + 1;
        before = dropped;

        next = ml_number_digits(digits, end, number, &dropped);

        if (next != digits) {
            number->exponent -= (int32_t) ((next - digits)
                                           - (dropped - before));
            p = next;
        }
    }

    if (p < end && (*p == 'e' || *p == 'E')) {
        next = ml_number_exponent(p + 1, end, number);

        if (next) {
            p = next;
        }
    }

    number->text = start;
    number->len = (uint32_t) (p - start);
    number->value = ml_number_convert(number);

    if (number->negative) {
        number->value = -number->value;
    }

    return p;
}


/*
 * The next digit of a text, from *p: 0 behind the last one.  *p stays there,
 * at the exponent or at "end".
 */
static int
ml_number_next(const char **p, const char *end)
{
    if (*p < end && **p == '.') {
        (*p)++;
    }

    return *p < end && **p >= '0' && **p <= '9' ? *(*p)++ - '0' : 0;
}


/* Where the first digit other than 0 stands; the number is not 0. */
static const char *
ml_number_first(const ml_number_t *number)
{
    const char  *p;

    for (p = number->text; *p == '-' || *p == '0' || *p == '.'; p++) {
        /* void */
    }

    return p;
}


/* The power of ten of the first digit other than 0; the number is not 0. */
static int64_t
ml_number_place(const ml_number_t *number)
{
    int64_t   place;
    uint64_t  n;

    place = number->exponent;

    for (n = number->mantissa; n > 9; n /= 10) {
        place++;
    }

    return place;
}


/* Whether no digit but 0 stands behind the point, by the text. */
static int
ml_number_whole(const ml_number_t *number)
{
    int64_t      place, last;
    const char  *p, *end, *digit;

    p = ml_number_first(number);
    end = number->text + number->len;
    last = place = ml_number_place(number);

    for ( ;; place--) {
        digit = p;

        if (ml_number_next(&p, end)) {
            last = place;
        }

        if (p == digit) {
            return last >= 0;
        }
    }
}


ml_number_integer_e
ml_number_integer(const ml_number_t *number, uint64_t *magnitude)
{
    int32_t   exponent;
    uint64_t  n;

    n = number->mantissa;
    exponent = number->exponent;

    if (number->inexact) {
        return ml_number_whole(number) ? ML_NUMBER_HUGE : ML_NUMBER_FRACTION;
    }

    /* ends soon: n is 0, is left with a fraction, or overflows */

    for ( /* void */ ; n && exponent < 0; exponent++) {
        if (n % 10) {
            return ML_NUMBER_FRACTION;
        }

        n /= 10;
    }

    for ( /* void */ ; n && exponent > 0; exponent--) {
        if (__builtin_mul_overflow(n, (uint64_t) 10, &n)) {
            return ML_NUMBER_HUGE;
        }
    }

    *magnitude = n;

    return ML_NUMBER_INTEGER;
}


/* The order of the magnitudes of two numbers, neither of which is 0. */
static int
ml_number_order(const ml_number_t *a, const ml_number_t *b)
{
    int          x, y;
    int64_t      place;
    const char  *p, *q, *pend, *qend, *pdigit, *qdigit;

    place = ml_number_place(a) - ml_number_place(b);

    if (place) {
        return place < 0 ? -1 : 1;
    }

    p = ml_number_first(a);
    q = ml_number_first(b);
    pend = a->text + a->len;
    qend = b->text + b->len;

    do {
        pdigit = p;
        qdigit = q;

        x = ml_number_next(&p, pend);
        y = ml_number_next(&q, qend);

        if (x != y) {
            return x < y ? -1 : 1;
        }

    } while (p != pdigit || q != qdigit);

    return 0;
}


/* -1, 0 or 1 */
static int
ml_number_sign(const ml_number_t *number)
{
    if (number->mantissa == 0) {
        return 0;
    }

    return number->negative ? -1 : 1;
}


int
ml_number_compare(const ml_number_t *a, const ml_number_t *b)
{
    int  x, y;

    if (a->value != b->value) {
        return a->value < b->value ? -1 : 1;
    }

    /* a number too small for a double is 0 there, but has its sign */

    x = ml_number_sign(a);
    y = ml_number_sign(b);

    if (x != y) {
        return x < y ? -1 : 1;
    }

    return x ? x * ml_number_order(a, b) : 0;
}


size_t
ml_number_significant(const ml_number_t *number, char *digits,
    int64_t *exponent)
{
    int          x;
    size_t       n, last;
    const char  *p, *end, *digit;

    *exponent = 0;

    if (number->mantissa == 0) {
        return 0;
    }

    p = ml_number_first(number);
    end = number->text + number->len;
    last = 0;

    for (n = 0; n < ML_NUMBER_MAX; n++) {
        digit = p;
        x = ml_number_next(&p, end);

        if (p == digit) {
            break;
        }

        digits[n] = (char) ('0' + x);
        last = x ? n + 1 : last;
    }

    *exponent = ml_number_place(number) - (int64_t) last + 1;

    return last;
}


/* (a x 10^n) mod m */
static uint64_t
ml_number_power(uint64_t a, uint64_t n, uint64_t m)
{
    unsigned __int128  result, base;

    result = a % m;

    for (base = 10 % m; n; n >>= 1) {

        if (n & 1) {
            result = result * base % m;
        }

        base = base * base % m;
    }

    return (uint64_t) result;
}


/*
 * With a and b without zeros at their end, a x 10^p is a multiple of
 * b x 10^q only if p is not below q, else a would end in a zero.
 */
int
ml_number_multiple(const ml_number_t *number, const ml_number_t *of)
{
    char      digits[ML_NUMBER_MAX];
    size_t    i, n;
    int64_t   p, q;
    uint64_t  b, rest;

    n = ml_number_significant(number, digits, &p);

    if (n == 0) {
        return 1;
    }

    q = of->exponent;

    for (b = of->mantissa; b % 10 == 0; b /= 10) {
        q++;
    }

    if (p < q) {
        return 0;
    }

    for (rest = 0, i = 0; i < n; i++) {
        rest = (uint64_t) (((unsigned __int128) rest * 10
                            + (unsigned) (digits[i] - '0')) % b);
    }

    return ml_number_power(rest, (uint64_t) (p - q), b) == 0;
}
