/* stages_test.c: a pipeline cut into stages answers as the whole does: whatever is cut,
 * fails, drops or is joined again, and each request once. What goes from stage to stage
 * goes as records. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/flow.h"
#include "tests/unit/graphs.h"
#include "tests/unit/letters.h"
#include "message/formats/format.h"
#include "message/records/stage_link.h"
#include "steps/kinds.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define ARENA_BYTES ((size_t)4 << 20)
#define RECORD_BYTES_MAX ((size_t)1 << 20)
#define RECORDS_MAX 64
#define CALLS_MAX 64

/* ---- one flow, whose models answer at once ---- */

struct running {
	struct flow *flow;
	const struct graph *graph;
	size_t call_count;
	struct call *calls[CALLS_MAX];
	char result[1024]; /* "" until it has finished */
	bool passed;	   /* no answer of its own */
};

/* `broken...` fails, `mute...` gives nothing; any other model gives a tensor of its own
 * name: one more than the sum of all that it was sent. */
static void call_answer(struct call *call)
{
	struct arena *arena = call->message->arena;
	double sum = 1;
	for (size_t i = 0; i < call->request->tensors.count; i++)
		for (size_t e = 0; e < call->request->tensors.items[i]->count; e++)
			sum += tensor_number(call->request->tensors.items[i], e);
	call->attempts = 2;
	if (strncmp(call->name, "broken", 6) == 0)
		error_set(&call->error, ERROR_REMOTE, PLACE_NONE, "model %s is broken", call->name);
	else
		call->reply = payload_made(arena,
					   strncmp(call->name, "mute", 4) == 0 ? "" : arena_print(arena, "%s=%g", call->name, sum));
}

static void on_call(void *context, struct call *call)
{
	struct running *running = context;
	assert_in_range(running->call_count, 0, CALLS_MAX - 1);
	running->calls[running->call_count++] = call;
}

static void on_forgotten(void *context, struct call *call)
{
	struct running *running = context;
	for (size_t i = 0; i < running->call_count; i++)
		if (running->calls[i] == call)
			running->calls[i] = NULL;
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct running *running = context;
	char tensors[256] = "";
	(void)message;
	running->passed = outcome == FLOW_PASSED;
	if (answer->payload)
		payload_print(answer->payload, tensors, sizeof tensors);
	if (answer->error)
		snprintf(running->result, sizeof running->result, "%s: %s, at %s after %u", error_kind_name(answer->error->kind),
			 answer->error->text, answer->step ? answer->step : "none", answer->attempts);
	else
		snprintf(running->result, sizeof running->result, "%s",
			 outcome == FLOW_DROPPED  ? "dropped"
			 : outcome != FLOW_ANSWER ? "none"
						  : tensors);
}

static void running_open(struct running *running, const struct graph *graph)
{
	const struct flow_environment environment = {
		.context = running, .call = on_call, .forget = on_forgotten, .finished = on_finished};
	struct error error = {0};
	*running = (struct running){.graph = graph};
	running->flow = flow_open(graph, &environment, &error);
	assert_string_equal(error.text, "");
}

static void running_run(struct running *running, struct message *message)
{
	struct error error = {0};
	running->result[0] = '\0';
	assert_true(flow_enter(running->flow, message, 0, &error));
	for (size_t i = 0; i < running->call_count; i++) {
		struct call *call = running->calls[i];
		if (!call)
			continue;
		call_answer(call);
		flow_answered(running->flow, call, 0);
	}
	running->call_count = 0;
	assert_string_not_equal(running->result, "");
}

/* ---- a pipeline in stages ---- */

struct staged {
	const struct pipeline_plan *plan;
	struct running runnings[STAGES_MAX];
	struct arena *arena;
	size_t record_count;
	struct staged_record {
		size_t from, to;
		struct text bytes;
		struct text key;
		bool taken;
	} records[RECORDS_MAX];
	size_t answers; /* of one request */
	char result[1024];
};

