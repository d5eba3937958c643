/* truth_service_test.c: Tests of the truth service with a mock broker: feedback reaches the board of rollouts under the table in
 * force, and whoever counts next has the same counts. */
#include "engine/learn/truth_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "message/rows.h"
#include "mock_broker.h"
#include "planning.h"
#include "engine/learn/outcome_feed.h"

#include <cmocka.h>

#define YAML YAML_OF("1s")
#define YAML_OF(window)                                                                                                            \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"                     \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  progressiveDeployment: {schedule: [50], outcomeWindow: " window "}\n"                                                   \
	"  successCriteria: [{metricName: profit, threshold: 3, operator: \">\"}]\n"                                               \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n"
#define CALLER                                                                                                                     \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: caller}\n"                                    \
	"spec:\n  output: {steps: [c]}\n  steps: [{name: c, route: {cases: [{when: x > 0, call: p}], default: {call: p}}}]\n"
#define OTHER_YAML                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"                     \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  progressiveDeployment: {schedule: [50], outcomeWindow: 1s}\n"                                                           \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: f}\nspec:\n  default: old\n"                \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  progressiveDeployment: {schedule: [50, 80], outcomeWindow: 1s}\n"                                                       \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"                                         \
	"spec:\n  output: {steps: [t]}\n  steps: [{name: s, experiment: {name: e}}, {name: t, experiment: {name: f}, inputs: "     \
	"[s]}]\n"
#define LINE_BYTES 512
#define STAGE_MS 30000 /* after it, the truths of a stage were told */
#define JUDGED_REQUESTS 1600 /* of two partitions: a mock keeps 1,000 records of each */
#define PAST_MS 4000 /* the window, and the seconds in which it is counted */

static atomic_int late_lines, refused_lines, broken_lines;

static void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	print_message("%s\n", line->message);
	if (strstr(line->message, "raise outcomeWindow above the time that truths take"))
		atomic_fetch_add(&late_lines, 1);
	if (strstr(line->message, "1 that is refused, the first one as the record is not feedback"))
		atomic_fetch_add(&refused_lines, 1);
	if (strstr(line->message, "feedback: partition 1, offset 0: the record is not feedback"))
		atomic_fetch_add(&broken_lines, 1);
}

static const struct log_sink sink = {said_write};

static struct mock mock;
static struct planning planning;
static struct rollout_board *board;
static struct truth_service *service;
static struct shared_recovery recovery; /* {0}: engines compute no metric */
static struct arena *arena;
static char table_text[32];
static int64_t begin_ms;

static void table_set_of(const char *experiment, int64_t version, double percent, int64_t since_ms)
{
	const struct share weights[] = {{"old", 100 - percent}, {"new", percent}};
	struct error error = {0};
	struct buffer packed;
	buffer_open(&packed, 1 << 16);
	const struct assignment *made = assignment_make(arena, experiment, weights, 2);
	assignment_pack(made, &packed);
	const struct share buckets[] = {{"old", (100 - percent) * 100}, {"new", percent * 100}};
	const struct assignment_table table = {.choice = experiment,
					       .version = version,
					       .count = 2,
					       .shares = buckets,
					       .packed = text_copied(arena, buffer_view(&packed)),
					       .moves = true,
					       .began_ms = begin_ms};
	buffer_close(&packed);
	if (!rollout_board_set(board, &table, since_ms, NULL, 0, &error))
		fail_msg("%s", error.text);
	struct rollout_entry *entry = rollout_board_entry(board, experiment);
	(void)snprintf(table_text, sizeof table_text, "%016llx",
		       (unsigned long long)rollout_entry_hold(entry)->assignment.version);
	rollout_entry_release(entry);
}

static void table_set(int64_t version, double percent, int64_t since_ms)
{
	table_set_of("e", version, percent, since_ms);
}

