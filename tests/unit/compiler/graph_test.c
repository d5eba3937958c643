/* graph_test.c: references, joins, order and cycles of a pipeline. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"

static void assert_place(const struct fault *fault, uint32_t line, uint32_t column)
{
	assert_int_equal(fault->place.line, line);
	assert_int_equal(fault->place.column, column);
}

static void a_step_without_inputs_reads_the_request(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n  output: {steps: [a]}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_string_equal(planning_join(&p, &p.graph->steps[0].inputs), "request");
	assert_string_equal(planning_join(&p, &p.graph->output), "a.outputs");
	assert_int_equal(p.graph->steps[0].inputs.window_ms, 60000);
	planning_close(&p);
}

static void every_form_of_a_reference_is_understood(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n"
				"  - name: b\n"
				"    inputs: [a, a.inputs, p, p.inputs.t]\n"
				"  - name: c\n"
				"    inputs: [b.outputs.x, a.inputs.y, b.outputs]\n"
				"    triggers: [p.inputs.go, a.outputs.z, a]\n"
				"  output: {steps: [c.outputs.q, b.inputs]}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_string_equal(planning_join(&p, &p.graph->steps[1].inputs), "a.outputs, a.inputs, request");
	assert_string_equal(planning_join(&p, &p.graph->steps[2].inputs), "b.outputs, a.inputs.y");
	/* Triggers are conditions: each stands for itself. */
	assert_string_equal(planning_join(&p, &p.graph->steps[2].triggers), "request.go, a.outputs.z, a.outputs");
	assert_string_equal(planning_join(&p, &p.graph->output), "c.outputs.q, b.inputs");
	planning_close(&p);
}

static void references_to_one_topic_stand_together_and_once(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n  - name: b\n  - name: c\n    inputs: [a.outputs.x, b, a.outputs.y, a.outputs.x, b]\n"
				"  output: {steps: [c]}\n");
	assert_string_equal(planning_join(&p, &p.graph->steps[2].inputs), "a.outputs.x, a.outputs.y, b.outputs");
	planning_close(&p);
}

static void a_tensor_map_renames_what_its_keys_name(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n"
				"    tensorMap: {p.inputs.predict: INPUT}\n"
				"  - name: b\n"
				"    inputs: [a, a.outputs.u, p.inputs.t]\n"
				"    tensorMap: {a.outputs.x: X, p.inputs.t: T, a.outputs.u: U}\n"
				"  output: {steps: [a, b], stepsJoin: any, tensorMap: {a.outputs.x: plus, b.outputs.x: times}}\n");
	assert_int_equal(faults_total(p.spec.faults), 0);
	assert_string_equal(planning_join(&p, &p.graph->steps[0].inputs), "request(predict>INPUT)");
	assert_string_equal(planning_join(&p, &p.graph->steps[1].inputs), "a.outputs(x>X)(u>U), request.t(t>T)");
	assert_string_equal(planning_join(&p, &p.graph->output), "a.outputs(x>plus), b.outputs(x>times)");
	assert_int_equal(p.graph->output.type, JOIN_ANY);
	planning_close(&p);
}

static void a_new_name_for_what_is_not_read_is_a_warning(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(
		&p,
		"  - name: a\n  - name: b\n    inputs: [a.outputs.x]\n    tensorMap: {a.outputs.y: z}\n  output: {steps: [b]}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_place(planning_fault(&p, CODE_IDLE_MAPPING), 9, 17);
	planning_close(&p);
}

static void a_mistyped_step_is_shown_with_what_was_meant(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: first\n  - name: second\n    inputs: [frist.outputs.x]\n    triggers: [scond]\n  "
				"output: {steps: [secnd]}\n");
	assert_int_equal(planning_errors(&p), 3);
	const struct fault *fault = planning_fault(&p, CODE_UNKNOWN_REFERENCE);
	assert_place(fault, 8, 14);
	assert_string_equal(fault->suggest, "first");
	assert_non_null(strstr(fault->message, "frist.outputs.x"));
	planning_close(&p);
}

