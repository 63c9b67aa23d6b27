/*
 * Shape inference: what each operator takes and gives, first those that work
 * element by element; see ml_shape.h.
 */

#include <string.h>

#include "ml_shape.h"


int
ml_fail_rows(ml_build_t *build)
{
    return ml_build_fail(build, "computes across the free first dimension or "
                         "moves it, so that requests could not share a batch");
}


int
ml_fail_type(ml_build_t *build, ml_dtype_e dtype)
{
    return ml_build_fail(build, "element type %s is not supported, or is not "
                         "that of the other inputs", ml_dtype_name(dtype));
}


void
ml_same_shape(const ml_value_t *value, ml_value_t *output)
{
    output->dtype = value->dtype;
    output->rank = value->rank;
    memcpy(output->dims, value->dims, sizeof(value->dims));
}


int
ml_axis(ml_build_t *build, int64_t axis, uint32_t rank, uint32_t *result)
{
    if (axis < -(int64_t) rank || axis >= (int64_t) rank) {
        return ml_build_fail(build, "axis %ld of %u dimensions", (long) axis,
                             rank);
    }

    *result = (uint32_t) (axis < 0 ? axis + rank : axis);

    return 0;
}


int
ml_axes(ml_build_t *build, const int64_t *axes, uint32_t n, uint32_t rank,
    uint32_t *result)
{
    uint32_t  i, axis;

    axis = 0;
    *result = 0;

    for (i = 0; i < n; i++) {

        if (ml_axis(build, axes[i], rank, &axis) != 0) {
            return -1;
        }

        if (*result & (1u << axis)) {
            return ml_build_fail(build, "axis %u is given twice", axis);
        }

        *result |= 1u << axis;
    }

    return 0;
}


int
ml_constant_list(ml_build_t *build, const ml_value_t *value,
    const int64_t **list, uint32_t *n)
{
    if (value->data == NULL) {
        return ml_build_fail(build, "its shape depends on a request's values");
    }

    if (value->dtype != ML_DTYPE_INT64 || value->rank > 1
        || (value->rank == 1 && value->dims[0] > ML_TENSOR_MAX_RANK))
    {
        return ml_build_fail(build, "input \"%.80s\" is not a list of at most "
                             "%d int64", value->name, ML_TENSOR_MAX_RANK);
    }

    *list = value->data;
    *n = value->rank == 1 ? (uint32_t) value->dims[0] : 1;

    return 0;
}


int
ml_broadcast(ml_build_t *build, const int64_t *a, uint32_t a_rank,
    const int64_t *b, uint32_t b_rank, ml_value_t *output)
{
    int64_t   x, y;
    uint32_t  i, rank;

    rank = a_rank > b_rank ? a_rank : b_rank;

    for (i = 0; i < rank; i++) {

        x = i + a_rank < rank ? 1 : a[i + a_rank - rank];
        y = i + b_rank < rank ? 1 : b[i + b_rank - rank];

        if (x != y && x != 1 && y != 1) {

            if (x == ML_ROWS || y == ML_ROWS) {
                return ml_fail_rows(build);
            }

            return ml_build_fail(build, "dimensions %ld and %ld do not fit",
                                 (long) x, (long) y);
        }

        output->dims[i] = (x == 1) ? y : x;

        if (output->dims[i] == ML_ROWS && i > 0) {
            return ml_fail_rows(build);
        }
    }

    output->rank = rank;

    return 0;
}


int
ml_fits(const ml_value_t *value, const ml_value_t *output)
{
    uint32_t  i, skip;

    if (value->rank > output->rank) {
        return 0;
    }

    skip = output->rank - value->rank;

    for (i = 0; i < value->rank; i++) {
        if (value->dims[i] != 1 && value->dims[i] != output->dims[i + skip]) {
            return 0;
        }
    }

    return 1;
}


int
ml_infer_float(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);

    if (!ml_is_float(x->dtype)) {
        return ml_fail_type(build, x->dtype);
    }

    ml_same_shape(x, output);

    return 0;
}


int
ml_infer_number(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);

    if (!ml_is_number(x->dtype)) {
        return ml_fail_type(build, x->dtype);
    }

    ml_same_shape(x, output);

    return 0;
}


static int
ml_infer_alpha(ml_build_t *build, ml_node_t *node, ml_value_t *output,
    double alpha, const char *second, double beta)
{
    node->parameters.alpha = alpha;
    node->parameters.beta = beta;

    if (ml_attribute_float(build, "alpha", &node->parameters.alpha) != 0) {
        return -1;
    }

    if (second != NULL
        && ml_attribute_float(build, second, &node->parameters.beta) != 0)
    {
        return -1;
    }

    return ml_infer_float(build, node, output);
}


int
ml_infer_leaky_relu(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    return ml_infer_alpha(build, node, output, 0.01f, NULL, 0);
}


int
ml_infer_elu(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    return ml_infer_alpha(build, node, output, 1, NULL, 0);
}


int
ml_infer_selu(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    return ml_infer_alpha(build, node, output, 1.67326319217681884765625f,
                          "gamma", 1.05070102214813232421875f);
}


int
ml_infer_hard_sigmoid(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    return ml_infer_alpha(build, node, output, 0.2f, "beta", 0.5f);
}


