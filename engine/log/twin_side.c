/* twin_side.c: Best-effort producer of the simulated Kafka: records arrive at once, and are lost while the process
 * is cut off. See side.h for its contract, and twin_world.h for the rest. */
#include "log/twin_world.h"

struct twin_side {
	struct side side; /* first: the table of operations */
	struct twin *twin;
	struct twin_client client;
	unsigned closed_sockets; /* not used */
	struct twin_topic **topics;
};

static void twin_side_close(struct side *self)
{
	((struct twin_side *)self)->client.closed = true;
}

static bool twin_side_topics(struct side *self, const char *const *names, size_t count, struct error *error)
{
	struct twin_side *side = (struct twin_side *)self;
	side->topics = twin_take(side->twin, count, sizeof(struct twin_topic *));
	if (!side->topics)
		return error_memory(error, ERROR_SYSTEM, "following taps");
	for (size_t i = 0; i < count; i++)
		side->topics[i] = twin_find(side->twin, names[i]);
	return true;
}

static bool twin_side_produce(struct side *self, const struct outgoing *record)
{
	struct twin_side *side = (struct twin_side *)self;
	bool arrives = twin_client_free_us(&side->client, true) <= side->twin->now_us;
	side->twin->taps_lost += !arrives;
	return arrives && twin_append(side->twin, side->topics[record->topic], record) >= 0;
}

static const struct side_operations operations = {
	.close = twin_side_close,
	.topics = twin_side_topics,
	.produce = twin_side_produce,
};

struct side *twin_side_open(struct twin_host *host, struct error *error)
{
	struct twin_side *side = twin_take(host->twin, 1, sizeof *side);
	if (!side) {
		error_memory(error, ERROR_SYSTEM, "opening a producer for taps");
		return NULL;
	}
	*side = (struct twin_side){.side = {&operations}, .twin = host->twin};
	side->client = (struct twin_client){host, false, &side->closed_sockets};
	return &side->side;
}

uint64_t twin_taps_lost(const struct twin *twin)
{
	return twin->taps_lost;
}
