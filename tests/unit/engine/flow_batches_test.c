/* flow_batches_test.c: messages of a graph that go to a model together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"
#include "tests/unit/planning.h"

static void open_batches(int64_t size)
{
	const struct made_step steps[] = {{.name = "rows", .batch_size = size, .batch_window_ms = 200}};
	open_scene(steps, COUNT(steps), "rows", JOIN_INNER);
}

static void messages_go_together_and_their_answer_is_cut_by_rows(void **state)
{
	(void)state;
	open_batches(3);
	scene_send(&scene, "a", "x=[1]1,2");
	assert_int_equal(scene.call_count, 0);
	scene_send(&scene, "b", "x=[2]3,4,5,6");
	assert_int_equal(scene.call_count, 1);
	char sent[64];
	payload_print(scene.calls[0]->request, sent, sizeof sent);
	assert_string_equal(sent, "x=1,2,3,4,5,6");
	scene_reply(&scene, "rows", "y=[3]10,20,30 all=7");
	expect_tensors("a", "y=10 all=7");
	expect_tensors("b", "y=20,30 all=7");
	expect_all_finished();
}

static void a_batch_is_sent_when_its_window_has_passed(void **state)
{
	(void)state;
	open_batches(3);
	scene_send(&scene, "a", "x=[1]1,2");
	assert_int_equal(flow_due_ms(scene.flow), 200);
	scene_advance(&scene, 200);
	scene_reply(&scene, "rows", "y=[1]5");
	expect_tensors("a", "y=5");
	expect_all_finished();
}

static void tensors_that_do_not_fit_together_wait_in_pots_of_their_own(void **state)
{
	(void)state;
	open_batches(2);
	scene_send(&scene, "a", "x=[1]1,2");
	scene_send(&scene, "b", "x=[1]1,2,3");
	scene_send(&scene, "c", "z=[1]1,2");
	assert_int_equal(scene.call_count, 0);
	scene_send(&scene, "d", "x=[1]3,4");
	assert_int_equal(scene.call_count, 1);
	scene_reply(&scene, "rows", "y=[2]1,2");
	expect_tensors("a", "y=1");
	expect_tensors("d", "y=2");
	assert_null(scene_answer(&scene, "b"));
	assert_null(scene_answer(&scene, "c"));
}

static void a_failed_batch_fails_each_member(void **state)
{
	(void)state;
	open_batches(2);
	scene_send(&scene, "a", "x=[1]1");
	scene_send(&scene, "b", "x=[1]2");
	scene_fail(&scene, "rows", ERROR_REMOTE, "rows : full");
	expect_error("a", ERROR_REMOTE, "rows : full");
	expect_error("b", ERROR_REMOTE, "rows : full");
	expect_all_finished();
}

static void a_member_past_its_deadline_leaves_the_others_their_answer(void **state)
{
	(void)state;
	open_batches(2);
	struct message *hasty = scene_message(&scene, "hasty", "x=[1]1");
	hasty->deadline_ms = 10;
	scene_enter(&scene, hasty);
	scene_send(&scene, "b", "x=[1]2");
	scene_advance(&scene, 10);
	expect_error("hasty", ERROR_LIMIT, "step `rows` waited for model rows;");
	scene_reply(&scene, "rows", "y=[2]1,2");
	expect_tensors("b", "y=2");
	expect_all_finished();
}

/* It outlives each of them: what is in the arena of one is gone with it. */
static void a_batch_keeps_nothing_of_its_first_member(void **state)
{
	(void)state;
	open_batches(2);
	struct message *first = scene_message(&scene, "first", "x=[1]1");
	first->places = &(struct header_places){.items = first->headers.items};
	scene_enter(&scene, first);
	scene_send(&scene, "b", "x=[1]2");
	assert_null(scene.calls[0]->message->places);
	scene_reply(&scene, "rows", "y=[2]1,2");
	expect_all_finished();
}

static void a_pot_that_all_have_left_is_not_sent(void **state)
{
	(void)state;
	open_batches(2);
	struct message *hasty = scene_message(&scene, "hasty", "x=[1]1");
	hasty->deadline_ms = 10;
	scene_enter(&scene, hasty);
	scene_advance(&scene, 10);
	expect_error("hasty", ERROR_LIMIT, "step `rows` waited for its batch to be full;");
	scene_advance(&scene, 1000);
	assert_int_equal(scene.call_count, 0);
	expect_all_finished();
}

static void message_mark(struct message *message, double value)
{
	void *elements;
	struct error error = {0};
	const struct tensor **items = ARENA_ARRAY(message->arena, const struct tensor *, 1);
	struct tensor *mark = tensor_make(message->arena, TEXT("odd"), DATATYPE_FP64, NULL, 0, &elements, &error);
	assert_true(items && mark && tensor_store(elements, DATATYPE_FP64, 0, value));
	items[0] = mark;
	message->payload.marks = (struct tensors){1, items};
}

static void each_member_keeps_its_marks(void **state)
{
	struct planning planning;
	(void)state;
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
				 "spec:\n  output: {steps: [tell]}\n  steps:\n  - {name: rows, batch: {size: 2}}\n"
				 "  - {name: tell, inputs: [rows], expression: {set: {told: odd}}}\n");
	scene_open(&scene, planning.graph, scene_arena, false);
	for (size_t i = 0; i < 2; i++) {
		struct message *message = scene_message(&scene, i ? "b" : "a", i ? "x=[2]2,3" : "x=[1]1");
		message_mark(message, (double)(i + 5));
		scene_enter(&scene, message);
	}
	scene_reply(&scene, "rows", "y=[3]10,20,30");
	expect_tensors("a", "y=10 told=5");
	expect_tensors("b", "y=20,30 told=6");
	scene_close(&scene);
	scene = (struct scene){0}; /* it is closed again after the test */
	planning_close(&planning);
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

/* The call is the batch's; afterwards its members have begun. */
static void members_say_what_their_batch_waits_for(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "rows", .batch_size = 2, .batch_window_ms = 200},
					  {.name = "b", .inputs = "rows"}};
	open_scene(steps, COUNT(steps), "b", JOIN_INNER);
	scene_send(&scene, "a", "x=[1]1,2");
	assert_int_equal(flow_standing(scene.flow, scene.messages[0]), STANDING_NONE);
	scene_send(&scene, "b", "x=[1]3,4");
	assert_int_equal(flow_standing(scene.flow, scene.messages[0]), STANDING_UNSENT);
	scene_reply(&scene, "rows", "y=[2]1,2");
	assert_int_equal(flow_standing(scene.flow, scene.messages[1]), STANDING_BEGUN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(messages_go_together_and_their_answer_is_cut_by_rows),
		SHOWS(a_batch_is_sent_when_its_window_has_passed),
		SHOWS(tensors_that_do_not_fit_together_wait_in_pots_of_their_own),
		SHOWS(a_failed_batch_fails_each_member),
		SHOWS(a_member_past_its_deadline_leaves_the_others_their_answer),
		SHOWS(a_batch_keeps_nothing_of_its_first_member),
		SHOWS(a_pot_that_all_have_left_is_not_sent),
		SHOWS(each_member_keeps_its_marks),
		SHOWS(members_say_what_their_batch_waits_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
