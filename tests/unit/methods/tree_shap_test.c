/* tree_shap_test.c: Shapley values of trees beside their definition, by all coalitions; deep
 * trees, categories and missing numbers; and what is refused. */
#include "methods/explain/tree_shap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "methods/explain/coalition.h"
#include "methods/predictors/trees.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define FEATURES 7
#define NODES_MAX 4096
#define CLOSE 1e-12

static struct error error;
static struct random chance;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	chance = (struct random){5};
	arena = arena_open((size_t)256 << 20);
	return arena ? 0 : 1;
}

static double drawn(void)
{
	return (double)random_between(&chance, -1000, 1000) / 1000;
}

/* ---- a model of one tree, as XGBoost writes it ---- */

struct grown {
	size_t count;
	int left[NODES_MAX], right[NODES_MAX], feature[NODES_MAX], nan_left[NODES_MAX];
	float value[NODES_MAX];
	float cover[NODES_MAX];
};

static struct grown grown;

/* A tree whose left child is cut short, where `thin`, so that it may be deep. */
static int grow(int depth, bool thin, double cover)
{
	const int node = (int)grown.count++;
	assert_true(grown.count < NODES_MAX);
	grown.left[node] = grown.right[node] = -1;
	grown.cover[node] = (float)cover;
	grown.value[node] = (float)drawn();
	if (depth == 0)
		return node;
	grown.feature[node] = (int)random_below(&chance, FEATURES);
	grown.nan_left[node] = (int)random_below(&chance, 2);
	const double share = 0.1 + 0.8 * (double)random_below(&chance, 1000) / 1000;
	const int left = grow(thin ? 0 : depth - 1, thin, cover * share), right = grow(depth - 1, thin, cover * (1 - share));
	grown.left[node] = left;
	grown.right[node] = right;
	return node;
}

static void print_integers(struct buffer *out, const char *key, const int *numbers)
{
	buffer_print(out, "\"%s\":[", key);
	for (size_t i = 0; i < grown.count; i++)
		buffer_print(out, "%s%d", i ? "," : "", numbers[i]);
	buffer_string(out, "],");
}

static struct text model_of_tree(struct buffer *out, bool covers)
{
	buffer_open(out, (size_t)1 << 20);
	buffer_string(
		out,
		"{\"learner\":{\"learner_model_param\":{\"base_score\":\"[5E-1]\",\"num_class\":\"0\",\"num_feature\":\"7\","
		"\"num_target\":\"1\"},\"objective\":{\"name\":\"reg:squarederror\"},\"gradient_booster\":{\"name\":\"gbtree\","
		"\"model\":{\"tree_info\":[0],\"trees\":[{");
	print_integers(out, "left_children", grown.left);
	print_integers(out, "right_children", grown.right);
	print_integers(out, "split_indices", grown.feature);
	print_integers(out, "default_left", grown.nan_left);
	if (covers) {
		buffer_string(out, "\"sum_hessian\":[");
		for (size_t i = 0; i < grown.count; i++)
			buffer_print(out, "%s%.9g", i ? "," : "", (double)grown.cover[i]);
		buffer_string(out, "],");
	}
	buffer_string(out, "\"split_conditions\":[");
	for (size_t i = 0; i < grown.count; i++)
		buffer_print(out, "%s%.9g", i ? "," : "", (double)grown.value[i]);
	buffer_string(out, "]}]}}}}");
	assert_false(buffer_failed(out));
	return buffer_view(out);
}

static const struct predictor *predictor_of_tree(int depth, bool thin, bool covers)
{
	struct buffer text;
	grown.count = 0;
	grow(depth, thin, 1000);
	const struct predictor *predictor = predictor_read(arena, model_of_tree(&text, covers), ITERATIONS_BEST, &error);
	if (!predictor)
		fail_msg("it was refused: %s", error.text);
	buffer_close(&text);
	return predictor;
}

static void draw_row(double *row)
{
	for (size_t i = 0; i < FEATURES; i++)
		row[i] = random_below(&chance, 8) ? drawn() : (double)NAN;
}

/* ---- by definition ---- */

static bool goes_left(int node, const double *row)
{
	const double number = row[grown.feature[node]];
	return isnan(number) ? grown.nan_left[node] : (float)number < grown.value[node];
}

