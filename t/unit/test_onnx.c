/* The reader of ONNX files, above all on files that mean harm. */

/* link: -lm */

#include "test.h"
#include "engine.h"
#include "onnx_writer.h"


static char  why[512];


/* Reads what is written, and frees it; the reason is left in "why". */

static int
reads(writer_t *w)
{
    int         rc;
    ml_onnx_t   onnx;
    ml_arena_t  arena;
    uint8_t    *exact;

    /* a block of its very size, so that one byte beyond is seen */

    exact = malloc(w->len + !w->len);

    if (exact == NULL) {
        abort();
    }

    memcpy(exact, w->data ? w->data : (uint8_t *) "", w->len);
    why[0] = '\0';

    ml_arena_init(&arena, ML_ONNX_MAX_METADATA);
    rc = ml_onnx_read(&onnx, &arena, exact, w->len, why, sizeof(why));
    ml_arena_free(&arena);

    free(exact);
    writer_free(w);

    return rc == 0;
}


static int
says(const char *text)
{
    if (strstr(why, text) == NULL) {
        fprintf(stderr, "reason: \"%s\"\n", why);
        return 0;
    }

    return 1;
}


/* A small model with a bit of everything. */

static void
whole(writer_t *model)
{
    float     w[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    int64_t   shape[2] = { -1, 2 };
    writer_t  graph = { NULL, 0, 0 }, attributes = { NULL, 0, 0 };

    writer_rows(&graph, 11, "x", 4);
    writer_floats(&graph, "w", 4, 2, w);
    writer_ints(&graph, "shape", 2, shape);

    writer_attribute_float(&attributes, "alpha", 0.5f);
    writer_attribute_int(&attributes, "transB", 0);
    writer_node(&graph, "Gemm", "x,w", "h", &attributes);
    writer_node(&graph, "Relu", "h", "r", NULL);
    writer_node(&graph, "Reshape", "r,shape", "y", NULL);

    writer_rows(&graph, 12, "y", 2);
    writer_model(model, &graph, 13);
}


static void
test_whole(void)
{
    float        data[8];
    writer_t     w = { NULL, 0, 0 };
    ml_onnx_t    onnx;
    ml_arena_t   arena;

    whole(&w);
    ml_arena_init(&arena, ML_ONNX_MAX_METADATA);

    CHECK_INT(ml_onnx_read(&onnx, &arena, w.data, w.len, why, sizeof(why)),
              0);
    CHECK_INT(onnx.opset, 13);
    CHECK_INT(onnx.nnodes, 3);
    CHECK_INT(onnx.ntensors, 2);
    CHECK_INT(onnx.ninputs, 1);
    CHECK_INT(onnx.noutputs, 1);
    CHECK_STR(onnx.nodes[0].operator, "Gemm");
    CHECK_INT(onnx.nodes[0].ninputs, 2);
    CHECK_STR(onnx.nodes[0].inputs[1], "w");
    CHECK_STR(onnx.nodes[0].outputs[0], "h");
    CHECK_INT(onnx.nodes[0].nattributes, 2);
    CHECK(onnx.nodes[0].attributes[0].f == 0.5f);
    CHECK_STR(onnx.inputs[0].name, "x");
    CHECK_INT(onnx.inputs[0].dtype, ML_DTYPE_FLOAT32);
    CHECK_INT(onnx.inputs[0].rank, 2);
    CHECK_INT(onnx.inputs[0].dims[0], -1);
    CHECK_INT(onnx.inputs[0].dims[1], 4);
    CHECK_INT(onnx.tensors[0].bytes, 32);

    ml_onnx_tensor_copy(&onnx.tensors[0], data);
    CHECK(data[0] == 1 && data[7] == 8);

    ml_arena_free(&arena);
    writer_free(&w);
}


/* No part of a file is a file, and no bit of it can do harm. */

static void
test_damaged(void)
{
    size_t       i, len;
    uint8_t     *copy;
    writer_t     w = { NULL, 0, 0 };
    ml_model_t  *model;

    whole(&w);

    for (len = 0; len < w.len; len++) {
        copy = malloc(len + !len);

        if (copy == NULL) {
            abort();
        }

        memcpy(copy, w.data, len);
        why[0] = '\0';
        model = ml_model_read(copy, len, why, sizeof(why));

        CHECK(model == NULL);
        CHECK(why[0] != '\0');

        free(copy);
    }

    copy = malloc(w.len);

    if (copy == NULL) {
        abort();
    }

    for (i = 0; i < w.len * 8; i++) {
        memcpy(copy, w.data, w.len);
        copy[i / 8] ^= (uint8_t) (1 << i % 8);
        why[0] = '\0';

        model = ml_model_read(copy, w.len, why, sizeof(why));

        if (model != NULL) {
            ml_model_close(model);

        } else {
            CHECK(why[0] != '\0');
        }
    }

    free(copy);
    writer_free(&w);
}


/* What stands at the top of the file. */

static void
test_model_fields(void)
{
    unsigned  i;
    writer_t  w = { NULL, 0, 0 }, part = { NULL, 0, 0 };

    CHECK(!reads(&w) && says("empty"));

    writer_raw(&w, "not a protobuf at all", 21);
    CHECK(!reads(&w) && says("not an ONNX file"));

    writer_int(&w, 1, 2);
    CHECK(!reads(&w) && says("IR version 2"));

    writer_int(&w, 1, 99);
    CHECK(!reads(&w) && says("IR version 99"));

    writer_int(&w, 1, 8);
    CHECK(!reads(&w) && says("no operator set"));

    for (i = 0; i < 2; i++) {
        writer_model(&w, &part, i ? 22 : 6);
        CHECK(!reads(&w) && says(i ? "opset 22" : "opset 6"));
    }

    writer_int(&part, 2, 13);
    writer_message(&w, 8, &part);
    writer_int(&w, 1, 8);
    CHECK(!reads(&w) && says("no graph"));

    writer_model(&w, &part, 13);
    writer_string(&w, 7, "");
    CHECK(!reads(&w) && says("two graphs"));

    writer_model(&w, &part, 13);
    writer_int(&part, 2, 13);
    writer_message(&w, 8, &part);
    CHECK(!reads(&w) && says("twice"));

    writer_model(&w, &part, 13);
    writer_string(&w, 20, "");
    CHECK(!reads(&w) && says("training"));

    writer_model(&w, &part, 13);
    writer_string(&w, 25, "");
    CHECK(!reads(&w) && says("functions"));

    for (i = 0; i <= ML_ONNX_MAX_IMPORTS; i++) {
        writer_string(&part, 1, "com.example");
        writer_message(&w, 8, &part);
    }

    CHECK(!reads(&w) && says("operator sets"));

    /* a group, which no version has */
    writer_varint(&w, 7 << 3 | 3);
    CHECK(!reads(&w) && says("not an ONNX file"));

    /* an unknown field is skipped, one without a number is not */
    writer_model(&w, &part, 13);
    writer_string(&w, 1000, "later version");
    CHECK(reads(&w));

    writer_model(&w, &part, 13);
    writer_varint(&w, 0);
    writer_varint(&w, 0);
    CHECK(!reads(&w));

    /* a varint without an end, and one of more than 64 bits */
    writer_raw(&w, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12);
    CHECK(!reads(&w));
    writer_raw(&w, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11);
    CHECK(!reads(&w));
}


static int
reads_graph(writer_t *graph)
{
    writer_t  w = { NULL, 0, 0 };

    writer_model(&w, graph, 13);

    return reads(&w);
}


static void
test_counts(void)
{
    int        i;
    char       name[ML_ONNX_MAX_NAME + 2];
    writer_t   graph = { NULL, 0, 0 }, part = { NULL, 0, 0 };
    writer_t   inner = { NULL, 0, 0 };

    for (i = 0; i < ML_ONNX_MAX_NODES; i++) {
        writer_string(&graph, 1, "");
    }

    CHECK(reads_graph(&graph));

    for (i = 0; i <= ML_ONNX_MAX_NODES; i++) {
        writer_string(&graph, 1, "");
    }

    CHECK(!reads_graph(&graph) && says("16385 nodes"));

    for (i = 0; i <= ML_ONNX_MAX_TENSORS; i++) {
        writer_string(&graph, 5, "");
    }

    CHECK(!reads_graph(&graph) && says("16385 initializers"));

    for (i = 0; i <= ML_ONNX_MAX_PORTS; i++) {
        writer_string(&graph, 12, "");
    }

    CHECK(!reads_graph(&graph) && says("257 outputs"));

    for (i = 0; i <= ML_ONNX_MAX_PORTS; i++) {
        writer_string(&part, 1, "");
    }

    writer_message(&graph, 1, &part);
    CHECK(!reads_graph(&graph) && says("node 0: has too many"));

    for (i = 0; i <= ML_ONNX_MAX_ATTRIBUTES; i++) {
        writer_string(&part, 5, "");
    }

    writer_message(&graph, 1, &part);
    CHECK(!reads_graph(&graph) && says("node 0: has too many"));

    writer_int(&inner, 20, ML_ONNX_INTS);

    for (i = 0; i <= ML_ONNX_MAX_LIST; i++) {
        writer_int(&inner, 8, i);
    }

    writer_message(&part, 5, &inner);
    writer_message(&graph, 1, &part);
    CHECK(!reads_graph(&graph) && says("more than 4096 values"));

    memset(name, 'n', sizeof(name));
    name[ML_ONNX_MAX_NAME] = '\0';
    writer_node(&graph, "Relu", name, "y", NULL);
    CHECK(reads_graph(&graph));

    name[ML_ONNX_MAX_NAME] = 'n';
    name[ML_ONNX_MAX_NAME + 1] = '\0';
    writer_node(&graph, "Relu", name, "y", NULL);
    CHECK(!reads_graph(&graph) && says("longer than 512"));

    writer_node(&graph, "Re\nlu", "x", "y", NULL);
    CHECK(!reads_graph(&graph) && says("control character"));

    writer_bytes(&part, 1, "a\0b", 3);
    writer_message(&graph, 1, &part);
    CHECK(!reads_graph(&graph) && says("control character"));

    writer_string(&graph, 15, "");
    CHECK(!reads_graph(&graph) && says("sparse"));
}


/* The arena ends what counts alone would let through. */

static void
test_memory(void)
{
    int       i, j;
    char      name[200];
    writer_t  graph = { NULL, 0, 0 }, part = { NULL, 0, 0 };

    memset(name, 'n', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';

    for (i = 0; i < ML_ONNX_MAX_NODES / 4; i++) {
        for (j = 0; j < ML_ONNX_MAX_PORTS / 2; j++) {
            writer_string(&part, 1, name);
        }

        writer_message(&graph, 1, &part);
    }

    CHECK(!reads_graph(&graph) && says("memory"));
}


/* However deep graphs lie in each other, nobody looks. */

static void
test_nesting(void)
{
    int       i;
    writer_t  node = { NULL, 0, 0 }, inner = { NULL, 0, 0 };
    writer_t  graph = { NULL, 0, 0 };

    for (i = 0; i < 2000; i++) {
        writer_message(&inner, 6, &graph);
        writer_message(&node, 5, &inner);
        writer_message(&graph, 1, &node);
    }

    CHECK(!reads_graph(&graph) && says("holds a graph"));
}


/* One tensor, as an initializer; what follows its head is in "rest". */

static int
reads_tensor(int dtype, unsigned rank, const int64_t *dims, writer_t *rest)
{
    writer_t  graph = { NULL, 0, 0 }, tensor = { NULL, 0, 0 };

    writer_tensor_head(&tensor, "t", dtype, rank, dims);
    writer_raw(&tensor, rest->data, rest->len);
    writer_free(rest);
    writer_message(&graph, 5, &tensor);

    return reads_graph(&graph);
}


static void
test_tensors(void)
{
    writer_t  w = { NULL, 0, 0 };

    static const int64_t  two[] = { 2 };
    static const int64_t  none[] = { 0 };
    static const int64_t  negative[] = { -1 };
    static const int64_t  least[] = { INT64_MIN };
    static const int64_t  huge[] = { INT64_MAX };
    static const int64_t  product[] = { 1LL << 32, 1LL << 32, 4 };
    static const int64_t  large[] = { 1LL << 40 };
    static const int64_t  nine[] = { 1, 1, 1, 1, 1, 1, 1, 1, 1 };

    writer_bytes(&w, 9, "12345678", 8);
    CHECK(reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w));

    writer_bytes(&w, 9, "1234567", 7);
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w)
          && says("7 bytes of data, its shape needs 8"));

    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w)
          && says("0 bytes of data"));
    CHECK(reads_tensor(ML_DTYPE_FLOAT32, 1, none, &w));
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, negative, &w)
          && says("impossible"));
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, least, &w)
          && says("impossible"));
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, huge, &w)
          && says("impossible"));
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 3, product, &w)
          && says("impossible"));
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, large, &w)
          && says("its shape needs"));
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 9, nine, &w)
          && says("more than 8 dimensions"));

    /* strings, a type that is not there, and one that never was */
    CHECK(!reads_tensor(8, 1, two, &w) && says("element type 8"));
    CHECK(!reads_tensor(0, 1, two, &w) && says("element type 0"));
    CHECK(!reads_tensor(-1, 1, two, &w) && says("element type"));

    writer_string(&w, 13, "");
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w)
          && says("another file"));
    writer_int(&w, 14, 1);
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w)
          && says("another file"));
    writer_string(&w, 3, "");
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w) && says("segments"));

    /* typed fields: packed, one by one, and both after another */
    writer_bytes(&w, 4, "12345678", 8);
    CHECK(reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w));
    writer_float(&w, 4, 1);
    writer_bytes(&w, 4, "1234", 4);
    CHECK(reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w));
    writer_bytes(&w, 4, "12345", 5);
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w) && says("malformed"));
    writer_bytes(&w, 10, "1234567812345678", 16);
    CHECK(reads_tensor(ML_DTYPE_FLOAT64, 1, two, &w));
    writer_bytes(&w, 7, "\x01\x02", 2);
    CHECK(reads_tensor(ML_DTYPE_INT64, 1, two, &w));
    writer_bytes(&w, 7, "\x01\x82", 2);
    CHECK(!reads_tensor(ML_DTYPE_INT64, 1, two, &w) && says("malformed"));

    /* out of the type's range */
    writer_int(&w, 5, 0);
    writer_int(&w, 5, 2);
    CHECK(!reads_tensor(ML_DTYPE_BOOL, 1, two, &w) && says("malformed"));
    writer_int(&w, 5, INT32_MIN);
    writer_int(&w, 5, INT32_MAX);
    CHECK(reads_tensor(ML_DTYPE_INT32, 1, two, &w));
    writer_int(&w, 5, 0);
    writer_int(&w, 5, 1LL + INT32_MAX);
    CHECK(!reads_tensor(ML_DTYPE_INT32, 1, two, &w) && says("malformed"));
    writer_int(&w, 5, -1);
    writer_int(&w, 5, 1);
    CHECK(!reads_tensor(ML_DTYPE_UINT8, 1, two, &w) && says("malformed"));

    /* the wrong field, and data twice */
    writer_bytes(&w, 7, "\x01\x02", 2);
    CHECK(!reads_tensor(ML_DTYPE_INT32, 1, two, &w) && says("malformed"));
    writer_bytes(&w, 9, "12345678", 8);
    writer_float(&w, 4, 1);
    CHECK(!reads_tensor(ML_DTYPE_FLOAT32, 1, two, &w) && says("malformed"));
}


