/* unit_join_policy_test.c: Tests of the join of a policy's exposures: among whom each version chose, by the record of its policy.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "experiments/analysis/unit_join.h"
#include "tests/unit/arena_fixture.h"

#define NEWEST 17

static const struct text first[] = {{"b", 1}, {"a", 1}, {"c", 1}}, then[] = {{"a", 1}, {"d", 1}};
static const struct policy_candidates lists[] = {{1, 3, first}, {16, 2, then}};
static const struct policy_versions versions = {NEWEST, 2, lists};
static struct unit_join *join;
static struct joined joined;

static void join_begin(void)
{
	join = unit_join_open(arena, &(struct join_options){.experiment = "e"});
	assert_non_null(join);
	unit_join_policy(join, &versions);
}

/* The choice of a contextual policy. */
static void expose(int64_t time_ms, const char *variant, uint64_t version)
{
	struct error error = {0};
	const struct exposure_feature feature = {{"x", 1}, (double)time_ms};
	const char *id = arena_print(arena, "r%lld", (long long)time_ms);
	const struct exposure exposure = {.id = text_of(id),
					  .time_ms = time_ms,
					  .experiment = {"e", 1},
					  .variant = text_of(variant),
					  .unit = text_of(id),
					  .probability = 0.3 + 0.01 * (double)(time_ms % 5),
					  .reason = ASSIGNED_POLICY,
					  .table = text_of(arena_print(arena, "%016llx", (unsigned long long)version)),
					  .feature_count = 1,
					  .features = &feature};
	assert_true(unit_join_exposure(join, &exposure, &error));
}

static void join_end(void)
{
	struct error error = {0};
	assert_true(unit_join_end(join, &joined, &error));
	unit_join_close(join);
}

static uint64_t bits_of(const char *names)
{
	uint64_t bits = 0;
	for (size_t arm = 0; arm < joined.arms; arm++)
		bits |= (uint64_t)(strchr(names, joined.arm_names[arm].bytes[0]) != NULL) << arm;
	return bits;
}

/* Each request has probabilities of its own, so that choices do not say among whom they were. */
static void candidates_of_a_context_are_those_of_the_record_of_its_policy(void **state)
{
	(void)state;
	join_begin();
	for (int64_t i = 0; i < 40; i++)
		expose(1 + i * 1000, "a", i < 20 ? 15 : 16);
	join_end();
	assert_int_equal(joined.arms, 4);
	for (size_t i = 0; i < joined.unit_count; i++)
		assert_int_equal(joined.units[i].candidates, bits_of(i < 20 ? "abc" : "ad"));
	assert_int_equal(joined.epoch_count, 2); /* an epoch ends where the candidates change */
}

/* A version that was written since, and one of another policy, whose candidates lack what was chosen. */
static void versions_that_the_record_does_not_have_are_not_known(void **state)
{
	(void)state;
	join_begin();
	expose(1, "a", NEWEST + 1);
	expose(2, "c", 16);
	join_end();
	assert_int_equal(joined.arms, 2);
	assert_int_equal(joined.units[0].candidates & bits_of("d"), 0);
}

static void expose_by(enum assigned_reason reason, int64_t time_ms)
{
	struct error error = {0};
	const char *id = arena_print(arena, "w%lld%d", (long long)time_ms, (int)reason);
	const struct exposure exposure = {.id = text_of(id),
					  .time_ms = time_ms,
					  .experiment = {"e", 1},
					  .variant = {"a", 1},
					  .unit = text_of(id),
					  .probability = 0.5,
					  .reason = reason};
	assert_true(unit_join_exposure(join, &exposure, &error));
}

/* Those of the last millisecond of the policy are no later than it, and a route is no chance. */
static void what_weights_choose_after_a_policy_is_counted_from_its_first(void **state)
{
	(void)state;
	join_begin();
	expose_by(ASSIGNED_WEIGHT, 10);
	expose_by(ASSIGNED_POLICY, 20);
	expose_by(ASSIGNED_WEIGHT, 20);
	expose_by(ASSIGNED_ROUTE, 25);
	expose_by(ASSIGNED_STAGE, 30);
	expose_by(ASSIGNED_WEIGHT, 40);
	join_end();
	assert_true(joined.adaptive);
	assert_int_equal(joined.weighed, 2);
	assert_int_equal(joined.weighed_from_ms, 30);
}

static void nothing_is_after_a_policy_that_chose_last_or_never(void **state)
{
	(void)state;
	join_begin();
	expose_by(ASSIGNED_WEIGHT, 10);
	expose_by(ASSIGNED_POLICY, 20);
	join_end();
	assert_true(joined.adaptive);
	assert_int_equal(joined.weighed, 0);
	assert_int_equal(joined.weighed_from_ms, 0);
	join_begin();
	expose_by(ASSIGNED_WEIGHT, 10);
	join_end();
	assert_false(joined.adaptive);
	assert_int_equal(joined.weighed, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(candidates_of_a_context_are_those_of_the_record_of_its_policy),
		TEST(versions_that_the_record_does_not_have_are_not_known),
		TEST(what_weights_choose_after_a_policy_is_counted_from_its_first),
		TEST(nothing_is_after_a_policy_that_chose_last_or_never),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
