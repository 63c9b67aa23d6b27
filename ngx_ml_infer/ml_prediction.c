/* What runs take; see ml_prediction.h. */

#include <stdatomic.h>

#include "ml_prediction.h"


void
ml_prediction_reset(ml_prediction_t *prediction, int64_t most)
{
    unsigned  i;

    atomic_store_explicit(&prediction->most, most, memory_order_relaxed);

    for (i = 0; i < ML_BATCH_SIZES; i++) {
        atomic_store_explicit(&prediction->ns[i], 0, memory_order_relaxed);
    }
}


unsigned
ml_prediction_size(int64_t most, int64_t rows)
{
    unsigned  size;

    for (size = 0; ((int64_t) 1 << size) < rows; size++) {
        if (((int64_t) 1 << size) >= most) {
            break;
        }
    }

    return size;
}


int64_t
ml_prediction_rows(int64_t most, unsigned size)
{
    int64_t  rows;

    rows = (int64_t) 1 << size;

    return rows < most ? rows : most;
}


unsigned
ml_prediction_sizes(int64_t most)
{
    return ml_prediction_size(most, most) + 1;
}


void
ml_prediction_learn(ml_prediction_t *prediction, unsigned size, uint64_t ns)
{
    uint64_t  average;

    average = atomic_load_explicit(&prediction->ns[size],
                                   memory_order_relaxed);

    average = average ? average - average / 8 + ns / 8 : ns;

    atomic_store_explicit(&prediction->ns[size], average ? average : 1,
                          memory_order_relaxed);
}


/*
 * Whole batches, and the rest.  A size takes at most what a smaller one takes
 * for as many rows, which also bounds a size that never ran, or last ran at a
 * bad time and has not been needed since.
 */
uint64_t
ml_prediction_ns(const ml_prediction_t *prediction, int64_t rows)
{
    int64_t   most;
    uint64_t  total, ns, least;
    unsigned  size, known;

    most = atomic_load_explicit(&prediction->most, memory_order_relaxed);
    total = 0;

    if (rows > most) {
        total = (uint64_t) ((rows - 1) / most)
                * ml_prediction_ns(prediction, most);
        rows = (rows - 1) % most + 1;
    }

    size = ml_prediction_size(most, rows);

    least = 0;

    for (known = 0; known <= size; known++) {
        ns = atomic_load_explicit(&prediction->ns[known],
                                  memory_order_relaxed)
             * (uint64_t) ml_prediction_rows(most, size)
             / (uint64_t) ml_prediction_rows(most, known);

        if (ns && (least == 0 || ns < least)) {
            least = ns;
        }
    }

    return total + least;
}
