/*
 * Text as rules see it, however its author tried to hide it.
 *
 * DESIGN.  Each character on its own, so that text may come in pieces of any
 * size: compatibility decomposition (the D of NFKD, UAX #15), what is
 * ignorable (UAX #44, Default_Ignorable_Code_Point: zero-width characters,
 * soft hyphens, tags) and combining marks dropped, what looks like an ASCII
 * letter or digit replaced with it (UTS #39), then case folding.  White space
 * and control characters become one space.  Composition, which NFKC has at
 * the end, would only undo what dropping the marks does.
 *
 * Tag characters (U+E0020 to U+E007E) can also carry a text that nobody sees:
 * they are dropped from the text, and kept for ml_fold_hidden().
 */

#ifndef ML_FOLD_H
#define ML_FOLD_H

#include <stddef.h>
#include <stdint.h>


/* Bytes of folded text for each call of a sink. */
#define ML_FOLD_BUFFER  1024

/* Hidden characters that are kept, the first ones of a text. */
#define ML_FOLD_HIDDEN  1024


/* Folded text; not 0: an end to it, which the other functions return. */
typedef int (*ml_fold_pt)(void *data, const char *text, size_t len);


typedef struct {
    ml_fold_pt  sink;
    void       *data;

    uint32_t    point;              /* of an open sequence, and its rest */
    uint32_t    rest;
    uint32_t    space;              /* the last character was one */

    char        hidden[ML_FOLD_HIDDEN];
    uint32_t    nhidden;

    char        buffer[ML_FOLD_BUFFER];
    size_t      len;
} ml_fold_t;


/* At the beginning of the process, once: returns 0, or -1 (no memory). */
int ml_fold_setup(void);

void ml_fold_init(ml_fold_t *fold, ml_fold_pt sink, void *data);

/* A text starts; more of it; it ends.  What is no UTF-8 becomes spaces. */
void ml_fold_start(ml_fold_t *fold);
int ml_fold_feed(ml_fold_t *fold, const char *bytes, size_t len);
int ml_fold_end(ml_fold_t *fold);

/* The tag characters of the text that ended, as ASCII; *len may be 0. */
const char *ml_fold_hidden(const ml_fold_t *fold, size_t *len);


#endif /* ML_FOLD_H */
