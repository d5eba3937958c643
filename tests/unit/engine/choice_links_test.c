/* choice_links_test.c: Tests of what a stage passes on with a message, for the stage that answers: choices that rollouts count, and
 * exposures. */
#include "engine/outputs/choice_links.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "experiments/rollouts/rollout_board.h"
#include "flow/rollout_choices.h"
#include "message/records/assigned.h"
#include "message/records/carried.h"
#include "engine/outputs/exposures.h"
#include "engine/worker/parts.h"

#define ARENA_BYTES ((size_t)1 << 20)

static struct arena *arena;
static struct buffer room;
static struct rollout_board *board;
static struct graph_part part;
static struct graph graph;
static struct stage_config config;
static struct worker worker;
static struct worker_stage stage;

static int parts_open(void **state)
{
	struct error error = {0};
	(void)state;
	arena = arena_open(ARENA_BYTES);
	buffer_open(&room, ARENA_BYTES);
	board = rollout_board_open();
	part = (struct graph_part){.judges = true, .onward = 1};
	graph = (struct graph){.part = &part, .has_output = true};
	config = (struct stage_config){.graph = &graph, .rollouts = board};
	worker = (struct worker){.loop = loop_open(&error)};
	stage = (struct worker_stage){.config = &config, .worker = &worker};
	return arena && board && worker.loop ? 0 : -1;
}

static int parts_close(void **state)
{
	(void)state;
	loop_close(worker.loop);
	rollout_board_close(board);
	buffer_close(&room);
	arena_close(arena);
	return 0;
}

static const struct carried to_both = {.next = 3}, to_the_other = {.next = 1};

static struct inflight passed(const struct carried *carried)
{
	return (struct inflight){.stage = &stage,
				 .outcome = FLOW_PASSED,
				 .message = {.arena = arena, .id = TEXT("r-1"), .carried = carried, .origin = {TEXT("in"), 0, 3}}};
}

static void what_another_stage_is_judged_by_comes_there(void **state)
{
	struct inflight from = passed(&to_both), to = passed(NULL);
	const struct exposure_feature features[] = {{TEXT("x"), 2.5}};
	const struct assigned one = {.experiment = TEXT("e"),
				     .variant = TEXT("new"),
				     .unit = TEXT("a\tunit\nof lines"),
				     .reason = ASSIGNED_STAGE,
				     .probability = 0.5,
				     .feature_count = 1,
				     .features = features,
				     .layer = TEXT("l"),
				     .stage = 2,
				     .exposed = true};
	const struct assigned bare = {
		.experiment = TEXT("e"), .variant = TEXT("new"), .reason = ASSIGNED_STAGE, .probability = 0.5};
	const struct rollout_choice choice = {.entry = rollout_board_entry(board, "e"),
					      .of = &from.message,
					      .table = 7,
					      .index = 1,
					      .cell = 9,
					      .took_us = 1500,
					      .failed = true,
					      .is_slow = true};
	struct text choices;
	struct error error = {0};
	(void)state;
	assert_non_null(assigned_add(&from.message, &one));
	assert_non_null(rollout_choice_add(&choice));
	assert_false(exposure_is_written(&from, from.message.assigned));
	assert_true(choice_links_write(&from, &room, &choices, &error));
	assert_non_null(assigned_add(&to.message, &bare));
	assert_true(choice_links_read(&to, choices));
	const struct assigned *entry = to.message.assigned;
	assert_true(text_equal(entry->unit, one.unit) && entry->exposed && entry->stage == 2 && text_is(entry->layer, "l"));
	assert_true(entry->feature_count == 1 && text_is(entry->features[0].name, "x") && entry->features[0].value == 2.5);
	const struct rollout_choice *came = to.message.rollouts;
	assert_non_null(came);
	assert_true(!came->next && came->entry == choice.entry && came->of == &to.message);
	assert_true(came->table == 7 && came->index == 1 && came->cell == 9 && came->took_us == 1500 && came->failed &&
		    came->is_slow);
}

