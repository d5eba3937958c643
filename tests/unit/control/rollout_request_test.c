/* rollout_request_test.c: Tests of commands to rollouts: the keeper refuses one whose author has not seen the last move. */
#include "control/records/rollout_request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/rollout_stand.h"

#define APPROVED                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n  progressiveDeployment:\n    checkEvery: 1s\n"             \
	"    stages: [{weight: 10, duration: 10s, approve: true}, {weight: 30, duration: 1h}, {weight: 50, duration: 1h}]\n"

static const struct rollout_request promote = {"promote", {"me", 2}, {"r", 1}, ROLLOUT_SEEN_RECORDED};

static struct proposal_item item_of(const struct rollout_request *request)
{
	struct proposal_item item;
	struct error error = {0};
	if (!rollout_request_item(rollout(), request, &item, &error))
		fail_msg("%s", error.text);
	return item;
}

static const struct control_verdict *ask(struct proposal_item item, const struct rollout_request *request)
{
	return control_ask(&table_stand,
			   (struct proposal){.author = request->author, .reason = request->reason, .items = {1, &item}});
}

static void expect_refused(const struct control_verdict *verdict, const char *words)
{
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	if (!memmem(verdict->why.bytes, verdict->why.length, words, strlen(words)))
		fail_msg("`%s` is not in: " TEXT_FORMAT, words, TEXT_ARGUMENTS(verdict->why));
}

static void approval_waits(void)
{
	table_propose("Experiment", "e", APPROVED);
	seconds_pass(&one, 12, 200, 0);
	assert_true(phase_is("paused", 1) && rollout()->record.waiting);
}

static void two_approvals_at_once_pass_one_stage(void **state)
{
	(void)state;
	approval_waits();
	const struct rollout_request other = {"promote", {"you", 3}, {"s", 1}, ROLLOUT_SEEN_RECORDED};
	const struct proposal_item first = item_of(&promote), second = item_of(&other);
	assert_true(text_is(first.document, "approve"));
	assert_int_equal(ask(first, &promote)->outcome, VERDICT_ACCEPTED);
	expect_refused(ask(second, &other),
		       "the rollout of `e` has moved since move 2, the last that this command has seen: move 3");
	assert_true(phase_is("running", 2));
	moves_check(3);
	assert_true(text_is(item_of(&other).document, "promote")); /* who looks again may promote all of it */
	assert_int_equal(ask(item_of(&other), &other)->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("promoted", 2));
}

static void a_command_that_is_sent_again_is_done_once(void **state)
{
	struct proposal_item item;
	struct error error = {0};
	(void)state;
	approval_waits();
	const struct proposal_item sent = item_of(&promote);
	assert_int_equal(ask(sent, &promote)->outcome, VERDICT_ACCEPTED);
	expect_refused(ask(sent, &promote), "has moved since move 2");
	assert_false(rollout_request_item(rollout(), &promote, &item, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "the last move of `e`, 3, is this command of me already"));
	assert_non_null(strstr(error.text, "add --seen 3"));
	assert_true(phase_is("running", 2));
	struct rollout_request seen = promote;
	seen.seen = 3;
	assert_int_equal(ask(item_of(&seen), &seen)->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("promoted", 2));
	error = (struct error){0};
	assert_false(rollout_request_item(rollout(), &promote, &item, &error));
	assert_string_equal(error.text,
			    "the last move of `e`, 4, is this command of me already: the candidates have all the traffic");
}

