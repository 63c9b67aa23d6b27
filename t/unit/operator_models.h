/*
 * A model for each operator, element type and kind of shape that the reader
 * takes, to compare what computes them with the reference kernels.
 *
 * Include engine.h first.
 */

#ifndef OPERATOR_MODELS_H
#define OPERATOR_MODELS_H

#include <stdarg.h>
#include <stdio.h>

#include "onnx_writer.h"
#include "operator_values.h"


/* Gets every model in turn; it is closed afterwards.  NULL: not opened. */
typedef void (*operator_model_pt)(void *data, const char *name,
    const ml_model_t *model, const char *why);


/* A model that is being written: one node "op" from its inputs to "y". */
typedef struct {
    operator_model_pt   each;
    void               *data;
    char                name[96];
    char                inputs[64];
    int64_t             opset;
    writer_t            graph;
    writer_t            attributes;
} operator_t;


static void __attribute__((format(printf, 3, 4)))
operator_begin(operator_t *o, int64_t opset, const char *name, ...)
{
    va_list  args;

    va_start(args, name);
    (void) vsnprintf(o->name, sizeof(o->name), name, args);
    va_end(args);

    o->opset = opset;
    o->inputs[0] = '\0';
    memset(&o->graph, 0, sizeof(writer_t));
    memset(&o->attributes, 0, sizeof(writer_t));
}


static void
operator_names(operator_t *o, const char *name)
{
    size_t  len;

    len = strlen(o->inputs);
    (void) snprintf(o->inputs + len, sizeof(o->inputs) - len, "%s%s",
                    len ? "," : "", name);
}


static void
operator_input(operator_t *o, const char *name, ml_dtype_e dtype,
    unsigned rank, const int64_t *dims)
{
    writer_port(&o->graph, 11, name, dtype, rank, dims);
    operator_names(o, name);
}


/* A constant of random values; positive ones if "positive". */

static void
operator_constant(operator_t *o, const char *name, ml_dtype_e dtype,
    unsigned rank, const int64_t *dims, int positive)
{
    void    *data;
    size_t   i, n, bytes;

    if (ml_tensor_size(dtype, rank, dims, &bytes) != 0) {
        abort();
    }

    n = bytes / ml_dtype_size(dtype);
    data = malloc(bytes + 1);

    if (data == NULL) {
        abort();
    }

    for (i = 0; i < n; i++) {
        operator_put(dtype, data, i, positive ? fabs(operator_real()) + 1
                                              : operator_real());
    }

    writer_tensor(&o->graph, name, dtype, rank, dims, data, bytes);
    operator_names(o, name);
    free(data);
}


static void
operator_list(operator_t *o, const char *name, int64_t n,
    const int64_t *values)
{
    writer_ints(&o->graph, name, n, values);
    operator_names(o, name);
}


static void
operator_ints(operator_t *o, const char *name, size_t n,
    const int64_t *values)
{
    size_t    i;
    writer_t  attribute = { NULL, 0, 0 };

    writer_string(&attribute, 1, name);

    for (i = 0; i < n; i++) {
        writer_int(&attribute, 8, values[i]);
    }

    writer_int(&attribute, 20, 7);
    writer_message(&o->attributes, 5, &attribute);
}


/* Opens what is written and hands it on. */

static void
operator_open(operator_t *o)
{
    char         why[512];
    writer_t     w = { NULL, 0, 0 };
    ml_model_t  *model;

    writer_model(&w, &o->graph, o->opset);
    model = ml_model_read(w.data, w.len, why, sizeof(why));
    o->each(o->data, o->name, model, why);

    if (model) {
        ml_model_close(model);
    }

    writer_free(&w);
}


static void
operator_end(operator_t *o, const char *operator, ml_dtype_e output)
{
    writer_port(&o->graph, 12, "y", output, 0, NULL);
    writer_node(&o->graph, operator, o->inputs, "y", &o->attributes);
    operator_open(o);
}


static const ml_dtype_e  operator_numbers[] = {
    ML_DTYPE_FLOAT32, ML_DTYPE_FLOAT64, ML_DTYPE_INT32, ML_DTYPE_INT64
};

