/* changelog.c: Writes and reads changelogs; see changelog.h. Reads use librdkafka's plain consumer, for one
 * partition, without a group. */
#include "kafka/state/changelog.h"

#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/state/changelog_settings.h"
#include "kafka/client.h"
#include "kafka/consume/fetch_wake.h"

#define TAKE_AT_ONCE 1000
#define TAKE_WAIT_MS 100
#define QUERY_WAIT_MS 1000
#define QUERY_PAUSE_MS 20 /* before the next query: a topic that was just created has no leader for a moment */
#define MARK_WAIT_MS 1000 /* for the mark of the last transaction, while others write */
#define RECORD_BYTES_MAX ((size_t)2 << 20) /* of a key or a value: more than a store accepts */

/* ---- writing ---- */

void changelog_words_open(struct changelog_words *words)
{
	buffer_open(&words->key, RECORD_BYTES_MAX);
	buffer_open(&words->value, RECORD_BYTES_MAX);
}

void changelog_words_close(struct changelog_words *words)
{
	buffer_close(&words->key);
	buffer_close(&words->value);
}

static enum produce_verdict change_tell(const struct store *store, const struct change *change, struct changelog_words *words,
					uint32_t topic, struct position input, struct output *output, struct error *error)
{
	buffer_clear(&words->key);
	buffer_clear(&words->value);
	change_write_key(&words->key, store_scopes(store).names[change->scope], change->key);
	if (change->value.bytes)
		change_write_value(&words->value, change->value);
	if (buffer_failed(&words->key) || buffer_failed(&words->value)) {
		error_memory(error, ERROR_SYSTEM, "writing what a step remembers to its changelog");
		return PRODUCE_REFUSED;
	}
	const struct outgoing outgoing = {
		.topic = topic,
		.origin = input,
		.beside_origin = true,
		.key = buffer_view(&words->key),
		.value = change->value.bytes ? buffer_view(&words->value) : (struct text){0},
	};
	return output_produce(output, &outgoing, error);
}

enum produce_verdict changelog_tell(struct store *store, struct changelog_words *words, uint32_t topic, struct position input,
				    struct output *output, struct error *error)
{
	for (struct change change; store_change(store, &change); store_change_written(store)) {
		enum produce_verdict verdict = change_tell(store, &change, words, topic, input, output, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return PRODUCED;
}

/* ---- reading ---- */

struct changelog_reader {
	rd_kafka_t *client;
	struct fetch_wake fetch_wake;
	rd_kafka_message_t *taken[TAKE_AT_ONCE];
};

struct changelog_reading {
	struct changelog_reader *reader;
	const struct changelog_source *source;
	struct store *store;
	rd_kafka_topic_t *topic;
	bool started;
	int64_t low;	 /* first offset of the partition */
	int64_t reached; /* the next offset */
	int64_t end;	 /* end of the partition when the read began; OFFSET_NONE: not known yet */
	int64_t passed_ms; /* time at which `end` was reached; 0: it is not */
	bool at_end;	   /* nothing that is committed follows `reached`, and it is past the mark of a transaction's end */
	int64_t absent_ms; /* time since which the brokers do not report the partition; 0: they do */
	uint64_t records;
};

/* Ignores errors. A permanent error is delivered in place of a record; librdkafka retries after the others. */
static void changelog_on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
	(void)client, (void)code, (void)reason, (void)context;
}

static int shown_ms(const struct changelog_source *source)
{
	return source->is_tried_again ? CHANGELOG_SHOWN_AGAIN_MS : CHANGELOG_SHOWN_MS;
}

static bool changelog_failed(const struct changelog_reading *reading, rd_kafka_resp_err_t code, struct error *error)
{
	const struct changelog_source *source = reading->source;
	if (failure_is_absence(code) && source->of_observers)
		return error_set(
			error, ERROR_SYSTEM, PLACE_NONE,
			"the changelog %s-%d cannot be read: the brokers do not show that partition (%s). If its topic is "
			"gone, create it with cleanup.policy=compact and as many partitions as the topic that is read has, or "
			"start an engine again, which creates it; else give it as many (kafka-topics.sh --alter --topic %s "
			"--partitions N)",
			source->topic, (int)source->partition, rd_kafka_err2str(code), source->topic);
	if (failure_is_absence(code))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE,
				 "the changelog %s-%d cannot be read: for %d s the brokers did not show that partition (%s). Does "
				 "its topic exist? If the topic that is read was given more partitions, give the changelog as many "
				 "(kafka-topics.sh --alter --topic %s --partitions N) and start again: what is remembered of a key "
				 "does not move with it",
				 source->topic, (int)source->partition, shown_ms(source) / MS_PER_S, rd_kafka_err2str(code),
				 source->topic);
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the changelog %s-%d cannot be read: %s", source->topic,
			 (int)source->partition, rd_kafka_err2str(code));
}

