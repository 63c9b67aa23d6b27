/* The JSON of an OIP request, event by event; see ml_oip_state.h. */

#include <string.h>

#include "ml_oip_state.h"
#include "ml_utf8.h"


static const char *const  ml_oip_root_names[] = {
    "id", "model_name", "parameters", "inputs", "outputs"
};

static const char *const  ml_oip_input_names[] = {
    "name", "shape", "datatype", "parameters", "data"
};


/* The tape could not take an event. */
static int
ml_oip_full(ml_oip_t *o)
{
    if (o->tape.status == ML_TAPE_MEMORY) {
        return ml_oip_fail(o);
    }

    o->npath = 0;

    if (o->member >= 0) {
        ml_oip_at_name(o, ml_oip_root_names[o->member]);
    }

    return ml_oip_refuse(o, "it is too large; \"data\" should come behind "
                            "name, shape and datatype");
}


static int
ml_oip_taped(ml_oip_t *o, int rc)
{
    return rc == 0 ? 0 : ml_oip_full(o);
}


/* Inside of an input, which is an element of the request's "inputs". */
static int
ml_oip_in_input(const ml_oip_t *o)
{
    return o->depth == 3 && o->member == ML_OIP_ROOT_INPUTS;
}


/*
 * A request is an object, its inputs are objects in an array; the rest is
 * looked at when it is whole.
 */
static int
ml_oip_misplaced(ml_oip_t *o, ml_tape_e type)
{
    ml_tape_e  want;

    if (o->depth > 2 || (o->depth && o->member != ML_OIP_ROOT_INPUTS)) {
        return 0;
    }

    want = o->depth == 1 ? ML_TAPE_ARRAY : ML_TAPE_OBJECT;

    if (type == want) {
        return 0;
    }

    o->npath = 0;

    if (o->depth) {
        ml_oip_at_name(o, "inputs");
    }

    if (o->depth == 2) {
        ml_oip_at_index(o, o->ninputs);
    }

    if (want == ML_TAPE_ARRAY) {
        ml_violation_list(&o->violation);

    } else {
        ml_violation_object(&o->violation);
    }

    return ml_oip_reject(o);
}


static int
ml_oip_start_object(void *data)
{
    ml_oip_t  *o = data;

    if (o->state) {
        return ml_oip_data_object(o);
    }

    if (ml_oip_misplaced(o, ML_TAPE_OBJECT) != 0) {
        return -1;
    }

    if (o->depth == 2 && o->member == ML_OIP_ROOT_INPUTS) {

        if (o->ninputs == ML_OIP_TENSORS) {
            ml_oip_at(o, "inputs");
            ml_violation_long_list(&o->violation, ML_OIP_TENSORS);
            return ml_oip_reject(o);
        }

        o->begun = 0;
        o->mark = o->tape.n;
        memset(o->members, 0xff, sizeof(o->members));
    }

    o->depth++;

    return ml_oip_taped(o, ml_tape_events.start_object(&o->tape));
}


static int
ml_oip_input_end(ml_oip_t *o)
{
    ml_oip_input_t  *input;

    input = &o->inputs[o->ninputs];

    if (!o->begun) {

        if (ml_oip_input_begin(o) != 0) {
            return -1;
        }

        if (o->members[ML_OIP_INPUT_DATA] != ML_TAPE_NONE) {
            input->data = 1;

            if (ml_oip_data_replay(o, o->members[ML_OIP_INPUT_DATA]) != 0) {
                return -1;
            }
        }
    }

    if (ml_oip_input_parameters(o) != 0) {
        return -1;
    }

    o->ninputs++;
    ml_tape_cut(&o->tape, o->mark);

    return 0;
}


static int
ml_oip_end_object(void *data)
{
    int        input;
    ml_oip_t  *o = data;

    input = ml_oip_in_input(o);
    o->depth--;

    if (ml_oip_taped(o, ml_tape_events.end_object(&o->tape)) != 0) {
        return -1;
    }

    return input ? ml_oip_input_end(o) : 0;
}


static int
ml_oip_start_array(void *data)
{
    ml_oip_t  *o = data;

    if (o->state) {
        return ml_oip_data_array(o);
    }

    if (ml_oip_misplaced(o, ML_TAPE_ARRAY) != 0) {
        return -1;
    }

    o->depth++;

    return ml_oip_taped(o, ml_tape_events.start_array(&o->tape));
}


