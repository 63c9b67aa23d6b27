/*
 * Bodies of the Open Inference Protocol: the same verdict however they are
 * split, both sides of every limit, both places of "data", and the binary
 * extension; and what a path names.
 */

/* link: -lm -lpcre2-8 */

#include <stdlib.h>

#include "test.h"
#include "oip.h"


static const uint8_t           secret[16] = { 7 };
static const ml_json_limits_t  limits = { 32, 1000, 1000, 64, 100 };

static const ml_tensor_spec_t  floats[] = {
    { "x", ML_DTYPE_FLOAT32, 2, { -1, 2 }, 0 }
};

static const ml_tensor_spec_t  pair[] = {
    { "a", ML_DTYPE_UINT8, 1, { 3 }, 0 },
    { "b", ML_DTYPE_BOOL, 1, { 2 }, 0 }
};

static const ml_tensor_spec_t  nothing[] = {
    { "x", ML_DTYPE_FLOAT32, 2, { -1, 0 }, 0 }
};

/* 100 elements are allowed: one row, just, and one too many */

static const ml_tensor_spec_t  widest[] = {
    { "x", ML_DTYPE_UINT8, 2, { -1, 100 }, 0 }
};

static const ml_tensor_spec_t  wider[] = {
    { "x", ML_DTYPE_UINT8, 2, { -1, 101 }, 0 }
};

static const ml_tensor_spec_t  fixed[] = {
    { "x", ML_DTYPE_UINT8, 2, { 1, 101 }, 0 }
};

static const ml_oip_contract_t  any = { NULL, 0, 0, "m", 1 };
static const ml_oip_contract_t  model = { floats, 1, 4, "m", 1 };
static const ml_oip_contract_t  empty = { nothing, 1, 4, "m", 1 };
static const ml_oip_contract_t  full = { widest, 1, 4, "m", 1 };
static const ml_oip_contract_t  over = { wider, 1, 4, "m", 1 };
static const ml_oip_contract_t  over_fixed = { fixed, 1, 1, "m", 1 };
static const ml_oip_contract_t  two = { pair, 2, 1, "m", 1 };

/* the last verdict, and the last request that passed */
static char  told[512];
static char  asked[256];


static void
tell(const ml_body_t *body)
{
    ml_text_t          text;
    ml_error_answer_t  answer;

    memset(&answer, 0, sizeof(answer));
    answer.errors = body->ops->error(body);

    ml_text_init(&text);
    ml_error_render(&text, ML_ERROR_OIP, &answer);

    /* without {"error":"..."} */

    (void) snprintf(told, sizeof(told), "%.*s", (int) text.len - 12,
                    text.data + 10);
    ml_text_free(&text);
}


static void
ask(const ml_oip_request_t *request)
{
    size_t  i, n;

    n = (size_t) snprintf(asked, sizeof(asked), "%.*s",
                          (int) request->id_len,
                          request->id ? request->id : "");

    n += (size_t) snprintf(asked + n, sizeof(asked) - n, "%s",
                           request->binary ? " binary" : "");

    for (i = 0; i < request->noutputs; i++) {
        n += (size_t) snprintf(asked + n, sizeof(asked) - n, " %s%s",
                               request->outputs[i].name,
                               request->outputs[i].binary ? "+" : "");
    }
}


static ml_body_status_e
feed(const ml_oip_contract_t *contract, uint64_t header, const void *data,
    size_t len, size_t piece, const void *want, size_t bytes)
{
    char              *copy;
    size_t             i, n;
    uint32_t           count;
    ml_body_t         *body;
    ml_tensor_t       *tensors;
    ml_body_status_e   rc;

    body = ml_oip_create(contract, header, &limits, 4096, secret);
    rc = ML_BODY_MORE;

    for (i = 0; i < len; i += n) {
        n = len - i < piece ? len - i : piece;
        copy = malloc(n);
        memcpy(copy, (const char *) data + i, n);
        rc = body->ops->feed(body, copy, n);
        free(copy);
    }

    rc = body->ops->finish(body);
    CHECK_INT(body->ops->feed(body, "x", 1), rc);
    CHECK_INT(body->ops->finish(body), rc);

    if (rc == ML_BODY_REJECTED) {
        tell(body);

    } else {
        CHECK_INT(rc, ML_BODY_PASSED);
        (void) snprintf(told, sizeof(told), "passed");
        ask(ml_oip_request(body));

        tensors = body->ops->tensors(body, &count);
        CHECK_INT(count, contract->ninputs);

        if (want) {
            CHECK_INT(tensors[0].bytes, bytes);
            CHECK(tensors[0].bytes == bytes
                  && memcmp(tensors[0].data, want, bytes) == 0);
            CHECK_STR(tensors[0].name, contract->inputs[0].name);
            CHECK_INT(tensors[0].rank, contract->inputs[0].rank);
        }
    }

    body->ops->destroy(body);

    return rc;
}


