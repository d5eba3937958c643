/* replacement_watch.c: Watch for replaced topics, and its thread; see replacement_watch.h. Threads share the noted records, under
 * one lock; while one is read, the thread uses a copy. */
#include "kafka/topics/replacement_watch.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/client.h"
#include "net/loop.h"

#define READ_MS 1000 /* time limit of reading one record; a close waits for it */
#define POLL_MS 50
#define DOUBTS 2 /* rounds in a row that found another record */

struct noted_record {
	int64_t offset; /* OFFSET_NONE: none */
	int64_t time_ms;
};

struct watched_partition {
	char topic[sizeof((struct topic_replacement *)0)->topic];
	int32_t partition;
	struct noted_record anchor; /* the record that is read again */
	struct noted_record newest; /* becomes the anchor if the previous one still exists */
	int doubts;
	bool reported;
	int64_t begin; /* begin of the partition, for the report */
};

struct replacement_watch {
	struct replacement_watch_config config;
	rd_kafka_t *reader; /* the thread's; NULL: not needed yet */
	pthread_t thread;
	bool running;
	bool stopping;
	pthread_mutex_t lock; /* protects all below, and `stopping` */
	pthread_cond_t changed;
	struct watched_partition *places;
	size_t count;
	size_t next; /* next partition to check */
	uint64_t version; /* version of the notes: grows when they are dropped */
};

/* ---- the thread ---- */

enum record_finding {
	FINDING_NONE, /* Kafka did not answer in time */
	FINDING_GONE, /* the record was removed, or the partition does not reach its offset */
	FINDING_SAME,
	FINDING_OTHER,
};

static rd_kafka_t *watch_reader(struct replacement_watch *watch)
{
	const struct property own[] = {
		{"bootstrap.servers", watch->config.brokers},
		{"enable.auto.commit", "false"},
		{"auto.offset.reset", "error"},
		{"isolation.level", "read_uncommitted"}, /* it was committed when it was read */
		{"queued.min.messages", "1"},
		{"fetch.message.max.bytes", "65536"},
		{"fetch.wait.max.ms", "50"},
	};
	struct error error = {0};
	if (watch->reader)
		return watch->reader;
	rd_kafka_conf_t *configuration = client_configuration((struct properties){sizeof own / sizeof own[0], own},
							      watch->config.properties, &error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_log_cb(configuration, NULL); /* the consumer reports that Kafka is unreachable */
	return watch->reader = client_open(RD_KAFKA_CONSUMER, configuration, &error);
}

static enum record_finding finding_of(const rd_kafka_message_t *message, const struct noted_record *anchor)
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

static enum record_finding record_look(rd_kafka_t *reader, const struct watched_partition *place)
{
	enum record_finding finding = FINDING_NONE;
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
static bool watched_next(struct replacement_watch *watch, struct watched_partition *place, size_t *index)
{
	for (size_t i = 0; i < watch->count; i++) {
		*index = (watch->next + i) % watch->count;
		const struct watched_partition *one = &watch->places[*index];
		if (one->reported || one->newest.offset <= one->anchor.offset)
			continue;
		watch->next = *index + 1;
		*place = *one;
		return true;
	}
	return false;
}

static void watched_settle(struct replacement_watch *watch, struct watched_partition *place, enum record_finding finding,
			   int64_t begin)
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
	bell_ring(watch->config.bell);
}

/* Called with the lock, which is released while a record is read. */
static void watch_round(struct replacement_watch *watch)
{
	struct watched_partition place;
	size_t index;
	for (size_t i = 0; i < REPLACEMENT_WATCH_AT_ONCE && i < watch->count && !watch->stopping; i++) {
		uint64_t version = watch->version;
		int64_t begin = 0;
		if (!watched_next(watch, &place, &index))
			return;
		pthread_mutex_unlock(&watch->lock);
		rd_kafka_t *reader = watch_reader(watch);
		enum record_finding finding = reader ? record_look(reader, &place) : FINDING_NONE;
		if (finding == FINDING_OTHER &&
		    client_find_offset(reader, place.topic, place.partition, RD_KAFKA_OFFSET_BEGINNING, &begin, READ_MS))
			finding = FINDING_NONE;
		pthread_mutex_lock(&watch->lock);
		if (watch->version == version)
			watched_settle(watch, &watch->places[index], finding, begin);
	}
}

static void *watch_run(void *context)
{
	struct replacement_watch *watch = context;
	pthread_mutex_lock(&watch->lock);
	while (!watch->stopping) {
		const int64_t until_ms = time_of_day_ms() + watch->config.every_ms;
		const struct timespec until = {.tv_sec = until_ms / MS_PER_S, .tv_nsec = until_ms % MS_PER_S * NS_PER_MS};
		while (!watch->stopping && pthread_cond_timedwait(&watch->changed, &watch->lock, &until) == 0)
			;
		watch_round(watch);
	}
	pthread_mutex_unlock(&watch->lock);
	return NULL;
}

/* ---- for the owner ---- */

struct replacement_watch *replacement_watch_open(const struct replacement_watch_config *config, struct error *error)
{
	assert(config->brokers && config->every_ms > 0);
	struct replacement_watch *watch = memory_take(1, sizeof *watch);
	if (!watch) {
		error_memory(error, ERROR_SYSTEM, "watching the topics that are read");
		return NULL;
	}
	watch->config = *config;
	pthread_mutex_init(&watch->lock, NULL);
	pthread_cond_init(&watch->changed, NULL);
	return watch;
}

void replacement_watch_close(struct replacement_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&watch->lock);
	watch->stopping = true;
	pthread_cond_signal(&watch->changed);
	pthread_mutex_unlock(&watch->lock);
	if (watch->running)
		pthread_join(watch->thread, NULL);
	if (watch->reader)
		client_destroy(watch->reader, 0);
	pthread_cond_destroy(&watch->changed);
	pthread_mutex_destroy(&watch->lock);
	memory_give(watch->places);
	memory_give(watch);
}

