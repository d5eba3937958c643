/* types_test.c: Tests of what is known of tensors before anything runs, and what is wrong with
 * them. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/plan/type_bounds.h"
#include "compiler/graph/type_list.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"

#define METADATA                                                                                                                   \
	"{\"wide\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [-1, 4]}],"                                 \
	"            \"outputs\": [{\"name\": \"y\", \"datatype\": \"FP64\", \"shape\": [-1]}, {\"name\": \"label\", "             \
	"\"datatype\": \"BYTES\"}]},"                                                                                              \
	" \"after\": {\"inputs\": [{\"name\": \"y\", \"datatype\": \"FP64\", \"shape\": [-1]}], \"outputs\": []}}"

static void open_plan(struct planning *planning, struct plan *plan, const char *steps)
{
	struct models_metadata metadata;
	struct error error = {0};
	planning_open_steps(planning, steps);
	assert_true(metadata_read(planning->arena, "models.json", TEXT(METADATA), &metadata, &error));
	const struct plan_options options = {.kinds = step_kinds, .metadata = &metadata};
	planning_plan(planning, &options, plan);
}

/* "y FP64[-1], label BYTES ..."; dots where others may be there too. */
static const char *types_text(const struct planning *planning, const struct tensor_types *types)
{
	const char *text = "";
	for (size_t i = 0; i < types->count; i++)
		text = arena_print(planning->arena, "%s%s" TEXT_FORMAT " %s", text, i ? ", " : "",
				   TEXT_ARGUMENTS(types->items[i].name), type_text(&types->items[i].type, planning->arena));
	return types->complete ? text : arena_print(planning->arena, "%s...", text);
}

static void a_request_is_known_where_records_are_mapped(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: a, filter: {keep: side == \"buy\" and any(book > 1)}}\n  output: {steps: [a]}\n"
		  "  input:\n    tensors: {price: quote.mid, side: {path: side, datatype: BYTES}, book: {path: b, datatype: FP32, "
		  "shape: [10]},\n"
		  "      x: {paths: [a, b, c], datatype: FP32}}\n");
	assert_int_equal(planning_errors(&p), 0);
	assert_string_equal(types_text(&p, &plan.pipelines[0].types.request),
			    "price ?[1], side BYTES[1], book FP32[10], x FP32[1,3]");
	assert_string_equal(types_text(&p, &plan.pipelines[0].types.answer),
			    "price ?[1], side BYTES[1], book FP32[10], x FP32[1,3]");
	planning_close(&p);
}

static void types_follow_the_tensors(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: wide}\n"
		  "  - {name: add, inputs: [wide.outputs.y], tensorMap: {wide.outputs.y: z}, expression: {set: {big: z > 3, n: "
		  "count(z)}, drop: [z]}}\n"
		  "  output: {steps: [add, wide.outputs.label], tensorMap: {add.outputs.n: much}}\n");
	assert_int_equal(planning_errors(&p), 0);
	const struct graph_types *types = &plan.pipelines[0].types;
	assert_string_equal(types_text(&p, &types->request), "...");
	assert_string_equal(types_text(&p, &types->steps[0].outputs), "y FP64[-1], label BYTES");
	assert_string_equal(types_text(&p, &types->steps[1].inputs), "z FP64[-1]");
	assert_string_equal(types_text(&p, &types->steps[1].outputs), "big BOOL[-1], n INT64[]");
	assert_string_equal(types_text(&p, &types->answer), "big BOOL[-1], much INT64[], label BYTES");
	planning_close(&p);
}

