/* Reading a NodeProto and its AttributeProtos; see ml_onnx.h. */

#include <string.h>

#include "ml_onnx_reader.h"


/* Counts or, once there is an array, stores one value of a list. */

static int
ml_onnx_list_value(ml_onnx_reader_t *reader, ml_onnx_attribute_t *attribute,
    uint64_t value)
{
    uint32_t  bits;

    if (attribute->n == ML_ONNX_MAX_LIST) {
        return ml_onnx_fail(reader, "attribute \"%.80s\" has more than %d "
                            "values", attribute->name, ML_ONNX_MAX_LIST);
    }

    if (attribute->ints != NULL) {
        attribute->ints[attribute->n] = (int64_t) value;

    } else if (attribute->floats != NULL) {
        bits = (uint32_t) value;
        memcpy(&attribute->floats[attribute->n], &bits, sizeof(float));
    }

    attribute->n++;

    return 0;
}


/* The same for all of them. */

static int
ml_onnx_list(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_attribute_t *attribute)
{
    int         rc;
    uint64_t    value;
    ml_wire_t   wire, packed;
    ml_field_t  field;

    attribute->n = 0;
    rc = 0;

    ml_wire_open(&wire, message);

    while (rc == 0 && ml_wire_next(&wire, &field) == 1) {

        if (attribute->type == ML_ONNX_INTS
            && field.tag == ml_tag(8, ML_WIRE_VARINT))
        {
            rc = ml_onnx_list_value(reader, attribute, field.value);

        } else if (attribute->type == ML_ONNX_FLOATS
                   && field.tag == ml_tag(7, ML_WIRE_32))
        {
            rc = ml_onnx_list_value(reader, attribute, field.value);

        } else if (attribute->type == ML_ONNX_INTS
                   && field.tag == ml_tag(8, ML_WIRE_BYTES))
        {
            ml_wire_open(&packed, &field);

            while (rc == 0 && packed.pos != packed.end) {
                if (ml_wire_varint(&packed, &value) != 0) {
                    return ml_onnx_malformed(reader, "attribute");
                }

                rc = ml_onnx_list_value(reader, attribute, value);
            }

        } else if (attribute->type == ML_ONNX_FLOATS
                   && field.tag == ml_tag(7, ML_WIRE_BYTES))
        {
            ml_wire_open(&packed, &field);

            while (rc == 0 && packed.pos != packed.end) {
                if (ml_wire_fixed(&packed, 4, &value) != 0) {
                    return ml_onnx_malformed(reader, "attribute");
                }

                rc = ml_onnx_list_value(reader, attribute, value);
            }
        }
    }

    return rc;
}


