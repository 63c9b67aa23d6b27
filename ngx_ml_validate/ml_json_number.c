/* Numbers of the JSON reader; see ml_json_reader.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_json_reader.h"


/* A number that the end of the piece cut off is kept for the next one. */
static const char *
ml_json_save_number(ml_json_reader_t *reader, const char *p, const char *end)
{
    if (reader->number == NULL) {
        reader->number = malloc(reader->limits.number);

        if (reader->number == NULL) {
            return ml_json_stop(reader, ML_JSON_MEMORY);
        }
    }

    reader->number_len = (uint32_t) (end - p);
    memcpy(reader->number, p, reader->number_len);
    reader->token = ml_json_offset(reader, p);
    reader->state = ml_json_number;

    return end;
}


/* Why a token of numeric characters, at offset "token", is not a number of
 * its first "valid" bytes. */
static const char *
ml_json_fail_number(ml_json_reader_t *reader, uint64_t token, size_t valid,
    size_t len)
{
    if (len > reader->limits.number) {
        return ml_json_fail(reader, "Number too long", token);
    }

    if (valid == 0) {
        return ml_json_fail(reader, ml_json_expecting_value, token);
    }

    return ml_json_fail_next(reader, token + valid);
}


static int
ml_json_deliver(ml_json_reader_t *reader, const ml_number_t *run, size_t n)
{
    if (n && reader->events->numbers(reader->data, run, n) != 0) {
        ml_json_stop(reader, ML_JSON_STOPPED);
        return 0;
    }

    return 1;
}


/*
 * Nothing is waiting to be delivered.  Returns how many numbers to read here
 * before the next try: one, after some that were plain, and ever more where
 * none is.
 */
static size_t
ml_json_pack(ml_json_reader_t *reader, const char **p, const char *end,
    size_t run)
{
    size_t    taken;
    uint64_t  left;

    if (reader->events->pack == NULL || !ml_json_in_array(reader)) {
        return ML_JSON_RUN;
    }

    left = reader->limits.elements - reader->elements;
    taken = reader->events->pack(reader->data, p, end,
                                 left < SIZE_MAX ? left : SIZE_MAX,
                                 reader->limits.number);
    reader->elements += taken;

    return taken ? 1 : run < ML_JSON_RUN ? run * 2 : ML_JSON_RUN;
}


const char *
ml_json_read_numbers(ml_json_reader_t *reader, const char *p,
    const char *end)
{
    size_t        n, most, limit;
    const char   *token, *last;
    ml_number_t   run[ML_JSON_RUN];

    n = 0;
    limit = reader->limits.number;
    most = ml_json_pack(reader, &p, end, 1);

    for ( ;; ) {

        if (ml_json_in_array(reader)
            && reader->elements >= reader->limits.elements)
        {
            if (ml_json_deliver(reader, run, n)) {
                (void) ml_json_element(reader, p);
            }

            return NULL;
        }

        token = p;
        p = ml_number_scan(p, end, &run[n]);

        if (p == end || p == token || ml_json_numeric(*p)
            || (size_t) (p - token) > limit)
        {
            last = p;

            while (last < end && ml_json_numeric(*last)
                   && (size_t) (last - token) <= limit)
            {
                last++;
            }

            if (!ml_json_deliver(reader, run, n)) {
                return NULL;
            }

            if (last == end && (size_t) (last - token) <= limit) {
                reader->elements += ml_json_in_array(reader);
                return ml_json_save_number(reader, token, end);
            }

            return ml_json_fail_number(reader, ml_json_offset(reader, token),
                                       (size_t) (p - token),
                                       (size_t) (last - token));
        }

        reader->state = ml_json_next;
        n++;

        if (!ml_json_in_array(reader)) {
            break;
        }

        reader->elements++;

        while (p < end && ml_json_space(*p)) {
            p++;
        }

        if (p == end || *p != ',') {
            break;
        }

        reader->state = ml_json_value;

        do {
            p++;
        } while (p < end && ml_json_space(*p));

        if (p == end || (*p != '-' && !ml_json_digit(*p))) {
            break;
        }

        if (n >= most) {
            if (!ml_json_deliver(reader, run, n)) {
                return NULL;
            }

            n = 0;
            most = ml_json_pack(reader, &p, end, most);
        }
    }

    return ml_json_deliver(reader, run, n) ? p : NULL;
}


int
ml_json_end_number(ml_json_reader_t *reader)
{
    size_t        valid;
    ml_number_t   number;

    valid = (size_t) (ml_number_scan(reader->number,
                                     reader->number + reader->number_len,
                                     &number)
                      - reader->number);

    if (valid != reader->number_len) {
        ml_json_fail_number(reader, reader->token, valid, reader->number_len);
        return 0;
    }

    reader->state = ml_json_next;

    return ml_json_deliver(reader, &number, 1);
}


const char *
ml_json_read_number(ml_json_reader_t *reader, const char *p, const char *end)
{
    for ( /* void */ ; p < end && ml_json_numeric(*p); p++) {

        if (reader->number_len == reader->limits.number) {
            return ml_json_fail_number(reader, reader->token, 0,
                                       (size_t) reader->number_len + 1);
        }

        reader->number[reader->number_len++] = *p;
    }

    if (p == end) {
        return p;
    }

    return ml_json_end_number(reader) ? p : NULL;
}
