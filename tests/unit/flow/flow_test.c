/* flow_test.c: Tests of a message on its way through a graph. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"

/* ---- chains and selection ---- */

static void a_chain_passes_from_step_to_step(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "one", .kind = &kind_adds},
		{.name = "two", .kind = &kind_adds, .inputs = "one.one"},
	};
	open_scene(steps, COUNT(steps), "two", JOIN_INNER);
	scene_send(&scene, "a", "x=1,2");
	expect_tensors("a", "one=2,3 two=3,4");
	expect_all_finished();
}

static void tensors_are_selected_renamed_and_joined_in_the_order_of_the_list(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "s", .kind = &kind_asks},
		{.name = "t", .kind = &kind_asks, .inputs = "request.y>b s.p"},
	};
	open_scene(steps, COUNT(steps), "t:inputs", JOIN_INNER);
	scene_send(&scene, "a", "x=1 y=2");
	scene_reply(&scene, "s", "q=3 p=4");
	expect_tensors("a", "b=2 p=4");
}

static void references_to_one_producer_keep_its_order_and_send_each_tensor_once(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_asks, .inputs = "request.z request.x request"}};
	open_scene(steps, COUNT(steps), "s:inputs", JOIN_INNER);
	scene_send(&scene, "a", "x=1 y=2 z=3");
	expect_tensors("a", "x=1 y=2 z=3");
}

static void an_output_that_was_not_asked_for_stays_behind(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s"}};
	const struct text max = TEXT("max"), median = TEXT("median");
	open_scene(steps, COUNT(steps), "s", JOIN_INNER);
	struct message *message = scene_message(&scene, "a", "x=1");
	message->wanted.names = &max;
	message->wanted.count = 1;
	scene_enter(&scene, message);
	scene_reply(&scene, "s", "min=1 max=2");
	expect_tensors("a", "max=2");
	message = scene_message(&scene, "b", "x=1");
	message->wanted.names = &median;
	message->wanted.count = 1;
	scene_enter(&scene, message);
	scene_reply(&scene, "s", "min=1 max=2");
	expect_error("b", ERROR_INPUT, "median");
}

/* ---- joins ---- */

static void an_inner_join_waits_for_all(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}, {.name = "c", .inputs = "a b"}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "b", "y=2");
	assert_null(scene_call(&scene, "c"));
	scene_reply(&scene, "a", "x=1");
	char sent[64];
	payload_print(scene_call(&scene, "c")->request, sent, sizeof sent);
	assert_string_equal(sent, "x=1 y=2");
	scene_reply(&scene, "c", "z=3");
	expect_tensors("m", "z=3");
	expect_all_finished();
}

static void an_inner_join_says_which_tensor_never_comes(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "c"}, {.name = "s", .inputs = "c.p c.q"}, {.name = "t", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "t", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "c", "p=1");
	expect_error("m", ERROR_INPUT, "no output: step `c` gave no tensor `q`");
	expect_all_finished();
}

static void an_inner_join_beyond_its_window_is_a_limit(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}, {.name = "c", .inputs = "a b", .window_ms = 100}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene.now_ms = 40;
	scene_reply(&scene, "a", "x=1");
	assert_int_equal(flow_due_ms(scene.flow), 140);
	scene_advance(&scene, 139);
	assert_null(scene_answer(&scene, "m"));
	scene_advance(&scene, 140);
	expect_error("m", ERROR_LIMIT, "join window of 100 ms of step `c` has passed, and `b`");
	assert_int_equal(scene.forgotten, 1);
	expect_all_finished();
}

static void a_step_waits_for_both_its_inputs_and_its_triggers(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "a"},
		{.name = "b"},
		{.name = "c", .inputs = "a b", .triggers = "a b", .triggers_type = JOIN_ANY, .window_ms = 100},
	};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	assert_int_equal(flow_due_ms(scene.flow), 100);
	scene_advance(&scene, 50);
	assert_null(scene_call(&scene, "c"));
	scene_reply(&scene, "b", "y=1");
	assert_non_null(scene_call(&scene, "c"));
	scene_send(&scene, "n", "x=1");
	scene_reply(&scene, "a", "x=1");
	scene_advance(&scene, 150);
	expect_error("n", ERROR_LIMIT, "`b` has not come");
}

