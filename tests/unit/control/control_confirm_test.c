/* control_confirm_test.c: Tests of stages that a webhook confirms: the keeper's questions and what their answers do, and the asker
 * with receivers that say yes, no, later, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "control/keeper/confirm_asker.h"
#include "tests/unit/rollout_stand.h"
#include "tests/unit/web_receiver.h"
#include "tools/view/report/rollout_view.h"

#define AWAIT_MS 20000 /* far more than anything takes */
#define LOOK_MS 5
#define STAGES                                                                                                                     \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                      \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n"                                                          \
	"  progressiveDeployment:\n    checkEvery: 1s\n    stages:\n"                                                             \
	"    - {weight: 10, duration: 10s, confirm: 'http://127.0.0.1:%d/ask', confirmTimeout: %s, confirmSecret: %s}\n"           \
	"    - {weight: 50, duration: 10s}\n"                                                                                     \
	"  promotionPolicy: {automatic: true}\n"

static struct network loopback;
static const struct notifier_settings settings = {.allowed = &loopback, .allowed_count = 1};
static struct confirm_asker asker;
static struct loop *loop;

/* The first stage ends, and waits. */
static void rollout_wait(int port, const char *timeout, const char *secret)
{
	const char *document = arena_print(table_stand.arena, STAGES, port, timeout, secret);
	table_propose("Experiment", "e", document);
	seconds_pass(&one, 11, 200, 0);
	assert_true(phase_is("paused", 1) && rollout()->record.waiting);
	moves_check(2);
}

static struct keeper_question question_expect(void)
{
	struct keeper_question question, other;
	assert_true(keeper_question(table_stand.keeper, 0, &question));
	assert_false(keeper_question(table_stand.keeper, 1, &other));
	return question;
}

static bool is_asked(void)
{
	struct keeper_question question;
	return keeper_question(table_stand.keeper, 0, &question);
}

static void answer_give(int64_t move, bool yes, const char *reason)
{
	struct error error = {0};
	assert_true(keeper_answer(table_stand.keeper, TEXT("e"), move, yes, text_of(reason), table_stand.now_ms, &error));
	control_commit(&table_stand);
}

/* The status of the rollout has both. */
static void status_expect(const char *first, const char *second)
{
	struct buffer out;
	buffer_open(&out, 1 << 16);
	rollout_view_print(keeper_ledger(table_stand.keeper), rollout(), false, table_stand.arena, &out);
	buffer_byte(&out, '\0');
	assert_false(buffer_failed(&out));
	if (!strstr(out.bytes, first) || !strstr(out.bytes, second))
		fail_msg("%s", out.bytes);
	buffer_close(&out);
}

/* ---- the keeper ---- */

static void a_yes_begins_the_next_stage(void **state)
{
	(void)state;
	rollout_wait(1, "1m", "'env:SLUICE_SECRET_KEY'");
	const struct keeper_question question = question_expect();
	assert_string_equal(question.experiment, "e");
	assert_string_equal(question.url, "http://127.0.0.1:1/ask");
	assert_string_equal(question.secret, "env:SLUICE_SECRET_KEY");
	assert_true(question.timeout_ms == 60000 && question.move->number == 2);
	assert_true(text_is(move(2)->sentence, "Stage 1 is paused at 10%: all rules hold, and it waits for an approval. Its "
					       "webhook at 127.0.0.1:1 is asked for it, for at most 1m."));
	assert_true(evidence_has(2, "\"asks\": \"127.0.0.1:1\", \"asksFor\": \"1m\""));
	status_expect(" until it is approved: its webhook at 127.0.0.1:1 is asked since ", ", for at most 1m (");
	answer_give(2, true, "");
	assert_true(phase_is("running", 2));
	assert_true(text_is(move(3)->sentence, "Stage 2 begins at 50%: the webhook of stage 1 confirms it."));
	assert_true(evidence_has(3, "\"command\": \"confirm\""));
	assert_int_equal(move(3)->moved, 4000);
	assert_false(is_asked());
	seconds_pass(&one, 11, 200, 0);
	assert_true(phase_is("promoted", 2)); /* stage 2 has no webhook */
}

static void a_no_is_recorded_and_leaves_the_stage_to_somebody(void **state)
{
	(void)state;
	rollout_wait(1, "1m", "'env:SLUICE_SECRET_KEY'");
	answer_give(2, false, "it answered 403");
	assert_true(phase_is("paused", 1) && rollout()->record.waiting);
	status_expect(" until it is approved (`sluice experiments promote`)", "");
	assert_true(text_is(move(3)->reason, "it answered 403"));
	assert_true(text_is(move(3)->sentence,
			    "Stage 1 is paused at 10%: its webhook does not confirm it, and it waits for an approval."));
	assert_false(is_asked());
	control_keeper_start(&table_stand); /* nor does the next keeper ask */
	control_pass(&table_stand, 6 * SECOND);
	assert_false(is_asked());
	assert_int_equal(command("e", "decline")->outcome, VERDICT_REFUSED);
	assert_int_equal(command("e", "confirm")->outcome, VERDICT_REFUSED);
	assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
	assert_true(phase_is("running", 2));
	moves_check(4);
}

