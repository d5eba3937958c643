/* rollout_changes_test.c: Tests of what is told of rollouts before a new version is applied: the keeper then does it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/rollout_changes.h"
#include "tests/unit/rollout_stand.h"

static struct record_list ask(const struct proposal_item *item)
{
	struct record_list changes;
	struct error error = {0};
	if (!rollout_changes_find(keeper_ledger(table_stand.keeper), &table_stand.options.rollouts, &(struct record_list){1, item},
				  table_stand.now_ms, table_stand.arena, &changes, &error))
		fail_msg("%s", error.text);
	return changes;
}

/* What is told of a version of `e`, which the keeper then accepts. */
static struct rollout_change told(const char *document)
{
	const size_t records = table_stand.control_count;
	const struct proposal_item item = table_item("Experiment", "e", document);
	const struct record_list changes = ask(&item);
	assert_int_equal(table_stand.control_count, records);
	assert_int_equal(changes.count, 1);
	const struct rollout_change change = *(const struct rollout_change *)changes.items;
	assert_string_equal(change.experiment, "e");
	assert_true(text_is(change.kind, "Experiment") && text_is(change.name, "e"));
	table_propose("Experiment", "e", document);
	return change;
}

static void begins(const char *document, const char *words, int64_t moved, int64_t buckets)
{
	const int64_t before = rollout() ? rollout()->record.moves : 0;
	const struct rollout_change change = told(document);
	assert_true(change.begins);
	if (!text_is(change.sentence, words))
		fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(change.sentence));
	assert_int_equal(rollout()->record.moves, before + 1);
	assert_true(text_equal(move((size_t)before + 1)->sentence, change.sentence));
	assert_int_equal(change.table.moved, moved);
	assert_int_equal(move((size_t)before + 1)->moved, moved);
	assert_int_equal(buckets_of_b(), buckets);
}

static void goes_on(const char *document, const char *words)
{
	const int64_t before = rollout()->record.moves;
	const struct rollout_change change = told(document);
	assert_false(change.begins);
	if (!text_is(change.sentence, words))
		fail_msg(TEXT_FORMAT, TEXT_ARGUMENTS(change.sentence));
	assert_int_equal(rollout()->record.moves, before);
}

static void a_stage_that_is_given_up_is_told_with_the_buckets_that_move(void **state)
{
	(void)state;
	begins(EXPERIMENT("10, 50"), "Stage 1 begins at 10%: the rollout starts.", 0, 1000);
	seconds_pass(&one, 11, 200, 0);
	begins(EXPERIMENT("20, 60"),
	       "Stage 1 begins at 20%: the rollout starts. It replaces the rollout of version 1, which was running in stage 2, "
	       "with 50% for its candidates.",
	       3000, 2000);
}

static void a_version_with_the_same_stages_begins_anew_after_a_rollback_alone(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	goes_on(EXPERIMENT("10, 50") "# two\n",
		"The rollout of version 1 goes on, running in stage 1, with 10% for its candidates.");
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	begins(EXPERIMENT("10, 50") "# three\n", "Stage 1 begins at 10%: the rollout starts.", 1000, 1000);
	seconds_pass(&one, 23, 200, 0);
	assert_true(phase_is("promoted", 2));
	goes_on(EXPERIMENT("10, 50") "# four\n",
		"No rollout begins: stages and choices are those of version 3, which is promoted.");
	assert_int_equal(buckets_of_b(), 10000);
}

static void what_a_running_rollout_refuses_is_told_before(void **state)
{
	static const char other[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: c\n"
		"  candidates: [{name: b, weight: 50}]\n";
	const struct proposal_item items[] = {table_item("Experiment", "e", EXPERIMENT("10, 50")),
					      table_item("Experiment", "e", other), table_item("Experiment", "x", other)};
	const char *words[] = {NULL, "the new default `c` of Experiment `e` is no choice of its rollout, which is at stage 1",
			       NULL};
	struct error error = {0};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	for (size_t i = 0; i < sizeof items / sizeof *items; i++) {
		const char *why = NULL;
		assert_true(rollout_changes_fault(keeper_ledger(table_stand.keeper), &table_stand.options.rollouts,
						  &(struct record_list){1, &items[i]}, table_stand.arena, &why, &error));
		assert_true(words[i] ? why && strstr(why, words[i]) : !why);
	}
	const char *why = NULL;
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	assert_true(rollout_changes_fault(keeper_ledger(table_stand.keeper), &table_stand.options.rollouts,
					  &(struct record_list){1, &items[1]}, table_stand.arena, &why, &error));
	assert_null(why);
}

#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, rollout_stand_open, table_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_STAND(a_stage_that_is_given_up_is_told_with_the_buckets_that_move),
		ON_STAND(a_version_with_the_same_stages_begins_anew_after_a_rollback_alone),
		ON_STAND(what_a_running_rollout_refuses_is_told_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
