/* link: -lm */

#include "ml_text.c"
#include "ml_error.c"
#include "ml_siphash.c"
#include "ml_tensor.c"

#include "test.h"


static char *
text_of(ml_text_t *text)
{
    ml_text_append(text, "", 1);
    text->len = 0;

    return text->failed ? NULL : text->data;
}


static void
test_json_string(void)
{
    ml_text_t  text;

    ml_text_init(&text);

    ml_text_json_string(&text, "plain", 5);
    CHECK_STR(text_of(&text), "\"plain\"");

    ml_text_json_string(&text, "q\"b\\n\nt\0z", 9);
    CHECK_STR(text_of(&text), "\"q\\\"b\\\\n\\u000at\\u0000z\"");

    ml_text_json_string(&text, "\x7f", 1);
    CHECK_STR(text_of(&text), "\"\\u007f\"");

    /* well-formed UTF-8 stays, anything else becomes U+FFFD */

    ml_text_json_string(&text, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
    CHECK_STR(text_of(&text), "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");

    ml_text_json_string(&text, "\xc0\xaf", 2);
    CHECK_STR(text_of(&text), "\"\xef\xbf\xbd\xef\xbf\xbd\"");

    ml_text_json_string(&text, "\xed\xa0\x80", 3);
    CHECK_STR(text_of(&text),
              "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");

    ml_text_json_string(&text, "\xe2\x82", 2);
    CHECK_STR(text_of(&text), "\"\xef\xbf\xbd\xef\xbf\xbd\"");

    ml_text_free(&text);
}


static void
test_numbers(void)
{
    unsigned   i;
    float      f, back;
    uint32_t   bits;
    ml_text_t  text;

    ml_text_init(&text);

    ml_text_float(&text, 5.5f);
    CHECK_STR(text_of(&text), "5.5");

    ml_text_float(&text, 3.0f);
    CHECK_STR(text_of(&text), "3.0");

    ml_text_float(&text, 0.1f);
    CHECK_STR(text_of(&text), "0.1");

    ml_text_float(&text, -0.0f);
    CHECK_STR(text_of(&text), "-0.0");

    ml_text_float(&text, NAN);
    CHECK_STR(text_of(&text), "null");

    ml_text_double(&text, -INFINITY);
    CHECK_STR(text_of(&text), "null");

    ml_text_double(&text, 0.1 + 0.2);
    CHECK_STR(text_of(&text), "0.30000000000000004");

    for (i = 0; i < 20000; i++) {
        bits = i * 214013u * 2531011u + i * 977u;
        memcpy(&f, &bits, 4);

        if (!isfinite(f)) {
            continue;
        }

        ml_text_float(&text, f);
        back = strtof(text_of(&text), NULL);

        if (memcmp(&back, &f, 4) != 0) {
            CHECK(0 && "a float did not read back");
            break;
        }
    }

    ml_text_free(&text);
}


static void
test_errors(void)
{
    ml_text_t          text;
    ml_error_t         errors[2];
    ml_path_step_t     path[2];
    ml_error_answer_t  answer;

    ml_text_init(&text);

    memset(errors, 0, sizeof(errors));
    memset(path, 0, sizeof(path));
    memset(&answer, 0, sizeof(answer));

    path[0].name = "a/\"b";
    path[0].len = 4;
    path[1].index = 3;

    errors[0].type = "less_than_equal";
    errors[0].path = path;
    errors[0].npath = 2;
    errors[0].msg = "Input should be less than or equal to 100";
    errors[0].ctx = "{\"le\":100.0}";
    errors[1].type = "missing";
    errors[1].path = path;
    errors[1].npath = 0;
    errors[1].msg = "Field required";

    answer.status = 422;
    answer.title = "Unprocessable Content";
    answer.detail = "body rejected";
    answer.errors = errors;
    errors[0].next = &errors[1];

    ml_error_render(&text, ML_ERROR_FASTAPI, &answer);
    CHECK_STR(text_of(&text),
        "{\"detail\":[{\"type\":\"less_than_equal\",\"loc\":[\"body\","
        "\"a/\\\"b\",3],\"msg\":\"Input should be less than or equal to 100\","
        "\"ctx\":{\"le\":100.0}},{\"type\":\"missing\",\"loc\":[\"body\"],"
        "\"msg\":\"Field required\"}]}");

    ml_error_render(&text, ML_ERROR_PROBLEM, &answer);
    CHECK_STR(text_of(&text),
        "{\"type\":\"about:blank\",\"title\":\"Unprocessable Content\","
        "\"status\":422,\"detail\":\"body rejected\",\"errors\":["
        "{\"pointer\":\"/a~1\\\"b/3\",\"type\":\"less_than_equal\","
        "\"msg\":\"Input should be less than or equal to 100\"},"
        "{\"pointer\":\"\",\"type\":\"missing\",\"msg\":\"Field required\"}"
        "]}");

    ml_error_render(&text, ML_ERROR_OIP, &answer);
    CHECK_STR(text_of(&text),
        "{\"error\":\"a/\\\"b[3]: Input should be less than or equal to 100"
        "; Field required\"}");

    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK_STR(text_of(&text),
        "{\"error\":{\"message\":\"Invalid 'a/\\\"b[3]': Input should be less "
        "than or equal to 100.\",\"type\":\"invalid_request_error\","
        "\"param\":\"a/\\\"b[3]\",\"code\":\"value_above_maximum\"}}");

    answer.errors = &errors[1];
    errors[1].npath = 1;
    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK_STR(text_of(&text),
        "{\"error\":{\"message\":\"Missing required parameter: 'a/\\\"b'.\","
        "\"type\":\"invalid_request_error\",\"param\":\"a/\\\"b\","
        "\"code\":\"missing_required_parameter\"}}");

    errors[1].type = "string_type";
    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK(strstr(text_of(&text), "\"code\":\"invalid_type\"") != NULL);

    errors[1].type = "enum";
    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK(strstr(text_of(&text), "\"code\":\"invalid_value\"") != NULL);

    errors[1].type = "json_invalid";
    errors[1].msg = "JSON decode error";
    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK_STR(text_of(&text),
        "{\"error\":{\"message\":\"We could not parse the JSON body of your "
        "request: JSON decode error.\",\"type\":\"invalid_request_error\","
        "\"param\":null,\"code\":null}}");

    answer.errors = NULL;
    answer.retry_after = 7;

    ml_error_render(&text, ML_ERROR_OIP, &answer);
    CHECK_STR(text_of(&text), "{\"error\":\"body rejected\"}");

    answer.status = 429;
    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK_STR(text_of(&text),
        "{\"error\":{\"message\":\"body rejected\",\"type\":"
        "\"rate_limit_error\",\"param\":null,"
        "\"code\":\"rate_limit_exceeded\"}}");

    answer.status = 503;
    ml_error_render(&text, ML_ERROR_OPENAI, &answer);
    CHECK(strstr(text_of(&text), "\"type\":\"server_error\"") != NULL);

    CHECK_INT(ml_error_status(ML_ERROR_OIP, 422), 400);
    CHECK_INT(ml_error_status(ML_ERROR_OPENAI, 422), 400);
    CHECK_INT(ml_error_status(ML_ERROR_FASTAPI, 422), 422);
    CHECK_INT(ml_error_status(ML_ERROR_OIP, 429), 429);

    ml_error_render(&text, ML_ERROR_SIMPLE, &answer);
    CHECK_STR(text_of(&text),
              "{\"error\":\"body rejected\",\"retry_after\":7}");

    ml_error_render(&text, ML_ERROR_FASTAPI, &answer);
    CHECK_STR(text_of(&text), "{\"detail\":\"body rejected\"}");

    ml_text_free(&text);
}


/* vectors_sip128 of the reference implementation: key 00..0f, input 00.. */

static void
test_siphash(void)
{
    unsigned  i;
    uint8_t   key[16], in[64];
    uint64_t  hash[2];

    for (i = 0; i < 64; i++) {
        key[i & 15] = (uint8_t) (i & 15);
        in[i] = (uint8_t) i;
    }

    ml_siphash128(key, in, 0, hash);
    CHECK(hash[0] == 0xe6a825ba047f81a3ULL);
    CHECK(hash[1] == 0x930255c71472f66dULL);

    ml_siphash128(key, in, 1, hash);
    CHECK(hash[0] == 0x44af996bd8c187daULL);
    CHECK(hash[1] == 0x45fc229b11597634ULL);
}


static void
test_tensor_size(void)
{
    size_t   bytes;
    int64_t  dims[3] = { 2, 3, 4 };
    int64_t  huge[2] = { 1LL << 32, 1LL << 32 };
    int64_t  negative[1] = { -1 };

    CHECK_INT(ml_tensor_size(ML_DTYPE_FLOAT32, 3, dims, &bytes), 0);
    CHECK_INT(bytes, 96);
    CHECK_INT(ml_tensor_size(ML_DTYPE_FLOAT32, 0, dims, &bytes), 0);
    CHECK_INT(bytes, 4);
    CHECK_INT(ml_tensor_size(ML_DTYPE_UINT8, 2, huge, &bytes), -1);
    CHECK_INT(ml_tensor_size(ML_DTYPE_UINT8, 1, negative, &bytes), -1);
    CHECK_INT(ml_tensor_size(ML_DTYPE_NONE, 3, dims, &bytes), -1);
    CHECK_INT(ml_dtype_parse("int64", 5), ML_DTYPE_INT64);
    CHECK_INT(ml_dtype_parse("int6", 4), ML_DTYPE_NONE);
}


int
main(void)
{
    test_json_string();
    test_numbers();
    test_errors();
    test_siphash();
    test_tensor_size();

    return TEST_END;
}
