/*
 * ml_check: checks files as ngx_ml_validate checks bodies, with its code.
 *
 *     ml_check --schema S [--registry URI=DIR]... [--formats] FILE...
 *     ml_check --model M.onnx FILE...
 *     ml_check --syntax FILE...
 *
 * Prints one line of JSON for each file:
 *
 *     {"file":"a.json","valid":true}
 *     {"file":"b.json","valid":false,"detail":[{"type":...,"loc":[...],...}]}
 *     {"file":"c.json","error":"No such file or directory"}
 *
 * Exit status: 0, all are valid; 1, some are not; 2, usage, a schema or model
 * that cannot be used, or a file that cannot be read.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "ml_model.h"
#include "ml_npy.h"
#include "ml_raw.h"
#include "ml_scan.h"
#include "ml_schema_registry.h"
#include "ml_validator.h"


typedef enum {
    ML_CHECK_JSON = 0,
    ML_CHECK_RAW,
    ML_CHECK_NPY
} ml_check_protocol_e;


typedef struct {
    const char            *schema_name;
    const char            *model_name;
    int                    syntax;
    ml_schema_registry_t   registry;
    int                    formats;
    ml_check_protocol_e    protocol;
    size_t                 chunk;
    uint32_t               errors;
    ml_json_limits_t       limits;
    size_t                 deferred;
    const char            *patterns_name;
    uint64_t               block;       /* a score; 0: none */

    ml_rules_t            *rules;
    uint8_t                seed[16];
    ml_schema_t           *schema;
} ml_check_t;


static const char  ml_check_usage[] =
    "Usage: ml_check --schema S [--registry URI=DIR]... [--formats] "
        "[OPTION]... FILE...\n"
    "       ml_check --model M.onnx [OPTION]... FILE...\n"
    "       ml_check --syntax [OPTION]... FILE...\n"
    "\n"
    "Checks files as ml_validate checks bodies; \"-\" is the standard input.\n"
    "\n"
    "  --schema S          against the JSON Schema in S\n"
    "  --registry URI=DIR  files under DIR answer for references under URI\n"
    "  --formats           \"format\" is checked\n"
    "  --model M.onnx      against what the model takes\n"
    "  --syntax            as JSON alone\n"
    "  --protocol NAME     json, raw or npy; json\n"
    "  --limit NAME=N      one of ml_validate_limits, in plain numbers\n"
    "  --patterns FILE     the texts against the rules in FILE, too\n"
    "  --block N           rules that score N together are not allowed\n"
    "  --errors N          tells as many violations of JSON; 1\n"
    "  --chunk N           feeds N bytes at a time\n";


static int
ml_check_load(void *data, const char *uri, ml_text_t *text)
{
    return ml_schema_registry_load(data, uri, text);
}


static void
ml_check_warn(void *data, const char *line)
{
    fprintf(stderr, "ml_check: warning: %s\n", line);
}


static int
ml_check_compile(ml_check_t *check, const char *name, const ml_text_t *text)
{
    char                 error[1024];
    ml_schema_options_t  options;

    memset(&options, 0, sizeof(ml_schema_options_t));
    options.load = ml_check_load;
    options.warn = ml_check_warn;
    options.data = &check->registry;
    options.formats = check->formats != 0;

    check->schema = ml_schema_compile(text->data ? text->data : "", text->len,
                                      &options, error, sizeof(error));

    if (check->schema == NULL) {
        fprintf(stderr, "ml_check: %s: %s\n", name, error);
        return -1;
    }

    if (check->protocol != ML_CHECK_JSON
        && check->schema->root->tensor == NULL)
    {
        fprintf(stderr, "ml_check: %s: its root has no \"x-tensor\", which "
                "the protocol needs\n", name);
        return -1;
    }

    return 0;
}


static int
ml_check_read_schema(ml_check_t *check)
{
    int        error, rc;
    ml_text_t  text;

    ml_text_init(&text);
    error = ml_schema_read_file(check->schema_name, ML_SCHEMA_SIZE, &text);

    if (error) {
        fprintf(stderr, "ml_check: %s: %s\n", check->schema_name,
                strerror(error));
        rc = -1;

    } else {
        rc = ml_check_compile(check, check->schema_name, &text);
    }

    ml_text_free(&text);

    return rc;
}


