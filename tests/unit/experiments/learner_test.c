/* learner_test.c: Tests of the learner of bandits: what it learns of exposures and their outcomes, also after it goes on from its
 * record; and what the records say. */
#include <math.h>
#include <stdio.h>

#include "base/number/random.h"
#include "tests/unit/learner_records.h"

static struct learner *learner_by(struct text reward_metric, struct bandit_options options, const struct text *features,
				  size_t count)
{
	struct error error = {0};
	const struct learner_config config = {.experiment = "e",
					      .options = options,
					      .arms = arms,
					      .context = context_form_of(arms, 2, features, count),
					      .reward_metric = reward_metric};
	struct learner *learner = learner_open(&config, &error);
	if (!learner)
		fail_msg("%s", error.text);
	return learner;
}

static struct learner *learner_of(struct bandit_options options, const struct text *features, size_t count)
{
	return learner_by(TEXT(""), options, features, count);
}

static struct learner *greedy(void)
{
	return learner_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0), NULL, 0);
}

/* ---- rewards ---- */

static void a_reward_is_learnt_for_its_candidate(void **state)
{
	(void)state;
	struct policy_record record;
	struct error error = {0};
	struct learner *learner = greedy();
	assert_false(learner_record(learner, NOW_MS, &record, &error)); /* nothing to choose by */
	expose(learner, 0, NOW_MS);
	expose(learner, 1, NOW_MS + 5);
	reward(learner, 1, 3, NOW_MS + 5);
	reward(learner, 0, 1, NOW_MS);
	const struct bandit *bandit = recorded(learner, &record);
	assert_true(bandit_mean(bandit, 0) == 1 && bandit_mean(bandit, 1) == 3);
	const struct learner_counts counts = learner_counts(learner);
	assert_int_equal(counts.rewards, 2);
	assert_int_equal(counts.exposures, 2);
	assert_int_equal(record.version, 1);
	assert_int_equal(record.rewards, 2);
	assert_int_equal(record.through_ms, NOW_MS + 5);
	learner_close(learner);
}

static void the_reward_metric_alone_is_a_reward_where_there_is_one(void **state)
{
	(void)state;
	struct learner *learner = learner_by(TEXT("profit"), bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 0), NULL, 0);
	const struct exposure exposure = exposure_of(0, NOW_MS);
	struct policy_record record;
	learner_expose(learner, &exposure);
	became(learner, OUTCOME_JOINED, &exposure, TEXT("cost"), 7);
	became(learner, OUTCOME_JOINED, &exposure, TEXT("reward"), 8);
	became(learner, OUTCOME_LATE, &exposure, TEXT("profit"), 9);
	assert_int_equal(learner_counts(learner).rewards, 0);
	became(learner, OUTCOME_JOINED, &exposure, TEXT("profit"), 0.25);
	assert_true(bandit_mean(recorded(learner, &record), 0) == 0.25);
	learner_close(learner);
}

/* The play is over all the same. Beta posteriors are of 0 to 1. */
static void a_reward_that_the_algorithm_does_not_take_teaches_nothing(void **state)
{
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_THOMPSON_BETA, 2, 0), NULL, 0);
	struct policy_record record;
	struct error error = {0};
	for (size_t i = 0; i < 3; i++)
		expose(learner, 0, NOW_MS);
	assert_string_equal(learner_refusal(learner), "");
	reward(learner, 0, NAN, NOW_MS);
	reward(learner, 0, 2, NOW_MS);
	assert_false(learner_record(learner, NOW_MS, &record, &error));
	reward(learner, 0, 0.25, NOW_MS);
	assert_non_null(strstr(learner_refusal(learner), "reward"));
	assert_int_equal(learner_counts(learner).refused, 2);
	assert_int_equal(learner_counts(learner).rewards, 1);
	const struct bandit *bandit = recorded(learner, &record);
	assert_true(bandit_mean(bandit, 0) == 0.25 && bandit_arm(bandit, 0)->pending == 0);
	learner_close(learner);
}

