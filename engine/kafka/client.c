/* client.c: Settings, handles, tags and notes of refused records of librdkafka's clients; see client.h. */
#include "kafka/client.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/secret.h"
#include "kafka/broker_wait.h"
#include "kafka/topics/topic_setup.h"

#define SAID_BYTES 1024
#define LEAVE_LOOK_NS 1000000
#define RECORD_BYTES_MAX ((size_t)1000000000)	     /* the most that librdkafka accepts for message.max.bytes */
#define HTTP_SIZE "Invalid response size 1213486160" /* the bytes "HTTP" */
#define HINDERED_TIMEOUTS 3 /* time-outs between two reports */
#define SECRET_ARENA_BYTES ((size_t)1 << 20) /* for one at a time */
#define REFUSALS_AT_FIRST 16

static bool set_secret(rd_kafka_conf_t *configuration, const struct property *property, char *words, struct error *error)
{
	struct arena *arena = arena_open(SECRET_ARENA_BYTES);
	if (!arena)
		return error_memory(error, ERROR_SYSTEM, "reading a secret");
	const char *value = secret_fetch(property->value, property->name, PLACE_NONE, arena, error);
	bool set = value && client_setting_set(configuration, property->name, value, words, NULL);
	arena_close(arena);
	return set;
}

static bool set_all(rd_kafka_conf_t *configuration, struct properties properties, struct error *error)
{
	char words[LIBRARY_TEXT_MAX];
	for (size_t i = 0; i < properties.count; i++) {
		const struct property *property = &properties.items[i];
		if (!property->value)
			continue;
		bool fetched = secret_is_reference(property->value);
		if (fetched ? set_secret(configuration, property, words, error)
			    : client_setting_set(configuration, property->name, property->value, words, NULL))
			continue;
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "librdkafka %s refuses %s: %s; correct it in kafkaConfig or --kafka-setting",
				 rd_kafka_version_str(), property->name,
				 fetched || secret_is_named(property->name) ? "its value (not shown) is not valid" : words);
	}
	return true;
}

void hindrance_meet(struct hindrance *hindrance, int timeout_ms, const char *who, const char *doing, const char *why)
{
	assert(timeout_ms > 0);
	char line[SAID_BYTES];
	int64_t now_ms = clock_ms();
	if (hindrance->since_ms == 0)
		hindrance->since_ms = now_ms;
	if (now_ms - hindrance->since_ms < (int64_t)HINDERED_TIMEOUTS * timeout_ms)
		return;
	hindrance->since_ms = now_ms;
	(void)snprintf(line, sizeof line, "%s: nothing is committed for now: %s: %s; retrying", who, doing, why);
	kafka_log_say(LOG_LEVEL_WARN, line);
}

rd_kafka_conf_t *client_configuration(struct properties own, struct properties users, struct error *error)
{
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	if (!configuration) {
		error_memory(error, ERROR_SYSTEM, "configuring a Kafka client");
		return NULL;
	}
	rd_kafka_conf_set_log_cb(configuration, client_on_log_line);
	/* Detects a broker that is back soon, and one that disappeared without a message. librdkafka's default is a
	 * minute. */
	static const struct property quick[] = {
		{"reconnect.backoff.max.ms", "1000"},
		{"socket.timeout.ms", "10000"},
	};
	if (set_all(configuration, (struct properties){sizeof quick / sizeof quick[0], quick}, error) &&
	    set_all(configuration, own, error) && set_all(configuration, users, error))
		return configuration;
	rd_kafka_conf_destroy(configuration);
	return NULL;
}

/* A producer accepts records as long as their topics take: librdkafka's default is less than Kafka's. A user's own number holds. */
static void limit_records(rd_kafka_conf_t *configuration, struct properties users, size_t topic_bytes)
{
	char words[LIBRARY_TEXT_MAX], value[32];
	const size_t takes = topic_bytes > 0 ? topic_bytes : BATCH_TOPIC_BYTES;
	for (size_t i = 0; i < users.count; i++)
		if (strcmp(users.items[i].name, "message.max.bytes") == 0)
			return;
	if (takes <= client_setting_size(configuration, "message.max.bytes") + BATCH_FRAME_BYTES_MAX)
		return;
	(void)snprintf(value, sizeof value, "%zu", takes < RECORD_BYTES_MAX ? takes - BATCH_FRAME_BYTES_MAX : RECORD_BYTES_MAX);
	(void)rd_kafka_conf_set(configuration, "message.max.bytes", value, words, sizeof words);
}