static int
ml_check_read_patterns(ml_check_t *check)
{
    int        error;
    char       why[512];
    ml_text_t  text;

    ml_text_init(&text);
    error = ml_schema_read_file(check->patterns_name, ML_RULES_SIZE, &text);

    if (error) {
        (void) snprintf(why, sizeof(why), "%s", strerror(error));

    } else {
        check->rules = ml_rules_read(text.data ? text.data : "", text.len,
                                     why, sizeof(why));
    }

    ml_text_free(&text);

    if (check->rules == NULL) {
        fprintf(stderr, "ml_check: %s: %s\n", check->patterns_name, why);
        return -1;
    }

    return 0;
}


/* As many rows as the limit of elements allows. */
static int
ml_check_derive(ml_check_t *check)
{
    int                      rc;
    char                     error[1024];
    size_t                   n;
    ml_text_t                text;
    ml_model_t              *model;
    const ml_tensor_spec_t  *inputs;

    model = ml_model_open(check->model_name, error, sizeof(error));

    if (model == NULL) {
        fprintf(stderr, "ml_check: %s: %s\n", check->model_name, error);
        return -1;
    }

    inputs = ml_model_inputs(model, &n);
    ml_text_init(&text);

    if (ml_schema_derive(inputs, n, ml_model_batched(model)
                                    ? check->limits.elements : 1,
                         check->limits.elements,
                         check->protocol != ML_CHECK_JSON, &text)
        == 0)
    {
        rc = ml_check_compile(check, check->model_name, &text);

    } else {
        fprintf(stderr, "ml_check: %s: its inputs do not fit the protocol, "
                "or the limit of elements\n", check->model_name);
        rc = -1;
    }

    ml_text_free(&text);
    ml_model_close(model);

    return rc;
}


static ml_body_t *
ml_check_body(const ml_check_t *check)
{
    switch (check->protocol) {

    case ML_CHECK_RAW:
        return ml_raw_create(check->schema->tensors[0]);

    case ML_CHECK_NPY:
        return ml_npy_create(check->schema->tensors[0]);

    default: /* ML_CHECK_JSON */
        return ml_validator_body(ml_validator_create(check->schema,
                                                     &check->limits,
                                                     check->deferred,
                                                     check->seed, NULL,
                                                     check->errors));
    }
}


static ml_body_status_e
ml_check_feed(const ml_check_t *check, ml_body_t *body, const char *bytes,
    size_t len)
{
    size_t            n, step;
    ml_body_status_e  status;

    status = ML_BODY_MORE;
    step = check->chunk ? check->chunk : len;

    for ( /* void */ ; status == ML_BODY_MORE && len; bytes += n, len -= n) {
        n = len < step ? len : step;
        status = body->ops->feed(body, bytes, n);
    }

    return status;
}


/* 0, or an errno; *status is the verdict. */
static int
ml_check_read(const ml_check_t *check, ml_body_t *body, int fd,
    ml_body_status_e *status)
{
    ssize_t      n;
    static char  buffer[65536];

    do {
        n = read(fd, buffer, sizeof(buffer));

        if (n < 0) {

            if (errno == EINTR) {
                *status = ML_BODY_MORE;
                continue;
            }

            return errno;
        }

        *status = n ? ml_check_feed(check, body, buffer, (size_t) n)
                    : body->ops->finish(body);

    } while (*status == ML_BODY_MORE);

    return 0;
}


/* ,"detail":[...] */
static void
ml_check_detail(const ml_error_t *error, ml_text_t *out)
{
    ml_text_t          text;
    ml_error_answer_t  answer;

    memset(&answer, 0, sizeof(ml_error_answer_t));
    answer.status = 422;
    answer.title = "";
    answer.detail = "";
    answer.errors = error;

    ml_text_init(&text);
    ml_error_render(&text, ML_ERROR_FASTAPI, &answer);

    if (text.failed) {
        out->failed = 1;

    } else {
        /* an object: its only member goes into ours */
        ml_text_append(out, ",", 1);
        ml_text_append(out, text.data + 1, text.len - 2);
    }

    ml_text_free(&text);
}


/* ,"score":N,"rules":["id",...] */
static void
ml_check_found(const ml_scan_t *scan, ml_text_t *out)
{
    uint32_t     i;
    const char  *comma;

    ml_text_printf(out, ",\"score\":%llu,\"rules\":[",
                   (unsigned long long) scan->score);

    for (comma = "", i = 0; i < scan->rules->n; i++) {
        if (ml_scan_found(scan, i)) {
            ml_text_printf(out, "%s\"%s\"", comma, scan->rules->rules[i].id);
            comma = ",";
        }
    }

    ml_text_append(out, "]", 1);
}


