/* From file to graph: what is refused, what is folded, what is left to run. */

/* link: -lm */

#include "test.h"
#include "engine.h"
#include "onnx_writer.h"


static char  why[512];


/* Opens a graph, and frees what was written; the reason is left in "why". */

static ml_model_t *
opens(writer_t *graph, int64_t opset)
{
    writer_t     w = { NULL, 0, 0 };
    ml_model_t  *model;

    writer_model(&w, graph, opset);
    why[0] = '\0';
    model = ml_model_read(w.data, w.len, why, sizeof(why));

    /* nothing of the file is needed any more */
    writer_free(&w);

    return model;
}


static int
refuses(writer_t *graph, int64_t opset, const char *text)
{
    ml_model_t  *model;

    model = opens(graph, opset);

    if (model != NULL) {
        ml_model_close(model);
        fprintf(stderr, "opened, although: %s\n", text);
        return 0;
    }

    if (strstr(why, text) == NULL) {
        fprintf(stderr, "reason: \"%s\"\n", why);
        return 0;
    }

    return 1;
}


/* x [N,4] and y [N,4] around what the test adds. */

static void
ports(writer_t *graph)
{
    writer_rows(graph, 11, "x", 4);
    writer_rows(graph, 12, "y", 4);
}


static void
test_names(void)
{
    float     w[4] = { 1, 2, 3, 4 };
    writer_t  g = { NULL, 0, 0 };

    ports(&g);
    writer_node(&g, "Relu", "nowhere", "y", NULL);
    CHECK(refuses(&g, 13, "nothing gives its input \"nowhere\""));

    ports(&g);
    writer_node(&g, "Relu", "x", "other", NULL);
    CHECK(refuses(&g, 13, "gives output \"y\""));

    ports(&g);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_node(&g, "Exp", "x", "y", NULL);
    CHECK(refuses(&g, 13, "the name \"y\" is given twice"));

    ports(&g);
    writer_node(&g, "Relu", "x", "x", NULL);
    CHECK(refuses(&g, 13, "the name \"x\" is given twice"));

    ports(&g);
    writer_rows(&g, 11, "x", 4);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "the name \"x\" is given twice"));

    ports(&g);
    writer_floats(&g, "w", 1, 4, w);
    writer_floats(&g, "w", 1, 4, w);
    writer_node(&g, "Add", "x,w", "y", NULL);
    CHECK(refuses(&g, 13, "the name \"w\" is given twice"));

    ports(&g);
    writer_floats(&g, "", 1, 4, w);
    CHECK(refuses(&g, 13, "has no name"));

    ports(&g);
    writer_node(&g, "Relu", "x", "", NULL);
    CHECK(refuses(&g, 13, "first output has no name"));

    ports(&g);
    writer_rows(&g, 12, "y", 4);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "output \"y\" is given twice"));
}


static void
test_order(void)
{
    int          i;
    char         from[16], to[16];
    writer_t     g = { NULL, 0, 0 };
    ml_model_t  *model;

    ports(&g);
    writer_node(&g, "Add", "x,y", "y", NULL);
    CHECK(refuses(&g, 13, "needs its own output"));

    ports(&g);
    writer_node(&g, "Add", "x,b", "a", NULL);
    writer_node(&g, "Relu", "c", "b", NULL);
    writer_node(&g, "Relu", "a", "c", NULL);
    writer_node(&g, "Relu", "a", "y", NULL);
    CHECK(refuses(&g, 13, "needs its own output"));

    /* against the order of computation, and too deep to call oneself */

    writer_rows(&g, 11, "h10000", 4);
    writer_rows(&g, 12, "h0", 4);

    for (i = 0; i < 10000; i++) {
        snprintf(to, sizeof(to), "h%d", i);
        snprintf(from, sizeof(from), "h%d", i + 1);
        writer_node(&g, "Neg", from, to, NULL);
    }

    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(model->nnodes, 10000);
        CHECK_INT(model->nodes[0].inputs[0], model->inputs[0]);
        CHECK_INT(model->nodes[9999].output, model->outputs[0]);
        ml_model_close(model);
    }
}


