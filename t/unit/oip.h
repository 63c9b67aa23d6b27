/* The reader of OIP bodies and what it needs, in one unit, for tests. */

#ifndef TEST_OIP_H
#define TEST_OIP_H

#include "schema.h"

#include "ml_error.c"
#include "ml_pack_scalar.c"
#include "ml_pack_avx2.c"
#include "ml_pack_avx512.c"
#include "ml_pack.c"
#include "ml_evaluate_value.c"
#include "ml_evaluate.c"
#include "ml_violation.c"
#include "ml_violation_failure.c"
#include "ml_sink.c"
#include "ml_raw.c"
#include "ml_oip.c"
#include "ml_oip_members.c"
#include "ml_oip_data.c"
#include "ml_oip_json.c"
#include "ml_oip_body.c"


#endif /* TEST_OIP_H */