static int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "exposures", 2, 1);
	rd_kafka_mock_topic_create(mock.cluster, "feedback", 2, 1);
	planning_open(&planning, YAML CALLER);
	board = rollout_board_open();
	arena = arena_open(1 << 20);
	begin_ms = time_of_day_ms() - 60000;
	return planning.graph && board && arena ? 0 : -1;
}

/* The pipeline whose truths are counted calls the one with the experiment. */
static int stand_open_called(void **state)
{
	const bool good = stand_open(state) == 0;
	planning.graph = planning_linked(&planning, "caller");
	return good ? 0 : -1;
}

static int stand_close(void **state)
{
	(void)state;
	rollout_board_close(board);
	planning_close(&planning);
	mock_close(&mock);
	arena_close(arena);
	return 0;
}

static void service_start(void)
{
	struct error error = {0};
	const struct truth_service_config config = {.brokers = mock.brokers,
						    .consumer = mock_quick,
						    .id = "truths",
						    .alone = true,
						    .exposures = "exposures",
						    .feedback = "feedback",
						    .graph = planning.graph,
						    .board = board,
						    .recovery = recovery.config.brokers ? &recovery : NULL,
						    .log = &sink};
	service = truth_service_open(&config, &error);
	if (!service)
		fail_msg("%s", error.text);
}

static void append_more(const char *topic, int32_t partition, int64_t time_ms, const char *value)
{
	assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time_ms), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void append(const char *topic, int32_t partition, int64_t time_ms, const char *value)
{
	append_more(topic, partition, time_ms, value);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

static void expose_by(const char *experiment, const char *id, const char *variant, const char *unit, int64_t time_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line,
		       "{\"id\":\"%s\",\"time_ms\":%lld,\"experiment\":\"%s\",\"variant\":\"%s\",\"unit\":\"%s\","
		       "\"probability\":0.5,\"reason\":\"stage\",\"table\":\"%s\"}",
		       id, (long long)time_ms, experiment, variant, unit, table_text);
	append("exposures", id[0] % 2, time_ms, line);
}

static void expose_unit(const char *id, const char *variant, const char *unit, int64_t time_ms)
{
	expose_by("e", id, variant, unit, time_ms);
}

static void expose(const char *id, const char *variant, int64_t time_ms)
{
	expose_unit(id, variant, "", time_ms);
}

static void judge(const char *id, double accuracy, int64_t time_ms)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "{\"id\":\"%s\",\"metrics\":{\"accuracy\":%g,\"profit\":%g}}", id, accuracy,
		       4 * accuracy);
	append("feedback", id[0] % 2, time_ms, line);
}

/* What comes next is much later than feedback that the service reads meanwhile. */
static void feedback_settles(void)
{
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 20 * NS_PER_MS}, NULL);
}

/* The truths of a variant on the board, of that version of the table. */
static struct truth_counts counts_of(int64_t version, size_t variant)
{
	const struct rollout_reading *readings;
	struct truth_counts counts = {0};
	struct arena *reading = arena_open(1 << 20);
	size_t count;
	assert_true(rollout_board_read(board, reading, &readings, &count));
	if (count == 1 && readings[0].table == version && readings[0].pipelines == 1) {
		assert_string_equal(readings[0].truths[0].pipeline, planning.graph->name);
		assert_int_equal(readings[0].truths[0].metric_count, 1);
		assert_string_equal(readings[0].truths[0].metrics[0], "profit");
		counts = readings[0].truths[0].counts[variant];
	}
	arena_close(reading);
	return counts;
}

static struct truth_counts truths_of(int64_t version)
{
	return counts_of(version, 1);
}

static struct truth_counts truths_of_default(int64_t version)
{
	return counts_of(version, 0);
}

static void expect_truths(int64_t version, int64_t units)
{
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of(version).units != units; nap())
		if (clock_ms() > until_ms)
			fail_msg("%lld truths under table %lld, not %lld", (long long)truths_of(version).units, (long long)version,
				 (long long)units);
}

