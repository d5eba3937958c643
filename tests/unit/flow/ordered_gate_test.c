/* ordered_gate_test.c: stateful steps take the messages of a partition in their order, and
 * what they remember stands or is gone, but never half. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"

static void open_kept(const struct made_step *steps, size_t count, const char *output, enum join_type type)
{
	open_scene(steps, count, output, type);
	scene_keep(&scene);
}

static void expect_all_released(void)
{
	assert_int_equal(scene.finished_count, scene.message_count);
	assert_int_equal(scene.released, scene.message_count);
	assert_int_equal(flow_due_ms(scene.flow), INT64_MAX);
}

/* The count that is kept under a key; -1: none. */
static int64_t kept(uint32_t scope, const char *key)
{
	struct text value;
	int64_t count = -1;
	if (store_read(scene.store, scope, text_of(key), &value))
		memcpy(&count, value.bytes, sizeof count);
	return count;
}

static void open_counting(void)
{
	const struct made_step steps[] = {{.name = "n", .kind = &kind_counts}};
	open_kept(steps, COUNT(steps), "n", JOIN_INNER);
}

/* A call, then the count: replies come in any order. */
static void open_asking(void)
{
	const struct made_step steps[] = {
		{.name = "m"},
		{.name = "n", .kind = &kind_counts, .inputs = "m"},
	};
	open_kept(steps, COUNT(steps), "n", JOIN_INNER);
}

static void fail_call(size_t nth)
{
	struct call *call = scene.calls[nth];
	scene.calls[nth] = NULL;
	error_set(&call->error, ERROR_REMOTE, PLACE_NONE, "no server");
	flow_answered(scene.flow, call, scene.now_ms);
}

/* ---- remembering ---- */

static void a_message_sees_what_those_before_it_left(void **state)
{
	(void)state;
	open_counting();
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=2");
	scene_send(&scene, "c", "k=1");
	expect_tensors("a", "k=1 n=1");
	expect_tensors("b", "k=2 n=1");
	expect_tensors("c", "k=1 n=2");
	expect_all_released();
	assert_int_equal(kept(0, "key 1"), 2);
}

static void what_is_not_released_yet_is_seen_already(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "n", .kind = &kind_counts},
		{.name = "m", .inputs = "n"},
	};
	open_kept(steps, COUNT(steps), "m:inputs", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1");
	expect_tensors("b", "k=1 n=2");
	assert_int_equal(store_count(scene.store), 1);
}

static void steps_of_one_pipeline_remember_apart(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "n", .kind = &kind_counts},
		{.name = "o", .kind = &kind_counts, .inputs = "n"},
	};
	open_kept(steps, COUNT(steps), "o", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1 bad=1");
	scene_send(&scene, "c", "k=1");
	expect_tensors("c", "k=1 n=2 o=2");
	assert_int_equal(kept(0, "key 1"), 2);
	assert_int_equal(kept(1, "key 1"), 2);
}

static void a_visit_that_fails_leaves_no_write(void **state)
{
	(void)state;
	open_counting();
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1 bad=1");
	scene_send(&scene, "c", "k=1");
	expect_error("b", ERROR_INPUT, "a bad message");
	expect_tensors("c", "k=1 n=2");
}

static void a_message_that_is_dropped_has_counted(void **state)
{
	(void)state;
	open_counting();
	scene_send(&scene, "a", "k=1 drop=1");
	scene_send(&scene, "b", "k=1");
	assert_int_equal(scene_answer(&scene, "a")->outcome, FLOW_DROPPED);
	expect_tensors("b", "k=1 n=2");
}

static void what_was_written_stands_though_a_later_step_fails(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "n", .kind = &kind_counts},
		{.name = "m", .inputs = "n"},
	};
	open_kept(steps, COUNT(steps), "m", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	scene_fail(&scene, "m", ERROR_REMOTE, "no server");
	expect_error("a", ERROR_REMOTE, "no server");
	expect_all_released();
	assert_int_equal(kept(0, "key 1"), 1);
}

static void what_is_forgotten_is_not_seen_again(void **state)
{
	(void)state;
	open_counting();
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1 forget=1");
	scene_send(&scene, "c", "k=1");
	expect_tensors("b", "k=1 forget=1 n=2");
	expect_tensors("c", "k=1 n=1");
	assert_int_equal(kept(0, "key 1"), 1);
}

static void a_step_that_remembers_too_much_is_answered_with_the_limit(void **state)
{
	(void)state;
	open_counting();
	store_close(scene.store);
	line_close(scene.line);
	struct error error = {0};
	scene.store = store_open(flow_scopes(scene.flow), 100);
	scene.line = line_open(scene.flow, scene.store, &error);
	scene_send(&scene, "a", "k=1");
	expect_error("a", ERROR_LIMIT, "`n` cannot keep more state");
	expect_all_released();
}

