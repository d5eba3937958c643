/* external_inputs.h: what the first stage of a pipeline reads of other pipelines. The worker's
 * own.
 *
 * Where it reads one point alone, what comes there enters at once, or, where that is not
 * enough, goes nowhere. Where it reads several, each record goes on to the stage that
 * joins them, by the request's id.
 */
#ifndef SLUICE_WORKER_EXTERNAL_INPUTS_H
#define SLUICE_WORKER_EXTERNAL_INPUTS_H

#include "worker/parts.h"

/* What the topic of its record is; NULL: the pipeline's own. */
const struct stage_point *external_input_point_of(const struct flight *flight);

/* Fills in the flight's message from such a record. On failure it can be answered. */
bool external_input_take(struct flight *flight, const struct stage_point *point, struct error *error);

/* Whether it does not enter here: it goes on to be joined, or nowhere, and has finished. */
bool external_input_passes(struct worker *worker, struct flight *flight);

#endif
