/* change_rollback_test.c: Tests of `sluice rollback` where a change had several resources, and of `sluice history` of a namespace,
 * against a keeper on a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "control/records/records.h"
#include "steps/kinds.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/session.h"
#include "tests/unit/status_stand.h"

#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps: [{name: score}]\n"

/* The newest version of the resource comes into force, and its change with it. */
static void active(const char *resource)
{
	apply_runs(EXIT_GOOD, "is active", "wait %s --for active", resource);
}

/* Both are changed by change 2. */
static void two_changes_of_a_model_and_its_pipeline(void)
{
	apply_file("a.yaml", MODEL("score") "---\n" PIPELINE);
	apply_runs(EXIT_GOOD, "Pipeline/p version 1 accepted (change 1)", "apply %s --author ann --reason begin",
		   apply_stand.folder);
	active("pipeline/p");
	apply_file("a.yaml", MODEL("score") "# moved\n---\n" PIPELINE "# with it\n");
	apply_runs(EXIT_GOOD, "Pipeline/p version 2 accepted (change 2)", "apply %s --author bob --reason moved",
		   apply_stand.folder);
	active("pipeline/p");
}

/* What the command prints is exactly this. */
static void prints(const char *line, const char *expected)
{
	char whole[2 * LINE_BYTES];
	(void)snprintf(whole, sizeof whole, "%s --brokers %s", line, apply_stand.mock.brokers);
	struct said said = say_with(step_kinds, whole);
	assert_int_equal(said.code, EXIT_GOOD);
	assert_string_equal(said.out, expected);
	said_close(&said);
}

static void a_rollback_of_one_resource_names_what_else_its_change_made(void **state)
{
	(void)state;
	two_changes_of_a_model_and_its_pipeline();
	apply_file("b.yaml", MODEL("other"));
	apply_runs(EXIT_GOOD, "Model/other version 1 accepted (change 3)", "apply %s", apply_stand.folder);
	prints("rollback pipeline/p",
	       "Pipeline/p version 3 accepted (change 4)\n"
	       "change 2 also changed Model/score, still at version 2: `sluice rollback Model/score` undoes that\n");
	active("pipeline/p");
	/* It goes back from 3 to 1 again: change 4 had this resource alone, and change 2 two. */
	prints("rollback pipeline/p --to 1 -o json",
	       "{\"outcome\": \"accepted\", \"change\": 5, \"versions\": "
	       "[{\"kind\": \"Pipeline\", \"name\": \"p\", \"version\": 4}]}\n"
	       "{\"change\": 2, \"kind\": \"Model\", \"name\": \"score\", \"effect\": \"changed\", \"stays_at\": 2}\n");
	active("pipeline/p");
	prints("rollback model/score", "Model/score version 3 accepted (change 6)\n");
	active("model/score");
	prints("rollback pipeline/p --to 1", "Pipeline/p version 5 accepted (change 7)\n");
}

static void a_change_is_taken_back_with_all_its_resources(void **state)
{
	(void)state;
	two_changes_of_a_model_and_its_pipeline();
	prints("rollback change/2", "Model/score version 3 accepted (change 3)\nPipeline/p version 3 accepted (change 3)\n");
	active("pipeline/p");
	prints("get -o yaml", MODEL("score") "---\n" PIPELINE);
	apply_runs(EXIT_MISUSE, "all resources of change 2 are already as they were before it", "rollback change/2");
	apply_runs(EXIT_MISUSE, "--to is for one resource", "rollback change/2 --to 1");
	apply_runs(EXIT_MISUSE, "has no change 9, or keeps none of its versions any more", "rollback change/9");
	prints("rollback changes/3", "Model/score version 4 accepted (change 4)\nPipeline/p version 4 accepted (change 4)\n");
	active("pipeline/p");
	apply_runs(EXIT_GOOD, "# moved\n", "get -o yaml");
}

static void what_was_returned_already_is_left_out(void **state)
{
	(void)state;
	two_changes_of_a_model_and_its_pipeline();
	apply_runs(EXIT_GOOD, "Pipeline/p version 3 accepted", "rollback pipeline/p");
	active("pipeline/p");
	prints("rollback change/2", "Model/score version 3 accepted (change 4)\n");
}

