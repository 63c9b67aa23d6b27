/* link: -lm */

/* Contracts against models, and outputs as JSON. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ml_text.c"
#include "ml_tensor.c"
#include "ml_contract.c"
#include "ml_response.c"

#include "test.h"


static int               batched = 1;
static size_t            ninputs = 1;
static ml_tensor_spec_t  inputs[2];


const ml_tensor_spec_t *
ml_model_inputs(const ml_model_t *model, size_t *n)
{
    *n = ninputs;
    return inputs;
}


int
ml_model_batched(const ml_model_t *model)
{
    return batched;
}


static char *
match(const ml_tensor_spec_t *contract, size_t n, int form)
{
    static char         error[256];
    ml_contract_form_e  got;

    if (ml_contract_match(NULL, contract, n, &got, error, sizeof(error))
        != 0)
    {
        return error;
    }

    CHECK_INT(got, form);
    return "";
}


static void
test_contract(void)
{
    size_t            n;
    ml_tensor_t       tensors[2];
    ml_tensor_spec_t  given[2];

    static const ml_tensor_spec_t  x = {
        "x", ML_DTYPE_FLOAT32, 2, { -1, 4 }, 0
    };
    static const ml_tensor_spec_t  row = {
        "x", ML_DTYPE_FLOAT32, 1, { 4 }, 0
    };

    inputs[0] = x;
    given[0] = row;

    CHECK_STR(match(given, 1, ML_CONTRACT_ROW), "");
    CHECK_STR(match(&x, 1, ML_CONTRACT_BATCH), "");

    given[0] = x;
    given[0].dims[0] = 3;
    CHECK_STR(match(given, 1, ML_CONTRACT_BATCH), "");

    given[0].dims[1] = 5;
    CHECK_STR(match(given, 1, 0), "the schema's tensor \"x\" has shape "
              "[3,5], the model's input has [-1,4]");

    given[0] = row;
    given[0].dims[0] = -1;
    CHECK_STR(match(given, 1, 0), "the schema's tensor \"x\" has shape "
              "[-1], the model's input has [-1,4]");

    given[0] = row;
    given[0].dtype = ML_DTYPE_FLOAT64;
    CHECK_STR(match(given, 1, 0), "the schema's tensor \"x\" is float64, "
              "the model's input is float32");

    given[0] = row;
    given[0].name = "z";
    CHECK_STR(match(given, 1, 0), "the schema's tensor \"z\" is no input of "
              "the model");

    ninputs = 2;
    inputs[1] = x;
    inputs[1].name = "w";
    given[0] = row;
    CHECK_STR(match(given, 1, 0), "the schema has no tensor for the model's "
              "input \"w\"");

    given[1] = x;
    given[1].name = "w";
    CHECK_STR(match(given, 2, 0), "the schema's tensors are partly rows, "
              "partly batches");

    given[0] = x;
    CHECK_STR(match(given, 2, ML_CONTRACT_BATCH), "");

    /* rows must agree, in whatever order the tensors come */

    memset(tensors, 0, sizeof(tensors));
    tensors[0].name = "w";
    tensors[1].name = "x";
    n = 2;

    tensors[0].dims[0] = 3;
    tensors[1].dims[0] = 3;
    CHECK_INT(ml_contract_rows(NULL, tensors, n, ML_CONTRACT_BATCH), 3);
    CHECK_INT(ml_contract_rows(NULL, tensors, n, ML_CONTRACT_ROW), 1);

    tensors[1].dims[0] = 4;
    CHECK_INT(ml_contract_rows(NULL, tensors, n, ML_CONTRACT_BATCH), -1);

    tensors[0].dims[0] = 0;
    tensors[1].dims[0] = 0;
    CHECK_INT(ml_contract_rows(NULL, tensors, n, ML_CONTRACT_BATCH), 0);

    /* a model without a batch takes exactly its shape */

    batched = 0;
    ninputs = 1;
    inputs[0] = row;
    CHECK_STR(match(&row, 1, ML_CONTRACT_WHOLE), "");
    given[0] = row;
    given[0].rank = 0;
    CHECK_STR(match(given, 1, 0), "the schema's tensor \"x\" has shape [], "
              "the model's input has [4]");
}


