/* pieces.h: Pool of small pieces of memory, by size, in which freed pieces are kept.
 *
 * For a library that allocates and frees the same few sizes with every call: once the pool is warm, the heap is not
 * used. It never keeps more than was in use at one time. Built with -DARENA_EVERY_ALLOCATION_APART each piece comes
 * from the heap and returns to it, so that AddressSanitizer can check its use.
 *
 * A pool belongs to one thread, starts as `{0}`, and outlives its pieces.
 */
#ifndef SLUICE_NET_PIECES_H
#define SLUICE_NET_PIECES_H

#include <stddef.h>

struct piece;

#define PIECES_SIZES 6 /* 64 bytes to 2 KiB; larger ones come from the heap */

struct pieces {
	struct piece *kept[PIECES_SIZES];
};

void *pieces_take(struct pieces *pieces, size_t size); /* NULL: no memory */
void *pieces_resize(struct pieces *pieces, void *bytes, size_t size);
void pieces_give(struct pieces *pieces, void *bytes); /* NULL is fine */
void pieces_close(struct pieces *pieces);

#endif
