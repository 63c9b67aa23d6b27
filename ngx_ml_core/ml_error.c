/*
 * Error bodies: FastAPI's (fastapi/exception_handlers.py and pydantic-core's
 * error list), RFC 9457 problem details, and the article's simple form.
 */

#include <string.h>

#include "ml_error.h"


static void ml_error_fastapi(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_problem(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_simple(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_text(ml_text_t *out, const char *s);
static void ml_error_pointer(ml_text_t *out, const ml_error_t *error);


const char *
ml_error_media_type(ml_error_format_e format)
{
    return format == ML_ERROR_PROBLEM ? "application/problem+json"
                                      : "application/json";
}


void
ml_error_render(ml_text_t *out, ml_error_format_e format,
    const ml_error_answer_t *answer)
{
    switch (format) {

    case ML_ERROR_PROBLEM:
        ml_error_problem(out, answer);
        break;

    case ML_ERROR_SIMPLE:
        ml_error_simple(out, answer);
        break;

    default: /* ML_ERROR_FASTAPI */
        ml_error_fastapi(out, answer);
    }
}


static void
ml_error_fastapi(ml_text_t *out, const ml_error_answer_t *answer)
{
    size_t                 i, j;
    const ml_error_t      *error;
    const ml_path_step_t  *step;

    ml_text_printf(out, "{\"detail\":");

    if (answer->nerrors == 0) {
        ml_error_text(out, answer->detail);
        ml_text_append(out, "}", 1);
        return;
    }

    for (i = 0; i < answer->nerrors; i++) {
        error = &answer->errors[i];

        ml_text_append(out, i ? "," : "[", 1);
        ml_text_printf(out, "{\"type\":");
        ml_error_text(out, error->type);
        ml_text_printf(out, ",\"loc\":[\"body\"");

        for (j = 0; j < error->npath; j++) {
            step = &error->path[j];
            ml_text_append(out, ",", 1);

            if (step->name) {
                ml_text_json_string(out, step->name, step->len);

            } else {
                ml_text_printf(out, "%llu",
                               (unsigned long long) step->index);
            }
        }

        ml_text_printf(out, "],\"msg\":");
        ml_error_text(out, error->msg);

        if (error->ctx) {
            ml_text_printf(out, ",\"ctx\":%s", error->ctx);
        }

        ml_text_append(out, "}", 1);
    }

    ml_text_append(out, "]}", 2);
}


static void
ml_error_problem(ml_text_t *out, const ml_error_answer_t *answer)
{
    size_t             i;
    const ml_error_t  *error;

    ml_text_printf(out, "{\"type\":");
    ml_error_text(out, answer->problem ? answer->problem : "about:blank");
    ml_text_printf(out, ",\"title\":");
    ml_error_text(out, answer->title);
    ml_text_printf(out, ",\"status\":%u,\"detail\":", answer->status);
    ml_error_text(out, answer->detail);

    if (answer->retry_after) {
        ml_text_printf(out, ",\"retry_after\":%u", answer->retry_after);
    }

    for (i = 0; i < answer->nerrors; i++) {
        error = &answer->errors[i];

        ml_text_printf(out, "%s{\"pointer\":", i ? "," : ",\"errors\":[");
        ml_error_pointer(out, error);
        ml_text_printf(out, ",\"type\":");
        ml_error_text(out, error->type);
        ml_text_printf(out, ",\"msg\":");
        ml_error_text(out, error->msg);
        ml_text_append(out, "}", 1);
    }

    ml_text_printf(out, answer->nerrors ? "]}" : "}");
}


static void
ml_error_simple(ml_text_t *out, const ml_error_answer_t *answer)
{
    ml_text_printf(out, "{\"error\":");
    ml_error_text(out, answer->nerrors ? answer->errors[0].msg
                                       : answer->detail);

    if (answer->nerrors) {
        ml_text_printf(out, ",\"at\":");
        ml_error_pointer(out, &answer->errors[0]);
    }

    if (answer->retry_after) {
        ml_text_printf(out, ",\"retry_after\":%u", answer->retry_after);
    }

    ml_text_append(out, "}", 1);
}


static void
ml_error_text(ml_text_t *out, const char *s)
{
    ml_text_json_string(out, s ? s : "", s ? strlen(s) : 0);
}


/* The path as a JSON Pointer (RFC 6901), itself a JSON string. */

static void
ml_error_pointer(ml_text_t *out, const ml_error_t *error)
{
    size_t                 i, j;
    ml_text_t              pointer;
    const ml_path_step_t  *step;

    ml_text_init(&pointer);

    for (i = 0; i < error->npath; i++) {
        step = &error->path[i];
        ml_text_append(&pointer, "/", 1);

        if (step->name == NULL) {
            ml_text_printf(&pointer, "%llu",
                           (unsigned long long) step->index);
            continue;
        }

        for (j = 0; j < step->len; j++) {
            switch (step->name[j]) {

            case '~':
                ml_text_append(&pointer, "~0", 2);
                break;

            case '/':
                ml_text_append(&pointer, "~1", 2);
                break;

            default:
                ml_text_append(&pointer, &step->name[j], 1);
            }
        }
    }

    if (pointer.failed) {
        out->failed = 1;
    }

    ml_text_json_string(out, pointer.data ? pointer.data : "", pointer.len);
    ml_text_free(&pointer);
}
