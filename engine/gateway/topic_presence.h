/* topic_presence.h: Presence of the topics that a gateway needs: its own, and those of its targets' requests and answers.
 * Looks at Kafka beside the loop every TOPIC_PRESENCE_MS, and logs a topic that is gone, and again when it is back. Creates the
 * gateway's own topics again, if the gateway may create topics. What was in them is lost: copies of answers and cancellations,
 * which nobody needs once their calls are over, and claims, which the gateways that have read them remember.
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

/* A gateway's own topics, one of each in a namespace. */
enum gateway_topic { GATEWAY_REPLIES, GATEWAY_CLAIMS, GATEWAY_CANCELS, GATEWAY_TOPICS };

struct topic_presence;

struct topic_presence_config {
	const char *brokers;
	struct properties properties;	    /* of a producer */
	const char *own[GATEWAY_TOPICS];    /* names */
	const struct wanted_topic
		*creates; /* GATEWAY_TOPICS of them, as they are created again, by those names; NULL: they are not */
};

/* Borrows the configuration as long as it lives, and the targets while it is called. NULL: CONFIG or SYSTEM. */
struct topic_presence *topic_presence_open(struct loop *loop, const struct topic_presence_config *config,
					   const struct gateway_targets *targets, struct error *error);
void topic_presence_close(struct topic_presence *presence); /* NULL is fine */

/* Looks at the topics of these targets from now on. False: memory ran out, and new topics are not looked at. */
bool topic_presence_follow(struct topic_presence *presence, const struct gateway_targets *targets);

/* Whether the topic is gone. False: also if it is not known. */
bool topic_presence_lacks(const struct topic_presence *presence, const char *topic);

/* Words about one of a gateway's own topics that is gone; they take its name. */
#define OWN_TOPIC_STEP "create it, or start a gateway or an engine with `--topics create`"
#define REPLIES_GONE_WORDS "topic %s, by which engines answer, is gone; " OWN_TOPIC_STEP
#define CLAIMS_GONE_WORDS "topic %s, in which idempotency keys are claimed, is gone; " OWN_TOPIC_STEP

#endif
