/* transaction.c: Worker's side of its transactional producer; the committer's thread (committer.c) makes the calls.
 * See transaction.h.
 */
#include "kafka/produce/transaction.h"

#include <assert.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/produce/committer.h"
#include "kafka/produce/produce_batch.h"
#include "kafka/topics/topic_registry.h"
#include "net/loop.h"

/* A call that takes so many of its timeouts is logged, and again after as many; then the client hangs. All its calls end in time,
 * but librdkafka may wait for an event that does not come, as for a coordinator when offsets are sent. */
#define LATE_TIMEOUTS 3
#define HUNG_TIMEOUTS 6
#define HUNG_MOST 5 /* one after the other, without a commit: each leaves its client and thread behind */
#define CHECKED_MOST_MS 2000 /* a longer time between two checks was a pause of the process, which is no call's */

struct kafka_transaction {
	struct output output; /* first: the table of operations */
	const struct transaction_config *config;
	struct committer *committer;
	bool open;
	struct positions positions; /* as passed to the committer, which owns it while the transaction is not open */
	size_t capacity;
	int64_t ended_us;
	int64_t commit_us;
	uint64_t resets;
	int64_t checked_ms; /* of the last check */
	int64_t call_ms;    /* for which the present call has lasted, without pauses of the process */
	int64_t logged_ms;  /* of it, when that was logged last */
	unsigned calls;	    /* of the committer, at the last check */
	bool hangs;
	int bell;      /* of the first committer */
	unsigned hung; /* committers that were replaced since the last commit */
	struct topic_member *registry_member; /* in the registry of topics: asks for rights to write */
	struct produce_batch produce_batch;
};

static const struct output_operations operations;

struct output *transaction_open(const struct transaction_config *config, const struct consumer *consumer, struct error *error)
{
	assert(config->brokers && config->id && consumer);
	struct kafka_transaction *transaction = memory_take(1, sizeof *transaction);
	if (!transaction) {
		error_memory(error, ERROR_SYSTEM, "opening a transactional producer");
		return NULL;
	}
	transaction->output.operations = &operations;
	transaction->config = config;
	const struct topic_member_config member = {
		.brokers = config->brokers, .properties = config->properties, .bell = -1};
	transaction->registry_member = topic_member_open(&member, error);
	transaction->committer = transaction->registry_member ? committer_open(config, consumer, error) : NULL;
	if (!transaction->committer) {
		topic_member_close(transaction->registry_member);
		memory_give(transaction);
		return NULL;
	}
	transaction->bell = committer_bell(transaction->committer);
	return &transaction->output;
}

static void transaction_close(struct output *self)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	topic_member_close(transaction->registry_member);
	if (!transaction->hangs && committer_close(transaction->committer)) /* else the committer keeps the positions */
		memory_give(transaction->positions.items);
	memory_give(transaction);
}

static int transaction_bell(const struct output *self)
{
	return ((const struct kafka_transaction *)self)->bell;
}

static bool transaction_is_open(const struct output *self)
{
	return ((const struct kafka_transaction *)self)->open;
}

static enum transaction_news transaction_news(struct output *self, struct positions *committed, struct error *error)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	enum transaction_news news = committer_answer(transaction->committer, error);
	if (news == NEWS_NONE)
		return news;
	transaction->open = news != NEWS_BROKEN;
	transaction->commit_us = clock_us() - transaction->ended_us;
	transaction->resets += news == NEWS_RESET;
	transaction->hung = news == NEWS_COMMITTED ? 0 : transaction->hung;
	produce_batch_empty(&transaction->produce_batch); /* it is empty, unless its contents are void */
	*committed = transaction->positions;
	return news;
}

static bool transaction_end(struct output *self, struct positions positions, struct error *error)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	assert(transaction->open);
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
	const struct produce_batch *batch = &transaction->produce_batch;
	committer_end(transaction->committer, transaction->positions, batch->lost, &batch->refused);
	return true;
}

static uint64_t transaction_resets(const struct output *self, const char **reason)
{
	const struct kafka_transaction *transaction = (const struct kafka_transaction *)self;
	*reason = committer_reason(transaction->committer);
	return transaction->resets;
}

static int64_t transaction_commit_us(const struct output *self)
{
	return ((const struct kafka_transaction *)self)->commit_us;
}

/* The time for which the committer's present call has lasted; 0: it makes none. */
static int64_t call_duration_ms(struct kafka_transaction *transaction, int64_t now_ms, const char **doing)
{
	const unsigned calls = committer_calls(transaction->committer, doing);
	const int64_t since_ms = now_ms - transaction->checked_ms;
	const bool is_same = !transaction->open && calls == transaction->calls;
	transaction->call_ms = !is_same ? 0 : transaction->call_ms + (since_ms < CHECKED_MOST_MS ? since_ms : CHECKED_MOST_MS);
	transaction->logged_ms = is_same ? transaction->logged_ms : 0;
	transaction->calls = calls;
	transaction->checked_ms = now_ms;
	return transaction->call_ms;
}

