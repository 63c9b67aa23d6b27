/* link: -lm */

/* Histograms, and the table of models in the zone that holds them. */

#include <stdlib.h>
#include <string.h>

#include "ml_text.c"
#include "ml_breaker.c"
#include "ml_histogram.c"
#include "ml_model_table.c"

#include "test.h"


static void
test_histogram(void)
{
    ml_text_t       text;
    ml_histogram_t  histogram;

    static const uint64_t  bounds[] = { 1000000, 2500000, 1000000000 };

    static const ml_histogram_family_t  family = {
        "ml_x_seconds", "X.", bounds, 3, 1e-9
    };

    memset(&histogram, 0, sizeof(histogram));

    /* a bound belongs to its own bucket */

    ml_histogram_observe(&histogram, &family, 0);
    ml_histogram_observe(&histogram, &family, 1000000);
    ml_histogram_observe(&histogram, &family, 1000001);
    ml_histogram_observe(&histogram, &family, 5000000000);

    ml_text_init(&text);
    ml_histogram_head(&text, &family);
    ml_histogram_render(&text, &family, &histogram, "model=\"m\"");
    ml_text_append(&text, "", 1);

    CHECK_STR(text.data,
              "# HELP ml_x_seconds X.\n"
              "# TYPE ml_x_seconds histogram\n"
              "ml_x_seconds_bucket{model=\"m\",le=\"0.001\"} 2\n"
              "ml_x_seconds_bucket{model=\"m\",le=\"0.0025\"} 3\n"
              "ml_x_seconds_bucket{model=\"m\",le=\"1\"} 3\n"
              "ml_x_seconds_bucket{model=\"m\",le=\"+Inf\"} 4\n"
              "ml_x_seconds_sum{model=\"m\"} 5.002000001\n"
              "ml_x_seconds_count{model=\"m\"} 4\n");

    ml_text_free(&text);
}


static void
test_table(void)
{
    size_t             size, i;
    char               name[16];
    void              *memory;
    ml_model_entry_t  *a, *b;
    ml_model_table_t  *table;

    size = sizeof(ml_model_table_t) + 3 * sizeof(ml_model_entry_t);
    memory = calloc(1, size);

    CHECK_INT(ml_model_table_capacity(size), 3);
    CHECK(ml_model_table_open(memory, sizeof(ml_model_table_t), 1) == NULL);

    /* memory that holds something else is not taken over */
    CHECK(ml_model_table_open(memory, size, 0) == NULL);

    table = ml_model_table_open(memory, size, 1);
    CHECK(table != NULL);

    ml_model_table_next(table);
    a = ml_model_table_claim(table, "a", 1);
    b = ml_model_table_claim(table, "b", 1);
    CHECK(a != b && a != NULL && b != NULL);

    ml_model_entry_learn(a, 800, 4);
    CHECK_INT(a->row_ns, 200);
    ml_model_entry_learn(a, 1000, 1);
    CHECK_INT(a->row_ns, 300);

    a->depth[0] = 3;
    a->depth[7] = 4;
    CHECK_INT(ml_model_entry_depth(a, 7), 3);
    CHECK_INT(ml_model_entry_depth(a, 8), 7);
    ml_model_table_reap(table, 0);
    CHECK_INT(ml_model_entry_depth(a, 256), 4);

    /* the next configuration, and its workers, find what there is */

    table = ml_model_table_open(memory, size, 0);
    CHECK(table != NULL);
    ml_model_table_next(table);
    CHECK(ml_model_table_claim(table, "b", 1) == b);
    CHECK(ml_model_table_claim(table, "a", 1) == a);
    CHECK_INT(a->row_ns, 300);

    /* a table of another size is not this one */
    CHECK(ml_model_table_open(memory, size + sizeof(ml_model_entry_t), 0)
          == NULL);

    /* too many models in one configuration */
    CHECK(ml_model_table_claim(table, "c", 1) != NULL);
    CHECK(ml_model_table_claim(table, "d", 1) == NULL);

    /* models that are gone make room; what is kept stays */

    for (i = 0; i < 20; i++) {
        ml_model_table_next(table);
        (void) snprintf(name, sizeof(name), "n%d", (int) i);
        CHECK(ml_model_table_claim(table, "a", 1) == a);
        CHECK(ml_model_table_claim(table, name, strlen(name)) != NULL);
    }

    CHECK_INT(a->row_ns, 300);

    free(memory);
}


int
main(void)
{
    test_histogram();
    test_table();

    return TEST_END;
}
