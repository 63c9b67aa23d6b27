/*
 * How checking goes on behind a violation, when several are to be told; see
 * ml_validator_state.h.
 *
 * DESIGN.  The reader's events come here first.  When one of them leads to a
 * violation, the value at fault is passed over, which is a single element, or
 * the list or object that has too much; then checking goes on behind it, as
 * if it had been right.  So there is one violation for each value, and none
 * that only follows from another.  A value that is evaluated when it is
 * complete is passed over as a whole.
 */

#include <stdlib.h>

#include "ml_validator_state.h"


int
ml_validator_found(ml_validator_t *v, uint32_t inside)
{
    ml_validator_found_t  *found;

    if (v->last) {
        v->last->violation.error.next = &v->found->violation.error;
    }

    v->last = v->found;

    if (v->errors == 1) {
        v->status = ML_BODY_REJECTED;
        return -1;
    }

    found = calloc(1, sizeof(ml_validator_found_t));

    if (found == NULL) {
        return ml_validator_fail(v);
    }

    ml_violation_init(&found->violation);

    v->found->next = found;
    v->found = found;
    v->errors--;
    v->inside = inside;

    return -1;
}


/* What had been recorded is dropped: nothing of the body will be kept. */
static void
ml_validator_drop(ml_validator_t *v)
{
    if (v->deferred && v->deferred_at < v->inside) {
        v->inside = v->deferred_at;
    }

    v->deferred = NULL;
    v->recording = 0;
    v->keep = NULL;
    v->keeping = 0;

    v->tape.limit = ML_VALIDATOR_KEEP;
    ml_tape_free(&v->tape);
}


/*
 * An event led to a violation, or could not be taken at all.  "rest" is what
 * is to be passed over when the value at fault has no container open.
 */
static int
ml_validator_recover(ml_validator_t *v, ml_validator_pass_e rest)
{
    if (v->status != ML_BODY_MORE) {
        return -1;
    }

    ml_validator_drop(v);

    if (v->tensor && v->inside > v->nframes) {
        v->sink.level = v->inside - v->nframes;
        v->sink.violation = &v->found->violation;

    } else {
        v->tensor = NULL;
    }

    if (v->nframes > v->inside) {
        v->nframes = v->inside;
        v->nseen = v->frames[v->inside].seen;
    }

    v->pass = v->open > v->inside ? ML_VALIDATOR_PASS_OPEN : rest;

    return 0;
}


/* A value starts that may be passed over: whether it is. */
static int
ml_validator_pass(ml_validator_t *v, ml_validator_pass_e rest)
{
    if (v->pass == ML_VALIDATOR_PASS_VALUE) {
        v->pass = rest;
        return 1;
    }

    return v->pass != ML_VALIDATOR_PASS_NONE;
}


static int
ml_validator_recover_start(ml_validator_t *v, int (*start)(void *data))
{
    v->open++;

    if (ml_validator_pass(v, ML_VALIDATOR_PASS_OPEN)) {
        return 0;
    }

    return start(v) == 0 ? 0 : ml_validator_recover(v, ML_VALIDATOR_PASS_NONE);
}


static int
ml_validator_recover_end(ml_validator_t *v, int (*end)(void *data))
{
    v->open--;

    if (v->pass == ML_VALIDATOR_PASS_OPEN) {

        if (v->open == v->inside) {
            v->pass = ML_VALIDATOR_PASS_NONE;
        }

        return 0;
    }

    return end(v) == 0 ? 0 : ml_validator_recover(v, ML_VALIDATOR_PASS_NONE);
}


static int
ml_validator_recover_start_object(void *data)
{
    return ml_validator_recover_start(data, ml_validator_events.start_object);
}


static int
ml_validator_recover_end_object(void *data)
{
    return ml_validator_recover_end(data, ml_validator_events.end_object);
}


static int
ml_validator_recover_start_array(void *data)
{
    return ml_validator_recover_start(data, ml_validator_events.start_array);
}


static int
ml_validator_recover_end_array(void *data)
{
    return ml_validator_recover_end(data, ml_validator_events.end_array);
}


static int
ml_validator_recover_key(void *data, const char *name, size_t len)
{
    ml_validator_t  *v = data;

    if (v->pass || ml_validator_events.key(v, name, len) == 0) {
        return 0;
    }

    return ml_validator_recover(v, ML_VALIDATOR_PASS_VALUE);
}


static int
ml_validator_recover_string(void *data, ml_json_string_e part,
    const char *bytes, size_t len)
{
    ml_validator_t       *v = data;
    ml_validator_pass_e   rest;

    rest = part == ML_JSON_LAST ? ML_VALIDATOR_PASS_NONE
                                : ML_VALIDATOR_PASS_STRING;

    if (ml_validator_pass(v, rest)) {

        if (v->pass == ML_VALIDATOR_PASS_STRING) {
            v->pass = rest;
        }

        return 0;
    }

    if (ml_validator_events.string(v, part, bytes, len) == 0) {
        return 0;
    }

    if (ml_validator_recover(v, rest) != 0) {
        return -1;
    }

    /* who watches has to see the end of it, or would go on in the next one */

    return part != ML_JSON_LAST && v->watched
           && v->watch->string(v->watch->data, ML_JSON_LAST, NULL, 0) < 0
           ? ml_validator_fail(v) : 0;
}


static int
ml_validator_recover_literal(void *data, ml_json_literal_e literal)
{
    ml_validator_t  *v = data;

    if (ml_validator_pass(v, ML_VALIDATOR_PASS_NONE)
        || ml_validator_events.literal(v, literal) == 0)
    {
        return 0;
    }

    return ml_validator_recover(v, ML_VALIDATOR_PASS_NONE);
}


static int
ml_validator_recover_numbers(void *data, const ml_number_t *numbers, size_t n)
{
    size_t           i;
    ml_validator_t  *v = data;

    /* one at a time: what is behind the one at fault is still to be seen */

    for (i = 0; i < n; i++) {

        if (ml_validator_pass(v, ML_VALIDATOR_PASS_NONE)
            || ml_validator_events.numbers(v, &numbers[i], 1) == 0)
        {
            continue;
        }

        if (ml_validator_recover(v, ML_VALIDATOR_PASS_NONE) != 0) {
            return -1;
        }
    }

    return 0;
}


static size_t
ml_validator_recover_pack(void *data, const char **p, const char *end,
    size_t n, uint32_t limit)
{
    ml_validator_t  *v = data;

    return v->pass ? 0 : ml_validator_events.pack(v, p, end, n, limit);
}


const ml_json_events_t  ml_validator_recover_events = {
    ml_validator_recover_start_object,
    ml_validator_recover_end_object,
    ml_validator_recover_start_array,
    ml_validator_recover_end_array,
    ml_validator_recover_key,
    ml_validator_recover_string,
    ml_validator_recover_literal,
    ml_validator_recover_numbers,
    ml_validator_recover_pack
};