static int
ml_oip_end_array(void *data)
{
    ml_oip_t  *o = data;

    if (o->state) {
        return ml_oip_data_end(o);
    }

    o->depth--;

    return ml_oip_taped(o, ml_tape_events.end_array(&o->tape));
}


/* The place of a name in a list of n, or -1. */
static int
ml_oip_find(const char *const *names, int n, const char *name, size_t len)
{
    int  i;

    for (i = 0; i < n; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0) {
            return i;
        }
    }

    return -1;
}


/* At the path as it is. */
static int
ml_oip_unknown(ml_oip_t *o, const char *name, size_t len)
{
    ml_path_step_t  *step;

    len = ml_utf8_cut(name, len, ML_OIP_NAME);
    memcpy(o->unknown, name, len);

    step = &o->path[o->npath++];
    step->name = o->unknown;
    step->len = len;

    ml_violation_extra(&o->violation);

    return ml_oip_reject(o);
}


static int
ml_oip_key(void *data, const char *name, size_t len)
{
    ml_oip_t  *o = data;

    if (o->depth == 1) {
        o->member = ml_oip_find(ml_oip_root_names, ML_OIP_ROOT_MEMBERS, name,
                                len);

        if (o->member < 0) {
            o->npath = 0;
            return ml_oip_unknown(o, name, len);
        }

        o->root[o->member] = o->tape.n + 1;

    } else if (ml_oip_in_input(o)) {
        o->key = ml_oip_find(ml_oip_input_names, ML_OIP_INPUT_MEMBERS, name,
                             len);

        if (o->key < 0) {
            ml_oip_at(o, "inputs");
            ml_oip_at_index(o, o->ninputs);
            return ml_oip_unknown(o, name, len);
        }

        if (o->key == ML_OIP_INPUT_DATA
            && o->members[ML_OIP_INPUT_NAME] != ML_TAPE_NONE
            && o->members[ML_OIP_INPUT_SHAPE] != ML_TAPE_NONE
            && o->members[ML_OIP_INPUT_DATATYPE] != ML_TAPE_NONE)
        {
            if (ml_oip_input_begin(o) != 0) {
                return -1;
            }

            o->inputs[o->ninputs].data = 1;
            o->state = ML_OIP_DATA_VALUE;

            return 0;
        }

        o->members[o->key] = o->tape.n + 1;
    }

    return ml_oip_taped(o, ml_tape_events.key(&o->tape, name, len));
}


static int
ml_oip_json_string(void *data, ml_json_string_e part, const char *bytes,
    size_t len)
{
    ml_oip_t  *o = data;

    if (o->state) {

        if (ml_oip_text(o, o->ninputs, part, bytes, len) != 0) {
            return -1;
        }

        return part == ML_JSON_LAST ? ml_oip_data_string(o) : 0;
    }

    if (part == ML_JSON_FIRST
        && ml_oip_misplaced(o, ML_TAPE_STRING) != 0) {
        return -1;
    }

    return ml_oip_taped(o, ml_tape_events.string(&o->tape, part, bytes, len));
}


static int
ml_oip_literal(void *data, ml_json_literal_e literal)
{
    ml_oip_t  *o = data;

    if (o->state) {
        return ml_oip_data_literal(o, literal);
    }

    if (ml_oip_misplaced(o, ML_TAPE_NULL) != 0) {
        return -1;
    }

    return ml_oip_taped(o, ml_tape_events.literal(&o->tape, literal));
}


static int
ml_oip_numbers(void *data, const ml_number_t *numbers, size_t n)
{
    ml_oip_t  *o = data;

    if (o->state) {
        return ml_oip_data_numbers(o, numbers, n);
    }

    if (ml_oip_misplaced(o, ML_TAPE_NUMBER) != 0) {
        return -1;
    }

    return ml_oip_taped(o, ml_tape_events.numbers(&o->tape, numbers, n));
}


static size_t
ml_oip_pack(void *data, const char **p, const char *end, size_t n,
    uint32_t limit)
{
    ml_oip_t  *o = data;

    return o->state == ML_OIP_DATA_SINK
           ? ml_sink_pack(&o->sink, p, end, n, limit) : 0;
}


const ml_json_events_t  ml_oip_events = {
    ml_oip_start_object,
    ml_oip_end_object,
    ml_oip_start_array,
    ml_oip_end_array,
    ml_oip_key,
    ml_oip_json_string,
    ml_oip_literal,
    ml_oip_numbers,
    ml_oip_pack
};
