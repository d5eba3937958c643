/* outcome_join_test.c: feedback is joined to open exposures once, within the window and the memory given, and the same records
 * give the same outcomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/number/random.h"
#include "experiments/outcomes/outcome_join.h"

#define WINDOW_MS 60000
#define NOW_MS INT64_C(1800000000000)
#define OUTCOMES_MAX 8

static const struct text metrics[] = {{"profit", 6}, {"cost", 4}};

struct joined {
	size_t count;
	struct joined_outcome items[OUTCOMES_MAX];
	uint64_t digest; /* of all of them in their order */
	double sum;
};

static void on_joined(void *context, const struct joined_outcome *outcome)
{
	struct joined *joined = context;
	const uint64_t parts[] = {outcome->arm, outcome->unit, (uint64_t)outcome->exposed_ms, outcome->metric};
	if (joined->count < OUTCOMES_MAX)
		joined->items[joined->count] = *outcome;
	joined->count++;
	joined->sum += outcome->value;
	joined->digest = hash_bytes(&outcome->value, sizeof outcome->value, hash_bytes(parts, sizeof parts, joined->digest));
}

static struct outcome_join *join_open(size_t exposures, size_t metric_count)
{
	struct error error = {0};
	const struct outcome_join_config config = {.memory_bytes = exposures * (OUTCOME_ENTRY_BYTES + sizeof(uint32_t)),
						   .window_ms = WINDOW_MS,
						   .seed = 7,
						   .metric_count = metric_count,
						   .metrics = metrics};
	struct outcome_join *join = outcome_join_open(&config, &error);
	if (!join)
		fail_msg("%s", error.text);
	assert_int_equal(outcome_join_capacity(join), exposures);
	return join;
}

static struct outcome_exposure exposure_of(const char *id, int64_t offset, int64_t time_ms)
{
	return (struct outcome_exposure){.id = text_of(id),
					 .origin = {TEXT("in"), 0, offset},
					 .experiment = TEXT("e"),
					 .unit = TEXT("u"),
					 .arm = 1,
					 .time_ms = time_ms};
}

static enum exposure_fate expose(struct outcome_join *join, const char *id, int64_t offset, int64_t time_ms)
{
	const struct outcome_exposure exposure = exposure_of(id, offset, time_ms);
	return outcome_join_expose(join, &exposure);
}

static size_t reward(struct outcome_join *join, const char *id, double value, int64_t time_ms)
{
	struct joined joined = {0};
	const struct feedback feedback = {.id = text_of(id), .has_reward = true, .reward = value, .time_ms = time_ms};
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	return joined.count;
}

/* A truth is a metric like others: joined once, in time, of the experiment and the request that it names. */
static void a_truth_is_joined_as_whether_it_was_said(void **state)
{
	struct error error = {0};
	struct joined joined = {0};
	const size_t each = OUTCOME_ENTRY_BYTES + 2 * sizeof(uint32_t);
	struct outcome_join_config config = {
		.memory_bytes = 2 * each, .window_ms = WINDOW_MS, .seed = 7, .metric_count = 2, .metrics = metrics, .judges = true};
	(void)state;
	assert_int_equal(each, 40); /* what is promised of an open exposure */
	struct outcome_join *join = outcome_join_open(&config, &error);
	assert_non_null(join);
	assert_int_equal(outcome_join_capacity(join), 2);
	struct outcome_exposure exposure = exposure_of("a", 1, NOW_MS);
	exposure.prediction = TEXT("1");
	assert_int_equal(outcome_join_expose(join, &exposure), EXPOSURE_OPENED);
	assert_int_equal(expose(join, "b", 2, NOW_MS), EXPOSURE_OPENED);
	struct feedback feedback = {.id = TEXT("a"), .time_ms = NOW_MS + 1};
	assert_true(outcome_join_judge(join, &feedback, TEXT("1"), 1, on_joined, &joined));
	assert_true(outcome_join_judge(join, &feedback, TEXT("0"), 1, on_joined, &joined));
	assert_true(outcome_join_judge(join, &feedback, TEXT("0"), OUTCOME_REWARD, on_joined, &joined));
	assert_int_equal(joined.count, 2);
	assert_int_equal(joined.items[0].metric, 1);
	assert_true(joined.items[0].value == 1);
	assert_true(joined.items[1].metric == OUTCOME_REWARD && joined.items[1].value == 0);
	assert_int_equal(outcome_join_counts(join).again, 1);
	feedback.id = TEXT("b"); /* its answer said nothing */
	assert_false(outcome_join_judge(join, &feedback, TEXT("1"), 0, on_joined, &joined));
	feedback.id = TEXT("nobody");
	assert_true(outcome_join_judge(join, &feedback, TEXT("1"), 0, on_joined, &joined));
	feedback.id = TEXT("a");
	feedback.time_ms = NOW_MS + WINDOW_MS + 2000;
	assert_true(outcome_join_judge(join, &feedback, TEXT("1"), 0, on_joined, &joined));
	assert_int_equal(joined.count, 2);
	assert_int_equal(outcome_join_counts(join).late, 1);
	/* The place of an exposure that is gone keeps nothing of it. */
	assert_int_equal(expose(join, "c", 3, NOW_MS), EXPOSURE_OPENED);
	feedback = (struct feedback){.id = TEXT("c"), .time_ms = NOW_MS};
	assert_false(outcome_join_judge(join, &feedback, TEXT("1"), 0, on_joined, &joined));
	outcome_join_close(join);
	config.memory_bytes = each - 1;
	assert_null(outcome_join_open(&config, &error));
}