static void what_a_change_created_is_deleted_and_what_it_deleted_comes_back(void **state)
{
	char path[LINE_BYTES];
	(void)state;
	apply_file("a.yaml", MODEL("old"));
	apply_runs(EXIT_GOOD, "change 1", "apply %s --set shop", apply_stand.folder);
	active("model/old");
	(void)snprintf(path, sizeof path, "%s/a.yaml", apply_stand.folder);
	assert_int_equal(unlink(path), 0);
	apply_file("b.yaml", MODEL("new"));
	apply_runs(EXIT_GOOD, "change 2", "apply %s --set shop --prune", apply_stand.folder);
	active("model/new");
	prints("get -o name", "Model/new\n");
	apply_runs(EXIT_GOOD, "change 2 also created Model/new, still at version 1: `sluice delete Model/new` undoes that",
		   "rollback model/old --to 1");
	active("model/old");
	prints("rollback change/2", "Model/new version 2 accepted (change 4)\n");
	active("model/new");
	prints("get -o name", "Model/old\n");
	prints("rollback change/4", "Model/new version 3 accepted (change 5)\n");
}

static void a_change_that_a_later_one_changed_again_stays(void **state)
{
	(void)state;
	two_changes_of_a_model_and_its_pipeline();
	apply_file("a.yaml", MODEL("score") "# moved again\n");
	apply_runs(EXIT_GOOD, "Model/score version 3 accepted (change 3)", "apply %s", apply_stand.folder);
	active("model/score");
	apply_runs(EXIT_MISUSE,
		   "`Model/score` is at version 3, of change 3, and change 2 made version 2: roll back change 3 first, or each "
		   "resource by itself, as in `sluice rollback Model/score --to VERSION`",
		   "rollback change/2");
	prints("rollback change/3", "Model/score version 4 accepted (change 4)\n");
	active("model/score");
	apply_runs(EXIT_GOOD, "Pipeline/p version 3 accepted (change 5)", "rollback pipeline/p");
}

/* Another file of the same document is another version, and so is another owner. */
static void a_version_of_other_labels_has_not_returned(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "version 1 accepted (change 1)", "apply %s --set one", apply_stand.folder);
	active("model/m");
	apply_file("a.yaml", MODEL("m") "# more\n");
	apply_runs(EXIT_GOOD, "version 2 accepted (change 2)", "apply %s --set one", apply_stand.folder);
	active("model/m");
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "version 3 accepted (change 3)", "apply %s --set two", apply_stand.folder);
	active("model/m");
	apply_runs(EXIT_MISUSE, "`Model/m` is at version 3, of change 3", "rollback change/2");
}

static void a_version_that_was_removed_is_not_returned_to(void **state)
{
	(void)state;
	two_changes_of_a_model_and_its_pipeline();
	apply_runs(EXIT_GOOD, "", "gc --keep 1");
	apply_runs(EXIT_MISUSE, "the version of `Model/score` before change 2 is not kept any more", "rollback change/2");
	apply_runs(EXIT_MISUSE, "`Pipeline/p` has no version that was in force before, or it is not kept any more",
		   "rollback pipeline/p");
	apply_runs(EXIT_MISUSE, "has no change 1, or keeps none of its versions any more", "rollback change/1");
}

/* As where gc has kept an older version, because an experiment names it. */
static void a_version_before_a_gap_is_not_taken_for_the_one_before(void **state)
{
	(void)state;
	two_changes_of_a_model_and_its_pipeline();
	apply_file("a.yaml", MODEL("score") "# moved again\n");
	apply_runs(EXIT_GOOD, "Model/score version 3 accepted (change 3)", "apply %s", apply_stand.folder);
	active("model/score");
	mock_append(&apply_stand.mock, apply_stand.config.topics.control, TEXT("Model/score@2"), (struct text){0});
	apply_runs(EXIT_MISUSE, "`Model/score` has no version that was in force before, or it is not kept any more",
		   "rollback model/score");
	apply_runs(EXIT_MISUSE, "the version of `Model/score` before change 3 is not kept any more", "rollback change/3");
}

