/*
 * Writes ONNX files for tests, good ones and bad ones: the protobuf wire
 * format without any check.  Aborts without memory.
 */

#ifndef ONNX_WRITER_H
#define ONNX_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ml_tensor.h"


typedef struct {
    uint8_t  *data;
    size_t    len;
    size_t    size;
} writer_t;


static void __attribute__((unused))
writer_raw(writer_t *w, const void *data, size_t len)
{
    if (len > w->size - w->len) {
        w->size = (w->size + len) * 2;
        w->data = realloc(w->data, w->size);

        if (w->data == NULL) {
            abort();
        }
    }

    if (len != 0) {
        memcpy(w->data + w->len, data, len);
        w->len += len;
    }
}


static void __attribute__((unused))
writer_free(writer_t *w)
{
    free(w->data);
    memset(w, 0, sizeof(writer_t));
}


static void __attribute__((unused))
writer_varint(writer_t *w, uint64_t value)
{
    uint8_t  c;

    do {
        c = value & 0x7f;
        value >>= 7;
        c |= value ? 0x80 : 0;
        writer_raw(w, &c, 1);
    } while (value);
}


static void __attribute__((unused))
writer_int(writer_t *w, unsigned field, int64_t value)
{
    writer_varint(w, field << 3);
    writer_varint(w, (uint64_t) value);
}


static void __attribute__((unused))
writer_float(writer_t *w, unsigned field, float value)
{
    writer_varint(w, field << 3 | 5);
    writer_raw(w, &value, 4);
}


static void __attribute__((unused))
writer_bytes(writer_t *w, unsigned field, const void *data, size_t len)
{
    writer_varint(w, field << 3 | 2);
    writer_varint(w, len);
    writer_raw(w, data, len);
}


static void __attribute__((unused))
writer_string(writer_t *w, unsigned field, const char *s)
{
    writer_bytes(w, field, s, strlen(s));
}


/* Puts a message into another, and frees it. */

static void __attribute__((unused))
writer_message(writer_t *w, unsigned field, writer_t *message)
{
    writer_bytes(w, field, message->data ? message->data : (uint8_t *) "",
                 message->len);
    writer_free(message);
}


static void __attribute__((unused))
writer_tensor_head(writer_t *w, const char *name, int dtype, unsigned rank,
    const int64_t *dims)
{
    unsigned  i;

    for (i = 0; i < rank; i++) {
        writer_int(w, 1, dims[i]);
    }

    writer_int(w, 2, dtype);
    writer_string(w, 8, name);
}


/* An initializer, with raw data. */

static void __attribute__((unused))
writer_tensor(writer_t *graph, const char *name, int dtype, unsigned rank,
    const int64_t *dims, const void *data, size_t bytes)
{
    writer_t  tensor = { NULL, 0, 0 };

    writer_tensor_head(&tensor, name, dtype, rank, dims);
    writer_bytes(&tensor, 9, data, bytes);
    writer_message(graph, 5, &tensor);
}


static void __attribute__((unused))
writer_floats(writer_t *graph, const char *name, int64_t rows,
    int64_t columns, const float *data)
{
    int64_t  dims[2] = { rows, columns };

    writer_tensor(graph, name, ML_DTYPE_FLOAT32, 2, dims, data,
                  (size_t) (rows * columns) * sizeof(float));
}


static void __attribute__((unused))
writer_ints(writer_t *graph, const char *name, int64_t n,
    const int64_t *data)
{
    writer_tensor(graph, name, ML_DTYPE_INT64, 1, &n, data,
                  (size_t) n * sizeof(int64_t));
}


/* field 11: an input, 12: an output; a dimension of -1 is "N" */

static void __attribute__((unused))
writer_port(writer_t *graph, unsigned field, const char *name, int dtype,
    unsigned rank, const int64_t *dims)
{
    unsigned  i;
    writer_t  port = { NULL, 0, 0 }, type = { NULL, 0, 0 };
    writer_t  tensor = { NULL, 0, 0 }, shape = { NULL, 0, 0 };
    writer_t  dim = { NULL, 0, 0 };

    for (i = 0; i < rank; i++) {
        if (dims[i] == -1) {
            writer_string(&dim, 2, "N");

        } else {
            writer_int(&dim, 1, dims[i]);
        }

        writer_message(&shape, 1, &dim);
    }

    writer_int(&tensor, 1, dtype);
    writer_message(&tensor, 2, &shape);
    writer_message(&type, 1, &tensor);
    writer_string(&port, 1, name);
    writer_message(&port, 2, &type);
    writer_message(graph, field, &port);
}


/* A float32 input or output [N, columns]; columns 0: [N]. */

static void __attribute__((unused))
writer_rows(writer_t *graph, unsigned field, const char *name,
    int64_t columns)
{
    int64_t  dims[2] = { -1, columns };

    writer_port(graph, field, name, ML_DTYPE_FLOAT32, columns ? 2 : 1, dims);
}


static void __attribute__((unused))
writer_attribute_int(writer_t *node, const char *name, int64_t value)
{
    writer_t  attribute = { NULL, 0, 0 };

    writer_string(&attribute, 1, name);
    writer_int(&attribute, 3, value);
    writer_int(&attribute, 20, 2);
    writer_message(node, 5, &attribute);
}


static void __attribute__((unused))
writer_attribute_float(writer_t *node, const char *name, float value)
{
    writer_t  attribute = { NULL, 0, 0 };

    writer_string(&attribute, 1, name);
    writer_float(&attribute, 2, value);
    writer_int(&attribute, 20, 1);
    writer_message(node, 5, &attribute);
}


/* Names separated by commas; "attributes" is freed, and may be NULL. */

static void __attribute__((unused))
writer_node(writer_t *graph, const char *operator, const char *inputs,
    const char *outputs, writer_t *attributes)
{
    size_t       len;
    unsigned     field;
    writer_t     node = { NULL, 0, 0 };
    const char  *p;

    for (field = 1; field <= 2; field++) {
        p = field == 1 ? inputs : outputs;

        while (p != NULL) {
            len = strcspn(p, ",");
            writer_bytes(&node, field, p, len);
            p = p[len] ? p + len + 1 : NULL;
        }
    }

    writer_string(&node, 4, operator);

    if (attributes != NULL) {
        writer_raw(&node, attributes->data, attributes->len);
        writer_free(attributes);
    }

    writer_message(graph, 1, &node);
}


/* Frees the graph. */

static void __attribute__((unused))
writer_model(writer_t *model, writer_t *graph, int64_t opset)
{
    writer_t  import = { NULL, 0, 0 };

    writer_int(model, 1, 8);
    writer_int(&import, 2, opset);
    writer_message(model, 8, &import);
    writer_message(model, 7, graph);
}


#endif /* ONNX_WRITER_H */
