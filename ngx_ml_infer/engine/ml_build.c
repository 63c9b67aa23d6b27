/*
 * From the file's graph to the one that a backend plans; see ml_graph.h.
 *
 * In order, each node is checked, its output's shape inferred and, when its
 * inputs are constants, its value computed with the reference kernel at once,
 * so that inference sees the constants it may depend on.  Work and memory
 * spent on that are limited: a file of a kilobyte can describe any amount of
 * both.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ml_kernels.h"
#include "ml_operators.h"


/* an array's alignment serves the widest vectors */
#define ML_CONSTANT_ALIGN  64

/* what is computed from the file; weights have a limit of their own */
#ifndef ML_CONSTANT_LIMIT
#define ML_CONSTANT_LIMIT  ((size_t) 256 * 1024 * 1024)
#endif

/* multiply-adds spent on that, in which an element elsewhere counts as 8 */
#ifndef ML_WORK_LIMIT
#define ML_WORK_LIMIT      ((uint64_t) 1 << 30)
#endif

/* one input or computed value, for one row */
#ifndef ML_VALUE_LIMIT
#define ML_VALUE_LIMIT     ((size_t) 1 << 28)
#endif


int
ml_build_fail(ml_build_t *build, const char *fmt, ...)
{
    int      n;
    va_list  args;

    n = 0;

    if (build->source != NULL) {
        n = snprintf(build->error, build->size,
                     "node %ld \"%.80s\", operator %s%s%.80s of opset %ld: ",
                     (long) (build->source - build->onnx.nodes),
                     build->source->name, build->source->domain,
                     build->source->domain[0] ? "." : "",
                     build->source->operator, (long) build->onnx.opset);
    }

    if (n >= 0 && (size_t) n < build->size) {
        va_start(args, fmt);
        (void) vsnprintf(build->error + n, build->size - n, fmt, args);
        va_end(args);
    }

    return -1;
}


void *
ml_build_take(ml_build_t *build, size_t n, size_t size)
{
    void  *p;

    p = ml_arena_take(&build->model->arena, n, size);

    if (p == NULL) {
        build->source = NULL;
        (void) ml_build_fail(build, "the graph needs more than %zu bytes of "
                             "memory, without its weights, or memory is out",
                             build->model->arena.limit);
    }

    return p;
}


/*
 * The bytes of an array.  One that is empty has to be within the limit as if
 * its dimensions of 0 were 1: the others take no memory, but time.
 */

static int
ml_build_size(ml_dtype_e dtype, uint32_t rank, const int64_t *dims,
    size_t limit, size_t *bytes)
{
    int       empty;
    size_t    n;
    uint32_t  i;

    n = ml_dtype_size(dtype);
    empty = 0;

    for (i = 0; i < rank; i++) {

        if (dims[i] == 0) {
            empty = 1;
            continue;
        }

        if (dims[i] < 0
            || __builtin_mul_overflow(n, (uint64_t) dims[i], &n))
        {
            return -1;
        }
    }

    *bytes = empty ? 0 : n;

    return n > limit ? -1 : 0;
}


/* Memory for a constant, counted in "used", of which there is "limit". */

static int
ml_build_memory(ml_build_t *build, ml_value_t *value, size_t *used,
    size_t limit)
{
    size_t  bytes, padded;

    if (ml_build_size(value->dtype, value->rank, value->dims, limit, &bytes)
        != 0
        || bytes > limit - *used)
    {
        return ml_build_fail(build, "constants take more than %zu bytes, "
                             "dimensions of 0 taken as 1", limit);
    }

    /* aligned_alloc() wants a multiple, and something */

    padded = (bytes + ML_CONSTANT_ALIGN) & ~((size_t) ML_CONSTANT_ALIGN - 1);

    value->data = aligned_alloc(ML_CONSTANT_ALIGN, padded);

    if (value->data == NULL) {
        return ml_build_fail(build, "no memory for a constant of %zu bytes",
                             bytes);
    }

    value->bytes = bytes;
    *used += bytes;

    return 0;
}


int
ml_build_constant(ml_build_t *build, ml_value_t *value)
{
    return ml_build_memory(build, value, &build->constants,
                           ML_CONSTANT_LIMIT);
}


ml_value_t *
ml_build_input(ml_build_t *build, const ml_node_t *node, uint32_t i)
{
    if (i >= node->ninputs || node->inputs[i] == ML_ABSENT) {
        return NULL;
    }

    return &build->model->values[node->inputs[i]];
}


