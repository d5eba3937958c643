/* keeper_tables.c: Bucket tables in decisions: written with the change that brings them, made again when a change before it
 * fails, and removed when they are no longer needed. */
#include "control/records/control_tables.h"
#include "control/keeper/keeper_parts.h"
#include "message/rows.h"

static struct text key_of(struct keeper *keeper, struct text choice, int64_t version)
{
	struct buffer key;
	buffer_open(&key, CONTROL_RECORD_BYTES_MAX);
	table_key(choice, version, &key);
	return buffer_kept(keeper->arena, &key);
}

static bool table_write(struct keeper *keeper, struct control_table record, int64_t now_ms, struct error *error)
{
	record.namespace = text_of(keeper->options.namespace);
	record.time_ms = now_ms;
	record.keeper = text_of(keeper->options.engine);
	record.epoch = keeper->ledger.epoch;
	return keeper_write(keeper, &table_form, &record, key_of(keeper, record.choice, record.version), now_ms, error);
}

/* ---- removal ---- */

/* Needed in any case: the newest table, after which versions continue; the one in force; and those that may still come
 * into force. */
static bool table_is_needed(const struct ledger *ledger, const struct ledger_choice *choice, const struct ledger_table *table)
{
	const struct ledger_change *change = ledger_change_find(ledger, table->record.change);
	return table == choice->tables[choice->count - 1] || table == control_table_at(ledger, choice, CONTROL_IN_FORCE) ||
	       (change && change->record.phase == CHANGE_ACCEPTED);
}

static bool tables_collect(struct keeper *keeper, struct text name, int64_t now_ms, struct error *error)
{
	const struct ledger_choice *choice = ledger_choice_find(&keeper->ledger, name);
	for (size_t i = 0; choice && choice->count > KEEPER_TABLES && i < choice->count;) {
		const struct ledger_table *table = choice->tables[i];
		if (table_is_needed(&keeper->ledger, choice, table))
			i++;
		else if (!keeper_write(keeper, NULL, NULL, key_of(keeper, name, table->record.version), now_ms, error))
			return false;
	}
	return true;
}

bool keeper_tables_need(const struct keeper *keeper, int64_t change)
{
	const struct ledger_choice *choice;
	LIST_EACH_CHOICE(&keeper->ledger, choice)
	{
		for (size_t i = 0; i < choice->count; i++)
			if (choice->tables[i]->record.change == change)
				return true;
	}
	return false;
}

/* ---- acceptance ---- */

bool keeper_table_write(struct keeper *keeper, struct control_table made, int64_t now_ms, struct error *error)
{
	const struct ledger_choice *choice = ledger_choice_find(&keeper->ledger, made.choice);
	made.version = choice ? choice->tables[choice->count - 1]->record.version + 1 : 1;
	return table_write(keeper, made, now_ms, error) && tables_collect(keeper, made.choice, now_ms, error);
}

bool keeper_tables_write(struct keeper *keeper, const struct record_list *tables, int64_t change, int64_t now_ms,
			 struct error *error)
{
	const struct control_table *made = tables->items;
	for (size_t i = 0; i < tables->count; i++) {
		struct control_table record = made[i];
		record.change = change;
		if (!keeper_table_write(keeper, record, now_ms, error))
			return false;
	}
	return true;
}

/* ---- when a change has failed ---- */

/* Makes a table of `former` again, with its own shares, and writes it if it is another one then. */
static bool table_remake(struct keeper *keeper, const struct ledger_table *former, const struct ledger_table *table,
			 int64_t now_ms, struct error *error)
{
	struct assignment_table before = {0}, own;
	struct control_table record = table->record;
	if ((former && !control_table_copy(former, keeper->arena, &before)) || !control_table_copy(table, keeper->arena, &own))
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	const struct assignment_tables tables = {former ? 1 : 0, &before};
	const struct assignment *made = assignment_choose(keeper->arena, &tables, own.choice, own.shares, own.count);
	if (!made || !control_table_fill(&record, made, own.shares, former ? &before : NULL, keeper->arena))
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	if (control_table_is(table, made) && record.moved == table->record.moved)
		return true;
	return table_write(keeper, record, now_ms, error);
}

static bool choice_remake(struct keeper *keeper, const struct ledger_choice *choice, int64_t now_ms, struct error *error)
{
	const struct ledger_table *former = NULL;
	for (size_t i = 0; i < choice->count; i++) {
		const struct ledger_change *change = ledger_change_find(&keeper->ledger, choice->tables[i]->record.change);
		if (!change || change->record.phase == CHANGE_FAILED)
			continue;
		if (change->record.phase == CHANGE_ACCEPTED && choice->tables[i]->record.shares.count > 0 &&
		    !table_remake(keeper, former, choice->tables[i], now_ms, error))
			return false;
		former = choice->tables[i];
	}
	return true;
}

bool keeper_tables_remake(struct keeper *keeper, int64_t now_ms, struct error *error)
{
	const struct ledger_choice *choice;
	if (keeper->ledger.accepted == 0)
		return true;
	LIST_EACH_CHOICE(&keeper->ledger, choice)
	{
		if (!choice_remake(keeper, choice, now_ms, error))
			return false;
	}
	return true;
}
