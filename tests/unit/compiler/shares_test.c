/* shares_test.c: plans that follow on another: which share a message gets follows from the weights
 * that are in force, and not from those that were. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define SHARING(weights)                                                                                                           \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: shared}\nspec:\n  steps: [{name: by, traffic: "    \
	"{shares: [" weights "]}}]\n  output: {steps: [by]}\n"

static const struct step_kind *const shared_kinds[] = {&step_model, &step_traffic, NULL};

static const unsigned char *ways_of(struct planning *planning, const char *yaml)
{
	const struct plan_options options = {.kinds = shared_kinds};
	struct plan plan;
	planning_read(planning, yaml, shared_kinds);
	planning_plan(planning, &options, &plan);
	assert_int_equal(planning_errors(planning), 0);
	return plan.pipelines[0].graph->steps[0].assignment->ways;
}

/* 90/10, 75/25, 50/50: each change moves its minimum. A third target takes no more than its own share, and the files
 * written in another order move nothing. */
static void shares_move_by_their_weights_alone(void **state)
{
	static const char *const versions[] = {SHARING("{weight: 90, call: a}, {weight: 10, call: b}"),
					       SHARING("{weight: 75, call: a}, {weight: 25, call: b}"),
					       SHARING("{weight: 50, call: b}, {weight: 50, call: a}"),
					       SHARING("{weight: 45, call: b}, {weight: 10, call: c}, {weight: 45, call: a}")};
	static const char *const names[] = {"ab", "ab", "ba", "bca"};
	static const size_t moves[] = {0, 1500, 2500, 1000};
	struct planning plannings[4];
	const unsigned char *ways[4];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		ways[i] = ways_of(&plannings[i], versions[i]);
		size_t moved = 0, displaced = 0;
		for (size_t bucket = 0; i > 0 && bucket < ASSIGNMENT_BUCKETS; bucket++) {
			char now = names[i][ways[i][bucket]], before = names[i - 1][ways[i - 1][bucket]];
			moved += now != before;
			displaced += now != before && now != 'c';
		}
		assert_true(moved - (i == 3 ? displaced : 0) == moves[i]);
		assert_true(displaced <= (i == 3 ? 100 : moves[i]));
	}
	for (size_t i = 0; i < 4; i++)
		planning_close(&plannings[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(shares_move_by_their_weights_alone)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
