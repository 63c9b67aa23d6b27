/*
 * What the files of the ONNX reader share; see ml_onnx.h.  Each function
 * reads one message type and returns 0, or -1 with the reason written.
 */

#ifndef ML_ONNX_READER_H
#define ML_ONNX_READER_H

#include "ml_onnx.h"
#include "ml_wire.h"


typedef struct {
    ml_arena_t  *arena;
    char        *error;
    size_t       size;
    int64_t      node;              /* being read, -1: none */
} ml_onnx_reader_t;


/* Writes the reason; always -1, so that a caller may return it. */
int ml_onnx_fail(ml_onnx_reader_t *reader, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int ml_onnx_malformed(ml_onnx_reader_t *reader, const char *message);

/* Zeroed memory from the arena; NULL with the reason written. */
void *ml_onnx_take(ml_onnx_reader_t *reader, size_t n, size_t size);

/* Copies a string that names something; NULL with the reason written. */
const char *ml_onnx_name(ml_onnx_reader_t *reader, const ml_field_t *field,
    const char *what);

/* TensorProto and NodeProto. */
int ml_onnx_tensor(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_tensor_t *tensor);
int ml_onnx_node(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_node_t *node);


#endif /* ML_ONNX_READER_H */