/* The verdict, which must be the same in pieces of any size. */
static void
verdict(const ml_oip_contract_t *contract, uint64_t header, const void *data,
    size_t len, const void *want, size_t bytes, const char *text)
{
    size_t  piece;

    (void) feed(contract, header, data, len, len ? len : 1, want, bytes);
    CHECK_STR(told, text);

    for (piece = 1; piece < len && piece < 100; piece++) {
        (void) feed(contract, header, data, len, piece, want, bytes);

        if (strcmp(told, text) != 0) {
            CHECK_STR(told, text);
            break;
        }
    }
}


static void
json(const ml_oip_contract_t *contract, const char *data, const char *text)
{
    verdict(contract, ML_OIP_JSON, data, strlen(data), NULL, 0, text);
}


static void
values(const ml_oip_contract_t *contract, const char *data, const void *want,
    size_t bytes)
{
    verdict(contract, ML_OIP_JSON, data, strlen(data), want, bytes, "passed");
}


/* A request of JSON and the bytes behind it. */
static void
binary(const ml_oip_contract_t *contract, const char *head, const void *data,
    size_t len, const void *want, const char *text)
{
    char  *body;

    body = malloc(strlen(head) + len);
    memcpy(body, head, strlen(head));
    memcpy(body + strlen(head), data, len);

    verdict(contract, strlen(head), body, strlen(head) + len, want,
            want ? len : 0, text);
    free(body);
}


#define ONE(members)  "{\"inputs\":[{" members "}]}"
#define X             "\"name\":\"x\","
#define FP32          "\"datatype\":\"FP32\","
#define HEAD          X FP32


