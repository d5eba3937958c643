/* experiment_fallback_test.c: Tests of the time that a candidate has if the default is to answer for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/flow_scene.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define EXPERIMENT                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"                     \
	"  candidates: [{name: old, weight: 70}, {name: new, weight: 30}]\n  overrides: {k: new, l: old}\n"
#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec: {output: {steps: [s]}, steps: [{name: s, experiment: {name: e}}]}\n"

static struct planning planning;

#define ALONE                                                                                                                      \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  candidates: [{name: new, weight: 1}, {name: old, weight: 0}]\n"

static void open_experiment(const char *yaml)
{
	planning_open(&planning, yaml);
	scene_open(&scene, planning.graph, scene_arena, false);
}

static void close_experiment(void)
{
	scene_close(&scene);
	scene = (struct scene){0}; /* it is closed again after the test */
	planning_close(&planning);
}

/* The call of a request with that deadline, whose unit determines the candidate. */
static struct call *call_of(const char *unit, int64_t deadline_ms, const char *candidate)
{
	struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
	message->key = text_of(unit);
	message->deadline_ms = deadline_ms;
	scene_enter(&scene, message);
	return scene_call(&scene, candidate);
}

/* The default has the other half of the time that is left when the candidate is called, and what the candidate did not use. */
static void a_candidate_has_half_of_the_time_if_the_default_is_to_answer(void **state)
{
	static const struct {
		int64_t deadline_ms, candidate_ms;
	} rows[] = {{110, 60}, {12, 11}, {11, 11}, {0, 0}};
	(void)state;
	open_experiment(EXPERIMENT "  fallback: default\n" PIPELINE);
	scene_advance(&scene, 10);
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(call_deadline_ms(call_of("k", rows[i].deadline_ms, "new")), rows[i].candidate_ms);
		scene_fail(&scene, "new", ERROR_LIMIT, "the deadline passed before the model answered");
		assert_int_equal(call_deadline_ms(scene_call(&scene, "old")), rows[i].deadline_ms);
		scene_reply(&scene, "old", "y=7");
	}
	close_experiment();
}

/* A caller ends only calls that it has sent: of one that waits in line, or in a batch, it tells nothing. */
static void the_default_is_called_when_the_candidate_has_had_its_time(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT "  fallback: default\n" PIPELINE);
	scene_advance(&scene, 10);
	struct call *call = call_of("k", 110, "new");
	call->where = CALL_IN_LINE;
	scene_advance(&scene, 59);
	assert_string_equal(call->name, "new");
	scene_advance(&scene, 60);
	assert_string_equal(call->name, "old");
	assert_int_equal(call_deadline_ms(call), 110);
	scene_reply(&scene, "old", "y=7");
	close_experiment();
}

/* The caller has a moment to tell that a call which it has sent is over: its model's breaker learns from that. */
static void a_call_that_was_sent_ends_by_itself_first(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT "  fallback: default\n" PIPELINE);
	struct call *call = call_of("k", 100, "new");
	call->where = CALL_SENT;
	scene_advance(&scene, 50);
	assert_string_equal(call->name, "new");
	scene_advance(&scene, 55);
	assert_string_equal(call->name, "old");
	scene_reply(&scene, "old", "y=7");
	close_experiment();
}

static void a_call_that_has_no_fallback_has_all_of_the_time(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT "  fallback: default\n" PIPELINE);
	assert_int_equal(call_deadline_ms(call_of("l", 100, "old")), 100); /* of the default itself */
	scene_reply(&scene, "old", "y=7");
	close_experiment();
	open_experiment(EXPERIMENT PIPELINE);
	assert_int_equal(call_deadline_ms(call_of("k", 100, "new")), 100);
	scene_reply(&scene, "new", "y=7");
	close_experiment();
}

/* Without a deadline too, nobody waits for a candidate that is away. */
static void a_call_of_a_candidate_does_not_wait_for_its_model_if_the_default_is_to_answer(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT "  fallback: default\n" PIPELINE);
	struct call *call = call_of("k", 0, "new");
	assert_true(call->outage_fails);
	scene_fail(&scene, "new", ERROR_REMOTE, "it is unreachable");
	assert_string_equal(call->name, "old");
	assert_false(call->outage_fails); /* nobody is left to answer in its place */
	scene_reply(&scene, "old", "y=7");
	assert_false(call_of("l", 0, "old")->outage_fails);
	scene_reply(&scene, "old", "y=7");
	close_experiment();
	open_experiment(EXPERIMENT PIPELINE);
	assert_false(call_of("k", 0, "new")->outage_fails);
	scene_reply(&scene, "new", "y=7");
	close_experiment();
}

