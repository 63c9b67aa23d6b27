/*
 * The reference kernels in which an element depends on several; see
 * ml_kernels.h.
 */

#include <math.h>
#include <string.h>

#include "ml_kernels.h"


/* columns summed at once: their sums stay in registers and first cache */
#define ML_COLUMNS  32


/* The product of dimensions [from, to). */

static size_t
ml_extent(const ml_array_t *array, uint32_t from, uint32_t to)
{
    size_t  n;

    for (n = 1; from < to; from++) {
        n *= (size_t) array->dims[from];
    }

    return n;
}


/* out[m][n] = alpha * a[m][k] * b[k][n], a and b with any steps. */

#define ML_PRODUCT(type)                                                      \
                                                                              \
static void                                                                   \
ml_product_##type(type *out, const type *a, size_t a_row, size_t a_column,    \
    const type *b, size_t b_row, size_t b_column, size_t m, size_t n,         \
    size_t k, double alpha)                                                   \
{                                                                             \
    size_t       i, j, c, w, columns;                                         \
    double       x, sum[ML_COLUMNS];                                          \
    const type  *p;                                                           \
                                                                              \
    for (i = 0; i < m; i++) {                                                 \
        for (j = 0; j < n; j += ML_COLUMNS) {                                 \
                                                                              \
            columns = n - j < ML_COLUMNS ? n - j : ML_COLUMNS;                \
            memset(sum, 0, sizeof(sum));                                      \
                                                                              \
            for (w = 0; w < k; w++) {                                         \
                x = a[i * a_row + w * a_column];                              \
                p = b + w * b_row + j * b_column;                             \
                                                                              \
                for (c = 0; c < columns; c++) {                               \
                    sum[c] += x * p[c * b_column];                            \
                }                                                             \
            }                                                                 \
                                                                              \
            for (c = 0; c < columns; c++) {                                   \
                out[i * n + j + c] = (type) (alpha * sum[c]);                 \
            }                                                                 \
        }                                                                     \
    }                                                                         \
}


ML_PRODUCT(float)


ML_PRODUCT(double)


static void
ml_product(ml_dtype_e dtype, void *out, const void *a, size_t a_row,
    size_t a_column, const void *b, size_t b_row, size_t b_column, size_t m,
    size_t n, size_t k, double alpha)
{
    if (dtype == ML_DTYPE_FLOAT32) {
        ml_product_float(out, a, a_row, a_column, b, b_row, b_column, m, n, k,
                         alpha);
    } else {
        ml_product_double(out, a, a_row, a_column, b, b_row, b_column, m, n,
                          k, alpha);
    }
}


void
ml_kernel_gemm(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    size_t                  i, j, m, n, k, steps[ML_TENSOR_MAX_RANK];
    const ml_array_t       *a, *b, *c;
    const ml_parameters_t  *p;

    p = &node->parameters;
    a = inputs[0];
    b = inputs[1];
    c = node->ninputs > 2 ? inputs[2] : NULL;

    m = (size_t) output->dims[0];
    n = (size_t) output->dims[1];
    k = (size_t) a->dims[p->transpose_a ? 0 : 1];

    ml_product(output->dtype, output->data,
               a->data, p->transpose_a ? 1 : k, p->transpose_a ? m : 1,
               b->data, p->transpose_b ? 1 : n, p->transpose_b ? k : 1,
               m, n, k, p->alpha);

    if (c == NULL) {
        return;
    }

    ml_array_steps(c, output, steps);

    for (i = 0; i < m; i++) {
        for (j = 0; j < n; j++) {

            if (output->dtype == ML_DTYPE_FLOAT32) {
                ((float *) output->data)[i * n + j] += (float) (p->beta
                    * ((float *) c->data)[i * steps[0] + j * steps[1]]);

            } else {
                ((double *) output->data)[i * n + j] += p->beta
                    * ((double *) c->data)[i * steps[0] + j * steps[1]];
            }
        }
    }
}


/*
 * As numpy.matmul: all but the last two dimensions are broadcast, one that a
 * vector lacks is taken to be 1 and is not in the output.
 */

