/*
 * The JSON reader: verdicts, messages and offsets (those of CPython's json
 * module), limits, and the same events whatever the split.
 */

/* link: -lm */

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_siphash.c"
#include "ml_text.c"
#include "ml_number.c"
#include "ml_json_keys.c"
#include "ml_json_string.c"
#include "ml_json_number.c"
#include "ml_json.c"

#include "test.h"


static const uint8_t  seed[16] = { 1, 2, 3 };

static const ml_json_limits_t  limits = { 32, 1000, 1000, 64, 1000 };


/* Writes the events as text; strings whole, so that pieces do not show. */

static int
on_text(void *data, const char *text)
{
    ml_text_append(data, text, strlen(text));
    return 0;
}

static int
on_start_object(void *data)
{
    return on_text(data, "{");
}

static int
on_end_object(void *data)
{
    return on_text(data, "}");
}

static int
on_start_array(void *data)
{
    return on_text(data, "[");
}

static int
on_end_array(void *data)
{
    return on_text(data, "]");
}

static int
on_key(void *data, const char *name, size_t len)
{
    ml_text_append(data, "k<", 2);
    ml_text_append(data, name, len);
    return on_text(data, ">");
}

static int
on_string(void *data, ml_json_string_e part, const char *bytes, size_t len)
{
    if (part == ML_JSON_PIECE) {
        CHECK(len != 0);
        ml_text_append(data, bytes, len);
        return 0;
    }

    return on_text(data, part == ML_JSON_FIRST ? "s<" : ">");
}

static int
on_literal(void *data, ml_json_literal_e literal)
{
    return on_text(data, literal == ML_JSON_NULL ? "null;"
                         : literal == ML_JSON_TRUE ? "true;" : "false;");
}

static int
on_numbers(void *data, const ml_number_t *numbers, size_t n)
{
    size_t  i;

    CHECK(n >= 1 && n <= ML_JSON_RUN);

    for (i = 0; i < n; i++) {
        ml_text_append(data, numbers[i].text, numbers[i].len);
        ml_text_printf(data, "=%a;", numbers[i].value);
    }

    return 0;
}

static const ml_json_events_t  events = {
    on_start_object, on_end_object, on_start_array, on_end_array,
    on_key, on_string, on_literal, on_numbers,
    NULL
};


/* Reads the text in two or three pieces, or bytewise when a == (size_t) -1;
 * appends the verdict to the events. */
static void
trace(ml_text_t *out, const char *s, size_t len, size_t a, size_t b,
    const ml_json_limits_t *with)
{
    char               *copy;
    size_t              i, n;
    uint64_t            offset;
    const char         *error;
    ml_json_status_e    status;
    ml_json_reader_t   *reader;

    ml_text_init(out);
    reader = ml_json_create(with, seed, &events, out);

    for (i = 0; i < len; i += n) {
        n = a == (size_t) -1 ? 1 : i < a ? a - i : i < b ? b - i : len - i;

        /* its own allocation, so that reading beyond it is seen */
        copy = malloc(n);
        memcpy(copy, s + i, n);
        ml_json_feed(reader, copy, n);
        free(copy);
    }

    status = ml_json_finish(reader);
    CHECK_INT(ml_json_finish(reader), status);

    if (status == ML_JSON_INVALID) {
        error = ml_json_error(reader, &offset);
        ml_text_printf(out, " !%s %llu", error, (unsigned long long) offset);

    } else {
        CHECK_INT(status, ML_JSON_DONE);
    }

    ml_json_destroy(reader);
    ml_text_append(out, "", 1);
}


