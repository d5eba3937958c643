/* drift_settling_removed_test.c: a step `drift` whose `outcomeWindow` is removed: its state gives up what waited for truths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "state/store.h"
#include "tests/unit/observed.h"

#define TEN_MINUTES_MS 600000

static const double positive = 0.8;

static void waiting_count(void *context, const struct change *kept)
{
	static const char *const prefixes[] = {"settle", "closed/", "truth/", "arrived/", "awaited/"};
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		*(size_t *)context += text_starts_with(kept->key, text_of(prefixes[i]));
}

/* Entries of the state that are of rows, windows and truths that wait. */
static size_t waiting_entries(const struct observed *observed)
{
	struct store_walk walk = {0};
	size_t count = 0;
	while (store_show(observed->store, &walk, 1000, waiting_count, &count))
		;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_its_outcome_window_nothing_waits_any_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
