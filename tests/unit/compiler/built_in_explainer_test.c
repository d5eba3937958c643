/* built_in_explainer_test.c: a step of the reference dialect with the parameters of an explainer explains, where nothing offers its
 * model. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "compiler/yaml/fault_codes.h"
#include "steps/explain/explain_options.h"
#include "steps/explain/explain_work.h"
#include "steps/kinds.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define STEPS HEAD "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define PIPELINE STEPS "  - {name: score, model: {storageUri: \"stub://sum\"}}\n  - name: why\n"
#define OTHERS \
	"---\n" HEAD "Server\nmetadata: {name: any}\nspec: {serverConfig: c, capabilities: [alibi], "     \
	"endpoints: [\"http://h:2\"]}\n" \
	"---\n" HEAD "Model\nmetadata: {name: known}\nspec: {storageUri: s3}\n"
#define SETTINGS(parameters) "modelSettings: {parameters: [" parameters "]}"
#define METHOD(value) "{name: explanation_method, value: " value "}"
#define SAMPLES(value) "{name: background_samples, value: " value "}"
#define READS "    inputs: [score]\n    model: {name: m, "
#define BUILT_IN "    inputs: [score]\n    model: {name: shap, " SETTINGS(METHOD("shap")) "}\n"

/* The step `why` of the first pipeline. */
static const struct graph_step *why_of(const struct planning *planning)
{
	assert_non_null(planning->graph);
	const size_t step = graph_find(planning->graph, "why");
	assert_int_not_equal(step, STEP_NONE);
	return &planning->graph->steps[step];
}

