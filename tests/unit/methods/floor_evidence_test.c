/* floor_evidence_test.c: floor evidence: the share of a play that is owed to `explore`, and how long it counts; alone, and in
 * learners. */
#include "methods/bandits/bandit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/posteriors.h"

#define PLAYS 60

static struct random chance = {21};

static bool near(double got, double wanted, double most)
{
	return fabs(got - wanted) <= most * fmax(1, fabs(wanted));
}

static void shares_follow_from_the_logged_probability(void **state)
{
	(void)state;
	/* An arm of 4 that the learner itself plays with .1: p = .98 x .1 + .02 / 4 = .103, of which .005 are owed to explore. */
	assert_true(near(floor_share(0.02, 4, 0.103), 0.005 / 0.103, 1e-12));
	assert_true(floor_share(0.02, 4, 0.005) == 1); /* which it would not play itself */
	assert_true(floor_share(0.02, 4, 0.001) == 1); /* logged by a policy of another `explore` */
	assert_true(floor_share(0, 4, 0.1) == 0);
	assert_true(floor_share(1, 4, 0.25) == 1);
}

/* What is kept, play by play: each later play of the share s leaves 1 - s / 10 of it. */
static void expect_weighted(const struct weighted_moments *got, const double *weights, const double *rewards)
{
	double weight = 0, sum = 0, squares = 0;
	for (int i = 0; i < PLAYS; i++) {
		weight += weights[i];
		sum += weights[i] * rewards[i];
	}
	for (int i = 0; i < PLAYS; i++)
		squares += weights[i] * (rewards[i] - sum / weight) * (rewards[i] - sum / weight);
	assert_true(near(got->weight, weight, 1e-12));
	assert_true(near(got->mean, sum / weight, 1e-12));
	assert_true(near(got->squares, squares, 1e-12));
}

static void only_the_latest_plays_count(void **state)
{
	struct floor_evidence evidence = {0};
	double shares[PLAYS], rewards[PLAYS], kept[PLAYS], faded[PLAYS];
	(void)state;
	for (int i = 0; i < PLAYS; i++) {
		shares[i] = i % 7 == 0 ? 1 : 0.1 * (i % 7);
		rewards[i] = (i * 37 % 11) / 10.0 + (i > 30 ? 5 : 0);
		floor_evidence_add(&evidence, rewards[i], shares[i]);
	}
	for (int i = 0; i < PLAYS; i++) {
		kept[i] = shares[i];
		for (int j = i + 1; j < PLAYS; j++)
			kept[i] *= 1 - shares[j] / 10;
		faded[i] = shares[i] - kept[i];
	}
	expect_weighted(&evidence.kept, kept, rewards);
	expect_weighted(&evidence.faded, faded, rewards);
}

static void no_more_is_kept_than_of_so_many_plays(void **state)
{
	struct floor_evidence one = {0}, other = {0};
	(void)state;
	for (int i = 0; i < 1000; i++) {
		floor_evidence_add(&one, 1, 1);
		floor_evidence_add(&other, 0, 1);
	}
	assert_true(near(one.kept.weight, FLOOR_PLAYS_KEPT, 1e-12) && near(one.faded.weight, 1000 - FLOOR_PLAYS_KEPT, 1e-12));
	floor_evidence_merge(&one, &other);
	assert_true(near(one.kept.weight, FLOOR_PLAYS_KEPT, 1e-12) && near(one.kept.mean, 0.5, 1e-12));
	assert_true(near(one.faded.weight, 2000 - FLOOR_PLAYS_KEPT, 1e-12) && near(one.faded.mean, 0.5, 1e-12));
	const struct floor_evidence before = one, none = {0};
	floor_evidence_merge(&one, &none);
	assert_memory_equal(&one, &before, sizeof one);
}

/* ---- of learners ---- */

static struct bandit *simple(enum bandit_kind kind, size_t arms)
{
	struct error error = {0};
	const struct bandit_options options = bandit_defaults(kind, arms, 0);
	struct bandit *bandit = bandit_open(arena, &options, &error);
	if (!bandit)
		fail_msg("%s", error.text);
	return bandit;
}

