/* Which kernels compute a node, on how many threads; see ml_cuda_kernels.h. */

#include <stdio.h>
#include <string.h>

#include "ml_cuda_kernels.h"


#define ML_CUDA_THREADS     256
#define ML_CUDA_MAX_BLOCKS  65535   /* beyond that a thread does several */


typedef struct ml_cuda_call_s  ml_cuda_call_t;

typedef int (*ml_cuda_family_pt)(ml_cuda_call_t *call);


/* An operator: which kernels, and what fills in their parameters. */
typedef struct {
    const char          *name;      /* of the operator */
    const char          *kernel;
    ml_cuda_family_pt    family;
} ml_cuda_operator_t;


struct ml_cuda_call_s {
    const ml_node_t           *node;
    const ml_array_t *const   *inputs;
    const ml_array_t          *output;
    const char                *kernel;
    ml_cuda_launch_pt          run;
    void                      *data;
    ml_cuda_launch_t           launch;
};


static uint64_t
ml_cuda_extent(const ml_array_t *array, uint32_t from, uint32_t to)
{
    uint64_t  n;

    for (n = 1; from < to; from++) {
        n *= (uint64_t) array->dims[from];
    }

    return n;
}


static uint64_t
ml_cuda_count(const ml_array_t *array)
{
    return ml_cuda_extent(array, 0, array->rank);
}


/* As ml_array_steps(): 0 where the array is repeated. */

static void
ml_cuda_steps(const ml_array_t *array, uint32_t rank, uint64_t *steps)
{
    uint64_t  step;
    uint32_t  i, j;

    step = 1;

    for (i = rank, j = array->rank; i-- > 0; /* void */) {

        if (j == 0) {
            steps[i] = 0;
            continue;
        }

        j--;
        steps[i] = (array->dims[j] == 1) ? 0 : step;
        step *= (uint64_t) array->dims[j];
    }
}


/*
 * Merges dimensions that both arrays walk through as one, and drops those of
 * one element: the fewer, the fewer divisions a thread makes.
 */
static uint32_t
ml_cuda_merge(uint32_t rank, uint64_t *dims, uint64_t (*steps)[ML_CUDA_RANK])
{
    uint32_t  i, n;

    for (i = 0, n = 0; i < rank; i++) {

        if (dims[i] == 1) {
            continue;
        }

        if (n > 0
            && steps[0][n - 1] == dims[i] * steps[0][i]
            && steps[1][n - 1] == dims[i] * steps[1][i])
        {
            dims[n - 1] *= dims[i];
            steps[0][n - 1] = steps[0][i];
            steps[1][n - 1] = steps[1][i];
            continue;
        }

        dims[n] = dims[i];
        steps[0][n] = steps[0][i];
        steps[1][n] = steps[1][i];
        n++;
    }

    return n;
}


/* A thread for each element. */

static int
ml_cuda_emit(ml_cuda_call_t *call, uint64_t elements, const char *suffix)
{
    uint64_t  blocks;

    if (elements == 0) {
        return 0;
    }

    blocks = (elements + ML_CUDA_THREADS - 1) / ML_CUDA_THREADS;

    (void) snprintf(call->launch.name, sizeof(call->launch.name),
                    "ml_cuda_%s_%s", call->kernel, suffix);

    call->launch.threads = ML_CUDA_THREADS;
    call->launch.blocks = blocks < ML_CUDA_MAX_BLOCKS ? (uint32_t) blocks
                                                      : ML_CUDA_MAX_BLOCKS;

    return call->run(call->data, &call->launch);
}


/* A block for each of "blocks", whose threads share "length" elements. */

