/* drift_past_test.c: the past of its own stream as the reference of a step `drift`: when it is known, what it finds, its false
 * alarms, and that it survives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "methods/drift/past.h"
#include "tests/unit/observed.h"

#define BY_COUNT "window: 100, falseAlarms: 0.1 per 1000"
#define BY_TIME "window: 60s, falseAlarms: 0.1 per 1000"

/* ---- the list of blocks ---- */

static uint64_t rows_in(const struct past *past)
{
	uint64_t rows = 0;
	for (size_t i = 0; i < past->count; i++)
		rows += past->blocks[i].rows;
	return rows;
}

#define WINDOW_BLOCKS 20

/* A window of so many rows, as an observer adds it. */
static void window_put(struct past *past, size_t rows, int64_t time_ms)
{
	uint64_t number;
	const size_t blocks = past_blocks_of(past, rows, WINDOW_BLOCKS, false);
	while (past_full(past, blocks, false))
		past_merge_next(past, past->fitted, false);
	for (size_t i = 0; i < blocks; i++)
		past_add(past,
			 &(struct past_block){.rows = past_block_first(rows, blocks, i + 1) - past_block_first(rows, blocks, i),
					      .time_ms = time_ms,
					      .windows = i == 0},
			 past->next);
	assert_true(past->count <= PAST_BLOCKS_MAX);
	const struct past_span span = past_clock_move(&past->clock, time_ms, DAY_MS);
	if (!past_renews(past, span))
		return;
	while (past_expire(past, span, &number))
		continue;
	while (past->count > PAST_REFERENCE_BLOCKS)
		past_merge_next(past, 0, false);
	past_fit(past);
}

static void blocks_are_bounded_and_stand_for_all_rows(void **state)
{
	(void)state;
	static const size_t sizes[] = {20, 39, 500, 8192, 100000};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct past past = {0};
		for (uint64_t window = 1; window <= 3000; window++) {
			window_put(&past, sizes[i], 0);
			assert_int_equal(rows_in(&past), window * sizes[i]);
		}
		assert_true(past.fitted > PAST_REFERENCE_BLOCKS / 2 && past.fitted <= PAST_REFERENCE_BLOCKS);
		for (size_t j = 1; j < past.count; j++)
			assert_true(past.blocks[j].number > past.blocks[j - 1].number);
	}
}

/* Windows of one block each, of which every second is in alarm. */
static void blocks_merge_with_their_like_alone(void **state)
{
	(void)state;
	struct past past = {0};
	for (uint32_t i = 0; i < 6; i++)
		past_add(&past, &(struct past_block){.rows = 20, .time_ms = i, .windows = 1 + i, .alarmed = i & 1}, i + 1);
	past_merge_next(&past, 2, true);
	past_merge_next(&past, 0, false);
	assert_int_equal(past.count, 4);
	static const struct past_block wanted[] = {{.windows = 1 + 3, .time_ms = 2},
						   {.windows = 2, .time_ms = 1, .alarmed = 1},
						   {.windows = 4 + 6, .time_ms = 5, .alarmed = 1},
						   {.windows = 5, .time_ms = 4}};
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(past.blocks[i].windows, wanted[i].windows);
		assert_int_equal(past.blocks[i].time_ms, wanted[i].time_ms);
		assert_int_equal(past.blocks[i].alarmed, wanted[i].alarmed);
	}
}

static void a_window_of_too_few_rows_is_not_remembered(void **state)
{
	(void)state;
	struct past past = {0};
	assert_int_equal(past_blocks_of(&past, PAST_BLOCK_ROWS - 1, WINDOW_BLOCKS, false), 0);
	assert_int_equal(past_blocks_of(&past, PAST_BLOCK_ROWS, WINDOW_BLOCKS, false), 1);
	assert_int_equal(past_blocks_of(&past, 100000, WINDOW_BLOCKS, false), WINDOW_BLOCKS);
	window_put(&past, 100000, 0);
	assert_int_equal(past_blocks_of(&past, 100, WINDOW_BLOCKS, false), 1); /* each block stands for many rows now */
}

/* Of windows with one block each, the one that remains may be any of those for which it stands. */
static void blocks_of_a_long_past_are_a_fair_draw(void **state)
{
	(void)state;
	double sum = 0, count = 0;
	for (uint64_t draw = 0; draw < 100; draw++) {
		struct past past = {.next = draw * 1000000};
		uint64_t first = past.next;
		for (int window = 0; window < 2000; window++)
			window_put(&past, PAST_BLOCK_ROWS, 0);
		for (size_t i = 0; i < past.count; i++) {
			const uint64_t windows = past.blocks[i].rows / PAST_BLOCK_ROWS;
			assert_true(past.blocks[i].number >= first && past.blocks[i].number < first + windows);
			sum += ((double)(past.blocks[i].number - first) + 0.5) / (double)windows;
			count += windows > 1;
			sum -= windows > 1 ? 0 : 0.5;
			first += windows;
		}
	}
	assert_true(count > 10000);
	assert_true(fabs(sum / count - 0.5) < 0.02);
}