static void an_outer_join_goes_on_at_its_window_and_drops_what_is_late(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "a"}, {.name = "b"}, {.name = "c", .inputs = "a b", .type = JOIN_OUTER, .window_ms = 100}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	scene_advance(&scene, 100);
	scene_reply(&scene, "b", "y=1");
	assert_int_equal(scene.call_count, 3);
	scene_reply(&scene, "c", "z=3");
	expect_tensors("m", "z=3");
	expect_all_finished();
}

static void an_outer_join_does_not_wait_for_what_cannot_come(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "pick"},
		{.name = "left", .inputs = "pick.l"},
		{.name = "right", .inputs = "pick.r"},
		{.name = "behind", .inputs = "right"},
		{.name = "sum", .inputs = "left behind", .type = JOIN_OUTER},
	};
	open_scene(steps, COUNT(steps), "sum", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "pick", "l=1");
	scene_reply(&scene, "left", "y=1");
	scene_reply(&scene, "sum", "z=1");
	expect_tensors("m", "z=1");
}

static void any_takes_the_first_and_forgets_the_rest(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "slow"}, {.name = "fast"}};
	open_scene(steps, COUNT(steps), "slow fast", JOIN_ANY);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "fast", "y=1");
	expect_tensors("m", "y=1");
	assert_int_equal(scene.forgotten, 1);
	expect_all_finished();
}

static void any_with_no_branch_names_each_missing_tensor(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "pick"}, {.name = "l", .inputs = "pick.left"}, {.name = "r", .inputs = "pick.right"}};
	open_scene(steps, COUNT(steps), "l r", JOIN_ANY);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "pick", "");
	expect_error("m", ERROR_INPUT, "no output: step `pick` gave no tensor `left`; step `pick` gave no tensor `right`");
}

/* ---- triggers ---- */

static void a_trigger_lets_go_but_is_not_sent(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "watch"}, {.name = "act", .inputs = "request.x", .triggers = "watch"}};
	open_scene(steps, COUNT(steps), "act:inputs", JOIN_INNER);
	scene_send(&scene, "open", "x=1 y=2");
	assert_null(scene_call(&scene, "act"));
	scene_reply(&scene, "watch", "ok=1");
	expect_tensors("open", "x=1");
	scene_send(&scene, "shut", "x=1");
	scene_reply(&scene, "watch", "");
	expect_error("shut", ERROR_INPUT, "watch");
}

static void inner_triggers_must_all_come(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "act", .kind = &kind_adds, .inputs = "request.x", .triggers = "request.a request.b"}};
	open_scene(steps, COUNT(steps), "act", JOIN_INNER);
	scene_send(&scene, "both", "x=1 a=0 b=0");
	expect_tensors("both", "x=1 act=2");
	scene_send(&scene, "half", "x=1 b=0");
	expect_error("half", ERROR_INPUT, "the request has no tensor `a`");
}

/* ---- errors ---- */

static void a_failed_step_fails_the_answer(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b", .inputs = "a"}};
	open_scene(steps, COUNT(steps), "b", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_fail(&scene, "a", ERROR_REMOTE, "a : out of order");
	expect_error("m", ERROR_REMOTE, "a : out of order");
	expect_all_finished();
}

static void any_prefers_a_success_to_an_earlier_error(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}};
	open_scene(steps, COUNT(steps), "a b", JOIN_ANY);
	scene_send(&scene, "m", "x=1");
	scene_fail(&scene, "a", ERROR_REMOTE, "broken");
	assert_null(scene_answer(&scene, "m"));
	scene_reply(&scene, "b", "y=1");
	expect_tensors("m", "y=1");
}

