/* operations_test.c: Tests of what is known of a list of operations before it runs, and what is wrong
 * with it; and headers that a step sets. What they do to tensors stand in the cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "methods/numeric/quantile.h"
#include "compiler/graph/type_list.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"
#include "steps/prepare/operation_rows.h"
#include "tests/unit/planning.h"
#include "tests/unit/worker_stand.h"

#define INPUT "  input: {tensors: {x: {paths: [a, b, c], datatype: FP32}, side: {path: side, datatype: BYTES}}}\n"

/* What leaves a step of these operations, "y FP64[1,3], ..."; dots where others may too. */
static const char *types_of(struct planning *planning, const char *operations)
{
	char yaml[2048];
	struct plan plan;
	const char *text = "";
	snprintf(yaml, sizeof yaml, "  - name: s\n    preprocess:\n%s  output: {steps: [s]}\n" INPUT, operations);
	planning_open_steps(planning, yaml);
	planning_plan(planning, NULL, &plan);
	assert_int_equal(planning_errors(planning), 0);
	const struct tensor_types *types = &plan.pipelines[0].types.answer;
	for (size_t i = 0; i < types->count; i++)
		text = arena_print(planning->arena, "%s%s" TEXT_FORMAT " %s", text, i ? ", " : "",
				   TEXT_ARGUMENTS(types->items[i].name), type_text(&types->items[i].type, planning->arena));
	return types->complete ? text : arena_print(planning->arena, "%s...", text);
}

static void types_are_known_through_a_list_of_operations(void **state)
{
	(void)state;
	static const struct {
		const char *operations, *types;
	} rows[] = {
		{"    - scale: {tensor: x, center: [1]}\n    - drop: [side]\n", "x FP32[1,3]"},
		{"    - rename: {x: y}\n    - cast: {tensor: y, to: FP64}\n    - keep: [y]\n", "y FP64[1,3]"},
		{"    - onehot: {tensor: side, categories: [a, b], as: h}\n    - keep: [h]\n", "h FP32[2]"},
		{"    - polynomial: {tensor: x, as: p}\n    - keep: [p]\n", "p FP32[1,10]"},
		{"    - onehot: {tensor: side, categories: [a, b]}\n    - reshape: {tensor: side, shape: [1, -1]}\n"
		 "    - concat: {tensors: [x, side], as: f}\n    - split: {tensor: f, axis: 1, as: [l, m, n, o, p]}\n    - keep: "
		 "[f, p]\n",
		 "f FP32[1,5], p FP32[1,1]"},
		{"    - bucketize: {tensor: x, edges: [0]}\n    - set: {z: \"x + 1\"}\n    - drop: [side]\n",
		 "x INT64[1,3], z INT64[1,3]"},
		{"    - scale: {tensor: x, fitted: none.json}\n    - drop: [side]\n", "x FP32[1,3]"},
		{"    - fitted: none.json\n", "..."},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning planning;
		assert_string_equal(types_of(&planning, rows[i].operations), rows[i].types);
		planning_close(&planning);
	}
}