static void old_blocks_leave(void **state)
{
	(void)state;
	struct past past = {0};
	for (int hour = 0; hour < 240; hour++)
		window_put(&past, 500, hour * DAY_MS / 24);
	assert_true(past.fitted > 0);
	assert_true(past.blocks[0].time_ms >= (239 - 24 - 24 / PAST_RENEWED - 2) * DAY_MS / 24);
	window_put(&past, 500, 20 * DAY_MS);
	assert_true(past.fitted > 0); /* its clock may be wrong */
	window_put(&past, 400, 20 * DAY_MS + 1);
	assert_int_equal(past.fitted, 0); /* two windows are no past yet */
	assert_int_equal(past.fit, 0);
	assert_int_equal(rows_in(&past), 900);
}

/* A time that one window has, however many rows of one message are in windows with it. */
static void a_wrong_time_ends_no_past(void **state)
{
	(void)state;
	static const int64_t wrong_ms[] = {0, -1, INT64_MIN, INT64_MAX, 100000 * DAY_MS, -100000 * DAY_MS};
	for (size_t i = 0; i < sizeof wrong_ms / sizeof *wrong_ms; i++) {
		struct past past = {0};
		for (int hour = 0; hour < 480; hour++) {
			const uint64_t rows = rows_in(&past);
			window_put(&past, 500, 1000 * DAY_MS + hour * DAY_MS / 24);
			if (hour % 10 == 9)
				for (int j = 0; j < 3; j++)
					window_put(&past, 500, wrong_ms[i]);
			assert_true(rows_in(&past) + 20 * 500 > rows);
			assert_true(hour < 3 || past.fitted > 0);
		}
		assert_true(rows_in(&past) > 20 * 500 && rows_in(&past) < 60 * 500);
		for (size_t j = 0; j < past.count; j++)
			assert_true(past.blocks[j].time_ms == wrong_ms[i] || past.blocks[j].time_ms >= 1018 * DAY_MS);
	}
}

/* Blocks of a clock that was far ahead would never become old. */
static void blocks_of_a_clock_that_was_set_back_leave(void **state)
{
	(void)state;
	struct past past = {0};
	for (int hour = 0; hour < 20; hour++)
		window_put(&past, 500, (1000 + hour) * DAY_MS / 24);
	for (int hour = 0; hour < 20; hour++)
		window_put(&past, 500, 9000 * DAY_MS + hour * DAY_MS / 24);
	for (int hour = 20; hour < 60; hour++)
		window_put(&past, 500, (1000 + hour) * DAY_MS / 24);
	assert_true(past.fitted > 0);
	for (size_t i = 0; i < past.count; i++)
		assert_true(past.blocks[i].time_ms >= 1020 * DAY_MS / 24 && past.blocks[i].time_ms < 9000 * DAY_MS);
}

/* A third of the windows has a wrong clock: their blocks leave together, or the reference would be made anew by each window. */
static void blocks_between_others_leave(void **state)
{
	(void)state;
	struct past past = {0};
	int renewed = 0;
	for (int window = 0; window < 900; window++) {
		const uint64_t fit = past.fit;
		window_put(&past, 500, window % 3 ? 1000 * DAY_MS + window * DAY_MS / 48 : 1);
		renewed += past.fit != fit;
	}
	assert_true(past.fitted > 0);
	assert_true(renewed > 900 / 48 && renewed < 900 / 8);
}

/* ---- the observer ---- */

