/* fit_topic.c: see fit_topic.h. */
#include "tools/source/fit_topic.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"
#include "kafka/consume/reader.h"
#include "message/records/record_payload.h"
#include "message/rows.h"

#define RECORD_ARENA_BYTES ((size_t)1 << 30)
#define RECORDS_FIRST 1024
#define TOPIC_BYTES_MAX ((size_t)4 << 30) /* it is kept whole, for it is gone through once for each operation */
#define RECORD_BYTES 64			  /* beside its bytes, about */

/* ---- decoding ---- */

static bool decode_once(struct fit_topic *topic, const struct kept_record *record, struct arena *arena, struct record_payload *made,
			struct error *error)
{
	return record_payload_decode(record->headers, record->value, record->time_ms, topic->config->mapping,
				     schema_lookup_source(&topic->asker), arena, made, error);
}

/* A record whose schema is being asked for is decoded again until it is there. */
static bool decode(struct fit_topic *topic, const struct kept_record *record, struct arena *arena, struct record_payload *made,
		   struct error *error)
{
	while (!decode_once(topic, record, arena, made, error)) {
		if (!schema_lookup_again(&topic->asker, error))
			return false;
		arena_reset(arena);
		*error = (struct error){0};
	}
	return true;
}

/* ---- reading ---- */

static bool fit_topic_keep(struct fit_topic *topic, const struct kept_record *record, struct error *error)
{
	struct kept_record *records = memory_grow(topic->records, topic->count, &topic->room, RECORDS_FIRST, sizeof *records);
	if (!records)
		return error_memory(error, ERROR_SYSTEM, "reading a topic");
	topic->records = records;
	topic->records[topic->count++] =
		(struct kept_record){.partition = record->partition,
				     .offset = record->offset,
				     .time_ms = record->time_ms,
				     .key = record->key.bytes ? text_copied(topic->arena, record->key) : record->key,
				     .value = text_copied(topic->arena, record->value),
				     .headers = headers_copied(topic->arena, record->headers)};
	return !arena_failed(topic->arena) || error_memory(error, ERROR_SYSTEM, "reading a topic");
}

struct fit_topic_taking {
	struct fit_topic *topic;
	struct arena *arena; /* of one record */
	size_t bytes;
};

static bool fit_topic_take(void *context, const struct record *record, struct error *error)
{
	struct fit_topic_taking *taking = context;
	struct fit_topic *topic = taking->topic;
	struct kept_record seen = {.partition = record->partition,
				   .offset = record->offset,
				   .time_ms = record->time_ms,
				   .key = record->key,
				   .value = record->value};
	struct record_payload made;
	struct error wrong = {0};
	arena_reset(taking->arena);
	if (topic->config->count > 0 && (int64_t)topic->count >= topic->config->count)
		return true;
	taking->bytes += record->value.length + RECORD_BYTES;
	if (taking->bytes > TOPIC_BYTES_MAX)
		return error_set(error, ERROR_LIMIT, PLACE_NONE,
				 "topic %s has more than the %zu GiB that fit reads; limit it by --count", topic->config->topic,
				 TOPIC_BYTES_MAX >> 30);
	if (!record_headers(record, topic->arena, &seen.headers, error))
		return false;
	if (decode(topic, &seen, taking->arena, &made, &wrong)) {
		seen.time_ms = made.time_ms;
		return fit_topic_keep(topic, &seen, error);
	}
	if (wrong.kind == ERROR_SYSTEM)
		return error_set(error, wrong.kind, wrong.place, "%s", wrong.text);
	if (topic->left_out++ == 0)
		topic->left_out_why = wrong;
	return true;
}

static bool read_all(struct fit_topic *topic, struct error *error)
{
	const struct reader_config config = {.brokers = topic->config->kafka->brokers,
					     .topic = topic->config->topic,
					     .from_beginning = true,
					     .properties = topic->config->kafka->consumer};
	struct fit_topic_taking taking = {topic, arena_open(RECORD_ARENA_BYTES), 0};
	const bool good = (taking.arena || error_memory(error, ERROR_SYSTEM, "reading a topic")) &&
			  topic_give_all(&config, fit_topic_take, &taking, error);
	arena_close(taking.arena);
	return good;
}

