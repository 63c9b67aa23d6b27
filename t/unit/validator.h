/*
 * The whole validator in one unit, and its verdict on a body in one call,
 * for tests.
 */

#ifndef TEST_VALIDATOR_H
#define TEST_VALIDATOR_H

#include "schema.h"

#include "ml_error.c"
#include "ml_pack_scalar.c"
#include "ml_pack_avx2.c"
#include "ml_pack_avx512.c"
#include "ml_pack.c"
#include "ml_evaluate_value.c"
#include "ml_evaluate.c"
#include "ml_violation.c"
#include "ml_violation_failure.c"
#include "ml_validator_path.c"
#include "ml_validator_recover.c"
#include "ml_validator_check.c"
#include "ml_validator_deferred.c"
#include "ml_validator_string.c"
#include "ml_validator_shape.c"
#include "ml_sink.c"
#include "ml_validator_tensor.c"
#include "ml_validator.c"
#include "ml_validator_body.c"

#include "test.h"


static const uint8_t           seed[16] = { 9 };
static const ml_json_limits_t  limits = { 32, 1000, 100000, 64, 1000000 };


static ml_schema_t *
compile(const char *text)
{
    char          error[400];
    ml_schema_t  *schema;

    schema = ml_schema_compile(text, strlen(text), NULL, error,
                               sizeof(error));

    if (schema == NULL) {
        fprintf(stderr, "%s\n", error);
        abort();
    }

    return schema;
}


/* Feeds the body cut at "a"; bytewise when a == (size_t) -1. */
static ml_validator_t *
run(const ml_schema_t *schema, const char *body, size_t len, size_t a,
    uint32_t errors, ml_body_status_e *status)
{
    char            *copy;
    size_t           i, n;
    ml_validator_t  *v;

    v = ml_validator_create(schema, &limits, 65536, seed, NULL, errors);

    for (i = 0; i < len; i += n) {
        n = a == (size_t) -1 ? 1 : i < a ? a - i : len - i;
        copy = malloc(n);
        memcpy(copy, body + i, n);
        (void) ml_validator_feed(v, copy, n);
        free(copy);
    }

    *status = ml_validator_finish(v);
    CHECK_INT(ml_validator_finish(v), *status);

    return v;
}


/* The errors in their body, without its frame, or "passed". */
static void
verdict(const ml_schema_t *schema, const char *body, size_t a,
    uint32_t errors, ml_text_t *out)
{
    ml_validator_t         *v;
    ml_error_answer_t       answer;
    ml_body_status_e        status;

    ml_text_init(out);
    v = run(schema, body, strlen(body), a, errors, &status);

    if (status == ML_BODY_REJECTED) {
        memset(&answer, 0, sizeof(answer));
        answer.status = 422;
        answer.title = "x";
        answer.detail = "x";
        answer.errors = ml_validator_error(v);

        ml_error_render(out, ML_ERROR_FASTAPI, &answer);

        memmove(out->data, out->data + 11, out->len - 11);
        out->len -= 13;

    } else {
        CHECK_INT(status, ML_BODY_PASSED);
        ml_text_printf(out, "passed");
    }

    ml_text_append(out, "", 1);
    ml_validator_destroy(v);
}


/* However it is split, up to so many errors. */
static void
check_errors(const ml_schema_t *schema, const char *body, uint32_t errors,
    const char *want)
{
    int        bad;
    size_t     a;
    ml_text_t  whole, part;

    verdict(schema, body, 0, errors, &whole);
    CHECK_STR(whole.data, want);

    bad = 0;

    for (a = 0; a <= strlen(body) && a < 300; a++) {
        verdict(schema, body, a ? a : (size_t) -1, errors, &part);
        bad += strcmp(part.data, whole.data) != 0;
        ml_text_free(&part);
    }

    CHECK_INT(bad, 0);
    ml_text_free(&whole);
}


__attribute__((unused)) static void
check(const char *text, const char *body, const char *want)
{
    ml_text_t     all;
    ml_schema_t  *schema;

    schema = compile(text);
    check_errors(schema, body, 1, want);

    /* where more are asked for it is the first of them */

    verdict(schema, body, 0, ML_VALIDATOR_ERRORS, &all);
    CHECK(strncmp(all.data, want, strlen(want)) == 0);
    check_errors(schema, body, ML_VALIDATOR_ERRORS, all.data);

    ml_text_free(&all);
    ml_schema_destroy(schema);
}


#define MODEL(x)  "{\"type\":\"object\",\"properties\":{\"x\":" x "}}"
#define ERROR(type, msg)                                                      \
    "{\"type\":\"" type "\",\"loc\":[\"body\",\"x\"],\"msg\":\"" msg "\"}"
#define ERROR_CTX(type, msg, ctx)                                             \
    "{\"type\":\"" type "\",\"loc\":[\"body\",\"x\"],\"msg\":\"" msg          \
    "\",\"ctx\":{" ctx "}}"


#endif /* TEST_VALIDATOR_H */