static int
ml_cuda_emit_together(ml_cuda_call_t *call, uint64_t blocks, uint64_t length,
    const char *suffix)
{
    uint32_t  threads;

    if (blocks == 0) {
        return 0;
    }

    for (threads = 32; threads < ML_CUDA_TOGETHER && threads < length;
         threads *= 2)
    {
        /* void */
    }

    (void) snprintf(call->launch.name, sizeof(call->launch.name),
                    "ml_cuda_%s_%s", call->kernel, suffix);

    call->launch.threads = threads;
    call->launch.blocks = blocks < ML_CUDA_MAX_BLOCKS ? (uint32_t) blocks
                                                      : ML_CUDA_MAX_BLOCKS;

    return call->run(call->data, &call->launch);
}


static const char *
ml_cuda_bits(const ml_array_t *array)
{
    switch (ml_dtype_size(array->dtype)) {

    case 1:
        return "8";

    case 2:
        return "16";

    case 4:
        return "32";

    default:
        return "64";
    }
}


static int
ml_cuda_node_unary(ml_cuda_call_t *call)
{
    ml_cuda_elements_t     *p;
    const ml_parameters_t  *parameters;

    p = &call->launch.parameters.elements;
    parameters = &call->node->parameters;

    p->output = call->output->data;
    p->inputs[0] = call->inputs[0]->data;
    p->elements = ml_cuda_count(call->output);
    p->alpha = parameters->alpha;
    p->beta = parameters->beta;

    if (parameters->approximate) {
        call->kernel = "gelu_tanh";
    }

    return ml_cuda_emit(call, p->elements, ml_dtype_name(call->output->dtype));
}


static int
ml_cuda_node_clip(ml_cuda_call_t *call)
{
    ml_cuda_elements_t  *p;

    p = &call->launch.parameters.elements;

    p->low = call->node->parameters.minimum;
    p->high = call->node->parameters.maximum;

    if (call->node->ninputs > 1 && call->inputs[1]) {
        p->least = call->inputs[1]->data;
    }

    if (call->node->ninputs > 2 && call->inputs[2]) {
        p->most = call->inputs[2]->data;
    }

    return ml_cuda_node_unary(call);
}


static int
ml_cuda_node_cast(ml_cuda_call_t *call)
{
    char                 types[32];
    ml_cuda_elements_t  *p;

    p = &call->launch.parameters.elements;

    p->output = call->output->data;
    p->inputs[0] = call->inputs[0]->data;
    p->elements = ml_cuda_count(call->output);

    (void) snprintf(types, sizeof(types), "%s_%s",
                    ml_dtype_name(call->inputs[0]->dtype),
                    ml_dtype_name(call->output->dtype));

    return ml_cuda_emit(call, p->elements, types);
}


static int
ml_cuda_node_two(ml_cuda_call_t *call, const ml_array_t *a, const ml_array_t *b)
{
    uint32_t             i;
    ml_cuda_elements_t  *p;

    p = &call->launch.parameters.elements;

    p->output = call->output->data;
    p->inputs[0] = a->data;
    p->inputs[1] = b->data;
    p->dtypes[0] = a->dtype;
    p->dtypes[1] = b->dtype;
    p->elements = ml_cuda_count(call->output);

    for (i = 0; i < call->output->rank; i++) {
        p->dims[i] = (uint64_t) call->output->dims[i];
    }

    ml_cuda_steps(a, call->output->rank, p->steps[0]);
    ml_cuda_steps(b, call->output->rank, p->steps[1]);

    p->rank = ml_cuda_merge(call->output->rank, p->dims, p->steps);

    return ml_cuda_emit(call, p->elements, ml_dtype_name(call->output->dtype));
}


static int
ml_cuda_node_binary(ml_cuda_call_t *call)
{
    return ml_cuda_node_two(call, call->inputs[0], call->inputs[1]);
}


/* "steps" are those of the input, the output is dense. */

static int
ml_cuda_node_copy(ml_cuda_call_t *call)
{
    ml_cuda_move_t  *p;

    p = &call->launch.parameters.move;

    p->output = call->output->data;
    p->input = call->inputs[0]->data;
    p->elements = ml_cuda_count(call->output);
    p->rank = 1;
    p->dims[0] = p->elements;
    p->steps[0][0] = 1;
    p->steps[1][0] = 1;

    return ml_cuda_emit(call, p->elements, ml_cuda_bits(call->output));
}


