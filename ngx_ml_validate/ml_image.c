/*
 * Images, judged by their headers; see ml_image.h.
 *
 * A file is a row of steps: each wants a number of bytes, looks at them, and
 * says how many to skip and what comes next.
 */

#include <string.h>

#include "ml_image.h"


/* What follows: bytes to skip, then so many for the step. */
static int
ml_image_then(ml_image_t *image, uint64_t skip, uint32_t need,
    int (*step)(ml_image_t *image, const uint8_t *bytes))
{
    image->skip = skip;
    image->need = need;
    image->step = step;

    return 0;
}


static int
ml_image_fail(ml_image_t *image, const char *error)
{
    image->error = error;

    return -1;
}


/* Nothing that is still to come matters. */
static int
ml_image_done(ml_image_t *image)
{
    image->complete = 1;
    image->need = 0;

    return 0;
}


/* One more frame. */
static int
ml_image_frame(ml_image_t *image)
{
    uint64_t  pixels;

    image->frames++;
    pixels = (uint64_t) image->width * image->height;

    if (image->frames > image->limits.frames) {
        return ml_image_fail(image, "image has too many frames");
    }

    /* below 2^62: the widest has 31 bits a side */

    if (pixels > image->limits.pixels / image->frames) {
        return ml_image_fail(image, "image has too many pixels");
    }

    return 0;
}


static int
ml_image_size(ml_image_t *image, uint32_t width, uint32_t height)
{
    if (width == 0 || height == 0) {
        return ml_image_fail(image, "image has no pixels");
    }

    image->width = width;
    image->height = height;

    return 0;
}


static uint32_t
ml_image_big(const uint8_t *p, unsigned n)
{
    uint32_t  value;

    for (value = 0; n; n--) {
        value = value << 8 | *p++;
    }

    return value;
}


static uint32_t
ml_image_little(const uint8_t *p, unsigned n)
{
    uint32_t  value;

    for (value = 0; n--; /* void */ ) {
        value = value << 8 | p[n];
    }

    return value;
}


/* PNG: chunks of length, name, data and a sum. */

static int
ml_image_png_chunk(ml_image_t *image, const uint8_t *bytes);


/* acTL: the number of frames, with the head of the chunk behind. */
static int
ml_image_png_frames(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t  n;

    n = ml_image_big(bytes, 4);

    if (n == 0 || n > image->limits.frames) {
        return ml_image_fail(image, "image has too many frames");
    }

    image->frames = n - 1;

    if (ml_image_frame(image) != 0) {
        return -1;
    }

    return ml_image_then(image, 8, 8, ml_image_png_chunk);
}


static int
ml_image_png_chunk(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t  len;

    len = ml_image_big(bytes, 4);

    if (len > INT32_MAX) {
        return ml_image_fail(image, "not a PNG image");
    }

    if (memcmp(bytes + 4, "IDAT", 4) == 0 || memcmp(bytes + 4, "IEND", 4) == 0)
    {
        return ml_image_done(image);
    }

    if (memcmp(bytes + 4, "acTL", 4) == 0) {

        if (len != 8) {
            return ml_image_fail(image, "not a PNG image");
        }

        return ml_image_then(image, 0, 4, ml_image_png_frames);
    }

    return ml_image_then(image, (uint64_t) len + 4, 8, ml_image_png_chunk);
}


static int
ml_image_png(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t  width, height;

    static const uint8_t  head[16] = {
        137, 'P', 'N', 'G', '\r', '\n', 26, '\n', 0, 0, 0, 13,
        'I', 'H', 'D', 'R'
    };

    if (memcmp(bytes, head, sizeof(head)) != 0) {
        return ml_image_fail(image, "not a PNG image");
    }

    width = ml_image_big(bytes + 16, 4);
    height = ml_image_big(bytes + 20, 4);

    if (width > INT32_MAX || height > INT32_MAX) {
        return ml_image_fail(image, "not a PNG image");
    }

    if (ml_image_size(image, width, height) != 0
        || ml_image_frame(image) != 0)
    {
        return -1;
    }

    /* five bytes more of the header, and its sum */

    return ml_image_then(image, 9, 8, ml_image_png_chunk);
}


/* JPEG: markers, most with a length. */

static int
ml_image_jpeg_marker(ml_image_t *image, const uint8_t *bytes);


