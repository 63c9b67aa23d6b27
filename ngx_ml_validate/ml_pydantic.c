/* Values as the texts of pydantic v2 show them; see ml_pydantic.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_pydantic.h"


/*
 * The shortest digits that read back as the value, without trailing zeros;
 * value = 0.D1D2D3... x 10^*point.  Returns how many.
 */
static int
ml_pydantic_digits(double value, char *digits, int *point)
{
    int    n, precision;
    char   text[40], *e;

    for (precision = 0; precision < 17; precision++) {
        (void) snprintf(text, sizeof(text), "%.*e", precision, value);

        if (strtod(text, NULL) == value) {
            break;
        }
    }

    /* "d.ddde+XX" */

    e = strchr(text, 'e');
    *point = atoi(e + 1) + 1;
    *e = '\0';

    digits[0] = text[0];
    n = 1;

    if (text[1]) {
        memcpy(digits + 1, text + 2, strlen(text + 2));
        n += (int) strlen(text + 2);
    }

    while (n > 1 && digits[n - 1] == '0') {
        n--;
    }

    return n;
}


/* Digits and zeros, with the point where it belongs. */
static void
ml_pydantic_fixed(ml_text_t *out, const char *digits, int n, int point)
{
    int  i;

    if (point <= 0) {
        ml_text_append(out, "0.", 2);

        for (i = point; i < 0; i++) {
            ml_text_append(out, "0", 1);
        }
    }

    for (i = 0; i < n || i < point; i++) {

        if (i && i == point) {
            ml_text_append(out, ".", 1);
        }

        ml_text_append(out, i < n ? &digits[i] : "0", 1);
    }
}


static double
ml_pydantic_sign(ml_text_t *out, double value)
{
    if (__builtin_signbit(value)) {
        ml_text_append(out, "-", 1);
        return -value;
    }

    return value;
}


void
ml_pydantic_float(ml_text_t *out, double value)
{
    int   n, point;
    char  digits[40];

    value = ml_pydantic_sign(out, value);

    if (value == 0) {
        ml_text_append(out, "0.0", 3);
        return;
    }

    n = ml_pydantic_digits(value, digits, &point);

    if (point < -3 || point > 16) {
        ml_text_append(out, digits, 1);

        if (n > 1) {
            ml_text_append(out, ".", 1);
            ml_text_append(out, digits + 1, (size_t) n - 1);
        }

        ml_text_printf(out, "e%+03d", point - 1);
        return;
    }

    ml_pydantic_fixed(out, digits, n, point);

    if (n <= point) {
        ml_text_append(out, ".0", 2);
    }
}


void
ml_pydantic_plain(ml_text_t *out, double value)
{
    int   n, point;
    char  digits[40];

    value = ml_pydantic_sign(out, value);

    if (value == 0) {
        ml_text_append(out, "0", 1);
        return;
    }

    n = ml_pydantic_digits(value, digits, &point);
    ml_pydantic_fixed(out, digits, n, point);
}


void
ml_pydantic_whole(ml_text_t *out, __int128 value)
{
    int                n;
    char               digits[40];
    unsigned __int128  rest;

    rest = (unsigned __int128) value;

    if (value < 0) {
        ml_text_append(out, "-", 1);
        rest = -rest;
    }

    n = sizeof(digits);

    do {
        digits[--n] = (char) ('0' + (int) (rest % 10));
        rest /= 10;
    } while (rest);

    ml_text_append(out, digits + n, sizeof(digits) - (size_t) n);
}


/*
 * Python's repr() of a string.  What is above U+00A0 is taken as printable,
 * but for the soft hyphen; Python looks into its Unicode tables.
 */
static void
ml_pydantic_string(ml_text_t *out, const char *s, size_t len)
{
    char           quote;
    size_t         i;
    unsigned char  c, latin;

    quote = len && memchr(s, '\'', len) && !memchr(s, '"', len) ? '"' : '\'';

    ml_text_append(out, &quote, 1);

    for (i = 0; i < len; i++) {
        c = (unsigned char) s[i];
        latin = c == 0xc2 && i + 1 < len ? (unsigned char) s[i + 1] : 0;

        if (c == (unsigned char) quote || c == '\\') {
            ml_text_append(out, "\\", 1);
            ml_text_append(out, &s[i], 1);

        } else if (c == '\n') {
            ml_text_append(out, "\\n", 2);

        } else if (c == '\r') {
            ml_text_append(out, "\\r", 2);

        } else if (c == '\t') {
            ml_text_append(out, "\\t", 2);

        } else if (c < 0x20 || c == 0x7f) {
            ml_text_printf(out, "\\x%02x", c);

        } else if ((latin >= 0x80 && latin <= 0xa0) || latin == 0xad) {
            ml_text_printf(out, "\\x%02x", latin);
            i++;

        } else {
            ml_text_append(out, &s[i], 1);
        }
    }

    ml_text_append(out, &quote, 1);
}


/* Written without a point or exponent: an int to Python. */
static int
ml_pydantic_is_whole(const char *text, size_t len)
{
    return memchr(text, '.', len) == NULL && memchr(text, 'e', len) == NULL
           && memchr(text, 'E', len) == NULL;
}


void
ml_pydantic_repr(ml_text_t *out, const ml_tape_t *tape, uint32_t i)
{
    const char   *text;
    ml_number_t   number;

    static const char *const  literals[] = { "None", "False", "True" };

    text = ml_tape_text(tape, i);

    switch (tape->nodes[i].type) {

    case ML_TAPE_NUMBER:

        ml_tape_number(tape, i, &number);

        /* an integer of any size, or what double cannot hold, stays as is */

        if (ml_pydantic_is_whole(text, tape->nodes[i].size)
            || number.value - number.value != 0)
        {
            ml_text_append(out, text, tape->nodes[i].size);

        } else {
            ml_pydantic_float(out, number.value);
        }

        break;

    case ML_TAPE_STRING:
        ml_pydantic_string(out, text, tape->nodes[i].size);
        break;

    case ML_TAPE_ARRAY:
    case ML_TAPE_OBJECT:
        ml_tape_print(tape, i, out);
        break;

    default: /* null, false, true */
        ml_text_printf(out, "%s", literals[tape->nodes[i].type]);
    }
}
