#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>

#include <cjson/cJSON.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "ml_keys.h"
#include "ml_siphash.h"


struct ml_keys_s {
    ml_key_t       *keys;
    size_t          count;
    uint32_t       *slots;              /* index + 1 by digest; 0: empty */
    uint32_t       *names;              /* the same by name */
    size_t          nslots;             /* a power of two, over 2 * count */
    unsigned char   hash_key[16];
    char           *text;               /* all names and tiers */
};


typedef struct {
    char           *text;
    size_t          size;
} ml_keys_error_t;


static void ml_keys_fail(ml_keys_error_t *error, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static char *ml_keys_read(const char *path, size_t *len,
    ml_keys_error_t *error);
static const cJSON *ml_keys_array(const cJSON *root, ml_keys_error_t *error);
static ml_keys_t *ml_keys_create(const cJSON *array, ml_keys_error_t *error);
static int ml_keys_fill(ml_keys_t *keys, const cJSON *array,
    ml_keys_error_t *error);
static int ml_keys_entry(const cJSON *entry, size_t index, ml_key_t *key,
    ml_keys_error_t *error);
static int ml_keys_string(const cJSON *value, size_t index, size_t max,
    ml_keys_error_t *error);
static int ml_keys_hex(const char *hex, unsigned char *digest);
static int ml_keys_insert(ml_keys_t *keys, size_t index,
    ml_keys_error_t *error);
static size_t ml_keys_slot(const ml_keys_t *keys, const void *data,
    size_t len);


ml_keys_t *
ml_keys_load(const char *path, char *error, size_t error_size)
{
    char             *json;
    size_t            len;
    ml_keys_t        *keys;
    ml_keys_error_t   e = { error, error_size };

    json = ml_keys_read(path, &len, &e);
    if (json == NULL) {
        return NULL;
    }

    keys = ml_keys_parse(json, len, error, error_size);

    free(json);

    return keys;
}


static char *
ml_keys_read(const char *path, size_t *len, ml_keys_error_t *error)
{
    char    *json, *p;
    FILE    *file;
    size_t   size;

    file = fopen(path, "re");
    if (file == NULL) {
        ml_keys_fail(error, "could not be opened: %s", strerror(errno));
        return NULL;
    }

    json = NULL;
    size = 0;
    *len = 0;

    do {
        size = size ? size * 2 : 65536;

        if (size > 2 * ML_KEYS_FILE_MAX) {
            ml_keys_fail(error, "is too large");
            goto failed;
        }

        p = realloc(json, size);
        if (p == NULL) {
            ml_keys_fail(error, "needs more memory than there is");
            goto failed;
        }

        json = p;
        *len += fread(json + *len, 1, size - *len, file);

    } while (*len == size);

    if (ferror(file)) {
        ml_keys_fail(error, "could not be read: %s", strerror(errno));
        goto failed;
    }

    (void) fclose(file);

    return json;

failed:

    free(json);
    (void) fclose(file);

    return NULL;
}


ml_keys_t *
ml_keys_parse(const char *json, size_t len, char *error, size_t error_size)
{
    cJSON            *root;
    size_t            rest;
    ml_keys_t        *keys;
    const char       *end;
    const cJSON      *array;
    ml_keys_error_t   e = { error, error_size };

    if (len > ML_KEYS_FILE_MAX) {
        ml_keys_fail(&e, "is too large");
        return NULL;
    }

    /* cJSON ends its strings at an escaped NUL; nothing here needs one */

    for (rest = 0; rest + 6 <= len; rest++) {
        if (memcmp(json + rest, "\\u0000", 6) == 0) {
            ml_keys_fail(&e, "has an escaped NUL at byte %zu", rest);
            return NULL;
        }
    }

    end = NULL;
    root = cJSON_ParseWithLengthOpts(json, len, &end, 0);

    if (root == NULL) {
        ml_keys_fail(&e, "is not valid JSON near byte %zu",
                     end ? (size_t) (end - json) : 0);
        return NULL;
    }

    for (rest = end - json; rest < len; rest++) {
        if (strchr(" \t\r\n", json[rest]) == NULL || json[rest] == '\0') {
            ml_keys_fail(&e, "has data after the JSON value at byte %zu",
                         rest);
            cJSON_Delete(root);
            return NULL;
        }
    }

    array = ml_keys_array(root, &e);
    keys = array ? ml_keys_create(array, &e) : NULL;

    cJSON_Delete(root);

    return keys;
}


static const cJSON *
ml_keys_array(const cJSON *root, ml_keys_error_t *error)
{
    const cJSON  *member;

    if (!cJSON_IsObject(root)) {
        ml_keys_fail(error, "is not a JSON object");
        return NULL;
    }

    cJSON_ArrayForEach(member, root) {
        if (strcmp(member->string, "keys") != 0) {
            ml_keys_fail(error, "has an unknown member \"%.64s\"",
                         member->string);
            return NULL;
        }

        if (member != root->child) {
            ml_keys_fail(error, "has the member \"keys\" twice");
            return NULL;
        }
    }

    if (!cJSON_IsArray(root->child)) {
        ml_keys_fail(error, "has no array \"keys\"");
        return NULL;
    }

    return root->child;
}


static ml_keys_t *
ml_keys_create(const cJSON *array, ml_keys_error_t *error)
{
    size_t        count, nslots;
    ml_keys_t    *keys;
    const cJSON  *entry;

    count = 0;

    cJSON_ArrayForEach(entry, array) {
        count++;
    }

    if (count > ML_KEYS_MAX) {
        ml_keys_fail(error, "has more than %d keys", ML_KEYS_MAX);
        return NULL;
    }

    for (nslots = 4; nslots <= 2 * count; nslots *= 2) { /* void */ }

    keys = calloc(1, sizeof(ml_keys_t));
    if (keys == NULL) {
        ml_keys_fail(error, "needs more memory than there is");
        return NULL;
    }

    keys->nslots = nslots;
    keys->keys = calloc(count + 1, sizeof(ml_key_t));
    keys->slots = calloc(nslots, sizeof(uint32_t));
    keys->names = calloc(nslots, sizeof(uint32_t));
    keys->text = malloc(count * (ML_KEYS_NAME_MAX + ML_KEYS_TIER_MAX + 2) + 1);

    if (keys->keys == NULL || keys->slots == NULL || keys->names == NULL
        || keys->text == NULL)
    {
        ml_keys_fail(error, "needs more memory than there is");
        ml_keys_free(keys);
        return NULL;
    }

    if (RAND_bytes(keys->hash_key, sizeof(keys->hash_key)) != 1) {
        ml_keys_fail(error, "could not be hashed: no random bytes");
        ml_keys_free(keys);
        return NULL;
    }

    if (ml_keys_fill(keys, array, error) != 0) {
        ml_keys_free(keys);
        return NULL;
    }

    return keys;
}


static int
ml_keys_fill(ml_keys_t *keys, const cJSON *array, ml_keys_error_t *error)
{
    char         *text;
    size_t        len;
    ml_key_t     *key;
    const cJSON  *entry;

    text = keys->text;

    cJSON_ArrayForEach(entry, array) {
        key = &keys->keys[keys->count];

        if (ml_keys_entry(entry, keys->count, key, error) != 0) {
            return -1;
        }

        len = strlen(key->name) + 1;
        key->name = memcpy(text, key->name, len);
        text += len;

        len = strlen(key->tier) + 1;
        key->tier = memcpy(text, key->tier, len);
        text += len;

        keys->count++;

        if (ml_keys_insert(keys, keys->count - 1, error) != 0) {
            return -1;
        }
    }

    return 0;
}


/* The strings of "key" still belong to cJSON when this returns. */

static int
ml_keys_entry(const cJSON *entry, size_t index, ml_key_t *key,
    ml_keys_error_t *error)
{
    size_t        max;
    const char   *sha256, **value;
    const cJSON  *member;

    if (!cJSON_IsObject(entry)) {
        ml_keys_fail(error, "keys[%zu] is not an object", index);
        return -1;
    }

    key->name = NULL;
    key->tier = NULL;
    sha256 = NULL;

    cJSON_ArrayForEach(member, entry) {

        if (strcmp(member->string, "name") == 0) {
            value = &key->name;
            max = ML_KEYS_NAME_MAX;

        } else if (strcmp(member->string, "tier") == 0) {
            value = &key->tier;
            max = ML_KEYS_TIER_MAX;

        } else if (strcmp(member->string, "sha256") == 0) {
            value = &sha256;
            max = 2 * ML_KEYS_SHA256;

        } else {
            ml_keys_fail(error, "keys[%zu] has an unknown member \"%.64s\"",
                         index, member->string);
            return -1;
        }

        if (*value) {
            ml_keys_fail(error, "keys[%zu] has the member \"%s\" twice",
                         index, member->string);
            return -1;
        }

        if (ml_keys_string(member, index, max, error) != 0) {
            return -1;
        }

        *value = member->valuestring;
    }

    if (key->name == NULL || key->tier == NULL || sha256 == NULL) {
        ml_keys_fail(error, "keys[%zu] has no \"%s\"", index,
                     key->name == NULL ? "name"
                     : key->tier == NULL ? "tier" : "sha256");
        return -1;
    }

    if (ml_keys_hex(sha256, key->digest) != 0) {
        ml_keys_fail(error, "keys[%zu] (\"%s\"): \"sha256\" is not 64 hex "
                     "digits", index, key->name);
        return -1;
    }

    return 0;
}


/* Names and tiers go to logs, headers and metrics as they are. */

static int
ml_keys_string(const cJSON *value, size_t index, size_t max,
    ml_keys_error_t *error)
{
    size_t       len;
    const char  *p;

    if (!cJSON_IsString(value)) {
        ml_keys_fail(error, "keys[%zu]: \"%s\" is not a string", index,
                     value->string);
        return -1;
    }

    len = strlen(value->valuestring);

    if (len == 0 || len > max) {
        ml_keys_fail(error, "keys[%zu]: \"%s\" must have 1 to %zu characters",
                     index, value->string, max);
        return -1;
    }

    for (p = value->valuestring; *p; p++) {
        if (*p < 0x20 || *p > 0x7e || *p == '"' || *p == '\\') {
            ml_keys_fail(error, "keys[%zu]: \"%s\" has a character that is "
                         "not allowed", index, value->string);
            return -1;
        }
    }

    return 0;
}


static int
ml_keys_hex(const char *hex, unsigned char *digest)
{
    char         c;
    size_t       i;
    unsigned     nibble;

    if (strlen(hex) != 2 * ML_KEYS_SHA256) {
        return -1;
    }

    for (i = 0; i < 2 * ML_KEYS_SHA256; i++) {
        c = hex[i];

        if (c >= '0' && c <= '9') {
            nibble = c - '0';

        } else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f') {
            nibble = (c | 0x20) - 'a' + 10;

        } else {
            return -1;
        }

        digest[i / 2] = (i % 2) ? (digest[i / 2] | nibble) : (nibble << 4);
    }

    return 0;
}


