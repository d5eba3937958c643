/* joined_metrics_test.c: Tests of how many metrics a join of exposures and feedback has. */
#include "experiments/analysis/unit_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static struct joined joined;

static void metric_send(struct unit_join *join, const char *kind, int number)
{
	char name[16];
	snprintf(name, sizeof name, number < 0 ? "%s" : "%s%d", kind, number);
	const struct feedback_metric metric = {text_of(name), 1};
	const struct feedback feedback = {.id = TEXT("r"), .metric_count = 1, .metrics = &metric};
	assert_true(unit_join_feedback(join, &feedback, 0, &(struct error){0}));
}

/* More of both kinds than there are places. Three have a meaning, whether they are named or not. */
static void metrics_are_bounded_and_those_that_are_kept_come_first(void **state)
{
	char names[JOIN_KEPT_MAX + 10][16];
	struct arena *arena = arena_open((size_t)256 << 20);
	struct error error = {0};
	struct unit_join *join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	const struct exposure exposure = {.id = TEXT("r"),
					  .unit = TEXT("u"),
					  .time_ms = 1000,
					  .experiment = TEXT("e"),
					  .variant = TEXT("new"),
					  .probability = 0.5,
					  .latency_ms = 5};
	(void)state;
	for (int i = 0; i < JOIN_KEPT_MAX + 10; i++) {
		snprintf(names[i], sizeof names[i], "kept%d", i);
		unit_join_keep(join, text_of(names[i]));
	}
	assert_true(unit_join_exposure(join, &exposure, &error));
	for (int i = 0; i < JOIN_METRICS_MAX + 10; i++)
		metric_send(join, "other", i);
	for (int i = 0; i < JOIN_KEPT_MAX + 10; i++)
		metric_send(join, "kept", i);
	metric_send(join, "reward", -1);
	metric_send(join, "accuracy", -1);
	assert_true(unit_join_end(join, &joined, &error));
	unit_join_close(join);
	assert_int_equal(joined.metric_count, JOIN_METRICS_MAX + JOIN_KEPT_MAX);
	assert_true(text_is(joined.metrics[joined.metric_count - 1].name, JOIN_LATENCY));
	assert_true(text_is(joined.metrics[joined.metric_count - 2].name, "accuracy"));
	assert_int_equal(joined.counts.crowded, 10 + 13);
	assert_true(text_is(joined.crowded, "other256"));
	assert_int_equal(joined.counts.doubled, 0);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_are_bounded_and_those_that_are_kept_come_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
