/* cancellation.h: Cancelled requests in a worker: one is answered with a LIMIT instead of being processed.
 *
 * A request is looked for on the board of cancellations (observe/cancel_board.h) when it enters a stage: the first one, and
 * each later one of its pipeline. When the board has changed, so are those in flight: their calls to models are given up, as
 * by a deadline. A request of direct ingress is cancelled when its caller leaves (engine/worker/direct_hub.h). A request whose
  * answer is known is not cancelled, nor is one of a stage that cannot answer. One that waits in a join is found when it enters.
 * Private to the worker.
 */
#pragma once

#include "engine/worker/partition_queues.h"

struct worker;

/* Whether the request of a decoded message was cancelled; the error is then a LIMIT. */
bool cancellation_refuses(const struct inflight *inflight, struct error *error);

/* Ends the requests in flight that were cancelled since the last call. Called each turn. */
void cancellations_apply(struct worker *worker);
