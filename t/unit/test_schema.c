/*
 * The schema compiler: what it takes, and what it refuses with which words.
 */

/* link: -lm -lpcre2-8 */

#include "schema.h"

#include "test.h"


static ml_schema_t *
compile(const char *text, char *error, size_t size)
{
    char         *copy;
    size_t        len;
    ml_schema_t  *schema;

    /* its own allocation, freed at once: nothing may point into it */

    len = strlen(text);
    copy = malloc(len + 1);
    memcpy(copy, text, len);
    schema = ml_schema_compile(copy, len, NULL, error, size);
    free(copy);

    return schema;
}


static void
test_refused(void)
{
    size_t        i;
    char          error[400];
    ml_schema_t  *schema;

    static const struct {
        const char  *text;
        const char  *error;
    } cases[] = {
        { "", "not JSON: Expecting value, character 0" },
        { "{\"type\":\"object\",}", "not JSON: Expecting property name "
          "enclosed in double quotes, character 17" },
        { "{\"type\":\"object\",\"type\":\"array\"}",
          "not JSON: Duplicate property name, character 17" },
        { "[]", "schema is not an object at \"#\"" },
        { "1", "schema is not an object at \"#\"" },
        { "{\"properties\":{\"a/b\":{\"pattern\":\"(\"}}}",
          "regular expression: missing closing parenthesis "
          "at \"#/properties/a~1b/pattern\"" },
        { "{\"$ref\":\"#\"}",
          "schema applies to the same value without end at \"#\"" },
        { "{\"$ref\":\"#/$defs/a\"}",
          "the reference leads nowhere at \"#/$ref\"" },
        { "{\"$ref\":\"http://x/y\"}",
          "no schema is known as \"http://x/y\" at \"#/$ref\"" },
        { "{\"$ref\":1}", "value is not a reference at \"#/$ref\"" },
        { "{\"$defs\":{\"a\":{\"$id\":\"b\"},\"c\":{\"$id\":\"b\"}}}",
          "\"$id\" is given twice at \"#/$defs/c\"" },
        { "{\"$id\":\"a#b\"}", "\"$id\" has a fragment at \"#\"" },
        { "{\"uniqueItems\":1}",
          "value is neither true nor false at \"#/uniqueItems\"" },
        { "{\"multipleOf\":0}", "value is not above 0 at \"#/multipleOf\"" },
        { "{\"multipleOf\":0.12345678901234567890123}",
          "value has too many digits at \"#/multipleOf\"" },
        { "{\"anyOf\":[]}",
          "value is not an array with members at \"#/anyOf\"" },
        { "{\"$defs\":{\"a\\nb\":1}}",
          "schema is not an object at \"#/$defs/a?b\"" },
        { "{\"$schema\":\"http://json-schema.org/draft-07/schema#\"}",
          "only draft 2020-12 is supported at \"#/$schema\"" },
        { "{\"type\":\"float\"}", "unknown type at \"#/type\"" },
        { "{\"type\":1}", "unknown type at \"#/type\"" },
        { "{\"type\":[]}", "no type is allowed at \"#/type\"" },
        { "{\"type\":[\"null\",\"null\"]}",
          "type \"null\" is given twice at \"#/type/1\"" },
        { "{\"required\":\"a\"}", "value is not an array at \"#/required\"" },
        { "{\"required\":[1]}", "a name is not a string at \"#/required\"" },
        { "{\"required\":[\"a\",\"a\"]}",
          "a name is given twice at \"#/required\"" },
        { "{\"properties\":[]}", "value is not an object at \"#/properties\"" },
        { "{\"properties\":{\"a\":1}}",
          "schema is not an object at \"#/properties/a\"" },
        { "{\"items\":[{}]}", "schema is not an object at \"#/items\"" },
        { "{\"minLength\":-1}",
          "value is not a whole number from 0 at \"#/minLength\"" },
        { "{\"maxItems\":1.5}",
          "value is not a whole number from 0 at \"#/maxItems\"" },
        { "{\"maxLength\":\"1\"}",
          "value is not a whole number from 0 at \"#/maxLength\"" },
        { "{\"minimum\":\"1\"}",
          "value is not a finite number at \"#/minimum\"" },
        { "{\"maximum\":1e999}",
          "value is not a finite number at \"#/maximum\"" },

        /* x-shape */
        { "{\"properties\":{\"a\":{}},\"x-shape\":1}",
          "value is not an object at \"#/x-shape\"" },
        { "{\"properties\":{\"a\":{}},\"x-shape\":{\"of\":\"a\"}}",
          "value has not \"of\", \"is\" and at most \"default\" "
          "at \"#/x-shape\"" },
        { "{\"properties\":{\"a\":{}},\"x-shape\":{\"of\":\"a\","
          "\"is\":\"b\"}}",
          "\"is\" is not the name of a property at \"#/x-shape\"" },
        { "{\"properties\":{\"a\":{},\"b\":{}},\"x-shape\":{\"of\":\"a\","
          "\"is\":\"b\",\"default\":[4294967296,4294967296]}}",
          "value is out of range at \"#/x-shape/default\"" },
        { "{\"properties\":{\"a\":{},\"b\":{}},\"minProperties\":1,"
          "\"not\":{\"required\":[\"c\"]},\"x-shape\":{\"of\":\"a\","
          "\"is\":\"b\"}}",
          "\"x-shape\" cannot be where a value is checked when it is "
          "complete, by a keyword around it at \"#\"" },

        /* x-image */
        { "{\"x-image\":1}", "value is not an object at \"#/x-image\"" },
        { "{\"x-image\":{\"type\":[\"png\"]}}",
          "unknown keyword \"type\" at \"#/x-image/type\"" },
        { "{\"x-image\":{\"types\":[]}}",
          "value is not an array with members at \"#/x-image/types\"" },
        { "{\"x-image\":{\"types\":[\"png\",\"tiff\"]}}",
          "unknown type of image at \"#/x-image/types/1\"" },
        { "{\"x-image\":{\"pixels\":0}}",
          "value is out of range at \"#/x-image/pixels\"" },
        { "{\"x-image\":{\"frames\":2147483648}}",
          "value is out of range at \"#/x-image/frames\"" },
        { "{\"x-image\":{\"links\":1}}",
          "value is neither true nor false at \"#/x-image/links\"" },
        { "{\"anyOf\":[{\"x-image\":{}},{\"type\":\"integer\"}]}",
          "an image cannot be where a value is checked when it is complete, "
          "by a keyword around it at \"#/anyOf/0\"" },

        /* x-tensor */
        { "{\"x-tensor\":1}", "value is not an object at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"dtype\":\"float32\",\"shape\":[1]}}",
          "\"input\" is missing at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"shape\":[1]}}",
          "\"dtype\" is missing at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\"}}",
          "\"shape\" is missing at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"input\":\"\",\"dtype\":\"float32\","
          "\"shape\":[1]}}", "value is not a name at \"#/x-tensor/input\"" },
        { "{\"x-tensor\":{\"input\":\"a\\u0000\",\"dtype\":\"float32\","
          "\"shape\":[1]}}", "value is not a name at \"#/x-tensor/input\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float\","
          "\"shape\":[1]}}", "unknown dtype at \"#/x-tensor/dtype\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[1],\"pad\":0}}",
          "unknown keyword \"pad\" at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[2,-1]}}", "a dimension is neither a whole number from 1 "
          "nor, as the first one, -1 at \"#/x-tensor/shape/1\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[0]}}", "a dimension is neither a whole number from 1 "
          "nor, as the first one, -1 at \"#/x-tensor/shape/0\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[1,1,1,1,1,1,1,1,1]}}",
          "value is not an array of up to 8 dimensions "
          "at \"#/x-tensor/shape\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[-1,768]}}",
          "a free dimension needs \"maxItems\" at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[-1,768],\"maxItems\":0}}",
          "value is out of range at \"#/x-tensor/maxItems\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[768],\"maxItems\":4}}",
          "no dimension is free at \"#/x-tensor/maxItems\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[4294967296,4294967296]}}",
          "the tensor is too large at \"#/x-tensor\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"uint8\","
          "\"shape\":[1],\"maximum\":300}}",
          "value is no uint8 at \"#/x-tensor/maximum\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"int64\","
          "\"shape\":[1],\"minimum\":0.5}}",
          "value is no int64 at \"#/x-tensor/minimum\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float16\","
          "\"shape\":[1],\"maximum\":70000}}",
          "value is no float16 at \"#/x-tensor/maximum\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[1],\"minimum\":2,\"maximum\":1}}",
          "minimum is above maximum at \"#/x-tensor/maximum\"" },
        { "{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"bool\","
          "\"shape\":[1],\"minimum\":0}}",
          "values of dtype bool have no bounds at \"#/x-tensor/minimum\"" },
        { "{\"minItems\":1,\"x-tensor\":{\"input\":\"a\",\"dtype\":"
          "\"float32\",\"shape\":[1]}}",
          "\"minItems\" stands beside \"x-tensor\" at \"#/minItems\"" },
        { "{\"type\":\"object\",\"x-tensor\":{\"input\":\"a\",\"dtype\":"
          "\"float32\",\"shape\":[1]}}",
          "\"type\" does not agree with the tensor at \"#/x-tensor\"" },
        { "{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"properties\":{"
          "\"a\":{\"x-tensor\":{\"input\":\"a\",\"dtype\":\"float32\","
          "\"shape\":[1]}},\"b\":{\"x-tensor\":{\"input\":\"a\",\"dtype\":"
          "\"float32\",\"shape\":[1]}}}}",
          "an input of that name exists already "
          "at \"#/properties/b\"" },
    };

    static const char *const  unsure[] = {

        /* not required */
        "{\"type\":\"object\",\"properties\":{\"a\":{\"x-tensor\":{"
        "\"input\":\"a\",\"dtype\":\"float32\",\"shape\":[1]}}}}",

        /* not surely in an object */
        "{\"required\":[\"a\"],\"properties\":{\"a\":{\"x-tensor\":{"
        "\"input\":\"a\",\"dtype\":\"float32\",\"shape\":[1]}}}}",
        "{\"type\":[\"object\",\"null\"],\"required\":[\"a\"],"
        "\"properties\":{\"a\":{\"x-tensor\":{"
        "\"input\":\"a\",\"dtype\":\"float32\",\"shape\":[1]}}}}",

        /* many, or under any name */
        "{\"items\":{\"x-tensor\":{"
        "\"input\":\"a\",\"dtype\":\"float32\",\"shape\":[1]}}}",
        "{\"type\":\"object\",\"required\":[\"a\"],"
        "\"additionalProperties\":{\"x-tensor\":{"
        "\"input\":\"a\",\"dtype\":\"float32\",\"shape\":[1]}}}",

        /* required inside of what is not */
        "{\"type\":\"object\",\"properties\":{\"o\":{\"type\":\"object\","
        "\"required\":[\"a\"],\"properties\":{\"a\":{\"x-tensor\":{"
        "\"input\":\"a\",\"dtype\":\"float32\",\"shape\":[1]}}}}}}"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error[0] = '\0';
        schema = compile(cases[i].text, error, sizeof(error));
        CHECK(schema == NULL);
        CHECK_STR(error, cases[i].error);
        ml_schema_destroy(schema);
    }

    for (i = 0; i < sizeof(unsure) / sizeof(unsure[0]); i++) {
        schema = compile(unsure[i], error, sizeof(error));
        CHECK(schema == NULL);
        CHECK(strncmp(error, "a tensor must be in a required property", 39)
              == 0);
        ml_schema_destroy(schema);
    }

    /* a short buffer is not overrun, and stays a string */

    for (i = 1; i < 40; i++) {
        char  *small;

        small = malloc(i);
        CHECK(compile("{\"properties\":{\"abc\":{\"format\":1}}}", small, i)
              == NULL);
        CHECK(strlen(small) < i);
        free(small);
    }
}


