/* settled_windows.c: see settled_windows.h. */
#include "tools/source/settled_windows.h"

#include <stdlib.h>

#include "base/memory.h"
#include "message/rows.h"

#define WINDOWS_FIRST 256

struct settled_entry {
	struct settled_score score;
	bool is_found;
};

void settled_windows_close(struct settled_windows *windows)
{
	memory_give(windows->items);
	*windows = (struct settled_windows){0};
}

bool settled_windows_take(void *windows, const struct record *record, struct error *error)
{
	struct settled_windows *self = windows;
	struct settled_score score;
	struct arena *scratch = arena_open(SETTLED_SCORE_BYTES_MAX);
	const bool is_of_step = scratch && settled_score_decode(record->value, scratch, &score) &&
				text_equal(score.pipeline, self->pipeline) && text_equal(score.step, self->step);
	arena_close(scratch);
	if (!is_of_step)
		return scratch || error_memory(error, ERROR_SYSTEM, "reading settled windows");
	struct settled_entry *items = memory_grow(self->items, self->count, &self->room, WINDOWS_FIRST, sizeof *items);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "reading settled windows");
	self->items = items;
	score.segment = text_copied(self->arena, score.segment);
	items[self->count++] = (struct settled_entry){.score = score};
	return !arena_failed(self->arena) || error_memory(error, ERROR_SYSTEM, "reading settled windows");
}

/* ---- order ---- */

/* By what a window of a report is found by. */
static int windows_compare(const struct settled_score *a, const struct settled_score *b)
{
	if (a->begin_ms != b->begin_ms)
		return a->begin_ms < b->begin_ms ? -1 : 1;
	if (a->end_ms != b->end_ms)
		return a->end_ms < b->end_ms ? -1 : 1;
	if (a->messages != b->messages)
		return a->messages < b->messages ? -1 : 1;
	return text_compare(a->segment, b->segment);
}

static int entries_compare(const void *left, const void *right)
{
	const struct settled_score *a = &((const struct settled_entry *)left)->score;
	const struct settled_score *b = &((const struct settled_entry *)right)->score;
	const int order = windows_compare(a, b);
	return order != 0 ? order : (a->window > b->window) - (a->window < b->window);
}

void settled_windows_sort(struct settled_windows *windows)
{
	struct settled_entry *items = windows->items;
	size_t kept = 0;
	if (windows->count > 0)
		qsort(items, windows->count, sizeof *items, entries_compare);
	for (size_t i = 0; i < windows->count; i++)
		if (kept == 0 || entries_compare(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	windows->count = kept;
}

/* ---- finding ---- */

const struct settled_score *settled_windows_find(void *windows, struct text segment, int64_t begin_ms, int64_t end_ms,
						 uint64_t rows)
{
	struct settled_windows *self = windows;
	const struct settled_score wanted = {.begin_ms = begin_ms, .end_ms = end_ms, .messages = rows, .segment = segment};
	size_t low = 0, high = self->count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (windows_compare(&self->items[middle].score, &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < self->count && windows_compare(&self->items[low].score, &wanted) == 0; low++)
		if (!self->items[low].is_found) {
			self->items[low].is_found = true;
			self->found++;
			return &self->items[low].score;
		}
	return NULL;
}
