/* model_clients_test.c: which pipelines call their models by one client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/setup/model_clients.h"
#include "steps/kinds.h"
#include "tests/unit/planning.h"

#define HEAD(name) "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"
#define CALLS(name, more) HEAD(name) "  steps: [{name: m, model: {storageUri: 'http://m:8080'" more "}}]\n  output: {steps: [m]}\n"

struct stand {
	struct planning planning;
	struct plan plan;
	struct engine_config config;
	struct model_clients callers;
	struct caller_config items[2];
	struct model_news *news;
	struct error error;
};

static int set_up(void **state)
{
	static struct stand stand;
	stand = (struct stand){0};
	stand.callers.items = stand.items;
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct stand *stand = *state;
	planning_close(&stand->planning);
	return 0;
}

static void read_pipelines(struct stand *stand, const char *yaml)
{
	planning_read(&stand->planning, yaml, step_kinds);
	planning_plan(&stand->planning, NULL, &stand->plan);
	assert_int_equal(planning_errors(&stand->planning), 0);
	assert_int_equal(stand->plan.count, 2);
}

/* Of the first or the second pipeline. */
static const struct caller_config *caller_of(struct stand *stand, size_t nth)
{
	struct called_pipeline called[2];
	const struct pipeline_plan *pipeline = &stand->plan.pipelines[nth];
	struct stage_config stage = {.called = called, .called_count = called_pipelines_find(&stand->plan, pipeline, called)};
	struct arena *arena = stand->planning.arena;
	if (!stand->news)
		stand->news = model_news_open(stand->config.log, arena);
	assert_non_null(stand->news);
	assert_true(model_clients_find(&stand->callers, stand->news, &stand->config, &stand->plan, pipeline, &stage, arena,
				       &stand->error));
	assert_true(model_news_expect(stand->news, &stand->callers, arena));
	assert_string_equal(stand->error.text, "");
	assert_non_null(stage.caller);
	return stage.caller;
}

/* What a candidate that is a pipeline cannot answer without. */
static void a_called_pipeline_needs_the_models_that_each_message_calls(void **state)
{
	static const char *const steps[] = {
		"  steps:\n  - {name: a, model: {name: m, storageUri: 'http://m:8080'}}\n"
		"  - {name: b, inputs: [a], model: {name: n, storageUri: 'http://n:8080'}}\n  output: {steps: [b]}\n",
		"  steps:\n  - {name: a, model: {name: m, storageUri: 'http://m:8080'}}\n"
		"  - {name: b, triggers: [a], model: {name: n, storageUri: 'http://n:8080'}}\n  output: {steps: [a, b]}\n",
		"  steps:\n  - {name: a, model: {name: m, storageUri: 'http://m:8080'}}\n"
		"  - {name: b, inputs: [a.outputs.y], inputsJoinType: any, model: {name: n, storageUri: 'http://n:8080'}}\n"
		"  output: {steps: [b]}\n"};
	static const size_t needed[] = {2, 1, 0};
	(void)state;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		struct planning planning;
		struct plan plan;
		struct called_pipeline called[2];
		struct arena *arena = arena_open((size_t)1 << 20);
		planning_read(&planning,
			      arena_print(arena,
					  HEAD("p") "%s" HEAD("q") "  steps: [{name: c, experiment: {resourceType: pipeline, "
								   "candidates: [{name: p, weight: 1}]}}]\n"
								   "  output: {steps: [c]}\n",
					  steps[i]),
			      step_kinds);
		planning_plan(&planning, NULL, &plan);
		assert_int_equal(planning_errors(&planning), 0);
		const struct pipeline_plan *caller = plan_find(&plan, "q");
		assert_int_equal(called_pipelines_find(&plan, caller, called), 1);
		assert_true(called_needs_find(&plan, called, 1, arena));
		assert_int_equal(called[0].needed_count, needed[i]);
		if (needed[i] > 0)
			assert_string_equal(called[0].needed[0], "m");
		planning_close(&planning);
		arena_close(arena);
	}
}

