/*
 * A compact, bounded form of a JSON value.
 *
 * DESIGN.  Values stand in document order in an array of 16-byte nodes;
 * strings and the text of numbers stand behind each other in one buffer.  An
 * object's members are a string, the key, and then the value.  A tape is
 * filled by the reader's events (ml_tape_events, with the tape as "data")
 * and may hold several values after each other.  It never holds more bytes
 * than its limit: the event that would exceed it stops the reader.
 */

#ifndef ML_TAPE_H
#define ML_TAPE_H

#include <stddef.h>
#include <stdint.h>

#include "ml_error.h"
#include "ml_json.h"
#include "ml_text.h"


#define ML_TAPE_NONE  UINT32_MAX


typedef enum {
    ML_TAPE_NULL = 0,
    ML_TAPE_FALSE,
    ML_TAPE_TRUE,
    ML_TAPE_NUMBER,
    ML_TAPE_STRING,
    ML_TAPE_ARRAY,
    ML_TAPE_OBJECT
} ml_tape_e;


typedef struct {
    ml_tape_e  type;
    uint32_t   size;                /* bytes of text; values; members */
    uint32_t   at;                  /* of the text; container: node behind */
    uint32_t   parent;              /* container around, or ML_TAPE_NONE */
} ml_tape_node_t;


typedef enum {
    ML_TAPE_OK = 0,
    ML_TAPE_FULL,                   /* the limit */
    ML_TAPE_MEMORY
} ml_tape_status_e;


typedef struct {
    ml_tape_node_t    *nodes;
    uint32_t           n;
    uint32_t           size;
    char              *text;
    uint32_t           len;
    uint32_t           text_size;
    uint32_t           open;        /* innermost open container */
    size_t             limit;       /* bytes of nodes and text */
    ml_tape_status_e   status;
} ml_tape_t;


extern const ml_json_events_t  ml_tape_events;


void ml_tape_init(ml_tape_t *tape, size_t limit);
void ml_tape_free(ml_tape_t *tape);

/* Bytes in use. */
size_t ml_tape_bytes(const ml_tape_t *tape);

/* Bytes that it can still take. */
size_t ml_tape_room(const ml_tape_t *tape);

/* Forgets node "n" and all behind it; nothing of it may be open. */
void ml_tape_cut(ml_tape_t *tape, uint32_t n);

/* The node behind the value at "i". */
uint32_t ml_tape_next(const ml_tape_t *tape, uint32_t i);

/* The text of a string or number, not NUL-terminated. */
const char *ml_tape_text(const ml_tape_t *tape, uint32_t i);

/* The value of a member of the object at "i", or ML_TAPE_NONE. */
uint32_t ml_tape_member(const ml_tape_t *tape, uint32_t i, const char *name,
    size_t len);

/* Whether "i" is a key, not a value. */
int ml_tape_is_key(const ml_tape_t *tape, uint32_t i);

/* The number at "i". */
void ml_tape_number(const ml_tape_t *tape, uint32_t i, ml_number_t *number);

/*
 * The hash of the value at "i" with a secret of 16 bytes: that of another
 * value is the same only if they are equal as JSON Schema has it, numbers by
 * value and objects whatever the order of their members (2020-12 Core,
 * section 4.2.2); two that differ collide once in 2^64 values.  A container
 * with members is never nested deeper than ML_JSON_DEPTH_MAX.
 */
void ml_tape_hash(const ml_tape_t *tape, uint32_t i, const uint8_t *seed,
    uint64_t hash[2]);

/*
 * The steps from the value at "root" to the value, or key, at "i"; names are
 * in the tape.  Returns how many there are; writes them unless "steps" is
 * NULL.
 */
size_t ml_tape_path(const ml_tape_t *tape, uint32_t root, uint32_t i,
    ml_path_step_t *steps);

/* The place that a JSON pointer (RFC 6901) leads to from the value at "root",
 * or ML_TAPE_NONE. */
uint32_t ml_tape_point(const ml_tape_t *tape, uint32_t root,
    const char *pointer, size_t len);

/* Appends the value at "i" as JSON. */
void ml_tape_print(const ml_tape_t *tape, uint32_t i, ml_text_t *out);


#endif /* ML_TAPE_H */
