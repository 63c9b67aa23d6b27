/*
 * Which processes use a shared zone, and which of them have died.
 *
 * DESIGN.  A fixed table of entries.  A process claims one and holds its
 * robust process-shared mutex for life; when it dies in any way the kernel
 * frees the mutex and the next trylock says EOWNERDEAD.  Whoever sees that
 * zeroes what the dead process counted, through the caller's function, and
 * frees the entry.  So there are no leases, no heartbeats, and no pid that
 * can be taken by another program; a paused process is not taken for dead.
 *
 * Source: pthread_mutexattr_setrobust(3).
 */

#ifndef ML_PROCESS_H
#define ML_PROCESS_H

#include <stddef.h>
#include <stdint.h>


#define ML_PROCESS_MAX  256


typedef struct ml_processes_s  ml_processes_t;

/* Zeroes what process "index" counted; called with its entry held. */
typedef void (*ml_process_reap_pt)(void *data, unsigned index);


/* Bytes that the table takes. */
size_t ml_processes_size(void);

/* Lays the table over zeroed memory.  0, or -1 when a mutex cannot be made. */
int ml_processes_init(ml_processes_t *processes);

/*
 * Claims an entry for the calling thread, which must live as long as the
 * process; reap is called for it first.  Returns the index, or -1 when all
 * entries are held by living processes.
 */
int ml_processes_claim(ml_processes_t *processes, ml_process_reap_pt reap,
    void *data);

/* Gives the entry back; by the thread that claimed it. */
void ml_processes_release(ml_processes_t *processes, unsigned index,
    ml_process_reap_pt reap, void *data);

/* Reaps every entry whose holder is dead; returns how many there were. */
unsigned ml_processes_reap(ml_processes_t *processes,
    ml_process_reap_pt reap, void *data);

/* Whether any entry is held by a living process; reaps those that are not. */
int ml_processes_alive(ml_processes_t *processes, ml_process_reap_pt reap,
    void *data);

/* Entries [0, n) have been in use. */
unsigned ml_processes_bound(ml_processes_t *processes);


#endif /* ML_PROCESS_H */
