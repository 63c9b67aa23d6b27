/*
 * The CUDA backend on a driver that computes nothing, counts what it has
 * given out, and fails whichever call it is told to: nothing is leaked, and
 * the status is the right one.
 */

/* link: -lm -isystem/usr/local/cuda/include */

#if !__has_include(<cublasLt.h>)

#include <stdio.h>


int
main(void)
{
    printf("no header of cuBLAS\n0 passed, 0 failed, 1 skipped\n");
    return 0;
}

#else

#include "test.h"
#include "engine.h"
#include "onnx_writer.h"

#include "ml_steps.c"
#include "ml_layout.c"
#include "ml_cuda_launch.c"
#include "ml_cuda_memory.c"
#include "ml_cuda_matmul.c"
#include "ml_cuda_plan.c"

#define NGX_ML_BUILD  "test"
#include "ml_backend_cuda.c"


ml_cuda_driver_t  ml_cuda;
const char        ml_cuda_fatbin[] = "kernels";


static int        calls;            /* so far */
static int        worked;           /* before the context is unloaded */
static int        failing;          /* this one fails; 0: none */
static CUresult   failure;
static int        sticky;           /* and all after it */
static int        live;             /* things given out */
static int        capturing;
static int        launched;         /* in the capture, or outside */
static int        devices = 2;
static int        slow;             /* queries until a run has ended */
static int        kept;             /* a fused Relu keeps a NaN */
static int        fused;            /* products with a Relu planned */
static uint64_t   allocated;        /* by the last load and plans */


static CUresult
called(void)
{
    calls++;

    if (calls == failing || (sticky && failing && calls > failing)) {
        return failure;
    }

    return CUDA_SUCCESS;
}


/* A call that gives something out, or takes it back. */

static CUresult
given(void *handle)
{
    CUresult  rc;

    rc = called();

    /* what a failed call leaves is not to be used */
    *(void **) handle = (void *) (uintptr_t) (rc == CUDA_SUCCESS ? 0x1000
                                                              : 0xbad);
    live += rc == CUDA_SUCCESS;

    return rc;
}


static CUresult
taken(void)
{
    /* cleaning up succeeds, whatever failed before */
    live--;

    return CUDA_SUCCESS;
}


static cublasStatus_t
blas(void)
{
    return called() == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS
           : failure == CUDA_ERROR_OUT_OF_MEMORY ? CUBLAS_STATUS_ALLOC_FAILED
           : CUBLAS_STATUS_INTERNAL_ERROR;
}


#define FAKE(result, name, ...)                                               \
    static result CUDAAPI fake_##name(__VA_ARGS__)

FAKE(CUresult, error_name, CUresult e, const char **name)
{
    *name = "CUDA_ERROR_OF_THE_TEST";
    return CUDA_SUCCESS;
}

FAKE(CUresult, count, int *n)
{
    *n = devices;
    return called();
}

FAKE(CUresult, get, CUdevice *device, int n)
{
    *device = n;
    return called();
}

FAKE(CUresult, retain, CUcontext *context, CUdevice device)
{
    return given(context);
}

FAKE(CUresult, release, CUdevice device)
{
    return taken();
}

FAKE(CUresult, current, CUcontext context)
{
    CHECK(context != (CUcontext) 0xbad);
    return context ? called() : CUDA_SUCCESS;
}

FAKE(CUresult, context_synchronize, void)
{
    return sticky && failing && calls >= failing ? failure : CUDA_SUCCESS;
}

FAKE(CUresult, module, CUmodule *module, const void *image)
{
    CHECK(image == ml_cuda_fatbin);
    return given(module);
}

FAKE(CUresult, module_unload, CUmodule module)
{
    return taken();
}

FAKE(CUresult, function, CUfunction *function, CUmodule m, const char *name)
{
    CHECK(strncmp(name, "ml_cuda_", 8) == 0);
    *function = (CUfunction) 0x1000;
    return called();
}

FAKE(CUresult, alloc, CUdeviceptr *address, size_t bytes)
{
    CUresult  rc;

    rc = given(address);

    /* memory of the host, so that it is found when it is not freed */

    if (rc == CUDA_SUCCESS) {
        *address = (CUdeviceptr) malloc(bytes);
        allocated += bytes;
    }

    return rc;
}

FAKE(CUresult, free, CUdeviceptr address)
{
    free((void *) address);
    return taken();
}

FAKE(CUresult, host_alloc, void **address, size_t bytes, unsigned flags)
{
    CUresult  rc;

    rc = given(address);

    if (rc == CUDA_SUCCESS) {
        *address = malloc(bytes);
    }

    return rc;
}

