/*
 * Arrays of a million numbers: the validator, with each kernel, against
 * simdjson on demand doing the same, in rounds of one after the other.
 *
 * Prints a line for each array and round: its name, ns per element of
 * simdjson, of the validator with each kernel, and of the validator without.
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ml_validator_state.h"
#include "numbers.h"


#define ELEMENTS  1000000
#define ROUNDS    15
#define PIECE     16384             /* as a worker reads a body */


static uint64_t  state = 88172645463325252;


static double
uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;

    return (double) (state >> 11) / 9007199254740992.0;
}


static double
normal(void)
{
    int     i;
    double  sum;

    for (sum = -6, i = 0; i < 12; i++) {
        sum += uniform();
    }

    return sum;
}


static uint64_t
now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}


/* The shortest text that reads back as the same float32. */
static int
shortest(char *to, float value)
{
    int  n, digits;

    for (digits = 6; digits < 9; digits++) {
        n = sprintf(to, "%.*g", digits, (double) value);

        if (strtof(to, NULL) == value) {
            return n;
        }
    }

    return sprintf(to, "%.9g", (double) value);
}


static int
element(char *to, const char *name)
{
    if (strcmp(name, "emb_f32") == 0) {
        return shortest(to, (float) (normal() * 0.05));
    }

    if (strcmp(name, "emb_f64") == 0) {
        return sprintf(to, "%.17g", normal() * 0.05);
    }

    if (strcmp(name, "u8") == 0) {
        return sprintf(to, "%d", (int) (uniform() * 256));
    }

    return sprintf(to, "%d", (int) (uniform() * 150000));
}


static const struct {
    const char  *name;
    const char  *tensor;
    numbers_e    type;
    double       low, high;
} arrays[] = {
    { "emb_f32", "\"float32\",\"minimum\":-100,\"maximum\":100",
      NUMBERS_F32, -100, 100 },
    { "emb_f64", "\"float64\",\"minimum\":-100,\"maximum\":100",
      NUMBERS_F64, -100, 100 },
    { "u8", "\"uint8\"", NUMBERS_U8, 0, 255 },
    { "tok", "\"int64\",\"minimum\":0,\"maximum\":200000", NUMBERS_I64, 0,
      200000 }
};


static size_t
none_reals(const char **p, const char *end, uint32_t limit, double *values,
    size_t n)
{
    return 0;
}


static size_t
none_wholes(const char **p, const char *end, uint32_t limit, int64_t *values,
    size_t n)
{
    return 0;
}


static const ml_pack_kernel_t  none = {
    "reader alone", NULL, none_reals, none_wholes
};


/* ns per element; the tensor is compared with what simdjson made. */
static double
validate(const ml_schema_t *schema, const ml_pack_kernel_t *kernel,
    const char *text, size_t len, const void *wanted)
{
    size_t             i, n;
    uint32_t           count;
    uint64_t           start;
    double             ns;
    ml_tensor_t       *tensors;
    ml_validator_t    *v;
    ml_body_status_e   status;

    static const uint8_t           seed[16];
    static const ml_json_limits_t  limits = {
        32, 1000, 1 << 20, 64, ELEMENTS
    };

    start = now();
    v = ml_validator_create(schema, &limits, 1 << 20, seed, NULL, 1);
    v->sink.kernel = kernel;

    for (i = 0; i < len; i += n) {
        n = len - i < PIECE ? len - i : PIECE;
        (void) ml_validator_feed(v, text + i, n);
    }

    status = ml_validator_finish(v);
    ns = (double) (now() - start) / ELEMENTS;

    if (status != ML_BODY_PASSED) {
        fprintf(stderr, "not passed: %s\n", ml_validator_error(v)->msg);
        exit(1);
    }

    tensors = ml_validator_tensors(v, &count);

    if (memcmp(tensors[0].data, wanted, tensors[0].bytes) != 0) {
        fprintf(stderr, "another tensor\n");
        exit(1);
    }

    ml_validator_destroy(v);

    return ns;
}


int
main(void)
{
    char          *text, schema_text[256], error[256];
    void          *wanted;
    size_t         a, i, k, n, len, capacity;
    unsigned       round;
    uint64_t       start;
    ml_schema_t   *schema;

    const ml_pack_kernel_t  *kernels[ML_PACK_KERNELS + 1];

    wanted = malloc(ELEMENTS * 8);

    /* the first line has the names of the columns */

    for (n = 0, k = 0; k < ML_PACK_KERNELS; k++) {
        if (ml_pack_kernels[k]->usable()) {
            kernels[n++] = ml_pack_kernels[k];
        }
    }

    kernels[n++] = &none;

    for (k = 0; k < n; k++) {
        printf("%s%s", k ? "," : "", kernels[k]->name);
    }

    printf("\n");

    for (a = 0; a < sizeof(arrays) / sizeof(arrays[0]); a++) {
        capacity = ELEMENTS * 26 + simdjson_padding();
        text = calloc(1, capacity);
        len = 1;
        text[0] = '[';

        for (i = 0; i < ELEMENTS; i++) {
            len += (size_t) element(text + len, arrays[a].name);
            text[len++] = i + 1 < ELEMENTS ? ',' : ']';
        }

        snprintf(schema_text, sizeof(schema_text),
                 "{\"x-tensor\":{\"input\":\"x\",\"shape\":[%d],\"dtype\":%s}}",
                 ELEMENTS, arrays[a].tensor);
        schema = ml_schema_compile(schema_text, strlen(schema_text), NULL,
                                   error, sizeof(error));

        if (schema == NULL) {
            fprintf(stderr, "%s\n", error);
            return 1;
        }

        for (round = 0; round < ROUNDS; round++) {
            start = now();

            if (simdjson_numbers(arrays[a].type, text, len, capacity,
                                 arrays[a].low, arrays[a].high, wanted,
                                 ELEMENTS)
                != ELEMENTS)
            {
                fprintf(stderr, "simdjson refused\n");
                return 1;
            }

            printf("%s %.2f", arrays[a].name,
                   (double) (now() - start) / ELEMENTS);

            for (k = 0; k < n; k++) {
                printf(" %.2f", validate(schema, kernels[k], text, len,
                                         wanted));
            }

            printf(" %.1f\n", (double) len / ELEMENTS);
        }

        ml_schema_destroy(schema);
        free(text);
    }

    free(wanted);

    return 0;
}