static void
check(const char *s, size_t len, const char *want,
    const ml_json_limits_t *with)
{
    int        bad;
    size_t     a, b;
    ml_text_t  whole, part;

    trace(&whole, s, len, 0, 0, with);

    if (want) {
        if (want[0] == '!') {
            CHECK_STR(strstr(whole.data, "!") ? strstr(whole.data, "!")
                                              : whole.data, want);
        } else {
            CHECK_STR(whole.data, want);
        }
    }

    bad = 0;

    for (a = 0; a <= len && len <= 400; a++) {
        for (b = a; b <= len && b <= a + 3; b++) {
            trace(&part, s, len, a, b, with);
            bad += strcmp(part.data, whole.data) != 0;
            ml_text_free(&part);
        }
    }

    trace(&part, s, len, (size_t) -1, 0, with);
    bad += strcmp(part.data, whole.data) != 0;
    ml_text_free(&part);

    if (bad) {
        fprintf(stderr, "split differs: %s\n", s);
    }

    CHECK_INT(bad, 0);
    ml_text_free(&whole);
}


static void
test_valid(void)
{
    size_t  i;

    static const char *const  texts[] = {
        "[]", " [ ] ", "{}", "{ }", "[[]   ]", "[null]", "[1\n]", "[ 1]",
        "[1,null,null,null,2]", "[2] ", "true", "false", "null", "42",
        "-0.1", "\"asd\"", "\"\"", " \"\" ", "\n[1]\n\t\r ",
        "[123e65]", "[0e+1]", "[0e1]", "[4 ]", "[1E22]", "[1E-2]",
        "[1E+2]", "[123e45]", "[123.456e78]", "[1e-2]", "[1e+2]", "[-0]",
        "[-123]", "[-1]", "[-0.0]", "[123.456789]", "[-0.0000000000000000"
        "0000000000000000000000000000000000001e10]",
        "{\"asd\":\"sdf\", \"dfg\":\"fgh\"}", "{\"\":0}", "{\"a\":[]}",
        "{\"foo\\u0000bar\": 42}", "{ \"min\": -1.0e+28, \"max\": 1e+28 }",
        "{\"x\":[{\"id\": \"x\"}], \"id\": \"y\"}", "{\n\"a\": \"b\"\n}",
        "[\"\\u0060\\u012a\\u12AB\"]", "[\"\\uD801\\udc37\"]",
        "[\"\\ud83d\\ude39\\ud83d\\udc8d\"]",
        "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
        "[\"\\\\u0000\"]", "[\"a/*b*/c/*d//e\"]", "[\"\\\\a\"]",
        "[\"\\u0012\"]",
        "[\"\\uFFFF\"]", "[\"asd\"]", "[ \"asd\"]", "[\"\\uDBFF\\uDFFF\"]",
        "[\"new\\u00A0line\"]", "[\"\xf4\x8f\xbf\xbf\"]", "[\"\xef\xbf\xbf\"]",
        "[\"\\u0000\"]", "[\",\"]", "[\"\xcf\x80\"]", "[\"\xf0\x9b\xbf\xbf\"]",
        "[\"\xe2\x80\xa8\"]", "[\"\\u0061\\u30af\\u30EA\\u30b9\"]",
        "[\"new\xe2\x80\xa9line\"]", "[\"\x7f\"]", "[\"\\uA66D\"]",
        "[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]", "[\"\xed\x9f\xbf\"]",
        "[[[[[[[[[[[[1]]]]]]]]]]]]", "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,"
        "17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36.5]"
    };

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check(texts[i], strlen(texts[i]), NULL, &limits);

        ml_text_t  out;

        trace(&out, texts[i], strlen(texts[i]), 0, 0, &limits);

        if (strstr(out.data, " !")) {
            fprintf(stderr, "refused: %s: %s\n", texts[i], out.data);
        }

        CHECK(strstr(out.data, " !") == NULL);
        ml_text_free(&out);
    }

    check("{\"a\":[1,\"x\\u00e9\"],\"b\":null}", 28,
          "{k<a>[1=0x1p+0;s<x\xc3\xa9>]k<b>null;}", &limits);
    check("\"\\ud83d\\ude00\"", 14, "s<\xf0\x9f\x98\x80>", &limits);
}


