/* feed_relay.c: see feed_relay.h. */
#include "control/feed_relay.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/loop_reader.h"
#include "message/feed_record.h"

struct feed_relay {
	struct feed_relay_config config;
	struct loop_reader *reader;
	char failure[ERROR_TEXT_MAX];
	uint64_t refused;
	double delay_seconds; /* of the last record that came while the relay was reading; NaN: none */
};

/* ---- records ---- */

static void record_refuse(struct feed_relay *relay, const struct error *wrong)
{
	if (relay->refused++ == 0)
		log_say(relay->config.log, LOG_LEVEL_WARN, NULL,
			"a record of %s is left out, and what was known before stays: %s. Further ones are not logged",
			relay->config.topic, wrong->text);
}

static void figures_take(struct feed_relay *relay, const struct record *record)
{
	struct feed_figures figures;
	struct error wrong = {0};
	if (!feed_figures_decode(record->key, record->value, &figures, &wrong)) {
		record_refuse(relay, &wrong);
		return;
	}
	struct verdict_entry *entry = verdict_board_entry(relay->config.verdicts, figures.of.pipeline, figures.of.step);
	const double *numbers = figures.numbers;
	const struct last_verdict last = {.quality_alarm = numbers[FEED_QUALITY_ALARM],
					  .missing_share = numbers[FEED_MISSING_SHARE],
					  .outside_share = numbers[FEED_OUTSIDE_SHARE],
					  .unseen_share = numbers[FEED_UNSEEN_SHARE],
					  .accuracy = numbers[FEED_ACCURACY],
					  .precision = numbers[FEED_PRECISION],
					  .recall = numbers[FEED_RECALL],
					  .accuracy_low = numbers[FEED_ACCURACY_LOW],
					  .accuracy_high = numbers[FEED_ACCURACY_HIGH]};
	if (entry && !figures.gone) /* where a state begins anew, its verdict is gone too */
		verdict_entry_feed_figures(entry, figures.of.identity, figures.of.segment, &last);
}

static void record_take(void *context, const struct record *record, bool is_new)
{
	struct feed_relay *relay = context;
	struct feed_score score;
	struct error wrong = {0};
	if (feed_key_is_figures(record->key))
		figures_take(relay, record);
	if (!feed_key_is_score(record->key))
		return;
	if (!feed_score_decode(record->key, record->value, &score, &wrong)) {
		record_refuse(relay, &wrong);
		return;
	}
	struct verdict_entry *entry = verdict_board_entry(relay->config.verdicts, score.pipeline, score.step);
	if (entry)
		verdict_entry_feed(entry, score.identity, score.segment, verdict_of(score.verdict, score.score));
	if (is_new)
		relay->delay_seconds = (double)(time_of_day_ms() - record->time_ms) / 1000;
}

/* ---- failures ---- */

static void failure_note(void *context, const struct error *error)
{
	struct feed_relay *relay = context;
	if (!relay->failure[0])
		log_say(relay->config.log, LOG_LEVEL_ERROR, NULL,
			"the feed cannot be read: %s. What it said before stays in force, and it is read again in %d s",
			error->text, FEED_RETRY_MS / 1000);
	(void)snprintf(relay->failure, sizeof relay->failure, "%s", error->text);
}

static void failure_forget(void *context)
{
	struct feed_relay *relay = context;
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
