/* explain_importance_test.c: running importance of features at a step `explain`: windows by count and by time, what survives an
 * engine, what is left out, and what of it metrics have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "flow/flow.h"
#include "message/records/importance_report.h"
#include "observe/verdict_board.h"
#include "steps/explain/explain_importance.h"
#include "tests/unit/planning.h"
#include "tests/unit/session.h"

#define expect_near(number, wanted, by) assert_true(fabs((number) - (wanted)) <= (by))
#define STORE_BYTES ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)64 << 20)
#define RECORD_BYTES ((size_t)1 << 20)
#define REPORTS_MAX 64
#define FEATURES 3
#define HOUR_MS 3600000
#define TOPIC "sluice.default.pipeline.p.importance"

/* Contributions of a row are coef * row, since the background is zero. */
static const double coef[FEATURES] = {2, -3, 0.5};

struct weighed {
	struct planning planning;
	struct flow *flow;
	struct store *store;
	struct line *line;
	struct arena *arena, *kept; /* of a message; of the reports */
	int64_t time_ms, sent;
	bool asks; /* for its explanation */
	struct verdict_board *board;
	size_t count;
	struct importance_report reports[REPORTS_MAX];
};

static bool files_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)digest, (void)error;
	*content = strcmp(file->text, "m.json") == 0 ? TEXT("{\"format\": \"sluice_linear/1\", \"kind\": \"identity\", \"coef\": "
							    "[[2, -3, 0.5]], \"intercept\": [1]}")
		   : strcmp(file->text, "two.json") == 0 ? TEXT("{\"format\": \"sluice_linear/1\", \"kind\": \"softmax\", "
								"\"coef\": [[1, 0], [0, 1]], \"intercept\": [0, 0]}")
		   : strcmp(file->text, "two.csv") == 0	 ? TEXT("a,b\n0,0\n0,0\n")
							 : TEXT("a,b,c\n0,0,0\n0,0,0\n");
	return true;
}

static const struct file_source files = {.read = files_read};

/* A copy of a report, which is encoded and read as from the topic. */
static void report_take(struct weighed *weighed, const struct importance_report *report)
{
	struct buffer record;
	struct error error = {0};
	assert_true(weighed->count < REPORTS_MAX);
	buffer_open(&record, RECORD_BYTES);
	assert_true(importance_report_encode(report, &record, &error));
	const struct text bytes = {arena_copy(weighed->kept, record.bytes, record.length), record.length};
	assert_true(importance_report_decode(bytes, weighed->kept, &weighed->reports[weighed->count++], &error));
	buffer_close(&record);
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct weighed *weighed = context;
	struct error error = {0};
	(void)outcome;
	if (answer->error)
		fail_msg("%s", answer->error->text);
	for (const struct listed_record *record = message->listed; record; record = record->next) {
		assert_int_equal(record->kind, LISTED_IMPORTANCE);
		report_take(weighed, (const void *)record);
	}
	assert_true(store_release(weighed->store, message->writes, &error));
}

static void engine_open(struct weighed *weighed)
{
	struct error error = {0};
	const struct flow_environment environment = {
		.context = weighed, .finished = on_finished, .files = &files, .board = weighed->board};
	weighed->flow = flow_open(weighed->planning.graph, &environment, &error);
	assert_string_equal(error.text, "");
	if (!weighed->store)
		weighed->store = store_open(flow_scopes(weighed->flow), STORE_BYTES);
	weighed->line = line_open(weighed->flow, weighed->store, &error);
	assert_non_null(weighed->line);
}

static void engine_close(struct weighed *weighed)
{
	flow_close(weighed->flow);
	line_close(weighed->line);
}

static void pipeline_open(struct weighed *weighed, const char *model, const char *options)
{
	char steps[1024];
	snprintf(steps, sizeof steps,
		 "  - {name: score, model: {local: %s.json, input: x, output: y}}\n"
		 "  - {name: why, inputs: [score], explain: {background: %s.csv, %s}}\n"
		 "  output: {steps: [score]}\n",
		 model, model, options);
	planning_open_steps(&weighed->planning, steps);
	assert_int_equal(planning_errors(&weighed->planning), 0);
}

