/*
 * What the parts of the JSON reader share; see ml_json.h.  Private to
 * ml_json.c, ml_json_string.c and ml_json_number.c.
 *
 * Each part reads from p and returns where it stopped, or NULL with the
 * reader's status set.
 */

#ifndef ML_JSON_READER_H
#define ML_JSON_READER_H

#include "ml_json.h"
#include "ml_json_keys.h"


typedef enum {
    ml_json_value = 0,              /* a value must follow */
    ml_json_value_or_end,           /* behind "[" */
    ml_json_key,                    /* behind "," in an object */
    ml_json_key_or_end,             /* behind "{" */
    ml_json_colon,
    ml_json_next,                   /* behind a value */
    ml_json_string,                 /* inside a string or key */
    ml_json_number,                 /* inside a number that was split */
    ml_json_literal                 /* inside a literal */
} ml_json_state_e;


/* Where in an escape sequence a string is. */
typedef enum {
    ml_json_plain = 0,
    ml_json_escape,                 /* behind "\" */
    ml_json_hex,                    /* in the digits of \uXXXX */
    ml_json_low_escape,             /* "\" of a low surrogate must follow */
    ml_json_low_u                   /* and its "u" */
} ml_json_escape_e;


struct ml_json_reader_s {
    const ml_json_events_t  *events;
    void                    *data;
    ml_json_limits_t         limits;

    ml_json_state_e          state;
    ml_json_status_e         status;

    /* per open container: 0 for an array, otherwise the object's number */
    uint32_t                *stack;
    uint32_t                 stack_size;
    uint32_t                 depth;
    uint32_t                 objects;

    uint64_t                 elements;
    ml_json_keys_t           keys;

    /* position: bytes before this piece, and how many were continuations */
    uint64_t                 bytes;
    uint64_t                 continuations;
    const char              *start;         /* of this piece */
    uint64_t                 token;         /* offset of the open token */

    /* the open string or key */
    unsigned                 is_key:1;
    ml_json_escape_e         escape;
    uint64_t                 escape_offset; /* of the "\" */
    uint32_t                 digits;        /* of \uXXXX, read so far */
    uint32_t                 unit;          /* their value */
    uint32_t                 high;          /* a high surrogate, or 0 */
    uint8_t                  need;          /* UTF-8 bytes still to come */
    uint8_t                  low_bound;     /* for the next of them */
    uint8_t                  high_bound;
    size_t                   length;        /* unescaped bytes so far */
    char                    *key;

    /* the open literal */
    const char              *literal;
    uint32_t                 matched;

    /* the open number */
    char                    *number;
    uint32_t                 number_len;

    const char              *error;
    uint64_t                 offset;
};


#define ml_json_space(c)                                                      \
    ((c) == ' ' || (c) == '\n' || (c) == '\r' || (c) == '\t')

#define ml_json_digit(c)  ((unsigned) (unsigned char) (c) - '0' <= 9)

/* what a number is made of, in whatever order */
#define ml_json_numeric(c)                                                    \
    (ml_json_digit(c) || (c) == '-' || (c) == '+' || (c) == '.'               \
     || (c) == 'e' || (c) == 'E')


#define ml_json_expecting_value  "Expecting value"


/* The offset of p, a place in this piece, in characters. */
static inline uint64_t
ml_json_offset(const ml_json_reader_t *reader, const char *p)
{
    return reader->bytes + (uint64_t) (p - reader->start)
           - reader->continuations;
}


/* Always NULL, for `return ml_json_fail(...)` where a place is due. */
static inline const char *
ml_json_fail(ml_json_reader_t *reader, const char *error, uint64_t offset)
{
    reader->status = ML_JSON_INVALID;
    reader->error = error;
    reader->offset = offset;

    return NULL;
}


static inline const char *
ml_json_stop(ml_json_reader_t *reader, ml_json_status_e status)
{
    reader->status = status;

    return NULL;
}


/* Something else stands where a value or container must go on or end. */
static inline const char *
ml_json_fail_next(ml_json_reader_t *reader, uint64_t offset)
{
    return ml_json_fail(reader, reader->depth ? "Expecting ',' delimiter"
                                              : "Extra data", offset);
}


static inline int
ml_json_in_array(const ml_json_reader_t *reader)
{
    return reader->depth && reader->stack[reader->depth - 1] == 0;
}


/* Counts the element that starts at p, when in an array. */
static inline int
ml_json_element(ml_json_reader_t *reader, const char *p)
{
    if (ml_json_in_array(reader)
        && reader->elements++ >= reader->limits.elements)
    {
        ml_json_fail(reader, "Too many array elements",
                     ml_json_offset(reader, p));
        return 0;
    }

    return 1;
}


/* A string or key opens at p; "is_key" is set. */
const char *ml_json_start_string(ml_json_reader_t *reader, const char *p);

/* Goes on inside it. */
const char *ml_json_read_string(ml_json_reader_t *reader, const char *p,
    const char *end);

/*
 * A number, and all that follow it in its array in this piece.  p stands at
 * a digit or a minus sign.
 */
const char *ml_json_read_numbers(ml_json_reader_t *reader, const char *p,
    const char *end);

/* Goes on inside a number that the last piece cut off. */
const char *ml_json_read_number(ml_json_reader_t *reader, const char *p,
    const char *end);

/* That number is whole; 0 on failure. */
int ml_json_end_number(ml_json_reader_t *reader);


#endif /* ML_JSON_READER_H */
