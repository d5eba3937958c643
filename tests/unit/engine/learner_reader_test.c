/* learner_reader_test.c: Tests of the reader of outcomes that learns: where it begins, when it writes a policy, with which
 * positions, and what it says of what is left out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "kafka/produce/fenced_writer.h"
#include "message/avro/avro_wire.h"
#include "tests/unit/planning.h"

static bool record_written(struct fenced_writer *writer, size_t topic, struct text key, struct text value, struct error *error);

/* NOLINTBEGIN(bugprone-suspicious-include): it writes to the test, and not to Kafka */
#define fenced_writer_add record_written
#include "engine/engine/learn/learner_reader.c"
#undef fenced_writer_add
/* NOLINTEND(bugprone-suspicious-include) */

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                     \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  bandits: {algorithm: epsilon-greedy, updateInterval: 60s, outcomeWindow: 10s}\n"                            \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define POLICY_TOPIC 3

static struct planning planning;
static struct plan plan;
static struct arena *arena;
static struct policy_board *policies;
static struct outcome_reader reader;
static struct refused_feedback refused;
static struct exposure_join_counts join_counts;
static struct text latest; /* record of the policy topic */
static char written[POLICY_RECORD_BYTES_MAX];
static size_t written_length, written_count;
static char lines[4096];

static bool record_written(struct fenced_writer *writer, size_t topic, struct text key, struct text value, struct error *error)
{
	(void)writer, (void)error;
	assert_int_equal(topic, POLICY_TOPIC);
	assert_true(text_is(key, "e") && value.length <= sizeof written);
	memcpy(written, value.bytes, value.length);
	written_length = value.length;
	written_count++;
	return true;
}

static void line_note(const struct log_sink *sink, const struct log_line *line)
{
	const size_t length = strlen(lines);
	(void)sink;
	(void)snprintf(lines + length, sizeof lines - length, "%s\n", line->message);
}

static const struct log_sink log_sink = {line_note};

static struct text policy_latest(const void *lead, const char *experiment)
{
	(void)lead;
	assert_string_equal(experiment, "e");
	return latest;
}

static struct exposure_join_counts counts_now(const void *lead, struct text experiment)
{
	(void)lead, (void)experiment;
	return join_counts;
}

static struct readers_context context = {.log = &log_sink,
					 .exposures = "exposures",
					 .feedback = "feedback",
					 .policy_topic = POLICY_TOPIC,
					 .refused = &refused,
					 .policy = policy_latest,
					 .counts = counts_now};

static int stand_open(void **state)
{
	(void)state;
	planning_open(&planning, YAML);
	assert_int_equal(planning_errors(&planning), 0);
	planning_plan(&planning, NULL, &plan);
	arena = arena_open((size_t)16 << 20);
	policies = policy_board_open();
	context.pipeline = &plan.pipelines[0];
	context.policies = policies;
	latest = (struct text){0};
	refused = (struct refused_feedback){0};
	join_counts = (struct exposure_join_counts){0};
	written_count = 0;
	lines[0] = 0;
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
	policy_board_close(policies);
	arena_close(arena);
	planning_close(&planning);
	return 0;
}

static void reader_begin(void)
{
	struct error error = {0};
	if (!learner_reader_open(&context, context.pipeline->graph->reachable[0], &reader, &error))
		fail_msg("%s", error.text);
}

/* ---- what it is given ---- */

static struct exposure exposure_of(const char *variant, int64_t time_ms)
{
	return (struct exposure){.time_ms = time_ms,
				 .experiment = TEXT("e"),
				 .variant = text_of(variant),
				 .probability = 0.5,
				 .reason = ASSIGNED_POLICY};
}

/* As the lead does, of partition 0. */
static void expose(const char *variant, int64_t time_ms)
{
	const struct exposure exposure = exposure_of(variant, time_ms);
	struct error error = {0};
	reader.expose(reader.context, &exposure);
	assert_true(offsets_set(reader.exposed, 0, offsets_of(reader.exposed, 0) + 1, &error));
}

static void earn(const char *variant, int64_t time_ms, double value, int64_t source, int64_t written_ms)
{
	const struct outcome_metric metric = {.name = TEXT("reward"), .value = value};
	const struct outcome outcome = {.exposure = exposure_of(variant, time_ms),
					.written_ms = written_ms,
					.source = {TEXT("feedback"), 0, source},
					.metric_count = 1,
					.metrics = &metric};
	struct error error = {0};
	assert_true(reader.outcome(reader.context, &outcome, reader.next, &error));
	reader.next++;
}

static bool writes(void)
{
	struct error error = {0};
	const size_t before = written_count;
	assert_true(reader.due(reader.context, NULL, clock_ms(), &error));
	return written_count > before;
}

static struct policy_record record_read(void)
{
	struct policy_record record;
	struct error error = {0};
	const struct text bytes = {arena_copy(arena, written, written_length), written_length};
	if (!policy_record_decode(bytes, arena, &record, &error))
		fail_msg("%s", error.text);
	return record;
}

/* ---- stories ---- */

