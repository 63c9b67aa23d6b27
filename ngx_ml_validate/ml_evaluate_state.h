/*
 * What ml_evaluate.c and ml_evaluate_value.c share; see ml_evaluate.h.
 */

#ifndef ML_EVALUATE_STATE_H
#define ML_EVALUATE_STATE_H

#include "ml_evaluate.h"


/* A node that is being applied to the value at "at". */
typedef struct {
    const ml_schema_node_t  *node;
    uint32_t                 at;
    uint32_t                 keyword;   /* the bit that is next, or at hand */
    uint32_t                 applied;   /* schemas of it so far */
    uint32_t                 member;    /* element or key at hand */
    uint32_t                 ordinal;   /* its number */
    uint32_t                 matches;
    uint32_t                 seen;      /* bits of required names: word */

    /* bits of elements or members that were evaluated; words */
    uint32_t                 marks;
    uint32_t                 nmarks;    /* 0: nobody asks */

    /* the best of the schemas that did not match */
    ml_failure_t             best;
    unsigned                 best_set:1;
} ml_evaluate_frame_t;


typedef struct {
    const ml_schema_t       *schema;
    const ml_tape_t         *tape;
    uint64_t                 budget;
    ml_evaluate_e            status;    /* that of an error */
    ml_failure_t             failure;

    ml_evaluate_frame_t     *frames;
    uint32_t                 nframes;
    uint32_t                 frames_size;

    uint64_t                *bits;
    uint32_t                 nbits;
    uint32_t                 bits_size;
} ml_evaluate_t;


typedef enum {
    ML_STEP_FAIL = 0,               /* e->failure is set */
    ML_STEP_NEXT,                   /* the keyword is satisfied */
    ML_STEP_CALL,                   /* a frame was pushed */
    ML_STEP_ERROR                   /* e->status is set */
} ml_step_e;


/* Takes n steps from the budget; 0 when it is used up. */
static inline int
ml_evaluate_pay(ml_evaluate_t *e, uint64_t n)
{
    if (n > e->budget) {
        e->status = ML_EVALUATE_COSTLY;
        return 0;
    }

    e->budget -= n;

    return 1;
}


ml_step_e ml_evaluate_fail(ml_evaluate_t *e, const ml_schema_node_t *node,
    ml_failure_e why, uint32_t at);

/* What a node checks of a value by itself. */
ml_step_e ml_evaluate_value(ml_evaluate_t *e, const ml_schema_node_t *node,
    uint32_t i);


#endif /* ML_EVALUATE_STATE_H */
