/*
 * A model's outputs as members of a JSON object.
 *
 * One key per output; nested arrays in row-major order; a scalar where a row
 * has one element.  A NaN or an infinity, which JSON does not have, is null.
 */

#ifndef ML_RESPONSE_H
#define ML_RESPONSE_H

#include <stddef.h>
#include <stdint.h>

#include "ml_contract.h"
#include "ml_text.h"


/* Whether values of the type can be told in JSON. */
int ml_response_supports(ml_dtype_e dtype);

/* Appends n elements of a type that is supported, as one flat array. */
void ml_response_elements(ml_text_t *out, ml_dtype_e dtype, const void *data,
    size_t n);

/*
 * Appends "name":value for each output, with commas between and no braces.
 * "data" is in the order of the specs, "rows" rows each.
 */
void ml_response_render(ml_text_t *out, const ml_tensor_spec_t *outputs,
    size_t n, void *const *data, int64_t rows, ml_contract_form_e form);


#endif /* ML_RESPONSE_H */
