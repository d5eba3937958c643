/* predictor_test.c: Tests of what trained models answer where their formats differ, and which files
 * are refused. That whole models answer as the libraries that made them is held by the
 * reference numbers in tests/oracles. */
#include "methods/predictors/predictor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/file.h"
#include "base/number/random.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define ROOM 4096 /* numbers of a test */

static struct error error;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)64 << 20);
	return arena ? 0 : 1;
}

static const struct predictor *read_text(const char *text)
{
	const struct predictor *predictor = predictor_read(arena, text_of(text), ITERATIONS_BEST, &error);
	if (!predictor)
		fail_msg("it was refused: %s", error.text);
	return predictor;
}

static void expect_refused(const char *text, const char *why)
{
	error = (struct error){0};
	if (predictor_read(arena, text_of(text), ITERATIONS_BEST, &error))
		fail_msg("it was taken, and not refused: %s", text);
	assert_int_equal(error.kind, ERROR_CONFIG);
	expect_words(error.text, why);
}

static void answer(const struct predictor *predictor, const double *rows, size_t count, double *answers)
{
	const struct predictor_traits *traits = predictor_traits(predictor);
	double *margins = ARENA_ARRAY(arena, double, count * traits->margins);
	double *scratch = ARENA_ARRAY(arena, double, predictor_scratch(predictor, count));
	assert_non_null(margins);
	assert_non_null(scratch);
	predictor_margins(predictor, rows, traits->features, count, margins, scratch);
	predictor_answers(predictor, margins, count, answers);
}

static double answer_to(const struct predictor *predictor, double x, double y)
{
	double answers[8];
	answer(predictor, (const double[]){x, y}, 1, answers);
	return answers[0];
}

/* ---- XGBoost ---- */

#define NODES(left, right, features, conditions, defaults, more)                                                                   \
	"{\"left_children\":" left ",\"right_children\":" right ",\"split_indices\":" features ",\"split_conditions\":" conditions \
	",\"default_left\":" defaults more "}"

/* A model of two features. */
static const char *xgboost(const char *objective, const char *base, const char *trees, const char *classes)
{
	return arena_print(arena,
			   "{\"learner\":{\"learner_model_param\":{\"base_score\":%s,\"num_class\":\"0\",\"num_feature\":\"2\"},"
			   "\"objective\":{\"name\":\"%s\"},\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"trees\":[%s],"
			   "\"tree_info\":%s}}}}",
			   base, objective, trees, classes);
}

/* Below 0.5 it is 1, from there on 2; what is missing goes left in the first, right in the second. */
#define LEFT_TREE NODES("[1,-1,-1]", "[2,-1,-1]", "[0,0,0]", "[0.5,1,2]", "[1,0,0]", "")
#define RIGHT_TREE NODES("[1,-1,-1]", "[2,-1,-1]", "[0,0,0]", "[0.5,1,2]", "[0,0,0]", "")

static void what_equals_a_split_of_xgboost_goes_right_and_what_is_missing_as_it_says(void **state)
{
	(void)state;
	const struct predictor *left = read_text(xgboost("reg:squarederror", "\"0\"", LEFT_TREE, "[0]"));
	const struct predictor *right = read_text(xgboost("reg:squarederror", "\"0\"", RIGHT_TREE, "[0]"));
	assert_true(answer_to(left, 0.49, 0) == 1);
	assert_true(answer_to(left, 0.5, 0) == 2);
	assert_true(answer_to(left, 0.5 - 1e-12, 0) == 2); /* which is 0.5 as a float */
	assert_true(answer_to(left, (double)NAN, 0) == 1);
	assert_true(answer_to(right, (double)NAN, 0) == 2);
	assert_true(answer_to(right, (double)-INFINITY, 0) == 1);
	assert_true(answer_to(left, (double)INFINITY, 0) == 2);
}

static void base_score_is_an_answer_and_no_margin(void **state)
{
	(void)state;
	static const char *const forms[] = {"\"2.5E-1\"", "\"[2.5E-1]\"", "0.25", "[0.25]"};
	const char *stump = NODES("[-1]", "[-1]", "[0]", "[0]", "[0]", "");
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		assert_true(fabs(answer_to(read_text(xgboost("binary:logistic", forms[i], stump, "[0]")), 0, 0) - 0.25) < 1e-7);
		assert_true(fabs(answer_to(read_text(xgboost("count:poisson", forms[i], stump, "[0]")), 0, 0) - 0.25) < 1e-7);
		assert_true(answer_to(read_text(xgboost("reg:squarederror", forms[i], stump, "[0]")), 0, 0) == 0.25);
		assert_true(answer_to(read_text(xgboost("binary:logitraw", forms[i], stump, "[0]")), 0, 0) == 0.25);
	}
}

