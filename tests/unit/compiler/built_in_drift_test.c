/* built_in_drift_test.c: a step of the reference dialect with the parameters of a drift detector is a step `drift`, where nothing
 * offers its model. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/yaml/fault_codes.h"
#include "models/server/model_server.h"
#include "steps/drift/drift_dialect.h"
#include "steps/kinds.h"

#define STEPS "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define MODEL STEPS "  - {name: watch, model: {name: m, %s modelSettings: {parameters: [%s]}}}\n  output: {steps: [watch]}\n"
#define PAST(value) "{name: reference_window, value: " value "}"
#define LIMIT(value) "{name: detection_threshold, value: " value "}"
#define METHODS(value) "{name: drift_methods, value: \"" value "\"}"
#define DAY_NS ((int64_t)86400 * 1000000000)

static void open_model(struct planning *planning, const char *model, const char *parameters)
{
	struct arena *arena = arena_open((size_t)1 << 16);
	planning_open(planning, arena_print(arena, MODEL, model, parameters));
	arena_close(arena);
}

static const struct step_spec *watch_of(const struct planning *planning)
{
	assert_non_null(planning->graph);
	return planning->graph->steps[graph_find(planning->graph, "watch")].spec;
}

static void its_parameters_are_options(void **state)
{
	(void)state;
	static const struct {
		const char *parameters;
		int64_t past_ns;
		double limit;
		size_t methods;
	} rows[] = {
		{PAST("\"7d\"") ", " LIMIT("\"0.05\"") ", " METHODS("ks,psi,wasserstein"), 7 * DAY_NS, 0.05, 3},
		{PAST("\"1h\""), DAY_NS / 24, 0, 0},
		{LIMIT("\"0\""), 7 * DAY_NS, 0, 0},
		{METHODS(" psi , jensen-shannon"), 7 * DAY_NS, 0, 2},
		{METHODS("ks"), 7 * DAY_NS, 0, 1},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		open_model(&p, "", rows[i].parameters);
		assert_int_equal(planning_errors(&p), 0);
		assert_ptr_equal(watch_of(&p)->kind, &step_drift);
		assert_int_not_equal(graph_find(p.graph, "watch.observer"), STEP_NONE);
		const struct drift *options = watch_of(&p)->options;
		assert_int_equal(options->reference.past_ns, rows[i].past_ns);
		assert_true(options->score_limit == rows[i].limit && options->share == 1);
		assert_int_equal(options->methods.count, rows[i].methods);
		assert_int_equal(options->window.count, 500);
		planning_close(&p);
	}
}

/* What no row writes is what the rows would have. */
static void the_rest_is_as_where_none_is_written(void **state)
{
	(void)state;
	struct planning built_in, written;
	open_model(&built_in, "", PAST("\"7d\""));
	planning_open(&written, STEPS "  - {name: watch, drift: {reference: {past: 7d}}}\n  output: {steps: [watch]}\n");
	assert_int_equal(planning_errors(&written), 0);
	const struct drift *one = watch_of(&built_in)->options, *two = watch_of(&written)->options;
	assert_int_equal(one->window.count, two->window.count);
	assert_int_equal(one->window.duration_ns, two->window.duration_ns);
	assert_string_equal(one->false_alarms, two->false_alarms);
	assert_true(one->share == two->share && one->effect == two->effect);
	assert_int_equal(one->as, two->as);
	assert_int_equal(one->reference.past_ns, two->reference.past_ns);
	planning_close(&built_in);
	planning_close(&written);
}

static size_t models_of(const char *model, const char *parameters)
{
	struct planning p;
	struct error error = {0};
	size_t count = 0;
	open_model(&p, model, parameters);
	struct catalog *catalog = catalog_open(&error);
	assert_non_null(catalog);
	assert_true(catalog_take_spec(catalog, &p.spec, NULL, &count, &error));
	assert_int_equal(planning_errors(&p), 0);
	catalog_close(catalog);
	planning_close(&p);
	return count;
}

/* So a server that reads the file says no word of it. */
static void its_model_is_none_of_a_server(void **state)
{
	(void)state;
	assert_int_equal(models_of("storageUri: \"s3://a/b\",", PAST("\"7d\"")), 0);
	assert_int_equal(models_of("storageUri: \"s3://a/b\",", "{name: colour, value: red}"), 1);
	assert_int_equal(models_of("storageUri: \"stub://drift\",", PAST("\"7d\"")), 1);
}

static void a_model_that_is_offered_stays_one(void **state)
{
	(void)state;
	struct planning p;
	open_model(&p, "storageUri: \"stub://drift\",", PAST("\"7d\""));
	assert_int_equal(faults_total(p.spec.faults), 0);
	assert_ptr_equal(watch_of(&p)->kind, &step_model);
	planning_close(&p);
	open_model(&p, "", "{name: colour, value: red}");
	assert_ptr_equal(watch_of(&p)->kind, &step_model);
	planning_close(&p);
}