static void outer_counts_a_failure_as_missing_unless_all_fail(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}};
	open_scene(steps, COUNT(steps), "a b", JOIN_OUTER);
	scene_send(&scene, "m", "x=1");
	scene_fail(&scene, "a", ERROR_REMOTE, "broken");
	scene_reply(&scene, "b", "y=1");
	expect_tensors("m", "y=1");
	scene_send(&scene, "n", "x=1");
	scene_fail(&scene, "b", ERROR_REMOTE, "second");
	scene_fail(&scene, "a", ERROR_REMOTE, "first in the list");
	expect_error("n", ERROR_REMOTE, "first in the list");
	scene_send(&scene, "o", "x=1");
	scene_fail(&scene, "b", ERROR_REMOTE, "unwell");
	scene_reply(&scene, "a", "");
	expect_error("o", ERROR_INPUT, "no output: step `a` gave no tensors; step `b` failed: unwell");
}

static void no_output_names_the_step_that_failed_not_what_it_was_sent(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b", .inputs = "a"}, {.name = "c", .inputs = "request.gone"}};
	open_scene(steps, COUNT(steps), "b c", JOIN_OUTER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "y=1");
	scene_fail(&scene, "b", ERROR_REMOTE, "unwell");
	expect_error("m", ERROR_INPUT, "no output: step `b` failed: unwell; the request has no tensor `gone`");
}

static void a_step_beside_the_answer_neither_fails_nor_delays_it(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "log"}};
	open_scene(steps, COUNT(steps), "a", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "y=1");
	expect_tensors("m", "y=1");
	assert_false(scene_answer(&scene, "m")->finished);
	scene_fail(&scene, "log", ERROR_REMOTE, "disk full");
	expect_all_finished();
}

static void a_pipeline_without_output_ends_without_an_answer(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}};
	open_scene(steps, COUNT(steps), NULL, JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "y=1");
	assert_int_equal(scene_answer(&scene, "m")->outcome, FLOW_NO_ANSWER);
	expect_all_finished();
}

static void what_a_step_drops_on_purpose_is_no_error(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "sieve", .kind = &kind_drops}, {.name = "b", .inputs = "sieve"}};
	open_scene(steps, COUNT(steps), "b", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	assert_int_equal(scene_answer(&scene, "m")->outcome, FLOW_DROPPED);
	expect_all_finished();
}

/* ---- time ---- */

static void a_deadline_answers_and_forgets_the_call(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}};
	open_scene(steps, COUNT(steps), "a", JOIN_INNER);
	struct message *message = scene_message(&scene, "m", "x=1");
	message->deadline_ms = 50;
	scene_enter(&scene, message);
	assert_int_equal(flow_due_ms(scene.flow), 50);
	scene_advance(&scene, 50);
	expect_error("m", ERROR_LIMIT,
		     "the deadline of the request has passed before its answer was ready: step `a` waited for model a;");
	assert_int_equal(scene.forgotten, 1);
	message = scene_message(&scene, "late", "x=1");
	message->deadline_ms = 50;
	scene_enter(&scene, message);
	expect_error("late", ERROR_LIMIT, "before its answer was ready: it arrived too late for its first step;");
	assert_int_equal(scene.call_count, 1);
	expect_all_finished();
}

