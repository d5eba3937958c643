/* upstream.h: Progress of the consumer groups upstream of a topic. It shows whether they have processed all records
 * that were in their topics when the question was first asked. A join across topics asks before it closes a window.
 * So records that a group has not processed yet, because a model is unreachable or the group has no member, are not
 * treated as missing.
 *
 * The links of a chain are checked in their order. The ends of a link's topics are noted, and the next link is
 * checked when the group has committed all records up to there. So all records of the first link's topics have passed
 * through the last link. Requests to Kafka block, so a thread makes them; it starts with the first question. It reads
 * offsets and joins no group.
 *
 * All functions are for the owner's thread.
 */
#pragma once

#include "kafka/record.h"

struct upstream;

struct upstream_link {
	const char *group;
	const char *topics; /* names with a space between */
};

struct upstream_chain {
	size_t count; /* 0: the upstream of the topic is unknown */
	const struct upstream_link *links;
};

enum upstream_progress {
	UPSTREAM_NONE,	 /* there is no answer */
	UPSTREAM_BEHIND, /* not processed yet, or Kafka does not answer: to be asked again */
	UPSTREAM_PASSED, /* all processed; the next question of that ticket starts again */
};

/* Borrows all arguments as long as it lives. NULL: SYSTEM. */
struct upstream *upstream_open(const char *brokers, struct properties properties, struct error *error);
void upstream_close(struct upstream *upstream); /* waits for the current request; NULL is fine */

/* The bell that rings when there is an answer. */
int upstream_bell(const struct upstream *upstream);

/* Asks under a ticket, a number of the caller's choice. A ticket has one question at a time, and its chain is
 * copied at the first one. Questions are processed in their order. */
bool upstream_ask(struct upstream *upstream, uint64_t ticket, const struct upstream_chain *chain, struct error *error);

/* The next answer, in the order of the questions, until there is none. */
enum upstream_progress upstream_answer(struct upstream *upstream, uint64_t *ticket);

/* Cancels a ticket: no answer of it comes any more. Does not wait for a request that is under way. */
void upstream_forget(struct upstream *upstream, uint64_t ticket);
