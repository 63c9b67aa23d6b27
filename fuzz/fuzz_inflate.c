/*
 * Compressed bodies: no input may crash it, exceed the cap, or come to another
 * output or verdict when it is cut.  The first byte is the format.
 */

/* link: -lz */

#include <stdlib.h>
#include <string.h>

#include "ml_inflate.c"


#define MOST  100000


typedef struct {
    char    bytes[MOST];
    size_t  len;
} output_t;


static int
take(void *data, const char *bytes, size_t len)
{
    output_t  *output = data;

    if (len > MOST - output->len) {
        abort();
    }

    memcpy(output->bytes + output->len, bytes, len);
    output->len += len;

    return 0;
}


static ml_inflate_status_e
decode(int format, const char *in, size_t len, size_t step, output_t *output)
{
    size_t                i, n;
    ml_inflate_t         *inflater;
    ml_inflate_status_e   status;

    output->len = 0;
    inflater = ml_inflate_create(format ? ML_INFLATE_ZLIB : ML_INFLATE_GZIP,
                                 MOST, take, output);

    if (inflater == NULL) {
        abort();
    }

    for (i = 0; i < len; i += n) {
        n = len - i < step ? len - i : step;
        (void) ml_inflate_feed(inflater, in + i, n);
    }

    status = ml_inflate_finish(inflater);
    ml_inflate_destroy(inflater);

    return status;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ml_inflate_status_e  one, other;
    static output_t      whole, cut;

    if (size == 0) {
        return 0;
    }

    one = decode(data[0] & 1, (const char *) data + 1, size - 1, size,
                 &whole);
    other = decode(data[0] & 1, (const char *) data + 1, size - 1, 1, &cut);

    if (one != other || whole.len != cut.len
        || memcmp(whole.bytes, cut.bytes, whole.len) != 0)
    {
        abort();
    }

    return 0;
}