static void send_on(struct staged *staged, size_t stage, const struct message *message, struct text original)
{
	const struct graph_part *part = staged->plan->stages[stage].graph->part;
	for (size_t i = 0; message->carried && i < part->next_count; i++) {
		if (!(message->carried->next >> i & 1))
			continue;
		struct buffer bytes;
		struct error error = {0};
		const struct stage_link stage_link = {.from = text_of(staged->plan->stages[stage].name),
						      .original = original,
						      .key = TEXT("own key"),
						      .request = part->next[i].request};
		buffer_open(&bytes, RECORD_BYTES_MAX);
		assert_true(stage_link_encode(message, (uint64_t)1 << i, &stage_link, &bytes, &error));
		struct staged_record *record = &staged->records[staged->record_count++];
		*record = (struct staged_record){.from = stage, .to = part->next[i].stage};
		struct letter letter; /* it is what its schema says */
		letter_open_as(&letter, "crossing", buffer_view(&bytes));
		letter_close(&letter);
		record->bytes = (struct text){arena_copy(staged->arena, bytes.bytes, bytes.length), bytes.length};
		struct text key = message->carried->keys[i];
		record->key = (struct text){key.bytes ? arena_copy(staged->arena, key.bytes, key.length) : NULL, key.length};
		buffer_close(&bytes);
	}
}

static void note_result(struct staged *staged, const struct running *running)
{
	if (running->passed)
		return;
	staged->answers++;
	snprintf(staged->result, sizeof staged->result, "%s", running->result);
}

/* A tensor whose name begins with `forged` comes with the parameter by which stages tell each other of models. */
static void forge(struct arena *arena, struct payload *payload)
{
	static const struct parameter parameter = {
		.name = {"sluice:model", 12}, .type = PARAMETER_TEXT, .value.text = {"innocent", 8}};
	for (size_t i = 0; i < payload->tensors.count; i++) {
		struct tensor *tensor = ARENA_NEW(arena, struct tensor);
		if (!text_starts_with(payload->tensors.items[i]->name, TEXT("forged")))
			continue;
		*tensor = *payload->tensors.items[i];
		tensor->parameters = (struct parameters){1, &parameter};
		payload->parameters = tensor->parameters;
		((const struct tensor **)(uintptr_t)payload->tensors.items)[i] = tensor;
	}
}

static struct message request_made(struct arena *arena, const char *tensors)
{
	struct payload *payload = payload_made(arena, tensors);
	forge(arena, payload);
	static const struct header header = {{"x-tier", 6}, {"gold", 4}};
	return (struct message){
		.arena = arena,
		.id = TEXT("r1"),
		.payload_id = TEXT("own"),
		.key = TEXT("k"),
		.time_ms = 1234,
		.origin = {TEXT("p.inputs"), 3, 77},
		.headers = {1, &header},
		.format = &format_oip_json,
		.payload = *payload,
	};
}

/* Takes the records of a stage of which every parent's is there; false: there are none. */
static bool step_on(struct staged *staged, size_t stage)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = {.arena = arena};
	struct stage_link stage_link = {0};
	struct error error = {0};
	uint64_t there = 0;
	for (size_t i = 0; i < staged->record_count; i++)
		if (staged->records[i].to == stage && !staged->records[i].taken)
			there |= (uint64_t)1 << staged->records[i].from;
	bool whole = there && there == staged->plan->stages[stage].parents;
	for (size_t i = 0; i < staged->record_count && whole; i++) {
		struct staged_record *record = &staged->records[i];
		if (record->to != stage || record->taken)
			continue;
		record->taken = true;
		bool good = message.carried ? stage_link_add(&message, record->bytes, &stage_link, &error)
					    : stage_link_decode(&message, record->bytes, &stage_link, &error);
		assert_string_equal(error.text, "");
		assert_true(good);
	}
	if (whole) {
		assert_true(text_is(message.id, "r1"));
		assert_int_equal(message.origin.offset, 77);
		assert_true(text_is(stage_link.original, "bytes of the request"));
		running_run(&staged->runnings[stage], &message);
		note_result(staged, &staged->runnings[stage]);
		send_on(staged, stage, &message, stage_link.original);
	}
	arena_close(arena);
	return whole;
}

