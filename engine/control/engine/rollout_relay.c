/* rollout_relay.c: see rollout_relay.h. */
#include "control/engine/rollout_relay.h"

#include "base/clock.h"
#include "control/records/control_tables.h"
#include "control/records/truth_record.h"

#define TABLE_BYTES_MAX ((size_t)1 << 20)
#define TALLY_BYTES_MAX ((size_t)64 << 20)

/* ---- tables ---- */

/* The table that the rollout names; NULL: it was not read. */
static const struct ledger_table *table_of(const struct ledger *ledger, const struct ledger_rollout *rollout)
{
	const struct ledger_choice *choice = ledger_choice_find(ledger, rollout->name);
	for (size_t i = choice ? choice->count : 0; i > 0; i--)
		if (choice->tables[i - 1]->record.version == rollout->record.table)
			return choice->tables[i - 1];
	return NULL;
}

/* Whether the counts under its table matter: it has not ended. */
static bool rollout_is_judged(const struct ledger_rollout *rollout)
{
	return !text_is(rollout->record.phase, rollout_phase_names[ROLLOUT_PROMOTED]) &&
	       !text_is(rollout->record.phase, rollout_phase_names[ROLLOUT_ROLLED_BACK]);
}

/* A time of the keeper, whose clock may have been ahead. */
static int64_t time_passed_ms(int64_t time_ms)
{
	const int64_t now_ms = time_of_day_ms();
	return time_ms < now_ms ? time_ms : now_ms;
}

/* When it began: as far as moves are kept. */
static int64_t rollout_began_ms(const struct ledger_rollout *rollout)
{
	size_t first = rollout->count;
	while (first > 1 && !rollout_move_begins(rollout->moves[first - 1]->record.evidence))
		first--;
	return first > 0 ? time_passed_ms(rollout->moves[first - 1]->record.time_ms) : 0;
}

/* ROLLOUT_PHASES: a keeper of another version has recorded it. */
static enum rollout_phase phase_of(const struct ledger_rollout *rollout)
{
	size_t phase = 0;
	while (phase < ROLLOUT_PHASES && !text_is(rollout->record.phase, rollout_phase_names[phase]))
		phase++;
	return (enum rollout_phase)phase;
}

static bool phase_relay(const struct ledger_rollout *rollout, struct rollout_board *board, struct error *error)
{
	struct arena *arena = arena_open(TABLE_BYTES_MAX);
	const char *name = arena ? arena_copy(arena, rollout->name.bytes, rollout->name.length) : NULL;
	const bool good = name && rollout_board_set_phase(board, name, phase_of(rollout));
	arena_close(arena);
	return good || error_memory(error, ERROR_SYSTEM, "reading the phase of a rollout");
}

static bool rollout_force(const struct ledger *ledger, const struct ledger_rollout *rollout, struct rollout_board *board,
			  struct error *error)
{
	const struct ledger_table *table = table_of(ledger, rollout);
	struct assignment_table copy;
	if (!table || table->record.shares.count == 0)
		return true;
	struct arena *arena = arena_open(TABLE_BYTES_MAX);
	bool good = arena && control_table_copy(table, arena, &copy);
	if (!good)
		(void)error_memory(error, ERROR_SYSTEM, "reading a bucket table");
	copy.stage = good && rollout->record.stage > 0 ? (uint32_t)rollout->record.stage : 0;
	copy.began_ms = rollout_began_ms(rollout);
	good = good && rollout_board_set(board, &copy, rollout_is_judged(rollout) ? time_passed_ms(table->record.time_ms) : 0,
					 rollout->record.limits.items, rollout->record.limits.count, error);
	arena_close(arena);
	return good;
}

static bool rollout_is_recorded(void *context, const char *experiment)
{
	const struct ledger_rollout *rollout = ledger_rollout_find(context, text_of(experiment));
	return rollout && rollout->has_record;
}

bool rollout_relay_look(struct rollout_relay *relay, const struct ledger *ledger, struct rollout_board *board, struct error *error)
{
	const struct ledger_rollout *rollout;
	bool good = true;
	if (relay->records == ledger->rollout_records)
		return true;
	relay->records = ledger->rollout_records;
	LIST_EACH_ROLLOUT(ledger, rollout)
	{
		if (rollout->has_record &&
		    (!phase_relay(rollout, board, error) || !rollout_force(ledger, rollout, board, error)))
			good = false;
	}
	rollout_board_keep(board, rollout_is_recorded, (void *)(uintptr_t)ledger);
	return good;
}

