/* outcome_lead.c: see outcome_lead.h. */
#include <assert.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/learn/lead_parts.h"

#define MARKS_MOST_MS 10000 /* for Kafka to show the end of a transaction whose positions are committed */
#define OUTCOME_BYTES_MOST FENCED_WRITER_RECORD_BYTES_MAX
#define OUTCOMES_TURN 2000

struct outcome_lead *outcome_lead_open(struct lead_context *context, const struct pipeline_plan *pipeline, size_t topic,
				       const struct policy_follow *policies, struct error *error)
{
	struct outcome_lead *lead = memory_take(1, sizeof *lead);
	if (!lead) {
		error_memory(error, ERROR_SYSTEM, "joining outcomes");
		return NULL;
	}
	*lead = (struct outcome_lead){.context = context,
				      .pipeline = pipeline,
				      .policies = policies,
				      .topic = topic,
				      .name = pipeline->graph->name,
				      .exposures = plan_topic_of(pipeline, TOPIC_EXPOSURES),
				      .feedback = plan_topic_of(pipeline, TOPIC_FEEDBACK),
				      .outputs = plan_topic_of(pipeline, TOPIC_OUTPUTS),
				      .outcomes = plan_topic_of(pipeline, TOPIC_OUTCOMES)};
	assert(lead->feedback && lead->outcomes);
	buffer_open(&lead->bytes, OUTCOME_BYTES_MOST);
	if (join_windows_make(pipeline, &lead->windows, error))
		return lead;
	outcome_lead_close(lead);
	return NULL;
}

void outcome_lead_close(struct outcome_lead *lead)
{
	if (!lead)
		return;
	outcome_lead_end(lead);
	buffer_close(&lead->bytes);
	memory_give(lead);
}

const char *outcome_lead_topic(const struct outcome_lead *lead)
{
	return lead->outcomes;
}

bool outcome_lead_leads(const struct outcome_lead *lead)
{
	return lead->phase != LEAD_IS_OFF;
}

/* ---- beginning and ending ---- */

static void source_add(struct outcome_lead *lead, const char *topic)
{
	lead->feed.sources[lead->feed.count++] = (struct feed_source){.topic = topic};
}

static void feed_make(struct outcome_lead *lead)
{
	lead->feed = (struct exposure_feed){.reader = lead->context->reader,
					    .stopping = lead->context->stopping,
					    .hold_ms = lead->context->hold_ms,
					    .context = lead,
					    .expose = lead_expose,
					    .inform = lead_inform};
	if (lead->windows.of_experiments)
		source_add(lead, lead->exposures);
	if (lead->windows.of_answers)
		source_add(lead, lead->outputs);
	source_add(lead, lead->feedback);
}

static bool join_open(struct outcome_lead *lead, struct error *error)
{
	const struct exposure_join_config config = {.memory_bytes = lead->context->memory_bytes,
						    .used = &lead->context->used,
						    .seed = (uint64_t)clock_ms(),
						    .window_count = lead->windows.count,
						    .windows = lead->windows.items,
						    .name_count = lead->windows.name_count,
						    .names = lead->windows.names,
						    .context = lead,
						    .outcome = lead_write,
						    .compute = lead_compute};
	lead->join = exposure_join_open(&config, error);
	if (!lead->join)
		return false;
	exposure_join_quiet(lead->join, true);
	exposure_join_pass(lead->join, lead->begun.time_ms);
	return true;
}

void outcome_lead_begin(struct outcome_lead *lead)
{
	assert(lead->phase == LEAD_IS_OFF);
	feed_make(lead);
	lead->phase = LEAD_ASKS;
}

void outcome_lead_end(struct outcome_lead *lead)
{
	for (size_t i = 0; i < lead->reader_count; i++)
		lead->readers[i].close(lead->readers[i].context);
	exposure_feed_close(&lead->feed);
	stream_close(lead->stream);
	exposure_join_close(lead->join);
	lead_questions_forget(lead);
	lead->has_readers = false;
	lead->reader_count = 0;
	lead->stream = NULL;
	lead->join = NULL;
	lead->phase = LEAD_IS_OFF;
	lead->failure = (struct error){0};
	lead->has_last = lead->is_changed = false;
	lead->ended_ms = lead->seen = 0;
	lead->written = lead->read = lead->due_written = 0;
	lead->refused = (struct refused_feedback){0};
}

