/*
 * Several violations of one body: each that is there, none that only follows
 * from another, and the same whatever the split.
 */

/* link: -lm -lpcre2-8 */

#include "validator.h"


#define AT(type, loc, msg)                                                    \
    "{\"type\":\"" type "\",\"loc\":[\"body\"" loc "],\"msg\":\"" msg "\"}"
#define CTX(type, loc, msg, ctx)                                              \
    "{\"type\":\"" type "\",\"loc\":[\"body\"" loc "],\"msg\":\"" msg         \
    "\",\"ctx\":{" ctx "}}"

#define INTEGER(loc)  AT("int_type", loc, "Input should be a valid integer")
#define NUMBER(loc)   AT("float_type", loc, "Input should be a valid number")
#define STRING(loc)   AT("string_type", loc, "Input should be a valid string")
#define LIST(loc)     AT("list_type", loc, "Input should be a valid list")
#define MISSING(loc)  AT("missing", loc, "Field required")
#define EXTRA(loc)                                                            \
    AT("extra_forbidden", loc, "Extra inputs are not permitted")
#define UNIQUE(loc)                                                           \
    CTX("value_error", loc, "Value error, items are not unique",              \
        "\"error\":{}")
#define LONG(loc, n, items)                                                   \
    CTX("too_long", loc, "List should have at most " n " " items " after "    \
        "validation, not more", "\"field_type\":\"List\",\"max_length\":" n   \
        ",\"actual_length\":null")


/* What is told of a body when all is, and when less is. */
static void
all(const char *text, const char *body, const char *const *errors)
{
    size_t        n;
    ml_text_t     want;
    ml_schema_t  *schema;

    schema = compile(text);
    ml_text_init(&want);

    for (n = 0; errors[n]; n++) {
        ml_text_printf(&want, "%s%s", n ? "," : "", errors[n]);
        ml_text_append(&want, "", 1);
        check_errors(schema, body, (uint32_t) n + 1, want.data);
        want.len--;
    }

    check_errors(schema, body, ML_VALIDATOR_ERRORS, want.data);

    ml_text_free(&want);
    ml_schema_destroy(schema);
}


#define ALL(text, body, ...)                                                  \
    do {                                                                      \
        static const char *const  errors[] = { __VA_ARGS__, NULL };           \
        all(text, body, errors);                                              \
    } while (0)


static const char  object[] =
    "{\"type\":\"object\",\"required\":[\"a\",\"b\",\"o\"],"
    "\"additionalProperties\":false,\"properties\":{"
    "\"a\":{\"type\":\"integer\",\"maximum\":9},"
    "\"b\":{\"type\":\"string\",\"maxLength\":2},"
    "\"l\":{\"type\":\"array\",\"maxItems\":3,"
        "\"items\":{\"type\":\"integer\"}},"
    "\"o\":{\"type\":\"object\",\"required\":[\"x\",\"y\"],\"properties\":{"
        "\"x\":{\"type\":\"integer\"}}},"
    "\"u\":{\"type\":\"array\",\"uniqueItems\":true,"
        "\"items\":{\"type\":\"integer\"}}}}";


static void
test_object(void)
{
    ALL(object, "{}", MISSING(",\"a\""), MISSING(",\"b\""),
        MISSING(",\"o\""));
    ALL(object, "[]", AT("model_attributes_type", "",
        "Input should be a valid dictionary or object to extract fields "
        "from"));

    /* scalars, strings, containers where something else should be */

    ALL(object, "{\"a\":\"x\",\"b\":[1,{\"a\":1}],\"o\":{\"x\":null},"
                "\"l\":{\"a\":[{}]}}",
        INTEGER(",\"a\""), STRING(",\"b\""), INTEGER(",\"o\",\"x\""),
        MISSING(",\"o\",\"y\""), LIST(",\"l\""));

    /* unknown members, whatever their values */

    ALL(object, "{\"q\":1,\"r\":\"s\",\"s\":[[\"]\"],{\"a\":2}],\"t\":null,"
                "\"a\":1,\"b\":\"\",\"o\":{\"x\":1,\"y\":{}},\"w\":{}}",
        EXTRA(",\"q\""), EXTRA(",\"r\""), EXTRA(",\"s\""), EXTRA(",\"t\""),
        EXTRA(",\"w\""));

    /* a string that is too long, in whatever piece */

    ALL(object, "{\"b\":\"abcdefgh\\u00e9\",\"a\":10,\"o\":{\"y\":1}}",
        CTX("string_too_long", ",\"b\"",
            "String should have at most 2 characters", "\"max_length\":2"),
        CTX("less_than_equal", ",\"a\"",
            "Input should be less than or equal to 9", "\"le\":9"),
        MISSING(",\"o\",\"x\""));
}


