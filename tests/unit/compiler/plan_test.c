/* plan_test.c: Tests of how pipelines are cut into stages, which topics they get, how they
 * deliver, and how that is shown. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "steps/kinds.h"

#define ARENA_BYTES ((size_t)1 << 16)
#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define PIPELINE(name) HEAD "Pipeline\nmetadata: {name: " name "}\nspec:\n"

/* A kind that keeps something for each key, as features and windows will. */
struct counting {
	const struct expression *by;
};

static const struct option counting_rows[] = {
	{.name = "by", .type = OPTION_EXPRESSION, .offset = offsetof(struct counting, by), .required = true, .help = "The key."},
	{0},
};

static void counting_describe(const struct step *step, struct step_facts *facts)
{
	facts->key = ((const struct counting *)step->options)->by;
}

static const struct step_kind counting = {
	.name = "counting",
	.options = counting_rows,
	.options_size = sizeof(struct counting),
	.shape = SHAPE_ADDS,
	.state = &(const struct state_rules){0},
	.describe = counting_describe,
};

static const struct step_kind *const kinds[] = {&step_model, &step_expression, &step_experiment, &counting, NULL};

static void open_plan(struct planning *planning, struct plan *plan, const char *yaml)
{
	planning_read(planning, yaml, kinds);
	planning_plan(planning, NULL, plan);
	assert_int_equal(planning_errors(planning), 0);
}

/* "request: a b | c: c < request": each stage, its steps, and the stages it reads. */
static const char *stages_text(const struct planning *planning, const struct pipeline_plan *plan)
{
	const char *text = "";
	for (size_t i = 0; i < plan->stage_count; i++) {
		const struct stage *stage = &plan->stages[i];
		text = arena_print(planning->arena, "%s%s%s:", text, i ? " | " : "", stage->name);
		for (size_t j = 0; j < stage->count; j++)
			text = arena_print(planning->arena, "%s %s", text, plan->graph->steps[stage->steps[j]].name);
		for (size_t j = 0; j < plan->stage_count; j++)
			if (stage->parents >> j & 1)
				text = arena_print(planning->arena, "%s < %s", text, plan->stages[j].name);
	}
	return text;
}

static const struct topic *topic_of_role(const struct pipeline_plan *plan, enum topic_role role)
{
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == role)
			return &plan->topics[i];
	return NULL;
}

/* ---- stages ---- */

static void what_nothing_cuts_is_one_stage(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}, {name: b, inputs: [a]}, {name: c, inputs: [a]}, {name: d, inputs: [b, c]}]\n"
				"  output: {steps: [d]}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_string_equal(stages_text(&p, pipeline), "request: a b c d");
	assert_int_equal(pipeline->topic_count, 3);
	assert_string_equal(pipeline->topics[0].name, "sluice.default.pipeline.p.inputs");
	assert_string_equal(pipeline->topics[1].name, "sluice.default.pipeline.p.outputs");
	assert_string_equal(pipeline->topics[2].name, "sluice.default.pipeline.p.errors");
	assert_int_equal(pipeline->delivery, DELIVERY_AT_LEAST_ONCE);
	assert_string_equal(pipeline->group, "sluice.default.at-least-once");
	assert_int_equal(pipeline->volume.answers, 1);
	assert_int_equal(pipeline->volume.stage_links, 0);
	planning_close(&p);
}

static void an_isolated_step_has_a_stage_to_itself(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}, {name: b, inputs: [a], isolate: true}, {name: c, inputs: [b]},\n"
				"    {name: d, inputs: [b, a]}, {name: e, inputs: [a]}]\n"
				"  output: {steps: [c, d, e]}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	/* c and d share the stage behind b; what a gave travels in the record. */
	assert_string_equal(stages_text(&p, pipeline), "request: a e | b: b < request | c: c d < b");
	assert_int_equal(pipeline->answer_stage, 2);
	assert_int_equal(pipeline->stages[1].boundary, BOUNDARY_ISOLATED);
	assert_non_null(strstr(pipeline->stages[1].reason, "`b` is marked isolate"));
	assert_non_null(strstr(pipeline->stages[2].reason, "reads step `b`"));
	assert_string_equal(topic_of_role(pipeline, TOPIC_STAGE)->name, "sluice.default.pipeline.p.stage.b");
	assert_int_equal(pipeline->volume.stage_links, 2);
	assert_int_equal(pipeline->delivery, DELIVERY_AT_LEAST_ONCE);
	planning_close(&p);
}

