/* rollout_doubt_test.c: Tests of rollouts in unfavourable worlds: a candidate that is not reached any more, truths of one variant
 * alone, feedback that ends, hardly any traffic, clocks that are set, and a pause over a restart. Nothing is promoted by them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/unit/rollout_looks.h"

#include <cmocka.h>

#define STAGES HEAD "  progressiveDeployment:\n    stages: [{weight: 10, duration: 5m}, {weight: 50, duration: 5m}]\n"
#define BYTES_MAX ((size_t)1 << 16)

static struct moments units(uint64_t count, double mean)
{
	return (struct moments){count, mean, (double)count * mean * (1 - mean)};
}

/* Minutes of which each has so many requests. */
static void traffic_pass(unsigned minutes, uint64_t of_control, uint64_t of_candidate)
{
	for (unsigned i = 0; i < minutes; i++) {
		if (trial.look.epoch != trial.rollout.epoch)
			trial.look = (struct rollout_look){.time_ms = trial.look.time_ms, .epoch = trial.rollout.epoch};
		trial.look.control.requests += of_control;
		trial.look.candidates[0].requests += of_candidate;
		minute_pass(0, 0);
	}
}

static void expect_sentence(const char *words)
{
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	rollout_move_sentence(&trial.plan, &trial.move, (const char *const[]){"new"}, &out);
	buffer_byte(&out, '\0');
	if (!strstr(out.bytes, words))
		fail_msg("%s", out.bytes);
	buffer_close(&out);
}

/* Another keeper goes on from the bytes. */
static void keeper_change(void)
{
	struct rollout_state read;
	struct error error = {0};
	struct buffer out;
	buffer_open(&out, BYTES_MAX);
	rollout_state_write(&trial.plan, &trial.rollout, &out);
	assert_true(rollout_state_read(&trial.plan, buffer_view(&out), &read, &error));
	assert_memory_equal(&read, &trial.rollout, sizeof read);
	trial.rollout = read;
	buffer_close(&out);
}

/* It has shown enough in the first minutes; then nobody reaches it. */
static void a_candidate_that_is_not_reached_any_more_does_not_pass(void **state)
{
	(void)state;
	rollout_start(STAGES);
	traffic_pass(2, 9000, 1000);
	traffic_pass(2, 9000, 0);
	keeper_change();
	traffic_pass(5, 9000, 0);
	assert_int_equal(trial.rollout.moves, 1);
	traffic_pass(1, 9000, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence("The default has had 72000 requests since the last one of `new`: check that it is called");
	assert_int_equal(trial.move.evidence.items[0].unreached_requests, 72000);
	assert_true(trial.move.evidence.items[0].needed == 0); /* more requests of others would not help */
	struct buffer json;
	buffer_open(&json, BYTES_MAX);
	rollout_move_write(&trial.plan, &trial.move, (const char *const[]){"new"}, &json);
	buffer_byte(&json, '\0');
	assert_non_null(strstr(json.bytes, ", \"defaultRequestsSinceLast\": 72000"));
	buffer_close(&json);
}

static void one_that_is_reached_again_passes(void **state)
{
	(void)state;
	rollout_start(STAGES);
	traffic_pass(2, 9000, 1000);
	traffic_pass(5, 9000, 0);
	assert_int_equal(trial.rollout.moves, 1);
	traffic_pass(1, 9000, 10);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	assert_int_equal(trial.rollout.unreached[0], 0);
}

/* 4,000 requests at one for each ten of the default: 20 are missing after 200, and a look has 201 of it. */
static void a_lull_of_fewer_requests_than_are_expected_is_none(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		rollout_start(STAGES);
		traffic_pass(4, 10000, 1000);
		traffic_pass(1, 200 + more, 0);
		assert_int_equal(trial.rollout.stage, more ? 0 : 1);
		assert_int_equal(trial.rollout.moves, more ? 1 : 2);
	}
}

/* As of a candidate at 90% whose first requests come before any of the default: 20 of these would tell a pace of 5. */
static void one_request_of_the_default_tells_no_pace(void **state)
{
	(void)state;
	for (uint64_t of_default = 1; of_default < 6; of_default++) {
		rollout_start(STAGES);
		traffic_pass(1, 0, 99);
		traffic_pass(1, of_default, 0);
		assert_int_equal(trial.move.evidence.items[0].unreached_requests, of_default > 4 ? 5 : 0);
	}
}

#define WHOLE HEAD "  progressiveDeployment: {schedule: [100], every: 5m}\n"