static void staged_run(struct staged *staged, const char *tensors)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = request_made(arena, tensors);
	staged->answers = staged->record_count = 0;
	staged->result[0] = '\0';
	running_run(&staged->runnings[0], &message);
	note_result(staged, &staged->runnings[0]);
	send_on(staged, 0, &message, TEXT("bytes of the request"));
	arena_close(arena);
	for (bool moved = true; moved;) {
		moved = false;
		for (size_t i = 1; i < staged->plan->stage_count; i++)
			moved |= step_on(staged, i);
	}
	/* Nothing waits for what never comes. */
	for (size_t i = 0; i < staged->record_count; i++)
		assert_true(staged->records[i].taken);
}

static void staged_open(struct staged *staged, const struct pipeline_plan *plan)
{
	*staged = (struct staged){.plan = plan, .arena = arena_open(ARENA_BYTES)};
	for (size_t i = 0; i < plan->stage_count; i++)
		running_open(&staged->runnings[i], plan->stages[i].graph);
}

static void staged_close(struct staged *staged)
{
	for (size_t i = 0; i < staged->plan->stage_count; i++)
		flow_close(staged->runnings[i].flow);
	arena_close(staged->arena);
}

/* ---- whatever is cut, the answer is the same ---- */

static void plan_open(struct planning *planning, struct plan *plan, const char *yaml)
{
	planning_read(planning, yaml, step_kinds);
	planning_plan(planning, NULL, plan);
	assert_int_equal(planning_errors(planning), 0);
}

static void whole_run(const char *yaml, const char *tensors, char *result, size_t size)
{
	struct planning planning;
	struct plan plan;
	struct running running;
	plan_open(&planning, &plan, yaml);
	assert_int_equal(plan.pipelines[0].stage_count, 1);
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = request_made(arena, tensors);
	running_open(&running, plan.pipelines[0].graph);
	running_run(&running, &message);
	snprintf(result, size, "%s", running.result);
	flow_close(running.flow);
	arena_close(arena);
	planning_close(&planning);
}

/* The steps of `lines`, those of `isolated` (bits) marked; `behind` follows them. */
static const char *marked(struct arena *arena, const char *const *lines, size_t isolated, const char *behind)
{
	const char *yaml = HEAD;
	for (size_t i = 0; lines[i]; i++)
		yaml = arena_print(arena, "%s  - {%s%s}\n", yaml, lines[i], isolated >> i & 1 ? ", isolate: true" : "");
	return arena_print(arena, "%s%s", yaml, behind);
}

static void expect_same(const char *const *lines, const char *behind, const char *tensors, const char *expected)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	size_t count = 0;
	char whole[1024];
	while (lines[count])
		count++;
	whole_run(marked(arena, lines, 0, behind), tensors, whole, sizeof whole);
	assert_string_equal(whole, expected);
	for (size_t isolated = 1; isolated < (size_t)1 << count; isolated++) {
		struct planning planning;
		struct plan plan;
		struct staged staged;
		plan_open(&planning, &plan, marked(arena, lines, isolated, behind));
		staged_open(&staged, &plan.pipelines[0]);
		staged_run(&staged, tensors);
		if (strcmp(staged.result, expected) != 0 || staged.answers != 1)
			fail_msg("isolated %zx: %zu answers, the last `%s` instead of `%s`", isolated, staged.answers,
				 staged.result, expected);
		staged_close(&staged);
		planning_close(&planning);
	}
	arena_close(arena);
}

