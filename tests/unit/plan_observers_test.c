/* plan_observers_test.c: Tests of what a plan says of observers: how they get what they watch, and what that costs. */
#include "planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define PIPELINE "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
#define OPTIONS "reference: {topic: before}"
#define RECORD_BYTES 100 /* around the tensors (plan/volume.c) */

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_of_a_share_have_the_watched_tensors_alone),
		cmocka_unit_test(probabilities_are_watched_too),
		cmocka_unit_test(a_message_of_segments_goes_alone_and_whole),
		cmocka_unit_test(the_reason_says_whether_a_topic_has_what_is_watched),
		cmocka_unit_test(without_observers_nothing_is_said_of_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
