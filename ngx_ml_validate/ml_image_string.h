/*
 * Images inside JSON strings: base64 (RFC 4648, section 4) or a data: URL
 * (RFC 2397), judged while the string arrives as ml_image.h judges files.
 *
 * Base64 is the strict one: no white space, no other alphabet, padding where
 * it belongs and no bits in it.  The type of what is bare base64 is told by
 * its first byte; a data: URL says it itself and is held to it.
 */

#ifndef ML_IMAGE_STRING_H
#define ML_IMAGE_STRING_H

#include "ml_image.h"


/* What a string may be. */
typedef struct {
    ml_image_limits_t  limits;
    uint32_t           types;       /* bits of ml_image_type_e */
    unsigned           links:1;     /* or a URL of http or https */
} ml_image_rule_t;


/* Private but for "error". */
typedef struct {
    const char        *error;       /* one line, static */
    const ml_image_rule_t  *rule;
    ml_image_t         image;
    enum {
        ML_IMAGE_STRING_HEAD = 0,   /* not known yet what it is */
        ML_IMAGE_STRING_BASE64,     /* of a type that is not known yet */
        ML_IMAGE_STRING_IMAGE,
        ML_IMAGE_STRING_LINK
    }                  state;
    char               head[32];
    uint32_t           head_len;
    uint32_t           bits;        /* of an open group */
    uint32_t           digits;      /* of it */
    uint32_t           padding;
} ml_image_string_t;


/* The rule must stay. */
void ml_image_string_init(ml_image_string_t *string,
    const ml_image_rule_t *rule);

/* More of the string: 0 to go on, -1 when it is refused. */
int ml_image_string_feed(ml_image_string_t *string, const char *bytes,
    size_t len);

/* The string ends here: 0, or -1. */
int ml_image_string_finish(ml_image_string_t *string);


#endif /* ML_IMAGE_STRING_H */
