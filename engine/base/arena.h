/* arena.h: memory that dies together.
 *
 * A message's arena lives as long as the message, a pipeline's as long as its
 * deployed version. Nothing in it is freed alone: arena_reset() empties it and
 * keeps the newest block for the next message, so a warm worker asks the heap
 * for nothing.
 *
 * Running out is sticky. An allocation that does not fit returns NULL, and from
 * then on every allocation does, until the reset: a step may take ten pieces in
 * a row and check arena_failed() once.
 *
 * Built with -DARENA_EVERY_ALLOCATION_APART each piece comes from the heap
 * alone, so that AddressSanitizer sees an overrun inside the arena too.
 *
 * An arena belongs to one thread.
 */
#ifndef SLUICE_BASE_ARENA_H
#define SLUICE_BASE_ARENA_H

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena_block;

/* Only the functions below look inside. */
struct arena {
	unsigned char *next; /* first free byte of the newest block */
	size_t room;         /* free bytes behind it */
	struct arena_block *blocks;
	size_t held_bytes;
	size_t limit_bytes;
	/* Units of work that were done for what the arena belongs to, as those count who do it (step/expression.h, local models,
	 * operations). Whoever owns the arena may share out its time by them; arena_reset() forgets them. */
	uint64_t work;
	bool failed;
};

#define ARENA_GRAIN alignof(max_align_t)

/* An arena that never holds more than `limit_bytes`. NULL when even its header
 * cannot be had. */
struct arena *arena_open(size_t limit_bytes);
void arena_close(struct arena *arena); /* NULL is fine */
void arena_reset(struct arena *arena);

/* The slow way in: takes a new block. Callers want arena_take_raw(). */
void *arena_take_beyond(struct arena *arena, size_t size);

/* `size` bytes, aligned for any type, not zeroed. */
static inline void *arena_take_raw(struct arena *arena, size_t size)
{
	size_t need = (size + ARENA_GRAIN - 1) & ~(ARENA_GRAIN - 1);
	if (__builtin_expect(need < size || need > arena->room || need == 0, 0))
		return arena_take_beyond(arena, size);
	void *piece = arena->next;
	arena->next += need;
	arena->room -= need;
	return piece;
}

/* `count` elements of `size`, zeroed, aligned for any type. The product is
 * checked. */
static inline void *arena_take(struct arena *arena, size_t count, size_t size)
{
	size_t need;
	if (__builtin_mul_overflow(count, size, &need)) {
		arena->failed = true;
		arena->room = 0;
		return NULL;
	}
	void *piece = arena_take_raw(arena, need);
	return piece ? memset(piece, 0, need) : NULL;
}

/* `length` bytes copied, with a NUL behind them. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);

/* printf into the arena; the text ends in a NUL. */
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How many bytes it may hold at the most. */
static inline size_t arena_limit(const struct arena *arena)
{
	return arena->limit_bytes;
}

/* How many bytes of it are taken, and at the ends of its blocks left over. */
static inline size_t arena_taken(const struct arena *arena)
{
	return arena->held_bytes - arena->room;
}

static inline bool arena_failed(const struct arena *arena)
{
	return arena->failed;
}

#define ARENA_NEW(arena, type) ((type *)arena_take((arena), 1, sizeof(type)))
#define ARENA_ARRAY(arena, type, count) ((type *)arena_take((arena), (count), sizeof(type)))

#endif
