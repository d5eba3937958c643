/* change_test.c: Tests of what the change detector promises: its rate of false alarms, what it sees, and what it says of it. */
#include "methods/drift/change/change.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/change/level_crossing.h"
#include "tests/unit/arena_fixture.h"

#define REFERENCE 400

static struct random chance;

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)64 << 20);
	chance.state = 20;
	return arena ? 0 : -1;
}

static double drawn(void)
{
	double u = ((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53, v = (double)(random_next(&chance) >> 11) * 0x1p-53;
	return sqrt(-2 * log(u)) * cos(2 * M_PI * v);
}

/* Rows of normal columns; what changes is written by the tests over them. */
static struct table rows_drawn(size_t rows, size_t columns)
{
	struct table table = {rows, columns, ARENA_ARRAY(arena, double, rows * columns)};
	assert_non_null(table.values);
	for (size_t i = 0; i < rows * columns; i++)
		table.values[i] = drawn();
	return table;
}

static struct change_detector *opened(const struct table *reference, double false_alarms)
{
	struct error error = {0};
	struct change_detector *detector = change_open(arena, reference, false_alarms, &error);
	if (!detector)
		fail_msg("%s", error.text);
	return detector;
}

/* The first alarm; its row, or the number of rows where there is none. */
static size_t first_alarm(struct change_detector *detector, const struct table *rows, struct change_alarm *alarm)
{
	for (size_t i = 0; i < rows->rows; i++)
		if (change_add(detector, rows->values + i * rows->columns, alarm))
			return i;
	return rows->rows;
}

static void false_alarms_are_as_declared(void **state)
{
	(void)state;
	size_t alarms = 0;
	for (size_t i = 0; i < 60; i++) {
		arena_reset(arena);
		struct table reference = rows_drawn(REFERENCE, 2);
		struct change_detector *detector = opened(&reference, 4);
		for (size_t j = 0; j < 500; j++)
			alarms += change_add(detector, (double[]){drawn(), drawn()}, NULL);
	}
	/* 30,000 rows at 4 a thousand are 120. */
	assert_in_range(alarms, 60, 120 + 33);
}

/* What chance did to a small reference lasts as long as it does. */
static void a_small_reference_is_not_taken_for_the_truth(void **state)
{
	(void)state;
	size_t alarms = 0;
	for (size_t i = 0; i < 100; i++) {
		arena_reset(arena);
		struct table reference = rows_drawn(CHANGE_ROWS_MIN, 1);
		struct change_detector *detector = opened(&reference, 1);
		for (size_t j = 0; j < 400; j++)
			alarms += change_add(detector, (double[]){drawn()}, NULL);
	}
	assert_in_range(alarms, 10, 80); /* 40 are declared */
}

static void each_change_is_seen_and_named(void **state)
{
	(void)state;
	static const struct {
		enum change_kind kind;
		double shift, spread, mixed;
		size_t most; /* rows until the alarm */
	} changes[] = {
		{CHANGE_LOCATION, 2, 1, 0, 12}, {CHANGE_SCALE, 0, 2, 0, 60}, {CHANGE_SCALE, 0, 0.2, 0, 40}, {CHANGE_DEPENDENCE,
			0, 1, 0.95, 60}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct change_alarm alarm;
		arena_reset(arena);
		struct table reference = rows_drawn(REFERENCE, 3), rows = rows_drawn(100, 3);
		struct change_detector *detector = opened(&reference, 0.1);
		for (size_t j = 0; j < rows.rows; j++) {
			double *row = rows.values + 3 * j, own = sqrt(1 - changes[i].mixed * changes[i].mixed);
			row[2] = changes[i].shift + changes[i].spread * (own * row[2] + changes[i].mixed * row[0]);
		}
		size_t at = first_alarm(detector, &rows, &alarm);
		assert_true(at < changes[i].most);
		assert_true(alarm.window <= at + 1);
		if (alarm.kind != CHANGE_JOINT) { /* which comes first where all is seen at once */
			assert_int_equal(alarm.kind, changes[i].kind);
			assert_int_equal(alarm.kind == CHANGE_DEPENDENCE && alarm.column == 2 ? alarm.other : alarm.column,
					 changes[i].kind == CHANGE_DEPENDENCE ? 0 : 2);
		}
	}
}

/* Numbers of the same mean and deviation, which are no longer alike on both sides. */
static void a_shape_that_leans_to_a_side_is_seen(void **state)
{
	(void)state;
	size_t late = 0;
	for (size_t i = 0; i < 30; i++) {
		arena_reset(arena);
		struct table reference = rows_drawn(REFERENCE, 1), rows = rows_drawn(200, 1);
		struct change_alarm alarm;
		for (size_t j = 0; j < rows.rows; j++) {
			const double other = drawn();
			rows.values[j] = (rows.values[j] * rows.values[j] + other * other) / 2 - 1; /* exponential */
			rows.values[j] *= i % 2 ? 1 : -1;
		}
		const bool is_seen = first_alarm(opened(&reference, 0.5), &rows, &alarm) < rows.rows;
		late += !is_seen || alarm.kind != CHANGE_SHAPE;
	}
	assert_true(late <= 5);
}

static void only_ranks_count(void **state)
{
	(void)state;
	struct table plain = rows_drawn(REFERENCE, 1), rows = rows_drawn(2000, 1), bent = rows_drawn(REFERENCE, 1);
	for (size_t i = 0; i < REFERENCE; i++)
		bent.values[i] = exp(3 * plain.values[i]);
	struct change_detector *one = opened(&plain, 5), *other = opened(&bent, 5);
	size_t alarms = 0;
	for (size_t i = 0; i < rows.rows; i++) {
		double number = rows.values[i] + (i > 1000 ? 0.3 : 0), curved = exp(3 * number);
		bool alarm = change_add(one, &number, NULL);
		assert_int_equal(alarm, change_add(other, &curved, NULL));
		alarms += alarm;
	}
	assert_true(alarms > 3);
}

static void after_an_alarm_windows_fill_again(void **state)
{
	(void)state;
	struct table reference = rows_drawn(REFERENCE, 1);
	struct change_detector *detector = opened(&reference, 0.5);
	struct change_alarm alarm;
	size_t last = 0, alarms = 0;
	for (size_t i = 1; i <= 200; i++) {
		double far = 3 + drawn();
		if (!change_add(detector, &far, &alarm))
			continue;
		assert_true(i - last >= alarm.window);
		last = i;
		alarms++;
	}
	assert_in_range(alarms, 20, 67); /* the change stays, and the shortest window is of three rows */
}

static void a_slow_drift_cannot_hide_in_rows_that_settle(void **state)
{
	(void)state;
	struct table reference = rows_drawn(REFERENCE, 1);
	struct change_detector *detector = opened(&reference, 0.01);
	struct table rows = rows_drawn(20000, 1);
	for (size_t i = 0; i < rows.rows; i++)
		rows.values[i] += (double)i / 20000; /* one deviation in fifty times the reference */
	size_t at = first_alarm(detector, &rows, NULL);
	assert_in_range(at, 2000, 6500);
}

static void an_alarm_leaves_the_reference_alone(void **state)
{
	(void)state;
	struct table reference = rows_drawn(REFERENCE, 1), quiet = rows_drawn(700, 1), rows = rows_drawn(3000, 1);
	struct change_detector *used = opened(&reference, 0.1), *fresh = opened(&reference, 0.1);
	double far = 10;
	for (size_t i = 0; i < quiet.rows; i++)
		assert_false(change_add(used, quiet.values + i, NULL));
	while (!change_add(used, &far, NULL))
		;
	size_t alarms = 0;
	for (size_t i = 0; i < rows.rows; i++) {
		rows.values[i] += 0.3;
		bool alarm = change_add(fresh, rows.values + i, NULL);
		assert_int_equal(change_add(used, rows.values + i, NULL), alarm);
		alarms += alarm;
	}
	assert_true(alarms > 2);
}

/* ---- rows that follow from rows before ---- */

/* A level that keeps most of the one before it; `before` is that one. */
static double carried(double *before)
{
	return *before = 0.8 * *before + 0.6 * drawn();
}

static double of_sign(double *before, size_t row)
{
	(void)row;
	return carried(before) > 0;
}

static double below_noise(double *before, size_t row)
{
	(void)row;
	return carried(before) + drawn();
}

/* Rows of a sender, then of another one. */
static double ten_alike(double *before, size_t row)
{
	*before = row % 10 == 0 ? drawn() : *before;
	return *before + drawn();
}

/* One in twenty, which comes in runs. */
static double rare_in_runs(double *before, size_t row)
{
	(void)row;
	return carried(before) > 1.6;
}

static double of_carried(double *before, size_t row)
{
	(void)row;
	return carried(before);
}

static const struct form {
	const char *name;
	double (*next)(double *before, size_t row);
	size_t columns;
} forms[] = {
	{"carried", of_carried, 1},  {"of sign", of_sign, 1},		{"below noise", below_noise, 1},
	{"ten alike", ten_alike, 1}, {"rare in runs", rare_in_runs, 1}, {"of sign, 4 columns", of_sign, 4},
};

#define FORM_REFERENCES 40
#define FORM_ROWS 1500
#define FORM_RATE 1

static size_t form_alarms(const struct form *form)
{
	size_t alarms = 0;
	for (size_t i = 0; i < FORM_REFERENCES; i++) {
		arena_reset(arena);
		struct table rows = rows_drawn(REFERENCE + FORM_ROWS, form->columns), reference = rows;
		double before[4] = {0};
		for (size_t j = 0; j < rows.rows * form->columns; j++)
			rows.values[j] = form->next(&before[j % form->columns], j / form->columns);
		reference.rows = REFERENCE;
		struct change_detector *detector = opened(&reference, FORM_RATE);
		for (size_t j = REFERENCE; j < rows.rows; j++)
			alarms += change_add(detector, rows.values + j * form->columns, NULL);
	}
	return alarms;
}

static void rows_that_follow_from_others_raise_at_most_twice_as_many_alarms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		const size_t alarms = form_alarms(&forms[i]), declared = FORM_REFERENCES * FORM_ROWS * FORM_RATE / 1000;
		print_message("%s: %zu alarms, %zu declared\n", forms[i].name, alarms, declared);
		assert_true(alarms <= 2 * declared);
		assert_true(i > 0 || alarms > declared / 6); /* which a carry explains: they are not merely kept silent */
	}
}

