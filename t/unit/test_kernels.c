/*
 * The reference kernels where ONNX Runtime, which they are compared with
 * elsewhere, gives no answer to rely on: wrapping, dividing by zero, NaN,
 * conversions out of range; and a known value of each kind of kernel.
 */

/* link: -lm */

#include <math.h>

#include "test.h"
#include "engine.h"


static ml_node_t  node;


static ml_array_t
array(ml_dtype_e dtype, void *data, unsigned rank, int64_t a, int64_t b,
    int64_t c)
{
    ml_array_t  result = { dtype, rank, { a, b, c }, data };

    return result;
}


static void
call(ml_kernel_pt kernel, const ml_array_t *a, const ml_array_t *b,
    const ml_array_t *output)
{
    const ml_array_t  *inputs[2] = { a, b };

    node.ninputs = b ? 2 : 1;
    kernel(&node, inputs, output);
}


static void
test_integers(void)
{
    int32_t     a[5] = { INT32_MAX, INT32_MIN, 7, -7, INT32_MIN };
    int32_t     b[5] = { 1, 1, 0, 2, -1 }, out[5];
    int64_t     c[2] = { INT64_MIN, 5 }, d[2] = { -1, 0 }, wide[2];
    ml_array_t  x = array(ML_DTYPE_INT32, a, 1, 5, 0, 0);
    ml_array_t  y = array(ML_DTYPE_INT32, b, 1, 5, 0, 0);
    ml_array_t  o = array(ML_DTYPE_INT32, out, 1, 5, 0, 0);
    ml_array_t  p = array(ML_DTYPE_INT64, c, 1, 2, 0, 0);
    ml_array_t  q = array(ML_DTYPE_INT64, d, 1, 2, 0, 0);
    ml_array_t  r = array(ML_DTYPE_INT64, wide, 1, 2, 0, 0);

    call(ml_kernel_add, &x, &y, &o);
    CHECK_INT(out[0], INT32_MIN);
    call(ml_kernel_sub, &x, &y, &o);
    CHECK_INT(out[1], INT32_MAX);
    call(ml_kernel_mul, &x, &y, &o);
    CHECK_INT(out[4], INT32_MIN);

    call(ml_kernel_div, &x, &y, &o);
    CHECK_INT(out[2], 0);
    CHECK_INT(out[3], -3);
    CHECK_INT(out[4], INT32_MIN);

    call(ml_kernel_div, &p, &q, &r);
    CHECK_INT(wide[0], INT64_MIN);
    CHECK_INT(wide[1], 0);

    call(ml_kernel_neg, &x, NULL, &o);
    CHECK_INT(out[1], INT32_MIN);
    CHECK_INT(out[2], -7);
    call(ml_kernel_abs, &x, NULL, &o);
    CHECK_INT(out[1], INT32_MIN);
    CHECK_INT(out[3], 7);

    call(ml_kernel_pow, &p, &p, &r);
    CHECK_INT(wide[1], 3125);
}


static void
test_nan(void)
{
    float       a[3] = { NAN, INFINITY, -INFINITY }, out[3];
    ml_array_t  x = array(ML_DTYPE_FLOAT32, a, 1, 3, 0, 0);
    ml_array_t  o = array(ML_DTYPE_FLOAT32, out, 1, 3, 0, 0);

    static const ml_kernel_pt  kernels[] = {
        ml_kernel_neg, ml_kernel_abs, ml_kernel_exp, ml_kernel_log,
        ml_kernel_sqrt, ml_kernel_erf, ml_kernel_relu, ml_kernel_leaky_relu,
        ml_kernel_elu, ml_kernel_selu, ml_kernel_sigmoid,
        ml_kernel_hard_sigmoid, ml_kernel_tanh, ml_kernel_softplus,
        ml_kernel_softsign, ml_kernel_gelu, ml_kernel_clip
    };

    size_t  i;

    memset(&node, 0, sizeof(node));
    node.parameters.alpha = 0.5;
    node.parameters.beta = 0.5;
    node.parameters.minimum = -1;
    node.parameters.maximum = 1;

    for (i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        call(kernels[i], &x, NULL, &o);
        CHECK(isnan(out[0]));
    }

    call(ml_kernel_relu, &x, NULL, &o);
    CHECK(isinf(out[1]) && out[2] == 0);
    call(ml_kernel_sigmoid, &x, NULL, &o);
    CHECK(out[1] == 1 && out[2] == 0);
    call(ml_kernel_softplus, &x, NULL, &o);
    CHECK(isinf(out[1]) && out[2] == 0);
    call(ml_kernel_clip, &x, NULL, &o);
    CHECK(out[1] == 1 && out[2] == -1);
}


