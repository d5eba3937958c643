/* rollout_changes.h: Changes of rollouts by a new version of their documents: whether a rollout goes on or begins anew, and what a
 * rollout that runs refuses. For the keeper, and for `sluice apply --dry-run`, which tells it before.
 *
 * A rollout goes on while its plan and its choices are the same. One that was rolled back begins anew with each new version, and
 * one that was promoted only with another plan or other choices. Pure.
 */
#pragma once

#include "control/keeper/rollout_table.h"

/* Whether the recorded rollout of that name goes on with the document of that version; its state is read then, too. */
bool rollout_goes_on(const struct ledger *ledger, const char *name, const struct rollout_document *document, int64_t version,
		     const struct control_rollout *record, struct rollout_state *state);

/* The rollout was in a stage, and has candidates with traffic. */
bool rollout_record_is_in_stage(const struct control_rollout *record);

double rollout_record_percent(const struct control_rollout *record);

/* "running in stage 2, with 50% for its candidates" */
void rollout_record_describe(const struct control_rollout *record, struct buffer *out);

/* " It replaces the rollout of version 1, which was running in stage 2, with 50% for its candidates."; nothing if that was in no
 * stage. False: nothing. */
bool rollout_record_replaced(const struct ledger_rollout *recorded, struct buffer *out);

/* Why a rollout that is in a stage refuses one of the items (struct proposal_item), in the arena; NULL: none does. SYSTEM. */
bool rollout_changes_fault(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const struct record_list *items,
			   struct arena *arena, const char **why, struct error *error);

/* What a new version makes of the rollout of an experiment. */
struct rollout_change {
	struct text kind, name; /* of the resource */
	const char *experiment;
	bool begins; /* anew; else it goes on */
	struct text sentence;
	struct control_table table; /* if it begins: with the buckets that move */
};

/* Lists the changes (struct rollout_change) of the items that apply; texts are in the arena, or of the items. SYSTEM. */
bool rollout_changes_find(const struct ledger *ledger, const struct keeper_rollout_reader *reader, const struct record_list *items,
			  int64_t now_ms, struct arena *arena, struct record_list *changes, struct error *error);
