/* offspring_test.c: one message into many: each goes on and answers for itself, in order,
 * and they can be put together again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"

static int crowd_close(void **state)
{
	(void)state;
	arena_close(scene_arena);
	return 0;
}

/* ---- answers ---- */

static void each_part_answers_for_itself_in_their_order(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6,7");
	assert_int_equal(scene.call_count, 3);
	assert_true(text_is(scene.calls[1]->message->id, "a/1"));
	assert_true(text_is(scene.calls[1]->message->key, "key 6"));
	assert_int_equal(scene.calls[1]->message->time_ms, 1);
	reply_to(2, "y=70");
	reply_to(0, "y=50");
	assert_int_equal(scene.answer_count, 0);
	reply_to(1, "y=60");
	expect_order((const char *const[]){"a", "a/0", "a/1", "a/2"}, 4);
	expect_outcome("a", FLOW_PARTED);
	expect_tensors("a/0", "y=50");
	expect_tensors("a/1", "y=60");
	expect_tensors("a/2", "y=70");
	expect_all_over();
}

static void parts_may_leave_from_the_step_that_makes_them(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}};
	open_scene(steps, COUNT(steps), "s", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	expect_order((const char *const[]){"a", "a/0", "a/1"}, 3);
	expect_tensors("a/1", "x=6 k=6");
	expect_all_over();
}

static void a_part_that_fails_or_is_dropped_leaves_the_others_alone(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "f", .kind = &kind_sieves, .inputs = "s"}};
	open_scene(steps, COUNT(steps), "f", JOIN_INNER);
	scene_send(&scene, "a", "x=5,-1,100,6");
	expect_order((const char *const[]){"a", "a/0", "a/1", "a/2", "a/3"}, 5);
	expect_tensors("a/0", "x=5 k=5");
	expect_outcome("a/1", FLOW_DROPPED);
	expect_error("a/2", ERROR_INPUT, "too much");
	expect_tensors("a/3", "x=6 k=6");
	expect_all_over();
}

static void a_message_of_no_parts_is_dropped(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	scene_send(&scene, "a", "x= y=1");
	scene_send(&scene, "b", "x=1,2 drop=1");
	expect_outcome("a", FLOW_DROPPED);
	expect_outcome("b", FLOW_DROPPED);
	assert_int_equal(scene.answer_count, 2);
	expect_all_over();
}

static void a_step_that_fails_answers_for_the_message_and_makes_nothing(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	scene_send(&scene, "a", "x=1,2 bad=1");
	assert_int_equal(scene.answer_count, 1);
	expect_error("a", ERROR_INPUT, "a bad message");
	assert_int_equal(scene.call_count, 0);
	expect_all_over();
}

static void a_message_that_is_passed_on_stays_itself(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	scene_send(&scene, "a", "x=1,2 pass=1");
	scene_reply(&scene, "m", "y=1");
	assert_int_equal(scene.answer_count, 1);
	expect_tensors("a", "y=1");
	expect_all_over();
}

static void an_id_that_came_in_a_header_is_the_parts_own_there(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	const struct header headers[] = {{TEXT("x-user"), TEXT("me")}, {TEXT("X-Request-Id"), TEXT("a")}};
	struct message *message = scene_message(&scene, "a", "x=5,6");
	message->headers = (struct headers){2, headers};
	scene_enter(&scene, message);
	struct headers own = scene.calls[1]->message->headers;
	assert_true(text_is(headers_find(own, TEXT("x-request-id"))->value, "a/1"));
	assert_true(text_is(headers_find(own, TEXT("x-user"))->value, "me"));
	assert_ptr_equal(message_root(scene.calls[1]->message), message);
}

/* ---- what the message itself has ---- */

/* Each part meets what a step beside the split gives, whichever comes first. */
static void open_pending_join(enum join_type type)
{
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "m"},
					  {.name = "j", .kind = &kind_adds, .inputs = "s.x m.y", .type = type, .window_ms = 100}};
	open_scene(steps, COUNT(steps), "j", JOIN_INNER);
}

static void what_comes_of_a_step_beside_is_given_to_each_part(void **state)
{
	(void)state;
	open_pending_join(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	assert_int_equal(scene.answer_count, 0);
	scene_reply(&scene, "m", "y=1");
	expect_tensors("a/0", "x=5 y=1 j=6");
	expect_tensors("a/1", "x=6 y=1 j=7");
	expect_all_over();
}

static void what_came_before_the_split_is_given_to_each_part(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "b", .kind = &kind_adds},
					  {.name = "m"},
					  {.name = "s", .kind = &kind_splits, .inputs = "m"},
					  {.name = "j", .kind = &kind_adds, .inputs = "s.x b.b request.z"}};
	open_scene(steps, COUNT(steps), "j", JOIN_INNER);
	scene_send(&scene, "a", "z=1");
	scene_reply(&scene, "m", "x=5,6");
	expect_tensors("a/0", "x=5 b=2 z=1 j=6");
	expect_tensors("a/1", "x=6 b=2 z=1 j=7");
	expect_all_over();
}

