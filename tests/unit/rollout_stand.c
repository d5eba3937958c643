/* rollout_stand.c: see rollout_stand.h. */
#include "tests/unit/rollout_stand.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct counting_engine one, two;

int rollout_stand_open(void **state)
{
	one = (struct counting_engine){.name = "one", .pipeline = "p", .started_ms = 10};
	two = (struct counting_engine){.name = "two", .pipeline = "p", .started_ms = 20};
	return table_stand_open(state);
}

const struct ledger_rollout *rollout(void)
{
	return ledger_rollout_find(keeper_ledger(table_stand.keeper), TEXT("e"));
}

const struct control_move *move(size_t number)
{
	const struct ledger_rollout *found = rollout();
	for (size_t i = 0; found && i < found->count; i++)
		if (found->moves[i]->record.number == (int64_t)number)
			return &found->moves[i]->record;
	fail_msg("there is no move %zu", number);
	return NULL;
}

bool phase_is(const char *phase, int64_t stage)
{
	return rollout() && rollout()->has_record && text_is(rollout()->record.phase, phase) && rollout()->record.stage == stage;
}

bool evidence_has(size_t number, const char *words)
{
	const struct text evidence = move(number)->evidence;
	return memmem(evidence.bytes, evidence.length, words, strlen(words)) != NULL;
}

int64_t buckets_of_b(void)
{
	const struct control_table *table = table_in_force("e");
	const struct table_share *shares = table->shares.items;
	assert_true(text_is(shares[1].name, "b"));
	return shares[1].buckets;
}

void engine_follow(struct counting_engine *engine)
{
	const int64_t table = table_in_force("e")->version;
	if (table == engine->table)
		return;
	engine->table = table;
	memset(engine->calls, 0, sizeof engine->calls);
	memset(engine->errors, 0, sizeof engine->errors);
	memset(engine->slow, 0, sizeof engine->slow);
	memset(engine->truths, 0, sizeof engine->truths);
	memset(engine->right, 0, sizeof engine->right);
	memset(engine->waiting, 0, sizeof engine->waiting);
	memset(engine->late, 0, sizeof engine->late);
	engine->metric_count = 0;
}

void engine_restart(struct counting_engine *engine)
{
	engine->table = -1;
	engine->started_ms += 1000;
	engine_follow(engine);
}

/* Shares a number out over the first groups. */
static void cells_share(int64_t *cells, size_t groups, size_t number, int64_t count)
{
	for (size_t i = 0; i < groups; i++)
		cells[unit_cells_at(i, 1) + number] =
			count * (int64_t)(i + 1) / (int64_t)groups - count * (int64_t)i / (int64_t)groups;
}

static struct record_list cells_of(const struct counting_engine *engine, size_t choice, int64_t *cells)
{
	if (engine->failing == 0)
		return (struct record_list){0};
	cells_share(cells, DESIGN_GROUPS, CELL_CALLS, engine->calls[choice]);
	cells_share(cells, engine->failing, CELL_ERRORS, engine->errors[choice]);
	return (struct record_list){unit_cells_size(1), cells};
}

void engine_tell(struct counting_engine *engine)
{
	int64_t cells[2][UNIT_CELLS * (CELL_SLOWER + 1)] = {0};
	static const char *const names[] = {"a", "b"};
	struct slower_count slower[2];
	struct variant_count variants[2];
	struct variant_truth truths[2];
	struct error error = {0};
	for (size_t i = 0; i < 2; i++) {
		slower[i] = (struct slower_count){LIMIT_US, engine->slow[i]};
		variants[i] = (struct variant_count){.name = text_of(names[i]),
						     .calls = engine->calls[i],
						     .errors = engine->errors[i],
						     .slower = {1, &slower[i]},
						     .cells = cells_of(engine, i, cells[i])};
		truths[i] = (struct variant_truth){text_of(names[i]),
						   engine->truths[i],
						   engine->right[i] * TRUTH_SCALE,
						   engine->right[i] * TRUTH_SCALE * TRUTH_SCALE,
						   engine->truths[i] + engine->repeats,
						   {engine->metric_count, engine->metrics[i]},
						   engine->truths[i] + engine->repeats + engine->waiting[i],
						   engine->late[i]};
	}
	const struct pipeline_truth pipelines[] = {{.pipeline = text_of(engine->pipeline)},
						   {text_of(engine->pipeline), {2, truths}}};
	const bool has_truths = engine->truths[0] > 0 || engine->waiting[1] > 0 || engine->late[1] > 0 || engine->metric_count > 0;
	const struct record_list told = {(size_t)!engine->is_behind + has_truths, &pipelines[engine->is_behind]};
	const struct experiment_tally tally = {TEXT("e"), engine->table, {2, variants}, told};
	const struct engine_tallies record = {.namespace = TEXT("default"),
					      .engine = text_of(engine->name),
					      .started_ms = engine->started_ms,
					      .sequence = ++engine->sequence,
					      .experiments = {1, &tally}};
	const struct text value = control_encode(&table_stand, &tally_form, &record);
	assert_true(keeper_tally(table_stand.keeper, value, table_stand.now_ms, &error));
	control_commit(&table_stand);
}

void second_pass(struct counting_engine *engine, int64_t calls, int64_t errors)
{
	engine_follow(engine);
	for (size_t i = 0; i < 2; i++)
		engine->calls[i] += calls;
	engine->errors[1] += errors;
	engine_tell(engine);
	control_pass(&table_stand, SECOND);
}

void seconds_pass(struct counting_engine *engine, int seconds, int64_t calls, int64_t errors)
{
	for (int i = 0; i < seconds; i++)
		second_pass(engine, calls, errors);
}

const struct control_verdict *command(const char *name, const char *words)
{
	const struct proposal_item item = {
		.kind = ROLLOUT_COMMAND_KIND, .name = text_of(name), .document = text_of(words), .expected = PROPOSAL_EXPECTS_ANY};
	return control_ask(&table_stand, (struct proposal){.author = TEXT("me"), .reason = TEXT("why not"), .items = {1, &item}});
}

void moves_check(size_t count)
{
	const struct ledger_rollout *found = rollout();
	assert_int_equal(found->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(found->moves[i]->record.number, i + 1);
	assert_int_equal(found->record.moves, count);
}

int64_t calls_recorded(void)
{
	const struct engine_tally *engines = rollout()->record.engines.items;
	int64_t calls = 0;
	for (size_t i = 0; i < rollout()->record.engines.count; i++)
		calls += ((const struct variant_count *)engines[i].variants.items)[1].calls;
	return calls;
}

