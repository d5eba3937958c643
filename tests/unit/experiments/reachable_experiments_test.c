/* reachable_experiments_test.c: Tests of the experiments that messages of a pipeline reach by calls of other pipelines, and of what
 * follows for its topics and its rights. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tools/view/report/experiment_list.h"

#define RESOURCE(kind, name) "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: " kind "\nmetadata: {name: " name "}\n"
#define BANDITS(name)                                                                                                              \
	RESOURCE("Experiment", name)                                                                                               \
	"spec: {resourceType: pipeline, candidates: [{name: zero, weight: 0}, {name: one, weight: 0}], bandits: {algorithm: "      \
	"ucb1}}\n"
#define ANSWERS(name) RESOURCE("Pipeline", name) "spec: {steps: [{name: w, expression: {set: {y: x * 0}}}], output: {steps: [w]}}\n"
#define CANDIDATES ANSWERS("zero") ANSWERS("one")
#define HAS(name, experiment)                                                                                                      \
	RESOURCE("Pipeline", name) "spec: {steps: [{name: s, experiment: {name: " experiment "}}], output: {steps: [s]}}\n"
#define CALLS(name, other, another)                                                                                                \
	RESOURCE("Pipeline", name)                                                                                                 \
	"spec: {steps: [{name: c, route: {cases: [{when: x > 0, call: " other "}], default: {call: " another "}}}],"               \
	" output: {steps: [c]}}\n"

static struct planning planning;

static const struct graph *linked_find(const char *yaml, const char *pipeline)
{
	planning_read(&planning, yaml, step_kinds);
	assert_int_equal(planning_errors(&planning), 0);
	return planning_linked(&planning, pipeline);
}

static void expect_reachable(const char *yaml, const char *pipeline, const char *expected)
{
	const struct graph *graph = linked_find(yaml, pipeline);
	const char *reachable = "";
	for (size_t i = 0; i < graph->reachable_count; i++)
		reachable = arena_print(planning.arena, "%s%s%s", reachable, i > 0 ? " " : "", graph->reachable[i]->name);
	assert_string_equal(reachable, expected);
	planning_close(&planning);
}

static void messages_reach_the_experiments_of_pipelines_that_they_are_passed_to(void **state)
{
	static const char yaml[] =
		BANDITS("e") CANDIDATES HAS("holder", "e") CALLS("caller", "holder", "zero") CALLS("far", "zero", "caller");
	(void)state;
	expect_reachable(yaml, "holder", "e");
	expect_reachable(yaml, "caller", "e");
	expect_reachable(yaml, "far", "e");
	expect_reachable(yaml, "zero", "");
}

static void each_experiment_is_reached_once_and_its_own_come_first(void **state)
{
	static const char yaml[] = BANDITS("e") BANDITS("f") CANDIDATES HAS("left", "e") HAS("right", "f")
		CALLS("both", "left", "right") CALLS("again", "both", "left")
			RESOURCE("Pipeline", "own") "spec: {steps: [{name: s, experiment: {name: f}}, {name: c, inputs: [s], "
						    "route: {cases: [{when: y > 0, call: both}],"
						    " default: {call: left}}}], output: {steps: [c]}}\n";
	(void)state;
	expect_reachable(yaml, "both", "e f");
	expect_reachable(yaml, "again", "e f");
	expect_reachable(yaml, "own", "f e");
}

static void candidates_of_an_experiment_are_called(void **state)
{
	static const char yaml[] = BANDITS("inner") CANDIDATES HAS("holder", "inner")
		RESOURCE("Experiment", "outer") "spec: {resourceType: pipeline, candidates: [{name: holder, weight: 50}, {name: "
						"zero, weight: 50}]}\n" HAS("p", "outer");
	(void)state;
	expect_reachable(yaml, "p", "outer inner");
}

/* Such a circle is an error of a plan, but graphs are linked before that is known. */
static void pipelines_that_call_each_other_end(void **state)
{
	static const char yaml[] = BANDITS("e") CANDIDATES HAS("holder", "e") CALLS("a", "b", "holder") CALLS("b", "a", "zero");
	(void)state;
	expect_reachable(yaml, "a", "e");
	expect_reachable(yaml, "b", "e");
}

/* Answers of the one carry exposures, and those of the other cannot. */
static void an_exposure_that_some_pipeline_writes_has_a_topic(void **state)
{
	static const char yaml[] = RESOURCE(
		"Experiment",
		"e") "spec: {resourceType: pipeline, unit: x, candidates: [{name: zero, weight: 1}, {name: one, weight: "
		     "1}]}\n" CANDIDATES RESOURCE(
			     "Pipeline", "avro") "spec: {steps: [{name: s, experiment: {name: e}}], output: {steps: [s], format: "
						 "avro}}\n" RESOURCE("Pipeline", "caller") "spec: {steps: [{name: s, experiment: "
											   "{name: e}}, {name: c, inputs: [s],"
											   " route: {cases: [{when: y > 0, call: "
											   "avro}], default: {call: avro}}}],"
											   " output: {steps: [c], format: json}}\n";
	(void)state;
	const struct graph *graph = linked_find(yaml, "caller");
	assert_false(graph->experiments[0]->exposes);
	assert_int_equal(graph->reachable_count, 1);
	assert_true(graph_reachable_experiment(graph, "e")->exposes);
	assert_null(graph_reachable_experiment(graph, "f"));
	planning_close(&planning);
}

