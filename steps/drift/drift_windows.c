/* drift_windows.c: Windows of the segments of a step `drift`: what the state has of a window comes to the monitor, rows are added,
 * what has changed is stored, and windows by time end on a stream that stops. Part of the observer (drift_observer.h). */
#include "base/hash.h"
#include "steps/drift/drift_observer.h"

#define ALARM_WINDOWS_LEAST 2 /* of an alarm that counts as one that has ended */
#define ENDING_WINDOWS_MAX 64 /* of one record of time; the next one closes the rest */

/* ---- state ---- */

static struct drift_row_form row_form(const struct drift_observer *self)
{
	const bool ordered = self->comparison.settings.methods & MONITOR_ONLINE;
	return (struct drift_row_form){self->comparison.reference.feature_count, ordered};
}

static bool rows_put_back(const struct drift_visit *at, struct text segment, const struct drift_window_state *state,
			  bool is_set_back)
{
	struct monitor *monitor = at->self->comparison.monitor;
	monitor_resume(monitor, &state->position);
	if (is_set_back)
		monitor_set_back(monitor);
	drift_window_detectors_read(at->visit, segment, state, monitor);
	return drift_window_rows_read(at->visit, segment, row_form(at->self), state, monitor);
}

/* Whether the rows of the run may close a window. */
static bool run_closes(const struct drift_visit *at, const struct drift_rows *run)
{
	const struct monitor *monitor = at->self->comparison.monitor;
	bool closes = false;
	for (size_t i = 0; i < run->count && !closes; i++)
		closes = (i == 0 || run->moments[i].time_ms != run->moments[i - 1].time_ms) &&
			 monitor_closes(monitor, run->count, run->moments[i].time_ms);
	return closes;
}

/* Whether online methods look into the window at rows of the run. */
static bool run_is_looked_at(const struct drift_visit *at, const struct drift_rows *run, const struct drift_window_state *state)
{
	const struct monitor *monitor = at->self->comparison.monitor;
	const uint64_t rows = state->position.rows;
	return at->self->group ? monitor_look_is_due(monitor, rows, rows + run->count) : monitor_is_online(monitor);
}

/* The stored rows are not whole: the window begins anew. False: LIMIT. */
static bool window_begin_anew(struct drift_visit *at, struct text segment, struct drift_window_state *state)
{
	struct monitor *monitor = at->self->comparison.monitor;
	const uint64_t window = state->position.window;
	state->position = monitor_start();
	state->position.window = window;
	state->chunks = 0;
	state->performance = (struct performance){0};
	at->sums = (struct drift_sums){0};
	monitor_resume(monitor, &state->position);
	(void)monitor_detectors_read(monitor, TEXT(""));
	return drift_settling_drop(&at->settling, at->visit, segment, at->error);
}

/* Brings the monitor to the segment. It gets the stored rows only if the run closes a window, or online methods look into it; or
 * there is no run (NULL), as the window ends. False: LIMIT. */
static bool monitor_bring(struct drift_visit *at, struct text segment, const struct drift_rows *run,
			  struct drift_window_state *state)
{
	struct drift_observer *self = at->self;
	struct monitor *monitor = self->comparison.monitor;
	const bool is_set_back = state->resets != row_order_watermarks(self->waiting)->resets;
	state->resets = row_order_watermarks(self->waiting)->resets;
	if (is_set_back)
		self->filled = false;
	if (self->filled && self->chain == state->chain) /* a segment with the same rows would have the same window */
		return true;
	self->filled = true;
	monitor_resume(monitor, &state->position);
	if (is_set_back)
		monitor_set_back(monitor);
	if (state->position.rows == 0) {
		drift_window_detectors_read(at->visit, segment, state, monitor);
		return true;
	}
	if (run && !run_closes(at, run) && !run_is_looked_at(at, run, state)) {
		monitor_resume_blank(monitor, &state->position);
		self->filled = false;
	} else if (!rows_put_back(at, segment, state, is_set_back)) {
		return window_begin_anew(at, segment, state);
	}
	return true;
}

