/*
 * Numbers straight into tensors: every kernel gives what the reader alone
 * would, bit for bit, and the quick division of decimals what strtod() does.
 */

/* link: -lm -lpcre2-8 */

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "validator.h"


static uint64_t  state = 0x9e3779b97f4a7c15;


/* xorshift64* (Vigna, 2016) */
static uint64_t
any(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;

    return state * 0x2545f4914f6cdd1d;
}


/* A number in one of the ways in which people and programs write them. */
static int
number(char *to)
{
    int       n, k;
    float     single;
    double    value;
    uint32_t  image;
    uint64_t  r;

    r = any();

    switch (r % 12) {

    case 0:
        return sprintf(to, "%d", (int) (any() % 256));

    case 1:
        return sprintf(to, "%d", (int) (any() % 150000));

    case 2:
        return sprintf(to, "%lld", (long long) any() >> (any() % 64));

    case 3:
        image = (uint32_t) any();
        image = (image & 0x807fffff) | (100 + (uint32_t) (any() % 40)) << 23;
        memcpy(&single, &image, 4);
        return sprintf(to, "%.9g", (double) single);

    case 4:
        return sprintf(to, "%.*f", (int) (any() % 20),
                       (double) (int64_t) any() / 9e18);

    case 5:
        value = (double) (int64_t) any() / 9e18;
        return sprintf(to, "%.17g", value);

    case 6:
        return sprintf(to, "%.*g", 1 + (int) (any() % 17),
                       (double) (int64_t) any() / 1e15);

    case 7:
        return sprintf(to, "%llu.%llu", (unsigned long long) any() % 10000000,
                       (unsigned long long) any() >> (any() % 50));

    case 8:
        return sprintf(to, "%.15e", (double) (int64_t) any());

    case 9:

        /* digits, and a point somewhere */

        n = 1 + (int) (any() % 22);

        for (k = 0; k < n; k++) {
            to[k] = (char) ('0' + (any() % 4 ? any() % 10 : 0));
        }

        k = (int) (any() % 25);

        if (k > 0 && k < n - 1) {
            to[k] = '.';
        }

        if (to[0] == '0' && n > 1 && to[1] != '.') {
            to[0] = '1';
        }

        to[n] = '\0';

        return n;

    case 10:

        /* near the middle of two doubles: 2^53 + 1 and its like */

        return sprintf(to, "%llu.%0*d",
                       (unsigned long long) ((1ull << 53) + any() % 1000),
                       1 + (int) (any() % 3), 5);

    default:
        return sprintf(to, "-0.%0*llu", (int) (any() % 15),
                       (unsigned long long) any() % 1000000);
    }
}


/* A kernel that takes nothing: everything is the reader's. */

static size_t
none_reals(const char **p, const char *end, uint32_t limit, double *values,
    size_t n)
{
    return 0;
}


static size_t
none_wholes(const char **p, const char *end, uint32_t limit, int64_t *values,
    size_t n)
{
    return 0;
}


/* A body of many numbers: all kernels, cut anywhere, say the same. */
static void
compare(const char *tensor, const char *body, size_t len)
{
    char                schema_text[300];
    size_t              k, cut, i, n, differ;
    uint32_t            count;
    ml_schema_t        *schema;
    ml_tensor_t        *tensors, *wanted;
    ml_validator_t     *v, *plain;
    ml_body_status_e    status, want;

    static const ml_json_limits_t  large = {
        32, 1000, 100000, 64, 1 << 30
    };
    static const ml_pack_kernel_t  none = {
        "none", NULL, none_reals, none_wholes
    };
    static const size_t            cuts[] = { 0, 1, 7, 64, 1000, 4099 };

    snprintf(schema_text, sizeof(schema_text), "{\"x-tensor\":%s}", tensor);
    schema = compile(schema_text);

    /* what the reader says alone */

    plain = ml_validator_create(schema, &large, 65536, seed, NULL, 1);
    plain->sink.kernel = &none;

    for (i = 0; i < len; i++) {
        (void) ml_validator_feed(plain, body + i, 1);
    }

    want = ml_validator_finish(plain);
    differ = 0;

    for (k = 0; k < ML_PACK_KERNELS; k++) {

        if (!ml_pack_kernels[k]->usable()) {
            continue;
        }

        for (cut = 0; cut < sizeof(cuts) / sizeof(cuts[0]); cut++) {
            v = ml_validator_create(schema, &large, 65536, seed, NULL, 1);
            v->sink.kernel = ml_pack_kernels[k];

            for (i = 0; i < len; i += n) {
                n = cuts[cut] && cuts[cut] < len - i ? cuts[cut] : len - i;
                (void) ml_validator_feed(v, body + i, n);
            }

            status = ml_validator_finish(v);
            differ += status != want;

            if (status == ML_BODY_PASSED && want == ML_BODY_PASSED) {
                tensors = ml_validator_tensors(v, &count);
                wanted = ml_validator_tensors(plain, &count);
                differ += tensors[0].bytes != wanted[0].bytes
                          || memcmp(tensors[0].data, wanted[0].data,
                                    tensors[0].bytes) != 0;

            } else if (status == ML_BODY_REJECTED
                       && want == ML_BODY_REJECTED)
            {
                differ += strcmp(ml_validator_error(v)->msg,
                                 ml_validator_error(plain)->msg) != 0
                          || ml_validator_error(v)->npath
                             != ml_validator_error(plain)->npath
                          || (ml_validator_error(v)->npath
                              && ml_validator_error(v)->path[0].index
                                 != ml_validator_error(plain)->path[0].index);
            }

            ml_validator_destroy(v);
        }
    }

    CHECK_INT(differ, 0);
    ml_validator_destroy(plain);
    ml_schema_destroy(schema);
}


