/*
 * What the parts of the schema compiler share; see ml_schema.h.  Private to
 * ml_schema.c, ml_schema_keywords.c and ml_schema_tensor.c.
 */

#ifndef ML_SCHEMA_COMPILER_H
#define ML_SCHEMA_COMPILER_H

#include "ml_schema.h"


#define ml_schema_count(array)  (sizeof(array) / sizeof((array)[0]))


/* A piece of the schema's memory. */
typedef struct ml_schema_block_s  ml_schema_block_t;

struct ml_schema_block_s {
    _Alignas(16) ml_schema_block_t  *next;
};


typedef struct {
    ml_schema_t  *schema;
    char         *error;
    size_t        size;
    uint32_t      depth;

    /* a body that passes has exactly one value where this schema stands */
    int           sure;

    /* JSON pointer of the schema or keyword at hand */
    char          pointer[512];
} ml_schema_compiler_t;


typedef struct {
    const char   *name;
    int           beside;           /* may stand beside x-tensor */

    /* "i" is the keyword's value; 0 on failure */
    int         (*compile)(ml_schema_compiler_t *c, ml_schema_node_t *node,
                     uint32_t i);
} ml_schema_keyword_t;


/* In the order in which they depend on each other. */
extern const ml_schema_keyword_t  ml_schema_keywords[];
extern const size_t               ml_schema_nkeywords;


/* Writes the error, with the pointer behind it. */
void ml_schema_fail(ml_schema_compiler_t *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Zeroed, freed with the schema; NULL on failure, with the error written. */
void *ml_schema_alloc(ml_schema_compiler_t *c, size_t n, size_t size);

/* Adds a step to the pointer; returns what ml_schema_leave() wants. */
size_t ml_schema_push(ml_schema_compiler_t *c, const char *name, size_t len);
size_t ml_schema_enter(ml_schema_compiler_t *c, const char *name);
void ml_schema_leave(ml_schema_compiler_t *c, size_t was);

/* A whole number from 0, and a finite number; 0 on failure. */
int ml_schema_whole(ml_schema_compiler_t *c, uint32_t i, uint64_t *value);
int ml_schema_number(ml_schema_compiler_t *c, uint32_t i,
    ml_number_t *number);

/* The schema at "i"; NULL on failure. */
const ml_schema_node_t *ml_schema_compile_node(ml_schema_compiler_t *c,
    uint32_t i);

/* Order of properties: by length, then by bytes. */
int ml_schema_order(const void *one, const void *two);

/* Keyword x-tensor. */
int ml_schema_tensor(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);


#endif /* ML_SCHEMA_COMPILER_H */
