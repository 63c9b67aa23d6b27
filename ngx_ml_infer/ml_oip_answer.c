/* Answers of the Open Inference Protocol; see ml_oip_answer.h. */

#include <string.h>

#include "ml_oip_answer.h"
#include "ml_response.h"


void
ml_oip_server_live(ml_text_t *out)
{
    ml_text_printf(out, "{\"live\":true}");
}


void
ml_oip_server_ready(ml_text_t *out)
{
    ml_text_printf(out, "{\"ready\":true}");
}


void
ml_oip_model_ready(ml_text_t *out, const ml_oip_model_t *model)
{
    ml_text_printf(out, "{\"name\":");
    ml_text_json_string(out, model->name, strlen(model->name));
    ml_text_printf(out, ",\"ready\":true}");
}


void
ml_oip_server_metadata(ml_text_t *out, const char *version)
{
    ml_text_printf(out, "{\"name\":\"ngx_ml\",\"version\":\"%s\","
                   "\"extensions\":[\"binary_tensor_data\","
                   "\"model_configuration\"]}", version);
}


static void
ml_oip_tensors(ml_text_t *out, const char *name,
    const ml_tensor_spec_t *specs, size_t n)
{
    size_t    i;
    uint32_t  d;

    ml_text_printf(out, ",\"%s\":[", name);

    for (i = 0; i < n; i++) {
        ml_text_printf(out, "%s{\"name\":", i ? "," : "");
        ml_text_json_string(out, specs[i].name, strlen(specs[i].name));
        ml_text_printf(out, ",\"datatype\":\"%s\",\"shape\":[",
                       ml_oip_datatype(specs[i].dtype));

        for (d = 0; d < specs[i].rank; d++) {
            ml_text_printf(out, "%s%lld", d ? "," : "",
                           (long long) specs[i].dims[d]);
        }

        ml_text_append(out, "]}", 2);
    }

    ml_text_append(out, "]", 1);
}


void
ml_oip_model_metadata(ml_text_t *out, const ml_oip_model_t *model)
{
    ml_text_printf(out, "{\"name\":");
    ml_text_json_string(out, model->name, strlen(model->name));
    ml_text_printf(out, ",\"versions\":[\"" ML_OIP_VERSION "\"],"
                   "\"platform\":\"ngx_ml_onnx\"");

    ml_oip_tensors(out, "inputs", model->inputs, model->ninputs);
    ml_oip_tensors(out, "outputs", model->outputs, model->noutputs);

    ml_text_append(out, "}", 1);
}


/* Dimensions without the batch, as its max_batch_size says. */
static void
ml_oip_config_tensors(ml_text_t *out, const char *name,
    const ml_tensor_spec_t *specs, size_t n, int batched)
{
    size_t    i;
    uint32_t  d;

    ml_text_printf(out, ",\"%s\":[", name);

    for (i = 0; i < n; i++) {
        ml_text_printf(out, "%s{\"name\":", i ? "," : "");
        ml_text_json_string(out, specs[i].name, strlen(specs[i].name));
        ml_text_printf(out, ",\"data_type\":\"TYPE_%s\",\"dims\":[",
                       ml_oip_datatype(specs[i].dtype));

        for (d = batched ? 1 : 0; d < specs[i].rank; d++) {
            ml_text_printf(out, "%s%lld", d > (batched ? 1 : 0) ? "," : "",
                           (long long) specs[i].dims[d]);
        }

        ml_text_append(out, "]}", 2);
    }

    ml_text_append(out, "]", 1);
}


void
ml_oip_model_config(ml_text_t *out, const ml_oip_model_t *model)
{
    ml_text_printf(out, "{\"name\":");
    ml_text_json_string(out, model->name, strlen(model->name));
    ml_text_printf(out, ",\"platform\":\"ngx_ml_onnx\",\"backend\":\"ngx_ml\","
                   "\"max_batch_size\":%lld", (long long) model->batch);

    ml_oip_config_tensors(out, "input", model->inputs, model->ninputs,
                          model->batch > 0);
    ml_oip_config_tensors(out, "output", model->outputs, model->noutputs,
                          model->batch > 0);

    ml_text_append(out, "}", 1);
}


