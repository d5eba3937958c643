/* stream_reader.c: Reader of many topics, by librdkafka's plain consumer; see stream_reader.h. librdkafka's other consumer connects
 * to the coordinator of a group, which needs rights that a reader should not need. */
#include "kafka/consume/stream_reader.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "kafka/consume/stream_parts.h"
#include "kafka/kafka_wait.h"
#include "kafka/topics/topic_setup.h"
#include "net/loop.h"

#define LOOK_MS 100
#define TROUBLE_SHOWN "%.300s" /* brokers can be many */
#define WATCH_MS 1000
#define WATCHED_FETCH_MS 1000 /* at most: an idle fetch is answered then */
#define SEEK_MS 1000
#define EXTENT_SURE_MS 2000   /* for which a partition ends before what was read, until that is believed, */
#define DOUBT_MS 10000	      /* and that of others, which follow within this time, at once */
#define TROUBLE_MS 10000      /* a broker that fails by its own fault is asked for so long; librdkafka asks twice a second */
#define TROUBLE_APART_MS 3000 /* failures further apart are not one trouble */

/* ---- the client ---- */

/* Ignores errors. A permanent error is delivered in place of a record; librdkafka retries after the others. */
static void reader_on_error(rd_kafka_t *client, int code, const char *words, void *context)
{
	struct stream_reader *reader = context;
	(void)client;
	client_note_trouble(code, words, &reader->locked_out);
}

/* Of the stream of that topic; of all, where the topic has no bytes. */
static void note_leaderless(void *context, struct text topic)
{
	struct stream_reader *reader = context;
	for (struct stream *stream = reader->streams; stream; stream = stream->other)
		if (!topic.bytes || text_is(topic, stream->config->topic))
			stream->leaderless_ms = clock_ms();
}

static int reader_on_statistics(rd_kafka_t *client, char *json, size_t length, void *context)
{
	struct stream_reader *reader = context;
	const struct text statistics = {json, length};
	const uint64_t received_bytes = reader->counts.received_bytes;
	struct error error = {0};
	(void)client;
	(void)client_statistics_read(statistics, &reader->counts, &error);
	if (!client_statistics_leaders(statistics, note_leaderless, reader))
		note_leaderless(reader, (struct text){0});
	if (reader->counts.received_bytes != received_bytes) {
		reader->answers++;
		reader->answered_ms = clock_ms();
	}
	return 0; /* librdkafka frees the text */
}

/* The user's settings may let an idle fetch wait for long, and ask for no statistics. */
static void watch_configure(rd_kafka_conf_t *configuration, int watch_ms)
{
	char words[LIBRARY_TEXT_MAX], value[32] = "";
	size_t size = sizeof value;
	int64_t wait_ms;
	rd_kafka_conf_set_stats_cb(configuration, reader_on_statistics);
	if (rd_kafka_conf_get(configuration, "fetch.wait.max.ms", value, &size) == RD_KAFKA_CONF_OK &&
	    number_read_int64(text_of(value), &wait_ms) && wait_ms > WATCHED_FETCH_MS)
		(void)rd_kafka_conf_set(configuration, "fetch.wait.max.ms", "1000", words, sizeof words);
	(void)snprintf(value, sizeof value, "%d", watch_ms > 0 ? watch_ms : WATCH_MS);
	(void)rd_kafka_conf_set(configuration, "statistics.interval.ms", value, words, sizeof words);
}

