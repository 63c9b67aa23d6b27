/* link: -lcjson -lcrypto */

#include "ml_siphash.c"
#include "ml_keys.c"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Whatever is accepted can be asked, and was described by whole strings. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char             error[64];
    size_t           i;
    ml_keys_t       *keys;
    const ml_key_t  *key;

    keys = ml_keys_parse((const char *) data, size, error, sizeof(error));

    if (keys == NULL) {
        if (strlen(error) == 0) {
            abort();
        }

        return 0;
    }

    for (i = 0; i < ml_keys_count(keys); i++) {
        key = ml_keys_get(keys, i);

        if (strlen(key->name) == 0 || strlen(key->name) > ML_KEYS_NAME_MAX
            || strlen(key->tier) == 0
            || strlen(key->tier) > ML_KEYS_TIER_MAX)
        {
            abort();
        }
    }

    (void) ml_keys_lookup(keys, data, size);

    ml_keys_free(keys);

    return 0;
}
