/* Members of an OIP request that are not elements; see ml_oip_state.h. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_oip_state.h"
#include "ml_siphash.h"


static int
ml_oip_starts(const char *text, size_t len, const char *with)
{
    return len >= strlen(with) && memcmp(text, with, strlen(with)) == 0;
}


static int
ml_oip_equals(const char *text, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(text, name, len) == 0;
}


/* A number on the tape that is digits and nothing else. */
static int
ml_oip_unsigned(const ml_tape_t *tape, uint32_t i, uint64_t *value)
{
    uint32_t     k;
    const char  *text;
    ml_number_t  number;

    if (tape->nodes[i].type != ML_TAPE_NUMBER) {
        return -1;
    }

    text = ml_tape_text(tape, i);

    for (k = 0; k < tape->nodes[i].size; k++) {
        if (text[k] < '0' || text[k] > '9') {
            return -1;
        }
    }

    ml_tape_number(tape, i, &number);

    return ml_number_integer(&number, value) == ML_NUMBER_INTEGER ? 0 : -1;
}


/* A member that has to be a string without a NUL. */
static int
ml_oip_string(ml_oip_t *o, uint32_t i, const char **text, size_t *len)
{
    if (o->tape.nodes[i].type != ML_TAPE_STRING) {
        ml_violation_element(&o->violation, ML_DTYPE_NONE);
        return ml_oip_reject(o);
    }

    *text = ml_tape_text(&o->tape, i);
    *len = o->tape.nodes[i].size;

    if (*len == 0 || memchr(*text, '\0', *len)) {
        return ml_oip_refuse(o, *len ? "it has a NUL character"
                                     : "it is empty");
    }

    return 0;
}


/* The input that the contract has by that name. */
static int
ml_oip_input_name(ml_oip_t *o, ml_oip_input_t *input)
{
    size_t       i, len;
    const char  *name;

    if (ml_oip_string(o, o->members[ML_OIP_INPUT_NAME], &name, &len) != 0) {
        return -1;
    }

    ml_siphash128(o->seed, name, len, input->hash);

    for (i = 0; i < o->ninputs; i++) {
        if (memcmp(o->inputs[i].hash, input->hash, sizeof(input->hash)) == 0) {
            return ml_oip_refuse(o, "another input has this name");
        }
    }

    input->tensor.spec.name = "";

    if (o->contract->inputs == NULL) {
        return 0;
    }

    for (i = 0; i < o->contract->ninputs; i++) {
        if (ml_oip_equals(name, len, o->contract->inputs[i].name)) {
            input->tensor.spec.name = o->contract->inputs[i].name;
            input->spec = i;
            return 0;
        }
    }

    return ml_oip_refuse(o, "the model has no input of this name");
}


static int
ml_oip_input_datatype(ml_oip_t *o, ml_oip_input_t *input)
{
    char         why[96];
    size_t       len;
    const char  *text;
    ml_dtype_e   dtype, want;

    if (ml_oip_string(o, o->members[ML_OIP_INPUT_DATATYPE], &text, &len)
        != 0)
    {
        return -1;
    }

    if (ml_oip_datatype_parse(text, len, &dtype) != 0) {
        return ml_oip_refuse(o, "unknown datatype");
    }

    if (o->contract->inputs) {
        want = o->contract->inputs[input->spec].dtype;

        if (dtype != want) {
            (void) snprintf(why, sizeof(why), "the model's input is %s",
                            ml_oip_datatype(want));
            return ml_oip_refuse(o, why);
        }
    }

    input->tensor.spec.dtype = dtype;

    if (dtype != ML_DTYPE_NONE) {
        input->tensor.size = ml_dtype_size(dtype);
    }

    if (dtype != ML_DTYPE_NONE && dtype != ML_DTYPE_BOOL) {
        ml_narrow_limits(dtype, &input->tensor.bounds);
    }

    return 0;
}


/* The dimensions are the model's. */
static int
ml_oip_input_fits(ml_oip_t *o, const ml_tensor_spec_t *shape,
    const ml_tensor_spec_t *want)
{
    char      why[256];
    int       n;
    int       fits;
    uint32_t  i;

    fits = shape->rank == want->rank;

    for (i = 0; fits && i < want->rank; i++) {

        if (want->dims[i] != -1) {
            fits = shape->dims[i] == want->dims[i];
            continue;
        }

        if (shape->dims[i] == 0) {
            return ml_oip_refuse(o, "the batch has no rows");
        }

        if ((uint64_t) shape->dims[i] > o->contract->rows) {
            (void) snprintf(why, sizeof(why), "the batch has more than %llu "
                            "rows", (unsigned long long) o->contract->rows);
            return ml_oip_refuse(o, why);
        }
    }

    if (fits) {
        return 0;
    }

    n = snprintf(why, sizeof(why), "the model's input has shape [");

    for (i = 0; i < want->rank; i++) {
        n += snprintf(why + n, sizeof(why) - (size_t) n, "%s%lld",
                      i ? "," : "", (long long) want->dims[i]);
    }

    (void) snprintf(why + n, sizeof(why) - (size_t) n, "]");

    return ml_oip_refuse(o, why);
}


