/* stage_links.h: Records that link the stages of one pipeline: reads those that come from an earlier stage, and
 * writes those that go to later ones (message/stage_link.h). Private to worker.
 */
#ifndef SLUICE_WORKER_STAGE_LINKS_H
#define SLUICE_WORKER_STAGE_LINKS_H

#include "worker/parts.h"

/* Whether its records are those of other stages, and no requests. */
static inline bool comes_from_stage(const struct stage_config *config)
{
	return config->graph->part && !config->graph->part->first;
}

/* Fills in the flight's message from such a record. On failure it can be answered. */
bool stage_link_take(const struct worker *worker, struct flight *flight, struct error *error);

/* Sends the flight on to those stages behind that its message says, each once. */
enum produce_verdict stage_links_leave(struct outbox *outbox, struct flight *flight, struct error *error);

#endif
