/*
 * What "format" asserts; see ml_format.h.
 *
 * A format is a grammar, which is a regular expression, and what a grammar
 * cannot say, which is a function.  The expressions are compiled when a
 * schema first names them, and stay.
 */

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "ml_format.h"


struct ml_format_s {
    const char     *name;
    const char     *grammar;        /* NULL: the function says it all */
    int           (*check)(const char *s, size_t len);
};


/* RFC 3339, section 5.6 and appendix A */

#define DATE      "\\d{4}-\\d\\d-\\d\\d"
#define TIME      "([01]\\d|2[0-3]):[0-5]\\d:([0-5]\\d|60)(\\.\\d+)?"         \
                  "([zZ]|[+-]([01]\\d|2[0-3]):[0-5]\\d)"

#define SPAN      "(\\d+H(\\d+M(\\d+S)?)?|\\d+M(\\d+S)?|\\d+S)"
#define DURATION  "P(\\d+W|(\\d+Y(\\d+M(\\d+D)?)?|\\d+M(\\d+D)?|\\d+D)"       \
                  "(T" SPAN ")?|T" SPAN ")"

/* RFC 1123, section 2.1; RFC 5321, section 4.1.2 */

#define LABEL     "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
#define HOST      LABEL "(\\." LABEL ")*"
#define WORD      "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
#define QUOTED    "\"([ !#-\\[\\]-~]|\\\\[ -~])*\""
#define OCTET     "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define IPV4      OCTET "(\\." OCTET "){3}"
#define LITERAL   "\\[(" IPV4 "|IPv6:[0-9A-Fa-f:.]+)\\]"

#define IDN_LABEL "[A-Za-z0-9\\u0080-\\u{10ffff}]"                            \
                  "([A-Za-z0-9\\u0080-\\u{10ffff}-]*"                         \
                  "[A-Za-z0-9\\u0080-\\u{10ffff}])?"
#define IDN_HOST  IDN_LABEL "([.\\u3002\\uff0e\\uff61]" IDN_LABEL ")*"
#define IDN_WORD  "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u0080-\\u{10ffff}-]+"

/* RFC 3986, appendix A; RFC 3987, section 2.2 */

#define ESCAPED   "%[0-9A-Fa-f]{2}"
#define SET(more, c)  "([A-Za-z0-9._~!$&'()*+,;=" more c "-]|" ESCAPED ")"
#define SEGMENTS(c)   "(/" SET(":@", c) "*)*"
#define AUTHORITY(c)                                                          \
    "//(" SET(":", c) "*@)?(\\[([0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\\."           \
    "[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]|" SET("", c) "*)(:\\d*)?" SEGMENTS(c)
#define ABSOLUTE(c)   "/(" SET(":@", c) "+" SEGMENTS(c) ")?"
#define SUFFIX(c)     "(\\?(" SET(":@/?", c) ")*)?(#(" SET(":@/?", c) ")*)?"

#define URI(c)                                                                \
    "[A-Za-z][A-Za-z0-9+.-]*:(" AUTHORITY(c) "|" ABSOLUTE(c) "|"              \
    SET(":@", c) "+" SEGMENTS(c) ")?" SUFFIX(c)
#define RELATIVE(c)                                                           \
    "(" AUTHORITY(c) "|" ABSOLUTE(c) "|" SET("@", c) "+" SEGMENTS(c) ")?"     \
    SUFFIX(c)
#define WIDE          "\\u00a0-\\u{10ffff}"

/* RFC 6570, section 2 */

#define VARCHAR   "([A-Za-z0-9_]|%[0-9A-Fa-f]{2})"
#define VARSPEC   VARCHAR "(\\.?" VARCHAR ")*(:[1-9]\\d{0,3}|\\*)?"
#define TEMPLATE                                                              \
    "([^\\u0000-\\u0020\\u007f\"%<>\\\\^`{|}]|%[0-9A-Fa-f]{2}"                \
    "|\\{[+#./;?&=,!@|]?" VARSPEC "(," VARSPEC ")*\\})*"


static int
ml_format_digits(const char *s)
{
    return (s[0] - '0') * 10 + s[1] - '0';
}


/* The grammar has matched: digits are where they belong. */
static int
ml_format_date(const char *s, size_t len)
{
    int  year, month, day, leap;

    static const int  days[] = {
        31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31
    };

    year = ml_format_digits(s) * 100 + ml_format_digits(s + 2);
    month = ml_format_digits(s + 5);
    day = ml_format_digits(s + 8);
    leap = year % 4 == 0 && (year % 100 || year % 400 == 0);

    return month >= 1 && month <= 12 && day >= 1
           && day <= days[month - 1] + (month == 2 && leap);
}


/* A leap second is the last of a day in UTC. */
static int
ml_format_time(const char *s, size_t len)
{
    int  minutes, offset;

    if (ml_format_digits(s + 6) != 60) {
        return 1;
    }

    minutes = ml_format_digits(s) * 60 + ml_format_digits(s + 3);
    offset = 0;

    if (s[len - 1] != 'z' && s[len - 1] != 'Z') {
        offset = ml_format_digits(s + len - 5) * 60
                 + ml_format_digits(s + len - 2);
        offset = s[len - 6] == '-' ? -offset : offset;
    }

    return (minutes - offset + 2 * 1440) % 1440 == 1439;
}