/* ---- outcomes ---- */

static bool outcome_take(struct outcome_lead *lead, const struct record *record, struct error *error)
{
	struct outcome outcome;
	struct error wrong = {0};
	arena_reset(lead->context->arena);
	lead->next = record->offset + 1;
	if (record->offset >= lead->seen) {
		lead->seen = record->offset + 1;
		lead->read += lead->phase == LEAD_JOINS;
	}
	lead->has_last |= lead->phase == LEAD_MARKS && lead_record_hash(record->value) == lead->begun.last;
	if (!outcome_decode(record->value, lead->context->arena, &outcome, &wrong))
		return true; /* of a later version of sluice */
	if (lead->phase == LEAD_MARKS)
		exposure_join_mark(lead->join, &outcome);
	for (size_t i = 0; i < lead->reader_count; i++) {
		struct outcome_reader *reader = &lead->readers[i];
		if (record->offset < reader->next)
			continue;
		if (!reader->outcome(reader->context, &outcome, record->offset, error))
			return false;
		reader->next = record->offset + 1;
		lead->is_changed = true;
	}
	return true;
}

static bool outcomes_read(struct outcome_lead *lead, size_t *taken, struct error *error)
{
	struct record record;
	for (size_t i = 0; i < OUTCOMES_TURN; i++) {
		if (!stream_next(lead->stream, &record, error))
			return false;
		if (!record.held)
			return true;
		const bool good = outcome_take(lead, &record, error);
		record_release(&record);
		if (!good)
			return false;
		++*taken;
	}
	return true;
}

/* Whether the outcomes of the lead before are read, all of them. */
static bool marks_are_read(struct outcome_lead *lead)
{
	if (lead->next < lead->end && !stream_is_at_end(lead->stream))
		return false;
	if (lead->has_last || lead->begun.last == 0)
		return true;
	if (lead->ended_ms == 0)
		lead->ended_ms = clock_ms();
	return clock_ms() - lead->ended_ms >= MARKS_MOST_MS;
}

/* ---- turns ---- */

/* The readers have had all outcomes up to that time: those of this lead once they are committed and read. */
static void time_give(struct outcome_lead *lead, int64_t time_ms)
{
	for (size_t i = 0; i < lead->reader_count; i++)
		if (lead->readers[i].pass)
			lead->readers[i].pass(lead->readers[i].context, time_ms);
}

static void time_pass(struct outcome_lead *lead)
{
	exposure_join_pass(lead->join, exposure_feed_time_ms(&lead->feed, lead->context->is_answered));
	lead->mark.time_ms = exposure_join_time_ms(lead->join);
	if (lead->due_written > 0 && lead->read < lead->due_written)
		return;
	if (lead->due_written > 0)
		time_give(lead, lead->due_ms);
	lead->due_written = lead->written;
	lead->due_ms = lead->mark.time_ms;
	if (lead->read < lead->written)
		return;
	lead->due_written = 0;
	time_give(lead, lead->mark.time_ms);
}

static bool readers_write(struct outcome_lead *lead, struct error *error)
{
	for (size_t i = 0; i < lead->reader_count; i++)
		if (lead->readers[i].due &&
		    !lead->readers[i].due(lead->readers[i].context, lead->context->writer, clock_ms(), error))
			return false;
	return true;
}

static bool readers_ask(const struct outcome_lead *lead)
{
	for (size_t i = 0; i < lead->reader_count; i++)
		if (lead->readers[i].from_ms > 0)
			return true;
	return false;
}

static bool joins_turn(struct outcome_lead *lead, size_t most, size_t *taken, struct error *error)
{
	bool found;
	if (readers_ask(lead) && !lead_outcomes_open(lead, false, &found, error))
		return false;
	if (!exposure_feed_turn(&lead->feed, most, taken, error))
		return false;
	time_pass(lead);
	return outcomes_read(lead, taken, error) && readers_write(lead, error);
}

static bool asks_turn(struct outcome_lead *lead, struct error *error)
{
	bool found;
	if (!lead_places_find(lead, &found, error))
		return false;
	if (!found)
		return true;
	lead_questions_forget(lead);
	lead->phase = LEAD_RESTORES;
	return exposure_feed_open(&lead->feed, error) && join_open(lead, error);
}