static void feedback_of_a_pipeline_that_calls_the_one_with_the_experiment_counts(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	judge("a", 1, begin_ms + 100);
	expose("b", "new", begin_ms + PAST_MS);
	service_start();
	expect_truths(1, 1);
	truth_service_close(service);
}

static void feedback_reaches_the_board_once_whoever_counts(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	for (int i = 0; i < 2; i++) { /* all of it twice */
		expose("a", "new", begin_ms);
		expose("b", "new", begin_ms + 1);
		expose("c", "old", begin_ms + 2);
		judge("a", 1, begin_ms + 100);
		judge("b", 0, begin_ms + 100);
		judge("c", 0, begin_ms + 100);
	}
	expose("d", "new", begin_ms + PAST_MS);
	service_start(); /* all is there, so it is read in the order of its times */
	expect_truths(1, 2);
	assert_int_equal(truths_of(1).sum, TRUTH_SCALE);
	const struct metric_counts profit = truths_of(1).metrics[0];
	assert_int_equal(atomic_load(&late_lines), 0);
	assert_true(profit.requests == 2 && profit.units.count == 2 && profit.units.mean == 2 && profit.units.squares == 8);
	truth_service_close(service);
	judge("d", 1, begin_ms + PAST_MS + 100);
	expose("e", "new", begin_ms + 2 * PAST_MS);
	service_start(); /* as another engine that leads */
	expect_truths(1, 3);
	truth_service_close(service);
}

/* The pipeline declares it so. */
static void feedback_that_cannot_be_read_is_among_the_refused(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	append("feedback", 1, begin_ms + 100, "hello");
	judge("a", 1, begin_ms + 100);
	expose("b", "new", begin_ms + PAST_MS);
	service_start();
	expect_truths(1, 1);
	truth_service_close(service);
	assert_int_equal(refused_lines, 1);
	assert_int_equal(broken_lines, 1);
}

static void a_unit_of_a_ratio_counts_by_its_values(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open(&planning, YAML "  metrics: [{name: profit, type: gauge, value: reward, perUnit: ratio}]\n");
	table_set(1, 50, begin_ms);
	expose_unit("a", "new", "u", begin_ms);
	expose_unit("b", "new", "u", begin_ms + 1);
	judge("a", 1, begin_ms + 100);
	judge("b", 0.5, begin_ms + 100);
	expose("c", "new", begin_ms + PAST_MS);
	service_start();
	expect_truths(1, 1);
	const struct metric_counts profit = truths_of(1).metrics[0];
	assert_true(profit.requests == 2 && profit.units.count == 1 && profit.units.mean == 6 && profit.units.beside_mean == 2);
	truth_service_close(service);
}

/* No engine has the answer any more: it is in the outputs, and the value comes by the feedback topic, as that of an engine. */
static void an_answer_of_an_engine_that_was_stopped_counts(void **state)
{
	struct plan plan;
	(void)state;
	planning_close(&planning);
	planning_open(&planning, YAML_OF("10m") "  metrics: [{name: profit, type: gauge, value: reward * answer.side}]\n");
	planning_plan(&planning, NULL, &plan);
	rd_kafka_mock_topic_create(mock.cluster, "outputs", 2, 1);
	const struct pipeline_metric *const metrics[] = {&plan.pipelines[0].metrics[0]};
	const struct answer_recovery_config reading = {.brokers = mock.brokers,
						       .consumer = mock_quick,
						       .producer = mock_quick,
						       .graph = planning.graph,
						       .inputs = "in",
						       .outputs = "outputs",
						       .exposures = "exposures",
						       .feedback = "feedback",
						       .metrics = metrics,
						       .metric_count = 1,
						       .log = &sink};
	recovery = (struct shared_recovery){.config = reading, .lock = PTHREAD_MUTEX_INITIALIZER};
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	append("outputs", 1, begin_ms + 10,
	       "{\"id\":\"a\",\"outputs\":[{\"name\":\"side\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[2]}]}");
	append("feedback", 0, begin_ms + 100, "{\"id\":\"a\",\"reward\":1}");
	append("feedback", 0, begin_ms + 100, "{\"id\":\"nobody\",\"reward\":1}");
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of(1).metrics[0].joined != 1; nap())
		assert_true(clock_ms() < until_ms);
	truth_service_close(service);
	service_start(); /* as another engine that leads: the value is there */
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of(1).metrics[0].joined != 1; nap())
		assert_true(clock_ms() < until_ms);
	truth_service_close(service);
	recovery = (struct shared_recovery){.lock = PTHREAD_MUTEX_INITIALIZER};
}