/* 27 windows of 37 rows are 999 rows, one too few. */
static void windows_are_judged_when_the_past_has_enough_rows(void **state)
{
	(void)state;
	static const struct {
		const char *options;
		int rows, windows;
	} cases[] = {{"window: 37, falseAlarms: 0.1 per 1000", 37, 28}, {"window: 40, falseAlarms: 0.1 per 1000", 40, 25}};
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_past(&observed, "1d", cases[i].options);
		for (int window = 0; window < cases[i].windows; window++) {
			observed.count = 0;
			observed_rows(&observed, 1, cases[i].rows, 0);
			assert_int_equal(observed.count, 1);
			assert_int_equal(observed.seen[0].verdict, DRIFT_LEARNING);
			assert_int_equal(observed.seen[0].reference_rows, 0);
			assert_int_equal(observed.seen[0].statistics, 0);
			assert_int_equal(observed.seen[0].quality, 0); /* nothing was counted */
			assert_int_equal(observed.seen[0].window, window);
			assert_string_equal(observed.state, "learning");
			assert_true(isnan(observed.seen[0].score)); /* the record has none; marks are 0 and false */
			assert_true(observed.score == 0 && !observed.flagged);
		}
		observed_rows(&observed, 1, cases[i].rows, 0);
		assert_int_equal(observed.seen[1].verdict, DRIFT_STEADY);
		assert_int_equal(observed.seen[1].reference_rows, cases[i].rows * cases[i].windows);
		assert_int_equal(observed.seen[1].statistics, 2 * 3);
		observed_rows(&observed, 1, 1, 0);
		assert_string_equal(observed.state, "steady");
		observed_close(&observed);
	}
}

/* Nothing came for longer than the past is. */
static void a_past_that_is_over_is_learnt_again(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1h", BY_COUNT);
	observed_rows(&observed, 14, 100, 0);
	observed_rows(&observed, 1, 100, 2);
	observed.time_ms += DAY_MS;
	observed_rows(&observed, 2, 100, 0); /* the reference is that of before, until two windows say that it is another day */
	observed_rows(&observed, 1, 100, 0);
	assert_int_equal(observed.seen[14].verdict, DRIFT_FOUND);
	assert_int_equal(observed.seen[16].verdict, DRIFT_STEADY);
	assert_int_equal(observed.seen[17].verdict, DRIFT_LEARNING);
	observed_rows(&observed, 1, 1, 0);
	assert_string_equal(observed.state, "learning");
	assert_true(observed.score == 0 && !observed.flagged);
	observed_close(&observed);
}

/* A row of each second window has the time 0. The past is an hour all the same, and the reference is seldom made anew. */
static void rows_with_a_wrong_time_change_no_past(void **state)
{
	(void)state;
	struct observed observed;
	uint64_t rows = 0;
	int renewed = 0;
	observed_open_past(&observed, "1h", BY_COUNT);
	for (int window = 0; window < 150; window++) {
		const int64_t time_ms = observed.time_ms;
		observed.count = 0;
		observed.time_ms = 0;
		observed_rows(&observed, window % 2, 1, 0);
		observed.time_ms = time_ms + 60000;
		observed_rows(&observed, 1, 100 - window % 2, 0);
		assert_int_equal(observed.count, 1);
		renewed += observed.seen[0].reference_rows != rows;
		rows = observed.seen[0].reference_rows;
	}
	assert_true(rows >= 45 * 100 && rows <= 80 * 100);
	assert_true(renewed >= 150 / 60 && renewed < 25);
	observed_close(&observed);
}

#define HANDED_MESSAGES 260

/* Messages of that stream, in which a fault of some windows comes and goes. */
static void send_with_faults(struct observed *observed, int from, int end)
{
	for (int i = from; i < end; i++)
		observed_rows(observed, 1, 11, i > 120 && i % 60 < 20);
}

/* The same stream, whose second engine begins with that message. */
static void expect_the_same_past(const struct observed *one, const char *windows, int first)
{
	struct observed two;
	observed_open_past(&two, "1h", windows);
	send_with_faults(&two, 0, first);
	observed_engine_close(&two);
	observed_engine_open(&two);
	send_with_faults(&two, first, HANDED_MESSAGES);
	assert_int_equal(two.count, one->count);
	for (size_t i = 0; i < one->count; i++) {
		assert_int_equal(two.seen[i].window, one->seen[i].window);
		assert_int_equal(two.seen[i].verdict, one->seen[i].verdict);
		assert_int_equal(two.seen[i].reference_rows, one->seen[i].reference_rows);
		assert_true(two.seen[i].sum == one->seen[i].sum);
	}
	observed_close(&two);
}

static void the_past_goes_on_in_another_engine(void **state)
{
	(void)state;
	static const char *const windows[] = {BY_COUNT, BY_TIME};
	for (size_t which = 0; which < 2; which++) {
		struct observed one;
		observed_open_past(&one, "1h", windows[which]);
		send_with_faults(&one, 0, HANDED_MESSAGES);
		assert_int_equal(one.seen[one.count - 1].verdict, DRIFT_FOUND);
		expect_the_same_past(&one, windows[which], 7);
		expect_the_same_past(&one, windows[which], 68);
		expect_the_same_past(&one, windows[which], 190);
		observed_close(&one);
	}
}

