/* policy_test.c: policies of bandits: exact probabilities, choices that stay with a unit, and bytes; and what recorded
 * choices say of another policy. */
#include "methods/bandits/policy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "methods/bandits/off_policy.h"
#include "tests/unit/arena_fixture.h"

static struct random chance;

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)64 << 20);
	chance.state = 6;
	return arena ? 0 : -1;
}

static bool near(double got, double wanted, double most)
{
	return fabs(got - wanted) <= most * fmax(1, fabs(wanted));
}

/* A learner that has seen three arms, of which the last is best, and its policy. */
static struct policy *learnt(struct bandit_options options, struct bandit **made)
{
	struct error error = {0};
	struct bandit *bandit = bandit_open(arena, &options, &error);
	struct policy *policy = policy_open(arena, &options, 99);
	assert_true(bandit && policy);
	for (size_t i = 0; i < 300; i++) {
		const double x[3] = {1, normal_draw(&chance), normal_draw(&chance)};
		const double reward = uniform_draw(&chance) < 0.2 * (double)(i % 3 + 1);
		assert_true(bandit_reward(bandit, &(struct bandit_reward){i % 3, x, reward, 1.0 / 3, false, 0}, &error));
	}
	policy_learn(policy, bandit, 1);
	*made = bandit;
	return policy;
}

static struct text unit_of(uint64_t *number)
{
	return (struct text){(const char *)number, sizeof *number};
}

/* ---- policies ---- */

static void probabilities_are_the_exact_mixture(void **state)
{
	(void)state;
	struct bandit *bandit;
	double p[3];
	struct bandit_options options = bandit_defaults(BANDIT_EPSILON_GREEDY, 3, 0);
	options.epsilon = 0.1;
	options.explore = 0.02;
	policy_probabilities(learnt(options, &bandit), NULL, p);
	assert_true(near(p[2], 0.98 * (0.9 + 0.1 / 3) + 0.02 / 3, 1e-15) && near(p[0], 0.98 * 0.1 / 3 + 0.02 / 3, 1e-15));
	options = bandit_defaults(BANDIT_EPSILON_GREEDY, 3, 3);
	const struct policy *linear = learnt(options, &bandit);
	const double x[3] = {1, 0.5, -1};
	double scores[3];
	for (size_t i = 0; i < 3; i++)
		scores[i] = bandit_score(bandit, i, x);
	policy_probabilities(linear, x, p);
	assert_true(near(p[arm_of_greatest(scores, 3)], 0.98 * (0.9 + 0.1 / 3) + 0.02 / 3, 1e-15));
	assert_true(near(p[0] + p[1] + p[2], 1, 1e-15));
	options = bandit_defaults(BANDIT_THOMPSON_BETA, 3, 0);
	const struct policy *thompson = learnt(options, &bandit);
	double chances[3];
	bandit_chances(bandit, chances);
	policy_probabilities(thompson, NULL, p);
	for (size_t i = 0; i < 3; i++)
		assert_true(near(p[i], 0.98 * chances[i] + 0.02 / 3, 1e-15));
}

/* Whatever the number of features: the policy keeps them in another order. */
static void linucb_scores_as_its_learner_does(void **state)
{
	(void)state;
	for (size_t features = 1; features <= 9; features++) {
		struct error error = {0};
		struct bandit_options options = bandit_defaults(BANDIT_LINUCB, 3, features);
		options.alpha = 2;
		options.explore = 0;
		struct bandit *bandit = bandit_open(arena, &options, &error);
		struct policy *policy = policy_open(arena, &options, 99);
		size_t chosen[3] = {0};
		double x[9];
		assert_true(bandit && policy);
		for (size_t i = 0; i < 400; i++) {
			double p[3], scores[3];
			for (size_t j = 0; j < features; j++)
				x[j] = (double)(j + 1) * normal_draw(&chance);
			for (size_t arm = 0; arm < 3; arm++)
				scores[arm] = bandit_score(bandit, arm, x);
			policy_learn(policy, bandit, i);
			policy_probabilities(policy, x, p);
			const size_t best = arm_of_greatest(scores, 3);
			assert_true(p[best] == 1);
			chosen[best]++;
			assert_true(bandit_reward(bandit, &(struct bandit_reward){i % 3, x, x[(i % 3) % features], 1, false, 0},
						  &error));
		}
		assert_true(chosen[0] > 0 && chosen[1] + chosen[2] > 0);
	}
}

