/* memory_pool.c: Pool of small pieces of memory, with a list of free pieces for each size; see memory_pool.h. */
#include "net/http/memory_pool.h"

#include <stdalign.h>
#include <string.h>

#include "base/memory.h"

#define SMALLEST 64

#ifdef ARENA_EVERY_ALLOCATION_APART
#define APART true
#else
#define APART false
#endif

struct pool_piece {
	alignas(max_align_t) size_t room; /* size after this header */
	struct pool_piece *next;		  /* next free piece */
};

/* Index of the list for a size. MEMORY_POOL_SIZES: larger than any that is kept. */
static size_t rank_of(size_t size)
{
	size_t rank = 0;
	while (rank < MEMORY_POOL_SIZES && ((size_t)SMALLEST << rank) < size)
		rank++;
	return rank;
}

static struct pool_piece *head_of(void *bytes)
{
	return (struct pool_piece *)bytes - 1;
}

void *memory_pool_take(struct memory_pool *pool, size_t size)
{
	size_t rank = APART ? MEMORY_POOL_SIZES : rank_of(size);
	struct pool_piece *piece = rank < MEMORY_POOL_SIZES ? pool->kept[rank] : NULL;
	if (piece) {
		pool->kept[rank] = piece->next;
		return piece + 1;
	}
	size_t room = rank < MEMORY_POOL_SIZES ? (size_t)SMALLEST << rank : size, whole;
	if (__builtin_add_overflow(room, sizeof *piece, &whole))
		return NULL;
	piece = memory_take_raw(whole);
	if (!piece)
		return NULL;
	piece->room = room;
	return piece + 1;
}

void memory_pool_give(struct memory_pool *pool, void *bytes)
{
	if (!bytes)
		return;
	struct pool_piece *piece = head_of(bytes);
	size_t rank = APART ? MEMORY_POOL_SIZES : rank_of(piece->room);
	if (rank == MEMORY_POOL_SIZES) {
		memory_give(piece);
		return;
	}
	piece->next = pool->kept[rank];
	pool->kept[rank] = piece;
}

void *memory_pool_resize(struct memory_pool *pool, void *bytes, size_t size)
{
	size_t room = bytes ? head_of(bytes)->room : 0;
	if (bytes && size <= room)
		return bytes;
	void *larger = memory_pool_take(pool, size);
	if (!larger || !bytes)
		return larger;
	memcpy(larger, bytes, room);
	memory_pool_give(pool, bytes);
	return larger;
}

void memory_pool_close(struct memory_pool *pool)
{
	for (size_t rank = 0; rank < MEMORY_POOL_SIZES; rank++)
		while (pool->kept[rank]) {
			struct pool_piece *next = pool->kept[rank]->next;
			memory_give(pool->kept[rank]);
			pool->kept[rank] = next;
		}
}
