/* link: -lm -lpcre2-8 */

#include <stdlib.h>

#include "schema.h"
#include "ml_evaluate_value.c"
#include "ml_evaluate.c"
#include "ml_violation.c"
#include "ml_violation_failure.c"
#include "ml_raw.c"
#include "ml_npy.c"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ml_body_status_e
feed(ml_body_t *body, const uint8_t *data, size_t size, size_t piece)
{
    size_t            i, n;
    ml_body_status_e  rc;

    rc = ML_BODY_MORE;

    for (i = 0; i < size && rc == ML_BODY_MORE; i += n) {
        n = size - i < piece ? size - i : piece;
        rc = body->ops->feed(body, (const char *) data + i, n);
    }

    return rc == ML_BODY_MORE ? body->ops->finish(body) : rc;
}


/*
 * A file whole and in pieces of one byte: the same verdict; what passes has
 * the elements that its shape says.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               error[128];
    uint32_t           i, n;
    uint64_t           elements;
    ml_body_t         *one, *two;
    ml_tensor_t       *tensor;
    ml_body_status_e   rc;

    static ml_schema_t  *schema;
    static const char    text[] =
        "{\"x-tensor\": {\"input\": \"x\", \"dtype\": \"float32\", "
        "\"shape\": [-1, 2], \"maxItems\": 3}}";

    if (schema == NULL) {
        schema = ml_schema_compile(text, strlen(text), NULL, error,
                                   sizeof(error));
    }

    one = ml_npy_create(schema->tensors[0]);
    two = ml_npy_create(schema->tensors[0]);

    rc = feed(one, data, size, size ? size : 1);

    if (feed(two, data, size, 1) != rc || rc == ML_BODY_MORE) {
        abort();
    }

    if (rc == ML_BODY_PASSED) {
        tensor = one->ops->tensors(one, &n);

        for (elements = 1, i = 0; i < tensor->rank; i++) {
            elements *= (uint64_t) tensor->dims[i];
        }

        if (n != 1 || tensor->rank != 2 || tensor->dims[1] != 2
            || tensor->bytes != elements * sizeof(float))
        {
            abort();
        }

    } else if (rc == ML_BODY_REJECTED
               && strcmp(one->ops->error(one)->msg,
                         two->ops->error(two)->msg) != 0)
    {
        abort();
    }

    one->ops->destroy(one);
    two->ops->destroy(two);

    return 0;
}
