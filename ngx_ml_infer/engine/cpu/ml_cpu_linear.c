/* Products with constant weights, by oneDNN; see ml_backend_cpu.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_backend_cpu.h"


/* The layout of weights as the model has them. */

static dnnl_status_t
ml_cpu_plain(const ml_linear_t *linear, dnnl_memory_desc_t *desc)
{
    dnnl_dims_t  dims, strides;

    dims[0] = linear->n;
    dims[1] = linear->k;
    strides[0] = linear->transposed ? linear->k : 1;
    strides[1] = linear->transposed ? 1 : linear->n;

    return dnnl_memory_desc_init_by_strides(desc, 2, dims, dnnl_f32, strides);
}


static dnnl_status_t
ml_cpu_reorder(ml_backend_context_t *context, const ml_linear_t *linear,
    void *data, dnnl_memory_t to)
{
    dnnl_status_t               rc;
    dnnl_memory_t               from;
    dnnl_exec_arg_t             arguments[2];
    dnnl_primitive_t            primitive;
    dnnl_memory_desc_t          plain;
    dnnl_primitive_desc_t       desc;
    const dnnl_memory_desc_t   *wanted;

    from = NULL;
    desc = NULL;
    primitive = NULL;

    rc = ml_cpu_plain(linear, &plain);

    if (rc == dnnl_success) {
        rc = dnnl_memory_get_memory_desc(to, &wanted);
    }

    if (rc == dnnl_success) {
        rc = dnnl_memory_create(&from, &plain, context->engine, data);
    }

    if (rc == dnnl_success) {
        rc = dnnl_reorder_primitive_desc_create(&desc, &plain, context->engine,
                                                wanted, context->engine, NULL);
    }

    if (rc == dnnl_success) {
        rc = dnnl_primitive_create(&primitive, desc);
    }

    if (rc == dnnl_success) {
        arguments[0].arg = DNNL_ARG_FROM;
        arguments[0].memory = from;
        arguments[1].arg = DNNL_ARG_TO;
        arguments[1].memory = to;

        rc = dnnl_primitive_execute(primitive, context->stream, 2, arguments);
    }

    if (rc == dnnl_success) {
        rc = dnnl_stream_wait(context->stream);
    }

    (void) dnnl_primitive_destroy(primitive);
    (void) dnnl_primitive_desc_destroy(desc);
    (void) dnnl_memory_destroy(from);

    return rc;
}


/* Finds the weights in that layout, or makes them. */

static dnnl_status_t
ml_cpu_weights(ml_backend_context_t *context, const ml_linear_t *linear,
    const dnnl_memory_desc_t *wanted, dnnl_memory_t *memory)
{
    float                     *scaled;
    size_t                     i, n;
    dnnl_status_t              rc;
    ml_cpu_weights_t          *weights;
    const dnnl_memory_desc_t  *desc;

    for (weights = context->weights; weights; weights = weights->next) {

        rc = dnnl_memory_get_memory_desc(weights->memory, &desc);

        if (rc != dnnl_success) {
            return rc;
        }

        if (weights->value == linear->value
            && weights->alpha == linear->alpha
            && weights->transposed == linear->transposed
            && dnnl_memory_desc_equal(desc, wanted))
        {
            *memory = weights->memory;
            return dnnl_success;
        }
    }

    weights = malloc(sizeof(ml_cpu_weights_t));

    if (weights == NULL) {
        return dnnl_out_of_memory;
    }

    weights->value = linear->value;
    weights->alpha = linear->alpha;
    weights->transposed = linear->transposed;

    rc = dnnl_memory_create(&weights->memory, wanted, context->engine,
                            DNNL_MEMORY_ALLOCATE);

    if (rc != dnnl_success) {
        free(weights);
        return rc;
    }

    weights->next = context->weights;
    context->weights = weights;
    *memory = weights->memory;

    if (linear->alpha == 1) {
        return ml_cpu_reorder(context, linear, linear->value->data, *memory);
    }

    scaled = malloc(linear->value->bytes);

    if (scaled == NULL) {
        return dnnl_out_of_memory;
    }

    n = linear->value->bytes / sizeof(float);

    for (i = 0; i < n; i++) {
        scaled[i] = linear->alpha * ((const float *) linear->value->data)[i];
    }

    rc = ml_cpu_reorder(context, linear, scaled, *memory);

    free(scaled);

    return rc;
}


static void
ml_cpu_argument(ml_cpu_product_t *product, int argument, dnnl_memory_t memory)
{
    product->arguments[product->narguments].arg = argument;
    product->arguments[product->narguments].memory = memory;
    product->narguments++;
}


/* The primitive's description, with whatever layout it likes for weights. */