static void weighed_open(struct weighed *weighed, const char *options)
{
	*weighed = (struct weighed){.time_ms = 1000 * (int64_t)HOUR_MS};
	weighed->arena = arena_open(ARENA_BYTES);
	weighed->kept = arena_open(ARENA_BYTES);
	weighed->board = verdict_board_open();
	pipeline_open(weighed, "m", options);
	engine_open(weighed);
}

/* Another version of the pipeline, with the state of the former. */
static void weighed_become(struct weighed *weighed, const char *model, const char *options)
{
	engine_close(weighed);
	planning_close(&weighed->planning);
	pipeline_open(weighed, model, options);
	engine_open(weighed);
}

static void weighed_close(struct weighed *weighed)
{
	engine_close(weighed);
	store_close(weighed->store);
	verdict_board_close(weighed->board);
	arena_close(weighed->arena);
	arena_close(weighed->kept);
	planning_close(&weighed->planning);
}

static void rows_send(struct weighed *weighed, const double *rows, size_t count, size_t features)
{
	const int64_t shape[] = {(int64_t)count, (int64_t)features};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = rows, .count = count * features};
	const struct tensor *items[] = {&tensor};
	const struct header wanted = {TEXT(EXPLAIN_HEADER), TEXT("yes")};
	struct error error = {0};
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)weighed->sent);
	struct message message = {.arena = weighed->arena,
				  .id = text_of(id),
				  .origin = {TEXT("in"), 0, weighed->sent++},
				  .time_ms = weighed->time_ms,
				  .payload = {.tensors = {1, items}},
				  .line = weighed->line};
	if (weighed->asks)
		message.headers = (struct headers){1, &wanted};
	assert_true(flow_enter(weighed->flow, &message, 0, &error));
	arena_reset(weighed->arena);
}

static void row_send(struct weighed *weighed, double a, double b, double c)
{
	const double row[FEATURES] = {a, b, c};
	rows_send(weighed, row, 1, FEATURES);
}

static void rows_draw(struct random *chance, double (*rows)[FEATURES], size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < FEATURES; j++)
			rows[i][j] = (double)random_below(chance, 2001) / 100 - 10;
}

/* The means of a report are those of its rows. */
static void expect_means(const struct importance_report *report, double (*rows)[FEATURES], size_t count)
{
	const double rows_count = (double)count;
	double total = 0;
	assert_int_equal(report->explanations, count);
	assert_int_equal(report->feature_count, FEATURES);
	for (size_t j = 0; j < FEATURES; j++) {
		double sum = 0;
		for (size_t i = 0; i < count; i++)
			sum += fabs(coef[j] * rows[i][j]);
		total += sum / rows_count;
		expect_near(report->features[j].mean, sum / rows_count, 1e-12);
	}
	expect_near(report->total, total, 1e-12);
}

/* ---- windows ---- */

static void a_window_by_count_has_the_means_of_its_rows(void **state)
{
	(void)state;
	struct weighed weighed;
	struct random chance = {3};
	double rows[100][FEATURES];
	weighed_open(&weighed, "importance: {window: 40}");
	rows_draw(&chance, rows, 100);
	rows_send(&weighed, rows[0], 39, FEATURES);
	assert_int_equal(weighed.count, 0);
	weighed.time_ms += 5;
	rows_send(&weighed, rows[39], 61, FEATURES);
	assert_int_equal(weighed.count, 2);
	expect_means(&weighed.reports[0], rows, 40);
	expect_means(&weighed.reports[1], rows + 40, 40);
	assert_int_equal(weighed.reports[0].window, 0);
	assert_int_equal(weighed.reports[1].window, 1);
	assert_true(weighed.reports[0].slice == weighed.reports[1].slice);
	assert_int_equal(weighed.reports[0].end_ms - weighed.reports[0].begin_ms, 5);
	assert_int_equal(weighed.reports[1].begin_ms, weighed.time_ms);
	assert_true(text_is(weighed.reports[0].output, "y[0]"));
	assert_true(text_is(weighed.reports[0].step, "why") && text_is(weighed.reports[0].explained, "score"));
	assert_true(text_is(weighed.reports[0].method, "linear"));
	assert_true(text_is(weighed.reports[0].features[1].name, "b"));
	weighed_close(&weighed);
}