static void only_drawn_candidates_are_learnt_from(void **state)
{
	(void)state;
	struct learner *learner = greedy();
	static const enum assigned_reason reasons[] = {ASSIGNED_MATCH, ASSIGNED_ROUTE, ASSIGNED_OVERRIDE, ASSIGNED_FALLBACK};
	struct exposure others[6];
	for (size_t i = 0; i < 6; i++) {
		others[i] = exposure_of(0, NOW_MS);
		others[i].reason = i < 4 ? reasons[i] : ASSIGNED_WEIGHT;
	}
	others[4].experiment = TEXT("f");
	others[5].variant = TEXT("gone");
	for (size_t i = 0; i < 6; i++) {
		learner_expose(learner, &others[i]);
		earn(learner, &others[i], 1);
	}
	assert_int_equal(learner_counts(learner).exposures, 0);
	assert_int_equal(learner_counts(learner).rewards, 0);
	learner_close(learner);
}

/* Losses and gains of hundreds, whose variance is not known. */
static void gaussian_thompson_learns_from_rewards_of_any_size(void **state)
{
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_THOMPSON_STUDENT, 2, 0), NULL, 0);
	struct policy_record record;
	struct error error = {0};
	double p[2];
	for (int i = 0; i < 60; i++) {
		expose(learner, (size_t)i % 2, NOW_MS + i);
		reward(learner, (size_t)i % 2, i % 2 ? 250 + i % 7 : -400 - i % 5, NOW_MS + i);
	}
	(void)recorded(learner, &record);
	assert_int_equal(record.rewards, 60);
	const struct policy *policy = policy_read(arena, record.policy, &error);
	assert_non_null(policy);
	policy_probabilities(policy, NULL, p);
	assert_true(p[1] > 0.98 && p[0] >= 0.01); /* half of the floor stays */
	learner_close(learner);
}

static void plays_wait_for_their_reward_until_they_end(void **state)
{
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0);
	struct policy_record record;
	const struct exposure forgotten = exposure_of(1, NOW_MS);
	for (size_t i = 0; i < 4; i++)
		expose(learner, i / 2, NOW_MS);
	reward(learner, 1, 1, NOW_MS);
	assert_int_equal(bandit_arm(recorded(learner, &record), 0)->pending, 2);
	reward(learner, 0, 1, NOW_MS);
	assert_int_equal(bandit_arm(recorded(learner, &record), 0)->pending, 1);
	play_end(learner, 0, NOW_MS);
	became(learner, OUTCOME_FORGOTTEN, &forgotten, TEXT(""), 0);
	const struct bandit *bandit = recorded(learner, &record);
	assert_int_equal(bandit_arm(bandit, 0)->pending, 0);
	assert_int_equal(bandit_arm(bandit, 1)->pending, 0);
	assert_int_equal(record.version, 2); /* the last record learnt nothing */
	learner_close(learner);
}

/* ---- going on ---- */

#define LINES 4000

/* An exposure, or what became of an earlier one. */
struct story_line {
	enum { EXPOSED, EARNED, ENDED } kind;
	size_t arm;
	double value;
	int64_t time_ms; /* of the exposure */
};

static void line_give(struct learner *learner, const struct story_line *line)
{
	if (line->kind == EXPOSED)
		expose(learner, line->arm, line->time_ms);
	else if (line->kind == EARNED)
		reward(learner, line->arm, line->value, line->time_ms);
	else
		play_end(learner, line->arm, line->time_ms);
}

static void story_make(struct story_line *lines, struct random *random)
{
	size_t waiting[LINES], count = 0;
	for (size_t i = 0; i < LINES; i++) {
		if (count == 0 || uniform_draw(random) < 0.5) {
			lines[i] = (struct story_line){EXPOSED, i % 2, 0, NOW_MS + (int64_t)i * 100};
			waiting[count++] = i;
			continue;
		}
		const size_t of = (size_t)(uniform_draw(random) * (double)count), exposed = waiting[of];
		waiting[of] = waiting[--count];
		lines[i] = lines[exposed];
		lines[i].kind = uniform_draw(random) < 0.8 ? EARNED : ENDED;
		lines[i].value = floor(uniform_draw(random) * 8);
	}
}

