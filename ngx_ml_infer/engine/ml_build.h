/*
 * A model being built: what the steps from file to graph share.  Functions
 * that return int give 0, or -1 with the reason written.
 */

#ifndef ML_BUILD_H
#define ML_BUILD_H

#include "ml_graph.h"
#include "ml_onnx.h"


/*
 * In constants that describe a shape, the number of rows, which is not known
 * before a request comes.
 */
#define ML_ROWS_SYMBOL  INT64_MIN

/* an output that an operator may have, and that the engine does not make */
#define ML_UNMADE       (-2)


/* Who gives a name; in the order in which equal names are sorted. */
typedef enum {
    ML_NAME_TENSOR = 0,
    ML_NAME_INPUT,
    ML_NAME_OUTPUT
} ml_name_e;


typedef struct {
    const char  *name;
    ml_name_e    from;
    int32_t      value;
} ml_name_t;


struct ml_build_s {
    ml_model_t            *model;
    ml_onnx_t              onnx;

    ml_name_t             *names;       /* sorted, unique */
    size_t                 nnames;
    uint32_t              *order;       /* of nodes */
    uint8_t               *shadowed;    /* inputs that have an initializer */
    int32_t                first_tensor;    /* values: inputs, tensors, ... */
    int32_t                first_output;    /* ... first outputs of nodes */

    const ml_onnx_node_t  *source;      /* node in hand, NULL: none */
    uint32_t               taken;       /* its attributes, a bit for each */
    uint8_t               *symbolic;    /* by value: holds ML_ROWS_SYMBOL */

    size_t                 weights;     /* bytes copied from the file */
    size_t                 constants;   /* bytes computed so far */
    uint64_t               work;        /* operations spent on folding */

    char                  *error;
    size_t                 size;
};


/* Everything; build->model, error and size are set, the rest is zero. */
int ml_build(ml_build_t *build, const void *data, size_t len);

/* Checks names, puts values for them, and finds the order of nodes. */
int ml_build_names(ml_build_t *build);
int ml_build_wires(ml_build_t *build);
int ml_build_order(ml_build_t *build);
ml_name_t *ml_build_name(ml_build_t *build, const char *name);

/* Drops the nodes that no output needs, and constants that no node needs. */
int ml_build_prune(ml_build_t *build);

/* Bounds the memory that a row takes. */
int ml_build_live(ml_build_t *build);

/* In one row; dimensions of 0 count as 1. */
uint64_t ml_value_elements(const ml_value_t *value);

/* Writes the reason, with the node it is about; always -1. */
int ml_build_fail(ml_build_t *build, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Zeroed memory that lives as long as the model; NULL with the reason. */
void *ml_build_take(ml_build_t *build, size_t n, size_t size);

/* Takes memory for a constant of the dimensions in value. */
int ml_build_constant(ml_build_t *build, ml_value_t *value);

/* The node's i-th input, NULL when absent. */
ml_value_t *ml_build_input(ml_build_t *build, const ml_node_t *node,
    uint32_t i);


#endif /* ML_BUILD_H */
