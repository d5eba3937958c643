/* stage_links.h: Records that link the stages of one pipeline: reads those that come from an earlier stage, and
 * writes those that go to later ones (message/records/stage_link.h). Private to worker.
 */
#pragma once

#include "engine/worker/parts.h"

/* Whether its records are stage links of earlier stages, and not requests. */
static inline bool comes_from_stage(const struct stage_config *config)
{
	return config->graph->part && !config->graph->part->first;
}

/* Fills in the message from a stage link. On failure the in-flight message can be answered with the error. */
bool stage_link_take(const struct worker *worker, struct inflight *inflight, struct error *error);

/* Produces a stage link for each later stage that the message is to go to, each once. */
enum produce_verdict stage_links_leave(struct outbox *outbox, struct inflight *inflight, struct error *error);

/* Produces what was held for observers (engine/outputs/held_links.h), of a queue or of all, as far as all messages before it have
 * left. PRODUCE_FULL: call again. PRODUCE_REFUSED: it can never leave; the outbox has the failure, and the worker must stop. */
enum produce_verdict stage_links_leave_held(struct worker *worker, struct partition_queue *queue, struct error *error);
enum produce_verdict stage_links_leave_all_held(struct worker *worker, struct error *error);

/* Called once a turn: produces what was held for too long. The second returns when the next call is due. */
void stage_links_advance(struct worker *worker);
int64_t stage_links_due_ms(const struct worker *worker);

/* What the stage reads, for its records to observers (message/records/stage_link.h) and for rows that wait
 * (engine/outputs/slices.h): the context is the worker. The text is valid until the next call for a stage of that worker.
 *
 * A partition counts as behind while messages of it that have not left, and records that were not taken, are more than
 * READS_BEHIND_LEAST together: the last records of a topic may be ends of transactions, which nobody takes. */
struct text stage_reads(void *context, const void *stage);
