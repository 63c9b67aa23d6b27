/*
 * OpenAPI documents: which operations they have, where their schemas stand,
 * and which paths a template takes; and the contract of OpenAI's API.
 */

/* link: -lm -lpcre2-8 */

#include "validator.h"
#include "ml_openai.c"
#include "ml_openapi.c"


static void
test_match(void)
{
    size_t  i;

    static const struct {
        const char  *template, *path;
        int          match;
    } cases[] = {
        { "/predict", "/predict", 2 },
        { "/predict", "/predict/", 0 },
        { "/predict", "/predic", 0 },
        { "/predict/", "/predict/", 2 },
        { "/items/{id}", "/items/7", 1 },
        { "/items/{id}", "/items/", 0 },
        { "/items/{id}", "/items/7/8", 0 },
        { "/items/{id}/parts/{part}", "/items/7/parts/x", 1 },
        { "/items/{id}/parts/{part}", "/items/7/parts", 0 },
        { "/items/{id}.json", "/items/7.json", 0 },
        { "/{", "/x", 1 },
        { "", "", 2 },
        { "", "/", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_INT(ml_openapi_match(cases[i].template, cases[i].path,
                                   strlen(cases[i].path)), cases[i].match);
    }
}


static void
test_read(void)
{
    char           error[200];
    size_t         i;
    ml_openapi_t  *openapi;

    static const char  document[] =
        "{\"openapi\":\"3.1.0\",\"paths\":{"
        "\"/predict\":{\"post\":{\"requestBody\":{\"required\":true,"
            "\"content\":{\"application/json\":{\"schema\":{\"$ref\":"
            "\"#/components/schemas/P\"}}}}},\"get\":{}},"
        "\"/a~b/{id}\":{\"put\":{\"requestBody\":{\"$ref\":"
            "\"#/components/requestBodies/B\"}},"
            "\"summary\":\"s\",\"parameters\":[]},"
        "\"/upload\":{\"post\":{\"requestBody\":{\"content\":{"
            "\"multipart/form-data\":{}}}}}},"
        "\"components\":{\"requestBodies\":{\"B\":{\"content\":{"
            "\"application/json\":{\"schema\":{\"type\":\"integer\"}}}}},"
            "\"schemas\":{\"P\":{\"type\":\"object\"}}}}";

    static const struct {
        const char  *text, *error;
    } cases[] = {
        { "", "not JSON: Expecting value, character 0" },
        { "[]", "not a document of OpenAPI 3.1" },
        { "{\"openapi\":\"3.0.3\"}", "not a document of OpenAPI 3.1" },
        { "{\"openapi\":\"3.1\"}", "not a document of OpenAPI 3.1" },
        { "{\"openapi\":3.1}", "not a document of OpenAPI 3.1" },
        { "{\"openapi\":\"3.1.0\"}", "it has no \"paths\"" },
        { "{\"openapi\":\"3.1.0\",\"paths\":[]}", "it has no \"paths\"" },
        { "{\"openapi\":\"3.1.0\",\"paths\":{\"x\":{\"get\":{}}}}",
          "a path does not begin with \"/\"" }
    };

    openapi = ml_openapi_read(document, strlen(document), error,
                              sizeof(error));
    CHECK(openapi != NULL);

    if (openapi) {
        CHECK_INT(openapi->n, 4);
        CHECK_STR(openapi->operations[0].method, "GET");
        CHECK_STR(openapi->operations[0].pointer, NULL);
        CHECK(!openapi->operations[0].body);
        CHECK_STR(openapi->operations[1].method, "POST");
        CHECK_STR(openapi->operations[1].path, "/predict");
        CHECK_STR(openapi->operations[1].pointer, "/paths/~1predict/post/"
                  "requestBody/content/application~1json/schema");
        CHECK(openapi->operations[1].required);
        CHECK_STR(openapi->operations[2].path, "/a~b/{id}");
        CHECK_STR(openapi->operations[2].pointer, "/components/"
                  "requestBodies/B/content/application~1json/schema");
        CHECK(!openapi->operations[2].required);
        CHECK(openapi->operations[3].body);
        CHECK_STR(openapi->operations[3].pointer, NULL);
        ml_openapi_destroy(openapi);
    }

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error[0] = '\0';
        CHECK(ml_openapi_read(cases[i].text, strlen(cases[i].text), error,
                              sizeof(error)) == NULL);
        CHECK_STR(error, cases[i].error);
    }
}


static const ml_openai_limits_t  few = { 3, 20, 30, 100, 2, 1 };


static int
openai(int chat, const char *body)
{
    char               error[400];
    ml_text_t          text;
    ml_schema_t       *schema;
    ml_validator_t    *v;
    ml_body_status_e   status;

    ml_text_init(&text);
    ml_openai_schema(&few, chat, &text);
    schema = ml_schema_compile(text.data, text.len, NULL, error,
                               sizeof(error));
    ml_text_free(&text);
    CHECK(schema != NULL);

    if (schema == NULL) {
        fprintf(stderr, "%s\n", error);
        return -1;
    }

    v = run(schema, body, strlen(body), 0, 1, &status);
    ml_validator_destroy(v);
    ml_schema_destroy(schema);

    return status == ML_BODY_PASSED;
}


