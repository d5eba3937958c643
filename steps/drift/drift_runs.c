/* drift_runs.c: Rows of a segment in the windows of a step `drift`: what the state has of a window comes to the monitor, rows are
 * added to it, and what has changed is stored. Part of the observer (steps/drift/drift_observer_parts.h). */
#include <string.h>

#include "base/hash.h"
#include "steps/drift/drift_detectors.h"
#include "steps/drift/drift_observer_parts.h"

#define CHUNK_BYTES_MAX 65536 /* of rows, so that a chunk fits a record */
#define ALARM_WINDOWS_LEAST 2 /* of an alarm that counts as one that has ended */

/* ---- state ---- */

static struct drift_row_form row_form(const struct drift_observer *self)
{
	const bool ordered = self->comparison.settings.methods & MONITOR_ONLINE;
	return (struct drift_row_form){self->comparison.reference.feature_count, ordered};
}

static struct drift_detectors_place detectors_place(const struct drift_visit *at, struct text segment,
						    const struct drift_kept *kept)
{
	return (struct drift_detectors_place){segment, at->self->identity, kept->position.window};
}

static void detectors_bring(const struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	const struct drift_detectors_place place = detectors_place(at, segment, kept);
	drift_detectors_bring(at->visit, &place, at->self->comparison.monitor);
}

static bool chunks_put_back(const struct drift_visit *at, struct text segment, const struct drift_kept *kept, bool is_set_back)
{
	monitor_resume(at->self->comparison.monitor, &kept->position);
	if (is_set_back)
		monitor_set_back(at->self->comparison.monitor);
	detectors_bring(at, segment, kept);
	for (uint64_t i = 0; i < kept->chunks; i++)
		if (!drift_chunk_put_back(at->visit, segment, i, row_form(at->self), at->self->comparison.monitor))
			return false;
	return true;
}

/* Whether the rows of the run may close a window. */
static bool run_closes(const struct drift_visit *at, const struct drift_run *run)
{
	const struct monitor *monitor = at->self->comparison.monitor;
	bool closes = false;
	for (size_t i = 0; i < run->count && !closes; i++)
		closes = (i == 0 || run->moments[i].time_ms != run->moments[i - 1].time_ms) &&
			 monitor_closes(monitor, run->count, run->moments[i].time_ms);
	return closes;
}

/* Whether online methods look into the window at rows of the run. */
static bool run_is_looked_at(const struct drift_visit *at, const struct drift_run *run, const struct drift_kept *kept)
{
	const struct monitor *monitor = at->self->comparison.monitor;
	const uint64_t rows = kept->position.rows;
	return at->self->group ? monitor_look_is_due(monitor, rows, rows + run->count) : monitor_is_online(monitor);
}

/* The stored rows are not whole: the window begins anew. False: LIMIT. */
static bool window_begin_anew(struct drift_visit *at, struct text segment, struct drift_kept *kept)
{
	struct monitor *monitor = at->self->comparison.monitor;
	const uint64_t window = kept->position.window;
	kept->position = monitor_start();
	kept->position.window = window;
	kept->chunks = 0;
	kept->performance = (struct performance){0};
	at->sums = (struct drift_sums){0};
	monitor_resume(monitor, &kept->position);
	(void)monitor_detectors_read(monitor, TEXT(""));
	return drift_settling_drop(&at->settling, at->visit, segment, at->error);
}

/* Brings the monitor to the segment. It gets the stored rows only if the run closes a window, or online methods look into it; or
 * there is no run (NULL), as the window ends. False: LIMIT. */
static bool monitor_bring(struct drift_visit *at, struct text segment, const struct drift_run *run, struct drift_kept *kept)
{
	struct drift_observer *self = at->self;
	struct monitor *monitor = self->comparison.monitor;
	const bool is_set_back = kept->resets != drift_waiting_watermarks(self->waiting)->resets;
	kept->resets = drift_waiting_watermarks(self->waiting)->resets;
	if (is_set_back)
		self->filled = false;
	if (self->filled && self->chain == kept->chain) /* a segment with the same rows would have the same window */
		return true;
	self->filled = true;
	monitor_resume(monitor, &kept->position);
	if (is_set_back)
		monitor_set_back(monitor);
	if (kept->position.rows == 0) {
		detectors_bring(at, segment, kept);
		return true;
	}
	if (run && !run_closes(at, run) && !run_is_looked_at(at, run, kept)) {
		monitor_resume_blank(monitor, &kept->position);
		self->filled = false;
	} else if (!chunks_put_back(at, segment, kept, is_set_back)) {
		return window_begin_anew(at, segment, kept);
	}
	return true;
}

