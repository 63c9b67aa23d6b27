/* Rules for text; see ml_rules.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hs/hs.h>

#include "ml_fold.h"
#include "ml_rules.h"
#include "ml_text.h"


/* What the automaton is given at once where more is not safe. */
#define ML_RULES_PIECE  16


/* What is read of a file, for the compiler of the automaton. */
typedef struct {
    ml_rules_t   *rules;
    ml_text_t     patterns;         /* with their NULs */
    size_t       *starts;           /* in patterns */
    unsigned     *flags;
    unsigned     *lines;
    unsigned     *numbers;
    uint32_t      size;
    char         *error;
    size_t        error_size;
} ml_rules_reader_t;


static int
ml_rules_fail(ml_rules_reader_t *reader, unsigned line, const char *why)
{
    (void) snprintf(reader->error, reader->error_size, "line %u: %s", line,
                    why);

    return -1;
}


static int
ml_rules_folded(void *data, const char *text, size_t len)
{
    ml_text_append(data, text, len);

    return 0;
}


/* A literal is escaped; the characters of an expression that are not ASCII
 * are folded, and the rest is its syntax. */
static void
ml_rules_pattern(ml_text_t *out, const char *p, size_t len, int literal)
{
    size_t      i, n;
    ml_text_t   folded;
    ml_fold_t  *fold;

    ml_text_init(&folded);
    fold = malloc(sizeof(ml_fold_t));

    if (fold == NULL) {
        out->failed = 1;
        return;
    }

    ml_fold_init(fold, ml_rules_folded, &folded);

    for (i = 0; i < len; i += n) {

        if (!literal && (unsigned char) p[i] < 0x80) {
            n = 1;
            ml_text_append(&folded, &p[i], 1);
            continue;
        }

        for (n = 1; i + n < len && (literal
                                    || (unsigned char) p[i + n] >= 0x80); n++)
        {
            /* void */
        }

        (void) ml_fold_feed(fold, p + i, n);
    }

    (void) ml_fold_end(fold);
    free(fold);

    for (i = 0; i < folded.len; i++) {
        if (literal && strchr("\\^$.[]|()?*+{}/-#", folded.data[i])) {
            ml_text_append(out, "\\", 1);
        }

        ml_text_append(out, &folded.data[i], 1);
    }

    out->failed |= folded.failed;
    ml_text_free(&folded);
}


/* A word of a line, and what is behind it and its spaces. */
static size_t
ml_rules_word(const char **p, const char *end, const char **word)
{
    size_t  len;

    *word = *p;

    while (*p < end && **p != ' ' && **p != '\t') {
        (*p)++;
    }

    len = (size_t) (*p - *word);

    while (*p < end && (**p == ' ' || **p == '\t')) {
        (*p)++;
    }

    return len;
}


static int
ml_rules_id_valid(const char *id, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (!((id[i] >= 'a' && id[i] <= 'z') || (id[i] >= 'A' && id[i] <= 'Z')
              || (id[i] >= '0' && id[i] <= '9') || id[i] == '-'
              || id[i] == '_' || id[i] == '.'))
        {
            return 0;
        }
    }

    return len > 0 && len <= ML_RULES_ID;
}


static int
ml_rules_grow(ml_rules_reader_t *reader)
{
    void      *p;
    size_t     i;
    uint32_t   size;

    struct {
        void  **list;
        size_t  element;
    } lists[] = {
        { (void **) &reader->rules->rules, sizeof(ml_rule_t) },
        { (void **) &reader->starts, sizeof(size_t) },
        { (void **) &reader->flags, sizeof(unsigned) },
        { (void **) &reader->lines, sizeof(unsigned) },
        { (void **) &reader->numbers, sizeof(unsigned) }
    };

    if (reader->rules->n < reader->size) {
        return 0;
    }

    size = reader->size ? reader->size * 2 : 64;

    for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        p = realloc(*lists[i].list, size * lists[i].element);

        if (p == NULL) {
            return -1;
        }

        *lists[i].list = p;
    }

    reader->size = size;

    return 0;
}


/* A line that is a rule; "id" is where its id goes. */
static int
ml_rules_line(ml_rules_reader_t *reader, const char *p, const char *end,
    unsigned line, char **id)
{
    int          regex;
    size_t       len, i, start;
    uint64_t     score;
    uint32_t     n;
    const char  *word;
    ml_rules_t  *rules;

    rules = reader->rules;
    n = rules->n;

    if (n == ML_RULES_MAX) {
        return ml_rules_fail(reader, line, "there are too many rules");
    }

    if (ml_rules_grow(reader) != 0) {
        return ml_rules_fail(reader, line, "no memory");
    }

    len = ml_rules_word(&p, end, &word);

    if (!ml_rules_id_valid(word, len)) {
        return ml_rules_fail(reader, line, "an id is letters, digits, \"-\", "
                             "\"_\" and \".\", 64 at most");
    }

    memcpy(*id, word, len);
    (*id)[len] = '\0';
    rules->rules[n].id = *id;
    *id += len + 1;

    for (i = 0; i < n; i++) {
        if (strcmp(rules->rules[i].id, rules->rules[n].id) == 0) {
            return ml_rules_fail(reader, line, "the id is there already");
        }
    }

    len = ml_rules_word(&p, end, &word);

    for (score = 0, i = 0; i < len && word[i] >= '0' && word[i] <= '9'
                           && score <= 1000; i++)
    {
        score = score * 10 + (uint64_t) (word[i] - '0');
    }

    if (len == 0 || i < len || score > 1000) {
        return ml_rules_fail(reader, line, "a score is a number up to 1000");
    }

    rules->rules[n].score = (uint32_t) score;

    while (end > p && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }

    regex = end - p >= 2 && *p == '/' && end[-1] == '/';
    start = reader->patterns.len;

    ml_rules_pattern(&reader->patterns, regex ? p + 1 : p,
                     (size_t) (end - p) - (regex ? 2 : 0), !regex);

    if (reader->patterns.failed) {
        return ml_rules_fail(reader, line, "no memory");
    }

    if (reader->patterns.len == start
        || memchr(reader->patterns.data + start, '\0',
                  reader->patterns.len - start))
    {
        return ml_rules_fail(reader, line, "there is no pattern, or it has a "
                                           "NUL");
    }

    ml_text_append(&reader->patterns, "", 1);

    reader->starts[n] = start;
    reader->flags[n] = HS_FLAG_SINGLEMATCH|HS_FLAG_CASELESS|HS_FLAG_UTF8
                       |HS_FLAG_DOTALL;
    reader->lines[n] = line;
    reader->numbers[n] = n;
    rules->n++;

    return 0;
}