/* The exit status that the file alone would lead to. */
static int
ml_check_file(const ml_check_t *check, const char *name)
{
    int               fd, error, rc;
    ml_text_t         out;
    ml_body_t        *body;
    ml_scan_t        *scan;
    ml_body_watch_t   watch;
    ml_body_status_e  status;

    ml_text_init(&out);
    ml_text_printf(&out, "{\"file\":");
    ml_text_json_string(&out, name, strlen(name));

    fd = strcmp(name, "-") == 0 ? STDIN_FILENO
                                : open(name, O_RDONLY | O_CLOEXEC);
    error = fd == -1 ? errno : 0;
    body = NULL;
    scan = NULL;
    status = ML_BODY_FAILED;

    if (error == 0) {
        body = ml_check_body(check);

        if (body && check->rules && body->ops->watch) {
            scan = ml_scan_create(check->rules, check->block);
            watch.string = ml_scan_string;
            watch.data = scan;

            if (scan) {
                body->ops->watch(body, &watch);

            } else {
                body->ops->destroy(body);
                body = NULL;
            }
        }

        error = body ? ml_check_read(check, body, fd, &status) : 0;
    }

    if (error) {
        ml_text_printf(&out, ",\"error\":");
        ml_text_json_string(&out, strerror(error), strlen(strerror(error)));
        rc = 2;

    } else if (status == ML_BODY_PASSED) {
        ml_text_printf(&out, ",\"valid\":true");
        rc = 0;

    } else if (status == ML_BODY_REJECTED) {
        ml_text_printf(&out, ",\"valid\":false");
        ml_check_detail(body->ops->error(body), &out);
        rc = 1;

    } else {
        ml_text_printf(&out, ",\"error\":\"out of memory\"");
        rc = 2;
    }

    if (scan && scan->found) {
        ml_check_found(scan, &out);
    }

    ml_text_append(&out, "}\n", 2);
    ml_scan_destroy(scan);

    if (out.failed || fwrite(out.data, 1, out.len, stdout) != out.len) {
        rc = 2;
    }

    ml_text_free(&out);

    if (body) {
        body->ops->destroy(body);
    }

    if (fd > STDIN_FILENO) {
        (void) close(fd);
    }

    return rc;
}


static int
ml_check_number(const char *text, uint64_t most, uint64_t *value)
{
    char  *end;

    errno = 0;
    *value = strtoull(text, &end, 10);

    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0
           && *value > 0 && *value <= most;
}


/* NAME=N */
static int
ml_check_limit(ml_check_t *check, const char *text)
{
    size_t       i, len;
    uint64_t     value;
    const char  *equals;

    static const struct {
        const char  *name;
        uint64_t     most;
    } limits[] = {
        { "depth", ML_JSON_DEPTH_MAX },
        { "keys", 100000000 },
        { "string", INT32_MAX },
        { "number", ML_NUMBER_MAX },
        { "elements", INT64_MAX },
        { "deferred", INT32_MAX }
    };

    equals = strchr(text, '=');
    len = equals ? (size_t) (equals - text) : 0;

    for (i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        if (strlen(limits[i].name) == len
            && memcmp(limits[i].name, text, len) == 0)
        {
            break;
        }
    }

    if (i == sizeof(limits) / sizeof(limits[0])
        || !ml_check_number(equals + 1, limits[i].most, &value))
    {
        return -1;
    }

    switch (i) {

    case 0:
        check->limits.depth = (uint32_t) value;
        break;

    case 1:
        check->limits.keys = (uint32_t) value;
        break;

    case 2:
        check->limits.string = value;
        break;

    case 3:
        check->limits.number = (uint32_t) value;
        break;

    case 4:
        check->limits.elements = value;
        break;

    default:
        check->deferred = value;
    }

    return 0;
}


static int
ml_check_protocol(ml_check_t *check, const char *name)
{
    size_t  i;

    static const char *const  names[] = { "json", "raw", "npy" };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            check->protocol = (ml_check_protocol_e) i;
            return 0;
        }
    }

    return -1;
}


