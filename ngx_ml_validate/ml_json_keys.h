/*
 * The set of keys that a JSON text has used, to find duplicates.
 *
 * Only hashes are kept: 128 bits, keyed with secret bytes, so that a client
 * can neither find two keys that collide nor choose where one is stored.
 */

#ifndef ML_JSON_KEYS_H
#define ML_JSON_KEYS_H

#include <stddef.h>
#include <stdint.h>


typedef struct {
    uint64_t   (*slots)[2];         /* open addressing; {0, 0} is free */
    uint32_t     size;              /* a power of two, or 0 */
    uint32_t     n;
    uint8_t      seed[16];
} ml_json_keys_t;


typedef enum {
    ML_JSON_KEYS_NEW = 0,
    ML_JSON_KEYS_KNOWN,
    ML_JSON_KEYS_MEMORY
} ml_json_keys_e;


void ml_json_keys_init(ml_json_keys_t *keys, const uint8_t *seed);
void ml_json_keys_free(ml_json_keys_t *keys);

/* Adds a key of the object with that number. */
ml_json_keys_e ml_json_keys_add(ml_json_keys_t *keys, uint32_t object,
    const char *name, size_t len);


#endif /* ML_JSON_KEYS_H */
