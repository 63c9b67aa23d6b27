/*
 * Rules for text: literals and regular expressions with an id and a score,
 * compiled into one automaton (vectorscan), which takes a time linear in the
 * text whatever the rules are.
 *
 * A file has a rule a line:
 *
 *     # id            score  pattern
 *     dan-mode            5  do anything now
 *     ignore-previous     5  /\b(ignore|forget) (all )?previous instructions/
 *
 * What stands between two slashes is a regular expression of vectorscan's
 * syntax, anything else is itself.  Both see folded text (ml_fold.h), and are
 * folded: in lower case, without accents, a single space for white space.
 */

#ifndef ML_RULES_H
#define ML_RULES_H

#include <stddef.h>
#include <stdint.h>


/* The longest file, and the most rules. */
#define ML_RULES_SIZE  1048576
#define ML_RULES_MAX   4096

/* The longest id: letters, digits, "-", "_" and ".". */
#define ML_RULES_ID    64


typedef struct {
    const char  *id;                /* NUL-terminated */
    uint32_t     score;
} ml_rule_t;


typedef struct {
    ml_rule_t    *rules;
    uint32_t      n;

    /* private */
    char         *text;             /* of the ids */
    void         *database;
    void         *scratch;          /* of a process, which has one thread */
    size_t        piece;            /* bytes that it may be given at once */
} ml_rules_t;


/*
 * Compiles a file.  On failure returns NULL and writes one line of why to
 * error, with the number of the line of the file.
 */
ml_rules_t *ml_rules_read(const char *text, size_t len, char *error,
    size_t size);

void ml_rules_destroy(ml_rules_t *rules);


#endif /* ML_RULES_H */
