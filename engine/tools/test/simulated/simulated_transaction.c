/* simulated_transaction.c: Exactly-once output of the simulated Kafka: makes the calls of settlement.c as requests. See
 * transaction.h for its contract. */
#include <stdio.h>

#include "kafka/produce/settlement.h"
#include "tools/test/simulated/simulated_world.h"

#define REASON_BYTES 96
#define TELL_BYTES 160

struct simulated_open_transaction {
	struct output output; /* first: the table of operations */
	struct simulated_kafka *kafka;
	struct simulated_host *host;
	struct transaction_config config;
	const struct consumer *consumer;
	struct loop *loop;
	int bell;
	int64_t timeout_us;
	struct simulated_client client; /* of what no producer sends: pauses, questions for offsets */
	struct simulated_producer *producer;
	struct simulated_produce_batch produce_batch;
	unsigned closed_sockets; /* of its producers */
	unsigned others_closed;	 /* of its questions; they put nothing in doubt */
	struct settlement settlement;
	struct position positions[SIMULATED_PARTITIONS_MAX];
	uint64_t call;	 /* its number: what comes late is for an earlier one */
	bool calling;	 /* it is under way */
	bool flushing;	 /* a commit that waits for acknowledgements */
	bool written;	 /* something was produced, or offsets were sent: there is something to end */
	bool open, reported; /* the news were */
	uint64_t resets;
	int64_t ended_us, commit_us;
	char reason[REASON_BYTES];
};

static void simulated_transaction_settle(struct simulated_open_transaction *transaction);

/* ---- calls ---- */

struct call_alarm {
	struct simulated_open_transaction *transaction;
	uint64_t call;
};

static void call_over(struct simulated_open_transaction *transaction, enum settlement_outcome outcome)
{
	struct settlement *settlement = &transaction->settlement;
	enum settlement_call call = settlement->call;
	if (!transaction->calling)
		return;
	transaction->calling = transaction->flushing = false;
	transaction->call++;
	settlement_took(settlement, outcome, transaction->closed_sockets);
	if (settlement->call == SETTLEMENT_OPEN && !transaction->reason[0])
		snprintf(transaction->reason, sizeof transaction->reason, "%s",
			 outcome == SETTLEMENT_DONE	   ? "connections closed during the transaction"
			 : call == SETTLEMENT_SEND_OFFSETS ? "sending offsets failed"
			 : "committing failed");
}

static void call_too_long(struct simulated_kafka *kafka, void *subject)
{
	struct call_alarm *alarm = subject;
	struct simulated_open_transaction *transaction = alarm->transaction;
	if (!transaction->calling || transaction->call != alarm->call)
		return;
	int64_t free_us = simulated_client_free_us(&transaction->client, false);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, call_too_long, alarm);
		return;
	}
	call_over(transaction, SETTLEMENT_FAILED);
	simulated_transaction_settle(transaction);
}

static void call_begin(struct simulated_open_transaction *transaction)
{
	transaction->calling = true;
	if (transaction->settlement.call == SETTLEMENT_BEGIN || transaction->settlement.call == SETTLEMENT_PAUSE)
		return;
	struct call_alarm *alarm = simulated_take(transaction->kafka, 1, sizeof *alarm);
	if (!alarm)
		return;
	*alarm = (struct call_alarm){transaction, transaction->call};
	simulated_note(transaction->kafka, transaction->kafka->now_us + transaction->timeout_us, call_too_long, alarm);
}

static struct simulated_request *request_make(struct simulated_open_transaction *transaction, enum simulated_request_kind kind,
					      struct simulated_client *client,
					      void (*replied)(struct simulated_request *request, enum simulated_answer answer))
{
	struct simulated_request *request = simulated_request_make(transaction->kafka, kind, client);
	if (!request)
		return NULL;
	request->replied = replied;
	request->owner = transaction;
	request->serial = transaction->call;
	if (transaction->producer) {
		request->transaction = transaction->producer->transaction;
		request->producer = transaction->producer->producer;
		request->epoch = transaction->producer->epoch;
	}
	return request;
}

static void call_replied(struct simulated_request *request, enum simulated_answer answer)
{
	struct simulated_open_transaction *transaction = request->owner;
	if (!transaction->calling || request->serial != transaction->call)
		return;
	struct positions positions = transaction->settlement.positions;
	if (request->kind == SIMULATED_INIT_PRODUCER) {
		transaction->producer->producer = request->producer;
		transaction->producer->epoch = request->epoch;
	}
	for (size_t i = 0; request->kind == SIMULATED_READ_OFFSETS && i < positions.count; i++)
		positions.items[i].offset = request->positions.items[i].offset;
	call_over(transaction, answer == SIMULATED_GOOD ? SETTLEMENT_DONE : SETTLEMENT_FAILED);
	simulated_transaction_settle(transaction);
}

