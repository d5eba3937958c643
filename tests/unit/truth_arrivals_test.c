/* truth_arrivals_test.c: Tests of when truths come, as the truth tally counts it: in time, waiting, late, and unknown; and of the
 * sample of exposures by which it knows late ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/memory.h"
#include "experiments/outcomes/exposure_sample.h"
#include "experiments/rollouts/truth_tally.h"

#define NOW_MS INT64_C(1800000000000)
#define WINDOW_MS 60000
#define LATE_MS (WINDOW_MS + 1001) /* the join's seconds are whole */
#define TABLE 0xa1b2c3d4e5f60718
#define TABLE_TEXT TEXT("a1b2c3d4e5f60718")
#define OTHER_TABLE TEXT("a1b2c3d4e5f60719")

enum { OLD, NEW };

static const char *const names[] = {"old", "new"}, *const metrics[] = {"profit"};
static struct truth_tally *tally;

static void tally_open(uint64_t table, int64_t since_ms, int64_t began_ms, struct truth_past past)
{
	struct error error = {0};
	const struct truth_tally_config config = {.experiment = "e",
						  .table = table,
						  .since_ms = since_ms,
						  .began_ms = began_ms,
						  .past = past,
						  .arms = 2,
						  .names = names,
						  .paired = 2,
						  .window_ms = WINDOW_MS,
						  .metric_count = 1,
						  .metrics = metrics,
						  .memory_bytes = 1000 * TRUTH_EXPOSURE_BYTES,
						  .units_max = 1000};
	tally = truth_tally_open(&config, &error);
	assert_non_null(tally);
}

static int tally_begin(void **state)
{
	(void)state;
	tally_open(TABLE, NOW_MS, NOW_MS, (struct truth_past){0});
	return 0;
}

static int tally_end(void **state)
{
	(void)state;
	truth_tally_close(tally);
	return 0;
}

static void expose(const char *id, const char *unit, size_t arm, int64_t time_ms, struct text table)
{
	const struct exposure exposure = {.id = text_of(id),
					  .origin = {text_of(id), 0, 1},
					  .time_ms = time_ms,
					  .experiment = TEXT("e"),
					  .variant = text_of(names[arm]),
					  .unit = text_of(unit),
					  .prediction = text_of(id[0] == 's' ? "" : "buy"),
					  .reason = ASSIGNED_STAGE,
					  .table = table};
	truth_tally_expose(tally, &exposure);
}

static void judge(const char *id, const char *metric, int64_t time_ms)
{
	const struct feedback_metric one = {text_of(metric), 1};
	const struct feedback feedback = {.id = text_of(id), .metric_count = 1, .metrics = &one};
	truth_tally_feedback(tally, &feedback, time_ms);
}

static void judge_unit(const char *unit, int64_t time_ms)
{
	const struct feedback_metric one = {TEXT("accuracy"), 1};
	const struct feedback feedback = {.unit = text_of(unit), .metric_count = 1, .metrics = &one};
	truth_tally_feedback(tally, &feedback, time_ms);
}

static void label(const char *id, int64_t time_ms)
{
	const struct tensor truth = {.name = TEXT("label"), .datatype = DATATYPE_BYTES, .count = 1, .data = &TEXT("buy")};
	const struct tensor *const items[] = {&truth};
	const struct feedback feedback = {.id = text_of(id), .truth = {1, items}};
	truth_tally_feedback(tally, &feedback, time_ms);
}

static void expect(size_t arm, int64_t joined, int64_t late)
{
	assert_int_equal(truth_tally_counts(tally)[arm].joined, joined);
	assert_int_equal(truth_tally_counts(tally)[arm].late, late);
}

/* An exposure after which the windows of all before it are over. */
static void windows_end(int64_t time_ms)
{
	expose("later", "", OLD, time_ms + LATE_MS + 1000, TABLE_TEXT);
}