static void expect_known(const struct rollout_request *request, const char *words)
{
	struct proposal_item item;
	struct error error = {0};
	assert_false(rollout_request_item(rollout(), request, &item, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	if (!strstr(error.text, words))
		fail_msg("`%s` is not in: %s", words, error.text);
}

/* A script that is run twice. */
static void a_promotion_that_is_repeated_after_other_moves_is_done_once(void **state)
{
	const struct rollout_request pause = {"pause", {"you", 3}, {"", 0}, ROLLOUT_SEEN_RECORDED};
	const struct rollout_request resume = {"resume", {"you", 3}, {"", 0}, ROLLOUT_SEEN_RECORDED};
	(void)state;
	approval_waits();
	assert_int_equal(ask(item_of(&promote), &promote)->outcome, VERDICT_ACCEPTED);
	assert_int_equal(ask(item_of(&pause), &pause)->outcome, VERDICT_ACCEPTED);
	expect_known(&promote, "as move 3 of `e`, which has made move 4 since; the last one: Stage 2 is paused at 30%");
	assert_int_equal(ask(item_of(&resume), &resume)->outcome, VERDICT_ACCEPTED);
	expect_known(&promote, "which has made moves 4 to 5 since; the last one: Stage 2 ");
	expect_known(&promote, "add --seen 5");
	struct rollout_request again = promote;
	again.reason = text_of("the next stage");
	assert_true(text_is(item_of(&again).document, "promote"));
	again = promote;
	again.seen = 5;
	assert_int_equal(ask(item_of(&again), &again)->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("promoted", 2));
}

static void expect_asked(const struct rollout_request *request)
{
	assert_int_equal(ask(item_of(request), request)->outcome, VERDICT_ACCEPTED);
}

/* Somebody else has done the opposite meanwhile. */
static void a_repeated_pause_or_resumption_does_not_undo_what_others_did(void **state)
{
	const struct rollout_request pause = {"pause", {"me", 2}, {"", 0}, ROLLOUT_SEEN_RECORDED};
	const struct rollout_request resume = {"resume", {"you", 3}, {"", 0}, ROLLOUT_SEEN_RECORDED};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	expect_asked(&pause);
	expect_refused(ask(item_of(&pause), &pause), "paused"); /* the last move: the state says it */
	expect_asked(&resume);
	expect_known(&pause, "as move 2 of `e`, which has made move 3 since; the last one: Stage 1 ");
	expect_known(&pause, "If it is to be paused again, give another --reason, or add --seen 3");
	struct rollout_request again = pause;
	again.reason = text_of("once more");
	expect_asked(&again);
	expect_known(&resume, "If it is to be resumed again, give another --reason, or add --seen 4");
	again = resume;
	again.seen = 4;
	expect_asked(&again);
	assert_true(phase_is("running", 1));
}

static void whoever_pauses_and_resumes_in_turns_is_not_asked_for_reasons(void **state)
{
	const struct rollout_request pause = {"pause", {"me", 2}, {"", 0}, ROLLOUT_SEEN_RECORDED};
	const struct rollout_request resume = {"resume", {"me", 2}, {"", 0}, ROLLOUT_SEEN_RECORDED};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	for (unsigned i = 0; i < 2; i++) {
		expect_asked(&pause);
		assert_true(phase_is("paused", 1));
		expect_asked(&resume);
		assert_true(phase_is("running", 1));
	}
}

static void a_new_rollout_may_be_promoted_as_the_one_before(void **state)
{
	(void)state;
	approval_waits();
	assert_int_equal(ask(item_of(&promote), &promote)->outcome, VERDICT_ACCEPTED);
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	assert_true(phase_is("running", 1));
	assert_int_equal(ask(item_of(&promote), &promote)->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("promoted", 1));
}

static void a_rollback_is_done_wherever_the_rollout_is(void **state)
{
	struct rollout_request rollback = {"rollback", {"me", 2}, {"r", 1}, ROLLOUT_SEEN_RECORDED};
	(void)state;
	approval_waits();
	const struct proposal_item sent = item_of(&rollback);
	assert_int_equal(ask(item_of(&promote), &promote)->outcome, VERDICT_ACCEPTED);
	rollback.seen = 2;
	expect_refused(ask(item_of(&rollback), &rollback), "has moved since move 2");
	assert_int_equal(ask(sent, &rollback)->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("rolledBack", 2));
}

static void a_pause_after_a_move_of_the_keeper_is_refused(void **state)
{
	const struct rollout_request pause = {"pause", {"me", 2}, {"r", 1}, ROLLOUT_SEEN_RECORDED};
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 3, 200, 0);
	const struct proposal_item sent = item_of(&pause);
	seconds_pass(&one, 9, 200, 0);
	assert_true(phase_is("running", 2));
	expect_refused(ask(sent, &pause), "move 2, at ");
	assert_int_equal(ask(item_of(&pause), &pause)->outcome, VERDICT_ACCEPTED);
}

/* As commands of former versions, which say nothing of it. */
static void a_command_that_has_seen_nothing_is_judged_by_the_state(void **state)
{
	(void)state;
	approval_waits();
	assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("running", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_approvals_at_once_pass_one_stage, rollout_stand_open, table_stand_close),
		cmocka_unit_test_setup_teardown(a_command_that_is_sent_again_is_done_once, rollout_stand_open, table_stand_close),
		cmocka_unit_test_setup_teardown(a_promotion_that_is_repeated_after_other_moves_is_done_once, rollout_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(a_repeated_pause_or_resumption_does_not_undo_what_others_did, rollout_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(whoever_pauses_and_resumes_in_turns_is_not_asked_for_reasons, rollout_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(a_new_rollout_may_be_promoted_as_the_one_before, rollout_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(a_rollback_is_done_wherever_the_rollout_is, rollout_stand_open, table_stand_close),
		cmocka_unit_test_setup_teardown(a_pause_after_a_move_of_the_keeper_is_refused, rollout_stand_open,
						table_stand_close),
		cmocka_unit_test_setup_teardown(a_command_that_has_seen_nothing_is_judged_by_the_state, rollout_stand_open,
						table_stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
