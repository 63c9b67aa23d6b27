/*
 * SipHash-2-4 with 128-bit output (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF", 2012; the 128-bit variant of the reference code).
 *
 * Used where a client chooses what is hashed: JSON keys and client
 * identities.  OpenSSL has it too, behind a fetch and a context that cost
 * ten times the hash of a short key; here it stands on the path of every
 * JSON key.
 */

#ifndef ML_SIPHASH_H
#define ML_SIPHASH_H

#include <stddef.h>
#include <stdint.h>


/* "key" is 16 secret bytes. */
void ml_siphash128(const uint8_t *key, const void *data, size_t len,
    uint64_t hash[2]);


#endif /* ML_SIPHASH_H */
