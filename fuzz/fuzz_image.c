/*
 * Images: no input may crash the scanner or come to another verdict when it
 * is cut.  The first byte is the type.
 */

/* link: */

#include <stdlib.h>
#include <string.h>

#include "ml_image.c"


static const char *
scan(ml_image_type_e type, const char *bytes, size_t len, size_t step,
    ml_image_t *image)
{
    size_t                          i, n;
    static const ml_image_limits_t  limits = { 1000000, 20 };

    ml_image_init(image, type, &limits);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;
        (void) ml_image_feed(image, bytes + i, n);
    }

    (void) ml_image_finish(image);

    return image->error;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ml_image_t   whole, cut;
    const char  *one, *other;

    if (size == 0) {
        return 0;
    }

    one = scan((ml_image_type_e) (data[0] % ML_IMAGE_TYPES),
               (const char *) data + 1, size - 1, size, &whole);
    other = scan((ml_image_type_e) (data[0] % ML_IMAGE_TYPES),
                 (const char *) data + 1, size - 1, 1, &cut);

    if (one != other
        || (one == NULL && (whole.width != cut.width
                            || whole.height != cut.height
                            || whole.frames != cut.frames
                            || (uint64_t) whole.width * whole.height
                               * whole.frames > 1000000)))
    {
        abort();
    }

    return 0;
}