/* The contract of what a request has to bring. */

static int
ml_build_inputs(ml_build_t *build)
{
    int                    batched;
    size_t                 bytes;
    uint32_t               i, j;
    ml_model_t            *model;
    ml_value_t            *value;
    ml_tensor_spec_t      *spec;
    const ml_onnx_port_t  *port;

    model = build->model;
    build->source = NULL;

    model->inputs = ml_build_take(build, build->onnx.ninputs, sizeof(int32_t));
    model->input_specs = ml_build_take(build, build->onnx.ninputs,
                                       sizeof(ml_tensor_spec_t));

    if (model->inputs == NULL || model->input_specs == NULL) {
        return -1;
    }

    for (i = 0; i < build->onnx.ninputs; i++) {

        if (build->shadowed[i]) {
            continue;
        }

        port = &build->onnx.inputs[i];

        if (!port->shaped) {
            return ml_build_fail(build, "input \"%.80s\" has no shape",
                                 port->name);
        }

        for (j = 0; j < port->rank; j++) {

            if (port->dims[j] == 0) {
                return ml_build_fail(build, "dimension %u of input \"%.80s\" "
                                     "is 0", j, port->name);
            }

            if (port->dims[j] < 0 && j > 0) {
                return ml_build_fail(build, "dimension %u of input \"%.80s\" "
                                     "is free; only the first may be", j,
                                     port->name);
            }
        }

        batched = (port->rank > 0 && port->dims[0] < 0);

        if (ml_build_size(port->dtype, port->rank - batched,
                          port->dims + batched, ML_VALUE_LIMIT, &bytes)
            != 0)
        {
            return ml_build_fail(build, "input \"%.80s\" takes more than %zu "
                                 "bytes a row", port->name, ML_VALUE_LIMIT);
        }

        if (model->ninputs == 0) {
            model->batched = batched;

        } else if (batched != model->batched) {
            return ml_build_fail(build, "the first dimension of input "
                                 "\"%.80s\" is %s, unlike that of input "
                                 "\"%.80s\"", port->name,
                                 batched ? "free" : "not free",
                                 model->input_specs[0].name);
        }

        value = &model->values[i];
        value->name = port->name;
        value->dtype = port->dtype;
        value->rank = port->rank;
        memcpy(value->dims, port->dims, sizeof(port->dims));

        spec = &model->input_specs[model->ninputs];
        spec->name = port->name;
        spec->dtype = port->dtype;
        spec->rank = port->rank;
        memcpy(spec->dims, port->dims, sizeof(port->dims));

        model->inputs[model->ninputs++] = (int32_t) i;
    }

    if (model->ninputs == 0 || model->ninputs > ML_ONNX_MAX_PORTS) {
        return ml_build_fail(build, "the model has %u inputs; 1 to %d are "
                             "supported", model->ninputs, ML_ONNX_MAX_PORTS);
    }

    return 0;
}


/* Copies an initializer out of the file, the first time it is needed. */

static int
ml_build_tensor(ml_build_t *build, const ml_onnx_tensor_t *tensor,
    ml_value_t *value)
{
    if (value->data != NULL) {
        return 0;
    }

    value->name = tensor->name;
    value->dtype = tensor->dtype;
    value->rank = tensor->rank;
    memcpy(value->dims, tensor->dims, sizeof(tensor->dims));

    if (ml_build_memory(build, value, &build->weights, ML_ONNX_MAX_BYTES)
        != 0)
    {
        return -1;
    }

    ml_onnx_tensor_copy(tensor, value->data);

    return 0;
}


static void
ml_value_array(const ml_value_t *value, ml_array_t *array)
{
    array->dtype = value->dtype;
    array->rank = value->rank;
    memcpy(array->dims, value->dims, sizeof(value->dims));
    array->data = value->data;
}


/* Computes a node whose inputs are all constants. */

