/* commit_batches.c: Commit batches of at-least-once delivery; see commit_batches.h. */
#include "kafka/produce/commit_batches.h"

#include <assert.h>

#include "base/memory.h"

void commit_batches_close(struct commit_batches *commits)
{
	memory_give(commits->positions.items);
}

static bool positions_fit(struct commit_batches *commits, size_t count, struct error *error)
{
	if (count <= commits->capacity)
		return true;
	struct position *items = memory_resize(commits->positions.items, count, sizeof(struct position));
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "ending a batch");
	commits->positions.items = items;
	commits->capacity = count;
	return true;
}

bool commit_batches_end(struct commit_batches *commits, struct positions positions, struct error *error)
{
	assert(commits->stage == COMMIT_BATCHES_FILLING);
	if (!positions_fit(commits, positions.count, error))
		return false;
	commits->positions.count = 0;
	commits->is_void = false;
	commits->all = positions.count;
	size_t back = positions.count;
	for (size_t i = 0; i < positions.count; i++) {
		bool moves = positions.items[i].offset != OFFSET_NONE;
		commits->positions.items[moves ? commits->positions.count++ : --back] = positions.items[i];
	}
	commits->stage = COMMIT_BATCHES_ACKNOWLEDGING;
	commits->open = !commits->open;
	return true;
}

bool commit_batches_to_commit(struct commit_batches *commits, struct positions *positions)
{
	if (commits->stage != COMMIT_BATCHES_ACKNOWLEDGING || commits->waiting[!commits->open] > 0)
		return false;
	commits->stage = commits->positions.count > 0 ? COMMIT_BATCHES_COMMITTING : COMMIT_BATCHES_COMMITTED;
	*positions = commits->positions;
	return commits->stage == COMMIT_BATCHES_COMMITTING;
}

void commit_batches_took(struct commit_batches *commits, enum commit_batches_outcome outcome)
{
	assert(commits->stage == COMMIT_BATCHES_COMMITTING);
	if (outcome == COMMIT_BATCHES_FAILED)
		commits->positions.count = 0;
	commits->is_void = outcome == COMMIT_BATCHES_VOID;
	commits->stage = COMMIT_BATCHES_COMMITTED;
}

bool commit_batches_give_up(struct commit_batches *commits, struct positions *ended)
{
	bool may_commit = commits->waiting[!commits->open] == 0 && commits->positions.count > 0;
	if (commits->stage != COMMIT_BATCHES_ACKNOWLEDGING || may_commit)
		return false;
	*ended = (struct positions){commits->all, commits->positions.items};
	commits->waiting[0] = commits->waiting[1] = 0;
	commits->stage = COMMIT_BATCHES_FILLING;
	return true;
}

bool commit_batches_over(struct commit_batches *commits, struct positions *committed, bool *is_void)
{
	if (commits->stage != COMMIT_BATCHES_COMMITTED)
		return false;
	commits->stage = COMMIT_BATCHES_FILLING;
	*committed = commits->positions;
	*is_void = commits->is_void;
	return true;
}
