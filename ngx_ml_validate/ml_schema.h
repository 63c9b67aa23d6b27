/*
 * A JSON Schema (2020-12), compiled for streaming validation.
 *
 * DESIGN.  The schema is read with the same strict reader that requests are
 * read with, so that a duplicate key or a stray comma in it is found too,
 * and numbers in it stay exact.  Each subschema becomes one node.  A keyword
 * that the compiler does not know is refused by name with its JSON pointer:
 * nothing in a schema is silently unchecked.
 *
 * Checked: type, properties, required, additionalProperties, items, enum,
 * const, minLength, maxLength, minItems, maxItems, minimum, maximum,
 * exclusiveMinimum, exclusiveMaximum.  Accepted and without effect: $schema
 * (2020-12 only), $id, $comment, $anchor, title, description, default,
 * examples, deprecated, readOnly, writeOnly.
 *
 * x-tensor is ours.  The array that stands under it becomes a tensor:
 *
 *     "x-tensor": {
 *         "input":    the tensor's name,
 *         "dtype":    "float32", "int64", ... (ml_tensor.h),
 *         "shape":    dimensions from 1; the first may be -1: free,
 *         "maxItems": the largest value of a free dimension, from 1;
 *                     required with one, refused without,
 *         "minimum", "maximum": of every element; not with dtype bool
 *     }
 *
 * A free dimension takes at least one row.  A shape of [] is a single
 * number.  Every tensor must be required, and not inside "items", so that a
 * body that passes always has all of them, each once.
 */

#ifndef ML_SCHEMA_H
#define ML_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "ml_narrow.h"
#include "ml_tape.h"
#include "ml_tensor.h"
#include "ml_text.h"


/* How deep subschemas may stand in each other. */
#define ML_SCHEMA_DEPTH    32

/* The largest schema, in bytes. */
#define ML_SCHEMA_SIZE     (1024 * 1024)

/* The most tensors of a schema, and required names of one object. */
#define ML_SCHEMA_TENSORS   64
#define ML_SCHEMA_REQUIRED  1024


/* Bits of ml_schema_node_t.types. */
#define ML_SCHEMA_NULL     0x01
#define ML_SCHEMA_BOOLEAN  0x02
#define ML_SCHEMA_OBJECT   0x04
#define ML_SCHEMA_ARRAY    0x08
#define ML_SCHEMA_NUMBER   0x10
#define ML_SCHEMA_INTEGER  0x20
#define ML_SCHEMA_STRING   0x40
#define ML_SCHEMA_ANY      0x7f


typedef struct ml_schema_node_s  ml_schema_node_t;


/* A key; not NUL-terminated, in the schema's memory. */
typedef struct {
    const char              *name;
    size_t                   len;
} ml_schema_name_t;


typedef struct {
    ml_schema_name_t         name;
    const ml_schema_node_t  *node;
    int32_t                  required;  /* place in "required", or -1 */
} ml_schema_property_t;


typedef struct {
    ml_tensor_spec_t         spec;
    ml_narrow_bounds_t       bounds;
    double                   minimum;   /* of a floating type, as written */
    double                   maximum;
    uint32_t                 index;     /* among the schema's tensors */

    /* the number of elements at most, and bytes of one */
    uint64_t                 elements;
    size_t                   size;
} ml_schema_tensor_t;


/* A bound of numbers; unset when text is NULL. */
typedef ml_number_t  ml_schema_bound_t;


struct ml_schema_node_s {
    uint32_t                     types;         /* allowed */
    uint32_t                     first_type;    /* named first; not null */
    unsigned                     never:1;       /* the schema "false" */
    unsigned                     model:1;       /* has "properties" */

    /* sorted by ml_schema_find()'s order */
    ml_schema_property_t        *properties;
    uint32_t                     nproperties;

    ml_schema_name_t            *required;      /* in the schema's order */
    uint32_t                     nrequired;

    const ml_schema_node_t      *additional;    /* NULL: anything */
    const ml_schema_node_t      *items;         /* NULL: anything */

    uint64_t                     min_length;    /* in code points */
    uint64_t                     max_length;
    uint64_t                     min_items;
    uint64_t                     max_items;

    ml_schema_bound_t            minimum;
    ml_schema_bound_t            maximum;
    ml_schema_bound_t            above;         /* exclusiveMinimum */
    ml_schema_bound_t            below;         /* exclusiveMaximum */

    /* enum, or const as an enum of one: nodes of the schema's tape */
    uint32_t                    *choices;
    uint32_t                     nchoices;
    const char                  *expected;      /* them, as Python has it */

    const ml_schema_tensor_t    *tensor;
};


typedef struct {
    const ml_schema_node_t      *root;

    /* in the order in which they stand in the schema */
    const ml_schema_tensor_t    *tensors[ML_SCHEMA_TENSORS];
    ml_tensor_spec_t             specs[ML_SCHEMA_TENSORS];
    uint32_t                     ntensors;

    /* private */
    ml_tape_t                    tape;
    void                        *memory;
} ml_schema_t;


/*
 * Compiles a schema.  On failure returns NULL and writes one line of why,
 * without a final newline, to error.
 */
ml_schema_t *ml_schema_compile(const char *text, size_t len, char *error,
    size_t size);

void ml_schema_destroy(ml_schema_t *schema);

/*
 * Writes the schema that takes those tensors: an object with a property for
 * each and nothing else, or with "whole", for one tensor, its array.  A first
 * dimension of -1 is free, up to "rows" and as long as no tensor has more
 * than "elements" elements.  Returns 0; -1 when not even one row is within
 * that, or there is not the right number of tensors.
 */
int ml_schema_derive(const ml_tensor_spec_t *specs, size_t n, uint64_t rows,
    uint64_t elements, int whole, ml_text_t *out);

/* The property of that name, or NULL. */
const ml_schema_property_t *ml_schema_find(const ml_schema_node_t *node,
    const char *name, size_t len);

/* The place of a name in "required", or -1. */
int32_t ml_schema_place(const ml_schema_node_t *node, const char *name,
    size_t len);


#endif /* ML_SCHEMA_H */
