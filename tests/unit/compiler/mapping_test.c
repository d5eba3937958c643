/* mapping_test.c: input.tensors that cannot be read are found where they are written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/planning.h"

static void find(const char *tensors, const char *kind, uint32_t line, const char *says)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	char *yaml = arena_print(arena,
				 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				 "  input:\n    tensors:\n%s  steps: [{name: a}]\n  output: {steps: [a]}\n",
				 tensors);
	struct planning planning;
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 1);
	const struct fault *fault = faults_at(planning.spec.faults, 0);
	assert_string_equal(fault_kind_name(fault->code->kind), kind);
	assert_int_equal(fault->place.line, line);
	assert_non_null(strstr(fault->message, says));
	assert_null(planning.graph->mapping);
	planning_close(&planning);
	arena_close(arena);
}

static void a_mapping_is_ready_when_its_paths_are(void **state)
{
	(void)state;
	struct planning planning;
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				 "  input: {tensors: {x: a.b, y: {paths: [c, d], default: 0}}}\n"
				 "  steps: [{name: a}]\n  output: {steps: [a]}\n");
	assert_int_equal(planning_errors(&planning), 0);
	assert_non_null(planning.graph->mapping);
	planning_close(&planning);
}

static void a_broken_path_is_shown(void **state)
{
	(void)state;
	find("      x: a..b\n", "bad-value", 7, "a..b");
}

/* Found by the rows' own check; the mapping is not made. */
static void path_and_paths_contradict_each_other(void **state)
{
	(void)state;
	find("      x: a\n      y: {path: a, paths: [b]}\n", "bad-value", 8, "y");
}

static void a_tensor_needs_a_path(void **state)
{
	(void)state;
	find("      y: {datatype: FP32}\n", "missing-field", 7, "y");
}

static void a_default_is_one_plain_value(void **state)
{
	(void)state;
	find("      y: {path: a, default: [1, 2]}\n", "wrong-type", 7, "default");
}

static void a_default_must_fit_its_datatype(void **state)
{
	(void)state;
	find("      y: {path: a, datatype: INT8, default: 300}\n", "bad-value", 7, "300");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_is_ready_when_its_paths_are), cmocka_unit_test(a_broken_path_is_shown),
		cmocka_unit_test(path_and_paths_contradict_each_other),  cmocka_unit_test(a_tensor_needs_a_path),
		cmocka_unit_test(a_default_is_one_plain_value),          cmocka_unit_test(a_default_must_fit_its_datatype),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
