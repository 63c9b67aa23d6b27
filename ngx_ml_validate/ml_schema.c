/*
 * Compiles a JSON Schema; see ml_schema.h and ml_schema_compiler.h.
 *
 * A compiled schema owns its documents, from which names and numbers are
 * used in place, and one list of blocks for everything else.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "ml_schema_compiler.h"


/* The JSON pointer to "i", cut where the line is full. */
static void
ml_schema_append_pointer(const ml_tape_t *tape, uint32_t i, char *line,
    size_t size)
{
    size_t           n, k, b, len;
    ml_path_step_t  *steps;

    n = ml_tape_path(tape, 0, i, NULL);
    steps = calloc(n + 1, sizeof(ml_path_step_t));

    if (steps == NULL) {
        return;
    }

    (void) ml_tape_path(tape, 0, i, steps);
    len = strlen(line);
    len += (size_t) snprintf(line + len, size - len, " at \"#");

    for (k = 0; k < n && len + 24 < size; k++) {

        if (steps[k].name == NULL) {
            len += (size_t) snprintf(line + len, size - len, "/%llu",
                                     (unsigned long long) steps[k].index);
            continue;
        }

        line[len++] = '/';

        for (b = 0; b < steps[k].len && len + 24 < size; b++) {

            if (steps[k].name[b] == '~' || steps[k].name[b] == '/') {
                line[len++] = '~';
                line[len++] = steps[k].name[b] == '~' ? '0' : '1';

            } else {
                line[len++] = steps[k].name[b];
            }
        }
    }

    line[len++] = '"';
    line[len] = '\0';

    free(steps);
}