static void a_chain_answers_alike_wherever_it_is_cut(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: a", "name: b, inputs: [a, p.inputs.y]", "name: c, inputs: [b, a.inputs.x]",
					    "name: d, inputs: [c, a]", NULL};
	/* a: 1+2+1; b: 4+2+1; c: 7+1+1; d: 9+4+1 */
	expect_same(lines, "  output: {steps: [d, b]}\n", "x=1 y=2", "d=14 b=7");
}

static void a_diamond_answers_alike_wherever_it_is_cut(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: a", "name: b, inputs: [a]", "name: c, inputs: [a]", "name: d, inputs: [b, c]",
					    NULL};
	expect_same(lines, "  output: {steps: [d]}\n", "x=1", "d=7");
}

static void a_failure_is_answered_once_and_names_its_step(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: a",
					    "name: broken, inputs: [a]",
					    "name: c, inputs: [a]",
					    "name: d, inputs: [broken, c]",
					    "name: e, inputs: [d]",
					    NULL};
	expect_same(lines, "  output: {steps: [e]}\n", "x=1", "REMOTE: model broken is broken, at broken after 2");
}

static void an_outer_join_takes_what_there_is_wherever_it_is_cut(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: broken", "name: mute", "name: c",
					    "name: d, inputs: [broken, mute, c], inputsJoinType: outer", NULL};
	expect_same(lines, "  output: {steps: [d]}\n", "x=1", "d=3");
}

static void a_drop_is_a_drop_wherever_it_is_cut(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: a", "name: f, inputs: [a], filter: {keep: a > 100}", "name: c, inputs: [f]",
					    "name: d, inputs: [c, a]", NULL};
	expect_same(lines, "  output: {steps: [d]}\n", "x=1", "dropped");
}

static void conditions_and_routes_choose_alike_wherever_they_are_cut(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"name: a",
		"name: r, inputs: [a], route: {cases: [{when: a > 5, to: big}, {when: a <= 5, to: small}]}",
		"name: big, inputs: [r]",
		"name: small, inputs: [r], when: a.a < 5",
		"name: late, inputs: [small, big], inputsJoinType: any",
		NULL};
	expect_same(lines, "  output: {steps: [late]}\n", "x=1", "late=4");
	expect_same(lines, "  output: {steps: [late]}\n", "x=9", "late=12");
}

static void triggers_hold_back_alike_wherever_they_are_cut(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: a", "name: b, inputs: [a]", "name: c, inputs: [p.inputs], triggers: [b, a]",
					    NULL};
	expect_same(lines, "  output: {steps: [c]}\n", "x=1", "c=2");
}

static void what_earlier_steps_gave_and_the_request_are_read_in_expressions_of_later_stages(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"name: a", "name: b, inputs: [a]",
		"name: c, inputs: [b], expression: {set: {z: 'a.a * 100 + request.x + b', t: 'header(\"x-tier\")'}, drop: [b, t]}",
		NULL};
	expect_same(lines, "  output: {steps: [c]}\n", "x=7", "z=816");
}

static void steps_beside_the_answer_run_and_fail_without_it(void **state)
{
	(void)state;
	static const char *const lines[] = {"name: a", "name: side, inputs: [a]", "name: broken, inputs: [side]",
					    "name: c, inputs: [a]", NULL};
	expect_same(lines, "  output: {steps: [c]}\n", "x=1", "c=3");
}

/* ---- what crosses ---- */

