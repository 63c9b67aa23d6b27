/* The operations of an OpenAPI document; see ml_openapi.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_openapi.h"


static const struct {
    const char  *key;
    const char  *method;
} ml_openapi_methods[] = {
    { "get", "GET" }, { "head", "HEAD" }, { "post", "POST" },
    { "put", "PUT" }, { "patch", "PATCH" }, { "delete", "DELETE" },
    { "options", "OPTIONS" }
};


typedef struct {
    ml_openapi_t  *openapi;
    ml_tape_t      tape;
    char          *error;
    size_t         size;
} ml_openapi_reader_t;


/* A member of an object, or ML_TAPE_NONE. */
static uint32_t
ml_openapi_member(const ml_openapi_reader_t *reader, uint32_t i,
    const char *name)
{
    return i != ML_TAPE_NONE && reader->tape.nodes[i].type == ML_TAPE_OBJECT
           ? ml_tape_member(&reader->tape, i, name, strlen(name))
           : ML_TAPE_NONE;
}


/* What a "$ref" within the document leads to; others stay as they are. */
static uint32_t
ml_openapi_follow(const ml_openapi_reader_t *reader, uint32_t i)
{
    int          hops;
    uint32_t     ref;
    const char  *p;

    for (hops = 0; hops < 8; hops++) {
        ref = ml_openapi_member(reader, i, "$ref");

        if (ref == ML_TAPE_NONE
            || reader->tape.nodes[ref].type != ML_TAPE_STRING
            || reader->tape.nodes[ref].size < 2)
        {
            break;
        }

        p = ml_tape_text(&reader->tape, ref);

        if (p[0] != '#' || p[1] != '/') {
            break;
        }

        i = ml_tape_point(&reader->tape, 0, p + 1,
                          reader->tape.nodes[ref].size - 1);

        if (i == ML_TAPE_NONE) {
            break;
        }
    }

    return i;
}


/* The JSON pointer to a place, or NULL. */
static char *
ml_openapi_pointer(const ml_openapi_reader_t *reader, uint32_t i)
{
    size_t           n, k, b;
    ml_text_t        text;
    ml_path_step_t  *steps;

    n = ml_tape_path(&reader->tape, 0, i, NULL);
    steps = calloc(n + 1, sizeof(ml_path_step_t));

    if (steps == NULL) {
        return NULL;
    }

    (void) ml_tape_path(&reader->tape, 0, i, steps);
    ml_text_init(&text);

    for (k = 0; k < n; k++) {
        ml_text_append(&text, "/", 1);

        if (steps[k].name == NULL) {
            ml_text_printf(&text, "%llu",
                           (unsigned long long) steps[k].index);
        }

        for (b = 0; steps[k].name && b < steps[k].len; b++) {

            if (steps[k].name[b] == '~' || steps[k].name[b] == '/') {
                ml_text_append(&text, steps[k].name[b] == '~' ? "~0" : "~1",
                               2);
            } else {
                ml_text_append(&text, &steps[k].name[b], 1);
            }
        }
    }

    ml_text_append(&text, "", 1);
    free(steps);

    if (text.failed) {
        ml_text_free(&text);
        return NULL;
    }

    return text.data;
}


static int
ml_openapi_fail(ml_openapi_reader_t *reader, const char *why)
{
    snprintf(reader->error, reader->size, "%s", why);

    return -1;
}


static int
ml_openapi_add(ml_openapi_reader_t *reader, uint32_t path,
    const char *method, uint32_t operation)
{
    size_t                   len;
    uint32_t                 body, schema, required;
    ml_openapi_t            *openapi;
    ml_openapi_operation_t  *added;

    openapi = reader->openapi;

    if (openapi->n == ML_OPENAPI_OPERATIONS) {
        return ml_openapi_fail(reader, "too many operations");
    }

    len = reader->tape.nodes[path].size;

    if (len == 0 || *ml_tape_text(&reader->tape, path) != '/'
        || memchr(ml_tape_text(&reader->tape, path), '\0', len))
    {
        return ml_openapi_fail(reader, "a path does not begin with \"/\"");
    }

    added = &openapi->operations[openapi->n++];
    added->method = method;
    added->path = malloc(len + 1);

    if (added->path == NULL) {
        return ml_openapi_fail(reader, "out of memory");
    }

    memcpy(added->path, ml_tape_text(&reader->tape, path), len);
    added->path[len] = '\0';

    body = ml_openapi_follow(reader, ml_openapi_member(reader, operation,
                                                       "requestBody"));
    added->body = body != ML_TAPE_NONE;

    required = ml_openapi_member(reader, body, "required");
    added->required = required != ML_TAPE_NONE
                      && reader->tape.nodes[required].type == ML_TAPE_TRUE;

    schema = ml_openapi_member(reader, body, "content");
    schema = ml_openapi_member(reader, schema, "application/json");
    schema = ml_openapi_member(reader, schema, "schema");

    if (schema != ML_TAPE_NONE) {
        added->pointer = ml_openapi_pointer(reader, schema);

        if (added->pointer == NULL) {
            return ml_openapi_fail(reader, "out of memory");
        }
    }

    return 0;
}


