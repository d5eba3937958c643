/* model_pipeline_test.c: Models that can be asked by themselves: which of them get a pipeline, and what it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "compiler/resources/model_pipeline.h"
#include "steps/kinds.h"
#include "tests/unit/planning.h"

#define DOCUMENT(kind, name, spec)                                                                                                 \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\nspec: {" spec "}\n"
#define MODEL(name) DOCUMENT("Model", name, "storageUri: 'stub://identity'")

/* Names of the pipelines of the plan, joined by spaces, as of a file with that text. */
static const char *pipelines_of(const char *yaml, bool models_served, struct planning *planning, struct plan *plan)
{
	static char names[256];
	char path[] = "/tmp/model_pipeline_XXXXXX";
	const char *paths[] = {path};
	const struct spec_options options = {.kinds = step_kinds, .model_pipelines = true};
	const struct plan_options plan_options = {.kinds = step_kinds, .models_served = models_served};
	struct error error = {0};
	int file = mkstemp(path);
	assert_true(file >= 0 && write(file, yaml, strlen(yaml)) == (ssize_t)strlen(yaml));
	close(file);
	*planning = (struct planning){.arena = arena_open((size_t)64 << 20)};
	assert_true(spec_open(&planning->spec, &error) && spec_read(&planning->spec, paths, 1, &options, &error));
	unlink(path);
	planning_plan(planning, &plan_options, plan);
	assert_int_equal(planning_errors(planning), 0);
	names[0] = '\0';
	for (size_t i = 0; i < plan->count; i++) {
		size_t length = strlen(names);
		(void)snprintf(names + length, sizeof names - length, "%s%s", i ? " " : "", plan->pipelines[i].graph->name);
	}
	return names;
}

static void assert_pipelines(const char *yaml, const char *wanted)
{
	struct planning planning;
	struct plan plan;
	assert_string_equal(pipelines_of(yaml, false, &planning, &plan), wanted);
	planning_close(&planning);
}

static void a_model_that_nobody_names_gets_a_pipeline(void **state)
{
	(void)state;
	assert_pipelines(MODEL("b") MODEL("a"), "b a"); /* in the order of the files */
	assert_pipelines(MODEL("a") DOCUMENT("Pipeline", "p", "steps: [{name: a}], output: {steps: [a]}"), "p");
	assert_pipelines(MODEL("a") MODEL("a, namespace: here") MODEL("a, namespace: there")
				 DOCUMENT("Pipeline", "p", "steps: [{name: a}], output: {steps: [a]}"), "p");
	assert_pipelines(MODEL("a") DOCUMENT("Pipeline", "p", "steps: [{name: s, model: {name: a}}], output: {steps: [s]}"),
			 "p");
	assert_pipelines(MODEL("a") MODEL("c") DOCUMENT("Pipeline", "p", "steps: [{name: c}], output: {steps: [c]}"), "p a");
	assert_pipelines(MODEL("a")
				 DOCUMENT("Pipeline", "a", "steps: [{name: f, filter: {keep: 'y'}}], output: {steps: [f]}"),
			 "a");
	assert_pipelines(MODEL("a") MODEL("b")
				 DOCUMENT("Experiment", "e",
					  "default: a, candidates: [{name: a, weight: 1}, {name: b, weight: 1}]"),
			 "e a b"); /* the experiment splits, and its candidates can be asked beside it */
	assert_pipelines(MODEL("a") DOCUMENT("Server", "a", "serverConfig: mlserver"), "a"); /* a Server asks nothing */
}

/* Commands that read files alone do not know the servers of engines. */
static void assert_depends_on(const char *yaml, const char *model)
{
	struct planning planning;
	struct plan plan;
	(void)pipelines_of(yaml, true, &planning, &plan);
	const char *found = plan_model_of_servers(&planning.spec, plan_find(&plan, "e")->graph->resource, planning.arena);
	if (!model)
		assert_null(found);
	else
		assert_string_equal(found, model);
	planning_close(&planning);
}