static int
ml_keys_insert(ml_keys_t *keys, size_t index, ml_keys_error_t *error)
{
    size_t           i;
    const ml_key_t  *key, *other;

    key = &keys->keys[index];

    i = ml_keys_slot(keys, key->digest, ML_KEYS_SHA256);

    for ( /* void */ ; keys->slots[i]; i = (i + 1) & (keys->nslots - 1)) {
        other = &keys->keys[keys->slots[i] - 1];

        if (memcmp(key->digest, other->digest, ML_KEYS_SHA256) == 0) {
            ml_keys_fail(error, "keys[%zu] (\"%s\") has the \"sha256\" of "
                         "\"%s\"", index, key->name, other->name);
            return -1;
        }
    }

    keys->slots[i] = index + 1;

    i = ml_keys_slot(keys, key->name, strlen(key->name));

    for ( /* void */ ; keys->names[i]; i = (i + 1) & (keys->nslots - 1)) {
        other = &keys->keys[keys->names[i] - 1];

        if (strcmp(key->name, other->name) == 0) {
            ml_keys_fail(error, "keys[%zu] has the name \"%s\" of keys[%u]",
                         index, key->name, keys->names[i] - 1);
            return -1;
        }
    }

    keys->names[i] = index + 1;

    return 0;
}


