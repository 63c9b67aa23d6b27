/*
 * The reader of ONNX files; see ml_onnx.h.
 *
 * A message is walked twice: once to count, so that its arrays are taken in
 * one piece, and once to fill them.  A field is told apart by number and
 * wire type together; a known number with a foreign wire type is an unknown
 * field, as in protobuf itself.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ml_onnx_reader.h"


int
ml_onnx_fail(ml_onnx_reader_t *reader, const char *fmt, ...)
{
    int      n;
    va_list  args;

    n = 0;

    if (reader->node >= 0) {
        n = snprintf(reader->error, reader->size, "node %ld: ",
                     (long) reader->node);
    }

    if (n >= 0 && (size_t) n < reader->size) {
        va_start(args, fmt);
        (void) vsnprintf(reader->error + n, reader->size - n, fmt, args);
        va_end(args);
    }

    return -1;
}


int
ml_onnx_malformed(ml_onnx_reader_t *reader, const char *message)
{
    return ml_onnx_fail(reader, "malformed or truncated %s", message);
}


void *
ml_onnx_take(ml_onnx_reader_t *reader, size_t n, size_t size)
{
    void  *p;

    p = ml_arena_take(reader->arena, n, size);

    if (p == NULL) {
        (void) ml_onnx_fail(reader, "the graph needs more than %zu bytes of "
                            "memory, without its weights, or memory is out",
                            reader->arena->limit);
    }

    return p;
}


const char *
ml_onnx_name(ml_onnx_reader_t *reader, const ml_field_t *field,
    const char *what)
{
    char    *name;
    size_t   i;

    if (field->len == 0) {
        return "";
    }

    if (field->len > ML_ONNX_MAX_NAME) {
        (void) ml_onnx_fail(reader, "%s is longer than %d bytes", what,
                            ML_ONNX_MAX_NAME);
        return NULL;
    }

    for (i = 0; i < field->len; i++) {
        if (field->data[i] < 0x20 || field->data[i] == 0x7f) {
            (void) ml_onnx_fail(reader, "%s has a control character", what);
            return NULL;
        }
    }

    name = ml_onnx_take(reader, field->len + 1, 1);

    if (name != NULL) {
        memcpy(name, field->data, field->len);
    }

    return name;
}


static int
ml_onnx_shape(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_port_t *port)
{
    int         rc;
    int64_t     dim;
    ml_wire_t   wire, inner;
    ml_field_t  field, part;

    port->shaped = 1;
    port->rank = 0;

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        if (field.tag != ml_tag(1, ML_WIRE_BYTES)) {
            continue;
        }

        if (port->rank == ML_TENSOR_MAX_RANK) {
            return ml_onnx_fail(reader, "\"%.80s\" has more than %d "
                                "dimensions", port->name, ML_TENSOR_MAX_RANK);
        }

        dim = -1;

        ml_wire_open(&inner, &field);

        while ((rc = ml_wire_next(&inner, &part)) == 1) {

            if (part.tag == ml_tag(1, ML_WIRE_VARINT)) {
                dim = (int64_t) part.value;

                if (dim < 0) {
                    return ml_onnx_fail(reader, "\"%.80s\" has a negative "
                                        "dimension", port->name);
                }

            } else if (part.tag == ml_tag(2, ML_WIRE_BYTES)) {
                dim = -1;
            }
        }

        if (rc != 0) {
            break;
        }

        port->dims[port->rank++] = dim;
    }

    return rc == 0 ? 0 : ml_onnx_malformed(reader, "shape");
}


static int
ml_onnx_tensor_type(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_port_t *port)
{
    int         rc;
    ml_wire_t   wire;
    ml_field_t  field;

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        if (field.tag == ml_tag(1, ML_WIRE_VARINT)) {
            port->dtype = field.value <= ML_DTYPE_BFLOAT16
                              ? (ml_dtype_e) field.value : ML_DTYPE_NONE;

        } else if (field.tag == ml_tag(2, ML_WIRE_BYTES)
                   && ml_onnx_shape(reader, &field, port) != 0)
        {
            return -1;
        }
    }

    return rc == 0 ? 0 : ml_onnx_malformed(reader, "type");
}


/* A ValueInfoProto. */

