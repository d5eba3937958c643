/* gathering.c: see gathering.h. */
#include "log/gathering.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

#define NAME "sluice-gathering"

struct gathered {
	rd_kafka_topic_t *topic;
	struct outgoing record; /* in `bytes` and `headers` */
	uint64_t number;
};

struct gathering {
	struct loop *loop;
	struct loop_timer leave;
	void (*refused)(void *context, uint64_t number);
	void *context;
	rd_kafka_t *client;
	atomic_int holders;	  /* the producer, and the configuration of its client, which may live longer */
	atomic_size_t unreported; /* records that librdkafka has, and Kafka has not acknowledged */
	atomic_size_t count;	  /* of gathered records; changed under the lock */
	pthread_mutex_t lock;	  /* of what follows */
	size_t used, header_count, refused_count;
	int64_t since_ms; /* since when the first one waits */
	uint64_t refusals[GATHERING_RECORDS];
	struct gathered items[GATHERING_RECORDS];
	struct header headers[GATHERING_HEADERS];
	char bytes[GATHERING_BYTES];
};

static void holder_leave(struct gathering *gathering)
{
	if (atomic_fetch_sub(&gathering->holders, 1) > 1)
		return;
	pthread_mutex_destroy(&gathering->lock);
	memory_give(gathering);
}

static enum produce_verdict record_leave(struct gathering *gathering, const struct gathered *gathered, struct error *error)
{
	/* Its report may come before client_produce() returns. */
	atomic_fetch_add(&gathering->unreported, 1);
	const enum produce_verdict verdict = client_produce(gathering->client, gathered->topic, &gathered->record,
							    (void *)(uintptr_t)gathered->number, error);
	if (verdict != PRODUCED)
		atomic_fetch_sub(&gathering->unreported, 1);
	return verdict;
}

/* Under the lock. */
static void all_leave(struct gathering *gathering)
{
	const size_t count = atomic_load(&gathering->count);
	for (size_t i = 0; i < count; i++) {
		struct error error = {0};
		if (record_leave(gathering, &gathering->items[i], &error) == PRODUCED)
			continue;
		gathering->refusals[gathering->refused_count++] = gathering->items[i].number;
	}
	gathering->used = gathering->header_count = 0;
	atomic_store(&gathering->count, 0);
}

/* ---- in librdkafka's thread ---- */

