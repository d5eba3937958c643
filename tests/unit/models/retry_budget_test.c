/* retry_budget_test.c: Tests of how much of a model's work may be repetition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/calls/retry_budget.h"

static size_t taken_at(struct retry_budget *budget, int64_t now_us)
{
	size_t taken = 0;
	int64_t again_us;
	while (retry_budget_take(budget, now_us, &again_us))
		taken++;
	assert_true(again_us > now_us);
	return taken;
}

static void a_fifth_of_the_work_may_be_repeated(void **state)
{
	(void)state;
	struct retry_budget budget;
	retry_budget_open(&budget, 0);
	taken_at(&budget, 0);
	for (int i = 0; i < 100; i++)
		retry_budget_pay(&budget);
	assert_int_equal(taken_at(&budget, 0), 20);
}

static void time_pays_for_the_calls_of_a_slow_model(void **state)
{
	(void)state;
	struct retry_budget budget;
	retry_budget_open(&budget, 0);
	taken_at(&budget, 0);
	assert_int_equal(taken_at(&budget, 1000000), BUDGET_A_SECOND);
	assert_int_equal(taken_at(&budget, 1000000), 0);
}

static void who_comes_when_told_finds_one(void **state)
{
	(void)state;
	struct retry_budget budget;
	int64_t again_us;
	retry_budget_open(&budget, 0);
	taken_at(&budget, 0);
	assert_false(retry_budget_take(&budget, 5, &again_us));
	assert_true(retry_budget_take(&budget, again_us, &again_us));
}

static void no_storm_is_saved_up(void **state)
{
	(void)state;
	struct retry_budget budget;
	retry_budget_open(&budget, 0);
	for (int i = 0; i < 1000000; i++)
		retry_budget_pay(&budget);
	assert_int_equal(taken_at(&budget, (int64_t)1 << 50), BUDGET_MOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fifth_of_the_work_may_be_repeated),
		cmocka_unit_test(time_pays_for_the_calls_of_a_slow_model),
		cmocka_unit_test(who_comes_when_told_finds_one),
		cmocka_unit_test(no_storm_is_saved_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
