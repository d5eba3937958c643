/* rollout_view_test.c: Tests of what commands show of rollouts: state, counts of all engines, truths, and moves, as text and as
 * JSON, and how an experiment without a rollout is refused. */
#include "control/keeper/experiment_traffic.h"
#include "tests/unit/rollout_stand.h"
#include "tools/view/report/rollout_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "tests/unit/arena_fixture.h"

#define SHOWN_BYTES ((size_t)1 << 20)

static struct buffer shown;

static int stand_begin(void **state)
{
	buffer_open(&shown, SHOWN_BYTES);
	return arena_begin(state) == 0 ? rollout_stand_open(state) : -1;
}

static int stand_end(void **state)
{
	buffer_close(&shown);
	const int closed = table_stand_close(state);
	return arena_end(state) == 0 ? closed : -1;
}

static const char *shown_text(void)
{
	buffer_byte(&shown, '\0');
	assert_false(buffer_failed(&shown));
	return buffer_view(&shown).bytes;
}

static const char *view(bool json)
{
	buffer_clear(&shown);
	rollout_view_print(keeper_ledger(table_stand.keeper), rollout(), json, arena, &shown);
	return shown_text();
}

static const char *views(bool json)
{
	buffer_clear(&shown);
	rollouts_view_print(keeper_ledger(table_stand.keeper), json, arena, &shown);
	return shown_text();
}

static json_t *view_read(void)
{
	json_error_t wrong;
	json_t *read = json_loads(view(true), 0, &wrong);
	assert_non_null(read);
	return read;
}

static json_int_t member(json_t *of, const char *name)
{
	json_t *found = json_object_get(of, name);
	assert_true(json_is_integer(found));
	return json_integer_value(found);
}

/* Both engines count 200 calls of each choice a second, and the second one 30 errors of `b` in all. */
static void calls_and_errors_are_those_of_all_engines(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 1, 200, 0);
	seconds_pass(&two, 1, 200, 3);
	json_t *read = view_read(), *variants = json_object_get(read, "variants");
	assert_string_equal(json_string_value(json_object_get(read, "phase")), "running");
	assert_int_equal(member(read, "stage"), 1);
	assert_int_equal(member(read, "stages"), 2);
	assert_true(json_number_value(json_object_get(read, "percent")) == 10);
	assert_int_equal(json_array_size(variants), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *variant = json_array_get(variants, i);
		assert_string_equal(json_string_value(json_object_get(variant, "name")), i == 0 ? "a" : "b");
		assert_int_equal(member(variant, "buckets"), i == 0 ? 9000 : 1000);
		assert_int_equal(member(variant, "calls"), 400);
		assert_int_equal(member(variant, "errors"), i == 0 ? 0 : 3);
		assert_int_equal(member(variant, "truths"), 0);
		assert_null(json_object_get(variant, "accuracy")); /* of no truths there is none */
	}
	json_decref(read);
}

static void text_has_a_line_for_each_choice(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 1, 200, 1);
	const char *text = view(false);
	assert_memory_equal(text, "e: running, stage 1 of 2 since ", 31);
	assert_non_null(strstr(text, ", candidates have 10%\n"));
	const char *b = strstr(text, "\n  b ");
	assert_non_null(b);
	assert_non_null(strstr(b, "10.00%"));
	assert_non_null(strstr(b, "0.50%")); /* 1 error of 200 calls */
	assert_non_null(strstr(text, "\n  move 1: "));
}

static void a_rate_of_no_calls_is_a_dash(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 1, 0, 0);
	const char *b = strstr(view(false), "\n  b ");
	assert_non_null(b);
	assert_null(strstr(b, " 0.00% ")); /* of what had no calls nothing is known */
	assert_non_null(strstr(b, " -"));
}

static void the_accuracy_is_the_mean_of_the_truths(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	one.truths[0] = one.truths[1] = 40;
	one.right[0] = 30;
	one.right[1] = 10;
	engine_follow(&one);
	one.truths[0] = one.truths[1] = 40;
	one.right[0] = 30;
	one.right[1] = 10;
	seconds_pass(&one, 1, 100, 0);
	json_t *read = view_read(), *variants = json_object_get(read, "variants");
	assert_int_equal(member(json_array_get(variants, 0), "truths"), 40);
	assert_true(json_number_value(json_object_get(json_array_get(variants, 0), "accuracy")) == 0.75);
	assert_true(json_number_value(json_object_get(json_array_get(variants, 1), "accuracy")) == 0.25);
	json_decref(read);
}

