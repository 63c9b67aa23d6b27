/*
 * What all processes share about the models: one entry each, in the zone.
 *
 * An entry is found by the hash of the model's name, so that breaker,
 * averages and histograms survive a reload.  Entries are made by the process
 * that reads the configuration, and only found by the others; when all are
 * taken, that of the model which has been out of the configuration longest is
 * given away.
 */

#ifndef ML_MODEL_TABLE_H
#define ML_MODEL_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "ml_breaker.h"
#include "ml_histogram.h"


/* NGX_HTTP_ML_PROCESSES of ngx_http_ml.h */
#define ML_MODEL_TABLE_PROCESSES  256


typedef struct {
    uint64_t           name_hash;       /* 0: free */
    uint64_t           generation;      /* the last configuration with it */

    ml_breaker_t       breaker;

    /* device time of one row, moving average; 0: not known yet */
    _Atomic uint64_t   row_ns;
    _Atomic uint64_t   device_ns;       /* of all batches so far */

    ml_histogram_t     queue_ns;        /* of a request, until it started */
    ml_histogram_t     compute_ns;      /* of a batch */
    ml_histogram_t     request_ns;      /* of a request, all in all */
    ml_histogram_t     batch_rows;      /* of a batch */

    /* jobs that wait, of each process */
    _Atomic uint32_t   depth[ML_MODEL_TABLE_PROCESSES];
} ml_model_entry_t;


typedef struct {
    uint64_t           magic;
    uint64_t           generation;      /* configurations so far */
    uint64_t           nentries;
    ml_model_entry_t   entries[];
} ml_model_table_t;


/* How many entries fit into "size" bytes. */
size_t ml_model_table_capacity(size_t size);

/*
 * Lays a table over zeroed memory ("fresh") or goes on with the one there.
 * Returns NULL when the size is too small for one entry or the memory holds
 * something else.
 */
ml_model_table_t *ml_model_table_open(void *memory, size_t size, int fresh);

/* From now on, claims are those of another configuration. */
void ml_model_table_next(ml_model_table_t *table);

/* The entry of a model; NULL when the configuration has too many. */
ml_model_entry_t *ml_model_table_claim(ml_model_table_t *table,
    const char *name, size_t len);

/* Forgets what a process counted. */
void ml_model_table_reap(ml_model_table_t *table, size_t process);

/* Jobs waiting in processes [0, n). */
uint64_t ml_model_entry_depth(const ml_model_entry_t *entry, size_t n);

/* Takes a batch's device time into the average. */
void ml_model_entry_learn(ml_model_entry_t *entry, uint64_t device_ns,
    int64_t rows);


#endif /* ML_MODEL_TABLE_H */