/* What feedback leaves to be known: of its request, in time, and only as long as nothing was joined. */
static void an_open_exposure_lacks_an_outcome_until_it_has_it(void **state)
{
	struct outcome_join *join = join_open(4, 2);
	struct open_request found = {0};
	struct feedback feedback = {.id = TEXT("r"), .experiment = TEXT("e"), .time_ms = NOW_MS + 5};
	(void)state;
	assert_false(outcome_join_lacks(join, &feedback, 0, &found));
	assert_int_equal(expose(join, "r", 1, NOW_MS), EXPOSURE_OPENED);
	assert_true(outcome_join_lacks(join, &feedback, 0, &found));
	assert_true(found.arm == 1 && found.exposed_ms == NOW_MS);
	assert_true(outcome_join_lacks(join, &feedback, OUTCOME_REWARD, &found));
	assert_int_equal(reward(join, "r", 1, NOW_MS + 5), 1);
	assert_false(outcome_join_lacks(join, &feedback, OUTCOME_REWARD, &found));
	assert_true(outcome_join_lacks(join, &feedback, 1, &found));
	feedback.experiment = TEXT("another");
	assert_false(outcome_join_lacks(join, &feedback, 1, &found));
	feedback = (struct feedback){.id = TEXT("r"), .time_ms = NOW_MS + WINDOW_MS + 2000};
	assert_false(outcome_join_lacks(join, &feedback, 1, &found));
	feedback = (struct feedback){.unit = TEXT("u"), .time_ms = NOW_MS + 5};
	assert_false(outcome_join_lacks(join, &feedback, 1, &found));
	const struct outcome_join_counts counts = outcome_join_counts(join);
	assert_true(counts.unknown == 0 && counts.late == 0 && counts.by_unit == 0 && counts.joined == 1);
	outcome_join_close(join);
}

static void each_outcome_of_a_request_is_joined_once(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(4, 2);
	struct joined joined = {0};
	const struct feedback_metric named[] = {{TEXT("cost"), 2}, {TEXT("other"), 3}};
	struct feedback feedback = {
		.id = TEXT("r"), .has_reward = true, .reward = 0.5, .metrics = named, .metric_count = 2, .time_ms = NOW_MS + 5};
	assert_int_equal(expose(join, "r", 1, NOW_MS), EXPOSURE_OPENED);
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_int_equal(joined.count, 2);
	assert_true(joined.items[0].metric == OUTCOME_REWARD && joined.items[0].value == 0.5);
	assert_true(joined.items[1].metric == 1 && joined.items[1].value == 2);
	assert_int_equal(joined.items[0].arm, 1);
	assert_int_equal(joined.items[0].exposed_ms, NOW_MS);
	assert_int_equal(joined.items[0].unit, hash_bytes("u", 1, 7));
	feedback.reward = 9;
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_int_equal(joined.count, 2);
	const struct feedback_metric late_metric = {TEXT("profit"), 4};
	feedback = (struct feedback){.id = TEXT("r"), .metrics = &late_metric, .metric_count = 1, .time_ms = NOW_MS + 9};
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_true(joined.count == 3 && joined.items[2].metric == 0);
	assert_int_equal(outcome_join_counts(join).joined, 3);
	assert_int_equal(outcome_join_counts(join).again, 2);
	outcome_join_close(join);
}

