/* rollout_rehearsal_test.c: Tests of what a plan of a rollout would have done with recorded requests. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "experiments/rollouts/rollout_rehearsal.h"
#include "tests/unit/planning.h"
#include "tests/unit/arena_fixture.h"

#include <cmocka.h>

#define HEAD                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  default: old\n  candidates: [{name: new, weight: 1}, {name: old, weight: 1}]\n"
#define STAGES(more)                                                                                                               \
	HEAD "  progressiveDeployment:\n    stages: [{weight: 10, duration: 5m" more "}, {weight: 100, duration: 10m}]\n"
#define MINUTE_MS INT64_C(60000)
#define BEGIN_MS (1000 * MINUTE_MS)
#define EVERY_MS 100 /* a request: 5 a second of each choice */
#define USUAL_MS 20

/* What happened to requests of `new` from a minute on; those of `old` never fail. */
struct happened {
	int64_t minutes; /* of requests */
	int64_t from_minute;
	bool fails, slow, silent;
	double accuracy, control_accuracy; /* 0: there is no feedback */
	int64_t truth_minutes;		   /* which it takes, and a second */
	const char *metric; /* of the feedback; NULL: accuracy */
	bool of_units;	    /* the feedback names the unit alone, of which each has one request */
	int64_t units;	    /* that make the requests of each choice in turn, and it happens to one of them; 0: they have none */
};

static const char *const names[] = {"new", "old"};
static int64_t window_ms = MINUTE_MS;
static struct rollout_plan plan;
static struct rehearsal_result result;

static void plan_take(const char *yaml)
{
	struct planning planning;
	struct error error = {0};
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	if (!rollout_plan_make(planning.spec.resources[0]->spec, &plan, &error))
		fail_msg("%s", error.text);
	planning_close(&planning);
}

static struct rehearsal *rehearsal_of(const char *yaml)
{
	struct error error = {0};
	plan_take(yaml);
	const struct rehearsal_config config = {
		.plan = &plan, .experiment = "e", .count = 2, .names = names, .control = 1, .window_ms = window_ms};
	struct rehearsal *rehearsal = rehearsal_open(&config, arena, &error);
	assert_non_null(rehearsal);
	return rehearsal;
}

static void request_add(struct rehearsal *rehearsal, int64_t number, const struct happened *happened)
{
	struct error error = {0};
	char id[24], unit[24] = "";
	const int64_t nth = happened->units > 0 ? number / 2 % happened->units : 0;
	const int64_t time_ms = BEGIN_MS + number * EVERY_MS;
	const bool is_new = number % 2 == 0;
	const bool has_begun = is_new && nth == 0 && time_ms >= BEGIN_MS + happened->from_minute * MINUTE_MS;
	const struct text name = {id, (size_t)snprintf(id, sizeof id, "r%lld", (long long)number)};
	if (happened->units > 0)
		(void)snprintf(unit, sizeof unit, "u%lld", (long long)nth);
	if (happened->of_units)
		(void)snprintf(unit, sizeof unit, "u%lld", (long long)number);
	const struct exposure exposure = {.id = name,
					  .origin = {TEXT("in"), 0, number},
					  .time_ms = time_ms,
					  .experiment = TEXT("e"),
					  .variant = text_of(names[!is_new]),
					  .unit = text_of(unit),
					  .reason = ASSIGNED_WEIGHT,
					  .table = TEXT("whatever")};
	const double accuracy = is_new ? happened->accuracy : happened->control_accuracy;
	const struct feedback_metric metric = {text_of(happened->metric ? happened->metric : "accuracy"),
					       (double)(number / 2 % 100) < 100 * accuracy};
	const struct feedback feedback = {.id = happened->of_units ? (struct text){0} : name,
					  .unit = happened->of_units ? text_of(unit) : (struct text){0},
					  .metric_count = 1,
					  .metrics = &metric};
	assert_true(rehearsal_expose(rehearsal, &exposure, &error));
	if (!(has_begun && happened->silent))
		assert_true(rehearsal_answer(rehearsal, name, time_ms + (has_begun && happened->slow ? 500 : USUAL_MS),
					     has_begun && happened->fails, &error));
	if (accuracy > 0)
		assert_true(rehearsal_feedback(rehearsal, &feedback, time_ms + 1000 + happened->truth_minutes * MINUTE_MS, &error));
}