static void
test_operators(void)
{
    writer_t  g = { NULL, 0, 0 }, node = { NULL, 0, 0 };

    ports(&g);
    writer_node(&g, "Relu", "x", "h", NULL);
    writer_string(&node, 1, "h");
    writer_string(&node, 2, "y");
    writer_string(&node, 3, "the second");
    writer_string(&node, 4, "Frobnicate");
    writer_message(&g, 1, &node);
    CHECK(refuses(&g, 13, "node 1 \"the second\", operator Frobnicate of "
                  "opset 13: the operator is not supported"));

    ports(&g);
    writer_string(&node, 7, "ai.onnx.ml");
    writer_node(&g, "Scaler", "x", "y", &node);
    CHECK(refuses(&g, 13, "operator ai.onnx.ml.Scaler of opset 13: the "
                  "domain is not supported"));

    ports(&g);
    writer_string(&node, 7, "ai.onnx");
    writer_node(&g, "Relu", "x", "y", &node);
    ml_model_close(opens(&g, 13));

    /* operators that came, and semantics that changed */

    ports(&g);
    writer_node(&g, "Gelu", "x", "y", NULL);
    CHECK(refuses(&g, 19, "operator Gelu of opset 19"));
    ports(&g);
    writer_node(&g, "Gelu", "x", "y", NULL);
    ml_model_close(opens(&g, 20));
    ports(&g);
    writer_node(&g, "LayerNormalization", "x,x", "y", NULL);
    CHECK(refuses(&g, 16, "not supported"));
    ports(&g);
    writer_node(&g, "Unsqueeze", "x", "y", NULL);
    CHECK(refuses(&g, 13, "input 1 is missing"));
    ports(&g);
    writer_attribute_float(&node, "min", 0);
    writer_node(&g, "Clip", "x", "y", &node);
    CHECK(refuses(&g, 11, "attribute \"min\""));

    ports(&g);
    writer_node(&g, "Relu", "x,x", "y", NULL);
    CHECK(refuses(&g, 13, "at most 1"));
    ports(&g);
    writer_node(&g, "Add", "x,", "y", NULL);
    CHECK(refuses(&g, 13, "input 1 is missing"));
    ports(&g);
    writer_node(&g, "Clip", "x,,", "y", NULL);
    ml_model_close(opens(&g, 13));

    ports(&g);
    writer_attribute_int(&node, "axis", 1);
    writer_attribute_int(&node, "axis", 1);
    writer_node(&g, "Softmax", "x", "y", &node);
    CHECK(refuses(&g, 13, "attribute \"axis\" is unknown or given twice"));
    ports(&g);
    writer_attribute_float(&node, "axis", 1);
    writer_node(&g, "Softmax", "x", "y", &node);
    CHECK(refuses(&g, 13, "wrong type"));
    ports(&g);
    writer_attribute_int(&node, "axis", 2);
    writer_node(&g, "Softmax", "x", "y", &node);
    CHECK(refuses(&g, 13, "axis 2 of 2 dimensions"));
    ports(&g);
    writer_attribute_int(&node, "axis", INT64_MIN);
    writer_node(&g, "Softmax", "x", "y", &node);
    CHECK(refuses(&g, 13, "of 2 dimensions"));

    ports(&g);
    writer_node(&g, "Dropout", "x", "h,mask", NULL);
    writer_node(&g, "Identity", "mask", "y", NULL);
    CHECK(refuses(&g, 13, "optional output"));
    ports(&g);
    writer_node(&g, "Dropout", "x", "y,mask", NULL);
    ml_model_close(opens(&g, 13));
}


/* The contract with those who bring rows. */

