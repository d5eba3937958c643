/* ledger_tables.c: Bucket tables in a ledger: reads and removes their records. */
#include "base/memory.h"
#include "control/records/ledger_parts.h"
#include "compiler/step/assignment_table.h"

static void table_close_one(struct ledger_table *table)
{
	if (!table)
		return;
	memory_give(table->bytes);
	memory_give(table->shares);
	memory_give(table);
}

static void choice_close(struct ledger_choice *choice)
{
	for (size_t i = 0; i < choice->count; i++)
		table_close_one(choice->tables[i]);
	memory_give(choice->tables);
	memory_give((void *)(uintptr_t)choice->name.bytes);
	memory_give(choice);
}

void ledger_choices_close(struct ledger *ledger)
{
	for (struct list_node *node = ledger->choices.first, *next; node; node = next) {
		next = node->next;
		choice_close(LIST_OWNER(node, struct ledger_choice, node));
	}
}

/* ---- choices ---- */

struct ledger_choice *ledger_choice_find(const struct ledger *ledger, struct text name)
{
	return ledger_named_find(ledger, choice_key, name);
}

static struct ledger_choice *choice_of(struct ledger *ledger, struct text name, struct error *error)
{
	struct ledger_choice *choice = ledger_choice_find(ledger, name);
	if (choice)
		return choice;
	choice = memory_take(1, sizeof *choice);
	if (!choice) {
		error_memory(error, ERROR_SYSTEM, "reading the control topic");
		return NULL;
	}
	if (!ledger_name_keep(&choice->name, name, error) || !ledger_named_put(ledger, choice_key, choice->name, choice, error)) {
		choice_close(choice);
		return NULL;
	}
	list_add(&ledger->choices, &choice->node);
	return choice;
}

static void choice_forget(struct ledger *ledger, struct ledger_choice *choice)
{
	ledger_named_forget(ledger, choice_key, choice->name);
	list_remove(&choice->node);
	choice_close(choice);
}

/* ---- tables ---- */

static size_t table_index(const struct ledger_choice *choice, int64_t version)
{
	size_t at = choice->count;
	while (at > 0 && choice->tables[at - 1]->record.version >= version)
		at--;
	return at;
}

/* Takes the table, also on failure. */
static bool table_insert(struct ledger_choice *choice, struct ledger_table *table, struct error *error)
{
	size_t at = table_index(choice, table->record.version);
	if (at < choice->count && choice->tables[at]->record.version == table->record.version) {
		table_close_one(choice->tables[at]);
		choice->tables[at] = table;
		return true;
	}
	struct ledger_table **grown = ledger_gap_open(choice->tables, &choice->count, at, error);
	if (!grown) {
		table_close_one(table);
		return false;
	}
	choice->tables = grown;
	grown[at] = table;
	return true;
}

/* Whether the buckets belong to the shares. */
static bool table_is_valid(const struct control_table *record)
{
	unsigned char ways[ASSIGNMENT_BUCKETS];
	if (record->choice.length == 0 || record->choice.length > CONTROL_CHOICE_BYTES_MAX ||
	    !ledger_number_is_valid(record->version) || record->change > CONTROL_NUMBER_MAX)
		return false;
	if (record->shares.count == 0)
		return record->buckets.length == 0;
	return assignment_unpack(record->buckets, record->shares.count, ways);
}

static bool table_check(struct ledger *ledger, const struct control_table *record, struct text key, int64_t now_ms,
			struct error *error)
{
	struct buffer expected;
	if (!table_is_valid(record))
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "record `" TEXT_FORMAT "` has no table",
					    TEXT_ARGUMENTS(key));
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	table_key(record->choice, record->version, &expected);
	bool good = ledger_record_fits(ledger, key, &expected, record->namespace, record->time_ms, record->epoch, now_ms, error);
	buffer_close(&expected);
	return good;
}

bool ledger_table_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct ledger_table *table = memory_take(1, sizeof *table);
	bool good = table || error_memory(error, ERROR_SYSTEM, "reading the control topic");
	good = good && ledger_record_keep(ledger, &table_form, value, ledger->scratch, &table->bytes, &table->record, error) &&
	       table_check(ledger, &table->record, key, now_ms, error);
	if (good && !ledger_list_keep(&table->record.shares, sizeof(struct table_share), &table->shares))
		good = error_memory(error, ERROR_SYSTEM, "reading the control topic");
	struct ledger_choice *choice = good ? choice_of(ledger, table->record.choice, error) : NULL;
	if (!choice) {
		table_close_one(table);
		return false;
	}
	good = table_insert(choice, table, error);
	if (choice->count == 0)
		choice_forget(ledger, choice);
	return good;
}

void ledger_table_remove(struct ledger *ledger, struct text key)
{
	struct text prefix;
	int64_t version;
	if (!ledger_key_split(key, &prefix, &version))
		return;
	struct ledger_choice *choice = ledger_entry_find(ledger, prefix);
	size_t at = choice ? table_index(choice, version) : 0;
	if (!choice || at == choice->count || choice->tables[at]->record.version != version)
		return;
	table_close_one(choice->tables[at]);
	ledger_gap_close(choice->tables, &choice->count, at);
	if (choice->count == 0)
		choice_forget(ledger, choice);
}
