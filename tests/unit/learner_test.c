/* learner_test.c: Tests of the learner of bandits: each reward counts once, within the window, also after the learner goes on
 * from its record; and what the records say. */
#include <math.h>
#include <stdio.h>

#include "base/number/random.h"
#include "experiments/outcomes/outcome_join.h"
#include "tests/unit/learner_records.h"

#define WINDOW_MS 60000

static struct learner *learner_judging(struct bandit_options options, const struct text *features, size_t count, size_t open,
				       bool judges)
{
	struct error error = {0};
	const size_t entry = 40 + (1 + count) * sizeof(double);
	const struct learner_config config = {.experiment = "e",
					      .options = options,
					      .arms = arms,
					      .context = context_form_of(arms, 2, features, count),
					      .reward_metric = judges ? TEXT("accuracy") : TEXT("profit"),
					      .judges = judges,
					      .window_ms = WINDOW_MS,
					      .memory_bytes = open * entry};
	struct learner *learner = learner_open(&config, &error);
	if (!learner)
		fail_msg("%s", error.text);
	return learner;
}

static struct learner *learner_of(struct bandit_options options, const struct text *features, size_t count, size_t open)
{
	return learner_judging(options, features, count, open, false);
}

static struct learner *greedy(void)
{
	return learner_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0), NULL, 0, 1000);
}

/* ---- each reward once ---- */

/* The truth counts where no metric and no reward says more. */
static void a_truth_is_a_reward_where_accuracy_is_maximised(void **state)
{
	(void)state;
	struct policy_record record;
	const struct text said = TEXT("1");
	const struct tensor truth = {.name = TEXT("y"), .datatype = DATATYPE_BYTES, .count = 1, .data = &said};
	const struct tensor *const items[] = {&truth};
	struct learner *learner = learner_judging(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0), NULL, 0, 1000, true);
	static const char *const predictions[] = {"1", "0", "1", ""};
	for (size_t i = 0; i < 4; i++) {
		const char id[] = {(char)('a' + i), 0};
		struct exposure exposure = exposure_of(id, i < 2 ? 0 : 1, NOW_MS + (int64_t)i);
		exposure.prediction = text_of(predictions[i]);
		learner_expose(learner, &exposure);
		const struct feedback feedback = {.id = text_of(id), .has_reward = i == 2, .reward = 0.25, .truth = {1, items}};
		learner_feedback(learner, &feedback, NOW_MS + 10);
	}
	assert_int_equal(learner_counts(learner).others, 1);
	const struct bandit *bandit = recorded(learner, &record);
	assert_true(bandit_arm(bandit, 0)->moments.mean == 0.5);
	assert_true(bandit_arm(bandit, 1)->moments.mean == 0.25);
	learner_close(learner);
}

/* The engines write it to the topic when they have computed it. */
static void of_a_metric_that_engines_compute_nothing_else_is_a_reward(void **state)
{
	(void)state;
	struct error error = {0};
	const struct learner_config config = {.experiment = "e",
					      .options = bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0),
					      .arms = arms,
					      .context = context_form_of(arms, 2, NULL, 0),
					      .reward_metric = TEXT("profit"),
					      .computed = true,
					      .window_ms = WINDOW_MS,
					      .memory_bytes = 100000};
	struct learner *learner = learner_open(&config, &error);
	const struct feedback unanswered = {.id = TEXT("c"), .has_reward = true, .reward = 100};
	const struct feedback_metric profit = {TEXT("profit"), 0.25};
	const struct feedback sent = {.id = TEXT("a"), .has_reward = true, .reward = 100};
	const struct feedback computed = {.id = TEXT("a"), .metric_count = 1, .metrics = &profit};
	struct policy_record record;
	struct open_request found = {0};
	expose(learner, "a", 1, NOW_MS);
	learner_feedback(learner, &sent, NOW_MS + 1000);
	assert_int_equal(learner_counts(learner).rewards, 0);
	assert_true(learner_lacks(learner, &sent, NOW_MS + 1000, &found) && found.arm == 1 && found.exposed_ms == NOW_MS);
	assert_false(learner_lacks(learner, &sent, NOW_MS + 2 * WINDOW_MS, &found));
	learner_feedback(learner, &computed, NOW_MS + 1010);
	assert_false(learner_lacks(learner, &sent, NOW_MS + 1010, &found));
	learner_feedback(learner, &computed, NOW_MS + 1020);
	assert_int_equal(learner_counts(learner).rewards, 1);
	assert_int_equal(learner_counts(learner).again, 1);
	assert_true(bandit_mean(recorded(learner, &record), 1) == 0.25);
	expose(learner, "b", 1, NOW_MS + 2000); /* nobody says anything of it */
	expose(learner, "c", 1, NOW_MS + 2000);
	learner_feedback(learner, &unanswered, NOW_MS + 3000);
	learner_feedback(learner, &unanswered, NOW_MS + 3000);
	assert_int_equal(learner_counts(learner).uncomputed, 0);
	expose(learner, "d", 1, NOW_MS + 2 * WINDOW_MS); /* the windows of the others are over */
	assert_int_equal(learner_counts(learner).uncomputed, 1);
	assert_int_equal(learner_counts(learner).again, 1);
	learner_feedback(learner, &unanswered, NOW_MS + 2 * WINDOW_MS);
	assert_true(learner_counts(learner).unknown == 0 && learner_counts(learner).late == 0);
	learner_close(learner);
}

