/*
 * Images by their headers: what is read of each type, both sides of each
 * limit, and the same verdict wherever a file is cut.
 */

/* link: */

#include <stdlib.h>

#include "test.h"

#include "ml_image.c"


typedef struct {
    uint8_t  bytes[4096];
    size_t   len;
} file_t;


static ml_image_limits_t  limits = { 1000000, 10 };


static void
put(file_t *file, const void *bytes, size_t len)
{
    memcpy(file->bytes + file->len, bytes, len);
    file->len += len;
}


static void
put_big(file_t *file, uint32_t value, unsigned n)
{
    while (n--) {
        file->bytes[file->len++] = (uint8_t) (value >> 8 * n);
    }
}


static void
put_little(file_t *file, uint32_t value, unsigned n)
{
    for ( /* void */ ; n--; value >>= 8) {
        file->bytes[file->len++] = (uint8_t) value;
    }
}


static void
png(file_t *file, uint32_t width, uint32_t height, int64_t frames)
{
    file->len = 0;
    put(file, "\x89PNG\r\n\x1a\n", 8);
    put_big(file, 13, 4);
    put(file, "IHDR", 4);
    put_big(file, width, 4);
    put_big(file, height, 4);
    put(file, "\x08\x02\0\0\0sum!", 9);
    put_big(file, 5, 4);
    put(file, "tEXt", 4);
    put(file, "a=b\0csum!", 9);

    if (frames >= 0) {
        put_big(file, 8, 4);
        put(file, "acTL", 4);
        put_big(file, (uint32_t) frames, 4);
        put_big(file, 0, 4);
        put(file, "sum!", 4);
    }

    put_big(file, 3, 4);
    put(file, "IDATxyzsum!", 11);
}


static void
jpeg(file_t *file, uint32_t width, uint32_t height, uint8_t marker)
{
    file->len = 0;
    put(file, "\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 20);
    put(file, "\xff\xff\xff\xc4\0\5abc", 9);
    put(file, "\xff", 1);
    put(file, &marker, 1);
    put_big(file, 17, 2);
    put_big(file, 8, 1);
    put_big(file, height, 2);
    put_big(file, width, 2);
    put(file, "\3abcdefghi", 10);
}


static void
gif(file_t *file, uint32_t width, uint32_t height, unsigned frames,
    uint32_t frame_width)
{
    file->len = 0;
    put(file, "GIF89a", 6);
    put_little(file, width, 2);
    put_little(file, height, 2);
    put(file, "\x80\0\0rgbRGB", 9);
    put(file, "\x21\xf9\4abcd\0", 8);

    while (frames--) {
        put(file, "\x2c\0\0\0\0", 5);
        put_little(file, frame_width, 2);
        put_little(file, height, 2);
        put(file, "\x81" "rgbrgbrgbrgb", 13);
        put(file, "\2\3xyz\1x\0", 8);
    }

    put(file, "\x3b", 1);
}


static void
webp(file_t *file, const char *kind, uint32_t width, uint32_t height,
    unsigned frames)
{
    file->len = 0;
    put(file, "RIFF....WEBP", 12);
    put(file, kind, 4);

    if (strcmp(kind, "VP8 ") == 0) {
        put_little(file, 20, 4);
        put(file, "\x10\0\0\x9d\1\x2a", 6);
        put_little(file, width, 2);
        put_little(file, height, 2);
        put(file, "0123456789", 10);

    } else if (strcmp(kind, "VP8L") == 0) {
        put_little(file, 20, 4);
        put(file, "\x2f", 1);
        put_little(file, (width - 1) | (height - 1) << 14, 4);
        put(file, "012345678901234", 15);

    } else {
        put_little(file, 10, 4);
        put(file, "\2\0\0\0", 4);
        put_little(file, width - 1, 3);
        put_little(file, height - 1, 3);
        put_little(file, 0, 0);
        put(file, "ANIM\6\0\0\0abcdef", 14);

        while (frames--) {
            put(file, "ANMF\5\0\0\0abcde\0", 14);
        }
    }
}


static const char *
verdict(ml_image_type_e type, const uint8_t *bytes, size_t len, size_t step)
{
    char        *copy;
    size_t       i, n;
    ml_image_t   image;
    int          rc;

    ml_image_init(&image, type, &limits);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;
        copy = malloc(n);
        memcpy(copy, bytes + i, n);
        (void) ml_image_feed(&image, copy, n);
        free(copy);
    }

    rc = ml_image_finish(&image);
    CHECK_INT(ml_image_finish(&image), rc);
    CHECK((rc == 0) == (image.error == NULL));

    return image.error;
}


