/* tally_reader.h: Reader of outcomes that counts the truths of a rollout under the table in force
 * (experiments/rollouts/truth_tally.h), and puts the counts on the board of rollouts. Whoever follows the control plane sends them
 * to the keeper with the counts of calls.
 *
 * Counts are of the pipeline since its table came into force, not of an engine: whoever leads reads the outcomes again, so a new
 * leader has the counts of the one before, and none counts twice. A new table is counted from its own time. The outcomes of the
 * last TRUTH_REPORTED_MS before it are read too, since nobody may have told the keeper of them; by a lead that begins, all of the
 * rollout, which its moves on the control topic name.
 *
 * The board is told too whether the counts are current: all feedback is read up to TALLY_BEHIND_MS ago. Who has just begun to
 * lead, or cannot read it, has counts that are not; an engine that does not lead any more says nothing of its own. So the keeper
 * knows when no truth has come, and when nobody looks for any.
 *
 * Private to engine/learn. */
#pragma once

#include "engine/learn/outcome_readers.h"

#define TALLY_BEHIND_MS 10000 /* who is no further behind has counted what has come */

/* `reader` is set, and stays where it is until it is closed. SYSTEM; nothing is to be closed then. */
bool tally_reader_open(const struct readers_context *context, const struct graph_experiment *experiment,
		       struct outcome_reader *reader, struct error *error);

/* The keeper is to know of each pipeline with truths, also where nobody succeeds in counting them: tells the board of the rollouts
 * of a pipeline that are in force. By an engine that need not lead. */
void tallies_announce(const struct pipeline_plan *pipeline, struct rollout_board *board);