#define CHAT(m)   "{\"model\":\"m\",\"messages\":[" m "]}"
#define SAY(c)    "{\"role\":\"user\",\"content\":" c "}"
#define WITH(f)   "{\"model\":\"m\",\"messages\":[" SAY("\"a\"") "]," f "}"


/* Both sides of each limit. */
static void
test_openai(void)
{
    size_t  i;

    static const struct {
        int          chat, valid;
        const char  *body;
    } cases[] = {
        { 1, 1, CHAT(SAY("\"hi\"")) },
        { 1, 0, CHAT("") },
        { 1, 1, CHAT(SAY("\"a\"") "," SAY("\"a\"") "," SAY("\"a\"")) },
        { 1, 0, CHAT(SAY("\"a\"") "," SAY("\"a\"") "," SAY("\"a\"") ","
                     SAY("\"a\"")) },
        { 1, 1, CHAT(SAY("\"12345678901234567890\"")) },
        { 1, 0, CHAT(SAY("\"123456789012345678901\"")) },

        /* the roles count: 4 + 4 + 22 */
        { 1, 1, CHAT(SAY("\"12345678901234567890\"") "," SAY("\"12\"")) },
        { 1, 0, CHAT(SAY("\"12345678901234567890\"") "," SAY("\"123\"")) },
        { 1, 0, CHAT("{\"role\":\"robot\",\"content\":\"a\"}") },
        { 1, 0, CHAT("{\"content\":\"a\"}") },
        { 1, 0, CHAT("{\"role\":\"user\",\"content\":\"a\",\"x\":1}") },
        { 1, 1, CHAT("{\"role\":\"assistant\",\"content\":null}") },
        { 1, 1, CHAT(SAY("[{\"type\":\"text\",\"text\":\"a\"}]")) },
        { 1, 0, CHAT(SAY("[]")) },
        { 1, 0, CHAT(SAY("[{\"text\":\"a\"}]")) },
        { 1, 1, CHAT(SAY("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                         "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA"
                         "ADAAAAAwCAYAAABXAvmHAAAAA0lEQVQ=\"}}]")) },
        { 1, 1, CHAT(SAY("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                         "\"https://example.com/an/image/of/a/cat.png\"}}]"))
        },

        /* 16 million pixels a side, and a file on the server */
        { 1, 0, CHAT(SAY("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                         "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgEA"
                         "AAABAAAACAYAAABXAvmHAAAAA0lEQVQ=\"}}]")) },
        { 1, 0, CHAT(SAY("[{\"type\":\"image_url\",\"image_url\":{\"url\":"
                         "\"file:///etc/passwd\"}}]")) },
        { 1, 1, WITH("\"max_tokens\":100") },
        { 1, 0, WITH("\"max_tokens\":101") },
        { 1, 0, WITH("\"max_tokens\":0") },
        { 1, 0, WITH("\"max_completion_tokens\":101") },
        { 1, 1, WITH("\"n\":2") },
        { 1, 0, WITH("\"n\":3") },
        { 1, 0, WITH("\"n\":1000000") },
        { 1, 1, WITH("\"temperature\":2,\"top_p\":1") },
        { 1, 0, WITH("\"temperature\":2.1") },
        { 1, 1, WITH("\"tools\":[{\"type\":\"function\",\"function\":"
                     "{\"name\":\"f\"}}]") },
        { 1, 0, WITH("\"tools\":[{\"type\":\"function\",\"function\":"
                     "{\"name\":\"f\"}},{\"type\":\"function\","
                     "\"function\":{\"name\":\"g\"}}]") },
        { 1, 1, WITH("\"stop\":[\"a\",\"b\",\"c\",\"d\"]") },
        { 1, 0, WITH("\"stop\":[\"a\",\"b\",\"c\",\"d\",\"e\"]") },

        /* what has crashed servers */
        { 1, 0, WITH("\"guided_regex\":\"(a+)+$\"") },
        { 1, 0, WITH("\"guided_json\":{}") },

        { 0, 1, "{\"model\":\"m\",\"prompt\":\"a\"}" },
        { 0, 1, "{\"model\":\"m\",\"prompt\":[\"a\",\"b\"]}" },
        { 0, 1, "{\"model\":\"m\",\"prompt\":[[1,2],[3]]}" },
        { 0, 1, "{\"model\":\"m\",\"prompt\":[1,2]}" },
        { 0, 0, "{\"model\":\"m\",\"prompt\":[]}" },
        { 0, 0, "{\"model\":\"m\",\"prompt\":[-1]}" },
        { 0, 0, "{\"model\":\"m\",\"prompt\":\"123456789012345678901\"}" },
        { 0, 0, "{\"model\":\"m\",\"prompt\":[\"12345678901234567890\","
                "\"12345678901\"]}" },
        { 0, 0, "{\"model\":\"m\",\"messages\":[]}" },
        { 0, 0, "{\"prompt\":\"a\"}" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (openai(cases[i].chat, cases[i].body) != cases[i].valid) {
            fprintf(stderr, "%s\n", cases[i].body);
            test_failed++;
        }

        test_passed++;
    }
}


int
main(void)
{
    test_match();
    test_read();
    test_openai();

    return TEST_END;
}
