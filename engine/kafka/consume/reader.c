/* reader.c: Reader of a topic, by librdkafka's plain consumer; see reader.h. librdkafka's other consumer connects
 * to the coordinator of a group, which needs rights that a reader should not need. */
#include "kafka/consume/reader.h"

#include <assert.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/number/number.h"
#include "kafka/client.h"
#include "kafka/client_statistics.h"
#include "kafka/consume/fetch_wake.h"
#include "kafka/kafka_wait.h"
#include "kafka/topics/topic_setup.h"
#include "net/loop.h"

#define LOOK_MS 100
#define TROUBLE_SHOWN "%.300s" /* brokers can be many */
#define WATCHED_STATISTICS_MS "1000"
#define WATCHED_FETCH_MS 1000 /* at most: an idle fetch is answered then */
#define SEEK_MS 1000
#define SILENCE_LOOKS 300     /* if the end of a topic is not reached for 30 s, an open transaction delays it */
#define EXTENT_SURE_MS 2000   /* for which a partition ends before what was read, until that is believed, */
#define DOUBT_MS 10000	      /* and that of others, which follow within this time, at once */
#define TROUBLE_MS 10000      /* a broker that fails by its own fault is asked for so long; librdkafka asks twice a second */
#define TROUBLE_APART_MS 3000 /* failures further apart are not one trouble */

/* A partition of a reader by time. */
struct reader_partition {
	rd_kafka_queue_t *queue;
	rd_kafka_message_t *head; /* its next record; NULL: none has come */
	bool at_end;
	int64_t silent_ms; /* since when it is waited for; 0: it is not */
};

struct reader {
	const struct reader_config *config;
	rd_kafka_t *client;
	rd_kafka_topic_t *topic;
	rd_kafka_queue_t *queue;
	struct fetch_wake fetch_wake;
	struct error locked_out;
	struct look_limits limits; /* of its opening */
	int32_t first;		   /* first partition that is read */
	int32_t partitions;	   /* one after the last partition */
	int32_t count;		   /* of the topic's partitions */
	int64_t *ends;		   /* end of each partition at the start; later records are not waited for */
	bool *ended;		   /* whether the end of each partition was reached */
	int64_t *next;		   /* offset after the last record of each partition */
	int64_t doubt_ms;	   /* when one was first asked for again, by clock_ms(); 0: never */
	int32_t ended_count;
	struct reader_partition *by_partition; /* NULL: not by time */
	struct client_counts counts;	       /* of one that is watched */
	bool was_answered;		       /* since it was asked last */
	int64_t answered_ms;		       /* by clock_ms(), of the statistics that last showed an answer, or of its opening */
	int64_t leaderless_ms;		       /* when a partition last had no leader, by clock_ms(); 0: never */
	bool leaves_out;		       /* by time: a partition is not waited for any more */
	int64_t passed_ms;		       /* by time: of the last record before which none was left out */
	int64_t trouble_ms, trouble_last_ms;   /* the first and the last failure of a broker's own, by clock_ms(); 0: none */
	int bell;			       /* -1: none */
};

/* Ignores errors. A permanent error is delivered in place of a record; librdkafka retries after the others. */
static void reader_on_error(rd_kafka_t *client, int code, const char *words, void *context)
{
	struct reader *reader = context;
	(void)client;
	client_note_trouble(code, words, &reader->locked_out);
}

static int reader_on_statistics(rd_kafka_t *client, char *json, size_t length, void *context)
{
	struct reader *reader = context;
	const uint64_t received_bytes = reader->counts.received_bytes;
	struct error error = {0};
	(void)client;
	bool have_leaders;
	(void)client_statistics_read((struct text){json, length}, &reader->counts, &error);
	if (!client_statistics_leaders((struct text){json, length}, &have_leaders) || !have_leaders)
		reader->leaderless_ms = clock_ms();
	if (reader->counts.received_bytes != received_bytes) {
		reader->was_answered = true;
		reader->answered_ms = clock_ms();
	}
	return 0; /* librdkafka frees the text */
}

