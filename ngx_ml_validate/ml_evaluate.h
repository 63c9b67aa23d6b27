/*
 * Evaluates a value on a tape against a node of a schema, by the whole of
 * JSON Schema (2020-12).
 *
 * DESIGN.  A stack of frames, one for each node that is being applied to a
 * value, in memory of its own: however deep schema and value are, the C
 * stack is not used.  What unevaluatedItems and unevaluatedProperties need
 * to know is kept as one bit for each element or member of the value, only
 * while there is a node that asks; a node that passes hands its bits to the
 * node that applied it to the same value.
 *
 * The work is bounded: each step costs, and a value of n nodes of tape has a
 * budget of ML_EVALUATE_STEPS + n * ML_EVALUATE_NODE_STEPS.  A schema that
 * looks at each value some hundred times is far within that; what is beyond
 * it is refused.
 */

#ifndef ML_EVALUATE_H
#define ML_EVALUATE_H

#include <stdint.h>

#include "ml_schema.h"
#include "ml_tape.h"


#define ML_EVALUATE_STEPS       20000
#define ML_EVALUATE_NODE_STEPS  256


typedef enum {
    ML_EVALUATE_PASSED = 0,
    ML_EVALUATE_FAILED,
    ML_EVALUATE_COSTLY,             /* the budget, or that of a pattern */
    ML_EVALUATE_MEMORY
} ml_evaluate_e;


/* What a value offends. */
typedef enum {
    ML_FAILURE_TYPE = 0,
    ML_FAILURE_NEVER,               /* no value may be there */
    ML_FAILURE_CHOICE,
    ML_FAILURE_MINIMUM,
    ML_FAILURE_MAXIMUM,
    ML_FAILURE_ABOVE,
    ML_FAILURE_BELOW,
    ML_FAILURE_MULTIPLE,
    ML_FAILURE_SHORT_STRING,
    ML_FAILURE_LONG_STRING,
    ML_FAILURE_PATTERN,
    ML_FAILURE_FORMAT,
    ML_FAILURE_SHORT_LIST,
    ML_FAILURE_LONG_LIST,
    ML_FAILURE_UNIQUE,
    ML_FAILURE_CONTAINS,
    ML_FAILURE_SHORT_OBJECT,
    ML_FAILURE_LONG_OBJECT,
    ML_FAILURE_MISSING,
    ML_FAILURE_NOT,
    ML_FAILURE_SEVERAL              /* of oneOf */
} ml_failure_e;


typedef struct {
    ml_failure_e             why;
    uint32_t                 at;    /* the value, or key, on the tape */
    const ml_schema_node_t  *node;
    const ml_schema_name_t  *name;  /* the missing one */
} ml_failure_t;


/*
 * Evaluates the value at "i".  When it failed, *failure tells one reason:
 * the first, and where several schemas could have matched that of the one
 * that got farthest.
 */
ml_evaluate_e ml_evaluate(const ml_schema_t *schema,
    const ml_schema_node_t *node, const ml_tape_t *tape, uint32_t i,
    ml_failure_t *failure);


#endif /* ML_EVALUATE_H */
