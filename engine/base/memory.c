/* memory.c: see memory.h. */
#include "base/memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Of jemalloc, whose header a build without it does not have. */
extern int mallctl(const char *name, void *old, size_t *old_size, void *new, size_t new_size) __attribute__((weak));
#define PURGE_ALL "arena.4096.purge" /* MALLCTL_ARENAS_ALL */

void allocator_keep_blocks(void)
{
	mallopt(M_MMAP_THRESHOLD, 256 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);
}

void allocator_trim(void)
{
	if (mallctl)
		(void)mallctl(PURGE_ALL, NULL, NULL, NULL, 0);
	else
		(void)malloc_trim(0);
}

static _Atomic uint64_t taken;
static _Atomic uint64_t fail_at;

static bool memory_refused(void)
{
	uint64_t number = atomic_fetch_add_explicit(&taken, 1, memory_order_relaxed) + 1;
	return number == atomic_load_explicit(&fail_at, memory_order_relaxed);
}

void *memory_take(size_t count, size_t size)
{
	return memory_refused() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *memory_take_raw(size_t size)
{
	return memory_refused() ? NULL : malloc(size ? size : 1);
}

void *memory_resize(void *piece, size_t count, size_t size)
{
	size_t need;
	if (memory_refused() || __builtin_mul_overflow(count, size, &need))
		return NULL;
	return realloc(piece, need ? need : 1);
}

void *memory_grow(void *items, size_t count, size_t *room, size_t first, size_t size)
{
	if (count < *room)
		return items;
	const size_t grown = *room > 0 ? 2 * *room : first;
	void *moved = memory_resize(items, grown, size);
	*room = moved ? grown : *room;
	return moved;
}

void memory_give(void *piece)
{
	free(piece);
}

static size_t mapped_bytes(size_t count, size_t size)
{
	size_t bytes;
	return __builtin_mul_overflow(count, size, &bytes) ? SIZE_MAX : bytes > 0 ? bytes : 1;
}

void *memory_take_table(size_t count, size_t size)
{
	if (memory_refused())
		return NULL;
	void *table = mmap(NULL, mapped_bytes(count, size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return table == MAP_FAILED ? NULL : table;
}

void memory_give_table(void *table, size_t count, size_t size)
{
	if (table)
		(void)munmap(table, mapped_bytes(count, size));
}

void memory_clear(void *piece, size_t size)
{
	memset(piece, 0, size);
}

void memory_fail_at(uint64_t nth)
{
	uint64_t at = nth ? atomic_load_explicit(&taken, memory_order_relaxed) + nth : 0;
	atomic_store_explicit(&fail_at, at, memory_order_relaxed);
}

uint64_t memory_taken(void)
{
	return atomic_load_explicit(&taken, memory_order_relaxed);
}
