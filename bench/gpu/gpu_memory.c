/* Device memory, seen by the driver itself; see gpu_check.h. */

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "gpu_check.h"


#define GPU_PIECES  4096


static struct {
    int  (*init)(unsigned flags);
    int  (*version)(int *version);
    int  (*device)(int *device, int ordinal);
    int  (*name)(char *name, int size, int device);
    int  (*retain)(void **context, int device);
    int  (*current)(void *context);
    int  (*info)(size_t *free, size_t *total);
    int  (*alloc)(uint64_t *address, size_t bytes);
    int  (*release)(uint64_t address);
} driver;

static void      *context;
static int        device;
static uint64_t   pieces[GPU_PIECES];
static unsigned   npieces;


int
gpu_memory_open(const char *argument)
{
    size_t  i;
    void   *library;

    const struct {
        void        *function;
        const char  *name;
    } symbols[] = {
        { &driver.init, "cuInit" },
        { &driver.version, "cuDriverGetVersion" },
        { &driver.device, "cuDeviceGet" },
        { &driver.name, "cuDeviceGetName" },
        { &driver.retain, "cuDevicePrimaryCtxRetain" },
        { &driver.current, "cuCtxSetCurrent" },
        { &driver.info, "cuMemGetInfo_v2" },
        { &driver.alloc, "cuMemAlloc_v2" },
        { &driver.release, "cuMemFree_v2" }
    };

    library = dlopen("libcuda.so.1", RTLD_NOW);

    if (library == NULL) {
        return 0;
    }

    for (i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        *(void **) symbols[i].function = dlsym(library, symbols[i].name);

        if (*(void **) symbols[i].function == NULL) {
            return 0;
        }
    }

    return driver.init(0) == 0
           && driver.device(&device, argument ? atoi(argument) : 0) == 0
           && driver.retain(&context, device) == 0;
}


size_t
gpu_memory_free(void)
{
    size_t  bytes, total;

    if (driver.current(context) != 0 || driver.info(&bytes, &total) != 0) {
        return 0;
    }

    return bytes;
}


int
gpu_memory_take(size_t left)
{
    size_t  bytes;

    while (npieces < GPU_PIECES && gpu_memory_free() > left) {

        bytes = (gpu_memory_free() - left) / 2;
        bytes = bytes < ((size_t) 2 << 20) ? (size_t) 2 << 20 : bytes;

        if (driver.alloc(&pieces[npieces], bytes) != 0) {
            break;
        }

        npieces++;
    }

    return npieces > 0;
}


void
gpu_memory_give(void)
{
    (void) driver.current(context);

    while (npieces) {
        (void) driver.release(pieces[--npieces]);
    }
}


const char *
gpu_memory_device(void)
{
    int          version;
    char         name[128];

    static char  text[192];

    version = 0;
    name[0] = '\0';

    (void) driver.name(name, sizeof(name), device);
    (void) driver.version(&version);
    (void) snprintf(text, sizeof(text), "%s, driver for CUDA %d.%d", name,
                    version / 1000, version % 1000 / 10);

    return text;
}