static int
ml_oip_input_shape(ml_oip_t *o, ml_oip_input_t *input)
{
    uint32_t           i, node;
    uint64_t           dim;
    const ml_tape_t   *tape;
    ml_tensor_spec_t  *spec;

    tape = &o->tape;
    spec = &input->tensor.spec;
    node = o->members[ML_OIP_INPUT_SHAPE];

    if (tape->nodes[node].type != ML_TAPE_ARRAY) {
        ml_violation_list(&o->violation);
        return ml_oip_reject(o);
    }

    if (tape->nodes[node].size > ML_TENSOR_MAX_RANK) {
        ml_violation_long_list(&o->violation, ML_TENSOR_MAX_RANK);
        return ml_oip_reject(o);
    }

    spec->rank = tape->nodes[node].size;
    input->tensor.elements = 1;

    for (i = 0; i < spec->rank; i++) {

        /* only numbers, or they are refused: they stand side by side */

        if (ml_oip_unsigned(tape, node + 1 + i, &dim) != 0
            || dim > INT64_MAX)
        {
            ml_oip_at_index(o, i);
            return ml_oip_refuse(o, "a dimension is a whole number from 0 "
                                    "to 2^63 - 1");
        }

        spec->dims[i] = (int64_t) dim;

        /* 0 whatever the others are; the rest only has to be too many */

        if (dim == 0 || input->tensor.elements == 0) {
            input->tensor.elements = 0;

        } else if (input->tensor.elements > UINT64_MAX / dim) {
            input->tensor.elements = UINT64_MAX;

        } else {
            input->tensor.elements *= dim;
        }
    }

    if (o->contract->inputs
        && ml_oip_input_fits(o, spec, &o->contract->inputs[input->spec]) != 0)
    {
        return -1;
    }

    if (input->tensor.elements > o->elements) {
        return ml_oip_refuse(o, "these are more elements than are allowed");
    }

    o->elements -= input->tensor.elements;

    return 0;
}


int
ml_oip_input_begin(ml_oip_t *o)
{
    size_t           i;
    ml_oip_input_t  *input;

    static const struct {
        ml_oip_input_member_e    member;
        const char              *name;
        int                    (*read)(ml_oip_t *o, ml_oip_input_t *input);
    } members[] = {
        { ML_OIP_INPUT_NAME, "name", ml_oip_input_name },
        { ML_OIP_INPUT_DATATYPE, "datatype", ml_oip_input_datatype },
        { ML_OIP_INPUT_SHAPE, "shape", ml_oip_input_shape }
    };

    input = &o->inputs[o->ninputs];

    memset(input, 0, sizeof(ml_oip_input_t));
    input->binary = UINT64_MAX;

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        ml_oip_at(o, "inputs");
        ml_oip_at_index(o, o->ninputs);
        ml_oip_at_name(o, members[i].name);

        if (o->members[members[i].member] == ML_TAPE_NONE) {
            ml_violation_missing(&o->violation);
            return ml_oip_reject(o);
        }

        if (members[i].read(o, input) != 0) {
            return -1;
        }
    }

    o->begun = 1;

    return 0;
}


/*
 * A parameter at "i" (the key; its value is behind it), whose path is set:
 * stores what it is for, if that is among "known", a NULL-terminated list.
 */
static int
ml_oip_parameter(ml_oip_t *o, uint32_t i, const char *const *known,
    int *which)
{
    int          n;
    size_t       len;
    const char  *name;

    name = ml_tape_text(&o->tape, i);
    len = o->tape.nodes[i].size;

    *which = -1;

    if (ml_oip_starts(name, len, "shared_memory_")) {
        ml_violation_forbidden(&o->violation, "Shared memory may not be used");
        return ml_oip_reject(o);
    }

    if (ml_oip_starts(name, len, "triton_")) {
        return ml_oip_refuse(o, "parameters whose names start with "
                                "\"triton_\" are reserved");
    }

    if (ml_oip_equals(name, len, "classification")) {
        return ml_oip_refuse(o, "the classification extension is not "
                                "supported");
    }

    switch (o->tape.nodes[i + 1].type) {

    case ML_TAPE_ARRAY:
    case ML_TAPE_OBJECT:
    case ML_TAPE_NULL:
        return ml_oip_refuse(o, "a parameter is a number, a string or a "
                                "boolean");
    default:
        break;
    }

    for (n = 0; known[n]; n++) {
        if (ml_oip_equals(name, len, known[n])) {
            *which = n;
        }
    }

    return 0;
}


