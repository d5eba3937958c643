/* unread.c: messages whose schema is being asked for: they stay in their lanes, and enter
 * again when the registry has news. */
#include "worker/parts.h"

static void say_why(struct worker *worker)
{
	const char *why = NULL;
	if (!registry_is_ready(worker->registry))
		why = "the schema registry does not take the schema of answers; look at it and at the login";
	else if (worker->unread)
		why = "the schema registry does not give the schema of a record; look at it and at the login";
	for (struct worker_stage *stage = worker->stages; stage; stage = stage->next)
		atomic_store_explicit(&stage->counts->waits_for, why, memory_order_relaxed);
}

/* All of them, in the order in which they came. */
static struct flight *unread_take(struct worker *worker)
{
	struct flight *first = NULL;
	while (worker->unread) {
		struct flight *flight = worker->unread;
		worker->unread = flight->unread;
		flight->unread = first;
		first = flight;
		if (flight->lane)
			flight->lane->unread = 0;
	}
	return first;
}

/* The registry has news: all that wait for it enter again. */
static void on_news(void *context)
{
	struct worker *worker = context;
	struct flight *flight = unread_take(worker);
	const struct answer nobody = {0};
	while (flight) {
		struct flight *next = flight->unread;
		flight->unread = NULL;
		if (flight->lane)
			intake_enter(worker, flight);
		else /* it was dropped meanwhile */
			flight_finish(&worker->lanes, &flight->message, FLOW_DROPPED, &nobody);
		flight = next;
	}
	say_why(worker);
	worker->more = true; /* what was held back until our schema had its number */
}

bool unread_open(struct worker *worker, struct error *error)
{
	worker->registry_config = worker->config->registry;
	worker->registry_config.news = on_news;
	worker->registry_config.context = worker;
	if (!worker->registry_config.url)
		return true;
	worker->registry = registry_open(worker->loop, &worker->registry_config, error);
	return worker->registry;
}

/* What steps remember is in the order of the partition: nobody goes ahead. */
bool unread_is_ahead(const struct flight *flight)
{
	return flight->lane->partition_state && flight->lane->unread > 0;
}

void unread_hold(struct worker *worker, struct flight *flight)
{
	flight->lane->unread++;
	flight->unread = worker->unread;
	worker->unread = flight;
}

bool unread_keep(struct worker *worker, struct flight *flight)
{
	if (!worker->registry || !registry_was_missed(worker->registry))
		return false;
	struct arena *arena = flight->message.arena;
	arena_reset(arena);
	flight->message = (struct message){.arena = arena};
	unread_hold(worker, flight);
	say_why(worker);
	return true;
}
