/* outcomes.h: Outcomes of requests that another stage answers: what a stage passes on with a message, so that the stage which
 * answers counts its choices for rollouts and writes its exposures, with the prediction, the latency and the error of the request.
 *
 * They go to the only stage that follows on the way to the answer (graph_part's `onward`). Where the plan has none, exposures are
 * written by the stage that chose, without an outcome, and nothing is counted: lint says so (CODE_UNJUDGED_EXPERIMENT).
 *
 * Private to worker.
 */
#ifndef SLUICE_ENGINE_OUTPUTS_OUTCOMES_H
#define SLUICE_ENGINE_OUTPUTS_OUTCOMES_H

#include "engine/worker/partition_queues.h"

/* Whether the stage that follows gets the outcomes of a finished message, and not this one. */
bool outcomes_go_on(const struct inflight *inflight);

/* What the message passes on, in its arena; empty: nothing. `room` is cleared. LIMIT: it does not fit. */
bool outcomes_write(struct inflight *inflight, struct buffer *room, struct text *outcomes, struct error *error);

/* Takes what came with a message. What cannot be read is left out. False: the arena is full. */
bool outcomes_read(struct inflight *inflight, struct text outcomes);

/* Counts the choices of a message that leaves, or forgets them, if the stage passes them on or nothing is known of them. */
void outcomes_count(struct inflight *inflight, int64_t now_ms);

#endif
