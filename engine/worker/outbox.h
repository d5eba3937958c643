/* outbox.h: how a finished message leaves: its answer encoded and produced, its dead
 * letter where it failed, and the records of its steps. The worker's own; it says when.
 */
#ifndef SLUICE_WORKER_OUTBOX_H
#define SLUICE_WORKER_OUTBOX_H

#include "log/side.h"
#include "worker/lanes.h"
#include "worker/replies.h"
#include "worker/worker.h"

struct outbox {
	const struct worker_setup *setup; /* the worker's */
	struct output *output;		  /* opened by the worker; closed with the outbox */
	struct side *side;		  /* likewise; NULL: there are no taps */
	struct replies replies; /* copies of answers for gateways */
	struct buffer encoded;
	uint64_t answered;
	uint64_t failed; /* of them errors */
	uint64_t dead_letters;
	uint64_t taps_lost;
	size_t half_left;     /* flights of which a part has left: no commit now, which would part them */
	struct error failure; /* SYSTEM: not even an error can leave; the worker stops */
};

void outbox_open(struct outbox *outbox, size_t answer_bytes);
void outbox_close(struct outbox *outbox); /* what was produced may still be under way */

/* Where the record stood that this flight answers. */
struct position origin_of(const struct flight *flight);

/* What leaves for this flight. PRODUCED: all of it did, or nothing had to; PRODUCE_FULL:
 * to be put again, what had left already does not leave twice. */
enum produce_verdict outbox_put(struct outbox *outbox, struct flight *flight);

/* Tells a tap, at once; it may be lost. */
void outbox_tap(struct outbox *outbox, const struct worker_stage *stage, const struct message *message, uint32_t topic,
		const struct payload *payload);

#endif
