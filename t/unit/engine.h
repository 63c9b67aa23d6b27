/* The whole of the model reader, for tests that include what they test. */

#ifndef ENGINE_H
#define ENGINE_H

#include "ml_tensor.c"
#include "ml_arena.c"
#include "ml_wire.c"
#include "ml_onnx_tensor.c"
#include "ml_onnx_node.c"
#include "ml_onnx.c"
#include "ml_kernels.c"
#include "ml_kernels_array.c"
#include "ml_shape.c"
#include "ml_shape_array.c"
#include "ml_shape_move.c"
#include "ml_operators.c"
#include "ml_names.c"
#include "ml_live.c"
#include "ml_build.c"
#include "ml_model.c"


#endif /* ENGINE_H */