static int
ml_cuda_node_transpose(ml_cuda_call_t *call)
{
    uint64_t          step, steps[ML_CUDA_RANK];
    uint32_t          i;
    ml_cuda_move_t   *p;

    p = &call->launch.parameters.move;

    p->output = call->output->data;
    p->input = call->inputs[0]->data;
    p->elements = ml_cuda_count(call->output);

    for (step = 1, i = call->output->rank; i-- > 0; /* void */) {
        steps[i] = step;
        step *= (uint64_t) call->inputs[0]->dims[i];
    }

    for (step = 1, i = call->output->rank; i-- > 0; /* void */) {
        p->dims[i] = (uint64_t) call->output->dims[i];
        p->steps[0][i] = steps[call->node->parameters.permutation[i]];
        p->steps[1][i] = step;
        step *= p->dims[i];
    }

    p->rank = ml_cuda_merge(call->output->rank, p->dims, p->steps);

    return ml_cuda_emit(call, p->elements, ml_cuda_bits(call->output));
}


/* One launch for each input, which is a part of every run of the output. */

static int
ml_cuda_node_concat(ml_cuda_call_t *call)
{
    int              rc;
    uint64_t         at, run, whole;
    uint32_t         i, axis;
    ml_cuda_move_t  *p;

    p = &call->launch.parameters.move;
    axis = call->node->parameters.axis;
    whole = ml_cuda_extent(call->output, axis, call->output->rank);

    for (i = 0, at = 0; i < call->node->ninputs; i++, at += run) {

        run = ml_cuda_extent(call->inputs[i], axis, call->inputs[i]->rank);

        p->output = (char *) call->output->data
                    + at * ml_dtype_size(call->output->dtype);
        p->input = call->inputs[i]->data;
        p->elements = ml_cuda_count(call->inputs[i]);
        p->rank = 2;
        p->dims[0] = ml_cuda_extent(call->output, 0, axis);
        p->dims[1] = run;
        p->steps[0][0] = run;
        p->steps[0][1] = 1;
        p->steps[1][0] = whole;
        p->steps[1][1] = 1;

        rc = ml_cuda_emit(call, p->elements, ml_cuda_bits(call->output));

        if (rc != 0) {
            return rc;
        }
    }

    return 0;
}


static int
ml_cuda_node_gather(ml_cuda_call_t *call)
{
    uint32_t            axis;
    ml_cuda_gather_t   *p;
    const ml_array_t   *in;

    p = &call->launch.parameters.gather;
    axis = call->node->parameters.axis;
    in = call->inputs[0];

    p->output = call->output->data;
    p->input = in->data;
    p->indices = call->inputs[1]->data;
    p->elements = ml_cuda_count(call->output);
    p->n = ml_cuda_count(call->inputs[1]);
    p->run = ml_cuda_extent(in, axis + 1, in->rank);
    p->length = in->dims[axis];
    p->wide = call->inputs[1]->dtype == ML_DTYPE_INT64;

    return ml_cuda_emit(call, p->elements, ml_cuda_bits(call->output));
}


static int
ml_cuda_node_gemm(ml_cuda_call_t *call)
{
    int                     rc;
    ml_cuda_product_t      *p;
    const ml_parameters_t  *parameters;

    p = &call->launch.parameters.product;
    parameters = &call->node->parameters;

    p->output = call->output->data;
    p->a = call->inputs[0]->data;
    p->b = call->inputs[1]->data;
    p->alpha = parameters->alpha;
    p->m = (uint64_t) call->output->dims[0];
    p->n = (uint64_t) call->output->dims[1];
    p->k = (uint64_t) call->inputs[0]->dims[!parameters->transpose_a];
    p->elements = p->m * p->n;
    p->a_steps[0] = parameters->transpose_a ? 1 : p->k;
    p->a_steps[1] = parameters->transpose_a ? p->m : 1;
    p->b_steps[0] = parameters->transpose_b ? 1 : p->n;
    p->b_steps[1] = parameters->transpose_b ? p->k : 1;

    rc = ml_cuda_emit(call, p->elements, ml_dtype_name(call->output->dtype));

    return rc == 0 ? ml_cuda_gemm_c(call->node, call->inputs, call->output,
                                    call->run, call->data)
                   : rc;
}


