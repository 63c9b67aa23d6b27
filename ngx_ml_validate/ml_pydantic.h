/*
 * Values as the texts of pydantic v2 show them.
 *
 * Source: what pydantic 2.13 (pydantic-core, src/errors/types.rs) answers
 * in strict mode.
 */

#ifndef ML_PYDANTIC_H
#define ML_PYDANTIC_H

#include "ml_narrow.h"
#include "ml_tape.h"
#include "ml_text.h"


/* Python's repr() of a finite double: 1.0, 1e+16, 1.25e-07. */
void ml_pydantic_float(ml_text_t *out, double value);

/* The same without exponent and trailing ".0", as messages have it: 1,
 * 10000000000000000, 0.000000125. */
void ml_pydantic_plain(ml_text_t *out, double value);

/* A whole number. */
void ml_pydantic_whole(ml_text_t *out, __int128 value);

/* Python's repr() of a JSON value; containers as JSON. */
void ml_pydantic_repr(ml_text_t *out, const ml_tape_t *tape, uint32_t i);


#endif /* ML_PYDANTIC_H */
