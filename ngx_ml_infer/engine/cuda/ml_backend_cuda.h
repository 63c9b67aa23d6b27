/*
 * The CUDA backend's own parts.
 *
 * The steps of a model (ml_steps.h) become work on one stream: products are
 * cuBLASLt's, everything else is a kernel of ml_cuda_kernels.cu.  For each
 * number of rows that is planned, that work is captured into a CUDA graph,
 * copies from and to page-locked buffers included, so that a run is one
 * launch.
 *
 * A context has one piece of device memory for inputs, outputs and values,
 * which all its plans share since runs follow one another; when a plan needs
 * more, the graphs captured before are captured again.  Beside it there are
 * the constants, and one workspace of cuBLASLt's.  All of it is allocated by
 * load() and plan(), none by run(), and unload() gives all of it back.
 *
 * All contexts of a process share the device's primary context, which costs
 * some hundred megabytes, once.
 */

#ifndef ML_BACKEND_CUDA_H
#define ML_BACKEND_CUDA_H

#include "ml_backend.h"
#include "ml_cuda_driver.h"
#include "ml_cuda_kernels.h"
#include "ml_layout.h"


/* cuBLASLt takes pointers of that alignment to be given */
#define ML_CUDA_ALIGN      256

/* what NVIDIA tells to give cuBLASLt on Hopper */
#define ML_CUDA_WORKSPACE  ((size_t) 32 << 20)


/* A product as cuBLASLt does it. */
typedef struct {
    cublasLtMatmulDesc_t       operation;       /* NULL: a kernel's */
    cublasLtMatrixLayout_t     a;               /* cuBLASLt's: our b */
    cublasLtMatrixLayout_t     b;               /* our a */
    cublasLtMatrixLayout_t     d;
    cublasLtMatmulAlgo_t       algorithm;
    float                      alpha;
    double                     alpha_wide;
    int                        wide;            /* float64 */
    int                        relu;            /* is left to a kernel */
} ml_cuda_matmul_t;


typedef struct ml_cuda_plan_s  ml_cuda_plan_t;

struct ml_cuda_plan_s {
    ml_cuda_plan_t            *next;
    int64_t                    rows;
    ml_array_t                *arrays;          /* by value */
    const ml_array_t         **inputs;          /* of the step in hand */
    size_t                    *offsets;         /* by value, behind the I/O */
    size_t                     values;          /* bytes of these */
    ml_cuda_matmul_t          *matmuls;         /* by step */
    CUgraphExec                graph;           /* NULL: to be captured */
};


typedef struct {
    char                       name[ML_CUDA_NAME];
    CUfunction                 function;
} ml_cuda_function_t;


struct ml_backend_context_s {
    const ml_model_t          *model;
    ml_steps_t                 steps;

    CUdevice                   device;
    CUcontext                  primary;
    CUmodule                   module;
    CUstream                   stream;
    CUevent                    begun;
    CUevent                    ended;
    cublasLtHandle_t           blas;

    ml_cuda_function_t        *functions;       /* those used so far */
    size_t                     nfunctions;

    CUdeviceptr                constants;
    CUdeviceptr               *constant;        /* by value; 0: none */
    CUdeviceptr               *bias;            /* by step; 0: none */
    CUdeviceptr                workspace;

    /* inputs and outputs of "most" rows, then values */
    int64_t                    most;
    CUdeviceptr                memory;
    size_t                     memory_bytes;
    char                      *pinned;          /* the host's half */
    size_t                     io_bytes;
    size_t                    *io;              /* inputs, then outputs */

    ml_cuda_plan_t            *plans;
};


/* Where a reason goes. */
typedef struct {
    char                      *text;
    size_t                     size;
} ml_cuda_error_t;


/* ml_backend_cuda.c */

ml_backend_status_e ml_cuda_fail(ml_cuda_error_t *error,
    ml_backend_status_e status, const char *what);

/*
 * What a result means: a lack of memory, an error that the context does not
 * survive, or one of this call.
 */
ml_backend_status_e ml_cuda_check(ml_cuda_error_t *error, CUresult result,
    const char *what);
ml_backend_status_e ml_cuda_check_blas(ml_cuda_error_t *error,
    cublasStatus_t status, const char *what);


/* ml_cuda_memory.c: constants; memory for inputs, outputs and values */

ml_backend_status_e ml_cuda_constants(ml_backend_context_t *context,
    ml_cuda_error_t *error);

/* Makes room for a plan; graphs of plans whose memory moves are dropped. */
ml_backend_status_e ml_cuda_reserve(ml_backend_context_t *context,
    const ml_cuda_plan_t *plan, ml_cuda_error_t *error);
void ml_cuda_memory_free(ml_backend_context_t *context);


/* ml_cuda_matmul.c */

/*
 * Prepares a product of that type with cuBLASLt; "bias" has n elements,
 * 0: none.  Leaves matmul->operation NULL if it is the kernel's.  With "relu",
 * which is for float32 alone, the memory of a and output is written to.
 */
ml_backend_status_e ml_cuda_matmul(ml_backend_context_t *context,
    const ml_cuda_product_t *product, ml_dtype_e dtype, CUdeviceptr bias,
    int relu, ml_cuda_matmul_t *matmul, ml_cuda_error_t *error);
ml_backend_status_e ml_cuda_matmul_run(ml_backend_context_t *context,
    const ml_cuda_matmul_t *matmul, const ml_cuda_product_t *product,
    ml_cuda_error_t *error);
void ml_cuda_matmul_free(ml_cuda_matmul_t *matmul);


/* ml_cuda_plan.c: the work of a number of rows, and its graph */

ml_backend_status_e ml_cuda_plan(ml_backend_context_t *context, int64_t rows,
    ml_cuda_plan_t **plan, ml_cuda_error_t *error);

/* Of an input or output, for that plan. */
size_t ml_cuda_bytes(const ml_cuda_plan_t *plan, int32_t value);

/* Runs the work once and captures it; due when plan->graph is NULL. */
ml_backend_status_e ml_cuda_capture(ml_backend_context_t *context,
    ml_cuda_plan_t *plan, ml_cuda_error_t *error);
void ml_cuda_plan_free(ml_backend_context_t *context, ml_cuda_plan_t *plan);


#endif /* ML_BACKEND_CUDA_H */
