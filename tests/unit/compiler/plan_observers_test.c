/* plan_observers_test.c: Tests of what a plan says of observers: how they get what they watch, and what that costs. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/print/plan_diff.h"
#include "steps/kinds.h"

#define PIPELINE "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
#define OPTIONS "reference: {topic: before}"
#define RECORD_BYTES 100 /* around the tensors (compiler/plan/volume.c) */

static struct planning p;
static struct plan plan;

static const struct pipeline_plan *plan_of(const char *yaml)
{
	planning_read(&p, yaml, step_kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 0);
	return &plan.pipelines[0];
}

#define TYPED                                                                                                                      \
	PIPELINE "  input: {topic: t, tensors: {x: {path: x, datatype: FP32, shape: [20]}, note: {path: n, datatype: BYTES}}}\n"

static void records_of_a_share_have_the_watched_tensors_alone(void **state)
{
	(void)state;
	const struct pipeline_plan *one =
		plan_of(TYPED "  steps: [{name: a, drift: {tensors: [x], share: 10%, " OPTIONS "}}]\n  output: {steps: [a]}\n");
	assert_int_equal(one->observer_count, 1);
	const struct observer_plan *observer = &one->observers[0];
	assert_string_equal(observer->step, "a");
	assert_string_equal(observer->topic, "sluice.default.pipeline.p.stage.a.observer");
	assert_true(observer->share == 0.1 && observer->slices);
	assert_true(observer->bytes == 20 * 4 + RECORD_BYTES && !observer->bytes_assumed);
	assert_true(one->volume.observed == 0.1);
	assert_int_equal(one->volume.stage_links, 0);
	assert_int_equal(one->volume.states, 0);
	planning_close(&p);
}

/* What an observer writes is no result, with and without an output. */
static void observers_leave_the_order_of_results_as_it_is(void **state)
{
	(void)state;
	static const char *const ends[] = {"", "  output: {steps: [a]}\n"};
	for (size_t i = 0; i < 2; i++) {
		char yaml[1024];
		(void)snprintf(yaml, sizeof yaml, TYPED "  steps: [{name: a, drift: {tensors: [x], " OPTIONS "}}]\n%s", ends[i]);
		assert_string_equal(plan_of(yaml)->order_reason, "a result leaves after earlier ones of its key (order: key)");
		assert_int_equal(faults_count(p.spec.faults, SEVERITY_NOTE), 0);
		planning_close(&p);
	}
}

static void probabilities_are_watched_too(void **state)
{
	(void)state;
	const struct pipeline_plan *one =
		plan_of(PIPELINE "  input: {topic: t, tensors: {x: {path: x, datatype: FP32, shape: [20]}, p: {path: p, datatype: "
				 "FP64}, other: {path: o, datatype: FP64}}}\n  steps: [{name: a, drift: {tensors: [x], "
				 "estimate: {probabilities: p}, " OPTIONS "}}]\n  output: {steps: [a]}\n");
	assert_true(one->observers[0].bytes == 20 * 4 + 8 + RECORD_BYTES);
	planning_close(&p);
}

static void a_message_of_segments_goes_alone_and_whole(void **state)
{
	(void)state;
	const struct pipeline_plan *one =
		plan_of(TYPED "  steps: [{name: a, drift: {tensors: [x], groupBy: note, " OPTIONS "}}]\n  output: {steps: [a]}\n");
	assert_false(one->observers[0].slices);
	assert_true(one->observers[0].bytes_assumed); /* a text has any length */
	planning_close(&p);
}

static void the_reason_says_whether_a_topic_has_what_is_watched(void **state)
{
	(void)state;
	struct buffer text;
	const struct pipeline_plan *one =
		plan_of(PIPELINE "  steps:\n  - {name: a, drift: {" OPTIONS "}}\n  - {name: s, features: {set: {y: x * 2}}}\n"
				 "  - {name: b, inputs: [s], drift: {" OPTIONS "}}\n  output: {steps: [b]}\n");
	assert_int_equal(one->observer_count, 2);
	assert_non_null(strstr(one->observers[0].why, "the topic of requests"));
	assert_non_null(strstr(one->observers[1].why, "no topic"));
	buffer_open(&text, 1 << 20);
	plan_print_text(&plan, &(struct plan_view){0}, &text);
	assert_non_null(memmem(text.bytes, text.length, "written by the path", 19));
	buffer_clear(&text);
	plan_print_json(&plan, &(struct plan_view){0}, &text);
	assert_non_null(memmem(text.bytes, text.length, "\"way\":\"written\"", 15));
	buffer_close(&text);
	planning_close(&p);
}

