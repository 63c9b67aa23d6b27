/*
 * Tensors as they pass between the validator, the queue and a backend.
 *
 * Row-major, dense, host byte order, no strides.  The first dimension of a
 * batched tensor is the row.  Element types are those of ONNX
 * (onnx.proto3, TensorProto.DataType) and carry the same numbers.
 */

#ifndef ML_TENSOR_H
#define ML_TENSOR_H

#include <stddef.h>
#include <stdint.h>


#define ML_TENSOR_MAX_RANK  8


/* Element type; the values are TensorProto.DataType of onnx.proto3. */
typedef enum {
    ML_DTYPE_NONE    = 0,
    ML_DTYPE_FLOAT32 = 1,
    ML_DTYPE_UINT8   = 2,
    ML_DTYPE_INT8    = 3,
    ML_DTYPE_UINT16  = 4,
    ML_DTYPE_INT16   = 5,
    ML_DTYPE_INT32   = 6,
    ML_DTYPE_INT64   = 7,
    ML_DTYPE_BOOL    = 9,
    ML_DTYPE_FLOAT16 = 10,
    ML_DTYPE_FLOAT64 = 11,
    ML_DTYPE_UINT32  = 12,
    ML_DTYPE_UINT64  = 13,
    ML_DTYPE_BFLOAT16 = 16
} ml_dtype_e;


/*
 * What a tensor must look like.  A dimension of -1 is free; "bound" is then
 * the largest value it may take (0: not known).  At most one dimension of
 * a request's contract is free, and it is the first.
 */
typedef struct {
    const char  *name;                        /* NUL-terminated, not owned */
    ml_dtype_e   dtype;
    uint32_t     rank;
    int64_t      dims[ML_TENSOR_MAX_RANK];
    int64_t      bound;
} ml_tensor_spec_t;


/*
 * A tensor's value.  "data" is owned by whoever holds the struct, comes from
 * malloc() and goes back with free(); "bytes" is the exact payload size.
 */
typedef struct {
    const char  *name;                        /* NUL-terminated, not owned */
    ml_dtype_e   dtype;
    uint32_t     rank;
    int64_t      dims[ML_TENSOR_MAX_RANK];
    void        *data;
    size_t       bytes;
} ml_tensor_t;


/* Bytes of one element, 0 for an unknown type. */
size_t ml_dtype_size(ml_dtype_e dtype);

/* "float32", "int64", ...; "unknown" for an unknown type.  Static. */
const char *ml_dtype_name(ml_dtype_e dtype);

/* The type of a numpy-style name, ML_DTYPE_NONE when there is none. */
ml_dtype_e ml_dtype_parse(const char *name, size_t len);

/*
 * Product of "rank" dimensions times the element size, in bytes, checked.
 * Returns 0 and stores the result, or -1 when a dimension is negative or
 * the product does not fit in size_t.
 */
int ml_tensor_size(ml_dtype_e dtype, uint32_t rank, const int64_t *dims,
    size_t *bytes);

/*
 * The same for one row of a batched model's input or output; for the whole
 * where "batched" is 0.
 */
int ml_tensor_row_size(const ml_tensor_spec_t *spec, int batched,
    size_t *bytes);


#endif /* ML_TENSOR_H */