/* Rehearses requests that are added in steps of `step` through their numbers, so in another order than their times. */
static void rehearse(const char *yaml, const struct happened *happened, int64_t step)
{
	struct rehearsal *rehearsal = rehearsal_of(yaml);
	struct error error = {0};
	const int64_t count = happened->minutes * MINUTE_MS / EVERY_MS;
	for (int64_t i = 0; i < count; i++)
		request_add(rehearsal, i * step % count, happened);
	if (!rehearsal_run(rehearsal, &result, &error))
		fail_msg("%s", error.text);
}

static void expect_move(size_t i, enum rollout_phase to, uint32_t stage, enum rollout_reason reason, int64_t minute)
{
	assert_true(i < result.move_count);
	const struct rollout_move *move = &result.moves[i];
	assert_int_equal(move->to, to);
	assert_int_equal(move->to_stage, stage);
	assert_int_equal(move->reason, reason);
	assert_int_equal((move->time_ms - BEGIN_MS) / MINUTE_MS, minute);
}

/* How many requests the rule of errors had at a move. */
static void expect_trials(size_t i, uint64_t trials)
{
	const struct rollout_evidence *evidence = &result.moves[i].evidence;
	for (size_t j = 0; j < evidence->count; j++)
		if (plan.stages[evidence->stage].rules[evidence->items[j].rule].kind == RULE_ERROR_RATE)
			assert_int_equal(evidence->items[j].trials, trials);
}

static void a_candidate_without_faults_is_promoted(void **state)
{
	const struct happened happened = {.minutes = 20};
	(void)state;
	rehearse(STAGES(""), &happened, 1);
	assert_true(result.ended && result.move_count == 3 && result.unanswered == 0);
	assert_true(result.requests[0] == 6000 && result.requests[1] == 6000);
	expect_move(0, ROLLOUT_RUNNING, 0, REASON_STARTED, 0);
	expect_move(1, ROLLOUT_RUNNING, 1, REASON_HELD, 5);
	expect_move(2, ROLLOUT_PROMOTED, 1, REASON_HELD, 15);
	expect_trials(1, 1500); /* answers before the look, since the epoch began */
	expect_trials(2, 3000);
}

static void records_that_end_first_leave_it_where_it_is(void **state)
{
	const struct happened happened = {.minutes = 9};
	(void)state;
	rehearse(STAGES(""), &happened, 1);
	assert_true(!result.ended && result.move_count == 2 && result.state.phase == ROLLOUT_RUNNING && result.state.stage == 1);
	assert_int_equal(result.state.control.requests, 0); /* a stage at 100% has no default beside it */
	assert_int_equal(result.last_ms - result.first_ms, 9 * MINUTE_MS - EVERY_MS + USUAL_MS);
}

/* Nothing comes for a minute, but a feedback of nobody's. */
static void truths_count_where_requests_pause(void **state)
{
	const struct happened happened = {.accuracy = .9, .control_accuracy = .9};
	const struct feedback_metric metric = {TEXT("accuracy"), 1};
	const struct feedback feedback = {.id = TEXT("nobody"), .metric_count = 1, .metrics = &metric};
	struct rehearsal *rehearsal = rehearsal_of(STAGES(""));
	struct error error = {0};
	(void)state;
	for (int64_t i = 0; i < 3 * MINUTE_MS / EVERY_MS; i++)
		request_add(rehearsal, i, &happened);
	assert_true(rehearsal_feedback(rehearsal, &feedback, BEGIN_MS + 5 * MINUTE_MS - USUAL_MS, &error));
	assert_true(rehearsal_run(rehearsal, &result, &error));
	assert_int_equal(result.move_count, 2);
	const struct rollout_evidence *evidence = &result.moves[1].evidence;
	size_t accuracy = 0;
	while (plan.stages[0].rules[evidence->items[accuracy].rule].kind != RULE_ACCURACY_BESIDE)
		accuracy++;
	assert_int_equal(evidence->items[accuracy].trials, 900);
}

/* A twentieth of the requests fail; if those are of one unit, nobody knows how others fare. */
static void errors_of_one_unit_do_not_roll_back(void **state)
{
	const struct happened of_one = {.minutes = 9, .fails = true, .slow = true, .units = 20};
	(void)state;
	rehearse(STAGES(""), &of_one, 1);
	assert_int_equal(result.state.phase, ROLLOUT_RUNNING);
	assert_int_equal(result.state.candidates[0].errors, 135);
}