size_t client_limit_batches(rd_kafka_conf_t *configuration, struct properties users, const struct batch_limit *limit)
{
	char words[LIBRARY_TEXT_MAX], value[32];
	size_t bytes = limit ? atomic_load(&limit->bytes) : 0;
	limit_records(configuration, users, bytes);
	size_t batch = client_setting_size(configuration, "batch.size");
	const size_t most = client_setting_size(configuration, "message.max.bytes");
	if (bytes > 0 && bytes < batch) {
		(void)snprintf(value, sizeof value, "%zu", bytes);
		if (rd_kafka_conf_set(configuration, "batch.size", value, words, sizeof words) == RD_KAFKA_CONF_OK)
			batch = bytes;
	}
	return batch < most ? batch : most; /* librdkafka checks a batch against both */
}

rd_kafka_t *client_open(rd_kafka_type_t type, rd_kafka_conf_t *configuration, struct error *error)
{
	char words[LIBRARY_TEXT_MAX];
	broker_wait_configure(configuration);
	rd_kafka_t *client = rd_kafka_new(type, configuration, words, sizeof words);
	if (client)
		return client;
	rd_kafka_conf_destroy(configuration);
	error_set(error, ERROR_CONFIG, PLACE_NONE,
		  "librdkafka %s cannot start a client: %s; correct kafkaConfig or --kafka-setting", rd_kafka_version_str(), words);
	return NULL;
}