static void a_reward_counts_once_for_its_candidate(void **state)
{
	(void)state;
	struct policy_record record;
	struct error error = {0};
	struct learner *learner = greedy();
	assert_false(learner_record(learner, NOW_MS, &record, &error)); /* nothing to choose by */
	expose(learner, "a", 0, NOW_MS);
	expose(learner, "a", 0, NOW_MS); /* at-least-once delivery */
	expose(learner, "b", 1, NOW_MS + 5);
	reward(learner, "b", 3, NOW_MS + 10);
	reward(learner, "b", 100, NOW_MS + 11); /* the first one counts */
	reward(learner, "a", 1, NOW_MS + 12);
	reward(learner, "nobody", 1, NOW_MS + 13);
	const struct bandit *bandit = recorded(learner, &record);
	assert_true(bandit_mean(bandit, 0) == 1 && bandit_mean(bandit, 1) == 3);
	const struct learner_counts counts = learner_counts(learner);
	assert_int_equal(counts.rewards, 2);
	assert_int_equal(counts.exposures, 2);
	assert_int_equal(counts.again, 2);
	assert_int_equal(counts.unknown, 1);
	assert_int_equal(record.version, 1);
	assert_int_equal(record.rewards, 2);
	assert_int_equal(record.through_ms, NOW_MS + 5);
	learner_close(learner);
}

static void feedback_that_is_late_or_no_number_teaches_nothing(void **state)
{
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_THOMPSON_BETA, 2, 0), NULL, 0, 1000);
	struct policy_record record;
	struct error error = {0};
	const struct feedback_metric metrics[] = {{TEXT("profit"), 0.25}};
	const struct feedback both = {.id = TEXT("e"), .has_reward = true, .reward = 1, .metric_count = 1, .metrics = metrics};
	const char *const ids[] = {"a", "b", "c", "d", "e"};
	for (size_t i = 0; i < 5; i++)
		expose(learner, ids[i], 0, NOW_MS);
	reward(learner, "a", NAN, NOW_MS + 1);
	reward(learner, "b", 2, NOW_MS + 1); /* beta posteriors are of 0 to 1 */
	reward(learner, "c", 1, NOW_MS + WINDOW_MS + 2000);
	const struct feedback_metric cost[] = {{TEXT("cost"), 1}};
	const struct feedback other = {.id = TEXT("d"), .metric_count = 1, .metrics = cost};
	learner_feedback(learner, &other, NOW_MS + 1);
	assert_false(learner_record(learner, NOW_MS, &record, &error));
	learner_feedback(learner, &both, NOW_MS + 1); /* the metric comes before the reward */
	const struct learner_counts counts = learner_counts(learner);
	assert_non_null(strstr(learner_refusal(learner), "reward"));
	assert_int_equal(counts.refused, 2);
	assert_int_equal(counts.late, 1);
	assert_int_equal(counts.others, 1);
	assert_int_equal(counts.rewards, 1);
	assert_true(bandit_mean(recorded(learner, &record), 0) == 0.25);
	learner_close(learner);
}

