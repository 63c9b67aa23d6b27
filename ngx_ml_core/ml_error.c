/*
 * Error bodies: FastAPI's (fastapi/exception_handlers.py and pydantic-core's
 * error list), RFC 9457 problem details, the Open Inference Protocol's
 * (open-inference-protocol, inference_rest.md), OpenAI's, and the article's
 * simple form.
 *
 * OpenAI's are one object with message, type, param and code, the latter two
 * null where there is nothing to say (openai-openapi, openapi.yaml, schema
 * Error); messages and codes are as its clients report them
 * (openai-dotnet#317 and others).  What the client sent is never told, so
 * that "but got" is left out.
 */

#include <string.h>

#include "ml_error.h"


typedef struct {
    const char  *type;              /* of ml_error_t */
    const char  *code;
    const char  *fmt;               /* with the parameter; NULL: the usual */
} ml_error_openai_code_t;


static const ml_error_openai_code_t  ml_error_openai_codes[] = {
    { "missing", "missing_required_parameter",
      "Missing required parameter: '%.*s'." },
    { "extra_forbidden", "unknown_parameter", "Unknown parameter: '%.*s'." },
    { "too_long", "array_above_max_length", NULL },
    { "too_short", "array_below_min_length", NULL },
    { "string_too_long", "string_above_max_length", NULL },
    { "string_too_short", "string_below_min_length", NULL },
    { "less_than", "value_above_maximum", NULL },
    { "less_than_equal", "value_above_maximum", NULL },
    { "greater_than", "value_below_minimum", NULL },
    { "greater_than_equal", "value_below_minimum", NULL },
};


