/* Strings, which come in pieces; see ml_validator_state.h. */

#include <string.h>

#include "ml_utf8.h"
#include "ml_validator_state.h"


/* The bytes that hold the first n characters. */
static size_t
ml_validator_string_bytes(const char *bytes, size_t len, uint64_t n)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (((unsigned char) bytes[i] & 0xc0) != 0x80 && n-- == 0) {
            break;
        }
    }

    return i;
}


/*
 * Texts are for rules; images, and other strings that do not count as text,
 * are none.  What stands in a value that is evaluated later is not known to
 * be marked or not.
 */
static int
ml_validator_string_watched(const ml_validator_t *v)
{
    const ml_schema_node_t  *node;

    node = v->string;

    if (v->watch == NULL || (node && (node->uncounted || node->image))) {
        return 0;
    }

    return !v->schema->texts || v->deferred || (node && node->text);
}


static int
ml_validator_string_watch(ml_validator_t *v, ml_json_string_e part,
    const char *bytes, size_t len)
{
    int  rc;

    rc = v->watched ? v->watch->string(v->watch->data, part, bytes, len) : 0;

    if (rc == 0) {
        return 0;
    }

    if (rc < 0) {
        return ml_validator_fail(v);
    }

    ml_violation_value(&v->found->violation, "the text is not allowed");

    /* nor is any that comes */

    v->errors = 1;

    return ml_validator_reject(v, v->nframes, 0, NULL);
}


static int
ml_validator_string_piece(ml_validator_t *v, const char *bytes, size_t len)
{
    size_t    n, room;
    uint64_t  before, over, total_over;

    before = v->length;

    /*
     * Behind the byte that the tape cannot take the length does not matter:
     * were the pieces single bytes, it would end here.
     */

    if (v->recording) {
        room = ml_tape_room(&v->tape);
        len = len > room ? room + 1 : len;
    }

    v->length += ml_utf8_characters(bytes, len);

    if (v->string == NULL || !v->string->uncounted) {
        v->characters += v->length - before;
    }

    over = v->string && v->length > v->string->max_length
           ? v->length - v->string->max_length : 0;
    total_over = v->characters > v->most ? v->characters - v->most : 0;

    /* what is exceeded by more was exceeded earlier */

    n = len;

    if (over || total_over) {
        n = ml_validator_string_bytes(bytes, len, v->length - before
                                                  - (over > total_over
                                                     ? over : total_over));
    }

    if (v->string && v->string->image
        && ml_validator_image(v, bytes, n) != 0)
    {
        return -1;
    }

    if (ml_validator_string_watch(v, ML_JSON_PIECE, bytes, n) != 0) {
        return -1;
    }

    if (total_over > over) {
        return ml_validator_over_total(v);
    }

    if (over) {
        ml_violation_long_string(&v->found->violation, v->string->max_length);
        return ml_validator_reject(v, v->nframes, 0, NULL);
    }

    return 0;
}


static int
ml_validator_string_first(ml_validator_t *v)
{
    v->watched = 0;

    if (v->tensor == NULL
        && ml_validator_begin(v, ML_SCHEMA_STRING, &v->string) != 0)
    {
        return -1;
    }

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_other(&v->sink));
    }

    v->length = 0;
    v->most = ml_validator_most(v, v->nframes, v->string);
    v->string_mark = v->tape.n;

    if (v->string && v->string->image) {
        ml_image_string_init(&v->image, v->string->image);
    }

    v->watched = ml_validator_string_watched(v);

    return ml_validator_string_watch(v, ML_JSON_FIRST, NULL, 0);
}


int
ml_validator_string(void *data, ml_json_string_e part, const char *bytes,
    size_t len)
{
    ml_validator_t  *v = data;

    if (part == ML_JSON_FIRST && ml_validator_string_first(v) != 0) {
        return -1;
    }

    if (part == ML_JSON_PIECE
        && ml_validator_string_piece(v, bytes, len) != 0)
    {
        return -1;
    }

    if (v->recording
        && ml_tape_events.string(&v->tape, part, bytes, len) != 0)
    {
        return ml_validator_tape_failed(v);
    }

    if (part != ML_JSON_LAST) {
        return 0;
    }

    if (v->string && v->length < v->string->min_length) {
        ml_violation_short_string(&v->found->violation, v->string->min_length);
        return ml_validator_reject(v, v->nframes, 0, NULL);
    }

    if (ml_validator_image_end(v) != 0
        || ml_validator_string_watch(v, ML_JSON_LAST, NULL, 0) != 0)
    {
        return -1;
    }

    return ml_validator_end(v, v->string_mark);
}
