/* joint_test.c: Tests of the joint test of rows as vectors, and of the drift monitor's method mmd: false alarms, what it finds, and
 * what it cannot be used with. */
#include "methods/drift/tests/joint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/number/random.h"
#include "methods/drift/monitor.h"
#include "tests/unit/session.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define FEATURES_MAX 64
#define ROWS 400
#define WINDOW 100

static struct arena *arena;
static struct error error;
static struct random chance;
static double carried[FEATURES_MAX];
static size_t width;

/* `make change` runs more. */
static int references_wanted(int usual_count)
{
	const char *wanted = getenv("DRIFT_STREAMS");
	return wanted ? (int)strtol(wanted, NULL, 10) * usual_count / 4 : UNIT_REPETITIONS(usual_count);
}

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	chance = (struct random){31};
	width = 5;
	memset(carried, 0, sizeof carried);
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static double normal(void)
{
	const double even = (double)(random_next(&chance) >> 11) * 0x1p-53, other = (double)(random_next(&chance) >> 11) * 0x1p-53;
	return sqrt(-2 * log(1 - even)) * cos(2 * M_PI * other);
}

/* The first column is heavy-tailed. `carry`: what a row keeps of the one before it. `together`: the correlation of the second and
 * third column; `moved`: by so much all have moved. */
static void row_draw(double *row, double carry, double together, double moved)
{
	for (size_t i = 0; i < width; i++)
		carried[i] = carry * carried[i] + sqrt(1 - carry * carry) * normal();
	for (size_t i = 0; i < width; i++)
		row[i] = carried[i] + moved;
	row[0] = exp(carried[0] + moved);
	row[2] = together * carried[1] + sqrt(1 - together * together) * carried[2] + moved;
}

static double values[FEATURES_MAX][ROWS];
static struct drift_feature features[FEATURES_MAX];
static char names[FEATURES_MAX][16];
static struct drift_reference reference;

static void reference_draw(double carry)
{
	for (size_t i = 0; i < ROWS; i++) {
		double row[FEATURES_MAX];
		row_draw(row, carry, 0, 0);
		for (size_t j = 0; j < width; j++)
			values[j][i] = row[j];
	}
	for (size_t j = 0; j < width; j++) {
		snprintf(names[j], sizeof names[j], "x.%zu", j);
		features[j] = (struct drift_feature){
			.name = text_of(names[j]), .values = values[j], .least = -INFINITY, .greatest = INFINITY};
	}
	reference = (struct drift_reference){
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = width, .features = features};
}

static const struct monitor_settings usual = {
	.methods = 1U << MONITOR_MMD, .window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000}};