static bool client_set_up(struct stream_reader *reader, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", reader->config->brokers},
		{"isolation.level", reader->config->uncommitted ? "read_uncommitted" : "read_committed"},
		{"auto.offset.reset", "earliest"}, /* if retention has deleted the offset */
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"},
		{"fetch.wait.max.ms", "50"}, /* an embedded broker does not end a wait when a record comes */
		{"fetch.queue.backoff.ms", fetch_wake_backoff_ms()},
		{"log_level", "0"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, reader->config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_opaque(configuration, reader);
	rd_kafka_conf_set_error_cb(configuration, reader_on_error);
	if (reader->config->is_watched)
		watch_configure(configuration, reader->config->watch_ms);
	reader->client = client_open(RD_KAFKA_CONSUMER, configuration, error);
	if (reader->client)
		fetch_wake_begin(&reader->fetch_wake, reader->client);
	return reader->client;
}

struct stream_reader *stream_reader_open(const struct reader_config *config, struct error *error)
{
	assert(config->brokers);
	struct stream_reader *reader = memory_take(1, sizeof *reader);
	if (!reader) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	reader->config = config;
	reader->bell = -1;
	if (client_set_up(reader, error))
		return reader;
	stream_reader_close(reader);
	return NULL;
}

static void reader_forget(struct stream_reader *reader)
{
	topic_handles_close(&reader->known);
	memory_give(reader->partition_counts);
	reader->partition_counts = NULL;
}

void stream_reader_close(struct stream_reader *reader)
{
	if (!reader)
		return;
	assert(!reader->streams);
	reader_forget(reader);
	if (reader->client)
		rd_kafka_destroy(reader->client);
	if (reader->bell >= 0)
		(void)close(reader->bell);
	memory_give(reader);
}

bool stream_reader_know(struct stream_reader *reader, const char *const *topics, size_t count, struct error *error)
{
	struct look_limits limits = {.until_ms = clock_ms() + READER_KNOW_MS, .stopping = reader->config->stopping};
	const struct rd_kafka_metadata *metadata =
		client_look(reader->client, NULL, reader->config->brokers, &reader->locked_out, &limits, error);
	if (!metadata)
		return false;
	reader_forget(reader);
	reader->partition_counts = memory_take(count + 1, sizeof *reader->partition_counts);
	bool good = reader->partition_counts || error_memory(error, ERROR_SYSTEM, "opening a consumer");
	for (size_t i = 0; good && i < count; i++) {
		reader->partition_counts[i] = (int32_t)client_partition_count(metadata, topics[i]);
		good = topic_handles_follow(&reader->known, reader->client, topics, i + 1, error);
	}
	rd_kafka_metadata_destroy(metadata);
	return good;
}

/* The number of partitions of a stream that opens without a question; 0: it asks. */
static int32_t partitions_known(const struct stream *stream)
{
	const struct reader_config *config = stream->config;
	const struct topic_handles *known = &stream->reader->known;
	if (!config->by_time || !(config->from_offset || config->from_beginning))
		return 0;
	for (size_t i = 0; config->offset_count == 0 && i < known->count; i++)
		if (strcmp(rd_kafka_topic_name(known->items[i]), config->topic) == 0)
			return stream->reader->partition_counts[i];
	return (int32_t)config->offset_count;
}

int64_t stream_reader_silent_ms(const struct stream_reader *reader)
{
	assert(reader->config->is_watched);
	return clock_ms() - reader->answered_ms;
}

/* ---- opening a stream ---- */

static bool look_at_topic(struct stream *stream, int32_t *count, rd_kafka_resp_err_t *code, struct error *error)
{
	struct stream_reader *reader = stream->reader;
	const struct rd_kafka_metadata *metadata = client_look(reader->client, stream->topic, reader->config->brokers,
							       &reader->locked_out, &stream->limits, error);
	if (!metadata)
		return false;
	*code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	*count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
	rd_kafka_metadata_destroy(metadata);
	return true;
}

/* A topic that was just created is known to some brokers before others. */
static bool count_partitions(struct stream *stream, int32_t *count, struct error *error)
{
	const int64_t until_ms = clock_ms() + (stream->config->may_be_absent ? READER_ABSENT_MS : TOPICS_APPEAR_MS);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	do {
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			(void)rd_kafka_poll(stream->reader->client, LOOK_MS);
		if (!look_at_topic(stream, count, &code, error))
			return false;
	} while ((failure_is_absence(code) || failure_is_passing(code)) && clock_ms() < until_ms && !look_is_over(&stream->limits));
	const bool may_come = failure_is_passing(code) || (stream->config->was_there && failure_is_absence(code));
	return (code == RD_KAFKA_RESP_ERR_NO_ERROR && *count > 0) ||
	       error_set(error, may_come ? ERROR_REMOTE : ERROR_CONFIG, PLACE_NONE,
			 "topic %s cannot be read: %s; check its name and its namespace; `sluice run` creates the topics of "
			 "its pipelines, and of their status, when it starts",
			 stream->config->topic, rd_kafka_err2str(code));
}

bool stream_is_stopping(const struct stream *stream)
{
	return (stream->config->stopping && atomic_load(stream->config->stopping)) || kafka_wait_is_over();
}

rd_kafka_resp_err_t stream_find_offset(struct stream *stream, int32_t partition, int64_t time_ms, int64_t *offset)
{
	for (;;) {
		const rd_kafka_resp_err_t code = client_find_offset(stream->reader->client, stream->config->topic, partition,
								    time_ms, offset, look_round_ms(&stream->limits));
		if (!(failure_is_passing(code) || failure_is_absence(code)) || look_is_over(&stream->limits))
			return code;
		(void)rd_kafka_poll(stream->reader->client, LOOK_MS);
	}
}

/* The start by the time of records. */
static rd_kafka_resp_err_t find_time(struct stream *stream, int32_t partition, int64_t *begin)
{
	const int64_t end = stream->ends[partition];
	const rd_kafka_resp_err_t code = stream_find_offset(stream, partition, stream->config->time_ms, begin);
	if (*begin < 0)
		*begin = end > READER_NEWEST ? end - READER_NEWEST : 0;
	return code;
}

static int64_t offset_wanted(const struct reader_config *config, int32_t partition)
{
	return (size_t)partition < config->offset_count ? config->offsets[partition] : config->offset;
}

/* Lowers the end of a partition to that of the configuration. */
static void end_lower(struct stream *stream, int32_t partition)
{
	const struct reader_config *config = stream->config;
	if (!config->until)
		return;
	const int64_t until = (size_t)partition < config->until_count ? config->until[partition] : 0;
	if (until < stream->ends[partition])
		stream->ends[partition] = until;
}

bool stream_explain_silence(struct stream *stream, int32_t partition, const char *missing, const char *advice, struct error *error)
{
	char leader[CLIENT_LEADER_BYTES];
	struct stream_reader *reader = stream->reader;
	(void)rd_kafka_poll(reader->client, 0); /* what it has to say */
	client_leader_words(reader->client, stream->topic, partition, leader);
	(void)rd_kafka_poll(reader->client, 0);
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "%s partition %d of topic %s%s: %s%s%s" TROUBLE_SHOWN "; %s. Asked at " TROUBLE_SHOWN, missing,
			 (int)partition, stream->config->topic,
			 stream_is_stopping(stream) ? ", and its time is over" : "",
			 leader[0] ? leader : "no broker says which one leads it", reader->locked_out.text[0] ? "; " : "",
			 reader->locked_out.text[0] ? "the client last said: " : "", reader->locked_out.text, advice,
			 reader->config->brokers);
}