static void
test_invalid(void)
{
    size_t  i;

    /* the offset and message are what json.loads() of CPython 3.11 says */

    static const struct {
        const char  *text;
        const char  *want;
    } cases[] = {
        { "", "!Expecting value 0" },
        { "  ", "!Expecting value 2" },
        { "{", "!Expecting property name enclosed in double quotes 1" },
        { "{\"a\"", "!Expecting ':' delimiter 4" },
        { "{\"a\":", "!Expecting value 5" },
        { "{\"a\":1", "!Expecting ',' delimiter 6" },
        { "{\"a\":1,", "!Expecting property name enclosed in double quotes 7" },
        { "{\"a\":1,}",
          "!Expecting property name enclosed in double quotes 7" },
        { "[1,]", "!Expecting value 3" },
        { "[1", "!Expecting ',' delimiter 2" },
        { "[1,", "!Expecting value 3" },
        { "[", "!Expecting value 1" },
        { "[1 2", "!Expecting ',' delimiter 3" },
        { "{a:1}", "!Expecting property name enclosed in double quotes 1" },
        { "{\"a\" 1}", "!Expecting ':' delimiter 5" },
        { "{\"a\":1 \"b\"}", "!Expecting ',' delimiter 7" },
        { "\"abc", "!Unterminated string starting at 0" },
        { "\"a\\", "!Unterminated string starting at 0" },
        { "\"a\\x\"", "!Invalid \\escape 2" },
        { "\"a\\u12", "!Invalid \\uXXXX escape 3" },
        { "\"a\\u12g4\"", "!Invalid \\uXXXX escape 3" },
        { "\"a\nb\"", "!Invalid control character at 2" },
        { "nul", "!Expecting value 0" },
        { "-", "!Expecting value 0" },
        { "01", "!Extra data 1" },
        { "1.", "!Extra data 1" },
        { "+1", "!Expecting value 0" },
        { ".5", "!Expecting value 0" },
        { "1e", "!Extra data 1" },
        { "1e+", "!Extra data 1" },
        { "[1.]", "!Expecting ',' delimiter 2" },
        { "[01]", "!Expecting ',' delimiter 2" },
        { "{\"a\":01}", "!Expecting ',' delimiter 6" },
        { "1 2", "!Extra data 2" },
        { "{} x", "!Extra data 3" },
        { "\xef\xbb\xbf{}",
          "!Unexpected UTF-8 BOM (decode using utf-8-sig) 0" },
        { "[1,,2]", "!Expecting value 3" },
        { "[-]", "!Expecting value 1" },
        { "[-a]", "!Expecting value 1" },
        { "[--1]", "!Expecting value 1" },
        { "// c", "!Expecting value 0" },
        { "[1}", "!Expecting ',' delimiter 2" },
        { "{\"a\":1]", "!Expecting ',' delimiter 6" },
        { "{,}", "!Expecting property name enclosed in double quotes 1" },
        { "{\"a\":[1 }", "!Expecting ',' delimiter 8" },
        { "{\"a\":1, b}",
          "!Expecting property name enclosed in double quotes 8" },
        { "[1.e5]", "!Expecting ',' delimiter 2" },
        { "[1.5.6]", "!Expecting ',' delimiter 4" },
        { "[1x]", "!Expecting ',' delimiter 2" },
        { "[truex]", "!Expecting ',' delimiter 5" },
        { "\n\n [1,]", "!Expecting value 6" },
        { "\"\\ud800\\u12\"", "!Invalid \\uXXXX escape 8" },
        { "{\"a\":1,\"b\"", "!Expecting ':' delimiter 10" },
        { "[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\",]",
          "!Expecting value 7" },

        /* what CPython lets pass */
        { "[NaN]", "!Expecting value 1" },
        { "[Infinity]", "!Expecting value 1" },
        { "[-Infinity]", "!Expecting value 1" },
        { "{\"a\":1,\"a\":2}", "!Duplicate property name 7" },
        { "{\"a\":1,\"\\u0061\":2}", "!Duplicate property name 7" },
        { "{\"a\":{\"b\":1},\"b\":{\"a\":1},\"b\":1}",
          "!Duplicate property name 25" },
        { "\"\\ud800\"", "!Unpaired surrogate 1" },
        { "\"\\udc00\\ud800\"", "!Unpaired surrogate 1" },
        { "\"\\ud800\\ud800\"", "!Unpaired surrogate 7" },
        { "\"\\ud800x\"", "!Unpaired surrogate 1" },
        { "\"\\ud800\\n\"", "!Unpaired surrogate 1" },
        { "\"ab\xc0\xaf\"", "!Invalid UTF-8 3" },
        { "\"ab\xe0\x80\xaf\"", "!Invalid UTF-8 3" },
        { "\"ab\xed\xa0\x80\"", "!Invalid UTF-8 3" },
        { "\"ab\xf4\x90\x80\x80\"", "!Invalid UTF-8 3" },
        { "\"ab\xf5\"", "!Invalid UTF-8 3" },
        { "\"ab\xe2\x82\"", "!Invalid UTF-8 3" },
        { "\"ab\x80\"", "!Invalid UTF-8 3" },
        { "\"\xc3\xa9\xff\"", "!Invalid UTF-8 2" },
        { "\xff", "!Expecting value 0" },
        { "\xef\xbc\x91", "!Expecting value 0" },
        { "[\xef\xbb\xbf]", "!Expecting value 1" },
        { "\xef\xbb", "!Expecting value 0" },

        /* n_ cases of JSONTestSuite that are not above */
        { "[1 true]", NULL }, { "[a]", NULL }, { "[\"\": 1]", NULL },
        { "[\"\"],", NULL }, { "[,1]", NULL }, { "[\"x\"]]", NULL },
        { "[\"\",]", NULL }, { "[x", NULL }, { "[3[4]]", NULL },
        { "[1:2]", NULL }, { "[,]", NULL }, { "[ , \"\"]", NULL },
        { "[\"a\",\n4\n,1,", NULL }, { "[1,,]", NULL },
        { "[\"\va\"\\f]", NULL }, { "[*]", NULL }, { "[\"\"", NULL },
        { "[1,\n1\n,1", NULL }, { "[{}", NULL }, { "[fals]", NULL },
        { "[tru]", NULL }, { "[++1234]", NULL }, { "[+1]", NULL },
        { "[+Inf]", NULL }, { "[-01]", NULL }, { "[-1.0.]", NULL },
        { "[-2.]", NULL }, { "[.-1]", NULL }, { "[.2e-3]", NULL },
        { "[0.1.2]", NULL }, { "[0.3e+]", NULL }, { "[0.3e]", NULL },
        { "[0.e1]", NULL }, { "[0E+]", NULL }, { "[0e]", NULL },
        { "[1.0e+]", NULL }, { "[1.0e-]", NULL }, { "[1.0e]", NULL },
        { "[1 000.0]", NULL }, { "[1eE2]", NULL }, { "[2.e+3]", NULL },
        { "[9.e+]", NULL }, { "[Inf]", NULL }, { "[0x1]", NULL },
        { "[0x42]", NULL }, { "[1+2]", NULL }, { "[-foo]", NULL },
        { "[- 1]", NULL }, { "[-012]", NULL }, { "[-.123]", NULL },
        { "[-1x]", NULL }, { "[1ea]", NULL }, { "[1.8011670033376514H-308]",
        NULL }, { "[1.2a-3]", NULL }, { "[012]", NULL },
        { "[\"x\", truth]", NULL }, { "{[: \"x\"}", NULL },
        { "{\"x\", null}", NULL }, { "{\"x\"::\"b\"}", NULL },
        { "{\"a\":\"a\" 123}", NULL }, { "{key: 'value'}", NULL },
        { "{\"a\":\"b\",,\"c\"}", NULL }, { "{null:null}", NULL },
        { "{1:1}", NULL }, { "{9999E9999:1}", NULL },
        { "{\"id\":0,,,,,}", NULL }, { "{'a':0}", NULL },
        { "{\"id\":0,}", NULL }, { "{\"a\":\"b\"}/**/", NULL },
        { "{\"a\":\"b\"}//", NULL }, { "{\"a\":/*c*/\"b\"}", NULL },
        { "{\"a\" \"b\"}", NULL }, { "{\"a\":\"a", NULL },
        { "{ \"foo\" : \"bar\", \"a\" }", NULL }, { "{}}", NULL },
        { "{\"a\":true} \"x\"", NULL }, { " ", NULL },
        { "[\"\\uD800\\u\"]", NULL }, { "[\"\\uD800\\u1x\"]", NULL },
        { "[\"\\x00\"]", NULL }, { "[\"\\\\\\\"]", NULL },
        { "[\"\\\t\"]", NULL }, { "[\"\\\xf0\x9f\x8c\x80\"]", NULL },
        { "[\"\\\"]", NULL }, { "[\"\\u00A\"]", NULL },
        { "[\"\\uD834\\uDd\"]", NULL }, { "[\"\\a\"]", NULL },
        { "[\\u0020\"asd\"]", NULL }, { "[\\n]", NULL }, { "\"", NULL },
        { "['single quote']", NULL }, { "abc", NULL }, { "\"x\"x", NULL },
        { "<.>", NULL }, { "[<null>]", NULL }, { "[1]x", NULL },
        { "[1]]", NULL }, { "[\"asd]", NULL }, { "a\xc3\xa5", NULL },
        { "[True]", NULL }, { "1]", NULL }, { "{\"x\": true,", NULL },
        { "[][]", NULL }, { "]", NULL }, { "{]", NULL }, { "{\"", NULL },
        { "[\"a", NULL }, { "*", NULL }, { "{\"a\":\"b\"}#{}", NULL },
        { "[\"\t\"]", NULL }, { "[\f]", NULL }, { "\xe2\x81\xa0", NULL },
        { "[\"new\nline\"]", NULL }, { "\xc2\xa0[1]", NULL },
        { "[1,{\"a\":[tru]}]", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ml_text_t  out;

        trace(&out, cases[i].text, strlen(cases[i].text), 0, 0, &limits);
        CHECK(strstr(out.data, "!") != NULL);
        ml_text_free(&out);

        check(cases[i].text, strlen(cases[i].text), cases[i].want, &limits);
    }

    check("[\"a\0b\"]", 7, "!Invalid control character at 3", &limits);
    check("[1]\0", 4, "!Extra data 3", &limits);
    check("\0", 1, "!Expecting value 0", &limits);
    check("[\"\\\0\"]", 6, "!Invalid \\escape 2", &limits);
}


static void
test_limits(void)
{
    char              deep[2100], key[1200];
    ml_json_limits_t  small;

    small = (ml_json_limits_t) { 3, 3, 4, 5, 4 };

    check("[[[]]]", 6, "[[[]]]", &small);
    check("[[[[]]]]", 8, "!Nesting too deep 3", &small);
    check("[[{\"a\":[]}]]", 12, "!Nesting too deep 7", &small);
    check("{\"a\":1,\"b\":2,\"c\":3}", 19, NULL, &small);
    check("{\"a\":1,\"b\":{\"c\":3,\"d\":4}}", 25, "!Too many properties 18",
          &small);
    check("\"abcd\"", 6, "s<abcd>", &small);
    check("\"abcde\"", 7, "!String too long 0", &small);
    check("[\"\\u20ac\xc3\xa9\"]", 12, "!String too long 1", &small);
    check("\"\\u20aca\"", 9, "s<\xe2\x82\xac" "a>", &small);
    check("{\"abcde\":1}", 11, "!Property name too long 1", &small);
    check("[12345]", 7, NULL, &small);
    check("[1,123456]", 10, "!Number too long 3", &small);
    check("[1,1.2.3.4.5]", 13, "!Number too long 3", &small);
    check("[1,2,3,4]", 9, NULL, &small);
    check("[1,2,3,4,5]", 11, "!Too many array elements 9", &small);
    check("[1,[2,3],\"x\"]", 13, "!Too many array elements 9", &small);
    check("[1,[2,3],4]", 11, "!Too many array elements 9", &small);

    /* what was read before an offence is told */
    check("[1,2,3,4,5]", 11,
          "[1=0x1p+0;2=0x1p+1;3=0x1.8p+1;4=0x1p+2; "
          "!Too many array elements 9", &small);
    check("\"abcde\"", 7, "s<abcd !String too long 0", &small);

    memset(deep, '[', 1050);
    memset(deep + 1050, ']', 1050);
    small.depth = 5000;
    small.elements = 5000;
    check(deep, 2100, "!Nesting too deep 1024", &small);
    check(deep + 26, 2048, NULL, &small);
    check(deep, 1000, "!Expecting value 1000", &small);

    memset(key, 'k', sizeof(key));
    memcpy(key, "{\"", 2);
    check(key, 1200, "!Property name too long 1", &limits);
    memcpy(key + 2 + 1024, "\":1}", 4);
    check(key, 2 + 1024 + 4, "!Property name too long 1",
          &(ml_json_limits_t) { 9, 9, 1023, 9, 9 });

    small = limits;
    small.string = 100000;
    check(key, 2 + 1024 + 4, NULL, &small);
}


static uint64_t  state = 88172645463325252ULL;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return state;
}


