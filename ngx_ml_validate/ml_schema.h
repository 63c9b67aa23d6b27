/*
 * A JSON Schema (2020-12), compiled for streaming validation.
 *
 * DESIGN.  The schema is read with the same strict reader that requests are
 * read with, so that a duplicate key or a stray comma in it is found too,
 * and numbers in it stay exact.  Each subschema becomes one node, references
 * become pointers between nodes, and the whole draft is known (JSON Schema
 * Core and Validation, 2020-12), "format" as an annotation unless asked for.
 * A keyword that the draft does not know has no effect and is warned of.
 *
 * What a body can be checked for while it streams is checked then (type,
 * bounds, lengths, counts, properties, required, items, ...); a node with
 * any other keyword is "deferred": its value is put on a tape and evaluated
 * when it ends (ml_evaluate.h).  A pure reference, allOf of one, and anyOf
 * with null, which is how optional fields are written, are seen through.
 *
 * Refused: references that lead nowhere, and schemas that apply to one value
 * without end or more than ML_SCHEMA_SPREAD of them at once.
 *
 * x-maxTotalLength is ours: the code points of all strings in a value, keys
 * aside, are at most so many together; strings whose schema has "x-uncounted"
 * do not count.
 *
 * x-text is ours: where a schema has "x-text": true for any string, only the
 * strings that have it are watched (ml_body.h); otherwise all are.
 *
 * x-shape is ours: in an object with
 *
 *     "x-shape": {
 *         "of":      the name of a property that is an array,
 *         "is":      the name of one that has its dimensions,
 *         "default": dimensions, where the object does not have that one
 *     }
 *
 * the array has as many elements as the product of the dimensions.
 *
 * x-image is ours: the string is an image as ml_image_string.h has it,
 *
 *     "x-image": {
 *         "types":  ["png", "jpeg", "webp", "gif"], all by default,
 *         "pixels": of all frames together, at most,
 *         "frames": at most, 1 by default,
 *         "links":  true: a URL of http or https will do, too
 *     }
 *
 * x-tensor is ours.  The array that stands under it becomes a tensor:
 *
 *     "x-tensor": {
 *         "input":    the tensor's name,
 *         "dtype":    "float32", "int64", ... (ml_tensor.h),
 *         "shape":    dimensions from 1; the first may be -1, or a name:
 *                     free, and the same in all tensors that name it,
 *         "maxItems": the largest value of a free dimension, from 1;
 *                     required with one, refused without,
 *         "minimum", "maximum": of every element; not with dtype bool
 *     }
 *
 * A free dimension takes at least one row.  A shape of [] is a single
 * number.  Every tensor must be required, not inside "items", and not below
 * a deferred node, so that a body that passes always has all of them, each
 * once.
 */

#ifndef ML_SCHEMA_H
#define ML_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include "ml_format.h"
#include "ml_image_string.h"
#include "ml_narrow.h"
#include "ml_pattern.h"
#include "ml_tape.h"
#include "ml_tensor.h"
#include "ml_text.h"


/* How deep a schema's values may be nested. */
#define ML_SCHEMA_DEPTH    128

/* The largest schema, in bytes, and the most subschemas. */
#define ML_SCHEMA_SIZE     (1024 * 1024)
#define ML_SCHEMA_NODES    32768

/* The most subschemas that may apply to one value through each other. */
#define ML_SCHEMA_SPREAD   4096

/* As many pixels of an image as Pillow takes without a warning. */
#define ML_SCHEMA_PIXELS   89478485

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


/* A name, or a pattern of names, with what it stands for. */
typedef struct {
    ml_schema_name_t         name;
    ml_pattern_t            *pattern;   /* of patternProperties */
    const ml_schema_node_t  *node;      /* NULL: only required */
    int32_t                  required;  /* place in "required", or -1 */

    /* of dependentRequired */
    ml_schema_name_t        *names;
    uint32_t                 nnames;
} ml_schema_property_t;


typedef struct {
    ml_schema_property_t    *list;
    uint32_t                 n;
} ml_schema_properties_t;


