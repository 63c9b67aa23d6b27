/*
 * Prometheus histograms in shared memory.
 *
 * A sample is one atomic add to its bucket and one to the sum; buckets are
 * made cumulative when rendered, so that _count always equals the +Inf
 * bucket.  Values are integers (nanoseconds, rows); "scale" turns them into
 * the base unit of the exposition format (text format 0.0.4).
 */

#ifndef ML_HISTOGRAM_H
#define ML_HISTOGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "ml_text.h"


#define ML_HISTOGRAM_MAX_BOUNDS  20


typedef struct {
    const char        *name;
    const char        *help;
    const uint64_t    *bounds;      /* ascending, at most the above */
    size_t             nbounds;
    double             scale;       /* base units per unit */
} ml_histogram_family_t;


/* In shared memory; all zero is empty. */
typedef struct {
    _Atomic uint64_t   sum;
    _Atomic uint64_t   buckets[ML_HISTOGRAM_MAX_BOUNDS + 1];
} ml_histogram_t;


void ml_histogram_observe(ml_histogram_t *histogram,
    const ml_histogram_family_t *family, uint64_t value);

/* Appends the HELP and TYPE lines. */
void ml_histogram_head(ml_text_t *out, const ml_histogram_family_t *family);

/* Appends the samples; "labels" is what stands between the braces. */
void ml_histogram_render(ml_text_t *out, const ml_histogram_family_t *family,
    const ml_histogram_t *histogram, const char *labels);


#endif /* ML_HISTOGRAM_H */
