/* learner_reader.h: Reader of outcomes that learns the policy of an experiment with bandits (experiments/bandits/learner.h).
 *
 * Every `updateInterval` it writes a record: the policy, the learner, and the positions up to which it was given exposures and
 * outcomes, in a transaction of the lead. So whoever leads next goes on from it, and each reward counts once. A reader without a
 * record, or with one that its learner cannot go on from, begins anew with all outcomes that the topic has, and writes its first
 * policy when it has read them.
 *
 * Records of before there were outcomes have the positions up to which feedback was learnt. Outcomes of that feedback, which is
 * joined once more, teach nothing.
 *
 * Private to engine/learn. */
#pragma once

#include "engine/learn/outcome_readers.h"

/* Begins to read as the last record of the policy topic says. `reader` is set, and stays where it is until it is closed. LIMIT:
 * that record was written by another version of sluice; SYSTEM. Nothing is to be closed then. */
bool learner_reader_open(const struct readers_context *context, const struct graph_experiment *experiment,
			 struct outcome_reader *reader, struct error *error);