static void a_change_of_rows_that_follow_from_others_is_seen(void **state)
{
	(void)state;
	size_t late = 0;
	for (size_t i = 0; i < FORM_REFERENCES; i++) {
		arena_reset(arena);
		struct table rows = rows_drawn(REFERENCE + 300, 1), reference = rows, live = {300, 1, rows.values + REFERENCE};
		double before = 0;
		for (size_t j = 0; j < rows.rows; j++)
			rows.values[j] = below_noise(&before, j) + (j >= REFERENCE ? 2 * M_SQRT2 : 0);
		reference.rows = REFERENCE;
		late += first_alarm(opened(&reference, 0.5), &live, NULL) > 100;
	}
	assert_true(late <= 2);
}

static void what_is_missing_or_constant_says_nothing(void **state)
{
	(void)state;
	struct table reference = rows_drawn(REFERENCE, 3);
	struct change_alarm alarm;
	for (size_t i = 0; i < REFERENCE; i++)
		reference.values[3 * i + 1] = 7;
	struct change_detector *detector = opened(&reference, 0.01);
	for (size_t i = 0; i < 1000; i++)
		assert_false(change_add(detector, (double[]){drawn(), i % 2 ? 9 : 7, (double)NAN}, NULL));
	for (size_t i = 0; i < 40; i++) {
		if (change_add(detector, (double[]){drawn(), 7, 3}, &alarm)) {
			assert_true(alarm.kind == CHANGE_JOINT || alarm.column == 2);
			return;
		}
	}
	fail_msg("no alarm of the last column");
}

