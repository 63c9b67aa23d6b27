/* Opens libcuda and cuBLASLt; see ml_cuda_driver.h. */

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

#include "ml_cuda_driver.h"


#define ML_CUDA_STRING(name)   ML_CUDA_STRING_(name)
#define ML_CUDA_STRING_(name)  #name

#define ML_CUDA_BLAS  "libcublasLt.so." ML_CUDA_STRING(CUBLAS_VER_MAJOR)

#define ML_CUDA_LOOK_UP(name)                                                 \
    { ML_CUDA_STRING(name), offsetof(ml_cuda_driver_t, name) },


typedef struct {
    const char  *name;
    size_t       offset;            /* of the pointer in ml_cuda_driver_t */
} ml_cuda_symbol_t;


ml_cuda_driver_t  ml_cuda;


static const ml_cuda_symbol_t  ml_cuda_driver_symbols[] = {
    ML_CUDA_DRIVER_FUNCTIONS(ML_CUDA_LOOK_UP)
    { NULL, 0 }
};


static const ml_cuda_symbol_t  ml_cuda_blas_symbols[] = {
    ML_CUDA_BLAS_FUNCTIONS(ML_CUDA_LOOK_UP)
    { NULL, 0 }
};


/* where a toolkit puts it that told the dynamic linker nothing */
static const char *const  ml_cuda_driver_files[] = { "libcuda.so.1", NULL };
static const char *const  ml_cuda_blas_files[] = {
    ML_CUDA_BLAS, "/usr/local/cuda/lib64/" ML_CUDA_BLAS, NULL
};


static int
ml_cuda_library(const char *const *files, const ml_cuda_symbol_t *symbol,
    ml_cuda_driver_t *driver, char *text, size_t size)
{
    void        *library, *function;
    const char  *why;

    library = NULL;

    for (why = NULL; *files && library == NULL; files++) {
        library = dlopen(*files, RTLD_NOW | RTLD_LOCAL);

        if (library == NULL && why == NULL) {
            why = dlerror();
            (void) snprintf(text, size, "%s", why ? why : *files);
        }
    }

    if (library == NULL) {
        return -1;
    }

    for ( /* void */ ; symbol->name; symbol++) {

        function = dlsym(library, symbol->name);

        if (function == NULL) {
            (void) snprintf(text, size, "%s has no %s, it is too old",
                            files[-1], symbol->name);
            return -1;
        }

        *(void **) ((char *) driver + symbol->offset) = function;
    }

    return 0;
}


int
ml_cuda_driver_open(char *text, size_t size)
{
    int               rc;
    CUresult          result;
    const char       *name;
    ml_cuda_driver_t  driver;

    static int              open;
    static pthread_mutex_t  lock = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&lock);

    rc = 0;

    if (!open) {
        rc = ml_cuda_library(ml_cuda_driver_files, ml_cuda_driver_symbols,
                             &driver, text, size);

        if (rc == 0) {
            result = driver.cuInit(0);

            if (result != CUDA_SUCCESS) {
                name = NULL;
                (void) driver.cuGetErrorName(result, &name);
                (void) snprintf(text, size, "cuInit: %s (%d)",
                                name ? name : "unknown error", (int) result);
                rc = -1;
            }
        }

        if (rc == 0) {
            rc = ml_cuda_library(ml_cuda_blas_files, ml_cuda_blas_symbols,
                                 &driver, text, size);
        }

        if (rc == 0) {
            ml_cuda = driver;
            open = 1;
        }
    }

    pthread_mutex_unlock(&lock);

    return rc;
}
