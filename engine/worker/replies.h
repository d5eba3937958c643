/* replies.h: Copies of answers for the gateways that wait for them, sent to the replies topic (message/reply.h).
 *
 * At least once, a copy is sent as soon as its answer was produced. Exactly once, it is held until the transaction of its
 * answer was committed, and dropped when that was given up: then the request is taken again. A copy is never part of a
 * transaction, for readers of a partition wait for the oldest open one. It is sent once and may be lost; then the
 * caller's deadline ends the call.
 *
 * The worker's own. The producer is opened with the first copy, so an engine without gateways has none.
 */
#ifndef SLUICE_WORKER_REPLIES_H
#define SLUICE_WORKER_REPLIES_H

#include "log/side.h"
#include "message/reply.h"

struct worker;

#define REPLIES_HELD_BYTES_MAX ((size_t)64 << 20) /* until a commit, of a worker; more are lost */

struct held_reply;

struct replies {
	struct side *side; /* NULL: there was none to send yet, or it could not be opened */
	struct held_reply *first, **end;
	size_t held_bytes;
	uint64_t sent, lost, malformed;
};

void replies_open(struct replies *replies);
void replies_close(struct replies *replies); /* what is held is dropped; also for one that is only zeroed */

/* Whether a gateway waits for what this pipeline answers to a request with those headers. An address that cannot be read is
 * counted. */
bool replies_wanted(struct replies *replies, struct headers headers, const char *pipeline, struct reply_address *address);

/* Sends it, now or after the commit. Copies the record. */
void replies_put(struct worker *worker, const struct reply_address *address, const struct outgoing *record);

void replies_committed(struct replies *replies); /* the transaction of all that is held was */
void replies_void(struct replies *replies);	 /* it was given up */

#endif