static void only_what_is_read_behind_goes_along_and_each_tensor_once(void **state)
{
	(void)state;
	struct planning planning;
	struct plan plan;
	struct staged staged;
	plan_open(&planning, &plan,
		  HEAD "  - {name: a}\n  - {name: unread, inputs: [a]}\n"
		       "  - {name: s, inputs: [p.inputs], expression: {set: {q: x + 1}}}\n"
		       "  - {name: t, inputs: [s], expression: {set: {w: x + 2}}}\n"
		       "  - {name: b, inputs: [a, s, t], isolate: true}\n  output: {steps: [b]}\n");
	staged_open(&staged, &plan.pipelines[0]);
	staged_run(&staged, "x=1");
	assert_int_equal(staged.record_count, 1);
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = {.arena = arena};
	struct stage_link stage_link;
	struct error error = {0};
	assert_true(stage_link_decode(&message, staged.records[0].bytes, &stage_link, &error));
	assert_false(stage_link.request);
	assert_int_equal(message.carried->count, 3);
	assert_true(text_is(message.carried->items[0].step, "a"));
	assert_true(text_is(message.carried->items[1].step, "s"));
	assert_true(text_is(message.carried->items[2].step, "t"));
	/* x passed through s and t. */
	const struct payload *s = message.carried->items[1].payload, *t = message.carried->items[2].payload;
	assert_ptr_equal(s->tensors.items[0], t->tensors.items[0]);
	assert_true(text_is(message.payload_id, "own"));
	assert_true(text_is(message.key, "k"));
	assert_true(text_is(stage_link.key, "own key"));
	assert_int_equal(message.time_ms, 1234);
	assert_ptr_equal(message.format, &format_oip_json);
	assert_true(text_is(headers_find(message.headers, TEXT("X-Tier"))->value, "gold"));
	assert_string_equal(staged.result, "b=12"); /* a=2; x=1 q=2; x=1 q=2 w=3; and 1 */
	arena_close(arena);
	staged_close(&staged);
	planning_close(&planning);
}

static void a_deadline_is_answered_in_the_stage_where_it_passes(void **state)
{
	(void)state;
	struct planning planning;
	struct plan plan;
	struct staged staged;
	plan_open(&planning, &plan, HEAD "  - {name: a}\n  - {name: b, inputs: [a], isolate: true}\n  output: {steps: [b]}\n");
	staged_open(&staged, &plan.pipelines[0]);
	struct arena *arena = arena_open(ARENA_BYTES);
	struct message message = request_made(arena, "x=1");
	message.deadline_ms = 10;
	struct error error = {0};
	assert_true(flow_enter(staged.runnings[0].flow, &message, 5, &error));
	flow_advance(staged.runnings[0].flow, 10);
	assert_non_null(strstr(staged.runnings[0].result, "LIMIT: the deadline"));
	assert_null(message.carried);
	arena_close(arena);
	staged_close(&staged);
	planning_close(&planning);
}

/* One of two stages is silent: what it was to bring has failed. */
static void expect_missing(const char *join, const char *expected)
{
	struct planning planning;
	struct plan plan;
	struct staged staged;
	struct arena *arena = arena_open(ARENA_BYTES);
	plan_open(&planning, &plan,
		  arena_print(arena,
			      HEAD "  - {name: a, isolate: true}\n  - {name: b, isolate: true}\n"
				   "  - {name: d, inputs: [a, b], inputsJoinType: %s}\n  output: {steps: [d]}\n",
			      join));
	staged_open(&staged, &plan.pipelines[0]);
	struct message request = request_made(arena, "x=1");
	running_run(&staged.runnings[0], &request);
	send_on(&staged, 0, &request, TEXT("bytes of the request"));
	for (size_t i = 0; i < 2; i++)
		assert_true(step_on(&staged, 1 + i));
	struct message message = {.arena = arena};
	struct stage_link stage_link;
	struct error error = {0};
	assert_true(stage_link_decode(&message, staged.records[2].bytes, &stage_link, &error));
	assert_true(text_is(stage_link.from, "a"));
	struct error missing = {0};
	error_set(&missing, ERROR_LIMIT, PLACE_NONE, "stage b is late");
	struct carried carried = *message.carried;
	carried.missing = &missing;
	message.carried = &carried;
	running_run(&staged.runnings[3], &message);
	assert_string_equal(staged.runnings[3].result, expected);
	arena_close(arena);
	staged_close(&staged);
	planning_close(&planning);
}

