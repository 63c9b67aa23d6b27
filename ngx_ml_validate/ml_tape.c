/* A compact, bounded form of a JSON value; see ml_tape.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_tape.h"


static int ml_tape_start_object(void *data);
static int ml_tape_start_array(void *data);
static int ml_tape_end(void *data);
static int ml_tape_key(void *data, const char *name, size_t len);
static int ml_tape_string(void *data, ml_json_string_e part,
    const char *bytes, size_t len);
static int ml_tape_literal(void *data, ml_json_literal_e literal);
static int ml_tape_numbers(void *data, const ml_number_t *numbers, size_t n);


const ml_json_events_t  ml_tape_events = {
    ml_tape_start_object,
    ml_tape_end,
    ml_tape_start_array,
    ml_tape_end,
    ml_tape_key,
    ml_tape_string,
    ml_tape_literal,
    ml_tape_numbers,
    NULL
};


void
ml_tape_init(ml_tape_t *tape, size_t limit)
{
    memset(tape, 0, sizeof(ml_tape_t));

    tape->open = ML_TAPE_NONE;
    tape->limit = limit < UINT32_MAX / 2 ? limit : UINT32_MAX / 2;
}


void
ml_tape_free(ml_tape_t *tape)
{
    free(tape->nodes);
    free(tape->text);
    ml_tape_init(tape, tape->limit);
}


size_t
ml_tape_bytes(const ml_tape_t *tape)
{
    return tape->n * sizeof(ml_tape_node_t) + tape->len;
}


size_t
ml_tape_room(const ml_tape_t *tape)
{
    return tape->limit - ml_tape_bytes(tape);
}


/* The text buffer is in document order, so the text goes with the nodes. */
void
ml_tape_cut(ml_tape_t *tape, uint32_t n)
{
    uint32_t  i;

    for (i = n; i < tape->n; i++) {
        if (tape->nodes[i].type == ML_TAPE_STRING
            || tape->nodes[i].type == ML_TAPE_NUMBER)
        {
            tape->len = tape->nodes[i].at;
            break;
        }
    }

    tape->n = n;
}


static int
ml_tape_stop(ml_tape_t *tape, ml_tape_status_e status)
{
    tape->status = status;

    return -1;
}


static int
ml_tape_append(ml_tape_t *tape, const char *bytes, size_t len)
{
    char      *text;
    uint32_t   size;

    if (len > ml_tape_room(tape)) {
        return ml_tape_stop(tape, ML_TAPE_FULL);
    }

    if (len > tape->text_size - tape->len) {
        size = tape->text_size ? tape->text_size : 64;

        while (size - tape->len < len) {
            size *= 2;
        }

        text = realloc(tape->text, size);

        if (text == NULL) {
            return ml_tape_stop(tape, ML_TAPE_MEMORY);
        }

        tape->text = text;
        tape->text_size = size;
    }

    if (len) {
        memcpy(tape->text + tape->len, bytes, len);
        tape->len += (uint32_t) len;
    }

    return 0;
}


/* A key does not count as a value of its object. */
static int
ml_tape_add(ml_tape_t *tape, ml_tape_e type, int counts)
{
    uint32_t         size;
    ml_tape_node_t  *node;

    if (ml_tape_room(tape) < sizeof(ml_tape_node_t)) {
        return ml_tape_stop(tape, ML_TAPE_FULL);
    }

    if (tape->n == tape->size) {
        size = tape->size ? tape->size * 2 : 8;
        node = realloc(tape->nodes, size * sizeof(ml_tape_node_t));

        if (node == NULL) {
            return ml_tape_stop(tape, ML_TAPE_MEMORY);
        }

        tape->nodes = node;
        tape->size = size;
    }

    if (tape->open != ML_TAPE_NONE && counts) {
        tape->nodes[tape->open].size++;
    }

    node = &tape->nodes[tape->n++];

    node->type = type;
    node->size = 0;
    node->at = tape->len;
    node->parent = tape->open;

    return 0;
}


static int
ml_tape_start_object(void *data)
{
    ml_tape_t  *tape = data;

    if (ml_tape_add(tape, ML_TAPE_OBJECT, 1) != 0) {
        return -1;
    }

    tape->open = tape->n - 1;

    return 0;
}


static int
ml_tape_start_array(void *data)
{
    ml_tape_t  *tape = data;

    if (ml_tape_add(tape, ML_TAPE_ARRAY, 1) != 0) {
        return -1;
    }

    tape->open = tape->n - 1;

    return 0;
}


