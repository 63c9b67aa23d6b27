/*
 * The schema compiler and the validator: a schema, a NUL, and a body.  No
 * pair may crash them, and the verdict may not depend on where the body was
 * cut.
 */

/* link: -lm -lpcre2-8 */

#include <stdlib.h>
#include <string.h>

#include "schema.h"
#include "ml_pack_scalar.c"
#include "ml_pack_avx2.c"
#include "ml_pack_avx512.c"
#include "ml_pack.c"
#include "ml_error.c"
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


static const ml_json_limits_t  limits = { 16, 100, 1000, 64, 1000 };
static const uint8_t           seed[16] = { 1 };


static void
validate(const ml_schema_t *schema, const char *body, size_t len, size_t step,
    const uint8_t *keep, uint32_t errors, ml_text_t *out)
{
    size_t                  i, n;
    uint32_t                k, count;
    ml_tensor_t            *tensors;
    ml_validator_t         *v;
    ml_schema_name_t        name;
    ml_error_answer_t       answer;
    ml_body_status_e        status;

    ml_text_init(out);

    v = ml_validator_create(schema, &limits, 4096, seed, keep, errors);

    if (v == NULL) {
        abort();
    }

    for (i = 0; i < len; i += n) {
        n = step < len - i ? step : len - i;
        (void) ml_validator_feed(v, body + i, n);
    }

    status = ml_validator_finish(v);
    ml_text_printf(out, "%d", (int) status);

    if (status == ML_BODY_REJECTED) {
        memset(&answer, 0, sizeof(ml_error_answer_t));
        answer.status = 422;
        answer.title = "";
        answer.detail = "";
        answer.errors = ml_validator_error(v);

        ml_error_render(out, ML_ERROR_FASTAPI, &answer);

        /* without its end: the errors of one are the beginning of all */

        out->len -= sizeof("]}") - 1;
    }

    if (status == ML_BODY_PASSED) {
        tensors = ml_validator_tensors(v, &count);

        for (k = 0; k < count; k++) {

            if (ml_tensor_size(tensors[k].dtype, tensors[k].rank,
                               tensors[k].dims, &n) != 0
                || n != tensors[k].bytes)
            {
                abort();
            }

            ml_text_append(out, tensors[k].data, n);
        }

        for (k = 0; keep && k < schema->root->properties.n; k++) {
            name = schema->root->properties.list[k].name;
            (void) ml_validator_field(v, name.name, name.len, out);
        }
    }

    ml_validator_destroy(v);
}


/* The same, whole and byte by byte. */
static void
compare(const ml_schema_t *schema, const char *body, size_t len,
    const uint8_t *keep, uint32_t errors, ml_text_t *out)
{
    ml_text_t  cut;

    validate(schema, body, len, len + 1, keep, errors, out);
    validate(schema, body, len, 1, keep, errors, &cut);

    if (out->len != cut.len || memcmp(out->data, cut.data, cut.len) != 0) {
        abort();
    }

    ml_text_free(&cut);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char           error[200];
    size_t         len;
    uint8_t       *keep;
    uint32_t       i;
    ml_text_t      one, all;
    const char    *body;
    ml_schema_t   *schema;
    const uint8_t *nul;

    const ml_schema_node_t            *node;
    static const ml_schema_options_t   options = { .formats = 1 };

    nul = size ? memchr(data, '\0', size) : NULL;
    len = nul ? (size_t) (nul - data) : size;

    schema = ml_schema_compile((const char *) data, len, &options, error,
                               sizeof(error));

    if (schema == NULL) {
        return 0;
    }

    if (nul) {
        body = (const char *) nul + 1;
        len = size - len - 1;

        keep = calloc(schema->root->properties.n + 1, 1);

        for (i = 0; i < schema->root->properties.n; i++) {
            node = ml_schema_alias(schema->root->properties.list[i].node);
            keep[i] = node && node->tensor == NULL;
        }

        compare(schema, body, len, keep, 1, &one);
        compare(schema, body, len, keep, ML_VALIDATOR_ERRORS, &all);

        /* passed or not, and the first that is wrong */

        if (all.len < one.len || memcmp(all.data, one.data, one.len) != 0) {
            abort();
        }

        ml_text_free(&one);
        ml_text_free(&all);
        free(keep);
    }

    ml_schema_destroy(schema);

    return 0;
}