/* Of both engines' pipeline: the most that one of them has joined. */
static void metrics_of_criteria_have_their_means(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      EXPERIMENT("10, 50") "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
	engine_follow(&one);
	one.metric_count = 1;
	one.metrics[0][0] = (struct metric_truth){
		.name = TEXT("profit"), .requests = 60, .units = 40, .mean = 3.25, .squares = 9, .joined = 60};
	one.metrics[1][0] = (struct metric_truth){.name = TEXT("profit")};
	seconds_pass(&one, 1, 100, 0);
	json_t *read = view_read(), *variants = json_object_get(read, "variants");
	json_t *profit = json_object_get(json_object_get(json_array_get(variants, 0), "metrics"), "profit");
	assert_int_equal(member(profit, "units"), 40);
	assert_true(json_number_value(json_object_get(profit, "mean")) == 3.25);
	profit = json_object_get(json_object_get(json_array_get(variants, 1), "metrics"), "profit");
	assert_true(member(profit, "units") == 0 && json_is_null(json_object_get(profit, "mean")));
	json_decref(read);
	const char *text = view(false);
	assert_non_null(strstr(text, "    mean of profit: 3.25 of 40 units\n"));
	assert_non_null(strstr(text, "    mean of profit: no feedback has it\n"));
}

/* Of 40 units with the sums of 6.5 and 2 values each, on average. */
static void a_ratio_is_shown_by_its_values(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      EXPERIMENT("10, 50") "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
	engine_follow(&one);
	one.metric_count = 1;
	one.metrics[0][0] = one.metrics[1][0] = (struct metric_truth){.name = TEXT("profit"),
								      .requests = 80,
								      .units = 40,
								      .mean = 6.5,
								      .squares = 9,
								      .joined = 80,
								      .size = 2,
								      .size_squares = 5,
								      .products = 3,
								      .other_values = 80};
	seconds_pass(&one, 1, 100, 0);
	json_t *read = view_read(), *variants = json_object_get(read, "variants");
	json_t *profit = json_object_get(json_object_get(json_array_get(variants, 0), "metrics"), "profit");
	assert_int_equal(member(profit, "units"), 40);
	assert_true(json_number_value(json_object_get(profit, "mean")) == 3.25);
	json_decref(read);
	assert_non_null(strstr(view(false), "    mean of profit: 3.25 of 40 units\n"));
}

static void truths_that_came_late_are_shown(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      EXPERIMENT("10, 50") "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
	engine_follow(&one);
	one.waiting[1] = 3;
	one.late[1] = 70;
	one.metric_count = 1;
	one.metrics[0][0] = (struct metric_truth){.name = TEXT("profit")};
	one.metrics[1][0] = (struct metric_truth){.name = TEXT("profit"), .joined = 2, .late = 80};
	seconds_pass(&one, 1, 100, 0);
	json_t *read = view_read(), *variants = json_object_get(read, "variants");
	json_t *b = json_array_get(variants, 1), *profit = json_object_get(json_object_get(b, "metrics"), "profit");
	assert_true(member(b, "inTime") == 3 && member(b, "late") == 70);
	assert_true(member(profit, "inTime") == 2 && member(profit, "late") == 80);
	json_decref(read);
	const char *text = view(false);
	assert_non_null(strstr(text, "    truths: 3 came within outcomeWindow, and 70 too late for it\n"));
	assert_non_null(strstr(text, "    profit: 2 came within outcomeWindow, and 80 too late for it\n"));
	assert_null(strstr(text, "and 0 too late"));
}

static void moves_are_shown_from_the_newest(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 4, 200, 0);
	seconds_pass(&one, 2, 200, 100);
	assert_true(phase_is("rolledBack", 1));
	buffer_clear(&shown);
	rollout_moves_print(rollout(), true, arena, &shown);
	const char *line = shown_text();
	for (json_int_t number = 2; number >= 1; number--) {
		const char *end = strchr(line, '\n');
		assert_non_null(end);
		json_t *read = json_loadb(line, (size_t)(end - line), 0, NULL);
		assert_non_null(read);
		assert_int_equal(member(read, "number"), number);
		assert_true(json_is_object(json_object_get(read, "evidence")));
		json_decref(read);
		line = end + 1;
	}
	assert_string_equal(line, "");
	assert_non_null(strstr(view(false), "  move 2: "));
}

