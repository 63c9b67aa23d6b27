/*
 * An incremental, strict JSON reader (RFC 8259).
 *
 * DESIGN.  Bytes are pushed in with ml_json_feed() in pieces of any size;
 * values come out as events.  Memory is bounded by the limits whatever the
 * input: one byte-sized state, one word per open container, one buffer for a
 * number that is split between pieces, one for a key, and 16 bytes per key
 * seen.  No recursion.
 *
 * The sequence of events and the verdict depend on the text alone, not on
 * how it was split: everything read before an offence is delivered before
 * the offence is reported.
 *
 * Numbers that follow each other in an array are delivered in runs, so that
 * a faster conversion of many numbers at once fits behind the same event.
 *
 * Refused beyond the grammar: a byte order mark, NaN and Infinity, bytes
 * that are no well-formed UTF-8, escaped surrogates without their partner,
 * keys that an object has already (compared after unescaping, by their
 * 128-bit keyed hash), anything but white space behind the value.
 */

#ifndef ML_JSON_H
#define ML_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "ml_number.h"


/* The longest key, in bytes after unescaping. */
#define ML_JSON_KEY_MAX    1024

/* The most numbers in one event. */
#define ML_JSON_RUN        32

/* The deepest nesting that a limit may allow. */
#define ML_JSON_DEPTH_MAX  1024


typedef struct ml_json_reader_s  ml_json_reader_t;


typedef struct {
    uint32_t  depth;                /* open containers, <= ML_JSON_DEPTH_MAX */
    uint32_t  keys;                 /* of all objects together */
    size_t    string;               /* bytes of one string, unescaped */
    uint32_t  number;               /* bytes of one, <= ML_NUMBER_MAX */
    uint64_t  elements;             /* of all arrays together */
} ml_json_limits_t;


typedef enum {
    ML_JSON_NULL = 0,
    ML_JSON_FALSE,
    ML_JSON_TRUE
} ml_json_literal_e;


typedef enum {
    ML_JSON_PIECE = 0,
    ML_JSON_FIRST,                  /* opening quote, no bytes */
    ML_JSON_LAST                    /* closing quote, no bytes */
} ml_json_string_e;


/*
 * What the reader tells.  Pointers are valid during the call only.  A
 * handler returns 0 to go on; anything else stops the reader.
 */
typedef struct {
    int  (*start_object)(void *data);
    int  (*end_object)(void *data);
    int  (*start_array)(void *data);
    int  (*end_array)(void *data);
    int  (*key)(void *data, const char *name, size_t len);

    /*
     * A value that is a string: FIRST, any number of PIECEs, LAST.  Pieces
     * are unescaped; one may end inside a UTF-8 sequence.
     */
    int  (*string)(void *data, ml_json_string_e part, const char *bytes,
             size_t len);

    int  (*literal)(void *data, ml_json_literal_e literal);

    /* One number, or up to ML_JSON_RUN neighbours in an array. */
    int  (*numbers)(void *data, const ml_number_t *numbers, size_t n);

    /*
     * (optional) Bytes of an array, where a number should start at *p: takes
     * as many as it likes of the numbers that have a comma and another number
     * behind them, at most n, and of at most "limit" characters; returns how
     * many, with *p at the next one.
     */
    size_t  (*pack)(void *data, const char **p, const char *end, size_t n,
                uint32_t limit);
} ml_json_events_t;


typedef enum {
    ML_JSON_MORE = 0,               /* no offence so far */
    ML_JSON_DONE,                   /* from ml_json_finish() only */
    ML_JSON_INVALID,                /* see ml_json_error() */
    ML_JSON_STOPPED,                /* by a handler */
    ML_JSON_MEMORY
} ml_json_status_e;


/*
 * "seed" is 16 secret bytes for the hash of keys; "events" must outlive the
 * reader.  NULL when memory is short.
 */
ml_json_reader_t *ml_json_create(const ml_json_limits_t *limits,
    const uint8_t *seed, const ml_json_events_t *events, void *data);

void ml_json_destroy(ml_json_reader_t *reader);

/* Once it returned anything but ML_JSON_MORE it returns the same again. */
ml_json_status_e ml_json_feed(ml_json_reader_t *reader, const char *bytes,
    size_t len);

/* The text ends here. */
ml_json_status_e ml_json_finish(ml_json_reader_t *reader);

/*
 * Why the text is invalid, static: the words of CPython's json module where
 * it has any.  *offset counts characters from 0, as CPython does.
 */
const char *ml_json_error(const ml_json_reader_t *reader, uint64_t *offset);


#endif /* ML_JSON_H */