static void what_fails_beside_fails_each_part(void **state)
{
	(void)state;
	open_pending_join(JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	scene_fail(&scene, "m", ERROR_REMOTE, "no server");
	expect_order((const char *const[]){"a", "a/0", "a/1"}, 3);
	expect_error("a/0", ERROR_REMOTE, "no server");
	expect_error("a/1", ERROR_REMOTE, "no server");
	expect_all_over();
}

static void a_part_that_ended_early_waits_for_nothing_beside(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits},
					  {.name = "f", .kind = &kind_sieves, .inputs = "s"},
					  {.name = "m"},
					  {.name = "j", .kind = &kind_adds, .inputs = "f.x m.y"}};
	scene_open(&scene, graph_made(scene_arena, steps, COUNT(steps), "j", JOIN_INNER), scene_arena, true);
	scene_send(&scene, "a", "x=-1,100,5");
	scene_reply(&scene, "m", "y=1");
	expect_order((const char *const[]){"a", "a/0", "a/1", "a/2"}, 4);
	expect_outcome("a/0", FLOW_DROPPED);
	expect_error("a/1", ERROR_INPUT, "too much");
	expect_tensors("a/2", "x=5 y=1 j=6");
	expect_all_over();
}

static void a_join_of_parts_waits_its_window_for_what_is_beside(void **state)
{
	(void)state;
	open_pending_join(JOIN_OUTER);
	scene_send(&scene, "a", "x=5,6");
	scene_advance(&scene, 99);
	assert_int_equal(scene.answer_count, 0);
	scene_advance(&scene, 100);
	scene_reply(&scene, "m", "y=1");
	expect_tensors("a/0", "x=5 j=6");
	expect_tensors("a/1", "x=6 j=7");
	expect_all_over();
}

static void without_parts_a_join_has_what_is_beside(void **state)
{
	(void)state;
	open_pending_join(JOIN_OUTER);
	scene_send(&scene, "a", "x=5,6 drop=1");
	scene_reply(&scene, "m", "y=1");
	expect_tensors("a", "y=1 j=2");
	scene_send(&scene, "b", "x=5 bad=1");
	scene_reply(&scene, "m", "y=1");
	expect_tensors("b", "y=1 j=2");
}

/* ---- ends ---- */

static void past_the_deadline_parts_without_an_answer_fail(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	struct message *message = scene_message(&scene, "a", "x=5,6");
	message->deadline_ms = 50;
	scene_enter(&scene, message);
	reply_to(1, "y=60");
	scene_advance(&scene, 50);
	expect_order((const char *const[]){"a", "a/0", "a/1"}, 3);
	expect_error("a/0", ERROR_LIMIT, "the deadline of the request has passed before its answer was ready: step `m` waited for");
	expect_tensors("a/1", "y=60");
	assert_int_equal(scene.forgotten, 1);
	expect_all_over();
}

static void a_message_is_abandoned_with_its_parts(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	struct message *message = scene_message(&scene, "a", "x=5,6");
	scene_enter(&scene, message);
	flow_abandon(scene.flow, message);
	assert_int_equal(scene.forgotten, 2);
	assert_int_equal(scene.finished_count, 0);
	assert_int_equal(flow_due_ms(scene.flow), INT64_MAX);
}

static bool is_void(const struct message *message)
{
	return text_is(message->id, "void");
}

static void expect_void(void *context, struct message *message)
{
	(void)context;
	assert_true(is_void(message));
}

static void void_messages_are_given_up_with_their_parts(void **state)
{
	(void)state;
	static const char *const ids[] = {"a", "void", "b", "void"};
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s"}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	for (size_t i = 0; i < COUNT(ids); i++)
		scene_enter(&scene, scene_message(&scene, ids[i], "x=5,6"));
	flow_abandon_void(scene.flow, is_void, expect_void);
	assert_int_equal(scene.forgotten, 4);
	for (size_t i = 0; i < 4; i++)
		scene_reply(&scene, "m", "y=1");
	assert_int_equal(scene.finished_count, 2);
	assert_int_equal(flow_due_ms(scene.flow), INT64_MAX);
}

static void without_an_output_the_first_failure_of_a_part_is_told(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "f", .kind = &kind_sieves, .inputs = "s"}};
	open_scene(steps, COUNT(steps), NULL, JOIN_INNER);
	scene_send(&scene, "a", "x=5,100");
	assert_int_equal(scene.answer_count, 1);
	expect_outcome("a", FLOW_NO_ANSWER);
	expect_error("a", ERROR_INPUT, "too much");
	expect_all_over();
}

