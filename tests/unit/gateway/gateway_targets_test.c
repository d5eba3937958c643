/* gateway_targets_test.c: targets of a gateway: whom a request may name, and which headers are passed on to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "gateway/gateway_service.h"
#include "tests/unit/planning.h"

static const char *refusal_of(const char *steps)
{
	static char kept[256];
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	planning_open_steps(&planning, steps);
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_int_equal(targets.count, 1);
	assert_string_equal(targets.topics[0], "sluice.default.pipeline.p.inputs");
	(void)snprintf(kept, sizeof kept, "%s", targets.items[0].refusal ? targets.items[0].refusal : "");
	planning_close(&planning);
	return kept;
}

static void a_pipeline_that_answers_otherwise_names_the_step(void **state)
{
	(void)state;
	assert_string_equal(refusal_of("  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n"), "");
	assert_non_null(strstr(refusal_of("  - {name: rows, split: {by: rows, tensors: [x]}}\n"
					  "  output: {steps: [rows]}\n"),
			       "`rows`"));
	assert_string_equal(refusal_of("  - {name: rows, split: {by: rows, tensors: [x]}}\n"
				       "  - {name: all, inputs: [rows], aggregate: {parts: rows}}\n  output: {steps: [all]}\n"),
			    "");
	assert_non_null(strstr(refusal_of("  - {name: m, aggregate: {window: {tumbling: 1m}, set: {n: count()}}}\n"
					  "  output: {steps: [m]}\n"),
			       "`m`"));
}

static bool answers_roam(const char *steps)
{
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	planning_open_steps(&planning, steps);
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	const bool roam = targets.items[0].answers_roam;
	planning_close(&planning);
	return roam;
}

static void an_answer_of_a_later_stage_may_be_in_any_partition(void **state)
{
	(void)state;
	assert_false(answers_roam("  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n"));
	assert_true(answers_roam("  - {name: c, features: {key: x, set: {n: count(x over 10m)}}}\n  output: {steps: [c]}\n"));
}

static void a_pipeline_with_an_experiment_takes_feedback(void **state)
{
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets, next;
	struct error error = {0};
	(void)state;
	planning_open_steps(&planning, "  - {name: s, experiment: {name: e, candidates: [{name: m, weight: 1}]}}\n"
				       "  output: {steps: [s]}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_true(targets.items[0].takes_feedback);
	assert_int_equal(targets.topic_count, 3);
	assert_string_equal(targets.topics[targets.items[0].feedback], "sluice.default.pipeline.p.feedback");
	assert_true(gateway_targets_make(&plan, &targets, planning.arena, &next, &error));
	assert_int_equal(next.topic_count, 3);
	assert_int_equal(next.items[0].feedback, targets.items[0].feedback);
	planning_close(&planning);
	planning_open_steps(&planning, "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_false(targets.items[0].takes_feedback);
	planning_close(&planning);
}

/* The last pipeline can be deleted from a control plane: the topic of replies is the one of before. */
static void no_pipeline_is_left_when_the_last_one_is_deleted(void **state)
{
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets, next, again;
	struct error error = {0};
	(void)state;
	planning_open_steps(&planning, "  - {name: a, expression: {set: {x: x}}}\n  output: {steps: [a]}\n");
	planning_plan(&planning, NULL, &plan);
	struct arena *arena = arena_open(4096);
	assert_non_null(arena);
	const struct plan none = {.spec = plan.spec};
	assert_false(gateway_targets_make(&none, NULL, arena, &next, &error));
	assert_non_null(strstr(error.text, "no pipeline"));
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_true(gateway_targets_make(&none, &targets, arena, &next, &error));
	assert_int_equal(next.count, 0);
	assert_string_equal(next.prefix, "sluice");
	assert_string_equal(next.namespace, "default");
	assert_ptr_not_equal(next.namespace, targets.namespace);
	assert_int_equal(next.topic_count, targets.topic_count);
	assert_true(gateway_targets_make(&plan, &next, planning.arena, &again, &error));
	assert_int_equal(again.items[0].topic, targets.items[0].topic);
	arena_close(arena);
	planning_close(&planning);
}

