/* drift_observer_test.c: what the observer of a step `drift` says of windows, what it keeps of them, and what messages are
 * marked with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "flow/flow.h"
#include "message/drift_score.h"
#include "observe/verdict_board.h"
#include "tests/unit/letters.h"
#include "tests/unit/planning.h"

#define STORE_BYTES ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)4 << 20)
#define REFERENCE_ROWS 200
#define SCORES_MAX 32
#define DAY_MS ((int64_t)86400000)
#define USUAL "window: 40, falseAlarms: 0.1 per 1000"

/* A copy of a verdict, whose lists are gone. */
struct seen {
	uint64_t window, messages, unusable, late, reference_rows;
	int64_t begin_ms, end_ms;
	enum drift_verdict verdict;
	double score, sum; /* of all statistics: two verdicts on the same rows agree */
	size_t statistics, quality;
	uint64_t missing;
	const char *step;
};

struct observed {
	struct planning planning;
	struct verdict_board *board;
	struct flow *flow;
	struct store *store;
	struct line *line;
	struct arena *arena;
	struct random chance;
	int64_t time_ms;
	size_t count;
	struct seen seen[SCORES_MAX];
	double score; /* marks of the last message, by the pipeline's answer */
	bool flagged;
	char state[16];
};

static char reference[64000];

static bool reference_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)file, (void)digest, (void)error;
	*content = text_of(reference);
	return true;
}

static const struct file_source files = {.read = reference_read};

static double usual(struct random *chance, double middle)
{
	double sum = middle;
	for (int i = 0; i < 6; i++)
		sum += (double)random_below(chance, 1000) / 1000 - 0.5;
	return sum;
}

static void reference_make(void)
{
	struct random chance = {3};
	size_t length = (size_t)snprintf(reference, sizeof reference,
					 "{\"format\": \"sluice_drift/1\", \"rows\": %d, \"block\": %d, \"features\": [",
					 REFERENCE_ROWS, REFERENCE_ROWS);
	for (int feature = 0; feature < 2; feature++) {
		length += (size_t)snprintf(reference + length, sizeof reference - length,
					   "%s{\"name\": \"x.%s\", \"kind\": \"numbers\", \"missing\": 0, \"least\": -9, "
					   "\"greatest\": 9, \"values\": [",
					   feature ? ", " : "", feature ? "b" : "a");
		for (int i = 0; i < REFERENCE_ROWS; i++)
			length += (size_t)snprintf(reference + length, sizeof reference - length, "%s%.4f", i ? ", " : "",
						   usual(&chance, 0));
		length += (size_t)snprintf(reference + length, sizeof reference - length, "]}");
	}
	snprintf(reference + length, sizeof reference - length, "]}");
}

static void note_mark(struct observed *observed, const struct tensor *tensor)
{
	if (text_is(tensor->name, "score"))
		observed->score = *(const double *)tensor->data;
	else if (text_is(tensor->name, "flag"))
		observed->flagged = *(const uint8_t *)tensor->data;
	else if (text_is(tensor->name, "state"))
		snprintf(observed->state, sizeof observed->state, TEXT_FORMAT, TEXT_ARGUMENTS(*(const struct text *)tensor->data));
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct observed *observed = context;
	struct error error = {0};
	assert_int_equal(outcome, FLOW_ANSWER);
	assert_null(answer->error);
	for (size_t i = 0; i < answer->payload->tensors.count; i++)
		note_mark(observed, answer->payload->tensors.items[i]);
	for (const struct drift_score *score = message->scores; score; score = score->next) {
		assert_true(observed->count < SCORES_MAX);
		struct seen *seen = &observed->seen[observed->count++];
		*seen = (struct seen){score->window,   score->messages, score->unusable,	score->late,  score->reference_rows,
				      score->begin_ms, score->end_ms,	score->verdict,		score->score, 0,
				      0,	       0,		0,			score->step};
		seen->statistics = score->statistic_count;
		seen->quality = score->quality_count;
		for (size_t i = 0; i < score->statistic_count; i++)
			seen->sum += score->statistics[i].statistic + score->statistics[i].limit;
		for (size_t i = 0; i < score->quality_count; i++)
			seen->missing += score->quality[i].missing;
	}
	assert_true(store_release(observed->store, message->writes, &error));
}

