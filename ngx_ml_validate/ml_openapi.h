/*
 * The operations of an OpenAPI document (OpenAPI Specification 3.1.0), such
 * as FastAPI serves it: where the schema of each request body stands.
 */

#ifndef ML_OPENAPI_H
#define ML_OPENAPI_H

#include <stddef.h>

#include "ml_schema.h"


/* The most operations of a document. */
#define ML_OPENAPI_OPERATIONS  1024


typedef struct {
    const char  *method;            /* "GET", ...; static */
    char        *path;              /* a template, "/items/{id}" */

    /*
     * JSON pointer to the schema of a JSON body, or NULL; "body": there is a
     * body, of whatever type; "required": it may not be left out.
     */
    char        *pointer;
    unsigned     body:1;
    unsigned     required:1;
} ml_openapi_operation_t;


typedef struct {
    ml_openapi_operation_t  *operations;
    size_t                   n;
} ml_openapi_t;


/*
 * Reads a document.  On failure returns NULL and writes one line of why to
 * error.
 */
ml_openapi_t *ml_openapi_read(const char *text, size_t len, char *error,
    size_t size);

void ml_openapi_destroy(ml_openapi_t *openapi);

/*
 * Whether a path is one of a template: a "{name}" stands for what is between
 * two slashes, and not for nothing.  Returns 1, or 2 when the template has
 * no "{name}" at all.
 */
int ml_openapi_match(const char *template, const char *path, size_t len);


#endif /* ML_OPENAPI_H */
