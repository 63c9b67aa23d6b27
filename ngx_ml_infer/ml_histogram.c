/* Histograms in shared memory; see ml_histogram.h. */

#include <stdatomic.h>

#include "ml_histogram.h"


void
ml_histogram_observe(ml_histogram_t *histogram,
    const ml_histogram_family_t *family, uint64_t value)
{
    size_t  i;

    for (i = 0; i < family->nbounds && value > family->bounds[i]; i++) {
        /* void */
    }

    atomic_fetch_add_explicit(&histogram->buckets[i], 1,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}


void
ml_histogram_head(ml_text_t *out, const ml_histogram_family_t *family)
{
    ml_text_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", family->name,
                   family->help, family->name);
}


void
ml_histogram_render(ml_text_t *out, const ml_histogram_family_t *family,
    const ml_histogram_t *histogram, const char *labels)
{
    size_t    i;
    uint64_t  count;

    count = 0;

    for (i = 0; i < family->nbounds; i++) {
        count += atomic_load_explicit(&histogram->buckets[i],
                                      memory_order_relaxed);

        ml_text_printf(out, "%s_bucket{%s,le=\"%.9g\"} %llu\n", family->name,
                       labels, (double) family->bounds[i] * family->scale,
                       (unsigned long long) count);
    }

    count += atomic_load_explicit(&histogram->buckets[i],
                                  memory_order_relaxed);

    ml_text_printf(out, "%s_bucket{%s,le=\"+Inf\"} %llu\n", family->name,
                   labels, (unsigned long long) count);

    ml_text_printf(out, "%s_sum{%s} %.15g\n", family->name, labels,
                   (double) atomic_load_explicit(&histogram->sum,
                                                 memory_order_relaxed)
                   * family->scale);

    ml_text_printf(out, "%s_count{%s} %llu\n", family->name, labels,
                   (unsigned long long) count);
}