static struct flow_outside outside_of(struct observed *observed)
{
	return (struct flow_outside){
		.context = observed, .finished = on_finished, .board = observed->board, .files = &files};
}

static void engine_open(struct observed *observed)
{
	struct error error = {0};
	const struct flow_outside outside = outside_of(observed);
	observed->flow = flow_open(observed->planning.graph, &outside, &error);
	assert_string_equal(error.text, "");
	if (!observed->store)
		observed->store = store_open(flow_scopes(observed->flow), STORE_BYTES);
	observed->line = line_open(observed->flow, observed->store, &error);
	assert_non_null(observed->line);
}

static void engine_close(struct observed *observed)
{
	flow_close(observed->flow);
	line_close(observed->line);
}

static void steps_of(struct observed *observed, const char *options)
{
	char steps[1024];
	snprintf(steps, sizeof steps,
		 "  - {name: watch, drift: {tensors: [x], reference: r.json, %s}}\n"
		 "  - name: out\n    inputs: [watch]\n    expression: {set: {score: drift_score, flag: is_drift, state: "
		 "drift_state}, keep: [score, flag, state]}\n"
		 "  output: {steps: [out]}\n",
		 options);
	planning_open_steps(&observed->planning, steps);
	assert_int_equal(planning_errors(&observed->planning), 0);
}

static void observed_open(struct observed *observed, const char *options)
{
	*observed = (struct observed){.chance = {7}, .time_ms = 100 * DAY_MS};
	reference_make();
	steps_of(observed, options);
	observed->board = verdict_board_open();
	observed->arena = arena_open(ARENA_BYTES);
	engine_open(observed);
}

static void observed_close(struct observed *observed)
{
	engine_close(observed);
	store_close(observed->store);
	verdict_board_close(observed->board);
	arena_close(observed->arena);
	planning_close(&observed->planning);
}

static void message_send(struct observed *observed, const struct tensor *tensor)
{
	const struct tensor *items[] = {tensor};
	struct error error = {0};
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)observed->time_ms);
	struct message message = {.arena = observed->arena,
				  .id = text_of(id),
				  .origin = {TEXT("in"), 0, observed->time_ms},
				  .time_ms = observed->time_ms,
				  .payload = {.tensors = {1, items}},
				  .line = observed->line};
	assert_true(flow_enter(observed->flow, &message, 0, &error));
	arena_reset(observed->arena);
	observed->time_ms += 1000;
}

/* Messages of so many rows, whose first column is `moved`. */
static void rows_send(struct observed *observed, int messages, int rows, double moved)
{
	double numbers[2000];
	const int64_t shape[] = {rows, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers,
		.count = (size_t)rows * 2};
	for (int i = 0; i < messages; i++) {
		for (int row = 0; row < rows; row++) {
			numbers[2 * row] = usual(&observed->chance, moved);
			numbers[2 * row + 1] = usual(&observed->chance, 0);
		}
		message_send(observed, &tensor);
	}
}

static void texts_send(struct observed *observed, int messages)
{
	const struct text text = TEXT("n/a");
	const int64_t shape[] = {1};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_BYTES, .shape = shape, .rank = 1, .data = &text, .count = 1};
	for (int i = 0; i < messages; i++)
		message_send(observed, &tensor);
}

/* ---- verdicts ---- */

static void a_window_that_closes_is_judged(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	rows_send(&observed, 39, 1, 0);
	assert_int_equal(observed.count, 0);
	rows_send(&observed, 2, 1, 0);
	assert_int_equal(observed.count, 1);
	const struct seen *first = &observed.seen[0];
	assert_int_equal(first->window, 0);
	assert_int_equal(first->messages, 40);
	assert_int_equal(first->verdict, DRIFT_STEADY);
	assert_true(first->score == 0);
	assert_int_equal(first->begin_ms, 100 * DAY_MS);
	assert_int_equal(first->end_ms, 100 * DAY_MS + 39000);
	assert_int_equal(first->reference_rows, REFERENCE_ROWS);
	assert_int_equal(first->statistics, 2 * 3); /* ks, psi and wasserstein of both columns */
	assert_int_equal(first->quality, 2);
	assert_string_equal(first->step, "watch");
	rows_send(&observed, 39, 1, 4);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].window, 1);
	assert_int_equal(observed.seen[1].verdict, DRIFT_FOUND);
	assert_true(observed.seen[1].score > 1);
	observed_close(&observed);
}

