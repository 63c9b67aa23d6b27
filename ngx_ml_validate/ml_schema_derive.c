/* A schema from a model's inputs; see ml_schema.h. */

#include <string.h>

#include "ml_schema.h"


/* How many rows of that tensor may come, so that none has too many elements.
 */
static uint64_t
ml_schema_derive_rows(const ml_tensor_spec_t *spec, uint64_t rows,
    uint64_t elements)
{
    uint32_t  i;

    for (i = 1; i < spec->rank && elements; i++) {
        elements /= spec->dims[i] > 0 ? (uint64_t) spec->dims[i] : 1;
    }

    return rows < elements ? rows : elements;
}


static void
ml_schema_derive_tensor(const ml_tensor_spec_t *spec, uint64_t rows,
    ml_text_t *out)
{
    uint32_t  i;

    ml_text_printf(out, "{\"x-tensor\":{\"input\":");
    ml_text_json_string(out, spec->name, strlen(spec->name));
    ml_text_printf(out, ",\"dtype\":\"%s\",\"shape\":[",
                   ml_dtype_name(spec->dtype));

    for (i = 0; i < spec->rank; i++) {
        ml_text_printf(out, "%s%ld", i ? "," : "", (long) spec->dims[i]);
    }

    ml_text_append(out, "]", 1);

    if (spec->rank && spec->dims[0] == -1) {
        ml_text_printf(out, ",\"maxItems\":%llu", (unsigned long long) rows);
    }

    ml_text_append(out, "}}", 2);
}


int
ml_schema_derive(const ml_tensor_spec_t *specs, size_t n, uint64_t rows,
    uint64_t elements, int whole, ml_text_t *out)
{
    size_t    i;
    uint64_t  most;

    for (i = 0, most = rows; i < n; i++) {
        most = ml_schema_derive_rows(&specs[i], most, elements);
    }

    if (most == 0 || n > ML_SCHEMA_TENSORS || (whole && n != 1)) {
        return -1;
    }

    if (whole) {
        ml_schema_derive_tensor(specs, most, out);
        return 0;
    }

    ml_text_printf(out, "{\"type\":\"object\",\"additionalProperties\":false,"
                   "\"required\":[");

    for (i = 0; i < n; i++) {
        ml_text_append(out, ",", i > 0);
        ml_text_json_string(out, specs[i].name, strlen(specs[i].name));
    }

    ml_text_printf(out, "],\"properties\":{");

    for (i = 0; i < n; i++) {
        ml_text_append(out, ",", i > 0);
        ml_text_json_string(out, specs[i].name, strlen(specs[i].name));
        ml_text_append(out, ":", 1);
        ml_schema_derive_tensor(&specs[i], most, out);
    }

    ml_text_append(out, "}}", 2);

    return 0;
}
