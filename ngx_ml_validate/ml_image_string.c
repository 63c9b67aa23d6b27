/* Images inside JSON strings; see ml_image_string.h. */

#include <string.h>

#include "ml_image_string.h"


static const char  ml_image_string_not[] = "not a base64 image";


void
ml_image_string_init(ml_image_string_t *string, const ml_image_rule_t *rule)
{
    memset(string, 0, sizeof(ml_image_string_t));
    string->rule = rule;
}


static int
ml_image_string_fail(ml_image_string_t *string, const char *error)
{
    string->error = error;

    return -1;
}


static int
ml_image_string_type(ml_image_string_t *string, ml_image_type_e type)
{
    if (!(string->rule->types >> type & 1)) {
        return ml_image_string_fail(string, "image of a type that is not "
                                    "allowed");
    }

    ml_image_init(&string->image, type, &string->rule->limits);
    string->state = ML_IMAGE_STRING_IMAGE;

    return 0;
}


static int
ml_image_string_decoded(ml_image_string_t *string, const uint8_t *bytes,
    size_t len)
{
    size_t  type;

    static const uint8_t  first[ML_IMAGE_TYPES] = { 0x89, 0xff, 'R', 'G' };

    if (len && string->state == ML_IMAGE_STRING_BASE64) {

        for (type = 0; type < ML_IMAGE_TYPES && bytes[0] != first[type];
             type++)
        {
            /* void */
        }

        if (type == ML_IMAGE_TYPES) {
            return ml_image_string_fail(string, ml_image_string_not);
        }

        if (ml_image_string_type(string, (ml_image_type_e) type) != 0) {
            return -1;
        }
    }

    if (ml_image_feed(&string->image, (const char *) bytes, len) != 0) {
        return ml_image_string_fail(string, string->image.error);
    }

    return 0;
}


/* -1: none */
static int
ml_image_string_digit(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return c == '+' ? 62 : c == '/' ? 63 : -1;
}


/* What is decoded comes before an offence behind it. */
static int
ml_image_string_base64(ml_image_string_t *string, const char *p, size_t len)
{
    int      digit;
    size_t   n;
    uint8_t  out[192];

    for (n = 0; len; p++, len--) {

        digit = ml_image_string_digit(*p);

        if (*p == '=' && string->digits + string->padding >= 2
            && string->digits + string->padding <= 3)
        {
            string->padding++;
            continue;
        }

        if (digit < 0 || string->padding) {
            return ml_image_string_decoded(string, out, n) != 0
                   ? -1 : ml_image_string_fail(string, ml_image_string_not);
        }

        string->bits = string->bits << 6 | (uint32_t) digit;

        if (++string->digits < 4) {
            continue;
        }

        out[n++] = (uint8_t) (string->bits >> 16);
        out[n++] = (uint8_t) (string->bits >> 8);
        out[n++] = (uint8_t) string->bits;
        string->bits = 0;
        string->digits = 0;

        if (n == sizeof(out)) {

            if (ml_image_string_decoded(string, out, n) != 0) {
                return -1;
            }

            n = 0;
        }
    }

    return ml_image_string_decoded(string, out, n);
}


/* The bits of a last group that is not full. */
static int
ml_image_string_rest(ml_image_string_t *string)
{
    unsigned  bits;
    uint8_t   out[2];

    if (string->digits + string->padding == 0) {
        return 0;
    }

    /* two digits have 8 bits and 4 that are zero, three have 16 and 2 */

    bits = 6 * string->digits;

    if (string->digits + string->padding != 4
        || (string->bits & ((1u << (bits % 8)) - 1)) != 0)
    {
        return ml_image_string_fail(string, ml_image_string_not);
    }

    out[0] = (uint8_t) (string->bits >> (bits - 8));
    out[1] = (uint8_t) (string->bits >> (bits % 8));

    return ml_image_string_decoded(string, out, bits / 8);
}


/* "data:image/png;base64" */
static int
ml_image_string_url(ml_image_string_t *string)
{
    size_t       type, len;
    const char  *name;

    for (type = 0; type < ML_IMAGE_TYPES; type++) {
        name = ml_image_media_type((ml_image_type_e) type);
        len = strlen(name);

        if (string->head_len == 5 + len + 7
            && memcmp(string->head + 5, name, len) == 0
            && memcmp(string->head + 5 + len, ";base64", 7) == 0)
        {
            return ml_image_string_type(string, (ml_image_type_e) type);
        }
    }

    return ml_image_string_fail(string, "image of a type that is not "
                                "allowed");
}


static int
ml_image_string_begins(const ml_image_string_t *string, const char *with)
{
    size_t  len;

    len = strlen(with);

    return memcmp(string->head, with, string->head_len < len
                                      ? string->head_len : len) == 0;
}


/* One more byte of the head: it may tell what the string is. */
static int
ml_image_string_head(ml_image_string_t *string, char c)
{
    if (c == ',' && string->head_len >= 5
        && ml_image_string_begins(string, "data:"))
    {
        return ml_image_string_url(string);
    }

    if (string->head_len == sizeof(string->head)) {
        return ml_image_string_fail(string, ml_image_string_not);
    }

    string->head[string->head_len++] = c;

    if (string->rule->links
        && ((string->head_len == 7 && ml_image_string_begins(string,
                                                             "http://"))
            || (string->head_len == 8 && ml_image_string_begins(string,
                                                            "https://"))))
    {
        string->state = ML_IMAGE_STRING_LINK;
        return 0;
    }

    if (ml_image_string_begins(string, "data:")
        || (string->rule->links
            && (ml_image_string_begins(string, "http://")
                || ml_image_string_begins(string, "https://"))))
    {
        return 0;
    }

    string->state = ML_IMAGE_STRING_BASE64;

    return ml_image_string_base64(string, string->head, string->head_len);
}


int
ml_image_string_feed(ml_image_string_t *string, const char *bytes, size_t len)
{
    if (string->error) {
        return -1;
    }

    for ( /* void */ ; len && string->state == ML_IMAGE_STRING_HEAD; len--) {
        if (ml_image_string_head(string, *bytes++) != 0) {
            return -1;
        }
    }

    return string->state == ML_IMAGE_STRING_LINK
           ? 0 : ml_image_string_base64(string, bytes, len);
}


int
ml_image_string_finish(ml_image_string_t *string)
{
    if (string->error) {
        return -1;
    }

    switch (string->state) {

    case ML_IMAGE_STRING_LINK:
        return 0;

    case ML_IMAGE_STRING_HEAD:
        return ml_image_string_fail(string, ml_image_string_not);

    default:
        break;
    }

    if (ml_image_string_rest(string) != 0) {
        return -1;
    }

    if (string->state != ML_IMAGE_STRING_IMAGE) {
        return ml_image_string_fail(string, ml_image_string_not);
    }

    if (ml_image_finish(&string->image) != 0) {
        return ml_image_string_fail(string, string->image.error);
    }

    return 0;
}
