/* upstream.h: Progress of the consumer groups that lead to a topic: whether all that stood in their topics when the
 * question was first asked has been worked off. A join across topics asks before it closes a window, so that what a
 * group has not come to yet, because a model is unreachable or the group has no member, is not taken for missing.
 *
 * The links of a chain are gone through in their order: where the topics of a link end is noted, and the next link's
 * turn comes when the group has committed all records up to there. So what stood in the first link's topics has come
 * out of the last one. Questions to Kafka block, so a thread asks them, begun with the first question; it reads what
 * Kafka knows and joins nothing.
 *
 * All functions are for the owner's thread.
 */
#ifndef SLUICE_LOG_UPSTREAM_H
#define SLUICE_LOG_UPSTREAM_H

#include "log/record.h"

struct upstream;

struct upstream_link {
	const char *group;
	const char *topics; /* with a blank between */
};

struct upstream_chain {
	size_t count; /* 0: nothing is known of what leads there */
	const struct upstream_link *links;
};

enum upstream_progress {
	UPSTREAM_NONE,	 /* there is no answer */
	UPSTREAM_BEHIND, /* not yet, or Kafka does not say: to be asked again */
	UPSTREAM_PASSED, /* the next question of that ticket begins anew */
};

/* Borrows all of it. NULL: SYSTEM. */
struct upstream *upstream_open(const char *brokers, struct properties properties, struct error *error);
void upstream_close(struct upstream *upstream); /* waits for the question that it is at; NULL is fine */

/* Rings when there is an answer. */
int upstream_bell(const struct upstream *upstream);

/* Asks, under a number of the asker's choice; one question a ticket at a time, whose chain is copied at the first. Questions
 * are asked in the order in which they came. */
bool upstream_ask(struct upstream *upstream, uint64_t ticket, const struct upstream_chain *chain, struct error *error);

/* The next answer, until there is none; in the order of the questions. */
enum upstream_progress upstream_answer(struct upstream *upstream, uint64_t *ticket);

/* No answer comes any more. Does not wait for the question when it is being asked. */
void upstream_forget(struct upstream *upstream, uint64_t ticket);

#endif
