/* outcome_feed.c: see outcome_feed.h. */
#include "engine/learn/outcome_feed.h"

#include <assert.h>
#include <inttypes.h>

#include "base/number/duration.h"

/* ---- exposures ---- */

/* Whether its time can be one of a request that was answered. */
static bool exposure_is_timely(struct outcome_feed *feed, const struct exposure *exposure)
{
	const int64_t now_ms = time_of_day_ms();
	if (exposure->time_ms <= now_ms + OUTCOME_AHEAD_MS)
		return true;
	if (!feed->ahead_is_logged)
		log_say(feed->config.log, LOG_LEVEL_WARN, NULL,
			"%s: the time of request `" TEXT_FORMAT "` (%" PRId64 " ms since 1970) is more than %d s "
			"ahead, so %s, nor from others like it: check the clock of whoever sends requests, "
			"and of this engine",
			feed->config.exposures, TEXT_ARGUMENTS(exposure->id), exposure->time_ms, OUTCOME_AHEAD_MS / MS_PER_S,
			feed->config.without);
	feed->ahead_is_logged = true;
	return false;
}

static void broken_log(struct outcome_feed *feed, const char *topic, int32_t partition, int64_t offset, const struct error *wrong,
		       bool *is_logged)
{
	if (!*is_logged)
		log_say(feed->config.log, LOG_LEVEL_WARN, NULL,
			"%s: partition %" PRId32 ", offset %" PRId64
			": %s; %s, nor from others that cannot be read: correct whoever "
			"writes to the topic; this engine says it once",
			topic, partition, offset, wrong->text, feed->config.without);
	*is_logged = true;
}

bool outcome_feed_decode(struct outcome_feed *feed, const struct record *record, struct exposure *exposure)
{
	struct error wrong = {0};
	arena_reset(feed->config.arena);
	if (exposure_decode(record->value, feed->config.arena, exposure, &wrong))
		return exposure_is_timely(feed, exposure);
	broken_log(feed, feed->config.exposures, record->partition, record->offset, &wrong, &feed->broken_exposure_is_logged);
	return false;
}

/* ---- feedback ---- */

static bool feedback_hold(void *context, const struct record *record, struct error *error)
{
	struct outcome_feed *feed = context;
	struct record arrived = *record;
	feed->taken++;
	arrived.time_ms = time_arrived_ms(record->time_ms);
	return held_add(feed->held, &arrived, clock_ms(), error);
}

/* Whether the exposure of feedback of that time has been read, if there is one. */
static bool exposure_is_read(const struct outcome_feed *feed, const struct held_record *held, bool idle)
{
	const int64_t hold_ms = feed->config.hold_ms;
	return held->time_ms + hold_ms <= feed->exposed_ms || (idle && clock_ms() - held->since_ms >= hold_ms);
}

static void feedback_pass(struct outcome_feed *feed, const struct held_record *held)
{
	struct feedback feedback;
	struct error wrong = {0};
	arena_reset(feed->config.arena);
	if (feedback_decode(held->value, feed->config.arena, &feedback, &wrong))
		feed->config.inform(feed->config.context, &feedback, held);
	else {
		broken_log(feed, feed->config.feedback, held->partition, held->offset, &wrong, &feed->broken_feedback_is_logged);
		feed->config.refuse(feed->config.context, held, &wrong);
	}
}

static bool feedback_release(struct outcome_feed *feed, bool idle, struct error *error)
{
	const struct held_record *held;
	while ((held = held_first(feed->held)) && exposure_is_read(feed, held, idle)) {
		feedback_pass(feed, held);
		feed->feedback_ms = held->time_ms;
		if (!offsets_set(&feed->feedback_next, held->partition, held->offset + 1, error))
			return false;
		held_drop_first(feed->held);
	}
	return true;
}

/* Reads feedback as long as there is space; `none_left`: all that has come is read. */
static bool feedback_read_some(struct outcome_feed *feed, bool *none_left, struct error *error)
{
	bool more = true;
	feed->taken = 0;
	while (more && feed->taken < OUTCOME_TURN_RECORDS && held_space(feed->held) > 0) {
		const size_t before = feed->taken;
		if (!reader_give_arrived(feed->feedback, 1, 0, feedback_hold, feed, error))
			return false;
		more = feed->taken > before;
	}
	*none_left = !more && reader_is_at_end(feed->feedback);
	return true;
}

/* ---- both ---- */

