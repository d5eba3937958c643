/* tally_reader_test.c: Tests of the reader of outcomes that counts the truths of a rollout: under which table, from where it
 * reads, and what the board of rollouts and the log say of it. What counts: truth_tally_test.c. */
#include "engine/learn/tally_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "experiments/rollouts/truth_tally.h"
#include "tests/unit/planning.h"

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"                                            \
	"spec:\n  default: old\n  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                \
	"  progressiveDeployment: {enabled: true, schedule: [10, 50], outcomeWindow: 1s}\n"                                        \
	"  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n"                                               \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"

static struct planning planning;
static struct plan plan;
static struct arena *arena;
static struct rollout_board *rollouts;
static struct outcome_reader reader;
static struct refused_feedback refused;
static struct exposure_join_counts join_counts;
static int64_t now_ms;
static uint64_t assignment; /* of the table in force */
static char lines[4096];

static void line_note(const struct log_sink *sink, const struct log_line *line)
{
	const size_t length = strlen(lines);
	(void)sink;
	(void)snprintf(lines + length, sizeof lines - length, "%s\n", line->message);
}

static const struct log_sink log_sink = {line_note};

static struct exposure_join_counts counts_now(const void *lead, struct text experiment)
{
	(void)lead, (void)experiment;
	return join_counts;
}

static struct readers_context context = {.log = &log_sink, .feedback = "feedback", .refused = &refused, .counts = counts_now};

static int stand_open(void **state)
{
	(void)state;
	planning_open(&planning, YAML);
	assert_int_equal(planning_errors(&planning), 0);
	planning_plan(&planning, NULL, &plan);
	arena = arena_open((size_t)16 << 20);
	rollouts = rollout_board_open();
	context.pipeline = &plan.pipelines[0];
	context.rollouts = rollouts;
	refused = (struct refused_feedback){0};
	join_counts = (struct exposure_join_counts){0};
	lines[0] = 0;
	now_ms = time_of_day_ms();
	return 0;
}

static void reader_end(void)
{
	if (reader.close)
		reader.close(reader.context);
	reader = (struct outcome_reader){0};
}

static int stand_close(void **state)
{
	(void)state;
	reader_end();
	rollout_board_close(rollouts);
	arena_close(arena);
	planning_close(&planning);
	return 0;
}

static void reader_begin(void)
{
	struct error error = {0};
	if (!tally_reader_open(&context, context.pipeline->graph->reachable[0], &reader, &error))
		fail_msg("%s", error.text);
}

/* A table of the rollout, which began a minute ago. */
static void table_set(int64_t version, int64_t since_ms)
{
	const struct share shares[] = {{"old", 100 - (double)version}, {"new", (double)version}};
	const struct share buckets[] = {{"old", ASSIGNMENT_BUCKETS * (100 - (double)version) / 100},
					{"new", ASSIGNMENT_BUCKETS * (double)version / 100}};
	struct buffer packed;
	struct error error = {0};
	buffer_open(&packed, ASSIGNMENT_BUCKETS);
	assignment_pack(assignment_make(arena, "e", shares, 2), &packed);
	const struct assignment_table table = {.choice = "e",
					       .version = version,
					       .began_ms = now_ms - 60000,
					       .count = 2,
					       .shares = buckets,
					       .packed = buffer_view(&packed)};
	assert_true(rollout_board_set(rollouts, &table, since_ms, NULL, 0, &error));
	buffer_close(&packed);
	struct rollout_entry *entry = rollout_board_entry(rollouts, "e");
	assignment = rollout_entry_hold(entry)->assignment.version;
	rollout_entry_release(entry);
}

static void judge(enum outcome_kind kind, int64_t exposed_ms)
{
	char table[24];
	(void)snprintf(table, sizeof table, "%016llx", (unsigned long long)assignment);
	const struct outcome_metric accuracy = {.name = TEXT("accuracy"), .value = 1};
	const struct outcome outcome = {.kind = kind,
					.exposure = {.time_ms = exposed_ms,
						     .experiment = TEXT("e"),
						     .variant = TEXT("new"),
						     .reason = ASSIGNED_STAGE,
						     .table = text_of(table)},
					.written_ms = exposed_ms + 10,
					.weight = 1,
					.metric_count = 1,
					.metrics = &accuracy};
	struct error error = {0};
	assert_true(reader.outcome(reader.context, &outcome, 0, &error));
}