/* ---- counts ---- */

static bool variants_list(const struct rollout_reading *reading, struct arena *arena, struct record_list *list)
{
	struct variant_count *variants = ARENA_ARRAY(arena, struct variant_count, reading->count + 1);
	for (size_t i = 0; variants && i < reading->count; i++) {
		const struct rollout_variant *from = &reading->variants[i];
		struct slower_count *slower = ARENA_ARRAY(arena, struct slower_count, reading->limits + 1);
		for (size_t j = 0; slower && j < reading->limits; j++)
			slower[j] = (struct slower_count){from->slower[j].limit_us, (int64_t)from->slower[j].calls};
		variants[i] = (struct variant_count){.name = text_of(from->name),
						     .calls = (int64_t)from->calls,
						     .errors = (int64_t)from->errors,
						     .slower = {reading->limits, slower},
						     .cells = {unit_cells_size(reading->limits), from->cells}};
	}
	*list = (struct record_list){reading->count, variants};
	return !arena_failed(arena);
}

static bool truths_list(const struct rollout_reading *reading, struct arena *arena, struct record_list *list)
{
	struct pipeline_truth *truths = ARENA_ARRAY(arena, struct pipeline_truth, 2 * reading->pipelines + 1);
	size_t count = 0;
	for (size_t i = 0; truths && i < reading->pipelines; i++) {
		struct variant_truth *variants = ARENA_ARRAY(arena, struct variant_truth, reading->count + 1);
		const struct rollout_truths *from = &reading->truths[i];
		for (size_t j = 0; variants && j < reading->count; j++)
			variants[j] = truth_record_of(reading->variants[j].name, &from->counts[j], from->metrics,
						      from->metric_count, arena);
		truths[count++] = (struct pipeline_truth){text_of(from->pipeline), {reading->count, variants}};
		if (from->is_current)
			truths[count++] = (struct pipeline_truth){.pipeline = text_of(from->pipeline)};
	}
	*list = (struct record_list){count, truths};
	return !arena_failed(arena);
}

static bool experiments_list(struct rollout_board *board, struct arena *arena, struct record_list *list)
{
	const struct rollout_reading *readings;
	size_t count;
	if (!rollout_board_read(board, arena, &readings, &count))
		return false;
	struct experiment_tally *items = ARENA_ARRAY(arena, struct experiment_tally, count + 1);
	for (size_t i = 0; items && i < count; i++) {
		items[i] = (struct experiment_tally){.experiment = text_of(readings[i].experiment), .table = readings[i].table};
		if (!variants_list(&readings[i], arena, &items[i].variants) ||
		    !truths_list(&readings[i], arena, &items[i].truths))
			return false;
	}
	*list = (struct record_list){count, items};
	return !arena_failed(arena);
}

static bool tally_encode(const struct engine_tallies *tally, struct buffer *value)
{
	struct error lost = {0};
	buffer_clear(value);
	return record_encode(&tally_form, tally, value, &lost);
}

static void cells_drop(struct experiment_tally *experiment)
{
	struct variant_count *variants = (void *)(uintptr_t)experiment->variants.items;
	for (size_t i = 0; i < experiment->variants.count; i++)
		variants[i].cells.count = 0;
}

/* With the cells of as many experiments as fit. */
static bool tally_fit(const struct engine_tallies *tally, struct buffer *value)
{
	struct experiment_tally *items = (void *)(uintptr_t)tally->experiments.items;
	bool good = tally_encode(tally, value);
	for (size_t left = tally->experiments.count; !good && left > 0; left--) {
		cells_drop(&items[left - 1]);
		good = tally_encode(tally, value);
	}
	return good;
}

bool rollout_relay_tally(struct rollout_relay *relay, struct rollout_board *board, struct engine_tallies tally,
			 struct buffer *key, struct buffer *value)
{
	struct arena *arena = arena_open(TALLY_BYTES_MAX);
	bool good = arena && experiments_list(board, arena, &tally.experiments) && tally.experiments.count > 0;
	tally.sequence = ++relay->sequence;
	buffer_clear(key);
	buffer_clear(value);
	if (good)
		tally_key(tally.engine, key);
	good = good && tally_fit(&tally, value);
	arena_close(arena);
	return good;
}