static void table_set(void)
{
	const struct share shares[] = {{"old", 50}, {"new", 50}};
	const struct assignment *made = assignment_make(arena, "e", shares, 2);
	static const int64_t limits[] = {5000};
	struct buffer packed;
	struct error error = {0};
	buffer_open(&packed, ASSIGNMENT_BUCKETS);
	assignment_pack(made, &packed);
	const struct share recorded[] = {{"old", ASSIGNMENT_BUCKETS / 2}, {"new", ASSIGNMENT_BUCKETS / 2}};
	const struct assignment_table table = {
		.choice = "e", .version = 7, .count = 2, .shares = recorded, .packed = buffer_view(&packed)};
	assert_true(rollout_board_set(board, &table, 1, limits, 1, &error));
	buffer_close(&packed);
}

static const struct rollout_variant *counted(size_t index)
{
	const struct rollout_reading *readings;
	size_t count;
	assert_true(rollout_board_read(board, arena, &readings, &count) && count == 1);
	return &readings->variants[index];
}

/* Where it does not go to the stage that answers, the exposure stays where it was chosen, and its call alone is counted. */
static void what_goes_elsewhere_takes_nothing_along(void **state)
{
	struct inflight from = passed(&to_the_other);
	const struct assigned one = {.experiment = TEXT("e"), .variant = TEXT("new"), .exposed = true};
	const struct rollout_choice choice = {
		.entry = rollout_board_entry(board, "e"), .of = &from.message, .table = 7, .index = 1, .took_us = 9000};
	struct text choices;
	struct error error = {0};
	(void)state;
	table_set();
	assert_non_null(assigned_add(&from.message, &one));
	assert_non_null(rollout_choice_add(&choice));
	assert_true(exposure_is_written(&from, from.message.assigned));
	assert_true(choice_links_write(&from, &room, &choices, &error));
	assert_int_equal(choices.length, 0);
	choice_links_count(&from, 0);
	assert_null(from.message.rollouts);
	assert_true(counted(1)->calls == 1 && counted(1)->errors == 0 && counted(1)->slower[0].calls == 1);
}

/* In a stage before a join nobody knows what becomes of the request: its own call has failed, or not. */
static void before_a_join_own_calls_are_counted(void **state)
{
	(void)state;
	part = (struct graph_part){.onward = STEP_NONE};
	table_set();
	for (int failed = 0; failed < 2; failed++) {
		struct inflight from = passed(&to_both);
		const struct rollout_choice choice = {.entry = rollout_board_entry(board, "e"),
						      .of = &from.message,
						      .table = 7,
						      .index = 1,
						      .took_us = 1000,
						      .call_failed = failed};
		assert_non_null(rollout_choice_add(&choice));
		choice_links_count(&from, 0);
		assert_int_equal(counted(1)->calls, failed + 1);
		assert_int_equal(counted(1)->errors, failed);
	}
	assert_int_equal(counted(1)->slower[0].calls, 0);
}

/* One that fails there is answered there. */
static void a_request_that_ends_before_a_join_is_counted_by_its_end(void **state)
{
	struct error failure = {.kind = ERROR_REMOTE};
	struct inflight from = passed(&to_both);
	const struct rollout_choice choice = {
		.entry = rollout_board_entry(board, "e"), .of = &from.message, .table = 7, .index = 1, .took_us = 1000};
	(void)state;
	part = (struct graph_part){.onward = STEP_NONE};
	from.outcome = FLOW_ANSWER;
	from.answer.error = &failure;
	table_set();
	assert_non_null(rollout_choice_add(&choice));
	choice_links_count(&from, 0);
	assert_int_equal(counted(1)->errors, 1);
}

static void what_cannot_be_read_is_left_out(void **state)
{
	static const char *const broken[] = {"choice\te\t1", "choice\te\t1\t1\t65535\t1\t0\n", "exposure\t99\nshort",
					     "exposure\t2\nxy", "junk\n\n\t\t"};
	(void)state;
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		struct inflight to = passed(NULL);
		assert_true(choice_links_read(&to, text_of(broken[i])));
		assert_null(to.message.rollouts);
	}
}

int main(void)
{
#define OF_PARTS(test) cmocka_unit_test_setup_teardown(test, parts_open, parts_close)
	const struct CMUnitTest tests[] = {
		OF_PARTS(what_another_stage_is_judged_by_comes_there),
		OF_PARTS(what_goes_elsewhere_takes_nothing_along),
		OF_PARTS(before_a_join_own_calls_are_counted),
		OF_PARTS(a_request_that_ends_before_a_join_is_counted_by_its_end),
		OF_PARTS(what_cannot_be_read_is_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
