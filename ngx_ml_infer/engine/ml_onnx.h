/*
 * A bounded reader of ONNX files: the protobuf wire format of ModelProto,
 * read in place.
 *
 * The file is untrusted.  The messages that it may hold are walked by one
 * function per message type, none of which calls itself, so no file can make
 * the stack deep; every count is limited below; names and small attributes
 * are copied into an arena that has a limit, the payload of tensors is only
 * pointed at.  What the engine has no use for and what would change the
 * meaning of a graph is refused, not skipped: subgraphs, functions, sparse
 * and external tensors, training information, sequences and maps.  Fields
 * that do not exist in the format are skipped, as protobuf demands.
 *
 * Source: onnx/onnx.proto3 (IR versions 3 to 13), and
 * protobuf.dev/programming-guides/encoding.
 */

#ifndef ML_ONNX_H
#define ML_ONNX_H

#include <stddef.h>
#include <stdint.h>

#include "ml_arena.h"
#include "ml_tensor.h"


#define ML_ONNX_MAX_BYTES       0x7fffffff      /* of a file; protobuf's own */
#define ML_ONNX_MAX_NODES       16384
#define ML_ONNX_MAX_TENSORS     16384           /* initializers */
#define ML_ONNX_MAX_PORTS       256             /* inputs or outputs */
#define ML_ONNX_MAX_ATTRIBUTES  32              /* of a node */
#define ML_ONNX_MAX_LIST        4096            /* values in an attribute */
#define ML_ONNX_MAX_IMPORTS     64
#define ML_ONNX_MAX_NAME        512
#define ML_ONNX_MAX_METADATA    (64 * 1024 * 1024)

#define ML_ONNX_MIN_IR          3
#define ML_ONNX_MAX_IR          13
#define ML_ONNX_MIN_OPSET       7
#define ML_ONNX_MAX_OPSET       21


/*
 * A tensor as the file has it: its element count is known to fit its shape,
 * its payload lies in the file.
 */
typedef struct {
    const char     *name;           /* "" in an attribute */
    ml_dtype_e      dtype;
    uint32_t        rank;
    int64_t         dims[ML_TENSOR_MAX_RANK];
    size_t          bytes;          /* of the decoded payload */

    const uint8_t  *raw;            /* little-endian, unaligned; or NULL, */
    const uint8_t  *message;        /* then typed fields of this message */
    size_t          length;
} ml_onnx_tensor_t;


/* AttributeProto.AttributeType, as far as the engine reads it. */
typedef enum {
    ML_ONNX_FLOAT   = 1,
    ML_ONNX_INT     = 2,
    ML_ONNX_STRING  = 3,
    ML_ONNX_TENSOR  = 4,
    ML_ONNX_FLOATS  = 6,
    ML_ONNX_INTS    = 7,
    ML_ONNX_STRINGS = 8
} ml_onnx_type_e;


typedef struct {
    const char        *name;
    ml_onnx_type_e     type;
    float              f;
    int64_t            i;
    const char        *s;           /* not NULL for ML_ONNX_STRING */
    ml_onnx_tensor_t  *tensor;      /* not NULL for ML_ONNX_TENSOR */
    float             *floats;
    int64_t           *ints;
    uint32_t           n;           /* of floats or ints */
} ml_onnx_attribute_t;


typedef struct {
    const char           *name;     /* may be "" */
    const char           *domain;   /* "" is the default domain */
    const char           *operator;
    const char          **inputs;   /* "" where an optional one is absent */
    const char          **outputs;
    ml_onnx_attribute_t  *attributes;
    uint32_t              ninputs;
    uint32_t              noutputs;
    uint32_t              nattributes;
} ml_onnx_node_t;


/* An input or output of the graph; a free dimension is -1. */
typedef struct {
    const char  *name;
    ml_dtype_e   dtype;
    uint32_t     rank;
    int64_t      dims[ML_TENSOR_MAX_RANK];
    int          shaped;            /* the file gives a shape */
} ml_onnx_port_t;


typedef struct {
    int64_t            opset;       /* of the default domain */
    ml_onnx_node_t    *nodes;
    ml_onnx_tensor_t  *tensors;     /* initializers */
    ml_onnx_port_t    *inputs;
    ml_onnx_port_t    *outputs;
    uint32_t           nnodes;
    uint32_t           ntensors;
    uint32_t           ninputs;
    uint32_t           noutputs;
} ml_onnx_t;


/*
 * Reads the whole file.  data must stay as long as onnx is used, the arena
 * holds everything else.  Returns 0, or -1 with one line of why in error.
 */
int ml_onnx_read(ml_onnx_t *onnx, ml_arena_t *arena, const void *data,
    size_t len, char *error, size_t size);

/*
 * Writes the tensor's payload, tensor->bytes bytes in host order, to memory
 * aligned for its type.  A bool becomes 0 or 1.
 */
void ml_onnx_tensor_copy(const ml_onnx_tensor_t *tensor, void *data);


#endif /* ML_ONNX_H */