static void
test_cast(void)
{
    float       a[6] = { NAN, 1e30f, -1e30f, 1.9f, -1.9f, 300 };
    int8_t      narrow[6];
    uint8_t     byte[6], flag[6] = { 0, 1, 1, 0, 1, 0 };
    int32_t     out[6];
    int64_t     wide[6];
    ml_array_t  x = array(ML_DTYPE_FLOAT32, a, 1, 6, 0, 0);
    ml_array_t  i32 = array(ML_DTYPE_INT32, out, 1, 6, 0, 0);
    ml_array_t  i64 = array(ML_DTYPE_INT64, wide, 1, 6, 0, 0);
    ml_array_t  i8 = array(ML_DTYPE_INT8, narrow, 1, 6, 0, 0);
    ml_array_t  u8 = array(ML_DTYPE_UINT8, byte, 1, 6, 0, 0);
    ml_array_t  b = array(ML_DTYPE_BOOL, flag, 1, 6, 0, 0);

    call(ml_kernel_cast, &b, NULL, &i64);
    CHECK(wide[0] == 0 && wide[1] == 1);

    call(ml_kernel_cast, &x, NULL, &i32);
    CHECK_INT(out[0], 0);
    CHECK_INT(out[1], INT32_MAX);
    CHECK_INT(out[2], INT32_MIN);
    CHECK_INT(out[3], 1);
    CHECK_INT(out[4], -1);

    call(ml_kernel_cast, &x, NULL, &i64);
    CHECK_INT(wide[1], INT64_MAX);
    CHECK_INT(wide[2], INT64_MIN);

    call(ml_kernel_cast, &x, NULL, &i8);
    CHECK_INT(narrow[5], 127);
    call(ml_kernel_cast, &x, NULL, &u8);
    CHECK_INT(byte[2], 0);
    CHECK_INT(byte[5], 255);
    call(ml_kernel_cast, &x, NULL, &b);
    CHECK_INT(flag[0], 1);
    CHECK_INT(flag[3], 1);
}


static void
test_broadcast(void)
{
    size_t      i;
    float       a[2] = { 10, 20 }, b[3] = { 1, 2, 3 }, one = 5, out[6];
    ml_array_t  column = array(ML_DTYPE_FLOAT32, a, 2, 2, 1, 0);
    ml_array_t  row = array(ML_DTYPE_FLOAT32, b, 1, 3, 0, 0);
    ml_array_t  scalar = array(ML_DTYPE_FLOAT32, &one, 0, 0, 0, 0);
    ml_array_t  o = array(ML_DTYPE_FLOAT32, out, 2, 2, 3, 0);
    ml_array_t  single_row = array(ML_DTYPE_FLOAT32, out, 1, 3, 0, 0);
    ml_array_t  single = array(ML_DTYPE_FLOAT32, out, 0, 0, 0, 0);

    static const float  sums[6] = { 11, 12, 13, 21, 22, 23 };

    call(ml_kernel_add, &column, &row, &o);

    for (i = 0; i < 6; i++) {
        CHECK(out[i] == sums[i]);
    }

    call(ml_kernel_sub, &scalar, &row, &single_row);
    CHECK(out[0] == 4 && out[2] == 2);
    call(ml_kernel_add, &scalar, &scalar, &single);
    CHECK(out[0] == 10);
}


static void
test_products(void)
{
    int         i;
    float       a[6] = { 1, 2, 3, 4, 5, 6 }, b[6] = { 1, 0, 0, 1, 1, 1 };
    float       out[4], wide[3 * 70], w[2 * 70], v[6];
    ml_array_t  x = array(ML_DTYPE_FLOAT32, a, 2, 2, 3, 0);
    ml_array_t  y = array(ML_DTYPE_FLOAT32, b, 2, 3, 2, 0);
    ml_array_t  o = array(ML_DTYPE_FLOAT32, out, 2, 2, 2, 0);
    ml_array_t  t = array(ML_DTYPE_FLOAT32, v, 2, 3, 2, 0);
    ml_array_t  many = array(ML_DTYPE_FLOAT32, w, 2, 2, 70, 0);
    ml_array_t  result = array(ML_DTYPE_FLOAT32, wide, 2, 3, 70, 0);

    memset(&node, 0, sizeof(node));
    node.parameters.alpha = 1;

    call(ml_kernel_matmul, &x, &y, &o);
    CHECK(out[0] == 4 && out[1] == 5 && out[2] == 10 && out[3] == 11);
    call(ml_kernel_gemm, &x, &y, &o);
    CHECK(out[0] == 4 && out[1] == 5 && out[2] == 10 && out[3] == 11);

    /* more columns than are summed at once */

    for (i = 0; i < 140; i++) {
        w[i] = (float) i;
    }

    for (i = 0; i < 6; i++) {
        v[i] = (float) (i + 1);
    }

    call(ml_kernel_matmul, &t, &many, &result);
    CHECK(wide[0] == 140 && wide[69] == 69 + 2 * 139);
    CHECK(wide[2 * 70 + 33] == 5 * 33 + 6 * 103);
}