/* Determines the start as a number first, so that all records written after the stream was opened are read. */
static bool start_partition(struct stream *stream, int32_t partition, struct error *error)
{
	int64_t *end = &stream->ends[partition];
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	kafka_wait_note("the end of a topic");
	if (!stream->is_known)
		code = stream_find_offset(stream, partition, RD_KAFKA_OFFSET_END, end);
	end_lower(stream, partition);
	int64_t newest = *end > stream->config->newest ? *end - stream->config->newest : 0;
	int64_t begin = stream->config->from_beginning ? RD_KAFKA_OFFSET_BEGINNING
			: stream->config->from_offset  ? offset_wanted(stream->config, partition)
						       : newest;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && stream->config->from_time)
		code = find_time(stream, partition, &begin);
	stream->next[partition] = begin > 0 ? begin : 0;
	rd_kafka_queue_t *queue = stream->lanes ? stream->lanes[partition].queue : stream->queue;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_consume_start_queue(stream->topic, partition, begin, queue) != 0)
		code = rd_kafka_last_error();
	/* The topic was described before: a partition that is unknown now has a leader that no broker lists any more. */
	if (failure_is_passing(code) || failure_is_absence(code))
		return stream_explain_silence(
			stream, partition, "Kafka does not say where records end in",
			"check that the broker runs, and that the address that it advertises (advertised.listeners) "
			"resolves and can be reached from here; `kafka-topics.sh --describe` names those that hold the "
			"partition",
			error);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "partition %d of topic %s cannot be read: %s", (int)partition,
			 stream->config->topic, rd_kafka_err2str(code));
}

