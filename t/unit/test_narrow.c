/*
 * The floating types of 16 bits, exhaustively: every value reads back, what
 * lies between two goes to the nearer, and from the middle to the even one.
 */

/* link: -lm */

#include "ml_tensor.c"
#include "ml_number.c"
#include "ml_narrow.c"

#include "test.h"


static void
test_type(ml_dtype_e dtype)
{
    double                    a, b, middle;
    size_t                    wrong;
    uint32_t                  bits;
    uint16_t                  infinity;
    const ml_narrow_small_t  *type;

    type = ml_narrow_type(dtype);
    infinity = ml_narrow_infinity(type);
    wrong = 0;

    for (bits = 0; bits < infinity; bits++) {
        a = ml_narrow_from_small(type, (uint16_t) bits);
        b = bits + 1 < infinity
            ? ml_narrow_from_small(type, (uint16_t) (bits + 1))
            : ldexp(1, type->bias + 1);
        middle = (a + b) / 2;

        wrong += !(a < b);
        wrong += ml_narrow_to_small(type, a) != bits;
        wrong += ml_narrow_to_small(type, -a) != (bits | 0x8000);
        wrong += ml_narrow_to_small(type, nextafter(middle, a)) != bits;
        wrong += ml_narrow_to_small(type, nextafter(middle, b)) != bits + 1;
        wrong += ml_narrow_to_small(type, middle) != bits + (bits & 1);
        wrong += ml_narrow_to_small(type, -middle)
                 != ((bits + (bits & 1)) | 0x8000);
    }

    CHECK_INT(wrong, 0);
    CHECK(isinf(ml_narrow_from_small(type, infinity)));
    CHECK(isnan(ml_narrow_from_small(type, infinity | 1)));
    CHECK(isnan(ml_narrow_from_small(type, 0xffff)));
    CHECK_INT(ml_narrow_to_small(type, 1e300), infinity);
    CHECK_INT(ml_narrow_to_small(type, 1e-300), 0);
    CHECK_INT(ml_narrow_to_small(type, 5e-324), 0);
}


/* What the upper half of a float32 is, where nothing has to be rounded. */
static void
test_brain(void)
{
    float     single;
    uint32_t  image, high;
    size_t    wrong;

    wrong = 0;

    for (high = 0; high < 0x7f80; high++) {
        image = high << 16;
        memcpy(&single, &image, sizeof(float));
        wrong += ml_narrow_from_small(&ml_narrow_brain, (uint16_t) high)
                 != (double) single;
    }

    CHECK_INT(wrong, 0);
}


static void
test_bounds(ml_dtype_e dtype, const char *most, const char *over)
{
    uint16_t             to[2];
    ml_number_t          numbers[2];
    ml_narrow_e          why;
    ml_narrow_bounds_t   bounds;

    ml_narrow_limits(dtype, &bounds);
    (void) ml_number_scan(most, most + strlen(most), &numbers[0]);
    (void) ml_number_scan(over, over + strlen(over), &numbers[1]);

    CHECK_INT(ml_narrow(dtype, &bounds, numbers, 2, to, &why), 1);
    CHECK_INT(why, ML_NARROW_FINITE);
    CHECK_INT(ml_narrow_reals(dtype, &bounds, &numbers[0].value, 1, to), 1);
    CHECK_INT(ml_narrow_reals(dtype, &bounds, &numbers[1].value, 1, to), 0);

    to[0] = ml_narrow_infinity(ml_narrow_type(dtype));
    CHECK_INT(ml_narrow_check_elements(dtype, &bounds, to, 1, &why), 0);
    CHECK_INT(why, ML_NARROW_FINITE);
    to[0]++;
    CHECK_INT(ml_narrow_check_elements(dtype, &bounds, to, 1, &why), 0);
    CHECK_INT(why, ML_NARROW_FINITE);
    to[0] -= 2;
    CHECK_INT(ml_narrow_check_elements(dtype, &bounds, to, 1, &why), 1);

    /* a bound is what the type makes of it */

    CHECK_INT(ml_narrow_set(dtype, &bounds, 1, &numbers[1]),
              ML_NARROW_FINITE);
    CHECK_INT(ml_narrow_set(dtype, &bounds, 0, &numbers[0]), ML_NARROW_OK);
}


int
main(void)
{
    test_type(ML_DTYPE_FLOAT16);
    test_type(ML_DTYPE_BFLOAT16);
    test_brain();
    test_bounds(ML_DTYPE_FLOAT16, "65519.99", "65520");
    test_bounds(ML_DTYPE_BFLOAT16, "3.39e38", "3.4e38");

    CHECK_INT(ml_dtype_parse("bfloat16", 8), ML_DTYPE_BFLOAT16);
    CHECK_INT(ml_dtype_size(ML_DTYPE_BFLOAT16), 2);

    return TEST_END;
}
