/*
 * The protobuf wire format, read in place: a cursor over bytes that it never
 * passes.  Source: protobuf.dev/programming-guides/encoding.
 */

#ifndef ML_WIRE_H
#define ML_WIRE_H

#include <stddef.h>
#include <stdint.h>


#define ML_WIRE_VARINT  0
#define ML_WIRE_64      1
#define ML_WIRE_BYTES   2
#define ML_WIRE_32      5

/* what ml_field_t.tag is for a field of this number and wire type */
#define ml_tag(number, type)  (((uint64_t) (number) << 3) | (type))


typedef struct {
    const uint8_t  *pos;
    const uint8_t  *end;
} ml_wire_t;


typedef struct {
    uint64_t        tag;
    uint64_t        value;          /* of a varint or fixed field */
    const uint8_t  *data;           /* of a length-delimited field */
    size_t          len;
} ml_field_t;


/* Starts reading the payload of a length-delimited field. */
void ml_wire_open(ml_wire_t *wire, const ml_field_t *field);

/* Returns 1 with the next field, 0 at the end, -1 when it makes no sense. */
int ml_wire_next(ml_wire_t *wire, ml_field_t *field);

/* One element of a packed field; 0, or -1 when it is cut or too long. */
int ml_wire_varint(ml_wire_t *wire, uint64_t *value);
int ml_wire_fixed(ml_wire_t *wire, size_t width, uint64_t *value);


#endif /* ML_WIRE_H */