static void messages_are_marked_with_the_last_verdict(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	rows_send(&observed, 40, 1, 0);
	assert_string_equal(observed.state, "learning");
	rows_send(&observed, 40, 1, 4);
	assert_string_equal(observed.state, "steady");
	assert_false(observed.flagged);
	rows_send(&observed, 1, 1, 0);
	assert_string_equal(observed.state, "drift");
	assert_true(observed.flagged);
	assert_true(observed.score == observed.seen[1].score && observed.score > 0);
	observed_close(&observed);
}

/* 130 rows in one message close three windows; the other 10 are in the fourth. */
static void a_batch_may_close_several_windows(void **state)
{
	(void)state;
	struct observed observed, single;
	observed_open(&observed, USUAL);
	observed_open(&single, USUAL);
	rows_send(&observed, 1, 130, 0);
	rows_send(&observed, 30, 1, 0);
	rows_send(&single, 160, 1, 0);
	assert_int_equal(observed.count, 4);
	assert_int_equal(single.count, 4);
	for (size_t i = 0; i < 3; i++) /* the last verdict is the first of the list */
		assert_int_equal(observed.seen[i].window, 2 - i);
	assert_int_equal(observed.seen[3].window, 3);
	assert_true(observed.seen[3].sum == single.seen[3].sum);
	observed_close(&observed);
	observed_close(&single);
}

/* ---- state ---- */

/* Another engine begins with what the first has stored: the verdicts are the same, at each row. */
static void a_window_goes_on_in_another_engine(void **state)
{
	(void)state;
	static const char *const windows[] = {USUAL, "window: 30s, falseAlarms: 0.1 per 1000"};
	for (size_t which = 0; which < 2; which++)
		for (int first = 1; first < 90; first += 29) {
			struct observed one, two;
			observed_open(&one, windows[which]);
			observed_open(&two, windows[which]);
			rows_send(&one, 130, 1, 1);
			rows_send(&two, first, 1, 1);
			engine_close(&two);
			engine_open(&two);
			rows_send(&two, 130 - first, 1, 1);
			assert_int_equal(two.count, one.count);
			assert_true(one.count >= 3);
			for (size_t i = 0; i < one.count; i++) {
				assert_int_equal(two.seen[i].window, one.seen[i].window);
				assert_int_equal(two.seen[i].messages, one.seen[i].messages);
				assert_true(two.seen[i].score == one.seen[i].score);
				assert_true(two.seen[i].sum == one.seen[i].sum);
			}
			observed_close(&one);
			observed_close(&two);
		}
}

/* A restarted engine knows the verdict that was last, with its first message. */
static void the_last_verdict_survives_a_restart(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	rows_send(&observed, 40, 1, 4);
	engine_close(&observed);
	verdict_board_close(observed.board);
	observed.board = verdict_board_open();
	engine_open(&observed);
	rows_send(&observed, 2, 1, 0);
	assert_string_equal(observed.state, "drift");
	observed_close(&observed);
}

/* Otherwise an alert would fire here for ever: no window closes here any more. */
static void a_verdict_is_forgotten_when_its_observer_has_moved(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	rows_send(&observed, 41, 1, 4);
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	struct store *other = store_open(flow_scopes(observed.flow), STORE_BYTES);
	flow_verdicts_forget(observed.flow, other);
	assert_int_equal(verdict_entry_get(entry).verdict, DRIFT_FOUND); /* that partition had nothing of the observer */
	flow_verdicts_forget(observed.flow, observed.store);
	assert_int_equal(verdict_entry_get(entry).verdict, DRIFT_LEARNING);
	assert_true(verdict_entry_get(entry).score == 0);
	rows_send(&observed, 1, 1, 0); /* it has come back */
	assert_int_equal(verdict_entry_get(entry).verdict, DRIFT_FOUND);
	store_close(other);
	observed_close(&observed);
}