static struct monitor *monitor_of(const struct monitor_settings *settings)
{
	struct monitor *monitor = monitor_open(arena, &reference, settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

/* Windows with drift, of so many. */
static size_t windows_found(struct monitor *monitor, int windows, double carry, double together, double moved)
{
	size_t found = 0;
	for (int i = 0; i < windows * WINDOW; i++) {
		double row[FEATURES_MAX];
		row_draw(row, carry, together, moved);
		const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
		if (!verdict)
			continue;
		assert_int_equal(verdict->joint_count, 1);
		assert_int_equal(verdict->joints[0].test.method, MONITOR_MMD);
		assert_int_equal(verdict->feature, verdict->feature_count);
		assert_true(verdict->drifted == verdict->joints[0].test.established);
		assert_true((verdict->score > 0) == verdict->drifted);
		found += verdict->drifted;
	}
	return found;
}

static void clean_streams_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	static const struct {
		size_t width;
		double alarms, carry, most; /* times the declared ones */
	} cases[] = {{2, 1, 0, 1}, {5, 1, 0, 1}, {5, 0.05, 0, 1}, {32, 1, 0, 1}, {5, 1, 0.4, 2}, {5, 1, 0.8, 2}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const int references = references_wanted(20), windows = 30;
		struct monitor_settings settings = usual;
		settings.rate.alarms = cases[i].alarms;
		width = cases[i].width;
		size_t alarms = 0;
		for (int trial = 0; trial < references; trial++, arena_reset(arena)) {
			reference_draw(cases[i].carry);
			alarms += windows_found(monitor_of(&settings), windows, cases[i].carry, 0, 0);
		}
		const double declared = references * windows * WINDOW / 1000.0 * cases[i].alarms;
		print_message("%zu columns, carry %g: %zu alarms, %.1f declared\n", width, cases[i].carry, alarms, declared);
		assert_true((double)alarms <= cases[i].most * declared + 3 * sqrt(declared));
		assert_true(cases[i].carry > 0 || cases[i].alarms < 1 || (double)alarms > declared / 6); /* nor is it deaf */
	}
}

/* How two columns go together changes, and neither of them: the other methods cannot see it. */
static void a_change_of_dependence_alone_is_found(void **state)
{
	(void)state;
	const int trials = UNIT_REPETITIONS(20);
	size_t found = 0, marginal = 0;
	for (int trial = 0; trial < trials; trial++, arena_reset(arena)) {
		struct monitor_settings others = usual;
		others.methods = 0;
		others.rate.alarms = 0.5;
		reference_draw(0);
		struct monitor_settings settings = usual;
		settings.rate.alarms = 0.5;
		found += windows_found(monitor_of(&settings), 1, 0, 0.9, 0);
		struct monitor *monitor = monitor_of(&others);
		for (int i = 0; i < WINDOW; i++) {
			double row[FEATURES_MAX];
			row_draw(row, 0, 0.9, 0);
			const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
			marginal += verdict && verdict->drifted;
		}
	}
	print_message("found in %zu of %d, by the others in %zu\n", found, trials, marginal);
	assert_true(found >= (size_t)trials * 9 / 10);
	assert_true(marginal <= (size_t)trials / 5);
}

/* The dependence of two columns of five changes: the set that has both finds it, and the others do not. */
static void a_set_finds_what_is_in_it(void **state)
{
	(void)state;
	static const struct name both[] = {{.text = "x.1"}, {.text = "x.2"}}, others[] = {{.text = "x.3"}, {.text = "x.4"}};
	static const struct monitor_set sets[] = {{{.text = "both"}, {2, both}}, {{.text = "others"}, {2, others}}};
	const int trials = UNIT_REPETITIONS(20);
	size_t found[2] = {0};
	width = 5;
	for (int trial = 0; trial < trials; trial++, arena_reset(arena)) {
		struct monitor_settings settings = usual;
		settings.methods = 1U << MONITOR_KS;
		settings.set_count = 2;
		settings.sets = sets;
		reference_draw(0);
		struct monitor *monitor = monitor_of(&settings);
		for (int i = 0; i < WINDOW; i++) {
			double row[FEATURES_MAX];
			row_draw(row, 0, 0.9, 0);
			const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
			if (!verdict)
				continue;
			assert_int_equal(verdict->joint_count, 2);
			assert_true(text_is(verdict->joints[0].name, "*/both") && text_is(verdict->joints[1].name, "*/others"));
			found[0] += verdict->joints[0].test.established;
			found[1] += verdict->joints[1].test.established;
		}
	}
	print_message("found in %zu of %d, by the other set in %zu\n", found[0], trials, found[1]);
	assert_true(found[0] >= (size_t)trials * 9 / 10);
	assert_true(found[1] <= (size_t)trials / 5);
}

/* All of 32 columns move by a third of a deviation, which is little for each. */
static void a_small_move_of_a_whole_vector_is_found(void **state)
{
	(void)state;
	const int trials = UNIT_REPETITIONS(20);
	size_t found = 0;
	width = 32;
	for (int trial = 0; trial < trials; trial++, arena_reset(arena)) {
		reference_draw(0);
		found += windows_found(monitor_of(&usual), 1, 0, 0, 0.33);
	}
	print_message("found in %zu of %d\n", found, trials);
	assert_true(found >= (size_t)trials * 9 / 10);
}

/* Columns that do not vary, missing numbers and infinite ones leave a result. */
static void odd_numbers_are_bounded(void **state)
{
	(void)state;
	reference_draw(0);
	for (size_t i = 0; i < ROWS; i++) {
		values[0][i] = 7;
		values[1][i] = i % 3 ? values[1][i] : (double)NAN;
	}
	struct monitor *monitor = monitor_of(&usual);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < WINDOW; i++) {
		const double row[] = {8, NAN, i % 2 ? INFINITY : -INFINITY, 1e300, 0};
		verdict = monitor_add(monitor, row, i);
	}
	assert_non_null(verdict);
	const struct monitor_test *test = &verdict->joints[0].test;
	assert_true(test->established && isfinite(test->effect) && test->effect < 2);
	assert_true(test->p < 1e-6);
}