void client_note_trouble(int code, const char *words, struct error *locked_out)
{
	if (!client_is_let_in(code, words, locked_out) || locked_out->kind != ERROR_NONE ||
	    code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
		return;
	const char *state = strstr(words, " (after ");
	const int length = state ? (int)(state - words) : (int)strlen(words);
	if (strstr(words, HTTP_SIZE))
		(void)snprintf(locked_out->text, sizeof locked_out->text, "%.*s: it is the port of an HTTP server",
			       (int)strcspn(words, "/"), words);
	else
		(void)snprintf(locked_out->text, sizeof locked_out->text, "%.*s", length, words);
	client_drop_guess(locked_out->text);
}

const struct rd_kafka_metadata_topic *client_metadata_topic(const struct rd_kafka_metadata *metadata, const char *topic)
{
	for (int i = 0; i < metadata->topic_cnt; i++)
		if (strcmp(metadata->topics[i].topic, topic) == 0)
			return &metadata->topics[i];
	return NULL;
}

int client_partition_count(const struct rd_kafka_metadata *metadata, const char *topic)
{
	const struct rd_kafka_metadata_topic *found = client_metadata_topic(metadata, topic);
	return found && found->err == RD_KAFKA_RESP_ERR_NO_ERROR ? found->partition_cnt : 0;
}

static void *destroy(void *client)
{
	rd_kafka_destroy_flags(client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	return NULL;
}

static void *leave(void *client)
{
	(void)rd_kafka_consumer_close(client);
	return destroy(client);
}

/* It polls a monotonic clock, because a wait until a time of day depends on changes of the system clock. */
bool client_thread_ends(pthread_t thread, int wait_s)
{
	static const struct timespec pause = {.tv_nsec = LEAVE_LOOK_NS};
	const int64_t until_ms = clock_ms() + (int64_t)wait_s * 1000;
	while (pthread_tryjoin_np(thread, NULL) != 0) {
		if (clock_ms() >= until_ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* Ends a client in a thread. */
static bool client_end(rd_kafka_t *client, void *(*end)(void *client), int wait_s)
{
	pthread_t thread;
	if (pthread_create(&thread, NULL, end, client) != 0) {
		(void)end(client);
		return true;
	}
	if (client_thread_ends(thread, wait_s))
		return true;
	pthread_detach(thread);
	return false;
}

void client_destroy(rd_kafka_t *client, int wait_s)
{
	(void)client_end(client, destroy, wait_s);
}

/* What the callbacks of clients that were left behind have, for as long as the process runs. */
struct left_behind {
	struct left_behind *next;
	const void *context;
};

static _Atomic(struct left_behind *) left_behind;

static void context_keep(const void *context)
{
	struct left_behind *kept = memory_take(1, sizeof *kept);
	if (!kept)
		return;
	*kept = (struct left_behind){atomic_load(&left_behind), context};
	while (!atomic_compare_exchange_weak(&left_behind, &kept->next, kept))
		;
}

bool client_leave(rd_kafka_t *client, int wait_s, const void *context)
{
	const bool has_left = client_end(client, leave, wait_s);
	if (!has_left)
		context_keep(context);
	return has_left;
}

void client_queue_ring(rd_kafka_queue_t *queue, int bell)
{
	assert(queue && bell >= 0);
	static const uint64_t one = 1;
	rd_kafka_queue_io_event_enable(queue, bell, &one, sizeof one);
}

void client_queue_forget(rd_kafka_queue_t *queue)
{
	if (!queue)
		return;
	rd_kafka_queue_io_event_enable(queue, -1, NULL, 0);
	rd_kafka_queue_destroy(queue);
}

/* Earlier versions of librdkafka repeat a part of the server's first SCRAM message in their proof. Brokers since 3.9
 * and 3.8.1 treat that as a wrong password. */
#define SCRAM_RIGHT_SINCE 0x020601ff

bool client_is_let_in(int code, const char *words, struct error *error)
{
	if (code != RD_KAFKA_RESP_ERR__AUTHENTICATION && code != RD_KAFKA_RESP_ERR__SSL)
		return true;
	bool old = rd_kafka_version() < SCRAM_RIGHT_SINCE && strstr(words, "SCRAM");
	return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka rejects the login: %s; %s%s%s", words,
			 old ? "librdkafka before 2.6.1, and this is " : "check the sasl and ssl settings of kafkaConfig",
			 old ? rd_kafka_version_str() : "", old ? ", cannot log in by SCRAM to a current Kafka" : "");
}

/* ---- producing ---- */

bool client_has_topic(const rd_kafka_message_t *record, struct error *error)
{
	switch (record->err) {
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
		return error_set(
			error, ERROR_SYSTEM, PLACE_NONE,
			"Kafka refuses records for %s: %s; none of their offsets is committed. Check the topic, and start again",
			rd_kafka_topic_name(record->rkt), rd_kafka_err2str(record->err));
	default:
		return true;
	}
}

static void record_too_long(rd_kafka_t *client, const rd_kafka_topic_t *topic, const struct outgoing *record, struct error *error)
{
	const size_t most = client_setting_size(rd_kafka_conf(client), "message.max.bytes");
	error_set(
		error, ERROR_LIMIT, PLACE_NONE,
		"an answer has %zu bytes with its headers, and the producer of topic %s accepts %zu (message.max.bytes). Make the "
		"answer smaller, or raise max.message.bytes of its topics, and message.max.bytes if kafkaConfig has it",
		outgoing_bytes(record), rd_kafka_topic_name(topic), most);
}

enum produce_verdict client_verdict(rd_kafka_resp_err_t code, rd_kafka_t *client, const rd_kafka_topic_t *topic,
				    const struct outgoing *record, struct error *error)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return PRODUCED;
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		return PRODUCE_FULL;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		record_too_long(client, topic, record, error);
		return PRODUCE_REFUSED;
	default:
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer accepts no more records: %s", rd_kafka_err2str(code));
		return PRODUCE_SPOILT;
	}
}

static int32_t partition_wanted(const struct outgoing *record)
{
	return record->beside_origin ? record->origin.partition : RD_KAFKA_PARTITION_UA;
}

static rd_kafka_resp_err_t produce_with_headers(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record,
						void *opaque)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(record->headers.count);
	for (size_t i = 0; i < record->headers.count; i++) {
		const struct header *header = &record->headers.items[i];
		rd_kafka_header_add(headers, header->name.bytes, (ssize_t)header->name.length, header->value.bytes,
				    (ssize_t)header->value.length);
	}
	rd_kafka_resp_err_t code =
		rd_kafka_producev(client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition_wanted(record)),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(record->key.bytes, record->key.length),
				  RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.bytes, record->value.length),
				  RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_headers_destroy(headers); /* librdkafka takes them only on success */
	return code;
}

rd_kafka_resp_err_t client_enqueue(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque)
{
	if (record->headers.count > 0)
		return produce_with_headers(client, topic, record, opaque);
	if (rd_kafka_produce(topic, partition_wanted(record), RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)record->value.bytes,
			     record->value.length, record->key.bytes, record->key.length, opaque) == 0)
		return RD_KAFKA_RESP_ERR_NO_ERROR;
	return rd_kafka_last_error();
}

static enum produce_verdict enqueued_verdict(rd_kafka_resp_err_t code, rd_kafka_t *client, rd_kafka_topic_t *topic,
					     const struct outgoing *record, struct error *error)
{
	if (!failure_is_absence(code))
		return client_verdict(code, client, topic, record, error);
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka has no topic %s any more; " TOPIC_GONE_STEP, rd_kafka_topic_name(topic));
	return PRODUCE_SPOILT;
}

enum produce_verdict client_produce(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record, void *opaque,
				    struct error *error)
{
	return enqueued_verdict(client_enqueue(client, topic, record, opaque), client, topic, record, error);
}

