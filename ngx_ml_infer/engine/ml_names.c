/*
 * The names of a graph, and the order of its nodes; see ml_build.h.
 *
 * Names are found by binary search in a sorted table: it has no bad case for
 * a hostile file to aim at, as a hash table would.
 */

#include <stdlib.h>
#include <string.h>

#include "ml_build.h"


static int
ml_name_compare(const void *one, const void *two)
{
    int               rc;
    const ml_name_t  *a, *b;

    a = one;
    b = two;
    rc = strcmp(a->name, b->name);

    return rc ? rc : (int) a->from - (int) b->from;
}


static int
ml_name_is(const void *key, const void *entry)
{
    return strcmp(key, ((const ml_name_t *) entry)->name);
}


ml_name_t *
ml_build_name(ml_build_t *build, const char *name)
{
    return bsearch(name, build->names, build->nnames, sizeof(ml_name_t),
                   ml_name_is);
}


/*
 * Every name is given once.  The exception is an initializer that is listed
 * among the inputs too, as it had to be before IR version 4: it is a
 * constant, not an input.
 */

int
ml_build_names(ml_build_t *build)
{
    size_t            i, n;
    uint32_t          j;
    ml_name_t        *name;
    const ml_onnx_t  *onnx;

    onnx = &build->onnx;
    n = (size_t) onnx->ninputs + onnx->ntensors;

    for (i = 0; i < onnx->nnodes; i++) {
        n += onnx->nodes[i].noutputs;
    }

    build->names = ml_build_take(build, n, sizeof(ml_name_t));
    build->shadowed = ml_build_take(build, onnx->ninputs, 1);

    if (build->names == NULL || build->shadowed == NULL) {
        return -1;
    }

    name = build->names;
    build->first_tensor = (int32_t) onnx->ninputs;
    build->first_output = (int32_t) (onnx->ninputs + onnx->ntensors);

    for (i = 0; i < onnx->ninputs; i++) {
        name->name = onnx->inputs[i].name;
        name->from = ML_NAME_INPUT;
        name->value = (int32_t) i;
        name++;
    }

    for (i = 0; i < onnx->ntensors; i++) {
        name->name = onnx->tensors[i].name;
        name->from = ML_NAME_TENSOR;
        name->value = build->first_tensor + (int32_t) i;

        if (name->name[0] == '\0') {
            return ml_build_fail(build, "initializer %zu has no name", i);
        }

        name++;
    }

    for (i = 0; i < onnx->nnodes; i++) {

        build->source = &onnx->nodes[i];

        if (onnx->nodes[i].noutputs == 0
            || onnx->nodes[i].outputs[0][0] == '\0')
        {
            return ml_build_fail(build, "the first output has no name");
        }

        for (j = 0; j < onnx->nodes[i].noutputs; j++) {
            if (onnx->nodes[i].outputs[j][0] == '\0') {
                continue;
            }

            name->name = onnx->nodes[i].outputs[j];
            name->from = ML_NAME_OUTPUT;
            name->value = j == 0 ? build->first_output + (int32_t) i
                                 : ML_UNMADE;
            name++;
        }
    }

    build->source = NULL;

    n = (size_t) (name - build->names);
    qsort(build->names, n, sizeof(ml_name_t), ml_name_compare);

    name = build->names;

    for (i = 0; i < n; i++) {

        if (i > 0 && strcmp(build->names[i].name, name[-1].name) == 0) {

            if (build->names[i].from == ML_NAME_INPUT
                && name[-1].from == ML_NAME_TENSOR
                && !build->shadowed[build->names[i].value])
            {
                build->shadowed[build->names[i].value] = 1;
                name[-1].from = ML_NAME_INPUT;
                continue;
            }

            return ml_build_fail(build, "the name \"%.80s\" is given twice",
                                 name[-1].name);
        }

        *name++ = build->names[i];
    }

    build->nnames = (size_t) (name - build->names);

    return 0;
}


/* Turns the names of a node's inputs to values. */

static int
ml_build_wire(ml_build_t *build, uint32_t i)
{
    uint32_t               j;
    ml_name_t             *name;
    ml_node_t             *node;
    const ml_onnx_node_t  *source;

    source = &build->onnx.nodes[i];
    node = &build->model->nodes[i];

    node->name = source->name;
    node->output = build->first_output + (int32_t) i;
    node->ninputs = source->ninputs;
    node->inputs = ml_build_take(build, source->ninputs, sizeof(int32_t));

    if (node->inputs == NULL) {
        return -1;
    }

    build->source = source;

    for (j = 0; j < source->ninputs; j++) {

        if (source->inputs[j][0] == '\0') {
            node->inputs[j] = ML_ABSENT;
            continue;
        }

        name = ml_build_name(build, source->inputs[j]);

        if (name == NULL) {
            return ml_build_fail(build, "nothing gives its input \"%.80s\"",
                                 source->inputs[j]);
        }

        if (name->value == ML_UNMADE) {
            return ml_build_fail(build, "its input \"%.80s\" is an optional "
                                 "output, which is not supported",
                                 source->inputs[j]);
        }

        node->inputs[j] = name->value;
    }

    /* an absent last input is as none */

    while (node->ninputs && node->inputs[node->ninputs - 1] == ML_ABSENT) {
        node->ninputs--;
    }

    return 0;
}


int
ml_build_wires(ml_build_t *build)
{
    uint32_t  i;

    for (i = 0; i < build->onnx.nnodes; i++) {
        if (ml_build_wire(build, i) != 0) {
            return -1;
        }
    }

    return 0;
}


/*
 * Puts every node after those that it needs: a walk in depth with a stack of
 * its own, on which a node is found again when there is a cycle.
 */

int
ml_build_order(ml_build_t *build)
{
    int32_t     from;
    uint8_t    *state;
    uint32_t    i, n, top, done, *stack, *next;
    ml_node_t  *node;

    enum { UNSEEN = 0, OPEN, DONE };

    n = build->onnx.nnodes;

    state = ml_build_take(build, n, 1);
    stack = ml_build_take(build, n, sizeof(uint32_t));
    next = ml_build_take(build, n, sizeof(uint32_t));
    build->order = ml_build_take(build, n, sizeof(uint32_t));

    if (state == NULL || stack == NULL || next == NULL
        || build->order == NULL)
    {
        return -1;
    }

    done = 0;

    for (i = 0; i < n; i++) {

        if (state[i] != UNSEEN) {
            continue;
        }

        top = 0;
        stack[top++] = i;
        state[i] = OPEN;

        while (top) {

            node = &build->model->nodes[stack[top - 1]];

            if (next[stack[top - 1]] == node->ninputs) {
                state[stack[top - 1]] = DONE;
                build->order[done++] = stack[--top];
                continue;
            }

            from = node->inputs[next[stack[top - 1]]++];

            if (from < build->first_output) {
                continue;
            }

            from -= build->first_output;

            if (state[from] == OPEN) {
                build->source = &build->onnx.nodes[from];
                return ml_build_fail(build, "needs its own output");
            }

            if (state[from] == UNSEEN) {
                state[from] = OPEN;
                stack[top++] = (uint32_t) from;
            }
        }
    }

    return 0;
}
