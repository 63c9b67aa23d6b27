/*
 * The validator: verdicts, the exact FastAPI bodies, tensors bit by bit, and
 * the same whatever the split.
 */

/* link: -lm -lpcre2-8 */

#include "validator.h"


static void
test_types(void)
{
    size_t  i, j;

    static const struct {
        const char  *schema;
        const char  *error;
        const char  *bad[8];
        const char  *good[5];
    } cases[] = {
        { MODEL("{\"type\":\"integer\"}"),
          ERROR("int_type", "Input should be a valid integer"),
          { "\"a\"", "1.5", "null", "true", "[]", "{}", "1e-1" },
          { "1", "1.0", "-5", "1e2", "123456789012345678901234567890" } },
        { MODEL("{\"type\":\"number\"}"),
          ERROR("float_type", "Input should be a valid number"),
          { "\"a\"", "true", "null", "[]", "{}" },
          { "1", "1.5", "-0", "1e-400" } },
        { MODEL("{\"type\":\"string\"}"),
          ERROR("string_type", "Input should be a valid string"),
          { "1", "null", "[]", "{}", "false" }, { "\"\"", "\"abc\"" } },
        { MODEL("{\"type\":\"boolean\"}"),
          ERROR("bool_type", "Input should be a valid boolean"),
          { "1", "\"a\"", "null" }, { "true", "false" } },
        { MODEL("{\"type\":\"null\"}"),
          ERROR("none_required", "Input should be None"),
          { "1", "\"a\"", "false" }, { "null" } },
        { MODEL("{\"type\":\"array\"}"),
          ERROR("list_type", "Input should be a valid list"),
          { "1", "{}", "null" }, { "[]", "[1,\"a\",{\"b\":[null]}]" } },
        { MODEL("{\"type\":\"object\"}"),
          ERROR("dict_type", "Input should be a valid dictionary"),
          { "1", "[]", "null" }, { "{}", "{\"a\":{\"b\":1}}" } },
        { MODEL("{\"type\":\"object\",\"properties\":{}}"),
          ERROR("model_attributes_type", "Input should be a valid dictionary "
                "or object to extract fields from"),
          { "1", "[]", "null" }, { "{}", "{\"a\":1}" } },
        { MODEL("{\"type\":[\"null\",\"string\"]}"),
          ERROR("string_type", "Input should be a valid string"),
          { "1", "[]" }, { "null", "\"a\"" } },
        { MODEL("{}"), ERROR("finite_number",
                             "Input should be a finite number"),
          { "1e999", "-1e400" }, { "1", "null", "[[]]", "{\"x\":{}}" } },
        { MODEL("{\"type\":\"number\"}"),
          ERROR("finite_number", "Input should be a finite number"),
          { "1e999" }, { "1e308" } },
        { MODEL("true"), NULL, { NULL }, { "1", "[]" } },
        { MODEL("false"),
          ERROR("extra_forbidden", "Extra inputs are not permitted"),
          { "1" }, { NULL } }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char  body[200];

        for (j = 0; j < 8 && cases[i].bad[j]; j++) {
            snprintf(body, sizeof(body), "{\"x\": %s}", cases[i].bad[j]);
            check(cases[i].schema, body, cases[i].error);
        }

        for (j = 0; j < 5 && cases[i].good[j]; j++) {
            snprintf(body, sizeof(body), "{\"x\": %s}", cases[i].good[j]);
            check(cases[i].schema, body, "passed");
        }
    }
}


