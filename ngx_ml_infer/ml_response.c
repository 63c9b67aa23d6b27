/* Outputs as JSON; see ml_response.h. */

#include <math.h>
#include <string.h>

#include "ml_response.h"


int
ml_response_supports(ml_dtype_e dtype)
{
    return ml_dtype_size(dtype) != 0;
}


/* IEEE 754 binary16, exactly. */
static float
ml_response_half(uint16_t bits)
{
    int    exponent;
    float  value;

    exponent = bits >> 10 & 0x1f;
    value = (float) (bits & 0x3ff);

    if (exponent == 0x1f) {
        value = value != 0 ? NAN : INFINITY;

    } else {
        value = ldexpf(exponent ? value + 1024 : value,
                       (exponent ? exponent : 1) - 25);
    }

    return bits & 0x8000 ? -value : value;
}


/* The upper half of a float. */
static float
ml_response_brain(uint16_t bits)
{
    float     value;
    uint32_t  image;

    image = (uint32_t) bits << 16;
    memcpy(&value, &image, sizeof(float));

    return value;
}


static void
ml_response_scalar(ml_text_t *out, ml_dtype_e dtype, const void *data,
    size_t i)
{
    switch (dtype) {

    case ML_DTYPE_FLOAT32:
        ml_text_float(out, ((const float *) data)[i]);
        break;

    case ML_DTYPE_FLOAT16:
        ml_text_float(out, ml_response_half(((const uint16_t *) data)[i]));
        break;

    case ML_DTYPE_BFLOAT16:
        ml_text_float(out, ml_response_brain(((const uint16_t *) data)[i]));
        break;

    case ML_DTYPE_FLOAT64:
        ml_text_double(out, ((const double *) data)[i]);
        break;

    case ML_DTYPE_INT64:
        ml_text_printf(out, "%lld",
                       (long long) ((const int64_t *) data)[i]);
        break;

    case ML_DTYPE_INT32:
        ml_text_printf(out, "%d", (int) ((const int32_t *) data)[i]);
        break;

    case ML_DTYPE_INT16:
        ml_text_printf(out, "%d", (int) ((const int16_t *) data)[i]);
        break;

    case ML_DTYPE_INT8:
        ml_text_printf(out, "%d", (int) ((const int8_t *) data)[i]);
        break;

    case ML_DTYPE_UINT64:
        ml_text_printf(out, "%llu",
                       (unsigned long long) ((const uint64_t *) data)[i]);
        break;

    case ML_DTYPE_UINT32:
        ml_text_printf(out, "%u", (unsigned) ((const uint32_t *) data)[i]);
        break;

    case ML_DTYPE_UINT16:
        ml_text_printf(out, "%u", (unsigned) ((const uint16_t *) data)[i]);
        break;

    case ML_DTYPE_UINT8:
        ml_text_printf(out, "%u", (unsigned) ((const uint8_t *) data)[i]);
        break;

    case ML_DTYPE_BOOL:
        if (((const uint8_t *) data)[i]) {
            ml_text_append(out, "true", 4);

        } else {
            ml_text_append(out, "false", 5);
        }

        break;

    default:
        ml_text_append(out, "null", 4);
        break;
    }
}


/* Appends elements from "i" on; returns the index behind them. */
static size_t
ml_response_nested(ml_text_t *out, ml_dtype_e dtype, const void *data,
    const int64_t *dims, uint32_t rank, size_t i)
{
    int64_t  n;

    if (rank == 0) {
        ml_response_scalar(out, dtype, data, i);
        return i + 1;
    }

    ml_text_append(out, "[", 1);

    for (n = 0; n < dims[0]; n++) {
        if (n > 0) {
            ml_text_append(out, ",", 1);
        }

        i = ml_response_nested(out, dtype, data, dims + 1, rank - 1, i);
    }

    ml_text_append(out, "]", 1);

    return i;
}


void
ml_response_elements(ml_text_t *out, ml_dtype_e dtype, const void *data,
    size_t n)
{
    int64_t  dims[1];

    dims[0] = (int64_t) n;

    (void) ml_response_nested(out, dtype, data, dims, 1, 0);
}


static void
ml_response_output(ml_text_t *out, const ml_tensor_spec_t *spec,
    const void *data, int64_t rows, ml_contract_form_e form)
{
    size_t          elements, i;
    int64_t         row;
    uint32_t        d, rank;
    const int64_t  *dims;

    /* a row: what is left of the shape without the batch */

    dims = spec->dims;
    rank = spec->rank;

    if (form != ML_CONTRACT_WHOLE) {
        dims++;
        rank--;
    }

    for (d = 0, elements = 1; d < rank; d++) {
        elements *= (size_t) dims[d];
    }

    if (elements == 1) {
        rank = 0;
    }

    if (form != ML_CONTRACT_BATCH) {
        (void) ml_response_nested(out, spec->dtype, data, dims, rank, 0);
        return;
    }

    ml_text_append(out, "[", 1);

    for (row = 0, i = 0; row < rows; row++) {
        if (row > 0) {
            ml_text_append(out, ",", 1);
        }

        i = ml_response_nested(out, spec->dtype, data, dims, rank, i);
    }

    ml_text_append(out, "]", 1);
}


void
ml_response_render(ml_text_t *out, const ml_tensor_spec_t *outputs, size_t n,
    void *const *data, int64_t rows, ml_contract_form_e form)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (i > 0) {
            ml_text_append(out, ",", 1);
        }

        ml_text_json_string(out, outputs[i].name, strlen(outputs[i].name));
        ml_text_append(out, ":", 1);

        ml_response_output(out, &outputs[i], data[i], rows, form);
    }
}
