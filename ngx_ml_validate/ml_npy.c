/* Bodies in numpy's file format; see ml_npy.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_npy.h"


#define ML_NPY_MAGIC  "\x93NUMPY"


typedef struct {
    ml_raw_t   raw;                 /* first: its operations are shared */
    uint64_t   elements;            /* that the header announces */
    size_t     len;                 /* of what of the header has come */
    size_t     need;                /* of all of it; 0: not known yet */
    int        done;                /* the header is read */
    char       header[12 + ML_NPY_HEADER];
} ml_npy_t;


typedef struct {
    const char  *p;
    const char  *end;
} ml_npy_text_t;


/* numpy's names of the types that a schema may ask for. */
static const struct {
    ml_dtype_e   dtype;
    const char  *name;
} ml_npy_types[] = {
    { ML_DTYPE_BOOL, "|b1" },
    { ML_DTYPE_INT8, "|i1" }, { ML_DTYPE_UINT8, "|u1" },
    { ML_DTYPE_INT16, "<i2" }, { ML_DTYPE_UINT16, "<u2" },
    { ML_DTYPE_INT32, "<i4" }, { ML_DTYPE_UINT32, "<u4" },
    { ML_DTYPE_INT64, "<i8" }, { ML_DTYPE_UINT64, "<u8" },
    { ML_DTYPE_FLOAT16, "<f2" }, { ML_DTYPE_FLOAT32, "<f4" },
    { ML_DTYPE_FLOAT64, "<f8" }
};

#define ML_NPY_TYPES  (sizeof(ml_npy_types) / sizeof(ml_npy_types[0]))


/* Spaces, and whether that is next; if it is, behind it. */

static int
ml_npy_skip(ml_npy_text_t *text, const char *word)
{
    size_t  len;

    while (text->p < text->end && *text->p == ' ') {
        text->p++;
    }

    len = strlen(word);

    if ((size_t) (text->end - text->p) < len
        || memcmp(text->p, word, len) != 0)
    {
        return 0;
    }

    text->p += len;

    return 1;
}


/* A string without escapes, in either quotes; NULL when there is none. */

static const char *
ml_npy_string(ml_npy_text_t *text, size_t *len)
{
    char         quote;
    const char  *start, *end;

    quote = ml_npy_skip(text, "'") ? '\'' : ml_npy_skip(text, "\"") ? '"' : 0;
    start = text->p;

    if (quote == 0) {
        return NULL;
    }

    end = memchr(start, quote, (size_t) (text->end - start));

    if (end == NULL || memchr(start, '\\', (size_t) (end - start))) {
        return NULL;
    }

    *len = (size_t) (end - start);
    text->p = end + 1;

    return start;
}


/* A tuple of dimensions, at most those of a tensor; -1 when it is none. */

static int
ml_npy_shape(ml_npy_text_t *text, int64_t *dims)
{
    int      n;
    int64_t  dim;

    if (!ml_npy_skip(text, "(")) {
        return -1;
    }

    for (n = 0; !ml_npy_skip(text, ")"); n++) {

        if (n == ML_TENSOR_MAX_RANK || text->p == text->end
            || *text->p < '0' || *text->p > '9')
        {
            return -1;
        }

        dim = 0;

        while (text->p < text->end && *text->p >= '0' && *text->p <= '9') {
            if (__builtin_mul_overflow(dim, (int64_t) 10, &dim)
                || __builtin_add_overflow(dim, (int64_t) (*text->p - '0'),
                                          &dim))
            {
                return -1;
            }

            text->p++;
        }

        dims[n] = dim;

        if (!ml_npy_skip(text, ",")) {

            /* "(3)" is a number in brackets */

            return n > 0 && ml_npy_skip(text, ")") ? n + 1 : -1;
        }
    }

    return n;
}


static int
ml_npy_is(const char *string, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(string, word, len) == 0;
}


/* Whether the array is the schema's, and how many elements it has. */

static const char *
ml_npy_matches(ml_npy_t *npy, const char *descr, size_t len,
    const int64_t *dims, int rank)
{
    int                      i;
    size_t                   t;
    const ml_tensor_spec_t  *spec;

    spec = &npy->raw.schema->spec;

    for (t = 0; t < ML_NPY_TYPES && ml_npy_types[t].dtype != spec->dtype; t++)
    {
        /* void */
    }

    /* numpy has no name for bfloat16 */

    if (t == ML_NPY_TYPES || !ml_npy_is(descr, len, ml_npy_types[t].name)) {
        return "the array is of another type";
    }

    if (rank != (int) spec->rank) {
        return "the array has another number of dimensions";
    }

    npy->elements = 1;

    for (i = 0; i < rank; i++) {

        if (spec->dims[i] == -1 ? dims[i] < 1 || dims[i] > spec->bound
                                : dims[i] != spec->dims[i])
        {
            return "the array has another shape";
        }

        /* no more than the schema's, which fits */
        npy->elements *= (uint64_t) dims[i];
    }

    return NULL;
}


/* The literal; NULL, or what is wrong with it. */