static bool has_effect; /* of a visit, outside its state */

static enum step_verdict remembers_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	if (!visit_remember(visit, TEXT("key"), 200, error))
		return STEP_FAIL;
	has_effect = true;
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind_remembers = {
	.name = "remembers", .shape = SHAPE_PASSES, .state = &(const struct state_rules){0}, .run = remembers_run};
static const struct step_kind kind_watches = {.name = "watches",
					      .shape = SHAPE_PASSES,
					      .state = &(const struct state_rules){0},
					      .monitors = &(const struct monitor_rules){0},
					      .run = remembers_run};

/* What watches changes boards while it runs; of others, all writes are judged when the visit ends. */
static void what_watches_is_refused_before_it_has_an_effect(void **state)
{
	static const struct step_kind *const kinds[] = {&kind_remembers, &kind_watches};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct made_step steps[] = {{.name = "n", .kind = kinds[i]}};
		struct error error = {0};
		has_effect = false;
		open_kept(steps, COUNT(steps), "n", JOIN_INNER);
		store_close(scene.store);
		line_close(scene.line);
		scene.store = store_open(flow_scopes(scene.flow), 100);
		scene.line = line_open(scene.flow, scene.store, &error);
		scene_send(&scene, "a", "k=1");
		expect_error("a", ERROR_LIMIT, "`n` cannot keep more state");
		assert_int_equal(has_effect, kinds[i] == &kind_remembers);
		expect_all_released();
		if (i == 0)
			scene_close(&scene);
	}
}

/* ---- the ordered gate ---- */

static void messages_pass_in_their_order_whatever_calls_came_before(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	scene_send(&scene, "b", "x=1");
	scene_send(&scene, "c", "x=1");
	reply_to(2, "k=1");
	reply_to(1, "k=1");
	assert_null(scene_answer(&scene, "c"));
	assert_null(scene_answer(&scene, "b"));
	reply_to(0, "k=1");
	expect_tensors("a", "k=1 n=1");
	expect_tensors("b", "k=1 n=2");
	expect_tensors("c", "k=1 n=3");
	expect_all_released();
}

static void a_message_whose_way_ends_before_lets_the_next_pass(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	scene_send(&scene, "b", "x=1");
	reply_to(1, "k=1");
	assert_null(scene_answer(&scene, "b"));
	fail_call(0);
	expect_error("a", ERROR_REMOTE, "no server");
	expect_tensors("b", "k=1 n=1");
	expect_all_released();
}

static void a_reply_without_tensors_lets_the_next_pass(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	scene_send(&scene, "b", "x=1");
	reply_to(1, "k=1");
	reply_to(0, "");
	expect_error("a", ERROR_INPUT, "no tensors");
	expect_tensors("b", "k=1 n=1");
	expect_all_released();
}

static void a_message_past_its_deadline_lets_the_next_pass(void **state)
{
	(void)state;
	open_asking();
	struct message *hurried = scene_message(&scene, "a", "x=1");
	hurried->deadline_ms = 50;
	scene_enter(&scene, hurried);
	scene_send(&scene, "b", "x=1");
	reply_to(1, "k=1");
	scene_advance(&scene, 50);
	expect_error("a", ERROR_LIMIT, "deadline");
	expect_tensors("b", "k=1 n=1");
	expect_all_released();
}

static void a_message_past_its_deadline_at_the_turnstile_leaves_nothing(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	struct message *hurried = scene_message(&scene, "b", "x=1");
	hurried->deadline_ms = 50;
	scene_enter(&scene, hurried);
	scene_send(&scene, "c", "x=1");
	reply_to(1, "k=1");
	reply_to(2, "k=1");
	scene_advance(&scene, 50);
	expect_error("b", ERROR_LIMIT, "step `n` waited until those before it in its partition have passed;");
	assert_null(scene_answer(&scene, "c"));
	reply_to(0, "k=1");
	expect_tensors("a", "k=1 n=1");
	expect_tensors("c", "k=1 n=2");
	expect_all_released();
}

static void a_message_that_another_branch_took_lets_the_next_pass(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "m"},
		{.name = "gone", .kind = &kind_drops, .inputs = "m.drop"},
		{.name = "n", .kind = &kind_counts, .inputs = "m.k"},
	};
	open_kept(steps, COUNT(steps), "n gone", JOIN_ANY);
	scene_send(&scene, "a", "x=1");
	scene_send(&scene, "b", "x=1");
	reply_to(1, "k=1");
	reply_to(0, "drop=1");
	assert_int_equal(scene_answer(&scene, "a")->outcome, FLOW_DROPPED);
	expect_tensors("b", "k=1 n=1");
	expect_all_released();
}