static int
ml_cuda_node_matmul(ml_cuda_call_t *call)
{
    uint32_t            i;
    ml_array_t          a, b;
    ml_cuda_product_t  *p;

    p = &call->launch.parameters.product;
    a = *call->inputs[0];
    b = *call->inputs[1];

    p->output = call->output->data;
    p->a = a.data;
    p->b = b.data;
    p->alpha = 1;
    p->k = (uint64_t) a.dims[a.rank - 1];
    p->m = a.rank > 1 ? (uint64_t) a.dims[a.rank - 2] : 1;
    p->n = b.rank > 1 ? (uint64_t) b.dims[b.rank - 1] : 1;
    p->elements = ml_cuda_count(call->output);
    p->a_steps[0] = p->k;
    p->a_steps[1] = 1;
    p->b_steps[0] = p->n;
    p->b_steps[1] = 1;

    /* the dimensions over which matrices are stacked */

    p->rank = call->output->rank - (a.rank > 1) - (b.rank > 1);
    a.rank = a.rank > 1 ? a.rank - 2 : 0;
    b.rank = b.rank > 1 ? b.rank - 2 : 0;

    ml_cuda_steps(&a, p->rank, p->steps[0]);
    ml_cuda_steps(&b, p->rank, p->steps[1]);

    for (i = 0; i < p->rank; i++) {
        p->dims[i] = (uint64_t) call->output->dims[i];
        p->steps[0][i] *= p->m * p->k;
        p->steps[1][i] *= p->k * p->n;
    }

    p->rank = ml_cuda_merge(p->rank, p->dims, p->steps);

    return ml_cuda_emit(call, p->elements, ml_dtype_name(call->output->dtype));
}


static int
ml_cuda_node_runs(ml_cuda_call_t *call, uint32_t axis, uint32_t end)
{
    ml_cuda_runs_t    *p;
    const ml_array_t  *in;

    p = &call->launch.parameters.runs;
    in = call->inputs[0];

    p->output = call->output->data;
    p->input = in->data;
    p->length = ml_cuda_extent(in, axis, end);
    p->inner = ml_cuda_extent(in, end, in->rank);
    p->runs = ml_cuda_extent(in, 0, axis) * p->inner;

    return ml_cuda_emit_together(call, p->runs, p->length,
                                 ml_dtype_name(in->dtype));
}


static int
ml_cuda_node_softmax(ml_cuda_call_t *call)
{
    uint32_t  axis, end;

    axis = call->node->parameters.axis;
    end = call->node->parameters.flatten ? call->inputs[0]->rank : axis + 1;

    if (ml_cuda_count(call->output) == 0) {
        return 0;
    }

    return ml_cuda_node_runs(call, axis, end);
}


static int
ml_cuda_node_log_softmax(ml_cuda_call_t *call)
{
    call->launch.parameters.runs.logarithm = 1;

    return ml_cuda_node_softmax(call);
}


static int
ml_cuda_node_argmax(ml_cuda_call_t *call)
{
    uint32_t  axis;

    axis = call->node->parameters.axis;
    call->launch.parameters.runs.last = call->node->parameters.last;

    return ml_cuda_node_runs(call, axis, axis + 1);
}


