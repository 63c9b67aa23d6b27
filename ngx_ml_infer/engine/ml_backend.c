/* Opening a backend; see ml_backend.h. */

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "ml_backend.h"


const ml_backend_t *
ml_backend_open(const char *path, const char *build, char *error, size_t size)
{
    void                 *handle;
    const char           *name;
    const ml_backend_t   *backend;
    ml_backend_entry_pt   entry;

    name = strrchr(path, '/');
    name = name ? name + 1 : path;

    handle = dlopen(path, RTLD_NOW|RTLD_LOCAL);

    if (handle == NULL) {
        (void) snprintf(error, size, "%s", dlerror());
        return NULL;
    }

    *(void **) &entry = dlsym(handle, ML_BACKEND_SYMBOL);

    if (entry == NULL) {
        (void) snprintf(error, size, "%s is no backend", name);
        return NULL;
    }

    backend = entry();

    if (backend->abi != ML_BACKEND_ABI || strcmp(backend->build, build) != 0)
    {
        (void) snprintf(error, size, "%s is of another build", name);
        return NULL;
    }

    return backend;
}