static void nothing_offers_it_so_it_is_built_in(void **state)
{
	(void)state;
	static const struct {
		const char *model, *given;
		bool built_in;
	} rows[] = {
		{"name: shap, storageUri: \"s3://a/b\", ", NULL, true},
		{"storageUri: \"s3://a/b\", ", NULL, true}, /* the name of the step */
		{"name: shap, storageUri: \"stub://explain\", ", NULL, false},
		{"name: shap, storageUri: \"http://h:1/shap\", ", NULL, false},
		{"name: shap, server: any, ", NULL, false},
		{"name: shap, server: gone, ", NULL, true},
		{"name: shap, server: gone, ", "gone=http://h:1", false},
		{"name: shap, requirements: [alibi], ", NULL, false},
		{"name: shap, requirements: [other], ", NULL, true},
		{"name: shap, ", "shap=http://h:1", true}, /* that Server comes before it */
		{"name: shap, ", "any=http://h:1", true}, /* a server that may have any model */
		{"name: known, ", NULL, false},		  /* a Model among the files, which that Server has */
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct arena *arena = arena_open((size_t)1 << 16);
		const char *yaml = PIPELINE "    inputs: [score]\n    model: {%s" SETTINGS(METHOD("shap")) "}\n" OTHERS;
		planning_read(&p, arena_print(arena, yaml, rows[i].model), step_kinds);
		struct name given = {rows[i].given, {0}};
		const struct name_list servers = {rows[i].given ? 1 : 0, &given};
		p.graph = graph_build_served(spec_first(&p.spec, RESOURCE_PIPELINE), &p.spec, &servers, p.arena, p.spec.faults);
		if ((why_of(&p)->spec->kind == &step_explain) != rows[i].built_in)
			fail_msg("{%s} with --server %s", rows[i].model, rows[i].given ? rows[i].given : "none");
		assert_int_equal(why_of(&p)->written != NULL, rows[i].built_in);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_server_of_the_models_own_name_offers_it(void **state)
{
	(void)state;
	static const char *const given[] = {"shap=http://h:1", "any=http://h:1"};
	for (size_t i = 0; i < 2; i++) {
		struct planning p;
		planning_read(&p, PIPELINE BUILT_IN, step_kinds);
		struct name name = {given[i], {0}};
		const struct name_list servers = {1, &name};
		p.graph = graph_build_served(spec_first(&p.spec, RESOURCE_PIPELINE), &p.spec, &servers, p.arena, p.spec.faults);
		assert_ptr_equal(why_of(&p)->spec->kind, i == 0 ? &step_model : &step_explain);
		planning_close(&p);
	}
}

static void its_parameters_are_options(void **state)
{
	(void)state;
	static const struct {
		const char *parameters;
		enum explain_by by;
		int64_t rows;
	} rows[] = {
		{METHOD("\"shap\"") ", " SAMPLES("\"100\""), BY_AUTO, 100},
		{SAMPLES("\"50\""), BY_AUTO, 50},
		{METHOD("kernel_shap"), BY_AUTO, 0},
		{METHOD("anchors") ", " SAMPLES("\"2\""), BY_ANCHORS, 2},
		{METHOD("permutation_importance"), BY_PERMUTATION, 0},
		{METHOD("exact") ", " SAMPLES("\"65536\""), BY_EXACT, 65536},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct arena *arena = arena_open((size_t)1 << 16);
		planning_open(&p, arena_print(arena, PIPELINE READS SETTINGS("%s") "}\n  output: {steps: [score, why]}\n",
					      rows[i].parameters));
		assert_int_equal(faults_total(p.spec.faults), 0);
		const struct graph_step *why = why_of(&p);
		assert_ptr_equal(why->spec->kind, &step_explain);
		assert_string_equal(p.graph->steps[why->explained_index].name, "score");
		const struct explain_step *options = why->spec->options;
		assert_int_equal(options->by, rows[i].by);
		assert_int_equal(options->background.rows, rows[i].rows);
		assert_int_equal(options->deliver, DELIVER_INLINE);
		assert_int_equal(options->budget.calls, 512); /* as where none is written: the row of `budget.calls` */
		assert_true(options->alone && options->share == 1);
		planning_close(&p);
		arena_close(arena);
	}
}

static void what_cannot_be_built_in_is_a_warning(void **state)
{
	(void)state;
	static const struct {
		const char *step, *code, *words;
		bool built_in;
	} rows[] = {
		{READS SETTINGS(METHOD("lime")) "}\n", CODE_STEP_KIND_LATER, "`explanation_method: lime` is not built in", false},
		{READS SETTINGS(SAMPLES("\"1\"")) "}\n", CODE_STEP_KIND_LATER, "2 to 65536", false},
		{READS SETTINGS(SAMPLES("\"65537\"")) "}\n", CODE_STEP_KIND_LATER, "2 to 65536", false},
		{READS SETTINGS(SAMPLES("many")) "}\n", CODE_STEP_KIND_LATER, "is `many`", false},
		{"    model: {name: m, " SETTINGS(METHOD("shap")) "}\n", CODE_STEP_KIND_LATER, "list that step in `inputs`", false},
		{READS SETTINGS(METHOD("shap") ", {name: colour, value: red}") "}\n", CODE_FIELD_LATER,
		 "`colour` has no effect on step `why`", true},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct arena *arena = arena_open((size_t)1 << 16);
		planning_open(&p, arena_print(arena, PIPELINE "%s", rows[i].step));
		const struct fault *fault = planning_fault(&p, rows[i].code);
		assert_int_equal(fault->code->severity, SEVERITY_WARNING);
		if (!strstr(fault->message, rows[i].words))
			fail_msg("%s: %s", rows[i].step, fault->message);
		assert_ptr_equal(why_of(&p)->spec->kind, rows[i].built_in ? &step_explain : &step_model);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_model_with_other_parameters_stays_one(void **state)
{
	(void)state;
	struct planning p;
	planning_open(&p, PIPELINE READS SETTINGS("{name: colour, value: red}") "}\n");
	assert_int_equal(faults_total(p.spec.faults), 0);
	assert_ptr_equal(why_of(&p)->spec->kind, &step_model);
	assert_null(why_of(&p)->written);
	planning_close(&p);
}

static void the_plan_says_that_it_is_built_in(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	planning_read(&p, PIPELINE BUILT_IN "  output: {steps: [score, why]}\n", step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	assert_true(plan_is_noted(&plan.pipelines[0].notes,
				  "step `why` is built in, of kind `explain`, because "
				  "no Server, endpoint or stub offers model `shap`"));
	for (size_t i = 0; i < plan.pipelines[0].callee_count; i++)
		assert_string_equal(plan.pipelines[0].callees[i].name, "score");
	assert_int_equal(plan.pipelines[0].callee_count, 2); /* the call of the path, and perturbations */
	planning_close(&p);
}

static void candidates_of_an_experiment_are_explained_and_pipelines_are_not(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	planning_read(&p,
		      STEPS "  - name: split\n    experiment: {default: a, "
			    "candidates: [{name: a, weight: 1}], mirror: {name: c, percent: 5}}\n"
			    "  - {name: why, inputs: [split], explain: {deliver: inline}}\n  output: {steps: [why]}\n",
		      step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	size_t mirrors = 0, explained = 0;
	for (size_t i = 0; i < plan.pipelines[0].callee_count; i++) {
		mirrors += plan.pipelines[0].callees[i].copy;
		explained += plan.pipelines[0].callees[i].step == 1;
	}
	assert_int_equal(mirrors, 1); /* of the path alone: perturbations are not copied */
	assert_int_equal(explained, 1);
	planning_close(&p);
	planning_open(&p, STEPS "  - name: split\n    experiment: {resourceType: pipeline, default: a, "
				"candidates: [{name: a, weight: 1}]}\n"
				"  - {name: why, inputs: [split], explain: {}}\n  output: {steps: [split]}\n");
	assert_non_null(strstr(planning_fault(&p, CODE_STEP_OPTIONS)->message, "whose experiment chooses among pipelines"));
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_offers_it_so_it_is_built_in),
		cmocka_unit_test(a_server_of_the_models_own_name_offers_it),
		cmocka_unit_test(its_parameters_are_options),
		cmocka_unit_test(what_cannot_be_built_in_is_a_warning),
		cmocka_unit_test(a_model_with_other_parameters_stays_one),
		cmocka_unit_test(the_plan_says_that_it_is_built_in),
		cmocka_unit_test(candidates_of_an_experiment_are_explained_and_pipelines_are_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
