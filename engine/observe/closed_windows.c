/* closed_windows.c: see closed_windows.h. */
#include "observe/closed_windows.h"

#include <string.h>

#include "base/memory.h"

static struct closed_window *window_latest(const struct closed_windows *windows, struct text segment)
{
	size_t at = windows->count;
	while (at > 0 && !text_equal(windows->items[at - 1].segment, segment))
		at--;
	return at > 0 ? &windows->items[at - 1] : NULL;
}

static bool windows_grow(struct closed_windows *windows)
{
	struct closed_window *grown = memory_grow(windows->items, windows->count, &windows->room, 16, sizeof *grown);
	windows->items = grown ? grown : windows->items;
	return grown;
}

static bool window_append(struct closed_windows *windows, struct text segment, const struct last_verdict *own,
			  const struct last_verdict *all)
{
	char *copy = windows_grow(windows) ? memory_take(segment.length + 1, 1) : NULL;
	if (!copy)
		return false;
	memcpy(copy, segment.bytes, segment.length);
	windows->items[windows->count++] = (struct closed_window){.segment = {copy, segment.length}, .own = *own, .all = *all};
	return true;
}

void closed_windows_add(struct closed_windows *windows, struct text segment, const struct last_verdict *own,
			const struct last_verdict *all)
{
	struct closed_window *latest = NULL;
	if (windows->count >= CLOSED_WINDOWS_MAX)
		latest = window_latest(windows, segment);
	if (!latest && window_append(windows, segment, own, all))
		return;
	latest = latest ? latest : window_latest(windows, segment);
	if (!latest)
		return;
	verdict_fold(&latest->own, own);
	verdict_fold(&latest->all, all);
}

void closed_windows_clear(struct closed_windows *windows)
{
	for (size_t i = 0; i < windows->count; i++) {
		union {
			const char *kept;
			char *given;
		} name = {windows->items[i].segment.bytes};
		memory_give(name.given);
	}
	windows->count = 0;
}

void closed_windows_close(struct closed_windows *windows)
{
	closed_windows_clear(windows);
	memory_give(windows->items);
	*windows = (struct closed_windows){0};
}
