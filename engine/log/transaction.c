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

enum produce_verdict transaction_produce(struct transaction *transaction, const struct outgoing *record, struct error *error)
{
	rd_kafka_topic_t *topic;
	rd_kafka_t *client = committer_producer(transaction->committer, record->topic, &topic);
	return client_produce(client, topic, record, NULL, error);
}
