/* Bodies of one file in a form; see ml_multipart.h. */

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ml_multipart.h"
#include "ml_npy.h"
#include "ml_violation.h"


typedef enum {
    ML_MULTIPART_OPEN = 0,          /* --boundary CRLF */
    ML_MULTIPART_HEAD,              /* headers, up to an empty line */
    ML_MULTIPART_FILE,
    ML_MULTIPART_CLOSE              /* -- CRLF, the latter may be missing */
} ml_multipart_state_e;


typedef struct {
    ml_body_t                   body;
    const ml_multipart_file_t  *file;
    ml_multipart_state_e        state;
    ml_body_status_e            status;

    /* CR LF -- boundary; how much of it, or of what else, was just there */
    char                        delimiter[ML_MULTIPART_BOUNDARY + 4];
    size_t                      length;
    size_t                      matched;

    char                        head[ML_MULTIPART_HEADERS];
    size_t                      nhead;

    ml_body_t                  *part;       /* NULL: not there yet */
    ml_violation_t              violation;
} ml_multipart_t;


const char *
ml_multipart_boundary(const char *type, size_t len, size_t *n)
{
    int          quoted;
    size_t       i;
    const char  *p, *end;

    static const char  form[] = "multipart/form-data";
    static const char  name[] = "boundary=";
    static const char  other[] = "'()+_,-./:=?";

    end = type + len;

    if (len < sizeof(form) - 1
        || strncasecmp(type, form, sizeof(form) - 1) != 0)
    {
        return NULL;
    }

    p = type + sizeof(form) - 1;

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if (p == end || *p++ != ';') {
        return NULL;
    }

    while (p < end && (*p == ' ' || *p == '\t')) {
        p++;
    }

    if ((size_t) (end - p) < sizeof(name) - 1
        || strncasecmp(p, name, sizeof(name) - 1) != 0)
    {
        return NULL;
    }

    p += sizeof(name) - 1;
    quoted = end - p >= 2 && *p == '"' && end[-1] == '"';
    p += quoted;
    *n = (size_t) (end - p) - (size_t) quoted;

    if (*n == 0 || *n > ML_MULTIPART_BOUNDARY) {
        return NULL;
    }

    for (i = 0; i < *n; i++) {
        if (!((p[i] >= '0' && p[i] <= '9')
              || ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z')
              || (p[i] && strchr(other, p[i]))))
        {
            return NULL;
        }
    }

    return p;
}


static int
ml_multipart_refuse(ml_multipart_t *m, const char *why)
{
    ml_violation_value(&m->violation, why);
    m->status = ml_violation_failed(&m->violation) ? ML_BODY_FAILED
                                                   : ML_BODY_REJECTED;
    return -1;
}


/* A part's header of that name: its value, or NULL; -1 in *len: several. */
static const char *
ml_multipart_header(const ml_multipart_t *m, const char *name, size_t *len)
{
    size_t       n, size;
    const char  *line, *end, *last, *found;

    found = NULL;
    *len = 0;
    n = strlen(name);
    last = m->head + m->nhead;

    for (line = m->head; line < last; line = end + 2) {
        end = line;

        while (end + 1 < last && !(end[0] == '\r' && end[1] == '\n')) {
            end++;
        }

        size = (size_t) (end - line);

        if (size <= n || line[n] != ':' || strncasecmp(line, name, n) != 0) {
            continue;
        }

        if (found) {
            *len = (size_t) -1;
            return found;
        }

        found = line + n + 1;

        while (found < end && (*found == ' ' || *found == '\t')) {
            found++;
        }

        *len = (size_t) (end - found);
    }

    return found;
}


/* "filename=", or "filename*=". */
static int
ml_multipart_names_file(const char *text, size_t len)
{
    size_t  i;

    static const char  name[] = "filename";

    for (i = 0; i + sizeof(name) <= len; i++) {
        if (strncasecmp(text + i, name, sizeof(name) - 1) == 0
            && (text[i + sizeof(name) - 1] == '='
                || text[i + sizeof(name) - 1] == '*'))
        {
            return 1;
        }
    }

    return 0;
}


/* The reader of the file, by what the part's headers say. */
static int
ml_multipart_start(ml_multipart_t *m)
{
    size_t        len, i;
    const char   *text, *name;

    static const char  form[] = "form-data;";

    text = ml_multipart_header(m, "Content-Disposition", &len);

    if (text == NULL || len == (size_t) -1 || len < sizeof(form) - 1
        || strncasecmp(text, form, sizeof(form) - 1) != 0
        || !ml_multipart_names_file(text, len))
    {
        return ml_multipart_refuse(m, "the part is no file of a form");
    }

    text = ml_multipart_header(m, "Content-Transfer-Encoding", &len);

    if (text) {
        return ml_multipart_refuse(m, "the part is encoded");
    }

    text = ml_multipart_header(m, "Content-Type", &len);

    if (len == (size_t) -1) {
        return ml_multipart_refuse(m, "the part has several types");
    }

    if (m->file->npy) {

        if (text && !(len == 24
                      && strncasecmp(text, "application/octet-stream", 24)
                         == 0)
            && !(len == 17
                 && strncasecmp(text, "application/x-npy", 17) == 0))
        {
            return ml_multipart_refuse(m, "the part is of another type");
        }

        m->part = ml_npy_create(m->file->npy);

    } else {

        for (i = 0; i < ML_IMAGE_TYPES; i++) {
            name = ml_image_media_type((ml_image_type_e) i);

            if (text && len == strlen(name)
                && strncasecmp(text, name, len) == 0
                && (m->file->types == 0 || (m->file->types >> i & 1)))
            {
                break;
            }
        }

        if (i == ML_IMAGE_TYPES) {
            return ml_multipart_refuse(m, "the part is of another type");
        }

        m->part = ml_image_create((ml_image_type_e) i, m->file->image);
    }

    if (m->part == NULL) {
        m->status = ML_BODY_FAILED;
        return -1;
    }

    return 0;
}