static void
test_list(void)
{
    ALL(object, "{\"l\":[1,\"x\",2.5],\"a\":1,\"b\":\"\"}",
        INTEGER(",\"l\",1"), INTEGER(",\"l\",2"), MISSING(",\"o\""));

    /* one that is too long is told once, with what came before */

    ALL(object, "{\"l\":[1,\"x\",3,4,\"5\",[6],{\"7\":8}],\"a\":[]}",
        INTEGER(",\"l\",1"), LONG(",\"l\"", "3", "items"), INTEGER(",\"a\""),
        MISSING(",\"b\""), MISSING(",\"o\""));

    ALL(object, "{\"l\":[[1],[2],[3],[4]],\"a\":1,\"b\":\"\",\"o\":{\"x\":1,"
                "\"y\":1}}",
        INTEGER(",\"l\",0"), INTEGER(",\"l\",1"), INTEGER(",\"l\",2"),
        LONG(",\"l\"", "3", "items"));
}


/* Values that are evaluated when they are complete: one for each. */
static void
test_deferred(void)
{
    ALL(object, "{\"u\":[1,1],\"a\":null,\"b\":\"\",\"o\":{\"x\":1,\"y\":1}}",
        UNIQUE(",\"u\""),
        INTEGER(",\"a\""));
    ALL(object, "{\"u\":[1,\"x\",1,\"x\"],\"a\":null,\"b\":\"\",\"o\":"
                "{\"x\":1,\"y\":1}}", INTEGER(",\"u\",1"), INTEGER(",\"a\""));

    /* behind one another has its turn */

    ALL("{\"type\":\"array\",\"items\":{\"type\":\"array\","
        "\"uniqueItems\":true}}", "[[1,1],[1,2],3,[[],[]]]",
        UNIQUE(",0"),
        LIST(",2"),
        UNIQUE(",3"));
}


static const char  tensors[] =
    "{\"type\":\"object\",\"required\":[\"v\",\"m\",\"s\"],"
    "\"properties\":{"
    "\"v\":{\"x-tensor\":{\"input\":\"v\","
        "\"dtype\":\"uint8\",\"shape\":[4]}},"
    "\"m\":{\"x-tensor\":{\"input\":\"m\","
        "\"dtype\":\"float32\",\"shape\":[2,2]}},"
    "\"s\":{\"x-tensor\":{\"input\":\"s\","
        "\"dtype\":\"float32\",\"shape\":[]}},"
    "\"f\":{\"type\":\"boolean\"}}}";

#define FINITE(loc)                                                           \
    AT("finite_number", loc, "Input should be a finite number")
#define BYTE(loc)                                                             \
    CTX("less_than_equal", loc,                                               \
        "Input should be less than or equal to 255", "\"le\":255")
#define SHORT(loc, n, actual)                                                 \
    CTX("too_short", loc, "List should have at least " n " items after "      \
        "validation, not " actual, "\"field_type\":\"List\",\"min_length\":"  \
        n ",\"actual_length\":" actual)


static void
test_tensors(void)
{
    ALL(tensors, "{\"v\":[256,1,300,\"x\"],\"m\":[[1,1e99],[true,4]],"
                 "\"s\":[1],\"f\":0}",
        BYTE(",\"v\",0"), BYTE(",\"v\",2"), INTEGER(",\"v\",3"),
        FINITE(",\"m\",0,1"), NUMBER(",\"m\",1,0"), NUMBER(",\"s\""),
        AT("bool_type", ",\"f\"", "Input should be a valid boolean"));

    /* rows that are too long, too short, no rows; too many, too few */

    ALL(tensors, "{\"v\":[1,2,3,4,5,[6],7],\"m\":[[1,2,3,4],[5]],\"f\":1}",
        LONG(",\"v\"", "4", "items"), LONG(",\"m\",0", "2", "items"),
        SHORT(",\"m\",1", "2", "1"),
        AT("bool_type", ",\"f\"", "Input should be a valid boolean"),
        MISSING(",\"s\""));
    ALL(tensors, "{\"m\":[7,[[1],2],[3,4],[5,6]],\"v\":[1,2]}",
        LIST(",\"m\",0"), NUMBER(",\"m\",1,0"), LONG(",\"m\"", "2", "items"),
        SHORT(",\"v\"", "4", "2"), MISSING(",\"s\""));
    ALL(tensors, "{\"v\":{\"a\":[1]},\"m\":\"x\",\"s\":{}}",
        LIST(",\"v\""), LIST(",\"m\""), NUMBER(",\"s\""));
    ALL(tensors, "{\"v\":7,\"s\":null}", LIST(",\"v\""), NUMBER(",\"s\""),
        MISSING(",\"m\""));
}


