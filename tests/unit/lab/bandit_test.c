/* bandit_test.c: learners of bandits: what they know, how late rewards count, merging, and states as bytes. */
#include "methods/bandits/bandit.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"
#include "comparison/bandits/posterior_draw.h"
#include "tests/unit/arena_fixture.h"

#define FEATURES 4

static struct random chance;

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)64 << 20);
	chance.state = 21;
	return arena ? 0 : -1;
}

static bool near(double got, double wanted, double most)
{
	return fabs(got - wanted) <= most * fmax(1, fabs(wanted));
}

static struct bandit *opened(struct bandit_options options)
{
	struct error error = {0};
	struct bandit *bandit = bandit_open(arena, &options, &error);
	if (!bandit)
		fail_msg("%s", error.text);
	return bandit;
}

static struct bandit *simple(enum bandit_kind kind, size_t arms)
{
	return opened(bandit_defaults(kind, arms, kind == BANDIT_LINUCB ? FEATURES : 0));
}

static void rewarded(struct bandit *bandit, size_t arm, double reward)
{
	struct error error = {0};
	assert_true(bandit_reward(bandit, &(struct bandit_reward){.arm = arm, .reward = reward, .probability = 0.5}, &error));
}

static void context_drawn(double *x)
{
	for (size_t i = 0; i < FEATURES; i++)
		x[i] = normal_draw(&chance);
}

/* ---- numbers ---- */