static const char *
render(ml_tensor_spec_t *spec, void *data, int64_t rows, int form)
{
    static char  answer[512];
    ml_text_t    text;

    ml_text_init(&text);
    ml_response_render(&text, spec, 1, &data, rows,
                       (ml_contract_form_e) form);
    ml_text_append(&text, "", 1);
    (void) snprintf(answer, sizeof(answer), "%s", text.data);
    ml_text_free(&text);

    return answer;
}


static void
test_response(void)
{
    float     f[] = { 5.5f, 0.1f, NAN, -INFINITY, 1e-30f, 7 };
    double    d[] = { 0.1, 1e300 };
    int64_t   l[] = { INT64_MIN, INT64_MAX };
    uint64_t  u[] = { UINT64_MAX, 0 };
    int8_t    c[] = { -128, 127 };
    uint8_t   b[] = { 0, 1, 255 };

    ml_tensor_spec_t  one = { "y", ML_DTYPE_FLOAT32, 2, { -1, 1 }, 0 };
    ml_tensor_spec_t  three = { "y", ML_DTYPE_FLOAT32, 2, { -1, 3 }, 0 };
    ml_tensor_spec_t  square = { "y", ML_DTYPE_FLOAT32, 3, { -1, 1, 3 }, 0 };
    ml_tensor_spec_t  flat = { "a\"b", ML_DTYPE_INT64, 1, { -1 }, 0 };
    ml_tensor_spec_t  whole = { "y", ML_DTYPE_FLOAT32, 2, { 2, 3 }, 0 };
    ml_tensor_spec_t  scalar = { "y", ML_DTYPE_FLOAT32, 0, { 0 }, 0 };

    CHECK_STR(render(&one, f, 1, ML_CONTRACT_ROW), "\"y\":5.5");
    CHECK_STR(render(&one, f, 2, ML_CONTRACT_BATCH), "\"y\":[5.5,0.1]");
    CHECK_STR(render(&one, f, 1, ML_CONTRACT_BATCH), "\"y\":[5.5]");
    CHECK_STR(render(&three, f, 1, ML_CONTRACT_ROW), "\"y\":[5.5,0.1,null]");
    CHECK_STR(render(&three, f, 2, ML_CONTRACT_BATCH),
              "\"y\":[[5.5,0.1,null],[null,1e-30,7.0]]");
    CHECK_STR(render(&square, f, 1, ML_CONTRACT_ROW),
              "\"y\":[[5.5,0.1,null]]");
    CHECK_STR(render(&whole, f, 1, ML_CONTRACT_WHOLE),
              "\"y\":[[5.5,0.1,null],[null,1e-30,7.0]]");
    CHECK_STR(render(&scalar, f, 1, ML_CONTRACT_WHOLE), "\"y\":5.5");

    CHECK_STR(render(&flat, l, 2, ML_CONTRACT_BATCH),
              "\"a\\\"b\":[-9223372036854775808,9223372036854775807]");

    flat.name = "y";
    flat.dtype = ML_DTYPE_UINT64;
    CHECK_STR(render(&flat, u, 2, ML_CONTRACT_BATCH),
              "\"y\":[18446744073709551615,0]");

    flat.dtype = ML_DTYPE_INT8;
    CHECK_STR(render(&flat, c, 2, ML_CONTRACT_BATCH), "\"y\":[-128,127]");

    flat.dtype = ML_DTYPE_UINT8;
    CHECK_STR(render(&flat, b, 3, ML_CONTRACT_BATCH), "\"y\":[0,1,255]");

    flat.dtype = ML_DTYPE_BOOL;
    CHECK_STR(render(&flat, b, 2, ML_CONTRACT_BATCH), "\"y\":[false,true]");

    flat.dtype = ML_DTYPE_FLOAT64;
    CHECK_STR(render(&flat, d, 2, ML_CONTRACT_BATCH), "\"y\":[0.1,1e+300]");

    CHECK_INT(ml_response_supports(ML_DTYPE_FLOAT16), 1);
    CHECK_INT(ml_response_supports(ML_DTYPE_FLOAT32), 1);
    CHECK_INT(ml_response_supports(ML_DTYPE_NONE), 0);
}


int
main(void)
{
    test_contract();
    test_response();

    return TEST_END;
}
