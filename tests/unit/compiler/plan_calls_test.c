/* plan_calls_test.c: whom the steps of a pipeline call, and where that is found. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler/resources/document.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define PIPELINE(name) HEAD "Pipeline\nmetadata: {name: " name "}\nspec:\n"

static void open_plan(struct planning *planning, struct plan *plan, const char *yaml)
{
	planning_read(planning, yaml, step_kinds);
	planning_plan(planning, NULL, plan);
	assert_int_equal(planning_errors(planning), 0);
}

static void the_first_server_that_cannot_be_read_is_found(void **state)
{
	(void)state;
	static const char *const good[] = {"sum=http://h", "sum=grpc://[::1]:8081/m", "sum=http://u:p@h:80/v2", "sum=unix://x"};
	static const char *const bad[] = {"sum", "=http://h:1", "sum=h:1", "sum=grpc://h:99999",
					 "sum=grpc://h:8:", "sum=http://:80", "sum=http://"};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct name items[] = {{.text = good[i % 4]}, {.text = bad[i]}};
		assert_ptr_equal(endpoint_given_badly(&(struct name_list){.count = 2, .items = items}), bad[i]);
	}
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		struct name item = {.text = good[i]};
		assert_null(endpoint_given_badly(&(struct name_list){.count = 1, .items = &item}));
	}
}

/* A step's storageUri may be of an artifact, as the reference's are; then its Model says where that is served, if it does. */
static void a_step_that_names_an_artifact_asks_where_its_model_is(void **state)
{
	(void)state;
	static const struct {
		const char *step, *model;
		enum endpoint_origin origin;
		const char *addresses;
	} rows[] = {
		{"storageUri: \"s3://b/m\"", "stub://add10", ENDPOINT_STUB, "stub://add10"},
		{"storageUri: \"s3://b/m\"", "grpc://h:1/m", ENDPOINT_URI, "grpc://h:1/m"},
		{"storageUri: \"s3://b/m\"", "s3://b/other", ENDPOINT_NONE, NULL},
		{"storageUri: \"http://own:1\"", "stub://add10", ENDPOINT_URI, "http://own:1"},
		{"storageUri: \"stub://add20\"", "stub://add10", ENDPOINT_STUB, "stub://add20"},
		{"storageUri: \"s3://b/m\", server: gone", "stub://add10", ENDPOINT_NONE, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open((size_t)1 << 16);
		planning_read(
			&p,
			arena_print(
				arena,
				PIPELINE("p") "  steps:\n  - {name: a, model: {name: m, %s}}\n  output: {steps: [a]}\n---\n" HEAD
					      "Model\nmetadata: {name: m}\nspec: {storageUri: \"%s\"}\n",
				rows[i].step, rows[i].model),
			step_kinds);
		planning_plan(&p, NULL, &plan);
		const struct endpoint *endpoint = &plan.pipelines[0].callees[0].endpoint;
		assert_int_equal(endpoint->origin, rows[i].origin);
		if (rows[i].addresses)
			assert_string_equal(endpoint->addresses, rows[i].addresses);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_model_is_looked_for_in_this_order(void **state)
{
	(void)state;
	static const struct {
		const char *model, *given[3];
		enum endpoint_origin origin;
		const char *addresses;
	} rows[] = {
		{"storageUri: \"stub://add10\", server: s", {NULL}, ENDPOINT_STUB, "stub://add10"},
		{"storageUri: \"stub://add10\"", {"m=http://x:1"}, ENDPOINT_GIVEN, "http://x:1"},
		{"storageUri: \"stub://add10\"", {"any=http://x:1"}, ENDPOINT_STUB, "stub://add10"}, /* it is not asked for */
		{"storageUri: \"grpc://h:1/m\", server: s", {NULL}, ENDPOINT_URI, "grpc://h:1/m"},
		{"storageUri: s3, server: two", {NULL}, ENDPOINT_NAMED, "http://two:8080 grpc://two:8081"},
		{"storageUri: s3, server: gone", {NULL}, ENDPOINT_NONE, NULL},
		{"storageUri: s3, server: gone", {"gone=http://x:1"}, ENDPOINT_GIVEN, "http://x:1"},
		{"storageUri: s3, requirements: [scikit-learn]", {NULL}, ENDPOINT_FITTING, "grpc://one:8081"},
		{"storageUri: s3, requirements: [\"xgboost==1.7\"]", {NULL}, ENDPOINT_FITTING, "http://two:8080 grpc://two:8081"},
		{"storageUri: s3, requirements: [mlflow]", {NULL}, ENDPOINT_NONE, NULL},
		{"storageUri: s3", {NULL}, ENDPOINT_NONE, NULL}, /* both would fit */
		{"storageUri: s3", {"m=grpc://x:1"}, ENDPOINT_GIVEN, "grpc://x:1"},
		/* several of one name are replicas, wherever that name counts */
		{"storageUri: s3", {"m=grpc://x:1", "n=grpc://z:1", "m=grpc://y:1"}, ENDPOINT_GIVEN, "grpc://x:1 grpc://y:1"},
		{"storageUri: s3, server: gone", {"gone=http://x:1", "gone=http://y:1"}, ENDPOINT_GIVEN, "http://x:1 http://y:1"},
		{"storageUri: s3", {"any=http://x:1", "any=http://y:1"}, ENDPOINT_GIVEN, "http://x:1 http://y:1"},
		{"storageUri: s3", {"any=http://x:1", "other=http://y:1"}, ENDPOINT_NONE, NULL},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct arena *arena = arena_open((size_t)1 << 16);
		planning_read(
			&p,
			arena_print(
				arena,
				HEAD
				"Server\nmetadata: {name: one}\nspec: {serverConfig: c, capabilities: [sklearn], endpoints: "
				"[\"grpc://one:8081\"]}\n---\n" HEAD
				"Server\nmetadata: {name: two}\nspec: {serverConfig: c, extraCapabilities: [xgboost], endpoints: "
				"[\"http://two:8080\", \"grpc://two:8081\"]}\n---\n" HEAD
				"Model\nmetadata: {name: m}\nspec: {%s}\n",
				rows[i].model),
			step_kinds);
		struct plan plan;
		struct name given[3] = {0};
		size_t given_count = 0;
		for (; given_count < 3 && rows[i].given[given_count]; given_count++)
			given[given_count].text = rows[i].given[given_count];
		const struct plan_options options = {.kinds = step_kinds, .servers = {given_count, given}};
		planning_plan(&p, &options, &plan);
		assert_int_equal(plan.model_count, 1);
		const struct endpoint *endpoint = &plan.models[0].endpoint;
		assert_int_equal(endpoint->origin, rows[i].origin);
		if (rows[i].addresses)
			assert_string_equal(endpoint->addresses, rows[i].addresses);
		else
			assert_non_null(strstr(endpoint->advice, "storageUri: grpc://HOST:PORT/m"));
		planning_close(&p);
		arena_close(arena);
	}
}

/* Requests of the other one would reach a server that was not named for it. */
static void a_server_that_bears_a_models_name_is_that_models_alone(void **state)
{
	struct planning p;
	struct plan plan;
	const struct name given = {.text = "m=http://x:1"};
	const struct plan_options options = {.kinds = step_kinds, .servers = {1, &given}};
	(void)state;
	planning_read(&p,
		      HEAD "Model\nmetadata: {name: m}\nspec: {storageUri: s3}\n---\n" HEAD
			   "Model\nmetadata: {name: n}\nspec: {storageUri: s3}\n",
		      step_kinds);
	planning_plan(&p, &options, &plan);
	assert_int_equal(plan.model_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const bool is_named = strcmp(plan.models[i].resource->name.text, "m") == 0;
		assert_int_equal(plan.models[i].endpoint.origin, is_named ? ENDPOINT_GIVEN : ENDPOINT_NONE);
	}
	planning_close(&p);
}

static void a_missing_capability_is_named_with_the_nearest(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  HEAD "Server\nmetadata: {name: one}\nspec: {serverConfig: c, capabilities: [xgboost], endpoints: "
		       "[\"grpc://one:8081\"]}\n---\n" HEAD
		       "Model\nmetadata: {name: m}\nspec: {storageUri: \"s3://b/m\", requirements: [xgbost]}\n");
	assert_non_null(strstr(plan.models[0].endpoint.advice, "no Server has the capability `xgbost` (the nearest is `xgboost`)"));
	planning_close(&p);
}

static void a_choice_calls_each_of_its_models(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps:\n  - {name: r, outputs: [way]}\n"
				"  - {name: s, inputs: [way, x], outputs: [y], tensorMap: {way: [m1, m2]}}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_int_equal(pipeline->callee_count, 3);
	assert_string_equal(pipeline->callees[0].name, "r");
	assert_string_equal(pipeline->callees[1].name, "m1");
	assert_string_equal(pipeline->callees[2].name, "m2");
	assert_true(plan_is_noted(&pipeline->notes, "model `m2`, which step `s` calls, is not among the files"));
	planning_close(&p);
}

static void an_experiment_step_calls_its_candidates_or_the_experiment_named(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps:\n  - {name: a, experiment: {name: e}}\n"
				"  - {name: b, inputs: [a], experiment: {default: m, candidates: [{name: m, weight: 1}], "
				"mirror: {name: n, percent: 10}}}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_int_equal(pipeline->callee_count, 3);
	assert_string_equal(pipeline->callees[0].name, "e");
	assert_int_equal(pipeline->callees[0].target, CALL_EXPERIMENT);
	assert_string_equal(pipeline->callees[1].name, "m");
	assert_string_equal(pipeline->callees[2].name, "n");
	assert_true(plan_is_noted(&pipeline->notes, "experiment `e`, which step `a` calls, is not among the files"));
	assert_true(plan_is_noted(&pipeline->notes, "model `n`, which step `b` calls, is not among the files"));
	planning_close(&p);
}

static void an_experiment_of_a_mirror_alone_is_among_the_files(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a, experiment: {name: e}}]\n---\n" HEAD
				"Experiment\nmetadata: {name: e}\nspec: {candidates: [], mirror: {name: m, percent: 10}}\n");
	assert_true(plan_is_noted(&plan.pipelines[0].notes,
				  "experiment `e`, which step `a` calls, has a mirror and no candidate, so "
				  "it answers no request; name its `default`"));
	assert_true(plan_is_noted(&plan.notes,
				  "Experiment `e` cannot be called by its name, because it has no candidate and no default"));
	planning_close(&p);
}