enum produce_verdict client_produce_at(rd_kafka_t *client, rd_kafka_topic_t *topic, int64_t time_ms, struct text key,
				       struct text value, struct error *error)
{
	const struct outgoing record = {.key = key, .value = value};
	const rd_kafka_resp_err_t code = rd_kafka_producev(
		client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.bytes, key.length),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)value.bytes, value.length), RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END);
	return enqueued_verdict(code, client, topic, &record, error);
}

/* ---- tags ---- */

void client_note_statistics(rd_kafka_event_t *event, struct client_counts *counts)
{
	const char *json = rd_kafka_event_stats(event);
	struct error error = {0};
	if (json && counts)
		(void)client_statistics_read(text_of(json), counts, &error);
}

/* One bit for the lot, 12 for the topic, 19 for the partition, 32 of the offset. */
#define TAG_TOPIC_BITS 12
#define TAG_PARTITION_BITS 19
#define TAG_MASK(bits) (((uint64_t)1 << (bits)) - 1)

static_assert(sizeof(uintptr_t) == sizeof(uint64_t), "a tag is a pointer of 64 bits");
static_assert(TOPICS_READ_MAX == (size_t)1 << TAG_TOPIC_BITS, "a tag holds any topic that is read");

void *tag_of(const struct position *origin, unsigned lot)
{
	assert(lot <= 1);
	uint64_t tag = lot;
	tag = tag << TAG_TOPIC_BITS | (origin->topic & TAG_MASK(TAG_TOPIC_BITS));
	tag = tag << TAG_PARTITION_BITS | ((uint32_t)origin->partition & TAG_MASK(TAG_PARTITION_BITS));
	return (void *)(uintptr_t)(tag << 32 | (uint32_t)origin->offset);
}

unsigned tag_lot(const void *tag)
{
	return (unsigned)((uintptr_t)tag >> 63);
}

static struct position tag_origin(const void *tag)
{
	uint64_t bits = (uintptr_t)tag;
	return (struct position){.topic = (uint32_t)(bits >> (32 + TAG_PARTITION_BITS) & TAG_MASK(TAG_TOPIC_BITS)),
				 .partition = (int32_t)(bits >> 32 & TAG_MASK(TAG_PARTITION_BITS)),
				 .offset = (uint32_t)bits};
}

int32_t client_partition(const void *key, size_t length, const void *tag, int32_t count)
{
	return key ? rd_kafka_msg_partitioner_murmur2(NULL, key, length, count, NULL, NULL) : tag_origin(tag).partition % count;
}

/* This storage model costs one instruction, in the program and in shared objects loaded at its start. */
static _Thread_local int partitions_seen __attribute__((tls_model("initial-exec")));

int client_partitions_seen(void)
{
	return partitions_seen;
}

void client_partitions_forget(void)
{
	partitions_seen = 0;
}

/* Called by librdkafka's threads too, also by those of an abandoned client. So its notes are in storage that lives as
 * long as the thread. */
static int32_t partition_of(const rd_kafka_topic_t *topic, const void *key, size_t length, int32_t count, void *context, void *tag)
{
	(void)topic;
	(void)context;
	partitions_seen = count;
	return client_partition(key, length, tag, count);
}

void client_keep_partitions(rd_kafka_conf_t *configuration, struct properties users)
{
	for (size_t i = 0; i < users.count; i++)
		if (strcmp(users.items[i].name, "partitioner") == 0)
			return;
	char words[LIBRARY_TEXT_MAX];
	(void)rd_kafka_conf_set(configuration, "sticky.partitioning.linger.ms", "0", words, sizeof words);
	rd_kafka_topic_conf_t *topics = rd_kafka_conf_get_default_topic_conf(configuration);
	rd_kafka_topic_conf_set_partitioner_cb(topics, partition_of);
}

/* ---- topics by number ---- */

/* New handles that ask Kafka one by one, each by a request; a producer that is idempotent has five of them under way. */
#define HANDLES_ALONE_MAX 16
#define HANDLES_WAIT_MS 2000

/* The settings of a topic handle. NULL: those that the client has for topics. */
static rd_kafka_topic_conf_t *handle_configuration(const struct topic_handles *handles, rd_kafka_t *client)
{
	rd_kafka_topic_conf_t *configuration = NULL;
	if ((handles->numbered || handles->awaited) && (configuration = rd_kafka_default_topic_conf_dup(client)))
		rd_kafka_topic_conf_set_opaque(configuration, (void *)(uintptr_t)(handles->awaited ? 1 : handles->count));
	return configuration;
}

