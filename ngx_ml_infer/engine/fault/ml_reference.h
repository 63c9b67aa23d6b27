/*
 * Runs a model with the reference kernels alone, one allocation per value:
 * the oracle of backends, and what the fault backend answers with.
 */

#ifndef ML_REFERENCE_H
#define ML_REFERENCE_H

#include "ml_graph.h"


/*
 * inputs and outputs as for run() of ml_backend.h; any number of rows.
 * Returns 0, or -1 when out of memory.
 */
int ml_reference_run(const ml_model_t *model, int64_t rows,
    const void *const *inputs, void *const *outputs);


#endif /* ML_REFERENCE_H */