/* One constant column is none; without another there is nothing to compare. */
static void what_it_cannot_be_used_with_is_refused(void **state)
{
	(void)state;
	struct monitor_settings settings = usual;
	reference_draw(0);
	settings.window_rows = JOINT_ROWS_MIN - 1;
	assert_null(monitor_open(arena, &reference, &settings, &error));
	assert_string_equal(error.text, "a window of 49 rows is too small for `mmd`; give 50 or more, or leave `mmd` out");
	settings.window_rows = JOINT_ROWS_MIN;
	error = (struct error){0};
	assert_non_null(monitor_open(arena, &reference, &settings, &error));
	reference.rows = reference.all_rows = JOINT_REFERENCE_ROWS_MIN - 1;
	assert_null(monitor_open(arena, &reference, &settings, &error));
	assert_non_null(strstr(error.text, "the reference has 199 rows, and `mmd` needs 200 or more"));
	error = (struct error){0};
	reference.rows = reference.all_rows = JOINT_REFERENCE_ROWS_MIN;
	assert_non_null(monitor_open(arena, &reference, &settings, &error));
	for (size_t i = 0; i < width; i++)
		for (size_t row = 0; row < ROWS; row++)
			values[i][row] = 3;
	assert_null(monitor_open(arena, &reference, &settings, &error));
	assert_non_null(strstr(error.text, "none of the methods applies to a feature of the reference"));
}

/* A window by time with too few rows has no joint test. */
static void a_short_window_by_time_is_not_judged(void **state)
{
	(void)state;
	struct monitor_settings settings = usual;
	settings.window_rows = 0;
	settings.window_ms = 1000;
	reference_draw(0);
	struct monitor *monitor = monitor_of(&settings);
	for (int i = 0; i < JOINT_ROWS_MIN - 1; i++) {
		double row[FEATURES_MAX];
		row_draw(row, 0, 0, 0);
		assert_null(monitor_add(monitor, row, i));
	}
	const struct monitor_verdict *verdict = monitor_end(monitor);
	assert_int_equal(verdict->joint_count, 0);
	assert_false(verdict->judged);
}

/* ---- tensors that are projected ---- */

/* Makes features of the reference directions of that tensor. */
static void directions_mark(size_t from, size_t to, const char *tensor)
{
	for (size_t i = from; i < to; i++) {
		snprintf(names[i], sizeof names[i], "%s.direction%zu", tensor, i - from);
		features[i].name = text_of(names[i]);
		features[i].width = 768;
	}
}

/* The verdict on one window, whose second and third column depend on each other as they did not. */
static const struct monitor_verdict *verdict_of(const struct monitor_settings *settings)
{
	struct monitor *monitor = monitor_of(settings);
	const struct monitor_verdict *verdict = NULL;
	for (int64_t i = 0; i < settings->window_rows; i++) {
		double row[FEATURES_MAX];
		row_draw(row, 0, 0.9, 0);
		verdict = monitor_add(monitor, row, i);
	}
	assert_non_null(verdict);
	return verdict;
}

static void expect_joint(const struct monitor_verdict *verdict, size_t joint, const char *name)
{
	assert_in_range(joint, 0, verdict->joint_count - 1);
	assert_true(text_is(verdict->joints[joint].name, name));
}

static void a_projected_tensor_is_compared_as_a_whole(void **state)
{
	(void)state;
	const int trials = UNIT_REPETITIONS(20);
	struct monitor_settings settings = usual;
	size_t found = 0, others = 0;
	settings.methods = 0;
	for (int trial = 0; trial < trials; trial++, arena_reset(arena)) {
		reference_draw(0);
		directions_mark(0, 3, "x");
		directions_mark(3, 5, "y");
		const struct monitor_verdict *verdict = verdict_of(&settings);
		assert_int_equal(verdict->joint_count, 2);
		expect_joint(verdict, 0, "*/x");
		expect_joint(verdict, 1, "*/y");
		found += verdict->joints[0].test.established && verdict->drifted;
		others += verdict->joints[1].test.established;
	}
	print_message("found in %zu of %d, by the other tensor's in %zu\n", found, trials, others);
	assert_true(found >= (size_t)trials * 9 / 10);
	assert_true(others <= (size_t)trials / 5);
}