static void an_isolated_step_that_alone_reads_the_request_needs_none_before_it(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, PIPELINE("p") "  steps: [{name: a, isolate: true}, {name: b, inputs: [a]}]\n  output: {steps: [b]}\n");
	assert_string_equal(stages_text(&p, &plan.pipelines[0]), "request: a | b: b < request");
	planning_close(&p);
}

static void another_key_begins_a_stage_and_steps_of_that_key_share_it(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps:\n  - {name: clean}\n  - {name: signals, inputs: [clean], counting: {by: symbol}}\n"
				"  - {name: bars, inputs: [clean], counting: {by: symbol}}\n  - {name: last, inputs: [signals, "
				"bars]}\n"
				"  output: {steps: [last]}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_string_equal(stages_text(&p, pipeline), "request: clean | signals: signals bars last < request");
	assert_string_equal(pipeline->stages[1].key, "symbol");
	assert_int_equal(pipeline->stages[1].boundary, BOUNDARY_KEY);
	assert_string_equal(topic_of_role(pipeline, TOPIC_STAGE)->key, "symbol");
	assert_non_null(strstr(pipeline->stages[1].state, "`signals`"));
	assert_string_equal(topic_of_role(pipeline, TOPIC_STATE)->name, "sluice.default.pipeline.p.stage.signals.state");
	assert_true(topic_roles[TOPIC_STATE].compacted);
	assert_int_equal(pipeline->delivery, DELIVERY_EXACTLY_ONCE);
	assert_non_null(strstr(pipeline->delivery_reason, "signals"));
	planning_close(&p);
}

static void the_key_of_the_records_is_no_other_key(void **state)
{
	(void)state;
	static const char *const inputs[] = {
		"  steps: [{name: a, counting: {by: key}}]\n",
		"  steps: [{name: a, counting: {by: symbol}}]\n  input: {key: symbol}\n",
		"  steps: [{name: a, counting: {by: symbol}}]\n  input: {key: instrument.symbol, tensors: {symbol: {path: "
		"instrument.symbol}}}\n",
	};
	for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open(4096);
		open_plan(&p, &plan, arena_print(arena, PIPELINE("p") "%s  output: {steps: [a]}\n", inputs[i]));
		assert_string_equal(stages_text(&p, &plan.pipelines[0]), "request: a");
		assert_int_equal(plan.pipelines[0].delivery, DELIVERY_EXACTLY_ONCE);
		/* What is read in the record, and not the record's key, is a promise of those who write. */
		assert_int_equal(plan.pipelines[0].notes.count, i > 0);
		if (i > 0)
			assert_non_null(strstr(plan.pipelines[0].notes.items[0].text, "remove `input.key`"));
		planning_close(&p);
		arena_close(arena);
	}
}

static void what_lay_apart_is_joined_in_the_partition_of_the_request(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps:\n  - {name: a, counting: {by: symbol}}\n  - {name: b, counting: {by: venue}}\n"
				"  output: {steps: [a, b]}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_string_equal(stages_text(&p, pipeline), "request: | a: a < request | b: b < request | output: < a < b");
	assert_int_equal(pipeline->answer_stage, 3);
	assert_null(pipeline->stages[3].key);
	assert_non_null(pipeline->stages[3].state);
	assert_string_equal(pipeline->order_reason,
			    "a result leaves after earlier ones of its key, and without a key after those of its partition, "
			    "as long as they have the same `symbol` and `venue` (exactly-once commits a prefix)");
	assert_int_equal(pipeline->volume.stage_links, 4);
	assert_int_equal(pipeline->volume.states, 3);
	planning_close(&p);
}

/* What two branches make of a request: `more` are the steps and the output behind them. */
static const struct pipeline_plan *plan_branches(struct planning *p, struct plan *plan, const char *head, const char *more)
{
	struct arena *arena = arena_open(4096);
	open_plan(p, plan,
		  arena_print(arena,
			      PIPELINE("p") "%s  steps:\n  - {name: a, isolate: true, expression: {set: {u: x}}}\n"
					    "  - {name: b, isolate: true, expression: {set: {w: x}}}\n%s",
			      head, more));
	arena_close(arena);
	return &plan->pipelines[0];
}