static void why_an_experiment_cannot_be_called_is_noted(void **state)
{
	static const char experiment[] = HEAD "Experiment\nmetadata: {name: e}\nspec:\n  default: m\n"
					      "  candidates: [{name: m, weight: 1}, {name: n, weight: 1}]\n";
	struct planning p;
	struct plan plan;
	char yaml[1024];
	(void)state;
	open_plan(&p, &plan, experiment);
	assert_true(
		plan_is_noted(&plan.notes, "Experiment `e` cannot be called by its name, because its model `m` has no endpoint"));
	planning_close(&p);
	(void)snprintf(yaml, sizeof yaml, "%s---\n%s", experiment, PIPELINE("e") "  steps: [{name: a}]\n");
	open_plan(&p, &plan, yaml);
	assert_true(plan_is_noted(&plan.notes, "Experiment `e` cannot be called by its name, because a Pipeline has its name"));
	planning_close(&p);
}

/* As a pipeline that has it would call them: no Model says where they are. */
static void an_experiment_of_models_of_an_option_can_be_called(void **state)
{
	static const char experiment[] = HEAD "Experiment\nmetadata: {name: e}\nspec:\n  default: m\n"
					      "  candidates: [{name: m, weight: 1}, {name: n, weight: 1}]\n";
	static const struct {
		const char *given[2];
		bool callable;
	} rows[] = {
		{{"m=http://x:1", "n=http://y:1"}, true},
		{{"any=http://x:1"}, true}, /* one server is that of all models */
		{{"m=http://x:1", "o=http://y:1"}, false},
	};
	static const struct spec_options reading = {.kinds = step_kinds};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct name given[2] = {0};
		size_t count = 0;
		for (; count < 2 && rows[i].given[count]; count++)
			given[count].text = rows[i].given[count];
		const struct plan_options options = {.kinds = step_kinds, .servers = {count, given}};
		planning_read(&p, experiment, step_kinds);
		documents_read_experiments(&p.spec, &reading);
		planning_plan(&p, &options, &plan);
		assert_int_equal(plan.count, rows[i].callable);
		if (rows[i].callable) {
			assert_string_equal(plan.pipelines[0].graph->name, "e");
			assert_int_equal(plan.pipelines[0].callees[1].endpoint.origin, ENDPOINT_GIVEN);
		}
		planning_close(&p);
	}
}