/* Records arrived, or the producer is fenced: a commit may have waited for it. */
static void producer_on_record(void *owner, const struct simulated_entry *entry);

static void open_anew(struct simulated_open_transaction *transaction)
{
	if (transaction->producer)
		transaction->producer->client.closed = true;
	const struct simulated_producer *before = transaction->producer;
	transaction->written = false;
	transaction->producer = simulated_producer_make(transaction->host, &transaction->config, &transaction->closed_sockets);
	if (!transaction->producer)
		return;
	if (before)
		simulated_producer_inherit(transaction->producer, before);
	transaction->producer->on_record = producer_on_record;
	transaction->producer->owner = transaction;
	transaction->producer->transaction =
		simulated_transaction_find(transaction->kafka, transaction->config.id, transaction->timeout_us);
	struct simulated_request *request =
		request_make(transaction, SIMULATED_INIT_PRODUCER, &transaction->producer->client, call_replied);
	if (request && request->transaction)
		simulated_request_send(transaction->kafka, request);
}

static void ask_with_positions(struct simulated_open_transaction *transaction, enum simulated_request_kind kind,
			       struct simulated_client *client)
{
	struct simulated_request *request = request_make(transaction, kind, client, call_replied);
	transaction->written |= kind == SIMULATED_SEND_OFFSETS;
	if (request &&
	    simulated_request_positions(transaction->kafka, request, transaction->settlement.positions, transaction->consumer))
		simulated_request_send(transaction->kafka, request);
}

static void end_transaction(struct simulated_open_transaction *transaction)
{
	struct simulated_request *request;
	bool lost = transaction->producer->fenced || transaction->producer->spoilt || transaction->produce_batch.lost;
	transaction->flushing = transaction->producer->waiting > 0 && !lost;
	if (transaction->flushing)
		return;
	if (lost)
		call_over(transaction, SETTLEMENT_FAILED);
	else if (!transaction->written)
		call_over(transaction, SETTLEMENT_DONE);
	else if ((request = request_make(transaction, SIMULATED_END_TRANSACTION, &transaction->producer->client, call_replied)))
		simulated_request_send(transaction->kafka, request);
}

static void producer_on_record(void *owner, const struct simulated_entry *entry)
{
	struct simulated_open_transaction *transaction = owner;
	if (entry && entry->unwanted && !transaction->client.closed)
		loop_ring(transaction->loop, transaction->bell);
	if (!transaction->flushing)
		return;
	end_transaction(transaction);
	simulated_transaction_settle(transaction);
}

static void paused(struct simulated_kafka *kafka, void *subject)
{
	struct simulated_open_transaction *transaction = subject;
	int64_t free_us = simulated_client_free_us(&transaction->client, false);
	if (free_us > kafka->now_us) {
		simulated_note(kafka, free_us, paused, transaction);
		return;
	}
	call_over(transaction, SETTLEMENT_DONE);
	simulated_transaction_settle(transaction);
}

static void make_call(struct simulated_open_transaction *transaction)
{
	call_begin(transaction);
	switch (transaction->settlement.call) {
	case SETTLEMENT_OPEN:
		open_anew(transaction);
		break;
	case SETTLEMENT_BEGIN:
		transaction->written = false;
		call_over(transaction, SETTLEMENT_DONE);
		break;
	case SETTLEMENT_SEND_OFFSETS:
		ask_with_positions(transaction, SIMULATED_SEND_OFFSETS, &transaction->producer->client);
		break;
	case SETTLEMENT_COMMIT:
		end_transaction(transaction);
		break;
	case SETTLEMENT_READ_COMMITTED:
		ask_with_positions(transaction, SIMULATED_READ_OFFSETS, &transaction->client);
		break;
	case SETTLEMENT_PAUSE:
		simulated_note(transaction->kafka, transaction->kafka->now_us + SETTLEMENT_PAUSE_MS * MS, paused, transaction);
		break;
	case SETTLEMENT_OVER:
		break;
	}
}

static void simulated_transaction_settle(struct simulated_open_transaction *transaction)
{
	if (transaction->client.closed)
		return;
	while (transaction->settlement.call != SETTLEMENT_OVER && !transaction->calling)
		make_call(transaction);
	if (transaction->settlement.call == SETTLEMENT_OVER)
		loop_ring(transaction->loop, transaction->bell);
}

/* ---- the operations ---- */

static void transaction_close(struct output *self)
{
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	transaction->client.closed = true;
	if (transaction->producer)
		transaction->producer->client.closed = true;
}

