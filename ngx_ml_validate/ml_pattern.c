/* Regular expressions of schemas; see ml_pattern.h. */

#define PCRE2_CODE_UNIT_WIDTH  8

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcre2.h>

#include "ml_pattern.h"
#include "ml_text.h"


struct ml_pattern_s {
    pcre2_code           *code;
    pcre2_match_data     *match;
    pcre2_match_context  *context;
};


/*
 * Long names of general categories (Unicode Standard Annex 44, table 12),
 * which ECMA-262 has and PCRE2 has not.
 */
static const struct {
    const char  *name;
    const char  *shorter;
} ml_pattern_categories[] = {
    { "Letter", "L" }, { "Cased_Letter", "L&" }, { "LC", "L&" },
    { "Uppercase_Letter", "Lu" }, { "Lowercase_Letter", "Ll" },
    { "Titlecase_Letter", "Lt" }, { "Modifier_Letter", "Lm" },
    { "Other_Letter", "Lo" }, { "Mark", "M" }, { "Combining_Mark", "M" },
    { "Nonspacing_Mark", "Mn" }, { "Spacing_Mark", "Mc" },
    { "Enclosing_Mark", "Me" }, { "Number", "N" },
    { "Decimal_Number", "Nd" }, { "digit", "Nd" }, { "Letter_Number", "Nl" },
    { "Other_Number", "No" }, { "Punctuation", "P" }, { "punct", "P" },
    { "Connector_Punctuation", "Pc" }, { "Dash_Punctuation", "Pd" },
    { "Open_Punctuation", "Ps" }, { "Close_Punctuation", "Pe" },
    { "Initial_Punctuation", "Pi" }, { "Final_Punctuation", "Pf" },
    { "Other_Punctuation", "Po" }, { "Symbol", "S" },
    { "Math_Symbol", "Sm" }, { "Currency_Symbol", "Sc" },
    { "Modifier_Symbol", "Sk" }, { "Other_Symbol", "So" },
    { "Separator", "Z" }, { "Space_Separator", "Zs" },
    { "Line_Separator", "Zl" }, { "Paragraph_Separator", "Zp" },
    { "Other", "C" }, { "Control", "Cc" }, { "cntrl", "Cc" },
    { "Format", "Cf" }, { "Surrogate", "Cs" }, { "Private_Use", "Co" },
    { "Unassigned", "Cn" }
};


/* What \s is in ECMA-262 beyond ASCII. */
#define ML_PATTERN_SPACES  "\\u00a0\\ufeff\\u2028\\u2029\\p{Zs}"


/* A property: \p{...} at p; returns how many bytes it takes, 0: leave it. */
static size_t
ml_pattern_property(ml_text_t *out, const char *p, size_t len)
{
    size_t       i, n, skip;
    const char  *end, *name, *equals;

    end = memchr(p, '}', len);

    if (len < 4 || p[2] != '{' || end == NULL) {
        return 0;
    }

    name = p + 3;
    equals = memchr(name, '=', (size_t) (end - name));
    skip = equals ? (size_t) (equals - name) + 1 : 0;
    name += skip;
    n = (size_t) (end - name);

    for (i = 0; i < sizeof(ml_pattern_categories)
                    / sizeof(ml_pattern_categories[0]); i++)
    {
        if (strlen(ml_pattern_categories[i].name) == n
            && memcmp(ml_pattern_categories[i].name, name, n) == 0)
        {
            name = ml_pattern_categories[i].shorter;
            n = strlen(name);
            break;
        }
    }

    ml_text_append(out, p, 3);
    ml_text_append(out, name, n);
    ml_text_append(out, "}", 1);

    return (size_t) (end - p) + 1;
}


/* ECMA-262 to PCRE2, where the same text means something else. */
static void
ml_pattern_translate(ml_text_t *out, const char *p, size_t len)
{
    int     class;
    size_t  i, n;

    class = 0;

    for (i = 0; i < len; i += n) {
        n = p[i] == '\\' && i + 1 < len ? 2 : 1;

        if (n == 1) {

            if (p[i] == '[') {
                class = 1;

            } else if (p[i] == ']') {
                class = 0;
            }

        } else if (p[i + 1] == 's') {
            ml_text_printf(out, class ? "\\s%s" : "[\\s%s]",
                           ML_PATTERN_SPACES);
            continue;

        } else if (p[i + 1] == 'S' && !class) {
            ml_text_printf(out, "[^\\s%s]", ML_PATTERN_SPACES);
            continue;

        } else if (p[i + 1] == 'p' || p[i + 1] == 'P') {
            n = ml_pattern_property(out, p + i, len - i);

            if (n) {
                continue;
            }

            n = 2;
        }

        ml_text_append(out, p + i, n);
    }
}


