/*
 * The executor of a process that submits to the device process, through the
 * slot table (ml_slots.h).
 *
 * DESIGN.  A job is copied into as many slots as its rows need, all or none,
 * and its inputs are freed.  Each slot is run by itself; the job is done when
 * all of its slots are.  Nothing here waits: the process that owns the device
 * calls back through the entry's eventfd, and completed() then looks at this
 * process's own jobs alone.
 *
 * A submitter belongs to the thread that made it, which must live as long as
 * the process.
 */

#ifndef ML_SUBMITTER_H
#define ML_SUBMITTER_H

#include <stddef.h>
#include <stdint.h>

#include "ml_executor.h"
#include "ml_slots.h"


/*
 * A device process that has not run for so long is taken to be stuck: new
 * jobs are refused, and it may be killed.
 */
#define ML_SUBMITTER_SILENT_NS  ((uint64_t) 5 * 1000000000)


/*
 * Enters the table.  The view stays the caller's and must outlive the
 * submitter.  Returns NULL and writes one line of why to error.
 */
ml_executor_t *ml_submitter_create(ml_slots_t *slots, char *error,
    size_t size);

/* Its entry: it is called back as that one. */
unsigned ml_submitter_entry(const ml_executor_t *executor);

/*
 * To be called about every "tick" nanoseconds while jobs are under way; then
 * returns 1, with nothing under way 0.  When the owner of the device has been
 * stuck for that many ticks, stores the pid of its process; else 0.
 */
int ml_submitter_watch(ml_executor_t *executor, uint64_t tick,
    int32_t *stuck);


#endif /* ML_SUBMITTER_H */
