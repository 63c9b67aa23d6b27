/* The JSON validator as a body; see ml_body.h. */

#include "ml_validator_state.h"


static ml_body_status_e
ml_validator_body_feed(ml_body_t *body, const char *bytes, size_t len)
{
    return ml_validator_feed((ml_validator_t *) body, bytes, len);
}


static ml_body_status_e
ml_validator_body_finish(ml_body_t *body)
{
    return ml_validator_finish((ml_validator_t *) body);
}


static const ml_error_t *
ml_validator_body_error(const ml_body_t *body)
{
    return ml_validator_error((const ml_validator_t *) body);
}


static ml_tensor_t *
ml_validator_body_tensors(ml_body_t *body, uint32_t *n)
{
    return ml_validator_tensors((ml_validator_t *) body, n);
}


static int
ml_validator_body_field(const ml_body_t *body, const char *name, size_t len,
    ml_text_t *out)
{
    return ml_validator_field((const ml_validator_t *) body, name, len, out);
}


static void
ml_validator_body_watch(ml_body_t *body, const ml_body_watch_t *watch)
{
    ((ml_validator_t *) body)->watch = watch;
}


static void
ml_validator_body_destroy(ml_body_t *body)
{
    ml_validator_destroy((ml_validator_t *) body);
}


ml_body_t *
ml_validator_body(ml_validator_t *v)
{
    static const ml_body_ops_t  ops = {
        ml_validator_body_feed,
        ml_validator_body_finish,
        ml_validator_body_error,
        ml_validator_body_tensors,
        ml_validator_body_field,
        ml_validator_body_watch,
        ml_validator_body_destroy
    };

    if (v == NULL) {
        return NULL;
    }

    v->body.ops = &ops;

    return &v->body;
}
