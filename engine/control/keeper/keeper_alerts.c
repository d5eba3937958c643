/* keeper_alerts.c: see keeper_alerts.h. */
#include "control/keeper/keeper_alerts.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"
#include "compiler/plan/topic_roles.h"
#include "control/keeper/alert_documents.h"
#include "control/keeper/rollback_command.h"
#include "control/keeper/rollout_document.h"
#include "control/records/control_tables.h"
#include "kafka/consume/reader.h"
#include "monitor/alerts/alert_states.h"
#include "net/loop_task.h"

#define SCRATCH_BYTES ((size_t)4 << 20)

struct beginning_entry {
	struct list_node node;
	struct text key, record; /* in the same piece of memory */
};

struct keeper_alerts {
	const struct keeper_alerts_config *config;
	struct alert_states_config states_config;
	struct alert_states *states;
	struct alert_documents documents;
	const struct ledger *ledger; /* of the term, during a turn */
	bool has_begun;		     /* a term, with what the feed has */
	struct loop_task reading;    /* of the feed */
	atomic_bool stops_reading;
	struct alert_feed *feed;     /* what was read; of the task while that runs */
	struct error unread;	     /* why nothing was; likewise */
	bool has_failed;	     /* to read it, which is logged once */
	int64_t due_ms;		     /* monotonic; when it is read */
	int64_t write_ms;	     /* likewise; when records are written; INT64_MAX: none wait */
	struct outgoing *records;    /* KEEPER_ALERT_RECORDS of them, for that */
	struct arena *scratch;
	pthread_mutex_t lock; /* of the two below */
	struct list beginnings;
	size_t beginning_count;

	/* A record that Kafka refuses each time, because it is too large, would end all decisions of the namespace. */
	bool is_careful;      /* Kafka refused a transaction: from then on each record has its own */
	size_t refused_bytes; /* of the smallest record that Kafka refused: those of that size are left out; 0: none are */
};

static struct alert_time time_now(void)
{
	return (struct alert_time){clock_ms(), time_of_day_ms()};
}

/* ---- reports ---- */

bool keeper_alerts_report(struct keeper_alerts *alerts, struct text record, struct error *error)
{
	return !alert_record_is(record) || alert_states_report(alerts->states, record, time_now(), error);
}

void keeper_alerts_take_beginning(struct keeper_alerts *alerts, struct text key, struct text record)
{
	struct beginning_entry *made = memory_take(1, sizeof *made + key.length + record.length + 1);
	if (!made) /* the next term reads it */
		return;
	char *bytes = (char *)(made + 1);
	made->key = (struct text){memcpy(bytes, key.bytes, key.length), key.length};
	made->record = (struct text){memcpy(bytes + key.length, record.bytes, record.length), record.length};
	pthread_mutex_lock(&alerts->lock);
	const bool is_taken = alerts->beginning_count < KEEPER_BEGINNINGS_MAX;
	if (is_taken) {
		list_add(&alerts->beginnings, &made->node);
		alerts->beginning_count++;
	}
	pthread_mutex_unlock(&alerts->lock);
	if (!is_taken)
		memory_give(made);
	bell_ring(alerts->config->bell);
}

/* NULL: there is none. */
static struct beginning_entry *beginning_next(struct keeper_alerts *alerts)
{
	pthread_mutex_lock(&alerts->lock);
	struct list_node *node = alerts->beginnings.first;
	if (node) {
		list_remove(node);
		alerts->beginning_count--;
	}
	pthread_mutex_unlock(&alerts->lock);
	return node ? LIST_OWNER(node, struct beginning_entry, node) : NULL;
}

static void beginnings_drop(struct keeper_alerts *alerts)
{
	struct beginning_entry *beginning;
	while ((beginning = beginning_next(alerts)))
		memory_give(beginning);
}

static bool beginnings_take(struct keeper_alerts *alerts, struct error *error)
{
	struct beginning_entry *beginning;
	bool good = true;
	while (good && (beginning = beginning_next(alerts))) {
		good = alert_states_beginning(alerts->states, beginning->key, beginning->record, time_now(), error);
		memory_give(beginning);
	}
	return good;
}

static bool receipts_take(struct keeper_alerts *alerts, struct error *error)
{
	char key[NOTICE_RECEIPT_BYTES];
	while (notifier_settled(alerts->config->notifier, alerts, key))
		if (!alert_states_settle(alerts->states, key, error))
			return false;
	return true;
}

/* ---- a term ---- */

static bool feed_take(void *context, const struct record *record, struct error *error)
{
	return alert_feed_take(context, record->key, record->value) ||
	       error_memory(error, ERROR_SYSTEM, "reading the alerts of the feed");
}

