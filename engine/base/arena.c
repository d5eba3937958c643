/* arena.c: see arena.h. A chain of blocks, each twice the size of the last. */
#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"

#define FIRST_BLOCK_BYTES ((size_t)8192) /* a request of some tensors fits: one block, two warm pages */

#ifdef ARENA_EVERY_ALLOCATION_APART
#define APART true
#else
#define APART false
#endif

struct arena_block {
	struct arena_block *next; /* the one before */
	size_t capacity;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena *arena_open(size_t limit_bytes)
{
	assert(limit_bytes > 0);
	struct arena *arena = memory_take(1, sizeof *arena);
	if (arena)
		arena->limit_bytes = limit_bytes;
	return arena;
}

static void release_from(struct arena_block *block)
{
	while (block) {
		struct arena_block *next = block->next;
		memory_give(block);
		block = next;
	}
}

void arena_close(struct arena *arena)
{
	if (!arena)
		return;
	release_from(arena->blocks);
	memory_give(arena);
}

static __attribute__((noinline)) void release_older(struct arena_block *block)
{
	release_from(block->next);
	block->next = NULL;
}

/* Keeps the newest block alone: it holds more than all before it together, so
 * the next message like this one rarely asks the heap, and the one after never. */
void arena_reset(struct arena *arena)
{
	arena->failed = false;
	arena->work = 0;
	struct arena_block *keep = arena->blocks;
	if (!keep)
		return;
	if (APART) {
		release_from(keep);
		arena->blocks = NULL;
		arena->held_bytes = 0;
		return;
	}
	arena->next = keep->bytes;
	arena->room = keep->capacity;
	arena->held_bytes = keep->capacity;
	if (__builtin_expect(keep->next != NULL, 0)) /* most messages fit into one block */
		release_older(keep);
}

static size_t next_capacity(const struct arena *arena, size_t need)
{
	if (APART)
		return need;
	size_t doubled = arena->blocks ? arena->blocks->capacity * 2 : FIRST_BLOCK_BYTES;
	return doubled < need ? need : doubled;
}

static bool add_block(struct arena *arena, size_t need)
{
	size_t capacity = next_capacity(arena, need);
	size_t free_bytes = arena->limit_bytes - arena->held_bytes;
	if (capacity > free_bytes)
		capacity = free_bytes;
	size_t whole;
	if (capacity < need || __builtin_add_overflow(capacity, sizeof(struct arena_block), &whole))
		return false;
	struct arena_block *block = memory_take_raw(whole);
	if (!block)
		return false;
	block->next = arena->blocks;
	block->capacity = capacity;
	arena->blocks = block;
	arena->held_bytes += capacity;
	arena->next = block->bytes;
	arena->room = capacity;
	return true;
}

void *arena_take_beyond(struct arena *arena, size_t size)
{
	size_t need = APART ? size : (size + ARENA_GRAIN - 1) & ~(ARENA_GRAIN - 1);
	if (need == 0)
		need = APART ? 1 : ARENA_GRAIN;
	if (arena->failed || need < size || (need > arena->room && !add_block(arena, need))) {
		arena->failed = true;
		arena->room = 0;
		return NULL;
	}
	void *piece = arena->next;
	arena->next += need;
	arena->room = APART ? 0 : arena->room - need;
	return piece;
}

void *arena_grow(struct arena *arena, void *items, size_t count, size_t *room, size_t first, size_t size)
{
	if (count < *room)
		return items;
	const size_t grown = *room > 0 ? 2 * *room : first;
	void *moved = arena_take(arena, grown, size);
	if (!moved)
		return NULL;
	if (count > 0)
		memcpy(moved, items, count * size);
	*room = grown;
	return moved;
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
	size_t need;
	char *copy = __builtin_add_overflow(length, 1, &need) ? NULL : arena_take_raw(arena, need);
	if (!copy)
		return NULL;
	if (length)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

char *arena_copy_string(struct arena *arena, const char *string)
{
	return string ? arena_copy(arena, string, strlen(string)) : NULL;
}

char *arena_print(struct arena *arena, const char *format, ...)
{
	va_list arguments;
	/* Where it fits it stands where it is taken. */
	size_t room = arena->room;
	va_start(arguments, format);
	int length = vsnprintf((char *)arena->next, room, format, arguments);
	va_end(arguments);
	char *text = length < 0 ? NULL : arena_take_raw(arena, (size_t)length + 1);
	if (!text || (size_t)length < room)
		return text;
	va_start(arguments, format);
	(void)vsnprintf(text, (size_t)length + 1, format, arguments);
	va_end(arguments);
	return text;
}
