/* request_batching.c: see request_batching.h. */
#include "kafka/produce/request_batching.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/memory.h"

#define NAME "sluice-batching"

struct batched_record {
	rd_kafka_topic_t *topic;
	struct outgoing record; /* in `bytes` and `headers` */
	uint64_t number;
};

struct request_batching {
	struct loop *loop;
	struct loop_timer leave;
	void (*refused)(void *context, uint64_t number);
	void *context;
	rd_kafka_t *client;
	atomic_int holders;	  /* the producer, and the configuration of its client, which may live longer */
	atomic_size_t unreported; /* records that librdkafka has, and Kafka has not acknowledged */
	atomic_size_t count;	  /* of batched records; changed under the lock */
	pthread_mutex_t lock;	  /* of what follows */
	size_t used, header_count, refused_count;
	int64_t since_ms; /* since when the first one waits */
	uint64_t refusals[REQUEST_BATCHING_RECORDS];
	struct batched_record items[REQUEST_BATCHING_RECORDS];
	struct header headers[REQUEST_BATCHING_HEADERS];
	char bytes[REQUEST_BATCHING_BYTES];
};

static void holder_leave(struct request_batching *batching)
{
	if (atomic_fetch_sub(&batching->holders, 1) > 1)
		return;
	pthread_mutex_destroy(&batching->lock);
	memory_give(batching);
}

static enum produce_verdict record_leave(struct request_batching *batching, const struct batched_record *batched,
					 struct error *error)
{
	/* Its report may come before client_produce() returns. */
	atomic_fetch_add(&batching->unreported, 1);
	const enum produce_verdict verdict = client_produce(batching->client, batched->topic, &batched->record,
							    (void *)(uintptr_t)batched->number, error);
	if (verdict != PRODUCED)
		atomic_fetch_sub(&batching->unreported, 1);
	return verdict;
}

/* Under the lock. */
static void all_leave(struct request_batching *batching)
{
	const size_t count = atomic_load(&batching->count);
	for (size_t i = 0; i < count; i++) {
		struct error error;
		error.kind = ERROR_NONE;
		if (record_leave(batching, &batching->items[i], &error) == PRODUCED)
			continue;
		batching->refusals[batching->refused_count++] = batching->items[i].number;
	}
	batching->used = batching->header_count = 0;
	atomic_store(&batching->count, 0);
}

/* ---- in librdkafka's thread ---- */

