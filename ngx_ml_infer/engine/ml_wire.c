/* The protobuf wire format; see ml_wire.h. */

#include "ml_wire.h"


void
ml_wire_open(ml_wire_t *wire, const ml_field_t *field)
{
    wire->pos = field->data;
    wire->end = field->data + field->len;
}


int
ml_wire_varint(ml_wire_t *wire, uint64_t *value)
{
    uint8_t   c;
    uint64_t  v;
    unsigned  shift;

    v = 0;

    for (shift = 0; shift < 70; shift += 7) {

        if (wire->pos == wire->end) {
            return -1;
        }

        c = *wire->pos++;

        if (shift == 63 && c > 1) {
            return -1;
        }

        v |= (uint64_t) (c & 0x7f) << shift;

        if (c < 0x80) {
            *value = v;
            return 0;
        }
    }

    return -1;
}


int
ml_wire_fixed(ml_wire_t *wire, size_t width, uint64_t *value)
{
    size_t  i;

    if ((size_t) (wire->end - wire->pos) < width) {
        return -1;
    }

    *value = 0;

    for (i = 0; i < width; i++) {
        *value |= (uint64_t) *wire->pos++ << (8 * i);
    }

    return 0;
}


int
ml_wire_next(ml_wire_t *wire, ml_field_t *field)
{
    uint64_t  len;

    if (wire->pos == wire->end) {
        return 0;
    }

    if (ml_wire_varint(wire, &field->tag) != 0
        || field->tag > UINT32_MAX
        || field->tag >> 3 == 0)
    {
        return -1;
    }

    field->value = 0;
    field->data = NULL;
    field->len = 0;

    switch (field->tag & 7) {

    case ML_WIRE_VARINT:
        return ml_wire_varint(wire, &field->value) == 0 ? 1 : -1;

    case ML_WIRE_64:
        return ml_wire_fixed(wire, 8, &field->value) == 0 ? 1 : -1;

    case ML_WIRE_32:
        return ml_wire_fixed(wire, 4, &field->value) == 0 ? 1 : -1;

    case ML_WIRE_BYTES:
        if (ml_wire_varint(wire, &len) != 0
            || len > (uint64_t) (wire->end - wire->pos))
        {
            return -1;
        }

        field->data = wire->pos;
        field->len = (size_t) len;
        wire->pos += len;

        return 1;

    default:
        /* groups are in no version of the format */
        return -1;
    }
}
