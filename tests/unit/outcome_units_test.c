/* outcome_units_test.c: Tests of feedback that names a unit alone, in a join by units: it is for the unit's last exposure before
 * it. */
#include "experiments/outcomes/outcome_join.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"

#define NOW_MS INT64_C(1700000000000)
#define WINDOW_MS 60000

struct joined {
	size_t count, slot;
	double sum;
	int64_t exposed_ms;
};

static void on_joined(void *context, const struct joined_outcome *outcome)
{
	struct joined *joined = context;
	joined->count++;
	joined->sum += outcome->value;
	joined->slot = outcome->slot;
	joined->exposed_ms = outcome->exposed_ms;
}

static struct outcome_join *join_open(size_t exposures, bool judges)
{
	struct error error = {0};
	struct outcome_join *join = outcome_join_open(&(struct outcome_join_config){.memory_bytes = exposures * OUTCOME_BYTES_MOST,
										    .window_ms = WINDOW_MS,
										    .seed = 7,
										    .judges = judges,
										    .by_unit = true},
						      &error);
	if (!join)
		fail_msg("%s", error.text);
	assert_int_equal(outcome_join_capacity(join), exposures); /* what an exposure may cost */
	return join;
}

static void expose(struct outcome_join *join, int number, int unit, int64_t time_ms)
{
	char id[16], name[16];
	(void)snprintf(id, sizeof id, "r%d", number);
	(void)snprintf(name, sizeof name, "u%d", unit);
	const struct outcome_exposure exposure = {.id = text_of(id),
						  .origin = {TEXT("in"), 0, number},
						  .experiment = TEXT("e"),
						  .unit = unit < 0 ? (struct text){0} : text_of(name),
						  .prediction = unit % 2 ? TEXT("yes") : TEXT("no"),
						  .arm = 1,
						  .time_ms = time_ms};
	assert_int_equal(outcome_join_expose(join, &exposure), EXPOSURE_OPENED);
}

static size_t reward(struct outcome_join *join, int unit, const char *feedback_id, int64_t time_ms, struct joined *joined)
{
	char name[16];
	(void)snprintf(name, sizeof name, "u%d", unit);
	const size_t before = joined->count;
	const struct feedback feedback = {
		.unit = text_of(name), .feedback_id = text_of(feedback_id), .time_ms = time_ms, .has_reward = true, .reward = 1};
	outcome_join_feedback(join, &feedback, on_joined, joined);
	return joined->count - before;
}

static void a_unit_is_rewarded_for_its_last_exposure_before(void **state)
{
	struct outcome_join *join = join_open(8, false);
	struct joined joined = {0};
	(void)state;
	expose(join, 1, 1, NOW_MS);
	expose(join, 2, 2, NOW_MS + 1000);
	expose(join, 3, 1, NOW_MS + 5000);
	expose(join, 4, -1, NOW_MS + 6000);
	assert_int_equal(reward(join, 1, "", NOW_MS + 4000, &joined), 1); /* before the second one */
	assert_true(joined.exposed_ms == NOW_MS);
	assert_int_equal(reward(join, 1, "", NOW_MS + 7000, &joined), 1);
	assert_true(joined.exposed_ms == NOW_MS + 5000);
	assert_int_equal(reward(join, 1, "", NOW_MS + 8000, &joined), 0); /* it has its reward */
	assert_int_equal(reward(join, 3, "", NOW_MS + 8000, &joined), 0);
	assert_int_equal(reward(join, 2, "", NOW_MS - 59000, &joined), 1); /* by a clock that is behind */
	assert_int_equal(reward(join, 2, "", NOW_MS + 1000 + WINDOW_MS + 1001, &joined), 0);
	const struct outcome_join_counts counts = outcome_join_counts(join);
	assert_true(counts.joined == 3 && counts.again == 1 && counts.unknown == 1 && counts.late == 1 && counts.by_unit == 6);
	outcome_join_close(join);
}

/* Sent again, it has a later time, and the unit another exposure. */
static void the_same_feedback_counts_once(void **state)
{
	struct outcome_join *join = join_open(8, false);
	struct joined joined = {0};
	(void)state;
	expose(join, 1, 1, NOW_MS);
	expose(join, 2, 2, NOW_MS);
	assert_int_equal(reward(join, 1, "f", NOW_MS + 1000, &joined), 1);
	expose(join, 3, 1, NOW_MS + 2000);
	assert_int_equal(reward(join, 1, "f", NOW_MS + 3000, &joined), 0);
	assert_int_equal(reward(join, 2, "f", NOW_MS + 3000, &joined), 1); /* of another unit */
	assert_int_equal(reward(join, 1, "g", NOW_MS + 3000, &joined), 1);
	assert_int_equal(outcome_join_counts(join).again, 1);
	outcome_join_close(join);
}

static void the_truth_of_a_unit_is_judged_by_its_last_answer(void **state)
{
	struct outcome_join *join = join_open(8, true);
	struct joined joined = {0};
	const struct feedback feedback = {.unit = TEXT("u1"), .time_ms = NOW_MS + 1000};
	(void)state;
	expose(join, 1, 1, NOW_MS);
	assert_true(outcome_join_judge(join, &feedback, TEXT("yes"), OUTCOME_REWARD, on_joined, &joined));
	assert_true(joined.count == 1 && joined.sum == 1);
	outcome_join_close(join);
}