/* Whether the error may be temporary. Brokers that have just started, or are busy, report a topic later than they
 * have it. */
static bool may_pass(struct changelog_reading *reading, rd_kafka_resp_err_t code)
{
	if (!failure_is_absence(code))
		return failure_is_passing(code);
	if (reading->absent_ms == 0)
		reading->absent_ms = clock_ms();
	return clock_ms() - reading->absent_ms < shown_ms(reading->source);
}

static bool reader_set_up(struct changelog_reader *reader, const char *brokers, struct properties properties, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", brokers},
		{"isolation.level", "read_committed"},
		{"auto.offset.reset", "error"}, /* a missing offset is reported as an error */
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"},
		{"queued.min.messages", "1000000"},
		{"fetch.queue.backoff.ms", fetch_wake_backoff_ms()},
		/* A partition waits for its changelog, so no wait is longer than necessary. */
		{"fetch.wait.max.ms", "10"},
		{"fetch.error.backoff.ms", "20"},
		{"reconnect.backoff.ms", "20"},
		{"topic.metadata.refresh.fast.interval.ms", "20"},
		{"log_level", "0"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_error_cb(configuration, changelog_on_error);
	reader->client = client_open(RD_KAFKA_CONSUMER, configuration, error);
	if (reader->client)
		fetch_wake_begin(&reader->fetch_wake, reader->client);
	return reader->client != NULL;
}

struct changelog_reader *changelog_reader_open(const char *brokers, struct properties properties, struct error *error)
{
	struct changelog_reader *reader = memory_take(1, sizeof *reader);
	if (!reader)
		error_memory(error, ERROR_SYSTEM, "reading changelogs");
	if (reader && reader_set_up(reader, brokers, properties, error))
		return reader;
	memory_give(reader);
	return NULL;
}

void changelog_reader_close(struct changelog_reader *reader)
{
	if (!reader)
		return;
	rd_kafka_destroy(reader->client);
	memory_give(reader);
}

/* Finds the first offset. It is queried as a number, because librdkafka (2.0.2) resolves "the beginning" half a
 * second late in a partition whose leader it does not know yet. Kafka may be unreachable. */
static bool find_beginning(struct changelog_reading *reading, int64_t *low, struct error *error)
{
	const struct changelog_source *source = reading->source;
	const struct timespec pause = {.tv_nsec = QUERY_PAUSE_MS * 1000000L};
	for (;; nanosleep(&pause, NULL)) {
		rd_kafka_resp_err_t code = client_find_offset(reading->reader->client, source->topic, source->partition,
							      RD_KAFKA_OFFSET_BEGINNING, low, QUERY_WAIT_MS);
		if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
			reading->absent_ms = 0;
			return true;
		}
		if (!may_pass(reading, code))
			return changelog_failed(reading, code, error);
		if (source->go_on && !source->go_on(source->context, 0, OFFSET_NONE))
			return false;
	}
}

/* STOPPED or FAILED, depending on whether there is an error; GONE; READ: reading may begin. */
static enum changelog_end reading_open(struct changelog_reading *reading, struct error *error)
{
	const struct changelog_source *source = reading->source;
	if (!find_beginning(reading, &reading->low, error))
		return error->kind == ERROR_NONE ? CHANGELOG_STOPPED : CHANGELOG_FAILED;
	if (source->from != OFFSET_NONE && source->from < reading->low)
		return CHANGELOG_GONE;
	reading->reached = source->from == OFFSET_NONE ? reading->low : source->from;
	reading->topic = rd_kafka_topic_new(reading->reader->client, source->topic, NULL);
	reading->started = reading->topic && rd_kafka_consume_start(reading->topic, source->partition, reading->reached) == 0;
	if (reading->started)
		return CHANGELOG_READ;
	changelog_failed(reading, rd_kafka_last_error(), error);
	return CHANGELOG_FAILED;
}

static void reading_close(struct changelog_reading *reading)
{
	if (reading->started)
		(void)rd_kafka_consume_stop(reading->topic, reading->source->partition);
	if (reading->topic)
		rd_kafka_topic_destroy(reading->topic);
}

static bool record_keep(struct changelog_reading *reading, const rd_kafka_message_t *message, struct error *error)
{
	struct text scope, key, value;
	uint32_t number;
	struct error why = {0};
	if (!change_read((struct text){message->key, message->key_len}, (struct text){message->payload, message->len}, &scope, &key,
			 &value, reading->source->of_observers ? NULL : reading->source->pipeline, &why))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the record at %s-%d offset %lld is no change of a stage: %s",
				 reading->source->topic, (int)reading->source->partition, (long long)message->offset, why.text);
	reading->records++;
	return !store_scope_find(reading->store, scope, &number) || store_restore(reading->store, number, key, value, error);
}

