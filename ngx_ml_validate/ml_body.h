/*
 * What checks a request body while it arrives and makes tensors of it,
 * whatever its format: JSON (ml_validator.h), raw elements (ml_raw.h) or
 * numpy's file format (ml_npy.h).
 *
 * A body is fed in pieces of any size and comes to the same verdict however
 * it is split.
 */

#ifndef ML_BODY_H
#define ML_BODY_H

#include <stddef.h>
#include <stdint.h>

#include "ml_error.h"
#include "ml_json.h"
#include "ml_tensor.h"
#include "ml_text.h"


typedef struct ml_body_s  ml_body_t;


typedef enum {
    ML_BODY_MORE = 0,               /* no offence so far */
    ML_BODY_PASSED,                 /* from finish() only */
    ML_BODY_REJECTED,               /* see error() */
    ML_BODY_FAILED                  /* memory is short */
} ml_body_status_e;


/* What sees the texts of a body. */
typedef struct {
    /* As ml_json_events_t has it; returns 0 to go on, above 0 when the text
     * is not allowed, below when it failed. */
    int   (*string)(void *data, ml_json_string_e part, const char *bytes,
              size_t len);
    void   *data;
} ml_body_watch_t;


typedef struct {
    /* Once it returned anything but ML_BODY_MORE it returns it again. */
    ml_body_status_e  (*feed)(ml_body_t *body, const char *bytes, size_t len);

    /* The body ends here. */
    ml_body_status_e  (*finish)(ml_body_t *body);

    /* The violations, a list; valid until the body is destroyed. */
    const ml_error_t *(*error)(const ml_body_t *body);

    /*
     * The tensors of a body that passed, in the order of the schema's specs;
     * all are there.  The array and the data belong to the body; data may be
     * taken by setting it to NULL.
     */
    ml_tensor_t      *(*tensors)(ml_body_t *body, uint32_t *n);

    /* (optional) Appends a kept field as JSON; 0: the body had none. */
    int               (*field)(const ml_body_t *body, const char *name,
                           size_t len, ml_text_t *out);

    /* (optional) Before the first byte: "watch", which must stay, sees the
     * texts. */
    void              (*watch)(ml_body_t *body, const ml_body_watch_t *watch);

    void              (*destroy)(ml_body_t *body);
} ml_body_ops_t;


struct ml_body_s {
    const ml_body_ops_t  *ops;
};


#endif /* ML_BODY_H */
