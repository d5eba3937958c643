/* covariance_past_test.c: covariances of rows that came apart, and the blocks of a past that is learnt from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "methods/outliers/covariance.h"
#include "methods/drift/covariance_past.h"

#define COLUMNS 4
#define ROWS 700
#define PAST_MS ((int64_t)32000) /* a part is a second */

static struct arena *arena;

static int arena_begin(void **state)
{
	(void)state;
	arena = arena_open((size_t)16 << 20);
	return !arena;
}

static int arena_end(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static void row_draw(struct random *chance, double *row)
{
	for (size_t i = 0; i < COLUMNS; i++)
		row[i] = 1e6 * (double)i + (double)random_below(chance, 1000) / 100 + (i ? row[i - 1] / 1e6 : 0);
}

/* ---- covariances ---- */

static void covariances_of_parts_merge_to_that_of_all(void **state)
{
	(void)state;
	static const size_t ends[] = {0, 1, 2, 300, 300, ROWS}; /* some parts have one row, or none */
	double rows[ROWS][COLUMNS];
	struct covariance merged;
	struct random chance = {5};
	assert_true(covariance_open(&merged, COLUMNS, arena));
	for (size_t i = 0; i < ROWS; i++)
		row_draw(&chance, rows[i]);
	for (size_t part = 0; part + 1 < sizeof ends / sizeof *ends; part++) {
		struct covariance one;
		assert_true(covariance_open(&one, COLUMNS, arena));
		for (size_t i = ends[part]; i < ends[part + 1]; i++)
			covariance_add(&one, rows[i]);
		covariance_merge(&merged, &one);
	}
	assert_int_equal(merged.rows, ROWS);
	for (size_t i = 0; i < COLUMNS; i++)
		for (size_t j = 0; j < COLUMNS; j++) { /* by the definition, in two passes */
			double means[2] = {0, 0}, sum = 0;
			for (size_t k = 0; k < ROWS; k++) {
				means[0] += rows[k][i] / ROWS;
				means[1] += rows[k][j] / ROWS;
			}
			for (size_t k = 0; k < ROWS; k++)
				sum += (rows[k][i] - means[0]) * (rows[k][j] - means[1]);
			assert_true(fabs(merged.mean[i] - means[0]) < 1e-8);
			assert_true(fabs(covariance_of(&merged, i, j, 1) - sum / (ROWS - 1)) < 1e-8);
		}
}

static void stored_numbers_are_a_covariance_again(void **state)
{
	(void)state;
	double numbers[2 + 3] = {0}; /* two means, and a triangle of three products */
	assert_int_equal(covariance_numbers(2), 5);
	struct covariance first = covariance_over(numbers, 2, 0);
	covariance_add(&first, (double[]){1, 10});
	struct covariance again = covariance_over(numbers, 2, first.rows);
	covariance_add(&again, (double[]){3, 14});
	assert_true(numbers[0] == 2 && numbers[1] == 12);
	assert_true(numbers[2] == 2 && numbers[3] == 4 && numbers[4] == 8);
}

/* ---- the past ---- */

/* Adds a row of that time, as an observer does. Whether the reference is due. */
static bool row_put(struct covariance_past *past, int64_t time_ms, size_t columns)
{
	const int64_t begin_ms = covariance_block_begin(time_ms, PAST_MS);
	struct covariance_block *block = covariance_past_find(past, begin_ms);
	const bool begun = !block;
	uint64_t number;
	if (begun) {
		const struct past_span span = past_clock_move(&past->clock, begin_ms, PAST_MS);
		while (covariance_past_expire(past, span, PAST_MS, &number))
			continue;
		block = covariance_past_begin(past, begin_ms);
	}
	block->rows++;
	const bool due = covariance_past_is_due(past, columns, begun);
	past->given = due ? covariance_past_rows(past) : past->given;
	return due;
}

static void a_row_belongs_to_the_block_of_its_own_time(void **state)
{
	(void)state;
	assert_int_equal(covariance_block_begin(1999, PAST_MS), 1000);
	assert_int_equal(covariance_block_begin(2000, PAST_MS), 2000);
	assert_int_equal(covariance_block_begin(-1, PAST_MS), -1000);
	assert_true(covariance_block_begin(INT64_MIN, PAST_MS) <= -PAST_TIME_MOST);
	struct covariance_past past = {0};
	for (int64_t i = 0; i < 10; i++)
		row_put(&past, 1000000 + i * 1000, 2);
	row_put(&past, 1000000 + 3500, 2); /* it is late */
	assert_int_equal(past.count, 10);
	assert_int_equal(past.blocks[3].rows, 2);
}

static void blocks_leave_when_all_of_them_is_older_than_the_past(void **state)
{
	(void)state;
	struct covariance_past past = {0};
	for (int64_t i = 0; i < 200; i++) {
		const int64_t now_ms = 1000000 + i * 1000;
		row_put(&past, now_ms, 2);
		assert_true(past.count <= 2 + COVARIANCE_PARTS);
		if (i >= 40) { /* the past, and not much more */
			assert_true(past.blocks[0].begin_ms <= now_ms - PAST_MS);
			assert_true(past.blocks[0].begin_ms >= now_ms - PAST_MS - 2000);
		}
	}
	row_put(&past, 1000000 + 300000, 2); /* after a pause all are too old, by the second row that says so */
	row_put(&past, 1000000 + 301000, 2);
	assert_int_equal(past.count, 2);
}

static void a_row_with_a_wrong_time_ends_no_past(void **state)
{
	(void)state;
	static const int64_t wrong[] = {0, INT64_MAX, INT64_MIN, 1000000 + 86400000, 1000000 - 86400000};
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct covariance_past past = {0};
		for (int64_t j = 0; j < 100; j++)
			row_put(&past, 1000000 + j * 1000, 2);
		row_put(&past, wrong[i], 2);
		for (int64_t j = 100; j < 103; j++)
			row_put(&past, 1000000 + j * 1000, 2);
		assert_in_range(past.count, COVARIANCE_PARTS, COVARIANCE_PARTS + 2);
		for (size_t j = 0; j < past.count; j++)
			assert_true(past.blocks[j].begin_ms >= 1000000 && past.blocks[j].begin_ms <= 1103000);
	}
}

