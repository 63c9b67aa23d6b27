/*
 * Shape inference of the operators in which an element depends on several;
 * see ml_shape.h.
 */

#include <string.h>

#include "ml_shape.h"


int
ml_infer_gemm(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t           transpose_a, transpose_b, k;
    ml_value_t       *a, *b, *c;
    ml_parameters_t  *p;

    a = ml_build_input(build, node, 0);
    b = ml_build_input(build, node, 1);
    c = ml_build_input(build, node, 2);

    p = &node->parameters;
    p->alpha = p->beta = 1;
    transpose_a = transpose_b = 0;

    if (ml_attribute_float(build, "alpha", &p->alpha) != 0
        || ml_attribute_float(build, "beta", &p->beta) != 0
        || ml_attribute_int(build, "transA", &transpose_a) != 0
        || ml_attribute_int(build, "transB", &transpose_b) != 0)
    {
        return -1;
    }

    p->transpose_a = (transpose_a != 0);
    p->transpose_b = (transpose_b != 0);

    if (!ml_is_float(a->dtype) || b->dtype != a->dtype) {
        return ml_fail_type(build, b->dtype);
    }

    if (a->rank != 2 || b->rank != 2) {
        return ml_build_fail(build, "an input is not a matrix");
    }

    if ((ml_is_rows(a) && p->transpose_a) || ml_is_rows(b)) {
        return ml_fail_rows(build);
    }

    k = a->dims[!p->transpose_a];

    if (k != b->dims[p->transpose_b]) {
        return ml_build_fail(build, "dimensions %ld and %ld do not fit",
                             (long) k, (long) b->dims[p->transpose_b]);
    }

    output->dtype = a->dtype;
    output->rank = 2;
    output->dims[0] = a->dims[p->transpose_a];
    output->dims[1] = b->dims[!p->transpose_b];

    if (c == NULL) {
        return 0;
    }

    if (c->dtype != a->dtype) {
        return ml_fail_type(build, c->dtype);
    }

    if (!ml_fits(c, output)) {
        return ml_build_fail(build, "the third input does not fit");
    }

    return 0;
}


int
ml_infer_matmul(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t      k;
    uint32_t     i;
    ml_value_t  *a, *b;

    a = ml_build_input(build, node, 0);
    b = ml_build_input(build, node, 1);

    if (!ml_is_float(a->dtype) || b->dtype != a->dtype) {
        return ml_fail_type(build, b->dtype);
    }

    if (a->rank == 0 || b->rank == 0) {
        return ml_build_fail(build, "an input is a scalar");
    }

    k = a->dims[a->rank - 1];

    if (k == ML_ROWS || b->dims[b->rank > 1 ? b->rank - 2 : 0] == ML_ROWS) {
        return ml_fail_rows(build);
    }

    if (k != b->dims[b->rank > 1 ? b->rank - 2 : 0]) {
        return ml_build_fail(build, "dimensions %ld and %ld do not fit",
                             (long) k,
                             (long) b->dims[b->rank > 1 ? b->rank - 2 : 0]);
    }

    output->dtype = a->dtype;

    if (ml_broadcast(build, a->dims, a->rank > 2 ? a->rank - 2 : 0,
                     b->dims, b->rank > 2 ? b->rank - 2 : 0, output)
        != 0)
    {
        return -1;
    }

    if (a->rank > 1) {
        output->dims[output->rank++] = a->dims[a->rank - 2];
    }

    if (b->rank > 1) {
        output->dims[output->rank++] = b->dims[b->rank - 1];
    }

    for (i = 1; i < output->rank; i++) {
        if (output->dims[i] == ML_ROWS) {
            return ml_fail_rows(build);
        }
    }

    return 0;
}


static int
ml_infer_softmax(ml_build_t *build, ml_node_t *node, ml_value_t *output,
    int64_t axis)
{
    if (ml_attribute_int(build, "axis", &axis) != 0
        || ml_infer_float(build, node, output) != 0
        || ml_axis(build, axis, output->rank, &node->parameters.axis) != 0)
    {
        return -1;
    }

    if (ml_is_rows(output) && node->parameters.axis == 0) {
        return ml_fail_rows(build);
    }

    return 0;
}


int
ml_infer_softmax_7(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    node->parameters.flatten = 1;

    return ml_infer_softmax(build, node, output, 1);
}


int
ml_infer_softmax_13(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    return ml_infer_softmax(build, node, output, -1);
}


int
ml_infer_batch_normalization(ml_build_t *build, ml_node_t *node,
    ml_value_t *output)
{
    double       momentum;
    int64_t      spatial, training;
    uint32_t     i;
    ml_value_t  *x;

    spatial = 1;
    training = 0;
    momentum = 0;
    node->parameters.epsilon = 1e-5f;

    if (ml_attribute_float(build, "epsilon", &node->parameters.epsilon) != 0
        || ml_attribute_float(build, "momentum", &momentum) != 0
        || ml_infer_float(build, node, output) != 0)
    {
        return -1;
    }

    if (build->onnx.opset < 9
        && ml_attribute_int(build, "spatial", &spatial) != 0)
    {
        return -1;
    }

    if (build->onnx.opset >= 14
        && ml_attribute_int(build, "training_mode", &training) != 0)
    {
        return -1;
    }

    /* before opset 14 further outputs are what asks for training */

    for (i = 1; i < build->source->noutputs; i++) {
        training |= (build->source->outputs[i][0] != '\0');
    }

    if (!spatial || training) {
        return ml_build_fail(build, "training, or statistics per element, is "
                             "not supported");
    }

    if (output->rank < 2) {
        return ml_build_fail(build, "the input has no channels");
    }

    for (i = 1; i < 5; i++) {
        x = ml_build_input(build, node, i);

        if (x->dtype != output->dtype) {
            return ml_fail_type(build, x->dtype);
        }

        if (x->rank != 1 || x->dims[0] != output->dims[1]) {
            return ml_build_fail(build, "input %u does not fit", i);
        }
    }

    return 0;
}


