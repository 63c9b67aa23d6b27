/*
 * Documents on disk that answer for URIs: "URI=DIR" says that what a
 * reference names under URI is a file under DIR.
 */

#ifndef ML_SCHEMA_REGISTRY_H
#define ML_SCHEMA_REGISTRY_H

#include <stddef.h>

#include "ml_text.h"


/* The most entries of one registry. */
#define ML_SCHEMA_REGISTRY  16


typedef struct {
    const char  *uri;               /* not owned, not NUL-terminated */
    size_t       uri_len;
    const char  *directory;         /* not owned */
} ml_schema_registry_entry_t;


typedef struct {
    ml_schema_registry_entry_t  entries[ML_SCHEMA_REGISTRY];
    size_t                      n;
} ml_schema_registry_t;


/*
 * Adds "URI=DIR", which must stay; the last '=' separates.  Returns NULL, or
 * why it is refused.
 */
const char *ml_schema_registry_add(ml_schema_registry_t *registry,
    const char *entry);

/* ml_schema_options_t.load, with a registry as "data". */
int ml_schema_registry_load(const ml_schema_registry_t *registry,
    const char *uri, ml_text_t *text);

/*
 * Appends a regular file of at most "most" bytes: 0 on success, otherwise
 * an errno; EFBIG for one that is larger.
 */
int ml_schema_read_file(const char *name, size_t most, ml_text_t *text);


#endif /* ML_SCHEMA_REGISTRY_H */
