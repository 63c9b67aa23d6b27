/*
 * Checks a body against a compiled schema while it arrives, and turns its
 * declared arrays into tensors.
 *
 * DESIGN.  The reader's events drive a stack of frames, one per open
 * container, each with the schema node that applies; the first violation ends
 * it, unless more are asked for.  What stands under x-tensor goes into the
 * tensor's memory at once, element by element, and its shape is followed by a
 * counter per dimension.
 * Memory is that of the tensors plus a bounded rest: a frame per open
 * container, a bit per required name of each, and a tape for values that
 * are evaluated when they are complete ("deferred") or kept
 * (ML_VALIDATOR_KEEP).
 *
 * A tensor's memory starts small and doubles; when it is complete it is cut
 * to size.  The C library moves large blocks by remapping them, and pages
 * that were never written take no memory, so that a tensor never costs twice.
 */

#ifndef ML_VALIDATOR_H
#define ML_VALIDATOR_H

#include <stddef.h>
#include <stdint.h>

#include "ml_body.h"
#include "ml_json.h"
#include "ml_schema.h"


/* Bytes that the fields which are kept may take together, on the tape. */
#define ML_VALIDATOR_KEEP  65536

/* Bytes of a key that an error tells when the schema does not have it. */
#define ML_VALIDATOR_NAME  64


/* The most violations that may be told. */
#define ML_VALIDATOR_ERRORS  100


typedef struct ml_validator_s  ml_validator_t;


/*
 * "deferred": bytes that a value may take on the tape to be evaluated.
 * "seed": 16 secret bytes.  "keep": NULL, or a flag per property of the
 * schema's root, in the order of its array, that asks for the field to be
 * kept; read during ml_validator_create() and after, so it must stay.
 * "errors", 1 to ML_VALIDATOR_ERRORS: how many violations are to be told;
 * with 1 the first ends it.  The schema must outlive the validator.  NULL
 * when memory is short.
 */
ml_validator_t *ml_validator_create(const ml_schema_t *schema,
    const ml_json_limits_t *limits, size_t deferred, const uint8_t *seed,
    const uint8_t *keep, uint32_t errors);

void ml_validator_destroy(ml_validator_t *validator);

/* The same as a body: its operations are the functions below.  NULL: NULL. */
ml_body_t *ml_validator_body(ml_validator_t *validator);

/* Once it returned anything but ML_BODY_MORE it returns it again. */
ml_body_status_e ml_validator_feed(ml_validator_t *validator,
    const char *bytes, size_t len);

/* The body ends here. */
ml_body_status_e ml_validator_finish(ml_validator_t *validator);

/* The violations, a list; valid until the validator is destroyed. */
const ml_error_t *ml_validator_error(const ml_validator_t *validator);

/*
 * The tensors of a body that passed, in the order of the schema's specs; all
 * are there.  The array and the data belong to the validator; data may be
 * taken by setting it to NULL.
 */
ml_tensor_t *ml_validator_tensors(ml_validator_t *validator, uint32_t *n);

/* Appends a kept field as JSON; 0 when the body did not have it. */
int ml_validator_field(const ml_validator_t *validator, const char *name,
    size_t len, ml_text_t *out);


#endif /* ML_VALIDATOR_H */