/* What the tree answers on average when only the features of a coalition are known. */
static double known_value(int node, const double *row, uint64_t coalition)
{
	if (grown.left[node] < 0)
		return (double)grown.value[node];
	if (coalition >> grown.feature[node] & 1)
		return known_value(goes_left(node, row) ? grown.left[node] : grown.right[node], row, coalition);
	const double cover = (double)grown.cover[node];
	return (double)grown.cover[grown.left[node]] / cover * known_value(grown.left[node], row, coalition) +
	       (double)grown.cover[grown.right[node]] / cover * known_value(grown.right[node], row, coalition);
}

static double margin_of(const struct predictor *predictor, const double *row)
{
	double margin, scratch[8 * FEATURES];
	assert_true(predictor_scratch(predictor, 1) <= sizeof scratch / sizeof *scratch);
	predictor_margins(predictor, row, FEATURES, 1, &margin, scratch);
	return margin;
}

static void explain(const struct tree_shap *shap, const double *row, double contributions[FEATURES])
{
	double *scratch = ARENA_ARRAY(arena, double, tree_shap_size(shap).scratch);
	assert_non_null(scratch);
	tree_shap_explain(shap, row, contributions, scratch);
}

static void expect_sum(const struct tree_shap *shap, const struct predictor *predictor, const double *row,
		       const double contributions[FEATURES])
{
	double sum = *tree_shap_base(shap);
	const double margin = margin_of(predictor, row);
	for (size_t i = 0; i < FEATURES; i++)
		sum += contributions[i];
	if (!(fabs(sum - margin) <= CLOSE * (1 + fabs(margin))))
		fail_msg("they add up to %.17g, not %.17g", sum, margin);
}

static void expect_alike(const double contributions[FEATURES], const double wanted[FEATURES])
{
	for (size_t i = 0; i < FEATURES; i++)
		if (!(fabs(contributions[i] - wanted[i]) <= CLOSE))
			fail_msg("feature %zu has %.17g, not %.17g", i, contributions[i], wanted[i]);
}

static const struct tree_shap *open_paths(const struct predictor *predictor)
{
	const struct tree_shap *shap = tree_shap_open(arena, predictor, NULL, 0, 0, &error);
	if (!shap)
		fail_msg("it was refused: %s", error.text);
	return shap;
}

static void path_dependent_values_are_those_of_all_coalitions(void **state)
{
	(void)state;
	static double values[1 << FEATURES];
	for (int depth = 0; depth <= 9; depth++)
		for (int round = 0; round < 3; round++) {
			const struct predictor *predictor = predictor_of_tree(depth, false, true);
			const struct tree_shap *shap = open_paths(predictor);
			double row[FEATURES], contributions[FEATURES], wanted[FEATURES];
			draw_row(row);
			for (uint64_t coalition = 0; coalition < 1 << FEATURES; coalition++)
				values[coalition] = known_value(0, row, coalition);
			coalition_shapley(values, FEATURES, wanted);
			explain(shap, row, contributions);
			expect_alike(contributions, wanted);
			assert_true(fabs(*tree_shap_base(shap) - 0.5 - values[0]) < CLOSE);
			expect_sum(shap, predictor, row, contributions);
		}
}

static void interventional_values_are_those_of_all_coalitions(void **state)
{
	(void)state;
	enum { ROWS = 3 };
	static double values[1 << FEATURES];
	for (int depth = 1; depth <= 9; depth++) {
		const struct predictor *predictor = predictor_of_tree(depth, false, false);
		double row[FEATURES], background[ROWS * FEATURES], contributions[FEATURES], wanted[FEATURES];
		double asked[ROWS * FEATURES], answers[ROWS];
		draw_row(row);
		for (size_t i = 0; i < ROWS; i++)
			draw_row(background + i * FEATURES);
		const struct tree_shap *shap = tree_shap_open(arena, predictor, background, ROWS, FEATURES, &error);
		assert_non_null(shap);
		const struct coalition_game game = {
			.features = FEATURES, .row = row, .background_rows = ROWS, .background = background, .players = FEATURES};
		for (uint64_t coalition = 0; coalition < 1 << FEATURES; coalition++) {
			coalition_rows(&game, &coalition, asked);
			for (size_t i = 0; i < ROWS; i++)
				answers[i] = margin_of(predictor, asked + i * FEATURES);
			values[coalition] = coalition_value(&game, answers, 1);
		}
		coalition_shapley(values, FEATURES, wanted);
		explain(shap, row, contributions);
		expect_alike(contributions, wanted);
		expect_sum(shap, predictor, row, contributions);
	}
}