static void a_deadline_names_the_step_that_has_waited_longest_and_where_its_call_is(void **state)
{
	(void)state;
	static const struct {
		enum call_whereabouts where;
		const char *words;
	} rows[] = {
		{CALL_IN_LINE, "step `a` waited in line for model a;"},
		{CALL_PAUSED, "step `a` waited to ask model a again;"},
		{CALL_SENT, "step `a` waited for model a to answer;"},
	};
	const struct made_step steps[] = {{.name = "a"}, {.name = "b", .inputs = "request"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		open_scene(steps, COUNT(steps), "a b", JOIN_INNER);
		struct message *message = scene_message(&scene, "m", "x=1");
		message->deadline_ms = 50;
		scene_enter(&scene, message);
		scene.calls[0]->where = rows[i].where;
		scene_advance(&scene, 50);
		expect_error("m", ERROR_LIMIT, rows[i].words);
		if (i + 1 < sizeof rows / sizeof *rows)
			scene_close(&scene);
	}
}

/* ---- cycles ---- */

static const struct made_step loop[] = {
	{.name = "cnt", .inputs = "request back", .type = JOIN_ANY, .on_cycle = true},
	{.name = "out", .kind = &kind_adds, .inputs = "cnt.n", .triggers = "cnt.stop", .window_ms = 1},
	{.name = "back", .inputs = "cnt.n", .triggers = "cnt.go", .window_ms = 1, .on_cycle = true},
};

static void open_loop(int64_t max_visits)
{
	struct graph *graph = graph_made(scene_arena, loop, COUNT(loop), "out", JOIN_INNER);
	graph->max_visits = max_visits;
	scene_open(&scene, graph, scene_arena, false);
}

static void a_cycle_goes_round_until_its_end_is_let_out(void **state)
{
	(void)state;
	open_loop(4);
	scene_send(&scene, "m", "n=0");
	for (int round = 1; round <= 3; round++) {
		char count[32];
		(void)snprintf(count, sizeof count, "n=%d %s=0", round, round < 3 ? "go" : "stop");
		scene.now_ms += 10;
		flow_advance(scene.flow, scene.now_ms);
		scene_reply(&scene, "cnt", count);
		if (round < 3) {
			(void)snprintf(count, sizeof count, "n=%d", round);
			scene_reply(&scene, "back", count);
		}
	}
	expect_tensors("m", "n=3 out=4");
	expect_all_finished();
}

static void a_cycle_ends_at_its_limit_of_revisits(void **state)
{
	(void)state;
	open_loop(2);
	scene_send(&scene, "m", "n=0");
	scene_reply(&scene, "cnt", "n=1 go=0");
	scene_reply(&scene, "back", "n=1");
	scene_reply(&scene, "cnt", "n=2 go=0");
	scene_reply(&scene, "back", "n=2");
	expect_error("m", ERROR_LIMIT, "Max step revisits (1) exceeded");
	expect_all_finished();
}

static void a_cycle_that_dies_out_is_answered(void **state)
{
	(void)state;
	open_loop(9);
	scene_send(&scene, "m", "n=0");
	scene_reply(&scene, "cnt", "n=1");
	expect_error("m", ERROR_INPUT, "stop");
	scene_send(&scene, "e", "n=0");
	scene_fail(&scene, "cnt", ERROR_REMOTE, "cnt : gone");
	expect_error("e", ERROR_REMOTE, "cnt : gone");
	expect_all_finished();
}

/* ---- what is told, and the end ---- */

static void taps_see_every_point(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "one", .kind = &kind_adds},
					  {.name = "two", .kind = &kind_adds, .inputs = "one"}};
	scene_open(&scene, graph_made(scene_arena, steps, COUNT(steps), "two", JOIN_INNER), scene_arena, true);
	scene_send(&scene, "a", "x=1");
	assert_int_equal(scene.taps[TAP_PIPELINE_INPUTS], 1);
	assert_int_equal(scene.taps[TAP_PIPELINE_OUTPUTS], 1);
	assert_int_equal(scene.taps[TAP_STEP_INPUTS], 2);
	assert_int_equal(scene.taps[TAP_STEP_OUTPUTS], 2);
}

static void closing_forgets_the_calls_that_are_out(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}, {.name = "rows", .batch_size = 1}};
	open_scene(steps, COUNT(steps), "a b rows", JOIN_INNER);
	scene_send(&scene, "m", "x=[1]1");
	flow_close(scene.flow);
	scene.flow = NULL;
	assert_int_equal(scene.forgotten, 3);
	assert_int_equal(scene.answer_count, 0);
}

/* ---- giving up ---- */