/* What was not committed is gone, and so is the past that only memory has. */
static void a_past_that_was_not_committed_is_gone(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", BY_COUNT);
	observed_rows(&observed, 12, 100, 0);
	assert_int_equal(observed.seen[11].verdict, DRIFT_STEADY);
	line_close(observed.line);
	store_close(observed.store);
	observed.store = store_open(flow_scopes(observed.flow), STORE_BYTES);
	observed.line = line_open(observed.flow, observed.store, &(struct error){0});
	observed_rows(&observed, 1, 100, 0);
	assert_int_equal(observed.seen[12].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[12].window, 0);
	observed_close(&observed);
}

static void send_columns(struct observed *observed, int columns)
{
	double numbers[100 * 3] = {0};
	const int64_t shape[] = {100, columns};
	const struct tensor tensor = {.name = TEXT("x"),
				      .datatype = DATATYPE_FP64,
				      .shape = shape,
				      .rank = 2,
				      .data = numbers,
				      .count = (size_t)columns * 100};
	for (int i = 0; i < 100 * columns; i++)
		numbers[i] = (double)random_below(&observed->chance, 1000);
	observed_send(observed, &tensor);
}

/* After a window's number of messages that do not fit, those that come are what there is to watch. */
static void other_features_begin_another_past(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", BY_COUNT);
	observed_strangers(&observed, 1); /* teaches nothing */
	observed_rows(&observed, 12, 100, 0);
	assert_int_equal(observed.count, 12);
	assert_int_equal(observed.seen[0].unusable, 1);
	for (int i = 0; i < 99; i++)
		send_columns(&observed, 3);
	assert_int_equal(observed.count, 12);
	send_columns(&observed, 3);
	assert_int_equal(observed.count, 13);
	assert_int_equal(observed.seen[12].unusable, 100);
	for (int i = 0; i < 10; i++)
		send_columns(&observed, 3);
	assert_int_equal(observed.seen[22].verdict, DRIFT_LEARNING);
	send_columns(&observed, 3);
	assert_int_equal(observed.count, 24);
	assert_int_equal(observed.seen[23].verdict, DRIFT_STEADY);
	assert_int_equal(observed.seen[23].statistics, 3 * 3);
	assert_int_equal(observed.seen[23].reference_rows, 1000);
	observed_close(&observed);
}

/* Infinite and huge values are in no reference, and harm none. */
static void a_past_with_values_of_no_use_is_one(void **state)
{
	(void)state;
	double numbers[200];
	const int64_t shape[] = {100, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 200};
	struct observed observed;
	observed_open_past(&observed, "1d", BY_COUNT);
	for (int message = 0; message < 12; message++) {
		for (int i = 0; i < 200; i++)
			numbers[i] = i % 2 ? (double)NAN : (double)random_below(&observed.chance, 1000);
		numbers[2 * message] = message % 2 ? (double)INFINITY : -1e200;
		observed_send(&observed, &tensor);
	}
	assert_int_equal(observed.seen[11].verdict, DRIFT_STEADY);
	assert_int_equal(observed.seen[11].statistics, 3);
	assert_true(isfinite(observed.seen[11].sum));
	observed_close(&observed);
}

#define DIALECT(threshold)                                                                      \
	"model: {name: drift-monitor, storageUri: \"s3://mlflow-artifacts/drift-detection/\", "    \
	"modelSettings: {parameters: [{name: reference_window, value: \"7d\"}, "                   \
	"{name: detection_threshold, value: \"" threshold "\"}, {name: drift_methods, value: \"ks,psi\"}]}}"

/* The same stream by two thresholds: the score is above one of them. */
static void the_dialect_finds_drift_above_its_threshold(void **state)
{
	(void)state;
	struct observed low, high;
	observed_open_watch(&low, DIALECT("0.05"));
	observed_open_watch(&high, DIALECT("0.5"));
	for (int i = 0; i < 2; i++) {
		struct observed *observed = i ? &high : &low;
		observed_rows(observed, 3, 500, 0);
		observed_rows(observed, 1, 500, 0.6);
		assert_int_equal(observed->count, 4);
		assert_int_equal(observed->seen[1].verdict, DRIFT_LEARNING);
		assert_int_equal(observed->seen[2].verdict, DRIFT_STEADY);
		assert_int_equal(observed->seen[2].statistics, 2 * 2);
		assert_true(observed->seen[3].score > 0.05 && observed->seen[3].score < 0.5);
		assert_int_equal(observed->seen[3].verdict, i ? DRIFT_STEADY : DRIFT_FOUND);
		observed_close(observed);
	}
}

