/* rollout_table.h: Bucket table of a rollout: made of the one in force, for the weights of a state. Pure. */
#pragma once

#include "control/records/control_tables.h"
#include "control/keeper/rollout_document.h"

/* Sets the record but its version, change and time, with as few buckets moved as must. What is set is in the arena, and borrows
 * `name`. False: SYSTEM. */
bool rollout_table_make(const struct ledger *ledger, const char *name, const struct rollout_document *document,
			const struct rollout_state *state, struct arena *arena, struct control_table *record, struct error *error);