static void a_reference_that_cannot_be_learnt_is_refused(void **state)
{
	(void)state;
	struct error small = {0}, constant = {0}, wide = {0}, rate = {0};
	struct table reference = rows_drawn(REFERENCE, 1), flat = rows_drawn(REFERENCE, 1);
	for (size_t i = 0; i < REFERENCE; i++)
		flat.values[i] = 1;
	assert_null(change_open(arena, &(struct table){CHANGE_ROWS_MIN - 1, 1, reference.values}, 1, &small));
	assert_int_equal(small.kind, ERROR_CONFIG);
	assert_null(change_open(arena, &flat, 1, &constant));
	assert_int_equal(constant.kind, ERROR_CONFIG);
	struct table broad = rows_drawn(CHANGE_ROWS_MIN, CHANGE_COLUMNS_MAX + 1);
	assert_null(change_open(arena, &broad, 1, &wide));
	assert_int_equal(wide.kind, ERROR_CONFIG);
	assert_null(change_open(arena, &reference, 0, &rate));
	assert_int_equal(rate.kind, ERROR_CONFIG);
	assert_non_null(change_open(arena, &(struct table){CHANGE_ROWS_MIN, 1, reference.values}, 1, &rate));
}

static void levels_follow_from_rates(void **state)
{
	(void)state;
	static const double rates[] = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3};
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		double rate = rates[i];
		double level = crossing_level(rate, 1, 50, REFERENCE);
		assert_true(fabs(crossing_rate(level, 1, 50, REFERENCE) / rate - 1) < 1e-6);
		assert_true(level > crossing_level(rate * 2, 1, 50, REFERENCE));
		assert_true(level > crossing_level(rate, 1, 100, REFERENCE)); /* a longer window crosses more rarely */
		assert_true(level < crossing_level(rate, 5, 50, REFERENCE));
	}
}