/* In a thread of its own, because the feed may be long, and the keeper's beats must be in time. */
static void feed_read(void *context)
{
	struct keeper_alerts *alerts = context;
	const struct reader_config config = {.brokers = alerts->config->brokers,
					     .topic = alerts->config->feed,
					     .from_beginning = true,
					     .uncommitted = true, /* an observer's open transaction delays no alert */
					     .stopping = &alerts->stops_reading,
					     .properties = alerts->config->consumer};
	alerts->unread = (struct error){0};
	alerts->feed = alert_feed_open();
	if (!alerts->feed)
		error_memory(&alerts->unread, ERROR_SYSTEM, "reading the alerts of the feed");
	else if (topic_give_all(&config, feed_take, alerts->feed, &alerts->unread))
		return;
	alert_feed_close(alerts->feed);
	alerts->feed = NULL;
}

/* Alerts alone wait for a feed that cannot be read. */
static void feed_on_read(void *context)
{
	struct keeper_alerts *alerts = context;
	alerts->due_ms = alerts->feed ? 0 : clock_ms() + KEEPER_ALERTS_RETRY_MS;
	if (alerts->feed)
		return;
	if (!alerts->has_failed)
		log_say(alerts->config->log, LOG_LEVEL_WARN, NULL,
			"no notices of alerts are sent, as their states cannot be read from %s, which is tried again: %s",
			alerts->config->feed, alerts->unread.text[0] ? alerts->unread.text : "Kafka does not answer");
	alerts->has_failed = true;
}

static void begin_log(const struct keeper_alerts *alerts)
{
	const struct alert_states_counts counts = alert_states_count(alerts->states);
	if (counts.announced + counts.waiting > 0)
		log_say(alerts->config->log, LOG_LEVEL_INFO, NULL,
			"this engine sends the notices of alerts now; by %s, %zu fire, and %zu notices wait", alerts->config->feed,
			counts.announced, counts.waiting);
}

/* Begins with what the feed has, once that is read. */
static bool term_begin(struct keeper_alerts *alerts, struct error *error)
{
	if (loop_task_is_running(&alerts->reading) || clock_ms() < alerts->due_ms)
		return true;
	if (!alerts->feed) {
		alerts->due_ms = INT64_MAX;
		beginnings_drop(alerts); /* the feed has them */
		if (!loop_task_start(&alerts->reading, alerts->config->loop, "reads the alerts of the feed", &alerts->unread))
			feed_on_read(alerts);
		return true;
	}
	alerts->has_failed = false;
	alerts->write_ms = INT64_MAX;
	alerts->has_begun = alert_documents_read(&alerts->documents, alerts->ledger, error) &&
			    alert_states_begin(alerts->states, alerts->feed, &alerts->documents.definitions, time_now(), error);
	alert_feed_close(alerts->feed);
	alerts->feed = NULL;
	if (alerts->has_begun)
		begin_log(alerts);
	return alerts->has_begun;
}

static bool documents_follow(struct keeper_alerts *alerts, const struct ledger *ledger, struct error *error)
{
	if (alerts->documents.activations == ledger->activations)
		return true;
	const bool good = alert_documents_read(&alerts->documents, ledger, error) &&
			  alert_states_define(alerts->states, &alerts->documents.definitions, time_now(), error);
	alert_documents_sweep(&alerts->documents);
	return good;
}

/* ---- writing ---- */

static void record_reject(struct keeper_alerts *alerts, const struct outgoing *record)
{
	struct error damaged = {0};
	struct alert_read read;
	struct notice_counts *counts = alert_record_decode(record->value, &read, &damaged)
					       ? notifier_counts(alerts->config->notifier, read.pipeline, read.alert)
					       : NULL;
	if (counts && count_read(&counts->rejected) == 0)
		log_say(alerts->config->log, LOG_LEVEL_WARN, NULL,
			TEXT_FORMAT ": a record of the alert " TEXT_FORMAT
				    " of %zu bytes cannot be written to %s, and is left out. The alert's notices are sent, "
				    "but the next keeper does not know of them; sluice_alert_records_rejected_total counts "
				    "such records",
			TEXT_ARGUMENTS(read.pipeline), TEXT_ARGUMENTS(read.alert), record->value.length, alerts->config->feed);
	if (counts)
		count_add(&counts->rejected, 1);
}

