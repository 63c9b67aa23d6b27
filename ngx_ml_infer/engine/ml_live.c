/* What of a graph is kept, and the memory that a row of it takes. */

#include <stdlib.h>

#include "ml_build.h"


/* inputs, outputs and the computed values needed with them, for one row */
#ifndef ML_LIVE_LIMIT
#define ML_LIVE_LIMIT      ((size_t) 1 << 28)
#endif


uint64_t
ml_value_elements(const ml_value_t *value)
{
    uint64_t  n;
    uint32_t  i;

    n = 1;

    for (i = 0; i < value->rank; i++) {
        n *= value->dims[i] <= 0 ? 1 : (uint64_t) value->dims[i];
    }

    return n;
}


/* Drops the nodes that no output needs, and constants that no node needs. */

int
ml_build_prune(ml_build_t *build)
{
    uint8_t     *needed;
    uint32_t     i, j, n;
    ml_node_t   *node;
    ml_model_t  *model;

    model = build->model;
    needed = ml_build_take(build, model->nvalues, 1);

    if (needed == NULL) {
        return -1;
    }

    for (i = 0; i < model->noutputs; i++) {
        needed[model->outputs[i]] = 1;
    }

    for (i = model->nnodes; i-- > 0; /* void */) {
        node = &model->nodes[i];

        for (j = 0; needed[node->output] && j < node->ninputs; j++) {
            if (node->inputs[j] != ML_ABSENT) {
                needed[node->inputs[j]] = 1;
            }
        }
    }

    for (i = 0, n = 0; i < model->nnodes; i++) {
        if (needed[model->nodes[i].output]) {
            model->nodes[n++] = model->nodes[i];
        }
    }

    model->nnodes = n;

    for (i = 0; i < model->nvalues; i++) {
        if (!needed[i]) {
            free(model->values[i].data);
            model->values[i].data = NULL;
        }
    }

    return 0;
}


static size_t
ml_value_row(const ml_value_t *value)
{
    return ml_value_elements(value) * ml_dtype_size(value->dtype);
}


/*
 * Bounds what a row takes while it is computed.  A client's inputs and
 * outputs are there all the time, other values from the node that makes them
 * to the last one that takes them.
 */

int
ml_build_live(ml_build_t *build)
{
    size_t       live, peak;
    int32_t      value;
    uint32_t     i, j, *last;
    ml_node_t   *node;
    ml_model_t  *model;

    model = build->model;

    /* by value: the node that takes it last, 0: not to be dropped */
    last = ml_build_take(build, model->nvalues, sizeof(uint32_t));

    if (last == NULL) {
        return -1;
    }

    for (i = 0; i < model->nnodes; i++) {
        node = &model->nodes[i];

        for (j = 0; j < node->ninputs; j++) {
            if (node->inputs[j] != ML_ABSENT) {
                last[node->inputs[j]] = i + 1;
            }
        }
    }

    for (i = 0, live = 0; i < model->ninputs; i++) {
        live += ml_value_row(&model->values[model->inputs[i]]);
        last[model->inputs[i]] = 0;
    }

    for (i = 0; i < model->noutputs; i++) {
        live += ml_value_row(&model->values[model->outputs[i]]);
        last[model->outputs[i]] = 0;
    }

    for (i = 0, peak = live; i < model->nnodes; i++) {
        node = &model->nodes[i];

        if (last[node->output] != 0) {
            live += ml_value_row(&model->values[node->output]);
            peak = live > peak ? live : peak;
        }

        for (j = 0; j < node->ninputs; j++) {
            value = node->inputs[j];

            if (value != ML_ABSENT && last[value] == i + 1
                && model->values[value].data == NULL)
            {
                live -= ml_value_row(&model->values[value]);
                last[value] = 0;
            }
        }
    }

    if (peak > ML_LIVE_LIMIT) {
        return ml_build_fail(build, "values needed at the same time take more "
                             "than %zu bytes a row", ML_LIVE_LIMIT);
    }

    return 0;
}
