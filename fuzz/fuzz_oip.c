/* link: -lm -lpcre2-8 */

#include <stdlib.h>

#include "oip.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static ml_body_status_e
feed(ml_body_t *body, const uint8_t *data, size_t size, size_t piece)
{
    char              *copy;
    size_t             i, n;
    ml_body_status_e   rc;

    rc = ML_BODY_MORE;

    for (i = 0; i < size && rc == ML_BODY_MORE; i += n) {
        n = size - i < piece ? size - i : piece;
        copy = malloc(n);
        memcpy(copy, data + i, n);
        rc = body->ops->feed(body, copy, n);
        free(copy);
    }

    return rc == ML_BODY_MORE ? body->ops->finish(body) : rc;
}


static void
compare(const ml_oip_contract_t *contract, uint64_t header,
    const uint8_t *data, size_t size)
{
    size_t             bytes;
    uint32_t           i, n, m;
    ml_body_t         *one, *two;
    ml_tensor_t       *tensors, *others;
    ml_body_status_e   rc;

    static const uint8_t           seed[16] = { 3 };
    static const ml_json_limits_t  limits = { 16, 100, 100, 40, 1000 };

    one = ml_oip_create(contract, header, &limits, 4096, seed);
    two = ml_oip_create(contract, header, &limits, 4096, seed);

    rc = feed(one, data, size, size ? size : 1);

    if (feed(two, data, size, 1) != rc || rc == ML_BODY_MORE) {
        abort();
    }

    if (rc == ML_BODY_REJECTED
        && strcmp(one->ops->error(one)->msg, two->ops->error(two)->msg) != 0)
    {
        abort();
    }

    tensors = one->ops->tensors(one, &n);
    others = two->ops->tensors(two, &m);

    if (n != contract->ninputs || m != n) {
        abort();
    }

    for (i = 0; rc == ML_BODY_PASSED && i < n; i++) {
        if (tensors[i].dtype != contract->inputs[i].dtype
            || ml_tensor_size(tensors[i].dtype, tensors[i].rank,
                              tensors[i].dims, &bytes)
               != 0
            || tensors[i].bytes != bytes
            || others[i].bytes != bytes
            || memcmp(tensors[i].data, others[i].data, bytes) != 0)
        {
            abort();
        }
    }

    one->ops->destroy(one);
    two->ops->destroy(two);
}


/*
 * The first byte says how the body is read, the next how much of it is JSON.
 * Whole and in pieces of one byte: the same verdict, the same tensors, and
 * those of a model are as it wants them.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t       header;
    ml_oip_path_t  path;

    static const ml_tensor_spec_t  specs[] = {
        { "x", ML_DTYPE_FLOAT32, 2, { -1, 2 }, 0 },
        { "y", ML_DTYPE_BOOL, 1, { 3 }, 0 }
    };

    static const ml_oip_contract_t  contracts[] = {
        { NULL, 0, 0, "m", 1 },
        { specs, 1, 4, "m", 1 },
        { specs, 2, 4, "m", 1 },
        { specs + 1, 1, 1, "m", 1 }
    };

    if (size < 2) {
        return 0;
    }

    header = data[0] & 4 ? data[1] : ML_OIP_JSON;

    compare(&contracts[data[0] & 3], header, data + 2, size - 2);

    ml_oip_path((const char *) data + 2, size - 2, &path);

    if (path.endpoint >= ML_OIP_MODEL
        && (path.model_len == 0 || memchr(path.model, '/', path.model_len)))
    {
        abort();
    }

    return 0;
}
