/* outage_test.c: Tests of outages: the windows of joins while models cannot be reached. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/flow_scene.h"

#define WINDOW_MS 1000

static void model_is_away(const char *model, int64_t back_ms)
{
	scene.away = model;
	scene.back_ms = back_ms;
}

static void expect_answered(const char *id)
{
	const struct noted_answer *answer = scene_answer(&scene, id);
	assert_non_null(answer);
	assert_string_equal(answer->error, "");
}

/* Through all moments at which something is due. */
static void advance_to(int64_t now_ms)
{
	for (int64_t due_ms; (due_ms = flow_due_ms(scene.flow)) <= now_ms;)
		scene_advance(&scene, due_ms);
	scene_advance(&scene, now_ms);
}

/* `c` joins `a` and `b`; what it gives is the answer. */
static void open_joined(enum join_type type)
{
	const struct made_step steps[] = {
		{.name = "a"},
		{.name = "b"},
		{.name = "c", .kind = &kind_adds, .inputs = "a b", .type = type, .window_ms = WINDOW_MS},
	};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
}

static void the_window_of_an_inner_join_stands_still_while_its_model_is_away(void **state)
{
	(void)state;
	open_joined(JOIN_INNER);
	model_is_away("b", 100 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(100 * WINDOW_MS + 7);
	assert_null(scene_answer(&scene, "m"));
	scene_reply(&scene, "b", "y=2");
	expect_answered("m");
	expect_all_finished();
}

static void when_the_model_is_back_the_window_begins_anew(void **state)
{
	(void)state;
	open_joined(JOIN_INNER);
	model_is_away("b", 5 * WINDOW_MS / 2);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(7 * WINDOW_MS / 2 - 1);
	assert_null(scene_answer(&scene, "m"));
	advance_to(7 * WINDOW_MS / 2);
	expect_error("m", ERROR_LIMIT, "join window of 1000 ms of step `c` has passed, and `b`");
	expect_all_finished();
}

static void the_window_stands_still_for_triggers_too(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "a"},
		{.name = "b"},
		{.name = "c", .kind = &kind_adds, .inputs = "a", .triggers = "b", .window_ms = WINDOW_MS},
	};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("b", 3 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(3 * WINDOW_MS);
	scene_reply(&scene, "b", "y=2");
	expect_answered("m");
}

static void the_window_of_the_output_stands_still_too(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}};
	open_scene(steps, COUNT(steps), "a b", JOIN_INNER);
	model_is_away("b", 200000);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(200000);
	scene_reply(&scene, "b", "y=2");
	expect_tensors("m", "x=1 y=2");
}