static void a_reference_of_no_form_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *reference, *suggest;
	} rows[] = {
		{"a.output.x", "a.outputs.x"},
		{"a.outputs.x.y", NULL},
		{"a.price", "a.outputs.price"},
		{"a..x", NULL},
		{"a.", NULL},
		{"p.outputs", "p.inputs"},
		{"p.sideways", "p.outputs.sideways"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		char steps[200];
		snprintf(steps, sizeof steps, "  - name: a\n  - name: b\n    inputs: [\"%s\"]\n  output: {steps: [b]}\n",
			 rows[i].reference);
		planning_open_steps(&p, steps);
		const struct fault *fault = planning_fault(&p, CODE_BAD_REFERENCE);
		assert_place(fault, 8, 14);
		assert_non_null(strstr(fault->message, rows[i].reference));
		if (rows[i].suggest)
			assert_string_equal(fault->suggest, rows[i].suggest);
		else
			assert_null(fault->suggest);
		planning_close(&p);
	}
}

static void an_empty_input_is_refused(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n  - name: b\n    inputs:\n    -\n  output: {steps: [b]}\n");
	assert_int_equal(planning_fault(&p, CODE_EMPTY_REFERENCE)->place.line, 9);
	planning_close(&p);
}

static void the_request_is_no_answer(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n  output: {steps: [p.inputs]}\n");
	assert_place(planning_fault(&p, CODE_BAD_REFERENCE), 7, 20);
	planning_close(&p);
}

static void an_input_that_is_also_a_trigger_is_warned_of(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n  - name: b\n    inputs: [a, p.inputs.t]\n    triggers: [p.inputs.go, a.outputs]\n  "
				"output: {steps: [b]}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_int_equal(faults_total(p.spec.faults), 1);
	assert_place(planning_fault(&p, CODE_INPUT_IS_TRIGGER), 9, 29);
	planning_close(&p);
}

static void steps_stand_behind_their_sources_and_else_as_written(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - {name: d, inputs: [b, c]}\n  - {name: b, inputs: [a]}\n  - {name: e}\n  - {name: c, inputs: "
				"[a], triggers: [e]}\n"
				"  - {name: a}\n  output: {steps: [d]}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_false(p.graph->cyclic);
	assert_string_equal(planning_order(&p), "e a b c d");
	planning_close(&p);
}

static void what_the_answer_needs_is_known(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(
		&p,
		"  - name: a\n  - name: side\n    inputs: [a]\n  - name: gate\n  - name: b\n    inputs: [a]\n    triggers: [gate]\n"
		"  - {name: z}\n  - {name: y, inputs: [z]}\n  output: {steps: [b, y.inputs]}\n");
	static const bool answers[] = {true, false, true, true, true, false};
	for (size_t i = 0; i < p.graph->count; i++)
		assert_int_equal(p.graph->steps[i].answers, answers[i]);
	planning_close(&p);
}

static void a_cycle_is_shown_at_the_reference_that_closes_it(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n  - name: b\n    inputs: [a]\n    triggers: [c]\n  - name: c\n    inputs: [b]\n  "
				"output: {steps: [c]}\n");
	assert_int_equal(planning_errors(&p), 1);
	const struct fault *fault = planning_fault(&p, CODE_CYCLE);
	assert_place(fault, 9, 16);
	assert_non_null(strstr(fault->message, "b -> c -> b"));
	planning_close(&p);
}

static void a_step_that_reads_itself_is_refused(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - name: a\n    inputs: [p.inputs, a.outputs.x, a.outputs.y]\n  output: {steps: [a]}\n");
	assert_int_equal(planning_errors(&p), 1);
	assert_place(planning_fault(&p, CODE_SELF_REFERENCE), 7, 24);
	planning_close(&p);
}

