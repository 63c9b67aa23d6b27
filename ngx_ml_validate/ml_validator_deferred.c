/*
 * Values that are checked when they are complete; see ml_validator_state.h.
 *
 * The outermost open value whose node is deferred is put on the tape, and
 * evaluated there with all that is in it when it ends.
 */

#include <stdlib.h>
#include <string.h>

#include "ml_evaluate.h"
#include "ml_utf8.h"
#include "ml_validator_state.h"


static const ml_schema_name_t  ml_validator_key_step = { "[key]", 5 };


void
ml_validator_defer(ml_validator_t *v, const ml_schema_node_t *node)
{
    if (node->deferred && v->deferred == NULL) {
        v->deferred = node;
        v->deferred_at = v->nframes;
        v->deferred_mark = v->tape.n;
        v->tape.limit = ml_tape_bytes(&v->tape) + v->deferred_size;
        v->recording++;
    }
}


int
ml_validator_deferred_full(ml_validator_t *v)
{
    ml_violation_value(&v->found->violation, "too large to be checked");

    return ml_validator_reject(v, v->deferred_at, 0, NULL);
}


/* The path goes on from the deferred value to what failed in it. */
static int
ml_validator_reject_failure(ml_validator_t *v, const ml_failure_t *failure)
{
    int                      is_key;
    char                    *copy;
    size_t                   i, n;
    ml_path_step_t          *step;
    const ml_schema_name_t  *name;

    n = ml_tape_path(&v->tape, v->deferred_mark, failure->at, NULL);
    is_key = ml_tape_is_key(&v->tape, failure->at);
    name = is_key ? &ml_validator_key_step : failure->name;

    ml_violation_failure(&v->found->violation, failure, &v->tape);

    step = ml_validator_path(v, v->deferred_at, n + 1);

    if (step == NULL) {
        return ml_validator_fail(v);
    }

    (void) ml_tape_path(&v->tape, v->deferred_mark, failure->at, step);

    copy = v->found->names + (size_t) v->deferred_at * ML_VALIDATOR_NAME;

    for (i = 0; i < n; i++, copy += ML_VALIDATOR_NAME) {
        if (step[i].name) {
            step[i].len = ml_utf8_cut(step[i].name, step[i].len,
                                      ML_VALIDATOR_NAME);
            memcpy(copy, step[i].name, step[i].len);
            step[i].name = copy;
        }
    }

    if (name) {
        step[n].name = name->name;
        step[n].len = name->len;
        n++;
    }

    v->found->violation.error.npath += n;

    return ml_validator_found(v, v->deferred_at);
}


int
ml_validator_evaluate(ml_validator_t *v)
{
    ml_failure_t  failure;

    switch (ml_evaluate(v->schema, v->deferred, &v->tape, v->deferred_mark,
                        &failure))
    {

    case ML_EVALUATE_PASSED:
        v->deferred = NULL;
        v->recording--;

        if (v->recording == 0) {
            ml_tape_cut(&v->tape, v->deferred_mark);

        } else if (ml_tape_bytes(&v->tape) > ML_VALIDATOR_KEEP) {
            ml_violation_keep(&v->found->violation);
            return ml_validator_reject(v, 1, 0, NULL);
        }

        v->tape.limit = ML_VALIDATOR_KEEP;

        return 0;

    case ML_EVALUATE_FAILED:
        return ml_validator_reject_failure(v, &failure);

    case ML_EVALUATE_COSTLY:
        ml_violation_value(&v->found->violation, "too complex to be checked");
        return ml_validator_reject(v, v->deferred_at, 0, NULL);

    default: /* ML_EVALUATE_MEMORY */
        return ml_validator_fail(v);
    }
}