static void ml_error_fastapi(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_problem(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_oip(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_openai(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_simple(ml_text_t *out, const ml_error_answer_t *answer);
static void ml_error_text(ml_text_t *out, const char *s);
static void ml_error_dotted(ml_text_t *out, const ml_error_t *error);
static void ml_error_pointer(ml_text_t *out, const ml_error_t *error);


uint32_t
ml_error_status(ml_error_format_e format, uint32_t status)
{
    return status == 422
           && (format == ML_ERROR_OIP || format == ML_ERROR_OPENAI)
           ? 400 : status;
}


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

    case ML_ERROR_OIP:
        ml_error_oip(out, answer);
        break;

    case ML_ERROR_OPENAI:
        ml_error_openai(out, answer);
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
    size_t                 j;
    const ml_error_t      *error;
    const ml_path_step_t  *step;

    ml_text_printf(out, "{\"detail\":");

    if (answer->errors == NULL) {
        ml_error_text(out, answer->detail);
        ml_text_append(out, "}", 1);
        return;
    }

    for (error = answer->errors; error; error = error->next) {
        ml_text_append(out, error == answer->errors ? "[" : ",", 1);
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

    for (error = answer->errors; error; error = error->next) {
        ml_text_printf(out, "%s{\"pointer\":",
                       error == answer->errors ? ",\"errors\":[" : ",");
        ml_error_pointer(out, error);
        ml_text_printf(out, ",\"type\":");
        ml_error_text(out, error->type);
        ml_text_printf(out, ",\"msg\":");
        ml_error_text(out, error->msg);
        ml_text_append(out, "}", 1);
    }

    ml_text_printf(out, answer->errors ? "]}" : "}");
}


/* One line; of several violations each, as Triton would tell one. */

static void
ml_error_oip(ml_text_t *out, const ml_error_answer_t *answer)
{
    ml_text_t          line;
    const ml_error_t  *error;

    ml_text_init(&line);

    if (answer->errors == NULL) {
        ml_text_printf(&line, "%s", answer->detail ? answer->detail : "");
    }

    for (error = answer->errors; error; error = error->next) {
        ml_text_printf(&line, "%s", error == answer->errors ? "" : "; ");
        ml_error_dotted(&line, error);
        ml_text_printf(&line, "%s%s", error->npath ? ": " : "", error->msg);
    }

    out->failed |= line.failed;

    ml_text_printf(out, "{\"error\":");
    ml_text_json_string(out, line.data ? line.data : "", line.len);
    ml_text_append(out, "}", 1);

    ml_text_free(&line);
}


static const ml_error_openai_code_t *
ml_error_openai_code(const char *type)
{
    size_t  i, len;

    static const ml_error_openai_code_t  wrong_type = {
        NULL, "invalid_type", NULL
    };
    static const ml_error_openai_code_t  other = {
        NULL, "invalid_value", NULL
    };

    for (i = 0; i < sizeof(ml_error_openai_codes)
                    / sizeof(ml_error_openai_codes[0]); i++)
    {
        if (strcmp(ml_error_openai_codes[i].type, type) == 0) {
            return &ml_error_openai_codes[i];
        }
    }

    len = strlen(type);

    return len > 5 && strcmp(type + len - 5, "_type") == 0 ? &wrong_type
                                                            : &other;
}


/* Without a broken contract: by the status. */

static const char *
ml_error_openai_type(uint32_t status)
{
    if (status == 429) {
        return "rate_limit_error";
    }

    return status >= 500 ? "server_error" : "invalid_request_error";
}


static const char *
ml_error_openai_status_code(uint32_t status)
{
    switch (status) {

    case 401:
        return "\"invalid_api_key\"";

    case 429:
        return "\"rate_limit_exceeded\"";

    default:
        return "null";
    }
}


static void
ml_error_openai_print(ml_text_t *out, const char *message, size_t len,
    const char *type, const ml_text_t *param)
{
    ml_text_printf(out, "{\"error\":{\"message\":");
    ml_text_json_string(out, message, len);
    ml_text_printf(out, ",\"type\":\"%s\",\"param\":", type);

    if (param->len) {
        ml_text_json_string(out, param->data, param->len);

    } else {
        ml_text_printf(out, "null");
    }

    ml_text_printf(out, ",\"code\":");
}


/* Of several violations the first; a client mends one after another. */

static void
ml_error_openai(ml_text_t *out, const ml_error_answer_t *answer)
{
    ml_text_t                      message, param;
    const char                    *detail;
    const ml_error_t              *error;
    const ml_error_openai_code_t  *code;

    ml_text_init(&message);
    ml_text_init(&param);

    if (answer->errors == NULL) {
        detail = answer->detail ? answer->detail : "";

        ml_error_openai_print(out, detail, strlen(detail),
                              ml_error_openai_type(answer->status), &param);
        ml_text_printf(out, "%s}}",
                       ml_error_openai_status_code(answer->status));
        return;
    }

    error = answer->errors;

    if (strcmp(error->type, "json_invalid") == 0) {
        ml_text_printf(&message, "We could not parse the JSON body of your "
                       "request: %s.", error->msg);
        ml_error_openai_print(out, message.data, message.len,
                              "invalid_request_error", &param);
        ml_text_printf(out, "null}}");

    } else {
        code = ml_error_openai_code(error->type);
        ml_error_dotted(&param, error);

        if (code->fmt) {
            ml_text_printf(&message, code->fmt, (int) param.len,
                           param.len ? param.data : "");

        } else {
            ml_text_printf(&message, "Invalid '%.*s': %s.", (int) param.len,
                           param.len ? param.data : "", error->msg);
        }

        ml_error_openai_print(out, message.data ? message.data : "",
                              message.len, "invalid_request_error", &param);
        ml_text_printf(out, "\"%s\"}}", code->code);
    }

    out->failed |= message.failed | param.failed;

    ml_text_free(&message);
    ml_text_free(&param);
}


static void
ml_error_simple(ml_text_t *out, const ml_error_answer_t *answer)
{
    ml_text_printf(out, "{\"error\":");
    ml_error_text(out, answer->errors ? answer->errors->msg
                                       : answer->detail);

    if (answer->errors) {
        ml_text_printf(out, ",\"at\":");
        ml_error_pointer(out, answer->errors);
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


/* The path as code would write it: messages[2].content; no escapes. */

static void
ml_error_dotted(ml_text_t *out, const ml_error_t *error)
{
    size_t                 i;
    const ml_path_step_t  *step;

    for (i = 0; i < error->npath; i++) {
        step = &error->path[i];

        if (step->name) {
            ml_text_append(out, ".", i ? 1 : 0);
            ml_text_append(out, step->name, step->len);

        } else {
            ml_text_printf(out, "[%llu]", (unsigned long long) step->index);
        }
    }
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
