/* Names of the Open Inference Protocol; see ml_oip.h. */

#include <string.h>

#include "ml_oip.h"


static const struct {
    ml_dtype_e   dtype;
    const char  *name;
} ml_oip_datatypes[] = {
    { ML_DTYPE_FLOAT32, "FP32" },
    { ML_DTYPE_FLOAT16, "FP16" },
    { ML_DTYPE_BFLOAT16, "BF16" },
    { ML_DTYPE_FLOAT64, "FP64" },
    { ML_DTYPE_BOOL, "BOOL" },
    { ML_DTYPE_UINT8, "UINT8" },
    { ML_DTYPE_UINT16, "UINT16" },
    { ML_DTYPE_UINT32, "UINT32" },
    { ML_DTYPE_UINT64, "UINT64" },
    { ML_DTYPE_INT8, "INT8" },
    { ML_DTYPE_INT16, "INT16" },
    { ML_DTYPE_INT32, "INT32" },
    { ML_DTYPE_INT64, "INT64" },
    { ML_DTYPE_NONE, "BYTES" }
};

#define ML_OIP_NDATATYPES                                                     \
    (sizeof(ml_oip_datatypes) / sizeof(ml_oip_datatypes[0]))


const char *
ml_oip_datatype(ml_dtype_e dtype)
{
    size_t  i;

    for (i = 0; i < ML_OIP_NDATATYPES - 1; i++) {
        if (ml_oip_datatypes[i].dtype == dtype) {
            break;
        }
    }

    return ml_oip_datatypes[i].name;
}


static int
ml_oip_is(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(text, name, len) == 0;
}


int
ml_oip_datatype_parse(const char *name, size_t len, ml_dtype_e *dtype)
{
    size_t  i;

    for (i = 0; i < ML_OIP_NDATATYPES; i++) {
        if (ml_oip_is(name, len, ml_oip_datatypes[i].name)) {
            *dtype = ml_oip_datatypes[i].dtype;
            return 0;
        }
    }

    return -1;
}


/* The segment at *p, which moves behind it and its slash. */
static size_t
ml_oip_segment(const char **p, const char *end, const char **segment)
{
    *segment = *p;

    while (*p < end && **p != '/') {
        (*p)++;
    }

    return (size_t) ((*p < end ? (*p)++ : *p) - *segment);
}


/* What follows v2/models/M. */
static ml_oip_endpoint_e
ml_oip_model(const char *p, const char *end, ml_oip_path_t *result)
{
    size_t       i, len;
    const char  *segment;

    static const struct {
        const char         *name;
        ml_oip_endpoint_e   endpoint;
    } endpoints[] = {
        { "infer", ML_OIP_INFER },
        { "ready", ML_OIP_MODEL_READY },
        { "config", ML_OIP_MODEL_CONFIG },
    };

    len = ml_oip_segment(&p, end, &segment);

    if (ml_oip_is(segment, len, "versions")) {
        result->version_len = ml_oip_segment(&p, end, &result->version);

        if (result->version_len == 0) {
            return ML_OIP_UNKNOWN;
        }

        len = ml_oip_segment(&p, end, &segment);
    }

    if (p < end) {
        return ML_OIP_UNKNOWN;
    }

    if (len == 0) {
        return ML_OIP_MODEL;
    }

    for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (ml_oip_is(segment, len, endpoints[i].name)) {
            return endpoints[i].endpoint;
        }
    }

    return ML_OIP_UNKNOWN;
}


static ml_oip_endpoint_e
ml_oip_endpoint(const char *p, const char *end, ml_oip_path_t *result)
{
    size_t       len;
    const char  *segment;

    len = ml_oip_segment(&p, end, &segment);

    if (len == 0 && p == end) {
        return ML_OIP_SERVER;
    }

    if (end[-1] == '/') {
        return ML_OIP_UNKNOWN;
    }

    if (ml_oip_is(segment, len, "repository")
        || ml_oip_is(segment, len, "systemsharedmemory")
        || ml_oip_is(segment, len, "cudasharedmemory"))
    {
        return ML_OIP_DENIED;
    }

    if (ml_oip_is(segment, len, "health")) {
        len = ml_oip_segment(&p, end, &segment);

        return p < end ? ML_OIP_UNKNOWN
               : ml_oip_is(segment, len, "live") ? ML_OIP_LIVE
               : ml_oip_is(segment, len, "ready") ? ML_OIP_READY
               : ML_OIP_UNKNOWN;
    }

    if (!ml_oip_is(segment, len, "models")) {
        return ML_OIP_UNKNOWN;
    }

    result->model_len = ml_oip_segment(&p, end, &result->model);

    /* statistics of all models, an extension of Triton; no model's name */

    if (p == end && ml_oip_is(result->model, result->model_len, "stats")) {
        return ML_OIP_UNKNOWN;
    }

    return result->model_len ? ml_oip_model(p, end, result) : ML_OIP_UNKNOWN;
}


void
ml_oip_path(const char *path, size_t len, ml_oip_path_t *result)
{
    size_t       n;
    const char  *p, *end, *segment;

    memset(result, 0, sizeof(ml_oip_path_t));

    p = path;
    end = path + len;

    while (p < end) {
        n = ml_oip_segment(&p, end, &segment);

        if (ml_oip_is(segment, n, "v2")) {
            result->endpoint = ml_oip_endpoint(p, end, result);
            return;
        }
    }
}
