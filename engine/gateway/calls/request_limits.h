/* request_limits.h: Limits of the bodies of requests, by the topics that the requests are written to (max.message.bytes). Kafka
 * refuses a larger record, so the gateway refuses the body before it produces.
 *
 * Opening waits for Kafka. Later limits are read in a thread of their own while the loop serves, when they are asked for and every
 * REQUEST_LIMITS_MS: until Kafka has answered, a topic has the limit that was known before, and a new one Kafka's default.
 */
#pragma once

#include "gateway/gateway.h"
#include "gateway/calls/targets.h"
#include "net/loop_task.h"

#define REQUEST_LIMITS_MS 30000 /* after a limit was raised, requests are refused for so long that its topic would take */

struct request_limits {
	struct loop *loop;
	const struct gateway_config *config;
	struct gateway_targets *targets;  /* whose limits they are */
	/* In the loop, when later limits have been read, and no further reading has begun. */
	void (*changed)(void *context);
	void *context;
	/* Private. */
	struct loop_task task;
	struct loop_timer due; /* the next reading that nobody asks for */
	bool again;	     /* the targets have changed since the task began */
	struct arena *arena; /* of what the task reads */
	size_t topic_count;
	const char **topics;
	size_t *record_bytes; /* of each topic; 0: not known */
};

/* Reads the limits of the targets and sets them; waits for Kafka. The caller has set the fields that are not private, and the rest
 * is zeroed. */
bool request_limits_open(struct request_limits *limits, struct error *error);
void request_limits_close(struct request_limits *limits); /* of one that was never opened too */

/* Sets what is known: the limits of `before` (NULL: none), else the usual one. */
void request_limits_keep(const struct request_limits *limits, const struct gateway_targets *before,
			 struct gateway_targets *targets);

/* Begins to read the limits of the targets as they are now; `changed` is called later. False: no thread or memory can be had, or
 * the limits are given, and what is known stays. */
bool request_limits_renew(struct request_limits *limits);

size_t request_limits_most(const struct request_limits *limits);
