/* link: -lm */

#include <math.h>
#include <stdlib.h>

#include "ml_fault_script.c"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


/* Whatever is accepted says what it does; whatever is not, why. */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                error[128];
    char               *text;
    size_t              i;
    ml_fault_line_t    *line;
    ml_fault_script_t   script;

    text = malloc(size + 1);

    if (text == NULL) {
        return 0;
    }

    memcpy(text, data, size);
    text[size] = '\0';
    error[0] = '\0';

    if (ml_fault_script_parse(&script, text, error, sizeof(error)) != 0) {
        if (error[0] == '\0') {
            abort();
        }

        free(text);
        return 0;
    }

    if (script.n > ML_FAULT_LINES) {
        abort();
    }

    for (i = 0; i < script.n; i++) {
        line = &script.lines[i];

        if (line->point >= ML_FAULT_POINTS || line->action > ML_FAULT_CRASH
            || line->element < -1 || line->delay_element < -1
            || line->delay_ns > (uint64_t) 1000000000 * 1000000000)
        {
            abort();
        }
    }

    free(text);

    return 0;
}