static void a_truth_is_in_time_before_its_window_is_over(void **state)
{
	(void)state;
	expose("a", "", NEW, NOW_MS, TABLE_TEXT);
	judge("a", "accuracy", NOW_MS + LATE_MS - 1);
	expect(NEW, 1, 0);
	assert_int_equal(truth_tally_counts(tally)[NEW].units, 0);
	judge("a", "accuracy", NOW_MS + LATE_MS - 1);
	windows_end(NOW_MS);
	judge("a", "accuracy", NOW_MS + LATE_MS + 1000); /* it is there already */
	expect(NEW, 1, 0);
	assert_int_equal(truth_tally_counts(tally)[NEW].units, 1);
}

static void a_truth_after_the_window_is_late_once_and_of_its_arm(void **state)
{
	(void)state;
	expose("a", "", NEW, NOW_MS, TABLE_TEXT);
	expose("b", "", OLD, NOW_MS, TABLE_TEXT);
	judge("a", "accuracy", NOW_MS + LATE_MS); /* its exposure is still open */
	expect(NEW, 0, 1);
	windows_end(NOW_MS);
	judge("a", "accuracy", NOW_MS + LATE_MS + 10);
	judge("b", "accuracy", NOW_MS + LATE_MS + 10); /* and this one is over */
	judge("b", "accuracy", NOW_MS + LATE_MS + 20);
	expect(NEW, 0, 1);
	expect(OLD, 0, 1);
	assert_int_equal(truth_tally_counts(tally)[NEW].units + truth_tally_counts(tally)[OLD].units, 0);
}

/* Of a request that this table chose, and no other one. */
static void a_truth_that_another_table_chose_is_not_late(void **state)
{
	(void)state;
	expose("before", "", NEW, NOW_MS - 1, TABLE_TEXT);
	expose("other", "u", NEW, NOW_MS, OTHER_TABLE);
	windows_end(NOW_MS);
	judge("before", "accuracy", NOW_MS + LATE_MS + 10);
	judge("other", "accuracy", NOW_MS + LATE_MS + 10);
	judge("nobody", "accuracy", NOW_MS + LATE_MS + 10);
	judge_unit("u", NOW_MS + LATE_MS + 10);
	expect(NEW, 0, 0);
	expect(OLD, 0, 0);
	assert_int_equal(truth_tally_losses(tally).unknown, 4);
}

/* Labels that are sent hours later name the time of the event. */
static void the_time_of_the_record_says_whether_it_is_late(void **state)
{
	const struct feedback_metric one = {TEXT("accuracy"), 1};
	const struct feedback feedback = {.id = TEXT("a"), .metric_count = 1, .metrics = &one, .time_ms = NOW_MS + 5};
	(void)state;
	expose("a", "", NEW, NOW_MS, TABLE_TEXT);
	windows_end(NOW_MS);
	truth_tally_feedback(tally, &feedback, NOW_MS + LATE_MS - 1); /* it was overtaken */
	expect(NEW, 0, 0);
	truth_tally_feedback(tally, &feedback, NOW_MS + 60 * WINDOW_MS);
	expect(NEW, 0, 1);
}

/* A longer window would not make a truth of it. */
static void a_label_of_an_answer_that_said_nothing_is_not_late(void **state)
{
	(void)state;
	expose("silent", "", NEW, NOW_MS, TABLE_TEXT);
	expose("a", "", NEW, NOW_MS, TABLE_TEXT);
	windows_end(NOW_MS);
	label("silent", NOW_MS + LATE_MS + 10);
	expect(NEW, 0, 0);
	label("a", NOW_MS + LATE_MS + 10);
	expect(NEW, 0, 1);
	judge("silent", "accuracy", NOW_MS + LATE_MS + 20);
	expect(NEW, 0, 2);
}

static void each_metric_has_its_own_arrivals(void **state)
{
	const struct metric_counts *profit = &truth_tally_counts(tally)[NEW].metrics[0];
	(void)state;
	expose("a", "", NEW, NOW_MS, TABLE_TEXT);
	judge("a", "accuracy", NOW_MS + 10);
	windows_end(NOW_MS);
	judge("a", "profit", NOW_MS + LATE_MS + 10);
	judge("a", "accuracy", NOW_MS + LATE_MS + 10);
	expect(NEW, 1, 0);
	assert_true(profit->joined == 0 && profit->late == 1);
}