static void a_cancelled_message_is_answered_and_its_call_forgotten(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}};
	open_scene(steps, COUNT(steps), "a", JOIN_INNER);
	struct message *message = scene_message(&scene, "m", "x=1");
	scene_enter(&scene, message);
	scene_send(&scene, "other", "x=2");
	assert_true(flow_cancel(scene.flow, message, scene.now_ms));
	expect_error("m", ERROR_LIMIT, "cancelled by its caller before its answer was ready: step `a` waited for model a;");
	assert_int_equal(scene.forgotten, 1);
	assert_false(flow_cancel(scene.flow, message, scene.now_ms));
	assert_null(scene_answer(&scene, "other"));
	scene_reply(&scene, "a", "y=1");
	assert_non_null(scene_answer(&scene, "other"));
	expect_all_finished();
}

/* What runs beside the answer has its end. */
static void a_message_whose_answer_is_known_is_not_cancelled(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b", .inputs = "request"}};
	open_scene(steps, COUNT(steps), "a", JOIN_INNER);
	struct message *message = scene_message(&scene, "m", "x=1");
	scene_enter(&scene, message);
	scene_reply(&scene, "a", "y=1");
	assert_non_null(scene_answer(&scene, "m"));
	assert_false(flow_cancel(scene.flow, message, scene.now_ms));
	assert_int_equal(scene.forgotten, 0);
	scene_reply(&scene, "b", "y=1");
	expect_all_finished();
}

static void a_message_that_is_given_up_is_told_to_nobody(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b", .inputs = "a"}};
	open_scene(steps, COUNT(steps), "b", JOIN_INNER);
	struct message *given_up = scene_message(&scene, "m", "x=1");
	given_up->deadline_ms = 100;
	scene_enter(&scene, given_up);
	scene_send(&scene, "n", "x=1");
	flow_abandon(scene.flow, given_up);
	assert_int_equal(scene.forgotten, 1);
	assert_int_equal(flow_due_ms(scene.flow), INT64_MAX);
	flow_abandon(scene.flow, given_up);
	scene_reply(&scene, "a", "y=2");
	scene_reply(&scene, "b", "z=3");
	expect_tensors("n", "z=3");
	assert_null(scene_answer(&scene, "m"));
	assert_int_equal(scene.finished_count, 1);
}

static size_t given_back;

static bool is_void(const struct message *message)
{
	return text_starts_with(message->id, TEXT("void"));
}

static void count_given_back(void *context, struct message *message)
{
	assert_non_null(context);
	assert_true(is_void(message));
	given_back++;
}