static void
check_number(const char *text)
{
    double        want;
    ml_number_t   number;

    want = strtod(text, NULL);

    if (ml_number_scan(text, text + strlen(text), &number)
        != text + strlen(text)
        || memcmp(&number.value, &want, sizeof(double)) != 0)
    {
        fprintf(stderr, "%s is %a, not %a\n", text, number.value, want);
        test_failed++;
        return;
    }

    test_passed++;
}


static int
compare(const char *s, const char *t)
{
    ml_number_t  a, b;

    ml_number_scan(s, s + strlen(s), &a);
    ml_number_scan(t, t + strlen(t), &b);

    return ml_number_compare(&a, &b);
}


static void
test_numbers(void)
{
    int            i, n;
    char           text[200];
    float          f;
    double         d;
    size_t         j;
    uint32_t       bits;
    uint64_t       image, magnitude;
    ml_number_t    a;

    static const char *const  texts[] = {
        "0", "-0", "-0.0", "0e400", "5e-324", "1e-400", "2.5e-324",
        "2.4703282292062327e-324", "2.4703282292062328e-324", "1e999",
        "-1e999", "1.7976931348623157e308", "1.7976931348623159e308",
        "9007199254740993", "9007199254740992.9999999999999999999",
        "9007199254740993.00000000000000000000000000000000000000001",
        "1.00000017881393432617187499", "3.4028235677973366e38",
        "0.1", "0.30000000000000004", "18446744073709551615",
        "18446744073709551616", "123456789012345678901234567890",
        "1e27", "1e-27", "1e28", "9007199254740992e22", "1e22", "1e23",
        "18446744073709551615e27", "18446744073709551615e-27",
        "1e99999999999999999999", "1e-99999999999999999999",
        "0.000000000000000000000000000000000000000000000000000001e50",
        "4503599627370497.5", "4503599627370496.5", "1.0e-00000000000000001"
    };

    for (j = 0; j < sizeof(texts) / sizeof(texts[0]); j++) {
        check_number(texts[j]);
    }

    for (i = 0; i < 60000; i++) {
        image = next();
        memcpy(&d, &image, sizeof(double));

        if (isfinite(d)) {
            snprintf(text, sizeof(text), "%.*e", (int) (next() % 20), d);
            check_number(text);
        }

        bits = (uint32_t) next();
        memcpy(&f, &bits, sizeof(float));

        if (isfinite(f)) {
            snprintf(text, sizeof(text), "%.9g", (double) f);
            check_number(text);
        }

        /* typical data, and decimals around the ways' borders */

        d = (double) (int64_t) next() / 9e18 * 100;
        snprintf(text, sizeof(text), "%.*f", (int) (next() % 25), d);
        check_number(text);

        snprintf(text, sizeof(text), "%llu.%llue%d",
                 (unsigned long long) (next() >> (next() % 64)),
                 (unsigned long long) (next() >> (next() % 64)),
                 (int) (next() % 70) - 35);
        check_number(text);

        /* halfway between two doubles */

        n = (int) (next() % 40);
        snprintf(text, sizeof(text), "%llu.%s",
                 (unsigned long long) ((next() >> 11) | (1ULL << 52)),
                 (next() & 1) ? "5" : n < 20 ? "49999999999" : "500000001");
        check_number(text);
    }

    static const struct {
        const char           *text;
        ml_number_integer_e   kind;
        uint64_t              magnitude;
    } integers[] = {
        { "0", ML_NUMBER_INTEGER, 0 }, { "-0.0", ML_NUMBER_INTEGER, 0 },
        { "0.000e-99999", ML_NUMBER_INTEGER, 0 },
        { "1.0", ML_NUMBER_INTEGER, 1 }, { "1e2", ML_NUMBER_INTEGER, 100 },
        { "1.5", ML_NUMBER_FRACTION, 0 }, { "1.5e1", ML_NUMBER_INTEGER, 15 },
        { "15e-1", ML_NUMBER_FRACTION, 0 },
        { "9007199254740993", ML_NUMBER_INTEGER, 9007199254740993ULL },
        { "9007199254740993.0", ML_NUMBER_INTEGER, 9007199254740993ULL },
        { "18446744073709551615", ML_NUMBER_INTEGER, UINT64_MAX },
        { "18446744073709551616", ML_NUMBER_HUGE, 0 },
        { "18446744073709551615.5", ML_NUMBER_FRACTION, 0 },
        { "12345678901234567890.5", ML_NUMBER_FRACTION, 0 },
        { "1e20", ML_NUMBER_HUGE, 0 }, { "1e-400", ML_NUMBER_FRACTION, 0 },
        { "123456789012345678901", ML_NUMBER_HUGE, 0 },
        { "1.00000000000000000000000000", ML_NUMBER_INTEGER, 1 },
        { "1.00000000000000000000000001", ML_NUMBER_FRACTION, 0 },
        { "100000000000000000000000e-23", ML_NUMBER_INTEGER, 1 },
        { "1e99999999", ML_NUMBER_HUGE, 0 },

        /* more digits than the mantissa takes */
        { "18446744073709551616.5", ML_NUMBER_FRACTION, 0 },
        { "66775884494624664894166.3", ML_NUMBER_FRACTION, 0 },
        { "-66775884494624664894166.3", ML_NUMBER_FRACTION, 0 },
        { "66775884494624664894166.3e1", ML_NUMBER_HUGE, 0 },
        { "66775884494624664894166.3e0", ML_NUMBER_FRACTION, 0 },
        { "667758844946246648941663E-1", ML_NUMBER_FRACTION, 0 },
        { "667758844946246648941660E-1", ML_NUMBER_HUGE, 0 },
        { "66775884494624664894166.000", ML_NUMBER_HUGE, 0 },
        { "0.0066775884494624664894166e25", ML_NUMBER_HUGE, 0 },
        { "0.0066775884494624664894166e24", ML_NUMBER_FRACTION, 0 }
    };

    for (j = 0; j < sizeof(integers) / sizeof(integers[0]); j++) {
        ml_number_scan(integers[j].text,
                       integers[j].text + strlen(integers[j].text), &a);
        magnitude = 0;
        CHECK_INT(ml_number_integer(&a, &magnitude), integers[j].kind);
        CHECK(magnitude == integers[j].magnitude);
    }

    CHECK_INT(compare("1", "1.0"), 0);
    CHECK_INT(compare("1", "2"), -1);
    CHECK_INT(compare("-1", "-2"), 1);
    CHECK_INT(compare("0", "-0"), 0);
    CHECK_INT(compare("9007199254740993", "9007199254740992"), 1);
    CHECK_INT(compare("-9007199254740993", "-9007199254740992"), -1);
    CHECK_INT(compare("1e2", "100.00"), 0);
    CHECK_INT(compare("0.1", "0.2"), -1);
}