static void expect_same_learners(struct learner *a, struct learner *b)
{
	struct policy_record of_a, of_b;
	const struct bandit *got = recorded(a, &of_a), *wanted = recorded(b, &of_b);
	assert_int_equal(of_a.rewards, of_b.rewards);
	for (size_t arm = 0; arm < 2; arm++) {
		assert_true(bandit_mean(got, arm) == bandit_mean(wanted, arm));
		assert_int_equal(bandit_arm(got, arm)->pending, bandit_arm(wanted, arm)->pending);
	}
}

/* It is given what follows the positions of its record, whatever the one before was given after it. */
static void a_learner_that_goes_on_from_its_record_counts_what_one_would_have(void **state)
{
	(void)state;
	struct story_line *lines = ARENA_ARRAY(arena, struct story_line, LINES);
	struct random random = {.state = 4};
	struct policy_record record;
	struct error error = {0};
	story_make(lines, &random);
	for (size_t cut = 100; cut < LINES; cut += 700) {
		struct learner *one = greedy(), *next = greedy();
		for (size_t i = 0; i < cut; i++)
			line_give(one, &lines[i]);
		assert_true(learner_record(one, NOW_MS, &record, &error));
		record = kept(&record);
		assert_true(learner_restore(next, &record, &error));
		for (size_t i = cut; i < LINES; i++) {
			line_give(one, &lines[i]);
			line_give(next, &lines[i]);
		}
		expect_same_learners(next, one);
		learner_close(one);
		learner_close(next);
	}
}

/* It begins anew where the exposures of former days are not read again: their outcomes teach as much. */
static void an_outcome_is_a_play_too_where_its_exposure_was_not_told(void **state)
{
	(void)state;
	struct story_line *lines = ARENA_ARRAY(arena, struct story_line, LINES);
	struct random random = {.state = 5};
	struct learner *whole = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0);
	struct learner *anew = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0);
	const int64_t from_ms = NOW_MS + 100 * LINES / 2;
	story_make(lines, &random);
	int64_t open = 0; /* exposures of before of which nothing is known yet */
	for (size_t i = 0; i < LINES; i++) {
		line_give(whole, &lines[i]);
		if (lines[i].kind != EXPOSED || lines[i].time_ms >= from_ms)
			line_give(anew, &lines[i]);
		if (lines[i].time_ms < from_ms)
			open += lines[i].kind == EXPOSED ? 1 : -1;
	}
	struct policy_record record, of_whole;
	const struct bandit *got = recorded(anew, &record), *wanted = recorded(whole, &of_whole);
	assert_int_equal(record.rewards, of_whole.rewards);
	int64_t pending = open;
	for (size_t arm = 0; arm < 2; arm++) {
		assert_true(bandit_mean(got, arm) == bandit_mean(wanted, arm));
		pending += (int64_t)(bandit_arm(got, arm)->pending - bandit_arm(wanted, arm)->pending);
	}
	assert_int_equal(pending, 0);
	learner_close(whole);
	learner_close(anew);
}

