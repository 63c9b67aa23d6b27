/* Documents on disk that answer for URIs; see ml_schema_registry.h. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ml_schema.h"
#include "ml_schema_registry.h"
#include "ml_uri.h"


const char *
ml_schema_registry_add(ml_schema_registry_t *registry, const char *entry)
{
    const char                  *equals;
    ml_schema_registry_entry_t  *added;

    equals = strrchr(entry, '=');

    if (equals == NULL || equals == entry || equals[1] == '\0') {
        return "is not URI=DIRECTORY";
    }

    if (registry->n == ML_SCHEMA_REGISTRY) {
        return "is one too many";
    }

    added = &registry->entries[registry->n++];
    added->uri = entry;
    added->uri_len = (size_t) (equals - entry);
    added->directory = equals + 1;

    /* "http://host/schemas/" and "http://host/schemas" are the same */

    while (added->uri_len > 1 && entry[added->uri_len - 1] == '/') {
        added->uri_len--;
    }

    return NULL;
}


int
ml_schema_read_file(const char *name, size_t most, ml_text_t *text)
{
    int          fd, error;
    char        *to;
    ssize_t      n;
    struct stat  info;

    fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd == -1) {
        return errno;
    }

    error = 0;

    if (fstat(fd, &info) != 0) {
        error = errno;

    } else if (S_ISDIR(info.st_mode)) {
        error = EISDIR;

    } else if (!S_ISREG(info.st_mode)) {
        error = EINVAL;

    } else if ((unsigned long long) info.st_size > most) {
        error = EFBIG;
    }

    while (error == 0) {
        to = ml_text_reserve(text, 65536);

        if (to == NULL) {
            error = ENOMEM;
            break;
        }

        n = read(fd, to, 65536);

        if (n <= 0) {
            error = n < 0 ? errno : 0;
            break;
        }

        text->len += (size_t) n;

        if (text->len > most) {
            error = EFBIG;
        }
    }

    (void) close(fd);

    return error;
}


/* The path below the directory is the rest of the URI; it has no "..". */
static char *
ml_schema_registry_file(const ml_schema_registry_entry_t *entry,
    const char *rest)
{
    char    *name;
    size_t   len, n;

    len = strlen(entry->directory);
    n = strlen(rest);
    name = malloc(len + n + 1);

    if (name == NULL) {
        return NULL;
    }

    memcpy(name, entry->directory, len);
    memcpy(name + len, rest, n);
    n = ml_uri_decode(name + len, n);
    name[len + n] = '\0';

    return name;
}


int
ml_schema_registry_load(const ml_schema_registry_t *registry,
    const char *uri, ml_text_t *text)
{
    int                                error;
    char                              *name;
    size_t                             i;
    const char                        *rest;
    const ml_schema_registry_entry_t  *entry;

    for (i = 0; i < registry->n; i++) {
        entry = &registry->entries[i];

        if (strncmp(uri, entry->uri, entry->uri_len) != 0
            || uri[entry->uri_len] != '/')
        {
            continue;
        }

        rest = uri + entry->uri_len;
        name = ml_schema_registry_file(entry, rest);

        if (name == NULL) {
            return -1;
        }

        error = strstr(name + strlen(entry->directory), "/..")
                ? ENOENT : ml_schema_read_file(name, ML_SCHEMA_SIZE, text);
        free(name);

        if (error == 0) {
            return 1;
        }

        if (error != ENOENT && error != ENOTDIR) {
            return -1;
        }
    }

    return 0;
}
