/* startup_check.h: Check of a plan for parts that cannot run yet, before anything starts. For `sluice run`. */
#ifndef SLUICE_ENGINE_SETUP_STARTUP_CHECK_H
#define SLUICE_ENGINE_SETUP_STARTUP_CHECK_H

#include "compiler/plan/plan.h"

/* Whether every pipeline of the plan can run as it is written. A CONFIG error names the first that cannot, the
 * reason, and what to do. The arena is for memory of the check. */
bool startup_check(const struct plan *plan, struct arena *arena, struct error *error);

/* Whether the faults report no protection that is requested but not enforced; otherwise CONFIG. `has_gateway`: the
 * caller has a gateway, which checks by itself what it enforces (gateway/access/access_settings.h). */
bool startup_check_protection(const struct faults *faults, bool has_gateway, struct error *error);

#endif