/* What models take of the request, by the name that it has there, unless another source may give it. */
static void callers_are_told_what_models_take_of_the_request(void **state)
{
	(void)state;
	static const struct {
		const char *steps, *expected;
	} rows[] = {
		{"  - {name: wide}\n", "x FP32[-1,4]..."},
		{"  - {name: wide, inputs: [p], tensorMap: {p.inputs.given: x}}\n", "given FP32[-1,4]..."},
		{"  - {name: wide, inputs: [p.inputs.given], tensorMap: {p.inputs.given: x}}\n", "given FP32[-1,4]..."},
		{"  - {name: wide, inputs: [p.inputs.other]}\n", "..."},
		{"  - {name: after, inputs: [p]}\n  - {name: wide, inputs: [p]}\n", "y FP64[-1], x FP32[-1,4]..."},
		{"  - {name: s, inputs: [p], expression: {set: {x: z}}}\n  - {name: wide, inputs: [s, p]}\n", "..."},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open((size_t)1 << 16);
		open_plan(&p, &plan, arena_print(arena, "%s  output: {steps: [wide]}\n", rows[i].steps));
		const struct graph_types *types = &plan.pipelines[0].types;
		assert_string_equal(types_text(&p, &types->expected), rows[i].expected);
		assert_int_equal(types->request.count, 0);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_datatype_that_a_model_does_not_take_is_shown_with_both_sides(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: wide}\n  - {name: again, inputs: [wide], tensorMap: {wide.outputs.y: x}, model: {name: wide}}\n"
		  "  output: {steps: [again]}\n");
	const struct fault *fault = planning_fault(&p, CODE_WRONG_TENSOR);
	assert_int_equal(fault->place.line, 7);
	assert_int_equal(fault->place.column, 28);
	assert_non_null(strstr(fault->message, "`x` as FP64[-1]"));
	assert_non_null(strstr(fault->message, "model `wide` takes FP32[-1,4]"));
	planning_close(&p);
}

