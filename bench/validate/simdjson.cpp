/* simdjson on demand doing what the validator does; see numbers.h. */

#include <simdjson.h>

#include "numbers.h"

using namespace simdjson;


static ondemand::parser  parser;


template <typename T, typename Get> static size_t
numbers(ondemand::array array, double low, double high, void *to, size_t n,
    Get get)
{
    size_t  i = 0;
    T      *out = static_cast<T *>(to);

    for (auto value : array) {
        auto  x = get(value);

        if (i == n || !((double) (T) x >= low && (double) (T) x <= high)) {
            return 0;
        }

        out[i++] = (T) x;
    }

    return i;
}


extern "C" size_t
simdjson_numbers(numbers_e type, const char *text, size_t len,
    size_t capacity, double low, double high, void *to, size_t n)
{
    auto  document = parser.iterate(text, len, capacity);
    auto  array = document.get_array().value();

    switch (type) {

    case NUMBERS_F32:
        return numbers<float>(array, low, high, to, n, [](auto v) {
            return v.get_double().value();
        });

    case NUMBERS_F64:
        return numbers<double>(array, low, high, to, n, [](auto v) {
            return v.get_double().value();
        });

    case NUMBERS_U8:
        return numbers<uint8_t>(array, low, high, to, n, [](auto v) {
            return v.get_uint64().value();
        });

    default:
        return numbers<int64_t>(array, low, high, to, n, [](auto v) {
            return v.get_int64().value();
        });
    }
}


extern "C" size_t
simdjson_padding(void)
{
    return SIMDJSON_PADDING;
}