static void only_drawn_candidates_are_learnt_from(void **state)
{
	(void)state;
	struct learner *learner = greedy();
	struct exposure exposure = exposure_of("a", 0, NOW_MS);
	static const enum assigned_reason reasons[] = {ASSIGNED_MATCH, ASSIGNED_ROUTE, ASSIGNED_OVERRIDE, ASSIGNED_FALLBACK};
	for (size_t i = 0; i < 4; i++) {
		exposure.reason = reasons[i];
		learner_expose(learner, &exposure);
	}
	exposure.reason = ASSIGNED_WEIGHT;
	exposure.experiment = TEXT("f");
	learner_expose(learner, &exposure);
	exposure.experiment = TEXT("e");
	exposure.variant = TEXT("gone");
	learner_expose(learner, &exposure);
	assert_int_equal(learner_counts(learner).exposures, 0);
	assert_int_equal(learner_counts(learner).others, 6);
	learner_close(learner);
}

/* Losses and gains of hundreds, whose variance is not known. */
static void gaussian_thompson_learns_from_rewards_of_any_size(void **state)
{
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_THOMPSON_STUDENT, 2, 0), NULL, 0, 1000);
	struct policy_record record;
	struct error error = {0};
	double p[2];
	char id[16];
	for (int i = 0; i < 60; i++) {
		(void)snprintf(id, sizeof id, "r%d", i);
		expose(learner, id, (size_t)i % 2, NOW_MS + i);
		reward(learner, id, i % 2 ? 250 + i % 7 : -400 - i % 5, NOW_MS + i);
	}
	(void)recorded(learner, &record);
	assert_int_equal(record.rewards, 60);
	const struct policy *policy = policy_read(arena, record.policy, &error);
	assert_non_null(policy);
	policy_probabilities(policy, NULL, p);
	assert_true(p[1] > 0.98 && p[0] >= 0.01); /* half of the floor stays */
	learner_close(learner);
}

static void plays_wait_for_their_reward_until_the_window_ends(void **state)
{
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0, 1000);
	struct policy_record record;
	expose(learner, "a", 0, NOW_MS);
	expose(learner, "b", 0, NOW_MS);
	expose(learner, "c", 1, NOW_MS);
	reward(learner, "c", 1, NOW_MS + 1);
	assert_int_equal(bandit_arm(recorded(learner, &record), 0)->pending, 2);
	reward(learner, "a", 1, NOW_MS + 2);
	assert_int_equal(bandit_arm(recorded(learner, &record), 0)->pending, 1);
	expose(learner, "d", 1, NOW_MS + WINDOW_MS + 5000);
	const struct bandit *bandit = recorded(learner, &record);
	assert_int_equal(bandit_arm(bandit, 0)->pending, 0);
	assert_int_equal(bandit_arm(bandit, 1)->pending, 1);
	assert_int_equal(record.version, 2); /* the last record learnt nothing */
	expose(learner, "e", 1, NOW_MS + WINDOW_MS + 50000);
	reward(learner, "d", 1, NOW_MS + WINDOW_MS + 50001);
	expose(learner, "f", 0, NOW_MS + 2 * WINDOW_MS + 10000); /* the end of d, which has its reward, takes none from e */
	assert_int_equal(bandit_arm(recorded(learner, &record), 1)->pending, 1);
	learner_close(learner);
}

/* ---- going on ---- */

struct story_line {
	bool is_exposure;
	size_t number, arm;
	double value;
	int64_t time_ms;
};

static void line_give(struct learner *learner, const struct story_line *line)
{
	char id[16];
	(void)snprintf(id, sizeof id, "r%zu", line->number);
	if (line->is_exposure)
		expose(learner, id, line->arm, line->time_ms);
	else
		reward(learner, id, line->value, line->time_ms);
}

#define LINES 4000

/* Exposures, and feedback that is delayed, repeated, and sometimes never comes. */
static void story_make(struct story_line *lines, struct random *random)
{
	size_t exposed = 0;
	for (size_t i = 0; i < LINES; i++) {
		const int64_t time_ms = NOW_MS + (int64_t)i * 100;
		const bool is_exposure = exposed == 0 || uniform_draw(random) < 0.5;
		lines[i] = (struct story_line){is_exposure, exposed, exposed % 2, 0, time_ms};
		if (!is_exposure) {
			const size_t back = (size_t)(uniform_draw(random) * 200);
			lines[i].number = back < exposed ? exposed - 1 - back : 0;
			lines[i].value = floor(uniform_draw(random) * 8);
		}
		exposed += is_exposure;
	}
}

