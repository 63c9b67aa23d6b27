/* From nodes to steps; see ml_steps.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_steps.h"


/* Who uses each value. */
typedef struct {
    uint32_t  *count;
    uint32_t  *last;                /* node */
    uint8_t   *taken;               /* nodes that are part of a step */
} ml_users_t;


static size_t
ml_steps_elements(const ml_value_t *value)
{
    return value->bytes / sizeof(float);
}


/*
 * Adds beta times a constant to the bias.  Returns 0 when the constant is
 * not the same for every row.
 */

static int
ml_steps_bias(ml_linear_t *linear, const ml_value_t *value, float beta)
{
    float       *data;
    int64_t      i;
    uint32_t     d;

    if (value->data == NULL || value->dtype != ML_DTYPE_FLOAT32) {
        return 0;
    }

    for (d = 0; d + 1 < value->rank; d++) {
        if (value->dims[d] != 1) {
            return 0;
        }
    }

    if (ml_steps_elements(value) != 1
        && ml_steps_elements(value) != (size_t) linear->n)
    {
        return 0;
    }

    linear->bias = malloc((size_t) linear->n * sizeof(float));

    if (linear->bias == NULL) {
        return 0;
    }

    data = value->data;

    for (i = 0; i < linear->n; i++) {
        linear->bias[i] = beta * data[ml_steps_elements(value) == 1 ? 0 : i];
    }

    return 1;
}


/*
 * Whether a node is a product with constant weights, and which.  NULL, for
 * lack of memory too, leaves it to the reference kernel.
 */

static ml_linear_t *
ml_steps_linear(const ml_model_t *model, const ml_node_t *node)
{
    ml_value_t              *a, *b, *c;
    ml_linear_t         *linear;
    const ml_parameters_t   *p;

    if (node->operator->kind != ML_KIND_GEMM
        && node->operator->kind != ML_KIND_MATMUL)
    {
        return NULL;
    }

    p = &node->parameters;
    a = &model->values[node->inputs[0]];
    b = &model->values[node->inputs[1]];

    if (a->data != NULL || a->dtype != ML_DTYPE_FLOAT32 || a->rank < 2
        || b->data == NULL || b->bytes == 0 || b->rank != 2
        || p->transpose_a)
    {
        return NULL;
    }

    linear = calloc(1, sizeof(ml_linear_t));

    if (linear == NULL) {
        return NULL;
    }

    linear->value = b;
    linear->alpha = 1;

    if (node->operator->kind == ML_KIND_GEMM) {
        linear->alpha = (float) p->alpha;
        linear->transposed = p->transpose_b;
    }

    linear->k = b->dims[linear->transposed];
    linear->n = b->dims[!linear->transposed];

    if (node->operator->kind == ML_KIND_GEMM && node->ninputs > 2) {
        c = &model->values[node->inputs[2]];

        if (!ml_steps_bias(linear, c, (float) p->beta)) {
            free(linear);
            return NULL;
        }
    }

    return linear;
}


static int
ml_steps_is_output(const ml_model_t *model, int32_t value)
{
    uint32_t  i;

    for (i = 0; i < model->noutputs; i++) {
        if (model->outputs[i] == value) {
            return 1;
        }
    }

    return 0;
}


/* The node of that kind which alone uses a value, if there is one. */

static const ml_node_t *
ml_steps_follower(const ml_model_t *model, const ml_users_t *users,
    int32_t value, ml_kind_e kind)
{
    const ml_node_t  *node;

    if (users->count[value] != 1 || ml_steps_is_output(model, value)) {
        return NULL;
    }

    node = &model->nodes[users->last[value]];

    return node->operator->kind == kind ? node : NULL;
}


static int
ml_steps_same_shape(const ml_model_t *model, int32_t one, int32_t two)
{
    const ml_value_t  *a, *b;

    a = &model->values[one];
    b = &model->values[two];

    return a->rank == b->rank
           && memcmp(a->dims, b->dims, a->rank * sizeof(int64_t)) == 0;
}


