/* local_explainer_test.c: explanations of models inside the engine, and what is told of
 * them: residuals, the order of features, importance over many records. */
#include "explain/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/file.h"
#include "explain/importance.h"
#include "session.h"
#include "tests/unit/arena_fixture.h"

#define CLOSE 1e-12
#define MODEL_BYTES_MAX ((size_t)1 << 20)

static struct error error;
static struct explanation explanation;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)64 << 20);
	return arena ? 0 : 1;
}

static const struct predictor *read_model(struct text text)
{
	const struct predictor *predictor = predictor_read(arena, text, ITERATIONS_BEST, &error);
	if (!predictor)
		fail_msg("it was refused: %s", error.text);
	return predictor;
}

static const struct predictor *read_file(const char *path)
{
	struct text content;
	assert_true(file_read(path, MODEL_BYTES_MAX, arena, &content, &error));
	return read_model(content);
}

static void explain(const struct predictor *predictor, struct local_background background, const double *row)
{
	const struct local_explainer *explainer = local_explainer_open(arena, predictor, &background, &error);
	if (!explainer || !local_explain(explainer, row, &explanation, arena, &error))
		fail_msg("it was refused: %s", error.text);
}

static const struct local_background nothing;

static void trees_are_explained_by_paths_or_against_a_background(void **state)
{
	(void)state;
	static const double row[6] = {0.3, -1, 0.5, 2, -0.2, (double)NAN}, background[12] = {1, 0, -1, 0.5, 0.25, 0.1, -1, 1};
	const struct predictor *predictor = read_file("tests/oracles/models/ts_multi_d6.json");
	explain(predictor, nothing, row);
	assert_string_equal(explanation_method_name(explanation.method), "paths");
	assert_int_equal(explanation.outputs, 3);
	assert_true(explanation_adds_up(&explanation));
	explain(predictor, (struct local_background){background, 2, 6}, row);
	assert_string_equal(explanation_method_name(explanation.method), "intervention");
	assert_true(explanation_adds_up(&explanation));
	explain(read_file("tests/oracles-own/models/forest_samples.json"), nothing, row);
	assert_true(explanation_adds_up(&explanation));
	assert_true(explanation.prediction[0] >= 0 && explanation.prediction[0] <= 1); /* a share, not a sum of trees */
}

static void linear_models_are_explained_by_the_distance_from_the_means(void **state)
{
	(void)state;
	const struct predictor *predictor =
		read_model(TEXT("{\"format\":\"sluice_linear/1\",\"kind\":\"softmax\",\"coef\":[[1,2],[3,-4]],"
				"\"intercept\":[0.5,-1],\"classes\":[0,1]}"));
	static const double background[] = {1, 2, 3, 6};
	explain(predictor, (struct local_background){background, 2, 2}, (const double[]){5, 1});
	assert_string_equal(explanation_method_name(explanation.method), "linear");
	assert_true(explanation_adds_up(&explanation));
	assert_true(fabs(explanation.base[0] - (0.5 + 2 + 8)) < CLOSE && fabs(explanation.base[1] - (-1 + 6 - 16)) < CLOSE);
	static const double wanted[] = {3, -6, 9, 12};
	for (size_t i = 0; i < 4; i++)
		assert_true(fabs(explanation.contributions[i] - wanted[i]) < CLOSE);
}

static void networks_are_explained_by_gradients(void **state)
{
	(void)state;
	const struct predictor *predictor = read_file("tests/oracles/models/mlp_tanh_3.json");
	double row[16] = {0.5, -1, 0.25, 1};
	explain(predictor, nothing, row);
	assert_string_equal(explanation_method_name(explanation.method), "gradients");
	assert_int_equal(explanation.outputs, 3);
	for (size_t i = 0; i < explanation.outputs; i++)
		assert_true(fabs(explanation.residual[i]) < 1e-9);
}

static void backgrounds_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	static const double background[] = {1, (double)NAN, 3, 4};
	const struct predictor *predictor =
		read_model(TEXT("{\"format\":\"sluice_linear/1\",\"kind\":\"identity\",\"coef\":[[1,2]],\"intercept\":[0]}"));
	const struct local_background narrow = {background, 4, 1}, missing = {background, 2, 2};
	assert_null(local_explainer_open(arena, predictor, &narrow, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	expect_words(error.text, "the background has 1 columns, and the model takes 2");
	error = (struct error){0};
	assert_null(local_explainer_open(arena, predictor, &missing, &error));
	expect_words(error.text, "column 1 of the background has a number that is missing");
}

static void a_residual_is_what_is_missing_from_the_sum(void **state)
{
	(void)state;
	assert_true(explanation_open(&explanation, 2, 1, arena, &error));
	explanation.base[0] = 1;
	explanation.prediction[0] = 4;
	explanation.contributions[0] = 2;
	explanation.contributions[1] = 1 - 3e-9;
	explanation_settle(&explanation);
	assert_true(fabs(explanation.residual[0] - 3e-9) < 1e-15);
	assert_true(explanation_adds_up(&explanation));
	explanation.contributions[1] = 1 - 6e-9;
	explanation_settle(&explanation);
	assert_false(explanation_adds_up(&explanation));
	explanation.contributions[1] = (double)NAN;
	explanation_settle(&explanation);
	assert_false(explanation_adds_up(&explanation));
	assert_false(explanation_open(&explanation, EXPLANATION_CELLS_MAX, 2, arena, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
}

static void features_are_ordered_by_their_size(void **state)
{
	(void)state;
	static const double contributions[] = {0, -3, 2, (double)NAN, 3, -2};
	static const size_t wanted[] = {1, 4, 2, 5, 0, 3};
	size_t order[6];
	assert_true(explanation_open(&explanation, 6, 1, arena, &error));
	memcpy(explanation.contributions, contributions, sizeof contributions);
	explanation_order(&explanation, 0, order);
	assert_memory_equal(order, wanted, sizeof wanted);
}

static void importance_is_the_mean_size_over_records(void **state)
{
	(void)state;
	struct importance *one = arena_take(arena, 1, importance_size(2)), *other = arena_take(arena, 1, importance_size(2));
	assert_true(isnan(importance_shift(one, other, 2)));
	importance_add(one, (const double[]){1, -2}, 2);
	importance_add(one, (const double[]){-3, 0}, 2);
	importance_add(one, (const double[]){(double)NAN, 9}, 2);
	assert_int_equal(one->records, 2);
	assert_true(fabs(importance_means(one)[0] - 2) < CLOSE && fabs(importance_means(one)[1] - 1) < CLOSE);
	importance_add(other, (const double[]){5, 5}, 2);
	assert_true(fabs(importance_shift(one, other, 2) - 1.0 / 6) < CLOSE);
	assert_true(importance_shift(one, one, 2) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(trees_are_explained_by_paths_or_against_a_background, set_up, arena_end),
		cmocka_unit_test_setup_teardown(linear_models_are_explained_by_the_distance_from_the_means, set_up, arena_end),
		cmocka_unit_test_setup_teardown(networks_are_explained_by_gradients, set_up, arena_end),
		cmocka_unit_test_setup_teardown(backgrounds_that_do_not_fit_are_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_residual_is_what_is_missing_from_the_sum, set_up, arena_end),
		cmocka_unit_test_setup_teardown(features_are_ordered_by_their_size, set_up, arena_end),
		cmocka_unit_test_setup_teardown(importance_is_the_mean_size_over_records, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