void
ml_keys_free(ml_keys_t *keys)
{
    if (keys == NULL) {
        return;
    }

    free(keys->keys);
    free(keys->slots);
    free(keys->names);
    free(keys->text);
    free(keys);
}


size_t
ml_keys_count(const ml_keys_t *keys)
{
    return keys->count;
}


const ml_key_t *
ml_keys_get(const ml_keys_t *keys, size_t i)
{
    return &keys->keys[i];
}


const ml_key_t *
ml_keys_lookup(const ml_keys_t *keys, const void *key, size_t len)
{
    size_t           i;
    unsigned char    digest[EVP_MAX_MD_SIZE];
    const ml_key_t  *found, *candidate;

    if (EVP_Digest(key, len, digest, NULL, EVP_sha256(), NULL) != 1) {
        return NULL;
    }

    found = NULL;
    i = ml_keys_slot(keys, digest, ML_KEYS_SHA256);

    for ( /* void */ ; keys->slots[i]; i = (i + 1) & (keys->nslots - 1)) {
        candidate = &keys->keys[keys->slots[i] - 1];

        if (CRYPTO_memcmp(digest, candidate->digest, ML_KEYS_SHA256) == 0) {
            found = candidate;
            break;
        }
    }

    OPENSSL_cleanse(digest, sizeof(digest));

    return found;
}


static size_t
ml_keys_slot(const ml_keys_t *keys, const void *data, size_t len)
{
    uint64_t  hash[2];

    ml_siphash128(keys->hash_key, data, len, hash);

    return hash[0] & (keys->nslots - 1);
}


static void
ml_keys_fail(ml_keys_error_t *error, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(error->text, error->size, fmt, args);
    va_end(args);
}
