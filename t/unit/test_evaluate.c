/*
 * The parts of evaluation: hashes of values, multiples, patterns, and the
 * bounds on what a hostile schema or body can cost.
 */

/* link: -lm -lpcre2-8 */

#include "validator.h"


static ml_tape_t  tape;


/* The value's only node is 0. */
static void
read_value(const char *text)
{
    ml_json_reader_t              *reader;
    static const ml_json_limits_t  large = {
        ML_JSON_DEPTH_MAX, UINT32_MAX, 1 << 20, ML_NUMBER_MAX, UINT64_MAX
    };

    ml_tape_free(&tape);
    ml_tape_init(&tape, 1 << 26);
    reader = ml_json_create(&large, seed, &ml_tape_events, &tape);
    (void) ml_json_feed(reader, text, strlen(text));
    CHECK_INT(ml_json_finish(reader), ML_JSON_DONE);
    ml_json_destroy(reader);
}


static void
hash_of(const char *text, uint64_t hash[2])
{
    read_value(text);
    ml_tape_hash(&tape, 0, seed, hash);
}


/* Equal as JSON Schema has it, and nothing else. */
static void
test_hash(void)
{
    size_t    i, j;
    uint64_t  hash[64][2];

    /* values of the same number are equal */
    static const struct {
        int          kind;
        const char  *text;
    } values[] = {
        { 0, "null" }, { 1, "false" }, { 2, "true" },
        { 3, "0" }, { 3, "-0" }, { 3, "0.0" }, { 3, "0e9" },
        { 4, "1" }, { 4, "1.0" }, { 4, "10e-1" }, { 4, "0.1e1" },
        { 5, "-1" }, { 6, "100" }, { 6, "1e2" }, { 7, "10" },
        { 8, "9007199254740993" }, { 9, "9007199254740992" },
        { 10, "\"\"" }, { 11, "\"1\"" }, { 12, "\"null\"" },
        { 13, "[]" }, { 14, "{}" }, { 15, "[[]]" }, { 16, "[{}]" },
        { 17, "[1,2]" }, { 17, "[1.0, 2]" }, { 18, "[2,1]" },
        { 19, "[[1],2]" }, { 20, "[[1,2]]" }, { 21, "[1,[2]]" },
        { 22, "{\"a\":1,\"b\":2}" }, { 22, "{\"b\":2e0,\"a\":1}" },
        { 23, "{\"a\":2,\"b\":1}" }, { 24, "{\"a\":1}" },
        { 25, "{\"a\":{\"b\":1}}" }, { 26, "{\"a\":[\"b\",1]}" },
        { 27, "[\"a\",1]" }, { 28, "{\"a\":\"b\"}" },
        { 29, "{\"b\":\"a\"}" }, { 30, "{\"\":null}" },
        { 31, "[{\"a\":1},{\"b\":2}]" }, { 32, "[{\"a\":1,\"b\":2}]" },
        { 33, "[null]" }, { 34, "[null,null]" }, { 35, "[[],[]]" }
    };

    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        hash_of(values[i].text, hash[i]);

        for (j = 0; j < i; j++) {
            if ((memcmp(hash[i], hash[j], 16) == 0)
                != (values[i].kind == values[j].kind))
            {
                fprintf(stderr, "%s and %s\n", values[i].text,
                        values[j].text);
                test_failed++;
            }

            test_passed++;
        }
    }
}


