/* cancellation.h: Cancelled requests in a worker: one is answered with a LIMIT instead of being processed.
 *
 * A request is looked for on the board of cancellations (observe/cancel_board.h) when it enters a stage: the first one, and each
 * later one of its pipeline. What a stage has begun goes on: its steps are not interrupted, nor are calls to models. Private to
 * the worker.
 */
#ifndef SLUICE_WORKER_CANCELLATION_H
#define SLUICE_WORKER_CANCELLATION_H

#include "worker/lanes.h"

/* Whether the request of a decoded message was cancelled; the error is then a LIMIT. */
bool cancellation_refuses(const struct flight *flight, struct error *error);

#endif
