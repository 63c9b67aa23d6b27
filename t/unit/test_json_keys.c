/*
 * The keys of open objects: few and many, short and long, again and not.
 */

#include "ml_siphash.c"
#include "ml_json_keys.c"

#include "test.h"


static const uint8_t  seed[16] = { 1, 2, 3 };


/*
 * Keys of one object: "n" of them, whose names have "len" bytes at least,
 * and behind them one that is the k-th again, or none.  Each has an object
 * below it with the same keys.
 */
static ml_json_keys_e
add_keys(uint32_t n, uint32_t len, uint32_t again)
{
    char            name[64];
    uint32_t        i, k, below;
    ml_json_keys_t  keys;
    ml_json_keys_e  rc;

    ml_json_keys_init(&keys, seed);
    memset(name, 'x', sizeof(name));
    below = 1;

    for (i = 0; i <= n; i++) {
        k = i < n ? i : again;
        memcpy(name + len, &k, sizeof(k));
        rc = ml_json_keys_add(&keys, 1, name, len + sizeof(k));

        if (rc != ML_JSON_KEYS_NEW) {
            break;
        }

        /* neither one that is longer by a NUL nor another object's */

        name[len + sizeof(k)] = '\0';
        rc = ml_json_keys_add(&keys, ++below, name, len + sizeof(k));
        CHECK_INT(rc, ML_JSON_KEYS_NEW);
        rc = ml_json_keys_add(&keys, below, name, len + sizeof(k) + 1);
        CHECK_INT(rc, ML_JSON_KEYS_NEW);
        rc = ml_json_keys_add(&keys, below, name, len + sizeof(k));
        CHECK_INT(rc, ML_JSON_KEYS_KNOWN);
        rc = ML_JSON_KEYS_NEW;
    }

    CHECK_INT(i, n + (rc == ML_JSON_KEYS_NEW));
    CHECK_INT(keys.n, i * 3);
    CHECK(keys.depth <= ML_JSON_KEYS_FEW + 2);
    ml_json_keys_free(&keys);

    return rc;
}


static void
test_keys(void)
{
    uint32_t  n, len, again;

    for (n = 1; n < 40; n++) {
        for (len = 0; len < 30; len += n % 3 + 1) {
            CHECK_INT(add_keys(n, len, n), ML_JSON_KEYS_NEW);

            for (again = 0; again < n; again++) {
                CHECK_INT(add_keys(n, len, again), ML_JSON_KEYS_KNOWN);
            }
        }
    }
}


int
main(void)
{
    test_keys();

    return TEST_END;
}
