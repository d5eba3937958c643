/* change_order.h: Order of changes: which undecided change must wait for which earlier one. Changes that have nothing to do with
 * each other do not wait, so one whose model is unreachable holds up none of the others.
 *
 * The keeper gives each version of a change a label with the names that its documents need: what they call and read, and what that
 * needs in turn; also what the documents before it needed, which may be deleted only after it. A change waits for an earlier
 * undecided one if one of them has a resource of a name that the other has or needs.
 *
 * A change without these labels waits for all earlier ones, and all later ones wait for it: a former release wrote it; it has a
 * kind that may matter to all pipelines, as a Server or a SeldonRuntime; it moves the bucket table of a resource that it does not
 * have; or it needs more than CHANGE_NEEDS_MAX names. So the keeper and the engines of a former release, which know no labels,
 * decide in the order of acceptance.
 *
 * Pure.
 */
#pragma once

#include "control/records/ledger.h"
#include "compiler/plan/plan.h"

#define CHANGE_NEEDS_MAX 200

/* A proposal, the plan of all documents after it, and the bucket tables (struct control_table) that it changes. */
struct proposed_change {
	const struct record_list *items; /* struct proposal_item: APPLY or DELETE */
	const struct spec *spec;
	const struct plan *plan;
	const struct ledger *accepted;
	const struct record_list *tables;
};

/* Adds the labels of its items to a list of struct state_label (control/keeper/state_labels.h); both are in the arena. Adds none if
 * the change is to wait for all. False: memory ran out. */
bool change_needs_propose(const struct proposed_change *proposed, struct arena *arena, struct record_list *labels);

/* Whether an undecided change waits for an earlier one. */
bool change_waits(const struct ledger *ledger, const struct ledger_change *change);
