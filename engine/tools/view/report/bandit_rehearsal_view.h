/* bandit_rehearsal_view.h: View of a rehearsal of bandits: the policies that they would have had, as lines or as JSON. */
#ifndef SLUICE_TOOLS_VIEW_REPORT_BANDIT_REHEARSAL_VIEW_H
#define SLUICE_TOOLS_VIEW_REPORT_BANDIT_REHEARSAL_VIEW_H

#include "base/arena.h"
#include "experiments/analysis/bandit_rehearsal.h"

#define REHEARSED_POLICIES_SHOWN 20 /* of more policies so many, the first and the last among them */

void bandit_rehearsal_print(const struct bandit_rehearsal *rehearsal, struct arena *arena, struct buffer *out);

void bandit_rehearsal_print_json(const struct bandit_rehearsal *rehearsal, struct buffer *out); /* an object */

#endif