static const int64_t  operator_rows[] = { -1, 37 };
static const int64_t  operator_cube[] = { -1, 4, 3 };
static const int64_t  operator_cube_fixed[] = { 2, 4, 3 };


static void
operator_unary(operator_t *o)
{
    size_t  i, t;

    static const struct {
        const char  *operator;
        int          integers;
    } list[] = {
        { "Neg", 1 }, { "Abs", 1 }, { "Exp", 0 }, { "Log", 0 }, { "Sqrt", 0 },
        { "Erf", 0 }, { "Relu", 0 }, { "LeakyRelu", 0 }, { "Elu", 0 },
        { "Selu", 0 }, { "Sigmoid", 0 }, { "HardSigmoid", 0 }, { "Tanh", 0 },
        { "Softplus", 0 }, { "Softsign", 0 }, { "Gelu", 0 }, { "Clip", 1 }
    };

    for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        for (t = 0; t < (list[i].integers ? 4 : 2); t++) {
            operator_begin(o, 20, "%s %s", list[i].operator,
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "x", operator_numbers[t], 2, operator_rows);
            operator_end(o, list[i].operator, operator_numbers[t]);
        }
    }

    for (t = 0; t < 2; t++) {
        operator_begin(o, 20, "Gelu tanh %s",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 2, operator_rows);
        {
            writer_t  attribute = { NULL, 0, 0 };

            writer_string(&attribute, 1, "approximate");
            writer_string(&attribute, 4, "tanh");
            writer_int(&attribute, 20, 3);
            writer_message(&o->attributes, 5, &attribute);
        }
        operator_end(o, "Gelu", operator_numbers[t]);

        operator_begin(o, 7, "Clip 7 %s", ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 2, operator_rows);
        writer_attribute_float(&o->attributes, "min", -1.5f);
        writer_attribute_float(&o->attributes, "max", 2.25f);
        operator_end(o, "Clip", operator_numbers[t]);

        operator_begin(o, 13, "LeakyRelu alpha %s",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 2, operator_rows);
        writer_attribute_float(&o->attributes, "alpha", -0.3f);
        operator_end(o, "LeakyRelu", operator_numbers[t]);
    }

    for (t = 0; t < 4; t++) {
        operator_begin(o, 13, "Clip 13 %s",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 2, operator_rows);
        operator_constant(o, "low", operator_numbers[t], 0, NULL, 0);
        operator_constant(o, "high", operator_numbers[t], 0, NULL, 1);
        operator_end(o, "Clip", operator_numbers[t]);

        operator_begin(o, 13, "Clip high %s",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 2, operator_rows);
        operator_names(o, "");
        operator_constant(o, "high", operator_numbers[t], 0, NULL, 1);
        operator_end(o, "Clip", operator_numbers[t]);
    }
}