/* The user's settings may let an idle fetch wait for long, and ask for no statistics. */
static void watch_configure(rd_kafka_conf_t *configuration)
{
	char words[LIBRARY_TEXT_MAX], value[32] = "";
	size_t size = sizeof value;
	int64_t wait_ms;
	rd_kafka_conf_set_stats_cb(configuration, reader_on_statistics);
	(void)rd_kafka_conf_set(configuration, "statistics.interval.ms", WATCHED_STATISTICS_MS, words, sizeof words);
	if (rd_kafka_conf_get(configuration, "fetch.wait.max.ms", value, &size) == RD_KAFKA_CONF_OK &&
	    number_read_int64(text_of(value), &wait_ms) && wait_ms > WATCHED_FETCH_MS)
		(void)rd_kafka_conf_set(configuration, "fetch.wait.max.ms", "1000", words, sizeof words);
}

static bool client_set_up(struct reader *reader, struct error *error)
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
		watch_configure(configuration);
	reader->client = client_open(RD_KAFKA_CONSUMER, configuration, error);
	if (!reader->client)
		return false;
	fetch_wake_begin(&reader->fetch_wake, reader->client);
	reader->topic = rd_kafka_topic_new(reader->client, reader->config->topic, NULL);
	reader->queue = rd_kafka_queue_new(reader->client);
	return reader->topic || error_set(error, ERROR_SYSTEM, PLACE_NONE, "cannot read %s: %s", reader->config->topic,
					  rd_kafka_err2str(rd_kafka_last_error()));
}

static bool look_at_topic(struct reader *reader, int32_t *count, rd_kafka_resp_err_t *code, struct error *error)
{
	const struct rd_kafka_metadata *metadata =
		client_look(reader->client, reader->topic, reader->config->brokers, &reader->locked_out, &reader->limits, error);
	if (!metadata)
		return false;
	*code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
	*count = metadata->topic_cnt == 1 ? metadata->topics[0].partition_cnt : 0;
	rd_kafka_metadata_destroy(metadata);
	return true;
}

static bool is_stopping(const struct reader *reader)
{
	return (reader->config->stopping && atomic_load(reader->config->stopping)) || kafka_wait_is_over();
}

/* A topic that was just created is known to some brokers before others. */
static bool count_partitions(struct reader *reader, int32_t *count, struct error *error)
{
	const int64_t until_ms = clock_ms() + (reader->config->may_be_absent ? READER_ABSENT_MS : TOPICS_APPEAR_MS);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	do {
		if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
			(void)rd_kafka_poll(reader->client, LOOK_MS);
		if (!look_at_topic(reader, count, &code, error))
			return false;
	} while ((failure_is_absence(code) || failure_is_passing(code)) && clock_ms() < until_ms && !look_is_over(&reader->limits));
	const bool may_come = failure_is_passing(code) || (reader->config->was_there && failure_is_absence(code));
	return (code == RD_KAFKA_RESP_ERR_NO_ERROR && *count > 0) ||
	       error_set(error, may_come ? ERROR_REMOTE : ERROR_CONFIG, PLACE_NONE,
			 "topic %s cannot be read: %s; check its name and its namespace; `sluice run` creates the topics of "
			 "its pipelines, and of their status, when it starts",
			 reader->config->topic, rd_kafka_err2str(code));
}

/* The first offset of a time, or RD_KAFKA_OFFSET_END: the end. */
static rd_kafka_resp_err_t find_offset(struct reader *reader, int32_t partition, int64_t time_ms, int64_t *offset)
{
	for (;;) {
		const rd_kafka_resp_err_t code = client_find_offset(reader->client, reader->config->topic, partition, time_ms,
								    offset, look_round_ms(&reader->limits));
		if (!(failure_is_passing(code) || failure_is_absence(code)) || look_is_over(&reader->limits))
			return code;
		(void)rd_kafka_poll(reader->client, LOOK_MS);
	}
}

/* The start by the time of records. */
static rd_kafka_resp_err_t find_time(struct reader *reader, int32_t partition, int64_t *begin)
{
	const int64_t end = reader->ends[partition];
	const rd_kafka_resp_err_t code = find_offset(reader, partition, reader->config->time_ms, begin);
	if (*begin < 0)
		*begin = end > READER_NEWEST ? end - READER_NEWEST : 0;
	return code;
}

static int64_t offset_wanted(const struct reader_config *config, int32_t partition)
{
	return (size_t)partition < config->offset_count ? config->offsets[partition] : config->offset;
}

