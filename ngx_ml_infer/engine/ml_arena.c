/* Bounded allocation; see ml_arena.h. */

#include <stdlib.h>
#include <string.h>

#include "ml_arena.h"


#define ML_ARENA_BLOCK  16384
#define ML_ARENA_ALIGN  16


struct ml_arena_block_s {
    ml_arena_block_t  *next;
    size_t             size;        /* bytes of data */
    size_t             used;
    _Alignas(ML_ARENA_ALIGN) unsigned char  data[];
};


void
ml_arena_init(ml_arena_t *arena, size_t limit)
{
    arena->blocks = NULL;
    arena->used = 0;
    arena->limit = limit;
}


void *
ml_arena_take(ml_arena_t *arena, size_t n, size_t size)
{
    size_t             bytes;
    unsigned char     *p;
    ml_arena_block_t  *block;

    if (__builtin_mul_overflow(n, size, &bytes)
        || __builtin_add_overflow(bytes, ML_ARENA_ALIGN, &bytes))
    {
        return NULL;
    }

    /* the extra unit keeps empty objects distinct */
    bytes &= ~((size_t) ML_ARENA_ALIGN - 1);

    if (bytes > arena->limit - arena->used) {
        return NULL;
    }

    block = arena->blocks;

    if (block == NULL || bytes > block->size - block->used) {
        size = bytes > ML_ARENA_BLOCK ? bytes : ML_ARENA_BLOCK;

        block = calloc(1, sizeof(ml_arena_block_t) + size);
        if (block == NULL) {
            return NULL;
        }

        block->size = size;
        block->next = arena->blocks;
        arena->blocks = block;
    }

    p = block->data + block->used;
    block->used += bytes;
    arena->used += bytes;

    return p;
}


void
ml_arena_free(ml_arena_t *arena)
{
    ml_arena_block_t  *block, *next;

    for (block = arena->blocks; block != NULL; block = next) {
        next = block->next;
        free(block);
    }

    ml_arena_init(arena, arena->limit);
}