static void a_table_is_counted_from_its_own_time(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	judge("a", 1, begin_ms + 100);
	expose("b", "new", begin_ms + PAST_MS);
	service_start();
	expect_truths(1, 1);
	judge("b", 1, begin_ms + PAST_MS + 100);
	feedback_settles();
	table_set(2, 20, begin_ms + PAST_MS + 1);
	expose("c", "new", begin_ms + PAST_MS + 1);
	judge("c", 1, begin_ms + PAST_MS + 200);
	feedback_settles();
	expose("d", "new", begin_ms + 2 * PAST_MS + 1);
	expect_truths(2, 1);
	table_set(3, 50, begin_ms + 3 * PAST_MS); /* as the first one */
	expose("f", "new", begin_ms + 3 * PAST_MS);
	judge("f", 0, begin_ms + 3 * PAST_MS + 100);
	feedback_settles();
	expose("g", "new", begin_ms + 4 * PAST_MS);
	expect_truths(3, 1);
	assert_int_equal(truths_of(3).sum, 0);
	truth_service_close(service);
}

/* Truths may take longer than a stage: then none of its own ever comes. */
static void late_truths_are_known_over_a_change_of_tables(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	expose("b", "new", begin_ms);
	judge("b", 1, begin_ms + 100);
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of(1).joined != 1; nap())
		assert_true(clock_ms() < until_ms);
	table_set(2, 20, begin_ms + STAGE_MS);
	expose("c", "new", begin_ms + STAGE_MS);
	judge("a", 0, begin_ms + STAGE_MS + 1000);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of(2).late != 1; nap())
		assert_true(clock_ms() < until_ms);
	assert_true(truths_of(2).joined == 0 && truths_of(2).units == 0);
	expose("d", "old", begin_ms + STAGE_MS - 1); /* its answer took long */
	judge("d", 0, begin_ms + STAGE_MS + 2000);
	expose("e", "new", begin_ms + STAGE_MS + PAST_MS);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of_default(2).late != 1; nap())
		assert_true(clock_ms() < until_ms);
	truth_service_close(service);
}

/* Whoever counted in the stages before is gone, and had no truth. */
static void another_leader_knows_the_requests_since_the_beginning(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	table_set(2, 20, begin_ms + STAGE_MS / 2);
	expose("b", "old", begin_ms + STAGE_MS / 2);
	table_set(3, 80, begin_ms + STAGE_MS);
	expose("c", "new", begin_ms + STAGE_MS);
	service_start();
	judge("a", 0, begin_ms + STAGE_MS + 1000);
	judge("b", 0, begin_ms + STAGE_MS + 1000);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; truths_of(3).late != 1 || truths_of_default(3).late != 1; nap())
		assert_true(clock_ms() < until_ms);
	truth_service_close(service);
}

/* Then the last exposure's window ends by the clock. */
static void truths_count_without_further_requests(void **state)
{
	(void)state;
	const int64_t now_ms = time_of_day_ms();
	table_set(1, 50, now_ms - 1);
	service_start();
	expose("a", "new", now_ms);
	judge("a", 1, now_ms + 100);
	expect_truths(1, 1);
	assert_int_equal(truths_of(1).sum, TRUTH_SCALE);
	truth_service_close(service);
}