/* Lowers the end of a partition to that of the configuration. */
static void end_lower(struct reader *reader, int32_t partition)
{
	const struct reader_config *config = reader->config;
	const int64_t until = (size_t)partition < config->until_count ? config->until[partition] : 0;
	if (config->until && until < reader->ends[partition])
		reader->ends[partition] = until;
}

/* Names what was asked, which broker has to answer, and what the client last said of brokers. */
static bool silence_explain(struct reader *reader, int32_t partition, const char *missing, const char *advice, struct error *error)
{
	char leader[CLIENT_LEADER_BYTES];
	(void)rd_kafka_poll(reader->client, 0); /* what it has to say */
	client_leader_words(reader->client, reader->topic, partition, leader);
	(void)rd_kafka_poll(reader->client, 0);
	return error_set(error, ERROR_REMOTE, PLACE_NONE,
			 "%s partition %d of topic %s%s: %s%s%s" TROUBLE_SHOWN "; %s. Asked at " TROUBLE_SHOWN, missing,
			 (int)partition, reader->config->topic,
			 is_stopping(reader) ? ", and its time is over" : "",
			 leader[0] ? leader : "no broker says which one leads it", reader->locked_out.text[0] ? "; " : "",
			 reader->locked_out.text[0] ? "the client last said: " : "", reader->locked_out.text, advice,
			 reader->config->brokers);
}

/* Determines the start as a number first, so that all records written after the reader was opened are read. */
static bool start_partition(struct reader *reader, int32_t partition, struct error *error)
{
	int64_t *end = &reader->ends[partition];
	kafka_wait_note("the end of a topic");
	rd_kafka_resp_err_t code = find_offset(reader, partition, RD_KAFKA_OFFSET_END, end);
	end_lower(reader, partition);
	int64_t newest = *end > reader->config->newest ? *end - reader->config->newest : 0;
	int64_t begin = reader->config->from_beginning ? RD_KAFKA_OFFSET_BEGINNING
			: reader->config->from_offset  ? offset_wanted(reader->config, partition)
						       : newest;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && reader->config->from_time)
		code = find_time(reader, partition, &begin);
	reader->next[partition] = begin > 0 ? begin : 0;
	rd_kafka_queue_t *queue = reader->by_partition ? reader->by_partition[partition].queue : reader->queue;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && rd_kafka_consume_start_queue(reader->topic, partition, begin, queue) != 0)
		code = rd_kafka_last_error();
	/* The topic was described before: a partition that is unknown now has a leader that no broker lists any more. */
	if (failure_is_passing(code) || failure_is_absence(code))
		return silence_explain(
			reader, partition, "Kafka does not say where records end in",
			"check that the broker runs, and that the address that it advertises (advertised.listeners) "
			"resolves and can be reached from here; `kafka-topics.sh --describe` names those that hold the "
			"partition",
			error);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "partition %d of topic %s cannot be read: %s", (int)partition,
			 reader->config->topic, rd_kafka_err2str(code));
}

static bool lanes_open(struct reader *reader, int32_t count)
{
	reader->by_partition = memory_take((size_t)count, sizeof *reader->by_partition);
	for (int32_t i = 0; reader->by_partition && i < count; i++)
		reader->by_partition[i].queue = rd_kafka_queue_new(reader->client);
	return reader->by_partition;
}

static bool reader_set_up(struct reader *reader, struct error *error)
{
	int32_t count = 0;
	if (!client_set_up(reader, error) || !count_partitions(reader, &count, error))
		return false;
	reader->ended = memory_take((size_t)count, sizeof *reader->ended);
	reader->ends = memory_take((size_t)count, sizeof *reader->ends);
	reader->next = memory_take((size_t)count, sizeof *reader->next);
	if (!reader->ended || !reader->ends || !reader->next || (reader->config->by_time && !lanes_open(reader, count)))
		return error_memory(error, ERROR_SYSTEM, "opening a consumer");
	reader->count = count;
	int32_t end = count;
	if (reader->config->one_partition) {
		reader->first = reader->partitions = (int32_t)(reader->config->pick % (uint64_t)count);
		end = reader->first + 1;
	}
	for (; reader->partitions < end; reader->partitions++)
		if (!start_partition(reader, reader->partitions, error))
			return false;
	return true;
}

