/* What a run of a number of rows needs; see ml_backend_cpu.h. */

#include <stdlib.h>

#include "ml_backend_cpu.h"


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
    ml_bound_t        bound;
    ml_cpu_plan_t        *plan;
    ml_step_t        *step;
    const ml_model_t     *model;
    const ml_array_t    **input;
    ml_backend_status_e   rc;

    model = context->model;
    offsets = NULL;

    for (i = 0, n = 0; i < context->steps.nsteps; i++) {
        n += ml_step_ninputs(&context->steps.steps[i]);
    }

    plan = calloc(1, sizeof(ml_cpu_plan_t));

    if (plan == NULL) {
        return ml_cpu_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
    }

    plan->rows = rows;
    plan->arrays = calloc(model->nvalues + 1, sizeof(ml_array_t));
    plan->inputs = calloc(n + 1, sizeof(ml_array_t *));
    plan->products = calloc(context->steps.nsteps + 1,
                            sizeof(ml_cpu_product_t));
    plan->bound = calloc(model->nvalues + 1, sizeof(ml_bound_t));

    if (plan->arrays == NULL || plan->inputs == NULL || plan->products == NULL
        || plan->bound == NULL)
    {
        rc = ml_cpu_fail(error, ML_BACKEND_MEMORY, "no memory for a plan");
        goto failed;
    }

    ml_layout_arrays(model, rows, plan->arrays);

    offsets = ml_layout_place(model, &context->steps, plan->arrays,
                              ML_CPU_ALIGN, &total);

    if (offsets == NULL) {
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

        root = context->steps.root[value];

        if (model->values[value].data != NULL) {
            continue;
        }

        if (ml_layout_bound(model, root, &bound)) {
            bound.value = value;
            plan->bound[plan->nbound++] = bound;
            continue;
        }

        plan->arrays[value].data = (char *) plan->memory + offsets[root];
    }

    input = plan->inputs;
    scratchpad = 0;

    for (i = 0; i < context->steps.nsteps; i++) {

        step = &context->steps.steps[i];

        for (j = 0; j < ml_step_ninputs(step); j++) {
            value = ml_step_input(step, j);
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

        for (i = 0; i < context->steps.nsteps; i++) {
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

    for (i = 0; plan->products != NULL && i < context->steps.nsteps; i++) {
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
