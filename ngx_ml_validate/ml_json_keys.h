/*
 * The keys of the objects that are open in a JSON text, to find duplicates.
 *
 * DESIGN.  Most objects have few keys, and most keys are short: the first
 * keys of an object stand on a stack and are compared one by one.  What is
 * behind them goes into a table, which has room for many.  Short keys are
 * there as they are; of others only a hash is kept, 128 bits, keyed with
 * secret bytes, so that a client can neither find two keys that collide nor
 * choose where one is stored.
 */

#ifndef ML_JSON_KEYS_H
#define ML_JSON_KEYS_H

#include <stddef.h>
#include <stdint.h>


/* Keys of an object that are compared one by one. */
#define ML_JSON_KEYS_FEW  8


/* A key: its bytes, of up to sixteen, or their hash. */
typedef struct {
    uint64_t             id[2];
    uint32_t             len;
    uint32_t             object;
} ml_json_key_t;


typedef struct {
    ml_json_key_t       *stack;
    uint32_t             depth;
    uint32_t             stack_size;

    uint64_t           (*slots)[2]; /* open addressing; {0, 0} is free */
    uint32_t             size;      /* a power of two, or 0 */
    uint32_t             used;

    uint32_t             n;         /* keys so far, of all objects */
    uint8_t              seed[16];
} ml_json_keys_t;


typedef enum {
    ML_JSON_KEYS_NEW = 0,
    ML_JSON_KEYS_KNOWN,
    ML_JSON_KEYS_MEMORY
} ml_json_keys_e;


void ml_json_keys_init(ml_json_keys_t *keys, const uint8_t *seed);
void ml_json_keys_free(ml_json_keys_t *keys);

/*
 * Adds a key of the object with that number, which is the innermost that is
 * open; objects are numbered from 1 as they open.
 */
ml_json_keys_e ml_json_keys_add(ml_json_keys_t *keys, uint32_t object,
    const char *name, size_t len);


#endif /* ML_JSON_KEYS_H */
