/*
 * Products by cuBLASLt; see ml_backend_cuda.h.
 *
 * cuBLASLt's matrices are column by column, ours are row by row: a matrix of
 * ours is the transposed one of its, and so it computes d' = b' a'.
 *
 * Float32 is computed in float32 (CUBLAS_COMPUTE_32F), not in TF32, whose
 * ten bits of mantissa no client asked for.
 *
 * A Relu behind a product with constant weights is cuBLASLt's as well, if on
 * this device and for this shape it lets a NaN pass; else it is our kernel's.
 */

#include <string.h>

#include "ml_backend_cuda.h"


/* results that are looked at for a NaN */
#define ML_CUDA_LOOK  4096


/*
 * A matrix of ours with these steps, "rows" of "columns": as it lies, or else
 * transposed.
 */
static cublasOperation_t
ml_cuda_operation(const uint64_t *steps, uint64_t rows, uint64_t columns,
    uint64_t *leading)
{
    if (steps[1] == 1 && steps[0] >= columns) {
        *leading = steps[0];
        return CUBLAS_OP_N;
    }

    *leading = steps[1];

    return CUBLAS_OP_T;
}


static cublasStatus_t
ml_cuda_layout(cublasLtMatrixLayout_t *layout, cudaDataType_t type,
    uint64_t rows, uint64_t columns, uint64_t leading, int32_t count,
    int64_t stride)
{
    cublasStatus_t  rc;

    rc = ml_cuda.cublasLtMatrixLayoutCreate(layout, type, rows, columns,
                                            (int64_t) leading);

    if (rc != CUBLAS_STATUS_SUCCESS) {
        *layout = NULL;
        return rc;
    }

    rc = ml_cuda.cublasLtMatrixLayoutSetAttribute(*layout,
                                  CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT,
                                  &count, sizeof(count));

    if (rc != CUBLAS_STATUS_SUCCESS) {
        return rc;
    }

    return ml_cuda.cublasLtMatrixLayoutSetAttribute(*layout,
                                  CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                  &stride, sizeof(stride));
}


static cublasStatus_t
ml_cuda_attribute(ml_cuda_matmul_t *matmul,
    cublasLtMatmulDescAttributes_t attribute, const void *value, size_t size)
{
    return ml_cuda.cublasLtMatmulDescSetAttribute(matmul->operation,
                                                  attribute, value, size);
}


static cublasStatus_t
ml_cuda_describe(const ml_cuda_product_t *p, CUdeviceptr bias, int relu,
    ml_cuda_matmul_t *matmul)
{
    int64_t              a_stride, b_stride;
    int32_t              count;
    uint64_t             a_leading, b_leading;
    cublasStatus_t       rc;
    cudaDataType_t       type;
    cublasOperation_t    a, b;
    cublasLtEpilogue_t   epilogue;

    type = matmul->wide ? CUDA_R_64F : CUDA_R_32F;

    count = p->rank ? (int32_t) p->dims[0] : 1;
    a_stride = p->rank ? (int64_t) p->steps[0][0] : 0;
    b_stride = p->rank ? (int64_t) p->steps[1][0] : 0;

    a = ml_cuda_operation(p->a_steps, p->m, p->k, &a_leading);
    b = ml_cuda_operation(p->b_steps, p->k, p->n, &b_leading);

    epilogue = bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;

    if (relu) {
        epilogue = bias ? CUBLASLT_EPILOGUE_RELU_BIAS
                        : CUBLASLT_EPILOGUE_RELU;
    }

    rc = ml_cuda.cublasLtMatmulDescCreate(&matmul->operation,
                                          matmul->wide ? CUBLAS_COMPUTE_64F
                                                       : CUBLAS_COMPUTE_32F,
                                          type);

    if (rc != CUBLAS_STATUS_SUCCESS) {
        matmul->operation = NULL;
        return rc;
    }

    rc = ml_cuda_attribute(matmul, CUBLASLT_MATMUL_DESC_TRANSA, &b,
                           sizeof(b));

    if (rc == CUBLAS_STATUS_SUCCESS) {
        rc = ml_cuda_attribute(matmul, CUBLASLT_MATMUL_DESC_TRANSB, &a,
                               sizeof(a));
    }

    if (rc == CUBLAS_STATUS_SUCCESS) {
        rc = ml_cuda_attribute(matmul, CUBLASLT_MATMUL_DESC_EPILOGUE,
                               &epilogue, sizeof(epilogue));
    }

    if (rc == CUBLAS_STATUS_SUCCESS && bias) {
        rc = ml_cuda_attribute(matmul, CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                               &bias, sizeof(bias));
    }

    if (rc == CUBLAS_STATUS_SUCCESS) {
        rc = ml_cuda_layout(&matmul->a, type,
                            b == CUBLAS_OP_N ? p->n : p->k,
                            b == CUBLAS_OP_N ? p->k : p->n, b_leading, count,
                            b_stride);
    }

    if (rc == CUBLAS_STATUS_SUCCESS) {
        rc = ml_cuda_layout(&matmul->b, type,
                            a == CUBLAS_OP_N ? p->k : p->m,
                            a == CUBLAS_OP_N ? p->m : p->k, a_leading, count,
                            a_stride);
    }

    if (rc == CUBLAS_STATUS_SUCCESS) {
        rc = ml_cuda_layout(&matmul->d, type, p->n, p->m, p->n, count,
                            (int64_t) (p->m * p->n));
    }

    return rc;
}