static void feedback_of_a_unit_is_late_after_its_last_window(void **state)
{
	(void)state;
	expose("a", "u", NEW, NOW_MS, TABLE_TEXT);
	judge_unit("u", NOW_MS + 10);
	expect(NEW, 1, 0);
	expose("b", "v", OLD, NOW_MS, TABLE_TEXT);
	judge_unit("v", NOW_MS + LATE_MS); /* still open */
	expect(OLD, 0, 1);
	expose("c", "w", NEW, NOW_MS, TABLE_TEXT);
	windows_end(NOW_MS);
	judge_unit("w", NOW_MS + LATE_MS + 10);
	judge_unit("w", NOW_MS + LATE_MS + 10);
	judge_unit("never", NOW_MS + LATE_MS + 10);
	expect(NEW, 1, 1);
	expect(OLD, 0, 1);
}

static void stage_begin(uint64_t table, int64_t since_ms)
{
	const struct truth_past past = truth_tally_give_past(tally);
	truth_tally_close(tally);
	tally_open(table, since_ms, NOW_MS, past);
}

/* Stages that are shorter than truths take never have a truth of their own. */
static void late_truths_of_an_earlier_stage_are_known(void **state)
{
	const int64_t next_ms = NOW_MS + WINDOW_MS / 2;
	(void)state;
	expose("open", "", NEW, NOW_MS, TABLE_TEXT);
	expose("joined", "", NEW, NOW_MS, TABLE_TEXT);
	expose("old", "", OLD, NOW_MS, TABLE_TEXT);
	judge("joined", "accuracy", NOW_MS + 5);
	stage_begin(TABLE + 1, next_ms);
	expose("next", "", OLD, next_ms, OTHER_TABLE);
	judge("open", "accuracy", NOW_MS + LATE_MS);
	judge("open", "accuracy", NOW_MS + LATE_MS);
	judge("joined", "accuracy", NOW_MS + LATE_MS);
	expect(NEW, 0, 1);
	judge("next", "accuracy", next_ms + 10); /* the default has truths in time: what was late before says nothing */
	judge("old", "accuracy", NOW_MS + LATE_MS);
	expect(OLD, 1, 0);
	expose("later", "", OLD, next_ms + LATE_MS + 1000, OTHER_TABLE);
	assert_int_equal(truth_tally_counts(tally)[OLD].units, 1);
}

/* Truths that take longer than a stage, and not than the window: they come, though none is of this stage. */
static void truths_in_time_of_an_earlier_stage_say_that_truths_come(void **state)
{
	const int64_t next_ms = NOW_MS + WINDOW_MS / 2;
	(void)state;
	expose("a", "", NEW, NOW_MS, TABLE_TEXT);
	expose("b", "", NEW, NOW_MS + 1, TABLE_TEXT);
	expose("c", "", NEW, NOW_MS + 2, TABLE_TEXT);
	expose("d", "", OLD, NOW_MS + 2, TABLE_TEXT);
	stage_begin(TABLE + 1, next_ms);
	expose("next", "", NEW, next_ms, OTHER_TABLE);
	judge("a", "accuracy", NOW_MS + LATE_MS - 1);
	expect(NEW, 1, 0);
	expect(OLD, 0, 0);
	judge("a", "accuracy", NOW_MS + LATE_MS); /* it was in time */
	judge("b", "accuracy", NOW_MS + LATE_MS - 1);
	expect(NEW, 1, 0); /* one says it */
	judge("c", "accuracy", NOW_MS + 2 * LATE_MS);
	expect(NEW, 1, 1); /* and no other stage */
	judge("next", "accuracy", next_ms + 10);
	judge("b", "profit", NOW_MS + LATE_MS - 1);
	expect(NEW, 2, 1);
	assert_int_equal(truth_tally_counts(tally)[NEW].metrics[0].joined, 1);
}