/* Numbers of one double are told apart by their digits. */
static void
test_compare(void)
{
    size_t  j;

    static const struct {
        const char  *less, *more;
    } pairs[] = {
        { "18446744073709551616", "18446744073709551617" },
        { "18446744073709551615", "18446744073709551616" },
        { "18446744073709551615", "18446744073709551615.5" },
        { "9007199254740992", "9007199254740992.1" },
        { "0.1", "0.10000000000000000001" },
        { "0.09999999999999999999", "0.1" },
        { "99999999999999999999", "100000000000000000000" },
        { "0", "1e-400" }, { "1e-401", "1e-400" },
        { "1e-1000000", "1e-999999" },
        { "1e-99999999999", "1e-999999" },
        { "1e400", "1e401" }, { "1e400", "1.1e400" },
        { "0.000012345678901234567890123", "1.2345678901234567890124e-5" }
    };

    static const struct {
        const char  *a, *b;
    } same[] = {
        { "18446744073709551616", "18446744073709551616.0" },
        { "18446744073709551616", "1.8446744073709551616E+19" },
        { "18446744073709551617", "0.0018446744073709551617000e22" },
        { "0.1", "1e-1" }, { "0.1", "0.1000000000000000000000000000" },
        { "1e400", "0.01e402" }, { "1e-400", "10.00e-401" },
        { "0", "0e400" }, { "0.000", "-0e-400" },
        { "100", "100000000000000000000000e-21" }
    };

    for (j = 0; j < sizeof(pairs) / sizeof(pairs[0]); j++) {
        char  less[80], more[80];

        CHECK_INT(compare(pairs[j].less, pairs[j].more), -1);
        CHECK_INT(compare(pairs[j].more, pairs[j].less), 1);

        snprintf(less, sizeof(less), "-%s", pairs[j].less);
        snprintf(more, sizeof(more), "-%s", pairs[j].more);

        CHECK_INT(compare(less, more), 1);
        CHECK_INT(compare(more, less), -1);
        CHECK_INT(compare(more, pairs[j].more), -1);
    }

    for (j = 0; j < sizeof(same) / sizeof(same[0]); j++) {
        CHECK_INT(compare(same[j].a, same[j].b), 0);
        CHECK_INT(compare(same[j].b, same[j].a), 0);
    }
}


