/*
 * Names of the Open Inference Protocol, version 2, as KServe and Triton have
 * it: endpoints, data types, and what a request asks of its answer.
 *
 * Source: open-inference-protocol, specification/protocol/inference_rest.md;
 * Triton's docs/protocol/extension_binary_data.md.
 */

#ifndef ML_OIP_H
#define ML_OIP_H

#include <stddef.h>

#include "ml_tensor.h"


/* The most inputs, and outputs, that a request may name. */
#define ML_OIP_TENSORS  64

/* The longest "id", in bytes. */
#define ML_OIP_ID       256


typedef enum {
    ML_OIP_UNKNOWN = 0,             /* no endpoint of the protocol */
    ML_OIP_DENIED,                  /* shared memory, the repository */
    ML_OIP_SERVER,                  /* v2 */
    ML_OIP_LIVE,                    /* v2/health/live */
    ML_OIP_READY,                   /* v2/health/ready */
    ML_OIP_MODEL,                   /* v2/models/M[/versions/V] ... */
    ML_OIP_MODEL_READY,             /* .../ready */
    ML_OIP_MODEL_CONFIG,            /* .../config, an extension of Triton */
    ML_OIP_INFER                    /* .../infer, the only one with a body */
} ml_oip_endpoint_e;


/* What a path names; not NUL-terminated, in the path's memory. */
typedef struct {
    ml_oip_endpoint_e   endpoint;
    const char         *model;
    size_t              model_len;
    const char         *version;
    size_t              version_len;    /* 0: none is named */
} ml_oip_path_t;


/* An output that the request names. */
typedef struct {
    const char  *name;              /* NUL-terminated */
    int          binary;
} ml_oip_output_t;


/* Beside its tensors; owned by the body that it was read from. */
typedef struct {
    const char       *id;           /* NULL: none */
    size_t            id_len;
    ml_oip_output_t  *outputs;
    size_t            noutputs;     /* 0: all of the model */
    int               binary;       /* those are, then */
} ml_oip_request_t;


/*
 * The endpoint of a decoded path; what stands before the first segment "v2"
 * does not matter.  Only that of the server may end with a slash.
 */
void ml_oip_path(const char *path, size_t len, ml_oip_path_t *result);

/* "FP32", ..., "BYTES" for ML_DTYPE_NONE.  Static. */
const char *ml_oip_datatype(ml_dtype_e dtype);

/* The type of that name, ML_DTYPE_NONE for "BYTES": 0, or -1. */
int ml_oip_datatype_parse(const char *name, size_t len, ml_dtype_e *dtype);


#endif /* ML_OIP_H */