static void errors_roll_back_soon_after_they_begin(void **state)
{
	const struct happened happened = {.minutes = 20, .from_minute = 7, .fails = true};
	(void)state;
	rehearse(STAGES(""), &happened, 1);
	assert_int_equal(result.move_count, 3);
	expect_move(2, ROLLOUT_ROLLED_BACK, 1, REASON_CHANGED, 7);
	assert_int_equal(result.moves[2].time_ms - BEGIN_MS, 7 * MINUTE_MS + MINUTE_MS / 2); /* the first look that can see them */
	const struct rollout_judgement *cause = &result.moves[2].evidence.items[result.moves[2].cause];
	assert_int_equal(plan.stages[1].rules[cause->rule].kind, RULE_ERROR_RATE);
}

static void slow_answers_roll_back_unless_latencies_are_left_out(void **state)
{
	const struct happened happened = {.minutes = 20, .from_minute = 7, .slow = true};
	struct error error = {0};
	(void)state;
	rehearse(STAGES(""), &happened, 1);
	expect_move(2, ROLLOUT_ROLLED_BACK, 1, REASON_CHANGED, 7);
	struct rehearsal *rehearsal = rehearsal_of(STAGES(""));
	assert_int_equal(rehearsal_leave_out_latency(&plan), 2);
	for (int64_t i = 0; i < 20 * MINUTE_MS / EVERY_MS; i++)
		request_add(rehearsal, i, &happened);
	assert_true(rehearsal_run(rehearsal, &result, &error));
	expect_move(2, ROLLOUT_PROMOTED, 1, REASON_HELD, 15);
}

static void requests_without_an_answer_do_not_count(void **state)
{
	const struct happened happened = {.minutes = 20, .silent = true};
	(void)state;
	rehearse(STAGES(""), &happened, 1);
	assert_int_equal(result.unanswered, 6000);
	assert_int_equal(result.move_count, 2);
	expect_move(1, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN, 10);
}

static void a_worse_accuracy_is_seen_beside_the_defaults(void **state)
{
	const struct happened worse = {.minutes = 20, .accuracy = .4, .control_accuracy = .9};
	const struct happened equal = {.minutes = 20, .accuracy = .9, .control_accuracy = .9};
	(void)state;
	rehearse(STAGES(""), &worse, 1);
	assert_int_equal(result.state.phase, ROLLOUT_ROLLED_BACK);
	assert_int_equal(result.moves[result.move_count - 1].from_stage, 0);
	rehearse(STAGES(""), &equal, 1);
	assert_int_not_equal(result.state.phase, ROLLOUT_ROLLED_BACK);
}

/* Truths that are late for the window of a minute, or take longer than each stage. */
static void late_truths_promote_nothing(void **state)
{
	static const struct {
		int64_t after;
		uint32_t stage;
		int64_t ends;
	} rows[] = {{3, 0, 10}, {12, 1, 25}};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct happened happened = {
			.minutes = 30, .accuracy = .01, .control_accuracy = .9, .truth_minutes = rows[i].after};
		rehearse(STAGES(""), &happened, 1);
		expect_move(1 + i, ROLLOUT_INCONCLUSIVE, rows[i].stage, REASON_OPEN, rows[i].ends);
	}
}

/* Truths that take longer than a stage, and less than the window: of requests, and of users who come once. */
static void truths_that_take_longer_than_a_stage_promote_nothing(void **state)
{
	const char *yaml = HEAD "  progressiveDeployment:\n    stages: [{weight: 10, duration: 3m}, {weight: 50, duration: 3m}]\n";
	(void)state;
	window_ms = 5 * MINUTE_MS;
	for (int of_units = 0; of_units < 2; of_units++) {
		const struct happened happened = {
			.minutes = 30, .accuracy = .1, .control_accuracy = .9, .truth_minutes = 4, .of_units = of_units};
		rehearse(yaml, &happened, 1);
		expect_move(1, ROLLOUT_RUNNING, 1, REASON_HELD, 3); /* nothing has said yet that there are truths */
		expect_move(2, ROLLOUT_ROLLED_BACK, 1, REASON_BROKEN, 8);
	}
	window_ms = MINUTE_MS;
}

static void a_metric_of_a_criterion_is_judged(void **state)
{
	const char *criterion = "  successCriteria: [{metricName: profit, threshold: 0.7, operator: \">\"}]\n";
	const struct happened worse = {.minutes = 20, .accuracy = .4, .control_accuracy = .9, .metric = "profit"};
	const struct happened equal = {.minutes = 20, .accuracy = .9, .control_accuracy = .9, .metric = "profit"};
	char yaml[1024];
	(void)state;
	(void)snprintf(yaml, sizeof yaml, "%s%s", STAGES(""), criterion);
	rehearse(yaml, &worse, 1);
	assert_int_equal(result.state.phase, ROLLOUT_ROLLED_BACK);
	const struct rollout_move *last = &result.moves[result.move_count - 1];
	assert_int_equal(last->from_stage, 0);
	assert_int_equal(plan.stages[0].rules[last->evidence.items[last->cause].rule].kind, RULE_MEAN);
	rehearse(yaml, &equal, 1);
	assert_int_equal(result.state.phase, ROLLOUT_PROMOTED);
}