void reader_ring(struct reader *reader, int bell)
{
	assert(!reader->config->by_time && bell >= 0);
	assert(!reader->by_partition);
	reader->bell = bell;
	client_queue_ring(reader->queue, bell);
}

int32_t reader_partition(const struct reader *reader)
{
	return reader->first;
}

int64_t reader_end_of(const struct reader *reader, int32_t partition)
{
	return partition >= reader->first && partition < reader->partitions ? reader->ends[partition] : 0;
}

uint64_t reader_deleted(struct reader *reader)
{
	uint64_t deleted = 0;
	for (int32_t i = reader->first; i < reader->partitions; i++) {
		int64_t begin = 0;
		if (find_offset(reader, i, RD_KAFKA_OFFSET_BEGINNING, &begin) == RD_KAFKA_RESP_ERR_NO_ERROR && begin > 0)
			deleted += (uint64_t)begin;
	}
	return deleted;
}

int64_t reader_end(const struct reader *reader)
{
	return reader->ends[reader->first];
}

struct reader *reader_open(const struct reader_config *config, struct error *error)
{
	assert(config->brokers && config->topic);
	assert(config->from_beginning + config->from_offset + config->from_time <= 1);
	assert(config->offset_count == 0 || config->offsets);
	assert(config->until_count == 0 || config->until);
	struct reader *reader = memory_take(1, sizeof *reader);
	if (!reader) {
		error_memory(error, ERROR_SYSTEM, "opening a consumer");
		return NULL;
	}
	reader->config = config;
	reader->bell = -1;
	reader->limits = (struct look_limits){.until_ms = clock_ms() + (config->wait_ms > 0 ? config->wait_ms : TOPICS_WAIT_MS),
					      .stopping = config->stopping};
	if (reader_set_up(reader, error)) {
		reader->answered_ms = clock_ms();
		return reader;
	}
	reader_close(reader);
	return NULL;
}

static void lanes_close(struct reader *reader)
{
	for (int32_t i = 0; reader->by_partition && i < reader->count; i++) {
		if (reader->by_partition[i].head)
			rd_kafka_message_destroy(reader->by_partition[i].head);
		rd_kafka_queue_destroy(reader->by_partition[i].queue);
	}
	memory_give(reader->by_partition);
}

void reader_close(struct reader *reader)
{
	if (!reader)
		return;
	for (int32_t i = reader->first; i < reader->partitions; i++)
		(void)rd_kafka_consume_stop(reader->topic, i);
	client_queue_forget(reader->queue);
	lanes_close(reader);
	if (reader->topic)
		rd_kafka_topic_destroy(reader->topic);
	if (reader->client)
		rd_kafka_destroy(reader->client);
	memory_give(reader->ended);
	memory_give(reader->ends);
	memory_give(reader->next);
	memory_give(reader);
}

static void note_end(struct reader *reader, int32_t partition)
{
	reader->ended_count += !reader->ended[partition];
	reader->ended[partition] = true;
}

/* Whether a broker has failed by its own fault, and not for long: the partition is fetched again from where it stood. */
static bool trouble_is_short(struct reader *reader, rd_kafka_resp_err_t code)
{
	const int64_t now_ms = clock_ms();
	if (code != RD_KAFKA_RESP_ERR_UNKNOWN)
		return false;
	if (reader->trouble_ms == 0 || now_ms - reader->trouble_last_ms > TROUBLE_APART_MS)
		reader->trouble_ms = now_ms;
	reader->trouble_last_ms = now_ms;
	return now_ms - reader->trouble_ms < TROUBLE_MS;
}

/* Handles a message that is not a record. False: nothing more can be read. */
static bool note_remark(struct reader *reader, rd_kafka_message_t *message, struct error *error)
{
	const rd_kafka_resp_err_t code = message->err;
	if (code == RD_KAFKA_RESP_ERR__PARTITION_EOF)
		note_end(reader, message->partition);
	bool passing = code == RD_KAFKA_RESP_ERR__PARTITION_EOF || failure_is_passing(code) || trouble_is_short(reader, code) ||
		       error_set(error, ERROR_SYSTEM, PLACE_NONE, "topic %s cannot be read any more: %s%s", reader->config->topic,
				 rd_kafka_message_errstr(message), failure_advice(code));
	rd_kafka_message_destroy(message);
	return passing;
}

