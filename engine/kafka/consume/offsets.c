/* offsets.c: see offsets.h. */
#include "kafka/consume/offsets.h"

#include <assert.h>

#include "base/memory.h"

int64_t offsets_of(const struct offsets *offsets, int32_t partition)
{
	return (size_t)partition < offsets->count ? offsets->items[partition] : 0;
}

bool offsets_set(struct offsets *offsets, int32_t partition, int64_t offset, struct error *error)
{
	assert(partition >= 0);
	const size_t wanted = (size_t)partition + 1;
	if (wanted > offsets->count) {
		int64_t *items = memory_resize(offsets->items, wanted, sizeof *items);
		if (!items)
			return error_memory(error, ERROR_SYSTEM, "reading a topic");
		offsets->items = items;
		while (offsets->count < wanted)
			items[offsets->count++] = 0;
	}
	offsets->items[partition] = offset;
	return true;
}

void offsets_close(struct offsets *offsets)
{
	memory_give(offsets->items);
	*offsets = (struct offsets){0};
}
