/*
 * The texts of a request against rules: what is found, and what it scores.
 *
 * Each text is one of its own, so that nothing is found across two; one that
 * comes in pieces is the same as whole.  A rule scores once in a request.
 */

#ifndef ML_SCAN_H
#define ML_SCAN_H

#include "ml_body.h"
#include "ml_fold.h"
#include "ml_rules.h"
#include "ml_text.h"


typedef struct {
    const ml_rules_t  *rules;
    uint64_t           limit;       /* a score that ends it; 0: none does */

    uint64_t           score;
    uint32_t           found;       /* rules */

    /* private */
    void              *stream;
    uint64_t          *seen;        /* a bit for each rule */
    int                failed;
    ml_fold_t          fold;
} ml_scan_t;


/* The rules must stay.  NULL: no memory. */
ml_scan_t *ml_scan_create(const ml_rules_t *rules, uint64_t limit);

void ml_scan_destroy(ml_scan_t *scan);

/*
 * The function of an ml_body_watch_t, with the scan as "data": a text is not
 * allowed when the limit is reached.
 */
int ml_scan_string(void *scan, ml_json_string_e part, const char *bytes,
    size_t len);

/* Whether a rule was found. */
int ml_scan_found(const ml_scan_t *scan, uint32_t rule);

/* Appends the ids of what was found, with commas between. */
void ml_scan_ids(const ml_scan_t *scan, ml_text_t *out);


#endif /* ML_SCAN_H */