static void
test_contract(void)
{
    float  four[4] = { 1, 2, 3.5f, -4 };

    /* flat, nested; data behind what it needs, between, and before */

    values(&model, ONE(HEAD "\"shape\":[2,2],\"data\":[1,2,3.5,-4]"), four,
           16);
    values(&model, ONE(HEAD "\"shape\":[2,2],\"data\":[[1,2],[3.5,-4]]"),
           four, 16);
    values(&model, ONE(X "\"data\":[[1,2],[3.5,-4]]," FP32 "\"shape\":[2,2]"),
           four, 16);
    values(&model, ONE("\"data\":[1,2,3.5,-4],\"shape\":[2,2]," FP32
                       "\"name\":\"x\""), four, 16);
    values(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1,2]"), four, 8);

    /* one long, one short; at the element, and at the end */

    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1,2,3"),
         "inputs[0].data: List should have at most 2 items after validation, "
         "not more");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1]"),
         "inputs[0].data: List should have at least 2 items after "
         "validation, not 1");
    json(&model, ONE(HEAD "\"shape\":[2,2],\"data\":[[1,2],[3]]"),
         "inputs[0].data[1]: List should have at least 2 items after "
         "validation, not 1");
    json(&model, ONE(HEAD "\"shape\":[2,2],\"data\":[[1,2],3,4]"),
         "inputs[0].data[1]: Input should be a valid list");
    json(&model, ONE(HEAD "\"shape\":[2,2],\"data\":[1,2,[3,4]]"),
         "inputs[0].data[2]: Input should be a valid number");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[[[1,2]]]"),
         "inputs[0].data[0][0]: Input should be a valid number");
    json(&model, ONE(X "\"data\":[[1,2],[3]]," FP32 "\"shape\":[2,2]"),
         "inputs[0].data[1]: List should have at least 2 items after "
         "validation, not 1");

    /* not of the type */

    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1,\"2\"]"),
         "inputs[0].data[1]: Input should be a valid number");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1,true]"),
         "inputs[0].data[1]: Input should be a valid number");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1,{}]"),
         "inputs[0].data[1]: Input should be a valid number");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":{}"),
         "inputs[0].data: Input should be a valid list");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":7"),
         "inputs[0].data: Input should be a valid list");
    json(&model, ONE(HEAD "\"shape\":[1,2],\"data\":[1,1e39]"),
         "inputs[0].data[1]: Input should be a finite number");

    /* the model's name, type, shape, rows */

    json(&model, ONE("\"name\":\"y\"," FP32 "\"shape\":[1,2],\"data\":[1,2]"),
         "inputs[0].name: Value error, the model has no input of this name");
    json(&model, ONE(X "\"datatype\":\"FP64\",\"shape\":[1,2],\"data\":[1]"),
         "inputs[0].datatype: Value error, the model's input is FP32");
    json(&model, ONE(X "\"datatype\":\"F\\u0000\",\"shape\":[1,2]"),
         "inputs[0].datatype: Value error, it has a NUL character");
    json(&model, ONE(X "\"datatype\":\"float\",\"shape\":[1,2],\"data\":[]"),
         "inputs[0].datatype: Value error, unknown datatype");
    json(&model, ONE(HEAD "\"shape\":[1,3],\"data\":[1,2,3]"),
         "inputs[0].shape: Value error, the model's input has shape [-1,2]");
    json(&model, ONE(HEAD "\"shape\":[2],\"data\":[1,2]"),
         "inputs[0].shape: Value error, the model's input has shape [-1,2]");
    json(&model, ONE(HEAD "\"shape\":[0,2],\"data\":[]"),
         "inputs[0].shape: Value error, the batch has no rows");
    values(&model, ONE(HEAD "\"shape\":[4,2],\"data\":[1,2,3,4,5,6,7,8]"),
           NULL, 0);
    json(&model, ONE(HEAD "\"shape\":[5,2],\"data\":[]"),
         "inputs[0].shape: Value error, the batch has more than 4 rows");

    /* several inputs, in any order; each once, all of them */

    json(&two, "{\"inputs\":[{\"name\":\"b\",\"datatype\":\"BOOL\","
               "\"shape\":[2],\"data\":[true,false]},{\"name\":\"a\","
               "\"datatype\":\"UINT8\",\"shape\":[3],\"data\":[0,1,255]}]}",
         "passed");
    json(&two, "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"UINT8\","
               "\"shape\":[3],\"data\":[0,1,255]},{\"name\":\"a\"}]}",
         "inputs[1].name: Value error, another input has this name");
    json(&two, "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"UINT8\","
               "\"shape\":[3],\"data\":[0,1,255]}]}",
         "inputs: Value error, an input of the model is not there");
    json(&two, "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"UINT8\","
               "\"shape\":[3],\"data\":[0,1,256]}]}",
         "inputs[0].data[2]: Input should be less than or equal to 255");
    json(&two, "{\"inputs\":[{\"name\":\"b\",\"datatype\":\"BOOL\","
               "\"shape\":[2],\"data\":[1,0]}]}",
         "inputs[0].data[0]: Input should be a valid boolean");
}