static void while_a_stateful_step_waits_for_a_reply_nobody_passes_it(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "n", .kind = &kind_asks_and_counts}};
	open_kept(steps, COUNT(steps), "n", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1");
	assert_int_equal(scene.call_count, 1);
	reply_to(0, "y=1");
	expect_tensors("a", "k=1 n=1");
	assert_int_equal(scene.call_count, 2);
	reply_to(1, "y=1");
	expect_tensors("b", "k=1 n=2");
	expect_all_released();
}

/* ---- a gate at the end of visits ---- */

static void open_asking_abreast(void)
{
	const struct made_step steps[] = {{.name = "n", .kind = &kind_asks_then_counts}};
	open_kept(steps, COUNT(steps), "n", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1");
	scene_send(&scene, "c", "k=1");
	assert_int_equal(scene.call_count, 3);
}

static void visits_that_end_in_turn_call_side_by_side(void **state)
{
	(void)state;
	open_asking_abreast();
	reply_to(2, "y=1");
	reply_to(1, "y=1");
	assert_null(scene_answer(&scene, "b"));
	assert_null(scene_answer(&scene, "c"));
	assert_int_equal(kept(0, "key 1"), -1);
	reply_to(0, "y=1");
	expect_tensors("a", "k=1 n=1");
	expect_tensors("b", "k=1 n=2");
	expect_tensors("c", "k=1 n=3");
	expect_all_released();
}

static void a_visit_that_fails_before_its_turn_lets_the_next_end(void **state)
{
	(void)state;
	open_asking_abreast();
	fail_call(1);
	expect_error("b", ERROR_REMOTE, "no server");
	reply_to(2, "y=1");
	assert_null(scene_answer(&scene, "c"));
	fail_call(0);
	expect_tensors("c", "k=1 n=1");
	expect_all_released();
}

static void a_deadline_before_its_turn_leaves_nothing(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "n", .kind = &kind_asks_then_counts}};
	open_kept(steps, COUNT(steps), "n", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	struct message *hurried = scene_message(&scene, "b", "k=1");
	hurried->deadline_ms = 50;
	scene_enter(&scene, hurried);
	reply_to(1, "y=1");
	scene_advance(&scene, 50);
	expect_error("b", ERROR_LIMIT, "step `n` waited until those before it in its partition have passed;");
	reply_to(0, "y=1");
	expect_tensors("a", "k=1 n=1");
	expect_all_released();
	assert_int_equal(kept(0, "key 1"), 1);
}

static void a_line_that_closes_before_the_end_of_a_visit_keeps_nothing(void **state)
{
	(void)state;
	open_asking_abreast();
	reply_to(1, "y=1");
	line_close(scene.line);
	scene.line = NULL;
	expect_error("b", ERROR_SYSTEM, "revoked");
	reply_to(0, "y=1");
	expect_error("a", ERROR_SYSTEM, "revoked");
	fail_call(2);
	assert_int_equal(kept(0, "key 1"), -1);
}

static void an_answer_that_is_known_does_not_spare_the_count(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "fast", .kind = &kind_adds},
		{.name = "m"},
		{.name = "n", .kind = &kind_counts, .inputs = "m"},
	};
	open_kept(steps, COUNT(steps), "fast n", JOIN_ANY);
	scene_send(&scene, "a", "x=1");
	expect_tensors("a", "x=1 fast=2");
	assert_int_equal(scene.finished_count, 0);
	reply_to(0, "k=1");
	expect_all_released();
	assert_int_equal(kept(0, "key 1"), 1);
}

static void two_turnstiles_behind_each_other_keep_the_order_at_both(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "n", .kind = &kind_counts},
		{.name = "m", .inputs = "n"},
		{.name = "o", .kind = &kind_counts, .inputs = "m"},
	};
	open_kept(steps, COUNT(steps), "o", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1");
	scene_send(&scene, "c", "k=1 bad=1");
	scene_send(&scene, "d", "k=1");
	assert_int_equal(scene.call_count, 3);
	reply_to(2, "k=1");
	reply_to(1, "k=1");
	reply_to(0, "k=1");
	expect_tensors("a", "k=1 o=1");
	expect_tensors("b", "k=1 o=2");
	expect_tensors("d", "k=1 o=3");
	expect_all_released();
}

static void a_step_on_a_cycle_may_count_a_message_twice_before_the_next_comes(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "n", .kind = &kind_counts, .inputs = "request back.again", .type = JOIN_ANY, .on_cycle = true},
		{.name = "back", .inputs = "n", .on_cycle = true},
	};
	open_kept(steps, COUNT(steps), "back.end", JOIN_INNER);
	scene.graph->max_visits = 3;
	scene_send(&scene, "a", "k=1");
	scene_send(&scene, "b", "k=1");
	assert_int_equal(scene.call_count, 1);
	reply_to(0, "again=1");
	assert_int_equal(scene.call_count, 2);
	reply_to(1, "end=1");
	assert_int_equal(scene.call_count, 3);
	reply_to(2, "end=1");
	expect_tensors("b", "end=1");
	expect_all_released();
	assert_int_equal(kept(0, "key 1"), 2);
	assert_int_equal(kept(0, "key 0"), 1);
}