static void an_experiment_without_a_model_in_the_files_depends_on_servers(void **state)
{
	static const char split[] =
		MODEL("a") DOCUMENT("Experiment", "e", "default: a, candidates: [{name: a, weight: 1}, {name: b, weight: 1}]");
	char yaml[1024];
	(void)state;
	assert_depends_on(split, "b");
	(void)snprintf(yaml, sizeof yaml, "%s%s", split, MODEL("b"));
	assert_depends_on(yaml, NULL);
	(void)snprintf(yaml, sizeof yaml, "%s%s", split, DOCUMENT("Pipeline", "e", "steps: [{name: b}], output: {steps: [b]}"));
	assert_depends_on(yaml, NULL); /* it is not of the Experiment */
}

static void its_one_step_calls_the_model_and_answers(void **state)
{
	struct planning planning;
	struct plan plan;
	(void)state;
	assert_string_equal(pipelines_of("apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\n"
					 "metadata: {name: model, namespace: there}\nspec: {storageUri: 'stub://identity'}\n",
					 false, &planning, &plan),
			    "model");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_string_equal(pipeline->namespace, "there");
	assert_string_equal(pipeline->topics[0].name, "sluice.there.pipeline.model.inputs");
	assert_int_equal(pipeline->graph->count, 1);
	assert_string_equal(pipeline->graph->steps[0].name, "call"); /* a step has another name than its pipeline */
	assert_true(pipeline->graph->has_output);
	assert_int_equal(pipeline->callee_count, 1);
	assert_int_equal(pipeline->callees[0].target, CALL_MODEL);
	assert_string_equal(pipeline->callees[0].name, "model");
	assert_int_equal(pipeline->callees[0].endpoint.origin, ENDPOINT_STUB);
	assert_true(plan_is_noted(&pipeline->notes, "made of the Model"));
	planning_close(&planning);
}

static void a_model_without_a_server_has_none_unless_it_gets_one_later(void **state)
{
	struct planning planning;
	struct plan plan;
	const char *yaml = DOCUMENT("Model", "away", "storageUri: 's3://bucket/model'");
	(void)state;
	assert_pipelines(yaml, "");
	assert_string_equal(pipelines_of(yaml, true, &planning, &plan), "away");
	planning_close(&planning);
}

static void it_is_made_only_where_it_is_asked_for(void **state)
{
	struct planning planning;
	struct plan plan;
	size_t count;
	(void)state;
	planning_read(&planning, MODEL("a"), step_kinds);
	planning_plan(&planning, NULL, &plan);
	assert_int_equal(plan.count, 0);
	const struct resource **models = models_alone(&planning.spec, &count);
	assert_int_equal(count, 1);
	assert_string_equal(models[0]->name.text, "a");
	planning_close(&planning);
}

/* Callers keep the URL of a model when a pipeline is added that calls it. */
static void a_standalone_model_keeps_its_pipeline(void **state)
{
	static const char model[] = DOCUMENT("Model", "a", "storageUri: 'stub://identity', standalone: true");
	char yaml[1024];
	(void)state;
	(void)snprintf(yaml, sizeof yaml, "%s%s", model, DOCUMENT("Pipeline", "p", "steps: [{name: a}], output: {steps: [a]}"));
	assert_pipelines(yaml, "p a");
	(void)snprintf(yaml, sizeof yaml, "%s%s", model, MODEL("b"));
	assert_pipelines(yaml, "a b");
	(void)snprintf(yaml, sizeof yaml, "%s%s", model,
		       DOCUMENT("Pipeline", "a", "steps: [{name: f, filter: {keep: 'y'}}], output: {steps: [f]}"));
	assert_pipelines(yaml, "a a-model");
	(void)snprintf(
		yaml, sizeof yaml, "%s%s", model,
		DOCUMENT("Pipeline", "a, namespace: there", "steps: [{name: f, filter: {keep: 'y'}}], output: {steps: [f]}"));
	assert_pipelines(yaml, "a a");
}