static void branches_that_are_joined_keep_the_order_of_a_key(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	const char *joined = "  output: {steps: [a, b]}\n";
	const struct pipeline_plan *pipeline = plan_branches(&p, &plan, "  delivery: at-least-once\n", joined);
	assert_string_equal(stages_text(&p, pipeline), "request: | a: a < request | b: b < request | output: < a < b");
	assert_null(pipeline->stages[3].key);
	assert_string_equal(pipeline->order_reason, "a result leaves after earlier ones of its key (order: key)");
	assert_int_equal(faults_count(p.spec.faults, SEVERITY_NOTE), 0);
	planning_close(&p);
	pipeline = plan_branches(&p, &plan, "  delivery: exactly-once\n", joined);
	assert_string_equal(pipeline->order_reason,
			    "a result leaves after earlier ones of its key, and without a key after those of its partition "
			    "(exactly-once commits a prefix)");
	planning_close(&p);
	pipeline = plan_branches(&p, &plan, "  order: partition\n", joined);
	assert_string_equal(pipeline->order_reason, "a result leaves after all earlier ones of its partition (order: partition)");
	planning_close(&p);
}

/* The key of a step is told when all that it is told of is there; and what waits to be joined is remembered. */
static void what_a_stage_of_its_own_reads_is_joined_before_it(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	const char *more = "  - {name: c, isolate: true, inputs: [a.outputs.u, b.outputs.w], expression: {set: {z: u + w}}}\n"
			   "  - {name: d, inputs: [a.outputs.u, b.outputs.w], counting: {by: u}}\n  output: {steps: [d]}\n";
	const struct pipeline_plan *pipeline = plan_branches(&p, &plan, "", more);
	assert_string_equal(stages_text(&p, pipeline),
			    "request: | a: a < request | b: b < request | c.join: < a < b | c: c < c.join | d: d < c.join");
	assert_int_equal(pipeline->stages[3].boundary, BOUNDARY_JOIN);
	assert_non_null(pipeline->stages[3].state);
	assert_int_equal(pipeline->stages[3].graph->part->window_ms, 60000); /* the longest of those behind it */
	assert_string_equal(pipeline->stages[5].key, "u");
	assert_non_null(strstr(pipeline->order_reason, "as long as they have the same `u`"));
	assert_int_equal(faults_count(p.spec.faults, SEVERITY_NOTE), 1);
	planning_close(&p);
}

static void branches_of_one_key_are_joined_by_it(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps:\n  - {name: k, counting: {by: symbol}}\n"
				"  - {name: a, isolate: true, inputs: [k]}\n  - {name: b, isolate: true, inputs: [k]}\n"
				"  - {name: c, inputs: [a, b], counting: {by: symbol}}\n"
				"  output: {steps: [c]}\n");
	assert_string_equal(stages_text(&p, &plan.pipelines[0]),
			    "request: | k: k < request | a: a < k | b: b < k | c.join: c < a < b");
	assert_string_equal(plan.pipelines[0].stages[4].key, "symbol");
	planning_close(&p);
}

static void what_remembers_by_the_records_key_has_its_records_by_it(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  input: {externalInputs: [q, r.outputs.t]}\n  steps: [{name: a, counting: {by: key}}]\n"
				"  output: {steps: [a]}\n");
	assert_string_equal(stages_text(&p, &plan.pipelines[0]), "request: | inputs: < request | a: a < inputs");
	assert_null(plan.pipelines[0].stages[2].key);
	planning_close(&p);
}