static void choices_follow_the_probabilities_that_are_logged(void **state)
{
	(void)state;
	struct bandit *bandit;
	struct bandit_options options = bandit_defaults(BANDIT_EXP3, 3, 0);
	const struct policy *policy = learnt(options, &bandit);
	double p[3];
	size_t chosen[3] = {0};
	policy_probabilities(policy, NULL, p);
	for (uint64_t i = 0; i < 60000; i++) {
		const struct policy_choice choice = policy_choose(policy, unit_of(&i), NULL);
		assert_true(choice.probability == p[choice.arm]);
		chosen[choice.arm]++;
	}
	for (size_t i = 0; i < 3; i++)
		assert_true(fabs((double)chosen[i] / 60000 - p[i]) < 4 * sqrt(p[i] * (1 - p[i]) / 60000));
}

/* The same until the next version; then drawn anew, whatever was drawn before. Nor do two experiments draw alike. */
static void a_unit_keeps_its_arm_until_the_next_version(void **state)
{
	(void)state;
	struct bandit *bandit;
	struct bandit_options options = bandit_defaults(BANDIT_UCB1, 3, 0);
	options.explore = 1;
	struct policy *policy = learnt(options, &bandit);
	struct policy *other = policy_open(arena, &options, 100);
	size_t same = 0, alike = 0;
	policy_learn(other, bandit, 1);
	for (uint64_t i = 0; i < 9000; i++) {
		const size_t arm = policy_choose(policy, unit_of(&i), NULL).arm;
		assert_int_equal(policy_choose(policy, unit_of(&i), NULL).arm, arm);
		alike += policy_choose(other, unit_of(&i), NULL).arm == arm;
		policy_learn(policy, bandit, 2);
		same += policy_choose(policy, unit_of(&i), NULL).arm == arm;
		policy_learn(policy, bandit, 1);
	}
	assert_in_range(same, 3000 - 180, 3000 + 180);
	assert_in_range(alike, 3000 - 180, 3000 + 180);
}

static void an_arm_without_probability_is_never_chosen(void **state)
{
	(void)state;
	struct bandit *bandit;
	struct bandit_options options = bandit_defaults(BANDIT_UCB1, 3, 0);
	options.explore = 0;
	struct policy *policy = learnt(options, &bandit);
	/* A sum below 1 by rounding: what is beyond it goes to an arm that may be chosen. */
	policy->chances[0] = 0;
	policy->chances[1] = 0.5;
	policy->chances[2] = 0;
	for (uint64_t i = 0; i < 2000; i++)
		assert_int_equal(policy_choose(policy, unit_of(&i), NULL).arm, 1);
}

static void policies_read_back(void **state)
{
	(void)state;
	static const struct {
		enum bandit_kind kind;
		size_t features;
	} forms[] = {{BANDIT_UCB1, 0}, {BANDIT_EPSILON_GREEDY, 3}, {BANDIT_LINUCB, 3}};
	for (size_t f = 0; f < 3; f++) {
		struct error error = {0};
		struct bandit *bandit;
		struct buffer out;
		const struct policy *policy = learnt(bandit_defaults(forms[f].kind, 3, forms[f].features), &bandit);
		buffer_open(&out, (size_t)1 << 20);
		policy_write(policy, &out);
		const struct policy *back = policy_read(arena, (struct text){out.bytes, out.length}, &error);
		if (!back)
			fail_msg("%s", error.text);
		assert_true(back->version == 1 && back->seed == 99);
		for (uint64_t i = 0; i < 500; i++) {
			const double x[3] = {1, normal_draw(&chance), normal_draw(&chance)};
			const struct policy_choice one = policy_choose(policy, unit_of(&i), x),
						   other = policy_choose(back, unit_of(&i), x);
			assert_true(one.arm == other.arm && one.probability == other.probability);
		}
		for (size_t length = 0; length < out.length; length++) {
			error = (struct error){0};
			assert_null(policy_read(arena, (struct text){out.bytes, length}, &error));
			assert_int_equal(error.kind, ERROR_INPUT);
		}
		for (size_t at = 0; at < out.length; at++) {
			error = (struct error){0};
			out.bytes[at] ^= 4;
			assert_null(policy_read(arena, (struct text){out.bytes, out.length}, &error));
			out.bytes[at] ^= 4;
		}
		buffer_close(&out);
	}
}