static int
ml_build_fold(ml_build_t *build, ml_node_t *node, ml_value_t *output)
{
    size_t             j;
    uint32_t           i;
    uint64_t           work, depth;
    ml_array_t         result, arrays[ML_MAX_INPUTS];
    ml_value_t        *input;
    const ml_array_t  *inputs[ML_MAX_INPUTS];

    work = 0;

    for (i = 0; i < node->ninputs; i++) {

        inputs[i] = NULL;
        input = ml_build_input(build, node, i);

        if (input == NULL) {
            continue;
        }

        if (build->symbolic[node->inputs[i]] && !node->operator->moves) {
            return ml_build_fail(build, "computes with the free first "
                                 "dimension, which is not supported");
        }

        ml_value_array(input, &arrays[i]);
        inputs[i] = &arrays[i];

        work += 8 * ml_value_elements(input);
    }

    depth = 8;

    if (node->operator->kind == ML_KIND_GEMM) {
        depth += (uint64_t) arrays[0].dims[!node->parameters.transpose_a];

    } else if (node->operator->kind == ML_KIND_MATMUL) {
        depth += (uint64_t) arrays[0].dims[arrays[0].rank - 1];
    }

    if (__builtin_mul_overflow(depth, ml_value_elements(output), &depth)
        || __builtin_add_overflow(work, depth, &work)
        || work > ML_WORK_LIMIT - build->work)
    {
        return ml_build_fail(build, "computing the file's constants takes "
                             "more than %lu operations",
                             (unsigned long) ML_WORK_LIMIT);
    }

    build->work += work;

    if (ml_build_constant(build, output) != 0) {
        return -1;
    }

    ml_value_array(output, &result);

    /* there may be no end to how often a kernel does nothing */

    if (output->bytes != 0) {
        node->operator->kernel(node, inputs, &result);
    }

    for (i = 0; i < node->ninputs; i++) {

        if (inputs[i] == NULL || !build->symbolic[node->inputs[i]]) {
            continue;
        }

        for (j = 0; j < output->bytes / sizeof(int64_t); j++) {
            if (((int64_t *) output->data)[j] == ML_ROWS_SYMBOL) {
                build->symbolic[node->output] = 1;
            }
        }
    }

    return 0;
}


/* Returns 1 when the node is left to be run, 0 when it is a constant now. */

static int
ml_build_node(ml_build_t *build, uint32_t index)
{
    int                    constant;
    size_t                 bytes;
    int64_t                dims[ML_TENSOR_MAX_RANK];
    uint32_t               i, tensor;
    ml_node_t             *node;
    ml_model_t            *model;
    ml_value_t            *output;
    const ml_onnx_node_t  *source;

    model = build->model;
    node = &model->nodes[index];
    source = &build->onnx.nodes[index];
    output = &model->values[node->output];

    build->source = source;
    build->taken = 0;

    if (source->domain[0] != '\0' && strcmp(source->domain, "ai.onnx") != 0) {
        return ml_build_fail(build, "the domain is not supported");
    }

    node->operator = ml_operator_find(source->operator, build->onnx.opset);

    if (node->operator == NULL) {
        return ml_build_fail(build, "the operator is not supported");
    }

    if (node->ninputs > node->operator->most) {
        return ml_build_fail(build, "has %u inputs, at most %u are supported",
                             node->ninputs, node->operator->most);
    }

    for (i = 0; i < node->operator->least; i++) {
        if (i >= node->ninputs || node->inputs[i] == ML_ABSENT) {
            return ml_build_fail(build, "input %u is missing", i);
        }
    }

    constant = 1;

    for (i = 0; i < node->ninputs; i++) {

        if (node->inputs[i] == ML_ABSENT) {
            continue;
        }

        if (node->inputs[i] >= build->first_tensor
            && node->inputs[i] < build->first_output)
        {
            tensor = (uint32_t) (node->inputs[i] - build->first_tensor);

            if (ml_build_tensor(build, &build->onnx.tensors[tensor],
                                &model->values[node->inputs[i]])
                != 0)
            {
                return -1;
            }
        }

        constant &= (model->values[node->inputs[i]].data != NULL);
    }

    output->name = source->outputs[0];

    if (node->operator->infer(build, node, output) != 0) {
        return -1;
    }

    for (i = 0; i < source->nattributes; i++) {
        if (!(build->taken & (1u << i))) {
            return ml_build_fail(build, "attribute \"%.80s\" is unknown or "
                                 "given twice", source->attributes[i].name);
        }
    }

    if (output->data != NULL) {
        return 0;
    }

    memcpy(dims, output->dims, sizeof(dims));

    if (!constant && model->batched) {
        if (output->rank == 0 || dims[0] != ML_ROWS) {
            return ml_build_fail(build, "its output has lost the free first "
                                 "dimension");
        }

        dims[0] = 1;
    }

    if (ml_build_size(output->dtype, output->rank, dims, ML_VALUE_LIMIT,
                      &bytes)
        != 0)
    {
        return ml_build_fail(build, "its output takes more than %zu bytes, "
                             "dimensions of 0 taken as 1", ML_VALUE_LIMIT);
    }

    if (constant) {
        return ml_build_fold(build, node, output);
    }

    if (bytes == 0) {
        return ml_build_fail(build, "its output is empty");
    }

    /* a shape is used up by inference; elsewhere rows are not known yet */

    for (i = 0; i < node->ninputs; i++) {
        if (node->inputs[i] != ML_ABSENT && build->symbolic[node->inputs[i]]
            && node->operator->infer != ml_infer_reshape)
        {
            return ml_build_fail(build, "computes with the free first "
                                 "dimension, which is not supported");
        }
    }

    return 1;
}


