/* arena.h: Arena: memory of one owner that is freed as a whole.
 *
 * A message's arena lives as long as the message, a pipeline's as long as its deployed version. Single
 * allocations are not freed. arena_reset() empties the arena and keeps the newest block for the next message,
 * so a warm worker does not use the heap.
 *
 * Running out is sticky. An allocation that does not fit returns NULL, and so does every later one until the
 * reset. So a step may allocate ten times and check arena_failed() once.
 *
 * With -DARENA_EVERY_ALLOCATION_APART each allocation comes from the heap, so that AddressSanitizer also finds
 * an overrun inside the arena.
 *
 * An arena belongs to one thread.
 */
#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct arena_block;

/* Private to the functions below, except for `work`. */
struct arena {
	unsigned char *next; /* first free byte of the newest block */
	size_t room;         /* free bytes from there on */
	struct arena_block *blocks;
	size_t held_bytes;
	size_t limit_bytes;
	/* Units of work done for the owner of the arena, as counted by those that do it (compiler/expression/expression.h,
	 * local models, operations). The owner may divide its time by them. arena_reset() sets them to 0. */
	uint64_t work;
	bool failed;
};

#define ARENA_GRAIN alignof(max_align_t)

/* An arena of at most `limit_bytes`. NULL: there is no memory even for its header. */
struct arena *arena_open(size_t limit_bytes);
void arena_close(struct arena *arena); /* NULL is fine */
void arena_reset(struct arena *arena);

/* Slow path: takes a new block. Call arena_take_raw() instead. */
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

/* The same, for what is only a saving: NULL if the newest block has no space for it. The arena does not fail by it. */
static inline void *arena_take_spare(struct arena *arena, size_t size)
{
	return size > 0 && size <= arena->room ? arena_take_raw(arena, size) : NULL;
}

/* `count` elements of `size`, aligned for any type, not zeroed. The product is checked for overflow. */
static inline void *arena_take_raw_array(struct arena *arena, size_t count, size_t size)
{
	size_t need;
	if (!__builtin_mul_overflow(count, size, &need))
		return arena_take_raw(arena, need);
	arena->failed = true;
	arena->room = 0;
	return NULL;
}

/* The same, zeroed. */
static inline void *arena_take(struct arena *arena, size_t count, size_t size)
{
	void *piece = arena_take_raw_array(arena, count, size);
	return piece ? memset(piece, 0, count * size) : NULL;
}

/* As memory_grow(), in an arena: new elements are zeroed, and the former list stays. */
void *arena_grow(struct arena *arena, void *items, size_t count, size_t *room, size_t first, size_t size);

/* Copies `length` bytes and adds a NUL. */
char *arena_copy(struct arena *arena, const char *bytes, size_t length);
char *arena_copy_string(struct arena *arena, const char *string); /* NULL of NULL */

/* printf into the arena; the text ends with a NUL. */
char *arena_print(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The most bytes that it may have. */
static inline size_t arena_limit(const struct arena *arena)
{
	return arena->limit_bytes;
}

/* Bytes in use, with those left over at the ends of its blocks. */
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
#define ARENA_ARRAY_RAW(arena, type, count) ((type *)arena_take_raw_array((arena), (count), sizeof(type))) /* not zeroed */