/* The abandoned committer keeps its positions. */
static struct positions positions_copy(struct positions positions, struct error *error)
{
	struct positions copy = {positions.count, memory_take(positions.count + 1, sizeof *copy.items)};
	if (!copy.items)
		error_memory(error, ERROR_SYSTEM, "ending a transaction");
	else if (positions.count > 0)
		memcpy(copy.items, positions.items, positions.count * sizeof *copy.items);
	return copy;
}

/* Opens another client in place of one that hangs. What its call would settle is in doubt, as after any call that fails. False:
 * that is not safe, or has not helped before. */
static bool transaction_replace(struct kafka_transaction *transaction, struct error *error)
{
	if (transaction->hung >= HUNG_MOST)
		return false;
	const struct positions copy = positions_copy(transaction->positions, error);
	struct committer *next = copy.items ? committer_replace(transaction->committer, copy, error) : NULL;
	if (!next) {
		memory_give(copy.items);
		return false;
	}
	committer_abandon(transaction->committer);
	transaction->committer = next;
	transaction->positions = copy;
	transaction->capacity = copy.count;
	transaction->hung++;
	transaction->calls = 0;
	transaction->call_ms = transaction->logged_ms = 0;
	return true;
}

static void replacement_log(const struct kafka_transaction *transaction, const char *doing, int64_t lasted_ms)
{
	char line[ERROR_TEXT_MAX];
	(void)snprintf(line, sizeof line,
		       "%s: Kafka's client hangs: %s has not returned for %lld s; another one takes its place, and what is not "
		       "committed is processed again. Report this with the version of librdkafka, %s",
		       transaction->config->id, doing, (long long)(lasted_ms / MS_PER_S), rd_kafka_version_str());
	kafka_log_say(LOG_LEVEL_WARN, line);
}

static bool transaction_check(struct output *self, int64_t now_ms, struct error *error)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	const struct transaction_config *config = transaction->config;
	const int64_t timeout_ms = config->timeout_ms > 0 ? config->timeout_ms : TRANSACTION_TIMEOUT_MS;
	const char *doing;
	char line[ERROR_TEXT_MAX];
	const int64_t lasted_ms = call_duration_ms(transaction, now_ms, &doing);
	if (lasted_ms >= HUNG_TIMEOUTS * timeout_ms && !transaction->hangs && transaction_replace(transaction, error)) {
		replacement_log(transaction, doing, lasted_ms);
		return true;
	}
	if (lasted_ms >= HUNG_TIMEOUTS * timeout_ms) {
		if (!transaction->hangs)
			committer_abandon(transaction->committer);
		transaction->hangs = true;
		return error_set(
			error, ERROR_SYSTEM, PLACE_NONE,
			"Kafka's client hangs: %s: %s has not returned for %lld s, and may take %lld s. What is not committed "
			"is processed again: start the engine again, and report this with the version of librdkafka, %s",
			config->id, doing, (long long)(lasted_ms / MS_PER_S), (long long)(timeout_ms / MS_PER_S),
			rd_kafka_version_str());
	}
	if (lasted_ms - transaction->logged_ms >= LATE_TIMEOUTS * timeout_ms) {
		transaction->logged_ms = lasted_ms;
		(void)snprintf(line, sizeof line, "%s: nothing is committed for now: %s has not returned for %lld s; waiting",
			       config->id, doing, (long long)(lasted_ms / MS_PER_S));
		kafka_log_say(LOG_LEVEL_WARN, line);
	}
	return true;
}

static enum produce_verdict transaction_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	const struct topic_handles *topics;
	rd_kafka_t *client = committer_producer(transaction->committer, &topics);
	return produce_batch_put(&transaction->produce_batch, client, topics, record, tag_of(&record->origin, 0), error);
}

static enum produce_verdict transaction_send(struct output *self, struct error *error)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	const struct topic_handles *topics;
	if (!transaction->open)
		return PRODUCED; /* all of it was produced */
	(void)committer_producer(transaction->committer, &topics);
	return produce_batch_send(&transaction->produce_batch, topics, error);
}

static bool transaction_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	assert(transaction->open); /* the committer's thread rests */
	return committer_topics(transaction->committer, names, count, error);
}

static bool transaction_refused(struct output *self, struct refusal *refusal)
{
	return committer_refused(((struct kafka_transaction *)self)->committer, refusal);
}

static bool transaction_may_write(struct output *self, uint32_t topic)
{
	struct kafka_transaction *transaction = (struct kafka_transaction *)self;
	const struct topic_handles *topics;
	if (!transaction->open)
		return false;
	rd_kafka_t *producer = committer_producer(transaction->committer, &topics);
	return topic_member_may_write(transaction->registry_member, producer, topics->items[topic]);
}

static void transaction_forget_denials(struct output *self)
{
	topic_member_forget_rights(((struct kafka_transaction *)self)->registry_member);
}

static const struct output_operations operations = {
	.close = transaction_close,
	.bell = transaction_bell,
	.news = transaction_news,
	.is_open = transaction_is_open,
	.may_end = transaction_is_open,
	.produce = transaction_produce,
	.send = transaction_send,
	.end = transaction_end,
	.resets = transaction_resets,
	.commit_us = transaction_commit_us,
	.check = transaction_check,
	.topics = transaction_topics,
	.refused = transaction_refused,
	.may_write = transaction_may_write,
	.forget_denials = transaction_forget_denials,
};
