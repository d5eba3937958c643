/* replies.h: Copies of answers for the gateways that wait for them, sent to the replies topic (message/records/reply.h).
 *
 * At least once, a copy is sent as soon as its answer was produced. Exactly once, it is held until the transaction of
 * its answer is committed, and dropped if the transaction is aborted: then the request is taken again. With `reply: early`
 * it is not held. A copy is never part of a transaction, because readers of a partition wait for its oldest open one. It is
 * sent once and may be lost; then the caller's deadline ends the call. If Kafka refuses it because it is too large, an error
 * replaces it, which names the topic and its setting.
 *
 * A gateway in the same process gets its copies by memory (engine/worker/direct_hub.h) at the same moments.
 *
 * Private to the worker. The producer is opened with the first copy, so an engine without gateways has none.
 */
#pragma once

#include "kafka/produce/best_effort.h"
#include "message/records/reply.h"
#include "observe/counts.h"

struct worker;

#define REPLIES_HELD_BYTES_MAX ((size_t)64 << 20) /* held until a commit, per worker; more copies are lost */

struct held_reply;

struct replies {
	struct best_effort *side; /* NULL: no copy was sent yet, or it could not be opened */
	struct held_reply *first, **end;
	size_t held_bytes;
	struct direct_hub *unaware; /* has got copies since its gateway was woken last; NULL: no hub has */
	struct worker_counts *counts; /* of the worker */
};

/* Borrows the counts. */
void replies_open(struct replies *replies, struct worker_counts *counts);
void replies_close(struct replies *replies); /* drops held copies; one that is only zeroed is fine */

/* Whether a gateway waits for this pipeline's answer to a request with those headers. An address that cannot be read
 * is counted. */
bool replies_wanted(struct replies *replies, const struct message *message, const char *pipeline, struct reply_address *address);

/* The hub of the gateway that waits. NULL: it is in another process, or expects the copy from Kafka. `address` NULL: of a request
 * that came by memory. */
struct direct_hub *replies_hub(const struct worker *worker, const struct reply_address *address);

/* Whether the copy for the gateway of that hub, or for Kafka, is no larger than what the producer takes. */
bool replies_take(struct worker *worker, const struct direct_hub *hub, const struct outgoing *record);

/* Sends the copy to the hub that replies_hub() found, or to Kafka: after the commit, or now, also if it `is_early`. Copies the
 * record. `address` NULL: at once. */
void replies_put(struct worker *worker, const struct reply_address *address, struct direct_hub *hub, bool is_early,
		 const struct outgoing *record);

/* Wakes the gateway of this process, if it was given copies. To be called before the worker sleeps. */
void replies_wake(struct replies *replies);

void replies_committed(struct worker *worker);	 /* the transaction of all held copies was committed */
void replies_void(struct replies *replies);	 /* it was aborted */
