/* The schema keyword x-image; see ml_schema.h. */

#include <string.h>

#include "ml_schema_compiler.h"


static int
ml_schema_image_types(ml_schema_compiler_t *c, ml_image_rule_t *rule,
    uint32_t i)
{
    size_t       type;
    uint32_t     k, end;
    ml_tape_t   *tape;
    const char  *name;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_ARRAY || tape->nodes[i].size == 0) {
        return ml_schema_fail(c, i, "value is not an array with members");
    }

    rule->types = 0;
    end = ml_tape_next(tape, i);

    for (k = i + 1; k < end; k = ml_tape_next(tape, k)) {

        for (type = 0; type < ML_IMAGE_TYPES; type++) {
            name = ml_image_media_type((ml_image_type_e) type)
                   + sizeof("image/") - 1;

            if (tape->nodes[k].type == ML_TAPE_STRING
                && tape->nodes[k].size == strlen(name)
                && memcmp(ml_tape_text(tape, k), name, strlen(name)) == 0)
            {
                break;
            }
        }

        if (type == ML_IMAGE_TYPES) {
            return ml_schema_fail(c, k, "unknown type of image");
        }

        rule->types |= 1u << type;
    }

    return 1;
}


static int
ml_schema_image_member(ml_schema_compiler_t *c, ml_image_rule_t *rule,
    const ml_schema_name_t *name, uint32_t i)
{
    uint64_t   value;
    ml_tape_e  type;

    if (name->len == 5 && memcmp(name->name, "types", 5) == 0) {
        return ml_schema_image_types(c, rule, i);
    }

    if (name->len == 5 && memcmp(name->name, "links", 5) == 0) {
        type = c->document->tape.nodes[i].type;
        rule->links = type == ML_TAPE_TRUE;

        return type == ML_TAPE_TRUE || type == ML_TAPE_FALSE
               ? 1 : ml_schema_fail(c, i, "value is neither true nor false");
    }

    if (name->len != 6
        || (memcmp(name->name, "pixels", 6) != 0
            && memcmp(name->name, "frames", 6) != 0))
    {
        return ml_schema_fail(c, i, "unknown keyword \"%.*s\"",
                              name->len > 64 ? 64 : (int) name->len,
                              name->name);
    }

    if (!ml_schema_whole(c, i, &value)) {
        return 0;
    }

    if (value == 0 || (name->name[0] == 'f' && value > INT32_MAX)) {
        return ml_schema_fail(c, i, "value is out of range");
    }

    if (name->name[0] == 'p') {
        rule->limits.pixels = value;

    } else {
        rule->limits.frames = (uint32_t) value;
    }

    return 1;
}


int
ml_schema_image(ml_schema_compiler_t *c, ml_schema_node_t *node, uint32_t i)
{
    uint32_t          key, end;
    ml_tape_t        *tape;
    ml_image_rule_t  *rule;
    ml_schema_name_t  name;

    tape = &c->document->tape;

    if (tape->nodes[i].type != ML_TAPE_OBJECT) {
        return ml_schema_fail(c, i, "value is not an object");
    }

    rule = ml_schema_alloc(c, 1, sizeof(ml_image_rule_t));

    if (rule == NULL) {
        return 0;
    }

    rule->types = (1u << ML_IMAGE_TYPES) - 1;
    rule->limits.pixels = ML_SCHEMA_PIXELS;
    rule->limits.frames = 1;
    end = ml_tape_next(tape, i);

    for (key = i + 1; key < end; key = ml_tape_next(tape, key + 1)) {
        ml_schema_name(c, key, &name);

        if (!ml_schema_image_member(c, rule, &name, key + 1)) {
            return 0;
        }
    }

    node->image = rule;

    return 1;
}
