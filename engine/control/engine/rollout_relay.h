/* rollout_relay.h: Relay of rollouts in an engine: puts the bucket tables that the keeper has recorded into force
 * (experiments/rollouts/rollout_board.h). It lists what the engine has counted of them, for its tally on `status`.
 *
 * Called by the follower (control/engine/follower.h), from its loop.
 */
#pragma once

#include "control/records/ledger.h"
#include "experiments/rollouts/rollout_board.h"

/* Starts as {0}. */
struct rollout_relay {
	uint64_t records; /* of rollouts that were read when it last looked */
	int64_t sequence;
};

/* Puts into force what has been recorded since the last look. A table that cannot be used is left out: `error` then has the
 * reason, and the one before stays. */
bool rollout_relay_look(struct rollout_relay *relay, const struct ledger *ledger, struct rollout_board *board,
			struct error *error);

/* Writes the key and the record of the engine's tally. Where the buffer of the record is too small, as many experiments as it takes
 * lack the cells of units, which are nearly all of it, so that the counts arrive: the keeper takes these for unknown, as those of
 * engines whose cells do not fit its own record. False: no rollout is in force, the counts alone do not fit, or memory ran out. */
bool rollout_relay_tally(struct rollout_relay *relay, struct rollout_board *board, struct engine_tallies tally,
			 struct buffer *key, struct buffer *value);
