/*
 * Bytes of text, many at once.
 *
 * Sixteen with SSE2, which every x86-64 has; eight in a word otherwise.
 */

#ifndef ML_UTF8_H
#define ML_UTF8_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif


#define ml_utf8_ones      0x0101010101010101ULL
#define ml_utf8_highs     0x8080808080808080ULL
#define ml_utf8_zeros(x)  (((x) - ml_utf8_ones) & ~(x) & ml_utf8_highs)


#if defined(__SSE2__)

/* Those that do not stand for themselves: as numbers with signs, the ones that
 * are not ASCII are below 0. */
static inline __m128i
ml_utf8_special(const char *p)
{
    __m128i  bytes;

    bytes = _mm_loadu_si128((const __m128i *) p);

    return _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(' ')),
               _mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
                            _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'))));
}

#endif


/*
 * How many bytes at p stand for themselves in a string of JSON, up to the
 * first that is a control, a quote, a backslash, or not ASCII.
 */
static inline size_t
ml_utf8_plain(const char *p, size_t len)
{
    size_t         i;
    uint64_t       word;
    unsigned char  c;

    i = 0;

#if defined(__SSE2__)

    for ( /* void */ ; len - i >= 32; i += 32) {
        if (_mm_movemask_epi8(_mm_or_si128(ml_utf8_special(p + i),
                                           ml_utf8_special(p + i + 16))))
        {
            break;
        }
    }

    for ( /* void */ ; len - i >= 16; i += 16) {
        unsigned  special;

        special = (unsigned) _mm_movemask_epi8(ml_utf8_special(p + i));

        if (special) {
            return i + (size_t) __builtin_ctz(special);
        }
    }

#endif

    for ( /* void */ ; len - i >= 8; i += 8) {
        memcpy(&word, p + i, sizeof(uint64_t));

        if (ml_utf8_zeros(word ^ (ml_utf8_ones * '"'))
            | ml_utf8_zeros(word ^ (ml_utf8_ones * '\\'))
            | ((word - ml_utf8_ones * ' ') & ~word & ml_utf8_highs)
            | (word & ml_utf8_highs))
        {
            break;
        }
    }

    while (i < len && (c = (unsigned char) p[i]) >= ' ' && c < 0x80
           && c != '"' && c != '\\')
    {
        i++;
    }

    return i;
}


/* Characters that begin among the bytes: all that are not 10xxxxxx. */
static inline uint64_t
ml_utf8_characters(const char *bytes, size_t len)
{
    size_t    i;
    uint64_t  others, word;

    i = 0;
    others = 0;

#if defined(__SSE2__)

    for ( /* void */ ; len - i >= 64; i += 64) {
        __m128i   a, b, c, d;
        uint64_t  sum[2];

        a = _mm_loadu_si128((const __m128i *) (bytes + i));
        b = _mm_loadu_si128((const __m128i *) (bytes + i + 16));
        c = _mm_loadu_si128((const __m128i *) (bytes + i + 32));
        d = _mm_loadu_si128((const __m128i *) (bytes + i + 48));

        if (_mm_movemask_epi8(_mm_or_si128(_mm_or_si128(a, b),
                                           _mm_or_si128(c, d)))
            == 0)
        {
            continue;
        }

        /* -1 for each that is 10xxxxxx */

        a = _mm_add_epi8(_mm_cmplt_epi8(a, _mm_set1_epi8(-64)),
                         _mm_cmplt_epi8(b, _mm_set1_epi8(-64)));
        c = _mm_add_epi8(_mm_cmplt_epi8(c, _mm_set1_epi8(-64)),
                         _mm_cmplt_epi8(d, _mm_set1_epi8(-64)));
        a = _mm_sub_epi8(_mm_setzero_si128(), _mm_add_epi8(a, c));

        _mm_storeu_si128((__m128i *) sum,
                         _mm_sad_epu8(a, _mm_setzero_si128()));
        others += sum[0] + sum[1];
    }

#endif

    for ( /* void */ ; len - i >= 8; i += 8) {
        memcpy(&word, bytes + i, sizeof(uint64_t));

        /* the upper bit set, and the one below it not */

        word = (word >> 7) & ~(word >> 6) & ml_utf8_ones;
        others += word * ml_utf8_ones >> 56;
    }

    for ( /* void */ ; i < len; i++) {
        others += ((unsigned char) bytes[i] & 0xc0) == 0x80;
    }

    return len - others;
}


/* How many of the bytes to keep of a text that may take "most": whole
 * characters. */
static inline size_t
ml_utf8_cut(const char *bytes, size_t len, size_t most)
{
    if (len <= most) {
        return len;
    }

    while (most && ((unsigned char) bytes[most] & 0xc0) == 0x80) {
        most--;
    }

    return most;
}


#endif /* ML_UTF8_H */