static int
ml_format_date_time(const char *s, size_t len)
{
    return ml_format_date(s, 10) && ml_format_time(s + 11, len - 11);
}


static int
ml_format_ipv6(const char *s, size_t len)
{
    char             text[INET6_ADDRSTRLEN];
    struct in6_addr  address;

    if (len >= sizeof(text) || memchr(s, '\0', len)) {
        return 0;
    }

    memcpy(text, s, len);
    text[len] = '\0';

    return inet_pton(AF_INET6, text, &address) == 1;
}


/* Hyphens at the third and fourth place are those of an A-label only. */
static int
ml_format_host(const char *s, size_t len)
{
    size_t  i, start;

    if (len > 253) {
        return 0;
    }

    for (i = 0, start = 0; i <= len; i++) {

        if (i < len && s[i] != '.') {
            continue;
        }

        if (i - start >= 4 && s[start + 2] == '-' && s[start + 3] == '-'
            && ((s[start] | 0x20) != 'x' || (s[start + 1] | 0x20) != 'n'))
        {
            return 0;
        }

        start = i + 1;
    }

    return 1;
}


/* The address in a literal, [IPv6:...], behind the last "@". */
static int
ml_format_email(const char *s, size_t len)
{
    const char  *at;

    for (at = s + len; at[-1] != '@'; at--) {
        /* void */
    }

    len -= (size_t) (at - s);

    if (len > 7 && at[0] == '[' && at[1] == 'I') {
        return ml_format_ipv6(at + 6, len - 7);
    }

    return at[0] == '[' || ml_format_host(at, len);
}


/* The address of an authority in brackets, which only an IPv6 one has. */
static int
ml_format_uri(const char *s, size_t len)
{
    const char  *open, *close;

    open = memchr(s, '[', len);
    close = open ? memchr(open, ']', len - (size_t) (open - s)) : NULL;

    return close == NULL || (open[1] | 0x20) == 'v'
           || ml_format_ipv6(open + 1, (size_t) (close - open) - 1);
}


static int
ml_format_regex(const char *s, size_t len)
{
    char           error[16];
    ml_pattern_t  *pattern;

    pattern = ml_pattern_compile(s, len, error, sizeof(error));
    ml_pattern_destroy(pattern);

    return pattern != NULL;
}


static const ml_format_t  ml_formats[] = {
    { "date", DATE, ml_format_date },
    { "time", TIME, ml_format_time },
    { "date-time", DATE "[tT]" TIME, ml_format_date_time },
    { "duration", DURATION, NULL },
    { "email", "(" WORD "(\\." WORD ")*|" QUOTED ")@(" HOST "|" LITERAL ")",
      ml_format_email },
    { "idn-email", "(" IDN_WORD "(\\." IDN_WORD ")*|" QUOTED ")@(" IDN_HOST
      "|" LITERAL ")", NULL },
    { "hostname", HOST, ml_format_host },
    { "idn-hostname", IDN_HOST, ml_format_host },
    { "ipv4", IPV4, NULL },
    { "ipv6", NULL, ml_format_ipv6 },
    { "uri", URI(""), ml_format_uri },
    { "uri-reference", URI("") "|" RELATIVE(""), ml_format_uri },
    { "iri", URI(WIDE), ml_format_uri },
    { "iri-reference", URI(WIDE) "|" RELATIVE(WIDE), ml_format_uri },
    { "uri-template", TEMPLATE, NULL },
    { "uuid", "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", NULL },
    { "json-pointer", "(/([^~/]|~[01])*)*", NULL },
    { "relative-json-pointer", "(0|[1-9]\\d*)([+-](0|[1-9]\\d*))?"
      "(#|(/([^~/]|~[01])*)*)", NULL },
    { "regex", NULL, ml_format_regex }
};

#define ML_FORMATS  (sizeof(ml_formats) / sizeof(ml_formats[0]))


static ml_pattern_t  *ml_format_patterns[ML_FORMATS];


const ml_format_t *
ml_format_find(const char *name, size_t len)
{
    char    grammar[4096], error[128];
    size_t  i;

    for (i = 0; i < ML_FORMATS; i++) {
        if (strlen(ml_formats[i].name) == len
            && memcmp(ml_formats[i].name, name, len) == 0)
        {
            break;
        }
    }

    if (i == ML_FORMATS) {
        return NULL;
    }

    if (ml_formats[i].grammar && ml_format_patterns[i] == NULL) {
        (void) snprintf(grammar, sizeof(grammar), "^(?:%s)$",
                        ml_formats[i].grammar);
        ml_format_patterns[i] = ml_pattern_compile(grammar, strlen(grammar),
                                                   error, sizeof(error));
    }

    return &ml_formats[i];
}


const char *
ml_format_name(const ml_format_t *format)
{
    return format->name;
}


ml_pattern_e
ml_format_check(const ml_format_t *format, const char *s, size_t len)
{
    ml_pattern_e         found;
    const ml_pattern_t  *pattern;

    if (format->grammar) {
        pattern = ml_format_patterns[format - ml_formats];

        if (pattern == NULL) {
            return ML_PATTERN_MEMORY;
        }

        found = ml_pattern_search(pattern, s, len);

        if (found != ML_PATTERN_FOUND) {
            return found;
        }
    }

    return format->check == NULL || format->check(s, len)
           ? ML_PATTERN_FOUND : ML_PATTERN_MISSED;
}