static void
test_specs(void)
{
    size_t                   n;
    int64_t                  dims[3] = { -1, 2, 3 };
    writer_t                 g = { NULL, 0, 0 };
    ml_model_t              *model;
    const ml_tensor_spec_t  *spec;

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "y", 99);
    writer_rows(&g, 12, "z", 0);
    writer_node(&g, "Flatten", "x", "y", NULL);
    writer_node(&g, "Cast", "y", "z", NULL);
    CHECK(refuses(&g, 13, "to type 0"));

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "y", 99);
    writer_node(&g, "Flatten", "x", "y", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(ml_model_batched(model), 1);

        spec = ml_model_inputs(model, &n);
        CHECK_INT(n, 1);
        CHECK_STR(spec[0].name, "x");
        CHECK_INT(spec[0].dtype, ML_DTYPE_FLOAT32);
        CHECK_INT(spec[0].rank, 3);
        CHECK_INT(spec[0].dims[0], -1);
        CHECK_INT(spec[0].dims[2], 3);
        CHECK_INT(spec[0].bound, 0);

        /* what was inferred, whatever the file says */
        spec = ml_model_outputs(model, &n);
        CHECK_INT(n, 1);
        CHECK_STR(spec[0].name, "y");
        CHECK_INT(spec[0].rank, 2);
        CHECK_INT(spec[0].dims[0], -1);
        CHECK_INT(spec[0].dims[1], 6);

        ml_model_close(model);
    }

    dims[0] = 5;
    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "y", 6);
    writer_node(&g, "Relu", "x", "y", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(ml_model_batched(model), 0);
        spec = ml_model_outputs(model, &n);
        CHECK_INT(spec[0].rank, 3);
        CHECK_INT(spec[0].dims[0], 5);
        ml_model_close(model);
    }

    dims[2] = -1;
    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    CHECK(refuses(&g, 13, "dimension 2 of input \"x\" is free"));

    dims[2] = 0;
    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    CHECK(refuses(&g, 13, "dimension 2 of input \"x\" is 0"));

    dims[0] = 4;
    writer_port(&g, 11, "fixed", ML_DTYPE_FLOAT32, 2, dims);
    writer_rows(&g, 11, "free", 4);
    CHECK(refuses(&g, 13, "input \"free\" is free, unlike that of input "
                  "\"fixed\""));

    writer_rows(&g, 12, "y", 4);
    CHECK(refuses(&g, 13, "0 inputs"));

    writer_rows(&g, 11, "x", 4);
    CHECK(refuses(&g, 13, "no output"));

    dims[0] = -1;
    dims[1] = 4;
    writer_rows(&g, 11, "x", 4);
    writer_port(&g, 12, "y", ML_DTYPE_INT64, 2, dims);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "output \"y\" is said to be int64 and is float32"));

    /* an output may be an input */
    writer_rows(&g, 11, "x", 4);
    writer_rows(&g, 12, "x", 4);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(model->nnodes, 0);
        ml_model_close(model);
    }
}


/* An initializer that is listed as an input, as before IR version 4. */

static void
test_shadowed(void)
{
    size_t       n;
    float        w[4] = { 1, 2, 3, 4 };
    writer_t     g = { NULL, 0, 0 };
    ml_model_t  *model;

    ports(&g);
    writer_rows(&g, 11, "w", 4);
    writer_floats(&g, "w", 1, 4, w);
    writer_node(&g, "Add", "x,w", "y", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_STR(ml_model_inputs(model, &n)[0].name, "x");
        CHECK_INT(n, 1);
        CHECK_INT(model->nnodes, 1);
        CHECK(model->values[model->nodes[0].inputs[1]].data != NULL);
        ml_model_close(model);
    }

    ports(&g);
    writer_rows(&g, 11, "w", 4);
    writer_rows(&g, 11, "w", 4);
    writer_floats(&g, "w", 1, 4, w);
    writer_node(&g, "Add", "x,w", "y", NULL);
    CHECK(refuses(&g, 13, "twice"));

    ports(&g);
    writer_rows(&g, 12, "w", 4);
    writer_floats(&g, "w", 1, 4, w);
    writer_node(&g, "Add", "x,w", "y", NULL);
    CHECK(refuses(&g, 13, "output \"w\" does not depend on an input"));
}


static void
test_folding(void)
{
    float             *data, w[4] = { 1, 2, 3, 4 };
    writer_t           g = { NULL, 0, 0 };
    ml_model_t        *model;
    const ml_value_t  *value;

    ports(&g);
    writer_floats(&g, "column", 4, 1, w);
    writer_floats(&g, "row", 1, 4, w);
    writer_floats(&g, "unused", 1, 4, w);
    writer_node(&g, "MatMul", "column,row", "w", NULL);
    writer_node(&g, "Neg", "w", "v", NULL);
    writer_node(&g, "MatMul", "x,v", "y", NULL);
    writer_node(&g, "Exp", "x", "nobody", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(model->nnodes, 1);
        CHECK_STR(model->nodes[0].operator->name, "MatMul");

        value = &model->values[model->nodes[0].inputs[1]];
        data = value->data;

        CHECK_STR(value->name, "v");
        CHECK_INT(value->bytes, 64);
        CHECK(data != NULL && data[0] == -1 && data[15] == -16
              && data[3] == -4);

        /* of nine values only one is kept */
        CHECK(model->values[1].data == NULL);
        CHECK(model->values[2].data == NULL);
        CHECK(model->values[3].data == NULL);
        ml_model_close(model);
    }
}


