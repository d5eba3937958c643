/* learner_warm_test.c: Tests of learners that start warm: there is a policy before any reward, and a learner that goes on from its
 * record does not learn the priors again. */
#include <math.h>

#include "tests/unit/learner_records.h"

static const struct bandit_prior priors[] = {{10, 0.25, 0}, {30, 0.5, 0}};

static struct learner *learner_of(struct bandit_options options, const struct text *features, size_t count)
{
	struct error error = {0};
	const struct learner_config config = {.experiment = "e",
					      .options = options,
					      .arms = arms,
					      .priors = priors,
					      .context = context_form_of(arms, 2, features, count)};
	struct learner *learner = learner_open(&config, &error);
	if (!learner)
		fail_msg("%s", error.text);
	return learner;
}

static struct learner *greedy(void)
{
	return learner_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0), NULL, 0);
}

static void expose_feature(struct learner *learner, size_t arm, double feature)
{
	const struct exposure_feature number = {TEXT("x"), feature};
	struct exposure exposure = exposure_of(arm, NOW_MS);
	exposure.feature_count = 1;
	exposure.features = &number;
	learner_expose(learner, &exposure);
}

static void there_is_a_policy_before_any_reward(void **state)
{
	struct policy_record record;
	struct error error = {0};
	double chances[2];
	(void)state;
	struct learner *learner = greedy();
	assert_false(learner_record(learner, NOW_MS, &record, &error));
	assert_true(learner_warm(learner, &error) && learner_is_due(learner));
	const struct bandit *bandit = recorded(learner, &record);
	assert_false(learner_is_due(learner));
	assert_int_equal(record.version, 1);
	assert_int_equal(record.rewards, 40);
	assert_true(bandit_mean(bandit, 0) == 0.25 && bandit_mean(bandit, 1) == 0.5);
	policy_probabilities(policy_read(arena, record.policy, &error), NULL, chances);
	assert_true(fabs(chances[0] - (0.98 * 0.05 + 0.01)) < 1e-12); /* epsilon 0.1, explore 0.02 */
	assert_int_equal(learner_counts(learner).rewards, 0);
	learner_close(learner);
}

static void a_learner_that_goes_on_has_the_priors_once(void **state)
{
	struct policy_record record;
	struct error error = {0};
	(void)state;
	struct learner *learner = greedy(), *next = greedy();
	assert_true(learner_warm(learner, &error));
	expose(learner, 0, NOW_MS);
	reward(learner, 0, 1, NOW_MS);
	(void)recorded(learner, &record);
	record = kept(&record);
	assert_true(learner_restore(next, &record, &error) && !learner_is_due(next));
	expose(next, 1, NOW_MS);
	reward(next, 1, 1, NOW_MS);
	const struct bandit *bandit = recorded(next, &record);
	assert_int_equal(record.rewards, 42);
	assert_true(fabs(bandit_mean(bandit, 0) - 3.5 / 11) < 1e-12);
	assert_true(fabs(bandit_mean(bandit, 1) - 16.0 / 31) < 1e-12);
	learner_close(learner);
	learner_close(next);
}

/* What it cannot go on from leaves it as it was, with a later version. */
static void a_learner_that_begins_again_starts_warm_again(void **state)
{
	struct policy_record record;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0), *next = greedy();
	assert_true(learner_warm(learner, &error));
	(void)recorded(learner, &record);
	record = kept(&record);
	assert_false(learner_restore(next, &record, &error));
	assert_true(learner_warm(next, &error));
	assert_true(bandit_mean(recorded(next, &record), 1) == 0.5);
	assert_int_equal(record.version, 2);
	assert_int_equal(record.rewards, 40);
	learner_close(learner);
	learner_close(next);
}

/* A scale needs exposures, and no reward. The plays are at x = [1, 0]: with lambda 1, theta is n mean / (n + 1). */
static void with_a_context_the_first_policy_needs_a_scale_alone(void **state)
{
	static const struct text features[] = {{"x", 1}};
	static const double means[] = {1, 0};
	struct policy_record record;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 2), features, 1);
	assert_true(learner_warm(learner, &error));
	for (size_t n = 0; n < LEARNER_SAMPLES; n++) {
		assert_false(learner_record(learner, NOW_MS, &record, &error));
		expose_feature(learner, n % 2, (double)(n % 5));
	}
	const struct bandit *bandit = recorded(learner, &record);
	assert_true(fabs(bandit_score(bandit, 0, means) - 2.5 / 11) < 1e-12);
	assert_true(fabs(bandit_score(bandit, 1, means) - 15.0 / 31) < 1e-12);
	assert_true(fabs(record.features[0].center - 2) < 1e-12);
	learner_close(learner);
}

/* Texts make x longer: the learner is opened anew, as warm as it was. */
static void classes_of_a_text_leave_the_priors(void **state)
{
	static const struct text features[] = {{"x", 1}}, regions[] = {{"north", 5}, {"south", 5}};
	static const double nowhere[] = {1, 0, 0};
	struct policy_record record;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	assert_true(learner_warm(learner, &error));
	for (size_t n = 0; n < LEARNER_SAMPLES; n++) {
		const struct exposure_text text = {TEXT("x"), regions[n % 2]};
		struct exposure exposure = exposure_of(0, NOW_MS);
		exposure.text_count = 1;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
	}
	const struct bandit *bandit = recorded(learner, &record);
	assert_int_equal(bandit_options(bandit)->features, 3);
	assert_true(fabs(bandit_score(bandit, 1, nowhere) - (15.0 / 31 + sqrt(1.0 / 31))) < 1e-12);
	learner_close(learner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_a_policy_before_any_reward),
		cmocka_unit_test(a_learner_that_goes_on_has_the_priors_once),
		cmocka_unit_test(a_learner_that_begins_again_starts_warm_again),
		cmocka_unit_test(with_a_context_the_first_policy_needs_a_scale_alone),
		cmocka_unit_test(classes_of_a_text_leave_the_priors),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
