/*
 * Shape inference of the operators that move elements and of those that make
 * shapes; see ml_shape.h.
 */

#include <string.h>

#include "ml_shape.h"


/* The product of dimensions [from, to), the rows left out; -1: too large. */

static int
ml_extent_of(const ml_value_t *value, uint32_t from, uint32_t to,
    int64_t *result)
{
    *result = 1;

    for (/* void */; from < to; from++) {
        if (value->dims[from] != ML_ROWS
            && __builtin_mul_overflow(*result, value->dims[from], result))
        {
            return -1;
        }
    }

    return 0;
}


int
ml_infer_reshape(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t         keep_zero, whole, rest, dim;
    uint32_t        i, n, open;
    ml_value_t     *x;
    const int64_t  *shape;

    x = ml_build_input(build, node, 0);
    keep_zero = 0;

    if ((build->onnx.opset >= 14
         && ml_attribute_int(build, "allowzero", &keep_zero) != 0)
        || ml_constant_list(build, ml_build_input(build, node, 1), &shape, &n)
           != 0)
    {
        return -1;
    }

    output->dtype = x->dtype;
    output->rank = n;
    rest = 1;
    open = n;

    for (i = 0; i < n; i++) {
        dim = shape[i];

        if (dim == 0 && !keep_zero) {
            if (i >= x->rank) {
                return ml_build_fail(build, "dimension %u is to be kept, and "
                                     "there is none", i);
            }

            dim = x->dims[i];

            if (dim == ML_ROWS) {
                dim = ML_ROWS_SYMBOL;
            }
        }

        if (dim == ML_ROWS_SYMBOL) {
            if (i != 0 || !ml_is_rows(x)) {
                return ml_fail_rows(build);
            }

            output->dims[0] = ML_ROWS;
            continue;
        }

        if (dim == -1) {
            if (open != n) {
                return ml_build_fail(build, "two dimensions of -1");
            }

            open = i;
            output->dims[i] = 1;
            continue;
        }

        if (dim < 0 || __builtin_mul_overflow(rest, dim, &rest)) {
            return ml_build_fail(build, "impossible dimension %ld",
                                 (long) dim);
        }

        output->dims[i] = dim;
    }

    if (ml_extent_of(x, 0, x->rank, &whole) != 0) {
        return ml_build_fail(build, "the input is too large");
    }

    if (ml_is_rows(x) && (n == 0 || output->dims[0] != ML_ROWS)) {

        /* -1 in the first place is the rows if the others hold a row */

        if (open != 0 || rest != whole) {
            return ml_fail_rows(build);
        }

        output->dims[0] = ML_ROWS;

        return 0;
    }

    if (open != n) {
        if (rest == 0 || whole % rest != 0) {
            return ml_build_fail(build, "%ld elements do not fit",
                                 (long) whole);
        }

        output->dims[open] = whole / rest;

    } else if (rest != whole) {
        return ml_build_fail(build, "%ld elements do not fit %ld",
                             (long) whole, (long) rest);
    }

    return 0;
}


int
ml_infer_flatten(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t      axis, rows;
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);
    axis = 1;

    if (ml_attribute_int(build, "axis", &axis) != 0) {
        return -1;
    }

    if (axis < -(int64_t) x->rank || axis > (int64_t) x->rank) {
        return ml_build_fail(build, "axis %ld of %u dimensions", (long) axis,
                             x->rank);
    }

    axis += axis < 0 ? x->rank : 0;

    if (ml_extent_of(x, 0, (uint32_t) axis, &rows) != 0
        || ml_extent_of(x, (uint32_t) axis, x->rank, &output->dims[1]) != 0)
    {
        return ml_build_fail(build, "the input is too large");
    }

    if (ml_is_rows(x)) {
        if (axis == 0 || rows != 1) {
            return ml_fail_rows(build);
        }

        rows = ML_ROWS;
    }

    output->dtype = x->dtype;
    output->rank = 2;
    output->dims[0] = rows;

    return 0;
}


/* Without axes, every dimension of 1 goes. */

static int
ml_infer_squeeze(ml_build_t *build, ml_node_t *node, ml_value_t *output,
    const int64_t *list, uint32_t n)
{
    uint32_t     i, axes;
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);

    if (ml_axes(build, list, n, x->rank, &axes) != 0) {
        return -1;
    }

    if (ml_is_rows(x) && (list == NULL || (axes & 1))) {
        return ml_fail_rows(build);
    }

    output->dtype = x->dtype;
    output->rank = 0;

    for (i = 0; i < x->rank; i++) {

        if (list == NULL ? x->dims[i] != 1 : !(axes & (1u << i))) {
            output->dims[output->rank++] = x->dims[i];

        } else if (x->dims[i] != 1) {
            return ml_build_fail(build, "dimension %u is %ld, not 1", i,
                                 (long) x->dims[i]);
        }
    }

    return 0;
}


int
ml_infer_squeeze_7(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t        n;
    const int64_t  *axes;

    axes = NULL;
    n = 0;

    if (ml_attribute_ints(build, "axes", &axes, &n) != 0) {
        return -1;
    }

    return ml_infer_squeeze(build, node, output, axes, n);
}


