/* drift_observer.c: see drift_observer.h. */
#include "steps/drift/drift_observer.h"

#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/number/moment.h"
#include "flow/state/keyed_log.h"
#include "message/records/slice.h"
#include "steps/drift/drift_comparison.h"

#define AWAITED_KEY TEXT("waiting") /* messages that came before the reference of a topic */

/* ---- opening ---- */

static void observer_describe(const struct step *step, struct step_facts *facts)
{
	const struct drift *options = step->options;
	facts->share = options->share;
	facts->slices = !options->group;
	facts->awaits_truths = drift_outcome_ns(&options->estimate) > 0;
}

static bool tensor_has(const struct tensor *tensor, const struct name *name)
{
	return name->text && text_is(tensor->name, name->text);
}

/* Without names in `tensors`, those of numbers. A `groupBy` may use anything of a message. */
static bool observer_reads(const struct step *step, const struct tensor *tensor)
{
	const struct drift *options = step->options;
	const struct drift_estimate_options *estimate = &options->estimate;
	for (size_t i = 0; i < options->tensors.count; i++)
		if (text_is(tensor->name, options->tensors.items[i].text))
			return true;
	if (options->group)
		return true;
	return options->tensors.count == 0
		       ? tensor->datatype != DATATYPE_BYTES
		       : tensor_has(tensor, &estimate->probabilities) || tensor_has(tensor, &estimate->error.expected) ||
				 (drift_outcome_ns(estimate) > 0 && tensor_has(tensor, &estimate->error.prediction));
}

static uint64_t identity_of(const struct drift_comparison *comparison, const struct expression *group)
{
	const struct monitor_settings *settings = &comparison->settings;
	const struct text source = group ? expression_source(group) : TEXT("");
	const int64_t window[] = {settings->window_rows, settings->window_ms};
	const uint64_t reference = hash_bytes(comparison->content.bytes, comparison->content.length, DRIFT_WINDOW_VERSION);
	const unsigned online = settings->methods & MONITOR_ONLINE;
	const uint64_t before = online ? hash_bytes(&online, sizeof online, reference) : reference;
	return hash_bytes(source.bytes, source.length, hash_bytes(window, sizeof window, before));
}

static bool past_open(struct drift_observer *self, struct step *step, struct error *error)
{
	self->past = ARENA_NEW(step->arena, struct drift_past);
	step->state = self;
	if (!self->past)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	self->reference = self->past->name;
	return drift_past_open(self->past, &self->comparison, step, error);
}

static bool topic_open(struct drift_observer *self, struct step *step, struct error *error)
{
	const struct drift *options = step->options;
	self->reference = arena_print(step->arena, "topic %s", options->reference.topic);
	self->topic = ARENA_NEW(step->arena, struct drift_topic);
	if (!self->topic || !self->reference)
		return error_memory(error, ERROR_SYSTEM, "opening a step");
	self->topic->topic = options->reference.topic;
	return drift_comparison_begin(&self->comparison, step, error);
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
	row_order_close(self->waiting);
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
	if (self->entry)
		verdict_entry_expect(self->entry, self->verdict_identity);
	self->comparison.lenient = true;
	self->waiting = row_order_open();
	self->group = ((const struct drift *)step->options)->group;
	self->identity = self->tally_identity = identity_of(&self->comparison, self->group);
	step->state = self;
	return (self->watched && self->waiting && (self->entry || !step->board)) ||
	       error_memory(error, ERROR_SYSTEM, "opening a step");
}

/* ---- rows in their order ---- */