static void the_next_keeper_asks_again(void **state)
{
	(void)state;
	rollout_wait(1, "1m", "'env:SLUICE_SECRET_KEY'");
	control_keeper_start(&table_stand);
	control_pass(&table_stand, SECOND);
	assert_int_equal(question_expect().move->number, 2);
	answer_give(2, true, "");
	assert_true(phase_is("running", 2));
	moves_check(3);
}

static void an_answer_that_comes_too_late_does_nothing(void **state)
{
	(void)state;
	rollout_wait(1, "1m", "'env:SLUICE_SECRET_KEY'");
	answer_give(1, true, ""); /* of another move */
	assert_true(phase_is("paused", 1));
	assert_int_equal(command("e", "rollback")->outcome, VERDICT_ACCEPTED);
	assert_false(is_asked());
	answer_give(2, true, "");
	answer_give(2, false, "no");
	assert_true(phase_is("rolledBack", 1));
	moves_check(3);
}

#define EXPERIMENT_OF(rollout, policy)                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                      \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n  progressiveDeployment: " rollout                          \
	"\n  promotionPolicy: " policy "\n"

static void the_webhook_of_a_policy_is_asked_before_the_promotion(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      EXPERIMENT_OF("{schedule: [10, 50], every: 10s, checkEvery: 1s}",
				    "{automatic: true, confirm: 'https://h.example/policy', confirmTimeout: 5s}"));
	seconds_pass(&one, 12, 200, 0);
	assert_true(phase_is("running", 2) && !is_asked());
	seconds_pass(&one, 10, 200, 0);
	assert_true(phase_is("paused", 2));
	assert_string_equal(question_expect().url, "https://h.example/policy");
	assert_int_equal(question_expect().timeout_ms, 5000);
	answer_give(3, true, "");
	assert_true(phase_is("promoted", 2));
	assert_true(text_is(move(4)->sentence, "Promoted: the webhook of stage 2 confirms it."));
}

static void the_webhook_of_the_last_stage_is_asked_instead_of_that_of_the_policy(void **state)
{
	(void)state;
	table_propose("Experiment", "e",
		      EXPERIMENT_OF("{checkEvery: 1s, stages: [{weight: 10, duration: 10s, confirm: 'https://h.example/stage'}]}",
				    "{automatic: true, confirm: 'https://h.example/policy'}"));
	seconds_pass(&one, 11, 200, 0);
	assert_string_equal(question_expect().url, "https://h.example/stage");
}

/* ---- the asker ---- */

/* Asks, and takes the answer. */
static bool asker_await(struct text *reason)
{
	struct confirm_answer answer = {0};
	struct asked_question *answered = NULL;
	for (const int64_t until_ms = clock_ms() + AWAIT_MS; !answered;) {
		struct error error = {0};
		const int64_t begin_ms = clock_ms();
		assert_true(begin_ms < until_ms);
		assert_true(confirm_asker_look(&asker, table_stand.keeper, &settings, loop, &error));
		answered = confirm_asker_take(&asker, &answer);
		assert_true(clock_ms() - begin_ms < 500); /* the keeper does not wait */
		assert_true(answered || loop_turn(loop, LOOK_MS, &error));
	}
	assert_true(text_is(answer.experiment, "e") && answer.move == 2);
	*reason = text_copied(table_stand.arena, answer.reason);
	confirm_asker_release(answered);
	return answer.yes;
}

static void a_webhook_confirms_by_a_status_of_success(void **state)
{
	(void)state;
	struct text reason;
	struct web_receiver *receiver = web_receiver_open(ANSWERS);
	rollout_wait(receiver->port, "1m", "'env:SLUICE_SECRET_CONFIRM'");
	setenv("SLUICE_SECRET_CONFIRM", "key", 1);
	assert_true(asker_await(&reason));
	assert_int_equal(reason.length, 0);
	assert_int_equal(receiver->count, 1);
	assert_int_equal(strncmp(receiver->heard[0], "POST /ask ", 10), 0);
	assert_non_null(strstr(receiver->heard[0], "\"sentence\": \"Stage 1 is paused at 10%: all rules hold"));
	assert_non_null(web_receiver_id(receiver, 0));
	assert_non_null(web_receiver_header(receiver, 0, "X-Sluice-Signature: sha256="));
	web_receiver_close(receiver);
}

static void a_webhook_that_is_busy_is_asked_again(void **state)
{
	(void)state;
	struct text reason;
	struct web_receiver *receiver = web_receiver_open(IS_BUSY_ONCE);
	rollout_wait(receiver->port, "1m", "null");
	assert_true(asker_await(&reason));
	assert_int_equal(receiver->count, 2);
	assert_string_equal(web_receiver_id(receiver, 0), web_receiver_id(receiver, 1));
	web_receiver_close(receiver);
}

