/* simulated_at_least_once.c: At-least-once output of the simulated Kafka, with the decisions of commit_batches.c. See
 * at_least_once.h for its contract. */
#include "kafka/produce/commit_batches.h"
#include "tools/test/simulated/simulated_world.h"

struct simulated_at_least_once {
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

static void simulated_at_least_once_ring(struct simulated_at_least_once *output)
{
	if (!output->client.closed)
		loop_ring(output->loop, output->bell);
}

static void producer_on_record(void *owner, const struct simulated_entry *entry)
{
	struct simulated_at_least_once *output = owner;
	if (entry)
		commit_batches_acknowledged(&output->commit_batches, entry->batch);
	if (entry && entry->unwanted)
		commit_batches_refused(&output->commit_batches, entry->batch);
	simulated_at_least_once_ring(output);
}

static bool producer_open(struct simulated_at_least_once *output)
{
	struct simulated_producer *producer =
		simulated_producer_make(output->host, &output->config, &output->closed_sockets);
	if (!producer)
		return false;
	producer->producer = ++output->kafka->last_producer;
	producer->on_record = producer_on_record;
	producer->owner = output;
	output->producer = producer;
	return true;
}

/* Records on their way may arrive, but their outcome is ignored. */
static void ignore_record(void *owner, const struct simulated_entry *entry)
{
	(void)owner;
	(void)entry;
}

static enum transaction_news producer_replace(struct simulated_at_least_once *output)
{
	struct simulated_producer *before = output->producer;
	before->on_record = ignore_record;
	before->client.closed = true;
	simulated_produce_batch_empty(&output->produce_batch);
	output->resets++;
	if (!producer_open(output))
		return NEWS_BROKEN;
	simulated_producer_inherit(output->producer, before);
	return NEWS_RESET;
}

static void commit_replied(struct simulated_request *request, enum simulated_answer answer)
{
	struct simulated_at_least_once *output = request->owner;
	commit_batches_took(&output->commit_batches, answer == SIMULATED_GOOD ? COMMIT_BATCHES_TAKEN : COMMIT_BATCHES_VOID);
	simulated_at_least_once_ring(output);
}

/* As a member of the newest generation that it knows, as librdkafka does. */
static void simulated_at_least_once_commit(struct simulated_at_least_once *output, struct positions positions)
{
	const struct simulated_consumer *consumer = (const struct simulated_consumer *)output->consumer;
	if (consumer->change == ASSIGNMENT_LOST) {
		commit_batches_took(&output->commit_batches, COMMIT_BATCHES_VOID);
		return;
	}
	struct simulated_request *request = simulated_request_make(output->kafka, SIMULATED_COMMIT_OFFSETS, &output->client);
	if (!request || !simulated_request_positions(output->kafka, request, positions, output->consumer))
		return;
	request->membership.generation = consumer->given_generation;
	request->replied = commit_replied;
	request->owner = output;
	simulated_request_send(output->kafka, request);
}

/* ---- the operations ---- */

static void at_least_once_close(struct output *self)
{
	struct simulated_at_least_once *output = (struct simulated_at_least_once *)self;
	output->client.closed = true;
	output->producer->client.closed = true;
	commit_batches_close(&output->commit_batches);
}

static int at_least_once_bell(const struct output *self)
{
	return ((const struct simulated_at_least_once *)self)->bell;
}

static enum transaction_news at_least_once_news(struct output *self, struct positions *committed, struct error *error)
{
	(void)error;
	struct simulated_at_least_once *output = (struct simulated_at_least_once *)self;
	struct positions positions;
	if (!output->started) {
		output->started = true;
		return NEWS_STARTED;
	}
	if (output->producer->shrinks && commit_batches_give_up(&output->commit_batches, committed))
		return producer_replace(output);
	if (commit_batches_to_commit(&output->commit_batches, &positions))
		simulated_at_least_once_commit(output, positions);
	bool is_void;
	if (!commit_batches_over(&output->commit_batches, committed, &is_void))
		return NEWS_NONE;
	output->commit_us = output->kafka->now_us - output->ended_us;
	return is_void ? NEWS_VOID : NEWS_COMMITTED;
}

static bool at_least_once_is_open(const struct output *self)
{
	(void)self; /* a batch always is */
	return true;
}

static bool at_least_once_may_end(const struct output *self)
{
	const struct simulated_at_least_once *output = (const struct simulated_at_least_once *)self;
	return output->started && commit_batches_may_end(&output->commit_batches);
}

static enum produce_verdict at_least_once_produce(struct output *self, const struct outgoing *record, struct error *error)
{
	struct simulated_at_least_once *output = (struct simulated_at_least_once *)self;
	enum produce_verdict verdict =
		simulated_produce_batch_put(&output->produce_batch, output->producer, record, output->commit_batches.open, error);
	if (verdict == PRODUCED)
		(void)commit_batches_produced(&output->commit_batches);
	return verdict;
}

static enum produce_verdict at_least_once_send(struct output *self, struct error *error)
{
	struct simulated_at_least_once *output = (struct simulated_at_least_once *)self;
	return simulated_produce_batch_send(&output->produce_batch, output->producer, error);
}

static bool at_least_once_end(struct output *self, struct positions positions, struct error *error)
{
	struct simulated_at_least_once *output = (struct simulated_at_least_once *)self;
	if (!commit_batches_end(&output->commit_batches, positions, error))
		return false;
	output->ended_us = output->kafka->now_us;
	simulated_at_least_once_ring(output);
	return true;
}

static uint64_t at_least_once_resets(const struct output *self, const char **reason)
{
	*reason = "a topic refused a batch of records";
	return ((const struct simulated_at_least_once *)self)->resets;
}

static int64_t at_least_once_commit_us(const struct output *self)
{
	return ((const struct simulated_at_least_once *)self)->commit_us;
}

static bool at_least_once_topics(struct output *self, const char *const *names, size_t count, struct error *error)
{
	struct simulated_at_least_once *output = (struct simulated_at_least_once *)self;
	output->config.topics = names;
	output->config.topic_count = count;
	return simulated_producer_topics(output->producer, names, count, error);
}

static bool at_least_once_refused(struct output *self, struct refusal *refusal)
{
	return simulated_producer_unwanted(((struct simulated_at_least_once *)self)->producer, refusal);
}

static const struct output_operations operations = {
	.close = at_least_once_close,
	.bell = at_least_once_bell,
	.news = at_least_once_news,
	.is_open = at_least_once_is_open,
	.may_end = at_least_once_may_end,
	.produce = at_least_once_produce,
	.send = at_least_once_send,
	.end = at_least_once_end,
	.resets = at_least_once_resets,
	.commit_us = at_least_once_commit_us,
	.topics = at_least_once_topics,
	.refused = at_least_once_refused,
};

struct output *simulated_at_least_once_open(struct simulated_host *host, struct loop *loop, const struct transaction_config *config,
					    const struct consumer *consumer, struct error *error)
{
	struct simulated_at_least_once *output = simulated_take(host->kafka, 1, sizeof *output);
	if (!output)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a producer"));
	*output = (struct simulated_at_least_once){.output = {.operations = &operations},
						  .kafka = host->kafka,
						  .host = host,
						  .config = *config,
						  .consumer = consumer,
						  .loop = loop,
						  .bell = loop_bell(loop)};
	output->client = (struct simulated_client){host, false, &output->closed_sockets};
	if (!producer_open(output))
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a producer"));
	simulated_at_least_once_ring(output); /* it is open: the first news */
	return &output->output;
}