/* Makes all topics known to the client by one request. Without an answer each new handle asks for its own. */
static void topics_make_known(rd_kafka_t *client)
{
	const struct rd_kafka_metadata *metadata;
	if (rd_kafka_metadata(client, true, NULL, &metadata, HANDLES_WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
}

bool topic_handles_follow(struct topic_handles *handles, rd_kafka_t *client, const char *const *names, size_t count,
			  struct error *error)
{
	assert(count >= handles->count && (count == 0 || names));
	rd_kafka_topic_t **items = memory_resize(handles->items, count + 1, sizeof(rd_kafka_topic_t *));
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "opening topics");
	handles->items = items;
	if (handles->count == 0 && count > HANDLES_ALONE_MAX) /* only opening may wait */
		topics_make_known(client);
	for (; handles->count < count; handles->count++) {
		items[handles->count] = rd_kafka_topic_new(client, names[handles->count], handle_configuration(handles, client));
		if (!items[handles->count])
			return error_set(error, ERROR_SYSTEM, PLACE_NONE, "topic %s cannot be used: %s", names[handles->count],
					 rd_kafka_err2str(rd_kafka_last_error()));
	}
	return true;
}

void topic_handles_close(struct topic_handles *handles)
{
	while (handles->count > 0)
		rd_kafka_topic_destroy(handles->items[--handles->count]);
	memory_give(handles->items);
	handles->items = NULL;
}

/* ---- refusals ---- */

uint32_t topic_handles_find(const struct topic_handles *topics, const rd_kafka_message_t *report)
{
	uint32_t topic = 0;
	assert(topics->count > 0);
	while (topic + 1 < topics->count && topics->items[topic] != report->rkt)
		topic++;
	return topic;
}

static void refusals_add(struct refusals *refusals, struct refused_record record)
{
	struct refused_record *items =
		memory_grow(refusals->items, refusals->count, &refusals->capacity, REFUSALS_AT_FIRST, sizeof *items);
	refusals->failed = refusals->failed || !items;
	if (!items)
		return;
	refusals->items = items;
	refusals->items[refusals->count++] = record;
}

size_t refusal_bytes(const rd_kafka_message_t *report)
{
	size_t bytes = report->len + report->key_len;
	rd_kafka_headers_t *headers;
	const char *name;
	const void *value;
	size_t length;
	if (rd_kafka_message_headers(report, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return bytes;
	for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &length) == RD_KAFKA_RESP_ERR_NO_ERROR; i++)
		bytes += strlen(name) + length;
	return bytes;
}

void refusals_note(struct refusals *refusals, const struct topic_handles *topics, const rd_kafka_message_t *report)
{
	assert(report->err);
	refusals_add(refusals, (struct refused_record){.tag = report->_private,
						       .topic = topic_handles_find(topics, report),
						       .size_bytes = refusal_bytes(report),
						       .code = report->err});
}

static bool is_of_topic(rd_kafka_resp_err_t code)
{
	return code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || failure_is_absence(code);
}

void refusals_deny(struct refusals *refusals, uint32_t topic, bool is_gone)
{
	const rd_kafka_resp_err_t code =
		is_gone ? RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART : RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED;
	for (size_t i = 0; i < refusals->count; i++)
		if (refusals->items[i].topic == topic && is_of_topic(refusals->items[i].code))
			return;
	refusals_add(refusals, (struct refused_record){.topic = topic, .code = code});
}

bool refusals_take(struct refusals *refusals, struct refusal *refusal)
{
	if (refusals->count == 0)
		return false;
	const struct refused_record *record = &refusals->items[--refusals->count];
	*refusal = (struct refusal){.origin = tag_origin(record->tag),
				    .topic = record->topic,
				    .is_denied = is_of_topic(record->code),
				    .is_gone = failure_is_absence(record->code)};
	snprintf(refusal->reason, sizeof refusal->reason, "%zu bytes: %s; %s", record->size_bytes, rd_kafka_err2str(record->code),
		 failure_is_of_size(record->code)
			 ? "raise max.message.bytes of the topic, or make the record smaller"
			 : "a compacted topic takes no record without a key; else see the log of the broker");
	return true;
}

void refusals_close(struct refusals *refusals)
{
	memory_give(refusals->items);
	*refusals = (struct refusals){0};
}

bool partition_metadata_set(rd_kafka_topic_partition_t *partition, struct text metadata)
{
	char *bytes = metadata.length > 0 ? memory_take_raw(metadata.length) : NULL;
	if (metadata.length > 0 && !bytes)
		return false;
	if (bytes)
		memcpy(bytes, metadata.bytes, metadata.length);
	memory_give(partition->metadata);
	partition->metadata = bytes;
	partition->metadata_size = metadata.length;
	return true;
}
