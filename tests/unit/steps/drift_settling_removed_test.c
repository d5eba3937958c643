/* drift_settling_removed_test.c: rows of a step `drift` that wait for truths and are given up, since the `outcomeWindow` is
 * removed, the reference is another, or their window begins anew: they are in no record, and nothing of them stays in the state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/state/store.h"
#include "tests/unit/observed.h"

#define TEN_MINUTES_MS 600000
#define WAITS USUAL ", estimate: {probabilities: p, outcomeWindow: 10m}"

static const double positive = 0.8;

/* Entries of the state that are of rows, windows and truths that wait. */
static size_t waiting_entries(const struct observed *observed)
{
	static const char *const prefixes[] = {"settle", "closed/", "truth/", "arrived/", "awaited/"};
	size_t count = 0;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		count += observed_entries(observed, prefixes[i]);
	return count;
}

static void engine_change(struct observed *observed, const char *options)
{
	observed_engine_close(observed);
	planning_close(&observed->planning);
	observed_steps(observed, options);
	observed_engine_open(observed);
}

/* Its state is dropped in parts, of each segment when it comes again; and the option may come back. */
static void without_its_outcome_window_nothing_waits_any_more(void **state)
{
	(void)state;
	for (int segments = 1; segments <= 2; segments++) {
		const char *group = segments > 1 ? ", groupBy: key, estimate: {probabilities: p" : ", estimate: {probabilities: p";
		char with[128], without[128];
		struct observed observed;
		snprintf(with, sizeof with, USUAL "%s, outcomeWindow: 10m}", group);
		snprintf(without, sizeof without, USUAL "%s}", group);
		observed_open(&observed, with);
		observed.passed_ms = observed.time_ms;
		for (int i = 0; i < segments; i++) {
			observed.key = i ? TEXT("b") : TEXT("a");
			observed_positives(&observed, 100, positive); /* two windows have closed, and one is open */
		}
		for (int i = 0; i < 3000; i++)
			observed_truth(&observed, i, &positive, 1, 0);
		assert_true(waiting_entries(&observed) > 6000);
		engine_change(&observed, without);
		for (int i = 0; i < 10; i++) {
			observed.key = i % 2 ? TEXT("b") : TEXT("a");
			observed_positives(&observed, 1, positive);
		}
		assert_int_equal(waiting_entries(&observed), 0);
		assert_int_equal(observed.settled_count, 0);
		engine_change(&observed, with);
		observed.key = TEXT("a");
		observed_positives(&observed, 40, positive);
		observed.passed_ms += TEN_MINUTES_MS;
		observed_positives(&observed, 1, positive);
		assert_int_equal(observed.settled_count, 1);
		observed_close(&observed);
	}
}

/* ---- windows that are dropped ---- */

static void expect_settled(const struct observed *observed, size_t at, uint64_t window, uint64_t truths, double accuracy)
{
	const struct settled *settled = &observed->settled[at];
	assert_int_equal(settled->window, window);
	assert_int_equal(settled->messages, 40);
	assert_int_equal(settled->truths, truths);
	assert_true(settled->first.value == accuracy);
}

/* Windows that have closed wait on; the rows of the open one are compared with nothing any more. */
static void a_reference_that_is_learnt_again_drops_the_open_window_alone(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, WAITS);
	observed.passed_ms = observed.time_ms;
	observed_learn(&observed, false);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, positive);
	observed_positives(&observed, 30, positive); /* of an open window */
	observed_outcomes(&observed, first_ms, 40, 1);
	observed_engine_close(&observed);
	verdict_board_close(observed.board);
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	observed_learn(&observed, true);
	const int64_t second_ms = observed.time_ms;
	observed_positives(&observed, 40, positive);
	assert_int_equal(observed.count, 2);
	observed_outcomes(&observed, first_ms + 40 * 1000, 30, 0); /* of those that were dropped */
	observed_outcomes(&observed, second_ms, 40, 4);
	observed.passed_ms += TEN_MINUTES_MS;
	observed_positives(&observed, 1, positive);
	assert_int_equal(observed.settled_count, 2);
	expect_settled(&observed, 0, observed.seen[0].window, 40, 0.2);
	expect_settled(&observed, 1, observed.seen[1].window, 40, 0.8);
	observed_positives(&observed, 1, positive);
	assert_int_equal(observed_entries(&observed, "closed/"), 0);
	assert_int_equal(observed_entries(&observed, "settle/"), 2); /* of the open window, by two messages */
	observed_close(&observed);
}

static uint32_t observer_scope(const struct observed *observed)
{
	uint32_t scope;
	assert_true(store_scope_find(observed->store, TEXT("watch" OBSERVER_SUFFIX), &scope));
	return scope;
}

/* A part of its rows is gone, so it has only those that come from then on. */
static void a_window_that_begins_anew_drops_the_rows_that_waited(void **state)
{
	(void)state;
	struct observed observed;
	struct error error = {0};
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 15, positive);
	const uint32_t scope = observer_scope(&observed);
	observed_engine_close(&observed);
	assert_true(store_restore(observed.store, scope, TEXT("rows//3"), (struct text){0}, &error));
	observed_engine_open(&observed);
	observed_positives(&observed, 25, positive); /* the last would close it, and is the first of the window */
	assert_int_equal(observed.count, 0);
	observed_positives(&observed, 39, positive);
	assert_int_equal(observed.count, 1);
	observed_outcomes(&observed, first_ms, 39, 0);
	observed_outcomes(&observed, first_ms + 39 * 1000, 40, 4);
	observed.passed_ms += TEN_MINUTES_MS;
	observed_positives(&observed, 1, positive);
	assert_int_equal(observed.settled_count, 1);
	expect_settled(&observed, 0, 0, 40, 0.8);
	assert_int_equal(observed_entries(&observed, "closed/"), 0);
	assert_int_equal(observed_entries(&observed, "settle/"), 1);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_its_outcome_window_nothing_waits_any_more),
		cmocka_unit_test(a_reference_that_is_learnt_again_drops_the_open_window_alone),
		cmocka_unit_test(a_window_that_begins_anew_drops_the_rows_that_waited),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
