/*
 * A checked model as backends see it: values, and the nodes that compute
 * them, in an order in which each may be run.
 *
 * What a backend may rely on:
 *  - constants are folded: every node has an input that depends on the
 *    model's inputs, and every node is needed for an output;
 *  - shapes are inferred.  In a batched model every value that is computed
 *    has ML_ROWS as its first dimension and nowhere else, and row i of it
 *    depends on row i of the inputs alone, so that rows of several requests
 *    may share a run.  In any other model every dimension is known;
 *  - types, ranks, attributes and dimensions suit the operator: kernels
 *    check nothing and cannot fail.
 *
 * The structures are plain data and constant once the model is open, so that
 * a backend, a shared object of its own, reads them without calling anything
 * and reaches the reference kernels through node->operator->kernel.
 */

#ifndef ML_GRAPH_H
#define ML_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "ml_arena.h"
#include "ml_model.h"


#define ML_ROWS         (-1)        /* a dimension: as many as there are rows */
#define ML_ABSENT       (-1)        /* an optional input that is not given */

#define ML_MAX_INPUTS   256         /* of a node */


/* What is needed to compute with a value: dimensions are all known. */
typedef struct {
    ml_dtype_e   dtype;
    uint32_t     rank;
    int64_t      dims[ML_TENSOR_MAX_RANK];
    void        *data;              /* dense, aligned for the type */
} ml_array_t;


typedef struct {
    const char  *name;
    ml_dtype_e   dtype;
    uint32_t     rank;
    int64_t      dims[ML_TENSOR_MAX_RANK];
    void        *data;              /* a constant; NULL: computed, or input */
    size_t       bytes;             /* of data */
} ml_value_t;


/* Operators that a backend may want to treat in a way of its own. */
typedef enum {
    ML_KIND_OTHER = 0,
    ML_KIND_VIEW,                   /* the first input under another shape */
    ML_KIND_GEMM,
    ML_KIND_MATMUL,
    ML_KIND_ADD,
    ML_KIND_RELU
} ml_kind_e;


/* The attributes of a node, each operator's own, defaults filled in. */
typedef struct {
    uint32_t  axis;
    uint32_t  axes;                 /* reduced dimensions, a bit for each */
    uint8_t   permutation[ML_TENSOR_MAX_RANK];

    double    alpha;
    double    beta;
    double    epsilon;
    double    minimum;              /* Clip before opset 11 */
    double    maximum;

    unsigned  transpose_a:1;
    unsigned  transpose_b:1;
    unsigned  flatten:1;            /* Softmax from axis to the last */
    unsigned  last:1;               /* ArgMax: the last of equals */
    unsigned  approximate:1;        /* Gelu by tanh */
} ml_parameters_t;


typedef struct ml_operator_s  ml_operator_t;


typedef struct {
    const char           *name;     /* may be "" */
    const ml_operator_t  *operator;
    int32_t              *inputs;   /* values, or ML_ABSENT */
    uint32_t              ninputs;
    int32_t               output;
    ml_parameters_t       parameters;
} ml_node_t;


/*
 * Computes a node with plain C.  inputs has node->ninputs pointers, NULL
 * where one is absent; output->data is written whole and overlaps no input.
 */
typedef void (*ml_kernel_pt)(const ml_node_t *node,
    const ml_array_t *const *inputs, const ml_array_t *output);


typedef struct ml_build_s  ml_build_t;

/*
 * Checks a node and infers its output's type and shape, and its parameters.
 * Returns 0, or -1 with the reason written.
 */
typedef int (*ml_infer_pt)(ml_build_t *build, ml_node_t *node,
    ml_value_t *output);


struct ml_operator_s {
    const char    *name;
    uint8_t        since;           /* opsets, inclusive */
    uint8_t        until;
    uint8_t        least;           /* inputs */
    uint16_t       most;
    ml_kind_e      kind;
    unsigned       moves:1;         /* takes elements as they are */
    ml_infer_pt    infer;
    ml_kernel_pt   kernel;          /* NULL: always a constant */
};


struct ml_model_s {
    ml_value_t        *values;
    ml_node_t         *nodes;
    int32_t           *inputs;      /* values */
    int32_t           *outputs;
    ml_tensor_spec_t  *input_specs;
    ml_tensor_spec_t  *output_specs;
    uint32_t           nvalues;
    uint32_t           nnodes;
    uint32_t           ninputs;
    uint32_t           noutputs;
    int                batched;
    uint64_t           identity;    /* of the file */

    ml_arena_t         arena;       /* everything but constants */
};


#endif /* ML_GRAPH_H */