/*
 * A number of more digits than any that is halfway between two doubles has;
 * three quarters of the way from one subnormal to the next.
 */
static void
test_long_number(void)
{
    char          text[900];
    double        want;
    ml_number_t   number;

    static const char  digits[] =
        "189888436795680799908539571855287807519503688079488083361745469718"
        "573496141736081471707999994807250021874172216232668079992557477271"
        "766521716017323353504936632946443469059625612958395977312727558592"
        "868550883258029672889501868663643427627122248497622348233691325901"
        "251535615204399892422670300666276394189225791231816395478093894557"
        "026690352573941211939797505913948198314781362154164687981084646244"
        "370947662097781057741814607951386869441685807635584835169589495778"
        "356024887547367476929293517467673683230919718824832186385116564802"
        "732092902915001052831694153633852409940911750272986412713943570761"
        "499091381220180833504307481897345463755851177081567170842604272237"
        "685774584904001051491897679082454897036629087815320037136172536581"
        "64571450406299391033826395869255065917968750e-1077";

    want = 0x0.da789beaa8cbfp-1022;

    (void) ml_number_scan(digits, digits + strlen(digits), &number);
    CHECK(number.value == want);

    sprintf(text, "-%s", digits);
    (void) ml_number_scan(text, text + strlen(text), &number);
    CHECK(number.value == -want);

    /* as many digits as matter, and half of the last place: what is behind
     * it decides */

    memset(text, '0', sizeof(text));
    memcpy(text, "9007199254740993.", 17);
    (void) ml_number_scan(text, text + 800, &number);
    CHECK(number.value == 9007199254740992.0);
    text[799] = '1';
    (void) ml_number_scan(text, text + 800, &number);
    CHECK(number.value == 9007199254740994.0);
}


int
main(void)
{
    test_long_number();
    test_valid();
    test_invalid();
    test_limits();
    test_numbers();
    test_compare();

    return TEST_END;
}
