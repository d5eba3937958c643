/* lead_begin.c: Places at which a lead begins; see lead_parts.h. */
#include <assert.h>
#include <inttypes.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "engine/learn/lead_parts.h"
#include "kafka/consume/lead_group.h"

#define QUESTIONS_AT_FIRST 8

static int64_t earlier_of(int64_t one, int64_t other)
{
	return one < other ? one : other;
}

/* ---- readers ---- */

static struct text latest_policy(const void *context, const char *experiment)
{
	const struct outcome_lead *lead = context;
	return lead->policies ? policy_follow_latest(lead->policies, experiment) : (struct text){0};
}

static struct exposure_join_counts window_counts(const void *context, struct text experiment)
{
	const struct outcome_lead *lead = context;
	for (size_t i = 0; lead->join && i < lead->windows.count; i++)
		if (text_equal(lead->windows.items[i].experiment, experiment))
			return exposure_join_counts(lead->join, i);
	return (struct exposure_join_counts){0};
}

static bool readers_open(struct outcome_lead *lead, struct error *error)
{
	const struct lead_context *shared = lead->context;
	lead->reading = (struct readers_context){.pipeline = lead->pipeline,
						.policies = shared->policies,
						.rollouts = shared->rollouts,
						.series = shared->series,
						.windows = &lead->windows,
						.log = shared->log,
						.exposures = lead->exposures,
						.feedback = lead->feedback,
						.policy_topic = lead->topic + 1,
						.refused = &lead->refused,
						.lead = lead,
						.policy = latest_policy,
						.counts = window_counts};
	return outcome_readers_open(&lead->reading, lead->readers, OUTCOME_READERS_MAX, &lead->reader_count, error);
}

/* The earliest time that a reader needs; INT64_MAX: none needs any. */
static int64_t readers_since_ms(const struct outcome_lead *lead)
{
	int64_t since_ms = INT64_MAX;
	for (size_t i = 0; i < lead->reader_count; i++)
		since_ms = earlier_of(since_ms, lead->readers[i].since_ms);
	return since_ms;
}

/* ---- questions ---- */

struct group_question *outcome_lead_questions(struct outcome_lead *lead, size_t *count)
{
	*count = lead->question_count;
	return lead->questions;
}

void lead_questions_forget(struct outcome_lead *lead)
{
	memory_give(lead->questions);
	lead->questions = NULL;
	lead->question_count = lead->question_room = 0;
}

/* The answer of Kafka, which is valid until the next question. NULL: it is asked for, or `error` says why there is none. */
static const struct group_question *answer_of(struct outcome_lead *lead, const char *topic, int32_t partition, int64_t time_ms,
					      struct error *error)
{
	for (size_t i = 0; i < lead->question_count; i++) {
		const struct group_question *question = &lead->questions[i];
		if (question->topic != topic || question->partition != partition || question->time_ms != time_ms)
			continue;
		if (question->error.kind != ERROR_NONE)
			*error = question->error;
		return question->is_answered && question->error.kind == ERROR_NONE ? question : NULL;
	}
	struct group_question *questions = memory_grow(lead->questions, lead->question_count, &lead->question_room,
						       QUESTIONS_AT_FIRST, sizeof *questions);
	if (!questions) {
		error_memory(error, ERROR_SYSTEM, "joining outcomes");
		return NULL;
	}
	lead->questions = questions;
	questions[lead->question_count++] =
		(struct group_question){.topic = topic, .partition = partition, .time_ms = time_ms};
	return NULL;
}

static const struct group_question *places_of(struct outcome_lead *lead, const char *topic, struct error *error)
{
	return answer_of(lead, topic, GROUP_ALL_PARTITIONS, 0, error);
}

/* The first offset of that time or later; the first one of all, if the time is 0. `found` becomes false where Kafka is asked. */
static bool time_find(struct outcome_lead *lead, const char *topic, int32_t partition, int64_t time_ms, int64_t *offset,
		      bool *found, struct error *error)
{
	*offset = 0;
	if (time_ms <= 0)
		return true;
	const struct group_question *answer = answer_of(lead, topic, partition, time_ms, error);
	*found = *found && answer;
	if (answer)
		*offset = answer->offset;
	return error->kind == ERROR_NONE;
}

