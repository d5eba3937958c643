/* simulated_side.c: Best-effort producer of the simulated Kafka: records arrive at once, and are lost while the process
 * is cut off. See side.h for its contract, and simulated_world.h for the rest. */
#include "simulation/simulated_world.h"

struct simulated_side {
	struct side side; /* first: the table of operations */
	struct simulated_kafka *kafka;
	struct simulated_client client;
	unsigned closed_sockets; /* not used */
	struct simulated_topic **topics;
};

static void simulated_side_close(struct side *self)
{
	((struct simulated_side *)self)->client.closed = true;
}

static bool simulated_side_topics(struct side *self, const char *const *names, size_t count, struct error *error)
{
	struct simulated_side *side = (struct simulated_side *)self;
	side->topics = simulated_take(side->kafka, count, sizeof(struct simulated_topic *));
	if (!side->topics)
		return error_memory(error, ERROR_SYSTEM, "following taps");
	for (size_t i = 0; i < count; i++)
		side->topics[i] = simulated_find(side->kafka, names[i]);
	return true;
}

static bool simulated_side_produce(struct side *self, const struct outgoing *record)
{
	struct simulated_side *side = (struct simulated_side *)self;
	bool arrives = simulated_client_free_us(&side->client, true) <= side->kafka->now_us;
	side->kafka->taps_lost += !arrives;
	return arrives && simulated_append(side->kafka, side->topics[record->topic], record) >= 0;
}

static const struct side_operations operations = {
	.close = simulated_side_close,
	.topics = simulated_side_topics,
	.produce = simulated_side_produce,
};

struct side *simulated_side_open(struct simulated_host *host, struct error *error)
{
	struct simulated_side *side = simulated_take(host->kafka, 1, sizeof *side);
	if (!side) {
		error_memory(error, ERROR_SYSTEM, "opening a producer for taps");
		return NULL;
	}
	*side = (struct simulated_side){.side = {&operations}, .kafka = host->kafka};
	side->client = (struct simulated_client){host, false, &side->closed_sockets};
	return &side->side;
}

uint64_t simulated_taps_lost(const struct simulated_kafka *kafka)
{
	return kafka->taps_lost;
}