FAKE(CUresult, host_free, void *address)
{
    free(address);
    return taken();
}

FAKE(CUresult, to_device, CUdeviceptr to, const void *from, size_t bytes)
{
    memcpy((void *) to, from, bytes);
    return called();
}

FAKE(CUresult, to_host, void *to, CUdeviceptr from, size_t bytes)
{
    memset(to, kept ? 0xff : 0, bytes);
    return called();
}

FAKE(CUresult, copy, CUdeviceptr to, CUdeviceptr from, size_t bytes,
    CUstream stream)
{
    launched++;
    memcpy((void *) to, (void *) from, bytes);
    return called();
}

FAKE(CUresult, set, CUdeviceptr to, unsigned char c, size_t n, CUstream s)
{
    CHECK(!capturing);
    memset((void *) to, c, n);
    return called();
}

FAKE(CUresult, stream, CUstream *stream, unsigned flags)
{
    return given(stream);
}

FAKE(CUresult, stream_destroy, CUstream stream)
{
    return taken();
}

FAKE(CUresult, stream_synchronize, CUstream stream)
{
    CHECK(!capturing);
    return called();
}

FAKE(CUresult, capture, CUstream stream, CUstreamCaptureMode mode)
{
    CUresult  rc;

    rc = called();
    CHECK(!capturing);
    capturing = rc == CUDA_SUCCESS;
    launched = 0;

    return rc;
}

FAKE(CUresult, capture_end, CUstream stream, CUgraph *graph)
{
    CHECK(capturing);
    capturing = 0;

    return given(graph) == CUDA_SUCCESS ? CUDA_SUCCESS
                                        : (*graph = NULL, failure);
}

FAKE(CUresult, instantiate, CUgraphExec *exec, CUgraph graph,
    unsigned long long flags)
{
    return given(exec);
}

FAKE(CUresult, graph_destroy, CUgraph graph)
{
    CHECK(graph != NULL);
    return taken();
}

FAKE(CUresult, exec_destroy, CUgraphExec exec)
{
    return taken();
}

FAKE(CUresult, graph_launch, CUgraphExec exec, CUstream stream)
{
    CHECK(exec == (CUgraphExec) 0x1000);
    return called();
}

FAKE(CUresult, event, CUevent *event, unsigned flags)
{
    return given(event);
}

FAKE(CUresult, event_destroy, CUevent event)
{
    return taken();
}

FAKE(CUresult, record, CUevent event, CUstream stream)
{
    return called();
}

FAKE(CUresult, query, CUevent event)
{
    CUresult  rc;

    rc = called();

    return rc == CUDA_SUCCESS && slow ? CUDA_ERROR_NOT_READY : rc;
}

FAKE(CUresult, event_synchronize, CUevent event)
{
    slow = 0;
    return called();
}

FAKE(CUresult, elapsed, float *ms, CUevent a, CUevent b)
{
    *ms = 0.25f;
    return called();
}

FAKE(CUresult, launch, CUfunction f, unsigned x, unsigned y, unsigned z,
    unsigned bx, unsigned by, unsigned bz, unsigned shared, CUstream stream,
    void **parameters, void **extra)
{
    CHECK(x > 0 && y == 1 && z == 1 && bx > 0 && bx <= 1024);
    launched++;
    return called();
}

FAKE(cublasStatus_t, blas_create, cublasLtHandle_t *handle)
{
    return given(handle) == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS
                                         : CUBLAS_STATUS_ALLOC_FAILED;
}

FAKE(cublasStatus_t, blas_destroy, cublasLtHandle_t handle)
{
    live--;
    return CUBLAS_STATUS_SUCCESS;
}

FAKE(cublasStatus_t, matmul, cublasLtHandle_t handle,
    cublasLtMatmulDesc_t operation, const void *alpha, const void *a,
    cublasLtMatrixLayout_t al, const void *b, cublasLtMatrixLayout_t bl,
    const void *beta, const void *c, cublasLtMatrixLayout_t cl, void *d,
    cublasLtMatrixLayout_t dl, const cublasLtMatmulAlgo_t *algorithm,
    void *workspace, size_t bytes, cudaStream_t stream)
{
    CHECK(c == d && bytes == ML_CUDA_WORKSPACE && workspace != NULL);
    CHECK((uintptr_t) workspace != 0xbad);
    launched++;
    return blas();
}