static void a_clock_that_is_set_back_goes_on_from_there(void **state)
{
	(void)state;
	struct covariance_past past = {0};
	for (int64_t j = 0; j < 100; j++)
		row_put(&past, 90000000 + j * 1000, 2);
	for (int64_t j = 0; j < 100; j++)
		row_put(&past, 3600000 + j * 1000, 2);
	assert_in_range(past.count, COVARIANCE_PARTS, COVARIANCE_PARTS + 2);
	for (size_t j = 0; j < past.count; j++)
		assert_true(past.blocks[j].begin_ms < 4000000);
}

static void times_without_order_keep_the_last_blocks_that_began(void **state)
{
	(void)state;
	struct covariance_past past = {0};
	struct random chance = {9};
	uint64_t most = 0;
	for (int i = 0; i < 5000; i++) {
		row_put(&past, (int64_t)random_below(&chance, 60000), 2);
		most = past.count > most ? past.count : most;
		for (size_t j = 1; j < past.count; j++)
			assert_true(past.blocks[j].number > past.blocks[j - 1].number);
	}
	assert_int_equal(most, COVARIANCE_BLOCKS_MAX);
}

/* At the least number of rows, at each doubling, and when a block has all its rows. */
static void the_reference_is_due_when_it_is_worth_more(void **state)
{
	(void)state;
	static const size_t columns[] = {1, 20, 21, 100}, least[] = {200, 200, 210, 1000};
	for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
		struct covariance_past past = {0};
		for (size_t row = 1; row <= 4 * least[i]; row++)
			assert_int_equal(row_put(&past, 5000, columns[i]),
					 row == least[i] || row == 2 * least[i] || row == 4 * least[i]);
		assert_true(row_put(&past, 6000, columns[i]));
		assert_false(row_put(&past, 6000, columns[i]));
	}
	struct covariance_past few = {0};
	for (int64_t i = 0; i < 30; i++) /* blocks begin, and there are too few rows */
		assert_false(row_put(&few, i * 1000, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(covariances_of_parts_merge_to_that_of_all, arena_begin, arena_end),
		cmocka_unit_test(stored_numbers_are_a_covariance_again),
		cmocka_unit_test(a_row_belongs_to_the_block_of_its_own_time),
		cmocka_unit_test(blocks_leave_when_all_of_them_is_older_than_the_past),
		cmocka_unit_test(a_row_with_a_wrong_time_ends_no_past),
		cmocka_unit_test(a_clock_that_is_set_back_goes_on_from_there),
		cmocka_unit_test(times_without_order_keep_the_last_blocks_that_began),
		cmocka_unit_test(the_reference_is_due_when_it_is_worth_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