#define SPLIT(kind, name, given)                                                                                                   \
	DOCUMENT("Experiment", name,                                                                                               \
		 "resourceType: " kind ", default: " given ", candidates: [{name: a, weight: 1}, {name: b, weight: 1}]")
#define CALLING(name)                                                                                                              \
	DOCUMENT("Pipeline", name, "steps: [{name: s, model: {name: a}}, {name: t, model: {name: b}}], output: {steps: [t]}")

/* Who asks it by its name asks the experiment. */
static void the_default_of_an_experiment_can_be_asked_by_its_name(void **state)
{
	struct planning planning;
	struct plan plan;
	(void)state;
	assert_string_equal(pipelines_of(MODEL("a") MODEL("b") CALLING("p") SPLIT("model", "e", "a"), false, &planning, &plan),
			    "p e a");
	const struct graph *graph = plan.pipelines[2].graph;
	assert_true(graph->experiment_count == 1 && strcmp(graph->experiments[0]->name, "e") == 0);
	planning_close(&planning);
	assert_pipelines(MODEL("a") MODEL("b") SPLIT("model", "e", "b") CALLING("p"), "p e b");
	assert_pipelines(MODEL("a") MODEL("b") CALLING("p") SPLIT("model", "a", "a"), "p a"); /* the experiment's */
	assert_pipelines(MODEL("a") MODEL("b") CALLING("a") CALLING("b") SPLIT("pipeline", "e", "a"), "a b e");
	assert_pipelines(MODEL("a, namespace: there") MODEL("a") MODEL("b") CALLING("p") SPLIT("model", "e", "a"), "p e a");
}

static const struct resource *made_for(const struct planning *planning, const char *model)
{
	return pipeline_of_model(&planning->spec, spec_find(&planning->spec, RESOURCE_MODEL, model));
}

static void a_model_that_is_asked_gets_one_though_a_pipeline_names_it(void **state)
{
	static const struct name asked[] = {{.text = "a"}, {.text = "b"}, {.text = "alone"}, {.text = "nowhere"}};
	static const char yaml[] = MODEL("a") MODEL("b") MODEL("c") MODEL("alone")
		DOCUMENT("Pipeline", "b", "steps: [{name: a}, {name: s, model: {name: b}}, {name: c}], output: {steps: [a]}");
	const struct spec_document document = {.file = "file.yaml", .text = {yaml, sizeof yaml - 1}};
	const struct spec_options options = {.kinds = step_kinds, .model_pipelines = true, .models_asked = {4, asked}};
	struct planning planning = {.arena = arena_open((size_t)64 << 20)};
	struct error error = {0};
	(void)state;
	assert_true(spec_open(&planning.spec, &error) && spec_read_documents(&planning.spec, &document, 1, &options, &error));
	assert_string_equal(made_for(&planning, "a")->name.text, "a");
	assert_string_equal(made_for(&planning, "b")->name.text, "b-model"); /* a pipeline has its name */
	assert_string_equal(made_for(&planning, "alone")->name.text, "alone");
	assert_null(made_for(&planning, "c"));
	assert_int_equal(faults_total(planning.spec.faults), 0);
	planning_close(&planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_model_that_nobody_names_gets_a_pipeline),
		cmocka_unit_test(the_default_of_an_experiment_can_be_asked_by_its_name),
		cmocka_unit_test(a_standalone_model_keeps_its_pipeline),
		cmocka_unit_test(its_one_step_calls_the_model_and_answers),
		cmocka_unit_test(a_model_without_a_server_has_none_unless_it_gets_one_later),
		cmocka_unit_test(an_experiment_without_a_model_in_the_files_depends_on_servers),
		cmocka_unit_test(it_is_made_only_where_it_is_asked_for),
		cmocka_unit_test(a_model_that_is_asked_gets_one_though_a_pipeline_names_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
