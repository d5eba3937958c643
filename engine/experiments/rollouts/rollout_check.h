/* rollout_check.h: Check that the rollouts of files could run, so that no command takes weights from one that could not.
 *
 * Where it finds that one could not, it adds a fault, as the check of a field does.
 */
#pragma once

#include "experiments/rollouts/rollout_plan.h"
#include "compiler/resources/resource.h"

/* Makes the plan of an experiment's rollout. False: it could not run. Without a default that is a warning: the weights split the
 * traffic then. */
bool rollout_check(const struct experiment_spec *experiment, struct rollout_plan *plan, struct faults *faults);

/* Checks each rollout of the files, also those that are written in steps. Experiments with errors are left out, as all are while
 * any document has one. */
void rollouts_check(const struct spec *spec, struct arena *arena);
