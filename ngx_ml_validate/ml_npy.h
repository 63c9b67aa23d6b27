/*
 * A body in numpy's file format, versions 1.0, 2.0 and 3.0: a header that
 * says type and shape, and raw elements (ml_raw.h).
 *
 * The header has to be what numpy itself writes: a literal with the three
 * keys descr, fortran_order and shape, each once, and nothing else.  Type and
 * shape have to be the schema's; little-endian, in C order.  It is read with
 * a bounded reader: no expression is ever evaluated.
 *
 * Source: numpy/lib/format.py, NEP 1.
 */

#ifndef ML_NPY_H
#define ML_NPY_H

#include "ml_raw.h"


/* The longest header; what numpy writes for an array has 118 bytes. */
#define ML_NPY_HEADER  1024


/* The schema's tensor must outlive the body.  NULL: no memory. */
ml_body_t *ml_npy_create(const ml_schema_tensor_t *schema);


#endif /* ML_NPY_H */