static void publish(void)
{
	struct error error = {0};
	assert_true(reader.due(reader.context, NULL, clock_ms(), &error));
}

/* What the board has of the pipeline; NULL: nothing. */
static const struct rollout_truths *told(void)
{
	const struct rollout_reading *readings;
	size_t count;
	assert_true(rollout_board_read(rollouts, arena, &readings, &count));
	return count == 1 && readings[0].pipelines == 1 ? &readings[0].truths[0] : NULL;
}

static void nothing_is_read_before_a_table_is_in_force(void **state)
{
	(void)state;
	reader_begin();
	assert_true(reader.next == INT64_MAX && reader.from_ms == 0 && reader.since_ms == INT64_MAX);
	publish();
	judge(OUTCOME_JOINED, now_ms);
	tallies_announce(context.pipeline, rollouts);
	assert_null(told());
	table_set(10, now_ms - 1000);
	tallies_announce(context.pipeline, rollouts); /* by each engine, whoever leads */
	assert_true(told() && !told()->is_current && told()->counts[1].units == 0);
	assert_string_equal(told()->metrics[0], "profit");
	publish();
	assert_int_equal(reader.from_ms, now_ms - 1000 - TRUTH_REPORTED_MS);
}

/* Requests of earlier stages may get their truths yet: a lead that begins reads all of the rollout. */
static void a_table_is_counted_from_its_own_time(void **state)
{
	(void)state;
	table_set(10, now_ms - 30000);
	reader_begin();
	assert_true(reader.from_ms == now_ms - 60000 && reader.since_ms == now_ms - 60000);
	reader.from_ms = 0; /* the lead reads from there */
	judge(OUTCOME_JOINED, now_ms - 25000);
	judge(OUTCOME_LATE, now_ms - 20000);
	publish();
	assert_true(told() && !told()->is_current && told()->counts[1].joined == 1 && told()->counts[1].late == 1);
	reader.pass(reader.context, now_ms - 2 * TALLY_BEHIND_MS);
	publish();
	assert_true(!told()->is_current && told()->counts[1].units == 1);
	reader.pass(reader.context, now_ms);
	publish();
	assert_true(told()->is_current);
	table_set(50, now_ms - 1000);
	publish();
	assert_int_equal(reader.from_ms, now_ms - 1000 - TRUTH_REPORTED_MS);
	assert_true(told()->counts[1].units == 0 && !told()->is_current);
	judge(OUTCOME_JOINED, now_ms - 500);
	reader.pass(reader.context, now_ms + 3000);
	publish();
	assert_true(told()->counts[1].units == 1 && told()->is_current);
	reader_end();
	assert_true(told()->counts[1].units == 1 && !told()->is_current); /* whoever leads next says so */
}

static void truths_that_are_late_or_refused_are_said_once(void **state)
{
	(void)state;
	table_set(10, now_ms - 30000);
	reader_begin();
	publish();
	assert_string_equal(lines, "");
	refused.count = 3;
	error_set(&refused.first, ERROR_INPUT, PLACE_NONE, "its time is in seconds");
	for (int i = 0; i < 2; i++) {
		judge(OUTCOME_LATE, now_ms - 20000);
		publish();
	}
	const char *said = strstr(lines, "3 that is refused, the first one as its time is in seconds");
	assert_non_null(said);
	assert_null(strstr(said, "leaves out feedback of feedback: "));
	said = strstr(lines, "that is late: 1 came after the outcomeWindow of 1000 ms of its request");
	assert_non_null(said);
	assert_non_null(strstr(said, "No truth has counted so far: while that is so, no rule of truth holds"));
	assert_null(strstr(said + 1, "that is late"));
}

/* Ids that nobody knows are no late truths, and only said where no truth has come for two windows. */
static void feedback_of_unknown_requests_alone_is_said(void **state)
{
	(void)state;
	table_set(10, now_ms - 30000);
	reader_begin();
	join_counts.unknown = 5;
	reader.pass(reader.context, now_ms - 29000);
	publish();
	assert_string_equal(lines, "");
	reader.pass(reader.context, now_ms);
	publish();
	assert_non_null(strstr(lines, "and 5 named a request that another table chose, or that is not known"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_read_before_a_table_is_in_force),
		TEST(a_table_is_counted_from_its_own_time),
		TEST(truths_that_are_late_or_refused_are_said_once),
		TEST(feedback_of_unknown_requests_alone_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