void
ml_kernel_matmul(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    char        *out;
    size_t       i, m, n, k, size, count, left, a_at, b_at;
    size_t       a_steps[ML_TENSOR_MAX_RANK], b_steps[ML_TENSOR_MAX_RANK];
    uint32_t     d;
    ml_array_t   a, b, stack;

    a = *inputs[0];
    b = *inputs[1];

    k = (size_t) a.dims[a.rank - 1];
    m = a.rank > 1 ? (size_t) a.dims[a.rank - 2] : 1;
    n = b.rank > 1 ? (size_t) b.dims[b.rank - 1] : 1;

    /* the dimensions over which matrices are stacked */

    stack = *output;
    stack.rank -= (a.rank > 1) + (b.rank > 1);
    a.rank = a.rank > 1 ? a.rank - 2 : 0;
    b.rank = b.rank > 1 ? b.rank - 2 : 0;

    ml_array_steps(&a, &stack, a_steps);
    ml_array_steps(&b, &stack, b_steps);

    size = ml_dtype_size(output->dtype);
    count = ml_array_elements(&stack);
    out = output->data;

    for (i = 0; i < count; i++) {

        a_at = b_at = 0;
        left = i;

        for (d = stack.rank; d-- > 0; /* void */) {
            a_at += left % (size_t) stack.dims[d] * a_steps[d];
            b_at += left % (size_t) stack.dims[d] * b_steps[d];
            left /= (size_t) stack.dims[d];
        }

        ml_product(output->dtype, out + i * m * n * size,
                   (char *) a.data + a_at * m * k * size, k, 1,
                   (char *) b.data + b_at * k * n * size, n, 1,
                   m, n, k, 1.0);
    }
}


/* Softmax, or with logarithm its logarithm, over runs of "length". */

#define ML_SOFTMAX(type, exp, log)                                            \
                                                                              \
static void                                                                   \
ml_softmax_##type(type *out, const type *in, size_t length, size_t step,      \
    int logarithm)                                                            \
{                                                                             \
    type    most;                                                             \
    double  sum;                                                              \
    size_t  i;                                                                \
                                                                              \
    most = in[0];                                                             \
                                                                              \
    for (i = 1; i < length; i++) {                                            \
        if (in[i * step] > most) {                                            \
            most = in[i * step];                                              \
        }                                                                     \
    }                                                                         \
                                                                              \
    sum = 0;                                                                  \
                                                                              \
    for (i = 0; i < length; i++) {                                            \
        out[i * step] = exp(in[i * step] - most);                             \
        sum += out[i * step];                                                 \
    }                                                                         \
                                                                              \
    for (i = 0; i < length; i++) {                                            \
        out[i * step] = logarithm                                             \
                            ? (in[i * step] - most) - (type) log(sum)         \
                            : (type) (out[i * step] / sum);                   \
    }                                                                         \
}


ML_SOFTMAX(float, expf, log)


ML_SOFTMAX(double, exp, log)


static void
ml_softmax(const ml_node_t *node, const ml_array_t *input,
    const ml_array_t *output, int logarithm)
{
    size_t    i, j, outer, length, inner, at;
    uint32_t  axis, end;

    axis = node->parameters.axis;
    end = node->parameters.flatten ? input->rank : axis + 1;

    outer = ml_extent(input, 0, axis);
    length = ml_extent(input, axis, end);
    inner = ml_extent(input, end, input->rank);

    if (length == 0) {
        return;
    }

    for (i = 0; i < outer; i++) {
        for (j = 0; j < inner; j++) {
            at = i * length * inner + j;

            if (output->dtype == ML_DTYPE_FLOAT32) {
                ml_softmax_float((float *) output->data + at,
                                 (float *) input->data + at, length, inner,
                                 logarithm);
            } else {
                ml_softmax_double((double *) output->data + at,
                                  (double *) input->data + at, length, inner,
                                  logarithm);
            }
        }
    }
}


void
ml_kernel_softmax(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    ml_softmax(node, inputs[0], output, 0);
}


void
ml_kernel_log_softmax(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    ml_softmax(node, inputs[0], output, 1);
}


#define ML_BATCH_NORMALIZATION(type)                                          \
    do {                                                                      \
        type        *out = output->data;                                      \
        const type  *in = inputs[0]->data, *scale = inputs[1]->data;          \
        const type  *bias = inputs[2]->data, *mean = inputs[3]->data;         \
        const type  *variance = inputs[4]->data;                              \
                                                                              \
        for (i = 0; i < outer * channels; i++) {                              \
            c = i % channels;                                                 \
            factor = scale[c] / sqrt((double) variance[c] + epsilon);         \
                                                                              \
            for (j = i * inner; j < (i + 1) * inner; j++) {                   \
                out[j] = (type) (((double) in[j] - mean[c]) * factor          \
                                 + bias[c]);                                  \
            }                                                                 \
        }                                                                     \
    } while (0)