static void
ml_schema_line(ml_schema_compiler_t *c, uint32_t i, char *line, size_t size,
    const char *fmt, va_list args)
{
    char  *p;

    (void) vsnprintf(line, size, fmt, args);

    if (strlen(line) + 32 < size) {
        ml_schema_append_pointer(&c->document->tape, i, line, size);
    }

    /* names come from the file, the text goes to a log */

    for (p = line; *p; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
}


int
ml_schema_fail(ml_schema_compiler_t *c, uint32_t i, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    ml_schema_line(c, i, c->error, c->size, fmt, args);
    va_end(args);

    return 0;
}


void
ml_schema_warn(ml_schema_compiler_t *c, uint32_t i, const char *fmt, ...)
{
    char     line[1024];
    va_list  args;

    if (c->options->warn == NULL) {
        return;
    }

    va_start(args, fmt);
    ml_schema_line(c, i, line, sizeof(line), fmt, args);
    va_end(args);

    c->options->warn(c->options->data, line);
}


void *
ml_schema_alloc(ml_schema_compiler_t *c, size_t n, size_t size)
{
    size_t              bytes;
    ml_schema_block_t  *block;

    if (__builtin_mul_overflow(n, size, &bytes)
        || __builtin_add_overflow(bytes, sizeof(ml_schema_block_t), &bytes)
        || (block = calloc(1, bytes)) == NULL)
    {
        snprintf(c->error, c->size, "out of memory");
        return NULL;
    }

    block->next = c->schema->memory;
    c->schema->memory = block;

    return block + 1;
}


char *
ml_schema_keep(ml_schema_compiler_t *c, ml_text_t *text)
{
    char  *copy;

    copy = NULL;

    if (text->failed) {
        snprintf(c->error, c->size, "out of memory");

    } else {
        copy = ml_schema_alloc(c, text->len + 1, 1);

        if (copy && text->len) {
            memcpy(copy, text->data, text->len);
        }
    }

    ml_text_free(text);

    return copy;
}


void
ml_schema_name(ml_schema_compiler_t *c, uint32_t i, ml_schema_name_t *name)
{
    name->name = ml_tape_text(&c->document->tape, i);
    name->len = c->document->tape.nodes[i].size;
}


int
ml_schema_order(const void *one, const void *two)
{
    const ml_schema_property_t  *a = one, *b = two;

    if (a->name.len != b->name.len) {
        return a->name.len < b->name.len ? -1 : 1;
    }

    return a->name.len ? memcmp(a->name.name, b->name.name, a->name.len) : 0;
}


const ml_schema_property_t *
ml_schema_find(const ml_schema_node_t *node, const char *name, size_t len)
{
    ml_schema_property_t  key;

    if (node->properties.n == 0) {
        return NULL;
    }

    key.name.name = name;
    key.name.len = len;

    return bsearch(&key, node->properties.list, node->properties.n,
                   sizeof(ml_schema_property_t), ml_schema_order);
}


const ml_schema_node_t *
ml_schema_alias(const ml_schema_node_t *node)
{
    return node && node->alias ? node->alias : node;
}


const ml_schema_node_t *
ml_schema_dynamic(const ml_schema_node_t *in, const ml_schema_name_t *name)
{
    const ml_schema_anchor_t  *anchor;

    for (anchor = in->resource->anchors; anchor; anchor = anchor->next) {
        if (anchor->dynamic
            && anchor->name.len == name->len
            && memcmp(anchor->name.name, name->name, name->len) == 0)
        {
            return anchor->dynamic;
        }
    }

    return NULL;
}


int
ml_schema_choice_order(const void *one, const void *two)
{
    return memcmp(one, two, 2 * sizeof(uint64_t));
}


int
ml_schema_chosen(const ml_schema_node_t *node, const uint64_t hash[2])
{
    return node->choices == NULL
           || (node->nchoices
               && bsearch(hash, node->choices, node->nchoices,
                          sizeof(*node->choices), ml_schema_choice_order));
}


ml_schema_node_t *
ml_schema_node(ml_schema_compiler_t *c, ml_schema_document_t *document,
    uint32_t i)
{
    uint32_t            room, around;
    ml_schema_t        *schema;
    ml_schema_node_t   *node, **nodes;

    schema = c->schema;

    if (document->nodes[i]) {
        return document->nodes[i];
    }

    if (schema->nnodes == ML_SCHEMA_NODES) {
        snprintf(c->error, c->size, "over %u subschemas", ML_SCHEMA_NODES);
        return NULL;
    }

    if (schema->nnodes == c->room) {
        room = c->room ? c->room * 2 : 64;
        nodes = realloc(schema->nodes, room * sizeof(ml_schema_node_t *));

        if (nodes == NULL) {
            snprintf(c->error, c->size, "out of memory");
            return NULL;
        }

        schema->nodes = nodes;
        c->room = room;
    }

    node = ml_schema_alloc(c, 1, sizeof(ml_schema_node_t));

    if (node == NULL) {
        return NULL;
    }

    node->types = ML_SCHEMA_ANY;
    node->max_length = UINT64_MAX;
    node->max_items = UINT64_MAX;
    node->max_total = UINT64_MAX;
    node->max_properties = UINT64_MAX;
    node->min_contains = 1;
    node->max_contains = UINT64_MAX;
    node->at = i;
    node->id = schema->nnodes;

    /* of a place that is no schema, which is told later, what is around */

    for (around = i; document->resources[around] == NULL; /* void */ ) {
        around = document->tape.nodes[around].parent;
    }

    node->resource = document->resources[around];

    document->nodes[i] = node;
    schema->nodes[schema->nnodes++] = node;

    return node;
}


/* Every key of the schema at "i" is a keyword that is known. */
static int
ml_schema_check_keywords(ml_schema_compiler_t *c, uint32_t i)
{
    int                         tensor;
    uint32_t                    key, end;
    ml_tape_t                  *tape;
    ml_schema_name_t            name;
    const ml_schema_keyword_t  *keyword;

    tape = &c->document->tape;
    end = ml_tape_next(tape, i);
    tensor = ml_tape_member(tape, i, "x-tensor", 8) != ML_TAPE_NONE;

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        ml_schema_name(c, key, &name);
        keyword = ml_schema_keyword(name.name, name.len);

        if (keyword == NULL) {
            ml_schema_warn(c, key, "unknown keyword \"%.*s\" has no effect",
                           name.len > 64 ? 64 : (int) name.len, name.name);

        } else if (tensor && !keyword->beside) {
            return ml_schema_fail(c, key, "\"%s\" stands beside \"x-tensor\"",
                                  keyword->name);
        }
    }

    return 1;
}


