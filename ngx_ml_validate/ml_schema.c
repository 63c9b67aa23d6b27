/*
 * Compiles a JSON Schema; see ml_schema.h.
 *
 * A compiled schema owns its tape, from which names and numbers are used in
 * place, and one list of blocks for everything else.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_schema_compiler.h"


void
ml_schema_fail(ml_schema_compiler_t *c, const char *fmt, ...)
{
    int      n;
    char    *p;
    va_list  args;

    va_start(args, fmt);
    n = vsnprintf(c->error, c->size, fmt, args);
    va_end(args);

    if (n >= 0 && (size_t) n < c->size) {
        snprintf(c->error + n, c->size - (size_t) n, " at \"#%s\"",
                 c->pointer);
    }

    /* names come from the file, the text goes to a log */

    for (p = c->error; *p; p++) {
        if ((unsigned char) *p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
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


/* A pointer that gets too long stays cut. */
size_t
ml_schema_push(ml_schema_compiler_t *c, const char *name, size_t len)
{
    size_t  was, i, n;

    was = strlen(c->pointer);
    n = was;

    for (i = 0; i <= len && n + 3 < sizeof(c->pointer); i++) {

        if (i == 0) {
            c->pointer[n++] = '/';
        }

        if (i == len) {
            break;
        }

        if (name[i] == '~' || name[i] == '/') {
            c->pointer[n++] = '~';
            c->pointer[n++] = name[i] == '~' ? '0' : '1';

        } else {
            c->pointer[n++] = name[i] ? name[i] : '?';
        }
    }

    c->pointer[n] = '\0';

    return was;
}


size_t
ml_schema_enter(ml_schema_compiler_t *c, const char *name)
{
    return ml_schema_push(c, name, strlen(name));
}


void
ml_schema_leave(ml_schema_compiler_t *c, size_t was)
{
    c->pointer[was] = '\0';
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

    if (node->nproperties == 0) {
        return NULL;
    }

    key.name.name = name;
    key.name.len = len;

    return bsearch(&key, node->properties, node->nproperties,
                   sizeof(ml_schema_property_t), ml_schema_order);
}


int32_t
ml_schema_place(const ml_schema_node_t *node, const char *name, size_t len)
{
    uint32_t  i;

    for (i = 0; i < node->nrequired; i++) {
        if (node->required[i].len == len
            && memcmp(node->required[i].name, name, len) == 0)
        {
            return (int32_t) i;
        }
    }

    return -1;
}


/* Every key of the schema at "i" is a keyword that is known. */
static int
ml_schema_check_keywords(ml_schema_compiler_t *c, uint32_t i)
{
    int          tensor;
    size_t       was, len;
    uint32_t     k, key, end;
    ml_tape_t   *tape;
    const char  *name;

    tape = &c->schema->tape;
    end = ml_tape_next(tape, i);
    tensor = ml_tape_member(tape, i, "x-tensor", 8) != ML_TAPE_NONE;

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        name = ml_tape_text(tape, key);
        len = tape->nodes[key].size;
        was = ml_schema_push(c, name, len);

        for (k = 0; k < ml_schema_nkeywords; k++) {
            if (strlen(ml_schema_keywords[k].name) == len
                && memcmp(ml_schema_keywords[k].name, name, len) == 0)
            {
                break;
            }
        }

        if (k == ml_schema_nkeywords) {
            ml_schema_fail(c, "unknown keyword \"%.*s\"",
                           len > 64 ? 64 : (int) len, name);
            return 0;
        }

        if (tensor && !ml_schema_keywords[k].beside) {
            ml_schema_fail(c, "\"%s\" stands beside \"x-tensor\"",
                           ml_schema_keywords[k].name);
            return 0;
        }

        ml_schema_leave(c, was);
    }

    return 1;
}


const ml_schema_node_t *
ml_schema_compile_node(ml_schema_compiler_t *c, uint32_t i)
{
    size_t             k, was;
    uint32_t           value;
    ml_tape_t         *tape;
    ml_schema_node_t  *node;

    tape = &c->schema->tape;
    node = ml_schema_alloc(c, 1, sizeof(ml_schema_node_t));

    if (node == NULL) {
        return NULL;
    }

    node->types = ML_SCHEMA_ANY;
    node->max_length = UINT64_MAX;
    node->max_items = UINT64_MAX;

    if (c->depth && (tape->nodes[i].type == ML_TAPE_TRUE
                     || tape->nodes[i].type == ML_TAPE_FALSE))
    {
        node->never = tape->nodes[i].type == ML_TAPE_FALSE;
        return node;
    }

    if (tape->nodes[i].type != ML_TAPE_OBJECT) {
        ml_schema_fail(c, "schema is not an object");
        return NULL;
    }

    if (c->depth == ML_SCHEMA_DEPTH) {
        ml_schema_fail(c, "schemas are nested too deep");
        return NULL;
    }

    if (!ml_schema_check_keywords(c, i)) {
        return NULL;
    }

    c->depth++;

    for (k = 0; k < ml_schema_nkeywords; k++) {
        value = ml_tape_member(tape, i, ml_schema_keywords[k].name,
                               strlen(ml_schema_keywords[k].name));

        if (value == ML_TAPE_NONE || ml_schema_keywords[k].compile == NULL) {
            continue;
        }

        was = ml_schema_enter(c, ml_schema_keywords[k].name);

        if (!ml_schema_keywords[k].compile(c, node, value)) {
            return NULL;
        }

        ml_schema_leave(c, was);
    }

    c->depth--;

    return node;
}


/* Reads the text onto the schema's tape. */
static int
ml_schema_read(ml_schema_compiler_t *c, const char *text, size_t len)
{
    uint64_t           offset;
    const char        *why;
    ml_json_status_e   status;
    ml_json_reader_t  *reader;

    /* the file is the operator's: a hash without a secret will do */
    static const uint8_t           seed[16];
    static const ml_json_limits_t  limits = {
        4 * ML_SCHEMA_DEPTH, UINT32_MAX, ML_SCHEMA_SIZE, ML_NUMBER_MAX,
        UINT64_MAX
    };

    reader = ml_json_create(&limits, seed, &ml_tape_events, &c->schema->tape);

    if (reader == NULL) {
        snprintf(c->error, c->size, "out of memory");
        return 0;
    }

    (void) ml_json_feed(reader, text, len);
    status = ml_json_finish(reader);

    if (status == ML_JSON_INVALID) {
        why = ml_json_error(reader, &offset);
        snprintf(c->error, c->size, "not JSON: %s, character %llu", why,
                 (unsigned long long) offset);

    } else if (status != ML_JSON_DONE) {
        snprintf(c->error, c->size, "out of memory");
    }

    ml_json_destroy(reader);

    return status == ML_JSON_DONE;
}


ml_schema_t *
ml_schema_compile(const char *text, size_t len, char *error, size_t size)
{
    ml_schema_t           *schema;
    ml_schema_compiler_t   c;

    if (len > ML_SCHEMA_SIZE) {
        snprintf(error, size, "schema is over %u bytes", ML_SCHEMA_SIZE);
        return NULL;
    }

    schema = calloc(1, sizeof(ml_schema_t));

    if (schema == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }

    /* two bytes of text make at most one node */

    ml_tape_init(&schema->tape, ML_SCHEMA_SIZE * sizeof(ml_tape_node_t));

    memset(&c, 0, sizeof(ml_schema_compiler_t));
    c.schema = schema;
    c.error = error;
    c.size = size;
    c.sure = 1;

    if (ml_schema_read(&c, text, len)) {
        schema->root = ml_schema_compile_node(&c, 0);
    }

    if (schema->root == NULL) {
        ml_schema_destroy(schema);
        return NULL;
    }

    return schema;
}


void
ml_schema_destroy(ml_schema_t *schema)
{
    ml_schema_block_t  *block, *next;

    if (schema == NULL) {
        return;
    }

    for (block = schema->memory; block; block = next) {
        next = block->next;
        free(block);
    }

    ml_tape_free(&schema->tape);
    free(schema);
}
