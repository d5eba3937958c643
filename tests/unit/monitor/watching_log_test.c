/* watching_log_test.c: Tests of the log lines about steps that watch: that they learn, judge, or cannot judge, and why. */
#include "monitor/watching_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/planning.h"

#define STEPS                                                                                                                      \
	"  - {name: odd, outlier: {tensor: x, reference: {past: 7d}}}\n"                                                           \
	"  - {name: watch, inputs: [odd], drift: {tensors: [x], reference: {past: 7d}}}\n"
#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define OUTPUT "  output: {steps: [watch]}\n"

static char last_line[512];
static enum log_level last_level;
static size_t lines;

static void note_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	(void)snprintf(last_line, sizeof last_line, "%s/%s %s", line->fields.pipeline, line->fields.step, line->message);
	last_level = line->level;
	lines++;
}

static const struct log_sink sink = {note_line};
static struct planning planning;
static struct plan plan;
static struct verdict_board *board;
static struct verdict_entry *drift, *odd;
static struct watching_log *watching;
static int64_t now_ms;

static int watching_begin(void **state)
{
	(void)state;
	planning_open(&planning, HEAD STEPS OUTPUT);
	planning_plan(&planning, NULL, &plan);
	board = verdict_board_open();
	drift = verdict_board_entry(board, "p", "watch");
	odd = verdict_board_entry(board, "p", "odd");
	watching = watching_log_open(board, &sink, planning.arena);
	lines = 0;
	now_ms = 1000;
	return watching && drift && odd ? 0 : 1;
}

static int watching_end(void **state)
{
	(void)state;
	verdict_board_close(board);
	planning_close(&planning);
	return 0;
}

/* A look after that time. Without words there is no line. */
static void expect_line(int64_t after_ms, enum log_level level, const char *words)
{
	const size_t before = lines;
	now_ms += after_ms;
	watching_log_look(watching, &plan, 1, now_ms);
	assert_int_equal(lines, before + (words ? 1 : 0));
	if (words && (!strstr(last_line, words) || last_level != level))
		fail_msg("level %d: %s", (int)last_level, last_line);
}

static void a_step_that_learns_says_so_once_and_when_it_has_learnt(void **state)
{
	(void)state;
	expect_line(0, LOG_LEVEL_INFO, NULL);
	verdict_entry_note_watching(drift, WATCHING_LEARNING, "past 7d");
	expect_line(1000, LOG_LEVEL_INFO,
		    "p/watch p: step watch is learning its reference (past 7d): until it has enough rows, it finds no drift");
	expect_line(60000, LOG_LEVEL_INFO, NULL);
	verdict_entry_note_watching(drift, WATCHING_COMPARES, "");
	expect_line(1000, LOG_LEVEL_INFO, "p: step watch compares messages with its reference");
	verdict_entry_note_knowledge(odd, OUTLIER_LEARNING);
	expect_line(1000, LOG_LEVEL_INFO,
		    "p/odd p: step odd is learning what is usual: until it has enough rows, it marks no outliers");
	verdict_entry_note_knowledge(odd, OUTLIER_KNOWN);
	expect_line(WATCHING_LINE_MS, LOG_LEVEL_INFO, "p: step odd knows what is usual");
}

/* As of a reference in a file. */
static void a_step_that_judges_from_the_beginning_says_nothing(void **state)
{
	(void)state;
	verdict_entry_note_watching(drift, WATCHING_COMPARES, "");
	verdict_entry_note_knowledge(odd, OUTLIER_KNOWN);
	expect_line(1000, LOG_LEVEL_INFO, NULL);
	expect_line(60000, LOG_LEVEL_INFO, NULL);
}

static void what_cannot_be_used_is_a_warning_with_its_reason(void **state)
{
	(void)state;
	verdict_entry_note_watching(drift, WATCHING_UNFIT, "none of the methods applies");
	expect_line(1000, LOG_LEVEL_WARN,
		    "step watch finds no drift, because nothing can be compared with its reference: none of the methods applies");
	verdict_entry_note_watching(drift, WATCHING_MISFIT, "`x` has texts");
	expect_line(WATCHING_LINE_MS, LOG_LEVEL_WARN, "step watch cannot use messages, and finds no drift in them: `x` has texts");
	verdict_entry_note_watching(drift, WATCHING_UNESTIMATED, "no row is in the estimate");
	expect_line(WATCHING_LINE_MS, LOG_LEVEL_WARN, "step watch estimates nothing: no row is in the estimate");
	verdict_entry_note_watching(drift, WATCHING_COMPARES, "");
	expect_line(WATCHING_LINE_MS, LOG_LEVEL_INFO, "compares messages");
	verdict_entry_note_knowledge(odd, OUTLIER_UNFIT);
	expect_line(1000, LOG_LEVEL_WARN,
		    "step odd marks no outliers: columns of its past do not vary, or follow from one another");
}