/* What a small file may make of itself. */

static void
test_limits(void)
{
    int       i;
    char      from[32], to[16];
    float    *big;
    size_t    n;
    writer_t  g = { NULL, 0, 0 }, node = { NULL, 0, 0 };

    n = 9000;
    big = calloc(n, sizeof(float));

    if (big == NULL) {
        abort();
    }

    ports(&g);
    writer_floats(&g, "column", 9000, 1, big);
    writer_floats(&g, "row", 1, 9000, big);
    writer_node(&g, "MatMul", "column,row", "w", NULL);
    CHECK(refuses(&g, 13, "takes more than 268435456 bytes"));

    /* each within its limit, not all of them */

    ports(&g);
    writer_floats(&g, "column", 5000, 1, big);
    writer_floats(&g, "row", 1, 5000, big);

    for (i = 0; i < 3; i++) {
        snprintf(to, sizeof(to), "w%d", i);
        writer_node(&g, "MatMul", "column,row", to, NULL);
    }

    CHECK(refuses(&g, 13, "node 2 \"\", operator MatMul of opset 13: "
                  "constants take more than 268435456 bytes"));

    ports(&g);
    writer_floats(&g, "column", 1500, 1, big);
    writer_floats(&g, "row", 1, 1500, big);
    writer_node(&g, "MatMul", "column,row", "w", NULL);
    writer_node(&g, "MatMul", "w,w", "v", NULL);
    CHECK(refuses(&g, 13, "more than 1073741824 operations"));

    /* doubled again and again */

    ports(&g);
    writer_node(&g, "Relu", "x", "h0", NULL);

    for (i = 0; i < 70; i++) {
        snprintf(from, sizeof(from), "h%d,h%d", i, i);
        snprintf(to, sizeof(to), "h%d", i + 1);
        writer_attribute_int(&node, "axis", 1);
        writer_node(&g, "Concat", from, to, &node);
    }

    CHECK(refuses(&g, 13, "takes more than 268435456 bytes"));

    free(big);
}


/* Dimensions that cost no memory, since one of them is 0, but would time. */

static void
test_empty(void)
{
    float        w[4] = { 1, 2, 3, 4 };
    int64_t      huge[2] = { (int64_t) 1 << 40, 0 }, none[2] = { 0, 0 };
    int64_t      wide[2] = { 60000000, 0 }, tall[2] = { 0, 60000000 };
    int64_t      few[2] = { 3, 0 };
    writer_t     g = { NULL, 0, 0 }, node = { NULL, 0, 0 };
    ml_model_t  *model;

    ports(&g);
    writer_tensor(&g, "a", ML_DTYPE_FLOAT32, 2, huge, "", 0);
    writer_attribute_int(&node, "axis", 1);
    writer_node(&g, "Concat", "a,a", "b", &node);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "constants take more than"));

    ports(&g);
    writer_tensor(&g, "a", ML_DTYPE_FLOAT32, 2, huge, "", 0);
    writer_tensor(&g, "c", ML_DTYPE_FLOAT32, 2, none, "", 0);
    writer_node(&g, "MatMul", "a,c", "b", NULL);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "constants take more than"));

    /* each is small enough, what they make is not */

    ports(&g);
    writer_tensor(&g, "a", ML_DTYPE_FLOAT32, 2, wide, "", 0);
    writer_tensor(&g, "c", ML_DTYPE_FLOAT32, 2, tall, "", 0);
    writer_node(&g, "Transpose", "a", "b", NULL);
    writer_node(&g, "Gemm", "c,a", "d", NULL);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "more than 1073741824 operations"));

    ports(&g);
    writer_tensor(&g, "a", ML_DTYPE_FLOAT32, 2, wide, "", 0);
    writer_attribute_int(&node, "axis", 1);
    writer_node(&g, "Concat", "a,a,a", "b", &node);
    writer_node(&g, "Relu", "x", "y", NULL);
    CHECK(refuses(&g, 13, "more than 1073741824 operations"));

    /* an empty constant is no mistake */

    ports(&g);
    writer_floats(&g, "w", 1, 4, w);
    writer_tensor(&g, "a", ML_DTYPE_FLOAT32, 2, few, "", 0);
    writer_node(&g, "Transpose", "a", "b", NULL);
    writer_node(&g, "MatMul", "b,a", "c", NULL);
    writer_node(&g, "ReduceSum", "a", "sum", NULL);
    writer_node(&g, "Add", "w,sum", "v", NULL);
    writer_node(&g, "Add", "x,v", "y", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(model->nnodes, 1);
        ml_model_close(model);
    }
}


