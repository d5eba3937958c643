/* bandit_warm_test.c: Tests of the warm start of learners: what is known of arms weighs as so many plays do, by the formulas of
 * each algorithm. */
#include "methods/bandits/bandit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "tests/unit/arena_fixture.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static bool near(double got, double wanted)
{
	return fabs(got - wanted) <= 1e-12 * fmax(1, fabs(wanted));
}

static struct bandit *warm_of(struct bandit_options options, const struct bandit_prior *priors, const double *x)
{
	struct error error = {0};
	struct bandit *bandit = bandit_open(arena, &options, &error);
	if (!bandit || !bandit_warm(bandit, priors, x, &error))
		fail_msg("%s", error.text);
	return bandit;
}

static void reward_give(struct bandit *bandit, size_t arm, double reward, const double *x)
{
	struct error error = {0};
	assert_true(
		bandit_reward(bandit, &(struct bandit_reward){.arm = arm, .x = x, .reward = reward, .probability = 0.5}, &error));
}

static void a_mean_weighs_as_its_plays_do(void **state)
{
	static const struct bandit_prior priors[] = {{3, 0.2, 0}, {0}};
	double chances[2];
	(void)state;
	struct bandit *bandit = warm_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0), priors, NULL);
	assert_true(near(bandit_mean(bandit, 0), 0.2) && bandit_mean(bandit, 1) == 0);
	bandit_chances(bandit, chances);
	assert_true(near(chances[0], 0.95) && near(chances[1], 0.05));
	reward_give(bandit, 0, 1, NULL); /* (3 x 0.2 + 1) / 4 */
	reward_give(bandit, 1, 0.5, NULL);
	assert_true(near(bandit_mean(bandit, 0), 0.4) && near(bandit_mean(bandit, 1), 0.5));
	bandit_chances(bandit, chances);
	assert_true(near(chances[1], 0.95));
}

static void ucb1_counts_the_plays(void **state)
{
	static const struct bandit_prior priors[] = {{8, 0.5, 0}, {2, 0.25, 0}}, one[] = {{8, 0.5, 0}, {0}};
	(void)state;
	const struct bandit *bandit = warm_of(bandit_defaults(BANDIT_UCB1, 2, 0), priors, NULL);
	assert_true(near(bandit_index(bandit, 0), 0.5 + sqrt(2 * log(10) / 8)));
	assert_true(near(bandit_index(bandit, 1), 0.25 + sqrt(2 * log(10) / 2)));
	assert_true(isinf(bandit_index(warm_of(bandit_defaults(BANDIT_UCB1, 2, 0), one, NULL), 1))); /* it is played first */
}

static void a_share_of_successes_is_added_to_the_beta_prior(void **state)
{
	static const struct bandit_prior priors[] = {{50, 0.62, 0}, {20, 0.55, 0}};
	(void)state;
	struct bandit *bandit = warm_of(bandit_defaults(BANDIT_THOMPSON_BETA, 2, 0), priors, NULL);
	struct arm_posterior posterior = bandit_posterior(bandit, 0);
	assert_true(near(posterior.alpha, 32) && near(posterior.beta, 20));
	reward_give(bandit, 1, 1, NULL);
	posterior = bandit_posterior(bandit, 1);
	assert_true(near(posterior.alpha, 13) && near(posterior.beta, 10));
}

/* As of the rewards 1, 2, 3, 6: their mean is 3, their sample deviation the root of 14/3. The prior is (0, 1, 1, 1). */
static void a_deviation_is_that_of_single_rewards(void **state)
{
	const struct bandit_prior priors[] = {{4, 3, sqrt(14.0 / 3)}, {1, 2, 7}};
	(void)state;
	const struct bandit *bandit = warm_of(bandit_defaults(BANDIT_THOMPSON_STUDENT, 2, 0), priors, NULL);
	const struct normal_gamma known = bandit_normal_gamma(bandit, 0), once = bandit_normal_gamma(bandit, 1);
	assert_true(near(known.mean, 2.4) && near(known.weight, 5) && near(known.alpha, 3) && near(known.beta, 11.6));
	assert_true(near(once.mean, 1) && near(once.beta, 1 + 1 * 1 * 4.0 / (2 * 2))); /* one play has no deviation */
}

/* The variance of rewards is 1: a posterior of precision 1 + n. */
static void a_known_variance_takes_the_plays_as_precision(void **state)
{
	static const struct bandit_prior priors[] = {{3, 2, 0}, {0}};
	(void)state;
	const struct arm_posterior posterior =
		bandit_posterior(warm_of(bandit_defaults(BANDIT_THOMPSON_NORMAL, 2, 0), priors, NULL), 0);
	assert_true(near(posterior.mean, 6.0 / 4) && near(posterior.scale, 0.5));
}