static void
test_multiple(void)
{
    size_t       i;
    ml_number_t  x, y;

    static const struct {
        const char  *number, *of;
        int          multiple;
    } cases[] = {
        { "0", "3", 1 }, { "-0.0", "0.7", 1 }, { "9", "3", 1 },
        { "10", "3", 0 }, { "-9", "3", 1 }, { "0.0075", "0.0001", 1 },
        { "0.00751", "0.0001", 0 }, { "4.5", "1.5", 1 }, { "35", "1.5", 0 },
        { "1e308", "0.5", 1 }, { "1e308", "3", 0 }, { "3e308", "3", 1 },
        { "12391239123", "1e-8", 1 }, { "1e-9", "1e-8", 0 },
        { "123456789012345678901234567890", "10", 1 },
        { "123456789012345678901234567890", "7", 1 },
        { "123456789012345678901234567894", "7", 0 },
        { "18446744073709551615", "18446744073709551615", 1 },
        { "36893488147419103230", "18446744073709551615", 1 },
        { "36893488147419103231", "18446744073709551615", 0 },
        { "1e999999999", "7", 0 }, { "7e999999999", "7", 1 },
        { "0.3", "0.1", 1 }, { "2.5", "100", 0 }, { "100", "2.50", 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void) ml_number_scan(cases[i].number, cases[i].number
                                               + strlen(cases[i].number), &x);
        (void) ml_number_scan(cases[i].of, cases[i].of + strlen(cases[i].of),
                              &y);

        if (ml_number_multiple(&x, &y) != cases[i].multiple) {
            fprintf(stderr, "%s of %s\n", cases[i].number, cases[i].of);
            test_failed++;
        }

        test_passed++;
    }
}


static void
test_patterns(void)
{
    char           error[200], text[4001], *large;
    size_t         i;
    ml_pattern_t  *pattern;

    static const struct {
        const char    *pattern, *text;
        ml_pattern_e   found;
    } cases[] = {
        { "b", "abc", ML_PATTERN_FOUND },
        { "^b", "abc", ML_PATTERN_MISSED },
        { "^a$", "a\n", ML_PATTERN_MISSED },    /* $ is the very end */
        { "^\\d$", "\xd9\xa3", ML_PATTERN_MISSED },     /* ASCII only */
        { "^\\w$", "\xc3\xa9", ML_PATTERN_MISSED },
        { "^\\s$", "\xc2\xa0", ML_PATTERN_FOUND },
        { "^[\\s]$", "\xef\xbb\xbf", ML_PATTERN_FOUND },
        { "^\\S$", "\xe2\x80\xa8", ML_PATTERN_MISSED },
        { "^\\p{Letter}$", "\xc3\xa9", ML_PATTERN_FOUND },
        { "^\\p{Script=Greek}$", "\xce\xb1", ML_PATTERN_FOUND },
        { "^\\u{1f600}$", "\xf0\x9f\x98\x80", ML_PATTERN_FOUND },
        { "^.$", "\xf0\x9f\x98\x80", ML_PATTERN_FOUND },
        { "^[^]$", "\n", ML_PATTERN_FOUND },
        { "[]", "a", ML_PATTERN_MISSED },
        { "^(a)?\\1$", "", ML_PATTERN_FOUND },
        { "(?i)^A$", "a", ML_PATTERN_FOUND },
        { "", "", ML_PATTERN_FOUND },
        { "(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaab", ML_PATTERN_COSTLY },
        { "^(a|aa)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
          ML_PATTERN_COSTLY }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        pattern = ml_pattern_compile(cases[i].pattern,
                                     strlen(cases[i].pattern), error,
                                     sizeof(error));
        CHECK(pattern != NULL);

        if (pattern && ml_pattern_search(pattern, cases[i].text,
                                         strlen(cases[i].text))
                       != cases[i].found)
        {
            fprintf(stderr, "pattern %s\n", cases[i].pattern);
            test_failed++;
        }

        ml_pattern_destroy(pattern);
    }

    /* what does not backtrack without end stays within the limit */

    memset(text, 'a', 4000);
    text[4000] = '\0';

    pattern = ml_pattern_compile("a+b|[a-z]*c|.*d", 15, error, sizeof(error));
    CHECK(pattern != NULL);
    CHECK_INT(ml_pattern_search(pattern, text, 60), ML_PATTERN_MISSED);
    ml_pattern_destroy(pattern);

    /* a group that may have to be left again, for every character */

    pattern = ml_pattern_compile("^(?:a|b)*$", 10, error, sizeof(error));
    CHECK(pattern != NULL);
    CHECK_INT(ml_pattern_search(pattern, text, 4000), ML_PATTERN_FOUND);
    large = malloc(1 << 20);
    memset(large, 'a', 1 << 20);
    CHECK_INT(ml_pattern_search(pattern, large, 1 << 20), ML_PATTERN_COSTLY);
    CHECK_INT(ml_pattern_search(pattern, text, 4000), ML_PATTERN_FOUND);
    free(large);
    ml_pattern_destroy(pattern);

    CHECK(ml_pattern_compile("(", 1, error, sizeof(error)) == NULL);
    CHECK(ml_pattern_compile("\\C", 2, error, sizeof(error)) == NULL);
    CHECK(ml_pattern_compile(text, ML_PATTERN_SIZE + 1, error, sizeof(error))
          == NULL);
}