static void parts_go_through_a_step_in_one_batch(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits}, {.name = "m", .inputs = "s", .batch_size = 3}};
	open_scene(steps, COUNT(steps), "m", JOIN_INNER);
	scene_send(&scene, "a", "x=5,6");
	scene_send(&scene, "b", "x=7");
	assert_int_equal(scene.call_count, 1);
	scene_reply(&scene, "m", "y=50,60,70");
	expect_tensors("a/0", "y=50");
	expect_tensors("a/1", "y=60");
	expect_tensors("b/0", "y=70");
	expect_all_over();
}

/* ---- how many ---- */

static size_t crowd;

static enum step_verdict crowds_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	for (size_t i = 0; i < crowd; i++)
		if (!visit_offspring(visit, TEXT("one"), (struct text){0}, 0, visit_input(visit), error))
			return STEP_FAIL;
	return STEP_DONE;
}

static void crowds(const struct step *step, struct step_facts *facts)
{
	(void)step;
	facts->makes_offspring = true;
}

static const struct step_kind kind_crowds = {.name = "crowds", .describe = crowds, .run = crowds_run};

static enum step_verdict passes_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step, (void)error;
	visit_pass(visit);
	return STEP_DONE;
}

static const struct step_kind kind_passes = {.name = "passes", .run = passes_run};

static size_t answered_count;

static void count_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct error *error = context;
	answered_count = 0;
	for (const struct offspring *offspring = message->offspring; offspring; offspring = offspring->next)
		answered_count += offspring->outcome == FLOW_ANSWER;
	*error = outcome == FLOW_ANSWER && answer->error ? *answer->error : (struct error){0};
}

static struct error run_crowd(size_t count, size_t arena_bytes)
{
	const struct made_step steps[] = {{.name = "s", .kind = &kind_crowds}, {.name = "t", .kind = &kind_passes, .inputs = "s"}};
	struct error error = {0}, refused = {0};
	const struct flow_environment environment = {.context = &error, .finished = count_finished};
	struct flow *flow = flow_open(graph_made(scene_arena, steps, COUNT(steps), "t", JOIN_INNER), &environment, &refused);
	struct message message = {.arena = arena_open(arena_bytes), .id = TEXT("a")};
	message.payload = *payload_made(message.arena, "x=1");
	crowd = count;
	assert_true(flow_enter(flow, &message, 0, &refused));
	arena_close(message.arena);
	assert_int_equal(flow_due_ms(flow), INT64_MAX);
	flow_close(flow);
	return error;
}

static void a_message_has_as_many_parts_as_the_limit_says(void **state)
{
	(void)state;
	struct error error = run_crowd(OFFSPRING_MAX, (size_t)1 << 28);
	assert_int_equal(error.kind, ERROR_NONE);
	assert_int_equal(answered_count, OFFSPRING_MAX);
	error = run_crowd(OFFSPRING_MAX + 1, (size_t)1 << 28);
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "more than 10000 messages of one"));
	assert_int_equal(answered_count, 0);
}

static void a_message_whose_parts_do_not_fit_is_answered_once(void **state)
{
	(void)state;
	for (size_t bytes = (size_t)1 << 14; bytes < (size_t)1 << 18; bytes += 4099) {
		struct error error = run_crowd(100, bytes);
		if (error.kind == ERROR_NONE) {
			assert_int_equal(answered_count, 100);
			continue;
		}
		assert_int_equal(error.kind, ERROR_LIMIT);
		assert_int_equal(answered_count, 0);
	}
}

/* ---- what is remembered ---- */

static int64_t kept(uint32_t scope, const char *key)
{
	struct text value;
	int64_t count = -1;
	if (store_read(scene.store, scope, text_of(key), &value))
		memcpy(&count, value.bytes, sizeof count);
	return count;
}

static void open_remembering(void)
{
	const struct made_step steps[] = {{.name = "m"},
					  {.name = "s", .kind = &kind_splits, .inputs = "m"},
					  {.name = "p", .inputs = "s"},
					  {.name = "n", .kind = &kind_counts, .inputs = "p"}};
	open_scene(steps, COUNT(steps), "n", JOIN_INNER);
	scene_keep(&scene);
}