/* Each partition has a queue of its own, which rings. */
static bool lanes_open(struct stream *stream, int32_t count, struct error *error)
{
	if (stream->reader->bell < 0)
		stream->reader->bell = bell_open(error);
	if (stream->reader->bell < 0)
		return false;
	stream->lanes = memory_take((size_t)count, sizeof *stream->lanes);
	for (int32_t i = 0; stream->lanes && i < count; i++) {
		stream->lanes[i].queue = rd_kafka_queue_new(stream->reader->client);
		client_queue_ring(stream->lanes[i].queue, stream->reader->bell);
	}
	return stream->lanes || error_memory(error, ERROR_SYSTEM, "opening a consumer");
}

static bool queues_open(struct stream *stream, int32_t count, struct error *error)
{
	if (stream->config->by_time)
		return lanes_open(stream, count, error);
	stream->queue = rd_kafka_queue_new(stream->reader->client);
	return true;
}

static bool stream_set_up(struct stream *stream, struct error *error)
{
	int32_t count = 0;
	stream->topic = rd_kafka_topic_new(stream->reader->client, stream->config->topic, NULL);
	if (!stream->topic)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "cannot read %s: %s", stream->config->topic,
				 rd_kafka_err2str(rd_kafka_last_error()));
	count = partitions_known(stream);
	stream->is_known = count > 0;
	if (!stream->is_known && !count_partitions(stream, &count, error))
		return false;
	stream->ended = memory_take((size_t)count, sizeof *stream->ended);
	stream->ends = memory_take((size_t)count, sizeof *stream->ends);
	stream->next = memory_take((size_t)count, sizeof *stream->next);
	if (!stream->ended || !stream->ends || !stream->next)
		return error_memory(error, ERROR_SYSTEM, "opening a consumer");
	stream->count = count;
	if (!queues_open(stream, count, error))
		return false;
	int32_t end = count;
	if (stream->config->one_partition) {
		stream->first = stream->partitions = (int32_t)(stream->config->pick % (uint64_t)count);
		end = stream->first + 1;
	}
	for (; stream->partitions < end; stream->partitions++)
		if (!start_partition(stream, stream->partitions, error))
			return false;
	return true;
}

static bool topic_is_free(const struct stream_reader *reader, const char *topic)
{
	const struct stream *stream = reader->streams;
	while (stream && !text_is(text_of(topic), stream->config->topic))
		stream = stream->other;
	return !stream;
}

struct stream *stream_open(struct stream_reader *reader, const struct reader_config *config, struct error *error)
{
	assert(config->topic && topic_is_free(reader, config->topic));
	assert(config->from_beginning + config->from_offset + config->from_time <= 1);
	assert(config->offset_count == 0 || config->offsets);
	assert(config->until_count == 0 || config->until);
	struct stream *stream = memory_take(1, sizeof *stream);
	if (!stream) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	stream->reader = reader;
	stream->config = config;
	stream->other = reader->streams;
	reader->streams = stream;
	stream->limits = (struct look_limits){.until_ms = clock_ms() + (config->wait_ms > 0 ? config->wait_ms : TOPICS_WAIT_MS),
					      .stopping = config->stopping};
	if (stream_set_up(stream, error)) {
		reader->answered_ms = clock_ms();
		return stream;
	}
	stream_close(stream);
	return NULL;
}

static void lanes_close(struct stream *stream)
{
	for (int32_t i = 0; stream->lanes && i < stream->count; i++) {
		if (stream->lanes[i].head)
			rd_kafka_message_destroy(stream->lanes[i].head);
		client_queue_forget(stream->lanes[i].queue);
	}
	memory_give(stream->lanes);
}