static void a_list_that_cannot_fit_is_refused_before_it_runs(void **state)
{
	(void)state;
	static const struct {
		const char *operation, *words;
	} rows[] = {
		{"scale: {tensor: x, center: [1, 2]}", "2 constants for the 3 columns of `x`"},
		{"scale: {tensor: x}", "has no constants"},
		{"scale: {tensor: x, center: [1, 2, 3], scale: [1, 2]}", "3 numbers in `center` and 2 in `scale`"},
		{"scale: {tensor: x, center: [1], range: [0, 1]}", "belong to `by: min-max`"},
		{"log1p: side", "works on numbers, and `side` is BYTES"},
		{"hash: {tensor: x, size: 4}", "works on texts"},
		{"log1p: z", "needs the tensor `z`, and what is there is `x`, `side`"},
		{"clip: {tensor: x}", "has no bound"},
		{"clip: {tensor: x, low: 2, high: 1}", "`low` is above `high`"},
		{"clip: {tensor: x, tensors: [x], low: 2}", "one of the two"},
		{"clip: {low: 2, as: y}", "write `tensor` too"},
		{"bucketize: {tensor: x, edges: [1, 1]}", "each above the one before"},
		{"bucketize: {tensor: x, columns: [1], edges: [1]}", "name it by `as`"},
		{"kbins: {tensor: x, edges: [[3]]}", "at least two edges"},
		{"onehot: {categories: [a]}", "write `tensor: NAME`"},
		{"onehot: {tensor: side, categories: [a, b, a]}", "`a` occurs twice"},
		{"onehot: {tensor: side, categories: [a, [b]]}", "both are mixed"},
		{"ordinal: {tensor: side, categories: [[a], []]}", "is empty"},
		{"quantile: {tensor: x, values: [[0, 2, 1]]}", "falls at its number 2"},
		{"cast: {tensor: x, columns: [1], to: FP64}", "leave out `columns`"},
		{"reshape: {tensor: x, shape: [-1, -1]}", "more than one -1"},
		{"reshape: {tensor: x, shape: [2, 2]}", "3 elements, which do not fill"},
		{"split: {tensor: x, as: [l, r]}", "cannot be cut into 2 equal parts"},
		{"concat: {tensors: [x, side], as: f}", "cannot join `x` and `side`"},
		{"concat: {tensors: [x, x], axis: 2, as: f}", "along axis 2"},
		{"keep: [z]", "needs the tensor `z`"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning planning;
		struct plan plan;
		char yaml[1024];
		snprintf(yaml, sizeof yaml, "  - name: s\n    preprocess:\n    - %s\n  output: {steps: [s]}\n" INPUT,
			 rows[i].operation);
		planning_open_steps(&planning, yaml);
		planning_plan(&planning, NULL, &plan);
		const char *said = "nothing";
		for (size_t j = 0; j < faults_total(planning.spec.faults); j++) {
			const struct fault *fault = faults_at(planning.spec.faults, j);
			if (fault->code->severity != SEVERITY_ERROR)
				continue;
			said = fault->message;
			assert_int_equal(fault->place.line, 8);
		}
		if (!strstr(said, rows[i].words))
			fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].operation, rows[i].words, said);
		planning_close(&planning);
	}
}

static void the_methods_of_bins_are_those_of_quantiles(void **state)
{
	(void)state;
	const struct option *row = operation_kbins_rows;
	while (strcmp(row->name ? row->name : "", "method") != 0)
		row++;
	const char *word = row->choices;
	for (size_t i = 0; quantile_types[i].name; i++) {
		const size_t length = strcspn(word, " ");
		assert_int_equal(length, strlen(quantile_types[i].name));
		assert_memory_equal(word, quantile_types[i].name, length);
		word += length + (word[length] == ' ');
	}
	assert_string_equal(word, "");
}

static void headers_that_a_step_sets_leave_with_the_answer(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, "  - name: say\n    postprocess:\n"
			       "    - headers: {x-size: x * 2, x-word: 'where(x > 5, \"large\", \"small\")', x-flag: x > 5}\n"
			       "  - name: behind\n    inputs: [say]\n    expression: {set: {y: x + 1}}\n"
			       "  output: {steps: [behind]}\n");
	stand_start(stand);
	stand_ask(stand, "a", 21, NULL, NULL);
	const rd_kafka_message_t *answer = mock_read(&stand->mock);
	assert_string_equal(record_header(answer, "x-size"), "42");
	assert_string_equal(record_header(answer, "x-word"), "large");
	assert_string_equal(record_header(answer, "x-flag"), "true");
	assert_int_equal(stand_stop(stand).failed, 0);
}

static void headers_that_sluice_writes_itself_cannot_be_set(void **state)
{
	(void)state;
	static const char *const names[] = {"Content-Type", "x-request-id", "sluice-error", "\"a b\""};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct planning planning;
		char yaml[256];
		snprintf(yaml, sizeof yaml, "  - name: s\n    postprocess:\n    - headers: {%s: 1}\n", names[i]);
		planning_open_steps(&planning, yaml);
		assert_int_equal(planning_fault(&planning, CODE_STEP_OPTIONS)->place.line, 8);
		planning_close(&planning);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_known_through_a_list_of_operations),
		cmocka_unit_test(a_list_that_cannot_fit_is_refused_before_it_runs),
		cmocka_unit_test(the_methods_of_bins_are_those_of_quantiles),
		STORY(headers_that_a_step_sets_leave_with_the_answer),
		cmocka_unit_test(headers_that_sluice_writes_itself_cannot_be_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
