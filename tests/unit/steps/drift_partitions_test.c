/* drift_partitions_test.c: rows of several partitions come to the windows of a step `drift` in the order of their times, however
 * they are read; and what becomes of windows when a clock is set back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "tests/unit/observed.h"

#define PARTITIONS 6
#define ROWS 250 /* of each */
#define SLICE_ROWS 97
#define BY_TIME "window: 30s, falseAlarms: 0.1 per 1000"
#define BY_COUNT "window: 100, falseAlarms: 0.1 per 1000"
#define ONLINE "window: 100, falseAlarms: 0.1 per 1000, methods: [page-hinkley, cusum]"

/* How a backlog is read. */
enum reading { READ_BY_TIME, READ_BY_PARTITION, READ_IN_BLOCKS };

struct backlog {
	struct observed *observed;
	int next[PARTITIONS];
	struct random chance;
	int64_t begin_ms;
	int sent;
	int stop;  /* an engine takes over each time after so many; 0: never */
	int slice; /* rows of a record; 1: messages go alone */
	int rows;  /* that wait for one */
	double numbers[2 * SLICE_ROWS];
	int64_t times_ms[SLICE_ROWS];
	int32_t partitions[SLICE_ROWS];
};

static uint64_t drawn(struct random *chance, uint64_t below)
{
	return random_next(chance) % below;
}

static void rows_send(struct backlog *backlog)
{
	struct observed *observed = backlog->observed;
	const int64_t shape[] = {backlog->rows, 2};
	const struct tensor tensor = {.name = TEXT("x"),
				      .datatype = DATATYPE_FP64,
				      .shape = shape,
				      .rank = 2,
				      .data = backlog->numbers,
				      .count = 2 * (size_t)backlog->rows};
	char reads[8 * PARTITIONS];
	size_t length = 0;
	for (int i = 0; i < PARTITIONS; i++)
		length += (size_t)snprintf(reads + length, sizeof reads - length, "%d%c", i, backlog->next[i] < ROWS ? '+' : '-');
	observed->reads = reads;
	observed->partition = backlog->partitions[0];
	observed->time_ms = backlog->times_ms[0];
	if (backlog->slice > 1)
		observed_slice(observed, &tensor, backlog->times_ms, backlog->partitions, backlog->rows);
	else
		observed_send(observed, &tensor);
	backlog->rows = 0;
}

static void row_send(struct backlog *backlog, int partition)
{
	const int row = backlog->next[partition]++, at = backlog->rows++;
	struct random own = {(uint64_t)(row * PARTITIONS + partition + 1) * 0x9e3779b97f4a7c15};
	for (int i = 0; i < 2; i++)
		backlog->numbers[2 * at + i] = (double)(random_next(&own) >> 11) * 0x1p-53;
	backlog->times_ms[at] = backlog->begin_ms + 1000 * row + 100 * partition;
	backlog->partitions[at] = partition;
	const bool last = ++backlog->sent == PARTITIONS * ROWS, stop = backlog->stop && backlog->sent % backlog->stop == 0;
	if (backlog->rows == backlog->slice || last || stop)
		rows_send(backlog);
	if (stop) {
		observed_engine_close(backlog->observed);
		observed_engine_open(backlog->observed);
	}
}

static void block_send(struct backlog *backlog, int partition, int rows)
{
	for (; rows > 0 && backlog->next[partition] < ROWS; rows--)
		row_send(backlog, partition);
}

static void backlog_read(struct observed *observed, enum reading reading, const char *options, int stop, uint64_t seed)
{
	observed_open(observed, options);
	struct backlog backlog = {.observed = observed,
				  .chance = {seed},
				  .begin_ms = observed->time_ms,
				  .stop = stop,
				  .slice = seed % 2 ? 1 : SLICE_ROWS};
	for (int row = 0; row < ROWS && reading == READ_BY_TIME; row++)
		for (int partition = 0; partition < PARTITIONS; partition++)
			row_send(&backlog, partition);
	for (int partition = 0; partition < PARTITIONS && reading == READ_BY_PARTITION; partition++)
		block_send(&backlog, (partition * 5 + 2) % PARTITIONS, ROWS);
	while (backlog.sent < PARTITIONS * ROWS)
		block_send(&backlog, (int)drawn(&backlog.chance, PARTITIONS), (int)drawn(&backlog.chance, 80));
}