#define LEAF(value) NODES("[-1]", "[-1]", "[0]", "[" value "]", "[0]", "")

/* Trees of one leaf each: 1, 2, 4, 8; what stands in `attributes` and in the booster's model. */
static const char *xgboost_stopped(const char *attributes, const char *model)
{
	return arena_print(arena,
			   "{\"learner\":{\"attributes\":{%s},\"learner_model_param\":{\"base_score\":\"0\",\"num_class\":\"0\","
			   "\"num_feature\":\"2\"},\"objective\":{\"name\":\"reg:squarederror\"},\"gradient_booster\":{\"name\":"
			   "\"gbtree\",\"model\":{%s\"trees\":[" LEAF("1") "," LEAF("2") "," LEAF("4") "," LEAF(
				   "8") "],"
					"\"tree_info\":[0,0,0,0]}}}}",
			   attributes, model);
}

static void an_early_stop_answers_up_to_its_best_iteration(void **state)
{
	(void)state;
	static const struct {
		const char *attributes, *model;
		size_t used, iterations;
		double sum;
	} rows[] = {
		{"", "", 0, 0, 15},
		{"\"best_iteration\":\"0\"", "", 1, 4, 1},
		{"\"best_iteration\":\"2\",\"best_score\":\"0.1\"", "\"gbtree_model_param\":{\"num_trees\":\"4\"},", 3, 4, 7},
		{"\"best_iteration\":3", "", 4, 4, 15},
		{"\"best_iteration\":\"0\"", "\"gbtree_model_param\":{\"num_trees\":\"4\",\"num_parallel_tree\":\"2\"},", 1, 2, 3},
		{"\"best_iteration\":\"1\"", "\"iteration_indptr\":[0,1,3,4],", 2, 3, 7},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *text = xgboost_stopped(rows[i].attributes, rows[i].model);
		const struct predictor *predictor = read_text(text);
		assert_true(answer_to(predictor, 0, 0) == rows[i].sum);
		assert_int_equal(predictor_traits(predictor)->iterations, rows[i].iterations);
		assert_int_equal(predictor_traits(predictor)->iterations_used, rows[i].used);
		predictor = predictor_read(arena, text_of(text), ITERATIONS_ALL, &error);
		assert_non_null(predictor);
		assert_true(answer_to(predictor, 0, 0) == 15);
		assert_int_equal(predictor_traits(predictor)->iterations_used, rows[i].iterations);
	}
}