static void segments_beyond_the_limit_are_a_warning(void **state)
{
	(void)state;
	verdict_entry_note_watching(drift, WATCHING_COMPARES, "");
	expect_line(1000, LOG_LEVEL_INFO, NULL);
	verdict_entry_set_beyond(drift, 1);
	expect_line(
		1000, LOG_LEVEL_WARN,
		"p/watch p: step watch watches the first 1000 segments of its `groupBy`, and more have come: their rows are not "
		"compared, and sluice_drift_beyond_segments counts them; use a `groupBy` with fewer values");
	verdict_entry_set_beyond(drift, 70);
	expect_line(60000, LOG_LEVEL_WARN, NULL);
	verdict_entry_set_beyond(drift, 0); /* another `groupBy` */
	expect_line(1000, LOG_LEVEL_WARN, NULL);
	verdict_entry_set_beyond(drift, 1);
	expect_line(1000, LOG_LEVEL_WARN, "more have come");
}

/* Messages of two widths in turn: the last of it is said when the time has passed. */
static void a_step_that_changes_its_mind_has_few_lines(void **state)
{
	(void)state;
	verdict_entry_note_knowledge(odd, OUTLIER_LEARNING);
	expect_line(1000, LOG_LEVEL_INFO, "is learning");
	for (int64_t passed_ms = 1000; passed_ms < WATCHING_LINE_MS; passed_ms += 1000) {
		verdict_entry_note_knowledge(odd, passed_ms / 1000 % 2 ? OUTLIER_KNOWN : OUTLIER_LEARNING);
		expect_line(1000, LOG_LEVEL_INFO, NULL);
	}
	verdict_entry_note_knowledge(odd, OUTLIER_KNOWN);
	expect_line(1000, LOG_LEVEL_INFO, "knows what is usual");
}

/* Its observer has moved to another engine, and comes back. */
static void an_observer_that_moves_is_silent_and_begins_anew(void **state)
{
	(void)state;
	verdict_entry_note_watching(drift, WATCHING_LEARNING, "past 7d");
	expect_line(1000, LOG_LEVEL_INFO, "is learning");
	verdict_entry_lend(drift);
	assert_int_equal(verdict_entry_watching(drift).watching, WATCHING_UNASKED);
	expect_line(1000, LOG_LEVEL_INFO, NULL);
	verdict_entry_note_watching(drift, WATCHING_LEARNING, "past 7d");
	expect_line(1000, LOG_LEVEL_INFO, "is learning");
}

static void steps_that_a_reload_removes_are_silent(void **state)
{
	(void)state;
	struct planning other;
	struct plan without;
	planning_open(&other, HEAD "  - {name: a}\n  output: {steps: [a]}\n");
	planning_plan(&other, NULL, &without);
	expect_line(1000, LOG_LEVEL_INFO, NULL);
	verdict_entry_note_watching(drift, WATCHING_UNFIT, "constants");
	watching_log_look(watching, &without, 2, now_ms);
	assert_int_equal(lines, 0);
	watching_log_look(watching, &plan, 3, now_ms);
	assert_int_equal(lines, 1);
	planning_close(&other);
}

/* What the status of the pipeline says, at each look. */
static void expect_blind(const char *words)
{
	char why[BLIND_WHY_BYTES] = "";
	watching_log_look(watching, &plan, 1, now_ms);
	assert_false(watching_log_is_blind(watching, "q", why));
	assert_int_equal(watching_log_is_blind(watching, "p", why), words != NULL);
	if (words && !strstr(why, words))
		fail_msg("%s", why);
}

static void a_step_that_watches_nothing_is_blind_while_it_lasts(void **state)
{
	(void)state;
	expect_blind(NULL);
	verdict_entry_note_watching(drift, WATCHING_LEARNING, "past 7d"); /* which is as it should be */
	expect_blind(NULL);
	verdict_entry_note_watching(drift, WATCHING_UNFIT, "none of the methods applies");
	expect_blind("step watch finds no drift, because nothing can be compared with its reference: none of the methods applies");
	verdict_entry_note_watching(drift, WATCHING_MISFIT, "`x` has texts"); /* sooner than the log says it */
	expect_blind("step watch cannot use messages, and finds no drift in them: `x` has texts");
	verdict_entry_note_watching(drift, WATCHING_UNESTIMATED, "no row is in the estimate"); /* drift is watched */
	expect_blind(NULL);
	verdict_entry_note_watching(drift, WATCHING_COMPARES, "");
	expect_blind(NULL);
	verdict_entry_note_knowledge(odd, OUTLIER_LEARNING);
	expect_blind(NULL);
	verdict_entry_note_knowledge(odd, OUTLIER_UNFIT);
	expect_blind("step odd marks no outliers: columns of its past do not vary");
	verdict_entry_note_knowledge(odd, OUTLIER_KNOWN);
	expect_blind(NULL);
}

