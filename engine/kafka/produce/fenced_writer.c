/* fenced_writer.c: see fenced_writer.h. */
#include "kafka/produce/fenced_writer.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/produce/producer.h"

struct fenced_writer {
	const struct fenced_writer_config *config;
	struct producer producer;
	struct transaction_notes notes;
	bool is_open; /* a transaction has begun */
	unsigned closed_at_begin;
};

/* Of a writer that was replaced, by another of its id or by a later generation of its group. */
static const rd_kafka_resp_err_t replaced_codes[] = {
	RD_KAFKA_RESP_ERR__FENCED,	      RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, RD_KAFKA_RESP_ERR_PRODUCER_FENCED,
	RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,	RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
};

/* Omits librdkafka's errors about being replaced: that is a normal event of a writer, and the call that fails says it. */
static void writer_on_log_line(const rd_kafka_t *client, int level, const char *facility, const char *words)
{
	bool is_said = strstr(words, "(_FENCED)") != NULL;
	for (size_t i = 0; i < sizeof replaced_codes / sizeof *replaced_codes; i++)
		is_said = is_said || strstr(words, rd_kafka_err2str(replaced_codes[i]));
	if (!is_said)
		client_on_log_line(client, level, facility, words);
}

static rd_kafka_conf_t *writer_configure(struct fenced_writer *writer, struct error *error)
{
	const struct producer_config config = {
		.policy = PRODUCER_TRANSACTS,
		.brokers = writer->config->brokers,
		.id = writer->config->id,
		.notes = &writer->notes,
		.timeout_ms = FENCED_WRITER_WAIT_MS,
		.linger_ms = "0",
		.record_bytes = FENCED_WRITER_RECORD_BYTES_MAX,
		.users = writer->config->properties,
	};
	rd_kafka_conf_t *configuration = producer_configure(&config, &writer->producer.batch_bytes, error);
	if (configuration)
		rd_kafka_conf_set_log_cb(configuration, writer_on_log_line);
	return configuration;
}

/* Sets the error if a call failed; releases `failure`. */
static bool call_succeeded(const struct fenced_writer *writer, const char *doing, rd_kafka_error_t *failure, struct error *error)
{
	if (!failure)
		return true;
	if (rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR__FENCED)
		error_set(error, ERROR_SYSTEM, PLACE_NONE, "another writer took over %s", writer->config->id);
	else
		error_set(error, failure_is_of_size(rd_kafka_error_code(failure)) ? ERROR_LIMIT : ERROR_SYSTEM, PLACE_NONE,
			  "%s for %s failed: %s%s", doing, writer->config->id, rd_kafka_error_string(failure),
			  failure_advice(rd_kafka_error_code(failure)));
	rd_kafka_error_destroy(failure);
	return false;
}

/* Makes a call of librdkafka that may be made again where its time was over, which resumes it. */
static rd_kafka_error_t *call_resume(const struct fenced_writer *writer,
				     rd_kafka_error_t *(*call)(rd_kafka_t *client, int timeout_ms))
{
	struct look_limits limits = {.until_ms = clock_ms() + FENCED_WRITER_WAIT_MS, .stopping = writer->config->stopping};
	for (;;) {
		rd_kafka_error_t *failure = call(writer->producer.client, look_round_ms(&limits));
		const bool may_resume = failure && rd_kafka_error_code(failure) == RD_KAFKA_RESP_ERR__TIMED_OUT &&
					rd_kafka_error_is_retriable(failure);
		if (!may_resume || look_is_over(&limits))
			return failure;
		rd_kafka_error_destroy(failure);
	}
}

struct fenced_writer *fenced_writer_open(const struct fenced_writer_config *config, struct error *error)
{
	assert(config->brokers && config->id && config->topic_count > 0);
	struct fenced_writer *writer = memory_take(1, sizeof *writer);
	if (!writer) {
		error_memory(error, ERROR_SYSTEM, "opening a transactional producer");
		return NULL;
	}
	writer->config = config;
	if (producer_open(&writer->producer, writer_configure(writer, error), -1, error) &&
	    producer_topics(&writer->producer, config->topics, config->topic_count, error) &&
	    call_succeeded(writer, "taking the transactional id", call_resume(writer, rd_kafka_init_transactions), error))
		return writer;
	fenced_writer_close(writer);
	return NULL;
}