static void rewards_may_be_as_large_as_the_limit_and_no_larger(void **state)
{
	(void)state;
	const double beyond = nextafter(1e50, INFINITY);
	struct error error = {0};
	assert_true(BANDIT_REWARD_MOST == 1e50);
	struct bandit *bandit = simple(BANDIT_THOMPSON_STUDENT, 2);
	for (int sign = -1; sign <= 1; sign += 2) {
		assert_true(bandit_takes(BANDIT_UCB1, sign * 1e50) && !bandit_takes(BANDIT_UCB1, sign * beyond));
		rewarded(bandit, 0, sign * 1e50);
		assert_false(bandit_reward(bandit, &(struct bandit_reward){.arm = 0, .reward = sign * beyond}, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	assert_true(bandit_mean(bandit, 0) == 0 && isfinite(bandit_arm(bandit, 0)->moments.squares));
}

/* ---- choices ---- */

static void ties_go_to_the_lowest_arm(void **state)
{
	(void)state;
	assert_int_equal(arm_of_greatest((double[]){1, 2, 2}, 3), 1);
	assert_int_equal(arm_of_greatest((double[]){NAN, -1, NAN}, 3), 1);
	assert_int_equal(arm_of_greatest((double[]){NAN, NAN}, 2), 0);
	/* Means of the same rewards in another order are equal to the last digit. */
	struct bandit *bandit = simple(BANDIT_EPSILON_GREEDY, 2);
	double chances[2];
	for (int i = 0; i < 9; i++) {
		rewarded(bandit, 0, i < 3);
		rewarded(bandit, 1, i >= 6);
	}
	assert_true(bandit_mean(bandit, 0) == bandit_mean(bandit, 1));
	bandit_chances(bandit, chances);
	assert_true(near(chances[0], 0.95, 1e-15));
}

/* Whatever their order: the sum of whole rewards has no rounding. */
static void means_of_whole_rewards_are_exact(void **state)
{
	(void)state;
	struct bandit *bandit = simple(BANDIT_EPSILON_GREEDY, 1);
	unsigned sum = 0;
	for (unsigned i = 1; i <= 500; i++) {
		const unsigned reward = (unsigned)random_below(&chance, 3);
		rewarded(bandit, 0, reward);
		sum += reward;
		assert_true(bandit_mean(bandit, 0) == (double)sum / i);
	}
}

static void ucb1_first_plays_what_was_never_played(void **state)
{
	(void)state;
	struct bandit *bandit = simple(BANDIT_UCB1, 3);
	double chances[3];
	rewarded(bandit, 0, 1);
	rewarded(bandit, 1, 0);
	assert_true(isinf(bandit_index(bandit, 2)));
	bandit_chances(bandit, chances);
	assert_true(chances[2] == 1);
	rewarded(bandit, 2, 0.5);
	assert_true(near(bandit_index(bandit, 2), 0.5 + sqrt(2 * log(3)), 1e-14));
}

static void plays_that_wait_widen_no_bound(void **state)
{
	(void)state;
	struct error error = {0};
	struct bandit *ucb1 = simple(BANDIT_UCB1, 2);
	rewarded(ucb1, 0, 1);
	rewarded(ucb1, 1, 0.9);
	for (int i = 0; i < 3; i++)
		assert_true(bandit_expose(ucb1, 0, NULL, &error));
	assert_true(near(bandit_index(ucb1, 0), 1 + sqrt(2 * log(5) / 4), 1e-14));
	assert_true(bandit_expire(ucb1, 0, NULL, &error));
	assert_true(near(bandit_index(ucb1, 0), 1 + sqrt(2 * log(4) / 3), 1e-14));
	assert_true(bandit_reward(ucb1, &(struct bandit_reward){.arm = 0, .reward = 0, .exposed = true}, &error));
	assert_true(near(bandit_index(ucb1, 0), 0.5 + sqrt(2 * log(4) / 3), 1e-14));
}

/* A reward that comes late leaves LinUCB where the same reward at once would have. */
static void late_rewards_end_where_prompt_ones_do(void **state)
{
	(void)state;
	struct error error = {0};
	struct bandit *late = simple(BANDIT_LINUCB, 2), *prompt = simple(BANDIT_LINUCB, 2);
	double x[50][FEATURES], query[FEATURES], gone[FEATURES];
	for (size_t i = 0; i < 50; i++) {
		context_drawn(x[i]);
		assert_true(bandit_expose(late, i % 2, x[i], &error));
	}
	context_drawn(query);
	assert_true(ridge_variance(&bandit_arm(late, 0)->plays, query) < 0.5 * ridge_variance(&bandit_arm(late, 0)->model, query));
	assert_true(bandit_arm(late, 0)->model.theta[0] == 0);
	context_drawn(gone);
	assert_true(bandit_expose(late, 1, gone, &error));
	for (size_t i = 50; i-- > 0;)
		assert_true(bandit_reward(late, &(struct bandit_reward){i % 2, x[i], x[i][0] - x[i][1], 0, true, 0}, &error));
	assert_true(bandit_expire(late, 1, gone, &error));
	for (size_t i = 0; i < 50; i++)
		assert_true(bandit_reward(prompt, &(struct bandit_reward){i % 2, x[i], x[i][0] - x[i][1], 0, false, 0}, &error));
	for (size_t arm = 0; arm < 2; arm++)
		assert_true(near(bandit_score(late, arm, query), bandit_score(prompt, arm, query), 1e-11));
	assert_int_equal(bandit_arm(late, 1)->pending, 0);
}

static void exp3_weighs_a_reward_by_its_probability(void **state)
{
	(void)state;
	struct error error = {0};
	struct bandit *bandit = simple(BANDIT_EXP3, 2);
	double chances[2];
	assert_true(bandit_reward(bandit, &(struct bandit_reward){.arm = 1, .reward = 1, .probability = 0.25}, &error));
	bandit_chances(bandit, chances);
	const double weight = exp(0.1 * 4 / 2);
	assert_true(near(chances[1], 0.9 * weight / (1 + weight) + 0.05, 1e-14));
	/* Weights far beyond the largest double. */
	for (int i = 0; i < 100000; i++)
		assert_true(bandit_reward(bandit, &(struct bandit_reward){.arm = 1, .reward = 1, .probability = 0.05}, &error));
	bandit_chances(bandit, chances);
	assert_true(near(chances[0], 0.05, 1e-12) && near(chances[1], 0.95, 1e-12));
}

/* ---- posteriors ---- */

static void posteriors_follow_from_rewards(void **state)
{
	(void)state;
	struct bandit *beta = simple(BANDIT_THOMPSON_BETA, 1), *student = simple(BANDIT_THOMPSON_STUDENT, 1);
	for (size_t i = 0; i < 4; i++) {
		rewarded(beta, 0, i == 0);
		rewarded(student, 0, i == 0);
	}
	const struct arm_posterior rate = bandit_posterior(beta, 0), mean = bandit_posterior(student, 0);
	assert_true(rate.alpha == 2 && rate.beta == 4);
	/* 4 rewards of the mean 1/4 and squares 3/4: kappa 5, alpha 3, beta 1 + 3/8 + 4 / 16 / 10. */
	assert_true(mean.freedom == 6 && near(mean.mean, 0.2, 1e-15));
	assert_true(near(mean.scale, sqrt(1.4 / 15), 1e-15));
}

static void chances_to_be_best_are_those_of_draws(void **state)
{
	(void)state;
	const enum bandit_kind kinds[] = {BANDIT_THOMPSON_BETA, BANDIT_THOMPSON_NORMAL, BANDIT_THOMPSON_STUDENT};
	for (size_t k = 0; k < 3; k++) {
		struct bandit *bandit = simple(kinds[k], 4);
		double chances[4], sum = 0;
		size_t drawn[4] = {0};
		for (size_t i = 0; i < 24; i++)
			rewarded(bandit, i % 3, i * (i % 3 + 1) % 5 < 2); /* arm 3 is never played */
		bandit_chances(bandit, chances);
		for (int i = 0; i < 40000; i++)
			drawn[bandit_draw(bandit, &chance)]++;
		for (size_t i = 0; i < 4; i++) {
			const double share = (double)drawn[i] / 40000, deviation = sqrt(chances[i] * (1 - chances[i]) / 40000);
			sum += chances[i];
			if (!(fabs(share - chances[i]) < 4 * deviation))
				fail_msg("%s: arm %zu drawn %g, its chance is %g", bandit_kind_names[kinds[k]], i, share,
					 chances[i]);
		}
		assert_true(near(sum, 1, 1e-14));
	}
}

static void chances_to_be_best_have_closed_forms(void **state)
{
	(void)state;
	double chances[BEST_ARM_MOST];
	/* Two normal ones: Phi of the difference over its deviation; alike ones share evenly, also far narrower and wider. */
	const struct arm_posterior normal[] = {{.kind = POSTERIOR_NORMAL, .mean = 1, .scale = 1e-4},
					       {.kind = POSTERIOR_NORMAL, .mean = 0, .scale = 1}};
	best_arm_chances(normal, 2, chances);
	assert_true(near(chances[1], 0.5 * erfc(1 / sqrt(1 + 1e-8) / sqrt(2)), 1e-7));
	/* Beta(a, 1) against Beta(b, 1): a / (a + b). */
	const struct arm_posterior beta[] = {{.kind = POSTERIOR_BETA, .alpha = 300, .beta = 1},
					     {.kind = POSTERIOR_BETA, .alpha = 2, .beta = 1}};
	best_arm_chances(beta, 2, chances);
	assert_true(near(chances[1], 2.0 / 302, 1e-7));
	struct arm_posterior alike[BEST_ARM_MOST];
	for (size_t i = 0; i < BEST_ARM_MOST; i++)
		alike[i] = (struct arm_posterior){.kind = POSTERIOR_STUDENT, .mean = 3, .scale = 2, .freedom = 2};
	best_arm_chances(alike, BEST_ARM_MOST, chances);
	for (size_t i = 0; i < BEST_ARM_MOST; i++)
		assert_true(near(chances[i], 1.0 / BEST_ARM_MOST, 1e-6));
	/* Cauchy-like tails: two Student's t of 2 degrees differ by the sum of both; one arm alone is the best. */
	best_arm_chances(alike, 1, chances);
	assert_true(chances[0] == 1);
}

/* A difference of Student's t has no closed form; draws of far more than a run needs stand in for it. */
static void heavy_tails_count(void **state)
{
	(void)state;
	const struct arm_posterior arms[] = {{.kind = POSTERIOR_STUDENT, .mean = 30, .scale = 0.01, .freedom = 200},
					     {.kind = POSTERIOR_STUDENT, .mean = 0, .scale = 1, .freedom = 2}};
	double chances[2];
	best_arm_chances(arms, 2, chances);
	/* P(t2 > 30) = 1/2 - 30 / (2 sqrt(902)) */
	assert_true(near(chances[1], 0.5 - 30 / (2 * sqrt(902)), 1e-7));
}

/* ---- merging and states ---- */

static const struct {
	enum bandit_kind kind;
	size_t features;
} forms[] = {
	{BANDIT_EPSILON_GREEDY, 0},  {BANDIT_EPSILON_GREEDY, FEATURES}, {BANDIT_UCB1, 0},	   {BANDIT_THOMPSON_BETA, 0},
	{BANDIT_THOMPSON_NORMAL, 0}, {BANDIT_THOMPSON_STUDENT, 0},	{BANDIT_LINUCB, FEATURES}, {BANDIT_EXP3, 0},
};

#define FORMS (sizeof forms / sizeof *forms)

static void play_drawn(struct bandit *const *bandits, size_t count)
{
	struct error error = {0};
	double x[FEATURES];
	context_drawn(x);
	const size_t arm = random_below(&chance, 3);
	const double reward = uniform_draw(&chance) < 0.4;
	const bool late = random_below(&chance, 4) == 0;
	for (size_t i = 0; i < count; i++) {
		const struct bandit_reward one = {arm, x, reward, 0.3, false, 0};
		assert_true(late ? bandit_expose(bandits[i], arm, x, &error) : bandit_reward(bandits[i], &one, &error));
	}
}

/* What all that follows is made of. */
static void assert_alike(const struct bandit *one, const struct bandit *other, double most)
{
	double left[3], right[3], x[FEATURES];
	context_drawn(x);
	for (size_t arm = 0; arm < 3; arm++) {
		assert_int_equal(bandit_arm(one, arm)->pending, bandit_arm(other, arm)->pending);
		assert_true(near(bandit_index(one, arm), bandit_index(other, arm), most));
		if (bandit_options(one)->features > 0)
			assert_true(near(bandit_score(one, arm, x), bandit_score(other, arm, x), most));
	}
	bandit_chances(one, left);
	bandit_chances(other, right);
	for (size_t arm = 0; arm < 3; arm++)
		assert_true(near(left[arm], right[arm], most));
}

static void learners_of_parts_merge_to_the_learner_of_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct error error = {0};
		const struct bandit_options options = bandit_defaults(forms[i].kind, 3, forms[i].features);
		struct bandit *whole = opened(options), *parts[2] = {opened(options), opened(options)};
		for (size_t j = 0; j < 1200; j++)
			play_drawn((struct bandit *[]){whole, parts[j % 5 == 0]}, 2);
		assert_true(bandit_merge_arms(parts[0], parts[1], (const size_t[]){0, 1, 2}, &error));
		assert_alike(parts[0], whole, 1e-9);
		struct bandit_options others = options;
		others.explore = 0.5;
		assert_false(bandit_merge_arms(parts[0], opened(others), (const size_t[]){0, 1, 2}, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
}

static void states_read_back_and_go_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct error error = {0};
		struct buffer out, again;
		struct bandit *bandit = opened(bandit_defaults(forms[i].kind, 3, forms[i].features));
		buffer_open(&out, (size_t)1 << 20);
		buffer_open(&again, (size_t)1 << 20);
		for (size_t j = 0; j < 300; j++)
			play_drawn(&bandit, 1);
		buffer_string(&out, "before");
		bandit_write(bandit, &out);
		const struct text bytes = {out.bytes + 6, out.length - 6};
		struct bandit *back = bandit_read(arena, bytes, &error);
		if (!back)
			fail_msg("%s", error.text);
		assert_alike(back, bandit, 1e-11);
		bandit_write(back, &again);
		assert_int_equal(again.length, bytes.length);
		assert_memory_equal(again.bytes, bytes.bytes, bytes.length);
		for (size_t j = 0; j < 100; j++)
			play_drawn((struct bandit *[]){bandit, back}, 2);
		assert_alike(back, bandit, 1e-11);
		buffer_close(&out);
		buffer_close(&again);
	}
}

/* Every length and every changed bit is refused; a hash that fits does not let wrong numbers in. */
static void damaged_states_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < FORMS; i++) {
		struct buffer out;
		struct bandit *bandit = opened(bandit_defaults(forms[i].kind, 3, forms[i].features));
		buffer_open(&out, (size_t)1 << 20);
		play_drawn(&bandit, 1);
		bandit_write(bandit, &out);
		for (size_t length = 0; length < out.length; length++) {
			struct error error = {0};
			assert_null(bandit_read(arena, (struct text){out.bytes, length}, &error));
			assert_int_equal(error.kind, ERROR_INPUT);
		}
		for (size_t at = 0; at + 8 < out.length; at++) {
			struct error error = {0};
			const char was = out.bytes[at];
			for (int value = 0; value < 256; value += 51) {
				out.bytes[at] = (char)value;
				uint64_t hash = hash_bytes(out.bytes, out.length - 8, 0);
				memcpy(out.bytes + out.length - 8, &hash, 8); /* of a little-endian machine */
				struct bandit *back = bandit_read(arena, (struct text){out.bytes, out.length}, &error);
				assert_true(back || error.kind == ERROR_INPUT);
				double chances[BANDIT_ARMS_MOST];
				if (back && bandit_options(back)->features == 0)
					bandit_chances(back, chances);
			}
			out.bytes[at] = was;
			arena_reset(arena);
		}
		buffer_close(&out);
	}
}

