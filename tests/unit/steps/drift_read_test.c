/* drift_read_test.c: whoever reads what a step `drift` gives finds its marks: the answer, a later stage, or taps. What its
 * observer gets is a share of the messages, whatever their keys are, with the step's name as key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "flow/flow.h"
#include "message/records/carried.h"
#include "tests/unit/planning.h"

#define WATCH "  - {name: watch, drift: {tensors: [x], reference: r.json}}\n"
#define LATE "  - {name: late, inputs: [watch], isolate: true, expression: {set: {y: x}}}\n"

/* Where the marks were seen. */
struct seen {
	bool answered, carried, tapped;
	bool sent;  /* a record goes to the observer */
	bool keyed; /* it has its key */
};

static bool has_marks(const struct payload *payload)
{
	return payload && tensors_find(payload->marks, TEXT("drift_score")) && tensors_find(payload->marks, TEXT("is_drift")) &&
	       tensors_find(payload->marks, TEXT("newest_age_ms"));
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct seen *seen = context;
	(void)outcome;
	assert_null(answer->error);
	seen->answered = has_marks(answer->payload);
	seen->sent = message->carried != NULL;
	seen->keyed = message->carried && text_is(message->carried->keys[0], "watch");
	for (size_t i = 0; message->carried && i < message->carried->count; i++) {
		const struct given *given = &message->carried->items[i];
		seen->carried |= text_is(given->step, "watch") && !given->inputs && has_marks(given->payload);
	}
}

static void on_tap(void *context, const struct message *message, enum tap_point point, size_t step, const struct payload *payload)
{
	struct seen *seen = context;
	(void)message, (void)step;
	seen->tapped |= point == TAP_STEP_OUTPUTS && has_marks(payload);
}

/* A message of one row through the stage of the step `watch`. */
static struct seen run_message(const char *steps, struct message message, bool taps)
{
	static const double numbers[] = {1, 2};
	static const int64_t shape[] = {1, 2};
	const struct tensor x = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	const struct tensor *items[] = {&x};
	struct seen seen = {0};
	struct planning planning;
	struct plan plan;
	struct error error = {0};
	const struct flow_environment environment = {.context = &seen, .finished = on_finished, .tap = taps ? on_tap : NULL};
	planning_open_steps(&planning, steps);
	planning_plan(&planning, NULL, &plan);
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	const size_t stage = pipeline->stage_of[graph_find(pipeline->graph, "watch")];
	struct flow *flow = flow_open(pipeline->stages[stage].graph, &environment, &error);
	assert_string_equal(error.text, "");
	message.arena = arena_open(1 << 20);
	message.payload.tensors = (struct tensors){1, items};
	assert_true(flow_enter(flow, &message, 0, &error));
	flow_close(flow);
	arena_close(message.arena);
	planning_close(&planning);
	return seen;
}

static struct seen run(const char *steps, bool taps)
{
	return run_message(steps, (struct message){.id = TEXT("r"), .key = TEXT("k")}, taps);
}

static void an_answer_has_the_marks(void **state)
{
	(void)state;
	assert_true(run(WATCH "  output: {steps: [watch]}\n", false).answered);
}

static void a_later_stage_has_the_marks(void **state)
{
	(void)state;
	assert_true(run(WATCH LATE "  output: {steps: [late]}\n", false).carried);
}

static void a_stage_that_joins_the_answer_has_the_marks(void **state)
{
	(void)state;
	const char *steps = "  - {name: watch, isolate: true, drift: {tensors: [x], reference: r.json}}\n"
			    "  - {name: also, isolate: true, expression: {set: {y: x}}}\n"
			    "  output: {steps: [watch, also]}\n";
	assert_true(run(steps, false).carried);
}

static void taps_have_the_marks(void **state)
{
	(void)state;
	const char *steps = "  - {name: pass, expression: {set: {y: x}}}\n" WATCH "  output: {steps: [pass]}\n";
	assert_true(run(steps, true).tapped);
	assert_false(run(steps, false).answered);
}

static void records_to_the_observer_have_one_key(void **state)
{
	(void)state;
	assert_true(run(WATCH "  output: {steps: [watch]}\n", false).keyed);
}

static void an_observer_gets_its_share_of_messages_also_of_one_key(void **state)
{
	const char *steps = "  - {name: watch, drift: {tensors: [x], reference: r.json, share: 30%}}\n  output: {steps: [watch]}\n";
	int sent = 0;
	(void)state;
	for (int i = 0; i < 100; i++) {
		const struct message keyed = {.id = TEXT("r"), .key = TEXT("k"), .origin = {.topic = TEXT("in"), .offset = i}};
		const struct message unkeyed = {.id = TEXT("r"), .origin = keyed.origin};
		const bool is_sent = run_message(steps, keyed, false).sent;
		assert_int_equal(run_message(steps, unkeyed, false).sent, is_sent);
		sent += is_sent;
	}
	assert_in_range(sent, 15, 45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_has_the_marks),
		cmocka_unit_test(a_later_stage_has_the_marks),
		cmocka_unit_test(a_stage_that_joins_the_answer_has_the_marks),
		cmocka_unit_test(taps_have_the_marks),
		cmocka_unit_test(records_to_the_observer_have_one_key),
		cmocka_unit_test(an_observer_gets_its_share_of_messages_also_of_one_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