static ml_evaluate_e
evaluate(const char *text, const char *value)
{
    ml_failure_t   failure;
    ml_schema_t   *schema;
    ml_evaluate_e  verdict;

    schema = compile(text);
    read_value(value);
    verdict = ml_evaluate(schema, schema->root, &tape, 0, &failure);
    ml_schema_destroy(schema);

    return verdict;
}


/* Deep values need no C stack, and exponential schemas come to an end. */
static void
test_bounds(void)
{
    int         i;
    ml_text_t   value;

    static const char  twice[] =
        "{\"$defs\":{\"t\":{\"not\":{\"not\":{\"allOf\":["
        "{\"items\":{\"$ref\":\"#/$defs/t\"}},"
        "{\"items\":{\"$ref\":\"#/$defs/t\"}}]}}}},"
        "\"allOf\":[{\"$ref\":\"#/$defs/t\"},true]}";

    static const char  once[] =
        "{\"$defs\":{\"t\":{\"items\":{\"$ref\":\"#/$defs/t\"},"
        "\"uniqueItems\":true}},\"allOf\":[{\"$ref\":\"#/$defs/t\"},true]}";

    ml_text_init(&value);

    for (i = 0; i < 1000; i++) {
        ml_text_append(&value, "[", 1);
    }

    for (i = 0; i < 1000; i++) {
        ml_text_append(&value, "]", 1);
    }

    ml_text_append(&value, "", 1);

    CHECK_INT(evaluate(once, value.data), ML_EVALUATE_PASSED);
    CHECK_INT(evaluate(twice, value.data), ML_EVALUATE_COSTLY);
    CHECK_INT(evaluate(twice, "[[[[1]]]]"), ML_EVALUATE_PASSED);
    ml_text_free(&value);

    /* 16,000 objects, all different: linear with a hash */

    ml_text_init(&value);
    ml_text_append(&value, "[", 1);

    for (i = 0; i < 16000; i++) {
        ml_text_printf(&value, "%s{\"a\":%d,\"b\":[%d]}", i ? "," : "", i % 7,
                       i);
    }

    ml_text_append(&value, "]", 2);
    CHECK_INT(evaluate("{\"uniqueItems\":true}", value.data),
              ML_EVALUATE_PASSED);
    value.len -= 2;
    ml_text_printf(&value, ",{\"b\":[7],\"a\":0}]");
    ml_text_append(&value, "", 1);
    CHECK_INT(evaluate("{\"uniqueItems\":true}", value.data),
              ML_EVALUATE_FAILED);
    ml_text_free(&value);

    /* hashing the same value again and again is paid for */

    CHECK_INT(evaluate("{\"anyOf\":[{\"const\":[1,2,3]},{\"enum\":[[1]]},"
                       "{\"type\":\"array\"}]}", "[1,2]"),
              ML_EVALUATE_PASSED);

    CHECK_INT(evaluate("{\"pattern\":\"^(a+)+$\"}",
                       "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""),
              ML_EVALUATE_COSTLY);
}


/* Which of several reasons is told. */
static void
test_reasons(void)
{
    check("{\"anyOf\":[{\"type\":\"integer\"},{\"properties\":{\"a\":"
          "{\"type\":\"string\"}},\"type\":\"object\"}]}", "{\"a\":1}",
          "{\"type\":\"string_type\",\"loc\":[\"body\",\"a\"],"
          "\"msg\":\"Input should be a valid string\"}");
    check("{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},"
          "\"else\":{\"maxProperties\":0}}", "{\"a\":1}",
          "{\"type\":\"missing\",\"loc\":[\"body\",\"b\"],"
          "\"msg\":\"Field required\"}");
    check("{\"if\":{\"required\":[\"a\"]},\"then\":{\"required\":[\"b\"]},"
          "\"else\":{\"maxProperties\":0}}", "{\"c\":1}",
          "{\"type\":\"too_long\",\"loc\":[\"body\"],\"msg\":\"Dictionary "
          "should have at most 0 items after validation, not more\",\"ctx\":"
          "{\"field_type\":\"Dictionary\",\"max_length\":0,"
          "\"actual_length\":null}}");
    check("{\"minProperties\":2}", "{\"a\":1}",
          "{\"type\":\"too_short\",\"loc\":[\"body\"],\"msg\":\"Dictionary "
          "should have at least 2 items after validation, not 1\",\"ctx\":"
          "{\"field_type\":\"Dictionary\",\"min_length\":2,"
          "\"actual_length\":1}}");
    check("{\"maxProperties\":1}", "{\"a\":1,\"b\":1}",
          "{\"type\":\"too_long\",\"loc\":[\"body\"],\"msg\":\"Dictionary "
          "should have at most 1 item after validation, not more\",\"ctx\":"
          "{\"field_type\":\"Dictionary\",\"max_length\":1,"
          "\"actual_length\":null}}");
    check("{\"items\":{\"multipleOf\":0.5}}", "[1,0.5,0.7]",
          "{\"type\":\"multiple_of\",\"loc\":[\"body\",2],\"msg\":\"Input "
          "should be a multiple of 0.5\",\"ctx\":{\"multiple_of\":0.5}}");
    check("{\"prefixItems\":[{\"type\":\"string\"},true],\"items\":false}",
          "[\"a\",1]", "passed");
    check("{\"prefixItems\":[{\"type\":\"string\"},true],\"items\":false}",
          "[\"a\",1,2]", "{\"type\":\"extra_forbidden\",\"loc\":[\"body\",2],"
          "\"msg\":\"Extra inputs are not permitted\"}");
    check("{\"unevaluatedProperties\":false,\"allOf\":[{\"properties\":"
          "{\"a\":true}}]}", "{\"a\":1,\"b\":2}",
          "{\"type\":\"extra_forbidden\",\"loc\":[\"body\",\"b\"],"
          "\"msg\":\"Extra inputs are not permitted\"}");
    check("{\"oneOf\":[true,true]}", "1",
          "{\"type\":\"value_error\",\"loc\":[\"body\"],\"msg\":\"Value "
          "error, matches more than one schema\",\"ctx\":{\"error\":{}}}");
    check("{\"contains\":{\"const\":1},\"maxContains\":1}", "[1,1]",
          "{\"type\":\"value_error\",\"loc\":[\"body\"],\"msg\":\"Value "
          "error, number of items that match \\\"contains\\\" is out of "
          "range\",\"ctx\":{\"error\":{}}}");
}


/* All strings of a value together, wherever the body is cut. */
static void
test_total(void)
{
    static const char  schema[] =
        "{\"properties\":{\"a\":{\"x-maxTotalLength\":6,\"items\":{"
        "\"maxLength\":4,\"properties\":{\"u\":{\"x-uncounted\":true}}}},"
        "\"b\":{\"x-maxTotalLength\":3}}}";

    check(schema, "{\"a\":[\"1234\",\"12\"],\"b\":\"123\"}", "passed");
    check(schema, "{\"a\":[\"123\",[{\"key longer than that\":\"123\"}],1]}",
          "passed");
    check(schema, "{\"a\":[\"\xc3\xa9\xc3\xa9\xc3\xa9\",\"123\"]}", "passed");
    check(schema, "{\"a\":[{\"u\":\"1234567890\"},\"1234\",\"12\"]}",
          "passed");
    check(schema, "{\"a\":[\"1234\",\"123\"]}",
          "{\"type\":\"value_error\",\"loc\":[\"body\",\"a\"],\"msg\":\"Value "
          "error, over 6 characters of text in total\",\"ctx\":"
          "{\"error\":{}}}");
    check(schema, "{\"b\":\"1234\"}",
          "{\"type\":\"value_error\",\"loc\":[\"body\",\"b\"],\"msg\":\"Value "
          "error, over 3 characters of text in total\",\"ctx\":"
          "{\"error\":{}}}");

    /* which of two bounds comes first */

    check(schema, "{\"a\":[\"1\",\"1234567890\"]}",
          "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"a\",1],\"msg\":"
          "\"String should have at most 4 characters\",\"ctx\":"
          "{\"max_length\":4}}");
    check(schema, "{\"a\":[\"123\",\"1234567890\"]}",
          "{\"type\":\"value_error\",\"loc\":[\"body\",\"a\"],\"msg\":\"Value "
          "error, over 6 characters of text in total\",\"ctx\":"
          "{\"error\":{}}}");
}


#define BAD(what)                                                             \
    "{\"type\":\"value_error\",\"loc\":[\"body\",\"i\"],\"msg\":\"Value "      \
    "error, " what "\",\"ctx\":{\"error\":{}}}"


/* Images in strings, wherever the body is cut. */
static void
test_image(void)
{
    static const char  any[] = "{\"properties\":{\"i\":{\"x-image\":{}}}}";
    static const char  few[] =
        "{\"properties\":{\"i\":{\"type\":\"string\",\"x-image\":{"
        "\"types\":[\"png\"],\"pixels\":2304,\"links\":true},"
        "\"maxLength\":100}}}";

    /* the head of a PNG of 48 x 48, and the start of its data */

    static const char  png[] =
        "iVBORw0KGgoAAAANSUhEUgAAADAAAAAwCAYAAABXAvmHAAAAA0lEQVR4";
    static const char  wide[] =
        "iVBORw0KGgoAAAANSUhEUgAAADAAAAAxCAYAAABXAvmHAAAAA0lEQVR4";

    char  body[400];

    snprintf(body, sizeof(body), "{\"i\":\"%.44s\"}", png);
    check(any, body, BAD("image ends too early"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVQ=\"}", png);
    check(any, body, "passed");
    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVQ\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVR=\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVQ==\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVQ=A\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44s AAAAA0lEQVQ=\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44s\\nAAAAA0lEQVQ=\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body), "{\"i\":\"%.44s_AAAAA0lEQVQ=\"}", png);
    check(any, body, BAD("not a base64 image"));
    snprintf(body, sizeof(body),
             "{\"i\":\"data:image/png;base64,%.44sAAAAA0lEQVQ=\"}", png);
    check(any, body, "passed");
    check(few, body, "passed");
    snprintf(body, sizeof(body),
             "{\"i\":\"data:image/png;base64,%.44sAAAAA0lEQVQ=\"}", wide);
    check(any, body, "passed");
    check(few, body, BAD("image has too many pixels"));
    snprintf(body, sizeof(body),
             "{\"i\":\"data:image/jpeg;base64,%.44sAAAAA0lEQVQ=\"}", png);
    check(any, body, BAD("not a JPEG image"));
    check(few, body, BAD("image of a type that is not allowed"));
    snprintf(body, sizeof(body), "{\"i\":\"data:image/png,%.44s\"}", png);
    check(any, body, BAD("image of a type that is not allowed"));
    snprintf(body, sizeof(body), "{\"i\":\"data:%.44s\"}", png);
    check(any, body, BAD("not a base64 image"));
    check(any, "{\"i\":\"\"}", BAD("not a base64 image"));
    check(any, "{\"i\":\"data:\"}", BAD("not a base64 image"));
    check(any, "{\"i\":\"aGVsbG8=\"}", BAD("not a base64 image"));
    check(any, "{\"i\":\"https://example.com/a.png\"}",
          BAD("not a base64 image"));
    check(few, "{\"i\":\"https://example.com/a.png\"}", "passed");
    check(few, "{\"i\":\"http://example.com/a.png\"}", "passed");
    check(few, "{\"i\":\"httpx://example.com/a.png\"}",
          BAD("not a base64 image"));
    check(few, "{\"i\":\"http\"}", BAD("not a base64 image"));
    check(few, "{\"i\":\"ftp://example.com/a.png\"}",
          BAD("not a base64 image"));
    check(any, "{\"i\":1}", "passed");

    /* a GIF is 7 by 7 in base64; its type is not among those */

    check(few, "{\"i\":\"R0lGODlhBwAHAAAAACwAAAAABwAHAAACAXgAOw==\"}",
          BAD("image of a type that is not allowed"));
    check(any, "{\"i\":\"R0lGODlhBwAHAAAAACwAAAAABwAHAAACAXgAOw==\"}",
          "passed");

    /* whichever comes first */

    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVQA%s!\"}", png,
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    check(few, body, "{\"type\":\"string_too_long\",\"loc\":[\"body\",\"i\"],"
          "\"msg\":\"String should have at most 100 characters\",\"ctx\":"
          "{\"max_length\":100}}");
    snprintf(body, sizeof(body), "{\"i\":\"%.44sAAAAA0lEQVQA!%s\"}", png,
             "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    check(few, body, BAD("not a base64 image"));
}


/* A dimension with a name is the same in every tensor. */
static void
test_dimensions(void)
{
    static const char  schema[] =
        "{\"type\":\"object\",\"required\":[\"a\",\"b\",\"c\"],"
        "\"properties\":{"
        "\"a\":{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"uint8\","
            "\"shape\":[\"batch\",2],\"maxItems\":4}},"
        "\"b\":{\"x-tensor\":{\"input\":\"b\",\"dtype\":\"uint8\","
            "\"shape\":[\"batch\"],\"maxItems\":4}},"
        "\"c\":{\"x-tensor\":{\"input\":\"c\",\"dtype\":\"uint8\","
            "\"shape\":[\"other\"],\"maxItems\":4}}}}";

    check(schema, "{\"a\":[[1,2],[3,4]],\"b\":[1,2],\"c\":[1]}", "passed");
    check(schema, "{\"c\":[1],\"b\":[1],\"a\":[[1,2]]}", "passed");
    check(schema, "{\"a\":[[1,2],[3,4]],\"b\":[1,2,3],\"c\":[1]}",
          "{\"type\":\"value_error\",\"loc\":[\"body\",\"b\"],\"msg\":\"Value "
          "error, dimension batch is 3, not 2\",\"ctx\":{\"error\":{}}}");
    check(schema, "{\"b\":[1],\"c\":[1],\"a\":[[1,2],[3,4]]}",
          "{\"type\":\"value_error\",\"loc\":[\"body\",\"a\"],\"msg\":\"Value "
          "error, dimension batch is 2, not 1\",\"ctx\":{\"error\":{}}}");
}


int
main(void)
{
    test_dimensions();
    test_image();
    test_total();
    test_hash();
    test_multiple();
    test_patterns();
    test_bounds();
    test_reasons();

    ml_tape_free(&tape);

    return TEST_END;
}
