/*
 * The owner of a device: one thread per model that loads it and runs what is
 * queued in the model's slot table (ml_slots.h).
 *
 * DESIGN.  The thread lives in a process that is replaced when it dies.  It
 * loads the model first, and only then waits to be the owner, so that on a
 * reload the old owner serves until the new one is warm.  Told to retire, an
 * owner goes on until a successor waits, or nobody is left who could submit.
 *
 * What a start comes to is counted in the table: when starts end in death
 * the next one waits first, longer each time, because the process that is
 * replaced is replaced at once.
 *
 * A device that is lost for good ("sticky" errors) poisons its process: the
 * jobs that ran stay as they are, the process is to be ended, and its
 * successor runs them again, each alone.
 *
 * The thread writes no log: it leaves one line at a time for another thread,
 * which beats for it as well and sees to it that a run which never ends ends
 * the process.
 */

#ifndef ML_DEVICE_H
#define ML_DEVICE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "ml_backend.h"
#include "ml_executor.h"
#include "ml_slots.h"


#define ML_DEVICE_TEXT_SIZE  320


typedef enum {
    ML_DEVICE_NOTICE = 0,
    ML_DEVICE_ERROR
} ml_device_level_e;


typedef struct {
    const ml_model_t       *model;
    ml_slots_t             *slots;      /* the thread's own view */
    int64_t                 batch;      /* rows; 1 if not batched */
    uint64_t                delay_ns;   /* to wait for more rows */
    uint64_t                hang_ns;    /* a longer run never ends */

    const char             *backend;    /* the file */
    const char             *argument;   /* see ml_backend.h */
    const char             *build;
    const char             *cpu;        /* "auto": the file, else NULL */

    /* one run at a time on a device, whoever's; of this process */
    pthread_mutex_t        *turn;

    /* whether this process is replaced when it ends */
    unsigned                replaced:1;

    /* from the thread: */
    ml_slots_kick_pt        kick;
    ml_ran_pt               ran;
    void                  (*told)(void *data);  /* said, lost or ended */
    void                   *data;
} ml_device_options_t;


typedef struct ml_device_s  ml_device_t;


/*
 * Starts the thread with all signals blocked.  Strings of the options must
 * outlive it.  Returns NULL and writes one line of why to error.
 */
ml_device_t *ml_device_start(const ml_device_options_t *options, char *error,
    size_t size);

/*
 * To be called several times a second: tells the table that the process
 * lives.  Returns 0, or -1 when the device was lost or a run does not end:
 * then the process is to be ended at once.
 */
int ml_device_beat(ml_device_t *device);

/* Takes the line that was left; returns 0 when there is none. */
int ml_device_said(ml_device_t *device, ml_device_level_e *level,
    char text[ML_DEVICE_TEXT_SIZE]);

/* Hand over to a successor, or finish what there is to do. */
void ml_device_retire(ml_device_t *device);

/* Whether the thread has come to its end. */
int ml_device_ended(ml_device_t *device);

/*
 * Takes no more jobs, waits for the running one, and frees everything.
 * Returns 0, or -1 when it did not end in time: then nothing is freed, and
 * all that was given in the options must stay.
 */
int ml_device_stop(ml_device_t *device, unsigned timeout_ms);


#endif /* ML_DEVICE_H */