FAKE(cublasStatus_t, desc, cublasLtMatmulDesc_t *desc,
    cublasComputeType_t compute, cudaDataType_t type)
{
    CHECK(compute == CUBLAS_COMPUTE_32F && type == CUDA_R_32F);

    return given(desc) == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS
                                       : CUBLAS_STATUS_ALLOC_FAILED;
}

FAKE(cublasStatus_t, desc_destroy, cublasLtMatmulDesc_t desc)
{
    live--;
    return CUBLAS_STATUS_SUCCESS;
}

FAKE(cublasStatus_t, desc_set, cublasLtMatmulDesc_t desc,
    cublasLtMatmulDescAttributes_t attribute, const void *value, size_t size)
{
    cublasLtEpilogue_t  epilogue;

    if (attribute == CUBLASLT_MATMUL_DESC_EPILOGUE) {
        memcpy(&epilogue, value, size);
        fused += epilogue == CUBLASLT_EPILOGUE_RELU_BIAS;
    }

    return blas();
}

FAKE(cublasStatus_t, layout, cublasLtMatrixLayout_t *layout,
    cudaDataType_t type, uint64_t rows, uint64_t columns, int64_t leading)
{
    CHECK(leading >= (int64_t) rows);

    return given(layout) == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS
                                         : CUBLAS_STATUS_ALLOC_FAILED;
}

FAKE(cublasStatus_t, layout_destroy, cublasLtMatrixLayout_t layout)
{
    live--;
    return CUBLAS_STATUS_SUCCESS;
}

FAKE(cublasStatus_t, layout_set, cublasLtMatrixLayout_t layout,
    cublasLtMatrixLayoutAttribute_t attribute, const void *v, size_t size)
{
    return blas();
}

FAKE(cublasStatus_t, preference, cublasLtMatmulPreference_t *preference)
{
    return given(preference) == CUDA_SUCCESS ? CUBLAS_STATUS_SUCCESS
                                             : CUBLAS_STATUS_ALLOC_FAILED;
}

FAKE(cublasStatus_t, preference_destroy, cublasLtMatmulPreference_t p)
{
    live--;
    return CUBLAS_STATUS_SUCCESS;
}

FAKE(cublasStatus_t, preference_set, cublasLtMatmulPreference_t p,
    cublasLtMatmulPreferenceAttributes_t a, const void *value, size_t size)
{
    return blas();
}

FAKE(cublasStatus_t, heuristic, cublasLtHandle_t handle,
    cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a,
    cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c,
    cublasLtMatrixLayout_t d, cublasLtMatmulPreference_t preference,
    int requested, cublasLtMatmulHeuristicResult_t *results, int *found)
{
    *found = 1;
    memset(results, 0, sizeof(*results));
    return blas();
}


int
ml_cuda_driver_open(char *text, size_t size)
{
    static const ml_cuda_driver_t  fake = {
        .cuGetErrorName = fake_error_name,
        .cuDeviceGetCount = fake_count,
        .cuDeviceGet = fake_get,
        .cuDevicePrimaryCtxRetain = fake_retain,
        .cuDevicePrimaryCtxRelease = fake_release,
        .cuCtxSetCurrent = fake_current,
        .cuCtxSynchronize = fake_context_synchronize,
        .cuModuleLoadData = fake_module,
        .cuModuleUnload = fake_module_unload,
        .cuModuleGetFunction = fake_function,
        .cuMemAlloc = fake_alloc,
        .cuMemFree = fake_free,
        .cuMemHostAlloc = fake_host_alloc,
        .cuMemFreeHost = fake_host_free,
        .cuMemcpyHtoD = fake_to_device,
        .cuMemcpyDtoH = fake_to_host,
        .cuMemcpyAsync = fake_copy,
        .cuMemsetD8Async = fake_set,
        .cuStreamCreate = fake_stream,
        .cuStreamDestroy = fake_stream_destroy,
        .cuStreamSynchronize = fake_stream_synchronize,
        .cuStreamBeginCapture = fake_capture,
        .cuStreamEndCapture = fake_capture_end,
        .cuGraphInstantiate = fake_instantiate,
        .cuGraphDestroy = fake_graph_destroy,
        .cuGraphExecDestroy = fake_exec_destroy,
        .cuGraphLaunch = fake_graph_launch,
        .cuEventCreate = fake_event,
        .cuEventDestroy = fake_event_destroy,
        .cuEventRecord = fake_record,
        .cuEventQuery = fake_query,
        .cuEventSynchronize = fake_event_synchronize,
        .cuEventElapsedTime = fake_elapsed,
        .cuLaunchKernel = fake_launch,
        .cublasLtCreate = fake_blas_create,
        .cublasLtDestroy = fake_blas_destroy,
        .cublasLtMatmul = fake_matmul,
        .cublasLtMatmulDescCreate = fake_desc,
        .cublasLtMatmulDescDestroy = fake_desc_destroy,
        .cublasLtMatmulDescSetAttribute = fake_desc_set,
        .cublasLtMatrixLayoutCreate = fake_layout,
        .cublasLtMatrixLayoutDestroy = fake_layout_destroy,
        .cublasLtMatrixLayoutSetAttribute = fake_layout_set,
        .cublasLtMatmulPreferenceCreate = fake_preference,
        .cublasLtMatmulPreferenceDestroy = fake_preference_destroy,
        .cublasLtMatmulPreferenceSetAttribute = fake_preference_set,
        .cublasLtMatmulAlgoGetHeuristic = fake_heuristic
    };

    ml_cuda = fake;

    return 0;
}