static void a_shape_that_a_model_does_not_take_is_a_fault(void **state)
{
	(void)state;
	static const struct {
		const char *shape;
		size_t errors;
	} rows[] = {{"[1, 4]", 0}, {"[7, 4]", 0}, {"[4]", 1}, {"[1, 5]", 1}, {"[1, 1, 4]", 1}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open((size_t)1 << 16);
		open_plan(&p, &plan,
			  arena_print(arena,
				      "  - {name: wide}\n  output: {steps: [wide]}\n  input: {tensors: {x: {path: x, datatype: "
				      "FP32, shape: %s}}}\n",
				      rows[i].shape));
		assert_int_equal(planning_errors(&p), rows[i].errors);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_shape_that_a_step_makes_for_a_model_is_held_against_it(void **state)
{
	(void)state;
	static const struct {
		const char *step, *seen; /* NULL: it fits */
	} rows[] = {
		{"expression: {set: {x: \"reshape(cast(q, FP32), [1, 4])\"}}", NULL},
		{"expression: {set: {x: \"reshape(cast(q, FP32), [-1, 4])\"}}", NULL},
		{"expression: {set: {x: \"reshape(cast(q, FP32), [1, 3])\"}}", "`x` as FP32[1,3]"},
		{"expression: {set: {x: \"reshape(cast(q, FP32), [-1, 3])\"}}", "`x` as FP32[-1,3]"},
		{"expression: {set: {x: \"reshape(cast(q, FP32), 4)\"}}", "`x` as FP32[4]"},
		{"preprocess: [{cast: {tensor: q, to: FP32}}, {reshape: {tensor: q, shape: [1, 4], as: x}}]", NULL},
		{"preprocess: [{cast: {tensor: q, to: FP32}}, {reshape: {tensor: q, shape: [1, 3], as: x}}]", "`x` as FP32[1,3]"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open((size_t)1 << 16);
		open_plan(&p, &plan,
			  arena_print(arena, "  - {name: a, %s}\n  - {name: wide, inputs: [a]}\n  output: {steps: [wide]}\n",
				      rows[i].step));
		assert_int_equal(planning_errors(&p), rows[i].seen != NULL);
		if (rows[i].seen)
			assert_non_null(strstr(planning_fault(&p, CODE_WRONG_TENSOR)->message, rows[i].seen));
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_tensor_that_is_never_there_is_warned_of(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, "  - {name: wide}\n  - {name: after, inputs: [wide.outputs.lable]}\n  output: {steps: [after]}\n");
	assert_int_equal(planning_errors(&p), 0);
	const struct fault *fault = planning_fault(&p, CODE_MISSING_TENSOR);
	assert_int_equal(fault->place.column, 28);
	assert_string_equal(fault->suggest, "label");
	assert_int_equal(faults_count(p.spec.faults, SEVERITY_WARNING), 2); /* and `after` needs y */
	planning_close(&p);
}

static void what_may_be_missing_is_not_judged(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	/* Of `any`, the other side may have come; an unknown model may give anything. */
	open_plan(&p, &plan,
		  "  - {name: wide}\n  - {name: unknown}\n  - {name: after, inputs: [wide.outputs.label, unknown], inputsJoinType: "
		  "any}\n"
		  "  - {name: b, inputs: [unknown], filter: {keep: whatever > 3}}\n  output: {steps: [after, b]}\n");
	assert_int_equal(faults_total(p.spec.faults), 0);
	planning_close(&p);
}

static void a_stub_is_known_by_its_name(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: s}\n  - {name: t, inputs: [s], tensorMap: {s.outputs.mean: INPUT}}\n  output: {steps: [t]}\n"
		  "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: s}\nspec: {storageUri: "
		  "\"stub://stats\"}\n"
		  "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: t}\nspec: {storageUri: "
		  "\"stub://add10\"}\n");
	assert_string_equal(types_text(&p, &plan.pipelines[0].types.steps[0].outputs), "min FP64[1], max FP64[1], mean FP64[1]");
	assert_non_null(strstr(planning_fault(&p, CODE_WRONG_TENSOR)->message, "`INPUT` as FP64[1]"));
	planning_close(&p);
}

/* The file is the same for a gateway, which knows no servers, and for an engine that is given some. */
static void a_stub_that_a_server_is_given_for_is_known_as_without_it(void **state)
{
	(void)state;
	const struct models_metadata none = {0};
	const struct name given[] = {{.text = "s=http://127.0.0.1:8080"}, {.text = "t=http://127.0.0.1:8080"}};
	for (size_t count = 0; count <= 2; count++) {
		struct planning p;
		struct plan plan;
		const struct plan_options options = {
			.kinds = step_kinds, .metadata = &none, .servers = {count, given}, .models_served = true};
		planning_open_steps(&p, "  - {name: s}\n  - {name: t}\n  output: {steps: [s]}\n"
					"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: s}\n"
					"spec: {storageUri: \"stub://stats\"}\n"
					"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: t}\n"
					"spec: {storageUri: \"gs://models/t\"}\n");
		planning_plan(&p, &options, &plan);
		assert_string_equal(types_text(&p, &plan.pipelines[0].types.answer), "min FP64[1], max FP64[1], mean FP64[1]");
		assert_string_equal(types_text(&p, &plan.pipelines[0].types.steps[1].outputs), "...");
		planning_close(&p);
	}
}

static void a_name_in_a_condition_must_be_there(void **state)
{
	(void)state;
	static const struct {
		const char *step, *meant;
		uint32_t column;
	} rows[] = {
		{"filter: {keep: lable == \"x\"}", "label", 46},
		{"when: request.prise > 3", "price", 37},
		{"when: wid.label == \"x\"", "wide.label", 37},
		{"when: label", NULL, 37},
		{"when: y > 3 and label == 5", NULL, 0},
		{"expression: {set: {a: y, b: aa + z}}", NULL, 59},
		{"expression: {set: {a: lable}}", "label", 53},
		{"expression: {set: {a: label-0.3}}", "label - 0.3", 53},
		{"route: {cases: [{when: z > 1, call: wide}]}", NULL, 54},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open((size_t)1 << 16);
		open_plan(&p, &plan,
			  arena_print(arena,
				      "  - {name: wide}\n  - {name: b, inputs: [wide], %s}\n  output: {steps: [b]}\n"
				      "  input: {tensors: {x: {path: x, datatype: FP32, shape: [1, 4]}, price: p}}\n",
				      rows[i].step));
		const struct fault *fault = planning_fault(&p, CODE_WRONG_EXPRESSION);
		assert_int_equal(fault->place.line, 7);
		if (rows[i].column)
			assert_int_equal(fault->place.column, rows[i].column);
		if (rows[i].meant)
			assert_non_null(strstr(fault->message, rows[i].meant));
		planning_close(&p);
		arena_close(arena);
	}
}

static void what_an_expression_asks_for_with_care_may_be_missing(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: wide}\n"
		  "  - {name: b, inputs: [wide], when: 'has(gone) or (request.gone ?? 1) > 0 or drift_score > 0.05 or key == \"k\" "
		  "or wide.y[0] > 1'}\n"
		  "  - {name: c, inputs: [wide, b], combine: {tensor: y, by: expression, value: median(members along 0)}}\n"
		  "  output: {steps: [c]}\n  input: {tensors: {x: {path: x, datatype: FP32, shape: [1, 4]}}}\n");
	assert_int_equal(planning_errors(&p), 0);
	planning_close(&p);
}

