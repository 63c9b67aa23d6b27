/* The hash of a value on a tape; see ml_tape.h. */

#include <string.h>

#include "ml_siphash.h"
#include "ml_tape.h"


/* A container that is open. */
typedef struct {
    uint64_t   sum[2];
    uint64_t   key[2];              /* of the member at hand */
    uint32_t   at;
    int        behind_key;
} ml_tape_hash_t;


/* Of the bytes of the type, of one number more, and of two hashes. */
static void
ml_tape_hash_mix(const uint8_t *seed, ml_tape_e type, uint64_t n,
    const uint64_t *a, const uint64_t *b, uint64_t hash[2])
{
    uint64_t  all[6];

    all[0] = type;
    all[1] = n;
    memcpy(&all[2], a, 16);
    memcpy(&all[4], b, 16);

    ml_siphash128(seed, all, sizeof(all), hash);
}


static void
ml_tape_hash_scalar(const ml_tape_t *tape, uint32_t i, const uint8_t *seed,
    uint64_t hash[2])
{
    char         digits[ML_NUMBER_MAX];
    size_t       n;
    int64_t      exponent;
    uint64_t     text[2];
    ml_tape_e    type;
    ml_number_t  number;

    static const uint64_t  nothing[2];

    type = tape->nodes[i].type;

    switch (type) {

    case ML_TAPE_NUMBER:
        ml_tape_number(tape, i, &number);
        n = ml_number_significant(&number, digits, &exponent);

        ml_siphash128(seed, digits, n, text);
        ml_tape_hash_mix(seed, type, (uint64_t) exponent * 2
                                     + (n && number.negative),
                         text, nothing, hash);
        break;

    case ML_TAPE_STRING:
        ml_siphash128(seed, ml_tape_text(tape, i), tape->nodes[i].size, text);
        ml_tape_hash_mix(seed, type, 0, text, nothing, hash);
        break;

    default: /* null, false, true, an empty container */
        ml_tape_hash_mix(seed, type, 0, nothing, nothing, hash);
    }
}


/* An element of an array in its order, a member of an object in any. */
static void
ml_tape_hash_add(ml_tape_hash_t *open, ml_tape_e type, const uint8_t *seed,
    const uint64_t hash[2])
{
    uint64_t           member[2];
    unsigned __int128  sum;

    if (type == ML_TAPE_ARRAY) {
        ml_tape_hash_mix(seed, type, 0, open->sum, hash, open->sum);
        return;
    }

    if (!open->behind_key) {
        memcpy(open->key, hash, sizeof(open->key));
        open->behind_key = 1;
        return;
    }

    ml_tape_hash_mix(seed, type, 0, open->key, hash, member);
    open->behind_key = 0;

    sum = ((unsigned __int128) open->sum[1] << 64 | open->sum[0])
          + ((unsigned __int128) member[1] << 64 | member[0]);

    open->sum[0] = (uint64_t) sum;
    open->sum[1] = (uint64_t) (sum >> 64);
}


void
ml_tape_hash(const ml_tape_t *tape, uint32_t i, const uint8_t *seed,
    uint64_t hash[2])
{
    uint32_t               n, end;
    ml_tape_hash_t         open[ML_JSON_DEPTH_MAX + 1];
    const ml_tape_node_t  *node;

    static const uint64_t  nothing[2];

    n = 0;

    for (end = ml_tape_next(tape, i); i < end; i++) {
        node = &tape->nodes[i];

        if ((node->type == ML_TAPE_ARRAY || node->type == ML_TAPE_OBJECT)
            && node->size)
        {
            memset(&open[n], 0, sizeof(ml_tape_hash_t));
            open[n++].at = i;
            continue;
        }

        ml_tape_hash_scalar(tape, i, seed, hash);

        /* what ends with this value */

        while (n) {
            node = &tape->nodes[open[n - 1].at];
            ml_tape_hash_add(&open[n - 1], node->type, seed, hash);

            if (node->at != i + 1) {
                break;
            }

            ml_tape_hash_mix(seed, node->type, node->size, open[n - 1].sum,
                             nothing, hash);
            n--;
        }
    }
}