void stream_close(struct stream *stream)
{
	if (!stream)
		return;
	struct stream **link = &stream->reader->streams;
	while (*link != stream)
		link = &(*link)->other;
	*link = stream->other;
	for (int32_t i = stream->first; i < stream->partitions; i++)
		(void)rd_kafka_consume_stop(stream->topic, i);
	client_queue_forget(stream->queue);
	lanes_close(stream);
	if (stream->topic)
		rd_kafka_topic_destroy(stream->topic);
	memory_give(stream->ended);
	memory_give(stream->ends);
	memory_give(stream->next);
	memory_give(stream);
}

/* ---- messages ---- */

void stream_note_end(struct stream *stream, int32_t partition)
{
	stream->ended_count += !stream->ended[partition];
	stream->ended[partition] = true;
}

/* Whether a broker has failed by its own fault, and not for long: the partition is fetched again from where it stood. */
static bool trouble_is_short(struct stream *stream, rd_kafka_resp_err_t code)
{
	const int64_t now_ms = clock_ms();
	if (code != RD_KAFKA_RESP_ERR_UNKNOWN)
		return false;
	if (stream->trouble_ms == 0 || now_ms - stream->trouble_last_ms > TROUBLE_APART_MS)
		stream->trouble_ms = now_ms;
	stream->trouble_last_ms = now_ms;
	return now_ms - stream->trouble_ms < TROUBLE_MS;
}

/* Handles a message that is not a record. False: nothing more can be read. */
static bool note_remark(struct stream *stream, rd_kafka_message_t *message, struct error *error)
{
	const rd_kafka_resp_err_t code = message->err;
	if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		stream_note_end(stream, message->partition);
	bool passing = code == RD_KAFKA_RESP_ERR__PARTITION_EOF || failure_is_passing(code) || trouble_is_short(stream, code) ||
		       error_set(error, ERROR_SYSTEM, PLACE_NONE, "topic %s cannot be read any more: %s%s", stream->config->topic,
				 rd_kafka_message_errstr(message), failure_advice(code));
	rd_kafka_message_destroy(message);
	return passing;
}

/* A broker that was stopped, and does not know yet that another one leads the partition, says that it has not got the next offset:
 * librdkafka goes to the beginning. Whether the partition has what was read. */
static bool partition_still_has(struct stream *stream, int32_t partition, int64_t offset)
{
	static const struct timespec pause = {.tv_nsec = LOOK_MS * NS_PER_MS};
	struct stream_reader *reader = stream->reader;
	if (reader->doubt_ms == 0 || clock_ms() - reader->doubt_ms > DOUBT_MS)
		reader->doubt_ms = clock_ms();
	const int64_t until_ms = reader->doubt_ms + EXTENT_SURE_MS;
	for (;; nanosleep(&pause, NULL)) {
		int64_t begin = 0, end = 0;
		if (!client_find_extent(reader->client, stream->config->topic, partition, &begin, &end, EXTENT_SURE_MS) &&
		    (end >= offset || begin >= offset))
			return end >= offset;
		if (clock_ms() >= until_ms)
			return false;
	}
}

/* Whether a record was read before, and comes again. Of a topic that was created again each is another. */
static bool record_comes_again(struct stream *stream, const rd_kafka_message_t *message)
{
	int64_t *next = &stream->next[message->partition];
	const bool again = message->offset < *next && partition_still_has(stream, message->partition, *next);
	if (again)
		(void)rd_kafka_seek(stream->topic, message->partition, *next, SEEK_MS);
	else
		*next = message->offset + 1;
	return again;
}

bool stream_take(struct stream *stream, rd_kafka_message_t *message, rd_kafka_message_t **record, struct error *error)
{
	*record = NULL;
	if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
		return note_remark(stream, message, error);
	if (record_comes_again(stream, message))
		rd_kafka_message_destroy(message);
	else
		*record = message;
	return true;
}

void stream_give(struct stream *stream, struct record *record, rd_kafka_message_t *message)
{
	fetch_wake_note(&stream->reader->fetch_wake, 1, message->key_len + message->len, false);
	*record = (struct record){
		.partition = message->partition,
		.offset = message->offset,
		.time_ms = rd_kafka_message_timestamp(message, NULL),
		.key = {message->key, message->key_len},
		.value = {message->payload, message->len},
		.held = message,
	};
}