static void a_pipeline_that_an_experiment_names_must_be_among_the_files(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	planning_read(&p,
		      PIPELINE("near") "  steps: [{name: add10}]\n  output: {steps: [add10]}\n---\n"
		      PIPELINE("p") "  steps: [{name: split, experiment: {name: e}}]\n  output: {steps: [split]}\n---\n"
		      HEAD "Experiment\nmetadata: {name: e}\nspec:\n  default: near\n  resourceType: pipeline\n"
			   "  candidates:\n  - {name: near, weight: 1}\n  - {name: far, weight: 1}\n",
		      step_kinds);
	planning_plan(&p, &(struct plan_options){0}, &plan);
	const struct fault *fault = planning_fault(&p, CODE_ABSENT_CALLEE);
	assert_int_equal(fault->place.line, 23);
	assert_int_equal(fault->place.column, 12);
	assert_string_equal(fault->message, "the experiment `e` splits among pipelines, and `far` is not among the files");
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_server_that_cannot_be_read_is_found),
		cmocka_unit_test(a_step_that_names_an_artifact_asks_where_its_model_is),
		cmocka_unit_test(a_model_is_looked_for_in_this_order),
		cmocka_unit_test(a_server_that_bears_a_models_name_is_that_models_alone),
		cmocka_unit_test(a_missing_capability_is_named_with_the_nearest),
		cmocka_unit_test(a_choice_calls_each_of_its_models),
		cmocka_unit_test(an_experiment_step_calls_its_candidates_or_the_experiment_named),
		cmocka_unit_test(an_experiment_of_a_mirror_alone_is_among_the_files),
		cmocka_unit_test(why_an_experiment_cannot_be_called_is_noted),
		cmocka_unit_test(an_experiment_of_models_of_an_option_can_be_called),
		cmocka_unit_test(a_pipeline_that_an_experiment_names_must_be_among_the_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