/* Length, precision, height, width. */
static int
ml_image_jpeg_frame(ml_image_t *image, const uint8_t *bytes)
{
    if (ml_image_big(bytes, 2) < 8) {
        return ml_image_fail(image, "not a JPEG image");
    }

    if (ml_image_size(image, ml_image_big(bytes + 5, 2),
                      ml_image_big(bytes + 3, 2))
        != 0
        || ml_image_frame(image) != 0)
    {
        return -1;
    }

    return ml_image_done(image);
}


static int
ml_image_jpeg_segment(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t  len;

    len = ml_image_big(bytes, 2);

    if (len < 2) {
        return ml_image_fail(image, "not a JPEG image");
    }

    return ml_image_then(image, len - 2, 2, ml_image_jpeg_marker);
}


/* Bytes of 0xff may fill in front of a marker. */
static int
ml_image_jpeg_fill(ml_image_t *image, const uint8_t *bytes)
{
    uint8_t  marker[2];

    marker[0] = 0xff;
    marker[1] = bytes[0];

    return ml_image_jpeg_marker(image, marker);
}


static int
ml_image_jpeg_marker(ml_image_t *image, const uint8_t *bytes)
{
    uint8_t  marker;

    marker = bytes[1];

    if (bytes[0] != 0xff) {
        return ml_image_fail(image, "not a JPEG image");
    }

    if (marker == 0xff) {
        return ml_image_then(image, 0, 1, ml_image_jpeg_fill);
    }

    /* frames, but for tables of codes and an extension */

    if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8
        && marker != 0xcc)
    {
        return ml_image_then(image, 0, 7, ml_image_jpeg_frame);
    }

    /* nothing, restarts, the start, the end, a scan: none before a frame */

    if (marker < 0xc0 || (marker >= 0xd0 && marker <= 0xda)) {
        return ml_image_fail(image, "not a JPEG image");
    }

    return ml_image_then(image, 0, 2, ml_image_jpeg_segment);
}


static int
ml_image_jpeg(ml_image_t *image, const uint8_t *bytes)
{
    if (bytes[0] != 0xff || bytes[1] != 0xd8) {
        return ml_image_fail(image, "not a JPEG image");
    }

    return ml_image_then(image, 0, 2, ml_image_jpeg_marker);
}


/* GIF: blocks, and data in pieces with a length of one byte. */

static int
ml_image_gif_block(ml_image_t *image, const uint8_t *bytes);


static int
ml_image_gif_data(ml_image_t *image, const uint8_t *bytes)
{
    if (bytes[0] == 0) {
        return ml_image_then(image, 0, 1, ml_image_gif_block);
    }

    return ml_image_then(image, bytes[0], 1, ml_image_gif_data);
}


/* Place and size of a frame, and flags: its colours come next. */
static int
ml_image_gif_frame(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t  right, bottom;

    right = ml_image_little(bytes, 2) + ml_image_little(bytes + 4, 2);
    bottom = ml_image_little(bytes + 2, 2) + ml_image_little(bytes + 6, 2);

    if (right > image->width || bottom > image->height) {
        return ml_image_fail(image, "frame is larger than its image");
    }

    if (ml_image_frame(image) != 0) {
        return -1;
    }

    /* and the size of a code */

    return ml_image_then(image, 1 + (bytes[8] & 0x80
                                     ? (uint64_t) 6 << (bytes[8] & 7) : 0),
                         1, ml_image_gif_data);
}


static int
ml_image_gif_block(ml_image_t *image, const uint8_t *bytes)
{
    switch (bytes[0]) {

    case 0x2c:
        return ml_image_then(image, 0, 9, ml_image_gif_frame);

    case 0x21:
        return ml_image_then(image, 1, 1, ml_image_gif_data);

    case 0x3b:

        if (image->frames == 0) {
            return ml_image_fail(image, "image has no pixels");
        }

        return ml_image_done(image);

    default:
        return ml_image_fail(image, "not a GIF image");
    }
}


static int
ml_image_gif(ml_image_t *image, const uint8_t *bytes)
{
    if (memcmp(bytes, "GIF87a", 6) != 0 && memcmp(bytes, "GIF89a", 6) != 0) {
        return ml_image_fail(image, "not a GIF image");
    }

    if (ml_image_size(image, ml_image_little(bytes + 6, 2),
                      ml_image_little(bytes + 8, 2))
        != 0)
    {
        return -1;
    }

    return ml_image_then(image, bytes[10] & 0x80
                                ? (uint64_t) 6 << (bytes[10] & 7) : 0,
                         1, ml_image_gif_block);
}


/* WebP: chunks of name, length and data, of an even length. */

