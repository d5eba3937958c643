/* ledger_rollouts.c: Rollouts in a ledger: reads and removes the records of their states and of their moves. */
#include "base/memory.h"
#include "control/records/ledger_parts.h"

#define LISTS_BYTES_MAX ((size_t)16 << 20) /* of a record of 1 MiB */

static void move_close(struct ledger_move *move)
{
	if (!move)
		return;
	memory_give(move->bytes);
	memory_give(move);
}

static void record_close(struct ledger_rollout *rollout)
{
	memory_give(rollout->bytes);
	arena_close(rollout->lists);
	rollout->bytes = NULL;
	rollout->lists = NULL;
	rollout->has_record = false;
}

static void rollout_close(struct ledger_rollout *rollout)
{
	record_close(rollout);
	for (size_t i = 0; i < rollout->count; i++)
		move_close(rollout->moves[i]);
	memory_give(rollout->moves);
	memory_give((void *)(uintptr_t)rollout->name.bytes);
	memory_give(rollout);
}

void ledger_rollouts_close(struct ledger *ledger)
{
	for (struct list_node *node = ledger->rollouts.first, *next; node; node = next) {
		next = node->next;
		rollout_close(LIST_OWNER(node, struct ledger_rollout, node));
	}
}

/* ---- rollouts ---- */

struct ledger_rollout *ledger_rollout_find(const struct ledger *ledger, struct text experiment)
{
	return ledger_named_find(ledger, rollout_key, experiment);
}

static struct ledger_rollout *rollout_of(struct ledger *ledger, struct text name, struct error *error)
{
	struct ledger_rollout *rollout = ledger_rollout_find(ledger, name);
	if (rollout)
		return rollout;
	rollout = memory_take(1, sizeof *rollout);
	if (!rollout) {
		error_memory(error, ERROR_SYSTEM, "reading the control topic");
		return NULL;
	}
	if (!ledger_name_keep(&rollout->name, name, error) ||
	    !ledger_named_put(ledger, rollout_key, rollout->name, rollout, error)) {
		rollout_close(rollout);
		return NULL;
	}
	list_add(&ledger->rollouts, &rollout->node);
	return rollout;
}

/* Forgets a rollout of which nothing is left. */
static void rollout_sweep(struct ledger *ledger, struct ledger_rollout *rollout)
{
	if (rollout->has_record || rollout->count > 0)
		return;
	ledger_named_forget(ledger, rollout_key, rollout->name);
	list_remove(&rollout->node);
	rollout_close(rollout);
}

/* ---- states ---- */

static bool state_decode(struct ledger *ledger, struct text value, struct ledger_rollout *read, struct error *error)
{
	read->lists = arena_open(LISTS_BYTES_MAX);
	if (!read->lists)
		return error_memory(error, ERROR_SYSTEM, "reading the control topic");
	return ledger_record_keep(ledger, &rollout_form, value, read->lists, &read->bytes, &read->record, error);
}

static bool state_check(struct ledger *ledger, const struct control_rollout *record, struct text key, int64_t now_ms,
			struct error *error)
{
	struct buffer expected;
	if (!control_choice_is_valid(record->experiment) || record->table < 0 || record->table > CONTROL_NUMBER_MAX ||
	    record->moves < 0 || record->moves > CONTROL_NUMBER_MAX)
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "record `" TEXT_FORMAT "` has no rollout",
					    TEXT_ARGUMENTS(key));
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	rollout_key(record->experiment, &expected);
	bool good = ledger_record_fits(ledger, key, &expected, record->namespace, record->time_ms, record->epoch, now_ms, error);
	buffer_close(&expected);
	return good;
}

bool ledger_rollout_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct ledger_rollout read = {0}, *rollout = NULL;
	if (state_decode(ledger, value, &read, error) && state_check(ledger, &read.record, key, now_ms, error))
		rollout = rollout_of(ledger, read.record.experiment, error);
	if (!rollout) {
		record_close(&read);
		return false;
	}
	record_close(rollout);
	rollout->record = read.record;
	rollout->bytes = read.bytes;
	rollout->lists = read.lists;
	rollout->has_record = true;
	ledger->rollout_records++;
	return true;
}

void ledger_rollout_remove(struct ledger *ledger, struct text key)
{
	struct ledger_rollout *rollout = ledger_entry_find(ledger, key);
	if (!rollout)
		return;
	record_close(rollout);
	ledger->rollout_records++;
	rollout_sweep(ledger, rollout);
}

/* ---- moves ---- */

static size_t move_index(const struct ledger_rollout *rollout, int64_t number)
{
	size_t at = rollout->count;
	while (at > 0 && rollout->moves[at - 1]->record.number >= number)
		at--;
	return at;
}

/* Takes the move, also on failure. */
static bool move_insert(struct ledger_rollout *rollout, struct ledger_move *move, struct error *error)
{
	size_t at = move_index(rollout, move->record.number);
	if (at < rollout->count && rollout->moves[at]->record.number == move->record.number) {
		move_close(rollout->moves[at]);
		rollout->moves[at] = move;
		return true;
	}
	struct ledger_move **grown = ledger_gap_open(rollout->moves, &rollout->count, at, error);
	if (!grown) {
		move_close(move);
		return false;
	}
	rollout->moves = grown;
	grown[at] = move;
	return true;
}

static bool move_check(struct ledger *ledger, const struct control_move *record, struct text key, int64_t now_ms,
		       struct error *error)
{
	struct buffer expected;
	if (!control_choice_is_valid(record->experiment) || !ledger_number_is_valid(record->number))
		return ledger_record_refuse(ledger, LEDGER_REFUSED_BROKEN, error, "record `" TEXT_FORMAT "` has no move",
					    TEXT_ARGUMENTS(key));
	buffer_open(&expected, LEDGER_KEY_BYTES_MAX);
	move_key(record->experiment, record->number, &expected);
	bool good = ledger_record_fits(ledger, key, &expected, record->namespace, record->time_ms, record->epoch, now_ms, error);
	buffer_close(&expected);
	return good;
}

bool ledger_move_fold(struct ledger *ledger, struct text key, struct text value, int64_t now_ms, struct error *error)
{
	struct ledger_move *move = memory_take(1, sizeof *move);
	bool good = move || error_memory(error, ERROR_SYSTEM, "reading the control topic");
	good = good && ledger_record_keep(ledger, &move_form, value, ledger->scratch, &move->bytes, &move->record, error) &&
	       move_check(ledger, &move->record, key, now_ms, error);
	struct ledger_rollout *rollout = good ? rollout_of(ledger, move->record.experiment, error) : NULL;
	if (!rollout) {
		move_close(move);
		return false;
	}
	good = move_insert(rollout, move, error);
	ledger->move_records++;
	rollout_sweep(ledger, rollout);
	return good;
}

void ledger_move_remove(struct ledger *ledger, struct text key)
{
	struct text prefix;
	int64_t number;
	if (!ledger_key_split(key, &prefix, &number) || prefix.length <= MOVE_KEY_PREFIX.length)
		return;
	struct text name = text_from(prefix, MOVE_KEY_PREFIX.length);
	struct ledger_rollout *rollout = ledger_rollout_find(ledger, name);
	size_t at = rollout ? move_index(rollout, number) : 0;
	if (!rollout || at == rollout->count || rollout->moves[at]->record.number != number)
		return;
	ledger->move_records++;
	move_close(rollout->moves[at]);
	ledger_gap_close(rollout->moves, &rollout->count, at);
	rollout_sweep(ledger, rollout);
}
