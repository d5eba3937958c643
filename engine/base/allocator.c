/* allocator.c: see allocator.h. */
#include "base/allocator.h"

#include <malloc.h>
#include <stddef.h>

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