static void a_window_by_time_has_what_is_of_its_time(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 1h}");
	weighed.time_ms += 10;
	row_send(&weighed, 1, 0, 0);
	weighed.time_ms += HOUR_MS - 11;
	row_send(&weighed, 2, 0, 0);
	assert_int_equal(weighed.count, 0);
	weighed.time_ms++;
	row_send(&weighed, 5, 0, 0); /* of the next hour */
	assert_int_equal(weighed.count, 1);
	expect_near(weighed.reports[0].features[0].mean, 3, 0);
	assert_int_equal(weighed.reports[0].begin_ms, 1000 * (int64_t)HOUR_MS + 10);
	assert_int_equal(weighed.reports[0].end_ms, 1001 * (int64_t)HOUR_MS - 1);
	weighed.time_ms -= 5;
	row_send(&weighed, 1, 0, 0); /* late */
	weighed.time_ms += 3 * HOUR_MS;
	row_send(&weighed, 0, 0, 0);
	assert_int_equal(weighed.count, 2);
	assert_int_equal(weighed.reports[1].explanations, 2);
	assert_int_equal(weighed.reports[1].late, 1);
	expect_near(weighed.reports[1].features[0].mean, 6, 0);
	weighed_close(&weighed);
}

/* One time that is far ahead opens a window that none closes, until the clock is known to have been set back. */
static void a_clock_that_was_ahead_ends(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 1h}");
	row_send(&weighed, 1, 0, 0);
	weighed.time_ms += 1000 * (int64_t)HOUR_MS;
	row_send(&weighed, 1, 0, 0);
	weighed.time_ms -= 1000 * (int64_t)HOUR_MS;
	weighed.count = 0;
	for (int i = 0; i < IMPORTANCE_LATE; i++)
		row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 0);
	row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 1);
	assert_int_equal(weighed.reports[0].explanations, 1 + IMPORTANCE_LATE);
	assert_int_equal(weighed.reports[0].late, IMPORTANCE_LATE);
	weighed.time_ms += HOUR_MS;
	row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 2);
	assert_int_equal(weighed.reports[1].explanations, 1);
	assert_int_equal(weighed.reports[1].late, 0);
	weighed_close(&weighed);
}

static void times_at_the_ends_of_the_calendar_are_taken(void **state)
{
	(void)state;
	static const int64_t times[] = {INT64_MIN, INT64_MAX, INT64_MIN, INT64_MIN, INT64_MAX, 0};
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 1h}");
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		weighed.time_ms = times[i];
		row_send(&weighed, 1, 0, 0);
	}
	assert_int_equal(weighed.count, 1);
	assert_int_equal(weighed.reports[0].explanations, 1);
	weighed_close(&weighed);
}

/* ---- state ---- */

static void an_engine_that_takes_over_goes_on(void **state)
{
	(void)state;
	struct weighed weighed;
	struct random chance = {5};
	double rows[60][FEATURES];
	weighed_open(&weighed, "importance: {window: 30}");
	rows_draw(&chance, rows, 60);
	for (size_t i = 0; i < 60; i++) {
		rows_send(&weighed, rows[i], 1, FEATURES);
		engine_close(&weighed);
		engine_open(&weighed);
	}
	assert_int_equal(weighed.count, 2);
	expect_means(&weighed.reports[0], rows, 30);
	expect_means(&weighed.reports[1], rows + 30, 30);
	weighed_close(&weighed);
}