static const char *const  tensors[] = {
    "{\"input\":\"x\",\"dtype\":\"float32\",\"shape\":[-1],"
        "\"maxItems\":100000}",
    "{\"input\":\"x\",\"dtype\":\"float64\",\"shape\":[-1],"
        "\"maxItems\":100000}",
    "{\"input\":\"x\",\"dtype\":\"float16\",\"shape\":[-1],"
        "\"maxItems\":100000}",
    "{\"input\":\"x\",\"dtype\":\"bfloat16\",\"shape\":[-1],"
        "\"maxItems\":100000}",
    "{\"input\":\"x\",\"dtype\":\"int64\",\"shape\":[-1],"
        "\"maxItems\":100000}",
    "{\"input\":\"x\",\"dtype\":\"uint8\",\"shape\":[-1],"
        "\"maxItems\":100000}",
    "{\"input\":\"x\",\"dtype\":\"int16\",\"shape\":[-1],"
        "\"maxItems\":100000,\"minimum\":-5,\"maximum\":300}",
    "{\"input\":\"x\",\"dtype\":\"uint32\",\"shape\":[-1],"
        "\"maxItems\":100}",
    "{\"input\":\"x\",\"dtype\":\"float32\",\"shape\":[-1],"
        "\"maxItems\":100000,\"minimum\":-1,\"maximum\":1}"
};

#define TENSORS  (sizeof(tensors) / sizeof(tensors[0]))


/* Bodies of one kind of number, so that most pass, and of all of them. */
static void
test_bodies(void)
{
    int     kind, round;
    char    text[64];
    char   *body;
    size_t  i, n, len;

    static const char *const  between[] = { ",", ", ", " ,", ",\n", ",  " };

    body = malloc(40 * 3000);

    for (round = 0; round < 60; round++) {
        kind = round % 6;
        n = 1 + any() % 2000;
        len = (size_t) sprintf(body, "[");

        for (i = 0; i < n; i++) {

            switch (kind) {

            case 0:
                sprintf(text, "%d", (int) (any() % 256));
                break;

            case 1:
                sprintf(text, "%d", (int) (any() % 150000));
                break;

            case 2:
                sprintf(text, "%.9g", (double) (float)
                        ((double) (int64_t) any() / 9.3e18));
                break;

            case 3:
                sprintf(text, "%.17g", (double) (int64_t) any() / 9.3e18);
                break;

            case 4:
                sprintf(text, "%.*f", (int) (any() % 7),
                        (double) (int64_t) any() / 1e17);
                break;

            default:
                (void) number(text);
            }

            if (kind < 5 && any() % 4000 == 0) {
                (void) number(text);
            }

            len += (size_t) sprintf(body + len, "%s%s", i
                                    ? between[any() % 50
                                              ? (uint64_t) round % 2
                                              : any() % 5] : "",
                                    text);
        }

        len += (size_t) sprintf(body + len, "]");

        for (i = 0; i < TENSORS; i++) {
            compare(tensors[i], body, len);
        }
    }

    free(body);
}