static void a_condition_has_one_element(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: b, when: x > 1}\n  - {name: c, when: any(x > 1)}\n  output: {steps: [b, c]}\n"
		  "  input: {tensors: {x: {path: x, datatype: FP32, shape: [4]}}}\n");
	assert_int_equal(planning_errors(&p), 1);
	assert_non_null(strstr(planning_fault(&p, CODE_WRONG_EXPRESSION)->message, "any(..)"));
	planning_close(&p);
}

static void declared_outputs_are_what_is_known(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: after, inputs: [y], outputs: [way]}\n  - {name: s, inputs: [way, z], outputs: [p], tensorMap: {way: "
		  "[m1, m2]}}\n");
	const struct graph_types *types = &plan.pipelines[0].types;
	assert_string_equal(types_text(&p, &types->steps[0].outputs), "way ?...");
	assert_non_null(planning_fault(&p, CODE_RENAMED_OUTPUT));
	/* What decides is not sent on. */
	assert_string_equal(types_text(&p, &types->steps[1].inputs), "z ?");
	planning_close(&p);
}

static void outputs_that_are_asked_for_are_what_is_known(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: any, outputs: [score], model: {outputs: [b, a]}}\n  - {name: wide, model: {outputs: [label]}}\n"
		  "  output: {steps: [any, wide]}\n");
	const struct graph_types *types = &plan.pipelines[0].types;
	assert_string_equal(types_text(&p, &types->steps[0].outputs), "b ?, a ?");
	assert_string_equal(types_text(&p, &types->steps[1].outputs), "label BYTES");
	assert_int_equal(faults_total(p.spec.faults), 0);
	planning_close(&p);
	open_plan(&p, &plan, "  - {name: wide, model: {outputs: [labels]}}\n  output: {steps: [wide]}\n");
	assert_int_equal(planning_errors(&p), 1);
	planning_close(&p);
}

/* Lists are shared: what one branch adds, sets anew or drops, the other must not see. */
static void branches_of_one_step_keep_their_tensors_apart(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  "  - {name: wide}\n"
		  "  - {name: top, inputs: [wide], expression: {set: {a: count(y), b: 1}}}\n"
		  "  - {name: left, inputs: [top], expression: {set: {c: a > 1}}}\n"
		  "  - {name: right, inputs: [top], expression: {set: {d: 2.5, a: '\"text\"'}}}\n"
		  "  - {name: less, inputs: [top], expression: {set: {e: 1}, drop: [y, a]}}\n"
		  "  - {name: more, inputs: [left], expression: {set: {f: c}}}\n"
		  "  output: {steps: [more]}\n");
	assert_int_equal(planning_errors(&p), 0);
	const struct step_types *steps = plan.pipelines[0].types.steps;
	assert_string_equal(types_text(&p, &steps[1].outputs), "y FP64[-1], label BYTES, a INT64[], b INT64[]");
	assert_string_equal(types_text(&p, &steps[2].outputs), "y FP64[-1], label BYTES, a INT64[], b INT64[], c BOOL[]");
	assert_string_equal(types_text(&p, &steps[3].outputs), "y FP64[-1], label BYTES, a BYTES[], b INT64[], d FP64[]");
	assert_string_equal(types_text(&p, &steps[4].outputs), "label BYTES, b INT64[], e INT64[]");
	assert_string_equal(types_text(&p, &steps[5].outputs),
			    "y FP64[-1], label BYTES, a INT64[], b INT64[], c BOOL[], f BOOL[]");
	planning_close(&p);
}

/* A list for each of the steps would need a third of a gigabyte, and the arena has few MiB. */
static void the_types_of_two_thousand_steps_fit_into_a_small_arena(void **state)
{
	(void)state;
	enum { STEPS = 2000, STEP_CHARACTERS = 80 };
	struct planning p;
	struct plan plan;
	char *steps = malloc(STEPS * STEP_CHARACTERS);
	assert_non_null(steps);
	size_t length = (size_t)snprintf(steps, STEP_CHARACTERS, "  - {name: s0, expression: {set: {t0: 1}}}\n");
	for (int i = 1; i < STEPS; i++)
		length += (size_t)snprintf(steps + length, STEP_CHARACTERS,
					   "  - {name: s%d, inputs: [s%d], expression: {set: {t%d: t%d + 1}}}\n", i, i - 1, i,
					   i - 1);
	snprintf(steps + length, STEP_CHARACTERS, "  output: {steps: [s%d]}\n", STEPS - 1);
	open_plan(&p, &plan, steps);
	assert_int_equal(planning_errors(&p), 0);
	assert_int_equal(plan.pipelines[0].types.answer.count, STEPS);
	planning_close(&p);
	free(steps);
}