/* What is further back than the limit is dropped; a known id is found before the unit's exposures are looked through. */
static void feedback_far_behind_a_busy_unit_is_dropped(void **state)
{
	struct outcome_join *join = join_open(2 * OUTCOME_WALK_MOST, false);
	struct joined joined = {0};
	(void)state;
	expose(join, 0, 1, NOW_MS);
	assert_int_equal(reward(join, 1, "f", NOW_MS + 500, &joined), 1);
	for (int i = 1; i < OUTCOME_WALK_MOST; i++)
		expose(join, i, 1, NOW_MS + 5000);
	assert_int_equal(reward(join, 1, "g", NOW_MS + 1000, &joined), 0);
	assert_int_equal(outcome_join_counts(join).again, 1); /* found: it has its reward */
	expose(join, OUTCOME_WALK_MOST, 1, NOW_MS + 5000);
	assert_int_equal(reward(join, 1, "h", NOW_MS + 1000, &joined), 0);
	assert_int_equal(outcome_join_counts(join).feedback_dropped, 1);
	assert_int_equal(reward(join, 1, "f", NOW_MS + 1000, &joined), 0);
	const struct outcome_join_counts counts = outcome_join_counts(join);
	assert_true(counts.again == 2 && counts.feedback_dropped == 1 && counts.unknown == 0 && counts.late == 0);
	outcome_join_close(join);
}

static void feedback_beyond_the_ids_that_are_kept_is_dropped(void **state)
{
	struct outcome_join *join = join_open(8, false);
	struct joined joined = {0};
	char id[16];
	(void)state;
	expose(join, 0, 1, NOW_MS);
	for (size_t i = 0; i <= RECENT_IDS_MAX; i++) {
		(void)snprintf(id, sizeof id, "f%zu", i);
		(void)reward(join, 1, id, NOW_MS + 1000, &joined);
	}
	const struct outcome_join_counts counts = outcome_join_counts(join);
	assert_true(counts.joined == 1 && counts.again == RECENT_IDS_MAX - 1);
	assert_true(counts.feedback_dropped == 1 && counts.unknown == 0);
	outcome_join_close(join);
}

/* With both indexes, and with what a truth is judged by. */
static void an_open_exposure_takes_at_most_40_bytes(void **state)
{
	const size_t exposures = (size_t)1 << 18, others = (size_t)256 << 10;
	(void)state;
	for (int judges = 0; judges < 2; judges++) {
		const struct mallinfo2 before = mallinfo2();
		struct outcome_join *join = join_open(exposures, judges);
		const struct mallinfo2 after = mallinfo2();
		const size_t taken = after.uordblks + after.hblkhd - before.uordblks - before.hblkhd;
		assert_true(taken <= OUTCOME_BYTES_MOST * exposures + others); /* a sanitizer's memory is not counted */
		outcome_join_close(join);
	}
}

/* ---- beside a list of all exposures ---- */

#define STEPS 20000
#define PLACES 64
#define UNITS 23

struct listed {
	int unit;
	int64_t time_ms;
	bool rewarded;
};

/* The index of the exposure that is meant; -1: none. The last PLACES of the list may be open. */
static int listed_find(const struct listed *list, int count, int unit, int64_t time_ms, int64_t now_ms)
{
	int after = -1;
	for (int i = count - 1; i >= 0 && i >= count - PLACES; i--) {
		const int64_t exposed_ms = list[i].time_ms / 1000 * 1000;
		if (exposed_ms + 1000 + WINDOW_MS <= now_ms)
			break;
		if (list[i].unit != unit)
			continue;
		if (exposed_ms <= time_ms)
			return i;
		if (exposed_ms <= time_ms + FEEDBACK_AHEAD_MS)
			after = i;
	}
	return after;
}

static void it_finds_what_a_list_finds(void **state)
{
	static struct listed list[STEPS];
	struct outcome_join *join = join_open(PLACES, true);
	struct random chance = {5};
	struct joined joined = {0};
	int64_t now_ms = NOW_MS;
	size_t rewards = 0;
	int count = 0;
	(void)state;
	for (int step = 0; step < STEPS; step++) {
		now_ms += (int64_t)random_below(&chance, step % 2000 < 1500 ? 300 : 5000);
		if (random_below(&chance, 2) == 0) {
			list[count] = (struct listed){(int)random_below(&chance, UNITS) - 1, now_ms, false};
			expose(join, count, list[count].unit, now_ms);
			count++;
			continue;
		}
		const int unit = (int)random_below(&chance, UNITS);
		const int64_t time_ms = now_ms - (int64_t)random_below(&chance, 20000);
		const int64_t exposed_ms = count > 0 ? list[count - 1].time_ms : 0;
		const int found = listed_find(list, count, unit, time_ms, exposed_ms);
		const bool fresh =
			found >= 0 && !list[found].rewarded && time_ms <= list[found].time_ms / 1000 * 1000 + 1000 + WINDOW_MS;
		assert_int_equal(reward(join, unit, "", time_ms, &joined), fresh);
		if (fresh) {
			assert_true(joined.exposed_ms == list[found].time_ms / 1000 * 1000);
			list[found].rewarded = true;
			rewards++;
		}
	}
	assert_true(rewards > STEPS / 10 && outcome_join_counts(join).dropped > 100 && outcome_join_counts(join).expired > 100);
	outcome_join_close(join);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feedback_far_behind_a_busy_unit_is_dropped),
		cmocka_unit_test(feedback_beyond_the_ids_that_are_kept_is_dropped),
		cmocka_unit_test(a_unit_is_rewarded_for_its_last_exposure_before),
		cmocka_unit_test(the_same_feedback_counts_once),
		cmocka_unit_test(the_truth_of_a_unit_is_judged_by_its_last_answer),
		cmocka_unit_test(an_open_exposure_takes_at_most_40_bytes),
		cmocka_unit_test(it_finds_what_a_list_finds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