static int
ml_openapi_paths(ml_openapi_reader_t *reader)
{
    size_t        k;
    uint32_t      i, version, paths, end, item, operation;
    const char   *text;

    version = ml_openapi_member(reader, 0, "openapi");
    text = version == ML_TAPE_NONE ? "" : ml_tape_text(&reader->tape,
                                                       version);

    if (version == ML_TAPE_NONE
        || reader->tape.nodes[version].type != ML_TAPE_STRING
        || reader->tape.nodes[version].size < 4
        || memcmp(text, "3.1.", 4) != 0)
    {
        return ml_openapi_fail(reader, "not a document of OpenAPI 3.1");
    }

    paths = ml_openapi_member(reader, 0, "paths");

    if (paths == ML_TAPE_NONE
        || reader->tape.nodes[paths].type != ML_TAPE_OBJECT)
    {
        return ml_openapi_fail(reader, "it has no \"paths\"");
    }

    end = ml_tape_next(&reader->tape, paths);

    for (i = paths + 1; i < end; i = ml_tape_next(&reader->tape, i + 1)) {
        item = ml_openapi_follow(reader, i + 1);

        for (k = 0; k < sizeof(ml_openapi_methods)
                        / sizeof(ml_openapi_methods[0]); k++)
        {
            operation = ml_openapi_member(reader, item,
                                          ml_openapi_methods[k].key);

            if (operation != ML_TAPE_NONE
                && ml_openapi_add(reader, i, ml_openapi_methods[k].method,
                                  operation)
                   != 0)
            {
                return -1;
            }
        }
    }

    return 0;
}


ml_openapi_t *
ml_openapi_read(const char *text, size_t len, char *error, size_t size)
{
    int                  rc;
    ml_openapi_reader_t  reader;

    memset(&reader, 0, sizeof(ml_openapi_reader_t));
    reader.error = error;
    reader.size = size;
    reader.openapi = calloc(1, sizeof(ml_openapi_t));

    if (reader.openapi == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }

    reader.openapi->operations = calloc(ML_OPENAPI_OPERATIONS,
                                        sizeof(ml_openapi_operation_t));

    rc = -1;

    if (reader.openapi->operations == NULL) {
        snprintf(error, size, "out of memory");

    } else if (ml_schema_read(&reader.tape, text, len, error, size)) {
        rc = ml_openapi_paths(&reader);
    }

    ml_tape_free(&reader.tape);

    if (rc != 0) {
        ml_openapi_destroy(reader.openapi);
        return NULL;
    }

    return reader.openapi;
}


void
ml_openapi_destroy(ml_openapi_t *openapi)
{
    size_t  i;

    if (openapi == NULL) {
        return;
    }

    for (i = 0; i < openapi->n; i++) {
        free(openapi->operations[i].path);
        free(openapi->operations[i].pointer);
    }

    free(openapi->operations);
    free(openapi);
}


int
ml_openapi_match(const char *template, const char *path, size_t len)
{
    int          literal;
    const char  *end, *from;

    literal = 1;
    end = path + len;

    while (*template) {

        if (*template != '{') {

            if (path == end || *path != *template) {
                return 0;
            }

            path++;
            template++;
            continue;
        }

        literal = 0;

        for (from = path; path < end && *path != '/'; path++) {
            /* void */
        }

        if (path == from) {
            return 0;
        }

        while (*template && *template++ != '}') {
            /* void */
        }
    }

    return path == end ? 1 + literal : 0;
}
