/* dependence_test.c: Tests of rows that follow from rows before them: how many of a reference say as much as an independent one,
 * the false alarms of a drift monitor on such streams, and what it finds of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "methods/drift/missing_runs.h"
#include "methods/drift/monitor_parts.h"
#include "methods/numeric/quantile.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define ROWS 1000
#define FEW_ROWS 400
#define WINDOW 100
#define REFERENCES_MAX 200
#define LABELS_MAX 400
#define SHARE_MISSING 0.05
#define RUN_MISSING 20 /* rows, on the average */

static struct random chance;

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){23};
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static double even(void)
{
	return (double)(random_next(&chance) >> 11) * 0x1p-53;
}

static double normal(void)
{
	return sqrt(-2 * log(1 - even())) * cos(2 * M_PI * even());
}

/* ---- streams ---- */

struct stream {
	double levels[2], group;
	int missing; /* rows that still are */
	uint64_t row;
};

static double level_next(struct stream *stream, size_t which, double carry)
{
	return stream->levels[which] = carry * stream->levels[which] + sqrt(1 - carry * carry) * normal();
}

static double independent(struct stream *stream)
{
	(void)stream;
	return normal();
}

static double whole(struct stream *stream)
{
	(void)stream;
	return floor(2 * normal());
}

static double mostly_zero(struct stream *stream)
{
	(void)stream;
	return even() < 0.8 ? 0 : exp(normal());
}

/* Each row keeps a part of the one before it. */
static double carried(struct stream *stream)
{
	return level_next(stream, 0, 0.8);
}

/* A level that moves slowly, below noise. */
static double slow_below_noise(struct stream *stream)
{
	return level_next(stream, 0, 0.95) + normal();
}

/* Two sources in turns, such as two instruments: neighbours have nothing in common. */
static double two_in_turns(struct stream *stream)
{
	return level_next(stream, stream->row % 2, 0.9);
}

/* Ten rows of one sender, then ten of another. */
static double ten_alike(struct stream *stream)
{
	stream->group = stream->row % 10 == 0 ? normal() : stream->group;
	return stream->group + normal();
}

/* Returns of a market: the signs are independent, and the sizes follow from one another. */
static double calm_and_wild(struct stream *stream)
{
	return exp(0.5 * level_next(stream, 0, 0.95)) * normal();
}

/* A state that lasts 50 rows on the average, and then another. */
static double in_regimes(struct stream *stream)
{
	if (even() < 1 / 50.0)
		stream->group = stream->group > 0 ? 0 : 6;
	return stream->group + normal();
}

static double missing_in_runs(struct stream *stream)
{
	if (stream->missing > 0)
		stream->missing--;
	else if (even() < SHARE_MISSING / RUN_MISSING)
		stream->missing = 2 * (int)(RUN_MISSING * even());
	return stream->missing > 0 ? (double)NAN : normal();
}

/* ---- of categories ---- */

/* The commonest have as much as all others together: few of these come twice. */
static double rare_labels(struct stream *stream)
{
	(void)stream;
	return even() < 0.5 ? floor(4 * even()) : 4 + floor((LABELS_MAX - 4) * even());
}

static double two_classes(struct stream *stream)
{
	return carried(stream) > 0;
}

static double six_classes(struct stream *stream)
{
	return fmin(fmax(floor(1.3 * carried(stream) + 3), 0), 5);
}

/* Another class for every eighth row on the average. */
static double class_that_lasts(struct stream *stream)
{
	if (even() < 0.125)
		stream->group = floor(5 * even());
	return stream->group;
}

struct form {
	const char *name;
	double (*next)(struct stream *stream);
	double factor;	   /* rows that say as much as one; 0: it is not known */
	size_t categories; /* 0: it has numbers */
};

static const struct form rare_labels_form = {"rare labels", rare_labels, 1, LABELS_MAX};

/* Of two classes of a normal level, rows i apart are alike by 2 / pi * asin(0.8^i); of those that last, by 0.875^i. */
static const struct form class_forms[] = {
	{"two classes", two_classes, 6.4, 2},
	{"six classes", six_classes, 0, 6},
	{"a class that lasts", class_that_lasts, 15, 5},
};
enum { CLASS_FORMS = sizeof class_forms / sizeof *class_forms };

