/* topic_presence.h: Presence of the topics that a gateway needs: its own, and those of its targets' requests and answers.
 * Looks at Kafka beside the loop every TOPIC_PRESENCE_MS, and logs a topic that is gone, and again when it is back. Creates the
 * gateway's own topics again, if the gateway may create topics. What was in them is lost: copies of answers and cancellations,
 * which nobody needs once their calls are over, and claims, which the gateways that have read them remember.
 *
 * A topic that no look has shown is being created, perhaps: it is absent only when all looks of some time say so. That time is
 * TOPICS_APPEAR_MS for a topic that existed before, of which a broker may not know yet, and TOPIC_NEW_MS for one that an engine
 * creates when it starts.
 *
 * Belongs to its loop's thread.
 */
#pragma once

#include "gateway/calls/targets.h"
#include "kafka/topics/topic_setup.h"
#include "net/loop.h"

#define TOPIC_PRESENCE_MS 2000
#define TOPIC_ABSENT_MS 500 /* between two looks while a topic is absent: who creates it waits for the pipeline */
#define TOPIC_NEW_MS 10000  /* for an engine that starts together with the gateway */

/* A gateway's own topics, one of each in a namespace. */
enum gateway_topic { GATEWAY_REPLIES, GATEWAY_CLAIMS, GATEWAY_CANCELS, GATEWAY_TOPICS };

struct topic_presence;

struct topic_presence_config {
	const char *brokers;
	struct properties properties;	    /* of a producer */
	const char *own[GATEWAY_TOPICS];    /* names */
	const struct wanted_topic
		*creates; /* GATEWAY_TOPICS of them, as they are created again, by those names; NULL: they are not */
	bool has_engine;  /* the engine of this process has ensured the topics of answers, too */
	int64_t new_ms;	  /* 0: TOPIC_NEW_MS */
};

/* Borrows the configuration as long as it lives, and the targets while it is called. The gateway's own topics and those of requests
 * existed a moment ago. NULL: CONFIG or SYSTEM. */
struct topic_presence *topic_presence_open(struct loop *loop, const struct topic_presence_config *config,
					   const struct gateway_targets *targets, struct error *error);
void topic_presence_close(struct topic_presence *presence); /* NULL is fine */

/* Looks at the topics of these targets from now on. False: memory ran out, and new topics are not looked at. */
bool topic_presence_follow(struct topic_presence *presence, const struct gateway_targets *targets);

/* "is gone" or "does not exist"; NULL: the topic is there, or that is not known. */
const char *topic_presence_absence(const struct topic_presence *presence, const char *topic);

/* Whether the topic is absent, for either reason. */
static inline bool topic_presence_lacks(const struct topic_presence *presence, const char *topic)
{
	return topic_presence_absence(presence, topic) != NULL;
}

/* Words about one of a gateway's own topics that is gone; they take its name. */
#define OWN_TOPIC_STEP "create it, or start a gateway or an engine with `--topics create`"
#define REPLIES_GONE_WORDS "topic %s, by which engines answer, is gone; " OWN_TOPIC_STEP
#define CLAIMS_GONE_WORDS "topic %s, in which idempotency keys are claimed, is gone; " OWN_TOPIC_STEP