/* ---- a partition is taken away ---- */

static void messages_of_a_closed_line_end_and_write_nothing(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	scene_send(&scene, "b", "x=1");
	scene_send(&scene, "c", "x=1");
	reply_to(1, "k=1");
	line_close(scene.line);
	scene.line = NULL;
	expect_error("b", ERROR_SYSTEM, "revoked");
	reply_to(2, "k=1");
	expect_error("c", ERROR_SYSTEM, "revoked");
	reply_to(0, "k=1");
	expect_error("a", ERROR_SYSTEM, "revoked");
	assert_int_equal(scene.finished_count, 3);
	assert_int_equal(kept(0, "key 1"), -1);
}

static void a_new_line_is_not_held_up_by_the_messages_of_the_one_before(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	line_close(scene.line);
	struct error error = {0};
	scene.line = line_open(scene.flow, scene.store, &error);
	scene_send(&scene, "b", "x=1");
	reply_to(1, "k=1");
	expect_tensors("b", "k=1 n=1");
	reply_to(0, "k=1");
	expect_all_released();
}

static void a_visit_that_was_waiting_when_its_line_closed_remembers_nothing(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "n", .kind = &kind_asks_and_counts}};
	open_kept(steps, COUNT(steps), "n", JOIN_INNER);
	scene_send(&scene, "a", "k=1");
	line_close(scene.line);
	scene.line = NULL;
	reply_to(0, "y=1");
	expect_error("a", ERROR_SYSTEM, "revoked");
	assert_int_equal(kept(0, "key 1"), -1);
}

static void a_flow_that_closes_with_messages_at_a_turnstile_leaks_nothing(void **state)
{
	(void)state;
	open_asking();
	scene_send(&scene, "a", "x=1");
	scene_send(&scene, "b", "x=1");
	reply_to(1, "k=1");
	assert_int_equal(scene.finished_count, 0);
}

static void a_stateful_step_takes_no_batches(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "n", .kind = &kind_counts, .batch_size = 4}};
	const struct flow_environment environment = {0};
	struct error error = {0};
	assert_null(flow_open(graph_made(scene_arena, steps, 1, "n", JOIN_INNER), &environment, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "`batch`"));
	open_counting();
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_SCENE(a_message_sees_what_those_before_it_left),
		IN_SCENE(what_is_not_released_yet_is_seen_already),
		IN_SCENE(steps_of_one_pipeline_remember_apart),
		IN_SCENE(a_visit_that_fails_leaves_no_write),
		IN_SCENE(a_message_that_is_dropped_has_counted),
		IN_SCENE(what_was_written_stands_though_a_later_step_fails),
		IN_SCENE(what_is_forgotten_is_not_seen_again),
		IN_SCENE(a_step_that_remembers_too_much_is_answered_with_the_limit),
		IN_SCENE(what_watches_is_refused_before_it_has_an_effect),
		IN_SCENE(messages_pass_in_their_order_whatever_calls_came_before),
		IN_SCENE(a_message_whose_way_ends_before_lets_the_next_pass),
		IN_SCENE(a_reply_without_tensors_lets_the_next_pass),
		IN_SCENE(a_message_past_its_deadline_lets_the_next_pass),
		IN_SCENE(a_message_past_its_deadline_at_the_turnstile_leaves_nothing),
		IN_SCENE(a_message_that_another_branch_took_lets_the_next_pass),
		IN_SCENE(while_a_stateful_step_waits_for_a_reply_nobody_passes_it),
		IN_SCENE(visits_that_end_in_turn_call_side_by_side),
		IN_SCENE(a_visit_that_fails_before_its_turn_lets_the_next_end),
		IN_SCENE(a_deadline_before_its_turn_leaves_nothing),
		IN_SCENE(a_line_that_closes_before_the_end_of_a_visit_keeps_nothing),
		IN_SCENE(an_answer_that_is_known_does_not_spare_the_count),
		IN_SCENE(two_turnstiles_behind_each_other_keep_the_order_at_both),
		IN_SCENE(a_step_on_a_cycle_may_count_a_message_twice_before_the_next_comes),
		IN_SCENE(messages_of_a_closed_line_end_and_write_nothing),
		IN_SCENE(a_new_line_is_not_held_up_by_the_messages_of_the_one_before),
		IN_SCENE(a_visit_that_was_waiting_when_its_line_closed_remembers_nothing),
		IN_SCENE(a_flow_that_closes_with_messages_at_a_turnstile_leaks_nothing),
		IN_SCENE(a_stateful_step_takes_no_batches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