static void
operator_binary(operator_t *o)
{
    size_t  i, s, t, u;

    static const char *const  list[] = { "Add", "Sub", "Mul", "Div" };

    static const int64_t  shapes[][3] = {
        { 3, 0, 0 }, { 4, 1, 0 }, { 1, 4, 3 }, { 1, 1, 1 }
    };
    static const unsigned  ranks[] = { 1, 2, 3, 0 };
    static const int64_t   narrow[] = { -1, 1, 3 };
    static const int64_t   tall[] = { 4, 1 };

    for (i = 0; i < 4; i++) {
        for (t = 0; t < 4; t++) {
            for (s = 0; s < 4; s++) {
                operator_begin(o, 13, "%s %s const %zu", list[i],
                               ml_dtype_name(operator_numbers[t]), s);
                operator_input(o, "x", operator_numbers[t], 3, operator_cube);
                operator_constant(o, "c", operator_numbers[t], ranks[s],
                                  shapes[s], 0);
                operator_end(o, list[i], operator_numbers[t]);
            }

            operator_begin(o, 13, "%s %s two", list[i],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "a", operator_numbers[t], 3, operator_cube);
            operator_input(o, "b", operator_numbers[t], 3, operator_cube);
            operator_end(o, list[i], operator_numbers[t]);

            operator_begin(o, 13, "%s %s narrow", list[i],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "a", operator_numbers[t], 3, narrow);
            operator_input(o, "b", operator_numbers[t], 3, operator_cube);
            operator_end(o, list[i], operator_numbers[t]);

            operator_begin(o, 13, "%s %s outer", list[i],
                           ml_dtype_name(operator_numbers[t]));
            operator_constant(o, "c", operator_numbers[t], 2, tall, 0);
            operator_input(o, "x", operator_numbers[t], 3, narrow);
            operator_end(o, list[i], operator_numbers[t]);
        }
    }

    for (t = 0; t < 4; t++) {
        for (u = 0; u < 4; u++) {
            operator_begin(o, 15, "Pow %s %s",
                           ml_dtype_name(operator_numbers[t]),
                           ml_dtype_name(operator_numbers[u]));
            operator_input(o, "x", operator_numbers[t], 3, operator_cube);
            operator_constant(o, "c", operator_numbers[u], 1,
                              operator_cube + 2, 0);
            operator_end(o, "Pow", operator_numbers[t]);
        }
    }

    for (t = 0; t < 2; t++) {
        for (s = 0; s < 4; s++) {
            operator_begin(o, 16, "PRelu %s %zu",
                           ml_dtype_name(operator_numbers[t]), s);
            operator_input(o, "x", operator_numbers[t], 3, operator_cube);
            operator_constant(o, "c", operator_numbers[t], ranks[s],
                              shapes[s], 0);
            operator_end(o, "PRelu", operator_numbers[t]);
        }
    }
}


static void
operator_casts(operator_t *o)
{
    size_t  t, u;

    static const ml_dtype_e  list[] = {
        ML_DTYPE_FLOAT32, ML_DTYPE_FLOAT64, ML_DTYPE_INT64, ML_DTYPE_INT32,
        ML_DTYPE_INT8, ML_DTYPE_UINT8, ML_DTYPE_BOOL
    };

    for (t = 0; t < 7; t++) {
        for (u = 0; u < 7; u++) {
            operator_begin(o, 13, "Cast %s %s", ml_dtype_name(list[t]),
                           ml_dtype_name(list[u]));
            operator_input(o, "x", list[t], 2, operator_rows);
            writer_attribute_int(&o->attributes, "to", list[u]);
            operator_end(o, "Cast", list[u]);
        }
    }
}


