/* Texts against rules; see ml_scan.h. */

#include <stdlib.h>
#include <string.h>

#include <hs/hs_runtime.h>

#include "ml_scan.h"


static int ml_scan_folded(void *data, const char *text, size_t len);


ml_scan_t *
ml_scan_create(const ml_rules_t *rules, uint64_t limit)
{
    hs_stream_t  *stream;
    ml_scan_t    *scan;

    scan = calloc(1, sizeof(ml_scan_t));

    if (scan == NULL) {
        return NULL;
    }

    scan->rules = rules;
    scan->limit = limit;
    scan->seen = calloc((rules->n + 63) / 64, sizeof(uint64_t));

    if (scan->seen == NULL
        || hs_open_stream(rules->database, 0, &stream) != HS_SUCCESS)
    {
        free(scan->seen);
        free(scan);
        return NULL;
    }

    scan->stream = stream;
    ml_fold_init(&scan->fold, ml_scan_folded, scan);

    return scan;
}


void
ml_scan_destroy(ml_scan_t *scan)
{
    if (scan) {
        (void) hs_close_stream(scan->stream, NULL, NULL, NULL);
        free(scan->seen);
        free(scan);
    }
}


int
ml_scan_found(const ml_scan_t *scan, uint32_t rule)
{
    return scan->seen[rule / 64] >> (rule % 64) & 1;
}


/* A match: not 0 ends the scan. */
static int
ml_scan_match(unsigned int rule, unsigned long long from,
    unsigned long long to, unsigned int flags, void *data)
{
    ml_scan_t  *scan = data;

    if (ml_scan_found(scan, rule)) {
        return 0;
    }

    scan->seen[rule / 64] |= (uint64_t) 1 << (rule % 64);
    scan->found++;
    scan->score += scan->rules->rules[rule].score;

    return scan->limit && scan->score >= scan->limit;
}


/* What a call of the automaton says. */
static int
ml_scan_verdict(ml_scan_t *scan, hs_error_t rc)
{
    if (rc != HS_SUCCESS && rc != HS_SCAN_TERMINATED) {
        scan->failed = 1;
        return -1;
    }

    return scan->limit && scan->score >= scan->limit ? -1 : 0;
}


static int
ml_scan_folded(void *data, const char *text, size_t len)
{
    size_t      n;
    ml_scan_t  *scan = data;

    for ( /* void */ ; len; text += n, len -= n) {
        n = len < scan->rules->piece ? len : scan->rules->piece;

        if (ml_scan_verdict(scan, hs_scan_stream(scan->stream, text,
                                                 (unsigned int) n, 0,
                                                 scan->rules->scratch,
                                                 ml_scan_match, scan))
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


/* The end of a text, where "$" is; the stream is as new. */
static int
ml_scan_reset(ml_scan_t *scan)
{
    return ml_scan_verdict(scan, hs_reset_stream(scan->stream, 0,
                                                 scan->rules->scratch,
                                                 ml_scan_match, scan));
}


static int
ml_scan_end(ml_scan_t *scan)
{
    size_t       len;
    const char  *hidden;

    if (ml_fold_end(&scan->fold) != 0 || ml_scan_reset(scan) != 0) {
        return -1;
    }

    /* hidden[] stays as it is while it is folded: it has no tags */

    hidden = ml_fold_hidden(&scan->fold, &len);

    if (len == 0) {
        return 0;
    }

    ml_fold_start(&scan->fold);

    return ml_fold_feed(&scan->fold, hidden, len) != 0
           || ml_fold_end(&scan->fold) != 0
           ? -1 : ml_scan_reset(scan);
}


int
ml_scan_string(void *data, ml_json_string_e part, const char *bytes,
    size_t len)
{
    int         rc;
    ml_scan_t  *scan = data;

    switch (part) {

    case ML_JSON_FIRST:
        ml_fold_start(&scan->fold);
        return 0;

    case ML_JSON_PIECE:
        rc = ml_fold_feed(&scan->fold, bytes, len);
        break;

    default: /* ML_JSON_LAST */
        rc = ml_scan_end(scan);
    }

    return rc == 0 ? 0 : scan->failed ? -1 : 1;
}


void
ml_scan_ids(const ml_scan_t *scan, ml_text_t *out)
{
    uint32_t     i;
    const char  *comma;

    for (comma = "", i = 0; i < scan->rules->n; i++) {
        if (ml_scan_found(scan, i)) {
            ml_text_printf(out, "%s%s", comma, scan->rules->rules[i].id);
            comma = ",";
        }
    }
}
