/* shares_test.c: plans that follow on another: who gets which share of the messages moves
 * from where it was. */
#include "planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define SHARING(weights)                                                                                                           \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: shared}\nspec:\n  steps: [{name: by, traffic: "    \
	"{shares: [" weights "]}}]\n  output: {steps: [by]}\n"

/* Files that change in a running engine: 20 % go over to `b`, those of the smallest numbers,
 * and one that comes takes the fewest from each of the others. */
static void shares_move_from_where_they_were(void **state)
{
	static const struct step_kind *const shared_kinds[] = {&step_model, &step_traffic, NULL};
	static const char *const versions[] = {SHARING("{weight: 70, call: a}, {weight: 30, call: b}"),
					       SHARING("{weight: 50, call: a}, {weight: 50, call: b}"),
					       SHARING("{weight: 40, call: b}, {weight: 20, call: c}, {weight: 40, call: a}")};
	struct planning plannings[3];
	struct plan plans[3];
	const unsigned char *ways[3];
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		const struct plan_options options = {.kinds = shared_kinds, .before = i ? &plans[i - 1] : NULL};
		planning_read(&plannings[i], versions[i], shared_kinds);
		planning_plan(&plannings[i], &options, &plans[i]);
		assert_int_equal(planning_errors(&plannings[i]), 0);
		ways[i] = plans[i].pipelines[0].graph->steps[0].assignment->ways;
	}
	for (size_t bucket = 0; bucket < ASSIGNMENT_BUCKETS; bucket++) {
		assert_int_equal(ways[0][bucket], bucket >= 7000);
		assert_int_equal(ways[1][bucket], bucket < 2000 || bucket >= 7000);
		/* 1,000 of each of the two go to `c`: the first of `b` are 0 to 999, of `a` 2,000 to 2,999. */
		bool moved = bucket < 1000 || (bucket >= 2000 && bucket < 3000);
		assert_int_equal(ways[2][bucket], moved ? 1 : ways[1][bucket] ? 0 : 2);
	}
	for (size_t i = 0; i < 3; i++)
		planning_close(&plannings[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shares_move_from_where_they_were)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