/*
 * With AVX-512, vectorscan 5.4.9 misses single bytes behind the first
 * sixty-four of a buffer, and now and then an expression that it looks for by
 * a class of them (VectorCamp/vectorscan, pull requests 375 and 378).  Of
 * buffers that are a quarter of a vector it does not.
 */
static size_t
ml_rules_piece(void)
{
    hs_platform_info_t  platform;

    return hs_populate_platform(&platform) == HS_SUCCESS
           && !(platform.cpu_features & HS_CPU_FEATURES_AVX512)
           ? UINT32_MAX : ML_RULES_PIECE;
}


static int
ml_rules_compile(ml_rules_reader_t *reader)
{
    int                  i;
    uint32_t             n;
    hs_error_t           rc;
    hs_scratch_t        *scratch;
    hs_database_t       *database;
    const char         **patterns;
    hs_compile_error_t  *error;

    if (hs_valid_platform() != HS_SUCCESS) {
        (void) snprintf(reader->error, reader->error_size,
                        "this processor is not one of vectorscan's");
        return -1;
    }

    patterns = malloc(reader->rules->n * sizeof(char *));

    if (patterns == NULL) {
        return ml_rules_fail(reader, 0, "no memory");
    }

    for (n = 0; n < reader->rules->n; n++) {
        patterns[n] = reader->patterns.data + reader->starts[n];
    }

    error = NULL;
    scratch = NULL;
    rc = hs_compile_multi(patterns, reader->flags, reader->numbers,
                          reader->rules->n, HS_MODE_STREAM, NULL, &database,
                          &error);
    free(patterns);

    if (rc != HS_SUCCESS) {
        i = error ? error->expression : -1;

        (void) snprintf(reader->error, reader->error_size, "line %u: %s",
                        i >= 0 ? reader->lines[i] : 0,
                        error ? error->message : "could not be compiled");
        (void) hs_free_compile_error(error);

        return -1;
    }

    reader->rules->database = database;

    if (hs_alloc_scratch(database, &scratch) != HS_SUCCESS) {
        return ml_rules_fail(reader, 0, "no memory");
    }

    reader->rules->scratch = scratch;
    reader->rules->piece = ml_rules_piece();

    return 0;
}


static int
ml_rules_lines(ml_rules_reader_t *reader, const char *text, size_t len)
{
    char        *id;
    unsigned     line;
    const char  *p, *end, *last;

    /* no id is longer than its line */

    reader->rules->text = malloc(len + 1);
    id = reader->rules->text;

    if (id == NULL) {
        return ml_rules_fail(reader, 0, "no memory");
    }

    for (p = text, last = text + len, line = 1; p < last; p = end + 1, line++)
    {
        end = memchr(p, '\n', (size_t) (last - p));
        end = end ? end : last;

        while (p < end && (*p == ' ' || *p == '\t')) {
            p++;
        }

        if (p == end || *p == '#' || *p == '\r') {
            continue;
        }

        if (ml_rules_line(reader, p, end[-1] == '\r' ? end - 1 : end, line,
                          &id)
            != 0)
        {
            return -1;
        }
    }

    if (reader->rules->n == 0) {
        return ml_rules_fail(reader, line, "there is no rule");
    }

    return ml_rules_compile(reader);
}


ml_rules_t *
ml_rules_read(const char *text, size_t len, char *error, size_t size)
{
    int                rc;
    ml_rules_reader_t  reader;

    memset(&reader, 0, sizeof(ml_rules_reader_t));
    ml_text_init(&reader.patterns);
    reader.error = error;
    reader.error_size = size;
    reader.rules = calloc(1, sizeof(ml_rules_t));

    if (reader.rules == NULL || ml_fold_setup() != 0) {
        free(reader.rules);
        (void) snprintf(error, size, "no memory");
        return NULL;
    }

    rc = len > ML_RULES_SIZE
         ? ml_rules_fail(&reader, 0, "the file is over 1048576 bytes")
         : ml_rules_lines(&reader, text, len);

    ml_text_free(&reader.patterns);
    free(reader.starts);
    free(reader.flags);
    free(reader.lines);
    free(reader.numbers);

    if (rc != 0) {
        ml_rules_destroy(reader.rules);
        return NULL;
    }

    return reader.rules;
}


void
ml_rules_destroy(ml_rules_t *rules)
{
    if (rules == NULL) {
        return;
    }

    (void) hs_free_scratch(rules->scratch);
    (void) hs_free_database(rules->database);

    free(rules->rules);
    free(rules->text);
    free(rules);
}
