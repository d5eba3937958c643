/* witness.c: Witness of the partitions that a consumer reads, and its thread; see witness.h. Threads share the
 * noted records, under one lock; while one is read, the thread uses a copy. */
#include "log/witness.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "log/client.h"
#include "net/loop.h"

#define READ_MS 1000 /* time limit of reading one record; a close waits for it */
#define POLL_MS 50
#define DOUBTS 2 /* rounds in a row that found another record */

struct sight {
	int64_t offset; /* OFFSET_NONE: none */
	int64_t time_ms;
};

struct witnessed {
	char topic[sizeof((struct witness_news *)0)->topic];
	int32_t partition;
	struct sight anchor; /* the record that is read again */
	struct sight newest; /* becomes the anchor if the previous one still exists */
	int doubts;
	bool reported;
	int64_t begin; /* begin of the partition, for the report */
};

struct witness {
	struct witness_config config;
	rd_kafka_t *reader; /* the thread's; NULL: not needed yet */
	pthread_t thread;
	bool running;
	bool stopping;
	pthread_mutex_t lock; /* protects all below, and `stopping` */
	pthread_cond_t changed;
	struct witnessed *places;
	size_t count;
	size_t next; /* next partition to check */
	uint64_t version; /* version of the notes: grows when they are dropped */
};

/* ---- the thread ---- */

enum witness_finding {
	FINDING_NONE, /* Kafka did not answer in time */
	FINDING_GONE, /* the record was removed, or the partition does not reach its offset */
	FINDING_SAME,
	FINDING_OTHER,
};

