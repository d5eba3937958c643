/* move_notices_test.c: Tests of notices of moves: each is told once by a keeper, again by the next one with the same id, and to
 * each webhook, also when another one cannot take it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/keeper/move_notices.h"
#include "tests/unit/rollout_stand.h"

#define ACTIONS(urls) EXPERIMENT("10, 50") "  actions: [" urls "]\n"
#define FIRST "{type: webhook, url: \"https://a.example/x\", secret: \"env:SLUICE_SECRET_KEY\"}"
#define SECOND_OF_TWO "{url: \"https://b.example/x\"}"
#define SENT_MAX 32

struct sent_notice {
	char url[64], id[32], body[4096];
	int64_t number;
	size_t length;
};

static struct sent_notice sent[SENT_MAX];
static size_t sent_count;
static const char *refusing; /* an address that takes nothing; NULL: none */
static struct move_notices notices;
static int64_t pass_ms; /* monotonic; a look is made after each pause */

static bool notice_take(void *context, const struct move_action *action, const struct move_notice *notice, struct error *error)
{
	(void)context;
	if (refusing && action->url && strcmp(refusing, action->url) == 0)
		return error_set(error, ERROR_LIMIT, PLACE_NONE, "the queue is full");
	assert_true(sent_count < SENT_MAX && notice->body.length < sizeof sent->body);
	struct sent_notice *taken = &sent[sent_count++];
	*taken = (struct sent_notice){.number = notice->number, .length = notice->body.length};
	(void)snprintf(taken->url, sizeof taken->url, "%s", action->type == MOVE_WEBHOOK ? action->url : "a topic");
	(void)snprintf(taken->id, sizeof taken->id, "%s", notice->id);
	memcpy(taken->body, notice->body.bytes, notice->body.length);
	return true;
}

static bool look(void)
{
	struct error error = {0};
	return move_notices_look(&notices, keeper_ledger(table_stand.keeper), pass_ms += MOVE_PAUSE_MS, &error);
}

static int stand_open(void **state)
{
	const int code = rollout_stand_open(state);
	sent_count = 0;
	refusing = NULL;
	notices = (struct move_notices){.reader = table_stand.options.rollouts, .sender = {NULL, notice_take}};
	move_notices_begin(&notices, table_stand.now_ms);
	return code;
}

static int stand_close(void **state)
{
	move_notices_close(&notices);
	return table_stand_close(state);
}

static void each_move_is_told_once_in_its_order(void **state)
{
	(void)state;
	table_propose("Experiment", "e", ACTIONS(FIRST));
	assert_true(look() && look());
	assert_int_equal(sent_count, 1);
	assert_string_equal(sent[0].url, "https://a.example/x");
	assert_non_null(strstr(sent[0].body, "\"sentence\": \"Stage 1 begins at 10%: the rollout starts.\""));
	assert_non_null(strstr(sent[0].body, "\"experiment\": \"e\""));
	assert_non_null(strstr(sent[0].body, "\"move\": {\"move\": 1, "));
	assert_non_null(strstr(sent[0].body, sent[0].id));
	seconds_pass(&one, 22, 200, 0);
	assert_true(phase_is("promoted", 2));
	assert_true(look() && look());
	assert_int_equal(sent_count, 3);
	assert_true(sent[1].number == 2 && sent[2].number == 3);
	assert_non_null(strstr(sent[2].body, "Promoted: "));
	assert_string_not_equal(sent[1].id, sent[2].id);
}

static void the_next_keeper_tells_again_with_the_same_id_what_is_young(void **state)
{
	(void)state;
	table_propose("Experiment", "e", ACTIONS(FIRST));
	seconds_pass(&one, 11, 200, 0);
	assert_true(look());
	assert_int_equal(sent_count, 2);
	move_notices_begin(&notices, table_stand.now_ms);
	assert_true(look());
	assert_int_equal(sent_count, 4);
	assert_string_equal(sent[0].id, sent[2].id);
	assert_string_equal(sent[0].body, sent[2].body);
	assert_string_equal(sent[1].id, sent[3].id);
	move_notices_begin(&notices, move(1)->time_ms + MOVE_AGAIN_MS + 1);
	assert_true(look());
	assert_int_equal(sent_count, 5);
	assert_int_equal(sent[4].number, 2);
	move_notices_begin(&notices, move(2)->time_ms + MOVE_AGAIN_MS + 1);
	assert_true(look());
	assert_int_equal(sent_count, 5);
}