static void a_file_of_xgboost_that_is_not_whole_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *attributes, *model, *why;
	} rows[] = {
		{"", "\"gbtree_model_param\":{\"num_trees\":\"5\"},", "it has 4 trees and says that it has 5 (num_trees)"},
		{"", "\"gbtree_model_param\":{\"num_trees\":\"3\"},", "it has 4 trees and says that it has 3 (num_trees)"},
		{"", "\"gbtree_model_param\":{\"num_parallel_tree\":\"3\"},", "its 4 trees are not 3 for each iteration"},
		{"", "\"iteration_indptr\":[0,1,2,3],", "its iteration_indptr does not end with its 4 trees"},
		{"", "\"iteration_indptr\":[],", "its iteration_indptr does not end with its 4 trees"},
		{"\"best_iteration\":\"0\"", "\"iteration_indptr\":[0,9,4],", "its iteration_indptr goes beyond its 4 trees"},
		{"\"best_iteration\":\"4\"", "", "its best_iteration is none of its 4 iterations, counted from 0"},
		{"\"best_iteration\":\"-1\"", "", "its best_iteration is none of its 4 iterations"},
		{"\"best_iteration\":\"x\"", "", "its best_iteration is none of its 4 iterations"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_refused(xgboost_stopped(rows[i].attributes, rows[i].model), rows[i].why);
	/* All of it needs no best one. */
	assert_non_null(predictor_read(arena, text_of(xgboost_stopped("\"best_iteration\":\"4\"", "")), ITERATIONS_ALL, &error));
}

static void categories_of_xgboost_that_a_split_names_go_right(void **state)
{
	(void)state;
	const char *tree =
		NODES("[1,-1,-1]", "[2,-1,-1]", "[1,0,0]", "[0,1,2]", "[0,0,0]",
		      ",\"split_type\":[1,0,0],\"categories\":[3,40],\"categories_nodes\":[0],\"categories_segments\":[0],"
		      "\"categories_sizes\":[2]");
	const struct predictor *predictor = read_text(xgboost("reg:squarederror", "\"0\"", tree, "[0]"));
	assert_true(answer_to(predictor, 0, 3) == 2);
	assert_true(answer_to(predictor, 0, 40) == 2);
	assert_true(answer_to(predictor, 0, 4) == 1);
	assert_true(answer_to(predictor, 0, -1) == 1);
	assert_true(answer_to(predictor, 0, 1e9) == 1);
	assert_true(answer_to(predictor, 0, (double)NAN) == 2);
}

static void trees_that_are_none_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *tree, *why;
	} bad[] = {
		{NODES("[1,0,-1]", "[2,2,-1]", "[0,0,0]", "[0.5,1,2]", "[1,0,0]", ""), "leads round in a circle"},
		{NODES("[0]", "[0]", "[0]", "[0.5]", "[1]", ""), "leads round in a circle"},
		{NODES("[1,-1,-1]", "[7,-1,-1]", "[0,0,0]", "[0.5,1,2]", "[1,0,0]", ""),
		 "leads to node 1 and 7 of a tree that has 3"},
		{NODES("[1,-1,-1]", "[-1,-1,-1]", "[0,0,0]", "[0.5,1,2]", "[1,0,0]", ""), "leads to node 1 and -1"},
		{NODES("[1,-1,-1]", "[2,-1,-1]", "[2,0,0]", "[0.5,1,2]", "[1,0,0]", ""), "asks for feature 2, and the model has 2"},
		{NODES("[1,-1,-1]", "[2,-1,-1]", "[0,0,0]", "[0.5,1]", "[1,0,0]", ""), "node 2 of a tree is not whole"},
		{NODES("[1,-1,-1]", "[2,-1,-1]", "[0,0,0]", "[1e39,1,2]", "[1,0,0]", ""), "no number"},
		{NODES("[1,-1,-1]", "[2,-1,-1]", "[0,0,0]", "[-1e39,1,2]", "[1,0,0]", ""), "compares with what is no number"},
		{NODES("[]", "[]", "[]", "[]", "[]", ""), "a tree has 0 nodes"},
		{NODES("[-1]", "[-1]", "[0]", "[0]", "[0]", ",\"tree_param\":{\"size_leaf_vector\":\"3\"}"), "multi_output_tree"},
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		if (strstr(bad[i].tree, "[1e39")) /* a float's infinity: everything goes left */
			assert_true(answer_to(read_text(xgboost("reg:squarederror", "\"0\"", bad[i].tree, "[0]")), 1e30, 0) == 1);
		else
			expect_refused(xgboost("reg:squarederror", "\"0\"", bad[i].tree, "[0]"), bad[i].why);
	}
	expect_refused(xgboost("reg:squarederror", "\"0\"", LEFT_TREE, "[1]"), "is for class 1, and the model has 1");
	expect_refused(xgboost("reg:squarederror", "\"0\"", LEFT_TREE, "[]"), "tree 0 has no class");
	expect_refused(xgboost("reg:mystery", "\"0\"", LEFT_TREE, "[0]"), "objective `reg:mystery` is not known here");
	expect_refused(xgboost("multi:softprob", "\"0\"", LEFT_TREE, "[0]"), "which `multi:softprob` cannot");
	expect_refused(xgboost("reg:squarederror", "\"[1,2,3]\"", LEFT_TREE, "[0]"), "base_score has 2 numbers for 1 outputs");
}

/* ---- LightGBM ---- */

static const char *lightgbm(const char *decision, const char *rest)
{
	return arena_print(
		arena,
		"tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=1\nobjective=regression\n\n"
		"Tree=0\nnum_leaves=2\nnum_cat=1\nsplit_feature=0\nthreshold=%s\ndecision_type=%s\nleft_child=-1\nright_child=-2\n"
		"leaf_value=1 2\n%s\n\n\nend of trees\n",
		strcmp(decision, "1") == 0 ? "0" : "0.5", decision, rest);
}

static void what_equals_a_split_of_lightgbm_goes_left_and_what_is_missing_as_it_says(void **state)
{
	(void)state;
	static const struct {
		const char *decision;
		double nan, zero; /* where those go: zero is below the threshold */
	} rows[] = {
		{"0", 1, 1},		   /* NaN is zero */
		{"2", 1, 1},  {"4", 2, 2}, /* zero is missing, and goes right */
		{"6", 1, 1},  {"8", 2, 1}, /* NaN is missing, and goes right */
		{"10", 1, 1},
	};
	const char *sets = "cat_boundaries=0 1\ncat_threshold=1";
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct predictor *predictor = read_text(lightgbm(rows[i].decision, sets));
		assert_true(answer_to(predictor, 0.5, 0) == 1);
		assert_true(answer_to(predictor, 0.5 + 1e-12, 0) == 2);
		assert_true(answer_to(predictor, (double)NAN, 0) == rows[i].nan);
		assert_true(answer_to(predictor, 1e-36, 0) == rows[i].zero);
		assert_true(answer_to(predictor, 1e-30, 0) == 1);
	}
}