static void a_webhook_that_refuses_says_no_at_once(void **state)
{
	(void)state;
	struct text reason;
	struct web_receiver *receiver = web_receiver_open(REFUSES);
	rollout_wait(receiver->port, "1m", "null");
	assert_false(asker_await(&reason));
	assert_non_null(memmem(reason.bytes, reason.length, "404", 3));
	assert_int_equal(receiver->count, 1);
	web_receiver_close(receiver);
}

/* Where it leads to, a page to log in may answer 200. */
static void a_webhook_that_sends_elsewhere_says_no(void **state)
{
	(void)state;
	struct text reason;
	struct web_receiver *receiver = web_receiver_open(REDIRECTS_ONCE);
	rollout_wait(receiver->port, "1m", "null");
	assert_false(asker_await(&reason));
	assert_non_null(memmem(reason.bytes, reason.length, "302", 3));
	assert_int_equal(receiver->count, 1);
	web_receiver_close(receiver);
}

static void a_webhook_that_stays_busy_says_no_with_its_status(void **state)
{
	(void)state;
	struct text reason;
	struct web_receiver *receiver = web_receiver_open(IS_BUSY_ONCE);
	rollout_wait(receiver->port, "1s", "null");
	assert_false(asker_await(&reason));
	assert_true(text_is(reason, "it did not confirm within 1000 ms: the receiver answers 503; see its log"));
	web_receiver_close(receiver);
}

static void a_webhook_that_is_silent_says_no_at_the_end_of_the_timeout(void **state)
{
	(void)state;
	struct text reason;
	struct web_receiver *hanging = web_receiver_open(HANGS_ONCE);
	rollout_wait(hanging->port, "1s", "null");
	const int64_t begin_ms = clock_ms();
	assert_false(asker_await(&reason));
	assert_true(clock_ms() - begin_ms >= 1000 && clock_ms() - begin_ms < POST_MS / 2);
	assert_true(text_is(reason, "it gave no answer within 1000 ms"));
	answer_give(2, false, "it gave no answer within 1000 ms");
	assert_true(phase_is("paused", 1));
	web_receiver_close(hanging);
}

static void a_question_that_is_decided_by_hand_is_given_up(void **state)
{
	(void)state;
	struct error error = {0};
	struct text reason;
	struct web_receiver *hanging = web_receiver_open(HANGS_ONCE);
	rollout_wait(hanging->port, "1h", "null");
	assert_true(confirm_asker_look(&asker, table_stand.keeper, &settings, loop, &error));
	web_receiver_await(hanging, 1);
	assert_int_equal(command("e", "promote")->outcome, VERDICT_ACCEPTED);
	const int64_t begin_ms = clock_ms();
	assert_false(asker_await(&reason));
	assert_true(clock_ms() - begin_ms < POST_MS / 2);
	web_receiver_close(hanging);
}

static void a_tenure_that_ends_does_not_wait_for_answers(void **state)
{
	(void)state;
	struct error error = {0};
	struct web_receiver *hanging = web_receiver_open(HANGS_ONCE);
	rollout_wait(hanging->port, "1h", "null");
	assert_true(confirm_asker_look(&asker, table_stand.keeper, &settings, loop, &error));
	web_receiver_await(hanging, 1);
	const int64_t begin_ms = clock_ms();
	confirm_asker_end(&asker);
	assert_true(clock_ms() - begin_ms < POST_MS / 2);
	web_receiver_close(hanging);
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, rollout_stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(a_yes_begins_the_next_stage),
		ON_STAND(a_no_is_recorded_and_leaves_the_stage_to_somebody),
		ON_STAND(the_next_keeper_asks_again),
		ON_STAND(an_answer_that_comes_too_late_does_nothing),
		ON_STAND(the_webhook_of_a_policy_is_asked_before_the_promotion),
		ON_STAND(the_webhook_of_the_last_stage_is_asked_instead_of_that_of_the_policy),
		ON_STAND(a_webhook_confirms_by_a_status_of_success),
		ON_STAND(a_webhook_that_is_busy_is_asked_again),
		ON_STAND(a_webhook_that_refuses_says_no_at_once),
		ON_STAND(a_webhook_that_sends_elsewhere_says_no),
		ON_STAND(a_webhook_that_stays_busy_says_no_with_its_status),
		ON_STAND(a_webhook_that_is_silent_says_no_at_the_end_of_the_timeout),
		ON_STAND(a_question_that_is_decided_by_hand_is_given_up),
		ON_STAND(a_tenure_that_ends_does_not_wait_for_answers),
	};
	struct error error = {0};
	loop = loop_open(&error);
	if (!loop || !network_read(TEXT("127.0.0.1"), &loopback))
		return 1;
	const int failures = cmocka_run_group_tests(tests, NULL, NULL);
	loop_close(loop);
	return failures;
}