/* x [N,16] -> product, bias, Relu -> Softmax -> y, and x again. */

static ml_model_t *
classifier(void)
{
    char         why[512];
    float        w[16 * 8] = { 1 };
    writer_t     g = { NULL, 0, 0 }, m = { NULL, 0, 0 };
    ml_model_t  *model;

    writer_rows(&g, 11, "x", 16);
    writer_rows(&g, 12, "y", 8);
    writer_rows(&g, 12, "x", 16);
    writer_floats(&g, "w", 16, 8, w);
    writer_floats(&g, "b", 1, 8, w);
    writer_node(&g, "Gemm", "x,w,b", "s", NULL);
    writer_node(&g, "Relu", "s", "r", NULL);
    writer_node(&g, "Softmax", "r", "y", NULL);
    writer_model(&m, &g, 13);

    model = ml_model_read(m.data, m.len, why, sizeof(why));
    CHECK(model != NULL);
    writer_free(&m);

    return model;
}


/* Everything once; the first status that is not ML_BACKEND_OK. */

static ml_backend_status_e
life(const ml_model_t *model)
{
    char                   error[256];
    float                  x[8 * 16] = { 0 }, y[8 * 8], z[8 * 16];
    void                  *outputs[2] = { y, z };
    int64_t                rows;
    const void            *inputs[1] = { x };
    ml_backend_meter_t     meter;
    ml_backend_status_e    rc;
    ml_backend_context_t  *context;

    calls = 0;
    live = 0;
    allocated = 0;
    error[0] = '\0';

    rc = ml_cuda_load(model, "1", &context, error, sizeof(error));

    if (rc != ML_BACKEND_OK) {
        CHECK(error[0] != '\0');
        return rc;
    }

    for (rows = 1; rc == ML_BACKEND_OK && rows <= 8; rows *= 2) {
        rc = ml_cuda_prepare(context, rows, error, sizeof(error));
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_run(context, 4, inputs, outputs, &meter, error,
                         sizeof(error));
    }

    if (rc == ML_BACKEND_OK) {
        CHECK_INT(meter.device_ns, 250000);
    } else {
        CHECK(error[0] != '\0');
    }

    worked = calls;
    ml_cuda_unload(context);

    return rc;
}


/* Every call fails in turn, in every way. */

static void
test_failures(void)
{
    int                  all, way;
    ml_model_t          *model;
    ml_backend_status_e  rc, want;

    static const struct {
        CUresult             result;
        int                  sticky;
        ml_backend_status_e  status;
    } ways[] = {
        { CUDA_ERROR_OUT_OF_MEMORY, 0, ML_BACKEND_MEMORY },
        { CUDA_ERROR_INVALID_VALUE, 0, ML_BACKEND_ERROR },
        { CUDA_ERROR_ILLEGAL_ADDRESS, 1, ML_BACKEND_LOST }
    };

    model = classifier();

    for (kept = 0; kept < 2; kept++) {

        failing = 0;
        CHECK_INT(life(model), ML_BACKEND_OK);
        CHECK_INT(live, 0);
        all = worked;
        CHECK(all > 100);

        for (way = 0; way < 3; way++) {

            failure = ways[way].result;
            sticky = ways[way].sticky;

            for (failing = 1; failing <= all; failing++) {
                rc = life(model);
                want = ways[way].status;

                /* cuBLASLt's own objects tell of memory alone */

                if (rc == ML_BACKEND_MEMORY && want == ML_BACKEND_ERROR) {
                    want = ML_BACKEND_MEMORY;
                }

                if (sticky && rc == ML_BACKEND_MEMORY) {
                    want = ML_BACKEND_MEMORY;
                }

                if (rc != want || live != 0) {
                    fprintf(stderr, "call %d of %d: status %d, %d live\n",
                            failing, all, (int) rc, live);
                }

                CHECK_INT(rc, want);
                CHECK_INT(live, 0);
            }
        }

        sticky = 0;
        failing = 0;
    }

    ml_model_close(model);
}