/* A broker that was stopped, and does not know yet that another one leads the partition, says that it has not got the next offset:
 * librdkafka goes to the beginning. Whether the partition has what was read. */
static bool partition_still_has(struct reader *reader, int32_t partition, int64_t offset)
{
	static const struct timespec pause = {.tv_nsec = LOOK_MS * NS_PER_MS};
	if (reader->doubt_ms == 0 || clock_ms() - reader->doubt_ms > DOUBT_MS)
		reader->doubt_ms = clock_ms();
	const int64_t until_ms = reader->doubt_ms + EXTENT_SURE_MS;
	for (;; nanosleep(&pause, NULL)) {
		int64_t begin = 0, end = 0;
		if (!client_find_extent(reader->client, reader->config->topic, partition, &begin, &end, EXTENT_SURE_MS) &&
		    (end >= offset || begin >= offset))
			return end >= offset;
		if (clock_ms() >= until_ms)
			return false;
	}
}

/* Whether a record was read before, and comes again. Of a topic that was created again each is another. */
static bool record_comes_again(struct reader *reader, const rd_kafka_message_t *message)
{
	int64_t *next = &reader->next[message->partition];
	const bool again = message->offset < *next && partition_still_has(reader, message->partition, *next);
	if (again)
		(void)rd_kafka_seek(reader->topic, message->partition, *next, SEEK_MS);
	else
		*next = message->offset + 1;
	return again;
}

static void record_give(struct reader *reader, struct record *record, rd_kafka_message_t *message)
{
	fetch_wake_note(&reader->fetch_wake, 1, message->key_len + message->len, false);
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
static bool reader_partition_look(struct reader *reader, struct reader_partition *one, int wait_ms, struct error *error)
{
	rd_kafka_message_t *message;
	while (!one->head && (message = rd_kafka_consume_queue(one->queue, wait_ms))) {
		bool ends = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && record_comes_again(reader, message))
			rd_kafka_message_destroy(message);
		else if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			one->head = message;
		else if (!note_remark(reader, message, error))
			return false;
		one->at_end = ends || (one->at_end && !one->head);
		if (one->at_end)
			break;
	}
	if (one->head || one->at_end)
		one->silent_ms = 0;
	else if (one->silent_ms == 0)
		one->silent_ms = clock_ms();
	return true;
}

/* Whether an earlier record than those that have come may still come from there. */
static bool reader_partition_is_behind(const struct reader_partition *one)
{
	return !one->head && !one->at_end && (one->silent_ms == 0 || clock_ms() - one->silent_ms < READER_PATIENCE_MS);
}

/* The partition that is to be waited for: one that is behind, else one at its end if no record has come; else none. */
static bool lanes_look(struct reader *reader, struct reader_partition **awaited, struct reader_partition **first,
		       struct error *error)
{
	*awaited = *first = NULL;
	reader->leaves_out = false;
	for (int32_t i = reader->first; i < reader->partitions; i++) {
		struct reader_partition *one = &reader->by_partition[i];
		if (!reader_partition_look(reader, one, 0, error))
			return false;
		reader->leaves_out = reader->leaves_out || (!one->head && !one->at_end);
		if (reader_partition_is_behind(one) && !*awaited)
			*awaited = one;
		if (one->head &&
		    (!*first || rd_kafka_message_timestamp(one->head, NULL) < rd_kafka_message_timestamp((*first)->head, NULL)))
			*first = one;
	}
	if (!*awaited && !*first)
		*awaited = &reader->by_partition[reader->first];
	return true;
}

/* What was written before the leader was away is read soon after it is back. */
bool reader_has_leaders(const struct reader *reader)
{
	assert(reader->config->by_time || reader->config->is_watched); /* of one that is not, nothing is known */
	return reader->leaderless_ms == 0 || clock_ms() - reader->leaderless_ms >= READER_LEADERS_MS;
}

int64_t reader_passed_ms(const struct reader *reader)
{
	assert(reader->config->by_time);
	return reader->passed_ms;
}

