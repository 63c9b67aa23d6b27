/*
 * The JSON reader and the tape: no input may crash it, and a verdict may not
 * depend on where the input was cut.  What passes is printed from the tape,
 * read again, and must be the same value.
 *
 * The first byte chooses the cut.
 */

/* link: -lm */

#include <stdlib.h>
#include <string.h>

#include "ml_siphash.c"
#include "ml_text.c"
#include "ml_number.c"
#include "ml_json_keys.c"
#include "ml_json_string.c"
#include "ml_json_number.c"
#include "ml_json.c"
#include "ml_tape.c"
#include "ml_tape_hash.c"


static const ml_json_limits_t  limits = { 64, 100, 1000, 64, 1000 };
static const uint8_t           seed[16] = { 1 };


static ml_json_status_e
read_json(ml_tape_t *tape, const char *s, size_t len, size_t step,
    uint64_t *offset)
{
    char               *piece;
    size_t              i, n;
    ml_json_status_e    status;
    ml_json_reader_t   *reader;

    ml_tape_init(tape, 1 << 20);
    reader = ml_json_create(&limits, seed, &ml_tape_events, tape);

    if (reader == NULL) {
        abort();
    }

    for (i = 0; i < len; i += n) {
        n = step < len - i ? step : len - i;

        piece = malloc(n);
        memcpy(piece, s + i, n);
        (void) ml_json_feed(reader, piece, n);
        free(piece);
    }

    status = ml_json_finish(reader);
    (void) ml_json_error(reader, offset);
    ml_json_destroy(reader);

    return status;
}


static int
equal(const ml_tape_t *a, const ml_tape_t *b)
{
    uint64_t  x[2], y[2];

    ml_tape_hash(a, 0, seed, x);
    ml_tape_hash(b, 0, seed, y);

    return memcmp(x, y, sizeof(x)) == 0;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char        *s;
    uint64_t           whole, cut;
    ml_text_t          text;
    ml_tape_t          a, b;
    ml_json_status_e   status;

    if (size < 1) {
        return 0;
    }

    s = (const char *) data + 1;
    size--;

    status = read_json(&a, s, size, size + 1, &whole);

    if (read_json(&b, s, size, 1 + data[0] % 16, &cut) != status
        || (status == ML_JSON_INVALID && whole != cut)
        || a.n != b.n || a.len != b.len
        || (a.len && memcmp(a.text, b.text, a.len) != 0))
    {
        abort();
    }

    ml_tape_free(&b);

    if (status == ML_JSON_DONE) {
        ml_text_init(&text);
        ml_tape_print(&a, 0, &text);

        if (read_json(&b, text.data, text.len, text.len + 1, &cut)
            != ML_JSON_DONE
            || !equal(&a, &b))
        {
            abort();
        }

        ml_tape_free(&b);
        ml_text_free(&text);
    }

    ml_tape_free(&a);

    return 0;
}