static void a_step_whose_reference_cannot_be_learnt_is_blind_until_it_is(void **state)
{
	(void)state;
	verdict_entry_note_unlearnt(drift, "before", "it has 0 rows"); /* before the first message */
	expect_blind("step watch finds no drift, because its reference cannot be learnt from topic before: it has 0 rows");
	verdict_entry_note_watching(drift, WATCHING_LEARNING, "topic before");
	expect_blind("from topic before: it has 0 rows");
	verdict_entry_note_unlearnt(drift, NULL, NULL); /* nobody tries */
	expect_blind(NULL);
	verdict_entry_note_unlearnt(drift, "before", "it has 0 rows");
	verdict_entry_note_watching(drift, WATCHING_COMPARES, ""); /* by another reference */
	expect_blind(NULL);
	verdict_entry_note_watching(drift, WATCHING_LEARNING, "topic before");
	expect_blind("it has 0 rows");
	assert_true(verdict_entry_learn(drift, "before", TEXT("file")));
	expect_blind(NULL);
}

static void a_blind_step_that_a_reload_removes_is_none(void **state)
{
	(void)state;
	struct planning other;
	struct plan without;
	char why[BLIND_WHY_BYTES];
	planning_open(&other, HEAD "  - {name: a}\n  output: {steps: [a]}\n");
	planning_plan(&other, NULL, &without);
	verdict_entry_note_watching(drift, WATCHING_UNFIT, "constants");
	expect_blind("constants");
	watching_log_look(watching, &without, 2, now_ms);
	assert_false(watching_log_is_blind(watching, "p", why));
	planning_close(&other);
}

static void expect_drift(const char *words)
{
	struct buffer out;
	buffer_open(&out, 4096);
	watching_log_write_drift(watching, "p", &out);
	assert_true(text_is(buffer_view(&out), words));
	buffer_close(&out);
}

static void drift_is_a_warning_with_its_feature_and_its_end_a_line(void **state)
{
	(void)state;
	struct last_verdict found = verdict_of(DRIFT_FOUND, 0.25);
	found.cause = drift_cause_make(TEXT("x.a"), TEXT("ks"), 0.3125, 2e-9);
	expect_line(0, LOG_LEVEL_WARN, NULL);
	expect_drift("");
	verdict_entry_set(drift, TEXT(""), found);
	expect_line(1000, LOG_LEVEL_WARN,
		    "p/watch p: step watch has found drift: feature x.a by ks: effect 0.312, p 2e-09; `sluice drift report "
		    "p/watch`");
	expect_drift("step watch has found drift: feature x.a by ks: effect 0.312, p 2e-09");
	verdict_entry_set(drift, TEXT(""), verdict_of(DRIFT_STEADY, 0));
	expect_line(1000, LOG_LEVEL_INFO, NULL); /* so soon after a line */
	expect_drift("");
	expect_line(WATCHING_LINE_MS, LOG_LEVEL_INFO, "step watch finds no drift any more");
	expect_line(WATCHING_LINE_MS, LOG_LEVEL_INFO, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_step_that_learns_says_so_once_and_when_it_has_learnt, watching_begin,
						watching_end),
		cmocka_unit_test_setup_teardown(a_step_that_judges_from_the_beginning_says_nothing, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(what_cannot_be_used_is_a_warning_with_its_reason, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(segments_beyond_the_limit_are_a_warning, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(a_step_that_changes_its_mind_has_few_lines, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(an_observer_that_moves_is_silent_and_begins_anew, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(steps_that_a_reload_removes_are_silent, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(a_step_that_watches_nothing_is_blind_while_it_lasts, watching_begin, watching_end),
		cmocka_unit_test_setup_teardown(a_step_whose_reference_cannot_be_learnt_is_blind_until_it_is, watching_begin,
						watching_end),
		cmocka_unit_test_setup_teardown(drift_is_a_warning_with_its_feature_and_its_end_a_line, watching_begin,
						watching_end),
		cmocka_unit_test_setup_teardown(a_blind_step_that_a_reload_removes_is_none, watching_begin, watching_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
