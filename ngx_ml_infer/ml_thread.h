/* Threads beside an event loop. */

#ifndef ML_THREAD_H
#define ML_THREAD_H

#include <pthread.h>
#include <signal.h>


/*
 * Starts a thread that gets no signals: a thread inherits the mask, and
 * signals are for the event loop alone.  Returns 0, or -1.
 */
static inline int
ml_thread_create(pthread_t *thread, void *(*start)(void *data), void *data)
{
    int       rc;
    sigset_t  all, old;

    sigfillset(&all);

    if (pthread_sigmask(SIG_BLOCK, &all, &old) != 0) {
        return -1;
    }

    rc = pthread_create(thread, NULL, start, data);

    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    return rc == 0 ? 0 : -1;
}


#endif /* ML_THREAD_H */
