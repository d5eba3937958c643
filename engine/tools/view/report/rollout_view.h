/* rollout_view.h: View of rollouts for commands: the state and the counts of each as the keeper has recorded them, and its
 * moves. */
#pragma once

#include "control/records/ledger.h"

/* One rollout as text or, with `json`, as one object in a line; also the next version of its document, which was accepted and is
 * not in force, as a deletion that an engine cannot run. */
void rollout_view_print(const struct ledger *ledger, const struct ledger_rollout *rollout, bool json, struct arena *arena,
			struct buffer *out);

/* All rollouts, one in a line. Returns their number. */
size_t rollouts_view_print(const struct ledger *ledger, bool json, struct arena *arena, struct buffer *out);

/* The moves, the newest first. */
void rollout_moves_print(const struct ledger_rollout *rollout, bool json, struct arena *arena, struct buffer *out);

/* The rollout of an experiment. NULL: CONFIG, none was ever recorded. */
const struct ledger_rollout *rollout_view_find(const struct ledger *ledger, const char *experiment, struct error *error);