static void a_webhook_that_cannot_take_a_move_gets_it_later_and_others_at_once(void **state)
{
	(void)state;
	table_propose("Experiment", "e", ACTIONS(FIRST ", " SECOND_OF_TWO));
	refusing = "https://a.example/x";
	assert_false(look());
	seconds_pass(&one, 11, 200, 0);
	assert_false(look());
	assert_int_equal(sent_count, 2);
	for (int64_t i = 0; i < 2; i++)
		assert_true(strcmp(sent[i].url, "https://b.example/x") == 0 && sent[i].number == i + 1);
	refusing = NULL;
	assert_true(look());
	assert_int_equal(sent_count, 4);
	for (int64_t i = 2; i < 4; i++)
		assert_true(strcmp(sent[i].url, "https://a.example/x") == 0 && sent[i].number == i - 1);
}

/* The keeper would read the Experiment at each of its turns. */
static void a_notice_that_is_not_taken_is_tried_after_a_pause(void **state)
{
	(void)state;
	struct error error = {0};
	const struct ledger *ledger = keeper_ledger(table_stand.keeper);
	table_propose("Experiment", "e", ACTIONS(FIRST));
	refusing = "https://a.example/x";
	assert_false(look());
	refusing = NULL;
	assert_true(move_notices_look(&notices, ledger, pass_ms + MOVE_PAUSE_MS - 1, &error));
	assert_int_equal(sent_count, 0);
	assert_true(move_notices_look(&notices, ledger, pass_ms + MOVE_PAUSE_MS, &error));
	assert_int_equal(sent_count, 1);
}

static void another_version_repeats_what_one_of_its_actions_has_not_taken(void **state)
{
	(void)state;
	table_propose("Experiment", "e", ACTIONS(FIRST ", " SECOND_OF_TWO));
	assert_true(look());
	assert_int_equal(sent_count, 2);
	refusing = "https://a.example/x";
	seconds_pass(&one, 11, 200, 0);
	assert_false(look());
	assert_int_equal(sent_count, 3);
	table_propose("Experiment", "e", ACTIONS(SECOND_OF_TWO));
	assert_true(look());
	assert_int_equal(sent_count, 4);
	assert_string_equal(sent[3].id, sent[2].id);
	assert_true(look());
	assert_int_equal(sent_count, 4);
}

static void a_topic_gets_the_record_of_the_move(void **state)
{
	(void)state;
	struct control_move read;
	struct error error = {0};
	table_propose("Experiment", "e", ACTIONS("{type: topic}"));
	assert_true(look());
	assert_int_equal(sent_count, 1);
	struct arena *arena = arena_open(1 << 20);
	assert_true(record_decode(&move_form, (struct text){sent[0].body, sent[0].length}, arena, &read, &error));
	assert_true(text_is(read.experiment, "e") && read.number == 1 && read.time_ms == move(1)->time_ms);
	assert_true(text_equal(read.evidence, move(1)->evidence));
	arena_close(arena);
}

/* Its moves go on with their numbers. */
static void an_experiment_that_is_deleted_and_made_again_is_told_of_both(void **state)
{
	(void)state;
	table_propose("Experiment", "e", ACTIONS(FIRST));
	seconds_pass(&one, 11, 200, 0);
	assert_true(look());
	assert_int_equal(sent_count, 2);
	table_propose("Experiment", "e", NULL);
	control_pass(&table_stand, SECOND);
	one.table = -1;
	table_propose("Experiment", "e", ACTIONS(FIRST));
	assert_int_equal(rollout()->count, 4); /* no look was made in between */
	assert_true(look() && look());
	assert_int_equal(sent_count, 4);
	assert_true(sent[2].number == 3 && sent[3].number == 4);
	assert_non_null(strstr(sent[2].body, "Ended: version 2 deleted the experiment."));
	assert_string_not_equal(sent[3].id, sent[0].id);
}

static void moves_without_actions_are_not_told_when_actions_come(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	assert_true(look());
	table_propose("Experiment", "e", ACTIONS(FIRST));
	assert_true(look());
	assert_int_equal(sent_count, 0);
	assert_int_equal(command("e", "pause")->outcome, VERDICT_ACCEPTED);
	assert_true(look());
	assert_int_equal(sent_count, 1);
	assert_non_null(strstr(sent[0].body, "is paused"));
	table_propose("Experiment", "e", NULL);
	assert_true(look());
	assert_int_equal(sent_count, 1);
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, stand_open, stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(each_move_is_told_once_in_its_order),
		ON_STAND(the_next_keeper_tells_again_with_the_same_id_what_is_young),
		ON_STAND(a_webhook_that_cannot_take_a_move_gets_it_later_and_others_at_once),
		ON_STAND(a_notice_that_is_not_taken_is_tried_after_a_pause),
		ON_STAND(another_version_repeats_what_one_of_its_actions_has_not_taken),
		ON_STAND(a_topic_gets_the_record_of_the_move),
		ON_STAND(an_experiment_that_is_deleted_and_made_again_is_told_of_both),
		ON_STAND(moves_without_actions_are_not_told_when_actions_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
