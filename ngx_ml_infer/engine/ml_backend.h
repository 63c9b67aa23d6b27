/*
 * The interface of a backend: a shared object, opened with dlopen() in the
 * process that runs inference and nowhere else, that exports one symbol,
 * ml_backend (ML_BACKEND_SYMBOL), of type ml_backend_entry_pt.
 *
 * Shape after ggml's backend interface: a struct of function pointers, some
 * of them optional.  All calls for one ml_backend_context_t come from one
 * thread at a time; different contexts may be used by different threads.
 * Functions that can fail write one line of why to error, without a final
 * newline.
 */

#ifndef ML_BACKEND_H
#define ML_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "ml_model.h"


#define ML_BACKEND_ABI     2
#define ML_BACKEND_SYMBOL  "ml_backend"


typedef struct ml_backend_context_s  ml_backend_context_t;


typedef enum {
    ML_BACKEND_OK = 0,
    ML_BACKEND_ERROR,               /* this run failed, the next may work */
    ML_BACKEND_MEMORY,              /* out of memory, not sticky */
    ML_BACKEND_LOST,                /* the context is unusable for good */
    ML_BACKEND_CANCELLED
} ml_backend_status_e;


/* What one run cost. */
typedef struct {
    uint64_t  device_ns;            /* time on the device */
} ml_backend_meter_t;


typedef struct {
    uint32_t              abi;      /* ML_BACKEND_ABI */
    const char           *name;     /* "cpu" */
    const char           *build;    /* NGX_ML_BUILD of its build */

    /*
     * Whether the device is there: ML_BACKEND_OK or why not.  "argument" says
     * which one, in the backend's own words: what stands behind the colon of
     * the "device" directive, NULL without a colon.
     */
    ml_backend_status_e (*probe)(const char *argument, char *error,
                             size_t size);

    /*
     * Makes a context with the model's weights.  The model must outlive it;
     * "argument" is that of probe().
     */
    ml_backend_status_e (*load)(const ml_model_t *model,
                             const char *argument,
                             ml_backend_context_t **context, char *error,
                             size_t size);

    /*
     * Prepares runs of exactly "rows" rows (1 for a model that is not
     * batched), so that run() allocates nothing.  May be called again for
     * other row counts; earlier plans stay.
     */
    ml_backend_status_e (*plan)(ml_backend_context_t *context, int64_t rows,
                             char *error, size_t size);

    /*
     * (optional) The context's own buffers, such as page-locked ones, one for
     * each input and output, with room for the most rows planned so far: a
     * run whose inputs and outputs are these is spared a copy.  They stay
     * valid until the next plan() or unload().
     */
    void                (*buffers)(ml_backend_context_t *context,
                             void **inputs, void **outputs);

    /*
     * Runs a planned number of rows.  inputs and outputs are in the order of
     * ml_model_inputs() and ml_model_outputs(), dense, in host memory, owned
     * by the caller.
     */
    ml_backend_status_e (*run)(ml_backend_context_t *context, int64_t rows,
                             const void *const *inputs, void *const *outputs,
                             ml_backend_meter_t *meter, char *error,
                             size_t size);

    /*
     * (optional) From another thread: asks the run in progress to end early.
     * It is final, since that run may not have begun yet: later ones end
     * early too, and all that is left to do is unload().
     */
    void                (*cancel)(ml_backend_context_t *context);

    void                (*unload)(ml_backend_context_t *context);
} ml_backend_t;


/* Returns the backend's table; static storage. */
typedef const ml_backend_t *(*ml_backend_entry_pt)(void);


/*
 * Opens the backend in that file, which must be of the build given: it walks
 * the planner's own structures.  The file is never closed, since threads that
 * a backend started may outlive their use.  On failure returns NULL and
 * writes one line of why to error.
 */
const ml_backend_t *ml_backend_open(const char *path, const char *build,
    char *error, size_t size);


#endif /* ML_BACKEND_H */
