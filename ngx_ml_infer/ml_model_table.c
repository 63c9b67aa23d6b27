/* The models' entries in the zone; see ml_model_table.h. */

#include <stdatomic.h>
#include <string.h>

#include "ml_model_table.h"


/* "mlmodel" and the version of the layout */
#define ML_MODEL_TABLE_MAGIC  0x6d6c6d6f64656c02


size_t
ml_model_table_capacity(size_t size)
{
    return size < sizeof(ml_model_table_t)
           ? 0 : (size - sizeof(ml_model_table_t)) / sizeof(ml_model_entry_t);
}


ml_model_table_t *
ml_model_table_open(void *memory, size_t size, int fresh)
{
    size_t             n;
    ml_model_table_t  *table;

    n = ml_model_table_capacity(size);
    table = memory;

    if (n == 0) {
        return NULL;
    }

    if (fresh) {
        table->magic = ML_MODEL_TABLE_MAGIC;
        table->nentries = n;
        table->generation = 1;

    } else if (table->magic != ML_MODEL_TABLE_MAGIC || table->nentries != n) {
        return NULL;
    }

    return table;
}


void
ml_model_table_next(ml_model_table_t *table)
{
    table->generation++;
}


/* FNV-1a: names come from the configuration, nobody chooses collisions. */
static uint64_t
ml_model_table_hash(const char *name, size_t len)
{
    size_t    i;
    uint64_t  hash;

    hash = 0xcbf29ce484222325;

    for (i = 0; i < len; i++) {
        hash = (hash ^ (unsigned char) name[i]) * 0x100000001b3;
    }

    return hash ? hash : 1;
}


ml_model_entry_t *
ml_model_table_claim(ml_model_table_t *table, const char *name, size_t len)
{
    size_t             i;
    uint64_t           hash;
    ml_model_entry_t  *entry, *oldest;

    hash = ml_model_table_hash(name, len);
    oldest = NULL;

    for (i = 0; i < table->nentries; i++) {
        entry = &table->entries[i];

        if (entry->name_hash == hash) {
            entry->generation = table->generation;
            return entry;
        }

        /* a free entry is of generation 0, older than any */

        if (oldest == NULL || entry->generation < oldest->generation) {
            oldest = entry;
        }
    }

    if (oldest->generation == table->generation) {
        return NULL;
    }

    memset(oldest, 0, sizeof(ml_model_entry_t));

    oldest->name_hash = hash;
    oldest->generation = table->generation;

    return oldest;
}


void
ml_model_table_reap(ml_model_table_t *table, size_t process)
{
    size_t  i;

    for (i = 0; i < table->nentries; i++) {
        atomic_store_explicit(&table->entries[i].depth[process], 0,
                              memory_order_relaxed);
    }
}


uint64_t
ml_model_entry_depth(const ml_model_entry_t *entry, size_t n)
{
    size_t    i;
    uint64_t  depth;

    depth = 0;

    for (i = 0; i < n && i < ML_MODEL_TABLE_PROCESSES; i++) {
        depth += atomic_load_explicit(&entry->depth[i], memory_order_relaxed);
    }

    return depth;
}


void
ml_model_entry_learn(ml_model_entry_t *entry, uint64_t device_ns,
    int64_t rows)
{
    uint64_t  row, average;

    row = device_ns / (uint64_t) rows;
    average = atomic_load_explicit(&entry->row_ns, memory_order_relaxed);

    /* a lost update between two processes loses one sample of an average */

    average = average ? average - average / 8 + row / 8 : row;

    atomic_store_explicit(&entry->row_ns, average ? average : 1,
                          memory_order_relaxed);
}