void fenced_writer_close(struct fenced_writer *writer)
{
	if (!writer)
		return;
	producer_quiet(&writer->producer);
	producer_close(&writer->producer, PRODUCER_WAITS);
	memory_give(writer);
}

static bool transaction_begin(struct fenced_writer *writer, struct error *error)
{
	if (writer->is_open)
		return true;
	writer->closed_at_begin = atomic_load(&writer->notes.closed_sockets);
	writer->is_open =
		call_succeeded(writer, "beginning a transaction", rd_kafka_begin_transaction(writer->producer.client), error);
	return writer->is_open;
}

bool fenced_writer_add_at(struct fenced_writer *writer, size_t topic, int64_t time_ms, struct text key, struct text value,
			  struct error *error)
{
	assert(topic < writer->config->topic_count);
	if (!transaction_begin(writer, error))
		return false;
	const enum produce_verdict verdict =
		client_produce_at(writer->producer.client, writer->producer.topics.items[topic], time_ms, key, value, error);
	return verdict == PRODUCED ||
	       error_set(error, verdict == PRODUCE_REFUSED ? ERROR_LIMIT : ERROR_SYSTEM, PLACE_NONE,
			 "Kafka's producer takes no more records for %s", writer->config->topics[topic]);
}

bool fenced_writer_add(struct fenced_writer *writer, size_t topic, struct text key, struct text value, struct error *error)
{
	return fenced_writer_add_at(writer, topic, 0, key, value, error);
}

bool fenced_writer_is_open(const struct fenced_writer *writer)
{
	return writer->is_open;
}

static bool position_add(rd_kafka_topic_partition_list_t *list, const struct fenced_position *position)
{
	rd_kafka_topic_partition_t *item = rd_kafka_topic_partition_list_add(list, position->topic, position->partition);
	item->offset = position->offset;
	return partition_metadata_set(item, position->metadata);
}

static bool positions_send(struct fenced_writer *writer, const struct fenced_position *positions, size_t count,
			   const rd_kafka_consumer_group_metadata_t *membership, struct error *error)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	rd_kafka_t *client = writer->producer.client;
	bool good = true;
	for (size_t i = 0; good && i < count; i++)
		good = position_add(list, &positions[i]) || error_memory(error, ERROR_SYSTEM, "committing positions");
	rd_kafka_error_t *failure =
		good ? rd_kafka_send_offsets_to_transaction(client, list, membership, FENCED_WRITER_WAIT_MS) : NULL;
	rd_kafka_topic_partition_list_destroy(list);
	return good && call_succeeded(writer, "sending the positions", failure, error);
}

static bool positions_send_of(struct fenced_writer *writer, const struct fenced_position *positions, size_t count,
			      const struct lead_group *group, struct error *error)
{
	if (count == 0)
		return true;
	if (group && !lead_group_membership(group))
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "the group of %s has assigned nothing", writer->config->id);
	if (group)
		return positions_send(writer, positions, count, lead_group_membership(group), error);
	rd_kafka_consumer_group_metadata_t *nobody = rd_kafka_consumer_group_metadata_new(writer->config->id);
	const bool good = positions_send(writer, positions, count, nobody, error);
	rd_kafka_consumer_group_metadata_destroy(nobody);
	return good;
}

bool fenced_writer_commit(struct fenced_writer *writer, const struct fenced_position *positions, size_t count,
			  const struct lead_group *group, struct error *error)
{
	if (!transaction_begin(writer, error) || !positions_send_of(writer, positions, count, group, error) ||
	    !call_succeeded(writer, "committing", call_resume(writer, rd_kafka_commit_transaction), error))
		return false;
	writer->is_open = false;
	/* librdkafka resends requests of a connection that was lost. A late copy could end a later transaction. */
	return atomic_load(&writer->notes.closed_sockets) == writer->closed_at_begin ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "a connection to Kafka closed during a transaction of %s",
			 writer->config->id);
}
