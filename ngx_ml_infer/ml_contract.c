/* Matches a contract with a model; see ml_contract.h. */

#include <stdio.h>
#include <string.h>

#include "ml_contract.h"


static const ml_tensor_spec_t *
ml_contract_spec(const ml_tensor_spec_t *specs, size_t n, const char *name)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (strcmp(specs[i].name, name) == 0) {
            return &specs[i];
        }
    }

    return NULL;
}


/* "[-1,64]" into a buffer of at least 176 bytes */
static const char *
ml_contract_shape(const ml_tensor_spec_t *spec, char *buffer, size_t size)
{
    size_t    len;
    uint32_t  i;

    len = (size_t) snprintf(buffer, size, "[");

    for (i = 0; i < spec->rank && len < size; i++) {
        len += (size_t) snprintf(buffer + len, size - len, "%s%lld",
                                 i ? "," : "", (long long) spec->dims[i]);
    }

    if (len < size) {
        snprintf(buffer + len, size - len, "]");
    }

    return buffer;
}


static int
ml_contract_input(const ml_tensor_spec_t *input, int batched,
    const ml_tensor_spec_t *given, ml_contract_form_e *form)
{
    uint32_t  skip_input, skip_given;

    skip_input = 0;
    skip_given = 0;

    if (!batched) {
        *form = ML_CONTRACT_WHOLE;

    } else if (given->rank == input->rank) {
        *form = ML_CONTRACT_BATCH;
        skip_input = 1;
        skip_given = 1;

    } else {
        *form = ML_CONTRACT_ROW;
        skip_input = 1;
    }

    if (given->rank - skip_given != input->rank - skip_input) {
        return -1;
    }

    return memcmp(given->dims + skip_given, input->dims + skip_input,
                  (input->rank - skip_input) * sizeof(int64_t))
           == 0 ? 0 : -1;
}


int
ml_contract_match(const ml_model_t *model, const ml_tensor_spec_t *contract,
    size_t n, ml_contract_form_e *form, char *error, size_t size)
{
    char                     want[176], got[176];
    size_t                   i, ninputs;
    ml_contract_form_e       own;
    const ml_tensor_spec_t  *inputs, *given;

    inputs = ml_model_inputs(model, &ninputs);

    *form = ml_model_batched(model) ? ML_CONTRACT_ROW : ML_CONTRACT_WHOLE;

    for (i = 0; i < n; i++) {
        if (ml_contract_spec(inputs, ninputs, contract[i].name) == NULL) {
            snprintf(error, size, "the schema's tensor \"%s\" is no input of "
                     "the model", contract[i].name);
            return -1;
        }
    }

    for (i = 0; i < ninputs; i++) {
        given = ml_contract_spec(contract, n, inputs[i].name);

        if (given == NULL) {
            snprintf(error, size, "the schema has no tensor for the model's "
                     "input \"%s\"", inputs[i].name);
            return -1;
        }

        if (given->dtype != inputs[i].dtype) {
            snprintf(error, size, "the schema's tensor \"%s\" is %s, the "
                     "model's input is %s", inputs[i].name,
                     ml_dtype_name(given->dtype),
                     ml_dtype_name(inputs[i].dtype));
            return -1;
        }

        if (ml_contract_input(&inputs[i], ml_model_batched(model), given,
                              &own)
            != 0)
        {
            snprintf(error, size, "the schema's tensor \"%s\" has shape %s, "
                     "the model's input has %s", inputs[i].name,
                     ml_contract_shape(given, got, sizeof(got)),
                     ml_contract_shape(&inputs[i], want, sizeof(want)));
            return -1;
        }

        if (i > 0 && own != *form) {
            snprintf(error, size, "the schema's tensors are partly rows, "
                     "partly batches");
            return -1;
        }

        *form = own;
    }

    return 0;
}


ml_tensor_t *
ml_contract_find(ml_tensor_t *tensors, size_t n, const char *name)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (strcmp(tensors[i].name, name) == 0) {
            return &tensors[i];
        }
    }

    return NULL;
}


int64_t
ml_contract_rows(const ml_model_t *model, ml_tensor_t *tensors, size_t n,
    ml_contract_form_e form)
{
    size_t                   i, ninputs;
    int64_t                  rows;
    const ml_tensor_t       *tensor;
    const ml_tensor_spec_t  *inputs;

    if (form != ML_CONTRACT_BATCH) {
        return 1;
    }

    inputs = ml_model_inputs(model, &ninputs);
    rows = -1;

    for (i = 0; i < ninputs; i++) {
        tensor = ml_contract_find(tensors, n, inputs[i].name);

        if (tensor == NULL || (i > 0 && tensor->dims[0] != rows)) {
            return -1;
        }

        rows = tensor->dims[0];
    }

    return rows;
}


int
ml_contract_fits(const ml_model_t *model, ml_tensor_t *tensors, size_t n)
{
    size_t                   i, ninputs;
    uint32_t                 d;
    const ml_tensor_t       *tensor;
    const ml_tensor_spec_t  *inputs;

    inputs = ml_model_inputs(model, &ninputs);

    for (i = 0; i < ninputs; i++) {
        tensor = ml_contract_find(tensors, n, inputs[i].name);

        if (tensor == NULL
            || tensor->dtype != inputs[i].dtype
            || tensor->rank != inputs[i].rank)
        {
            return 0;
        }

        for (d = 0; d < tensor->rank; d++) {
            if (inputs[i].dims[d] == -1 ? tensor->dims[d] < 1
                                        : tensor->dims[d]
                                          != inputs[i].dims[d])
            {
                return 0;
            }
        }
    }

    return 1;
}