static int
ml_onnx_port(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_port_t *port)
{
    int         rc;
    ml_wire_t   wire, inner;
    ml_field_t  field, part;

    port->name = "";

    ml_wire_open(&wire, message);

    /* the name first, so that what is said about the type can name it */

    while ((rc = ml_wire_next(&wire, &field)) == 1) {
        if (field.tag == ml_tag(1, ML_WIRE_BYTES)) {
            port->name = ml_onnx_name(reader, &field, "an input's name");
            if (port->name == NULL) {
                return -1;
            }
        }
    }

    if (rc != 0) {
        return ml_onnx_malformed(reader, "input or output");
    }

    ml_wire_open(&wire, message);

    while (ml_wire_next(&wire, &field) == 1) {

        if (field.tag != ml_tag(2, ML_WIRE_BYTES)) {
            continue;
        }

        ml_wire_open(&inner, &field);

        while ((rc = ml_wire_next(&inner, &part)) == 1) {

            switch (part.tag) {

            case ml_tag(1, ML_WIRE_BYTES):
                if (ml_onnx_tensor_type(reader, &part, port) != 0) {
                    return -1;
                }

                break;

            case ml_tag(4, ML_WIRE_BYTES):
            case ml_tag(5, ML_WIRE_BYTES):
            case ml_tag(8, ML_WIRE_BYTES):
            case ml_tag(9, ML_WIRE_BYTES):
                return ml_onnx_fail(reader, "\"%.80s\" is not a tensor but a "
                                    "sequence, map, optional or sparse "
                                    "tensor, which is not supported",
                                    port->name);
            }
        }

        if (rc != 0) {
            return ml_onnx_malformed(reader, "type");
        }
    }

    if (port->name[0] == '\0' || ml_dtype_size(port->dtype) == 0) {
        return ml_onnx_fail(reader, "input or output \"%.80s\" has no name or "
                            "no supported element type", port->name);
    }

    return 0;
}


static int
ml_onnx_graph(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_t *onnx)
{
    int         rc;
    uint32_t    node, tensor, input, output;
    ml_wire_t   wire;
    ml_field_t  field;

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_BYTES):
            onnx->nnodes++;
            break;

        case ml_tag(5, ML_WIRE_BYTES):
            onnx->ntensors++;
            break;

        case ml_tag(11, ML_WIRE_BYTES):
            onnx->ninputs++;
            break;

        case ml_tag(12, ML_WIRE_BYTES):
            onnx->noutputs++;
            break;

        case ml_tag(15, ML_WIRE_BYTES):
            return ml_onnx_fail(reader, "sparse initializers are not "
                                "supported");
        }
    }

    if (rc != 0) {
        return ml_onnx_malformed(reader, "graph");
    }

    if (onnx->nnodes > ML_ONNX_MAX_NODES
        || onnx->ntensors > ML_ONNX_MAX_TENSORS
        || onnx->ninputs > ML_ONNX_MAX_TENSORS + ML_ONNX_MAX_PORTS
        || onnx->noutputs > ML_ONNX_MAX_PORTS)
    {
        return ml_onnx_fail(reader, "the graph has %u nodes, %u initializers, "
                            "%u inputs and %u outputs; at most %d, %d, %d and "
                            "%d are supported", onnx->nnodes, onnx->ntensors,
                            onnx->ninputs, onnx->noutputs, ML_ONNX_MAX_NODES,
                            ML_ONNX_MAX_TENSORS,
                            ML_ONNX_MAX_TENSORS + ML_ONNX_MAX_PORTS,
                            ML_ONNX_MAX_PORTS);
    }

    onnx->nodes = ml_onnx_take(reader, onnx->nnodes, sizeof(ml_onnx_node_t));
    onnx->tensors = ml_onnx_take(reader, onnx->ntensors,
                                 sizeof(ml_onnx_tensor_t));
    onnx->inputs = ml_onnx_take(reader, onnx->ninputs, sizeof(ml_onnx_port_t));
    onnx->outputs = ml_onnx_take(reader, onnx->noutputs,
                                 sizeof(ml_onnx_port_t));

    if (onnx->nodes == NULL || onnx->tensors == NULL || onnx->inputs == NULL
        || onnx->outputs == NULL)
    {
        return -1;
    }

    node = tensor = input = output = 0;

    ml_wire_open(&wire, message);

    while (ml_wire_next(&wire, &field) == 1) {

        rc = 0;

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_BYTES):
            reader->node = node;
            rc = ml_onnx_node(reader, &field, &onnx->nodes[node++]);
            reader->node = -1;
            break;

        case ml_tag(5, ML_WIRE_BYTES):
            rc = ml_onnx_tensor(reader, &field, &onnx->tensors[tensor++]);
            break;

        case ml_tag(11, ML_WIRE_BYTES):
            rc = ml_onnx_port(reader, &field, &onnx->inputs[input++]);
            break;

        case ml_tag(12, ML_WIRE_BYTES):
            rc = ml_onnx_port(reader, &field, &onnx->outputs[output++]);
            break;
        }

        if (rc != 0) {
            return -1;
        }
    }

    return 0;
}