/* Stores the rows of a run that are in the open window: all from `from`, the first of which has the number `first`. */
static bool rows_keep(const struct drift_visit *at, const struct drift_run *run, size_t from, struct drift_kept *kept)
{
	const struct drift_observer *self = at->self;
	const struct drift_row_form form = row_form(self);
	const size_t count = run->count - from, row_bytes = drift_row_bytes(form);
	const size_t most = CHUNK_BYTES_MAX / row_bytes > 0 ? CHUNK_BYTES_MAX / row_bytes : 1;
	const uint64_t stride = kept->position.stride, first = kept->position.rows - count;
	for (size_t done = 0; done < count; done += most) {
		const struct drift_chunk chunk = {first + done, count - done < most ? count - done : most};
		char bytes[DRIFT_KEY_BYTES];
		const uint64_t next = (chunk.first + stride - 1) / stride * stride; /* that the window keeps */
		if (next >= chunk.first + chunk.count)
			continue;
		char *stored = visit_remember(at->visit, drift_chunk_key(run->segment, kept->chunks, bytes),
					      sizeof chunk + chunk.count * row_bytes, at->error);
		if (!stored)
			return false;
		memcpy(stored, &chunk, sizeof chunk);
		for (uint64_t i = 0; i < chunk.count; i++)
			drift_row_store(form, run->rows + (from + done + i) * form.numbers, run->moments[from + done + i],
					stored + sizeof chunk + i * row_bytes);
		kept->chunks++;
	}
	return true;
}

bool drift_kept_write(const struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	char bytes[DRIFT_KEY_BYTES];
	char *stored = visit_remember(at->visit, drift_window_key(segment, bytes), DRIFT_KEPT_BYTES, at->error);
	if (!stored)
		return false;
	drift_kept_store(kept, stored);
	at->self->chain = kept->chain;
	return true;
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
		      struct monitor_moment moment, struct drift_kept *kept)
{
	struct drift_observer *self = at->self;
	const struct monitor_position position = monitor_position_of(self->comparison.monitor);
	const struct past_window window = window_of(at, verdict, moment.time_ms, &kept->alarms);
	struct past_change change;
	if (!drift_past_add(self->past, at->visit, &window, &change, at->error))
		return false;
	kept->alarms.ended = change.accepted ? 0 : kept->alarms.ended;
	if (!change.renewed)
		return true;
	drift_watching_note(self);
	monitor_resume(self->comparison.monitor, &position);
	if (position.rows > 0)
		monitor_put_back(self->comparison.monitor, 0, row, moment);
	return true;
}

/* Adds a row to what its window estimates, and to the rows that wait for their truths. */
static bool row_estimate(struct drift_visit *at, const struct drift_run *run, size_t row, struct drift_kept *kept)
{
	drift_chances_add(&run->chances, run->chance + row, &kept->performance, &at->sums);
	return !run->requests ||
	       drift_settling_add(&at->settling, at->visit, &run->chances, run->chance + row, &run->requests[row], at->error);
}

