/*
 * What "format" of JSON Schema asserts (2020-12 Validation, section 7.3),
 * where it is switched on.
 */

#ifndef ML_FORMAT_H
#define ML_FORMAT_H

#include <stddef.h>

#include "ml_pattern.h"


typedef struct ml_format_s  ml_format_t;


/* The format of that name; NULL: not known, which asserts nothing. */
const ml_format_t *ml_format_find(const char *name, size_t len);

const char *ml_format_name(const ml_format_t *format);

/* Whether the string, well-formed UTF-8, is of that format. */
ml_pattern_e ml_format_check(const ml_format_t *format, const char *s,
    size_t len);


#endif /* ML_FORMAT_H */