static int
ml_schema_compile_node(ml_schema_compiler_t *c, ml_schema_node_t *node)
{
    size_t                      k;
    uint32_t                    value;
    ml_tape_t                  *tape;
    const ml_schema_keyword_t  *keyword;

    c->document = node->resource->document;
    tape = &c->document->tape;

    switch (tape->nodes[node->at].type) {

    case ML_TAPE_TRUE:
        return 1;

    case ML_TAPE_FALSE:
        node->never = 1;
        return 1;

    case ML_TAPE_OBJECT:
        break;

    default:
        return ml_schema_fail(c, node->at, "schema is not an object");
    }

    if (!ml_schema_check_keywords(c, node->at)) {
        return 0;
    }

    for (k = 0; k < ml_schema_nkeywords; k++) {
        keyword = &ml_schema_keywords[k];

        value = ml_tape_member(tape, node->at, keyword->name,
                               strlen(keyword->name));

        if (value == ML_TAPE_NONE
            || (keyword->validation && node->resource->unchecked))
        {
            continue;
        }

        node->keywords |= keyword->keywords;

        if (keyword->compile ? !keyword->compile(c, node, value)
                             : !ml_schema_hold(c, node, keyword, value))
        {
            return 0;
        }
    }

    return 1;
}


static int
ml_schema_compile_all(ml_schema_compiler_t *c, const char *text, size_t len)
{
    uint32_t               i;
    const char            *pointer;
    ml_schema_document_t  *document;

    document = ml_schema_document(c, text, len,
                                  c->options->uri ? c->options->uri : "");
    if (document == NULL) {
        return 0;
    }

    pointer = c->options->pointer ? c->options->pointer : "";
    i = ml_tape_point(&document->tape, 0, pointer, strlen(pointer));

    if (i == ML_TAPE_NONE) {
        snprintf(c->error, c->size, "nothing is at \"#%s\"", pointer);
        return 0;
    }

    c->schema->root = ml_schema_node(c, document, i);

    if (c->schema->root == NULL) {
        return 0;
    }

    for (i = 0; i < c->schema->nnodes; i++) {
        if (!ml_schema_compile_node(c, c->schema->nodes[i])) {
            return 0;
        }
    }

    if (!ml_schema_link(c)) {
        return 0;
    }

    if (!c->schema->root->nullable) {
        c->schema->root = ml_schema_alias(c->schema->root);
    }

    return ml_schema_collect_tensors(c);
}


ml_schema_t *
ml_schema_compile(const char *text, size_t len,
    const ml_schema_options_t *options, char *error, size_t size)
{
    ml_schema_t           *schema;
    ml_schema_document_t  *document;
    ml_schema_compiler_t   c;

    static const ml_schema_options_t  none;

    schema = calloc(1, sizeof(ml_schema_t));

    if (schema == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }

    if (getrandom(schema->seed, sizeof(schema->seed), 0)
        != (ssize_t) sizeof(schema->seed))
    {
        snprintf(error, size, "no random bytes");
        ml_schema_destroy(schema);
        return NULL;
    }

    memset(&c, 0, sizeof(ml_schema_compiler_t));
    c.schema = schema;
    c.options = options ? options : &none;
    c.error = error;
    c.size = size;

    if (!ml_schema_compile_all(&c, text, len)) {
        ml_schema_destroy(schema);
        return NULL;
    }

    /* what only the compiler needed */

    for (document = schema->documents; document; document = document->next) {
        free(document->nodes);
        free(document->resources);
        document->nodes = NULL;
        document->resources = NULL;
    }

    return schema;
}


void
ml_schema_destroy(ml_schema_t *schema)
{
    uint32_t            i, k;
    ml_schema_node_t   *node;
    ml_schema_block_t  *block, *next;

    if (schema == NULL) {
        return;
    }

    for (i = 0; i < schema->nnodes; i++) {
        node = schema->nodes[i];
        ml_pattern_destroy(node->pattern);

        for (k = 0; k < node->patterns.n; k++) {
            ml_pattern_destroy(node->patterns.list[k].pattern);
        }
    }

    ml_schema_documents_destroy(schema);

    for (block = schema->memory; block; block = next) {
        next = block->next;
        free(block);
    }

    free(schema->nodes);
    free(schema);
}
