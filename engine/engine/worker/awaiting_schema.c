/* awaiting_schema.c: Messages that wait for a schema. They stay in their queues, and enter again when the registry has
 * answered. */
#include "engine/worker/parts.h"

void awaiting_schema_say(struct worker *worker)
{
	const char *why = NULL;
	if (!registry_is_ready(worker->registry))
		why = "the schema registry does not accept the schema of answers; check it and the login";
	else if (worker->awaiting_schema)
		why = "the schema registry does not return the schema of a record; check it and the login";
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		atomic_store_explicit(&stage->counts->waits_for, why, memory_order_relaxed);
}

struct inflight *awaiting_schema_take(struct worker *worker)
{
	struct inflight *first = NULL;
	while (worker->awaiting_schema) {
		struct inflight *inflight = worker->awaiting_schema;
		worker->awaiting_schema = inflight->awaiting_schema;
		inflight->awaiting_schema = first;
		first = inflight;
		if (inflight->queue)
			inflight->queue->awaiting_schema = 0;
	}
	return first;
}

bool awaiting_schema_open(struct worker *worker, void (*answered)(void *context), struct error *error)
{
	worker->registry_config = worker->config->registry;
	worker->registry_config.news = answered;
	worker->registry_config.context = worker;
	if (!worker->registry_config.url)
		return true;
	worker->registry = registry_open(worker->loop, &worker->registry_config, error);
	return worker->registry;
}

/* State is written in the order of the partition, so no message may overtake. */
bool awaiting_schema_is_ahead(const struct inflight *inflight)
{
	return inflight->queue->partition_state && inflight->queue->awaiting_schema > 0;
}

void awaiting_schema_hold(struct worker *worker, struct inflight *inflight)
{
	inflight->queue->awaiting_schema++;
	inflight->awaiting_schema = worker->awaiting_schema;
	worker->awaiting_schema = inflight;
}

bool awaiting_schema_keep(struct worker *worker, struct inflight *inflight)
{
	if (!worker->registry || !registry_was_missed(worker->registry))
		return false;
	struct arena *arena = inflight->message.arena;
	arena_reset(arena);
	inflight->message = (struct message){.arena = arena};
	awaiting_schema_hold(worker, inflight);
	awaiting_schema_say(worker);
	return true;
}
