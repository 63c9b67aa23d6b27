/*
 * Reading a TensorProto; see ml_onnx.h.
 *
 * A tensor holds its elements either in raw_data or in one of the typed
 * fields, which one its element type says.  They are counted when the file
 * is read and stored only when the model asks for them.
 */

#include <string.h>

#include "ml_onnx_reader.h"


#define ML_FLOAT_DATA   4
#define ML_INT32_DATA   5
#define ML_INT64_DATA   7
#define ML_DOUBLE_DATA  10
#define ML_UINT64_DATA  11


/* Which field holds the elements of a type that are not in raw_data. */

static unsigned
ml_onnx_data_field(ml_dtype_e dtype)
{
    switch (dtype) {

    case ML_DTYPE_FLOAT32:
        return ML_FLOAT_DATA;

    case ML_DTYPE_INT64:
        return ML_INT64_DATA;

    case ML_DTYPE_FLOAT64:
        return ML_DOUBLE_DATA;

    case ML_DTYPE_UINT32:
    case ML_DTYPE_UINT64:
        return ML_UINT64_DATA;

    default:
        return ML_INT32_DATA;
    }
}


/* One element of a typed field; -1 when the type cannot hold it. */

static int
ml_onnx_element(ml_dtype_e dtype, uint64_t value, uint8_t *data)
{
    int64_t  v, low, high;
    size_t   size;

    v = (int64_t) value;
    size = ml_dtype_size(dtype);

    switch (dtype) {

    case ML_DTYPE_BOOL:
        low = 0, high = 1;
        break;

    case ML_DTYPE_INT8:
        low = INT8_MIN, high = INT8_MAX;
        break;

    case ML_DTYPE_UINT8:
        low = 0, high = UINT8_MAX;
        break;

    case ML_DTYPE_INT16:
        low = INT16_MIN, high = INT16_MAX;
        break;

    case ML_DTYPE_UINT16:
    case ML_DTYPE_FLOAT16:
        low = 0, high = UINT16_MAX;
        break;

    case ML_DTYPE_INT32:
        low = INT32_MIN, high = INT32_MAX;
        break;

    case ML_DTYPE_UINT32:
        low = 0, high = UINT32_MAX;
        break;

    default:
        low = INT64_MIN, high = INT64_MAX;
        break;
    }

    if (v < low || v > high) {
        return -1;
    }

    /* the low bytes come first on the machines that nginx runs on here */

    if (data != NULL) {
        memcpy(data, &value, size);
    }

    return 0;
}


/*
 * Counts the elements in the typed fields and, with data, stores them.
 * Returns -1 when one is malformed, out of range or in a foreign field.
 */

static int
ml_onnx_elements(const ml_onnx_tensor_t *tensor, size_t *count, uint8_t *data)
{
    int         rc;
    size_t      n, size, width;
    uint64_t    value;
    unsigned    number, wanted;
    ml_wire_t   wire, packed;
    ml_field_t  field;

    n = 0;
    size = ml_dtype_size(tensor->dtype);
    wanted = ml_onnx_data_field(tensor->dtype);
    width = (wanted == ML_FLOAT_DATA) ? 4 : (wanted == ML_DOUBLE_DATA) ? 8 : 0;

    wire.pos = tensor->message;
    wire.end = tensor->message + tensor->length;

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        number = (unsigned) (field.tag >> 3);

        if (number != ML_FLOAT_DATA && number != ML_INT32_DATA
            && number != ML_INT64_DATA && number != ML_DOUBLE_DATA
            && number != ML_UINT64_DATA)
        {
            continue;
        }

        if ((field.tag & 7) != ML_WIRE_BYTES) {

            if (number != wanted
                || ml_onnx_element(tensor->dtype, field.value,
                                   data ? data + n * size : NULL)
                   != 0)
            {
                return -1;
            }

            n++;
            continue;
        }

        if (field.len != 0 && number != wanted) {
            return -1;
        }

        ml_wire_open(&packed, &field);

        while (packed.pos != packed.end) {

            rc = width ? ml_wire_fixed(&packed, width, &value)
                       : ml_wire_varint(&packed, &value);

            if (rc != 0
                || ml_onnx_element(tensor->dtype, value,
                                   data ? data + n * size : NULL)
                   != 0)
            {
                return -1;
            }

            n++;
        }
    }

    *count = n;

    return rc;
}