static void headers_that_expressions_read_are_passed_on(void **state)
{
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	(void)state;
	planning_open_steps(&planning,
			    "  - name: r\n    route:\n      cases: [{when: 'header(\"x-tier\") == \"fast\"', call: quick}]\n"
			    "      default: {call: slow}\n"
			    "  - name: s\n    experiment:\n      name: e\n      unit: header(\"x-user\") ?? header(\"cookie\") ?? "
			    "header(\"X-Tier\")\n"
			    "      candidates: [{name: m, weight: 1, trafficConfig: {headers: [{name: x-beta, value: y}, {name: "
			    "X-USER, value: v}]}}]\n"
			    "  output: {steps: [s]}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_int_equal(targets.read.count, 3);
	assert_string_equal(targets.read.items[0].text, "x-beta");
	assert_string_equal(targets.read.items[1].text, "X-USER");
	assert_string_equal(targets.read.items[2].text, "x-tier");
	planning_close(&planning);
}

/* A feature is a tensor or a header, and which one is known with the request. */
static void headers_that_are_features_of_bandits_are_passed_on(void **state)
{
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	(void)state;
	planning_open_steps(&planning,
			    "  - name: s\n    experiment:\n      candidates: [{name: a, weight: 0}, {name: b, weight: 0}]\n"
			    "      bandits: {algorithm: linucb, contextFeatures: [vol, X-Segment, cookie, time_of_day]}\n"
			    "  output: {steps: [s]}\n");
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	assert_int_equal(targets.read.count, 3); /* never a credential */
	assert_string_equal(targets.read.items[1].text, "X-Segment");
	planning_close(&planning);
}

#define DEPLOYMENT(name)                                                                                                           \
	"apiVersion: machinelearning.seldon.io/v1\nkind: SeldonDeployment\nmetadata: {name: " name "}\nspec:\n  predictors:\n"
#define PREDICTOR(name, more) "  - {name: " name ", graph: {name: " name "m, modelUri: 'stub://identity'}" more "}\n"

/* Whom a request without a name asks among the pipelines of the files; empty: nobody. */
static const char *only_of(const char *yaml, size_t *count)
{
	static char kept[64];
	struct planning planning;
	struct plan plan;
	struct gateway_targets targets;
	struct error error = {0};
	planning_open(&planning, yaml);
	planning_plan(&planning, NULL, &plan);
	assert_true(gateway_targets_make(&plan, NULL, planning.arena, &targets, &error));
	const struct gateway_target *only = gateway_target_only(&targets, count);
	(void)snprintf(kept, sizeof kept, "%s", only ? only->name : "");
	planning_close(&planning);
	return kept;
}

/* Its pipeline is made of the deployment too. */
static void a_shadow_is_never_asked_by_a_request_without_a_name(void **state)
{
	char yaml[1024];
	size_t count;
	(void)state;
	(void)snprintf(yaml, sizeof yaml, "%s%s%s%s", DEPLOYMENT("d"), PREDICTOR("a", ", traffic: 60"),
		       PREDICTOR("b", ", traffic: 40"), PREDICTOR("c", ", shadow: true"));
	assert_string_equal(only_of(yaml, &count), "d");
	assert_int_equal(count, 1);
	(void)snprintf(yaml, sizeof yaml, "%s%s%s---\n%s%s", DEPLOYMENT("d"), PREDICTOR("a", ""), PREDICTOR("c", ", shadow: true"),
		       DEPLOYMENT("e"), PREDICTOR("x", ""));
	assert_string_equal(only_of(yaml, &count), "");
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipeline_that_answers_otherwise_names_the_step),
		cmocka_unit_test(an_answer_of_a_later_stage_may_be_in_any_partition),
		cmocka_unit_test(a_pipeline_with_an_experiment_takes_feedback),
		cmocka_unit_test(no_pipeline_is_left_when_the_last_one_is_deleted),
		cmocka_unit_test(a_shadow_is_never_asked_by_a_request_without_a_name),
		cmocka_unit_test(headers_that_expressions_read_are_passed_on),
		cmocka_unit_test(headers_that_are_features_of_bandits_are_passed_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
