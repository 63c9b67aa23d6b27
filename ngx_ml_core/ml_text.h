/*
 * A growing text buffer for JSON bodies and metrics.
 *
 * An allocation failure is remembered in "failed" and makes every later call
 * a no-op, so that a caller checks once, at the end.
 */

#ifndef ML_TEXT_H
#define ML_TEXT_H

#include <stddef.h>
#include <stdint.h>


typedef struct {
    char    *data;                  /* malloc()ed, not NUL-terminated */
    size_t   len;
    size_t   size;
    int      failed;
} ml_text_t;


void ml_text_init(ml_text_t *text);

/* Frees the buffer; the struct may be used again after ml_text_init(). */
void ml_text_free(ml_text_t *text);

/* Makes room for n more bytes; returns where they go, NULL on failure. */
char *ml_text_reserve(ml_text_t *text, size_t n);

void ml_text_append(ml_text_t *text, const char *data, size_t len);
void ml_text_printf(ml_text_t *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Appends a JSON string with its quotes (RFC 8259, section 7).  Control
 * characters are escaped; bytes that are no well-formed UTF-8 become U+FFFD.
 */
void ml_text_json_string(ml_text_t *text, const char *s, size_t len);

/*
 * Appends the shortest decimal that reads back as the same float; a NaN or
 * infinity, which JSON cannot carry, becomes null.
 */
void ml_text_float(ml_text_t *text, float value);
void ml_text_double(ml_text_t *text, double value);


#endif /* ML_TEXT_H */