static ml_backend_status_e
ml_cuda_matmul_plan(ml_backend_context_t *context, const ml_cuda_product_t *p,
    CUdeviceptr bias, int relu, ml_cuda_matmul_t *matmul,
    ml_cuda_error_t *error)
{
    int                                found;
    size_t                             workspace;
    cublasStatus_t                     rc;
    cublasLtMatmulPreference_t         preference;
    cublasLtMatmulHeuristicResult_t    result;

    rc = ml_cuda_describe(p, bias, relu, matmul);

    if (rc != CUBLAS_STATUS_SUCCESS) {
        goto failed;
    }

    rc = ml_cuda.cublasLtMatmulPreferenceCreate(&preference);

    if (rc != CUBLAS_STATUS_SUCCESS) {
        goto failed;
    }

    workspace = ML_CUDA_WORKSPACE;
    found = 0;

    rc = ml_cuda.cublasLtMatmulPreferenceSetAttribute(preference,
                                  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                  &workspace, sizeof(workspace));

    if (rc == CUBLAS_STATUS_SUCCESS) {
        rc = ml_cuda.cublasLtMatmulAlgoGetHeuristic(context->blas,
                                  matmul->operation, matmul->a, matmul->b,
                                  matmul->d, matmul->d, preference, 1,
                                  &result, &found);
    }

    (void) ml_cuda.cublasLtMatmulPreferenceDestroy(preference);

    if (rc != CUBLAS_STATUS_SUCCESS || found == 0) {
        goto failed;
    }

    matmul->algorithm = result.algo;

    return ML_BACKEND_OK;

failed:

    ml_cuda_matmul_free(matmul);

    return ml_cuda_check_blas(error, rc != CUBLAS_STATUS_SUCCESS
                                     ? rc : CUBLAS_STATUS_NOT_SUPPORTED,
                              "a matrix product cannot be planned");
}


/*
 * Whether the product, with the Relu in it, of nothing but NaN is NaN.  The
 * documentation does not say, and max(x, 0) may make it 0.
 */