/* Rows of a message that came one after the other. They go on at once where none waits and none holds them. */
static bool part_take(struct drift_visit *at, const struct drift_rows *all, const struct text *segments, size_t from, size_t to)
{
	struct drift_row_order *waiting = at->self->waiting;
	const int64_t horizon_ms = watermarks_horizon(row_order_watermarks(waiting));
	const bool at_once = row_order_is_empty(waiting) && horizon_ms == INT64_MAX;
	for (size_t i = from, end; i < to; i = end) {
		for (end = i + 1; end < to && text_equal(segments[end], segments[i]);)
			end++;
		const struct drift_rows rows = {.segment = segments[i],
						.count = end - i,
						.numbers = all->numbers,
						.values = all->values + i * all->numbers,
						.moments = all->moments + i,
						.chances = all->chances,
						.chance = i,
						.requests = all->requests ? all->requests + i : NULL};
		if (!(at_once ? drift_rows_take(at, &rows) : row_order_add(waiting, &rows, at->error)))
			return false;
	}
	return at_once || drift_held_take(at, horizon_ms, ROW_ORDER_RELEASED_MOST + to - from);
}

static struct monitor_moment *moments_of(const struct drift_visit *at, size_t count)
{
	const int32_t partition = visit_message(at->visit)->origin.partition;
	struct monitor_moment *moments = ARENA_ARRAY(visit_arena(at->visit), struct monitor_moment, count + 1);
	for (size_t i = 0; moments && i < count; i++)
		moments[i] = (struct monitor_moment){drift_row_time_ms(at, i), at->partitions ? at->partitions[i] : partition};
	return moments;
}

/* The requests of the rows, if their truths are waited for: of a slice each has its own. NULL: not, or memory ran out. */
static const struct drift_request *requests_of(const struct drift_visit *at, size_t count)
{
	const struct message *message = visit_message(at->visit);
	const uint64_t *requests = at->times_ms ? slice_requests(message, at->step->name) : NULL;
	if (at->settling.wait_ms == 0 || (at->times_ms && !requests))
		return NULL;
	struct drift_request *made = ARENA_ARRAY(visit_arena(at->visit), struct drift_request, count + 1);
	const uint64_t own = request_hash(message->id);
	for (size_t i = 0; made && i < count; i++)
		made[i] = requests ? (struct drift_request){requests[i], 0} : (struct drift_request){own, i};
	return made;
}

static void clock_note(const struct drift_observer *self, const struct monitor_moment *moment,
		       const struct watermark_finding *found)
{
	char words[CLOCK_WORDS_BYTES], from[MOMENT_BYTES], to[MOMENT_BYTES];
	if (!self->entry)
		return;
	moment_print(found->from_ms, from);
	moment_print(moment->time_ms, to);
	(void)snprintf(words, sizeof words,
		       "the clock of partition %lld went back from %s to %s, for %d rows in a row: %s; check the clocks of its "
		       "producers",
		       (long long)moment->partition, from, to, WATERMARKS_BACK_ROWS,
		       found->anew ? "windows begin anew" : "windows go on with the other partitions, and its rows are late");
	verdict_entry_note_clock(self->entry, words);
}

/* Rows come. Where the clock was set back, all that wait go on first. */
static bool rows_come(struct drift_visit *at, const double *values, const struct text *segments, size_t count)
{
	const struct drift *options = at->step->options;
	struct drift_row_order *waiting = at->self->waiting;
	struct watermarks *watermarks = row_order_watermarks(waiting);
	const struct drift_rows all = {.numbers = at->self->comparison.reference.feature_count,
				       .values = values,
				       .moments = moments_of(at, count),
				       .chances = drift_chances_of(&options->estimate, visit_input(at->visit), count),
				       .requests = requests_of(at, count)};
	size_t from = 0;
	if (!all.moments)
		return error_memory(at->error, ERROR_LIMIT, "taking rows");
	for (size_t i = 0; i < count; i++) {
		const struct watermark_finding found =
			watermarks_take(watermarks, (int32_t)all.moments[i].partition, all.moments[i].time_ms);
		if (found.set_back)
			clock_note(at->self, &all.moments[i], &found);
		if (!found.anew)
			continue;
		watermarks->resets--; /* the rows before it are of the former clock */
		if (!part_take(at, &all, segments, from, i) || !drift_held_take(at, INT64_MAX, SIZE_MAX))
			return false;
		watermarks->resets++;
		from = i;
	}
	return part_take(at, &all, segments, from, count) && drift_held_take(at, INT64_MAX, row_order_excess(waiting));
}