static void rewarded_by_floor(struct bandit *bandit, size_t arm, double reward, double share)
{
	struct error error = {0};
	const struct bandit_reward one = {.arm = arm, .reward = reward, .probability = 0.5, .floor_share = share};
	if (!bandit_reward(bandit, &one, &error))
		fail_msg("%s", error.text);
}

/* Of what only `explore` played, each later such play leaves 9 / 10. */
static void thompson_forgets_what_only_explore_played(void **state)
{
	(void)state;
	struct bandit *beta = simple(BANDIT_THOMPSON_BETA, 2), *normal = simple(BANDIT_THOMPSON_NORMAL, 2);
	for (size_t i = 0; i < 230; i++) {
		rewarded_by_floor(beta, 0, i >= 200, 1);
		rewarded_by_floor(normal, 0, i >= 200, 1);
	}
	rewarded_by_floor(beta, 0, 1, 0);
	rewarded_by_floor(normal, 0, 1, 0);
	const double late = 10 * (1 - pow(0.9, 30)), early = 10 * pow(0.9, 30) * (1 - pow(0.9, 200));
	const struct arm_posterior rate = bandit_posterior(beta, 0), mean = bandit_posterior(normal, 0);
	assert_true(near(rate.alpha, 1 + late + 1, 1e-12) && near(rate.beta, 1 + early, 1e-12));
	assert_true(near(mean.mean, (late + 1) / (1 + late + 1 + early), 1e-12));
	assert_true(near(mean.scale, sqrt(1 / (1 + late + 1 + early)), 1e-12));
	assert_int_equal(bandit_arm(beta, 0)->moments.count, 231);
}

/* The normal-inverse-gamma posterior of weighted rewards, by two passes. */
static void thompson_of_unknown_variance_weighs_rewards(void **state)
{
	(void)state;
	struct bandit *bandit = simple(BANDIT_THOMPSON_STUDENT, 1);
	double weights[50], rewards[50], count = 0, sum = 0, squares = 0;
	for (size_t i = 0; i < 50; i++) {
		const double share = i % 3 == 0 ? 0 : 0.5 * (double)(i % 3);
		rewards[i] = 1e4 + normal_draw(&chance);
		rewarded_by_floor(bandit, 0, rewards[i], share);
		for (size_t j = 0; j < i; j++)
			weights[j] -= (weights[j] - (j % 3 == 0 ? 1 : 1 - 0.5 * (double)(j % 3))) * share / 10;
		weights[i] = 1;
	}
	for (size_t i = 0; i < 50; i++) {
		count += weights[i];
		sum += weights[i] * rewards[i];
	}
	for (size_t i = 0; i < 50; i++)
		squares += weights[i] * (rewards[i] - sum / count) * (rewards[i] - sum / count);
	const struct normal_gamma got = bandit_normal_gamma(bandit, 0);
	assert_true(near(got.weight, 1 + count, 1e-12) && near(got.alpha, 1 + count / 2, 1e-12));
	assert_true(near(got.mean, sum / (1 + count), 1e-12));
	assert_true(near(got.beta, 1 + squares / 2 + sum / count * sum / (2 * (1 + count)), 1e-9));
}

static void shares_are_thompsons_alone(void **state)
{
	(void)state;
	struct error error = {0};
	struct bandit_options options = bandit_defaults(BANDIT_THOMPSON_BETA, 3, 0);
	assert_true(bandit_floor_share(&options, 0.02 / 3) == 1);
	assert_true(near(bandit_floor_share(&options, 0.5), 0.02 / 3 / 0.5, 1e-15));
	options.explore = 0;
	assert_true(bandit_floor_share(&options, 0.5) == 0);
	const enum bandit_kind others[] = {BANDIT_EPSILON_GREEDY, BANDIT_UCB1, BANDIT_LINUCB, BANDIT_EXP3};
	for (size_t i = 0; i < 4; i++) {
		options = bandit_defaults(others[i], 3, 0);
		assert_true(bandit_floor_share(&options, 0.02 / 3) == 0);
	}
	struct bandit *ucb1 = simple(BANDIT_UCB1, 2);
	rewarded_by_floor(ucb1, 0, 1, 1);
	assert_true(bandit_arm(ucb1, 0)->floor.kept.weight == 0);
	const double bad[] = {-0.01, 1.01, NAN};
	for (size_t i = 0; i < 3; i++)
		assert_false(bandit_reward(ucb1, &(struct bandit_reward){.reward = 1, .floor_share = bad[i]}, &error));
	assert_int_equal(bandit_arm(ucb1, 0)->moments.count, 1);
}