static void metadata_of_no_form_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *json, *says;
	} rows[] = {
		{"{", "this is not JSON"},
		{"[]", "is an object"},
		{"{\"m\": 1}", "model `m` is no object"},
		{"{\"m\": {\"inputs\": 1}}", "model `m` has inputs or outputs that are not a list"},
		{"{\"m\": {\"inputs\": [{\"name\": \"x\"}]}}", "without a name and a datatype"},
		{"{\"m\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"fp32\"}]}}", "that the protocol does not have"},
		{"{\"m\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [-2]}]}}", "at least -1"},
		{"{\"m\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": 4}]}}", "not a list of up to 16"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct arena *arena = arena_open((size_t)1 << 16);
		struct models_metadata metadata;
		struct error error = {0};
		assert_false(metadata_read(arena, "models.json", text_of(rows[i].json), &metadata, &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, rows[i].says));
		arena_close(arena);
	}
}

/* ---- bounds ---- */

/* A step `s0` of 100 tensors; `count` filters that each pass them on; and one that reads those. */
static char *many_tensors(size_t count)
{
	struct buffer steps;
	buffer_open(&steps, (size_t)1 << 20);
	buffer_string(&steps, "  - {name: s0, expression: {set: {");
	for (size_t i = 0; i < 100; i++)
		buffer_print(&steps, "t%zu: \"1\", ", i);
	buffer_string(&steps, "}}}\n");
	for (size_t i = 0; i < count; i++)
		buffer_print(&steps, "  - {name: f%zu, inputs: [s0], filter: {keep: t0 > 0}}\n", i);
	buffer_string(&steps, "  - {name: all, inputs: [");
	for (size_t i = 0; i < count; i++)
		buffer_print(&steps, "f%zu, ", i);
	buffer_string(&steps, "], filter: {keep: t0 > 0}}\n  output: {steps: [all]}\n");
	assert_false(buffer_failed(&steps));
	char *text = strndup(steps.bytes, steps.length);
	buffer_close(&steps);
	return text;
}

static void a_step_may_get_so_many_tensors_and_no_more(void **state)
{
	(void)state;
	for (size_t count = STEP_TENSORS_MAX / 100; count <= STEP_TENSORS_MAX / 100 + 1; count++) {
		struct planning p;
		struct plan plan;
		char *steps = many_tensors(count);
		open_plan(&p, &plan, steps);
		const bool refused = count > STEP_TENSORS_MAX / 100;
		assert_int_equal(planning_errors(&p), refused);
		assert_int_equal(plan.pipelines[0].types.refused, refused);
		if (refused)
			assert_non_null(strstr(planning_fault(&p, CODE_MANY_TENSORS)->message, "reach step `all` of pipeline `p`"));
		assert_int_equal(plan_errors(&plan), 0);
		assert_int_equal(plan_leave_refused(&plan), refused);
		assert_int_equal(plan.count, !refused);
		planning_close(&p);
		free(steps);
	}
}

/* Each step reads the five before it: what it is given doubles, and what is known of it is one type for each name. */
static void a_plan_grows_with_its_steps_and_not_with_their_ways(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	struct buffer steps;
	buffer_open(&steps, (size_t)1 << 20);
	for (size_t i = 0; i < 50; i++) {
		buffer_print(&steps, "  - {name: s%zu, %s", i, i ? "inputs: [" : "");
		for (size_t j = i > 5 ? i - 5 : 0; j < i; j++)
			buffer_print(&steps, "s%zu, ", j);
		buffer_print(&steps, "%sexpression: {set: {y%zu: \"1\"}}}\n", i ? "], " : "", i);
	}
	buffer_print(&steps, "  output: {steps: [s49]}\n%c", 0);
	open_plan(&p, &plan, steps.bytes);
	assert_int_equal(faults_count(p.spec.faults, SEVERITY_ERROR), 1);
	assert_int_equal(plan.pipelines[0].types.steps[49].outputs.count, 50);
	assert_int_equal(plan.pipelines[0].types.answer.count, 50);
	buffer_close(&steps);
	planning_close(&p);
}