/* Finds or makes the entry of a partition. NULL: memory ran out; then nothing is known of it. */
static struct watched_partition *watched_find(struct replacement_watch *watch, const char *topic, int32_t partition)
{
	size_t length = strlen(topic);
	for (size_t i = 0; i < watch->count; i++)
		if (watch->places[i].partition == partition && strcmp(watch->places[i].topic, topic) == 0)
			return &watch->places[i];
	struct watched_partition *places = length < sizeof places->topic
				       ? memory_resize(watch->places, watch->count + 1, sizeof *places)
				       : NULL;
	if (!places)
		return NULL;
	watch->places = places;
	struct watched_partition *place = &places[watch->count++];
	*place = (struct watched_partition){.partition = partition, .anchor.offset = OFFSET_NONE, .newest.offset = OFFSET_NONE};
	memcpy(place->topic, topic, length + 1);
	return place;
}

void replacement_watch_note(struct replacement_watch *watch, const char *topic, int32_t partition, int64_t offset, int64_t time_ms)
{
	assert(partition >= 0 && offset >= 0);
	pthread_mutex_lock(&watch->lock);
	struct watched_partition *place = watched_find(watch, topic, partition);
	if (place && place->newest.offset < offset)
		place->newest = (struct noted_record){offset, time_ms};
	if (place && place->anchor.offset == OFFSET_NONE)
		place->anchor = place->newest;
	pthread_mutex_unlock(&watch->lock);
	if (!watch->running)
		watch->running = pthread_create(&watch->thread, NULL, watch_run, watch) == 0;
}

void replacement_watch_forget(struct replacement_watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	watch->count = watch->next = 0;
	watch->version++;
	pthread_mutex_unlock(&watch->lock);
}

bool replacement_watch_take(struct replacement_watch *watch, struct topic_replacement *news)
{
	bool found = false;
	pthread_mutex_lock(&watch->lock);
	for (size_t i = 0; i < watch->count && !found; i++) {
		struct watched_partition *place = &watch->places[i];
		if (!place->reported)
			continue;
		*news = (struct topic_replacement){
			.partition = place->partition, .begin = place->begin, .end = place->anchor.offset + 1};
		memcpy(news->topic, place->topic, sizeof news->topic);
		place->reported = false;
		place->doubts = 0;
		place->anchor = place->newest;
		found = true;
	}
	pthread_mutex_unlock(&watch->lock);
	return found;
}
