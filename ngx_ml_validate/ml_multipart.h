/*
 * A body of multipart/form-data with one part, which is a file: an image
 * (ml_image.h), or an array in numpy's format (ml_npy.h).
 *
 * DESIGN.  A wrapper: what is between the part's headers and the delimiter
 * goes to the reader of the file as it arrives.  Exactly one part, with a
 * file name, nothing in front of it and nothing behind it.
 *
 * Source: RFC 7578; RFC 2046, section 5.1; RFC 6266 for the names of files.
 */

#ifndef ML_MULTIPART_H
#define ML_MULTIPART_H

#include <stddef.h>

#include "ml_body.h"
#include "ml_image.h"
#include "ml_schema.h"


/* The longest boundary (RFC 2046, section 5.1.1), and headers of a part. */
#define ML_MULTIPART_BOUNDARY  70
#define ML_MULTIPART_HEADERS   4096


/* What the file may be; one of the two is given. */
typedef struct {
    const ml_image_limits_t   *image;
    uint32_t                   types;       /* bits of images; 0: all */
    const ml_schema_tensor_t  *npy;
} ml_multipart_file_t;


/*
 * The boundary of a Content-Type, whose length is stored; NULL when it is not
 * multipart/form-data with one, of the characters that it may have.
 */
const char *ml_multipart_boundary(const char *type, size_t len, size_t *n);

/* "file" must stay, the boundary is copied.  NULL: no memory. */
ml_body_t *ml_multipart_create(const char *boundary, size_t len,
    const ml_multipart_file_t *file);


#endif /* ML_MULTIPART_H */