static void without_observers_nothing_is_said_of_them(void **state)
{
	(void)state;
	struct buffer text;
	const struct pipeline_plan *one = plan_of(PIPELINE "  steps: [{name: a}]\n  output: {steps: [a]}\n");
	assert_int_equal(one->observer_count, 0);
	buffer_open(&text, 1 << 20);
	plan_print_text(&plan, &(struct plan_view){0}, &text);
	plan_print_json(&plan, &(struct plan_view){0}, &text);
	assert_null(memmem(text.bytes, text.length, "observe", 7));
	buffer_close(&text);
	planning_close(&p);
}

/* ---- observers that share a stage ---- */

#define THREE                                                                                                                      \
	"  - {name: a, drift: {tensors: [x], share: 10%, " OPTIONS "}}\n"                                                          \
	"  - {name: b, drift: {tensors: [x, z], share: 10%, " OPTIONS "}}\n"                                                       \
	"  - {name: c, inputs: [b], drift: {tensors: [x], " OPTIONS "}}\n  output: {steps: [c]}\n"

static void observers_of_the_same_messages_share_a_stage(void **state)
{
	(void)state;
	const struct pipeline_plan *one =
		plan_of(PIPELINE "  input: {topic: t, tensors: {x: {path: x, datatype: FP32, shape: [20]}, z: {path: z, datatype: "
				 "FP64}}}\n  steps:\n" THREE);
	assert_int_equal(one->stage_count, 2);
	assert_string_equal(one->stages[1].name, "a.observer");
	assert_string_equal(one->stages[1].key, "\"a\"");
	assert_string_equal(one->stages[1].state, "the open window of step `a.observer`, the open window of step `b.observer`, the "
						  "open window of step `c.observer`");
	const struct graph_next *next = &one->stages[0].graph->part->next[0];
	assert_int_equal(one->stages[0].graph->part->next_count, 1);
	assert_int_equal(next->observer_count, 3);
	assert_string_equal(next->observer_names[2], "c.observer");
	assert_true(next->slices && text_is(next->key_text, "a"));
	assert_int_equal(one->observer_count, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(one->observers[i].topic, "sluice.default.pipeline.p.stage.a.observer");
	assert_int_equal(one->observers[1].shared_count, 2);
	assert_string_equal(one->observers[1].shared_with[0], "a");
	assert_string_equal(one->observers[1].shared_with[1], "c");
	planning_close(&p);
}

/* Each tensor is in the record once. */
static void a_shared_record_is_counted_once(void **state)
{
	(void)state;
	const struct pipeline_plan *one =
		plan_of(PIPELINE "  input: {topic: t, tensors: {x: {path: x, datatype: FP32, shape: [20]}, z: {path: z, datatype: "
				 "FP64}}}\n  steps:\n" THREE);
	assert_true(one->volume.observed == 1);
	assert_true(one->volume.observed_bytes == 20 * 4 + 8 + RECORD_BYTES);
	planning_close(&p);
	one = plan_of(TYPED "  steps:\n  - {name: a, drift: {tensors: [x], share: 10%, " OPTIONS "}}\n"
			    "  - {name: b, drift: {tensors: [x], share: 50%, " OPTIONS "}}\n  output: {steps: [b]}\n");
	assert_true(one->volume.observed > 0.549999 && one->volume.observed < 0.550001); /* 1 - 0.9 * 0.5 */
	planning_close(&p);
}

static void the_plan_says_who_has_the_same_record(void **state)
{
	(void)state;
	struct buffer text;
	(void)plan_of(PIPELINE "  steps:\n" THREE);
	buffer_open(&text, 1 << 20);
	plan_print_text(&plan, &(struct plan_view){0}, &text);
	assert_non_null(memmem(text.bytes, text.length, "; the record is also that of `b` and `c`", 40));
	buffer_clear(&text);
	plan_print_json(&plan, &(struct plan_view){0}, &text);
	assert_non_null(memmem(text.bytes, text.length, "\"recordSharedWith\":[\"a\",\"b\"]", 28));
	buffer_close(&text);
	planning_close(&p);
}

static size_t stages_of(const char *steps)
{
	char yaml[4096];
	snprintf(yaml, sizeof yaml, PIPELINE "  steps:\n%s", steps);
	const size_t count = plan_of(yaml)->stage_count;
	planning_close(&p);
	return count;
}

#define WATCH(name, more) "  - {name: " name ", " more "drift: {" OPTIONS "}}\n"
#define ANSWER "  output: {steps: [b]}\n"

static void changelog_expect(const char *steps, const char *stage)
{
	char yaml[4096], topic[128];
	snprintf(yaml, sizeof yaml, PIPELINE "  steps:\n%s", steps);
	snprintf(topic, sizeof topic, "sluice.default.pipeline.p.stage.%s.state", stage);
	assert_string_equal(plan_topic_of(plan_of(yaml), TOPIC_STATE), topic);
	planning_close(&p);
}

static void another_first_step_gives_the_stage_new_topics(void **state)
{
	(void)state;
	changelog_expect(WATCH("a", "") WATCH("b", "") ANSWER, "a.observer");
	changelog_expect(WATCH("b", "") ANSWER, "b.observer");
	changelog_expect(WATCH("new", "") WATCH("a", "") WATCH("b", "") ANSWER, "new.observer");
	changelog_expect(WATCH("a", "") WATCH("b", "") WATCH("new", "") ANSWER, "a.observer");
	changelog_expect(WATCH("a", "") WATCH("b", "inputs: [a], ") ANSWER, "a.observer"); /* `b` is placed first */
	changelog_expect(WATCH("b", "") WATCH("c", "inputs: [b], ") WATCH("a", "inputs: [c], ") ANSWER, "b.observer");
	changelog_expect(WATCH("b", "inputs: [a], ") WATCH("a", "") ANSWER, "b.observer");
	changelog_expect(WATCH("a", "") "  - {name: b, expression: {set: {y: x}}}\n" ANSWER, "a.observer");
}

static void the_diff_says_whose_windows_begin_again(void **state)
{
	(void)state;
	struct planning old;
	struct plan before;
	struct plan_changes changes;
	bool told = false;
	planning_read(&old, PIPELINE "  steps:\n" WATCH("a", "") WATCH("b", "") ANSWER, step_kinds);
	planning_plan(&old, NULL, &before);
	(void)plan_of(PIPELINE "  steps:\n" WATCH("b", "") ANSWER);
	assert_true(plan_diff(&before, &plan, p.arena, &changes));
	for (size_t i = 0; i < changes.count; i++)
		told |= changes.items[i].kind == PLAN_STATE_ADDED &&
			strstr(changes.items[i].why, "the open window of step `b.observer` begins empty");
	assert_true(told);
	planning_close(&p);
	planning_close(&old);
}

static void observers_share_a_stage_only_where_the_same_comes_to_both(void **state)
{
	(void)state;
	assert_int_equal(stages_of(WATCH("a", "") WATCH("b", "") ANSWER), 2);
	assert_int_equal(stages_of(WATCH("a", "") WATCH("b", "inputs: [a], ") ANSWER), 2);
	assert_int_equal(
		stages_of(WATCH("a", "") "  - {name: odd, inputs: [a], outlier: {tensor: x, reference: {past: 1d}}}\n" WATCH(
			"b", "inputs: [odd], ") ANSWER),
		2);
	/* Another input; one of which a step may keep messages back, or may choose; one that is renamed; another stage. */
	assert_int_equal(stages_of(WATCH("a", "") "  - {name: f, filter: {keep: 'true'}}\n" WATCH("b", "inputs: [f], ") ANSWER), 3);
	assert_int_equal(stages_of(WATCH("a", "when: 'x > 1', ") WATCH("b", "inputs: [a], ") ANSWER), 3);
	assert_int_equal(stages_of(WATCH("a", "when: 'x > 1', ") WATCH("b", "") ANSWER), 3);
	assert_int_equal(stages_of(WATCH("a", "") WATCH("b", "when: 'x > 1', ") ANSWER), 3);
	assert_int_equal(stages_of("  - {name: r, route: {cases: [{when: 'x > 1', to: a}, {when: 'x > 0', to: b}], default: {drop: "
				   "true}}}\n" WATCH("a", "inputs: [r], ") WATCH("b", "inputs: [r], ") ANSWER),
			 3);
	assert_int_equal(stages_of(WATCH("a", "") WATCH("b", "inputs: [p.inputs.x], ") ANSWER), 3);
	assert_int_equal(stages_of(WATCH("a", "") WATCH("b", "isolate: true, ") ANSWER), 4);
	assert_int_equal(stages_of(WATCH("a", "") "  - {name: f, filter: {keep: 'true'}}\n" WATCH("b", "triggers: [f], ") ANSWER),
			 3);
	assert_int_equal(stages_of(WATCH("a", "") "  - {name: f, filter: {keep: 'true'}}\n" WATCH(
				 "b", "inputs: [a], triggers: [f], ") ANSWER),
			 3);
}

static void observers_that_need_whole_messages_share_a_stage_of_their_own(void **state)
{
	(void)state;
	const struct pipeline_plan *one = plan_of(
		PIPELINE "  steps:\n" WATCH("a", "") "  - {name: b, drift: {groupBy: key, " OPTIONS "}}\n"
						     "  - {name: c, drift: {groupBy: id, " OPTIONS "}}\n  output: {steps: [a]}\n");
	assert_int_equal(one->stage_count, 3);
	const struct graph_next *next = &one->stages[0].graph->part->next[1];
	assert_int_equal(next->observer_count, 2);
	assert_false(next->slices);
	planning_close(&p);
}

static void a_stage_has_eight_observers_at_most(void **state)
{
	(void)state;
	static const char eight[] = WATCH("a", "") WATCH("b", "") WATCH("c", "") WATCH("d", "") WATCH("e", "") WATCH("f", "")
		WATCH("g", "") WATCH("h", "") ANSWER;
	static const char ten[] = WATCH("i", "") WATCH("j", "") WATCH("a", "") WATCH("b", "") WATCH("c", "") WATCH("d", "")
		WATCH("e", "") WATCH("f", "") WATCH("g", "") WATCH("h", "") ANSWER;
	static const char nine[] = WATCH("i", "") WATCH("a", "") WATCH("b", "") WATCH("c", "") WATCH("d", "") WATCH("e", "")
		WATCH("f", "") WATCH("g", "") WATCH("h", "") ANSWER;
	assert_int_equal(stages_of(eight), 2);
	assert_int_equal(stages_of(nine), 3);
	assert_int_equal(stages_of(ten), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_a_share_have_the_watched_tensors_alone),
		cmocka_unit_test(observers_leave_the_order_of_results_as_it_is),
		cmocka_unit_test(probabilities_are_watched_too),
		cmocka_unit_test(a_message_of_segments_goes_alone_and_whole),
		cmocka_unit_test(the_reason_says_whether_a_topic_has_what_is_watched),
		cmocka_unit_test(without_observers_nothing_is_said_of_them),
		cmocka_unit_test(observers_of_the_same_messages_share_a_stage),
		cmocka_unit_test(a_shared_record_is_counted_once),
		cmocka_unit_test(the_plan_says_who_has_the_same_record),
		cmocka_unit_test(another_first_step_gives_the_stage_new_topics),
		cmocka_unit_test(the_diff_says_whose_windows_begin_again),
		cmocka_unit_test(observers_share_a_stage_only_where_the_same_comes_to_both),
		cmocka_unit_test(observers_that_need_whole_messages_share_a_stage_of_their_own),
		cmocka_unit_test(a_stage_has_eight_observers_at_most),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