static dnnl_status_t
ml_cpu_describe(ml_backend_context_t *context, const ml_linear_t *linear,
    int64_t m, dnnl_primitive_desc_t *result)
{
    dnnl_dims_t                source_dims, weights_dims, bias_dims, dims;
    dnnl_status_t              rc;
    dnnl_memory_desc_t         source, weights, bias, destination;
    dnnl_primitive_attr_t      attributes;
    dnnl_inner_product_desc_t  desc;

    attributes = NULL;

    source_dims[0] = dims[0] = m;
    source_dims[1] = weights_dims[1] = linear->k;
    weights_dims[0] = bias_dims[0] = dims[1] = linear->n;

    rc = dnnl_memory_desc_init_by_tag(&source, 2, source_dims, dnnl_f32,
                                      dnnl_ab);

    if (rc == dnnl_success) {
        rc = dnnl_memory_desc_init_by_tag(&weights, 2, weights_dims, dnnl_f32,
                                          dnnl_format_tag_any);
    }

    if (rc == dnnl_success) {
        rc = dnnl_memory_desc_init_by_tag(&bias, 1, bias_dims, dnnl_f32,
                                          dnnl_a);
    }

    if (rc == dnnl_success) {
        rc = dnnl_memory_desc_init_by_tag(&destination, 2, dims, dnnl_f32,
                                          dnnl_ab);
    }

    if (rc == dnnl_success) {
        rc = dnnl_inner_product_forward_desc_init(&desc,
                                                  dnnl_forward_inference,
                                                  &source, &weights,
                                                  linear->bias ? &bias : NULL,
                                                  &destination);
    }

    if (rc == dnnl_success) {
        rc = dnnl_primitive_attr_create(&attributes);
    }

    if (rc == dnnl_success) {
        rc = dnnl_primitive_attr_set_scratchpad_mode(attributes,
                                                 dnnl_scratchpad_mode_user);
    }

    if (rc == dnnl_success) {
        rc = dnnl_primitive_desc_create(result, &desc, attributes,
                                        context->engine, NULL);
    }

    (void) dnnl_primitive_attr_destroy(attributes);

    return rc;
}


ml_backend_status_e
ml_cpu_product(ml_backend_context_t *context, const ml_linear_t *linear,
    int64_t m, ml_cpu_product_t *product, size_t *scratchpad,
    ml_cpu_error_t *error)
{
    size_t                     size;
    dnnl_memory_t              weights;
    dnnl_status_t              rc;
    dnnl_primitive_desc_t      desc;
    const dnnl_memory_desc_t  *layout;

    desc = NULL;
    product->elements = (size_t) m * (size_t) linear->n;

    rc = ml_cpu_describe(context, linear, m, &desc);

    if (rc == dnnl_success) {
        layout = dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
        rc = ml_cpu_weights(context, linear, layout, &weights);
    }

    if (rc == dnnl_success) {
        rc = dnnl_primitive_create(&product->primitive, desc);
    }

    if (rc == dnnl_success) {
        layout = dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
        rc = dnnl_memory_create(&product->source, layout, context->engine,
                                DNNL_MEMORY_NONE);
    }

    if (rc == dnnl_success) {
        ml_cpu_argument(product, DNNL_ARG_SRC, product->source);
        ml_cpu_argument(product, DNNL_ARG_WEIGHTS, weights);

        layout = dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
        rc = dnnl_memory_create(&product->destination, layout,
                                context->engine, DNNL_MEMORY_NONE);
    }

    if (rc == dnnl_success) {
        ml_cpu_argument(product, DNNL_ARG_DST, product->destination);
    }

    if (rc == dnnl_success && linear->bias) {
        layout = dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 1);
        rc = dnnl_memory_create(&product->bias, layout, context->engine,
                                linear->bias);

        if (rc == dnnl_success) {
            ml_cpu_argument(product, DNNL_ARG_BIAS, product->bias);
        }
    }

    if (rc == dnnl_success) {
        layout = dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md,
                                              0);
        size = dnnl_memory_desc_get_size(layout);

        if (size != 0) {
            rc = dnnl_memory_create(&product->scratchpad, layout,
                                    context->engine, DNNL_MEMORY_NONE);

            if (rc == dnnl_success) {
                ml_cpu_argument(product, DNNL_ARG_SCRATCHPAD,
                                product->scratchpad);
            }

            if (size > *scratchpad) {
                *scratchpad = size;
            }
        }
    }

    (void) dnnl_primitive_desc_destroy(desc);

    return ml_cpu_dnnl(error, rc, "a matrix product cannot be planned");
}


/*
 * Not left to oneDNN: its Relu turns NaN to 0, and a sick model would look
 * well.
 */

static void
ml_cpu_relu(float *data, size_t n)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        data[i] = data[i] < 0 ? 0 : data[i];
    }
}


dnnl_status_t
ml_cpu_product_run(ml_backend_context_t *context,
    const ml_linear_t *linear, ml_cpu_product_t *product, void *source,
    void *destination)
{
    dnnl_status_t  rc;

    rc = dnnl_memory_set_data_handle(product->source, source);

    if (rc == dnnl_success) {
        rc = dnnl_memory_set_data_handle(product->destination, destination);
    }

    if (rc == dnnl_success) {
        rc = dnnl_primitive_execute(product->primitive, context->stream,
                                    product->narguments, product->arguments);
    }

    if (rc == dnnl_success) {
        rc = dnnl_stream_wait(context->stream);
    }

    if (rc == dnnl_success && linear->relu) {
        ml_cpu_relu(destination, product->elements);
    }

    return rc;
}


void
ml_cpu_product_free(ml_cpu_product_t *product)
{
    (void) dnnl_primitive_destroy(product->primitive);
    (void) dnnl_memory_destroy(product->source);
    (void) dnnl_memory_destroy(product->destination);
    (void) dnnl_memory_destroy(product->bias);
    (void) dnnl_memory_destroy(product->scratchpad);
}


void
ml_cpu_weights_free(ml_backend_context_t *context)
{
    ml_cpu_weights_t  *weights, *next;

    for (weights = context->weights; weights; weights = next) {
        next = weights->next;
        (void) dnnl_memory_destroy(weights->memory);
        free(weights);
    }

    context->weights = NULL;
}
