/* What is wrong with a body, in pydantic's words; see ml_violation.h. */

#include <string.h>

#include "ml_pydantic.h"
#include "ml_violation.h"


static const struct {
    const char  *type;
    const char  *msg;
    const char  *ctx;
} ml_violation_bounds[] = {
    { "greater_than_equal", "greater than or equal to", "ge" },
    { "greater_than", "greater than", "gt" },
    { "less_than_equal", "less than or equal to", "le" },
    { "less_than", "less than", "lt" }
};


void
ml_violation_init(ml_violation_t *violation)
{
    memset(violation, 0, sizeof(ml_violation_t));

    ml_text_init(&violation->msg);
    ml_text_init(&violation->ctx);
}


void
ml_violation_free(ml_violation_t *violation)
{
    ml_text_free(&violation->msg);
    ml_text_free(&violation->ctx);
}


int
ml_violation_failed(const ml_violation_t *violation)
{
    return violation->msg.failed || violation->ctx.failed;
}


/* The texts are complete. */
static void
ml_violation_set(ml_violation_t *violation, const char *type)
{
    ml_text_append(&violation->msg, "", 1);
    ml_text_append(&violation->ctx, "", 1);

    if (ml_violation_failed(violation)) {
        return;
    }

    violation->error.type = type;
    violation->error.msg = violation->msg.data;
    violation->error.ctx = violation->ctx.data[0] ? violation->ctx.data
                                                  : NULL;
}


static void
ml_violation_plain(ml_violation_t *violation, const char *type,
    const char *msg)
{
    ml_text_printf(&violation->msg, "%s", msg);
    ml_violation_set(violation, type);
}


void
ml_violation_type(ml_violation_t *violation, const ml_schema_node_t *node)
{
    switch (node->first_type) {

    case ML_SCHEMA_NULL:
        ml_violation_plain(violation, "none_required",
                           "Input should be None");
        break;

    case ML_SCHEMA_BOOLEAN:
        ml_violation_plain(violation, "bool_type",
                           "Input should be a valid boolean");
        break;

    case ML_SCHEMA_OBJECT:

        if (node->model) {
            ml_violation_plain(violation, "model_attributes_type",
                               "Input should be a valid dictionary or object "
                               "to extract fields from");
            break;
        }

        ml_violation_object(violation);
        break;

    case ML_SCHEMA_ARRAY:
        ml_violation_list(violation);
        break;

    case ML_SCHEMA_NUMBER:
        ml_violation_plain(violation, "float_type",
                           "Input should be a valid number");
        break;

    case ML_SCHEMA_INTEGER:
        ml_violation_plain(violation, "int_type",
                           "Input should be a valid integer");
        break;

    default: /* ML_SCHEMA_STRING */
        ml_violation_plain(violation, "string_type",
                           "Input should be a valid string");
    }
}


void
ml_violation_choice(ml_violation_t *violation, const ml_schema_node_t *node)
{
    ml_text_printf(&violation->msg, "Input should be %s", node->expected);

    ml_text_printf(&violation->ctx, "{\"expected\":");
    ml_text_json_string(&violation->ctx, node->expected,
                        strlen(node->expected));
    ml_text_append(&violation->ctx, "}", 1);

    ml_violation_set(violation, "literal_error");
}


void
ml_violation_element(ml_violation_t *violation, ml_dtype_e dtype)
{
    if (dtype == ML_DTYPE_BOOL) {
        ml_violation_plain(violation, "bool_type",
                           "Input should be a valid boolean");

    } else if (dtype == ML_DTYPE_NONE) {
        ml_violation_plain(violation, "string_type",
                           "Input should be a valid string");

    } else if (ml_narrow_floating(dtype)) {
        ml_violation_plain(violation, "float_type",
                           "Input should be a valid number");

    } else {
        ml_violation_plain(violation, "int_type",
                           "Input should be a valid integer");
    }
}


void
ml_violation_list(ml_violation_t *violation)
{
    ml_violation_plain(violation, "list_type",
                       "Input should be a valid list");
}


void
ml_violation_object(ml_violation_t *violation)
{
    ml_violation_plain(violation, "dict_type",
                       "Input should be a valid dictionary");
}