static void categories_of_lightgbm_that_a_split_names_go_left(void **state)
{
	(void)state;
	const struct predictor *predictor = read_text(lightgbm("1", "cat_boundaries=0 2\ncat_threshold=9 1"));
	assert_true(answer_to(predictor, 0, 0) == 1);
	assert_true(answer_to(predictor, -0.5, 0) == 1); /* which is cut off to 0 */
	assert_true(answer_to(predictor, 3.9, 0) == 1);
	assert_true(answer_to(predictor, 32, 0) == 1);
	assert_true(answer_to(predictor, 1, 0) == 2);
	assert_true(answer_to(predictor, -1, 0) == 2);
	assert_true(answer_to(predictor, 64, 0) == 2);
	assert_true(answer_to(predictor, (double)NAN, 0) == 2);
}

static void texts_that_are_no_model_of_lightgbm_are_refused(void **state)
{
	(void)state;
	const char *sets = "cat_boundaries=0 1\ncat_threshold=1";
	char *good = arena_print(arena, "%s", lightgbm("2", sets));
	*strstr(good, "end of") = 0;
	expect_refused(good, "breaks off after 1 trees");
	good = arena_print(arena, "%s", lightgbm("2", sets));
	memcpy(strstr(good, "left_child=-1"), "left_child=00", strlen("left_child=00"));
	expect_refused(good, "tree 0 is not whole");
	good = arena_print(arena, "%s", lightgbm("2", sets));
	memcpy(strstr(good, "left_child=-1"), "left_child= 0", strlen("left_child= 0"));
	expect_refused(good, "leads round in a circle");
	expect_refused(lightgbm("2", "cat_boundaries=0 9\ncat_threshold=1"), "tree 0 is not whole");
	expect_refused(lightgbm("2", arena_print(arena, "%s\nis_linear=1", sets)), "linear_tree");
	expect_refused("tree\nnum_class=1\n", "does not say how many features");
	expect_refused("tree\nmax_feature_idx=4000000000\n\nend of trees\n", "and a model at most");
	expect_refused("tree\nmax_feature_idx=1\nobjective=mystery\n\nend of trees\n", "objective `mystery`");
}

/* ---- our own forms ---- */

static void a_logistic_model_answers_both_probabilities(void **state)
{
	(void)state;
	const struct predictor *predictor = read_text(
		"{\"format\":\"sluice_linear/1\",\"kind\":\"logistic\",\"coef\":[[1,-1]],\"intercept\":[0],\"classes\":[7,9]}");
	double answers[2];
	answer(predictor, (const double[]){2, 2}, 1, answers);
	assert_true(answers[0] == 0.5 && answers[1] == 0.5);
	assert_int_equal(predictor_class(predictor, answers), 0); /* the first of equal ones */
	answer(predictor, (const double[]){3, 1}, 1, answers);
	assert_true(fabs(answers[1] - 1 / (1 + exp(-2))) < 1e-15);
	assert_int_equal(predictor_class(predictor, answers), 1);
	assert_true(predictor_traits(predictor)->labels[1] == 9);
}

static void a_network_runs_its_layers_one_behind_the_other(void **state)
{
	(void)state;
	const struct predictor *predictor =
		read_text("{\"format\":\"sluice_mlp/1\",\"activation\":\"relu\",\"output\":\"identity\",\"layers\":["
			  "{\"W\":[[1,-1],[2,0]],\"b\":[0,1]},{\"W\":[[1,0],[0,1]],\"b\":[-3,0]},{\"W\":[[10],[1]],\"b\":[0.5]}]}");
	/* 1 + 2*2 = 5 and 1 - 1 = 0; 2 and 0; 20.5 */
	assert_true(answer_to(predictor, 1, 2) == 20.5);
	assert_true(isnan(answer_to(predictor, (double)NAN, 2)));
}

