/* drift_ending.c: see drift_ending.h. */
#include "steps/drift/state/drift_ending.h"

static bool ends_by_time(const struct drift_visit *at)
{
	return at->self->comparison.settings.window_ms > 0;
}

/* When the window is over, by the times of records; INT64_MAX: it has no rows, or a former build stored it. */
static int64_t window_due_ms(const struct drift_observer *self, const struct drift_window_state *state)
{
	const struct monitor_position *position = &state->position;
	const int64_t window_ms = self->comparison.settings.window_ms;
	if (position->rows == 0 || state->arrived_ms == 0)
		return INT64_MAX;
	const int64_t passed_ms = position->most_ms > position->begin_ms ? position->most_ms - position->begin_ms : 0;
	return state->arrived_ms + window_ms - passed_ms + ENDING_SLACK_MS;
}

/* The segment of that number; without `groupBy` there is one. False: it is gone, or no window is open in it. */
static bool segment_read(const struct drift_visit *at, uint64_t number, struct text *segment, struct drift_window_state *state)
{
	*segment = TEXT("");
	return (!at->self->group || drift_segment_named(at->visit, at->tally.base + number, segment)) &&
	       drift_window_read(at->visit, *segment, at->self->identity, state);
}

static uint64_t segments_of(const struct drift_visit *at)
{
	return at->self->group ? at->tally.segments : 1;
}

bool drift_ending_awaits(const struct drift_visit *at, struct awaited_time *awaited)
{
	struct drift_row_order *waiting = at->self->waiting;
	struct drift_window_state state;
	struct text segment;
	*awaited = (struct awaited_time){INT64_MAX, row_order_watermarks(waiting)->passed_ms};
	if (!row_order_is_empty(waiting)) {
		const bool goes_on = awaited->clock_ms > 0 && at->self->released_ms == awaited->clock_ms;
		awaited->due_ms = awaited->clock_ms + (goes_on ? 0 : WATERMARKS_PATIENCE_MS);
		return true;
	}
	if (!ends_by_time(at))
		return false;
	for (uint64_t i = 0; i < segments_of(at); i++) {
		const int64_t due_ms = segment_read(at, i, &segment, &state) ? window_due_ms(at->self, &state) : INT64_MAX;
		awaited->due_ms = due_ms < awaited->due_ms ? due_ms : awaited->due_ms;
	}
	return awaited->due_ms != INT64_MAX;
}

bool drift_ending_take(struct drift_visit *at)
{
	struct drift_row_order *waiting = at->self->waiting;
	const int64_t clock_ms = visit_message(at->visit)->passed_ms;
	const int64_t last_ms = row_order_watermarks(waiting)->passed_ms;
	struct drift_window_state state;
	struct text segment;
	size_t closed = 0;
	if (!row_order_is_empty(waiting)) {
		if (clock_ms - last_ms < WATERMARKS_PATIENCE_MS)
			return true;
		if (!drift_held_take(at, INT64_MAX, ROW_ORDER_RELEASED_MOST) || !row_order_store(waiting, at->visit, at->error))
			return false;
		at->self->released_ms = last_ms;
	}
	if (!ends_by_time(at))
		return true;
	for (uint64_t i = 0; row_order_is_empty(waiting) && i < segments_of(at) && closed < ENDING_WINDOWS_MAX; i++) {
		if (!segment_read(at, i, &segment, &state) || clock_ms < window_due_ms(at->self, &state))
			continue;
		closed++;
		if (!drift_segment_end(at, segment, &state))
			return false;
	}
	return true;
}