static rd_kafka_resp_err_t on_acknowledged(rd_kafka_t *client, rd_kafka_message_t *record, void *context)
{
	struct gathering *gathering = context;
	(void)client;
	if (record->err || atomic_fetch_sub(&gathering->unreported, 1) > GATHERING_AHEAD || atomic_load(&gathering->count) == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	pthread_mutex_lock(&gathering->lock);
	if (gathering->refused_count == 0)
		all_leave(gathering);
	pthread_mutex_unlock(&gathering->lock);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t on_new(rd_kafka_t *client, const rd_kafka_conf_t *configuration, void *context, char *words, size_t room)
{
	(void)configuration, (void)words, (void)room;
	return rd_kafka_interceptor_add_on_acknowledgement(client, NAME, on_acknowledged, context);
}

static rd_kafka_resp_err_t on_configuration_closed(void *context)
{
	holder_leave(context);
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- in the thread of the loop ---- */

static void timer_set(struct gathering *gathering, int64_t due_ms)
{
	struct error error = {0};
	if (loop_timer_set(gathering->loop, &gathering->leave, due_ms, &error))
		return;
	pthread_mutex_lock(&gathering->lock);
	all_leave(gathering);
	pthread_mutex_unlock(&gathering->lock);
}

static void on_due(void *context)
{
	struct gathering *gathering = context;
	int64_t due_ms = 0;
	pthread_mutex_lock(&gathering->lock);
	if (atomic_load(&gathering->count) > 0) {
		due_ms = gathering->since_ms + GATHERING_MS;
		if (due_ms <= loop_now_ms(gathering->loop)) {
			all_leave(gathering);
			due_ms = 0;
		}
	}
	pthread_mutex_unlock(&gathering->lock);
	gathering_tell(gathering);
	if (due_ms > 0)
		timer_set(gathering, due_ms);
}

static void text_copy(struct gathering *gathering, struct text *text)
{
	if (!text->bytes)
		return;
	char *copy = gathering->bytes + gathering->used;
	memcpy(copy, text->bytes, text->length);
	gathering->used += text->length;
	text->bytes = copy;
}

static void gather(struct gathering *gathering, const struct gathered *gathered)
{
	const size_t count = atomic_load(&gathering->count);
	struct outgoing *record = &gathering->items[count].record;
	struct header *headers = gathering->headers + gathering->header_count;
	gathering->items[count] = *gathered;
	for (size_t i = 0; i < record->headers.count; i++) {
		headers[i] = record->headers.items[i];
		text_copy(gathering, &headers[i].name);
		text_copy(gathering, &headers[i].value);
	}
	record->headers.items = headers;
	text_copy(gathering, &record->key);
	text_copy(gathering, &record->value);
	gathering->header_count += record->headers.count;
	if (count == 0)
		gathering->since_ms = loop_now_ms(gathering->loop);
	atomic_store(&gathering->count, count + 1);
}

static size_t record_bytes(const struct outgoing *record)
{
	size_t bytes = record->key.length + record->value.length;
	for (size_t i = 0; i < record->headers.count; i++)
		bytes += record->headers.items[i].name.length + record->headers.items[i].value.length;
	return bytes;
}

/* A gathered record that is refused has its place among the refusals. */
static bool has_room(const struct gathering *gathering, const struct outgoing *record, size_t bytes)
{
	return atomic_load(&gathering->count) + gathering->refused_count < GATHERING_RECORDS &&
	       gathering->used + bytes <= GATHERING_BYTES &&
	       gathering->header_count + record->headers.count <= GATHERING_HEADERS;
}

enum produce_verdict gathering_produce(struct gathering *gathering, rd_kafka_t *client, rd_kafka_topic_t *topic,
				       const struct outgoing *record, uint64_t number, struct error *error)
{
	const struct gathered gathered = {.topic = topic, .record = *record, .number = number};
	const size_t bytes = record_bytes(record);
	enum produce_verdict verdict = PRODUCED;
	bool waits;
	pthread_mutex_lock(&gathering->lock);
	gathering->client = client;
	waits = bytes <= GATHERING_RECORD_BYTES && has_room(gathering, record, bytes) &&
		(atomic_load(&gathering->count) > 0 || atomic_load(&gathering->unreported) >= GATHERING_AHEAD);
	if (waits) {
		gather(gathering, &gathered);
	} else {
		all_leave(gathering);
		verdict = record_leave(gathering, &gathered, error);
	}
	pthread_mutex_unlock(&gathering->lock);
	if (waits && gathering->leave.place == 0)
		timer_set(gathering, loop_now_ms(gathering->loop) + GATHERING_MS);
	return verdict;
}

/* Acknowledged ones are counted when librdkafka's thread knows of them, so that it lets others leave at once. */
void gathering_report(struct gathering *gathering, const rd_kafka_message_t *report)
{
	if (report->err)
		atomic_fetch_sub(&gathering->unreported, 1);
}

void gathering_tell(struct gathering *gathering)
{
	uint64_t refusals[GATHERING_RECORDS];
	size_t count;
	pthread_mutex_lock(&gathering->lock);
	count = gathering->refused_count;
	memcpy(refusals, gathering->refusals, count * sizeof *refusals);
	gathering->refused_count = 0;
	pthread_mutex_unlock(&gathering->lock);
	for (size_t i = 0; i < count; i++)
		gathering->refused(gathering->context, refusals[i]);
}

size_t gathering_count(const struct gathering *gathering)
{
	return atomic_load(&gathering->count);
}

struct gathering *gathering_open(rd_kafka_conf_t *configuration, struct loop *loop,
				 void (*refused)(void *context, uint64_t number), void *context)
{
	assert(loop && refused);
	struct gathering *gathering = memory_take(1, sizeof *gathering);
	if (!gathering)
		return NULL;
	gathering->loop = loop;
	gathering->leave = (struct loop_timer){.due = on_due, .context = gathering};
	gathering->refused = refused;
	gathering->context = context;
	(void)pthread_mutex_init(&gathering->lock, NULL);
	atomic_init(&gathering->holders, 2);
	(void)rd_kafka_conf_interceptor_add_on_new(configuration, NAME, on_new, gathering);
	(void)rd_kafka_conf_interceptor_add_on_conf_destroy(configuration, NAME, on_configuration_closed, gathering);
	return gathering;
}

void gathering_close(struct gathering *gathering)
{
	if (!gathering)
		return;
	loop_timer_stop(gathering->loop, &gathering->leave);
	pthread_mutex_lock(&gathering->lock);
	atomic_store(&gathering->count, 0);
	pthread_mutex_unlock(&gathering->lock);
	holder_leave(gathering);
}
