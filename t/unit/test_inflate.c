/*
 * Compressed bodies: the same output and verdict wherever the input is cut,
 * both sides of the cap, and what is broken.
 */

/* link: -lz */

#include <stdlib.h>

#include "test.h"

#include "ml_inflate.c"


static char    *got;
static size_t   got_len;
static size_t   stop_after;


static int
take(void *data, const char *bytes, size_t len)
{
    CHECK(len > 0 && len <= ML_INFLATE_WINDOW);

    got = realloc(got, got_len + len);
    memcpy(got + got_len, bytes, len);
    got_len += len;

    return stop_after && got_len >= stop_after ? -1 : 0;
}


static size_t
compress_as(const char *text, size_t len, int bits, unsigned char *to,
    size_t size)
{
    z_stream  stream;

    memset(&stream, 0, sizeof(z_stream));

    if (deflateInit2(&stream, 9, Z_DEFLATED, bits, 9, Z_DEFAULT_STRATEGY)
        != Z_OK)
    {
        abort();
    }

    stream.next_in = (unsigned char *) (uintptr_t) text;
    stream.avail_in = (unsigned) len;
    stream.next_out = to;
    stream.avail_out = (unsigned) size;

    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) {
        abort();
    }

    (void) deflateEnd(&stream);

    return size - stream.avail_out;
}


static ml_inflate_status_e
decode(ml_inflate_format_e format, uint64_t most, const unsigned char *in,
    size_t len, size_t step, const char **error)
{
    char                 *copy;
    size_t                i, n;
    ml_inflate_t         *inflater;
    ml_inflate_status_e   status;

    got_len = 0;
    inflater = ml_inflate_create(format, most, take, NULL);

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;
        copy = malloc(n);
        memcpy(copy, in + i, n);
        (void) ml_inflate_feed(inflater, copy, n);
        free(copy);
    }

    status = ml_inflate_finish(inflater);
    CHECK_INT(ml_inflate_finish(inflater), status);
    CHECK_INT(ml_inflate_feed(inflater, "x", 1), status);
    CHECK_INT(ml_inflate_total(inflater), got_len);

    if (error) {
        *error = ml_inflate_error(inflater);
    }

    ml_inflate_destroy(inflater);

    return status;
}


int
main(void)
{
    char           *text;
    size_t          i, len, n, large, cut;
    const char     *error;
    unsigned char  *packed;

    static const int     bits[] = { 15 + 16, 15 };
    static const size_t  steps[] = { 1, 7, 100, 1000000 };

    large = 300000;
    text = malloc(large);
    packed = malloc(large + 1000);

    for (i = 0; i < large; i++) {
        text[i] = (char) ('a' + (i * i / 7 + i / 1000) % 23);
    }

    for (i = 0; i < 2; i++) {
        ml_inflate_format_e  format = (ml_inflate_format_e) i;

        for (n = 0; n < 4; n++) {
            len = compress_as(text, large, bits[i], packed, large + 1000);

            CHECK_INT(decode(format, large, packed, len, steps[n], NULL),
                      ML_INFLATE_DONE);
            CHECK(got_len == large && memcmp(got, text, large) == 0);

            CHECK_INT(decode(format, large - 1, packed, len, steps[n], NULL),
                      ML_INFLATE_LARGE);
            CHECK(got_len == large - 1);

            /* one byte more, and a second member */

            packed[len] = 0;
            CHECK_INT(decode(format, large, packed, len + 1, steps[n],
                             &error), ML_INFLATE_BROKEN);
            CHECK_STR(error, "data behind the end");
        }

        len = compress_as(text, 2000, bits[i], packed, large);
        memcpy(packed + len, packed, len);
        CHECK_INT(decode(format, large, packed, 2 * len, 100, &error),
                  ML_INFLATE_BROKEN);
        CHECK_STR(error, "data behind the end");

        /* cut anywhere */

        for (cut = 0; cut < len; cut++) {
            CHECK_INT(decode(format, large, packed, cut, 1000, &error),
                      ML_INFLATE_BROKEN);
            CHECK_STR(error, "it ends too early");
        }

        /* a sum that is wrong, a header that is none, the other format */

        packed[len - (i ? 1 : 5)] ^= 1;
        CHECK_INT(decode(format, large, packed, len, 1, &error),
                  ML_INFLATE_BROKEN);
        packed[len - (i ? 1 : 5)] ^= 1;

        packed[0] ^= 0x55;
        CHECK_INT(decode(format, large, packed, len, 1, &error),
                  ML_INFLATE_BROKEN);
        CHECK_STR(error, "not valid");
        packed[0] ^= 0x55;

        CHECK_INT(decode((ml_inflate_format_e) (1 - i), large, packed, len,
                         1, &error), ML_INFLATE_BROKEN);

        /* the handler has enough */

        stop_after = 100;
        CHECK_INT(decode(format, large, packed, len, 10, NULL),
                  ML_INFLATE_STOPPED);
        stop_after = 0;
    }

    /* 64 MB of zeros from 65 KB: as much as is allowed, and no more */

    free(text);
    text = calloc(1, 64 << 20);
    len = compress_as(text, 64 << 20, 15 + 16, packed, large);
    CHECK(len < 70000);
    CHECK_INT(decode(ML_INFLATE_GZIP, 1 << 20, packed, len, 100000, NULL),
              ML_INFLATE_LARGE);
    CHECK_INT(got_len, 1 << 20);

    /* an empty text is one, no text is none */

    len = compress_as(text, 0, 15 + 16, packed, large);
    CHECK_INT(decode(ML_INFLATE_GZIP, 0, packed, len, 1, NULL),
              ML_INFLATE_DONE);
    CHECK_INT(decode(ML_INFLATE_GZIP, 0, packed, 0, 1, &error),
              ML_INFLATE_BROKEN);

    ml_inflate_destroy(NULL);

    free(text);
    free(packed);
    free(got);

    return TEST_END;
}