static void parts_come_to_a_step_that_remembers_in_their_order(void **state)
{
	(void)state;
	open_remembering();
	scene_send(&scene, "a", "z=1");
	scene_send(&scene, "b", "z=1");
	reply_to(1, "x=7,7"); /* b is split first */
	reply_to(0, "x=7,8,7");
	reply_to(2, "k=7"); /* all of b's */
	reply_to(3, "k=7");
	assert_int_equal(scene.answer_count, 0);
	reply_to(6, "k=7"); /* of a's the last first */
	reply_to(5, "k=8");
	assert_int_equal(scene.answer_count, 0);
	reply_to(4, "k=7");
	expect_tensors("a/0", "k=7 n=1");
	expect_tensors("a/1", "k=8 n=1");
	expect_tensors("a/2", "k=7 n=2");
	expect_tensors("b/0", "k=7 n=3");
	expect_tensors("b/1", "k=7 n=4");
	assert_int_equal(scene.released, 2);
	assert_int_equal(kept(0, "key 7"), 4);
	assert_int_equal(kept(0, "key 8"), 1);
	expect_all_over();
}

static void a_part_that_fails_lets_those_behind_it_pass(void **state)
{
	(void)state;
	open_remembering();
	scene_send(&scene, "a", "z=1");
	scene_send(&scene, "b", "z=1");
	reply_to(1, "x=7");
	reply_to(0, "x=7,7");
	reply_to(2, "k=7");
	reply_to(4, "k=7");
	scene_fail(&scene, "p", ERROR_REMOTE, "no server");
	expect_error("a/0", ERROR_REMOTE, "no server");
	expect_tensors("a/1", "k=7 n=1");
	expect_tensors("b/0", "k=7 n=2");
	assert_int_equal(scene.released, 2);
}

static void a_message_without_parts_lets_those_behind_it_pass(void **state)
{
	(void)state;
	open_remembering();
	scene_send(&scene, "a", "z=1");
	scene_send(&scene, "b", "z=1");
	reply_to(1, "x=7");
	reply_to(2, "k=7");
	assert_int_equal(scene.answer_count, 0);
	reply_to(0, "x=7 drop=1");
	expect_outcome("a", FLOW_DROPPED);
	expect_tensors("b/0", "k=7 n=1");
	assert_int_equal(scene.released, 2);
	expect_all_over();
}

static void a_step_that_remembers_makes_parts_and_fails_without_a_trace(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "s", .kind = &kind_splits_and_counts},
					  {.name = "g", .kind = &kind_gathers, .inputs = "s.n>x"},
					  {.name = "n", .kind = &kind_counts, .inputs = "request g.n>m"}};
	open_scene(steps, COUNT(steps), "n", JOIN_INNER);
	scene_keep(&scene);
	scene_send(&scene, "a", "x=7,7,8 k=1");
	scene_send(&scene, "b", "x=7,8 k=1 bad=1");
	scene_send(&scene, "c", "x=7 k=1");
	expect_error("b", ERROR_INPUT, "a bad message");
	expect_tensors("a", "x=7,7,8 k=1 m=3 n=1");
	expect_tensors("c", "x=7 k=1 m=1 n=2");
	assert_int_equal(kept(0, "key 7"), 3);
	assert_int_equal(kept(0, "key 8"), 1);
	assert_int_equal(scene.released, 3);
	expect_all_over();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)
	const struct CMUnitTest tests[] = {
		TEST(each_part_answers_for_itself_in_their_order),
		TEST(parts_may_leave_from_the_step_that_makes_them),
		TEST(a_part_that_fails_or_is_dropped_leaves_the_others_alone),
		TEST(a_message_of_no_parts_is_dropped),
		TEST(a_step_that_fails_answers_for_the_message_and_makes_nothing),
		TEST(a_message_that_is_passed_on_stays_itself),
		TEST(an_id_that_came_in_a_header_is_the_parts_own_there),
		TEST(what_comes_of_a_step_beside_is_given_to_each_part),
		TEST(what_came_before_the_split_is_given_to_each_part),
		TEST(what_fails_beside_fails_each_part),
		TEST(a_part_that_ended_early_waits_for_nothing_beside),
		TEST(a_join_of_parts_waits_its_window_for_what_is_beside),
		TEST(without_parts_a_join_has_what_is_beside),
		TEST(past_the_deadline_parts_without_an_answer_fail),
		TEST(a_message_is_abandoned_with_its_parts),
		TEST(void_messages_are_given_up_with_their_parts),
		TEST(without_an_output_the_first_failure_of_a_part_is_told),
		TEST(parts_go_through_a_step_in_one_batch),
		TEST(parts_come_to_a_step_that_remembers_in_their_order),
		TEST(a_part_that_fails_lets_those_behind_it_pass),
		TEST(a_message_without_parts_lets_those_behind_it_pass),
		TEST(a_step_that_remembers_makes_parts_and_fails_without_a_trace),
	};
#define CROWD(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, crowd_close)
	const struct CMUnitTest crowds_of_parts[] = {
		CROWD(a_message_has_as_many_parts_as_the_limit_says),
		CROWD(a_message_whose_parts_do_not_fit_is_answered_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) + cmocka_run_group_tests(crowds_of_parts, NULL, NULL);
}
