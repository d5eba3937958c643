/* feed_board_test.c: A reader of the feed never takes an older value after a newer one, also if it reads from the beginning
 * again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "control/engine/feed_relay.h"
#include "message/avro/schemas.h"
#include "message/records/feed_record.h"

#define IDENTITY 5
#define FORMER "tests/data/avro/drift_figures-3"

struct feed {
	struct feed_board board;
	struct buffer key, value;
};

static struct feed *feed_of(void **state)
{
	static struct feed feed;
	*state = &feed;
	return &feed;
}

static int feed_open(void **state)
{
	struct feed *feed = feed_of(state);
	buffer_open(&feed->key, FEED_KEY_BYTES_MAX);
	buffer_open(&feed->value, (size_t)1 << 20);
	feed->board = (struct feed_board){.verdicts = verdict_board_open()};
	return !feed->board.verdicts;
}

static int feed_close(void **state)
{
	struct feed *feed = *state;
	buffer_close(&feed->key);
	buffer_close(&feed->value);
	verdict_board_close(feed->board.verdicts);
	return 0;
}

/* Takes a verdict with that score. */
static void take(struct feed *feed, int64_t offset, int64_t time_ms, double score)
{
	struct error error = {0};
	const struct drift_score made = {
		.pipeline = "p", .step = "watch", .identity = IDENTITY, .verdict = DRIFT_FOUND, .score = score};
	buffer_clear(&feed->key);
	buffer_clear(&feed->value);
	assert_true(feed_score_encode(&made, &feed->key, &feed->value, &error));
	const struct record record = {
		.offset = offset, .time_ms = time_ms, .key = buffer_view(&feed->key), .value = buffer_view(&feed->value)};
	assert_true(feed_board_take(&feed->board, &record, &error));
}

static double known(const struct feed *feed)
{
	struct verdict_entry *entry = verdict_board_entry(feed->board.verdicts, "p", "watch");
	return verdict_entry_known(entry, IDENTITY, TEXT("")).score;
}

/* Takes what was learnt of so many rows of one column. */
static void learnt_take(struct feed *feed, int64_t offset, uint64_t rows)
{
	struct error error = {0};
	double numbers[] = {0, (double)rows};
	const struct outlier_learnt learnt = {
		.pipeline = "p", .step = "odd", .identity = IDENTITY, .covariance = covariance_over(numbers, 1, rows)};
	buffer_clear(&feed->key);
	buffer_clear(&feed->value);
	assert_true(feed_outliers_encode(&learnt, &feed->key, &feed->value, &error));
	const struct record record = {
		.offset = offset, .time_ms = offset, .key = buffer_view(&feed->key), .value = buffer_view(&feed->value)};
	assert_true(feed_board_take(&feed->board, &record, &error));
}

/* The limit is by the rows. */
static bool is_in_force(struct verdict_entry *entry, uint64_t rows)
{
	const struct outlier_in_force *force = verdict_entry_hold_outliers(entry);
	const bool good = force && force->limit == mahalanobis_limit((double)rows, 1);
	verdict_entry_release_outliers(entry);
	return good;
}