/* Adds the first records, and leaves out those that Kafka refuses. Sets their number, and the last that was added. */
static bool records_add(struct keeper_alerts *alerts, struct fenced_writer *writer, const struct outgoing *records, size_t listed,
			size_t *count, const struct outgoing **last, struct error *error)
{
	*last = NULL;
	for (*count = 0; *count < listed && !(*last && alerts->is_careful); ++*count) {
		const struct outgoing *record = &records[*count];
		if (alerts->refused_bytes > 0 && record->value.length >= alerts->refused_bytes) {
			record_reject(alerts, record);
			continue;
		}
		if (!fenced_writer_add(writer, alerts->config->feed_topic, record->key, record->value, error)) {
			if (error->kind == ERROR_LIMIT)
				alerts->refused_bytes = record->value.length;
			return false;
		}
		*last = record;
	}
	return true;
}

/* The record, or one before it, is too large. The next term writes each one by itself, or leaves out those of that size. */
static void refusal_note(struct keeper_alerts *alerts, const struct outgoing *last)
{
	if (alerts->is_careful)
		alerts->refused_bytes = last->value.length;
	alerts->is_careful = true;
}

static bool records_write(struct keeper_alerts *alerts, struct fenced_writer *writer, struct error *error)
{
	struct outgoing *records = alerts->records;
	bool good = true;
	const int64_t until_ms = clock_ms() + KEEPER_ALERTS_WRITE_MS;
	const struct outgoing *last;
	size_t listed, count;
	while (good && clock_ms() < until_ms &&
	       (listed = alert_states_records(alerts->states, records, KEEPER_ALERT_RECORDS)) > 0) {
		good = records_add(alerts, writer, records, listed, &count, &last, error);
		if (good && last && !fenced_writer_commit(writer, NULL, 0, NULL, error)) {
			if (error->kind == ERROR_LIMIT)
				refusal_note(alerts, last);
			good = false;
		}
		if (good)
			alert_states_written(alerts->states, count);
	}
	return good;
}

/* ---- handing over ---- */

/* Sets the default of the experiment, in the scratch memory. False: no rollout of that name is in force. */
static bool rollout_find(const struct keeper_alerts *alerts, const char *experiment, const char **name)
{
	struct document_checker checker = *alerts->config->checker;
	const struct keeper_rollout_reader reader = rollout_document_of(&checker);
	const struct control_version *version = control_choice_version(alerts->ledger, text_of(experiment));
	struct rollout_document rollout;
	struct error unread = {0};
	bool is_rollout = false;
	*name = NULL;
	return version &&
	       reader.read(reader.context, version->document, experiment, alerts->scratch, &rollout, &is_rollout, &unread) &&
	       is_rollout && reader.read_default(reader.context, version->document, experiment, alerts->scratch, name, &unread);
}

/* Queues the command that rolls the experiment back. The group of the default commands nothing. */
static bool roll_back(struct keeper_alerts *alerts, const struct due_notice *due, struct notice_counts *counts,
		      const struct notice_receipt *receipt, struct error *error)
{
	const struct alert_message *message = due->message;
	const char *experiment = due->action->experiment.text, *default_name;
	char id[NOTICE_ID_BYTES];
	struct buffer record;
	if (!rollout_find(alerts, experiment, &default_name) || (default_name && text_is(message->group, default_name)))
		return alert_states_settle(alerts->states, due->key, error);
	notice_id(message, id);
	const struct ready_notice notice = {
		.subject = arena_print(alerts->scratch, TEXT_FORMAT ": the rollback of %s by the alert " TEXT_FORMAT,
				       TEXT_ARGUMENTS(message->pipeline), experiment, TEXT_ARGUMENTS(message->alert)),
		.id = id,
		.topic = alerts->config->proposals,
		.key = id};
	struct ready_notice ready = notice;
	buffer_open(&record, NOTICE_BYTES_MAX);
	const bool good = (notice.subject || error_memory(error, ERROR_SYSTEM, "rolling back")) &&
			  rollback_command_encode(message, experiment, &record, error);
	ready.body = buffer_view(&record);
	const bool queued = good && notifier_post(alerts->config->notifier, &ready, counts, receipt, error);
	buffer_close(&record);
	return queued;
}

static bool notice_take(void *context, const struct due_notice *due, struct error *error)
{
	struct keeper_alerts *alerts = context;
	struct notifier *notifier = alerts->config->notifier;
	struct notice_counts *counts = notifier_counts(notifier, due->message->pipeline, due->message->alert);
	struct notice_receipt receipt = {.owner = alerts, .bell = alerts->config->bell, .fate = NOTICE_IS_KEPT};
	(void)snprintf(receipt.key, sizeof receipt.key, "%s", due->key);
	arena_reset(alerts->scratch);
	if (!counts)
		return error_memory(error, ERROR_SYSTEM, "making a notice");
	return due->action->type == ALERT_ROLLBACK ? roll_back(alerts, due, counts, &receipt, error)
						   : notifier_notify(notifier, due->action, due->message, counts, &receipt, error);
}

