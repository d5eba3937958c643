/* parts_test.c: Tests of the collection of parts: messages that were split are joined again, level by level, also when a part
 * is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"

/* ---- together again ---- */

static void open_join_state(enum join_type type)
{
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "m", .inputs = "s"},
					  {.name = "f", .kind = &kind_sieves, .inputs = "m"},
					  {.name = "g", .kind = &kind_gathers, .inputs = "f", .type = type}};
	open_scene(steps, COUNT(steps), "g", JOIN_INNER);
}

static void parts_are_put_together_in_their_order(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6,7");
	reply_to(2, "x=70");
	reply_to(0, "x=50");
	reply_to(1, "x=60");
	assert_int_equal(scene.answer_count, 1);
	expect_tensors("a", "x=50,60,70 n=3");
	expect_all_over();
}

static void a_part_that_is_dropped_is_left_out(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6,7");
	reply_to(1, "x=-1");
	reply_to(0, "x=50");
	reply_to(2, "x=70");
	expect_tensors("a", "x=50,70 n=2");
	expect_all_over();
}

static void a_part_that_fails_fails_the_whole_by_its_name(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6,7");
	reply_to(2, "x=100");
	reply_to(1, "x=200");
	reply_to(0, "x=50");
	assert_int_equal(scene.answer_count, 1);
	expect_error("a", ERROR_INPUT, "part `a/1` failed: too much");
	expect_all_over();
}

static void an_outer_join_leaves_out_what_failed(void **state)
{
	(void)state;
	open_join_state(JOIN_OUTER);
	scene_send(&scene, "a", "x=5,6");
	reply_to(1, "x=100");
	reply_to(0, "x=50");
	expect_tensors("a", "x=50 n=1");
	scene_send(&scene, "b", "x=5,6");
	reply_to(2, "x=100");
	reply_to(3, "x=200");
	expect_error("b", ERROR_INPUT, "part `b/0` failed: too much");
	expect_all_over();
}

static void when_all_parts_are_dropped_the_whole_is(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	reply_to(0, "x=-1");
	reply_to(1, "x=-1");
	assert_int_equal(scene.answer_count, 1);
	expect_outcome("a", FLOW_DROPPED);
	expect_all_over();
}

static void no_parts_are_put_together_to_an_empty_whole(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x= y=1");
	expect_tensors("a", "x= n=0");
	expect_all_over();
}

static void a_message_that_was_passed_on_is_the_only_part(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=1,2 pass=1");
	reply_to(0, "x=9");
	expect_tensors("a", "x=9 n=1");
	expect_all_over();
}

static void a_failed_split_fails_the_whole(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=1,2 bad=1");
	expect_error("a", ERROR_INPUT, "a bad message");
	scene_send(&scene, "b", "x=1,2 drop=1");
	expect_outcome("b", FLOW_DROPPED);
	expect_all_over();
}

/* Parts of parts: inner ones come together first. */
static void parts_are_split_further_and_come_together_level_by_level(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "m", .inputs = "s"},
					  {.name = "t", .kind = &kind_splits, .inputs = "m"},
					  {.name = "tg", .kind = &kind_gathers, .inputs = "t"},
					  {.name = "g", .kind = &kind_gathers, .inputs = "tg"}};
	open_scene(steps, COUNT(steps), "g", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	reply_to(1, "x=7,8,9");
	reply_to(0, "x=1,2");
	expect_tensors("a", "x=1,7 n=2");
	expect_all_over();
}

static void parts_of_parts_answer_in_the_order_of_those_they_are_of(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "m", .inputs = "s"},
					  {.name = "t", .kind = &kind_splits, .inputs = "m"}};
	open_scene(steps, COUNT(steps), "t", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6,7");
	reply_to(2, "x=1 drop=1");
	reply_to(1, "x=7,8");
	reply_to(0, "x=1");
	expect_order((const char *const[]){"a", "a/0/0", "a/1/0", "a/1/1", "a/2"}, 5);
	expect_tensors("a/1/1", "x=8 k=8");
	expect_outcome("a/2", FLOW_DROPPED);
	expect_all_over();
}

static void parts_may_read_the_whole_that_was_made_of_them(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "g", .kind = &kind_gathers, .inputs = "s"},
					  {.name = "j", .kind = &kind_adds, .inputs = "s.x g.n"}};
	open_scene(steps, COUNT(steps), "j", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	expect_tensors("a/0", "x=5 n=2 j=6");
	expect_tensors("a/1", "x=6 n=2 j=7");
	expect_all_over();
}

static void past_the_deadline_a_whole_is_answered_once(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	struct message *message = scene_message(&scene, "a", "x=5,6");
	message->deadline_ms = 50;
	scene_enter(&scene, message);
	reply_to(1, "x=60");
	scene_advance(&scene, 50);
	assert_int_equal(scene.answer_count, 1);
	expect_error("a", ERROR_LIMIT, "the deadline of the request has passed before its answer was ready: step `m` waited for");
	expect_all_over();
}

static void once_the_whole_has_failed_its_parts_are_not_waited_for(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "m", .inputs = "s"},
					  {.name = "g", .kind = &kind_gathers, .inputs = "m"},
					  {.name = "f", .kind = &kind_asks},
					  {.name = "j", .kind = &kind_adds, .inputs = "g f"}};
	open_scene(steps, COUNT(steps), "j", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	scene_fail(&scene, "f", ERROR_REMOTE, "no server");
	expect_error("a", ERROR_REMOTE, "no server");
	assert_int_equal(scene.forgotten, 2);
	expect_all_over();
}

static void a_flow_closes_over_parts_that_wait(void **state)
{
	(void)state;
	open_join_state(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	scene_send(&scene, "b", "x=5,6");
	reply_to(0, "x=1");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)
	const struct CMUnitTest tests[] = {
		TEST(parts_are_put_together_in_their_order),
		TEST(a_part_that_is_dropped_is_left_out),
		TEST(a_part_that_fails_fails_the_whole_by_its_name),
		TEST(an_outer_join_leaves_out_what_failed),
		TEST(when_all_parts_are_dropped_the_whole_is),
		TEST(no_parts_are_put_together_to_an_empty_whole),
		TEST(a_message_that_was_passed_on_is_the_only_part),
		TEST(a_failed_split_fails_the_whole),
		TEST(parts_are_split_further_and_come_together_level_by_level),
		TEST(parts_of_parts_answer_in_the_order_of_those_they_are_of),
		TEST(parts_may_read_the_whole_that_was_made_of_them),
		TEST(past_the_deadline_a_whole_is_answered_once),
		TEST(once_the_whole_has_failed_its_parts_are_not_waited_for),
		TEST(a_flow_closes_over_parts_that_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
