/*
 * Opening a model; see ml_model.h.
 *
 * The file is read whole into memory, not mapped: a mapped file that someone
 * truncates is a SIGBUS in the nginx master.  Weights are copied once, to
 * aligned memory, and the file is let go.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ml_build.h"


ml_model_t *
ml_model_read(const void *data, size_t len, char *error, size_t size)
{
    ml_build_t  build;

    memset(&build, 0, sizeof(ml_build_t));

    build.error = error;
    build.size = size;
    build.model = calloc(1, sizeof(ml_model_t));

    if (build.model == NULL) {
        (void) ml_build_fail(&build, "no memory");
        return NULL;
    }

    ml_arena_init(&build.model->arena, ML_ONNX_MAX_METADATA);

    if (ml_build(&build, data, len) != 0) {
        ml_model_close(build.model);
        return NULL;
    }

    return build.model;
}


/* FNV-1a; never 0. */

static uint64_t
ml_model_file_identity(const struct stat *st)
{
    size_t                i;
    uint64_t              hash, part[5];
    const unsigned char  *p;

    part[0] = (uint64_t) st->st_dev;
    part[1] = (uint64_t) st->st_ino;
    part[2] = (uint64_t) st->st_size;
    part[3] = (uint64_t) st->st_mtim.tv_sec;
    part[4] = (uint64_t) st->st_mtim.tv_nsec;

    p = (const unsigned char *) part;
    hash = 0xcbf29ce484222325;

    for (i = 0; i < sizeof(part); i++) {
        hash = (hash ^ p[i]) * 0x100000001b3;
    }

    return hash ? hash : 1;
}


ml_model_t *
ml_model_open(const char *path, char *error, size_t size)
{
    int           fd;
    char         *data;
    size_t        len, done;
    ssize_t       n;
    ml_model_t   *model;
    struct stat   st;

    data = NULL;
    model = NULL;

    /* a FIFO must not hang the start of nginx */

    fd = open(path, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (fd == -1) {
        snprintf(error, size, "cannot be opened: %s", strerror(errno));
        return NULL;
    }

    if (fstat(fd, &st) == -1) {
        snprintf(error, size, "fstat() failed: %s", strerror(errno));
        goto done;
    }

    if (!S_ISREG(st.st_mode) || st.st_size > ML_ONNX_MAX_BYTES) {
        snprintf(error, size, "not a regular file of at most %d bytes",
                 ML_ONNX_MAX_BYTES);
        goto done;
    }

    len = (size_t) st.st_size;
    data = malloc(len + 1);

    if (data == NULL) {
        snprintf(error, size, "no memory for a file of %zu bytes", len);
        goto done;
    }

    for (done = 0; done <= len; done += (size_t) n) {

        n = read(fd, data + done, len + 1 - done);

        if (n == -1 && errno == EINTR) {
            n = 0;
            continue;
        }

        if (n == -1) {
            snprintf(error, size, "read() failed: %s", strerror(errno));
            goto done;
        }

        if (n == 0) {
            break;
        }
    }

    if (done != len) {
        snprintf(error, size, "changed while it was read");
        goto done;
    }

    model = ml_model_read(data, len, error, size);

    if (model != NULL) {
        model->identity = ml_model_file_identity(&st);
    }

done:

    free(data);
    (void) close(fd);

    return model;
}


void
ml_model_close(ml_model_t *model)
{
    uint32_t  i;

    for (i = 0; i < model->nvalues; i++) {
        free(model->values[i].data);
    }

    ml_arena_free(&model->arena);
    free(model);
}


const ml_tensor_spec_t *
ml_model_inputs(const ml_model_t *model, size_t *n)
{
    *n = model->ninputs;

    return model->input_specs;
}


const ml_tensor_spec_t *
ml_model_outputs(const ml_model_t *model, size_t *n)
{
    *n = model->noutputs;

    return model->output_specs;
}


uint64_t
ml_model_identity(const ml_model_t *model)
{
    return model->identity;
}


int
ml_model_batched(const ml_model_t *model)
{
    return model->batched;
}