/* Users who come once, of whom feedback names nothing else. */
static void feedback_of_a_unit_of_an_earlier_stage_says_that_truths_come(void **state)
{
	const int64_t next_ms = NOW_MS + WINDOW_MS / 2;
	(void)state;
	expose("a", "u", NEW, NOW_MS, TABLE_TEXT);
	expose("b", "v", OLD, NOW_MS, TABLE_TEXT);
	expose("c", "w", OLD, NOW_MS, TABLE_TEXT);
	stage_begin(TABLE + 1, next_ms);
	judge_unit("u", NOW_MS + LATE_MS - 1);
	expect(NEW, 1, 0);
	judge_unit("v", NOW_MS + LATE_MS);
	expect(OLD, 0, 1);
	expose("d", "w", NEW, next_ms, OTHER_TABLE); /* the candidate has it now */
	judge_unit("w", next_ms + 10);
	expect(NEW, 2, 0);
	expect(OLD, 0, 1);
}

/* ---- another leader ---- */

#define NEXT_MS (NOW_MS + 2 * WINDOW_MS)

/* Another engine leads in the second stage, and reads the topics again. */
static void leader_change(void)
{
	truth_tally_close(tally);
	tally_open(TABLE + 1, NEXT_MS, NOW_MS, (struct truth_past){0});
}

static void requests_come(void)
{
	expose("before", "", NEW, NOW_MS - 1, TABLE_TEXT); /* of another rollout */
	expose("a", "u", NEW, NOW_MS, TABLE_TEXT);
	expose("b", "v", OLD, NOW_MS + 1, TABLE_TEXT);
	expose("c", "", NEW, NEXT_MS - 1, TABLE_TEXT);
	expose("next", "u", OLD, NEXT_MS, OTHER_TABLE);
}

/* Also if the first engine had no truth: nothing else says that there are some. */
static void another_leader_knows_the_requests_of_earlier_stages(void **state)
{
	(void)state;
	for (int again = 0; again < 2; again++) {
		leader_change();
		for (int i = 0; i <= again; i++) /* Kafka delivers at least once */
			requests_come();
		judge("before", "accuracy", NEXT_MS + 10);
		expect(NEW, 0, 0);
		for (int i = 0; i <= again; i++)
			judge("a", "accuracy", NEXT_MS + 10);
		expect(NEW, 0, 1);
		judge("c", "accuracy", NEXT_MS + 10);
		expect(NEW, 1, 1);
		judge_unit("v", NEXT_MS + 10);
		expect(OLD, 0, 1);
		judge("next", "accuracy", NEXT_MS + 20);
		expect(OLD, 1, 1);
		assert_int_equal(truth_tally_counts(tally)[NEW].units + truth_tally_counts(tally)[OLD].units, 0);
	}
}

static void another_leader_counts_as_the_one_before(void **state)
{
	struct truth_counts counts[2];
	(void)state;
	for (int is_new = 0; is_new < 2; is_new++) {
		if (is_new)
			leader_change();
		requests_come();
		if (!is_new) {
			stage_begin(TABLE + 1, NEXT_MS);
			expose("next", "u", OLD, NEXT_MS, OTHER_TABLE);
		}
		judge("a", "accuracy", NEXT_MS + 10);
		judge("b", "profit", NEXT_MS + 10);
		judge("c", "accuracy", NEXT_MS + 10);
		label("c", NEXT_MS + 10);
		judge_unit("v", NEXT_MS + 10);
		judge("next", "accuracy", NEXT_MS + 20);
		windows_end(NEXT_MS);
		if (is_new)
			assert_memory_equal(truth_tally_counts(tally), counts, sizeof counts);
		memcpy(counts, truth_tally_counts(tally), sizeof counts);
	}
}