static void
check(ml_image_type_e type, const file_t *file, const char *want)
{
    size_t  step;

    CHECK_STR(verdict(type, file->bytes, file->len, file->len), want);

    for (step = 1; step < 40; step++) {
        CHECK_STR(verdict(type, file->bytes, file->len, step), want);
    }
}


static const char  many[] = "image has too many pixels";
static const char  frames[] = "image has too many frames";
static const char  none[] = "image has no pixels";
static const char  early[] = "image ends too early";


/* Every prefix of a good file is refused, until enough is known. */
static void
cut(ml_image_type_e type, const file_t *file, size_t enough)
{
    size_t  len;

    for (len = 0; len <= file->len; len++) {
        CHECK_STR(verdict(type, file->bytes, len, 1000),
                  len < enough ? early : NULL);
    }
}


int
main(void)
{
    file_t   file;
    size_t   i;
    uint8_t *large;

    static const char *const  kinds[] = { "VP8 ", "VP8L", "VP8X" };

    /* PNG */

    png(&file, 1000, 1000, -1);
    check(ML_IMAGE_PNG, &file, NULL);
    cut(ML_IMAGE_PNG, &file, file.len - 7);
    check(ML_IMAGE_JPEG, &file, "not a JPEG image");
    check(ML_IMAGE_GIF, &file, "not a GIF image");
    check(ML_IMAGE_WEBP, &file, "not a WebP image");
    png(&file, 1000, 1001, -1);
    check(ML_IMAGE_PNG, &file, many);
    png(&file, 100000, 100000, -1);
    check(ML_IMAGE_PNG, &file, many);
    png(&file, INT32_MAX, INT32_MAX, -1);
    check(ML_IMAGE_PNG, &file, many);
    png(&file, UINT32_MAX, 1, -1);
    check(ML_IMAGE_PNG, &file, "not a PNG image");
    png(&file, 0, 1, -1);
    check(ML_IMAGE_PNG, &file, none);
    png(&file, 1, 0, -1);
    check(ML_IMAGE_PNG, &file, none);
    png(&file, 1, 1, 10);
    check(ML_IMAGE_PNG, &file, NULL);
    png(&file, 1, 1, 11);
    check(ML_IMAGE_PNG, &file, frames);
    png(&file, 1, 1, 0);
    check(ML_IMAGE_PNG, &file, frames);
    png(&file, 1, 1, UINT32_MAX);
    check(ML_IMAGE_PNG, &file, frames);
    png(&file, 500, 500, 4);
    check(ML_IMAGE_PNG, &file, NULL);
    png(&file, 500, 500, 5);
    check(ML_IMAGE_PNG, &file, many);
    png(&file, 1, 1, -1);
    file.bytes[33] = 0x80;
    check(ML_IMAGE_PNG, &file, "not a PNG image");

    /* JPEG */

    for (i = 0xc0; i <= 0xfe; i++) {
        int  frame = i <= 0xcf && i != 0xc4 && i != 0xc8 && i != 0xcc;
        int  bare = i >= 0xd0 && i <= 0xda;

        jpeg(&file, 1000, 1000, (uint8_t) i);
        check(ML_IMAGE_JPEG, &file, frame ? NULL : bare ? "not a JPEG image"
                                                        : early);
        jpeg(&file, 1000, 1001, (uint8_t) i);
        check(ML_IMAGE_JPEG, &file, frame ? many : bare ? "not a JPEG image"
                                                        : early);
    }

    jpeg(&file, 1000, 1000, 0xc2);
    cut(ML_IMAGE_JPEG, &file, file.len - 10);
    jpeg(&file, 65500, 65500, 0xc0);
    check(ML_IMAGE_JPEG, &file, many);
    jpeg(&file, 1, 0, 0xc0);
    check(ML_IMAGE_JPEG, &file, none);
    jpeg(&file, 1, 1, 0xc0);
    file.bytes[5] = 1;
    check(ML_IMAGE_JPEG, &file, "not a JPEG image");

    /* GIF */

    gif(&file, 100, 100, 1, 100);
    check(ML_IMAGE_GIF, &file, NULL);
    cut(ML_IMAGE_GIF, &file, file.len);
    gif(&file, 100, 100, 10, 100);
    check(ML_IMAGE_GIF, &file, NULL);
    gif(&file, 100, 100, 11, 100);
    check(ML_IMAGE_GIF, &file, frames);
    gif(&file, 500, 500, 4, 1);
    check(ML_IMAGE_GIF, &file, NULL);
    gif(&file, 500, 500, 5, 1);
    check(ML_IMAGE_GIF, &file, many);
    gif(&file, 100, 100, 1, 101);
    check(ML_IMAGE_GIF, &file, "frame is larger than its image");
    gif(&file, 100, 100, 0, 1);
    check(ML_IMAGE_GIF, &file, none);
    gif(&file, 0, 100, 1, 0);
    check(ML_IMAGE_GIF, &file, none);
    gif(&file, 65535, 65535, 1, 1);
    check(ML_IMAGE_GIF, &file, many);

    /* WebP */

    for (i = 0; i < 3; i++) {
        webp(&file, kinds[i], 1000, 1000, 1);
        check(ML_IMAGE_WEBP, &file, NULL);
        cut(ML_IMAGE_WEBP, &file, i == 2 ? file.len : 30);
        webp(&file, kinds[i], 1000, 1001, 1);
        check(ML_IMAGE_WEBP, &file, many);
        webp(&file, kinds[i], 16383, 16383, 1);
        check(ML_IMAGE_WEBP, &file, many);
    }

    webp(&file, "VP8X", 1 << 24, 1 << 24, 0);
    check(ML_IMAGE_WEBP, &file, many);
    webp(&file, "VP8X", 10, 10, 0);
    check(ML_IMAGE_WEBP, &file, early);
    webp(&file, "VP8X", 10, 10, 10);
    check(ML_IMAGE_WEBP, &file, NULL);
    webp(&file, "VP8X", 10, 10, 11);
    check(ML_IMAGE_WEBP, &file, frames);
    webp(&file, "VP8X", 500, 500, 5);
    check(ML_IMAGE_WEBP, &file, many);
    webp(&file, "VP8 ", 0, 5, 1);
    check(ML_IMAGE_WEBP, &file, none);
    webp(&file, "VP8 ", 5, 5, 1);
    file.bytes[20] |= 1;
    check(ML_IMAGE_WEBP, &file, "not a WebP image");

    /* dimensions behind more than a megabyte */

    large = calloc(1, 2 << 20);
    jpeg(&file, 10, 10, 0xc0);
    memcpy(large, "\xff\xd8", 2);

    for (i = 2; i < ML_IMAGE_SCAN - 65600; i += 65537) {
        memcpy(large + i, "\xff\xe1\xff\xff", 4);
    }

    memcpy(large + i, file.bytes + 20, file.len - 20);
    CHECK_STR(verdict(ML_IMAGE_JPEG, large, i + file.len, 10000), NULL);

    for ( /* void */ ; i < ML_IMAGE_SCAN + 65537; i += 65537) {
        memcpy(large + i, "\xff\xe1\xff\xff", 4);
    }

    memcpy(large + i, file.bytes + 20, file.len - 20);
    CHECK_STR(verdict(ML_IMAGE_JPEG, large, i + file.len, 10000),
              "image has no dimensions where they should be");
    free(large);

    CHECK_STR(verdict(ML_IMAGE_PNG, (const uint8_t *) "<svg", 4, 4), early);
    CHECK_STR(ml_image_media_type(ML_IMAGE_WEBP), "image/webp");

    return TEST_END;
}