static void
test_members(void)
{
    json(&any, "[]", "Input should be a valid dictionary");
    json(&any, "7", "Input should be a valid dictionary");
    json(&any, "{}", "inputs: Field required");
    json(&any, "{\"inputs\":{}}", "inputs: Input should be a valid list");
    json(&any, "{\"inputs\":null}", "inputs: Input should be a valid list");
    json(&any, "{\"inputs\":[[]]}",
         "inputs[0]: Input should be a valid dictionary");
    json(&any, "{\"inputs\":[1]}",
         "inputs[0]: Input should be a valid dictionary");
    json(&any, "{\"inputs\":[],\"more\":1}",
         "more: Extra inputs are not permitted");
    json(&any, ONE(HEAD "\"shape\":[1],\"data\":[1],\"more\":1"),
         "inputs[0].more: Extra inputs are not permitted");
    json(&any, "{\"inputs\":[]}", "passed");
    json(&any, "{\"model_name\":\"m\",\"inputs\":[]}", "passed");
    json(&any, "{\"inputs\":[],\"model_name\":\"mm\"}",
         "model_name: Value error, the path names another model");
    json(&any, "{\"inputs\":[],\"model_name\":null}",
         "model_name: Input should be a valid string");
    json(&any, ONE(FP32 "\"shape\":[1],\"data\":[1]"),
         "inputs[0].name: Field required");
    json(&any, ONE(X "\"shape\":[1],\"data\":[1]"),
         "inputs[0].datatype: Field required");
    json(&any, ONE(HEAD "\"data\":[1]"), "inputs[0].shape: Field required");
    json(&any, ONE(HEAD "\"shape\":[1]"), "inputs[0].data: Field required");
    json(&any, ONE("\"name\":7," FP32 "\"shape\":[1],\"data\":[1]"),
         "inputs[0].name: Input should be a valid string");
    json(&any, ONE("\"name\":\"\"," FP32 "\"shape\":[1],\"data\":[1]"),
         "inputs[0].name: Value error, it is empty");

    /* id, parameters, outputs */

    json(&any, "{\"id\":\"a\\u00e9\",\"inputs\":[],\"outputs\":[{\"name\":"
               "\"p\",\"parameters\":{\"binary_data\":true}},{\"name\":"
               "\"q\"}]}", "passed");
    CHECK_STR(asked, "a\303\251 p+ q");
    json(&any, "{\"parameters\":{\"binary_data_output\":true,\"priority\":1,"
               "\"mine\":\"x\"},\"inputs\":[],\"id\":\"\"}", "passed");
    CHECK_STR(asked, " binary");
    json(&any, "{\"parameters\":{\"binary_data_output\":true},\"inputs\":[],"
               "\"outputs\":[{\"parameters\":{\"binary_data\":false},"
               "\"name\":\"p\"},{\"name\":\"q\"}]}", "passed");
    CHECK_STR(asked, " binary p q+");

    json(&any, "{\"id\":7,\"inputs\":[]}",
         "id: Input should be a valid string");
    json(&any, "{\"parameters\":[],\"inputs\":[]}",
         "parameters: Value error, it is no object");
    json(&any, "{\"parameters\":{\"a\":null},\"inputs\":[]}",
         "parameters: Value error, a parameter is a number, a string or a "
         "boolean");
    json(&any, "{\"parameters\":{\"triton_enable\":true},\"inputs\":[]}",
         "parameters: Value error, parameters whose names start with "
         "\\\"triton_\\\" are reserved");
    json(&any, "{\"parameters\":{\"binary_data_output\":1},\"inputs\":[]}",
         "parameters.binary_data_output: Input should be a valid boolean");
    json(&any, "{\"inputs\":[],\"outputs\":{}}",
         "outputs: Input should be a valid list");
    json(&any, "{\"inputs\":[],\"outputs\":[7]}",
         "outputs[0]: Value error, it is no object");
    json(&any, "{\"inputs\":[],\"outputs\":[{}]}",
         "outputs[0].name: Field required");
    json(&any, "{\"inputs\":[],\"outputs\":[{\"name\":\"p\"},"
               "{\"name\":\"p\"}]}",
         "outputs[1].name: Value error, another output has this name");
    json(&any, "{\"inputs\":[],\"outputs\":[{\"name\":\"p\",\"x\":1}]}",
         "outputs[0]: Value error, it has a member that is not known");
    json(&any, "{\"inputs\":[],\"outputs\":[{\"name\":\"p\",\"parameters\":"
               "{\"classification\":3}}]}",
         "outputs[0].parameters: Value error, the classification extension "
         "is not supported");
    json(&any, "{\"inputs\":[],\"outputs\":[{\"name\":\"p\",\"parameters\":"
               "{\"shared_memory_region\":\"r\"}}]}",
         "outputs[0].parameters: Shared memory may not be used");
    json(&any, ONE(HEAD "\"shape\":[1],\"parameters\":"
                   "{\"shared_memory_region\":\"r\"}"),
         "inputs[0].parameters: Shared memory may not be used");
}


