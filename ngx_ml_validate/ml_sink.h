/*
 * Where the elements of a JSON array go: a tensor's memory.
 *
 * DESIGN.  The reader's events drive a counter per dimension, so that an
 * element too many is refused when it comes; elements are narrowed and stored
 * at once.  The memory starts small and doubles, and is cut to size at the
 * end.  A sink without a tensor only checks, and needs little memory; only
 * such a one may be of strings.
 *
 * Values are nested as the shape is.
 */

#ifndef ML_SINK_H
#define ML_SINK_H

#include <stddef.h>
#include <stdint.h>

#include "ml_json.h"
#include "ml_pack.h"
#include "ml_schema.h"
#include "ml_violation.h"


typedef struct {
    const ml_schema_tensor_t  *schema;      /* NULL: the sink is closed */
    ml_tensor_t               *tensor;      /* NULL: elements are dropped */
    ml_violation_t            *violation;
    const ml_pack_kernel_t    *kernel;

    uint32_t                   level;       /* dimensions entered */
    uint64_t                   counts[ML_TENSOR_MAX_RANK];
    uint64_t                   total;       /* elements so far */
    uint64_t                   capacity;
    void                      *scratch;     /* of what is dropped */

    /* of a violation: as many of the counts, less one, are the path */
    uint32_t                   depth;
} ml_sink_t;


typedef enum {
    ML_SINK_MORE = 0,
    ML_SINK_DONE,                   /* complete; the sink is closed again */
    ML_SINK_REJECTED,               /* the violation lacks its path only */
    ML_SINK_MEMORY
} ml_sink_e;


/* All of "sink" but the kernel and what is private is set by this. */
void ml_sink_open(ml_sink_t *sink, const ml_schema_tensor_t *schema,
    ml_tensor_t *tensor, ml_violation_t *violation);

/* Frees what is the sink's own; the tensor's memory is not. */
void ml_sink_free(ml_sink_t *sink);

/* Array, its end, numbers and literals inside of the value. */
ml_sink_e ml_sink_array(ml_sink_t *sink);
ml_sink_e ml_sink_end(ml_sink_t *sink);
ml_sink_e ml_sink_numbers(ml_sink_t *sink, const ml_number_t *numbers,
    size_t n);
ml_sink_e ml_sink_literal(ml_sink_t *sink, ml_json_literal_e literal);

/* A string of a tensor of strings (ML_DTYPE_NONE), which are only counted. */
ml_sink_e ml_sink_string(ml_sink_t *sink);

/* An object, or a string, which other tensors do not have. */
ml_sink_e ml_sink_other(ml_sink_t *sink);

/* The reader's event of that name. */
size_t ml_sink_pack(ml_sink_t *sink, const char **p, const char *end,
    size_t n, uint32_t limit);


#endif /* ML_SINK_H */