static int
ml_onnx_attribute(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_attribute_t *attribute)
{
    int         rc;
    uint32_t    bits;
    uint64_t    type;
    ml_wire_t   wire;
    ml_field_t  field;

    type = 0;
    attribute->name = "";
    attribute->s = "";

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_BYTES):
            attribute->name = ml_onnx_name(reader, &field,
                                           "an attribute's name");
            if (attribute->name == NULL) {
                return -1;
            }

            break;

        case ml_tag(2, ML_WIRE_32):
            bits = (uint32_t) field.value;
            memcpy(&attribute->f, &bits, sizeof(float));
            break;

        case ml_tag(3, ML_WIRE_VARINT):
            attribute->i = (int64_t) field.value;
            break;

        case ml_tag(4, ML_WIRE_BYTES):
            attribute->s = ml_onnx_name(reader, &field,
                                        "an attribute's value");
            if (attribute->s == NULL) {
                return -1;
            }

            break;

        case ml_tag(5, ML_WIRE_BYTES):
            if (attribute->tensor != NULL) {
                return ml_onnx_fail(reader, "an attribute has two tensors");
            }

            attribute->tensor = ml_onnx_take(reader, 1,
                                             sizeof(ml_onnx_tensor_t));

            if (attribute->tensor == NULL
                || ml_onnx_tensor(reader, &field, attribute->tensor) != 0)
            {
                return -1;
            }

            break;

        case ml_tag(6, ML_WIRE_BYTES):
        case ml_tag(11, ML_WIRE_BYTES):
            return ml_onnx_fail(reader, "an attribute holds a graph, which is "
                                "not supported");

        case ml_tag(20, ML_WIRE_VARINT):
            type = field.value;
            break;

        case ml_tag(21, ML_WIRE_BYTES):
            return ml_onnx_fail(reader, "an attribute refers to a function's, "
                                "which is not supported");
        }
    }

    if (rc != 0) {
        return ml_onnx_malformed(reader, "attribute");
    }

    switch (type) {

    case ML_ONNX_FLOAT:
    case ML_ONNX_INT:
    case ML_ONNX_STRING:
    case ML_ONNX_STRINGS:
        attribute->type = (ml_onnx_type_e) type;
        return 0;

    case ML_ONNX_TENSOR:
        if (attribute->tensor == NULL) {
            break;
        }

        attribute->type = ML_ONNX_TENSOR;
        return 0;

    case ML_ONNX_FLOATS:
    case ML_ONNX_INTS:
        attribute->type = (ml_onnx_type_e) type;

        if (ml_onnx_list(reader, message, attribute) != 0) {
            return -1;
        }

        if (type == ML_ONNX_INTS) {
            attribute->ints = ml_onnx_take(reader, attribute->n,
                                           sizeof(int64_t));
        } else {
            attribute->floats = ml_onnx_take(reader, attribute->n,
                                             sizeof(float));
        }

        if (attribute->ints == NULL && attribute->floats == NULL) {
            return -1;
        }

        return ml_onnx_list(reader, message, attribute);
    }

    return ml_onnx_fail(reader, "attribute \"%.80s\" is of type %lu, which is "
                        "not supported, or has no value", attribute->name,
                        (unsigned long) type);
}


int
ml_onnx_node(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_node_t *node)
{
    int           rc;
    ml_wire_t     wire;
    ml_field_t    field;
    const char  **name;

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_BYTES):
            node->ninputs++;
            break;

        case ml_tag(2, ML_WIRE_BYTES):
            node->noutputs++;
            break;

        case ml_tag(5, ML_WIRE_BYTES):
            node->nattributes++;
            break;
        }
    }

    if (rc != 0) {
        return ml_onnx_malformed(reader, "node");
    }

    if (node->ninputs > ML_ONNX_MAX_PORTS
        || node->noutputs > ML_ONNX_MAX_PORTS
        || node->nattributes > ML_ONNX_MAX_ATTRIBUTES)
    {
        return ml_onnx_fail(reader, "has too many inputs, outputs or "
                            "attributes");
    }

    node->name = node->domain = node->operator = "";

    node->inputs = ml_onnx_take(reader, node->ninputs, sizeof(char *));
    node->outputs = ml_onnx_take(reader, node->noutputs, sizeof(char *));
    node->attributes = ml_onnx_take(reader, node->nattributes,
                                    sizeof(ml_onnx_attribute_t));

    if (node->inputs == NULL || node->outputs == NULL
        || node->attributes == NULL)
    {
        return -1;
    }

    node->ninputs = node->noutputs = node->nattributes = 0;

    ml_wire_open(&wire, message);

    while (ml_wire_next(&wire, &field) == 1) {

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_BYTES):
            name = &node->inputs[node->ninputs++];
            break;

        case ml_tag(2, ML_WIRE_BYTES):
            name = &node->outputs[node->noutputs++];
            break;

        case ml_tag(3, ML_WIRE_BYTES):
            name = &node->name;
            break;

        case ml_tag(4, ML_WIRE_BYTES):
            name = &node->operator;
            break;

        case ml_tag(7, ML_WIRE_BYTES):
            name = &node->domain;
            break;

        case ml_tag(5, ML_WIRE_BYTES):
            if (ml_onnx_attribute(reader, &field,
                                  &node->attributes[node->nattributes++])
                != 0)
            {
                return -1;
            }

            continue;

        default:
            continue;
        }

        *name = ml_onnx_name(reader, &field, "a name");

        if (*name == NULL) {
            return -1;
        }
    }

    return 0;
}
