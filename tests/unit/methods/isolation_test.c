/* isolation_test.c: isolation forests as they are learnt: how trees are grown, and what their scores and limits say. */
#include "methods/outliers/isolation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>

#include "base/number/random.h"
#include "methods/predictors/predictor.h"
#include "tests/unit/session.h"

#define ROWS 1000
#define COLUMNS 5
#define FILE_BYTES ((size_t)64 << 20)

static struct arena *arena;
static struct error error;
static struct random chance;
static struct buffer file;
static double rows[ROWS * COLUMNS];
static const struct table reference = {ROWS, COLUMNS, rows};
static const struct isolation_settings usual = {ISOLATION_TREES, ISOLATION_SAMPLE, 7, 0};

static double normal(void)
{
	double total = -6;
	for (int i = 0; i < 12; i++)
		total += (double)(random_next(&chance) >> 11) * 0x1p-53;
	return total;
}

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	chance = (struct random){3};
	arena = arena_open((size_t)256 << 20);
	buffer_open(&file, FILE_BYTES);
	for (size_t i = 0; i < ROWS * COLUMNS; i++)
		rows[i] = normal();
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	buffer_close(&file);
	arena_close(arena);
	return 0;
}

static void fit(const struct table *table, struct isolation_settings settings)
{
	buffer_clear(&file);
	if (!isolation_fit(table, &settings, &file, &error))
		fail_msg("%s", error.text);
}

static const struct predictor *forest_read(void)
{
	const struct predictor *forest = predictor_read(arena, buffer_view(&file), ITERATIONS_BEST, &error);
	if (!forest)
		fail_msg("%s", error.text);
	return forest;
}

/* How strange a row is, from 0 to 1. */
static double score(const struct predictor *forest, const double *row, size_t width)
{
	double margin, answer, *scratch = ARENA_ARRAY(arena, double, predictor_scratch(forest, 1));
	predictor_margins(forest, row, width, 1, &margin, scratch);
	predictor_answers(forest, &margin, 1, &answer);
	return -answer;
}

static json_int_t whole(const json_t *tree, const char *list, json_int_t place)
{
	return json_integer_value(json_array_get(json_object_get(tree, list), (size_t)place));
}

/* ---- trees ---- */

/* Walks a tree; what its nodes say must fit together. Returns the leaves. */
static size_t node_hold(const json_t *tree, json_int_t place, unsigned level)
{
	const json_int_t count = whole(tree, "n_samples", place);
	const json_int_t left = whole(tree, "left", place), right = whole(tree, "right", place);
	assert_true(count >= 1 && level <= 8);
	if (whole(tree, "feature", place) < 0) {
		assert_true(count == 1 || level == 8); /* no two rows are equal here */
		return 1;
	}
	assert_in_range(whole(tree, "feature", place), 0, COLUMNS - 1);
	assert_int_equal(whole(tree, "n_samples", left) + whole(tree, "n_samples", right), count);
	return node_hold(tree, left, level + 1) + node_hold(tree, right, level + 1);
}

static void a_tree_parts_its_rows_until_each_is_alone_or_the_levels_are_used_up(void **state)
{
	(void)state;
	fit(&reference, usual);
	json_t *root = json_loadb(file.bytes, file.length, 0, NULL), *trees = json_object_get(root, "trees"), *tree;
	size_t i, features[COLUMNS] = {0}, splits = 0;
	assert_int_equal(json_integer_value(json_object_get(root, "max_samples")), 256);
	assert_int_equal(json_array_size(trees), 100);
	json_array_foreach(trees, i, tree) {
		assert_int_equal(whole(tree, "n_samples", 0), 256);
		const size_t leaves = node_hold(tree, 0, 0);
		assert_int_equal(json_array_size(json_object_get(tree, "feature")), 2 * leaves - 1);
		for (size_t j = 0; j < 2 * leaves - 1; j++)
			if (whole(tree, "feature", (json_int_t)j) >= 0)
				features[whole(tree, "feature", (json_int_t)j)]++, splits++;
	}
	double chi = 0, expected = (double)splits / COLUMNS;
	for (size_t j = 0; j < COLUMNS; j++)
		chi += ((double)features[j] - expected) * ((double)features[j] - expected) / expected;
	assert_true(chi < 18.5); /* once in a thousand forests, with 4 degrees of freedom */
	json_decref(root);
}

