/* drift_figures_test.c: Tests of the figures of drift that alerts judge: each window that closes between two looks has its own. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "tests/unit/observed.h"
#include "monitor/alerts/drift_figures.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define TAIL                                                                                                                       \
	"  output: {steps: [s]}\n"                                                                                                 \
	"  alerts: [{name: moved, condition: is_drift > 0, groupBy: header(\"g\"), actions: [{type: topic}]}]\n"
#define WATCH(name, more) "  - {name: " name ", drift: {reference: {topic: before}, window: 40, tensors: [x]" more "}}\n"
#define ANSWER "  - {name: s, expression: {set: {y: x * 2}}}\n"

/* What is judged at a look, as "GROUP:score " with "=" before what is known then. */
struct judged_texts {
	char text[4096];
};

static void figures_note(void *context, struct text group, const struct alert_values *values, bool is_present)
{
	struct judged_texts *judged = context;
	const size_t length = strlen(judged->text);
	(void)snprintf(judged->text + length, sizeof judged->text - length, "%s" TEXT_FORMAT ":%g ", is_present ? "=" : "",
		       TEXT_ARGUMENTS(group), values->drift_score);
}

static void expect_judged(struct verdict_board *board, const struct graph *graph, bool by_segment, const char *text)
{
	struct judged_texts judged = {{0}};
	const struct alert_values none = alert_values_unknown();
	struct arena *arena = arena_open((size_t)1 << 20);
	const struct drift_figures figures = {.board = board,
					      .graph = graph,
					      .segments_of = by_segment ? graph->spec->alerts.items : NULL,
					      .others = &none,
					      .arena = arena,
					      .context = &judged,
					      .take = figures_note};
	drift_figures_each(&figures);
	assert_string_equal(judged.text, text);
	arena_close(arena);
}

static void close_window(struct verdict_board *board, const char *step, const char *segment, double score)
{
	verdict_entry_add_window(verdict_board_entry(board, "p", step), text_of(segment),
				 verdict_of(score > 0 ? DRIFT_FOUND : DRIFT_STEADY, score));
}

static void drift_note(void *context, struct text group, const struct alert_values *values, bool is_present)
{
	(void)group, (void)is_present;
	(void)snprintf(context, DRIFT_CAUSE_WORDS_BYTES, "%s", values->drift);
}

/* That of the worse of two steps. */
static void an_alert_knows_the_feature_that_has_moved_most(void **state)
{
	(void)state;
	struct planning p;
	struct verdict_board *board = verdict_board_open();
	struct arena *arena = arena_open((size_t)1 << 20);
	const struct alert_values none = alert_values_unknown();
	char words[DRIFT_CAUSE_WORDS_BYTES] = "?";
	static const struct {
		const char *step;
		double score;
		const char *feature;
	} steps[] = {{"d", 0.25, "x"}, {"e", 0.5, "*"}, {"f", 0, ""}};
	planning_open(&p, HEAD WATCH("d", "") WATCH("e", "") WATCH("f", "") ANSWER TAIL);
	for (size_t i = 0; i < 3; i++) {
		struct last_verdict last = verdict_of(i < 2 ? DRIFT_FOUND : DRIFT_STEADY, steps[i].score);
		last.cause = drift_cause_make(text_of(steps[i].feature), TEXT("mmd"), 0.75, (double)NAN);
		verdict_entry_set(verdict_board_entry(board, "p", steps[i].step), TEXT(""), last);
	}
	drift_figures_each(&(struct drift_figures){
		.board = board, .graph = p.graph, .others = &none, .arena = arena, .context = words, .take = drift_note});
	assert_string_equal(words, "all features together by mmd: effect 0.75");
	arena_close(arena);
	verdict_board_close(board);
	planning_close(&p);
}

static void each_window_since_the_last_look_is_judged_and_the_present_one_again(void **state)
{
	(void)state;
	struct planning p;
	struct verdict_board *board = verdict_board_open();
	planning_open(&p, HEAD WATCH("d", "") ANSWER TAIL);
	assert_int_equal(planning_errors(&p), 0);
	verdict_board_turn(board);
	close_window(board, "d", "", 0);
	close_window(board, "d", "", 0.5);
	close_window(board, "d", "", 0);
	expect_judged(board, p.graph, false, "=:0 "); /* this look has begun before them */
	verdict_board_turn(board);
	expect_judged(board, p.graph, false, ":0 :0.5 :0 =:0 ");
	expect_judged(board, p.graph, false, ":0 :0.5 :0 =:0 "); /* by another alert */
	verdict_board_turn(board);
	expect_judged(board, p.graph, false, "=:0 ");
	close_window(board, "d", "", 0.25);
	verdict_entry_lend(verdict_board_entry(board, "p", "d")); /* its partition has moved */
	verdict_board_turn(board);
	expect_judged(board, p.graph, false, ":0.25 =:0.25 "); /* it may come back */
	for (int i = 1; i < LENT_TURNS - 1; i++)
		verdict_board_turn(board);
	expect_judged(board, p.graph, false, "=:0.25 ");
	verdict_board_turn(board);
	expect_judged(board, p.graph, false, "=:nan "); /* otherwise an alert would fire here for ever: no window closes here */
	verdict_board_close(board);
	planning_close(&p);
}