static void
test_rules(void)
{
    size_t  i;

    static const struct {
        const char  *schema;
        const char  *body;
        const char  *want;
    } cases[] = {

        /* the texts are those of pydantic 2.13, strict */

        { MODEL("{\"minLength\":1,\"maxLength\":3}"), "{\"x\":\"\"}",
          ERROR_CTX("string_too_short", "String should have at least 1 "
                    "character", "\"min_length\":1") },
        { MODEL("{\"minLength\":1,\"maxLength\":3}"), "{\"x\":\"abcd\"}",
          ERROR_CTX("string_too_long", "String should have at most 3 "
                    "characters", "\"max_length\":3") },
        { MODEL("{\"maxLength\":3}"),
          "{\"x\":\"\xc3\xa9\\ud83d\\ude00\xf0\x9f\x98\x80\"}", "passed" },
        { MODEL("{\"maxLength\":2}"),
          "{\"x\":\"\xc3\xa9\\ud83d\\ude00\xf0\x9f\x98\x80\"}",
          ERROR_CTX("string_too_long", "String should have at most 2 "
                    "characters", "\"max_length\":2") },
        { MODEL("{\"maxLength\":3}"), "{\"x\":12345}", "passed" },

        { MODEL("{\"minItems\":2,\"maxItems\":3}"), "{\"x\":[1]}",
          ERROR_CTX("too_short", "List should have at least 2 items after "
                    "validation, not 1", "\"field_type\":\"List\","
                    "\"min_length\":2,\"actual_length\":1") },
        { MODEL("{\"maxItems\":1}"), "{\"x\":[1,[2]]}",
          ERROR_CTX("too_long", "List should have at most 1 item after "
                    "validation, not more", "\"field_type\":\"List\","
                    "\"max_length\":1,\"actual_length\":null") },
        { MODEL("{\"maxItems\":1}"), "{\"x\":[1,2,3,4,tru",
          ERROR_CTX("too_long", "List should have at most 1 item after "
                    "validation, not more", "\"field_type\":\"List\","
                    "\"max_length\":1,\"actual_length\":null") },
        { MODEL("{\"items\":{\"type\":\"number\"}}"), "{\"x\":[1,2.5,\"a\"]}",
          "{\"type\":\"float_type\",\"loc\":[\"body\",\"x\",2],\"msg\":"
          "\"Input should be a valid number\"}" },
        { MODEL("{\"items\":false}"), "{\"x\":[1]}",
          "{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"x\",0],\"msg\":"
          "\"Extra inputs are not permitted\"}" },
        { "{\"items\":{\"items\":{\"type\":\"string\"}}}",
          "[[\"a\"],[\"b\",\"c\",null]]",
          "{\"type\":\"string_type\",\"loc\":[\"body\",1,2],\"msg\":"
          "\"Input should be a valid string\"}" },

        { MODEL("{\"minimum\":0,\"maximum\":1}"), "{\"x\":5.0}",
          ERROR_CTX("less_than_equal", "Input should be less than or equal "
                    "to 1", "\"le\":1.0") },
        { MODEL("{\"minimum\":0,\"maximum\":1}"), "{\"x\":-5}",
          ERROR_CTX("greater_than_equal", "Input should be greater than or "
                    "equal to 0", "\"ge\":0.0") },
        { MODEL("{\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}"),
          "{\"x\":1}", ERROR_CTX("less_than", "Input should be less than 1",
                                 "\"lt\":1.0") },
        { MODEL("{\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}"),
          "{\"x\":0.0}", ERROR_CTX("greater_than", "Input should be greater "
                                   "than 0", "\"gt\":0.0") },
        { MODEL("{\"exclusiveMinimum\":0,\"exclusiveMaximum\":1}"),
          "{\"x\":0.5}", "passed" },
        { MODEL("{\"type\":\"integer\",\"minimum\":0,\"maximum\":1}"),
          "{\"x\":5}", ERROR_CTX("less_than_equal", "Input should be less "
                                 "than or equal to 1", "\"le\":1") },
        { MODEL("{\"type\":\"integer\",\"maximum\":9007199254740992}"),
          "{\"x\":9007199254740993}",
          ERROR_CTX("less_than_equal", "Input should be less than or equal "
                    "to 9007199254740992", "\"le\":9007199254740992") },
        { MODEL("{\"type\":\"integer\"}"), "{\"x\":18446744073709551616}",
          "passed" },
        { MODEL("{\"type\":\"integer\"}"), "{\"x\":18446744073709551616.5}",
          ERROR("int_type", "Input should be a valid integer") },
        { MODEL("{\"type\":\"integer\"}"),
          "{\"x\":66775884494624664894166.3}",
          ERROR("int_type", "Input should be a valid integer") },
        { MODEL("{\"maximum\":18446744073709551616}"),
          "{\"x\":18446744073709551616.0}", "passed" },
        { MODEL("{\"type\":\"integer\",\"maximum\":18446744073709551616}"),
          "{\"x\":18446744073709551617}",
          ERROR_CTX("less_than_equal", "Input should be less than or equal "
                    "to 18446744073709552000",
                    "\"le\":1.8446744073709552e+19") },
        { MODEL("{\"enum\":[18446744073709551616]}"),
          "{\"x\":18446744073709551617}",
          ERROR_CTX("literal_error", "Input should be 18446744073709551616",
                    "\"expected\":\"18446744073709551616\"") },
        { MODEL("{\"const\":0.1}"), "{\"x\":0.10000000000000000001}",
          ERROR_CTX("literal_error", "Input should be 0.1",
                    "\"expected\":\"0.1\"") },
        { MODEL("{\"const\":0.1}"), "{\"x\":0.10000000000000000000}",
          "passed" },
        { MODEL("{\"type\":\"number\",\"minimum\":1e16}"), "{\"x\":1}",
          ERROR_CTX("greater_than_equal", "Input should be greater than or "
                    "equal to 10000000000000000", "\"ge\":1e+16") },
        { MODEL("{\"maximum\":1}"), "{\"x\":\"5\"}", "passed" },

        { MODEL("{\"enum\":[\"a\",\"b\",3]}"), "{\"x\":\"c\"}",
          ERROR_CTX("literal_error", "Input should be 'a', 'b' or 3",
                    "\"expected\":\"'a', 'b' or 3\"") },
        { MODEL("{\"enum\":[\"a\",\"b\",3]}"), "{\"x\":3.0}", "passed" },
        { MODEL("{\"enum\":[\"a\",\"b\",3]}"), "{\"x\":\"\\u0061\"}",
          "passed" },
        { MODEL("{\"type\":\"string\",\"enum\":[\"a\"]}"), "{\"x\":1}",
          ERROR_CTX("literal_error", "Input should be 'a'",
                    "\"expected\":\"'a'\"") },
        { MODEL("{\"const\":{\"a\":[1,null],\"b\":{}}}"),
          "{\"x\":{\"b\":{},\"a\":[1.0,null]}}", "passed" },
        { MODEL("{\"const\":{\"a\":[1,null]}}"), "{\"x\":{\"a\":[1]}}",
          ERROR_CTX("literal_error", "Input should be {\\\"a\\\":[1,null]}",
                    "\"expected\":\"{\\\"a\\\":[1,null]}\"") },
        { MODEL("{\"const\":false}"), "{\"x\":0}",
          ERROR_CTX("literal_error", "Input should be False",
                    "\"expected\":\"False\"") },
        { MODEL("{\"items\":{\"enum\":[1,[\"a\"]]}}"),
          "{\"x\":[1,[\"a\"],1,[\"a\"],[]]}",
          "{\"type\":\"literal_error\",\"loc\":[\"body\",\"x\",4],\"msg\":"
          "\"Input should be 1 or [\\\"a\\\"]\",\"ctx\":{\"expected\":"
          "\"1 or [\\\"a\\\"]\"}}" },
        { MODEL("{\"const\":{\"a\":1},\"properties\":{\"a\":{\"const\":1}}}"),
          "{\"x\":{\"a\":2}}",
          "{\"type\":\"literal_error\",\"loc\":[\"body\",\"x\"],\"msg\":"
          "\"Input should be {\\\"a\\\":1}\",\"ctx\":{\"expected\":"
          "\"{\\\"a\\\":1}\"}}" },

        { "{\"type\":\"object\",\"properties\":{\"a\":{}},"
          "\"required\":[\"a\",\"b\"]}", "{\"b\":1}",
          "{\"type\":\"missing\",\"loc\":[\"body\",\"a\"],\"msg\":"
          "\"Field required\"}" },
        { "{\"type\":\"object\",\"properties\":{\"a\":{}},"
          "\"required\":[\"a\",\"b\"]}", "{\"a\":1}",
          "{\"type\":\"missing\",\"loc\":[\"body\",\"b\"],\"msg\":"
          "\"Field required\"}" },
        { "{\"type\":\"object\",\"properties\":{\"a\":{}},"
          "\"required\":[\"a\",\"b\"]}", "{\"b\":1,\"a\":2}", "passed" },
        { "{\"items\":{\"required\":[\"a\"]}}",
          "[{\"a\":{\"b\":[]}},{},7]",
          "{\"type\":\"missing\",\"loc\":[\"body\",1,\"a\"],\"msg\":"
          "\"Field required\"}" },
        { "{\"type\":\"object\",\"properties\":{\"a\":{}},"
          "\"additionalProperties\":false}", "{\"a\":1,\"zz\\n\":2}",
          "{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"zz\\u000a\"],"
          "\"msg\":\"Extra inputs are not permitted\"}" },
        { "{\"additionalProperties\":{\"type\":\"null\"}}",
          "{\"a\":null,\"\\u00e9\":2}",
          "{\"type\":\"none_required\",\"loc\":[\"body\",\"\xc3\xa9\"],"
          "\"msg\":\"Input should be None\"}" },

        /* a long key is cut between characters */
        { "{\"additionalProperties\":false}", "{\"aaaaaaaaaaaaaaaaaaaaaaaaa"
          "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xc3\xa9zzz\":1}",
          "{\"type\":\"extra_forbidden\",\"loc\":[\"body\","
          "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
          "a\"],\"msg\":\"Extra inputs are not permitted\"}" },

        { "{\"type\":\"object\"}", "[1]",
          "{\"type\":\"dict_type\",\"loc\":[\"body\"],\"msg\":"
          "\"Input should be a valid dictionary\"}" },
        { "{\"type\":\"object\"}", " ",
          "{\"type\":\"json_invalid\",\"loc\":[\"body\",1],\"msg\":"
          "\"JSON decode error\",\"ctx\":{\"error\":\"Expecting value\"}}" },
        { "{\"type\":\"object\"}", "{\"a\":1,}",
          "{\"type\":\"json_invalid\",\"loc\":[\"body\",7],\"msg\":\"JSON "
          "decode error\",\"ctx\":{\"error\":\"Expecting property name "
          "enclosed in double quotes\"}}" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(cases[i].schema, cases[i].body, cases[i].want);
    }
}


#define TENSOR(dtype, rest)                                                   \
    "{\"type\":\"object\",\"required\":[\"x\"],\"properties\":{\"x\":"        \
    "{\"x-tensor\":{\"input\":\"x\",\"dtype\":\"" dtype "\"," rest "}},"      \
    "\"y\":{\"type\":\"string\"}}}"

#define AT(type, loc, msg)                                                    \
    "{\"type\":\"" type "\",\"loc\":[\"body\",\"x\"" loc "],\"msg\":\"" msg   \
    "\"}"
#define LONG(loc, max, items)                                                 \
    "{\"type\":\"too_long\",\"loc\":[\"body\",\"x\"" loc "],\"msg\":"         \
    "\"List should have at most " max " " items " after validation, not "     \
    "more\",\"ctx\":{\"field_type\":\"List\",\"max_length\":" max             \
    ",\"actual_length\":null}}"
#define SHORT(loc, min, items, n)                                             \
    "{\"type\":\"too_short\",\"loc\":[\"body\",\"x\"" loc "],\"msg\":"        \
    "\"List should have at least " min " " items " after validation, not "    \
    n "\",\"ctx\":{\"field_type\":\"List\",\"min_length\":" min               \
    ",\"actual_length\":" n "}}"


static void
test_tensor_rules(void)
{
    size_t  i;

    static const char  vector[] = TENSOR("float32", "\"shape\":[3],"
                                         "\"minimum\":-100,\"maximum\":100");
    static const char  matrix[] = TENSOR("float32", "\"shape\":[-1,2],"
                                         "\"maxItems\":2");
    static const char  bytes[] = TENSOR("uint8", "\"shape\":[2]");
    static const char  wide[] = TENSOR("int64", "\"shape\":[2]");
    static const char  counts[] = TENSOR("uint64", "\"shape\":[1]");
    static const char  flags[] = TENSOR("bool", "\"shape\":[2]");
    static const char  half[] = TENSOR("float16", "\"shape\":[1]");
    static const char  single[] = TENSOR("float32", "\"shape\":[]");

    static const struct {
        const char  *schema;
        const char  *body;
        const char  *want;
    } cases[] = {
        { counts, "{\"x\":[18446744073709551616.5]}",
          AT("int_type", ",0", "Input should be a valid integer") },
        { vector, "{\"x\":[1,2,3],\"y\":\"a\"}", "passed" },
        { vector, "{\"y\":\"a\"}", AT("missing", "", "Field required") },
        { vector, "{\"x\":[1,2]}", SHORT("", "3", "items", "2") },
        { vector, "{\"x\":[]}", SHORT("", "3", "items", "0") },
        { vector, "{\"x\":[1,2,3,4]}", LONG("", "3", "items") },
        { vector, "{\"x\":[1,2,3,\"a\"]}", LONG("", "3", "items") },
        { vector, "{\"x\":[1,2,3,[", LONG("", "3", "items") },
        { vector, "{\"x\":[1,2,3,4,5,6}", LONG("", "3", "items") },
        { vector, "{\"x\":1}",
          AT("list_type", "", "Input should be a valid list") },
        { vector, "{\"x\":null}",
          AT("list_type", "", "Input should be a valid list") },
        { vector, "{\"x\":\"NaN\"}",
          AT("list_type", "", "Input should be a valid list") },
        { vector, "{\"x\":{}}",
          AT("list_type", "", "Input should be a valid list") },
        { vector, "{\"x\":[1,\"NaN\"]}",
          AT("float_type", ",1", "Input should be a valid number") },
        { vector, "{\"x\":[1,[2]]}",
          AT("float_type", ",1", "Input should be a valid number") },
        { vector, "{\"x\":[true]}",
          AT("float_type", ",0", "Input should be a valid number") },
        { vector, "{\"x\":[1,2,100.0001]}",
          "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"x\",2],\"msg\":"
          "\"Input should be less than or equal to 100\",\"ctx\":"
          "{\"le\":100.0}}" },
        { vector, "{\"x\":[1,-101,1000]}",
          "{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"x\",1],"
          "\"msg\":\"Input should be greater than or equal to -100\","
          "\"ctx\":{\"ge\":-100.0}}" },
        { vector, "{\"x\":[1,2,NaN]}",
          "{\"type\":\"json_invalid\",\"loc\":[\"body\",10],\"msg\":\"JSON "
          "decode error\",\"ctx\":{\"error\":\"Expecting value\"}}" },
        { vector, "{\"x\":[1,2", "{\"type\":\"json_invalid\",\"loc\":"
          "[\"body\",9],\"msg\":\"JSON decode error\",\"ctx\":{\"error\":"
          "\"Expecting ',' delimiter\"}}" },
        { vector, "{\"x\":[500,2,3,x",
          "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"x\",0],\"msg\":"
          "\"Input should be less than or equal to 100\",\"ctx\":"
          "{\"le\":100.0}}" },

        { matrix, "{\"x\":[[1,2]]}", "passed" },
        { matrix, "{\"x\":[[1,2],[3,4]]}", "passed" },
        { matrix, "{\"x\":[]}", SHORT("", "1", "item", "0") },
        { matrix, "{\"x\":[[1,2],[3,4],[5", LONG("", "2", "items") },
        { matrix, "{\"x\":[[1,2],[3]]}", SHORT(",1", "2", "items", "1") },
        { matrix, "{\"x\":[[1,2],[3,4,5]]}", LONG(",1", "2", "items") },
        { matrix, "{\"x\":[1,2]}",
          AT("list_type", ",0", "Input should be a valid list") },
        { matrix, "{\"x\":[[1,2],3]}",
          AT("list_type", ",1", "Input should be a valid list") },
        { matrix, "{\"x\":[[1,[2]]]}",
          AT("float_type", ",0,1", "Input should be a valid number") },
        { matrix, "{\"x\":[[1,1e39]]}",
          AT("finite_number", ",0,1", "Input should be a finite number") },

        { bytes, "{\"x\":[0,255]}", "passed" },
        { bytes, "{\"x\":[1.0,2e1]}", "passed" },
        { bytes, "{\"x\":[1,1.5]}",
          AT("int_type", ",1", "Input should be a valid integer") },
        { bytes, "{\"x\":[300]}",
          "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"x\",0],\"msg\":"
          "\"Input should be less than or equal to 255\",\"ctx\":"
          "{\"le\":255}}" },
        { bytes, "{\"x\":[0,-1]}",
          "{\"type\":\"greater_than_equal\",\"loc\":[\"body\",\"x\",1],"
          "\"msg\":\"Input should be greater than or equal to 0\",\"ctx\":"
          "{\"ge\":0}}" },
        { wide, "{\"x\":[9223372036854775807,-9223372036854775808]}",
          "passed" },
        { wide, "{\"x\":[9223372036854775808,0]}",
          "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"x\",0],\"msg\":"
          "\"Input should be less than or equal to 9223372036854775807\","
          "\"ctx\":{\"le\":9223372036854775807}}" },
        { wide, "{\"x\":[1e400,0]}",
          "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"x\",0],\"msg\":"
          "\"Input should be less than or equal to 9223372036854775807\","
          "\"ctx\":{\"le\":9223372036854775807}}" },
        { wide, "{\"x\":[9223372036854775807.5,0]}",
          AT("int_type", ",0", "Input should be a valid integer") },
        { flags, "{\"x\":[true,false]}", "passed" },
        { flags, "{\"x\":[true,0]}",
          AT("bool_type", ",1", "Input should be a valid boolean") },
        { flags, "{\"x\":[true,null]}",
          AT("bool_type", ",1", "Input should be a valid boolean") },
        { flags, "{\"x\":[true,true,true]}", LONG("", "2", "items") },
        { half, "{\"x\":[65519.99]}", "passed" },
        { half, "{\"x\":[65520]}",
          AT("finite_number", ",0", "Input should be a finite number") },
        { single, "{\"x\":1.5}", "passed" },
        { single, "{\"x\":[1.5]}",
          AT("float_type", "", "Input should be a valid number") },
        { single, "{\"x\":\"1\"}",
          AT("float_type", "", "Input should be a valid number") },
        { single, "{\"x\":1e39}",
          AT("finite_number", "", "Input should be a finite number") }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(cases[i].schema, cases[i].body, cases[i].want);
    }
}


static void
check_tensor(const char *text, const char *body, uint32_t rank, int64_t rows,
    const void *data, size_t bytes)
{
    size_t                  a;
    uint32_t                n;
    ml_tensor_t            *tensors;
    ml_schema_t            *schema;
    ml_validator_t         *v;
    ml_body_status_e   status;

    schema = compile(text);

    for (a = 0; a < strlen(body); a++) {
        v = run(schema, body, strlen(body), a ? a : (size_t) -1, 1, &status);
        CHECK_INT(status, ML_BODY_PASSED);

        tensors = ml_validator_tensors(v, &n);
        CHECK_INT(n, 1);
        CHECK_STR(tensors[0].name, "x");
        CHECK_INT(tensors[0].rank, rank);
        CHECK(rank == 0 || tensors[0].dims[0] == rows);
        CHECK_INT(tensors[0].bytes, bytes);
        CHECK(memcmp(tensors[0].data, data, bytes) == 0);

        ml_validator_destroy(v);
    }

    ml_schema_destroy(schema);
}


static void
test_tensors(void)
{
    static const float     floats[] = { 1.5f, -0.0f, 1e-45f, 3.4028235e38f };
    static const double    doubles[] = { 0.1, 1e308, 5e-324, -0.0 };
    static const uint16_t  halves[] = { 0x3c00, 0x8000, 0x7bff, 0x0001,
                                        0x0000, 0x3555, 0x0400, 0x03ff };
    static const int64_t   longs[] = { 9007199254740993, INT64_MIN,
                                       INT64_MAX, 100 };
    static const uint64_t  unsigneds[] = { UINT64_MAX, 0, 1, 20 };
    static const int8_t    bytes[] = { -128, 127, 0, 5 };
    static const int16_t   shorts[] = { -32768, 32767, 0, -1 };
    static const uint32_t  words[] = { 4294967295u, 0, 7, 1 };
    static const uint8_t   bools[] = { 1, 0, 0, 1 };
    static const float     rounded[] = { 1.00000024f, 2.0f };

    check_tensor(TENSOR("float32", "\"shape\":[-1,2],\"maxItems\":9"),
                 "{\"x\":[[1.5,-0],[1e-45,3.4028235e38]]}", 2, 2, floats, 16);
    check_tensor(TENSOR("float64", "\"shape\":[2,2]"),
                 "{\"x\":[[0.1,1e308],[5e-324,-0.0]]}", 2, 2, doubles, 32);
    check_tensor(TENSOR("float16", "\"shape\":[8]"),
                 "{\"x\":[1,-0,65519.99,5.97e-8,2.98e-8,0.33325,6.1035e-5,"
                 "6.0976e-5]}", 1, 8, halves, 16);
    check_tensor(TENSOR("int64", "\"shape\":[4]"),
                 "{\"x\":[9007199254740993,-9223372036854775808,"
                 "9223372036854775807,1e2]}", 1, 4, longs, 32);
    check_tensor(TENSOR("uint64", "\"shape\":[4]"),
                 "{\"x\":[18446744073709551615,-0,1.0,2e1]}", 1, 4,
                 unsigneds, 32);
    check_tensor(TENSOR("int8", "\"shape\":[4]"),
                 "{\"x\":[-128,127,-0,5]}", 1, 4, bytes, 4);
    check_tensor(TENSOR("int16", "\"shape\":[4]"),
                 "{\"x\":[-32768,32767,0,-1]}", 1, 4, shorts, 8);
    check_tensor(TENSOR("uint32", "\"shape\":[4]"),
                 "{\"x\":[4294967295,0,7,1]}", 1, 4, words, 16);
    check_tensor(TENSOR("bool", "\"shape\":[4]"),
                 "{\"x\":[true,false,false,true]}", 1, 4, bools, 4);
    check_tensor(TENSOR("float32", "\"shape\":[]"), "{\"x\":1.5}", 0, 0,
                 floats, 4);

    /* to double first and to float then, as numpy does */
    check_tensor(TENSOR("float32", "\"shape\":[2]"),
                 "{\"x\":[1.00000017881393432617187499,2]}", 1, 2, rounded,
                 8);

    /* a bound is narrowed as the values are */
    check(TENSOR("float32", "\"shape\":[1],\"maximum\":0.1"),
          "{\"x\":[0.1]}", "passed");
    check(TENSOR("float32", "\"shape\":[1],\"maximum\":0.1"),
          "{\"x\":[0.11]}",
          "{\"type\":\"less_than_equal\",\"loc\":[\"body\",\"x\",0],\"msg\":"
          "\"Input should be less than or equal to 0.1\",\"ctx\":"
          "{\"le\":0.1}}");
}


/* Large enough to grow; two tensors after each other. */
static void
test_growth(void)
{
    char                   *body, *p;
    uint32_t                i, n;
    ml_schema_t            *schema;
    ml_tensor_t            *tensors;
    ml_validator_t         *v;
    ml_body_status_e   status;

    schema = compile(
        "{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"properties\":{"
        "\"a\":{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
        "\"shape\":[-1],\"maxItems\":1000000}},"
        "\"b\":{\"x-tensor\":{\"input\":\"b\",\"dtype\":\"int32\","
        "\"shape\":[-1,3],\"maxItems\":100000}}}}");

    body = malloc(4000000);
    p = body + sprintf(body, "{\"b\":[");

    for (i = 0; i < 70000; i++) {
        p += sprintf(p, "%s[%u,%u,%u]", i ? "," : "", i, i + 1, i + 2);
    }

    p += sprintf(p, "],\"a\":[");

    for (i = 0; i < 100000; i++) {
        p += sprintf(p, "%s%u.5", i ? "," : "", i);
    }

    p += sprintf(p, "]}");

    v = run(schema, body, (size_t) (p - body), 12345, 1, &status);
    CHECK_INT(status, ML_BODY_PASSED);

    tensors = ml_validator_tensors(v, &n);
    CHECK_INT(n, 2);
    CHECK_INT(tensors[0].bytes, 400000);
    CHECK_INT(tensors[1].bytes, 840000);
    CHECK_INT(tensors[1].dims[0], 70000);
    CHECK(((float *) tensors[0].data)[99999] == 99999.5f);
    CHECK_INT(((int32_t *) tensors[1].data)[209999], 70001);

    /* taken by the caller */
    free(tensors[0].data);
    tensors[0].data = NULL;

    ml_validator_destroy(v);

    /* and given up in the middle */
    v = run(schema, body, 900000, 12345, 1, &status);
    CHECK_INT(status, ML_BODY_REJECTED);
    ml_validator_destroy(v);

    free(body);
    ml_schema_destroy(schema);
}


static void
test_fields(void)
{
    const ml_schema_property_t  *list;
    char                   *large;
    size_t                  i;
    uint8_t                 keep[3];
    ml_text_t               out;
    ml_schema_t            *schema;
    ml_validator_t         *v;
    ml_body_status_e   status;

    static const char  body[] =
        "{\"id\":\"r\\u00e9q\\n\",\"other\":[1,2],\"o\":{\"a\":[1,{},[]],"
        "\"b\":{\"c\":null,\"d\":1.50}},\"unknown\":1}";

    schema = compile("{\"type\":\"object\",\"properties\":{\"id\":{},"
                     "\"o\":{\"properties\":{\"a\":{\"enum\":"
                     "[[1,{},[]]]}}},\"other\":{}}}");

    memset(keep, 0, sizeof(keep));
    list = schema->root->properties.list;
    keep[ml_schema_find(schema->root, "id", 2) - list] = 1;
    keep[ml_schema_find(schema->root, "o", 1) - list] = 1;

    for (i = 1; i < sizeof(body) - 1; i++) {
        v = ml_validator_create(schema, &limits, 65536, seed, keep, 1);
        ml_validator_feed(v, body, i);
        ml_validator_feed(v, body + i, sizeof(body) - 1 - i);
        CHECK_INT(ml_validator_finish(v), ML_BODY_PASSED);

        ml_text_init(&out);
        CHECK(ml_validator_field(v, "id", 2, &out));
        ml_text_append(&out, " ", 1);
        CHECK(ml_validator_field(v, "o", 1, &out));
        ml_text_append(&out, "", 1);
        CHECK_STR(out.data, "\"r\xc3\xa9q\\u000a\" {\"a\":[1,{},[]],"
                            "\"b\":{\"c\":null,\"d\":1.50}}");
        CHECK(!ml_validator_field(v, "other", 5, &out));
        CHECK(!ml_validator_field(v, "unknown", 7, &out));
        ml_text_free(&out);

        ml_validator_destroy(v);
    }

    /* what is kept is bounded; what is not kept is not */

    large = malloc(80000);
    memset(large, 'a', 80000);
    memcpy(large, "{\"id\":\"", 7);
    memcpy(large + 79998, "\"}", 2);

    v = ml_validator_create(schema, &limits, 65536, seed, keep, 1);
    ml_validator_feed(v, large, 80000);
    status = ml_validator_finish(v);
    CHECK_INT(status, ML_BODY_REJECTED);
    CHECK_STR(ml_validator_error(v)->type, "value_error");
    CHECK_INT(ml_validator_error(v)->npath, 1);
    ml_validator_destroy(v);

    v = ml_validator_create(schema, &limits, 65536, seed, NULL, 1);
    ml_validator_feed(v, large, 80000);
    CHECK_INT(ml_validator_finish(v), ML_BODY_PASSED);
    ml_validator_destroy(v);

    free(large);
    ml_schema_destroy(schema);
}


/* What is deferred has a bound of its own, to the byte. */
static void
test_deferred_bound(void)
{
    char                   *body;
    size_t                  i;
    ml_schema_t            *schema;
    ml_validator_t         *v;
    ml_body_status_e   status;

    schema = compile("{\"properties\":{\"a\":{\"enum\":[[1],\"x\"]}}}");

    body = malloc(200002);
    memcpy(body, "{\"a\":[", 6);

    for (i = 6; i < 200000; i += 2) {
        memcpy(body + i, "1,", 2);
    }

    memcpy(body + 199999, "]}", 2);

    v = run(schema, body, 200001, 777, 1, &status);
    CHECK_INT(status, ML_BODY_REJECTED);
    CHECK_STR(ml_validator_error(v)->msg,
              "Value error, too large to be checked");
    CHECK_INT(ml_validator_error(v)->npath, 1);
    CHECK(ml_tape_bytes(&v->tape) <= 65536);
    ml_validator_destroy(v);

    /* a node of 16 bytes, and a string up to the 65536th byte or beyond */

    for (i = 65535 - 16; i <= 65537 - 16; i++) {
        memcpy(body, "{\"a\":\"", 6);
        memset(body + 6, 'y', i);
        memcpy(body + 6 + i, "\"}", 2);

        v = run(schema, body, i + 8, 777, 1, &status);
        CHECK_INT(status, ML_BODY_REJECTED);
        CHECK_STR(ml_validator_error(v)->type,
                  i <= 65536 - 16 ? "literal_error" : "value_error");
        ml_validator_destroy(v);
    }

    free(body);
    ml_schema_destroy(schema);
}


/*
 * A string that is both over its maxLength and over a choice's tape: the
 * verdict is the one that comes first byte by byte.
 */
static void
test_choice_length(void)
{
    char    *body, text[200];
    size_t   j;

    static const size_t  len = 90000;

    static const struct {
        size_t       max;
        const char  *beside, *around;   /* where the choice stands */
        const char  *want;
    } cases[] = {
        { 70000, ",\"enum\":[\"x\"]", "", "\"value_error\"" },
        { 40000, ",\"enum\":[\"x\"]", "", "\"string_too_long\"" },
        { 70000, "", ",\"enum\":[{}]", "\"value_error\"" },
        { 40000, "", ",\"enum\":[{}]", "\"string_too_long\"" }
    };

    for (j = 0; j < sizeof(cases) / sizeof(cases[0]); j++) {
        ml_text_t     whole, part;
        ml_schema_t  *schema;

        snprintf(text, sizeof(text),
                 "{\"properties\":{\"a\":{\"maxLength\":%zu%s}}%s}",
                 cases[j].max, cases[j].beside, cases[j].around);
        schema = compile(text);

        body = malloc(len + 9);
        memcpy(body, "{\"a\":\"", 6);
        memset(body + 6, 'y', len);
        memcpy(body + 6 + len, "\"}", 3);

        verdict(schema, body, 0, 1, &whole);
        CHECK(strstr(whole.data, cases[j].want) != NULL);

        verdict(schema, body, (size_t) -1, 1, &part);
        CHECK_STR(part.data, whole.data);
        ml_text_free(&part);

        verdict(schema, body, 50000, 1, &part);
        CHECK_STR(part.data, whole.data);
        ml_text_free(&part);

        ml_text_free(&whole);
        free(body);
        ml_schema_destroy(schema);
    }
}


int
main(void)
{
    test_types();
    test_rules();
    test_tensor_rules();
    test_tensors();
    test_growth();
    test_fields();
    test_deferred_bound();
    test_choice_length();

    return TEST_END;
}