/* What was not committed is gone: the monitor in memory does not count it. */
static void what_the_state_has_counts(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	rows_send(&observed, 30, 1, 0);
	line_close(observed.line);
	store_close(observed.store);
	observed.store = store_open(flow_scopes(observed.flow), STORE_BYTES);
	observed.line = line_open(observed.flow, observed.store, &(struct error){0});
	rows_send(&observed, 39, 1, 0);
	assert_int_equal(observed.count, 0);
	rows_send(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	observed_close(&observed);
}

static void another_window_begins_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	rows_send(&observed, 60, 1, 0);
	engine_close(&observed);
	planning_close(&observed.planning);
	steps_of(&observed, "window: 50, falseAlarms: 0.1 per 1000");
	engine_open(&observed);
	rows_send(&observed, 49, 1, 0);
	assert_int_equal(observed.count, 1);
	rows_send(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].messages, 50);
	assert_int_equal(observed.seen[1].window, 1); /* its number goes on */
	observed_close(&observed);
}

/* Of a window by time, more rows than are kept are thinned; another engine keeps the same ones. */
static void a_thinned_window_goes_on(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open(&one, "window: 1h, falseAlarms: 0.1 per 1000");
	observed_open(&two, "window: 1h, falseAlarms: 0.1 per 1000");
	rows_send(&one, 21, 900, 1);
	rows_send(&two, 12, 900, 1);
	engine_close(&two);
	engine_open(&two);
	rows_send(&two, 9, 900, 1);
	one.time_ms = two.time_ms = 101 * DAY_MS;
	rows_send(&one, 1, 1, 1);
	rows_send(&two, 1, 1, 1);
	assert_int_equal(one.count, 1);
	assert_int_equal(two.count, 1);
	assert_int_equal(two.seen[0].messages, 21 * 900);
	assert_true(two.seen[0].sum == one.seen[0].sum);
	observed_close(&one);
	observed_close(&two);
}

/* ---- what comes badly ---- */

static void messages_that_do_not_fit_are_counted(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	texts_send(&observed, 3);
	rows_send(&observed, 20, 1, 0);
	texts_send(&observed, 4);
	rows_send(&observed, 20, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].unusable, 7);
	texts_send(&observed, 39);
	assert_int_equal(observed.count, 1);
	texts_send(&observed, 1);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[1].messages, 0);
	assert_int_equal(observed.seen[1].unusable, 40);
	assert_string_equal(observed.state, "steady"); /* nothing was judged */
	observed_close(&observed);
}

static void a_clock_that_jumps_back_begins_windows_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 1m, falseAlarms: 0.1 per 1000");
	rows_send(&observed, 60, 1, 0);
	observed.time_ms -= DAY_MS;
	rows_send(&observed, 300, 1, 0);
	assert_true(observed.count >= 3);
	assert_int_equal(observed.seen[0].late, 100); /* a clock that was set back is known by then */
	for (size_t i = 1; i < observed.count; i++) {
		assert_int_equal(observed.seen[i].late, 0);
		assert_true(observed.seen[i].end_ms < 100 * DAY_MS);
	}
	observed_close(&observed);
}

static void missing_values_are_counted(void **state)
{
	(void)state;
	struct observed observed;
	double numbers[] = {__builtin_nan(""), 0};
	const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	observed_open(&observed, USUAL);
	rows_send(&observed, 30, 1, 0);
	for (int i = 0; i < 10; i++)
		message_send(&observed, &tensor);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].missing, 10);
	observed_close(&observed);
}

static void a_share_is_watched(void **state)
{
	(void)state;
	struct observed half, none;
	observed_open(&half, USUAL ", share: 50%");
	observed_open(&none, USUAL ", share: 0");
	rows_send(&half, 400, 1, 0);
	rows_send(&none, 400, 1, 0);
	assert_in_range(half.count, 4, 6);
	assert_int_equal(none.count, 0);
	observed_close(&half);
	observed_close(&none);
}

/* ---- records ---- */

