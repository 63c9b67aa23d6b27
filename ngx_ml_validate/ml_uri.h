/*
 * References between URIs (RFC 3986, section 5), as schemas use them.
 */

#ifndef ML_URI_H
#define ML_URI_H

#include <stddef.h>

#include "ml_text.h"


/*
 * Appends the target of a reference, with its fragment, against an absolute
 * base without one; an empty base leaves a relative reference as it is.
 */
void ml_uri_resolve(ml_text_t *out, const char *base, size_t base_len,
    const char *reference, size_t len);

/* Where the fragment's '#' stands; len when there is none. */
size_t ml_uri_fragment(const char *uri, size_t len);

/* Decodes %XX in place and returns the new length. */
size_t ml_uri_decode(char *s, size_t len);


#endif /* ML_URI_H */
