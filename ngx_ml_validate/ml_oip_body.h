/*
 * A body of the Open Inference Protocol: a JSON object that names tensors,
 * and behind it, with Triton's binary extension, the elements of those that
 * say so (ml_raw.h).
 *
 * DESIGN.  What is not "data" is small: it goes onto a bounded tape and is
 * looked at when its input ends.  "data" goes into the tensor's memory while
 * it arrives, if name, datatype and shape came before it; a client that sends
 * it first has it on the tape, and within its bound.
 *
 * With a contract the tensors are those of a model.  Without one anything
 * passes that is sound in itself, and nothing of it is kept: the elements are
 * as many as the shape says, and of the datatype.
 *
 * Source: see ml_oip.h.
 */

#ifndef ML_OIP_BODY_H
#define ML_OIP_BODY_H

#include "ml_body.h"
#include "ml_json.h"
#include "ml_oip.h"


/* The body has no binary part. */
#define ML_OIP_JSON  UINT64_MAX


/* What a request may be; all that it points to must stay. */
typedef struct {
    const ml_tensor_spec_t  *inputs;    /* of the model; NULL: any */
    size_t                   ninputs;   /* <= ML_OIP_TENSORS */
    uint64_t                 rows;      /* the most of a free dimension */
    const char              *model;     /* whom the path names */
    size_t                   model_len;
} ml_oip_contract_t;


/*
 * "header": bytes of JSON in front of the binary part, or ML_OIP_JSON; 0: the
 * body is the elements of the model's one input.  "tape": bytes that all but
 * elements may take.  "seed": 16 secret bytes.  The elements of all inputs
 * together are bound by the limits, binary or not.  NULL: no memory.
 *
 * The body's tensors are the contract's, in its order; none without one.  An
 * error of type "forbidden" is about what may never be asked.
 */
ml_body_t *ml_oip_create(const ml_oip_contract_t *contract, uint64_t header,
    const ml_json_limits_t *limits, size_t tape, const uint8_t *seed);

/* What a body that passed asks of its answer; valid as long as the body. */
const ml_oip_request_t *ml_oip_request(const ml_body_t *body);


#endif /* ML_OIP_BODY_H */
