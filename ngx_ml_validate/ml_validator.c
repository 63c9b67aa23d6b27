/* Checks a body against a compiled schema; see ml_validator.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_utf8.h"
#include "ml_validator_state.h"


ml_validator_t *
ml_validator_create(const ml_schema_t *schema, const ml_json_limits_t *limits,
    size_t deferred, const uint8_t *seed, const uint8_t *keep, uint32_t errors)
{
    ml_validator_t  *v;

    v = calloc(1, sizeof(ml_validator_t));

    if (v == NULL) {
        return NULL;
    }

    v->schema = schema;
    v->keep = keep;
    v->sink.kernel = ml_pack_kernel();

    v->errors = errors;
    v->found = &v->first;

    ml_violation_init(&v->first.violation);
    v->deferred_size = deferred;
    ml_tape_init(&v->tape, ML_VALIDATOR_KEEP);

    v->reader = ml_json_create(limits, seed,
                               errors == 1 ? &ml_validator_events
                                           : &ml_validator_recover_events,
                               v);

    if (v->reader == NULL) {
        goto failed;
    }

    if (schema->ntensors) {
        v->tensors = calloc(schema->ntensors, sizeof(ml_tensor_t));

        if (v->tensors == NULL) {
            goto failed;
        }
    }

    if (keep && schema->root->properties.n) {
        v->kept = calloc(schema->root->properties.n, sizeof(uint32_t));

        if (v->kept == NULL) {
            goto failed;
        }
    }

    return v;

failed:

    ml_validator_destroy(v);

    return NULL;
}


void
ml_validator_destroy(ml_validator_t *v)
{
    uint32_t               i;
    ml_validator_found_t  *found, *next;

    if (v == NULL) {
        return;
    }

    for (i = 0; v->tensors && i < v->schema->ntensors; i++) {
        free(v->tensors[i].data);
    }

    ml_json_destroy(v->reader);
    ml_tape_free(&v->tape);
    ml_sink_free(&v->sink);

    for (found = &v->first; found; found = next) {
        next = found->next;

        ml_violation_free(&found->violation);
        free(found->path);
        free(found->names);

        if (found != &v->first) {
            free(found);
        }
    }

    free(v->tensors);
    free(v->kept);
    free(v->seen);
    free(v->frames);
    free(v);
}


const ml_error_t *
ml_validator_error(const ml_validator_t *v)
{
    return &v->first.violation.error;
}


ml_tensor_t *
ml_validator_tensors(ml_validator_t *v, uint32_t *n)
{
    *n = v->schema->ntensors;

    return v->tensors;
}


int
ml_validator_field(const ml_validator_t *v, const char *name, size_t len,
    ml_text_t *out)
{
    uint32_t                     i;
    const ml_schema_property_t  *property;

    property = ml_schema_find(v->schema->root, name, len);

    if (property == NULL || v->kept == NULL) {
        return 0;
    }

    i = v->kept[property - v->schema->root->properties.list];

    if (i == 0) {
        return 0;
    }

    ml_tape_print(&v->tape, i - 1, out);

    return 1;
}


int
ml_validator_tape_failed(ml_validator_t *v)
{
    if (v->tape.status == ML_TAPE_MEMORY) {
        return ml_validator_fail(v);
    }

    if (v->deferred) {
        return ml_validator_deferred_full(v);
    }

    ml_violation_keep(&v->found->violation);

    return ml_validator_reject(v, 1, 0, NULL);
}


/* The node of an array's element, which counts from now on. */
static const ml_schema_node_t *
ml_validator_element(ml_validator_frame_t *frame)
{
    uint64_t  i;

    i = frame->count++;

    if (frame->node == NULL) {
        return NULL;
    }

    return i < frame->node->prefix.n ? frame->node->prefix.list[i]
                                     : frame->node->items;
}


