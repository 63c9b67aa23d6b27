/*
 * A body that is nothing but the elements of one tensor: row-major, dense,
 * little-endian, as Triton's binary extension has them.
 *
 * Elements are checked as they arrive: floats have to be finite, a bool is 0
 * or 1, and the bounds of the schema hold.  The first byte beyond the last
 * element that may be is refused when it comes.
 *
 * Memory is that of the tensor, which starts small and doubles; of one that
 * is only checked, that of the piece that was fed.
 */

#ifndef ML_RAW_H
#define ML_RAW_H

#include "ml_body.h"
#include "ml_schema.h"
#include "ml_violation.h"


typedef struct {
    ml_body_t                  body;
    const ml_schema_tensor_t  *schema;
    ml_tensor_t                tensor;
    uint64_t                   total;       /* bytes so far */
    uint64_t                   dropped;     /* of them, no longer there */
    int                        only_check;
    uint64_t                   most;        /* that may come */
    uint64_t                   capacity;
    uint64_t                   checked;     /* elements */
    ml_body_status_e           status;
    ml_violation_t             violation;
    ml_path_step_t             path[ML_TENSOR_MAX_RANK];
} ml_raw_t;


/* The schema's tensor must outlive the body.  NULL: no memory. */
ml_body_t *ml_raw_create(const ml_schema_tensor_t *schema);

/* The same, but the elements are dropped: its tensor has no data. */
ml_body_t *ml_raw_create_check(const ml_schema_tensor_t *schema);


/*
 * For formats that carry raw elements: "raw" is zeroed, comes from malloc()
 * and has an ml_raw_t first.  The last three are operations of its body.
 */
void ml_raw_init(ml_raw_t *raw, const ml_body_ops_t *ops,
    const ml_schema_tensor_t *schema);
ml_body_status_e ml_raw_feed(ml_raw_t *raw, const char *bytes, size_t len);
ml_body_status_e ml_raw_finish(ml_raw_t *raw);

/* The violation is set: it is final. */
ml_body_status_e ml_raw_reject(ml_raw_t *raw);

const ml_error_t *ml_raw_error(const ml_body_t *body);
ml_tensor_t *ml_raw_tensors(ml_body_t *body, uint32_t *n);
void ml_raw_destroy(ml_body_t *body);


#endif /* ML_RAW_H */