bool drift_state_write(const struct drift_visit *at, struct text segment, const struct drift_window_state *state)
{
	at->self->chain = state->chain;
	return drift_window_write(at->visit, segment, state, at->error);
}

/* ---- visits ---- */

/* A window that has closed, for the past. The alarm before it may have ended so often that it is to be learnt; one of a single
 * window may be false, and does not count. */
static struct past_window window_of(const struct drift_visit *at, const struct monitor_verdict *verdict, int64_t closed_ms,
				    struct drift_alarms *alarms)
{
	const bool by_count = at->self->comparison.settings.window_ms == 0;
	const bool alarmed = drift_is_found(at->step->options, verdict) || verdict->quality_alarm;
	const bool ends = verdict->judged && !alarmed && alarms->windows >= ALARM_WINDOWS_LEAST;
	if (verdict->feature_count == 0) /* nothing is known to compare with */
		*alarms = (struct drift_alarms){0};
	alarms->ended += ends;
	alarms->windows = alarmed ? alarms->windows + 1 : verdict->judged ? 0 : alarms->windows;
	return (struct past_window){by_count ? closed_ms : verdict->begin_ms, alarmed, ends && alarms->ended >= PAST_RETURNS};
}

/* Adds the window that the row has closed to the past. The monitor may then be another, which has what is in the open window. */
static bool past_take(struct drift_visit *at, const struct monitor_verdict *verdict, const double *row,
		      struct monitor_moment moment, struct drift_window_state *state)
{
	struct drift_observer *self = at->self;
	const struct monitor_position position = monitor_position_of(self->comparison.monitor);
	const struct past_window window = window_of(at, verdict, moment.time_ms, &state->alarms);
	struct past_change change;
	if (!drift_past_add(self->past, at->visit, &window, &change, at->error))
		return false;
	state->alarms.ended = change.accepted ? 0 : state->alarms.ended;
	if (!change.renewed)
		return true;
	drift_watching_note(self);
	monitor_resume(self->comparison.monitor, &position);
	if (position.rows > 0)
		monitor_put_back(self->comparison.monitor, 0, row, moment);
	return true;
}

/* Adds a row to what its window estimates, and to the rows that wait for their truths. */
static bool row_estimate(struct drift_visit *at, const struct drift_rows *run, size_t row, struct drift_window_state *state)
{
	drift_chances_add(&run->chances, run->chance + row, &state->performance, &at->sums);
	return !run->requests ||
	       drift_settling_add(&at->settling, at->visit, &run->chances, run->chance + row, &run->requests[row], at->error);
}

static bool rows_add(struct drift_visit *at, const struct drift_rows *run, struct drift_window_state *state)
{
	struct drift_observer *self = at->self;
	const size_t width = self->comparison.reference.feature_count;
	const bool by_count = self->comparison.settings.window_ms == 0; /* the row that closes such a window is in it */
	uint64_t before = state->position.rows;
	size_t first = 0; /* of the rows that are in the open window */
	bool closed = false;
	for (size_t i = 0; i < run->count; i++) {
		const struct monitor_moment moment = run->moments[i];
		const double *row = run->values + i * width;
		const struct monitor_verdict *verdict =
			monitor_add_from(self->comparison.monitor, row, moment.time_ms, moment.partition);
		if (by_count && !row_estimate(at, run, i, state))
			return false;
		const struct monitor_verdict *early = verdict ? NULL : monitor_early(self->comparison.monitor);
		if ((verdict && !drift_record_verdict(at, run->segment, verdict, state)) ||
		    (early && !drift_record_early(at, run->segment, early, state)))
			return false;
		if (!by_count && !row_estimate(at, run, i, state))
			return false;
		if (!verdict)
			continue;
		if (self->past && !past_take(at, verdict, row, moment, state))
			return false;
		closed = true;
		before = 0;
		first = i + 1 - (size_t)monitor_position_of(self->comparison.monitor).rows;
		state->chunks = 0;
	}
	const struct monitor_verdict *found = self->filled ? monitor_look_back(self->comparison.monitor, before) : NULL;
	if (found && !drift_record_early(at, run->segment, found, state))
		return false;
	state->position = monitor_position_of(self->comparison.monitor);
	const int64_t last_ms = run->moments[run->count - 1].time_ms;
	const uint64_t chain = hash_bytes(&last_ms, sizeof last_ms, state->chain);
	state->chain = hash_bytes(run->values, run->count * width * sizeof *run->values, chain);
	return drift_window_rows_write(at->visit, run->segment, row_form(self), run->values + first * width, run->moments + first,
				       run->count - first, state, at->error) &&
	       (!closed || drift_window_detectors_write(at->visit, run->segment, state, self->comparison.monitor, at->error));
}

