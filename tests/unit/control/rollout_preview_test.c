/* rollout_preview_test.c: Tests of previews of commands: each shows what the keeper then does, and changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "control/keeper/rollout_preview.h"
#include "tests/unit/rollout_stand.h"

static struct rollout_preview preview;

static bool preview_ask(const char *experiment, const char *words, struct error *error)
{
	return rollout_preview_make(keeper_ledger(table_stand.keeper), &table_stand.options.rollouts, experiment, words, "me",
				    table_stand.now_ms, table_stand.arena, &preview, error);
}

static int64_t buckets_in(const struct control_table *table)
{
	const struct table_share *shares = table->shares.items;
	assert_int_equal(table->shares.count, 2);
	assert_true(text_is(shares[0].name, "a") && text_is(shares[1].name, "b"));
	return shares[1].buckets;
}

/* The move is as it was shown. What was counted until one that sets other weights is known when the keeper makes it. */
static void shown_check(const struct control_move *made, bool sets_weights)
{
	json_t *evidence = json_loadb(made->evidence.bytes, made->evidence.length, 0, NULL);
	json_t *shown = json_loadb(preview.evidence.bytes, preview.evidence.length, 0, NULL);
	assert_true(text_equal(made->sentence, preview.sentence));
	assert_non_null(shown);
	if (sets_weights) {
		assert_int_equal(json_array_size(json_object_get(evidence, ROLLOUT_MOVE_COUNTED)), 2);
		assert_int_equal(json_object_del(evidence, ROLLOUT_MOVE_COUNTED), 0);
	}
	assert_true(json_equal(evidence, shown));
	json_decref(evidence);
	json_decref(shown);
}

/* The keeper does what the preview shows. */
static void command_check(const char *words, int64_t before, int64_t after)
{
	struct error error = {0};
	const size_t records = table_stand.control_count;
	if (!preview_ask("e", words, &error))
		fail_msg("%s", error.text);
	assert_int_equal(table_stand.control_count, records);
	assert_int_equal(buckets_of_b(), before);
	assert_int_equal(buckets_in(&preview.before), before);
	assert_int_equal(buckets_in(&preview.after), after);
	assert_int_equal(preview.after.moved, before > after ? before - after : after - before);
	assert_int_equal(command("e", words)->outcome, VERDICT_ACCEPTED);
	const struct control_move *made = move((size_t)rollout()->record.moves);
	shown_check(made, before != after);
	assert_int_equal(made->moved, preview.after.moved);
	assert_int_equal(buckets_of_b(), after);
}

static void a_preview_shows_what_the_keeper_then_does(void **state)
{
	(void)state;
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 5, 200, 0);
	command_check("pause", 1000, 1000);
	command_check("resume", 1000, 1000);
	command_check("promote", 1000, 10000);
	command_check("rollback", 10000, 0);
}

#define AWAITED                                                                                                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: a\n"                       \
	"  candidates: [{name: a, weight: 50}, {name: b, weight: 50}]\n  progressiveDeployment: {enabled: true, checkEvery: 1s,\n" \
	"    stages: [{weight: 10, duration: 10s, approve: true}, {weight: 50, duration: 1h}]}\n"

/* `promote` of a stage that waits is its approval, and recorded so (control/records/rollout_request.h). */
static void a_promotion_of_a_stage_that_waits_is_shown_as_its_approval(void **state)
{
	struct error error = {0};
	(void)state;
	table_propose("Experiment", "e", AWAITED);
	seconds_pass(&one, 12, 200, 0);
	assert_true(rollout()->record.waiting);
	if (!preview_ask("e", "promote", &error))
		fail_msg("%s", error.text);
	assert_int_equal(buckets_in(&preview.after), 5000);
	assert_int_equal(command("e", "approve")->outcome, VERDICT_ACCEPTED);
	shown_check(move((size_t)rollout()->record.moves), true);
}

static void a_command_that_the_keeper_would_refuse_is_refused(void **state)
{
	(void)state;
	struct error error = {0};
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 5, 200, 0);
	assert_false(preview_ask("e", "resume", &error));
	assert_int_equal(error.kind, ERROR_INPUT);
	const struct control_verdict *verdict = command("e", "resume");
	assert_int_equal(verdict->outcome, VERDICT_REFUSED);
	assert_true(text_is(verdict->why, error.text));
}

static void a_preview_without_a_rollout_says_so(void **state)
{
	(void)state;
	struct error error = {0};
	assert_false(preview_ask("e", "promote", &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_non_null(strstr(error.text, "no rollout of `e` runs: apply an Experiment"));
	table_propose("Experiment", "e", EXPERIMENT("10, 50"));
	seconds_pass(&one, 1, 200, 0);
	table_propose("Experiment", "e", NULL);
	assert_false(preview_ask("e", "promote", &error));
}

int main(void)
{
#define ON_STAND(test) cmocka_unit_test_setup_teardown(test, rollout_stand_open, table_stand_close)
	const struct CMUnitTest tests[] = {
		ON_STAND(a_preview_shows_what_the_keeper_then_does),
		ON_STAND(a_promotion_of_a_stage_that_waits_is_shown_as_its_approval),
		ON_STAND(a_command_that_the_keeper_would_refuse_is_refused),
		ON_STAND(a_preview_without_a_rollout_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
