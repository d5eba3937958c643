/* listed_records_test.c: Tests that what an observer has learnt of outliers leaves to the feed once and in its order, also when
 * the producer is full in between; and where verdicts on windows leave to. The output is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "message/records/feed_record.h"
#include "engine/worker/parts.h"
#include "engine/outputs/listed_records.h"

#define FEED 3 /* the number of its topic */
#define VERDICTS 5
#define ROWS 5 /* of the first that was learnt; each later one has a row more */
#define KEPT_MAX 8

/* Keeps how many rows each record was learnt from; full once, before so many records. */
static struct kept_output {
	struct output output;
	struct arena *arena;
	uint64_t rows[KEPT_MAX];
	struct left {
		uint32_t topic;
		bool has_value;
	} left[KEPT_MAX]; /* of verdicts */
	size_t left_count;
	size_t count;
	int full_at; /* -1: never */
} kept;

static enum produce_verdict kept_produce(struct output *output, const struct outgoing *record, struct error *error)
{
	struct feed_outliers read;
	(void)output;
	if ((int)kept.count == kept.full_at) {
		kept.full_at = -1;
		return PRODUCE_FULL;
	}
	assert_int_equal(record->origin.offset, 7);
	if (!feed_key_is_outliers(record->key)) {
		kept.left[kept.left_count++] = (struct left){record->topic, record->value.bytes != NULL};
		return PRODUCED;
	}
	assert_int_equal(record->topic, FEED);
	assert_true(feed_outliers_decode(record->key, record->value, kept.arena, &read, error));
	assert_true(text_is(text_of(read.of.step), "odd"));
	kept.rows[kept.count++] = read.covariance.rows;
	return PRODUCED;
}

static const struct output_operations operations = {.produce = kept_produce};

static double numbers[] = {0, 1};

/* Two that one message made due. */
static struct outlier_learnt later = {.listed = {.kind = LISTED_LEARNT},
				      .pipeline = "p",
				      .step = "odd",
				      .identity = 1,
				      .covariance = {1, ROWS + 1, numbers, numbers + 1}};
static struct outlier_learnt earlier = {.listed = {&later.listed, LISTED_LEARNT},
					.pipeline = "p",
					.step = "odd",
					.identity = 1,
					.covariance = {1, ROWS, numbers, numbers + 1}};

struct leaving {
	struct stage_config config;
	struct worker_stage stage;
	struct inflight inflight;
	struct buffer key, value;
	struct record_outlet outlet;
};

static void leaving_open(struct leaving *leaving, int full_at)
{
	kept = (struct kept_output){
		.output = {.operations = &operations}, .arena = arena_open((size_t)1 << 20), .full_at = full_at};
	*leaving = (struct leaving){.config = {.feed = FEED, .verdicts = VERDICTS, .importances = TOPIC_NOWHERE}};
	leaving->stage.config = &leaving->config;
	leaving->inflight.stage = &leaving->stage;
	leaving->inflight.message.listed = &earlier.listed;
	buffer_open(&leaving->key, 4096);
	buffer_open(&leaving->value, 4096);
	leaving->outlet = (struct record_outlet){
		.output = &kept.output, .origin = {0, 0, 7}, .key = &leaving->key, .value = &leaving->value};
}

static void leaving_close(struct leaving *leaving)
{
	buffer_close(&leaving->key);
	buffer_close(&leaving->value);
	arena_close(kept.arena);
}

static enum produce_verdict leave(struct leaving *leaving)
{
	struct error error = {.kind = ERROR_REMOTE}; /* of one before */
	return listed_records_leave(&leaving->outlet, &leaving->inflight, &error);
}

static void expect_both(void)
{
	assert_int_equal(kept.count, 2);
	assert_int_equal(kept.rows[0], ROWS);
	assert_int_equal(kept.rows[1], ROWS + 1);
}

static void what_is_learnt_leaves_once_and_in_its_order(void **state)
{
	struct leaving leaving;
	(void)state;
	leaving_open(&leaving, -1);
	assert_int_equal(leave(&leaving), PRODUCED);
	expect_both();
	assert_int_equal(leave(&leaving), PRODUCED);
	expect_both();
	leaving_close(&leaving);
}

static void a_full_producer_gets_the_rest_later(void **state)
{
	(void)state;
	for (int full_at = 0; full_at < 2; full_at++) {
		struct leaving leaving;
		leaving_open(&leaving, full_at);
		assert_int_equal(leave(&leaving), PRODUCE_FULL);
		assert_int_equal(kept.count, full_at);
		assert_int_equal(leave(&leaving), PRODUCED);
		expect_both();
		leaving_close(&leaving);
	}
}

static void nothing_leaves_without_a_feed_or_of_a_refused_message(void **state)
{
	struct leaving leaving;
	(void)state;
	leaving_open(&leaving, -1);
	leaving.config.feed = TOPIC_NOWHERE;
	assert_int_equal(leave(&leaving), PRODUCED);
	leaving.config.feed = FEED;
	leaving.inflight.unfit = true;
	assert_int_equal(leave(&leaving), PRODUCED);
	assert_int_equal(kept.count, 0);
	leaving_close(&leaving);
}

static void verdict_leaves(struct drift_score *score, const struct left *wanted, size_t count)
{
	struct leaving leaving;
	leaving_open(&leaving, -1);
	leaving.inflight.message.listed = &score->listed;
	assert_int_equal(leave(&leaving), PRODUCED);
	assert_int_equal(kept.left_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(kept.left[i].topic, wanted[i].topic);
		assert_int_equal(kept.left[i].has_value, wanted[i].has_value);
	}
	leaving_close(&leaving);
}

/* A state that begins anew is removed from the feed; an early verdict is on a window that has no figures yet. */
static void a_verdict_leaves_to_its_topic_and_with_its_figures_to_the_feed(void **state)
{
	(void)state;
	struct drift_score score = {
		.listed.kind = LISTED_VERDICT, .pipeline = "p", .step = "watch", .verdict = DRIFT_STEADY, .reference = "r.json"};
	verdict_leaves(&score, (const struct left[]){{VERDICTS, true}, {FEED, true}, {FEED, true}}, 3);
	score.early = true;
	verdict_leaves(&score, (const struct left[]){{VERDICTS, true}, {FEED, true}}, 2);
	score.early = false;
	score.verdict = DRIFT_LEARNING;
	verdict_leaves(&score, (const struct left[]){{VERDICTS, true}}, 1);
	score.begins = true;
	verdict_leaves(&score, (const struct left[]){{FEED, false}, {FEED, false}}, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_learnt_leaves_once_and_in_its_order),
		cmocka_unit_test(a_full_producer_gets_the_rest_later),
		cmocka_unit_test(nothing_leaves_without_a_feed_or_of_a_refused_message),
		cmocka_unit_test(a_verdict_leaves_to_its_topic_and_with_its_figures_to_the_feed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