/* ---- former segments ---- */

static bool segment_is_present(const struct drift_visit *at, struct text segment)
{
	struct text name;
	for (uint64_t i = 0; i < at->tally.segments; i++)
		if (drift_segment_named(at->visit, at->tally.base + i, &name) && text_equal(name, segment))
			return true;
	return false;
}

/* Forgets the former segment of that number, unless it has come again. One that the step had before its last change goes on, if the
 * step is again what it was. `gone`: as of drift_window_forget(). */
static bool former_forget(struct drift_visit *at, uint64_t number, size_t *chunks, bool *gone)
{
	struct drift_window_state state;
	struct text name;
	*gone = true;
	if (!drift_segment_named(at->visit, number, &name))
		return true;
	if (drift_window_read(at->visit, name, at->self->identity, &state)) {
		if (segment_is_present(at, name))
			return true;
		if (drift_tally_admit(&at->tally, at->self->group != NULL))
			return drift_segment_index(at->visit, at->tally.base + at->tally.segments - 1, name, at->error);
	}
	return drift_window_forget(at->visit, name, chunks, gone, at->error) &&
	       (!*gone || (drift_settling_forget(&at->settling, at->visit, name, at->error) && drift_record_beginning(at, name)));
}

bool drift_formers_forget(struct drift_visit *at)
{
	struct drift_tally *tally = &at->tally;
	size_t chunks = DRIFT_FORGOTTEN_CHUNKS_MOST;
	bool gone = true;
	for (size_t i = 0; i < DRIFT_FORGOTTEN_MOST && tally->former < tally->base && gone; i++) {
		if (!former_forget(at, tally->former, &chunks, &gone))
			return false;
		if (gone && !drift_segment_unindex(at->visit, tally->former++, at->error))
			return false;
	}
	return true;
}

bool drift_segment_begin(struct drift_visit *at, struct text segment)
{
	return drift_segment_index(at->visit, at->tally.base + at->tally.segments - 1, segment, at->error) &&
	       drift_record_beginning(at, segment);
}

/* ---- runs ---- */

static bool is_estimated(const struct drift_visit *at)
{
	return drift_estimates_any(&((const struct drift *)at->step->options)->estimate);
}

/* Stores what has become of the segment. */
static bool segment_leave(struct drift_visit *at, struct text segment, const struct drift_window_state *state)
{
	if (!drift_settling_leave(&at->settling, at->visit, segment, at->error) || !drift_state_write(at, segment, state) ||
	    (is_estimated(at) && !drift_window_sums_write(at->visit, segment, state, &at->sums, at->error)))
		return false;
	if (at->self->entry)
		verdict_entry_set(at->self->entry, segment, state->last);
	return true;
}