/* The rows that are held back, and the last record's time. */
static bool held_bring(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	return row_order_bring(self->waiting, at->visit, self->tally_identity, self->comparison.settings.window_ms, at->error);
}

/* What the reader of the partitions says, with the message. */
static bool reader_hear(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	const struct message *message = visit_message(at->visit);
	struct text reads = message->sender_reads;
	int32_t partition;
	bool is_behind;
	if (!held_bring(at))
		return false;
	watermarks_tick(row_order_watermarks(self->waiting), message->passed_ms);
	while (sender_reads_next(&reads, &partition, &is_behind))
		watermarks_note(row_order_watermarks(self->waiting), partition, is_behind);
	return true;
}

/* ---- visits ---- */

/* What came and was in no window is said after as much of it as a window has, if no verdict comes before. */
static bool unusable_say(struct drift_visit *at)
{
	struct drift_window_state state;
	if (at->tally.unusable + at->tally.awaited + at->tally.beyond < drift_unusable_most(at->self))
		return true;
	const bool begins = !drift_window_read(at->visit, TEXT(""), at->self->identity, &state);
	if (!drift_record_verdict(at, TEXT(""), NULL, &state))
		return false;
	if (at->self->group || (begins && state.last.quality_alarm != 1))
		return true;
	return (!begins || (drift_tally_admit(&at->tally, false) && drift_segment_begin(at, TEXT("")))) &&
	       drift_state_write(at, TEXT(""), &state);
}

/* Shows the last verdict of the stream, which an engine that has just started does not show before a row comes. */
static void last_show(const struct drift_visit *at)
{
	struct drift_window_state state;
	if (at->self->entry && !at->self->group && drift_window_read(at->visit, TEXT(""), at->self->identity, &state))
		verdict_entry_set(at->self->entry, TEXT(""), state.last);
}

