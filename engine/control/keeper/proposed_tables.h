/* proposed_tables.h: Bucket tables that a proposal changes: those in the plan of all documents that differ from the accepted
 * ones.
 *
 * The plan was made with the accepted tables (spec.tables). So each of its tables is the accepted one, with as few
 * buckets moved as its weights need; or a first one. While the accepted table is not in force, because its change is
 * undecided, the proposed resource gets a table of its own, though it may be equal: that change may fail. A choice that
 * the plan lacks gets a table without shares. A choice whose name has more than CONTROL_CHOICE_BYTES_MAX bytes has no
 * record, and its table follows from its weights.
 */
#pragma once

#include "control/records/ledger.h"
#include "compiler/plan/plan.h"

/* `items` (struct proposal_item) are those of the proposal. Lists the tables (struct control_table) in `tables`, by the
 * names of their choices; all is in `arena`. `scratch` lives until then. False: memory ran out. */
bool proposed_tables(const struct plan *plan, const struct record_list *items, const struct ledger *accepted,
		     struct arena *scratch, struct arena *arena, struct record_list *tables);