/* Feedback goes before the first exposure that is `hold_ms` later: so no window ends before feedback that is in it. */
static bool exposure_take(struct outcome_feed *feed, const struct record *record, struct error *error)
{
	struct exposure exposure;
	feed->taken++;
	feed->came_ms = clock_ms();
	feed->exposures_ms = record->time_ms;
	if (!outcome_feed_decode(feed, record, &exposure))
		return offsets_set(&feed->exposures_next, record->partition, record->offset + 1, error);
	const int64_t time_ms = time_arrived_ms(exposure.time_ms);
	if (time_ms > feed->exposed_ms)
		feed->exposed_ms = time_ms;
	const struct held_record *held = held_first(feed->held);
	if (held && exposure_is_read(feed, held, false)) {
		if (!feedback_release(feed, false, error))
			return false;
		(void)outcome_feed_decode(feed, record, &exposure); /* feedback took the arena */
	}
	feed->config.expose(feed->config.context, &exposure, record);
	return offsets_set(&feed->exposures_next, record->partition, record->offset + 1, error);
}

/* Whether feedback is to be read before that exposure: its window could end what is to be joined with feedback on its way. */
static bool exposure_is_ahead(struct outcome_feed *feed, const struct record *record, bool none_left)
{
	struct exposure exposure;
	return !none_left && held_space(feed->held) > 0 && outcome_feed_decode(feed, record, &exposure) &&
	       time_arrived_ms(exposure.time_ms) > held_latest_ms(feed->held);
}

static void next_release(struct outcome_feed *feed)
{
	record_release(&feed->next);
	feed->next = (struct record){0};
}

/* Reads exposures as long as they are not ahead of the feedback. */
static bool exposures_read_some(struct outcome_feed *feed, bool none_left, struct error *error)
{
	while (feed->taken < OUTCOME_TURN_RECORDS && held_needs_exposures(feed->held, none_left, feed->exposed_ms)) {
		if (!feed->next.held &&
		    !reader_next(feed->exposures, feed->taken == 0 ? feed->config.turn_ms : 0, &feed->next, error))
			return false;
		if (!feed->next.held || exposure_is_ahead(feed, &feed->next, none_left))
			return true;
		const bool good = exposure_take(feed, &feed->next, error);
		next_release(feed);
		if (!good)
			return false;
	}
	return true;
}

/* ---- quiet ---- */

static void answers_note(struct feed_answers *answers, struct reader *reader)
{
	const int64_t now_ms = clock_ms();
	if (!reader_was_answered(reader) || !reader_has_leaders(reader))
		return;
	if (now_ms - answers->last_ms > OUTCOME_ANSWER_MS)
		answers->since_ms = now_ms;
	answers->last_ms = now_ms;
}

static bool answers_last(const struct feed_answers *answers)
{
	const int64_t now_ms = clock_ms();
	return now_ms - answers->last_ms <= OUTCOME_ANSWER_MS && now_ms - answers->since_ms >= OUTCOME_QUIET_MS;
}

/* Feedback that waits for an exposure is passed before its time is over. */
static void quiet_say(struct outcome_feed *feed)
{
	const struct held_record *held = held_first(feed->held);
	const int64_t time_ms = time_of_day_ms() - OUTCOME_QUIET_MS;
	if (clock_ms() - feed->came_ms >= OUTCOME_QUIET_MS && answers_last(&feed->exposures_answers) &&
	    answers_last(&feed->feedback_answers) && reader_is_at_end(feed->feedback))
		feed->config.quiet(feed->config.context, held && held->time_ms < time_ms ? held->time_ms : time_ms);
}

/* ---- turns ---- */

bool outcome_feed_turn(struct outcome_feed *feed, struct error *error)
{
	assert(feed->held && feed->exposures && feed->feedback);
	bool none_left;
	if (!feedback_read_some(feed, &none_left, error))
		return false;
	const bool may_go_on = held_needs_exposures(feed->held, none_left, feed->exposed_ms);
	feed->taken = 0;
	if (may_go_on && !exposures_read_some(feed, none_left, error))
		return false;
	const bool none_came = feed->taken == 0;
	/* Feedback that is on its way is waited for; there is space, or exposures would be needed. */
	if ((!may_go_on || (none_came && feed->next.held)) &&
	    !reader_give_arrived(feed->feedback, 1, feed->config.turn_ms, feedback_hold, feed, error))
		return false;
	const bool idle = may_go_on && none_came && !feed->next.held && reader_is_at_end(feed->exposures);
	if (!feedback_release(feed, idle, error))
		return false;
	feed->is_idle = idle && none_left && !held_first(feed->held);
	if (!feed->config.quiet)
		return true;
	answers_note(&feed->exposures_answers, feed->exposures);
	answers_note(&feed->feedback_answers, feed->feedback);
	if (idle && none_left)
		quiet_say(feed);
	return true;
}