/* Of the first table, which has no truth. */
static void await_current(bool is_current)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	for (bool is = !is_current; is != is_current; nap()) {
		const struct rollout_reading *readings;
		struct arena *reading = arena_open(1 << 20);
		size_t count;
		assert_true(clock_ms() < until_ms);
		assert_true(rollout_board_read(board, reading, &readings, &count));
		is = count == 1 && readings[0].pipelines == 1 && readings[0].truths[0].is_current;
		arena_close(reading);
	}
}

/* Units of the candidate of an experiment under that version of its table; -1: nothing is known of them. */
static int64_t units_of(const char *experiment, int64_t version)
{
	const struct rollout_reading *readings;
	struct arena *reading = arena_open(1 << 20);
	int64_t units = -1;
	size_t count;
	assert_true(rollout_board_read(board, reading, &readings, &count));
	for (size_t i = 0; i < count; i++)
		if (strcmp(readings[i].experiment, experiment) == 0 && readings[i].table == version && readings[i].pipelines == 1)
			units = readings[i].truths[0].counts[1].units;
	arena_close(reading);
	return units;
}

/* Requests of the experiment `e`, and the truth of each. */
static void append_judged(int count)
{
	for (int i = 0; i < count; i++) {
		char line[LINE_BYTES];
		(void)snprintf(line, sizeof line,
			       "{\"id\":\"r-%d\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"new\","
			       "\"probability\":0.5,\"reason\":\"stage\",\"table\":\"%s\"}",
			       i, (long long)begin_ms, table_text);
		append_more("exposures", i % 2, begin_ms, line);
		(void)snprintf(line, sizeof line, "{\"id\":\"r-%d\",\"metrics\":{\"accuracy\":1}}", i);
		append_more("feedback", i % 2, begin_ms + 100, line);
	}
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

/* Else its rules are open until all is read again since its rollout began, which may take long. */
static void a_move_of_one_rollout_leaves_the_counts_of_another(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open(&planning, OTHER_YAML);
	table_set_of("f", 1, 50, begin_ms);
	table_set_of("e", 1, 50, begin_ms);
	append_judged(JUDGED_REQUESTS);
	expose_by("e", "d", "new", "", begin_ms + PAST_MS);
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; units_of("e", 1) != JUDGED_REQUESTS; nap())
		assert_true(clock_ms() < until_ms);
	table_set_of("f", 2, 80, begin_ms + STAGE_MS);
	expose_by("f", "g", "new", "", begin_ms + STAGE_MS);
	judge("g", 1, begin_ms + STAGE_MS + 100);
	expose_by("f", "h", "new", "", begin_ms + STAGE_MS + PAST_MS);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; units_of("f", 2) != 1;) {
		assert_int_equal(units_of("e", 1), JUDGED_REQUESTS);
		assert_true(clock_ms() < until_ms);
	}
	truth_service_close(service);
}

/* Nobody knows whether truths come that nobody can read. */
static void counts_are_current_as_long_as_both_topics_are_read(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	judge("a", 1, begin_ms + 100);
	for (int is_down = 0; is_down < 2; is_down++) {
		service_start();
		await_current(true);
		if (is_down) {
			assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
			await_current(false);
			assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
		}
		truth_service_close(service);
		await_current(false); /* it may have come since */
	}
}

