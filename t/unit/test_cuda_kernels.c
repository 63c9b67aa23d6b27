/*
 * The kernels of the CUDA backend, run on the host one block after another,
 * against the reference kernels: every operator and element type.
 */

/* link: -lm -ldl -lpthread -rdynamic */

#include <dlfcn.h>
#include <pthread.h>
#include <tgmath.h>

#include "test.h"
#include "engine.h"
#include "operator_models.h"


/*
 * What CUDA's language adds to C.  The threads of a block in which threads
 * work together are threads here, too; of other blocks they follow one
 * another.
 */

#define __global__
#define __device__
#define __shared__       static
#define __syncthreads()  pthread_barrier_wait(&barrier)

typedef struct {
    unsigned  x;
} place_t;

static __thread place_t     threadIdx, blockIdx;
static place_t              blockDim, gridDim;
static pthread_barrier_t    barrier;

#include "ml_cuda_launch.c"
#include "ml_cuda_kernels.cu"


/* few, so that threads and blocks do several turns */
#define BLOCKS   3
#define THREADS  4

#define ROWS     3


typedef struct {
    void                    *function;
    const ml_cuda_launch_t  *launch;
    unsigned                 thread;
} thread_t;


#define call_with(type, member)                                               \
    ((void (*)(const type)) t->function)(t->launch->parameters.member)


static void
call(const thread_t *t)
{
    const char  *name;

    name = t->launch->name + strlen("ml_cuda_");

    if (strncmp(name, "move_", 5) == 0) {
        call_with(ml_cuda_move_t, move);

    } else if (strncmp(name, "gather_", 7) == 0) {
        call_with(ml_cuda_gather_t, gather);

    } else if (strncmp(name, "product_", 8) == 0) {
        call_with(ml_cuda_product_t, product);

    } else if (strncmp(name, "reduce_", 7) == 0) {
        call_with(ml_cuda_reduce_t, reduce);

    } else if (strncmp(name, "batch_norm", 10) == 0) {
        call_with(ml_cuda_batch_normalization_t, batch_normalization);

    } else if (strncmp(name, "softmax_", 8) == 0
               || strncmp(name, "argmax_", 7) == 0
               || strncmp(name, "layer_norm", 10) == 0)
    {
        call_with(ml_cuda_runs_t, runs);

    } else {
        call_with(ml_cuda_elements_t, elements);
    }
}


static void *
thread(void *data)
{
    thread_t  *t;

    t = data;
    threadIdx.x = t->thread;

    for (blockIdx.x = 0; blockIdx.x < gridDim.x; blockIdx.x++) {
        call(t);
    }

    return NULL;
}


static int
emulate(void *data, const ml_cuda_launch_t *launch)
{
    int         together;
    unsigned    i;
    pthread_t   threads[THREADS];
    thread_t    t[THREADS];

    CHECK(launch->blocks > 0 && launch->threads > 0
          && launch->threads <= ML_CUDA_TOGETHER
          && (launch->threads & (launch->threads - 1)) == 0);

    gridDim.x = BLOCKS;
    blockDim.x = THREADS;

    together = strstr(launch->name, "softmax") || strstr(launch->name, "argmax")
               || strstr(launch->name, "layer_normalization")
               || strstr(launch->name, "reduce");

    for (i = 0; i < THREADS; i++) {
        t[i].function = dlsym(RTLD_DEFAULT, launch->name);
        t[i].launch = launch;
        t[i].thread = i;

        if (t[i].function == NULL) {
            fprintf(stderr, "no kernel %s\n", launch->name);
            CHECK(0);
            return 1;
        }

        if (!together) {
            (void) thread(&t[i]);

        } else if (pthread_create(&threads[i], NULL, thread, &t[i]) != 0) {
            abort();
        }
    }

    for (i = 0; together && i < THREADS; i++) {
        (void) pthread_join(threads[i], NULL);
    }

    return 0;
}


/* All values of a model, as the reference kernels compute them. */

static void
compare(const char *name, const ml_model_t *model, int special)
{
    int                  rc;
    char                *copy;
    size_t               bytes, differ;
    double               worst;
    uint32_t             i, j;
    ml_array_t          *arrays, output;
    ml_value_t          *value;
    const ml_node_t     *node;
    const ml_array_t    *inputs[ML_MAX_INPUTS];

    arrays = calloc(model->nvalues, sizeof(ml_array_t));

    for (i = 0; i < model->nvalues; i++) {
        value = &model->values[i];

        arrays[i].dtype = value->dtype;
        arrays[i].rank = value->rank;
        memcpy(arrays[i].dims, value->dims, sizeof(value->dims));

        if (value->rank && value->dims[0] == ML_ROWS) {
            arrays[i].dims[0] = ROWS;
        }

        bytes = ml_array_elements(&arrays[i]) * ml_dtype_size(value->dtype);
        arrays[i].data = malloc(bytes + 1);

        if (value->data) {
            memcpy(arrays[i].data, value->data, bytes);

        } else {
            operator_fill(value->dtype, arrays[i].data,
                          ml_array_elements(&arrays[i]), special);
        }
    }

    for (i = 0; i < model->nnodes; i++) {
        node = &model->nodes[i];

        for (j = 0; j < node->ninputs; j++) {
            inputs[j] = node->inputs[j] == ML_ABSENT
                        ? NULL : &arrays[node->inputs[j]];
        }

        node->operator->kernel(node, inputs, &arrays[node->output]);

        output = arrays[node->output];
        bytes = ml_array_elements(&output) * ml_dtype_size(output.dtype);
        copy = malloc(bytes);
        memset(copy, 0xa5, bytes);
        output.data = copy;

        rc = ml_cuda_node(node, inputs, &output, emulate, NULL);
        CHECK_INT(rc, 0);

        worst = 0;
        differ = operator_differ(output.dtype, copy, arrays[node->output].data,
                                 ml_array_elements(&output), &worst);

        if (differ) {
            fprintf(stderr, "%s: %zu elements of %s differ\n", name, differ,
                    node->operator->name);
        }

        CHECK(differ == 0);

        if (node->operator->kind == ML_KIND_RELU) {
            memcpy(copy, inputs[0]->data, bytes);
            CHECK_INT(ml_cuda_relu(&output, emulate, NULL), 0);
            CHECK(operator_differ(output.dtype, copy,
                                  arrays[node->output].data,
                                  ml_array_elements(&output), &worst) == 0);
        }

        free(copy);
    }

    for (i = 0; i < model->nvalues; i++) {
        free(arrays[i].data);
    }

    free(arrays);
}


static void
each(void *data, const char *name, const ml_model_t *model, const char *why)
{
    if (model == NULL) {
        fprintf(stderr, "%s: %s\n", name, why);
        CHECK(0);
        return;
    }

    compare(name, model, 0);
    compare(name, model, 1);
}


int
main(void)
{
    if (pthread_barrier_init(&barrier, NULL, THREADS) != 0) {
        return 1;
    }

    operator_models(each, NULL);

    return TEST_END;
}
