/* A growing text buffer; see ml_text.h. */

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_text.h"


static size_t ml_text_utf8(const unsigned char *p, size_t n);
static void ml_text_number(ml_text_t *text, char *number, size_t size);


void
ml_text_init(ml_text_t *text)
{
    memset(text, 0, sizeof(ml_text_t));
}


void
ml_text_free(ml_text_t *text)
{
    free(text->data);
    ml_text_init(text);
}


char *
ml_text_reserve(ml_text_t *text, size_t n)
{
    char    *data;
    size_t   size, need;

    if (text->failed) {
        return NULL;
    }

    if (__builtin_add_overflow(text->len, n, &need)) {
        text->failed = 1;
        return NULL;
    }

    if (need > text->size) {
        size = text->size ? text->size : 256;

        while (size < need) {
            if (__builtin_mul_overflow(size, 2, &size)) {
                size = need;
            }
        }

        data = realloc(text->data, size);

        if (data == NULL) {
            text->failed = 1;
            return NULL;
        }

        text->data = data;
        text->size = size;
    }

    return text->data + text->len;
}


void
ml_text_append(ml_text_t *text, const char *data, size_t len)
{
    char  *p;

    if (len == 0) {
        return;
    }

    p = ml_text_reserve(text, len);

    if (p) {
        memcpy(p, data, len);
        text->len += len;
    }
}


void
ml_text_printf(ml_text_t *text, const char *fmt, ...)
{
    int       n;
    char     *p;
    va_list   args;

    va_start(args, fmt);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    /* vsnprintf() writes a NUL that is not counted */

    if (n < 0 || (p = ml_text_reserve(text, (size_t) n + 1)) == NULL) {
        text->failed = 1;
        return;
    }

    va_start(args, fmt);
    (void) vsnprintf(p, (size_t) n + 1, fmt, args);
    va_end(args);

    text->len += (size_t) n;
}


void
ml_text_json_string(ml_text_t *text, const char *s, size_t len)
{
    size_t                n;
    const unsigned char  *p, *end, *plain;

    p = (const unsigned char *) s;
    end = p + len;
    plain = p;

    ml_text_append(text, "\"", 1);

    while (p < end) {

        if (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\') {
            p++;
            continue;
        }

        if (*p >= 0x80) {
            n = ml_text_utf8(p, (size_t) (end - p));

            if (n) {
                p += n;
                continue;
            }
        }

        ml_text_append(text, (const char *) plain, (size_t) (p - plain));

        switch (*p) {

        case '"':
            ml_text_append(text, "\\\"", 2);
            break;

        case '\\':
            ml_text_append(text, "\\\\", 2);
            break;

        default:
            if (*p < 0x80) {
                ml_text_printf(text, "\\u%04x", *p);

            } else {
                ml_text_append(text, "\xef\xbf\xbd", 3);
            }
        }

        plain = ++p;
    }

    ml_text_append(text, (const char *) plain, (size_t) (p - plain));
    ml_text_append(text, "\"", 1);
}


/* Length of the well-formed sequence at p (Unicode, table 3-7), or 0. */

static size_t
ml_text_utf8(const unsigned char *p, size_t n)
{
    unsigned char  low, high;

    low = 0x80;
    high = 0xbf;

    if (*p >= 0xc2 && *p <= 0xdf) {
        return (n >= 2 && (p[1] & 0xc0) == 0x80) ? 2 : 0;
    }

    if (*p >= 0xe0 && *p <= 0xef) {
        low = (*p == 0xe0) ? 0xa0 : low;
        high = (*p == 0xed) ? 0x9f : high;

        return (n >= 3 && p[1] >= low && p[1] <= high
                && (p[2] & 0xc0) == 0x80) ? 3 : 0;
    }

    if (*p >= 0xf0 && *p <= 0xf4) {
        low = (*p == 0xf0) ? 0x90 : low;
        high = (*p == 0xf4) ? 0x8f : high;

        return (n >= 4 && p[1] >= low && p[1] <= high
                && (p[2] & 0xc0) == 0x80 && (p[3] & 0xc0) == 0x80) ? 4 : 0;
    }

    return 0;
}


void
ml_text_float(ml_text_t *text, float value)
{
    int   digits;
    char  number[32];

    if (!isfinite(value)) {
        ml_text_append(text, "null", 4);
        return;
    }

    /* 9 digits always read back; most values need fewer */

    for (digits = 6; digits < 9; digits++) {
        (void) snprintf(number, sizeof(number), "%.*g", digits,
                        (double) value);

        if (strtof(number, NULL) == value) {
            break;
        }
    }

    if (digits == 9) {
        (void) snprintf(number, sizeof(number), "%.9g", (double) value);
    }

    ml_text_number(text, number, sizeof(number));
}


void
ml_text_double(ml_text_t *text, double value)
{
    int   digits;
    char  number[40];

    if (!isfinite(value)) {
        ml_text_append(text, "null", 4);
        return;
    }

    for (digits = 15; digits < 17; digits++) {
        (void) snprintf(number, sizeof(number), "%.*g", digits, value);

        if (strtod(number, NULL) == value) {
            break;
        }
    }

    if (digits == 17) {
        (void) snprintf(number, sizeof(number), "%.17g", value);
    }

    ml_text_number(text, number, sizeof(number));
}


/* A float stays a float for the reader: 3 is written as 3.0. */

static void
ml_text_number(ml_text_t *text, char *number, size_t size)
{
    size_t  len;

    len = strlen(number);

    if (strpbrk(number, ".e") == NULL && len + 2 < size) {
        memcpy(number + len, ".0", 3);
        len += 2;
    }

    ml_text_append(text, number, len);
}