/* Nor has anybody since the rollout began. */
static void a_pipeline_whose_feedback_cannot_be_read_is_known(void **state)
{
	(void)state;
	assert_int_equal(rd_kafka_mock_broker_set_down(mock.cluster, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	table_set(1, 50, begin_ms);
	service_start();
	size_t pipelines = 0;
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; pipelines == 0; nap()) {
		const struct rollout_reading *readings;
		struct arena *reading = arena_open(1 << 20);
		size_t count;
		assert_true(clock_ms() < until_ms);
		assert_true(rollout_board_read(board, reading, &readings, &count));
		pipelines = count == 1 ? readings[0].pipelines : 0;
		assert_false(pipelines > 0 && readings[0].truths[0].is_current);
		arena_close(reading);
	}
	assert_int_equal(rd_kafka_mock_broker_set_up(mock.cluster, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	truth_service_close(service);
}

/* Records of the others come meanwhile, and go on. */
static void counts_are_not_current_while_one_partition_has_no_leader(void **state)
{
	(void)state;
	table_set(1, 50, begin_ms);
	expose("a", "new", begin_ms);
	expose("b", "new", begin_ms + 1);
	judge("a", 1, begin_ms + 100);
	service_start();
	await_current(true);
	assert_int_equal(rd_kafka_mock_partition_set_leader(mock.cluster, "feedback", 1, -1), RD_KAFKA_RESP_ERR_NO_ERROR);
	await_current(false);
	judge("b", 1, time_of_day_ms());
	feedback_settles();
	await_current(false);
	assert_int_equal(rd_kafka_mock_partition_set_leader(mock.cluster, "feedback", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	await_current(true);
	truth_service_close(service);
}

/* One line, whether the exposure still waits or has ended. */
static void truths_that_are_late_are_logged_once(void **state)
{
	(void)state;
	for (int ended = 0; ended < 2; ended++) {
		const int64_t from_ms = begin_ms + ended * 8 * PAST_MS / 2;
		atomic_store(&late_lines, 0);
		table_set(1 + ended, 50, from_ms);
		expose(ended ? "c" : "a", "new", from_ms);
		if (ended)
			expose("d", "new", from_ms + PAST_MS);
		for (int i = 0; i < 3; i++)
			judge(ended ? "c" : "a", 0, from_ms + PAST_MS + 100 * (i + 1));
		service_start();
		for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&late_lines) == 0; nap())
			assert_true(clock_ms() < until_ms);
		feedback_settles();
		truth_service_close(service);
		assert_int_equal(atomic_load(&late_lines), 1);
		assert_int_equal(truths_of(1 + ended).units, 0);
	}
}

/* The rollout has ended: nothing is read for it. */
static void a_table_that_is_not_judged_is_not_counted(void **state)
{
	(void)state;
	table_set(1, 50, 0);
	expose("a", "new", begin_ms);
	judge("a", 1, begin_ms + 100);
	expose("b", "new", begin_ms + PAST_MS);
	service_start();
	nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	assert_int_equal(truths_of(1).units, 0);
	table_set(2, 50, begin_ms);
	expect_truths(2, 1);
	truth_service_close(service);
}

/* A turn without a wait would keep a processor busy. */
static void each_of_many_rollouts_waits_for_records(void **state)
{
	(void)state;
	assert_int_equal(outcome_turn_share_ms(0), OUTCOME_TURN_MS);
	assert_int_equal(outcome_turn_share_ms(1), OUTCOME_TURN_MS);
	assert_int_equal(outcome_turn_share_ms(2), OUTCOME_TURN_MS / 2);
	assert_int_equal(outcome_turn_share_ms(OUTCOME_TURN_MS + 1), 1);
	assert_int_equal(outcome_turn_share_ms(1000), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(feedback_of_a_pipeline_that_calls_the_one_with_the_experiment_counts,
						stand_open_called, stand_close),
		cmocka_unit_test_setup_teardown(feedback_reaches_the_board_once_whoever_counts, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(feedback_that_cannot_be_read_is_among_the_refused, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_unit_of_a_ratio_counts_by_its_values, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(an_answer_of_an_engine_that_was_stopped_counts, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(truths_count_without_further_requests, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_table_is_counted_from_its_own_time, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(late_truths_are_known_over_a_change_of_tables, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(another_leader_knows_the_requests_since_the_beginning, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_move_of_one_rollout_leaves_the_counts_of_another, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(truths_that_are_late_are_logged_once, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(counts_are_current_as_long_as_both_topics_are_read, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(counts_are_not_current_while_one_partition_has_no_leader, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_pipeline_whose_feedback_cannot_be_read_is_known, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_table_that_is_not_judged_is_not_counted, stand_open, stand_close),
		cmocka_unit_test(each_of_many_rollouts_waits_for_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