static void
test_ports(void)
{
    int64_t   dims[9] = { -1, 2, 3, 4, 5, 6, 7, 8, 9 };
    writer_t  graph = { NULL, 0, 0 }, port = { NULL, 0, 0 };
    writer_t  type = { NULL, 0, 0 };

    writer_port(&graph, 11, "x", ML_DTYPE_FLOAT32, 8, dims);
    CHECK(reads_graph(&graph));

    writer_port(&graph, 11, "x", ML_DTYPE_FLOAT32, 9, dims);
    CHECK(!reads_graph(&graph) && says("more than 8"));

    dims[1] = -2;
    writer_port(&graph, 11, "x", ML_DTYPE_FLOAT32, 2, dims);
    CHECK(!reads_graph(&graph) && says("negative"));

    writer_port(&graph, 11, "x", 8, 1, dims);
    CHECK(!reads_graph(&graph) && says("element type"));

    writer_port(&graph, 11, "", ML_DTYPE_FLOAT32, 1, dims);
    CHECK(!reads_graph(&graph) && says("no name"));

    /* a sequence of maps, as classifiers of scikit-learn give */
    writer_string(&type, 4, "");
    writer_message(&port, 2, &type);
    writer_string(&port, 1, "probabilities");
    writer_message(&graph, 12, &port);
    CHECK(!reads_graph(&graph) && says("\"probabilities\" is not a tensor"));
}


/* The limit of the arena, and that it hands out what it says. */

static void
test_arena(void)
{
    char        *a, *b;
    ml_arena_t   arena;

    ml_arena_init(&arena, 1024);

    a = ml_arena_take(&arena, 0, 8);
    b = ml_arena_take(&arena, 3, 100);

    CHECK(a != NULL && b != NULL && a != b);
    CHECK(b != NULL && b[0] == 0 && b[299] == 0);
    CHECK(((uintptr_t) b & 15) == 0);
    CHECK(ml_arena_take(&arena, SIZE_MAX, 2) == NULL);
    CHECK(ml_arena_take(&arena, SIZE_MAX, 1) == NULL);
    CHECK(ml_arena_take(&arena, 1, 1000) == NULL);
    CHECK(ml_arena_take(&arena, 1, 100) != NULL);

    ml_arena_free(&arena);
    CHECK(ml_arena_take(&arena, 1, 1000) != NULL);
    ml_arena_free(&arena);
}


int
main(void)
{
    test_whole();
    test_damaged();
    test_model_fields();
    test_counts();
    test_memory();
    test_nesting();
    test_tensors();
    test_ports();
    test_arena();

    return TEST_END;
}