int
ml_validator_begin(ml_validator_t *v, uint32_t type,
    const ml_schema_node_t **where)
{
    ml_validator_frame_t    *frame;
    const ml_schema_node_t  *node;

    if (v->nframes == 0) {
        node = v->schema->root;

    } else {
        frame = &v->frames[v->nframes - 1];

        if (!frame->array) {
            node = frame->child;

        } else {
            if (frame->node && frame->count >= frame->node->max_items) {
                ml_violation_long_list(&v->found->violation,
                                       frame->node->max_items);
                return ml_validator_reject(v, v->nframes - 1, 0, NULL);
            }

            node = ml_validator_element(frame);
        }
    }

    if (node && node->alias) {
        node = node->nullable && type == ML_SCHEMA_NULL ? NULL : node->alias;
    }

    *where = node;

    if (node && node->never) {
        ml_violation_extra(&v->found->violation);
        return ml_validator_reject(v, v->nframes, 0, NULL);
    }

    if (node && node->tensor) {
        ml_validator_tensor(v, node->tensor);
        return 0;
    }

    if (node && !(node->types & type)) {
        return ml_validator_type_failed(v, node);
    }

    if (v->keeping && v->nframes == 1) {
        v->recording++;
    }

    if (node) {
        ml_validator_defer(v, node);
    }

    return 0;
}


int
ml_validator_end(ml_validator_t *v, uint32_t mark)
{
    if (v->deferred && v->nframes == v->deferred_at
        && ml_validator_evaluate(v) != 0)
    {
        return -1;
    }

    if (v->keeping && v->nframes == 1) {
        v->recording--;
        v->kept[v->keeping - 1] = mark + 1;

        if (ml_tape_bytes(&v->tape) > ML_VALIDATOR_KEEP) {
            ml_violation_keep(&v->found->violation);
            return ml_validator_reject(v, 1, 0, NULL);
        }

        v->keeping = 0;
    }

    return 0;
}


static int
ml_validator_push(ml_validator_t *v, const ml_schema_node_t *node, int array,
    uint32_t mark)
{
    uint32_t               size;
    ml_validator_frame_t  *frame;

    if (v->nframes == v->frames_size) {
        size = v->frames_size ? v->frames_size * 2 : 4;
        frame = realloc(v->frames, size * sizeof(ml_validator_frame_t));

        if (frame == NULL) {
            return ml_validator_fail(v);
        }

        v->frames = frame;
        v->frames_size = size;
    }

    frame = &v->frames[v->nframes++];

    frame->node = node;
    frame->child = NULL;
    frame->count = 0;
    frame->array = array;
    frame->total = ml_validator_most(v, v->nframes - 1, node);
    frame->elements = UINT64_MAX;
    frame->product = UINT64_MAX;
    frame->key = NULL;
    frame->copy_len = 0;
    frame->seen = v->nseen;
    frame->mark = mark;

    return 0;
}


/* Room for the required names of an object. */
static int
ml_validator_push_seen(ml_validator_t *v, const ml_schema_node_t *node)
{
    uint32_t   words, size;
    uint64_t  *seen;

    words = node ? (node->nrequired + 63) / 64 : 0;

    if (words > v->seen_size - v->nseen) {
        size = (v->seen_size + words) * 2;
        seen = realloc(v->seen, size * sizeof(uint64_t));

        if (seen == NULL) {
            return ml_validator_fail(v);
        }

        v->seen = seen;
        v->seen_size = size;
    }

    if (words) {
        memset(&v->seen[v->nseen], 0, words * sizeof(uint64_t));
        v->nseen += words;
    }

    return 0;
}


static int
ml_validator_start_object(void *data)
{
    uint32_t                 mark;
    ml_validator_t          *v = data;
    const ml_schema_node_t  *node;

    if (v->tensor == NULL
        && ml_validator_begin(v, ML_SCHEMA_OBJECT, &node) != 0)
    {
        return -1;
    }

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_other(&v->sink));
    }

    mark = v->tape.n;

    if (v->recording && ml_tape_events.start_object(&v->tape) != 0) {
        return ml_validator_tape_failed(v);
    }

    if (ml_validator_push(v, node, 0, mark) != 0) {
        return -1;
    }

    return ml_validator_push_seen(v, node);
}


static int
ml_validator_start_array(void *data)
{
    uint32_t                 mark;
    ml_validator_t          *v = data;
    const ml_schema_node_t  *node;

    if (v->tensor == NULL
        && ml_validator_begin(v, ML_SCHEMA_ARRAY, &node) != 0)
    {
        return -1;
    }

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_array(&v->sink));
    }

    mark = v->tape.n;

    if (v->recording && ml_tape_events.start_array(&v->tape) != 0) {
        return ml_validator_tape_failed(v);
    }

    if (ml_validator_push(v, node, 1, mark) != 0) {
        return -1;
    }

    ml_validator_shape_start(v);

    return 0;
}