/* A test that the settings name stands for it, and so does that of all features, if there are no others. */
static void a_projected_tensor_is_not_tested_twice(void **state)
{
	(void)state;
	static const struct name tensor = {.text = "x"}, direction = {.text = "x.direction1"};
	static const struct monitor_set whole = {{.text = "vectors"}, {1, &tensor}}, namesake = {{.text = "x"}, {1, &direction}};
	static const struct monitor_set part = {{.text = "part"}, {1, &direction}};
	struct monitor_settings settings = usual;
	reference_draw(0);
	directions_mark(0, 5, "x");
	assert_int_equal(verdict_of(&settings)->joint_count, 1);
	directions_mark(0, 4, "x");
	features[4].width = 0;
	const struct monitor_verdict *both = verdict_of(&settings);
	assert_int_equal(both->joint_count, 2);
	expect_joint(both, 0, "*");
	expect_joint(both, 1, "*/x");
	settings.methods = 0;
	settings.set_count = 1;
	settings.sets = &whole;
	assert_int_equal(verdict_of(&settings)->joint_count, 1);
	settings.sets = &namesake;
	assert_int_equal(verdict_of(&settings)->joint_count, 1);
	settings.sets = &part;
	assert_int_equal(verdict_of(&settings)->joint_count, 2);
}

/* The effect of a joint test of `x`, alone, while another tensor moves. */
static double effect_beside(const char *other, const struct monitor_settings *settings)
{
	chance = (struct random){37};
	reference_draw(0);
	directions_mark(3, 5, "x");
	snprintf(names[1], sizeof names[1], "%s.1", other);
	snprintf(names[2], sizeof names[2], "%s.2", other);
	snprintf(names[0], sizeof names[0], "n");
	for (size_t i = 0; i < 3; i++)
		features[i].name = text_of(names[i]);
	const struct monitor_verdict *verdict = verdict_of(settings);
	assert_int_equal(verdict->joint_count, 1);
	return verdict->joints[0].test.effect;
}

/* `x.of` is no column of `x`, whose directions are all that is of it. */
static void a_projected_tensor_is_compared_without_others_of_its_name(void **state)
{
	(void)state;
	static const struct name tensor = {.text = "x"};
	static const struct monitor_set whole = {{.text = "vectors"}, {1, &tensor}};
	struct monitor_settings settings = usual;
	settings.methods = 0;
	const double effect = effect_beside("x.of", &settings);
	assert_true(effect_beside("y", &settings) == effect);
	settings.set_count = 1;
	settings.sets = &whole;
	assert_true(effect_beside("x.of", &settings) == effect);
	assert_true(effect_beside("y", &settings) == effect);
}

/* The trap is a tensor of one column with the name of a direction. */
static void a_projected_tensor_is_compared_beside_a_namesake_of_its_directions(void **state)
{
	(void)state;
	struct monitor_settings settings = usual;
	settings.methods = 0;
	for (size_t last = 0; last < 2; last++) {
		const size_t namesake = last ? 4 : 0;
		reference_draw(0);
		directions_mark(last ? 0 : 1, last ? 4 : 5, "x");
		snprintf(names[namesake], sizeof names[namesake], "x.direction7");
		features[namesake].name = text_of(names[namesake]);
		const struct monitor_verdict *verdict = verdict_of(&settings);
		assert_int_equal(verdict->joint_count, 1);
		expect_joint(verdict, 0, "*/x");
	}
}

/* Its directions are still compared one by one. */
static void a_projected_tensor_of_few_rows_has_no_joint_test(void **state)
{
	(void)state;
	struct monitor_settings settings = usual;
	settings.methods = 0;
	reference_draw(0);
	directions_mark(0, 5, "x");
	settings.window_rows = JOINT_ROWS_MIN - 1;
	const struct monitor_verdict *verdict = verdict_of(&settings);
	assert_int_equal(verdict->joint_count, 0);
	const double level = verdict->features[0].tests[0].level;
	for (size_t i = 0; i < width; i++)
		features[i].width = 0;
	assert_true(verdict_of(&settings)->features[0].tests[0].level == level); /* none takes a part of the rate */
	directions_mark(0, 5, "x");
	settings.window_rows = JOINT_ROWS_MIN;
	assert_int_equal(verdict_of(&settings)->joint_count, 1);
	reference.rows = reference.all_rows = JOINT_REFERENCE_ROWS_MIN - 1;
	assert_int_equal(verdict_of(&settings)->joint_count, 0);
	reference.rows = reference.all_rows = JOINT_REFERENCE_ROWS_MIN;
	assert_int_equal(verdict_of(&settings)->joint_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clean_streams_raise_no_more_alarms_than_declared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_change_of_dependence_alone_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_set_finds_what_is_in_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_small_move_of_a_whole_vector_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(odd_numbers_are_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_it_cannot_be_used_with_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_short_window_by_time_is_not_judged, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_projected_tensor_is_compared_as_a_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_projected_tensor_is_not_tested_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_projected_tensor_is_compared_without_others_of_its_name, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_projected_tensor_is_compared_beside_a_namesake_of_its_directions, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_projected_tensor_of_few_rows_has_no_joint_test, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
