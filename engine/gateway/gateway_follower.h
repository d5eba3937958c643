/* gateway_follower.h: Follower of the control plane in a gateway without an engine: reads what is in force in a namespace, has it
 * compiled each time that it changes, and serves it.
 *
 * It reports nothing, so no change waits for a gateway: what engines run, a gateway serves a moment later. Documents that it
 * cannot serve are tried again every GATEWAY_FOLLOWER_RETRY_MS; meanwhile it serves those before. If the topics cannot be read any
 * more, or `control` was deleted, it goes on with what it serves, and reads all again when it can.
 *
 * It works in a loop. Compiling, and reading all again, are one task (net/loop_task.h) at a time, while the loop continues.
 */
#pragma once

#include "control/engine/control_documents.h"
#include "control/records/control_topics.h"
#include "net/loop.h"
#include "observe/log_sink.h"
#include "engine/setup/revision.h"

#define GATEWAY_FOLLOWER_RETRY_MS 5000

struct gateway_follower;

struct gateway_follower_config { /* borrowed as long as the follower lives */
	const char *brokers;
	struct properties consumer;
	const char *namespace;
	struct control_topics topics; /* which must exist */
	const struct log_sink *log;
	struct arena *names; /* for the names of documents; outlives all revisions. Used by the loop's thread alone */
	/* Compiles documents, and prepares Kafka for them: in the task. NULL: `error` has the reason. */
	struct revision *(*compile)(void *context, const struct control_documents *documents, struct error *error);
	/* Serves the revision from now on, in the loop, and takes it. False: what is served is unchanged, and the revision is the
	 * follower's. */
	bool (*serve)(void *context, struct revision *revision, struct error *error);
	void *context;
};

/* Reads `control` to its end; waits for Kafka, so another thread may call it. NULL: `error` has the reason. */
struct gateway_follower *gateway_follower_open(const struct gateway_follower_config *config, struct error *error);

/* Starts to follow in the loop. */
bool gateway_follower_start(struct gateway_follower *follower, struct loop *loop, struct error *error);
void gateway_follower_close(struct gateway_follower *follower); /* waits for the task; NULL is fine */

/* Compiles the documents in force again: what they name may have changed. */
void gateway_follower_reread(struct gateway_follower *follower);

/* Why nothing, or not what is in force, is served; "": it is. Lives until the loop continues. */
const char *gateway_follower_unready(const struct gateway_follower *follower);
