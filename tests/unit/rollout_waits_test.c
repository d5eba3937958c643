/* rollout_waits_test.c: Tests of what a rollout counts of calls that wait in a queue of the engine, before their model gets them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "experiments/rollout_board.h"
#include "flow_scene.h"
#include "letters.h"
#include "message/assigned.h"
#include "message/rows.h"
#include "planning.h"

#include <cmocka.h>

#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define EXPERIMENT EXPERIMENT_OF("")
#define EXPERIMENT_OF(more)                                                                                                        \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"                                            \
	"spec:\n  default: old\n  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                \
	"  progressiveDeployment: {enabled: true, schedule: [10, 50]" more "}\n"

static struct planning planning;
static const int64_t limits[] = {5000, 20000};

static void board_open_of(const char *yaml)
{
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	scene_rollouts = rollout_board_open();
	assert_non_null(scene_rollouts);
	scene_open(&scene, planning.graph, scene_arena, false);
}

static void board_open(void)
{
	board_open_of(EXPERIMENT PIPELINE);
}

static void board_close(void)
{
	scene_close(&scene);
	scene = (struct scene){0};
	rollout_board_close(scene_rollouts);
	scene_rollouts = NULL;
	planning_close(&planning);
}

/* The table of that version, which gives `new` so many percent. */
static bool table_set_of(double percent, int64_t version, const char *second, size_t limit_count, struct error *error)
{
	const struct share shares[] = {{"old", 100 - percent}, {second, percent}};
	const struct assignment *made = assignment_make(scene_arena, "e", shares, 2);
	struct buffer packed;
	buffer_open(&packed, ASSIGNMENT_BUCKETS);
	assignment_pack(made, &packed);
	const struct share recorded[] = {{"old", ASSIGNMENT_BUCKETS * (100 - percent) / 100},
					 {second, ASSIGNMENT_BUCKETS * percent / 100}};
	const struct assignment_table table = {
		.choice = "e", .version = version, .count = 2, .shares = recorded, .packed = buffer_view(&packed)};
	const bool good = rollout_board_set(scene_rollouts, &table, 1, limits, limit_count, error);
	buffer_close(&packed);
	return good;
}

static void table_set(double percent, int64_t version)
{
	struct error error = {0};
	assert_true(table_set_of(percent, version, "new", 2, &error));
}

/* Enters a message whose call waits for a reply; returns who has it. */
static const struct assigned *enter(const char *key, int64_t deadline_ms)
{
	struct message *message = scene_message(&scene, arena_print(scene_arena, "m%zu", scene.message_count), "x=1");
	message->key = text_of(key);
	message->deadline_ms = deadline_ms;
	scene_enter(&scene, message);
	return message->assigned;
}

static const struct rollout_variant *counted(const char *name)
{
	const struct rollout_reading *readings;
	size_t count;
	assert_true(rollout_board_read(scene_rollouts, scene_arena, &readings, &count));
	assert_int_equal(count, 1);
	for (size_t i = 0; i < readings->count; i++)
		if (strcmp(readings->variants[i].name, name) == 0)
			return &readings->variants[i];
	return NULL;
}

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