static void an_order_that_cannot_be_had_is_warned_of(void **state)
{
	(void)state;
	static const char *const heads[] = {"", "  order: partition\n"};
	for (size_t i = 0; i < 2; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open(4096);
		open_plan(&p, &plan,
			  arena_print(arena,
				      PIPELINE("p") "%s  input: {externalInputs: [q, r.outputs.t]}\n"
						    "  steps: [{name: a, expression: {set: {y: x}}}]\n  output: {steps: [a]}\n",
				      heads[i]));
		assert_string_equal(plan.pipelines[0].order_reason,
				    "results keep no order: results of other pipelines for a request are joined by its id");
		assert_int_equal(faults_count(p.spec.faults, SEVERITY_NOTE), 2 + (i == 0)); /* q and r are not among the files */
		assert_int_equal(faults_count(p.spec.faults, SEVERITY_WARNING), i == 1);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_cycle_is_never_cut(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  allowCycles: true\n  maxStepRevisits: 2\n  steps:\n"
				"  - {name: a, inputs: [p.inputs, b], inputsJoinType: any}\n  - {name: b, inputs: [a], isolate: "
				"true}\n"
				"  output: {steps: [b]}\n");
	assert_string_equal(stages_text(&p, &plan.pipelines[0]), "request: a b");
	assert_true(plan_is_noted(&plan.pipelines[0].notes, "isolate has no effect"));
	planning_close(&p);
}

static void too_many_stages_are_refused(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	struct arena *arena = arena_open((size_t)1 << 20);
	const char *yaml = PIPELINE("p") "  steps:\n  - {name: s0}\n";
	for (size_t i = 1; i <= STAGES_MAX; i++)
		yaml = arena_print(arena, "%s  - {name: s%zu, inputs: [s%zu], isolate: true}\n", yaml, i, i - 1);
	planning_read(&p, yaml, kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 1);
	planning_close(&p);
	arena_close(arena);
}

/* ---- topics ---- */

static void step_topics_exist_where_somebody_needs_them(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("base") "  steps: [{name: a}, {name: b, inputs: [a], lineage: full}]\n  output: {steps: [b]}\n"
				   "---\n" PIPELINE(
					   "reader") "  input: {externalInputs: [base.step.a.outputs]}\n  steps: [{name: r}]\n");
	const struct pipeline_plan *base = &plan.pipelines[0], *reader = &plan.pipelines[1];
	assert_string_equal(base->topics[3].name, "sluice.default.pipeline.base.step.a.outputs");
	assert_false(base->topics[3].best_effort);
	assert_string_equal(base->topics[4].name, "sluice.default.pipeline.base.step.b.inputs");
	assert_true(base->topics[4].best_effort);
	assert_string_equal(base->topics[5].name, "sluice.default.pipeline.base.step.b.outputs");
	assert_int_equal(base->topic_count, 6);
	assert_int_equal(base->volume.taps, 3);
	/* The reader reads that topic, and has no output: its last step's outputs stay. */
	assert_string_equal(topic_of_role(reader, TOPIC_EXTERNAL)->name, "sluice.default.pipeline.base.step.a.outputs");
	assert_null(topic_of_role(reader, TOPIC_OUTPUTS));
	assert_string_equal(topic_of_role(reader, TOPIC_STEP_OUTPUTS)->name, "sluice.default.pipeline.reader.step.r.outputs");
	assert_false(topic_of_role(reader, TOPIC_STEP_OUTPUTS)->best_effort);
	assert_int_equal(reader->volume.answers, 1);
	assert_int_equal(reader->volume.taps, 0);
	planning_close(&p);
}

static void existing_topics_and_the_runtime_give_names_and_partitions(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  HEAD "SeldonRuntime\nspec: {config: {kafkaConfig: {topicPrefix: acme, topics: {numPartitions: 12}}}}\n---\n" HEAD
		       "Pipeline\nmetadata: {name: p, namespace: desk}\nspec:\n  steps: [{name: a}]\n"
		       "  input: {topic: market.ticks, key: symbol}\n  output: {steps: [a], topic: decisions}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_string_equal(pipeline->topics[0].name, "market.ticks");
	assert_true(pipeline->topics[0].bound);
	assert_int_equal(pipeline->topics[0].partitions, 0);
	assert_string_equal(pipeline->topics[0].key, "symbol");
	assert_string_equal(pipeline->topics[1].name, "decisions");
	assert_string_equal(pipeline->topics[2].name, "acme.desk.pipeline.p.errors");
	assert_int_equal(pipeline->topics[2].partitions, 12);
	planning_close(&p);
}