/* Brings what the state has of the segment's window, for rows that come to it; NULL: as it ends. */
static bool segment_enter(struct drift_visit *at, struct text segment, const struct drift_rows *run,
			  struct drift_window_state *state)
{
	if (is_estimated(at))
		drift_window_sums_read(at->visit, segment, state, &at->sums);
	if (!drift_settling_enter(&at->settling, at->visit, segment, at->self->identity, state->position.window, at->error) ||
	    !monitor_bring(at, segment, run, state))
		return false;
	monitor_share(at->self->comparison.monitor, at->tally.segments);
	return true;
}

bool drift_rows_take(struct drift_visit *at, const struct drift_rows *run)
{
	struct drift_observer *self = at->self;
	struct drift_window_state state;
	if (run->numbers != self->comparison.reference.feature_count) { /* a past has begun anew meanwhile */
		at->tally.unusable += run->count;
		return true;
	}
	const bool begins = !drift_window_read(at->visit, run->segment, self->identity, &state);
	if (begins && !drift_tally_admit(&at->tally, self->group != NULL)) {
		at->tally.beyond += run->count;
		at->tally.beyond_all += run->count;
		return true;
	}
	if ((begins && !drift_segment_begin(at, run->segment)) || !segment_enter(at, run->segment, run, &state))
		return false;
	state.arrived_ms = row_order_watermarks(self->waiting)->passed_ms;
	return rows_add(at, run, &state) && segment_leave(at, run->segment, &state);
}

/* The window that has ended is part of the chain: another engine, which has the same rows, has not ended it. */
static bool window_end(struct drift_visit *at, struct text segment, struct drift_window_state *state)
{
	struct drift_observer *self = at->self;
	struct monitor *monitor = self->comparison.monitor;
	const struct monitor_verdict *verdict = monitor_close_over(monitor);
	if (!verdict) /* its rows were not whole */
		return true;
	const int64_t end_ms = verdict->end_ms;
	if (!drift_record_verdict(at, segment, verdict, state) ||
	    (self->past && !past_take(at, verdict, NULL, (struct monitor_moment){0}, state)))
		return false;
	state->chunks = 0;
	state->position = monitor_position_of(self->comparison.monitor);
	state->chain = hash_bytes(&end_ms, sizeof end_ms, state->chain);
	return drift_window_detectors_write(at->visit, segment, state, self->comparison.monitor, at->error);
}

/* Closes the open window by time of a segment, whose end has come; as it was read. */
static bool segment_end(struct drift_visit *at, struct text segment, struct drift_window_state *state)
{
	return segment_enter(at, segment, NULL, state) && window_end(at, segment, state) && segment_leave(at, segment, state);
}

bool drift_held_take(struct drift_visit *at, int64_t horizon_ms, size_t most)
{
	const struct drift *options = at->step->options;
	struct arena *arena = visit_arena(at->visit);
	struct drift_rows rows;
	struct error error = {0};
	while (row_order_take(at->self->waiting, horizon_ms, most, arena, &options->estimate, &rows, &error)) {
		if (!drift_rows_take(at, &rows))
			return false;
		most -= rows.count;
	}
	if (error.kind != ERROR_NONE)
		*at->error = error;
	return error.kind == ERROR_NONE;
}

/* ---- the end of what waits, on a stream that stops ---- */

static bool windows_end_by_time(const struct drift_visit *at)
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
static bool open_segment_read(const struct drift_visit *at, uint64_t number, struct text *segment, struct drift_window_state *state)
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
	if (!windows_end_by_time(at))
		return false;
	for (uint64_t i = 0; i < segments_of(at); i++) {
		const int64_t due_ms = open_segment_read(at, i, &segment, &state) ? window_due_ms(at->self, &state) : INT64_MAX;
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
	if (!windows_end_by_time(at))
		return true;
	for (uint64_t i = 0; row_order_is_empty(waiting) && i < segments_of(at) && closed < ENDING_WINDOWS_MAX; i++) {
		if (!open_segment_read(at, i, &segment, &state) || clock_ms < window_due_ms(at->self, &state))
			continue;
		closed++;
		if (!segment_end(at, segment, &state))
			return false;
	}
	return true;
}