static ml_backend_status_e
ml_cuda_keeps_nan(ml_backend_context_t *context, const ml_cuda_product_t *p,
    const ml_cuda_matmul_t *matmul, int *keeps, ml_cuda_error_t *error)
{
    float                 results[ML_CUDA_LOOK];
    size_t                i, n;
    ml_backend_status_e   rc;

    n = p->elements < ML_CUDA_LOOK ? (size_t) p->elements : ML_CUDA_LOOK;
    *keeps = 1;

    /* all bits set are a NaN */

    rc = ml_cuda_check(error, ml_cuda.cuMemsetD8Async((CUdeviceptr) p->a, 0xff,
                                          p->m * p->k * sizeof(float),
                                          context->stream),
                       "device memory cannot be set");

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_matmul_run(context, matmul, p, error);
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error,
                           ml_cuda.cuStreamSynchronize(context->stream),
                           "a first product failed");
    }

    if (rc == ML_BACKEND_OK) {
        rc = ml_cuda_check(error, ml_cuda.cuMemcpyDtoH(results,
                                          (CUdeviceptr) p->output,
                                          n * sizeof(float)),
                           "a product cannot be read");
    }

    for (i = 0; rc == ML_BACKEND_OK && i < n; i++) {
        if (results[i] == results[i]) {
            *keeps = 0;
        }
    }

    return rc;
}


ml_backend_status_e
ml_cuda_matmul(ml_backend_context_t *context, const ml_cuda_product_t *p,
    ml_dtype_e dtype, CUdeviceptr bias, int relu, ml_cuda_matmul_t *matmul,
    ml_cuda_error_t *error)
{
    int                   keeps;
    ml_backend_status_e   rc;

    memset(matmul, 0, sizeof(ml_cuda_matmul_t));

    if (p->k == 0 || p->elements == 0 || p->rank > 1
        || (p->rank && p->dims[0] > INT32_MAX))
    {
        return ML_BACKEND_OK;
    }

    matmul->wide = dtype == ML_DTYPE_FLOAT64;
    matmul->alpha = (float) p->alpha;
    matmul->alpha_wide = p->alpha;

    rc = ml_cuda_matmul_plan(context, p, bias, relu, matmul, error);

    if (rc != ML_BACKEND_OK || !relu) {
        return rc;
    }

    rc = ml_cuda_keeps_nan(context, p, matmul, &keeps, error);

    if (rc != ML_BACKEND_OK || keeps) {
        return rc;
    }

    ml_cuda_matmul_free(matmul);

    matmul->alpha = (float) p->alpha;
    matmul->relu = 1;

    return ml_cuda_matmul_plan(context, p, bias, 0, matmul, error);
}


ml_backend_status_e
ml_cuda_matmul_run(ml_backend_context_t *context,
    const ml_cuda_matmul_t *matmul, const ml_cuda_product_t *p,
    ml_cuda_error_t *error)
{
    const void  *alpha, *beta;

    static const float   zero = 0;
    static const double  zero_wide = 0;

    alpha = &matmul->alpha;
    beta = &zero;

    if (matmul->wide) {
        alpha = &matmul->alpha_wide;
        beta = &zero_wide;
    }

    return ml_cuda_check_blas(error,
               ml_cuda.cublasLtMatmul(context->blas, matmul->operation, alpha,
                                      p->b, matmul->a, p->a, matmul->b, beta,
                                      p->output, matmul->d, p->output,
                                      matmul->d, &matmul->algorithm,
                                      (void *) context->workspace,
                                      ML_CUDA_WORKSPACE,
                                      (cudaStream_t) context->stream),
               "a matrix product failed");
}


void
ml_cuda_matmul_free(ml_cuda_matmul_t *matmul)
{
    if (matmul->d) {
        (void) ml_cuda.cublasLtMatrixLayoutDestroy(matmul->d);
    }

    if (matmul->b) {
        (void) ml_cuda.cublasLtMatrixLayoutDestroy(matmul->b);
    }

    if (matmul->a) {
        (void) ml_cuda.cublasLtMatrixLayoutDestroy(matmul->a);
    }

    if (matmul->operation) {
        (void) ml_cuda.cublasLtMatmulDescDestroy(matmul->operation);
    }

    memset(matmul, 0, sizeof(ml_cuda_matmul_t));
}