static int
ml_cuda_node_layer_normalization(ml_cuda_call_t *call)
{
    ml_cuda_runs_t  *p;

    p = &call->launch.parameters.runs;

    p->scale = call->inputs[1]->data;
    p->epsilon = call->node->parameters.epsilon;

    if (call->node->ninputs > 2 && call->inputs[2]) {
        p->bias = call->inputs[2]->data;
    }

    return ml_cuda_node_runs(call, call->node->parameters.axis,
                             call->inputs[0]->rank);
}


static int
ml_cuda_node_batch_normalization(ml_cuda_call_t *call)
{
    ml_cuda_batch_normalization_t  *p;

    p = &call->launch.parameters.batch_normalization;

    p->output = call->output->data;
    p->input = call->inputs[0]->data;
    p->scale = call->inputs[1]->data;
    p->bias = call->inputs[2]->data;
    p->mean = call->inputs[3]->data;
    p->variance = call->inputs[4]->data;
    p->epsilon = call->node->parameters.epsilon;
    p->elements = ml_cuda_count(call->output);
    p->channels = (uint64_t) call->output->dims[1];
    p->inner = ml_cuda_extent(call->output, 2, call->output->rank);

    return ml_cuda_emit(call, p->elements, ml_dtype_name(call->output->dtype));
}


static int
ml_cuda_node_reduce_sum(ml_cuda_call_t *call)
{
    uint64_t            step, steps[ML_CUDA_RANK];
    uint32_t            i;
    ml_cuda_reduce_t   *p;
    const ml_array_t   *in;

    p = &call->launch.parameters.reduce;
    in = call->inputs[0];

    p->output = call->output->data;
    p->input = in->data;
    p->elements = ml_cuda_count(call->output);
    p->count = 1;

    for (step = 1, i = in->rank; i-- > 0; /* void */) {
        steps[i] = step;
        step *= (uint64_t) in->dims[i];
    }

    for (i = 0; i < in->rank; i++) {

        if (call->node->parameters.axes & (1u << i)) {
            p->dims_reduced[p->rank_reduced] = (uint64_t) in->dims[i];
            p->steps_reduced[p->rank_reduced++] = steps[i];
            p->count *= (uint64_t) in->dims[i];
            continue;
        }

        p->dims[p->rank] = (uint64_t) in->dims[i];
        p->steps[p->rank++] = steps[i];
    }

    return ml_cuda_emit_together(call, p->elements, p->count,
                                 ml_dtype_name(in->dtype));
}


static int
ml_cuda_node_reduce_mean(ml_cuda_call_t *call)
{
    call->launch.parameters.reduce.mean = 1;

    return ml_cuda_node_reduce_sum(call);
}


static const ml_cuda_operator_t  ml_cuda_operators[] = {

    { "Abs", "abs", ml_cuda_node_unary },
    { "Add", "add", ml_cuda_node_binary },
    { "ArgMax", "argmax", ml_cuda_node_argmax },
    { "BatchNormalization", "batch_normalization",
      ml_cuda_node_batch_normalization },
    { "Cast", "cast", ml_cuda_node_cast },
    { "Clip", "clip", ml_cuda_node_clip },
    { "Concat", "move", ml_cuda_node_concat },
    { "Div", "div", ml_cuda_node_binary },
    { "Dropout", "move", ml_cuda_node_copy },
    { "Elu", "elu", ml_cuda_node_unary },
    { "Erf", "erf", ml_cuda_node_unary },
    { "Exp", "exp", ml_cuda_node_unary },
    { "Flatten", "move", ml_cuda_node_copy },
    { "Gather", "gather", ml_cuda_node_gather },
    { "Gelu", "gelu", ml_cuda_node_unary },
    { "Gemm", "product", ml_cuda_node_gemm },
    { "HardSigmoid", "hard_sigmoid", ml_cuda_node_unary },
    { "Identity", "move", ml_cuda_node_copy },
    { "LayerNormalization", "layer_normalization",
      ml_cuda_node_layer_normalization },
    { "LeakyRelu", "leaky_relu", ml_cuda_node_unary },
    { "Log", "log", ml_cuda_node_unary },
    { "LogSoftmax", "softmax", ml_cuda_node_log_softmax },
    { "MatMul", "product", ml_cuda_node_matmul },
    { "Mul", "mul", ml_cuda_node_binary },
    { "Neg", "neg", ml_cuda_node_unary },
    { "PRelu", "prelu", ml_cuda_node_binary },
    { "Pow", "pow", ml_cuda_node_binary },
    { "ReduceMean", "reduce", ml_cuda_node_reduce_mean },
    { "ReduceSum", "reduce", ml_cuda_node_reduce_sum },
    { "Relu", "relu", ml_cuda_node_unary },
    { "Reshape", "move", ml_cuda_node_copy },
    { "Selu", "selu", ml_cuda_node_unary },
    { "Sigmoid", "sigmoid", ml_cuda_node_unary },
    { "Softmax", "softmax", ml_cuda_node_softmax },
    { "Softplus", "softplus", ml_cuda_node_unary },
    { "Softsign", "softsign", ml_cuda_node_unary },
    { "Sqrt", "sqrt", ml_cuda_node_unary },
    { "Squeeze", "move", ml_cuda_node_copy },
    { "Sub", "sub", ml_cuda_node_binary },
    { "Tanh", "tanh", ml_cuda_node_unary },
    { "Transpose", "move", ml_cuda_node_transpose },
    { "Unsqueeze", "move", ml_cuda_node_copy }
};