static void other_features_report_what_is_open_and_begin_anew(void **state)
{
	(void)state;
	static const double two[4][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 4}");
	row_send(&weighed, 1, 1, 1);
	row_send(&weighed, 1, 3, 1);
	weighed_become(&weighed, "two", "importance: {window: 4}, by: gradients");
	rows_send(&weighed, two[0], 4, 2);
	assert_int_equal(weighed.count, 3);
	assert_int_equal(weighed.reports[0].explanations, 2);
	assert_int_equal(weighed.reports[0].feature_count, 3);
	expect_near(weighed.reports[0].features[1].mean, 6, 0);
	for (size_t output = 0; output < 2; output++) {
		const struct importance_report *report = &weighed.reports[1 + output];
		assert_int_equal(report->window, 1);
		assert_int_equal(report->explanations, 4);
		assert_int_equal(report->feature_count, 2);
		assert_true(text_is(report->output, output ? "y[1]" : "y[0]"));
		assert_true(report->slice == weighed.reports[0].slice);
	}
	weighed_close(&weighed);
}

/* ---- metrics ---- */

static struct importance_figures figures_of(const struct weighed *weighed)
{
	struct importance_figures figures = {0};
	verdict_entry_importance(verdict_board_entry(weighed->board, weighed->planning.graph->name, "why"), &figures);
	return figures;
}

static void the_last_window_is_shown_while_its_partition_is_here(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 2}");
	row_send(&weighed, 9, 9, 9);
	assert_int_equal(figures_of(&weighed).count, 0);
	row_send(&weighed, 9, 9, 9);
	row_send(&weighed, 1, 1, 1);
	row_send(&weighed, 3, 1, 1);
	const struct importance_figures figures = figures_of(&weighed);
	assert_int_equal(figures.count, 3);
	assert_string_equal(figures.features[0].name, "a");
	assert_string_equal(figures.features[1].name, "b");
	expect_near(figures.features[0].mean, 4, 0);
	expect_near(figures.features[1].mean, 3, 0);
	expect_near(figures.features[2].mean, 0.5, 0);
	assert_false(figures.has_others);
	flow_verdicts_lend(weighed.flow, weighed.store);
	assert_int_equal(figures_of(&weighed).count, 0);
	weighed_close(&weighed);
}

/* Of 25 features in any order, the 20 with the most are shown. */
static void features_beyond_the_limit_are_one_number(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	struct verdict_entry *entry = verdict_board_entry(board, "p", "why");
	struct importance_figures figures;
	struct text names[25];
	char bytes[25][4];
	double means[25];
	for (int i = 0; i < 25; i++) {
		snprintf(bytes[i], sizeof bytes[i], "f%d", i);
		names[i] = text_of(bytes[i]);
		means[i] = i * 7 % 25; /* each of 0 to 24 */
	}
	verdict_entry_weigh(entry, names, means, IMPORTANCE_SHOWN);
	verdict_entry_importance(entry, &figures);
	assert_false(figures.has_others);
	verdict_entry_weigh(entry, names, means, 25);
	verdict_entry_importance(entry, &figures);
	assert_int_equal(figures.count, IMPORTANCE_SHOWN);
	for (int i = 0; i < IMPORTANCE_SHOWN; i++)
		expect_near(figures.features[i].mean, 24 - i, 0);
	assert_true(figures.has_others);
	expect_near(figures.others, 0 + 1 + 2 + 3 + 4, 0);
	verdict_board_close(board);
}

/* ---- what is not in it ---- */

static void what_is_not_finite_is_left_out_and_counted(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 2}");
	row_send(&weighed, 1, 0, 0);
	row_send(&weighed, 1e308, 1e308, 0);
	row_send(&weighed, 3, 0, 0);
	assert_int_equal(weighed.count, 1);
	assert_int_equal(weighed.reports[0].explanations, 2);
	assert_int_equal(weighed.reports[0].left_out, 1);
	expect_near(weighed.reports[0].features[0].mean, 4, 0);
	weighed_close(&weighed);
}