static void pipelines_joined_from_outside_keep_what_came(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  input: {externalInputs: [q, r.outputs.t], joinWindowMs: 500}\n  steps: [{name: a, expression: "
				"{set: {y: x}}}]\n"
				"  output: {steps: [a]}\n");
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_int_equal(pipeline->delivery, DELIVERY_EXACTLY_ONCE);
	assert_string_equal(stages_text(&p, pipeline), "request: | inputs: a < request");
	assert_string_equal(topic_of_role(pipeline, TOPIC_STAGE)->key, "request id");
	assert_string_equal(topic_of_role(pipeline, TOPIC_STATE)->name, "sluice.default.pipeline.p.stage.inputs.state");
	assert_true(pipeline->stages[1].graph->part->gathers);
	assert_int_equal(pipeline->wait_ms, 500);
	assert_true(plan_is_noted(&pipeline->notes, "requests need ids of their own"));
	assert_true(plan_is_noted(&pipeline->notes, "pipeline `q` is not among the files"));
	assert_true(plan_is_noted(&pipeline->notes, "whether `r` is behind: the join window of 500 ms does not stand still"));
	planning_close(&p);
}

static void pipelines_that_feed_each_other_in_a_circle_are_refused(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	static const char a[] = PIPELINE("a") "  input: {externalInputs: [c]}\n  steps: [{name: x}]\n---\n";
	static const char b[] = PIPELINE("b") "  input: {externalInputs: [a.step.x.outputs]}\n  steps: [{name: y}]\n---\n";
	static const char c[] = PIPELINE("c") "  input: {externalInputs: [d.inputs, b]}\n  steps: [{name: z}]\n---\n";
	static const char d[] = PIPELINE("d") "  input: {externalInputs: [c]}\n  steps: [{name: w}]\n";
	struct arena *arena = arena_open(ARENA_BYTES);
	planning_read(&p, arena_print(arena, "%s%s%s%s", a, b, c, d), kinds);
	planning_plan(&p, NULL, &plan);
	assert_int_equal(planning_errors(&p), 1);
	assert_non_null(strstr(planning_fault(&p, "SL0504")->message, "never ends"));
	planning_close(&p);
	arena_close(arena);
}

/* ---- delivery ---- */

static void the_longest_wait_is_that_of_the_longest_way(void **state)
{
	(void)state;
	static const struct {
		const char *steps;
		int64_t wait_ms;
	} rows[] = {
		{"[{name: a, expression: {set: {y: x}}}]", 0},
		{"[{name: a}]", 90000}, /* three attempts of 30 s */
		{"[{name: b, timeout: 100ms}, {name: a, inputs: [b], timeout: 50ms}]", 450},
		{"[{name: b, timeout: 100ms}, {name: c, timeout: 1s}, {name: a, inputs: [b, c], timeout: 50ms}]", 3150},
		/* The window closes 20 ms after b, which comes after 300 ms. */
		{"[{name: b, timeout: 100ms}, {name: c, timeout: 1s}, {name: a, inputs: [b, c], joinWindowMs: 20, timeout: 50ms}]",
		 470},
		{"[{name: a, timeout: 50ms, batch: {size: 8, windowMs: 25}}]", 175},
		{"[{name: a, timeout: 50ms, batch: {size: 8}}]", 1150},
		{"[{name: a, timeout: 50ms}, {name: side}]", 150},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct planning p;
		struct plan plan;
		struct arena *arena = arena_open((size_t)1 << 16);
		open_plan(&p, &plan, arena_print(arena, PIPELINE("p") "  steps: %s\n  output: {steps: [a]}\n", rows[i].steps));
		assert_int_equal(plan.pipelines[0].wait_ms, rows[i].wait_ms);
		planning_close(&p);
		arena_close(arena);
	}
}

static void a_delivery_that_was_asked_for_is_kept_and_its_risk_said(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  delivery: at-least-once\n  steps: [{name: a, counting: {by: key}}]\n  output: {steps: [a]}\n");
	assert_int_equal(plan.pipelines[0].delivery, DELIVERY_AT_LEAST_ONCE);
	assert_true(plan_is_noted(&plan.pipelines[0].notes, "count a request twice"));
	planning_close(&p);
	open_plan(&p, &plan, PIPELINE("p") "  delivery: at-least-once\n  input: {externalInputs: [q, r]}\n  steps: [{name: a}]\n");
	assert_int_equal(plan.pipelines[0].delivery, DELIVERY_AT_LEAST_ONCE);
	assert_false(plan_is_noted(&plan.pipelines[0].notes, "delivery is")); /* a join loses nothing */
	planning_close(&p);
	open_plan(&p, &plan,
		  PIPELINE("p") "  delivery: at-least-once\n  input: {externalInputs: [q, r]}\n"
				"  steps: [{name: a, counting: {by: key}}]\n  output: {steps: [a]}\n");
	assert_true(plan_is_noted(&plan.pipelines[0].notes, "count a request twice"));
	planning_close(&p);
}

static void a_state_that_the_answer_does_not_need_asks_for_nothing(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, PIPELINE("p") "  steps: [{name: a}, {name: side, counting: {by: other}}]\n  output: {steps: [a]}\n");
	assert_int_equal(plan.pipelines[0].delivery, DELIVERY_AT_LEAST_ONCE);
	assert_true(plan_is_noted(&plan.pipelines[0].notes, "nothing reads its output"));
	planning_close(&p);
}

