/*
 * read_numbers DTYPE PIECE
 *
 * Reads JSON texts, one a line, as arrays of elements of that type, with all
 * kernels and in pieces of so many bytes; writes a line for each: the bytes
 * of the elements in hexadecimal, or "refused".
 */

/* link: -lm -lpcre2-8 */

#include <stdlib.h>

#include "validator.h"


static char *
read_line(const ml_schema_t *schema, const ml_pack_kernel_t *kernel,
    const char *text, size_t len, size_t piece)
{
    char              *line;
    size_t             i, n;
    uint32_t           count;
    ml_tensor_t       *tensor;
    ml_validator_t    *v;
    ml_body_status_e   status;

    static const ml_json_limits_t  wide = { 8, 1000, 100000, 1024, 1000000 };

    v = ml_validator_create(schema, &wide, 65536, seed, NULL, 1);

    if (v == NULL) {
        abort();
    }

    v->sink.kernel = kernel;

    for (i = 0; i < len; i += n) {
        n = len - i < piece ? len - i : piece;
        (void) ml_validator_feed(v, text + i, n);
    }

    status = ml_validator_finish(v);

    if (status == ML_BODY_PASSED) {
        tensor = ml_validator_tensors(v, &count);
        line = malloc(tensor->bytes * 2 + 1);

        for (i = 0; i < tensor->bytes; i++) {
            (void) sprintf(line + 2 * i, "%02x",
                           ((unsigned char *) tensor->data)[i]);
        }

    } else if (status == ML_BODY_REJECTED) {
        line = strdup("refused");

    } else {
        abort();
    }

    ml_validator_destroy(v);

    return line;
}


int
main(int argc, char **argv)
{
    char         *text, *line, *other, schema_text[200];
    size_t        k, size, piece;
    ssize_t       len;
    ml_schema_t  *schema;

    if (argc != 3) {
        fprintf(stderr, "usage: read_numbers DTYPE PIECE\n");
        return 2;
    }

    piece = (size_t) atol(argv[2]);

    snprintf(schema_text, sizeof(schema_text),
             "{\"x-tensor\":{\"input\":\"x\",\"dtype\":\"%s\","
             "\"shape\":[-1],\"maxItems\":100000}}", argv[1]);
    schema = compile(schema_text);
    text = NULL;
    size = 0;

    while ((len = getline(&text, &size, stdin)) > 0) {
        line = NULL;

        for (k = 0; k < ML_PACK_KERNELS; k++) {

            if (!ml_pack_kernels[k]->usable()) {
                continue;
            }

            other = read_line(schema, ml_pack_kernels[k], text,
                              (size_t) len - 1, piece);

            if (line && strcmp(line, other) != 0) {
                fprintf(stderr, "kernels differ: %s", text);
                return 1;
            }

            free(line);
            line = other;
        }

        puts(line);
        free(line);
    }

    free(text);
    ml_schema_destroy(schema);

    return 0;
}