static void an_outer_join_keeps_its_window(void **state)
{
	(void)state;
	open_joined(JOIN_OUTER);
	model_is_away("b", 100 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(WINDOW_MS - 1);
	assert_null(scene_answer(&scene, "m"));
	advance_to(WINDOW_MS);
	expect_answered("m");
}

static void one_is_enough(const struct step *step, struct step_facts *facts)
{
	(void)step;
	facts->quorum = (struct quorum){.need = 1, .within_ms = WINDOW_MS / 10};
}

/* As `combine` with `need` and `within` does. */
static void a_step_that_needs_only_some_keeps_the_time_within_which_it_waits_for_the_others(void **state)
{
	(void)state;
	static const struct merge_rules rules;
	const struct step_kind kind = {
		.name = "combines", .run = kind_adds.run, .merges = &rules, .describe = one_is_enough};
	const struct made_step steps[] = {
		{.name = "a"}, {.name = "b"}, {.name = "c", .kind = &kind, .inputs = "a b", .window_ms = WINDOW_MS}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("b", 100 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(WINDOW_MS / 10 - 1);
	assert_null(scene_answer(&scene, "m"));
	advance_to(WINDOW_MS / 10);
	expect_answered("m");
}

static void a_step_that_takes_any_does_not_wait_for_a_model_that_is_away(void **state)
{
	(void)state;
	open_joined(JOIN_ANY);
	model_is_away("b", 100 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	expect_answered("m");
}

/* The trigger is late by what it needs; the inputs, which could do with less, get no more time by that. */
static void an_outer_join_whose_trigger_waits_out_an_outage_counts_from_its_first_part(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"},
					  {.name = "b"},
					  {.name = "t"},
					  {.name = "c",
					   .kind = &kind_adds,
					   .inputs = "a b",
					   .type = JOIN_OUTER,
					   .triggers = "t",
					   .triggers_type = JOIN_INNER,
					   .window_ms = WINDOW_MS}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("t", 2 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(2 * WINDOW_MS + 5);
	scene_reply(&scene, "t", "y=2");
	expect_answered("m");
}

static void a_deadline_ends_the_request_all_the_same(void **state)
{
	(void)state;
	open_joined(JOIN_INNER);
	model_is_away("b", 100 * WINDOW_MS);
	struct message *message = scene_message(&scene, "m", "x=1");
	message->deadline_ms = 3 * WINDOW_MS;
	scene_enter(&scene, message);
	scene_reply(&scene, "a", "x=1");
	advance_to(3 * WINDOW_MS);
	expect_error("m", ERROR_LIMIT, "the deadline of the request has passed");
	expect_all_finished();
}

static void an_outage_elsewhere_holds_no_window(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"},
					  {.name = "b"},
					  {.name = "z"},
					  {.name = "c", .kind = &kind_adds, .inputs = "a b", .window_ms = WINDOW_MS},
					  {.name = "d", .kind = &kind_adds, .inputs = "c z"}};
	open_scene(steps, COUNT(steps), "d", JOIN_INNER);
	model_is_away("z", 100 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(WINDOW_MS);
	expect_error("m", ERROR_LIMIT, "step `c` has passed, and `b`");
}

static void an_outage_further_up_counts_also_when_it_is_over(void **state)
{
	(void)state;
	const struct made_step steps[] = {
		{.name = "a"},
		{.name = "b"},
		{.name = "b2", .inputs = "b"},
		{.name = "c", .kind = &kind_adds, .inputs = "a b2", .window_ms = WINDOW_MS},
	};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("b", 5 * WINDOW_MS);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(5 * WINDOW_MS);
	scene_reply(&scene, "b", "y=2");
	advance_to(5 * WINDOW_MS + WINDOW_MS / 2);
	scene_reply(&scene, "b2", "y=2");
	expect_answered("m");
	expect_all_finished();
}

static void an_outage_within_the_window_counts_from_its_end(void **state)
{
	(void)state;
	open_joined(JOIN_INNER);
	model_is_away("b", WINDOW_MS - 10);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(2 * WINDOW_MS - 11);
	assert_null(scene_answer(&scene, "m"));
	advance_to(2 * WINDOW_MS - 10);
	expect_error("m", ERROR_LIMIT, "and `b`");
}

static void a_short_window_is_looked_at_now_and_then(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"}, {.name = "b"}, {.name = "c", .inputs = "a b", .window_ms = 1}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("b", 100000);
	scene_send(&scene, "m", "x=1");
	scene_reply(&scene, "a", "x=1");
	int looks = 0;
	for (int64_t due_ms; (due_ms = flow_due_ms(scene.flow)) <= 10000; looks++)
		scene_advance(&scene, due_ms);
	assert_true(looks > 2 && looks < 50);
}

static void members_of_a_batch_wait_for_its_model(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"},
					  {.name = "b", .batch_size = 2, .batch_window_ms = 10},
					  {.name = "b2", .inputs = "b"},
					  {.name = "c", .kind = &kind_adds, .inputs = "a b2", .window_ms = WINDOW_MS}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("b", 5 * WINDOW_MS);
	scene_send(&scene, "m", "x=[1]1");
	scene_send(&scene, "n", "x=[1]2");
	scene_reply(&scene, "a", "x=1");
	scene_reply(&scene, "a", "x=1");
	advance_to(5 * WINDOW_MS);
	scene_reply(&scene, "b", "y=[2]1,2");
	advance_to(5 * WINDOW_MS + WINDOW_MS / 2);
	scene_reply(&scene, "b2", "y=1");
	scene_reply(&scene, "b2", "y=1");
	expect_answered("m");
	expect_answered("n");
	expect_all_finished();
}

/* Offspring wait at `b`, their parent for what they are put together to. */
static void a_join_waits_for_the_offspring_of_its_message(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"},
					  {.name = "s", .kind = &kind_splits},
					  {.name = "b", .inputs = "s"},
					  {.name = "g", .kind = &kind_gathers, .inputs = "b"},
					  {.name = "b2", .inputs = "g"},
					  {.name = "c", .kind = &kind_adds, .inputs = "a b2", .window_ms = WINDOW_MS}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	model_is_away("b", 5 * WINDOW_MS);
	scene_send(&scene, "m", "x=1,2");
	scene_reply(&scene, "a", "x=1");
	advance_to(5 * WINDOW_MS);
	assert_null(scene_answer(&scene, "m"));
	scene_reply(&scene, "b", "x=7");
	scene_reply(&scene, "b", "x=8");
	advance_to(5 * WINDOW_MS + WINDOW_MS / 2);
	scene_reply(&scene, "b2", "y=1");
	expect_answered("m");
	expect_all_finished();
}

/* `n` takes messages in their order. The first waits for the model that is away, the others wait for the first. */
static void whoever_waits_behind_a_message_in_its_partition_waits_out_its_outage(void **state)
{
	(void)state;
	const struct made_step steps[] = {{.name = "a"},
					  {.name = "b"},
					  {.name = "n", .kind = &kind_asks_and_counts, .inputs = "b"},
					  {.name = "c", .kind = &kind_adds, .inputs = "a n", .window_ms = WINDOW_MS}};
	open_scene(steps, COUNT(steps), "c", JOIN_INNER);
	scene_keep(&scene);
	model_is_away("n", 5 * WINDOW_MS);
	for (int i = 0; i < 3; i++) {
		scene_send(&scene, i == 0 ? "m0" : i == 1 ? "m1" : "m2", "k=1");
		scene_reply(&scene, "a", "x=1");
		scene_reply(&scene, "b", "k=1");
	}
	advance_to(5 * WINDOW_MS);
	assert_int_equal(scene.answer_count, 0);
	scene_reply(&scene, "n", "k=1");
	advance_to(5 * WINDOW_MS + WINDOW_MS / 3);
	scene_reply(&scene, "n", "k=1");
	advance_to(5 * WINDOW_MS + 2 * WINDOW_MS / 3);
	scene_reply(&scene, "n", "k=1");
	expect_answered("m0");
	expect_answered("m1");
	expect_answered("m2");
	expect_all_finished();
}

static void what_a_message_has_waited_out_is_told_while_it_is_inside(void **state)
{
	(void)state;
	open_joined(JOIN_INNER);
	model_is_away("b", 50);
	scene_send(&scene, "m", "x=1");
	const struct message *message = scene.messages[0];
	scene.now_ms = 20;
	assert_int_equal(flow_outage_ms(scene.flow, message), 20);
	scene.now_ms = 70;
	assert_int_equal(flow_outage_ms(scene.flow, message), 50);
	scene_reply(&scene, "b", "y=2");
	assert_int_equal(flow_outage_ms(scene.flow, message), 50);
	scene_reply(&scene, "a", "x=1");
	assert_int_equal(flow_outage_ms(scene.flow, message), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_window_of_an_inner_join_stands_still_while_its_model_is_away),
		TEST(when_the_model_is_back_the_window_begins_anew),
		TEST(the_window_stands_still_for_triggers_too),
		TEST(the_window_of_the_output_stands_still_too),
		TEST(an_outer_join_keeps_its_window),
		TEST(a_step_that_needs_only_some_keeps_the_time_within_which_it_waits_for_the_others),
		TEST(a_step_that_takes_any_does_not_wait_for_a_model_that_is_away),
		TEST(an_outer_join_whose_trigger_waits_out_an_outage_counts_from_its_first_part),
		TEST(a_deadline_ends_the_request_all_the_same),
		TEST(an_outage_elsewhere_holds_no_window),
		TEST(an_outage_further_up_counts_also_when_it_is_over),
		TEST(an_outage_within_the_window_counts_from_its_end),
		TEST(a_short_window_is_looked_at_now_and_then),
		TEST(members_of_a_batch_wait_for_its_model),
		TEST(a_join_waits_for_the_offspring_of_its_message),
		TEST(whoever_waits_behind_a_message_in_its_partition_waits_out_its_outage),
		TEST(what_a_message_has_waited_out_is_told_while_it_is_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
