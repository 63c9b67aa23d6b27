/* Strings and keys of the JSON reader; see ml_json_reader.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_json_reader.h"
#include "ml_utf8.h"


static const char  ml_json_bad_escape[] = "Invalid \\uXXXX escape";
static const char  ml_json_bad_surrogate[] = "Unpaired surrogate";


/*
 * Takes unescaped bytes of the open string or key; 0 on failure.  A string
 * that grows too long is delivered up to its limit first, so that the
 * handler sees the same whatever the pieces.
 */
static int
ml_json_take(ml_json_reader_t *reader, const char *bytes, size_t len)
{
    size_t  room, limit;

    if (len == 0) {
        return 1;
    }

    limit = reader->is_key && reader->limits.string > ML_JSON_KEY_MAX
            ? ML_JSON_KEY_MAX : reader->limits.string;

    room = limit - reader->length;

    if (len <= room) {
        room = len;
    }

    if (reader->is_key) {
        memcpy(reader->key + reader->length, bytes, room);

    } else if (room
               && reader->events->string(reader->data, ML_JSON_PIECE, bytes,
                                         room) != 0)
    {
        ml_json_stop(reader, ML_JSON_STOPPED);
        return 0;
    }

    reader->length += room;

    if (room < len) {
        ml_json_fail(reader, reader->is_key ? "Property name too long"
                                            : "String too long",
                     reader->token);
        return 0;
    }

    return 1;
}


/* Takes the character that an escape stood for. */
static int
ml_json_take_character(ml_json_reader_t *reader, uint32_t c)
{
    char    bytes[4];
    size_t  n;

    if (c < 0x80) {
        bytes[0] = (char) c;
        n = 1;

    } else if (c < 0x800) {
        bytes[0] = (char) (0xc0 | (c >> 6));
        bytes[1] = (char) (0x80 | (c & 0x3f));
        n = 2;

    } else if (c < 0x10000) {
        bytes[0] = (char) (0xe0 | (c >> 12));
        bytes[1] = (char) (0x80 | ((c >> 6) & 0x3f));
        bytes[2] = (char) (0x80 | (c & 0x3f));
        n = 3;

    } else {
        bytes[0] = (char) (0xf0 | (c >> 18));
        bytes[1] = (char) (0x80 | ((c >> 12) & 0x3f));
        bytes[2] = (char) (0x80 | ((c >> 6) & 0x3f));
        bytes[3] = (char) (0x80 | (c & 0x3f));
        n = 4;
    }

    return ml_json_take(reader, bytes, n);
}


/* All four digits of \uXXXX are there. */
static int
ml_json_unit(ml_json_reader_t *reader)
{
    uint32_t  unit, high;

    unit = reader->unit;
    high = reader->high;
    reader->high = 0;
    reader->escape = ml_json_plain;

    if (high) {

        if (unit < 0xdc00 || unit > 0xdfff) {
            ml_json_fail(reader, ml_json_bad_surrogate,
                         reader->escape_offset);
            return 0;
        }

        return ml_json_take_character(reader, 0x10000 + ((high - 0xd800) << 10)
                                              + (unit - 0xdc00));
    }

    if (unit >= 0xd800 && unit <= 0xdbff) {
        reader->high = unit;
        reader->escape = ml_json_low_escape;
        return 1;
    }

    if (unit >= 0xdc00 && unit <= 0xdfff) {
        ml_json_fail(reader, ml_json_bad_surrogate, reader->escape_offset);
        return 0;
    }

    return ml_json_take_character(reader, unit);
}


/* One character of an escape sequence, at p. */
static int
ml_json_escaped(ml_json_reader_t *reader, const char *p)
{
    int       c;
    uint32_t  digit;

    static const char  names[] = "\"\\/bfnrt";
    static const char  values[] = "\"\\/\b\f\n\r\t";

    c = *p;

    switch (reader->escape) {

    case ml_json_low_escape:
    case ml_json_low_u:

        if (c != (reader->escape == ml_json_low_u ? 'u' : '\\')) {
            ml_json_fail(reader, ml_json_bad_surrogate,
                         reader->escape_offset);
            return 0;
        }

        if (reader->escape == ml_json_low_escape) {
            reader->escape = ml_json_low_u;
            return 1;
        }

        /* a pair that breaks is reported where its second half starts */
        reader->escape_offset = ml_json_offset(reader, p) - 1;
        reader->escape = ml_json_hex;
        reader->digits = 0;
        reader->unit = 0;

        return 1;

    case ml_json_hex:

        digit = (uint32_t) c - '0';

        if (digit > 9) {
            digit = ((uint32_t) c | 0x20) - 'a';

            if (digit > 5) {
                ml_json_fail(reader, ml_json_bad_escape,
                             reader->escape_offset + 1);
                return 0;
            }

            digit += 10;
        }

        reader->unit = (reader->unit << 4) | digit;

        return ++reader->digits < 4 || ml_json_unit(reader);

    default: /* ml_json_escape */

        if (c == 'u') {
            reader->escape = ml_json_hex;
            reader->digits = 0;
            reader->unit = 0;
            return 1;
        }

        p = c ? strchr(names, c) : NULL;

        if (p == NULL) {
            ml_json_fail(reader, "Invalid \\escape", reader->escape_offset);
            return 0;
        }

        reader->escape = ml_json_plain;

        return ml_json_take(reader, &values[p - names], 1);
    }
}


