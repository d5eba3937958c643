/* simulated_best_effort.c: Best-effort producer of the simulated Kafka: records arrive at once, and are lost while the process
 * is cut off. See best_effort.h for its contract, and simulated_world.h for the rest. */
#include "tools/test/simulated/simulated_world.h"

struct simulated_best_effort {
	struct best_effort base; /* first: the table of operations */
	struct simulated_kafka *kafka;
	struct simulated_client client;
	unsigned closed_sockets; /* not used */
	struct simulated_topic **topics;
};

static void simulated_best_effort_close(struct best_effort *self)
{
	((struct simulated_best_effort *)self)->client.closed = true;
}

static bool simulated_best_effort_topics(struct best_effort *self, const char *const *names, size_t count, struct error *error)
{
	struct simulated_best_effort *producer = (struct simulated_best_effort *)self;
	producer->topics = simulated_take(producer->kafka, count, sizeof(struct simulated_topic *));
	if (!producer->topics)
		return error_memory(error, ERROR_SYSTEM, "following taps");
	for (size_t i = 0; i < count; i++)
		producer->topics[i] = simulated_find(producer->kafka, names[i]);
	return true;
}

static bool simulated_best_effort_produce(struct best_effort *self, const struct outgoing *record)
{
	struct simulated_best_effort *producer = (struct simulated_best_effort *)self;
	bool arrives = simulated_client_free_us(&producer->client, true) <= producer->kafka->now_us;
	producer->kafka->taps_lost += !arrives;
	return arrives && simulated_append_answer(producer->kafka, producer->topics[record->topic], record) >= 0;
}

static const struct best_effort_operations operations = {
	.close = simulated_best_effort_close,
	.topics = simulated_best_effort_topics,
	.produce = simulated_best_effort_produce,
};

struct best_effort *simulated_best_effort_open(struct simulated_host *host, struct error *error)
{
	struct simulated_best_effort *producer = simulated_take(host->kafka, 1, sizeof *producer);
	if (!producer)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a producer for taps"));
	*producer = (struct simulated_best_effort){.base = {.operations = &operations}, .kafka = host->kafka};
	producer->client = (struct simulated_client){host, false, &producer->closed_sockets};
	return &producer->base;
}
