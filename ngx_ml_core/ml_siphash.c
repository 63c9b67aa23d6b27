/* SipHash-2-4-128; see ml_siphash.h. */

#include <string.h>

#include "ml_siphash.h"


#define ml_rotate(x, n)  (((x) << (n)) | ((x) >> (64 - (n))))

#define ml_sipround(v)                                                        \
    do {                                                                      \
        (v)[0] += (v)[1];                                                     \
        (v)[1] = ml_rotate((v)[1], 13) ^ (v)[0];                              \
        (v)[0] = ml_rotate((v)[0], 32);                                       \
        (v)[2] += (v)[3];                                                     \
        (v)[3] = ml_rotate((v)[3], 16) ^ (v)[2];                              \
        (v)[0] += (v)[3];                                                     \
        (v)[3] = ml_rotate((v)[3], 21) ^ (v)[0];                              \
        (v)[2] += (v)[1];                                                     \
        (v)[1] = ml_rotate((v)[1], 17) ^ (v)[2];                              \
        (v)[2] = ml_rotate((v)[2], 32);                                       \
    } while (0)


static uint64_t
ml_load_le64(const uint8_t *p)
{
    int       i;
    uint64_t  v;

    v = 0;

    for (i = 7; i >= 0; i--) {
        v = (v << 8) | p[i];
    }

    return v;
}


void
ml_siphash128(const uint8_t *key, const void *data, size_t len,
    uint64_t hash[2])
{
    size_t          i, tail;
    uint8_t         last[8];
    uint64_t        v[4], k0, k1, m;
    const uint8_t  *p, *end;

    k0 = ml_load_le64(key);
    k1 = ml_load_le64(key + 8);

    v[0] = 0x736f6d6570736575ULL ^ k0;
    v[1] = 0x646f72616e646f6dULL ^ k1 ^ 0xee;
    v[2] = 0x6c7967656e657261ULL ^ k0;
    v[3] = 0x7465646279746573ULL ^ k1;

    tail = len & 7;
    p = data;
    end = p + (len - tail);

    for ( /* void */ ; p != end; p += 8) {
        m = ml_load_le64(p);
        v[3] ^= m;
        ml_sipround(v);
        ml_sipround(v);
        v[0] ^= m;
    }

    memset(last, 0, sizeof(last));

    for (i = 0; i < tail; i++) {
        last[i] = p[i];
    }

    last[7] = (uint8_t) len;

    m = ml_load_le64(last);
    v[3] ^= m;
    ml_sipround(v);
    ml_sipround(v);
    v[0] ^= m;

    v[2] ^= 0xee;

    for (i = 0; i < 4; i++) {
        ml_sipround(v);
    }

    hash[0] = v[0] ^ v[1] ^ v[2] ^ v[3];

    v[1] ^= 0xdd;

    for (i = 0; i < 4; i++) {
        ml_sipround(v);
    }

    hash[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}
