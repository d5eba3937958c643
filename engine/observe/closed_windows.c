/* closed_windows.c: see closed_windows.h. */
#include "observe/closed_windows.h"

#include <math.h>

#include "base/memory.h"

struct last_verdict verdict_of(enum drift_verdict verdict, double score)
{
	const double unknown = (double)NAN;
	return (struct last_verdict){verdict, score,   unknown, unknown, unknown, unknown, unknown, unknown, unknown,
				     unknown, unknown, unknown, unknown, unknown, unknown, unknown, {.feature = ""}};
}

struct last_verdict verdict_unknown(void)
{
	return verdict_of(DRIFT_LEARNING, 0);
}

void verdict_fold(struct last_verdict *into, const struct last_verdict *more)
{
	if (more->cause.feature[0] && (!into->cause.feature[0] || more->score > into->score))
		into->cause = more->cause;
	into->verdict = more->verdict > into->verdict ? more->verdict : into->verdict;
	into->score = fmax(into->score, more->score);
	into->quality_alarm = fmax(into->quality_alarm, more->quality_alarm);
	into->missing_share = fmax(into->missing_share, more->missing_share);
	into->outside_share = fmax(into->outside_share, more->outside_share);
	into->unseen_share = fmax(into->unseen_share, more->unseen_share);
	if (isnan(into->accuracy) || more->accuracy < into->accuracy) {
		into->accuracy = more->accuracy;
		into->accuracy_low = more->accuracy_low;
		into->accuracy_high = more->accuracy_high;
	}
	into->precision = fmin(into->precision, more->precision);
	into->recall = fmin(into->recall, more->recall);
	into->messages_per_minute = fmin(into->messages_per_minute, more->messages_per_minute);
	into->newest_age_ms = fmax(into->newest_age_ms, more->newest_age_ms);
	into->auc = fmin(into->auc, more->auc);
	into->error = fmax(into->error, more->error);
	into->mistyped_share = fmax(into->mistyped_share, more->mistyped_share);
}

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
