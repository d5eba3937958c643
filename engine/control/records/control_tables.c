/* control_tables.c: see control_tables.h. */
#include "control/records/control_tables.h"

#include <inttypes.h>
#include <stdio.h>

#include "message/rows.h"

#define TABLE_NAME_DIGITS 16 /* as in exposures */

/* ---- which ---- */

static enum change_phase table_phase(const struct ledger *ledger, const struct ledger_table *table)
{
	const struct ledger_change *change = ledger_change_find(ledger, table->record.change);
	return change ? (enum change_phase)change->record.phase : CHANGE_FAILED;
}

static bool table_is_at(const struct ledger *ledger, const struct ledger_table *table, int64_t change)
{
	enum change_phase phase = table_phase(ledger, table);
	return phase == CHANGE_ACTIVE || (change == CONTROL_ACCEPTED && phase == CHANGE_ACCEPTED);
}

const struct ledger_table *control_table_at(const struct ledger *ledger, const struct ledger_choice *choice, int64_t change)
{
	for (size_t i = choice->count; change > CONTROL_IN_FORCE && i > 0; i--)
		if (choice->tables[i - 1]->record.change == change)
			return choice->tables[i - 1];
	for (size_t i = choice->count; i > 0; i--)
		if (table_is_at(ledger, choice->tables[i - 1], change))
			return choice->tables[i - 1];
	return NULL;
}

const struct control_version *control_choice_version(const struct ledger *ledger, struct text name)
{
	const struct ledger_resource *own = ledger_resource_find(ledger, TEXT("Experiment"), name);
	const struct ledger_choice *choice = own ? NULL : ledger_choice_find(ledger, name);
	const struct ledger_table *table = choice ? control_table_at(ledger, choice, CONTROL_IN_FORCE) : NULL;
	if (table && table->record.shares.count > 0)
		own = ledger_resource_find(ledger, table->record.kind, table->record.name);
	return ledger_applied(ledger, own);
}

/* ---- copies ---- */

bool control_table_copy(const struct ledger_table *table, struct arena *arena, struct assignment_table *copy)
{
	const struct control_table *record = &table->record;
	const struct table_share *from = record->shares.items;
	struct share *shares = ARENA_ARRAY(arena, struct share, record->shares.count);
	*copy = (struct assignment_table){.choice = arena_copy(arena, record->choice.bytes, record->choice.length),
					  .version = record->version,
					  .count = record->shares.count,
					  .shares = shares,
					  .packed = text_copied(arena, record->buckets)};
	for (size_t i = 0; shares && i < copy->count; i++) {
		const char *name = arena_copy(arena, from[i].name.bytes, from[i].name.length);
		shares[i] = (struct share){name, (double)from[i].buckets};
	}
	return !arena_failed(arena);
}

bool control_tables_open(struct assignment_tables *tables, const struct ledger *ledger, int64_t change, struct arena *arena)
{
	const struct ledger_choice *choice;
	*tables = (struct assignment_tables){
		.items = ARENA_ARRAY(arena, struct assignment_table, list_length(&ledger->choices))};
	if (!tables->items)
		return false;
	LIST_EACH_CHOICE(ledger, choice)
	{
		const struct ledger_table *table = control_table_at(ledger, choice, change);
		if (!table)
			continue;
		const struct ledger_rollout *rollout = ledger_rollout_find(ledger, choice->name);
		struct assignment_table *copy = &tables->items[tables->count++];
		if (!control_table_copy(table, arena, copy))
			return false;
		copy->moves = rollout && rollout->has_record;
	}
	assignment_tables_sort(tables);
	return true;
}

/* ---- contents of a record ---- */

static int64_t moved_from(const struct assignment_table *former, const struct assignment *assignment, const struct share *shares)
{
	unsigned char ways[ASSIGNMENT_BUCKETS];
	if (!former || !assignment_unpack(former->packed, former->count, ways))
		return 0;
	const struct assignment before = {.count = former->count, .ways = ways};
	return (int64_t)assignment_moved(&before, former->shares, assignment, shares);
}

static struct text packed_in(const struct assignment *assignment, struct arena *arena)
{
	struct buffer packed;
	buffer_open(&packed, ASSIGNMENT_BUCKETS);
	assignment_pack(assignment, &packed);
	return buffer_kept(arena, &packed);
}

bool control_table_fill(struct control_table *record, const struct assignment *assignment, const struct share *shares,
			const struct assignment_table *former, struct arena *arena)
{
	struct table_share *filled = ARENA_ARRAY(arena, struct table_share, assignment->count);
	if (!filled)
		return false;
	for (size_t i = 0; i < assignment->count; i++)
		filled[i] = (struct table_share){.name = text_of(shares[i].name)};
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		filled[assignment->ways[i]].buckets++;
	record->shares = (struct record_list){assignment->count, filled};
	record->buckets = packed_in(assignment, arena);
	record->table = text_of(arena_print(arena, "%016" PRIx64, assignment->version));
	record->moved = moved_from(former, assignment, shares);
	return !arena_failed(arena) && (record->buckets.bytes || assignment->count == 1);
}

bool control_table_is(const struct ledger_table *table, const struct assignment *assignment)
{
	char name[TABLE_NAME_DIGITS + 1];
	(void)snprintf(name, sizeof name, "%016" PRIx64, assignment->version);
	return text_is(table->record.table, name);
}