/* ---- by time ---- */

/* Looks for the next record of a partition. False: nothing more can be read. */
static bool lane_look(struct stream *stream, struct lane *lane, struct error *error)
{
	rd_kafka_message_t *message;
	while (!lane->head && (message = rd_kafka_consume_queue(lane->queue, 0))) {
		const bool ends = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (!stream_take(stream, message, &lane->head, error))
			return false;
		lane->at_end = ends || (lane->at_end && !lane->head);
		if (lane->at_end)
			break;
	}
	if (lane->head || lane->at_end)
		lane->silent_ms = 0;
	else if (lane->silent_ms == 0)
		lane->silent_ms = clock_ms();
	return true;
}

/* Whether an earlier record than those that have come may still come from there. */
static bool lane_is_behind(const struct lane *lane)
{
	return !lane->head && !lane->at_end && (lane->silent_ms == 0 || clock_ms() - lane->silent_ms < READER_PATIENCE_MS);
}

/* The lane whose record is the next one; NULL: none is, or one that is behind is waited for. */
static bool lanes_look(struct stream *stream, struct lane **first, struct error *error)
{
	bool is_behind = false;
	*first = NULL;
	stream->leaves_out = false;
	for (int32_t i = stream->first; i < stream->partitions; i++) {
		struct lane *lane = &stream->lanes[i];
		if (!lane_look(stream, lane, error))
			return false;
		stream->leaves_out = stream->leaves_out || (!lane->head && !lane->at_end);
		is_behind = is_behind || lane_is_behind(lane);
		if (lane->head &&
		    (!*first || rd_kafka_message_timestamp(lane->head, NULL) < rd_kafka_message_timestamp((*first)->head, NULL)))
			*first = lane;
	}
	if (is_behind)
		*first = NULL;
	return true;
}

bool stream_next(struct stream *stream, struct record *record, struct error *error)
{
	struct lane *first;
	assert(stream->lanes);
	*record = (struct record){0};
	(void)rd_kafka_poll(stream->reader->client, 0);
	if (!lanes_look(stream, &first, error))
		return false;
	stream->is_awaited = !first;
	if (!first)
		return true;
	stream_give(stream, record, first->head);
	first->head = NULL;
	if (!stream->leaves_out && stream_has_leaders(stream))
		stream->passed_ms = record->time_ms;
	return true;
}

static bool awaited_has_come(const struct stream_reader *reader)
{
	for (const struct stream *stream = reader->streams; stream; stream = stream->other)
		for (int32_t i = stream->first; stream->is_awaited && i < stream->partitions; i++)
			if (!stream->lanes[i].head && rd_kafka_queue_length(stream->lanes[i].queue) > 0)
				return true;
	return false;
}

/* The bell rings only where a queue was empty, so the queues are looked at before. */
bool stream_reader_wait(struct stream_reader *reader, int wait_ms)
{
	assert(reader->bell >= 0); /* it has had a stream by time */
	struct pollfd bell = {.fd = reader->bell, .events = POLLIN};
	(void)bell_quiet(reader->bell);
	return awaited_has_come(reader) || poll(&bell, 1, wait_ms) == 1;
}

bool stream_is_at_end(const struct stream *stream)
{
	assert(stream->lanes);
	for (int32_t i = stream->first; i < stream->partitions; i++)
		if (!stream->lanes[i].at_end || stream->lanes[i].head)
			return false;
	return true;
}

int64_t stream_passed_ms(const struct stream *stream)
{
	assert(stream->lanes);
	return stream->passed_ms;
}

/* What was written before the leader was away is read soon after it is back. */
bool stream_has_leaders(const struct stream *stream)
{
	assert(stream->lanes || stream->reader->config->is_watched); /* of one that is not, nothing is known */
	return stream->leaderless_ms == 0 || clock_ms() - stream->leaderless_ms >= READER_LEADERS_MS;
}
