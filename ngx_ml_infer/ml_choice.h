/*
 * The executor of "device auto": a job runs on the CPU of this process or
 * goes to the device process, whichever is faster for its size.
 *
 * DESIGN.  The device process has timed every size on both and keeps in the
 * slot table which it is for, the way through another process included.
 * While it is not ready, and for a job that it does not take, there is the
 * CPU.
 */

#ifndef ML_CHOICE_H
#define ML_CHOICE_H

#include <stddef.h>

#include "ml_executor.h"
#include "ml_slots.h"


/*
 * Both executors become the choice's, which closes them; "shared" is of the
 * table that "device" submits to.  Returns NULL when out of memory.
 */
ml_executor_t *ml_choice_create(ml_executor_t *cpu, ml_executor_t *device,
    const ml_slots_shared_t *shared);


#endif /* ML_CHOICE_H */