static bool lanes_next(struct reader *reader, int wait_ms, struct record *record, struct error *error)
{
	struct reader_partition *awaited, *first;
	if (!lanes_look(reader, &awaited, &first, error))
		return false;
	if (awaited && wait_ms > 0 &&
	    (!reader_partition_look(reader, awaited, wait_ms, error) || !lanes_look(reader, &awaited, &first, error)))
		return false;
	if (awaited || !first)
		return true;
	record_give(reader, record, first->head);
	first->head = NULL;
	if (!reader->leaves_out && reader_has_leaders(reader))
		reader->passed_ms = record->time_ms;
	return true;
}

bool reader_is_at_end(const struct reader *reader)
{
	assert(reader->config->by_time);
	for (int32_t i = reader->first; i < reader->partitions; i++)
		if (!reader->by_partition[i].at_end || reader->by_partition[i].head)
			return false;
	return true;
}

/* ---- reading ---- */

/* A caller that does not wait must read all records: the bell rings only when the queue was empty, and such a message
 * may precede a record. */
bool reader_next(struct reader *reader, int wait_ms, struct record *record, struct error *error)
{
	*record = (struct record){0};
	(void)rd_kafka_poll(reader->client, 0);
	if (reader->by_partition)
		return lanes_next(reader, wait_ms, record, error);
	rd_kafka_message_t *message;
	while ((message = rd_kafka_consume_queue(reader->queue, wait_ms))) {
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR && !record_comes_again(reader, message))
			break;
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			rd_kafka_message_destroy(message);
		else if (!note_remark(reader, message, error))
			return false;
		if (wait_ms > 0)
			return true;
	}
	if (message)
		record_give(reader, record, message);
	return true;
}

bool reader_was_answered(struct reader *reader)
{
	assert(reader->config->is_watched);
	(void)rd_kafka_poll(reader->client, 0);
	const bool was_answered = reader->was_answered;
	reader->was_answered = false;
	return was_answered;
}

int64_t reader_silent_ms(const struct reader *reader)
{
	assert(reader->config->is_watched);
	return clock_ms() - reader->answered_ms;
}

struct client_counts reader_client_counts(const struct reader *reader)
{
	assert(reader->config->is_watched);
	return reader->counts;
}

/* Then all records of the time when it was opened were returned. */
bool reader_has_caught_up(const struct reader *reader)
{
	return reader->ended_count == reader->partitions - reader->first;
}

bool reader_give_arrived(struct reader *reader, size_t most, int wait_ms,
			 bool (*take)(void *context, const struct record *record, struct error *error), void *context,
			 struct error *error)
{
	assert(take && most > 0);
	bool good = true;
	for (size_t i = 0; good && i < most; i++) {
		struct record record;
		if (!reader_next(reader, i == 0 ? wait_ms : 0, &record, error))
			return false;
		if (!record.held)
			return true;
		good = take(context, &record, error);
		record_release(&record);
	}
	if (good && reader->bell >= 0)
		bell_ring(reader->bell);
	return good;
}

/* The first whose end was not reached. */
static int32_t partition_unended(const struct reader *reader)
{
	int32_t partition = reader->first;
	while (partition + 1 < reader->partitions && reader->ended[partition])
		partition++;
	return partition;
}

bool reader_give_all(struct reader *reader, bool (*take)(void *context, const struct record *record, struct error *error),
		     void *context, struct error *error)
{
	assert(take);
	bool good = true;
	for (unsigned silent = 0; good && !reader_has_caught_up(reader); silent++) {
		struct record record;
		if (is_stopping(reader))
			return false;
		if (silent > SILENCE_LOOKS)
			return silence_explain(reader, partition_unended(reader), "Kafka does not return the rest of",
					       "check that the broker runs; if it does, is a transaction of a writer still open?",
					       error);
		if (!reader_next(reader, LOOK_MS, &record, error))
			return false;
		if (!record.held)
			continue;
		silent = 0;
		/* A reader that replays dead letters may cause new ones; they are not part of this run. */
		int64_t end = reader->ends[record.partition];
		if (record.offset + 1 >= end)
			note_end(reader, record.partition);
		good = (record.offset >= end && !reader->config->continues) || take(context, &record, error);
		record_release(&record);
	}
	return good;
}

bool topic_give_all(const struct reader_config *config,
		    bool (*take)(void *context, const struct record *record, struct error *error), void *context,
		    struct error *error)
{
	assert(take);
	struct reader *reader = reader_open(config, error);
	const bool good = reader && reader_give_all(reader, take, context, error);
	reader_close(reader);
	return good;
}
