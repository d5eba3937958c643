/* rollout_needs_test.c: Tests of what is said of a stage that ends inconclusive: how much has come for each open rule, how much
 * more would show it, and what can be done. The numbers of requests and units that show a rule are from the formulas of its
 * sequence. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/rollout_looks.h"

#include <cmocka.h>

#define DAY HEAD "  progressiveDeployment:\n    checkEvery: 30m\n    stages: [{weight: 50, duration: 1d}]\n"
#define WHOLE_DAY HEAD "  progressiveDeployment:\n    checkEvery: 30m\n    stages: [{weight: 100, duration: 1d}]\n"
#define BYTES_MAX ((size_t)1 << 16)
#define LINE_BYTES 128
#define STEP 1.0906 /* from one number that is tried to the next */

/* 2 days with so many requests of each variant, some of them errors of the candidate, and the units that have a truth. */
static void days_pass(uint64_t requests, uint64_t errors, struct moments truths)
{
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.requests = trial.look.candidates[0].requests = requests;
	trial.look.candidates[0].errors = errors;
	trial.look.control.accuracy = trial.look.candidates[0].accuracy = truths;
	for (int i = 0; i < 2 * 24 * 60; i++)
		minute_pass(0, 0);
}

static const struct rollout_judgement *judged(const char *rule)
{
	char room[ROLLOUT_RULE_NAME_BYTES];
	const struct rollout_evidence *evidence = &trial.move.evidence;
	for (size_t i = 0; i < evidence->count; i++)
		if (strcmp(rollout_rule_name(&trial.plan.stages[0].rules[evidence->items[i].rule], room), rule) == 0)
			return &evidence->items[i];
	fail_msg("no rule %s", rule);
	return NULL;
}

static void expect_written(void (*write)(const struct rollout_plan *plan, const struct rollout_move *move, const char *const *names,
					 struct buffer *out),
			   const char *words)
{
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	write(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	buffer_byte(&out, '\0');
	if (!strstr(out.bytes, words))
		fail_msg("%s", out.bytes);
	buffer_close(&out);
}

/* The end of the sentence of an inconclusive move, behind the commands. */
static void expect_end(const char *words)
{
	char end[LINE_BYTES];
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	rollout_move_sentence(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	buffer_byte(&out, '\0');
	(void)snprintf(end, sizeof end, ", `promote` or `rollback` end it.%s", words);
	const size_t length = strlen(out.bytes), expected = strlen(end);
	if (length < expected || strcmp(out.bytes + length - expected, end) != 0)
		fail_msg("%s", out.bytes);
	buffer_close(&out);
}

static void expect_needed(const char *rule, double least)
{
	const double needed = judged(rule)->needed;
	if (!(needed >= least && needed <= least * STEP + 1))
		fail_msg("%s needs %g, not %g", rule, needed, least);
}

/* Without an error, B(1/2, n + 1/2) / (B(1/2, 1/2) .99^n) reaches 20 at n = 680. */
static void few_requests_say_how_many_would_show_a_rate(void **state)
{
	(void)state;
	rollout_start(DAY);
	days_pass(48, 0, (struct moments){0});
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_needed("errorRate", 680);
	expect_written(rollout_move_sentence, "; 48 requests counted, and about 7");
	expect_written(rollout_move_sentence, " would show it if what is measured stays.");
	expect_written(rollout_move_sentence, ". `sluice experiments resume` gives the stage its duration again, `promote` or ");
	expect_end(" A longer stage or a greater weight brings more.");
	expect_written(rollout_move_write, ", \"needed\": 7");
}

/* Of equal accuracies of .9 the sequence around .9 - .95 x .9 is above 0 with 780 units of each. */
static void few_units_say_how_many_would_show_an_accuracy(void **state)
{
	(void)state;
	rollout_start(DAY);
	days_pass(9000, 0, (struct moments){200, 0.9, 200 * 0.09});
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_needed("accuracyDrop", 780);
	assert_true(judged("errorRate")->needed == 0); /* it holds */
	expect_written(rollout_move_sentence, "; 200 units counted, and about 8");
}

/* Before burn-in nothing is measured: the units that end it, and show the rule, are counted all the same. */
static void units_before_burn_in_say_it_too(void **state)
{
	(void)state;
	rollout_start(DAY);
	days_pass(9000, 0, (struct moments){40, 0.9, 40 * 0.09});
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	assert_true(isnan(judged("accuracyDrop")->estimate));
	expect_needed("accuracyDrop", 780);
	expect_written(rollout_move_sentence, "; 40 units counted, and about 8");
}

static void what_is_measured_beyond_the_limit_is_not_shown_by_more(void **state)
{
	(void)state;
	rollout_start(DAY);
	days_pass(100, 2, (struct moments){0});
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	assert_true(isinf(judged("errorRate")->needed));
	expect_written(rollout_move_sentence, "; 100 requests counted, and more of the same would not show it: what is measured is "
					      "beyond the limit, or too near");
	expect_written(rollout_move_write, ", \"needed\": null");
	rollout_start(DAY);
	days_pass(200, 4, (struct moments){0}); /* the latency holds: no other rule is helped by a longer stage */
	assert_true(isinf(judged("errorRate")->needed));
	expect_end("");
}

/* There is no greater weight than 100%. */
static void a_stage_at_full_weight_is_to_last_longer(void **state)
{
	(void)state;
	rollout_start(WHOLE_DAY);
	for (int hour = 0; hour < 48; hour++) {
		minutes_pass(59, 0, 0);
		minute_pass(1, 0);
	}
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_needed("errorRate", 680);
	expect_end(" A longer stage brings more.");
}

/* More time brings nothing to a candidate that gets no request any more. */
static void a_candidate_that_is_not_called_is_not_helped_by_a_longer_stage(void **state)
{
	(void)state;
	rollout_start(DAY);
	minutes_pass(60, 1, 0);
	for (int minute = 60; minute < 2 * 24 * 60; minute++) {
		trial.look.control.requests += 100;
		minute_pass(0, 0);
	}
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_written(rollout_move_sentence, ": check that it is called, and its engines and address");
	expect_end("");
}

static void an_end_that_is_decided_says_by_what(void **state)
{
	(void)state;
	rollout_start(DAY "  onInconclusive: rollback\n");
	days_pass(48, 0, (struct moments){0});
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_OPEN);
	expect_needed("errorRate", 680);
	expect_written(rollout_move_sentence, "Rolled back: `errorRate` of `new` (limit 0.01) is neither shown to hold nor broken");
	expect_written(rollout_move_sentence, " So `onInconclusive` decides.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_requests_say_how_many_would_show_a_rate),
		cmocka_unit_test(few_units_say_how_many_would_show_an_accuracy),
		cmocka_unit_test(units_before_burn_in_say_it_too),
		cmocka_unit_test(what_is_measured_beyond_the_limit_is_not_shown_by_more),
		cmocka_unit_test(a_stage_at_full_weight_is_to_last_longer),
		cmocka_unit_test(a_candidate_that_is_not_called_is_not_helped_by_a_longer_stage),
		cmocka_unit_test(an_end_that_is_decided_says_by_what),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
