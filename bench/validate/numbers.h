/* What the two sides of the benchmark share. */

#ifndef NUMBERS_H
#define NUMBERS_H

#include <stddef.h>
#include <stdint.h>


#ifdef __cplusplus
extern "C" {
#endif


typedef enum {
    NUMBERS_F32 = 0,
    NUMBERS_F64,
    NUMBERS_U8,
    NUMBERS_I64
} numbers_e;


/*
 * simdjson on demand: the array in "text", which has SIMDJSON_PADDING bytes
 * behind it, to elements within bounds; how many, 0 when one is out of them.
 */
size_t simdjson_numbers(numbers_e type, const char *text, size_t len,
    size_t capacity, double low, double high, void *to, size_t n);

size_t simdjson_padding(void);


#ifdef __cplusplus
}
#endif


#endif /* NUMBERS_H */
