/*
 * Memory that is taken in pieces and given back at once, with a limit on the
 * whole: what an untrusted file makes the reader allocate stays bounded
 * whatever the file says.
 */

#ifndef ML_ARENA_H
#define ML_ARENA_H

#include <stddef.h>


typedef struct ml_arena_block_s  ml_arena_block_t;


typedef struct {
    ml_arena_block_t  *blocks;      /* newest first */
    size_t             used;        /* bytes asked for so far */
    size_t             limit;       /* what "used" may not pass */
} ml_arena_t;


void ml_arena_init(ml_arena_t *arena, size_t limit);

/*
 * n zeroed objects of the given size, aligned for any scalar type; never NULL
 * for zero objects.  NULL when the product overflows, the limit is passed or
 * memory is out; the arena stays usable.
 */
void *ml_arena_take(ml_arena_t *arena, size_t n, size_t size);

void ml_arena_free(ml_arena_t *arena);


#endif /* ML_ARENA_H */
