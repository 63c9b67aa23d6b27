/*
 * Where values lie; see ml_backend_cpu.h.
 *
 * Values that are not alive at the same time share memory.  They are placed
 * in the order in which they are made, each in the lowest gap that is free
 * for as long as it lives.
 */

#include <stdlib.h>
#include <string.h>

#include "ml_backend_cpu.h"


/* of the values in one plan; more rows than that are a mistake */
#define ML_CPU_PLAN_LIMIT  ((size_t) 1 << 30)


typedef struct {
    size_t   offset;
    size_t   bytes;
    size_t   first;                 /* step that makes it */
    size_t   last;                  /* step that uses it last */
} ml_cpu_place_t;


static size_t
ml_cpu_ninputs(const ml_cpu_step_t *step)
{
    return step->linear ? 1 : step->node->ninputs;
}


static int32_t
ml_cpu_input(const ml_cpu_step_t *step, size_t i)
{
    return step->linear ? step->input : step->node->inputs[i];
}


/* Whether a value lies in the caller's memory; *bound says where. */

static int
ml_cpu_is_bound(const ml_model_t *model, int32_t value, ml_cpu_bound_t *bound)
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
ml_cpu_offset(ml_cpu_place_t *live, size_t n, ml_cpu_place_t *place)
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

    memmove(&live[at + 1], &live[at], (kept - at) * sizeof(ml_cpu_place_t));
    live[at] = *place;

    return kept + 1;
}


static int
ml_cpu_place(ml_backend_context_t *context, ml_cpu_plan_t *plan,
    size_t **offsets, size_t *total)
{
    size_t           i, j, n, bytes, *last;
    int32_t          root;
    ml_cpu_bound_t   bound;
    ml_cpu_place_t   place, *live;

    n = context->model->nvalues;
    *total = 0;

    last = calloc(n + 1, sizeof(size_t));
    live = calloc(context->nsteps + 1, sizeof(ml_cpu_place_t));
    *offsets = calloc(n + 1, sizeof(size_t));

    if (last == NULL || live == NULL || *offsets == NULL) {
        goto failed;
    }

    for (i = 0; i < context->nsteps; i++) {
        for (j = 0; j < ml_cpu_ninputs(&context->steps[i]); j++) {
            root = ml_cpu_input(&context->steps[i], j);

            if (root != ML_ABSENT) {
                last[context->root[root]] = i;
            }
        }
    }

    for (i = 0, n = 0; i < context->nsteps; i++) {

        root = context->steps[i].output;

        if (ml_cpu_is_bound(context->model, root, &bound)) {
            continue;
        }

        if (ml_tensor_size(plan->arrays[root].dtype, plan->arrays[root].rank,
                           plan->arrays[root].dims, &bytes)
            != 0
            || bytes > ML_CPU_PLAN_LIMIT)
        {
            goto failed;
        }

        place.bytes = (bytes + ML_CPU_ALIGN - 1)
                      & ~((size_t) ML_CPU_ALIGN - 1);
        place.first = i;
        place.last = last[root] > i ? last[root] : i;

        n = ml_cpu_offset(live, n, &place);

        (*offsets)[root] = place.offset;

        if (place.offset + place.bytes > *total) {
            *total = place.offset + place.bytes;
        }

        if (*total > ML_CPU_PLAN_LIMIT) {
            goto failed;
        }
    }

    free(last);
    free(live);

    return 0;

failed:

    free(last);
    free(live);

    return -1;
}


/* Types and dimensions of all values, and the data of constants. */

static void
ml_cpu_arrays(const ml_model_t *model, ml_cpu_plan_t *plan)
{
    uint32_t     i;
    ml_array_t  *array;
    ml_value_t  *value;

    for (i = 0; i < model->nvalues; i++) {

        value = &model->values[i];
        array = &plan->arrays[i];

        array->dtype = value->dtype;
        array->rank = value->rank;
        memcpy(array->dims, value->dims, sizeof(value->dims));
        array->data = value->data;

        if (value->rank > 0 && value->dims[0] == ML_ROWS) {
            array->dims[0] = plan->rows;
        }
    }
}


static size_t
ml_cpu_matrix_rows(const ml_array_t *array)
{
    size_t    n;
    uint32_t  i;

    for (n = 1, i = 0; i + 1 < array->rank; i++) {
        n *= (size_t) array->dims[i];
    }

    return n;
}