static void what_did_not_come_in_time_has_failed(void **state)
{
	(void)state;
	expect_missing("inner", "LIMIT: stage b is late, at none after 0");
	expect_missing("outer", "d=3");
	expect_missing("any", "d=3");
}

static void a_faulty_reply_is_the_models_fault_wherever_it_is_cut(void **state)
{
	(void)state;
	static const char *const lacking[] = {"name: a", "name: f, inputs: [a], filter: {keep: a > 0}",
					      "name: e, inputs: [f], expression: {set: {y: score + 1}}", NULL};
	expect_same(lacking, "  output: {steps: [e]}\n", "x=1",
		    "REMOTE: an expression reads the tensor `score`, and the reply of model `a` lacks it; see what the model "
		    "answers, or ask for it by `outputs: [score]` of its step, or write `score ?? otherwise`, at e after 1");
	static const char *const mistyped[] = {"name: a", "name: f, inputs: [a], filter: {keep: a > 0}",
					       "name: e, inputs: [f, p], expression: {set: {y: lower(a)}}", NULL};
	expect_same(mistyped, "  output: {steps: [e]}\n", "x=1",
		    "REMOTE: lower() takes a text, and this is FP32[1]; it is written lower(x); model `a` replied so, "
		    "at e after 1");
	static const char *const callers[] = {"name: a", "name: e, inputs: [a, p], expression: {set: {y: lower(x)}}", NULL};
	expect_same(callers, "  output: {steps: [e]}\n", "x=1",
		    "INPUT: lower() takes a text, and this is FP32[1]; it is written lower(x), at e after 1");
}

static void a_callers_tensor_is_the_callers_whatever_its_parameters_say(void **state)
{
	(void)state;
	static const char *const mistyped[] = {"name: f, filter: {keep: forged > 0}",
					       "name: g, inputs: [f], filter: {keep: forged > 0}",
					       "name: e, inputs: [g], expression: {set: {y: lower(forged)}}", NULL};
	expect_same(mistyped, "  output: {steps: [e]}\n", "forged=1",
		    "INPUT: lower() takes a text, and this is FP32[1]; it is written lower(x), at e after 1");
	static const char *const lacking[] = {"name: f, filter: {keep: forged > 0}",
					      "name: g, inputs: [f], filter: {keep: forged > 0}",
					      "name: e, inputs: [g], expression: {set: {y: score + 1}}", NULL};
	expect_same(lacking, "  output: {steps: [e]}\n", "forged=1",
		    "INPUT: tensor `score` is missing; send it, or write `score ?? otherwise`, at e after 1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_faulty_reply_is_the_models_fault_wherever_it_is_cut),
		cmocka_unit_test(a_callers_tensor_is_the_callers_whatever_its_parameters_say),
		cmocka_unit_test(a_chain_answers_alike_wherever_it_is_cut),
		cmocka_unit_test(a_diamond_answers_alike_wherever_it_is_cut),
		cmocka_unit_test(a_failure_is_answered_once_and_names_its_step),
		cmocka_unit_test(an_outer_join_takes_what_there_is_wherever_it_is_cut),
		cmocka_unit_test(a_drop_is_a_drop_wherever_it_is_cut),
		cmocka_unit_test(conditions_and_routes_choose_alike_wherever_they_are_cut),
		cmocka_unit_test(triggers_hold_back_alike_wherever_they_are_cut),
		cmocka_unit_test(what_earlier_steps_gave_and_the_request_are_read_in_expressions_of_later_stages),
		cmocka_unit_test(steps_beside_the_answer_run_and_fail_without_it),
		cmocka_unit_test(only_what_is_read_behind_goes_along_and_each_tensor_once),
		cmocka_unit_test(what_did_not_come_in_time_has_failed),
		cmocka_unit_test(a_deadline_is_answered_in_the_stage_where_it_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
