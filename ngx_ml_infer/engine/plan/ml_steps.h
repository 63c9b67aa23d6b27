/*
 * From a model's nodes to the steps of a backend: a product with constant
 * weights, its bias and a Relu behind it are one step (linear); a change of
 * shape alone is none; every other node is a step.
 *
 * Compiled into each backend that uses it.
 */

#ifndef ML_STEPS_H
#define ML_STEPS_H

#include "ml_graph.h"


/*
 * d[m][n] = alpha * s[m][k] * weights[k][n] + bias[n], all float32, where m
 * is what the dimensions of s before the last multiply to.
 */
typedef struct {
    const ml_value_t  *value;       /* of the weights */
    float              alpha;
    int                transposed;  /* stored as [n][k] */
    int                relu;
    int64_t            k;
    int64_t            n;
    float             *bias;        /* n of them; NULL: none */
} ml_linear_t;


typedef struct {
    const ml_node_t   *node;        /* the first of those in the step */
    int32_t            input;       /* of a linear step */
    int32_t            output;
    ml_linear_t       *linear;      /* NULL: the node as it is */
} ml_step_t;


typedef struct {
    ml_step_t         *steps;
    size_t             nsteps;
    int32_t           *root;        /* by value: the one whose memory it has */
} ml_steps_t;


/*
 * Finds the steps of a model, which must outlive them.  Returns 0, or -1
 * without memory; ml_steps_free() is due in both cases.
 */
int ml_steps_find(ml_steps_t *steps, const ml_model_t *model);

/* Frees them; "steps" may be all zero. */
void ml_steps_free(ml_steps_t *steps);

/* The values that a step reads; ML_ABSENT is among them. */
size_t ml_step_ninputs(const ml_step_t *step);
int32_t ml_step_input(const ml_step_t *step, size_t i);


#endif /* ML_STEPS_H */