static void void_messages_are_given_up_and_the_others_go_on(void **state)
{
	(void)state;
	static const char *const ids[] = {"void-1", "n", "void-2", "void-3"};
	const struct made_step steps[] = {{.name = "a"}, {.name = "rows", .inputs = "a", .batch_size = 2}};
	open_scene(steps, COUNT(steps), "rows", JOIN_INNER);
	given_back = 0;
	for (size_t i = 0; i < COUNT(ids); i++)
		scene_send(&scene, ids[i], "x=[1]1");
	reply_to(0, "y=[1]1"); /* the first waits in a batch */
	flow_abandon_void(scene.flow, is_void, count_given_back);
	assert_int_equal(given_back, 3);
	assert_int_equal(scene.forgotten, 2);
	reply_to(1, "y=[1]1");
	scene_send(&scene, "o", "x=[1]1");
	scene_reply(&scene, "a", "y=[1]1");
	scene_reply(&scene, "rows", "z=[2]1,1");
	expect_order((const char *const[]){"n", "o"}, 2);
	assert_int_equal(scene.finished_count, 2);
	flow_abandon_void(scene.flow, is_void, count_given_back);
	assert_int_equal(given_back, 3);
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

static enum standing standing_of(size_t nth)
{
	return flow_standing(scene.flow, scene.messages[nth]);
}

/* One that has had a reply has begun, though its next call is not sent: to begin again would repeat the first. */
static void a_message_says_what_it_waits_for(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b", .inputs = "a"}};
	open_scene(steps, COUNT(steps), "b", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	assert_int_equal(standing_of(0), STANDING_UNSENT);
	scene_call(&scene, "a")->where = CALL_SENT;
	assert_int_equal(standing_of(0), STANDING_ON_ITS_WAY);
	scene_reply(&scene, "a", "y=2");
	assert_int_equal(standing_of(0), STANDING_BEGUN);
	scene.away = "b";
	assert_int_equal(standing_of(0), STANDING_HELD_UP);
	scene_call(&scene, "b")->where = CALL_SENT;
	assert_int_equal(standing_of(0), STANDING_ON_ITS_WAY);
	scene_reply(&scene, "b", "z=3");
	assert_int_equal(standing_of(0), STANDING_NONE);
	expect_all_finished();
}

/* Of calls side by side, one that is on its way is waited for. */
static void a_call_on_its_way_counts_before_those_that_wait(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}, {.name = "c", .inputs = "a b"}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	scene_send(&scene, "m", "x=1");
	scene.away = "a";
	assert_int_equal(standing_of(0), STANDING_HELD_UP);
	scene_call(&scene, "b")->where = CALL_SENT;
	assert_int_equal(standing_of(0), STANDING_ON_ITS_WAY);
	scene_reply(&scene, "b", "y=2");
	assert_int_equal(standing_of(0), STANDING_HELD_UP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(a_cancelled_message_is_answered_and_its_call_forgotten),
		SHOWS(a_message_whose_answer_is_known_is_not_cancelled),
		SHOWS(a_message_that_is_given_up_is_told_to_nobody),
		SHOWS(void_messages_are_given_up_and_the_others_go_on),
		SHOWS(a_chain_passes_from_step_to_step),
		SHOWS(tensors_are_selected_renamed_and_joined_in_the_order_of_the_list),
		SHOWS(references_to_one_producer_keep_its_order_and_send_each_tensor_once),
		SHOWS(an_output_that_was_not_asked_for_stays_behind),
		SHOWS(an_inner_join_waits_for_all),
		SHOWS(an_inner_join_says_which_tensor_never_comes),
		SHOWS(an_inner_join_beyond_its_window_is_a_limit),
		SHOWS(a_step_waits_for_both_its_inputs_and_its_triggers),
		SHOWS(an_outer_join_goes_on_at_its_window_and_drops_what_is_late),
		SHOWS(an_outer_join_does_not_wait_for_what_cannot_come),
		SHOWS(any_takes_the_first_and_forgets_the_rest),
		SHOWS(any_with_no_branch_names_each_missing_tensor),
		SHOWS(a_trigger_lets_go_but_is_not_sent),
		SHOWS(inner_triggers_must_all_come),
		SHOWS(a_failed_step_fails_the_answer),
		SHOWS(any_prefers_a_success_to_an_earlier_error),
		SHOWS(outer_counts_a_failure_as_missing_unless_all_fail),
		SHOWS(no_output_names_the_step_that_failed_not_what_it_was_sent),
		SHOWS(a_step_beside_the_answer_neither_fails_nor_delays_it),
		SHOWS(a_pipeline_without_output_ends_without_an_answer),
		SHOWS(what_a_step_drops_on_purpose_is_no_error),
		SHOWS(a_deadline_answers_and_forgets_the_call),
		SHOWS(a_deadline_names_the_step_that_has_waited_longest_and_where_its_call_is),
		SHOWS(a_cycle_goes_round_until_its_end_is_let_out),
		SHOWS(a_cycle_ends_at_its_limit_of_revisits),
		SHOWS(a_cycle_that_dies_out_is_answered),
		SHOWS(taps_see_every_point),
		SHOWS(closing_forgets_the_calls_that_are_out),
		SHOWS(a_message_says_what_it_waits_for),
		SHOWS(a_call_on_its_way_counts_before_those_that_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