/* What is counted afterwards is of the weights since then. */
static void the_table_by_which_a_rollout_ended_stays(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      EXPERIMENT("10, 50") "  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n");
	engine_follow(&one);
	one.truths[1] = 40;
	one.right[1] = 30;
	one.metric_count = 1;
	one.metrics[0][0] = (struct metric_truth){.name = TEXT("profit")};
	one.metrics[1][0] = (struct metric_truth){
		.name = TEXT("profit"), .requests = 60, .units = 40, .mean = 3.25, .squares = 9, .joined = 60};
	seconds_pass(&one, 4, 200, 0);
	assert_null(strstr(view(false), "at its end"));
	assert_null(strstr(view(false), "header routes"));
	assert_null(strstr(view(true), "\"counted\""));
	seconds_pass(&one, 1, 200, 100);
	assert_true(phase_is("rolledBack", 1));
	seconds_pass(&one, 2, 200, 0);
	const char *text = view(false), *ended = strstr(text, "\n  at its end, by the weights before that move:\n  CHOICE ");
	assert_non_null(ended);
	const char *b = strstr(ended, "\n  b ");
	assert_non_null(b);
	static const char row[] = "       -         1000          100   10.00%           40    75.00%\n"
				  "    mean of profit: 3.25 of 40 units\n";
	assert_memory_equal(b + 36, row, sizeof row - 1);
	assert_non_null(strstr(text, "\n  header routes still reach b: "));
	assert_null(strstr(text, "still reach a"));
	json_t *read = view_read(), *counted = json_object_get(read, "counted");
	assert_int_equal(json_array_size(counted), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(counted, 0), "name")), "a");
	assert_true(member(json_array_get(counted, 0), "calls") == 1000 && member(json_array_get(counted, 0), "errors") == 0);
	assert_true(member(json_array_get(counted, 1), "calls") == 1000 && member(json_array_get(counted, 1), "errors") == 100);
	assert_true(json_number_value(json_object_get(json_array_get(counted, 1), "accuracy")) == 0.75);
	json_decref(read);
}

#define STAGELESS                                                                                                                  \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"

static void an_experiment_whose_stages_are_gone_keeps_its_moves(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_null(experiment_traffic_find(keeper_ledger(table_stand.keeper), "e")); /* its keeper moves the weights */
	table_propose("Experiment", "e", STAGELESS);
	assert_non_null(experiment_traffic_find(keeper_ledger(table_stand.keeper), "e")); /* commands do */
	assert_non_null(rollout());
	assert_string_equal(
		view(false),
		"e: the experiment has no rollout any more\n  move 2: Ended: version 2 of the experiment has no rollout, and "
		"its own weights are in force. The rollout was running in stage 1, with 10% for its candidates.\n");
	assert_non_null(strstr(view(true), "\"phase\": \"gone\", \"moves\": 2"));
	assert_string_equal(views(false), "");
	assert_string_equal(views(true), "");
}

/* Commands of that name are those of the rollout. */
static void a_deployment_of_the_name_of_a_rollout_is_not_moved(void **state)
{
	(void)state;
	table_propose(
		"SeldonDeployment", "e",
		"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: e}\nspec:\n  predictors:\n"
		"  - {name: x, traffic: 50, graph: {name: m, type: MODEL}}\n"
		"  - {name: y, traffic: 50, graph: {name: n, type: MODEL}}\n");
	assert_non_null(experiment_traffic_find(keeper_ledger(table_stand.keeper), "e"));
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_null(experiment_traffic_find(keeper_ledger(table_stand.keeper), "e"));
}

/* It was deleted, and an engine cannot run what is left: the rollout goes on, and who looks at it is told why. */
static void a_next_version_that_is_not_in_force_is_shown(void **state)
{
	const struct failed_change failed = {2, TEXT("engine `two`: it cannot")};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_null(strstr(view(false), "version"));
	assert_null(strstr(view(true), "\"next\""));
	table_report(NULL, 0, NULL, 0);
	table_propose("Experiment", "e", NULL);
	assert_non_null(strstr(view(false), "\n  version 2, a deletion, is accepted and not in force yet: engines prepare it"));
	assert_non_null(strstr(views(false), "10%; version 2, a deletion, is not in force yet (`sluice experiments status e`)\n"));
	table_report(NULL, 0, &failed, 1);
	assert_non_null(strstr(view(false),
			       "\n  version 2, a deletion, is accepted and not in force: it failed, and what is shown here "
			       "goes on. engine"));
	assert_non_null(strstr(view(false), "it cannot\n"));
	assert_non_null(strstr(views(false), "10%; version 2, a deletion, failed (`sluice experiments status e`)\n"));
	json_t *read = view_read(), *next = json_object_get(read, "next");
	assert_int_equal(member(next, "version"), 2);
	assert_string_equal(json_string_value(json_object_get(next, "action")), "delete");
	assert_string_equal(json_string_value(json_object_get(next, "phase")), "failed");
	assert_non_null(strstr(json_string_value(json_object_get(next, "why")), "it cannot"));
	json_decref(read);
}

