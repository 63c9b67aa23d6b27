/* References between URIs; see ml_uri.h. */

#include <string.h>

#include "ml_uri.h"


typedef struct {
    const char  *data;              /* NULL: not there */
    size_t       len;
} ml_uri_part_t;


/* RFC 3986, section 3; the delimiters are not part of the parts. */
typedef struct {
    ml_uri_part_t  scheme;
    ml_uri_part_t  authority;
    ml_uri_part_t  path;
    ml_uri_part_t  query;
    ml_uri_part_t  fragment;
} ml_uri_t;


static int
ml_uri_scheme_char(char c, int first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
        return 1;
    }

    return !first && ((c >= '0' && c <= '9') || c == '+' || c == '-'
                      || c == '.');
}


/* The bytes from *p up to one of "stop", and *p moved behind them. */
static ml_uri_part_t
ml_uri_take(const char **p, const char *end, const char *stop)
{
    ml_uri_part_t  part;

    part.data = *p;

    while (*p < end && strchr(stop, **p) == NULL) {
        (*p)++;
    }

    part.len = (size_t) (*p - part.data);

    return part;
}


/* RFC 3986, appendix B. */
static void
ml_uri_split(ml_uri_t *uri, const char *p, size_t len)
{
    size_t       n;
    const char  *end;

    memset(uri, 0, sizeof(ml_uri_t));
    end = p + len;

    for (n = 0; n < len && ml_uri_scheme_char(p[n], n == 0); n++) {
        /* void */
    }

    if (n && n < len && p[n] == ':') {
        uri->scheme.data = p;
        uri->scheme.len = n;
        p += n + 1;
    }

    if (end - p >= 2 && p[0] == '/' && p[1] == '/') {
        p += 2;
        uri->authority = ml_uri_take(&p, end, "/?#");
    }

    uri->path = ml_uri_take(&p, end, "?#");

    if (p < end && *p == '?') {
        p++;
        uri->query = ml_uri_take(&p, end, "#");
    }

    if (p < end) {
        uri->fragment.data = p + 1;
        uri->fragment.len = (size_t) (end - p) - 1;
    }
}


static int
ml_uri_starts(const char *p, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(p, with, strlen(with)) == 0;
}


/* RFC 3986, section 5.2.4; "from" is where the path begins in "out". */
static void
ml_uri_append_path(ml_text_t *out, const char *p, size_t len)
{
    size_t  from, n;

    from = out->len;

    while (len) {

        if (ml_uri_starts(p, len, "../")) {
            n = 3;

        } else if (ml_uri_starts(p, len, "./")
                   || ml_uri_starts(p, len, "/./"))
        {
            n = 2;

        } else if (len == 2 && memcmp(p, "/.", 2) == 0) {
            ml_text_append(out, "/", 1);
            return;

        } else if (ml_uri_starts(p, len, "/../")
                   || (len == 3 && memcmp(p, "/..", 3) == 0))
        {
            while (!out->failed && out->len > from
                   && out->data[--out->len] != '/')
            {
                /* void */
            }

            if (len == 3) {
                ml_text_append(out, "/", 1);
                return;
            }

            n = 3;

        } else if ((len == 1 && *p == '.')
                   || (len == 2 && memcmp(p, "..", 2) == 0))
        {
            return;

        } else {
            for (n = 1; n < len && p[n] != '/'; n++) {
                /* void */
            }

            ml_text_append(out, p, n);
        }

        p += n;
        len -= n;
    }
}


/* RFC 3986, section 5.2.3. */
static void
ml_uri_merge(ml_text_t *out, const ml_uri_t *base, const ml_uri_part_t *path)
{
    size_t     n;
    ml_text_t  merged;

    ml_text_init(&merged);

    if (base->authority.data && base->path.len == 0) {
        ml_text_append(&merged, "/", 1);

    } else {
        for (n = base->path.len; n && base->path.data[n - 1] != '/'; n--) {
            /* void */
        }

        ml_text_append(&merged, base->path.data, n);
    }

    ml_text_append(&merged, path->data, path->len);

    if (merged.failed) {
        out->failed = 1;

    } else {
        ml_uri_append_path(out, merged.data, merged.len);
    }

    ml_text_free(&merged);
}


static void
ml_uri_append(ml_text_t *out, const char *before, const ml_uri_part_t *part,
    const char *after)
{
    if (part->data) {
        ml_text_append(out, before, strlen(before));
        ml_text_append(out, part->data, part->len);
        ml_text_append(out, after, strlen(after));
    }
}


/* RFC 3986, section 5.2.2. */
void
ml_uri_resolve(ml_text_t *out, const char *base_text, size_t base_len,
    const char *reference, size_t len)
{
    ml_uri_t  base, r;

    ml_uri_split(&base, base_text, base_len);
    ml_uri_split(&r, reference, len);

    if (r.scheme.data) {
        ml_uri_append(out, "", &r.scheme, ":");
        ml_uri_append(out, "//", &r.authority, "");
        ml_uri_append_path(out, r.path.data, r.path.len);
        ml_uri_append(out, "?", &r.query, "");
        ml_uri_append(out, "#", &r.fragment, "");
        return;
    }

    ml_uri_append(out, "", &base.scheme, ":");

    if (r.authority.data) {
        ml_uri_append(out, "//", &r.authority, "");
        ml_uri_append_path(out, r.path.data, r.path.len);
        ml_uri_append(out, "?", &r.query, "");

    } else {
        ml_uri_append(out, "//", &base.authority, "");

        if (r.path.len == 0) {
            ml_text_append(out, base.path.data, base.path.len);
            ml_uri_append(out, "?", r.query.data ? &r.query : &base.query,
                          "");

        } else {

            if (r.path.data[0] == '/') {
                ml_uri_append_path(out, r.path.data, r.path.len);

            } else {
                ml_uri_merge(out, &base, &r.path);
            }

            ml_uri_append(out, "?", &r.query, "");
        }
    }

    ml_uri_append(out, "#", &r.fragment, "");
}


size_t
ml_uri_fragment(const char *uri, size_t len)
{
    const char  *p;

    p = len ? memchr(uri, '#', len) : NULL;

    return p ? (size_t) (p - uri) : len;
}


static int
ml_uri_hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


size_t
ml_uri_decode(char *s, size_t len)
{
    int     high, low;
    size_t  i, n;

    for (i = 0, n = 0; i < len; i++) {

        if (s[i] == '%' && len - i > 2) {
            high = ml_uri_hex(s[i + 1]);
            low = ml_uri_hex(s[i + 2]);

            if (high >= 0 && low >= 0) {
                s[n++] = (char) (high * 16 + low);
                i += 2;
                continue;
            }
        }

        s[n++] = s[i];
    }

    return n;
}
