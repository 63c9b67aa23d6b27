/*
 * Bodies of raw elements and in numpy's format: the same verdict however they
 * are split, both sides of every limit, and what is none of them.
 */

/* link: -lm -lpcre2-8 */

#include <stdlib.h>

#include "test.h"

#include "schema.h"
#include "ml_evaluate_value.c"
#include "ml_evaluate.c"
#include "ml_violation.c"
#include "ml_violation_failure.c"
#include "ml_raw.c"
#include "ml_npy.c"


static ml_schema_t  *schema;
static char          told[256];     /* the last error: type, path */


static void
use(const char *tensor)
{
    char  text[512], error[256];

    if (schema) {
        ml_schema_destroy(schema);
    }

    (void) snprintf(text, sizeof(text), "{\"x-tensor\": %s}", tensor);
    schema = ml_schema_compile(text, strlen(text), NULL, error, sizeof(error));

    if (schema == NULL) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
}


static void
tell(const ml_body_t *body)
{
    size_t             i, len;
    const ml_error_t  *error;

    error = body->ops->error(body);
    len = (size_t) snprintf(told, sizeof(told), "%s", error->type);

    for (i = 0; i < error->npath; i++) {
        len += (size_t) snprintf(told + len, sizeof(told) - len, " %lu",
                                 (unsigned long) error->path[i].index);
    }

    (void) snprintf(told + len, sizeof(told) - len, ": %s", error->msg);
}


/* Fed in pieces of that size; the tensor is compared with "want". */

static ml_body_status_e
feed(int npy, const void *data, size_t len, size_t piece, const void *want,
    size_t bytes)
{
    size_t             i;
    uint32_t           n;
    ml_body_t         *body;
    ml_tensor_t       *tensor;
    ml_body_status_e   rc;

    body = npy ? ml_npy_create(schema->tensors[0])
               : ml_raw_create(schema->tensors[0]);
    rc = ML_BODY_MORE;

    for (i = 0; i < len && rc == ML_BODY_MORE; i += piece) {
        rc = body->ops->feed(body, (const char *) data + i,
                             len - i < piece ? len - i : piece);
    }

    if (rc == ML_BODY_MORE) {
        rc = body->ops->finish(body);
    }

    /* it stays so */
    CHECK_INT(body->ops->feed(body, "x", 1), rc);
    CHECK_INT(body->ops->finish(body), rc);

    if (rc == ML_BODY_REJECTED) {
        tell(body);

    } else if (rc == ML_BODY_PASSED) {
        tensor = body->ops->tensors(body, &n);
        CHECK_INT(n, 1);
        CHECK_INT(tensor->bytes, bytes);
        CHECK(tensor->bytes == bytes
              && memcmp(tensor->data, want, bytes) == 0);
    }

    body->ops->destroy(body);

    return rc;
}


/* All splits agree. */

static ml_body_status_e
verdict(int npy, const void *data, size_t len, const void *want, size_t bytes)
{
    char               first[256];
    size_t             piece;
    ml_body_status_e   rc;

    told[0] = '\0';
    rc = feed(npy, data, len, len ? len : 1, want, bytes);
    memcpy(first, told, sizeof(first));

    for (piece = 1; piece < len; piece++) {
        CHECK_INT(feed(npy, data, len, piece, want, bytes), rc);
        CHECK_STR(told, first);
    }

    return rc;
}


#define RAW(data)                                                             \
    verdict(0, data, sizeof(data), data, sizeof(data))


