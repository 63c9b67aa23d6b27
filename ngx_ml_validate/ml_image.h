/*
 * Images, judged by their headers: PNG, JPEG, WebP and GIF.
 *
 * A decoder allocates width x height, and as many of that as there are
 * frames, before it looks at a pixel: a file of some 60 bytes can ask for 30
 * GB.  Here the dimensions are read as the file arrives and bounded; pixels
 * are not decoded, and what a header promises may still be missing.
 *
 * Frames are counted to the end of an animated file.  Its first parts, up to
 * the dimensions, may not be longer than ML_IMAGE_SCAN.
 *
 * Source: PNG, third edition (W3C, 2025), sections 5 and 11; JPEG (ITU-T
 * T.81, annex B); GIF89a (CompuServe, 1990), section 17 and on; WebP
 * (RFC 9649, section 2) and VP8 (RFC 6386, section 9.1).
 */

#ifndef ML_IMAGE_H
#define ML_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ml_body.h"


/* Bytes before the dimensions of an image. */
#define ML_IMAGE_SCAN  (1024 * 1024)


typedef enum {
    ML_IMAGE_PNG = 0,
    ML_IMAGE_JPEG,
    ML_IMAGE_WEBP,
    ML_IMAGE_GIF,
    ML_IMAGE_TYPES
} ml_image_type_e;


typedef struct {
    uint64_t         pixels;        /* of all frames together, at most */
    uint32_t         frames;        /* at most */
} ml_image_limits_t;


/* What is known of an image so far; private but for the first three. */
typedef struct ml_image_s  ml_image_t;

struct ml_image_s {
    uint32_t         width;         /* 0: not known yet */
    uint32_t         height;
    uint32_t         frames;

    ml_image_limits_t  limits;
    const char      *error;
    int            (*step)(ml_image_t *image, const uint8_t *bytes);
    uint64_t         skip;          /* bytes that do not matter */
    uint64_t         scanned;
    uint32_t         need;          /* bytes that the step wants */
    uint32_t         have;
    int              complete;      /* enough is known */
    uint8_t          bytes[64];
};


/* "image/png" and the like; static. */
const char *ml_image_media_type(ml_image_type_e type);

/* Begins a file of that type; the limits are copied. */
void ml_image_init(ml_image_t *image, ml_image_type_e type,
    const ml_image_limits_t *limits);

/*
 * More of the file: 0 to go on; -1: refused, with one line of why in
 * image->error, static, and again from then on.
 */
int ml_image_feed(ml_image_t *image, const char *bytes, size_t len);

/* The file ends here: 0, or -1 as above. */
int ml_image_finish(ml_image_t *image);

/* A body that is such a file.  NULL: no memory. */
ml_body_t *ml_image_create(ml_image_type_e type,
    const ml_image_limits_t *limits);


#endif /* ML_IMAGE_H */