/* A sum of rare jumps is as unlikely as a normal one farther out, and on the other side nearer by. */
static void levels_of_rare_jumps_follow_from_how_rare_they_are(void **state)
{
	(void)state;
	double normal = sqrt(20 * (64 + 64 * 64.0 / REFERENCE)), jump = 4;
	assert_true(fabs(crossing_sum(20, 0, 64, REFERENCE) - normal) < 1e-9);
	/* By hand: (9 + 1) log(1 + t^2/9) is 10 log 2 at t = 3. */
	assert_true(fabs(crossing_unsure(10 * log(2), 9) - 3 / sqrt(10 * log(2))) < 1e-12);
	assert_true(fabs(crossing_unsure(20, 1e9) - 1) < 1e-6 && crossing_unsure(20, (double)INFINITY) == 1);
	assert_true(fabs(crossing_sum(20, 0.02, 64, REFERENCE) / normal - 1) < 0.02);
	assert_true(crossing_sum(20, jump, 64, REFERENCE) > 1.3 * normal);
	assert_true(crossing_sum(20, -jump, 1000, REFERENCE) < sqrt(20 * (1000 + 1e6 / REFERENCE)));
	assert_true(isinf(crossing_sum(20, -jump, 64, REFERENCE))); /* of 4 that are expected, none is not rare enough */
	/* One jump in the reference: three at once are no chance, two are. */
	double once = sqrt(REFERENCE);
	assert_true(crossing_sum(20, once, 3, REFERENCE) > once);
	assert_true(crossing_sum(20, once, 3, REFERENCE) < 3 * once);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(false_alarms_are_as_declared, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_small_reference_is_not_taken_for_the_truth, setup, arena_end),
		cmocka_unit_test_setup_teardown(each_change_is_seen_and_named, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_shape_that_leans_to_a_side_is_seen, setup, arena_end),
		cmocka_unit_test_setup_teardown(only_ranks_count, setup, arena_end),
		cmocka_unit_test_setup_teardown(after_an_alarm_windows_fill_again, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_slow_drift_cannot_hide_in_rows_that_settle, setup, arena_end),
		cmocka_unit_test_setup_teardown(an_alarm_leaves_the_reference_alone, setup, arena_end),
		cmocka_unit_test_setup_teardown(rows_that_follow_from_others_raise_at_most_twice_as_many_alarms, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_change_of_rows_that_follow_from_others_is_seen, setup, arena_end),
		cmocka_unit_test_setup_teardown(what_is_missing_or_constant_says_nothing, setup, arena_end),
		cmocka_unit_test_setup_teardown(a_reference_that_cannot_be_learnt_is_refused, setup, arena_end),
		cmocka_unit_test_setup_teardown(levels_follow_from_rates, setup, arena_end),
		cmocka_unit_test_setup_teardown(levels_of_rare_jumps_follow_from_how_rare_they_are, setup, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
