/*
 * What was wrong with a request, independent of how it is told.
 *
 * The vocabulary is pydantic v2's (pydantic-core, src/errors/types.rs), since
 * the default error body is FastAPI's; ml_error_render() turns it into each
 * ml_error_format.  Nothing of the request's values is kept here: names of
 * fields may come from the client and are escaped when rendered.
 */

#ifndef ML_ERROR_H
#define ML_ERROR_H

#include <stddef.h>
#include <stdint.h>

#include "ml_text.h"


/* One step from the root of the body to the offending value. */
typedef struct {
    const char  *name;              /* key, not NUL-terminated; NULL: index */
    size_t       len;
    uint64_t     index;
} ml_path_step_t;


/*
 * One violation.  All pointers stay valid until the request is destroyed;
 * the producer owns them.
 */
typedef struct ml_error_s  ml_error_t;

struct ml_error_s {
    const char        *type;        /* "missing", "too_long", ...; static */
    ml_path_step_t    *path;        /* below "body" */
    size_t             npath;
    const char        *msg;         /* plain text, escaped when rendered */
    const char        *ctx;         /* JSON object as text, or NULL */
    const ml_error_t  *next;        /* another violation, or NULL */
};


typedef enum {
    ML_ERROR_FASTAPI = 0,
    ML_ERROR_PROBLEM,               /* RFC 9457 */
    ML_ERROR_OIP,                   /* Open Inference Protocol v2, Triton */
    ML_ERROR_OPENAI,
    ML_ERROR_SIMPLE
} ml_error_format_e;


/*
 * A whole error answer.  Without violations "detail" is the text; with them
 * "detail" is the one-line summary where the format wants one.
 */
typedef struct {
    uint32_t           status;      /* HTTP status */
    const char        *title;       /* its reason phrase */
    const char        *detail;
    uint32_t           retry_after; /* seconds, 0: not told */
    const char        *problem;     /* problem type URI, NULL: about:blank */
    const ml_error_t  *errors;
} ml_error_answer_t;


/*
 * The status that the format has for one of ours: OIP and OpenAI know no 422,
 * a broken contract is 400 there.
 */
uint32_t ml_error_status(ml_error_format_e format, uint32_t status);

/* Media type of the format's bodies.  Static. */
const char *ml_error_media_type(ml_error_format_e format);

/* Appends the body; always valid JSON whatever the names in the paths. */
void ml_error_render(ml_text_t *out, ml_error_format_e format,
    const ml_error_answer_t *answer);


#endif /* ML_ERROR_H */