/* "a" has 64 MB a row; "y" is made of what the test calls "last". */

static void
wide(writer_t *graph)
{
    float    *data;
    int64_t   two = 2, dims[3] = { -1, 4096, 1 };
    writer_t  node = { NULL, 0, 0 };

    data = calloc(4096, sizeof(float));

    if (data == NULL) {
        abort();
    }

    writer_port(graph, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(graph, 12, "y", 4096);
    writer_floats(graph, "row", 1, 4096, data);
    writer_ints(graph, "two", 1, &two);
    writer_node(graph, "MatMul", "x,row", "a", NULL);
    writer_attribute_int(&node, "keepdims", 0);
    writer_node(graph, "ReduceSum", "last,two", "y", &node);

    free(data);
}


/* Each value is within its limit; those needed at one time have another. */

static void
test_memory(void)
{
    int          i;
    char         from[16], to[16];
    int64_t      dims[2] = { -1, ((int64_t) 1 << 26) + 1 };
    int64_t      huge[3] = { -1, INT64_MAX, INT64_MAX };
    writer_t     g = { NULL, 0, 0 };
    ml_model_t  *model;

    wide(&g);
    writer_node(&g, "Neg", "a", "b", NULL);
    writer_node(&g, "Neg", "a", "c", NULL);
    writer_node(&g, "Add", "b,c", "last", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);
    ml_model_close(model);

    wide(&g);
    writer_node(&g, "Neg", "a", "b", NULL);
    writer_node(&g, "Neg", "a", "c", NULL);
    writer_node(&g, "Add", "a,b", "d", NULL);
    writer_node(&g, "Add", "c,d", "last", NULL);
    CHECK(refuses(&g, 13, "values needed at the same time take more than "
                  "268435456 bytes a row"));

    /* one after another, used twice by a node */

    wide(&g);
    writer_node(&g, "Neg", "a", "h0", NULL);

    for (i = 0; i < 9; i++) {
        snprintf(from, sizeof(from), "h%d,h%d", i, i);
        snprintf(to, sizeof(to), "h%d", i + 1);
        writer_node(&g, "Add", from, to, NULL);
    }

    writer_node(&g, "Relu", "h9", "last", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);
    ml_model_close(model);

    /* what a client sends counts, and what it gets */

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 2, dims);
    writer_rows(&g, 12, "x", 4);
    CHECK(refuses(&g, 13, "input \"x\" takes more than 268435456 bytes"));

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, huge);
    writer_rows(&g, 12, "x", 4);
    CHECK(refuses(&g, 13, "input \"x\" takes more than 268435456 bytes"));

    wide(&g);

    for (i = 0; i < 4; i++) {
        snprintf(to, sizeof(to), "o%d", i);
        writer_node(&g, "Neg", "a", to, NULL);
        writer_rows(&g, 12, to, 4);
    }

    writer_node(&g, "Identity", "a", "last", NULL);
    CHECK(refuses(&g, 13, "values needed at the same time"));
}


/* Shapes that are computed, with a number of rows that nobody knows. */

