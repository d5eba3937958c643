/* rollout_waits_test.c: Tests of what a rollout counts of calls that wait in a queue of the engine, before their model gets them.
 */
#include "tests/unit/rollout_board_stand.h"

static void slow_expect(uint64_t calls, uint64_t errors)
{
	const struct rollout_variant *variant = counted("new");
	assert_true(variant->calls == calls && variant->errors == errors);
	assert_true(variant->slower[0].calls == calls && variant->slower[1].calls == calls);
}

/* The requests that came in an outage of Kafka are taken at once, and each waits for those before it: that is no latency of a
 * candidate. Its own time begins when its model gets the call. */
static void what_a_call_waits_in_line_is_no_latency_of_its_candidate(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	struct call *call = scene_call(&scene, "new");
	for (int64_t now_ms = 5; now_ms <= 5000; now_ms += 5) { /* the largest limit is 20 ms */
		scene_advance(&scene, now_ms);
		call->waited_ms = now_ms;
	}
	slow_expect(0, 0);
	assert_int_equal(flow_waited_ms(scene.flow, scene.messages[0]), 5000); /* which a pipeline that called it leaves out */
	call->where = CALL_SENT;
	scene_advance(&scene, 5005);
	scene_reply(&scene, "new", "y=1");
	assert_int_equal(scene.messages[0]->waited_ms, 5000);
	assert_int_equal(counted("new")->calls, 1);
	assert_int_equal(counted("new")->slower[0].calls + counted("new")->slower[1].calls, 0);
	board_close();
}

/* However long it waited before: it is found to be slow while its call goes on. */
static void a_candidate_that_is_slow_after_a_wait_in_line_is_slow(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	struct call *call = scene_call(&scene, "new");
	scene_advance(&scene, 15);
	call->waited_ms = 15;
	call->where = CALL_SENT;
	scene_advance(&scene, 35);
	slow_expect(0, 0);
	scene_advance(&scene, 36);
	slow_expect(1, 0);
	scene_reply(&scene, "new", "y=1");
	slow_expect(1, 0);
	board_close();
}

/* A candidate that is away for less than half a second has kept nobody waiting, however long a call stood in line before. */
static void an_outage_of_a_moment_is_no_error_of_a_call_that_stood_in_line(void **state)
{
	(void)state;
	board_open();
	table_set(100, 7);
	(void)enter("k", 0);
	struct call *call = scene_call(&scene, "new");
	for (int64_t now_ms = 5; now_ms <= 5400; now_ms += 5) {
		scene.away = now_ms >= 4990 ? "new" : NULL;
		scene.back_ms = INT64_MAX;
		call->waited_ms = now_ms < 4990 ? now_ms : 4990;
		scene_advance(&scene, now_ms);
	}
	assert_int_equal(counted("new")->errors, 0);
	for (int64_t now_ms = 5405; now_ms <= 6500; now_ms += 5)
		scene_advance(&scene, now_ms);
	assert_int_equal(counted("new")->errors, 1);
	board_close();
}

#define ON_GROUND(test) cmocka_unit_test_setup_teardown(test, flow_scene_open, flow_scene_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_GROUND(what_a_call_waits_in_line_is_no_latency_of_its_candidate),
		ON_GROUND(a_candidate_that_is_slow_after_a_wait_in_line_is_slow),
		ON_GROUND(an_outage_of_a_moment_is_no_error_of_a_call_that_stood_in_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
