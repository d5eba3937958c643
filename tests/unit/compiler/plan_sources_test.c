/* plan_sources_test.c: joins of pipelines that are not all among the files: what `plan` and `lint` say of their windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/unit/planning.h"
#include "compiler/yaml/fault_codes.h"

#define PIPELINE(name) "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n"
#define NEAR PIPELINE("near") "  steps: [{name: a, expression: {set: {x: x}}}]\n  output: {steps: [a]}\n---\n"
#define STEPS "  steps: [{name: b, expression: {set: {y: x}}}]\n  output: {steps: [b]}\n"
#define JOINS(input) NEAR PIPELINE("joins") "  input: {" input "}\n" STEPS

static const struct fault *unseen_fault(const struct planning *planning)
{
	for (size_t i = 0; i < faults_total(planning->spec.faults); i++) {
		const struct fault *fault = faults_at(planning->spec.faults, i);
		if (strcmp(fault->code->code, CODE_SOURCE_UNSEEN) == 0)
			return fault;
	}
	return NULL;
}

/* Whether both say that the window runs on, and where. */
static bool window_is_told(const char *yaml)
{
	struct planning planning;
	struct plan plan;
	planning_open(&planning, yaml);
	planning_plan(&planning, NULL, &plan);
	const bool noted = plan_is_noted(&plan.pipelines[1].notes, "does not stand still for it");
	const struct fault *fault = unseen_fault(&planning);
	if (fault) {
		assert_int_equal(fault->code->severity, SEVERITY_NOTE);
		assert_int_equal(fault->place.line, 12);
		assert_non_null(strstr(fault->message, "pipeline `far` is not among the files: the join window of 7000 ms"));
	}
	assert_int_equal(fault != NULL, noted);
	planning_close(&planning);
	return noted;
}

static void a_joined_source_elsewhere_is_told_by_plan_and_lint(void **state)
{
	(void)state;
	assert_true(window_is_told(JOINS("externalInputs: [near.outputs, far.outputs], joinWindowMs: 7000, joinType: inner")));
	assert_true(window_is_told(JOINS("externalInputs: [near.outputs, far.step.s.outputs], joinWindowMs: 7000")));
}

static void what_needs_no_window_is_not_told(void **state)
{
	(void)state;
	assert_false(window_is_told(JOINS("externalInputs: [near.outputs, far.outputs], joinWindowMs: 7000, joinType: any")));
	assert_false(window_is_told(JOINS("externalInputs: [near.outputs, far.inputs], joinWindowMs: 7000")));
	assert_false(window_is_told(JOINS("externalInputs: [far.outputs], joinWindowMs: 7000")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_joined_source_elsewhere_is_told_by_plan_and_lint),
		cmocka_unit_test(what_needs_no_window_is_not_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