/*
 * The parameters at "node", below the path as it is: those that are known
 * are told to "take" with their place among them.
 */
static int
ml_oip_parameters(ml_oip_t *o, uint32_t node, const char *const *known,
    int (*take)(ml_oip_t *o, int which, uint32_t i, void *data), void *data)
{
    int       which;
    size_t    npath;
    uint32_t  key, end;

    ml_oip_at_name(o, "parameters");
    npath = o->npath;

    if (o->tape.nodes[node].type != ML_TAPE_OBJECT) {
        return ml_oip_refuse(o, "it is no object");
    }

    end = ml_tape_next(&o->tape, node);

    for (key = node + 1; key < end; key = ml_tape_next(&o->tape, key + 1)) {
        o->npath = npath;

        if (ml_oip_parameter(o, key, known, &which) != 0) {
            return -1;
        }

        if (which == -1) {
            continue;
        }

        ml_oip_at_name(o, known[which]);

        if (take(o, which, key + 1, data) != 0) {
            return -1;
        }
    }

    return 0;
}


static int
ml_oip_take_size(ml_oip_t *o, int which, uint32_t i, void *data)
{
    ml_oip_input_t  *input = data;

    if (ml_oip_unsigned(&o->tape, i, &input->binary) != 0
        || input->binary == UINT64_MAX)
    {
        return ml_oip_refuse(o, "it is no number of bytes");
    }

    if (!o->binary) {
        return ml_oip_refuse(o, "there is no header "
                                "Inference-Header-Content-Length");
    }

    if (input->data) {
        return ml_oip_refuse(o, "there is \"data\", too");
    }

    /* the length of strings is not known before they are there */

    if (input->tensor.spec.dtype == ML_DTYPE_NONE
        ? input->binary / 4 < input->tensor.elements
        : input->binary != input->tensor.elements * input->tensor.size)
    {
        return ml_oip_refuse(o, "it is not the size of the shape");
    }

    return 0;
}


int
ml_oip_input_parameters(ml_oip_t *o)
{
    ml_oip_input_t  *input;

    static const char *const  known[] = { "binary_data_size", NULL };

    input = &o->inputs[o->ninputs];

    ml_oip_at(o, "inputs");
    ml_oip_at_index(o, o->ninputs);

    if (o->members[ML_OIP_INPUT_PARAMETERS] != ML_TAPE_NONE
        && ml_oip_parameters(o, o->members[ML_OIP_INPUT_PARAMETERS], known,
                             ml_oip_take_size, input)
           != 0)
    {
        return -1;
    }

    if (!input->data && input->binary == UINT64_MAX) {
        ml_oip_at(o, "inputs");
        ml_oip_at_index(o, o->ninputs);
        ml_oip_at_name(o, "data");
        ml_violation_missing(&o->violation);

        return ml_oip_reject(o);
    }

    return 0;
}


static int
ml_oip_take_boolean(ml_oip_t *o, int which, uint32_t i, void *data)
{
    int  *value = data;

    if (o->tape.nodes[i].type != ML_TAPE_TRUE
        && o->tape.nodes[i].type != ML_TAPE_FALSE)
    {
        ml_violation_element(&o->violation, ML_DTYPE_BOOL);
        return ml_oip_reject(o);
    }

    *value = o->tape.nodes[i].type == ML_TAPE_TRUE;

    return 0;
}


/* An entry of "outputs" at "node"; its name is copied to *names. */
static int
ml_oip_output(ml_oip_t *o, uint32_t node, char **names)
{
    size_t            i, npath, len;
    uint32_t          key, end;
    const char       *text, *name;
    ml_oip_output_t  *output;

    static const char *const  known[] = { "binary_data", NULL };

    output = &o->request.outputs[o->request.noutputs];
    output->binary = o->request.binary;
    output->name = NULL;
    npath = o->npath;

    if (o->tape.nodes[node].type != ML_TAPE_OBJECT) {
        return ml_oip_refuse(o, "it is no object");
    }

    end = ml_tape_next(&o->tape, node);

    for (key = node + 1; key < end; key = ml_tape_next(&o->tape, key + 1)) {
        o->npath = npath;
        text = ml_tape_text(&o->tape, key);
        len = o->tape.nodes[key].size;

        if (ml_oip_equals(text, len, "parameters")) {

            if (ml_oip_parameters(o, key + 1, known, ml_oip_take_boolean,
                                  &output->binary)
                != 0)
            {
                return -1;
            }

            continue;
        }

        if (!ml_oip_equals(text, len, "name")) {
            return ml_oip_refuse(o, "it has a member that is not known");
        }

        ml_oip_at_name(o, "name");

        if (ml_oip_string(o, key + 1, &name, &len) != 0) {
            return -1;
        }

        output->name = *names;
        memcpy(*names, name, len);
        *names += len;
        *(*names)++ = '\0';

        for (i = 0; i < o->request.noutputs; i++) {
            if (strcmp(o->request.outputs[i].name, output->name) == 0) {
                return ml_oip_refuse(o, "another output has this name");
            }
        }
    }

    o->npath = npath;

    if (output->name == NULL) {
        ml_oip_at_name(o, "name");
        ml_violation_missing(&o->violation);

        return ml_oip_reject(o);
    }

    o->request.noutputs++;

    return 0;
}