/* The key is one that the frame's object may have. */
static int
ml_validator_check_key(ml_validator_t *v, ml_validator_frame_t *frame,
    const char *name, size_t len)
{
    ml_schema_name_t         unknown;
    const ml_schema_node_t  *child;

    child = ml_schema_alias(frame->child);

    if (child && child->never && !frame->child->nullable) {
        unknown.name = name;
        unknown.len = len;

        ml_violation_extra(&v->found->violation);

        return ml_validator_reject(v, v->nframes - 1, 0, &unknown);
    }

    if (frame->node && frame->count++ >= frame->node->max_properties) {
        ml_violation_long_object(&v->found->violation,
                                 frame->node->max_properties);

        return ml_validator_reject(v, v->nframes - 1, 0, NULL);
    }

    return 0;
}


static int
ml_validator_key(void *data, const char *name, size_t len)
{
    ml_validator_t              *v = data;
    ml_validator_frame_t        *frame;
    const ml_schema_node_t      *node;
    const ml_schema_property_t  *property;

    frame = &v->frames[v->nframes - 1];
    node = frame->node;
    property = NULL;

    frame->key = NULL;
    frame->child = NULL;

    if (node) {
        property = ml_schema_find(node, name, len);

        if (property && property->node) {
            frame->child = property->node;

        } else if (node->patterns.n == 0) {
            frame->child = node->additional;
        }
    }

    if (ml_validator_check_key(v, frame, name, len) != 0) {
        return -1;
    }

    if (property && property->required >= 0) {
        v->seen[frame->seen + (uint32_t) property->required / 64] |=
            (uint64_t) 1 << (property->required % 64);
    }

    if (property) {
        frame->key = &property->name;

        if (v->keep && v->nframes == 1
            && v->keep[property - node->properties.list])
        {
            v->keeping = (uint32_t) (property - node->properties.list) + 1;
        }

    } else {
        frame->copy_len = (uint32_t) ml_utf8_cut(name, len, ML_VALIDATOR_NAME);
        memcpy(frame->copy, name, frame->copy_len);
    }

    if (v->recording && ml_tape_events.key(&v->tape, name, len) != 0) {
        return ml_validator_tape_failed(v);
    }

    return 0;
}


/* Each required name that an object did not have is a violation. */
static int
ml_validator_missing(ml_validator_t *v, const ml_validator_frame_t *frame)
{
    int       rc;
    uint32_t  i;

    rc = 0;

    for (i = 0; frame->node && i < frame->node->nrequired; i++) {

        if (v->seen[frame->seen + i / 64] >> (i % 64) & 1) {
            continue;
        }

        ml_violation_missing(&v->found->violation);
        rc = ml_validator_reject(v, v->nframes, 0, &frame->node->required[i]);

        if (v->status != ML_BODY_MORE) {
            break;
        }
    }

    return rc;
}


static int
ml_validator_end_object(void *data)
{
    ml_validator_t        *v = data;
    ml_validator_frame_t  *frame;

    if (v->recording) {
        (void) ml_tape_events.end_object(&v->tape);
    }

    frame = &v->frames[--v->nframes];
    v->nseen = frame->seen;

    if (ml_validator_missing(v, frame) != 0
        || ml_validator_shape_end(v, frame) != 0)
    {
        return -1;
    }

    if (frame->node && frame->count < frame->node->min_properties) {
        ml_violation_short_object(&v->found->violation,
                                  frame->node->min_properties, frame->count);
        return ml_validator_reject(v, v->nframes, 0, NULL);
    }

    return ml_validator_end(v, frame->mark);
}


static int
ml_validator_end_array(void *data)
{
    ml_validator_t        *v = data;
    ml_validator_frame_t  *frame;

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_end(&v->sink));
    }

    if (v->recording) {
        (void) ml_tape_events.end_array(&v->tape);
    }

    frame = &v->frames[--v->nframes];
    ml_validator_shape_array(v, frame->count);

    if (frame->node && frame->count < frame->node->min_items) {
        ml_violation_short_list(&v->found->violation, frame->node->min_items,
                                frame->count);
        return ml_validator_reject(v, v->nframes, 0, NULL);
    }

    return ml_validator_end(v, frame->mark);
}