ml_backend_status_e
ml_cpu_plan(ml_backend_context_t *context, int64_t rows,
    ml_cpu_plan_t **result, ml_cpu_error_t *error)
{
    size_t                i, j, n, total, scratchpad, *offsets;
    int32_t               value, root;
    ml_cpu_bound_t        bound;
    ml_cpu_plan_t        *plan;
    ml_cpu_step_t        *step;
    const ml_model_t     *model;
    const ml_array_t    **input;
    ml_backend_status_e   rc;

    model = context->model;
    offsets = NULL;

    for (i = 0, n = 0; i < context->nsteps; i++) {
        n += ml_cpu_ninputs(&context->steps[i]);
    }

    plan = calloc(1, sizeof(ml_cpu_plan_t));

    if (plan == NULL) {
        return ml_cpu_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
    }

    plan->rows = rows;
    plan->arrays = calloc(model->nvalues + 1, sizeof(ml_array_t));
    plan->inputs = calloc(n + 1, sizeof(ml_array_t *));
    plan->products = calloc(context->nsteps + 1, sizeof(ml_cpu_product_t));
    plan->bound = calloc(model->nvalues + 1, sizeof(ml_cpu_bound_t));

    if (plan->arrays == NULL || plan->inputs == NULL || plan->products == NULL
        || plan->bound == NULL)
    {
        rc = ml_cpu_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
        goto failed;
    }

    ml_cpu_arrays(model, plan);

    if (ml_cpu_place(context, plan, &offsets, &total) != 0) {
        rc = ml_cpu_fail(error, ML_BACKEND_MEMORY, "a plan for that many rows "
                         "takes more than 1 GiB, or memory is out");
        goto failed;
    }

    plan->memory = aligned_alloc(ML_CPU_ALIGN, total + ML_CPU_ALIGN);

    if (plan->memory == NULL) {
        rc = ml_cpu_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
        goto failed;
    }

    for (value = 0; value < (int32_t) model->nvalues; value++) {

        root = context->root[value];

        if (model->values[value].data != NULL) {
            continue;
        }

        if (ml_cpu_is_bound(model, root, &bound)) {
            bound.value = value;
            plan->bound[plan->nbound++] = bound;
            continue;
        }

        plan->arrays[value].data = (char *) plan->memory + offsets[root];
    }

    input = plan->inputs;
    scratchpad = 0;

    for (i = 0; i < context->nsteps; i++) {

        step = &context->steps[i];

        for (j = 0; j < ml_cpu_ninputs(step); j++) {
            value = ml_cpu_input(step, j);
            *input++ = (value == ML_ABSENT) ? NULL : &plan->arrays[value];
        }

        if (step->linear == NULL) {
            continue;
        }

        n = ml_cpu_matrix_rows(&plan->arrays[step->input]);

        rc = ml_cpu_product(context, step->linear, (int64_t) n,
                            &plan->products[i], &scratchpad, error);

        if (rc != ML_BACKEND_OK) {
            goto failed;
        }
    }

    /* primitives run one after another, so that one scratchpad serves all */

    if (scratchpad != 0) {
        scratchpad = (scratchpad + 4095) & ~((size_t) 4095);
        plan->scratchpad = aligned_alloc(4096, scratchpad);

        if (plan->scratchpad == NULL) {
            rc = ml_cpu_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
            goto failed;
        }

        for (i = 0; i < context->nsteps; i++) {
            if (plan->products[i].scratchpad != NULL) {
                rc = ml_cpu_dnnl(error,
                    dnnl_memory_set_data_handle(plan->products[i].scratchpad,
                                                plan->scratchpad),
                    "a scratchpad cannot be set");

                if (rc != ML_BACKEND_OK) {
                    goto failed;
                }
            }
        }
    }

    free(offsets);
    *result = plan;

    return ML_BACKEND_OK;

failed:

    free(offsets);
    ml_cpu_plan_free(context, plan);

    return rc;
}


void
ml_cpu_plan_free(ml_backend_context_t *context, ml_cpu_plan_t *plan)
{
    size_t  i;

    for (i = 0; plan->products != NULL && i < context->nsteps; i++) {
        ml_cpu_product_free(&plan->products[i]);
    }

    free(plan->products);
    free(plan->arrays);
    free(plan->inputs);
    free(plan->bound);
    free(plan->memory);
    free(plan->scratchpad);
    free(plan);
}