static void floor_evidence_reads_back_and_goes_on(void **state)
{
	(void)state;
	const enum bandit_kind kinds[] = {BANDIT_THOMPSON_BETA, BANDIT_THOMPSON_NORMAL, BANDIT_THOMPSON_STUDENT};
	for (size_t k = 0; k < 3; k++) {
		struct error error = {0};
		struct buffer out, again;
		struct bandit *bandit = simple(kinds[k], 3);
		buffer_open(&out, (size_t)1 << 20);
		buffer_open(&again, (size_t)1 << 20);
		for (size_t i = 0; i < 200; i++)
			rewarded_by_floor(bandit, i % 2, i % 7 == 0, i % 2 == 0 ? 1 : 0.02);
		bandit_write(bandit, &out);
		assert_int_equal(out.bytes[0], 2);
		struct bandit *back = bandit_read(arena, (struct text){out.bytes, out.length}, &error);
		if (!back)
			fail_msg("%s", error.text);
		rewarded_by_floor(bandit, 0, 1, 0.3);
		rewarded_by_floor(back, 0, 1, 0.3);
		for (size_t arm = 0; arm < 3; arm++) {
			const struct arm_posterior one = bandit_posterior(bandit, arm), other = bandit_posterior(back, arm);
			expect_equal_posteriors(&one, &other);
		}
		bandit_write(back, &again);
		buffer_clear(&out);
		bandit_write(bandit, &out);
		assert_memory_equal(again.bytes, out.bytes, out.length);
		buffer_close(&out);
		buffer_close(&again);
	}
}

/* A hash that fits does not let wrong numbers in. */
static void damaged_floor_evidence_is_refused(void **state)
{
	struct error error = {0};
	struct buffer out;
	(void)state;
	struct bandit *bandit = simple(BANDIT_THOMPSON_BETA, 1);
	buffer_open(&out, (size_t)1 << 20);
	for (size_t i = 0; i < 20; i++)
		rewarded_by_floor(bandit, 0, i % 2 == 0, 1);
	bandit_write(bandit, &out);
	const double wrong[] = {-1, 21, 1e300};
	for (size_t number = 0; number < 6; number++)
		for (size_t i = 0; i < 3; i++) {
			char *at = out.bytes + out.length - 8 - (6 - number) * 8; /* the last of the last arm */
			double was;
			if (number % 3 == 2 && i > 0)
				continue; /* squares have no end */
			memcpy(&was, at, sizeof was);
			memcpy(at, &wrong[i], sizeof was);
			const uint64_t hash = hash_bytes(out.bytes, out.length - 8, 0);
			memcpy(out.bytes + out.length - 8, &hash, 8); /* of a little-endian machine */
			assert_null(bandit_read(arena, (struct text){out.bytes, out.length}, &error));
			assert_int_equal(error.kind, ERROR_INPUT);
			memcpy(at, &was, sizeof was);
		}
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_from_the_logged_probability),
		cmocka_unit_test(only_the_latest_plays_count),
		cmocka_unit_test(no_more_is_kept_than_of_so_many_plays),
		cmocka_unit_test(thompson_forgets_what_only_explore_played),
		cmocka_unit_test(thompson_of_unknown_variance_weighs_rewards),
		cmocka_unit_test(shares_are_thompsons_alone),
		cmocka_unit_test(floor_evidence_reads_back_and_goes_on),
		cmocka_unit_test(damaged_floor_evidence_is_refused),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
