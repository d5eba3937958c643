/* drift_observer.c: see drift_observer.h. */
#include "steps/drift_observer.h"

#include <string.h>

#include "base/duration.h"
#include "base/hash.h"
#include "message/slice.h"
#include "steps/drift_detectors.h"
#include "steps/drift_identity.h"
#include "steps/drift_observer_parts.h"

#define CHUNK_BYTES_MAX 65536 /* of rows, so that a chunk fits a record */

/* ---- opening ---- */

static double observer_share(const struct step *step)
{
	return ((const struct drift *)step->options)->share;
}

/* A `groupBy` may use anything of a message. */
static bool observer_slices(const struct step *step)
{
	return !((const struct drift *)step->options)->group;
}

static bool tensor_has(const struct tensor *tensor, const struct name *name)
{
	return name->text && text_is(tensor->name, name->text);
}

/* Of tensors without a name in `tensors`, those of numbers. */
static bool observer_reads(const struct step *step, const struct tensor *tensor)
{
	const struct drift *options = step->options;
	const struct drift_estimate_options *estimate = &options->estimate;
	for (size_t i = 0; i < options->tensors.count; i++)
		if (text_is(tensor->name, options->tensors.items[i].text))
			return true;
	return options->tensors.count == 0
		       ? tensor->datatype != DATATYPE_BYTES
		       : tensor_has(tensor, &estimate->probabilities) || tensor_has(tensor, &estimate->error.expected);
}

static uint64_t identity_of(const struct drift_comparison *comparison, const struct expression *group)
{
	const struct monitor_settings *settings = &comparison->settings;
	const struct text source = group ? expression_source(group) : TEXT("");
	const int64_t window[] = {settings->window_rows, settings->window_ms};
	const uint64_t reference = hash_bytes(comparison->content.bytes, comparison->content.length, DRIFT_KEPT_VERSION);
	const unsigned online = settings->methods & MONITOR_ONLINE;
	const uint64_t before = online ? hash_bytes(&online, sizeof online, reference) : reference;
	return hash_bytes(source.bytes, source.length, hash_bytes(window, sizeof window, before));
}

static bool past_open(struct drift_observer *self, struct step *step, struct error *error)
{
	const struct drift *options = step->options;
	char duration[DURATION_TEXT_MAX];
	duration_print(options->reference.past_ns, duration);
	self->reference = arena_print(step->arena, "past %s", duration);
	self->past = ARENA_NEW(step->arena, struct drift_past);
	step->state = self;
	if (!self->past || !self->reference)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	return drift_past_open(self->past, &self->comparison, step, error);
}

static bool topic_open(struct drift_observer *self, struct step *step, struct error *error)
{
	const struct drift *options = step->options;
	self->reference = arena_print(step->arena, "topic %s", options->reference.topic);
	self->topic = ARENA_NEW(step->arena, struct drift_topic);
	if (!self->topic || !self->reference)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	return drift_topic_open(self->topic, &self->comparison, step, self->entry, error);
}

/* The file; or the past, which is known with the first message; or that of a topic, which is known later. */
static bool reference_open(struct drift_observer *self, struct step *step, struct error *error)
{
	const struct drift *options = step->options;
	self->reference = options->reference.file.text;
	if (options->reference.past_ns)
		return past_open(self, step, error);
	return options->reference.topic ? topic_open(self, step, error) : drift_comparison_open(&self->comparison, step, error);
}

static void observer_close(struct step *step)
{
	struct drift_observer *self = step->state;
	if (self->past)
		drift_past_close(self->past);
}

static bool observer_open(struct step *step, struct error *error)
{
	struct drift_observer *self = ARENA_NEW(step->arena, struct drift_observer);
	if (!self)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	self->watched = arena_copy(step->arena, step->name, strlen(step->name) - strlen(OBSERVER_SUFFIX));
	self->entry = self->watched ? verdict_board_entry(step->board, step->pipeline, self->watched) : NULL;
	if (!reference_open(self, step, error) || !drift_identity(step, &self->verdict_identity, error))
		return false;
	self->comparison.lenient = true;
	self->group = ((const struct drift *)step->options)->group;
	self->identity = self->tally_identity = identity_of(&self->comparison, self->group);
	step->state = self;
	return (self->watched && (self->entry || !step->board)) || error_memory(error, ERROR_SYSTEM, "opening a step");
}

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

static bool chunks_put_back(const struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	monitor_resume(at->self->comparison.monitor, &kept->position);
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
	for (size_t i = 0; i < (at->times_ms ? run->count : 1) && !closes; i++)
		closes = monitor_closes(monitor, run->count, drift_row_time_ms(at, run->first + i));
	return closes;
}