static void a_reader_that_begins_anew_writes_when_it_has_read_what_there_was(void **state)
{
	const int64_t now_ms = time_of_day_ms();
	(void)state;
	reader_begin();
	assert_true(reader.next == 0 && reader.since_ms == 0);
	earn("old", now_ms - 60000, 1, 0, now_ms - 50000); /* of former days: its exposure is over */
	expose("new", now_ms);
	earn("new", now_ms, 3, 1, now_ms);
	reader.pass(reader.context, now_ms - 1000);
	assert_false(writes());
	reader.pass(reader.context, time_of_day_ms() + 1);
	assert_true(writes());
	const struct policy_record record = record_read();
	assert_true(record.rewards == 2 && record.outcomes == 2 && record.through_ms == now_ms);
	assert_true(record.position_count == 1 && record.positions[0].offset == 1);
	assert_true(text_is(record.positions[0].topic, "exposures"));
	assert_false(writes()); /* before the interval is over */
	assert_int_equal(policy_entry_state(policy_board_entry(policies, "p", "e")).version, -1); /* it reads it from the topic */
}

/* Another leader goes on from the record: what follows its positions is learnt once, and its interval goes on. */
static void a_reader_goes_on_from_its_record(void **state)
{
	const int64_t now_ms = time_of_day_ms();
	(void)state;
	reader_begin();
	expose("new", now_ms);
	earn("new", now_ms, 3, 1, now_ms);
	reader.pass(reader.context, time_of_day_ms() + 1);
	assert_true(writes());
	latest = (struct text){arena_copy(arena, written, written_length), written_length};
	reader_end();
	reader_begin();
	assert_true(reader.next == 1 && reader.since_ms == INT64_MAX && offsets_of(reader.exposed, 0) == 1);
	assert_false(writes());
	reader.pass(reader.context, time_of_day_ms() + 1);
	assert_false(writes()); /* it does not begin anew */
	expose("old", now_ms + 1);
	earn("old", now_ms + 1, 5, 2, now_ms + 1);
	struct learner_reader *self = reader.context;
	assert_in_range(self->due_ms, clock_ms() + 50000, clock_ms() + 60000);
	self->due_ms = clock_ms();
	assert_true(writes());
	const struct policy_record record = record_read();
	assert_true(record.rewards == 2 && record.outcomes == 2 && record.positions[0].offset == 2);
	assert_true(text_is(record.arms[0], "old"));
}

/* It was learnt by feedback, up to a position: what is joined again of that feedback was learnt. */
static void a_record_of_before_there_were_outcomes_is_gone_on_from(void **state)
{
	const int64_t through_ms = INT64_C(1800000000000);
	struct text former;
	struct error error = {0};
	(void)state;
	assert_true(file_read("tests/data/avro/policy-2.bin", 1 << 12, arena, &former, &error));
	latest = former;
	reader_begin();
	assert_string_equal(lines, "");
	assert_true(reader.next == 0 && reader.since_ms == through_ms - 10000 && offsets_of(reader.exposed, 0) == 6);
	struct learner_reader *self = reader.context;
	earn("old", through_ms, 9, 3, self->learnt_ms); /* the former position of feedback is 4 */
	earn("old", through_ms, 1, 4, self->learnt_ms);
	self->due_ms = clock_ms();
	assert_true(writes());
	assert_int_equal(record_read().rewards, 7);
	assert_int_equal(record_read().position_count, 2);
	earn("old", through_ms, 1, 5, self->learnt_ms + 1);
	earn("new", through_ms, 1, 0, self->learnt_ms + 1); /* the topic of feedback was made again */
	self->due_ms = clock_ms();
	assert_true(writes());
	assert_int_equal(record_read().rewards, 9);
	assert_int_equal(record_read().position_count, 1);
}

static void a_record_of_another_version_of_sluice_is_not_overwritten(void **state)
{
	char foreign[16] = {0};
	struct error error = {0};
	(void)state;
	(void)avro_put_single_object(foreign, 0x1234567890abcdef);
	latest = (struct text){foreign, sizeof foreign};
	assert_false(learner_reader_open(&context, context.pipeline->graph->reachable[0], &reader, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	assert_non_null(strstr(error.text, "another version of sluice"));
	assert_null(reader.context);
}

static void what_is_left_out_is_counted_and_said_once(void **state)
{
	struct error error = {0};
	(void)state;
	reader_begin();
	join_counts = (struct exposure_join_counts){.late = 2, .unknown = 3, .by_unit = 4, .again = 5, .forgotten = 6};
	refused.count = 1;
	error_set(&refused.first, ERROR_INPUT, PLACE_NONE, "it is from the future");
	for (int i = 0; i < 2; i++)
		assert_true(reader.due(reader.context, NULL, clock_ms(), &error));
	const struct policy_losses losses = policy_entry_losses(policy_board_entry(policies, "p", "e"));
	assert_true(losses.late == 2 && losses.unknown == 3 && losses.by_unit == 4 && losses.repeated == 5 && losses.dropped == 6);
	assert_int_equal(losses.refused, 1);
	const char *said = strstr(lines, "leave out feedback that is refused: it is from the future");
	assert_non_null(said);
	assert_null(strstr(said + 1, "leave out feedback that is refused"));
	assert_non_null(strstr(lines, "after the outcomeWindow"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reader_that_begins_anew_writes_when_it_has_read_what_there_was),
		TEST(a_reader_goes_on_from_its_record),
		TEST(a_record_of_before_there_were_outcomes_is_gone_on_from),
		TEST(a_record_of_another_version_of_sluice_is_not_overwritten),
		TEST(what_is_left_out_is_counted_and_said_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
