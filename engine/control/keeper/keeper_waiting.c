/* keeper_waiting.c: Proposals in several records: keeps their parts until all have arrived. */
#include "base/memory.h"
#include "control/keeper/keeper_parts.h"

static void waiting_close(struct keeper *keeper, struct waiting_proposal *waiting)
{
	list_remove(&waiting->node);
	keeper->waiting_bytes -= waiting->bytes;
	for (size_t i = 0; i < waiting->count; i++)
		memory_give(waiting->parts[i]);
	memory_give(waiting->id);
	memory_give(waiting);
}

void keeper_waiting_close(struct keeper *keeper)
{
	while (keeper->waiting.first)
		waiting_close(keeper, LIST_OWNER(keeper->waiting.first, struct waiting_proposal, node));
}

static struct waiting_proposal *waiting_find(const struct keeper *keeper, struct text id)
{
	for (struct list_node *node = keeper->waiting.first; node; node = node->next) {
		struct waiting_proposal *waiting = LIST_OWNER(node, struct waiting_proposal, node);
		if (text_equal((struct text){waiting->id, waiting->id_length}, id))
			return waiting;
	}
	return NULL;
}

static char *bytes_kept(struct text bytes)
{
	char *copy = memory_take_raw(bytes.length > 0 ? bytes.length : 1);
	if (copy && bytes.length > 0)
		memcpy(copy, bytes.bytes, bytes.length);
	return copy;
}

static struct waiting_proposal *waiting_open(struct keeper *keeper, int64_t offset, const struct proposal *part, int64_t now_ms)
{
	struct waiting_proposal *waiting = memory_take(1, sizeof *waiting);
	char *id = bytes_kept(part->id);
	if (!waiting || !id) {
		memory_give(waiting);
		memory_give(id);
		return NULL;
	}
	waiting->id = id;
	waiting->id_length = part->id.length;
	waiting->count = (size_t)part->parts;
	waiting->offset = offset;
	waiting->due_ms = now_ms + KEEPER_DEADLINE_MS;
	list_add(&keeper->waiting, &waiting->node);
	return waiting;
}

void keeper_waiting_drop(struct keeper *keeper, struct text id)
{
	struct waiting_proposal *waiting = waiting_find(keeper, id);
	if (waiting)
		waiting_close(keeper, waiting);
}

/* Joins the parts into one proposal with the items of all. False: the arena is full. */
static bool parts_join(const struct waiting_proposal *waiting, struct arena *arena, struct proposal *whole)
{
	struct proposal *parts = ARENA_ARRAY(arena, struct proposal, waiting->count);
	struct proposal_item *items = ARENA_ARRAY(arena, struct proposal_item, waiting->items);
	struct error error = {0};
	size_t at = 0;
	if (!parts || !items)
		return false;
	for (size_t i = 0; i < waiting->count; i++) {
		const char *copy = arena_copy(arena, waiting->parts[i], waiting->lengths[i]);
		const struct text bytes = {copy, waiting->lengths[i]};
		if (!copy || !record_decode(&proposal_form, bytes, arena, &parts[i], &error))
			return false;
		if (parts[i].items.count > 0)
			memcpy(items + at, parts[i].items.items, parts[i].items.count * sizeof *items);
		at += parts[i].items.count;
	}
	if (arena_failed(arena))
		return false;
	*whole = parts[0];
	whole->items = (struct record_list){at, items};
	return true;
}

/* Refuses the proposal and drops its parts. */
static bool waiting_refuse(struct keeper *keeper, struct text id, const char *why, int64_t now_ms, struct error *error)
{
	keeper_waiting_drop(keeper, id);
	return keeper_refuse(keeper, id, why, now_ms, error);
}

bool keeper_part_take(struct keeper *keeper, int64_t offset, struct text value, const struct proposal *part, struct arena *arena,
		      int64_t now_ms, struct proposal *whole, bool *is_whole, struct error *error)
{
	struct waiting_proposal *waiting = waiting_find(keeper, part->id);
	*is_whole = false;
	if (!waiting)
		waiting = waiting_open(keeper, offset, part, now_ms);
	if (!waiting)
		return error_memory(error, ERROR_SYSTEM, "reading a proposal");
	if (waiting->count != (size_t)part->parts)
		return waiting_refuse(keeper, part->id, "its parts do not agree how many there are", now_ms, error);
	size_t number = (size_t)part->part;
	if (waiting->parts[number])
		return true;
	if (part->items.count > PROPOSAL_ITEMS_MAX - waiting->items)
		return waiting_refuse(keeper, part->id, PROPOSAL_ITEMS_WORDS, now_ms, error);
	waiting->items += part->items.count;
	waiting->parts[number] = bytes_kept(value);
	if (!waiting->parts[number])
		return error_memory(error, ERROR_SYSTEM, "reading a proposal");
	waiting->lengths[number] = value.length;
	waiting->bytes += value.length;
	keeper->waiting_bytes += value.length;
	if (++waiting->there < waiting->count)
		return true;
	*is_whole = parts_join(waiting, arena, whole);
	if (!*is_whole)
		return waiting_refuse(keeper, part->id,
				      "the lists of the proposal have too many items; propose fewer documents at once", now_ms,
				      error);
	waiting_close(keeper, waiting);
	return true;
}

static bool waiting_is_over(const struct keeper *keeper, const struct waiting_proposal *waiting, int64_t now_ms)
{
	return now_ms >= waiting->due_ms || keeper->waiting_bytes > KEEPER_WAITING_BYTES_MAX ||
	       keeper->next_offset - waiting->offset > KEEPER_WAITING_RECORDS;
}

bool keeper_waiting_expire(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	while (keeper->waiting.first) {
		struct waiting_proposal *waiting = LIST_OWNER(keeper->waiting.first, struct waiting_proposal, node);
		if (!waiting_is_over(keeper, waiting, now_ms))
			return true;
		const char *why = arena_print(keeper->arena, "only %zu of its %zu parts came in time; apply it again",
					      waiting->there, waiting->count);
		const char *id = arena_copy(keeper->arena, waiting->id, waiting->id_length);
		size_t length = waiting->id_length;
		waiting_close(keeper, waiting);
		if (!why || !id || !keeper_refuse(keeper, (struct text){id, length}, why, now_ms, error))
			return error_memory(error, ERROR_SYSTEM, "reading a proposal");
	}
	return true;
}

int64_t keeper_waiting_due(const struct keeper *keeper)
{
	const struct list_node *first = keeper->waiting.first;
	return first ? LIST_OWNER(first, const struct waiting_proposal, node)->due_ms : INT64_MAX;
}

void keeper_waiting_shift(struct keeper *keeper, int64_t by_ms)
{
	for (struct list_node *node = keeper->waiting.first; node; node = node->next)
		LIST_OWNER(node, struct waiting_proposal, node)->due_ms += by_ms;
}