static void
operator_products(operator_t *o)
{
    size_t   s, t, v;
    int64_t  dims[2];

    static const int64_t  batch_a[] = { -1, 4, 5 }, batch_b[] = { -1, 5, 3 };
    static const int64_t  deep_a[] = { -1, 2, 4, 5 };
    static const int64_t  deep_b[] = { -1, 1, 5, 3 };
    static const int64_t  fixed_a[] = { 2, 3, 4, 5 };
    static const int64_t  fixed_b[] = { 3, 5, 3 };
    static const int64_t  matrix[] = { 5, 3 };
    static const int64_t  sizes[][2] = { { 1, 1 }, { 37, 1 }, { 37, 64 },
                                         { 1, 9 }, { 768, 33 } };

    for (t = 0; t < 2; t++) {

        for (s = 0; s < 5; s++) {
            dims[0] = -1;
            dims[1] = sizes[s][0];
            operator_begin(o, 13, "MatMul %s %ld %ld",
                           ml_dtype_name(operator_numbers[t]),
                           (long) sizes[s][0], (long) sizes[s][1]);
            operator_input(o, "x", operator_numbers[t], 2, dims);
            operator_constant(o, "w", operator_numbers[t], 2, sizes[s], 0);
            operator_end(o, "MatMul", operator_numbers[t]);
        }

        operator_begin(o, 13, "MatMul %s rows",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "a", operator_numbers[t], 3, batch_a);
        operator_constant(o, "b", operator_numbers[t], 2, matrix, 0);
        operator_end(o, "MatMul", operator_numbers[t]);

        operator_begin(o, 13, "MatMul %s batch",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "a", operator_numbers[t], 3, batch_a);
        operator_input(o, "b", operator_numbers[t], 3, batch_b);
        operator_end(o, "MatMul", operator_numbers[t]);

        operator_begin(o, 13, "MatMul %s deep",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "a", operator_numbers[t], 4, deep_a);
        operator_input(o, "b", operator_numbers[t], 4, deep_b);
        operator_end(o, "MatMul", operator_numbers[t]);

        operator_begin(o, 13, "MatMul %s fixed",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "a", operator_numbers[t], 4, fixed_a);
        operator_input(o, "b", operator_numbers[t], 3, fixed_b);
        operator_end(o, "MatMul", operator_numbers[t]);

        operator_begin(o, 13, "MatMul %s vector matrix",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "a", operator_numbers[t], 1, matrix);
        operator_input(o, "b", operator_numbers[t], 3, fixed_b);
        operator_end(o, "MatMul", operator_numbers[t]);

        operator_begin(o, 13, "MatMul %s matrix vector",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "a", operator_numbers[t], 2, matrix);
        operator_input(o, "b", operator_numbers[t], 1, matrix + 1);
        operator_end(o, "MatMul", operator_numbers[t]);

        /* bit 0: transA, 1: transB, 2 and 3: which C */

        for (v = 0; v < 16; v++) {
            operator_begin(o, 13, "Gemm %s %zu",
                           ml_dtype_name(operator_numbers[t]), v);

            dims[v & 1] = 6;
            dims[!(v & 1)] = 7;
            operator_input(o, "a", operator_numbers[t], 2, dims);

            dims[v >> 1 & 1] = 7;
            dims[!(v >> 1 & 1)] = 5;
            operator_input(o, "b", operator_numbers[t], 2, dims);

            if (v >> 2 == 1) {
                dims[0] = 5;
                operator_constant(o, "c", operator_numbers[t], 1, dims, 0);

            } else if (v >> 2 == 2) {
                dims[0] = 6;
                dims[1] = 1;
                operator_constant(o, "c", operator_numbers[t], 2, dims, 0);

            } else if (v >> 2 == 3) {
                dims[0] = 6;
                dims[1] = 5;
                operator_input(o, "c", operator_numbers[t], 2, dims);
            }

            writer_attribute_int(&o->attributes, "transA", v & 1);
            writer_attribute_int(&o->attributes, "transB", v >> 1 & 1);
            writer_attribute_float(&o->attributes, "alpha", 0.5f);
            writer_attribute_float(&o->attributes, "beta", -2.0f);
            operator_end(o, "Gemm", operator_numbers[t]);
        }
    }
}


/* Products with constant weights, and what follows them in one step. */

static void
operator_layers(operator_t *o)
{
    size_t   v;
    int64_t  dims[2], x[2] = { -1, 19 };

    for (v = 0; v < 8; v++) {

        /* bit 0: transB or MatMul and Add, 1: bias, 2: Relu */

        operator_begin(o, 13, "layer %zu", v);
        writer_port(&o->graph, 11, "x", ML_DTYPE_FLOAT32, 2, x);
        writer_port(&o->graph, 12, "y", ML_DTYPE_FLOAT32, 0, NULL);

        dims[v & 1] = 19;
        dims[!(v & 1)] = 11;
        operator_constant(o, "w", ML_DTYPE_FLOAT32, 2, dims, 0);
        dims[0] = 11;
        operator_constant(o, "b", ML_DTYPE_FLOAT32, 1, dims, 0);

        if (v & 1) {
            writer_attribute_int(&o->attributes, "transB", 1);
            writer_attribute_float(&o->attributes, "alpha", 0.25f);
            writer_node(&o->graph, "Gemm", v & 2 ? "x,w,b" : "x,w",
                        v & 4 ? "s" : "y", &o->attributes);

        } else if (v & 2) {
            writer_node(&o->graph, "MatMul", "x,w", "p", NULL);
            writer_node(&o->graph, "Add", "b,p", v & 4 ? "s" : "y", NULL);

        } else {
            writer_node(&o->graph, "MatMul", "x,w", v & 4 ? "s" : "y", NULL);
        }

        if (v & 4) {
            writer_node(&o->graph, "Relu", "s", "y", NULL);
        }

        operator_open(o);
    }

    /* outputs that are an input, and a value that others read */

    operator_begin(o, 13, "outputs");
    writer_port(&o->graph, 11, "x", ML_DTYPE_FLOAT32, 2, x);
    writer_port(&o->graph, 12, "s", ML_DTYPE_FLOAT32, 0, NULL);
    writer_port(&o->graph, 12, "x", ML_DTYPE_FLOAT32, 0, NULL);
    writer_port(&o->graph, 12, "y", ML_DTYPE_FLOAT32, 0, NULL);
    writer_port(&o->graph, 12, "z", ML_DTYPE_FLOAT32, 0, NULL);
    writer_node(&o->graph, "Relu", "x", "s", NULL);
    writer_node(&o->graph, "Neg", "s", "t", NULL);
    writer_node(&o->graph, "Identity", "t", "y", NULL);
    writer_node(&o->graph, "Exp", "t", "z", NULL);
    operator_open(o);
}


