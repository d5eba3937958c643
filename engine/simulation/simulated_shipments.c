/* simulated_shipments.c: At-least-once output of the simulated Kafka, with the decisions of commit_batches.c. See shipments.h
 * for its contract. */
#include "log/commit_batches.h"
#include "simulation/simulated_world.h"

struct simulated_shipments {
	struct output output; /* first: the table of operations */
	struct simulated_kafka *kafka;
	struct simulated_host *host;
	struct transaction_config config;
	const struct consumer *consumer;
	struct loop *loop;
	int bell;
	struct simulated_client client; /* of its commits */
	struct simulated_producer *producer;
	unsigned closed_sockets; /* not used */
	struct simulated_produce_batch produce_batch;
	struct commit_batches commit_batches;
	bool started; /* and said so */
	uint64_t resets;
	int64_t ended_us, commit_us;
};

static void ring(struct simulated_shipments *shipments)
{
	if (!shipments->client.closed)
		loop_ring(shipments->loop, shipments->bell);
}

static void producer_heard(void *owner, const struct simulated_entry *entry)
{
	struct simulated_shipments *shipments = owner;
	if (entry)
		commit_batches_acknowledged(&shipments->commit_batches, entry->batch);
	if (entry && entry->unwanted)
		commit_batches_refused(&shipments->commit_batches, entry->batch);
	ring(shipments);
}

static bool producer_open(struct simulated_shipments *shipments)
{
	struct simulated_producer *producer =
		simulated_producer_make(shipments->host, &shipments->config, &shipments->closed_sockets);
	if (!producer)
		return false;
	producer->producer = ++shipments->kafka->last_producer;
	producer->heard = producer_heard;
	producer->owner = shipments;
	shipments->producer = producer;
	return true;
}

/* What is on its way may arrive, but is not heard of any more. */
static void nothing_heard(void *owner, const struct simulated_entry *entry)
{
	(void)owner;
	(void)entry;
}

static enum transaction_news producer_replace(struct simulated_shipments *shipments)
{
	struct simulated_producer *before = shipments->producer;
	before->heard = nothing_heard;
	before->client.closed = true;
	simulated_produce_batch_empty(&shipments->produce_batch);
	shipments->resets++;
	if (!producer_open(shipments))
		return NEWS_BROKEN;
	/* what it has not told is still to be told */
	shipments->producer->unwanted_count = before->unwanted_count;
	memcpy(shipments->producer->unwanted, before->unwanted, sizeof before->unwanted);
	return NEWS_RESET;
}

static void commit_replied(struct simulated_request *request, enum simulated_answer answer)
{
	struct simulated_shipments *shipments = request->owner;
	commit_batches_took(&shipments->commit_batches, answer == SIMULATED_GOOD ? COMMIT_BATCHES_TAKEN : COMMIT_BATCHES_VOID);
	ring(shipments);
}

static void commit(struct simulated_shipments *shipments, struct positions positions)
{
	struct simulated_request *request = simulated_request_make(shipments->kafka, SIMULATED_COMMIT_OFFSETS, &shipments->client);
	if (!request || !simulated_request_positions(shipments->kafka, request, positions, shipments->consumer))
		return;
	request->replied = commit_replied;
	request->owner = shipments;
	simulated_request_send(shipments->kafka, request);
}

/* ---- the operations ---- */

static void shipments_close(struct output *self)
{
	struct simulated_shipments *shipments = (struct simulated_shipments *)self;
	shipments->client.closed = true;
	shipments->producer->client.closed = true;
	commit_batches_close(&shipments->commit_batches);
}

static int shipments_bell(const struct output *self)
{
	return ((const struct simulated_shipments *)self)->bell;
}

static enum transaction_news shipments_news(struct output *self, struct positions *committed, struct error *error)
{
	(void)error;
	struct simulated_shipments *shipments = (struct simulated_shipments *)self;
	struct positions positions;
	if (!shipments->started) {
		shipments->started = true;
		return NEWS_STARTED;
	}
	if (shipments->producer->shrinks && commit_batches_give_up(&shipments->commit_batches, committed))
		return producer_replace(shipments);
	if (commit_batches_to_commit(&shipments->commit_batches, &positions))
		commit(shipments, positions);
	bool is_void;
	if (!commit_batches_over(&shipments->commit_batches, committed, &is_void))
		return NEWS_NONE;
	shipments->commit_us = shipments->kafka->now_us - shipments->ended_us;
	return is_void ? NEWS_VOID : NEWS_COMMITTED;
}

static bool shipments_is_open(const struct output *self)
{
	(void)self; /* a batch always is */
	return true;
}

static bool shipments_may_end(const struct output *self)
{
	const struct simulated_shipments *shipments = (const struct simulated_shipments *)self;
	return shipments->started && commit_batches_may_end(&shipments->commit_batches);
}

static enum produce_verdict shipments_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct simulated_shipments *shipments = (struct simulated_shipments *)self;
	enum produce_verdict verdict =
		simulated_produce_batch_put(&shipments->produce_batch, shipments->producer, record, shipments->commit_batches.open, error);
	if (verdict == PRODUCED)
		(void)commit_batches_produced(&shipments->commit_batches);
	return verdict;
}

static enum produce_verdict shipments_send(struct output *self, struct error *error)
{
	struct simulated_shipments *shipments = (struct simulated_shipments *)self;
	return simulated_produce_batch_send(&shipments->produce_batch, shipments->producer, error);
}

static bool shipments_end(struct output *self, struct positions positions, struct error *error)
{
	struct simulated_shipments *shipments = (struct simulated_shipments *)self;
	if (!commit_batches_end(&shipments->commit_batches, positions, error))
		return false;
	shipments->ended_us = shipments->kafka->now_us;
	ring(shipments);
	return true;
}

static uint64_t shipments_resets(const struct output *self, const char **reason)
{
	*reason = "a topic refused a batch of records";
	return ((const struct simulated_shipments *)self)->resets;
}

static int64_t shipments_commit_us(const struct output *self)
{
	return ((const struct simulated_shipments *)self)->commit_us;
}

static bool shipments_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	struct simulated_shipments *shipments = (struct simulated_shipments *)self;
	shipments->config.topics = names;
	shipments->config.topic_count = count;
	return simulated_producer_topics(shipments->producer, names, count, error);
}

static bool shipments_refused(struct output *self, struct refusal *refusal)
{
	return simulated_producer_unwanted(((struct simulated_shipments *)self)->producer, refusal);
}

static const struct output_operations operations = {
	.close = shipments_close,
	.bell = shipments_bell,
	.news = shipments_news,
	.is_open = shipments_is_open,
	.may_end = shipments_may_end,
	.produce = shipments_produce,
	.send = shipments_send,
	.end = shipments_end,
	.resets = shipments_resets,
	.commit_us = shipments_commit_us,
	.topics = shipments_topics,
	.refused = shipments_refused,
};

struct output *simulated_shipments_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
					const struct consumer *consumer, struct error *error)
{
	struct simulated_shipments *shipments = simulated_take(host->kafka, 1, sizeof *shipments);
	if (!shipments) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	*shipments = (struct simulated_shipments){.output = {&operations},
						  .kafka = host->kafka,
						  .host = host,
						  .config = *config,
						  .consumer = consumer,
						  .loop = loop,
						  .bell = loop_bell(loop)};
	shipments->client = (struct simulated_client){host, false, &shipments->closed_sockets};
	if (!producer_open(shipments)) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	ring(shipments); /* it is open: the first news */
	return &shipments->output;
}
