/*
 * A body, read in pieces and checked against a schema, so many times: ns per
 * body, one line for each round.
 *
 *     body SCHEMA BODY ROUNDS TIMES
 */

#define _GNU_SOURCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ml_schema_registry.h"
#include "ml_validator.h"


#define PIECE  16384


static uint64_t
now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (uint64_t) t.tv_sec * 1000000000 + (uint64_t) t.tv_nsec;
}


int
main(int argc, char **argv)
{
    int                i, round, times;
    char               error[1024];
    size_t             at, n;
    uint64_t           start;
    ml_text_t          schema_text, body;
    ml_schema_t       *schema;
    ml_validator_t    *v;
    ml_body_status_e   status;

    static const uint8_t           seed[16];
    static const ml_json_limits_t  limits = {
        32, 1 << 30, 1 << 20, 64, 1 << 30
    };

    ml_text_init(&schema_text);
    ml_text_init(&body);

    if (argc != 5
        || ml_schema_read_file(argv[1], ML_SCHEMA_SIZE, &schema_text) != 0
        || ml_schema_read_file(argv[2], 1 << 28, &body) != 0)
    {
        fprintf(stderr, "usage: body SCHEMA BODY ROUNDS TIMES\n");
        return 1;
    }

    schema = ml_schema_compile(schema_text.data, schema_text.len, NULL, error,
                               sizeof(error));

    if (schema == NULL) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }

    times = atoi(argv[4]);

    for (round = 0; round < atoi(argv[3]); round++) {
        start = now();

        for (i = 0; i < times; i++) {
            v = ml_validator_create(schema, &limits, 1 << 20, seed, NULL, 1);

            for (at = 0; at < body.len; at += n) {
                n = body.len - at < PIECE ? body.len - at : PIECE;
                (void) ml_validator_feed(v, body.data + at, n);
            }

            status = ml_validator_finish(v);

            if (status != ML_BODY_PASSED) {
                fprintf(stderr, "%s\n", ml_validator_error(v)->msg);
                return 1;
            }

            ml_validator_destroy(v);
        }

        printf("%.1f\n", (double) (now() - start) / times);
        fflush(stdout);
    }

    ml_schema_destroy(schema);
    ml_text_free(&schema_text);
    ml_text_free(&body);

    return 0;
}