static void pipelines_share_a_client_of_the_models_that_they_call_alike(void **state)
{
	struct stand *stand = *state;
	read_pipelines(stand, CALLS("p", "") CALLS("q", ""));
	assert_ptr_equal(caller_of(stand, 0), caller_of(stand, 1));
}

/* Each call says how long its reply is kept, so one does not get what the other keeps. */
static void who_keeps_replies_and_who_does_not_share_a_client_that_can(void **state)
{
	struct stand *stand = *state;
	read_pipelines(stand, CALLS("p", "") CALLS("q", ", cache: {ttl: 60s}"));
	const struct caller_config *one = caller_of(stand, 0);
	assert_int_equal(one->models[0].cache.backend, CACHE_NONE);
	assert_ptr_equal(caller_of(stand, 1), one);
	assert_int_equal(one->model_count, 1);
	assert_int_equal(one->models[0].cache.backend, CACHE_MEMORY);
	assert_int_equal(one->models[0].cache.ttl_ms, 0);
	assert_int_equal(stand->plan.pipelines[0].graph->steps[0].kept_ms, 0);
	assert_int_equal(stand->plan.pipelines[1].graph->steps[0].kept_ms, 60000);
}

static void two_steps_that_call_one_model_keep_its_replies_each_as_it_says(void **state)
{
	struct stand *stand = *state;
	read_pipelines(stand, HEAD("p") "  steps:\n  - {name: a, model: {name: m, storageUri: 'http://m:8080'}}\n"
					"  - {name: b, model: {name: m, storageUri: 'http://m:8080', cache: {ttl: 5s}}}\n"
					"  output: {steps: [a, b]}\n" CALLS("q", ""));
	const struct caller_config *caller = caller_of(stand, 0);
	const struct graph_step *steps = stand->plan.pipelines[0].graph->steps;
	assert_int_equal(caller->models[0].cache.backend, CACHE_MEMORY);
	assert_ptr_equal(caller->models[0].cache.namespace, stand->plan.pipelines[0].namespace);
	assert_int_equal(steps[0].kept_ms, 0);
	assert_int_equal(steps[1].kept_ms, 5000);
}

/* It is a request of the one that calls which would wait. */
static void a_pipeline_that_is_called_does_in_an_outage_as_the_one_that_calls_it_says(void **state)
{
	struct stand *stand = *state;
	read_pipelines(stand, HEAD("p") "  onOutage: deadletter\n  steps: [{name: a, route: {cases: [{when: 'true', call: q}]}}]\n"
					"  output: {steps: [a]}\n" CALLS("q", ""));
	const struct caller_config *caller = caller_of(stand, 0);
	assert_true(caller->outage_deadletter);
	assert_int_equal(caller->model_count, 1);
	assert_false(caller_of(stand, 1)->outage_deadletter);
}

static char logged[256];

static void keep_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)snprintf(logged, sizeof logged, "%s", line->message);
}

static void how_long_a_model_was_unreachable_is_logged(void **state)
{
	static const struct log_sink sink = {keep_line};
	struct stand *stand = *state;
	stand->config.log = &sink;
	read_pipelines(stand, CALLS("p", "") CALLS("q", ""));
	const struct caller_config *caller = caller_of(stand, 0);
	caller->reported(caller->report_context, "m", "refused");
	assert_string_equal(logged, "model m is unreachable: refused");
	caller->reported(caller->report_context, "m", "refused"); /* by the second worker, later */
	usleep(150000);
	caller->reported(caller->report_context, "m", NULL);
	unsigned tenths = 0;
	assert_int_equal(sscanf(logged, "model m is reachable again, after 0.%u s", &tenths), 1);
	assert_true(tenths >= 1);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(a_called_pipeline_needs_the_models_that_each_message_calls),
		WITH(pipelines_share_a_client_of_the_models_that_they_call_alike),
		WITH(who_keeps_replies_and_who_does_not_share_a_client_that_can),
		WITH(two_steps_that_call_one_model_keep_its_replies_each_as_it_says),
		WITH(how_long_a_model_was_unreachable_is_logged),
		WITH(a_pipeline_that_is_called_does_in_an_outage_as_the_one_that_calls_it_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