/* Takes a bias and a Relu that follow into the step. */

static void
ml_steps_fuse(const ml_model_t *model, ml_users_t *users,
    ml_step_t *step)
{
    int32_t           other;
    const ml_node_t  *node;

    if (step->linear->bias == NULL) {
        node = ml_steps_follower(model, users, step->output, ML_KIND_ADD);

        if (node != NULL
            && ml_steps_same_shape(model, node->output, step->output))
        {
            other = node->inputs[node->inputs[0] == step->output];

            if (ml_steps_bias(step->linear, &model->values[other], 1)) {
                users->taken[node - model->nodes] = 1;
                step->output = node->output;
            }
        }
    }

    node = ml_steps_follower(model, users, step->output, ML_KIND_RELU);

    if (node != NULL) {
        users->taken[node - model->nodes] = 1;
        step->output = node->output;
        step->linear->relu = 1;
    }
}


static void
ml_users_free(ml_users_t *users)
{
    free(users->count);
    free(users->last);
    free(users->taken);
}


static int
ml_users(const ml_model_t *model, ml_users_t *users)
{
    uint32_t          i, j;
    const ml_node_t  *node;

    /* one more, since a model without nodes is a model */

    users->count = calloc(model->nvalues + 1, sizeof(uint32_t));
    users->last = calloc(model->nvalues + 1, sizeof(uint32_t));
    users->taken = calloc(model->nnodes + 1, 1);

    if (users->count == NULL || users->last == NULL || users->taken == NULL) {
        return -1;
    }

    for (i = 0; i < model->nnodes; i++) {
        node = &model->nodes[i];

        for (j = 0; j < node->ninputs; j++) {
            if (node->inputs[j] != ML_ABSENT) {
                users->count[node->inputs[j]]++;
                users->last[node->inputs[j]] = i;
            }
        }
    }

    return 0;
}


int
ml_steps_find(ml_steps_t *steps, const ml_model_t *model)
{
    uint32_t          i;
    ml_step_t        *step;
    ml_users_t        users;
    const ml_node_t  *node;

    steps->nsteps = 0;
    steps->steps = calloc(model->nnodes + 1, sizeof(ml_step_t));
    steps->root = calloc(model->nvalues + 1, sizeof(int32_t));

    if (ml_users(model, &users) != 0
        || steps->steps == NULL || steps->root == NULL)
    {
        ml_users_free(&users);
        return -1;
    }

    for (i = 0; i < model->nvalues; i++) {
        steps->root[i] = (int32_t) i;
    }

    for (i = 0; i < model->nnodes; i++) {

        node = &model->nodes[i];

        if (users.taken[i]) {
            continue;
        }

        /* what a client sees has memory of its own */

        if (node->operator->kind == ML_KIND_VIEW
            && !ml_steps_is_output(model, node->output))
        {
            steps->root[node->output] = steps->root[node->inputs[0]];
            continue;
        }

        step = &steps->steps[steps->nsteps++];
        step->node = node;
        step->output = node->output;
        step->linear = ml_steps_linear(model, node);

        if (step->linear != NULL) {
            step->input = node->inputs[0];
            ml_steps_fuse(model, &users, step);
        }
    }

    ml_users_free(&users);

    return 0;
}


void
ml_steps_free(ml_steps_t *steps)
{
    size_t  i;

    for (i = 0; i < steps->nsteps; i++) {
        if (steps->steps[i].linear != NULL) {
            free(steps->steps[i].linear->bias);
            free(steps->steps[i].linear);
        }
    }

    free(steps->steps);
    free(steps->root);
}


size_t
ml_step_ninputs(const ml_step_t *step)
{
    return step->linear ? 1 : step->node->ninputs;
}


int32_t
ml_step_input(const ml_step_t *step, size_t i)
{
    return step->linear ? step->input : step->node->inputs[i];
}