static void files_that_are_no_model_are_refused(void **state)
{
	(void)state;
	expect_refused("", "neither JSON nor LightGBM's text");
	expect_refused("\x80\x04pickle", "pickled models are not read");
	expect_refused("{L\x01", "UBJSON");
	expect_refused("{\"a\":", "no good JSON: line 1");
	expect_refused("[]", "no object");
	expect_refused("{}", "neither XGBoost's");
	expect_refused("{\"format\":\"onnx\"}", "its format is `onnx`");
	expect_refused("{\"format\":\"sluice_linear/1\",\"kind\":\"identity\",\"coef\":[[1,2],[3]],\"intercept\":[0,0]}",
		       "not equally long");
	expect_refused("{\"format\":\"sluice_linear/1\",\"kind\":\"softmax\",\"coef\":[[1,2]],\"intercept\":[0]}",
		       "softmax of several");
	expect_refused("{\"format\":\"sluice_mlp/1\",\"activation\":\"relu\",\"output\":\"identity\",\"layers\":["
		       "{\"W\":[[1,1]],\"b\":[0,0]},{\"W\":[[1]],\"b\":[0]}]}",
		       "takes 1 numbers, and the one before it gives 2");
	expect_refused(
		"{\"max_samples\":64,\"trees\":[{\"feature\":[0,-2,-2],\"threshold\":[0,0,0],\"left\":[0,0,0],\"right\":[2,0,0],"
		"\"n_samples\":[2,1,1]}]}",
		"leads back");
	expect_refused("{\"max_samples\":64,\"trees\":[]}", "no `trees`");
	char *deep = arena_take(arena, 100001, 1);
	memset(deep, '[', 100000);
	expect_refused(deep, "no good JSON");
}

/* ---- rows together and alone ---- */

static void a_row_is_answered_alike_alone_and_among_others(void **state)
{
	(void)state;
	static const char *const files[] = {"xgb_multi.json", "xgb_bin_missing.json", "lgb_multi.txt", "forest.json",
					    "mlp_tanh_3.json"};
	struct random random = {5};
	for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
		struct text content;
		char path[128];
		(void)snprintf(path, sizeof path, "tests/oracles/models/%s", files[f]);
		assert_true(file_read(path, (size_t)16 << 20, arena, &content, &error));
		const struct predictor *predictor = predictor_read(arena, content, ITERATIONS_ALL, &error);
		assert_non_null(predictor);
		const struct predictor_traits *traits = predictor_traits(predictor);
		double rows[ROOM], together[ROOM], alone[16];
		const size_t count = 77;
		for (size_t i = 0; i < count * traits->features; i++)
			rows[i] = random_below(&random, 10) ? (double)random_below(&random, 4000) / 1000 - 2 : (double)NAN;
		answer(predictor, rows, count, together);
		for (size_t i = 0; i < count; i++) {
			answer(predictor, rows + i * traits->features, 1, alone);
			for (size_t j = 0; j < traits->outputs; j++) {
				double other = together[i * traits->outputs + j];
				assert_true(fabs(alone[j] - other) < 1e-12 || (isnan(alone[j]) && isnan(other)));
			}
		}
	}
}

static size_t steps_of(const char *file)
{
	struct text content;
	char path[128];
	(void)snprintf(path, sizeof path, "tests/oracles/models/%s", file);
	assert_true(file_read(path, (size_t)16 << 20, arena, &content, &error));
	const struct predictor *predictor = predictor_read(arena, content, ITERATIONS_ALL, &error);
	assert_non_null(predictor);
	return predictor_traits(predictor)->steps;
}

/* What a row costs: so a worker can tell how long a model keeps it. */
static void the_steps_of_a_row_are_known(void **state)
{
	(void)state;
	assert_int_equal(steps_of("xgb_stump_only_root.json"), 3); /* trees that are roots alone */
	assert_int_equal(steps_of("logreg_2.json"), 6);
	assert_int_equal(steps_of("logreg_3.json"), 18);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_steps_of_a_row_are_known, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_equals_a_split_of_xgboost_goes_right_and_what_is_missing_as_it_says, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(base_score_is_an_answer_and_no_margin, set_up, arena_end),
		cmocka_unit_test_setup_teardown(an_early_stop_answers_up_to_its_best_iteration, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_file_of_xgboost_that_is_not_whole_is_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(categories_of_xgboost_that_a_split_names_go_right, set_up, arena_end),
		cmocka_unit_test_setup_teardown(trees_that_are_none_are_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_equals_a_split_of_lightgbm_goes_left_and_what_is_missing_as_it_says, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(categories_of_lightgbm_that_a_split_names_go_left, set_up, arena_end),
		cmocka_unit_test_setup_teardown(texts_that_are_no_model_of_lightgbm_are_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_logistic_model_answers_both_probabilities, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_network_runs_its_layers_one_behind_the_other, set_up, arena_end),
		cmocka_unit_test_setup_teardown(files_that_are_no_model_are_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_row_is_answered_alike_alone_and_among_others, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