static void an_exposure_that_is_delivered_again_counts_once(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(4, 0);
	assert_int_equal(expose(join, "r", 1, NOW_MS), EXPOSURE_OPENED);
	assert_int_equal(reward(join, "r", 1, NOW_MS), 1);
	assert_int_equal(expose(join, "r", 1, NOW_MS), EXPOSURE_REPEATED);
	assert_int_equal(reward(join, "r", 1, NOW_MS), 0);
	assert_int_equal(expose(join, "r", 2, NOW_MS), EXPOSURE_DOUBLED);
	assert_int_equal(outcome_join_open_count(join), 1);
	assert_int_equal(outcome_join_counts(join).repeated, 1);
	assert_int_equal(outcome_join_counts(join).doubled, 1);
	outcome_join_close(join);
}

static void feedback_is_for_all_experiments_of_its_request_or_the_named_one(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(4, 0);
	struct outcome_exposure second = exposure_of("r", 1, NOW_MS);
	struct joined joined = {0};
	struct feedback feedback = {.id = TEXT("r"), .experiment = TEXT("f"), .has_reward = true, .reward = 1, .time_ms = NOW_MS};
	second.experiment = TEXT("f");
	second.arm = 2;
	assert_int_equal(expose(join, "r", 1, NOW_MS), EXPOSURE_OPENED);
	assert_int_equal(outcome_join_expose(join, &second), EXPOSURE_OPENED);
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_true(joined.count == 1 && joined.items[0].arm == 2);
	feedback.experiment = TEXT("g");
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_int_equal(outcome_join_counts(join).unknown, 1);
	feedback.experiment.length = 0;
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_true(joined.count == 2 && joined.items[1].arm == 1);
	outcome_join_close(join);
}

static void the_origin_finds_a_request_without_an_id(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(4, 0);
	struct joined joined = {0};
	struct feedback feedback = {.origin = {TEXT("in"), 0, 5}, .has_reward = true, .reward = 1, .time_ms = NOW_MS};
	assert_int_equal(expose(join, "in-0-5", 5, NOW_MS), EXPOSURE_OPENED);
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_int_equal(joined.count, 1);
	/* With both, an origin of another request is not this one. */
	assert_int_equal(expose(join, "r", 6, NOW_MS), EXPOSURE_OPENED);
	feedback.id = TEXT("r");
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_int_equal(outcome_join_counts(join).unknown, 1);
	feedback.origin.offset = 6;
	outcome_join_feedback(join, &feedback, on_joined, &joined);
	assert_int_equal(joined.count, 2);
	outcome_join_close(join);
}

static void late_and_unknown_feedback_is_counted(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(4, 0);
	struct joined joined = {0};
	const struct feedback by_unit = {.unit = TEXT("u"), .has_reward = true, .reward = 1, .time_ms = NOW_MS};
	assert_int_equal(expose(join, "a", 1, NOW_MS), EXPOSURE_OPENED);
	assert_int_equal(reward(join, "a", 1, NOW_MS + WINDOW_MS + 1001), 0);
	assert_int_equal(reward(join, "b", 1, NOW_MS), 0);
	outcome_join_feedback(join, &by_unit, on_joined, &joined);
	assert_int_equal(joined.count, 0);
	assert_int_equal(reward(join, "a", 1, NOW_MS + WINDOW_MS), 1);
	assert_int_equal(outcome_join_counts(join).late, 1);
	assert_int_equal(outcome_join_counts(join).unknown, 1);
	assert_int_equal(outcome_join_counts(join).by_unit, 1);
	outcome_join_close(join);
}

static void an_exposure_is_open_for_the_window(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(4, 0);
	assert_int_equal(expose(join, "a", 1, NOW_MS), EXPOSURE_OPENED);
	assert_int_equal(expose(join, "b", 2, NOW_MS + WINDOW_MS), EXPOSURE_OPENED);
	assert_int_equal(outcome_join_open_count(join), 2);
	assert_int_equal(expose(join, "c", 3, NOW_MS + WINDOW_MS + 1000), EXPOSURE_OPENED);
	assert_int_equal(outcome_join_open_count(join), 2);
	assert_int_equal(outcome_join_counts(join).expired, 1);
	assert_int_equal(reward(join, "a", 1, NOW_MS), 0);
	assert_int_equal(expose(join, "d", 4, NOW_MS + 1000), EXPOSURE_LATE);
	assert_int_equal(outcome_join_counts(join).late_exposures, 1);
	outcome_join_close(join);
}