static rd_kafka_t *witness_reader(struct witness *witness)
{
	const struct property own[] = {
		{"bootstrap.servers", witness->config.brokers},
		{"enable.auto.commit", "false"},
		{"auto.offset.reset", "error"},
		{"isolation.level", "read_uncommitted"}, /* it was committed when it was read */
		{"queued.min.messages", "1"},
		{"fetch.message.max.bytes", "65536"},
		{"fetch.wait.max.ms", "50"},
	};
	struct error error = {0};
	if (witness->reader)
		return witness->reader;
	rd_kafka_conf_t *configuration = client_configuration((struct properties){sizeof own / sizeof own[0], own},
							      witness->config.properties, &error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_log_cb(configuration, NULL); /* the consumer reports that Kafka is unreachable */
	return witness->reader = client_open(RD_KAFKA_CONSUMER, configuration, &error);
}

static enum witness_finding finding_of(const rd_kafka_message_t *message, const struct sight *anchor)
{
	rd_kafka_timestamp_type_t type;
	bool outside = message->err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
		       message->err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE;
	if (outside || (!message->err && message->offset != anchor->offset))
		return FINDING_GONE;
	if (message->err)
		return FINDING_NONE;
	return rd_kafka_message_timestamp(message, &type) == anchor->time_ms ? FINDING_SAME : FINDING_OTHER;
}

static enum witness_finding record_look(rd_kafka_t *reader, const struct witnessed *place)
{
	enum witness_finding finding = FINDING_NONE;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(reader, place->topic, NULL);
	if (topic && rd_kafka_consume_start(topic, place->partition, place->anchor.offset) == 0) {
		rd_kafka_message_t *message = NULL;
		for (int64_t until_ms = clock_ms() + READ_MS; !message && clock_ms() < until_ms;)
			message = rd_kafka_consume(topic, place->partition, POLL_MS);
		finding = message ? finding_of(message, &place->anchor) : FINDING_NONE;
		if (message)
			rd_kafka_message_destroy(message);
		(void)rd_kafka_consume_stop(topic, place->partition);
	}
	if (topic)
		rd_kafka_topic_destroy(topic);
	return finding;
}

/* Copies the next partition that was read further; false: there is none. */
static bool witnessed_next(struct witness *witness, struct witnessed *place, size_t *index)
{
	for (size_t i = 0; i < witness->count; i++) {
		*index = (witness->next + i) % witness->count;
		const struct witnessed *one = &witness->places[*index];
		if (one->reported || one->newest.offset <= one->anchor.offset)
			continue;
		witness->next = *index + 1;
		*place = *one;
		return true;
	}
	return false;
}

static void witnessed_settle(struct witness *witness, struct witnessed *place, enum witness_finding finding, int64_t begin)
{
	if (finding == FINDING_NONE)
		return;
	place->doubts = finding == FINDING_OTHER ? place->doubts + 1 : 0;
	if (finding != FINDING_OTHER)
		place->anchor = place->newest;
	if (place->doubts < DOUBTS)
		return;
	place->reported = true;
	place->begin = begin;
	bell_ring(witness->config.bell);
}

/* Called with the lock, which is released while a record is read. */
static void witness_round(struct witness *witness)
{
	struct witnessed place;
	size_t index;
	for (size_t i = 0; i < WITNESS_AT_ONCE && i < witness->count && !witness->stopping; i++) {
		uint64_t version = witness->version;
		int64_t begin = 0, end;
		if (!witnessed_next(witness, &place, &index))
			return;
		pthread_mutex_unlock(&witness->lock);
		rd_kafka_t *reader = witness_reader(witness);
		enum witness_finding finding = reader ? record_look(reader, &place) : FINDING_NONE;
		if (finding == FINDING_OTHER &&
		    rd_kafka_query_watermark_offsets(reader, place.topic, place.partition, &begin, &end, READ_MS))
			finding = FINDING_NONE;
		pthread_mutex_lock(&witness->lock);
		if (witness->version == version)
			witnessed_settle(witness, &witness->places[index], finding, begin);
	}
}

static void *witness_run(void *context)
{
	struct witness *witness = context;
	pthread_mutex_lock(&witness->lock);
	while (!witness->stopping) {
		const int64_t until_ms = time_of_day_ms() + witness->config.every_ms;
		const struct timespec until = {.tv_sec = until_ms / MS_PER_S, .tv_nsec = until_ms % MS_PER_S * NS_PER_MS};
		while (!witness->stopping && pthread_cond_timedwait(&witness->changed, &witness->lock, &until) == 0)
			;
		witness_round(witness);
	}
	pthread_mutex_unlock(&witness->lock);
	return NULL;
}

/* ---- for the owner ---- */

struct witness *witness_open(const struct witness_config *config, struct error *error)
{
	assert(config->brokers && config->every_ms > 0);
	struct witness *witness = memory_take(1, sizeof *witness);
	if (!witness) {
		error_memory(error, ERROR_SYSTEM, "watching the topics that are read");
		return NULL;
	}
	witness->config = *config;
	pthread_mutex_init(&witness->lock, NULL);
	pthread_cond_init(&witness->changed, NULL);
	return witness;
}

void witness_close(struct witness *witness)
{
	if (!witness)
		return;
	pthread_mutex_lock(&witness->lock);
	witness->stopping = true;
	pthread_cond_signal(&witness->changed);
	pthread_mutex_unlock(&witness->lock);
	if (witness->running)
		pthread_join(witness->thread, NULL);
	if (witness->reader)
		client_destroy(witness->reader, 0);
	pthread_cond_destroy(&witness->changed);
	pthread_mutex_destroy(&witness->lock);
	memory_give(witness->places);
	memory_give(witness);
}

/* Finds or makes the entry of a partition. NULL: memory ran out; then nothing is known of it. */
static struct witnessed *witnessed_find(struct witness *witness, const char *topic, int32_t partition)
{
	size_t length = strlen(topic);
	for (size_t i = 0; i < witness->count; i++)
		if (witness->places[i].partition == partition && strcmp(witness->places[i].topic, topic) == 0)
			return &witness->places[i];
	struct witnessed *places = length < sizeof places->topic
				       ? memory_resize(witness->places, witness->count + 1, sizeof *places)
				       : NULL;
	if (!places)
		return NULL;
	witness->places = places;
	struct witnessed *place = &places[witness->count++];
	*place = (struct witnessed){.partition = partition, .anchor.offset = OFFSET_NONE, .newest.offset = OFFSET_NONE};
	memcpy(place->topic, topic, length + 1);
	return place;
}

void witness_note(struct witness *witness, const char *topic, int32_t partition, int64_t offset, int64_t time_ms)
{
	assert(partition >= 0 && offset >= 0);
	pthread_mutex_lock(&witness->lock);
	struct witnessed *place = witnessed_find(witness, topic, partition);
	if (place && place->newest.offset < offset)
		place->newest = (struct sight){offset, time_ms};
	if (place && place->anchor.offset == OFFSET_NONE)
		place->anchor = place->newest;
	pthread_mutex_unlock(&witness->lock);
	if (!witness->running)
		witness->running = pthread_create(&witness->thread, NULL, witness_run, witness) == 0;
}

void witness_forget(struct witness *witness)
{
	pthread_mutex_lock(&witness->lock);
	witness->count = witness->next = 0;
	witness->version++;
	pthread_mutex_unlock(&witness->lock);
}

bool witness_take(struct witness *witness, struct witness_news *news)
{
	bool found = false;
	pthread_mutex_lock(&witness->lock);
	for (size_t i = 0; i < witness->count && !found; i++) {
		struct witnessed *place = &witness->places[i];
		if (!place->reported)
			continue;
		*news = (struct witness_news){
			.partition = place->partition, .begin = place->begin, .end = place->anchor.offset + 1};
		memcpy(news->topic, place->topic, sizeof news->topic);
		place->reported = false;
		place->doubts = 0;
		place->anchor = place->newest;
		found = true;
	}
	pthread_mutex_unlock(&witness->lock);
	return found;
}
