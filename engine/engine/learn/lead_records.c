/* lead_records.c: Records that a lead reads and writes; see lead_parts.h. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/number/duration.h"
#include "base/number/number.h"
#include "engine/learn/lead_parts.h"
#include "engine/learn/outcome_metrics.h"
#include "experiments/outcomes/judged_answer.h"
#include "experiments/rollouts/truth_tally.h"

#define AHEAD_MS 60000 /* exposures whose time is further ahead of the clock are left out: by their time all others would be late */

/* ---- exposures ---- */

static void broken_log(struct outcome_lead *lead, const char *topic, const struct record *record, const struct error *wrong)
{
	if (!lead->broken_is_logged)
		log_say(lead->context->log, LOG_LEVEL_WARN, NULL,
			"%s: partition %" PRId32 ", offset %" PRId64
			": %s; it is left out, as others are that cannot be read: correct whoever writes to the topic; this engine "
			"says it once",
			topic, record->partition, record->offset, wrong->text);
	lead->broken_is_logged = true;
}

static bool exposure_is_timely(struct outcome_lead *lead, const struct exposure *exposure)
{
	if (exposure->time_ms <= time_of_day_ms() + AHEAD_MS)
		return true;
	if (!lead->ahead_is_logged)
		log_say(lead->context->log, LOG_LEVEL_WARN, NULL,
			"%s: the time of request `" TEXT_FORMAT "` (%" PRId64 " ms since 1970) is more than %d s ahead, so it is "
			"left out, as others like it are: check the clock of whoever sends requests, and of this engine",
			lead->name, TEXT_ARGUMENTS(exposure->id), exposure->time_ms, AHEAD_MS / MS_PER_S);
	lead->ahead_is_logged = true;
	return false;
}

/* An answer is an exposure by itself, if it has what metrics name of it: failures have not. */
static bool answer_read(const struct outcome_lead *lead, const struct record *record, struct text judged, struct exposure *exposure)
{
	struct message message;
	struct judged_answer answer;
	if (!judged.bytes || !judged_answer_read(judged, lead->context->arena, &message, &answer))
		return false;
	*exposure = (struct exposure){.id = message.id,
				      .origin = message.origin,
				      .time_ms = record->time_ms,
				      .variant = answer.variant,
				      .latency_ms = answer.latency_ms};
	return true;
}

static bool exposure_read(struct outcome_lead *lead, size_t source, const struct record *record, struct text judged,
			  struct exposure *exposure)
{
	struct error wrong = {0};
	const char *topic = lead->feed.sources[source].topic;
	if (topic == lead->outputs)
		return answer_read(lead, record, judged, exposure);
	if (exposure_decode(record->value, lead->context->arena, exposure, &wrong))
		return exposure_is_timely(lead, exposure);
	broken_log(lead, topic, record, &wrong);
	return false;
}

/* Gives it to those readers that have not had it before. */
static void exposure_give(struct outcome_lead *lead, const struct exposure *exposure, const struct record *record, bool is_opened)
{
	struct error error = {0};
	for (size_t i = 0; i < lead->reader_count; i++) {
		struct outcome_reader *reader = &lead->readers[i];
		const bool is_due = !reader->exposed || record->offset >= offsets_of(reader->exposed, record->partition);
		if (is_opened && is_due && reader->expose)
			reader->expose(reader->context, exposure);
		if (is_due && reader->exposed &&
		    !offsets_set(reader->exposed, record->partition, record->offset + 1, &error))
			(void)lead_fail(lead, &error);
	}
}

void lead_expose(void *context, size_t source, struct record *record)
{
	struct outcome_lead *lead = context;
	const struct join_place place = {(uint32_t)source, record->partition, record->offset};
	struct exposure exposure = {0};
	struct text judged = {0};
	struct error wrong = {0};
	arena_reset(lead->context->arena);
	lead->is_changed = true;
	if (!record_header_value(record, TEXT(JUDGED_HEADER), lead->context->arena, &judged, &wrong))
		judged = (struct text){0};
	const bool is_opened = exposure_read(lead, source, record, judged, &exposure) &&
			       exposure_join_expose(lead->join, &exposure, place) == EXPOSURE_OPENED;
	if (is_opened && judged.bytes)
		(void)exposure_join_keep(lead->join, exposure.id, judged);
	if (lead->feed.sources[source].topic == lead->exposures)
		exposure_give(lead, &exposure, record, is_opened);
}

