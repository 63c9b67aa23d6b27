/* The keys of open objects; see ml_json_keys.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_json_keys.h"
#include "ml_siphash.h"


#define ML_JSON_KEYS_FIRST  32


void
ml_json_keys_init(ml_json_keys_t *keys, const uint8_t *seed)
{
    memset(keys, 0, sizeof(ml_json_keys_t));
    memcpy(keys->seed, seed, sizeof(keys->seed));
}


void
ml_json_keys_free(ml_json_keys_t *keys)
{
    free(keys->stack);
    free(keys->slots);
}


/* Where the hash stands, or the free slot where it would. */
static uint64_t *
ml_json_keys_find(uint64_t (*slots)[2], uint32_t size, const uint64_t *hash)
{
    uint32_t  i;

    for (i = (uint32_t) hash[0] & (size - 1);
         slots[i][0] | slots[i][1];
         i = (i + 1) & (size - 1))
    {
        if (slots[i][0] == hash[0] && slots[i][1] == hash[1]) {
            break;
        }
    }

    return slots[i];
}


/* Keeps the table at most half full. */
static int
ml_json_keys_grow(ml_json_keys_t *keys)
{
    uint32_t   i, size;
    uint64_t  *slot, (*slots)[2];

    if (keys->used < keys->size / 2) {
        return 1;
    }

    if (keys->size > UINT32_MAX / 2) {
        return 0;
    }

    size = keys->size ? keys->size * 2 : ML_JSON_KEYS_FIRST;
    slots = calloc(size, sizeof(*slots));

    if (slots == NULL) {
        return 0;
    }

    for (i = 0; i < keys->size; i++) {
        if (keys->slots[i][0] | keys->slots[i][1]) {
            slot = ml_json_keys_find(slots, size, keys->slots[i]);
            memcpy(slot, keys->slots[i], sizeof(*slots));
        }
    }

    free(keys->slots);
    keys->slots = slots;
    keys->size = size;

    return 1;
}


/* Adds a key to the table. */
static ml_json_keys_e
ml_json_keys_hash(ml_json_keys_t *keys, uint32_t object, const char *name,
    size_t len)
{
    uint64_t  hash[2], *slot;

    if (!ml_json_keys_grow(keys)) {
        return ML_JSON_KEYS_MEMORY;
    }

    ml_siphash128(keys->seed, name, len, hash);
    hash[0] += object;

    if ((hash[0] | hash[1]) == 0) {
        hash[1] = 1;
    }

    slot = ml_json_keys_find(keys->slots, keys->size, hash);

    if (slot[0] | slot[1]) {
        return ML_JSON_KEYS_KNOWN;
    }

    memcpy(slot, hash, sizeof(hash));
    keys->used++;

    return ML_JSON_KEYS_NEW;
}


static int
ml_json_keys_push(ml_json_keys_t *keys, const ml_json_key_t *key)
{
    uint32_t        size;
    ml_json_key_t  *stack;

    if (keys->depth == keys->stack_size) {

        if (keys->stack_size > UINT32_MAX / 2) {
            return 0;
        }

        size = keys->stack_size ? keys->stack_size * 2 : ML_JSON_KEYS_FIRST;
        stack = realloc(keys->stack, size * sizeof(ml_json_key_t));

        if (stack == NULL) {
            return 0;
        }

        keys->stack = stack;
        keys->stack_size = size;
    }

    keys->stack[keys->depth++] = *key;

    return 1;
}


ml_json_keys_e
ml_json_keys_add(ml_json_keys_t *keys, uint32_t object, const char *name,
    size_t len)
{
    uint32_t              i, few;
    ml_json_key_t         key;
    ml_json_keys_e        rc;
    const ml_json_key_t  *other;

    key.id[0] = 0;
    key.id[1] = 0;
    key.len = (uint32_t) len;
    key.object = object;

    if (len <= sizeof(key.id)) {
        memcpy(key.id, name, len);

    } else {
        ml_siphash128(keys->seed, name, len, key.id);
    }

    /* what opened later has ended */

    while (keys->depth && keys->stack[keys->depth - 1].object > object) {
        keys->depth--;
    }

    few = 0;

    for (i = keys->depth; i && keys->stack[i - 1].object == object; i--) {
        other = &keys->stack[i - 1];
        few++;

        if (other->id[0] == key.id[0] && other->id[1] == key.id[1]
            && other->len == key.len)
        {
            return ML_JSON_KEYS_KNOWN;
        }
    }

    rc = few < ML_JSON_KEYS_FEW
         ? ml_json_keys_push(keys, &key) ? ML_JSON_KEYS_NEW
                                         : ML_JSON_KEYS_MEMORY
         : ml_json_keys_hash(keys, object, name, len);

    keys->n += rc == ML_JSON_KEYS_NEW;

    return rc;
}