static rd_kafka_resp_err_t on_acknowledged(rd_kafka_t *client, rd_kafka_message_t *record, void *context)
{
	struct request_batching *batching = context;
	(void)client;
	if (record->err || atomic_fetch_sub(&batching->unreported, 1) > REQUEST_BATCHING_AHEAD ||
	    atomic_load(&batching->count) == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	pthread_mutex_lock(&batching->lock);
	if (batching->refused_count == 0)
		all_leave(batching);
	pthread_mutex_unlock(&batching->lock);
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

static void timer_set(struct request_batching *batching, int64_t due_ms)
{
	struct error error = {0};
	if (loop_timer_set(batching->loop, &batching->leave, due_ms, &error))
		return;
	pthread_mutex_lock(&batching->lock);
	all_leave(batching);
	pthread_mutex_unlock(&batching->lock);
}

static void request_batching_on_due(void *context)
{
	struct request_batching *batching = context;
	int64_t due_ms = 0;
	pthread_mutex_lock(&batching->lock);
	if (atomic_load(&batching->count) > 0) {
		due_ms = batching->since_ms + REQUEST_BATCHING_MS;
		if (due_ms <= loop_now_ms(batching->loop)) {
			all_leave(batching);
			due_ms = 0;
		}
	}
	pthread_mutex_unlock(&batching->lock);
	request_batching_report_refused(batching);
	if (due_ms > 0)
		timer_set(batching, due_ms);
}

static void text_copy(struct request_batching *batching, struct text *text)
{
	if (!text->bytes)
		return;
	char *copy = batching->bytes + batching->used;
	memcpy(copy, text->bytes, text->length);
	batching->used += text->length;
	text->bytes = copy;
}

static void batch_add(struct request_batching *batching, const struct batched_record *batched)
{
	const size_t count = atomic_load(&batching->count);
	struct outgoing *record = &batching->items[count].record;
	struct header *headers = batching->headers + batching->header_count;
	batching->items[count] = *batched;
	for (size_t i = 0; i < record->headers.count; i++) {
		headers[i] = record->headers.items[i];
		text_copy(batching, &headers[i].name);
		text_copy(batching, &headers[i].value);
	}
	record->headers.items = headers;
	text_copy(batching, &record->key);
	text_copy(batching, &record->value);
	batching->header_count += record->headers.count;
	if (count == 0)
		batching->since_ms = loop_now_ms(batching->loop);
	atomic_store(&batching->count, count + 1);
}

/* A batched record that is refused has its place among the refusals. */
static bool has_room(const struct request_batching *batching, const struct outgoing *record, size_t bytes)
{
	return atomic_load(&batching->count) + batching->refused_count < REQUEST_BATCHING_RECORDS &&
	       batching->used + bytes <= REQUEST_BATCHING_BYTES &&
	       batching->header_count + record->headers.count <= REQUEST_BATCHING_HEADERS;
}

enum produce_verdict request_batching_produce(struct request_batching *batching, rd_kafka_t *client, rd_kafka_topic_t *topic,
					      const struct outgoing *record, uint64_t number, struct error *error)
{
	const struct batched_record batched = {.topic = topic, .record = *record, .number = number};
	const size_t bytes = outgoing_bytes(record);
	enum produce_verdict verdict = PRODUCED;
	bool waits;
	pthread_mutex_lock(&batching->lock);
	batching->client = client;
	waits = bytes <= REQUEST_BATCHING_RECORD_BYTES && has_room(batching, record, bytes) &&
		(atomic_load(&batching->count) > 0 || atomic_load(&batching->unreported) >= REQUEST_BATCHING_AHEAD);
	if (waits) {
		batch_add(batching, &batched);
	} else {
		all_leave(batching);
		verdict = record_leave(batching, &batched, error);
	}
	pthread_mutex_unlock(&batching->lock);
	if (waits && batching->leave.place == 0)
		timer_set(batching, loop_now_ms(batching->loop) + REQUEST_BATCHING_MS);
	return verdict;
}

/* Acknowledged ones are counted when librdkafka's thread knows of them, so that it lets others leave at once. */
void request_batching_note_report(struct request_batching *batching, const rd_kafka_message_t *report)
{
	if (report->err)
		atomic_fetch_sub(&batching->unreported, 1);
}

void request_batching_report_refused(struct request_batching *batching)
{
	uint64_t refusals[REQUEST_BATCHING_RECORDS];
	size_t count;
	pthread_mutex_lock(&batching->lock);
	count = batching->refused_count;
	memcpy(refusals, batching->refusals, count * sizeof *refusals);
	batching->refused_count = 0;
	pthread_mutex_unlock(&batching->lock);
	for (size_t i = 0; i < count; i++)
		batching->refused(batching->context, refusals[i]);
}

size_t request_batching_count(const struct request_batching *batching)
{
	return atomic_load(&batching->count);
}

struct request_batching *request_batching_open(rd_kafka_conf_t *configuration, struct loop *loop,
					       void (*refused)(void *context, uint64_t number), void *context)
{
	assert(loop && refused);
	struct request_batching *batching = memory_take(1, sizeof *batching);
	if (!batching)
		return NULL;
	batching->loop = loop;
	batching->leave = (struct loop_timer){.due = request_batching_on_due, .context = batching};
	batching->refused = refused;
	batching->context = context;
	(void)pthread_mutex_init(&batching->lock, NULL);
	atomic_init(&batching->holders, 2);
	(void)rd_kafka_conf_interceptor_add_on_new(configuration, NAME, on_new, batching);
	(void)rd_kafka_conf_interceptor_add_on_conf_destroy(configuration, NAME, on_configuration_closed, batching);
	return batching;
}

void request_batching_close(struct request_batching *batching)
{
	if (!batching)
		return;
	loop_timer_stop(batching->loop, &batching->leave);
	pthread_mutex_lock(&batching->lock);
	atomic_store(&batching->count, 0);
	pthread_mutex_unlock(&batching->lock);
	holder_leave(batching);
}
