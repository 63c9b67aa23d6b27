/*
 * The grammar of the numbers among sixty-four bytes, on one bit for each of
 * them; what the kernels of ml_pack.h share that see a block at once.
 *
 * Source of the idea to see structure as bits: G. Langdale and D. Lemire,
 * "Parsing gigabytes of JSON per second", 2019.
 */

#ifndef ML_PACK_BLOCK_H
#define ML_PACK_BLOCK_H

#include <stdint.h>


#define ML_PACK_BLOCK   64

/* Where a comma may be so that what begins behind it and a space is seen. */
#define ML_PACK_SEEN    (UINT64_MAX >> 2)

/* The most digits of a number, and what may stand before the last sixteen so
 * that all is below 2^64. */
#define ML_PACK_DIGITS  23
#define ML_PACK_HIGH    1843


/* What stands at each byte; a number begins at the first. */
typedef struct {
    uint64_t  commas;
    uint64_t  digits;
    uint64_t  points;
    uint64_t  signs;
    uint64_t  spaces;
    uint64_t  zeros;

    /* found: where numbers begin, behind their signs, and the commas of those
     * that are plain */
    uint64_t  firsts;
    uint64_t  usable;
} ml_pack_block_t;


/*
 * What of the block is well-formed, and can be taken because the start of
 * another number can be seen behind it.  A number may still have two points.
 */
static inline void
ml_pack_grammar(ml_pack_block_t *block)
{
    uint64_t  starts, firsts, wrong;

    /* at most one space behind a comma */

    starts = 1 | block->commas << 1;
    starts = (starts & ~block->spaces) | (starts & block->spaces) << 1;
    firsts = (starts & ~block->signs) | (starts & block->signs) << 1;

    wrong = ~(block->commas | block->points | block->signs | block->spaces
              | block->digits);
    wrong |= block->spaces & ~(block->commas << 1);
    wrong |= block->signs & ~starts;
    wrong |= firsts & ~block->digits;
    wrong |= (block->zeros & firsts) << 1 & block->digits;
    wrong |= block->points & ~(block->digits << 1);
    wrong |= block->points << 1 & ~block->digits;
    wrong |= block->commas & ~(block->digits << 1);

    /* bits below the first that is wrong, and two less */

    block->firsts = firsts;
    block->usable = block->commas & (((wrong & -wrong) - 1) >> 2);
}


/* Where the number behind a comma begins. */
static inline unsigned
ml_pack_behind(const ml_pack_block_t *block, unsigned comma)
{
    return comma + 1 + (unsigned) (block->spaces >> (comma + 1) & 1);
}


#endif /* ML_PACK_BLOCK_H */