static void
test_depth(void)
{
    int           i, depth;
    char          text[4000], error[400];
    size_t        n;
    ml_schema_t  *schema;

    for (depth = 127; depth <= 129; depth++) {
        n = 0;

        for (i = 1; i < depth; i++) {
            n += (size_t) sprintf(text + n, "{\"items\":");
        }

        n += (size_t) sprintf(text + n, "{}");

        for (i = 1; i < depth; i++) {
            text[n++] = '}';
        }

        text[n] = '\0';

        schema = compile(text, error, sizeof(error));
        CHECK((schema != NULL) == (depth <= ML_SCHEMA_DEPTH));
        ml_schema_destroy(schema);
    }
}


static void
test_compiled(void)
{
    char                         error[400];
    ml_schema_t                 *schema;
    const ml_schema_node_t      *root;
    const ml_schema_property_t  *property;

    schema = compile(
        "{\"$schema\":\"https://json-schema.org/draft/2020-12/schema\","
        "\"$id\":\"x\",\"$comment\":\"c\",\"title\":\"t\","
        "\"description\":\"d\",\"default\":{},\"examples\":[1],"
        "\"properties\":{"
        "\"f\":{\"type\":\"array\",\"x-tensor\":{\"input\":\"features\","
        "\"dtype\":\"float32\",\"shape\":[-1,768],\"maxItems\":64,"
        "\"minimum\":-100,\"maximum\":0.1}},"
        "\"n\":{\"x-tensor\":{\"input\":\"n\",\"dtype\":\"uint8\","
        "\"shape\":[]}},"
        "\"mode\":{\"enum\":[\"a\",\"it's\",1,2.50,true,null,[1,{\"a\":2}]]},"
        "\"any\":true,\"none\":false},"
        "\"required\":[\"f\",\"n\",\"other\"],\"type\":\"object\"}",
        error, sizeof(error));

    CHECK(schema != NULL);

    if (schema == NULL) {
        fprintf(stderr, "%s\n", error);
        return;
    }

    root = schema->root;
    CHECK_INT(root->types, ML_SCHEMA_OBJECT);
    CHECK_INT(root->properties.n, 6);
    CHECK_INT(root->nrequired, 3);

    property = ml_schema_find(root, "n", 1);
    CHECK(property && property->required == 1);
    CHECK(ml_schema_find(root, "mod", 3) == NULL);
    CHECK_INT(ml_schema_find(root, "other", 5)->required, 2);
    CHECK(ml_schema_find(root, "other", 5)->node == NULL);

    CHECK(ml_schema_find(root, "none", 4)->node->never);
    CHECK(!ml_schema_find(root, "any", 3)->node->never);

    CHECK_STR(ml_schema_find(root, "mode", 4)->node->expected,
              "'a', \"it's\", 1, 2.5, True, None or [1,{\"a\":2}]");

    CHECK_INT(schema->ntensors, 2);
    CHECK_STR(schema->specs[0].name, "features");
    CHECK_INT(schema->specs[0].rank, 2);
    CHECK_INT(schema->specs[0].dims[0], -1);
    CHECK_INT(schema->specs[0].bound, 64);
    CHECK_INT(schema->tensors[0]->elements, 64 * 768);
    CHECK(schema->tensors[0]->bounds.maximum == (double) 0.1f);
    CHECK(schema->tensors[0]->maximum == 0.1);
    CHECK_STR(schema->specs[1].name, "n");
    CHECK_INT(schema->specs[1].rank, 0);

    ml_schema_destroy(schema);
}