static void a_record_has_all_that_its_schema_names(void **state)
{
	(void)state;
	const struct drift_statistic statistic = {TEXT("x.a"), "ks", 0.5, 0.25, 0.75, 0.01, true};
	const struct drift_quality quality = {TEXT("x.b"), 38, 2, 3, 4, true, true};
	const struct drift_score score = {.pipeline = "p",
					  .step = "watch",
					  .window = 3,
					  .begin_ms = 11,
					  .end_ms = 22,
					  .messages = 40,
					  .unusable = 5,
					  .late = 6,
					  .verdict = DRIFT_FOUND,
					  .score = 0.125,
					  .reference = "r.json",
					  .reference_rows = 400,
					  .statistic_count = 1,
					  .statistics = &statistic,
					  .quality_count = 1,
					  .quality = &quality};
	struct buffer out;
	struct letter letter;
	struct error error = {0};
	buffer_open(&out, 1 << 12);
	assert_true(drift_score_encode(&score, &out, &error));
	letter_open_as(&letter, "drift_score", buffer_view(&out));
	assert_true(text_is(letter_text(&letter, "pipeline"), "p"));
	assert_true(text_is(letter_text(&letter, "step"), "watch"));
	assert_int_equal(letter_number(&letter, "window_start_ms"), 11);
	assert_int_equal(letter_number(&letter, "window_end_ms"), 22);
	assert_int_equal(letter_number(&letter, "messages"), 40);
	assert_int_equal(letter_number(&letter, "missing"), 5);
	assert_true(text_is(letter_text(&letter, "reference"), "r.json"));
	assert_int_equal(letter_number(&letter, "window"), 3);
	assert_true(text_is(letter_text(&letter, "verdict"), "drift"));
	assert_int_equal(letter_number(&letter, "reference_rows"), 400);
	assert_int_equal(letter_number(&letter, "late"), 6);
	assert_true(text_is(letter_text(&letter, "statistics.feature"), "x.a"));
	assert_true(text_is(letter_text(&letter, "statistics.method"), "ks"));
	assert_true(text_is(letter_text(&letter, "quality.feature"), "x.b"));
	assert_int_equal(letter_number(&letter, "quality.unseen"), 4);
	letter_close(&letter);
	buffer_close(&out);
	buffer_open(&out, 64);
	assert_false(drift_score_encode(&score, &out, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&out);
}

/* ---- the plan ---- */

static void the_plan_has_a_stage_for_the_observer(void **state)
{
	(void)state;
	struct observed observed = {0};
	struct plan plan;
	bool topic = false;
	steps_of(&observed, USUAL);
	planning_plan(&observed.planning, NULL, &plan);
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_int_equal(pipeline->stage_count, 2);
	assert_int_equal(pipeline->answer_stage, 0);
	assert_int_equal(pipeline->delivery, DELIVERY_AT_LEAST_ONCE); /* its state is no part of the answer */
	assert_string_equal(pipeline->stages[1].key, "\"watch\"");
	assert_non_null(pipeline->stages[1].state);
	assert_true(pipeline->stages[0].graph->part->next[0].observes);
	for (size_t i = 0; i < pipeline->topic_count; i++) {
		const bool drift = pipeline->topics[i].role == TOPIC_DRIFT;
		topic = topic || (drift && strcmp(pipeline->topics[i].name, "sluice.default.pipeline.p.drift") == 0);
		assert_true(!drift || (stage_writes_topic(pipeline, 1, i) && !stage_writes_topic(pipeline, 0, i)));
	}
	assert_true(topic);
	planning_close(&observed.planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_that_closes_is_judged),
		cmocka_unit_test(messages_are_marked_with_the_last_verdict),
		cmocka_unit_test(a_batch_may_close_several_windows),
		cmocka_unit_test(a_window_goes_on_in_another_engine),
		cmocka_unit_test(the_last_verdict_survives_a_restart),
		cmocka_unit_test(a_verdict_is_forgotten_when_its_observer_has_moved),
		cmocka_unit_test(what_the_state_has_counts),
		cmocka_unit_test(another_window_begins_anew),
		cmocka_unit_test(a_thinned_window_goes_on),
		cmocka_unit_test(messages_that_do_not_fit_are_counted),
		cmocka_unit_test(a_clock_that_jumps_back_begins_windows_anew),
		cmocka_unit_test(missing_values_are_counted),
		cmocka_unit_test(a_share_is_watched),
		cmocka_unit_test(a_record_has_all_that_its_schema_names),
		cmocka_unit_test(the_plan_has_a_stage_for_the_observer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
