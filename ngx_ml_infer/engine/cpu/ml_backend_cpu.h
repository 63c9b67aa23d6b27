/*
 * The CPU backend's own parts.
 *
 * The steps of a model (ml_steps.h) that are linear are oneDNN's; all others
 * are those of the reference kernel.  For a number of rows, a plan adds where
 * each value lies and, for linear steps, the primitive.  A plan owns all
 * memory that a run needs.
 */

#ifndef ML_BACKEND_CPU_H
#define ML_BACKEND_CPU_H

#include <stdatomic.h>

#include <dnnl.h>

#include "ml_backend.h"
#include "ml_layout.h"


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


typedef struct ml_cpu_plan_s  ml_cpu_plan_t;

struct ml_cpu_plan_s {
    ml_cpu_plan_t       *next;
    int64_t              rows;
    ml_array_t          *arrays;    /* by value */
    const ml_array_t   **inputs;    /* of each step, one after another */
    ml_cpu_product_t    *products;  /* by step */
    ml_bound_t          *bound;     /* in the caller's memory */
    size_t               nbound;
    void                *memory;    /* of computed values */
    void                *scratchpad;    /* one for all primitives */
};


struct ml_backend_context_s {
    const ml_model_t    *model;
    dnnl_engine_t        engine;
    dnnl_stream_t        stream;
    ml_steps_t           steps;
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

/* Lays out values for a number of rows: ml_cpu_plan.c */
ml_backend_status_e ml_cpu_plan(ml_backend_context_t *context, int64_t rows,
    ml_cpu_plan_t **plan, ml_cpu_error_t *error);
void ml_cpu_plan_free(ml_backend_context_t *context, ml_cpu_plan_t *plan);

/*
 * Makes the primitive for m rows: ml_cpu_linear.c.  "scratchpad" grows to
 * what it needs.
 */
ml_backend_status_e ml_cpu_product(ml_backend_context_t *context,
    const ml_linear_t *linear, int64_t m, ml_cpu_product_t *product,
    size_t *scratchpad, ml_cpu_error_t *error);
dnnl_status_t ml_cpu_product_run(ml_backend_context_t *context,
    const ml_linear_t *linear, ml_cpu_product_t *product, void *source,
    void *destination);
void ml_cpu_product_free(ml_cpu_product_t *product);
void ml_cpu_weights_free(ml_backend_context_t *context);


#endif /* ML_BACKEND_CPU_H */