/* Named dimensions, x-shape, and a total: not told where they only follow. */
static void
test_follow(void)
{
    static const char  named[] =
        "{\"type\":\"object\",\"required\":[\"a\",\"b\",\"c\"],"
        "\"properties\":{"
        "\"a\":{\"x-tensor\":{\"input\":\"a\","
        "\"dtype\":\"uint8\",\"shape\":[\"n\"],"
            "\"maxItems\":9}},"
        "\"b\":{\"x-tensor\":{\"input\":\"b\","
        "\"dtype\":\"uint8\",\"shape\":[\"n\"],"
            "\"maxItems\":9}},"
        "\"c\":{\"x-tensor\":{\"input\":\"c\","
        "\"dtype\":\"uint8\",\"shape\":[\"n\"],"
            "\"maxItems\":9}}}}";

    static const char  shape[] =
        "{\"type\":\"object\",\"x-shape\":{\"of\":\"d\",\"is\":\"s\"},"
        "\"properties\":{\"d\":{\"type\":\"array\",\"items\":{\"type\":"
        "\"number\"}},\"s\":{\"type\":\"array\",\"items\":{\"type\":"
        "\"integer\"}}}}";

    static const char  total[] =
        "{\"type\":\"object\",\"properties\":{\"l\":{\"type\":\"array\","
        "\"x-maxTotalLength\":5,\"items\":{\"type\":\"string\"}},"
        "\"n\":{\"type\":\"integer\"}}}";

    ALL(named, "{\"a\":[1,\"x\"],\"b\":[1,2],\"c\":7}",
        INTEGER(",\"a\",1"), LIST(",\"c\""));
    ALL(shape, "{\"s\":[2,\"x\"],\"d\":[1,2,3]}", INTEGER(",\"s\",1"));
    ALL(total, "{\"l\":[\"abc\",\"def\",\"ghi\",7],\"n\":\"x\"}",
        CTX("value_error", ",\"l\"", "Value error, over 5 characters of "
            "text in total", "\"error\":{}"), INTEGER(",\"n\""));
}


/* What is no JSON ends it, behind what was found. */
static void
test_json(void)
{
    ALL(object, "{\"a\":\"x\",\"b\":[}",
        INTEGER(",\"a\""), STRING(",\"b\""),
        CTX("json_invalid", ",14", "JSON decode error",
            "\"error\":\"Expecting value\""));
}


static int
watch_string(void *data, ml_json_string_e part, const char *bytes, size_t len)
{
    if (part == ML_JSON_PIECE) {
        ml_text_append(data, bytes, len);

    } else {
        ml_text_append(data, part == ML_JSON_FIRST ? "<" : ">", 1);
    }

    return 0;
}


/* Who watches sees the end of every text, of one that is cut off, too. */
static void
test_watch(void)
{
    ml_text_t         seen;
    ml_schema_t      *schema;
    ml_validator_t   *v;
    ml_body_watch_t   watch;

    static const char  body[] =
        "{\"b\":\"abcdefgh\",\"a\":\"x\",\"o\":{\"x\":1,\"y\":\"text\"}}";

    schema = compile(object);
    v = ml_validator_create(schema, &limits, 65536, seed, NULL,
                            ML_VALIDATOR_ERRORS);
    ml_text_init(&seen);
    watch.string = watch_string;
    watch.data = &seen;
    ml_validator_body(v)->ops->watch(ml_validator_body(v), &watch);

    (void) ml_validator_feed(v, body, strlen(body));
    CHECK_INT(ml_validator_finish(v), ML_BODY_REJECTED);

    ml_text_append(&seen, "", 1);
    CHECK_STR(seen.data, "<ab><text>");

    ml_text_free(&seen);
    ml_validator_destroy(v);
    ml_schema_destroy(schema);
}


int
main(void)
{
    test_watch();
    test_object();
    test_list();
    test_deferred();
    test_tensors();
    test_follow();
    test_json();

    TEST_END;
}