void
ml_violation_missing(ml_violation_t *violation)
{
    ml_violation_plain(violation, "missing", "Field required");
}


void
ml_violation_extra(ml_violation_t *violation)
{
    ml_violation_plain(violation, "extra_forbidden",
                       "Extra inputs are not permitted");
}


void
ml_violation_finite(ml_violation_t *violation)
{
    ml_violation_plain(violation, "finite_number",
                       "Input should be a finite number");
}


/* How many a container has; "actual" of UINT64_MAX: more than allowed. */
static void
ml_violation_size(ml_violation_t *violation, const char *container, int most,
    uint64_t bound, uint64_t actual)
{
    ml_text_printf(&violation->msg,
                   "%s should have at %s %llu item%s after validation, not ",
                   container, most ? "most" : "least",
                   (unsigned long long) bound, bound == 1 ? "" : "s");

    ml_text_printf(&violation->ctx,
                   "{\"field_type\":\"%s\",\"%s_length\":%llu,"
                   "\"actual_length\":", container, most ? "max" : "min",
                   (unsigned long long) bound);

    if (actual == UINT64_MAX) {
        ml_text_printf(&violation->msg, "more");
        ml_text_printf(&violation->ctx, "null}");

    } else {
        ml_text_printf(&violation->msg, "%llu", (unsigned long long) actual);
        ml_text_printf(&violation->ctx, "%llu}", (unsigned long long) actual);
    }

    ml_violation_set(violation, most ? "too_long" : "too_short");
}


void
ml_violation_long_list(ml_violation_t *violation, uint64_t max)
{
    ml_violation_size(violation, "List", 1, max, UINT64_MAX);
}


void
ml_violation_short_list(ml_violation_t *violation, uint64_t min,
    uint64_t actual)
{
    ml_violation_size(violation, "List", 0, min, actual);
}


void
ml_violation_long_object(ml_violation_t *violation, uint64_t max)
{
    ml_violation_size(violation, "Dictionary", 1, max, UINT64_MAX);
}


void
ml_violation_short_object(ml_violation_t *violation, uint64_t min,
    uint64_t actual)
{
    ml_violation_size(violation, "Dictionary", 0, min, actual);
}


void
ml_violation_long_string(ml_violation_t *violation, uint64_t max)
{
    ml_text_printf(&violation->msg,
                   "String should have at most %llu character%s",
                   (unsigned long long) max, max == 1 ? "" : "s");
    ml_text_printf(&violation->ctx, "{\"max_length\":%llu}",
                   (unsigned long long) max);

    ml_violation_set(violation, "string_too_long");
}


void
ml_violation_short_string(ml_violation_t *violation, uint64_t min)
{
    ml_text_printf(&violation->msg,
                   "String should have at least %llu character%s",
                   (unsigned long long) min, min == 1 ? "" : "s");
    ml_text_printf(&violation->ctx, "{\"min_length\":%llu}",
                   (unsigned long long) min);

    ml_violation_set(violation, "string_too_short");
}


/* "Input should be ... VALUE", and VALUE in the context. */
static void
ml_violation_against(ml_violation_t *violation, const char *msg,
    const char *ctx, int whole, __int128 integer, double value)
{
    ml_text_printf(&violation->msg, "Input should be %s ", msg);
    ml_text_printf(&violation->ctx, "{\"%s\":", ctx);

    if (whole) {
        ml_pydantic_whole(&violation->msg, integer);
        ml_pydantic_whole(&violation->ctx, integer);

    } else {
        ml_pydantic_plain(&violation->msg, value);
        ml_pydantic_float(&violation->ctx, value);
    }

    ml_text_append(&violation->ctx, "}", 1);
}


static void
ml_violation_against_number(ml_violation_t *violation, const char *msg,
    const char *ctx, int whole, const ml_number_t *number)
{
    uint64_t  magnitude;
    __int128  integer;

    integer = 0;

    if (whole) {
        whole = ml_number_integer(number, &magnitude) == ML_NUMBER_INTEGER;
    }

    if (whole) {
        integer = magnitude;
        integer = number->negative ? -integer : integer;
    }

    ml_violation_against(violation, msg, ctx, whole, integer, number->value);
}


