/* link: -lhs -lutf8proc */

#include <stdlib.h>
#include <string.h>

#include "rules.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Returns the score of the text in pieces; -1: it failed. */
static int64_t
scan(const ml_rules_t *rules, const char *text, size_t len, size_t piece,
    uint64_t limit)
{
    int         rc;
    char       *copy;
    size_t      i, n;
    int64_t     score;
    ml_scan_t  *s;

    s = ml_scan_create(rules, limit);
    rc = ml_scan_string(s, ML_JSON_FIRST, NULL, 0);

    for (i = 0; i < len && rc == 0; i += n) {
        n = len - i < piece ? len - i : piece;
        copy = malloc(n);
        memcpy(copy, text + i, n);
        rc = ml_scan_string(s, ML_JSON_PIECE, copy, n);
        free(copy);
    }

    if (rc == 0) {
        rc = ml_scan_string(s, ML_JSON_LAST, NULL, 0);
    }

    score = rc < 0 || s->failed ? -1 : (int64_t) s->score;

    if ((rc > 0) != (limit && s->score >= limit)) {
        abort();
    }

    ml_scan_destroy(s);

    return score;
}


/*
 * A file of rules, and behind a NUL a text for them and for fixed ones: the
 * same score whole and byte by byte.  What makes vectorscan's compiler slow,
 * repetition in repetition, is an operator's own, and is not looked for.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               error[256];
    size_t             len, n;
    ml_rules_t        *rules;
    const char        *text, *file;

    static ml_rules_t  *fixed;
    static const char   some[] = "a 1 /ab+c/\nb 2 d e\nc 4 /f.*g$/\n"
                                 "d 8 /\303\251[hi]j/\n";

    if (fixed == NULL) {
        fixed = ml_rules_read(some, strlen(some), error, sizeof(error));
    }

    file = (const char *) data;
    n = strnlen(file, size);
    text = file + n + (n < size);
    len = size - (size_t) (text - file);

    if (scan(fixed, text, len, len + 1, 0) != scan(fixed, text, len, 1, 0)
        || scan(fixed, text, len, len + 1, 6) != scan(fixed, text, len, 1, 6))
    {
        abort();
    }

    if (memchr(file, '{', n) || n > 200) {
        return 0;
    }

    rules = ml_rules_read(file, n, error, sizeof(error));

    if (rules == NULL) {
        return 0;
    }

    if (rules->n == 0
        || scan(rules, text, len, len + 1, 0) != scan(rules, text, len, 1, 0))
    {
        abort();
    }

    ml_rules_destroy(rules);

    return 0;
}