static void
operator_runs(operator_t *o)
{
    size_t   a, t, v;
    int64_t  dims[2];

    static const int64_t  longer[] = { -1, 1000 };
    static const int64_t  channels[] = { -1, 3, 5 };

    for (t = 0; t < 2; t++) {
        for (v = 0; v < 2; v++) {

            static const char *const  list[] = { "Softmax", "LogSoftmax" };

            for (a = 1; a < 3; a++) {
                operator_begin(o, 13, "%s %s axis %zu", list[v],
                               ml_dtype_name(operator_numbers[t]), a);
                operator_input(o, "x", operator_numbers[t], 3, operator_cube);
                writer_attribute_int(&o->attributes, "axis", (int64_t) a);
                operator_end(o, list[v], operator_numbers[t]);
            }

            operator_begin(o, 11, "%s 11 %s", list[v],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "x", operator_numbers[t], 3, operator_cube);
            operator_end(o, list[v], operator_numbers[t]);

            operator_begin(o, 13, "%s long %s", list[v],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "x", operator_numbers[t], 2, longer);
            operator_end(o, list[v], operator_numbers[t]);
        }

        for (v = 0; v < 2; v++) {
            operator_begin(o, 15, "BatchNormalization %s %zu",
                           ml_dtype_name(operator_numbers[t]), v);
            operator_input(o, "x", operator_numbers[t], 3 - (unsigned) v,
                           channels);
            dims[0] = 3;
            operator_constant(o, "scale", operator_numbers[t], 1, dims, 0);
            operator_constant(o, "bias", operator_numbers[t], 1, dims, 0);
            operator_constant(o, "mean", operator_numbers[t], 1, dims, 0);
            operator_constant(o, "variance", operator_numbers[t], 1, dims, 1);
            operator_end(o, "BatchNormalization", operator_numbers[t]);

            operator_begin(o, 17, "LayerNormalization %s %zu",
                           ml_dtype_name(operator_numbers[t]), v);
            operator_input(o, "x", operator_numbers[t], 2, longer);
            dims[0] = 1000;
            operator_constant(o, "scale", operator_numbers[t], 1, dims, 0);

            if (v) {
                operator_constant(o, "bias", operator_numbers[t], 1, dims, 0);
            }

            operator_end(o, "LayerNormalization", operator_numbers[t]);
        }

        operator_begin(o, 17, "LayerNormalization %s axis",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 3, operator_cube);
        operator_constant(o, "scale", operator_numbers[t], 2,
                          operator_cube + 1, 0);
        writer_attribute_int(&o->attributes, "axis", 1);
        operator_end(o, "LayerNormalization", operator_numbers[t]);
    }

    for (t = 0; t < 4; t++) {
        for (v = 0; v < 8; v++) {

            /* bit 0: last of equals, 1: axis 1 or 2, 2: keepdims */

            operator_begin(o, 13, "ArgMax %s %zu",
                           ml_dtype_name(operator_numbers[t]), v);
            operator_input(o, "x", operator_numbers[t], 3, operator_cube);
            writer_attribute_int(&o->attributes, "select_last_index", v & 1);
            writer_attribute_int(&o->attributes, "axis", 1 + (v >> 1 & 1));
            writer_attribute_int(&o->attributes, "keepdims", v >> 2);
            operator_end(o, "ArgMax", ML_DTYPE_INT64);
        }

        operator_begin(o, 13, "ArgMax long %s",
                       ml_dtype_name(operator_numbers[t]));
        operator_input(o, "x", operator_numbers[t], 2, longer);
        writer_attribute_int(&o->attributes, "axis", 1);
        operator_end(o, "ArgMax", ML_DTYPE_INT64);
    }
}