static int
ml_onnx_dimension(ml_onnx_reader_t *reader, ml_onnx_tensor_t *tensor,
    uint64_t value)
{
    if (tensor->rank == ML_TENSOR_MAX_RANK) {
        return ml_onnx_fail(reader, "a tensor has more than %d dimensions",
                            ML_TENSOR_MAX_RANK);
    }

    tensor->dims[tensor->rank++] = (int64_t) value;

    return 0;
}


int
ml_onnx_tensor(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_tensor_t *tensor)
{
    int         rc;
    size_t      raw, count;
    uint64_t    value;
    ml_wire_t   wire, packed;
    ml_field_t  field;

    raw = 0;
    value = 0;
    tensor->name = "";
    tensor->message = message->data;
    tensor->length = message->len;

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_VARINT):
            if (ml_onnx_dimension(reader, tensor, field.value) != 0) {
                return -1;
            }

            break;

        case ml_tag(1, ML_WIRE_BYTES):
            ml_wire_open(&packed, &field);

            while (packed.pos != packed.end) {
                if (ml_wire_varint(&packed, &field.value) != 0) {
                    return ml_onnx_malformed(reader, "tensor");
                }

                if (ml_onnx_dimension(reader, tensor, field.value) != 0) {
                    return -1;
                }
            }

            break;

        case ml_tag(2, ML_WIRE_VARINT):
            value = field.value;
            break;

        case ml_tag(3, ML_WIRE_BYTES):
            return ml_onnx_fail(reader, "a tensor in segments");

        case ml_tag(8, ML_WIRE_BYTES):
            tensor->name = ml_onnx_name(reader, &field, "a tensor's name");
            if (tensor->name == NULL) {
                return -1;
            }

            break;

        case ml_tag(9, ML_WIRE_BYTES):
            tensor->raw = field.data;
            raw = field.len;
            break;

        case ml_tag(13, ML_WIRE_BYTES):
            return ml_onnx_fail(reader, "a tensor's data is in another file, "
                                "which is not supported: save the model as "
                                "one file");

        case ml_tag(14, ML_WIRE_VARINT):
            if (field.value != 0) {
                return ml_onnx_fail(reader, "a tensor's data is in another "
                                    "file, which is not supported: save the "
                                    "model as one file");
            }

            break;
        }
    }

    if (rc != 0) {
        return ml_onnx_malformed(reader, "tensor");
    }

    tensor->dtype = value <= ML_DTYPE_BFLOAT16 ? (ml_dtype_e) value
                                             : ML_DTYPE_NONE;

    if (ml_dtype_size(tensor->dtype) == 0) {
        return ml_onnx_fail(reader, "tensor \"%.80s\" has element type %lu, "
                            "which is not supported", tensor->name,
                            (unsigned long) value);
    }

    if (ml_tensor_size(tensor->dtype, tensor->rank, tensor->dims,
                       &tensor->bytes)
        != 0)
    {
        return ml_onnx_fail(reader, "tensor \"%.80s\" has impossible "
                            "dimensions", tensor->name);
    }

    if (ml_onnx_elements(tensor, &count, NULL) != 0
        || (tensor->raw != NULL && count != 0))
    {
        return ml_onnx_fail(reader, "tensor \"%.80s\" has malformed data",
                            tensor->name);
    }

    if (tensor->raw == NULL) {
        /* bounded by the file: an element takes a byte at least */
        raw = count * ml_dtype_size(tensor->dtype);
    }

    if (raw != tensor->bytes) {
        return ml_onnx_fail(reader, "tensor \"%.80s\" has %zu bytes of data, "
                            "its shape needs %zu", tensor->name, raw,
                            tensor->bytes);
    }

    return 0;
}


void
ml_onnx_tensor_copy(const ml_onnx_tensor_t *tensor, void *data)
{
    size_t    i, count;
    uint8_t  *p;

    p = data;

    if (tensor->raw == NULL) {
        (void) ml_onnx_elements(tensor, &count, p);
        return;
    }

    if (tensor->bytes != 0) {
        memcpy(p, tensor->raw, tensor->bytes);
    }

    if (tensor->dtype == ML_DTYPE_BOOL) {
        for (i = 0; i < tensor->bytes; i++) {
            p[i] = (p[i] != 0);
        }
    }
}