/* Thresholds of trees of two rows, 0 and 1, are evenly spread between them, and each row is drawn as often. */
static void a_threshold_stands_anywhere_between_the_ends_alike(void **state)
{
	(void)state;
	double ends[] = {0, 0, 1, 0};
	fit(&(struct table){2, 2, ends}, (struct isolation_settings){2000, 256, 1, 0});
	json_t *root = json_loadb(file.bytes, file.length, 0, NULL), *trees = json_object_get(root, "trees"), *tree;
	size_t i, tenths[10] = {0};
	json_array_foreach(trees, i, tree) {
		const double threshold = json_number_value(json_array_get(json_object_get(tree, "threshold"), 0));
		assert_int_equal(whole(tree, "feature", 0), 0); /* the other does not vary */
		assert_true(threshold >= 0 && threshold < 1);
		tenths[(size_t)(threshold * 10)]++;
	}
	assert_int_equal(json_integer_value(json_object_get(root, "max_samples")), 2);
	double chi = 0;
	for (size_t j = 0; j < 10; j++)
		chi += ((double)tenths[j] - 200) * ((double)tenths[j] - 200) / 200;
	assert_true(chi < 27.9); /* once in a thousand, with 9 degrees of freedom */
	json_decref(root);
}

/* Floats alone tell numbers apart, and what is beyond them counts as the last of them. */
static void infinity_is_the_largest_float(void **state)
{
	(void)state;
	double ends[] = {0, (double)INFINITY};
	fit(&(struct table){2, 1, ends}, (struct isolation_settings){100, 2, 1, 0});
	json_t *root = json_loadb(file.bytes, file.length, 0, NULL), *trees = json_object_get(root, "trees"), *tree;
	size_t i, upper = 0;
	json_array_foreach(trees, i, tree)
		upper += json_number_value(json_array_get(json_object_get(tree, "threshold"), 0)) > 1.7e38;
	assert_true(upper > 30 && upper < 70);
	json_decref(root);
}

/* In trees of 10 of 40 rows, one apart from all others is drawn in a quarter. */
static void rows_of_a_tree_are_drawn_without_putting_back(void **state)
{
	(void)state;
	double numbers[40];
	for (size_t i = 0; i < 40; i++)
		numbers[i] = i < 39 ? 0 : 1000;
	fit(&(struct table){40, 1, numbers}, (struct isolation_settings){2000, 10, 1, 0});
	json_t *root = json_loadb(file.bytes, file.length, 0, NULL), *trees = json_object_get(root, "trees"), *tree;
	size_t i, drawn = 0;
	json_array_foreach(trees, i, tree) {
		if (whole(tree, "feature", 0) < 0)
			continue;
		drawn++;
		assert_int_equal(whole(tree, "n_samples", 0), 10);
		assert_int_equal(whole(tree, "n_samples", whole(tree, "right", 0)), 1); /* twice in a tree it never is */
	}
	assert_true(drawn > 440 && drawn < 560); /* 500, and three deviations of 19 */
	json_decref(root);
}

static void the_same_seed_gives_the_same_bytes(void **state)
{
	(void)state;
	struct isolation_settings settings = usual;
	fit(&reference, settings);
	char *first = arena_copy(arena, file.bytes, file.length);
	const size_t length = file.length;
	fit(&reference, settings);
	assert_true(text_equal(buffer_view(&file), (struct text){first, length}));
	settings.seed = UINT64_MAX;
	fit(&reference, settings);
	assert_non_null(forest_read());
	assert_false(text_equal(buffer_view(&file), (struct text){first, length}));
}

/* ---- scores ---- */

static void what_stands_apart_scores_above_all_others(void **state)
{
	(void)state;
	fit(&reference, usual);
	const struct predictor *forest = forest_read();
	double middle[COLUMNS] = {0}, far[COLUMNS] = {7, 7, -7, 7, -7}, greatest = 0;
	for (size_t i = 0; i < ROWS; i++)
		greatest = fmax(greatest, score(forest, rows + i * COLUMNS, COLUMNS));
	assert_true(score(forest, far, COLUMNS) > greatest);
	assert_true(score(forest, middle, COLUMNS) < 0.45);
	assert_true(predictor_traits(forest)->limit == 0.5);
}