/* ---- printing ---- */

static const char *printed(const struct planning *planning, const struct plan *plan, bool json, const struct plan_view *view)
{
	struct buffer out;
	buffer_open(&out, (size_t)1 << 20);
	if (json)
		plan_print_json(plan, view, &out);
	else
		plan_print_text(plan, view, &out);
	assert_false(buffer_failed(&out));
	const char *text = arena_copy(planning->arena, out.bytes, out.length);
	buffer_close(&out);
	return text;
}

#define WHOLE                                                                                                                      \
	PIPELINE("p")                                                                                                              \
	"  steps:\n  - {name: a, counting: {by: symbol}}\n  - {name: \"b\", inputs: [a.outputs.x], triggers: [a]}\n"               \
	"  output: {steps: [b]}\n---\n" HEAD "Model\nmetadata: {name: b}\nspec: {storageUri: \"stub://sum\"}\n"

/* On a terminal of 80 columns, the columns that do not fit are below the others, each below its title. */
static void a_table_that_is_too_wide_goes_on_in_further_lines(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, WHOLE);
	const char *narrow = printed(&p, &plan, false, &(struct plan_view){.columns = 80});
	const char *wide = printed(&p, &plan, false, &(struct plan_view){.columns = 200});
	const char *whole = printed(&p, &plan, false, &(struct plan_view){0});
	const char *kept = strstr(narrow, "\n        kept "), *inputs = strstr(narrow, "\n    sluice.default.pipeline.p.inputs ");
	assert_true(kept && inputs && kept < inputs);
	assert_non_null(strstr(inputs, "\n        7 days "));
	assert_string_equal(wide, whole);
	planning_close(&p);
}

static void the_same_files_give_the_same_bytes(void **state)
{
	(void)state;
	const struct plan_view view = {.rate = 100, .acls = true, .targets = true};
	struct planning first, second;
	struct plan one, two;
	open_plan(&first, &one, WHOLE);
	open_plan(&second, &two, WHOLE);
	for (int json = 0; json < 2; json++)
		assert_string_equal(printed(&first, &one, json, &view), printed(&second, &two, json, &view));
	planning_close(&first);
	planning_close(&second);
}

static void the_json_is_json_and_says_it_all(void **state)
{
	(void)state;
	const struct plan_view view = {.rate = 100, .acls = true, .targets = true};
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan, WHOLE);
	json_error_t fault;
	json_t *root = json_loads(printed(&p, &plan, true, &view), JSON_REJECT_DUPLICATES, &fault);
	assert_non_null(root);
	const json_t *pipeline = json_array_get(json_object_get(root, "pipelines"), 0);
	assert_string_equal(json_string_value(json_object_get(pipeline, "delivery")), "exactly-once");
	assert_int_equal(json_array_size(json_object_get(pipeline, "stages")), 2);
	assert_int_equal(json_array_size(json_object_get(pipeline, "topics")), 5);
	/* A request: the answer, one crossing, one change of state; a day has 86,400 s. */
	assert_int_equal(json_integer_value(json_object_get(json_object_get(pipeline, "perDay"), "records")), 3 * 100 * 86400);
	const json_t *step = json_array_get(json_object_get(pipeline, "steps"), 1);
	const json_t *tensors = json_object_get(json_object_get(step, "gives"), "tensors");
	assert_string_equal(json_string_value(json_object_get(json_array_get(tensors, 0), "type")), "FP64[1]");
	/* With those on the topics of replies and of cancellations. */
	assert_int_equal(json_array_size(json_object_get(root, "acls")), 11);
	json_decref(root);
	planning_close(&p);
}

