/*
 * Counters in shared memory, found by family and labels.
 *
 * DESIGN.  A fixed open-addressing table of fixed-size cells.  A cell is
 * claimed once with a compare-and-swap and never freed, so that a pointer to
 * its value stays good for as long as the zone is mapped; a process keeps
 * that pointer and counts with one atomic add.  Labels come from the
 * configuration and from fixed lists of outcomes, never from a client, which
 * bounds the table.  A process that dies between claiming and publishing
 * loses one cell and nothing else.
 */

#ifndef ML_METRICS_H
#define ML_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "ml_text.h"


#define ML_METRICS_TEXT  176


typedef struct ml_metrics_s  ml_metrics_t;
typedef _Atomic uint64_t     ml_counter_t;


/* A metric family; "type" is "counter", "gauge" or "histogram". */
typedef struct {
    const char  *name;
    const char  *type;
    const char  *help;
} ml_metric_family_t;


/* Lays an empty table over zeroed memory; returns NULL when size is small. */
ml_metrics_t *ml_metrics_init(void *memory, size_t size);

/*
 * The counter of a family and its labels, made on first use.  "labels" is
 * the text between the braces, already escaped; with the family's name it
 * takes at most ML_METRICS_TEXT bytes.  Never
 * NULL: a full table or too long labels give one shared overflow cell.
 */
ml_counter_t *ml_metrics_counter(ml_metrics_t *metrics, const char *family,
    const char *labels);

/* Appends every sample of the family, with its HELP and TYPE lines. */
void ml_metrics_render(ml_metrics_t *metrics, ml_text_t *out,
    const ml_metric_family_t *family);

/* Counts that found no cell. */
uint64_t ml_metrics_overflow(ml_metrics_t *metrics);

/* Appends a label value with its quotes, escaped as the exposition format
 * (Prometheus text format 0.0.4) wants it. */
void ml_metrics_label(ml_text_t *out, const char *value, size_t len);


#endif /* ML_METRICS_H */