/* What is no number, in the middle of numbers. */
static void
test_broken(void)
{
    char    body[400];
    size_t  i, t;

    static const char *const  broken[] = {
        "01", "00", "-", "1.", ".5", "-.5", "1.2.3", "1..2", "+1", "1e",
        "1e5", "1E+2", "--1", "-01", "0x1", "1_0", "", " ", "a", "\"1\"",
        "null", "true", "[1]", "{}", "NaN", "1.5.", "123456789012345678901",
        "0.12345678901234567890123", "12345678901234567.5",
        "1234567890123456.75", "1234567890.123456789", "-0", "-0.0", "0.0",
        "999999999999999999", "9999999999999999999", "99999999999999999999",
        "0.000000000000000001", "100000000000000000.1", "1 2", "1;2",
        "0.00012345678901234567", "0.0000012345678901234567",
        "0.00000000000000000012345", "0.000000000000000000001234567",
        "0.0000000000000000000000", "0.00000000000000000000000",
        "0.0000000000000000000001", "18439999999999999999.1",
        "1843.9999999999999999", "1844.9999999999999999",
        "1.234567890123456789",
        "123456789012.34567890", "1234567890123.4567890123",
        "0.1234567890123456", "0.123456789012345", "12.12345678901234",
        "255", "256", "-1", "65504", "65520", "3.4028235e38", "1e39"
    };

    for (i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
        for (t = 0; t < TENSORS; t++) {
            sprintf(body, "[1,2,3,%s,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,"
                    "19,20,21,22,23,24,25,26,27,28,29,30,31,32,33]",
                    broken[i]);
            compare(tensors[t], body, strlen(body));

            sprintf(body, "[%s, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,"
                    " 17, 18, 19, 20, 21, 22, 23, 24, 25, 26]", broken[i]);
            compare(tensors[t], body, strlen(body));
        }
    }
}


/* Whether a kernel, which the reader helps over what is not plain, sees other
 * values in a hundred numbers than the scan of each. */
static int
differs(const ml_pack_kernel_t *kernel, const char **from,
    const size_t *lens, const char *end, size_t *taken)
{
    double        values[100];
    size_t        i, k, n;
    int64_t       wholes[100];
    const char   *p;
    ml_number_t   scanned;

    for (i = 0; i < 100; i += n + 1) {
        p = from[i];
        n = kernel->reals(&p, end, 64, values, 100 - i);
        *taken += n;

        for (k = 0; k < n; k++) {
            (void) ml_number_scan(from[i + k], from[i + k] + lens[i + k],
                                  &scanned);

            if (memcmp(&values[k], &scanned.value, sizeof(double)) != 0) {
                fprintf(stderr, "%s: %.*s\n", kernel->name,
                        (int) lens[i + k], from[i + k]);
                return 1;
            }
        }

        if (i + n < 100 && p != from[i + n]) {
            fprintf(stderr, "%s: %.*s: stopped elsewhere\n", kernel->name,
                    (int) lens[i + n], from[i + n]);
            return 1;
        }
    }

    for (i = 0; i < 100; i += n + 1) {
        p = from[i];
        n = kernel->wholes(&p, end, 64, wholes, 100 - i);

        for (k = 0; k < n; k++) {
            (void) ml_number_scan(from[i + k], from[i + k] + lens[i + k],
                                  &scanned);

            if (scanned.exponent != 0
                || (double) wholes[k] != scanned.value
                || (uint64_t) llabs(wholes[k]) != scanned.mantissa)
            {
                fprintf(stderr, "%s: %.*s, whole\n", kernel->name,
                        (int) lens[i + k], from[i + k]);
                return 1;
            }
        }
    }

    return 0;
}


/*
 * Ten million numbers, a hundred behind each other: what the kernels take of
 * them, and the scan itself against strtod().
 */
static void
test_values(void)
{
    char         *text, *last;
    double        want;
    size_t        round, i, k, differ, taken, lens[100];
    const char   *from[100];
    ml_number_t   scanned;

    static const size_t  rounds = 100000;

    text = malloc(100 * 64 + 100);
    differ = 0;
    taken = 0;

    for (round = 0; round < rounds && differ == 0; round++) {
        last = text;

        for (i = 0; i < 100; i++) {
            from[i] = last;
            lens[i] = (size_t) number(last);
            last += lens[i];
            *last++ = ',';

            if (round % 3 == 0) {
                *last++ = ' ';
            }
        }

        memset(last, '1', 100);

        /* strtod() of all would take minutes */

        i = round % 100;
        (void) ml_number_scan(from[i], from[i] + lens[i], &scanned);
        want = strtod(from[i], NULL);
        differ += memcmp(&want, &scanned.value, sizeof(double)) != 0;

        for (k = 0; k < ML_PACK_KERNELS; k++) {
            differ += ml_pack_kernels[k]->usable()
                      && differs(ml_pack_kernels[k], from, lens, last + 100,
                                 &taken);
        }
    }

    CHECK_INT(differ, 0);

    /* most are plain enough */

    CHECK(taken > 40 * rounds);
    free(text);
}