/* Its answers come from another stage than that of the call, so they cannot carry the exposures. */
static void a_caller_writes_the_exposures_of_pipelines_that_an_earlier_stage_calls(void **state)
{
	static const char yaml[] = RESOURCE(
		"Experiment",
		"e") "spec: {resourceType: pipeline, candidates: [{name: zero, weight: 1}, {name: "
		     "one, weight: 1}]}\n" CANDIDATES HAS("inner", "e") CALLS("whole", "inner", "zero") RESOURCE(
			     "Pipeline",
			     "outer") "spec: {steps: [{name: c, route: {cases: [{when: x > 0, call: inner}], default: {call: "
				      "zero}}},"
				      " {name: t, inputs: [c], isolate: true, expression: {set: {z: y}}}], output: {steps: [t]}}\n";
	struct plan plan;
	(void)state;
	planning_read(&planning, yaml, step_kinds);
	planning_plan(&planning, NULL, &plan);
	assert_non_null(plan_topic_of(plan_find(&plan, "outer"), TOPIC_EXPOSURES));
	assert_null(plan_topic_of(plan_find(&plan, "whole"), TOPIC_EXPOSURES));
	assert_null(plan_topic_of(plan_find(&plan, "inner"), TOPIC_EXPOSURES));
	planning_close(&planning);
}

static void a_caller_has_the_topics_of_learning_and_the_rights_to_them(void **state)
{
	static const char yaml[] = BANDITS("e") CANDIDATES HAS("holder", "e") CALLS("caller", "holder", "zero");
	static const enum topic_role roles[] = {TOPIC_EXPOSURES, TOPIC_FEEDBACK, TOPIC_OUTCOMES, TOPIC_POLICY};
	struct plan plan;
	struct buffer out;
	(void)state;
	planning_read(&planning, yaml, step_kinds);
	planning_plan(&planning, NULL, &plan);
	const struct pipeline_plan *caller = plan_find(&plan, "caller");
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
		assert_non_null(plan_topic_of(caller, roles[i]));
	assert_true(graph_learns(caller->graph));
	assert_int_equal(caller->volume.exposures, 1);
	assert_false(graph_learns(plan_find(&plan, "zero")->graph));
	buffer_open(&out, (size_t)1 << 20);
	plan_print_text(&plan, &(const struct plan_view){.acls = true}, &out);
	assert_non_null(memmem(out.bytes, out.length, "pipeline.caller.outcomes", strlen("pipeline.caller.outcomes")));
	assert_non_null(memmem(out.bytes, out.length, "sluice.default.outcomes", strlen("sluice.default.outcomes")));
	buffer_close(&out);
	planning_close(&planning);
}

static void a_caller_counts_the_truths_of_a_rollout(void **state)
{
	static const char yaml[] =
		RESOURCE("Experiment", "e") "spec: {resourceType: pipeline, default: zero, candidates: [{name: zero, weight: 50}, "
					    "{name: one, weight: 50}],"
					    " progressiveDeployment: {schedule: [50]}}\n" CANDIDATES HAS("holder", "e")
						    CALLS("caller", "holder", "holder");
	(void)state;
	assert_true(graph_is_judged(linked_find(yaml, "caller")));
	planning_close(&planning);
}

static void the_list_of_experiments_names_callers(void **state)
{
	(void)state;
	(void)linked_find(BANDITS("e") CANDIDATES HAS("holder", "e") CALLS("caller", "holder", "zero"), "caller");
	struct experiment_list list = {.arena = planning.arena};
	assert_true(experiment_list_read(&list, &planning.spec));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].pipelines, "holder,caller");
	planning_close(&planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_reach_the_experiments_of_pipelines_that_they_are_passed_to),
		cmocka_unit_test(each_experiment_is_reached_once_and_its_own_come_first),
		cmocka_unit_test(candidates_of_an_experiment_are_called),
		cmocka_unit_test(pipelines_that_call_each_other_end),
		cmocka_unit_test(an_exposure_that_some_pipeline_writes_has_a_topic),
		cmocka_unit_test(a_caller_writes_the_exposures_of_pipelines_that_an_earlier_stage_calls),
		cmocka_unit_test(a_caller_has_the_topics_of_learning_and_the_rights_to_them),
		cmocka_unit_test(a_caller_counts_the_truths_of_a_rollout),
		cmocka_unit_test(the_list_of_experiments_names_callers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