int
ml_infer_gelu(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    const char  *approximate;

    approximate = "none";

    if (ml_attribute_string(build, "approximate", &approximate) != 0) {
        return -1;
    }

    if (strcmp(approximate, "tanh") == 0) {
        node->parameters.approximate = 1;

    } else if (strcmp(approximate, "none") != 0) {
        return ml_build_fail(build, "unknown approximation \"%.80s\"",
                             approximate);
    }

    return ml_infer_float(build, node, output);
}


int
ml_infer_binary(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_value_t  *a, *b;

    a = ml_build_input(build, node, 0);
    b = ml_build_input(build, node, 1);

    if (!ml_is_number(a->dtype) || b->dtype != a->dtype) {
        return ml_fail_type(build, b->dtype);
    }

    output->dtype = a->dtype;

    return ml_broadcast(build, a->dims, a->rank, b->dims, b->rank, output);
}


int
ml_infer_pow(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_value_t  *a, *b;

    a = ml_build_input(build, node, 0);
    b = ml_build_input(build, node, 1);

    if (!ml_is_number(a->dtype) || !ml_is_number(b->dtype)
        || (a->dtype != b->dtype && build->onnx.opset < 12))
    {
        return ml_fail_type(build, b->dtype);
    }

    output->dtype = a->dtype;

    return ml_broadcast(build, a->dims, a->rank, b->dims, b->rank, output);
}


int
ml_infer_prelu(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_value_t  *slope;

    slope = ml_build_input(build, node, 1);

    if (ml_infer_float(build, node, output) != 0) {
        return -1;
    }

    if (slope->dtype != output->dtype) {
        return ml_fail_type(build, slope->dtype);
    }

    if (!ml_fits(slope, output)) {
        return ml_build_fail(build, "the slope does not fit");
    }

    return 0;
}


int
ml_infer_clip_7(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    /* the lowest and the highest float, as the operator's text has it */

    node->parameters.minimum = -3.402823466e+38;
    node->parameters.maximum = 3.402823466e+38;

    if (ml_attribute_float(build, "min", &node->parameters.minimum) != 0
        || ml_attribute_float(build, "max", &node->parameters.maximum) != 0)
    {
        return -1;
    }

    return ml_infer_float(build, node, output);
}


int
ml_infer_clip_11(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t     i;
    ml_value_t  *bound;

    node->parameters.minimum = -__builtin_inf();
    node->parameters.maximum = __builtin_inf();

    if (ml_infer_number(build, node, output) != 0) {
        return -1;
    }

    for (i = 1; i < 3; i++) {
        bound = ml_build_input(build, node, i);

        if (bound == NULL) {
            continue;
        }

        if (bound->dtype != output->dtype) {
            return ml_fail_type(build, bound->dtype);
        }

        if (bound->rank > 1 || (bound->rank == 1 && bound->dims[0] != 1)) {
            return ml_build_fail(build, "a bound is not a scalar");
        }
    }

    return 0;
}


int
ml_infer_identity(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_same_shape(ml_build_input(build, node, 0), output);

    return 0;
}


int
ml_infer_dropout_7(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    double  ratio;

    if (ml_attribute_float(build, "ratio", &ratio) != 0) {
        return -1;
    }

    return ml_infer_identity(build, node, output);
}


int
ml_infer_dropout_12(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t      seed;
    ml_value_t  *training;

    training = ml_build_input(build, node, 2);

    if (training != NULL
        && (training->data == NULL || training->dtype != ML_DTYPE_BOOL
            || training->bytes != 1 || *(uint8_t *) training->data != 0))
    {
        return ml_build_fail(build, "training is not supported");
    }

    if (ml_attribute_int(build, "seed", &seed) != 0) {
        return -1;
    }

    return ml_infer_identity(build, node, output);
}


int
ml_infer_cast(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t      to;
    uint32_t     i;
    ml_value_t  *x;

    static const ml_dtype_e  known[] = {
        ML_DTYPE_FLOAT32, ML_DTYPE_FLOAT64, ML_DTYPE_INT64, ML_DTYPE_INT32,
        ML_DTYPE_INT8, ML_DTYPE_UINT8, ML_DTYPE_BOOL, ML_DTYPE_NONE
    };

    x = ml_build_input(build, node, 0);
    to = 0;

    if (ml_attribute_int(build, "to", &to) != 0) {
        return -1;
    }

    if (build->onnx.opset >= 19) {
        /* it matters to 8-bit floats alone */
        (void) ml_attribute_find(build, "saturate");
    }

    ml_same_shape(x, output);

    for (i = 0; known[i] != ML_DTYPE_NONE && known[i] != to; i++) { /* void */ }

    output->dtype = known[i];

    for (i = 0; known[i] != ML_DTYPE_NONE && known[i] != x->dtype; i++) {
        /* void */
    }

    if (output->dtype == ML_DTYPE_NONE || known[i] == ML_DTYPE_NONE) {
        return ml_build_fail(build, "from %s to type %ld is not supported",
                             ml_dtype_name(x->dtype), (long) to);
    }

    if (build->symbolic[node->inputs[0]] && output->dtype != x->dtype) {
        return ml_fail_rows(build);
    }

    return 0;
}