static void expect_the_same(const struct observed *one, const struct observed *two)
{
	assert_int_equal(two->count, one->count);
	for (size_t i = 0; i < one->count; i++) {
		const struct seen *a = &one->seen[i];
		size_t at = 0; /* the verdicts of a message are listed from the last to the first */
		while (at < two->count && two->seen[at].window != a->window)
			at++;
		assert_true(at < two->count);
		const struct seen *b = &two->seen[at];
		assert_int_equal(b->messages, a->messages);
		assert_int_equal(b->late, 0);
		assert_int_equal(b->begin_ms, a->begin_ms);
		assert_int_equal(b->end_ms, a->end_ms);
		assert_true(b->sum == a->sum && scores_equal(b->score, a->score));
		assert_true(scores_equal(b->times.rate, a->times.rate));
	}
}

static void the_order_of_reads_changes_no_verdict(void **state)
{
	(void)state;
	static const char *const options[] = {BY_TIME, BY_COUNT, ONLINE, BY_COUNT ", estimate: x"};
	for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
		struct observed live;
		backlog_read(&live, READ_BY_TIME, options[i], 0, 1);
		assert_int_equal(live.count, i == 0 ? 8 : 15);
		for (int j = 0; j < (UNIT_IS_SHORT ? 3 : 12); j++) {
			struct observed other;
			backlog_read(&other, j ? READ_IN_BLOCKS : READ_BY_PARTITION, options[i],
				     j == 1   ? 110
				     : j == 2 ? 170
					      : 0,
				     (uint64_t)j + 1); /* an even seed: in slices */
			expect_the_same(&live, &other);
			observed_close(&other);
		}
		observed_close(&live);
	}
}

static void windows_by_time_have_their_rows_and_rate(void **state)
{
	(void)state;
	struct observed observed;
	backlog_read(&observed, READ_BY_PARTITION, BY_TIME, 0, 1);
	for (size_t i = 0; i < observed.count; i++) {
		const struct seen *seen = &observed.seen[i];
		assert_int_equal(seen->late, 0);
		if (seen->window > 0) {
			assert_int_equal(seen->messages, 180);
			assert_true(seen->times.rate == 360);
		}
	}
	observed_close(&observed);
}

/* The marks of a row that nothing holds are those of its own window: a live stream by count waits for nothing. */
static void rows_by_count_that_are_live_do_not_wait(void **state)
{
	(void)state;
	struct observed observed;
	double numbers[2] = {0.5, 0.5};
	const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	observed_open(&observed, BY_COUNT);
	observed.reads = "0-1-2-";
	for (int i = 0; i < 100; i++) {
		observed.partition = i % 3;
		observed_send(&observed, &tensor);
	}
	assert_int_equal(observed.count, 1);
	observed_close(&observed);
}

/* The window in which the clock was set back is not judged by arrivals, and those after it are. */
static void a_clock_that_was_set_back_is_no_alarm(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_timed(&observed, "window: 200s, falseAlarms: 1 per 100");
	observed_rows(&observed, 400, 1, 0);
	observed.time_ms -= DAY_MS;
	observed_rows(&observed, 700, 1, 0);
	size_t judged = 0, set_back = 0;
	for (size_t i = 0; i < observed.count; i++) {
		const struct drift_times *times = &observed.seen[i].times;
		assert_false(times->rate_alarm || times->age_alarm);
		judged += isnan(times->rate) ? 0 : 1;
		set_back += times->unjudged && strcmp(times->unjudged, "the clock was set back") == 0;
	}
	assert_int_equal(set_back, 1);
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	char words[CLOCK_WORDS_BYTES];
	uint64_t said = 0;
	assert_true(verdict_entry_clock(entry, &said, words));
	assert_non_null(strstr(words, "partition 0 went back from 1970-04-11T00:06:39Z to 1970-04-10T00:08:19Z"));
	assert_non_null(strstr(words, "windows begin anew"));
	assert_false(verdict_entry_clock(entry, &said, words));
	assert_int_equal(judged, 2); /* but for the first one of each clock */
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_of_reads_changes_no_verdict),
		cmocka_unit_test(windows_by_time_have_their_rows_and_rate),
		cmocka_unit_test(rows_by_count_that_are_live_do_not_wait),
		cmocka_unit_test(a_clock_that_was_set_back_is_no_alarm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