static void methods_may_be_spelt_in_other_ways(void **state)
{
	(void)state;
	static const char *const meant[] = {"ks", "psi", "wasserstein", "jensen-shannon", "page-hinkley", "jensen-shannon", "ks"};
	struct planning p;
	open_model(&p, "", METHODS("KS, Psi,Wasserstein_Distance,JENSEN SHANNON ,page_hinkley,js,kolmogorov-smirnov"));
	const struct step_spec *step = watch_of(&p);
	assert_ptr_equal(step->kind, &step_drift);
	const struct drift *options = step->options;
	const struct drift_method *methods = options->methods.items;
	assert_int_equal(options->methods.count, sizeof meant / sizeof *meant);
	for (size_t i = 0; i < options->methods.count; i++)
		assert_string_equal(methods[i].name.text, meant[i]);
	planning_close(&p);
}

static void what_cannot_be_built_in_is_a_warning(void **state)
{
	(void)state;
	static const struct {
		const char *parameters, *code, *words;
		bool built_in;
	} rows[] = {
		{METHODS("ks,lsdd"), CODE_STEP_KIND_LATER, "the method `lsdd` of `drift_methods` is not built in", false},
		{METHODS("chi-square"), CODE_STEP_KIND_LATER, "the method `chi-square`", false}, /* no past of categories is kept */
		{METHODS("ks,,psi"), CODE_STEP_KIND_LATER, "the method ``", false},
		{PAST("week"), CODE_STEP_KIND_LATER, "`reference_window` is `week`", false},
		{LIMIT("\"-1\""), CODE_STEP_KIND_LATER, "`detection_threshold` is `-1`", false},
		{LIMIT("inf"), CODE_STEP_KIND_LATER, "`detection_threshold` is `inf`", false},
		{PAST("\"7d\"") ", {name: colour, value: red}", CODE_FIELD_LATER, "`colour` has no effect on step `watch`", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		open_model(&p, "", rows[i].parameters);
		const struct fault *fault = planning_fault(&p, rows[i].code);
		assert_int_equal(fault->code->severity, SEVERITY_WARNING);
		if (!strstr(fault->message, rows[i].words))
			fail_msg("%s: %s", rows[i].parameters, fault->message);
		assert_ptr_equal(watch_of(&p)->kind, rows[i].built_in ? &step_drift : &step_model);
		planning_close(&p);
	}
}

static void a_past_that_cannot_be_used_is_an_error(void **state)
{
	(void)state;
	static const char *const rows[][2] = {
		{"reference: {past: 7d}, groupBy: key", "segments of `groupBy` have no past of their own"},
		{"reference: {past: 119m}, window: 1h", "a past shorter than two windows"},
	};
	struct arena *arena = arena_open((size_t)1 << 16);
	struct planning p;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		planning_open(&p, arena_print(arena, STEPS "  - {name: watch, drift: {%s}}\n", rows[i][0]));
		if (!strstr(planning_fault(&p, CODE_STEP_OPTIONS)->message, rows[i][1]))
			fail_msg("%s: %s", rows[i][0], planning_fault(&p, CODE_STEP_OPTIONS)->message);
		planning_close(&p);
	}
	planning_open(&p, STEPS "  - {name: watch, drift: {reference: {past: 2h}, window: 1h}}\n");
	assert_int_equal(planning_errors(&p), 0);
	planning_close(&p);
	arena_close(arena);
}

static void the_plan_says_that_it_is_built_in(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	planning_read(&p,
		      STEPS "  - {name: watch, model: {name: m, modelSettings: {parameters: [" PAST("\"7d\"") "]}}}\n"
			    "  - {name: rise, inputs: [watch], expression: {set: {risen: drift_score * 2}}}\n"
			    "  output: {steps: [rise]}\n",
		      step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	assert_true(plan_is_noted(&plan.pipelines[0].notes,
				  "step `watch` is built in, of kind `drift`, because no Server, endpoint or stub offers "
				  "model `m`"));
	assert_int_equal(plan.pipelines[0].callee_count, 0);
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(its_parameters_are_options),
		cmocka_unit_test(the_rest_is_as_where_none_is_written),
		cmocka_unit_test(its_model_is_none_of_a_server),
		cmocka_unit_test(a_model_that_is_offered_stays_one),
		cmocka_unit_test(methods_may_be_spelt_in_other_ways),
		cmocka_unit_test(what_cannot_be_built_in_is_a_warning),
		cmocka_unit_test(a_past_that_cannot_be_used_is_an_error),
		cmocka_unit_test(the_plan_says_that_it_is_built_in),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
