/* commit_references.c: see commit_references.h. */
#include "kafka/consume/commit_references.h"

#include <assert.h>

#include "base/memory.h"

#define REFERENCES_AT_FIRST 16

static struct commit_reference *commit_references_item(const struct commit_references *references, const struct position *position)
{
	for (size_t i = 0; i < references->count; i++) {
		struct commit_reference *item = &references->items[i];
		if (item->topic == position->topic && item->partition == position->partition)
			return item;
	}
	return NULL;
}

void commit_references_close(struct commit_references *references)
{
	memory_give(references->items);
	*references = (struct commit_references){0};
}

bool commit_references_set(struct commit_references *references, const struct position *position,
			   const struct state_reference *reference, struct error *error)
{
	assert(position->partition >= 0);
	struct commit_reference *item = commit_references_item(references, position);
	if (!item && reference->id == 0)
		return true;
	if (!item) {
		struct commit_reference *items = memory_grow(references->items, references->count, &references->capacity,
							     REFERENCES_AT_FIRST, sizeof *items);
		if (!items)
			return error_memory(error, ERROR_SYSTEM, "committing offsets");
		references->items = items;
		item = &items[references->count++];
	}
	*item = (struct commit_reference){position->topic, position->partition, *reference};
	return true;
}

const struct state_reference *commit_references_find(const struct commit_references *references, const struct position *position)
{
	const struct commit_reference *item = commit_references_item(references, position);
	return item && item->reference.id != 0 ? &item->reference : NULL;
}