static void approvals_are_taken_to_be_given(void **state)
{
	const struct happened happened = {.minutes = 20};
	(void)state;
	rehearse(STAGES(", approve: true"), &happened, 1);
	assert_true(result.approvals == 1 && result.state.phase == ROLLOUT_PROMOTED);
	expect_move(1, ROLLOUT_PAUSED, 0, REASON_APPROVAL, 5);
	expect_move(2, ROLLOUT_RUNNING, 1, REASON_COMMAND, 5);
}

static void neither_the_order_of_records_nor_repeated_ones_change_it(void **state)
{
	const struct happened happened = {.minutes = 20, .from_minute = 7, .fails = true, .accuracy = .9, .control_accuracy = .9};
	struct rehearsal_result once;
	struct error error = {0};
	(void)state;
	rehearse(STAGES(""), &happened, 1);
	once = result;
	rehearse(STAGES(""), &happened, 7919);
	assert_true(result.move_count == once.move_count &&
		    memcmp(result.moves, once.moves, once.move_count * sizeof *once.moves) == 0);
	struct rehearsal *rehearsal = rehearsal_of(STAGES(""));
	for (int64_t i = 0; i < 2 * 20 * MINUTE_MS / EVERY_MS; i++)
		request_add(rehearsal, i / 2, &happened);
	assert_true(rehearsal_run(rehearsal, &result, &error));
	assert_int_equal(result.requests[0], once.requests[0]);
	assert_true(result.move_count == once.move_count &&
		    memcmp(result.moves, once.moves, once.move_count * sizeof *once.moves) == 0);
}

static void an_id_that_comes_again_is_of_another_request(void **state)
{
	struct rehearsal *rehearsal = rehearsal_of(STAGES(""));
	struct error error = {0};
	(void)state;
	for (int64_t i = 0; i < 2; i++) {
		const struct exposure exposure = {.id = TEXT("same"),
						  .origin = {TEXT("in"), 0, i},
						  .time_ms = BEGIN_MS + i * MINUTE_MS,
						  .experiment = TEXT("e"),
						  .variant = TEXT("new"),
						  .reason = ASSIGNED_STAGE};
		assert_true(rehearsal_expose(rehearsal, &exposure, &error));
		assert_true(rehearsal_answer(rehearsal, TEXT("same"), exposure.time_ms + USUAL_MS, false, &error));
	}
	assert_true(rehearsal_run(rehearsal, &result, &error));
	assert_true(result.requests[0] == 2 && result.unanswered == 0);
}

/* In a pipeline whose profit is 1, and 1001 of each hundredth request. */
static void profits_add(struct rehearsal *rehearsal, double cap)
{
	struct rehearsed_pipeline pipeline = {.caps = {cap}};
	struct error error = {0};
	for (int64_t i = 0; i < 7 * MINUTE_MS / EVERY_MS; i++) {
		const struct happened happened = {.minutes = 7};
		const struct feedback_metric profit = {TEXT("profit"), i / 2 % 100 == 0 ? 1001 : 1};
		char id[24];
		const struct text name = {id, (size_t)snprintf(id, sizeof id, "r%lld", (long long)i)};
		const struct feedback feedback = {.id = name, .metric_count = 1, .metrics = &profit};
		request_add(rehearsal, i, &happened);
		assert_true(rehearsal_feedback(rehearsal, &feedback, BEGIN_MS + i * EVERY_MS + 1, &error));
	}
	assert_true(rehearsal_pipeline_end(rehearsal, &pipeline, &error));
}

/* Its callers use the ids of the other, too. */
static void each_pipeline_has_caps_of_its_own(void **state)
{
	struct rehearsal *rehearsal =
		rehearsal_of(STAGES("") "  successCriteria: [{metricName: profit, threshold: 0, operator: \">\"}]\n");
	struct error error = {0};
	(void)state;
	profits_add(rehearsal, 0.9);
	profits_add(rehearsal, 0);
	assert_true(rehearsal_run(rehearsal, &result, &error));
	const struct rollout_evidence *evidence = &result.moves[1].evidence;
	size_t mean = 0;
	while (plan.stages[0].rules[evidence->items[mean].rule].kind != RULE_MEAN)
		mean++;
	assert_int_equal(result.moves[1].reason, REASON_HELD);
	assert_int_equal(evidence->items[mean].trials, 2 * 1195); /* in 239 s: windows are of whole seconds */
	assert_float_equal(evidence->items[mean].estimate, (1 + (1 + 12 * 1000 / 1195.0)) / 2, 1e-9);
	assert_true(result.requests[0] == 4200 && result.unanswered == 0);
}