static int
ml_build_outputs(ml_build_t *build)
{
    uint32_t               i, j;
    ml_name_t             *name;
    ml_model_t            *model;
    ml_value_t            *value;
    ml_tensor_spec_t      *spec;
    const ml_onnx_port_t  *port;

    model = build->model;
    build->source = NULL;

    model->outputs = ml_build_take(build, build->onnx.noutputs,
                                   sizeof(int32_t));
    model->output_specs = ml_build_take(build, build->onnx.noutputs,
                                        sizeof(ml_tensor_spec_t));

    if (model->outputs == NULL || model->output_specs == NULL) {
        return -1;
    }

    for (i = 0; i < build->onnx.noutputs; i++) {

        port = &build->onnx.outputs[i];
        name = ml_build_name(build, port->name);

        if (name == NULL || name->value == ML_UNMADE) {
            return ml_build_fail(build, "nothing that is supported gives "
                                 "output \"%.80s\"", port->name);
        }

        value = &model->values[name->value];

        if (value->data != NULL || name->from == ML_NAME_TENSOR
            || (name->from == ML_NAME_INPUT
                && name->value >= build->first_tensor))
        {
            return ml_build_fail(build, "output \"%.80s\" does not depend on "
                                 "an input", port->name);
        }

        if (value->dtype != port->dtype) {
            return ml_build_fail(build, "output \"%.80s\" is said to be %s and "
                                 "is %s", port->name,
                                 ml_dtype_name(port->dtype),
                                 ml_dtype_name(value->dtype));
        }

        for (j = 0; j < i; j++) {
            if (model->outputs[j] == name->value) {
                return ml_build_fail(build, "output \"%.80s\" is given twice",
                                     port->name);
            }
        }

        /* the shape is what was inferred; what the file says may be wrong */

        spec = &model->output_specs[i];
        spec->name = port->name;
        spec->dtype = value->dtype;
        spec->rank = value->rank;
        memcpy(spec->dims, value->dims, sizeof(value->dims));

        model->outputs[i] = name->value;
    }

    model->noutputs = build->onnx.noutputs;

    if (model->noutputs == 0) {
        return ml_build_fail(build, "the model has no output");
    }

    return 0;
}


int
ml_build(ml_build_t *build, const void *data, size_t len)
{
    int          rc;
    size_t       i, n;
    ml_node_t   *nodes;
    ml_model_t  *model;

    model = build->model;

    if (ml_onnx_read(&build->onnx, &model->arena, data, len, build->error,
                     build->size)
        != 0)
    {
        return -1;
    }

    n = (size_t) build->onnx.ninputs + build->onnx.ntensors
        + build->onnx.nnodes;

    model->values = ml_build_take(build, n, sizeof(ml_value_t));
    model->nodes = ml_build_take(build, build->onnx.nnodes, sizeof(ml_node_t));
    nodes = ml_build_take(build, build->onnx.nnodes, sizeof(ml_node_t));
    build->symbolic = ml_build_take(build, n, 1);

    if (model->values == NULL || model->nodes == NULL || nodes == NULL
        || build->symbolic == NULL)
    {
        return -1;
    }

    model->nvalues = (uint32_t) n;

    if (ml_build_names(build) != 0
        || ml_build_wires(build) != 0
        || ml_build_order(build) != 0
        || ml_build_inputs(build) != 0)
    {
        return -1;
    }

    for (i = 0, n = 0; i < build->onnx.nnodes; i++) {

        rc = ml_build_node(build, build->order[i]);

        if (rc < 0) {
            return -1;
        }

        if (rc == 1) {
            nodes[n++] = model->nodes[build->order[i]];
        }
    }

    model->nodes = nodes;
    model->nnodes = (uint32_t) n;

    if (ml_build_outputs(build) != 0 || ml_build_prune(build) != 0) {
        return -1;
    }

    return ml_build_live(build);
}