/* Whether online methods look into the window at rows of the run. */
static bool run_is_looked_at(const struct drift_visit *at, const struct drift_run *run, const struct drift_kept *kept)
{
	const struct monitor *monitor = at->self->comparison.monitor;
	const uint64_t rows = kept->position.rows;
	return at->self->group ? monitor_look_is_due(monitor, rows, rows + run->count) : monitor_is_online(monitor);
}

/* Brings the monitor to the segment. It gets the stored rows only if the run closes a window, or online methods look into it, and
 * the window begins anew if these are not whole. */
static void monitor_bring(struct drift_visit *at, const struct drift_run *run, struct drift_kept *kept)
{
	struct drift_observer *self = at->self;
	struct monitor *monitor = self->comparison.monitor;
	if (self->filled && self->chain == kept->chain) /* a segment with the same rows would have the same window */
		return;
	self->filled = true;
	monitor_resume(monitor, &kept->position);
	if (kept->position.rows == 0) {
		detectors_bring(at, run->segment, kept);
		return;
	}
	if (!run_closes(at, run) && !run_is_looked_at(at, run, kept)) {
		monitor_resume_blank(monitor, &kept->position);
		self->filled = false;
	} else if (!chunks_put_back(at, run->segment, kept)) {
		const uint64_t window = kept->position.window;
		kept->position = monitor_start();
		kept->position.window = window;
		kept->chunks = 0;
		kept->performance = (struct performance){0};
		at->sums = (struct drift_sums){0};
		monitor_resume(monitor, &kept->position);
		(void)monitor_detectors_read(monitor, TEXT(""));
	}
}

static struct monitor_moment row_moment(const struct drift_visit *at, size_t row)
{
	return (struct monitor_moment){drift_row_time_ms(at, row), visit_message(at->visit)->origin.partition};
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
			drift_row_store(form, run->rows + (from + done + i) * form.numbers,
					row_moment(at, run->first + from + done + i), stored + sizeof chunk + i * row_bytes);
		kept->chunks++;
	}
	return true;
}

static bool kept_write(const struct drift_visit *at, struct text segment, const struct drift_kept *kept)
{
	char bytes[DRIFT_KEY_BYTES];
	struct drift_kept *stored = visit_remember(at->visit, drift_window_key(segment, bytes), sizeof *kept, at->error);
	if (!stored)
		return false;
	*stored = *kept;
	at->self->chain = kept->chain;
	return true;
}

/* ---- visits ---- */

/* Adds the window that the row has closed to the past. The monitor may then be another, which has what is in the open window. */
static bool past_take(struct drift_visit *at, const struct past_window *window, const double *row,
		      struct monitor_moment moment)
{
	struct drift_observer *self = at->self;
	const struct monitor_position position = monitor_position_of(self->comparison.monitor);
	bool renewed;
	if (!drift_past_add(self->past, at->visit, window, &renewed, at->error))
		return false;
	if (!renewed)
		return true;
	drift_watching_note(self);
	monitor_resume(self->comparison.monitor, &position);
	if (position.rows > 0)
		monitor_put_back(self->comparison.monitor, 0, row, moment);
	return true;
}

static bool rows_add(struct drift_visit *at, const struct drift_run *run, struct drift_kept *kept)
{
	struct drift_observer *self = at->self;
	const size_t width = self->comparison.reference.feature_count;
	const bool by_count = self->comparison.settings.window_ms == 0; /* the row that closes such a window is in it */
	uint64_t before = kept->position.rows;
	size_t first = 0;						/* of the rows that are in the open window */
	bool closed = false;
	for (size_t i = 0; i < run->count; i++) {
		const struct monitor_moment moment = row_moment(at, run->first + i);
		const double *row = run->rows + i * width;
		const struct monitor_verdict *verdict =
			monitor_add_from(self->comparison.monitor, row, moment.time_ms, moment.partition);
		if (by_count)
			drift_chances_add(&run->chances, run->first + i, &kept->performance, &at->sums);
		const struct monitor_verdict *early = verdict ? NULL : monitor_early(self->comparison.monitor);
		if ((verdict && !drift_record_verdict(at, run->segment, verdict, kept)) ||
		    (early && !drift_record_early(at, run->segment, early, kept)))
			return false;
		if (!by_count)
			drift_chances_add(&run->chances, run->first + i, &kept->performance, &at->sums);
		if (!verdict)
			continue;
		const struct past_window window = {by_count ? moment.time_ms : verdict->begin_ms,
						   drift_is_found(at->step->options, verdict) || verdict->quality_alarm};
		if (self->past && !past_take(at, &window, row, moment))
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
	const int64_t last_ms = drift_row_time_ms(at, run->first + run->count - 1);
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
			   drift_record_beginning(at, name)));
}

