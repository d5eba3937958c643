/* experiments_rehearsal.h: Rehearsal of an experiment's rollout with recorded requests, for `sluice experiments rollout --dry-run`
 * (experiments/rollouts/rollout_rehearsal.h). */
#pragma once

#include "tools/client/data/experiment_data.h"

/* Appends what the rollout would have done. CONFIG: the experiment has no rollout; else as experiment_data_open(). */
bool experiments_rehearse(const struct workspace *workspace, const char *name, const struct experiment_asked *asked, bool json,
			  struct arena *arena, struct buffer *out, struct error *error);