/* ---- feedback ---- */

void lead_inform(void *context, const struct record *record, int64_t time_ms)
{
	struct outcome_lead *lead = context;
	struct feedback feedback;
	struct error wrong = {0};
	const struct origin source = {text_of(lead->feedback), record->partition, record->offset};
	arena_reset(lead->context->arena);
	lead->is_changed = true;
	const bool is_read = feedback_decode(record->value, lead->context->arena, &feedback, &wrong);
	if (!is_read)
		broken_log(lead, lead->feedback, record, &wrong);
	if (is_read && feedback_check(&feedback, time_ms, &wrong) &&
	    (!graph_is_judged(lead->pipeline->graph) || truth_values_check(&feedback, &wrong)))
		exposure_join_feedback(lead->join, &feedback, &source, time_ms);
	else if (lead->refused.count++ == 0)
		lead->refused.first = wrong;
}

size_t lead_compute(void *context, size_t window, const struct feedback *feedback, struct outcome *outcome, struct text kept,
		    uint32_t had, struct outcome_metric *metrics, size_t room, struct arena *arena)
{
	const struct outcome_lead *lead = context;
	return outcome_metrics_compute(lead->pipeline, &lead->windows, window, feedback, outcome, kept, had, metrics, room, arena);
}

/* ---- outcomes ---- */

uint64_t lead_record_hash(struct text value)
{
	const uint64_t hash = hash_text(value, 0);
	return hash ? hash : 1;
}

/* One that is too large is left out: whoever reads outcomes lacks it. */
static void large_log(struct outcome_lead *lead, const struct outcome *outcome, const struct error *wrong)
{
	if (!lead->large_is_logged)
		log_say(lead->context->log, LOG_LEVEL_WARN, NULL,
			"%s: the outcome of request `" TEXT_FORMAT "` is not written: %s; this engine says it once", lead->outcomes,
			TEXT_ARGUMENTS(outcome->exposure.id), wrong->text);
	lead->large_is_logged = true;
}

void lead_write(void *context, size_t window, const struct outcome *outcome)
{
	struct outcome_lead *lead = context;
	struct lead_context *shared = lead->context;
	struct error error = {0};
	const int64_t time_ms = exposure_join_stored_ms(lead->join, outcome);
	(void)window;
	if (lead->failure.kind != ERROR_NONE)
		return;
	arena_reset(shared->scratch);
	buffer_clear(&lead->bytes);
	if (!outcome_encode(outcome, shared->scratch, &lead->bytes, &error)) {
		if (error.kind == ERROR_LIMIT)
			large_log(lead, outcome, &error);
		else
			(void)lead_fail(lead, &error);
		return;
	}
	const struct text value = buffer_view(&lead->bytes);
	if (!fenced_writer_add_at(shared->writer, lead->topic, time_ms, outcome->exposure.id, value, &error)) {
		shared->writer_failed = true;
		(void)lead_fail(lead, &error);
		return;
	}
	lead->mark.last = lead_record_hash(value);
	lead->mark.last_ms = time_ms;
	lead->is_changed = true;
	lead->written++;
	shared->added++;
	shared->added_bytes += value.length;
}

/* ---- marks ---- */

struct text lead_mark_write(const struct lead_mark *mark, struct arena *arena)
{
	const char *text = arena_print(arena, "%" PRId64 " %" PRIu64 " %" PRId64, mark->time_ms, mark->last, mark->last_ms);
	return text ? text_of(text) : (struct text){0};
}

struct lead_mark lead_mark_read(struct text metadata)
{
	struct lead_mark mark;
	const bool is_whole = number_read_int64(text_take_until(&metadata, ' '), &mark.time_ms) &&
			      number_read_uint64(text_take_until(&metadata, ' '), &mark.last) &&
			      number_read_int64(metadata, &mark.last_ms);
	return is_whole ? mark : (struct lead_mark){0};
}