static const char *
ml_npy_literal(ml_npy_t *npy, ml_npy_text_t *text)
{
    int          rank, seen, bit;
    size_t       len, descr_len;
    int64_t      dims[ML_TENSOR_MAX_RANK];
    const char  *key, *descr;

    static const char  wrong[] = "the header is not understood";

    seen = 0;
    rank = 0;
    descr = NULL;
    descr_len = 0;

    if (!ml_npy_skip(text, "{")) {
        return wrong;
    }

    while (!ml_npy_skip(text, "}")) {

        key = ml_npy_string(text, &len);

        if (key == NULL || !ml_npy_skip(text, ":")) {
            return wrong;
        }

        if (ml_npy_is(key, len, "descr")) {
            bit = 1;
            descr = ml_npy_string(text, &descr_len);

            if (descr == NULL) {
                return "the array is of another type";
            }

        } else if (ml_npy_is(key, len, "fortran_order")) {
            bit = 2;

            if (!ml_npy_skip(text, "False")) {
                return ml_npy_skip(text, "True")
                       ? "the array is in Fortran order" : wrong;
            }

        } else if (ml_npy_is(key, len, "shape")) {
            bit = 4;
            rank = ml_npy_shape(text, dims);

            if (rank < 0) {
                return wrong;
            }

        } else {
            return wrong;
        }

        if (seen & bit) {
            return wrong;
        }

        seen |= bit;

        if (!ml_npy_skip(text, ",")) {

            if (!ml_npy_skip(text, "}")) {
                return wrong;
            }

            break;
        }
    }

    /* then spaces, and a newline at the very end */

    if (seen != 7 || !ml_npy_skip(text, "\n") || text->p != text->end) {
        return wrong;
    }

    return ml_npy_matches(npy, descr, descr_len, dims, rank);
}


static ml_body_status_e
ml_npy_reject(ml_npy_t *npy, const char *why)
{
    ml_violation_value(&npy->raw.violation, why);

    return ml_raw_reject(&npy->raw);
}


/*
 * Takes bytes of the header, as many as it needs; returns how many.  They
 * are looked at as soon as they tell something.
 */
static size_t
ml_npy_header(ml_npy_t *npy, const char *bytes, size_t len)
{
    size_t          take, fixed;
    const char     *why;
    ml_npy_text_t   text;

    /* magic, version, and the length in 2 bytes or, from 2.0 on, 4 */

    fixed = npy->len > 6 && npy->header[6] > 1 ? 12 : 10;
    take = (npy->need ? npy->need : npy->len < 7 ? 7 : fixed) - npy->len;
    take = len < take ? len : take;

    memcpy(npy->header + npy->len, bytes, take);
    npy->len += take;

    if (memcmp(npy->header, ML_NPY_MAGIC, npy->len < 6 ? npy->len : 6) != 0) {
        (void) ml_npy_reject(npy, "not a file of numpy's");
        return take;
    }

    if (npy->len >= 7 && (npy->header[6] < 1 || npy->header[6] > 3)) {
        (void) ml_npy_reject(npy, "a version of numpy's format that is not "
                             "known");
        return take;
    }

    if (npy->need == 0 && npy->len >= 7) {
        fixed = npy->header[6] > 1 ? 12 : 10;

        if (npy->len < fixed) {
            return take;
        }

        npy->need = (unsigned char) npy->header[8]
                    | (size_t) (unsigned char) npy->header[9] << 8;

        if (fixed == 12) {
            npy->need |= (size_t) (unsigned char) npy->header[10] << 16
                         | (size_t) (unsigned char) npy->header[11] << 24;
        }

        if (npy->header[7] != 0 || npy->need > ML_NPY_HEADER) {
            (void) ml_npy_reject(npy, "the header is not understood");
            return take;
        }

        npy->need += fixed;
    }

    if (npy->need == 0 || npy->len < npy->need) {
        return take;
    }

    text.p = npy->header + (npy->header[6] > 1 ? 12 : 10);
    text.end = npy->header + npy->need;

    why = ml_npy_literal(npy, &text);

    if (why) {
        (void) ml_npy_reject(npy, why);
        return take;
    }

    npy->done = 1;
    npy->raw.most = npy->elements * npy->raw.schema->size;

    return take;
}


static ml_body_status_e
ml_npy_feed(ml_body_t *body, const char *bytes, size_t len)
{
    size_t     taken;
    ml_npy_t  *npy;

    npy = (ml_npy_t *) body;

    while (!npy->done && len && npy->raw.status == ML_BODY_MORE) {
        taken = ml_npy_header(npy, bytes, len);
        bytes += taken;
        len -= taken;
    }

    return ml_raw_feed(&npy->raw, bytes, len);
}


static ml_body_status_e
ml_npy_finish(ml_body_t *body)
{
    ml_npy_t  *npy;

    npy = (ml_npy_t *) body;

    if (npy->raw.status == ML_BODY_MORE
        && (!npy->done || npy->raw.total < npy->raw.most))
    {
        return ml_npy_reject(npy, "the file is cut off");
    }

    return ml_raw_finish(&npy->raw);
}


ml_body_t *
ml_npy_create(const ml_schema_tensor_t *schema)
{
    ml_npy_t  *npy;

    static const ml_body_ops_t  ops = {
        ml_npy_feed,
        ml_npy_finish,
        ml_raw_error,
        ml_raw_tensors,
        NULL,
        NULL,
        ml_raw_destroy
    };

    npy = calloc(1, sizeof(ml_npy_t));

    if (npy == NULL) {
        return NULL;
    }

    ml_raw_init(&npy->raw, &ops, schema);

    return &npy->raw.body;
}
