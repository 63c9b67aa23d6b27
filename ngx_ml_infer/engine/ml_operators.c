/*
 * The table of operators, and access to the attributes of the node in hand;
 * see ml_operators.h.
 *
 * An operator whose semantics changed within opsets 7 to 21 has several
 * rows.  Where a version only added element types, one row serves: the types
 * that the engine takes are the same in every opset.
 */

#include <string.h>

#include "ml_kernels.h"
#include "ml_operators.h"


#define ml_operator(name, since, until, least, most, kind, moves, infer,      \
    kernel)                                                                   \
    { name, since, until, least, most, ML_KIND_##kind, moves,                 \
      ml_infer_##infer, kernel }


static const ml_operator_t  ml_operators[] = {

    ml_operator("Abs", 7, 21, 1, 1, OTHER, 0, number, ml_kernel_abs),
    ml_operator("Add", 7, 21, 2, 2, ADD, 0, binary, ml_kernel_add),
    ml_operator("ArgMax", 7, 21, 1, 1, OTHER, 0, argmax, ml_kernel_argmax),
    ml_operator("BatchNormalization", 7, 21, 5, 5, OTHER, 0,
                batch_normalization, ml_kernel_batch_normalization),
    ml_operator("Cast", 7, 21, 1, 1, OTHER, 1, cast, ml_kernel_cast),
    ml_operator("Clip", 7, 10, 1, 1, OTHER, 0, clip_7, ml_kernel_clip),
    ml_operator("Clip", 11, 21, 1, 3, OTHER, 0, clip_11, ml_kernel_clip),
    ml_operator("Concat", 7, 21, 1, ML_MAX_INPUTS, OTHER, 1, concat,
                ml_kernel_concat),
    ml_operator("Constant", 7, 21, 0, 0, OTHER, 0, constant, NULL),
    ml_operator("Div", 7, 21, 2, 2, OTHER, 0, binary, ml_kernel_div),
    ml_operator("Dropout", 7, 11, 1, 1, VIEW, 1, dropout_7, ml_kernel_copy),
    ml_operator("Dropout", 12, 21, 1, 3, VIEW, 1, dropout_12,
                ml_kernel_copy),
    ml_operator("Elu", 7, 21, 1, 1, OTHER, 0, elu, ml_kernel_elu),
    ml_operator("Erf", 9, 21, 1, 1, OTHER, 0, float, ml_kernel_erf),
    ml_operator("Exp", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_exp),
    ml_operator("Flatten", 7, 21, 1, 1, VIEW, 1, flatten, ml_kernel_copy),
    ml_operator("Gather", 7, 21, 2, 2, OTHER, 1, gather, ml_kernel_gather),
    ml_operator("Gelu", 20, 21, 1, 1, OTHER, 0, gelu, ml_kernel_gelu),
    ml_operator("Gemm", 7, 10, 3, 3, GEMM, 0, gemm, ml_kernel_gemm),
    ml_operator("Gemm", 11, 21, 2, 3, GEMM, 0, gemm, ml_kernel_gemm),
    ml_operator("HardSigmoid", 7, 21, 1, 1, OTHER, 0, hard_sigmoid,
                ml_kernel_hard_sigmoid),
    ml_operator("Identity", 7, 21, 1, 1, VIEW, 1, identity, ml_kernel_copy),
    ml_operator("LayerNormalization", 17, 21, 2, 3, OTHER, 0,
                layer_normalization, ml_kernel_layer_normalization),
    ml_operator("LeakyRelu", 7, 21, 1, 1, OTHER, 0, leaky_relu,
                ml_kernel_leaky_relu),
    ml_operator("Log", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_log),
    ml_operator("LogSoftmax", 7, 12, 1, 1, OTHER, 0, softmax_7,
                ml_kernel_log_softmax),
    ml_operator("LogSoftmax", 13, 21, 1, 1, OTHER, 0, softmax_13,
                ml_kernel_log_softmax),
    ml_operator("MatMul", 7, 21, 2, 2, MATMUL, 0, matmul, ml_kernel_matmul),
    ml_operator("Mul", 7, 21, 2, 2, OTHER, 0, binary, ml_kernel_mul),
    ml_operator("Neg", 7, 21, 1, 1, OTHER, 0, number, ml_kernel_neg),
    ml_operator("PRelu", 7, 21, 2, 2, OTHER, 0, prelu, ml_kernel_prelu),
    ml_operator("Pow", 7, 21, 2, 2, OTHER, 0, pow, ml_kernel_pow),
    ml_operator("ReduceMean", 7, 17, 1, 1, OTHER, 0, reduce_7,
                ml_kernel_reduce_mean),
    ml_operator("ReduceMean", 18, 21, 1, 2, OTHER, 0, reduce_13,
                ml_kernel_reduce_mean),
    ml_operator("ReduceSum", 7, 12, 1, 1, OTHER, 0, reduce_7,
                ml_kernel_reduce_sum),
    ml_operator("ReduceSum", 13, 21, 1, 2, OTHER, 0, reduce_13,
                ml_kernel_reduce_sum),
    ml_operator("Relu", 7, 21, 1, 1, RELU, 0, float, ml_kernel_relu),
    ml_operator("Reshape", 7, 21, 2, 2, VIEW, 1, reshape, ml_kernel_copy),
    ml_operator("Selu", 7, 21, 1, 1, OTHER, 0, selu, ml_kernel_selu),
    ml_operator("Shape", 7, 21, 1, 1, OTHER, 1, shape, NULL),
    ml_operator("Sigmoid", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_sigmoid),
    ml_operator("Softmax", 7, 12, 1, 1, OTHER, 0, softmax_7,
                ml_kernel_softmax),
    ml_operator("Softmax", 13, 21, 1, 1, OTHER, 0, softmax_13,
                ml_kernel_softmax),
    ml_operator("Softplus", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_softplus),
    ml_operator("Softsign", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_softsign),
    ml_operator("Sqrt", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_sqrt),
    ml_operator("Squeeze", 7, 12, 1, 1, VIEW, 1, squeeze_7, ml_kernel_copy),
    ml_operator("Squeeze", 13, 21, 1, 2, VIEW, 1, squeeze_13,
                ml_kernel_copy),
    ml_operator("Sub", 7, 21, 2, 2, OTHER, 0, binary, ml_kernel_sub),
    ml_operator("Tanh", 7, 21, 1, 1, OTHER, 0, float, ml_kernel_tanh),
    ml_operator("Transpose", 7, 21, 1, 1, OTHER, 1, transpose,
                ml_kernel_transpose),
    ml_operator("Unsqueeze", 7, 12, 1, 1, VIEW, 1, unsqueeze_7,
                ml_kernel_copy),
    ml_operator("Unsqueeze", 13, 21, 2, 2, VIEW, 1, unsqueeze_13,
                ml_kernel_copy)
};

#define ML_NOPERATORS  (sizeof(ml_operators) / sizeof(ml_operators[0]))


const ml_operator_t *
ml_operator_find(const char *name, int64_t opset)
{
    size_t  i;

    for (i = 0; i < ML_NOPERATORS; i++) {
        if (opset >= ml_operators[i].since && opset <= ml_operators[i].until
            && strcmp(name, ml_operators[i].name) == 0)
        {
            return &ml_operators[i];
        }
    }

    return NULL;
}


const ml_onnx_attribute_t *
ml_attribute_find(ml_build_t *build, const char *name)
{
    uint32_t  i;

    for (i = 0; i < build->source->nattributes; i++) {
        if (strcmp(build->source->attributes[i].name, name) == 0) {
            build->taken |= 1u << i;
            return &build->source->attributes[i];
        }
    }

    return NULL;
}


/* Returns 1 when it is there, 0 when not, -1 when it is of another type. */

static int
ml_attribute_get(ml_build_t *build, const char *name, ml_onnx_type_e type,
    const ml_onnx_attribute_t **attribute)
{
    *attribute = ml_attribute_find(build, name);

    if (*attribute == NULL) {
        return 0;
    }

    if ((*attribute)->type != type) {
        return ml_build_fail(build, "attribute \"%s\" is of the wrong type",
                             name);
    }

    return 1;
}


int
ml_attribute_int(ml_build_t *build, const char *name, int64_t *value)
{
    int                         rc;
    const ml_onnx_attribute_t  *attribute;

    rc = ml_attribute_get(build, name, ML_ONNX_INT, &attribute);

    if (rc == 1) {
        *value = attribute->i;
    }

    return rc < 0 ? -1 : 0;
}


int
ml_attribute_float(ml_build_t *build, const char *name, double *value)
{
    int                         rc;
    const ml_onnx_attribute_t  *attribute;

    rc = ml_attribute_get(build, name, ML_ONNX_FLOAT, &attribute);

    if (rc == 1) {
        *value = attribute->f;
    }

    return rc < 0 ? -1 : 0;
}


int
ml_attribute_ints(ml_build_t *build, const char *name, const int64_t **ints,
    uint32_t *n)
{
    int                         rc;
    const ml_onnx_attribute_t  *attribute;

    rc = ml_attribute_get(build, name, ML_ONNX_INTS, &attribute);

    if (rc == 1) {
        *ints = attribute->ints;
        *n = attribute->n;
    }

    return rc < 0 ? -1 : 0;
}


int
ml_attribute_string(ml_build_t *build, const char *name, const char **string)
{
    int                         rc;
    const ml_onnx_attribute_t  *attribute;

    rc = ml_attribute_get(build, name, ML_ONNX_STRING, &attribute);

    if (rc == 1) {
        *string = attribute->s;
    }

    return rc < 0 ? -1 : 0;
}