static void
test_pydantic(void)
{
    size_t     i;
    ml_text_t  text;

    /* repr() of CPython, and the text of pydantic's messages */

    static const struct {
        double       value;
        const char  *repr;
        const char  *plain;
    } cases[] = {
        { 0, "0.0", "0" },
        { -0.0, "-0.0", "-0" },
        { 1, "1.0", "1" },
        { -1.5, "-1.5", "-1.5" },
        { 100, "100.0", "100" },
        { 1e15, "1000000000000000.0", "1000000000000000" },
        { 1e16, "1e+16", "10000000000000000" },
        { 1.5e16, "1.5e+16", "15000000000000000" },
        { 1.25e-7, "1.25e-07", "0.000000125" },
        { 0.0001, "0.0001", "0.0001" },
        { 0.00001, "1e-05", "0.00001" },
        { 1e22, "1e+22", "10000000000000000000000" },
        { 123456789012345680.0, "1.2345678901234568e+17",
          "123456789012345680" },
        { 0.1, "0.1", "0.1" },
        { 1.0 / 3, "0.3333333333333333", "0.3333333333333333" },
        { 5e-324, "5e-324", NULL }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        ml_text_init(&text);
        ml_pydantic_float(&text, cases[i].value);
        ml_text_append(&text, "", 1);
        CHECK_STR(text.data, cases[i].repr);

        if (cases[i].plain) {
            text.len = 0;
            ml_pydantic_plain(&text, cases[i].value);
            ml_text_append(&text, "", 1);
            CHECK_STR(text.data, cases[i].plain);
        }

        ml_text_free(&text);
    }
}


