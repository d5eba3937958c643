/* unit_join_keys_test.c: Tests that the join of exposures and feedback never takes an id, a unit, an origin or a feedback_id for
 * another one, however alike their texts are. */
#include "experiments/analysis/unit_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define EXPOSURES 5
#define FEEDBACK 9

static void alike_texts_of_other_kinds_are_not_one(void **state)
{
	const struct exposure exposures[EXPOSURES] = {
		{.id = TEXT("a"), .unit = TEXT("x")},
		{.id = TEXT("x"), .unit = TEXT("a")},
		{.id = TEXT("1"), .unit = TEXT("12"), .origin = {TEXT("t"), 1, 12}},
		{.id = TEXT("2"), .unit = TEXT("2"), .origin = {TEXT("t"), 11, 2}},
		{.id = TEXT("3"), .unit = TEXT("0 a"), .origin = {TEXT("t-1"), 1, 2}},
	};
	const struct feedback feedback[FEEDBACK] = {
		{.id = TEXT("a")},
		{.unit = TEXT("a"), .feedback_id = TEXT("x")},
		{.id = TEXT("x"), .feedback_id = TEXT("a")},
		{.unit = TEXT("x")},
		{.origin = {TEXT("t"), 1, 12}},
		{.origin = {TEXT("t"), 11, 2}},
		{.origin = {TEXT("t-1"), 1, 2}},
		{.unit = TEXT("0 a")},
		{.id = TEXT("ot-1-12")},
	};
	const uint32_t units[FEEDBACK - 1] = {0, 1, 1, 0, 2, 3, 4, 4}; /* in the order of their exposures */
	struct arena *arena = arena_open((size_t)1 << 24);
	struct unit_join *join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	struct joined joined;
	struct error error = {0};
	(void)state;
	for (size_t i = 0; i < EXPOSURES; i++) {
		struct exposure exposure = exposures[i];
		exposure.time_ms = 1000 + (int64_t)i;
		exposure.experiment = TEXT("e");
		exposure.variant = TEXT("new");
		assert_true(unit_join_exposure(join, &exposure, &error));
	}
	for (size_t i = 0; i < FEEDBACK; i++) {
		struct feedback sent = feedback[i];
		sent.has_reward = true;
		sent.reward = (double)i;
		assert_true(unit_join_feedback(join, &sent, 2000 + (int64_t)i, &error));
	}
	assert_true(unit_join_end(join, &joined, &error));
	unit_join_close(join);
	assert_true(joined.unit_count == EXPOSURES && joined.counts.repeated == 0);
	assert_true(joined.counts.unknown == 1 && joined.counts.doubled == 0);
	assert_int_equal(joined.metrics[0].count, FEEDBACK - 1);
	for (size_t i = 0; i < FEEDBACK - 1; i++) {
		assert_true(joined.metrics[0].values[i].value == (double)i);
		assert_int_equal(joined.metrics[0].values[i].unit, units[i]);
	}
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alike_texts_of_other_kinds_are_not_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