static void a_learner_that_goes_on_from_its_record_counts_what_one_would_have(void **state)
{
	(void)state;
	struct story_line *lines = ARENA_ARRAY(arena, struct story_line, LINES);
	struct random random = {.state = 4};
	struct policy_record record, whole;
	struct error error = {0};
	story_make(lines, &random);
	for (size_t cut = 100; cut < LINES; cut += 700) {
		struct learner *one = greedy(), *first = greedy(), *second = greedy();
		for (size_t i = 0; i < LINES; i++)
			line_give(one, &lines[i]);
		for (size_t i = 0; i < cut; i++)
			line_give(first, &lines[i]);
		assert_true(learner_record(first, NOW_MS, &record, &error));
		record = kept(&record);
		for (size_t i = cut; i < cut + 50; i++) /* it is killed with what came after its record */
			line_give(first, &lines[i]);
		assert_true(learner_restore(second, &record, &error));
		learner_replay(second, true);
		for (int feedback = 0; feedback < 2; feedback++)
			for (size_t i = 0; i < cut; i++)
				if (lines[i].is_exposure != feedback && lines[i].time_ms > record.through_ms - WINDOW_MS - 2000)
					line_give(second, &lines[i]);
		learner_replay(second, false);
		for (size_t i = cut; i < LINES; i++)
			line_give(second, &lines[i]);
		const struct bandit *got = recorded(second, &record), *wanted = recorded(one, &whole);
		assert_int_equal(record.rewards, whole.rewards);
		for (size_t arm = 0; arm < 2; arm++) {
			assert_true(bandit_mean(got, arm) == bandit_mean(wanted, arm));
			assert_int_equal(bandit_arm(got, arm)->pending, bandit_arm(wanted, arm)->pending);
		}
		learner_close(one);
		learner_close(first);
		learner_close(second);
	}
}

static void a_record_of_other_candidates_is_learnt_anew_with_a_later_version(void **state)
{
	(void)state;
	static const struct text others[] = {{"old", 3}, {"newer", 5}};
	struct policy_record record;
	struct error error = {0};
	struct learner *learner = greedy(), *again = greedy(), *other = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0, 10);
	expose(learner, "a", 0, NOW_MS);
	reward(learner, "a", 1, NOW_MS);
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	record = kept(&record);
	record.version = 41;
	assert_false(learner_restore(other, &record, &error)); /* another algorithm */
	assert_int_equal(error.kind, ERROR_INPUT);
	record.arms = others;
	assert_false(learner_restore(again, &record, &error));
	expose(again, "b", 1, NOW_MS);
	reward(again, "b", 1, NOW_MS);
	assert_true(learner_record(again, NOW_MS, &record, &error));
	assert_int_equal(record.version, 42);
	assert_int_equal(record.rewards, 1);
	learner_close(learner);
	learner_close(again);
	learner_close(other);
}

/* ---- context ---- */

static void features_are_standardised_once_and_a_context_decides(void **state)
{
	(void)state;
	static const struct text features[] = {{"price", 5}};
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1, 5000);
	struct random random = {.state = 9};
	struct policy_record record;
	struct error error = {0};
	double p[2];
	char id[16];
	for (size_t i = 0; i < 2000; i++) {
		const double price = 1e6 + 1e4 * normal_draw(&random);
		struct exposure_feature feature = {TEXT("price"), price};
		(void)snprintf(id, sizeof id, "r%zu", i);
		struct exposure exposure = exposure_of(id, i % 2, NOW_MS);
		exposure.feature_count = i != 7;
		exposure.features = &feature;
		learner_expose(learner, &exposure);
		/* The second is better above the mean, the first below. */
		reward(learner, id, (price > 1e6) == (i % 2 == 1) ? 1 : 0, NOW_MS);
		if (i == 50)
			assert_false(learner_record(learner, NOW_MS, &record, &error)); /* fewer than LEARNER_SAMPLES */
		if (i == 500)
			assert_true(learner_record(learner, NOW_MS, &record, &error));
	}
	const double center = record.features[0].center;
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	assert_true(record.features[0].center == center); /* it stays */
	assert_true(fabs(center - 1e6) < 2000 && fabs(record.features[0].width - 1e4) < 2000);
	assert_int_equal(learner_counts(learner).missing, 1);
	assert_int_equal(record.rewards, 2000);
	const struct policy *policy = policy_read(arena, record.policy, &error);
	assert_non_null(policy);
	policy_probabilities(policy, (const double[]){1, 1.5}, p);
	assert_true(p[1] > 0.9);
	policy_probabilities(policy, (const double[]){1, -1.5}, p);
	assert_true(p[0] > 0.9);
	learner_close(learner);
}

