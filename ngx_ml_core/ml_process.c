/* Liveness by robust mutex; the design is in ml_process.h. */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "ml_process.h"


typedef struct {
    pthread_mutex_t   alive;
    _Atomic uint32_t  claimed;
    int32_t           pid;              /* for people with a debugger */
} ml_process_entry_t;


struct ml_processes_s {
    _Atomic uint32_t    bound;
    ml_process_entry_t  entries[ML_PROCESS_MAX];
};


static int ml_process_trylock(ml_process_entry_t *entry, unsigned index,
    ml_process_reap_pt reap, void *data);


size_t
ml_processes_size(void)
{
    return sizeof(ml_processes_t);
}


int
ml_processes_init(ml_processes_t *processes)
{
    unsigned             i;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return -1;
    }

    if (pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) != 0
        || pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) != 0)
    {
        goto failed;
    }

    for (i = 0; i < ML_PROCESS_MAX; i++) {
        if (pthread_mutex_init(&processes->entries[i].alive, &attr) != 0) {
            goto failed;
        }
    }

    (void) pthread_mutexattr_destroy(&attr);

    return 0;

failed:

    (void) pthread_mutexattr_destroy(&attr);

    return -1;
}


int
ml_processes_claim(ml_processes_t *processes, ml_process_reap_pt reap,
    void *data)
{
    uint32_t             bound;
    unsigned             i;
    ml_process_entry_t  *entry;

    for (i = 0; i < ML_PROCESS_MAX; i++) {
        entry = &processes->entries[i];

        if (ml_process_trylock(entry, i, reap, data) < 0) {
            continue;
        }

        /* sums over processes must see the entry before it counts */

        bound = atomic_load(&processes->bound);

        while (bound < i + 1
               && !atomic_compare_exchange_weak(&processes->bound, &bound,
                                                i + 1))
        {
            /* void */
        }

        reap(data, i);
        atomic_store(&entry->claimed, 1);
        entry->pid = (int32_t) getpid();

        return (int) i;
    }

    return -1;
}


void
ml_processes_release(ml_processes_t *processes, unsigned index,
    ml_process_reap_pt reap, void *data)
{
    ml_process_entry_t  *entry;

    entry = &processes->entries[index];

    reap(data, index);
    entry->pid = 0;
    atomic_store(&entry->claimed, 0);
    (void) pthread_mutex_unlock(&entry->alive);
}


/* Counts the dead, whose entries it frees, and the living. */

static unsigned
ml_processes_look(ml_processes_t *processes, ml_process_reap_pt reap,
    void *data, unsigned *living)
{
    int                  rc;
    unsigned             i, dead;
    ml_process_entry_t  *entry;

    dead = 0;
    *living = 0;

    for (i = 0; i < ml_processes_bound(processes); i++) {
        entry = &processes->entries[i];

        if (!atomic_load(&entry->claimed)) {
            continue;
        }

        rc = ml_process_trylock(entry, i, reap, data);

        if (rc < 0) {
            (*living)++;
            continue;
        }

        dead += (unsigned) rc;
        (void) pthread_mutex_unlock(&entry->alive);
    }

    return dead;
}


unsigned
ml_processes_reap(ml_processes_t *processes, ml_process_reap_pt reap,
    void *data)
{
    unsigned  living;

    return ml_processes_look(processes, reap, data, &living);
}


int
ml_processes_alive(ml_processes_t *processes, ml_process_reap_pt reap,
    void *data)
{
    unsigned  living;

    (void) ml_processes_look(processes, reap, data, &living);

    return living > 0;
}


unsigned
ml_processes_bound(ml_processes_t *processes)
{
    return atomic_load(&processes->bound);
}


/* 0: was free, 1: its holder was dead and is reaped, -1: held. */

static int
ml_process_trylock(ml_process_entry_t *entry, unsigned index,
    ml_process_reap_pt reap, void *data)
{
    switch (pthread_mutex_trylock(&entry->alive)) {

    case 0:
        return 0;

    case EOWNERDEAD:
        reap(data, index);
        entry->pid = 0;
        atomic_store(&entry->claimed, 0);
        (void) pthread_mutex_consistent(&entry->alive);
        return 1;

    default:
        return -1;
    }
}
