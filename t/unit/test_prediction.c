/* What runs will take, from what they took. */

#include "ml_prediction.c"

#include "test.h"


static void
test_sizes(void)
{
    CHECK_INT(ml_prediction_sizes(1), 1);
    CHECK_INT(ml_prediction_sizes(6), 4);
    CHECK_INT(ml_prediction_sizes(8), 4);
    CHECK_INT(ml_prediction_sizes(ML_BATCH_MAX), ML_BATCH_SIZES);

    CHECK_INT(ml_prediction_size(6, 1), 0);
    CHECK_INT(ml_prediction_size(6, 3), 2);
    CHECK_INT(ml_prediction_size(6, 5), 3);
    CHECK_INT(ml_prediction_size(6, 6), 3);

    CHECK_INT(ml_prediction_rows(6, 0), 1);
    CHECK_INT(ml_prediction_rows(6, 2), 4);
    CHECK_INT(ml_prediction_rows(6, 3), 6);
}


/* One slow run of a size is no longer believed when smaller ones are quick:
 * else a queue that is kept shorter than that would never find out. */

static void
test_predicts(void)
{
    ml_prediction_t  prediction;

    ml_prediction_reset(&prediction, 6);
    CHECK_INT(ml_prediction_ns(&prediction, 6), 0);

    ml_prediction_learn(&prediction, 0, 100);
    CHECK_INT(ml_prediction_ns(&prediction, 1), 100);
    CHECK_INT(ml_prediction_ns(&prediction, 3), 400);
    CHECK_INT(ml_prediction_ns(&prediction, 6), 600);
    CHECK_INT(ml_prediction_ns(&prediction, 13), 1300);

    ml_prediction_learn(&prediction, 2, 120);
    CHECK_INT(ml_prediction_ns(&prediction, 2), 200);
    CHECK_INT(ml_prediction_ns(&prediction, 3), 120);
    CHECK_INT(ml_prediction_ns(&prediction, 6), 180);

    ml_prediction_reset(&prediction, 6);
    ml_prediction_learn(&prediction, 0, 100);
    ml_prediction_learn(&prediction, 2, 9000);
    CHECK_INT(ml_prediction_ns(&prediction, 3), 400);
}


static void
test_learns(void)
{
    unsigned         i;
    ml_prediction_t  prediction;

    ml_prediction_reset(&prediction, 1);

    ml_prediction_learn(&prediction, 0, 800);
    ml_prediction_learn(&prediction, 0, 1600);
    CHECK_INT(ml_prediction_ns(&prediction, 1), 900);

    for (i = 0; i < 100; i++) {
        ml_prediction_learn(&prediction, 0, 0);
    }

    /* 0 says that nothing is known */
    CHECK(ml_prediction_ns(&prediction, 1) > 0);
}


int
main(void)
{
    test_sizes();
    test_predicts();
    test_learns();

    return TEST_END;
}