static bool rows_add(struct drift_visit *at, const struct drift_run *run, struct drift_kept *kept)
{
	struct drift_observer *self = at->self;
	const size_t width = self->comparison.reference.feature_count;
	const bool by_count = self->comparison.settings.window_ms == 0; /* the row that closes such a window is in it */
	uint64_t before = kept->position.rows;
	size_t first = 0; /* of the rows that are in the open window */
	bool closed = false;
	for (size_t i = 0; i < run->count; i++) {
		const struct monitor_moment moment = run->moments[i];
		const double *row = run->rows + i * width;
		const struct monitor_verdict *verdict =
			monitor_add_from(self->comparison.monitor, row, moment.time_ms, moment.partition);
		if (by_count && !row_estimate(at, run, i, kept))
			return false;
		const struct monitor_verdict *early = verdict ? NULL : monitor_early(self->comparison.monitor);
		if ((verdict && !drift_record_verdict(at, run->segment, verdict, kept)) ||
		    (early && !drift_record_early(at, run->segment, early, kept)))
			return false;
		if (!by_count && !row_estimate(at, run, i, kept))
			return false;
		if (!verdict)
			continue;
		if (self->past && !past_take(at, verdict, row, moment, kept))
			return false;
		closed = true;
		before = 0;
		first = i + 1 - (size_t)monitor_position_of(self->comparison.monitor).rows;
		kept->chunks = 0;
	}
	const struct monitor_verdict *found = self->filled ? monitor_look_back(self->comparison.monitor, before) : NULL;
	if (found && !drift_record_early(at, run->segment, found, kept))
		return false;
	kept->position = monitor_position_of(self->comparison.monitor);
	const int64_t last_ms = run->moments[run->count - 1].time_ms;
	const uint64_t chain = hash_bytes(&last_ms, sizeof last_ms, kept->chain);
	kept->chain = hash_bytes(run->rows, run->count * width * sizeof *run->rows, chain);
	const struct drift_detectors_place place = detectors_place(at, run->segment, kept);
	return rows_keep(at, run, first, kept) &&
	       (!closed || drift_detectors_keep(at->visit, &place, self->comparison.monitor, at->error));
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
 * step is again what it was. `gone`: as of drift_kept_forget(). */
static bool former_forget(struct drift_visit *at, uint64_t number, size_t *chunks, bool *gone)
{
	struct drift_kept kept;
	struct text name;
	*gone = true;
	if (!drift_segment_named(at->visit, number, &name))
		return true;
	if (drift_kept_read(at->visit, name, at->self->identity, &kept)) {
		if (segment_is_present(at, name))
			return true;
		if (drift_tally_admit(&at->tally, at->self->group != NULL))
			return drift_segment_index(at->visit, at->tally.base + at->tally.segments - 1, name, at->error);
	}
	return drift_kept_forget(at->visit, name, chunks, gone, at->error) &&
	       (!*gone || (drift_detectors_forget(at->visit, name, at->error) && drift_sums_forget(at->visit, name, at->error) &&
			   drift_settling_forget(&at->settling, at->visit, name, at->error) && drift_record_beginning(at, name)));
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

static struct drift_sums_place sums_place(const struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	return (struct drift_sums_place){segment, at->self->identity, kept->position.window};
}

static void sums_bring(struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	const struct drift_sums_place place = sums_place(at, segment, kept);
	if (is_estimated(at))
		drift_sums_read(at->visit, &place, &at->sums);
}

static bool sums_keep(const struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	const struct drift_sums_place place = sums_place(at, segment, kept);
	return !is_estimated(at) || drift_sums_keep(at->visit, &place, &at->sums, at->error);
}

/* Stores what has become of the segment. */
static bool segment_leave(struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	if (!drift_settling_leave(&at->settling, at->visit, segment, at->error) || !drift_kept_write(at, segment, kept) ||
	    !sums_keep(at, segment, kept))
		return false;
	if (at->self->entry)
		verdict_entry_set(at->self->entry, segment, kept->last);
	return true;
}

bool drift_run_take(struct drift_visit *at, const struct drift_run *run)
{
	struct drift_observer *self = at->self;
	struct drift_kept kept;
	const bool begins = !drift_kept_read(at->visit, run->segment, at->self->identity, &kept);
	if (begins && !drift_tally_admit(&at->tally, self->group != NULL)) {
		at->tally.beyond += run->count;
		at->tally.beyond_all += run->count;
		return true;
	}
	if (begins && !drift_segment_begin(at, run->segment))
		return false;
	sums_bring(at, run->segment, &kept);
	if (!drift_settling_enter(&at->settling, at->visit, run->segment, self->identity, kept.position.window, at->error) ||
	    !monitor_bring(at, run->segment, run, &kept))
		return false;
	monitor_share(self->comparison.monitor, at->tally.segments);
	kept.arrived_ms = drift_waiting_watermarks(self->waiting)->passed_ms;
	return rows_add(at, run, &kept) && segment_leave(at, run->segment, &kept);
}

/* The window that has ended is part of the chain: another engine, which has the same rows, has not ended it. */
static bool window_end(struct drift_visit *at, struct text segment, struct drift_kept *kept)
{
	struct drift_observer *self = at->self;
	struct monitor *monitor = self->comparison.monitor;
	const struct monitor_verdict *verdict = monitor_close_over(monitor);
	if (!verdict) /* its rows were not whole */
		return true;
	const int64_t end_ms = verdict->end_ms;
	if (!drift_record_verdict(at, segment, verdict, kept) ||
	    (self->past && !past_take(at, verdict, NULL, (struct monitor_moment){0}, kept)))
		return false;
	kept->chunks = 0;
	kept->position = monitor_position_of(self->comparison.monitor);
	kept->chain = hash_bytes(&end_ms, sizeof end_ms, kept->chain);
	const struct drift_detectors_place place = detectors_place(at, segment, kept);
	return drift_detectors_keep(at->visit, &place, self->comparison.monitor, at->error);
}

bool drift_run_end(struct drift_visit *at, struct text segment, struct drift_kept *kept)
{
	sums_bring(at, segment, kept);
	if (!drift_settling_enter(&at->settling, at->visit, segment, at->self->identity, kept->position.window, at->error) ||
	    !monitor_bring(at, segment, NULL, kept))
		return false;
	monitor_share(at->self->comparison.monitor, at->tally.segments);
	return window_end(at, segment, kept) && segment_leave(at, segment, kept);
}

/* ---- rows that are in their place ---- */

bool drift_rows_take(struct drift_visit *at, const struct drift_rows *rows)
{
	if (rows->numbers != at->self->comparison.reference.feature_count) { /* a past has begun anew meanwhile */
		at->tally.unusable += rows->count;
		return true;
	}
	const struct drift_run run = {rows->segment, rows->values, rows->moments, rows->count,
				      rows->chances, rows->chance, rows->requests};
	return drift_run_take(at, &run);
}

bool drift_held_take(struct drift_visit *at, int64_t horizon_ms, size_t most)
{
	const struct drift *options = at->step->options;
	struct arena *arena = visit_arena(at->visit);
	struct drift_rows rows;
	struct error error = {0};
	while (drift_waiting_take(at->self->waiting, horizon_ms, most, arena, &options->estimate, &rows, &error)) {
		if (!drift_rows_take(at, &rows))
			return false;
		most -= rows.count;
	}
	if (error.kind != ERROR_NONE)
		*at->error = error;
	return error.kind == ERROR_NONE;
}
