/* arena_list.c: see arena_list.h. */
#include "base/arena_list.h"

#include <assert.h>

void *arena_list_grow(struct arena *arena, const void *items, size_t count, size_t item_bytes)
{
	assert(items || count == 0);
	if ((count & (count - 1)) != 0)
		return (void *)(uintptr_t)items; /* made here */
	void *larger = arena_take(arena, count > 0 ? 2 * count : 1, item_bytes);
	if (larger && count > 0)
		memcpy(larger, items, count * item_bytes);
	return larger;
}
