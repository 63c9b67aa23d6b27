/* What the files of the device's owner share; see ml_device.h. */

#ifndef ML_DEVICE_STATE_H
#define ML_DEVICE_STATE_H

#include <stdatomic.h>

#include "ml_batch.h"
#include "ml_device.h"
#include "ml_queue.h"


struct ml_device_s {
    ml_device_options_t     options;

    const ml_backend_t     *backend;
    ml_backend_context_t   *context;
    ml_batch_t              batch;
    ml_prediction_t         prediction;     /* until it is the owner */

    /* what is queued, seen with this process's eyes */
    ml_queue_t              queue;
    ml_job_t               *jobs;           /* by slot */
    void                  **pointers;       /* of the jobs */
    uint64_t               *words;          /* by slot, as they were seen */
    ml_job_t              **run;            /* the batch */
    int                    *entries;        /* to be kicked */
    uint64_t                reaped;

    pthread_t               thread;
    pthread_mutex_t         lock;
    pthread_cond_t          end;

    /* under the lock */
    int                     ended;
    char                    text[ML_DEVICE_TEXT_SIZE];
    char                    last[ML_DEVICE_TEXT_SIZE];
    ml_device_level_e       level;

    _Atomic int             stopping;
    _Atomic int             retired;
    _Atomic int             owner;
    _Atomic int             lost;
    _Atomic uint64_t        since;          /* a run began; 0: none runs */
};


/* ml_device.c */

void ml_device_say(ml_device_t *device, ml_device_level_e level,
    const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void ml_device_kick(void *data, unsigned entry);


/* ml_device_serve.c */

/* Until it is retired, stopped, or the device is lost, which is -1. */
int ml_device_serve(ml_device_t *device);


#endif /* ML_DEVICE_STATE_H */