/* ---- places ---- */

/* From where exposures that were open have to be read again. */
static int64_t low_of(const struct group_place *place)
{
	const struct text metadata = place->metadata;
	int64_t low;
	const bool has_low = text_starts_with(metadata, TEXT(LEAD_LOW)) &&
			     number_read_int64(text_from(metadata, strlen(LEAD_LOW)), &low);
	return has_low ? earlier_of(low, place->committed) : place->committed;
}

static int64_t readers_exposed(const struct outcome_lead *lead, int32_t partition, int64_t offset)
{
	for (size_t i = 0; i < lead->reader_count; i++)
		if (lead->readers[i].exposed && lead->readers[i].exposed->count > 0)
			offset = earlier_of(offset, offsets_of(lead->readers[i].exposed, partition));
	return offset;
}

/* Goes on behind the lead before. */
static bool exposures_go_on(struct outcome_lead *lead, struct feed_source *source, int32_t partition,
			    const struct group_place *place, bool *found, struct error *error)
{
	const int64_t since_ms = readers_since_ms(lead);
	int64_t from = place->committed < 0 ? 0 : low_of(place), since;
	if (source->topic == lead->exposures)
		from = readers_exposed(lead, partition, from);
	const bool has_since = since_ms > 0 && since_ms < INT64_MAX;
	if (has_since && !time_find(lead, source->topic, partition, since_ms, &since, found, error))
		return false;
	if (has_since)
		from = earlier_of(from, since);
	return offsets_set(&source->next, partition, from, error) &&
	       offsets_set(&source->until, partition, place->committed < 0 ? 0 : place->committed, error);
}

/* Where no lead has read the topic: feedback from the earliest time that a reader needs, and exposures that it can be of. */
static bool source_begins(struct outcome_lead *lead, struct feed_source *source, int32_t partition, bool *found,
			  struct error *error)
{
	const bool is_feedback = source->topic == lead->feedback;
	const int64_t since_ms = lead->begun.time_ms > 0 ? lead->begun.time_ms : earlier_of(readers_since_ms(lead), lead->asked_ms);
	const bool is_whole = is_feedback || since_ms < lead->windows.longest_ms;
	const int64_t from_ms = is_whole ? since_ms : since_ms - lead->windows.longest_ms;
	int64_t offset;
	return time_find(lead, source->topic, partition, from_ms, &offset, found, error) &&
	       offsets_set(&source->next, partition, offset, error);
}

static bool any_is_committed(const struct group_question *places)
{
	for (size_t i = 0; i < places->place_count; i++)
		if (places->places[i].committed >= 0)
			return true;
	return false;
}

/* A partition that ends before its position is of a topic that was made anew, or has lost records. */
static void partition_correct(const struct outcome_lead *lead, struct feed_source *source, size_t partition, int64_t end)
{
	const int64_t until = offsets_of(&source->until, (int32_t)partition), next = source->next.items[partition];
	const int64_t read = until > next ? until : next;
	if (read <= end)
		return;
	log_say(lead->context->log, LOG_LEVEL_WARN, NULL,
		"pipeline `%s`: partition %zu of %s ends at %" PRId64 ", and was read up to %" PRId64
		": the topic was made again, or has lost records; it is read from its beginning",
		lead->name, partition, source->topic, end, read);
	source->next.items[partition] = 0;
	if (partition < source->until.count)
		source->until.items[partition] = 0;
}

static void source_correct(struct outcome_lead *lead, struct feed_source *source, struct error *error)
{
	const struct group_question *places = places_of(lead, source->topic, error);
	const bool is_first = !any_is_committed(places); /* its offset of a time may be behind the end that was asked for before */
	for (size_t i = 0; !is_first && i < places->place_count; i++)
		partition_correct(lead, source, i, places->places[i].end);
}