/* What an observer here has learnt is newer than what the feed brings of it. When it runs elsewhere, the feed counts again. */
static void what_is_learnt_here_counts_before_the_feed(void **state)
{
	struct feed *feed = *state;
	struct verdict_entry *entry = verdict_board_entry(feed->board.verdicts, "p", "odd");
	double numbers[] = {0, 1};
	const struct covariance own = covariance_over(numbers, 1, 30);
	learnt_take(feed, 0, 10);
	assert_true(is_in_force(entry, 10));
	assert_true(verdict_entry_set_outliers(entry, IDENTITY, &own));
	learnt_take(feed, 1, 20);
	assert_true(is_in_force(entry, 30));
	verdict_entry_lend(entry);
	assert_true(is_in_force(entry, 30));
	learnt_take(feed, 2, 40);
	assert_true(is_in_force(entry, 40));
	const struct record damaged = {.offset = 3, .time_ms = 3, .key = TEXT("outlier/p/odd"), .value = TEXT("no reference")};
	struct error error = {0};
	assert_false(feed_board_take(&feed->board, &damaged, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_true(is_in_force(entry, 40));
}

static void a_feed_that_is_read_again_brings_nothing_back(void **state)
{
	struct feed *feed = *state;
	take(feed, 0, 1000, 0.25);
	take(feed, 3, 4000, 0.5); /* its engine's clock is ahead */
	take(feed, 4, 2000, 0.75);
	assert_float_equal(known(feed), 0.75, 0);
	take(feed, 0, 1000, 0.25);
	assert_float_equal(known(feed), 0.75, 0);
	take(feed, 3, 4000, 0.5);
	assert_float_equal(known(feed), 0.75, 0);
	take(feed, 4, 2000, 0.75);
	take(feed, 5, 3000, 1);
	assert_float_equal(known(feed), 1, 0);
}

static void a_feed_that_was_made_anew_is_read(void **state)
{
	struct feed *feed = *state;
	take(feed, 8, 1000, 0.25);
	take(feed, 0, 1001, 0.5);
	assert_float_equal(known(feed), 0.5, 0);
	take(feed, 1, 1001, 0.75);
	assert_float_equal(known(feed), 0.75, 0);
}

static void what_cannot_be_read_leaves_what_was_known(void **state)
{
	struct feed *feed = *state;
	struct error error = {0};
	take(feed, 0, 1000, 0.25);
	const struct record record = {.offset = 1, .time_ms = 1001, .key = buffer_view(&feed->key), .value = TEXT("no verdict")};
	assert_false(feed_board_take(&feed->board, &record, &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	assert_float_equal(known(feed), 0.25, 0);
}

/* Takes the figures of a window with those times. */
static struct last_verdict figures_taken(struct feed *feed, int64_t offset, struct drift_times times)
{
	static const struct drift_estimate estimates[] = {{"auc", .7, .6, .8}, {"absolute_error", 3, 2, 4}};
	struct error error = {0};
	const struct drift_score made = {.pipeline = "p",
					 .step = "watch",
					 .identity = IDENTITY,
					 .verdict = DRIFT_FOUND,
					 .times = times,
					 .estimate_count = 2,
					 .estimates = estimates};
	buffer_clear(&feed->key);
	buffer_clear(&feed->value);
	assert_true(feed_figures_encode(&made, &feed->key, &feed->value, &error));
	const struct record record = {
		.offset = offset, .time_ms = 1001, .key = buffer_view(&feed->key), .value = buffer_view(&feed->value)};
	assert_true(feed_board_take(&feed->board, &record, &error));
	return verdict_entry_known(verdict_board_entry(feed->board.verdicts, "p", "watch"), IDENTITY, TEXT(""));
}

/* Marks would otherwise say that no message comes where that is not known, as in a first window. */
static void the_times_of_a_window_are_known_if_it_has_them(void **state)
{
	struct feed *feed = *state;
	take(feed, 0, 1000, 0.25);
	struct last_verdict last = figures_taken(feed, 1, drift_times_unknown());
	assert_true(last.quality_alarm == 0);
	assert_true(isnan(last.messages_per_minute) && isnan(last.newest_age_ms));
	last = figures_taken(feed, 2, (struct drift_times){.rate = 60, .age_ms = 1500});
	assert_true(last.messages_per_minute == 60 && last.newest_age_ms == 1500);
	assert_true(last.auc == .7 && last.error == 3);
}

/* A new verdict knows no feature until its figures come. */
static void the_feature_that_has_moved_most_comes_with_the_figures(void **state)
{
	static const struct drift_statistic statistics[] = {
		{{"x.a", 3}, "ks", .25, .125, .25, 1e-9, true},
		{{"x.b", 3}, "wasserstein", .75, .25, 3, 1e-4, true},
		{{"x.c", 3}, "psi", .9, .1, .9, 1e-3, false},
	};
	struct feed *feed = *state;
	struct error error = {0};
	const struct drift_score made = {.pipeline = "p",
					 .step = "watch",
					 .identity = IDENTITY,
					 .verdict = DRIFT_FOUND,
					 .times = drift_times_unknown(),
					 .statistic_count = 3,
					 .statistics = statistics};
	take(feed, 0, 1000, 0.5);
	buffer_clear(&feed->key);
	buffer_clear(&feed->value);
	assert_true(feed_figures_encode(&made, &feed->key, &feed->value, &error));
	const struct record record = {
		.offset = 1, .time_ms = 1001, .key = buffer_view(&feed->key), .value = buffer_view(&feed->value)};
	assert_true(feed_board_take(&feed->board, &record, &error));
	struct verdict_entry *entry = verdict_board_entry(feed->board.verdicts, "p", "watch");
	const struct drift_cause cause = verdict_entry_known(entry, IDENTITY, TEXT("")).cause;
	assert_string_equal(cause.feature, "x.b");
	assert_string_equal(cause.test, "wasserstein");
	assert_true(cause.effect == .75 && cause.p == 1e-4);
	char words[DRIFT_CAUSE_WORDS_BYTES];
	drift_cause_words(&cause, words);
	assert_string_equal(words, "feature x.b by wasserstein: effect 0.75, p 0.0001");
	take(feed, 2, 1002, 0.25);
	assert_string_equal(verdict_entry_known(entry, IDENTITY, TEXT("")).cause.feature, "");
}

/* The feed keeps what engines of the former version wrote. */
static void figures_of_the_former_schema_are_read(void **state)
{
	struct feed *feed = *state;
	struct arena *arena = arena_open((size_t)1 << 16);
	struct error error = {0};
	struct text value, schema;
	uint64_t fingerprint;
	take(feed, 0, 1000, 0.5);
	assert_true(file_read(FORMER ".bin", (size_t)1 << 12, arena, &value, &error));
	assert_true(file_read(FORMER ".avsc", (size_t)1 << 14, arena, &schema, &error));
	assert_true(schema_fingerprint(schema.bytes, &fingerprint, &error));
	assert_memory_equal(value.bytes + 2, &fingerprint, sizeof fingerprint);
	const struct record record = {.offset = 1, .time_ms = 1001, .key = TEXT("figures/p/watch"), .value = value};
	assert_true(feed_board_take(&feed->board, &record, &error));
	const struct last_verdict last =
		verdict_entry_known(verdict_board_entry(feed->board.verdicts, "p", "watch"), IDENTITY, TEXT(""));
	assert_true(last.quality_alarm == 1 && last.messages_per_minute == 60 && isnan(last.auc) && last.error == 3);
	assert_string_equal(last.cause.feature, "");
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_learnt_here_counts_before_the_feed, feed_open, feed_close),
		cmocka_unit_test_setup_teardown(a_feed_that_is_read_again_brings_nothing_back, feed_open, feed_close),
		cmocka_unit_test_setup_teardown(a_feed_that_was_made_anew_is_read, feed_open, feed_close),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_leaves_what_was_known, feed_open, feed_close),
		cmocka_unit_test_setup_teardown(the_feature_that_has_moved_most_comes_with_the_figures, feed_open, feed_close),
		cmocka_unit_test_setup_teardown(figures_of_the_former_schema_are_read, feed_open, feed_close),
		cmocka_unit_test_setup_teardown(the_times_of_a_window_are_known_if_it_has_them, feed_open, feed_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
