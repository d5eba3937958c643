/* change_results_test.c: which change an engine prepares next, and what becomes of one whose preparation has failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "control/engine/change_results.h"
#include "tests/unit/control_stand.h"

#define PATIENCE_MS 30000
#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: "

static struct control_stand stand;
static struct list results;

static int results_setup(void **state)
{
	(void)state;
	const struct engine_report silent = {.engine = TEXT("a"), .started_ms = 1, .sequence = 1};
	control_open(&stand);
	control_keeper_start(&stand);
	control_pass(&stand, KEEPER_SILENT_MS);
	control_report(&stand, silent); /* so changes wait for it */
	results = (struct list){0};
	return 0;
}

static int results_teardown(void **state)
{
	(void)state;
	while (results.first)
		change_result_drop(LIST_OWNER(results.first, struct change_result, node));
	control_close(&stand);
	return 0;
}

/* Proposes a model; returns the number of its change. Without a checker, each change waits for all earlier ones. */
static int64_t propose(const char *name)
{
	char yaml[200];
	(void)snprintf(yaml, sizeof yaml, HEAD "%s}\nspec: {storageUri: 'stub://echo'}\n", name);
	const struct proposal_item item = {.kind = TEXT("Model"),
					   .name = text_of(name),
					   .action = PROPOSAL_APPLY,
					   .document = text_of(yaml),
					   .expected = PROPOSAL_EXPECTS_ANY};
	const struct control_verdict *verdict = control_ask(&stand, (struct proposal){.items = {1, &item}});
	assert_int_equal(verdict->outcome, VERDICT_ACCEPTED);
	return verdict->change;
}

static int64_t next(int64_t now_ms)
{
	return change_results_next(&results, keeper_ledger(stand.keeper), now_ms);
}

static struct change_result *failed(int64_t change, enum error_kind kind, int64_t now_ms, bool is_news)
{
	struct change_result *result = change_result_take(&results, change, now_ms);
	struct error error = {0};
	assert_non_null(result);
	error_set(&error, kind, PLACE_NONE, "model `m` is not ready");
	assert_true(change_result_fail(result, &error, now_ms, PATIENCE_MS) == is_news);
	assert_string_equal(result->why, "model `m` is not ready");
	return result;
}

static void the_first_change_that_waits_for_no_other_is_prepared(void **state)
{
	(void)state;
	assert_int_equal(next(0), CONTROL_IN_FORCE);
	const int64_t first = propose("m"), second = propose("n");
	assert_true(second > first);
	assert_int_equal(next(0), first);
	change_result_take(&results, first, 0)->state = CHANGE_IS_PREPARED;
	assert_int_equal(next(0), CONTROL_IN_FORCE); /* the second waits for it */
}

static void a_change_that_waits_is_prepared_again_after_its_pause(void **state)
{
	(void)state;
	const int64_t change = propose("m");
	assert_int_equal(failed(change, ERROR_REMOTE, 1000, true)->state, CHANGE_WAITS);
	assert_int_equal(next(1000 + CHANGE_AGAIN_MS - 1), CONTROL_IN_FORCE);
	assert_int_equal(next(1000 + CHANGE_AGAIN_MS), change);
	assert_int_equal(failed(change, ERROR_REMOTE, 2000, false)->state, CHANGE_WAITS); /* no news */
}

static void what_cannot_be_reached_is_waited_for_until_the_patience_ends(void **state)
{
	(void)state;
	const int64_t change = propose("m");
	assert_int_equal(failed(change, ERROR_REMOTE, 1000, true)->state, CHANGE_WAITS);
	assert_int_equal(failed(change, ERROR_REMOTE, 1000 + PATIENCE_MS - 1, false)->state, CHANGE_WAITS);
	assert_int_equal(failed(change, ERROR_REMOTE, 1000 + PATIENCE_MS, true)->state, CHANGE_CANNOT_RUN);
	assert_int_equal(next(INT64_MAX), CONTROL_IN_FORCE);
}

static void any_other_failure_is_final(void **state)
{
	(void)state;
	const int64_t change = propose("m");
	assert_int_equal(failed(change, ERROR_CONFIG, 1000, true)->state, CHANGE_CANNOT_RUN);
	assert_int_equal(next(INT64_MAX), CONTROL_IN_FORCE);
}

static void a_reason_has_its_place_if_that_is_known(void **state)
{
	(void)state;
	struct error error = {0};
	char words[100];
	error_set(&error, ERROR_CONFIG, (struct place){"p.yaml", 3, 7}, "no such model");
	change_reason_print(&error, words, sizeof words);
	assert_string_equal(words, "p.yaml:3:7: no such model");
	error.place.line = 0;
	change_reason_print(&error, words, sizeof words);
	assert_string_equal(words, "no such model");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_change_that_waits_for_no_other_is_prepared, results_setup,
						results_teardown),
		cmocka_unit_test_setup_teardown(a_change_that_waits_is_prepared_again_after_its_pause, results_setup,
						results_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_reached_is_waited_for_until_the_patience_ends, results_setup,
						results_teardown),
		cmocka_unit_test_setup_teardown(any_other_failure_is_final, results_setup, results_teardown),
		cmocka_unit_test(a_reason_has_its_place_if_that_is_known),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