typedef struct {
    const ml_schema_node_t **list;
    uint32_t                 n;
} ml_schema_list_t;


typedef struct {
    ml_tensor_spec_t         spec;
    ml_narrow_bounds_t       bounds;
    double                   minimum;   /* of a floating type, as written */
    double                   maximum;
    uint32_t                 index;     /* among the schema's tensors */
    const char              *dimension; /* name of the free one, or NULL */

    /* the number of elements at most, and bytes of one */
    uint64_t                 elements;
    size_t                   size;
} ml_schema_tensor_t;


/* x-shape: names of properties, and the product of the default. */
typedef struct {
    const ml_schema_name_t  *of;
    const ml_schema_name_t  *is;
    uint64_t                 elements;
} ml_schema_shape_t;


/* A bound of numbers; unset when text is NULL. */
typedef ml_number_t  ml_schema_bound_t;


/* A schema resource: a document, or what has its own "$id" in one. */
typedef struct ml_schema_resource_s  ml_schema_resource_t;


/* Keywords that a value is evaluated against, in that order; bits. */
#define ML_SCHEMA_REF                0x0001
#define ML_SCHEMA_DYNAMIC            0x0002
#define ML_SCHEMA_ALL                0x0004
#define ML_SCHEMA_ANY_OF             0x0008
#define ML_SCHEMA_ONE                0x0010
#define ML_SCHEMA_NOT                0x0020
#define ML_SCHEMA_IF                 0x0040
#define ML_SCHEMA_MEMBERS            0x0080
#define ML_SCHEMA_NAMES              0x0100
#define ML_SCHEMA_DEPENDENT          0x0200
#define ML_SCHEMA_ITEMS              0x0400
#define ML_SCHEMA_CONTAINS           0x0800
#define ML_SCHEMA_UNEVALUATED        0x1000
#define ML_SCHEMA_UNEVALUATED_ITEMS  0x2000


struct ml_schema_node_s {
    uint32_t                     types;         /* allowed */
    uint32_t                     first_type;    /* named first; not null */
    uint32_t                     keywords;      /* bits of those above */
    unsigned                     never:1;       /* the schema "false" */
    unsigned                     model:1;       /* has "properties" */
    unsigned                     unique:1;      /* uniqueItems */
    unsigned                     deferred:1;    /* evaluated at the end */
    unsigned                     nullable:1;    /* alias, or null */
    unsigned                     uncounted:1;   /* x-uncounted */
    unsigned                     text:1;        /* x-text */

    /* this node is no more than that one, which is no alias */
    const ml_schema_node_t      *alias;

    /* sorted by ml_schema_find()'s order; with names only required */
    ml_schema_properties_t       properties;
    ml_schema_name_t            *required;      /* in the schema's order */
    uint32_t                     nrequired;
    uint64_t                     min_properties;
    uint64_t                     max_properties;

    ml_schema_properties_t       patterns;      /* patternProperties */
    const ml_schema_node_t      *additional;    /* NULL: anything */
    const ml_schema_node_t      *names;         /* propertyNames */
    ml_schema_properties_t       dependents;    /* dependentSchemas */
    ml_schema_properties_t       dependent_required;

    ml_schema_list_t             prefix;        /* prefixItems */
    const ml_schema_node_t      *items;         /* NULL: anything */
    uint64_t                     min_items;
    uint64_t                     max_items;
    const ml_schema_node_t      *contains;
    uint64_t                     min_contains;
    uint64_t                     max_contains;

    uint64_t                     min_length;    /* in code points */
    uint64_t                     max_length;
    uint64_t                     max_total;     /* x-maxTotalLength */
    const ml_image_rule_t       *image;         /* x-image, or NULL */
    const ml_schema_shape_t     *shape;         /* x-shape, or NULL */
    ml_pattern_t                *pattern;
    ml_schema_name_t             pattern_text;
    const ml_format_t           *format;        /* asserted, or NULL */

    ml_schema_bound_t            minimum;
    ml_schema_bound_t            maximum;
    ml_schema_bound_t            above;         /* exclusiveMinimum */
    ml_schema_bound_t            below;         /* exclusiveMaximum */
    ml_schema_bound_t            multiple_of;