static void an_allowed_cycle_begins_where_the_request_comes_in(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - {name: back, inputs: [cnt.outputs.output]}\n"
				"  - {name: cnt, inputs: [p.inputs, back], inputsJoinType: any}\n"
				"  - {name: out, inputs: [cnt.outputs.output]}\n"
				"  output: {steps: [out]}\n  allowCycles: true\n  maxStepRevisits: 3\n");
	assert_int_equal(faults_total(p.spec.faults), 0);
	assert_true(p.graph->cyclic);
	assert_int_equal(p.graph->max_visits, 4);
	assert_string_equal(planning_order(&p), "cnt back out");
	static const bool on_cycle[] = {true, true, false};
	for (size_t i = 0; i < p.graph->count; i++)
		assert_int_equal(p.graph->steps[i].on_cycle, on_cycle[i]);
	planning_close(&p);
}

static void a_step_that_waits_for_what_comes_after_it_is_warned_of(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - {name: a, inputs: [p.inputs, b]}\n  - {name: b, inputs: [a]}\n  - {name: c}\n"
				"  output: {steps: [b]}\n  allowCycles: true\n  maxStepRevisits: 3\n");
	assert_int_equal(faults_count(p.spec.faults, SEVERITY_WARNING), 2);
	assert_place(planning_fault(&p, CODE_UNREACHABLE), 6, 12);
	planning_close(&p);
}

static void bare_names_are_tensors_where_steps_declare_their_outputs(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - {name: router, inputs: [market-data], outputs: [routing-decision]}\n"
				"  - name: selection\n"
				"    inputs: [routing-decision, prediction-request, router.inputs]\n"
				"    outputs: [prediction]\n"
				"    tensorMap: {routing-decision: [enhanced, baseline], prediction-request: x}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_string_equal(planning_join(&p, &p.graph->steps[0].inputs), "request.market-data");
	assert_string_equal(planning_join(&p, &p.graph->steps[1].inputs),
			    "router.outputs.routing-decision, request.prediction-request(prediction-request>x), router.inputs");
	assert_true(text_is(p.graph->steps[1].model_switch.decision, "routing-decision"));
	assert_int_equal(p.graph->steps[1].model_switch.count, 2);
	assert_string_equal(p.graph->steps[1].model_switch.models[1].text, "baseline");
	assert_true(p.graph->has_output);
	assert_string_equal(planning_join(&p, &p.graph->output), "selection.outputs");
	planning_close(&p);
}

static void a_choice_needs_its_tensor_among_the_inputs(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - {name: router, outputs: [way]}\n"
				"  - name: selection\n    inputs: [request]\n    tensorMap: {way: [a, b]}\n");
	assert_place(planning_fault(&p, CODE_BAD_SWITCH), 9, 17);
	planning_close(&p);
}

static void other_pipelines_come_in_by_external_inputs_alone(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(&p, "  - {name: a, inputs: [q.outputs]}\n"
				"  output: {steps: [a]}\n"
				"  input:\n"
				"    externalInputs: [q, q.step.s.outputs.t, other.inputs, q.step.z.inputs]\n"
				"    externalTriggers: [p]\n"
				"    tensorMap: {q.outputs.x: X, q.step.s.outputs.t: T}\n"
				"---\n"
				"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n  steps: "
				"[{name: s}]\n  output: {steps: [s]}\n");
	const struct fault *fault = planning_fault(&p, CODE_UNKNOWN_REFERENCE);
	assert_place(fault, 6, 24);
	assert_non_null(strstr(fault->message, "externalInputs"));
	assert_place(planning_fault(&p, CODE_SELF_REFERENCE), 10, 24);
	assert_int_equal(planning_errors(&p), 3); /* the third: q has no step z */
	assert_int_equal(p.graph->inputs.count, 3);
	const struct external *items = p.graph->inputs.items;
	assert_int_equal(items[0].point, SOURCE_STEP_OUTPUTS);
	assert_null(items[0].step);
	assert_int_equal(items[0].rename_count, 1);
	assert_string_equal(items[1].step, "s");
	assert_true(text_is(items[1].tensor, "t"));
	assert_int_equal(items[1].rename_count, 1);
	assert_int_equal(items[2].point, SOURCE_REQUEST);
	planning_close(&p);
}

