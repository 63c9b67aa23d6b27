/* What a script of faults may say, and what it may not. */

#include "test.h"

#include "ml_fault_script.c"


static char               why[128];
static ml_fault_script_t  script;


static int
parses(const char *text)
{
    why[0] = '\0';

    return ml_fault_script_parse(&script, text, why, sizeof(why)) == 0;
}


static void
test_lines(void)
{
    CHECK(parses(""));
    CHECK_INT(script.n, 0);
    CHECK(parses("\n # nothing\n\t\r\n"));
    CHECK_INT(script.n, 0);

    CHECK(parses("probe error\nload nth=2 memory\nplan hang # for ever\n"
                 "run x[3]=-1.5 nth=7 lost\ndone crash"));
    CHECK_INT(script.n, 5);
    CHECK_INT(script.lines[0].point, ML_FAULT_PROBE);
    CHECK_INT(script.lines[0].action, ML_FAULT_ERROR);
    CHECK_INT(script.lines[0].nth, 0);
    CHECK_INT(script.lines[0].element, -1);
    CHECK_INT(script.lines[1].action, ML_FAULT_MEMORY);
    CHECK_INT(script.lines[1].nth, 2);
    CHECK_INT(script.lines[2].action, ML_FAULT_HANG);
    CHECK_INT(script.lines[3].point, ML_FAULT_RUN);
    CHECK_INT(script.lines[3].element, 3);
    CHECK(script.lines[3].value == -1.5f);
    CHECK_INT(script.lines[3].nth, 7);
    CHECK_INT(script.lines[4].point, ML_FAULT_DONE);
    CHECK_INT(script.lines[4].action, ML_FAULT_CRASH);

    CHECK(parses("run delay 5us\nrun delay 1.5ms\nrun delay 2s\n"
                 "run delay x[4]"));
    CHECK_INT(script.lines[0].delay_ns, 5000);
    CHECK_INT(script.lines[1].delay_ns, 1500000);
    CHECK_INT(script.lines[2].delay_ns, 2000000000);
    CHECK_INT(script.lines[2].delay_element, -1);
    CHECK_INT(script.lines[3].delay_element, 4);
}


static void
test_mistakes(void)
{
    size_t  i;
    char    many[ML_FAULT_LINES * 10 + 16];

    static const char *const  wrong[] = {
        "run", "run now", "walk error", "run error twice", "run delay",
        "run delay 5", "run delay 5m", "run delay -1s", "run delay nans",
        "run delay 1e10s", "run delay x[0]s", "run delay x[", "run nth= error",
        "run nth=0 error", "run nth=1x error", "run x[0] error",
        "run x[]=1 error", "run x[-1]=1 error", "run x[1000001]=1 error",
        "run x[0]= error", "run x[0]=1y error", "run x0=1 error",
        "run aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    };

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        CHECK(!parses(wrong[i]));
        CHECK(strncmp(why, "line 1 of the script", 20) == 0);
    }

    CHECK(!parses("run error\n\nrun delay\n"));
    CHECK_STR(why, "line 3 of the script: \"\" is not understood");
    CHECK(!parses("run error\nrun sleep 5s\n"));
    CHECK_STR(why, "line 2 of the script: \"sleep\" is not understood");

    /* as many lines as there may be, and one more */

    many[0] = '\0';

    for (i = 0; i < ML_FAULT_LINES; i++) {
        strcat(many, "run error\n");
    }

    CHECK(parses(many));
    CHECK_INT(script.n, ML_FAULT_LINES);
    strcat(many, "run error\n");
    CHECK(!parses(many));
}


int
main(void)
{
    test_lines();
    test_mistakes();

    return TEST_END;
}
