/*
 * API keys: who a secret belongs to.
 *
 * DESIGN.  The file holds SHA-256 digests, never the keys themselves:
 *
 *     {"keys":[{"name":"acme","sha256":"<64 hex digits>","tier":"pro"}]}
 *
 * A presented key is hashed and looked up in an open-addressing table by the
 * SipHash, under a random key, of its digest.  Candidates are compared in
 * constant time, and the digest of what was presented is wiped.
 *
 * The file is read once, strictly: what is not understood is an error that
 * names the entry, so that a typing error cannot lock a client out silently.
 */

#ifndef ML_KEYS_H
#define ML_KEYS_H

#include <stddef.h>
#include <stdint.h>


#define ML_KEYS_MAX           100000    /* keys in a file */
#define ML_KEYS_FILE_MAX      (64 * 1024 * 1024)
#define ML_KEYS_NAME_MAX      64        /* bytes; printable ASCII */
#define ML_KEYS_TIER_MAX      32
#define ML_KEYS_SHA256        32


typedef struct {
    const char    *name;                /* unique, NUL-terminated */
    const char    *tier;                /* NUL-terminated */
    unsigned char  digest[ML_KEYS_SHA256];      /* unique */
} ml_key_t;


typedef struct ml_keys_s  ml_keys_t;


/*
 * Reads the text of a keys file.  Returns NULL on failure with the reason in
 * "error"; the caller frees the keys.
 */
ml_keys_t *ml_keys_parse(const char *json, size_t len, char *error,
    size_t error_size);

/* The same for a file. */
ml_keys_t *ml_keys_load(const char *path, char *error, size_t error_size);

void ml_keys_free(ml_keys_t *keys);

size_t ml_keys_count(const ml_keys_t *keys);

/* The keys in the order of the file; i below ml_keys_count(). */
const ml_key_t *ml_keys_get(const ml_keys_t *keys, size_t i);

/*
 * The entry of a presented key, NULL when there is none or the digest could
 * not be computed.  The entry lives as long as the keys.
 */
const ml_key_t *ml_keys_lookup(const ml_keys_t *keys, const void *key,
    size_t len);


#endif /* ML_KEYS_H */
