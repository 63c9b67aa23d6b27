/* Text without its disguises; see ml_fold.h. */

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "ml_confusables.h"
#include "ml_fold.h"


/* The most that one character decomposes into; U+FDFA has 18. */
#define ML_FOLD_POINTS  32


typedef struct {
    uint32_t  point;
    char      letter;
} ml_fold_look_t;


static ml_fold_look_t  *ml_fold_looks;
static size_t           ml_fold_nlooks;


static int
ml_fold_look_compare(const void *a, const void *b)
{
    uint32_t  x, y;

    x = ((const ml_fold_look_t *) a)->point;
    y = ((const ml_fold_look_t *) b)->point;

    return x < y ? -1 : x > y;
}


int
ml_fold_setup(void)
{
    size_t                   n;
    const char              *p;
    utf8proc_int32_t         point;
    const ml_confusables_t  *list;

    if (ml_fold_looks) {
        return 0;
    }

    for (n = 0, list = ml_confusables; list->letter; list++) {
        n += strlen(list->text);
    }

    ml_fold_looks = malloc(n * sizeof(ml_fold_look_t));

    if (ml_fold_looks == NULL) {
        return -1;
    }

    for (list = ml_confusables; list->letter; list++) {
        for (p = list->text; *p; ml_fold_nlooks++) {
            p += utf8proc_iterate((const utf8proc_uint8_t *) p, -1, &point);

            ml_fold_looks[ml_fold_nlooks].point = (uint32_t) point;
            ml_fold_looks[ml_fold_nlooks].letter = list->letter;
        }
    }

    qsort(ml_fold_looks, ml_fold_nlooks, sizeof(ml_fold_look_t),
          ml_fold_look_compare);

    return 0;
}


void
ml_fold_init(ml_fold_t *fold, ml_fold_pt sink, void *data)
{
    fold->sink = sink;
    fold->data = data;

    ml_fold_start(fold);
}


void
ml_fold_start(ml_fold_t *fold)
{
    fold->rest = 0;
    fold->space = 1;
    fold->nhidden = 0;
    fold->len = 0;
}


static int
ml_fold_flush(ml_fold_t *fold)
{
    size_t  len;

    len = fold->len;
    fold->len = 0;

    return len ? fold->sink(fold->data, fold->buffer, len) : 0;
}


static int
ml_fold_put(ml_fold_t *fold, const char *bytes, size_t len)
{
    if (fold->len + len > ML_FOLD_BUFFER && ml_fold_flush(fold) != 0) {
        return -1;
    }

    memcpy(fold->buffer + fold->len, bytes, len);
    fold->len += len;

    return 0;
}


static int
ml_fold_space(ml_fold_t *fold)
{
    if (fold->space) {
        return 0;
    }

    fold->space = 1;

    return ml_fold_put(fold, " ", 1);
}


static int
ml_fold_ascii(ml_fold_t *fold, char c)
{
    if (c <= ' ' || c == 0x7f) {
        return ml_fold_space(fold);
    }

    fold->space = 0;
    c = c >= 'A' && c <= 'Z' ? (char) (c | 0x20) : c;

    return ml_fold_put(fold, &c, 1);
}


/* A character that is decomposed already. */
static int
ml_fold_point(ml_fold_t *fold, uint32_t point)
{
    int                    boundary, i, n;
    ml_fold_look_t        *look, key;
    utf8proc_int32_t       points[ML_FOLD_POINTS];
    utf8proc_uint8_t       bytes[4];
    utf8proc_category_t    category;

    if (point < 0x80) {
        return ml_fold_ascii(fold, (char) point);
    }

    category = utf8proc_category((utf8proc_int32_t) point);

    if (category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_CC) {
        return ml_fold_space(fold);
    }

    key.point = point;
    look = bsearch(&key, ml_fold_looks, ml_fold_nlooks,
                   sizeof(ml_fold_look_t), ml_fold_look_compare);

    if (look) {
        return ml_fold_ascii(fold, look->letter);
    }

    boundary = 0;
    n = (int) utf8proc_decompose_char((utf8proc_int32_t) point, points,
                                      ML_FOLD_POINTS, UTF8PROC_CASEFOLD
                                                      |UTF8PROC_DECOMPOSE
                                                      |UTF8PROC_STRIPMARK,
                                      &boundary);
    fold->space = 0;

    for (i = 0; i < n && i < ML_FOLD_POINTS; i++) {
        if (ml_fold_put(fold, (char *) bytes,
                        (size_t) utf8proc_encode_char(points[i], bytes))
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


static int
ml_fold_character(ml_fold_t *fold, uint32_t point)
{
    int               boundary, i, n;
    utf8proc_int32_t  points[ML_FOLD_POINTS];

    if (point >= 0xe0020 && point <= 0xe007e) {

        if (fold->nhidden < ML_FOLD_HIDDEN) {
            fold->hidden[fold->nhidden++] = (char) (point - 0xe0000);
        }

        return 0;
    }

    if (!utf8proc_codepoint_valid((utf8proc_int32_t) point)) {
        return ml_fold_space(fold);
    }

    boundary = 0;
    n = (int) utf8proc_decompose_char((utf8proc_int32_t) point, points,
                                      ML_FOLD_POINTS, UTF8PROC_DECOMPOSE
                                                      |UTF8PROC_COMPAT
                                                      |UTF8PROC_IGNORE
                                                      |UTF8PROC_STRIPMARK,
                                      &boundary);

    for (i = 0; i < n && i < ML_FOLD_POINTS; i++) {
        if (ml_fold_point(fold, (uint32_t) points[i]) != 0) {
            return -1;
        }
    }

    return 0;
}


int
ml_fold_feed(ml_fold_t *fold, const char *bytes, size_t len)
{
    int            rc;
    size_t         i;
    unsigned char  c;

    for (i = 0; i < len; i++) {
        c = (unsigned char) bytes[i];
        rc = 0;

        if (fold->rest && (c & 0xc0) == 0x80) {
            fold->point = fold->point << 6 | (c & 0x3f);

            if (--fold->rest == 0) {
                rc = ml_fold_character(fold, fold->point);
            }

        } else if (c < 0x80) {
            fold->rest = 0;
            rc = ml_fold_ascii(fold, (char) c);

        } else if (c >= 0xc2 && c <= 0xf4) {
            fold->rest = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
            fold->point = c & (0x3f >> fold->rest);

        } else {
            fold->rest = 0;
            rc = ml_fold_space(fold);
        }

        if (rc != 0) {
            return -1;
        }
    }

    /* so that what is found does not depend on how the text was split */

    return ml_fold_flush(fold);
}


int
ml_fold_end(ml_fold_t *fold)
{
    fold->rest = 0;

    return ml_fold_flush(fold);
}


const char *
ml_fold_hidden(const ml_fold_t *fold, size_t *len)
{
    *len = fold->nhidden;

    return fold->hidden;
}
