/* candidate_history.c: see candidate_history.h. */
#include "experiments/bandits/candidate_history.h"

#include "message/rows.h"

static size_t name_find(const struct text *names, size_t count, struct text name)
{
	size_t i = 0;
	while (i < count && !text_equal(names[i], name))
		i++;
	return i;
}

static bool list_has_all(const struct policy_candidates *list, const struct text *names, size_t count)
{
	bool has = list->count == count;
	for (size_t i = 0; has && i < count; i++)
		has = name_find(list->names, list->count, names[i]) < list->count;
	return has;
}

void candidate_history_add(struct candidate_history *history, int64_t version, const struct text *names, size_t count)
{
	if (history->count > 0 && list_has_all(&history->lists[history->count - 1], names, count))
		return;
	if (history->count == POLICY_CANDIDATES_MAX) {
		history->count--;
		memmove(history->lists, history->lists + 1, history->count * sizeof *history->lists);
	}
	history->lists[history->count++] = (struct policy_candidates){version, count, names};
}

static const struct text *names_copied(const struct text *names, size_t count, struct arena *arena)
{
	struct text *copies = ARENA_ARRAY(arena, struct text, count);
	for (size_t i = 0; copies && i < count; i++)
		copies[i] = text_copied(arena, names[i]);
	return copies;
}

bool candidate_history_take(struct candidate_history *history, const struct policy_record *record, struct arena *arena)
{
	const struct policy_candidates own = {record->version, record->arm_count, record->arms};
	const struct policy_candidates *lists = record->candidates_count > 0 ? record->candidates : &own;
	const size_t count = record->candidates_count > 0 ? record->candidates_count : 1;
	history->count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct text *names = names_copied(lists[i].names, lists[i].count, arena);
		if (names)
			candidate_history_add(history, lists[i].since, names, lists[i].count);
	}
	if (!arena_failed(arena))
		return true;
	history->count = 0;
	return false;
}

bool candidate_places_find(const struct policy_record *record, const struct text *arms, size_t count, size_t *places, bool *changed)
{
	size_t found = 0;
	*changed = record->arm_count != count;
	for (size_t i = 0; i < record->arm_count; i++) {
		const size_t place = name_find(arms, count, record->arms[i]);
		places[i] = place < count ? place : SIZE_MAX;
		found += place < count;
		*changed = *changed || place != i;
	}
	return found == count;
}