static void a_share_of_requests_is_explained_and_only_that_counts(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "share: 0, importance: {window: 2}");
	for (int i = 0; i < 10; i++)
		row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 0);
	weighed_close(&weighed);
}

static void it_is_kept_on_the_path_of_the_answer_too(void **state)
{
	(void)state;
	static const char *const deliveries[] = {"inline", "on-request"};
	for (size_t i = 0; i < 2; i++) {
		struct weighed weighed;
		char options[128];
		snprintf(options, sizeof options, "deliver: %s, importance: {window: 2}", deliveries[i]);
		weighed_open(&weighed, options);
		weighed.asks = i == 1;
		row_send(&weighed, 1, 0, 0);
		weighed.asks = false;
		row_send(&weighed, 7, 0, 0); /* explained inline alone */
		weighed.asks = i == 1;
		row_send(&weighed, 3, 0, 0);
		assert_int_equal(weighed.count, 1);
		expect_near(weighed.reports[0].features[0].mean, i == 1 ? 4 : 8, 0);
		weighed_close(&weighed);
	}
}

/* ---- plans ---- */

static void expect_fault(const char *options, const char *words)
{
	struct planning planning;
	char steps[512];
	snprintf(steps, sizeof steps,
		 "  - {name: score, model: {local: m.json, input: x}}\n"
		 "  - {name: why, inputs: [score], explain: {%s}}\n  output: {steps: [score]}\n",
		 options);
	planning_open_steps(&planning, steps);
	assert_int_equal(planning_errors(&planning), 1);
	expect_words(faults_at(planning.spec.faults, 0)->message, words);
	planning_close(&planning);
}

static void what_cannot_be_kept_is_a_fault(void **state)
{
	(void)state;
	expect_fault("by: anchors, importance: {window: 10}", "anchors have no contributions");
	expect_fault("importance: {window: 1000001}", "a window has at most 1000000 explanations");
}

static const struct topic *topic_of(const struct plan *plan, enum topic_role role)
{
	for (size_t i = 0; i < plan->pipelines[0].topic_count; i++)
		if (plan->pipelines[0].topics[i].role == role)
			return &plan->pipelines[0].topics[i];
	return NULL;
}

static void a_step_without_it_has_no_state_and_no_topic(void **state)
{
	(void)state;
	struct weighed weighed = {0};
	struct plan plan;
	pipeline_open(&weighed, "m", "share: 1");
	planning_plan(&weighed.planning, NULL, &plan);
	assert_null(topic_of(&plan, TOPIC_IMPORTANCE));
	assert_null(topic_of(&plan, TOPIC_STATE));
	planning_close(&weighed.planning);
	pipeline_open(&weighed, "m", "importance: {}");
	planning_plan(&weighed.planning, NULL, &plan);
	assert_string_equal(topic_of(&plan, TOPIC_IMPORTANCE)->name, TOPIC);
	assert_non_null(topic_of(&plan, TOPIC_STATE));
	planning_close(&weighed.planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_by_count_has_the_means_of_its_rows),
		cmocka_unit_test(a_window_by_time_has_what_is_of_its_time),
		cmocka_unit_test(a_clock_that_was_ahead_ends),
		cmocka_unit_test(times_at_the_ends_of_the_calendar_are_taken),
		cmocka_unit_test(an_engine_that_takes_over_goes_on),
		cmocka_unit_test(other_features_report_what_is_open_and_begin_anew),
		cmocka_unit_test(the_last_window_is_shown_while_its_partition_is_here),
		cmocka_unit_test(features_beyond_the_limit_are_one_number),
		cmocka_unit_test(what_is_not_finite_is_left_out_and_counted),
		cmocka_unit_test(a_share_of_requests_is_explained_and_only_that_counts),
		cmocka_unit_test(it_is_kept_on_the_path_of_the_answer_too),
		cmocka_unit_test(what_cannot_be_kept_is_a_fault),
		cmocka_unit_test(a_step_without_it_has_no_state_and_no_topic),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