static const struct form forms[] = {
	{"independent", independent, 1, 0},
	{"whole", whole, 1, 0},
	{"mostly zero", mostly_zero, 1, 0},
	{"carried", carried, 9, 0},
	{"slow below noise", slow_below_noise, 20, 0},
	{"two in turns", two_in_turns, 19, 0},
	{"ten alike", ten_alike, 5.5, 0},
	{"calm and wild", calm_and_wild, 0, 0},
	{"in regimes", in_regimes, 37, 0}, /* three quarters of the ranks' variance lie between both states */
};
enum { INDEPENDENT_FORMS = 3, FORMS = sizeof forms / sizeof *forms };

static double stream_next(const struct form *form, struct stream *stream)
{
	const double value = form->next(stream);
	stream->row++;
	return value;
}

/* A stream that has run for a while. */
static struct stream stream_begin(const struct form *form)
{
	struct stream stream = {0};
	for (int i = 0; i < ROWS; i++)
		(void)stream_next(form, &stream);
	return stream;
}

static double values[ROWS];

static void values_draw(const struct form *form, struct stream *stream)
{
	for (size_t i = 0; i < ROWS; i++)
		values[i] = stream_next(form, stream);
}

/* ---- what rows are worth ---- */

/* Factors of so many references, in rising order. */
static void factors_draw(const struct form *form, size_t rows, size_t references, double *factors)
{
	static double scratch[2 * ROWS];
	for (size_t i = 0; i < references; i++) {
		struct stream stream = stream_begin(form);
		values_draw(form, &stream);
		factors[i] = form->categories > 0 ? drift_dependence_of_categories(values, rows, rows, form->categories, scratch)
						  : drift_dependence(values, rows, rows, scratch);
	}
	quantile_sort(factors, references);
}

static void expect_full(const struct form *form)
{
	static double factors[REFERENCES_MAX];
	double mean = 0;
	factors_draw(form, ROWS, REFERENCES_MAX, factors);
	const size_t whole_rows = sorted_until(factors, REFERENCES_MAX, 1);
	for (size_t j = 0; j < REFERENCES_MAX; j++)
		mean += factors[j] / REFERENCES_MAX;
	print_message("%s: %zu of %d references at 1, and %g on the average\n", form->name, whole_rows, REFERENCES_MAX, mean);
	assert_true((double)whole_rows >= 0.95 * REFERENCES_MAX);
	assert_true(mean < 1.03);
}

static void independent_rows_count_in_full(void **state)
{
	(void)state;
	for (size_t i = 0; i < INDEPENDENT_FORMS; i++)
		expect_full(&forms[i]);
	expect_full(&rare_labels_form);
}

static void expect_worth(const struct form *form)
{
	static double factors[REFERENCES_MAX];
	if (form->factor == 0)
		return;
	factors_draw(form, ROWS, REFERENCES_MAX, factors);
	const double middle = quantile_sorted(factors, REFERENCES_MAX, 0.5, QUANTILE_LINEAR);
	print_message("%s: %g, and %g is right\n", form->name, middle, form->factor);
	assert_true(middle > 0.8 * form->factor && middle < 1.6 * form->factor);
}

static void rows_that_follow_from_others_count_for_less(void **state)
{
	(void)state;
	for (size_t i = INDEPENDENT_FORMS; i < FORMS; i++)
		expect_worth(&forms[i]);
	for (size_t i = 0; i < CLASS_FORMS; i++)
		expect_worth(&class_forms[i]);
}

/* Of 400 rows, the longest sums have 32: what lasts about as long is known by how these grow. */
static void few_rows_show_what_lasts_as_long_as_their_sums(void **state)
{
	(void)state;
	static double factors[REFERENCES_MAX];
	for (size_t i = INDEPENDENT_FORMS; i < FORMS; i++) {
		if (forms[i].factor < 10)
			continue;
		factors_draw(&forms[i], FEW_ROWS, REFERENCES_MAX, factors);
		const double middle = quantile_sorted(factors, REFERENCES_MAX, 0.5, QUANTILE_LINEAR);
		print_message("%s, %d rows: %g, and %g is right\n", forms[i].name, FEW_ROWS, middle, forms[i].factor);
		assert_true(middle > 0.75 * forms[i].factor && middle < 1.6 * forms[i].factor);
	}
}

/* ---- false alarms ---- */

struct alarms {
	size_t drift, quality;
};

static const struct text labels[LABELS_MAX];

