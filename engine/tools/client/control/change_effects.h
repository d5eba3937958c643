/* change_effects.h: Effects of a proposal on consumer groups, topics, state and bandits, as `sluice apply`, `diff` and `rollback`
 * print them (compiler/print/plan_diff.h).
 *
 * A step that gets back a changelog which an earlier version of its pipeline had goes on with the state as that was left. The
 * ledger knows since when: its requests after that are not in the state, and the effect says so.
 */
#pragma once

#include "control/keeper/document_check.h"
#include "compiler/yaml/workspace.h"

/* Of which effects lines are printed. */
enum effects_extent {
	EFFECTS_ALL,
	EFFECTS_KEPT,  /* of groups, state and bandits of pipelines that stay */
	EFFECTS_STARTS /* of how bandits start */
};

struct change_effects {
	bool json; /* one object in each line */
	struct document_checker checker;
	const struct ledger *ledger;
	enum effects_extent extent;
};

/* Prints a line for each effect of the items (struct proposal_item: APPLY or DELETE), which fit. False: SYSTEM. */
bool change_effects_print(struct change_effects *effects, const struct record_list *items, struct buffer *out, struct error *error);