/* Forgets some. */
static bool formers_forget(struct drift_visit *at)
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

static bool segment_begin(struct drift_visit *at, struct text segment)
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

static bool run_take(struct drift_visit *at, const struct drift_run *run)
{
	struct drift_observer *self = at->self;
	struct drift_kept kept;
	const bool begins = !drift_kept_read(at->visit, run->segment, at->self->identity, &kept);
	if (begins && !drift_tally_admit(&at->tally, self->group != NULL)) {
		at->tally.beyond += run->count;
		at->tally.beyond_all += run->count;
		return true;
	}
	if (begins && !segment_begin(at, run->segment))
		return false;
	sums_bring(at, run->segment, &kept);
	monitor_bring(at, run, &kept);
	monitor_share(self->comparison.monitor, at->tally.segments);
	if (!rows_add(at, run, &kept) || !kept_write(at, run->segment, &kept) || !sums_keep(at, run->segment, &kept))
		return false;
	if (self->entry)
		verdict_entry_set(self->entry, run->segment, kept.last);
	return true;
}

static bool runs_take(struct drift_visit *at, const double *rows, const struct text *segments, size_t count)
{
	const struct drift *options = at->step->options;
	const size_t width = at->self->comparison.reference.feature_count;
	const struct drift_chances chances = drift_chances_of(&options->estimate, visit_input(at->visit), count);
	for (size_t i = 0, end; i < count; i = end) {
		for (end = i + 1; end < count && text_equal(segments[end], segments[i]);)
			end++;
		const struct drift_run run = {segments[i], rows + i * width, end - i, chances, i};
		if (!run_take(at, &run))
			return false;
	}
	return true;
}

/* What came and was in no window is said after as much of it as a window has, if no verdict comes before. */
static bool unusable_say(struct drift_visit *at)
{
	struct drift_kept kept;
	if (at->tally.unusable + at->tally.awaited + at->tally.beyond < drift_unusable_most(at->self))
		return true;
	const bool begins = !drift_kept_read(at->visit, TEXT(""), at->self->identity, &kept);
	if (!drift_record_verdict(at, TEXT(""), NULL, &kept))
		return false;
	if (at->self->group || (begins && kept.last.quality_alarm != 1))
		return true;
	return (!begins || (drift_tally_admit(&at->tally, false) && segment_begin(at, TEXT("")))) &&
	       kept_write(at, TEXT(""), &kept);
}

/* Shows the last verdict of the stream, which an engine that has just started does not show before a row comes. */
static void last_show(const struct drift_visit *at)
{
	struct drift_kept kept;
	if (at->self->entry && !at->self->group && drift_kept_read(at->visit, TEXT(""), at->self->identity, &kept))
		verdict_entry_set(at->self->entry, TEXT(""), kept.last);
}

/* Forgets the past, and the open window: what was known of the stream is over. */
static bool past_forget(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	struct drift_kept kept;
	(void)drift_kept_read(at->visit, TEXT(""), at->self->identity, &kept);
	if (kept.last.verdict != DRIFT_LEARNING && !drift_record_beginning(at, TEXT("")))
		return false;
	const struct drift_kept begun = drift_kept_begin(self->identity, kept.position.window);
	if (!drift_past_forget(self->past, at->visit, at->error) || !kept_write(at, TEXT(""), &begun) ||
	    !drift_detectors_forget(at->visit, TEXT(""), at->error) || !drift_sums_forget(at->visit, TEXT(""), at->error))
		return false;
	if (self->entry)
		verdict_entry_set(self->entry, TEXT(""), begun.last);
	return true;
}

/* After as many messages as a window has, in a row, of which none is whole, or each has more than is watched, the past begins anew
 * with the next. A single one that fits shows that the stream is still what it was. */
static bool misfits_count(struct drift_visit *at, bool usable)
{
	struct drift_observer *self = at->self;
	if (!self->past)
		return true;
	const bool fits = usable && self->comparison.whole && !drift_past_lacks(self->past, visit_input(at->visit));
	at->tally.misfits = fits ? 0 : at->tally.misfits + 1;
	if (at->tally.misfits < drift_unusable_most(self))
		return true;
	at->tally.misfits = 0;
	return (usable && !drift_past_could_be(self->past, at->visit)) || past_forget(at);
}

/* Brings the past to the state. False: as drift_past_bring(). */
static bool past_bring(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	bool renewed;
	if (!self->past)
		return true;
	const bool good = drift_past_bring(self->past, at->visit, &renewed, at->error);
	if (renewed) {
		self->filled = false;
		self->identity = identity_of(&self->comparison, self->group);
		drift_watching_note(self);
	}
	return good;
}

