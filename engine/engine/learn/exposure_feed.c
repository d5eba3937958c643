/* exposure_feed.c: see exposure_feed.h. */
#include "engine/learn/exposure_feed.h"

#include <assert.h>

#include "base/clock.h"
#include "base/memory.h"

#define ROOM_FIRST 64

static int64_t record_time_ms(const struct record *record)
{
	const int64_t now_ms = time_of_day_ms();
	return record->time_ms < now_ms ? record->time_ms : now_ms;
}

static struct feed_source *feedback_of(struct exposure_feed *feed)
{
	return &feed->sources[feed->count - 1];
}

/* ---- feedback that waits ---- */

static bool waiting_has_room(const struct exposure_feed *feed)
{
	return feed->waiting_count < FEED_WAITING_MAX && feed->waiting_bytes < FEED_WAITING_BYTES;
}

static bool waiting_grow(struct exposure_feed *feed, struct error *error)
{
	const size_t room = feed->room ? 2 * feed->room : ROOM_FIRST;
	struct waiting_record *waiting = memory_take(room, sizeof *waiting);
	if (!waiting)
		return error_memory(error, ERROR_SYSTEM, "reading feedback");
	for (size_t i = 0; i < feed->waiting_count; i++)
		waiting[i] = feed->waiting[(feed->first + i) % feed->room];
	memory_give(feed->waiting);
	feed->waiting = waiting;
	feed->room = room;
	feed->first = 0;
	return true;
}

/* Reads feedback as long as some has come, and there is room. */
static bool waiting_fill(struct exposure_feed *feed, struct error *error)
{
	struct record record;
	while (waiting_has_room(feed)) {
		if (feed->waiting_count == feed->room && !waiting_grow(feed, error))
			return false;
		if (!stream_next(feedback_of(feed)->stream, &record, error))
			return false;
		if (!record.held)
			return true;
		feed->waiting[(feed->first + feed->waiting_count++) % feed->room] = (struct waiting_record){record, clock_ms()};
		feed->waiting_bytes += record.value.length;
	}
	return true;
}

static struct waiting_record *waiting_first(const struct exposure_feed *feed)
{
	return feed->waiting_count > 0 ? &feed->waiting[feed->first] : NULL;
}

static void waiting_drop(struct exposure_feed *feed)
{
	struct record *record = &feed->waiting[feed->first].record;
	feed->waiting_bytes -= record->value.length;
	record_release(record);
	feed->first = (feed->first + 1) % feed->room;
	feed->waiting_count--;
}

/* ---- order ---- */

/* The source of the next exposure; NULL: none has come. `is_known`: none that is earlier can come from another source. */
static struct feed_source *exposures_first(struct exposure_feed *feed, bool *is_known)
{
	struct feed_source *first = NULL;
	*is_known = true;
	for (size_t i = 0; i + 1 < feed->count; i++) {
		struct feed_source *source = &feed->sources[i];
		*is_known = *is_known && (source->head.held || stream_is_at_end(source->stream));
		if (source->head.held && (!first || source->head.time_ms < first->head.time_ms))
			first = source;
	}
	return first;
}

/* Whether all exposures that feedback can be of were passed on, or would have come by now. */
static bool feedback_is_due(const struct exposure_feed *feed, const struct waiting_record *waiting, const struct feed_source *first)
{
	return first ? record_time_ms(&first->head) >= record_time_ms(&waiting->record) + feed->hold_ms
		     : clock_ms() - waiting->since_ms >= feed->hold_ms;
}

static bool feedback_pass(struct exposure_feed *feed, struct error *error)
{
	const struct record *record = &waiting_first(feed)->record;
	const bool good = offsets_set(&feedback_of(feed)->next, record->partition, record->offset + 1, error);
	if (good)
		feed->inform(feed->context, record, record_time_ms(record));
	waiting_drop(feed);
	return good;
}

static bool exposure_pass(struct exposure_feed *feed, struct feed_source *source, struct error *error)
{
	const bool good = offsets_set(&source->next, source->head.partition, source->head.offset + 1, error);
	if (good)
		feed->expose(feed->context, (size_t)(source - feed->sources), &source->head);
	record_release(&source->head);
	source->head = (struct record){0};
	return good;
}