static int
ml_validator_literal(void *data, ml_json_literal_e literal)
{
    uint32_t                 mark;
    ml_validator_t          *v = data;
    const ml_schema_node_t  *node;

    if (v->tensor == NULL
        && ml_validator_begin(v, literal == ML_JSON_NULL ? ML_SCHEMA_NULL
                                                         : ML_SCHEMA_BOOLEAN,
                              &node) != 0)
    {
        return -1;
    }

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_literal(&v->sink,
                                                              literal));
    }

    mark = v->tape.n;

    if (v->recording && ml_tape_events.literal(&v->tape, literal) != 0) {
        return ml_validator_tape_failed(v);
    }

    return ml_validator_end(v, mark);
}


static int
ml_validator_number(ml_validator_t *v, const ml_number_t *number)
{
    uint32_t                 mark;
    const ml_schema_node_t  *node;

    if (ml_validator_begin(v, ML_SCHEMA_NUMBER | ML_SCHEMA_INTEGER, &node)
        != 0)
    {
        return -1;
    }

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_numbers(&v->sink,
                                                              number, 1));
    }

    if (ml_validator_check_number(v, node, number) != 0) {
        return -1;
    }

    ml_validator_shape_number(v, number);

    mark = v->tape.n;

    if (v->recording && ml_tape_events.numbers(&v->tape, number, 1) != 0) {
        return ml_validator_tape_failed(v);
    }

    return ml_validator_end(v, mark);
}


static int
ml_validator_numbers(void *data, const ml_number_t *numbers, size_t n)
{
    size_t           i;
    ml_validator_t  *v = data;

    if (v->tensor) {
        return ml_validator_tensor_verdict(v, ml_sink_numbers(&v->sink,
                                                              numbers, n));
    }

    for (i = 0; i < n; i++) {
        if (ml_validator_number(v, &numbers[i]) != 0) {
            return -1;
        }
    }

    return 0;
}


static size_t
ml_validator_pack(void *data, const char **p, const char *end, size_t n,
    uint32_t limit)
{
    ml_validator_t  *v = data;

    return v->tensor ? ml_sink_pack(&v->sink, p, end, n, limit) : 0;
}


const ml_json_events_t  ml_validator_events = {
    ml_validator_start_object,
    ml_validator_end_object,
    ml_validator_start_array,
    ml_validator_end_array,
    ml_validator_key,
    ml_validator_string,
    ml_validator_literal,
    ml_validator_numbers,
    ml_validator_pack
};


/* What the reader says; a handler that stopped it has set the status. */
static ml_body_status_e
ml_validator_verdict(ml_validator_t *v, ml_json_status_e status)
{
    const char            *why;
    ml_validator_found_t  *found;

    switch (status) {

    case ML_JSON_MORE:
    case ML_JSON_STOPPED:
        break;

    case ML_JSON_DONE:
        v->status = v->last ? ML_BODY_REJECTED : ML_BODY_PASSED;
        break;

    case ML_JSON_INVALID:
        found = v->found;
        found->path = calloc(1, sizeof(ml_path_step_t));

        if (found->path == NULL) {
            v->status = ML_BODY_FAILED;
            break;
        }

        why = ml_json_error(v->reader, &found->path->index);
        ml_violation_json(&found->violation, why);

        if (ml_violation_failed(&found->violation)) {
            v->status = ML_BODY_FAILED;
            break;
        }

        found->violation.error.path = found->path;
        found->violation.error.npath = 1;

        /* nothing can be told of what is behind it */

        v->errors = 1;
        (void) ml_validator_found(v, 0);
        break;

    default: /* ML_JSON_MEMORY */
        v->status = ML_BODY_FAILED;
    }

    return v->status;
}


ml_body_status_e
ml_validator_feed(ml_validator_t *v, const char *bytes, size_t len)
{
    if (v->status != ML_BODY_MORE) {
        return v->status;
    }

    return ml_validator_verdict(v, ml_json_feed(v->reader, bytes, len));
}


ml_body_status_e
ml_validator_finish(ml_validator_t *v)
{
    if (v->status != ML_BODY_MORE) {
        return v->status;
    }

    return ml_validator_verdict(v, ml_json_finish(v->reader));
}