static void an_external_reference_says_which_side(void **state)
{
	(void)state;
	static const struct {
		const char *reference, *suggest;
	} rows[] = {
		{"q.sideways", "q.outputs.sideways"},	 {"q.step.s", "q.step.s.outputs"},
		{"q.step.s.outputs.t.u", NULL},		 {"q.outputs.t.u", NULL},
		{"q.step.s.output", "q.step.s.outputs"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		char steps[200];
		snprintf(steps, sizeof steps, "  - name: a\n  output: {steps: [a]}\n  input: {externalInputs: [%s]}\n",
			 rows[i].reference);
		planning_open_steps(&p, steps);
		const struct fault *fault = planning_fault(&p, CODE_BAD_REFERENCE);
		assert_place(fault, 8, 28);
		if (rows[i].suggest)
			assert_string_equal(fault->suggest, rows[i].suggest);
		else
			assert_null(fault->suggest);
		planning_close(&p);
	}
}

static void a_route_goes_only_to_steps_that_read_it(void **state)
{
	(void)state;
	struct planning p;
	planning_open_steps(
		&p,
		"  - name: way\n    route:\n      cases:\n      - {when: x > 0, to: careful}\n      - {when: x < 0, to: quick}\n"
		"      - {when: x == 0, to: qiuck}\n"
		"  - {name: careful, inputs: [way]}\n  - {name: quick}\n  output: {steps: [careful, quick], stepsJoin: any}\n");
	assert_int_equal(planning_errors(&p), 2);
	assert_place(planning_fault(&p, CODE_NO_READER), 10, 27);
	assert_string_equal(planning_fault(&p, CODE_UNKNOWN_REFERENCE)->suggest, "quick");
	planning_close(&p);
}

static void the_nearest_timeout_counts(void **state)
{
	(void)state;
	struct planning p;
	planning_open(&p, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata:\n  name: p\n  annotations: "
			  "{seldon.io/rest-timeout: \"700\"}\n"
			  "spec:\n  steps: [{name: a, timeout: 50ms}, {name: b}]\n  output: {steps: [a, b]}\n  timeout: 2s\n");
	assert_int_equal(p.graph->steps[0].timeout_ms, 50);
	assert_int_equal(p.graph->steps[1].timeout_ms, 700);
	planning_close(&p);
	planning_open_steps(&p, "  - name: a\n  output: {steps: [a]}\n  timeout: 2s\n");
	assert_int_equal(p.graph->steps[0].timeout_ms, 2000);
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_step_without_inputs_reads_the_request),
		cmocka_unit_test(every_form_of_a_reference_is_understood),
		cmocka_unit_test(references_to_one_topic_stand_together_and_once),
		cmocka_unit_test(a_tensor_map_renames_what_its_keys_name),
		cmocka_unit_test(a_new_name_for_what_is_not_read_is_a_warning),
		cmocka_unit_test(a_mistyped_step_is_shown_with_what_was_meant),
		cmocka_unit_test(a_reference_of_no_form_is_refused),
		cmocka_unit_test(an_empty_input_is_refused),
		cmocka_unit_test(the_request_is_no_answer),
		cmocka_unit_test(an_input_that_is_also_a_trigger_is_warned_of),
		cmocka_unit_test(steps_stand_behind_their_sources_and_else_as_written),
		cmocka_unit_test(what_the_answer_needs_is_known),
		cmocka_unit_test(a_cycle_is_shown_at_the_reference_that_closes_it),
		cmocka_unit_test(a_step_that_reads_itself_is_refused),
		cmocka_unit_test(an_allowed_cycle_begins_where_the_request_comes_in),
		cmocka_unit_test(a_step_that_waits_for_what_comes_after_it_is_warned_of),
		cmocka_unit_test(bare_names_are_tensors_where_steps_declare_their_outputs),
		cmocka_unit_test(a_choice_needs_its_tensor_among_the_inputs),
		cmocka_unit_test(other_pipelines_come_in_by_external_inputs_alone),
		cmocka_unit_test(an_external_reference_says_which_side),
		cmocka_unit_test(a_route_goes_only_to_steps_that_read_it),
		cmocka_unit_test(the_nearest_timeout_counts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