/* Notes the end of the partition, which is known when Kafka has answered the first fetch. */
static void note_end(struct changelog_reading *reading)
{
	int64_t low, high;
	if (reading->end == OFFSET_NONE &&
	    rd_kafka_get_watermark_offsets(reading->reader->client, reading->source->topic, reading->source->partition, &low,
					   &high) == RD_KAFKA_RESP_ERR_NO_ERROR &&
	    high >= 0)
		reading->end = high;
}

static enum changelog_end message_take(struct changelog_reading *reading, const rd_kafka_message_t *message, struct error *error)
{
	note_end(reading);
	switch (message->err) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		reading->absent_ms = 0;
		reading->reached = message->offset + 1;
		reading->at_end = false;
		return record_keep(reading, message, error) ? CHANGELOG_READ : CHANGELOG_FAILED;
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		reading->reached = message->offset;
		reading->at_end = true;
		return CHANGELOG_READ;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		return CHANGELOG_GONE;
	default:
		if (may_pass(reading, message->err))
			return CHANGELOG_READ;
		changelog_failed(reading, message->err, error);
		return CHANGELOG_FAILED;
	}
}

/* The end of a transaction is marked after its records. A mark that was not yet there when the read began is passed over too, so
 * that commits refer to all of the changelog. A writer without transactions that knows of no other owner may go on for longer. */
static bool may_end(struct changelog_reading *reading)
{
	if (reading->end == OFFSET_NONE || reading->reached < reading->end)
		return false;
	if (reading->passed_ms == 0)
		reading->passed_ms = clock_ms();
	return reading->at_end || clock_ms() - reading->passed_ms >= MARK_WAIT_MS;
}

/* Returns all available messages, or waits for one. librdkafka would wait until the list is full. */
static ssize_t messages_wait(const struct changelog_reading *reading)
{
	rd_kafka_message_t **taken = reading->reader->taken;
	ssize_t count = rd_kafka_consume_batch(reading->topic, reading->source->partition, 0, taken, TAKE_AT_ONCE);
	if (count != 0)
		return count;
	taken[0] = rd_kafka_consume(reading->topic, reading->source->partition, TAKE_WAIT_MS);
	return taken[0] != NULL;
}

static enum changelog_end read_on(struct changelog_reading *reading, struct error *error)
{
	const struct changelog_source *source = reading->source;
	enum changelog_end end = CHANGELOG_READ;
	while (end == CHANGELOG_READ && !may_end(reading)) {
		if (source->go_on && !source->go_on(source->context, reading->reached, reading->end))
			return CHANGELOG_STOPPED;
		rd_kafka_message_t **taken = reading->reader->taken;
		(void)rd_kafka_poll(reading->reader->client, 0);
		size_t bytes = 0;
		ssize_t count = messages_wait(reading);
		for (ssize_t i = 0; i < count; i++) {
			bytes += taken[i]->key_len + taken[i]->len;
			if (end == CHANGELOG_READ)
				end = message_take(reading, taken[i], error);
			rd_kafka_message_destroy(taken[i]);
		}
		fetch_wake_note(&reading->reader->fetch_wake, count > 0 ? (size_t)count : 0, bytes, false);
	}
	return end;
}

static void fault_note(void *context, const char *topic, enum changelog_fault fault, const char *words)
{
	struct error *error = context;
	if (fault == CHANGELOG_DELETES)
		error_set(error, ERROR_CONFIG, PLACE_NONE, "topic %s would lose state: %s", topic, words);
}

bool changelog_may_be_kept(struct changelog_reader *reader, const char *topic, struct error *error)
{
	struct error fault = {0};
	if (!changelog_settings_look(reader->client, &topic, 1, fault_note, &fault, error))
		return false;
	if (fault.kind != ERROR_NONE)
		*error = fault;
	return fault.kind == ERROR_NONE;
}

enum changelog_end changelog_read(struct changelog_reader *reader, const struct changelog_source *source, struct store *store,
				  struct changelog_extent *extent, struct error *error)
{
	struct changelog_reading reading = {.reader = reader, .source = source, .store = store, .end = OFFSET_NONE};
	enum changelog_end end = reading_open(&reading, error);
	if (end == CHANGELOG_READ)
		end = read_on(&reading, error);
	*extent = (struct changelog_extent){reading.low, reading.reached, reading.records};
	reading_close(&reading);
	return end;
}
