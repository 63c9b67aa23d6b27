/*
 * Bodies of one file in a form: the same verdict however they are split, what
 * may be in front of the file and behind it, and boundaries.
 */

/* link: -lm -lpcre2-8 */

#define _GNU_SOURCE

#include <stdlib.h>

#include "test.h"

#include "schema.h"
#include "ml_evaluate_value.c"
#include "ml_evaluate.c"
#include "ml_violation.c"
#include "ml_violation_failure.c"
#include "ml_raw.c"
#include "ml_npy.c"
#include "ml_image_body.c"
#include "ml_multipart.c"


#define HEAD                                                                  \
    "--bound\r\nContent-Disposition: form-data; name=\"file\"; "              \
    "filename=\"x\"\r\n"
#define PNG   "Content-Type: image/png\r\n"
#define TAIL  "\r\n--bound--\r\n"

/* 16 x 16; of the pixels only CRs and what could be a boundary */
#define FILE                                                                  \
    "\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10\x08\2\0\0\0\0\0\0\0" \
    "\0\0\0\0IDAT\r\r\n--boun\r\n-\r\n--bounD"


static const ml_image_limits_t    pixels = { 256, 1 };
static const ml_multipart_file_t  image = { &pixels, 0, NULL };

static char  told[128];


static ml_body_status_e
feed(const ml_multipart_file_t *file, const char *data, size_t len,
    size_t piece)
{
    char              *copy;
    size_t             i, n;
    ml_body_t         *body;
    ml_body_status_e   rc;

    body = ml_multipart_create("bound", 5, file);
    rc = ML_BODY_MORE;

    for (i = 0; i < len; i += n) {
        n = len - i < piece ? len - i : piece;
        copy = malloc(n);
        memcpy(copy, data + i, n);
        rc = body->ops->feed(body, copy, n);
        free(copy);
    }

    rc = body->ops->finish(body);
    CHECK_INT(body->ops->finish(body), rc);

    (void) snprintf(told, sizeof(told), "%s",
                    rc == ML_BODY_PASSED ? "passed"
                                         : body->ops->error(body)->msg);
    body->ops->destroy(body);

    return rc;
}


static void
verdict(const ml_multipart_file_t *file, const char *data, size_t len,
    const char *want)
{
    size_t  piece;

    for (piece = 1; piece <= len; piece++) {
        (void) feed(file, data, len, piece);

        if (strcmp(told, want) != 0) {
            break;
        }
    }

    CHECK_STR(told, want);
}


#define BODY(data, want)  verdict(&image, data, sizeof(data) - 1, want)


static void
test_images(void)
{
    static char  long_head[ML_MULTIPART_HEADERS + 64];

    BODY(HEAD PNG "\r\n" FILE TAIL, "passed");
    BODY(HEAD "content-TYPE:  IMAGE/png\r\nX: y\r\n\r\n" FILE TAIL, "passed");
    BODY(HEAD PNG "\r\n" FILE "\r\n--bound--", "passed");

    /* in front, behind, in between */

    BODY("x" HEAD PNG "\r\n" FILE TAIL,
         "Value error, it does not begin with its boundary");
    BODY("\r\n" HEAD PNG "\r\n" FILE TAIL,
         "Value error, it does not begin with its boundary");
    BODY("--bound--\r\n", "Value error, it does not begin with its boundary");
    BODY(HEAD PNG "\r\n" FILE TAIL "x",
         "Value error, there is something behind its file");
    BODY(HEAD PNG "\r\n" FILE "\r\n" HEAD PNG "\r\n" FILE TAIL,
         "Value error, there is something behind its file");
    BODY(HEAD PNG "\r\n" FILE "\r\n--bound-x",
         "Value error, there is something behind its file");
    BODY(HEAD PNG "\r\n" FILE, "Value error, it ends before its last boundary");
    BODY(HEAD PNG "\r\n" FILE "\r\n--bound",
         "Value error, it ends before its last boundary");
    BODY(HEAD PNG "\r\n" FILE "\r\n--bound--\r",
         "Value error, it ends before its last boundary");
    BODY(HEAD PNG, "Value error, it ends before its last boundary");

    /* headers */

    BODY(HEAD "\r\n" FILE TAIL, "Value error, the part is of another type");
    BODY(HEAD "Content-Type: image/svg\r\n\r\n" FILE TAIL,
         "Value error, the part is of another type");
    BODY(HEAD PNG PNG "\r\n" FILE TAIL,
         "Value error, the part has several types");
    BODY(HEAD PNG "Content-Transfer-Encoding: base64\r\n\r\n" FILE TAIL,
         "Value error, the part is encoded");
    BODY("--bound\r\n" PNG "\r\n" FILE TAIL,
         "Value error, the part is no file of a form");
    BODY("--bound\r\nContent-Disposition: form-data; name=\"x\"\r\n" PNG
         "\r\n" FILE TAIL, "Value error, the part is no file of a form");

    memset(long_head, 'x', sizeof(long_head));
    memcpy(long_head, "--bound\r\n", 9);
    (void) feed(&image, long_head, 9 + ML_MULTIPART_HEADERS, 1);
    CHECK_STR(told, "Value error, it ends before its last boundary");
    (void) feed(&image, long_head, 9 + ML_MULTIPART_HEADERS + 1, 1);
    CHECK_STR(told, "Value error, the headers of its part are too long");

    /* the file */

    BODY(HEAD "Content-Type: image/gif\r\n\r\n" FILE TAIL,
         "Value error, not a GIF image");
}


