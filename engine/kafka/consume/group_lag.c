/* group_lag.c: see group_lag.h. */
#include "kafka/consume/group_lag.h"

#include <assert.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/client.h"
#include "kafka/consume/fetch_wake.h"
#include "kafka/consume/group_client.h"

#define TOPIC_BYTES_MAX 250 /* Kafka's limit is 249 */
#define LOOK_MS 50
#define CLOSE_WAIT_S 2 /* librdkafka 2.0 can be unable to end a client that asked while coordinators moved */

/* A partition at its last measurement. */
struct group_lag_look {
	struct group_lag_look *next;
	char *topic;
	int32_t partition;
	int64_t from;  /* committed offset of the group; OFFSET_NONE: not measured yet */
	int64_t clear; /* between the two there is no record */
	bool record;   /* there is a record at `clear`, which need not be read again */
	int64_t time_ms; /* time of that record; 0: it has none */
	int64_t end;	 /* at the last survey */
	int64_t mark;	 /* its end at the last group_lag_mark() */
};

/* Reads records, and where partitions begin and end, for all groups. It has no group, so that it never commits. */
struct lag_reader {
	size_t holders;
	const char *brokers;
	struct properties properties;
	rd_kafka_t *client;
};

struct group_lag {
	struct lag_reader *reader;
	/* One client cannot ask for the offsets of several groups as an administrator does: librdkafka (2.0 to 2.8) frees such a
	 * question twice where its time is over before the group's coordinator is found, and crashes when it is found then. */
	rd_kafka_t *asker;
	struct group_lag_look *looks;
	struct group_lag_state *state; /* result of the current survey; NULL: there is none */
	struct offsets *offsets;       /* likewise, of group_lag_committed() */
	int64_t asked_ms;	       /* time of day at which it began */
};

/* ---- clients ---- */

/* The ends of transactions fill librdkafka's queue as records do. A full queue is fetched into again after a second (before 2.2,
 * whatever is set), so that a queue of one record, full of one such end, does not reach the end of the partition in time. */