static int
ml_tape_end(void *data)
{
    ml_tape_t       *tape = data;
    ml_tape_node_t  *node;

    node = &tape->nodes[tape->open];
    node->at = tape->n;
    tape->open = node->parent;

    return 0;
}


static int
ml_tape_key(void *data, const char *name, size_t len)
{
    ml_tape_t  *tape = data;

    if (ml_tape_add(tape, ML_TAPE_STRING, 0) != 0
        || ml_tape_append(tape, name, len) != 0)
    {
        return -1;
    }

    tape->nodes[tape->n - 1].size = (uint32_t) len;

    return 0;
}


static int
ml_tape_string(void *data, ml_json_string_e part, const char *bytes,
    size_t len)
{
    ml_tape_t  *tape = data;

    if (part == ML_JSON_FIRST) {
        return ml_tape_add(tape, ML_TAPE_STRING, 1);
    }

    if (ml_tape_append(tape, bytes, len) != 0) {
        return -1;
    }

    tape->nodes[tape->n - 1].size += (uint32_t) len;

    return 0;
}


static int
ml_tape_literal(void *data, ml_json_literal_e literal)
{
    ml_tape_t  *tape = data;

    return ml_tape_add(tape, literal == ML_JSON_NULL ? ML_TAPE_NULL
                             : literal == ML_JSON_TRUE ? ML_TAPE_TRUE
                             : ML_TAPE_FALSE, 1);
}


static int
ml_tape_numbers(void *data, const ml_number_t *numbers, size_t n)
{
    size_t      i;
    ml_tape_t  *tape = data;

    for (i = 0; i < n; i++) {
        if (ml_tape_add(tape, ML_TAPE_NUMBER, 1) != 0
            || ml_tape_append(tape, numbers[i].text, numbers[i].len) != 0)
        {
            return -1;
        }

        tape->nodes[tape->n - 1].size = numbers[i].len;
    }

    return 0;
}


uint32_t
ml_tape_next(const ml_tape_t *tape, uint32_t i)
{
    const ml_tape_node_t  *node;

    node = &tape->nodes[i];

    return node->type == ML_TAPE_ARRAY || node->type == ML_TAPE_OBJECT
           ? node->at : i + 1;
}


const char *
ml_tape_text(const ml_tape_t *tape, uint32_t i)
{
    return tape->nodes[i].size ? tape->text + tape->nodes[i].at : "";
}


static int
ml_tape_same_text(const ml_tape_t *tape, uint32_t i, const char *text,
    size_t len)
{
    return tape->nodes[i].size == len
           && memcmp(ml_tape_text(tape, i), text, len) == 0;
}


uint32_t
ml_tape_member(const ml_tape_t *tape, uint32_t i, const char *name,
    size_t len)
{
    uint32_t  key, end;

    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        if (ml_tape_same_text(tape, key, name, len)) {
            return key + 1;
        }
    }

    return ML_TAPE_NONE;
}


int
ml_tape_is_key(const ml_tape_t *tape, uint32_t i)
{
    uint32_t  key, parent;

    parent = tape->nodes[i].parent;

    if (parent == ML_TAPE_NONE || tape->nodes[parent].type != ML_TAPE_OBJECT) {
        return 0;
    }

    for (key = parent + 1; key < i; key = ml_tape_next(tape, key + 1)) {
        /* void */
    }

    return key == i;
}


void
ml_tape_number(const ml_tape_t *tape, uint32_t i, ml_number_t *number)
{
    const char  *text;

    text = ml_tape_text(tape, i);

    (void) ml_number_scan(text, text + tape->nodes[i].size, number);
}


/* The step from a container to its child at "i". */
static void
ml_tape_step(const ml_tape_t *tape, uint32_t i, ml_path_step_t *step)
{
    uint32_t  k, parent;

    parent = tape->nodes[i].parent;
    memset(step, 0, sizeof(ml_path_step_t));

    if (tape->nodes[parent].type == ML_TAPE_ARRAY) {

        for (k = parent + 1; k != i; k = ml_tape_next(tape, k)) {
            step->index++;
        }

        return;
    }

    for (k = parent + 1; k != i && k + 1 != i; k = ml_tape_next(tape, k + 1)) {
        /* void */
    }

    step->name = ml_tape_text(tape, k);
    step->len = tape->nodes[k].size;
}