static void
test_shapes(void)
{
    float  six[6] = { 1, 2, 3, 4, 5, 6 };
    float  eight[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };

    use("{\"input\": \"x\", \"dtype\": \"float32\", \"shape\": [2, 3]}");
    CHECK_INT(RAW(six), ML_BODY_PASSED);
    CHECK_INT(verdict(0, six, 12, NULL, 0), ML_BODY_REJECTED);
    CHECK_STR(told, "too_short: List should have at least 2 items after "
              "validation, not 1");
    CHECK_INT(verdict(0, six, 23, NULL, 0), ML_BODY_REJECTED);
    CHECK_STR(told, "value_error: Value error, the last row is cut off");
    CHECK_INT(verdict(0, eight, 25, NULL, 0), ML_BODY_REJECTED);
    CHECK_STR(told, "too_long: List should have at most 2 items after "
              "validation, not more");

    use("{\"input\": \"x\", \"dtype\": \"float32\", \"shape\": [-1, 2], "
        "\"maxItems\": 3}");
    CHECK_INT(verdict(0, eight, 8, eight, 8), ML_BODY_PASSED);
    CHECK_INT(verdict(0, eight, 24, eight, 24), ML_BODY_PASSED);
    CHECK_INT(verdict(0, eight, 25, NULL, 0), ML_BODY_REJECTED);
    CHECK(strncmp(told, "too_long: ", 10) == 0);
    CHECK_INT(verdict(0, eight, 12, NULL, 0), ML_BODY_REJECTED);
    CHECK_INT(verdict(0, eight, 0, NULL, 0), ML_BODY_REJECTED);
    CHECK(strncmp(told, "too_short: ", 11) == 0);

    use("{\"input\": \"x\", \"dtype\": \"float32\", \"shape\": []}");
    CHECK_INT(verdict(0, eight, 4, eight, 4), ML_BODY_PASSED);
    CHECK_INT(verdict(0, eight, 5, NULL, 0), ML_BODY_REJECTED);
    CHECK_INT(verdict(0, eight, 3, NULL, 0), ML_BODY_REJECTED);
}


static void
test_elements(void)
{
    float     f[4] = { 1, -2, 3, 0 };
    double    d[2] = { 0.5, 1e300 };
    int8_t    b[3] = { -5, 0, 5 };
    int64_t   l[2] = { INT64_MIN, INT64_MAX };
    uint8_t   flag[3] = { 0, 1, 2 };
    uint16_t  h[3] = { 0x3c00, 0x7bff, 0x7c00 };
    uint64_t  u[1] = { UINT64_MAX };

    use("{\"input\": \"x\", \"dtype\": \"float32\", \"shape\": [2, 2], "
        "\"minimum\": -2, \"maximum\": 3}");
    CHECK_INT(RAW(f), ML_BODY_PASSED);
    f[2] = 3.0000003f;
    CHECK_INT(RAW(f), ML_BODY_REJECTED);
    CHECK_STR(told, "less_than_equal 1 0: Input should be less than or equal "
              "to 3");
    f[2] = -2.0000003f;
    CHECK_INT(RAW(f), ML_BODY_REJECTED);
    CHECK_STR(told, "greater_than_equal 1 0: Input should be greater than or "
              "equal to -2");
    f[3] = NAN;
    f[2] = -0.0f;
    CHECK_INT(RAW(f), ML_BODY_REJECTED);
    CHECK_STR(told, "finite_number 1 1: Input should be a finite number");

    use("{\"input\": \"x\", \"dtype\": \"float64\", \"shape\": [2]}");
    CHECK_INT(RAW(d), ML_BODY_PASSED);
    d[0] = -INFINITY;
    CHECK_INT(RAW(d), ML_BODY_REJECTED);
    CHECK_STR(told, "finite_number 0: Input should be a finite number");
    d[0] = NAN;
    CHECK_INT(RAW(d), ML_BODY_REJECTED);

    use("{\"input\": \"x\", \"dtype\": \"float16\", \"shape\": [-1], "
        "\"maxItems\": 3}");
    CHECK_INT(verdict(0, h, 4, h, 4), ML_BODY_PASSED);
    CHECK_INT(RAW(h), ML_BODY_REJECTED);
    CHECK_STR(told, "finite_number 2: Input should be a finite number");
    h[2] = 0xfe01;
    CHECK_INT(RAW(h), ML_BODY_REJECTED);
    CHECK_STR(told, "finite_number 2: Input should be a finite number");

    use("{\"input\": \"x\", \"dtype\": \"int8\", \"shape\": [3], "
        "\"minimum\": -5, \"maximum\": 5}");
    CHECK_INT(RAW(b), ML_BODY_PASSED);
    b[1] = 6;
    CHECK_INT(RAW(b), ML_BODY_REJECTED);
    CHECK_STR(told, "less_than_equal 1: Input should be less than or equal to "
              "5");
    b[0] = -6;
    CHECK_INT(RAW(b), ML_BODY_REJECTED);
    CHECK_STR(told, "greater_than_equal 0: Input should be greater than or "
              "equal to -5");

    use("{\"input\": \"x\", \"dtype\": \"int64\", \"shape\": [2]}");
    CHECK_INT(RAW(l), ML_BODY_PASSED);
    use("{\"input\": \"x\", \"dtype\": \"int64\", \"shape\": [2], "
        "\"minimum\": 0}");
    CHECK_INT(RAW(l), ML_BODY_REJECTED);

    use("{\"input\": \"x\", \"dtype\": \"uint64\", \"shape\": [1]}");
    CHECK_INT(RAW(u), ML_BODY_PASSED);
    use("{\"input\": \"x\", \"dtype\": \"uint64\", \"shape\": [1], "
        "\"maximum\": 18446744073709551614}");
    CHECK_INT(RAW(u), ML_BODY_REJECTED);

    use("{\"input\": \"x\", \"dtype\": \"bool\", \"shape\": [-1], "
        "\"maxItems\": 3}");
    CHECK_INT(verdict(0, flag, 2, flag, 2), ML_BODY_PASSED);
    CHECK_INT(RAW(flag), ML_BODY_REJECTED);
    CHECK_STR(told, "bool_type 2: Input should be a valid boolean");
}