/* A stage at 100% has no traffic of the default: the candidate's own says how many requests are missing. */
static void at_full_weight_a_candidate_that_is_not_called_any_more_does_not_pass(void **state)
{
	(void)state;
	rollout_start(WHOLE);
	traffic_pass(3, 0, 5000);
	traffic_pass(1, 7, 0); /* of the default, to which a header sends them */
	keeper_change();
	traffic_pass(5, 0, 0);
	assert_int_equal(trial.rollout.moves, 1);
	traffic_pass(1, 0, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence("`new` has had no request for 7m: check that it is called, and its engines and address.");
	assert_int_equal(trial.move.evidence.items[0].unreached_ms, 7 * MINUTE_MS);
	struct buffer json;
	buffer_open(&json, BYTES_MAX);
	rollout_move_write(&trial.plan, &trial.move, (const char *const[]){"new"}, &json);
	buffer_byte(&json, '\0');
	assert_non_null(strstr(json.bytes, ", \"millisecondsSinceLast\": 420000"));
	assert_null(strstr(json.bytes, "defaultRequestsSinceLast"));
	buffer_close(&json);
}

static void at_full_weight_one_that_is_called_again_passes(void **state)
{
	(void)state;
	rollout_start(WHOLE);
	traffic_pass(3, 0, 5000);
	traffic_pass(4, 0, 0);
	assert_int_equal(trial.rollout.moves, 1);
	traffic_pass(1, 0, 1);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_HELD);
}

/* 100 requests in four minutes: more than 20 are missing after one. Of 80 just as many are, which may be by chance. */
static void at_full_weight_a_lull_is_judged_by_the_pace(void **state)
{
	static const struct {
		uint64_t a_minute;
		unsigned silent;
		bool is_unreached;
	} rows[] = {{400, 1, true}, {25, 1, true}, {20, 1, false}, {20, 2, true}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		rollout_start(HEAD "  progressiveDeployment: {schedule: [100], every: 1h}\n");
		traffic_pass(4, 0, rows[i].a_minute);
		traffic_pass(rows[i].silent, 0, 0);
		assert_int_equal(trial.move.evidence.items[0].unreached_ms > 0, rows[i].is_unreached);
	}
}

/* It keeps the comparison of the stage before, which alone shows nothing of it. */
static void at_full_weight_a_candidate_that_is_never_called_does_not_pass(void **state)
{
	(void)state;
	rollout_start(WHOLE);
	traffic_pass(10, 0, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence("`new` has had no request for 10m: check that it is called");
}

static void truths_of_one_variant_alone_promote_nothing(void **state)
{
	(void)state;
	for (int of_control = 0; of_control < 2; of_control++) {
		rollout_start(STAGES);
		trial.look.epoch = trial.rollout.epoch;
		struct rollout_counts *counts = of_control ? &trial.look.control : &trial.look.candidates[0];
		counts->accuracy = units(4000, 0.9);
		counts->accuracy_arrivals.in_time = 4000;
		traffic_pass(10, 9000, 1000);
		expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
		expect_sentence(of_control ? "No truth of `new` came within the outcomeWindow of 5m in this stage."
					   : "No truth of the default came within the outcomeWindow of 5m in this stage.");
	}
}

/* Of the stage in which it ends it has shown enough; the next one has none. */
static void feedback_that_ends_stops_the_next_stage(void **state)
{
	(void)state;
	rollout_start(STAGES);
	trial.look.epoch = trial.rollout.epoch;
	trial.look.control.accuracy = trial.look.candidates[0].accuracy = units(4000, 0.9);
	traffic_pass(5, 9000, 1000);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
	traffic_pass(10, 9000, 9000);
	expect_move(3, ROLLOUT_INCONCLUSIVE, 1, REASON_OPEN);
	expect_sentence("No truth of `new` came");
}

/* A share of requests is not a latency, and each open rule is one that could be acted upon. */
static void every_open_rule_is_named_with_what_is_measured(void **state)
{
	(void)state;
	rollout_start(HEAD "  successCriteria: [{metricName: latency_p99, threshold: 2000, operator: \"<\"}]\n"
			   "  progressiveDeployment:\n    stages: [{weight: 50, duration: 1d}]\n");
	for (uint64_t i = 0; i < 48; i++) {
		traffic_pass(1, 1, 1);
		traffic_pass(59, 0, 0);
	}
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence("`errorRate` of `new` (limit 0.01) is neither shown to hold nor broken");
	expect_sentence("`latency_p99` of `new` (limit 2000 ms for 99% of its requests) is neither shown to hold nor broken in the "
			"time that the stage has; 0% of its 48 requests took longer, between 0% and ");
	expect_sentence("% is certain, and at most 1% may; of the default's 48 requests meanwhile 0% took longer; a wait "
			"in an engine's queue counts only where it takes too few calls at once; 48 requests counted, and about 7");
}

static void a_request_an_hour_promotes_nothing(void **state)
{
	(void)state;
	rollout_start(HEAD "  progressiveDeployment:\n    stages: [{weight: 50, duration: 1d}]\n");
	for (uint64_t i = 0; i < 48; i++) {
		traffic_pass(1, i % 2, 1 - i % 2);
		traffic_pass(59, 0, 0);
	}
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	expect_sentence("`errorRate` of `new` (limit 0.01) is neither shown to hold nor broken");
}

/* The clock is a day ahead: a stage of few requests is over, and not shown. */
static void a_clock_a_day_ahead_promotes_nothing(void **state)
{
	(void)state;
	rollout_start(STAGES);
	traffic_pass(1, 90, 10);
	trial.look.time_ms += 1440 * (int64_t)MINUTE_MS;
	traffic_pass(1, 90, 10);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
}

/* A keeper whose clock is an hour behind moves the times of the state, and looks at once. */
static void a_clock_that_goes_back_is_followed(void **state)
{
	(void)state;
	rollout_start(STAGES);
	traffic_pass(3, 9000, 1000);
	trial.look.time_ms -= 60 * (int64_t)MINUTE_MS;
	rollout_shift(&trial.rollout, trial.look.time_ms - trial.rollout.looked_ms);
	keeper_change();
	traffic_pass(1, 9000, 1000);
	assert_int_equal(trial.rollout.looked_ms, trial.look.time_ms);
	assert_int_equal(trial.rollout.moves, 1);
	traffic_pass(1, 9000, 1000);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_HELD);
}

