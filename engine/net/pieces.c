/* pieces.c: Pool of small pieces of memory, with a list of free pieces for each size; see pieces.h. */
#include "net/pieces.h"

#include <stdalign.h>
#include <string.h>

#include "base/memory.h"

#define SMALLEST 64

#ifdef ARENA_EVERY_ALLOCATION_APART
#define APART true
#else
#define APART false
#endif

struct piece {
	alignas(max_align_t) size_t room; /* size after this header */
	struct piece *next;		  /* next free piece */
};

/* Index of the list for a size. PIECES_SIZES: larger than any that is kept. */
static size_t rank_of(size_t size)
{
	size_t rank = 0;
	while (rank < PIECES_SIZES && ((size_t)SMALLEST << rank) < size)
		rank++;
	return rank;
}

static struct piece *head_of(void *bytes)
{
	return (struct piece *)bytes - 1;
}

void *pieces_take(struct pieces *pieces, size_t size)
{
	size_t rank = APART ? PIECES_SIZES : rank_of(size);
	struct piece *piece = rank < PIECES_SIZES ? pieces->kept[rank] : NULL;
	if (piece) {
		pieces->kept[rank] = piece->next;
		return piece + 1;
	}
	size_t room = rank < PIECES_SIZES ? (size_t)SMALLEST << rank : size, whole;
	if (__builtin_add_overflow(room, sizeof *piece, &whole))
		return NULL;
	piece = memory_take_raw(whole);
	if (!piece)
		return NULL;
	piece->room = room;
	return piece + 1;
}

void pieces_give(struct pieces *pieces, void *bytes)
{
	if (!bytes)
		return;
	struct piece *piece = head_of(bytes);
	size_t rank = APART ? PIECES_SIZES : rank_of(piece->room);
	if (rank == PIECES_SIZES) {
		memory_give(piece);
		return;
	}
	piece->next = pieces->kept[rank];
	pieces->kept[rank] = piece;
}

void *pieces_resize(struct pieces *pieces, void *bytes, size_t size)
{
	size_t room = bytes ? head_of(bytes)->room : 0;
	if (bytes && size <= room)
		return bytes;
	void *larger = pieces_take(pieces, size);
	if (!larger || !bytes)
		return larger;
	memcpy(larger, bytes, room);
	pieces_give(pieces, bytes);
	return larger;
}

void pieces_close(struct pieces *pieces)
{
	for (size_t rank = 0; rank < PIECES_SIZES; rank++)
		while (pieces->kept[rank]) {
			struct piece *next = pieces->kept[rank]->next;
			memory_give(pieces->kept[rank]);
			pieces->kept[rank] = next;
		}
}
