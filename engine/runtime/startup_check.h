/* startup_check.h: what of a plan cannot be run yet, said before anything starts. For
 * `sluice run`.
 */
#ifndef SLUICE_RUNTIME_STARTUP_CHECK_H
#define SLUICE_RUNTIME_STARTUP_CHECK_H

#include "plan/plan.h"

/* Whether every pipeline of the plan can run as it is written; a CONFIG error names the
 * first that cannot, why, and what to do. The arena is for what is found on the way. */
bool startup_check(const struct plan *plan, struct arena *arena, struct error *error);

/* Whether nothing among the faults protects and is not in force: CONFIG. */
bool startup_check_protection(const struct faults *faults, struct error *error);

#endif