/* By time, then as they stand in the topic. */
static int records_compare(const void *left, const void *right)
{
	const struct kept_record *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	if (a->partition != b->partition)
		return a->partition < b->partition ? -1 : 1;
	return (a->offset > b->offset) - (a->offset < b->offset);
}

bool fit_topic_open(struct fit_topic *topic, const struct fit_topic_config *config, struct arena *arena, struct error *error)
{
	*topic = (struct fit_topic){.config = config, .arena = arena};
	if (!schema_lookup_open(&topic->asker, kafka_registry(config->kafka), error))
		return false;
	if (!read_all(topic, error))
		return false;
	if (topic->count > 0) {
		qsort(topic->records, topic->count, sizeof *topic->records, records_compare);
		return true;
	}
	return topic->left_out == 0
		       ? error_set(error, ERROR_INPUT, PLACE_NONE,
				   "topic %s has no records: none were written, or its retention has deleted them; `sluice "
				   "produce` writes requests to it",
				   config->topic)
		       : error_set(error, ERROR_INPUT, PLACE_NONE, "topic %s has %llu records, and none of them can be read: %s",
				   config->topic, (unsigned long long)topic->left_out, topic->left_out_why.text);
}

void fit_topic_close(struct fit_topic *topic)
{
	schema_lookup_close(&topic->asker);
	memory_give(topic->records);
	*topic = (struct fit_topic){0};
}

/* ---- messages ---- */

static bool topic_next(void *context, struct arena *arena, struct payload *payload, struct error *error)
{
	struct fit_topic *topic = context;
	while (topic->at < topic->count && topic->records[topic->at].refused)
		topic->at++;
	struct record_payload made;
	if (topic->at == topic->count || !decode(topic, &topic->records[topic->at++], arena, &made, error))
		return false;
	*payload = made.payload;
	topic->message = (struct message){.arena = arena, .payload = made.payload};
	topic->id = made.id;
	topic->unnamed = made.unnamed;
	return true;
}

/* What runs on the topic is answered with that error, and nothing is learnt from it. */
static bool topic_refused(void *context, const struct tensor *texts, struct error *error)
{
	struct fit_topic *topic = context;
	(void)texts; /* the error says their first */
	struct kept_record *record = &topic->records[topic->at - 1];
	record->refused = true;
	if (topic->refused++ == 0) {
		topic->first_refused = *record;
		topic->refused_why = *error;
	}
	return true;
}

static int64_t topic_time_ms(void *context)
{
	const struct fit_topic *topic = context;
	return topic->records[topic->at - 1].time_ms;
}

static struct fit_name topic_name(void *context)
{
	struct fit_topic *topic = context;
	const struct kept_record *record = &topic->records[topic->at - 1];
	snprintf(topic->origin, sizeof topic->origin, "%s-%d-%lld", topic->config->topic, (int)record->partition,
		 (long long)record->offset);
	return (struct fit_name){topic->id, text_of(topic->origin)};
}

static const struct message *topic_message(void *context)
{
	struct fit_topic *topic = context;
	const struct kept_record *record = &topic->records[topic->at - 1];
	const struct fit_name name = topic_name(topic);
	topic->message.id = name.id.length > 0 ? name.id : name.origin;
	topic->message.key = record->key;
	topic->message.headers = record->headers;
	topic->message.time_ms = record->time_ms;
	return &topic->message;
}

static void topic_rewind(void *context)
{
	struct fit_topic *topic = context;
	topic->at = 0;
}

struct fit_source fit_topic_source(struct fit_topic *topic)
{
	return (struct fit_source){.context = topic,
				   .rewind = topic_rewind,
				   .next = topic_next,
				   .refused = topic_refused,
				   .time_ms = topic_time_ms,
				   .name = topic_name,
				   .message = topic_message};
}