/* exp(gamma G / K), G = mean x all plays: how they were divided among the arms does not count. */
static void exp3_weighs_what_each_arm_would_have_gained(void **state)
{
	static const struct bandit_prior priors[] = {{6, 0.5, 0}, {4, 0.25, 0}};
	double chances[2];
	(void)state;
	const double first = exp(0.1 * 0.5 * 10 / 2), second = exp(0.1 * 0.25 * 10 / 2);
	bandit_chances(warm_of(bandit_defaults(BANDIT_EXP3, 2, 0), priors, NULL), chances);
	assert_true(near(chances[0], 0.9 * first / (first + second) + 0.05));
	assert_true(near(chances[1], 0.9 * second / (first + second) + 0.05));
}

/* With lambda 1 and x = [1, 0]: A = diag(1 + n, 1), b = [n mean, 0]. */
static void with_features_the_plays_are_of_their_context(void **state)
{
	static const struct bandit_prior priors[] = {{4, 0.5, 0}, {0}};
	static const double means[] = {1, 0}, x[] = {1, 2};
	static const enum bandit_kind kinds[] = {BANDIT_LINUCB, BANDIT_EPSILON_GREEDY};
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const double bound = kinds[i] == BANDIT_LINUCB ? 1 : 0;
		struct bandit *bandit = warm_of(bandit_defaults(kinds[i], 2, 2), priors, means);
		assert_true(near(bandit_score(bandit, 0, means), 0.4 + bound * sqrt(0.2)));
		assert_true(near(bandit_score(bandit, 0, x), 0.4 + bound * sqrt(0.2 + 4)));
		assert_true(near(bandit_score(bandit, 1, x), bound * sqrt(5)));
		reward_give(bandit, 0, 1, means); /* A = 6, b = 3 */
		assert_true(near(bandit_score(bandit, 0, means), 0.5 + bound * sqrt(1.0 / 6)));
	}
}

static void a_warm_start_is_part_of_the_state(void **state)
{
	static const struct bandit_prior priors[] = {{4, 0.5, 0}, {9, 0.25, 0}};
	static const double means[] = {1, 0};
	struct buffer out;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 16);
	const struct bandit *bandit = warm_of(bandit_defaults(BANDIT_LINUCB, 2, 2), priors, means);
	bandit_write(bandit, &out);
	const struct bandit *back = bandit_read(arena, buffer_view(&out), &error);
	assert_non_null(back);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(bandit_arm(back, i)->moments.count, priors[i].plays);
		assert_true(near(bandit_score(back, i, means), bandit_score(bandit, i, means)));
	}
	buffer_close(&out);
}

static void refuses(struct bandit_options options, struct bandit_prior first, const char *words)
{
	const struct bandit_prior priors[] = {{1, 0.5, 0}, first};
	struct error error = {0};
	struct bandit *bandit = bandit_open(arena, &options, &error);
	assert_false(bandit_warm(bandit, priors, NULL, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	if (!strstr(error.text, words))
		fail_msg("%s", error.text);
	assert_int_equal(bandit_arm(bandit, 0)->moments.count, 0); /* nothing changed */
}

static void what_an_algorithm_does_not_take_is_refused(void **state)
{
	(void)state;
	refuses(bandit_defaults(BANDIT_THOMPSON_BETA, 2, 0), (struct bandit_prior){5, 1.5, 0}, "mean 1.5");
	refuses(bandit_defaults(BANDIT_UCB1, 2, 0), (struct bandit_prior){5, (double)NAN, 0}, "mean nan");
	refuses(bandit_defaults(BANDIT_EXP3, 2, 0), (struct bandit_prior){0}, "all arms or with none");
	refuses(bandit_defaults(BANDIT_UCB1, 2, 0), (struct bandit_prior){(uint64_t)BANDIT_PRIOR_PLAYS_MOST + 1, 1, 0}, "at most");
	refuses(bandit_defaults(BANDIT_THOMPSON_STUDENT, 2, 0), (struct bandit_prior){5, 1, -1}, "deviation -1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mean_weighs_as_its_plays_do),
		cmocka_unit_test(ucb1_counts_the_plays),
		cmocka_unit_test(a_share_of_successes_is_added_to_the_beta_prior),
		cmocka_unit_test(a_deviation_is_that_of_single_rewards),
		cmocka_unit_test(a_known_variance_takes_the_plays_as_precision),
		cmocka_unit_test(exp3_weighs_what_each_arm_would_have_gained),
		cmocka_unit_test(with_features_the_plays_are_of_their_context),
		cmocka_unit_test(a_warm_start_is_part_of_the_state),
		cmocka_unit_test(what_an_algorithm_does_not_take_is_refused),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