/* From a model's inputs: what is derived compiles to those tensors again. */

static void
test_derived(void)
{
    char          error[400];
    ml_text_t     text;
    ml_schema_t  *schema;

    static const ml_tensor_spec_t  specs[2] = {
        { "a \"name\"", ML_DTYPE_FLOAT32, 3, { -1, 2, 3 }, 0 },
        { "b", ML_DTYPE_INT64, 1, { -1 }, 0 }
    };

    static const ml_tensor_spec_t  fixed = {
        "c", ML_DTYPE_UINT8, 2, { 4, 5 }, 0
    };

    ml_text_init(&text);
    CHECK_INT(ml_schema_derive(specs, 2, 100, 1000, 0, &text), 0);
    schema = ml_schema_compile(text.data, text.len, NULL, error, sizeof(error));
    CHECK(schema != NULL);

    if (schema) {
        CHECK_INT(schema->ntensors, 2);
        CHECK_STR(schema->specs[0].name, "a \"name\"");
        CHECK_INT(schema->specs[0].dims[0], -1);
        CHECK_INT(schema->specs[0].dims[2], 3);
        CHECK_INT(schema->specs[0].bound, 100);
        CHECK_INT(schema->specs[1].dtype, ML_DTYPE_INT64);
        CHECK(schema->root->additional && schema->root->additional->never);
        CHECK_INT(schema->root->nrequired, 2);
        ml_schema_destroy(schema);
    }

    /* a row has six elements: the limit on both sides */

    text.len = 0;
    CHECK_INT(ml_schema_derive(specs, 2, 100, 599, 0, &text), 0);
    schema = ml_schema_compile(text.data, text.len, NULL, error, sizeof(error));
    CHECK(schema && schema->specs[0].bound == 99
          && schema->specs[1].bound == 99);
    ml_schema_destroy(schema);
    CHECK_INT(ml_schema_derive(specs, 2, 100, 6, 0, &text), 0);
    CHECK_INT(ml_schema_derive(specs, 2, 100, 5, 0, &text), -1);
    CHECK_INT(ml_schema_derive(specs, 2, 0, 100, 0, &text), -1);

    /* one tensor that is the body */

    CHECK_INT(ml_schema_derive(specs, 2, 100, 1000, 1, &text), -1);
    text.len = 0;
    CHECK_INT(ml_schema_derive(&fixed, 1, 1, 1000, 1, &text), 0);
    ml_text_append(&text, "", 1);
    CHECK_STR(text.data, "{\"x-tensor\":{\"input\":\"c\","
              "\"dtype\":\"uint8\",\"shape\":[4,5]}}");

    ml_text_free(&text);
}


int
main(void)
{
    test_derived();
    test_refused();
    test_depth();
    test_compiled();
    test_pydantic();

    return TEST_END;
}