/* A unit has 9 of 10 requests, and profits of 1; others have one request each, and a profit of 11. */
static void a_ratio_counts_each_value(void **state)
{
	struct rehearsal *rehearsal =
		rehearsal_of(STAGES("") "  successCriteria: [{metricName: profit, threshold: 50, operator: \"<\"}]\n");
	const struct rehearsed_pipeline pipeline = {.ratios = {true}};
	struct error error = {0};
	(void)state;
	for (int64_t i = 0; i < 11 * MINUTE_MS / EVERY_MS; i++) {
		const bool is_seldom = i / 2 % 10 == 0;
		const struct feedback_metric profit = {TEXT("profit"), is_seldom ? 11 : 1};
		char id[24], unit[24];
		const struct text name = {id, (size_t)snprintf(id, sizeof id, "r%lld", (long long)i)};
		const struct text user = {unit,
					  (size_t)snprintf(unit, sizeof unit, "u%lld", (long long)(is_seldom ? i : -1 - i % 2))};
		const struct feedback feedback = {.id = name, .metric_count = 1, .metrics = &profit};
		const struct exposure exposure = {.id = name,
						  .origin = {TEXT("in"), 0, i},
						  .time_ms = BEGIN_MS + i * EVERY_MS,
						  .experiment = TEXT("e"),
						  .variant = text_of(names[i % 2]),
						  .unit = user,
						  .reason = ASSIGNED_STAGE};
		assert_true(rehearsal_expose(rehearsal, &exposure, &error));
		assert_true(rehearsal_answer(rehearsal, name, exposure.time_ms + USUAL_MS, false, &error));
		assert_true(rehearsal_feedback(rehearsal, &feedback, exposure.time_ms + 1, &error));
	}
	assert_true(rehearsal_pipeline_end(rehearsal, &pipeline, &error));
	assert_true(rehearsal_run(rehearsal, &result, &error));
	const struct rollout_evidence *evidence = &result.moves[1].evidence;
	size_t mean = 0;
	while (plan.stages[0].rules[evidence->items[mean].rule].kind != RULE_MEAN)
		mean++;
	assert_int_equal(result.moves[1].to, ROLLOUT_INCONCLUSIVE); /* of one unit no rate is known */
	assert_int_equal(evidence->items[mean].verdict, VERDICT_HOLDS);
	assert_int_equal(evidence->items[mean].trials, 271); /* of 2695 requests, in 539 s */
	assert_true(fabs(evidence->items[mean].estimate - (1 + 10 * 270 / 2695.0)) < 1e-9);
}

static void without_exposures_there_is_nothing_to_rehearse(void **state)
{
	struct rehearsal *rehearsal = rehearsal_of(STAGES(""));
	struct error error = {0};
	const struct exposure other = {.id = TEXT("r"), .experiment = TEXT("f"), .variant = TEXT("new")};
	(void)state;
	assert_true(rehearsal_expose(rehearsal, &other, &error));
	assert_false(rehearsal_run(rehearsal, &result, &error));
	assert_non_null(strstr(error.text, "there is no exposure of experiment `e`; "));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, arena_begin, arena_end)
	const struct CMUnitTest tests[] = {
		TEST(a_candidate_without_faults_is_promoted),
		TEST(records_that_end_first_leave_it_where_it_is),
		TEST(truths_count_where_requests_pause),
		TEST(errors_of_one_unit_do_not_roll_back),
		TEST(errors_roll_back_soon_after_they_begin),
		TEST(slow_answers_roll_back_unless_latencies_are_left_out),
		TEST(requests_without_an_answer_do_not_count),
		TEST(a_worse_accuracy_is_seen_beside_the_defaults),
		TEST(late_truths_promote_nothing),
		TEST(truths_that_take_longer_than_a_stage_promote_nothing),
		TEST(a_metric_of_a_criterion_is_judged),
		TEST(approvals_are_taken_to_be_given),
		TEST(neither_the_order_of_records_nor_repeated_ones_change_it),
		TEST(an_id_that_comes_again_is_of_another_request),
		TEST(each_pipeline_has_caps_of_its_own),
		TEST(a_ratio_counts_each_value),
		TEST(without_exposures_there_is_nothing_to_rehearse),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
