/* feed_relay.c: see feed_relay.h. */
#include "control/engine/feed_relay.h"

#include <math.h>
#include <stdio.h>

#include "compiler/conditions/alert_feed.h"
#include "base/clock.h"
#include "base/memory.h"
#include "kafka/consume/loop_reader.h"
#include "message/records/feed_record.h"

#define OUTLIERS_BYTES_MAX ((size_t)1 << 20) /* of the numbers of a record */

static bool figures_take(const struct feed_board *board, const struct record *record, struct error *error)
{
	struct feed_figures figures;
	if (!feed_figures_decode(record->key, record->value, &figures, error))
		return false;
	struct verdict_entry *entry = verdict_board_entry(board->verdicts, figures.of.pipeline, figures.of.step);
	const double *numbers = figures.numbers;
	const struct last_verdict last = {.quality_alarm = numbers[FEED_QUALITY_ALARM],
					  .missing_share = numbers[FEED_MISSING_SHARE],
					  .outside_share = numbers[FEED_OUTSIDE_SHARE],
					  .unseen_share = numbers[FEED_UNSEEN_SHARE],
					  .accuracy = numbers[FEED_ACCURACY],
					  .precision = numbers[FEED_PRECISION],
					  .recall = numbers[FEED_RECALL],
					  .accuracy_low = numbers[FEED_ACCURACY_LOW],
					  .accuracy_high = numbers[FEED_ACCURACY_HIGH],
					  .messages_per_minute = numbers[FEED_MESSAGES_PER_MINUTE],
					  .newest_age_ms = numbers[FEED_NEWEST_AGE_MS],
					  .auc = numbers[FEED_AUC],
					  .error = numbers[FEED_ERROR],
					  .mistyped_share = (double)NAN,
					  .cause = figures.cause};
	if (entry && !figures.gone) /* where a state begins anew, its verdict is gone too */
		verdict_entry_feed_figures(entry, figures.of.identity, figures.of.segment, &last);
	return true;
}

static bool score_take(const struct feed_board *board, const struct record *record, struct error *error)
{
	struct feed_score score;
	if (!feed_score_decode(record->key, record->value, &score, error))
		return false;
	struct verdict_entry *entry = verdict_board_entry(board->verdicts, score.pipeline, score.step);
	if (entry)
		verdict_entry_feed(entry, score.identity, score.segment, verdict_of(score.verdict, score.score));
	return true;
}

static bool outliers_take(const struct feed_board *board, const struct record *record, struct error *error)
{
	struct feed_outliers learnt;
	struct arena *arena = arena_open(OUTLIERS_BYTES_MAX);
	const bool good = arena ? feed_outliers_decode(record->key, record->value, arena, &learnt, error)
				: error_memory(error, ERROR_SYSTEM, "reading the feed");
	if (good) {
		struct verdict_entry *entry = verdict_board_entry(board->verdicts, learnt.of.pipeline, learnt.of.step);
		if (entry) /* without memory, what was in force stays */
			(void)verdict_entry_feed_outliers(entry, learnt.of.identity, &learnt.covariance);
	}
	arena_close(arena);
	return good;
}

/* Whether that record was taken before: the topic is read again. */
static bool feed_board_has_taken(const struct feed_board *board, const struct record *record)
{
	return record->offset < board->next && record->time_ms <= board->last_ms;
}

bool feed_board_take(struct feed_board *board, const struct record *record, struct error *error)
{
	if (feed_board_has_taken(board, record))
		return true;
	board->next = record->offset + 1;
	if (record->time_ms > board->last_ms)
		board->last_ms = record->time_ms;
	if (feed_key_is_outliers(record->key))
		return outliers_take(board, record, error);
	if (feed_key_is_figures(record->key))
		return figures_take(board, record, error);
	return !feed_key_is_score(record->key) || score_take(board, record, error);
}