static void
operator_reductions(operator_t *o)
{
    size_t   t, m;
    int64_t  keep;

    static const char *const  list[] = { "ReduceSum", "ReduceMean" };
    static const int64_t      axes[][2] = { { 1, 2 }, { 2, 1 }, { 1, 1 } };
    static const int64_t      counts[] = { 1, 1, 2 };
    static const int64_t      longer[] = { -1, 1000 };
    size_t                    a;

    for (m = 0; m < 2; m++) {
        for (t = 0; t < (m ? 2 : 4); t++) {
            for (a = 0; a < 3; a++) {

                static const int64_t  both[] = { 1, 2 };

                keep = (int64_t) (a + t) & 1;
                operator_begin(o, 18, "%s %s axes %zu", list[m],
                               ml_dtype_name(operator_numbers[t]), a);
                operator_input(o, "x", operator_numbers[t], 3, operator_cube);
                operator_list(o, "axes", counts[a], a == 2 ? both : axes[a]);
                writer_attribute_int(&o->attributes, "keepdims", keep);
                operator_end(o, list[m], operator_numbers[t]);
            }

            operator_begin(o, 18, "%s %s all", list[m],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "x", operator_numbers[t], 3,
                           operator_cube_fixed);
            operator_end(o, list[m], operator_numbers[t]);

            operator_begin(o, 11, "%s %s outer", list[m],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "x", operator_numbers[t], 3,
                           operator_cube_fixed);
            operator_ints(o, "axes", 1, (const int64_t[]) { 0 });
            operator_end(o, list[m], operator_numbers[t]);

            operator_begin(o, 11, "%s %s long", list[m],
                           ml_dtype_name(operator_numbers[t]));
            operator_input(o, "x", operator_numbers[t], 2, longer);
            operator_ints(o, "axes", 1, (const int64_t[]) { 1 });
            operator_end(o, list[m], operator_numbers[t]);
        }
    }
}