/* ---- false alarms ---- */

#define STREAM_ROWS 8000

/* `make change` runs more. */
static int streams_wanted(void)
{
	const char *wanted = getenv("DRIFT_STREAMS");
	return wanted ? (int)strtol(wanted, NULL, 10) : 3;
}

static double normal(struct random *chance)
{
	const double one = 1 - (double)(random_next(chance) >> 11) * 0x1p-53, two = (double)(random_next(chance) >> 11) * 0x1p-53;
	return sqrt(-2 * log(one)) * cos(2 * M_PI * two);
}

/* Alarms among the windows that are judged, of fresh streams; `judged` gets how many these are. */
static int alarms_of(double carry, uint64_t seed, int *judged)
{
	int alarms = 0;
	double carried[2] = {0}, numbers[200];
	const int64_t shape[] = {100, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 200};
	*judged = 0;
	for (int stream = 0; stream < streams_wanted(); stream++) {
		struct observed observed;
		struct random chance = {seed + (uint64_t)stream * 1000};
		observed_open_past(&observed, "10m", "window: 100, falseAlarms: 1 per 1000");
		for (int rows = 0; rows < STREAM_ROWS; rows += 100) {
			for (int i = 0; i < 200; i++)
				numbers[i] = carried[i % 2] =
					carry * carried[i % 2] + sqrt(1 - carry * carry) * normal(&chance);
			observed.count = 0;
			observed.time_ms += 9000;
			observed_send(&observed, &tensor);
			*judged += observed.seen[0].verdict != DRIFT_LEARNING;
			alarms += observed.seen[0].verdict == DRIFT_FOUND;
		}
		observed_close(&observed);
	}
	return alarms;
}

/* 10 minutes are 60 windows, so the past also loses its oldest. */
static void clean_streams_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	int judged;
	const int alarms = alarms_of(0, 5, &judged);
	const double declared = judged * 0.1;
	assert_int_equal(judged, streams_wanted() * (STREAM_ROWS / 100 - 10));
	assert_true(alarms <= declared + 3 * sqrt(declared));
	assert_true(alarms > declared / 10);
}

static void streams_that_carry_on_raise_at_most_twice_as_many(void **state)
{
	(void)state;
	int judged;
	const int alarms = alarms_of(0.8, 77, &judged);
	assert_true(alarms <= 2 * (judged * 0.1 + 3 * sqrt(judged * 0.1)));
}

/* Constants have no distance of Wasserstein: once there are enough rows, records say why they judge nothing. */
static void a_past_that_cannot_be_compared_says_why(void **state)
{
	(void)state;
	static const double numbers[] = {3, 4};
	static const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, methods: [wasserstein], falseAlarms: 0.1 per 1000");
	for (int i = 0; i < 1200; i++)
		observed_send(&observed, &tensor);
	assert_int_equal(observed.count, 12);
	assert_string_equal(observed.seen[0].uncompared, "");
	assert_int_equal(observed.seen[11].verdict, DRIFT_LEARNING);
	assert_non_null(strstr(observed.seen[11].uncompared, "none of the methods applies to a feature of the reference"));
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_past_that_cannot_be_compared_says_why),
		cmocka_unit_test(blocks_are_bounded_and_stand_for_all_rows),
		cmocka_unit_test(blocks_merge_with_their_like_alone),
		cmocka_unit_test(a_window_of_too_few_rows_is_not_remembered),
		cmocka_unit_test(blocks_of_a_long_past_are_a_fair_draw),
		cmocka_unit_test(old_blocks_leave),
		cmocka_unit_test(a_wrong_time_ends_no_past),
		cmocka_unit_test(blocks_of_a_clock_that_was_set_back_leave),
		cmocka_unit_test(blocks_between_others_leave),
		cmocka_unit_test(windows_are_judged_when_the_past_has_enough_rows),
		cmocka_unit_test(a_past_that_is_over_is_learnt_again),
		cmocka_unit_test(rows_with_a_wrong_time_change_no_past),
		cmocka_unit_test(the_past_goes_on_in_another_engine),
		cmocka_unit_test(a_past_that_was_not_committed_is_gone),
		cmocka_unit_test(other_features_begin_another_past),
		cmocka_unit_test(a_past_with_values_of_no_use_is_one),
		cmocka_unit_test(the_dialect_finds_drift_above_its_threshold),
		cmocka_unit_test(clean_streams_raise_no_more_alarms_than_declared),
		cmocka_unit_test(streams_that_carry_on_raise_at_most_twice_as_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
