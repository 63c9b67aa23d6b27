/* An incremental, strict JSON reader; see ml_json.h. */

#include <stdlib.h>

#include "ml_json_reader.h"


static const char  ml_json_expecting_name[] =
    "Expecting property name enclosed in double quotes";
static const char  ml_json_bom[] = "\xef\xbb\xbf";


ml_json_reader_t *
ml_json_create(const ml_json_limits_t *limits, const uint8_t *seed,
    const ml_json_events_t *events, void *data)
{
    ml_json_reader_t  *reader;

    reader = calloc(1, sizeof(ml_json_reader_t));

    if (reader == NULL) {
        return NULL;
    }

    reader->events = events;
    reader->data = data;
    reader->limits = *limits;

    if (reader->limits.depth > ML_JSON_DEPTH_MAX) {
        reader->limits.depth = ML_JSON_DEPTH_MAX;
    }

    if (reader->limits.number > ML_NUMBER_MAX) {
        reader->limits.number = ML_NUMBER_MAX;
    }

    ml_json_keys_init(&reader->keys, seed);

    return reader;
}


void
ml_json_destroy(ml_json_reader_t *reader)
{
    if (reader == NULL) {
        return;
    }

    ml_json_keys_free(&reader->keys);
    free(reader->stack);
    free(reader->key);
    free(reader->number);
    free(reader);
}


const char *
ml_json_error(const ml_json_reader_t *reader, uint64_t *offset)
{
    *offset = reader->offset;

    return reader->error;
}


static const char *
ml_json_read_literal(ml_json_reader_t *reader, const char *p, const char *end)
{
    ml_json_literal_e  literal;

    while (reader->literal[reader->matched]) {

        if (p == end) {
            return p;
        }

        if (*p != reader->literal[reader->matched]) {
            return ml_json_fail(reader, ml_json_expecting_value,
                                reader->token);
        }

        reader->matched++;
        p++;
    }

    switch (reader->literal[0]) {

    case 'n':
        literal = ML_JSON_NULL;
        break;

    case 'f':
        literal = ML_JSON_FALSE;
        break;

    case 't':
        literal = ML_JSON_TRUE;
        break;

    default:
        return ml_json_fail(reader,
                            "Unexpected UTF-8 BOM (decode using utf-8-sig)",
                            reader->token);
    }

    reader->state = ml_json_next;

    return reader->events->literal(reader->data, literal) == 0
           ? p : ml_json_stop(reader, ML_JSON_STOPPED);
}


static const char *
ml_json_start_literal(ml_json_reader_t *reader, const char *p,
    const char *literal)
{
    reader->token = ml_json_offset(reader, p);
    reader->literal = literal;
    reader->matched = 1;
    reader->state = ml_json_literal;

    return p + 1;
}


static const char *
ml_json_open(ml_json_reader_t *reader, const char *p)
{
    int        rc;
    uint32_t  *stack, size;

    if (reader->depth >= reader->limits.depth) {
        return ml_json_fail(reader, "Nesting too deep",
                            ml_json_offset(reader, p));
    }

    if (reader->depth == reader->stack_size) {
        size = reader->stack_size ? reader->stack_size * 2 : 8;
        stack = realloc(reader->stack, size * sizeof(uint32_t));

        if (stack == NULL) {
            return ml_json_stop(reader, ML_JSON_MEMORY);
        }

        reader->stack = stack;
        reader->stack_size = size;
    }

    if (*p == '[') {
        rc = reader->events->start_array(reader->data);
        reader->stack[reader->depth++] = 0;
        reader->state = ml_json_value_or_end;

    } else {
        rc = reader->events->start_object(reader->data);
        reader->stack[reader->depth++] = ++reader->objects;
        reader->state = ml_json_key_or_end;
    }

    return rc == 0 ? p + 1 : ml_json_stop(reader, ML_JSON_STOPPED);
}


static const char *
ml_json_close(ml_json_reader_t *reader, const char *p)
{
    int  rc;

    reader->depth--;
    reader->state = ml_json_next;

    rc = *p == ']' ? reader->events->end_array(reader->data)
                   : reader->events->end_object(reader->data);

    return rc == 0 ? p + 1 : ml_json_stop(reader, ML_JSON_STOPPED);
}


