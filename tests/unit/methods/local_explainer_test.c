/* local_explainer_test.c: explanations of models inside the engine, and what is told of
 * them: residuals, the order of features, importance over many records. */
#include "methods/explain/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/file.h"
#include "methods/explain/importance.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/explanation_sum.h"

#define CLOSE 1e-12
#define FEATURES_MOST 10
#define OUTPUTS_MOST 4
#define LOGISTIC                                                                                                                   \
	"{\"format\":\"sluice_linear/1\",\"kind\":\"logistic\",\"coef\":[[1,-2,0.5]],\"intercept\":[0.1],\"classes\":[0,1]}"
#define NETWORK                                                                                                                    \
	"{\"format\":\"sluice_mlp/1\",\"activation\":\"tanh\",\"output\":\"logistic\",\"layers\":["                                \
	"{\"W\":[[1,0],[0,1],[0,0]],\"b\":[0,0]},{\"W\":[[2],[-3]],\"b\":[0.1]}],\"classes\":[0,1]}"
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
	assert_int_equal(explanation.method, EXPLANATION_PATHS);
	assert_int_equal(explanation.outputs, 3);
	assert_true(explanation_adds_up(&explanation));
	explain(predictor, (struct local_background){background, 2, 6}, row);
	assert_int_equal(explanation.method, EXPLANATION_INTERVENTION);
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
	assert_int_equal(explanation.method, EXPLANATION_LINEAR);
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
	assert_int_equal(explanation.method, EXPLANATION_GRADIENTS);
	assert_int_equal(explanation.outputs, 3);
	for (size_t i = 0; i < explanation.outputs; i++)
		assert_true(fabs(explanation.residual[i]) < 1e-9);
}

/* Shapley values of the answers themselves, by their definition: all subsets of the features, the others from the background's
 * row. Weights: |S|! (d - |S| - 1)! / d!. */
static void shapley_of_answers(const struct predictor *predictor, size_t features, const double *row, const double *others,
			       double *values)
{
	const size_t outputs = predictor_traits(predictor)->outputs;
	double mixed[FEATURES_MOST], margins[OUTPUTS_MOST], answers[2][OUTPUTS_MOST];
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(predictor, 1));
	for (size_t i = 0; i < features * outputs; i++)
		values[i] = 0;
	for (size_t set = 0; set < (size_t)1 << features; set++)
		for (size_t i = 0; i < features; i++) {
			if (set >> i & 1)
				continue;
			double weight = 1 / (double)features; /* |S|! (d - |S| - 1)! / d! is 1 / (d * (d - 1 over |S|)) */
			size_t size = 0;
			for (size_t j = 0; j < features; j++)
				size += set >> j & 1;
			for (size_t j = 0; j < size; j++)
				weight *= (double)(j + 1) / (double)(features - 1 - j);
			for (size_t with = 0; with < 2; with++) {
				for (size_t j = 0; j < features; j++)
					mixed[j] = (set >> j & 1) || (with && j == i) ? row[j] : others[j];
				predictor_margins(predictor, mixed, features, 1, margins, scratch);
				predictor_answers(predictor, margins, 1, answers[with]);
			}
			for (size_t k = 0; k < outputs; k++)
				values[k * features + i] += weight * (answers[1][k] - answers[0][k]);
		}
}

/* Each output that is explained is the one of the answer: its largest contribution has the sign that all coalitions of the answers
 * give it, and its log-odds are those of that probability. */
static void expect_outputs_of_the_answer(const struct predictor *predictor, const double *row, enum predictor_scale scale)
{
	static const double zeros[FEATURES_MOST];
	const struct predictor_traits *traits = predictor_traits(predictor);
	const size_t features = traits->features;
	double margins[OUTPUTS_MOST], answers[OUTPUTS_MOST], values[FEATURES_MOST * OUTPUTS_MOST];
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(predictor, 1));
	explain(predictor, (struct local_background){zeros, 1, features}, row);
	predictor_margins(predictor, row, features, 1, margins, scratch);
	predictor_answers(predictor, margins, 1, answers);
	shapley_of_answers(predictor, features, row, zeros, values);
	assert_int_equal(explanation.outputs, traits->outputs);
	assert_int_equal(explanation.scale, scale);
	for (size_t k = 0; k < explanation.outputs; k++) {
		size_t largest = k * features;
		for (size_t i = k * features; i < (k + 1) * features; i++)
			if (fabs(explanation.contributions[i]) > fabs(explanation.contributions[largest]))
				largest = i;
		assert_true(explanation.contributions[largest] * values[largest] > 0);
		if (scale == SCALE_LOG_ODDS)
			assert_true(fabs(1 / (1 + exp(-explanation.prediction[k])) - answers[k]) < 1e-7);
		if (scale == SCALE_ANSWER)
			assert_true(fabs(explanation.prediction[k] - answers[k]) < CLOSE);
	}
}

/* Of coef (1, -2, 0.5) and intercept 0.1 at (2, -2.5, 0.4) from zeros: the log-odds of the second class gain 2, 5 and 0.2 beyond
 * 0.1, which are 7.3; those of the first lose them, as log(p / (1 - p)) = -log((1 - p) / p). */
static void both_classes_of_a_logistic_model_are_explained(void **state)
{
	(void)state;
	static const double row[] = {2, -2.5, 0.4}, zeros[3];
	static const double wanted[] = {-2, -5, -0.2, 2, 5, 0.2};
	explain(read_model(TEXT(LOGISTIC)), (struct local_background){zeros, 1, 3}, row);
	assert_int_equal(explanation.outputs, 2);
	for (size_t i = 0; i < 6; i++)
		assert_true(fabs(explanation.contributions[i] - wanted[i]) < CLOSE);
	assert_true(fabs(explanation.base[0] + 0.1) < CLOSE && fabs(explanation.base[1] - 0.1) < CLOSE);
	assert_true(fabs(explanation.prediction[0] + 7.3) < CLOSE && fabs(explanation.prediction[1] - 7.3) < CLOSE);
	assert_true(explanation_adds_up(&explanation));
}

static void outputs_are_explained_with_the_sign_of_the_answer(void **state)
{
	(void)state;
	static const double three[] = {2, -2.5, 0.4};
	static const double wide[FEATURES_MOST] = {1.5, -0.75, 2, 0.5, -1.25, 0.25, 1, -2, 0.125, 1};
	expect_outputs_of_the_answer(read_model(TEXT(LOGISTIC)), three, SCALE_LOG_ODDS);
	expect_outputs_of_the_answer(read_model(TEXT(NETWORK)), three, SCALE_LOG_ODDS);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/logreg_3.json"), wide, SCALE_SCORE);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/xgb_bin.json"), wide, SCALE_LOG_ODDS);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/lgb_bin.txt"), wide, SCALE_LOG_ODDS);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/xgb_multi.json"), wide, SCALE_SCORE);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/lgb_multi.txt"), wide, SCALE_SCORE);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/ridge.json"), wide, SCALE_ANSWER);
	expect_outputs_of_the_answer(read_file("tests/oracles/models/xgb_reg.json"), wide, SCALE_ANSWER);
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
		cmocka_unit_test_setup_teardown(both_classes_of_a_logistic_model_are_explained, set_up, arena_end),
		cmocka_unit_test_setup_teardown(outputs_are_explained_with_the_sign_of_the_answer, set_up, arena_end),
		cmocka_unit_test_setup_teardown(backgrounds_that_do_not_fit_are_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_residual_is_what_is_missing_from_the_sum, set_up, arena_end),
		cmocka_unit_test_setup_teardown(importance_is_the_mean_size_over_records, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
