/* topic_presence.h: Presence of the topics that a gateway needs: the replies topic, and those of its targets' requests and answers.
 * Looks at Kafka beside the loop every TOPIC_PRESENCE_MS, and logs a topic that is gone, and again when it is back. Creates the
 * replies topic again, if the gateway may create topics: its records are copies, which nobody needs once their calls are over.
 *
 * A topic that no look has shown is not called gone: it may be new, or hidden from the login.
 *
 * Belongs to its loop's thread.
 */
#ifndef SLUICE_GATEWAY_TOPIC_PRESENCE_H
#define SLUICE_GATEWAY_TOPIC_PRESENCE_H

#include "gateway/targets.h"
#include "log/topic_setup.h"
#include "net/loop.h"

#define TOPIC_PRESENCE_MS 2000

struct topic_presence;

struct topic_presence_config {
	const char *brokers;
	struct properties properties;	    /* of a producer */
	const char *replies;		    /* name of the replies topic */
	const struct wanted_topic *creates; /* the replies topic, as it is created again, by that name; NULL: it is not */
};

/* Borrows the configuration as long as it lives, and the targets while it is called. NULL: CONFIG or SYSTEM. */
struct topic_presence *topic_presence_open(struct loop *loop, const struct topic_presence_config *config,
					   const struct gateway_targets *targets, struct error *error);
void topic_presence_close(struct topic_presence *presence); /* NULL is fine */

/* Looks at the topics of these targets from now on. False: memory ran out, and new topics are not looked at. */
bool topic_presence_follow(struct topic_presence *presence, const struct gateway_targets *targets);

/* Whether the topic is gone. False: also if it is not known. */
bool topic_presence_lacks(const struct topic_presence *presence, const char *topic);

/* Words about a replies topic that is gone; they take its name. */
#define REPLIES_GONE_WORDS                                                                                                         \
	"topic %s, by which engines answer, is gone; create it, or start a gateway or an engine with `--topics create`"

#endif