/*
 * One byte of a UTF-8 sequence (Unicode, table 3-7); 0 when it cannot stand
 * here.
 */
static int
ml_json_utf8(ml_json_reader_t *reader, unsigned char c)
{
    if (reader->need) {

        if (c < reader->low_bound || c > reader->high_bound) {
            return 0;
        }

        reader->need--;
        reader->low_bound = 0x80;
        reader->high_bound = 0xbf;
        reader->continuations++;

        return 1;
    }

    if (c < 0xc2 || c > 0xf4) {
        return 0;
    }

    reader->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    reader->low_bound = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    reader->high_bound = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;

    return 1;
}


static const char *
ml_json_end_string(ml_json_reader_t *reader, const char *p)
{
    if (!reader->is_key) {

        if (reader->events->string(reader->data, ML_JSON_LAST, p, 0) != 0) {
            return ml_json_stop(reader, ML_JSON_STOPPED);
        }

        reader->state = ml_json_next;

        return p;
    }

    switch (ml_json_keys_add(&reader->keys, reader->stack[reader->depth - 1],
                             reader->key, reader->length))
    {

    case ML_JSON_KEYS_NEW:
        break;

    case ML_JSON_KEYS_KNOWN:
        return ml_json_fail(reader, "Duplicate property name", reader->token);

    default: /* ML_JSON_KEYS_MEMORY */
        return ml_json_stop(reader, ML_JSON_MEMORY);
    }

    if (reader->events->key(reader->data, reader->key, reader->length) != 0) {
        return ml_json_stop(reader, ML_JSON_STOPPED);
    }

    reader->state = ml_json_colon;

    return p;
}


/* Inside a string or key, anywhere behind its opening quote. */
const char *
ml_json_read_string(ml_json_reader_t *reader, const char *p, const char *end)
{
    uint64_t       offset;
    const char    *plain, *error;
    unsigned char  c;

    plain = p;

    while (p < end) {

        if (reader->escape != ml_json_plain) {
            if (!ml_json_escaped(reader, p)) {
                return NULL;
            }

            plain = ++p;
            continue;
        }

        if (reader->need == 0) {
            p += ml_utf8_plain(p, (size_t) (end - p));

            if (p == end) {
                break;
            }
        }

        c = (unsigned char) *p;

        if (c >= 0x80 || reader->need) {

            /* an error stands at the first byte of its sequence */
            offset = ml_json_offset(reader, p) - (reader->need != 0);

            if (ml_json_utf8(reader, c)) {
                p++;
                continue;
            }

            error = "Invalid UTF-8";

        } else if (c < 0x20) {
            offset = ml_json_offset(reader, p);
            error = "Invalid control character at";

        } else {
            error = NULL;
            offset = 0;
        }

        if (!ml_json_take(reader, plain, (size_t) (p - plain))) {
            return NULL;
        }

        if (error) {
            return ml_json_fail(reader, error, offset);
        }

        if (c == '"') {
            return ml_json_end_string(reader, p + 1);
        }

        reader->escape = ml_json_escape;
        reader->escape_offset = ml_json_offset(reader, p);
        plain = ++p;
    }

    return ml_json_take(reader, plain, (size_t) (p - plain)) ? p : NULL;
}


const char *
ml_json_start_string(ml_json_reader_t *reader, const char *p)
{
    reader->token = ml_json_offset(reader, p);
    reader->length = 0;
    reader->escape = ml_json_plain;
    reader->high = 0;
    reader->state = ml_json_string;

    if (!reader->is_key) {
        return reader->events->string(reader->data, ML_JSON_FIRST, p, 0) == 0
               ? p + 1 : ml_json_stop(reader, ML_JSON_STOPPED);
    }

    if (reader->keys.n >= reader->limits.keys) {
        return ml_json_fail(reader, "Too many properties", reader->token);
    }

    if (reader->key == NULL) {
        reader->key = malloc(ML_JSON_KEY_MAX);

        if (reader->key == NULL) {
            return ml_json_stop(reader, ML_JSON_MEMORY);
        }
    }

    return p + 1;
}
