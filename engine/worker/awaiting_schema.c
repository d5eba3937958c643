/* awaiting_schema.c: Messages that wait for a schema. They stay in their queues, and enter again when the registry has
 * answered. */
#include "worker/parts.h"

static void say_why(struct worker *worker)
{
	const char *why = NULL;
	if (!registry_is_ready(worker->registry))
		why = "the schema registry does not accept the schema of answers; check it and the login";
	else if (worker->awaiting_schema)
		why = "the schema registry does not return the schema of a record; check it and the login";
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		atomic_store_explicit(&stage->counts->waits_for, why, memory_order_relaxed);
}

/* Removes all of them, in the order in which they came. */
static struct inflight *awaiting_schema_take(struct worker *worker)
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

/* Called when the registry has answered: all waiting messages enter again. */
static void awaiting_schema_on_news(void *context)
{
	struct worker *worker = context;
	struct inflight *inflight = awaiting_schema_take(worker);
	const struct answer nobody = {0};
	while (inflight) {
		struct inflight *next = inflight->awaiting_schema;
		inflight->awaiting_schema = NULL;
		if (inflight->queue)
			intake_enter(worker, inflight);
		else /* it was dropped meanwhile */
			inflight_finish(&worker->queues, &inflight->message, FLOW_DROPPED, &nobody);
		inflight = next;
	}
	say_why(worker);
	worker->more = true; /* records that waited until our schema had its number */
}

bool awaiting_schema_open(struct worker *worker, struct error *error)
{
	worker->registry_config = worker->config->registry;
	worker->registry_config.news = awaiting_schema_on_news;
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
	say_why(worker);
	return true;
}