int
ml_infer_squeeze_13(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t        n;
    ml_value_t     *list;
    const int64_t  *axes;

    list = ml_build_input(build, node, 1);
    axes = NULL;
    n = 0;

    if (list != NULL && ml_constant_list(build, list, &axes, &n) != 0) {
        return -1;
    }

    return ml_infer_squeeze(build, node, output, axes, n);
}


static int
ml_infer_unsqueeze(ml_build_t *build, ml_node_t *node, ml_value_t *output,
    const int64_t *list, uint32_t n)
{
    uint32_t     i, j, axes;
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);

    if (list == NULL || n + x->rank > ML_TENSOR_MAX_RANK) {
        return ml_build_fail(build, "no axes, or more than %d dimensions",
                             ML_TENSOR_MAX_RANK);
    }

    if (ml_axes(build, list, n, x->rank + n, &axes) != 0) {
        return -1;
    }

    if (ml_is_rows(x) && (axes & 1)) {
        return ml_fail_rows(build);
    }

    output->dtype = x->dtype;
    output->rank = x->rank + n;

    for (i = 0, j = 0; i < output->rank; i++) {
        output->dims[i] = (axes & (1u << i)) ? 1 : x->dims[j++];
    }

    return 0;
}


int
ml_infer_unsqueeze_7(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t        n;
    const int64_t  *axes;

    axes = NULL;
    n = 0;

    if (ml_attribute_ints(build, "axes", &axes, &n) != 0) {
        return -1;
    }

    return ml_infer_unsqueeze(build, node, output, axes, n);
}


int
ml_infer_unsqueeze_13(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t        n;
    const int64_t  *axes;

    if (ml_constant_list(build, ml_build_input(build, node, 1), &axes, &n)
        != 0)
    {
        return -1;
    }

    return ml_infer_unsqueeze(build, node, output, axes, n);
}


int
ml_infer_transpose(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    uint32_t        i, n, seen;
    ml_value_t     *x;
    const int64_t  *order;

    x = ml_build_input(build, node, 0);
    order = NULL;
    n = x->rank;

    if (ml_attribute_ints(build, "perm", &order, &n) != 0) {
        return -1;
    }

    if (n != x->rank) {
        return ml_build_fail(build, "perm is of %u dimensions, the input of "
                             "%u", n, x->rank);
    }

    output->dtype = x->dtype;
    output->rank = n;
    seen = 0;

    for (i = 0; i < n; i++) {

        if (order != NULL && (order[i] < 0 || order[i] >= (int64_t) n)) {
            return ml_build_fail(build, "perm is no permutation");
        }

        node->parameters.permutation[i] = (uint8_t) (order ? order[i]
                                                           : n - 1 - i);
        output->dims[i] = x->dims[node->parameters.permutation[i]];
        seen |= 1u << node->parameters.permutation[i];
    }

    if (seen != (1u << n) - 1) {
        return ml_build_fail(build, "perm is no permutation");
    }

    if (ml_is_rows(x) && node->parameters.permutation[0] != 0) {
        return ml_fail_rows(build);
    }

    return 0;
}


int
ml_infer_concat(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t                     axis;
    uint32_t                    i, j;
    ml_value_t                 *x;
    const ml_onnx_attribute_t  *attribute;

    x = ml_build_input(build, node, 0);
    axis = 0;
    attribute = ml_attribute_find(build, "axis");

    if (attribute == NULL) {
        return ml_build_fail(build, "attribute \"axis\" is missing");
    }

    if (x == NULL) {
        return ml_build_fail(build, "input 0 is missing");
    }

    if (ml_attribute_int(build, "axis", &axis) != 0
        || ml_axis(build, axis, x->rank, &node->parameters.axis) != 0)
    {
        return -1;
    }

    ml_same_shape(x, output);
    axis = node->parameters.axis;

    for (i = 1; i < node->ninputs; i++) {
        x = ml_build_input(build, node, i);

        if (x == NULL || x->rank != output->rank) {
            return ml_build_fail(build, "input %u is missing or of another "
                                 "rank", i);
        }

        if (x->dtype != output->dtype) {
            return ml_fail_type(build, x->dtype);
        }

        if (ml_is_rows(x) != ml_is_rows(output)) {
            return ml_fail_rows(build);
        }

        for (j = 0; j < x->rank; j++) {
            if (j != axis && x->dims[j] != output->dims[j]) {
                return ml_build_fail(build, "dimensions %ld and %ld do not "
                                     "fit", (long) x->dims[j],
                                     (long) output->dims[j]);
            }
        }

        if (__builtin_add_overflow(output->dims[axis], x->dims[axis],
                                   &output->dims[axis]))
        {
            return ml_build_fail(build, "the output is too large");
        }
    }

    if (ml_is_rows(x) && axis == 0) {
        return ml_fail_rows(build);
    }

    return 0;
}