static void all_rollouts_have_a_line_each(void **state)
{
	(void)state;
	assert_string_equal(views(false), "");
	assert_string_equal(views(true), "");
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	const char *text = views(false);
	assert_memory_equal(text, "e: running", 10);
	assert_ptr_equal(strchr(text, '\n') + 1, text + strlen(text));
}

static void an_experiment_without_a_rollout_is_refused_with_what_to_do(void **state)
{
	(void)state;
	struct error error = {0};
	assert_null(rollout_view_find(keeper_ledger(table_stand.keeper), "e", &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "namespace `default` has no rollout of `e`: apply an Experiment"));
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_non_null(rollout_view_find(keeper_ledger(table_stand.keeper), "e", &error));
}

static void a_name_of_none_has_the_nearest_of_those_that_there_are(void **state)
{
	struct error error = {0};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_null(rollout_view_find(keeper_ledger(table_stand.keeper), "E_", &error));
	assert_string_equal(error.text, "namespace `default` has no experiment `E_`; did you mean `e`?");
	error = (struct error){0};
	table_propose("Experiment", "checkout", /* which has no rollout */
		      "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: checkout}\nspec:\n"
		      "  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n");
	assert_null(rollout_view_find(keeper_ledger(table_stand.keeper), "chekout", &error));
	assert_string_equal(error.text, "namespace `default` has no experiment `chekout`; did you mean `checkout`?");
	error = (struct error){0};
	assert_null(rollout_view_find(keeper_ledger(table_stand.keeper), "weather", &error));
	assert_non_null(strstr(error.text, "namespace `default` has no rollout of `weather`: apply an Experiment"));
}

static void expect_no_rollout(const char *words)
{
	struct error error = {0};
	assert_null(rollout_view_find(keeper_ledger(table_stand.keeper), "e", &error));
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
}

static void an_experiment_whose_rollout_has_not_begun_says_why(void **state)
{
	const struct failed_change failed = {2, TEXT("it cannot")};
	(void)state;
	table_propose("Pipeline", "p", TABLE_PIPELINE("p", "1", "1"));
	table_report(NULL, 0, NULL, 0);
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	expect_no_rollout(
		"version 1 of the Experiment `e` is not in force yet, so its rollout has not begun: `sluice wait experiment/e`");
	table_report(NULL, 0, &failed, 1);
	expect_no_rollout(
		"version 1 of the Experiment `e` failed, so its rollout has not begun: `sluice history experiment/e` says why");
}

static void fields_of_a_rollout_that_does_not_run_are_named(void **state)
{
	(void)state;
	table_propose("Experiment", "e", STAGELESS "  progressiveDeployment: {enabled: false, schedule: [10, 50], every: 10s}\n");
	expect_no_rollout(
		"the Experiment `e` has fields of a rollout, and none has begun: it has no `default`, `enabled` is false");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_and_errors_are_those_of_all_engines, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(text_has_a_line_for_each_choice, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_rate_of_no_calls_is_a_dash, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(the_accuracy_is_the_mean_of_the_truths, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(metrics_of_criteria_have_their_means, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_ratio_is_shown_by_its_values, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(truths_that_came_late_are_shown, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(moves_are_shown_from_the_newest, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(the_table_by_which_a_rollout_ended_stays, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(an_experiment_whose_stages_are_gone_keeps_its_moves, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(an_experiment_whose_rollout_has_not_begun_says_why, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(fields_of_a_rollout_that_does_not_run_are_named, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_deployment_of_the_name_of_a_rollout_is_not_moved, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_next_version_that_is_not_in_force_is_shown, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(all_rollouts_have_a_line_each, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(an_experiment_without_a_rollout_is_refused_with_what_to_do, stand_begin, stand_end),
		cmocka_unit_test_setup_teardown(a_name_of_none_has_the_nearest_of_those_that_there_are, stand_begin, stand_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
