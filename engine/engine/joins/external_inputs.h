/* external_inputs.h: External inputs of a pipeline's first stage: records of other pipelines' topics. Private to
 * worker.
 *
 * A stage that reads one external point starts a request with each record, or drops the record when it is not
 * enough for a request. A stage that reads several points forwards each record, by the request's id, to the stage
 * that joins them.
 */
#pragma once

#include "engine/worker/parts.h"

/* External point whose topic the in-flight message's record comes from. NULL: the topic holds the pipeline's own requests. */
const struct stage_point *external_input_point_of(const struct inflight *inflight);
const struct stage_point *external_input_point_at(const struct stage_config *config, uint32_t topic); /* likewise, by the topic */

/* Fills in the message from a record of another pipeline. On failure the in-flight message can be answered with the
 * error. */
bool external_input_take(struct inflight *inflight, const struct stage_point *point, struct error *error);

/* Whether the in-flight message does not enter this stage, and has finished: it is forwarded to the stage that joins, or it is
 * dropped. */
bool external_input_passes(struct worker *worker, struct inflight *inflight);
