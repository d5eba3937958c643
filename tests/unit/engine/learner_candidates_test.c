/* learner_candidates_test.c: Tests of a learner that goes on with other candidates than its record has: each is known by its name,
 * and the record has among whom its versions chose. */
#include "tests/unit/learner_records.h"

static struct learner *learner_named(const struct text *names, size_t count)
{
	struct error error = {0};
	const struct learner_config config = {.experiment = "e",
					      .options = bandit_defaults(BANDIT_EPSILON_GREEDY, count, 0),
					      .arms = names,
					      .context = context_form_of(names, count, NULL, 0)};
	struct learner *learner = learner_open(&config, &error);
	assert_non_null(learner);
	return learner;
}

/* Rewards of 1 for `old`, and of 5 for `new`. */
static struct policy_record two_learnt(void)
{
	struct learner *learner = learner_named(arms, 2);
	struct policy_record record;
	struct error error = {0};
	for (size_t i = 0; i < 10; i++) {
		expose(learner, i % 2, NOW_MS);
		reward(learner, i % 2, i % 2 ? 5 : 1, NOW_MS);
	}
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	record = kept(&record);
	static struct policy_candidates list;
	list = record.candidates[0];
	record.candidates = &list;
	learner_close(learner);
	return record;
}

/* A reload puts the candidates in another order: what was learnt of each stays with its name, and a new version says so. */
static void candidates_in_another_order_keep_what_was_learnt_of_them(void **state)
{
	static const struct text turned[] = {{"new", 3}, {"old", 3}};
	struct policy_record record = two_learnt(), next;
	struct error error = {0};
	double p[2];
	(void)state;
	struct learner *learner = learner_named(turned, 2);
	assert_true(learner_restore(learner, &record, &error) && learner_is_due(learner));
	const struct bandit *bandit = recorded(learner, &next);
	assert_true(bandit_mean(bandit, 0) == 5 && bandit_mean(bandit, 1) == 1);
	assert_int_equal(next.version, record.version + 1);
	assert_int_equal(next.rewards, 10);
	assert_true(text_is(next.arms[0], "new") && !learner_is_due(learner));
	policy_probabilities(policy_read(arena, next.policy, &error), NULL, p);
	assert_true(p[0] > 0.9);
	learner_close(learner);
}

/* One that is gone takes its rewards with it, and the record has among whom each version chose. */
static void a_candidate_that_is_gone_leaves_the_others_what_they_learnt(void **state)
{
	static const struct text one[] = {{"new", 3}};
	struct policy_record record = two_learnt(), next;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_named(one, 1);
	assert_true(learner_restore(learner, &record, &error));
	assert_true(bandit_mean(recorded(learner, &next), 0) == 5);
	assert_int_equal(next.rewards, 5);
	assert_int_equal(next.candidates_count, 2);
	assert_true(next.candidates[0].since == record.version && next.candidates[0].count == 2);
	assert_true(next.candidates[1].since == record.version + 1 && next.candidates[1].count == 1);
	assert_true(text_is(next.candidates[1].names[0], "new"));
	learner_close(learner);
}

/* What the topics have of a candidate that is new, or back, is learnt with all of them; the history stays. */
static void a_candidate_that_comes_is_learnt_anew_and_the_history_goes_on(void **state)
{
	static const struct text three[] = {{"odd", 3}, {"old", 3}, {"new", 3}};
	struct policy_record record = two_learnt(), next;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_named(three, 3);
	assert_false(learner_restore(learner, &record, &error));
	expose(learner, 1, NOW_MS);
	reward(learner, 1, 7, NOW_MS);
	const struct bandit *bandit = recorded(learner, &next);
	assert_true(bandit_mean(bandit, 2) == 7 && bandit_mean(bandit, 0) == 0 && bandit_mean(bandit, 1) == 0);
	assert_true(next.candidates_count == 2 && next.candidates[1].since == record.version + 1);
	assert_int_equal(next.candidates[1].count, 3);
	learner_close(learner);
	/* A record of the former schema says it of its own version alone. */
	record.candidates_count = 0;
	learner = learner_named(three, 3);
	assert_false(learner_restore(learner, &record, &error));
	expose(learner, 1, NOW_MS);
	reward(learner, 1, 7, NOW_MS);
	(void)recorded(learner, &next);
	assert_true(next.candidates_count == 2 && next.candidates[0].since == record.version);
	assert_true(next.candidates[0].count == 2 && next.candidates[1].count == 3);
	learner_close(learner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(candidates_in_another_order_keep_what_was_learnt_of_them),
		TEST(a_candidate_that_is_gone_leaves_the_others_what_they_learnt),
		TEST(a_candidate_that_comes_is_learnt_anew_and_the_history_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