void
ml_violation_bound(ml_violation_t *violation, ml_violation_bound_e bound,
    int whole, const ml_number_t *number)
{
    ml_violation_against_number(violation, ml_violation_bounds[bound].msg,
                                ml_violation_bounds[bound].ctx, whole,
                                number);

    ml_violation_set(violation, ml_violation_bounds[bound].type);
}


void
ml_violation_multiple(ml_violation_t *violation, const ml_schema_node_t *node)
{
    ml_violation_against_number(violation, "a multiple of", "multiple_of",
                                !(node->types & ML_SCHEMA_NUMBER),
                                &node->multiple_of);

    ml_violation_set(violation, "multiple_of");
}


void
ml_violation_narrow(ml_violation_t *violation, ml_narrow_e why,
    const ml_schema_tensor_t *tensor)
{
    int                        low;
    ml_violation_bound_e       bound;
    const ml_narrow_bounds_t  *bounds;

    if (why == ML_NARROW_FINITE) {
        ml_violation_finite(violation);
        return;
    }

    if (why == ML_NARROW_TYPE) {
        ml_violation_element(violation, tensor->spec.dtype);
        return;
    }

    low = why == ML_NARROW_MINIMUM;
    bounds = &tensor->bounds;

    bound = low ? ML_VIOLATION_GE : ML_VIOLATION_LE;

    ml_violation_against(violation, ml_violation_bounds[bound].msg,
                         ml_violation_bounds[bound].ctx,
                         !ml_narrow_floating(tensor->spec.dtype),
                         low ? bounds->low : bounds->high,
                         low ? tensor->minimum : tensor->maximum);

    ml_violation_set(violation, ml_violation_bounds[bound].type);
}


void
ml_violation_json(ml_violation_t *violation, const char *why)
{
    ml_text_printf(&violation->ctx, "{\"error\":");
    ml_text_json_string(&violation->ctx, why, strlen(why));
    ml_text_append(&violation->ctx, "}", 1);

    ml_violation_plain(violation, "json_invalid", "JSON decode error");
}


void
ml_violation_pattern(ml_violation_t *violation,
    const ml_schema_name_t *pattern)
{
    ml_text_printf(&violation->msg, "String should match pattern '");
    ml_text_append(&violation->msg, pattern->name, pattern->len);
    ml_text_printf(&violation->msg, "'");

    ml_text_printf(&violation->ctx, "{\"pattern\":");
    ml_text_json_string(&violation->ctx, pattern->name, pattern->len);
    ml_text_append(&violation->ctx, "}", 1);

    ml_violation_set(violation, "string_pattern_mismatch");
}


void
ml_violation_total(ml_violation_t *violation, uint64_t max)
{
    ml_text_printf(&violation->ctx, "{\"error\":{}}");
    ml_text_printf(&violation->msg, "Value error, over %llu characters of "
                   "text in total", (unsigned long long) max);

    ml_violation_set(violation, "value_error");
}


void
ml_violation_dimension(ml_violation_t *violation, const char *name,
    uint64_t actual, uint64_t expected)
{
    ml_text_printf(&violation->ctx, "{\"error\":{}}");
    ml_text_printf(&violation->msg, "Value error, dimension %s is %llu, not "
                   "%llu", name, (unsigned long long) actual,
                   (unsigned long long) expected);

    ml_violation_set(violation, "value_error");
}


void
ml_violation_format(ml_violation_t *violation, const char *name)
{
    ml_text_printf(&violation->ctx, "{\"error\":{}}");
    ml_text_printf(&violation->msg, "Value error, not of format %s", name);

    ml_violation_set(violation, "value_error");
}


void
ml_violation_value(ml_violation_t *violation, const char *why)
{
    ml_text_printf(&violation->ctx, "{\"error\":{}}");
    ml_text_printf(&violation->msg, "Value error, %s", why);

    ml_violation_set(violation, "value_error");
}


void
ml_violation_forbidden(ml_violation_t *violation, const char *why)
{
    ml_violation_plain(violation, "forbidden", why);
}


void
ml_violation_keep(ml_violation_t *violation)
{
    ml_violation_value(violation, "too large to be echoed");
}