/* A value starts at p. */
static const char *
ml_json_read_value(ml_json_reader_t *reader, const char *p, const char *end)
{
    const char  *literal;

    switch (*p) {

    case '-':
    case '0': case '1': case '2': case '3': case '4':
    case '5': case '6': case '7': case '8': case '9':
        return ml_json_read_numbers(reader, p, end);

    case '"':
        reader->is_key = 0;
        return ml_json_element(reader, p) ? ml_json_start_string(reader, p)
                                          : NULL;

    case '[':
    case '{':
        return ml_json_element(reader, p) ? ml_json_open(reader, p) : NULL;

    case 'n':
        literal = "null";
        break;

    case 'f':
        literal = "false";
        break;

    case 't':
        literal = "true";
        break;

    default:

        if (*p != ml_json_bom[0] || ml_json_offset(reader, p) != 0) {
            return ml_json_fail(reader, ml_json_expecting_value,
                                ml_json_offset(reader, p));
        }

        literal = ml_json_bom;
    }

    return ml_json_element(reader, p)
           ? ml_json_start_literal(reader, p, literal) : NULL;
}


/* Behind a colon or comma, and the space that most writers put there. */
static inline const char *
ml_json_behind(const char *p, const char *end)
{
    p++;

    return p < end && *p == ' ' ? p + 1 : p;
}


/* One structural character, or the start of a value, at p. */
static const char *
ml_json_read_structure(ml_json_reader_t *reader, const char *p,
    const char *end)
{
    switch (reader->state) {

    case ml_json_value_or_end:

        if (*p == ']') {
            return ml_json_close(reader, p);
        }

        /* fall through */

    case ml_json_value:

        return ml_json_read_value(reader, p, end);

    case ml_json_key_or_end:

        if (*p == '}') {
            return ml_json_close(reader, p);
        }

        /* fall through */

    case ml_json_key:

        if (*p != '"') {
            return ml_json_fail(reader, ml_json_expecting_name,
                                ml_json_offset(reader, p));
        }

        reader->is_key = 1;

        return ml_json_start_string(reader, p);

    case ml_json_colon:

        if (*p != ':') {
            return ml_json_fail(reader, "Expecting ':' delimiter",
                                ml_json_offset(reader, p));
        }

        reader->state = ml_json_value;

        return ml_json_behind(p, end);

    default: /* ml_json_next */

        if (reader->depth && *p == ',') {
            reader->state = ml_json_in_array(reader) ? ml_json_value
                                                     : ml_json_key;
            return ml_json_behind(p, end);
        }

        if (reader->depth && *p == (ml_json_in_array(reader) ? ']' : '}')) {
            return ml_json_close(reader, p);
        }

        return ml_json_fail_next(reader, ml_json_offset(reader, p));
    }
}


ml_json_status_e
ml_json_feed(ml_json_reader_t *reader, const char *bytes, size_t len)
{
    const char  *p, *end;

    if (reader->status != ML_JSON_MORE || len == 0) {
        return reader->status;
    }

    p = bytes;
    end = bytes + len;
    reader->start = bytes;

    while (p && p < end) {

        switch (reader->state) {

        case ml_json_string:
            p = ml_json_read_string(reader, p, end);
            break;

        case ml_json_number:
            p = ml_json_read_number(reader, p, end);
            break;

        case ml_json_literal:
            p = ml_json_read_literal(reader, p, end);
            break;

        default:
            p = ml_json_space(*p) ? p + 1
                                  : ml_json_read_structure(reader, p, end);
        }
    }

    reader->bytes += len;

    return reader->status;
}


ml_json_status_e
ml_json_finish(ml_json_reader_t *reader)
{
    uint64_t  end;

    if (reader->status != ML_JSON_MORE) {
        return reader->status;
    }

    if (reader->state == ml_json_number && !ml_json_end_number(reader)) {
        return reader->status;
    }

    end = reader->bytes - reader->continuations;

    switch (reader->state) {

    case ml_json_next:

        if (reader->depth == 0) {
            reader->status = ML_JSON_DONE;
            return reader->status;
        }

        ml_json_fail_next(reader, end);
        break;

    case ml_json_key:
    case ml_json_key_or_end:
        ml_json_fail(reader, ml_json_expecting_name, end);
        break;

    case ml_json_colon:
        ml_json_fail(reader, "Expecting ':' delimiter", end);
        break;

    case ml_json_string:

        if (reader->escape == ml_json_hex) {
            ml_json_fail(reader, "Invalid \\uXXXX escape",
                         reader->escape_offset + 1);

        } else {
            ml_json_fail(reader, "Unterminated string starting at",
                         reader->token);
        }

        break;

    case ml_json_literal:
        ml_json_fail(reader, ml_json_expecting_value, reader->token);
        break;

    default: /* ml_json_value, ml_json_value_or_end */
        ml_json_fail(reader, ml_json_expecting_value, end);
    }

    return reader->status;
}