#define ML_CUDA_NOPERATORS                                                    \
    (sizeof(ml_cuda_operators) / sizeof(ml_cuda_operators[0]))


int
ml_cuda_node(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output, ml_cuda_launch_pt run, void *data)
{
    size_t           i;
    ml_cuda_call_t   call;

    for (i = 0; i < ML_CUDA_NOPERATORS; i++) {
        if (strcmp(ml_cuda_operators[i].name, node->operator->name) == 0) {
            break;
        }
    }

    if (i == ML_CUDA_NOPERATORS) {
        return -1;
    }

    memset(&call, 0, sizeof(call));

    call.node = node;
    call.inputs = inputs;
    call.output = output;
    call.kernel = ml_cuda_operators[i].kernel;
    call.run = run;
    call.data = data;

    return ml_cuda_operators[i].family(&call);
}


int
ml_cuda_gemm_c(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output, ml_cuda_launch_pt run, void *data)
{
    ml_cuda_call_t  call;

    if (node->ninputs < 3 || inputs[2] == NULL) {
        return 0;
    }

    memset(&call, 0, sizeof(call));

    call.node = node;
    call.output = output;
    call.kernel = "gemm_c";
    call.run = run;
    call.data = data;
    call.launch.parameters.elements.beta = node->parameters.beta;

    return ml_cuda_node_two(&call, output, inputs[2]);
}


int
ml_cuda_relu(const ml_array_t *array, ml_cuda_launch_pt run, void *data)
{
    ml_cuda_call_t       call;
    ml_cuda_elements_t  *p;

    memset(&call, 0, sizeof(call));

    call.kernel = "relu";
    call.run = run;
    call.data = data;

    p = &call.launch.parameters.elements;
    p->output = array->data;
    p->inputs[0] = array->data;
    p->elements = ml_cuda_count(array);

    return ml_cuda_emit(&call, p->elements, ml_dtype_name(array->dtype));
}


int
ml_cuda_move(void *to, const void *from, size_t bytes, ml_cuda_launch_pt run,
    void *data)
{
    ml_cuda_call_t   call;
    ml_cuda_move_t  *p;

    memset(&call, 0, sizeof(call));

    call.kernel = "move";
    call.run = run;
    call.data = data;

    p = &call.launch.parameters.move;
    p->output = to;
    p->input = from;
    p->elements = (bytes + 7) / 8;
    p->rank = 1;
    p->dims[0] = p->elements;
    p->steps[0][0] = 1;
    p->steps[1][0] = 1;

    return ml_cuda_emit(&call, p->elements, "64");
}
