/* written_rollout_test.c: Tests of rollouts whose experiment is written in a step of a pipeline: the keeper runs them under the
 * experiment's name, as those of Experiments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rollout_stand.h"

#define MODEL(name)                                                                                                                \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: 'stub://echo'}\n"
#define STAGES "      progressiveDeployment: {schedule: [10, 50], every: 10s, checkEvery: 1s}\n"
#define NAMED "      name: e\n"
#define WRITTEN(rest)                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - name: choose\n"           \
	"    experiment:\n      default: a\n      candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n" rest               \
	"  output: {steps: [choose]}\n"

static void models_propose(void)
{
	table_propose("Model", "a", MODEL("a"));
	table_propose("Model", "b", MODEL("b"));
}

/* Under its own name; the counts are those of `e`. */
static void a_rollout_of_a_step_moves_as_any(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(NAMED STAGES));
	assert_true(phase_is("running", 1));
	assert_int_equal(buckets_of_b(), 1000);
	assert_true(text_is(table_in_force("e")->kind, "Pipeline") && text_is(table_in_force("e")->name, "p"));
	seconds_pass(&one, 11, 200, 0);
	assert_true(phase_is("running", 2));
	assert_int_equal(buckets_of_b(), 5000);
	assert_true(text_is(table_in_force("e")->kind, "Pipeline") && text_is(table_in_force("e")->name, "p"));
	seconds_pass(&one, 3, 200, 100);
	assert_true(phase_is("rolledBack", 2));
	assert_int_equal(buckets_of_b(), 0);
	moves_check(3);
}

static void a_rollout_without_a_name_is_that_of_its_pipeline_and_step(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(STAGES));
	const struct ledger_rollout *found = ledger_rollout_find(keeper_ledger(table_stand.keeper), TEXT("p/choose"));
	assert_non_null(found);
	assert_true(found->has_record && text_is(found->record.phase, "running"));
	const struct table_share *shares = table_in_force("p/choose")->shares.items;
	assert_int_equal(shares[1].buckets, 1000);
	assert_int_equal(command("p/choose", "promote")->outcome, VERDICT_ACCEPTED);
	shares = table_in_force("p/choose")->shares.items;
	assert_int_equal(shares[1].buckets, 10000);
	assert_true(text_is(found->record.phase, "promoted"));
	assert_int_equal(command("p/choose", "rollback")->outcome, VERDICT_ACCEPTED);
	assert_true(text_is(found->record.phase, "rolledBack"));
}

/* A new version of the pipeline that leaves the rollout as it is does not move its weights. */
static void a_rollout_of_a_step_goes_on_with_a_new_version_and_a_new_keeper(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(NAMED STAGES));
	seconds_pass(&one, 11, 200, 0);
	table_propose("Pipeline", "p", WRITTEN(NAMED STAGES) "  # the same\n");
	assert_true(phase_is("running", 2));
	assert_int_equal(buckets_of_b(), 5000);
	control_compact(&table_stand);
	table_stand.options.engine = "engine-2";
	control_keeper_start(&table_stand);
	seconds_pass(&one, 12, 200, 0);
	assert_true(phase_is("promoted", 2));
	moves_check(3);
}

static void a_rollout_that_leaves_its_step_ends(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(NAMED STAGES));
	seconds_pass(&one, 2, 200, 0);
	table_propose("Pipeline", "p", WRITTEN(NAMED));
	assert_true(evidence_has(2, "withdrawn"));
	assert_false(rollout()->has_record);
	assert_int_equal(buckets_of_b(), 5000);
	table_propose("Pipeline", "p", NULL);
	assert_false(rollout()->has_record);
	assert_true(evidence_has(2, "withdrawn")); /* its moves can still be read */
}

/* As one of an Experiment does. */
static void a_rollout_whose_pipeline_is_deleted_ends(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(NAMED STAGES));
	table_propose("Pipeline", "p", NULL);
	assert_false(rollout()->has_record);
	assert_true(evidence_has(2, "withdrawn"));
	const struct text sentence = rollout()->moves[1]->record.sentence;
	static const char words[] =
		"Ended: version 2 deleted the pipeline. The rollout was running in stage 1, with 10% for its candidates.";
	assert_true(text_is(sentence, words));
	assert_int_equal(rollout()->moves[1]->record.version, 2);
}

static void a_rollout_without_a_name_ends_with_its_pipeline(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(STAGES));
	table_propose("Pipeline", "p", NULL);
	const struct ledger_rollout *found = ledger_rollout_find(keeper_ledger(table_stand.keeper), TEXT("p/choose"));
	assert_non_null(found);
	assert_int_equal(found->count, 2);
	assert_true(text_starts_with(found->moves[1]->record.sentence, TEXT("Ended: version 2 deleted the pipeline.")));
}

static void a_default_stays_while_the_rollout_of_a_step_runs(void **state)
{
	(void)state;
	models_propose();
	table_propose("Pipeline", "p", WRITTEN(NAMED STAGES));
	seconds_pass(&one, 2, 200, 0);
	const char *const other =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - name: choose\n"
		"    experiment: {name: e, default: b, candidates: [{name: a, weight: 50}, {name: b, weight: 50}]}\n"
		"  output: {steps: [choose]}\n";
	const struct proposal_item item = table_item("Pipeline", "p", other);
	const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
	assert_int_not_equal(verdict->outcome, VERDICT_ACCEPTED);
	assert_non_null(memmem(verdict->why.bytes, verdict->why.length, "cannot become `b`", 17));
}

/* What names a rollout is one name. */
static void two_rollouts_of_one_name_are_refused(void **state)
{
	(void)state;
	models_propose();
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	const struct proposal_item item = table_item("Pipeline", "p", WRITTEN(NAMED STAGES));
	const struct control_verdict *verdict = control_ask(&table_stand, (struct proposal){.items = {1, &item}});
	assert_int_not_equal(verdict->outcome, VERDICT_ACCEPTED);
}

#define ROLLOUT_TEST(name) cmocka_unit_test_setup_teardown(name, rollout_stand_open, table_stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROLLOUT_TEST(a_rollout_of_a_step_moves_as_any),
		ROLLOUT_TEST(a_rollout_without_a_name_is_that_of_its_pipeline_and_step),
		ROLLOUT_TEST(a_rollout_of_a_step_goes_on_with_a_new_version_and_a_new_keeper),
		ROLLOUT_TEST(a_rollout_that_leaves_its_step_ends),
		ROLLOUT_TEST(a_rollout_whose_pipeline_is_deleted_ends),
		ROLLOUT_TEST(a_rollout_without_a_name_ends_with_its_pipeline),
		ROLLOUT_TEST(a_default_stays_while_the_rollout_of_a_step_runs),
		ROLLOUT_TEST(two_rollouts_of_one_name_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