/* Much more than fits in the first allocation. */

static void
test_large(void)
{
    char    *data;
    size_t   n = 3000000;

    use("{\"input\": \"x\", \"dtype\": \"uint8\", \"shape\": [-1, 3], "
        "\"maxItems\": 1000000}");
    data = calloc(1, n + 1);
    data[n - 1] = 7;
    CHECK_INT(feed(0, data, n, 5000, data, n), ML_BODY_PASSED);
    CHECK_INT(feed(0, data, n + 1, 5000, data, n), ML_BODY_REJECTED);
    free(data);
}


/* A file: version, literal padded with spaces to a multiple of 64, data. */

static char    file[4096];
static size_t  file_len;

static void
npy(int version, const char *literal, const void *data, size_t bytes)
{
    size_t  fixed, len;

    fixed = version > 1 ? 12 : 10;
    len = fixed + strlen(literal) + 1;
    len = (len + 63) / 64 * 64;

    memset(file, ' ', len);
    memcpy(file, "\x93NUMPY", 6);
    file[6] = (char) version;
    file[7] = 0;
    file[8] = (char) ((len - fixed) & 0xff);
    file[9] = (char) ((len - fixed) >> 8);

    if (fixed == 12) {
        file[10] = file[11] = 0;
    }

    memcpy(file + fixed, literal, strlen(literal));
    file[len - 1] = '\n';
    memcpy(file + len, data, bytes);
    file_len = len + bytes;
}


#define NPY(want, bytes)  verdict(1, file, file_len, want, bytes)


