/* link: -lcjson -lcrypto */

#include <unistd.h>

#include "ml_siphash.c"
#include "ml_keys.c"
#include "test.h"


/* SHA-256 of "abc" and of the empty string, FIPS 180-2 and NIST vectors */
#define ABC                                                                   \
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define EMPTY                                                                 \
    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"


static char  error[256];


static ml_keys_t *
parse(const char *json)
{
    error[0] = '\0';

    return ml_keys_parse(json, strlen(json), error, sizeof(error));
}


static void
refused(const char *json, const char *why)
{
    ml_keys_t  *keys;

    keys = parse(json);

    CHECK(keys == NULL);
    CHECK_STR(error, why);

    ml_keys_free(keys);
}


static void
test_lookup(void)
{
    ml_keys_t       *keys;
    const ml_key_t  *key;

    keys = parse("{\"keys\":[{\"name\":\"acme\",\"sha256\":\"" ABC "\","
                 "\"tier\":\"pro\"},\n"
                 "{\"tier\":\"free\",\"name\":\"b c\",\"sha256\":\"" EMPTY
                 "\"}]}\n");

    CHECK(keys != NULL);
    CHECK_INT(ml_keys_count(keys), 2);

    key = ml_keys_lookup(keys, "abc", 3);
    CHECK(key != NULL);
    CHECK_STR(key->name, "acme");
    CHECK_STR(key->tier, "pro");
    CHECK(key == ml_keys_get(keys, 0));

    key = ml_keys_lookup(keys, "", 0);
    CHECK(key != NULL);
    CHECK_STR(key->name, "b c");

    CHECK(ml_keys_lookup(keys, "abd", 3) == NULL);
    CHECK(ml_keys_lookup(keys, "abc", 2) == NULL);
    CHECK(ml_keys_lookup(keys, "abc\0", 4) == NULL);

    /* the digest is not the key */

    CHECK(ml_keys_lookup(keys, ABC, 64) == NULL);

    ml_keys_free(keys);

    keys = parse("{\"keys\":[]}");
    CHECK(keys != NULL);
    CHECK(ml_keys_lookup(keys, "abc", 3) == NULL);
    ml_keys_free(keys);

    ml_keys_free(NULL);
}


static void
test_refused(void)
{
    refused("", "is not valid JSON near byte 0");
    refused("{\"keys\":[}", "is not valid JSON near byte 9");
    refused("{\"keys\":[]} x", "has data after the JSON value at byte 12");
    refused("[]", "is not a JSON object");
    refused("{}", "has no array \"keys\"");
    refused("{\"keys\":{}}", "has no array \"keys\"");
    refused("{\"keys\":[],\"key\":[]}", "has an unknown member \"key\"");
    refused("{\"keys\":[],\"keys\":[]}", "has the member \"keys\" twice");
    refused("{\"keys\":[1]}", "keys[0] is not an object");
    refused("{\"keys\":[{}]}", "keys[0] has no \"name\"");
    refused("{\"keys\":[{\"name\":\"a\"}]}", "keys[0] has no \"tier\"");
    refused("{\"keys\":[{\"name\":\"a\",\"tier\":\"t\"}]}",
            "keys[0] has no \"sha256\"");
    refused("{\"keys\":[{\"name\":1}]}", "keys[0]: \"name\" is not a string");
    refused("{\"keys\":[{\"name\":\"\"}]}",
            "keys[0]: \"name\" must have 1 to 64 characters");
    refused("{\"keys\":[{\"tier\":\"0123456789012345678901234567890123\"}]}",
            "keys[0]: \"tier\" must have 1 to 32 characters");
    refused("{\"keys\":[{\"name\":\"a\\nb\"}]}",
            "keys[0]: \"name\" has a character that is not allowed");
    refused("{\"keys\":[{\"name\":\"a\\u0000b\"}]}",
            "has an escaped NUL at byte 19");
    refused("{\"keys\":[{\"name\":\"a\",\"name\":\"b\"}]}",
            "keys[0] has the member \"name\" twice");
    refused("{\"keys\":[{\"expires\":\"x\"}]}",
            "keys[0] has an unknown member \"expires\"");
    refused("{\"keys\":[{\"name\":\"a\",\"tier\":\"t\",\"sha256\":\"12\"}]}",
            "keys[0] (\"a\"): \"sha256\" is not 64 hex digits");
    refused("{\"keys\":[{\"name\":\"a\",\"tier\":\"t\",\"sha256\":"
            "\"g" "a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f200"
            "15ad\"}]}",
            "keys[0] (\"a\"): \"sha256\" is not 64 hex digits");
    refused("{\"keys\":[{\"name\":\"a\",\"tier\":\"t\",\"sha256\":\"" ABC
            "\"},{\"name\":\"b\",\"tier\":\"t\",\"sha256\":\"" ABC "\"}]}",
            "keys[1] (\"b\") has the \"sha256\" of \"a\"");
    refused("{\"keys\":[{\"name\":\"a\",\"tier\":\"t\",\"sha256\":\"" ABC
            "\"},{\"name\":\"a\",\"tier\":\"t\",\"sha256\":\"" EMPTY "\"}]}",
            "keys[1] has the name \"a\" of keys[0]");
}


/* As many keys as are allowed, each found, and one more refused. */

static void
test_many(void)
{
    int         i, n, missing;
    char       *json, *p, key[16], hex[65];
    unsigned    j;
    ml_keys_t  *keys;
    unsigned char  digest[32];

    n = ML_KEYS_MAX;
    json = malloc((size_t) (n + 1) * 128);
    CHECK(json != NULL);

    p = json + sprintf(json, "{\"keys\":[");

    for (i = 0; i <= n; i++) {
        (void) sprintf(key, "key-%d", i);
        (void) EVP_Digest(key, strlen(key), digest, NULL, EVP_sha256(), NULL);

        for (j = 0; j < 32; j++) {
            (void) sprintf(hex + 2 * j, "%02x", digest[j]);
        }

        if (i == n) {
            (void) strcpy(p, "]}");

            keys = parse(json);
            CHECK(keys != NULL);
            missing = 0;

            while (i--) {
                (void) sprintf(key, "key-%d", i);

                if (ml_keys_lookup(keys, key, strlen(key))
                    != ml_keys_get(keys, i))
                {
                    missing++;
                }
            }

            CHECK_INT(missing, 0);
            ml_keys_free(keys);
            i = n;
        }

        p += sprintf(p, "%s{\"name\":\"n%d\",\"tier\":\"t\",\"sha256\":"
                     "\"%s\"}", i ? "," : "", i, hex);
    }

    (void) strcpy(p, "]}");
    refused(json, "has more than 100000 keys");

    free(json);
}


static void
test_file(void)
{
    int         fd;
    char        name[] = "/tmp/test_keys.XXXXXX";
    ml_keys_t  *keys;

    CHECK(ml_keys_load("/nonexistent/keys.json", error, sizeof(error))
          == NULL);
    CHECK_STR(error, "could not be opened: No such file or directory");
    CHECK(ml_keys_load("/tmp", error, sizeof(error)) == NULL);
    CHECK_STR(error, "could not be read: Is a directory");

    fd = mkstemp(name);
    CHECK(fd >= 0);
    CHECK(write(fd, "{\"keys\":[]}", 11) == 11);
    (void) close(fd);

    keys = ml_keys_load(name, error, sizeof(error));
    CHECK(keys != NULL);
    ml_keys_free(keys);

    (void) unlink(name);
}


int
main(void)
{
    test_lookup();
    test_refused();
    test_many();
    test_file();

    return TEST_END;
}