/* Forgets the past, and the open window: what was known of the stream is over. */
static bool past_forget(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	struct drift_window_state state;
	(void)drift_window_read(at->visit, TEXT(""), at->self->identity, &state);
	if (state.last.verdict != DRIFT_LEARNING && !drift_record_beginning(at, TEXT("")))
		return false;
	const struct drift_window_state begun = drift_window_begin(self->identity, state.position.window);
	if (!drift_past_forget(self->past, at->visit, at->error) || !drift_state_write(at, TEXT(""), &begun) ||
	    !drift_window_forget_sums(at->visit, TEXT(""), at->error) ||
	    !drift_settling_forget(&at->settling, at->visit, TEXT(""), at->error))
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

/* Brings the past to the state. `message`, and false: as of drift_past_bring(). */
static bool past_bring(struct drift_visit *at, const struct payload *message, struct error *error)
{
	struct drift_observer *self = at->self;
	bool renewed;
	if (!self->past)
		return true;
	const bool good = drift_past_bring(self->past, at->visit, message, &renewed, error);
	if (renewed) {
		self->filled = false;
		self->identity = identity_of(&self->comparison, self->group);
		drift_watching_note(self);
	}
	return good;
}

/* Messages that wait for the reference of a topic since the last record. */
static uint64_t awaited_read(const struct drift_visit *at)
{
	uint64_t messages = 0;
	(void)keyed_value_read(at->visit, AWAITED_KEY, &messages, sizeof messages);
	return messages;
}

/* Counts the messages that come before the reference of a topic is known. Each time that a window would be full, a record says
 * so. */
static bool messages_await(struct drift_visit *at)
{
	struct drift_window_state state;
	drift_watching_note(at->self);
	at->tally.unusable = awaited_read(at);
	for (at->message = 0; at->message < at->messages; at->message++) {
		if (++at->tally.unusable < drift_unusable_most(at->self))
			continue;
		(void)drift_window_read(at->visit, TEXT(""), at->self->identity, &state);
		if (!drift_record_verdict(at, TEXT(""), NULL, &state))
			return false;
	}
	return keyed_value_write(at->visit, AWAITED_KEY, &at->tally.unusable, sizeof at->tally.unusable, at->error);
}

/* Whether the reference is there, which one of a topic need not be. */
static bool topic_bring(struct drift_observer *self)
{
	struct drift_topic *topic = self->topic;
	struct error error = {0};
	struct text file;
	if (!topic || topic->known)
		return true;
	if (topic->unfit || !self->entry || !verdict_entry_learnt(self->entry, topic->topic, &file))
		return false;
	topic->known = drift_comparison_learn(&self->comparison, file, &error);
	if (topic->known) {
		self->identity = self->tally_identity = identity_of(&self->comparison, self->group);
		return true;
	}
	topic->unfit = arena_copy(self->comparison.arena, error.text, strlen(error.text));
	topic->unfit = topic->unfit ? topic->unfit : "memory ran out";
	return false;
}

/* Adds what came before the reference was known to the tally. */
static bool awaited_take(struct drift_visit *at)
{
	if (at->self->topic)
		at->tally.awaited += awaited_read(at);
	return !at->self->topic || keyed_value_remove(at->visit, AWAITED_KEY, at->error);
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
	const bool known = past_bring(at, visit_input(at->visit), at->error);
	drift_tally_read(at->visit, self->tally_identity, &at->tally);
	if (self->entry)
		verdict_entry_begin(self->entry, self->verdict_identity);
	const struct drift_tally before = at->tally;
	if (!awaited_take(at) || !reader_hear(at))
		return false;
	const bool usable =
		known &&
		drift_comparison_rows(&self->comparison, visit_input(at->visit), arena, &rows, &count, &texts, at->error) &&
		slice_fits(at, count) && drift_segments_of(self->group, &scope, count, arena, &segments, at->error);
	if (!usable && (at->error->kind == ERROR_SYSTEM || at->error->kind == ERROR_LIMIT))
		return false;
	if ((usable && !rows_come(at, rows, segments, count)) || !drift_formers_forget(at))
		return false;
	struct error misfit;
	if (!usable) {
		misfit = *at->error;
		at->misfit = misfit.text;
		*at->error = (struct error){0};
		last_show(at);
	} else if (!row_order_is_empty(self->waiting)) {
		last_show(at);
	}
	if (known && !usable &&
	    !drift_held_take(at, watermarks_horizon(row_order_watermarks(self->waiting)), ROW_ORDER_RELEASED_MOST))
		return false;
	for (at->message = 0; at->message < at->messages; at->message++) {
		at->tally.unusable += !usable;
		if (!unusable_say(at) || !misfits_count(at, usable))
			return false;
	}
	if (self->entry)
		verdict_entry_set_beyond(self->entry, at->tally.beyond_all);
	if (!row_order_store(self->waiting, at->visit, at->error))
		return false;
	return memcmp(&before, &at->tally, sizeof before) == 0 || drift_tally_keep(at->visit, &at->tally, at->error);
}

/* Brings what the engine has to the state, for a visit that has no message of the stream. */
static bool state_bring(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	struct error error = {0}; /* INPUT: the state is of another identity, and has nothing to show, nor to wait for */
	if (!topic_bring(self) || (!past_bring(at, NULL, &error) && error.kind != ERROR_INPUT))
		return false;
	drift_tally_read(at->visit, self->tally_identity, &at->tally);
	return true;
}

/* Rows of any step may be held back for another partition. */
static bool observer_awaits_time(struct step *step, struct visit *visit, struct awaited_time *awaited)
{
	struct error error = {0};
	struct awaited_time settles;
	struct drift_visit at = {.self = step->state, .step = step, .visit = visit, .error = &error};
	const bool ends = state_bring(&at) && held_bring(&at) && drift_ending_awaits(&at, awaited);
	if (!drift_settling_awaits(visit, &((const struct drift *)step->options)->estimate, &settles))
		return ends;
	if (!ends || settles.due_ms - settles.clock_ms < awaited->due_ms - awaited->clock_ms)
		*awaited = settles;
	return true;
}

static void observer_show(struct step *step, struct visit *visit)
{
	struct drift_observer *self = step->state;
	struct error error = {0};
	struct drift_visit at = {.self = self, .step = step, .visit = visit, .error = &error};
	struct drift_window_state state;
	struct text segment;
	if (!self->entry || !state_bring(&at))
		return;
	verdict_entry_begin(self->entry, self->verdict_identity);
	last_show(&at);
	for (uint64_t i = 0; self->group && i < at.tally.segments; i++)
		if (drift_segment_named(visit, at.tally.base + i, &segment) &&
		    drift_window_read(visit, segment, self->identity, &state))
			verdict_entry_set(self->entry, segment, state.last);
	verdict_entry_set_beyond(self->entry, at.tally.beyond_all);
}

/* The visit has failed: what is in memory may be ahead of the state. */
static void observer_doubt(struct drift_observer *self)
{
	self->filled = false;
	row_order_doubt(self->waiting);
}

/* Time comes alone. */
static bool time_take(struct drift_visit *at)
{
	struct drift_observer *self = at->self;
	if (!state_bring(at))
		return true; /* nothing is open before its reference is known */
	const struct drift_tally before = at->tally;
	if (self->entry)
		verdict_entry_begin(self->entry, self->verdict_identity);
	if (!held_bring(at) || !drift_ending_take(at))
		return false;
	return memcmp(&before, &at->tally, sizeof before) == 0 || drift_tally_keep(at->visit, &at->tally, at->error);
}

static enum step_verdict observer_run(struct step *step, struct visit *visit, struct error *error)
{
	const struct drift *options = step->options;
	struct drift_observer *self = step->state;
	struct truth_link truth;
	visit_pass(visit);
	struct drift_visit at = {.self = self, .step = step, .visit = visit, .messages = 1, .error = error};
	at.times_ms = slice_times(visit_message(visit), step->name, &at.messages);
	at.partitions = at.times_ms ? slice_partitions(visit_message(visit), step->name) : NULL;
	if (truth_link_read(visit_message(visit), step->name, &truth)) {
		drift_settling_begin(&at.settling, visit, &options->estimate, self->group != NULL);
		const bool taken = truth_link_is_of_time(&truth) ? time_take(&at)
								 : drift_settling_truth_add(&at.settling, visit, &truth, error);
		if (taken && drift_windows_settle(&at))
			return STEP_DONE;
		observer_doubt(self);
		return STEP_FAIL;
	}
	if (!at.times_ms && !step_observes(step, visit_message(visit))) /* those of a slice are of the share */
		return STEP_DONE;
	drift_settling_begin(&at.settling, visit, &options->estimate, self->group != NULL);
	if (message_take(&at) && drift_windows_settle(&at))
		return STEP_DONE;
	observer_doubt(self);
	return STEP_FAIL;
}

const struct step_kind step_drift_observer = {
	.name = "drift observer",
	.summary = "Compares the messages of a step `drift` with its reference.",
	.options = drift_options,
	.options_size = sizeof(struct drift),
	.shape = SHAPE_PASSES,
	.state = &(const struct state_rules){0},
	.observes = &(const struct observer_rules){
		.reads = observer_reads, .show = observer_show, .awaits_time = observer_awaits_time},
	.describe = observer_describe,
	.open = observer_open,
	.close = observer_close,
	.run = observer_run,
};