static void deep_trees_add_up(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		const struct predictor *predictor = predictor_of_tree(17 + 40 * round, true, true);
		double row[FEATURES], background[FEATURES], contributions[FEATURES];
		draw_row(row);
		draw_row(background);
		const struct tree_shap *shap = open_paths(predictor);
		explain(shap, row, contributions);
		expect_sum(shap, predictor, row, contributions);
		shap = tree_shap_open(arena, predictor, background, 1, FEATURES, &error);
		assert_non_null(shap);
		explain(shap, row, contributions);
		expect_sum(shap, predictor, row, contributions);
	}
}

static void a_split_that_no_training_row_reached_sends_half_each_way(void **state)
{
	(void)state;
	double row[FEATURES] = {0}, contributions[FEATURES];
	grown = (struct grown){.count = 5,
			       .left = {1, -1, 3, -1, -1},
			       .right = {2, -1, 4, -1, -1},
			       .value = {0.5f, 1, 0.5f, 2, 4},
			       .cover = {8, 8}};
	grown.feature[2] = 1;
	struct buffer text;
	const struct predictor *predictor = predictor_read(arena, model_of_tree(&text, true), ITERATIONS_BEST, &error);
	assert_non_null(predictor);
	buffer_close(&text);
	row[0] = 1; /* to the right: what is known of nobody */
	const struct tree_shap *shap = open_paths(predictor);
	explain(shap, row, contributions);
	expect_sum(shap, predictor, row, contributions);
	/* v() = 1, v(0) = (2 + 4) / 2, v(1) = 1, v(0, 1) = 2 */
	assert_true(fabs(contributions[0] - 1.5) < CLOSE);
	assert_true(fabs(contributions[1] + 0.5) < CLOSE);
}

/* ---- what is refused ---- */

static void expect_refused(const struct predictor *predictor, const double *background, size_t rows, size_t width,
			   enum error_kind kind, const char *why)
{
	error = (struct error){0};
	assert_null(tree_shap_open(arena, predictor, background, rows, width, &error));
	assert_int_equal(error.kind, kind);
	expect_words(error.text, why);
}

/* XGBoost writes such covers of trees that have nothing left to learn, as with survival:cox. */
static void a_tree_of_one_leaf_needs_no_cover(void **state)
{
	(void)state;
	for (int covered = 0; covered <= 1; covered++) {
		struct buffer text;
		double row[FEATURES], contributions[FEATURES];
		grown.count = 0;
		grow(0, false, -0.16748942);
		const struct predictor *predictor =
			predictor_read(arena, model_of_tree(&text, covered), ITERATIONS_BEST, &error);
		buffer_close(&text);
		const struct tree_shap *shap = open_paths(predictor);
		draw_row(row);
		explain(shap, row, contributions);
		expect_alike(contributions, (const double[FEATURES]){0});
		assert_true(fabs(*tree_shap_base(shap) - 0.5 - (double)grown.value[0]) < CLOSE);
	}
}

static void what_cannot_be_explained_is_refused(void **state)
{
	(void)state;
	static const double background[2 * FEATURES];
	const struct predictor *linear = predictor_read(
		arena, TEXT("{\"format\":\"sluice_linear/1\",\"kind\":\"identity\",\"coef\":[[1,2]],\"intercept\":[0]}"),
		ITERATIONS_BEST, &error);
	assert_non_null(linear);
	expect_refused(linear, NULL, 0, 0, ERROR_CONFIG, "the model has no trees (its format is sluice_linear/1)");
	const struct predictor *bare = predictor_of_tree(2, false, false);
	expect_refused(bare, NULL, 0, 0, ERROR_CONFIG, "does not say how many training rows came to each node");
	expect_refused(bare, background, 2, FEATURES - 1, ERROR_CONFIG, "the background has 6 columns, and the model takes 7");
	expect_refused(bare, background, TREE_SHAP_BACKGROUND_MAX + 1, FEATURES, ERROR_LIMIT, "65537 rows, more than 65536");
	assert_non_null(tree_shap_open(arena, bare, background, 1, FEATURES, &error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(path_dependent_values_are_those_of_all_coalitions, set_up, arena_end),
		cmocka_unit_test_setup_teardown(interventional_values_are_those_of_all_coalitions, set_up, arena_end),
		cmocka_unit_test_setup_teardown(deep_trees_add_up, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_split_that_no_training_row_reached_sends_half_each_way, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_tree_of_one_leaf_needs_no_cover, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_cannot_be_explained_is_refused, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