static void a_record_of_other_candidates_is_learnt_anew_with_a_later_version(void **state)
{
	(void)state;
	static const struct text others[] = {{"old", 3}, {"newer", 5}};
	struct policy_record record;
	struct error error = {0};
	struct learner *learner = greedy(), *again = greedy(), *other = learner_of(bandit_defaults(BANDIT_UCB1, 2, 0), NULL, 0);
	expose(learner, 0, NOW_MS);
	reward(learner, 0, 1, NOW_MS);
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	record = kept(&record);
	record.version = 41;
	assert_false(learner_restore(other, &record, &error)); /* another algorithm */
	assert_int_equal(error.kind, ERROR_INPUT);
	record.arms = others;
	assert_false(learner_restore(again, &record, &error));
	expose(again, 1, NOW_MS);
	reward(again, 1, 1, NOW_MS);
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
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	struct random random = {.state = 9};
	struct policy_record record;
	struct error error = {0};
	double p[2];
	for (size_t i = 0; i < 2000; i++) {
		const double price = 1e6 + 1e4 * normal_draw(&random);
		struct exposure_feature feature = {TEXT("price"), price};
		struct exposure exposure = exposure_of(i % 2, NOW_MS);
		exposure.feature_count = i != 7;
		exposure.features = &feature;
		learner_expose(learner, &exposure);
		/* The second is better above the mean, the first below. */
		earn(learner, &exposure, (price > 1e6) == (i % 2 == 1) ? 1 : 0);
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
	struct learner *other = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	const struct policy_feature before = record.features[0];
	const struct exposure_feature mean = {TEXT("price"), before.mean};
	struct exposure next = exposure_of(0, NOW_MS + 1);
	next.feature_count = 1;
	next.features = &mean;
	assert_true(learner_restore(other, &record, &error));
	learner_expose(other, &next);
	earn(other, &next, 1);
	assert_true(learner_record(other, NOW_MS, &record, &error));
	assert_true(before.count == 1999 && record.features[0].count == 2000); /* they go on, too */
	assert_true(record.features[0].center == center && record.features[0].mean == before.mean);
	learner_close(other);
	learner_close(learner);
}

/* The second candidate is better for odd regions, of which there are `regions`. */
static void region_learn(struct learner *learner, size_t from, size_t to, size_t regions)
{
	char region[32];
	for (size_t i = from; i < to; i++) {
		const size_t of = i / 2 % regions;
		(void)snprintf(region, sizeof region, "region-%zu", of);
		const struct exposure_text text = {TEXT("region"), text_of(region)};
		struct exposure exposure = exposure_of(i % 2, NOW_MS);
		exposure.text_count = 1;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
		earn(learner, &exposure, of % 2 == i % 2 ? 1 : 0);
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
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
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
	struct learner *learner = learner_of(bandit_defaults(BANDIT_EPSILON_GREEDY, 2, 2), features, 1);
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
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	struct learner *other = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
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
	other = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	struct policy_feature fewer = record.features[0];
	fewer.class_count--;
	record = kept(&record);
	record.features = &fewer;
	assert_false(learner_restore(other, &record, &error));
	for (size_t i = 0; i < 200; i++) {
			const struct exposure_feature number = {TEXT("region"), (double)i};
		struct exposure exposure = exposure_of(i % 2, NOW_MS);
		exposure.feature_count = 1;
		exposure.features = &number;
		learner_expose(other, &exposure);
		earn(other, &exposure, 1);
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
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	struct policy_record record;
	struct error error = {0};
	(void)state;
	for (size_t i = 0; i < 400; i++) {
		const struct exposure_feature number = {TEXT("price"), (double)(i % 7)};
		const struct exposure_text text = {TEXT("price"), TEXT("unknown")};
		struct exposure exposure = exposure_of(i % 2, NOW_MS);
		exposure.feature_count = i % 5 < 3;
		exposure.features = &number;
		exposure.text_count = !exposure.feature_count;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
		earn(learner, &exposure, 1);
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
	char region[32];
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
					      .context = form};
	struct learner *learner = learner_open(&config, &error);
	assert_non_null(learner);
	for (size_t i = 0; i < 200; i++) {
		(void)snprintf(region, sizeof region, "region-%zu", i % 20);
		const struct exposure_text text = {TEXT("region"), text_of(region)};
		struct exposure exposure = exposure_of(0, NOW_MS);
		exposure.variant = many[i % BANDIT_ARMS_MOST];
		exposure.text_count = 1;
		exposure.texts = &text;
		learner_expose(learner, &exposure);
		earn(learner, &exposure, 1);
	}
	assert_true(learner_record(learner, NOW_MS, &record, &error));
	assert_int_equal(record.features[5].class_count, 44 - 32);
	assert_true(record.policy.length + record.learner.length < POLICY_RECORD_BYTES_MAX);
	learner_close(learner);
}

/* The scale is not known before: plays and what became of them wait, and are learnt in their order. */
static void what_comes_before_the_scale_is_learnt_with_it(void **state)
{
	static const struct text features[] = {{"price", 5}};
	struct policy_record record;
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	for (size_t i = 0; i < 300; i++) {
		const struct exposure_feature price = {TEXT("price"), (double)(i % 5)};
		struct exposure exposure = exposure_of(i % 2, NOW_MS);
		exposure.feature_count = 1;
		exposure.features = &price;
		learner_expose(learner, &exposure);
		if (i % 3 == 0)
			earn(learner, &exposure, 1);
		else if (i % 3 == 1)
			became(learner, OUTCOME_ENDED, &exposure, TEXT(""), 0);
	}
	const struct bandit *bandit = recorded(learner, &record);
	assert_int_equal(record.rewards, 100);
	for (size_t arm = 0; arm < 2; arm++) {
		assert_int_equal(bandit_arm(bandit, arm)->pending, 50);
		assert_int_equal(bandit_arm(bandit, arm)->moments.count, 50);
	}
	learner_close(learner);
}

/* Rewards are not kept without end. */
static void the_scale_is_that_of_the_exposures_so_far_where_too_many_rewards_wait(void **state)
{
	static const struct text features[] = {{"price", 5}};
	struct policy_record record;
	(void)state;
	struct learner *learner = learner_of(bandit_defaults(BANDIT_LINUCB, 2, 2), features, 1);
	const struct exposure_feature price[] = {{TEXT("price"), 2}, {TEXT("price"), 4}};
	struct exposure exposure = exposure_of(0, NOW_MS);
	exposure.feature_count = 1;
	for (size_t i = 0; i <= LEARNER_EARLY_REWARDS; i++) {
		exposure.features = &price[i % 2];
		if (i < LEARNER_SAMPLES / 2)
			learner_expose(learner, &exposure);
		earn(learner, &exposure, 1);
		if (i == LEARNER_EARLY_REWARDS - 2)
			assert_int_equal(learner_counts(learner).rewards, 0);
	}
	(void)recorded(learner, &record);
	assert_int_equal(record.rewards, LEARNER_EARLY_REWARDS + 1);
	assert_true(record.features[0].center == 3);
	learner_close(learner);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reward_is_learnt_for_its_candidate),
		TEST(the_reward_metric_alone_is_a_reward_where_there_is_one),
		TEST(a_reward_that_the_algorithm_does_not_take_teaches_nothing),
		TEST(only_drawn_candidates_are_learnt_from),
		TEST(gaussian_thompson_learns_from_rewards_of_any_size),
		TEST(plays_wait_for_their_reward_until_they_end),
		TEST(a_learner_that_goes_on_from_its_record_counts_what_one_would_have),
		TEST(an_outcome_is_a_play_too_where_its_exposure_was_not_told),
		TEST(a_record_of_other_candidates_is_learnt_anew_with_a_later_version),
		TEST(features_are_standardised_once_and_a_context_decides),
		TEST(a_text_is_learnt_by_its_classes),
		TEST(classes_are_the_commonest_texts),
		TEST(a_learner_that_goes_on_has_the_classes_of_its_record),
		TEST(the_more_frequent_form_of_a_feature_counts),
		TEST(classes_are_fewer_where_the_record_would_not_fit),
		TEST(what_comes_before_the_scale_is_learnt_with_it),
		TEST(the_scale_is_that_of_the_exposures_so_far_where_too_many_rewards_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
