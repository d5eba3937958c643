/* crew_state.h: Check of files that are read again: that they keep the state of their stages. For `sluice run`.
 */
#ifndef SLUICE_CLI_CREW_STATE_H
#define SLUICE_CLI_CREW_STATE_H

#include "plan/plan.h"

/* Whether each stage that keeps its changelog keeps the state of its steps: one whose steps with state have
 * other names would begin without it (state/identity.h), which ends an engine. CONFIG: one does not, and its
 * pipeline is not among `new_state`. */
bool crew_state_stays(const struct plan *before, const struct plan *now, struct name_list new_state, struct error *error);

#endif
