/* Where values lie; see ml_layout.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_layout.h"


typedef struct {
    size_t   offset;
    size_t   bytes;
    size_t   first;                 /* step that makes it */
    size_t   last;                  /* step that uses it last */
} ml_place_t;


void
ml_layout_arrays(const ml_model_t *model, int64_t rows, ml_array_t *arrays)
{
    uint32_t     i;
    ml_array_t  *array;
    ml_value_t  *value;

    for (i = 0; i < model->nvalues; i++) {

        value = &model->values[i];
        array = &arrays[i];

        array->dtype = value->dtype;
        array->rank = value->rank;
        memcpy(array->dims, value->dims, sizeof(value->dims));
        array->data = value->data;

        if (value->rank > 0 && value->dims[0] == ML_ROWS) {
            array->dims[0] = rows;
        }
    }
}


int
ml_layout_bound(const ml_model_t *model, int32_t value, ml_bound_t *bound)
{
    uint32_t  i;

    for (i = 0; i < model->ninputs; i++) {
        if (model->inputs[i] == value) {
            bound->index = i;
            bound->output = 0;
            return 1;
        }
    }

    for (i = 0; i < model->noutputs; i++) {
        if (model->outputs[i] == value) {
            bound->index = i;
            bound->output = 1;
            return 1;
        }
    }

    return 0;
}


/*
 * Gives a place the lowest offset at which there is room from the step that
 * makes it on.  "live" has the n places made before, by offset; those not
 * used any more are dropped, the new one is added.  Returns how many remain.
 */

static size_t
ml_layout_offset(ml_place_t *live, size_t n, ml_place_t *place)
{
    int     found;
    size_t  i, at, kept;

    found = 0;
    at = 0;
    kept = 0;
    place->offset = 0;

    for (i = 0; i < n; i++) {

        if (live[i].last < place->first) {
            continue;
        }

        if (!found) {
            if (live[i].offset - place->offset >= place->bytes) {
                found = 1;

            } else {
                place->offset = live[i].offset + live[i].bytes;
                at = kept + 1;
            }
        }

        live[kept++] = live[i];
    }

    memmove(&live[at + 1], &live[at], (kept - at) * sizeof(ml_place_t));
    live[at] = *place;

    return kept + 1;
}


size_t *
ml_layout_place(const ml_model_t *model, const ml_steps_t *steps,
    const ml_array_t *arrays, size_t align, size_t *total)
{
    size_t       i, j, n, bytes, *last, *offsets;
    int32_t      root;
    ml_bound_t   bound;
    ml_place_t   place, *live;

    *total = 0;

    last = calloc(model->nvalues + 1, sizeof(size_t));
    live = calloc(steps->nsteps + 1, sizeof(ml_place_t));
    offsets = calloc(model->nvalues + 1, sizeof(size_t));

    if (last == NULL || live == NULL || offsets == NULL) {
        goto failed;
    }

    for (i = 0; i < steps->nsteps; i++) {
        for (j = 0; j < ml_step_ninputs(&steps->steps[i]); j++) {
            root = ml_step_input(&steps->steps[i], j);

            if (root != ML_ABSENT) {
                last[steps->root[root]] = i;
            }
        }
    }

    for (i = 0, n = 0; i < steps->nsteps; i++) {

        root = steps->steps[i].output;

        if (ml_layout_bound(model, root, &bound)) {
            continue;
        }

        if (ml_tensor_size(arrays[root].dtype, arrays[root].rank,
                           arrays[root].dims, &bytes)
            != 0
            || bytes > ML_LAYOUT_LIMIT)
        {
            goto failed;
        }

        place.bytes = (bytes + align - 1) & ~(align - 1);
        place.first = i;
        place.last = last[root] > i ? last[root] : i;

        n = ml_layout_offset(live, n, &place);

        offsets[root] = place.offset;

        if (place.offset + place.bytes > *total) {
            *total = place.offset + place.bytes;
        }

        if (*total > ML_LAYOUT_LIMIT) {
            goto failed;
        }
    }

    free(last);
    free(live);

    return offsets;

failed:

    free(last);
    free(live);
    free(offsets);

    return NULL;
}
