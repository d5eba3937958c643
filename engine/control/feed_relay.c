/* feed_relay.c: see feed_relay.h. */
#include "control/feed_relay.h"

#include <math.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/reader.h"
#include "message/feed_record.h"
#include "net/loop_task.h"

struct feed_relay {
	struct feed_relay_config config;
	struct reader_config reader_config;
	struct loop *loop;
	struct reader *reader; /* NULL: none is open */
	struct watch watch;
	int bell; /* of the reader */
	struct loop_task task; /* that opens a reader: */
	struct reader *opened; /* its result; NULL: `error` has the reason */
	struct error error;
	int64_t due_ms; /* of the loop's clock: not before then */
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

static void record_take(struct feed_relay *relay, const struct record *record)
{
	struct feed_score score;
	struct error wrong = {0};
	if (!feed_key_is_score(record->key))
		return;
	if (!feed_score_decode(record->key, record->value, &score, &wrong)) {
		record_refuse(relay, &wrong);
		return;
	}
	struct verdict_entry *entry = verdict_board_entry(relay->config.verdicts, score.pipeline, score.step);
	if (entry)
		verdict_entry_feed(entry, score.identity, score.segment, verdict_of(score.verdict, score.score));
	if (record->offset >= reader_end(relay->reader))
		relay->delay_seconds = (double)(time_of_day_ms() - record->time_ms) / 1000;
}

/* False: the reader has failed. */
static bool records_take(struct feed_relay *relay, struct error *error)
{
	for (size_t i = 0; i < FEED_RECORDS_A_TURN; i++) {
		struct record record;
		if (!reader_next(relay->reader, 0, &record, error))
			return false;
		if (!record.held)
			return true;
		record_take(relay, &record);
		record_release(&record);
	}
	bell_ring(relay->bell);
	return true;
}

/* ---- readers ---- */

static void failure_note(struct feed_relay *relay, const struct error *error)
{
	relay->due_ms = loop_now_ms(relay->loop) + FEED_RETRY_MS;
	if (!relay->failure[0])
		log_say(relay->config.log, LOG_LEVEL_ERROR, NULL,
			"the feed cannot be read: %s. What it said before stays in force, and it is read again in %d s",
			error->text, FEED_RETRY_MS / 1000);
	(void)snprintf(relay->failure, sizeof relay->failure, "%s", error->text);
}

static void on_bell(void *context, uint32_t events)
{
	struct feed_relay *relay = context;
	struct error error = {0};
	(void)events;
	bell_quiet(relay->bell);
	if (!relay->reader || records_take(relay, &error))
		return;
	failure_note(relay, &error);
	reader_close(relay->reader);
	relay->reader = NULL;
}

static void reader_begin(void *context)
{
	struct feed_relay *relay = context;
	relay->opened = reader_open(&relay->reader_config, &relay->error);
}

static void on_opened(void *context)
{
	struct feed_relay *relay = context;
	if (!relay->opened) {
		failure_note(relay, &relay->error);
		return;
	}
	if (relay->failure[0])
		log_say(relay->config.log, LOG_LEVEL_INFO, NULL, "the feed is read again");
	relay->failure[0] = '\0';
	relay->reader = relay->opened;
	relay->opened = NULL;
	reader_ring(relay->reader, relay->bell);
	bell_ring(relay->bell); /* for records that came before */
}

void feed_relay_look(struct feed_relay *relay)
{
	struct error error = {0};
	if (relay->reader || loop_task_is_running(&relay->task) || loop_now_ms(relay->loop) < relay->due_ms)
		return;
	relay->error = (struct error){0};
	relay->task = (struct loop_task){.run = reader_begin, .done = on_opened, .context = relay};
	if (!loop_task_start(&relay->task, relay->loop, "reads the feed", &error))
		failure_note(relay, &error);
}

/* ---- opening and closing ---- */

struct feed_relay *feed_relay_open(const struct feed_relay_config *config, struct loop *loop, struct error *error)
{
	struct feed_relay *relay = memory_take(1, sizeof *relay);
	if (!relay) {
		error_memory(error, ERROR_SYSTEM, "reading the feed");
		return NULL;
	}
	relay->config = *config;
	relay->reader_config = (struct reader_config){
		.brokers = config->brokers, .topic = config->topic, .from_beginning = true, .properties = config->consumer};
	relay->loop = loop;
	relay->watch = (struct watch){.ready = on_bell, .context = relay};
	relay->delay_seconds = NAN;
	relay->bell = bell_open(error);
	if (relay->bell >= 0 && loop_watch(loop, &relay->watch, relay->bell, EPOLLIN, error)) {
		feed_relay_look(relay);
		return relay;
	}
	if (relay->bell >= 0)
		close(relay->bell);
	memory_give(relay);
	return NULL;
}

void feed_relay_close(struct feed_relay *relay)
{
	if (!relay)
		return;
	loop_task_end(&relay->task);
	reader_close(relay->opened);
	reader_close(relay->reader);
	loop_unwatch(relay->loop, &relay->watch);
	close(relay->bell);
	memory_give(relay);
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
