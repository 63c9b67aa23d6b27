/*
 * The CPU backend's own parts.
 *
 * A model becomes a list of steps when it is loaded: a product with constant
 * weights, its bias and a Relu behind it are one step and oneDNN's (linear);
 * everything else is a step of the reference kernel; a change of shape alone
 * is none.  For a number of rows, a plan adds where each value lies and, for
 * linear steps, the primitive.  A plan owns all memory that a run needs.
 */

#ifndef ML_BACKEND_CPU_H
#define ML_BACKEND_CPU_H

#include <stdatomic.h>

#include <dnnl.h>

#include "ml_backend.h"
#include "ml_graph.h"


#define ML_CPU_ALIGN  64


/* Weights in the layout that some primitive wants; several plans share it. */
typedef struct ml_cpu_weights_s  ml_cpu_weights_t;

struct ml_cpu_weights_s {
    ml_cpu_weights_t    *next;
    const ml_value_t    *value;
    float                alpha;     /* multiplied in */
    int                  transposed;
    dnnl_memory_t        memory;
};


/* dst[m][n] = src[m][k] * weights[k][n] + bias[n] */
typedef struct {
    const ml_value_t    *value;     /* of the weights */
    float                alpha;
    int                  transposed;    /* stored as [n][k] */
    int                  relu;
    int64_t              k;
    int64_t              n;
    float               *bias;      /* n of them; NULL: none */
} ml_cpu_linear_t;


typedef struct {
    const ml_node_t     *node;      /* the first of those in the step */
    int32_t              input;     /* of a linear step */
    int32_t              output;
    ml_cpu_linear_t     *linear;    /* NULL: the reference kernel */
} ml_cpu_step_t;


/* What a linear step needs for a number of rows. */
typedef struct {
    dnnl_primitive_t     primitive;
    dnnl_memory_t        source;
    dnnl_memory_t        destination;
    dnnl_memory_t        bias;
    dnnl_memory_t        scratchpad;
    dnnl_exec_arg_t      arguments[5];
    int                  narguments;
    size_t               elements;  /* of the destination */
} ml_cpu_product_t;


/* A value that lies in the caller's memory. */
typedef struct {
    int32_t              value;
    uint32_t             index;     /* of the input or output */
    int                  output;
} ml_cpu_bound_t;


typedef struct ml_cpu_plan_s  ml_cpu_plan_t;

struct ml_cpu_plan_s {
    ml_cpu_plan_t       *next;
    int64_t              rows;
    ml_array_t          *arrays;    /* by value */
    const ml_array_t   **inputs;    /* of each step, one after another */
    ml_cpu_product_t    *products;  /* by step */
    ml_cpu_bound_t      *bound;
    size_t               nbound;
    void                *memory;    /* of computed values */
    void                *scratchpad;    /* one for all primitives */
};


struct ml_backend_context_s {
    const ml_model_t    *model;
    dnnl_engine_t        engine;
    dnnl_stream_t        stream;
    ml_cpu_step_t       *steps;
    size_t               nsteps;
    int32_t             *root;      /* by value: the one whose memory it has */
    ml_cpu_weights_t    *weights;
    ml_cpu_plan_t       *plans;
    atomic_int           cancelled;
};


/* Where a reason goes. */
typedef struct {
    char                *text;
    size_t               size;
} ml_cpu_error_t;


ml_backend_status_e ml_cpu_fail(ml_cpu_error_t *error,
    ml_backend_status_e status, const char *what);
ml_backend_status_e ml_cpu_dnnl(ml_cpu_error_t *error, dnnl_status_t status,
    const char *what);

/* Finds the steps: ml_cpu_steps.c */
ml_backend_status_e ml_cpu_steps(ml_backend_context_t *context,
    ml_cpu_error_t *error);
void ml_cpu_steps_free(ml_backend_context_t *context);

/* Lays out values for a number of rows: ml_cpu_plan.c */
ml_backend_status_e ml_cpu_plan(ml_backend_context_t *context, int64_t rows,
    ml_cpu_plan_t **plan, ml_cpu_error_t *error);
void ml_cpu_plan_free(ml_backend_context_t *context, ml_cpu_plan_t *plan);

/*
 * Makes the primitive for m rows: ml_cpu_linear.c.  "scratchpad" grows to
 * what it needs.
 */
ml_backend_status_e ml_cpu_product(ml_backend_context_t *context,
    const ml_cpu_linear_t *linear, int64_t m, ml_cpu_product_t *product,
    size_t *scratchpad, ml_cpu_error_t *error);
dnnl_status_t ml_cpu_product_run(ml_backend_context_t *context,
    const ml_cpu_linear_t *linear, ml_cpu_product_t *product, void *source,
    void *destination);
void ml_cpu_product_free(ml_cpu_product_t *product);
void ml_cpu_weights_free(ml_backend_context_t *context);


#endif /* ML_BACKEND_CPU_H */
