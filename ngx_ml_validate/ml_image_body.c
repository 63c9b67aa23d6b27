/* Bodies that are images; see ml_image.h. */

#include <stdlib.h>

#include "ml_image.h"
#include "ml_violation.h"


typedef struct {
    ml_body_t          body;
    ml_image_t         image;
    ml_body_status_e   status;
    ml_violation_t     violation;
} ml_image_body_t;


static ml_body_status_e
ml_image_body_verdict(ml_image_body_t *body, int rc, ml_body_status_e status)
{
    if (rc == 0) {
        body->status = status;

    } else {
        ml_violation_value(&body->violation, body->image.error);
        body->status = ml_violation_failed(&body->violation)
                       ? ML_BODY_FAILED : ML_BODY_REJECTED;
    }

    return body->status;
}


static ml_body_status_e
ml_image_body_feed(ml_body_t *data, const char *bytes, size_t len)
{
    ml_image_body_t  *body = (ml_image_body_t *) data;

    if (body->status != ML_BODY_MORE) {
        return body->status;
    }

    return ml_image_body_verdict(body, ml_image_feed(&body->image, bytes,
                                                     len), ML_BODY_MORE);
}


static ml_body_status_e
ml_image_body_finish(ml_body_t *data)
{
    ml_image_body_t  *body = (ml_image_body_t *) data;

    if (body->status != ML_BODY_MORE) {
        return body->status;
    }

    return ml_image_body_verdict(body, ml_image_finish(&body->image),
                                 ML_BODY_PASSED);
}


static const ml_error_t *
ml_image_body_error(const ml_body_t *data)
{
    return &((const ml_image_body_t *) data)->violation.error;
}


static ml_tensor_t *
ml_image_body_tensors(ml_body_t *data, uint32_t *n)
{
    *n = 0;

    return NULL;
}


static void
ml_image_body_destroy(ml_body_t *data)
{
    ml_image_body_t  *body = (ml_image_body_t *) data;

    ml_violation_free(&body->violation);
    free(body);
}


ml_body_t *
ml_image_create(ml_image_type_e type, const ml_image_limits_t *limits)
{
    ml_image_body_t  *body;

    static const ml_body_ops_t  ops = {
        ml_image_body_feed,
        ml_image_body_finish,
        ml_image_body_error,
        ml_image_body_tensors,
        NULL,
        NULL,
        ml_image_body_destroy
    };

    body = calloc(1, sizeof(ml_image_body_t));

    if (body == NULL) {
        return NULL;
    }

    body->body.ops = &ops;
    ml_image_init(&body->image, type, limits);
    ml_violation_init(&body->violation);

    return &body->body;
}
