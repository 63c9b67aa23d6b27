/*
 * Decimal to double; see ml_number.h.
 *
 * DESIGN.  Up to 64 bits of digits are gathered in an integer.  Three ways
 * lead from there to the nearest double, each correctly rounded:
 *
 * 1. Clinger's: a mantissa of at most 2^53 and a power of ten of at most
 *    10^22 are both exact doubles, so that one multiplication or division
 *    rounds once (W. D. Clinger, "How to read floating point numbers
 *    accurately", 1990).
 * 2. Any mantissa and powers up to 10^27: 5^27 fits in 63 bits, so that the
 *    product, or the quotient and its remainder, is exact in 128 bits and is
 *    rounded by hand.
 * 3. The rest, which real data hardly has: strtod() in the C locale.
 */

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "ml_number.h"


#define ML_NUMBER_EXACT     22          /* 10^22 is the last exact double */
#define ML_NUMBER_WIDE      27          /* 5^27 is the last below 2^63 */
#define ML_NUMBER_EXPONENT  999999999   /* any larger one counts as this */
#define ML_NUMBER_FULL      (UINT64_MAX / 10)


static const double  ml_number_ten[] = {
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12,
    1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22
};


static const uint64_t  ml_number_five[] = {
    1, 5, 25, 125, 625, 3125, 15625, 78125, 390625, 1953125, 9765625,
    48828125, 244140625, 1220703125, 6103515625, 30517578125, 152587890625,
    762939453125, 3814697265625, 19073486328125, 95367431640625,
    476837158203125, 2384185791015625, 11920928955078125, 59604644775390625,
    298023223876953125, 1490116119384765625, 7450580596923828125
};


/*
 * n x 2^exponent, rounded to nearest even; "sticky": something was cut off
 * below n.  n is not 0 and the result is a normal double.
 */
static double
ml_number_round(unsigned __int128 n, int sticky, int exponent)
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

        if (rest > half || (rest == half && (sticky || (top & 1)))) {
            top++;
        }
    }

    image = (uint64_t) (1023 + shift + exponent) << 52;
    memcpy(&power, &image, sizeof(double));

    return (double) top * power;
}


static double
ml_number_wide(uint64_t mantissa, int exponent)
{
    int                shift;
    uint64_t           five;
    unsigned __int128  n, quotient;

    if (exponent >= 0) {
        n = (unsigned __int128) mantissa * ml_number_five[exponent];
        return ml_number_round(n, 0, exponent);
    }

    five = ml_number_five[-exponent];
    shift = __builtin_clzll(mantissa);

    n = (unsigned __int128) (mantissa << shift) << 64;
    quotient = n / five;

    return ml_number_round(quotient, quotient * five != n,
                           exponent - 64 - shift);
}


static double
ml_number_strtod(const ml_number_t *number)
{
    char      text[ML_NUMBER_MAX + 1];
    double    value;
    locale_t  locale;

    if (number->len > ML_NUMBER_MAX) {
        return 0;
    }

    memcpy(text, number->text, number->len);
    text[number->len] = '\0';

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

        if (exponent >= -ML_NUMBER_WIDE && exponent <= ML_NUMBER_WIDE) {
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
