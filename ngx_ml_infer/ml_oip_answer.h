/*
 * What a server of the Open Inference Protocol answers.
 *
 * Source: see ml_oip.h; Triton's docs/protocol/extension_model_configuration.
 */

#ifndef ML_OIP_ANSWER_H
#define ML_OIP_ANSWER_H

#include "ml_contract.h"
#include "ml_oip.h"
#include "ml_text.h"


/* The one version that a model has. */
#define ML_OIP_VERSION  "1"


typedef struct {
    const char              *name;
    const ml_tensor_spec_t  *inputs;
    size_t                   ninputs;
    const ml_tensor_spec_t  *outputs;
    size_t                   noutputs;
    int64_t                  batch;     /* the most rows; 0: not batched */
} ml_oip_model_t;


/* Append the bodies of health, metadata and configuration. */
void ml_oip_server_live(ml_text_t *out);
void ml_oip_server_ready(ml_text_t *out);
void ml_oip_model_ready(ml_text_t *out, const ml_oip_model_t *model);
void ml_oip_server_metadata(ml_text_t *out, const char *version);
void ml_oip_model_metadata(ml_text_t *out, const ml_oip_model_t *model);
void ml_oip_model_config(ml_text_t *out, const ml_oip_model_t *model);

/* The first output that the request names and the model does not have, or
 * NULL. */
const char *ml_oip_unknown_output(const ml_oip_request_t *request,
    const ml_oip_model_t *model);

/*
 * Appends the answer to a request: JSON, and behind it the elements of those
 * outputs that are to be binary.  "data" is in the order of the model's
 * outputs, "rows" rows each.  Returns the bytes of JSON, 0 when there is
 * nothing else.
 */
size_t ml_oip_answer(ml_text_t *out, const ml_oip_request_t *request,
    const ml_oip_model_t *model, void *const *data, int64_t rows);


#endif /* ML_OIP_ANSWER_H */
