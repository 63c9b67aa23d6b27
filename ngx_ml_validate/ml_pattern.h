/*
 * Regular expressions of schemas: ECMA-262 with the "u" flag, as JSON Schema
 * wants it (2020-12 Core, section 6.4), on PCRE2.
 *
 * Other than in ECMA-262, what PCRE2 has beyond it is accepted too: inline
 * flags such as (?i), atomic groups, \A and \z, so that patterns written
 * for Python or Rust work.
 *
 * A search is bounded: its steps are limited in proportion to the length of
 * the text, which every pattern that does not backtrack without end is far
 * below, and so is its memory.
 */

#ifndef ML_PATTERN_H
#define ML_PATTERN_H

#include <stddef.h>


/* The longest pattern, in bytes. */
#define ML_PATTERN_SIZE        65536

/* Kilobytes that a search may take for what it may have to come back to. */
#define ML_PATTERN_HEAP        4096

/* Steps that a search may take: some, and so many for each byte. */
#define ML_PATTERN_STEPS       1000
#define ML_PATTERN_BYTE_STEPS  64


typedef struct ml_pattern_s  ml_pattern_t;


typedef enum {
    ML_PATTERN_MISSED = 0,
    ML_PATTERN_FOUND,
    ML_PATTERN_COSTLY,              /* over the limit of steps */
    ML_PATTERN_MEMORY
} ml_pattern_e;


/* NULL on failure, with one line of why in error. */
ml_pattern_t *ml_pattern_compile(const char *text, size_t len, char *error,
    size_t size);

/* NULL is no pattern. */
void ml_pattern_destroy(ml_pattern_t *pattern);

/*
 * Whether the pattern matches anywhere in s, which is well-formed UTF-8.
 * Not for two threads at once.
 */
ml_pattern_e ml_pattern_search(const ml_pattern_t *pattern, const char *s,
    size_t len);


#endif /* ML_PATTERN_H */
