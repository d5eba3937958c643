/* outbox.h: how a finished message leaves: its answer encoded and produced, and its dead
 * letter where it failed. The worker's own; it says when.
 */
#ifndef SLUICE_WORKER_OUTBOX_H
#define SLUICE_WORKER_OUTBOX_H

#include "worker/lanes.h"
#include "worker/worker.h"

struct outbox {
	const struct worker_config *config;
	struct output *output; /* opened by the worker; closed with the outbox */
	struct buffer encoded;
	uint64_t answered;
	uint64_t failed; /* of them errors */
	uint64_t dead_letters;
	size_t half_left;     /* flights whose dead letter has left without their answer: no commit now, which would part them */
	struct error failure; /* SYSTEM: not even an error can leave; the worker stops */
};

void outbox_open(struct outbox *outbox, const struct worker_config *config);
void outbox_close(struct outbox *outbox); /* what was produced may still be under way */

/* What leaves for this flight. PRODUCED: all of it did, or nothing had to; PRODUCE_FULL:
 * to be put again, what had left already does not leave twice. */
enum produce_verdict outbox_put(struct outbox *outbox, struct flight *flight);

#endif
