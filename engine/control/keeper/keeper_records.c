/* keeper_records.c: Records that a step of the keeper returns, and their keys; see keeper_parts.h. */
#include "control/keeper/keeper_parts.h"
#include "message/rows.h"

#define RECORDS_AT_FIRST 16

static bool record_list(struct keeper *keeper, struct text key, struct text value)
{
	struct keeper_record *records =
		arena_grow(keeper->arena, keeper->records, keeper->count, &keeper->room, RECORDS_AT_FIRST, sizeof *records);
	if (!records)
		return false;
	keeper->records = records;
	records[keeper->count++] = (struct keeper_record){key, value};
	return true;
}

bool keeper_write(struct keeper *keeper, const struct record_form *form, const void *record, struct text key, int64_t now_ms,
		  struct error *error)
{
	struct text value = {0};
	buffer_clear(&keeper->bytes);
	if (form && !record_encode(form, record, &keeper->bytes, error))
		return false;
	if (form)
		value = text_copied(keeper->arena, buffer_view(&keeper->bytes));
	if (arena_failed(keeper->arena) || !key.bytes || !record_list(keeper, key, value))
		return error_memory(error, ERROR_SYSTEM, "deciding a proposal");
	return ledger_fold(&keeper->ledger, key, value, now_ms, error);
}

struct text keeper_key_of_version(struct keeper *keeper, struct text kind, struct text name, int64_t version)
{
	struct buffer key;
	buffer_open(&key, CONTROL_RECORD_BYTES_MAX);
	version_key(kind, name, version, &key);
	return buffer_kept(keeper->arena, &key);
}

struct text keeper_key_of_change(struct keeper *keeper, int64_t number)
{
	struct buffer key;
	buffer_open(&key, CONTROL_RECORD_BYTES_MAX);
	change_key(number, &key);
	return buffer_kept(keeper->arena, &key);
}

struct text keeper_key_of_verdict(struct keeper *keeper, struct text id)
{
	struct buffer key;
	buffer_open(&key, CONTROL_RECORD_BYTES_MAX);
	verdict_key(id, &key);
	return buffer_kept(keeper->arena, &key);
}

bool keeper_ignore(struct keeper *keeper, const char *why)
{
	keeper->refused++;
	keeper->last_refused = (struct error){0};
	(void)error_set(&keeper->last_refused, ERROR_INPUT, PLACE_NONE, "%s", why);
	return true;
}

int64_t keeper_resume(const struct keeper *keeper)
{
	const struct list_node *first = keeper->waiting.first;
	return first ? LIST_OWNER(first, const struct waiting_proposal, node)->offset : keeper->next_offset;
}