static void
test_npy(void)
{
    int     version;
    float   x[8] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    size_t  i;

    static const char  literal[] =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";

    static const char *const  right[] = {
        "{'shape':(3,2),'descr':\"<f4\",'fortran_order':False}",
        "{ 'fortran_order': False , 'shape': (3, 2,), 'descr': '<f4' ,}"
    };

    static const char *const  wrong[] = {
        "{'descr': '>f4', 'fortran_order': False, 'shape': (3, 2), }",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 2), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (3, 2), }",
        "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (3, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-3, 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3 2), }",
        "{'descr': '<f4', 'fortran_order': False, 'shape': [3, 2], }",
        "{'descr': '<f4', 'fortran_order': False, "
            "'shape': (99999999999999999999, 2), }",
        "{'descr': '<f4', 'fortran_order': False, "
            "'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1), }",
        "{'descr': '<f4', 'fortran_order': False, }",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, "
            "'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), 'a': 1}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (3, 2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2)} x",
        "{'descr: '<f4', 'fortran_order': False, 'shape': (3, 2)}",
        "{'d\\x65scr': '<f4', 'fortran_order': False, 'shape': (3, 2)}",
        "{", "{}", "", "__import__('os')"
    };

    use("{\"input\": \"x\", \"dtype\": \"float32\", \"shape\": [-1, 2], "
        "\"maxItems\": 3}");

    for (version = 1; version < 4; version++) {
        npy(version, literal, x, 24);
        CHECK_INT(NPY(x, 24), ML_BODY_PASSED);
    }

    npy(4, literal, x, 24);
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);
    CHECK_STR(told, "value_error: Value error, a version of numpy's format "
              "that is not known");
    npy(1, literal, x, 24);
    file[7] = 1;
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);
    npy(1, literal, x, 24);
    file[0] = 'x';
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);
    CHECK_STR(told, "value_error: Value error, not a file of numpy's");

    for (i = 0; i < sizeof(right) / sizeof(right[0]); i++) {
        npy(1, right[i], x, 24);
        CHECK_INT(NPY(x, 24), ML_BODY_PASSED);
    }

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        npy(1, wrong[i], x, 24);

        if (NPY(NULL, 0) != ML_BODY_REJECTED) {
            fprintf(stderr, "passed: %s\n", wrong[i]);
            CHECK(0);
        }

        CHECK(strncmp(told, "value_error: ", 13) == 0);
    }

    /* cut off anywhere, and a byte too many */

    npy(1, literal, x, 24);

    for (i = 0; i < file_len; i++) {
        CHECK_INT(feed(1, file, i, 7, NULL, 0), ML_BODY_REJECTED);
    }

    npy(1, literal, x, 25);
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);
    CHECK(strncmp(told, "too_long: ", 10) == 0);

    /* fewer rows than may be, and then no more than were announced */

    npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", x,
        8);
    CHECK_INT(NPY(x, 8), ML_BODY_PASSED);
    npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }", x,
        12);
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);

    x[3] = NAN;
    npy(1, literal, x, 24);
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);
    CHECK_STR(told, "finite_number 1 1: Input should be a finite number");

    /* the longest header, and one that is longer */

    npy(1, literal, x, 24);
    memmove(file + 10 + ML_NPY_HEADER, x, 24);
    memset(file + 10 + strlen(literal), ' ', ML_NPY_HEADER - strlen(literal));
    file[10 + ML_NPY_HEADER - 1] = '\n';
    file[8] = (char) (ML_NPY_HEADER & 0xff);
    file[9] = (char) (ML_NPY_HEADER >> 8);
    file_len = 10 + ML_NPY_HEADER + 24;
    CHECK_INT(feed(1, file, file_len, 100, x, 24), ML_BODY_REJECTED);
    CHECK(strncmp(told, "finite_number", 13) == 0);
    file[8]++;
    CHECK_INT(feed(1, file, file_len, 100, x, 24), ML_BODY_REJECTED);
    CHECK_STR(told, "value_error: Value error, the header is not understood");

    use("{\"input\": \"x\", \"dtype\": \"bool\", \"shape\": [2]}");
    npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }",
        "\0\1", 2);
    CHECK_INT(NPY("\0\1", 2), ML_BODY_PASSED);
    npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }",
        "\0\2", 2);
    CHECK_INT(NPY(NULL, 0), ML_BODY_REJECTED);

    use("{\"input\": \"x\", \"dtype\": \"float64\", \"shape\": []}");
    npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
        "\0\0\0\0\0\0\360\77", 8);
    CHECK_INT(NPY("\0\0\0\0\0\0\360\77", 8), ML_BODY_PASSED);
}


int
main(void)
{
    test_shapes();
    test_elements();
    test_large();
    test_npy();

    ml_schema_destroy(schema);

    return TEST_END;
}