size_t
ml_tape_path(const ml_tape_t *tape, uint32_t root, uint32_t i,
    ml_path_step_t *steps)
{
    size_t    n, k;
    uint32_t  at;

    for (n = 0, at = i; at != root; at = tape->nodes[at].parent) {
        n++;
    }

    for (k = n, at = i; steps && at != root; at = tape->nodes[at].parent) {
        ml_tape_step(tape, at, &steps[--k]);
    }

    return n;
}


/* The element of an array that a step of a pointer names. */
static uint32_t
ml_tape_element(const ml_tape_t *tape, uint32_t i, const char *step,
    size_t len)
{
    size_t    k;
    uint32_t  n;

    if (len == 0 || len > 9 || (len > 1 && step[0] == '0')) {
        return ML_TAPE_NONE;
    }

    for (n = 0, k = 0; k < len; k++) {

        if (step[k] < '0' || step[k] > '9') {
            return ML_TAPE_NONE;
        }

        n = n * 10 + (uint32_t) (step[k] - '0');
    }

    if (n >= tape->nodes[i].size) {
        return ML_TAPE_NONE;
    }

    for (i++; n; n--) {
        i = ml_tape_next(tape, i);
    }

    return i;
}


uint32_t
ml_tape_point(const ml_tape_t *tape, uint32_t root, const char *pointer,
    size_t len)
{
    char        step[1024];
    size_t      n;
    uint32_t    i;
    const char *end;

    i = root;

    for (end = pointer + len; pointer < end; /* void */ ) {

        if (*pointer++ != '/') {
            return ML_TAPE_NONE;
        }

        for (n = 0; pointer < end && *pointer != '/'; n++) {

            if (n == sizeof(step)) {
                return ML_TAPE_NONE;
            }

            step[n] = *pointer++;

            if (step[n] == '~' && pointer < end
                && (*pointer == '0' || *pointer == '1'))
            {
                step[n] = *pointer++ == '0' ? '~' : '/';
            }
        }

        if (tape->nodes[i].type == ML_TAPE_OBJECT) {
            i = ml_tape_member(tape, i, step, n);

        } else if (tape->nodes[i].type == ML_TAPE_ARRAY) {
            i = ml_tape_element(tape, i, step, n);

        } else {
            i = ML_TAPE_NONE;
        }

        if (i == ML_TAPE_NONE) {
            return ML_TAPE_NONE;
        }
    }

    return i;
}


/* The node at "i" alone, or a container's opening bracket. */
static void
ml_tape_print_node(const ml_tape_t *tape, uint32_t i, ml_text_t *out)
{
    static const char *const  fixed[] = { "null", "false", "true" };

    switch (tape->nodes[i].type) {

    case ML_TAPE_NUMBER:
        ml_text_append(out, ml_tape_text(tape, i), tape->nodes[i].size);
        break;

    case ML_TAPE_STRING:
        ml_text_json_string(out, ml_tape_text(tape, i), tape->nodes[i].size);
        break;

    case ML_TAPE_ARRAY:
        ml_text_append(out, "[", 1);
        break;

    case ML_TAPE_OBJECT:
        ml_text_append(out, "{", 1);
        break;

    default: /* null, false, true */
        ml_text_printf(out, "%s", fixed[tape->nodes[i].type]);
    }
}


void
ml_tape_print(const ml_tape_t *tape, uint32_t i, ml_text_t *out)
{
    int       is_key;
    uint32_t  end, open, outside;

    end = ml_tape_next(tape, i);
    outside = tape->nodes[i].parent;
    open = outside;
    is_key = 0;

    for ( ;; ) {
        ml_tape_print_node(tape, i, out);

        if (is_key) {
            ml_text_append(out, ":", 1);
            is_key = 0;
            i++;
            continue;
        }

        if (tape->nodes[i].type == ML_TAPE_ARRAY
            || tape->nodes[i].type == ML_TAPE_OBJECT)
        {
            open = i;
            is_key = tape->nodes[i].type == ML_TAPE_OBJECT;

            if (tape->nodes[i].size) {
                i++;
                continue;
            }
        }

        /* i is the last node of a value: close what ends with it */

        i++;

        while (open != outside && tape->nodes[open].at == i) {
            ml_text_append(out, tape->nodes[open].type == ML_TAPE_ARRAY
                                ? "]" : "}", 1);
            open = tape->nodes[open].parent;
        }

        if (i >= end) {
            return;
        }

        ml_text_append(out, ",", 1);
        is_key = tape->nodes[open].type == ML_TAPE_OBJECT;
    }
}
