/*
 * What runs of a model take, by their size, and so what the next will take.
 *
 * DESIGN.  A run has one of few sizes, 1, 2, 4 ... "most" rows, and the time
 * of each is a moving average over the latest runs.  It is plain data with
 * atomic members, so that it may lie in shared memory: one process runs and
 * learns, all of them predict.  Times are nanoseconds.
 */

#ifndef ML_PREDICTION_H
#define ML_PREDICTION_H

#include <stdint.h>


/* The most rows of a run. */
#define ML_BATCH_MAX    4096

/* 1, 2, 4 ... ML_BATCH_MAX */
#define ML_BATCH_SIZES  13


typedef struct {
    _Atomic int64_t    most;                    /* rows of a run */
    _Atomic uint64_t   ns[ML_BATCH_SIZES];      /* 0: not known yet */
} ml_prediction_t;


/* Forgets everything; "most" is 1 to ML_BATCH_MAX. */
void ml_prediction_reset(ml_prediction_t *prediction, int64_t most);

/* The smallest size that holds so many rows, and the rows of a size. */
unsigned ml_prediction_size(int64_t most, int64_t rows);
int64_t ml_prediction_rows(int64_t most, unsigned size);

/* How many sizes there are. */
unsigned ml_prediction_sizes(int64_t most);

/* A run of that size took so long. */
void ml_prediction_learn(ml_prediction_t *prediction, unsigned size,
    uint64_t ns);

/*
 * What so many rows will take, in as many runs as they need; 0 while nothing
 * is known.
 */
uint64_t ml_prediction_ns(const ml_prediction_t *prediction, int64_t rows);


#endif /* ML_PREDICTION_H */