static void types_beyond_their_memory_are_not_known(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	struct buffer steps;
	buffer_open(&steps, (size_t)4 << 20);
	for (size_t i = 0; i < 1200; i++)
		buffer_print(&steps, "  - {name: a%zu, expression: {set: {y%zu: \"1\"}, keep: [y%zu]}}\n", i, i, i);
	for (size_t i = 0; i < 100; i++) {
		buffer_print(&steps, "  - {name: b%zu, inputs: [", i);
		for (size_t j = 0; j < 900; j++)
			buffer_print(&steps, "a%zu, ", i + j);
		buffer_print(&steps, "], expression: {set: {z: \"1\"}}}\n");
	}
	buffer_print(&steps, "  output: {steps: [b99]}\n%c", 0);
	open_plan(&p, &plan, steps.bytes);
	const struct graph_types *types = &plan.pipelines[0].types;
	assert_int_equal(planning_errors(&p), 0);
	(void)planning_fault(&p, CODE_LARGE_PIPELINE);
	size_t known = 0;
	for (size_t i = 1200; i < 1300; i++)
		known += types->steps[i].inputs.count;
	assert_in_range(known * sizeof(struct tensor_type), PIPELINE_TYPES_BYTES / 4, PIPELINE_TYPES_BYTES);
	assert_int_equal(types->steps[1299].outputs.count, 0);
	assert_false(types->steps[1299].outputs.complete);
	assert_false(types->answer.complete);
	buffer_close(&steps);
	planning_close(&p);
}

static void a_plan_states_the_errors_of_approximate_functions(void **state)
{
	(void)state;
	static const struct {
		const char *set, *remark;
	} rows[] = {
		{"n: 'quantile(x, 0.9)'", NULL},
		{"n: 'approx_quantile(x, 0.9)'", "approx_quantile() is within 1 % of the value"},
		{"n: approx_distinct(x)", "approx_distinct() has a standard error of 1.6 %"},
		{"n: approx_distinct(x), m: 'max(x) - approx_quantile(x, 0.9)'",
		 "approx_quantile() is within 1 % of the value; approx_distinct() has a standard error of 1.6 %"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		char steps[512];
		(void)snprintf(steps, sizeof steps,
			       "  - {name: w, aggregate: {window: {count: 2}, set: {%s}}}\n  output: {steps: [w]}\n", rows[i].set);
		open_plan(&p, &plan, steps);
		const char *remark = plan.pipelines[0].types.steps[0].outputs.remark;
		assert_int_equal(planning_errors(&p), 0);
		if (rows[i].remark)
			assert_string_equal(remark, rows[i].remark);
		else
			assert_null(remark);
		planning_close(&p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_known_where_records_are_mapped),
		cmocka_unit_test(types_follow_the_tensors),
		cmocka_unit_test(callers_are_told_what_models_take_of_the_request),
		cmocka_unit_test(a_datatype_that_a_model_does_not_take_is_shown_with_both_sides),
		cmocka_unit_test(a_shape_that_a_model_does_not_take_is_a_fault),
		cmocka_unit_test(a_shape_that_a_step_makes_for_a_model_is_held_against_it),
		cmocka_unit_test(a_tensor_that_is_never_there_is_warned_of),
		cmocka_unit_test(what_may_be_missing_is_not_judged),
		cmocka_unit_test(a_stub_is_known_by_its_name),
		cmocka_unit_test(a_stub_that_a_server_is_given_for_is_known_as_without_it),
		cmocka_unit_test(a_name_in_a_condition_must_be_there),
		cmocka_unit_test(what_an_expression_asks_for_with_care_may_be_missing),
		cmocka_unit_test(a_condition_has_one_element),
		cmocka_unit_test(declared_outputs_are_what_is_known),
		cmocka_unit_test(outputs_that_are_asked_for_are_what_is_known),
		cmocka_unit_test(branches_of_one_step_keep_their_tensors_apart),
		cmocka_unit_test(the_types_of_two_thousand_steps_fit_into_a_small_arena),
		cmocka_unit_test(metadata_of_no_form_is_refused),
		cmocka_unit_test(a_step_may_get_so_many_tensors_and_no_more),
		cmocka_unit_test(a_plan_grows_with_its_steps_and_not_with_their_ways),
		cmocka_unit_test(types_beyond_their_memory_are_not_known),
		cmocka_unit_test(a_plan_states_the_errors_of_approximate_functions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
