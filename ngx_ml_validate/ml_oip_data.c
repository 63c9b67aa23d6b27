/* The "data" of an input in JSON; see ml_oip_state.h. */

#include <string.h>

#include "ml_oip_state.h"


/* A place inside "data", which is an input's. */
static void
ml_oip_at_data(ml_oip_t *o)
{
    ml_oip_at(o, "inputs");
    ml_oip_at_index(o, o->ninputs);
    ml_oip_at_name(o, "data");
}


static int
ml_oip_data_verdict(ml_oip_t *o, ml_sink_e verdict)
{
    uint32_t         i;
    ml_tensor_t     *tensor;
    ml_oip_input_t  *input;

    input = &o->inputs[o->ninputs];

    switch (verdict) {

    case ML_SINK_MORE:
        return 0;

    case ML_SINK_DONE:
        o->state = ML_OIP_DATA_NONE;
        tensor = o->sink.tensor;

        if (tensor) {
            tensor->rank = input->tensor.spec.rank;
            memcpy(tensor->dims, input->tensor.spec.dims,
                   sizeof(tensor->dims));
        }

        return 0;

    case ML_SINK_REJECTED:
        ml_oip_at_data(o);

        for (i = 0; i < o->sink.depth; i++) {
            ml_oip_at_index(o, o->sink.counts[i] - 1);
        }

        return ml_oip_reject(o);

    default: /* ML_SINK_MEMORY */
        return ml_oip_fail(o);
    }
}


/* Elements are nested as the shape is, or all of them follow each other. */
static int
ml_oip_data_open(ml_oip_t *o, int nested)
{
    ml_oip_input_t      *input;
    ml_schema_tensor_t  *schema;

    input = &o->inputs[o->ninputs];
    schema = &input->tensor;

    if (!nested) {
        o->flat = input->tensor;
        o->flat.spec.rank = 1;
        o->flat.spec.dims[0] = (int64_t) input->tensor.elements;
        schema = &o->flat;
    }

    o->state = ML_OIP_DATA_SINK;

    ml_sink_open(&o->sink, schema,
                 o->contract->inputs ? &o->tensors[input->spec] : NULL,
                 &o->violation);

    return ml_oip_data_verdict(o, ml_sink_array(&o->sink));
}


/*
 * Before an event of a value inside "data": array or not.  Opens what it
 * belongs to.
 */
static int
ml_oip_data_before(ml_oip_t *o, int array)
{
    switch (o->state) {

    case ML_OIP_DATA_VALUE:

        if (array) {
            return 0;
        }

        ml_oip_at_data(o);
        ml_violation_list(&o->violation);

        return ml_oip_reject(o);

    case ML_OIP_DATA_OPEN:
        return ml_oip_data_open(o, array
                                && o->inputs[o->ninputs].tensor.spec.rank > 1);

    default: /* ML_OIP_DATA_SINK */
        return 0;
    }
}


int
ml_oip_data_array(ml_oip_t *o)
{
    if (ml_oip_data_before(o, 1) != 0) {
        return -1;
    }

    if (o->state == ML_OIP_DATA_VALUE) {
        o->state = ML_OIP_DATA_OPEN;
        return 0;
    }

    return ml_oip_data_verdict(o, ml_sink_array(&o->sink));
}


int
ml_oip_data_end(ml_oip_t *o)
{
    if (o->state == ML_OIP_DATA_OPEN && ml_oip_data_open(o, 0) != 0) {
        return -1;
    }

    return ml_oip_data_verdict(o, ml_sink_end(&o->sink));
}


int
ml_oip_data_numbers(ml_oip_t *o, const ml_number_t *numbers, size_t n)
{
    if (ml_oip_data_before(o, 0) != 0) {
        return -1;
    }

    return ml_oip_data_verdict(o, ml_sink_numbers(&o->sink, numbers, n));
}


int
ml_oip_data_literal(ml_oip_t *o, ml_json_literal_e literal)
{
    if (ml_oip_data_before(o, 0) != 0) {
        return -1;
    }

    return ml_oip_data_verdict(o, ml_sink_literal(&o->sink, literal));
}


int
ml_oip_data_string(ml_oip_t *o)
{
    if (ml_oip_data_before(o, 0) != 0) {
        return -1;
    }

    return ml_oip_data_verdict(o, ml_sink_string(&o->sink));
}


int
ml_oip_data_object(ml_oip_t *o)
{
    if (ml_oip_data_before(o, 0) != 0) {
        return -1;
    }

    return ml_oip_data_verdict(o, ml_sink_other(&o->sink));
}


/* One event of "data" that came too early and is on the tape. */
static int
ml_oip_data_node(ml_oip_t *o, uint32_t i)
{
    ml_number_t            number;
    const ml_tape_node_t  *node;

    node = &o->tape.nodes[i];

    switch (node->type) {

    case ML_TAPE_ARRAY:
        return ml_oip_data_array(o);

    case ML_TAPE_OBJECT:
        return ml_oip_data_object(o);

    case ML_TAPE_STRING:

        if (ml_oip_text(o, o->ninputs, ML_JSON_FIRST, NULL, 0) != 0
            || ml_oip_text(o, o->ninputs, ML_JSON_PIECE,
                           ml_tape_text(&o->tape, i), node->size)
               != 0
            || ml_oip_text(o, o->ninputs, ML_JSON_LAST, NULL, 0) != 0)
        {
            return -1;
        }

        return ml_oip_data_string(o);

    case ML_TAPE_NUMBER:
        ml_tape_number(&o->tape, i, &number);
        return ml_oip_data_numbers(o, &number, 1);

    case ML_TAPE_NULL:
        return ml_oip_data_literal(o, ML_JSON_NULL);

    case ML_TAPE_FALSE:
        return ml_oip_data_literal(o, ML_JSON_FALSE);

    default: /* ML_TAPE_TRUE */
        return ml_oip_data_literal(o, ML_JSON_TRUE);
    }
}


int
ml_oip_data_replay(ml_oip_t *o, uint32_t value)
{
    uint32_t  i, end, open;

    o->state = ML_OIP_DATA_VALUE;
    end = ml_tape_next(&o->tape, value);
    open = ML_TAPE_NONE;

    for (i = value; i < end; i++) {

        if (ml_oip_data_node(o, i) != 0) {
            return -1;
        }

        if (o->tape.nodes[i].type == ML_TAPE_ARRAY) {
            open = i;
        }

        while (open != ML_TAPE_NONE && o->tape.nodes[open].at == i + 1) {

            if (ml_oip_data_end(o) != 0) {
                return -1;
            }

            open = open == value ? ML_TAPE_NONE : o->tape.nodes[open].parent;
        }
    }

    return 0;
}