bool outcome_feed_has_passed(const struct outcome_feed *feed, int64_t time_ms)
{
	return feed->is_idle || feed->exposures_ms >= time_ms + feed->config.hold_ms; /* feedback of before is held no longer */
}

static int64_t time_earlier(int64_t one_ms, int64_t other_ms)
{
	return one_ms < other_ms ? one_ms : other_ms;
}

/* The end that a reader has reached may be an old one, if Kafka does not answer any more. */
static bool topic_is_read(const struct reader *reader, const struct feed_answers *answers)
{
	return reader && reader_is_at_end(reader) && clock_ms() - answers->last_ms <= OUTCOME_ANSWER_MS;
}

int64_t outcome_feed_read_ms(const struct outcome_feed *feed)
{
	const struct held_record *held = feed->held ? held_first(feed->held) : NULL;
	const int64_t now_ms = time_of_day_ms();
	int64_t exposures_ms = 0, feedback_ms = 0;
	assert(feed->config.quiet);
	if (feed->exposures)
		exposures_ms = time_earlier(feed->exposures_ms, reader_passed_ms(feed->exposures));
	if (feed->feedback)
		feedback_ms = time_earlier(held ? held->time_ms : feed->feedback_ms, reader_passed_ms(feed->feedback));
	if (!feed->next.held && topic_is_read(feed->exposures, &feed->exposures_answers))
		exposures_ms = now_ms;
	if (!held && topic_is_read(feed->feedback, &feed->feedback_answers))
		feedback_ms = now_ms;
	const int64_t read_ms = time_earlier(exposures_ms, feedback_ms);
	return read_ms > feed->config.from_ms ? read_ms : feed->config.from_ms;
}

int64_t outcome_feed_feedback_ms(const struct outcome_feed *feed)
{
	const struct held_record *held = feed->held ? held_first(feed->held) : NULL;
	if (held)
		return held->time_ms;
	return feed->feedback && reader_is_at_end(feed->feedback) ? time_of_day_ms() : feed->feedback_ms;
}

static struct reader *reader_of(const struct outcome_feed *feed, struct reader_config *config, const char *topic,
				const struct offsets *offsets, struct error *error)
{
	*config = (struct reader_config){.brokers = feed->config.brokers,
					 .topic = topic,
					 .from_offset = feed->config.from_ms == 0,
					 .offsets = offsets->items,
					 .offset_count = offsets->count,
					 .from_time = feed->config.from_ms > 0,
					 .time_ms = feed->config.from_ms,
					 .by_time = true,
					 .is_watched = feed->config.quiet,
					 .properties = feed->config.consumer};
	return reader_open(config, error);
}

static void readers_close(struct outcome_feed *feed)
{
	next_release(feed);
	reader_close(feed->exposures);
	reader_close(feed->feedback);
	feed->exposures = feed->feedback = NULL;
}

bool outcome_feed_open(struct outcome_feed *feed, struct error *error)
{
	assert(feed->config.expose && feed->config.inform && feed->config.refuse && feed->config.arena);
	readers_close(feed);
	if (!feed->held)
		feed->held = held_open(OUTCOME_HELD_MAX, OUTCOME_HELD_BYTES, error);
	if (feed->held)
		feed->exposures =
			reader_of(feed, &feed->exposures_config, feed->config.exposures, &feed->exposures_next, error);
	if (feed->exposures)
		feed->feedback = reader_of(feed, &feed->feedback_config, feed->config.feedback, &feed->feedback_next, error);
	feed->is_idle = false;
	feed->came_ms = clock_ms();
	feed->exposures_answers = feed->feedback_answers = (struct feed_answers){0};
	return feed->feedback;
}

void outcome_feed_close(struct outcome_feed *feed)
{
	readers_close(feed);
	held_close(feed->held);
	offsets_close(&feed->exposures_next);
	offsets_close(&feed->feedback_next);
	*feed = (struct outcome_feed){.config = feed->config,
				      .ahead_is_logged = feed->ahead_is_logged,
				      .broken_exposure_is_logged = feed->broken_exposure_is_logged,
				      .broken_feedback_is_logged = feed->broken_feedback_is_logged};
}