int
ml_infer_gather(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    size_t       j;
    int64_t      axis, index, length;
    uint32_t     i;
    ml_value_t  *x, *indices;

    x = ml_build_input(build, node, 0);
    indices = ml_build_input(build, node, 1);
    axis = 0;

    if (ml_attribute_int(build, "axis", &axis) != 0
        || ml_axis(build, axis, x->rank, &node->parameters.axis) != 0)
    {
        return -1;
    }

    /*
     * With indices from a request, one client's row out of range would fail
     * the batch of others.
     */

    if (indices->data == NULL || build->symbolic[node->inputs[1]]) {
        return ml_build_fail(build, "indices that depend on a request are not "
                             "supported");
    }

    if (indices->dtype != ML_DTYPE_INT64 && indices->dtype != ML_DTYPE_INT32) {
        return ml_fail_type(build, indices->dtype);
    }

    axis = node->parameters.axis;
    length = x->dims[axis];

    if (length == ML_ROWS) {
        return ml_fail_rows(build);
    }

    for (j = 0; j < indices->bytes / ml_dtype_size(indices->dtype); j++) {
        index = indices->dtype == ML_DTYPE_INT32
                    ? ((const int32_t *) indices->data)[j]
                    : ((const int64_t *) indices->data)[j];

        if (index < -length || index >= length) {
            return ml_build_fail(build, "index %ld of %ld", (long) index,
                                 (long) length);
        }
    }

    if (x->rank + indices->rank - 1 > ML_TENSOR_MAX_RANK) {
        return ml_build_fail(build, "more than %d dimensions",
                             ML_TENSOR_MAX_RANK);
    }

    output->dtype = x->dtype;
    output->rank = 0;

    for (i = 0; i < (uint32_t) axis; i++) {
        output->dims[output->rank++] = x->dims[i];
    }

    for (i = 0; i < indices->rank; i++) {
        output->dims[output->rank++] = indices->dims[i];
    }

    for (i = (uint32_t) axis + 1; i < x->rank; i++) {
        output->dims[output->rank++] = x->dims[i];
    }

    return 0;
}


int
ml_infer_shape(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    int64_t      start, end, rank, *dims;
    ml_value_t  *x;

    x = ml_build_input(build, node, 0);
    rank = x->rank;
    start = 0;
    end = rank;

    if (build->onnx.opset >= 15
        && (ml_attribute_int(build, "start", &start) != 0
            || ml_attribute_int(build, "end", &end) != 0))
    {
        return -1;
    }

    /* out of range is clamped, as the operator's text has it */

    if (start < 0) {
        start = (start < -rank) ? 0 : start + rank;
    }

    if (end < 0) {
        end = (end < -rank) ? 0 : end + rank;
    }

    end = end > rank ? rank : end;
    start = start > end ? end : start;

    output->dtype = ML_DTYPE_INT64;
    output->rank = 1;
    output->dims[0] = end - start;

    if (ml_build_constant(build, output) != 0) {
        return -1;
    }

    dims = output->data;

    for (/* void */; start < end; start++) {
        *dims = x->dims[start];

        if (*dims == ML_ROWS) {
            *dims = ML_ROWS_SYMBOL;
            build->symbolic[node->output] = 1;
        }

        dims++;
    }

    return 0;
}


int
ml_infer_constant(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    ml_onnx_tensor_t           *tensor;
    const ml_onnx_attribute_t  *attribute;

    static const char  *const names[] = {
        "value", "value_float", "value_int", "value_floats", "value_ints"
    };

    static const ml_onnx_type_e  types[] = {
        ML_ONNX_TENSOR, ML_ONNX_FLOAT, ML_ONNX_INT, ML_ONNX_FLOATS,
        ML_ONNX_INTS
    };

    uint32_t  i;

    attribute = NULL;

    for (i = 0; i < 5 && attribute == NULL; i++) {
        attribute = ml_attribute_find(build, names[i]);
    }

    if (attribute == NULL || attribute->type != types[i - 1]) {
        return ml_build_fail(build, "has no value of a supported kind");
    }

    switch (attribute->type) {

    case ML_ONNX_TENSOR:
        tensor = attribute->tensor;
        output->dtype = tensor->dtype;
        output->rank = tensor->rank;
        memcpy(output->dims, tensor->dims, sizeof(tensor->dims));

        if (ml_build_constant(build, output) != 0) {
            return -1;
        }

        ml_onnx_tensor_copy(tensor, output->data);

        return 0;

    case ML_ONNX_FLOAT:
    case ML_ONNX_FLOATS:
        output->dtype = ML_DTYPE_FLOAT32;
        break;

    default:
        output->dtype = ML_DTYPE_INT64;
        break;
    }

    if (attribute->ints != NULL || attribute->floats != NULL) {
        output->rank = 1;
        output->dims[0] = attribute->n;

    } else {
        output->rank = 0;
    }

    if (ml_build_constant(build, output) != 0) {
        return -1;
    }

    if (output->bytes != 0) {
        memcpy(output->data,
               attribute->ints ? (const void *) attribute->ints
               : attribute->floats ? (const void *) attribute->floats
               : attribute->type == ML_ONNX_INT ? (const void *) &attribute->i
               : (const void *) &attribute->f, output->bytes);
    }

    return 0;
}