static struct alarms alarms_count(const struct form *form, size_t rows, int references, int windows)
{
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000}};
	struct alarms alarms = {0};
	for (int trial = 0; trial < references; trial++, arena_reset(arena)) {
		struct stream stream = stream_begin(form);
		struct drift_feature feature = {.name = TEXT("x"),
						.values = values,
						.least = INFINITY,
						.greatest = -INFINITY,
						.categories = form->categories > 0,
						.category_count = form->categories,
						.category_names = labels};
		struct error error = {0};
		values_draw(form, &stream);
		for (size_t i = 0; i < rows; i++) {
			feature.missing += isnan(values[i]) ? 1 : 0;
			feature.least = fmin(feature.least, values[i]);
			feature.greatest = fmax(feature.greatest, values[i]);
		}
		const struct drift_reference reference = {
			.all_rows = rows, .rows = rows, .block = rows, .feature_count = 1, .features = &feature};
		struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
		if (!monitor)
			fail_msg("%s", error.text);
		for (int i = 0; i < windows * WINDOW; i++) {
			const double value = stream_next(form, &stream);
			const struct monitor_verdict *verdict = monitor_add(monitor, &value, i);
			alarms.drift += verdict && verdict->drifted;
			alarms.quality += verdict && verdict->quality_alarm;
		}
	}
	return alarms;
}

static const bool is_shortened = UNIT_REPETITIONS(40) < 40; /* then a few references say nothing of their law */

static void they_raise_at_most_twice_as_many_alarms_as_declared(void **state)
{
	(void)state;
	const int references = UNIT_REPETITIONS(40), windows = 30;
	const double declared = references * windows * WINDOW / 1000.0;
	for (size_t i = INDEPENDENT_FORMS; i < FORMS; i++) {
		const struct alarms alarms = alarms_count(&forms[i], ROWS, references, windows);
		print_message("%s: %zu alarms and %zu of quality, %.0f declared\n", forms[i].name, alarms.drift, alarms.quality,
			      declared);
		assert_true(is_shortened || (double)(alarms.drift + alarms.quality) <= 2 * declared);
	}
}

static void so_do_categories(void **state)
{
	(void)state;
	const int references = UNIT_REPETITIONS(40), windows = 30;
	const double declared = references * windows * WINDOW / 1000.0;
	for (size_t i = 0; i < 2 * CLASS_FORMS; i++) {
		const struct form *form = &class_forms[i / 2];
		const struct alarms alarms = alarms_count(form, i % 2 ? FEW_ROWS : ROWS, references, windows);
		print_message("%s: %zu alarms and %zu of quality, %.0f declared\n", form->name, alarms.drift, alarms.quality,
			      declared);
		assert_true(is_shortened || (double)(alarms.drift + alarms.quality) <= 2 * declared);
	}
}

static void so_they_do_with_few_rows(void **state)
{
	(void)state;
	const int references = UNIT_REPETITIONS(60), windows = 30;
	const double declared = references * windows * WINDOW / 1000.0;
	for (size_t i = INDEPENDENT_FORMS; i < FORMS; i++) {
		const struct alarms alarms = alarms_count(&forms[i], FEW_ROWS, references, windows);
		print_message("%s, %d rows: %zu alarms and %zu of quality, %.0f declared\n", forms[i].name, FEW_ROWS, alarms.drift,
			      alarms.quality, declared);
		assert_true(is_shortened || (double)(alarms.drift + alarms.quality) <= 2 * declared);
	}
}

static void values_that_are_missing_in_runs_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	const struct form form = {"missing in runs", missing_in_runs, 0, 0};
	const int references = UNIT_REPETITIONS(40), windows = 30;
	const double declared = references * windows * WINDOW / 1000.0;
	const struct alarms alarms = alarms_count(&form, ROWS, references, windows);
	print_message("missing in runs: %zu alarms and %zu of quality, %.0f declared\n", alarms.drift, alarms.quality, declared);
	assert_true((double)(alarms.drift + alarms.quality) <= declared + 3 * sqrt(declared));
}

/* Of values in groups of ten, as of a tenth of independent ones. */
static void values_outside_have_the_law_of_extremes(void **state)
{
	(void)state;
	/* 1 of 1, where one value is beyond both ends of `seen` with the chance 2 / (seen + 1) */
	assert_true(fabs(watched_outside_sf(1, 1, 1000, 1) - 2.0 / 1001) < 1e-9);
	assert_true(fabs(watched_outside_sf(10, 10, 1000, 10) - 2.0 / 101) < 1e-9);
	for (int many = 1; many <= 10; many++) {
		const double of_groups = watched_outside_sf(10 * many, 100, 1000, 10),
			     of_ten = watched_outside_sf(many, 10, 100, 1);
		assert_true(fabs(of_groups - of_ten) < 1e-12);
	}
	assert_true(watched_outside_sf(0, 100, 1000, 1) == 1);
}

