/* lasting_spread_test.c: Tests of a spread that follows from the rows before: that it is found where it is, and that the change
 * detector is no more alarmed by it than it declares, and sees what else changes. */
#include "methods/drift/change/lasting_spread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/change/change.h"
#include "tests/unit/arena_fixture.h"

#define REFERENCE 400
#define LIVE 600
#define REFERENCES 120
#define RATE 1 /* alarms a thousand rows */
#define COLUMNS_MOST 5
#define BEFORE 300 /* rows until a stream has forgotten its first one */

static struct random chance;

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)64 << 20);
	chance.state = 47;
	return arena ? 0 : -1;
}

static double drawn(void)
{
	double u = ((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53, v = (double)(random_next(&chance) >> 11) * 0x1p-53;
	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* ---- streams ---- */

struct column {
	double last, variance, log_variance;
	bool is_wild;
};

static double independent(struct column *column)
{
	(void)column;
	return drawn();
}

static double garch(struct column *column, double react, double keep)
{
	column->variance = 1 - react - keep + react * column->last * column->last + keep * column->variance;
	return column->last = sqrt(column->variance) * drawn();
}

static double prices(struct column *column)
{
	return garch(column, 0.1, 0.8);
}

static double prices_that_remember(struct column *column)
{
	return garch(column, 0.1, 0.88);
}

static double volatile_logarithm(struct column *column)
{
	column->log_variance = 0.98 * column->log_variance + 0.2 * drawn();
	return exp(column->log_variance / 2) * drawn();
}

/* Some thirty rows calm, and as many wild ones. */
static double calm_or_wild(struct column *column)
{
	column->is_wild ^= random_next(&chance) % 30 == 0;
	return (column->is_wild ? 3 : 1) * drawn();
}

static const struct stream {
	const char *name;
	double (*next)(struct column *column);
} streams[] = {
	{"GARCH .1 .8", prices},
	{"GARCH .1 .88", prices_that_remember},
	{"stochastic volatility .98", volatile_logarithm},
	{"calm or wild", calm_or_wild},
};

static struct table rows_of(const struct stream *stream, size_t rows, size_t columns)
{
	struct table table = {rows, columns, ARENA_ARRAY(arena, double, rows * columns)};
	assert_non_null(table.values);
	for (size_t j = 0; j < columns; j++) {
		struct column column = {.variance = 1};
		for (size_t i = 0; i < BEFORE; i++)
			stream->next(&column);
		for (size_t i = 0; i < rows; i++)
			table.values[i * columns + j] = stream->next(&column);
	}
	return table;
}

/* ---- the fit ---- */

static void what_a_stream_was_made_by_is_found(void **state)
{
	(void)state;
	struct table rows = rows_of(&streams[0], 20000, 1);
	struct lasting_spread spread;
	assert_true(lasting_spread_fit(&spread, rows.values, rows.rows) > 100);
	assert_true(spread.react >= 0.07 && spread.react <= 0.15);
	assert_true(spread.react + spread.keep >= 0.8 && spread.react + spread.keep <= 0.95);
}

/* Rows without a number count as absent, whichever they are, and the unit of the others has no effect. */
static void missing_rows_and_the_unit_have_no_effect(void **state)
{
	(void)state;
	static double levels[8000];
	struct table rows = rows_of(&streams[1], 4000, 1);
	struct lasting_spread whole, sparse;
	double found = lasting_spread_fit(&whole, rows.values, 4000);
	assert_true(found > 1);
	for (size_t odd = 0; odd < 2; odd++) {
		for (size_t i = 0; i < 8000; i++)
			levels[i] = i % 2 == odd ? (double)NAN : 7 * rows.values[i / 2];
		assert_true(fabs(found - lasting_spread_fit(&sparse, levels, 8000)) < 1e-6);
		assert_true(whole.react == sparse.react && whole.keep == sparse.keep);
		assert_true(fabs(whole.scale / sparse.scale - 7) < 1e-9);
	}
}

static void independent_levels_are_left_alone(void **state)
{
	(void)state;
	size_t above_1 = 0, above_3 = 0;
	for (size_t i = 0; i < 600; i++) {
		arena_reset(arena);
		struct table rows = rows_of(&(struct stream){"independent", independent}, REFERENCE, 1);
		struct lasting_spread spread;
		double found = lasting_spread_fit(&spread, rows.values, rows.rows);
		assert_true((found > 0) == (spread.react > 0));
		above_1 += found > 1;
		above_3 += found > 3;
	}
	assert_in_range(above_1, 30, 100); /* 60 are said */
	assert_in_range(above_3, 0, 12);   /* 4 */
}

static void levels_freed_of_it_have_no_spread_that_lasts(void **state)
{
	(void)state;
	struct table rows = rows_of(&streams[1], 20000, 1);
	struct lasting_spread spread, rest;
	double before = lasting_spread_fit(&spread, rows.values, rows.rows);
	lasting_spread_begin(&spread);
	for (size_t i = 0; i < rows.rows; i++)
		rows.values[i] = lasting_spread_free(&spread, rows.values[i]);
	assert_true(lasting_spread_fit(&rest, rows.values, rows.rows) < before / 100);
}

/* ---- the detector ---- */

static struct change_detector *learnt(const struct table *rows)
{
	struct error error = {0};
	struct table reference = {REFERENCE, rows->columns, rows->values};
	struct change_detector *detector = change_open(arena, &reference, RATE, &error);
	if (!detector)
		fail_msg("%s", error.text);
	return detector;
}

static size_t alarms_count(const struct stream *stream, size_t columns)
{
	size_t alarms = 0;
	for (size_t i = 0; i < REFERENCES; i++) {
		arena_reset(arena);
		struct table rows = rows_of(stream, REFERENCE + LIVE, columns);
		struct change_detector *detector = learnt(&rows);
		for (size_t j = REFERENCE; j < rows.rows; j++)
			alarms += change_add(detector, rows.values + j * columns, NULL);
	}
	return alarms;
}

static void a_spread_that_lasts_raises_at_most_twice_as_many_alarms(void **state)
{
	(void)state;
	const size_t declared = REFERENCES * LIVE * RATE / 1000;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		for (size_t columns = 1; columns <= COLUMNS_MOST; columns += COLUMNS_MOST - 1) {
			const size_t alarms = alarms_count(&streams[i], columns);
			print_message("%s, %zu columns: %zu alarms, %zu declared\n", streams[i].name, columns, alarms, declared);
			assert_true(alarms <= 2 * declared);
			assert_true(alarms > declared / 8); /* they are not merely kept silent */
		}
}

/* Rows until the alarm, of a stream whose numbers become wider or higher; LIVE where there is none. */
static size_t delay_of(const struct stream *stream, size_t columns, double wider, double higher)
{
	arena_reset(arena);
	struct table rows = rows_of(stream, REFERENCE + LIVE, columns);
	struct change_detector *detector = learnt(&rows);
	for (size_t i = REFERENCE; i < rows.rows; i++) {
		double *row = rows.values + i * columns;
		row[0] = row[0] * wider + higher;
		if (change_add(detector, row, NULL))
			return i - REFERENCE;
	}
	return LIVE;
}

static void a_level_is_seen_beside_a_spread_that_lasts(void **state)
{
	(void)state;
	size_t late = 0;
	for (size_t i = 0; i < REFERENCES; i++)
		late += delay_of(&streams[1], 1, 1, 1) > 80;
	assert_true(late <= REFERENCES / 10);
}

static void a_wider_spread_of_independent_rows_is_seen_as_soon(void **state)
{
	(void)state;
	size_t late = 0;
	for (size_t i = 0; i < REFERENCES; i++)
		late += delay_of(&(struct stream){"independent", independent}, 1 + i % 2 * 4, 2.5, 0) > 40;
	assert_true(late <= REFERENCES / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_stream_was_made_by_is_found, setup, arena_end),
		cmocka_unit_test_setup_teardown(missing_rows_and_the_unit_have_no_effect, setup, arena_end),
		cmocka_unit_test_setup_teardown(independent_levels_are_left_alone, setup, arena_end),
		cmocka_unit_test_setup_teardown(levels_freed_of_it_have_no_spread_that_lasts, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_spread_that_lasts_raises_at_most_twice_as_many_alarms, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_level_is_seen_beside_a_spread_that_lasts, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_wider_spread_of_independent_rows_is_seen_as_soon, setup, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
