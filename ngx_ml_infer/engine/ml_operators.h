/*
 * The operators that the engine knows, and what their shape inference may
 * use.
 *
 * Source: onnx/docs/Operators.md and Changelog.md, opsets 7 to 21.
 */

#ifndef ML_OPERATORS_H
#define ML_OPERATORS_H

#include "ml_build.h"


/* The operator of that name in that opset; NULL: not known. */
const ml_operator_t *ml_operator_find(const char *name, int64_t opset);

/*
 * Attributes of the node in hand.  The value stays as it is when the
 * attribute is absent; -1 when it is of another type.
 */
int ml_attribute_int(ml_build_t *build, const char *name, int64_t *value);
int ml_attribute_float(ml_build_t *build, const char *name, double *value);
int ml_attribute_ints(ml_build_t *build, const char *name,
    const int64_t **ints, uint32_t *n);
int ml_attribute_string(ml_build_t *build, const char *name,
    const char **string);
const ml_onnx_attribute_t *ml_attribute_find(ml_build_t *build,
    const char *name);

/* Inference; the numbers are the first opset of those semantics. */
int ml_infer_float(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_number(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_leaky_relu(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_elu(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_selu(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_hard_sigmoid(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_gelu(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_binary(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_pow(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_prelu(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_clip_7(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_clip_11(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_gemm(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_matmul(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_softmax_7(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_softmax_13(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_batch_normalization(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_layer_normalization(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_reshape(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_flatten(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_squeeze_7(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_squeeze_13(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_unsqueeze_7(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_unsqueeze_13(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_transpose(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_concat(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_cast(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_identity(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_dropout_7(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_dropout_12(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_constant(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_argmax(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_reduce_7(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_reduce_13(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_shape(ml_build_t *, ml_node_t *, ml_value_t *);
int ml_infer_gather(ml_build_t *, ml_node_t *, ml_value_t *);


#endif /* ML_OPERATORS_H */