/* Whoever has read all lets time pass. What is over does not come again, and a backlog of newer requests is taken. */
static void windows_end_by_the_clock_where_nothing_comes(void **state)
{
	struct outcome_join *join = join_open(4, 0);
	(void)state;
	expose(join, "a", 1, NOW_MS);
	expose(join, "b", 2, NOW_MS + 5000);
	outcome_join_pass(join, NOW_MS + WINDOW_MS + 999);
	assert_int_equal(outcome_join_open_count(join), 2);
	outcome_join_pass(join, NOW_MS + WINDOW_MS + 1000);
	assert_int_equal(outcome_join_open_count(join), 1);
	outcome_join_pass(join, NOW_MS); /* the clock was set back */
	assert_int_equal(expose(join, "a", 1, NOW_MS), EXPOSURE_LATE);
	assert_int_equal(reward(join, "a", 1, NOW_MS + 10), 0);
	outcome_join_pass(join, NOW_MS + 10 * WINDOW_MS);
	assert_int_equal(expose(join, "c", 3, NOW_MS + 7000), EXPOSURE_OPENED);
	assert_int_equal(reward(join, "c", 1, NOW_MS + 7010), 1);
	assert_int_equal(outcome_join_counts(join).expired, 2);
	outcome_join_close(join);
}

static void without_space_the_oldest_exposure_is_dropped(void **state)
{
	(void)state;
	struct outcome_join *join = join_open(3, 0);
	char id[8];
	for (int i = 0; i < 5; i++) {
		(void)snprintf(id, sizeof id, "r-%d", i);
		assert_int_equal(expose(join, id, i, NOW_MS), EXPOSURE_OPENED);
	}
	assert_int_equal(outcome_join_open_count(join), 3);
	assert_int_equal(outcome_join_counts(join).dropped, 2);
	assert_int_equal(reward(join, "r-1", 1, NOW_MS), 0);
	for (int i = 2; i < 5; i++) {
		(void)snprintf(id, sizeof id, "r-%d", i);
		assert_int_equal(reward(join, id, 1, NOW_MS), 1);
	}
	outcome_join_close(join);
}

