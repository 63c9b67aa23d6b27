/*
 * A test harness in one header: CHECK counts, TEST_END prints the totals and
 * is the exit status.
 */

#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <string.h>


static int  test_passed, test_failed;


#define CHECK(cond)                                                           \
    do {                                                                      \
        if (cond) {                                                           \
            test_passed++;                                                    \
                                                                              \
        } else {                                                              \
            test_failed++;                                                    \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__,        \
                    #cond);                                                   \
        }                                                                     \
    } while (0)


#define CHECK_INT(got, want)                                                  \
    do {                                                                      \
        long long  test_got = (long long) (got);                              \
        long long  test_want = (long long) (want);                            \
                                                                              \
        if (test_got == test_want) {                                          \
            test_passed++;                                                    \
                                                                              \
        } else {                                                              \
            test_failed++;                                                    \
            fprintf(stderr, "%s:%d: %s is %lld, not %lld\n", __FILE__,        \
                    __LINE__, #got, test_got, test_want);                     \
        }                                                                     \
    } while (0)


/* For NUL-terminated strings; NULL equals only NULL. */

#define CHECK_STR(got, want)                                                  \
    do {                                                                      \
        const char  *test_got = (got);                                        \
        const char  *test_want = (want);                                      \
                                                                              \
        if (test_got == test_want                                             \
            || (test_got && test_want && strcmp(test_got, test_want) == 0))   \
        {                                                                     \
            test_passed++;                                                    \
                                                                              \
        } else {                                                              \
            test_failed++;                                                    \
            fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__,    \
                    __LINE__, #got, test_got ? test_got : "(null)",           \
                    test_want ? test_want : "(null)");                        \
        }                                                                     \
    } while (0)


#define TEST_END                                                              \
    (printf("%d passed, %d failed\n", test_passed, test_failed),              \
     test_failed || !test_passed)


#endif /* TEST_H */
