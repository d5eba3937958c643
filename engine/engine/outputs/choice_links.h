/* choice_links.h: Choices that a stage passes on with a message whose request another stage answers, so that the stage which
 * answers counts its choices for rollouts and writes its exposures, with the prediction, the latency and the error of the request.
 *
 * Choices go to the only stage that follows on the way to the answer (graph_part's `onward`). Where the plan has none, exposures
 * are written by the stage that chose, without an outcome, and nothing is counted: lint says so (CODE_UNJUDGED_EXPERIMENT).
 *
 * Private to worker.
 */
#pragma once

#include "engine/worker/partition_queues.h"

/* Whether the stage that follows gets the choices of a finished message, and not this one. */
bool choice_links_go_on(const struct inflight *inflight);

/* What the message passes on, in its arena; empty: nothing. `room` is cleared. LIMIT: it does not fit. */
bool choice_links_write(struct inflight *inflight, struct buffer *room, struct text *choices, struct error *error);

/* Takes what came with a message. What cannot be read is left out. False: the arena is full. */
bool choice_links_read(struct inflight *inflight, struct text choices);

/* Counts the choices of a message that leaves, or forgets them, if the stage passes them on or nothing is known of them. */
void choice_links_count(struct inflight *inflight, int64_t now_ms);
