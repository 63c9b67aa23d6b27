/* link: -lm -lpcre2-8 */

#include <stdlib.h>

#include "schema.h"
#include "ml_evaluate_value.c"
#include "ml_evaluate.c"
#include "ml_violation.c"
#include "ml_violation_failure.c"
#include "ml_raw.c"
#include "ml_npy.c"
#include "ml_image_body.c"
#include "ml_multipart.c"


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


/* A form whole and in pieces of one byte: the same verdict. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t             n;
    ml_body_t         *one, *two;
    ml_body_status_e   rc;

    static const ml_image_limits_t    limits = { 10000, 2 };
    static const ml_multipart_file_t  file = { &limits, 0, NULL };

    (void) ml_multipart_boundary((const char *) data, size, &n);

    one = ml_multipart_create("b", 1, &file);
    two = ml_multipart_create("b", 1, &file);

    rc = feed(one, data, size, size ? size : 1);

    if (feed(two, data, size, 1) != rc || rc == ML_BODY_MORE) {
        abort();
    }

    if (rc == ML_BODY_REJECTED
        && strcmp(one->ops->error(one)->msg, two->ops->error(two)->msg) != 0)
    {
        abort();
    }

    one->ops->destroy(one);
    two->ops->destroy(two);

    return 0;
}