void
ml_kernel_batch_normalization(const ml_node_t *node,
    const ml_array_t *const *inputs, const ml_array_t *output)
{
    size_t  i, j, c, outer, channels, inner;
    double  factor, epsilon;

    epsilon = node->parameters.epsilon;
    outer = (size_t) output->dims[0];
    channels = (size_t) output->dims[1];
    inner = ml_extent(output, 2, output->rank);

    if (output->dtype == ML_DTYPE_FLOAT32) {
        ML_BATCH_NORMALIZATION(float);

    } else {
        ML_BATCH_NORMALIZATION(double);
    }
}


#define ML_LAYER_NORMALIZATION(type)                                          \
    do {                                                                      \
        type        *out = output->data;                                      \
        const type  *in = inputs[0]->data, *scale = inputs[1]->data;          \
        const type  *bias = biased ? inputs[2]->data : NULL;                  \
                                                                              \
        for (i = 0; i < outer; i++, in += length, out += length) {            \
            mean = variance = 0;                                              \
                                                                              \
            for (j = 0; j < length; j++) {                                    \
                mean += in[j];                                                \
            }                                                                 \
                                                                              \
            mean /= (double) length;                                          \
                                                                              \
            for (j = 0; j < length; j++) {                                    \
                variance += (in[j] - mean) * (in[j] - mean);                  \
            }                                                                 \
                                                                              \
            factor = 1 / sqrt(variance / (double) length                      \
                              + node->parameters.epsilon);                    \
                                                                              \
            for (j = 0; j < length; j++) {                                    \
                out[j] = (type) ((in[j] - mean) * factor * scale[j]           \
                                 + (bias ? bias[j] : 0));                     \
            }                                                                 \
        }                                                                     \
    } while (0)


void
ml_kernel_layer_normalization(const ml_node_t *node,
    const ml_array_t *const *inputs, const ml_array_t *output)
{
    int     biased;
    size_t  i, j, outer, length;
    double  mean, variance, factor;

    biased = node->ninputs > 2 && inputs[2] != NULL;
    outer = ml_extent(output, 0, node->parameters.axis);
    length = ml_extent(output, node->parameters.axis, output->rank);

    if (output->dtype == ML_DTYPE_FLOAT32) {
        ML_LAYER_NORMALIZATION(float);

    } else {
        ML_LAYER_NORMALIZATION(double);
    }
}


/* The first of the largest; a NaN is larger than nothing. */

#define ML_ARGMAX(type)                                                       \
    do {                                                                      \
        const type  *in = (const type *) inputs[0]->data + at;                \
                                                                              \
        for (best = 0, j = 1; j < length; j++) {                              \
            if (in[j * inner] > in[best * inner]                              \
                || (last && in[j * inner] == in[best * inner]))               \
            {                                                                 \
                best = j;                                                     \
            }                                                                 \
        }                                                                     \
    } while (0)


void
ml_kernel_argmax(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    size_t             i, j, n, at, best, length, inner;
    int64_t           *out;
    unsigned           last;
    const ml_array_t  *in;

    in = inputs[0];
    out = output->data;
    last = node->parameters.last;
    length = (size_t) in->dims[node->parameters.axis];
    inner = ml_extent(in, node->parameters.axis + 1, in->rank);
    n = ml_array_elements(output);

    for (i = 0; i < n; i++) {

        at = i / inner * length * inner + i % inner;

        switch (in->dtype) {

        case ML_DTYPE_FLOAT32:
            ML_ARGMAX(float);
            break;

        case ML_DTYPE_FLOAT64:
            ML_ARGMAX(double);
            break;

        case ML_DTYPE_INT32:
            ML_ARGMAX(int32_t);
            break;

        default:
            ML_ARGMAX(int64_t);
            break;
        }

        out[i] = (int64_t) best;
    }
}


/*
 * For each element of the output, in order, those elements of the input that
 * have its place in the dimensions that stay.
 */

