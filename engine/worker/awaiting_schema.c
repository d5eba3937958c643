/* awaiting_schema.c: Messages that wait for a schema. They stay in their lanes, and enter again when the registry has
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
static struct flight *awaiting_schema_take(struct worker *worker)
{
	struct flight *first = NULL;
	while (worker->awaiting_schema) {
		struct flight *flight = worker->awaiting_schema;
		worker->awaiting_schema = flight->awaiting_schema;
		flight->awaiting_schema = first;
		first = flight;
		if (flight->lane)
			flight->lane->awaiting_schema = 0;
	}
	return first;
}

/* Called when the registry has answered: all waiting messages enter again. */
static void on_news(void *context)
{
	struct worker *worker = context;
	struct flight *flight = awaiting_schema_take(worker);
	const struct answer nobody = {0};
	while (flight) {
		struct flight *next = flight->awaiting_schema;
		flight->awaiting_schema = NULL;
		if (flight->lane)
			intake_enter(worker, flight);
		else /* it was dropped meanwhile */
			flight_finish(&worker->lanes, &flight->message, FLOW_DROPPED, &nobody);
		flight = next;
	}
	say_why(worker);
	worker->more = true; /* records that waited until our schema had its number */
}

bool awaiting_schema_open(struct worker *worker, struct error *error)
{
	worker->registry_config = worker->config->registry;
	worker->registry_config.news = on_news;
	worker->registry_config.context = worker;
	if (!worker->registry_config.url)
		return true;
	worker->registry = registry_open(worker->loop, &worker->registry_config, error);
	return worker->registry;
}

/* State is written in the order of the partition, so no message may overtake. */
bool awaiting_schema_is_ahead(const struct flight *flight)
{
	return flight->lane->partition_state && flight->lane->awaiting_schema > 0;
}

void awaiting_schema_hold(struct worker *worker, struct flight *flight)
{
	flight->lane->awaiting_schema++;
	flight->awaiting_schema = worker->awaiting_schema;
	worker->awaiting_schema = flight;
}

bool awaiting_schema_keep(struct worker *worker, struct flight *flight)
{
	if (!worker->registry || !registry_was_missed(worker->registry))
		return false;
	struct arena *arena = flight->message.arena;
	arena_reset(arena);
	flight->message = (struct message){.arena = arena};
	awaiting_schema_hold(worker, flight);
	say_why(worker);
	return true;
}