/* n times a text between two others. */
static char *
many(const char *before, const char *text, unsigned n, const char *after)
{
    char      *made;
    unsigned   i;

    made = malloc(strlen(before) + n * (strlen(text) + 8) + strlen(after) + 1);
    strcpy(made, before);

    for (i = 0; i < n; i++) {
        sprintf(made + strlen(made), text, i ? "," : "", i);
    }

    strcat(made, after);

    return made;
}


static void
test_limits(void)
{
    char  *body;
    char   id[ML_OIP_ID + 1], text[ML_OIP_ID + 64];

    /* elements of all inputs together */

    json(&any, ONE(HEAD "\"shape\":[101],\"data\":[]"),
         "inputs[0].shape: Value error, these are more elements than are "
         "allowed");
    body = many("{\"inputs\":[{" HEAD "\"shape\":[10,10],\"data\":[", "%s%d",
                100, "]}]}");
    json(&any, body, "passed");
    free(body);

    /* as many of them as can be nested */

    body = many("{\"inputs\":[{" HEAD "\"shape\":[100,1,1,1,1,1,1,1],"
                "\"data\":[", "%s[[[[[[[%d]]]]]]]", 100, "]}]}");
    json(&any, body, "passed");
    free(body);
    json(&any, "{\"inputs\":[{" HEAD "\"shape\":[0,99],\"data\":[]},{\"name\":"
               "\"y\"," FP32 "\"shape\":[99],\"data\":[]}]}",
         "inputs[1].data: List should have at least 99 items after "
         "validation, not 0");

    /* inputs, outputs */

    body = many("{\"inputs\":[", "%s{\"name\":\"%d\"," FP32 "\"shape\":[0],"
                "\"data\":[]}", ML_OIP_TENSORS, "]}");
    json(&any, body, "passed");
    free(body);
    body = many("{\"inputs\":[", "%s{\"name\":\"%d\"," FP32 "\"shape\":[0],"
                "\"data\":[]}", ML_OIP_TENSORS + 1, "]}");
    json(&any, body, "inputs: List should have at most 64 items after "
                     "validation, not more");
    free(body);
    body = many("{\"inputs\":[],\"outputs\":[", "%s{\"name\":\"%d\"}",
                ML_OIP_TENSORS, "]}");
    json(&any, body, "passed");
    free(body);
    body = many("{\"inputs\":[],\"outputs\":[", "%s{\"name\":\"%d\"}",
                ML_OIP_TENSORS + 1, "]}");
    json(&any, body, "outputs: List should have at most 64 items after "
                     "validation, not more");
    free(body);

    /* the id */

    memset(id, 'x', ML_OIP_ID + 1);
    (void) snprintf(text, sizeof(text), "{\"inputs\":[],\"id\":\"%.*s\"}",
                    ML_OIP_ID, id);
    json(&any, text, "passed");
    (void) snprintf(text, sizeof(text), "{\"inputs\":[],\"id\":\"%.*s\"}",
                    ML_OIP_ID + 1, id);
    json(&any, text, "id: String should have at most 256 characters");

    /* the tape */

    body = many("{\"inputs\":[],\"parameters\":{", "%s\"%d\":\"xxxxxxxxxxxx\"",
                500, "}}");
    json(&any, body, "parameters: Value error, it is too large; \\\"data\\\" "
                     "should come behind name, shape and datatype");
    free(body);
}