/* Nobody counted while it came, or whoever did may not have told it. Of each variant one says so, and no other is counted again. */
static void another_leader_counts_one_truth_from_before_the_stage(void **state)
{
	(void)state;
	leader_change();
	requests_come();
	judge("a", "accuracy", NOW_MS + 10);
	judge("c", "accuracy", NEXT_MS - 1);
	expect(NEW, 1, 0);
	judge("b", "accuracy", NEXT_MS - 1);
	expect(OLD, 0, 1);
	leader_change();
	requests_come();
	judge("a", "accuracy", NEXT_MS - 1); /* late */
	judge("c", "accuracy", NEXT_MS - 1);
	expect(NEW, 0, 1);
	judge("next", "accuracy", NEXT_MS + 10);
	expect(OLD, 1, 0);
}

/* The last look of a stage may have come before its last truths. */
static void a_truth_at_the_end_of_a_stage_says_in_the_next_one_that_truths_come(void **state)
{
	static const struct {
		int64_t before_ms;
		int64_t joined;
	} rows[] = {{0, 1}, {TRUTH_REPORTED_MS, 1}, {TRUTH_REPORTED_MS + 1, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		truth_tally_close(tally);
		tally_open(TABLE, NOW_MS, NOW_MS, (struct truth_past){0});
		expose("a", "", NEW, NOW_MS, TABLE_TEXT);
		judge("a", "accuracy", NOW_MS + 10);
		stage_begin(TABLE + 1, NOW_MS + 10 + rows[i].before_ms);
		expect(NEW, rows[i].joined, 0);
		judge("a", "accuracy", NOW_MS + 20 + rows[i].before_ms); /* sent again */
		expect(NEW, rows[i].joined, 0);
	}
}

/* Its whole second is that of the next stage, too. */
static void a_request_at_the_end_of_a_stage_is_of_that_stage(void **state)
{
	(void)state;
	expose("a", "", NEW, NOW_MS + 900, TABLE_TEXT);
	stage_begin(TABLE + 1, NOW_MS + 950);
	judge("a", "accuracy", NOW_MS + 1000);
	expect(NEW, 1, 0);
}

/* However often it is told, in time or late. */
static void a_unit_counts_once_by_when_its_feedback_came(void **state)
{
	(void)state;
	expose("a", "u", NEW, NOW_MS, TABLE_TEXT);
	for (int64_t i = 0; i < 5; i++)
		judge_unit("u", NOW_MS + 10 + i);
	expect(NEW, 1, 0);
	judge_unit("u", NOW_MS + LATE_MS); /* it was in time before */
	expect(NEW, 1, 0);
}

/* One truth of a sample does not stand for as many as the sample does: it would outweigh all truths in time. */
static void few_truths_of_a_sample_are_no_estimate(void **state)
{
	const struct truth_counts *counts = &truth_tally_counts(tally)[NEW];
	char id[24];
	int64_t known = 0;
	(void)state;
	for (int64_t i = 0; i < 2 * EXPOSURE_SAMPLE_MAX + 2000; i++) {
		(void)snprintf(id, sizeof id, "r%lld", (long long)i);
		expose(id, "", NEW, NOW_MS, TABLE_TEXT);
	}
	for (int64_t i = 0; known < TRUTH_SAMPLED_LEAST + 2; i++) {
		const int64_t before = counts->late;
		(void)snprintf(id, sizeof id, "r%lld", (long long)i);
		judge(id, "accuracy", NOW_MS + LATE_MS);
		known += counts->late > before;
		assert_int_equal(counts->late, known < TRUTH_SAMPLED_LEAST ? known : 4 * known);
	}
}

/* ---- the sample ---- */

static void a_full_sample_keeps_a_share_that_stands_for_all(void **state)
{
	const uint64_t all = 20 * EXPOSURE_SAMPLE_MAX;
	struct exposure_sample *ended = exposure_sample_open();
	uint64_t found = 0;
	(void)state;
	for (uint64_t i = 0; i < all; i++) {
		const struct sampled_exposure one = {.key = hash_bytes(&i, sizeof i, 7), .time_ms = (int64_t)i, .arm = 3};
		exposure_sample_add(ended, &one);
		if (i == EXPOSURE_SAMPLE_MAX - 1)
			assert_int_equal(exposure_sample_weight(ended), 1);
		if (i == EXPOSURE_SAMPLE_MAX)
			assert_int_equal(exposure_sample_weight(ended), 2);
	}
	for (uint64_t i = 0; i < all; i++) {
		const struct sampled_exposure *one = exposure_sample_find(ended, hash_bytes(&i, sizeof i, 7));
		found += one != NULL;
		assert_true(!one || (one->time_ms == (int64_t)i && one->arm == 3));
	}
	assert_int_equal(exposure_sample_weight(ended), 32);
	assert_in_range(found * 32, all * 97 / 100, all * 103 / 100);
	exposure_sample_close(ended);
}

/* What is not there when memory runs out is one exposure, and not half of them. */
static void a_sample_that_cannot_be_halved_stands_for_as_many_as_before(void **state)
{
	struct exposure_sample *ended = exposure_sample_open();
	(void)state;
	for (uint64_t i = 1; i <= EXPOSURE_SAMPLE_MAX; i++)
		exposure_sample_add(ended, &(struct sampled_exposure){.key = i << 32});
	for (uint64_t i = 1; i < 4; i++) {
		memory_fail_at(1);
		exposure_sample_add(ended, &(struct sampled_exposure){.key = (EXPOSURE_SAMPLE_MAX + i) << 32});
		memory_fail_at(0);
		assert_int_equal(exposure_sample_weight(ended), 1);
	}
	assert_non_null(exposure_sample_find(ended, UINT64_C(1) << 32));
	exposure_sample_close(ended);
}

static void the_sample_keeps_the_first_of_a_key_with_all_outcomes(void **state)
{
	struct exposure_sample *ended = exposure_sample_open();
	(void)state;
	assert_null(exposure_sample_find(ended, 0));
	exposure_sample_add(ended, &(struct sampled_exposure){.time_ms = 5, .arm = 1, .outcomes = 1});
	exposure_sample_add(ended, &(struct sampled_exposure){.time_ms = 9, .arm = 2, .outcomes = 4});
	const struct sampled_exposure *one = exposure_sample_find(ended, 0);
	assert_true(one && one->time_ms == 5 && one->arm == 1 && one->outcomes == 5);
	assert_null(exposure_sample_find(ended, 1));
	exposure_sample_close(ended);
}

int main(void)
{
#define WITH_TALLY(test) cmocka_unit_test_setup_teardown(test, tally_begin, tally_end)
	const struct CMUnitTest tests[] = {
		WITH_TALLY(a_truth_is_in_time_before_its_window_is_over),
		WITH_TALLY(a_truth_after_the_window_is_late_once_and_of_its_arm),
		WITH_TALLY(a_truth_that_another_table_chose_is_not_late),
		WITH_TALLY(the_time_of_the_record_says_whether_it_is_late),
		WITH_TALLY(a_label_of_an_answer_that_said_nothing_is_not_late),
		WITH_TALLY(each_metric_has_its_own_arrivals),
		WITH_TALLY(feedback_of_a_unit_is_late_after_its_last_window),
		WITH_TALLY(late_truths_of_an_earlier_stage_are_known),
		WITH_TALLY(truths_in_time_of_an_earlier_stage_say_that_truths_come),
		WITH_TALLY(feedback_of_a_unit_of_an_earlier_stage_says_that_truths_come),
		WITH_TALLY(another_leader_knows_the_requests_of_earlier_stages),
		WITH_TALLY(another_leader_counts_as_the_one_before),
		WITH_TALLY(another_leader_counts_one_truth_from_before_the_stage),
		WITH_TALLY(a_truth_at_the_end_of_a_stage_says_in_the_next_one_that_truths_come),
		WITH_TALLY(a_request_at_the_end_of_a_stage_is_of_that_stage),
		WITH_TALLY(a_unit_counts_once_by_when_its_feedback_came),
		WITH_TALLY(few_truths_of_a_sample_are_no_estimate),
		cmocka_unit_test(a_full_sample_keeps_a_share_that_stands_for_all),
		cmocka_unit_test(a_sample_that_cannot_be_halved_stands_for_as_many_as_before),
		cmocka_unit_test(the_sample_keeps_the_first_of_a_key_with_all_outcomes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
