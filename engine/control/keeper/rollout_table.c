/* rollout_table.c: see rollout_table.h. */
#include "control/keeper/rollout_table.h"

bool rollout_table_make(const struct ledger *ledger, const char *name, const struct rollout_document *document,
			const struct rollout_state *state, struct arena *arena, struct control_table *record, struct error *error)
{
	const struct ledger_choice *choice = ledger_choice_find(ledger, text_of(name));
	const struct ledger_table *former = choice ? control_table_at(ledger, choice, CONTROL_IN_FORCE) : NULL;
	const bool has_former = former && former->record.shares.count > 0;
	struct share shares[ROLLOUT_CHOICES_MAX];
	struct assignment_table before = {0};
	rollout_document_shares(document, rollout_percent(&document->plan, state), shares);
	if (has_former && !control_table_copy(former, arena, &before))
		return error_memory(error, ERROR_SYSTEM, "making the table of a rollout");
	const struct assignment_tables tables = {has_former ? 1 : 0, &before};
	const struct assignment *made = assignment_choose(arena, &tables, name, shares, document->count);
	*record = (struct control_table){.choice = text_of(name),
					 .kind = has_former ? former->record.kind : TEXT("Experiment"),
					 .name = has_former ? former->record.name : text_of(name)};
	return (made && control_table_fill(record, made, shares, has_former ? &before : NULL, arena)) ||
	       error_memory(error, ERROR_SYSTEM, "making the table of a rollout");
}