/* An OperatorSetIdProto. */

static int
ml_onnx_import(ml_onnx_reader_t *reader, const ml_field_t *message,
    ml_onnx_t *onnx)
{
    int          rc;
    int64_t      version;
    ml_wire_t    wire;
    ml_field_t   field;
    const char  *domain;

    domain = "";
    version = 0;

    ml_wire_open(&wire, message);

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        if (field.tag == ml_tag(1, ML_WIRE_BYTES)) {
            domain = ml_onnx_name(reader, &field, "an operator set's domain");
            if (domain == NULL) {
                return -1;
            }

        } else if (field.tag == ml_tag(2, ML_WIRE_VARINT)) {
            version = (int64_t) field.value;
        }
    }

    if (rc != 0) {
        return ml_onnx_malformed(reader, "operator set");
    }

    /* other domains matter when a node is of one, and are refused then */

    if (domain[0] != '\0' && strcmp(domain, "ai.onnx") != 0) {
        return 0;
    }

    if (onnx->opset != 0) {
        return ml_onnx_fail(reader, "the default operator set is imported "
                            "twice");
    }

    if (version < ML_ONNX_MIN_OPSET || version > ML_ONNX_MAX_OPSET) {
        return ml_onnx_fail(reader, "opset %ld is not supported; %d to %d are",
                            (long) version, ML_ONNX_MIN_OPSET,
                            ML_ONNX_MAX_OPSET);
    }

    onnx->opset = version;

    return 0;
}


int
ml_onnx_read(ml_onnx_t *onnx, ml_arena_t *arena, const void *data, size_t len,
    char *error, size_t size)
{
    int                rc;
    int64_t            version;
    uint32_t           imports;
    ml_wire_t          wire;
    ml_field_t         field, graph;
    ml_onnx_reader_t   reader;

    memset(onnx, 0, sizeof(ml_onnx_t));

    reader.arena = arena;
    reader.error = error;
    reader.size = size;
    reader.node = -1;

    if (len == 0) {
        return ml_onnx_fail(&reader, "the file is empty");
    }

    if (len > ML_ONNX_MAX_BYTES) {
        return ml_onnx_fail(&reader, "the file is larger than %d bytes",
                            ML_ONNX_MAX_BYTES);
    }

    version = 0;
    imports = 0;
    graph.data = NULL;
    wire.pos = data;
    wire.end = wire.pos + len;

    while ((rc = ml_wire_next(&wire, &field)) == 1) {

        switch (field.tag) {

        case ml_tag(1, ML_WIRE_VARINT):
            version = (int64_t) field.value;
            break;

        case ml_tag(7, ML_WIRE_BYTES):
            if (graph.data != NULL) {
                return ml_onnx_fail(&reader, "the file has two graphs");
            }

            graph = field;
            break;

        case ml_tag(8, ML_WIRE_BYTES):
            if (imports++ == ML_ONNX_MAX_IMPORTS) {
                return ml_onnx_fail(&reader, "more than %d operator sets",
                                    ML_ONNX_MAX_IMPORTS);
            }

            if (ml_onnx_import(&reader, &field, onnx) != 0) {
                return -1;
            }

            break;

        case ml_tag(20, ML_WIRE_BYTES):
            return ml_onnx_fail(&reader, "training information is not "
                                "supported");

        case ml_tag(25, ML_WIRE_BYTES):
            return ml_onnx_fail(&reader, "functions are not supported");
        }
    }

    if (rc != 0) {
        return ml_onnx_fail(&reader, "not an ONNX file, or truncated");
    }

    if (version < ML_ONNX_MIN_IR || version > ML_ONNX_MAX_IR) {
        return ml_onnx_fail(&reader, "not an ONNX file, or its IR version %ld "
                            "is not supported; %d to %d are", (long) version,
                            ML_ONNX_MIN_IR, ML_ONNX_MAX_IR);
    }

    if (onnx->opset == 0) {
        return ml_onnx_fail(&reader, "the file imports no operator set");
    }

    if (graph.data == NULL) {
        return ml_onnx_fail(&reader, "the file has no graph");
    }

    return ml_onnx_graph(&reader, &graph, onnx);
}
