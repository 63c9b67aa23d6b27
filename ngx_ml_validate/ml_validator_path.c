/* Where in the body a violation is; see ml_validator_state.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_utf8.h"
#include "ml_validator_state.h"


int
ml_validator_fail(ml_validator_t *v)
{
    v->status = ML_BODY_FAILED;

    return -1;
}


ml_path_step_t *
ml_validator_path(ml_validator_t *v, uint32_t nframes, size_t room)
{
    char                        *copy;
    uint32_t                     i;
    ml_path_step_t              *step;
    ml_validator_found_t        *found;
    const ml_validator_frame_t  *frame;

    found = v->found;

    found->path = calloc((size_t) nframes + room + 1, sizeof(ml_path_step_t));
    found->names = malloc(((size_t) nframes + room + 1) * ML_VALIDATOR_NAME);

    if (found->path == NULL || found->names == NULL
        || ml_violation_failed(&found->violation))
    {
        return NULL;
    }

    found->violation.error.path = found->path;
    found->violation.error.npath = nframes;

    step = found->path;
    copy = found->names;

    for (i = 0; i < nframes; i++, step++) {
        frame = &v->frames[i];

        if (frame->array) {
            step->index = frame->count - 1;
            continue;
        }

        if (frame->key) {
            step->name = frame->key->name;
            step->len = frame->key->len;
            continue;
        }

        step->name = copy;
        step->len = frame->copy_len;
        memcpy(copy, frame->copy, step->len);
        copy += ML_VALIDATOR_NAME;
    }

    return step;
}


int
ml_validator_reject(ml_validator_t *v, uint32_t nframes, uint32_t nlevels,
    const ml_schema_name_t *name)
{
    char            *copy;
    uint32_t         i;
    ml_path_step_t  *step;

    step = ml_validator_path(v, nframes, nlevels + 1);

    if (step == NULL) {
        return ml_validator_fail(v);
    }

    for (i = 0; i < nlevels; i++, step++) {
        step->index = v->sink.counts[i] - 1;
    }

    if (name) {
        copy = v->found->names + (size_t) nframes * ML_VALIDATOR_NAME;
        step->name = copy;
        step->len = ml_utf8_cut(name->name, name->len, ML_VALIDATOR_NAME);
        memcpy(copy, name->name, step->len);
        step++;
    }

    v->found->violation.error.npath = (size_t) (step - v->found->path);

    /* a key at fault stands inside of the innermost frame */

    return ml_validator_found(v, name ? v->nframes : nframes + nlevels);
}