static void
ml_reduce(const ml_node_t *node, const ml_array_t *in,
    const ml_array_t *output, int mean)
{
    double    real;
    size_t    i, j, n, count, at, first, left, step;
    size_t    steps[ML_TENSOR_MAX_RANK];
    uint32_t  d, axes;
    uint64_t  whole;

    axes = node->parameters.axes;
    n = ml_array_elements(output);
    count = 1;
    step = 1;

    for (d = in->rank; d-- > 0; /* void */) {
        steps[d] = step;
        step *= (size_t) in->dims[d];

        if (axes & (1u << d)) {
            count *= (size_t) in->dims[d];
        }
    }

    for (i = 0; i < n; i++) {

        first = 0;
        left = i;

        for (d = in->rank; d-- > 0; /* void */) {
            if (!(axes & (1u << d))) {
                first += left % (size_t) in->dims[d] * steps[d];
                left /= (size_t) in->dims[d];
            }
        }

        real = 0;
        whole = 0;

        for (j = 0; j < count; j++) {

            at = first;
            left = j;

            for (d = in->rank; d-- > 0; /* void */) {
                if (axes & (1u << d)) {
                    at += left % (size_t) in->dims[d] * steps[d];
                    left /= (size_t) in->dims[d];
                }
            }

            switch (in->dtype) {

            case ML_DTYPE_FLOAT32:
                real += ((const float *) in->data)[at];
                break;

            case ML_DTYPE_FLOAT64:
                real += ((const double *) in->data)[at];
                break;

            case ML_DTYPE_INT32:
                whole += (uint64_t) ((const int32_t *) in->data)[at];
                break;

            default:
                whole += (uint64_t) ((const int64_t *) in->data)[at];
                break;
            }
        }

        if (mean) {
            real /= (double) count;
        }

        switch (output->dtype) {

        case ML_DTYPE_FLOAT32:
            ((float *) output->data)[i] = (float) real;
            break;

        case ML_DTYPE_FLOAT64:
            ((double *) output->data)[i] = real;
            break;

        case ML_DTYPE_INT32:
            ((int32_t *) output->data)[i] = (int32_t) whole;
            break;

        default:
            ((int64_t *) output->data)[i] = (int64_t) whole;
            break;
        }
    }
}


void
ml_kernel_reduce_mean(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    ml_reduce(node, inputs[0], output, 1);
}


void
ml_kernel_reduce_sum(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    ml_reduce(node, inputs[0], output, 0);
}


/* From here on elements are moved, whatever they are. */


void
ml_kernel_copy(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    size_t  n;

    n = ml_array_elements(output) * ml_dtype_size(output->dtype);

    if (n != 0) {
        memcpy(output->data, inputs[0]->data, n);
    }
}


void
ml_kernel_transpose(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    char              *out;
    size_t             i, n, at, left, size, step;
    size_t             steps[ML_TENSOR_MAX_RANK];
    uint32_t           d;
    const char        *in;
    const ml_array_t  *input;

    input = inputs[0];
    in = input->data;
    out = output->data;
    size = ml_dtype_size(output->dtype);
    n = ml_array_elements(output);
    step = 1;

    for (d = input->rank; d-- > 0; /* void */) {
        steps[d] = step;
        step *= (size_t) input->dims[d];
    }

    for (i = 0; i < n; i++) {

        at = 0;
        left = i;

        for (d = output->rank; d-- > 0; /* void */) {
            at += left % (size_t) output->dims[d]
                  * steps[node->parameters.permutation[d]];
            left /= (size_t) output->dims[d];
        }

        memcpy(out + i * size, in + at * size, size);
    }
}


void
ml_kernel_concat(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    char      *out;
    size_t     j, run, outer;
    uint32_t   i, axis;

    axis = node->parameters.axis;
    outer = ml_extent(output, 0, axis);
    out = output->data;

    for (j = 0; j < outer; j++) {
        for (i = 0; i < node->ninputs; i++) {
            run = ml_extent(inputs[i], axis, inputs[i]->rank)
                  * ml_dtype_size(output->dtype);

            if (run != 0) {
                memcpy(out, (const char *) inputs[i]->data + j * run, run);
                out += run;
            }
        }
    }
}


void
ml_kernel_gather(const ml_node_t *node, const ml_array_t *const *inputs,
    const ml_array_t *output)
{
    char              *out;
    size_t             i, j, n, run, outer;
    int64_t            index, length;
    uint32_t           axis;
    const char        *in;
    const ml_array_t  *indices;

    axis = node->parameters.axis;
    indices = inputs[1];
    in = inputs[0]->data;
    out = output->data;

    length = inputs[0]->dims[axis];
    outer = ml_extent(inputs[0], 0, axis);
    run = ml_extent(inputs[0], axis + 1, inputs[0]->rank)
          * ml_dtype_size(output->dtype);
    n = ml_array_elements(indices);

    for (i = 0; i < outer; i++) {
        for (j = 0; j < n; j++) {

            index = indices->dtype == ML_DTYPE_INT32
                        ? ((const int32_t *) indices->data)[j]
                        : ((const int64_t *) indices->data)[j];

            index += index < 0 ? length : 0;

            if (run != 0) {
                memcpy(out, in + (i * (size_t) length
                                  + (size_t) index) * run, run);
                out += run;
            }
        }
    }
}