static void states_of_a_version_to_come_are_named(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, (size_t)1 << 20);
	bandit_write(simple(BANDIT_UCB1, 2), &out);
	assert_int_equal(out.bytes[0], 1); /* as former releases wrote it */
	out.bytes[0] = BANDIT_VERSION + 1;
	assert_null(bandit_read(arena, (struct text){out.bytes, out.length}, &error));
	assert_non_null(strstr(error.text, "version 3"));
	buffer_close(&out);
}

/* ---- what is refused ---- */

static void numbers_that_are_none_change_nothing(void **state)
{
	(void)state;
	static const double bad[] = {NAN, INFINITY, -INFINITY, 1e51};
	struct bandit *bandit = simple(BANDIT_LINUCB, 2);
	double x[FEATURES] = {1, 2, 3, 4};
	for (size_t i = 0; i < 4; i++) {
		struct error error = {0};
		assert_false(bandit_reward(bandit, &(struct bandit_reward){.arm = 0, .x = x, .reward = bad[i]}, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		error = (struct error){0};
		x[2] = bad[i];
		assert_false(bandit_reward(bandit, &(struct bandit_reward){.arm = 0, .x = x, .reward = 1}, &error));
		assert_false(bandit_expose(bandit, 0, x, &error));
		assert_non_null(strstr(error.text, "Feature 2"));
		x[2] = 3;
	}
	struct error error = {0};
	assert_false(bandit_reward(bandit, &(struct bandit_reward){.arm = 2, .x = x}, &error));
	assert_false(bandit_reward(bandit, &(struct bandit_reward){.arm = 0, .x = x, .exposed = true}, &error));
	assert_false(bandit_expire(bandit, 0, x, &error));
	assert_int_equal(bandit_arm(bandit, 0)->moments.count, 0);
	assert_int_equal(bandit_arm(bandit, 0)->pending, 0);
	assert_true(bandit_arm(bandit, 0)->model.gram[0] == 0 && bandit_arm(bandit, 0)->plays.gram[0] == 0);
}

static void rewards_out_of_range_are_refused_where_it_matters(void **state)
{
	(void)state;
	static const enum bandit_kind shares[] = {BANDIT_THOMPSON_BETA, BANDIT_EXP3};
	struct error error = {0};
	for (size_t i = 0; i < 2; i++) {
		struct bandit *bandit = simple(shares[i], 2);
		assert_false(bandit_reward(bandit, &(struct bandit_reward){.reward = 1.01, .probability = 1}, &error));
		assert_false(bandit_reward(bandit, &(struct bandit_reward){.reward = -0.01, .probability = 1}, &error));
		assert_true(bandit_reward(bandit, &(struct bandit_reward){.reward = 0.5, .probability = 1}, &error));
	}
	assert_true(bandit_reward(simple(BANDIT_UCB1, 2), &(struct bandit_reward){.reward = 7}, &error));
	struct bandit *exp3 = simple(BANDIT_EXP3, 2);
	assert_false(bandit_reward(exp3, &(struct bandit_reward){.reward = 1, .probability = 0}, &error));
	assert_false(bandit_reward(exp3, &(struct bandit_reward){.reward = 1, .probability = NAN}, &error));
	assert_false(bandit_reward(exp3, &(struct bandit_reward){.reward = 1, .probability = 1.5}, &error));
}

static void refuses(struct bandit_options options, const char *what)
{
	struct error error = {0};
	assert_null(bandit_open(arena, &options, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	if (!strstr(error.text, what))
		fail_msg("%s: %s", what, error.text);
}

static void options_out_of_their_domain_are_named(void **state)
{
	(void)state;
	struct bandit_options options = bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0);
	options.epsilon = 1.1;
	refuses(options, "`epsilon` of epsilon-greedy is 1.1");
	options.epsilon = 1;
	assert_non_null(opened(options));
	options.explore = NAN;
	refuses(options, "`explore`");
	refuses(bandit_defaults(BANDIT_UCB1, 0, 0), "0 arms");
	refuses(bandit_defaults(BANDIT_UCB1, BANDIT_ARMS_MOST + 1, 0), "65 arms");
	assert_non_null(simple(BANDIT_UCB1, BANDIT_ARMS_MOST));
	refuses(bandit_defaults(BANDIT_UCB1, 2, 3), "does not use features");
	refuses(bandit_defaults(BANDIT_LINUCB, 2, 0), "no features");
	refuses(bandit_defaults(BANDIT_LINUCB, 2, BANDIT_FEATURES_MOST + 1), "257 features");
	assert_non_null(opened(bandit_defaults(BANDIT_LINUCB, 2, BANDIT_FEATURES_MOST)));
	refuses((struct bandit_options){.kind = BANDIT_KINDS, .arms = 2}, "no algorithm");
	options = bandit_defaults(BANDIT_LINUCB, 2, 3);
	options.lambda = 0;
	refuses(options, "`lambda`");
	options = bandit_defaults(BANDIT_THOMPSON_STUDENT, 2, 0);
	options.prior_alpha = 0.5;
	refuses(options, "`prior_alpha`");
}

/* ---- ridge regression ---- */

/* After a hundred thousand updates of features that nearly depend on each other M is still the inverse. */
static void inverses_stay_exact(void **state)
{
	(void)state;
	struct ridge ridge, fresh;
	double x[FEATURES], most = 0;
	assert_true(ridge_open(&ridge, arena, FEATURES, 1e-3) && ridge_open(&fresh, arena, FEATURES, 1e-3));
	for (size_t i = 0; i < 100500; i++) {
		context_drawn(x);
		x[1] = x[0] + 1e-3 * x[1];
		x[3] = 1;
		ridge_add(&ridge, x, 2 * x[0] - x[2] + normal_draw(&chance));
	}
	assert_int_equal(ridge.updates, 500);
	memcpy(fresh.gram, ridge.gram, 10 * sizeof *fresh.gram);
	memcpy(fresh.moments, ridge.moments, FEATURES * sizeof *fresh.moments);
	assert_true(ridge_refresh(&fresh));
	for (size_t i = 0; i < 10; i++)
		most = fmax(most, fabs(ridge.inverse[i] - fresh.inverse[i]) / fabs(fresh.inverse[2]));
	assert_true(most < 1e-9);
	for (size_t i = 0; i < FEATURES; i++)
		assert_true(near(ridge.theta[i], fresh.theta[i], 1e-7));
}

/* Features so large that lambda is lost beside them leave no positive matrix; there is a finite answer all the same. */
static void large_features_leave_finite_models(void **state)
{
	(void)state;
	struct ridge ridge;
	assert_true(ridge_open(&ridge, arena, 3, 1));
	for (size_t i = 0; i < 2500; i++)
		ridge_add(&ridge, (double[]){1e40, 1e40, 1e40}, 1e40);
	assert_true(isfinite(ridge_mean(&ridge, (double[]){1, 1, 1})));
	assert_true(near(ridge_mean(&ridge, (double[]){1, 1, 1}), 1, 1e-6));
	assert_true(ridge_variance(&ridge, (double[]){1, 0, 0}) >= 0);
	ridge.gram[1] = INFINITY;
	assert_false(ridge_refresh(&ridge));
}

static void what_is_removed_leaves_no_trace(void **state)
{
	(void)state;
	struct ridge ridge, kept;
	double x[30][FEATURES];
	assert_true(ridge_open(&ridge, arena, FEATURES, 1) && ridge_open(&kept, arena, FEATURES, 1));
	for (size_t i = 0; i < 30; i++) {
		context_drawn(x[i]);
		x[i][0] *= i == 7 ? 1e4 : 1; /* nearly all of the variance there is */
		ridge_add(&ridge, x[i], i < 10 ? 0 : x[i][1]);
		if (i >= 10)
			ridge_add(&kept, x[i], x[i][1]);
	}
	for (size_t i = 0; i < 10; i++)
		ridge_remove(&ridge, x[i]);
	for (size_t i = 10; i < 30; i++) {
		assert_true(near(ridge_variance(&ridge, x[i]), ridge_variance(&kept, x[i]), 1e-6));
		assert_true(near(ridge_mean(&ridge, x[i]), ridge_mean(&kept, x[i]), 1e-6));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rewards_may_be_as_large_as_the_limit_and_no_larger, setup, arena_end),
		cmocka_unit_test_setup_teardown(ties_go_to_the_lowest_arm, setup, arena_end),
		cmocka_unit_test_setup_teardown(means_of_whole_rewards_are_exact, setup, arena_end),
		cmocka_unit_test_setup_teardown(posteriors_follow_from_rewards, setup, arena_end),
		cmocka_unit_test_setup_teardown(ucb1_first_plays_what_was_never_played, setup, arena_end),
		cmocka_unit_test_setup_teardown(plays_that_wait_widen_no_bound, setup, arena_end),
		cmocka_unit_test_setup_teardown(late_rewards_end_where_prompt_ones_do, setup, arena_end),
		cmocka_unit_test_setup_teardown(exp3_weighs_a_reward_by_its_probability, setup, arena_end),
		cmocka_unit_test_setup_teardown(chances_to_be_best_are_those_of_draws, setup, arena_end),
		cmocka_unit_test_setup_teardown(chances_to_be_best_have_closed_forms, setup, arena_end),
		cmocka_unit_test_setup_teardown(heavy_tails_count, setup, arena_end),
		cmocka_unit_test_setup_teardown(learners_of_parts_merge_to_the_learner_of_all, setup, arena_end),
		cmocka_unit_test_setup_teardown(states_read_back_and_go_on, setup, arena_end),
		cmocka_unit_test_setup_teardown(damaged_states_are_refused, setup, arena_end),
		cmocka_unit_test_setup_teardown(states_of_a_version_to_come_are_named, setup, arena_end),
		cmocka_unit_test_setup_teardown(numbers_that_are_none_change_nothing, setup, arena_end),
		cmocka_unit_test_setup_teardown(rewards_out_of_range_are_refused_where_it_matters, setup, arena_end),
		cmocka_unit_test_setup_teardown(options_out_of_their_domain_are_named, setup, arena_end),
		cmocka_unit_test_setup_teardown(inverses_stay_exact, setup, arena_end),
		cmocka_unit_test_setup_teardown(large_features_leave_finite_models, setup, arena_end),
		cmocka_unit_test_setup_teardown(what_is_removed_leaves_no_trace, setup, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