struct feed_relay {
	struct feed_relay_config config;
	struct loop_reader *reader;
	struct feed_board board;
	char failure[ERROR_TEXT_MAX];
	uint64_t refused;
	uint64_t opened; /* how often the feed was opened */
	double delay_seconds; /* of the last record that came while the relay was reading; NaN: none */
	int64_t watched_ms;   /* when a record said that somebody watches; 0: none did */
};

/* ---- records ---- */

static void record_refuse(struct feed_relay *relay, const struct error *wrong)
{
	if (relay->refused++ == 0)
		log_say(relay->config.log, LOG_LEVEL_WARN, NULL,
			"a record of %s is left out, and what was known before stays: %s. Further ones are not logged",
			relay->config.topic, wrong->text);
}

/* A feed that is opened again is read from its beginning: what was not taken before came meanwhile. */
static void alert_take(const struct feed_relay *relay, const struct record *record, bool is_new)
{
	const bool is_former = !is_new && relay->opened < 2;
	const enum alert_key kind = alert_key_kind(record->key);
	if (relay->config.take_alert &&
	    (kind == ALERT_KEY_FIRING || (kind == ALERT_KEY_BEGINNING && !is_former && record->value.bytes)))
		relay->config.take_alert(relay->config.alerts, record->key, record->value, is_former);
}

static void record_take(void *context, const struct record *record, bool is_new)
{
	struct feed_relay *relay = context;
	struct error wrong = {0};
	if (!feed_board_has_taken(&relay->board, record))
		alert_take(relay, record, is_new);
	if (!feed_board_take(&relay->board, record, &wrong))
		record_refuse(relay, &wrong);
	else if (is_new && feed_key_is_score(record->key))
		relay->delay_seconds = (double)(time_of_day_ms() - record->time_ms) / 1000;
	else if (is_new && text_is(record->key, FEED_WATCH_KEY))
		relay->watched_ms = clock_ms();
}

/* ---- failures ---- */

static void failure_note(void *context, const struct error *error)
{
	struct feed_relay *relay = context;
	if (!relay->failure[0])
		log_say(relay->config.log, LOG_LEVEL_ERROR, NULL,
			"the feed cannot be read: %s. What was read before stays in force, and it is read again in %d s",
			error->text, FEED_RETRY_MS / 1000);
	(void)snprintf(relay->failure, sizeof relay->failure, "%s", error->text);
}

static void failure_forget(void *context)
{
	struct feed_relay *relay = context;
	relay->opened++;
	if (relay->failure[0])
		log_say(relay->config.log, LOG_LEVEL_INFO, NULL, "the feed is read again");
	relay->failure[0] = '\0';
}

const char *feed_relay_failure(const struct feed_relay *relay)
{
	return relay->failure;
}

void feed_relay_note(const struct feed_relay *relay, struct control_state *state)
{
	state->feed_delay_seconds = relay->delay_seconds;
	state->feed_refused = relay->refused;
	state->watched_ms = relay->watched_ms;
}

/* ---- opening and closing ---- */

struct feed_relay *feed_relay_open(const struct feed_relay_config *config, struct loop *loop, struct error *error)
{
	assert(config->brokers && config->topic && config->verdicts);
	struct feed_relay *relay = memory_take(1, sizeof *relay);
	if (!relay) {
		error_memory(error, ERROR_SYSTEM, "reading the feed");
		return NULL;
	}
	relay->config = *config;
	relay->board.verdicts = config->verdicts;
	relay->delay_seconds = NAN;
	const struct loop_reader_config reader = {.reader = {.brokers = config->brokers,
							     .topic = config->topic,
							     .from_beginning = true,
							     .properties = config->consumer},
						  .retry_ms = FEED_RETRY_MS,
						  .purpose = "reads the feed",
						  .context = relay,
						  .take = record_take,
						  .failed = failure_note,
						  .opened = failure_forget};
	relay->reader = loop_reader_open(&reader, loop, error);
	if (relay->reader)
		return relay;
	memory_give(relay);
	return NULL;
}

void feed_relay_close(struct feed_relay *relay)
{
	if (!relay)
		return;
	loop_reader_close(relay->reader);
	memory_give(relay);
}