static int
ml_oip_outputs(ml_oip_t *o, char *names)
{
    uint32_t  node, i, end;

    node = o->root[ML_OIP_ROOT_OUTPUTS];
    ml_oip_at(o, "outputs");

    if (o->tape.nodes[node].type != ML_TAPE_ARRAY) {
        ml_violation_list(&o->violation);
        return ml_oip_reject(o);
    }

    if (o->tape.nodes[node].size > ML_OIP_TENSORS) {
        ml_violation_long_list(&o->violation, ML_OIP_TENSORS);
        return ml_oip_reject(o);
    }

    o->request.outputs = calloc(o->tape.nodes[node].size + 1,
                                sizeof(ml_oip_output_t));

    if (o->request.outputs == NULL) {
        return ml_oip_fail(o);
    }

    end = ml_tape_next(&o->tape, node);

    for (i = node + 1; i < end; i = ml_tape_next(&o->tape, i)) {
        ml_oip_at(o, "outputs");
        ml_oip_at_index(o, o->request.noutputs);

        if (ml_oip_output(o, i, &names) != 0) {
            return -1;
        }
    }

    return 0;
}


/* The model, which clients of KServe name in the body, too. */
static int
ml_oip_model_name(ml_oip_t *o, uint32_t i)
{
    size_t       len;
    const char  *name;

    ml_oip_at(o, "model_name");

    if (ml_oip_string(o, i, &name, &len) != 0) {
        return -1;
    }

    if (len != o->contract->model_len
        || memcmp(name, o->contract->model, len) != 0)
    {
        return ml_oip_refuse(o, "the path names another model");
    }

    return 0;
}


int
ml_oip_request_end(ml_oip_t *o)
{
    char        *names;
    size_t       i, j;
    uint32_t     id;
    const char  *text;

    static const char *const  known[] = { "binary_data_output", NULL };

    if (o->root[ML_OIP_ROOT_INPUTS] == ML_TAPE_NONE) {
        ml_oip_at(o, "inputs");
        ml_violation_missing(&o->violation);

        return ml_oip_reject(o);
    }

    for (i = 0; o->contract->inputs && i < o->contract->ninputs; i++) {

        for (j = 0; j < o->ninputs && o->inputs[j].spec != i; j++) {
            /* void */
        }

        if (j == o->ninputs) {
            ml_oip_at(o, "inputs");
            return ml_oip_refuse(o, "an input of the model is not there");
        }
    }

    if (o->root[ML_OIP_ROOT_MODEL] != ML_TAPE_NONE
        && ml_oip_model_name(o, o->root[ML_OIP_ROOT_MODEL]) != 0)
    {
        return -1;
    }

    o->npath = 0;

    if (o->root[ML_OIP_ROOT_PARAMETERS] != ML_TAPE_NONE
        && ml_oip_parameters(o, o->root[ML_OIP_ROOT_PARAMETERS], known,
                             ml_oip_take_boolean, &o->request.binary)
           != 0)
    {
        return -1;
    }

    /* names are on the tape, each with a node of its own: that is room */

    o->names = malloc((size_t) o->tape.len + o->tape.n + 1);

    if (o->names == NULL) {
        return ml_oip_fail(o);
    }

    names = o->names;
    id = o->root[ML_OIP_ROOT_ID];

    if (id != ML_TAPE_NONE
        && (o->tape.nodes[id].type != ML_TAPE_STRING
            || o->tape.nodes[id].size))
    {
        ml_oip_at(o, "id");

        if (ml_oip_string(o, id, &text, &o->request.id_len) != 0) {
            return -1;
        }

        if (o->request.id_len > ML_OIP_ID) {
            ml_violation_long_string(&o->violation, ML_OIP_ID);
            return ml_oip_reject(o);
        }

        memcpy(names, text, o->request.id_len);
        o->request.id = names;
        names += o->request.id_len;
    }

    return o->root[ML_OIP_ROOT_OUTPUTS] == ML_TAPE_NONE
           ? 0 : ml_oip_outputs(o, names);
}