/* An engine that has prepared the change `prepared`, and cannot prepare the change `failed`; 0: none. */
static void engine_prepares(int64_t prepared, int64_t failed)
{
	static int64_t sequence;
	const struct failed_change failure = {failed, TEXT("its model is away")};
	const struct engine_report report = {.namespace = TEXT("default"),
					     .engine = TEXT("one"),
					     .started_ms = 1,
					     .sequence = ++sequence, /* cppcheck-suppress unknownEvaluationOrder */
					     .prepared = {prepared > 0, &prepared},
					     .failed = {failed > 0, &failure}};
	status_append(&apply_stand.mock, apply_stand.config.topics.status, &report_form, &report);
}

static void a_change_that_is_not_decided_is_taken_back_and_one_that_failed_is_not(void **state)
{
	(void)state;
	apply_file("a.yaml", MODEL("m"));
	apply_runs(EXIT_GOOD, "change 1", "apply %s", apply_stand.folder);
	active("model/m");
	engine_prepares(0, 0);
	status_is_heard(&apply_stand.mock, apply_stand.config.topics.status);
	apply_file("a.yaml", MODEL("m") "# two\n");
	apply_file("b.yaml", MODEL("n"));
	apply_runs(EXIT_GOOD, "change 2", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "2        preparing", "history");
	prints("rollback change/2", "Model/m version 3 accepted (change 3)\nModel/n version 2 accepted (change 3)\n");
	engine_prepares(3, 0);
	active("model/m");
	prints("get -o name", "Model/m\n");
	apply_runs(EXIT_MISUSE, "change 2 failed, so nothing of it is in force: ", "rollback change/2");
}

static void a_namespace_lists_its_changes(void **state)
{
	(void)state;
	apply_runs(EXIT_GOOD, "CHANGE   STATE         ACCEPTED             STATED AUTHOR            REASON\n", "history");
	two_changes_of_a_model_and_its_pipeline();
	apply_runs(EXIT_GOOD, "Pipeline/p version 3 accepted (change 3)", "rollback pipeline/p --author ann --reason back");
	active("pipeline/p");
	apply_runs(EXIT_GOOD, "\nAuthor       ann (as stated by the sender)\n", "describe pipeline/p");
	apply_runs(EXIT_GOOD,
		   "ann                      back\n    Pipeline/p version 3: apply, in force\n"
		   "2        active        20",
		   "history");
	apply_runs(EXIT_GOOD,
		   "bob                      moved\n    Model/score version 2: apply, in force\n"
		   "    Pipeline/p version 2: apply, was in force\n1        active        20",
		   "history");
	apply_runs(EXIT_GOOD,
		   "\"why\": \"\", \"author\": \"bob\", \"reason\": \"moved\", \"resources\": "
		   "[{\"kind\": \"Model\", \"name\": \"score\", \"version\": 2, \"action\": \"apply\", \"state\": \"in force\"}, "
		   "{\"kind\": \"Pipeline\", \"name\": \"p\", "
		   "\"version\": 2, \"action\": \"apply\", \"state\": \"was in force\"}]}\n",
		   "history -o json");
	apply_runs(EXIT_GOOD, "Model/score version 3 accepted (change 4)", "delete pipeline/p model/score");
	active("model/score");
	apply_runs(EXIT_GOOD, "Model/score version 3: delete, in force\n", "history");
	apply_runs(EXIT_GOOD, "", "gc --keep 1");
	apply_runs(EXIT_GOOD, " 4        ", "history model/score"); /* the change beside each version */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_rollback_of_one_resource_names_what_else_its_change_made, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_change_is_taken_back_with_all_its_resources, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(what_was_returned_already_is_left_out, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(what_a_change_created_is_deleted_and_what_it_deleted_comes_back, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_change_that_a_later_one_changed_again_stays, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_version_of_other_labels_has_not_returned, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_version_that_was_removed_is_not_returned_to, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_version_before_a_gap_is_not_taken_for_the_one_before, apply_keeper_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(a_change_that_is_not_decided_is_taken_back_and_one_that_failed_is_not,
						apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(a_namespace_lists_its_changes, apply_keeper_setup, apply_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