static bool records_wait(const struct keeper_alerts *alerts)
{
	struct outgoing any;
	return alert_states_records(alerts->states, &any, 1) > 0;
}

/* Writes and hands over: after a decision at once, and receipts after a while, together. */
static bool term_write(struct keeper_alerts *alerts, struct fenced_writer *writer, struct error *error)
{
	if (!records_write(alerts, writer, error) ||
	    !alert_states_hand(alerts->states, notice_take, alerts, time_now(), error) || !records_write(alerts, writer, error))
		return false;
	alerts->write_ms = records_wait(alerts) ? 0 : INT64_MAX;
	return true;
}

bool keeper_alerts_turn(struct keeper_alerts *alerts, const struct ledger *ledger, struct fenced_writer *writer, bool is_last,
			struct error *error)
{
	alerts->ledger = ledger;
	if (!alerts->has_begun)
		return is_last || term_begin(alerts, error);
	if (!documents_follow(alerts, ledger, error) || !beginnings_take(alerts, error) || !receipts_take(alerts, error))
		return false;
	const int64_t now_ms = clock_ms();
	const bool is_due = now_ms >= alert_states_due_ms(alerts->states);
	if (is_due && !alert_states_tick(alerts->states, time_now(), error))
		return false;
	if (alerts->write_ms == INT64_MAX && records_wait(alerts))
		alerts->write_ms = now_ms + ALERT_SETTLE_MS;
	return (!is_due && !is_last && now_ms < alerts->write_ms) || term_write(alerts, writer, error);
}

int64_t keeper_alerts_due_ms(const struct keeper_alerts *alerts)
{
	const int64_t due_ms = alert_states_due_ms(alerts->states);
	if (!alerts->has_begun)
		return alerts->due_ms;
	return due_ms < alerts->write_ms ? due_ms : alerts->write_ms;
}

bool keeper_alerts_wait(struct keeper_alerts *alerts, struct error *error)
{
	notifier_drop(alerts->config->notifier, alerts);
	beginnings_drop(alerts);
	return clock_ms() < alert_states_due_ms(alerts->states) || alert_states_tick(alerts->states, time_now(), error);
}

/* ---- opening and closing ---- */

static void reading_end(struct keeper_alerts *alerts)
{
	atomic_store(&alerts->stops_reading, true);
	loop_task_end(&alerts->reading);
	atomic_store(&alerts->stops_reading, false);
	alert_feed_close(alerts->feed);
	alerts->feed = NULL;
	alerts->due_ms = 0;
}

void keeper_alerts_end(struct keeper_alerts *alerts)
{
	struct error failed = {0};
	reading_end(alerts);
	struct alert_states *next = alerts->has_begun ? alert_states_open(&alerts->states_config, &failed) : NULL;
	if (!next) /* without memory, what it knows is of the former term, but is not written */
		return;
	alert_states_close(alerts->states);
	alerts->states = next;
	alerts->has_begun = false;
}

struct keeper_alerts *keeper_alerts_open(const struct keeper_alerts_config *config, struct error *error)
{
	struct keeper_alerts *alerts = memory_take(1, sizeof *alerts);
	if (!alerts) {
		error_memory(error, ERROR_SYSTEM, "keeping alerts");
		return NULL;
	}
	*alerts = (struct keeper_alerts){.config = config,
					 .reading = {.run = feed_read, .done = feed_on_read, .context = alerts},
					 .states_config = {.engine = config->engine, .is_shared = true, .log = config->log},
					 .documents = {.checker = config->checker,
						       .namespace = config->namespace,
						       .prefix = config->prefix},
					 .lock = PTHREAD_MUTEX_INITIALIZER,
					 .scratch = arena_open(SCRATCH_BYTES),
					 .records = memory_take(KEEPER_ALERT_RECORDS, sizeof(struct outgoing))};
	alerts->states = alert_states_open(&alerts->states_config, error);
	if (alerts->states && alerts->scratch && alerts->records)
		return alerts;
	keeper_alerts_close(alerts);
	error_memory(error, ERROR_SYSTEM, "keeping alerts");
	return NULL;
}

void keeper_alerts_close(struct keeper_alerts *alerts)
{
	if (!alerts)
		return;
	reading_end(alerts);
	beginnings_drop(alerts);
	alert_states_close(alerts->states);
	alert_documents_close(&alerts->documents);
	arena_close(alerts->scratch);
	memory_give(alerts->records);
	pthread_mutex_destroy(&alerts->lock);
	memory_give(alerts);
}