int
ml_infer_layer_normalization(ml_build_t *build, ml_node_t *node,
    ml_value_t *output)
{
    int64_t      axis, stash;
    uint32_t     i, j, rank;
    ml_value_t  *x;

    axis = -1;
    stash = 1;
    node->parameters.epsilon = 1e-5f;

    if (ml_attribute_float(build, "epsilon", &node->parameters.epsilon) != 0
        || ml_attribute_int(build, "axis", &axis) != 0
        || ml_attribute_int(build, "stash_type", &stash) != 0
        || ml_infer_float(build, node, output) != 0
        || ml_axis(build, axis, output->rank, &node->parameters.axis) != 0)
    {
        return -1;
    }

    if (ml_is_rows(output) && node->parameters.axis == 0) {
        return ml_fail_rows(build);
    }

    rank = output->rank - node->parameters.axis;

    for (i = 1; i < 3; i++) {
        x = ml_build_input(build, node, i);

        if (x == NULL) {
            continue;
        }

        if (x->dtype != output->dtype) {
            return ml_fail_type(build, x->dtype);
        }

        for (j = 0; x->rank == rank && j < rank; j++) {
            if (x->dims[j] != output->dims[node->parameters.axis + j]) {
                break;
            }
        }

        if (x->rank != rank || j != rank) {
            return ml_build_fail(build, "input %u is not of the normalized "
                                 "shape", i);
        }
    }

    return 0;
}


int
ml_infer_argmax(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t      axis, keep, last;
    uint32_t     i;
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);
    axis = last = 0;
    keep = 1;

    if (ml_attribute_int(build, "axis", &axis) != 0
        || ml_attribute_int(build, "keepdims", &keep) != 0
        || (build->onnx.opset >= 12
            && ml_attribute_int(build, "select_last_index", &last) != 0)
        || ml_axis(build, axis, x->rank, &node->parameters.axis) != 0)
    {
        return -1;
    }

    if (!ml_is_number(x->dtype)) {
        return ml_fail_type(build, x->dtype);
    }

    axis = node->parameters.axis;
    node->parameters.last = (last != 0);

    if (ml_is_rows(x) && axis == 0) {
        return ml_fail_rows(build);
    }

    if (x->dims[axis] == 0) {
        return ml_build_fail(build, "nothing to choose from");
    }

    ml_same_shape(x, output);
    output->dtype = ML_DTYPE_INT64;
    output->dims[axis] = 1;

    if (!keep) {
        for (i = (uint32_t) axis; i + 1 < output->rank; i++) {
            output->dims[i] = output->dims[i + 1];
        }

        output->rank--;
    }

    return 0;
}


/* Reduction over a list of axes; none: over all, or with "idle" over none. */

static int
ml_infer_reduce(ml_build_t *build, ml_node_t *node, ml_value_t *output,
    const int64_t *axes, uint32_t n, int64_t idle)
{
    int64_t      keep;
    uint32_t     i;
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);
    keep = 1;

    if (ml_attribute_int(build, "keepdims", &keep) != 0
        || ml_axes(build, axes, n, x->rank, &node->parameters.axes) != 0)
    {
        return -1;
    }

    if (n == 0 && !idle) {
        node->parameters.axes = (1u << x->rank) - 1;
    }

    if (!ml_is_number(x->dtype)
        || (!ml_is_float(x->dtype)
            && strcmp(node->operator->name, "ReduceMean") == 0))
    {
        return ml_fail_type(build, x->dtype);
    }

    if (ml_is_rows(x) && (node->parameters.axes & 1)) {
        return ml_fail_rows(build);
    }

    output->dtype = x->dtype;
    output->rank = 0;

    for (i = 0; i < x->rank; i++) {

        if (!(node->parameters.axes & (1u << i))) {
            output->dims[output->rank++] = x->dims[i];

        } else if (keep) {
            output->dims[output->rank++] = 1;
        }
    }

    return 0;
}


int
ml_infer_reduce_7(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t        n;
    const int64_t  *axes;

    axes = NULL;
    n = 0;

    if (ml_attribute_ints(build, "axes", &axes, &n) != 0) {
        return -1;
    }

    return ml_infer_reduce(build, node, output, axes, n, 0);
}


int
ml_infer_reduce_13(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t         idle;
    uint32_t        n;
    ml_value_t     *list;
    const int64_t  *axes;

    list = ml_build_input(build, node, 1);
    axes = NULL;
    idle = 0;
    n = 0;

    if (ml_attribute_int(build, "noop_with_empty_axes", &idle) != 0
        || (list != NULL && ml_constant_list(build, list, &axes, &n) != 0))
    {
        return -1;
    }

    return ml_infer_reduce(build, node, output, axes, n, idle);
}