/* The place of the request's i-th output among the model's, or -1. */
static int64_t
ml_oip_output(const ml_oip_request_t *request, size_t i,
    const ml_oip_model_t *model)
{
    size_t  j;

    if (request->noutputs == 0) {
        return (int64_t) i;
    }

    for (j = 0; j < model->noutputs; j++) {
        if (strcmp(request->outputs[i].name, model->outputs[j].name) == 0) {
            return (int64_t) j;
        }
    }

    return -1;
}


const char *
ml_oip_unknown_output(const ml_oip_request_t *request,
    const ml_oip_model_t *model)
{
    size_t  i;

    for (i = 0; i < request->noutputs; i++) {
        if (ml_oip_output(request, i, model) < 0) {
            return request->outputs[i].name;
        }
    }

    return NULL;
}


static size_t
ml_oip_elements(const ml_tensor_spec_t *spec, int64_t rows)
{
    size_t    elements;
    uint32_t  d;

    for (d = 0, elements = 1; d < spec->rank; d++) {
        elements *= (size_t) (spec->dims[d] == -1 ? rows : spec->dims[d]);
    }

    return elements;
}


static int
ml_oip_binary(const ml_oip_request_t *request, size_t i)
{
    return request->noutputs ? request->outputs[i].binary : request->binary;
}


size_t
ml_oip_answer(ml_text_t *out, const ml_oip_request_t *request,
    const ml_oip_model_t *model, void *const *data, int64_t rows)
{
    size_t                   i, n, begin, json, elements;
    int64_t                  j;
    uint32_t                 d;
    const ml_tensor_spec_t  *spec;

    begin = out->len;
    json = 0;
    n = request->noutputs ? request->noutputs : model->noutputs;

    ml_text_printf(out, "{\"model_name\":");
    ml_text_json_string(out, model->name, strlen(model->name));
    ml_text_printf(out, ",\"model_version\":\"" ML_OIP_VERSION "\"");

    if (request->id) {
        ml_text_printf(out, ",\"id\":");
        ml_text_json_string(out, request->id, request->id_len);
    }

    ml_text_printf(out, ",\"outputs\":[");

    for (i = 0; i < n; i++) {
        j = ml_oip_output(request, i, model);
        spec = &model->outputs[j];
        elements = ml_oip_elements(spec, rows);

        ml_text_printf(out, "%s{\"name\":", i ? "," : "");
        ml_text_json_string(out, spec->name, strlen(spec->name));
        ml_text_printf(out, ",\"datatype\":\"%s\",\"shape\":[",
                       ml_oip_datatype(spec->dtype));

        for (d = 0; d < spec->rank; d++) {
            ml_text_printf(out, "%s%lld", d ? "," : "",
                           (long long) (spec->dims[d] == -1 ? rows
                                                            : spec->dims[d]));
        }

        if (ml_oip_binary(request, i)) {
            ml_text_printf(out, "],\"parameters\":{\"binary_data_size\":%zu}}",
                           elements * ml_dtype_size(spec->dtype));
            json = 1;

        } else {
            ml_text_printf(out, "],\"data\":");
            ml_response_elements(out, spec->dtype, data[j], elements);
            ml_text_append(out, "}", 1);
        }
    }

    ml_text_append(out, "]}", 2);

    if (json == 0) {
        return 0;
    }

    json = out->len - begin;

    for (i = 0; i < n; i++) {
        if (ml_oip_binary(request, i)) {
            j = ml_oip_output(request, i, model);
            spec = &model->outputs[j];

            ml_text_append(out, data[j], ml_oip_elements(spec, rows)
                                         * ml_dtype_size(spec->dtype));
        }
    }

    return json;
}