static void limits_are_refused(void **state)
{
	(void)state;
	struct error error = {0};
	const struct text eight[OUTCOME_METRICS_MAX + 1] = {{"m", 1}};
	struct outcome_join_config config = {
		.memory_bytes = 1 << 10, .window_ms = WINDOW_MS, .metric_count = OUTCOME_METRICS_MAX + 1, .metrics = eight};
	assert_null(outcome_join_open(&config, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	config.metric_count--;
	struct outcome_join *join = outcome_join_open(&config, &error);
	assert_non_null(join);
	assert_true(outcome_join_capacity(join) >= config.memory_bytes / 40); /* what an exposure may cost */
	struct outcome_exposure exposure = exposure_of("r", 1, NOW_MS);
	exposure.arm = OUTCOME_ARMS_MAX;
	assert_int_equal(outcome_join_expose(join, &exposure), EXPOSURE_REFUSED);
	exposure.arm--;
	assert_int_equal(outcome_join_expose(join, &exposure), EXPOSURE_OPENED);
	outcome_join_close(join);
	config.memory_bytes = OUTCOME_ENTRY_BYTES;
	error.kind = ERROR_NONE;
	assert_null(outcome_join_open(&config, &error));
}

/* ---- against a plain model ---- */

#define IDS 64
#define RECORDS 20000
#define SPACE 24

struct plain { /* of one id */
	bool open, rewarded;
	int64_t time_ms, offset;
	uint64_t order;
};

/* Removes what is over or has no space, as the join does, by looking at all. */
static size_t plain_open_count(struct plain *plain, int64_t now_ms, bool one_more)
{
	for (;;) {
		size_t count = 0, oldest = 0;
		for (size_t i = 0; i < IDS; i++)
			if (plain[i].open && (count++ == 0 || plain[i].order < plain[oldest].order))
				oldest = i;
		bool over = count > 0 && plain[oldest].time_ms / 1000 * 1000 + 1000 + WINDOW_MS <= now_ms;
		if (!over && !(one_more && count == SPACE))
			return count;
		plain[oldest].open = false;
	}
}

/* Random records in the order of their times, the join's own answers compared with those of the model. Returns the digest. */
static struct joined random_run(uint64_t seed)
{
	struct random random = {seed};
	struct outcome_join *join = join_open(SPACE, 0);
	struct plain plain[IDS] = {0};
	struct joined joined = {0};
	int64_t now_ms = NOW_MS;
	char id[8];
	for (uint64_t i = 0; i < RECORDS; i++) {
		struct plain *one = &plain[random_below(&random, IDS)];
		(void)snprintf(id, sizeof id, "%d", (int)(one - plain));
		if (random_in_thousand(&random, 500)) {
			now_ms += random_between(&random, 0, i / 2000 % 2 ? 12000 : 1000); /* seldom and dense */
			int64_t offset = random_in_thousand(&random, 300) ? one->offset : (int64_t)i + 1;
			(void)plain_open_count(plain, now_ms, false);
			enum exposure_fate wanted = !one->open		     ? EXPOSURE_OPENED
						    : one->offset == offset ? EXPOSURE_REPEATED
									     : EXPOSURE_DOUBLED;
			assert_int_equal(expose(join, id, offset, now_ms), wanted);
			if (wanted == EXPOSURE_OPENED) {
				(void)plain_open_count(plain, now_ms, true);
				*one = (struct plain){.open = true, .time_ms = now_ms, .offset = offset, .order = i};
			}
			assert_int_equal(outcome_join_open_count(join), plain_open_count(plain, now_ms, false));
		} else {
			const struct feedback feedback = {
				.id = text_of(id), .has_reward = true, .reward = (double)i, .time_ms = now_ms};
			size_t before = joined.count;
			outcome_join_feedback(join, &feedback, on_joined, &joined);
			assert_int_equal(joined.count - before, one->open && !one->rewarded);
			one->rewarded |= one->open;
		}
	}
	assert_true(outcome_join_counts(join).dropped > 100 && outcome_join_counts(join).expired > 100);
	assert_true(outcome_join_counts(join).again > 100 && outcome_join_counts(join).unknown > 100);
	outcome_join_close(join);
	return joined;
}

static void random_records_are_joined_as_by_a_plain_model_and_always_alike(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		const struct joined first = random_run(seed), second = random_run(seed);
		assert_true(first.count > 1000);
		assert_int_equal(first.digest, second.digest);
		assert_true(first.sum == second.sum);
	}
	assert_int_not_equal(random_run(1).digest, random_run(2).digest);
}

/* Records again from the last window on, as after a restart: what is open then has the same outcomes still to come. */
static void a_join_is_restored_by_the_records_of_the_last_window(void **state)
{
	(void)state;
	struct outcome_join *whole = join_open(256, 0), *restored = join_open(256, 0);
	char id[16];
	for (int i = 0; i < 1000; i++) {
		const int64_t time_ms = NOW_MS + i * INT64_C(1000);
		(void)snprintf(id, sizeof id, "r-%d", i);
		for (size_t which = 0; which < 2; which++) {
			struct outcome_join *join = which == 0 ? whole : restored;
			if (which == 1 && i < 1000 - WINDOW_MS / 1000 - 2)
				continue;
			assert_int_equal(expose(join, id, i, time_ms), EXPOSURE_OPENED);
			if (i % 3 == 0)
				assert_int_equal(reward(join, id, 1, time_ms), 1);
		}
	}
	assert_int_equal(outcome_join_open_count(whole), outcome_join_open_count(restored));
	for (int i = 0; i < 1000; i++) {
		(void)snprintf(id, sizeof id, "r-%d", i);
		assert_int_equal(reward(whole, id, 1, NOW_MS + 1000000), reward(restored, id, 1, NOW_MS + 1000000));
	}
	outcome_join_close(whole);
	outcome_join_close(restored);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_truth_is_joined_as_whether_it_was_said),
		cmocka_unit_test(an_open_exposure_lacks_an_outcome_until_it_has_it),
		cmocka_unit_test(each_outcome_of_a_request_is_joined_once),
		cmocka_unit_test(an_exposure_that_is_delivered_again_counts_once),
		cmocka_unit_test(feedback_is_for_all_experiments_of_its_request_or_the_named_one),
		cmocka_unit_test(the_origin_finds_a_request_without_an_id),
		cmocka_unit_test(late_and_unknown_feedback_is_counted),
		cmocka_unit_test(an_exposure_is_open_for_the_window),
		cmocka_unit_test(windows_end_by_the_clock_where_nothing_comes),
		cmocka_unit_test(without_space_the_oldest_exposure_is_dropped),
		cmocka_unit_test(limits_are_refused),
		cmocka_unit_test(random_records_are_joined_as_by_a_plain_model_and_always_alike),
		cmocka_unit_test(a_join_is_restored_by_the_records_of_the_last_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