static int
ml_image_webp_chunk(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t  len;

    len = ml_image_little(bytes + 4, 4);

    if (memcmp(bytes, "ANMF", 4) == 0 && ml_image_frame(image) != 0) {
        return -1;
    }

    if (memcmp(bytes, "VP8 ", 4) == 0 || memcmp(bytes, "VP8L", 4) == 0) {

        /* the only frame of an image that could have had more */

        if (image->frames == 0 && ml_image_frame(image) != 0) {
            return -1;
        }
    }

    return ml_image_then(image, (uint64_t) len + (len & 1), 8,
                         ml_image_webp_chunk);
}


/* The file's head, and the first chunk's up to its dimensions. */
static int
ml_image_webp(ml_image_t *image, const uint8_t *bytes)
{
    uint32_t        width, height, bits, len;
    const uint8_t  *data;

    if (memcmp(bytes, "RIFF", 4) != 0 || memcmp(bytes + 8, "WEBP", 4) != 0) {
        return ml_image_fail(image, "not a WebP image");
    }

    len = ml_image_little(bytes + 16, 4);
    data = bytes + 20;

    if (memcmp(bytes + 12, "VP8 ", 4) == 0
        && (data[0] & 1) == 0 && memcmp(data + 3, "\x9d\x01\x2a", 3) == 0)
    {
        width = ml_image_little(data + 6, 2) & 0x3fff;
        height = ml_image_little(data + 8, 2) & 0x3fff;

    } else if (memcmp(bytes + 12, "VP8L", 4) == 0 && data[0] == 0x2f) {
        bits = ml_image_little(data + 1, 4);
        width = (bits & 0x3fff) + 1;
        height = (bits >> 14 & 0x3fff) + 1;

    } else if (memcmp(bytes + 12, "VP8X", 4) == 0 && len == 10) {

        /* frames follow; the file's end ends it */

        if (ml_image_size(image, ml_image_little(data + 4, 3) + 1,
                          ml_image_little(data + 7, 3) + 1)
            != 0)
        {
            return -1;
        }

        if ((uint64_t) image->width * image->height > image->limits.pixels) {
            return ml_image_fail(image, "image has too many pixels");
        }

        return ml_image_then(image, 0, 8, ml_image_webp_chunk);

    } else {
        return ml_image_fail(image, "not a WebP image");
    }

    if (ml_image_size(image, width, height) != 0
        || ml_image_frame(image) != 0)
    {
        return -1;
    }

    return ml_image_done(image);
}


static const struct {
    const char  *media_type;
    uint32_t     need;
    int        (*step)(ml_image_t *image, const uint8_t *bytes);
} ml_image_types[] = {
    { "image/png", 24, ml_image_png },
    { "image/jpeg", 2, ml_image_jpeg },
    { "image/webp", 30, ml_image_webp },
    { "image/gif", 13, ml_image_gif }
};


const char *
ml_image_media_type(ml_image_type_e type)
{
    return ml_image_types[type].media_type;
}


void
ml_image_init(ml_image_t *image, ml_image_type_e type,
    const ml_image_limits_t *limits)
{
    memset(image, 0, sizeof(ml_image_t));

    image->limits = *limits;
    image->need = ml_image_types[type].need;
    image->step = ml_image_types[type].step;
}


int
ml_image_feed(ml_image_t *image, const char *bytes, size_t len)
{
    size_t  n;

    if (image->error) {
        return -1;
    }

    while (len && !image->complete) {

        if (image->skip) {
            n = len < image->skip ? len : (size_t) image->skip;
            image->skip -= n;

        } else {
            n = len < image->need - image->have ? len
                                                : image->need - image->have;
            memcpy(image->bytes + image->have, bytes, n);
            image->have += (uint32_t) n;
        }

        image->scanned += n;
        bytes += n;
        len -= n;

        if (image->frames == 0 && image->scanned > ML_IMAGE_SCAN) {
            return ml_image_fail(image, "image has no dimensions where they "
                                 "should be");
        }

        if (image->skip == 0 && image->have == image->need) {
            image->have = 0;

            if (image->step(image, image->bytes) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


int
ml_image_finish(ml_image_t *image)
{
    if (image->error) {
        return -1;
    }

    /* an animated WebP ends with the file, between two chunks */

    if (image->complete
        || (image->step == ml_image_webp_chunk && image->frames
            && image->have == 0 && image->skip == 0))
    {
        return 0;
    }

    return ml_image_fail(image, "image ends too early");
}