/* What the reader of the file says. */
static int
ml_multipart_verdict(ml_multipart_t *m, ml_body_status_e status)
{
    if (status == ML_BODY_MORE || status == ML_BODY_PASSED) {
        return 0;
    }

    m->status = status;

    if (status == ML_BODY_REJECTED) {
        m->violation.error = *m->part->ops->error(m->part);
    }

    return -1;
}


static int
ml_multipart_give(ml_multipart_t *m, const char *bytes, size_t len)
{
    return len == 0 ? 0
           : ml_multipart_verdict(m, m->part->ops->feed(m->part, bytes, len));
}


/* The delimiter without the line break, which comes behind it. */
static int
ml_multipart_open(ml_multipart_t *m, char c)
{
    size_t  at;

    at = m->matched++ + 2;

    if (c != (at < m->length ? m->delimiter[at] : "\r\n"[at - m->length])) {
        return ml_multipart_refuse(m, "it does not begin with its boundary");
    }

    if (at == m->length + 1) {
        m->state = ML_MULTIPART_HEAD;
        m->matched = 0;
    }

    return 0;
}


static int
ml_multipart_head(ml_multipart_t *m, char c)
{
    if (m->nhead == ML_MULTIPART_HEADERS) {
        return ml_multipart_refuse(m, "the headers of its part are too long");
    }

    m->head[m->nhead++] = c;

    if (m->nhead < 4 || memcmp(m->head + m->nhead - 4, "\r\n\r\n", 4) != 0) {
        return 0;
    }

    m->state = ML_MULTIPART_FILE;

    return ml_multipart_start(m);
}


/* Bytes of the file, up to the delimiter; returns how many were taken. */
static size_t
ml_multipart_file(ml_multipart_t *m, const char *bytes, size_t len)
{
    size_t       i, n;
    const char  *cr;

    if (m->matched == 0) {
        cr = memchr(bytes, '\r', len);
        n = cr ? (size_t) (cr - bytes) : len;
        (void) ml_multipart_give(m, bytes, n);

        if (cr) {
            m->matched = 1;
            n++;
        }

        return n;
    }

    for (i = 0; i < len && m->matched < m->length; i++) {

        if (bytes[i] == m->delimiter[m->matched]) {
            m->matched++;
            continue;
        }

        /* no CR but the first is in it: it can begin nowhere else */

        n = m->matched;
        m->matched = 0;
        (void) ml_multipart_give(m, m->delimiter, n);

        return i;
    }

    if (m->matched == m->length) {
        m->state = ML_MULTIPART_CLOSE;
        m->matched = 0;
    }

    return i;
}


static ml_body_status_e
ml_multipart_feed(ml_body_t *body, const char *bytes, size_t len)
{
    size_t           n;
    ml_multipart_t  *m = (ml_multipart_t *) body;

    for ( /* void */ ; len && m->status == ML_BODY_MORE; bytes += n, len -= n)
    {
        n = 1;

        switch (m->state) {

        case ML_MULTIPART_OPEN:
            (void) ml_multipart_open(m, *bytes);
            break;

        case ML_MULTIPART_HEAD:
            (void) ml_multipart_head(m, *bytes);
            break;

        case ML_MULTIPART_FILE:
            n = ml_multipart_file(m, bytes, len);
            break;

        default: /* ML_MULTIPART_CLOSE */

            if (m->matched == 4 || *bytes != "--\r\n"[m->matched]) {
                (void) ml_multipart_refuse(m, "there is something behind its "
                                              "file");
            }

            m->matched++;
        }
    }

    return m->status;
}


static ml_body_status_e
ml_multipart_finish(ml_body_t *body)
{
    ml_multipart_t  *m = (ml_multipart_t *) body;

    if (m->status != ML_BODY_MORE) {
        return m->status;
    }

    if (m->state != ML_MULTIPART_CLOSE
        || (m->matched != 2 && m->matched != 4))
    {
        (void) ml_multipart_refuse(m, "it ends before its last boundary");

    } else if (ml_multipart_verdict(m, m->part->ops->finish(m->part)) == 0) {
        m->status = ML_BODY_PASSED;
    }

    return m->status;
}


static const ml_error_t *
ml_multipart_error(const ml_body_t *body)
{
    return &((const ml_multipart_t *) body)->violation.error;
}


static ml_tensor_t *
ml_multipart_tensors(ml_body_t *body, uint32_t *n)
{
    ml_multipart_t  *m = (ml_multipart_t *) body;

    *n = 0;

    return m->part ? m->part->ops->tensors(m->part, n) : NULL;
}


static void
ml_multipart_destroy(ml_body_t *body)
{
    ml_multipart_t  *m = (ml_multipart_t *) body;

    if (m->part) {
        m->part->ops->destroy(m->part);
    }

    ml_violation_free(&m->violation);
    free(m);
}


ml_body_t *
ml_multipart_create(const char *boundary, size_t len,
    const ml_multipart_file_t *file)
{
    ml_multipart_t  *m;

    static const ml_body_ops_t  ops = {
        ml_multipart_feed,
        ml_multipart_finish,
        ml_multipart_error,
        ml_multipart_tensors,
        NULL,
        NULL,
        ml_multipart_destroy
    };

    m = calloc(1, sizeof(ml_multipart_t));

    if (m == NULL) {
        return NULL;
    }

    m->body.ops = &ops;
    m->file = file;
    m->length = len + 4;

    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary, len);
    ml_violation_init(&m->violation);

    return &m->body;
}