static void drawings_hold_any_name(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}, {name: b, inputs: ['a.outputs.x\"y\\z'], triggers: [a]}]\n  input: {topic: "
				"in}\n  output: {steps: [b]}\n");
	struct buffer out;
	buffer_open(&out, (size_t)1 << 16);
	plan_print_dot(&plan, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "p0r0 [label=\"in\", shape=cylinder];\n"));
	assert_non_null(strstr(out.bytes, "  p0s0 -> p0s1 [label=\"x\\\"y\\\\z\"];\n"));
	assert_non_null(strstr(out.bytes, "  p0s0 -> p0s1 [style=dashed, label=\"\"];\n"));
	buffer_clear(&out);
	plan_print_mermaid(&plan, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "p0r0([\"in\"])\n"));
	assert_non_null(strstr(out.bytes, "  p0s0 -->|\"x#34;y\\z\"| p0s1\n"));
	assert_non_null(strstr(out.bytes, "  p0s0 -.-> p0s1\n"));
	buffer_close(&out);
	planning_close(&p);
}

static void a_drawing_shows_once_whom_steps_call_under_another_name(void **state)
{
	(void)state;
	struct planning p;
	struct plan plan;
	open_plan(&p, &plan,
		  PIPELINE("p") "  steps: [{name: a}, {name: b, model: {name: m}}, {name: c, model: {name: m}}]\n"
				"  output: {steps: [a, b, c]}\n---\n" HEAD
				"Model\nmetadata: {name: a}\nspec: {storageUri: \"stub://sum\"}\n---\n" HEAD
				"Model\nmetadata: {name: m}\nspec: {storageUri: \"stub://sum\"}\n");
	struct buffer out;
	buffer_open(&out, (size_t)1 << 16);
	plan_print_dot(&plan, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "p0c1 [label=\"m\", shape=hexagon];\n"));
	assert_non_null(strstr(out.bytes, "  p0s1 -> p0c1 [dir=both];\n  p0s2 -> p0c1 [dir=both];\n"));
	assert_null(strstr(out.bytes, "p0c0"));
	assert_null(strstr(out.bytes, "p0c2"));
	buffer_clear(&out);
	plan_print_mermaid(&plan, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "    p0c1{{\"m\"}}\n"));
	assert_non_null(strstr(out.bytes, "  p0s1 <--> p0c1\n  p0s2 <--> p0c1\n"));
	buffer_close(&out);
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nothing_cuts_is_one_stage),
		cmocka_unit_test(an_isolated_step_has_a_stage_to_itself),
		cmocka_unit_test(an_isolated_step_that_alone_reads_the_request_needs_none_before_it),
		cmocka_unit_test(another_key_begins_a_stage_and_steps_of_that_key_share_it),
		cmocka_unit_test(the_key_of_the_records_is_no_other_key),
		cmocka_unit_test(what_lay_apart_is_joined_in_the_partition_of_the_request),
		cmocka_unit_test(branches_that_are_joined_keep_the_order_of_a_key),
		cmocka_unit_test(what_a_stage_of_its_own_reads_is_joined_before_it),
		cmocka_unit_test(branches_of_one_key_are_joined_by_it),
		cmocka_unit_test(what_remembers_by_the_records_key_has_its_records_by_it),
		cmocka_unit_test(an_order_that_cannot_be_had_is_warned_of),
		cmocka_unit_test(a_cycle_is_never_cut),
		cmocka_unit_test(too_many_stages_are_refused),
		cmocka_unit_test(step_topics_exist_where_somebody_needs_them),
		cmocka_unit_test(existing_topics_and_the_runtime_give_names_and_partitions),
		cmocka_unit_test(pipelines_joined_from_outside_keep_what_came),
		cmocka_unit_test(pipelines_that_feed_each_other_in_a_circle_are_refused),
		cmocka_unit_test(the_longest_wait_is_that_of_the_longest_way),
		cmocka_unit_test(a_delivery_that_was_asked_for_is_kept_and_its_risk_said),
		cmocka_unit_test(a_state_that_the_answer_does_not_need_asks_for_nothing),
		cmocka_unit_test(a_table_that_is_too_wide_goes_on_in_further_lines),
		cmocka_unit_test(the_same_files_give_the_same_bytes),
		cmocka_unit_test(the_json_is_json_and_says_it_all),
		cmocka_unit_test(drawings_hold_any_name),
		cmocka_unit_test(a_drawing_shows_once_whom_steps_call_under_another_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