/* Counts the messages that come before the reference of a topic is known. Each time that a window would be full, a record says
 * so. */
static bool messages_await(struct drift_visit *at)
{
	struct drift_kept kept;
	drift_watching_note(at->self);
	at->tally.unusable = drift_topic_waiting(at->visit);
	for (at->message = 0; at->message < at->messages; at->message++) {
		if (++at->tally.unusable < drift_unusable_most(at->self))
			continue;
		(void)drift_kept_read(at->visit, TEXT(""), at->self->identity, &kept);
		if (!drift_record_verdict(at, TEXT(""), NULL, &kept))
			return false;
	}
	return drift_topic_wait(at->visit, at->tally.unusable, at->error);
}

/* Whether the reference is there, which one of a topic need not be. */
static bool topic_bring(struct drift_observer *self)
{
	bool learnt = false;
	const bool known = !self->topic || drift_topic_bring(self->topic, &learnt);
	if (learnt)
		self->identity = self->tally_identity = identity_of(&self->comparison, self->group);
	return known;
}

/* Adds what waited to the tally. */
static bool waiting_take(struct drift_visit *at)
{
	const uint64_t waiting = at->self->topic ? drift_topic_waiting(at->visit) : 0;
	at->tally.awaited += waiting;
	return waiting == 0 || drift_topic_wait(at->visit, 0, at->error);
}

/* Whether a slice has a time for each row. */
static bool slice_fits(const struct drift_visit *at, size_t rows)
{
	return !at->times_ms || at->messages == rows ||
	       error_set(at->error, ERROR_INPUT, PLACE_NONE,
			 "%zu rows have %zu times; only the engine may write to a stage's topic", rows, at->messages);
}

static bool message_take(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	struct arena *arena = visit_arena(at->visit);
	const struct scope scope = visit_scope(at->visit, NULL);
	const struct tensor *texts;
	const double *rows = NULL;
	struct text *segments;
	size_t count = 0;
	if (!topic_bring(self))
		return messages_await(at);
	const bool known = past_bring(at);
	drift_tally_read(at->visit, self->tally_identity, &at->tally);
	if (self->entry)
		verdict_entry_begin(self->entry, self->verdict_identity);
	const struct drift_tally before = at->tally;
	if (!waiting_take(at))
		return false;
	const bool usable =
		known &&
		drift_comparison_rows(&self->comparison, visit_input(at->visit), arena, &rows, &count, &texts, at->error) &&
		slice_fits(at, count) && drift_segments_of(self->group, &scope, count, arena, &segments, at->error);
	if (!usable && (at->error->kind == ERROR_SYSTEM || at->error->kind == ERROR_LIMIT))
		return false;
	if ((usable && !runs_take(at, rows, segments, count)) || !formers_forget(at))
		return false;
	struct error misfit;
	if (!usable) {
		misfit = *at->error;
		at->misfit = misfit.text;
		*at->error = (struct error){0};
		last_show(at);
	}
	for (at->message = 0; at->message < at->messages; at->message++) {
		at->tally.unusable += !usable;
		if (!unusable_say(at) || !misfits_count(at, usable))
			return false;
	}
	if (self->entry)
		verdict_entry_set_beyond(self->entry, at->tally.beyond_all);
	return memcmp(&before, &at->tally, sizeof before) == 0 || drift_tally_keep(at->visit, &at->tally, at->error);
}

static enum step_verdict observer_run(struct step *step, struct visit *visit, struct error *error)
{
	struct drift_observer *self = step->state;
	visit_pass(visit);
	struct drift_visit at = {.self = self, .step = step, .visit = visit, .messages = 1, .error = error};
	at.times_ms = slice_times(visit_message(visit), step->name, &at.messages);
	if (!at.times_ms && !step_observes(step, visit_message(visit))) /* those of a slice are of the share */
		return STEP_DONE;
	if (message_take(&at))
		return STEP_DONE;
	self->filled = false; /* the monitor may be ahead of the state */
	return STEP_FAIL;
}

const struct step_kind step_drift_observer = {
	.name = "drift observer",
	.summary = "Compares the messages of a step `drift` with its reference.",
	.options = drift_options,
	.options_size = sizeof(struct drift),
	.shape = SHAPE_PASSES,
	.state = &(const struct state_rules){0},
	.monitors =
		&(const struct monitor_rules){
			.observes = observer_share, .slices = observer_slices, .reads = observer_reads, .judges_windows = true},
	.open = observer_open,
	.close = observer_close,
	.run = observer_run,
};