static void
test_shape(void)
{
    json(&any, ONE(HEAD "\"shape\":[0],\"data\":[]"), "passed");
    json(&any, ONE(HEAD "\"shape\":[0],\"data\":[1]"),
         "inputs[0].data: List should have at most 0 items after validation, "
         "not more");
    json(&any, ONE(HEAD "\"shape\":[2,0],\"data\":[[],[]]"), "passed");
    json(&any, ONE(HEAD "\"shape\":[2,0],\"data\":[]"), "passed");
    json(&any, ONE(HEAD "\"shape\":[],\"data\":[1]"), "passed");
    json(&any, ONE(HEAD "\"shape\":[],\"data\":[1,2]"),
         "inputs[0].data: List should have at most 1 item after validation, "
         "not more");
    json(&any, ONE(HEAD "\"shape\":[],\"data\":1"),
         "inputs[0].data: Input should be a valid list");
    json(&any, ONE(HEAD "\"shape\":7,\"data\":[1]"),
         "inputs[0].shape: Input should be a valid list");
    json(&any, ONE(HEAD "\"shape\":[1,1,1,1,1,1,1,1],\"data\":[1]"),
         "passed");
    json(&any, ONE(HEAD "\"shape\":[1,1,1,1,1,1,1,1,1],\"data\":[1]"),
         "inputs[0].shape: List should have at most 8 items after "
         "validation, not more");
    json(&any, ONE(HEAD "\"shape\":[-1],\"data\":[1]"),
         "inputs[0].shape[0]: Value error, a dimension is a whole number "
         "from 0 to 2^63 - 1");
    json(&any, ONE(HEAD "\"shape\":[1,1.0],\"data\":[1]"),
         "inputs[0].shape[1]: Value error, a dimension is a whole number "
         "from 0 to 2^63 - 1");
    json(&any, ONE(HEAD "\"shape\":[18446744073709551615],\"data\":[1]"),
         "inputs[0].shape[0]: Value error, a dimension is a whole number "
         "from 0 to 2^63 - 1");
    json(&any, ONE(HEAD "\"shape\":[4294967296,4294967296],\"data\":[1]"),
         "inputs[0].shape: Value error, these are more elements than are "
         "allowed");
    json(&any, ONE(HEAD "\"shape\":[4294967296,4294967296,0],\"data\":[]"),
         "passed");
}


static void
test_strings(void)
{
    json(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[2],\"data\":"
                   "[\"a\",\"\"]"), "passed");
    json(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":"
                   "[[\"a\"],[\"\"]]"), "passed");
    json(&any, ONE(X "\"data\":[\"a\",\"b\"],\"datatype\":\"BYTES\","
                   "\"shape\":[2]"), "passed");
    json(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[2],\"data\":[\"a\"]"),
         "inputs[0].data: List should have at least 2 items after "
         "validation, not 1");
    json(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[7]"),
         "inputs[0].data[0]: Input should be a valid string");
    json(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[null]"),
         "inputs[0].data[0]: Input should be a valid string");
}


#define SIZE(n)  "\"parameters\":{\"binary_data_size\":" n "}"


