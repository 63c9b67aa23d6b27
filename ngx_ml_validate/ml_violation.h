/*
 * What is wrong with a body, in pydantic's words (strict mode, 2.13).
 *
 * Each function sets type, msg and ctx of the error; the path is the
 * caller's.  A violation that memory did not suffice for has
 * ml_violation_failed().
 */

#ifndef ML_VIOLATION_H
#define ML_VIOLATION_H

#include "ml_error.h"
#include "ml_evaluate.h"
#include "ml_schema.h"


typedef struct {
    ml_error_t   error;
    ml_text_t    msg;               /* with its NUL */
    ml_text_t    ctx;
} ml_violation_t;


/* Which bound a number is beyond. */
typedef enum {
    ML_VIOLATION_GE = 0,            /* minimum */
    ML_VIOLATION_GT,                /* exclusiveMinimum */
    ML_VIOLATION_LE,                /* maximum */
    ML_VIOLATION_LT                 /* exclusiveMaximum */
} ml_violation_bound_e;


void ml_violation_init(ml_violation_t *violation);
void ml_violation_free(ml_violation_t *violation);
int ml_violation_failed(const ml_violation_t *violation);

/* The value is of none of the node's types, or not one of its choices. */
void ml_violation_type(ml_violation_t *violation,
    const ml_schema_node_t *node);
void ml_violation_choice(ml_violation_t *violation,
    const ml_schema_node_t *node);

/* A tensor's element, or what should have been an array of them. */
void ml_violation_element(ml_violation_t *violation, ml_dtype_e dtype);
void ml_violation_list(ml_violation_t *violation);

/* What should have been an object. */
void ml_violation_object(ml_violation_t *violation);

void ml_violation_missing(ml_violation_t *violation);
void ml_violation_extra(ml_violation_t *violation);
void ml_violation_finite(ml_violation_t *violation);

/* Refused at the first element too many: how many there are is not known. */
void ml_violation_long_list(ml_violation_t *violation, uint64_t max);
void ml_violation_short_list(ml_violation_t *violation, uint64_t min,
    uint64_t actual);

void ml_violation_long_string(ml_violation_t *violation, uint64_t max);
void ml_violation_total(ml_violation_t *violation, uint64_t max);
void ml_violation_short_string(ml_violation_t *violation, uint64_t min);

/* Members of an object. */
void ml_violation_long_object(ml_violation_t *violation, uint64_t max);
void ml_violation_short_object(ml_violation_t *violation, uint64_t min,
    uint64_t actual);

/* No multiple of the node's multipleOf. */
void ml_violation_multiple(ml_violation_t *violation,
    const ml_schema_node_t *node);

/* A string that does not match its pattern, or is not of its format. */
void ml_violation_pattern(ml_violation_t *violation,
    const ml_schema_name_t *pattern);
void ml_violation_format(ml_violation_t *violation, const char *name);

/* What ml_evaluate() found of a value on the tape. */
void ml_violation_failure(ml_violation_t *violation,
    const ml_failure_t *failure, const ml_tape_t *tape);

/* Beyond a bound; "whole": the values are whole numbers. */
void ml_violation_bound(ml_violation_t *violation,
    ml_violation_bound_e bound, int whole, const ml_number_t *number);

/* A named dimension is not what it was in another tensor. */
void ml_violation_dimension(ml_violation_t *violation, const char *name,
    uint64_t actual, uint64_t expected);

/* Beyond a bound of a tensor. */
void ml_violation_narrow(ml_violation_t *violation, ml_narrow_e why,
    const ml_schema_tensor_t *tensor);

/* Not JSON, or over a limit; the path is the offset. */
void ml_violation_json(ml_violation_t *violation, const char *why);

/* Not what the format wants: one line of why. */
void ml_violation_value(ml_violation_t *violation, const char *why);

/* What may never be asked; its type is "forbidden". */
void ml_violation_forbidden(ml_violation_t *violation, const char *why);

/* A field that is to be echoed is over ML_VALIDATOR_KEEP bytes. */
void ml_violation_keep(ml_violation_t *violation);


#endif /* ML_VIOLATION_H */
