/*
 * Request bodies with a Content-Encoding of gzip (RFC 1952) or deflate, which
 * is the zlib format (RFC 1950; RFC 9110, section 8.4.1).
 *
 * Output comes in windows of at most ML_INFLATE_WINDOW bytes and is capped,
 * so that a small body cannot become more than what was allowed, whatever it
 * says.  One member, and nothing behind it: what some readers take for more
 * of the body and others ignore is refused.
 */

#ifndef ML_INFLATE_H
#define ML_INFLATE_H

#include <stddef.h>
#include <stdint.h>


#define ML_INFLATE_WINDOW  32768


typedef struct ml_inflate_s  ml_inflate_t;


typedef enum {
    ML_INFLATE_GZIP = 0,
    ML_INFLATE_ZLIB
} ml_inflate_format_e;


typedef enum {
    ML_INFLATE_MORE = 0,            /* no offence so far */
    ML_INFLATE_DONE,                /* from ml_inflate_finish() only */
    ML_INFLATE_BROKEN,              /* see ml_inflate_error() */
    ML_INFLATE_LARGE,               /* over the cap */
    ML_INFLATE_STOPPED,             /* by the handler */
    ML_INFLATE_MEMORY
} ml_inflate_status_e;


/* Takes decoded bytes, valid during the call; 0 to go on. */
typedef int (*ml_inflate_pt)(void *data, const char *bytes, size_t len);


/* "most": bytes of output.  NULL when memory is short. */
ml_inflate_t *ml_inflate_create(ml_inflate_format_e format, uint64_t most,
    ml_inflate_pt handler, void *data);

/* NULL is none. */
void ml_inflate_destroy(ml_inflate_t *inflater);

/* Once it returned anything but ML_INFLATE_MORE it returns the same again. */
ml_inflate_status_e ml_inflate_feed(ml_inflate_t *inflater, const char *bytes,
    size_t len);

/* The body ends here. */
ml_inflate_status_e ml_inflate_finish(ml_inflate_t *inflater);

/* What the handler gets from now on. */
void ml_inflate_set_data(ml_inflate_t *inflater, void *data);

/* Bytes of output so far. */
uint64_t ml_inflate_total(const ml_inflate_t *inflater);

/* One line of why it is broken; static. */
const char *ml_inflate_error(const ml_inflate_t *inflater);


#endif /* ML_INFLATE_H */