static void
test_divide(void)
{
    char      text[64];
    double    value, want;
    size_t    i, differ;
    unsigned  power;
    uint64_t  mantissa;

    differ = 0;

    for (i = 0; i < 3000000; i++) {
        mantissa = any() >> (any() % 64);
        power = (unsigned) (any() % 28);

        if (i % 4 == 0) {

            /* close to the middle of two doubles */
            mantissa = ((any() >> 11) | (1ull << 52)) << 1 | 1;
        }

        mantissa += mantissa == 0;
        value = ml_number_divide(mantissa, power);
        sprintf(text, "%llue-%u", (unsigned long long) mantissa, power);
        want = strtod(text, NULL);

        if (memcmp(&value, &want, sizeof(double)) != 0) {
            fprintf(stderr, "%s: %a, not %a\n", text, value, want);
            differ++;
            break;
        }
    }

    CHECK_INT(differ, 0);
}


/* The limit of characters is the reader's. */
static void
test_limit(void)
{
    char         text[400];
    size_t       i, k, len;
    double       values[100];
    const char  *p;
    size_t     (*reals)(const char **p, const char *end, uint32_t limit,
                    double *values, size_t n);

    for (len = 0, i = 0; i < 20; i++) {
        len += (size_t) sprintf(text + len, "-12.345,");
    }

    len += (size_t) sprintf(text + len, "-12.3456,");
    memset(text + len, '1', 100);

    for (k = 0; k < ML_PACK_KERNELS; k++) {
        reals = ml_pack_kernels[k]->reals;

        if (!ml_pack_kernels[k]->usable()) {
            continue;
        }

        p = text;
        CHECK_INT(reals(&p, text + len + 100, 6, values, 100), 0);
        CHECK(p == text);
        CHECK_INT(reals(&p, text + len + 100, 7, values, 100), 20);
        CHECK(p == text + 160);
        CHECK(values[19] == -12.345);
        p = text;
        CHECK_INT(reals(&p, text + len + 100, 8, values, 100), 21);
        p = text;
        CHECK_INT(reals(&p, text + len + 100, 8, values, 13), 13);
        CHECK(p == text + 104);
    }
}


/*
 * Between two pages that may not be read, at either end of what is between
 * them; no more than is asked for is written, and a number is only taken when
 * the next one can be seen to begin.
 */
static void
test_guard(void)
{
    char         *pages, *from;
    size_t        page, len, most, k, i, n;
    double        values[64];
    int64_t       wholes[64];
    const char   *p, *end, *again;

    static const char *const  texts[] = {
        "1.5,-23.25,0.125,4,5.75,-6.5,700.25,8,9.5,10.125,", "1,-20,300,7,",
        "12345678901234.567,0.12345678901234567,-1e5,"
    };

    page = (size_t) sysconf(_SC_PAGESIZE);
    pages = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                 0);
    CHECK_INT(mprotect(pages + page, page, PROT_READ | PROT_WRITE), 0);

    for (k = 0; k < ML_PACK_KERNELS * 3 * 2 * 2; k++) {
        const char              *text = texts[k % 3];
        const ml_pack_kernel_t  *kernel = ml_pack_kernels[k / 12];

        for (len = 1; len < 300 && kernel->usable(); len++) {
            from = k / 3 % 2 ? pages + 2 * page - len : pages + page;

            for (i = 0; i < len; i++) {
                from[i] = text[i % strlen(text)];
            }

            most = len % 60 + 1;
            memset(values, 0xff, sizeof(values));
            memset(wholes, 0xff, sizeof(wholes));
            p = from;
            end = from + len;

            n = k / 6 % 2
                ? kernel->reals(&p, end, 64, values, most)
                : kernel->wholes(&p, end, 64, wholes, most);

            CHECK(n <= most && p < end && (n ? p[-1] == ',' : p == from));

            for (i = most; i < 64; i++) {
                CHECK(isnan(values[i]) && wholes[i] == -1);
            }

            /* of fewer it takes the same ones */

            again = from;
            i = k / 6 % 2
                ? kernel->reals(&again, end, 64, values, n)
                : kernel->wholes(&again, end, 64, wholes, n);
            CHECK(i == n && again == p);
        }
    }

    (void) munmap(pages, 3 * page);
}


int
main(void)
{
    test_limit();
    test_guard();
    test_broken();
    test_bodies();
    test_divide();
    test_values();

    return TEST_END;
}