    /* enum, const: sorted hashes, with the schema's seed; NULL: any */
    uint64_t                   (*choices)[2];
    uint32_t                     nchoices;
    const char                  *expected;      /* as Python has them */

    const ml_schema_node_t      *ref;
    const ml_schema_node_t      *dynamic;       /* $dynamicRef, at first */
    ml_schema_name_t             dynamic_name;  /* none: like $ref */
    ml_schema_list_t             all;
    ml_schema_list_t             any;
    ml_schema_list_t             one;
    const ml_schema_node_t      *not;
    const ml_schema_node_t      *condition;     /* if */
    const ml_schema_node_t      *then;
    const ml_schema_node_t      *otherwise;     /* else */
    const ml_schema_node_t      *unevaluated;   /* unevaluatedProperties */
    const ml_schema_node_t      *unevaluated_items;

    const ml_schema_tensor_t    *tensor;

    /* where it stands */
    const ml_schema_resource_t  *resource;
    uint32_t                     at;
    uint32_t                     id;
};


typedef struct {
    const ml_schema_node_t      *root;

    /* in the order in which they stand in the schema */
    const ml_schema_tensor_t    *tensors[ML_SCHEMA_TENSORS];
    ml_tensor_spec_t             specs[ML_SCHEMA_TENSORS];
    uint32_t                     ntensors;
    int                          texts;     /* x-text is somewhere */

    /* the secret of hashes of values */
    uint8_t                      seed[16];

    /* private */
    struct ml_schema_document_s *documents;
    ml_schema_resource_t        *resources;
    ml_schema_node_t           **nodes;
    uint32_t                     nnodes;
    void                        *memory;
} ml_schema_t;


/* All may be unset. */
typedef struct {
    /*
     * Appends the document that a URI without a fragment names; 0 when there
     * is none, -1 when it could not be read.
     */
    int                        (*load)(void *data, const char *uri,
                                   ml_text_t *text);

    /* One line about something that is most likely a mistake. */
    void                       (*warn)(void *data, const char *line);
    void                        *data;

    const char                  *uri;       /* of the text itself */
    const char                  *pointer;   /* to the schema in the text */
    unsigned                     formats:1; /* "format" is checked */
} ml_schema_options_t;


/*
 * Compiles a schema.  "options" may be NULL.  On failure returns NULL and
 * writes one line of why, without a final newline, to error.
 */
ml_schema_t *ml_schema_compile(const char *text, size_t len,
    const ml_schema_options_t *options, char *error, size_t size);

void ml_schema_destroy(ml_schema_t *schema);

/*
 * Reads a document of at most ML_SCHEMA_SIZE bytes onto a tape, which the
 * caller frees in any case.  0 on failure, with one line of why in error.
 */
int ml_schema_read(ml_tape_t *tape, const char *text, size_t len,
    char *error, size_t size);

/*
 * Writes the schema that takes those tensors: an object with a property for
 * each and nothing else, or with "whole", for one tensor, its array.  A first
 * dimension of -1 is free, up to "rows" and as long as no tensor has more
 * than "elements" elements.  Returns 0; -1 when not even one row is within
 * that, or there is not the right number of tensors.
 */
int ml_schema_derive(const ml_tensor_spec_t *specs, size_t n, uint64_t rows,
    uint64_t elements, int whole, ml_text_t *out);

/* What is said of that name: its schema, its being required; or NULL. */
const ml_schema_property_t *ml_schema_find(const ml_schema_node_t *node,
    const char *name, size_t len);

/* The node that streaming goes by: what a node stands for.  NULL: NULL. */
const ml_schema_node_t *ml_schema_alias(const ml_schema_node_t *node);

/* The target of a node's $dynamicRef, if its resource has one; or NULL. */
const ml_schema_node_t *ml_schema_dynamic(const ml_schema_node_t *in,
    const ml_schema_name_t *name);

/* Whether a value with that hash is one of the node's choices. */
int ml_schema_chosen(const ml_schema_node_t *node, const uint64_t hash[2]);


#endif /* ML_SCHEMA_H */