static rd_kafka_t *reader_client_open(const struct lag_reader *reader, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", reader->brokers},
		{"isolation.level", "read_committed"},
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"},
		{"queued.min.messages", "1000"},
		{"queued.max.messages.kbytes", "1024"},
		{"fetch.queue.backoff.ms", fetch_wake_backoff_ms()},
		{"fetch.message.max.bytes", "65536"},
		{"fetch.wait.max.ms", "50"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, reader->properties, error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_log_cb(configuration, NULL); /* the clients of the engine report that Kafka is unreachable */
	return client_open(RD_KAFKA_CONSUMER, configuration, error);
}

static void lag_client_close(rd_kafka_t *client)
{
	if (client)
		client_destroy(client, CLOSE_WAIT_S);
}

static void reader_release(struct lag_reader *reader)
{
	if (--reader->holders > 0)
		return;
	lag_client_close(reader->client);
	memory_give(reader);
}

/* ---- opening and closing ---- */

static struct group_lag *group_lag_with(struct lag_reader *reader, const char *group, struct error *error)
{
	struct group_lag *backlog = memory_take(1, sizeof *backlog);
	if (!backlog) {
		error_memory(error, ERROR_SYSTEM, "looking at a group");
		return NULL;
	}
	reader->holders++;
	*backlog = (struct group_lag){
		.reader = reader,
		.asker = group_client_open(reader->brokers, reader->properties, group, READS_ALL, true, error)};
	if (backlog->asker)
		return backlog;
	group_lag_close(backlog);
	return NULL;
}

struct group_lag *group_lag_open(struct group_lag *other, const char *brokers, struct properties properties, const char *group,
				 struct error *error)
{
	assert(brokers && group);
	if (other)
		return group_lag_with(other->reader, group, error);
	struct lag_reader *reader = memory_take(1, sizeof *reader);
	if (!reader) {
		error_memory(error, ERROR_SYSTEM, "looking at a group");
		return NULL;
	}
	*reader = (struct lag_reader){.holders = 1, .brokers = brokers, .properties = properties};
	reader->client = reader_client_open(reader, error);
	struct group_lag *backlog = reader->client ? group_lag_with(reader, group, error) : NULL;
	reader_release(reader);
	return backlog;
}

void group_lag_close(struct group_lag *backlog)
{
	if (!backlog)
		return;
	while (backlog->looks) {
		struct group_lag_look *look = backlog->looks;
		backlog->looks = look->next;
		memory_give(look->topic);
		memory_give(look);
	}
	lag_client_close(backlog->asker);
	reader_release(backlog->reader);
	memory_give(backlog);
}

/* Adds all partitions of the topic to the list. */
static bool add_partitions(struct group_lag *backlog, const char *topic, int timeout_ms, rd_kafka_topic_partition_list_t *list)
{
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_t *reader = backlog->reader->client;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(reader, topic, NULL);
	bool good = handle && !rd_kafka_metadata(reader, 0, handle, &metadata, timeout_ms);
	for (int i = 0; good && i < metadata->topic_cnt; i++) {
		good = !metadata->topics[i].err;
		for (int j = 0; good && j < metadata->topics[i].partition_cnt; j++)
			rd_kafka_topic_partition_list_add(list, topic, metadata->topics[i].partitions[j].id);
	}
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	if (handle)
		rd_kafka_topic_destroy(handle);
	return good;
}

static bool group_lag_gather(struct group_lag *backlog, struct text topics, int timeout_ms, rd_kafka_topic_partition_list_t *list)
{
	bool good = true;
	while (good && topics.length > 0) {
		char topic[TOPIC_BYTES_MAX];
		const struct text name = text_take_until(&topics, ' ');
		good = name.length < sizeof topic;
		memcpy(topic, name.bytes, good ? name.length : 0);
		topic[good ? name.length : 0] = '\0';
		good = good && add_partitions(backlog, topic, timeout_ms, list);
	}
	return good;
}

/* ---- the first record after an offset ---- */

/* Finds or makes the entry of a partition. NULL: no memory; then nothing is known of it. */
static struct group_lag_look *look_of(struct group_lag *backlog, const char *topic, int32_t partition)
{
	struct group_lag_look *look = backlog->looks;
	while (look && (look->partition != partition || strcmp(look->topic, topic) != 0))
		look = look->next;
	if (look)
		return look;
	size_t size = strlen(topic) + 1;
	look = memory_take(1, sizeof *look);
	char *name = look ? memory_take_raw(size) : NULL;
	if (!name) {
		memory_give(look);
		return NULL;
	}
	memcpy(name, topic, size);
	*look = (struct group_lag_look){.next = backlog->looks, .topic = name, .partition = partition, .from = OFFSET_NONE};
	return backlog->looks = look;
}

/* Reads up to the first record, or to the end if there is none. If neither comes in time, nothing is noted. */
static void read_on(rd_kafka_topic_t *topic, struct group_lag_look *look, int timeout_ms)
{
	int64_t until_ns = clock_ns() + (int64_t)timeout_ms * NS_PER_MS;
	while (clock_ns() < until_ns) {
		rd_kafka_message_t *message = rd_kafka_consume(topic, look->partition, LOOK_MS);
		if (!message)
			continue;
		look->record = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
		look->time_ms = look->record ? rd_kafka_message_timestamp(message, NULL) : 0;
		if (look->record || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			look->clear = message->offset;
		rd_kafka_message_destroy(message);
		return;
	}
}

static void find_record(struct group_lag *backlog, struct group_lag_look *look, int timeout_ms)
{
	rd_kafka_topic_t *topic = rd_kafka_topic_new(backlog->reader->client, look->topic, NULL);
	if (topic && rd_kafka_consume_start(topic, look->partition, look->clear) == 0) {
		read_on(topic, look, timeout_ms);
		(void)rd_kafka_consume_stop(topic, look->partition);
	}
	if (topic)
		rd_kafka_topic_destroy(topic);
}

static int64_t records_between(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t from, int64_t end,
			       int timeout_ms)
{
	struct group_lag_look *look = end > from ? look_of(backlog, at->topic, at->partition) : NULL;
	if (!look)
		return end > from ? end - from : 0;
	bool moves = look->from != OFFSET_NONE && look->from != from;
	if (look->from == OFFSET_NONE || from < look->from || from > look->clear) {
		look->clear = from;
		look->record = false;
	}
	look->from = from;
	bool few = !moves || backlog->state || end - from <= GROUP_LAG_READ_MOST;
	if (!look->record && look->clear < end && few)
		find_record(backlog, look, timeout_ms);
	return end > look->clear ? end - look->clear : 0;
}

/* Measures a partition whose committed offset is `at`, and whose records are from `first` on and before `end`, which open
 * transactions hold back. -1: Kafka does not report it. */
typedef int64_t looking(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end,
			int timeout_ms);

/* Measures all partitions of the topics; returns the sum, or -1. */
static int64_t look_through(struct group_lag *backlog, struct text topics, looking *looks, int timeout_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
	bool good = list && topics.length > 0 && group_lag_gather(backlog, topics, timeout_ms, list) &&
		    !rd_kafka_committed(backlog->asker, list, timeout_ms);
	int64_t sum = 0;
	for (int i = 0; good && i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *at = &list->elems[i];
		int64_t first = 0, end = 0;
		good = !at->err &&
		       !client_find_extent(backlog->reader->client, at->topic, at->partition, &first, &end, timeout_ms);
		int64_t its = good ? looks(backlog, at, first, end, timeout_ms) : -1;
		good = its >= 0;
		sum += its;
	}
	if (list)
		rd_kafka_topic_partition_list_destroy(list);
	return good ? sum : -1;
}

/* The committed offset. If there is none, or it was deleted from the topic, the begin of the partition. */
static int64_t begin_of(const rd_kafka_topic_partition_t *at, int64_t first)
{
	return at->offset > first ? at->offset : first;
}

static int64_t measure(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end, int timeout_ms)
{
	return records_between(backlog, at, begin_of(at, first), end, timeout_ms);
}

int64_t group_lag_measure(struct group_lag *backlog, struct text topics, int timeout_ms)
{
	return look_through(backlog, topics, measure, timeout_ms);
}

static int64_t survey(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end, int timeout_ms)
{
	struct group_lag_state *state = backlog->state;
	struct group_lag_look *look = look_of(backlog, at->topic, at->partition);
	int64_t records = look ? records_between(backlog, at, begin_of(at, first), end, timeout_ms) : -1;
	if (records < 0)
		return -1;
	state->busy += records > 0 || (look->end > 0 && end > look->end);
	look->end = end;
	state->ends += end;
	if (records > 0 && look->record && look->time_ms > 0) {
		const int64_t age_ms = backlog->asked_ms > look->time_ms ? backlog->asked_ms - look->time_ms : 0;
		state->age_ms = age_ms > state->age_ms ? age_ms : state->age_ms;
	}
	return records;
}

bool group_lag_survey(struct group_lag *backlog, struct text topics, int timeout_ms, struct group_lag_state *state)
{
	*state = (struct group_lag_state){.age_ms = LAG_AGE_NONE};
	backlog->state = state;
	backlog->asked_ms = time_of_day_ms();
	state->records = look_through(backlog, topics, survey, timeout_ms);
	backlog->state = NULL;
	return state->records >= 0;
}

/* The end after open transactions, which may be committed at any moment. */
static int64_t mark(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end, int timeout_ms)
{
	struct group_lag_look *look = look_of(backlog, at->topic, at->partition);
	int64_t open_end;
	(void)first, (void)end;
	if (!look ||
	    client_find_offset(backlog->asker, at->topic, at->partition, RD_KAFKA_OFFSET_END, &open_end, timeout_ms))
		return -1;
	look->mark = open_end;
	return 0;
}

bool group_lag_mark(struct group_lag *backlog, struct text topics, int timeout_ms)
{
	return look_through(backlog, topics, mark, timeout_ms) == 0;
}

/* A partition that was added since then has no records from before. */
static int64_t left(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end, int timeout_ms)
{
	const struct group_lag_look *look = look_of(backlog, at->topic, at->partition);
	(void)end;
	return look ? records_between(backlog, at, begin_of(at, first), look->mark, timeout_ms) : -1;
}

int64_t group_lag_left(struct group_lag *backlog, struct text topics, int timeout_ms)
{
	return look_through(backlog, topics, left, timeout_ms);
}

static int64_t unsettled(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end,
			 int timeout_ms)
{
	const struct group_lag_look *look = look_of(backlog, at->topic, at->partition);
	(void)first, (void)timeout_ms;
	return !look || end < look->mark;
}

bool group_lag_is_settled(struct group_lag *backlog, struct text topics, int timeout_ms)
{
	return look_through(backlog, topics, unsettled, timeout_ms) == 0;
}

static int64_t committed(struct group_lag *backlog, const rd_kafka_topic_partition_t *at, int64_t first, int64_t end,
			 int timeout_ms)
{
	struct error error = {0};
	(void)first, (void)end, (void)timeout_ms;
	return offsets_set(backlog->offsets, at->partition, at->offset > 0 ? at->offset : 0, &error) ? 0 : -1;
}

bool group_lag_committed(struct group_lag *backlog, const char *topic, int timeout_ms, struct offsets *offsets)
{
	backlog->offsets = offsets;
	return look_through(backlog, text_of(topic), committed, timeout_ms) == 0;
}