/* A feed that has nothing to restore would pass feedback on, which the join does not take yet. */
static bool restores_turn(struct outcome_lead *lead, size_t most, size_t *taken, struct error *error)
{
	if (!exposure_feed_is_restored(&lead->feed) && !exposure_feed_turn(&lead->feed, most, taken, error))
		return false;
	if (exposure_feed_is_restored(&lead->feed))
		lead->phase = LEAD_MARKS;
	return true;
}

static bool marks_turn(struct outcome_lead *lead, size_t *taken, struct error *error)
{
	bool found = true;
	if (!lead->stream && !lead_outcomes_open(lead, true, &found, error))
		return false;
	if (!found)
		return true;
	if (!outcomes_read(lead, taken, error))
		return false;
	if (marks_are_read(lead)) {
		exposure_join_quiet(lead->join, false);
		lead->phase = LEAD_JOINS;
		log_say(lead->context->log, LOG_LEVEL_INFO, NULL, "this engine leads the outcomes of pipeline `%s`", lead->name);
	}
	return true;
}

static bool phase_turn(struct outcome_lead *lead, size_t most, size_t *taken, struct error *error)
{
	switch (lead->phase) {
	case LEAD_ASKS:
		return asks_turn(lead, error);
	case LEAD_RESTORES:
		return restores_turn(lead, most, taken, error);
	case LEAD_MARKS:
		return marks_turn(lead, taken, error);
	case LEAD_IS_OFF:
	case LEAD_JOINS:
		break;
	}
	return joins_turn(lead, most, taken, error);
}

bool outcome_lead_turn(struct outcome_lead *lead, size_t most, size_t *taken, struct error *error)
{
	assert(lead->phase != LEAD_IS_OFF);
	*taken = 0;
	const bool good = phase_turn(lead, most, taken, error);
	if (good && lead->failure.kind != ERROR_NONE)
		*error = lead->failure;
	return good && lead->failure.kind == ERROR_NONE;
}

/* ---- positions ---- */

static bool source_put(const struct outcome_lead *lead, size_t source, struct fenced_position *positions, struct arena *arena)
{
	const struct offsets *next = &lead->feed.sources[source].next;
	const bool is_feedback = source + 1 == lead->feed.count;
	for (size_t i = 0; i < next->count; i++) {
		int64_t low;
		positions[i] = (struct fenced_position){lead->feed.sources[source].topic, (int32_t)i, next->items[i], {0}};
		if (is_feedback || !exposure_join_low(lead->join, (uint32_t)source, (int32_t)i, &low))
			continue;
		const char *metadata = arena_print(arena, LEAD_LOW "%lld", (long long)low);
		if (!metadata)
			return false;
		positions[i].metadata = text_of(metadata);
	}
	return true;
}

/* Of the readers that go on there; else where it stands. */
static int64_t outcomes_position(const struct outcome_lead *lead)
{
	int64_t position = INT64_MAX;
	for (size_t i = 0; i < lead->reader_count; i++)
		if (lead->readers[i].is_committed && lead->readers[i].next < position)
			position = lead->readers[i].next;
	return position < INT64_MAX ? position : lead->next;
}

size_t outcome_lead_position_count(const struct outcome_lead *lead)
{
	size_t count = 1;
	for (size_t i = 0; i < lead->feed.count; i++)
		count += lead->feed.sources[i].next.count;
	return count;
}

bool outcome_lead_positions(const struct outcome_lead *lead, struct fenced_position *positions, struct arena *arena)
{
	size_t at = 1;
	positions[0] = (struct fenced_position){lead->outcomes, 0, outcomes_position(lead), lead_mark_write(&lead->mark, arena)};
	for (size_t i = 0; i < lead->feed.count; i++) {
		if (!source_put(lead, i, &positions[at], arena))
			return false;
		at += lead->feed.sources[i].next.count;
	}
	return positions[0].metadata.bytes;
}

bool outcome_lead_joins(const struct outcome_lead *lead)
{
	return lead->phase == LEAD_JOINS;
}

bool outcome_lead_is_changed(const struct outcome_lead *lead)
{
	return lead->phase == LEAD_JOINS && lead->is_changed;
}

void outcome_lead_committed(struct outcome_lead *lead)
{
	lead->is_changed = false;
}