static void command_give(uint64_t number, enum rollout_command_kind kind)
{
	struct error error = {0};
	const struct rollout_command command = {number, kind, trial.look.time_ms, "ann"};
	if (!rollout_command(&trial.plan, &trial.rollout, &command, &trial.move, &error))
		fail_msg("%s", error.text);
}

/* The pause does not count in the stage's time, whoever is the keeper. */
static void a_pause_over_a_restart_keeps_the_time_of_the_stage(void **state)
{
	(void)state;
	rollout_start(STAGES);
	traffic_pass(2, 9000, 1000);
	command_give(1, COMMAND_PAUSE);
	keeper_change();
	trial.look.time_ms += 300 * (int64_t)MINUTE_MS;
	traffic_pass(3, 9000, 1000);
	assert_int_equal(trial.rollout.phase, ROLLOUT_PAUSED);
	keeper_change();
	command_give(2, COMMAND_RESUME);
	keeper_change();
	traffic_pass(2, 9000, 1000);
	assert_int_equal(trial.rollout.phase, ROLLOUT_RUNNING);
	assert_int_equal(trial.rollout.stage, 0);
	traffic_pass(1, 9000, 1000);
	expect_move(4, ROLLOUT_RUNNING, 1, REASON_HELD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_candidate_that_is_not_reached_any_more_does_not_pass),
		cmocka_unit_test(one_that_is_reached_again_passes),
		cmocka_unit_test(one_request_of_the_default_tells_no_pace),
		cmocka_unit_test(a_lull_of_fewer_requests_than_are_expected_is_none),
		cmocka_unit_test(at_full_weight_a_candidate_that_is_not_called_any_more_does_not_pass),
		cmocka_unit_test(at_full_weight_one_that_is_called_again_passes),
		cmocka_unit_test(at_full_weight_a_lull_is_judged_by_the_pace),
		cmocka_unit_test(at_full_weight_a_candidate_that_is_never_called_does_not_pass),
		cmocka_unit_test(truths_of_one_variant_alone_promote_nothing),
		cmocka_unit_test(feedback_that_ends_stops_the_next_stage),
		cmocka_unit_test(every_open_rule_is_named_with_what_is_measured),
		cmocka_unit_test(a_request_an_hour_promotes_nothing),
		cmocka_unit_test(a_clock_a_day_ahead_promotes_nothing),
		cmocka_unit_test(a_clock_that_goes_back_is_followed),
		cmocka_unit_test(a_pause_over_a_restart_keeps_the_time_of_the_stage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