static void
test_shapes(void)
{
    int64_t      zero = 0, rest = -1, six = 6, dims[3] = { -1, 2, 3 };
    writer_t     g = { NULL, 0, 0 }, node = { NULL, 0, 0 };
    ml_model_t  *model;

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "y", 6);
    writer_ints(&g, "zero", 1, &zero);
    writer_ints(&g, "rest", 1, &rest);
    writer_node(&g, "Shape", "x", "s", NULL);
    writer_node(&g, "Gather", "s,zero", "n", NULL);
    writer_attribute_int(&node, "axis", 0);
    writer_node(&g, "Concat", "n,rest", "shape", &node);
    writer_node(&g, "Reshape", "x,shape", "y", NULL);
    model = opens(&g, 13);
    CHECK(model != NULL);

    if (model != NULL) {
        CHECK_INT(model->nnodes, 1);
        CHECK_INT(model->nodes[0].operator->kind, ML_KIND_VIEW);
        CHECK_INT(model->output_specs[0].dims[0], -1);
        CHECK_INT(model->output_specs[0].dims[1], 6);
        ml_model_close(model);
    }

    /* the same, the wrong way round */

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "y", 6);
    writer_ints(&g, "zero", 1, &zero);
    writer_ints(&g, "six", 1, &six);
    writer_node(&g, "Shape", "x", "s", NULL);
    writer_node(&g, "Gather", "s,zero", "n", NULL);
    writer_attribute_int(&node, "axis", 0);
    writer_node(&g, "Concat", "six,n", "shape", &node);
    writer_node(&g, "Reshape", "x,shape", "y", NULL);
    CHECK(refuses(&g, 13, "first dimension"));

    /* arithmetic with it, and a client that would see it */

    writer_port(&g, 11, "x", ML_DTYPE_FLOAT32, 3, dims);
    writer_rows(&g, 12, "y", 6);
    writer_ints(&g, "six", 1, &six);
    writer_node(&g, "Shape", "x", "s", NULL);
    writer_node(&g, "Mul", "s,six", "y", NULL);
    CHECK(refuses(&g, 13, "computes with the free first dimension"));

    dims[0] = 3;
    writer_rows(&g, 11, "x", 4);
    writer_port(&g, 12, "y", ML_DTYPE_INT64, 1, dims);
    writer_node(&g, "Shape", "x", "y", NULL);
    CHECK(refuses(&g, 13, "does not depend on an input"));

    /* it is not an index either */

    writer_rows(&g, 11, "x", 4);
    writer_rows(&g, 12, "y", 4);
    writer_ints(&g, "six", 1, &six);
    writer_node(&g, "Shape", "x", "s", NULL);
    writer_node(&g, "Gather", "six,s", "y", NULL);
    CHECK(refuses(&g, 13, "indices"));
}


static void
test_open(void)
{
    FILE        *file;
    char         path[] = "/tmp/test_model_XXXXXX", fifo[64];
    writer_t     w = { NULL, 0, 0 }, g = { NULL, 0, 0 };
    ml_model_t  *model;

    why[0] = '\0';
    CHECK(ml_model_open("/nonexistent/model.onnx", why, sizeof(why)) == NULL);
    CHECK(strstr(why, "No such file") != NULL);

    why[0] = '\0';
    CHECK(ml_model_open("/", why, sizeof(why)) == NULL);
    CHECK(strstr(why, "regular file") != NULL);

    if (mkdtemp(path) == NULL) {
        abort();
    }

    snprintf(fifo, sizeof(fifo), "%s/model.onnx", path);
    CHECK_INT(mkfifo(fifo, 0600), 0);
    why[0] = '\0';
    CHECK(ml_model_open(fifo, why, sizeof(why)) == NULL);
    CHECK(strstr(why, "regular file") != NULL);
    unlink(fifo);

    file = fopen(fifo, "wb");

    if (file == NULL) {
        abort();
    }

    fclose(file);
    why[0] = '\0';
    CHECK(ml_model_open(fifo, why, sizeof(why)) == NULL);
    CHECK_STR(why, "the file is empty");

    ports(&g);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_model(&w, &g, 13);

    file = fopen(fifo, "wb");

    if (file == NULL || fwrite(w.data, 1, w.len, file) != w.len) {
        abort();
    }

    fclose(file);
    writer_free(&w);

    model = ml_model_open(fifo, why, sizeof(why));
    CHECK(model != NULL);

    if (model != NULL) {
        ml_model_close(model);
    }

    unlink(fifo);
    rmdir(path);
}


int
main(void)
{
    test_names();
    test_order();
    test_operators();
    test_specs();
    test_shadowed();
    test_folding();
    test_limits();
    test_empty();
    test_memory();
    test_shapes();
    test_open();

    return TEST_END;
}
