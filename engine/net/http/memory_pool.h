/* memory_pool.h: Pool of small pieces of memory, by size, in which freed pieces are kept.
 *
 * For a library that allocates and frees the same few sizes with every call: once the pool is warm, the heap is not
 * used. It never keeps more than was in use at one time. Built with -DARENA_EVERY_ALLOCATION_APART each piece comes
 * from the heap and returns to it, so that AddressSanitizer can check its use.
 *
 * A pool belongs to one thread, starts as `{0}`, and outlives its pieces.
 */
#pragma once

#include <stddef.h>

struct pool_piece;

#define MEMORY_POOL_SIZES 6 /* 64 bytes to 2 KiB; larger ones come from the heap */

struct memory_pool {
	struct pool_piece *kept[MEMORY_POOL_SIZES];
};

void *memory_pool_take(struct memory_pool *pool, size_t size); /* NULL: no memory */
void *memory_pool_resize(struct memory_pool *pool, void *bytes, size_t size);
void memory_pool_give(struct memory_pool *pool, void *bytes); /* NULL is fine */
void memory_pool_close(struct memory_pool *pool);
