/* unit_join_limit_test.c: Tests of the largest value that counts where exposures and feedback are joined: the limit itself counts;
 * what is beyond is left out, counted, and named. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "experiments/analysis/unit_join.h"
#include "tests/unit/arena_fixture.h"

static void a_value_beyond_the_limit_is_left_out_and_counted(void **state)
{
	const double values[] = {1e50, -1e50, nextafter(1e50, INFINITY), -1e51};
	struct error error = {0};
	struct joined joined;
	(void)state;
	struct unit_join *join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	assert_non_null(join);
	for (int i = 0; i < 4; i++) {
		const struct text id = text_of(arena_print(arena, "r%d", i));
		const struct exposure exposure = {.id = id,
						  .time_ms = 1000 + i,
						  .experiment = {"e", 1},
						  .variant = {"a", 1},
						  .unit = id,
						  .probability = 0.5,
						  .reason = ASSIGNED_WEIGHT};
		const struct feedback feedback = {.id = id, .time_ms = 2000, .has_reward = true, .reward = values[i]};
		assert_true(unit_join_exposure(join, &exposure, &error));
		assert_true(unit_join_feedback(join, &feedback, 2000, &error));
	}
	assert_true(unit_join_end(join, &joined, &error));
	assert_int_equal(joined.counts.excess, 2);
	size_t reward = 0; /* beside the accuracy, of which there is no value */
	while (reward < joined.metric_count && !text_is(joined.metrics[reward].name, "reward"))
		reward++;
	assert_true(reward < joined.metric_count);
	assert_int_equal(joined.metrics[reward].count, 2);
	assert_int_equal(joined.metrics[reward].excess, 2);
	assert_true(joined.excess.value > 1e50 && text_is(joined.excess.request, "r2"));
	unit_join_close(join);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_value_beyond_the_limit_is_left_out_and_counted, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