static void a_window_is_judged_with_what_the_other_steps_know(void **state)
{
	(void)state;
	struct planning p;
	struct verdict_board *board = verdict_board_open();
	planning_open(&p, HEAD WATCH("d", "") WATCH("e", "") ANSWER TAIL);
	assert_int_equal(planning_errors(&p), 0);
	verdict_board_turn(board);
	close_window(board, "d", "", 0.5);
	close_window(board, "d", "", 0);
	close_window(board, "e", "", 0.125);
	verdict_board_turn(board);
	expect_judged(board, p.graph, false, ":0.5 :0.125 :0.125 =:0.125 ");
	verdict_board_close(board);
	planning_close(&p);
}

static void windows_of_segments_are_judged_in_their_groups(void **state)
{
	(void)state;
	struct planning p;
	struct verdict_board *board = verdict_board_open();
	planning_open(&p, HEAD WATCH("d", ", groupBy: header(\"g\")") WATCH("e", "") ANSWER TAIL);
	assert_int_equal(planning_errors(&p), 0);
	verdict_board_turn(board);
	close_window(board, "d", "a", 0.5);
	close_window(board, "d", "b", 0);
	close_window(board, "e", "", 1);
	close_window(board, "d", "a", 0);
	verdict_board_turn(board);
	expect_judged(board, p.graph, true, "a:0.5 b:0 a:0 =a:0 =b:0 ");
	verdict_board_turn(board);
	expect_judged(board, p.graph, true, "=a:0 =b:0 ");
	verdict_entry_lend(verdict_board_entry(board, "p", "d"));
	expect_judged(board, p.graph, true, "=a:0 =b:0 ");
	for (int i = 0; i < LENT_TURNS; i++)
		verdict_board_turn(board);
	expect_judged(board, p.graph, true, "");
	verdict_board_close(board);
	planning_close(&p);
}

static const struct closed_windows *closed_of(struct verdict_board *board)
{
	verdict_board_turn(board);
	return verdict_entry_closed(verdict_board_entry(board, "p", "d"));
}

static void too_many_windows_are_folded_and_none_with_drift_is_lost(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	char name[16];
	verdict_board_turn(board);
	for (int i = 0; i < CLOSED_WINDOWS_MAX; i++)
		close_window(board, "d", "a", 0);
	close_window(board, "d", "a", 0.5);
	close_window(board, "d", "a", 0);
	close_window(board, "d", "b", 0.25); /* of a segment that has none yet */
	close_window(board, "d", "b", 0);
	const struct closed_windows *closed = closed_of(board);
	assert_int_equal(closed->count, CLOSED_WINDOWS_MAX + 1);
	assert_true(closed->items[CLOSED_WINDOWS_MAX - 2].own.score == 0);
	assert_true(closed->items[CLOSED_WINDOWS_MAX - 1].own.score == 0.5);
	assert_int_equal(closed->items[CLOSED_WINDOWS_MAX - 1].own.verdict, DRIFT_FOUND);
	assert_true(closed->items[CLOSED_WINDOWS_MAX].own.score == 0.25);
	for (int i = 0; i < 3 * DRIFT_SEGMENTS_MAX; i++) {
		(void)snprintf(name, sizeof name, "g%d", i % DRIFT_SEGMENTS_MAX);
		close_window(board, "d", name, i < DRIFT_SEGMENTS_MAX ? 1 : 0);
	}
	closed = closed_of(board);
	assert_int_equal(closed->count, CLOSED_WINDOWS_MAX);
	for (size_t i = 0; i < closed->count; i++)
		assert_int_equal(closed->items[i].own.verdict, DRIFT_FOUND);
	assert_int_equal(closed_of(board)->count, 0);
	verdict_board_close(board);
}

static void nothing_is_kept_before_the_first_turn(void **state)
{
	(void)state;
	struct verdict_board *board = verdict_board_open();
	close_window(board, "d", "", 0.5);
	assert_int_equal(closed_of(board)->count, 0);
	verdict_board_close(board);
}

/* ---- an observer ---- */

static void an_observer_adds_each_window_that_the_rows_of_one_record_close(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	struct verdict_entry *entry = verdict_board_entry(observed.board, "p", "watch");
	verdict_board_turn(observed.board);
	observed_slices(&observed, 85, 85, 5); /* two windows with drift */
	observed_slices(&observed, 75, 75, 0);
	verdict_board_turn(observed.board);
	const struct closed_windows *closed = verdict_entry_closed(entry);
	size_t found = 0;
	for (size_t i = 0; i < closed->count; i++)
		found += closed->items[i].own.verdict == DRIFT_FOUND;
	assert_int_equal(observed.count, 4);
	assert_int_equal(closed->count, observed.count + observed.early_count);
	assert_true(found >= 2);
	assert_int_equal(verdict_entry_get(entry, TEXT("")).verdict, DRIFT_STEADY); /* which alone was judged */
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_alert_knows_the_feature_that_has_moved_most),
		cmocka_unit_test(each_window_since_the_last_look_is_judged_and_the_present_one_again),
		cmocka_unit_test(a_window_is_judged_with_what_the_other_steps_know),
		cmocka_unit_test(windows_of_segments_are_judged_in_their_groups),
		cmocka_unit_test(too_many_windows_are_folded_and_none_with_drift_is_lost),
		cmocka_unit_test(nothing_is_kept_before_the_first_turn),
		cmocka_unit_test(an_observer_adds_each_window_that_the_rows_of_one_record_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