static bool source_find(struct outcome_lead *lead, struct feed_source *source, bool *found, struct error *error)
{
	const struct group_question *known = places_of(lead, source->topic, error);
	assert(known);
	const struct group_question places = *known; /* further questions move it */
	const bool is_first = !any_is_committed(&places);
	bool good = true;
	lead->is_changed |= is_first; /* from now on it goes on there */
	for (size_t i = 0; good && i < places.place_count; i++) {
		const struct group_place *place = &places.places[i];
		if (is_first)
			good = source_begins(lead, source, (int32_t)i, found, error);
		else if (source->topic == lead->feedback)
			good = offsets_set(&source->next, (int32_t)i, place->committed < 0 ? 0 : place->committed, error);
		else
			good = exposures_go_on(lead, source, (int32_t)i, place, found, error);
	}
	return good;
}

/* Whether the places of all topics are known. */
static bool places_are_known(struct outcome_lead *lead, struct error *error)
{
	bool are_known = places_of(lead, lead->outcomes, error);
	for (size_t i = 0; i < lead->feed.count; i++)
		are_known &= places_of(lead, lead->feed.sources[i].topic, error) != NULL;
	return are_known;
}

/* Asks for the places, opens the readers, which say from when on they need records, and asks where these are. */
bool lead_places_find(struct outcome_lead *lead, bool *found, struct error *error)
{
	*found = places_are_known(lead, error);
	if (!*found)
		return error->kind == ERROR_NONE;
	if (!lead->has_readers) {
		const struct group_question *known = places_of(lead, lead->outcomes, error);
		assert(known);
		lead->committed = known->places[0].committed;
		lead->begun = lead->mark = lead_mark_read(known->places[0].metadata);
		lead->asked_ms = time_of_day_ms();
		lead->has_readers = true;
		if (!readers_open(lead, error))
			return false;
	}
	bool good = true;
	for (size_t i = 0; good && i < lead->feed.count; i++)
		good = source_find(lead, &lead->feed.sources[i], found, error);
	for (size_t i = 0; good && *found && i < lead->feed.count; i++)
		source_correct(lead, &lead->feed.sources[i], error);
	return good;
}

/* ---- outcomes ---- */

/* The first outcome that a reader wants. */
static bool reader_next(struct outcome_lead *lead, struct outcome_reader *reader, bool *found, struct error *error)
{
	bool is_found = true;
	int64_t next = 0;
	if (reader->from_ms > 0 && !time_find(lead, lead->outcomes, 0, reader->from_ms, &next, &is_found, error))
		return false;
	*found = *found && is_found;
	if (reader->from_ms > 0 && is_found) {
		reader->next = next;
		reader->from_ms = 0;
	}
	reader->is_committed |= reader->next == OFFSET_NONE;
	if (reader->next == OFFSET_NONE)
		reader->next = lead->committed == OFFSET_NONE ? 0 : lead->committed;
	return true;
}

/* The first one that an exposure can have which is open, or the last one that was written; and where they end. */
static bool marks_next(struct outcome_lead *lead, int64_t *next, bool *found, struct error *error)
{
	const int64_t low_ms = exposure_join_low_ms(lead->join);
	const int64_t from_ms = lead->begun.last ? earlier_of(low_ms, lead->begun.last_ms) : low_ms;
	return time_find(lead, lead->outcomes, 0, GROUP_END, &lead->end, found, error) &&
	       (from_ms == INT64_MAX || time_find(lead, lead->outcomes, 0, from_ms, next, found, error));
}

bool lead_outcomes_open(struct outcome_lead *lead, bool marks, bool *found, struct error *error)
{
	int64_t first = INT64_MAX;
	*found = true;
	if (marks && !marks_next(lead, &first, found, error))
		return false;
	for (size_t i = 0; i < lead->reader_count; i++) {
		if (!reader_next(lead, &lead->readers[i], found, error))
			return false;
		first = earlier_of(first, lead->readers[i].next);
	}
	if (!*found)
		return true;
	lead_questions_forget(lead);
	if (lead->stream && first >= lead->next)
		return true;
	stream_close(lead->stream);
	lead->first = lead->next = first == INT64_MAX ? lead->end : first;
	lead->config = (struct reader_config){.topic = lead->outcomes,
					      .by_time = true,
					      .from_offset = true,
					      .offsets = &lead->first,
					      .offset_count = 1,
					      .stopping = lead->context->stopping,
					      .wait_ms = FEED_OPEN_MS};
	lead->stream = stream_open(lead->context->reader, &lead->config, error);
	return lead->stream;
}