/* ---- power ---- */

#define RUN 20 /* rows of the reference that are missing, in one run */

/* The alarm on a window that lacks the first `missing` rows, and by which part of the declared rate it is. */
enum missing_alarm { NOT_FOUND, FOUND_BY_RULE, FOUND_BY_LEVEL };

static enum missing_alarm missing_is_found(size_t reference_rows, int64_t window, int64_t missing)
{
	const struct monitor_settings settings = {.window_rows = window, .rate = {.alarms = 1, .rows = 1000000}};
	struct drift_feature feature = {.name = TEXT("x"), .values = values, .missing = RUN, .least = -9, .greatest = 9};
	struct error error = {0};
	enum missing_alarm found = NOT_FOUND;
	for (size_t i = 0; i < reference_rows; i++)
		values[i] = i >= 100 && i < 100 + RUN ? (double)NAN : normal();
	const struct drift_reference reference = {.all_rows = reference_rows,
						  .rows = reference_rows,
						  .block = reference_rows,
						  .feature_count = 1,
						  .features = &feature};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	for (int64_t i = 0; i < window; i++) {
		const double value = i < missing ? (double)NAN : normal();
		const struct monitor_verdict *verdict = monitor_add(monitor, &value, i);
		if (!verdict || !verdict->features[0].quality.missing_alarm)
			continue;
		found = verdict->features[0].quality.lost ? FOUND_BY_RULE : FOUND_BY_LEVEL;
		assert_true(verdict->quality_alarm && verdict->quality_declared == (found == FOUND_BY_LEVEL));
	}
	return found;
}

static void a_feature_that_is_lost_is_found_after_a_run_in_the_reference(void **state)
{
	(void)state;
	assert_int_equal(missing_is_found(400, 100, 100), FOUND_BY_RULE);
	assert_int_equal(missing_is_found(400, 100, 95), FOUND_BY_RULE);
	assert_int_equal(missing_is_found(400, 500, 500), FOUND_BY_RULE);
	assert_int_equal(missing_is_found(1000, 100, 100), FOUND_BY_RULE);
	assert_int_equal(missing_is_found(400, 100, RUN), NOT_FOUND);
	assert_int_equal(missing_is_found(400, 100, 2 * RUN), NOT_FOUND);
	assert_int_equal(missing_is_found(400, MONITOR_ROWS_MIN, MONITOR_ROWS_MIN), NOT_FOUND); /* a run may be so long */
}

/* The chance of the rule is that of an exponential run that is so many times as long as the longest of some others. */
static void the_rule_has_the_chance_of_a_far_longer_run(void **state)
{
	enum { TRIALS = 40000, WINDOW_ROWS = 90 };
	(void)state;
	for (size_t runs = 1; runs <= 4; runs++) {
		const struct missing_runs usual = {runs * WINDOW_ROWS, 20 * runs, runs, 20}; /* one run a window */
		const double expected = TRIALS * missing_runs_lost_chance(&usual, WINDOW_ROWS);
		int longer = 0;
		for (int i = 0; i < TRIALS; i++) {
			double longest = 0;
			for (size_t run = 0; run < runs; run++)
				longest = fmax(longest, -log(1 - even()));
			longer += -log(1 - even()) > 0.9 * WINDOW_ROWS / 20 * longest;
		}
		assert_true(fabs(longer - expected) < 4 * sqrt(expected));
	}
}

static void it_has_none_where_no_window_can_meet_it(void **state)
{
	const struct missing_runs usual = {1000, 20, 1, 20}, none = {1000, 0, 0, 0}, many = {1000, 251, 3, 100};
	(void)state;
	const struct missing_runs quarter = {1000, 250, 25, 10}, more = {1000, 251, 25, 10}, window = {100, 95, 1, 95};
	assert_true(missing_runs_are_lost(&quarter, &window) && !missing_runs_are_lost(&more, &window));
	assert_true(missing_runs_lost_chance(&more, 100) == 0);
	assert_true(fabs(missing_runs_lost_chance(&usual, 80) - 0.08 / 5) < 1e-12); /* all of it missing: four times as long */
	/* a tenth of the windows has a run, and it is 4.5 times as long as the one with the chance 1 / 5.5 */
	assert_true(fabs(missing_runs_lost_chance(&usual, 100) - 0.1 / 5.5) < 1e-12);
	assert_true(missing_runs_lost_chance(&usual, 79) == 0);
	assert_true(missing_runs_lost_chance(&none, 100) == 0);
	assert_true(missing_runs_lost_chance(&many, 1000) == 0);
	assert_true(fabs(missing_runs_lost_chance(&usual, 0) - 80 / 0.9 / 1000 / 5) < 1e-12); /* a window of 80 / 0.9 rows */
}