static void
test_binary(void)
{
    float                 four[4] = { 1, 2, 3.5f, -4 };
    float                 bad[4] = { 1, 2, __builtin_nanf(""), 4 };
    unsigned char         five[5] = { 1, 2, 3, 1, 0 };
    unsigned char         off[5] = { 1, 2, 3, 2, 0 };

    static const char  strings[] = "\1\0\0\0a\0\0\0\0\3\0\0\0xyz";
    static const char  two_inputs[] =
        "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"UINT8\",\"shape\":[3],"
        SIZE("3") "},{\"name\":\"b\",\"datatype\":\"BOOL\",\"shape\":[2],"
        SIZE("2") "}]}";

    binary(&model, ONE(HEAD "\"shape\":[2,2]," SIZE("16")), four, 16, four,
           "passed");
    binary(&any, ONE(HEAD "\"shape\":[2,2]," SIZE("16")), four, 16, NULL,
           "passed");
    binary(&model, ONE(HEAD "\"shape\":[2,2]," SIZE("16")), bad, 16, NULL,
           "inputs[0][1][0]: Input should be a finite number");
    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("16")), bad, 16, NULL,
           "inputs[0][2]: Input should be a finite number");
    binary(&two, two_inputs, five, 5, NULL, "passed");
    binary(&any, two_inputs, five, 5, NULL, "passed");
    binary(&any, two_inputs, off, 5, NULL,
           "inputs[1][0]: Input should be a valid boolean");

    /* the sizes: of the shape, of the body */

    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("15")), four, 16, NULL,
           "inputs[0].parameters.binary_data_size: Value error, it is not "
           "the size of the shape");
    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("17")), four, 16, NULL,
           "inputs[0].parameters.binary_data_size: Value error, it is not "
           "the size of the shape");
    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("18446744073709551615")),
           four, 16, NULL,
           "inputs[0].parameters.binary_data_size: Value error, it is no "
           "number of bytes");
    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("-16")), four, 16, NULL,
           "inputs[0].parameters.binary_data_size: Value error, it is no "
           "number of bytes");
    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("16.0")), four, 16, NULL,
           "inputs[0].parameters.binary_data_size: Value error, it is no "
           "number of bytes");
    binary(&any, ONE(HEAD "\"shape\":[4]," SIZE("16")), four, 15, NULL,
           "inputs[0]: Value error, the body ends before its last element");
    binary(&any, ONE(HEAD "\"shape\":[3]," SIZE("12")), four, 13, NULL,
           "Value error, the body is longer than its inputs");
    binary(&any, ONE(HEAD "\"shape\":[0]," SIZE("0")), four, 0, NULL,
           "passed");
    binary(&any, ONE(HEAD "\"shape\":[1],\"data\":[1]," SIZE("4")), four, 4,
           NULL, "inputs[0].parameters.binary_data_size: Value error, there "
           "is \\\"data\\\", too");
    json(&any, ONE(HEAD "\"shape\":[4]," SIZE("16")),
         "inputs[0].parameters.binary_data_size: Value error, there is no "
         "header Inference-Header-Content-Length");

    /* beside data in JSON */

    binary(&two, "{\"inputs\":[{\"name\":\"b\",\"datatype\":\"BOOL\","
                 "\"shape\":[2],\"data\":[true,false]},{\"name\":\"a\","
                 "\"datatype\":\"UINT8\",\"shape\":[3]," SIZE("3") "}]}",
           five, 3, NULL, "passed");

    /* strings */

    binary(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[3]," SIZE("16")),
           strings, 16, NULL, "passed");
    binary(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[2]," SIZE("16")),
           strings, 16, NULL,
           "inputs[0]: Value error, it has more strings than its shape");
    binary(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[4]," SIZE("16")),
           strings, 16, NULL,
           "inputs[0]: Value error, it has fewer strings than its shape");
    binary(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[3]," SIZE("15")),
           strings, 15, NULL,
           "inputs[0]: Value error, a string is longer than what is left of "
           "the input");
    binary(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[3]," SIZE("12")),
           strings, 12, NULL,
           "inputs[0]: Value error, it has fewer strings than its shape");
    binary(&any, ONE(X "\"datatype\":\"BYTES\",\"shape\":[1]," SIZE("4")),
           "\377\377\377\377", 4, NULL,
           "inputs[0]: Value error, a string is longer than what is left of "
           "the input");

    /* the header: too long, in the middle of the JSON */

    verdict(&any, 99, "{\"inputs\":[]}", 13, NULL, 0,
            "Value error, the body is shorter than "
            "Inference-Header-Content-Length");
    verdict(&any, 12, "{\"inputs\":[]}", 13, NULL, 0,
            "[12]: JSON decode error");
}


static void
test_bare(void)
{
    float          four[4] = { 1, 2, 3.5f, -4 };
    unsigned char  three[3] = { 1, 2, 3 };
    unsigned char  row[101] = { 1 };

    verdict(&model, 0, four, 16, four, 16, "passed");
    CHECK_STR(asked, " binary");
    verdict(&model, 0, four, 12, NULL, 0,
            "inputs[0]: Value error, the last row is cut off");
    verdict(&two, 0, three, 3, NULL, 0,
            "Value error, a request without JSON needs a model that is known "
            "and has one input");
    verdict(&empty, 0, three, 3, NULL, 0,
            "Value error, a request without JSON needs a model that is known "
            "and has one input");
    verdict(&any, 0, three, 3, NULL, 0,
            "Value error, a request without JSON needs a model that is known "
            "and has one input");

    /* as many elements as are allowed, and one more; no row at all */

    verdict(&full, 0, row, 100, row, 100, "passed");
    verdict(&full, 0, row, 101, NULL, 0,
            "inputs[0]: List should have at most 1 item after validation, "
            "not more");
    verdict(&over, 0, row, 101, NULL, 0,
            "Value error, these are more elements than are allowed");
    verdict(&over_fixed, 0, row, 101, NULL, 0,
            "Value error, these are more elements than are allowed");
    verdict(&over, 0, row, 0, NULL, 0, "Field required");
    verdict(&full, 0, row, 0, NULL, 0,
            "inputs[0]: List should have at least 1 item after validation, "
            "not 0");
}