static void candidate_leaves(void)
{
	open_experiment(EXPERIMENT PIPELINE);
	scene.away = "new";
	scene.back_ms = 100000;
	call_of("k", 0, "new")->where = CALL_IN_LINE;
	scene_advance(&scene, 29999);
	assert_false(scene_call(&scene, "new")->outage_fails);
}

/* As many requests as may be in flight would wait for it, and those of the others behind them. */
static void a_candidate_that_stays_unreachable_is_an_error_until_it_is_back(void **state)
{
	(void)state;
	candidate_leaves();
	scene_advance(&scene, 30000);
	assert_true(scene_call(&scene, "new")->outage_fails);
	scene_fail(&scene, "new", ERROR_REMOTE, "it is unreachable");
	assert_int_equal(scene.answers[0].kind, ERROR_REMOTE);
	assert_true(call_of("k", 0, "new")->outage_fails);
	scene_fail(&scene, "new", ERROR_REMOTE, "it is unreachable");
	assert_false(call_of("l", 0, "old")->outage_fails);
	scene_reply(&scene, "old", "y=7");
	assert_true(call_of("k", 0, "new")->outage_fails);
	scene_reply(&scene, "new", "y=7");
	assert_false(call_of("k", 0, "new")->outage_fails);
	scene_reply(&scene, "new", "y=7");
	close_experiment();
}

/* A call that was sent ends by its time-out, and one with a deadline by that. */
static void a_candidate_that_may_reply_keeps_its_requests(void **state)
{
	(void)state;
	candidate_leaves();
	scene_call(&scene, "new")->where = CALL_SENT;
	scene_advance(&scene, 60000);
	assert_false(scene_call(&scene, "new")->outage_fails);
	scene_reply(&scene, "new", "y=7");
	call_of("k", 200000, "new")->where = CALL_IN_LINE;
	scene_advance(&scene, 95000);
	assert_false(scene_call(&scene, "new")->outage_fails);
	scene_reply(&scene, "new", "y=7");
	close_experiment();
}

/* The default is awaited as any model; and so is a candidate while no other can be reached. */
static void the_default_is_awaited_as_any_model(void **state)
{
	(void)state;
	open_experiment(EXPERIMENT PIPELINE);
	scene.away = "old";
	scene.back_ms = 100000;
	call_of("l", 0, "old")->where = CALL_IN_LINE;
	scene_advance(&scene, 90000);
	assert_false(scene_call(&scene, "old")->outage_fails);
	scene_reply(&scene, "old", "y=7");
	close_experiment();
	open_experiment(ALONE PIPELINE);
	scene.away = "new";
	scene.back_ms = 100000;
	call_of("k", 0, "new")->where = CALL_IN_LINE;
	scene_advance(&scene, 90000);
	assert_false(scene_call(&scene, "new")->outage_fails);
	scene_reply(&scene, "new", "y=7");
	close_experiment();
}

/* In a pipeline that is a candidate it is so for all calls, and for a batch if none of its members can wait. */
static void calls_of_a_message_that_cannot_wait_do_not_wait(void **state)
{
	static const bool rows[][2] = {{true, true}, {true, false}, {false, true}, {false, false}};
	(void)state;
	open_experiment("apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
			"spec: {output: {steps: [s]}, steps: [{name: s, model: {name: old}, batch: {size: 2, window: 1s}}]}\n");
	for (size_t i = 0; i < COUNT(rows); i++) {
		for (size_t j = 0; j < 2; j++) {
			struct message *message =
				scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
			message->outage_fails = rows[i][j];
			scene_enter(&scene, message);
		}
		assert_int_equal(scene_call(&scene, "old")->outage_fails, rows[i][0] && rows[i][1]);
		scene_reply(&scene, "old", "y=7,8");
	}
	close_experiment();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_candidate_has_half_of_the_time_if_the_default_is_to_answer),
		TEST(the_default_is_called_when_the_candidate_has_had_its_time),
		TEST(a_call_that_was_sent_ends_by_itself_first),
		TEST(a_call_that_has_no_fallback_has_all_of_the_time),
		TEST(a_call_of_a_candidate_does_not_wait_for_its_model_if_the_default_is_to_answer),
		TEST(a_candidate_that_stays_unreachable_is_an_error_until_it_is_back),
		TEST(a_candidate_that_may_reply_keeps_its_requests),
		TEST(the_default_is_awaited_as_any_model),
		TEST(calls_of_a_message_that_cannot_wait_do_not_wait),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
