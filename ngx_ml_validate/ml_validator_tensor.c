/* Values that stand under x-tensor; see ml_validator_state.h. */

#include <string.h>

#include "ml_validator_state.h"


void
ml_validator_tensor(ml_validator_t *v, const ml_schema_tensor_t *tensor)
{
    v->tensor = tensor;

    ml_sink_open(&v->sink, tensor, &v->tensors[tensor->index],
                 &v->found->violation);
}


/* The free dimension is that of every tensor before that has its name. */
static int
ml_validator_tensor_agrees(ml_validator_t *v, const ml_schema_tensor_t *mine)
{
    uint32_t                   i;
    const ml_tensor_t         *tensor;
    const ml_schema_tensor_t  *other;

    tensor = &v->tensors[mine->index];

    for (i = 0; mine->dimension && i < v->schema->ntensors; i++) {
        other = v->schema->tensors[i];

        if (v->tensors[i].name
            && other->dimension
            && strcmp(other->dimension, mine->dimension) == 0
            && v->tensors[i].dims[0] != tensor->dims[0])
        {
            ml_violation_dimension(&v->found->violation, mine->dimension,
                                   (uint64_t) tensor->dims[0],
                                   (uint64_t) v->tensors[i].dims[0]);

            return ml_validator_reject(v, v->nframes, 0, NULL);
        }
    }

    return 0;
}


int
ml_validator_tensor_verdict(ml_validator_t *v, ml_sink_e verdict)
{
    const ml_schema_tensor_t  *tensor;

    switch (verdict) {

    case ML_SINK_MORE:
        return 0;

    case ML_SINK_DONE:
        tensor = v->tensor;
        v->tensor = NULL;

        return ml_validator_tensor_agrees(v, tensor);

    case ML_SINK_REJECTED:
        return ml_validator_reject(v, v->nframes, v->sink.depth, NULL);

    default: /* ML_SINK_MEMORY */
        return ml_validator_fail(v);
    }
}