static void an_alarm_by_the_count_has_its_part_of_the_rate(void **state)
{
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000000}};
	struct drift_feature feature = {.name = TEXT("x"), .values = values, .least = -9, .greatest = 9};
	const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = &feature};
	struct error error = {0};
	const double missing = (double)NAN;
	const struct monitor_verdict *verdict = NULL;
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		values[i] = normal();
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	for (int i = 0; i < WINDOW; i++)
		verdict = monitor_add(monitor, &missing, i);
	assert_true(verdict && verdict->features[0].quality.missing_alarm && !verdict->features[0].quality.lost);
	assert_true(verdict->quality_alarm && verdict->quality_declared);
	assert_true(monitor_lost_chance(&reference, 0, &settings) == 0);
}

/* The reference has runs of ten, so many that one of 80 is known to be unusual. */
static void a_run_longer_than_any_is_found(void **state)
{
	const struct missing_runs usual = {.rows = 4000, .missing = 300, .count = 30, .longest = 10};
	(void)state;
	const struct missing_runs as_usual = {200, 20, 2, 10}, longer = {200, 30, 1, 30}, far_longer = {200, 80, 1, 80};
	assert_false(missing_runs_are_unusual(&usual, &as_usual, 0.01));
	assert_false(missing_runs_are_unusual(&usual, &longer, 1e-6));
	assert_true(missing_runs_are_unusual(&usual, &far_longer, 1e-6));
	/* 1.5 runs a window, and one run is `times` 3 as long with the chance 1 / binomial(33, 3) */
	assert_true(missing_runs_are_unusual(&usual, &longer, 1.5 / 5456 * 1.001));
	assert_false(missing_runs_are_unusual(&usual, &longer, 1.5 / 5456 * 0.999));
}

/* Rows of a file that only chose the common texts are no missing values. */
static void a_free_text_that_is_lost_is_found(void **state)
{
	static const struct text names[] = {{"ok", 2}, {"all others", 10}};
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000000}};
	const struct drift_feature feature = {.name = TEXT("note"),
					      .categories = true,
					      .open = true,
					      .values = values,
					      .category_count = 2,
					      .category_names = names};
	const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = &feature};
	struct error error = {0};
	const struct monitor_verdict *verdict = NULL;
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		values[i] = i < ROWS / 2 ? (double)NAN : (double)random_below(&chance, 2);
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	for (int i = 0; i < WINDOW; i++) {
		const double value = i < WINDOW / 4 ? (double)NAN : (double)random_below(&chance, 2);
		verdict = monitor_add(monitor, &value, i);
	}
	assert_true(verdict && verdict->features[0].quality.missing_alarm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(independent_rows_count_in_full, set_up, arena_end),
		cmocka_unit_test_setup_teardown(rows_that_follow_from_others_count_for_less, set_up, arena_end),
		cmocka_unit_test_setup_teardown(few_rows_show_what_lasts_as_long_as_their_sums, set_up, arena_end),
		cmocka_unit_test_setup_teardown(they_raise_at_most_twice_as_many_alarms_as_declared, set_up, arena_end),
		cmocka_unit_test_setup_teardown(so_do_categories, set_up, arena_end),
		cmocka_unit_test_setup_teardown(so_they_do_with_few_rows, set_up, arena_end),
		cmocka_unit_test_setup_teardown(values_that_are_missing_in_runs_raise_no_more_alarms_than_declared, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(a_feature_that_is_lost_is_found_after_a_run_in_the_reference, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_rule_has_the_chance_of_a_far_longer_run, set_up, arena_end),
		cmocka_unit_test(it_has_none_where_no_window_can_meet_it),
		cmocka_unit_test_setup_teardown(an_alarm_by_the_count_has_its_part_of_the_rate, set_up, arena_end),
		cmocka_unit_test(values_outside_have_the_law_of_extremes),
		cmocka_unit_test(a_run_longer_than_any_is_found),
		cmocka_unit_test_setup_teardown(a_free_text_that_is_lost_is_found, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
