/*
 * What the parts of the schema compiler share; see ml_schema.h.  Private to
 * ml_schema*.c.
 *
 * DESIGN.  ml_schema.c drives: a node is made for each place of a document
 * that something refers to (ml_schema_node()), and made nodes are compiled
 * one after the other, so that nothing recurses, whatever the schema.
 * ml_schema_document.c knows which documents there are, what "$id" and
 * anchors name in them and where a reference leads.  ml_schema_keywords.c
 * has the keywords that check a value, ml_schema_applicators.c those that
 * hold schemas, ml_schema_link.c looks at the whole when all are compiled.
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


typedef struct ml_schema_document_s  ml_schema_document_t;

struct ml_schema_document_s {
    ml_schema_document_t   *next;
    ml_tape_t               tape;

    /* of each node of the tape, if there is any; while compiling */
    ml_schema_node_t      **nodes;
    ml_schema_resource_t  **resources;
};


typedef struct ml_schema_anchor_s  ml_schema_anchor_t;

struct ml_schema_anchor_s {
    ml_schema_anchor_t     *next;
    ml_schema_name_t        name;
    uint32_t                at;
    ml_schema_node_t       *dynamic;    /* of $dynamicAnchor */
};


struct ml_schema_resource_s {
    ml_schema_resource_t   *next;
    const char             *uri;        /* absolute, no fragment; or "" */
    const char             *also;       /* where it was found, or NULL */
    ml_schema_document_t   *document;
    uint32_t                at;
    ml_schema_anchor_t     *anchors;
    unsigned                unchecked:1; /* no validation vocabulary */
};


typedef struct {
    ml_schema_t                *schema;
    const ml_schema_options_t  *options;
    char                       *error;
    size_t                      size;
    uint32_t                    room;   /* of schema->nodes */

    /* of the node at hand */
    ml_schema_document_t       *document;
} ml_schema_compiler_t;


/* What stands under a keyword, for those that only hold schemas. */
typedef enum {
    ML_SCHEMA_VALUE = 0,            /* no schema */
    ML_SCHEMA_ONE_SCHEMA,
    ML_SCHEMA_SCHEMAS,              /* an array of them */
    ML_SCHEMA_NAMED                 /* an object of them */
} ml_schema_holds_e;


typedef struct {
    const char         *name;

    /* "i" is the keyword's value; 0 on failure; NULL: an annotation */
    int               (*compile)(ml_schema_compiler_t *c,
                           ml_schema_node_t *node, uint32_t i);

    unsigned            beside:1;       /* may stand beside x-tensor */
    unsigned            validation:1;   /* of the validation vocabulary */
    unsigned            same:1;         /* applies to the value itself */
    ml_schema_holds_e   holds;
    size_t              offset;         /* of the node's field, or 0 */
    uint32_t            keywords;       /* bits that it sets */
} ml_schema_keyword_t;


/* In the order in which they depend on each other. */
extern const ml_schema_keyword_t  ml_schema_keywords[];
extern const size_t               ml_schema_nkeywords;

const ml_schema_keyword_t *ml_schema_keyword(const char *name, size_t len);

/* Writes the error, with the JSON pointer to "i" behind it; returns 0. */
int ml_schema_fail(ml_schema_compiler_t *c, uint32_t i, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ml_schema_warn(ml_schema_compiler_t *c, uint32_t i, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Zeroed, freed with the schema; NULL on failure, with the error written. */
void *ml_schema_alloc(ml_schema_compiler_t *c, size_t n, size_t size);

/* The text as a C string of the schema's memory; frees it; or NULL. */
char *ml_schema_keep(ml_schema_compiler_t *c, ml_text_t *text);

/* A whole number from 0, and a finite number; 0 on failure. */
int ml_schema_whole(ml_schema_compiler_t *c, uint32_t i, uint64_t *value);
int ml_schema_number(ml_schema_compiler_t *c, uint32_t i,
    ml_number_t *number);

/* The string at "i". */
void ml_schema_name(ml_schema_compiler_t *c, uint32_t i,
    ml_schema_name_t *name);

/* The node of the schema at "i" of a document; NULL on failure. */
ml_schema_node_t *ml_schema_node(ml_schema_compiler_t *c,
    ml_schema_document_t *document, uint32_t i);

/* Order of properties: by length, then by bytes. */
int ml_schema_order(const void *one, const void *two);

/* Order of choices. */
int ml_schema_choice_order(const void *one, const void *two);

/* Calls "visit" for every node that "node" applies; stops at 0. */
typedef int (*ml_schema_visit_pt)(void *data, const ml_schema_node_t *child,
    int same);
int ml_schema_children(const ml_schema_node_t *node,
    ml_schema_visit_pt visit, void *data);

/* ml_schema_document.c */

/* Reads a text onto a tape of its own; NULL on failure. */
ml_schema_document_t *ml_schema_document(ml_schema_compiler_t *c,
    const char *text, size_t len, const char *uri);
void ml_schema_documents_destroy(ml_schema_t *schema);

/* Where a reference from the node leads; "i" is the reference. */
ml_schema_node_t *ml_schema_resolve(ml_schema_compiler_t *c,
    const ml_schema_node_t *from, uint32_t i, ml_schema_name_t *dynamic);

/* The text of a built-in document, or NULL (ml_schema_meta.c). */
const char *ml_schema_meta(const char *uri);

/* ml_schema_link.c: 0 on failure. */
int ml_schema_link(ml_schema_compiler_t *c);

/* ml_schema_applicators.c: keywords, and what holds schemas otherwise. */
int ml_schema_hold(ml_schema_compiler_t *c, ml_schema_node_t *node,
    const ml_schema_keyword_t *keyword, uint32_t i);
int ml_schema_required(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);
int ml_schema_properties(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);
int ml_schema_patterns(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);
int ml_schema_additional(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);
int ml_schema_dependent_required(ml_schema_compiler_t *c,
    ml_schema_node_t *node, uint32_t i);
int ml_schema_ref(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);
int ml_schema_dynamic_ref(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);

/* Keyword x-shape; behind "properties". */
int ml_schema_shape(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);

/* Keyword x-image. */
int ml_schema_image(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);

/* Keyword x-tensor. */
int ml_schema_tensor(ml_schema_compiler_t *c, ml_schema_node_t *node,
    uint32_t i);
int ml_schema_collect_tensors(ml_schema_compiler_t *c);


#endif /* ML_SCHEMA_COMPILER_H */