static void
test_softmax(void)
{
    int         i;
    float       a[8] = { 1000, 1000, -1000, -1000, 0, 1, 2, 3 }, out[8];
    double      sum;
    ml_array_t  x = array(ML_DTYPE_FLOAT32, a, 2, 2, 4, 0);
    ml_array_t  o = array(ML_DTYPE_FLOAT32, out, 2, 2, 4, 0);

    memset(&node, 0, sizeof(node));
    node.parameters.axis = 1;

    call(ml_kernel_softmax, &x, NULL, &o);
    CHECK(out[0] == 0.5f && out[2] == 0);

    for (sum = 0, i = 4; i < 8; i++) {
        sum += out[i];
    }

    CHECK(fabs(sum - 1) < 1e-6);

    call(ml_kernel_log_softmax, &x, NULL, &o);
    CHECK(fabsf(out[0] + logf(2)) < 1e-6f && fabsf(out[2] + 2000) < 1);

    node.parameters.axis = 0;
    node.parameters.flatten = 1;
    call(ml_kernel_softmax, &x, NULL, &o);
    CHECK(out[0] == 0.5f && out[7] == 0);
}


static void
test_argmax(void)
{
    float       a[6] = { 1, 3, 3, 2, 0, 1 };
    int64_t     out[3];
    ml_array_t  x = array(ML_DTYPE_FLOAT32, a, 2, 2, 3, 0);
    ml_array_t  o = array(ML_DTYPE_INT64, out, 1, 2, 0, 0);
    ml_array_t  p = array(ML_DTYPE_INT64, out, 1, 3, 0, 0);

    memset(&node, 0, sizeof(node));
    node.parameters.axis = 1;
    call(ml_kernel_argmax, &x, NULL, &o);
    CHECK(out[0] == 1 && out[1] == 0);

    node.parameters.last = 1;
    call(ml_kernel_argmax, &x, NULL, &o);
    CHECK(out[0] == 2 && out[1] == 0);

    node.parameters.axis = 0;
    call(ml_kernel_argmax, &x, NULL, &p);
    CHECK(out[0] == 1 && out[1] == 0 && out[2] == 0);
}


static void
test_moves(void)
{
    float       a[6] = { 1, 2, 3, 4, 5, 6 }, out[6];
    int64_t     picks[3] = { -1, 0, 2 };
    ml_array_t  x = array(ML_DTYPE_FLOAT32, a, 2, 2, 3, 0);
    ml_array_t  i = array(ML_DTYPE_INT64, picks, 1, 3, 0, 0);
    ml_array_t  t = array(ML_DTYPE_FLOAT32, out, 2, 3, 2, 0);
    ml_array_t  o = array(ML_DTYPE_FLOAT32, out, 2, 2, 3, 0);
    ml_array_t  s = array(ML_DTYPE_FLOAT32, out, 1, 2, 0, 0);

    memset(&node, 0, sizeof(node));
    node.parameters.permutation[0] = 1;
    call(ml_kernel_transpose, &x, NULL, &t);
    CHECK(out[0] == 1 && out[1] == 4 && out[4] == 3 && out[5] == 6);

    node.parameters.axis = 1;
    call(ml_kernel_gather, &x, &i, &o);
    CHECK(out[0] == 3 && out[1] == 1 && out[2] == 3 && out[3] == 6);

    node.parameters.axes = 2;
    call(ml_kernel_reduce_sum, &x, NULL, &s);
    CHECK(out[0] == 6 && out[1] == 15);
    call(ml_kernel_reduce_mean, &x, NULL, &s);
    CHECK(out[0] == 2 && out[1] == 5);
}


int
main(void)
{
    test_integers();
    test_nan();
    test_cast();
    test_broadcast();
    test_products();
    test_softmax();
    test_argmax();
    test_moves();

    return TEST_END;
}