static void policies_that_are_none_are_refused(void **state)
{
	(void)state;
	struct bandit *bandit;
	struct policy *table = learnt(bandit_defaults(BANDIT_UCB1, 3, 0), &bandit);
	struct policy *linear = learnt(bandit_defaults(BANDIT_LINUCB, 3, 3), &bandit);
	double *const wrong[] = {&linear->greedy,    &linear->alpha,	 &linear->theta[4],
				 &linear->spread[3], &table->chances[1], &table->chances[1]};
	const double by[] = {1.5, -1, NAN, INFINITY, -0.5, 0.5};
	for (size_t i = 0; i < 6; i++) {
		struct error error = {0};
		struct buffer out;
		const double was = *wrong[i];
		*wrong[i] = by[i];
		buffer_open(&out, (size_t)1 << 20);
		policy_write(i < 4 ? linear : table, &out);
		assert_null(policy_read(arena, (struct text){out.bytes, out.length}, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
		*wrong[i] = was;
		buffer_close(&out);
	}
}

/* ---- off-policy estimates ---- */

static const double uniform[2] = {0.5, 0.5};

static void added(struct off_policy *sums, struct off_policy_record record)
{
	struct error error = {0};
	if (!off_policy_add(sums, &record, &error))
		fail_msg("%s", error.text);
}

/* A log of 2,000 choices: arm 1 with probability .25, rewards .3 and .6. */
static void log_drawn(struct off_policy *sums, const double *target, const double *expected)
{
	for (size_t i = 0; i < 2000; i++) {
		const size_t arm = uniform_draw(&chance) < 0.25;
		const double reward = uniform_draw(&chance) < (arm ? 0.6 : 0.3);
		added(sums, (struct off_policy_record){arm, reward, arm ? 0.25 : 0.75, target, NULL, expected});
	}
}

/* Over 400 logs the mean is the truth, and the errors stated are those that are made. */
static void estimates_and_their_errors_are_right_on_average(void **state)
{
	(void)state;
	static const double target[2] = {0.2, 0.8}, expected[2] = {0.35, 0.4};
	struct error error = {0};
	struct moments values[5] = {0}, errors[5] = {0};
	for (size_t run = 0; run < 400; run++) {
		struct off_policy sums;
		assert_true(off_policy_begin(&sums, 2, 100, &error));
		log_drawn(&sums, target, expected);
		const struct off_policy_result got = off_policy_result(&sums);
		const struct off_policy_estimate all[] = {got.ips, got.snips, got.clipped, got.doubly, got.self_normalised_doubly};
		for (size_t i = 0; i < 5; i++) {
			moments_add(&values[i], all[i].value);
			moments_add(&errors[i], all[i].error);
		}
	}
	for (size_t i = 0; i < 5; i++) {
		const double deviation = sqrt(moments_variance(&values[i], 1));
		assert_true(fabs(values[i].mean - (0.2 * 0.3 + 0.8 * 0.6)) < 4 * deviation / 20);
		assert_true(fabs(errors[i].mean / deviation - 1) < 4 / sqrt(2 * 400.0));
	}
}

static void weights_above_the_clip_count_as_the_clip(void **state)
{
	(void)state;
	struct error error = {0};
	struct off_policy sums;
	assert_true(off_policy_begin(&sums, 2, 3, &error));
	added(&sums, (struct off_policy_record){0, 1, 0.1, uniform, NULL, NULL});
	added(&sums, (struct off_policy_record){1, 1, 0.5, uniform, NULL, NULL});
	const struct off_policy_result got = off_policy_result(&sums);
	assert_true(near(got.ips.value, 3, 1e-15) && near(got.clipped.value, 2, 1e-15) && near(got.snips.value, 1, 1e-15));
	assert_true(got.clipped_share == 0.5); /* one of the two */
	assert_true(near(got.effective, 36.0 / 26, 1e-14));
	assert_true(isnan(got.doubly.value) && isnan(got.direct.value));
	assert_true(off_policy_begin(&sums, 2, 3, &error));
	assert_true(isnan(off_policy_result(&sums).ips.value) && off_policy_result(&sums).too_few);
	assert_true(off_policy_result(&sums).clipped_share == 0);
	added(&sums, (struct off_policy_record){0, 1, 1.0 / 6, uniform, NULL, NULL}); /* a weight of 3 is not above the clip */
	assert_true(off_policy_result(&sums).clipped_share == 0);
}

/* Of a mean weight of 2, and of expectations that go along with the weights. */
static void errors_of_ratios_are_those_of_their_terms(void **state)
{
	(void)state;
	static const double targets[3][2] = {{0.8, 0.2}, {0, 1}, {0.4, 0.6}}, expected[3][2] = {{0.5, 0.1}, {0.2, 0.9}, {0.3, 0.3}};
	static const double rewards[3] = {1, 1, 0};
	struct error error = {0};
	struct off_policy sums;
	struct moments ratio = {0}, normalised = {0};
	double total = 0, earned = 0, surplus = 0;
	assert_true(off_policy_begin(&sums, 2, 10, &error));
	for (size_t i = 0; i < 3; i++) {
		const double weight = targets[i][0] / 0.2;
		added(&sums, (struct off_policy_record){0, rewards[i], 0.2, targets[i], NULL, expected[i]});
		total += weight;
		earned += weight * rewards[i];
		surplus += weight * (rewards[i] - expected[i][0]);
	}
	for (size_t i = 0; i < 3; i++) {
		const double weight = targets[i][0] / 0.2 / (total / 3);
		const double direct = targets[i][0] * expected[i][0] + targets[i][1] * expected[i][1];
		moments_add(&ratio, weight * (rewards[i] - earned / total));
		moments_add(&normalised, direct + weight * (rewards[i] - expected[i][0] - surplus / total));
	}
	const struct off_policy_result got = off_policy_result(&sums);
	assert_true(near(got.snips.error, sqrt(moments_variance(&ratio, 1) / 3), 1e-14));
	assert_true(near(got.self_normalised_doubly.error, sqrt(moments_variance(&normalised, 1) / 3), 1e-14));
}

/* Units have one arm and one level of rewards each: what further records of a unit say is known from its first one. */
static void records_of_a_unit_count_as_one_in_errors(void **state)
{
	static const double target[2] = {0.2, 0.8}, expected[2] = {0.35, 0.4};
	struct error error = {0};
	struct random random = {17};
	struct off_policy single, repeated;
	(void)state;
	assert_true(off_policy_begin(&single, 2, 100, &error) && off_policy_begin(&repeated, 2, 100, &error));
	for (size_t i = 0; i < 300; i++) {
		const size_t arm = uniform_draw(&random) < 0.5;
		const struct off_policy_record record = {.arm = arm,
							 .reward = uniform_draw(&random) < 0.3 + 0.3 * (double)arm,
							 .probability = 0.5,
							 .target = target,
							 .expected = expected};
		added(&single, record);
		for (size_t j = 0; j < 7; j++) {
			if (j > 0)
				off_policy_continue(&repeated);
			added(&repeated, record);
		}
	}
	const struct off_policy_result one = off_policy_result(&single), seven = off_policy_result(&repeated);
	const struct off_policy_estimate ones[] = {one.ips,    one.snips,  one.clipped,
						   one.direct, one.doubly, one.self_normalised_doubly};
	const struct off_policy_estimate sevens[] = {seven.ips,	   seven.snips,	 seven.clipped,
						     seven.direct, seven.doubly, seven.self_normalised_doubly};
	assert_int_equal(seven.records, 2100);
	assert_int_equal(seven.clusters, 300);
	assert_true(near(seven.effective, one.effective, 1e-12));
	for (size_t i = 0; i < 6; i++) {
		assert_true(near(sevens[i].value, ones[i].value, 1e-12));
		assert_true(near(sevens[i].error, ones[i].error, 1e-12));
	}
}

static void estimates_without_support_are_refused(void **state)
{
	(void)state;
	static const double barely[3] = {0.991, 0.0, 0.009}, beyond[3] = {0.98, 0.005, 0.015}, logged[3] = {1, 0, 0};
	struct error error = {0};
	const double *const targets[] = {barely, beyond};
	for (size_t t = 0; t < 2; t++) {
		struct off_policy silent, told;
		assert_true(off_policy_begin(&silent, 3, 10, &error) && off_policy_begin(&told, 3, 10, &error));
		for (size_t i = 0; i < 101; i++) {
			added(&silent, (struct off_policy_record){0, 1, 1, targets[t], NULL, NULL});
			added(&told, (struct off_policy_record){0, 1, 1, targets[t], logged, NULL});
		}
		assert_int_equal(off_policy_result(&silent).unsupported, t == 1);
		assert_int_equal(off_policy_result(&told).unsupported, t == 1);
		assert_true(near(off_policy_result(&told).outside, t ? 0.02 : 0.009, 1e-12));
		assert_false(off_policy_result(&told).too_few);
	}
}

static void few_records_are_refused(void **state)
{
	(void)state;
	struct error error = {0};
	struct off_policy sums;
	assert_true(off_policy_begin(&sums, 2, 10, &error));
	for (size_t i = 0; i < OFF_POLICY_LEAST; i++) {
		assert_true(off_policy_result(&sums).too_few);
		added(&sums, (struct off_policy_record){i % 2, 1, 0.5, uniform, NULL, NULL});
	}
	assert_false(off_policy_result(&sums).too_few);
}

/* Three units of 1,000 requests each; the errors of one cluster are not defined. */
static void many_records_of_few_units_are_refused(void **state)
{
	(void)state;
	struct error error = {0};
	struct off_policy sums;
	assert_true(off_policy_begin(&sums, 2, 10, &error));
	for (size_t i = 0; i < 3000; i++) {
		if (i % 1000 > 0)
			off_policy_continue(&sums);
		added(&sums, (struct off_policy_record){i % 2, 1, 0.5, uniform, NULL, NULL});
		if (i == 999)
			assert_true(off_policy_result(&sums).too_few && isnan(off_policy_result(&sums).ips.error));
	}
	const struct off_policy_result got = off_policy_result(&sums);
	assert_true(got.clusters == 3 && near(got.effective, 3, 1e-12) && got.too_few);
}

static void records_that_are_none_are_left_out(void **state)
{
	(void)state;
	static const double half[2] = {0.5, 0.4}, negative[2] = {-0.5, 1.5}, infinite[2] = {INFINITY, 0};
	const struct off_policy_record wrong[] = {
		{2, 1, 0.5, uniform, NULL, NULL},     {0, NAN, 0.5, uniform, NULL, NULL}, {0, INFINITY, 0.5, uniform, NULL, NULL},
		{0, 1, 0, uniform, NULL, NULL},	      {0, 1, 1.1, uniform, NULL, NULL},	  {0, 1, NAN, uniform, NULL, NULL},
		{0, 1, 0.5, half, NULL, NULL},	      {0, 1, 0.5, negative, NULL, NULL},  {0, 1, 0.5, uniform, half, NULL},
		{0, 1, 0.5, uniform, NULL, infinite},
	};
	struct error error = {0};
	struct off_policy sums;
	assert_false(off_policy_begin(&sums, 2, 0, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_false(off_policy_begin(&sums, 65, 1, &error));
	assert_true(off_policy_begin(&sums, 2, 1, &error));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		error = (struct error){0};
		assert_false(off_policy_add(&sums, &wrong[i], &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
	assert_int_equal(off_policy_result(&sums).records, 0);
}

static void logs_of_a_learner_get_the_wider_interval(void **state)
{
	(void)state;
	const struct off_policy_estimate estimate = {1, 0.1};
	const struct interval plain = off_policy_interval(estimate, 0, 0.05), valid = off_policy_interval(estimate, 0.01, 0.05);
	assert_true(near(plain.high, 1.1959963984540054, 1e-12) && near(plain.low, 0.8040036015459946, 1e-12));
	assert_true(near(valid.high, 1 + sqrt(0.01 * 2 * (2 * log(20) + log(2))), 1e-12));
}

/* What is expected of a unit does not know that unit's rewards. */
static void reward_models_are_fitted_on_the_other_fold(void **state)
{
	(void)state;
	struct reward_model *model = reward_model_open(arena, 2, 2, 1e-6);
	size_t folds[2] = {0};
	assert_non_null(model);
	double first[2], now[2];
	for (uint64_t i = 0; i < 400; i++) {
		const double x[2] = {1, normal_draw(&chance)};
		reward_model_add(model, unit_of(&i), i % 2, x, i % 2 ? 3 + x[1] : 1);
	}
	for (uint64_t i = 0; i < 100; i++) {
		const double x[2] = {1, 2};
		reward_model_expect(model, unit_of(&i), x, first);
		assert_true(near(first[0], 1, 1e-4) && near(first[1], 5, 1e-4));
		reward_model_add(model, unit_of(&i), 0, x, 1000);
		reward_model_expect(model, unit_of(&i), x, now);
		assert_true(now[0] == first[0]);
		for (uint64_t other = 1000; other < 1020; other++) {
			reward_model_expect(model, unit_of(&other), x, now);
			folds[now[0] > first[0] + 0.1]++;
		}
		model = reward_model_open(arena, 2, 2, 1e-6);
		for (uint64_t j = 0; j < 400; j++) {
			const double y[2] = {1, normal_draw(&chance)};
			reward_model_add(model, unit_of(&j), j % 2, y, j % 2 ? 3 + y[1] : 1);
		}
	}
	assert_true(folds[0] > 500 && folds[1] > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(probabilities_are_the_exact_mixture, setup, arena_end),
		cmocka_unit_test_setup_teardown(linucb_scores_as_its_learner_does, setup, arena_end),
		cmocka_unit_test_setup_teardown(choices_follow_the_probabilities_that_are_logged, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_unit_keeps_its_arm_until_the_next_version, setup, arena_end),
		cmocka_unit_test_setup_teardown(an_arm_without_probability_is_never_chosen, setup, arena_end),
		cmocka_unit_test_setup_teardown(policies_read_back, setup, arena_end),
		cmocka_unit_test_setup_teardown(policies_that_are_none_are_refused, setup, arena_end),
		cmocka_unit_test_setup_teardown(estimates_and_their_errors_are_right_on_average, setup, arena_end),
		cmocka_unit_test_setup_teardown(weights_above_the_clip_count_as_the_clip, setup, arena_end),
		cmocka_unit_test_setup_teardown(errors_of_ratios_are_those_of_their_terms, setup, arena_end),
		cmocka_unit_test_setup_teardown(records_of_a_unit_count_as_one_in_errors, setup, arena_end),
		cmocka_unit_test_setup_teardown(estimates_without_support_are_refused, setup, arena_end),
		cmocka_unit_test_setup_teardown(few_records_are_refused, setup, arena_end),
		cmocka_unit_test_setup_teardown(many_records_of_few_units_are_refused, setup, arena_end),
		cmocka_unit_test_setup_teardown(records_that_are_none_are_left_out, setup, arena_end),
		cmocka_unit_test_setup_teardown(logs_of_a_learner_get_the_wider_interval, setup, arena_end),
		cmocka_unit_test_setup_teardown(reward_models_are_fitted_on_the_other_fold, setup, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
