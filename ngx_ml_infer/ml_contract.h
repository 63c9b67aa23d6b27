/*
 * What a location's contract and a model have to do with each other.
 *
 * The validator makes tensors as a schema declares them; the model has
 * inputs as its file declares them.  They match when names and types are the
 * same and the shapes are, except that a tensor of one dimension less than a
 * batched model's input is one row.
 */

#ifndef ML_CONTRACT_H
#define ML_CONTRACT_H

#include <stddef.h>
#include <stdint.h>

#include "ml_model.h"
#include "ml_tensor.h"


typedef enum {
    ML_CONTRACT_ROW = 0,            /* one row, told without a dimension */
    ML_CONTRACT_BATCH,              /* the first dimension is the row */
    ML_CONTRACT_WHOLE               /* the model is not batched */
} ml_contract_form_e;


/*
 * Returns 0 and stores the form of requests, or returns -1 and writes one
 * line of what does not match.
 */
int ml_contract_match(const ml_model_t *model,
    const ml_tensor_spec_t *contract, size_t n, ml_contract_form_e *form,
    char *error, size_t size);

/* The tensor of a name, NULL when there is none. */
ml_tensor_t *ml_contract_find(ml_tensor_t *tensors, size_t n,
    const char *name);

/*
 * Whether tensors of a request that was not checked at configuration time are
 * the model's inputs, rows included.
 */
int ml_contract_fits(const ml_model_t *model, ml_tensor_t *tensors, size_t n);

/*
 * The rows of a request whose tensors fit the contract: at least 1, or 0
 * when a tensor has none, or -1 when two tensors differ.
 */
int64_t ml_contract_rows(const ml_model_t *model, ml_tensor_t *tensors,
    size_t n, ml_contract_form_e form);


#endif /* ML_CONTRACT_H */
