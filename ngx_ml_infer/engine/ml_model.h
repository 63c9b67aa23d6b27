/*
 * A model read from an ONNX file, checked and ready to be planned by any
 * backend.  Plain C: no thread, no backend, nothing that may not run in the
 * master or under `nginx -t`.
 *
 * Source: the ONNX IR and operator specifications (onnx/docs/IR.md,
 * onnx/docs/Operators.md), opsets 7 to 21 of the default domain.
 */

#ifndef ML_MODEL_H
#define ML_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "ml_tensor.h"


typedef struct ml_model_s  ml_model_t;


/*
 * Reads, checks, folds constants and infers shapes.  The file is untrusted:
 * time and memory are bounded (see ml_onnx.h).  On failure returns NULL and
 * writes one line of why, without a final newline, to error.
 */
ml_model_t *ml_model_open(const char *path, char *error, size_t size);

/* The same from memory, which must stay until ml_model_close(). */
ml_model_t *ml_model_read(const void *data, size_t len, char *error,
    size_t size);

void ml_model_close(ml_model_t *model);

/*
 * Tells the file of a model from others, and from itself when it has changed:
 * of device, inode, size and time of modification.  0: not from a file.
 */
uint64_t ml_model_identity(const ml_model_t *model);

/*
 * The inputs and outputs; the arrays belong to the model.  A batched model
 * has -1 as the first dimension of every input and output, and no other free
 * dimension; any other free dimension is refused by ml_model_open().
 */
const ml_tensor_spec_t *ml_model_inputs(const ml_model_t *model, size_t *n);
const ml_tensor_spec_t *ml_model_outputs(const ml_model_t *model, size_t *n);

/* 1 when rows of several requests may be run as one batch. */
int ml_model_batched(const ml_model_t *model);


#endif /* ML_MODEL_H */