static pcre2_code *
ml_pattern_code(const char *text, size_t len, char *error, size_t size)
{
    int                     code;
    size_t                  n;
    pcre2_code             *compiled;
    PCRE2_SIZE              offset;
    pcre2_compile_context  *context;

    context = pcre2_compile_context_create(NULL);

    if (context == NULL) {
        snprintf(error, size, "out of memory");
        return NULL;
    }

    (void) pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX);

    compiled = pcre2_compile((PCRE2_SPTR) text, len,
                             PCRE2_UTF|PCRE2_ALT_BSUX|PCRE2_DOLLAR_ENDONLY
                             |PCRE2_ALLOW_EMPTY_CLASS
                             |PCRE2_MATCH_UNSET_BACKREF
                             |PCRE2_NEVER_BACKSLASH_C,
                             &code, &offset, context);

    if (compiled == NULL && size) {
        n = (size_t) snprintf(error, size, "regular expression: ");

        if (n < size) {
            (void) pcre2_get_error_message(code, (PCRE2_UCHAR *) error + n,
                                           size - n);
        }
    }

    pcre2_compile_context_free(context);

    return compiled;
}


ml_pattern_t *
ml_pattern_compile(const char *text, size_t len, char *error, size_t size)
{
    ml_text_t      translated;
    ml_pattern_t  *pattern;

    if (len > ML_PATTERN_SIZE) {
        snprintf(error, size, "regular expression is over %u bytes",
                 ML_PATTERN_SIZE);
        return NULL;
    }

    pattern = calloc(1, sizeof(ml_pattern_t));
    ml_text_init(&translated);
    ml_pattern_translate(&translated, text, len);

    if (pattern == NULL || translated.failed) {
        snprintf(error, size, "out of memory");
        goto failed;
    }

    pattern->code = ml_pattern_code(translated.data ? translated.data : "",
                                    translated.len, error, size);

    if (pattern->code == NULL) {
        goto failed;
    }

    pattern->match = pcre2_match_data_create(1, NULL);
    pattern->context = pcre2_match_context_create(NULL);

    if (pattern->match == NULL || pattern->context == NULL) {
        snprintf(error, size, "out of memory");
        goto failed;
    }

    /* what a search allocates stays with the pattern */

    (void) pcre2_set_heap_limit(pattern->context, ML_PATTERN_HEAP);

    ml_text_free(&translated);

    return pattern;

failed:

    ml_text_free(&translated);
    ml_pattern_destroy(pattern);

    return NULL;
}


void
ml_pattern_destroy(ml_pattern_t *pattern)
{
    if (pattern == NULL) {
        return;
    }

    pcre2_match_context_free(pattern->context);
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
    free(pattern);
}


ml_pattern_e
ml_pattern_search(const ml_pattern_t *pattern, const char *s, size_t len)
{
    int     rc;
    size_t  steps;

    steps = len < UINT32_MAX / ML_PATTERN_BYTE_STEPS / 2
            ? ML_PATTERN_STEPS + ML_PATTERN_BYTE_STEPS * len
            : UINT32_MAX / 2;

    (void) pcre2_set_match_limit(pattern->context, (uint32_t) steps);

    rc = pcre2_match(pattern->code, (PCRE2_SPTR) s, len, 0,
                     PCRE2_NO_UTF_CHECK, pattern->match, pattern->context);

    if (rc >= 0) {
        return ML_PATTERN_FOUND;
    }

    switch (rc) {

    case PCRE2_ERROR_NOMATCH:
        return ML_PATTERN_MISSED;

    case PCRE2_ERROR_NOMEMORY:
        return ML_PATTERN_MEMORY;

    default: /* the limits */
        return ML_PATTERN_COSTLY;
    }
}