static void
test_arguments(void)
{
    char    error[256];
    size_t  i;

    static const char *const  wrong[] = {
        "", "2", "-1", "+1", " 1", "1 ", "0x1", "one", "1,2",
        "99999999999999999999"
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK_INT(ml_cuda_probe(wrong[i], error, sizeof(error)),
                  ML_BACKEND_ERROR);
    }

    CHECK_INT(ml_cuda_probe(NULL, error, sizeof(error)), ML_BACKEND_OK);
    CHECK_INT(ml_cuda_probe("0", error, sizeof(error)), ML_BACKEND_OK);
    CHECK_INT(ml_cuda_probe("1", error, sizeof(error)), ML_BACKEND_OK);

    devices = 0;
    CHECK_INT(ml_cuda_probe(NULL, error, sizeof(error)), ML_BACKEND_ERROR);
    CHECK_STR(error, "no CUDA device 0, there are 0");
    devices = 2;
}


/* What of the Relu is fused depends on what it makes of a NaN. */

static void
test_relu(void)
{
    char                   error[256];
    ml_model_t            *model;
    ml_backend_context_t  *context;

    model = classifier();

    for (kept = 0; kept < 2; kept++) {

        fused = 0;
        CHECK_INT(ml_cuda_load(model, NULL, &context, error, sizeof(error)),
                  ML_BACKEND_OK);
        CHECK_INT(ml_cuda_prepare(context, 2, error, sizeof(error)),
                  ML_BACKEND_OK);

        /* a copy in; product, perhaps Relu, Softmax; two copies out */
        CHECK_INT(launched, kept ? 5 : 6);
        CHECK_INT(fused, 1);
        CHECK_INT(context->plans->matmuls[0].relu, !kept);

        ml_cuda_unload(context);
    }

    ml_model_close(model);
}


/* Memory is that of the largest plan, whatever the order. */

static void
test_memory(void)
{
    char                   error[256];
    size_t                 bytes;
    void                  *inputs[1], *outputs[2];
    ml_model_t            *model;
    ml_backend_meter_t     meter;
    ml_backend_context_t  *context;

    model = classifier();
    kept = 1;

    CHECK_INT(ml_cuda_load(model, NULL, &context, error, sizeof(error)),
              ML_BACKEND_OK);
    CHECK_INT(ml_cuda_prepare(context, 64, error, sizeof(error)),
              ML_BACKEND_OK);
    ml_cuda_buffers(context, inputs, outputs);
    bytes = context->memory_bytes;
    allocated = 0;

    CHECK_INT(ml_cuda_prepare(context, 1, error, sizeof(error)),
              ML_BACKEND_OK);
    CHECK_INT(ml_cuda_prepare(context, 64, error, sizeof(error)),
              ML_BACKEND_OK);
    CHECK_INT(allocated, 0);
    CHECK_INT(context->memory_bytes, bytes);

    /* a run in the context's own buffers, and one that takes long */

    slow = 1;
    CHECK_INT(ml_cuda_run(context, 64, (const void *const *) inputs, outputs,
                          &meter, error, sizeof(error)), ML_BACKEND_OK);
    CHECK_INT(slow, 0);

    CHECK_INT(ml_cuda_run(context, 2, NULL, NULL, &meter, error,
                          sizeof(error)), ML_BACKEND_ERROR);
    CHECK_INT(ml_cuda_prepare(context, 0, error, sizeof(error)),
              ML_BACKEND_ERROR);

    /* more rows than a plan may take */

    CHECK_INT(ml_cuda_prepare(context, (int64_t) 1 << 40, error,
                              sizeof(error)), ML_BACKEND_MEMORY);
    CHECK_INT(ml_cuda_run(context, 64, (const void *const *) inputs, outputs,
                          &meter, error, sizeof(error)), ML_BACKEND_OK);

    ml_cuda_unload(context);
    ml_model_close(model);
}


int
main(void)
{
    test_failures();
    test_arguments();
    test_relu();
    test_memory();

    return TEST_END;
}

#endif
