/* transaction.c: the worker's side of its transactional producer; the thread that
 * makes the calls is in committer.c. See transaction.h.
 */
#include "log/transaction.h"

#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "log/committer.h"
#include "net/loop.h"

struct transaction {
	struct committer *committer;
	bool open;
	struct positions positions; /* as handed to the committer: its, while not open */
	size_t capacity;
	int64_t ended_us;
	int64_t commit_us;
	uint64_t resets;
};

static int64_t clock_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct transaction *transaction_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	struct transaction *transaction = memory_take(1, sizeof *transaction);
	if (!transaction) {
		error_memory(error, ERROR_SYSTEM, "opening a transactional producer");
		return NULL;
	}
	transaction->committer = committer_open(config, consumer, error);
	if (transaction->committer)
		return transaction;
	memory_give(transaction);
	return NULL;
}

void transaction_close(struct transaction *transaction)
{
	if (!transaction)
		return;
	committer_close(transaction->committer);
	memory_give(transaction->positions.items);
	memory_give(transaction);
}

int transaction_bell(const struct transaction *transaction)
{
	return committer_bell(transaction->committer);
}

bool transaction_is_open(const struct transaction *transaction)
{
	return transaction->open;
}

enum transaction_news transaction_news(struct transaction *transaction, struct positions *committed, struct error *error)
{
	enum transaction_news news = committer_answer(transaction->committer, error);
	if (news == NEWS_NONE)
		return news;
	transaction->open = news != NEWS_BROKEN;
	transaction->commit_us = clock_us() - transaction->ended_us;
	transaction->resets += news == NEWS_RESET;
	*committed = transaction->positions;
	return news;
}

bool transaction_end(struct transaction *transaction, struct positions positions, struct error *error)
{
	if (positions.count > transaction->capacity) {
		struct position *items = memory_resize(transaction->positions.items, positions.count, sizeof(struct position));
		if (!items)
			return error_memory(error, ERROR_SYSTEM, "ending a transaction");
		transaction->positions.items = items;
		transaction->capacity = positions.count;
	}
	if (positions.count > 0)
		memcpy(transaction->positions.items, positions.items, positions.count * sizeof(struct position));
	transaction->positions.count = positions.count;
	transaction->ended_us = clock_us();
	transaction->open = false;
	committer_end(transaction->committer, transaction->positions);
	return true;
}

uint64_t transaction_resets(const struct transaction *transaction, const char **reason)
{
	*reason = committer_reason(transaction->committer);
	return transaction->resets;
}

int64_t transaction_commit_us(const struct transaction *transaction)
{
	return transaction->commit_us;
}

/* ---- producing ---- */

/* What librdkafka says of one record: is it this record's fault, or the transaction's end? */
static enum produce_verdict verdict_of(rd_kafka_resp_err_t code, const struct outgoing *record, struct error *error)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR_NO_ERROR:
		return PRODUCED;
	case RD_KAFKA_RESP_ERR__QUEUE_FULL:
		return PRODUCE_FULL;
	case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
		error_set(error, ERROR_LIMIT, PLACE_NONE,
			  "an answer has %zu bytes, more than message.max.bytes allows; raise it in kafkaConfig and at the topic",
			  record->value.length);
		return PRODUCE_REFUSED;
	default:
		return PRODUCE_SPOILT;
	}
}

static rd_kafka_resp_err_t produce_with_headers(rd_kafka_t *client, rd_kafka_topic_t *topic, const struct outgoing *record)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(record->headers.count);
	for (size_t i = 0; i < record->headers.count; i++) {
		const struct header *header = &record->headers.items[i];
		rd_kafka_header_add(headers, header->name.bytes, (ssize_t)header->name.length, header->value.bytes,
				    (ssize_t)header->value.length);
	}
	rd_kafka_resp_err_t code = rd_kafka_producev(
		client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(record->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(record->key.bytes, record->key.length),
		RD_KAFKA_V_VALUE((void *)(uintptr_t)record->value.bytes, record->value.length), RD_KAFKA_V_HEADERS(headers),
		RD_KAFKA_V_END);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_headers_destroy(headers); /* taken only by success */
	return code;
}

enum produce_verdict transaction_produce(struct transaction *transaction, const struct outgoing *record, struct error *error)
{
	rd_kafka_topic_t *topic;
	rd_kafka_t *client = committer_producer(transaction->committer, record->topic, &topic);
	if (record->headers.count > 0)
		return verdict_of(produce_with_headers(client, topic, record), record, error);
	if (rd_kafka_produce(topic, record->partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)record->value.bytes,
			     record->value.length, record->key.bytes, record->key.length, NULL) == 0)
		return PRODUCED;
	return verdict_of(rd_kafka_last_error(), record, error);
}
