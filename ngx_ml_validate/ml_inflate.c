/* Compressed request bodies, on zlib; see ml_inflate.h. */

#include <stdlib.h>

#include <zlib.h>

#include "ml_inflate.h"


struct ml_inflate_s {
    z_stream              stream;
    ml_inflate_status_e   status;
    int                   ended;        /* the member is complete */
    uint64_t              total;
    uint64_t              most;
    const char           *error;
    ml_inflate_pt         handler;
    void                 *data;
    unsigned char         window[ML_INFLATE_WINDOW];
};


ml_inflate_t *
ml_inflate_create(ml_inflate_format_e format, uint64_t most,
    ml_inflate_pt handler, void *data)
{
    ml_inflate_t  *inflater;

    inflater = calloc(1, sizeof(ml_inflate_t));

    if (inflater == NULL) {
        return NULL;
    }

    /* the largest window that the format has; 16: a header of gzip */

    if (inflateInit2(&inflater->stream, MAX_WBITS
                                       + (format == ML_INFLATE_GZIP ? 16 : 0))
        != Z_OK)
    {
        free(inflater);
        return NULL;
    }

    inflater->most = most;
    inflater->handler = handler;
    inflater->data = data;

    return inflater;
}


void
ml_inflate_destroy(ml_inflate_t *inflater)
{
    if (inflater) {
        (void) inflateEnd(&inflater->stream);
        free(inflater);
    }
}


static ml_inflate_status_e
ml_inflate_broken(ml_inflate_t *inflater, const char *error)
{
    inflater->error = error;
    inflater->status = ML_INFLATE_BROKEN;

    return inflater->status;
}


/* What zlib has put into the window goes on. */
static ml_inflate_status_e
ml_inflate_deliver(ml_inflate_t *inflater)
{
    size_t  n, room;

    n = sizeof(inflater->window) - inflater->stream.avail_out;
    room = inflater->most - inflater->total < n
           ? (size_t) (inflater->most - inflater->total) : n;

    if (room < n) {
        inflater->status = ML_INFLATE_LARGE;
        n = room;
    }

    inflater->total += n;

    /* what fits may be an offence, which then comes first */

    if (n && inflater->handler(inflater->data, (const char *) inflater->window,
                              n)
             != 0)
    {
        inflater->status = ML_INFLATE_STOPPED;
    }

    return inflater->status;
}


ml_inflate_status_e
ml_inflate_feed(ml_inflate_t *inflater, const char *bytes, size_t len)
{
    int        rc;
    z_stream  *stream;

    stream = &inflater->stream;

    while (inflater->status == ML_INFLATE_MORE && len) {

        if (inflater->ended) {
            return ml_inflate_broken(inflater, "data behind the end");
        }

        /* zlib counts in unsigned ints */

        stream->next_in = (unsigned char *) (uintptr_t) bytes;
        stream->avail_in = len < UINT32_MAX / 2 ? (unsigned) len
                                                : UINT32_MAX / 2;
        bytes += stream->avail_in;
        len -= stream->avail_in;

        do {
            stream->next_out = inflater->window;
            stream->avail_out = sizeof(inflater->window);

            rc = inflate(stream, Z_NO_FLUSH);

            if (rc == Z_MEM_ERROR) {
                inflater->status = ML_INFLATE_MEMORY;
                return inflater->status;
            }

            if (ml_inflate_deliver(inflater) != ML_INFLATE_MORE) {
                return inflater->status;
            }

            if (rc == Z_STREAM_END) {
                inflater->ended = 1;

                if (stream->avail_in) {
                    return ml_inflate_broken(inflater, "data behind the end");
                }

                break;
            }

            /* no progress is only that there is nothing left to do */

            if (rc != Z_OK && rc != Z_BUF_ERROR) {
                return ml_inflate_broken(inflater, "not valid");
            }

        } while (stream->avail_in || stream->avail_out == 0);
    }

    return inflater->status;
}


ml_inflate_status_e
ml_inflate_finish(ml_inflate_t *inflater)
{
    if (inflater->status == ML_INFLATE_MORE) {

        if (!inflater->ended) {
            return ml_inflate_broken(inflater, "it ends too early");
        }

        inflater->status = ML_INFLATE_DONE;
    }

    return inflater->status;
}


void
ml_inflate_set_data(ml_inflate_t *inflater, void *data)
{
    inflater->data = data;
}


uint64_t
ml_inflate_total(const ml_inflate_t *inflater)
{
    return inflater->total;
}


const char *
ml_inflate_error(const ml_inflate_t *inflater)
{
    return inflater->error;
}
