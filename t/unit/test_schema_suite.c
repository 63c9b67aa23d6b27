/*
 * JSON-Schema-Test-Suite, draft 2020-12 (t/conformance): every mandatory
 * test has its verdict, whole and byte by byte; the optional ones and those
 * of formats are scored.
 */

/* link: -lm -lpcre2-8 */

#include <dirent.h>

#include "validator.h"


#define SUITE  "t/conformance/json-schema-test-suite"


static ml_schema_registry_t  registry;


static int
load(void *data, const char *uri, ml_text_t *text)
{
    return ml_schema_registry_load(data, uri, text);
}


static ml_tape_t *
read_tape(const char *name)
{
    ml_text_t                      text;
    ml_tape_t                     *tape;
    ml_json_reader_t              *reader;
    static const ml_json_limits_t  large = {
        ML_JSON_DEPTH_MAX, UINT32_MAX, 1 << 24, ML_NUMBER_MAX, UINT64_MAX
    };

    ml_text_init(&text);

    if (ml_schema_read_file(name, 1 << 24, &text) != 0) {
        fprintf(stderr, "%s: cannot read\n", name);
        abort();
    }

    tape = malloc(sizeof(ml_tape_t));
    ml_tape_init(tape, 1 << 28);
    reader = ml_json_create(&large, seed, &ml_tape_events, tape);
    ml_json_feed(reader, text.data, text.len);

    if (ml_json_finish(reader) != ML_JSON_DONE) {
        fprintf(stderr, "%s: not JSON\n", name);
        abort();
    }

    ml_json_destroy(reader);
    ml_text_free(&text);

    return tape;
}


static int
is_valid(const ml_schema_t *schema, const char *body, size_t len, size_t step)
{
    size_t                         i, n;
    ml_validator_t                *v;
    ml_body_status_e               status;
    static const ml_json_limits_t  large = {
        512, 100000, 1 << 24, ML_NUMBER_MAX, UINT64_MAX
    };

    v = ml_validator_create(schema, &large, 1 << 20, seed, NULL, 1);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;
        (void) ml_validator_feed(v, body + i, n);
    }

    status = ml_validator_finish(v);

    if (status == ML_BODY_REJECTED) {
        CHECK(ml_validator_error(v)->type != NULL);
        CHECK(ml_validator_error(v)->msg != NULL);
    }

    ml_validator_destroy(v);

    return status == ML_BODY_PASSED ? 1 : status == ML_BODY_REJECTED ? 0 : -1;
}


typedef struct {
    unsigned  right;
    unsigned  all;
} score_t;


static const char *
text_of(const ml_tape_t *tape, uint32_t i, const char *name)
{
    static char  text[1024];

    i = ml_tape_member(tape, i, name, strlen(name));
    snprintf(text, sizeof(text), "%.*s", (int) tape->nodes[i].size,
             ml_tape_text(tape, i));
    return text;
}


static void
run_group(const char *file, const ml_tape_t *tape, uint32_t group,
    int mandatory, int formats, score_t *score)
{
    int                  want, whole, bytes;
    char                 error[1024], title[1024];
    uint32_t             i, end, data;
    ml_text_t            text;
    ml_schema_t         *schema;
    ml_schema_options_t  options;

    memset(&options, 0, sizeof(ml_schema_options_t));
    options.load = load;
    options.data = &registry;
    options.formats = (unsigned) formats;

    ml_text_init(&text);
    ml_tape_print(tape, ml_tape_member(tape, group, "schema", 6), &text);
    schema = ml_schema_compile(text.data, text.len, &options, error,
                               sizeof(error));
    ml_text_free(&text);

    snprintf(title, sizeof(title), "%s", text_of(tape, group, "description"));
    i = ml_tape_member(tape, group, "tests", 5);
    end = ml_tape_next(tape, i);

    if (schema == NULL && (mandatory || getenv("ML_SUITE_VERBOSE"))) {
        fprintf(stderr, "%s: %s: %s\n", file, title, error);
    }

    for (i++; i < end; i = ml_tape_next(tape, i)) {
        score->all++;
        want = tape->nodes[ml_tape_member(tape, i, "valid", 5)].type
               == ML_TAPE_TRUE;
        data = ml_tape_member(tape, i, "data", 4);

        if (schema == NULL) {
            test_failed += mandatory;
            continue;
        }

        ml_text_init(&text);
        ml_tape_print(tape, data, &text);
        whole = is_valid(schema, text.data, text.len, text.len);
        bytes = is_valid(schema, text.data, text.len, 1);
        ml_text_free(&text);

        CHECK_INT(bytes, whole);
        score->right += whole == want;

        if (mandatory) {
            test_passed += whole == want;
            test_failed += whole != want;
        }

        if (whole != want && (mandatory || getenv("ML_SUITE_VERBOSE"))) {
            fprintf(stderr, "%s: %s: %s: %d\n", file, title,
                    text_of(tape, i, "description"), whole);
        }
    }

    ml_schema_destroy(schema);
}


static int
by_name(const void *one, const void *two)
{
    return strcmp(*(char *const *) one, *(char *const *) two);
}


static void
run_directory(const char *title, const char *directory, int mandatory,
    int formats)
{
    char           *names[100], path[1024];
    DIR            *dir;
    size_t          n, k;
    score_t         score = { 0, 0 };
    uint32_t        i, end;
    ml_tape_t      *tape;
    struct dirent  *entry;

    dir = opendir(directory);

    if (dir == NULL) {
        perror(directory);
        abort();
    }

    for (n = 0; n < 100 && (entry = readdir(dir)) != NULL; /* void */ ) {
        if (strstr(entry->d_name, ".json")) {
            names[n++] = strdup(entry->d_name);
        }
    }

    closedir(dir);
    qsort(names, n, sizeof(char *), by_name);

    for (k = 0; k < n; k++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[k]);
        tape = read_tape(path);
        end = ml_tape_next(tape, 0);

        for (i = 1; i < end; i = ml_tape_next(tape, i)) {
            run_group(names[k], tape, i, mandatory, formats, &score);
        }

        ml_tape_free(tape);
        free(tape);
        free(names[k]);
    }

    printf("%s: %u of %u\n", title, score.right, score.all);

    if (mandatory) {
        CHECK_INT(score.all, 1299);
    }
}


int
main(void)
{
    CHECK_STR(ml_schema_registry_add(&registry, "http://localhost:1234/="
                                     SUITE "/remotes"), NULL);

    run_directory("mandatory", SUITE "/tests/draft2020-12", 1, 0);
    run_directory("optional", SUITE "/tests/draft2020-12/optional", 0, 0);
    run_directory("formats", SUITE "/tests/draft2020-12/optional/format", 0,
                  1);

    return TEST_END;
}