static void
operator_moves(operator_t *o)
{
    size_t  t;

    static const ml_dtype_e  list[] = {
        ML_DTYPE_FLOAT32, ML_DTYPE_FLOAT64, ML_DTYPE_INT64, ML_DTYPE_INT32,
        ML_DTYPE_INT8, ML_DTYPE_UINT8, ML_DTYPE_BOOL, ML_DTYPE_UINT16,
        ML_DTYPE_INT16, ML_DTYPE_UINT32, ML_DTYPE_UINT64, ML_DTYPE_FLOAT16
    };

    static const int64_t  four[] = { -1, 2, 3, 5 };
    static const int64_t  turned[] = { 0, 3, 1, 2 }, swapped[] = { 0, 2, 1 };
    static const int64_t  reversed[] = { 2, 1, 0 };
    static const int64_t  other[] = { -1, 2, 3 };
    static const int64_t  indices[] = { 3, -1, 0, -4 }, at[] = { 2, 2 };
    static const int64_t  flat[] = { 0, -1 };
    static const int64_t  one[] = { -1, 1, 3 }, first[] = { 1 };
    static const int32_t  narrow[] = { 1, -3, 1 };

    for (t = 0; t < sizeof(list) / sizeof(list[0]); t++) {

        operator_begin(o, 13, "Identity %s", ml_dtype_name(list[t]));
        operator_input(o, "x", list[t], 3, operator_cube);
        operator_end(o, "Identity", list[t]);

        operator_begin(o, 13, "Transpose %s", ml_dtype_name(list[t]));
        operator_input(o, "x", list[t], 3, operator_cube);
        operator_ints(o, "perm", 3, swapped);
        operator_end(o, "Transpose", list[t]);

        operator_begin(o, 13, "Transpose four %s", ml_dtype_name(list[t]));
        operator_input(o, "x", list[t], 4, four);
        operator_ints(o, "perm", 4, turned);
        operator_end(o, "Transpose", list[t]);

        operator_begin(o, 13, "Transpose fixed %s", ml_dtype_name(list[t]));
        operator_input(o, "x", list[t], 3, operator_cube_fixed);
        operator_ints(o, "perm", 3, reversed);
        operator_end(o, "Transpose", list[t]);

        operator_begin(o, 13, "Concat %s", ml_dtype_name(list[t]));
        operator_input(o, "a", list[t], 3, operator_cube);
        operator_input(o, "b", list[t], 3, other);
        operator_names(o, "a");
        writer_attribute_int(&o->attributes, "axis", 1);
        operator_end(o, "Concat", list[t]);

        operator_begin(o, 13, "Concat last %s", ml_dtype_name(list[t]));
        operator_input(o, "a", list[t], 3, operator_cube);
        operator_names(o, "a");
        writer_attribute_int(&o->attributes, "axis", -1);
        operator_end(o, "Concat", list[t]);

        operator_begin(o, 13, "Gather %s", ml_dtype_name(list[t]));
        operator_input(o, "x", list[t], 3, operator_cube);
        writer_tensor(&o->graph, "i", ML_DTYPE_INT64, 2, at, indices,
                      sizeof(indices));
        operator_names(o, "i");
        writer_attribute_int(&o->attributes, "axis", 1);
        operator_end(o, "Gather", list[t]);

        operator_begin(o, 13, "Gather narrow %s", ml_dtype_name(list[t]));
        operator_input(o, "x", list[t], 3, operator_cube);
        writer_tensor(&o->graph, "i", ML_DTYPE_INT32, 1,
                      (const int64_t[]) { 3 }, narrow, sizeof(narrow));
        operator_names(o, "i");
        writer_attribute_int(&o->attributes, "axis", 2);
        operator_end(o, "Gather", list[t]);
    }

    operator_begin(o, 13, "Reshape");
    operator_input(o, "x", ML_DTYPE_FLOAT32, 3, operator_cube);
    operator_list(o, "shape", 2, flat);
    operator_end(o, "Reshape", ML_DTYPE_FLOAT32);

    operator_begin(o, 13, "Flatten");
    operator_input(o, "x", ML_DTYPE_FLOAT32, 3, operator_cube);
    operator_end(o, "Flatten", ML_DTYPE_FLOAT32);

    operator_begin(o, 13, "Squeeze");
    operator_input(o, "x", ML_DTYPE_FLOAT32, 3, one);
    operator_list(o, "axes", 1, first);
    operator_end(o, "Squeeze", ML_DTYPE_FLOAT32);

    operator_begin(o, 13, "Unsqueeze");
    operator_input(o, "x", ML_DTYPE_FLOAT32, 3, operator_cube);
    operator_list(o, "axes", 1, first);
    operator_end(o, "Unsqueeze", ML_DTYPE_FLOAT32);

    operator_begin(o, 13, "Dropout");
    operator_input(o, "x", ML_DTYPE_FLOAT32, 3, operator_cube);
    operator_end(o, "Dropout", ML_DTYPE_FLOAT32);
}


static void
operator_models(operator_model_pt each, void *data)
{
    operator_t  o;

    o.each = each;
    o.data = data;

    operator_unary(&o);
    operator_binary(&o);
    operator_casts(&o);
    operator_products(&o);
    operator_layers(&o);
    operator_runs(&o);
    operator_reductions(&o);
    operator_moves(&o);
}


#endif /* OPERATOR_MODELS_H */