static int transaction_bell(const struct output *self)
{
	return ((const struct simulated_open_transaction *)self)->bell;
}

static bool transaction_is_open(const struct output *self)
{
	return ((const struct simulated_open_transaction *)self)->open;
}

static const char *const news_names[] = {
	[NEWS_NONE] = "",
	[NEWS_STARTED] = "has its first producer",
	[NEWS_COMMITTED] = "has committed",
	[NEWS_RESET] = "gave its transaction up; committed are",
	[NEWS_BROKEN] = "gets no producer",
};

static void tell_positions(struct simulated_open_transaction *transaction, const char *what, struct positions positions)
{
	char text[TELL_BYTES] = "";
	if (!transaction->kafka->config.tell)
		return;
	for (size_t i = 0, length = 0; i < positions.count && length < sizeof text; i++) {
		const struct position *position = &positions.items[i];
		length += (size_t)snprintf(text + length, sizeof text - length, " %u/%d:%lld", position->topic, position->partition,
					   (long long)position->offset);
	}
	simulated_tell(transaction->kafka, transaction->host->name, "%s%s", what, text);
}

static enum transaction_news transaction_news(struct output *self, struct positions *committed, struct error *error)
{
	(void)error;
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	const struct settlement *settlement = &transaction->settlement;
	if (settlement->call != SETTLEMENT_OVER || transaction->reported)
		return NEWS_NONE;
	transaction->reported = true;
	transaction->open = settlement->news != NEWS_BROKEN;
	transaction->commit_us = transaction->kafka->now_us - transaction->ended_us;
	transaction->resets += settlement->news == NEWS_RESET;
	simulated_produce_batch_empty(&transaction->produce_batch); /* it is empty, unless its contents are void */
	*committed = settlement->positions;
	tell_positions(transaction, news_names[settlement->news], *committed);
	return settlement->news;
}

static enum produce_verdict transaction_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	enum produce_verdict verdict =
		simulated_produce_batch_put(&transaction->produce_batch, transaction->producer, record, 0, error);
	transaction->written |= verdict == PRODUCED;
	return verdict;
}

static enum produce_verdict transaction_send(struct output *self, struct error *error)
{
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	return transaction->open ? simulated_produce_batch_send(&transaction->produce_batch, transaction->producer, error)
				 : PRODUCED;
}

static bool transaction_end(struct output *self, struct positions positions, struct error *error)
{
	(void)error;
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	for (size_t i = 0; i < positions.count; i++)
		transaction->positions[i] = positions.items[i];
	positions.items = transaction->positions;
	transaction->ended_us = transaction->kafka->now_us;
	transaction->open = transaction->reported = false;
	transaction->reason[0] = '\0';
	tell_positions(transaction, "ends its transaction at", positions);
	settlement_end(&transaction->settlement, positions, transaction->closed_sockets);
	if (transaction->settlement.call == SETTLEMENT_OPEN)
		snprintf(transaction->reason, sizeof transaction->reason, "connections closed during the transaction");
	simulated_transaction_settle(transaction);
	return true;
}

static uint64_t transaction_resets(const struct output *self, const char **reason)
{
	const struct simulated_open_transaction *transaction = (const struct simulated_open_transaction *)self;
	*reason = transaction->reason;
	return transaction->resets;
}

static int64_t transaction_commit_us(const struct output *self)
{
	return ((const struct simulated_open_transaction *)self)->commit_us;
}

static bool transaction_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	transaction->config.topics = names;
	transaction->config.topic_count = count;
	return simulated_producer_topics(transaction->producer, names, count, error);
}

static bool transaction_refused(struct output *self, struct refusal *refusal)
{
	struct simulated_open_transaction *transaction = (struct simulated_open_transaction *)self;
	return transaction->producer && simulated_producer_unwanted(transaction->producer, refusal);
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
	.topics = transaction_topics,
	.refused = transaction_refused,
};

struct output *simulated_transaction_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
					  const struct consumer *consumer, struct error *error)
{
	struct simulated_open_transaction *transaction = simulated_take(host->kafka, 1, sizeof *transaction);
	if (!transaction)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a transactional producer"));
	transaction->output.operations = &operations;
	transaction->kafka = host->kafka;
	transaction->host = host;
	transaction->config = *config;
	transaction->consumer = consumer;
	transaction->loop = loop;
	transaction->bell = loop_bell(loop);
	transaction->timeout_us = (int64_t)(config->timeout_ms > 0 ? config->timeout_ms : TRANSACTION_TIMEOUT_MS) * MS;
	transaction->client = (struct simulated_client){host, false, &transaction->others_closed};
	settlement_start(&transaction->settlement);
	simulated_transaction_settle(transaction);
	return &transaction->output;
}