static void the_limit_leaves_the_declared_share_above(void **state)
{
	(void)state;
	static const double shares[] = {0.001, 0.01, 0.1, 0.5};
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
		struct isolation_settings settings = usual;
		settings.share = shares[i];
		fit(&reference, settings);
		const struct predictor *forest = forest_read();
		size_t above = 0;
		for (size_t row = 0; row < ROWS; row++)
			above += score(forest, rows + row * COLUMNS, COLUMNS) > predictor_traits(forest)->limit;
		assert_int_equal(above, (size_t)(shares[i] * ROWS + 0.5));
	}
}

static void missing_and_immense_numbers_are_borne(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i += 3)
		rows[i * COLUMNS] = (double)NAN;
	rows[1] = (double)INFINITY;
	rows[COLUMNS + 1] = -1e300;
	for (size_t i = 0; i < ROWS; i++)
		rows[i * COLUMNS + 4] = (double)NAN; /* a column that is never there */
	fit(&reference, usual);
	const struct predictor *forest = forest_read();
	for (size_t i = 0; i < ROWS; i++) {
		const double own = score(forest, rows + i * COLUMNS, COLUMNS);
		assert_true(own > 0 && own < 1);
	}
	assert_true(score(forest, rows, COLUMNS) > score(forest, rows + 10 * COLUMNS, COLUMNS));
}

/* ---- what is refused ---- */

static void expect_refused(const struct table *table, struct isolation_settings settings, const char *why)
{
	error = (struct error){0};
	buffer_clear(&file);
	assert_false(isolation_fit(table, &settings, &file, &error));
	expect_words(error.text, why);
}

static void what_no_forest_can_be_learnt_of_is_refused(void **state)
{
	(void)state;
	double equal[] = {2, 3, 2 + 1e-9, 3, (double)NAN, 3}; /* as floats */
	const struct isolation_settings most = {ISOLATION_TREES_MAX + 1, 256, 0, 0}, wide = {1, ISOLATION_SAMPLE_MAX + 1, 0, 0};
	expect_refused(&(struct table){1, 5, rows}, usual, "these are 1 rows of 5 columns");
	expect_refused(&(struct table){5, 0, rows}, usual, "of 0 columns");
	expect_refused(&(struct table){3, 2, equal}, usual, "no column of the reference varies");
	expect_refused(&reference, most, "these are 10001 trees");
	expect_refused(&reference, wide, "trees of 65537 rows");
	expect_refused(&reference, (struct isolation_settings){0, 256, 0, 0}, "these are 0 trees");
	expect_refused(&reference, (struct isolation_settings){1, 1, 0, 0}, "trees of 1 rows");
	expect_refused(&reference, (struct isolation_settings){1, 2, 0, 0.51}, "the share of outliers is 0.51");
	expect_refused(&reference, (struct isolation_settings){1, 2, 0, (double)NAN}, "the share of outliers");
	expect_refused(&reference, (struct isolation_settings){1, 2, 0, -0.01}, "the share of outliers");
	fit(&reference, (struct isolation_settings){1, 2, 0, 0.5});
	buffer_close(&file);
	buffer_open(&file, 1000);
	expect_refused(&reference, usual, "larger than its file may be (1000 bytes)");
	assert_int_equal(error.kind, ERROR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tree_parts_its_rows_until_each_is_alone_or_the_levels_are_used_up, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_threshold_stands_anywhere_between_the_ends_alike, set_up, tear_down),
		cmocka_unit_test_setup_teardown(infinity_is_the_largest_float, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_of_a_tree_are_drawn_without_putting_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_seed_gives_the_same_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_stands_apart_scores_above_all_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_limit_leaves_the_declared_share_above, set_up, tear_down),
		cmocka_unit_test_setup_teardown(missing_and_immense_numbers_are_borne, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_no_forest_can_be_learnt_of_is_refused, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