/* The second candidate is better for odd regions, of which there are `regions`. */
static void region_learn(struct learner *learner, size_t from, size_t to, size_t regions)
{
	char id[24], region[32];
	for (size_t i = from; i < to; i++) {
		const size_t of = i / 2 % regions;
		(void)snprintf(id, sizeof id, "r%zu", i);
		(void)snprintf(region, sizeof region, "region-%zu", of);
		const struct exposure_text text = {TEXT("region"), text_of(region)};
		struct exposure exposure = exposure_of(id, i % 2, NOW_MS);
		exposure.text_count = 1;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
		reward(learner, id, of % 2 == i % 2 ? 1 : 0, NOW_MS);
	}
}

static size_t class_of(const struct policy_record *record, const char *text)
{
	size_t i = 0;
	while (i < record->features[0].class_count && !text_is(record->features[0].classes[i], text))
		i++;
	return i;
}

/* The chances of the candidates in a region; `class` none: in another one. */
static void expect_better(const struct policy_record *record, size_t class, size_t better)
{
	struct error error = {0};
	const struct policy *policy = policy_read(arena, record->policy, &error);
	double x[CONTEXT_LENGTH_MAX] = {1}, p[2];
	assert_non_null(policy);
	assert_int_equal(policy->features, 1 + record->features[0].class_count);
	x[1 + class] = 1;
	policy_probabilities(policy, x, p);
	assert_true(p[better] > 0.9);
}

static void a_text_is_learnt_by_its_classes(void **state)
{
	static const struct text features[] = {{"region", 6}};
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1, 5000);
	struct policy_record record;
	struct error error = {0};
	(void)state;
	region_learn(learner, 0, 1000, 4);
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	assert_int_equal(record.features[0].class_count, 4);
	assert_int_equal(learner_counts(learner).missing, 1000); /* all before the first record */
	static const char *const regions[] = {"region-0", "region-1", "region-2", "region-3"};
	for (size_t i = 0; i < 4; i++)
		expect_better(&record, class_of(&record, regions[i]), i % 2);
	region_learn(learner, 1000, 1100, 4);
	assert_int_equal(learner_counts(learner).missing, 1000);
	region_learn(learner, 1100, 1110, 5); /* another region is of no class: 2 of 10 */
	assert_int_equal(learner_counts(learner).missing, 1002);
	learner_close(learner);
}

/* Not more than there is space for; the commonest. */
static void classes_are_the_commonest_texts(void **state)
{
	static const struct text features[] = {{"region", 6}};
	struct learner *learner = learner_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 2), features, 1, 5000);
	struct policy_record record;
	struct error error = {0};
	(void)state;
	region_learn(learner, 0, 1000, 30);
	region_learn(learner, 1000, 2000, 10);
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	assert_int_equal(record.features[0].class_count, CONTEXT_CLASSES_MAX);
	for (size_t i = 0; i < 10; i++) {
		char region[32];
		(void)snprintf(region, sizeof region, "region-%zu", i);
		assert_true(class_of(&record, region) < 10);
	}
	learner_close(learner);
}

static void a_learner_that_goes_on_has_the_classes_of_its_record(void **state)
{
	static const struct text features[] = {{"region", 6}};
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1, 5000);
	struct learner *other = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1, 5000);
	struct policy_record record, going_on;
	struct error error = {0};
	(void)state;
	region_learn(learner, 0, 500, 4);
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	record = kept(&record);
	assert_true(learner_restore(other, &record, &error));
	region_learn(learner, 500, 1000, 6);
	region_learn(other, 500, 1000, 6);
	assert_true(learner_record(learner, NOW_MS, &record, &error) && learner_record(other, NOW_MS, &going_on, &error));
	assert_int_equal(going_on.features[0].class_count, 4);
	assert_int_equal(going_on.rewards, record.rewards);
	for (size_t i = 0; i < 4; i++) {
		const struct text class = record.features[0].classes[i];
		assert_true(text_equal(going_on.features[0].classes[i], class));
		expect_better(&going_on, i, (size_t)(class.bytes[class.length - 1] - '0') % 2);
	}
	learner_close(other);
	/* One of a record that does not fit its classes begins anew, and knows nothing of them. */
	other = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1, 5000);
	struct policy_feature fewer = record.features[0];
	fewer.class_count--;
	record = kept(&record);
	record.features = &fewer;
	assert_false(learner_restore(other, &record, &error));
	for (size_t i = 0; i < 200; i++) {
		char id[24];
		(void)snprintf(id, sizeof id, "n%zu", i);
		const struct exposure_feature number = {TEXT("region"), (double)i};
		struct exposure exposure = exposure_of(id, i % 2, NOW_MS);
		exposure.feature_count = 1;
		exposure.features = &number;
		learner_expose(other, &exposure);
		reward(other, id, 1, NOW_MS);
	}
	assert_true(learner_record(other, NOW_MS, &going_on, &error));
	assert_int_equal(going_on.features[0].class_count, 0);
	learner_close(other);
	learner_close(learner);
}