static void
test_npy(void)
{
    char          error[128], body[512];
    size_t        len;
    ml_body_t    *made;
    uint32_t      n;
    ml_schema_t  *schema;

    ml_multipart_file_t  file = { NULL, 0, NULL };

    static const char  text[] =
        "{\"x-tensor\": {\"input\": \"x\", \"dtype\": \"uint8\", "
        "\"shape\": [4]}}";
    static const char  header[] =
        "\x93NUMPY\1\0\x36\0{'descr': '|u1', 'fortran_order': False, "
        "'shape': (4,), }";

    schema = ml_schema_compile(text, strlen(text), NULL, error,
                               sizeof(error));
    file.npy = schema->tensors[0];

    len = (size_t) snprintf(body, sizeof(body), "%s", HEAD "\r\n");
    memcpy(body + len, header, 10);
    body[len + 8] = (char) (sizeof(header) - 1 - 10 + 1);
    memcpy(body + len + 10, header + 10, sizeof(header) - 1 - 10);
    len += sizeof(header) - 1;
    memcpy(body + len, "\n\r\n\r\n" TAIL, 5 + sizeof(TAIL) - 1);
    len += 5 + sizeof(TAIL) - 1;

    verdict(&file, body, len, "passed");

    made = ml_multipart_create("bound", 5, &file);
    CHECK_INT(made->ops->feed(made, body, len), ML_BODY_MORE);
    CHECK_INT(made->ops->finish(made), ML_BODY_PASSED);
    CHECK(memcmp(made->ops->tensors(made, &n)->data, "\r\n\r\n", 4) == 0);
    CHECK_INT(n, 1);
    made->ops->destroy(made);

    ml_schema_destroy(schema);
}


static void
test_boundary(void)
{
    size_t  i, n;
    char    type[128];

    static const char *const  bad[] = {
        "multipart/form-data", "multipart/form-data;", "multipart/mixed; "
        "boundary=x", "multipart/form-data; boundary=",
        "multipart/form-data; boundary=a b", "multipart/form-data; "
        "boundary=a; boundary=b", "multipart/form-data; charset=utf-8",
        "multipart/form-data; boundary=\"x", "multipart/form-databoundary=x",
        "multipart/form-data; boundary=\"\"", "multipart/form-data; "
        "boundary=a\r", "image/png", ""
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(ml_multipart_boundary(bad[i], strlen(bad[i]), &n) == NULL);
    }

    n = (size_t) snprintf(type, sizeof(type),
                          "Multipart/Form-Data ; BOUNDARY=\"a'()+_,-./:=?9\"");
    CHECK(ml_multipart_boundary(type, n, &i) != NULL);
    CHECK_INT(i, 14);

    memcpy(type, "multipart/form-data;boundary=", 29);
    memset(type + 29, 'x', ML_MULTIPART_BOUNDARY + 1);
    CHECK(ml_multipart_boundary(type, 29 + ML_MULTIPART_BOUNDARY, &n)
          == type + 29);
    CHECK_INT(n, ML_MULTIPART_BOUNDARY);
    CHECK(ml_multipart_boundary(type, 30 + ML_MULTIPART_BOUNDARY, &n)
          == NULL);
}


int
main(void)
{
    test_images();
    test_npy();
    test_boundary();

    TEST_END;
}
