/* Rules for text and what they need, in one unit, for tests. */

#ifndef TEST_RULES_H
#define TEST_RULES_H

#include "ml_text.c"
#include "ml_confusables.c"
#include "ml_fold.c"
#include "ml_rules.c"
#include "ml_scan.c"


#endif /* TEST_RULES_H */
