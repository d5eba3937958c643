/* pieces.h: small pieces of memory, kept by size when they are given back.
 *
 * For a library that takes and gives the same few sizes with every call: once it is
 * warm, the heap is not asked any more. What is kept is never more than was in use at
 * once. Built with -DARENA_EVERY_ALLOCATION_APART each piece comes from the heap and
 * goes back to it, so that AddressSanitizer sees what is done to it.
 *
 * A store belongs to one thread, starts as `{0}`, and outlives its pieces.
 */
#ifndef SLUICE_NET_PIECES_H
#define SLUICE_NET_PIECES_H

#include <stddef.h>

struct piece;

#define PIECES_SIZES 6 /* 64 bytes to 2 KiB; larger ones are the heap's */

struct pieces {
	struct piece *kept[PIECES_SIZES];
};

void *pieces_take(struct pieces *pieces, size_t size); /* NULL: no memory */
void *pieces_resize(struct pieces *pieces, void *bytes, size_t size);
void pieces_give(struct pieces *pieces, void *bytes); /* NULL is fine */
void pieces_close(struct pieces *pieces);

#endif
