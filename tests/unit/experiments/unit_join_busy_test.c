/* unit_join_busy_test.c: Test that the join of exposures and feedback takes a busy unit in one walk. */
#include "experiments/analysis/unit_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#define BUSY 200000
#define BUSY_CPU_S 20 /* far more than a walk along the unit takes; one walk for each feedback takes minutes */

/* One unit has all requests, and each feedback names the unit alone, at the time of its request. */
static void feedback_of_a_busy_unit_takes_one_walk(void **state)
{
	struct arena *arena = arena_open((size_t)1 << 30);
	struct unit_join *join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	struct joined joined;
	struct error error = {0};
	(void)state;
	assert_non_null(join);
	for (int i = 0; i < BUSY; i++) {
		char id[16];
		(void)snprintf(id, sizeof id, "r%d", i);
		const struct exposure exposure = {.id = text_of(id),
						  .time_ms = 1000 * (int64_t)(i + 1),
						  .experiment = TEXT("e"),
						  .variant = TEXT("a"),
						  .unit = TEXT("busy"),
						  .reason = ASSIGNED_POLICY,
						  .probability = 0.5};
		const struct feedback feedback = {
			.unit = TEXT("busy"), .time_ms = 1000 * (int64_t)(i + 1) + 500, .has_reward = true, .reward = i};
		if (!unit_join_exposure(join, &exposure, &error) || !unit_join_feedback(join, &feedback, 0, &error))
			fail_msg("%s", error.text);
	}
	const clock_t begun = clock();
	assert_true(unit_join_end(join, &joined, &error));
	const double took_s = (double)(clock() - begun) / CLOCKS_PER_SEC;
	print_message("%d requests and feedbacks of one unit: joined in %.1f s\n", BUSY, took_s);
	assert_int_equal(joined.metrics[0].count, BUSY);
	for (size_t i = 0; i < BUSY; i++)
		assert_true(joined.metrics[0].values[i].value == (double)joined.metrics[0].values[i].exposure);
	assert_true(took_s < BUSY_CPU_S);
	unit_join_close(join);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feedback_of_a_busy_unit_takes_one_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
