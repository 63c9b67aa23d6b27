/* The schema compiler, and what it needs, in one unit, for tests. */

#ifndef TEST_SCHEMA_H
#define TEST_SCHEMA_H

#include "ml_siphash.c"
#include "ml_tensor.c"
#include "ml_text.c"
#include "ml_number.c"
#include "ml_json_keys.c"
#include "ml_json_string.c"
#include "ml_json_number.c"
#include "ml_json.c"
#include "ml_tape.c"
#include "ml_tape_hash.c"
#include "ml_narrow.c"
#include "ml_pydantic.c"
#include "ml_uri.c"
#include "ml_pattern.c"
#include "ml_format.c"
#include "ml_image.c"
#include "ml_image_string.c"
#include "ml_schema.c"
#include "ml_schema_image.c"
#include "ml_schema_shape.c"
#include "ml_schema_meta.c"
#include "ml_schema_document.c"
#include "ml_schema_registry.c"
#include "ml_schema_applicators.c"
#include "ml_schema_keywords.c"
#include "ml_schema_link.c"
#include "ml_schema_tensor.c"
#include "ml_schema_derive.c"


#endif /* TEST_SCHEMA_H */
