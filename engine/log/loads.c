/* loads.c: Commit batches of at-least-once delivery; see loads.h. */
#include "log/loads.h"

#include "base/memory.h"

void loads_close(struct loads *loads)
{
	memory_give(loads->positions.items);
}

static bool positions_fit(struct loads *loads, size_t count, struct error *error)
{
	if (count <= loads->capacity)
		return true;
	struct position *items = memory_resize(loads->positions.items, count, sizeof(struct position));
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "ending a load");
	loads->positions.items = items;
	loads->capacity = count;
	return true;
}

bool loads_end(struct loads *loads, struct positions positions, struct error *error)
{
	if (!positions_fit(loads, positions.count, error))
		return false;
	loads->positions.count = 0;
	loads->is_void = false;
	loads->all = positions.count;
	size_t back = positions.count;
	for (size_t i = 0; i < positions.count; i++) {
		bool moves = positions.items[i].offset != OFFSET_NONE;
		loads->positions.items[moves ? loads->positions.count++ : --back] = positions.items[i];
	}
	loads->stage = LOADS_ACKNOWLEDGING;
	loads->open = !loads->open;
	return true;
}

bool loads_to_commit(struct loads *loads, struct positions *positions)
{
	if (loads->stage != LOADS_ACKNOWLEDGING || loads->waiting[!loads->open] > 0)
		return false;
	loads->stage = loads->positions.count > 0 ? LOADS_COMMITTING : LOADS_COMMITTED;
	*positions = loads->positions;
	return loads->stage == LOADS_COMMITTING;
}

void loads_took(struct loads *loads, enum loads_outcome outcome)
{
	if (outcome == LOADS_FAILED)
		loads->positions.count = 0;
	loads->is_void = outcome == LOADS_VOID;
	loads->stage = LOADS_COMMITTED;
}

bool loads_give_up(struct loads *loads, struct positions *ended)
{
	bool may_commit = loads->waiting[!loads->open] == 0 && loads->positions.count > 0;
	if (loads->stage != LOADS_ACKNOWLEDGING || may_commit)
		return false;
	*ended = (struct positions){loads->all, loads->positions.items};
	loads->waiting[0] = loads->waiting[1] = 0;
	loads->stage = LOADS_FILLING;
	return true;
}

bool loads_over(struct loads *loads, struct positions *committed, bool *is_void)
{
	if (loads->stage != LOADS_COMMITTED)
		return false;
	loads->stage = LOADS_FILLING;
	*committed = loads->positions;
	*is_void = loads->is_void;
	return true;
}