/* Passes on the next record. `goes_on` false: none is next. */
static bool next_pass(struct exposure_feed *feed, bool restores, bool *goes_on, struct error *error)
{
	bool is_known;
	struct feed_source *first = exposures_first(feed, &is_known);
	if (!restores && feed->waiting_count == 0 && !waiting_fill(feed, error))
		return false;
	const struct waiting_record *waiting = restores ? NULL : waiting_first(feed);
	*goes_on = true;
	if (waiting && is_known && feedback_is_due(feed, waiting, first))
		return feedback_pass(feed, error);
	*goes_on = first && is_known && (restores || waiting || stream_is_at_end(feedback_of(feed)->stream));
	return !*goes_on || exposure_pass(feed, first, error);
}

static bool heads_look(struct exposure_feed *feed, struct error *error)
{
	for (size_t i = 0; i + 1 < feed->count; i++) {
		struct feed_source *source = &feed->sources[i];
		if (!source->head.held && !stream_next(source->stream, &source->head, error))
			return false;
	}
	return true;
}

bool exposure_feed_turn(struct exposure_feed *feed, size_t most, size_t *taken, struct error *error)
{
	const bool restores = !exposure_feed_is_restored(feed);
	bool goes_on = true;
	*taken = 0;
	if (!restores && !waiting_fill(feed, error))
		return false;
	while (*taken < most) {
		if (!heads_look(feed, error) || !next_pass(feed, restores, &goes_on, error))
			return false;
		if (!goes_on)
			return true;
		++*taken;
	}
	return true;
}

bool exposure_feed_is_restored(const struct exposure_feed *feed)
{
	for (size_t i = 0; i + 1 < feed->count; i++) {
		const struct feed_source *source = &feed->sources[i];
		for (size_t j = 0; j < source->until.count; j++)
			if (offsets_of(&source->next, (int32_t)j) < source->until.items[j] &&
			    !(stream_is_at_end(source->stream) && !source->head.held))
				return false;
	}
	return true;
}

/* ---- time ---- */

static int64_t source_time_ms(const struct feed_source *source, const struct record *first, bool is_answered)
{
	const int64_t passed_ms = stream_passed_ms(source->stream), quiet_ms = time_of_day_ms() - FEED_QUIET_MS;
	if (first)
		return first->time_ms < passed_ms ? first->time_ms : passed_ms;
	const bool is_read = is_answered && stream_is_at_end(source->stream) && stream_has_leaders(source->stream);
	return is_read && quiet_ms > passed_ms ? quiet_ms : passed_ms;
}

int64_t exposure_feed_time_ms(const struct exposure_feed *feed, bool is_answered)
{
	int64_t time_ms = time_of_day_ms();
	for (size_t i = 0; i < feed->count; i++) {
		const bool is_feedback = i + 1 == feed->count;
		const struct record *first = is_feedback && feed->waiting_count > 0 ? &waiting_first(feed)->record
					     : feed->sources[i].head.held	     ? &feed->sources[i].head
										     : NULL;
		const int64_t its_ms = source_time_ms(&feed->sources[i], first, is_answered);
		time_ms = its_ms < time_ms ? its_ms : time_ms;
	}
	return time_ms;
}

/* ---- opening and closing ---- */

bool exposure_feed_open(struct exposure_feed *feed, struct error *error)
{
	assert(feed->count >= 2 && feed->count <= FEED_SOURCES_MAX && feed->expose && feed->inform);
	for (size_t i = 0; i < feed->count; i++) {
		struct feed_source *source = &feed->sources[i];
		source->config = (struct reader_config){.topic = source->topic,
							.by_time = true,
							.from_offset = true,
							.offsets = source->next.items,
							.offset_count = source->next.count,
							.stopping = feed->stopping,
							.wait_ms = FEED_OPEN_MS};
		source->stream = stream_open(feed->reader, &source->config, error);
		if (!source->stream)
			return false;
	}
	return true;
}

void exposure_feed_pause(struct exposure_feed *feed)
{
	while (feed->waiting_count > 0)
		waiting_drop(feed);
	for (size_t i = 0; i < feed->count; i++) {
		struct feed_source *source = &feed->sources[i];
		record_release(&source->head);
		stream_close(source->stream);
		source->stream = NULL;
		source->head = (struct record){0};
	}
}

void exposure_feed_close(struct exposure_feed *feed)
{
	exposure_feed_pause(feed);
	memory_give(feed->waiting);
	for (size_t i = 0; i < feed->count; i++) {
		offsets_close(&feed->sources[i].next);
		offsets_close(&feed->sources[i].until);
	}
	feed->waiting = NULL;
	feed->first = feed->room = 0;
}