/* An option with a value: 0, or -1 for a bad one. */
static int
ml_check_option(ml_check_t *check, const char *name, const char *value)
{
    uint64_t     n;
    const char  *why;

    if (strcmp(name, "--schema") == 0 && check->schema_name == NULL) {
        check->schema_name = value;
        return 0;
    }

    if (strcmp(name, "--model") == 0 && check->model_name == NULL) {
        check->model_name = value;
        return 0;
    }

    if (strcmp(name, "--patterns") == 0 && check->patterns_name == NULL) {
        check->patterns_name = value;
        return 0;
    }

    if (strcmp(name, "--block") == 0) {
        return ml_check_number(value, UINT32_MAX, &check->block) ? 0 : -1;
    }

    if (strcmp(name, "--registry") == 0) {
        why = ml_schema_registry_add(&check->registry, value);

        if (why) {
            fprintf(stderr, "ml_check: \"%s\" %s\n", value, why);
        }

        return why ? -1 : 0;
    }

    if (strcmp(name, "--protocol") == 0) {
        return ml_check_protocol(check, value);
    }

    if (strcmp(name, "--limit") == 0) {
        return ml_check_limit(check, value);
    }

    if (strcmp(name, "--chunk") == 0
        && ml_check_number(value, SIZE_MAX / 2, &n))
    {
        check->chunk = n;
        return 0;
    }

    if (strcmp(name, "--errors") == 0
        && ml_check_number(value, ML_VALIDATOR_ERRORS, &n) && n)
    {
        check->errors = (uint32_t) n;
        return 0;
    }

    return -1;
}


/* The first FILE, or 0. */
static int
ml_check_options(ml_check_t *check, int argc, char **argv)
{
    int  i;

    for (i = 1; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {

        if (strcmp(argv[i], "--") == 0) {
            i++;
            break;
        }

        if (strcmp(argv[i], "--syntax") == 0) {
            check->syntax = 1;
            continue;
        }

        if (strcmp(argv[i], "--formats") == 0) {
            check->formats = 1;
            continue;
        }

        if (i + 1 == argc
            || ml_check_option(check, argv[i], argv[i + 1]) != 0)
        {
            return 0;
        }

        i++;
    }

    if ((check->schema_name != NULL) + (check->model_name != NULL)
        + check->syntax != 1
        || (check->syntax && check->protocol != ML_CHECK_JSON)
        || (check->block && check->patterns_name == NULL)
        || (check->schema_name == NULL
            && (check->registry.n || check->formats)))
    {
        return 0;
    }

    return i < argc ? i : 0;
}


int
main(int argc, char **argv)
{
    int         i, rc, worst;
    ml_text_t   any;
    ml_check_t  check;

    /* the defaults of the directive */
    static const ml_json_limits_t  limits = { 32, 1000, 1 << 20, 64,
                                              1000000 };

    /* a check of the syntax alone has no use for a service's limits */
    static const ml_json_limits_t  wide = { ML_JSON_DEPTH_MAX, 100000000,
                                            INT32_MAX, ML_NUMBER_MAX,
                                            INT64_MAX };

    memset(&check, 0, sizeof(ml_check_t));
    check.limits = limits;
    check.deferred = 1 << 20;
    check.errors = 1;

    for (i = 1; i < argc; i++) {

        if (strcmp(argv[i], "--help") == 0) {
            fputs(ml_check_usage, stdout);
            return 0;
        }

        if (strcmp(argv[i], "--syntax") == 0) {
            check.limits = wide;
        }
    }

    i = ml_check_options(&check, argc, argv);

    if (i == 0) {
        fputs(ml_check_usage, stderr);
        return 2;
    }

    if (getrandom(check.seed, sizeof(check.seed), 0)
        != (ssize_t) sizeof(check.seed))
    {
        fprintf(stderr, "ml_check: no random bytes\n");
        return 2;
    }

    if (check.schema_name) {
        rc = ml_check_read_schema(&check);

    } else if (check.model_name) {
        rc = ml_check_derive(&check);

    } else {
        ml_text_init(&any);
        ml_text_append(&any, "{}", 2);
        rc = ml_check_compile(&check, "syntax", &any);
        ml_text_free(&any);
    }

    if (rc == 0 && check.patterns_name) {
        rc = ml_check_read_patterns(&check);
    }

    worst = rc ? 2 : 0;

    for ( /* void */ ; rc == 0 && i < argc; i++) {
        int  status;

        status = ml_check_file(&check, argv[i]);
        worst = status > worst ? status : worst;
    }

    if (fflush(stdout) != 0) {
        worst = 2;
    }

    ml_schema_destroy(check.schema);
    ml_rules_destroy(check.rules);

    return worst;
}