static void
test_path(void)
{
    size_t         i;
    ml_oip_path_t  path;

    static const struct {
        const char         *path;
        ml_oip_endpoint_e   endpoint;
        const char         *model;
        const char         *version;
    } paths[] = {
        { "/v2", ML_OIP_SERVER, "", "" },
        { "/v2/", ML_OIP_SERVER, "", "" },
        { "/api/v2", ML_OIP_SERVER, "", "" },
        { "/v2/health/live", ML_OIP_LIVE, "", "" },
        { "/v2/health/ready", ML_OIP_READY, "", "" },
        { "/v2/health/ready/x", ML_OIP_UNKNOWN, "", "" },
        { "/v2/health", ML_OIP_UNKNOWN, "", "" },
        { "/v2/models/m", ML_OIP_MODEL, "m", "" },
        { "/v2/models/m/", ML_OIP_UNKNOWN, "", "" },
        { "/v2/models/m/versions/12", ML_OIP_MODEL, "m", "12" },
        { "/v2/models/m/versions/v10", ML_OIP_MODEL, "m", "v10" },
        { "/v2/models/m/versions/", ML_OIP_UNKNOWN, "", "" },
        { "/v2/models/m/versions", ML_OIP_UNKNOWN, "m", "" },
        { "/v2/models/m/ready", ML_OIP_MODEL_READY, "m", "" },
        { "/v2/models/m/config", ML_OIP_MODEL_CONFIG, "m", "" },
        { "/v2/models/m/infer", ML_OIP_INFER, "m", "" },
        { "/v2/models/v2/versions/1/infer", ML_OIP_INFER, "v2", "1" },
        { "/v2/models/m/infer/x", ML_OIP_UNKNOWN, "m", "" },
        { "/v2/models/m/infer/", ML_OIP_UNKNOWN, "", "" },
        { "/v2/health/live/", ML_OIP_UNKNOWN, "", "" },
        { "/v2/models/stats", ML_OIP_UNKNOWN, "stats", "" },
        { "/v2/models/stats/ready", ML_OIP_MODEL_READY, "stats", "" },
        { "/v2/models/m/stats", ML_OIP_UNKNOWN, "m", "" },
        { "/v2/models/m/generate", ML_OIP_UNKNOWN, "m", "" },
        { "/v2/models/", ML_OIP_UNKNOWN, "", "" },
        { "/v2/models", ML_OIP_UNKNOWN, "", "" },
        { "/v2/repository/index", ML_OIP_DENIED, "", "" },
        { "/v2/systemsharedmemory/region/r/register", ML_OIP_DENIED, "", "" },
        { "/v2/cudasharedmemory/status", ML_OIP_DENIED, "", "" },
        { "/v2x/health/live", ML_OIP_UNKNOWN, "", "" },
        { "/", ML_OIP_UNKNOWN, "", "" },
        { "", ML_OIP_UNKNOWN, "", "" }
    };

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        ml_oip_path(paths[i].path, strlen(paths[i].path), &path);

        CHECK_INT(path.endpoint, paths[i].endpoint);
        CHECK_INT(path.model_len, strlen(paths[i].model));
        CHECK_INT(path.version_len, strlen(paths[i].version));
        CHECK(path.model_len == 0
              || memcmp(path.model, paths[i].model, path.model_len) == 0);
    }
}


int
main(void)
{
    test_contract();
    test_members();
    test_shape();
    test_limits();
    test_strings();
    test_binary();
    test_bare();
    test_path();

    TEST_END;
}