/* A number that is a text now and then is a number. */
static void the_more_frequent_form_of_a_feature_counts(void **state)
{
	static const struct text features[] = {{"price", 5}};
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1, 5000);
	struct policy_record record;
	struct error error = {0};
	char id[24];
	(void)state;
	for (size_t i = 0; i < 400; i++) {
		const struct exposure_feature number = {TEXT("price"), (double)(i % 7)};
		const struct exposure_text text = {TEXT("price"), TEXT("unknown")};
		(void)snprintf(id, sizeof id, "r%zu", i);
		struct exposure exposure = exposure_of(id, i % 2, NOW_MS);
		exposure.feature_count = i % 5 < 3;
		exposure.features = &number;
		exposure.text_count = !exposure.feature_count;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
		reward(learner, id, 1, NOW_MS);
	}
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	assert_int_equal(record.features[0].class_count, 0);
	assert_int_equal(record.features[0].count, 240);
	assert_int_equal(learner_counts(learner).missing, 160);
	learner_close(learner);
}

/* With 64 candidates and 31 numbers beside it, x has space for 44 numbers. */
static void classes_are_fewer_where_the_record_would_not_fit(void **state)
{
	struct text many[BANDIT_ARMS_MOST], features[CONTEXT_FEATURES_MAX];
	static char names[BANDIT_ARMS_MOST][24];
	struct error error = {0};
	struct policy_record record;
	char id[24], region[32];
	(void)state;
	for (size_t i = 0; i < BANDIT_ARMS_MOST; i++)
		many[i] = (struct text){names[i], (size_t)snprintf(names[i], sizeof names[i], "n%zu", i)};
	for (size_t i = 0; i < CONTEXT_FEATURES_MAX; i++)
		features[i] = i == 5 ? TEXT("region") : many[i];
	const struct context_form form = context_form_of(many, BANDIT_ARMS_MOST, features, CONTEXT_FEATURES_MAX);
	const struct learner_config config = {.experiment = "e",
					      .options =
						      bandit_defaults(BANDIT_LINUCB, BANDIT_ARMS_MOST, context_length(&form, NULL)),
					      .arms = many,
					      .context = form,
					      .window_ms = WINDOW_MS,
					      .memory_bytes = 4 << 20};
	struct learner *learner = learner_open(&config, &error);
	assert_non_null(learner);
	for (size_t i = 0; i < 200; i++) {
		(void)snprintf(id, sizeof id, "r%zu", i);
		(void)snprintf(region, sizeof region, "region-%zu", i % 20);
		const struct exposure_text text = {TEXT("region"), text_of(region)};
		struct exposure exposure = exposure_of(id, 0, NOW_MS);
		exposure.variant = many[i % BANDIT_ARMS_MOST];
		exposure.text_count = 1;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
		reward(learner, id, 1, NOW_MS);
	}
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	assert_int_equal(record.features[5].class_count, 44 - 32);
	assert_true(record.policy.length + record.learner.length < POLICY_RECORD_BYTES_MAX);
	learner_close(learner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_truth_is_a_reward_where_accuracy_is_maximised),
		TEST(of_a_metric_that_engines_compute_nothing_else_is_a_reward),
		TEST(a_reward_counts_once_for_its_candidate),
		TEST(feedback_that_is_late_or_no_number_teaches_nothing),
		TEST(only_drawn_candidates_are_learnt_from),
		TEST(gaussian_thompson_learns_from_rewards_of_any_size),
		TEST(plays_wait_for_their_reward_until_the_window_ends),
		TEST(a_learner_that_goes_on_from_its_record_counts_what_one_would_have),
		TEST(a_record_of_other_candidates_is_learnt_anew_with_a_later_version),
		TEST(features_are_standardised_once_and_a_context_decides),
		TEST(a_text_is_learnt_by_its_classes),
		TEST(classes_are_the_commonest_texts),
		TEST(a_learner_that_goes_on_has_the_classes_of_its_record),
		TEST(the_more_frequent_form_of_a_feature_counts),
		TEST(classes_are_fewer_where_the_record_would_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
