/* Counters in shared memory; the design is in ml_metrics.h. */

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "ml_metrics.h"
#include "ml_siphash.h"


#define ML_METRICS_FREE     0
#define ML_METRICS_CLAIMED  1
#define ML_METRICS_LIVE     2

/* how often a claimed cell is looked at before its claimer counts as dead */
#define ML_METRICS_PATIENCE  1000


typedef struct {
    _Atomic uint32_t  state;
    uint16_t          family_len;
    uint16_t          len;              /* of text */
    ml_counter_t      value;
    char              text[ML_METRICS_TEXT];    /* family, then labels */
} ml_metrics_cell_t;


struct ml_metrics_s {
    uint64_t           ncells;
    ml_counter_t       overflow;
    ml_metrics_cell_t  cells[];
};


static const uint8_t  ml_metrics_key[16];   /* no client chooses these texts */


ml_metrics_t *
ml_metrics_init(void *memory, size_t size)
{
    ml_metrics_t  *metrics;

    metrics = memory;

    if (size < sizeof(ml_metrics_t) + 16 * sizeof(ml_metrics_cell_t)) {
        return NULL;
    }

    metrics->ncells = (size - sizeof(ml_metrics_t))
                      / sizeof(ml_metrics_cell_t);

    return metrics;
}


ml_counter_t *
ml_metrics_counter(ml_metrics_t *metrics, const char *family,
    const char *labels)
{
    size_t              flen, llen;
    char                text[ML_METRICS_TEXT];
    uint32_t            state, tries;
    uint64_t            hash[2], i, n;
    ml_metrics_cell_t  *cell;

    flen = strlen(family);
    llen = strlen(labels);

    if (flen + llen > ML_METRICS_TEXT) {
        return &metrics->overflow;
    }

    memcpy(text, family, flen);
    memcpy(text + flen, labels, llen);

    ml_siphash128(ml_metrics_key, text, flen + llen, hash);

    for (n = 0; n < metrics->ncells; n++) {
        i = (hash[0] + n) % metrics->ncells;
        cell = &metrics->cells[i];

        state = atomic_load_explicit(&cell->state, memory_order_acquire);

        if (state == ML_METRICS_FREE) {

            if (atomic_compare_exchange_strong(&cell->state, &state,
                                               ML_METRICS_CLAIMED))
            {
                memcpy(cell->text, text, flen + llen);
                cell->family_len = (uint16_t) flen;
                cell->len = (uint16_t) (flen + llen);
                atomic_store_explicit(&cell->state, ML_METRICS_LIVE,
                                      memory_order_release);
                return &cell->value;
            }
        }

        for (tries = 0;
             state == ML_METRICS_CLAIMED && tries < ML_METRICS_PATIENCE;
             tries++)
        {
            (void) sched_yield();
            state = atomic_load_explicit(&cell->state, memory_order_acquire);
        }

        if (state == ML_METRICS_LIVE
            && cell->family_len == flen
            && cell->len == flen + llen
            && memcmp(cell->text, text, flen + llen) == 0)
        {
            return &cell->value;
        }
    }

    return &metrics->overflow;
}


void
ml_metrics_render(ml_metrics_t *metrics, ml_text_t *out,
    const ml_metric_family_t *family)
{
    size_t              flen;
    uint64_t            i;
    ml_metrics_cell_t  *cell;

    ml_text_printf(out, "# HELP %s %s\n# TYPE %s %s\n", family->name,
                   family->help, family->name, family->type);

    flen = strlen(family->name);

    for (i = 0; i < metrics->ncells; i++) {
        cell = &metrics->cells[i];

        if (atomic_load_explicit(&cell->state, memory_order_acquire)
            != ML_METRICS_LIVE
            || cell->family_len != flen
            || memcmp(cell->text, family->name, flen) != 0)
        {
            continue;
        }

        ml_text_append(out, cell->text, flen);

        if (cell->len > flen) {
            ml_text_append(out, "{", 1);
            ml_text_append(out, cell->text + flen, cell->len - flen);
            ml_text_append(out, "}", 1);
        }

        ml_text_printf(out, " %llu\n",
                       (unsigned long long) atomic_load(&cell->value));
    }
}


uint64_t
ml_metrics_overflow(ml_metrics_t *metrics)
{
    return atomic_load(&metrics->overflow);
}


void
ml_metrics_label(ml_text_t *out, const char *value, size_t len)
{
    size_t  i;

    ml_text_append(out, "\"", 1);

    for (i = 0; i < len; i++) {
        switch (value[i]) {

        case '"':
            ml_text_append(out, "\\\"", 2);
            break;

        case '\\':
            ml_text_append(out, "\\\\", 2);
            break;

        case '\n':
            ml_text_append(out, "\\n", 2);
            break;

        default:
            ml_text_append(out, &value[i], 1);
        }
    }

    ml_text_append(out, "\"", 1);
}
