/* drift_topic_test.c: a step `drift` whose reference is learnt from a topic: what it says until then, and what goes on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/observed.h"

/* Another engine, which knows nothing of the topic yet. */
static void engine_change(struct observed *observed)
{
	observed_engine_close(observed);
	verdict_board_close(observed->board);
	observed->board = verdict_board_open();
	observed_engine_open(observed);
}

static void nothing_is_judged_until_the_reference_is_learnt(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL);
	observed_rows(&observed, 39, 1, 4);
	assert_int_equal(observed.count, 0);
	observed_rows(&observed, 2, 1, 4);
	assert_string_equal(observed.state, "learning");
	assert_false(observed.flagged);
	assert_true(observed.score == 0);
	assert_int_equal(observed.count, 1); /* after as many as a window has */
	assert_int_equal(observed.seen[0].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[0].unusable, 40);
	assert_int_equal(observed.seen[0].messages, 0);
	observed_close(&observed);
}

/* Those that came before are in the first verdict, as unusable. */
static void a_learnt_reference_judges_as_its_file(void **state)
{
	(void)state;
	struct observed observed, file;
	observed_open_topic(&observed, USUAL);
	observed_open(&file, USUAL);
	observed_rows(&observed, 7, 1, 0);
	observed_rows(&file, 7, 1, 0);
	observed_engine_close(&file);
	store_close(file.store);
	file.store = NULL;
	observed_engine_open(&file);
	observed_learn(&observed, false);
	for (int moved = 0; moved < 5; moved += 4) {
		observed_rows(&observed, 40, 1, moved);
		observed_rows(&file, 40, 1, moved);
	}
	assert_int_equal(observed.count, 2);
	assert_int_equal(file.count, 2);
	assert_int_equal(observed.seen[0].unusable, 7);
	assert_int_equal(observed.seen[1].unusable, 0);
	assert_int_equal(observed.seen[0].reference_rows, REFERENCE_ROWS);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(observed.seen[i].messages, 40);
		assert_int_equal(observed.seen[i].verdict, i ? DRIFT_FOUND : DRIFT_STEADY);
		assert_true(observed.seen[i].sum == file.seen[i].sum);
	}
	observed_close(&observed);
	observed_close(&file);
}

static void a_window_goes_on_when_the_same_reference_is_learnt_again(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL);
	observed_learn(&observed, false);
	observed_rows(&observed, 30, 1, 0);
	engine_change(&observed);
	observed_rows(&observed, 10, 1, 4);
	assert_int_equal(observed.count, 0);
	observed_learn(&observed, false);
	observed_rows(&observed, 10, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].unusable, 10);
	assert_int_equal(observed.seen[0].verdict, DRIFT_STEADY);
	assert_int_equal(observed.begun, 1);
	observed_close(&observed);
}

static void a_window_begins_anew_with_another_reference(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL);
	observed_learn(&observed, false);
	observed_rows(&observed, 30, 1, 4);
	engine_change(&observed);
	observed_learn(&observed, true);
	observed_rows(&observed, 39, 1, 0);
	assert_int_equal(observed.count, 0);
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].verdict, DRIFT_STEADY);
	assert_int_equal(observed.begun, 2);
	observed_close(&observed);
}

/* The segments that are known count once, though messages waited between. */
static void segments_are_counted_once_over_a_restart(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL ", groupBy: key");
	observed_learn(&observed, false);
	char keys[DRIFT_SEGMENTS_MAX][8];
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < DRIFT_SEGMENTS_MAX; i++) {
			snprintf(keys[i], sizeof keys[i], "k%zu", i);
			observed.key = text_of(keys[i]);
			observed_rows(&observed, 1, 1, 0);
		}
		engine_change(&observed);
		observed_rows(&observed, 1, 1, 0);
		observed_learn(&observed, false);
	}
	observed.key = TEXT("more");
	observed_rows(&observed, 40, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].beyond + observed.seen[0].unusable, 40);
	assert_true(observed.seen[0].beyond >= 38);
	observed_close(&observed);
}

#define CONSTANTS 100

static void constants_learn(struct verdict_entry *entry)
{
	static char file[4096];
	size_t length = (size_t)snprintf(file, sizeof file,
					 "{\"format\": \"sluice_drift/1\", \"rows\": %d, \"block\": %d, \"features\": [", CONSTANTS,
					 CONSTANTS);
	for (int feature = 0; feature < 2; feature++) {
		length += (size_t)snprintf(file + length, sizeof file - length,
					   "%s{\"name\": \"x.%s\", \"kind\": \"numbers\", \"missing\": 0, \"least\": 7, "
					   "\"greatest\": 7, \"values\": [",
					   feature ? ", " : "", feature ? "b" : "a");
		for (int i = 0; i < CONSTANTS; i++)
			length += (size_t)snprintf(file + length, sizeof file - length, "%s7", i ? ", " : "");
		length += (size_t)snprintf(file + length, sizeof file - length, "]}");
	}
	length += (size_t)snprintf(file + length, sizeof file - length, "]}");
	assert_true(verdict_entry_learn(entry, "before", (struct text){file, length}));
}

/* Columns that do not vary have no standard deviation, by which the distance could be divided. What stays `learning` for ever would
 * look like a reference that is still read. */
static void a_learnt_reference_that_nothing_can_be_compared_with_says_so(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL ", methods: [wasserstein]");
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(verdict_entry_watching(entry).watching, WATCHING_LEARNING);
	constants_learn(entry);
	observed_rows(&observed, 39, 1, 0);
	const struct watching_state watching = verdict_entry_watching(entry);
	assert_int_equal(watching.watching, WATCHING_UNFIT);
	assert_non_null(strstr(watching.why, "none of the methods applies to a feature of the reference"));
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].verdict, DRIFT_LEARNING);
	assert_non_null(strstr(observed.seen[0].uncompared, "none of the methods applies to a feature of the reference"));
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_judged_until_the_reference_is_learnt),
		cmocka_unit_test(a_learnt_reference_that_nothing_can_be_compared_with_says_so),
		cmocka_unit_test(a_learnt_reference_judges_as_its_file),
		cmocka_unit_test(a_window_goes_on_when_the_same_reference_is_learnt_again),
		cmocka_unit_test(a_window_begins_anew_with_another_reference),
		cmocka_unit_test(segments_are_counted_once_over_a_restart),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
